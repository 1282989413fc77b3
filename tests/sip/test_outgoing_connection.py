"""Calls that we place, when the connection is lost."""

from tests.support.corepair import ANSWER, OFFER
from tests.support.script import ScriptCase
from wrtcgw.sip.outputs import (
    CallEnded,
    EndCause,
    RequestAnswered,
)


class ConnectionTests(ScriptCase):
    """A connection lost, in each state of the call."""

    def test_down_from_the_start(self) -> None:
        """Without a connection the call fails at once, and nothing of it is sent later."""
        self.disconnect()
        self.place()
        self.assertEnded(EndCause.FAILED, 503)
        self.assertEqual(self.core.legs, 0)
        self.silent(self.connect)

    def test_unknown_flow(self) -> None:
        """A flow that never was is one that is down."""
        self.place(flow=9)
        self.assertEnded(EndCause.FAILED, 503)

    def test_calling_or_ringing(self) -> None:
        """The call ends with the connection; over the next one it is cancelled, so that nobody rings on."""
        for ringing in (False, True):
            placed = self.place()
            if ringing:
                placed.respond(180)
            self.disconnect()
            ended = self.of(CallEnded)[-1]
            self.assertEqual((ended.cause, ended.code), (EndCause.FAILED, 503))
            self.advance(5)
            self.connect()
            self.assertEqual(self.last("CANCEL").via.branch, placed.invite.via.branch)
            self.assertEqual(self.core.legs, 0)

    def test_events_after_the_end(self) -> None:
        """Nothing is told of a call after its end; what still comes in is refused."""
        placed = self.place()
        placed.respond(180)
        self.disconnect()
        branch = placed.branch()
        self.assertEqual(self.core.legs, 1)
        before = list(self.events)
        branch.send("INFO")
        self.assertEqual(self.events, before)
        self.do(self.core.hangup, placed.leg)
        self.assertEqual(self.events, before)

    def test_never_back(self) -> None:
        """Without a new connection the rest of the call is forgotten in the end."""
        self.place()
        self.disconnect()
        self.advance(120)
        self.assertEqual((self.core.legs, self.core.transactions, self.core.next_deadline()), (0, 0, None))

    def test_cancelling(self) -> None:
        """A CANCEL whose answer was lost is sent once more over the new connection."""
        placed = self.place()
        placed.respond(180)
        self.do(self.core.hangup, placed.leg)
        self.disconnect()
        self.assertEnded(EndCause.LOCAL)
        self.connect()
        self.assertEqual(len(self.sent("CANCEL")), 2)
        self.assertEqual(self.core.legs, 0)

    def test_established(self) -> None:
        """The call goes on, and a re-INVITE with the description as it is tells the new way."""
        call = self.call_out()
        self.disconnect()
        self.advance(3)
        self.assertEqual(self.of(CallEnded), [])
        self.connect()
        reinvite = self.last("INVITE")
        self.assertEqual((reinvite.to_tag, reinvite.body), ("far", OFFER))
        self.respond(reinvite, 200, ANSWER)
        self.assertEqual(self.core.legs, 1)
        self.assertEqual(self.answers(call.send("INFO")), [200])

    def test_acknowledged_again(self) -> None:
        """An ACK that may have been lost with the connection is repeated over the new one, for 64·T1 only."""
        self.call_out()
        self.disconnect()
        self.advance(20)
        self.connect()
        first, second = self.sent("ACK")
        self.assertEqual(first.to_text(), second.to_text())
        self.assertLess(self.requests.index(second), self.requests.index(self.last("INVITE")))
        self.respond(self.last("INVITE"), 200, ANSWER)
        self.advance(40)
        sent = len(self.sent("ACK"))
        self.disconnect()
        self.connect()
        self.assertEqual(len(self.sent("ACK")), sent)
        self.respond(self.last("INVITE"), 200, ANSWER)

    def test_hang_up_meanwhile(self) -> None:
        """A hang-up without a connection is told at once, and its BYE is sent with its reason when it is back."""
        call = self.call_out()
        self.disconnect()
        self.do(self.core.hangup, call.leg, reasons=["SIP;cause=200"])
        self.assertEnded(EndCause.LOCAL)
        self.connect()
        self.assertEqual(self.last("BYE").headers.get("Reason"), "SIP;cause=200")
        self.respond(self.last("BYE"), 200)
        self.assertEqual((self.core.legs, len(self.of(CallEnded))), (0, 1))

    def test_bye_never_sent(self) -> None:
        """A BYE that finds no connection in time is given up."""
        call = self.call_out()
        self.disconnect()
        self.do(self.core.hangup, call.leg)
        self.advance(120)
        self.assertEqual(self.core.legs, 0)

    def test_bye_under_way(self) -> None:
        """A BYE that was lost with the connection is told as the end, and sent again."""
        call = self.call_out()
        self.do(self.core.hangup, call.leg)
        self.disconnect()
        self.assertEnded(EndCause.LOCAL)
        self.connect()
        byes = self.sent("BYE")
        self.assertEqual([bye.cseq.number for bye in byes], [2, 3])
        self.respond(byes[-1], 481)
        self.assertEqual((self.core.legs, len(self.of(CallEnded))), (0, 1))

    def test_peer_says_bye_meanwhile(self) -> None:
        """A BYE of the peer ends what waits for the connection, silently."""
        call = self.call_out()
        self.disconnect()
        self.do(self.core.hangup, call.leg)
        call.send("INFO")
        call.bye()
        self.assertEqual(self.core.legs, 0)
        self.assertEqual(len(self.of(CallEnded)), 1)

    def test_info_lost(self) -> None:
        """An INFO that was lost with the connection failed; the call goes on."""
        call = self.call_out()
        ticket, outputs = self.core.info(call.leg, "application/dtmf-relay", "Signal=1", self.now)
        self.take(outputs)
        self.disconnect()
        self.assertEqual(self.of(RequestAnswered), [RequestAnswered(call.leg, ticket, 503, "Service Unavailable")])
        self.assertEqual(self.of(CallEnded), [])

    def test_flapping(self) -> None:
        """A connection that comes and goes leaves one recovery to do, and no list that grows."""
        self.call_out()
        for _ in range(5):
            self.disconnect()
        self.assertEqual([len(legs) for legs in self.core._interrupted.values()], [1])
        self.connect()
        self.assertEqual(len(self.sent("INVITE")), 2)
