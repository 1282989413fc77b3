"""
The ordered messages of one agent, and who wants to know of new ones.

A message stays until it was delivered, that is, written to a live connection; delivered ones are kept for a while, so
that a reader that lost its connection can say what it has and get the rest. Both parts are bounded in number and size.

What outsiders can make many of gives way first: texts that belong to no call have a quota of their own, then the
oldest of what is no more than talk inside a call (``CHATTER``) goes, then calls that are over with all that was said
of them, and the beginning or the end of a call that is up only when there is nothing else left.
"""

import json
from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from attrs import evolve

from wrtcgw.calls.messages import AgentMessage, MessageType

Listener = Callable[[], None]

CHATTER = frozenset((MessageType.INFO, MessageType.DTMF, MessageType.RINGING))
"""What the far side can send any number of, and a page can do without."""
WIDEST = 4
"""Bytes of a character that is not ASCII, at most."""
SNAPSHOT_VERSION = 1
"""Of what :meth:`Mailbox.snapshot` returns."""


class Mailbox:
    """
    The messages of one agent, oldest first, each with a sequence number.

    :param limit: at most so many undelivered texts, and so many other undelivered messages, are kept.
    :param recent: at most so many delivered messages are kept for :meth:`after`.
    :param recent_size: and at most so many bytes of them.
    :param size: at most so many bytes of all messages; texts may take half of it.
    """

    __slots__ = (
        "_delivered",
        "_last",
        "_limit",
        "_listeners",
        "_max_size",
        "_messages",
        "_recent",
        "_recent_size",
        "_released",
        "_size",
        "_texts",
        "_texts_size",
        "_undelivered",
        "_undelivered_size",
        "dropped",
        "lost",
    )

    def __init__(self, limit: int = 1000, recent: int = 32, recent_size: int = 65536, size: int = 262_144) -> None:
        self._limit = limit
        self._recent = recent
        self._recent_size = min(recent_size, size)
        self._max_size = size
        self._messages: deque[AgentMessage] = deque()
        self._last = 0
        self._released = 0
        self._delivered = 0
        self._undelivered = 0
        self._size = 0
        self._undelivered_size = 0
        self._texts = 0
        self._texts_size = 0
        self._listeners: tuple[Listener, ...] = ()
        self.dropped = 0
        """How many messages were dropped before they were delivered."""
        self.lost: Callable[[AgentMessage], None] = lambda message: None
        """Told of each of them."""

    def snapshot(self) -> dict[str, object]:
        """
        Return plain data, from which :meth:`restore` makes a mailbox that goes on: JSON can hold it.

        It has all messages that are kept, delivered ones too, so it is bounded as the mailbox is. Listeners are not in
        it: each of them belongs to a connection, and those end with the process.
        """
        return {**self._counters(), "messages": [message.snapshot() for message in self._messages]}

    def stored(self) -> str:
        """Return the snapshot as JSON; each message is turned into it only once."""
        counters = json.dumps(self._counters(), separators=(",", ":"))
        return f'{counters[:-1]},"messages":[{",".join([message.stored for message in self._messages])}]}}'

    def _counters(self) -> dict[str, object]:
        return {
            "version": SNAPSHOT_VERSION,
            "last": self._last,
            "delivered": self._delivered,
            "undelivered": self._undelivered,
            "dropped": self.dropped,
        }

    @classmethod
    def restore(
        cls,
        data: Mapping[str, Any],
        limit: int = 1000,
        recent: int = 32,
        recent_size: int = 65536,
        size: int = 262_144,
    ) -> "Mailbox":
        """
        Return the mailbox that :meth:`snapshot` was taken of, without its listeners.

        :param limit: with those behind it, as for the class; where they have become smaller, what is too much is
            dropped.
        :raises ValueError: for the data of another version.
        """
        if data["version"] != SNAPSHOT_VERSION:
            raise ValueError(f"mailbox: expected version {SNAPSHOT_VERSION}, found {data['version']!r}")
        mailbox = cls(limit, recent, recent_size, size)
        mailbox._messages.extend(AgentMessage.restore(message) for message in data["messages"])
        mailbox._last = mailbox._released = data["last"]
        mailbox._delivered = data["delivered"]
        mailbox._undelivered, mailbox.dropped = data["undelivered"], data["dropped"]
        start = len(mailbox._messages) - mailbox._undelivered
        mailbox._size = sum(_size(message) for message in islice(mailbox._messages, start))
        for message in islice(mailbox._messages, start, None):
            mailbox._count(message, 1)
        mailbox._make_room()
        mailbox._drop_recent(recent)
        return mailbox

    def __len__(self) -> int:
        """Return how many messages are undelivered."""
        return self._undelivered

    @property
    def last_seq(self) -> int:
        """Return the sequence number of the newest message that can be read, 0 before the first."""
        return self._released

    @property
    def newest_seq(self) -> int:
        """Return the sequence number of the newest message, whether it can be read yet or not."""
        return self._last

    @property
    def size(self) -> int:
        """Return the bytes of all that is kept."""
        return self._size + self._undelivered_size

    def put(self, message: AgentMessage) -> AgentMessage:
        """Append a message and tell the listeners; see :meth:`add`."""
        kept = self.add(message)
        self.release(kept.seq)
        return kept

    def add(self, message: AgentMessage) -> AgentMessage:
        """
        Append a message, which nobody can read before :meth:`release`: what it tells may still have to be written down.

        An OFFER that waits for its page gives its description up when the call ends: nobody can take it any more.

        :returns: the message as it is kept, with its sequence number.
        """
        self._last += 1
        kept = message if message.seq == self._last else evolve(message, seq=self._last)
        if kept.ends_call:
            self._forget_descriptions(kept.call_id)
        self._messages.append(kept)
        self._undelivered += 1
        self._count(kept, 1)
        self._make_room()
        return kept

    def release(self, seq: int) -> None:
        """Let the messages up to ``seq`` be read, and tell the listeners."""
        self._released = max(self._released, seq)
        self.announce()

    def clear(self) -> None:
        """Forget all messages: there is no page any more that could fetch them."""
        self.delivered(self._last)
        self._drop_recent(0)

    def after(self, seq: int) -> list[AgentMessage]:
        """
        Return all released messages with a higher number than ``seq`` that are kept, delivered or not.

        A number that this mailbox never gave comes from an earlier life of the agent: all kept messages are new to it.
        """
        start = seq if seq <= self._released else 0
        return [message for message in self._messages if start < message.seq <= self._released]

    def head(self, accept: Callable[[AgentMessage], bool] = lambda message: True) -> AgentMessage | None:
        """Return the oldest released message that ``accept`` likes and is undelivered, or None; it stays that."""
        undelivered = islice(self._messages, len(self._messages) - len(self), None)
        return next((message for message in undelivered if message.seq <= self._released and accept(message)), None)

    def delivered(self, seq: int) -> None:
        """Mark all messages up to ``seq`` as delivered."""
        index = len(self._messages) - self._undelivered
        while self._undelivered and self._messages[index].seq <= seq:
            message = self._messages[index]
            self._undelivered -= 1
            self._count(message, -1)
            self._size += _size(message)
            self._delivered = message.seq
            index += 1
        self._drop_recent(self._recent)

    def put_back(self, message: AgentMessage) -> None:
        """
        Make the message that was delivered last undelivered again: it did not arrive.

        Does nothing when another one was delivered since: the order counts for more.
        """
        if self._delivered != message.seq:
            return
        if len(self._messages) > self._undelivered:
            self._size -= _size(message)
        else:
            self._messages.appendleft(message)
        self._undelivered += 1
        self._count(message, 1)
        self._delivered -= 1
        self._make_room()
        self.announce()

    def subscribe(self, listener: Listener) -> None:
        """Call ``listener`` when there is something new; it must not raise."""
        self._listeners = (*self._listeners, listener)

    def unsubscribe(self, listener: Listener) -> None:
        """Stop calling ``listener``; fine when it is none."""
        self._listeners = tuple(other for other in self._listeners if other != listener)

    def announce(self) -> None:
        """Tell the listeners that there is something to read."""
        for listener in self._listeners:
            listener()

    def _count(self, message: AgentMessage, change: int) -> None:
        """Add an undelivered message to what is counted, or take it away."""
        size = change * _size(message)
        self._undelivered_size += size
        if _is_text(message):
            self._texts += change
            self._texts_size += size

    def _make_room(self) -> None:
        """Drop what is too much."""
        while self._texts and (self._texts > self._limit or self._texts_size > self._max_size // 2):
            self._drop({self._first_text()})
        while self._is_full() and len(self._messages) > self._undelivered:
            self._drop_recent(len(self._messages) - self._undelivered - 1)
        while self._undelivered - self._texts > self._limit or self._is_full():
            self._drop(self._least())

    def _is_full(self) -> bool:
        return self.size > self._max_size and self._undelivered > 1

    def _first_text(self) -> int:
        start = len(self._messages) - self._undelivered
        undelivered = enumerate(islice(self._messages, start, None), start)
        return next(index for index, message in undelivered if _is_text(message))

    def _least(self) -> set[int]:
        """Return the places of what can be missed best."""
        start = len(self._messages) - self._undelivered
        undelivered = list(enumerate(islice(self._messages, start, None), start))
        for index, message in undelivered:
            if message.type in CHATTER:
                return {index}
        ended = {message.call_id for _, message in undelivered if message.ends_call}
        for _, message in undelivered:
            if message.begins_call and message.call_id in ended:
                return {other for other, told in undelivered if told.call_id == message.call_id}
        for index, message in undelivered:
            if not (message.ends_call or message.begins_call):
                return {index}
        return {start}

    def _drop(self, places: set[int]) -> None:
        """Drop undelivered messages; when the oldest of them goes, what is kept of delivered ones ends before a gap."""
        start = len(self._messages) - self._undelivered
        for index in sorted(places, reverse=True):
            message = self._messages[index]
            del self._messages[index]
            self._undelivered -= 1
            self._count(message, -1)
            self.dropped += 1
            self.lost(message)
        if start in places:
            self._drop_recent(0)

    def _forget_descriptions(self, call_id: str) -> None:
        """Take the descriptions out of the undelivered OFFERs of a call."""
        start = len(self._messages) - self._undelivered
        for index, message in list(enumerate(islice(self._messages, start, None), start)):
            if message.call_id == call_id and message.type is MessageType.OFFER and message.sdp is not None:
                self._undelivered_size -= len(message.sdp) * _width(message.sdp)
                self._messages[index] = evolve(message, sdp=None)

    def _drop_recent(self, keep: int) -> None:
        while len(self._messages) - self._undelivered > keep or self._size > self._recent_size:
            self._size -= _size(self._messages.popleft())


def _is_text(message: AgentMessage) -> bool:
    """Return whether a message is a text from outside any call."""
    return not message.call_id and message.type is MessageType.INFO


def _size(message: AgentMessage) -> int:
    """Return about how many bytes what others have written into a message takes."""
    texts = (message.sdp or "", message.body, message.display_name, message.from_, message.reason, message.referred_by)
    size = 0
    for text in texts:
        if text:
            size += len(text) * _width(text)
    for name, value in message.data:
        size += len(name) + len(value) * _width(value)
    return size


def _width(text: str) -> int:
    return 1 if text.isascii() else WIDEST
