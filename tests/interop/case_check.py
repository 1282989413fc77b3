"""
The check of the phone, and what is said of calls with a fault: a handful of those in ``prepared_faults.py``.

In real Chromium, with media through a bad line; and the softphone's view of it.
"""

from typing import Any

from tests.interop.a11y import check_accessible
from tests.interop.badline import THROUGH_LINE, BadLine, Impairment
from tests.interop.chromium import Tab
from tests.interop.library_page import LibraryCase
from tests.interop.prepared_faults import CALL, CHECK, HANG_UP, HOST, WHO

FOUND = "() => document.querySelector('.check-summary')?.dataset.level"
PLACE = """() => [location.pathname, document.getElementById("app").hidden, document.getElementById("check").hidden]"""
ROWS = "() => [...document.querySelectorAll('.check-list li')].map((row) => [row.dataset.check, row.dataset.state])"


class Checks(LibraryCase):
    """``phone.check()``."""

    async def check(self, **given: object) -> dict[str, Any]:
        """Return what a check finds in a page of its own."""
        tab = await self.open()
        for text in ("401", "403", "ERR_CONNECTION_REFUSED"):
            tab.console.expect(text)
        report: dict[str, Any] = await tab.evaluate(CHECK, {"options": {}, "who": WHO, "check": {}, **given})
        return report

    async def test_ready(self) -> None:
        """Where all is well it is ready; the echo call has sound both ways, and numbers."""
        report = await self.check(check={"echoSeconds": 3})
        self.assertEqual(report["verdict"], "ready", report)
        echo = report["checks"][-1]
        self.assertEqual((echo["name"], echo["value"]["codec"]), ("echo", "opus"))
        self.assertGreater(echo["value"]["packets"], 100)

    async def test_wrong_password(self) -> None:
        """A wrong password is found by the sign-in of the check itself."""
        who = {**WHO, "password": "wrong"}
        report = await self.check(who=None, check={"who": who, "only": ["gateway", "registration", "echo"]})
        self.assertEqual((report["verdict"], report["code"]), ("blocked", "registration_refused"))

    async def test_busy_echo(self) -> None:
        """A busy echo says nothing of this phone."""
        report = await self.check(check={"only": ["registration", "echo"], "echoNumber": "1005"})
        self.assertEqual((report["verdict"], report["code"]), ("inconclusive", "echo_busy"))

    async def test_blocked_udp(self) -> None:
        """Where no UDP gets through the sound finds no way."""
        line = BadLine(HOST)
        self.addCleanup(line.close)
        line.both(blocked=True)
        tab = await self.open()
        await tab.evaluate(THROUGH_LINE, line.ends)
        given = {"options": {}, "who": WHO, "check": {"only": ["registration", "echo"]}}
        report = await tab.evaluate(CHECK, given)
        self.assertEqual((report["verdict"], report["code"]), ("blocked", "media_failed"))


class Verdicts(LibraryCase):
    """What is said of a call that is over."""

    async def test_one_way(self) -> None:
        """Nothing that arrives is warned of, and it is the verdict, in the page and at the gateway."""
        line = BadLine(HOST)
        self.addCleanup(line.close)
        tab = await self.open()
        await tab.evaluate(THROUGH_LINE, line.ends)
        await tab.evaluate(CALL, {"options": {}, "who": WHO, "to": "1003"})
        await self.hears(tab, "call.connection")
        line.down = Impairment(deaf=True)
        await self.until(tab, "() => call.warnings.includes('no_incoming_packets')")
        line.both()
        await self.until(tab, "() => !call.warnings.includes('no_incoming_packets')")
        told = await tab.evaluate(HANG_UP)
        self.assertEqual(told["verdict"]["code"], "no_incoming_packets")
        known = await self._known(tab, told["id"])
        self.assertEqual(known["quality"]["verdict"], told["verdict"])

    async def _known(self, tab: Tab, call: str) -> dict[str, Any]:
        """Return a call as the console has it."""
        code = "async (call) => (await (await fetch(`/api/ops/ladder?call=${call}`)).json()).call"
        known: dict[str, Any] = await tab.evaluate(code, call)
        return known


class View(LibraryCase):
    """The softphone's view."""

    async def test_view(self) -> None:
        """It has an address of its own, is there before sign-in, and says what it has found; then the phone is back."""
        tab = await self.open("/softphone/check", bypass_csp=False)
        await self.click(tab, ".phone-check .button.primary")
        await self.until(tab, FOUND + " === 'unknown'")
        await check_accessible(tab)
        rows = dict(await tab.evaluate(ROWS))
        self.assertEqual(rows["microphone"], "passed")
        self.assertEqual(rows["registration"], "unknown")
        await self.click(tab, ".phone-check .row .button:last-child")
        self.assertEqual(await tab.evaluate(PLACE), ["/softphone/", False, True])
        await self.click(tab, ".sign-in form button[type=submit]")
        await self.until(tab, "() => Boolean(window.softphone)")
        await self.click(tab, ".menu-button")
        await self.click(tab, "#check-phone")
        self.assertEqual(await tab.evaluate(PLACE), ["/softphone/check", True, False])
        await tab.reload()
        await self.until(tab, "() => Boolean(window.softphone)")
        self.assertEqual(await tab.evaluate(PLACE), ["/softphone/check", True, False])
        await tab.evaluate("() => { history.back() }")
        await self.until(tab, "() => !document.getElementById('app').hidden")

    async def click(self, tab: Tab, what: str) -> None:
        """Click something."""
        await tab.chromium.run(lambda: tab.page.click(what))
