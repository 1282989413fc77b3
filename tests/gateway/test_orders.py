"""What applications order: calls in an agent's name, that its page answer, and quiet."""

from tests.support.gatewaycase import PAGE, PAGE_SDP, GatewayCase
from wrtcgw.calls.abilities import ONE_CALL
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState, Direction
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.errors import (
    BadInput,
    DestinationForbidden,
    Draining,
    NoSIPConnection,
    NotSignedIn,
    TooManyCalls,
    UnknownCall,
    WrongState,
)
from wrtcgw.events.catalogue import CallBegan, CallChanged, CallDialled, DoNotDisturbChanged
from wrtcgw.sip.outputs import CallEnded


class OrderCase(GatewayCase):
    """An agent, and an application."""

    def start(self, **changes: object) -> None:
        """Make the gateway, with an agent signed in."""
        super().start(**changes)
        self.told: list[object] = []
        for kind in (CallBegan, CallDialled, CallChanged, DoNotDisturbChanged):
            self.gateway.events.subscribe(kind, self.told.append)
        self.agent = self.sign_in()

    def order(self, to: str = "1003", *, answer: bool = False, agent: Agent | None = None) -> Call:
        """Order a call."""
        call = self.gateway.order_call((agent or self.agent).id, to, answer=answer)
        self.run_for()
        return call

    def offer(self, call: Call, kind: MessageType | None = MessageType.OFFER) -> None:
        """Let the page make its offer."""
        self.gateway.send_description(self.agent.id, call.id, PAGE_SDP, page_address=PAGE, kind=kind)  # type: ignore[arg-type]
        self.run_for()

    def message(self) -> AgentMessage:
        """Return the only message that the page was told."""
        (message,) = self.messages(self.agent)
        return message


class PlacedTests(OrderCase):
    """Calls in an agent's name."""

    def test_asked_and_placed(self) -> None:
        """The page is asked for an offer, the INVITE has it, and from then on it is a call like any other."""
        call = self.order()
        message = self.message()
        self.assertEqual(
            (message.type, message.sdp, message.cause, message.from_, message.state, message.auto_answer),
            (MessageType.OFFER, None, "ordered", "1003", "OFFERED", None),
        )
        self.assertEqual((call.direction, call.state), (Direction.OUTBOUND, CallState.OFFERED))
        self.assertTrue(self.gateway.wants(message))
        self.assertEqual(self.far.calls, [])
        self.offer(call)
        far = self.far.calls[-1]
        self.assertIn("m=audio 30000", far.offer)
        self.assertEqual((call.state, call.order), (CallState.DIALLING, ""))
        far.ring()
        far.answer()
        self.run_for(1)
        self.assertEqual(self.types(self.agent), ["RINGING", "ANSWER"])
        self.assertIs(call.state, CallState.ESTABLISHED)
        self.done(self.gateway.hangup(self.agent.id, call.id))
        self.assertIs(call.state, CallState.ENDED)

    def test_events(self) -> None:
        """It begins without a Call-ID, which is told when it is placed."""
        call = self.order()
        self.offer(call)
        began, changed, dialled = self.told[:3]
        assert isinstance(began, CallBegan) and isinstance(changed, CallChanged) and isinstance(dialled, CallDialled)
        self.assertEqual((began.sip_call_id, dialled.sip_call_id), ("", self.core.sip_call_id(call.id)))
        self.assertEqual((changed.before, changed.after), (CallState.OFFERED, CallState.DIALLING))

    def test_without_a_call_id_or_kind(self) -> None:
        """A simple page answers what rings with a description, whatever it is."""
        self.order()
        call = self.gateway.answer(self.agent.id, None, PAGE_SDP, page_address=PAGE)
        self.run_for()
        self.assertIs(call.state, CallState.DIALLING)

    def test_answer_is_no_offer(self) -> None:
        """The page's answer to what is no offer is refused."""
        call = self.order()
        with self.assertRaises(WrongState):
            self.offer(call, MessageType.ANSWER)
        self.offer(call)
        self.assertIs(call.state, CallState.DIALLING)

    def test_by_itself(self) -> None:
        """A page that knows of one call is told to answer where that was ordered, and others hear it in the OFFER."""
        self.order(answer=True)
        self.assertEqual(self.message().auto_answer, 0.0)
        other = self.sign_in("bob", "5002", abilities=ONE_CALL)
        self.order(answer=True, agent=other)
        self.assertEqual(self.types(other), ["OFFER", "TALK"])

    def test_far_side_refuses(self) -> None:
        """The far side's refusal ends it as any call of the page."""
        call = self.order()
        self.offer(call)
        self.far.calls[-1].refuse(486)
        self.run_for()
        ended = self.last(self.agent, MessageType.ERROR)
        self.assertEqual((ended.cause, ended.code, ended.call_id), ("busy", 486, call.id))

    def test_new_page(self) -> None:
        """A page that has come meanwhile is asked as well."""
        call = self.order(answer=True)
        self.messages(self.agent)
        self.sign_in()
        message = self.last(self.agent, MessageType.OFFER)
        self.assertEqual((message.call_id, message.sdp, message.cause), (call.id, None, "ordered"))


class NotPlacedTests(OrderCase):
    """Calls that come to nothing: nobody else hears of them."""

    def ended(self, call: Call, cause: str) -> None:
        """Check that a call is over, and that its page was told so."""
        self.assertEqual((call.state, call.cause), (CallState.ENDED, cause))
        self.assertEqual(self.last(self.agent, MessageType.SHUTDOWN).cause, cause)
        self.assertEqual(self.far.calls, [])
        self.assertEqual([event for event in self.events if isinstance(event, CallEnded)], [])
        self.assertEqual(list(self.gateway.calls()), [])

    def test_rejected(self) -> None:
        """The agent may say no."""
        for verb in (self.gateway.hangup, self.gateway.reject):
            call = self.order()
            self.assertEqual(self.done(verb(self.agent.id, call.id)).code, 0)
            self.ended(call, "local")

    def test_silent_page(self) -> None:
        """A page that makes no offer has no call after ``order_timeout``."""
        call = self.order()
        self.run_for(29)
        self.assertIs(call.state, CallState.OFFERED)
        self.run_for(1)
        self.ended(call, "order-expired")

    def test_by_operator(self) -> None:
        """An operator may end it, too."""
        call = self.order()
        self.done(self.gateway.operation.end_call(call.id))
        self.ended(call, "operator")

    def test_sign_out(self) -> None:
        """It ends with its agent's session."""
        call = self.order()
        self.done(self.gateway.sign_out(self.agent.id))
        self.assertIs(call.state, CallState.ENDED)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_refused(self) -> None:
        """What the agent may not call, it may not be told to call."""
        self.start(forbidden_destinations=("0190*",), max_calls=1, calls_per_minute=3)
        for to, error in (("0190123", DestinationForbidden), ("<>", BadInput)):
            with self.assertRaises(error):
                self.gateway.order_call(self.agent.id, to, answer=False)
        with self.assertRaises(NotSignedIn):
            self.gateway.order_call("nobody", "1003", answer=False)
        self.order()
        with self.assertRaises(TooManyCalls):
            self.gateway.order_call(self.agent.id, "1003", answer=False)
        self.done(self.gateway.hangup(self.agent.id))
        self.gateway.operation.drain(True)
        with self.assertRaises(Draining):
            self.gateway.order_call(self.agent.id, "1003", answer=False)

    def test_counts(self) -> None:
        """Each order counts for the limit of calls in a minute, whether the page goes along with it or not."""
        self.start(calls_per_minute=2)
        for _ in range(2):
            self.order()
            self.done(self.gateway.hangup(self.agent.id))
        with self.assertRaises(TooManyCalls):
            self.gateway.order_call(self.agent.id, "1003", answer=False)

    def test_connection_lost(self) -> None:
        """An offer that cannot be sent is refused, and can be made again."""
        call = self.order()
        self.gateway.disconnected(0)
        with self.assertRaises(NoSIPConnection):
            self.offer(call)
        self.gateway.connected(0)
        self.run_for()
        self.offer(call)
        self.assertIs(call.state, CallState.DIALLING)


class OthersTests(OrderCase):
    """Answering, and quiet."""

    def test_ask_to_answer(self) -> None:
        """The page of a call that rings is told to answer; another state is refused."""
        call, _ = self.inbound(self.agent)
        self.messages(self.agent)
        self.assertIs(self.gateway.ask_to_answer(self.agent.id, None), call)
        self.assertEqual(self.types(self.agent), ["TALK"])
        self.describe(self.agent)
        with self.assertRaises(WrongState):
            self.gateway.ask_to_answer(self.agent.id, call.id)
        with self.assertRaises(UnknownCall):
            self.gateway.ask_to_answer(self.agent.id, "none")

    def test_do_not_disturb(self) -> None:
        """Callers hear that the agent is busy, until it wants calls again; its own calls go on."""
        call, far = self.inbound(self.agent)
        self.gateway.do_not_disturb(self.agent.id, True)
        self.gateway.do_not_disturb(self.agent.id, True)
        self.assertEqual(self.types(self.agent), ["OFFER", "DO_NOT_DISTURB"])
        other = self.far.call("5001")
        self.run_for()
        self.assertEqual((other.last("INVITE").status, far.last("INVITE").status), (486, 180))
        self.assertTrue(call.is_up)
        self.gateway.do_not_disturb(self.agent.id, False)
        self.assertEqual([message.state for message in self.messages(self.agent)], ["OFF"])
        other = self.far.call("5001")
        self.run_for()
        self.assertEqual(other.last("INVITE").status, 180)
        quiet = [event.on for event in self.told if isinstance(event, DoNotDisturbChanged)]
        self.assertEqual(quiet, [True, False])
