"""What comes of the runs: medians, ratios, a table for the documents, a picture, and a line of history."""

import json
from collections.abc import Iterable, Mapping, Sequence
from math import log10
from pathlib import Path
from statistics import median
from typing import Any

from attrs import frozen

Figures = Mapping[str, Any]
Results = Mapping[str, Sequence[Sequence[Figures]]]
"""By gateway: its runs, each a list of the figures of its phases."""
COLOURS = ("#0b6e4f", "#b4512b", "#4a5aa8", "#8a6d00", "#666666")


@frozen
class Row:
    """One row of the table: what one run has for it, or None; ``less`` tells whether less is better."""

    text: str
    key: str
    less: bool = True


def rows_of(run: Iterable[Figures]) -> dict[str, float]:
    """Return what one run has for each row, by key."""
    found: dict[str, float] = {}
    fit = {100: 0.0, 20: 0.0}
    for figures in run:
        phase = figures["phase"]
        if phase == "sign_in":
            found |= {"sign_in_s": figures["seconds"], "sign_in_ms": figures["cpu_ms"], "agent_kb": figures["kb"]}
        elif phase == "listen":
            found["listen_kb"] = figures["kb"]
        elif phase == "idle":
            found["idle"] = figures["percent"]
        elif "pause" in figures:
            found |= {"pause": figures["pause"]}
        else:
            found[f"cpu@{figures['rate']:g}"] = figures["cpu_ms"]
            for limit, best in fit.items():
                if figures["p99"] < limit and not figures.get("failed"):
                    fit[limit] = max(best, figures["rate"])
            found |= {f"fit{limit}": rate for limit, rate in fit.items() if rate}
    return found


TEXTS = {
    "agent_kb": "memory of a signed-in agent, kB",
    "listen_kb": "memory of its poll or stream, kB more",
    "sign_in_s": "sign-in of all agents, s",
    "sign_in_ms": "CPU of a sign-in, ms",
    "idle": "CPU of all agents idle, % of a core",
    "fit20": "highest rate, p99 < 20 ms and none failed, calls/s",
    "fit100": "highest rate, p99 < 100 ms and none failed, calls/s",
    "pause": "longest wait for a small request at the rate of pauses, ms",
}


def medians(results: Results) -> dict[str, dict[str, float]]:
    """Return for each gateway the medians of its runs, by the key of the row."""
    middle: dict[str, dict[str, float]] = {}
    for name, runs in results.items():
        found = [rows_of(run) for run in runs]
        keys = {key: None for each in found for key in each}
        middle[name] = {key: round(median(each[key] for each in found if key in each), 2) for key in keys}
    return middle


def table(middle: Mapping[str, Mapping[str, float]]) -> str:
    """Return the Markdown table; behind each figure of ours that of another one is divided by it."""
    names = list(middle)
    first, *others = names
    keys = {key: None for each in middle.values() for key in each}
    head = [" ", *names, *(f"{first} / {name}" for name in others)]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for key in sorted(keys, key=lambda key: (not key.startswith("cpu@"), float(key[4:]) if "@" in key else 0)):
        text = TEXTS.get(key) or f"CPU of a call at {key[4:]}/s, ms"
        values = [middle[name].get(key) for name in names]
        own = values[0]
        ratios = [f"{own / other:.2f}" if own and other else "-" for other in values[1:]]
        cells = ["-" if value is None else f"{value:g}" for value in values]
        lines.append(f"| {' | '.join([text, *cells, *ratios])} |")
    return "\n".join(lines) + "\n"


def picture(results: Results) -> str:
    """Return an SVG: the median of the answers' p99 by rate, on a logarithmic scale, a line for each gateway."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for name, runs in results.items():
        by_rate: dict[float, list[float]] = {}
        for figures in (each for run in runs for each in run if each["phase"] == "calls" and "pause" not in each):
            by_rate.setdefault(figures["rate"], []).append(figures["p99"])
        lines[name] = [(rate, median(values)) for rate, values in sorted(by_rate.items())]
    most = max((rate for points in lines.values() for rate, _ in points), default=1.0)

    def place(rate: float, milliseconds: float) -> tuple[float, float]:
        return 60 + 520 * rate / most, 300 - 90 * log10(min(1000.0, max(1.0, milliseconds)))

    marks = []
    for value in (1, 10, 100, 1000):
        y = place(0, value)[1]
        marks.append(
            f'<path d="M60 {y:.0f}H580" stroke="#ddd"/><text x="52" y="{y + 4:.0f}" text-anchor="end">{value}</text>'
        )
    for rate in range(0, int(most) + 1, 100):
        marks.append(f'<text x="{place(rate, 1)[0]:.0f}" y="318" text-anchor="middle">{rate}</text>')
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        marks.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"/>')
        marks.append(f'<text x="70" y="{44 + 16 * number}" fill="{colour}">{name}</text>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 350" font-family="sans-serif" font-size="12">'
        '<rect width="600" height="350" fill="#fff"/>' + "".join(marks) + '<text x="320" y="340" text-anchor="middle">'
        'calls a second</text><text x="60" y="16">answer at the page, p99 in ms</text></svg>\n'
    )


def append(history: Path, entry: Mapping[str, Any]) -> None:
    """Add a run to the history: one line of JSON."""
    with history.open("a") as file:
        file.write(json.dumps(entry) + "\n")


def steps_back(history: Path, kind: str, middle: Mapping[str, float], beside: Mapping[str, float]) -> list[str]:
    """
    Return in which rows we have lost more than a tenth, as a ratio to the peer, against the last run of this kind.

    A ratio, because machines differ and are busy; a row that the peer does not have is left out.
    """
    lines = history.read_text().splitlines() if history.exists() else []
    earlier = [entry for entry in map(json.loads, lines) if entry["kind"] == kind]
    if not earlier:
        return []
    before = earlier[-1]["ratios"]
    worse = []
    for key, ratio in ratios_of(middle, beside).items():
        loss = ratio / before[key] if before.get(key) else 1.0
        if (1 / loss if key.startswith("fit") and loss else loss) > 1.1:
            worse.append(f"{key}: {before[key]} -> {ratio}")
    return worse


def ratios_of(middle: Mapping[str, float], beside: Mapping[str, float]) -> dict[str, float]:
    """Return our figures divided by another one's."""
    return {key: round(value / beside[key], 3) for key, value in middle.items() if beside.get(key)}
