"""Dead peers of the HTTP listener are noticed by the system."""

import socket
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from wrtcgw.daemon.listener import HTTPListener


class Accepting(Factory):
    """Takes one connection."""

    def __init__(self) -> None:
        self.accepted: Deferred[Protocol] = Deferred()

    def buildProtocol(self, addr: object) -> Protocol:
        """Take it."""
        protocol = Protocol()
        protocol.connectionMade = lambda: self.accepted.callback(protocol)  # type: ignore[method-assign]
        return protocol


class KeepAliveTests(TestCase):
    """The options of accepted connections, over a real socket."""

    async def test_options(self) -> None:
        """An accepted connection is probed after half a minute, and given up within a minute in all."""
        factory = Accepting()
        listener = HTTPListener(reactor, "127.0.0.1", 0, factory)  # type: ignore[arg-type]
        listener.startService()
        self.addCleanup(listener.stopService)
        client = socket.create_connection(("127.0.0.1", listener.port))
        self.addCleanup(client.close)
        transport: Any = (await factory.accepted).transport
        accepted: socket.socket = transport.socket
        self.addCleanup(transport.abortConnection)
        self.assertEqual(accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), 1)
        wanted = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 60_000}
        for name, value in wanted.items():
            option = getattr(socket, name, None)
            if option is not None:
                self.assertEqual(accepted.getsockopt(socket.IPPROTO_TCP, option), value, name)
