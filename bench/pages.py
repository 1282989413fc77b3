"""The pages of agents: sign-in, a poll or stream each, and calls at a given rate, whatever becomes of earlier ones."""

import json
import socket
from collections import Counter, deque
from collections.abc import Callable

from bench.loop import Connection, Loop, now

TALK, REST, PATIENCE = 0.2, 0.3, 5.0
"""Seconds between answer and hang-up, before an agent calls again, and after which a call has failed."""
AT_ONCE = 50
"""Sign-ins under way at a time."""
FIELDS = (
    "Host: 127.0.0.1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36\r\n"
    "Accept: */*\r\nAccept-Language: de-DE,de;q=0.9,en;q=0.8\r\nAccept-Encoding: gzip, deflate\r\n"
    "Referer: http://127.0.0.1/softphone/\r\nConnection: keep-alive\r\n"
)
"""What a browser sends."""
OFFER = "\r\n".join(
    (
        "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0",
        "a=extmap-allow-mixed\r\na=msid-semantic: WMS 6bf1d2",
        "m=audio 51234 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 192.0.2.7\r\na=rtcp:9 IN IP4 0.0.0.0",
        *(
            f"a=candidate:{n} 1 udp 2122260223 192.0.2.{n} 5123{n} typ host generation 0 network-id {n}"
            for n in range(6)
        ),
        "a=ice-ufrag:Wq3x\r\na=ice-pwd:9BqkQY0sdZ0sQ0YQ1r3vZJ7h\r\na=ice-options:trickle",
        "a=fingerprint:sha-256 " + ":".join(["5A"] * 32),
        "a=setup:actpass\r\na=mid:0\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        "a=sendrecv\r\na=msid:6bf1d2 2a7b61\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:111 opus/48000/2",
        "a=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2",
        "a=fmtp:63 111/111\r\na=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000",
        "a=rtpmap:13 CN/8000",
        "a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000",
        "a=ssrc:3735928559 cname:Jm1kz0Yd7b\r\na=ssrc:3735928559 msid:6bf1d2 2a7b61\r\n",
    )
)

Done = Callable[[int, bytes, bytes], None]
"""Told of a response: status (0: the connection was lost), head, body."""


class HTTP(Connection):
    """A connection to the gateway; one request at a time."""

    def __init__(self, loop: Loop, port: int) -> None:
        super().__init__(loop, socket.create_connection(("127.0.0.1", port)))
        self._buffer = b""
        self._done: Done | None = None

    def ask(self, method: str, target: str, fields: str, body: bytes, done: Done) -> None:
        """Send a request."""
        self._done = done
        length = f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
        self.send(f"{method} {target} HTTP/1.1\r\n{FIELDS}{fields}{length}\r\n".encode() + body)

    def received(self, data: bytes) -> None:
        """Take a response."""
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        at = head.lower().find(b"\r\ncontent-length:")
        size = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(rest) >= size:
            self._buffer = rest[size:]
            done, self._done = self._done, None
            if done is not None:
                done(int(head[9:12]), head, rest[:size])

    def lost(self) -> None:
        """Tell who waits."""
        done, self._done = self._done, None
        if done is not None:
            done(0, b"", b"")


class EventStream(Connection):
    """A stream of the gateway's messages; its framing does not matter here."""

    def __init__(self, loop: Loop, port: int, target: str, fields: str, answered: Callable[[], None]) -> None:
        super().__init__(loop, socket.create_connection(("127.0.0.1", port)))
        self._answered = answered
        self.send(f"GET {target} HTTP/1.1\r\n{FIELDS}{fields}Accept: text/event-stream\r\n\r\n".encode())

    def received(self, data: bytes) -> None:
        """Look for an answer."""
        if b'"messageType": "ANSWER"' in data:
            self._answered()


class Page:
    """One agent's page."""

    def __init__(self, pages: "Pages", number: int) -> None:
        self.pages = pages
        self.dn = str(100_000 + number)
        self.id = f"a{self.dn}"
        self.fields = ""
        self.listens: Connection | None = None
        self.began = 0.0
        """When its call should have begun; 0 for none."""
        self._calls = 0

    def sign_in(self, done: Callable[[], None]) -> None:
        """Sign in."""

        def over(code: int, head: bytes, body: bytes) -> None:
            self.pages.counts["signed in" if code == 200 else f"sign-in {code}"] += 1
            at = head.lower().find(b"\r\nx-wrtc-session:")
            if at >= 0:
                self.fields = f"X-WRTC-Session: {head[at + 17 :].split(bytes([13]), 1)[0].decode().strip()}\r\n"
            done()

        self.pages.ask("GET", f"/api/webrtc/sign_in?id={self.id}&dn={self.dn}&password=pw{self.dn}", "", b"", over)

    def listen(self, way: str) -> None:
        """Poll, or open a stream."""
        if way == "stream":
            target = f"/api/webrtc/events?id={self.id}"
            self.listens = EventStream(self.pages.loop, self.pages.port, target, self.fields, self._answered)
        elif way == "poll":
            connection = self.listens = HTTP(self.pages.loop, self.pages.port)
            self._poll(connection)

    def _poll(self, connection: HTTP) -> None:
        def over(code: int, head: bytes, body: bytes) -> None:
            if code == 200 and body.startswith(b"v=0"):
                self._answered()
            if code in (200, 204, 410):
                self._poll(connection)
            elif code:
                self.pages.counts[f"poll {code}"] += 1

        connection.ask("GET", f"/api/webrtc/message?id={self.id}&wait=25", self.fields, b"", over)

    def call(self, began: float, way: str) -> None:
        """Place a call that should have begun at a time."""
        self.began = began
        self._calls += 1
        this = self._calls

        def over(code: int, head: bytes, body: bytes) -> None:
            if code // 100 != 2:
                self.pages.counts[f"call {code}"] += 1
                self._end(failed=True)

        def late() -> None:
            if self.began and self._calls == this:
                self.pages.counts["no answer"] += 1
                self._end(failed=True)

        if way == "stream":
            offer = {"messageType": "OFFER", "from": self.id, "to": "9000", "sdp": OFFER}
            fields = self.fields + "Content-Type: application/json\r\n"
            self.pages.ask("POST", "/api/webrtc/message", fields, json.dumps(offer).encode(), over)
        else:
            fields = self.fields + "Content-Type: text/plain\r\n"
            self.pages.ask("POST", f"/api/webrtc/message?from={self.id}&to=9000", fields, OFFER.encode(), over)
        self.pages.loop.at(began + PATIENCE, late)

    def _answered(self) -> None:
        if self.began:
            self.pages.delays.append(now() - self.began)
            self.began = 0.0
            self.pages.loop.at(now() + TALK, self._hang_up)

    def _hang_up(self) -> None:
        def over(code: int, head: bytes, body: bytes) -> None:
            if code != 200:
                self.pages.counts[f"hang-up {code}"] += 1
            self._end(failed=code != 200)

        self.pages.ask("POST", f"/api/webrtc/hangup?id={self.id}", self.fields, b"", over)

    def _end(self, *, failed: bool) -> None:
        self.began = 0.0
        self.pages.counts["failed" if failed else "good"] += 1
        self.pages.loop.at(now() + REST, lambda: self.pages.free.append(self))


class Pages:
    """
    All pages.

    :ivar counts: calls that were ``good`` and ``failed``, and what went wrong.
    :ivar delays: seconds from when a call should have begun to its answer at the page.
    """

    def __init__(self, loop: Loop, port: int) -> None:
        self.loop = loop
        self.port = port
        self.counts: Counter[str] = Counter()
        self.delays: list[float] = []
        self.all: list[Page] = []
        self.free: deque[Page] = deque()
        self._connections: list[HTTP] = []

    def ask(self, method: str, target: str, fields: str, body: bytes, done: Done) -> None:
        """Send a request by any connection that is free."""
        connection = self._connections.pop() if self._connections else HTTP(self.loop, self.port)

        def over(code: int, head: bytes, answer: bytes) -> None:
            if connection.open and code:
                self._connections.append(connection)
            done(code, head, answer)

        if connection.open:
            connection.ask(method, target, fields, body, over)
        else:
            self.ask(method, target, fields, body, done)

    def sign_in(self, number: int) -> float:
        """Sign in so many further agents; returns the seconds that it took."""
        began = now()
        first = len(self.all)
        new = [Page(self, first + n) for n in range(number)]
        waiting, left = deque(new), number

        def done() -> None:
            nonlocal left
            left -= 1
            if waiting:
                waiting.popleft().sign_in(done)

        for _ in range(min(AT_ONCE, number)):
            waiting.popleft().sign_in(done)
        self.loop.run_until(lambda: not left, 300)
        self.all += new
        self.free.extend(new)
        return now() - began

    def call(self, rate: float, seconds: float, way: str) -> None:
        """Place calls at a rate for a time, and wait for the last one to end."""
        begin = now() + 0.05
        total = round(rate * seconds)
        due = 0

        def next_call() -> None:
            nonlocal due
            when = begin + due / rate
            due += 1
            if due < total:
                self.loop.at(begin + due / rate, next_call)
            if self.free:
                self.free.popleft().call(when, way)
            else:
                self.counts["failed"] += 1
                self.counts["no agent free"] += 1

        self.loop.at(begin, next_call)
        over = self.counts["good"] + self.counts["failed"] + total
        self.loop.run_until(lambda: self.counts["good"] + self.counts["failed"] >= over, seconds + 30)


class Probe:
    """
    Asks for something small all the time: how long the gateway stands still shows in the longest answer.

    :ivar answers: seconds of each.
    """

    def __init__(self, loop: Loop, port: int, pause: float) -> None:
        self.answers: list[float] = []
        self._loop = loop
        self._pause = pause
        self._connection = HTTP(loop, port)
        self._ask()

    def _ask(self) -> None:
        began = now()

        def over(code: int, head: bytes, body: bytes) -> None:
            self.answers.append(now() - began)
            if code:
                self._loop.at(now() + self._pause, self._ask)

        self._connection.ask("GET", "/api/health", "", b"", over)
