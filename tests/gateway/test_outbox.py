"""What leaves waits for what is written, and keeps its order, whatever the store makes of a batch."""

from collections.abc import Iterable, Mapping, Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.kept import SurvivingStore
from wrtcgw.events.stream import EventStream
from wrtcgw.gateway.leases import Leases
from wrtcgw.gateway.outbox import AT_ONCE, COMPANY, FIRST_PAUSE, Batches
from wrtcgw.store.interface import StoreUnavailable

LASTING = 9.0


class SlowStore(SurvivingStore):
    """
    One whose writes are finished by the test.

    :ivar refused: what another gateway has; it hears so at its next question.
    """

    def __init__(self) -> None:
        super().__init__()
        self.slow = True
        self.refused: set[str] = set()

    def end(self, *fenced: str) -> None:
        """Finish the oldest write, in which some accounts were another gateway's."""
        done, _ = self.pending.pop(0)
        done.callback(frozenset(fenced))

    def renew(self, keys: Sequence[str]) -> Deferred[frozenset[str]]:
        """Tell which leases are lost."""
        return succeed(frozenset(keys) & self.refused)


class Core:
    """Tells what has changed."""

    def __init__(self) -> None:
        self.changed: set[str] = set()

    def touched(self) -> set[str]:
        """Return it once."""
        changed, self.changed = self.changed, set()
        return changed


class OutboxCase(SynchronousTestCase):
    """An outbox with a store that takes its time."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.store = SlowStore()
        self.events = EventStream()
        self.core = Core()
        self.left: list[str] = []
        self.problems: list[Exception] = []
        self.fenced: list[str] = []
        self.leases = Leases(self.store, self.clock, LASTING, self._lost, self.problems.append)
        self.outbox = Batches(
            self.store, self.leases, self.core, self.clock, self.events, self._records, self._fenced, self._report
        )
        self.events.settled = self.outbox.settled
        self.leases.start()

    def tearDown(self) -> None:
        self.assertEqual(self.problems, [])

    def _report(self, error: Exception) -> None:
        self.problems.append(error)

    def _records(self, keys: Iterable[str]) -> Mapping[str, bytes | None]:
        return {key: b"{}" for key in sorted(keys)}

    def _fenced(self, keys: frozenset[str]) -> None:
        with self.events:  # as the gateway forgets its calls
            self.fenced += sorted(keys)

    def _lost(self, keys: frozenset[str]) -> None:
        self.outbox.lose(keys)

    def say(self, key: str, text: str) -> None:
        """Change an account, and say something of it."""
        with self.events:
            self.core.changed.add(key)
            self.events.afterwards(lambda: self.outbox.put(lambda: self.left.append(text), key))


class InCompany(OutboxCase):
    """Changes of which nothing is said."""

    def change(self, *keys: str) -> None:
        """Change accounts, and say nothing."""
        with self.events:
            self.core.changed.update(keys)

    def keys(self) -> list[list[str]]:
        """Return what each write that is under way has."""
        return [sorted(changes) for _, changes in self.store.pending]

    def test_moment(self) -> None:
        """They wait for one another, and not long."""
        self.change("5001")
        self.change("5002")
        self.assertEqual(self.keys(), [])
        self.clock.advance(COMPANY)
        self.assertEqual(self.keys(), [["5001", "5002"]])
        self.change("5003")
        self.clock.advance(COMPANY)
        self.assertEqual(len(self.keys()), 1)
        self.store.end()
        self.assertEqual(self.keys(), [["5003"]])
        self.store.end()
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)  # that of the leases

    def test_said(self) -> None:
        """They are written at once with what something is said of, or when somebody has to know."""
        self.change("5001")
        self.say("5002", "hello")
        self.assertEqual(self.keys(), [["5001", "5002"]])
        self.store.end()
        self.assertEqual(self.left, ["hello"])
        self.change("5001")
        waiting = self.outbox.durable()
        assert waiting is not None
        self.assertEqual(self.keys(), [["5001"]])
        self.store.end()
        self.successResultOf(waiting)

    def test_out_of_reach(self) -> None:
        """While the store is left alone nothing looks at it each moment."""
        self.change("5001")
        self.clock.advance(COMPANY)
        done, _ = self.store.pending.pop()
        done.errback(StoreUnavailable("it is gone"))
        before = len(self.clock.getDelayedCalls())
        self.change("5002")
        self.assertEqual(len(self.clock.getDelayedCalls()), before)
        self.clock.advance(FIRST_PAUSE)
        self.assertEqual(self.keys(), [["5001", "5002"]])

    def test_closed(self) -> None:
        """They are not forgotten when the process ends."""
        self.change("5001")
        closed = self.outbox.close()
        self.assertEqual(self.keys(), [["5001"]])
        self.store.end()
        self.successResultOf(closed)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class Fenced(OutboxCase):
    """Some of what is written is another gateway's."""

    def test_others_wait_for_their_own_batch(self) -> None:
        """What another account says in the meantime leaves behind what it has said before, and not unwritten."""
        self.say("mine", "first")
        with self.events:
            self.core.changed.add("gone")
        self.say("mine", "second")
        self.store.end()
        self.assertEqual(self.left, ["first"])
        self.say("mine", "third")
        self.store.end("gone")
        self.assertEqual(self.fenced, ["gone"])
        self.assertEqual(self.left, ["first", "second"])
        self.store.end()
        self.assertEqual(self.left, ["first", "second", "third"])

    def test_response_is_not_forgotten(self) -> None:
        """What waits for the next batch leaves, though there is nothing left to write."""
        self.say("gone", "first")
        with self.events:
            self.core.changed.add("gone")
        waiting = self.outbox.durable()
        assert waiting is not None
        self.store.end("gone")
        self.successResultOf(waiting)
        self.assertEqual((self.left, self.store.pending), ([], []))

    def test_lost_meanwhile(self) -> None:
        """The same when a renewal finds it out, while a batch is under way."""
        self.say("mine", "first")
        with self.events:
            self.core.changed.add("gone")
        waiting = self.outbox.durable()
        assert waiting is not None
        self.outbox.lose(frozenset(("gone",)))
        self.store.end()
        self.successResultOf(waiting)
        self.assertEqual(self.left, ["first"])


class Stopped(OutboxCase):
    """The process is stopped while a write is under way."""

    def test_reply_of_long_ago(self) -> None:
        """What was written then is no word on whose the account is now."""
        self.say("5001", "old")
        self.store.refused.add("5001")
        self.clock.rightNow += 2 * LASTING
        self.store.end()
        self.assertEqual((self.left, self.fenced), ([], ["5001"]))

    def test_still_ours(self) -> None:
        """When nobody has taken it, it leaves, and so does what was said before the reply was read."""
        self.say("5001", "old")
        self.clock.rightNow += 2 * LASTING
        self.outbox.put(lambda: self.left.append("new"), "5001")
        self.store.end()
        self.assertEqual(self.left, ["old", "new"])


class Many(OutboxCase):
    """Much has changed, as after an outage."""

    def test_in_parts(self) -> None:
        """It is written in parts, which each can be answered in time; what leaves waits for all of them."""
        with self.events:
            self.core.changed |= {f"{number:04}" for number in range(2 * AT_ONCE + 1)}
            self.events.afterwards(lambda: self.outbox.put(lambda: self.left.append("said"), "0000"))
        sizes = []
        while self.store.pending:
            self.assertEqual(self.left, [])
            sizes.append(len(self.store.pending[0][1]))
            self.store.end()
        self.assertEqual((sizes, self.left), ([AT_ONCE, AT_ONCE, 1], ["said"]))


class OutOfReach(OutboxCase):
    """The store fails."""

    def test_order(self) -> None:
        """What is said in consequence of what leaves is behind all that waited already."""
        self.say("5001", "first")
        self.outbox.put(lambda: self.outbox.put(lambda: self.left.append("last"), "5001"), "5001")
        self.say("5001", "second")
        done, _ = self.store.pending.pop(0)
        self.store.fault = "gone"
        done.errback(StoreUnavailable("gone"))
        self.assertEqual(self.left, ["first", "second", "last"])
