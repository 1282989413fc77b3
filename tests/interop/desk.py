"""An agent's desk as the interop cases have it: the gateway's HTTP API and nothing else."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from attrs import define, field, frozen
from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent

from tests.interop.descriptions import chromium_answer, chromium_offer
from tests.interop.servers import PASSWORD

Message = dict[str, Any]
"""One ROAP message, as JSON gives it."""


@frozen
class Reply:
    """One HTTP response, read to its end."""

    code: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Message:
        """The body as JSON object."""
        value: Message = json.loads(self.text)
        return value


@define
class Browser:
    """Sends HTTP requests to one gateway, with the session of one agent once it has one."""

    url: str
    client: HTTPClient
    headers: dict[str, str] = field(factory=dict)

    @classmethod
    def over(cls, agent: IAgent, url: str) -> "Browser":
        """Return a browser that connects by a Twisted web agent, and keeps cookies as treq does."""
        return cls(url, HTTPClient(agent))

    async def get(self, path: str, **query: object) -> Reply:
        """GET a path of the gateway."""
        return await self._request("GET", path, query, None, {})

    async def post(self, path: str, **query: object) -> Reply:
        """POST to a path of the gateway, without a body."""
        return await self._request("POST", path, query, None, {})

    async def describe(self, body: str, sender: str, *, to: str | None = None, call: str | None = None) -> Reply:
        """POST a session description, or what pretends to be one."""
        query = {"from": sender, "to": to, "call": call}
        return await self._request("POST", "/api/webrtc/message", query, body, {"Content-Type": "text/plain"})

    async def _request(
        self, method: str, path: str, query: Mapping[str, object], body: str | None, headers: Mapping[str, str]
    ) -> Reply:
        given = {name: value for name, value in query.items() if value is not None}
        url = f"{self.url}{path}?{urlencode(given)}" if given else f"{self.url}{path}"
        data = None if body is None else body.encode()
        all_headers = Headers({name: [value] for name, value in {**self.headers, **headers}.items()})
        response = await self.client.request(method, url, headers=all_headers, data=data, timeout=70)
        content = await response.content()
        names = {name.decode().lower(): values[0].decode() for name, values in response.headers.getAllRawHeaders()}
        return Reply(response.code, names, content.decode(errors="replace"))


class UnexpectedError(AssertionError):
    """The gateway answered or told something else than the case expects; what was told before is in the text."""


@define
class Desk:
    """
    One agent: signs in, calls, reads its messages in order and uses the call-control verbs.

    :ivar told: every message read so far; :meth:`expect` takes from it what it did not look for before.
    """

    browser: Browser
    reactor: IReactorTime
    id: str
    dn: str
    told: list[Message] = field(factory=list)
    _looked: int = 0

    async def sign_in(self, password: str = PASSWORD, **more: object) -> Reply:
        """Sign in, with further fields, and show the session that it gave from then on."""
        reply = await self.browser.post("/api/webrtc/sign_in", id=self.id, dn=self.dn, password=password, **more)
        if "x-wrtc-session" in reply.headers:
            self.browser.headers["X-WRTC-Session"] = reply.headers["x-wrtc-session"]
        return reply

    async def sign_out(self) -> Reply:
        """Sign out."""
        return await self.browser.get("/api/webrtc/sign_out", id=self.id)

    async def call(self, to: str, offer: str | None = None) -> str:
        """Call a number and return the call's id."""
        reply = await self.browser.describe(offer or chromium_offer(), self.id, to=to)
        if reply.code != 200:
            raise UnexpectedError(f"calling {to}: {reply}")
        return reply.headers["x-wrtc-call"]

    async def established(self, to: str) -> str:
        """Call a number that answers, and return the call's id once it has."""
        call = await self.call(to)
        await self.expect("ANSWER", call, moreComing=False)
        return call

    async def take(self) -> Message:
        """Wait for an incoming call and answer it; return its OFFER."""
        offer = await self.expect("OFFER")
        reply = await self.browser.describe(chromium_answer(offer["sdp"]), self.id, call=offer["callId"])
        if reply.code != 200:
            raise UnexpectedError(f"answering: {reply}")
        await self.expect("OK", offer["callId"])
        return offer

    async def verb(self, name: str, call: str | None = None, **fields: object) -> Reply:
        """Use a call-control verb, without a judgement on the outcome."""
        return await self.browser.post(f"/api/webrtc/{name}", id=self.id, call=call, **fields)

    async def do(self, name: str, call: str | None = None, **fields: object) -> Reply:
        """Use a call-control verb that has to succeed."""
        reply = await self.verb(name, call, **fields)
        if reply.code != 200:
            raise UnexpectedError(f"{name} of {self.id}: {reply}; told before: {self._story()}")
        return reply

    async def calls(self) -> list[Message]:
        """Return the agent's calls as the gateway lists them."""
        reply = await self.browser.get("/api/webrtc/calls", id=self.id)
        listed: list[Message] = reply.json["calls"]
        return listed

    async def expect(self, kind: str, call: str | None = None, seconds: float = 12.0, **fields: object) -> Message:
        """
        Wait for the next message of a type, passing over others, and return it.

        :param call: only of this call.
        :param fields: what else the message has to say.
        """
        deadline = self.reactor.seconds() + seconds
        while True:
            while self._looked < len(self.told):
                message = self.told[self._looked]
                self._looked += 1
                if self._fits(message, {"messageType": kind, **({"callId": call} if call else {}), **fields}):
                    return message
            left = deadline - self.reactor.seconds()
            if left <= 0:
                raise UnexpectedError(f"{self.id} was not told {kind} {fields or ''} in {seconds:g} s: {self._story()}")
            await self._poll(min(left, 5.0))

    async def next(self, seconds: float) -> Message:
        """Return the next message that was not looked at; an empty one when none came in time."""
        if self._looked == len(self.told):
            await self._poll(seconds)
        if self._looked == len(self.told):
            return {}
        self._looked += 1
        return self.told[self._looked - 1]

    @staticmethod
    def _fits(message: Message, wanted: Mapping[str, object]) -> bool:
        return all(message.get(name, False if value is False else None) == value for name, value in wanted.items())

    async def _poll(self, wait: float) -> None:
        url = "/api/webrtc/message"
        self.browser.headers["Accept"] = "application/json"
        reply = await self.browser.get(url, id=self.id, wait=f"{wait:.1f}")
        if reply.code == 200:
            self.told.append(reply.json)
        elif reply.code != 204:
            raise UnexpectedError(f"polling for {self.id}: {reply}; told before: {self._story()}")

    def _story(self) -> str:
        told = [{name: value for name, value in each.items() if name != "sdp"} for each in self.told]
        return json.dumps(told)

    def pause(self, seconds: float) -> Deferred[None]:
        """Return a Deferred that fires after some time."""
        return deferLater(self.reactor, seconds, lambda: None)
