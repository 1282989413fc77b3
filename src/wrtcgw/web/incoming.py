"""
A request, read once: where it comes from, what it shows, and what it brought.

Everything behind the chain (:mod:`wrtcgw.web.chain`) asks this value. No other module takes Twisted's request apart
for these things, which ``tests/test_layers.py`` checks; to its ``response`` the others only write.
"""

from collections.abc import Callable
from io import BytesIO
from typing import Any, Generic, TypeVar

from twisted.web.server import Request

from wrtcgw.errors import BadInput
from wrtcgw.web.addresses import Addresses, Client
from wrtcgw.web.errors import BodyTooLarge, EncodedBody, WrongContentType
from wrtcgw.web.fields import DESCRIPTION_TYPES, FORM, JSON, Fields, decode, parse_fields, parse_object

T = TypeVar("T")

OF_BROWSERS = (b"origin", b"referer", b"accept-language", b"upgrade-insecure-requests", b"purpose", b"sec-purpose")
"""
Fields of which a browser sends at least one with any request; but for Accept-Language none goes with a plain GET over
http:// (measured with Chromium). Programs send none of them unless they are told to.
"""
BROWSER = b"mozilla/"
"""How each browser begins its User-Agent, which no foreign page can change."""


class Once(Generic[T]):
    """
    A property that is worked out when it is first asked for, and kept.

    That of :mod:`functools` takes a lock before Python 3.12, which is most of what a poll's few properties cost.
    """

    def __init__(self, work_out: Callable[[Any], T]) -> None:
        self._work_out = work_out
        self.__doc__ = work_out.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> T:
        value = instance.__dict__[self._name] = self._work_out(instance)
        return value


class BoundedBody(BytesIO):
    """A request body that takes no more than its limit; the rest is dropped and leaves a mark."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self.overflowed = False

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        """Take the data, unless it is too much."""
        if self.overflowed or self.tell() + len(data) > self._limit:
            self.overflowed = True
            return len(data)
        return super().write(data)


class IncomingRequest:
    """
    What one request says; each part is read when it is first asked for, and kept.

    :param response: Twisted's request, to which the response is written.
    :param addresses: who knows which peers are trusted proxies.
    :ivar method: as it was sent.
    :ivar path: without the query, in the one spelling of :mod:`wrtcgw.web.request_target`.
    :ivar body: empty until :meth:`take_body`.
    :ivar allow: the methods that OPTIONS is to name; set by who knows the routes.
    """

    body = b""
    allow = b"GET, POST, OPTIONS"

    def __init__(self, response: Request, addresses: Addresses) -> None:
        self.response = response
        self.method: bytes = response.method
        self.path: bytes = response.path
        self._addresses = addresses
        self._headers = response.requestHeaders

    # -- header fields

    def header(self, name: bytes) -> bytes | None:
        """Return a header field, of several the last one; None when it is absent."""
        values = self._headers.getRawHeaders(name)
        return values[-1] if values else None

    @Once
    def is_of_browser(self) -> bool:
        """Return whether a browser sent the request, on behalf of whichever page."""
        headers = self._headers
        if any(map(headers.hasHeader, OF_BROWSERS)) or (self.header(b"user-agent") or b"").lower().startswith(BROWSER):
            return True
        return any(name.lower().startswith(b"sec-fetch-") for name, _ in headers.getAllRawHeaders())

    @property
    def accepts_json(self) -> bool:
        """Return whether the caller accepts JSON by name; ``*/*`` does not count."""
        accepted = self._headers.getRawHeaders(b"accept")
        return accepted is not None and any(b"application/json" in value for value in accepted)

    # -- where it comes from

    @Once
    def client(self) -> Client:
        """Return where the request comes from, behind the trusted proxies."""
        return self._addresses.client(getattr(self.response.client, "host", ""), self._headers)

    @property
    def is_secure(self) -> bool:
        """Return whether the client speaks HTTPS, to us or to the trusted proxy in front of us."""
        if self.client.proxied:
            return self.header(b"x-forwarded-proto") == b"https"
        return bool(self.response.isSecure())

    @property
    def own_origin(self) -> bytes:
        """Return the origin under which the client reached us, in lower case."""
        host = self.header(b"x-forwarded-host") if self.client.proxied else None
        scheme = b"https" if self.is_secure else b"http"
        return (scheme + b"://" + (host or self.header(b"host") or b"")).lower()

    @property
    def local_address(self) -> str:
        """Return the address of ours that the request came to."""
        return str(getattr(self.response.getHost(), "host", ""))

    @property
    def is_http_1_1(self) -> bool:
        """Return whether the client itself speaks HTTP/1.1; some proxies do not."""
        return bool(self.response.clientproto == b"HTTP/1.1")

    # -- what it shows

    @Once
    def bearer(self) -> bytes:
        """Return the token shown as ``Authorization: Bearer`` (:rfc:`6750#section-2.1`), empty for none."""
        value = self.header(b"authorization")
        if value is None or value[:7].lower() != b"bearer ":
            return b""
        return value[7:].strip()

    @Once
    def token(self) -> bytes:
        """Return the session token in a header field, which no foreign page can set; empty for none."""
        return self.bearer or (self.header(b"x-wrtc-session") or b"").strip()

    def cookie(self, name: str) -> bytes:
        """Return a cookie's value, empty for none."""
        cookies = self.response.received_cookies
        return cookies.get(name.encode("ascii"), b"") if cookies else b""

    # -- what it brought

    def take_body(self, limit: int) -> None:
        """
        Read the body, once.

        :raises EncodedBody: when it is compressed (:rfc:`9110#section-15.5.16`).
        :raises BodyTooLarge: when it is longer than ``limit`` bytes.
        """
        for value in self._headers.getRawHeaders(b"content-encoding") or ():
            if value.strip().lower() not in (b"", b"identity"):
                raise EncodedBody(value.decode("ascii", "replace")[:40])
        content = self.response.content
        assert content is not None, "requests are read while they are open"
        body: bytes = content.read(limit + 1)
        if len(body) > limit or getattr(content, "overflowed", False):
            raise BodyTooLarge(limit)
        self.body = body

    def require_at_most(self, limit: int) -> None:
        """
        Hold the body to a limit of its own.

        :raises BodyTooLarge: when it is longer than ``limit`` bytes.
        """
        if len(self.body) > limit:
            raise BodyTooLarge(limit)

    @Once
    def raw_query(self) -> bytes:
        """Return what stands behind the question mark."""
        return self.response.uri.partition(b"?")[2]

    @Once
    def query(self) -> dict[str, str]:
        """
        Return the fields of the query.

        :raises BadInput: when it cannot be read.
        """
        return parse_fields(self.raw_query)

    @Once
    def agent_id(self) -> str:
        """Return the agent that the query names, for a text; empty when it names none, or cannot be read."""
        try:
            return self.query.get("id", "")
        except BadInput:
            return ""

    @Once
    def media_type(self) -> str:
        """Return the media type that the body is declared as, in lower case; empty for none."""
        declared = self.header(b"content-type")
        return "" if declared is None else declared.partition(b";")[0].strip().lower().decode("ascii", "replace")

    @property
    def is_json(self) -> bool:
        """Return whether the body is JSON."""
        return self.media_type == JSON or self.media_type.endswith("+json")

    @property
    def is_form(self) -> bool:
        """Return whether the body is a form."""
        return self.media_type == FORM

    @Once
    def _of_body(self) -> dict[str, object] | None:
        """Return the fields of the body; None when it is of a kind that has none."""
        if not self.body:
            return {}
        if self.is_json:
            return parse_object(self.body)
        return {**parse_fields(self.body)} if self.is_form else None

    def fields(self, *, ignore_other_bodies: bool = False) -> Fields:
        """
        Return the fields of query and body; where both have one, the body counts.

        :raises WrongContentType: when there is a body that has no fields.
        :raises BadInput: when it cannot be read.
        """
        of_body = self._of_body
        if of_body is None:
            if not ignore_other_bodies:
                raise WrongContentType(self.media_type or "none", (FORM, JSON))
            of_body = {}
        return Fields({**self.query, **of_body})

    def json(self) -> dict[str, object]:
        """
        Return the JSON object that is the body.

        :raises WrongContentType: when it is declared as something else.
        :raises BadInput: when it is none.
        """
        if not self.is_json:
            raise WrongContentType(self.media_type or "none", (JSON,))
        return parse_object(self.body)

    def description(self) -> str:
        """
        Return a body that is to be a session description.

        :raises WrongContentType: when it is declared as something else; undeclared it passes.
        :raises BadInput: when it is not UTF-8.
        """
        if self.media_type and self.media_type not in DESCRIPTION_TYPES:
            raise WrongContentType(self.media_type, (*DESCRIPTION_TYPES, JSON))
        return decode(self.body)
