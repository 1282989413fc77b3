"""
What an operator should hear of: a rule of the site was about to be broken, or a wish of a far side was not followed.

The gateway tells it by :attr:`~wrtcgw.gateway.facade.Gateway.alarm`; the shell writes the line in the log, counts, and
notes it in the call's ladder. The words of :class:`AlarmKind` are stable: filters and counters name them.
"""

from enum import Enum

from attrs import field, frozen


class AlarmKind(Enum):
    """What kind of thing happened."""

    DESTINATION_FORBIDDEN = "destination_forbidden"
    """An agent, a far side that redirects, or one that asks for a transfer named a number that may not be called."""
    TOO_MANY_CALLS = "too_many_calls"
    """An agent placed more calls than it may."""
    TOO_MANY_ORDERS = "too_many_orders"
    """An agent sent more digits or data inside its calls than it may."""
    TOO_MANY_RINGING = "too_many_ringing"
    """One caller has as many calls ringing at an agent as it may."""
    CALL_FLOOD = "call_flood"
    """So many calls came for a number that they are refused at once, and told of in sums."""
    AUTO_ANSWER_IGNORED = "auto_answer_ignored"
    """Somebody wanted a call to be answered, or taken from hold, without a click, and may not."""
    TEXT_REFUSED = "text_refused"
    """A MESSAGE came from somebody whose texts are not wanted."""
    FOREIGN_REALM = "foreign_realm"
    """Somebody asked for credentials of a realm that gets none."""
    WEAK_DIGEST = "weak_digest"
    """Somebody asked for credentials by an algorithm that is not allowed, or weaker than that realm's usual one."""


@frozen(kw_only=True)
class Alarm:
    """
    One such event.

    ``setting`` is the one that decided, ``text`` says what happened. ``dn``, ``call_id`` and ``address`` (of the page)
    are empty where they are not known.
    """

    kind: AlarmKind
    text: str
    setting: str
    dn: str = ""
    call_id: str = ""
    address: str = field(default="")
