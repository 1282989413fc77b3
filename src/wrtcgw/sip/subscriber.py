"""Numbers and users as people read and write them, and in URIs (:rfc:`3966`, :rfc:`3261#section-19.1.6`)."""

import re
from unicodedata import category
from urllib.parse import quote

from wrtcgw.sip import grammar
from wrtcgw.sip.errors import MalformedMessage
from wrtcgw.sip.grammar import Params
from wrtcgw.sip.uri import URI

INVISIBLE = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
"""
Characters that are not seen, for a class of a regular expression: soft hyphens, joiners, directions.

They come around a number that was pasted from a page.
"""

# RFC 3966 section 3, visual-separator, and what people and their programs write in its place: blanks, slashes, and the
# dashes that word processors make of a hyphen.
_SEPARATORS = re.compile("[-.()/\\s\u2010-\u2015\u2212]+")
# RFC 3966 section 3, global-number-digits and local-number-digits; A to D are left out, for they are names here.
_DIGITS = re.compile(r"\+?[0-9*#]+")
# RFC 3966 section 3, par; an empty one is nothing, and one without a letter is none: it is digits after a wait
_SUBSCRIBER = re.compile(r"([^;]*)((?:;(?:[0-9-]*[A-Za-z][A-Za-z0-9-]*(?:=[^;\s@<>\"]*)?)?)*)")
# "+49 (0)30": the national prefix, not to be dialled behind a country code; but in Italy's numbers it is a digit.
# The country code may be in brackets of its own. Each text is read once: no two neighbours take the same characters.
_TRUNK_PREFIX = re.compile(r"^(\(?\s*(?:\+|00)[\s(]*(?!39)[1-9](?:[0-9\s]*\))?[^()]*)\(\s*0\s*\)")
# No delimiter of a URI or of a header field: what is meant as one user can never become more than that.
_USER = re.compile(r"[^\s\x00-\x1f\x7f<>\"@:;?,%\\\[\]{}|^`\ud800-\udfff]{1,128}")
# Beyond ASCII letters only: neither other scripts' digits, which look like a number that they are not for SIP, nor the
# control characters that turn a text's direction around or cannot be seen.
_LETTERS = ("L", "M")
# Categories of Unicode of what is not seen by itself: formats, and what parts lines. Bytes that are no UTF-8 (Cs) are
# seen in the end, see wrtcgw.texts.
_UNSEEN, _BREAKS = ("Cf",), ("Cc", "Zl", "Zp")
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""Letters and marks that are not seen all the same."""
_FOREIGN_BYTE = re.compile("[\udc80-\udcff]")
_MAX_USER = 128
_LONGEST_WRITTEN = 4 * _MAX_USER
"""Characters of a number as people write it, with what only helps the eye."""


def dialled(text: str) -> str:
    """
    Return the number that a text is, without what only helps the eye (:rfc:`3966#section-5.1.1`); '' when it is none.

    A text with letters is a name, and ``*97`` and ``#21#`` are as good as any number.
    """
    text = text.strip()
    if len(text) > _LONGEST_WRITTEN:
        return ""
    text = _TRUNK_PREFIX.sub(r"\1", text)
    number = _SEPARATORS.sub("", text)
    is_number = _DIGITS.fullmatch(number) and any(char.isdigit() for char in number)
    return number if is_number and len(number) <= _MAX_USER else ""


def subscriber(text: str) -> tuple[str, Params]:
    """
    Return number and parameters of a telephone-subscriber (:rfc:`3966#section-3`); the number is '' for anything else.

    :param text: what follows ``tel:``, or the user of a SIP URI, unescaped.
    """
    match = _SUBSCRIBER.fullmatch(text)
    if match is None:
        return "", ()
    params: list[tuple[str, str | None]] = []
    for element in filter(None, match[2].split(";")):
        name, equals, value = element.partition("=")
        params.append((name.lower(), value if equals else None))
    return dialled(match[1]), tuple(params)


def written(uri: URI) -> str:
    """Return what people call an address: its number, else its user, else the whole URI."""
    if uri.scheme == "tel":
        return _legible_subscriber(_unescaped(uri.host)) or str(uri)
    if not uri.user or not uri.user.strip():
        return str(uri)
    return _legible_subscriber(uri.user) or uri.user


def _legible_subscriber(text: str) -> str:
    """Return the number of a telephone-subscriber; one with a control character is another user than one without."""
    return subscriber(text)[0] if legible_number(text) == text else ""


def legible_name(text: str) -> str:
    """
    Return a name without what cannot be seen and changes how the rest is read, so that nobody can pass for another.

    Those are directions of writing, joiners, fillers and control characters; of these, a blank is left.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    return "".join("" if _is_unseen(char) else " " if category(char) in _BREAKS else char for char in text).strip()


def legible_number(text: str) -> str:
    """Return a number or user with what a name may not have as escapes: it is another user than the one without."""
    if text.isascii() and text.isprintable():
        return text
    hidden = {char for char in text if _is_unseen(char) or category(char) in _BREAKS}
    return "".join(quote(char, safe="") if char in hidden else char for char in text)


def _is_unseen(char: str) -> bool:
    return char in _FILLERS or category(char) in _UNSEEN


def plain_target(uri: URI, domain: str) -> URI | None:
    """
    Return what to call for a URI that a far side has named, in a Contact of a 3xx or in Refer-To.

    It is the user at the domain and no more: neither port, parameters nor headers, and of the user only what stands
    before the parameters of a telephone-subscriber (:rfc:`3261#section-19.1.6`). The number of a tel URI
    (:rfc:`3966#section-3`), without its visual separators, is one of ``domain``, where that is given.

    :returns: None when there is no user, or the scheme is another one.
    """
    if uri.scheme == "tel":
        number = _number(_unescaped(uri.host))
        return URI(user=number, host=domain) if number and domain else None
    user = _number(uri.user or "") if uri.param("user") == "phone" else (uri.user or "").split(";", 1)[0]
    return URI(scheme=uri.scheme, user=user, host=uri.host) if user else None


def _number(text: str) -> str:
    """Return the number of a telephone-subscriber; of what is none, all that stands before its parameters."""
    return subscriber(text)[0] or text.split(";", 1)[0]


def verification(uri: URI) -> str:
    """Return what a network says of having verified the number: ``verstat`` (3GPP TS 24.229, :rfc:`8588`)."""
    found = grammar.param(subscriber(_unescaped(uri.host) if uri.scheme == "tel" else uri.user or "")[1], "verstat")
    return found or uri.param("verstat") or ""


def is_user(text: str) -> bool:
    """Return whether a text can be a user as it stands: nothing in it needs an escape but letters beyond ASCII."""
    return _USER.fullmatch(text) is not None and all(char.isascii() or _is_letter(char) for char in text)


def read_user(text: str) -> str:
    """Return the user that a text with escapes stands for, '' when it is none; without any it stands for itself."""
    if "%" not in text:
        return text if is_user(text) else ""
    rest = re.sub("%[0-9A-Fa-f]{2}", "", text)
    user = _unescaped(text)
    return user if (not rest or is_user(rest)) and is_escapable(user) else ""


def is_escapable(user: str) -> bool:
    """Return whether a text can be a user when it is escaped: nothing in it controls anything or cannot be seen."""
    legible = _FOREIGN_BYTE.sub("", user)
    return (
        0 < len(user) <= _MAX_USER
        and not set(user) & set('<>"')
        and all(char.isprintable() if char.isascii() else _is_letter(char) for char in legible)
    )


def _is_letter(char: str) -> bool:
    return category(char).startswith(_LETTERS)


def _unescaped(text: str) -> str:
    try:
        return grammar.unescape(text)
    except MalformedMessage:
        return text
