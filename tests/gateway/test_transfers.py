"""Transfers: blind, attended, and those that the far side asks for."""

from tests.support.farside import FarCall
from tests.support.gatewaycase import PAGE, PAGE_SDP, GatewayCase
from wrtcgw.calls.call import CallState
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.errors import AmbiguousCall, BadInput, RequestRefused, UnknownCall, WrongState
from wrtcgw.sip.outputs import TransferProgress


class InCall(GatewayCase):
    """An agent in a call that it has placed."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()
        self.call, self.peer = self.outbound(self.agent)

    def progress(self, peer: FarCall, sipfrag: str, state: str = "active;expires=60") -> AgentMessage | None:
        """Let a NOTIFY come, and return what the page is told of it."""
        peer.notify("refer", state, sipfrag)
        self.run_for()
        told = [message for message in self.messages(self.agent) if message.type is MessageType.TRANSFER]
        return told[-1] if told else None

    def states(self) -> list[str]:
        """Return the states of the TRANSFER messages, and the types of the others."""
        return [
            message.state if message.type is MessageType.TRANSFER else message.type.value
            for message in self.messages(self.agent)
        ]


class Blind(InCall):
    """Transfer to a number."""

    def test_success(self) -> None:
        """The page follows the progress; the gateway hangs up after success."""
        outcome = self.done(self.gateway.transfer("alice", to="1004"))
        self.assertEqual((outcome.code, outcome.reason), (202, "Accepted"))
        refer = self.peer.request("REFER")
        self.assertEqual(refer.headers.get("Refer-To"), "<sip:1004@example.org>")
        told = self.progress(self.peer, "SIP/2.0 100 Trying")
        assert told is not None
        self.assertEqual((told.state, told.code, told.reason), ("PROCEEDING", 100, "Trying"))
        self.progress(self.peer, "SIP/2.0 180 Ringing")
        self.peer.notify("refer", "terminated;reason=noresource", "SIP/2.0 200 OK")
        self.run_for()
        self.assertEqual(self.peer.methods()[-1], "BYE")
        done, end = self.messages(self.agent)
        self.assertEqual((done.type, done.state, done.code), (MessageType.TRANSFER, "DONE", 200))
        self.assertEqual((end.type, end.cause, end.state), (MessageType.SHUTDOWN, "transferred", "ENDED"))
        self.assertIs(self.call.state, CallState.ENDED)

    def test_failure(self) -> None:
        """After a failure the call goes on, and another transfer may follow."""
        for sipfrag, code, cause in (
            ("SIP/2.0 486 Busy Here", 486, "busy"),
            ("SIP/2.0 603 Decline", 603, "declined"),
        ):
            self.done(self.gateway.transfer("alice", to="1005"))
            told = self.progress(self.peer, sipfrag, "terminated;reason=noresource")
            assert told is not None
            self.assertEqual((told.state, told.code, told.cause), ("FAILED", code, cause))
            self.assertIs(self.call.state, CallState.ESTABLISHED)
        self.assertNotIn("BYE", self.peer.methods())
        self.assertEqual(self.done(self.gateway.hangup("alice")).code, 200)
        self.assertEqual(self.last(self.agent, MessageType.SHUTDOWN).cause, "local")

    def test_never_told(self) -> None:
        """A far side that ends its report before the outcome leaves it unknown; the call goes on, others may follow."""
        for sipfrag, code in (("SIP/2.0 100 Trying", 100), ("", 0), ("no status line", 0)):
            self.done(self.gateway.transfer("alice", to="1005"))
            self.progress(self.peer, sipfrag, "terminated;reason=noresource")
            self.run_for(2)
            told = self.last(self.agent, MessageType.TRANSFER)
            self.assertEqual((told.state, told.code, told.cause), ("UNKNOWN", code, "unknown"))
            self.assertTrue(self.call.is_up)

    def test_refused(self) -> None:
        """A refused REFER is an error, and the call goes on."""
        self.far.script("REFER", 403)
        error = self.fails(RequestRefused, self.gateway.transfer("alice", to="1004"))
        self.assertEqual((error.action, error.code), ("transfer", 403))
        self.done(self.gateway.transfer("alice", to="1004"))

    def test_silent(self) -> None:
        """A far side that accepts and then says nothing fails the transfer after a while; the call goes on."""
        self.done(self.gateway.transfer("alice", to="1004"))
        self.run_for(61)
        self.assertEqual(self.states(), ["FAILED"])
        self.assertTrue(self.call.is_up)

    def test_delayed(self) -> None:
        """In the first half second after the answer the REFER waits: Asterisk is not ready before (lab pitfall 3)."""
        call, far = self.place(self.agent)
        far.answer()
        self.run_for(0.02)
        waiting = self.begin(self.gateway.transfer("alice", call.id, to="1004"))
        self.run_for(0.4)
        self.assertNotIn("REFER", far.methods())
        self.run_for(0.2)
        self.assertIn("REFER", far.methods())
        self.successResultOf(waiting)

    def test_end_while_delayed(self) -> None:
        """A call that ends before its REFER goes out is not transferred."""
        call, far = self.place(self.agent)
        far.answer()
        self.run_for(0.02)
        waiting = self.begin(self.gateway.transfer("alice", call.id, to="1004"))
        far.bye()
        self.run_for(1)
        self.failureResultOf(waiting, WrongState)
        self.assertNotIn("REFER", far.methods())

    def test_bye_after_202(self) -> None:
        """A far side that hangs up after its 202 is carrying the transfer out."""
        self.done(self.gateway.transfer("alice", to="1004"))
        self.peer.bye()
        self.run_for()
        (end,) = self.messages(self.agent)
        self.assertEqual((end.type, end.cause), (MessageType.SHUTDOWN, "transferred"))

    def test_bye_before_202(self) -> None:
        """A far side that hangs up before it answered the REFER leaves the order without an answer."""
        self.far.silent.add("REFER")
        waiting = self.begin(self.gateway.transfer("alice", to="1004"))
        self.run_for()
        self.peer.bye()
        self.run_for()
        self.assertIn("ended", str(self.failureResultOf(waiting, WrongState).value))

    def test_notify_before_202(self) -> None:
        """A NOTIFY may overtake the 202."""
        self.far.silent.add("REFER")
        waiting = self.begin(self.gateway.transfer("alice", to="1004"))
        self.run_for()
        told = self.progress(self.peer, "SIP/2.0 100 Trying")
        assert told is not None
        self.assertEqual(told.state, "PROCEEDING")
        self.far.respond(self.peer, self.peer.request("REFER"), 202)
        self.run_for()
        self.successResultOf(waiting)

    def test_states(self) -> None:
        """A transfer needs an answered call that is not being transferred, and a target."""
        self.assertEqual(self.fails(BadInput, self.gateway.transfer("alice")).field, "to")
        self.assertEqual(self.fails(BadInput, self.gateway.transfer("alice", to="1", to_call="2")).field, "to")
        self.assertEqual(self.fails(BadInput, self.gateway.transfer("alice", to="x@elsewhere.example")).field, "to")
        self.done(self.gateway.transfer("alice", to="1004"))
        self.fails(WrongState, self.gateway.transfer("alice", to="1004"))
        dialled, _ = self.place(self.agent)
        self.fails(WrongState, self.gateway.transfer("alice", dialled.id, to="1004"))

    def test_success_for_ending_call(self) -> None:
        """A success that comes while the call ends already is told and changes nothing."""
        self.done(self.gateway.transfer("alice", to="1004"))
        self.far.silent.add("BYE")
        waiting = self.begin(self.gateway.hangup("alice"))
        self.dispatch(200, "OK")
        self.assertEqual(self.states(), ["DONE"])
        self.run_for(40)
        self.successResultOf(waiting)
        self.dispatch(200, "OK")

    def test_success_without_order(self) -> None:
        """A success of which no order is known any more ends the call all the same."""
        self.dispatch(486, "Busy")
        self.assertEqual(self.states(), ["FAILED"])
        self.dispatch(200, "OK")
        self.run_for()
        self.assertEqual(self.peer.methods()[-1], "BYE")

    def dispatch(self, code: int, reason: str) -> None:
        """Let the core tell the end of a transfer."""
        with self.gateway.events:
            self.gateway._context.dispatch(TransferProgress(self.call.id, code, reason, final=True))


class Attended(InCall):
    """Transfer to another call's far side."""

    def setUp(self) -> None:
        super().setUp()
        self.other, self.third = self.outbound(self.agent)

    def test_success(self) -> None:
        """The REFER names the other call in Replaces; both calls end after success, as transferred."""
        outcome = self.done(self.gateway.transfer("alice", self.call.id, to_call=self.other.id))
        self.assertEqual(outcome.code, 202)
        target = self.peer.request("REFER").headers.get("Refer-To") or ""
        invite = self.third.requests[0]
        tag = self.third.local.rpartition("tag=")[2]
        self.assertTrue(target.startswith("<sip:far@198.51.100.7:5080?Replaces="), target)
        self.assertIn(f"{invite.call_id}%3Bto-tag%3D{tag}%3Bfrom-tag%3D{invite.from_tag}", target)
        self.peer.notify("refer", "terminated;reason=noresource", "SIP/2.0 200 OK")
        self.run_for()
        ends = [message for message in self.messages(self.agent) if message.type is MessageType.SHUTDOWN]
        self.assertEqual({(end.call_id, end.cause) for end in ends}, {
            (self.call.id, "transferred"),
            (self.other.id, "transferred"),
        })  # fmt: skip
        self.assertEqual((self.peer.methods()[-1], self.third.methods()[-1]), ("BYE", "BYE"))

    def test_far_side_ends_consultation_first(self) -> None:
        """Asterisk ends the consultation at once: it is told as transferred, and the other call after success."""
        self.done(self.gateway.transfer("alice", self.call.id, to_call=self.other.id))
        self.third.bye()
        self.run_for()
        self.assertEqual(self.last(self.agent, MessageType.SHUTDOWN).cause, "transferred")
        self.peer.notify("refer", "terminated;reason=noresource", "SIP/2.0 200 OK")
        self.run_for()
        self.assertEqual(self.last(self.agent, MessageType.SHUTDOWN).cause, "transferred")

    def test_far_side_ends_transferred_call_first(self) -> None:
        """When the call that carried the REFER ends before any outcome, the consultation is an ordinary call again."""
        self.done(self.gateway.transfer("alice", self.call.id, to_call=self.other.id))
        self.peer.bye()
        self.run_for()
        self.assertEqual(self.last(self.agent, MessageType.SHUTDOWN).cause, "transferred")
        self.done(self.gateway.transfer("alice", to="1004"))
        self.assertIn("REFER", self.third.methods())

    def test_without_call(self) -> None:
        """With to_call alone the agent's other call is transferred, if there is just one."""
        self.done(self.gateway.transfer("alice", to_call=self.other.id))
        self.assertIn("REFER", self.peer.methods())
        self.outbound(self.agent)
        self.fails(AmbiguousCall, self.gateway.transfer("alice", to_call=self.other.id))

    def test_failure(self) -> None:
        """After a failure both calls go on and are free again."""
        self.done(self.gateway.transfer("alice", self.call.id, to_call=self.other.id))
        self.fails(WrongState, self.gateway.transfer("alice", self.other.id, to="1004"))
        self.progress(self.peer, "SIP/2.0 503 Service Unavailable", "terminated")
        self.assertTrue(self.call.is_up and self.other.is_up)
        self.done(self.gateway.transfer("alice", self.other.id, to_call=self.call.id))

    def test_states(self) -> None:
        """Both calls must be answered calls of the agent, and two."""
        self.fails(BadInput, self.gateway.transfer("alice", self.call.id, to_call=self.call.id))
        self.fails(UnknownCall, self.gateway.transfer("alice", self.call.id, to_call="nonsense"))
        dialled, _ = self.place(self.agent)
        self.fails(WrongState, self.gateway.transfer("alice", self.call.id, to_call=dialled.id))


class Requested(InCall):
    """Transfers that the far side asks for."""

    def accept(self, *domains: str) -> None:
        """Start over with a gateway that tells the page of such wishes."""
        self.start(accept_refer=True, allowed_domains=frozenset(domains))
        self.agent = self.sign_in()
        self.call, self.peer = self.outbound(self.agent)

    def frags(self) -> list[str]:
        """Return what the gateway has reported of its progress."""
        return [request.body.strip() for request in self.peer.requests if request.method == "NOTIFY"]

    def test_declined(self) -> None:
        """By default the far side is told no, and the page nothing."""
        self.peer.refer("sip:1004@example.org")
        self.run_for()
        self.assertEqual(self.peer.last("REFER").status, 603)
        self.assertEqual(self.messages(self.agent), [])

    def test_taken_up(self) -> None:
        """Where it is allowed the page is asked; its call to the target is reported to the far side."""
        self.accept()
        self.peer.refer("sip:1004@example.org", [("Referred-By", "<sip:5002@example.org>")])
        self.run_for()
        self.assertEqual(self.peer.last("REFER").status, 202)
        (told,) = self.messages(self.agent)
        self.assertEqual((told.type, told.state, told.to), (MessageType.TRANSFER, "REQUESTED", "1004"))
        self.assertEqual(told.referred_by, "<sip:5002@example.org>")
        _, unrelated = self.place(self.agent, "1009")
        self.assertNotIn("Referred-By", unrelated.requests[0].headers)
        _, far = self.place(self.agent, "1004")
        self.assertEqual(far.requests[0].headers.get("Referred-By"), "<sip:5002@example.org>")
        far.ring()
        self.run_for()
        far.answer()
        self.run_for()
        self.assertEqual(self.frags(), ["SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK"])
        far.bye()
        self.run_for(20)
        self.assertEqual(len(self.frags()), 3)

    def test_target_elsewhere(self) -> None:
        """A target elsewhere is named whole and may be called as the far side asks, in place of the call it names."""
        self.accept("elsewhere.example")
        self.peer.refer("sip:bob@elsewhere.example?Replaces=77%40there%3Bto-tag%3Da%3Bfrom-tag%3Db")
        self.run_for()
        self.assertEqual(self.last(self.agent, MessageType.TRANSFER).to, "sip:bob@elsewhere.example")
        _, far = self.place(self.agent, "sip:bob@elsewhere.example")
        self.assertEqual(far.requests[0].uri, "sip:bob@elsewhere.example")
        self.assertEqual(far.requests[0].headers.get("Replaces"), "77@there;to-tag=a;from-tag=b")
        far.refuse(486)
        self.run_for()
        self.assertEqual(self.frags()[-1], "SIP/2.0 486 Busy Here")

    def test_not_taken_up(self) -> None:
        """A page that does nothing has declined; a newer wish takes the place of an older one."""
        self.accept()
        self.peer.refer("sip:1004@example.org")
        self.run_for()
        self.peer.refer("sip:1005@example.org")
        self.run_for(9)
        self.assertEqual([told.to for told in self.messages(self.agent)], ["1004", "1005"])
        self.run_for(2)
        self.assertEqual(self.frags()[-1], "SIP/2.0 603 Declined")

    def test_call_ends(self) -> None:
        """When the call ends nobody is left to be told."""
        self.accept()
        self.peer.refer("sip:1004@example.org")
        self.run_for()
        self.place(self.agent, "1004")
        self.peer.bye()
        self.run_for()
        self.far.calls[-1].answer()
        self.run_for()
        self.assertEqual(self.frags(), ["SIP/2.0 100 Trying"])
        self.peer = self.far.calls[-1]
        self.peer.refer("sip:1004@example.org")
        self.run_for()
        self.peer.bye()
        self.run_for(11)

    def test_refused_by_gateway(self) -> None:
        """A wish is not used up by a call that could not be placed."""
        self.accept()
        self.peer.refer("sip:1004@example.org")
        self.run_for()
        with self.assertRaises(BadInput):
            self.gateway.place_call("alice", "1004", "hello", page_address=PAGE)
        self.gateway.place_call("alice", "1004", PAGE_SDP, page_address=PAGE)
        self.run_for(11)
        self.assertEqual(self.frags(), ["SIP/2.0 100 Trying"])
