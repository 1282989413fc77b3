"""A SIP WebSocket client under test, joined to a proxy in memory."""

from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.trial.unittest import SynchronousTestCase

from tests.support.wsproxy import Application, Network, ProxyConnection, factory_of
from wrtcgw.transport.interfaces import (
    WebSocketSettings,
)
from wrtcgw.transport.websocket import WebSocketEndpoint, WebSocketURL

URL = WebSocketURL.parse("ws://proxy.example.org:8080/ws")
SIP = "OPTIONS sip:example.org SIP/2.0\r\n\r\n"


class ClientCase(SynchronousTestCase):
    """A client, a proxy, and the network between them."""

    settings = WebSocketSettings()

    def setUp(self) -> None:
        self.network = Network()
        self.proxy = self.network.proxy(8080)
        self.factory: Any = factory_of(Application)

    def tearDown(self) -> None:
        for connection in self.proxy.connections:
            connection.cut()
        self.network.settle()
        self.assertEqual(self.network.getDelayedCalls(), [], "a timer outlives its connection")
        self.assertEqual(self.flushLoggedErrors(), [])

    def connect(self, url: WebSocketURL = URL, **settings: Any) -> "Deferred[Any]":
        """Begin to connect, and let everything happen that needs no time."""
        headers = settings.pop("headers", ())
        tcp = HostnameEndpoint(self.network, url.host, url.port)
        endpoint = WebSocketEndpoint(self.network, tcp, url, evolve(self.settings, **settings), headers)
        attempt = endpoint.connect(self.factory)
        self.network.settle()
        return attempt

    def opened(self, **settings: Any) -> tuple[Application, ProxyConnection]:
        """Return both ends of an open connection."""
        return self.successResultOf(self.connect(**settings)), self.proxy.last

    def assert_lost(self, app: Application, reason: type[Exception], text: str | None = None) -> None:
        """Check what the application was told about the end of its connection."""
        assert app.lost is not None
        self.assertIsInstance(app.lost.value, reason)
        self.assertIn(text, (None, str(app.lost.value)))
