"""GET over HTTPS within bounds: of time for all of it, of bytes, and of where it may lead to (no redirects)."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Protocol
from urllib.parse import urlsplit

from attrs import frozen
from OpenSSL import SSL
from service_identity.exceptions import VerificationError
from treq.content import collect
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.error import ConnectError, ConnectionLost, DNSLookupError
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.client import ResponseFailed, ResponseNeverReceived
from twisted.web.http_headers import Headers

OK = 200


@frozen
class FetchFailed(Exception):
    """Nothing came that can be used; ``cause`` says why in a few words, without the address."""

    cause: str
    status: int = 0
    """The answer's, 0 when there was none."""

    def __str__(self) -> str:
        return self.cause


class Client(Protocol):
    """What is needed of :class:`treq.client.HTTPClient`."""

    def get(self, url: str, /, *, headers: Headers, allow_redirects: bool) -> "Deferred[Any]":
        """Send a GET."""


class Fetcher:
    """
    Fetches small documents.

    :param limit: seconds for one of them, from the connection to the last byte.
    """

    def __init__(self, client: Client, clock: IReactorTime, limit: float = 5.0) -> None:
        self._client = client
        self._clock = clock
        self._limit = limit

    def get(self, url: str, size: int, headers: Mapping[str, str] | None = None) -> "Deferred[bytes]":
        """
        Fetch the body at a URL.

        :param size: bytes that it may have.
        :raises FetchFailed: (by the Deferred) for anything but a 200 with a body of that size, in time.
        """
        sent = Headers({name: [value] for name, value in (headers or {}).items()})
        work = Deferred.fromCoroutine(self._get(url, size, sent))
        work.addTimeout(self._limit, self._clock)
        work.addErrback(self._fail)
        return work

    def _fail(self, failure: Failure) -> Failure:
        """Say what went wrong."""
        error = failure.value
        if isinstance(error, FetchFailed):
            return failure
        if isinstance(error, ResponseNeverReceived | ResponseFailed) and error.reasons:
            error = error.reasons[0].value
        if isinstance(error, TimeoutError | CancelledError):
            return Failure(FetchFailed(f"no answer within {self._limit:g} s"))
        return Failure(FetchFailed(_word(error)))

    async def _get(self, url: str, size: int, headers: Headers) -> bytes:
        response = await self._client.get(url, headers=headers, allow_redirects=False)
        body = bytearray()

        def take(data: bytes) -> None:
            if len(body) + len(data) > size:
                raise FetchFailed(f"more than {size} bytes", response.code)
            body.extend(data)

        await collect(response, take)
        if response.code != OK:
            raise FetchFailed(f"HTTP status {response.code}", response.code)
        return bytes(body)


def _word(error: BaseException | None) -> str:
    if isinstance(error, DNSLookupError):
        return "its name cannot be resolved"
    if isinstance(error, ConnectionLost):
        return "the connection was lost"
    if isinstance(error, ConnectError):
        return "no connection"
    if isinstance(error, SSL.Error | VerificationError):
        return "its certificate was not accepted"
    return type(error).__name__


def is_safe(url: str) -> bool:
    """Return whether a URL is HTTPS, or HTTP to this very machine; without credentials in it."""
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        return False
    if not parts.hostname or "@" in parts.netloc or not port_fits or not url.isascii() or not url.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
