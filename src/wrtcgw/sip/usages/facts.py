"""
What a message tells about a call besides its session: who calls, and why it ended.

Nothing is refused here: "A UAS SHOULD ignore any malformed header fields that are not necessary for processing
requests" (:rfc:`3261#section-8.2.2`).
"""

from wrtcgw.sip.headers import NameAddr, Reason
from wrtcgw.sip.message import Request, Response


def reasons_of(message: Request | Response) -> tuple[Reason, ...]:
    """Return the Reason fields of a message (:rfc:`3326`), malformed ones left out."""
    return tuple(message.read_list("Reason", Reason))


def extensions_of(message: Request | Response) -> tuple[tuple[str, str], ...]:
    """Return the fields whose names begin with ``X-``, but for the call's UUID: what applications tell one another."""
    fields = ((name, value) for name, value in message.headers.items() if name[:2] in ("X-", "x-"))
    return tuple((name, value) for name, value in fields if name.lower() != "x-genesys-calluuid")


def caller_of(request: Request) -> NameAddr:
    """Return who calls: P-Asserted-Identity when the proxy gives one (:rfc:`3325#section-9.1`), else From."""
    asserted = request.read_list("P-Asserted-Identity", NameAddr)
    return asserted[0] if asserted else request.from_
