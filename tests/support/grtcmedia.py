"""What the browser's peer connection is to the dialect page: descriptions that stay those of one session."""

import re
import secrets

from attrs import define, field

from tests.interop.descriptions import chromium_answer, chromium_offer

CANDIDATE = "candidate:1 1 udp 2122260223 192.0.2.10 50000 typ host generation 0 ufrag {ufrag} network-id 1"
_DIRECTION = re.compile(r"(?m)^a=(?:sendrecv|sendonly|recvonly|inactive)\r$")
_ORIGIN = re.compile(r"(?m)^(o=\S+ )\S+ \d+")
_CREDENTIALS = re.compile(r"(?m)^a=(?:ice-ufrag|ice-pwd|fingerprint):.*\r\n")


class DescriptionError(ValueError):
    """What a browser would not accept as a description, or the library not find a stream in."""


def audio_direction(sdp: str) -> str:
    """Return the direction of the one stream of a description of ours."""
    found = _DIRECTION.search(sdp)
    return found.group(0)[2:-1] if found else "sendrecv"


@define
class PageMedia:
    """
    The peer connection of one media session.

    :ivar broken: nothing can be set or created any more, as when the microphone is gone.
    :ivar remote: the last description of the other side.
    """

    broken: bool = False
    remote: str = field(default="", init=False)
    _session: int = field(factory=lambda: secrets.randbits(60), init=False)
    _version: int = field(default=1, init=False)
    _credentials: list[str] = field(factory=list, init=False)

    def offer(self) -> tuple[str, list[dict[str, object]]]:
        """Return an offer and its candidates."""
        return self._own(chromium_offer()), [self._candidate()]

    def answer(self) -> tuple[str, list[dict[str, object]]]:
        """Return the answer to the last remote description, mirroring what it allows, and candidates."""
        text = self._own(chromium_answer(self.remote))
        offered = audio_direction(self.remote)
        mirrored = {"sendonly": "recvonly", "recvonly": "sendonly"}.get(offered, offered)
        return _DIRECTION.sub(f"a={mirrored}\r", text), [self._candidate()]

    def apply(self, sdp: str) -> bool:
        """
        Take the other side's description; tell whether there is a stream in it that can be heard.

        :raises DescriptionError: as the browser throws.
        """
        if self.broken:
            raise DescriptionError("the peer connection is broken")
        _check_lines(sdp)
        self.remote = sdp
        return _has_stream(sdp)

    def _own(self, fresh: str) -> str:
        """Keep what stays the same within a peer connection, and raise the version."""
        if self.broken:
            raise DescriptionError("the peer connection is broken")
        self._version += 1
        fresh = _ORIGIN.sub(rf"\g<1>{self._session} {self._version}", fresh, count=1)
        if not self._credentials:
            self._credentials = _CREDENTIALS.findall(fresh)
        kept = iter(self._credentials)
        return _CREDENTIALS.sub(lambda _: next(kept), fresh)

    def _candidate(self) -> dict[str, object]:
        ufrag = self._credentials[0].strip().partition(":")[2]
        return {"sdpMLineIndex": 0, "sdpMid": "0", "candidate": CANDIDATE.format(ufrag=ufrag)}


def _check_lines(sdp: str) -> None:
    if not sdp.startswith("v=0\r\n") or not sdp.endswith("\r\n") or re.search(r"(?<!\r)\n", sdp):
        raise DescriptionError("no description with CRLF")
    if not re.search(r"(?m)^m=audio ", sdp):
        raise DescriptionError("no audio")
    if "a=rtcp-mux\r\n" not in sdp:
        raise DescriptionError("browsers require rtcp-mux")


def _has_stream(sdp: str) -> bool:
    """Return whether ``getRemoteStreams()[0]`` exists: an audio line in use, sending, with a stream of its own."""
    in_use = re.search(r"(?m)^m=audio [1-9]", sdp)
    sends = audio_direction(sdp) in ("sendrecv", "sendonly")
    named = re.search(r"(?m)^a=(?:ssrc:\d+ )?msid:(?!- )\S+ \S+", sdp)
    return bool(in_use and sends and named)
