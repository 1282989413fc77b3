"""Calls that come to us, when the connection is lost."""

from tests.support.corepair import OFFER
from tests.support.script import LIMIT, IncomingCase
from wrtcgw.sip.outputs import (
    CallConfirmed,
    CallEnded,
    EndCause,
    SessionRefreshed,
)


class ConnectionTests(IncomingCase):
    """A connection lost, in each state of the call."""

    def test_ringing(self) -> None:
        """The call rings on; our answer goes out over the next connection."""
        call = self.ring_in()
        self.disconnect()
        self.advance(2)
        self.connect()
        self.answer(call)
        self.assertEqual(self.final(call), [180, 200])
        call.ack()
        self.assertEqual(len(self.of(CallConfirmed)), 1)

    def test_ringing_never_back(self) -> None:
        """Without a connection the call rings until the limit and is over then."""
        self.ring_in()
        self.disconnect()
        self.advance(300)
        self.assertEnded(EndCause.FAILED, 480)
        self.assertEqual(self.core.legs, 0)

    def test_answered_meanwhile(self) -> None:
        """An answer given without a connection is sent as soon as there is one."""
        call = self.ring_in()
        self.disconnect()
        self.answer(call)
        self.assertEqual(self.final(call), [180])
        self.connect()
        self.assertEqual(self.final(call), [180, 200])
        call.ack()
        self.assertEqual(len(self.of(CallConfirmed)), 1)

    def test_lost_before_the_ack(self) -> None:
        """Our 200 is sent again at once over the new connection."""
        call = self.ring_in()
        self.answer(call)
        self.disconnect()
        self.advance(1)
        self.connect()
        self.assertEqual(self.final(call), [180, 200, 200])
        call.ack()
        self.assertEqual(len(self.of(CallConfirmed)), 1)

    def test_ack_lost_with_it(self) -> None:
        """When the ACK went down with the connection, a re-INVITE asks the peer instead of a BYE (report A11)."""
        call = self.ring_in()
        self.answer(call)
        self.disconnect()
        self.connect()
        self.advance(LIMIT)
        self.assertEqual((self.sent("BYE"), len(self.sent("INVITE"))), ([], 1))
        self.respond(self.last("INVITE"), 200, OFFER)
        self.assertEqual(self.of(SessionRefreshed), [SessionRefreshed(call.leg, OFFER)])
        self.assertEqual(self.answers(call.send("INFO")), [200])

    def test_ack_lost_and_gone(self) -> None:
        """A peer that does not know the call says so to the re-INVITE, and the call ends."""
        call = self.ring_in()
        self.answer(call)
        self.disconnect()
        self.connect()
        self.advance(LIMIT)
        self.respond(self.last("INVITE"), 481)
        self.assertEnded(EndCause.FAILED, 481)

    def test_closing(self) -> None:
        """A hang-up that waits for the ACK goes on over the new connection."""
        call = self.ring_in()
        self.answer(call)
        self.do(self.core.hangup, call.leg)
        self.disconnect()
        self.connect()
        call.ack()
        self.assertEqual(len(self.sent("BYE")), 1)

    def test_closing_without_connection(self) -> None:
        """A hang-up whose ACK never comes sends its BYE over whatever connection there is later."""
        call = self.ring_in()
        self.answer(call)
        self.do(self.core.hangup, call.leg)
        self.disconnect()
        self.advance(LIMIT + 1)
        self.assertEnded(EndCause.LOCAL)
        self.connect()
        self.respond(self.last("BYE"), 200)
        self.assertEqual(self.core.legs, 0)

    def test_established(self) -> None:
        """The call goes on and is recovered by a re-INVITE, which the callee may send as well."""
        call = self.call_in()
        self.disconnect()
        self.connect()
        self.respond(self.last("INVITE"), 200, OFFER)
        self.assertEqual(self.of(CallEnded), [])
        self.assertEqual(self.answers(call.send("INFO")), [200])

    def test_bye_never_sent(self) -> None:
        """A BYE that finds no connection in time is given up."""
        call = self.call_in()
        self.disconnect()
        self.do(self.core.hangup, call.leg)
        self.advance(120)
        self.assertEnded(EndCause.LOCAL)
        self.assertEqual(self.core.legs, 0)

    def test_refused_meanwhile(self) -> None:
        """A refusal that cannot be sent ends the leg all the same."""
        call = self.ring_in()
        self.disconnect()
        self.do(self.core.reject, call.leg, 486, "")
        self.assertEnded(EndCause.LOCAL, 486)
        self.assertEqual(self.core.legs, 0)
