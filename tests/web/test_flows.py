"""The HTTP surface over the real gateway and the real core, with a scripted far side: whole calls, in virtual time."""

from typing import Any, cast

from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher

from tests.support.farside import SDP as FAR_SDP
from tests.support.farside import FarCall
from tests.support.gatewaycase import PAGE_SDP, GatewayCase
from tests.support.openapi import message_faults
from tests.web.harness import Answer, Pending, WebTestCase, Wire
from tests.web.test_seed import CURL, OFFER
from wrtcgw.daemon.composition import http_surface
from wrtcgw.redact import redact
from wrtcgw.web import GatewaySite, WebSettings

PASSWORD = "Genesys2024!WebRTC"
POLL = "/api/webrtc/message?id=agent123"
POST = "/api/webrtc/message?from=agent123"
JSON = {"Accept": "application/json"}
TEXT = {"Content-Type": "text/plain"}


class FlowCase(GatewayCase):
    """A page, a gateway and a far side."""

    def start(self, **changes: object) -> None:
        """Make the gateway and its HTTP surface."""
        self.passwords.update({"5001": PASSWORD, "5002": "other"})
        super().start(**changes)
        self.surface = http_surface(self.gateway, WebSettings(), self.clock)
        self.resource = self.surface.resource()

    def post(self, path: str, seconds: float = 0.2, method: str = "POST", **more: Any) -> Answer:
        """Send a request, and return its response, which must come within ``seconds``."""
        pending = self.request(method, path, **more)
        self.run_for(seconds)
        return pending.answer()

    def get(self, path: str, seconds: float = 0.2, **more: Any) -> Answer:
        """Send a GET, and return its response."""
        return self.post(path, seconds, "GET", **more)

    def request(self, method: str, path: str, **more: Any) -> Pending:
        """Send a request."""
        return WebTestCase.begin(cast(WebTestCase, self), method, path, **more)

    def welcome(self, agent_id: str = "agent123", dn: str = "5001") -> None:
        """Sign an agent in."""
        path = f"/api/webrtc/sign_in?id={agent_id}&dn={dn}&password={self.passwords[dn]}"
        self.assertEqual(self.get(path).text, "OK")

    def verb(self, name: str, query: str = "", seconds: float = 1.0, **more: Any) -> Answer:
        """Ask for a verb in JSON."""
        more.setdefault("headers", JSON)
        return self.post(f"/api/webrtc/{name}?id=agent123{query}", seconds, **more)

    def roap(self) -> list[dict[str, Any]]:
        """Poll all that waits, in ROAP's form; each message has to be as it is described."""
        told = []
        while (answer := self.get(POLL, headers=JSON)).code == 200:
            told.append(answer.json)
            self.assertEqual(message_faults(told[-1]), [], told[-1])
        return told

    def types(self) -> list[str]:  # type: ignore[override]
        """Poll all that waits; return the types."""
        return [message["messageType"] for message in self.roap()]

    def call_up(self, to: str = "1003") -> tuple[str, FarCall]:
        """Place a call that is answered; its messages are polled."""
        call_id = self.post(f"{POST}&to={to}", data=PAGE_SDP.encode(), headers=TEXT).headers["x-wrtc-call"]
        far = self.far.calls[-1]
        far.answer()
        self.run_for(1)
        self.roap()
        return call_id, far


class SeedLines(FlowCase):
    """The seed document's lines, through to the far side."""

    def test_as_printed(self) -> None:
        """sign_in gives OK, message gives OK, the poll gives the far side's answer."""
        self.assertEqual(self.get("/api/health", headers=CURL).json["status"], "ok")
        line = "/api/webrtc/sign_in?id=agent123&dn=5001&password=Genesys2024!WebRTC"
        self.assertEqual(self.get(line, headers=CURL).text, "OK")
        self.assertIn("5001", self.far.contacts)
        self.assertEqual(self.get("/api/health", headers=CURL).json["registered_agents"], 1)
        answer = self.post(f"{POST}&to=1003", data=OFFER, headers={**CURL, **TEXT})
        self.assertEqual(answer.text, "OK")
        far = self.far.calls[-1]
        self.assertIn("m=audio 9 UDP/TLS/RTP/SAVPF 0 8\r\n", far.offer)
        far.ring()
        self.run_for()
        self.assertEqual(self.get(POLL, headers=CURL).code, 204)
        poll = self.request("GET", POLL + "&wait=25", headers=CURL)
        far.answer()
        self.run_for()
        self.assertEqual(poll.answer().text, FAR_SDP)
        self.assertEqual(self.get("/api/health", headers=CURL).json["active_calls"], 1)

    def test_refused_offer_is_told(self) -> None:
        """A far side that cannot take the test offer is told once as 410, with its code and a text."""
        self.welcome()
        self.post(f"{POST}&to=1003", data=OFFER, headers=TEXT)
        self.far.calls[-1].refuse(488)
        self.run_for()
        answer = self.get(POLL)
        self.assertEqual(answer.error, (410, "call_ended"))
        self.assertEqual(answer.json["sipCode"], 488)
        self.assertIn("488 Not Acceptable Here", answer.json["error"])
        self.assertEqual(self.get(POLL).code, 204)


class SignIns(FlowCase):
    """What the registrar says."""

    def test_wrong_password(self) -> None:
        """A wrong password is 401 within 2 s."""
        answer = self.get("/api/webrtc/sign_in?id=agent123&dn=5001&password=wrong", 2)
        self.assertEqual(answer.error, (401, "registration_refused"))
        self.assertEqual(self.get(POLL).error, (401, "session_required"))

    def test_silent_registrar(self) -> None:
        """A registrar that never answers is 504."""
        self.far.silent.add("REGISTER")
        answer = self.get(f"/api/webrtc/sign_in?id=agent123&dn=5001&password={PASSWORD}", 10)
        self.assertEqual(answer.error, (504, "registration_timeout"))

    def test_dead_proxy(self) -> None:
        """Without a connection sign_in is 503, and a balancer hears it too."""
        self.gateway.disconnected(0)
        path = f"/api/webrtc/sign_in?id=agent123&dn=5001&password={PASSWORD}"
        self.assertEqual(self.get(path, 7).error, (503, "no_sip_connection"))
        ready = self.get("/api/ready")
        self.assertEqual((ready.code, ready.json["obstacles"]), (503, ["no_sip_connection"]))

    def test_page_that_leaves_meanwhile(self) -> None:
        """A page that goes before the registrar has answered leaves no registration and no agent behind."""
        site = GatewaySite(self.surface, reactor=Clock())
        wire = Wire(site)
        wire.get(f"/api/webrtc/sign_in?id=agent123&dn=5001&password={PASSWORD}")
        wire.lose()
        self.run_for(2)
        self.assertEqual(list(self.gateway.agents()), [])
        self.assertEqual(self.far.contacts, {})
        self.welcome()

    def test_id_of_another_dn(self) -> None:
        """Another DN does not get the id, unless its page shows the session."""
        self.welcome()
        path = "/api/webrtc/sign_in?id=agent123&dn=5002&password=other"
        self.assertEqual(self.get(path).error, (409, "agent_in_use"))

    def test_taken_over(self) -> None:
        """When another id signs in with the DN, the earlier page is told, and its poll ends."""
        self.welcome()
        poll = self.request("GET", POLL + "&wait=60", headers=JSON)
        self.welcome("agent9")
        self.assertEqual(poll.answer().json["messageType"], "SIGNED_OUT")
        self.assertEqual(self.get(POLL).error, (404, "not_signed_in"))

    def test_sign_out(self) -> None:
        """sign_out hangs up and un-REGISTERs."""
        self.welcome()
        _, far = self.call_up()
        self.assertEqual(self.get("/api/webrtc/sign_out?id=agent123", 1).text, "OK")
        self.assertEqual(far.methods()[-1], "BYE")
        self.assertEqual(self.far.contacts, {})

    def test_bad_input(self) -> None:
        """What is no SDP, and what cannot be dialled, is 400 and sends nothing."""
        self.welcome()
        self.assertEqual(self.post(f"{POST}&to=1003", data=b"hello", headers=TEXT).error, (400, "bad_input"))
        for to in ("sip:1@evil.example", "1003%0D%0AX-Evil: 1", "%3Csip:1@example.org%3E"):
            answer = self.post(f"{POST}&to={to}", data=PAGE_SDP.encode(), headers=TEXT)
            self.assertEqual((answer.error, answer.json["field"]), ((400, "bad_input"), "to"), to)
        self.assertEqual(self.far.calls, [])


class Calls(FlowCase):
    """Calls both ways."""

    def setUp(self) -> None:
        super().setUp()
        self.welcome()

    def test_incoming(self) -> None:
        """An incoming call is offered to the poll, answered by a post without ``to``, and ended by the far side."""
        far = self.far.call("5001", caller="5002")
        self.run_for()
        offer = self.get(POLL)
        self.assertEqual((offer.text, offer.headers["x-wrtc-message"]), (FAR_SDP, "OFFER"))
        self.assertIn("5002", offer.headers["x-wrtc-from"])
        answer = self.post(POST, data=PAGE_SDP.encode(), headers=TEXT)
        self.assertEqual((answer.text, answer.headers["x-wrtc-call"]), ("OK", offer.headers["x-wrtc-call"]))
        self.assertEqual(far.last("INVITE").status, 200)
        self.run_for(1)
        far.bye()
        self.run_for()
        end = self.get(POLL)
        self.assertEqual((end.error, end.json["cause"]), ((410, "call_ended"), "remote"))
        self.assertEqual(self.post(POST, data=PAGE_SDP.encode(), headers=TEXT).error, (404, "unknown_call"))

    def test_rejected(self) -> None:
        """Reject tells the caller 486, and the page is not told of its own doing in the plain form."""
        far = self.far.call("5001")
        self.run_for()
        self.assertEqual(self.get(POLL).code, 200)
        self.assertEqual(self.verb("reject").code, 200)
        self.assertEqual(far.last("INVITE").status, 486)
        self.assertEqual(self.get(POLL).code, 204)

    def test_cancelled_by_the_caller(self) -> None:
        """A caller who gives up is told as the end of the call."""
        far = self.far.call("5001")
        self.run_for()
        self.assertEqual(self.get(POLL).headers["x-wrtc-message"], "OFFER")
        far.cancel()
        self.run_for()
        self.assertEqual(self.get(POLL).json["cause"], "cancelled")

    def test_offer_of_a_call_that_is_over_is_left_out(self) -> None:
        """A plain poll that comes after the caller gave up is told of the end, not handed the offer."""
        self.welcome()
        far = self.far.call("5001")
        self.run_for()
        far.cancel()
        self.run_for()
        told = self.get(POLL)
        self.assertEqual((told.code, told.json["cause"]), (410, "cancelled"))
        self.assertEqual(self.get(POLL).code, 204)

    def test_answer_of_a_call_that_is_over_is_left_out(self) -> None:
        """A plain poll that comes after an answered call was ended by the far side is told of the end only."""
        self.welcome()
        self.post(f"{POST}&to=1003", data=PAGE_SDP.encode(), headers=TEXT)
        far = self.far.calls[-1]
        far.answer()
        self.run_for()
        far.bye()
        self.run_for()
        self.assertEqual(self.get(POLL).code, 410)
        self.assertEqual(self.get(POLL).code, 204)

    def test_roap(self) -> None:
        """In ROAP's form everything is told: ringing, early media, the answer, the end."""
        message = {"messageType": "OFFER", "to": "1003", "sdp": PAGE_SDP}
        call_id = self.post(POST, json=message, headers=JSON).json["callId"]
        far = self.far.calls[-1]
        far.ring()
        far.ring(183, FAR_SDP)
        far.answer()
        self.run_for(1)
        told = self.roap()
        self.assertEqual({one["callId"] for one in told}, {call_id})
        types = [one["messageType"] for one in told]
        self.assertEqual((types[0], types[-1]), ("RINGING", "ANSWER"))
        self.assertTrue(next(one for one in told if one["messageType"] == "ANSWER")["moreComing"])
        self.assertEqual([one["seq"] for one in told], list(range(1, len(told) + 1)))
        self.assertEqual(self.post(POST, 1, json={"messageType": "SHUTDOWN", "callId": call_id}).text, "OK")
        self.assertEqual(far.methods()[-1], "BYE")
        self.assertEqual(self.types(), ["SHUTDOWN"])

    def test_early_media_is_told_once_in_the_plain_form(self) -> None:
        """The plain form tells one answer, though early media and the final answer carry the same."""
        self.post(f"{POST}&to=1003", data=PAGE_SDP.encode(), headers=TEXT)
        far = self.far.calls[-1]
        far.ring(183, FAR_SDP)
        self.run_for()
        self.assertEqual(self.get(POLL).text, FAR_SDP)
        far.answer()
        self.run_for()
        self.assertEqual(self.get(POLL).code, 204)

    def test_cancel(self) -> None:
        """Hangup before the answer is a CANCEL."""
        self.post(f"{POST}&to=1003", data=PAGE_SDP.encode(), headers=TEXT)
        self.far.calls[-1].ring()
        self.run_for()
        self.assertEqual(self.verb("hangup").code, 200)
        self.assertIn("CANCEL", self.far.calls[-1].methods())

    def test_hold_and_resume(self) -> None:
        """Hold and resume are re-INVITEs; the answer waits for the far side's, and a refusal is told."""
        _, far = self.call_up()
        pending = self.request("POST", "/api/webrtc/hold?id=agent123", headers=JSON)
        self.run_for()
        self.assertTrue(pending.hangs)
        self.assertIn("a=sendonly", far.offer)
        far.answer(FAR_SDP.replace("sendrecv", "recvonly"))
        self.run_for()
        self.assertEqual(pending.answer().json["sipCode"], 200)
        (call,) = self.get("/api/webrtc/calls?id=agent123").json["calls"]
        self.assertTrue(call["held"])
        self.assertEqual(self.verb("hold").error, (409, "wrong_state"))
        pending = self.request("POST", "/api/webrtc/resume?id=agent123", headers=JSON)
        self.run_for()
        far.refuse(488)
        self.run_for()
        answer = pending.answer()
        self.assertEqual((answer.error, answer.json["sipCode"]), ((502, "request_refused"), 488))

    def test_digits(self) -> None:
        """Digits go out one by one; what is no digit is 400."""
        _, far = self.call_up()
        self.assertEqual(self.verb("dtmf", "&digits=1%23", 2).json["sipCode"], 200)
        self.assertEqual(
            [request.body.split()[0] for request in far.requests if request.method == "INFO"][-2:],
            ["Signal=1", "Signal=#"],
        )
        self.assertEqual(self.verb("dtmf", "&digits=x").error, (400, "bad_input"))
        self.far.script("INFO", 415)
        self.assertEqual(self.verb("dtmf", "&digits=1").json["sipCode"], 415)

    def test_info(self) -> None:
        """Data go out as they are."""
        _, far = self.call_up()
        raw: Any = {"data": b"hello", "headers": {**JSON, "Content-Type": "text/x-note"}}
        self.assertEqual(self.verb("info", **raw).json["sipCode"], 200)
        self.assertEqual((far.request("INFO").content_type, far.request("INFO").body), ("text/x-note", "hello"))

    def test_blind_transfer(self) -> None:
        """A blind transfer answers with the 202, tells its progress, and the gateway hangs up."""
        _, far = self.call_up()
        answer = self.verb("transfer", "&to=1004")
        self.assertEqual((answer.code, answer.json["sipCode"]), (200, 202))
        self.assertIn("sip:1004@example.org", far.request("REFER").headers.get("Refer-To") or "")
        far.notify("refer", "active", "SIP/2.0 100 Trying")
        far.notify("refer", "terminated;reason=noresource", "SIP/2.0 200 OK")
        self.run_for(1)
        states = [one["state"] for one in self.roap() if one["messageType"] == "TRANSFER"]
        self.assertEqual((states[0], states[-1]), ("PROCEEDING", "DONE"))
        self.assertEqual(far.methods()[-1], "BYE")

    def test_attended_transfer(self) -> None:
        """An attended transfer names the other call; without ``call`` it is 409 with the list of both."""
        first, far = self.call_up("1003")
        second, _ = self.call_up("1004")
        answer = self.verb("hold")
        self.assertEqual((answer.error, answer.json["calls"]), ((409, "ambiguous_call"), [first, second]))
        answer = self.verb("transfer", f"&call={first}&to_call={second}")
        self.assertEqual(answer.json["sipCode"], 202)
        self.assertIn("Replaces=", far.request("REFER").headers.get("Refer-To") or "")

    def test_re_offer(self) -> None:
        """A new offer inside the call is a re-INVITE; its answer comes as a message."""
        call_id, far = self.call_up()
        offer = PAGE_SDP.replace("30000", "30002")
        self.assertEqual(self.post(f"{POST}&call={call_id}", data=offer.encode(), headers=TEXT).text, "OK")
        self.run_for()
        self.assertIn("m=audio 30002", far.offer)
        far.answer(FAR_SDP.replace("40000", "40002"))
        self.run_for()
        self.assertIn("m=audio 40002", self.get(POLL).text)

    def test_no_secret_anywhere(self) -> None:
        """No password, token or ICE secret is in any event that is logged during a call."""
        events: list[LogEvent] = []
        observer = cast(ILogObserver, events.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        token = self.get(f"/api/webrtc/sign_in?id=agent123&dn=5001&password={PASSWORD}").headers["x-wrtc-session"]
        ice = "a=ice-ufrag:abcd\r\na=ice-pwd:VerySecretIcePassword1234\r\n"
        self.post(f"{POST}&to=1003", data=(PAGE_SDP + ice).encode(), headers=TEXT)
        self.far.calls[-1].answer()
        self.run_for(1)
        self.verb("hangup")
        self.get("/api/webrtc/sign_out?id=agent123", 1)
        logged = repr(events)
        self.assertIn("agent123", logged)
        for secret in (PASSWORD, token, "VerySecretIcePassword1234"):
            self.assertNotIn(secret, logged)
        self.assertEqual(redact(logged), logged)
