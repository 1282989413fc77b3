"""The agent's messages as they come in, for steps that wait for one of them."""

from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as WaitTimeoutError
from twisted.internet.interfaces import IReactorTime

from wrtcgw.clientlib.api import Event, GatewayAPI, RefusedError, UnreachableError

_POLL_SECONDS = 20.0


class SilenceError(Exception):
    """What was waited for did not come in time."""


@define(eq=False)
class Inbox:
    """Polls for one agent from :meth:`open` to :meth:`close`; messages are kept until a step takes them."""

    _api: GatewayAPI
    _clock: IReactorTime
    arrived: Callable[[Event], None]
    """Told of each message before any step is."""
    _events: list[Event] = field(factory=list, init=False)
    _waiting: "Deferred[None] | None" = field(default=None, init=False)
    _polling: "Deferred[None] | None" = field(default=None, init=False)
    _failure: Exception | None = field(default=None, init=False)

    def open(self) -> None:
        """Begin to poll."""
        self._polling = Deferred.fromCoroutine(self._poll())

    async def _poll(self) -> None:
        while self._failure is None:
            try:
                event = await self._api.next_event(_POLL_SECONDS)
            except (RefusedError, UnreachableError) as error:
                self._failure = error
            else:
                if event is not None:
                    self._events.append(event)
                    self.arrived(event)
            self._wake()

    def _wake(self) -> None:
        """Let the step that waits go on, but not from within the poll, which it may want to end."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._clock.callLater(0, _go_on, waiting)

    async def next(self, accept: Callable[[Event], bool], within: float) -> Event:
        """
        Return the oldest message that ``accept`` accepts, and forget it.

        :raises SilenceError: when none came in so many seconds.
        :raises RefusedError: when the gateway does not serve us any more.
        :raises UnreachableError: when it is gone.
        """
        deadline = self._clock.seconds() + within
        while True:
            for event in self._events:
                if accept(event):
                    self._events.remove(event)
                    return event
            if self._failure is not None:
                raise self._failure
            await self._more(deadline - self._clock.seconds(), within)

    async def _more(self, seconds: float, within: float) -> None:
        self._waiting = Deferred()
        try:
            await self._waiting.addTimeout(max(0.0, seconds), self._clock)
        except WaitTimeoutError:
            raise SilenceError(f"nothing came within {within:g} s") from None
        finally:
            self._waiting = None

    async def close(self) -> None:
        """Poll no more."""
        polling, self._polling = self._polling, None
        if polling is not None:
            polling.addErrback(lambda failure: None)  # the words of a cancelled request depend on how far it was
            polling.cancel()
            await polling


def _go_on(waiting: "Deferred[None]") -> None:
    if not waiting.called:
        waiting.callback(None)
