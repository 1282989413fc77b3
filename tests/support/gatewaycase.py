"""A gateway over the real core, with a scripted far side, in virtual time."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.support.farside import SDP, FarCall, FarSide
from tests.support.kept import KeptCheck, SurvivingStore
from tests.support.settled import SettledCheck
from tests.support.tokens import CountingTokens
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.calls.registry import Registry
from wrtcgw.gateway import Gateway, GatewaySettings
from wrtcgw.gateway.persistence import Durability
from wrtcgw.sip.core import UACore, UASettings
from wrtcgw.sip.outputs import Output, Send
from wrtcgw.sip.timers import Timers

T = TypeVar("T")

DOMAIN = "example.org"
PAGE = "192.0.2.33"
PAGE_SDP = (
    "v=0\r\no=page 1 1 IN IP4 192.0.2.33\r\ns=-\r\nc=IN IP4 192.0.2.33\r\nt=0 0\r\n"
    "m=audio 30000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
)
"""What the page says of itself."""
OTHER_SDP = PAGE_SDP.replace("30000", "30002")


class GatewayCase(SynchronousTestCase):
    """Tests of a whole gateway; :meth:`start` makes it, with its first connection up."""

    flows = 1
    checks_store = True
    """What is stored is compared with what is true after each entry; a case of very many leaves that to others."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.passwords = {"5001": "secret", "5002": "geheim", "5003": "third"}
        self.problems: list[Exception] = []
        self.events: list[Output] = []
        self._timer: IDelayedCall | None = None
        self.start()

    def start(self, **changes: object) -> None:
        """Make the gateway, with settings other than the usual ones."""
        settings = evolve(GatewaySettings(domain=DOMAIN, connections=self.flows), **changes)  # type: ignore[arg-type]
        self.core = UACore(UASettings(domain=DOMAIN, instance="gw"), Timers(), CountingTokens("g"))
        self.registry = Registry()
        self.store = SurvivingStore()
        self.gateway = Gateway(self.core, self.registry, self.clock, settings, self._send, durability=self.durability())
        self.gateway.rearm = self._rearm
        self.gateway.report = self.problems.append
        self.gateway.events.subscribe_to_all(self._note)
        self.settled = SettledCheck(self.gateway.events, self.registry)
        self.kept_check = KeptCheck(self.gateway.events, self.store, self.registry, self.gateway.persistence)
        if not self.checks_store:
            self.kept_check.stop()
        self.far = FarSide(self.clock, self.gateway.received, self.passwords)
        for flow in range(self.flows):
            self.gateway.connected(flow)

    def durability(self) -> Durability:
        """Return where state is kept: each gateway of the tests is one that survives."""
        return Durability(self.store, wall=self.clock.seconds)

    def tearDown(self) -> None:
        """Check that nothing went wrong unseen, and that each event was told of settled state."""
        self.settled.at_the_end()
        self.assertEqual(self.settled.faults, [])
        self.assertEqual(self.kept_check.faults, [])
        self.assertEqual(self.problems, [])
        self.assertEqual(self.far.strays, [])

    def _note(self, event: object) -> None:
        if isinstance(event, Output) and not isinstance(event, Send):
            self.events.append(event)

    def _send(self, flow: int, text: str) -> None:
        self.far.take(flow, text)

    def _rearm(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        deadline = self.gateway.next_deadline()
        self._timer = None
        if deadline is not None:
            self._timer = self.clock.callLater(max(0.0, deadline - self.clock.seconds()), self.gateway.tick)

    # -- time

    def run_for(self, seconds: float = 0.2) -> None:
        """Let virtual time pass, in small steps."""
        end = self.clock.seconds() + seconds
        while (left := end - self.clock.seconds()) > 1e-9:
            calls = self.clock.getDelayedCalls()
            until = min((call.getTime() for call in calls), default=end)
            self.clock.advance(min(left, max(until - self.clock.seconds(), 1e-3)))

    def begin(self, work: Coroutine[Deferred[Any], Any, T]) -> "Deferred[T]":
        """Start a verb."""
        return Deferred.fromCoroutine(work)

    def done(self, work: Coroutine[Deferred[Any], Any, T], seconds: float = 0.2) -> T:
        """Return the result of a verb that is done within ``seconds``."""
        waiting = self.begin(work)
        self.run_for(seconds)
        return self.successResultOf(waiting)

    def fails(self, kind: type[Exception], work: Coroutine[Deferred[Any], Any, object], seconds: float = 0.2) -> Any:
        """Return the error with which a verb fails within ``seconds``."""
        waiting = self.begin(work)
        self.run_for(seconds)
        return self.failureResultOf(waiting, kind).value

    # -- agents and calls

    def sign_in(self, agent_id: str = "alice", dn: str = "5001", password: str = "", **more: object) -> Agent:
        """Sign an agent in, with its right password unless another is given."""
        password = password or self.passwords[dn]
        work = self.gateway.sign_in(agent_id=agent_id, dn=dn, password=password, **more)  # type: ignore[arg-type]
        return self.done(work)

    def messages(self, agent: Agent) -> list[AgentMessage]:
        """Return the agent's undelivered messages, and mark them as delivered."""
        messages = []
        while (message := agent.mailbox.head()) is not None:
            messages.append(message)
            agent.mailbox.delivered(message.seq)
        return messages

    def types(self, agent: Agent) -> list[str]:
        """Return the types of the agent's undelivered messages."""
        return [message.type.value for message in self.messages(agent)]

    def last(self, agent: Agent, kind: MessageType) -> AgentMessage:
        """Return the agent's newest message of that type, and mark all as delivered."""
        return [message for message in self.messages(agent) if message.type is kind][-1]

    def place(self, agent: Agent, to: str = "5002", sdp: str = PAGE_SDP) -> tuple[Call, FarCall]:
        """Place a call."""
        call = self.gateway.place_call(agent.id, to, sdp, page_address=PAGE)
        self.run_for()
        return call, self.far.calls[-1]

    def outbound(self, agent: Agent, sdp: str = SDP) -> tuple[Call, FarCall]:
        """Place a call that is answered; its messages are delivered."""
        call, far = self.place(agent)
        far.answer(sdp)
        self.run_for(1)
        self.messages(agent)
        return call, far

    def inbound(self, agent: Agent, sdp: str | None = SDP, **more: Any) -> tuple[Call, FarCall]:
        """Have the far side call the agent; nothing is delivered yet."""
        far = self.far.call(agent.dn, sdp, **more)
        self.run_for()
        return list(agent.calls.values())[-1], far

    def describe(self, agent: Agent, sdp: str = PAGE_SDP, **more: Any) -> Call:
        """Send a description of the page's."""
        call_id = more.pop("call_id", None)
        call = self.gateway.send_description(agent.id, call_id, sdp, page_address=PAGE, **more)
        self.run_for()
        return call
