"""
WebRTC peers by aiortc: one that echoes or plays a tone, and a caller that listens for one.

Everything here runs on the asyncio loop of :class:`wrtcgw.demo.media.Media` and nowhere else. This module needs the
``demo`` extra; only :mod:`wrtcgw.demo.media` imports it, and only when a peer is made. No STUN or TURN server is
ever asked: the list of ICE servers is empty, and loopback is a candidate like any other address of this machine.
"""

import asyncio
import fractions
import time
from array import array

from aioice import Candidate
from aiortc import AudioStreamTrack, MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from attrs import define, field
from av import AudioFrame

from wrtcgw.demo import sessiontext
from wrtcgw.demo.tone import ToneEar, sine

_RATE = 48000
_BLOCK = _RATE // 50


class ToneTrack(AudioStreamTrack):
    """Plays a tone in real time, or silence while ``sending`` is false."""

    def __init__(self, frequency: float) -> None:
        super().__init__()
        self.sending = True
        self._frequency = frequency
        self._sent = 0
        self._began = 0.0

    async def recv(self) -> AudioFrame:
        """Return the next 20 ms, not before they are due."""
        if self.readyState != "live":
            raise MediaStreamError
        self._began = self._began or time.monotonic()
        await asyncio.sleep(self._began + self._sent / _RATE - time.monotonic())
        samples = sine(self._frequency, _RATE, self._sent, _BLOCK) if self.sending else array("h", bytes(2 * _BLOCK))
        frame = AudioFrame(format="s16", layout="mono", samples=_BLOCK)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate = _RATE
        frame.time_base = fractions.Fraction(1, _RATE)
        frame.pts = self._sent
        self._sent += _BLOCK
        return frame


class EchoTrack(MediaStreamTrack):
    """Gives back what the far side sends; drops it while ``sending`` is false, so that nothing piles up."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.sending = True
        self.source: asyncio.Future[MediaStreamTrack] = asyncio.get_running_loop().create_future()

    async def recv(self) -> AudioFrame:
        """Return the next frame that came in."""
        source = await self.source
        while True:
            frame = await source.recv()
            if self.sending and isinstance(frame, AudioFrame):
                return frame


def _mono(frame: AudioFrame) -> "array[int]":
    channels = len(frame.layout.channels)
    samples = array("h", bytes(frame.planes[0])[: 2 * channels * frame.samples])
    return samples[::channels]


def _new_connection(track: MediaStreamTrack) -> RTCPeerConnection:
    """
    Return a connection with one audio stream in both directions, whose ICE also gathers loopback.

    aioice leaves 127.0.0.1 out, and on a machine without a network nothing else is there. Its gathering is a method
    of each ICE connection, which is extended here for this connection only.
    """
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    transceiver = connection.addTransceiver(track, direction="sendrecv")
    ice = transceiver.receiver.transport.transport.iceGatherer._connection
    gather = ice.get_component_candidates

    async def with_loopback(component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:
        return await gather(component, [*addresses, sessiontext.LOOPBACK], timeout)

    ice.get_component_candidates = with_loopback  # type: ignore[method-assign]
    return connection


@define(eq=False)
class Peer:
    """One audio stream with one far side: what it sends is ``track``, what it hears goes to ``ear`` when it has one."""

    track: ToneTrack | EchoTrack
    ear: ToneEar | None = None
    _connection: RTCPeerConnection = field(init=False)
    _listening: asyncio.Task[None] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        """Make the connection and wait for its incoming track."""
        self._connection = _new_connection(self.track)
        self._connection.on("track", self._track_arrived)

    def _track_arrived(self, incoming: MediaStreamTrack) -> None:
        if isinstance(self.track, EchoTrack):
            self.track.source.set_result(incoming)
        else:
            self._listening = asyncio.get_running_loop().create_task(self._listen(incoming))

    async def _listen(self, incoming: MediaStreamTrack) -> None:
        """Read what comes, also when nobody listens: aiortc queues it without bound otherwise."""
        while True:
            try:
                frame = await incoming.recv()
            except MediaStreamError:
                return
            if self.ear is not None and isinstance(frame, AudioFrame):
                self.ear.listen(_mono(frame), frame.sample_rate, time.monotonic())

    @property
    def state(self) -> str:
        """The W3C connectionState: new, connecting, connected, failed or closed."""
        return str(self._connection.connectionState)

    def hears(self) -> bool:
        """Tell whether the ear hears its tone now."""
        return self.ear is not None and self.ear.hears(time.monotonic())

    async def offer(self) -> str:
        """Return our offer with all candidates in it."""
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return str(self._connection.localDescription.sdp)

    async def apply_answer(self, sdp: str) -> None:
        """Take the far side's answer to :meth:`offer`; the media path is then set up in the background."""
        description = RTCSessionDescription(sdp=sessiontext.audio_only(sdp), type="answer")
        await self._connection.setRemoteDescription(description)

    async def answer(self, offer: str) -> str:
        """Take the far side's offer and return the answer to all its streams; only audio is accepted."""
        description = RTCSessionDescription(sdp=sessiontext.audio_only(offer), type="offer")
        await self._connection.setRemoteDescription(description)
        await self._connection.setLocalDescription(await self._connection.createAnswer())
        return sessiontext.answer_all(offer, str(self._connection.localDescription.sdp))

    async def close(self) -> None:
        """End the stream and free its sockets."""
        self.track.stop()
        await self._connection.close()
        if self._listening is not None:
            self._listening.cancel()
