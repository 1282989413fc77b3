"""What a call needs of its media; :mod:`wrtcgw.agentclient.media` has it by aiortc, tests have another one."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

Servers = Sequence[Mapping[str, object]]
"""STUN and TURN servers as the gateway tells them: ``urls``, ``username``, ``credential``."""


class Sound(Protocol):
    """The media of one call. There may be one description after the other, of the same origin."""

    async def offer(self) -> str:
        """Return an offer of a new stream."""

    async def answer(self, offer: str) -> str:
        """
        Return the answer to an offer.

        :raises NoMediaError: if there is nothing in it that we can take.
        """

    async def apply_answer(self, answer: str) -> None:
        """
        Take the answer to our offer.

        :raises NoMediaError: as :meth:`answer`.
        """

    async def play(self, path: Path) -> None:
        """
        Return when the file has been said.

        :raises NoMediaError: when it cannot be read, or the stream does not come up, or breaks off.
        """

    def record(self, path: Path, most: float) -> None:
        """Begin to write what the far side says into a WAV file, for so many seconds at most."""

    def stop_recording(self) -> None:
        """Write no more, and close the file."""

    async def close(self) -> None:
        """End the stream, and what is played or recorded."""


MakeSound = Callable[[Servers, Callable[[str], None]], Sound]
"""Makes the media of a call: with these servers, and told of each digit that comes in the media."""
