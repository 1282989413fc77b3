"""What operators do to a gateway: drain it, end calls, sign agents out; and what it tells them of pages and calls."""

from tests.support.farside import SDP
from tests.support.gatewaycase import PAGE, PAGE_SDP, GatewayCase
from wrtcgw.calls.call import CallState
from wrtcgw.calls.messages import MessageType
from wrtcgw.errors import Draining, NotSignedIn, UnknownCall, WrongState
from wrtcgw.events.catalogue import CallBegan, CallChanged, CallHandedOver, HoldChanged, PageBack


class DrainTests(GatewayCase):
    """Nothing new comes in, and what is there goes on."""

    def test_sign_in(self) -> None:
        """New agents and guests are refused; who is signed in may sign in again, as a page does that was reloaded."""
        self.start(guest_mode="unregistered")
        self.sign_in()
        self.gateway.operation.drain(True)
        sign_in = self.gateway.sign_in(agent_id="bob", dn="5002", password="geheim")
        self.assertIn("draining", str(self.fails(Draining, sign_in)))
        self.fails(Draining, self.gateway.sign_in_guest("guest"))
        self.sign_in()
        self.gateway.operation.drain(False)
        self.sign_in("bob", "5002")
        self.done(self.gateway.sign_in_guest("guest"))

    def test_outbound_calls(self) -> None:
        """New calls are refused before anything is sent; a call that is up can be held, and ended."""
        agent = self.sign_in()
        call, far = self.outbound(agent)
        self.gateway.operation.drain(True)
        self.assertRaises(Draining, self.gateway.place_call, agent.id, "5003", PAGE_SDP, page_address=PAGE)
        self.assertEqual(len(self.far.calls), 1)
        hold = self.begin(self.gateway.hold(agent.id, call.id))
        self.run_for()
        far.answer(SDP)
        self.run_for()
        self.assertEqual(self.successResultOf(hold).code, 200)
        self.assertEqual(self.done(self.gateway.hangup(agent.id, call.id)).code, 200)

    def test_inbound_calls(self) -> None:
        """Callers are told 503 and the agent nothing; afterwards calls ring again."""
        agent = self.sign_in()
        self.gateway.operation.drain(True)
        far = self.far.call(agent.dn, SDP)
        self.run_for()
        self.assertEqual(far.last("INVITE").status, 503)
        self.assertEqual((self.types(agent), len(agent.calls)), ([], 0))
        self.gateway.operation.drain(False)
        call, _ = self.inbound(agent)
        self.assertIs(call.state, CallState.OFFERED)

    def test_transfers_in_progress(self) -> None:
        """Transfers go on: a call in the place of another comes in, one that the far side asked for goes out."""
        self.start(accept_refer=True)
        agent = self.sign_in()
        _, far = self.outbound(agent)
        self.gateway.operation.drain(True)
        value = f"{far.call_id};to-tag={far.requests[0].from_tag};from-tag={far.local.rpartition('tag=')[2]}"
        call, _ = self.inbound(agent, fields=[("Replaces", value)])
        self.assertIs(call.state, CallState.OFFERED)
        far.refer("sip:1004@example.org")
        self.run_for()
        self.gateway.place_call(agent.id, "1004", PAGE_SDP, page_address=PAGE)
        self.assertRaises(Draining, self.gateway.place_call, agent.id, "1005", PAGE_SDP, page_address=PAGE)

    def test_health(self) -> None:
        """Health says it, unless there is worse to say."""
        status = [self.gateway.health().status]
        self.gateway.operation.drain(True)
        status.append(self.gateway.health().status)
        self.assertTrue(self.gateway.operation.draining)
        self.gateway.disconnected(0)
        status.append(self.gateway.health().status)
        self.gateway.connected(0)
        self.gateway.operation.drain(False)
        status.append(self.gateway.health().status)
        self.assertEqual(status, ["ok", "draining", "down", "ok"])


class EndTests(GatewayCase):
    """Operators end calls, and sign agents out."""

    def test_end_call(self) -> None:
        """The far side gets a BYE, and the page hears that it was an operator, which it does not of its own hangup."""
        agent = self.sign_in()
        call, _ = self.outbound(agent)
        self.assertEqual(self.done(self.gateway.operation.end_call(call.id)).code, 200)
        message = self.last(agent, MessageType.SHUTDOWN)
        self.assertEqual((message.cause, message.call_id), ("operator", call.id))
        self.assertIn("operator", message.hint)
        self.assertEqual((call.cause, agent.calls), ("operator", {}))

    def test_end_ringing_call(self) -> None:
        """A call that rings here is refused."""
        agent = self.sign_in()
        call, far = self.inbound(agent)
        self.done(self.gateway.operation.end_call(call.id))
        self.assertGreaterEqual(far.last("INVITE").status, 400)
        self.assertEqual(self.last(agent, MessageType.SHUTDOWN).cause, "operator")

    def test_own_hangup(self) -> None:
        """A page's own hangup is none of an operator."""
        agent = self.sign_in()
        call, _ = self.outbound(agent)
        self.done(self.gateway.hangup(agent.id, call.id))
        self.assertEqual(self.last(agent, MessageType.SHUTDOWN).cause, "local")

    def test_end_unknown_call(self) -> None:
        """A call that is not there, or is ending, cannot be ended."""
        agent = self.sign_in()
        call, _ = self.outbound(agent)
        self.assertEqual(self.fails(UnknownCall, self.gateway.operation.end_call("nobody's")).call_id, "nobody's")
        self.far.silent.add("BYE")
        ending = self.begin(self.gateway.hangup(agent.id, call.id))
        self.fails(WrongState, self.gateway.operation.end_call(call.id), 0.01)
        self.run_for(60)
        self.successResultOf(ending)
        self.assertEqual(call.cause, "local")

    def test_sign_out(self) -> None:
        """An agent is signed out with its calls, and its page hears why."""
        agent = self.sign_in()
        call, _ = self.outbound(agent)
        self.done(self.gateway.operation.sign_out(agent.id), 1)
        told = [(message.type, message.cause or message.reason) for message in self.messages(agent)]
        self.assertEqual(told[-2][0], MessageType.SHUTDOWN)
        self.assertEqual(told[-2][1], "operator")
        self.assertEqual(told[-1][0], MessageType.SIGNED_OUT)
        self.assertEqual(call.cause, "operator")
        self.assertIsNone(self.registry.find_agent(agent.id))
        self.fails(NotSignedIn, self.gateway.operation.sign_out(agent.id))


class WatchTests(GatewayCase):
    """What a subscriber sees of calls and pages."""

    def setUp(self) -> None:
        super().setUp()
        self.seen: list[tuple[str, object]] = []
        self.calls: list[tuple[str, str, str]] = []
        self.gateway.events.subscribe(CallBegan, self.began)
        self.gateway.events.subscribe(CallChanged, self.changed)
        self.gateway.events.subscribe(HoldChanged, lambda event: self.seen.append((event.by, event.on_hold)))
        self.gateway.events.subscribe(CallHandedOver, lambda event: self.seen.append(("agent", event.after.id)))

    def began(self, event: CallBegan) -> None:
        """Look on."""
        self.calls.append(("added", event.agent.id, event.sip_call_id))

    def changed(self, event: CallChanged) -> None:
        """Look on."""
        self.seen.append(("state", event.after))
        if event.after is CallState.ENDED:
            self.calls.append(("removed", event.call.agent_id, event.call.cause))

    def test_outbound(self) -> None:
        """A call is told with its Call-ID before anything was sent, each change once, and its end with the cause."""
        agent = self.sign_in()
        call, far = self.place(agent)
        self.assertEqual(self.calls, [("added", "alice", far.call_id)])
        far.ring()
        far.ring()
        far.answer(SDP)
        self.run_for(1)
        far.reinvite(SDP.replace("a=sendrecv", "a=sendonly"))
        self.run_for()
        far.bye()
        self.run_for()
        self.assertEqual(
            self.seen,
            [
                ("state", CallState.RINGING),
                ("state", CallState.ESTABLISHED),
                ("peer", True),
                ("state", CallState.ENDED),
            ],
        )
        self.assertEqual(self.calls[1:], [("removed", "alice", "remote")])
        self.assertEqual(self.core.sip_call_id(call.id), "")

    def test_inbound(self) -> None:
        """An incoming call has its Call-ID too; refused ones are none."""
        agent = self.sign_in()
        _, far = self.inbound(agent)
        self.assertEqual(self.calls, [("added", "alice", far.call_id)])
        self.gateway.operation.drain(True)
        self.far.call("5001", SDP)
        self.run_for()
        self.assertEqual(len(self.calls), 1)

    def test_other_agent(self) -> None:
        """A call that goes over to another agent tells so."""
        self.outbound(self.sign_in())
        self.seen.clear()
        self.sign_in("ann", "5001")
        self.assertEqual(self.seen, [("agent", "ann")])

    def test_page_back(self) -> None:
        """A page that was away during a call is told of when it is back, and one that polls on is not."""
        away: list[tuple[str, float]] = []
        self.gateway.events.subscribe(PageBack, lambda event: away.append((event.agent.id, round(event.away))))
        agent = self.sign_in()
        self.gateway.attend(agent.id)
        self.run_for(30)
        self.gateway.leave(agent.id)
        self.run_for(30)
        self.gateway.attend(agent.id)
        self.assertEqual(away, [], "there is no call")
        self.outbound(agent)
        self.run_for(30)
        self.gateway.leave(agent.id)
        self.gateway.attend(agent.id)
        self.gateway.leave(agent.id)
        self.run_for(3)
        self.gateway.seen(agent.id)
        self.assertEqual(away, [])
        self.run_for(12)
        self.gateway.seen(agent.id)
        self.run_for(7)
        self.gateway.attend(agent.id)
        self.assertEqual(away, [("alice", 12), ("alice", 7)])


class CallingBackTests(GatewayCase):
    """A subscriber that calls the gateway in the midst of being told."""

    def test_hang_up(self) -> None:
        """One that hangs up when a call is answered is safe, and each event is told in its order."""
        agent = self.sign_in()
        told: list[tuple[CallState, CallState]] = []

        def hang_up(event: CallChanged) -> None:
            if event.after is CallState.ESTABLISHED:
                self.begin(self.gateway.hangup(agent.id, event.call.id))

        self.gateway.events.subscribe(CallChanged, hang_up)
        self.gateway.events.subscribe(CallChanged, lambda event: told.append((event.before, event.after)))
        self.place(agent)
        self.far.calls[-1].answer(SDP)
        self.run_for(1)
        self.assertEqual(
            told,
            [
                (CallState.DIALLING, CallState.ESTABLISHED),
                (CallState.ESTABLISHED, CallState.ENDING),
                (CallState.ENDING, CallState.ENDED),
            ],
        )
        self.assertEqual(self.types(agent), ["ANSWER", "SHUTDOWN"])
        self.assertEqual(self.registry.call_count, 0)

    def test_page_hears_of_settled_state(self) -> None:
        """When a page hears of a call's answer or end, the call and the registry say the same."""
        agent = self.sign_in()
        seen: list[tuple[str, bool, int]] = []

        def look() -> None:
            message = agent.mailbox.after(0)[-1]
            answered = call.remote_sdp is not None
            seen.append((message.type.value, answered, self.registry.call_count))

        call, far = self.place(agent)
        agent.mailbox.subscribe(look)
        far.answer(SDP)
        self.run_for(1)
        far.bye()
        self.run_for(1)
        self.assertEqual(seen, [("ANSWER", True, 1), ("SHUTDOWN", True, 0)])
