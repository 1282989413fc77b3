"""Tests of the timer values against Table 4 of RFC 3261 and RFC 6026 8.11, TCP column."""

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.sip.timers import Timers


class TimersTests(SynchronousTestCase):
    """Base values and what is derived from them."""

    def test_defaults(self) -> None:
        """The base values are those of Table 4."""
        timers = Timers()
        self.assertEqual((timers.t1, timers.t2, timers.t4), (0.5, 4.0, 5.0))

    def test_limits(self) -> None:
        """The time limits are 64*T1: 32 seconds."""
        timers = Timers()
        for letter in "bfhlm":
            self.assertEqual(getattr(timers, f"timer_{letter}"), 32.0, letter)

    def test_no_waits(self) -> None:
        """The waits for retransmissions are zero on a reliable transport, whatever T1 and T4 are."""
        timers = Timers(t1=2.0, t4=9.0)
        for letter in "dijk":
            self.assertEqual(getattr(timers, f"timer_{letter}"), 0.0, letter)

    def test_scaled(self) -> None:
        """A shorter T1 shortens each limit."""
        timers = Timers(t1=0.01)
        for letter in "bfhlm":
            self.assertAlmostEqual(getattr(timers, f"timer_{letter}"), 0.64, msg=letter)

    def test_positive(self) -> None:
        """A base value that is not positive is refused when the settings are read, not when a timer fires."""
        for name in ("t1", "t2", "t4"):
            with self.assertRaises(ValueError):
                Timers(**{name: 0.0})

    def test_letters(self) -> None:
        """A timer is found by its letter; A, E and G have no value on a reliable transport."""
        timers = Timers()
        self.assertEqual((timers.wait("B"), timers.wait("D")), (timers.timer_b, timers.timer_d))
        for letter in "AEG":
            with self.assertRaises(AttributeError):
                timers.wait(letter)
