"""The mailbox: order, delivery, what is kept, and who is told."""

import json
from collections.abc import Callable

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


Step = Callable[[Mailbox], object]

TOLD = [
    AgentMessage(type=MessageType.OFFER, call_id="1", state="OFFERED", sdp="v=0\r\n" * 8, from_="1001"),
    AgentMessage(type=MessageType.RINGING, call_id="1", code=180),
    AgentMessage(type=MessageType.OFFER, call_id="2", state="OFFERED", sdp="v=0\r\n", auto_answer=0.5),
    AgentMessage(type=MessageType.SHUTDOWN, call_id="1", cause="remote", hint="Ada \udcff", data=(("k", "\u00fc"),)),
    AgentMessage(type=MessageType.INFO, body="x" * 90, headers=(("X-A", "1"), ("X-A", "2"))),
    AgentMessage(type=MessageType.INFO, call_id="2", diversion=(("7", "busy"),)),
]
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.sampled_from(TOLD).map(lambda message: lambda mailbox: mailbox.put(message)),
    st.integers(0, 20).map(lambda seq: lambda mailbox: mailbox.delivered(seq)),
    st.integers(0, 3).map(
        lambda back: (
            lambda mailbox: [mailbox.put_back(kept) for kept in mailbox.after(0) if kept.seq == mailbox.last_seq - back]
        )
    ),
    st.integers(0, 20).map(lambda seq: lambda mailbox: mailbox.after(seq)),
    st.just(lambda mailbox: mailbox.head()),
    st.just(Mailbox.clear),
)


def restored(mailbox: Mailbox, **limits: int) -> Mailbox:
    """Return what a store makes of a mailbox."""
    return Mailbox.restore(json.loads(mailbox.stored()), **limits)


class Restored(SynchronousTestCase):
    """A mailbox that went through a store."""

    @settings(derandomize=True, deadline=None, max_examples=300)
    @given(
        st.lists(STEPS, max_size=25),
        st.lists(STEPS, max_size=15),
        st.integers(1, 4),
        st.integers(0, 4),
        st.integers(100, 400),
    )
    def test_goes_on(self, before: list[Step], after: list[Step], limit: int, recent: int, size: int) -> None:
        """It gives, keeps and drops what the original does, and gives the same numbers."""
        limits = {"limit": limit, "recent": recent, "size": size}
        original = Mailbox(**limits)
        for step in before:
            step(original)
        copy = restored(original, **limits)
        self.assertEqual(copy.snapshot(), original.snapshot())
        for step in after:
            self.assertEqual(step(copy), step(original))
            self.assertEqual(
                (len(copy), copy.size, copy.dropped, copy.head()),
                (len(original), original.size, original.dropped, original.head()),
            )
        self.assertEqual(copy.snapshot(), original.snapshot())

    def test_listeners(self) -> None:
        """Its listeners are those of the new process."""
        original = Mailbox()
        heard: list[int] = []
        original.subscribe(lambda: heard.append(1))
        restored(original).put(message())
        self.assertEqual(heard, [])

    def test_smaller_limits(self) -> None:
        """Where the limits have become smaller, what is too much is dropped and counted."""
        original = Mailbox()
        for _ in range(9):
            original.put(TOLD[1])
        original.delivered(4)
        copy = restored(original, limit=2, recent=3)
        self.assertEqual([kept.seq for kept in copy.after(0)], [8, 9])
        self.assertEqual((len(copy), copy.dropped, copy.last_seq), (2, 3, 9))

    def test_other_version(self) -> None:
        """Data of another version are refused, with both versions named."""
        data = {**Mailbox().snapshot(), "version": 7}
        self.assertIn("expected version 1, found 7", str(self.assertRaises(ValueError, Mailbox.restore, data)))
