"""
Media for the demo PBX and for ``wrtcgw-client --media``, in a thread of its own.

aiortc needs asyncio, while the daemon may run on any reactor (epoll by default). So the peers live on an asyncio
loop in one daemon thread: it works under every reactor, needs no start-up handshake, and cannot outlive the process
however that is ended. All methods here are called in the reactor's thread and return Deferreds that fire in it.

Nothing here needs the ``demo`` extra to be imported: :func:`open_media` says whether it is there.
"""

import asyncio
import contextlib
import importlib
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError as FutureCancelledError
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger
from twisted.python.failure import Failure

from wrtcgw.demo.tone import CALLER_HZ, ToneEar

if TYPE_CHECKING:
    from wrtcgw.demo.peer import Peer

log = Logger()

HOW_TO_INSTALL = "pip install '.[demo]' in the clone of wrtcgw"
_T = TypeVar("_T")


class MediaUnavailableError(Exception):
    """The ``demo`` extra (aiortc) is not installed, or cannot be loaded here."""


@define(eq=False)
class Media:
    """The asyncio loop of the media thread, and the peers on it."""

    _reactor: IReactorFromThreads
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _stopped: "Deferred[None]" = field(factory=Deferred, init=False)
    _peers: "set[Peer]" = field(factory=set, init=False)
    patience: float = 2.0
    """Seconds within which something has to be heard of a peer that takes another's place."""

    def __attrs_post_init__(self) -> None:
        """Start the thread: it ends with :meth:`stop`, or with the process."""
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._serve, name="wrtcgw-demo-media", daemon=True).start()

    def _serve(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()
            self._reactor.callFromThread(self._stopped.callback, None)

    def run(self, work: Coroutine[None, None, _T]) -> "Deferred[_T]":
        """
        Run a coroutine on the media loop; cancelling the Deferred cancels it there.

        What is still under way at :meth:`stop` ends in CancelledError, and so does whatever comes after it.
        """
        if self._loop.is_closed():
            work.close()
            return fail(CancelledError())
        future = asyncio.run_coroutine_threadsafe(work, self._loop)

        def cancel(_: "Deferred[_T]") -> None:
            future.cancel()

        result: Deferred[_T] = Deferred(cancel)
        future.add_done_callback(lambda done: self._reactor.callFromThread(_settle, result, done))
        return result

    def call(self, what: Callable[[], _T]) -> "Deferred[_T]":
        """Run a plain function on the media loop."""

        async def work() -> _T:
            return what()

        return self.run(work())

    def begin(self, work: "Deferred[None]") -> None:
        """Leave something that was begun to itself; only a bug in it is logged."""
        work.addErrback(lambda failure: None if failure.check(CancelledError) else log.failure("demo media", failure))

    def offering(self, tone: float | None = None, ear: ToneEar | None = None) -> "Deferred[tuple[Peer, str]]":
        """Return a new peer that plays ``tone`` (hertz; None for silence), and its offer."""

        async def work() -> "tuple[Peer, str]":
            peer = self._new_peer(tone, ear)
            return peer, await peer.offer()

        return self.run(work())

    def answering(
        self, offer: str, tone: float | None = None, ear: ToneEar | None = None
    ) -> "Deferred[tuple[Peer, str]]":
        """
        Return a new peer that plays ``tone``, and its answer to ``offer``.

        The Deferred fails with what aiortc raised when there is nothing in the offer that it can take.
        """

        async def work() -> "tuple[Peer, str]":
            peer = self._new_peer(tone, ear)
            try:
                return peer, await peer.answer(offer)
            except Exception:
                await self._close(peer)
                raise

        return self.run(work())

    async def calling(self, listen_for: float = CALLER_HZ) -> "tuple[Caller, str]":
        """Return a caller that plays its tone and listens for ``listen_for`` hertz, and its offer."""
        ear = ToneEar(listen_for)
        peer, offer = await self.offering(CALLER_HZ, ear)
        return Caller(self, peer, ear), offer

    async def called(self, offer: str, listen_for: float = CALLER_HZ) -> "tuple[Caller, str]":
        """Return the same for a call that came in: a caller that takes ``offer``, and its answer."""
        ear = ToneEar(listen_for)
        peer, answer = await self.answering(offer, CALLER_HZ, ear)
        return Caller(self, peer, ear), answer

    def _new_peer(self, tone: float | None, ear: ToneEar | None) -> "Peer":
        from wrtcgw.demo import peer  # noqa: PLC0415 - needs the demo extra

        made = peer.Peer(peer.OutgoingTrack(tone), ear)
        self._peers.add(made)
        return made

    def close(self, peer: "Peer") -> "Deferred[None]":
        """End the stream of a peer."""
        return self.run(self._close(peer))

    async def _close(self, peer: "Peer") -> None:
        self._peers.discard(peer)
        await peer.close()

    def replace(self, old: "Peer", new: "Peer") -> "Deferred[None]":
        """
        Let a peer take the place of another, whose stream ends when something is heard of the new one.

        Until then the old one is heard, as at Asterisk, so that nothing is missed when a page leaves a call to another.
        """

        async def work() -> None:
            old.give_way(new)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(new.heard.wait(), self.patience)
            await self._close(old)

        return self.run(work())

    def stop(self) -> "Deferred[None]":
        """Close every peer and end the thread."""

        def halt(result: object) -> "Deferred[None]":
            self._loop.call_soon_threadsafe(self._loop.stop)
            return self._stopped

        return self.run(self._close_all()).addBoth(halt)

    async def _close_all(self) -> None:
        """Close the peers, and then what aiortc leaves behind of streams that never came up."""
        await asyncio.gather(*(self._close(peer) for peer in list(self._peers)), return_exceptions=True)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def _settle(result: "Deferred[_T]", done: "Future[_T]") -> None:
    if result.called:
        return
    try:
        result.callback(done.result())
    except FutureCancelledError:
        result.errback(CancelledError())
    except Exception:
        result.errback(Failure())


@define(eq=False)
class Caller:
    """The end of a call that ``wrtcgw-client`` is: plays a tone and listens."""

    _media: Media
    _peer: "Peer"
    _ear: ToneEar

    async def apply_answer(self, sdp: str) -> None:
        """Take the far side's answer."""
        await self._media.run(self._peer.apply_answer(sdp))

    async def hears(self) -> bool:
        """Return whether the tone has been heard during the last second."""
        return await self._media.call(self._peer.hears)

    async def forget(self) -> None:
        """Let only what is heard from now on count."""
        await self._media.call(self._ear.forget)

    async def state(self) -> str:
        """Return the state of the media path: new, connecting, connected, failed or closed."""
        return await self._media.call(lambda: self._peer.state)

    async def close(self) -> None:
        """End the stream."""
        await self._media.close(self._peer)


def open_media(reactor: IReactorFromThreads, load: Callable[[str], object] = importlib.import_module) -> Media:
    """
    Start the media thread.

    :param load: imports a module by name.
    :raises MediaUnavailableError: when aiortc cannot be loaded; the text says what to do.
    """
    try:
        load("wrtcgw.demo.peer")
    except ImportError as error:
        raise MediaUnavailableError(f"no media: {error} ({HOW_TO_INSTALL} brings it)") from error
    return Media(reactor)
