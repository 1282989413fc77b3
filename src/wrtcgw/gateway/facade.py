"""
The facade: every verb of the API, and the entries of the shell that owns the connections.

Rules live in the parts (:mod:`~wrtcgw.gateway.registrations`, :mod:`~wrtcgw.gateway.call_setup`, …); this class hands
each verb to its part.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from attrs import evolve
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime

from wrtcgw.calls.abilities import DEFAULT, ONE_CALL, PageAbilities
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.calls.page import FIRST
from wrtcgw.calls.page_life import Visibility
from wrtcgw.calls.registry import Registry
from wrtcgw.calls.stats import Stats
from wrtcgw.errors import BadInput
from wrtcgw.events.catalogue import QualityReported
from wrtcgw.events.stream import EventStream
from wrtcgw.gateway.attached_data import Data
from wrtcgw.gateway.call_control import CallControl
from wrtcgw.gateway.call_setup import CallSetup
from wrtcgw.gateway.call_takeovers import TakeOvers
from wrtcgw.gateway.cluster import Cluster
from wrtcgw.gateway.context import GatewayContext, ignore
from wrtcgw.gateway.disconnect_reasons import SESSION_OVER, SIGNED_OUT, STOPPING
from wrtcgw.gateway.event_routing import EventRouting
from wrtcgw.gateway.offer_answer import OfferAnswer
from wrtcgw.gateway.operator_actions import OperatorActions
from wrtcgw.gateway.orders import Orders
from wrtcgw.gateway.page_presence import PagePresence
from wrtcgw.gateway.persistence import Durability, Persistence
from wrtcgw.gateway.registrations import Registrations
from wrtcgw.gateway.screening import Screening
from wrtcgw.gateway.settings import GatewaySettings, Health, Outcome
from wrtcgw.gateway.transfers import Transfers
from wrtcgw.sip.core import UACore
from wrtcgw.sip.digest import HA1


class Gateway:
    """
    The gateway: agents sign in and make calls.

    All methods are to be called on the reactor thread, and none blocks; ``async`` ones wait for the far side. A verb
    that was cancelled (its HTTP request broke off) goes on, only nobody hears of its outcome.

    Each method that may change something is an entry of the stream of events, so that whoever looks on is told when all
    is done. Who calls several of them, and does something of his own in between, can make them one entry: ``with
    gateway.events``.

    :param send: carries one SIP message to the WebSocket of a flow.
    :param events: told of all that happens; one of its own when None is given.
    :param durability: where the state of agents and calls is kept; None for nowhere but here.
    :ivar events: the stream.
    :ivar persistence: what survives the process.
    :ivar cluster: what this one does for the agents of other gateways that share its store.
    """

    rearm: Callable[[], None]
    """Called after each entry: the core's next deadline may have changed. Set by the shell."""
    report: Callable[[Exception], None]
    """Told of a bug: an event could not be acted on. The rest goes on. Set by the shell."""

    def __init__(
        self,
        core: UACore,
        registry: Registry,
        clock: IReactorTime,
        settings: GatewaySettings,
        send: Callable[[int, str], None],
        events: EventStream | None = None,
        durability: Durability | None = None,
    ) -> None:
        self.rearm = self.report = ignore
        self.events = events or EventStream()
        self._context = context = GatewayContext(core, registry, clock, settings, send, self, self.events)
        self._started = context.now()
        self._transfers = Transfers(context)
        self._offers = OfferAnswer(context)
        self._call_control = CallControl(context, self._offers)
        pages = PagePresence(context)
        self._setup = CallSetup(context, self._transfers, self._call_control, self._offers, pages)
        take_overs = TakeOvers(context, self._setup.end)
        self._registrations = Registrations(context, self._setup, take_overs, pages)
        self._orders = Orders(context, self._setup, self._offers, self._call_control, self._registrations.is_connected)
        self.operation = OperatorActions(context, self._setup.end, self._registrations.sign_out)
        self.persistence = Persistence(context, self._registrations, durability)
        self.cluster = Cluster(context, self._registrations, self.persistence, durability)
        core.screen_calls(Screening(context, self._setup.refusal))
        context.dispatch = EventRouting(
            context=context,
            registrations=self._registrations,
            setup=self._setup,
            offers=self._offers,
            call_control=self._call_control,
            transfers=self._transfers,
        ).dispatch

    def reconfigure(self, settings: GatewaySettings) -> None:
        """Take over other limits and policies; domains and connections have to stay."""
        self._context.settings = settings

    # entries of the shell

    def connected(self, flow: int, *, secure: bool = False) -> None:
        """Note that the connection ``flow`` is up, and whether it is wss."""
        with self.events:
            self._context.run(self._context.core.connected(flow, self._context.now(), secure=secure))
            self._registrations.connected(flow)

    def disconnected(self, flow: int) -> None:
        """Note that the connection ``flow`` was lost; calls go on."""
        with self.events:
            self._registrations.disconnected(flow)
            self._context.run(self._context.core.disconnected(flow, self._context.now()))

    def received(self, flow: int, text: str) -> None:
        """Take one WebSocket message of ``flow``."""
        self._context.run(self._context.core.receive(flow, text, self._context.now()))

    def tick(self) -> None:
        """Run what is due in the core."""
        self._context.run(self._context.core.tick(self._context.now()))

    def next_deadline(self) -> float | None:
        """Return when :meth:`tick` has to be called next, in the clock's seconds."""
        return self._context.core.next_deadline()

    def drain(self) -> "Deferred[object]":
        """
        Let the process end: agents and calls are kept in the store; without one all are signed out and ended.

        :returns: fires when everything is written, or when the far side has confirmed the ends, or was too slow.
        """
        self.cluster.stop()
        if self.persistence.survives:
            return self.persistence.close().addCallback(lambda _: None)
        leaving = [self._context.shielded(self._registrations.sign_out(agent.id, STOPPING)) for agent in self.agents()]
        return gatherResults(leaving).addCallback(lambda _: None)

    # agents

    async def sign_in(
        self,
        *,
        agent_id: str,
        dn: str,
        password: str,
        display_name: str = "",
        auth_user: str = "",
        current: bool = False,
        abilities: PageAbilities = DEFAULT,
        no_password: bool = False,
        ha1: HA1 | None = None,
        page: str | None = None,
        take_over: bool | None = None,
    ) -> Agent:
        """
        Register a DN for an agent.

        An agent who is signed in with this DN already is verified by a fresh registration and stays as it is when that
        fails; when it succeeds its page is told again of the calls that are up. An agent of another id who has this DN
        is signed out, and its calls go over to this one. With ``second_page`` it may be otherwise: the agent who has
        the DN gets one more page, which ``arrived`` names, or this one is refused.

        :param auth_user: the user for digest authentication, where it is not the DN.
        :param current: the caller has shown the session of the agent who has this id now, and may give it another DN.
        :param abilities: what the page can do.
        :param no_password: an empty password is none, for a registrar that asks for none.
        :param ha1: in place of the password.
        :param page: the name of the page whose session was shown; None for none.
        :param take_over: whether to take over what another page has; None leaves that to ``second_page``.
        :raises PageElsewhere: when another page is there, and it is not to be taken over.
        :raises BadInput: for fields that cannot be what they are; AgentInUse for another DN, unless ``current`` is set.
        :raises NoSIPConnection: when no connection is up, or it was lost meanwhile.
        :raises RegistrationRefused: with the registrar's words; RegistrationTimeout when it was silent.
        """
        return await self._context.shielded(
            self._registrations.sign_in(
                agent_id,
                dn,
                password,
                display_name,
                auth_user=auth_user,
                current=current,
                abilities=abilities,
                no_password=no_password,
                ha1=ha1,
                page=page,
                take_over=take_over,
            )
        )

    async def sign_in_guest(self, agent_id: str, *, abilities: PageAbilities = ONE_CALL) -> Agent:
        """
        Let a caller in who has no DN; it may call ``guest_destinations``, and cannot be called.

        :raises GuestsNotAllowed: when ``guest_mode`` is off; TooManyGuests when there are ``guest_limit``.
        :raises AgentInUse: when the id is signed in.
        :raises BadInput: for an id that cannot be one; and what :meth:`sign_in` raises when guests are registered.
        """
        return await self._context.shielded(self._registrations.sign_in_guest(agent_id, abilities=abilities))

    async def sign_out(self, agent_id: str, *, expired: bool = False) -> None:
        """End the calls and un-REGISTER the DN of an agent that is there; ``expired``: as its session is over."""
        await self._context.shielded(self._registrations.sign_out(agent_id, SESSION_OVER if expired else SIGNED_OUT))

    def leave_page(self, agent: Agent, name: str) -> None:
        """
        Let one of several pages of an agent go; of the only one it is :meth:`sign_out`.

        Calls whose sound it has end.
        """
        page = agent.page_named(name)
        if page is not None and len(agent.pages) > 1:
            with self.events:
                self._registrations.leave_page(agent, page)

    def agent(self, agent_id: str) -> Agent:
        """
        Return a signed-in agent.

        :raises NotSignedIn: when there is none of that id.
        """
        return self._context.registry.agent(agent_id)

    def find_dn(self, dn: str) -> Agent | None:
        """Return the signed-in agent that has a DN, None for none."""
        return self._context.registry.find_dn(dn)

    def leaver(self, agent_id: str) -> Agent | None:
        """Return an agent that has just left and whose page has not fetched its last messages; None for none."""
        return self._registrations.leaver(agent_id)

    def seen(self, agent_id: str, page: str = FIRST) -> None:
        """Note that a page of the agent was heard of; does nothing when it is not signed in."""
        agent = self._context.registry.find_agent(agent_id)
        if agent is not None:
            with self.events:
                self._registrations.pages.seen(agent, page)

    def attend(self, agent_id: str, page: str = FIRST) -> None:
        """Note that a poll or stream of a page of the agent hangs now; :meth:`leave` has to follow once."""
        agent = self._context.registry.find_agent(agent_id)
        if agent is not None:
            with self.events:
                self._registrations.pages.attend(agent, page)

    def leave(self, agent_id: str, page: str = FIRST) -> None:
        """
        Note that a poll or stream that :meth:`attend` told of does not hang any more.

        One for whom none hangs for ``page_grace`` is signed out: see
        :class:`~wrtcgw.gateway.page_presence.PagePresence`.
        """
        agent = self._context.registry.find_agent(agent_id)
        if agent is not None:
            self._registrations.pages.leave(agent, page)

    def heartbeat(self, agent_id: str, visibility: Visibility, page: str = FIRST) -> None:
        """Take a heartbeat of a page of the agent, and what it tells of itself."""
        agent = self.agent(agent_id)
        with self.events:
            self._registrations.pages.beat(agent, visibility, page)

    def delivered(self, agent: Agent) -> None:
        """Note that a message was delivered to the agent's page, or did not arrive and waits for it again."""
        self.persistence.touch(agent)

    @property
    def node(self) -> str:
        """Return what this gateway is called among others."""
        return self._context.settings.node

    def agents(self) -> Iterator[Agent]:
        """Iterate over the signed-in agents."""
        return self._context.registry.agents()

    def calls(self) -> Iterator[Call]:
        """Iterate over all calls that are not over."""
        return self._context.registry.calls()

    def objects(self) -> Mapping[str, int]:
        """Return how many objects of each kind there are."""
        return {"calls": sum(1 for _ in self.calls()), "call_legs": len(self._context.legs)}

    def health(self) -> Health:
        """Return how the gateway is."""
        up, total = len(self._registrations.up), self._context.settings.connections
        return Health(
            status=self.operation.status(up, total),
            uptime=self._context.now() - self._started,
            registered_agents=self._context.registry.registered_count,
            active_calls=self._context.registry.call_count,
            connections_up=up,
            connections_total=total,
            obstacles=tuple(
                word
                for word, there in (
                    ("draining", self.operation.draining),
                    ("no_sip_connection", not up),
                    ("store_unavailable", not self.persistence.is_writable),
                )
                if there
            ),
        )

    def wants(self, message: AgentMessage) -> bool:
        """
        Return whether a description in a mailbox is still of use to its page.

        It is not when the call is over, or when the offer was withdrawn or answered meanwhile. A dialect that hands out
        descriptions only, without the events that tell of such ends, has to ask.
        """
        leg = self._context.legs.get(message.call_id)
        if leg is None or not leg.call.is_up:
            return False
        return message.type is not MessageType.OFFER or self._offers.is_open(leg, message)

    # calls

    def place_call(
        self,
        agent_id: str,
        to: str,
        sdp: str,
        *,
        page_address: str,
        data: Data = (),
        page: str = FIRST,
        hidden: bool = False,
    ) -> Call:
        """
        Call ``to`` with the page's offer; what comes of it is told by messages.

        :param data: to attach, as ``attached_data`` says; names of other than letters, digits, - and _ are left out.
        :param to: a number or user, or a SIP URI of an allowed domain.
        :param page_address: the page's IP address, for a description that has no candidates yet.
        :param page: which of the agent's pages it is, that has the sound.
        :param hidden: the page shows the call to nobody, and the agent's other pages do not hear of it.
        :raises NotSignedIn: when the agent is none; BadInput for a ``to`` or a body that cannot be one.
        :raises NoSIPConnection: without a connection; WrongState when its page knows of one call only, and has one.
        :raises DestinationForbidden: when a rule of the site forbids the number; GuestsNotAllowed for one that a guest
            may not call.
        :raises TooManyCalls: when the agent has as many calls as it may, or has placed too many lately.
        """
        agent = self.agent(agent_id)
        up = self._registrations.is_connected(agent)
        with self.events:
            return self._setup.place(agent, to, sdp, page_address, connected=up, data=data, page=page, hidden=hidden)

    def order_call(self, agent_id: str, to: str, *, answer: bool) -> Call:
        """
        Have an agent's page asked for an offer, with which ``to`` is called then; for applications.

        A page that makes none within ``order_timeout`` hears that the call is over.

        :param answer: the page is asked to do so without a click.
        :raises NotSignedIn: or whatever else :meth:`place_call` would raise, but for what concerns the description.
        """
        agent = self.agent(agent_id)
        with self.events:
            return self._orders.place(agent, to, answer=answer)

    def ask_to_answer(self, agent_id: str, call_id: str | None) -> Call:
        """
        Tell an agent's page to answer a call, as the server's NOTIFY talk does; for applications.

        :raises UnknownCall: when there is no such call; WrongState when it does not ring here.
        """
        leg = self._context.leg(agent_id, call_id)
        with self.events:
            self._orders.ask_to_answer(leg)
        return leg.call

    def do_not_disturb(self, agent_id: str, on: bool) -> None:
        """Let the callers of an agent hear that it is busy, or let calls come again."""
        agent = self.agent(agent_id)
        with self.events:
            self._orders.do_not_disturb(agent, on)

    def may_call(self, agent_id: str, to: str, *, page_address: str = "") -> str:
        """
        Find out whether an agent may call ``to`` now, without calling: for pages that ask before the microphone is.

        :returns: the URI that would be called.
        :raises NotSignedIn: or whatever else :meth:`place_call` would raise, but for what concerns the description.
        """
        agent = self.agent(agent_id)
        return self._setup.check(agent, to, page_address, connected=self._registrations.is_connected(agent))

    def fitting_data(self, data: Data) -> Data:
        """Return of ``data`` what a call can carry, for pages that could not react to its refusal."""
        return self._context.fitting(data)

    def send_description(
        self,
        agent_id: str,
        call_id: str | None,
        sdp: str,
        *,
        page_address: str,
        kind: Literal[MessageType.OFFER, MessageType.ANSWER] | None = None,
        data: Data = (),
        page: str = FIRST,
        here: bool = False,
    ) -> Call:
        """
        Take a description of the page for one of its calls.

        It answers the ringing call, or the offer that the page was given inside a call, or is a new offer of the page
        inside an established call, whose answer comes as a message. Without a call id it goes to the call that waits
        for one, else to the only call.

        :param kind: what the page says that it is; None leaves it to the state of the call. An offer goes before one of
            the far side that the page was to answer.
        :param data: attached to the answer of a call that rings; see :meth:`place_call`.
        :param page: which of the agent's pages it is.
        :param here: it is an offer of one that wants the sound, which another has: when the far side agrees, it moves.
        :raises SoundElsewhere: when another page has the sound, and this one does not ask for it.
        :raises NotSignedIn: when the agent is none.
        :raises BadInput: for a body that is no description.
        :raises UnknownCall: when there is no such call; AmbiguousCall when none is named and several would do.
        :raises WrongState: when the call takes no description of that kind now.
        """
        agent = self.agent(agent_id)
        call = agent.call(call_id) if call_id else self._offers.choose(agent, kind)
        self._orders.require_connection(agent, call)
        with self.events:
            self._context.touch(agent)
            self._offers.take(self._context.legs[call.id], sdp, page_address, kind, data, page=page, here=here)
        return call

    def acknowledge(self, agent_id: str, call_id: str | None, page: str = FIRST) -> CallState:
        """
        Take the page's word that it has got an incoming call; it may come after the call's end.

        :returns: the state of the call, which a page that has just woken up does not know.
        :raises UnknownCall: when there is no such call, and was none.
        """
        agent = self.agent(agent_id)
        with self.events:
            self._registrations.pages.seen(agent, page)
            if call_id in agent.ended:
                return CallState.ENDED
            leg = self._context.leg(agent_id, call_id)
            self._setup.acknowledge(leg)
            return leg.call.state

    def answer(self, agent_id: str, call_id: str | None, sdp: str, *, page_address: str, page: str = FIRST) -> Call:
        """
        Take a description of the page for a call that waits for one: one that rings here, or an offer inside a call.

        Unlike :meth:`send_description` it never begins a new offer, so a page may send its answer again when the
        response was lost.

        :raises WrongState: when the call waits for nothing; and what :meth:`send_description` raises.
        """
        agent = self.agent(agent_id)
        call = agent.call(call_id) if call_id else self._offers.choose(agent, None)
        self._offers.require_waiting(call)
        self._orders.require_connection(agent, call)
        with self.events:
            self._context.touch(agent)
            self._offers.take(self._context.legs[call.id], sdp, page_address, None, page=page)
        return call

    def mute(self, agent_id: str, call_id: str | None, on: bool, *, by: str | None = None) -> None:
        """
        Let an agent's pages know whether its microphone is off in a call; the one that has the sound obeys.

        A page may say so before it has heard of the call's end: of a call that is just over nobody has to know.

        :param by: the page that says so, which is not told: it may have changed its mind since.
        :raises UnknownCall: when there is no such call, and was none.
        """
        agent = self.agent(agent_id)
        if call_id in agent.ended:
            return
        leg = self._context.leg(agent_id, call_id)
        with self.events:
            leg.call.mute(on=on)
            message = AgentMessage(type=MessageType.MUTE, cause="ON" if on else "OFF")
            for page in agent.pages:
                if page.name != by:
                    self._context.post(agent, page, leg.call, message)

    async def hangup(self, agent_id: str, call_id: str | None = None, *, code: int | None = None) -> Outcome:
        """
        End a call in any state: cancel, hang up or reject.

        :param code: for a call that is ringing here: what the caller is told.
        :raises WrongState: when it is ending already.
        """
        return await self._context.shielded(self._setup.hang_up(self._context.leg(agent_id, call_id), code))

    async def reject(self, agent_id: str, call_id: str | None = None, *, code: int = 486) -> Outcome:
        """
        Reject a call that is ringing here.

        :raises BadInput: for a code that is no refusal.
        :raises WrongState: when the call is not ringing here.
        """
        return await self._context.shielded(self._setup.reject(self._context.leg(agent_id, call_id), code))

    async def hold(self, agent_id: str, call_id: str | None = None) -> Outcome:
        """
        Put a call on hold.

        :raises WrongState: when it is not established, is on hold already, or an offer is open.
        :raises RequestRefused: when the far side refused; the call is as before.
        """
        return await self._context.shielded(self._offers.hold(self._context.leg(agent_id, call_id), "local"))

    async def resume(self, agent_id: str, call_id: str | None = None) -> Outcome:
        """Take a call from hold; raises as :meth:`hold`."""
        return await self._context.shielded(self._offers.resume(self._context.leg(agent_id, call_id), "local"))

    async def dtmf(
        self,
        agent_id: str,
        call_id: str | None,
        digits: str,
        *,
        duration_ms: int = 160,
        gap_ms: int = 70,
        content_type: str = "application/dtmf-relay",
    ) -> Outcome:
        """
        Send digits one after the other by INFO; answers when the last was accepted.

        :param content_type: ``application/dtmf-relay`` or ``application/dtmf``.
        :raises BadInput: for a field out of range.
        :raises WrongState: when the call is not established.
        :raises RequestRefused: when the far side refused a digit; the rest is not sent.
        """
        leg = self._context.leg(agent_id, call_id)
        return await self._context.shielded(self._call_control.dtmf(leg, digits, duration_ms, gap_ms, content_type))

    async def transfer(
        self, agent_id: str, call_id: str | None = None, *, to: str | None = None, to_call: str | None = None
    ) -> Outcome:
        """
        Transfer a call to a number (blind), or to the far side of another call (attended).

        Answers when the far side took the order; how it goes on is told by TRANSFER messages.

        :raises BadInput: unless exactly one of ``to`` and ``to_call`` is given.
        :raises DestinationForbidden: when a rule of the site forbids the number; TooManyCalls as :meth:`place_call`.
        :raises WrongState: when a call is not established, or is being transferred already.
        :raises RequestRefused: when the far side did not take the order.
        """
        if bool(to) == bool(to_call):
            raise BadInput("to", "either to or to_call")
        agent = self.agent(agent_id)
        leg, other = self._transfers.choose(agent, call_id, to_call)
        return await self._context.shielded(self._transfers.transfer(agent, leg, to, other))

    async def info(self, agent_id: str, call_id: str | None, content_type: str, body: str) -> Outcome:
        """
        Send data by INFO.

        :raises BadInput: for a content type that is none.
        :raises WrongState: when the call is not established.
        :raises RequestRefused: when the far side refused it.
        """
        return await self._context.shielded(
            self._call_control.info(self._context.leg(agent_id, call_id), content_type, body)
        )

    def report_stats(self, agent_id: str, call_id: str | None, stats: Stats) -> None:
        """
        Take the page's report on the media of a call.

        The page may make it before it has heard of the call's end: of a call that is just over it is not needed.

        :raises UnknownCall: when there is no such call, and was none.
        """
        agent = self.agent(agent_id)
        if call_id not in agent.ended:
            call = agent.call(call_id)
            call.report(stats)
            self.events.publish(QualityReported(call, stats))

    def stats(self, agent_id: str, call_id: str | None = None) -> Stats:
        """
        Return what is known of the media of a call: the page's last report, and how long the call has gone on.

        :raises UnknownCall: when there is no such call.
        """
        call = self.agent(agent_id).call(call_id)
        duration = 0.0 if call.answered is None else (self._context.now() - call.answered) * 1000
        return evolve(call.reports.last, duration=duration)
