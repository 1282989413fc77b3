"""What the parts of a leg have in common."""

from typing import Generic, TypeVar
from weakref import ref

Leg = TypeVar("Leg")


class PartOf(Generic[Leg]):
    """
    A part that knows its leg, but does not keep it.

    Otherwise each call would leave a cycle behind, which only the collector finds: it stops everybody while it runs.
    """

    def __init__(self, leg: Leg) -> None:
        self._known = ref(leg)

    @property
    def _leg(self) -> Leg:
        leg = self._known()
        assert leg is not None, "whoever reaches a part has its leg"
        return leg
