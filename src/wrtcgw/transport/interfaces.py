"""
What the parts of the transport, and those who use it, agree on: settings, reasons of failure, the two interfaces.

Names follow ``twisted.web.websocket``.
"""

from typing import Protocol

from attrs import frozen
from twisted.internet.interfaces import IAddress
from twisted.python.failure import Failure

SUBPROTOCOL = "sip"
"""The WebSocket subprotocol of :rfc:`7118#section-4`."""


class WebSocketError(Exception):
    """Base of the reasons for which a WebSocket connection failed or ended; the text is for an operator's eye."""


@frozen
class PongTimeout(WebSocketError):
    """The peer has not answered a ping: it hangs, or the network swallows everything."""

    seconds: float

    def __str__(self) -> str:
        return f"no answer to a ping within {self.seconds:g} s"


@frozen
class ClosedByPeer(WebSocketError):
    """The peer sent a Close frame."""

    code: int
    reason: str

    def __str__(self) -> str:
        return f"closed by the peer: {self.code}{' ' + self.reason if self.reason else ''}"


@frozen
class ProtocolFault(WebSocketError):
    """The peer broke the rules of HTTP, WebSocket or a limit of ours."""

    detail: str

    def __str__(self) -> str:
        return self.detail


@frozen(kw_only=True)
class WebSocketSettings:
    """
    Times in seconds, sizes in bytes.

    With the defaults a peer that has stopped, or a network that swallows everything, is noticed after at most
    ``ping_interval + pong_timeout`` = 18 s.
    """

    handshake_timeout: float = 5.0
    """For all of name look-up, TCP, TLS and the HTTP upgrade. Short, so that an attempt begun while the network was
    away does not sit in TCP's growing retransmission intervals."""
    ping_interval: float = 10.0
    """0 switches our pings, and with them the detection of a dead peer, off."""
    pong_timeout: float = 8.0
    close_timeout: float = 2.0
    max_message_size: int = 131_072
    """Twice what the SIP parser takes, so that it is the parser that judges a message which is only somewhat long."""
    crlf_keepalive: bool = False
    """Send CRLFCRLF beside each ping, for middleboxes that do not count control frames as traffic."""


class MessageTransport(Protocol):
    """What an application protocol sees of its open connection."""

    def sendTextMessage(self, text: str) -> None:
        """Send one message; without effect when the connection is closing."""

    def loseConnection(self) -> None:
        """Close by the book: Close frames both ways, then TCP, within ``close_timeout``."""

    def abortConnection(self) -> None:
        """Drop the connection at once."""

    def getPeer(self) -> IAddress:
        """Return the peer's address."""

    def getHost(self) -> IAddress:
        """Return our own address."""


class MessageProtocol(Protocol):
    """An application protocol: made by a factory's ``buildProtocol`` when its connection is open."""

    def makeConnection(self, transport: MessageTransport) -> None:
        """Take the open connection."""

    def textMessageReceived(self, text: str) -> None:
        """Take one whole message that is no keep-alive; bytes that are no UTF-8 are surrogate escapes."""

    def connectionLost(self, reason: Failure) -> None:
        """Take notice that nothing more comes or goes."""
