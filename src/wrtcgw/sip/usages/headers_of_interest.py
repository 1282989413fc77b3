"""
What a message tells about a call besides its session, and who it is from: why it ended, and what applications say.

Nothing is refused here: "A UAS SHOULD ignore any malformed header fields that are not necessary for processing
requests" (:rfc:`3261#section-8.2.2`).
"""

import re
from typing import NamedTuple

from wrtcgw.sip import grammar
from wrtcgw.sip.headers import NameAddr, Reason, liberal
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.outputs import NO_ANSWER, NO_MEDIA
from wrtcgw.sip.source import Source

# RFC 3261 section 25.1, warning-value: three digits, an agent, a quoted text. Its agent may be anything, and some peers
# leave it out.
_CODE = re.compile(r"[0-9]{3}(?:[ \t\"']|\Z)")
_WARNING = re.compile(r'[0-9]{3}[^",]*("(?:[^"\\]|\\.)*")')
# The same of peers that do not quote the text, or do not end it: all that follows the agent is meant.
_UNQUOTED_WARNING = re.compile(r"[0-9]{3}\s+[^\s\"']+\s+[\"']?([^\"]*)")


class Told(NamedTuple):
    """What a message says of why it was sent: its Reason fields, and the text of Warning."""

    reasons: tuple[Reason, ...] = ()
    warning: str = ""


NOTHING = Told()


def reasons_of(message: Request | Response) -> tuple[Reason, ...]:
    """Return the Reason fields of a message (:rfc:`3326`), malformed ones left out."""
    return tuple(message.read_list("Reason", Reason))


def warning_of(message: Request | Response) -> str:
    """Return the texts of Warning (:rfc:`3261#section-20.43`), '' when there are none."""
    texts = (_text(warning) for value in message.headers.get_all("Warning") for warning in _warnings(value))
    return "; ".join(dict.fromkeys(filter(None, texts)))


def _warnings(value: str) -> list[str]:
    """Split a list of warnings; what does not begin with a code goes on with an unquoted text that holds a comma."""
    warnings: list[str] = []
    for element in liberal.elements(value, []):
        if _CODE.match(element):
            warnings.append(element)
        elif warnings:
            warnings[-1] += f", {element}"
    return warnings


def _text(warning: str) -> str:
    """Return the text of one warning, '' when it has none."""
    if found := _WARNING.match(warning):
        return grammar.unquote(found[1]).strip()
    unquoted = _UNQUOTED_WARNING.match(warning)
    return unquoted[1].strip("' \t") if unquoted else ""


def why_no_answer(message: Request | Response) -> str:
    """Return why a 2xx answers no offer; see :meth:`~wrtcgw.sip.message.Message.answer`."""
    return NO_ANSWER if message.sdp() is None else NO_MEDIA


def told_by(message: Request | Response) -> Told:
    """Return what a message says of why it was sent."""
    return Told(reasons_of(message), warning_of(message))


def extensions_of(message: Request | Response) -> tuple[tuple[str, str], ...]:
    """Return the fields whose names begin with ``X-``, but for the call's UUID: what applications tell one another."""
    fields = ((name, value) for name, value in message.headers.items() if name[:2] in ("X-", "x-"))
    return tuple((name, value) for name, value in fields if name.lower() != "x-genesys-calluuid")


def source_of(request: Request) -> Source:
    """Return who sends a request, for lists of trusted parties; malformed identities are none."""
    asserted = request.read_list("P-Asserted-Identity", NameAddr)
    uuid = (request.headers.get("X-Genesys-CallUUID") or "").strip()
    return Source(request.from_.uri, tuple(identity.uri for identity in asserted), bool(uuid))
