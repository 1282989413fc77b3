"""The REST dialect: its routes, each one call of the gateway's facade. See ``docs/api.md`` for the dialect itself."""

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import cast

from attrs import frozen
from klein import Klein
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource
from twisted.web.server import Request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from wrtcgw.calls.agent import Agent
from wrtcgw.errors import BadInput, GatewayError
from wrtcgw.gateway import Gateway, Outcome
from wrtcgw.web.addresses import Addresses, Client
from wrtcgw.web.audit import Audit
from wrtcgw.web.codec import DESCRIPTION_TYPES, Data, Digits, Fields, Input, SignIn, parse_report
from wrtcgw.web.connection_limits import ConnectionLimits
from wrtcgw.web.errors import NoSuchResource, WrongMethod, write_error, write_json, write_unexpected
from wrtcgw.web.genesys import GenesysDialect, GenesysSettings
from wrtcgw.web.ice import ice_view
from wrtcgw.web.message_endpoint import SELF, MessageEndpoint, call_reply, read_after
from wrtcgw.web.operators import Operators
from wrtcgw.web.ops import OpsAPI, OpsParts
from wrtcgw.web.origins import Origins
from wrtcgw.web.quality import REPORT_LIMIT, read_report
from wrtcgw.web.replies import Reply, write_reply
from wrtcgw.web.root_resource import RootResource
from wrtcgw.web.settings import WebSettings
from wrtcgw.web.signin import SignInService
from wrtcgw.web.softphoneapi import SoftphoneAPI
from wrtcgw.web.tokens import IdentityParts, TokenSignIn
from wrtcgw.web.tracing import trace
from wrtcgw.web.views import View, agents_view, calls_view, health_view, own_view, public_health_view


@frozen
class Order:
    """What an admitted page wants of one of its calls."""

    agent: Agent
    client: Client
    given: Input
    fields: Fields

    @property
    def call_id(self) -> str | None:
        """Return the call that it names; None for the only one."""
        return self.fields.call_id


Verb = Callable[["GatewayAPI", Order], Awaitable[Outcome]]


def verb(app: Klein, name: str) -> Callable[[Verb], Callable[..., Awaitable[bytes]]]:
    """Make a route of a call-control verb: it admits the page, and answers when the far side has answered."""

    def decorate(handler: Verb) -> Callable[..., Awaitable[bytes]]:
        @app.route(f"/api/webrtc/{name}", methods=["POST"])
        @wraps(handler)
        async def route(self: "GatewayAPI", request: Request) -> bytes:
            order = self.admit(request, ignore_other_bodies=name == "info")
            trace(request, order.agent, order.call_id)
            outcome = await handler(self, order)
            return write_reply(request, Reply({"sipCode": outcome.code, "reason": outcome.reason}))

        return route

    return decorate


class GatewayAPI:
    """
    The HTTP surface of a gateway.

    :param genesys: settings of the Genesys dialect; None leaves it out.
    :param pages: further resources by the first segment of their paths: ``{b"softphone": ...}``; ``b""`` is the root.
    :param ops: what the operators' calls stand on; None leaves those out that need it.
    :param identity: who judges tokens; None: nobody signs in by one.
    :param wall: the wall clock's seconds; ``clock`` may count from anywhere.
    """

    app = Klein()

    def __init__(
        self,
        gateway: Gateway,
        settings: WebSettings,
        clock: IReactorTime,
        *,
        pages: Mapping[bytes, IResource] | None = None,
        genesys: GenesysSettings | None = None,
        ops: OpsParts | None = None,
        identity: IdentityParts | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._wall = wall
        self._ice = settings.ice
        self._pages = pages or {}
        self._addresses = Addresses(settings.trusted_proxies)
        self._origins = Origins(settings.allowed_origins)
        self.audit = Audit(clock.seconds, wall)
        self._operators = Operators(self._origins)
        self._sign_in_service = SignInService(gateway, self._origins, settings, clock, self.audit)
        self._tokens = TokenSignIn(self._sign_in_service, identity)
        self._streams = self._sign_in_service.streams
        self._access = self._sign_in_service.access
        self.timeouts = settings.header_timeout, settings.body_timeout
        self.connections = ConnectionLimits(
            settings.connections_per_address,
            settings.descriptors,
            self._addresses.is_trusted,
            self._sign_in_service.addresses,
            clock.seconds,
        )
        self.genesys: GenesysDialect | None = None
        if genesys is not None:
            self.genesys = GenesysDialect(gateway, self._sign_in_service, self._addresses, genesys, clock, wall)
        self._needs_no_password = genesys is not None and genesys.no_password == "register"
        self.body_limit = settings.body_limit
        self.largest_body = max(settings.body_limit, genesys.body_limit if genesys else 0)
        self._configure(settings)
        self._ops = None if ops is None else self._ops_api(ops)
        self._conversation = MessageEndpoint(
            gateway,
            self._access,
            self._sign_in_service.polls,
            wait_limit=settings.wait_limit,
            body_limit=settings.body_limit,
            self_destination=genesys.self_destination if genesys else SELF,
        )

    def resource(self) -> IResource:
        """Return the root resource."""
        return RootResource(
            self._addresses,
            self._origins,
            self._conversation,
            routes=self.app.resource(),
            pages=self._pages,
            body_limit=self.body_limit,
            genesys=self.genesys,
            ops=self._ops,
            softphone=SoftphoneAPI(self._gateway, self._sign_in_service, self._addresses, self._clock),
            operators=self._operators,
            audit=self.audit,
        )

    def _ops_api(self, parts: OpsParts) -> OpsAPI:
        return OpsAPI(
            self._gateway,
            parts,
            self._sign_in_service,
            self._operators,
            self._addresses,
            self._origins,
            self.audit,
            body_limit=self.body_limit,
            seconds=self._clock.seconds,
            wall=self._wall,
        )

    def reconfigure(self, settings: WebSettings) -> None:
        """Take over the settings that can change while agents are signed in: whom the surface trusts, ICE servers."""
        self._addresses.trust(settings.trusted_proxies)
        self._origins.allow(settings.allowed_origins)
        self._sign_in_service.configure(settings)
        self._configure(settings)
        self._ice = settings.ice
        self.timeouts = settings.header_timeout, settings.body_timeout
        self.connections.per_address = settings.connections_per_address

    def identify(self, identity: IdentityParts | None) -> None:
        """Let tokens be judged otherwise from now on."""
        self._tokens.parts = identity

    def _configure(self, settings: WebSettings) -> None:
        self.audit.on = settings.audit_log
        self._operators.configure(
            settings.operator_token, settings.operator_tokens, loopback=settings.operator_loopback
        )

    @property
    def hanging(self) -> tuple[int, int]:
        """Return how many polls hang, in both dialects, and how many streams are open."""
        waits = 0 if self.genesys is None else self.genesys.hanging
        return len(self._sign_in_service.polls) + waits, len(self._streams)

    def close(self) -> None:
        """End what hangs: the gateway stops."""
        if self.genesys is not None:
            self.genesys.close()
        self._sign_in_service.close()

    def admit(self, request: Request, *, ignore_other_bodies: bool = False) -> Order:
        """Read a request that names its agent by ``id``, and let only that agent's own page pass."""
        given = Input.read(request, self.body_limit)
        fields = given.fields(ignore_other_bodies=ignore_other_bodies)
        client = self._addresses.client(request)
        agent = self._conversation.admit(request, client, fields.text("id", "the agent's id"))
        return Order(agent, client, given, fields)

    # coming and going

    @app.route("/api/webrtc/sign_in", methods=["GET", "POST"])
    async def sign_in(self, request: Request) -> bytes:
        """Register a DN, or let a guest in, and open a session."""
        given, client = Input.read(request, self.body_limit), self._addresses.client(request)
        self._sign_in_service.check_password_in_url(request, given.query)
        fields = given.fields()
        if fields.switch("guest"):
            dn = (fields.optional("dn") or "") if self._needs_no_password else ""
            return write_reply(request, await self._sign_in_service.sign_in_without_password(request, client, dn))
        by_token = await self._tokens.sign_in(request, client, given, fields)
        if by_token is not None:
            return write_reply(request, by_token)
        return write_reply(request, await self._sign_in_service.sign_in(request, client, SignIn.read(fields)))

    @app.route("/api/webrtc/sign_out", methods=["GET", "POST"])
    async def sign_out(self, request: Request) -> bytes:
        """End the agent's calls and its registration; a beacon of a page that closes may have any body."""
        fields = Input.read(request, self.body_limit).fields(ignore_other_bodies=True)
        agent_id = fields.text("id", "the agent's id")
        return write_reply(
            request, await self._sign_in_service.sign_out(request, self._addresses.client(request), agent_id)
        )

    # messages

    @app.route("/api/webrtc/message", methods=["POST"])
    async def post_message(self, request: Request) -> bytes:
        """Take a ROAP message; the other uses of this path do not come here, see :mod:`wrtcgw.web.root_resource`."""
        given = Input.read(request, self.body_limit)
        return write_reply(request, await self._conversation.post_roap(request, self._addresses.client(request), given))

    @app.route("/api/webrtc/events", methods=["GET"])
    async def events(self, request: Request) -> bytes:
        """Stream the agent's messages."""
        order = self.admit(request)
        last = request.requestHeaders.getRawHeaders("last-event-id")
        fields = Fields({"after": last[-1]}) if last else order.fields
        await self._streams.begin(request, order.agent, read_after(fields))
        return b""

    # call control

    @verb(app, "hangup")
    async def hangup(self, order: Order) -> Outcome:
        """End a call in any state."""
        code = order.fields.number("code", 0, "a SIP code from 400 to 699") or None
        return await self._gateway.hangup(order.agent.id, order.call_id, code=code)

    @app.route("/api/webrtc/answer", methods=["POST"])
    async def answer(self, request: Request) -> bytes:
        """Answer a call with a description, as field ``sdp`` or as the body."""
        order = self.admit(request, ignore_other_bodies=True)
        trace(request, order.agent, order.call_id)
        if order.given.media_type in DESCRIPTION_TYPES:
            sdp = order.given.description()
        else:
            sdp = order.fields.text("sdp", "a session description", limit=self.body_limit)
        call = self._gateway.answer(order.agent.id, order.call_id, sdp, page_address=order.client.address)
        return write_reply(request, call_reply(call))

    @verb(app, "reject")
    async def reject(self, order: Order) -> Outcome:
        """Reject a call that rings here."""
        code = order.fields.number("code", 486, "a SIP code from 400 to 699")
        return await self._gateway.reject(order.agent.id, order.call_id, code=code)

    @app.route("/api/webrtc/check", methods=["POST"])
    def check(self, request: Request) -> bytes:
        """Answer 200 when the agent may call a number now, else the error that the call would get, without a call."""
        order = self.admit(request)
        to = order.fields.destination("to")
        if not to:
            raise BadInput("to", "the number to ask about", "nothing")
        address = order.client.address
        target = self._gateway.may_call(order.agent.id, self._conversation.number(to), page_address=address)
        return write_reply(request, Reply({"target": target}))

    @verb(app, "hold")
    async def hold(self, order: Order) -> Outcome:
        """Put a call on hold."""
        return await self._gateway.hold(order.agent.id, order.call_id)

    @verb(app, "resume")
    async def resume(self, order: Order) -> Outcome:
        """Take a call from hold."""
        return await self._gateway.resume(order.agent.id, order.call_id)

    @verb(app, "dtmf")
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

    @verb(app, "transfer")
    async def transfer(self, order: Order) -> Outcome:
        """Transfer a call, blind or attended."""
        to, to_call = order.fields.destination("to"), order.fields.optional("to_call")
        return await self._gateway.transfer(order.agent.id, order.call_id, to=to, to_call=to_call)

    @verb(app, "info")
    async def info(self, order: Order) -> Outcome:
        """Send data."""
        data = Data.read(order.given, self.body_limit)
        return await self._gateway.info(order.agent.id, order.call_id, data.content_type, data.body)

    @app.route("/api/webrtc/stats", methods=["POST"])
    def stats(self, request: Request) -> bytes:
        """Take the page's report on the media of a call."""
        order = self.admit(request, ignore_other_bodies=True)
        report = read_report(parse_report(request, REPORT_LIMIT), self._wall())
        self._gateway.report_stats(order.agent.id, order.call_id, report)
        return write_reply(request, Reply())

    @app.route("/api/webrtc/ice", methods=["GET"])
    def ice(self, request: Request) -> bytes:
        """
        Tell the STUN and TURN servers, with credentials for a while.

        With ``to`` it is for a call, and refused as that would be. A guest gets credentials for nothing else.
        """
        order = self.admit(request)
        to = order.fields.destination("to")
        if to is not None:
            self._gateway.may_call(order.agent.id, self._conversation.number(to), page_address=order.client.address)
        relays = not order.agent.guest or to is not None or bool(order.agent.calls)
        return self._show(request, ice_view(self._ice, order.agent.dn, self._wall(), relays=relays))

    @app.route("/api/webrtc/calls", methods=["GET"])
    def own_calls(self, request: Request) -> bytes:
        """List the agent's calls, and tell the state of the registration."""
        return self._show(request, own_view(self.admit(request).agent, self._clock.seconds()))

    # operation

    @app.route("/api/health", methods=["GET"])
    def health(self, request: Request) -> bytes:
        """Tell how the gateway is, to operators in more words; 503 while it cannot reach SIP."""
        health = self._gateway.health()
        if self._operators.is_known(request, self._addresses.client(request)):
            dropped = sum(agent.mailbox.dropped for agent in self._gateway.agents())
            view = health_view(health, self.hanging, dropped)
        else:
            view = public_health_view(health)
        return write_json(request, 200 if health.connections_up else 503, view)

    @app.route("/api/agents", methods=["GET"])
    def agents(self, request: Request) -> bytes:
        """List who is signed in; for operators, as the front sees to."""
        return self._show(request, agents_view(self._gateway.agents(), self._clock.seconds()))

    @app.route("/api/calls/active", methods=["GET"])
    def active_calls(self, request: Request) -> bytes:
        """List what is up; for operators, as the front sees to."""
        return self._show(request, calls_view(self._gateway.calls(), self._clock.seconds()))

    def _show(self, request: Request, view: View) -> bytes:
        return write_json(request, 200, view)

    # errors

    @app.handle_errors(GatewayError)
    def on_gateway_error(self, request: IRequest, failure: Failure) -> bytes:
        """Tell an error of the domain."""
        error = failure.value
        assert isinstance(error, GatewayError)
        asked = cast("Request", request)
        self.audit.refused(error, self._addresses.client(asked), path=asked.path.decode("ascii", "replace"))
        return write_error(asked, error)

    @app.handle_errors(HTTPException)
    def on_routing_error(self, request: IRequest, failure: Failure) -> bytes:
        """Tell that there is no such route."""
        asked = cast("Request", request)
        error = failure.value
        if isinstance(error, MethodNotAllowed):
            allowed = sorted({*(error.valid_methods or ()), "OPTIONS"} - {"HEAD"})
            return write_error(asked, WrongMethod(asked.method.decode("ascii", "replace"), tuple(allowed)))
        return write_error(asked, NoSuchResource(asked.path.decode("utf-8", "replace")))

    @app.handle_errors(Exception)
    def on_bug(self, request: IRequest, failure: Failure) -> bytes:
        """Tell an incident id, and log the rest."""
        return write_unexpected(cast("Request", request), failure)
