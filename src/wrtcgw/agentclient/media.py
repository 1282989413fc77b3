"""
The media of a bot's calls by aiortc: one audio stream with one far side. Needs the ``bot`` extra.

A new offer of the far side with the ICE credentials that are in use changes nothing but directions; one with new
credentials is another far side or an ICE restart, for which a new connection takes over
(:rfc:`8839#section-4.4.1.1.1`).
"""

import asyncio
import fractions
import ipaddress
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from aiortc import MediaStreamTrack, RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidStateError
from aiortc.mediastreams import MediaStreamError
from attrs import define, field
from av import AudioFrame

from wrtcgw.agentclient.digits import OFFERED, DigitReader, offered_maps, payload_types, with_digits
from wrtcgw.agentclient.errors import NoMediaError
from wrtcgw.agentclient.playing import BLOCK, RATE, Player, Recorder, samples_of
from wrtcgw.agentclient.sound import MakeSound, Servers
from wrtcgw.demo import sessiontext
from wrtcgw.demo.peer import gather_loopback
from wrtcgw.sdp.description import parse
from wrtcgw.sdp.directions import direction, mirrored, with_direction

CONNECTING = 20.0
"""Seconds until the stream has to be up, once there is something to be said."""
_LOOK = 0.5
"""Seconds after which it is noticed at most that a stream has gone."""
_LATE = 0.2
"""Seconds by which a block may be late; the clock of a machine that slept longer begins anew."""
_BAD = (ValueError, KeyError, IndexError, AttributeError, InvalidStateError)
"""What aiortc raises for a description that it cannot take."""


class Voice(MediaStreamTrack):
    """What the bot says, a block every 20 ms: what is played, else silence."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.player: Player | None = None
        self.sending = True
        """False while the far side wants to hear nothing; then nothing is sent, and what is played waits."""
        self._began: float | None = None
        self._position = 0

    async def recv(self) -> AudioFrame:
        """Return the next block, not before it is due."""
        await self._block_is_due()
        while not self.sending:
            self._position += BLOCK
            await self._block_is_due()
        samples = self.player.block() if self.player is not None else array("h", bytes(2 * BLOCK))
        frame = AudioFrame(format="s16", layout="mono", samples=BLOCK)
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate, frame.time_base, frame.pts = RATE, fractions.Fraction(1, RATE), self._position
        self._position += BLOCK
        return frame

    async def _block_is_due(self) -> None:
        now = time.monotonic()
        if self._began is None or now - (self._began + self._position / RATE) > _LATE:
            self._began = now - self._position / RATE
        await asyncio.sleep(self._began + self._position / RATE - now)
        if self.readyState != "live":
            raise MediaStreamError


@define(eq=False)
class Stream:
    """The media of one call."""

    _servers: list[RTCIceServer]
    _loopback: bool
    _heard: Callable[[str], None]
    _voice: Voice = field(factory=Voice, init=False)
    _connection: RTCPeerConnection | None = field(default=None, init=False)
    _listening: set[asyncio.Task[None]] = field(factory=set, init=False)
    _recorder: Recorder | None = field(default=None, init=False)
    _digits: DigitReader = field(factory=DigitReader, init=False)
    _local: str = field(default="", init=False, repr=False)
    _far: str | None = field(default=None, init=False, repr=False)
    """The far side's ICE user fragment; None until it has answered."""
    _playing: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    # -- descriptions

    async def offer(self) -> str:
        """Return an offer of a new connection."""
        connection = await self._renew()
        await connection.setLocalDescription(await connection.createOffer())
        offer = with_digits(parse(str(connection.localDescription.sdp)), OFFERED)
        self._digits.types = payload_types(offer.streams[0])
        return self._continued(str(offer))

    async def apply_answer(self, answer: str) -> None:
        """Take the answer to :meth:`offer`; an announcement's and the call's own may be one and the same stream."""
        try:
            far = sessiontext.attribute(answer, "ice-ufrag")
            if self._connection is None or far == self._far:
                return
            description = RTCSessionDescription(sdp=sessiontext.audio_only(answer), type="answer")
            await self._connection.setRemoteDescription(description)
        except _BAD as error:
            raise NoMediaError(f"the answer cannot be taken: {error}") from error
        self._far = far

    async def answer(self, offer: str) -> str:
        """Answer with a new connection, or with the one that serves these credentials already."""
        try:
            audio = sessiontext.audio_only(offer)
            far = sessiontext.attribute(offer, "ice-ufrag")
            if far is None:
                raise ValueError("no ICE: the far side speaks no WebRTC")
            known = self._connection is not None and far == self._far
            connection = self._connection if known and self._connection else await self._renew()
            await connection.setRemoteDescription(RTCSessionDescription(sdp=audio, type="offer"))
            await connection.setLocalDescription(await connection.createAnswer())
        except _BAD as error:
            raise NoMediaError(f"the offer cannot be taken: {error}") from error
        self._far = far
        theirs = parse(audio).streams[0]
        ours = with_digits(parse(str(connection.localDescription.sdp)), offered_maps(theirs))
        self._digits.types = payload_types(ours.streams[0])
        flow = mirrored(direction(parse(offer)))
        self._voice.sending = flow in ("sendrecv", "sendonly")
        turned = str(with_direction(ours, flow))
        return self._continued(sessiontext.answer_all(offer, turned))

    def _continued(self, text: str) -> str:
        self._local = str(parse(text).following(parse(self._local))) if self._local else text
        return self._local

    async def _renew(self) -> RTCPeerConnection:
        """Return a new connection in place of any that there was; what is said goes on in it."""
        await self._disconnect()
        before, self._voice = self._voice, Voice()
        self._voice.player, self._voice.sending = before.player, before.sending
        connection = RTCPeerConnection(RTCConfiguration(iceServers=self._servers))
        transceiver = connection.addTransceiver(self._voice, direction="sendrecv")
        if self._loopback:
            gather_loopback(transceiver)
        self._watch_digits(transceiver.receiver.transport)
        connection.on("track", self._track_arrived)
        self._connection, self._far = connection, None
        return connection

    def _watch_digits(self, transport: object) -> None:
        """
        Read digits from the packets of a transport.

        aiortc drops packets of a payload type that is no codec of its own, and has no hook before that.
        """
        given = transport._handle_rtp_data  # type: ignore[attr-defined]

        async def handle(data: bytes, arrival_time_ms: int) -> None:
            digit = self._digits.take(data)
            if digit:
                self._heard(digit)
            await given(data, arrival_time_ms)

        transport._handle_rtp_data = handle  # type: ignore[attr-defined]

    # -- sound

    def _track_arrived(self, track: MediaStreamTrack) -> None:
        task = asyncio.ensure_future(self._listen(track))
        self._listening.add(task)
        task.add_done_callback(self._listening.discard)

    async def _listen(self, track: MediaStreamTrack) -> None:
        """Read what comes, also when it is not recorded: aiortc queues it without bound otherwise."""
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if self._recorder is not None:
                self._recorder.take(cast(AudioFrame, frame))

    async def play(self, path: Path) -> None:
        """Say a file; what is asked for meanwhile follows it."""
        async with self._playing:
            player = Player(samples_of(path))
            filling: asyncio.Task[object] = asyncio.create_task(player.fill())
            ending: asyncio.Task[object] = asyncio.create_task(player.done.wait())
            try:
                await self._connected()
                self._voice.player = player
                pending = {filling, ending}
                while ending in pending:
                    done, pending = await asyncio.wait(pending, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        await task
                    self._require_stream()
            finally:
                self._voice.player = None
                for task in (filling, ending):
                    task.cancel()
                await asyncio.gather(filling, ending, return_exceptions=True)

    async def _connected(self) -> None:
        """Wait until the stream is up."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CONNECTING
        while self._state() != "connected":
            self._require_stream()
            if loop.time() > deadline:
                raise NoMediaError(f"the stream does not come up: it is {self._state()}")
            await asyncio.sleep(0.05)

    def _require_stream(self) -> None:
        """Raise when nothing can be heard any more: nobody takes what is played then."""
        if self._state() in ("failed", "closed"):
            raise NoMediaError(f"there is no stream: it is {self._state()}")

    def _state(self) -> str:
        return "new" if self._connection is None else str(self._connection.connectionState)

    def record(self, path: Path, most: float) -> None:
        """Record into a file, in place of any other."""
        self.stop_recording()
        self._recorder = Recorder(path, most)

    def stop_recording(self) -> None:
        """Close the file."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.close()

    # -- the end

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._voice.stop()
        if connection is not None:
            await connection.close()
        for task in tuple(self._listening):
            task.cancel()

    async def close(self) -> None:
        """End the stream."""
        await self._disconnect()
        self.stop_recording()


def maker(gateway: str) -> MakeSound:
    """Return what makes streams; with a gateway on this machine 127.0.0.1 is a candidate too, as for its demo PBX."""
    loopback = _is_loopback(urlsplit(gateway).hostname or "")

    def make(servers: Servers, heard: Callable[[str], None]) -> Stream:
        return Stream([server for each in servers for server in _server(each)], loopback, heard)

    return make


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _server(told: object) -> list[RTCIceServer]:
    if not isinstance(told, dict) or not told.get("urls"):
        return []
    username, credential = (None if told.get(name) is None else str(told[name]) for name in ("username", "credential"))
    return [RTCIceServer(urls=told["urls"], username=username, credential=credential)]
