"""What the interop cases share: the environment, desks of agents, and a look at the logs when a case fails."""

import sys
from collections.abc import Callable
from typing import ClassVar
from unittest import TestResult

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool

from tests.interop.desk import Browser, Desk, UnexpectedError
from tests.interop.environment import Environment, Way, environment, running
from tests.interop.gateway import Gateway

LOG_LIMIT = 12_000
"""Characters of one log that the report of a failed case shows."""


def _failures(result: TestResult | None) -> int:
    return len(result.errors) + len(result.failures) if result is not None else 0


class InteropCase(TestCase):
    """
    A case against the real servers.

    The servers and the gateways live longer than a case; what a case must leave behind is that its agents are signed
    out and that no call is up in Asterisk.
    """

    timeout = 120
    way: ClassVar[str] = "ws"

    def setUp(self) -> None:
        """Start what is not running yet."""
        self.environment: Environment = environment()
        self._desks: list[Desk] = []
        self._own: list[str] = []
        self._pools: list[HTTPConnectionPool] = []
        self.addCleanup(self._leave)

    def run(self, result: TestResult | None = None) -> TestResult | None:
        """Run the case; when it fails, show what the servers logged meanwhile."""
        marks = self._log_sizes()
        before = _failures(result)
        outcome: TestResult | None = super().run(result)
        if _failures(result) > before:
            self._show_logs(marks)
        return outcome

    def _log_sizes(self) -> dict[str, int]:
        there = running()
        return {path.name: path.stat().st_size for path in there.folder.glob("*.log")} if there else {}

    def _show_logs(self, marks: dict[str, int]) -> None:
        there = running()
        for path in sorted(there.folder.glob("*.log")) if there else ():
            text = path.read_bytes()[marks.get(path.name, 0) :].decode(errors="replace")
            if text:
                print(f"\n---- {self.id()}: {path.name}\n{text[-LOG_LIMIT:]}", file=sys.stderr)

    # the gateway and its agents

    def gateway(self) -> Gateway:
        """Return the gateway that goes the way of this case."""
        return self.environment.gateway(self.way, self.environment.ways[self.way])

    def behind_nginx(self) -> Gateway:
        """Return the gateway that nginx leads to; it goes by wss, and pages of the run's origin may call it."""
        settings = {
            "trusted_proxies": ["127.0.0.1"],
            "allowed_origins": [self.environment.origin],
            "genesys_node": "one",
        }
        port = self.environment.ports.gateway
        return self.environment.gateway("nginx", self.environment.ways["wss"], settings, port=port)

    @property
    def https_url(self) -> str:
        """The address of nginx."""
        return f"https://localhost:{self.environment.ports.nginx}"

    def https_agent(self, address: str = "127.0.0.1") -> Agent:
        """Return a web agent that verifies the certificate of nginx, and comes from an address of loopback."""
        authority = Certificate.loadPEM(self.environment.certificates.authority.read_bytes())
        policy = BrowserLikePolicyForHTTPS(trustRootFromCertificates([authority]))
        return Agent(reactor, policy, pool=self.pool(), bindAddress=(address, 0))

    async def own_gateway(self, name: str, *urls: str, **settings: object) -> Gateway:
        """
        Start a gateway that only this case needs, connected to some addresses, and end it with the case.

        It starts without blocking the reactor, on which a relay or a stand-in of this case may run.
        """
        self._own.append(name)
        started: Gateway = await deferToThread(self.environment.gateway, name, Way(name, urls), settings)
        return started

    async def connected(self, gateway: Gateway) -> None:
        """Wait until a gateway has its connection."""
        browser = self.browser(gateway)
        while (await browser.get("/api/ready")).code != 200:
            await self.pause(0.1)

    def browser(self, gateway: Gateway | None = None, address: str = "127.0.0.1") -> Browser:
        """
        Return an HTTP client of a gateway.

        :param address: the address of loopback that it comes from.
        """
        agent = Agent(reactor, pool=self.pool(), bindAddress=(address, 0))
        return Browser.over(agent, (gateway or self.gateway()).url)

    def pool(self) -> HTTPConnectionPool:
        """Return a pool for one client: with another's it would come from the other's address."""
        pool = HTTPConnectionPool(reactor)
        self._pools.append(pool)
        return pool

    def desk(self, dn: int, gateway: Gateway | None = None, address: str = "127.0.0.1") -> Desk:
        """Return the desk of an agent who is not signed in yet, and will be signed out when the case ends."""
        desk = Desk(self.browser(gateway, address), reactor, f"agent-{dn}", str(dn))
        self._desks.append(desk)
        return desk

    async def agent(self, dn: int, gateway: Gateway | None = None) -> Desk:
        """
        Return the desk of a signed-in agent.

        Asterisk closes a WebSocket that carried no request within 32 s, so an idle gateway may just be reconnecting.
        """
        await self.connected(gateway or self.gateway())
        desk = self.desk(dn, gateway)
        reply = await desk.sign_in()
        if reply.code != 200:
            raise UnexpectedError(f"signing {dn} in: {reply}")
        return desk

    # Asterisk

    def originate(self, dn: int) -> "Deferred[str]":
        """Let Asterisk call an agent and echo; fires when the call was answered or has failed."""
        return self.asterisk(f"channel originate PJSIP/{dn} application Echo")

    def asterisk(self, command: str) -> "Deferred[str]":
        """Run a command of Asterisk's CLI without blocking the reactor."""
        return deferToThread(self.environment.asterisk.cli, command)

    async def eventually(self, what: str, condition: Callable[[], object], seconds: float = 10.0) -> None:
        """Wait until a blocking look at a server tells what it should."""
        deadline = reactor.seconds() + seconds
        while not await deferToThread(condition):
            if reactor.seconds() > deadline:
                self.fail(f"waited {seconds:g} s in vain for {what}")
            await self.pause(0.1)

    async def quiet(self) -> None:
        """Wait until Asterisk has no call any more."""
        await self.eventually("Asterisk's calls to end", lambda: not self.environment.asterisk.channels())

    def pause(self, seconds: float) -> "Deferred[None]":
        """Let some time pass, where that is what is tested."""
        return deferLater(reactor, seconds, lambda: None)

    async def blocking(self, action: Callable[[], None]) -> None:
        """Do something that blocks, as stopping a server does, while the reactor goes on."""
        await deferToThread(action)

    def _leave(self) -> "Deferred[None]":
        return Deferred.fromCoroutine(self._clean_up())

    async def _clean_up(self) -> None:
        try:
            for desk in self._desks:
                await desk.sign_out()
            await self.quiet()
        finally:
            await self.asterisk("channel request hangup all")
            for pool in self._pools:
                await pool.closeCachedConnections()
            for name in self._own:
                await deferToThread(self.environment.dismiss, name)
