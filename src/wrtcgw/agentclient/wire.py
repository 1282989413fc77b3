"""
The gateway's REST API (``docs/api.md``) as an asyncio client uses it, by aiohttp.

Each request has a time limit and fails as :exc:`RefusedError` or :exc:`UnreachableError`. Nothing is tried again here.
"""

import codecs
import json
from collections.abc import AsyncGenerator, Mapping
from typing import cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from attrs import define, field

from wrtcgw import __version__
from wrtcgw.agentclient.errors import RefusedError, UnreachableError
from wrtcgw.agentclient.messages import EventParser, Message

PATIENCE = aiohttp.ClientTimeout(total=60, sock_connect=10)
"""The gateway's own limits are shorter, so this is for a gateway that is gone."""
STREAMING = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=45)
"""The gateway writes a heartbeat every 15 s; a stream that is silent for three of them is dead."""
_GATEWAY_AWAY = 502
_UNREACHABLE = (aiohttp.ClientError, OSError, TimeoutError)

Fields = Mapping[str, object]


@define(eq=False)
class Wire:
    """One agent's requests: its id, and the token of its session in each of them."""

    gateway: str
    http: aiohttp.ClientSession = field(repr=False)
    agent_id: str = ""
    token: str = field(default="", repr=False)

    async def close(self) -> None:
        """Close its connections."""
        await self.http.close()

    async def sign_in(self, fields: Mapping[str, str]) -> Fields:
        """Open a session; secrets go into the body, never into an address."""
        answer = await self._ask("POST", "sign_in", data=dict(fields))
        self.agent_id = str(answer.get("id") or fields.get("id", ""))
        self.token = str(answer.get("session") or "")
        return answer

    async def sign_out(self) -> None:
        """End the session."""
        await self._ask("POST", "sign_out", {"id": self.agent_id})
        self.token = ""

    async def order(self, verb: str, call: str, **fields: object) -> Fields:
        """Order something for a call: hangup, hold, dtmf …; return what SIP said: ``sipCode`` and ``reason``."""
        return await self._ask("POST", verb, {"id": self.agent_id, "call": call}, json=fields)

    async def describe(self, message: Fields) -> str:
        """Post a description (``{messageType, sdp, callId or to, data}``) and return the id of its call."""
        return str((await self._ask("POST", "message", {"from": self.agent_id}, json=message)).get("callId") or "")

    async def calls(self) -> list[Fields]:
        """Return the calls that the gateway has for this agent."""
        found = (await self._ask("GET", "calls", {"id": self.agent_id})).get("calls")
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    async def ice_servers(self) -> list[Fields]:
        """Return the STUN and TURN servers, with credentials for a while."""
        found = (await self._ask("GET", "ice", {"id": self.agent_id})).get("iceServers")
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    async def messages(self, after: int | None) -> AsyncGenerator[Message | None, None]:
        """
        Yield None as soon as the gateway answers, then the agent's messages as they come, until it ends the stream.

        :param after: the number of the last one that was taken; None begins with the first undelivered one.
        """
        headers = {"Accept": "text/event-stream", **({} if after is None else {"Last-Event-ID": str(after)})}
        parser, decoder = EventParser(), codecs.getincrementaldecoder("utf-8")("replace")
        try:
            query = {"id": self.agent_id}
            async with self.http.get(
                self._address("events"), params=query, headers=self._signed(headers), timeout=STREAMING
            ) as response:
                if response.status != 200:
                    raise _refusal(response, await response.text())
                yield None
                async for part in response.content.iter_any():
                    for message in parser.feed(decoder.decode(part)):
                        yield message
        except _UNREACHABLE as error:
            raise UnreachableError(f"{self.gateway}: {_words(error)}") from error

    async def _ask(self, method: str, path: str, query: Mapping[str, str] | None = None, **body: object) -> Fields:
        try:
            async with self.http.request(
                method,
                self._address(path),
                params=query,
                headers=self._signed({"Accept": "application/json"}),
                timeout=PATIENCE,
                allow_redirects=False,
                **body,  # type: ignore[arg-type]  # json or data, which the caller knows
            ) as response:
                text = await response.text()
                if response.status >= 300:
                    raise _refusal(response, text)
                return _object(text)
        except _UNREACHABLE as error:
            raise UnreachableError(f"{self.gateway}: {_words(error)}") from error

    def _address(self, path: str) -> str:
        return f"{self.gateway.rstrip('/')}/api/webrtc/{path}"

    def _signed(self, headers: dict[str, str]) -> dict[str, str]:
        about = {"User-Agent": f"wrtcgw-agentclient/{__version__}", **headers}
        return {**about, "Authorization": f"Bearer {self.token}"} if self.token else about


def open_wire(gateway: str) -> Wire:
    """
    Return what asks the gateway at an address; proxies are those of the environment (``HTTPS_PROXY``).

    Nothing else of the environment counts: the passwords in ``.netrc`` are for other programs.
    """
    return Wire(gateway, aiohttp.ClientSession(proxy=proxy_to(gateway)))


def proxy_to(gateway: str) -> str | None:
    """Return the proxy that the environment names for an address; None for none."""
    url = urlsplit(gateway)
    if not url.hostname or proxy_bypass(url.netloc.rpartition("@")[2]):
        return None
    return getproxies().get(url.scheme)


def _object(text: str) -> Fields:
    try:
        value: object = json.loads(text) if text else {}
    except ValueError:
        raise UnreachableError("what answers is no gateway: its answer is no JSON") from None
    return cast(Fields, value) if isinstance(value, dict) else {}


def _refusal(response: aiohttp.ClientResponse, text: str) -> Exception:
    """Return what an error response says; a proxy's, in front of a gateway that is away, is none of a gateway's."""
    try:
        told = _object(text)
    except UnreachableError:
        told = {}
    code = str(told.get("code") or "")
    if not code and response.status >= _GATEWAY_AWAY:
        return UnreachableError(f"HTTP {response.status}, from a proxy in front of the gateway")
    words = str(told.get("error") or f"the gateway answered {response.status}")
    sip_code, after = told.get("sipCode"), response.headers.get("Retry-After", "")
    return RefusedError(
        response.status,
        code or "unexpected_answer",
        words,
        sip_code if isinstance(sip_code, int) else 0,
        float(after) if after.isdecimal() else 0.0,
    )


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
