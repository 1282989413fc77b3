"""Pages of the Genesys dialect against a whole gateway with the demo PBX behind it, over real loopback sockets."""

from typing import Any, ClassVar

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.web.client import Agent

from tests.support.endtoend import EndToEndCase, until
from tests.support.grtcpage import GrtcPage
from tests.support.grtcversions import V34, Version
from tests.support.grtcwire import BrowserWire
from wrtcgw.config import Settings
from wrtcgw.daemon.composition import Parts, compose
from wrtcgw.demo.extensions import DEMO_PASSWORD
from wrtcgw.transport.websocket import WebSocketURL

ORIGIN = "https://crm.example.org"


class DialectCase(EndToEndCase):
    """
    A gateway that serves the dialect to pages of another origin.

    When a case ends, no page may have had anything to complain about that the case has not taken from it.
    """

    settings: ClassVar[dict[str, Any]] = {}

    async def prepare(self) -> None:
        self.dialect_pages: list[GrtcPage] = []
        await super().prepare()
        self.addCleanup(self._leave)

    def _compose(self, proxy: WebSocketURL) -> Parts:
        settings = Settings(
            http_port=0,
            operator_loopback=True,
            sip_ws_servers=(proxy,),
            sip_domain=self.pbx.domain,
            **{"genesys_dialect": True, "auto_answer": "talk", **self.settings},
        )
        return compose(reactor, settings, {})

    def _leave(self) -> "Deferred[None]":
        return Deferred.fromCoroutine(self._close_pages())

    async def _close_pages(self) -> None:
        for page in self.dialect_pages:
            page.vanish()
        await self.pause(0.02)  # for the connections to go
        self.assertEqual([page.complaints for page in self.dialect_pages if page.complaints], [])

    def load(self, version: Version = V34, origin: str = ORIGIN, **options: Any) -> GrtcPage:
        """Load a page."""
        page = GrtcPage(BrowserWire(Agent(reactor), origin), reactor, self.url, version, **options)
        self.dialect_pages.append(page)
        return page

    async def registered(self, dn: str, version: Version = V34, **options: Any) -> GrtcPage:
        """Load a page and register it."""
        page = self.load(version, **options)
        page.register(dn, DEMO_PASSWORD)
        await page.event("onRegister")
        return page

    async def connected(self, page: GrtcPage, number: str) -> None:
        """Place a call that is answered."""
        page.make_offer(number)
        await page.event("onRemoteStream")

    async def joined(self, caller: GrtcPage, callee: GrtcPage, dn: str) -> None:
        """Let one page call another that takes the call; both are through with it, OK included."""
        before = callee.log.count("OK")
        caller.make_offer(dn)
        await callee.event("onIncomingCall")
        callee.accept_call()
        await callee.event("onRemoteStream")
        await caller.event("onRemoteStream")
        await until(lambda: callee.log.count("OK") > before, "OK")  # a page that offers first takes it for illegal

    async def idle(self) -> None:
        """Wait until no call is up at the PBX."""
        await until(lambda: not self.pbx.switchboard.legs, "the end of all calls")

    def binding(self, dn: str) -> object:
        """Return the DN's binding at the PBX."""
        return self.pbx.registrar.binding(dn, reactor.seconds())

    def pause(self, seconds: float) -> "Deferred[None]":
        """Let time pass, where it is tested that nothing happens."""
        return deferLater(reactor, seconds, lambda: None)
