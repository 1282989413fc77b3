"""Sound from a file and into one, as blocks of 16-bit samples; needs the ``bot`` extra (PyAV)."""

import asyncio
import logging
import time
import wave
from array import array
from collections.abc import Iterator
from pathlib import Path

import av
from attrs import define, field
from av import AudioFrame, AudioResampler

from wrtcgw.agentclient.errors import NoMediaError

log = logging.getLogger("wrtcgw.agentclient")

RATE = 48000
BLOCK = RATE // 50
"""20 ms."""
RECORDED = 16000
"""Samples a second of a recording: what is made of speech afterwards mostly wants that."""
_AHEAD = 2 * RATE
"""Samples that are read before they are due."""
_AT_ONCE = RATE // 2
_GAP = 0.3
"""Seconds without any packet that become silence in a recording."""


def samples_of(path: Path) -> "Iterator[array[int]]":
    """
    Yield a sound file, mono at 48 kHz.

    :raises NoMediaError: when it cannot be read.
    """
    try:
        with av.open(str(path)) as container:
            to_mono = AudioResampler(format="s16", layout="mono", rate=RATE)
            for frame in container.decode(audio=0):
                yield from map(_samples, to_mono.resample(frame))
            yield from map(_samples, to_mono.resample(None))
    except (OSError, ValueError, IndexError, av.FFmpegError) as error:
        raise NoMediaError(f"{path}: {error}") from error


def _samples(frame: AudioFrame) -> "array[int]":
    return array("h", bytes(frame.planes[0])[: 2 * frame.samples])


@define(eq=False)
class Player:
    """Reads a file a little ahead, in a thread, and gives it out block by block."""

    _source: "Iterator[array[int]]"
    _buffer: "array[int]" = field(factory=lambda: array("h"), init=False)
    _read: bool = field(default=False, init=False)
    _wanted: asyncio.Event = field(factory=asyncio.Event, init=False)
    done: asyncio.Event = field(factory=asyncio.Event, init=False)
    """Set when the last block was taken."""

    async def fill(self) -> None:
        """
        Read until the end of the file.

        :raises NoMediaError: when it cannot be read.
        """
        while not self._read:
            part, self._read = await asyncio.to_thread(self._some)
            self._buffer.extend(part)
            while not self._read and len(self._buffer) >= _AHEAD:
                self._wanted.clear()
                await self._wanted.wait()
        if not self._buffer:
            self.done.set()

    def _some(self) -> "tuple[array[int], bool]":
        found = array("h")
        for part in self._source:
            found.extend(part)
            if len(found) >= _AT_ONCE:
                return found, False
        return found, True

    def block(self) -> "array[int]":
        """Return the next 20 ms; silence where nothing is there."""
        part = self._buffer[:BLOCK]
        del self._buffer[:BLOCK]
        if len(self._buffer) < _AHEAD:
            self._wanted.set()
        if self._read and not self._buffer:
            self.done.set()
        part.extend(array("h", bytes(2 * (BLOCK - len(part)))))
        return part


@define(eq=False)
class Recorder:
    """
    Writes a WAV file: 16 bit, mono, 16 kHz. What does not come, as on hold, is silence in it.

    A disk that takes nothing more ends it, and the log says so; the call goes on.

    :raises NoMediaError: when the file cannot be written.
    """

    path: Path
    most: float
    _file: wave.Wave_write = field(init=False)
    _to_speech: AudioResampler = field(init=False)
    _began: float = field(factory=time.monotonic, init=False)
    _written: int = field(default=0, init=False)
    _open: bool = field(default=True, init=False)

    def __attrs_post_init__(self) -> None:
        """Open the file."""
        try:
            self._file = wave.open(str(self.path), "wb")  # noqa: SIM115 - it stays open
        except OSError as error:
            raise NoMediaError(f"{self.path}: {error}") from error
        self._file.setparams((1, 2, RECORDED, 0, "NONE", ""))
        self._to_speech = AudioResampler(format="s16", layout="mono", rate=RECORDED)

    def take(self, frame: AudioFrame) -> None:
        """Take what was heard."""
        if not self._open:
            return
        try:
            self._append(frame)
        except OSError as error:
            log.warning("%s: the recording ends: %s", self.path, error)
            self.close()

    def _append(self, frame: AudioFrame) -> None:
        due = min(time.monotonic() - self._began, self.most)
        missing = int(due * RECORDED) - self._written
        if missing > _GAP * RECORDED:
            self._write(bytes(2 * missing))
        for part in self._to_speech.resample(frame):
            self._write(bytes(part.planes[0])[: 2 * part.samples])
        if self._written >= self.most * RECORDED:
            self.close()

    def _write(self, data: bytes) -> None:
        self._file.writeframesraw(data)
        self._written += len(data) // 2

    def close(self) -> None:
        """End it; the file is complete then."""
        if self._open:
            self._open = False
            try:
                self._file.close()
            except OSError as error:
                log.warning("%s: the recording is not complete: %s", self.path, error)
