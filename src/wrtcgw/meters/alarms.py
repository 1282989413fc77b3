"""What was refused, by the word of its alarm: numbers that only grow, and the newest ones for the console."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping

from attrs import define, field, frozen

KEPT = 100
"""So many of the newest are kept."""


@frozen(kw_only=True)
class Raised:
    """One alarm; ``time`` is in seconds since the epoch, ``alarm`` its word, ``setting`` the one that decided."""

    time: float
    alarm: str
    text: str
    setting: str = ""
    dn: str = ""
    call_id: str = ""
    address: str = ""


@define(eq=False)
class Alarms:
    """The alarms of one gateway."""

    _counts: Counter[str] = field(factory=Counter)
    _newest: deque[Raised] = field(factory=lambda: deque(maxlen=KEPT))

    def add(self, raised: Raised) -> None:
        """Take an alarm."""
        self._counts[raised.alarm] += 1
        self._newest.append(raised)

    @property
    def counts(self) -> Mapping[str, int]:
        """Return how many there were ever, by their words."""
        return dict(self._counts)

    def newest(self) -> Iterator[Raised]:
        """Iterate over those that are kept, the newest first."""
        return reversed(tuple(self._newest))
