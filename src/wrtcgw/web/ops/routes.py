"""The operators' calls over HTTP: who may, which one, and how its outcome is told. Not a hot path."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial

from attrs import field, frozen
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.web.server import Request

from wrtcgw.capture.ladder import Ladder, build
from wrtcgw.capture.ladder_text import draw
from wrtcgw.capture.pcap import pcap
from wrtcgw.capture.track_store import Track
from wrtcgw.errors import BadInput
from wrtcgw.gateway import Gateway
from wrtcgw.texts import utf8
from wrtcgw.web.audit import Audit
from wrtcgw.web.chain import Dialect, Policy
from wrtcgw.web.errors import (
    NotRecorded,
    write_body,
    write_json,
)
from wrtcgw.web.feed import KINDS, FeedStreams, Notice
from wrtcgw.web.feed.notices import is_of_kind
from wrtcgw.web.fields import Fields
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.operators import Operator, Operators
from wrtcgw.web.ops.actions import Action, Actions, Caller
from wrtcgw.web.ops.dependencies import Doorkeeper, OpsParts
from wrtcgw.web.ops.filters import RECENTLY, Filter, failures_view, time_of
from wrtcgw.web.ops.search import Calls, is_agent, searched
from wrtcgw.web.ops.views import View, ladder_view, operator_view, series_view, sessions_view, summary_view
from wrtcgw.web.origins import Origins, shared_with
from wrtcgw.web.routes import Routes, detached
from wrtcgw.web.settings import Role
from wrtcgw.web.views import agents_view

log = Logger()

PREFIX = b"/api/ops/"
MOST = 1000
"""So many calls or agents are listed at most."""
STEPS = (1, 10)
STATES = ("active", "ended", "all")


ROLES: Mapping[str, Role] = {
    "ladder": Role.SUPERVISOR,
    "ladder.txt": Role.SUPERVISOR,
    "ladder.pcap": Role.SUPERVISOR,
    "hangup": Role.SUPERVISOR,
    "sign_out": Role.SUPERVISOR,
    "sessions": Role.ADMIN,
    "end_session": Role.ADMIN,
    "drain": Role.ADMIN,
    "log_level": Role.ADMIN,
    "capture": Role.ADMIN,
}
"""What each call needs; any other one is for all operators."""


@frozen
class Text:
    """A response that is no JSON."""

    text: str = field(repr=False)
    name: str
    """Under which a browser saves it."""


@frozen
class File:
    """A response for another program."""

    data: bytes = field(repr=False)
    media_type: bytes
    name: str


Answer = View | Text | File


class OpsAPI:
    """
    The operators' calls.

    :param seconds: the clock of the gateway's times.
    :param wall: seconds since the epoch.
    """

    def __init__(
        self,
        gateway: Gateway,
        parts: OpsParts,
        door: Doorkeeper,
        operators: Operators,
        origins: Origins,
        audit: Audit,
        streams: FeedStreams,
        *,
        body_limit: int,
        seconds: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._gateway = gateway
        self._parts = parts
        self._operators = operators
        self._seconds = seconds
        self._wall = wall
        self._calls = Calls(gateway, parts, seconds, wall)
        self._door = door
        self._streams = streams
        routes = Routes()
        for name, action in Actions(gateway, parts, self._calls, door, audit).by_name.items():
            routes.add(PREFIX.decode("ascii") + name, ("POST",), partial(self._act, action), told=("POST",))
        routes.add(PREFIX.decode("ascii") + "summary", ("GET",), self._summary, told=("GET",))
        views: dict[str, Callable[[Fields], Awaitable[Answer]]] = {
            "sessions": self._sessions,
            "webhooks": self._webhooks,
            "series": self._series,
            "calls": self._list,
            "failures": self._failures,
            "search": self._search,
            "ladder": self._ladder,
            "ladder.txt": self._ladder_text,
            "ladder.pcap": self._ladder_pcap,
        }
        for name, view in views.items():
            routes.add(PREFIX.decode("ascii") + name, ("GET",), partial(self._show, view), told=("GET",))
        routes.add(PREFIX.decode("ascii") + "events", ("GET",), self._events, told=("GET",))
        policy = Policy(name="ops", body_limit=body_limit, origins=shared_with(origins), trust=self._require)
        self.dialect = Dialect(
            policy=policy, serves=lambda path: path.startswith(PREFIX), serve=routes.serve, routes=routes
        )

    def _require(self, request: IncomingRequest) -> Operator:
        """Let only operators pass whose role is enough for what they ask for."""
        name = request.path[len(PREFIX) :].decode("ascii", "replace")
        return self._operators.judge(request, ROLES.get(name, Role.VIEWER))

    def _act(self, action: Action, request: IncomingRequest) -> Awaitable[bytes]:
        """Answer when an action is done; it goes on when its operator does not wait."""
        caller = Caller(self._require(request), request.client)

        async def done() -> bytes:
            return write_json(request.response, 200, {"status": "ok", **(await action(request.fields(), caller))})

        return detached(done())

    async def _summary(self, request: IncomingRequest) -> bytes:
        others = await self._gateway.cluster.elsewhere()
        view = summary_view(self._gateway, self._parts, self._wall(), others)
        return _write(request.response, {**view, **operator_view(self._require(request))})

    def _events(self, request: IncomingRequest) -> Deferred[None]:
        """Stream what happens."""
        operator = self._require(request)
        fields = Fields(request.query)
        kinds = tuple(kind.strip() for kind in (fields.optional("kinds") or "").split(",") if kind.strip())
        unknown = [kind for kind in kinds if not any(is_of_kind(each, kind) for each in KINDS)]
        if unknown:
            raise BadInput("kinds", "kinds of notices, or the words before their points", unknown[0][:40])
        after = (request.header(b"last-event-id") or b"").decode("ascii", "replace")

        def wants(notice: Notice) -> bool:
            return not kinds or any(is_of_kind(notice.kind, kind) for kind in kinds)

        owner, place = f"operator {operator.name}", after or fields.optional("after") or ""
        return self._streams.begin(request.response, owner, place, wants, lambda: self._require(request))

    async def _show(self, view: Callable[[Fields], Awaitable[Answer]], request: IncomingRequest) -> bytes:
        return _write(request.response, await view(Fields(request.query)))

    # -- what there is to see

    async def _sessions(self, fields: Fields) -> Answer:
        return sessions_view(self._door.sessions(), self._seconds())

    async def _webhooks(self, fields: Fields) -> Answer:
        deliveries = self._parts.deliveries
        return {"webhooks": []} if deliveries is None else deliveries.view()

    async def _series(self, fields: Fields) -> Answer:
        since = time_of(fields, "since") or 0
        step = fields.number("step", STEPS[0], "1 or 10")
        if step not in STEPS:
            raise BadInput("step", "1 or 10", str(step))
        return series_view(self._parts.meters.series.since(since, step), step)

    async def _list(self, fields: Fields) -> Answer:
        state = fields.optional("state") or "active"
        if state not in STATES:
            raise BadInput("state", " or ".join(STATES), state[:40])
        limit = min(fields.number("limit", MOST, "a whole number"), MOST)
        wanted = Filter.read(fields)
        active = list(self._calls.active(await self._gateway.cluster.elsewhere())) if state != "ended" else []
        ended = list(self._calls.ended()) if state != "active" else []
        calls = wanted.of([*active, *ended])
        return {"calls": calls[:limit], "total": len(calls)}

    async def _failures(self, fields: Fields) -> Answer:
        now = round(self._wall() * 1000)
        since, until = time_of(fields, "since"), time_of(fields, "until")
        return failures_view(
            self._calls.ended(), now - 1000 * RECENTLY if since is None else since, now if until is None else until
        )

    async def _search(self, fields: Fields) -> Answer:
        wanted = searched(fields.text("q", "a DN, an agent's id, a call's id, Call-ID or X-Genesys-CallUUID"))
        if not wanted:
            raise BadInput("q", "something to search for", "nothing")
        limit = min(fields.number("limit", 100, "a whole number"), MOST)
        others = await self._gateway.cluster.elsewhere()
        calls, agents = self._calls.matching(wanted, others), self._calls.agents(wanted)
        found = [each for each in others if is_agent(each.agent, wanted)]
        return {
            "calls": calls[:limit],
            **agents_view(agents[:limit], self._seconds(), self._gateway.node, found[: limit - len(agents[:limit])]),
            "totals": {"calls": len(calls), "agents": len(agents) + len(found)},
        }

    # -- ladders

    async def _ladder(self, fields: Fields) -> Answer:
        ladder = self._built(fields)
        call = self._call_of(fields, ladder)
        other = None if call is None else self._calls.other_leg(call)
        return ladder_view(ladder, call, other)

    def _call_of(self, fields: Fields, ladder: Ladder) -> View | None:
        """Return the call of a ladder; None for that of an agent, and for a call that is forgotten."""
        return None if fields.optional("agent") else self._calls.view(ladder.key)

    async def _ladder_text(self, fields: Fields) -> Answer:
        ladder = self._built(fields)
        if fields.optional("agent"):
            heading = [("Agent", ladder.key), ("Call-ID", ", ".join(ladder.sip_ids))]
        else:
            heading = _heading(ladder, self._call_of(fields, ladder) or {})
        return Text(draw(ladder, heading, _time_of_day), _file_name(ladder.key, "txt"))

    async def _ladder_pcap(self, fields: Fields) -> Answer:
        track, _ = self._track(fields)
        content = pcap(track, *self._other_track(fields, track), show_data=self._parts.console.show_data)
        return File(content, b"application/vnd.tcpdump.pcap", _file_name(track.key, "pcap"))

    def _built(self, fields: Fields) -> Ladder:
        """Return the ladder of the call, or of the agent, that is asked for."""
        track, page = self._track(fields)
        console = self._parts.console
        names = {flow.number: flow.target for flow in console.flows()}
        tracks = (track, *self._other_track(fields, track))
        return build(tracks, lambda flow: names.get(flow, f"flow {flow}"), page, show_data=console.show_data)

    def _other_track(self, fields: Fields, track: Track) -> tuple[Track, ...]:
        """Return what is kept of the other leg of a call between two agents, if it is asked for and there is one."""
        call = None if fields.optional("agent") or not fields.switch("both") else self._calls.view(track.key)
        other = None if call is None else self._calls.other_leg(call)
        found = None if other is None else self._parts.recorder.of_call(str(other["callId"]))
        return () if found is None or found is track else (found,)

    def _track(self, fields: Fields) -> tuple[Track, str]:
        """Return what is kept of that, and how its page is called when no request of it is kept."""
        recorder = self._parts.recorder
        agent_id = fields.optional("agent")
        if agent_id is not None:
            signed_in = next((agent for agent in self._gateway.agents() if agent.id == agent_id), None)
            wanted, track = agent_id, recorder.of_dn(agent_id if signed_in is None else signed_in.dn)
            page = f"page {agent_id}"
        else:
            wanted = fields.text("call", "a call's id or Call-ID; or agent, an agent's id or DN")
            track, page = recorder.of_call(wanted), ""
        if track is None:
            raise NotRecorded(wanted, on=recorder.on)
        return track, page


def _file_name(key: str, kind: str) -> str:
    name = "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in key)[:64]
    return f"ladder-{name or 'call'}.{kind}"


def _heading(ladder: Ladder, view: View) -> list[tuple[str, str]]:
    """Return what stands over a ladder as text."""

    def moment(key: str) -> str:
        value = view.get(key)
        return _date(value) if isinstance(value, int) else ""

    words = [str(view[key]) for key in ("cause", "sipCode", "reason") if view.get(key)]
    dn = f"{view['agent']} ({view['dn']})" if view.get("agent") else str(view.get("dn", ""))
    return [
        ("Call", ladder.key),
        ("Call-ID", ", ".join(ladder.sip_ids)),
        ("CallUUID", str(view.get("uuid", ""))),
        ("Agent", dn),
        ("Far side", f"{view['peer']} ({view['direction']})" if view else ""),
        ("State", str(view.get("state", ""))),
        ("Begun", moment("startedAt")),
        ("Answered", moment("answeredAt")),
        ("Ended", f"{moment('endedAt')}  {' '.join(words)}".strip()),
        ("Audio", _audio(view)),
    ]


def _audio(view: View) -> str:
    """Return what the page has reported of its audio, '' when it has not."""
    quality = view.get("quality")
    audio = quality.get("audio") if isinstance(quality, Mapping) else None
    if not audio:
        return ""
    worst = audio["worst"]
    words = [str(audio["codec"] or ""), f"rtt {audio['rtt']:.0f} ms (worst {worst['rtt']:.0f})"]
    words += [
        f"jitter {audio['rx']['jitter']:.0f} ms (worst {worst['jitter']:.0f})",
        f"worst loss {worst['loss']:.1f} %",
    ]
    words.append(f"MOS {audio['mos']:.1f} (worst {worst['mos']:.1f})" if audio["mos"] and worst["mos"] else "")
    return ", ".join(filter(None, words))


def _date(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}.{milliseconds % 1000:03d} UTC"


def _time_of_day(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds // 1000, UTC):%H:%M:%S}.{milliseconds % 1000:03d}"


def _write(request: Request, answer: Answer) -> bytes:
    if not isinstance(answer, Text | File):
        return write_json(request, 200, answer)
    headers = request.responseHeaders
    headers.setRawHeaders(b"x-content-type-options", [b"nosniff"])
    if isinstance(answer, File):
        headers.setRawHeaders(b"content-disposition", [f'attachment; filename="{answer.name}"'])
        return write_body(request, answer.media_type, answer.data)
    headers.setRawHeaders(b"content-disposition", [f'inline; filename="{answer.name}"'])
    return write_body(request, b"text/plain; charset=utf-8", utf8(answer.text))
