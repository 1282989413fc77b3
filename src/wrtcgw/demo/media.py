"""
Media for the demo PBX and for ``wrtcgw-client --media``, in a thread of its own.

aiortc needs asyncio, while the daemon may run on any reactor (epoll by default). So the peers live on an asyncio
loop in one daemon thread: it works under every reactor, needs no start-up handshake, and cannot outlive the process
however that is ended. All methods here are called in the reactor's thread and return Deferreds that fire in it.

Nothing here needs the ``demo`` extra to be imported: :func:`open_media` says whether it is there.
"""

import asyncio
import importlib
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError, Future
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

from wrtcgw import sdp
from wrtcgw.demo import sessiontext
from wrtcgw.demo.tone import CALLER_HZ, PBX_HZ, ToneEar

if TYPE_CHECKING:
    from wrtcgw.demo.peer import Peer

HOW_TO_INSTALL = "pip install 'wrtcgw[demo]'"
_T = TypeVar("_T")


class Sound(Enum):
    """What a peer of the PBX sends."""

    ECHO = "echo"
    TONE = "tone"


class MediaUnavailableError(Exception):
    """The ``demo`` extra (aiortc) is not installed, or cannot be loaded here."""


@define(eq=False)
class Media:
    """The asyncio loop of the media thread, and the peers on it."""

    _reactor: IReactorFromThreads
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _stopped: "Deferred[None]" = field(factory=Deferred, init=False)
    _peers: "set[Peer]" = field(factory=set, init=False)

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
        """Run a coroutine on the media loop; cancelling the Deferred cancels it there."""
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

    async def answering(self, offer: str, sound: Sound) -> "tuple[MediaSession, str]":
        """Return a session that answers ``offer``, and its answer."""
        session = MediaSession(self, sound)
        return session, await session.answer(offer)

    async def offering(self, sound: Sound) -> "tuple[MediaSession, str]":
        """Return a session that offers, and its offer; :meth:`MediaSession.apply_answer` takes the answer."""
        session = MediaSession(self, sound)
        return session, await session.offer()

    async def calling(self, listen_for: float = CALLER_HZ) -> "tuple[Caller, str]":
        """Return a caller that plays its tone and listens for ``listen_for`` hertz, and its offer."""
        ear = ToneEar(listen_for)
        peer, offer = await self.run(self._offering_peer(None, ear))
        return Caller(self, peer, ear), offer

    async def _offering_peer(self, sound: Sound | None, ear: ToneEar | None = None) -> "tuple[Peer, str]":
        peer = self._new_peer(sound, ear)
        return peer, await peer.offer()

    async def _answering_peer(self, sound: Sound, offer: str) -> "tuple[Peer, str]":
        peer = self._new_peer(sound)
        try:
            return peer, await peer.answer(offer)
        except Exception:
            await self._close(peer)
            raise

    def _new_peer(self, sound: Sound | None, ear: ToneEar | None = None) -> "Peer":
        from wrtcgw.demo import peer  # noqa: PLC0415 - needs the demo extra

        track = peer.EchoTrack() if sound is Sound.ECHO else peer.ToneTrack(PBX_HZ if sound else CALLER_HZ)
        made = peer.Peer(track, ear)
        self._peers.add(made)
        return made

    async def _close(self, peer: "Peer") -> None:
        self._peers.discard(peer)
        await peer.close()

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
    except (Exception, CancelledError):
        result.errback(Failure())


@define(eq=False)
class MediaSession:
    """
    The PBX's end of one call: answers offers, and makes them.

    A re-INVITE with the ICE credentials that are in use changes the direction only; one with new credentials is an
    ICE restart or another far side (:rfc:`8839#section-4.4.1.1.1`), for which a new peer takes over.
    """

    _media: Media
    _sound: Sound
    _peer: "Peer | None" = field(default=None, init=False)
    _far_credentials: str | None = field(default=None, init=False)
    _local: str = field(default="", init=False)

    async def answer(self, offer: str) -> str:
        """
        Return the answer to an offer, the first one or one of a re-INVITE.

        :raises ValueError: if there is nothing in it that we can take.
        """
        credentials = sessiontext.attribute(offer, "ice-ufrag")
        if self._peer is None or credentials != self._far_credentials:
            await self._drop_peer()
            self._peer, text = await self._media.run(self._media._answering_peer(self._sound, offer))
            self._local = self._successor(text)
            self._far_credentials = credentials
        return await self._directed(sdp.mirrored(sdp.direction(offer)))

    async def offer(self) -> str:
        """Return an offer of a new stream, in place of any that there was."""
        await self._drop_peer()
        self._peer, text = await self._media.run(self._media._offering_peer(self._sound))
        self._local = self._successor(text)
        return self._local

    async def apply_answer(self, answer: str) -> None:
        """Take the answer to :meth:`offer`."""
        if self._peer is not None:
            await self._media.run(self._peer.apply_answer(answer))
            self._far_credentials = sessiontext.attribute(answer, "ice-ufrag")

    def _successor(self, text: str) -> str:
        return sdp.continued(text, self._local) if self._local else text

    async def _directed(self, direction: sdp.Direction) -> str:
        """Send or keep silent, and return our description with that direction."""
        track = self._peer.track if self._peer is not None else None
        if track is not None:
            sending = direction in ("sendrecv", "sendonly")
            await self._media.call(lambda: setattr(track, "sending", sending))
        self._local = self._successor(sdp.with_direction(self._local, direction))
        return self._local

    async def _drop_peer(self) -> None:
        peer, self._peer = self._peer, None
        if peer is not None:
            await self._media.run(self._media._close(peer))

    def close(self) -> Awaitable[None]:
        """End the stream."""
        return self._drop_peer()


@define(eq=False)
class Caller:
    """The calling end of ``wrtcgw-client``: plays a tone and listens."""

    _media: Media
    _peer: "Peer"
    _ear: ToneEar

    async def apply_answer(self, sdp: str) -> None:
        """Take the far side's answer."""
        await self._media.run(self._peer.apply_answer(sdp))

    async def hears(self) -> bool:
        """Tell whether the tone has been heard during the last second."""
        return await self._media.call(self._peer.hears)

    async def forget(self) -> None:
        """Let only what is heard from now on count."""
        await self._media.call(self._ear.forget)

    async def state(self) -> str:
        """Return the state of the media path: new, connecting, connected, failed or closed."""
        return await self._media.call(lambda: self._peer.state)

    async def close(self) -> None:
        """End the stream."""
        await self._media.run(self._media._close(self._peer))


def open_media(reactor: IReactorFromThreads) -> Media:
    """
    Start the media thread.

    :raises MediaUnavailableError: when aiortc cannot be loaded; the text says what to do.
    """
    try:
        importlib.import_module("wrtcgw.demo.peer")
    except ImportError as error:
        raise MediaUnavailableError(f"no media: {error} ({HOW_TO_INSTALL} brings it)") from error
    return Media(reactor)
