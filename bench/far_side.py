"""
The far side: a registrar and a phone that answers at once, by SIP over WebSocket (RFC 7118).

REGISTER and each INVITE are challenged (digest, MD5, which JsSIP speaks), and the response is verified. An INVITE gets
100, 180 and 200 back to back, so that all of a call's delay is the gateway's and the load's own.
"""

import base64
import hashlib
import socket
from collections import Counter
from functools import partial

from bench.loop import Connection, Loop, listen

REALM = "bench"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
COPIED = ("Via", "Record-Route", "From", "To", "Call-ID", "CSeq")
ANSWER = "\r\n".join(
    (
        "v=0\r\no=far 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 40000 UDP/TLS/RTP/SAVPF 111 8 101",
        "c=IN IP4 127.0.0.1\r\na=ice-ufrag:farf\r\na=ice-pwd:abcdefghijklmnopqrstuvwx",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "a=setup:active\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ssrc:7 cname:far",
        "a=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host\r\n",
    )
)


class FarSide:
    """Registrar and phone; ``counts`` has the requests by method, and what was wrong with them."""

    def __init__(self, loop: Loop, port: int) -> None:
        self.counts: Counter[str] = Counter()
        self._tags = 0
        self._listening = listen(loop, port, partial(WebSocket, loop, self))

    def serve(self, text: str, connection: "WebSocket") -> None:
        """Answer one message."""
        lines = text.partition("\r\n\r\n")[0].split("\r\n")
        method = lines[0].partition(" ")[0]
        if method.startswith("SIP/2.0"):
            return
        self.counts[method] += 1
        fields = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        if method == "ACK":
            return
        copied = [line for line in lines[1:] if line.startswith(COPIED)]
        if method in ("REGISTER", "INVITE") and ";tag=" not in fields["To"]:
            self._tags += 1
            tag = f";tag=f{self._tags}"
            copied = [line + tag if line.startswith("To:") else line for line in copied]
            if not self._is_right(method, fields):
                nonce = self._nonce(method, fields)
                challenge = f'WWW-Authenticate: Digest realm="{REALM}", nonce="{nonce}", qop="auth", algorithm=MD5'
                connection.say("401 Unauthorized", [*copied, challenge])
                return
        if method == "REGISTER":
            contact = fields["Contact"].partition(";expires")[0]
            connection.say("200 OK", [*copied, f"Contact: {contact};expires={fields.get('Expires', '3600')}"])
        elif method == "INVITE":
            contact = "Contact: <sip:far@127.0.0.1;transport=ws>"
            connection.say("100 Trying", copied)
            connection.say("180 Ringing", [*copied, contact])
            connection.say("200 OK", [*copied, contact, "Content-Type: application/sdp"], ANSWER)
        else:
            connection.say("200 OK", copied)

    def _nonce(self, method: str, fields: dict[str, str]) -> str:
        return hashlib.md5(f"{method}{fields['Call-ID']}".encode()).hexdigest()

    def _is_right(self, method: str, fields: dict[str, str]) -> bool:
        """Return whether the request has the response to its challenge."""
        credentials = fields.get("Authorization", "")
        if not credentials:
            return False
        said = {
            name.strip(): value.strip('" ')
            for name, _, value in (part.partition("=") for part in credentials[len("Digest ") :].split(","))
        }
        a1 = hashlib.md5(f"{said['username']}:{REALM}:pw{said['username']}".encode()).hexdigest()
        a2 = hashlib.md5(f"{method}:{said['uri']}".encode()).hexdigest()
        nonce = self._nonce(method, fields)
        whole = f"{a1}:{nonce}:{said['nc']}:{said['cnonce']}:auth:{a2}"
        right = said["response"] == hashlib.md5(whole.encode()).hexdigest() and said["nonce"] == nonce
        self.counts["wrong"] += not right
        return right


class WebSocket(Connection):
    """One connection of the gateway."""

    def __init__(self, loop: Loop, far: FarSide, connection: socket.socket) -> None:
        super().__init__(loop, connection)
        self._far = far
        self._buffer = b""
        self._upgraded = False

    def say(self, status: str, lines: list[str], body: str = "") -> None:
        """Send a response."""
        text = "\r\n".join([f"SIP/2.0 {status}", *lines, f"Content-Length: {len(body)}", "", body])
        self.send(frame(0x81, text.encode()))

    def received(self, data: bytes) -> None:
        """Take the handshake, then frames."""
        self._buffer += data
        if not self._upgraded:
            head, end, self._buffer = self._buffer.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            self._upgraded = True
            fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
            key = {name.lower(): value for name, value in fields.items()}[b"sec-websocket-key"]
            accepted = base64.b64encode(hashlib.sha1(key + GUID).digest())
            self.send(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Accept: " + accepted + b"\r\n\r\n"
            )
        while len(self._buffer) >= 6 and self.open:
            size, start = self._buffer[1] & 0x7F, 2
            if size == 126:
                size, start = int.from_bytes(self._buffer[2:4], "big"), 4
            end_of_frame = start + 4 + size
            if len(self._buffer) < end_of_frame:
                return
            mask, masked = self._buffer[start : start + 4], self._buffer[start + 4 : end_of_frame]
            code, self._buffer = self._buffer[0] & 0x0F, self._buffer[end_of_frame:]
            self._frame(code, unmasked(masked, mask))

    def _frame(self, code: int, payload: bytes) -> None:
        if code == 9:
            self.send(frame(0x8A, payload))
        elif code == 8:
            self.close()
        elif payload.strip():
            self._far.serve(payload.decode(), self)


def unmasked(data: bytes, mask: bytes) -> bytes:
    """Return a frame's payload without its mask, or with it."""
    size = len(data)
    pattern = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(pattern, "big")).to_bytes(size, "big")


def frame(code: int, payload: bytes) -> bytes:
    """Return a frame without a mask, of less than 64 kB."""
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
    return bytes([code]) + length + payload
