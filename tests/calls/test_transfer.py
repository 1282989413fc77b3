"""A call's part in transfers: the figure, all pairs of phase and input, and the far side's wish."""

from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from tests.calls.test_call import call_in
from wrtcgw.calls.call import CallState
from wrtcgw.calls.transfer import PHASES, Phase, Transfer, TransferInput, Wish
from wrtcgw.errors import WrongState

FIGURE = """
NONE      REFER     REFERRING
NONE      CONSULT   CONSULTED
REFERRING ACCEPTED  ACCEPTED
REFERRING FAILED    NONE
REFERRING SUCCEEDED COMPLETING
ACCEPTED  FAILED    NONE
ACCEPTED  SUCCEEDED COMPLETING
CONSULTED FAILED    NONE
CONSULTED SUCCEEDED COMPLETING
"""
"""Copied by hand from the figure."""


class Figure(SynchronousTestCase):
    """The table."""

    def test_all_pairs(self) -> None:
        """Each pair of phase and input leads where the figure says, or changes nothing."""
        drawn = {
            (Phase[before], TransferInput[event]): Phase[after]
            for before, event, after in map(str.split, FIGURE.strip().splitlines())
        }
        for phase, event in product(Phase, TransferInput):
            transfer = Transfer(phase, "c2")
            after = drawn.get((phase, event))
            self.assertIs(transfer.take(event, "c3"), after is not None)
            self.assertIs(transfer.phase, after or phase)
        self.assertEqual(PHASES, drawn)

    def test_other_call(self) -> None:
        """The other call is known as long as the transfer is under way."""
        transfer = Transfer()
        transfer.take(TransferInput.CONSULT, "c2")
        self.assertEqual((transfer.other, transfer.is_under_way, transfer.is_referring), ("c2", True, False))
        transfer.take(TransferInput.FAILED)
        self.assertEqual((transfer.other, transfer.is_under_way), ("", False))
        for event, referring in (("REFER", True), ("ACCEPTED", True), ("SUCCEEDED", False)):
            transfer.take(TransferInput[event], "c3")
            self.assertEqual((transfer.other, transfer.is_referring), ("c3", referring))


class Calls(SynchronousTestCase):
    """Transfers of calls."""

    def test_one_at_a_time(self) -> None:
        """A call that takes part in a transfer takes part in no other, on either side; a refusal changes nothing."""
        first, second, third = (call_in(CallState.ESTABLISHED) for _ in range(3))
        second.id, third.id = "c2", "c3"
        first.begin_transfer(second)
        for referring, other in ((first, None), (second, None), (third, first), (third, second)):
            with self.assertRaises(WrongState):
                referring.begin_transfer(other)
        self.assertEqual(third.transfer, Transfer())
        self.assertEqual((first.transfer.other, second.transfer.other), ("c2", first.id))

    def test_ends_for(self) -> None:
        """A call ends as transferred while that is under way, and else as replaced when another took its place."""
        call = call_in(CallState.ESTABLISHED)
        self.assertEqual(call.ends_for, "")
        call.replace_by("c2")
        self.assertEqual(call.ends_for, "replaced")
        call.begin_transfer()
        self.assertEqual(call.ends_for, "transferred")
        call.transfer.take(TransferInput.FAILED)
        self.assertEqual(call.ends_for, "replaced")

    def test_wish(self) -> None:
        """The far side's newest wish is open until it is closed, whatever the agent has ordered."""
        transfer = Transfer(Phase.ACCEPTED, referrer="c9")
        transfer.open_wish(Wish("sip:1@example.org"))
        transfer.open_wish(Wish("sip:2@example.org", "<sip:a@example.org>"))
        self.assertEqual(transfer.wish, Wish("sip:2@example.org", "<sip:a@example.org>"))
        transfer.close_wish()
        transfer.referrer_knows()
        self.assertEqual(transfer, Transfer(Phase.ACCEPTED))
