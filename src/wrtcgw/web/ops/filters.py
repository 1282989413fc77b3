"""Which of all calls an operator wants to see, and in what order; and what failed, by its cause."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import frozen

from wrtcgw.errors import BadInput
from wrtcgw.meters.meters import FAULTS
from wrtcgw.web.fields import Fields

Call = Mapping[str, Any]
"""A call as operators see it: see ``views``."""

GRADES: Mapping[str, float] = {"fair": 4.0, "poor": 3.6, "bad": 3.1}
"""A call of that grade, or of a worse one, had a MOS below this."""
WISHED = frozenset(
    {
        "abandoned",
        "answered-elsewhere",
        "cancelled",
        "local",
        "operator",
        "rejected",
        "remote",
        "replaced",
        "signed-out",
        "transferred",
    }
)
"""Ends of calls that somebody wished."""
MOST_CAUSES = 50
"""So many causes are told at most."""
RECENTLY = 15 * 60
"""Seconds: of so much time failures are told by default."""
TIME = "milliseconds since the epoch"
_CODE = re.compile(r"[1-6](?:[0-9]{2}|xx)")
_CAUSE = re.compile(r"[a-z][a-z_-]{0,39}")


def cause_of(call: Call) -> str:
    """Return why a call ended; an agent who ended it before the answer has rejected it, or given it up."""
    if call["cause"] != "local" or call["answeredAt"] is not None:
        return str(call["cause"])
    return "rejected" if call["direction"] == "inbound" else "abandoned"


def has_failed(call: Call) -> bool:
    """Return whether a call is over by a fault, or before its answer without anybody's wish."""
    if call["endedAt"] is None:
        return False
    return call["cause"] in FAULTS or (call["answeredAt"] is None and cause_of(call) not in WISHED)


def worst_mos(call: Call) -> float | None:
    """Return the worst MOS that the call's page has reported of its audio; None where it reported none."""
    audio = (call["quality"] or {}).get("audio") or {}
    return (audio.get("worst") or {}).get("mos") or audio.get("mos") or None


def _length(call: Call) -> float:
    return -float(call["duration"] or 0)


ORDERS: Mapping[str, Callable[[Call], float]] = {
    "newest": lambda call: -call["startedAt"],
    "oldest": lambda call: float(call["startedAt"]),
    "longest": _length,
    "worst": lambda call: worst_mos(call) or 9.0,
}
"""By what calls are sorted."""


@frozen(kw_only=True)
class Filter:
    """
    What is asked for; what is empty does not count.

    Times are in milliseconds since the epoch: the call was there at some time from ``since`` until ``until``.
    """

    since: int | None = None
    until: int | None = None
    failed: bool = False
    cause: str = ""
    code: str = ""
    agent: str = ""
    quality: str = ""
    order: str = ""

    @classmethod
    def read(cls, fields: Fields) -> "Filter":
        """
        Read the fields of a query.

        :raises BadInput: naming the first that cannot be read.
        """
        cause = _matching(fields, "cause", _CAUSE, "a cause, as busy")
        code = _matching(fields, "code", _CODE, "a SIP code, as 486, or a class of them, as 4xx")
        agent = (fields.optional("agent") or "").casefold()
        quality = _one_of(fields, "quality", GRADES)
        order = _one_of(fields, "order", ORDERS)
        return cls(
            since=time_of(fields, "since"),
            until=time_of(fields, "until"),
            failed=bool(fields.switch("failed")),
            cause=cause,
            code=code,
            agent=agent,
            quality=quality,
            order=order,
        )

    def passes(self, call: Call) -> bool:
        """Return whether a call is one of those that are wanted."""
        return self._is_of_time(call) and self._has_ended_so(call) and self._is_of(call) and self._sounded_so(call)

    def _is_of_time(self, call: Call) -> bool:
        if self.until is not None and call["startedAt"] > self.until:
            return False
        return self.since is None or call["endedAt"] is None or call["endedAt"] >= self.since

    def _has_ended_so(self, call: Call) -> bool:
        if self.failed and not has_failed(call):
            return False
        if self.cause and self.cause not in (call["cause"], cause_of(call)):
            return False
        code = str(call["sipCode"] or "")
        return self.code in ("", code, f"{code[:1]}xx")

    def _is_of(self, call: Call) -> bool:
        return not self.agent or self.agent in (str(call["agent"]).casefold(), str(call["dn"]).casefold())

    def _sounded_so(self, call: Call) -> bool:
        return not self.quality or (worst_mos(call) or 9.0) < GRADES[self.quality]

    def of(self, calls: Iterable[Call]) -> list[Call]:
        """Return those calls that are wanted, in the order that is; without one they stay in theirs."""
        found = [call for call in calls if self.passes(call)]
        return sorted(found, key=ORDERS[self.order]) if self.order else found


def failures_view(calls: Iterable[Call], since: int, until: int) -> Mapping[str, object]:
    """Return what failed from one time to another, by cause and SIP code: the most frequent first."""
    failed = [call for call in calls if since <= (call["endedAt"] or 0) <= until and has_failed(call)]
    counts = Counter((cause_of(call), int(call["sipCode"])) for call in failed)
    last = {(cause_of(call), int(call["sipCode"])): call for call in sorted(failed, key=lambda call: call["endedAt"])}
    groups = [
        {
            "cause": cause,
            "sipCode": code,
            "count": count,
            "lastAt": last[cause, code]["endedAt"],
            "lastCallId": last[cause, code]["callId"],
        }
        for (cause, code), count in counts.most_common(MOST_CAUSES)
    ]
    return {"since": since, "until": until, "total": len(failed), "causes": groups}


def time_of(fields: Fields, name: str) -> int | None:
    """
    Return a field that is a time, None when it is absent.

    :raises BadInput: when it is something else.
    """
    value = fields.optional(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 16):
        raise BadInput(name, TIME, value[:40])
    return int(value)


def _matching(fields: Fields, name: str, pattern: re.Pattern[str], expected: str) -> str:
    value = fields.optional(name) or ""
    if value and not pattern.fullmatch(value):
        raise BadInput(name, expected, value[:40])
    return value


def _one_of(fields: Fields, name: str, words: Iterable[str]) -> str:
    value = fields.optional(name) or ""
    if value and value not in words:
        raise BadInput(name, " or ".join(words), value[:40])
    return value
