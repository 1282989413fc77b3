"""The entries of the core as a whole: several agents, connections and legs, and two cores joined."""

import gc
import sys
from types import FrameType

from twisted.trial.unittest import SynchronousTestCase

from tests.support.corecase import HELD, FarCall
from tests.support.corepair import ANSWER, OFFER, CorePair
from tests.support.script import ScriptCase
from wrtcgw.sip.core import Account
from wrtcgw.sip.errors import LocalViolation
from wrtcgw.sip.outputs import (
    AnswerReceived,
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallProgress,
    CallReceived,
    EndCause,
    InfoReceived,
    OfferAnswered,
    OfferReceived,
    PeerFault,
    Registered,
    RequestAnswered,
    Send,
    SessionRefreshed,
    TransferProgress,
    TransferRequested,
)
from wrtcgw.sip.uri import URI


class EntryTests(ScriptCase):
    """What the entries refuse, and what they let pass."""

    def test_unknown_leg(self) -> None:
        """Every entry that names a leg raises for one that is not there."""
        target = URI.parse("sip:x@example.org")
        core, now = self.core, self.now
        for entry in (
            lambda: core.answer("x", ANSWER, now),
            lambda: core.reject("x", 486, "", now),
            lambda: core.hangup("x", now),
            lambda: core.reoffer("x", OFFER, now),
            lambda: core.answer_offer("x", ANSWER, now),
            lambda: core.reject_offer("x", 488, now),
            lambda: core.info("x", "a/b", "", now),
            lambda: core.refer("x", target, now),
            lambda: core.accept_refer("x", now),
            lambda: core.notify_refer("x", 200, "", now),
            lambda: core.reject_refer("x", 603, now),
            lambda: core.remote_target("x"),
        ):
            self.assertRaises(LocalViolation, entry)

    def test_no_dialog(self) -> None:
        """What needs a dialog raises before there is one, and so does a REFER that names such a leg."""
        placed, call = self.place(), self.call_in()
        target = URI.parse("sip:x@example.org")
        self.assertRaises(LocalViolation, self.core.info, placed.leg, "a/b", "", self.now)
        self.assertRaises(LocalViolation, self.core.refer, placed.leg, target, self.now)
        self.assertRaises(LocalViolation, self.core.refer, call.leg, target, self.now, replaces_leg=placed.leg)

    def test_no_refer(self) -> None:
        """A leg without a REFER of the peer has none to answer."""
        call = self.call_in()
        self.assertRaises(LocalViolation, self.core.accept_refer, call.leg, self.now)

    def test_line_ends(self) -> None:
        """Nothing that the user of the core gives can add a header field."""
        call = self.call_in()
        evil = "x\r\nX-Evil: 1"
        self.assertRaises(LocalViolation, self.core.info, call.leg, evil, "", self.now)
        self.assertRaises(LocalViolation, self.core.hangup, call.leg, self.now, [evil])

    def test_accounts(self) -> None:
        """An account that is added can call and be called; one that is removed cannot, but its calls go on."""
        self.core.add_account(Account("bob", "1002", "x"))
        known = self.core.account("bob")
        assert known is not None
        self.assertEqual(known.dn, "1002")
        call = self.call_in()
        self.core.remove_account("alice")
        self.assertIsNone(self.core.account("alice"))
        self.assertEqual(self.answers(self.outside("OPTIONS")), [404])
        self.assertEqual(self.answers(call.send("INFO")), [200])
        self.core.remove_account("nobody")

    def test_registered_account_stays(self) -> None:
        """An account that is registered is removed by its sign-out only."""
        self.do(self.core.register, Account("bob", "bob", "x"))
        self.respond(self.last("REGISTER"), 200)
        self.core.remove_account("bob")
        self.assertIsNotNone(self.core.account("bob"))
        self.do(self.core.unregister, "bob")
        self.respond(self.last("REGISTER"), 200)
        self.assertIsNone(self.core.account("bob"))
        self.silent(lambda: self.do(self.core.unregister, "bob"))

    def test_several_flows(self) -> None:
        """A connection that is lost concerns its own calls and agents only; wss shows in Via."""
        self.take(self.core.connected(1, self.now, secure=True))
        here = self.call_out()
        there = self.place(flow=1)
        self.assertEqual(there.invite.via.transport, "WSS")
        self.do(self.core.register, Account("bob", "bob", "x", flow=1))
        self.respond(self.last("REGISTER"), 200)
        self.do(self.core.disconnected, 0)
        self.assertEqual([self.core.is_connected(flow) for flow in range(3)], [False, True, False])
        there.respond(200, sdp=ANSWER)
        self.assertEqual([event.leg for event in self.of(CallAnswered)], [here.leg, there.leg])
        self.do(self.core.disconnected, 1)
        self.take(self.core.connected(1, self.now))
        self.advance(1)
        self.assertEqual(self.last("REGISTER").from_.uri.user, "bob")
        self.do(self.core.unregister, "bob")

    def test_cost_of_a_message(self) -> None:
        """With a thousand legs a message runs exactly as many functions as with one."""
        call = self.call_in()
        self.functions(call)  # what is made once in a process, patterns for one, is made here
        alone = self.functions(call)
        legs = [self.place().leg for _ in range(1000)]
        self.assertEqual(self.functions(call), alone)
        for leg in legs:
            self.do(self.core.hangup, leg)

    def functions(self, call: FarCall) -> int:
        """Count the functions, built-in ones included, that one INFO runs through."""
        text = call.request("INFO", "x").to_text()
        count = 0

        def on_event(frame: FrameType, event: str, argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        gc.disable()  # what runs at a collection, Hypothesis' clock for one, is not to be counted
        sys.setprofile(on_event)
        try:
            outputs = self.core.receive(0, text, self.now)
        finally:
            sys.setprofile(None)
            gc.enable()
        self.assertEqual([type(output) for output in outputs], [Send, InfoReceived])
        return count


class PairTests(SynchronousTestCase):
    """Two cores joined: what one says, the other understands."""

    def setUp(self) -> None:
        self.pair = CorePair()
        self.strays = 0
        self.a, self.b = self.pair.a, self.pair.b

    def tearDown(self) -> None:
        for side in (self.a, self.b):
            begun = side.of(CallReceived) + side.of(CallAnswered) + side.of(CallProgress)
            ended = {event.leg for event in side.events if isinstance(event, CallEnded)}
            for leg in {getattr(event, "leg", "") for event in begun} - ended:
                self.pair.take(side, side.core.hangup(leg, self.pair.now))
        self.pair.advance(5000)
        for side in (self.a, self.b):
            core = side.core
            self.assertEqual((core.legs, core.transactions, core.next_deadline()), (0, 0, None), side.name)
        self.assertEqual(len(self.a.of(PeerFault) + self.b.of(PeerFault)), self.strays)

    def ring(self) -> tuple[str, str]:
        """Let alice call bob; return both legs."""
        leg = self.pair.call()
        received = self.b.last(CallReceived)
        assert isinstance(received, CallReceived)
        return leg, received.leg

    def establish(self) -> tuple[str, str]:
        """Let alice call bob and bob answer; return both legs."""
        ours, theirs = self.ring()
        self.pair.take(self.b, self.b.core.answer(theirs, ANSWER, self.pair.now))
        return ours, theirs

    def test_call(self) -> None:
        """A call, answered and hung up by the caller."""
        ours, theirs = self.establish()
        self.assertEqual(self.a.of(CallAnswered), [CallAnswered(ours, ANSWER)])
        self.assertEqual(self.b.of(CallConfirmed), [CallConfirmed(theirs)])
        self.pair.take(self.a, self.a.core.hangup(ours, self.pair.now))
        self.assertEqual(self.a.of(CallEnded), [CallEnded(ours, EndCause.LOCAL, 200, "OK")])
        self.assertEqual(self.b.of(CallEnded), [CallEnded(theirs, EndCause.REMOTE)])

    def test_cancel(self) -> None:
        """The caller gives up while it rings."""
        ours, _ = self.ring()
        self.pair.take(self.a, self.a.core.hangup(ours, self.pair.now, ["SIP;cause=200"]))
        self.assertEqual(self.a.of(CallEnded), [CallEnded(ours, EndCause.LOCAL, 487, "Request Terminated")])
        (ended,) = self.b.of(CallEnded)
        assert isinstance(ended, CallEnded)
        self.assertEqual([reason.cause for reason in ended.reasons], [200])

    def test_cancel_and_answer_cross(self) -> None:
        """The answer and the CANCEL meet on the way: both sides end, and neither is left in a call."""
        ours, theirs = self.ring()
        self.pair.held = True
        self.pair.take(self.b, self.b.core.answer(theirs, ANSWER, self.pair.now))
        self.pair.take(self.a, self.a.core.hangup(ours, self.pair.now))
        self.pair.release()
        self.assertEqual(self.a.of(CallAnswered), [])
        self.assertEqual([side.core.legs for side in (self.a, self.b)], [0, 0])

    def test_hang_ups_cross(self) -> None:
        """Both hang up at once."""
        ours, theirs = self.establish()
        self.pair.held = True
        self.pair.take(self.a, self.a.core.hangup(ours, self.pair.now))
        self.pair.take(self.b, self.b.core.hangup(theirs, self.pair.now))
        self.pair.release()
        self.assertEqual([len(side.of(CallEnded)) for side in (self.a, self.b)], [1, 1])

    def test_offers(self) -> None:
        """Each side offers once."""
        ours, theirs = self.establish()
        for side, leg, other, other_leg in ((self.a, ours, self.b, theirs), (self.b, theirs, self.a, ours)):
            self.pair.take(side, side.core.reoffer(leg, HELD, self.pair.now))
            self.assertEqual(other.last(OfferReceived), OfferReceived(other_leg, HELD))
            self.pair.take(other, other.core.answer_offer(other_leg, ANSWER, self.pair.now))
            self.assertEqual(side.last(OfferAnswered), OfferAnswered(leg, ANSWER))

    def test_info(self) -> None:
        """A digit, and its outcome."""
        ours, theirs = self.establish()
        ticket, outputs = self.a.core.info(ours, "application/dtmf-relay", "Signal=1", self.pair.now)
        self.pair.take(self.a, outputs)
        self.assertEqual(self.b.of(InfoReceived), [InfoReceived(theirs, "application/dtmf-relay", "Signal=1")])
        self.assertEqual(self.a.of(RequestAnswered), [RequestAnswered(ours, ticket, 200, "OK")])

    def test_refer(self) -> None:
        """A transfer, accepted and told to the end."""
        ours, theirs = self.establish()
        self.pair.take(self.a, self.a.core.refer(ours, URI.parse("sip:carol@example.org"), self.pair.now)[1])
        self.assertEqual(len(self.b.of(TransferRequested)), 1)
        self.pair.take(self.b, self.b.core.accept_refer(theirs, self.pair.now))
        self.pair.take(self.b, self.b.core.notify_refer(theirs, 200, "OK", self.pair.now))
        codes = [event.code for event in self.a.events if isinstance(event, TransferProgress)]
        self.assertEqual(codes, [100, 200])

    def test_cut_and_mended(self) -> None:
        """The link is cut in a call and comes back: both sides tell each other their way, and the call goes on."""
        ours, theirs = self.establish()
        self.pair.disconnect()
        self.pair.advance(3)
        self.pair.connect()
        for side, leg, other in ((self.a, ours, self.b), (self.b, theirs, self.a)):
            self.pair.advance(2)
            self.assertEqual(side.of(OfferReceived), [OfferReceived(leg, OFFER if other is self.a else ANSWER)])
            self.pair.take(side, side.core.answer_offer(leg, OFFER, self.pair.now))
            self.assertEqual(len(other.of(SessionRefreshed)), 1)
        self.pair.advance(60)
        self.assertEqual([side.of(CallEnded) for side in (self.a, self.b)], [[], []])

    def test_cut_in_each_state(self) -> None:
        """Cut off while it rings: the caller's call is over, and its CANCEL reaches the callee over the new link."""
        ours, theirs = self.ring()
        self.pair.disconnect()
        ended = CallEnded(ours, EndCause.FAILED, 503, "the connection to the SIP proxy was lost")
        self.assertEqual(self.a.of(CallEnded), [ended])
        self.pair.connect()
        self.assertEqual(self.b.of(CallEnded), [CallEnded(theirs, EndCause.REMOTE)])
        self.strays = 1  # the 487, for which nobody waits any more

    def test_no_registrar(self) -> None:
        """A core is no registrar: it says so, and the sign-in fails at once."""
        self.pair.take(self.a, self.a.core.register(Account("carol", "carol", "x"), self.pair.now))
        self.assertEqual(self.a.of(Registered), [])
        self.assertEqual(self.a.of(AnswerReceived), [])
