"""The HTTP listener as a service that fails loudly."""

from typing import cast

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IReactorTCP
from twisted.web.server import Site


class HTTPListener(Service):
    """
    Listens as long as it runs.

    Unlike Twisted's own service for endpoints it raises when it cannot: a gateway that nobody can reach must not look
    as if it worked.
    """

    def __init__(self, reactor: IReactorTCP, interface: str, port: int, factory: Site) -> None:
        self._reactor = reactor
        self._interface = interface
        self._wanted = port
        self._factory = factory
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
        return f"http://{f'[{host}]' if ':' in host and '[' not in host else host}:{self.port}"

    def startService(self) -> None:
        """
        Listen.

        :raises twisted.internet.error.CannotListenError: with the address and the reason.
        """
        super().startService()
        self._listening = self._reactor.listenTCP(
            self._wanted,
            self._factory,  # type: ignore[arg-type]  # the stub binds its type variable nowhere
            backlog=1024,
            interface=self._interface,
        )

    def stopService(self) -> "Deferred[object]":
        """Stop listening; connections that are open stay so."""
        super().stopService()
        listening, self._listening = self._listening, None
        return maybeDeferred(listening.stopListening) if listening is not None else maybeDeferred(lambda: None)
