"""A ladder as plain text: arrows between lifelines, then every message in full. Nothing but ASCII in the drawing."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from attrs import frozen

from wrtcgw.capture.ladder import Ladder, Step
from wrtcgw.redact import escaped

MARGIN = 29
"""Columns for number, time and delta."""
GAP = 36
"""Columns between two lifelines."""
WIDEST_GAP = 52
PAUSE = 1000
"""Milliseconds without any step that get a line of their own."""
SHORTEST = 4
"""Columns of an arrow beside its label, at the least."""


@frozen
class Frame:
    """Where the lifelines stand."""

    columns: tuple[int, ...]

    @property
    def width(self) -> int:
        """Return the width of the drawing from the first lifeline on."""
        return self.columns[-1] + 1

    def lifelines(self) -> list[str]:
        """Return an empty line of the drawing."""
        line = [" "] * self.width
        for column in self.columns:
            line[column] = "|"
        return line


def draw(ladder: Ladder, heading: Sequence[tuple[str, str]], stamp: Callable[[int], str]) -> str:
    """
    Write a ladder.

    :param heading: names and values for the top.
    :param stamp: writes milliseconds since the epoch as time of the day, with milliseconds.
    """
    frame = _frame(ladder)
    shown = [(name, value) for name, value in heading if value]
    wide = max((len(name) for name, _ in shown), default=0)
    lines = [f"{name:<{wide}}  {value}" for name, value in shown]
    lines += ["", *_names(ladder.parties, frame)]
    before = 0
    for step in ladder.steps:
        if step.delta - before >= PAUSE:
            lines.append(_pause(step.delta - before, frame))
        before = step.delta
        lines.append(f"{step.number:>4}  {stamp(step.time)} {_seconds(step.delta):>9} {_row(step, frame)}".rstrip())
    if ladder.dropped:
        lines += ["", f"{ladder.dropped} more were dropped, because this call has too many."]
    for step in ladder.steps:
        if step.text:
            lines += ["", *_full(step, ladder.parties, stamp)]
    return escaped("\n".join(lines) + "\n")


def _frame(ladder: Ladder) -> Frame:
    """Make room for the longest label between neighbours."""
    longest = max((len(_plain(step.label)) for step in ladder.steps if step.kind != "note"), default=0)
    gap = min(max(GAP, longest + SHORTEST + 5), WIDEST_GAP)
    return Frame(tuple(index * gap + 2 for index in range(len(ladder.parties))))


def _names(parties: Sequence[str], frame: Frame) -> list[str]:
    """Return the heads of the lifelines, each in the middle over its line, in turns on two lines if they are long."""
    gap = frame.columns[1] - frame.columns[0]
    crowded = any((len(one) + len(other)) // 2 + 2 > gap for one, other in pairwise(parties))
    rows = []
    for parity in (0, 1) if crowded else (None,):
        line = ""
        for index, (name, column) in enumerate(zip(parties, frame.columns, strict=True)):
            if parity is None or index % 2 == parity:
                start = max(0, len(line) + 1 if line else 0, column - len(name) // 2)
                line = line.ljust(start) + name
        rows.append((" " * MARGIN + line).rstrip())
    head = f"{'no':>4}  {'time (UTC)':<12} {'seconds':>9}"
    rows[-1] = (head + rows[-1][len(head) :]).rstrip()
    return [*rows, " " * MARGIN + "".join(frame.lifelines())]


def _row(step: Step, frame: Frame) -> str:
    """Draw one step."""
    line = frame.lifelines()
    if step.origin == step.target:
        return _put(line, frame.columns[step.origin] - 1, f"[{_plain(step.label)}]")
    left, right = sorted((frame.columns[step.origin], frame.columns[step.target]))
    inner = right - left - 1
    label = _plain(step.label)
    if step.detail and len(label) + len(step.detail) + 3 + SHORTEST + 2 <= inner:
        label = f"{label}: {_plain(step.detail)}"
    if len(label) > inner - SHORTEST - 2:
        label = label[: inner - SHORTEST - 5] + "..."
    arrow = f" {label} ".center(inner, "." if step.kind == "event" else "-")
    arrow = arrow[:-1] + ">" if frame.columns[step.target] == right else "<" + arrow[1:]
    line[left + 1 : right] = arrow
    return "".join(line)


def _put(line: list[str], start: int, text: str) -> str:
    """Write a text over a line, which may grow by it."""
    line.extend(" " * (start + len(text) - len(line)))
    line[start : start + len(text)] = text
    return "".join(line)


def _pause(milliseconds: int, frame: Frame) -> str:
    line = "".join(":" if sign == "|" else sign for sign in frame.lifelines())
    words = f"{milliseconds / 1000:.1f} s later"
    return f"{words:>{MARGIN - 1}} {line}".rstrip()


def _full(step: Step, parties: Sequence[str], stamp: Callable[[int], str]) -> list[str]:
    way = f"{parties[step.origin]} -> {parties[step.target]}"
    title = f"== {step.number}  {stamp(step.time)}  +{_seconds(step.delta)} s  {way}  {_plain(step.label)} "
    return [title.ljust(120, "="), *step.text.rstrip("\n").split("\n")]


def _plain(text: str) -> str:
    """Return a label for the drawing: each character one column wide, and of a delivered message the type alone."""
    return text.removeprefix("→ ").encode("ascii", "replace").decode("ascii")


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"
