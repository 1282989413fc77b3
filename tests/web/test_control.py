"""Call control: design 3.2, verb by verb."""

from twisted.internet.defer import Deferred

from tests.web.harness import SDP, Answer, WebTestCase
from wrtcgw.calls.negotiation.hold import Hold
from wrtcgw.errors import AmbiguousCall, DestinationForbidden, TooManyCalls, TooManyOrders
from wrtcgw.gateway import Outcome

RELAY = "application/dtmf-relay"
WISHES = {
    "warnings": {
        "rtt": 400.0,
        "jitter": 30.0,
        "loss": 1.0,
        "mos": 3.0,
        "micSilence": 6.0,
        "incomingSilence": 10.0,
        "noPackets": 3.0,
    },
    "echoNumber": "",
}
"""What a page is told of the site's wishes, where nothing is set."""


class Verbs(WebTestCase):
    """POST /api/webrtc/<verb>."""

    def setUp(self) -> None:
        super().setUp()
        self.sign_in()
        self.gateway.asked.clear()

    def verb(self, name: str, query: str = "", **more: object) -> Answer:
        """Ask for a verb."""
        return self.ask("POST", f"/api/webrtc/{name}?id=agent123{query}", **more)

    def check(self, asked: tuple[object, ...], name: str, query: str = "", **more: object) -> None:
        """Ask for a verb, and check that it is OK and what the gateway was asked."""
        self.assertEqual(self.verb(name, query, **more).text, "OK")
        self.assertEqual(self.gateway.asked.pop(), (name, "agent123", *asked))

    def test_hangup(self) -> None:
        """Hangup may name the call, and a code."""
        self.check((None, None), "hangup")
        self.check(("c1", 603), "hangup", "&call=c1&code=603")

    def test_reject(self) -> None:
        """Reject says 486 unless told otherwise."""
        self.check((None, 486), "reject")
        self.check(("c1", 603), "reject", json={"call": "c1", "code": 603})
        self.assertEqual(self.verb("reject", "&code=busy").error, (400, "bad_input"))

    def test_check(self) -> None:
        """A page may ask whether a number can be called, and gets the answer that the call would get."""
        answer = self.verb("check", "&to=+49301", headers={"Accept": "application/json"})
        self.assertEqual(answer.json["target"], "sip:+49301@example.org")
        self.assertEqual(self.gateway.asked.pop()[:3], ("may_call", "agent123", "+49301"))
        self.assertEqual(self.verb("check").error, (400, "bad_input"))
        self.gateway.failure = DestinationForbidden("0900", "forbidden_destinations")
        answer = self.verb("check", "&to=0900")
        self.assertEqual((answer.error, answer.json["to"]), ((403, "destination_forbidden"), "0900"))
        self.assertIn("forbidden_destinations", answer.json["error"])

    def test_too_many(self) -> None:
        """Who may not call any more for a while hears for how long."""
        for failure, word in (
            (TooManyCalls("", "place another call", "60 calls a minute are allowed", 7), "too_many_calls"),
            (TooManyOrders("send digits", 7), "too_many_orders"),
        ):
            self.gateway.failure = failure
            answer = self.verb("transfer", "&to=1003")
            self.assertEqual((answer.error, answer.headers["retry-after"]), ((429, word), "7"))

    def test_hold_and_resume(self) -> None:
        """Hold and resume need nothing but the call."""
        for name in ("hold", "resume"):
            self.check((None,), name)
            self.check(("c1",), name, data={"call": "c1"})

    def test_answer(self) -> None:
        """Answer takes the description as field or as body."""
        self.gateway.add_call("agent123", "c1")
        text = {"Content-Type": "text/plain"}
        for more in (
            {"json": {"sdp": SDP, "call": "c1"}},
            {"data": {"sdp": SDP, "call": "c1"}},
            {"data": SDP.encode(), "headers": text, "query": "&call=c1"},
            {"data": SDP.encode(), "headers": {"Content-Type": "application/sdp"}, "query": "&call=c1"},
        ):
            answer = self.verb("answer", str(more.pop("query", "")), **more)
            self.assertEqual((answer.text, answer.headers["x-wrtc-call"]), ("OK", "c1"))
            self.assertEqual(self.gateway.asked.pop(), ("answer", "agent123", "c1", SDP, "127.0.0.1"))
        self.assertEqual(self.verb("answer").json["field"], "sdp")
        self.assertEqual(
            self.verb("answer", json={"sdp": SDP}, headers={"Accept": "application/json"}).json["callId"], "c1"
        )

    def test_dtmf(self) -> None:
        """Digits have times and a type; ``#`` comes encoded."""
        self.check((None, "12*#A", 160, 70, RELAY), "dtmf", "&digits=12*%23A")
        fields = {"digits": "5", "duration": 250, "gap": 100, "content_type": "application/dtmf", "call": "c1"}
        self.check(("c1", "5", 250, 100, "application/dtmf"), "dtmf", json=fields)
        self.assertEqual(self.verb("dtmf").json["field"], "digits")

    def test_transfer(self) -> None:
        """A transfer goes to a number, or to the far side of another call."""
        self.check((None, "1004", None), "transfer", "&to=1004")
        self.check(("c1", "+4930", None), "transfer", "&to=+4930&call=c1")
        self.check(("c1", None, "c2"), "transfer", json={"call": "c1", "to_call": "c2"})

    def test_info(self) -> None:
        """Data come as fields, or as the body with its own type."""
        self.check((None, "text/plain", "hello"), "info", json={"content_type": "text/plain", "body": "hello"})
        raw = {"data": b"Signal=5", "headers": {"Content-Type": "application/x-data"}}
        self.check(("c1", "application/x-data", "Signal=5"), "info", "&call=c1", **raw)
        self.assertEqual(self.verb("info").json["field"], "content_type")

    def test_sip_code_in_json(self) -> None:
        """Who accepts JSON gets the SIP answer."""
        self.gateway.outcome = Outcome(202, "Accepted")
        answer = self.verb("transfer", "&to=1004", headers={"Accept": "application/json"})
        self.assertEqual(answer.json, {"status": "ok", "sipCode": 202, "reason": "Accepted"})

    def test_several_calls(self) -> None:
        """Without ``call`` and with several calls it is 409 with the list."""
        self.gateway.failure = AmbiguousCall(("c1", "c2"))
        answer = self.verb("hold")
        self.assertEqual((answer.error, answer.json["calls"]), ((409, "ambiguous_call"), ["c1", "c2"]))

    def test_other_bodies(self) -> None:
        """A verb does not take a body that it cannot read."""
        answer = self.verb("hold", data=b"x", headers={"Content-Type": "text/plain"})
        self.assertEqual(answer.error, (415, "wrong_content_type"))

    def test_not_signed_in(self) -> None:
        """Nobody's calls are told as another one's; and it has to be said who."""
        self.assertEqual(self.ask("POST", "/api/webrtc/hold?id=nobody").error, (401, "session_required"))
        self.assertEqual(self.ask("POST", "/api/webrtc/hold").error, (400, "bad_input"))

    def test_answered_when_sip_answered(self) -> None:
        """The response waits for the far side's."""
        self.gateway.waiting = Deferred()
        pending = self.begin("POST", "/api/webrtc/hold?id=agent123")
        self.assertTrue(pending.hangs)
        self.gateway.waiting.callback(None)
        self.assertEqual(pending.answer().text, "OK")

    def test_own_calls(self) -> None:
        """An agent sees its own calls and their states, nobody else's."""
        self.sign_in("other", "5002")
        self.gateway.add_call("other", "c2")
        call = self.gateway.add_call("agent123", "c1")
        call.answer(self.clock.seconds())
        call.negotiation.hold = Hold.AGENT
        self.clock.advance(5)
        answer = self.ask("GET", "/api/webrtc/calls?id=agent123")
        expected = {
            "callId": "c1",
            "agent": "agent123",
            "direction": "outbound",
            "state": "ESTABLISHED",
            "peer": "sip:1003@example.org",
            "displayName": "",
            "held": True,
            "heldByPeer": False,
            "age": 5.0,
            "duration": 5.0,
            "uuid": "",
            "quality": None,
            "sound": "here",
        }
        registration = {"state": "REGISTERED", "sipCode": 0, "reason": ""}
        self.assertEqual(
            (answer.code, answer.json),
            (200, {"calls": [expected], "registration": registration, "doNotDisturb": False, "pages": 1, **WISHES}),
        )
