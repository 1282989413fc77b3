"""Any messages at any time: a core that was restored from snapshots does what the one does that went on."""

from hypothesis import settings, strategies
from hypothesis.stateful import invariant, rule
from twisted.trial.unittest import SynchronousTestCase

from tests.sip.test_core_machine import Fields, PeerAndUser, seldom
from tests.support.twins import LATE, Twins
from wrtcgw.sip.core import Account, UASettings

CHALLENGES = frozenset(("WWW-Authenticate", "Proxy-Authenticate"))


class Restarts(PeerAndUser):
    """
    The core of :class:`PeerAndUser` with a twin, made anew at any time.

    It has one account: what is due at one time for two of them has no order that a snapshot of one could keep.
    """

    registers = "alice"

    def __init__(self) -> None:
        super().__init__()
        self.now = LATE
        self.core = self.twins = Twins(UASettings(domain="example.org", instance="gw", ring_timeout=100))  # type: ignore[assignment]
        self.twins.core.add_account(Account("alice", "alice", "secret"))
        self.requests, self.legs, self.dialogs, self.events = [], [], [], []
        self.take(self.core.connected(0, self.now))

    def who(self, account: str) -> str:
        """Return the one account."""
        return "alice"

    def chosen(self, fields: Fields) -> Fields:
        """Challenge nobody: credentials and challenges are not in a snapshot, so that the two would differ."""
        return [(name, value) for name, value in fields if name not in CHALLENGES]

    @rule(really=strategies.sampled_from((True, True, False)))
    def restart(self, really: bool) -> None:
        """Store everything, and read it back."""
        if really:
            self.twins.fork(self.now)

    @rule(really=seldom)
    def crash(self, really: bool) -> None:
        """Lose the process of one, and of the other only the connection."""
        if really:
            self.take(self.twins.crash(self.now))

    @invariant()
    def alike(self) -> None:
        """Both hold the same, and what has changed is known."""
        self.twins.check_touched(self.now)
        self.twins.compare(self.now)

    def teardown(self) -> None:
        """End everything: then nothing may be left of either."""
        super().teardown()
        twin = self.twins.twin
        if twin is not None:
            assert (twin.legs, twin.transactions, twin.next_deadline(), len(twin._ua.dialogs)) == (0, 0, None, 0)
            assert (twin._legs_of, twin._layer._clients_of, twin._layer._servers_of) == ({}, {}, {})


class MachineTests(SynchronousTestCase):
    """Runs of the machine."""

    def test_runs(self) -> None:
        """After any history, and with anything behind it, original and restored core put out the same."""
        case = Restarts.TestCase
        case.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
        case("runTest").runTest()
