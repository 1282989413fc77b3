"""
Differential fuzz of the HTTP channel: Twisted reads each input too, and both have to mean the same by it.

``python -m tests.security.fuzz_channel --seconds 600 [--seed 7]`` runs until the time is over, or until they differ; it
then prints the seed and the pieces, with which the same happens again.

Both get the same bytes in the same pieces on a connection in memory, with time between them. What is compared: the
requests that are served, with every field and the body; what is answered, but for Date; whether the connection closes.
"""

import argparse
import random
import re
import sys
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from tests.security.fuzz import mutate
from wrtcgw.web import GatewaySite
from wrtcgw.web.http_channel import BoundedChannel

METHODS = (b"GET", b"POST", b"POST", b"HEAD", b"OPTIONS", b"get", b"PUT")
TARGETS = (b"/a", b"/wait", b"/a?id=b&x=%20", b"http://h.example/a", b"*", b"//a//b", b"/\xff", b"")
FIELDS = (
    *(b"Host: a.example", b"Host:b", b"host: c", b"Content-Length: 5", b"Content-Length: 0", b"content-length: 005"),
    *(b"Content-Length: 5, 5", b"Content-Length: +5", b"Content-Length : 5", b"Content-Length: 70000", b"X-A: 1"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", b"Expect: 100-continue", b"Connection: close"),
    *(b"Connection: keep-alive", b"Connection: Upgrade, close", b"Upgrade: h2c", b"Cookie: a=b; c", b"Cookie: d=e"),
    *(b"X-A:  two  ", b"X-Empty:", b" folded", b"X-B: \t1", b"X-C: \xfc", b"ETag: x", b"dnt: 1", b"Content-Type: a/b"),
    *(b"X-Long: " + b"a" * 9000, b"no colon", b": nameless", b"X_Y: 1", b"X-D: a\x00b", b"Content-Encoding: gzip"),
)
PLAIN = (
    *(b"X-A: 1", b"Connection: close", b"Connection: keep-alive", b"Cookie: a=b; c", b"X-A:  two  ", b"X-Empty:"),
    *(b"ETag: x", b"dnt: 1", b"Content-Type: a/b", b"x-long: " + b"a" * 5000),
)
"""Fields of plain requests; half of all requests have no others."""
BODIES = (b"", b"hello", b"hello, and more", b"5\r\nhello\r\n0\r\n\r\n", b"\r\n", b"0\r\n\r\n", b"x" * 70000)


class Seen(Resource):
    """Notes what is asked; ``/wait`` is answered by the next request of the test."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[object] = []
        self.waiting: list[Request] = []

    def render(self, request: Request) -> bytes | int:
        """Note it, and answer."""
        fields = sorted((name, list(values)) for name, values in request.requestHeaders.getAllRawHeaders())
        assert request.content is not None
        body = request.content.read()
        self.requests.append(
            (request.method, request.uri, request.path, request.clientproto, fields, body, request.received_cookies)
        )
        if request.path == b"/wait":
            self.waiting.append(request)
            return NOT_DONE_YET
        request.responseHeaders.setRawHeaders(b"content-length", [b"2"])
        return b"OK"


class Thorough(BoundedChannel):
    """A channel that leaves every request to Twisted."""

    def _take_plain(self, data: bytes) -> bool:
        return False


class Side:
    """One of the two: a site of its own, and one connection."""

    def __init__(self, channel: type[BoundedChannel]) -> None:
        self.clock = Clock()
        self.seen = Seen()
        places: Any = SimpleNamespace(enter=lambda *_: "", leave=lambda *_: None, is_open_to=lambda _: True)
        events = SimpleNamespace(publish=lambda event: None, wants=lambda kind: False)
        surface = SimpleNamespace(
            connections=places,
            largest_body=65536,
            timeouts=(10.0, 30.0),
            events=events,
            route_of=lambda path: "",
        )
        self.site = GatewaySite(cast(Any, surface), resource=self.seen, reactor=self.clock)
        self.site.protocol = channel  # type: ignore[assignment,method-assign]
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", "192.0.2.1", 4000))
        self.protocol = self.site.buildProtocol(self.transport.getPeer())
        self.protocol.makeConnection(self.transport)

    def feed(self, pieces: Sequence[bytes | float]) -> object:
        """Give it all, and return what has come of it; a number is a time to let pass, or to answer what waits."""
        for piece in pieces:
            if isinstance(piece, float):
                self.clock.advance(piece)
                if self.seen.waiting:
                    request = self.seen.waiting.pop(0)
                    request.setResponseCode(204)
                    request.finish()
            elif not self.transport.disconnecting:
                self.protocol.dataReceived(piece)
        written = re.sub(rb"Date: [^\r]*", b"Date", self.transport.value())
        return self.seen.requests, written, self.transport.disconnecting, len(self.clock.getDelayedCalls()) > 0


def made(rng: random.Random) -> bytes:
    """Return one request: plain, or mostly right, or changed."""
    if rng.random() < 0.5:
        fields = [b"Host: a.example", *rng.sample(PLAIN, rng.choice((0, 1, 3)))]
        body = rng.choice((b"", b"", b"hello", b"x" * 3000))
        if body or rng.random() < 0.3:
            fields.append(b"Content-Length: %d" % len(body))
        line = rng.choice((b"GET /a HTTP/1.1", b"POST /wait?a=b HTTP/1.1", b"POST //a%41 HTTP/1.1"))
        plain = b"\r\n".join((line, *fields, b"", body))
        return mutate(rng, plain) if rng.random() < 0.3 else plain
    fields = rng.sample(FIELDS, rng.choice((0, 1, 2, 3, 5)))
    body = rng.choice(BODIES)
    if rng.random() < 0.5:
        fields = [field for field in fields if b"ength" not in field] + [b"Content-Length: %d" % len(body)]
    if rng.random() < 0.8:
        fields = [b"Host: a.example", *(field for field in fields if not field.lower().startswith(b"host"))]
    version = rng.choice((b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0"))
    line = b" ".join((rng.choice(METHODS), rng.choice(TARGETS), version))
    request = b"\r\n".join((line, *fields, b"", body))
    return mutate(rng, request) if rng.random() < 0.3 else request


def pieces_of(rng: random.Random) -> list[bytes | float]:
    """Return some requests, in pieces."""
    pieces: list[bytes | float] = []
    for _ in range(rng.choice((1, 2, 3))):
        text = b"".join(made(rng) for _ in range(rng.choice((1, 1, 1, 2, 3))))
        if rng.random() < 0.2:
            text = b"\r\n" + text
        cuts = sorted(rng.randrange(len(text) + 1) for _ in range(rng.choice((0, 0, 1, 2, 5))))
        for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
            pieces.append(text[start:end])
            if rng.random() < 0.5:
                pieces.append(rng.choice((0.0, 1.0, 9.0, 31.0)))
    return [*pieces, 0.0, 0.0]


def differ(seed: int) -> str:
    """Return what differs for the input of a seed; empty when nothing does."""
    pieces = pieces_of(random.Random(seed))
    ours, twisted = (Side(channel).feed(pieces) for channel in (BoundedChannel, Thorough))
    return "" if ours == twisted else f"seed {seed}: {pieces!r}\nours:    {ours!r}\nTwisted: {twisted!r}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare for a time; return 1 when they differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.fuzz_channel", description=__doc__.splitlines()[1])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    end, seed = time.monotonic() + options.seconds, options.seed
    while time.monotonic() < end:
        found = differ(seed)
        if found:
            print(found, file=sys.stderr)
            return 1
        seed += 1
    print(f"seeds {options.seed} to {seed - 1}: no difference")
    return 0


if __name__ == "__main__":
    sys.exit(main())
