"""
What keeps people from using a page: axe-core's findings in it, as a list that one can work through.

axe is injected by the debugger and so passes the page's content security policy, in all its frames.
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen
from playwright.sync_api import Page

from tests.interop.chromium import Tab
from tests.interop.install import FOLDER, node_package

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
"""The rules that are run: WCAG to level AA, and what is good practice besides."""
RUN = """async ([tags, without, within]) => {
    const rules = Object.fromEntries(without.map((rule) => [rule, { enabled: false }]));
    const found = await axe.run(within ?? document, { runOnly: tags, rules, resultTypes: ["violations"] });
    return { violations: found.violations, passed: found.passes.length };
}"""


@frozen
class Barrier:
    """One rule that a page breaks, and where it does."""

    rule: str
    impact: str
    text: str
    places: tuple[str, ...]
    more: str

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> "Barrier":
        """Read one of axe's violations."""
        places = tuple(_place(node) for node in found["nodes"])
        return cls(found["id"], found["impact"] or "minor", found["help"], places, found["helpUrl"])

    def __str__(self) -> str:
        """Return the rule, and the elements below it."""
        return "\n".join([f"{self.rule} ({self.impact}): {self.text}; {self.more}", *self.places])


def _place(node: Mapping[str, Any]) -> str:
    selector = " ".join(part if isinstance(part, str) else " ".join(part) for part in node["target"])
    why = [line.strip() for line in node["failureSummary"].splitlines()[1:] if line.strip()]
    return f"    {selector}: {'; '.join(why)}\n        {node['html'][:200]}"


@functools.cache
def _axe() -> str:
    return (node_package(FOLDER, "axe-core") / "axe.min.js").read_text(encoding="utf-8")


def find_barriers(page: Page, without: Sequence[str] = (), within: str | None = None) -> list[Barrier]:
    """
    Return what axe finds; to be called in Chromium's thread.

    :param without: names of rules that do not apply, such as ``region`` for a page that is only a frame of another.
    :param within: a CSS selector of the part to look at; the whole page when not given.
    """
    page.emulate_media(reduced_motion="reduce")
    for frame in page.frames:
        frame.evaluate(_axe())
    found = page.evaluate(RUN, [list(TAGS), list(without), within])
    if not found["passed"] and not found["violations"]:
        raise AssertionError(f"axe found nothing to look at in {page.url}")
    return [Barrier.read(each) for each in found["violations"]]


async def check_accessible(tab: Tab, without: Sequence[str] = (), within: str | None = None) -> None:
    """Fail with all barriers in the present state of a page, in light and in dark."""
    problems: list[str] = []
    for scheme in ("light", "dark"):
        await tab.show(scheme)
        barriers = await tab.chromium.run(lambda: find_barriers(tab.page, without, within))
        problems += _report(scheme, barriers)
    await tab.show(None)
    if problems:
        raise AssertionError(f"{tab.page.url} has barriers:\n" + "\n".join(problems))


def _report(scheme: str, barriers: Sequence[Barrier]) -> Iterator[str]:
    return (f"[{scheme}] {each}" for each in barriers)
