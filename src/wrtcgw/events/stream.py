"""
The stream of events: settle first, then tell.

An *entry* is whatever makes the gateway act: a SIP message, a request of a page, a timer, the outcome that a verb has
waited for. While an entry is open, what is published is only collected. When the outermost entry ends everything has
settled, and the events are told in the order in which they were published, which is that of the changes::

    with stream:                                # one entry
        call.end(...)
        stream.publish(CallChanged(...))        # nobody hears of it yet
        registry.remove_call(...)
    # now the subscribers have heard of it, and have seen the call's agent without the call

What is published while no entry is open has nothing to wait for and is told at once, before ``publish`` returns. That
is how the HTTP side publishes, also in the midst of telling: the delivery of a message stands right behind what made
it go out.

A subscriber may do anything, call the gateway included. That is an entry of its own, which changes state at once; what
it publishes is told behind what is still to be told. So an event is never told before an earlier one, and the state
that its subscribers see is settled, though it may be a newer one than that of the event's time: what matters of that
time is in the event.

Between the two, at the end of each outermost entry, :attr:`EventStream.settled` is called once: there the state is
written down that what is told then may promise.
"""

from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from twisted.logger import Logger

log = Logger()

E = TypeVar("E")

Listener = Callable[[Any], object]


class EventStream:
    """
    Tells events to those who have subscribed to their type. As a context manager it is an entry, which may be nested.

    Nothing that a subscriber raises reaches another subscriber or the publisher: it is logged.
    """

    def __init__(self) -> None:
        self._subscriptions: list[tuple[type | None, Listener]] = []
        self._listeners: dict[type, tuple[Listener, ...]] = {}
        """For each type that was published or asked for who is told, in the order of their subscription."""
        self._depth = 0
        self._is_settling = False
        self._events: deque[tuple[tuple[Listener, ...], object]] = deque()
        self._acts: deque[Callable[[], object]] = deque()
        self.settled: Callable[[], object] = lambda: None
        """Called when an entry has settled, before anybody is told; it must neither raise nor begin an entry."""

    # -- subscribers

    def subscribe(self, kind: type[E], listener: Callable[[E], object]) -> Callable[[], None]:
        """
        Call ``listener`` with each event of exactly this type from now on.

        :returns: what ends the subscription.
        """
        return self._subscribe(kind, listener)

    def subscribe_to_all(self, listener: Callable[[object], object]) -> Callable[[], None]:
        """Call ``listener`` with each event from now on; returns what ends the subscription."""
        return self._subscribe(None, listener)

    def _subscribe(self, kind: type | None, listener: Listener) -> Callable[[], None]:
        subscription = (kind, listener)
        self._subscriptions.append(subscription)
        self._listeners.clear()

        def unsubscribe() -> None:
            self._subscriptions.remove(subscription)
            self._listeners.clear()

        return unsubscribe

    # -- publishers

    def wants(self, kind: type) -> bool:
        """Return whether anybody has subscribed to a type, for publishers whose events are costly to make."""
        listeners = self._listeners.get(kind)
        return bool(self._of(kind) if listeners is None else listeners)

    def publish(self, event: object) -> None:
        """Tell an event when the open entry has settled, or at once when there is none."""
        listeners = self._listeners.get(type(event))
        if listeners is None:
            listeners = self._of(type(event))
        if not listeners:
            return
        if self._depth:
            self._events.append((listeners, event))
        else:
            _tell(listeners, event)

    def _of(self, kind: type) -> tuple[Listener, ...]:
        found = tuple(listener for wanted, listener in self._subscriptions if wanted is None or wanted is kind)
        self._listeners[kind] = found
        return found

    def afterwards(self, act: Callable[[], object]) -> None:
        """Do something as an entry of its own when this one has settled and was told."""
        self._acts.append(act)
        if not self._depth:
            self._settle()

    # -- entries

    @property
    def is_open(self) -> bool:
        """Return whether an entry is open."""
        return self._depth > 0

    def __enter__(self) -> None:
        """Begin an entry."""
        self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End an entry; the outermost one is told, also when it fails."""
        self._depth -= 1
        if not self._depth:
            self.settled()
            if self._events or self._acts:
                self._settle()

    def _settle(self) -> None:
        if self._is_settling:
            return
        self._is_settling = True
        try:
            while self._events or self._acts:
                if self._events:
                    _tell(*self._events.popleft())
                else:
                    self._act(self._acts.popleft())
        finally:
            self._is_settling = False

    def _act(self, act: Callable[[], object]) -> None:
        self._depth += 1
        try:
            act()
        except Exception:
            log.failure("what was left to do could not be done; everything else goes on")
        finally:
            self._depth -= 1
        if not self._depth:
            self.settled()


def _tell(listeners: tuple[Listener, ...], event: object) -> None:
    for listener in listeners:
        try:
            listener(event)
        except Exception:
            log.failure("a subscriber of {kind} has failed; everything else goes on", kind=type(event).__name__)
