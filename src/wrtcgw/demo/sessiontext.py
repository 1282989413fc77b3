"""
Session descriptions of the demo PBX and of the test caller: text in, text out, no media.

An answer has one m= line for each of the offer's, and a refused one has port 0 (:rfc:`3264#section-6`).
"""

from collections.abc import Iterable

from wrtcgw.sdp import direction, mirrored, with_direction

LOOPBACK = "127.0.0.1"
_KNOWN_AUDIO = {"opus", "pcmu", "pcma", "g722", "telephone-event"}
_STATIC_AUDIO = {"0", "8", "9"}
_DISCARD_PORT = 9


def split(sdp: str) -> tuple[list[str], list[list[str]]]:
    """Return the session-level lines and the lines of each m= section."""
    session: list[str] = []
    media: list[list[str]] = []
    for line in sdp.splitlines():
        if line.startswith("m="):
            media.append([])
        if line:
            (media[-1] if media else session).append(line)
    return session, media


def join(lines: Iterable[str]) -> str:
    """Return SDP text of these lines: each ends with CRLF (:rfc:`8866#section-5`)."""
    return "".join(f"{line}\r\n" for line in lines)


def audio_index(media: list[list[str]]) -> int | None:
    """Return the position of the first audio section in use, or None."""
    for index, lines in enumerate(media):
        kind, port = lines[0][2:].split()[:2]
        if kind == "audio" and port != "0":
            return index
    return None


def attribute(sdp: str, name: str) -> str | None:
    """Return the value of the attribute for the audio stream: its own, or the session's."""
    session, media = split(sdp)
    index = audio_index(media)
    for lines in ([media[index]] if index is not None else []) + [session]:
        for line in lines:
            if line.startswith(f"a={name}:"):
                return line.partition(":")[2].strip()
    return None


def speaks_webrtc(sdp: str) -> bool:
    """Tell whether the description has what a DTLS-SRTP stream over ICE needs: credentials and a fingerprint."""
    return attribute(sdp, "ice-ufrag") is not None and attribute(sdp, "fingerprint") is not None


def audio_only(offer: str) -> str:
    """
    Return the offer as the media library gets it: its first audio section, sending and receiving.

    Candidates with mDNS names are left out, since looking them up would be traffic beyond this machine; the peer's
    own checks reveal its address (:rfc:`8445#section-7.3.1.3`). For the same reason the end of the candidates is not
    told: a page may still come from an address that its offer did not name.
    """
    session, media = split(offer)
    index = audio_index(media)
    if index is None:
        raise ValueError("the offer has no audio stream")
    kept = [line for line in media[index] if ".local " not in line and line != "a=end-of-candidates"]
    mid = next((line.partition(":")[2] for line in kept if line.startswith("a=mid:")), "")
    head = [f"a=group:BUNDLE {mid}" if line.startswith("a=group:BUNDLE") else line for line in session]
    return with_direction(join(head + kept), "sendrecv")


def answer_all(offer: str, audio_answer: str) -> str:
    """Return an answer to the whole offer: our audio section in its place, every other stream refused."""
    _, offered = split(offer)
    session, ours = split(audio_answer)
    index = audio_index(offered)
    lines = list(session)
    for position, section in enumerate(offered):
        lines += ours[0] if position == index else _refused(section)
    return join(lines)


def _refused(section: list[str]) -> list[str]:
    kind, _, rest = section[0][2:].split(" ", 2)
    mids = [line for line in section if line.startswith("a=mid:")]
    return [f"m={kind} 0 {rest}", f"c=IN IP4 {LOOPBACK}", *mids]


def plain_answer(offer: str) -> str:
    """
    Answer an offer in kind without any media behind it: same profile, the audio formats we know, discard port.

    :raises ValueError: if it has no audio stream or no format that we know.
    """
    _, media = split(offer)
    index = audio_index(media)
    if index is None:
        raise ValueError("the offer has no audio stream")
    head = ["v=0", "o=- 1 1 IN IP4 " + LOOPBACK, "s=-", "t=0 0"]
    return answer_all(offer, join([*head, *_plain_audio(media[index], mirrored(direction(offer)))]))


def plain_offer(like: str) -> str:
    """Offer a stream of the same kind as in ``like``, without any media behind it."""
    _, media = split(like)
    index = audio_index(media)
    if index is None:
        raise ValueError("the description has no audio stream")
    head = ["v=0", "o=- 1 1 IN IP4 " + LOOPBACK, "s=-", "t=0 0"]
    return join([*head, *_plain_audio(media[index], "sendrecv")])


def _plain_audio(section: list[str], flow: str) -> list[str]:
    _, _, profile, *formats = section[0][2:].split()
    maps = {line[len("a=rtpmap:") :].split()[0]: line for line in section if line.startswith("a=rtpmap:")}
    known = [fmt for fmt in formats if _is_known(fmt, maps.get(fmt))]
    if not any(_codec(fmt, maps.get(fmt)) != "telephone-event" for fmt in known):
        raise ValueError("none of the offered audio formats is known")
    return [
        f"m=audio {_DISCARD_PORT} {profile} {' '.join(known)}",
        f"c=IN IP4 {LOOPBACK}",
        *(line for line in section if line.startswith("a=mid:")),
        *(maps[fmt] for fmt in known if fmt in maps),
        *(line for line in section if line == "a=rtcp-mux"),
        f"a={flow}",
    ]


def _is_known(fmt: str, rtpmap: str | None) -> bool:
    return _codec(fmt, rtpmap) in _KNOWN_AUDIO


def _codec(fmt: str, rtpmap: str | None) -> str:
    if rtpmap is None:
        return "pcmu" if fmt in _STATIC_AUDIO else ""
    return rtpmap.split()[1].split("/")[0].lower()
