"""Many pages at one gateway, each as cheap as it can be: it signs in, and hears what it is told by one event stream."""

import re
from collections import Counter, deque
from collections.abc import Iterable
from urllib.parse import urlsplit

from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.task import deferLater
from twisted.web.iweb import IAgent

from tests.interop.desk import Browser
from tests.interop.servers import PASSWORD

AT_ONCE = 40
"""Sign-ins under way at a time."""
LONGEST = 400
"""Bytes that a message of a page without calls has at most."""
STATE = re.compile(rb'"REGISTRATION"[^\n]*?"state": ?"([A-Z]+)"')


class _Stream(Protocol):
    """An event stream (server-sent events); of what it brings only the last registration state matters."""

    def __init__(self, page: "CrowdPage", request: bytes) -> None:
        self._page = page
        self._request = request
        self._rest = b""

    def connectionMade(self) -> None:
        """Ask for the stream."""
        assert self.transport is not None
        self.transport.write(self._request)

    def dataReceived(self, data: bytes) -> None:
        """Look for a registration state."""
        data = self._rest + data
        last = 0
        for found in STATE.finditer(data):
            last = found.end()
            self._page.state = found[1].decode()
        self._rest = data[last:][-LONGEST:]

    def leave(self) -> None:
        """Close it."""
        if self.transport is not None:
            self.transport.loseConnection()


@define
class CrowdPage:
    """One agent's page; ``state`` is the registration state that it was told last."""

    dn: str
    state: str = ""
    stream: _Stream | None = None

    @property
    def id(self) -> str:
        """The agent's id."""
        return f"agent-{self.dn}"


@define
class Crowd:
    """All pages of one gateway; ``agent`` sends their requests."""

    agent: IAgent
    url: str
    pages: list[CrowdPage] = field(factory=list)

    async def sign_in(self, dns: Iterable[str]) -> None:
        """
        Sign agents in, some at a time, and open a stream for each.

        :raises AssertionError: when one is refused.
        """
        waiting = deque(CrowdPage(dn) for dn in dns)
        self.pages.extend(waiting)

        async def work() -> None:
            while waiting:
                await self._enter(waiting.popleft())

        await gatherResults([ensureDeferred(work()) for _ in range(AT_ONCE)], consumeErrors=True)

    async def _enter(self, page: CrowdPage) -> None:
        browser = Browser.over(self.agent, self.url)  # of its own, with the cookies of this agent only
        reply = await browser.post("/api/webrtc/sign_in", id=page.id, dn=page.dn, password=PASSWORD)
        assert reply.code == 200, f"signing {page.dn} in: {reply}"
        session = reply.headers["x-wrtc-session"]
        place = urlsplit(self.url)
        request = (
            f"GET /api/webrtc/events?id={page.id} HTTP/1.1\r\nHost: {place.netloc}\r\n"
            f"X-WRTC-Session: {session}\r\nAccept: text/event-stream\r\n\r\n"
        )
        assert place.hostname
        assert place.port
        endpoint = HostnameEndpoint(reactor, place.hostname, place.port)
        page.stream = await connectProtocol(endpoint, _Stream(page, request.encode()))

    def states(self) -> "Counter[str]":
        """Return how many pages were told which registration state last."""
        return Counter(page.state for page in self.pages)

    async def leave(self) -> None:
        """Close all streams; the gateway, which ends with the case, signs the agents out."""
        for page in self.pages:
            if page.stream is not None:
                page.stream.leave()
        await deferLater(reactor, 0.1, lambda: None)
