"""
The one rule for what peers send and is no UTF-8, where text leaves the program: to pages, operators, files.

Inside, such bytes are surrogate escapes (:pep:`383`), so that a SIP message goes on as it came. Most are of names in
the old encoding of Western Europe, so that is how they are read: the caller is *Jürgen* for who sees him.
"""

import json
import re

_ENDS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}
"""What JSON leaves as it is, and some readers take for the end of a line."""
_NO_CHARACTER = re.compile("[\ud800-\udfff]")
_ESCAPES = range(0xDC80, 0xDD00)


def clean(text: str) -> str:
    """Return a text with each byte that is no UTF-8 as the character that Windows-1252 has for it, else U+FFFD."""
    return text if text.isascii() else _NO_CHARACTER.sub(_character, text)


def utf8(text: str) -> bytes:
    """Return the UTF-8 of a text; never fails, see :func:`clean`."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return clean(text).encode("utf-8")


def json_line(value: object) -> bytes:
    """Return a value as a line of JSON; nothing in it ends the line for any reader."""
    return utf8(json.dumps(value, ensure_ascii=False).translate(_ENDS)) + b"\n"


def _character(found: re.Match[str]) -> str:
    code = ord(found[0])
    return bytes((code - 0xDC00,)).decode("cp1252", "replace") if code in _ESCAPES else "\ufffd"
