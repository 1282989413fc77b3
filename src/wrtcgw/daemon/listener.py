"""The HTTP listener as a service that fails loudly."""

import errno
import os
import socket
from typing import Any, cast

from attrs import frozen
from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorTCP, IReactorTime
from twisted.web.server import Site

from wrtcgw.transport.certificates import ServerTLS, ServerTLSFactory

ADVICE = {
    errno.EADDRINUSE: "{key}: {port} is taken on {interface}: stop what listens there, or choose another port",
    errno.EACCES: "{key}: this user may not listen on {port}: choose one from 1024 on",
    errno.EADDRNOTAVAIL: "http_interface: {interface} is no address of this machine: choose one of its own, or 0.0.0.0",
    errno.EAFNOSUPPORT: "http_interface: this machine has no addresses of the kind of {interface}: choose another one",
}
"""What to do, by error number."""
GENERAL_ADVICE = "http_interface, {key}: cannot listen on {interface}, port {port}"


KEEP_ALIVE = {
    "TCP_KEEPIDLE": 30,
    "TCP_KEEPALIVE": 30,
    "TCP_KEEPINTVL": 10,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 60_000,
}
"""Seconds of silence before a probe (by its two names), between probes, and how many; milliseconds for data."""


@frozen
class CannotServe(Exception):
    """The gateway cannot listen for pages; ``advice`` names the key, and what to do."""

    advice: str

    def __str__(self) -> str:
        return self.advice


def keep_alive(listening: socket.socket) -> None:
    """
    Let the system notice within a minute that the other end of a connection is gone without a word.

    Accepted connections inherit this. Probes find a dead end while a request hangs, the user time-out (:rfc:`5482`)
    while data is not acknowledged, which would else be sent again for a quarter of an hour. What a platform does not
    have is left out.
    """
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEP_ALIVE.items():
        option = getattr(socket, name, None)
        if option is not None:
            listening.setsockopt(socket.IPPROTO_TCP, option, value)


class HTTPListener(Service):
    """
    Listens as long as it runs.

    Unlike Twisted's own service for endpoints it raises when it cannot: a gateway that nobody can reach must not look
    as if it worked.

    :param key: the setting that names the port.
    :param tls: speaks TLS on it with this certificate; None for plain HTTP.
    """

    def __init__(
        self,
        reactor: IReactorTCP,
        interface: str,
        port: int,
        factory: Site,
        *,
        key: str = "http_port",
        tls: ServerTLS | None = None,
    ) -> None:
        self._reactor = reactor
        self._interface = interface
        self._wanted = port
        self._factory = factory
        self._key = key
        self.tls = tls
        self._listening: IListeningPort | None = None

    @property
    def port(self) -> int:
        """The port in use; the wanted one while not listening."""
        if self._listening is None:
            return self._wanted
        return cast("IPv4Address | IPv6Address", self._listening.getHost()).port

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._interface, self._interface)
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host and '[' not in host else host}:{self.port}"

    def startService(self) -> None:
        """
        Listen.

        :raises CannotServe: with the key that is to blame, and the system's reason.
        """
        super().startService()
        factory: Any = self._factory
        if self.tls is not None:
            factory = ServerTLSFactory(self.tls, False, factory, clock=cast(IReactorTime, self._reactor))
        try:
            self._listening = self._reactor.listenTCP(
                self._wanted,
                factory,
                backlog=1024,
                interface=self._interface,
            )
            listening = getattr(self._listening, "socket", None)
            if listening is not None:
                keep_alive(listening)
        except CannotListenError as error:
            raise CannotServe(self._advice(error.socketError)) from None

    def _advice(self, error: OSError) -> str:
        advice = ADVICE.get(error.errno or 0, GENERAL_ADVICE)
        reason = os.strerror(error.errno) if error.errno else str(error)
        interface = self._interface or "all addresses"
        return f"{advice.format(key=self._key, port=self._wanted, interface=interface)} ({reason})"

    def stopService(self) -> "Deferred[object]":
        """Stop listening; connections that are open stay so."""
        super().stopService()
        listening, self._listening = self._listening, None
        return maybeDeferred(listening.stopListening) if listening is not None else maybeDeferred(lambda: None)
