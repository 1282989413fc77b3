"""
Liberal reading of header fields: the one rule for what a peer writes otherwise than the grammar asks.

:mod:`~wrtcgw.sip.headers` is strict. What it refuses is mended here and tried again: empty parameters and list
elements, trailing separators and parameters without a readable name are left out; a value that is neither token nor
quoted-string gets quotes; what stands before the last ``<`` is the display name; what a URI may not hold is escaped.
Whoever reads gets a value or None, and the flaw for the log, but never an exception: "A UAS SHOULD ignore any malformed
header fields that are not necessary for processing requests" (:rfc:`3261#section-8.2.2`).

Mended text is strict, so that what is sent on (Route, To, Request-URI) is so too. The work is linear in the text.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import islice

from wrtcgw.sip import grammar
from wrtcgw.sip.errors import MalformedMessage
from wrtcgw.sip.headers import Challenge, Credentials, NameAddr, Parsed, Reason
from wrtcgw.sip.uri import URI

MAX_ELEMENTS = 256
"""So many elements of a list are read."""

_BLANKS = " \t"
_EDGES = " \t,"
# the end of the URI of a name-addr: what follows is a parameter or nothing
_URI_END = re.compile(r">[ \t]*(?:;|\Z)")
_URI = re.compile(r"([ \t]*[A-Za-z][A-Za-z0-9+.\-]*:)(.*)", re.DOTALL)
# what no part of a URI may hold unescaped, see uri.py; a percent sign without two hexadecimal digits is no escape
_TO_ESCAPE = re.compile(r'[\x00-\x20\x7f<>"]|%(?![0-9A-Fa-f]{2})')
_LONGEST_USER = 128
_CAUSE = re.compile(r"[ \t]*([0-9]{1,9})")
_LWS = re.compile(r"[ \t]+")
# what can only be the beginning of a display name with a comma in it, and an address that has more of one before it
_NAME_ONLY = re.compile(r'[^"<>:;=@*]+')
_NAMED = re.compile(r'[ \t]*[^"<>:;=@ \t][^"<>:;=@]*<')
# a comma, and the scheme and first parameter of another challenge
_NEXT_CHALLENGE = re.compile(r",[ \t]*(?=[A-Za-z][A-Za-z0-9-]*[ \t]+[A-Za-z][A-Za-z0-9-]*[ \t]*=)")


def read(kind: type[Parsed], text: str, flaws: list[str]) -> Parsed | None:
    """
    Read one value.

    :param flaws: gets what is wrong with ``text``, when something is.
    :returns: None when it cannot be read, also when mended.
    """
    try:
        return kind.parse(text)
    except MalformedMessage as error:
        flaws.append(error.detail)
    try:
        return kind.parse(_MENDERS.get(kind, _mended_value)(text))
    except MalformedMessage:
        return None


def read_party(text: str, flaws: list[str]) -> NameAddr:
    """
    Read From, of which a call needs no more than the tag: a URI that cannot be read becomes one at host ``invalid``.

    Its user is what can be made out: the number of ``<5551234>``, the user of a URI whose host is none; ``anonymous``
    where there is none, as in ``<sip:@>``.
    """
    party = read(NameAddr, text, flaws)
    if party is not None:
        return party
    name, uri, params = _parts(text)
    match = _URI.fullmatch(uri)
    rest = match[2] if match is not None else uri
    user = rest.rpartition("@")[0].partition(":")[0] if "@" in rest else rest
    known = URI(user=user.strip(' \t<>"')[:_LONGEST_USER] or "anonymous", host="invalid")
    return NameAddr(known, name.strip(' \t"'), _params(params))


def read_list(kind: type[Parsed], values: Iterable[str], flaws: list[str]) -> list[Parsed]:
    """
    Read the elements of a list that is spread over fields, commas or both; unreadable ones are left out.

    So are those beyond :data:`MAX_ELEMENTS`: a message has room for so many that reading them would hold up others.
    """
    parts = list(_first_elements(values, flaws))
    found = [read(kind, element, flaws) for element in (_with_names_joined(parts) if kind is NameAddr else parts)]
    return [value for value in found if value is not None]


def _with_names_joined(parts: list[str]) -> list[str]:
    """Return elements of a list of addresses where a name without quotes, ``Wayne, John <sip:…>``, had parted one."""
    joined: list[str] = []
    name: list[str] = []
    for part in parts:
        if _NAME_ONLY.fullmatch(part):
            name.append(part)
        else:
            joined += [", ".join([*name, part])] if _NAMED.match(part) else [*name, part]
            name = []
    return [*joined, *name]


def read_routes(values: Iterable[str], flaws: list[str]) -> list[str]:
    """
    Return the entries of Record-Route, Service-Route and their like as strict text, each as it came if it can be.

    They are name-addrs (:rfc:`3261#section-20.30`): parameters behind a URI without brackets are the URI's.
    """
    routes = []
    for element in _first_elements(values, flaws):
        text = element if "<" in element else f"<{element}>"
        if text is not element:
            flaws.append(f"no angle brackets: {element[:80]!r}")
        own: list[str] = []
        route = read(NameAddr, text, own)
        flaws += own
        if route is not None:
            routes.append(str(route) if own else text)
    return routes


def _first_elements(values: Iterable[str], flaws: list[str]) -> Iterable[str]:
    return islice((element for value in values for element in elements(value, flaws)), MAX_ELEMENTS)


def read_uri_field(text: str, flaws: list[str]) -> NameAddr | None:
    """
    Read Refer-To: as :func:`read`, but a question mark needs no brackets round the URI (:rfc:`3261#section-20`).

    Of two URIs none is taken (:rfc:`3515#section-2.4.2`).
    """
    if sum("<" in element for element in _split(text, ",")) > 1:
        flaws.append(f"more than one URI: {text[:80]!r}")
        return None
    if "<" not in text and "?" in text:
        flaws.append(f"URI needs angle brackets: {text[:80]!r}")
        text = f"<{text}>"
    return read(NameAddr, text, flaws)


def elements(value: str, flaws: list[str]) -> list[str]:
    """Split a comma list (:rfc:`3261#section-7.3.1`); empty elements are left out, an open quote is a character."""
    found = _split(value, ",")
    kept = [element for element in found if element.strip(" \t;")]
    if len(kept) < len(found):
        flaws.append(f"empty element in {value[:80]!r}")
    return kept


def challenges(values: Iterable[str]) -> list[str]:
    """
    Return the single challenges or credentials of fields that may hold several, as in HTTP.

    In SIP each has a field of its own (:rfc:`3261#section-7.3.1`), for commas are part of them.
    """
    found = []
    for value in values:
        starts = [0, *(match.end() for match in _NEXT_CHALLENGE.finditer(_masked(value)))]
        found += [value[start:end].strip(_EDGES) for start, end in zip(starts, [*starts[1:], None], strict=True)]
    return found


def tokens(values: Iterable[str]) -> list[str]:
    """Return the tokens of Require, Supported, Allow and their like, without parameters and empty elements."""
    found = (element.partition(";")[0].strip(_BLANKS) for value in values for element in _split(value, ","))
    return [token for token in found if token]


def mended_uri(text: str) -> str:
    """Return a URI without empty user, parameters and headers, and with what it may not hold escaped."""
    match = _URI.fullmatch(text.strip(" \t<>"))
    if match is None:
        return text
    user, at, tail = match[2].rpartition("@")
    if not user.partition(":")[0].strip(_BLANKS):
        user = at = ""
    tail, question, headers = tail.partition("?")
    host, *params = (part.strip(_BLANKS) for part in tail.split(";"))
    params = [param for param in params if param and param[0] != "="]
    kept = [header for header in headers.split("&") if header.strip(_BLANKS)] if question else []
    rest = ";".join([host.removesuffix(":"), *params]) + ("?" + "&".join(kept) if kept else "")
    return f"{match[1].strip(_BLANKS)}{_escaped(user.replace('@', '%40'))}{at}{_escaped(rest)}"


def _escaped(text: str) -> str:
    return _TO_ESCAPE.sub(lambda match: f"%{ord(match[0]):02X}", text)


def _mended_params(text: str) -> str:
    """Return parameters, each behind a semicolon, those without a readable name left out."""
    kept = []
    for element in _split(text, ";"):
        name, _, value = element.partition("=")
        name, value = name.strip(_EDGES), value.strip(_EDGES)
        if grammar.is_token(name):
            kept.append((name, _strict(value) if value else None))
    return grammar.print_params(tuple(kept))


def _params(text: str) -> grammar.Params:
    """Return the parameters that can be read."""
    mended = _mended_params(text)
    return grammar.parse_params(mended[1:]) if mended else ()


def _strict(value: str) -> str:
    """Return a value that is none of the grammar's as the quoted-string of all its characters."""
    return value if grammar.is_value(value) else grammar.quote(value.strip('"'))


def _mended_value(text: str) -> str:
    """Mend ``value;name=value``: Via, Event, Reason, Session-Expires, Replaces."""
    head, _, params = text.partition(";")
    return head.strip(_EDGES) + _mended_params(params)


def _mended_reason(text: str) -> str:
    """Mend Reason: a cause that does not begin with a number is left out."""
    head, _, params = text.partition(";")
    kept = []
    for name, value in _params(params):
        if name != "cause":
            kept.append((name, value))
        elif match := _CAUSE.match(grammar.unquote(value or "")):
            kept.append((name, match[1]))
    return head.strip(_EDGES) + grammar.print_params(tuple(kept))


def _mended_name_addr(text: str) -> str:
    """Mend From, To, Contact and their like."""
    name, uri, params = _parts(text)
    if _brackets(text) is None and ("?" in uri or "<" in text):
        return text  # whose headers these are, or where the URI ends, nobody knows: RFC 4475 section 3.1.2.13
    if name and not grammar.is_quoted(name):
        name = grammar.quote(name.strip('"').strip(_BLANKS))
    return f"{name} <{mended_uri(uri)}>{_mended_params(params)}".lstrip(_BLANKS)


def _parts(text: str) -> tuple[str, str, str]:
    """Return display name, URI and parameters as they stand: the name is what is before the last ``<``."""
    found = _brackets(text)
    if found is None:
        name, _, bare = text.rpartition("<")
        uri, _, params = bare.partition(";")
    else:
        start, end = found
        name, uri, params = text[:start], text[start + 1 : end], text[end + 1 :].partition(";")[2]
    return name.strip(_BLANKS), uri.strip(_EDGES), params


def _brackets(text: str) -> tuple[int, int] | None:
    """Return where the angle brackets of the URI stand; quoted-strings are looked into only when all else fails."""
    for masked in (_masked(text), text):
        match = _URI_END.search(masked)
        end = match.start() if match is not None else masked.rfind(">")
        start = masked.rfind("<", 0, end) if end >= 0 else -1
        if start >= 0:
            return start, end
    return None


def _mended_auth(text: str) -> str:
    """Mend a challenge or credentials; of parameters that come twice the first is kept."""
    scheme, *rest = _LWS.split(text.strip(_EDGES), maxsplit=1)
    params: dict[str, str] = {}
    for element in _split(rest[0] if rest else "", ","):
        name, equals, value = element.partition("=")
        name, value = name.strip(" \t;").lower(), value.strip(" \t;")
        if equals and grammar.is_token(name):
            params.setdefault(name, _strict(value) if value else '""')
    return f"{scheme} {', '.join(f'{name}={value}' for name, value in params.items())}".rstrip(_BLANKS)


_MENDERS: Mapping[object, Callable[[str], str]] = {
    NameAddr: _mended_name_addr,
    Challenge: _mended_auth,
    Credentials: _mended_auth,
    Reason: _mended_reason,
}


def _masked(text: str) -> str:
    """Return ``text`` with spaces in place of each quoted-string."""
    pieces, at = [], 0
    while (start := text.find('"', at)) >= 0 and (end := grammar.quoted_end(text, start)) is not None:
        pieces += [text[at:start], " " * (end - start)]
        at = end
    return "".join([*pieces, text[at:]])


def _split(value: str, separator: str) -> list[str]:
    """Split outside of quoted-strings and angle brackets; a quote or bracket without its partner is a character."""
    if '"' not in value and "<" not in value:
        return [element.strip(_BLANKS) for element in value.split(separator)]
    found, start, at, special = [], 0, 0, {'"', "<"}
    while at < len(value):
        character = value[at]
        if character == separator:
            found.append(value[start:at].strip(_BLANKS))
            start = at + 1
        elif character in special:
            end = grammar.quoted_end(value, at) if character == '"' else value.find(">", at) + 1
            if end:
                at = end - 1
            else:
                special.discard(character)  # there is no partner behind it: looking again would cost square time
        at += 1
    return [*found, value[start:].strip(_BLANKS)]
