"""The STUN and TURN servers that a page is told of."""

from typing import cast

from twisted.logger import capturedLogs, formatEvent

from tests.web.harness import WebTestCase
from wrtcgw.daemon.composition import http_surface
from wrtcgw.gateway import Gateway
from wrtcgw.web import GatewaySite, WebSettings
from wrtcgw.web.ice import ice_view
from wrtcgw.web.settings import IceSettings

NOW = 1_700_000_000.75
STUN = ("stun:turn.example.org:3478",)
TURN = ("turn:turn.example.org:3478", "turns:turn.example.org:443?transport=tcp")
ICE = IceSettings(stun=STUN, turn=TURN, secret="north wind", ttl=3600)
ASKED = "/api/webrtc/ice?id=agent123"
TURN_SERVER = {
    "urls": list(TURN),
    "username": "1700003600:5001",
    # printf 1700003600:5001 | openssl dgst -sha1 -hmac 'north wind' -binary | base64
    "credential": "9rkmkK4AsZAKM2AeEaw+jbtsRTA=",
}


class Ice(WebTestCase):
    """GET /api/webrtc/ice."""

    settings = WebSettings(ice=ICE)

    def configure(self, settings: WebSettings) -> None:
        """Put the surface up with a wall clock that stands still."""
        self.surface = http_surface(cast(Gateway, self.gateway), settings, self.clock, wall=lambda: NOW)
        self.resource = self.surface.resource()
        self.site = GatewaySite(self.surface, reactor=self.clock)

    def test_known_vector(self) -> None:
        """The username says when the credentials end, and whose they are; the password is coturn's."""
        self.sign_in()
        answer = self.ask("GET", ASKED)
        servers = [{"urls": list(STUN)}, TURN_SERVER]
        self.assertEqual(answer.json, {"iceServers": servers, "ttl": 3600, "expires": 1_700_003_600})
        self.assertEqual(answer.headers["cache-control"], "no-store")

    def test_each_has_credentials_of_its_own(self) -> None:
        """Another DN has another name at the TURN server, and so has a guest."""
        self.sign_in()
        self.sign_in("other", "guest-1")
        (_, theirs) = self.ask("GET", "/api/webrtc/ice?id=other").json["iceServers"]
        self.assertEqual(theirs["username"], "1700003600:guest-1")
        self.assertNotEqual(theirs["credential"], TURN_SERVER["credential"])

    def test_session_required(self) -> None:
        """Nobody else gets them: not by a foreign token, not from elsewhere, not without a sign_in."""
        self.assertEqual(self.ask("GET", ASKED).error, (401, "session_required"))
        token = self.sign_in()
        foreign = self.ask("GET", ASKED, headers={"Authorization": "Bearer x"})
        self.assertEqual(foreign.error, (403, "foreign_session"))
        self.assertEqual(self.ask("GET", "/api/webrtc/ice").error, (400, "bad_input"))
        self.assertEqual(self.ask("POST", ASKED).error, (405, "wrong_method"))
        wire = self.wire("192.0.2.7")
        wire.get(ASKED)
        self.assertEqual(wire.answer().error, (401, "session_required"))
        wire.get(ASKED, Authorization=f"Bearer {token}")
        self.assertEqual(wire.answer().code, 200)

    def test_only_what_is_there(self) -> None:
        """Without servers the list is empty; without TURN servers there are no credentials."""
        self.assertEqual(ice_view(IceSettings(), "5001", NOW)["iceServers"], [])
        self.assertEqual(ice_view(IceSettings(stun=STUN), "5001", NOW)["iceServers"], [{"urls": list(STUN)}])
        self.assertEqual(
            ice_view(IceSettings(turn=TURN, secret="north wind"), "5001", NOW)["iceServers"], [TURN_SERVER]
        )

    def test_reconfigured(self) -> None:
        """Servers can change while pages are signed in."""
        self.sign_in()
        self.surface.reconfigure(WebSettings(ice=IceSettings(stun=STUN, ttl=60)))
        expected = {"iceServers": [{"urls": list(STUN)}], "ttl": 60, "expires": 1_700_000_060}
        self.assertEqual(self.ask("GET", ASKED).json, expected)

    def test_secret_is_not_told(self) -> None:
        """Neither the settings as text nor a log has the secret."""
        self.assertNotIn("north", repr(self.settings))
        self.sign_in()
        with capturedLogs() as events:
            self.assertNotIn("north", self.ask("GET", ASKED).text)
        self.assertNotIn("north", "".join(str(formatEvent(event)) for event in events))
