"""The gateway's REST dialect in its ROAP form, as a client uses it."""

import json
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlencode

from attrs import define, field, frozen
from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as ReplyTimeoutError
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.error import TimeoutError as ConnectTimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.web.client import RequestTransmissionFailed, ResponseFailed, ResponseNeverReceived
from twisted.web.http_headers import Headers

SESSION_HEADER = "X-WRTC-Session"
CALL_HEADER = "X-WRTC-Call"
_UNREACHABLE = (
    ConnectError,
    DNSLookupError,
    ConnectTimeoutError,
    ResponseFailed,
    ResponseNeverReceived,
    RequestTransmissionFailed,
)
_REPLY_LIMIT = 60.0
_HEALTH_LIMIT = 10.0
"""A gateway tells its health at once; what is silent is none, or wants https."""


class UnreachableError(Exception):
    """No gateway answers at that address."""


@frozen
class RefusedError(Exception):
    """The gateway answered with an error: its status and its own words."""

    status: int
    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.status} {self.text}"


@frozen(kw_only=True)
class Event:
    """One message for the agent."""

    type: str
    call_id: str
    sender: str
    sdp: str | None = field(repr=False)
    code: int
    reason: str
    state: str
    hint: str
    more_coming: bool

    @classmethod
    def of(cls, value: Mapping[str, object]) -> "Event":
        """Read the JSON form; what is missing is empty."""

        def text(name: str) -> str:
            found = value.get(name)
            return found if isinstance(found, str) else ""

        code = value.get("sipCode")
        return cls(
            type=text("messageType"),
            call_id=text("callId"),
            sender=text("from"),
            sdp=text("sdp") or None,
            code=code if isinstance(code, int) else 0,
            reason=text("reason") or text("cause"),
            state=text("state"),
            hint=text("hint"),
            more_coming=value.get("moreComing") is True,
        )

    @property
    def ends_call(self) -> bool:
        """Return whether the call is over with it."""
        return self.type == "SHUTDOWN" or (self.type == "ERROR" and self.state in ("", "ENDED"))

    def __str__(self) -> str:
        words = " ".join(str(word) for word in (self.code or "", self.reason, self.hint) if word)
        return f"{self.type} {words}".strip()


@frozen
class Reply:
    """A response of the gateway: the JSON object in it, or an empty one."""

    status: int
    value: Mapping[str, object]
    session: str = field(repr=False)
    call_id: str


@define
class GatewayAPI:
    """
    One agent's view of the gateway.

    Each method returns when the gateway has answered, and raises :exc:`RefusedError` for an error response and
    :exc:`UnreachableError` when there is none.
    """

    url: str
    agent_id: str
    http: HTTPClient = field(repr=False)
    clock: IReactorTime = field(repr=False)
    _token: str = field(default="", init=False, repr=False)

    async def health(self) -> Mapping[str, object]:
        """Ask how the gateway is; a gateway without a SIP connection says so with 503, which is an answer here."""
        reply = await self._fetch("GET", "/api/health", Headers(), b"", _HEALTH_LIMIT)
        if "status" not in reply.value:
            raise UnreachableError(f"{self.url}: HTTP {reply.status}, and no gateway's answer")
        return reply.value

    async def sign_in(self, dn: str, password: str) -> None:
        """Register the DN."""
        fields = {"id": self.agent_id, "dn": dn, "password": password}
        body = urlencode(fields).encode()
        reply = await self._ask("POST", "/api/webrtc/sign_in", {}, body, "application/x-www-form-urlencoded")
        self._token = reply.session

    async def sign_out(self) -> None:
        """End the session; fine when there is none."""
        await self._ask("POST", "/api/webrtc/sign_out", {"id": self.agent_id})

    async def place_call(self, to: str, sdp: str) -> str:
        """Call ``to`` and return the call's id."""
        return await self._describe({"from": self.agent_id, "to": to}, sdp)

    async def describe(self, call_id: str, sdp: str) -> str:
        """Answer a call or an offer inside it, or make an offer inside it."""
        return await self._describe({"from": self.agent_id, "call": call_id}, sdp)

    async def _describe(self, query: dict[str, str], sdp: str) -> str:
        reply = await self._ask("POST", "/api/webrtc/message", query, sdp.encode(), "application/sdp")
        return reply.call_id

    async def next_event(self, wait: float) -> Event | None:
        """Return the next message, waiting for it up to so many seconds."""
        reply = await self._ask("GET", "/api/webrtc/message", {"id": self.agent_id, "wait": f"{wait:g}"})
        return Event.of(reply.value) if reply.status == 200 else None

    async def control(self, verb: str, call_id: str, **fields: str) -> str:
        """Do something with a call, and return what SIP said: its code and reason."""
        query = {"id": self.agent_id, "call": call_id, **fields}
        value = (await self._ask("POST", f"/api/webrtc/{verb}", query)).value
        return f"{value.get('sipCode') or ''} {value.get('reason') or ''}".strip()

    async def _ask(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: bytes = b"", kind: str = ""
    ) -> Reply:
        headers = Headers({"Accept": ["application/json"]})
        if kind:
            headers.setRawHeaders("Content-Type", [kind])
        if self._token:
            headers.setRawHeaders("Authorization", [f"Bearer {self._token}"])
        target = path + (f"?{urlencode(query)}" if query else "")
        reply = await self._fetch(method, target, headers, body)
        if reply.status >= 400:
            text = reply.value.get("error") or "the answer is none of a gateway's"
            raise RefusedError(reply.status, str(reply.value.get("code", "")), str(text))
        return reply

    async def _fetch(
        self, method: str, target: str, headers: Headers, body: bytes, limit: float = _REPLY_LIMIT
    ) -> Reply:
        limited = Deferred.fromCoroutine(self._exchange(method, self.url.rstrip("/") + target, headers, body))
        try:
            return await limited.addTimeout(limit, self.clock)
        except ReplyTimeoutError as error:
            raise UnreachableError(f"{self.url}: no answer within {limit:g} s") from error
        except _UNREACHABLE as error:
            words = _words_of(error) or f"no answer within {limit:g} s"  # a request that is cancelled has no words
            raise UnreachableError(f"{self.url}: {words}") from error

    async def _exchange(self, method: str, address: str, headers: Headers, body: bytes) -> Reply:
        response = await self.http.request(method, address, headers=headers, data=body)
        value = _object(await response.text())
        session = response.headers.getRawHeaders(SESSION_HEADER, [""])[0]
        call_id = response.headers.getRawHeaders(CALL_HEADER, [""])[0]
        return Reply(response.code, value, session, call_id)


def _object(text: str) -> Mapping[str, object]:
    try:
        value: object = json.loads(text)
    except ValueError:
        return {}
    return cast(Mapping[str, object], value) if isinstance(value, dict) else {}


def _words_of(error: Exception) -> str:
    reasons = getattr(error, "reasons", None)
    if reasons:
        return str(reasons[0].getErrorMessage())
    return str(error) or type(error).__name__
