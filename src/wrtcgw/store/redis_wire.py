"""
A connection to Redis that comes back by itself.

hiredis does the framing (RESP 2); what goes over the wire, when, and for how long is decided here. Replies come in the
order of the commands, so each command waits in a queue for its own.
"""

import re
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import hiredis
from twisted.internet.defer import Deferred, TimeoutError, fail
from twisted.internet.error import ConnectError, ConnectionDone, DNSLookupError
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime, IStreamClientEndpoint, ITCPTransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from wrtcgw.store.interface import StoreUnavailable, StoreUnusable

log = Logger()

Word = str | bytes | int | float
"""Of a command."""

LONGEST_QUEUE = 1000
"""Commands without a reply; more come only when the server hangs, and are refused."""
FIRST_DELAY = 0.1
LONGEST_DELAY = 2.0
"""Seconds before an attempt to connect; each takes twice as long as the one before."""
SLEPT = 0.1
"""A timer that is so many seconds late shows that this process has not run."""
NOT_OPEN = "the store is not open"
_MORE = object()
# Redis 6: ERR Error running script (call to f_...): @user_script: 9: -READONLY You can't ...
_INNER = re.compile(r"^ERR .*: -([A-Z]+) ")


class Refusal(Exception):
    """An error that Redis answered; its text begins with a word for its kind."""

    @property
    def kind(self) -> str:
        """``NOAUTH``, ``READONLY`` ...: its first word, or that of the error which has ended a script."""
        inner = _INNER.search(str(self))
        return inner[1] if inner else str(self).partition(" ")[0]


class Wire(Protocol):
    """
    One connection; it ends when a reply takes longer than ``seconds``, because the server hangs then.

    :ivar gone: fires when it is closed.
    """

    transport: ITCPTransport

    def __init__(self, clock: IReactorTime, seconds: float, lost: Callable[["Wire", str], None]) -> None:
        self._clock = clock
        self._seconds = seconds
        self._lost = lost
        self._reader = hiredis.Reader(notEnoughData=_MORE)
        self._waiting: deque[tuple[float, Deferred[Any]]] = deque()
        self._timer: IDelayedCall | None = None
        self._reason = ""
        self.gone: Deferred[None] = Deferred()

    @property
    def waiting(self) -> int:
        """How many commands wait for their replies."""
        return len(self._waiting)

    def ask(self, *words: Word) -> Deferred[Any]:
        """
        Send a command.

        :returns: fires with the reply, in bytes, integers and lists of them; fails with Refusal or StoreUnavailable.
        """
        reply: Deferred[Any] = Deferred()
        self._waiting.append((self._clock.seconds() + self._seconds, reply))
        if self._timer is None:
            self._timer = self._clock.callLater(self._seconds, self._look)
        self.transport.write(hiredis.pack_command(words))  # type: ignore[arg-type] # its hint names a tuple of one
        return reply

    def dataReceived(self, data: bytes) -> None:
        """Hand out the replies that are complete."""
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not _MORE:
                self._answer(reply)
        except hiredis.ProtocolError:
            self.abort("what answers there is not Redis")

    def _answer(self, reply: object) -> None:
        if not self._waiting:
            self.abort("it answers what nobody has asked")
            return
        _, waiting = self._waiting.popleft()
        if not waiting.called:
            waiting.callback(Failure(Refusal(str(reply))) if isinstance(reply, hiredis.ReplyError) else reply)

    def _look(self) -> None:
        """Look whether the oldest command still waits, and wait for the one that is the oldest now."""
        self._timer = None
        if not self._waiting:
            return
        left = self._waiting[0][0] - self._clock.seconds()
        if left > 0:
            self._timer = self._clock.callLater(left, self._look)
        else:
            # it may be this process that has slept: then the command may not even have been sent
            grace = self._seconds if left < -SLEPT else 0.0
            self._timer = self._clock.callLater(grace, self._give_up, self._waiting[0][1])

    def _give_up(self, oldest: Deferred[Any]) -> None:
        self._timer = None
        if self._waiting and self._waiting[0][1] is oldest:
            self.abort(f"no answer within {self._seconds:g} s")
        else:
            self._look()

    def abort(self, reason: str) -> None:
        """End the connection at once; whoever waits hears the reason."""
        self._reason = self._reason or reason
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell those who wait."""
        told = self._reason or _told(reason.value)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, deque()
        self._lost(self, told)
        for _, each in waiting:
            if not each.called:
                each.errback(StoreUnavailable(told))
        self.gone.callback(None)


class _WireFactory(Factory):
    noisy = False

    def __init__(self, make: Callable[[], Wire]) -> None:
        self._make = make

    def buildProtocol(self, addr: IAddress | None) -> Wire:
        """Make the protocol of a connection."""
        return self._make()


class RedisConnection:
    """
    Keeps one connection up.

    :param name: what it is called in errors and in the log; without a password.
    :param greet: is called with each new connection before anybody else may use it; what it raises ends this attempt.
    :param seconds: for each command, and for each attempt to connect.
    """

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        clock: IReactorTime,
        name: str,
        greet: Callable[[Wire], Awaitable[None]],
        seconds: float,
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._name = name
        self._greet = greet
        self._seconds = seconds
        self._wire: Wire | None = None
        self._reason = NOT_OPEN
        self._failures = 0
        self._running = False
        self._retry: IDelayedCall | None = None
        self._attempt: Deferred[None] | None = None

    def start(self) -> Deferred[None]:
        """
        Connect, and from then on connect again whenever the connection is lost.

        Fails, and does nothing more, with what the first attempt fails with.
        """

        def give_up(failure: Failure) -> Failure:
            self._running = False
            return failure

        self._running = True
        return self._connect().addErrback(give_up)

    async def stop(self) -> None:
        """Wait for the replies that are due, and disconnect."""
        self._running = False
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._attempt is not None:
            self._attempt.cancel()
        wire = self._wire
        if wire is not None:
            with suppress(Refusal, StoreUnavailable):
                await self.ask("QUIT")
            self._wire = None
            wire.abort("closed")
            await wire.gone
        self._reason = NOT_OPEN

    def ask(self, *words: Word) -> Deferred[Any]:
        """
        Send a command.

        :returns: fires as that of :meth:`Wire.ask`; fails at once when there is no connection, and in time otherwise.
        """
        wire = self._wire
        if wire is None:
            return fail(self._unavailable(self._reason))
        if wire.waiting >= LONGEST_QUEUE:
            return fail(self._unavailable(f"{wire.waiting} others wait already"))
        return wire.ask(*words).addErrback(self._named)

    def drop(self, reason: str) -> None:
        """End the connection: perhaps its name leads to another server by now."""
        if self._wire is not None:
            self._wire.abort(reason)

    def _named(self, failure: Failure) -> Failure:
        failure.trap(StoreUnavailable, Refusal)
        return failure if failure.check(Refusal) else Failure(self._unavailable(str(failure.value)))

    def _unavailable(self, reason: str) -> StoreUnavailable:
        return StoreUnavailable(f"{self._name}: {reason}")

    def _connect(self) -> Deferred[None]:
        self._attempt = attempt = Deferred.fromCoroutine(self._attempt_once())

        def ended(result: object) -> object:
            self._attempt = None
            return result

        return attempt.addBoth(ended)

    async def _attempt_once(self) -> None:
        factory = _WireFactory(partial(Wire, self._clock, self._seconds, self._lost))
        connecting: Deferred[Any] = self._endpoint.connect(factory)
        try:
            wire: Wire = await connecting.addTimeout(self._seconds, self._clock)
        except TimeoutError:
            raise self._unavailable(f"no answer within {self._seconds:g} s") from None
        except (ConnectError, DNSLookupError) as error:
            raise self._unavailable(_told(error)) from None
        try:
            await self._greet(wire)
        except StoreUnavailable as error:
            wire.abort("")
            raise self._unavailable(str(error)) from None
        except BaseException:
            wire.abort("")
            raise
        self._wire, self._failures = wire, 0

    def _lost(self, wire: Wire, reason: str) -> None:
        if wire is self._wire:
            self._wire, self._reason = None, reason
            if self._running:
                log.warn("{name}: the connection was lost: {reason}", name=self._name, reason=reason)
                self._again()

    def _again(self) -> None:
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(self._failures, 16))
        self._retry = self._clock.callLater(delay, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self._connect().addCallbacks(self._back, self._failed)

    def _back(self, _: object) -> None:
        log.info("{name}: connected again", name=self._name)

    def _failed(self, failure: Failure) -> None:
        if not self._running:
            return
        self._failures += 1
        reason = str(failure.value).removeprefix(f"{self._name}: ")
        if not failure.check(StoreUnavailable, StoreUnusable):
            log.failure("{name}: unexpected", failure, name=self._name)
        elif reason != self._reason:
            log.warn("{name}: cannot connect: {reason}", name=self._name, reason=reason)
        self._reason = reason
        self._again()


def _told(error: object) -> str:
    """Return what an error of the network says, in one line."""
    if isinstance(error, ConnectionDone):
        return "it has closed the connection"
    return str(error).strip().rstrip(".").replace("\n", " ") or type(error).__name__
