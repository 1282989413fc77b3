"""
What may be kept of a sign_in: whose it is, and nothing that it shows.

Other requests are kept as they came, and masked when somebody reads them. The password of a sign_in is worth more than
the session that it opens, so nothing has it once the registrar has agreed, not even memory.
"""

import json
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qs

from wrtcgw.capture.entries import HeaderFields
from wrtcgw.redact import MASK, redact, redact_uri

SIGN_IN_FIELDS = ("id", "dn", "display_name", "displayName", "guest")
"""The fields of a sign_in that are shown."""


class KeptFields:
    """The few header fields that are kept of a request or response."""

    __slots__ = ("_values",)

    def __init__(self, headers: HeaderFields, names: Sequence[bytes]) -> None:
        """Take the fields of these names, in small letters."""
        every = headers.getAllRawHeaders()
        self._values = {name: tuple(values) for written, values in every if (name := written.lower()) in names}

    def getRawHeaders(self, name: bytes, /) -> Sequence[bytes] | None:  # noqa: N802 (Twisted's name)
        """Return the values of a field."""
        return self._values.get(name)

    def getAllRawHeaders(self) -> Iterable[tuple[bytes, Sequence[bytes]]]:  # noqa: N802 (Twisted's name)
        """Return all that is kept."""
        return self._values.items()


def is_sign_in(uri: bytes) -> bool:
    """Return whether a request is a sign_in, of either dialect."""
    return uri.partition(b"?")[0].endswith(b"/sign_in")


def is_genesys(uri: str) -> bool:
    """Return whether a sign_in is one of the Genesys dialect."""
    return not uri.startswith("/api/")


def masked_uri(uri: bytes) -> bytes:
    """Return the URI of a sign_in without its secrets."""
    return redact_uri(uri.decode("utf-8", "replace")).encode("utf-8")


def masked_body(uri: bytes, headers: HeaderFields, body: bytes) -> bytes:
    """Return the body of a sign_in with what is known to be no secret; what is masked already stays as it is."""
    text = body.decode("utf-8", "replace")
    if not text:
        return b""
    if is_genesys(uri.decode("utf-8", "replace")):
        scheme = text[:4] if text[:4].lower() == "sip:" else ""
        return f"{scheme}{text[len(scheme) :].partition(':')[0]}:{MASK}".encode()
    return _shown_fields(text, is_form=is_form(headers)).encode()


def masked_answer(uri: bytes, body: bytes) -> bytes:
    """Return the response to a sign_in without the session that it opens."""
    text = body.decode("utf-8", "replace")
    if is_genesys(uri.decode("utf-8", "replace")) and text.startswith("id="):
        return f"id={MASK}".encode()
    return redact(text).encode()


def is_form(headers: HeaderFields) -> bool:
    """Return whether a body is a form."""
    return any(b"form-urlencoded" in value for value in _raw(headers.getRawHeaders(b"content-type")))


def _raw(values: Sequence[bytes] | None) -> Sequence[bytes]:
    return values or ()


def _shown_fields(text: str, *, is_form: bool) -> str:
    try:
        given = parse_qs(text) if is_form and not text.startswith("{") else json.loads(text)
    except (ValueError, RecursionError):
        return MASK
    if not isinstance(given, dict):
        return MASK
    shown = {name: value if name in SIGN_IN_FIELDS else MASK for name, value in given.items()}
    return json.dumps({name: value[-1] if isinstance(value, list) else value for name, value in shown.items()})
