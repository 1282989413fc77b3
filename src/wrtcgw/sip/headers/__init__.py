"""
The header fields that the core reads, as frozen values: each parses one element and prints it back.

A value knows no message and no role. ``parse`` raises :class:`MalformedMessage` with the status 400; ``str()`` of what
was parsed means the same but may differ in white space, quotes and the case of parameter names.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Protocol, Self, TypeVar

from attrs import evolve, field, frozen

from wrtcgw.sip import grammar
from wrtcgw.sip.errors import MalformedMessage
from wrtcgw.sip.grammar import LWS, QUOTED, TOKEN, Params
from wrtcgw.sip.uri import URI, check_host

MAX_SEQUENCE = 2**31 - 1
"""The largest CSeq number (:rfc:`3261#section-8.1.1.5`)."""

MAX_RSEQ = 2**32 - 1
"""The largest RSeq number (:rfc:`3262#section-7.1`)."""


CACHED, LONGEST_CACHED = 2048, 256
"""
So many values of From, To, Contact and Via, of so many characters at most, are kept as they were read: messages of a
dialog have the same ones.
"""


class ParsedHeader(Protocol):
    """What :func:`parse_list` needs of a header class."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one element."""


class HasHeaders(Protocol):
    """As much of a message as functions here need."""

    @property
    def headers(self) -> "HeaderFields":
        """The fields."""


class HeaderFields(Protocol):
    """As much of :class:`wrtcgw.sip.message.Headers` as functions here need."""

    def get_all(self, name: str) -> list[str]:
        """Give the values of all fields of that name."""


Parsed = TypeVar("Parsed", bound=ParsedHeader)


def parse_list(cls: type[Parsed], values: Iterable[str]) -> list[Parsed]:
    """Parse a list that is spread over several fields, over commas in one, or both (:rfc:`3261#section-7.3.1`)."""
    return [cls.parse(element) for value in values for element in grammar.split_commas(value)]


# :rfc:`3261#section-25.1`: name-addr with its header parameters. An unquoted display name is taken from any characters
# that cannot be mistaken for something else, not from tokens only: real names carry letters beyond ASCII.
_NAME_ADDR = re.compile(rf'(?:({QUOTED}){LWS}|([^"<>,;:@\\]*))<([^<>]*)>{LWS}(?:;(.*))?', re.DOTALL)


@frozen
class NameAddr:
    """
    A URI with display name and header parameters: From, To, Contact, Route, Refer-To… (:rfc:`3261#section-20.10`).

    ``display_name`` is unquoted. ``params`` are as on the wire; :meth:`param` unquotes.
    """

    uri: URI
    display_name: str = ""
    params: Params = ()

    @classmethod
    def parse(cls, text: str) -> "NameAddr":
        """
        Read one name-addr or addr-spec; parameters behind a bare addr-spec are the header's, not the URI's.

        A bare addr-spec with a question mark has to stand in angle brackets (:rfc:`3261#section-20`), so it is refused.
        """
        return _cached_name_addr(text) if len(text) <= LONGEST_CACHED else cls._parse(text)

    @classmethod
    def _parse(cls, text: str) -> "NameAddr":
        match = _NAME_ADDR.fullmatch(text)
        if match is None:
            return cls._parse_bare(text)
        quoted, plain, uri, params = match.groups()
        return cls(
            URI.parse(uri),
            grammar.unquote(quoted) if quoted else plain.strip(" \t"),
            () if params is None else grammar.parse_params(params),
        )

    @classmethod
    def _parse_bare(cls, text: str) -> "NameAddr":
        """Read ``sip:user@host;tag=x``."""
        spec, semicolon, params = text.partition(";")
        if "?" in spec or "," in spec:
            raise MalformedMessage(400, f"URI needs angle brackets: {text[:80]!r}")
        return cls(URI.parse(spec.rstrip(" \t")), "", grammar.parse_params(params) if semicolon else ())

    @property
    def tag(self) -> str:
        """The tag parameter, '' when there is none."""
        return grammar.param(self.params, "tag") or ""

    def param(self, name: str) -> str | None:
        """Give the value of a header parameter: '' for a flag, None when it is absent."""
        return grammar.param(self.params, name)

    def with_param(self, name: str, value: str | None) -> "NameAddr":
        """Give this value with the header parameter set; None makes it a flag."""
        return evolve(self, params=grammar.with_param(self.params, name, value))

    def __str__(self) -> str:
        name = f"{grammar.quote(self.display_name)} " if self.display_name else ""
        return f"{name}<{self.uri}>{grammar.print_params(self.params)}"


_cached_name_addr = lru_cache(CACHED)(NameAddr._parse)


def parse_contacts(values: Iterable[str]) -> list[NameAddr]:
    """Parse Contact fields; the ``*`` of a REGISTER (:rfc:`3261#section-10.2.2`) gives an empty list."""
    fields = list(values)
    return [] if fields == ["*"] else parse_list(NameAddr, fields)


# :rfc:`3261#section-25.1`: via-parm, of SIP/2.0 only
_VIA = re.compile(
    rf"SIP{LWS}/{LWS}2\.0{LWS}/{LWS}({TOKEN})[ \t]+({grammar.HOST})"
    rf"{LWS}(?::{LWS}([0-9]+){LWS})?(?:;(.*))?",
    re.DOTALL | re.IGNORECASE,
)


@frozen
class Via:
    """One hop of the way that the responses go (:rfc:`3261#section-20.42`); ``transport`` is in capitals."""

    transport: str
    host: str
    port: int | None = None
    params: Params = ()

    @classmethod
    def parse(cls, text: str) -> "Via":
        """Read one element of Via."""
        return _cached_via(text) if len(text) <= LONGEST_CACHED else cls._parse(text)

    @classmethod
    def _parse(cls, text: str) -> "Via":
        match = _VIA.fullmatch(text)
        if match is None:
            raise MalformedMessage(400, f"malformed Via: {text[:80]!r}")
        transport, host, port, params = match.groups()
        return cls(
            transport.upper(),
            check_host(host),
            None if port is None else grammar.parse_number(port, grammar.MAX_PORT),
            () if params is None else grammar.parse_params(params),
        )

    @property
    def sent_by(self) -> str:
        """Host, and port where one is given (:rfc:`3261#section-18.1.1`)."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def branch(self) -> str:
        """The branch parameter, '' when there is none."""
        return grammar.param(self.params, "branch") or ""

    @property
    def received(self) -> str | None:
        """The received parameter."""
        return grammar.param(self.params, "received")

    def param(self, name: str) -> str | None:
        """Give the value of a parameter: '' for a flag, None when it is absent."""
        return grammar.param(self.params, name)

    def with_param(self, name: str, value: str | None) -> "Via":
        """Give this value with the parameter set; None makes it a flag."""
        return evolve(self, params=grammar.with_param(self.params, name, value))

    def __str__(self) -> str:
        return f"SIP/2.0/{self.transport} {self.sent_by}{grammar.print_params(self.params)}"


_cached_via = lru_cache(CACHED)(Via._parse)


_CSEQ = re.compile(rf"([0-9]+)[ \t]+({TOKEN})")
_RACK = re.compile(rf"([0-9]+)[ \t]+([0-9]+)[ \t]+({TOKEN})")


@frozen
class CSeq:
    """A request's place in its dialog or registration (:rfc:`3261#section-20.16`)."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> "CSeq":
        """Read CSeq; the number is below 2**31 (:rfc:`3261#section-8.1.1.5`)."""
        match = _CSEQ.fullmatch(text)
        if match is None:
            raise MalformedMessage(400, f"malformed CSeq: {text[:80]!r}")
        return cls(grammar.parse_number(match[1], MAX_SEQUENCE), match[2])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


@frozen
class RAck:
    """Which reliable provisional response a PRACK acknowledges (:rfc:`3262#section-7.2`)."""

    rseq: int
    cseq: int
    method: str

    @classmethod
    def parse(cls, text: str) -> "RAck":
        """Read RAck."""
        match = _RACK.fullmatch(text)
        if match is None:
            raise MalformedMessage(400, f"malformed RAck: {text[:80]!r}")
        return cls(grammar.parse_number(match[1], MAX_RSEQ), grammar.parse_number(match[2], MAX_SEQUENCE), match[3])

    def __str__(self) -> str:
        return f"{self.rseq} {self.cseq} {self.method}"


def _parse_auth(text: str) -> tuple[str, dict[str, str]]:
    """Read ``scheme name=value, name="value"`` (:rfc:`3261#section-25.1`, challenge and credentials)."""
    scheme, _, rest = text.partition(" ")
    if not grammar.is_token(scheme):
        raise MalformedMessage(400, "malformed authentication scheme")
    params: dict[str, str] = {}
    for element in grammar.split_commas(rest) if rest.strip(" \t") else ():
        ((name, value), *more) = grammar.parse_params(element)
        if value is None or more or name in params:
            raise MalformedMessage(400, f"malformed {scheme} parameter {name}")
        params[name] = grammar.unquote(value)
    return scheme, params


def _print_auth(scheme: str, params: Mapping[str, str], bare: frozenset[str]) -> str:
    """Print a challenge or credentials; parameters in ``bare`` go without quotes."""
    printed = [f"{name}={value if name in bare else grammar.quote(value)}" for name, value in params.items()]
    return f"{scheme} {', '.join(printed)}" if printed else scheme


@frozen
class Challenge:
    """One WWW- or Proxy-Authenticate (:rfc:`3261#section-20.44`); parameters unquoted, names in lower case."""

    scheme: str
    params: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> "Challenge":
        """Read a challenge of any scheme that has name=value parameters (:rfc:`3261#section-25.1`, challenge)."""
        return cls(*_parse_auth(text))

    def __str__(self) -> str:
        return _print_auth(self.scheme, self.params, frozenset({"algorithm", "stale"}))


@frozen
class Credentials:
    """One Authorization or Proxy-Authorization (:rfc:`3261#section-20.7`); like :class:`Challenge`, but never shown."""

    scheme: str
    params: Mapping[str, str] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "Credentials":
        """Read credentials of any scheme that has name=value parameters (:rfc:`3261#section-25.1`, credentials)."""
        return cls(*_parse_auth(text))

    def __str__(self) -> str:
        return _print_auth(self.scheme, self.params, frozenset({"algorithm", "qop", "nc", "userhash"}))


@frozen
class Replaces:
    """The dialog that a new call takes the place of (:rfc:`3891#section-6.1`), tags as its receiver sees them."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> "Replaces":
        """Read Replaces; both tags have to be there, once each (:rfc:`3891#section-6.1`)."""
        call_id, _, rest = text.partition(";")
        params = grammar.parse_params(rest)
        names = [name for name, _ in params]
        if not call_id.strip(" \t") or names.count("to-tag") != 1 or names.count("from-tag") != 1:
            raise MalformedMessage(400, f"malformed Replaces: {text[:80]!r}")
        to_tag, from_tag = grammar.param(params, "to-tag") or "", grammar.param(params, "from-tag") or ""
        return cls(call_id.strip(" \t"), to_tag, from_tag, "early-only" in names)

    def __str__(self) -> str:
        early = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"


@frozen
class Event:
    """An event package with its template and parameters (:rfc:`6665#section-8.2.1`); ``package`` is in lower case."""

    package: str
    params: Params = ()

    @classmethod
    def parse(cls, text: str) -> "Event":
        """Read Event."""
        package, semicolon, rest = text.partition(";")
        package = package.strip(" \t")
        if not grammar.is_token(package):
            raise MalformedMessage(400, f"malformed Event: {text[:80]!r}")
        return cls(package.lower(), grammar.parse_params(rest) if semicolon else ())

    def param(self, name: str) -> str | None:
        """Give the value of a parameter: '' for a flag, None when it is absent."""
        return grammar.param(self.params, name)

    def __str__(self) -> str:
        return f"{self.package}{grammar.print_params(self.params)}"


@frozen
class Reason:
    """Why a request was sent or a call ended (:rfc:`3326#section-2`): protocol (SIP, Q.850), its code, a text."""

    protocol: str
    cause: int | None = None
    text: str = ""

    @classmethod
    def parse(cls, text: str) -> "Reason":
        """Read one element of Reason; other parameters than cause and text are not kept."""
        protocol, semicolon, rest = text.partition(";")
        protocol = protocol.strip(" \t")
        if not grammar.is_token(protocol):
            raise MalformedMessage(400, f"malformed Reason: {text[:80]!r}")
        params = grammar.parse_params(rest) if semicolon else ()
        cause = grammar.param(params, "cause")
        return cls(
            protocol, None if cause is None else grammar.parse_number(cause), grammar.param(params, "text") or ""
        )

    def __str__(self) -> str:
        cause = "" if self.cause is None else f";cause={self.cause}"
        return f"{self.protocol}{cause}" + (f";text={grammar.quote(self.text)}" if self.text else "")


@frozen
class SessionExpires:
    """The interval of a session timer and who refreshes, ``uac``, ``uas`` or None (:rfc:`4028#section-4`)."""

    seconds: int
    refresher: str | None = None

    @classmethod
    def parse(cls, text: str) -> "SessionExpires":
        """Read Session-Expires."""
        seconds, semicolon, rest = text.partition(";")
        refresher = grammar.param(grammar.parse_params(rest), "refresher") if semicolon else None
        if refresher is not None and (refresher := refresher.lower()) not in {"uac", "uas"}:
            raise MalformedMessage(400, f"malformed Session-Expires: {text[:80]!r}")
        return cls(grammar.parse_number(seconds.strip(" \t")), refresher)

    def __str__(self) -> str:
        return f"{self.seconds};refresher={self.refresher}" if self.refresher else str(self.seconds)


# Real servers write these with and without angle brackets and quotes, so they are looked for, not parsed.
_ANSWER_AFTER = re.compile(r';\s*answer-after\s*=\s*"?([0-9]{1,6}(?:\.[0-9]{1,6})?)', re.IGNORECASE)
_ALERT_AUTO = re.compile(r"info\s*=\s*\"?alert-autoanswer|\bauto ?answer\b", re.IGNORECASE)
_ALERT_DELAY = re.compile(r';\s*delay\s*=\s*"?([0-9]{1,6}(?:\.[0-9]{1,6})?)', re.IGNORECASE)
_MODE_AUTO = re.compile(r"\s*auto\s*(?:;.*)?", re.IGNORECASE | re.DOTALL)


def auto_answer_delay(message: HasHeaders) -> float | None:
    """
    Tell after how many seconds the server wants the call answered by itself; None when it does not ask for that.

    Three dialects: ``Call-Info: …;answer-after=n``, ``Alert-Info: …;info=alert-autoanswer`` (``;delay=n``) or the
    words Auto Answer, and ``Answer-Mode: Auto`` or Priv-Answer-Mode (:rfc:`5373#section-3`).
    """
    for value in message.headers.get_all("Call-Info"):
        if match := _ANSWER_AFTER.search(value):
            return float(match[1])
    for value in message.headers.get_all("Alert-Info"):
        if _ALERT_AUTO.search(value):
            delay = _ALERT_DELAY.search(value)
            return float(delay[1]) if delay else 0.0
    modes = [*message.headers.get_all("Answer-Mode"), *message.headers.get_all("Priv-Answer-Mode")]
    return 0.0 if any(_MODE_AUTO.fullmatch(mode) for mode in modes) else None
