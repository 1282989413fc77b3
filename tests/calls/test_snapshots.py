"""Calls and agents as plain data: restored from it they go on as the original does, whatever comes."""

import json
from collections.abc import Callable
from typing import Any

from attrs import fields
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.calls.test_negotiation import FAR, PAGE, STEPS, outcome
from wrtcgw.calls.abilities import ONE_CALL, PageAbilities
from wrtcgw.calls.agent import Agent, RegistrationState
from wrtcgw.calls.call import Call, CallState, Deadline, Direction, EndReason, FarSide
from wrtcgw.calls.mailbox import Mailbox
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.calls.negotiation.machine import Negotiation
from wrtcgw.calls.negotiation.snapshots import snapshot
from wrtcgw.calls.negotiation.table import NegotiationState
from wrtcgw.calls.stats import Flow, Media, Stats
from wrtcgw.calls.transfer import Transfer, TransferInput, Wish
from wrtcgw.errors import AmbiguousCall, UnknownCall, WrongState

ANSWER = AgentMessage(type=MessageType.ANSWER)

Step = Callable[[Call], object]

texts = st.text(max_size=8)  # with lone surrogates, as values that were no UTF-8 have
times = st.floats(0, 1e9)
pairs = st.lists(st.tuples(texts, texts), max_size=2).map(tuple)
numbers = st.integers(0, 100_000)
flows = st.builds(Flow, packets=numbers, lost=numbers, jitter=times)
media = st.builds(Media, codec=texts, mos=st.floats(0, 5), rtt=times, rx=flows, tx=flows)
stats = st.builds(Stats, timestamp=times, audio=media, video=st.none() | media)


def _negotiated(step: Any) -> Step:
    return lambda call: outcome(step, call.negotiation)


def _answered(now: float) -> Step:
    def step(call: Call) -> object:
        call.answer(now)
        if call.negotiation.state in (NegotiationState.OFFERING, NegotiationState.EARLY, NegotiationState.FORKED):
            return call.negotiation.first_answer(FAR, ANSWER)
        return call.negotiation.page_describes(PAGE, None)

    return step


CALL_STEPS: st.SearchStrategy[Step] = st.one_of(
    STEPS.map(_negotiated),
    st.builds(_answered, times),
    st.just(Call.ring),
    st.builds(lambda why: lambda call: call.hang_up(why), st.none() | st.builds(EndReason, texts, texts)),
    st.builds(lambda now, code: lambda call: call.end(now, "remote", code, "why"), times, st.integers(0, 699)),
    st.builds(lambda *party: lambda call: call.identify(*party), texts, texts, texts),
    st.builds(lambda uuid, data: lambda call: call.learn(uuid, data), texts, pairs),
    st.builds(lambda now: lambda call: call.want_answer(now), times),
    st.just(Call.tell_to_answer),
    st.builds(lambda name: lambda call: call.replace_by(name), texts),
    st.builds(lambda form: lambda call: call.attach(form), texts),
    st.builds(lambda number: lambda call: call.withhold(number), texts),
    st.builds(lambda name: lambda call: call.hand_over(name), texts),
    st.builds(lambda each, until: lambda call: call.wait(each, until), st.sampled_from(Deadline), times),
    st.builds(lambda each: lambda call: call.wait_no_more(each), st.sampled_from(Deadline)),
    st.builds(lambda told: lambda call: call.report(told), stats),
    st.just(Call.begin_transfer),
    st.builds(lambda event: lambda call: call.transfer.take(event, "c9"), st.sampled_from(TransferInput)),
    st.builds(lambda wish: lambda call: call.transfer.open_wish(wish), st.builds(Wish, texts, texts, texts)),
    st.just(lambda call: call.transfer.close_wish()),
    st.just(lambda call: call.transfer.referrer_knows()),
)


def do(step: Step, call: Call) -> object:
    """Return what a step makes of a call, and what others can see of it then."""
    try:
        done = str(step(call))
    except WrongState as error:
        done = str(error)
    return done, call.status, call.is_up, call.held, call.held_by_peer, call.ends_for


def outgoing() -> Call:
    """Return a call that the agent has placed."""
    far_side = FarSide("1@example.org", ("example.org",), "17")
    return Call.outbound("c1", "alice", "5002", PAGE, 1.5, far_side=far_side, form="a=b", referrer="c0")


def established() -> Call:
    """Return a call that the far side has answered."""
    call = outgoing()
    call.answer(2.5)
    call.negotiation.first_answer(FAR, ANSWER)
    return call


def incoming() -> Call:
    """Return a call that rings, with all that an INVITE can tell."""
    return Call(
        id="c1",
        agent_id="alice",
        direction=Direction.INBOUND,
        peer="5002",
        created=1.5,
        state=CallState.OFFERED,
        negotiation=Negotiation.inbound("c1", FAR),
        diversion=(("5003", "unconditional"),),
        headers=(("Subject", "a \N{SNOWMAN}"),),
        data=(("name", "\udcff"),),
        replaces="c0",
        referred_by="<sip:a@example.org>",
    )


def stored(data: object) -> Any:
    """Return what is read of data that were written as JSON."""
    return json.loads(json.dumps(data))


class Calls(SynchronousTestCase):
    """One call."""

    @settings(deadline=None, derandomize=True, max_examples=300)
    @given(
        st.sampled_from([outgoing, established, incoming]),
        st.lists(CALL_STEPS, max_size=20),
        st.lists(CALL_STEPS, max_size=12),
    )
    def test_restored(self, begin: Callable[[], Call], before: list[Step], after: list[Step]) -> None:
        """A call that is restored from its snapshot does with whatever follows what the original does."""
        original = begin()
        for step in before:
            do(step, original)
        taken = stored(original.snapshot())
        restored = Call.restore(taken)
        self.assertEqual(stored(restored.snapshot()), taken)
        for step in after:
            self.assertEqual(do(step, restored), do(step, original))
        self.assertEqual(stored(restored.snapshot()), stored(original.snapshot()))

    def test_values(self) -> None:
        """What is restored equals what was, type by type: JSON has no tuples, enums and descriptions."""
        for call in (outgoing(), incoming()):
            call.wait(Deadline.TALK, 2.5)
            call.hang_up(EndReason("operator", "an operator ended the call"))
            restored = Call.restore(stored(call.snapshot()))
            for each in fields(Call):
                if each.name != "negotiation":
                    value = getattr(call, each.name)
                    self.assertEqual(getattr(restored, each.name), value, each.name)
                    self.assertIs(type(getattr(restored, each.name)), type(value), each.name)
            self.assertEqual(restored.local_sdp, call.local_sdp)
            self.assertEqual(restored.remote_sdp, call.remote_sdp)

    def test_complete(self) -> None:
        """Each field of a call, of its transfer and of its negotiation is in the snapshot."""
        for kind, taken, left_out in (
            (Call, outgoing().snapshot(), set()),
            (Transfer, Transfer().snapshot(), set()),
            (Negotiation, snapshot(outgoing().negotiation), {"_outputs"}),
            (Agent, agent().snapshot(), {"arrived"}),
        ):
            names = {each.name for each in fields(kind)}
            self.assertEqual(taken.keys() - {"version"}, names - left_out)

    def test_other_clock(self) -> None:
        """Where the clock has begun anew all times are shifted; what has not happened has no time."""
        call = outgoing()
        call.answer(2.5)
        call.wait(Deadline.PAGE, 10.5)
        restored = Call.restore(stored(call.snapshot()), shift=-1.0)
        self.assertEqual((restored.created, restored.answered, restored.ended), (0.5, 1.5, None))
        self.assertEqual(restored.deadlines, {Deadline.PAGE: 9.5})

    def test_other_version(self) -> None:
        """Data of another version are refused, and say so."""
        for restore in (Call.restore, lambda data: Agent.restore(data, Mailbox())):
            with self.assertRaisesRegex(ValueError, "expected version 1, found 2"):
                restore({"version": 2})


def agent(*calls: Call) -> Agent:
    """Return an agent with calls."""
    found = Agent(id="alice", dn="5001", since=3.5, display_name="Alice", abilities=ONE_CALL, last_seen=4.5)
    found.calls.update((call.id, call) for call in calls)
    return found


def seen(restored: Agent) -> object:
    """Return what others can ask an agent."""
    found = []
    for name in ("c1", "c2", "nobody's", None):
        try:
            found.append(restored.call(name).id)
        except (UnknownCall, AmbiguousCall) as error:
            found.append(str(error))
    return found, restored.has_call, restored.guest, restored.account, list(restored.heard)


class Agents(SynchronousTestCase):
    """An agent with its calls."""

    @settings(deadline=None, derandomize=True, max_examples=60)
    @given(
        st.lists(CALL_STEPS, max_size=6),
        st.lists(CALL_STEPS, max_size=6),
        st.lists(texts, max_size=120),
        st.sampled_from(RegistrationState),
        st.builds(PageAbilities, several_calls=st.booleans(), is_guest=st.booleans()),
    )
    def test_restored(
        self,
        before: list[Step],
        after: list[Step],
        heard: list[str],
        registration: RegistrationState,
        abilities: PageAbilities,
    ) -> None:
        """A restored agent has the same calls, in their order, and what happens to them is seen of it as before."""
        other = incoming()
        other.id = "c2"
        original = agent(outgoing(), other)
        for name in heard:
            original.hear(name)
        original.registration, original.abilities = registration, abilities
        for step in before:
            do(step, original.calls["c1"])
        mailbox = Mailbox()
        restored = Agent.restore(stored(original.snapshot()), mailbox)
        self.assertEqual((list(restored.calls), restored.abilities), (["c1", "c2"], abilities))
        self.assertIs(restored.mailbox, mailbox)
        for step in after:
            for each in (original, restored):
                do(step, each.calls["c1"])
                each.hear("one more")
            self.assertEqual(seen(restored), seen(original))
        self.assertEqual(stored(restored.snapshot()), stored(original.snapshot()))

    def test_page_is_gone(self) -> None:
        """No page listens to an agent that was restored: connections end with the process."""
        original = agent()
        original.pages[0].waiting = 2
        restored = Agent.restore(stored(original.snapshot()), Mailbox(), shift=1.0)
        self.assertEqual((restored.page_alive, restored.since, restored.last_seen), (False, 4.5, 5.5))
