"""The mailbox: order, delivery, what is kept, and who is told."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.calls.mailbox import Mailbox
from wrtcgw.calls.messages import AgentMessage, MessageType


def message(text: str = "", sdp: str | None = None) -> AgentMessage:
    """Return a message."""
    return AgentMessage(type=MessageType.INFO, body=text, sdp=sdp)


def bodies(messages: list[AgentMessage]) -> list[str]:
    """Return the texts of messages."""
    return [kept.body for kept in messages]


class Delivery(SynchronousTestCase):
    """Putting and getting."""

    def setUp(self) -> None:
        self.mailbox = Mailbox()

    def test_order(self) -> None:
        """Messages are numbered from 1 and come oldest first; one that is not delivered stays the head."""
        self.assertIsNone(self.mailbox.head())
        first = self.mailbox.put(message("a"))
        self.mailbox.put(message("b"))
        self.assertEqual((first.seq, self.mailbox.last_seq, len(self.mailbox)), (1, 2, 2))
        self.assertIs(self.mailbox.head(), first)
        self.assertIs(self.mailbox.head(), first)
        self.mailbox.delivered(1)
        head = self.mailbox.head()
        assert head is not None
        self.assertEqual((head.body, head.seq, len(self.mailbox)), ("b", 2, 1))

    def test_accept(self) -> None:
        """A reader may want some kinds only; what it skips is gone once a later one is delivered."""
        self.mailbox.put(message("a"))
        wanted = self.mailbox.put(message("b", "v=0"))
        self.mailbox.put(message("c"))
        self.assertIs(self.mailbox.head(lambda kept: kept.is_description), wanted)
        self.mailbox.delivered(wanted.seq)
        self.assertIsNone(self.mailbox.head(lambda kept: kept.is_description))
        self.assertEqual(len(self.mailbox), 1)

    def test_after(self) -> None:
        """A reader that comes back gets what it lacks, delivered or not."""
        for text in "abc":
            self.mailbox.put(message(text))
        self.mailbox.delivered(2)
        self.assertEqual(bodies(self.mailbox.after(0)), ["a", "b", "c"])
        self.assertEqual(bodies(self.mailbox.after(1)), ["b", "c"])
        self.assertEqual(bodies(self.mailbox.after(3)), [])

    def test_after_other_life(self) -> None:
        """A number from before the agent's last sign-in means that everything is new."""
        self.mailbox.put(message("a"))
        self.assertEqual(bodies(self.mailbox.after(57)), ["a"])

    def test_delivered_bounds(self) -> None:
        """Delivering twice, backwards or beyond the end does no harm."""
        self.mailbox.put(message("a"))
        self.mailbox.delivered(9)
        self.mailbox.delivered(0)
        self.assertEqual(len(self.mailbox), 0)
        self.assertEqual(self.mailbox.put(message("b")).seq, 2)
        self.assertEqual(len(self.mailbox), 1)

    def test_listeners(self) -> None:
        """Listeners are told of each message until they leave; leaving twice is fine, also while being told."""
        told: list[str] = []

        def once() -> None:
            told.append("once")
            self.mailbox.unsubscribe(once)

        def always() -> None:
            told.append("always")

        self.mailbox.subscribe(once)
        self.mailbox.subscribe(always)
        self.mailbox.put(message())
        self.mailbox.put(message())
        self.mailbox.unsubscribe(once)
        self.mailbox.unsubscribe(always)
        self.mailbox.put(message())
        self.assertEqual(told, ["once", "always", "always"])


class Bounds(SynchronousTestCase):
    """What is dropped."""

    def test_undelivered(self) -> None:
        """Beyond the limit the oldest undelivered messages are dropped and counted."""
        mailbox = Mailbox(limit=2)
        for text in "abcd":
            mailbox.put(message(text))
        self.assertEqual((bodies(mailbox.after(0)), len(mailbox), mailbox.dropped), (["c", "d"], 2, 2))
        head = mailbox.head()
        assert head is not None
        self.assertEqual(head.seq, 3)

    def test_recent(self) -> None:
        """Of the delivered ones so many are kept as the mailbox was told."""
        mailbox = Mailbox(recent=2)
        for text in "abcd":
            mailbox.put(message(text))
        mailbox.delivered(4)
        self.assertEqual(bodies(mailbox.after(0)), ["c", "d"])

    def test_recent_size(self) -> None:
        """And no more than their size allows: descriptions are large."""
        mailbox = Mailbox(recent=10, recent_size=100)
        for letter in "abc":
            mailbox.put(message(letter, "x" * 49))
        self.assertEqual(len(mailbox.after(0)), 3)
        mailbox.delivered(3)
        self.assertEqual(bodies(mailbox.after(0)), ["b", "c"])

    @settings(derandomize=True, deadline=None)
    @given(st.lists(st.one_of(st.none(), st.integers(0, 30)), max_size=60), st.integers(1, 5), st.integers(0, 5))
    def test_model(self, steps: list[int | None], limit: int, recent: int) -> None:
        """Whatever is put and delivered: numbers have no gap, bounds hold, and nothing is delivered twice."""
        mailbox = Mailbox(limit=limit, recent=recent)
        put = delivered = 0
        for step in steps:
            if step is None:
                put += 1
                self.assertEqual(mailbox.put(message()).seq, put)
                delivered = max(delivered, put - limit)
            else:
                mailbox.delivered(step)
                delivered = max(delivered, min(step, put))
            self.assertEqual(len(mailbox), put - delivered)
            kept = [entry.seq for entry in mailbox.after(0)]
            self.assertEqual(kept, list(range(put - len(kept) + 1, put + 1)))
            self.assertLessEqual(len(kept), limit + recent)
            head = mailbox.head()
            self.assertEqual(head.seq if head else None, delivered + 1 if put > delivered else None)


class PutBack(SynchronousTestCase):
    """What was delivered and did not arrive."""

    def test_comes_first(self) -> None:
        """It is the head again, before what came after it, and listeners hear of it."""
        for recent, size in ((100, 65536), (0, 65536), (100, 10)):
            mailbox = Mailbox(recent=recent, recent_size=size)
            first, _, _ = (mailbox.put(AgentMessage(type=MessageType.INFO, body=f"{n}" * 11)) for n in range(3))
            heard: list[int] = []
            mailbox.delivered(first.seq)
            mailbox.subscribe(lambda mailbox=mailbox, heard=heard: heard.append(len(mailbox)))  # type: ignore[misc]
            mailbox.put_back(first)
            self.assertEqual((heard, mailbox.head()), ([3], first))
            self.assertEqual([message.seq for message in mailbox.after(0)], [1, 2, 3])
            mailbox.delivered(3)
            self.assertEqual((len(mailbox), mailbox.head()), (0, None))

    def test_too_late(self) -> None:
        """When a later one was delivered since, the order counts for more; and once is enough."""
        mailbox = Mailbox()
        first, second = (mailbox.put(AgentMessage(type=MessageType.INFO)) for _ in range(2))
        mailbox.delivered(second.seq)
        mailbox.put_back(first)
        self.assertIsNone(mailbox.head())
        mailbox.put_back(second)
        mailbox.put_back(second)
        self.assertEqual((len(mailbox), mailbox.head()), (1, second))


class Messages(SynchronousTestCase):
    """What a message tells of itself."""

    def test_ends_call(self) -> None:
        """A SHUTDOWN ends its call, an ERROR does if its state says so."""
        for kind, state, ends in (
            (MessageType.SHUTDOWN, "", True),
            (MessageType.ERROR, "ENDED", True),
            (MessageType.ERROR, "ESTABLISHED", False),
            (MessageType.OFFER, "ENDED", False),
        ):
            self.assertIs(AgentMessage(type=kind, state=state).ends_call, ends)

    def test_repr(self) -> None:
        """Descriptions and bodies are in no repr."""
        self.assertNotIn("hush", repr(message("hush", "hush")))
