"""
Session descriptions of the demo PBX and of the test caller: text in, text out, no media.

An answer has one m= line for each of the offer's, and a refused one has port 0 (:rfc:`3264#section-6`).
"""

from collections.abc import Iterable, Sequence

from wrtcgw.sdp.description import Description, Stream, parse
from wrtcgw.sdp.directions import direction, mirrored, with_direction

LOOPBACK = "127.0.0.1"
_KNOWN_AUDIO = {"opus", "pcmu", "pcma", "g722", "telephone-event"}
_STATIC_AUDIO = {"0", "8", "9"}
_DISCARD_PORT = 9
_HEAD = ("v=0", f"o=- 1 1 IN IP4 {LOOPBACK}", "s=-", "t=0 0")


def join(lines: Iterable[str]) -> str:
    """Return SDP text of these lines: each ends with CRLF (:rfc:`8866#section-5`)."""
    return "".join(f"{line}\r\n" for line in lines)


def audio_index(streams: Sequence[Stream]) -> int | None:
    """Return the position of the first audio stream in use, or None."""
    return next(
        (index for index, stream in enumerate(streams) if stream.media == "audio" and not stream.is_rejected), None
    )


def _audio(description: Description, what: str) -> Stream:
    """
    Return the first audio stream in use.

    :raises ValueError: when there is none.
    """
    index = audio_index(description.streams)
    if index is None:
        raise ValueError(f"the {what} has no audio stream")
    return description.streams[index]


def attribute(sdp: str, name: str) -> str | None:
    """Return the value of the attribute for the audio stream: its own, or the session's."""
    description = parse(sdp)
    index = audio_index(description.streams)
    own = description.streams[index].value(name) if index is not None else None
    return description.session.value(name) if own is None else own


def speaks_webrtc(sdp: str) -> bool:
    """Return whether the description has what a DTLS-SRTP stream over ICE needs: credentials and a fingerprint."""
    return attribute(sdp, "ice-ufrag") is not None and attribute(sdp, "fingerprint") is not None


def audio_only(offer: str) -> str:
    """
    Return the offer as the media library gets it: its first audio section, sending and receiving.

    Candidates with mDNS names are left out, since looking them up would be traffic beyond this machine; the peer's
    own checks reveal its address (:rfc:`8445#section-7.3.1.3`). For the same reason the end of the candidates is not
    told: a page may still come from an address that its offer did not name.

    :raises ValueError: when it has no audio stream.
    """
    description = parse(offer)
    audio = _audio(description, "offer")
    kept = [line for line in audio.lines if ".local " not in line and line != "a=end-of-candidates"]
    mid = audio.value("mid") or ""
    head = [
        f"a=group:BUNDLE {mid}" if line.startswith("a=group:BUNDLE") else line for line in description.session.lines
    ]
    return str(with_direction(Description.of(head, [audio.with_lines(kept)]), "sendrecv"))


def answer_all(offer: str, audio_answer: str) -> str:
    """Return an answer to the whole offer: our audio section in its place, every other stream refused."""
    offered, ours = parse(offer).streams, parse(audio_answer)
    index = audio_index(offered)
    streams = (ours.streams[0] if at == index else _refused(stream) for at, stream in enumerate(offered))
    return str(ours.with_streams(streams))


def _refused(stream: Stream) -> Stream:
    mids = [line for line in stream.lines if line.startswith("a=mid:")]
    return stream.with_lines([stream.with_media_line(port="0").lines[0], f"c=IN IP4 {LOOPBACK}", *mids])


def plain_answer(offer: str) -> str:
    """
    Answer an offer in kind without any media behind it: same profile, the audio formats we know, discard port.

    :raises ValueError: if it has no audio stream or no format that we know.
    """
    description = parse(offer)
    audio = _plain_audio(_audio(description, "offer"), mirrored(direction(description)))
    return answer_all(offer, join([*_HEAD, *audio]))


def plain_offer(like: str) -> str:
    """
    Offer a stream of the same kind as in ``like``, without any media behind it.

    :raises ValueError: as :func:`plain_answer`.
    """
    return join([*_HEAD, *_plain_audio(_audio(parse(like), "description"), "sendrecv")])


def _plain_audio(stream: Stream, flow: str) -> list[str]:
    maps = {value.split()[0]: f"a=rtpmap:{value}" for value in stream.values("rtpmap")}
    known = [fmt for fmt in stream.formats if _is_known(fmt, maps.get(fmt))]
    if not any(_codec(fmt, maps.get(fmt)) != "telephone-event" for fmt in known):
        raise ValueError("none of the offered audio formats is known")
    return [
        f"m=audio {_DISCARD_PORT} {stream.profile} {' '.join(known)}",
        f"c=IN IP4 {LOOPBACK}",
        *(line for line in stream.lines if line.startswith("a=mid:")),
        *(maps[fmt] for fmt in known if fmt in maps),
        *(line for line in stream.lines if line == "a=rtcp-mux"),
        f"a={flow}",
    ]


def _is_known(fmt: str, rtpmap: str | None) -> bool:
    return _codec(fmt, rtpmap) in _KNOWN_AUDIO


def _codec(fmt: str, rtpmap: str | None) -> str:
    if rtpmap is None:
        return "pcmu" if fmt in _STATIC_AUDIO else ""
    return rtpmap.split()[1].split("/")[0].lower()
