"""
SIP and SIPS URIs (:rfc:`3261#section-19.1`); URIs of other schemes are carried unread.

A parsed URI prints as it came: a remote target or a route goes out exactly as the peer wrote it, also where peers
escape more or less than the grammar asks.
"""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

from attrs import evolve, field, frozen

from wrtcgw.sip import grammar
from wrtcgw.sip.errors import MalformedMessage
from wrtcgw.sip.grammar import Params

# What no URI contains unescaped: controls, space, and the delimiters that could end it early in a header field.
_SCHEME = re.compile(r'([A-Za-z][A-Za-z0-9+.\-]*):([^\x00-\x20\x7f<>"]+)')
# :rfc:`3261#section-25.1`: SIP-URI behind its scheme; "@" is in none of its parts, so the first one ends the userinfo.
_SIP = re.compile(rf"(?:([^@:]+)(?::([^@]*))?@)?({grammar.HOST})(?::([0-9]+))?(;[^?]*)?(?:\?(.*))?", re.DOTALL)
# :rfc:`3261#section-25.1`: what may stay unescaped beside unreserved characters.
_SAFE_IN_USER = "&=+$,;?/"
_SAFE_IN_PASSWORD = "&=+$,"
_SAFE_IN_PARAM = "[]/:&+$"
_SAFE_IN_HEADER = "[]/?:+$"
# The same few URIs stand in From, To, Contact and Route of message after message. The bounds keep what foreign input
# can make the cache hold near a megabyte.
_CACHED_URIS = 1024
_LONGEST_CACHED = 256


@frozen
class URI:
    """
    A URI as a value: ``user``, ``password``, parameters and headers are stored unescaped.

    ``host`` of an IPv6 address keeps its brackets. Another scheme than sip and sips has ``user=None`` and all that
    follows the colon in ``host``. Names of parameters are in lower case when parsed.
    """

    scheme: str = "sip"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    host: str = ""
    port: int | None = None
    params: Params = ()
    headers: tuple[tuple[str, str], ...] = ()
    _text: str = field(default="", init=False, eq=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> "URI":
        """
        Read a URI, without angle brackets.

        :raises MalformedMessage: (400) if it is none; whether its scheme is welcome (416) is for the caller to say.
        """
        return _cached(text) if len(text) <= _LONGEST_CACHED else _parse(text)

    def param(self, name: str) -> str | None:
        """Give the value of a URI parameter: '' for a flag, None when it is absent."""
        name = name.lower()
        for key, value in self.params:
            if key.lower() == name:
                return value or ""
        return None

    def with_param(self, name: str, value: str | None) -> "URI":
        """Give this URI with the parameter set; None makes it a flag."""
        return evolve(self, params=grammar.with_param(self.params, name, value))

    def with_header(self, name: str, value: str) -> "URI":
        """Give this URI with one more header (:rfc:`3261#section-19.1.1`), as in ``Refer-To: <sip:a@b?Replaces=…>``."""
        return evolve(self, headers=(*self.headers, (name, value)))

    def header(self, name: str) -> str | None:
        """Give the value of the URI's first header of that name, or None."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), None)

    def without_headers(self) -> "URI":
        """Give this URI as it may stand in a Request-URI: without headers (:rfc:`3261#section-19.1.1`)."""
        return evolve(self, headers=()) if self.headers else self

    def __str__(self) -> str:
        return self._text or _print(self)


def escape_user(user: str) -> str:
    """Return a user as it stands in a URI (:rfc:`3261#section-25.1`, user)."""
    return grammar.escape(user, _SAFE_IN_USER)


_COMPARED = ("transport", "user", "ttl", "method", "maddr")
"""URI parameters that differ when one URI lacks them (:rfc:`3261#section-19.1.4`)."""


def equivalent(one: URI, other: URI) -> bool:
    """Return whether two SIP URIs are the same by the rules of :rfc:`3261#section-19.1.4`."""
    ours, theirs = (_compared(uri) for uri in (one, other))
    common = ours.keys() & theirs.keys() | set(_COMPARED)
    same = one.scheme, one.user, one.password, one.host.lower(), one.port, _headers(one)
    return same == (other.scheme, other.user, other.password, other.host.lower(), other.port, _headers(other)) and all(
        ours.get(name) == theirs.get(name) for name in common
    )


def _compared(uri: URI) -> dict[str, str]:
    return {name.lower(): (value or "").lower() for name, value in uri.params}


def _headers(uri: URI) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in uri.headers)


def _print(uri: URI) -> str:
    """Print a URI that was put together here."""
    if uri.scheme not in {"sip", "sips"}:
        return f"{uri.scheme}:{uri.host}"
    pieces = [uri.scheme, ":"]
    if uri.user is not None:
        pieces.append(escape_user(uri.user))
        if uri.password is not None:
            pieces += [":", grammar.escape(uri.password, _SAFE_IN_PASSWORD)]
        pieces.append("@")
    pieces.append(uri.host)
    if uri.port is not None:
        pieces.append(f":{uri.port}")
    for name, value in uri.params:
        pieces.append(f";{grammar.escape(name, _SAFE_IN_PARAM)}")
        if value is not None:
            pieces.append(f"={grammar.escape(value, _SAFE_IN_PARAM)}")
    for index, (name, content) in enumerate(uri.headers):
        pieces.append("&" if index else "?")
        pieces.append(f"{grammar.escape(name, _SAFE_IN_HEADER)}={grammar.escape(content, _SAFE_IN_HEADER)}")
    return "".join(pieces)


def _parse(text: str) -> URI:
    """Read a URI."""
    match = _SCHEME.fullmatch(text)
    if match is None:
        raise MalformedMessage(400, f"not a URI: {text[:80]!r}")
    scheme, rest = match[1].lower(), match[2]
    uri = _parse_sip(scheme, rest) if scheme in {"sip", "sips"} else URI(scheme=scheme, host=rest)
    object.__setattr__(uri, "_text", text)
    return uri


_cached = lru_cache(maxsize=_CACHED_URIS)(_parse)


def _parse_sip(scheme: str, rest: str) -> URI:
    """Read what follows ``sip:`` or ``sips:``."""
    match = _SIP.fullmatch(rest)
    if match is None:
        raise MalformedMessage(400, f"malformed SIP URI: {rest[:80]!r}")
    user, password, host, port, params, headers = match.groups()
    return URI(
        scheme=scheme,
        user=None if user is None else grammar.unescape(user),
        password=None if password is None else grammar.unescape(password),
        host=check_host(host),
        port=None if port is None else grammar.parse_number(port, grammar.MAX_PORT),
        params=() if params is None else _parse_params(params[1:]),
        headers=() if headers is None else _parse_headers(headers),
    )


def _parse_params(text: str) -> Params:
    """Read URI parameters (:rfc:`3261#section-19.1.1`)."""
    params: list[tuple[str, str | None]] = []
    for element in text.split(";"):
        name, equals, value = element.partition("=")
        if not name:
            raise MalformedMessage(400, f"empty URI parameter in {text[:80]!r}")
        params.append((grammar.unescape(name).lower(), grammar.unescape(value) if equals else None))
    return tuple(params)


def _parse_headers(text: str) -> tuple[tuple[str, str], ...]:
    """Read URI headers (:rfc:`3261#section-19.1.1`)."""
    headers: list[tuple[str, str]] = []
    for element in text.split("&"):
        name, equals, value = element.partition("=")
        if not name or not equals:
            raise MalformedMessage(400, f"malformed URI headers: {text[:80]!r}")
        headers.append((grammar.unescape(name), grammar.unescape(value)))
    return tuple(headers)


def check_host(host: str) -> str:
    """
    Return ``host``, of :data:`grammar.HOST`'s form.

    Three colons, which the grammar of :rfc:`3261` lets pass, become two (:rfc:`5118#section-4.10`).

    :raises MalformedMessage: if it is an address in brackets but none of IPv6.
    """
    if host[0] == "[":
        host = host.replace(":::", "::")
        try:
            IPv6Address(host[1:-1])
        except AddressValueError:
            raise MalformedMessage(400, f"bad IPv6 address {host!r}") from None
    return host
