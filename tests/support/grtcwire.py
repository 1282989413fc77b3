"""
How a browser and jQuery carry the Genesys dialect: raw addresses, cookies, cross-origin checks, guessed content types.

Written from docs/genesys-dialect.md (W 2 and 3). Nothing here knows what is said, only whether it arrives: whatever
the library would be told as a failed request is a :exc:`RequestFailedError`.
"""

import re
from typing import Protocol
from urllib.parse import quote

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IConsumer
from twisted.web.client import readBody
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

FORM = "application/x-www-form-urlencoded; charset=UTF-8"
"""What jQuery says of every string that it posts, whatever is in it."""

_CONVERTED = re.compile(r"\b(?:json|xml|javascript|ecmascript)\b")
"""Content types that jQuery does not hand over as text."""

_KEPT = "".join(map(chr, range(0x21, 0x7F))).translate({ord(each): None for each in "\"#<>'"})
"""Characters that a browser leaves in a query string as they are."""


class RequestFailedError(Exception):
    """The request came to nothing: refused, cut, forbidden across origins, or answered by what is no text."""


@frozen
class Reply:
    """A response that the library gets to see."""

    status: int
    text: str
    pragma: str


@implementer(IBodyProducer)
class TextBody:
    """A request's body, written at once: no reactor is needed for it."""

    def __init__(self, text: str) -> None:
        """Hold the text."""
        self._bytes = text.encode()
        self.length = len(self._bytes)

    def startProducing(self, consumer: IConsumer) -> "Deferred[None]":  # noqa: N802
        """Write it."""
        consumer.write(self._bytes)
        return succeed(None)

    def pauseProducing(self) -> None:
        """Do nothing: it is all written."""

    def resumeProducing(self) -> None:
        """Do nothing."""

    def stopProducing(self) -> None:
        """Do nothing."""


class Wire(Protocol):
    """Carries one request of the page; cancelling what it returns aborts the request."""

    def fetch(self, method: str, url: str, body: str | None = None) -> "Deferred[Reply]":
        """Fetch, or fail with :exc:`RequestFailedError`."""


def browser_url(url: str) -> str:
    """Return the address as a browser sends it: cut at ``#``, the little escaped that has to be (W 2.1)."""
    return quote(url.partition("#")[0], safe=_KEPT)


@define
class BrowserWire:
    """
    Requests of a page in a browser.

    :ivar origin: of the page, when it is another than the gateway's; responses then have to allow it, with credentials.
    :ivar cookies: what gateways have set; sent with every request.
    :ivar responses: every response's status and headers, for tests to look at.
    """

    _agent: IAgent
    origin: str = ""
    cookies: dict[str, str] = field(factory=dict)
    responses: list[tuple[str, IResponse]] = field(factory=list, init=False)

    def fetch(self, method: str, url: str, body: str | None = None) -> "Deferred[Reply]":
        """Carry out one request."""
        return Deferred.fromCoroutine(self._exchange(method, browser_url(url), body))

    async def _exchange(self, method: str, url: str, body: str | None) -> Reply:
        producer = None if body is None else TextBody(body)
        try:
            response = await self._agent.request(method.encode(), url.encode(), self._headers(body), producer)
            content = await readBody(response)
        except Exception as error:
            raise RequestFailedError(f"{method} {url}: {error}") from error
        self.responses.append((url, response))
        self._keep_cookies(response)
        self._check(response, url)
        pragma = response.headers.getRawHeaders("Pragma", [""])[0]
        return Reply(response.code, content.decode("utf-8", "replace"), pragma)

    def _headers(self, body: str | None) -> Headers:
        headers = Headers({"Accept": ["*/*"]})
        if self.origin:
            headers.setRawHeaders("Origin", [self.origin])
        else:
            headers.setRawHeaders("X-Requested-With", ["XMLHttpRequest"])
        if body is not None:
            headers.setRawHeaders("Content-Type", [FORM])
        if self.cookies:
            headers.setRawHeaders("Cookie", ["; ".join(f"{name}={value}" for name, value in self.cookies.items())])
        return headers

    def _keep_cookies(self, response: IResponse) -> None:
        for line in response.headers.getRawHeaders("Set-Cookie", []):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name.strip()] = value.strip()

    def _check(self, response: IResponse, url: str) -> None:
        if self.origin and not self._allowed(response):
            raise RequestFailedError(f"{url}: not allowed for {self.origin} with credentials")
        if response.code >= 400:
            raise RequestFailedError(f"{url}: {response.code}")
        kind = response.headers.getRawHeaders("Content-Type", [""])[0]
        if response.code != 204 and _CONVERTED.search(kind):
            raise RequestFailedError(f"{url}: jQuery converts {kind}")

    def _allowed(self, response: IResponse) -> bool:
        allowed = response.headers.getRawHeaders("Access-Control-Allow-Origin", [])
        credentials = response.headers.getRawHeaders("Access-Control-Allow-Credentials", [])
        return bool(allowed == [self.origin] and credentials == ["true"])
