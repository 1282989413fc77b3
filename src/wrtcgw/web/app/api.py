"""The routes of the application API: who asks for what, once, and what has come of it."""

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState
from wrtcgw.errors import BadInput, GatewayError, NotSignedIn, UnknownCall
from wrtcgw.gateway import Gateway, Outcome
from wrtcgw.texts import utf8
from wrtcgw.web.app.applications import Application, Applications
from wrtcgw.web.app.idempotency import Answer, Idempotency, key_of
from wrtcgw.web.audit import Audit
from wrtcgw.web.chain import Dialect, Policy
from wrtcgw.web.errors import error_view, row_of, write_body, write_json
from wrtcgw.web.feed import Feed, FeedStreams, Notice
from wrtcgw.web.feed.notices import agent_view, call_view
from wrtcgw.web.fields import Fields
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.origins import Origins, shared_with
from wrtcgw.web.routes import Routes, detached

PREFIX = b"/api/app/v1/"
VERBS = ("answer", "hold", "resume", "hangup", "transfer", "dtmf")

View = Mapping[str, object]


@frozen
class Wish:
    """What an application wants of a call, or of an agent."""

    application: Application
    request: IncomingRequest
    fields: Fields
    agent: Agent
    call_id: str = ""


Verb = Callable[[Wish], Awaitable[View]]


class ApplicationAPI:
    """
    The application API.

    :param wall: seconds since the epoch.
    """

    def __init__(
        self,
        gateway: Gateway,
        applications: Applications,
        feed: Feed,
        streams: FeedStreams,
        origins: Origins,
        audit: Audit,
        clock: IReactorTime,
        *,
        body_limit: int,
        wall: Callable[[], float],
    ) -> None:
        self._gateway = gateway
        self._applications = applications
        self._feed = feed
        self._streams = streams
        self._audit = audit
        self._clock = clock
        self._wall = wall
        self._answered = Idempotency(clock.seconds)
        policy = Policy(
            name="applications", body_limit=body_limit, origins=shared_with(origins), trust=applications.require
        )
        routes = self._routes()
        self.dialect = Dialect(
            policy=policy, serves=lambda path: path.startswith(PREFIX), serve=routes.serve, routes=routes
        )

    def _routes(self) -> Routes:
        routes, base = Routes(), PREFIX.decode("ascii")
        routes.add(base + "agents", ("GET",), self._agents)
        routes.add(base + "agents/<dn>", ("GET",), self._agent)
        routes.add(base + "agents/<dn>/do_not_disturb", ("POST",), partial(self._act_on_agent, self._quiet))
        routes.add(base + "calls", ("GET",), self._calls)
        routes.add(base + "calls", ("POST",), self._place)
        routes.add(base + "calls/<call>", ("GET",), self._call)
        verbs: dict[str, Verb] = {
            "answer": self._answer,
            "hold": self._hold,
            "resume": self._resume,
            "hangup": self._hangup,
            "transfer": self._transfer,
            "dtmf": self._dtmf,
        }
        for name, verb in verbs.items():
            routes.add(f"{base}calls/<call>/{name}", ("POST",), partial(self._act_on_call, name, verb))
        routes.add(base + "events", ("GET",), self._events)
        return routes

    # -- what there is to see

    def _agents(self, request: IncomingRequest) -> bytes:
        application = self._applications.require(request)
        seen = [agent_view(agent) for agent in self._gateway.agents() if _sees(application, agent)]
        return self._show(request, {"agents": seen, **self._place_in_feed()})

    def _agent(self, request: IncomingRequest, dn: str) -> bytes:
        agent = self._find_agent(self._applications.require(request), dn)
        calls = [self._view(call, agent) for call in agent.calls.values()]
        return self._show(request, {"agent": agent_view(agent), "calls": calls, **self._place_in_feed()})

    def _calls(self, request: IncomingRequest) -> bytes:
        application = self._applications.require(request)
        agents = [agent for agent in self._gateway.agents() if _sees(application, agent)]
        seen = [self._view(call, agent) for agent in agents for call in agent.calls.values()]
        return self._show(request, {"calls": seen, **self._place_in_feed()})

    def _call(self, request: IncomingRequest, call: str) -> bytes:
        agent, found = self._find_call(self._applications.require(request), call)
        return self._show(request, {"call": self._view(found, agent), **self._place_in_feed()})

    def _events(self, request: IncomingRequest) -> Deferred[None]:
        application = self._applications.require(request)
        after = request.header(b"last-event-id") or b""
        place = after.decode("ascii", "replace") or Fields(request.query).optional("after") or ""

        def judge() -> None:
            if self._applications.require(request) != application:
                raise NotSignedIn(application.name)

        def wants(notice: Notice) -> bool:
            return notice.is_of_agent and application.sees(notice.dn)

        return self._streams.begin(request.response, f"application {application.name}", place, wants, judge)

    def _place_in_feed(self) -> View:
        """Return where to go on with the events, for who has read a list; from then on they are kept."""
        self._feed.begin()
        return {"lastEvent": self._feed.last}

    def _show(self, request: IncomingRequest, view: View) -> bytes:
        return write_json(request.response, 200, view)

    def _view(self, call: Call, agent: Agent) -> View:
        return call_view(call, agent.dn, self._wall() - self._clock.seconds())

    def _find_agent(self, application: Application, dn: str) -> Agent:
        agent = self._gateway.find_dn(dn) if application.sees(dn) else None
        if agent is None or agent.guest:
            raise NotSignedIn(dn)
        return agent

    def _find_call(self, application: Application, call_id: str) -> tuple[Agent, Call]:
        agent = next((each for each in self._gateway.agents() if call_id in each.calls), None)
        if agent is None or not _sees(application, agent):
            raise UnknownCall(call_id)
        return agent, agent.calls[call_id]

    # -- what it may do

    def _place(self, request: IncomingRequest) -> Awaitable[bytes]:
        def wish(application: Application) -> Wish:
            fields = request.fields()
            agent = self._find_agent(application, fields.text("dn", "the DN of an agent"))
            return Wish(application, request, fields, agent)

        return self._once(request, "place", wish, self._order, status=201)

    def _act_on_agent(self, verb: Verb, request: IncomingRequest, dn: str) -> Awaitable[bytes]:
        def wish(application: Application) -> Wish:
            return Wish(application, request, request.fields(), self._find_agent(application, dn))

        return self._once(request, "do_not_disturb", wish, verb)

    def _act_on_call(self, name: str, verb: Verb, request: IncomingRequest, call: str) -> Awaitable[bytes]:
        def wish(application: Application) -> Wish:
            agent, _ = self._find_call(application, call)
            return Wish(application, request, request.fields(), agent, call)

        return self._once(request, name, wish, verb)

    def _once(
        self,
        request: IncomingRequest,
        name: str,
        read: Callable[[Application], Wish],
        verb: Verb,
        *,
        status: int = 200,
    ) -> Awaitable[bytes]:
        """
        Carry a request out, unless that was done before; it goes on when nobody waits for its answer any more.

        :param read: reads what is wanted; raises for what cannot be.
        """
        application = self._applications.require(request)
        self._applications.charge(application)
        key_of(request)
        known = self._answered.find(application.name, request)
        if known is not None:
            request.response.responseHeaders.setRawHeaders(b"idempotency-replayed", [b"true"])
            return _ready(_written(request, known))

        async def carry_out() -> bytes:
            answer = None
            try:
                wish = read(application)
                self._note(wish, name)
                view = await verb(wish)
                answer = Answer(status, utf8(json.dumps({"status": "ok", **view}, ensure_ascii=False)) + b"\n")
            except GatewayError as error:
                answer = Answer(row_of(error).status, utf8(json.dumps(error_view(error), ensure_ascii=False)) + b"\n")
                raise
            finally:
                self._answered.keep(application.name, request, answer)
            return _written(request, answer)

        return detached(carry_out())

    def _note(self, wish: Wish, act: str) -> None:
        """Write a line into the audit log, before anything is done."""
        to = wish.fields.optional("to") or ""
        facts = {"dn": wish.agent.dn, "agent": wish.agent.id, "call": wish.call_id, "to": to}
        self._audit.note("application", "ok", wish.request.client, act=act, token=wish.application.name, **facts)

    async def _order(self, wish: Wish) -> View:
        to = wish.fields.text("to", "the number to call")
        answer = wish.fields.switch("answer")
        call = self._gateway.order_call(wish.agent.id, to, answer=answer is not False)
        location = PREFIX + b"calls/" + call.id.encode("ascii")
        wish.request.response.responseHeaders.setRawHeaders(b"location", [location])
        return {"call": self._view(call, wish.agent)}

    async def _quiet(self, wish: Wish) -> View:
        on = wish.fields.switch("on")
        if on is None:
            raise BadInput("on", "true or false", "nothing")
        self._gateway.do_not_disturb(wish.agent.id, on)
        return {"agent": agent_view(wish.agent)}

    async def _answer(self, wish: Wish) -> View:
        call = wish.agent.call(wish.call_id)
        if call.state is CallState.ESTABLISHED and call.held:
            return self._outcome(wish, await self._gateway.resume(wish.agent.id, wish.call_id))
        self._gateway.ask_to_answer(wish.agent.id, wish.call_id)
        return {"call": self._view(call, wish.agent)}

    async def _hold(self, wish: Wish) -> View:
        return self._outcome(wish, await self._gateway.hold(wish.agent.id, wish.call_id))

    async def _resume(self, wish: Wish) -> View:
        return self._outcome(wish, await self._gateway.resume(wish.agent.id, wish.call_id))

    async def _hangup(self, wish: Wish) -> View:
        call = wish.agent.call(wish.call_id)
        outcome = await self._gateway.hangup(wish.agent.id, wish.call_id)
        return {**_told(outcome), "call": self._view(call, wish.agent)}

    async def _transfer(self, wish: Wish) -> View:
        to, to_call = wish.fields.optional("to"), wish.fields.optional("toCall")
        return self._outcome(wish, await self._gateway.transfer(wish.agent.id, wish.call_id, to=to, to_call=to_call))

    async def _dtmf(self, wish: Wish) -> View:
        digits = wish.fields.text("digits", "digits 0-9 A-D * #")
        return self._outcome(wish, await self._gateway.dtmf(wish.agent.id, wish.call_id, digits))

    def _outcome(self, wish: Wish, outcome: Outcome) -> View:
        call = wish.agent.calls.get(wish.call_id)
        return {**_told(outcome), **({} if call is None else {"call": self._view(call, wish.agent)})}


def _told(outcome: Outcome) -> View:
    return {"sipCode": outcome.code, "reason": outcome.reason}


def _sees(application: Application, agent: Agent) -> bool:
    return not agent.guest and application.sees(agent.dn)


def _written(request: IncomingRequest, answer: Answer) -> bytes:
    request.response.setResponseCode(answer.status)
    return write_body(request.response, b"application/json", answer.body)


async def _ready(body: bytes) -> bytes:
    return body
