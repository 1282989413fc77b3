"""
Mask what must not be seen in logs, traces and errors: credentials, session tokens, ICE and SRTP keys.

Meant for text that people read, in whichever form it comes: SIP, SDP, HTTP heads, JSON, forms, URLs, also one inside
the other. When in doubt it masks too much. :func:`escaped` makes a text safe for its reader in other ways.
"""

import re
from collections.abc import Callable
from urllib.parse import unquote_plus

MASK = "***"

_NAMES = (
    r"pass(?:word|wd)?|pwd|secret|ha1|token|(?:access|operator|session|refresh)_?token|sessionToken|responseSessionToken"
    r"|ssid|session|credential"
)
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)

# the end of a line, also when the text stands in a JSON string; folded lines belong to the header (RFC 3261 section
# 7.3.1)
_REST = r"(?:(?!\\[rn])[^\r\n])*(?:\r?\n[ \t]+[^\r\n]+)*"
_QUOTED = r"\"(?:[^\"\\]|\\.)*\""

_SIP_USER = re.compile(r"\bsips?:[^:]*:", re.IGNORECASE)


def _without_password(found: re.Match[str]) -> str:
    """Return what stands before an ``@``, and the ``@``, with a password masked if it is the user of a URI."""
    text, start = found[0], found.start()
    user = _SIP_USER.search(text)
    end = user.end() if user is not None else 0
    if not end and found.string.startswith("://", start - 3):
        end = text.find(":") + 1
    return f"{text[:end]}{MASK}@" if 0 < end < len(text) - 1 else text


_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # Authorization: Digest ..., Proxy-Authorization, Authentication-Info, cookies, our session header
    (
        re.compile(
            r"\b((?:Proxy-)?Authorization|Authentication-Info|(?:Set-)?Cookie|X-WRTC-Session)(\"?[ \t]*[:=][ \t]*)"
            rf"(?:({_QUOTED})|(Digest\b|Bearer\b|Basic\b)?{_REST})",
            re.IGNORECASE,
        ),
        lambda found: (
            f"{found[1]}{found[2]}" + (f'"{MASK}"' if found[3] else f"{found[4]} {MASK}" if found[4] else MASK)
        ),
    ),
    # "password": "..." in JSON, whatever the value; also escaped once more inside a string
    (
        re.compile(rf"(\\?\"(?:{_NAMES})\\?\"\s*:\s*)(?:{_QUOTED}|\\\"(?:(?!\\\").)*\\\"|[^\s,}}\]]+)", re.IGNORECASE),
        rf'\1"{MASK}"',
    ),
    # password=... in a query, a form or key=value text
    (re.compile(rf"(\b(?:{_NAMES})=)(?:{_QUOTED}|'[^']*'|[^\s&;,\"'<>#]+)", re.IGNORECASE), rf"\g<1>{MASK}"),
    # a=ice-pwd (RFC 8839 section 5.4), a=crypto (RFC 4568 section 9.1): key and session parameters
    (re.compile(r"(a=ice-pwd:)[^\s\\\"]+"), rf"\g<1>{MASK}"),
    (re.compile(r"(a=crypto:)(?:(?!\\[rn])[^\r\n\"])+"), rf"\g<1>{MASK}"),
    # sip:user:password@host, wss://user:password@host: what stands before an @ is looked at once, not from each letter
    (re.compile(r"(?<![^\s@/\"<>])[^\s@/\"<>]+@"), _without_password),
)

_UNSEEN = (
    *(0xAD, 0x61C, 0x180E, 0xFEFF),
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE0080),
)
"""Code points that are not seen, and change what is: ends of lines, zero widths, marks and overrides of direction."""
_ILLEGIBLE = {
    **{code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"},
    **{code: f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}" for code in _UNSEEN},
    **{code: f"\\u{code:04x}" for code in range(0xD800, 0xE000)},
}

_DATA_HEADER = re.compile(rf"^((?:X-Data-[^:\s]*|User-to-User)[ \t]*:[ \t]*)({_REST})", re.IGNORECASE | re.MULTILINE)
_DATA_REQUESTS = ("INFO ", "MESSAGE ")

_TOKEN_PATHS = ("/wait", "/message", "/sign_out")
"""In the Genesys dialect the session's token is the id itself; the paths may have a prefix."""


def escaped(text: str) -> str:
    """
    Return a text in which nothing can command a terminal, or pretend to stand elsewhere than it does.

    Control characters, invisible ones and those that change the direction of writing are escaped (as in "Trojan
    Source", CVE-2021-42574), and so are surrogates, which no file takes. Line feeds and tabs stay.
    """
    return text.translate(_ILLEGIBLE)


def redact(text: str) -> str:
    """Return the text with every secret that is known by its form replaced by ``***``."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def hide_data(message: str) -> str:
    """
    Return a SIP message with the data that users attached to the call replaced by its size; the names stay.

    That is ``X-Data-`` and ``User-to-User`` (:rfc:`7433`) headers, and the bodies of INFO (digits too) and MESSAGE.
    """
    head, gap, body = message.partition("\r\n\r\n")
    head = _DATA_HEADER.sub(lambda found: found[1] + _size(found[2]), head)
    if body and message.startswith(_DATA_REQUESTS):
        body = _size(body)
    return head + gap + body


def _size(text: str) -> str:
    return f"({len(text.encode('utf-8', 'surrogateescape'))} bytes)"


def redact_uri(uri: str) -> str:
    """
    Return a request's path and query with secret values masked.

    Fields are told by their decoded names, as the server would read them. Where the Genesys dialect has a token in
    ``id`` or ``from``, that is a secret as well.
    """
    path, mark, query = uri.partition("?")
    if not mark:
        return redact(uri)
    secret_ids = path.endswith(_TOKEN_PATHS) and not path.startswith("/api/")
    fields = (_masked_field(part, secret_ids) for part in query.split("&"))
    return redact(path) + mark + "&".join(fields)


def _masked_field(part: str, secret_ids: bool) -> str:
    name, equals, _ = part.partition("=")
    decoded = unquote_plus(name).strip()
    if _SECRET_NAME.fullmatch(decoded) or (secret_ids and decoded in ("id", "from")):
        return f"{name}={MASK}"
    return redact(part) if equals else part
