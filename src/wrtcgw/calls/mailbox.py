"""
The ordered messages of one agent, and who wants to know of new ones.

A message stays until it was delivered, that is, written to a live connection; delivered ones are kept for a while, so
that a reader that lost its connection can say what it has and get the rest. Both parts are bounded.
"""

from collections import deque
from collections.abc import Callable
from itertools import islice

from attrs import evolve

from wrtcgw.calls.messages import AgentMessage

Listener = Callable[[], None]


class Mailbox:
    """
    The messages of one agent, oldest first, each with a sequence number.

    :param limit: at most so many undelivered messages are kept; beyond it the oldest are dropped, and counted.
    :param recent: at most so many delivered messages are kept for :meth:`after`.
    :param recent_size: and at most so many characters of their texts.
    """

    __slots__ = (
        "_delivered",
        "_last",
        "_limit",
        "_listeners",
        "_messages",
        "_recent",
        "_recent_size",
        "_size",
        "dropped",
    )

    def __init__(self, limit: int = 1000, recent: int = 100, recent_size: int = 65536) -> None:
        self._limit = limit
        self._recent = recent
        self._recent_size = recent_size
        self._messages: deque[AgentMessage] = deque()
        self._last = 0
        self._delivered = 0
        self._size = 0
        self._listeners: tuple[Listener, ...] = ()
        self.dropped = 0
        """How many messages were dropped before they were delivered."""

    def __len__(self) -> int:
        """Return how many messages are undelivered."""
        return self._last - self._delivered

    @property
    def last_seq(self) -> int:
        """Return the sequence number of the newest message, 0 before the first."""
        return self._last

    def put(self, message: AgentMessage) -> AgentMessage:
        """
        Append a message and tell the listeners.

        :returns: the message as it is kept, with its sequence number.
        """
        self._last += 1
        kept = evolve(message, seq=self._last)
        self._messages.append(kept)
        if len(self) > self._limit:
            self.dropped += 1
            self._mark(self._delivered + 1)
            self._drop_recent(0)
        self._tell()
        return kept

    def after(self, seq: int) -> list[AgentMessage]:
        """
        Return all kept messages with a higher number than ``seq``, delivered or not.

        A number that this mailbox never gave comes from an earlier life of the agent: all kept messages are new to it.
        """
        start = seq if seq <= self._last else 0
        return [message for message in self._messages if message.seq > start]

    def head(self, accept: Callable[[AgentMessage], bool] = lambda message: True) -> AgentMessage | None:
        """Return the oldest undelivered message that ``accept`` likes, or None; it stays undelivered."""
        undelivered = islice(self._messages, len(self._messages) - len(self), None)
        return next((message for message in undelivered if accept(message)), None)

    def delivered(self, seq: int) -> None:
        """Mark all messages up to ``seq`` as delivered."""
        self._mark(min(seq, self._last))
        self._drop_recent(self._recent)

    def put_back(self, message: AgentMessage) -> None:
        """
        Make the message that was delivered last undelivered again: it did not arrive.

        Does nothing when another one was delivered since: the order counts for more.
        """
        if self._delivered != message.seq:
            return
        if len(self._messages) > len(self):
            self._size -= _size(message)
        else:
            self._messages.appendleft(message)
        self._delivered -= 1
        self._tell()

    def subscribe(self, listener: Listener) -> None:
        """Call ``listener`` after each further :meth:`put`; it must not raise."""
        self._listeners = (*self._listeners, listener)

    def unsubscribe(self, listener: Listener) -> None:
        """Stop calling ``listener``; fine when it is none."""
        self._listeners = tuple(other for other in self._listeners if other != listener)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    def _mark(self, seq: int) -> None:
        index = len(self._messages) - len(self)
        while self._delivered < seq:
            self._size += _size(self._messages[index])
            self._delivered += 1
            index += 1

    def _drop_recent(self, keep: int) -> None:
        while len(self._messages) - len(self) > keep or self._size > self._recent_size:
            self._size -= _size(self._messages.popleft())


def _size(message: AgentMessage) -> int:
    return len(message.sdp or "") + len(message.body)
