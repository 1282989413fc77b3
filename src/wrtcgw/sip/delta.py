"""Delta-seconds: the numbers in Expires, Min-Expires, Retry-After, Min-SE (:rfc:`3261#section-25.1`)."""

import re

from wrtcgw.sip.grammar import MAX_DELTA_SECONDS

FLOOR = 5.0
"""
The least number of seconds after which anything is sent because a peer's timer value says so.

No peer needs more, and what one of them asks of an agent it asks of all: 0 s would make of each a flood.
"""

CEILING = 86400.0
"""The most seconds for which a peer can have a request of ours wait: no agent is to be lost for good."""

# what comes behind the number is a comment, a parameter or a fraction; so long a number is none
_SECONDS = re.compile(r'[ \t]*"?[ \t]*([0-9]{1,39})(?![0-9])')


def seconds_of(value: str | None) -> int | None:
    """
    Read a number of seconds; a comment, parameters or a fraction behind it are left out.

    :returns: the number, at most :data:`MAX_DELTA_SECONDS`; None when the field is missing or is no number, which is
        never worth refusing a message for.
    """
    match = _SECONDS.match(value or "")
    return min(int(match[1]), MAX_DELTA_SECONDS) if match is not None else None


def floored(seconds: float) -> float:
    """Return how long to wait when a peer's timer value asks for ``seconds``."""
    return max(min(seconds, CEILING), FLOOR)
