"""The samples for Prometheus and Grafana, taken apart."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).parent.parent.parent
RULES = TOP / "conf/prometheus/wrtcgw.rules.yml"
DASHBOARD = TOP / "conf/grafana/wrtcgw.json"


def alerts() -> dict[str, str]:
    """Return the alerts, and their text."""
    parts = RULES.read_text("utf-8").split("      - alert: ")[1:]
    return {part.split()[0]: part for part in parts}


def queries() -> Iterator[tuple[str, str]]:
    """Iterate over the titles of the dashboard's panels, and their queries."""
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


_SELECTOR = re.compile(r"\b(wrtcgw_\w+|process_\w+)(?:\{([^}]*)\})?")
_BY = re.compile(r"\b(?:by|ignoring|on) \(([^)]*)\)")
_LABEL = re.compile(r"(\w+)\s*[=!]~?\s*\"")


def selectors(query: str) -> Iterator[tuple[str, set[str]]]:
    """Iterate over the series that a query names, and the labels by which it selects."""
    for name, inside in _SELECTOR.findall(query):
        yield name, set(_LABEL.findall(inside))


def groupings(query: str) -> set[str]:
    """Return the labels by which a query groups."""
    return {label.strip() for inside in _BY.findall(query) for label in inside.split(",") if label.strip()}
