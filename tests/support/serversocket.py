"""
The SIP Server simulator in real time: behind a WebSocket of loopback, where a gateway connects to it.

Its descriptions are plain RTP. What makes something of them that a page can use is rtpengine; :func:`relayed` stands in
for that (with the real one the same is played in ``tests/interop/case_dialect_browser.py``).
"""

import re

from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IReactorTCP, IReactorTime
from twisted.python.failure import Failure

from tests.support.endtoend import until
from tests.support.sipserver import SIPServer
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.parser import parse
from wrtcgw.transport.interfaces import MessageTransport, WebSocketSettings
from wrtcgw.transport.websocket_server import WebSocketServerFactory

WEBRTC = (
    "a=mid:0\r\na=ice-ufrag:relay\r\na=ice-pwd:0123456789abcdefghijkl\r\na=rtcp-mux\r\n"
    f"a=fingerprint:sha-256 {':'.join(['A5'] * 32)}\r\n"
)
CANDIDATE = "a=candidate:1 1 UDP 2130706431 {address} {port} typ host\r\n"
"""Left out where the address is 0.0.0.0, as rtpengine does."""


def relayed(sdp: str, setup: str) -> str:
    """
    Return a description of one stream as rtpengine would hand it on to a page.

    :param setup: ``actpass`` in offers, ``active`` in answers.
    """
    address, port = (re.findall(pattern, sdp)[-1] for pattern in (r"c=IN IP4 (\S+)", r"m=audio (\d+)"))
    candidate = "" if address == "0.0.0.0" else CANDIDATE.format(address=address, port=port)
    text = sdp.replace(" RTP/AVP ", " UDP/TLS/RTP/SAVPF ")
    direction = "" if re.search("a=(?:sendrecv|sendonly|recvonly|inactive)", text) else "a=sendrecv\r\n"
    return f"{text}{WEBRTC}a=setup:{setup}\r\n{candidate}{direction}"


class _Connection:
    """One WebSocket; the newest is the one that the SIP Server sends over."""

    transport: MessageTransport

    def __init__(self, socket: "ServerSocket") -> None:
        self._socket = socket

    def makeConnection(self, transport: MessageTransport) -> None:
        """Take the open connection."""
        self.transport = transport
        self._socket.connections.append(self)

    def textMessageReceived(self, text: str) -> None:
        """Hand a message to the SIP Server."""
        self._socket.server.take(text)

    def connectionLost(self, reason: Failure) -> None:
        """Forget the connection."""
        self._socket.connections.remove(self)
        self._socket.noticed()


class ServerSocket:
    """
    A :class:`~tests.support.sipserver.SIPServer` that listens.

    :ivar url: where, as ``ws://127.0.0.1:<port>``.
    """

    def __init__(self, domain: str) -> None:
        """Listen on a free port."""
        self.connections: list[_Connection] = []
        self.server = SIPServer(IReactorTime(reactor), self._deliver, domain)
        self._closed: Deferred[None] | None = None
        factory = WebSocketServerFactory(IReactorTime(reactor), WebSocketSettings(), lambda: _Connection(self))
        self._port: IListeningPort = IReactorTCP(reactor).listenTCP(0, factory, interface="127.0.0.1")  # type: ignore[arg-type]
        self.url = f"ws://127.0.0.1:{self._port.getHost().port}"  # type: ignore[attr-defined]

    def _deliver(self, text: str) -> None:
        message = parse(text)
        if isinstance(message, Request | Response) and message.sdp():
            offers = isinstance(message, Request) and message.method == "INVITE"
            message.body = relayed(message.body, "actpass" if offers else "active")
            text = message.to_text()
        if self.connections:
            self.connections[-1].transport.sendTextMessage(text)

    def noticed(self) -> None:
        """Look whether the last connection is gone that is waited for."""
        if self._closed is not None and not self.connections:
            self._closed.callback(None)

    async def connected(self) -> None:
        """Wait for a gateway."""
        await until(lambda: self.connections, "a gateway's connection")

    async def stop(self) -> None:
        """Stop listening, drop all connections and repeat nothing any more."""
        self.server.stop()
        await maybeDeferred(self._port.stopListening)
        if self.connections:
            self._closed = Deferred()
            for connection in list(self.connections):
                connection.transport.abortConnection()
            await self._closed
