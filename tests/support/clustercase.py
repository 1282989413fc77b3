"""Two gateways over the real core that share a store and a far side; each can be stopped, killed and go on."""

from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, TypeVar

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.farside import SDP, FarCall, FarSide
from tests.support.gatewaycase import DOMAIN, PAGE, PAGE_SDP
from tests.support.sharedstore import SharedRecords, SharedStore
from tests.support.tokens import CountingTokens
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call
from wrtcgw.calls.registry import Registry
from wrtcgw.gateway import Gateway, GatewaySettings
from wrtcgw.gateway.persistence import Durability
from wrtcgw.sip.core import UACore, UASettings
from wrtcgw.sip.message import Request
from wrtcgw.sip.parser import parse
from wrtcgw.sip.timers import Timers

T = TypeVar("T")

SITE_KEY = bytes(range(32))
TTL = 10.0


class Proxied(FarSide):
    """A far side that sends what is for a gateway to where its Contact says."""

    flows: dict[str, int]
    """By the host of the Contact."""

    def request(self, call: FarCall, *arguments: Any, **more: Any) -> Request:
        """Send a request to the gateway of the newest Contact."""
        host = call.target.partition("@")[2].partition(";")[0].rstrip(">")
        call.flow = self.flows.get(host, call.flow)
        return super().request(call, *arguments, **more)

    def _take_request(self, flow: int, request: Request) -> None:
        call = self._find(request.call_id)
        if call is not None:
            call.flow = flow
        super()._take_request(flow, request)


class Node:
    """
    One gateway.

    :ivar sent: what it has sent, in order.
    :ivar running: False while its process is stopped, or was killed.
    """

    def __init__(self, case: "ClusterCase", name: str, flow: int, key: bytes | None = SITE_KEY, **changes: Any) -> None:
        self.case, self.name, self.flow = case, name, flow
        self.clock = Clock()
        self.clock.rightNow = case.far_clock.seconds()
        self.store = SharedStore(case.records, name)
        if case.latency:
            self.store.later = lambda reply: case.far_clock.callLater(case.latency, self._take, reply)
        self.core = UACore(UASettings(domain=DOMAIN, instance=f"gw-{name}"), Timers(), CountingTokens(f"{name}-"))
        self.registry = Registry()
        settings = evolve(GatewaySettings(domain=DOMAIN, node=name), **changes)
        durability = Durability(self.store, key, self.clock.seconds, TTL)
        self.gateway = Gateway(self.core, self.registry, self.clock, settings, self._send, durability=durability)
        self.gateway.rearm = self._rearm
        self.gateway.report = case.problems.append
        self.gateway.cluster._random = Random(flow)
        self.told: list[object] = []
        self.gateway.events.subscribe_to_all(self.told.append)
        self.sent: list[str] = []
        self.running, self.alive = True, True
        self._missed: list[Callable[[], None]] = []
        self._timer: IDelayedCall | None = None

    def start(self) -> None:
        """Take up what nobody has, connect, and look after the others' agents."""
        self.case.done(self._take_up())
        self.gateway.connected(0)
        self.gateway.cluster.start()

    async def _take_up(self) -> None:
        await self.gateway.persistence.take_up(await self.store.load())

    def _rearm(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        deadline = self.gateway.next_deadline()
        self._timer = None
        if deadline is not None:
            self._timer = self.clock.callLater(max(0.0, deadline - self.clock.seconds()), self.gateway.tick)

    def _send(self, flow: int, text: str) -> None:
        if self.alive:
            self.sent.append(text)
            self.case.check(self, text)
            self.case.far.take(self.flow, text)

    def take(self, text: str) -> None:
        """Take one message of the far side, now or when the process goes on."""
        self._take(lambda: self.gateway.received(0, text))

    def _take(self, act: Callable[[], None]) -> None:
        """Let something that has come be read, now or when the process goes on."""
        if self.running:
            act()
        elif self.alive:
            self._missed.append(act)

    def stop(self) -> None:
        """Stop the process (SIGSTOP)."""
        self.running = False

    def go_on(self) -> None:
        """Let it go on (SIGCONT): what has come meanwhile is read, and all that is due happens."""
        self.running = True
        missed, self._missed = self._missed, []
        self.clock.rightNow = self.case.far_clock.seconds()
        for act in missed:
            act()
        self.clock.advance(0)

    def kill(self) -> None:
        """End the process (SIGKILL)."""
        self.running = self.alive = False

    def agent(self, agent_id: str = "alice") -> Agent:
        """Return an agent that is here."""
        return self.gateway.agent(agent_id)

    def has(self, dn: str = "5001") -> bool:
        """Return whether the agent of a DN is here."""
        return self.registry.has_dn(dn)


class ClusterCase(SynchronousTestCase):
    """Gateways ``a`` and ``b``; what one says of an account that is another one's by its lease is a fault."""

    key: bytes | None = SITE_KEY
    latency = 0.0
    """Seconds until a reply of the store is here; 0 for at once."""
    changes: dict[str, Any]

    def setUp(self) -> None:
        self.far_clock = Clock()
        self.problems: list[Exception] = []
        self.faults: list[str] = []
        self.records = SharedRecords(self.far_clock.seconds, TTL)
        self.far = Proxied(self.far_clock, self._deliver, {"5001": "secret", "5002": "geheim", "5003": "third"})
        self.far.flows = {"gw-a.invalid": 0, "gw-b.invalid": 1}
        self.changes = {}
        self.nodes = [self.node("a", 0), self.node("b", 1)]
        self.a, self.b = self.nodes
        for node in self.nodes:
            node.start()

    def node(self, name: str, flow: int) -> Node:
        """Make a gateway."""
        return Node(self, name, flow, self.key, **self.changes)

    def tearDown(self) -> None:
        self.assertEqual(self.faults, [])
        self.assertEqual(self.problems, [])

    def _deliver(self, flow: int, text: str) -> None:
        self.nodes[flow].take(text)

    def check(self, node: Node, text: str) -> None:
        """Note when a gateway says something for an account that another one has."""
        message = parse(text)
        if not isinstance(message, Request) or message.method == "REGISTER":
            return  # a sign_in asks the registrar first; responses to what came late say that nothing is here
        if not node.gateway.persistence.is_writable:
            return  # it knows that the store is out of reach, and goes on from memory
        owner = self.records.owner(message.from_.uri.user or "")
        if owner not in ("", node.name):
            self.faults.append(f"{node.name} sent {message.method}, and {owner} has the account")

    # -- time

    def run_for(self, seconds: float = 0.2) -> None:
        """Let time pass for all that runs, in small steps."""
        end = self.far_clock.seconds() + seconds
        while (left := end - self.far_clock.seconds()) > 1e-9:
            clocks = [self.far_clock, *(node.clock for node in self.nodes if node.running)]
            due = [call.getTime() for clock in clocks for call in clock.getDelayedCalls()]
            step = min(left, max(min(due, default=end) - self.far_clock.seconds(), 1e-3))
            now = self.far_clock.seconds() + step
            for clock in clocks:
                clock.advance(now - clock.seconds())

    def begin(self, work: Coroutine[Deferred[Any], Any, T]) -> "Deferred[T]":
        """Begin something."""
        return Deferred.fromCoroutine(work)

    def done(self, work: Coroutine[Deferred[Any], Any, T], seconds: float = 0.5) -> T:
        """Return the result of what is done within ``seconds``."""
        waiting = self.begin(work)
        self.run_for(seconds)
        return self.successResultOf(waiting)

    # -- agents and calls

    def sign_in(self, node: Node, agent_id: str = "alice", dn: str = "5001", password: str = "") -> Agent:
        """Sign an agent in."""
        password = password or self.far.passwords[dn]
        return self.done(node.gateway.sign_in(agent_id=agent_id, dn=dn, password=password))

    def call_up(self, node: Node, agent_id: str = "alice") -> tuple[Call, FarCall]:
        """Place a call that is answered."""
        call = node.gateway.place_call(agent_id, "1003", PAGE_SDP, page_address=PAGE)
        self.run_for()
        far = self.far.calls[-1]
        far.answer(SDP)
        self.run_for(1)
        return call, far

    def fetch(self, node: Node, key: str = "5001", *, right: bool = True) -> bool:
        """Let an agent come to a gateway by a request of its page."""
        return self.done(node.gateway.cluster.fetch(key, lambda kept: right))

    def in_hand(self, node: Node, far: FarCall, call: Call) -> None:
        """Check that a call can be put on hold, resumed and ended, once its far side has heard of the gateway."""
        if far.invite is not None:
            far.answer(SDP)
        self.run_for(1)
        for verb, direction in ((node.gateway.hold, "recvonly"), (node.gateway.resume, "sendrecv")):
            waiting = self.begin(verb("alice", call.id))
            self.run_for()
            far.answer(SDP.replace("sendrecv", direction))
            self.run_for()
            self.assertEqual(self.successResultOf(waiting).code, 200)
        self.assertEqual(self.done(node.gateway.hangup("alice", call.id)).code, 200)
        self.assertEqual(far.methods().count("BYE"), 1)
