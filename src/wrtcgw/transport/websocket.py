"""
The client side of SIP over WebSocket (:rfc:`7118`): an endpoint whose connections are open WebSockets.

The opening handshake is part of connecting, so that whatever goes wrong in it (refusal, silence, loss, a certificate)
is a failed ``connect()`` and the application protocol exists on an open socket only. This also keeps
``ClientService`` away from ``prepareConnection``, whose machine has no row for a loss in between.

The methods are named as Twisted's own ``twisted.web.websocket`` names them; that one cannot offer a subprotocol, has no
time limits and no size limit, so it does not serve yet.
"""

from base64 import b64encode
from http import HTTPStatus
from typing import cast
from urllib.parse import SplitResult, unquote, urlsplit

from attrs import field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory, IReactorTime, IStreamClientEndpoint
from twisted.python.failure import Failure
from wsproto import ConnectionType
from wsproto.events import AcceptConnection, Event, RejectConnection, Request
from zope.interface import implementer

from wrtcgw.transport.interfaces import SUBPROTOCOL, MessageProtocol, ProtocolFault, WebSocketError, WebSocketSettings
from wrtcgw.transport.websocket_protocol import WebSocketWire

DEFAULT_PORTS = {"ws": 80, "wss": 443}
VISIBLE_ASCII = range(0x21, 0x7F)
PHRASES = {int(status): status.phrase for status in HTTPStatus}


@frozen
class HandshakeRefused(WebSocketError):
    """The server answered the upgrade request with something other than 101."""

    status: int

    def __str__(self) -> str:
        phrase = PHRASES.get(self.status, "")
        return f"WebSocket handshake refused: HTTP {self.status} {phrase}".rstrip()


@frozen
class HandshakeTimeout(WebSocketError):
    """No open WebSocket within the time limit: no TCP, no TLS, or no answer to the upgrade request."""

    seconds: float

    def __str__(self) -> str:
        return f"no open WebSocket within {self.seconds:g} s"


@frozen(kw_only=True)
class WebSocketURL:
    """A ``ws:`` or ``wss:`` URL (:rfc:`6455#section-3`); its text form never shows credentials."""

    secure: bool
    host: str
    """Without brackets."""
    port: int
    target: str = "/"
    """Path and query."""
    credentials: str = field(default="", repr=False)
    """``user:password`` for HTTP Basic, which a server may ask for (:rfc:`7118#section-7`)."""

    @classmethod
    def parse(cls, text: str) -> "WebSocketURL":
        """
        Read a URL.

        :raises ValueError: with a text for an operator, which shows nothing of the credentials.
        """
        try:
            parts = urlsplit(text.strip())
            host = parts.hostname
        except ValueError:
            raise ValueError("expected ws://host[:port][/path], found something that is no URL") from None
        port = _port(parts)
        if parts.scheme not in DEFAULT_PORTS or not host or parts.fragment:
            raise ValueError("expected ws://host[:port][/path] or wss://host[:port][/path] without a fragment")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not all(ord(char) in VISIBLE_ASCII for char in target):
            raise ValueError("expected a path of printable ASCII: write other characters as %XX")
        url = cls(
            secure=parts.scheme == "wss",
            host=host,
            port=port or DEFAULT_PORTS[parts.scheme],
            target=target,
            credentials=unquote(parts.netloc.rpartition("@")[0]),
        )
        url.authority.encode("idna")  # its UnicodeError is a ValueError that names the label's fault
        return url

    @property
    def authority(self) -> str:
        """Host and port as they stand in a Host field: the port only if it is not the default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def scheme(self) -> str:
        """``ws`` or ``wss``."""
        return "wss" if self.secure else "ws"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target.partition('?')[0]}"


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("expected a port from 1 to 65535")
    return port


class WebSocketClientWire(WebSocketWire):
    """The client's end of one connection."""

    connection_type = ConnectionType.CLIENT

    def __init__(
        self,
        clock: IReactorTime,
        settings: WebSocketSettings,
        url: WebSocketURL,
        headers: tuple[tuple[str, str], ...],
        factory: IProtocolFactory,
    ) -> None:
        super().__init__(clock, settings)
        self._url = url
        self._headers = headers
        self._factory = factory
        self.app_opened: Deferred[MessageProtocol] = Deferred(lambda _: self.abortConnection())
        """Fires with the application's protocol when the WebSocket is open, fails when it will not be."""

    def begin(self) -> None:
        """Send the upgrade request (:rfc:`6455#section-4.1`)."""
        headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in self._headers]
        if self._url.credentials:
            headers.append((b"Authorization", b"Basic " + b64encode(self._url.credentials.encode("utf-8"))))
        request = Request(self._url.authority, self._url.target, extra_headers=headers, subprotocols=[SUBPROTOCOL])
        self._transport.write(self._ws.send(request))

    def on_handshake(self, event: Event) -> None:
        """Open on a 101 that accepts the ``sip`` subprotocol (:rfc:`7118#section-4.1`), give up on anything else."""
        if isinstance(event, RejectConnection):
            self.fail(HandshakeRefused(event.status_code))
        elif isinstance(event, AcceptConnection):
            if event.subprotocol != SUBPROTOCOL:
                self.fail(ProtocolFault("the server accepted the WebSocket without the subprotocol 'sip'"))
                return
            app = cast(MessageProtocol | None, self._factory.buildProtocol(self.getPeer()))
            if app is None:
                self.fail(ProtocolFault("not wanted any more"))
                return
            self.opened(app)
            self.app_opened.callback(app)

    def lost(self, reason: Failure) -> None:
        """Fail the attempt if the connection ends before it is open."""
        if not self.app_opened.called:
            self.app_opened.errback(reason)


@implementer(IStreamClientEndpoint)
class WebSocketEndpoint:
    """
    Connects to one WebSocket server through another endpoint, which brings TCP or TLS.

    The factory's protocols have to be :class:`~wrtcgw.transport.websocket_protocol.MessageProtocol`; Twisted's
    interface is met so that ``ClientService`` can be used.
    """

    def __init__(
        self,
        clock: IReactorTime,
        endpoint: IStreamClientEndpoint,
        url: WebSocketURL,
        settings: WebSocketSettings,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """
        Describe the connection; nothing is opened yet.

        :param headers: additional fields of the upgrade request, such as Origin or Cookie.
        """
        self._clock = clock
        self._endpoint = endpoint
        self._url = url
        self._settings = settings
        self._headers = headers

    def __repr__(self) -> str:
        return f"<WebSocketEndpoint {self._url}>"

    def connect(self, protocolFactory: IProtocolFactory) -> "Deferred[IProtocol]":  # noqa: N803
        """
        Open a WebSocket.

        :returns: a Deferred of the application's protocol. Fails with :class:`WebSocketError` or what the other
            endpoint fails with. Cancelling it drops the attempt wherever it is.
        """
        wire = WebSocketClientWire(self._clock, self._settings, self._url, self._headers, protocolFactory)
        attempt = self._endpoint.connect(_OneWire(wire)).addCallback(lambda _: wire.app_opened)
        attempt.addTimeout(self._settings.handshake_timeout, self._clock, self._timed_out)
        return cast("Deferred[IProtocol]", attempt)

    def _timed_out(self, _: object, timeout: float) -> object:
        """Replace what the cancelled attempt failed with; each kind of endpoint has its own."""
        raise HandshakeTimeout(timeout)


@implementer(IProtocolFactory)
class _OneWire:
    """A factory for the one connection of an attempt."""

    def __init__(self, wire: WebSocketClientWire) -> None:
        self._wire = wire

    def doStart(self) -> None:
        """Do nothing (:class:`IProtocolFactory`)."""

    def doStop(self) -> None:
        """Do nothing (:class:`IProtocolFactory`)."""

    def buildProtocol(self, addr: IAddress) -> IProtocol:
        """Return the wire (:class:`IProtocolFactory`)."""
        return cast(IProtocol, self._wire)
