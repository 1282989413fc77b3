"""
What the parts of the gateway share: the core and the order in which its outputs are carried out, the tables, the clock.

An output can make a part call the core again. What that yields is carried out after everything that came before it, so
messages leave in the order in which the core made them.

All that is done is done in an *entry* of the stream of events (:mod:`wrtcgw.events.stream`): a SIP message, an order of
a page, a timer. When all outputs are acted on, and the tables agree with the core, the others are told in the order of
what happened: far sides by SIP messages, pages by messages, and who looks on. Then each verb that has waited for an
outcome goes on, as an entry of its own.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from attrs import evolve, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState, Deadline
from wrtcgw.calls.messages import AgentMessage
from wrtcgw.calls.page import Page
from wrtcgw.calls.registry import Registry
from wrtcgw.errors import RequestRefused, StoreUnreachable
from wrtcgw.events.catalogue import CallBegan, CallChanged, MessageQueued
from wrtcgw.events.stream import EventStream
from wrtcgw.gateway.attached_data import Data, fitting, to_form, to_headers
from wrtcgw.gateway.audience import audience
from wrtcgw.gateway.call_legs import CallLeg
from wrtcgw.gateway.dial_targets import parse_target
from wrtcgw.gateway.outbox import Immediate, Outbox
from wrtcgw.gateway.permits import Permits
from wrtcgw.gateway.settings import GatewaySettings, Outcome
from wrtcgw.sip.core import UACore
from wrtcgw.sip.outputs import Output, Send
from wrtcgw.sip.uri import URI

T = TypeVar("T")

NO_ANSWER = Outcome(408, "no answer from the far side")
"""Stands for a response that did not come in time."""
ELSEWHERE = Outcome(503, "another gateway has the agent now")
"""Stands for a response to what this gateway had asked when it lost the agent to another one."""


class Hooks(Protocol):
    """What the shell does for the gateway; see the attributes of :class:`~wrtcgw.gateway.facade.Gateway`."""

    rearm: Callable[[], None]
    report: Callable[[Exception], None]


@implementer(IReactorTime)
@frozen
class EntryClock:
    """
    A clock whose delayed calls are entries of a stream.

    :ivar plain: the clock beneath.
    """

    plain: IReactorTime
    _events: EventStream

    def seconds(self) -> float:
        """Return the time."""
        return self.plain.seconds()

    def callLater(
        self,
        delay: float,
        callable: Callable[..., Any],
        *args: object,
        **kwargs: object,
    ) -> IDelayedCall:
        """Call ``callable`` after ``delay`` seconds."""
        return self.plain.callLater(delay, self._enter, partial(callable, *args, **kwargs))

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:  # noqa: N802
        """Return what is still to be called."""
        return self.plain.getDelayedCalls()

    def _enter(self, act: Callable[[], object]) -> None:
        with self._events:
            act()


class GatewayContext:
    """
    The ground on which the parts stand.

    :ivar clock: each of its delayed calls is an entry.
    :ivar draining: no new sign_ins and calls are taken.
    :ivar on_deadline: what is done when a deadline of a call has come.

    :param send: carries one SIP message to the WebSocket of a flow.
    :param events: told of all that happens.
    """

    def __init__(
        self,
        core: UACore,
        registry: Registry,
        clock: IReactorTime,
        settings: GatewaySettings,
        send: Callable[[int, str], None],
        hooks: Hooks,
        events: EventStream,
    ) -> None:
        self.core = core
        self.registry = registry
        self.events = events
        self.clock = EntryClock(clock, events)
        self.settings = settings
        self.legs: dict[str, CallLeg] = {}
        self.dispatch: Callable[[Output], None] = lambda output: None
        self.on_deadline: dict[Deadline, Callable[[CallLeg], None]] = {}
        self.draining = False
        self.mark = ""
        """What the names have in them that this gateway gives to its guests, where others share its store."""
        self._hooks = hooks
        self.permits = Permits(lambda: self.settings, self.now, events.publish)
        self._outputs: deque[Output] = deque()
        self._is_acting = False
        self.outbox: Outbox = Immediate(core)
        events.settled = self._settled
        events.subscribe(Send, lambda event: self.outbox.put(partial(send, event.flow, event.text), event.account))
        events.subscribe(
            MessageQueued,
            lambda event: self.outbox.put(partial(event.page.mailbox.release, event.message.seq), event.agent.account),
        )

    def _settled(self) -> None:
        self.outbox.settled()

    def now(self) -> float:
        """Return the clock's seconds."""
        return self.clock.seconds()

    def later(self, delay: float, act: Callable[[], None]) -> IDelayedCall:
        """Call ``act`` after ``delay`` seconds."""
        return self.clock.callLater(delay, act)

    def run(self, outputs: list[Output]) -> None:
        """Carry outputs out, after those that are being carried out already; then let the shell re-arm its timer."""
        self._outputs.extend(outputs)
        if self._is_acting:
            return
        with self.events:
            self._is_acting = True
            try:
                while self._outputs:
                    self._carry_out(self._outputs.popleft())
            finally:
                self._is_acting = False
                self._hooks.rearm()

    def report(self, error: Exception) -> None:
        """Tell the shell of a bug that did not hurt anything else."""
        self._hooks.report(error)

    def give(self, waiting: "Deferred[T]", result: T | Exception) -> None:
        """Let who waits go on with ``result``, or fail with it, when this entry has settled and was told."""
        if isinstance(result, Exception):
            self.events.afterwards(partial(waiting.errback, result))
        else:
            self.events.afterwards(partial(waiting.callback, result))

    def afterwards(self, act: Callable[[], None]) -> None:
        """Call ``act`` when this entry has settled and was told."""
        self.events.afterwards(act)

    def _carry_out(self, output: Output) -> None:
        self.events.publish(output)
        if isinstance(output, Send):  # it leaves when all has settled, in its place among what is told
            return
        try:
            self.dispatch(output)
        except Exception as error:  # one event that goes wrong must not take the others' with it
            self.report(error)

    # -- what is written down

    def touch(self, agent: Agent | None) -> None:
        """Note that the state of an agent has changed apart from what the core holds."""
        if agent is not None:
            self.outbox.touch(agent.account)

    def require_store(self) -> None:
        """
        Refuse a new promise that would not survive the process, though the site wants that.

        :raises StoreUnreachable: when the store is out of reach.
        """
        if not self.outbox.is_writable:
            raise StoreUnreachable()

    # -- calls

    def add(self, agent: Agent, leg: CallLeg) -> None:
        """Take a new call in."""
        self.legs[leg.call.id] = leg
        self.registry.add_call(agent, leg.call)
        self.events.publish(CallBegan(agent, leg.call, self.core.sip_call_id(leg.call.id)))

    def remove(self, leg: CallLeg, before: CallState) -> None:
        """Take a call out that is over, and was in state ``before``."""
        self.legs.pop(leg.call.id, None)
        agent = self.agent_of(leg.call)
        self.registry.remove_call(agent, leg.call)
        self.touch(agent)
        self.changed(leg.call, before)

    def changed(self, call: Call, before: CallState) -> None:
        """Let it be known that a call is in another state than before, if it is."""
        self.touch(self.agent_of(call))
        if call.state is not before:
            self.events.publish(CallChanged(call, before, call.state))

    def leg(self, agent_id: str, call_id: str | None) -> CallLeg:
        """
        Return the named call of an agent, or its only one.

        :raises NotSignedIn: when the agent is none.
        :raises UnknownCall: when there is no such call.
        :raises AmbiguousCall: when no call is named and there are several.
        """
        agent = self.registry.agent(agent_id)
        self.touch(agent)  # a verb is going to change it
        return self.legs[agent.call(call_id).id]

    def let_go(self, call_id: str) -> Call | None:
        """
        Forget a call that goes on at another gateway: its far side and its page are told nothing.

        Who waits for something in it hears that it was not done here.
        """
        leg = self.legs.pop(call_id, None)
        if leg is None:
            return None
        for timer in leg.timers.values():
            timer.cancel()
        leg.timers.clear()
        leg.let_go(ELSEWHERE, self.give)
        self.registry.remove_call(None, leg.call)
        return leg.call

    def target(self, agent: Agent | None, to: str) -> URI:
        """
        Return the URI to call for what a page gave as ``to``; see :func:`~wrtcgw.gateway.dial_targets.parse_target`.

        :raises BadInput: when it is nothing that can be called.
        """
        settings, heard = self.settings, () if agent is None else agent.heard
        return parse_target(
            to, settings.domain, settings.allowed_domains, lambda user: user in heard or self.registry.has_dn(user)
        )

    def attached(self, data: Data) -> tuple[tuple[tuple[str, str], ...], str]:
        """
        Return data that a page attaches as header fields, or as a form for an INFO, as the settings say.

        :raises BadInput: when it is too long.
        """
        settings = self.settings
        if settings.attached_data == "headers":
            return to_headers(data, settings.attached_data_limit), ""
        if settings.attached_data == "info":
            return (), to_form(data, settings.attached_data_limit)
        return (), ""

    def fitting(self, data: Data) -> Data:
        """Return of the data that a page attaches what is not too long."""
        settings = self.settings
        if settings.attached_data == "off":
            return data
        return fitting(data, settings.attached_data_limit, form=settings.attached_data == "info")

    def agent_of(self, call: Call) -> Agent | None:
        """Return the agent of a call, or None when it has signed out."""
        agent = self.registry.find_agent(call.agent_id)
        return agent if agent is not None and call.id in agent.calls else None

    def tell(self, call: Call, message: AgentMessage) -> None:
        """Tell those pages of a call's agent of it whom it concerns."""
        agent = self.agent_of(call)
        if agent is not None:
            for page, heard in audience(agent, call, message, self.now()):
                self.post(agent, page, call, heard)

    def post(self, agent: Agent, page: Page, call: Call, message: AgentMessage) -> None:
        """
        Put a message about a call into a page's mailbox, unless it is none of the page's business.

        What every such message says is filled in here.
        """
        if not call.is_known_to(page.name):
            return
        self._put(
            agent,
            page,
            evolve(
                message,
                call_id=call.id,
                from_=call.peer,
                to=message.to or call.agent_id,
                uuid=call.uuid,
                state=message.state or call.state.value,
                seq=page.mailbox.last_seq + 1,  # that it will have; spares another copy
            ),
        )

    def put(self, agent: Agent, message: AgentMessage) -> None:
        """Put a message into the mailboxes of an agent's pages."""
        for page in agent.pages:
            self._put(agent, page, message)

    def _put(self, agent: Agent, page: Page, message: AgentMessage) -> None:
        """Put a message into a mailbox; the page is told with all the rest, when this entry has settled."""
        self.touch(agent)
        self.events.publish(MessageQueued(agent, page, page.mailbox.add(message)))

    # -- waits

    def set_deadline(self, leg: CallLeg, deadline: Deadline, delay: float) -> None:
        """Let a call wait for something, for ``delay`` seconds from now on."""
        self.drop_deadline(leg, deadline)
        self.touch(self.agent_of(leg.call))
        leg.call.wait(deadline, self.now() + delay)
        leg.timers[deadline] = self.later(delay, partial(self._due, leg, deadline))

    def rearm_deadlines(self, leg: CallLeg) -> None:
        """Let a restored call go on waiting for what it has waited for."""
        for deadline, due in leg.call.deadlines.items():
            leg.timers[deadline] = self.later(max(0.0, due - self.now()), partial(self._due, leg, deadline))

    def drop_deadline(self, leg: CallLeg, *deadlines: Deadline) -> None:
        """Let a call wait for something no more, if it did."""
        for deadline in deadlines:
            if deadline in leg.call.deadlines:
                self.touch(self.agent_of(leg.call))
            leg.call.wait_no_more(deadline)
            timer = leg.timers.pop(deadline, None)
            if timer is not None:
                timer.cancel()

    def _due(self, leg: CallLeg, deadline: Deadline) -> None:
        del leg.timers[deadline]
        self.touch(self.agent_of(leg.call))
        leg.call.wait_no_more(deadline)
        self.on_deadline[deadline](leg)

    def expect(self, limit: float, late: Outcome = NO_ANSWER) -> "Deferred[Outcome]":
        """Return a Deferred for an outcome; when none came within ``limit`` it is ``late``."""
        waiting: Deferred[Outcome] = Deferred()
        waiting.addTimeout(limit, self.clock, onTimeoutCancel=lambda result, seconds: late)
        return waiting

    def pause(self, seconds: float) -> "Deferred[None]":
        """Return a Deferred that fires after a while."""
        waiting: Deferred[None] = Deferred()
        self.clock.callLater(seconds, waiting.callback, None)
        return waiting

    def spawn(self, work: "Coroutine[Deferred[Any], None, object]") -> "Deferred[None]":
        """Let work go on by itself; what goes wrong in it is reported."""
        return Deferred.fromCoroutine(self._reported(work))

    def shielded(self, work: "Coroutine[Deferred[Any], None, T]") -> "Deferred[T]":
        """
        Begin the work of a verb, which is an entry, and let it go on when the one who waits for it has given up.

        What was asked of the far side cannot be taken back by a broken HTTP request, so its outcome must be dealt with.
        """
        outer: Deferred[T] = Deferred()
        with self.events:
            Deferred.fromCoroutine(work).addCallbacks(outer.callback, outer.errback)
        return outer

    async def _reported(self, work: Awaitable[object]) -> None:
        try:
            await work
        except Exception as error:  # nobody else would hear of it
            self._hooks.report(error)

    async def request(self, leg: CallLeg, action: str, ticket: int, outputs: list[Output]) -> Outcome:
        """
        Carry out a request inside a call, and wait for its response.

        :param ticket: what the core gave with ``outputs``; the response comes with it.
        :raises RequestRefused: for a response other than 2xx, or none.
        """
        waiting = leg.tickets[ticket] = self.expect(self.settings.request_timeout)
        self.run(outputs)
        return accepted(action, await waiting)

    def answered(self, call_id: str, ticket: int, outcome: Outcome) -> None:
        """Take the response to a request inside a call."""
        leg = self.legs.get(call_id)
        waiting = leg.tickets.pop(ticket, None) if leg is not None else None
        if waiting is not None:
            self.give(waiting, outcome)


def ignore(*_: object) -> None:
    """Stand in for what the shell has not set."""


def accepted(action: str, outcome: Outcome) -> Outcome:
    """
    Return the outcome of ``action`` if it is a success.

    :raises RequestRefused: if not.
    """
    if not 200 <= outcome.code < 300:
        raise RequestRefused(action, outcome.code, outcome.reason, outcome.warning, outcome.sip_reason)
    return outcome
