"""The negotiation machine: its figure, all pairs of state and input, and that it goes on as it was after a restart."""

from collections.abc import Callable
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.calls.negotiation import outputs as nego
from wrtcgw.calls.negotiation.hold import BY_GATEWAY, Hold
from wrtcgw.calls.negotiation.machine import MAX_ORDERS, Negotiation
from wrtcgw.calls.negotiation.outputs import Next, Order, Purpose
from wrtcgw.calls.negotiation.snapshots import restore, snapshot
from wrtcgw.calls.negotiation.table import TABLE, Input, NegotiationState
from wrtcgw.errors import WrongState
from wrtcgw.sdp.description import Description, parse

PAGE = parse(
    "v=0\r\no=page 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0\r\n"
    "c=IN IP4 192.0.2.1\r\na=sendrecv\r\n"
)
FAR = parse(str(PAGE).replace("page 1", "far 7").replace("30000", "40000").replace("192.0.2.1", "198.51.100.7"))
ANSWER = AgentMessage(type=MessageType.ANSWER)


def moved(description: Description, port: int) -> Description:
    """Return a description with another port, which the page has to be told of."""
    return description.with_streams(stream.with_media_line(port=str(port)) for stream in description.streams)


def turned(description: Description, direction: str) -> Description:
    """Return a description with another direction."""
    return parse(str(description).replace("sendrecv", direction))


S, I = NegotiationState, Input  # noqa: E741 (columns)

FIGURE = """
OFFERING            EARLY_ANSWER  EARLY
OFFERING            ANSWER        STABLE
EARLY               EARLY_ANSWER  FORKED
EARLY               ANSWER        STABLE
FORKED              EARLY_ANSWER  FORKED
FORKED              ANSWER        STABLE
OFFERED             PAGE_ANSWER   STABLE
OFFER_WANTED        PAGE_OFFER    ANSWER_AWAITED
ANSWER_AWAITED      LATE_ANSWER   STABLE
STABLE              PAGE_OFFER    LOCAL_OFFER
STABLE              ORDER         LOCAL_OFFER
STABLE              ACCEPTED_LATE LOCAL_OFFER
STABLE              NEW_OFFER     REMOTE_OFFER
STABLE              LATE_ANSWER   CATCHING_UP
LOCAL_OFFER         ANSWER        STABLE
LOCAL_OFFER         REFUSAL       STABLE
REMOTE_OFFER        PAGE_ANSWER   STABLE
REMOTE_OFFER        PAGE_OFFER    LOCAL_OFFER
REMOTE_OFFER        WITHDRAWN     STABLE
REMOTE_OFFER        PAGE_SILENT   STABLE
CATCHING_UP         PAGE_ANSWER   STABLE
CATCHING_UP         PAGE_OFFER    LOCAL_OFFER
CATCHING_UP         ORDER         CATCHING_UP_LOCAL_OFFER
CATCHING_UP         ACCEPTED_LATE CATCHING_UP_LOCAL_OFFER
CATCHING_UP         NEW_OFFER     CATCHING_UP_REMOTE_OFFER
CATCHING_UP         PAGE_SILENT   STABLE
CATCHING_UP         NEW_PAGE      STABLE
CATCHING_UP_LOCAL_OFFER  PAGE_ANSWER LOCAL_OFFER
CATCHING_UP_LOCAL_OFFER  PAGE_OFFER  LOCAL_OFFER
CATCHING_UP_LOCAL_OFFER  ANSWER      CATCHING_UP
CATCHING_UP_LOCAL_OFFER  REFUSAL     CATCHING_UP
CATCHING_UP_LOCAL_OFFER  PAGE_SILENT LOCAL_OFFER
CATCHING_UP_LOCAL_OFFER  NEW_PAGE    LOCAL_OFFER
CATCHING_UP_REMOTE_OFFER PAGE_ANSWER REMOTE_OFFER
CATCHING_UP_REMOTE_OFFER PAGE_OFFER  LOCAL_OFFER
CATCHING_UP_REMOTE_OFFER WITHDRAWN   CATCHING_UP
CATCHING_UP_REMOTE_OFFER PAGE_SILENT REMOTE_OFFER
CATCHING_UP_REMOTE_OFFER NEW_PAGE    REMOTE_OFFER
"""
"""The moves that lead to another state, copied by hand from the figure; END leads to OVER from anywhere."""

STAYS = {
    I.KNOWN_OFFER: set(S) - {S.OVER},
    I.OFFER_REQUEST: set(S) - {S.OVER},
    I.NEW_OFFER: set(S) - {S.OVER, S.STABLE, S.CATCHING_UP},
    I.ORDER: {S.ANSWER_AWAITED, S.LOCAL_OFFER, S.REMOTE_OFFER, S.CATCHING_UP_LOCAL_OFFER, S.CATCHING_UP_REMOTE_OFFER},
    I.PAGE_OFFER: {S.ANSWER_AWAITED, S.LOCAL_OFFER},
    I.LATE_ANSWER: {
        S.LOCAL_OFFER,
        S.REMOTE_OFFER,
        S.CATCHING_UP,
        S.CATCHING_UP_LOCAL_OFFER,
        S.CATCHING_UP_REMOTE_OFFER,
    },
    I.NEW_PAGE: {S.ANSWER_AWAITED, S.STABLE, S.LOCAL_OFFER, S.REMOTE_OFFER},
}
"""What is served without leaving the state."""

FIXED: dict[Input, tuple[Any, ...]] = {
    I.PAGE_OFFER: (moved(PAGE, 30002),),
    I.PAGE_ANSWER: (moved(PAGE, 30004),),
    I.ORDER: (Order(Purpose.HOLD, "local"),),
    I.KNOWN_OFFER: (FAR,),
    I.NEW_OFFER: (moved(FAR, 40002),),
    I.EARLY_ANSWER: (moved(FAR, 40010),),
    I.ANSWER: (moved(FAR, 40004),),
    I.LATE_ANSWER: (moved(FAR, 40006),),
}


def established() -> Negotiation:
    """Return the negotiation of a call that the far side has answered."""
    negotiation = Negotiation.outbound("c1", PAGE)
    negotiation.first_answer(FAR, ANSWER)
    return negotiation


def _catching_up() -> Negotiation:
    negotiation = established()
    negotiation.late_answer(moved(FAR, 40020))
    return negotiation


def _after(begin: Callable[[], Negotiation], *steps: Callable[[Negotiation], object]) -> Negotiation:
    negotiation = begin()
    for step in steps:
        step(negotiation)
    return negotiation


WAYS: dict[NegotiationState, Callable[[], Negotiation]] = {
    S.OFFERING: lambda: Negotiation.outbound("c1", PAGE),
    S.EARLY: lambda: _after(WAYS[S.OFFERING], lambda n: n.early_answer(FAR)),
    S.FORKED: lambda: _after(WAYS[S.EARLY], lambda n: n.early_answer(moved(FAR, 40030))),
    S.OFFERED: lambda: Negotiation.inbound("c1", FAR),
    S.OFFER_WANTED: lambda: Negotiation.inbound("c1", None),
    S.ANSWER_AWAITED: lambda: _after(WAYS[S.OFFER_WANTED], lambda n: n.page_describes(PAGE, MessageType.OFFER)),
    S.STABLE: established,
    S.LOCAL_OFFER: lambda: _after(established, lambda n: n.page_describes(moved(PAGE, 30008), MessageType.OFFER)),
    S.REMOTE_OFFER: lambda: _after(established, lambda n: n.far_offer(moved(FAR, 40008))),
    S.CATCHING_UP: _catching_up,
    S.CATCHING_UP_LOCAL_OFFER: lambda: _after(_catching_up, lambda n: n.order(Order(Purpose.HOLD, "local"))),
    S.CATCHING_UP_REMOTE_OFFER: lambda: _after(_catching_up, lambda n: n.far_offer(moved(FAR, 40008))),
    S.OVER: lambda: _after(established, lambda n: n.end()),
}
"""How each state is reached."""


def feed(negotiation: Negotiation, event: Input) -> list[nego.Output]:
    """Give an input with values that make it what it is."""
    values = FIXED.get(event, ())
    if event is I.ANSWER and negotiation.offer is None:
        values = (*values, ANSWER)
    return negotiation._take(event, *values)


def check_invariants(case: SynchronousTestCase, negotiation: Negotiation) -> None:
    """Check that what a negotiation holds belongs to its state."""
    state = negotiation.state
    case.assertIs(negotiation.offer is not None, state in (S.LOCAL_OFFER, S.CATCHING_UP_LOCAL_OFFER))
    case.assertIs(negotiation.asked is not None, state is S.REMOTE_OFFER or negotiation.is_catching_up)
    case.assertIs(negotiation.put_off is not None, state is S.CATCHING_UP_REMOTE_OFFER)
    case.assertLessEqual(len(negotiation.orders), MAX_ORDERS)


class Figure(SynchronousTestCase):
    """Every pair of state and input."""

    def expected(self) -> dict[tuple[NegotiationState, Input], NegotiationState]:
        """Return where each pair leads that is served."""
        moves = {(S[a], I[event]): S[b] for a, event, b in map(str.split, FIGURE.strip().splitlines())}
        moves |= {(state, event): state for event, states in STAYS.items() for state in states}
        moves |= {(state, I.END): S.OVER for state in S if state is not S.OVER}
        return moves

    def test_all_pairs(self) -> None:
        """Each pair leads where the figure says, or is refused to the page, or absorbed."""
        expected = self.expected()
        for state, event in product(S, I):
            negotiation = WAYS[state]()
            self.assertIs(negotiation.state, state)
            check_invariants(self, negotiation)
            if (state, event) in expected:
                feed(negotiation, event)
                self.assertIs(negotiation.state, expected[state, event], (state, event))
                check_invariants(self, negotiation)
            elif event in (I.PAGE_OFFER, I.PAGE_ANSWER, I.ORDER):
                with self.assertRaises(WrongState):
                    feed(negotiation, event)
                self.assertIs(negotiation.state, state)
            else:
                self.assertEqual(feed(negotiation, event), [], (state, event))
                self.assertIs(negotiation.state, state)
        self.assertEqual(TABLE.keys(), expected.keys())

    def test_actions_exist(self) -> None:
        """Each row of the table names a method."""
        for action, _ in TABLE.values():
            self.assertTrue(callable(getattr(Negotiation, action)), action)


class Yielding(SynchronousTestCase):
    """What meets what."""

    def test_nobody_waits_for_a_page_that_catches_up(self) -> None:
        """An order goes out at once, and the far side's news waits for the page instead of being refused."""
        negotiation = WAYS[S.CATCHING_UP]()
        (sent,) = negotiation.order(Order(Purpose.HOLD, "local"))
        self.assertIsInstance(sent, nego.SendOffer)
        negotiation = WAYS[S.CATCHING_UP]()
        self.assertEqual(negotiation.far_offer(moved(FAR, 40008)), [])
        outputs = negotiation.page_describes(moved(PAGE, 30002), MessageType.ANSWER)
        told = [output.message.sdp for output in outputs if isinstance(output, nego.Tell)]
        self.assertEqual(told, [str(moved(FAR, 40008))])

    def test_news_while_catching_up(self) -> None:
        """What the far side has said meanwhile is told when the page has caught up."""
        negotiation = WAYS[S.CATCHING_UP]()
        self.assertEqual(negotiation.late_answer(moved(FAR, 40022)), [])
        outputs = negotiation.page_describes(moved(PAGE, 30002), MessageType.ANSWER)
        told = [output.message.sdp for output in outputs if isinstance(output, nego.Tell)]
        self.assertEqual((told, negotiation.state), ([str(moved(FAR, 40022))], S.CATCHING_UP))
        negotiation.page_describes(moved(PAGE, 30002), MessageType.ANSWER)
        self.assertIs(negotiation.state, S.STABLE)

    def test_new_page_while_catching_up(self) -> None:
        """A new page, of whose media the far side knows nothing, is asked for an offer instead."""
        negotiation = WAYS[S.CATCHING_UP]()
        done, asked = negotiation.new_page()
        assert isinstance(asked, nego.Tell)
        self.assertEqual((done, asked.message.sdp, asked.message.cause), (nego.PageDone(), None, "resync"))

    def test_news_in_the_answer_to_an_order(self) -> None:
        """What is new in the answer to an offer that the page has not made is for the page to catch up with."""
        negotiation = established()
        negotiation.order(Order(Purpose.HOLD, "local"))
        negotiation.answered(moved(turned(FAR, "recvonly"), 40012))
        self.assertIs(negotiation.state, S.CATCHING_UP)

    def test_far_side_ends_the_wait(self) -> None:
        """A re-INVITE that was put off and is withdrawn has never been told."""
        negotiation = WAYS[S.CATCHING_UP_REMOTE_OFFER]()
        self.assertEqual(negotiation.far_withdrew(), [])
        self.assertIs(negotiation.state, S.CATCHING_UP)

    def test_end(self) -> None:
        """The end fails all orders, and leaves nothing."""
        negotiation = WAYS[S.CATCHING_UP_LOCAL_OFFER]()
        negotiation.order(Order(Purpose.RESUME, "local"))
        outputs = negotiation.end()
        failed = [output.error.action for output in outputs if isinstance(output, nego.OrderFailed)]
        self.assertEqual(failed, ["hold", "resume"])
        check_invariants(self, negotiation)
        self.assertEqual((negotiation.next, len(negotiation.orders)), (Next.NOTHING, 0))

    def test_server_repeats_itself(self) -> None:
        """The server, which ordered what is so by the time of its turn, is content; a page is told."""
        for by, kind in (("server", nego.OrderDone), ("local", nego.OrderFailed)):
            negotiation = established()
            negotiation.order(Order(Purpose.HOLD, "local"))
            negotiation.order(Order(Purpose.HOLD, by))
            negotiation.answered(turned(FAR, "recvonly"))
            done, then = negotiation.proceed()
            self.assertIsInstance(done, kind)
            self.assertEqual(then, nego.Proceed())

    def test_order_that_is_forgotten(self) -> None:
        """An order whose time is over is not carried out later."""
        negotiation = established()
        negotiation.order(Order(Purpose.HOLD, "local"))
        late = Order(Purpose.RESUME, "local")
        negotiation.order(late)
        self.assertFalse(negotiation.will_be_on_hold)
        negotiation.forget(late)
        negotiation.forget(late)
        self.assertTrue(negotiation.will_be_on_hold)
        negotiation.answered(turned(FAR, "recvonly"))
        self.assertEqual(negotiation.proceed(), [])


PAGE_TEXTS = [turned(moved(PAGE, port), way) for port in (30000, 30002) for way in ("sendrecv", "sendonly", "inactive")]
FAR_TEXTS = [turned(moved(FAR, port), way) for port in (40000, 40002) for way in ("sendrecv", "sendonly", "recvonly")]


def with_video(description: Description) -> Description:
    """Return a description with a stream more."""
    return parse(str(description) + "m=video 30010 RTP/AVP 96\r\na=sendrecv\r\n")


PAGE_TEXTS += [with_video(PAGE), parse(str(PAGE).replace("m=audio 30000", "m=video 30010"))]
FAR_TEXTS += [with_video(FAR), parse(str(FAR).replace("m=audio 40000", "m=video 40010"))]

Step = Callable[[Negotiation], list[nego.Output]]


def _describe(kind: MessageType | None, text: Description, repeats: bool) -> Step:
    return lambda n: n.page_describes(text, kind, may_repeat=repeats)


def _order(purpose: Purpose, by: str) -> Step:
    order = Order(purpose, by)
    return lambda n: n.order(order)


def _told_to_hold(n: Negotiation) -> list[nego.Output]:
    n.order_page_to_hold()
    return []


def _handed_over(n: Negotiation) -> list[nego.Output]:
    n.hand_hold_over(holds_by_itself=True)
    return n.new_page()


far_texts = st.sampled_from(FAR_TEXTS)
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(
        _describe,
        st.sampled_from([MessageType.OFFER, MessageType.ANSWER, None]),
        st.sampled_from(PAGE_TEXTS),
        st.booleans(),
    ),
    st.builds(_order, st.sampled_from([Purpose.HOLD, Purpose.RESUME]), st.sampled_from(["local", "server"])),
    st.builds(lambda text: lambda n: n.far_offer(text), st.one_of(st.none(), far_texts)),
    st.builds(lambda text: lambda n: n.late_answer(text), far_texts),
    st.builds(lambda text: lambda n: n.answered(text) if n.has_open_offer else [], far_texts),
    st.sampled_from(
        [
            Negotiation.refused,
            Negotiation.far_withdrew,
            Negotiation.accepted_late,
            Negotiation.page_silent,
            Negotiation.proceed,
            _handed_over,
            _told_to_hold,
        ]
    ),
)


def outcome(step: Step, negotiation: Negotiation) -> object:
    """Return what a step makes of a negotiation: its outputs, or the refusal."""
    try:
        return [str(output) for output in step(negotiation)]
    except WrongState as error:
        return str(error)


class Walks(SynchronousTestCase):
    """Random events."""

    @settings(deadline=None, derandomize=True, max_examples=300)
    @given(st.sampled_from([S.STABLE, S.OFFERED, S.OFFER_WANTED, S.CATCHING_UP]), st.lists(STEPS, max_size=25))
    def test_invariants(self, start: NegotiationState, steps: list[Step]) -> None:
        """Whatever happens, what is held belongs to the state, and the page is waited for while it is asked."""
        negotiation = WAYS[start]()
        waiting = negotiation.asked is not None
        for step in steps:
            try:
                outputs = step(negotiation)
            except WrongState:
                outputs = []
            for output in outputs:
                waiting = (waiting or output == nego.WaitForPage()) and output != nego.PageDone()
            check_invariants(self, negotiation)
            self.assertIs(waiting, negotiation.asked is not None)

    @settings(deadline=None, derandomize=True, max_examples=300)
    @given(st.lists(STEPS, max_size=15), st.lists(STEPS, max_size=10))
    def test_restored(self, before: list[Step], after: list[Step]) -> None:
        """A negotiation that is restored from its snapshot goes on as the original does."""
        original = established()
        for step in before:
            outcome(step, original)
        restored = restore(snapshot(original))
        self.assertEqual(snapshot(restored), snapshot(original))
        for step in after:
            self.assertEqual(outcome(step, restored), outcome(step, original))
        self.assertEqual(snapshot(restored), snapshot(original))
        self.assertIs(restored.hold in BY_GATEWAY, restored.on_hold)
        self.assertIsInstance(restored.hold, Hold)
