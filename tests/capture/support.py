"""A recorder in virtual time, and messages for it."""

from twisted.internet.task import Clock
from twisted.web.http_headers import Headers

from wrtcgw.capture.entries import Note, SIPMessage
from wrtcgw.capture.recorder import Recorder
from wrtcgw.capture.track_store import Track

EPOCH = 1_700_000_000.0
"""The wall clock when the other one is at 0."""
SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=sendrecv\r\n"
NO_HEADERS = Headers()


def request(method: str, call_id: str, *, to: str = "5001", tag: str = "", more: str = "", body: str = "") -> str:
    """Return a SIP request."""
    return (
        f"{method} sip:{to}@example.org SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\n"
        f"From: <sip:1003@example.org>;tag=a\r\nTo: <sip:{to}@example.org>{tag and ';tag=' + tag}\r\n"
        f"Call-ID: {call_id}\r\nCSeq: 7 {method}\r\n{more}Content-Length: {len(body)}\r\n\r\n{body}"
    )


def response(code: int, reason: str, call_id: str, method: str = "INVITE") -> str:
    """Return a SIP response."""
    return (
        f"SIP/2.0 {code} {reason}\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\n"
        "From: <sip:1003@example.org>;tag=a\r\nTo: <sip:5001@example.org>;tag=b\r\n"
        f"Call-ID: {call_id}\r\nCSeq: 7 {method}\r\nContent-Length: 0\r\n\r\n"
    )


def recorder(clock: Clock, *, on: bool = True, calls: int = 10, size: int = 1_000_000) -> Recorder:
    """Return a recorder whose wall clock is :data:`EPOCH` ahead."""
    return Recorder(clock.seconds, lambda: EPOCH + clock.seconds(), on=on, calls=calls, size=size)


def kept(track: Track | None) -> list[str]:
    """Return in short what a track holds, in the order in which it was kept."""
    if track is None:
        return []
    shown = []
    for entry in track.entries:
        if isinstance(entry, SIPMessage):
            shown.append(entry.text.partition("\r\n")[0].removesuffix(" SIP/2.0"))
        else:
            shown.append(entry.text if isinstance(entry, Note) else type(entry).__name__)
    return shown
