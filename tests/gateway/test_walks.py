"""Random walks: whatever page and far side do in whatever order, nothing breaks, hangs or is left behind."""

from collections import Counter
from collections.abc import Callable
from random import Random

from twisted.internet.defer import Deferred

from tests.support.farside import SDP, FarCall
from tests.support.gatewaycase import OTHER_SDP, PAGE, PAGE_SDP, GatewayCase
from wrtcgw.calls.call import Call
from wrtcgw.calls.messages import MessageType
from wrtcgw.errors import GatewayError
from wrtcgw.gateway.persistence import Persistence

WALKS, STEPS = 60, 60
CHANGES = [
    SDP,
    SDP.replace("sendrecv", "sendonly"),
    SDP.replace("sendrecv", "inactive"),
    SDP.replace("40000", "40002"),
    None,
]


class Walks(GatewayCase):
    """Two agents, their pages, and a far side without manners."""

    def setUp(self) -> None:
        super().setUp()
        self.random = Random(0)
        self.waiting: list[Deferred[object]] = []
        self.terminal: Counter[str] = Counter()

    # -- the page

    def call(self) -> tuple[str, str | None]:
        """Return an agent's id and the id of one of its calls."""
        agent = self.random.choice(list(self.gateway.agents()))
        calls: list[Call] = list(agent.calls.values())
        return agent.id, self.random.choice(calls).id if calls else None

    def act_place(self) -> None:
        """Place a call."""
        self.gateway.place_call(self.call()[0], "5009", PAGE_SDP, page_address=PAGE)

    def act_describe(self) -> None:
        """Send some description for some call."""
        kind = self.random.choice((None, MessageType.OFFER, MessageType.ANSWER))
        text = self.random.choice((PAGE_SDP, OTHER_SDP))
        self.gateway.send_description(*self.call(), text, page_address=PAGE, kind=kind)  # type: ignore[arg-type]

    def act_verb(self) -> None:
        """Order something for some call."""
        verb = self.random.choice(("hangup", "hold", "resume", "reject"))
        self.order(getattr(self.gateway, verb)(*self.call()))

    def act_data(self) -> None:
        """Send digits or data."""
        agent_id, call_id = self.call()
        self.order(self.gateway.dtmf(agent_id, call_id, "12"))
        self.order(self.gateway.info(agent_id, call_id, "text/plain", "x"))

    def act_transfer(self) -> None:
        """Transfer some call, to a number or to another call."""
        agent_id, call_id = self.call()
        other = self.call()[1]
        if self.random.random() < 0.5:
            self.order(self.gateway.transfer(agent_id, call_id, to="5008"))
        else:
            self.order(self.gateway.transfer(agent_id, call_id, to_call=other))

    def act_sign_in(self) -> None:
        """Sign in under any id, as a new page or a thief."""
        dn = self.random.choice(("5001", "5002"))
        password = self.random.choice((self.passwords[dn], self.passwords[dn], "wrong"))
        agent_id = self.random.choice(("alice", "bob"))
        self.order(self.gateway.sign_in(agent_id=agent_id, dn=dn, password=password, current=True))

    def order(self, work: object) -> None:
        """Begin a verb whose outcome is looked at in the end."""
        self.waiting.append(self.begin(work))  # type: ignore[arg-type]

    # -- the far side

    def far_call(self) -> FarCall:
        """Return one of the far side's calls, a recent one."""
        return self.random.choice(self.far.calls[-6:])

    def act_respond(self) -> None:
        """Answer an INVITE of the gateway somehow."""
        call = self.far_call()
        if call.invite is None:
            return
        status = self.random.choice((180, 183, 200, 200, 200, 404, 486, 488, 491, 481, 603))
        if status < 200:
            call.ring(status, self.random.choice((None, SDP)))
        elif status == 200:
            call.answer(self.random.choice(CHANGES) or SDP)
        else:
            call.refuse(status)

    def act_ring(self) -> None:
        """Call an agent."""
        if self.far.contacts:
            self.far.call(self.random.choice(sorted(self.far.contacts)), self.random.choice((SDP, SDP, None)))

    def act_in_dialog(self) -> None:
        """Send any request inside a call, whether it fits or not."""
        call = self.far_call()
        choices: list[Callable[[], object]] = [
            call.bye,
            lambda: call.reinvite(self.random.choice(CHANGES), answer=SDP),
            lambda: call.notify("talk"),
            lambda: call.notify("hold"),
            lambda: call.notify("refer", "active", self.random.choice(("SIP/2.0 100 Trying", "SIP/2.0 486 Busy"))),
            lambda: call.notify("refer", "terminated", self.random.choice(("SIP/2.0 200 OK", ""))),
            lambda: call.info("application/dtmf-relay", "Signal=1"),
            lambda: call.refer("sip:5008@example.org"),
            lambda: call.send("UPDATE", SDP, "application/sdp"),
            lambda: call.cancel() if call.own_invite is not None else None,
        ]
        self.random.choice(choices)()

    def act_script(self) -> None:
        """Let the far side refuse the next request of some kind."""
        method = self.random.choice(("INFO", "REFER", "BYE", "REGISTER"))
        self.far.script(method, self.random.choice((408, 481, 500, 503)))

    def act_connection(self) -> None:
        """Lose the connection, and have it back."""
        if self.random.random() < 0.3:
            self.gateway.disconnected(0)
            self.run_for(self.random.choice((0.0, 3.0)))
            self.gateway.connected(0)

    def act_time(self) -> None:
        """Let time pass."""
        self.run_for(self.random.choice((0.005, 0.02, 0.3, 3.0, 12.0, 40.0)))

    # -- the walk

    def walk(self, seed: int) -> None:
        """Take one walk, and look at what it leaves."""
        self.random = Random(seed)
        self.start(accept_refer=bool(seed % 2))
        for agent_id, dn in (("alice", "5001"), ("bob", "5002")):
            self.sign_in(agent_id, dn)
        self.outbound(self.gateway.agent("alice"))
        acts = [getattr(self, name) for name in dir(self) if name.startswith("act_")]
        for _ in range(STEPS):
            try:
                self.random.choice(acts)()
            except GatewayError:
                pass  # what does not fit is refused
            except IndexError:
                self.sign_in("alice", "5001")  # nobody is signed in any more
            self.check(seed)
        self.leave(seed)

    def check(self, seed: int) -> None:
        """Check what holds at any time."""
        self.assertEqual(self.problems, [], seed)
        for agent in self.gateway.agents():
            for call in agent.calls.values():
                self.assertEqual(call.agent_id, agent.id)
                self.assertIs(self.registry.call(call.id), call)
            for message in self.messages(agent):
                self.terminal[message.call_id] += message.ends_call

    def leave(self, seed: int) -> None:
        """Sign everybody out, and check that nothing is left: no call, no leg, no timer, no open verb."""
        self.run_for(50)
        self.patch(Persistence, "survives", False)  # without a store, stopping ends everything
        draining = self.gateway.drain()
        self.run_for(10)
        self.successResultOf(draining)
        self.run_for(400)
        self.check(seed)
        self.assertEqual((list(self.gateway.calls()), self.core.legs), ([], 0), seed)
        self.assertEqual((self.gateway._context.legs, self.clock.getDelayedCalls()), ({}, []), seed)
        for waiting in self.waiting:
            self.assertTrue(waiting.called, seed)
            waiting.addErrback(lambda failure: failure.trap(GatewayError))
            self.successResultOf(waiting)
        self.assertLessEqual(max(self.terminal.values(), default=0), 1, seed)
        self.waiting.clear()
        self.terminal.clear()
        self.far.strays.clear()

    def test_walks(self) -> None:
        """Many walks, each from its own seed."""
        for seed in range(WALKS):
            self.walk(seed)
