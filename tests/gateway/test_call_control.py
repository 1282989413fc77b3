"""Digits and data by INFO, and orders of the server."""

from itertools import pairwise

from tests.support import sdptext as descriptions
from tests.support.farside import LATENCY, SDP
from tests.support.gatewaycase import GatewayCase
from wrtcgw.calls.messages import MessageType
from wrtcgw.errors import BadInput, RequestRefused, UnknownCall, WrongState
from wrtcgw.gateway import Outcome
from wrtcgw.sip.outputs import ControlReceived, InfoReceived, RequestAnswered

LISTENING = SDP.replace("sendrecv", "recvonly")


class InCall(GatewayCase):
    """An agent in a call that it has placed."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()
        self.call, self.peer = self.outbound(self.agent)

    def bodies(self) -> list[str]:
        """Return the bodies of the INFOs that the far side has got."""
        return [request.body for request in self.peer.requests if request.method == "INFO"]


class Digits(InCall):
    """DTMF."""

    def test_sequence(self) -> None:
        """Each digit is an INFO of its own, sent when the one before and the gap after it are over."""
        waiting = self.begin(self.gateway.dtmf("alice", None, "1*#d"))
        times = []
        while not waiting.called:
            before = len(self.bodies())
            self.run_for(0.01)
            if len(self.bodies()) > before:
                times.append(self.clock.seconds())
        self.assertEqual(self.successResultOf(waiting), Outcome(200, "OK"))
        self.assertEqual(self.bodies(), [f"Signal={digit}\r\nDuration=160\r\n" for digit in "1*#D"])
        for earlier, later in pairwise(times):
            self.assertGreaterEqual(later - earlier, 0.23 - 0.01)
        info = self.peer.request("INFO")
        self.assertEqual(info.headers.get("Content-Type"), "application/dtmf-relay")

    def test_plain(self) -> None:
        """With application/dtmf the body is the digit alone."""
        work = self.gateway.dtmf("alice", self.call.id, "42", gap_ms=0, content_type="application/dtmf")
        self.done(work, 1)
        self.assertEqual(self.bodies(), ["4", "2"])

    def test_orders_in_turn(self) -> None:
        """A second order waits until the digits of the first are out."""
        first = self.begin(self.gateway.dtmf("alice", None, "12"))
        second = self.begin(self.gateway.dtmf("alice", None, "34"))
        self.run_for(2)
        self.assertEqual((self.successResultOf(first).code, self.successResultOf(second).code), (200, 200))
        self.assertEqual([body[7] for body in self.bodies()], ["1", "2", "3", "4"])

    def test_refused(self) -> None:
        """A refused digit ends the order with the far side's words, and the next order is free to go."""
        self.far.script("INFO", 200, 415)
        error = self.fails(RequestRefused, self.gateway.dtmf("alice", None, "123"), 1)
        self.assertEqual((error.action, error.code), ("DTMF", 415))
        self.assertEqual(len(self.bodies()), 2)
        self.done(self.gateway.dtmf("alice", None, "9"))

    def test_hung_up_meanwhile(self) -> None:
        """Digits stop with their call."""
        waiting = self.begin(self.gateway.dtmf("alice", None, "12345"))
        self.run_for(0.3)
        self.peer.bye()
        self.run_for(1)
        self.failureResultOf(waiting, WrongState)
        self.assertEqual(len(self.bodies()), 2)

    def test_fields(self) -> None:
        """What is no digit, no duration, no gap or no known type is refused before anything is sent."""
        for digits, fields, name in (
            ("", {}, "digits"),
            ("12E", {}, "digits"),
            ("1" * 65, {}, "digits"),
            ("1\r\n", {}, "digits"),
            ("1", {"duration_ms": 10}, "duration"),
            ("1", {"duration_ms": 9000}, "duration"),
            ("1", {"gap_ms": -1}, "gap"),
            ("1", {"content_type": "text/plain"}, "content_type"),
        ):
            error = self.fails(BadInput, self.gateway.dtmf("alice", None, digits, **fields))
            self.assertEqual(error.field, name)
        self.assertEqual(self.bodies(), [])

    def test_state(self) -> None:
        """Digits need an answered call."""
        self.done(self.gateway.hangup("alice"))
        self.fails(UnknownCall, self.gateway.dtmf("alice", None, "1"))
        self.place(self.agent)
        self.fails(WrongState, self.gateway.dtmf("alice", None, "1"))

    def test_received(self) -> None:
        """Digits from the far side come as DTMF in every spelling; other data comes as INFO."""
        relay = "application/dtmf-relay"
        for content_type, body, digit in (
            (relay, "Signal=5\r\nDuration=100\r\n", "5"),
            (relay, "Signal= *\r\nDuration= 100", "*"),
            (relay, "Duration=100\nsignal = #", "#"),
            (relay, "Signal=a", "A"),
            (relay, "Signal=11", "#"),
            ("Application/DTMF-Relay; charset=x", "Signal=D", "D"),
            ("application/dtmf", " 7 ", "7"),
            ("application/dtmf", "10", "*"),
            (relay, "Signal=flash", ""),
            (relay, "Duration=100", ""),
            ("text/plain", "5", ""),
            ("", "", ""),
        ):
            self.peer.info(content_type, body)
            self.run_for()
            (told,) = self.messages(self.agent)
            self.assertEqual((told.type is MessageType.DTMF, told.digits), (bool(digit), digit))
            self.assertEqual(told.body, body)
            self.assertEqual(self.peer.last("INFO").status, 200)


class Info(InCall):
    """Data by INFO."""

    def test_sent(self) -> None:
        """Data goes out as it is, and the answer comes back."""
        self.assertEqual(self.done(self.gateway.info("alice", None, "text/plain;charset=utf-8", "hé")).code, 200)
        info = self.peer.request("INFO")
        self.assertEqual((info.headers.get("Content-Type"), info.body), ("text/plain;charset=utf-8", "hé"))

    def test_refused(self) -> None:
        """A refusal is an error with the far side's words."""
        self.far.script("INFO", 415)
        error = self.fails(RequestRefused, self.gateway.info("alice", None, "text/plain", "x"))
        self.assertEqual((error.action, error.code, error.reason), ("INFO", 415, "Unsupported Media Type"))

    def test_silence(self) -> None:
        """A far side that never answers is told as a time-out."""
        self.far.silent.add("INFO")
        error = self.fails(RequestRefused, self.gateway.info("alice", None, "text/plain", "x"), 33)
        self.assertEqual(error.code, 408)

    def test_fields(self) -> None:
        """A content type must be one, and a body has a limit."""
        for content_type in ("", "text", "text/plain\r\nEvil: 1", "a/b;c"):
            error = self.fails(BadInput, self.gateway.info("alice", None, content_type, "x"))
            self.assertEqual(error.field, "content_type")
        self.assertEqual(self.fails(BadInput, self.gateway.info("alice", None, "a/b", "x" * 20000)).field, "body")
        self.done(self.gateway.info("alice", None, 'a/b; c="d e"', "x"))

    def test_text(self) -> None:
        """A MESSAGE for the agent comes as INFO of no call."""
        target = self.far.contacts["5001"]
        text = (
            f"MESSAGE {target} SIP/2.0\r\nVia: SIP/2.0/WS far;branch=z9hG4bKm\r\nMax-Forwards: 70\r\n"
            'From: "Bob" <sip:5002@example.org>;tag=m\r\nTo: <sip:5001@example.org>\r\nCall-ID: m\r\n'
            "CSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
        )
        self.far.push(text)
        self.run_for(LATENCY * 2)
        (told,) = self.messages(self.agent)
        self.assertEqual((told.type, told.call_id, told.from_, told.body), (MessageType.INFO, "", "5002", "hello"))
        self.assertEqual(told.display_name, "Bob")
        self.registry.remove_agent(self.agent)
        self.far.push(text.replace("bKm", "bKn").replace("tag=m", "tag=n"))
        self.run_for(LATENCY * 2)
        self.assertEqual(self.messages(self.agent), [])
        self.far.strays.clear()


class Orders(InCall):
    """NOTIFY talk and hold."""

    def start(self, **changes: object) -> None:
        """Let the server answer."""
        super().start(**{"auto_answer": "talk", **changes})

    def test_talk_while_ringing(self) -> None:
        """Talk right after the 180 is told behind the OFFER; the page answers."""
        self.done(self.gateway.hangup("alice"))
        self.messages(self.agent)
        _, far = self.inbound(self.agent)
        far.notify("talk")
        far.notify("talk")
        self.run_for()
        self.assertEqual(far.last("NOTIFY").status, 200)
        self.assertEqual(self.types(self.agent), ["OFFER", "TALK", "TALK"])
        self.describe(self.agent)
        self.assertEqual(far.last("INVITE").status, 200)
        self.assertEqual(self.types(self.agent), ["OK"])

    def test_hold_and_talk(self) -> None:
        """Hold puts an established call on hold, talk takes it back; both are told when they are done."""
        self.peer.notify("hold")
        self.run_for()
        self.assertIn("a=sendonly", self.peer.offer)
        self.assertEqual(self.types(self.agent), [])
        self.peer.answer(LISTENING)
        self.run_for()
        (told,) = self.messages(self.agent)
        self.assertEqual((told.type, told.cause), (MessageType.HOLD, "server"))
        self.peer.notify("hold")
        self.run_for()
        self.peer.notify("talk")
        self.run_for()
        self.assertIn("a=sendrecv", self.peer.offer)
        self.peer.answer()
        self.run_for()
        self.assertEqual(self.types(self.agent), ["TALK", "RESUME"])
        self.assertFalse(self.call.held)

    def test_needless(self) -> None:
        """Talk in a call that talks is only told, and hold before the answer does nothing."""
        self.peer.notify("talk")
        self.run_for()
        self.assertEqual(self.types(self.agent), ["TALK"])
        self.done(self.gateway.hangup("alice"))
        self.messages(self.agent)
        _, far = self.inbound(self.agent)
        far.notify("hold")
        self.run_for()
        self.assertEqual(self.types(self.agent), ["OFFER"])

    def test_refused(self) -> None:
        """An order that the far side refuses is an ERROR; the call goes on as it was."""
        self.peer.notify("hold")
        self.run_for()
        self.peer.refuse(488)
        self.run_for()
        (told,) = self.messages(self.agent)
        self.assertEqual((told.type, told.code, told.cause), (MessageType.ERROR, 488, "not-acceptable"))
        self.assertEqual((told.ends_call, self.call.held), (False, False))
        self.assertIn("server's order", told.hint)

    def test_at_a_bad_moment(self) -> None:
        """An order while an offer is open waits for the end of that; what is so by then is no error."""
        for notified, held in (("hold", True), ("talk", False)):
            waiting = self.begin((self.gateway.hold if held else self.gateway.resume)("alice"))
            self.run_for()
            self.peer.notify(notified)
            self.run_for()
            self.peer.answer(LISTENING if held else SDP)
            self.run_for()
            self.successResultOf(waiting)
            self.assertIs(self.call.held, held)
        self.assertNotIn("ERROR", self.types(self.agent))

    def test_ends_at_a_bad_moment(self) -> None:
        """The server may order to talk while the agent's hold is on its way: it is taken from hold right after that."""
        waiting = self.begin(self.gateway.hold("alice"))
        self.run_for()
        self.peer.answer(LISTENING)
        self.run_for()
        self.successResultOf(waiting)
        again = self.begin(self.gateway.resume("alice"))
        self.run_for()
        self.peer.notify("hold")
        self.run_for()
        self.peer.answer(SDP)
        self.run_for()
        self.successResultOf(again)
        self.assertEqual(descriptions.direction(self.peer.offer), "sendonly")
        self.peer.answer(LISTENING)
        self.run_for()
        self.assertTrue(self.call.held)


class LateEvents(InCall):
    """Events of a call that is over here."""

    def test_ignored(self) -> None:
        """They change nothing and tell nothing."""
        for event in (
            InfoReceived("gone", "text/plain", "x"),
            ControlReceived("gone", "talk"),
            RequestAnswered("gone", 1, 200, "OK"),
            RequestAnswered(self.call.id, 99, 200, "OK"),
        ):
            self.gateway._context.dispatch(event)
        self.assertEqual(self.messages(self.agent), [])
