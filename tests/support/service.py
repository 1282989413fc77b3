"""The service under test, with a stand-in for the gateway on one side and proxies in memory on the other."""

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.support.wsproxy import Network
from wrtcgw.events.stream import EventStream
from wrtcgw.sip_service import AgentSettings, UserAgentService
from wrtcgw.transport.flow import Target
from wrtcgw.transport.interfaces import WebSocketSettings
from wrtcgw.transport.tls import TLSSettings, websocket_endpoint
from wrtcgw.transport.websocket import WebSocketURL

REGISTER = 'REGISTER sip:example.org SIP/2.0\r\nAuthorization: Digest response="0123456789abcdef"\r\n\r\n'


@define(eq=False, slots=False)
class StandIn:
    """A gateway that registers on each new connection and writes down what it is told."""

    send: Callable[[int, str], None]
    clock: Network
    rearm: Callable[[], None] = field(default=lambda: None)
    report: Callable[[Exception], None] = field(default=lambda error: None)
    told: list[tuple[Any, ...]] = field(factory=list)
    deadline: float | None = None
    ticks: list[float] = field(factory=list)
    asked: int = 0
    up: list[float] = field(factory=list)
    """When connections opened."""
    drained: Any = None
    secure: bool = False

    def connected(self, flow: int, *, secure: bool) -> None:
        self.told.append(("connected", flow))
        self.secure = secure
        self.up.append(self.clock.seconds())
        self.send(flow, REGISTER)
        self.rearm()

    def disconnected(self, flow: int) -> None:
        self.told.append(("disconnected", flow))
        self.rearm()

    def received(self, flow: int, text: str) -> None:
        if text == "boom":
            raise ZeroDivisionError
        self.told.append(("received", flow, text))
        self.rearm()

    def tick(self) -> None:
        self.ticks.append(self.clock.seconds())
        if self.deadline is not None and self.deadline <= self.clock.seconds():
            self.deadline = None
        self.rearm()

    def next_deadline(self) -> float | None:
        self.asked += 1
        return self.deadline

    async def drain(self) -> None:
        self.told.append(("drain",))
        if isinstance(self.drained, Exception):
            raise self.drained
        if self.drained is not None:
            await self.drained


class ServiceCase(SynchronousTestCase):
    """A service, its stand-in gateway, and two proxies on ports 80 and 81."""

    def setUp(self) -> None:
        self.network = Network()
        self.events = EventStream()
        self.first, self.second = self.network.proxy(80), self.network.proxy(81)
        self.service: UserAgentService | None = None

    def start(self, *ports: int, uniform: Callable[[float, float], float] = max, **settings: Any) -> StandIn:
        """Start a service that knows the proxies of these ports; its waits are as long as they may be."""
        network: Any = self.network
        targets = []
        for port in ports or (80,):
            url = WebSocketURL.parse(f"ws://proxy.example.org:{port}/")
            targets.append(Target(str(url), websocket_endpoint(network, url, WebSocketSettings(), TLSSettings())))
        self.service = UserAgentService(network, AgentSettings(**settings), targets, uniform, self.events)
        self.gateway = StandIn(self.service.send, self.network)
        self.service.attach(self.gateway)
        self.service.startService()
        self.network.settle()
        return self.gateway

    def stop(self) -> "Deferred[object]":
        """Begin to stop."""
        assert self.service is not None
        stopped, self.service = self.service.stopService(), None
        self.network.settle()
        return stopped

    def tearDown(self) -> None:
        if self.service is not None:
            stopped = self.stop()
            self.network.run_for(10)
            self.successResultOf(stopped)
        self.assertEqual(self.network.getDelayedCalls(), [])
        self.assertEqual(self.flushLoggedErrors(), [])
