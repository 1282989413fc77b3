"""Two clients of the HTTP surface: treq over memory, and a bare connection whose end and pieces a test can choose."""

import json
from http.client import HTTPMessage, HTTPResponse
from io import BytesIO
from typing import Any, cast

from attrs import frozen
from treq.testing import StubTreq
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.web.standin import StandInGateway
from wrtcgw.daemon.composition import http_surface
from wrtcgw.gateway import Gateway
from wrtcgw.web import GatewaySite, HTTPSurface, WebSettings

BASE = "http://gateway.example:8082"
LOCAL = "http://localhost:8082"
"""How programs on the gateway's own machine reach it."""
PASSWORD = "Genesys2024!WebRTC"
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0 8\r\na=sendrecv\r\n"


@frozen
class Answer:
    """A response; header names are in lower case."""

    code: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode("utf-8")

    @property
    def json(self) -> Any:
        """Return the body as JSON."""
        assert self.headers["content-type"] == "application/json", self.headers
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        """Return status and code word of an error."""
        return self.code, self.json["code"]


class Pending:
    """A request that was sent with treq."""

    def __init__(self, case: SynchronousTestCase, treq: Any, response: "Deferred[Any]") -> None:
        self._case = case
        self._treq = treq
        self._responses: list[Any] = []
        response.addBoth(self._responses.append)

    @property
    def hangs(self) -> bool:
        """Return whether there is no response yet."""
        self._treq.flush()
        return not self._responses

    def answer(self) -> Answer:
        """Return the response, which must be there."""
        self._case.assertFalse(self.hangs)
        (response,) = self._responses
        body = response.content()
        self._treq.flush()
        headers = {
            name.decode().lower(): ", ".join(value.decode() for value in values)
            for name, values in response.headers.getAllRawHeaders()
        }
        return Answer(response.code, headers, self._case.successResultOf(body))


class Wire:
    """A bare HTTP connection from an address of choice."""

    def __init__(self, site: GatewaySite, address: str = "127.0.0.1") -> None:
        self.transport = StringTransport(peerAddress=IPv4Address("TCP", address, 40000))
        protocol = site.buildProtocol(self.transport.getPeer())
        assert protocol is not None
        self.protocol = protocol
        self.protocol.makeConnection(self.transport)

    def get(self, path: str, **headers: str) -> None:
        """Send a GET."""
        self.send("GET", path, b"", **headers)

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        """Send a request; underscores in names of header fields stand for hyphens."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {headers.pop('Host', 'gateway.example:8082')}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.raw("\r\n".join([*lines, "", ""]).encode() + body)

    def raw(self, data: bytes) -> None:
        """Send bytes."""
        self.protocol.dataReceived(data)

    def lose(self) -> None:
        """Lose the connection."""
        self.transport.connected = False
        if self.transport.producer is not None:
            self.transport.producer.stopProducing()
        self.protocol.connectionLost(Failure(ConnectionLost()))

    @property
    def received(self) -> bytes:
        """Return the bytes that came and were not read."""
        return bytes(self.transport.value())

    def answers(self) -> list[Answer]:
        """Return and forget all responses that came."""
        stream = BytesIO(self.transport.value())
        self.transport.clear()
        answers = []
        while stream.tell() < len(stream.getvalue()):
            response = HTTPResponse(cast(Any, _Socket(stream)))
            response.begin()
            answers.append(Answer(response.status, _lowered(response.headers), response.read()))
        return answers

    def answer(self) -> Answer:
        """Return the only response that came."""
        (answer,) = self.answers()
        return answer


class _Socket:
    """What :class:`http.client.HTTPResponse` wants of a socket."""

    def __init__(self, stream: BytesIO) -> None:
        self._stream = stream

    def makefile(self, mode: str) -> "_Unclosed":
        """Return the stream."""
        return _Unclosed(self._stream)


class _Unclosed:
    """A stream that stays open for the next response."""

    def __init__(self, stream: BytesIO) -> None:
        self._stream = stream
        self.read = stream.read
        self.readline = stream.readline
        self.readinto = stream.readinto

    def close(self) -> None:
        """Stay open."""

    def flush(self) -> None:
        """Do nothing."""


def _lowered(headers: HTTPMessage) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


class WebTestCase(SynchronousTestCase):
    """A test of the HTTP surface over a stand-in gateway, in virtual time; nothing may be left over in the end."""

    settings = WebSettings()

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.gateway = StandInGateway(self.clock)
        self.wires: list[Wire] = []
        self.configure(self.settings)

    def configure(self, settings: WebSettings) -> None:
        """Put the surface up, anew when it is up."""
        before: HTTPSurface | None = vars(self).get("surface")
        if before is not None:
            before.close()
        self.surface = http_surface(cast(Gateway, self.gateway), settings, self.clock)
        self.resource = self.surface.resource()
        self.site = GatewaySite(self.surface, reactor=self.clock)

    def tearDown(self) -> None:
        self.surface.close()
        for wire in self.wires:
            wire.lose()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.flushLoggedErrors(), [])

    def begin(self, method: str, path: str, *, base: str = BASE, **more: Any) -> Pending:
        """Send a request without cookies of earlier ones."""
        treq: Any = StubTreq(self.resource)
        response = treq.request(method, base + path, allow_redirects=False, **more)
        return Pending(self, treq, response)

    def ask(self, method: str, path: str, **more: Any) -> Answer:
        """Send a request and return its response, which must come at once."""
        return self.begin(method, path, **more).answer()

    def wire(self, address: str = "127.0.0.1") -> Wire:
        """Open a bare connection."""
        wire = Wire(self.site, address)
        self.wires.append(wire)
        return wire

    def sign_in(self, agent_id: str = "agent123", dn: str = "5001", **more: Any) -> str:
        """Sign an agent in; return its token."""
        answer = self.ask("GET", f"/api/webrtc/sign_in?id={agent_id}&dn={dn}&password={PASSWORD}", **more)
        self.assertEqual(answer.text, "OK")
        return answer.headers["x-wrtc-session"]
