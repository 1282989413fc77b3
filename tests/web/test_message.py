"""The ``message`` call: lines two to four of the table in design 3.1, and both forms of messages."""

import json
from urllib.parse import unquote

from tests.web.harness import SDP, Answer, WebTestCase
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.errors import BadInput, NoSIPConnection, UnknownCall, WrongState
from wrtcgw.web import WebSettings

POST = "/api/webrtc/message?from=agent123"
POLL = "/api/webrtc/message?id=agent123"
ROAP = {"Accept": "application/json"}


ARRIVAL: dict[str, object] = {
    "verstat": "TN-Validation-Passed",
    "called": "5000",
    "diversion": (("5009", "no-answer"),),
    "headers": (("X-DNIS", "0800"),),
    "warning": "Incompatible media format",
    "sip_reason": "Call rejected",
}
ARRIVAL_IN_JSON = {
    "verstat": "TN-Validation-Passed",
    "called": "5000",
    "diversion": [{"number": "5009", "reason": "no-answer"}],
    "headers": {"X-DNIS": "0800"},
    "warning": "Incompatible media format",
    "sipReason": "Call rejected",
}


class Posting(WebTestCase):
    """POST /api/webrtc/message."""

    settings = WebSettings(body_limit=4000)

    def setUp(self) -> None:
        super().setUp()
        self.sign_in()
        self.gateway.asked.clear()

    def post(self, query: str = "", body: bytes | str = SDP, media_type: str = "text/plain", **headers: str) -> Answer:
        """Post a body."""
        data = body.encode() if isinstance(body, str) else body
        return self.ask("POST", POST + query, data=data, headers={"Content-Type": media_type, **headers})

    def test_place_call(self) -> None:
        """With ``to`` it is a new call: OK, and X-WRTC-Call names it."""
        answer = self.post("&to=1003")
        self.assertEqual((answer.code, answer.text, answer.headers["x-wrtc-call"]), (200, "OK", "call1"))
        self.assertEqual(self.gateway.asked, [("place_call", "agent123", "1003", SDP, "127.0.0.1")])

    def test_json_answer(self) -> None:
        """Who accepts JSON gets the call's id in it."""
        self.assertEqual(self.post("&to=1003", Accept="application/json").json, {"status": "ok", "callId": "call1"})

    def test_bare_line_feeds(self) -> None:
        """A body with bare line feeds goes on as it is: the gateway completes it."""
        self.post("&to=1003", SDP.replace("\r\n", "\n"), "application/sdp; charset=utf-8")
        self.assertEqual(self.gateway.asked[0][3], SDP.replace("\r\n", "\n"))

    def test_undeclared_type(self) -> None:
        """A body without a type is taken for a description."""
        wire = self.wire()
        wire.send("POST", POST + "&to=1003", SDP.encode())
        self.assertEqual(wire.answer().text, "OK")

    def test_to_with_a_plus(self) -> None:
        """A number's plus may be put into the query as it is."""
        self.post("&to=+4930123")
        self.assertEqual(self.gateway.asked[0][2], "+4930123")

    def test_no_description(self) -> None:
        """What is no SDP is 400."""
        self.gateway.failure = BadInput("body", "an SDP", "hello")
        self.assertEqual(self.post("&to=1003", "hello").error, (400, "bad_input"))

    def test_not_signed_in(self) -> None:
        """An agent who never signed in is 401, as another one's is; none at all is 400."""
        answer = self.ask("POST", "/api/webrtc/message?from=nobody&to=1", data=SDP.encode())
        self.assertEqual(answer.error, (401, "session_required"))
        self.assertEqual(self.ask("POST", "/api/webrtc/message?to=1", data=SDP.encode()).error, (400, "bad_input"))

    def test_too_large(self) -> None:
        """A body beyond the limit is 413."""
        self.assertEqual(self.post("&to=1003", "x" * 4001).error, (413, "body_too_large"))
        self.assertEqual(self.post("&to=1003", "x" * 4000).code, 200)

    def test_wrong_type(self) -> None:
        """A body of another type is 415 with a text that says which are taken: curl's default among them."""
        answer = self.post("&to=1003", media_type="application/x-www-form-urlencoded")
        self.assertEqual(answer.error, (415, "wrong_content_type"))
        self.assertIn("text/plain", answer.json["error"])

    def test_no_sip_connection(self) -> None:
        """Without a SIP connection it is 503."""
        self.gateway.failure = NoSIPConnection()
        self.assertEqual(self.post("&to=1003").error, (503, "no_sip_connection"))

    def test_answer(self) -> None:
        """Without ``to`` it is for a call that is there, named or the only one."""
        self.gateway.add_call("agent123", "call7")
        for query, named in (("", None), ("&call=call7", "call7")):
            answer = self.post(query)
            self.assertEqual((answer.text, answer.headers["x-wrtc-call"]), ("OK", "call7"))
            self.assertEqual(self.gateway.asked[-1], ("send_description", "agent123", named, SDP, "127.0.0.1", None))

    def test_no_such_call(self) -> None:
        """For no call it is 404, in the wrong state 409."""
        for failure, error in (
            (UnknownCall("x"), (404, "unknown_call")),
            (WrongState("x", "answer", "ended"), (409, "wrong_state")),
        ):
            self.gateway.failure = failure
            self.assertEqual(self.post("&call=x").error, error)

    def test_to_and_call(self) -> None:
        """A new call and a call that is there cannot be meant at once."""
        self.assertEqual(self.post("&to=1003&call=x").error, (400, "bad_input"))


class PostingROAP(WebTestCase):
    """POST /api/webrtc/message with JSON."""

    def setUp(self) -> None:
        super().setUp()
        self.sign_in()
        self.gateway.asked.clear()

    def post(self, path: str = POST, **message: object) -> Answer:
        """Post a message."""
        return self.ask("POST", path, json=message)

    def test_offer(self) -> None:
        """An OFFER with ``to`` is a new call."""
        answer = self.post(messageType="OFFER", to="1003", sdp=SDP)
        self.assertEqual((answer.text, answer.headers["x-wrtc-call"]), ("OK", "call1"))
        self.assertEqual(self.gateway.asked, [("place_call", "agent123", "1003", SDP, "127.0.0.1")])

    def test_sender_in_the_message(self) -> None:
        """The agent may be named in the message."""
        self.post("/api/webrtc/message", **{"from": "agent123", "messageType": "OFFER", "to": "1003", "sdp": SDP})
        self.assertEqual(self.gateway.asked[0][1], "agent123")

    def test_data(self) -> None:
        """Data that is attached to an OFFER or ANSWER goes along; a value that is no text as JSON."""
        data = [{"key": "name", "value": 'Grüße, "Ann"'}, {"key": "cart", "value": {"items": [1, 2]}}, {"key": "none"}]
        told = (("name", 'Grüße, "Ann"'), ("cart", '{"items": [1, 2]}'), ("none", ""))
        self.post(messageType="OFFER", to="1003", sdp=SDP, data=data)
        self.assertEqual(self.gateway.asked[-1], ("place_call", "agent123", "1003", SDP, "127.0.0.1", told))
        self.post(messageType="ANSWER", sdp=SDP, data=data)
        asked = ("send_description", "agent123", None, SDP, "127.0.0.1", MessageType.ANSWER, told)
        self.assertEqual(self.gateway.asked[-1], asked)

    def test_bad_data(self) -> None:
        """What is no list of keys and values is 400, and nothing is placed."""
        for data in ("a=1", {"key": "a", "value": "b"}, ["a"], [{"value": "b"}], [{"key": ""}], [{"key": 1}]):
            answer = self.post(messageType="OFFER", to="1003", sdp=SDP, data=data)
            self.assertEqual((answer.error, answer.json["field"]), ((400, "bad_input"), "data"))
        self.assertEqual(self.gateway.asked, [])

    def test_offer_in_a_call(self) -> None:
        """An OFFER with ``callId`` is for that call, even when it says to whom."""
        self.gateway.add_call("agent123", "call7")
        self.post(messageType="OFFER", callId="call7", to="1003", sdp=SDP)
        asked = ("send_description", "agent123", "call7", SDP, "127.0.0.1", MessageType.OFFER)
        self.assertEqual(self.gateway.asked, [asked])

    def test_answer(self) -> None:
        """An ANSWER is for a call."""
        self.gateway.add_call("agent123", "call7")
        self.post(messageType="ANSWER", to="1003", sdp=SDP)
        asked = ("send_description", "agent123", None, SDP, "127.0.0.1", MessageType.ANSWER)
        self.assertEqual(self.gateway.asked, [asked])

    def test_shutdown(self) -> None:
        """A SHUTDOWN hangs up."""
        answer = self.ask("POST", POST, json={"messageType": "SHUTDOWN", "callId": "call7"}, headers=ROAP)
        self.assertEqual(answer.json, {"status": "ok", "sipCode": 200, "reason": "OK"})
        self.assertEqual(self.gateway.asked, [("hangup", "agent123", "call7", None)])

    def test_ok(self) -> None:
        """An OK is taken and needs nothing."""
        self.assertEqual(self.post(messageType="OK", callId="call7").code, 200)
        self.assertEqual(self.gateway.asked, [])

    def test_refused(self) -> None:
        """A type that pages do not send, and an OFFER without a description, are 400."""
        self.assertEqual(self.post(messageType="RINGING").json["field"], "messageType")
        self.assertEqual(self.post(messageType="OFFER", to="1003").json["field"], "sdp")

    def test_stranger(self) -> None:
        """JSON is no way around the session."""
        wire = self.wire("192.0.2.7")
        body = json.dumps({"messageType": "SHUTDOWN"}).encode()
        wire.send("POST", POST, body, Content_Type="application/json")
        self.assertEqual(wire.answer().error, (401, "session_required"))


class PollingPlain(WebTestCase):
    """GET /api/webrtc/message in the plain form."""

    def setUp(self) -> None:
        super().setUp()
        self.sign_in()

    def test_nothing(self) -> None:
        """Nothing is 204, at once."""
        answer = self.ask("GET", POLL)
        self.assertEqual((answer.code, answer.body), (204, b""))
        self.assertEqual(answer.headers["cache-control"], "no-store")

    def test_not_signed_in(self) -> None:
        """An agent who never signed in is 401, as another one's is; none at all is 400."""
        self.assertEqual(self.ask("GET", "/api/webrtc/message?id=nobody").error, (401, "session_required"))
        self.assertEqual(self.ask("GET", "/api/webrtc/message").error, (400, "bad_input"))

    def test_offer(self) -> None:
        """An OFFER is its description; header fields tell the rest."""
        self.gateway.put("agent123", type=MessageType.OFFER, call_id="c1", from_="sip:100 Ü\r\n@x", sdp=SDP)
        answer = self.ask("GET", POLL)
        self.assertEqual((answer.code, answer.text), (200, SDP))
        told = {name: answer.headers[name] for name in answer.headers if name.startswith("x-wrtc")}
        self.assertEqual(
            told,
            {
                "x-wrtc-message": "OFFER",
                "x-wrtc-call": "c1",
                "x-wrtc-from": "sip:100 %C3%9C%0D%0A@x",
                "x-wrtc-seq": "1",
            },
        )
        self.assertEqual(self.ask("GET", POLL).code, 204)

    def test_caller_that_is_no_text(self) -> None:
        """Bytes of a caller that are no UTF-8 do not keep its OFFER from the page; a percent sign can be told."""
        for seq, from_ in enumerate(("sip:\udcff@x", "sip:a%20b@x"), start=1):
            self.gateway.put("agent123", type=MessageType.OFFER, from_=from_, sdp=SDP)
            answer = self.ask("GET", POLL)
            self.assertEqual((answer.text, answer.headers["x-wrtc-seq"]), (SDP, str(seq)))
        self.assertEqual(unquote(answer.headers["x-wrtc-from"]), "sip:a%20b@x")

    def test_only_descriptions(self) -> None:
        """Other events are left out, in order, and do not come back."""
        self.gateway.put("agent123", type=MessageType.RINGING, call_id="c1")
        self.assertEqual(self.ask("GET", POLL).code, 204)
        self.gateway.put("agent123", type=MessageType.ANSWER, call_id="c1", sdp=SDP, more_coming=True)
        self.gateway.put("agent123", type=MessageType.ANSWER, call_id="c1", sdp=SDP, repeated=True)
        self.gateway.put("agent123", type=MessageType.HOLD, call_id="c1")
        self.gateway.put("agent123", type=MessageType.OFFER, call_id="c2", sdp="v=0 two")
        self.assertEqual(self.ask("GET", POLL).headers["x-wrtc-message"], "ANSWER")
        self.assertEqual(self.ask("GET", POLL).text, "v=0 two")
        self.assertEqual(self.ask("GET", POLL, headers=ROAP).code, 204)

    def test_wish_for_an_offer(self) -> None:
        """A caller who wants our offer is an OFFER with an empty body: the seed's gadget goes on polling."""
        self.gateway.put("agent123", type=MessageType.OFFER, call_id="c1")
        answer = self.ask("GET", POLL)
        self.assertEqual((answer.code, answer.body, answer.headers["x-wrtc-message"]), (200, b"", "OFFER"))

    def test_end_of_call(self) -> None:
        """A call that failed, was refused or hung up by the far side is told once, as 410."""
        self.gateway.put(
            "agent123",
            type=MessageType.ERROR,
            call_id="c1",
            state="ENDED",
            code=488,
            reason="Not Acceptable Here",
            cause="not-acceptable",
            hint="does it want WebRTC?",
        )
        answer = self.ask("GET", POLL)
        self.assertEqual(answer.code, 410)
        self.assertEqual(
            answer.json,
            {
                "error": "the call has ended: 488 Not Acceptable Here (does it want WebRTC?)",
                "code": "call_ended",
                "callId": "c1",
                "sipCode": 488,
                "reason": "Not Acceptable Here",
                "cause": "not-acceptable",
                "seq": 1,
            },
        )
        self.assertEqual(self.ask("GET", POLL).code, 204)
        self.gateway.put("agent123", type=MessageType.SHUTDOWN, call_id="c1", cause="remote")
        self.assertEqual(self.ask("GET", POLL).json["error"], "the call has ended: remote")

    def test_own_end_of_call(self) -> None:
        """What the page itself has ended, and an ERROR that ends nothing, is not told."""
        self.gateway.put("agent123", type=MessageType.SHUTDOWN, call_id="c1", cause="local")
        self.gateway.put("agent123", type=MessageType.ERROR, call_id="c1", state="ESTABLISHED", code=491)
        self.assertEqual(self.ask("GET", POLL).code, 204)


class PollingROAP(WebTestCase):
    """GET /api/webrtc/message in ROAP's form."""

    def setUp(self) -> None:
        super().setUp()
        self.sign_in()

    def roap(self, **fields: object) -> object:
        """Put a message, and poll it."""
        self.gateway.put("agent123", **fields)
        answer = self.ask("GET", POLL, headers=ROAP)
        self.assertEqual(answer.code, 200)
        return answer.json

    def test_each_type(self) -> None:
        """Each event is told, in order, with what every message has."""
        for seq, kind in enumerate(MessageType, start=1):
            told = self.roap(type=kind, call_id="c1", from_="1003", to="agent123", sdp=None)
            expected = {"messageType": kind.value, "seq": seq, "callId": "c1", "from": "1003", "to": "agent123"}
            self.assertEqual(told, {**expected, "sdp": None} if kind is MessageType.OFFER else expected)
        self.assertEqual(self.ask("GET", POLL, headers=ROAP).code, 204)

    def test_early_media(self) -> None:
        """The answer of early media says that more is coming."""
        told = self.roap(type=MessageType.ANSWER, call_id="c1", sdp=SDP, more_coming=True)
        expected = {"messageType": "ANSWER", "seq": 1, "callId": "c1", "from": "", "to": "", "sdp": SDP}
        self.assertEqual(told, {**expected, "moreComing": True})

    def test_every_field(self) -> None:
        """Each field of a message has its name in JSON."""
        message: dict[str, object] = {
            "type": MessageType.OFFER,
            "sdp": "v=0",
            "auto_answer": 0.0,
            "repeated": True,
            "more_coming": True,
            "display_name": "Ann",
            **ARRIVAL,
            "code": 486,
            "reason": "Busy Here",
            "cause": "busy",
            "hint": "later",
            "replaces": "c0",
            "uuid": "U",
            "referred_by": "<sip:r>",
            "digits": "1",
            "content_type": "a/b",
            "body": "text",
            "data": (("account", "a,b"),),
            "state": "ENDED",
        }
        missing = {field.name for field in AgentMessage.__attrs_attrs__} - set(message)
        self.assertEqual(missing, {"call_id", "from_", "to", "seq"})
        told = self.roap(**message)
        self.assertEqual(
            told,
            {
                "messageType": "OFFER",
                "seq": 1,
                "callId": "",
                "from": "",
                "to": "",
                "sdp": "v=0",
                "autoAnswer": 0.0,
                "repeated": True,
                "moreComing": True,
                "displayName": "Ann",
                **ARRIVAL_IN_JSON,
                "sipCode": 486,
                "reason": "Busy Here",
                "cause": "busy",
                "hint": "later",
                "replaces": "c0",
                "uuid": "U",
                "referredBy": "<sip:r>",
                "digits": "1",
                "contentType": "a/b",
                "body": "text",
                "data": [{"key": "account", "value": "a,b"}],
                "state": "ENDED",
            },
        )

    def test_bytes_that_are_no_text(self) -> None:
        """Bytes of a peer that are no UTF-8 do not break the JSON."""
        told = self.roap(type=MessageType.INFO, body="a\udcff")
        self.assertIn("body", str(told))
