"""A whole gateway in one process: HTTP clients, real loopback sockets, and the demo PBX at the other end."""

from collections.abc import Awaitable, Callable

from attrs import define, field
from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent

from wrtcgw.clientlib.api import Event, GatewayAPI
from wrtcgw.clientlib.inbox import Inbox
from wrtcgw.clientlib.sound import NoSound
from wrtcgw.config import Settings
from wrtcgw.daemon.composition import Parts, compose
from wrtcgw.demo.extensions import DEMO_PASSWORD
from wrtcgw.demo.pbx import DemoPBX
from wrtcgw.transport.websocket import WebSocketURL

LIMIT = 15.0
"""Seconds after which something that does not come is missing; far more than it takes, for slow machines."""


async def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition, looking every 10 ms."""
    deadline = reactor.seconds() + LIMIT
    while not condition():
        if reactor.seconds() > deadline:
            raise AssertionError(f"{what}: not within {LIMIT:g} s")
        await deferLater(reactor, 0.01, lambda: None)


@define(eq=False)
class Page:
    """What an agent's page does: signs in, polls, answers, with descriptions that have nothing behind them."""

    dn: str
    api: GatewayAPI
    sound: NoSound = field(factory=NoSound, init=False)
    inbox: Inbox = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Make the inbox."""
        self.inbox = Inbox(self.api, reactor, lambda event: None)

    async def sign_in(self, password: str = DEMO_PASSWORD) -> "Page":
        """Sign in and begin to poll."""
        await self.api.sign_in(self.dn, password)
        self.inbox.open()
        return self

    async def call(self, number: str) -> str:
        """Place a call and return its id."""
        return await self.api.place_call(number, await self.sound.offer())

    async def connect(self, number: str) -> str:
        """Place a call that is answered by the PBX itself, and return its id."""
        call = await self.call(number)
        answer = await self.event("ANSWER", call)
        assert answer.sdp is not None
        return call

    async def answer(self) -> str:
        """Answer the next incoming call and return its id."""
        offer = await self.event("OFFER")
        assert offer.sdp is not None
        await self.api.describe(offer.call_id, await self.sound.answer(offer.sdp))
        await self.event("OK", offer.call_id)
        return offer.call_id

    async def event(self, kind: str, call: str = "", state: str = "") -> Event:
        """Wait for a message of that type, and state where one is given."""
        return await self.inbox.next(
            lambda event: event.type == kind and call in ("", event.call_id) and state in ("", event.state), LIMIT
        )

    async def close(self) -> None:
        """Stop polling."""
        await self.inbox.close()


class EndToEndCase(TestCase):
    """A gateway that is connected with a demo PBX; pages come in by :meth:`page`."""

    timeout = 60
    with_media = False

    def setUp(self) -> "Deferred[None]":  # type: ignore[override]
        return Deferred.fromCoroutine(self.prepare())

    async def prepare(self) -> None:
        """Start everything; what a test case needs besides follows in its own method of this name."""
        self.pbx = DemoPBX(reactor, with_media=self.with_media)
        self.pbx.startService()
        self.pages: list[Page] = []
        self.parts = self._compose(WebSocketURL.parse(self.pbx.url))
        self.parts.agent.startService()
        self.parts.listener.startService()
        self.addCleanup(self._stop)
        await until(lambda: self.parts.agent.flows_up, "connection to the PBX")

    def _compose(self, proxy: WebSocketURL) -> Parts:
        settings = Settings(operator_loopback=True, http_port=0, sip_ws_servers=(proxy,), sip_domain=self.pbx.domain)
        return compose(reactor, self.adapted(settings), {})

    def adapted(self, settings: Settings) -> Settings:
        """Return the settings that a test wants."""
        return settings

    def _stop(self) -> "Deferred[None]":
        return Deferred.fromCoroutine(self._stop_all())

    async def _stop_all(self) -> None:
        for page in self.pages:
            await page.close()
        await self.parts.listener.stopService()
        await self.parts.agent.stopService()
        self.parts.surface.close()
        self.parts.webhooks.stop()
        await self.pbx.stopService()

    @property
    def url(self) -> str:
        """Where the gateway serves pages."""
        return self.parts.listener.url

    def http(self) -> HTTPClient:
        """Return a client that keeps no connection between requests."""
        return HTTPClient(Agent(reactor))

    def page(self, dn: str, agent_id: str = "") -> Page:
        """Return a page that has not signed in yet."""
        page = Page(dn, GatewayAPI(self.url, agent_id or f"agent{dn}", self.http(), reactor))
        self.pages.append(page)
        return page

    async def signed_in(self, *dns: str) -> list[Page]:
        """Return pages that have signed in."""
        return [await self.page(dn).sign_in() for dn in dns]

    async def assertFails(self, work: Awaitable[object], error: type[Exception]) -> Exception:
        """Assert that something fails so, and return how."""
        try:
            await work
        except error as found:
            return found
        self.fail(f"no {error.__name__} was raised")
