"""
The server side of SIP over WebSocket (:rfc:`7118`), for the demo PBX and the tests.

Any path is taken; a client that does not offer the subprotocol ``sip`` gets 400, as Kamailio and Asterisk answer it.
"""

from collections.abc import Callable
from typing import cast

from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory, IReactorTime
from twisted.logger import Logger
from wsproto import ConnectionType
from wsproto.events import AcceptConnection, Event, RejectConnection, Request
from wsproto.utilities import RemoteProtocolError
from zope.interface import implementer

from wrtcgw.transport.interfaces import SUBPROTOCOL, MessageProtocol, ProtocolFault, WebSocketSettings
from wrtcgw.transport.websocket_protocol import WebSocketWire

log = Logger()


class WebSocketServerWire(WebSocketWire):
    """The server's end of one connection."""

    connection_type = ConnectionType.SERVER

    def __init__(self, clock: IReactorTime, settings: WebSocketSettings, build: Callable[[], MessageProtocol]) -> None:
        super().__init__(clock, settings)
        self._build = build

    def begin(self) -> None:
        """Wait for the upgrade request, but not for ever."""
        self._arm(self._settings.handshake_timeout, self.abortConnection)

    def on_handshake(self, event: Event) -> None:
        """Accept an upgrade request that offers ``sip`` (:rfc:`7118#section-4.1`)."""
        if isinstance(event, Request):
            self._stop_timer()
            if SUBPROTOCOL in event.subprotocols:
                self._transport.write(self._ws.send(AcceptConnection(subprotocol=SUBPROTOCOL)))
                self.opened(self._build())
            else:
                self._reject(RejectConnection(status_code=400), "no subprotocol 'sip' offered")

    def refused(self, error: RemoteProtocolError) -> None:
        """Answer a request that is no upgrade, with the status that wsproto proposes (400, or 426 with the version)."""
        hint = error.event_hint
        self._reject(hint if isinstance(hint, RejectConnection) else RejectConnection(status_code=400), str(error))

    def _reject(self, response: RejectConnection, detail: str) -> None:
        log.info("WebSocket handshake refused with {status}: {detail}", status=response.status_code, detail=detail)
        self._fault = ProtocolFault(detail)
        self._transport.write(self._ws.send(response))
        self._finish()


@implementer(IProtocolFactory)
class WebSocketServerFactory:
    """Makes a server end for each TCP connection, and an application protocol once its WebSocket is open."""

    def __init__(self, clock: IReactorTime, settings: WebSocketSettings, build: Callable[[], MessageProtocol]) -> None:
        """
        Describe the connections to be taken.

        :param build: makes the application protocol of one open WebSocket; its ``makeConnection`` gets the transport.
        """
        self._clock = clock
        self._settings = settings
        self._build = build

    def doStart(self) -> None:
        """Do nothing (:class:`IProtocolFactory`)."""

    def doStop(self) -> None:
        """Do nothing (:class:`IProtocolFactory`)."""

    def buildProtocol(self, addr: IAddress) -> IProtocol:
        """Make the end of one connection (:class:`IProtocolFactory`)."""
        return cast(IProtocol, WebSocketServerWire(self._clock, self._settings, self._build))
