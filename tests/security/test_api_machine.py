"""Any verbs in any order by three agents, and a far side that does anything: every call ends, and nothing is left."""

from typing import Any, cast

from hypothesis import HealthCheck, settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from tests.support.farside import SDP as FAR_SDP
from tests.support.farside import FarCall
from tests.support.gatewaycase import OTHER_SDP, PAGE_SDP
from tests.web.harness import Answer, Pending
from tests.web.test_flows import FlowCase
from wrtcgw.calls.call import CallState

AGENTS = ("5001", "5002", "5003")
TARGETS = ("1003", "5002", "sip:far@example.org", "no such number!", "")
BODIES: tuple[dict[str, Any], ...] = (
    {},
    {"sdp": PAGE_SDP},
    {"sdp": "v=0"},
    {"digits": "12#"},
    {"digits": "x"},
    {"to": "1004"},
    {"to": "nobody here"},
    {"code": 486},
    {"code": 12},
    {"content_type": "text/plain", "body": "hello"},
)
VERBS = ("hangup", "answer", "reject", "hold", "resume", "dtmf", "transfer", "info", "stats")
TYPES = ("OFFER", "ANSWER", "OK", "SHUTDOWN", "NONSENSE")
LONGEST = 1000.0
"""Seconds after which nothing waits any more: the longest timers of a call, and the life of a registration."""
HELD = FAR_SDP.replace("sendrecv", "sendonly")

numbers = strategies.integers(0, 2**16)
agents = strategies.sampled_from(AGENTS)


class Flow(FlowCase):
    """A gateway with its HTTP surface and its far side, outside a test."""

    def runTest(self) -> None:  # noqa: N802 (unittest asks for a method)
        """Do nothing."""


class PagesAndPeers(RuleBasedStateMachine):
    """Three agents' pages, one gateway, and everything that a far side may do."""

    def __init__(self) -> None:
        super().__init__()
        self.flow = Flow("runTest")
        self.flow.setUp()
        self.tokens: dict[str, str] = {}
        self.calls: list[str] = []
        self.pending: list[Pending] = []
        self.failures: list[str] = []
        globalLogPublisher.addObserver(cast(ILogObserver, self.observe))

    def observe(self, event: LogEvent) -> None:
        """Keep what is logged as a bug."""
        if "log_failure" in event:
            self.failures.append(event["log_failure"].getTraceback())

    # -- asking

    def ask(self, method: str, path: str, agent: str, **more: Any) -> None:
        """Send a request as an agent's page; it may hang, and is answered in the end."""
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self.tokens.get(agent, 'none')}"}
        self.pending.append(self.flow.request(method, f"/api/webrtc/{path}", headers=headers, **more))
        self.flow.run_for(0.05)
        self.collect()

    def collect(self) -> None:
        """Look at what was answered meanwhile."""
        waiting = []
        for each in self.pending:
            if each.hangs:
                waiting.append(each)
            else:
                self.judge(each.answer())
        self.pending = waiting

    def judge(self, answer: Answer) -> None:
        """Check that an answer is one that the API has, and keep what it names."""
        assert answer.code != 500, answer.text
        if answer.code >= 400:
            assert answer.json["code"] and answer.json["error"], answer.text
        elif answer.headers.get("content-type") == "application/json":
            told = answer.json
            if "session" in told:
                self.tokens[told["dn"]] = told["session"]
            if told.get("callId") and told["callId"] not in self.calls:
                self.calls.append(told["callId"])

    def call(self, agent: str, number: int) -> str:
        """Return the id of a call: mostly of one of the agent's own, else of any, which may be over, or of none."""
        own = [call.id for call in self.flow.gateway.calls() if call.agent_id == agent]
        known = own if own and number % 4 else self.calls
        return known[number % len(known)] if known and number % 7 else ""

    def far(self, number: int) -> FarCall:
        """Return a call of the far side's."""
        return self.flow.far.calls[number % len(self.flow.far.calls)]

    # -- pages

    @initialize()
    def begin(self) -> None:
        """Sign everybody in."""
        for agent in AGENTS:
            self.sign_in(agent, 0)

    @rule(agent=agents, wrong=strategies.integers(0, 9))
    def come(self, agent: str, wrong: int) -> None:
        """Sign in, once in a while with a wrong password."""
        self.sign_in(agent, wrong)

    def sign_in(self, agent: str, wrong: int) -> None:
        """Sign in; 9 is with a wrong password."""
        password = "wrong" if wrong == 9 else self.flow.passwords[agent]
        self.ask("POST", "sign_in", agent, json={"id": agent, "dn": agent, "password": password})

    @rule(agent=agents, seldom=strategies.integers(0, 9))
    def go(self, agent: str, seldom: int) -> None:
        """Sign out, not too often."""
        if seldom == 9:
            self.ask("POST", f"sign_out?id={agent}", agent)

    @rule(agent=agents, to=strategies.sampled_from(TARGETS))
    def place(self, agent: str, to: str) -> None:
        """Place a call."""
        self.ask("POST", "message", agent, params={"from": agent, "to": to}, data=PAGE_SDP.encode())

    @rule(agent=agents, inbound=strategies.booleans())
    def connect(self, agent: str, inbound: bool) -> None:
        """Have a call answered, one way or the other: much can be done only in a call that is up."""
        if inbound:
            self.far_calls(agent, offer=True)
            offered = [
                call for call in self.flow.gateway.calls() if call.agent_id == agent and call.state is CallState.OFFERED
            ]
            query = {"id": agent, "call": offered[-1].id if offered else ""}
            self.ask("POST", "answer", agent, params=query, json={"sdp": PAGE_SDP})
        else:
            self.place(agent, "1003")
            waiting = [call for call in self.flow.far.calls if call.invite is not None]
            if waiting:
                waiting[-1].answer()
        self.flow.run_for(0.1)

    @rule(agent=agents, wait=strategies.sampled_from((0, 0, 0, 20)))
    def poll(self, agent: str, wait: int) -> None:
        """Ask for the next message."""
        self.ask("GET", "message", agent, params={"id": agent, "wait": str(wait)})

    @rule(agent=agents, name=strategies.sampled_from(VERBS), body=strategies.sampled_from(BODIES), number=numbers)
    def order(self, agent: str, name: str, body: dict[str, Any], number: int) -> None:
        """Order something for a call."""
        self.ask("POST", name, agent, params={"id": agent, "call": self.call(agent, number)}, json=body)

    @rule(agent=agents, kind=strategies.sampled_from(TYPES), number=numbers, more=strategies.booleans())
    def describe(self, agent: str, kind: str, number: int, more: bool) -> None:
        """Send a ROAP message."""
        message = {"messageType": kind, "callId": self.call(agent, number), "sdp": OTHER_SDP if more else PAGE_SDP}
        self.ask("POST", "message", agent, params={"from": agent}, json=message)

    # -- the far side

    @rule(agent=agents, offer=strategies.booleans())
    def far_calls(self, agent: str, offer: bool) -> None:
        """Call an agent, with or without an offer."""
        if agent in self.flow.far.contacts:
            self.flow.far.call(agent, FAR_SDP if offer else None)
            self.flow.run_for(0.05)

    @precondition(lambda self: self.flow.far.calls)
    @rule(number=numbers, status=strategies.sampled_from((180, 183, 200, 200, 302, 404, 486, 488, 491, 503, 603)))
    def far_responds(self, number: int, status: int) -> None:
        """Respond to an INVITE that waits."""
        waiting = [call for call in self.flow.far.calls if call.invite is not None]
        if not waiting:
            return
        call = waiting[number % len(waiting)]
        if status < 200:
            call.ring(status)
        elif status == 200:
            call.answer()
        else:
            call.refuse(status)
        self.flow.run_for(0.05)

    @precondition(lambda self: self.flow.far.calls)
    @rule(number=numbers, what=strategies.integers(0, 8))
    def far_asks(self, number: int, what: int) -> None:
        """Do something inside a call, though it may be over."""
        call = self.far(number)
        if what == 0 and call.own_invite is not None:
            call.cancel()
        elif what == 1:
            call.bye()
        elif what in (2, 3):
            call.reinvite(HELD if what == 2 else None, answer=FAR_SDP)
        elif what == 4:
            call.refer("sip:1004@example.org")
        elif what in (5, 6):
            call.notify("talk" if what == 5 else "hold")
        elif what == 7:
            call.info("application/dtmf-relay", "Signal=1\r\nDuration=100\r\n")
        elif call.target:
            call.send("UPDATE", FAR_SDP, "application/sdp")
        self.flow.run_for(0.05)

    @rule(
        method=strategies.sampled_from(("BYE", "INFO", "REFER", "INVITE")),
        status=strategies.sampled_from((401, 481, 500)),
    )
    def far_will_refuse(self, method: str, status: int) -> None:
        """Let the next request of a method fail."""
        self.flow.far.script(method, status)

    @rule(seconds=strategies.sampled_from((0.5, 5.0, 40.0)))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.flow.run_for(seconds)
        self.collect()

    @rule(up=strategies.booleans(), seldom=strategies.integers(0, 4))
    def connection(self, up: bool, seldom: int) -> None:
        """Lose the connection to the proxy, and have it back."""
        if seldom < 4:
            return
        self.flow.gateway.disconnected(0)
        self.flow.run_for(0.5 if up else 8.0)
        self.flow.gateway.connected(0)
        self.flow.run_for(0.2)
        self.collect()

    # -- what holds

    @invariant()
    def nothing_fails(self) -> None:
        """No internal error has been reported or logged."""
        assert self.flow.problems == [], self.flow.problems
        assert self.failures == [], self.failures

    def teardown(self) -> None:
        """Let everybody leave: then nobody is signed in, no call is up, and nothing waits."""
        try:
            self.leave()
        finally:
            globalLogPublisher.removeObserver(cast(ILogObserver, self.observe))

    def leave(self) -> None:
        """Sign everybody out, and look at what is left."""
        flow = self.flow
        flow.run_for(1)
        for agent in list(flow.gateway.agents()):
            flow.begin(flow.gateway.sign_out(agent.id))
        flow.run_for(LONGEST)
        self.collect()
        flow.surface.close()
        flow.run_for(100)
        self.collect()
        health = flow.gateway.health()
        assert (health.registered_agents, health.active_calls, list(flow.gateway.calls())) == (0, 0, [])
        assert self.pending == [], self.pending
        assert flow.clock.getDelayedCalls() == [], flow.clock.getDelayedCalls()
        self.nothing_fails()


class Machine(SynchronousTestCase):
    """The machine as a test."""

    def test_any_order(self) -> None:
        """Whatever pages and far side do, in whatever order, all ends well."""
        machine: Any = PagesAndPeers.TestCase
        machine.settings = settings(
            max_examples=50,
            stateful_step_count=50,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        machine("runTest").runTest()
