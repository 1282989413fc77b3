"""
What ``wrtcgw-client`` has for ears and mouth: a tone by aiortc, or descriptions with nothing behind them.

The latter are like a browser's first ones (ICE and DTLS, no candidate yet), which every PBX that serves browsers takes:
enough to test all signalling.
"""

import secrets
from typing import Protocol

from attrs import define, field

from wrtcgw.demo import sessiontext
from wrtcgw.demo.media import Caller, Media
from wrtcgw.sdp.description import parse

_ICE_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Sound(Protocol):
    """The media side of one call; there is one description after the other, with one origin."""

    async def offer(self) -> str:
        """Return an offer of a new stream."""

    async def answer(self, offer: str) -> str:
        """
        Return the answer to an offer.

        :raises ValueError: if there is nothing in it that we can take.
        """

    async def apply_answer(self, answer: str) -> None:
        """Take the answer to our offer."""

    async def hears(self) -> bool:
        """Return whether the tone is heard now."""

    async def close(self) -> None:
        """End the stream."""


def _credentials() -> list[str]:
    word = "".join(secrets.choice(_ICE_CHARACTERS) for _ in range(28))
    digest = secrets.token_bytes(32).hex(":").upper()
    return [f"a=ice-ufrag:{word[:4]}", f"a=ice-pwd:{word[4:]}", f"a=fingerprint:sha-256 {digest}"]


@define(eq=False)
class NoSound:
    """Descriptions with nothing behind them."""

    _credentials: list[str] = field(factory=_credentials, init=False, repr=False)
    _session_id: int = field(factory=lambda: secrets.randbits(60), init=False)

    async def offer(self) -> str:
        """Offer what a browser offers before it has gathered candidates."""
        lines = [
            "v=0",
            f"o=- {self._session_id} 2 IN IP4 127.0.0.1",
            "s=-",
            "t=0 0",
            "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 126",
            "c=IN IP4 0.0.0.0",
            *self._credentials,
            "a=setup:actpass",
            "a=mid:0",
            "a=rtcp-mux",
            "a=rtpmap:111 opus/48000/2",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:8 PCMA/8000",
            "a=rtpmap:126 telephone-event/8000",
            "a=sendrecv",
        ]
        return sessiontext.join(lines)

    async def answer(self, offer: str) -> str:
        """Answer in kind."""
        answer = sessiontext.plain_answer(offer)
        if not sessiontext.speaks_webrtc(offer):
            return answer
        description = parse(answer)
        streams = list(description.streams)
        index = sessiontext.audio_index(streams) or 0
        streams[index] = streams[index].with_lines([*streams[index].lines, *self._credentials, "a=setup:active"])
        return str(description.with_streams(streams))

    async def apply_answer(self, answer: str) -> None:
        """Take it."""

    async def hears(self) -> bool:
        """Hear nothing."""
        return False

    async def close(self) -> None:
        """Do nothing."""


@define(eq=False)
class ToneSound:
    """Plays a tone, and listens for one."""

    _media: Media
    _listen_for: float
    _caller: Caller | None = field(default=None, init=False)
    _last: str = field(default="", init=False, repr=False)

    async def offer(self) -> str:
        """Offer a new stream."""
        await self.close()
        self._caller, text = await self._media.calling(self._listen_for)
        return self._continued(text)

    async def answer(self, offer: str) -> str:
        """Answer with a new stream."""
        await self.close()
        try:
            self._caller, text = await self._media.called(offer, self._listen_for)
        except Exception as error:
            raise ValueError(f"the offer cannot be taken: {error}") from error
        return self._continued(text)

    def _continued(self, text: str) -> str:
        self._last = str(parse(text).following(parse(self._last))) if self._last else text
        return self._last

    async def apply_answer(self, answer: str) -> None:
        """Take the answer; the stream is then set up."""
        if self._caller is not None:
            await self._caller.apply_answer(answer)

    async def hears(self) -> bool:
        """Return whether the tone has been heard during the last second."""
        return self._caller is not None and await self._caller.hears()

    async def close(self) -> None:
        """End the stream."""
        caller, self._caller = self._caller, None
        if caller is not None:
            await caller.close()
