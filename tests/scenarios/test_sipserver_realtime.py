"""A page of the Genesys dialect, a whole gateway and the SIP Server simulator, over real sockets and in real time."""

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.client import Agent

from tests.support.desktopcalls import DN, DesktopCalls
from tests.support.endtoend import until
from tests.support.grtcpage import GrtcPage
from tests.support.grtcversions import V34, Version
from tests.support.grtcwire import BrowserWire
from tests.support.serversocket import ServerSocket
from wrtcgw.config import Settings
from wrtcgw.daemon.composition import compose
from wrtcgw.transport.websocket import WebSocketURL

log = Logger()


class RealTimeTests(DesktopCalls):
    """In one process, with the page's requests and the SIP messages over loopback."""

    timeout = 60

    def setUp(self) -> "Deferred[None]":  # type: ignore[override]
        return Deferred.fromCoroutine(self._start())

    async def _start(self) -> None:
        socket = ServerSocket("example.org")
        self.server = socket.server
        self.pages: list[GrtcPage] = []
        proxy = WebSocketURL.parse(socket.url)
        settings = Settings(http_port=0, sip_ws_servers=(proxy,), sip_domain="example.org", auto_answer="talk")
        self.parts = compose(reactor, settings, {})
        self.parts.agent.startService()
        self.parts.listener.startService()
        self.addCleanup(lambda: Deferred.fromCoroutine(self._stop(socket)))
        await socket.connected()
        await until(lambda: self.parts.agent.flows_up, "the connection")

    async def _stop(self, socket: ServerSocket) -> None:
        for page in self.pages:
            page.vanish()
        await self.parts.listener.stopService()
        await self.parts.agent.stopService()
        self.parts.surface.close()
        await socket.stop()
        self.assertEqual(self.server.strays, [])
        self.assertEqual([page.complaints for page in self.pages if page.complaints], [])

    async def page(self, version: Version = V34) -> GrtcPage:
        page = GrtcPage(
            BrowserWire(Agent(reactor), "https://crm.example.org"), reactor, self.parts.listener.url, version
        )
        self.pages.append(page)
        page.register(DN, "secret")
        await page.event("onRegister")
        return page

    def report(self, text: str) -> None:
        log.info("{text}", text=text)


del DesktopCalls  # for trial it would be a case of this module
