"""
The pieces of SIP's grammar (:rfc:`3261#section-25.1`) that several header fields share: characters, lists, quoting.

Pure text functions. Regular expressions here are linear: no pattern repeats over something that it also may skip.
"""

import re
from urllib.parse import quote as percent_quote
from urllib.parse import unquote as percent_unquote

from wrtcgw.sip.errors import LocalViolation, MalformedMessage

Params = tuple[tuple[str, str | None], ...]
"""Parameters in order: name and value as they stand on the wire; None where there is no value."""

# :rfc:`3261#section-25.1`: token
TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]+"
# :rfc:`3261#section-25.1`: hostname, IPv4address, IPv6reference. The underscore is no part of it but in real use.
HOST = r"(?:[A-Za-z0-9._\-]+|\[[0-9A-Fa-f:.]+\])"
# :rfc:`3261#section-25.1`: LWS once unfolded
LWS = r"[ \t]*"
# :rfc:`3261#section-25.1`: quoted-string. CR and LF cannot occur in it here, since folding is undone before.
QUOTED = r'"[^"\\]*(?:\\.[^"\\]*)*"'

MAX_PORT = 65535
MAX_DELTA_SECONDS = 2**32 - 1
"""The largest number of seconds that Expires and its like can carry (:rfc:`3261#section-20.19`)."""

_TOKEN = re.compile(TOKEN)
_QUOTED = re.compile(QUOTED, re.DOTALL)
# :rfc:`3261#section-25.1`: gen-value without its quoted-string; an IPv6 address bare, as in Via's received
# (:rfc:`5118#section-4.5`), and what peers put into values beside: base64, paths.
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9\-.!%*_+`'~\[\]:/@&$?^{}|#=]+")
_NUMBER = re.compile(r"0*([0-9]{1,10})")
# What may not stand in a header value: line ends, NUL but for a quoted-pair's (:rfc:`3261#section-25.1`, quoted-pair)
# and code points that UTF-8 cannot carry (those of surrogateescape it can).
_FORBIDDEN = re.compile("[\r\n\ud800-\udc7f\udd00-\udfff]|(?<!\\\\)\0")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TO_QUOTE = re.compile('["\\\\\0]')
_AS_PAIR = r"\\\g<0>"
# :rfc:`2046#section-5.1.1`: the boundary parameter of a multipart Content-Type
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
# The line that has to be the first one where the boundary is not told, or cannot be read
_FIRST_DELIMITER = re.compile(r"\s*--((?:[^\s\"]){1,70})()[ \t]*\r?\n")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_BLANKS = re.compile("[ \t]+")
_FOLD = re.compile(r"\r?\n[ \t]+")
_EMPTY_LINE = re.compile(r"\r?\n\r?\n")

MAX_NESTING = 4
"""How many multiparts within a multipart are looked into."""


def is_token(text: str) -> bool:
    """Return whether ``text`` is one token (:rfc:`3261#section-25.1`): a method, a header name, a tag."""
    return _TOKEN.fullmatch(text) is not None


def is_quoted(text: str) -> bool:
    """Return whether ``text`` is one quoted-string (:rfc:`3261#section-25.1`)."""
    return _QUOTED.fullmatch(text) is not None


def is_value(text: str) -> bool:
    """Return whether ``text`` can be the value of a parameter (:rfc:`3261#section-25.1`, gen-value)."""
    return _PLAIN_VALUE.fullmatch(text) is not None or is_quoted(text)


def quoted_end(text: str, start: int) -> int | None:
    """Return the index behind the quoted-string that begins at ``start``; None when its closing quote is missing."""
    match = _QUOTED.match(text, start)
    return None if match is None else match.end()


def check_value(text: str) -> str:
    """
    Return ``text`` if it can stand in a header field or start line as it is.

    Everything that this program puts into a message passes here, so that what came in over the API cannot add header
    fields of its own. What the parser has accepted always passes.

    :raises LocalViolation: on CR, LF, a NUL that is no quoted-pair, or a code point that UTF-8 cannot carry.
    """
    if _FORBIDDEN.search(text) is not None:
        raise LocalViolation(f"a line end, NUL or lone surrogate in a header value: {text!r}")
    return text


def quote(text: str) -> str:
    """Make a quoted-string of ``text`` (:rfc:`3261#section-25.1`); quotes, backslashes and NUL become quoted-pairs."""
    return f'"{_TO_QUOTE.sub(_AS_PAIR, text)}"'


def unquote(text: str) -> str:
    """Give the content of a quoted-string; text that is none is given back as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inner = text[1:-1]
    return _QUOTED_PAIR.sub(r"\1", inner) if "\\" in inner else inner


def escape(text: str, safe: str) -> str:
    """Percent-escape all but unreserved characters (:rfc:`3261#section-25.1`) and those in ``safe``."""
    return percent_quote(text, safe="-_.!~*'()" + safe, errors="surrogateescape")


def unescape(text: str) -> str:
    """
    Undo percent-escapes; bytes that are not UTF-8 survive as surrogate escapes.

    :raises MalformedMessage: on a percent sign without two hexadecimal digits (:rfc:`3261#section-25.1`, escaped).
    """
    if "%" not in text:
        return text
    if _BAD_ESCAPE.search(text) is not None:
        raise MalformedMessage(400, f"bad percent-escape in {text!r}")
    return percent_unquote(text, errors="surrogateescape")


def parse_number(text: str, maximum: int = MAX_DELTA_SECONDS) -> int:
    """
    Read a decimal number (:rfc:`3261#section-25.1`, 1*DIGIT) of any number of leading zeros.

    :raises MalformedMessage: if it is no number, or larger than ``maximum``.
    """
    match = _NUMBER.fullmatch(text)
    if match is None or (number := int(match[1])) > maximum:
        raise MalformedMessage(400, f"not a number up to {maximum}: {text[:40]!r}")
    return number


_COMMA_OR_MORE, _SEMICOLON_OR_MORE = re.compile('[,"<]'), re.compile('[;"<]')


def split_commas(value: str) -> list[str]:
    """
    Split a comma separated list (:rfc:`3261#section-7.3.1`); commas in quotes or angle brackets separate nothing.

    :returns: the stripped elements; empty ones are kept for the caller's parser to refuse.
    """
    if "," not in value:
        return [value.strip(" \t")]
    if '"' not in value and "<" not in value:
        return [element.strip(" \t") for element in value.split(",")]
    return _split(value, ",")


def split_semicolons(value: str) -> list[str]:
    """Split at semicolons outside of quotes; elements are stripped, empty ones kept."""
    if '"' not in value:
        return [element.strip(" \t") for element in value.split(";")]
    return _split(value, ";")


def _split(value: str, separator: str) -> list[str]:
    """Split at ``separator`` outside of quoted-strings and angle brackets."""
    special = _COMMA_OR_MORE if separator == "," else _SEMICOLON_OR_MORE
    elements, start, at = [], 0, 0
    while (found := special.search(value, at)) is not None:
        at = found.start()
        if found[0] == separator:
            elements.append(value[start:at].strip(" \t"))
            start = at = at + 1
        elif found[0] == '"':
            at = _quoted_end(value, at)
        else:
            closing = value.find(">", at)
            at = len(value) if closing < 0 else closing + 1
    elements.append(value[start:].strip(" \t"))
    return elements


def _quoted_end(value: str, start: int) -> int:
    """
    Give the index behind the quoted-string that begins at ``start``.

    :raises MalformedMessage: if its closing quote is missing.
    """
    end = quoted_end(value, start)
    if end is None:
        raise MalformedMessage(400, f"quoted-string without end: {value[start : start + 40]!r}")
    return end


def parse_params(text: str) -> Params:
    """
    Read ``a;b=c; d = "e"``, the parameters behind a header value (:rfc:`3261#section-25.1`, generic-param).

    :returns: names in lower case, values as they stand (quoted-strings with their quotes).
    :raises MalformedMessage: on an empty parameter, a name that is no token, or a value that is neither token, host
        nor quoted-string.
    """
    params: list[tuple[str, str | None]] = []
    for element in split_semicolons(text):
        name, equals, value = element.partition("=")
        name, value = name.rstrip(" \t"), value.lstrip(" \t")
        if _TOKEN.fullmatch(name) is None:
            raise MalformedMessage(400, f"bad parameter {element[:40]!r}")
        if not equals:
            params.append((name.lower(), None))
            continue
        if not is_value(value):
            raise MalformedMessage(400, f"bad value of parameter {element[:40]!r}")
        params.append((name.lower(), value))
    return tuple(params)


def print_params(params: Params) -> str:
    """Print parameters, each behind a semicolon; a value that is neither token, host nor quoted gets quotes."""
    return "".join([f";{name}" if value is None else f";{name}={_value(value)}" for name, value in params])


def _value(value: str) -> str:
    """Print one parameter value."""
    return value if is_value(value) else quote(value)


def param(params: Params, name: str) -> str | None:
    """Give the unquoted value of the first parameter of that name ('' when it has none), or None."""
    name = name.lower()
    for key, value in params:
        if key.lower() == name:
            return "" if value is None else unquote(value)
    return None


def with_param(params: Params, name: str, value: str | None) -> Params:
    """Give ``params`` with ``name`` set to ``value``: in its place, or behind the others when it is new."""
    key, entry = name.lower(), (name, value)
    if param(params, name) is None:
        return (*params, entry)
    return tuple([entry if old[0].lower() == key else old for old in params])


def media_type(content_type: str | None) -> str:
    """Return type/subtype of a Content-Type value in lower case, without parameters and blanks; '' for None."""
    return _BLANKS.sub("", (content_type or "").partition(";")[0]).strip(",").lower()


def find_part(content_type: str, body: str, wanted: str) -> str | None:
    """
    Return the first part of that media type in a multipart body, or None; parts may be multiparts themselves.

    A delimiter is followed by blanks and the line's end (:rfc:`2046#section-5.1.1`), so that a boundary which begins
    like another one, as that of a nested multipart may, is not taken for it.
    """
    return _find_part(content_type, body, wanted, MAX_NESTING)


def _find_part(content_type: str, body: str, wanted: str, depth: int) -> str | None:
    match = _BOUNDARY.search(content_type) or _FIRST_DELIMITER.match(body)
    if match is None:
        return None
    for part in _parts(body, (match[1] or match[2]).rstrip(" \t")):
        head, *rest = _EMPTY_LINE.split(part, maxsplit=1)
        content = rest[0] if rest else ""
        kind = _part_type(head)
        if media_type(kind) == wanted:
            return content
        if depth and media_type(kind).startswith("multipart/"):
            nested = _find_part(kind, content, wanted, depth - 1)
            if nested is not None:
                return nested
    return None


def _parts(body: str, boundary: str) -> list[str]:
    """Return the parts between the delimiters of a multipart body, each with its header."""
    delimiter = re.compile(rf"\r?\n--{re.escape(boundary)}(--)?[ \t]*(?=\r?\n|\Z)")
    text, parts, start = f"\n{body}", [], -1
    for match in delimiter.finditer(text):
        if start >= 0:
            parts.append(text[start : match.start()])
        start = match.end()
        if match[1]:
            return parts
    return [*parts, text[start:]] if start >= 0 else parts


def _part_type(head: str) -> str:
    """Return the Content-Type in the header of a part, unfolded, '' when there is none."""
    lines = (line.partition(":") for line in _FOLD.sub(" ", head).splitlines())
    return next((value for name, _, value in lines if name.strip(" \t").lower() in {"content-type", "c"}), "")
