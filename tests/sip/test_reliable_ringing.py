"""100rel as the callee."""

from tests.support.corecase import FarCall
from tests.support.script import LIMIT, IncomingCase
from wrtcgw.sip.outputs import (
    CallConfirmed,
    CallEnded,
    EndCause,
)

RELIABLE = [("Require", "100rel")]


class ReliableTests(IncomingCase):
    """180 that the caller requires to be reliable (RFC 3262 section 3)."""

    def rack(self, call: FarCall, *, rseq: int = 0, number: int = 0, method: str = "INVITE") -> str:
        """Return the RAck of the newest 180, or one that is off by something."""
        assert call.invite is not None
        ringing = self.answer_to(call.invite)
        return f"{int(ringing.headers.get('RSeq') or 0) + rseq} {call.invite.cseq.number + number} {method}"

    def prack(self, call: FarCall, rack: str) -> list[int]:
        """Send a PRACK; return what it was answered with."""
        return self.answers(call.send("PRACK", "", [("RAck", rack)]))

    def test_acknowledged(self) -> None:
        """The 180 is repeated until its PRACK, whose answer is 200; the same PRACK again matches nothing."""
        call = self.ring_in(fields=RELIABLE)
        assert call.invite is not None
        self.assertTrue(self.answer_to(call.invite).headers.has_option("Require", "100rel"))
        self.advance(2)
        self.assertEqual(self.final(call), [180, 180, 180])
        rack = self.rack(call)
        self.assertEqual(self.prack(call, rack), [200])
        self.assertEqual(self.prack(call, rack), [481])
        self.advance(40)
        self.assertEqual(self.final(call), [180, 180, 180])
        self.answer(call)
        call.ack()
        self.assertEqual(len(self.of(CallConfirmed)), 1)

    def test_wrong(self) -> None:
        """A PRACK for another response gets 481, a malformed one 400, and the 180 is still repeated."""
        call = self.ring_in(fields=RELIABLE)
        for rack in (self.rack(call, rseq=1), self.rack(call, number=1), self.rack(call, method="UPDATE")):
            self.assertEqual(self.prack(call, rack), [481])
        self.assertEqual(self.prack(call, "1 x"), [400])
        self.advance(1)
        self.assertEqual(self.final(call), [180, 180])

    def test_where_none_is_due(self) -> None:
        """A PRACK to an ordinary 180, or inside an established call, gets 481."""
        self.assertEqual(self.prack(self.ring_in(), "1 101 INVITE"), [481])
        self.assertEqual(self.prack(self.call_out(), "1 101 INVITE"), [481])

    def test_never(self) -> None:
        """Without any PRACK the call is refused with 500 after 64·T1."""
        call = self.ring_in(fields=RELIABLE)
        self.advance(LIMIT)
        self.assertEqual(self.final(call)[-1], 500)
        self.assertEnded(EndCause.FAILED, 500)

    def test_answered_before(self) -> None:
        """Our answer ends the repetition; a PRACK that comes behind it still gets 200."""
        call = self.ring_in(fields=RELIABLE)
        rack = self.rack(call)
        self.answer(call)
        self.assertEqual(self.prack(call, rack), [200])
        call.ack()
        self.advance(60)
        self.assertEqual(self.of(CallEnded), [])

    def test_rings_on(self) -> None:
        """The 180 of the next minute has the next RSeq."""
        call = self.ring_in(fields=RELIABLE)
        first = self.rack(call)
        self.prack(call, first)
        self.advance(60)
        second = self.rack(call)
        self.assertEqual(int(second.split()[0]), int(first.split()[0]) + 1)
        self.assertEqual(self.prack(call, second), [200])

    def test_slow_timers(self) -> None:
        """While a 180 waits for its PRACK, no further one is sent."""
        call = self.ring_in(fields=RELIABLE)
        assert call.invite is not None
        before = self.rack(call)
        leg = self.core._legs[call.leg]
        leg.on_timer("again")
        self.take(self.core.tick(self.now))
        self.assertEqual((self.rack(call), self.final(call)), (before, [180]))

    def test_cancelled(self) -> None:
        """A CANCEL ends the repetition."""
        call = self.ring_in(fields=RELIABLE)
        call.cancel()
        self.assertEqual([response.status for response in self.responses[-2:]], [200, 487])
        self.silent(lambda: self.advance(20))
