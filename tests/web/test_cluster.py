"""Pages of two gateways that share a store: each of them serves any page that shows its session."""

import re
from pathlib import Path
from typing import Any, cast

from tests.support.clustercase import TTL, ClusterCase, Node
from tests.support.farside import FarCall
from tests.web.genesys.dialectcase import BROWSER_SDP, CANDIDATE, FORM, ORIGIN, PBX_SDP, message
from tests.web.harness import Answer, Pending, WebTestCase, Wire
from wrtcgw.calls.agent import RegistrationState
from wrtcgw.daemon.composition import http_surface
from wrtcgw.web import GatewaySite, WebSettings
from wrtcgw.web.arrivals import FAILURES, ending, key_in
from wrtcgw.web.genesys import GenesysSettings
from wrtcgw.web.sessions import TOKEN_LENGTH

MESSAGE = "/api/webrtc/message?id=agent123"
CALLS = "/api/webrtc/calls?id=agent123"
OFFER = BROWSER_SDP.replace("RTP/SAVPF", "UDP/TLS/RTP/SAVPF") + f"a={CANDIDATE}\r\n"
DIALECT = GenesysSettings()


class WebClusterCase(ClusterCase):
    """Two gateways with their HTTP surfaces; secrets are sealed by the pages' tokens."""

    key = None

    def node(self, name: str, flow: int) -> Node:
        """Make a gateway with its surface."""
        node: Any = super().node(name, flow)
        node.surface = http_surface(
            node.gateway, WebSettings(operator_loopback=True), node.clock, genesys=DIALECT, wall=node.clock.seconds
        )
        node.resource = node.surface.resource()
        return cast(Node, node)

    def begin_ask(self, node: Any, method: str, path: str, **more: Any) -> Pending:
        """Begin a request to one of them."""
        self.resource = node.resource
        return WebTestCase.begin(cast(WebTestCase, self), method, path, **more)

    def ask(self, node: Any, method: str, path: str, seconds: float = 0.3, **more: Any) -> Answer:
        """Ask one of them."""
        pending = self.begin_ask(node, method, path, **more)
        self.run_for(seconds)
        return pending.answer()

    def wire(self, node: Any) -> Wire:
        """Connect to one of them."""
        return Wire(GatewaySite(node.surface, reactor=node.clock))


class Tokens(WebClusterCase):
    """What tokens say of their agents."""

    def test_names(self) -> None:
        """Any account is found in a token that was made for it, and none in what is no token."""
        token = "t" * TOKEN_LENGTH
        for key in ("5001", "a_b-c", "-x", "Ä gent/№ 5", "guest-ab12-1", "half \ud83d", "a.b@c"):
            self.assertRegex(ending(key), "^[A-Za-z0-9_-]+$")
            self.assertEqual(key_in((token + ending(key)).encode()), key)
        for text in ("", "5001", token, token + "-", token + "-!", token + "x" * 300, token + "Ä", token + ".5001"):
            self.assertEqual(key_in(text.encode()), "", text)

    def test_balancer(self) -> None:
        """The sample for nginx knows where in a token the account stands."""
        sample = (Path(__file__).parents[2] / "conf/nginx/wrtcgw-cluster.conf").read_text()
        lengths = re.findall(r"\[A-Za-z0-9_-\]\{(\d+)\}|\[a-z0-9_-\]\{(\d+)\}", sample)
        self.assertEqual({first or second for first, second in lengths}, {str(TOKEN_LENGTH)})
        self.assertGreater(len(lengths), 4)


class Library(WebClusterCase):
    """Pages of the REST dialect."""

    def sign_in_page(self, node: Node, dn: str = "5001") -> dict[str, str]:
        """Sign in; return the header fields that show the session."""
        fields = {"id": "agent123", "dn": dn, "password": self.far.passwords[dn]}
        answer = self.ask(node, "POST", "/api/webrtc/sign_in", data=fields, headers={})
        self.assertEqual(answer.code, 200, answer.text)
        return {"X-WRTC-Session": answer.headers["x-wrtc-session"], "Accept": "application/json"}

    def place(self, node: Node, session: dict[str, str]) -> tuple[str, FarCall]:
        """Place a call that is answered; return its id, and the call."""
        headers = {**session, "Content-Type": "text/plain"}
        placed = self.ask(
            node, "POST", "/api/webrtc/message?from=agent123&to=1003", data=OFFER.encode(), headers=headers
        )
        far = self.far.calls[-1]
        far.answer(PBX_SDP)
        self.run_for(0.5)
        return placed.headers["x-wrtc-call"], far

    def test_goes_on(self) -> None:
        """The session is good there, the call is the same, it registers, and the call can be ended."""
        session = self.sign_in_page(self.a)
        call, far = self.place(self.a, session)
        self.a.kill()
        answer = self.ask(self.b, "GET", CALLS, headers=session)
        self.assertEqual([(each["callId"], each["state"]) for each in answer.json["calls"]], [(call, "ESTABLISHED")])
        self.run_for(1)
        self.assertEqual(self.b.agent("agent123").registration, RegistrationState.REGISTERED)
        far.answer(PBX_SDP)
        self.run_for(1)
        ended = self.ask(self.b, "POST", f"/api/webrtc/hangup?id=agent123&call={call}", headers=session)
        self.assertEqual((ended.code, far.methods()[-1]), (200, "BYE"))

    def test_messages(self) -> None:
        """Polls go on with the next number, and nothing comes twice."""
        session = self.sign_in_page(self.a)
        self.place(self.a, session)
        seqs = [self.ask(self.a, "GET", MESSAGE, headers=session).json["seq"]]
        while (answer := self.ask(self.b, "GET", MESSAGE, headers=session)).code == 200:
            seqs.append(answer.json["seq"])
        self.assertEqual(seqs, list(range(1, len(seqs) + 1)))
        self.assertGreater(len(seqs), 2)

    def test_poll_hangs(self) -> None:
        """A poll that hangs at the one that has lost the agent is answered, so that the page asks again."""
        session = self.sign_in_page(self.a)
        hanging = self.begin_ask(self.a, "GET", f"{MESSAGE}&wait=60", headers=session)
        self.run_for(0.1)
        while not hanging.hangs:
            hanging = self.begin_ask(self.a, "GET", f"{MESSAGE}&wait=60", headers=session)
            self.run_for(0.1)
        self.ask(self.b, "GET", CALLS, headers=session)
        self.run_for(TTL)
        self.assertEqual(hanging.answer().code, 204)
        self.assertEqual(self.ask(self.b, "GET", CALLS, headers=session).code, 200)

    def test_ways_to_ask(self) -> None:
        """Whatever comes first brings the agent: a stream, a verb with its id in the body, a cookie, the desktop."""
        session = self.sign_in_page(self.a)
        (name,) = self.cookies(self.a, session)
        token = session["X-WRTC-Session"]
        asks: tuple[tuple[str, str, Any], ...] = (
            ("POST", "/api/webrtc/stats", {"json": {"id": "agent123", "call": "none"}, "headers": session}),
            ("GET", CALLS, {"headers": {"Cookie": f"{name}={token}"}}),
            ("GET", "/softphone-api/GetDnSIP", {"headers": {"Authorization": f"Bearer {token}"}}),
        )
        for node, (method, path, more) in zip((self.b, self.a, self.b), asks, strict=True):
            self.assertFalse(node.has())
            self.ask(node, method, path, **more)
            self.assertTrue(node.has(), path)
            self.run_for(TTL)
        wire = self.wire(self.a)
        wire.get("/api/webrtc/events?id=agent123", X_WRTC_Session=token)
        self.run_for()
        self.assertIn(b"text/event-stream", wire.received)
        wire.lose()

    def cookies(self, node: Node, session: dict[str, str]) -> list[str]:
        """Return the names of the cookies that a sign_in sets."""
        fields = {"id": "agent123", "dn": "5001", "password": "secret"}
        answer = self.ask(node, "POST", "/api/webrtc/sign_in", data=fields, headers=session)
        session["X-WRTC-Session"] = answer.headers["x-wrtc-session"]
        return [answer.headers["set-cookie"].partition("=")[0]]

    def test_wrong_tokens(self) -> None:
        """A token that is not the session's brings nobody, and soon costs the store nothing."""
        session = self.sign_in_page(self.a)
        token = session["X-WRTC-Session"]
        reads: list[str] = []
        read = self.b.store.read

        def counted(key: str) -> Any:
            reads.append(key)
            return read(key)

        self.b.store.read = counted  # type: ignore[method-assign]
        for number in range(FAILURES.burst + 20):
            wrong = f"{number:08}{token[8:]}"
            answer = self.ask(self.b, "GET", CALLS, 0.001, headers={"X-WRTC-Session": wrong})
            self.assertIn(answer.code, (401, 403, 404))
        self.assertLessEqual(len(reads), FAILURES.burst + 1)
        self.assertFalse(self.b.has())
        self.assertEqual(self.records.owner("5001"), "a")
        self.run_for(5)
        self.assertEqual(self.ask(self.b, "GET", CALLS, headers=session).code, 200)

    def test_signed_in_elsewhere(self) -> None:
        """A page that has signed in at the other gateway is served by the one that has not noticed yet."""
        self.sign_in_page(self.a)
        session = self.sign_in_page(self.b)
        self.assertTrue(self.a.has())
        self.assertEqual(self.ask(self.a, "GET", CALLS, headers=session).code, 200)
        self.run_for(TTL)
        self.assertEqual([node.has() for node in self.nodes], [True, False])

    def test_signed_out(self) -> None:
        """Who has signed out anywhere is signed out everywhere."""
        session = self.sign_in_page(self.a)
        self.assertEqual(
            self.ask(self.b, "POST", "/api/webrtc/sign_out?id=agent123", headers=session, seconds=1).code, 200
        )
        self.run_for(TTL)
        for node in self.nodes:
            self.assertEqual(self.ask(node, "GET", CALLS, headers=session).code, 404)
        self.assertNotIn("5001", self.far.contacts)
        self.assertEqual(self.records.records, {})

    def test_store_is_gone(self) -> None:
        """A page hears that it is to try again, not that it is signed out."""
        session = self.sign_in_page(self.a)
        self.records.fault = "gone"
        answer = self.ask(self.b, "GET", CALLS, headers=session)
        self.assertEqual(answer.error, (503, "store_unavailable"))

    def test_after_a_stop(self) -> None:
        """What a page had asked of a process that was stopped is not done for an agent that it has lost meanwhile."""
        session = self.sign_in_page(self.a)
        call, far = self.place(self.a, session)
        self.a.stop()
        self.run_for(1)
        self.assertEqual(self.ask(self.b, "GET", CALLS, headers=session).code, 200)
        far.answer(PBX_SDP)
        self.run_for(2 * TTL)
        self.a.store.fault = "not connected yet"
        self.a.go_on()
        path = f"/api/webrtc/hangup?id=agent123&call={call}"
        asked = self.begin_ask(self.a, "POST", path, headers={"X-WRTC-Session": "x" * 50})
        self.run_for(0.5)
        self.assertTrue(asked.hangs)
        self.a.store.fault = ""
        self.run_for(1)
        self.assertIn(asked.answer().code, (401, 403, 404))
        self.assertNotIn("BYE", far.methods())
        self.assertTrue(self.b.has())


class Vendor(WebClusterCase):
    """Pages of the vendor's kind."""

    def sign_in_page(self, node: Node) -> str:
        """Sign in; return the SSID."""
        headers = {"Origin": ORIGIN, "Content-Type": FORM}
        answer = self.ask(node, "POST", "/sign_in", data=b"5001:secret", headers=headers)
        self.assertEqual(answer.code, 200, answer.text)
        return answer.text.partition("=")[2]

    def post(self, node: Node, ssid: str, body: str) -> Answer:
        """Post a message."""
        headers = {"Origin": ORIGIN, "Content-Type": FORM}
        return self.ask(node, "POST", f"/message?from={ssid}&to=1003", data=body.encode(), headers=headers)

    def place(self, node: Node, ssid: str) -> FarCall:
        """Place a call that is answered, and fetch the answer."""
        numbers = {"offererSessionId": 102, "answererSessionId": None, "seq": 1, "tiebreaker": 1}
        self.post(node, ssid, message("OFFER", sdp=BROWSER_SDP, **numbers))
        far = self.far.calls[-1]
        far.answer(PBX_SDP)
        self.run_for(0.5)
        self.assertIn("ANSWER", self.ask(node, "GET", f"/wait?id={ssid}", headers={"Origin": ORIGIN}).text)
        return far

    def test_goes_on(self) -> None:
        """The SSID is good there, and the page ends its call."""
        ssid = self.sign_in_page(self.a)
        far = self.place(self.a, ssid)
        self.a.kill()
        hanging = self.begin_ask(self.b, "GET", f"/wait?id={ssid}", headers={"Origin": ORIGIN})
        self.run_for(1)
        self.assertTrue(hanging.hangs)
        far.answer(PBX_SDP)
        self.run_for(1)
        self.assertEqual(self.post(self.b, ssid, "BYE").code, 200)
        self.assertEqual(far.methods()[-1], "BYE")

    def test_wait_hangs(self) -> None:
        """At the gateway that has lost it, its connection is just closed: a 204 would sign it out."""
        ssid = self.sign_in_page(self.a)
        wire = self.wire(self.a)
        wire.get(f"/wait?id={ssid}")
        self.run_for()
        self.assertEqual(wire.received, b"")
        self.begin_ask(self.b, "GET", f"/wait?id={ssid}", headers={"Origin": ORIGIN})
        self.run_for(TTL)
        self.assertEqual(wire.received, b"")
        self.assertTrue(wire.transport.disconnecting)
        self.assertTrue(self.b.has())

    def test_former(self) -> None:
        """An SSID that a later sign_in has replaced brings nobody anywhere."""
        ssid = self.sign_in_page(self.a)
        self.sign_in_page(self.a)
        answer = self.ask(self.b, "GET", f"/wait?id={ssid}", headers={"Origin": ORIGIN})
        self.assertEqual(answer.code, DIALECT.unknown_session)
        self.assertFalse(self.b.has())
