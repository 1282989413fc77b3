"""What the cases of the operator console share: how an operator uses it, beside agents with their softphones."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.request import Request, urlopen

from twisted.internet.threads import deferToThread

from tests.interop.chromium import Tab
from tests.interop.softphone_page import CONNECTION, SoftphoneCase, button

STEPS = "() => [...document.querySelectorAll('.ladder tbody tr[data-n] .step')].map((e) => e.textContent)"
ROW = """(key, ...texts) => { const row = document.querySelector(`tr[data-key="${key}"]`);
    return row && texts.every((text) => row.innerText.includes(text)); }"""
ANSWERED = "() => (document.querySelector('.state')?.dataset.level ?? 'off') !== 'off'"
"""The console is there, and the gateway has answered it."""
NEWEST = "() => document.querySelector('main tr[data-key]')?.dataset.key"


class OpsCase(SoftphoneCase):
    """A case of ``/ops/``; each signs its agents out, so that the next one sees none."""

    token = ""

    async def ops(self, where: str = "", **context: Any) -> Tab:
        """Open the console at a view, and wait until the gateway has answered."""
        tab = await self.open(f"/ops/#/{where}", **context)
        await self.until(tab, ANSWERED)
        return tab

    async def turn(self, tab: Tab, name: str) -> None:
        """Turn to another view by its link."""
        await self.do(tab, lambda page: page.locator("nav").get_by_role("link", name=name).click())

    async def choose(self, tab: Tab, name: str) -> None:
        """Choose one of few."""
        await self.do(tab, lambda page: page.get_by_role("radio", name=name, exact=True).check())

    async def row(self, tab: Tab, key: str, *texts: str) -> None:
        """Wait until there is a row with that key which says all this."""
        await self.until(tab, ROW, key, *texts)

    async def talk(self, tab: Tab, number: int = 1003) -> str:
        """Call a number, hear it, and return the call's id."""
        await self.dial(tab, number)
        await self.state(tab, "established")
        await self.hears(tab, CONNECTION)
        return str(await self.until(tab, "() => softphone.desk.selected.id"))

    async def steps(self, tab: Tab) -> list[str]:
        """Return what a screen reader hears of the ladder's messages."""
        return list(await tab.evaluate(STEPS))

    async def ladder_has(self, tab: Tab, *wanted: str) -> None:
        """Wait until these messages are in the ladder, in this order, whatever is between them."""
        pattern = ".*".join(re.escape(each) for each in wanted)
        steps = "() => [...document.querySelectorAll('.ladder tbody .step')].map((e) => e.textContent).join('\\n')"
        try:
            await self.until(tab, f"(pattern) => new RegExp(pattern, 's').test(({steps})())", pattern)
        except AssertionError:
            self.fail(f"not {wanted} in this order in {await self.steps(tab)}")

    async def unfold(self, tab: Tab) -> None:
        """Show all messages of a ladder."""
        await self.do(tab, lambda page: page.get_by_label("Fold routine messages").uncheck())

    async def confirm(self, tab: Tab, name: str) -> None:
        """Press the dialog's button, and wait until the dialog is gone."""
        await self.do(tab, lambda page: button(page, name, "dialog").click())
        await self.until(tab, "() => !document.querySelector('dialog')")

    async def asked(self, name: str, body: Mapping[str, object] | None = None) -> Any:
        """Ask the operators' API itself; with a body it is a POST."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.gateway.url}/api/{name}", data, headers)

        def ask() -> Any:
            with urlopen(request, timeout=10) as response:
                return json.load(response)

        return await deferToThread(ask)
