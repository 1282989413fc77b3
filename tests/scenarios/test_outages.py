"""
What becomes of agents and calls when proxies, registrar and passwords fail: whole stories in virtual time.

Proxies are WebSocket servers in memory with nonces of their own, before one registrar (as Kamailio is before Asterisk,
see ``conf/kamailio``): what is bound is bound there, and the way to it is the connection of its REGISTER.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.farside import FarCall, FarSide
from tests.support.gatewaycase import DOMAIN, PAGE, PAGE_SDP, GatewayCase
from tests.support.tokens import CountingTokens
from tests.support.wsproxy import Mood, Network, Proxy, ProxyConnection
from wrtcgw.calls.agent import Agent, RegistrationState
from wrtcgw.calls.call import Call, CallState
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.calls.registry import Registry
from wrtcgw.config import Settings
from wrtcgw.errors import NoSIPConnection, RegistrationRefused
from wrtcgw.events.stream import EventStream
from wrtcgw.gateway import Gateway, GatewaySettings
from wrtcgw.sip.core import UACore, UASettings
from wrtcgw.sip.headers import Credentials
from wrtcgw.sip.message import Request
from wrtcgw.sip.timers import Timers
from wrtcgw.sip_service import AgentSettings, UserAgentService
from wrtcgw.transport.flow import Target
from wrtcgw.transport.interfaces import WebSocketSettings
from wrtcgw.transport.tls import TLSSettings, websocket_endpoint
from wrtcgw.transport.websocket import WebSocketURL


class Exchange(FarSide):
    """
    Registrar and phones behind two proxies; its flows are the proxies' connections.

    :ivar bound: the connection of each DN's REGISTER, by the Contact and instance-id of the binding.
    :ivar foreign: credentials that came with the nonce of another proxy.
    """

    def __init__(self, network: Network, proxies: list[Proxy], passwords: dict[str, str]) -> None:
        super().__init__(network, self._say, passwords, DOMAIN)
        self.connections: list[ProxyConnection] = []
        self.bound: dict[str, dict[str, ProxyConnection]] = {dn: {} for dn in passwords}
        self.foreign: list[str] = []
        self.on_challenge: Callable[[Proxy], None] = lambda proxy: None
        self._asking: Proxy | None = None
        for proxy in proxies:
            proxy.heard = self._heard

    def _heard(self, connection: ProxyConnection, text: str) -> None:
        if connection not in self.connections:
            self.connections.append(connection)
        self.take(self.connections.index(connection), text)

    def _say(self, flow: int, text: str) -> None:
        connection = self.connections[flow]
        if not connection.wire.disconnected and connection.ws.state.name == "OPEN":
            connection.text(text)

    def _take_request(self, flow: int, request: Request) -> None:
        call = self._find(request.call_id)
        if call is not None:
            call.flow = flow
        self._asking = self.connections[flow].proxy
        super()._take_request(flow, request)

    def _challenge(self) -> str:
        assert self._asking is not None, "somebody asks"
        self.on_challenge(self._asking)
        return super()._challenge().replace('nonce="', f'nonce="{self._asking.port}-')

    def _is_right(self, request: Request, user: str) -> bool:
        assert self._asking is not None, "somebody asks"
        value = request.headers.get("Authorization")
        nonce = "" if value is None else Credentials.parse(value).params["nonce"]
        if nonce and not nonce.startswith(f"{self._asking.port}-"):
            self.foreign.append(nonce)
            return False
        return super()._is_right(request, user)

    def _bind(self, flow: int, request: Request, user: str) -> None:
        contact = request.contact
        assert contact is not None, "a REGISTER of the gateway has a Contact"
        name = contact.param("+sip.instance") or str(contact.uri)
        self.bound[user].pop(name, None)
        if contact.param("expires") != "0":
            self.bound[user][name] = self.connections[flow]
        super()._bind(flow, request, user)

    def way(self, dn: str) -> Proxy:
        """Return the proxy over whose open connection the one binding of a DN is reached."""
        (connection,) = self.bound[dn].values()
        assert not connection.wire.disconnected, f"{dn} is bound to a connection that is gone"
        return connection.proxy


class TwoProxies(SynchronousTestCase):
    """A gateway, whole but for HTTP, that knows two proxies."""

    def setUp(self) -> None:
        self.network = Network()
        self.first, self.second = self.network.proxy(80), self.network.proxy(81)
        self.passwords = {"5001": "secret", "5002": "geheim"}
        self.exchange = Exchange(self.network, [self.first, self.second], self.passwords)
        self.problems: list[Exception] = []
        events = EventStream()
        targets = [self._target(port) for port in (80, 81)]
        network: Any = self.network
        self.service = UserAgentService(network, AgentSettings(flows=1), targets, max, events)
        core = UACore(UASettings(domain=DOMAIN, instance="gw"), Timers(), CountingTokens("g"))
        settings = GatewaySettings(domain=DOMAIN, connections=1)
        self.gateway = Gateway(core, Registry(), network, settings, self.service.send, events)
        self.service.attach(self.gateway)
        self.service.startService()
        self.network.settle()

    def _target(self, port: int) -> Target:
        network: Any = self.network
        url = WebSocketURL.parse(f"ws://proxy.example.org:{port}/")
        return Target(str(url), websocket_endpoint(network, url, WebSocketSettings(), TLSSettings()))

    def tearDown(self) -> None:
        stopped = self.service.stopService()
        self.network.run_for(40)
        self.successResultOf(stopped)
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertEqual(self.exchange.strays, [])

    def sign_in(self, agent_id: str, dn: str) -> "Deferred[Agent]":
        """Begin to sign an agent in."""
        password = self.passwords[dn]
        work = Deferred.fromCoroutine(self.gateway.sign_in(agent_id=agent_id, dn=dn, password=password))
        self.network.run_for(0.5, 0.05)
        return work

    def call_up(self, agent: Agent) -> tuple[Call, FarCall]:
        """Place a call that is answered."""
        call = self.gateway.place_call(agent.id, "5002", PAGE_SDP, page_address=PAGE)
        self.network.run_for(0.2, 0.05)
        far = self.exchange.calls[-1]
        far.answer()
        self.network.run_for(0.5, 0.05)
        return call, far

    def die_behind(self, proxy: Proxy, challenge: int = 1) -> None:
        """Let a proxy die as soon as it has sent on a challenge, before what follows on that can come."""
        left = [challenge]

        def die(asking: Proxy) -> None:
            left[0] -= 1
            if asking is proxy and not left[0]:
                self.network.callLater(0.011, proxy.die)

        self.exchange.on_challenge = die

    def test_fails_over_and_stays(self) -> None:
        """When one dies the other has everybody, once each, and keeps them when the first is back."""
        agents = [self.successResultOf(self.sign_in(*each)) for each in (("alice", "5001"), ("bob", "5002"))]
        self.assertEqual({self.exchange.way(agent.dn).port for agent in agents}, {80})
        call, far = self.call_up(agents[0])
        self.first.die()
        self.network.run_for(10)
        far.answer()
        self.network.run_for(1)
        for _ in range(3):
            self.assertEqual({self.exchange.way(agent.dn).port for agent in agents}, {81})
            self.assertEqual({agent.registration for agent in agents}, {RegistrationState.REGISTERED})
            attempts = self.first.attempts
            self.first.restart()
            self.network.run_for(1200)
            self.assertEqual((self.first.attempts, self.first.open_connections), (attempts, 0), "nothing flaps")
            self.assertEqual(self.second.open_connections, 1)
        self.assertEqual([request.method for request in far.requests].count("INVITE"), 2, "one recovery")
        self.assertEqual(call.state, CallState.ESTABLISHED)
        self.second.die()
        self.network.run_for(10)
        self.assertEqual({self.exchange.way(agent.dn).port for agent in agents}, {80})
        far.answer()
        self.network.run_for(1)
        self.assertEqual(call.state, CallState.ESTABLISHED)
        far.bye()
        self.network.run_for(1)
        self.assertEqual(call.state, CallState.ENDED)

    def test_between_challenge_and_answer(self) -> None:
        """Who signs in meanwhile hears 503, and nothing that the first has asked is answered to the second."""
        self.die_behind(self.first)
        self.failureResultOf(self.sign_in("alice", "5001"), NoSIPConnection)
        self.network.run_for(5)
        agent = self.successResultOf(self.sign_in("alice", "5001"))
        self.assertEqual((self.exchange.way("5001").port, self.exchange.foreign), (81, []))
        self.assertEqual(agent.registration, RegistrationState.REGISTERED)

    def test_refresh_between_challenge_and_answer(self) -> None:
        """A refresh goes on over the second by itself, which challenges anew; the agent is registered once."""
        agent = self.successResultOf(self.sign_in("alice", "5001"))
        self.exchange._is_right = self._never_once(self.exchange._is_right)  # type: ignore[method-assign, assignment]
        self.die_behind(self.first)
        self.network.run_for(700)
        self.assertEqual(self.exchange.way("5001").port, 81)
        self.assertEqual(agent.registration, RegistrationState.REGISTERED)
        self.assertLessEqual(len(self.exchange.foreign), 1, "a nonce of the first is tried once at most")
        states = [message.state for message in agent.mailbox.after(0) if message.type is MessageType.REGISTRATION]
        self.assertEqual(states, ["RECOVERING", "REGISTERED"])

    def _never_once(self, judge: Callable[[Request, str], bool]) -> Callable[[Request, str], bool]:
        """Return the judge of credentials, whose first question has a new nonce."""
        asked: list[Request] = []

        def judged(request: Request, user: str) -> bool:
            asked.append(request)
            return len(asked) > 1 and judge(request, user)

        return judged

    def test_call_between_challenge_and_answer(self) -> None:
        """A call whose INVITE was challenged by a proxy that dies then fails with words; the next one works."""
        agent = self.successResultOf(self.sign_in("alice", "5001"))
        self.exchange.challenge_invite = True
        self.die_behind(self.first)
        call = self.gateway.place_call("alice", "5002", PAGE_SDP, page_address=PAGE)
        self.network.run_for(10, 0.05)
        self.assertEqual(call.state, CallState.ENDED)
        (told,) = [message for message in agent.mailbox.after(0) if message.type is MessageType.ERROR]
        self.assertEqual((told.call_id, told.code), (call.id, 503))
        self.assertTrue(told.hint)
        self.assertEqual(self.exchange.foreign, ["80-n1"], "that of REGISTER, tried once")
        again = self.gateway.place_call("alice", "5002", PAGE_SDP, page_address=PAGE)
        self.network.run_for(1, 0.05)
        self.exchange.calls[-1].answer()
        self.network.run_for(1)
        self.assertEqual(again.state, CallState.ESTABLISHED)

    def test_both_away(self) -> None:
        """With both away agents wait, without a flood of attempts, and come back to whichever is there first."""
        agent = self.successResultOf(self.sign_in("alice", "5001"))
        self.second.mood = Mood.SILENT
        self.first.die()
        before = self.first.attempts + self.second.attempts
        self.network.run_for(600)
        attempts = self.first.attempts + self.second.attempts - before
        self.assertTrue(600 / 60 < attempts < 600, attempts)
        self.assertEqual(agent.registration, RegistrationState.RECOVERING)
        self.second.restart()
        self.network.run_for(30)
        self.assertEqual(self.exchange.way("5001").port, 81)
        self.assertEqual(agent.registration, RegistrationState.REGISTERED)


class Registrar(GatewayCase):
    """The proxy is there, and the registrar is not as it was."""

    def registrations(self, agent: Agent) -> list[AgentMessage]:
        """Return what the page was told of its registration."""
        return [message for message in self.messages(agent) if message.type is MessageType.REGISTRATION]

    def test_overloaded(self) -> None:
        """A registrar that asks for time gets it, to the second, and is not asked more often by many than by one."""
        agents = [self.sign_in(), self.sign_in("bob", "5002")]
        self.far.script("REGISTER", *[503] * 4)
        self.far.register_fields = [("Retry-After", "120")]
        seen = len(self.far.registers)
        while not self.far.registers[seen:]:
            self.run_for(1)
        first = self.clock.seconds()
        self.run_for(1)
        while len(self.far.registers) < seen + 2:
            self.run_for(1)
        for agent in agents:
            (told,) = self.registrations(agent)
            self.assertEqual((told.state, told.code), ("RECOVERING", 503))
            self.assertTrue(told.hint)
        mine = self.far.registers[seen].to.uri.user
        again = [each for each in self.far.registers[seen + 1 :] if each.to.uri.user == mine]
        self.assertEqual(again, [])
        while not [each for each in self.far.registers[seen + 1 :] if each.to.uri.user == mine]:
            self.run_for(1)
        self.assertAlmostEqual(self.clock.seconds() - first, 120, delta=2)
        self.run_for(600)
        for agent in agents:
            (told,) = self.registrations(agent)
            self.assertEqual(told.state, "REGISTERED")
        self.assertEqual(self.far.contacts.keys(), {"5001", "5002"})

    def test_overloaded_at_sign_in(self) -> None:
        """Who signs in hears the refusal at once, with its code and words, and nobody tries again by himself."""
        self.far.script("REGISTER", 503)
        self.far.register_fields = [("Retry-After", "120")]
        error = self.fails(RegistrationRefused, self.gateway.sign_in(agent_id="alice", dn="5001", password="secret"), 1)
        self.assertEqual((error.code, error.credentials), (503, False))
        self.run_for(600)
        self.assertEqual(len(self.far.registers), 1)

    def test_overloaded_for_calls(self) -> None:
        """A call that is refused for the moment is told as that, and not placed again by the gateway."""
        agent = self.sign_in()
        call, far = self.place(agent)
        far.refuse(503, fields=[("Retry-After", "30")])
        self.run_for(600)
        (told,) = [message for message in self.messages(agent) if message.type is MessageType.ERROR]
        self.assertEqual((told.call_id, told.code), (call.id, 503))
        self.assertTrue(told.hint)
        self.assertEqual([each.method for each in far.requests], ["INVITE", "ACK"])

    def test_overloaded_in_recovery(self) -> None:
        """A recovery that is put off comes when its far side has said, and the call lives."""
        agent = self.sign_in()
        call, far = self.outbound(agent)
        self.gateway.disconnected(0)
        self.run_for(5)
        self.gateway.connected(0)
        self.run_for(1)
        for wait in (7, 20):
            far.refuse(503, fields=[("Retry-After", str(wait))])
            invites = far.methods().count("INVITE")
            self.run_for(wait - 1)
            self.assertEqual(far.methods().count("INVITE"), invites)
            self.run_for(2)
            self.assertEqual(far.methods().count("INVITE"), invites + 1)
        far.answer()
        self.run_for(1)
        self.assertEqual(call.state, CallState.ESTABLISHED)
        self.assertEqual(self.done(self.gateway.hangup("alice")).code, 200)

    def test_bindings_lost(self) -> None:
        """What a registrar has lost without a word it has again with the refresh at the latest, and calls arrive."""
        agent = self.sign_in()
        for granted in (600, 60):
            self.far.expires = granted
            self.run_for(600)
            self.far.contacts.clear()
            self.run_for(granted * 0.9 + 1)
            self.assertEqual(self.far.contacts.keys(), {"5001"})
            call, far = self.inbound(agent)
            far.cancel()
            self.run_for(1)
            self.assertEqual(call.state, CallState.ENDED)
        self.assertEqual(self.registrations(agent), [])

    def test_password_changed(self) -> None:
        """
        The agent is told, once; the PBX hears of two tries a connection, on three connections at most; calls go on.

        Signing in with the new password mends it, and one with the old password is a refusal like any other.
        """
        agent = self.sign_in()
        call, far = self.outbound(agent)
        self.passwords["5001"] = "changed"
        seen = len(self.far.registers)
        self.run_for(600)
        (told,) = self.registrations(agent)
        self.assertEqual((told.state, told.code, told.cause), ("FAILED", 401, "credentials"))
        self.assertTrue(told.hint)
        self.assertLessEqual(len(self.far.registers) - seen, 2)
        for _ in range(20):
            self.gateway.disconnected(0)
            self.run_for(5)
            self.gateway.connected(0)
            self.run_for(60)
            if far.invite is not None:
                far.answer()
        self.assertLessEqual(len(self.far.registers) - seen, 6)
        self.assertEqual(call.state, CallState.ESTABLISHED)
        self.assertEqual([each.state for each in self.registrations(agent)], [])
        self.assertEqual(agent.registration, RegistrationState.FAILED)
        seen = len(self.far.registers)
        error = self.fails(RegistrationRefused, self.gateway.sign_in(agent_id="alice", dn="5001", password="secret"), 1)
        self.assertTrue(error.credentials)
        self.run_for(600)
        self.assertLessEqual(len(self.far.registers) - seen, 2)
        again = self.sign_in(password="changed")
        self.assertEqual((again, again.registration), (agent, RegistrationState.REGISTERED))
        self.run_for(1200)
        self.assertEqual(agent.registration, RegistrationState.REGISTERED)
        self.assertEqual(call.state, CallState.ESTABLISHED)


class SortedClock(Clock):
    """A clock for thousands of timers: it puts a new one to its place, and need not sort them all each time."""

    def callLater(self, delay: float, act: Callable[..., object], *args: object, **kw: object) -> DelayedCall:  # type: ignore[override] # Clock has no types
        """Call later."""
        due = self.seconds() + delay
        call = DelayedCall(due, act, args, kw, self._cancelled, self._moved, self.seconds)
        insort(self.calls, call, key=DelayedCall.getTime)
        return call

    def _cancelled(self, call: DelayedCall) -> None:
        at = bisect_left(self.calls, call.getTime(), key=DelayedCall.getTime)
        while self.calls[at] is not call:
            at += 1
        del self.calls[at]

    def _moved(self, call: DelayedCall) -> None:
        self.calls.remove(call)
        insort(self.calls, call, key=DelayedCall.getTime)

    def _sortCalls(self) -> None:  # noqa: N802 (Twisted's name)
        pass


class Trusting(FarSide):
    """A registrar that asks nobody for credentials, and phones that answer."""

    def _is_right(self, request: Request, user: str) -> bool:
        return True


class Crowd(SynchronousTestCase):
    """A proxy with 5,000 agents is away for 30 s."""

    COUNT, IN_CALLS, FLOWS, RATE = 5000, 100, 4, Settings().register_rate

    def setUp(self) -> None:
        self.clock = SortedClock()
        self.dns = [f"d{number}" for number in range(self.COUNT)]
        core = UACore(UASettings(domain=DOMAIN, instance="gw", register_rate=self.RATE), Timers(), CountingTokens("g"))
        settings = GatewaySettings(domain=DOMAIN, connections=self.FLOWS)
        self.gateway = Gateway(core, Registry(), self.clock, settings, self._send)
        self.gateway.rearm = self._rearm
        self.far = Trusting(self.clock, self.gateway.received, dict.fromkeys(self.dns, "x"))
        self.far.expires = 3600
        self._timer: IDelayedCall | None = None
        for flow in range(self.FLOWS):
            self.gateway.connected(flow)

    def _send(self, flow: int, text: str) -> None:
        self.far.take(flow, text)

    def _rearm(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        due = self.gateway.next_deadline()
        left = None if due is None else max(0.0, due - self.clock.seconds())
        self._timer = None if left is None else self.clock.callLater(left, self.gateway.tick)

    def test_back(self) -> None:
        """All are registered within 60 s, none twice, at the rate that is set; each call gets one re-INVITE, first."""
        works = [Deferred.fromCoroutine(self.gateway.sign_in(agent_id=dn, dn=dn, password="x")) for dn in self.dns]
        self.clock.advance(0.02)
        agents = [self.successResultOf(work) for work in works]
        self.assertEqual(self.gateway.health().registered_agents, self.COUNT)
        talking = {agent.dn for agent in agents[:: self.COUNT // self.IN_CALLS]}
        for dn in talking:
            self.gateway.place_call(dn, "1", PAGE_SDP, page_address=PAGE)
            self.far.calls[-1].answer()
        self.clock.advance(0.02)
        for flow in range(self.FLOWS):
            self.gateway.disconnected(flow)
        self.assertEqual(self.gateway.health().registered_agents, 0)
        self.clock.advance(30)
        self.far.registers.clear()
        seen = self.back_within(60.0)
        self.assertEqual(self.gateway.health().registered_agents, self.COUNT)
        self.assertEqual(Counter(Counter(dn for _, dn in seen).values()), {1: self.COUNT})
        self.assertLessEqual(max(Counter(int(when) for when, _ in seen).values()), self.RATE * 1.1)
        last = max(when for when, dn in seen if dn in talking)
        self.assertLess(last, self.IN_CALLS / self.RATE + 0.5)
        self.assertEqual(Counter(call.methods().count("INVITE") for call in self.far.calls), {2: self.IN_CALLS})
        self.assertEqual(self.gateway.health().active_calls, self.IN_CALLS)

    def back_within(self, seconds: float) -> list[tuple[float, str]]:
        """Let the connections come back, and phones answer; return when each REGISTER came, and whose it was."""
        began = self.clock.seconds()
        seen: list[tuple[float, str]] = []
        for flow in range(self.FLOWS):
            self.gateway.connected(flow)
        while self.clock.seconds() < began + seconds:
            self.clock.advance(0.05)
            seen += [(self.clock.seconds() - began, each.to.uri.user or "") for each in self.far.registers[len(seen) :]]
            for call in self.far.calls:
                if call.invite is not None:
                    call.answer()
        return seen
