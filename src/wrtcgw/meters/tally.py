"""Numbers that only grow, by labels: what happened how often, and of which kind."""

from collections.abc import Iterable, Iterator

from attrs import define, field

MOST = 500
"""Combinations of labels that are kept apart: each is a series in Prometheus, and memory here."""
OTHER = "other"
"""The labels of all that comes beyond that."""

Labels = tuple[str, ...]


@define(eq=False)
class Tally:
    """
    One number for each combination of labels.

    :ivar total: all of them together.
    """

    total: int = 0
    _numbers: dict[Labels, int] = field(factory=dict)

    def add(self, *labels: str) -> None:
        """Count one."""
        self.total += 1
        numbers = self._numbers
        if labels in numbers:
            numbers[labels] += 1
        elif len(numbers) < MOST:
            numbers[labels] = 1
        else:
            other = (OTHER,) * len(labels)
            numbers[other] = numbers.get(other, 0) + 1

    def __iter__(self) -> Iterator[tuple[Labels, int]]:
        """Iterate over the labels and their numbers."""
        return iter(tuple(self._numbers.items()))

    @classmethod
    def of(cls, *known: Labels) -> "Tally":
        """Return one that has these combinations from the beginning, so that nobody has to guess what is missing."""
        return cls(numbers=dict.fromkeys(known, 0))

    def extend(self, numbers: Iterable[tuple[Labels, int]]) -> None:
        """Take what others have counted."""
        for labels, number in numbers:
            self._numbers[labels] = self._numbers.get(labels, 0) + number
            self.total += number

    def number(self, *labels: str) -> int:
        """Return one number."""
        return self._numbers.get(labels, 0)
