"""
WebRTC peers by aiortc: each one audio stream with one far side, whose sound can be led anywhere.

Everything here runs on the asyncio loop of :class:`wrtcgw.demo.media.Media` and nowhere else. This module needs the
``demo`` extra; only :mod:`wrtcgw.demo.media` imports it, and only when a peer is made. No STUN or TURN server is
ever asked: the list of ICE servers is empty, and loopback is a candidate like any other address of this machine.
"""

import asyncio
import fractions
import time
from array import array

from aioice import Candidate
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCRtpTransceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from attrs import define, field
from av import AudioFrame, AudioResampler

from wrtcgw.demo import sessiontext
from wrtcgw.demo.tone import ToneEar, sine

RATE = 48000
BLOCK = RATE // 50
_START = 2 * BLOCK
_LIMIT = 10 * BLOCK


class OutgoingTrack(MediaStreamTrack):
    """
    What a peer sends, one block every 20 ms: a tone, or what was given to :meth:`put`, or silence.

    The blocks are paced by the clock and numbered by this track, so the source may change at any time and stop or
    stutter without the far side's decoder noticing. While ``sending`` is false nothing is sent at all.
    """

    kind = "audio"

    def __init__(self, tone: float | None) -> None:
        super().__init__()
        self.sending = True
        self.tone = tone
        self._buffer: array[int] = array("h")
        self._flowing = False
        self._began = time.monotonic()
        self._position = 0

    def put(self, samples: "array[int]") -> None:
        """Take sound to be sent; what is more than 0.2 s behind is dropped."""
        self._buffer.extend(samples)
        del self._buffer[: max(0, len(self._buffer) - _LIMIT)]

    async def recv(self) -> AudioFrame:
        """Return the next block, not before it is due."""
        while True:
            await asyncio.sleep(self._began + self._position / RATE - time.monotonic())
            if self.readyState != "live":
                raise MediaStreamError
            samples = self._next_block()
            self._position += BLOCK
            if self.sending:
                return _frame(samples, self._position)

    def _next_block(self) -> "array[int]":
        if self.tone is not None:
            return sine(self.tone, RATE, self._position, BLOCK)
        waiting = len(self._buffer)
        self._flowing = waiting >= (BLOCK if self._flowing else _START)
        if not self._flowing:
            return array("h", bytes(2 * BLOCK))
        samples = self._buffer[:BLOCK]
        del self._buffer[:BLOCK]
        return samples


def _frame(samples: "array[int]", position: int) -> AudioFrame:
    frame = AudioFrame(format="s16", layout="mono", samples=BLOCK)
    frame.planes[0].update(samples.tobytes())
    frame.sample_rate = RATE
    frame.time_base = fractions.Fraction(1, RATE)
    frame.pts = position
    return frame


def _new_connection(track: MediaStreamTrack) -> RTCPeerConnection:
    """Return a connection with one audio stream in both directions, whose ICE also gathers loopback."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    gather_loopback(connection.addTransceiver(track, direction="sendrecv"))
    return connection


def gather_loopback(transceiver: RTCRtpTransceiver) -> None:
    """
    Let the ICE of a stream gather loopback too.

    aioice leaves 127.0.0.1 out, and on a machine without a network nothing else is there. Its gathering is a method
    of each ICE connection, which is extended here for this connection only.
    """
    ice = transceiver.receiver.transport.transport.iceGatherer._connection
    gather = ice.get_component_candidates

    async def with_loopback(component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:
        return await gather(component, [*addresses, sessiontext.LOOPBACK], timeout)

    ice.get_component_candidates = with_loopback  # type: ignore[method-assign]


@define(eq=False)
class Peer:
    """
    One audio stream with one far side.

    What the far side says goes to ``ear``, and to the ``outlet``: the track of another peer, or its own for an echo.
    When another peer takes its place, it goes to that one's until there is something to be heard of that one.
    """

    track: OutgoingTrack
    ear: ToneEar | None = None
    outlet: OutgoingTrack | None = None
    heard: asyncio.Event = field(factory=asyncio.Event)
    """Something has come from the far side, or never will."""
    _successor: "Peer | None" = None
    _connection: RTCPeerConnection = field(init=False)
    _listening: asyncio.Task[None] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        """Make the connection and wait for its incoming track."""
        self._connection = _new_connection(self.track)
        self._connection.on("track", self._track_arrived)

    def _track_arrived(self, incoming: MediaStreamTrack) -> None:
        self._listening = asyncio.get_running_loop().create_task(self._listen(incoming))

    async def _listen(self, incoming: MediaStreamTrack) -> None:
        """Read what comes, also when nobody listens: aiortc queues it without bound otherwise."""
        to_mono = AudioResampler(format="s16", layout="mono", rate=RATE)
        while True:
            try:
                frame = await incoming.recv()
            except MediaStreamError:
                return
            self.heard.set()
            if self._successor is not None and self._successor.heard.is_set():
                continue
            if isinstance(frame, AudioFrame) and (self.ear or self._leads_to):
                for part in to_mono.resample(frame):
                    self._hear(array("h", bytes(part.planes[0])[: 2 * part.samples]))

    def _hear(self, samples: "array[int]") -> None:
        if self.ear is not None:
            self.ear.listen(samples, RATE, time.monotonic())
        outlet = self._leads_to
        if outlet is not None:
            outlet.put(samples)

    @property
    def _leads_to(self) -> OutgoingTrack | None:
        return self.outlet if self._successor is None else self._successor._leads_to

    def give_way(self, successor: "Peer") -> None:
        """Let another peer take the place of this one."""
        self._successor = successor

    def hears(self) -> bool:
        """Return whether the ear hears its tone now."""
        return self.ear is not None and self.ear.hears(time.monotonic())

    @property
    def state(self) -> str:
        """The W3C connectionState: new, connecting, connected, failed or closed."""
        return str(self._connection.connectionState)

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
        self.heard.set()
        self.track.stop()
        await self._connection.close()
        if self._listening is not None:
            self._listening.cancel()
