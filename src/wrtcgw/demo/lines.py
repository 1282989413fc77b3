"""
The PBX's end of each leg: it answers offers and makes them, and its sound can be led to another leg.

Like Asterisk, the demo PBX holds the media of every leg itself, so a transfer is a matter of leading the sound
elsewhere: no far side has to be offered anything new. A far side that speaks neither ICE nor DTLS, or any when
the ``demo`` extra is missing, gets a line without sound, on which the signalling works all the same.
"""

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from attrs import define, field

from wrtcgw.demo import sessiontext
from wrtcgw.demo.media import Media
from wrtcgw.demo.tone import PBX_HZ
from wrtcgw.sdp.description import Direction, parse
from wrtcgw.sdp.directions import direction as direction_of_audio
from wrtcgw.sdp.directions import mirrored, with_direction

if TYPE_CHECKING:
    from wrtcgw.demo.peer import Peer


class Sound(Enum):
    """What a line hears when it is not connected with another one."""

    SILENCE = "silence"
    ECHO = "echo"
    TONE = "tone"


class Line(Protocol):
    """The PBX's end of one leg; all descriptions of one line have one origin (:rfc:`3264#section-8`)."""

    local: str
    """Our description, as the far side knows it."""

    async def answer(self, offer: str) -> str:
        """
        Return the answer to the offer of an INVITE or re-INVITE.

        :raises ValueError: if there is nothing in it that we can take.
        """

    async def offer(self) -> str:
        """Return an offer of a new stream, in place of any that there was."""

    async def apply_answer(self, answer: str) -> None:
        """Take the answer to :meth:`offer`."""

    def redirected(self, direction: Direction) -> str:
        """Return our description with another direction, to be offered."""

    def play(self, sound: Sound) -> None:
        """Let the far side hear this."""

    def connect(self, other: "Line") -> None:
        """Let the two far sides hear each other."""

    def close(self) -> None:
        """End the stream."""


def _successor(text: str, previous: str) -> str:
    return str(parse(text).following(parse(previous))) if previous else text


def _turned(text: str, direction: Direction) -> str:
    return str(with_direction(parse(text), direction))


@define(eq=False)
class SilentLine:
    """A line without media."""

    like: str
    """A description of the kind that offers shall have."""
    local: str = ""

    async def answer(self, offer: str) -> str:
        """Answer in kind."""
        self.local = _successor(sessiontext.plain_answer(offer), self.local)
        return self.local

    async def offer(self) -> str:
        """Offer in kind."""
        self.local = _successor(sessiontext.plain_offer(self.like), self.local)
        return self.local

    async def apply_answer(self, answer: str) -> None:
        """Do nothing."""

    def redirected(self, direction: Direction) -> str:
        """Return our description with another direction."""
        self.local = _successor(_turned(self.local, direction), self.local)
        return self.local

    def play(self, sound: Sound) -> None:
        """Do nothing."""

    def connect(self, other: Line) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


@define(eq=False)
class MediaLine:
    """
    A line with media.

    A re-INVITE with the ICE credentials that are in use changes the direction only; one with new credentials is an
    ICE restart or another far side (:rfc:`8839#section-4.4.1.1.1`), for which a new peer takes over.
    """

    _media: Media
    local: str = ""
    _peer: "Peer | None" = None
    _far_credentials: str | None = None
    _role: str = ""
    """Our DTLS role when the far side has answered: an answer names it, an offer leaves it open."""
    _sound: Sound = Sound.SILENCE
    _sending: bool = True
    _other: "MediaLine | None" = None

    async def answer(self, offer: str) -> str:
        """Answer with a new peer, or with the one that serves these credentials already."""
        credentials = sessiontext.attribute(offer, "ice-ufrag")
        text = self.local.replace("a=setup:actpass", f"a=setup:{self._role}")
        if self._peer is None or credentials != self._far_credentials:
            try:
                peer, text = await self._media.answering(offer)
            except Exception as error:
                raise ValueError(f"offer not taken: {error}") from error
            self._take(peer)
            self._far_credentials = credentials
        direction = mirrored(direction_of_audio(parse(offer)))
        self._sending = direction in ("sendrecv", "sendonly")
        self._lead()
        self.local = _successor(_turned(text, direction), self.local)
        return self.local

    async def offer(self) -> str:
        """Offer with a new peer."""
        peer, text = await self._media.offering()
        self._take(peer)
        self.local = _successor(text, self.local)
        return self.local

    async def apply_answer(self, answer: str) -> None:
        """Take the answer to our own offer of a new stream; that of a change of direction has nothing new."""
        credentials = sessiontext.attribute(answer, "ice-ufrag")
        if self._peer is not None and self._far_credentials is None:
            self._far_credentials = credentials
            self._role = "active" if sessiontext.attribute(answer, "setup") == "passive" else "passive"
            await self._media.run(self._peer.apply_answer(answer))

    def redirected(self, direction: Direction) -> str:
        """Return our description with another direction."""
        self._sending = direction in ("sendrecv", "sendonly")
        self._lead()
        self.local = _successor(_turned(self.local, direction), self.local)
        return self.local

    def play(self, sound: Sound) -> None:
        """Let the far side hear this."""
        self._sound = sound
        self._part()
        self._lead()

    def connect(self, other: Line) -> None:
        """Let the two far sides hear each other, and nobody else any more."""
        self.play(Sound.SILENCE)
        other.play(Sound.SILENCE)
        if isinstance(other, MediaLine):
            self._other, other._other = other, self
            other._lead()
        self._lead()

    def _part(self) -> None:
        other, self._other = self._other, None
        if other is not None:
            other._other = None
            other._lead()

    def _take(self, peer: "Peer") -> None:
        old, self._peer = self._peer, peer
        self._far_credentials = None
        if old is not None:
            self._media.begin(self._media.replace(old, peer))
        self._lead()
        if self._other is not None:
            self._other._lead()

    def _lead(self) -> None:
        """Bring the peer in line with what this line is to hear and to be heard by."""
        peer, sound, sending = self._peer, self._sound, self._sending
        if peer is None:
            return
        other = self._other._peer if self._other is not None else None

        def lead() -> None:
            peer.track.sending = sending
            peer.track.tone = PBX_HZ if sound is Sound.TONE else None
            peer.outlet = peer.track if sound is Sound.ECHO else other.track if other is not None else None

        self._media.begin(self._media.call(lead))

    def close(self) -> None:
        """End the stream."""
        self._part()
        peer, self._peer = self._peer, None
        if peer is not None:
            self._media.begin(self._media.close(peer))


@define(eq=False)
class Exchange:
    """Makes the lines: with media where both the machine and the far side can."""

    media: Media | None = field(default=None)

    def line_for(self, description: str) -> Line:
        """Return a line for a far side that has sent, or is to get, descriptions of this kind."""
        if self.media is not None and sessiontext.speaks_webrtc(description):
            return MediaLine(self.media)
        return SilentLine(description)
