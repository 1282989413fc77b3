"""The REST dialect: its routes, each one call of the gateway's facade. See ``docs/api.md`` for the dialect itself."""

import time
from collections.abc import Awaitable, Callable
from functools import partial

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.messages import MessageType
from wrtcgw.calls.page_life import Visibility
from wrtcgw.errors import BadInput
from wrtcgw.gateway import Gateway, Outcome
from wrtcgw.web.auth import shown_token
from wrtcgw.web.chain import Dialect, Policy, nobody_comes
from wrtcgw.web.codec import Data, Digits, SignIn
from wrtcgw.web.errors import write_json
from wrtcgw.web.fields import DESCRIPTION_TYPES, Fields
from wrtcgw.web.files import is_documentation
from wrtcgw.web.ice import ice_view
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.message_endpoint import SELF, MessageEndpoint, call_reply
from wrtcgw.web.operators import Operators
from wrtcgw.web.origins import AgentPages, Origins, shared_with
from wrtcgw.web.quality import REPORT_LIMIT, read_report
from wrtcgw.web.replies import Reply, write_reply
from wrtcgw.web.routes import Routes
from wrtcgw.web.settings import IceSettings, PageWishes, WebSettings
from wrtcgw.web.signin import SignInService
from wrtcgw.web.tokens import TokenSignIn
from wrtcgw.web.tracing import trace
from wrtcgw.web.views import View, agents_view, calls_view, health_view, own_view, public_health_view

API = b"/api/"
AGENTS = b"/api/webrtc/"
OPERATORS = (b"/api/agents", b"/api/calls", b"/api/ops")
VISIBILITIES = tuple(each.value for each in Visibility if each is not Visibility.UNKNOWN)
WORDS = f"one of {', '.join(VISIBILITIES)}"
READS = (b"/api/webrtc/calls", b"/api/webrtc/ice")
"""What changes nothing; a page of another site cannot read it."""


@frozen
class Order:
    """What an admitted page wants of one of its calls."""

    agent: Agent
    request: IncomingRequest
    fields: Fields

    @property
    def call_id(self) -> str | None:
        """Return the call that it names; None for the only one."""
        return self.fields.call_id


Verb = Callable[[Order], Awaitable[Outcome]]


class RestAPI:
    """
    The REST dialect.

    :param no_password: whether a DN can be signed in without one, as the registrar asks for none.
    :param self_destination: the number that stands behind ``self``.
    :param hanging: how many polls and streams hang, in all dialects.
    :param wall: the wall clock's seconds; ``clock`` may count from anywhere.
    """

    def __init__(
        self,
        gateway: Gateway,
        sign_in_service: SignInService,
        tokens: TokenSignIn,
        operators: Operators,
        origins: Origins,
        settings: WebSettings,
        clock: IReactorTime,
        *,
        no_password: bool = False,
        self_destination: str = SELF,
        hanging: Callable[[], tuple[int, int]] = lambda: (0, 0),
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._gateway = gateway
        self._sign_in_service = sign_in_service
        self._tokens = tokens
        self._operators = operators
        self._origins = origins
        self._clock = clock
        self._wall = wall
        self._hanging = hanging
        self._needs_no_password = no_password
        self._body_limit = settings.body_limit
        self.ice_settings: IceSettings = settings.ice
        self.wishes: PageWishes = settings.wishes
        self._messages = MessageEndpoint(
            gateway,
            sign_in_service.access,
            sign_in_service.polls,
            sign_in_service.streams,
            wait_limit=settings.wait_limit,
            body_limit=settings.body_limit,
            self_destination=self_destination,
        )
        self.routes = self._routes()

    def _routes(self) -> Routes:
        routes, base = Routes(self._gateway.persistence.durable), AGENTS.decode("ascii")
        routes.add(base + "message", ("GET",), self._messages.poll, hot=True)
        routes.add(base + "message", ("POST",), self._messages.post, hot=True)
        routes.add(base + "events", ("GET",), self._messages.events, hot=True)
        routes.add(base + "sign_in", ("GET", "POST"), self.sign_in, hot=True)
        routes.add(base + "sign_out", ("GET", "POST"), self.sign_out, hot=True)
        verbs: tuple[Verb, ...] = (
            *(self.hangup, self.reject, self.hold, self.resume, self.dtmf, self.transfer, self.info),
        )
        for verb in verbs:
            routes.add(base + verb.__name__, ("POST",), partial(self._carry_out, verb), hot=True)
        posts = (self.answer, self.use_here, self.mute, self.check, self.do_not_disturb, self.heartbeat, self.ringing)
        for post in (*posts, self.stats):
            routes.add(base + post.__name__, ("POST",), post, hot=True)
        routes.add(base + "ice", ("GET",), self.ice, hot=True)
        routes.add(base + "calls", ("GET",), self.own_calls, hot=True)
        routes.add("/api/health", ("GET",), self.health, hot=True, head=True)
        routes.add("/api/ready", ("GET",), self.ready, head=True)
        routes.add("/api/agents", ("GET",), self.agents, head=True)
        routes.add("/api/calls/active", ("GET",), self.active_calls, head=True)
        return routes

    def dialects(self) -> tuple[Dialect, ...]:
        """Return its three parts, which differ in whom they trust: for agents' pages, for operators, for all."""
        agents = Policy(
            name="agents", body_limit=self._body_limit, origins=AgentPages(self._origins), trust=self._require_page
        )
        operators = Policy(
            name="operators",
            body_limit=self._body_limit,
            origins=shared_with(self._origins),
            trust=self._operators.judge,
        )
        everybody = Policy(name="everybody", body_limit=self._body_limit, origins=shared_with(self._origins))
        return tuple(
            Dialect(policy=policy, serves=serves, serve=self.routes.serve, routes=self.routes, arrival=arrival)
            for policy, serves, arrival in (
                (agents, lambda path: path.startswith(AGENTS), self._arrival),
                (operators, lambda path: path.startswith(OPERATORS), nobody_comes),
                (everybody, lambda path: path.startswith(API) and not is_documentation(path), nobody_comes),
            )
        )

    def _arrival(self, request: IncomingRequest) -> "Deferred[None] | None":
        """Let the agent come whose token is shown; a cookie is found by the agent's id."""
        if not self._gateway.cluster.is_shared:
            return None
        token = request.token
        if not token:
            try:
                fields = request.fields(ignore_other_bodies=True)
                token = shown_token(request, fields.optional("from") or fields.optional("id") or "")
            except BadInput:
                return None  # whoever serves it says what is wrong
        return self._sign_in_service.arrivals.come(request, token)

    def _require_page(self, request: IncomingRequest) -> None:
        """Let only pages of ours, or allowed ones, change something."""
        if not (request.method == b"GET" and request.path in READS):
            self._origins.check_page(request)

    def admit(self, request: IncomingRequest, *, ignore_other_bodies: bool = False) -> Order:
        """Read a request that names its agent by ``id``, and let only that agent's own page pass."""
        fields = request.fields(ignore_other_bodies=ignore_other_bodies)
        agent = self._messages.admit(request, fields.text("id", "the agent's id"))
        return Order(agent, request, fields)

    async def _carry_out(self, verb: Verb, request: IncomingRequest) -> bytes:
        """Admit the page, and answer when the far side has answered."""
        order = self.admit(request, ignore_other_bodies=verb == self.info)
        trace(request.response, order.agent, order.call_id)
        outcome = await verb(order)
        return write_reply(request, Reply({"sipCode": outcome.code, "reason": outcome.reason}))

    # coming and going

    async def sign_in(self, request: IncomingRequest) -> bytes:
        """Register a DN, or let a guest in, and open a session."""
        service = self._sign_in_service
        service.check_password_in_url(request)
        fields = request.fields()
        if fields.switch("guest"):
            dn = (fields.optional("dn") or "") if self._needs_no_password else ""
            return write_reply(request, await service.sign_in_without_password(request, dn))
        by_token = await self._tokens.sign_in(request, fields)
        if by_token is not None:
            return write_reply(request, by_token)
        return write_reply(request, await service.sign_in(request, SignIn.read(fields)))

    async def sign_out(self, request: IncomingRequest) -> bytes:
        """End the agent's calls and its registration; a beacon of a page that closes may have any body."""
        agent_id = request.fields(ignore_other_bodies=True).text("id", "the agent's id")
        return write_reply(request, await self._sign_in_service.sign_out(request, agent_id))

    # call control

    async def hangup(self, order: Order) -> Outcome:
        """End a call in any state."""
        code = order.fields.number("code", 0, "a SIP code from 400 to 699") or None
        return await self._gateway.hangup(order.agent.id, order.call_id, code=code)

    async def answer(self, request: IncomingRequest) -> bytes:
        """Answer a call with a description, as field ``sdp`` or as the body."""
        order = self.admit(request, ignore_other_bodies=True)
        trace(request.response, order.agent, order.call_id)
        sdp = self._description(order)
        page = self._page_of(order)
        call = self._gateway.answer(order.agent.id, order.call_id, sdp, page_address=request.client.address, page=page)
        return write_reply(request, call_reply(call))

    def use_here(self, request: IncomingRequest) -> bytes:
        """Take the offer of a page that wants the sound of a call, which another page of the agent has."""
        order = self.admit(request, ignore_other_bodies=True)
        trace(request.response, order.agent, order.call_id)
        call = self._gateway.send_description(
            order.agent.id,
            order.call_id,
            self._description(order),
            page_address=request.client.address,
            kind=MessageType.OFFER,
            page=self._page_of(order),
            here=True,
        )
        return write_reply(request, call_reply(call))

    def mute(self, request: IncomingRequest) -> bytes:
        """Let all pages of the agent know that its microphone is off in a call, or on again."""
        order = self.admit(request)
        on = _switch(order.fields)
        self._gateway.mute(order.agent.id, order.call_id, on, by=self._page_of(order))
        return write_reply(request, Reply({"muted": on}))

    def _description(self, order: Order) -> str:
        if order.request.media_type in DESCRIPTION_TYPES:
            return order.request.description()
        return order.fields.text("sdp", "a session description", limit=self._body_limit)

    def _page_of(self, order: Order) -> str:
        return self._sign_in_service.access.page_of(order.request, order.agent)

    async def reject(self, order: Order) -> Outcome:
        """Reject a call that rings here."""
        code = order.fields.number("code", 486, "a SIP code from 400 to 699")
        return await self._gateway.reject(order.agent.id, order.call_id, code=code)

    def check(self, request: IncomingRequest) -> bytes:
        """Answer 200 when the agent may call a number now, else the error that the call would get, without a call."""
        order = self.admit(request)
        to = order.fields.destination("to")
        if not to:
            raise BadInput("to", "the number to ask about", "nothing")
        address = request.client.address
        target = self._gateway.may_call(order.agent.id, self._messages.number(to), page_address=address)
        return write_reply(request, Reply({"target": target}))

    async def hold(self, order: Order) -> Outcome:
        """Put a call on hold."""
        return await self._gateway.hold(order.agent.id, order.call_id)

    async def resume(self, order: Order) -> Outcome:
        """Take a call from hold."""
        return await self._gateway.resume(order.agent.id, order.call_id)

    async def dtmf(self, order: Order) -> Outcome:
        """Send digits."""
        wanted = Digits.read(order.fields)
        return await self._gateway.dtmf(
            order.agent.id,
            order.call_id,
            wanted.digits,
            duration_ms=wanted.duration_ms,
            gap_ms=wanted.gap_ms,
            content_type=wanted.content_type,
        )

    async def transfer(self, order: Order) -> Outcome:
        """Transfer a call, blind or attended."""
        to, to_call = order.fields.destination("to"), order.fields.optional("to_call")
        return await self._gateway.transfer(order.agent.id, order.call_id, to=to, to_call=to_call)

    async def info(self, order: Order) -> Outcome:
        """Send data."""
        data = Data.read(order.request, self._body_limit)
        return await self._gateway.info(order.agent.id, order.call_id, data.content_type, data.body)

    def do_not_disturb(self, request: IncomingRequest) -> bytes:
        """Let callers hear that the agent is busy, or let calls come again."""
        order = self.admit(request)
        on = _switch(order.fields)
        self._gateway.do_not_disturb(order.agent.id, on)
        return write_reply(request, Reply({"doNotDisturb": on}))

    def ringing(self, request: IncomingRequest) -> bytes:
        """Take the page's word that it has got an incoming call, and tell it whether that is still there."""
        order = self.admit(request, ignore_other_bodies=True)
        state = self._gateway.acknowledge(order.agent.id, order.call_id, self._page_of(order))
        return write_reply(request, Reply({"state": state.value}))

    def heartbeat(self, request: IncomingRequest) -> bytes:
        """Take the page's word that it runs, or that it is about to stop."""
        order = self.admit(request)
        word = order.fields.text("visibility", WORDS)
        if word not in VISIBILITIES:
            raise BadInput("visibility", WORDS, word[:80])
        self._gateway.heartbeat(order.agent.id, Visibility(word), self._page_of(order))
        return write_reply(request, Reply())

    def stats(self, request: IncomingRequest) -> bytes:
        """Take the page's report on the media of a call."""
        request.require_at_most(REPORT_LIMIT)
        order = self.admit(request, ignore_other_bodies=True)
        report = read_report(request.json(), self._wall())
        self._gateway.report_stats(order.agent.id, order.call_id, report)
        return write_reply(request, Reply())

    def ice(self, request: IncomingRequest) -> bytes:
        """
        Tell the STUN and TURN servers, with credentials for a while.

        With ``to`` it is for a call, and refused as that would be. A guest gets credentials for nothing else.
        """
        order = self.admit(request)
        to = order.fields.destination("to")
        if to is not None:
            self._gateway.may_call(order.agent.id, self._messages.number(to), page_address=request.client.address)
        relays = not order.agent.guest or to is not None or bool(order.agent.calls)
        return self._show(request, ice_view(self.ice_settings, order.agent.dn, self._wall(), relays=relays))

    def own_calls(self, request: IncomingRequest) -> bytes:
        """List the agent's calls, and tell the state of the registration, and what the library in the page is to do."""
        order = self.admit(request)
        return self._show(request, own_view(order.agent, self._clock.seconds(), self.wishes, self._page_of(order)))

    # operation

    def health(self, request: IncomingRequest) -> bytes:
        """Tell how the gateway is, to operators in more words; that it answers at all says that it is alive."""
        health = self._gateway.health()
        if self._operators.is_known(request):
            dropped = sum(agent.mailbox.dropped for agent in self._gateway.agents())
            view = health_view(health, self._hanging(), dropped)
        else:
            view = public_health_view(health)
        return self._show(request, view)

    def ready(self, request: IncomingRequest) -> bytes:
        """Tell a balancer whether to send new agents here: 503 while it drains, or SIP or the store is out of reach."""
        obstacles = self._gateway.health().obstacles
        view: View = {"ready": not obstacles, "obstacles": list(obstacles)}
        return write_json(request.response, 503 if obstacles else 200, view)

    async def agents(self, request: IncomingRequest) -> bytes:
        """List who is signed in, at this gateway and at others; for operators, as the policy sees to."""
        gateway, others = self._gateway, await self._gateway.cluster.elsewhere()
        return self._show(request, agents_view(gateway.agents(), self._clock.seconds(), gateway.node, others))

    async def active_calls(self, request: IncomingRequest) -> bytes:
        """List what is up, at this gateway and at others; for operators, as the policy sees to."""
        gateway, others = self._gateway, await self._gateway.cluster.elsewhere()
        return self._show(request, calls_view(gateway.calls(), self._clock.seconds(), gateway.node, others))

    def _show(self, request: IncomingRequest, view: View) -> bytes:
        return write_json(request.response, 200, view)


def _switch(fields: Fields) -> bool:
    """
    Return the field ``on``.

    :raises BadInput: when it is neither true nor false.
    """
    on = fields.switch("on")
    if on is None:
        raise BadInput("on", "true or false", "nothing")
    return on
