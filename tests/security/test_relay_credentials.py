"""TURN credentials: who has any can send packets in the operator's name, so visitors get them for a call only."""

from typing import cast

from tests.support.gatewaycase import GatewayCase
from tests.web.harness import Answer, WebTestCase
from wrtcgw.daemon.composition import http_surface
from wrtcgw.web import GatewaySite, WebSettings
from wrtcgw.web.settings import IceSettings

ICE = IceSettings(stun=("stun:turn.example.org",), turn=("turn:turn.example.org",), secret="s3cret")


class Visitors(GatewayCase):
    """A guest who may call 8000 and 85*."""

    def setUp(self) -> None:
        super().setUp()
        self.start(guest_mode="unregistered", guest_destinations=("8000", "85*"))
        self.surface = http_surface(self.gateway, WebSettings(ice=ICE), self.clock)
        self.resource = self.surface.resource()
        self.site = GatewaySite(self.surface, reactor=self.clock)
        answer = self.ask("/api/webrtc/sign_in?guest=1", Accept="application/json").json
        self.guest, self.token = answer["id"], answer["session"]

    def ask(self, path: str, method: str = "GET", data: bytes | None = None, **headers: str) -> Answer:
        """Send a request."""
        pending = WebTestCase.begin(cast(WebTestCase, self), method, path, headers=headers, data=data)
        self.run_for()
        return pending.answer()

    def kinds(self, more: str = "") -> list[bool]:
        """Return for each server that the guest is told whether it has a credential."""
        answer = self.ask(f"/api/webrtc/ice?id={self.guest}{more}", Authorization=f"Bearer {self.token}")
        return ["credential" in server for server in answer.json["iceServers"]]

    def test_before_a_call(self) -> None:
        """Without naming a call a guest is told of STUN alone, and for one that it may not make of nothing."""
        for more in ("", "&to="):
            self.assertEqual(self.kinds(more), [False], more)
        for to in ("1003", "sip:8000@evil.example", "%0d%0a", "9000", "*"):
            answer = self.ask(f"/api/webrtc/ice?id={self.guest}&to={to}", Authorization=f"Bearer {self.token}")
            self.assertIn(answer.code, (400, 403), to)
            self.assertNotIn("credential", answer.text)

    def test_for_a_call(self) -> None:
        """For whom it may call it is told of the relay as well."""
        for more in ("&to=8000", "&to=8512"):
            self.assertEqual(self.kinds(more), [False, True], more)

    def test_agents(self) -> None:
        """Agents, who may be called at any time, always are."""
        agent = self.ask("/api/webrtc/sign_in?id=a&dn=5001&password=secret", Accept="application/json").json
        answer = self.ask("/api/webrtc/ice?id=a", Authorization=f"Bearer {agent['session']}").json
        self.assertEqual(len(answer["iceServers"]), 2)
