"""
A sine tone and an ear for it: pure arithmetic on 16-bit samples, no media library.

The ear compares the energy at one frequency with the energy of the whole block, so that noise, speech or another tone
of any loudness is not taken for the tone.
"""

import math
from array import array
from collections import deque
from functools import lru_cache

from attrs import define, field

CALLER_HZ = 440.0
"""What ``wrtcgw-client --media`` plays."""
PBX_HZ = 1000.0
"""What extension 1004 of the demo PBX plays."""

_FULL_SCALE = 32767
_SILENCE_RMS = 100.0
_SHARE_OF_A_TONE = 0.6
_BLOCKS_TO_HEAR = 15


def sine(frequency: float, rate: int, start: int, samples: int, amplitude: float = 0.4) -> "array[int]":
    """
    Return ``samples`` samples of a sine that began at sample 0.

    :param start: the number of the first sample, so that successive blocks join without a click.
    """
    step = 2 * math.pi * frequency / rate
    peak = _FULL_SCALE * amplitude
    return array("h", (int(peak * math.sin(step * n)) for n in range(start, start + samples)))


def tone_share(samples: "array[int]", rate: int, frequency: float) -> float:
    """
    Return how much of the energy of a block lies at ``frequency``: 0 to 1, and 0 for (near) silence.

    Goertzel's algorithm over a Hann window, which keeps a tone whose period does not divide the block in one place.
    """
    count = len(samples)
    energy = sum(sample * sample for sample in samples)
    if count == 0 or energy < _SILENCE_RMS * _SILENCE_RMS * count:
        return 0.0
    coefficient = 2 * math.cos(2 * math.pi * frequency / rate)
    older = newer = windowed = 0.0
    for sample, weight in zip(samples, _hann(count), strict=True):
        value = sample * weight
        windowed += value * value
        older, newer = newer, value + coefficient * newer - older
    power = older * older + newer * newer - coefficient * older * newer
    # A pure tone gives |X|^2 = (A/2 * N/2)^2 under a Hann window whose energy is 3/8 * N * A^2 / 2: ratio N / 3.
    return min(1.0, power / (windowed * count / 3)) if windowed else 0.0


@lru_cache(maxsize=8)
def _hann(count: int) -> tuple[float, ...]:
    return tuple(0.5 - 0.5 * math.cos(2 * math.pi * position / count) for position in range(count))


@define
class ToneEar:
    """
    Listens to blocks of one stream and tells whether ``frequency`` has been heard lately.

    Times are seconds of any clock that does not go back.
    """

    frequency: float
    _heard: deque[float] = field(factory=lambda: deque(maxlen=_BLOCKS_TO_HEAR), init=False)

    def listen(self, samples: "array[int]", rate: int, now: float) -> None:
        """Take one block of about 20 ms."""
        if tone_share(samples, rate, self.frequency) >= _SHARE_OF_A_TONE:
            self._heard.append(now)

    def forget(self) -> None:
        """Start afresh: what was heard before, for instance before a hold, no longer counts."""
        self._heard.clear()

    def hears(self, now: float) -> bool:
        """Return whether at least 0.3 s of the last second were the tone."""
        return len(self._heard) == _BLOCKS_TO_HEAR and self._heard[0] >= now - 1.0
