"""
Floods of INVITEs: what is refused beyond a few a second is refused at once, and not told of one by one.

Who calls a busy agent, or a number that nobody has, is refused with all that belongs to it: a leg, lines in the log, a
ladder. For a flood that costs more than it is worth, and takes from the other agents. So each DN has a bucket of
refused INVITEs; when it is empty, the core answers before it reads the offer, keeps no transaction, and this module
sums up.
"""

from collections.abc import Callable

from attrs import define

from wrtcgw.events.catalogue import AlarmKind, AlarmRaised
from wrtcgw.gateway.context import GatewayContext
from wrtcgw.sip.message import Request

BURST, PER_SECOND = 20.0, 2.0
"""Refused INVITEs that are told of, at once and one after the other: for one DN, and for all numbers nobody has."""
SUMMARY = 1.0
"""Seconds between two alarms of one DN."""
PRUNE_AT = 10_000
"""So many DNs are remembered; beyond it those go of whom there is nothing to remember any more."""
NOT_FOUND = 404


@define(eq=False)
class _Refused:
    """What was refused for one DN."""

    level: float
    since: float
    at_once: int = 0
    told: float = float("-inf")


class Screening:
    """
    Decides which INVITEs are refused at once.

    :param refusal: returns with which code an INVITE for a DN would be refused now, or 0.
    """

    def __init__(self, context: GatewayContext, refusal: Callable[[str, Request], int]) -> None:
        self._context = context
        self._refusal = refusal
        self._refused: dict[str, _Refused] = {}

    def __call__(self, dn: str, request: Request) -> int:
        """
        Return with which code to refuse an INVITE at once; 0 for one that goes the usual way.

        :param dn: '' where nobody has the number.
        """
        try:
            status = self._refusal(dn, request) if dn else NOT_FOUND
        except Exception:  # a fault of ours: the usual way meets it as well, and reports it
            return 0
        if not status:
            return 0
        now = self._context.now()
        known = self._refused.get(dn)
        if known is None:
            known = self._refused[dn] = _Refused(BURST, now)
            self._prune(now)
        known.level = min(BURST, known.level + (now - known.since) * PER_SECOND)
        known.since = now
        if known.level >= 1.0:
            known.level -= 1.0
            return 0
        known.at_once += 1
        if now - known.told >= SUMMARY:
            self._tell(dn, known, status, now)
        return status

    def _tell(self, dn: str, known: _Refused, status: int, now: float) -> None:
        whom = dn or "numbers that nobody has"
        text = f"{known.at_once} calls for {whom} were refused at once, the last one with {status}: there are too many"
        known.told, known.at_once = now, 0
        self._context.events.publish(AlarmRaised(kind=AlarmKind.CALL_FLOOD, text=text, setting="", dn=dn))

    def _prune(self, now: float) -> None:
        if len(self._refused) > PRUNE_AT:
            full = BURST / PER_SECOND
            self._refused = {dn: known for dn, known in self._refused.items() if now - known.since < full}
