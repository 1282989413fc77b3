"""The operator console in real Chromium: what it shows while agents work, its ladders, and how calls are found."""

import pathlib
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.interop import uuidcaller
from tests.interop.a11y import check_accessible
from tests.interop.chromium import Tab
from tests.interop.ops_page import NEWEST, OpsCase
from tests.interop.softphone_page import button
from wrtcgw.demo.extensions import DEMO_PASSWORD

CALL = ("POST OFFER", "INVITE 1", "401 Unauthorized", "INVITE 2", "200 OK (INVITE)", "ACK 2", "ANSWER")
CALL_UUID = "00OPS5N7A31C77E1B5A7C2D9E4F1024Q"
HANG_UP = ("POST hangup", "BYE", "200 OK (BYE)", "SHUTDOWN")


class Live(OpsCase):
    """The console follows what happens, without being loaded again; its charts show no calls of other cases."""

    settings: ClassVar[Mapping[str, object]] = {"heartbeat": 14.0}  # a gateway of its own

    async def test_agent_and_call(self) -> None:
        """An agent signs in, calls, holds and hangs up; the tables follow."""
        ops = await self.ops("agents")
        await self.sees(ops, "No agent is signed in.", "main")
        agent = await self.agent(5001)
        await self.row(ops, "softphone-5001", "5001", "Registered", "Listening")
        call = await self.talk(agent)
        await self.turn(ops, "Calls")
        await self.row(ops, call, "Talking", "5001 → 1003", "softphone-5001")
        await self.press(agent, "Hold")
        await self.row(ops, call, "On hold")
        await self.press(agent, "Resume")
        await self.row(ops, call, "MOS")
        await self.press(agent, "Hang up")
        await self.row(ops, call, "Ended", "agent hung up")
        await self.dial(agent, 1005)
        await self.until(ops, f"(old) => {NEWEST[6:]} !== old", call)
        await self.sees(ops, "busy, 486", "main tbody tr:first-child")

    async def test_overview(self) -> None:
        """
        Numbers and charts are those of the gateway, the same in a table; the charts go on.

        A call between two agents is one call.
        """
        ops = await self.ops()
        agent, other = await self.agent(5001), await self.agent(5002)
        await self.connect(agent, other, 5002)
        for tile, value in (("agents", "2"), ("calls", "1"), ("connections", "1 / 1"), ("health", "Healthy")):
            await self.sees(ops, value, f".tile.{tile} .value")
        await self.until(ops, "() => document.querySelectorAll('.chart canvas').length === 4")
        await self.sees(ops, "ws://", ".columns tbody")
        await self.until(
            ops, "() => /Calls: now 1, highest 1\\b/.test(document.querySelector('.chart.load').innerText)"
        )
        newest = await ops.evaluate("() => ops.view.samples.at(-1).t")
        await self.until(ops, "(newest) => ops.view.samples.at(-1).t > newest", newest)
        await self.do(ops, lambda page: page.get_by_text("The same as a table").click())
        await self.until(ops, "() => document.querySelectorAll('.numbers tbody tr').length > 3")
        await self.choose(ops, "3 hours")
        await self.until(ops, "() => ops.view.step === 10")

    async def test_hidden(self) -> None:
        """A page that nobody sees asks for nothing; seen again, it asks at once."""
        ops = await self.ops()
        hide = """(hidden) => { Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange")); }"""
        await ops.evaluate(hide, True)
        await self.until(ops, "() => !ops.poller.running")
        before = await ops.evaluate("() => ops.updated")
        await self.pause(5)
        self.assertEqual(await ops.evaluate("() => ops.updated"), before)
        await ops.evaluate(hide, False)
        await self.until(ops, "(before) => ops.updated > before", before)


class Ladders(OpsCase):
    """Every message of a call."""

    async def test_ladder(self) -> None:
        """A call's messages are there in order, over HTTP and SIP; each can be read, and no secret is in any."""
        agent = await self.agent(5001)
        call = await self.talk(agent)
        await self.press(agent, "Hang up")
        await self.calls(agent, 0)
        ops = await self.ops("calls")
        await self.row(ops, call, "Ended")
        name = re.compile("Ladder of 5001 → 1003")
        await self.do(ops, lambda page: page.get_by_role("link", name=name).first.click())
        await self.ladder_has(ops, *CALL, *HANG_UP)
        steps = await self.steps(ops)
        self.assertRegex(steps[0], r"^HTTP POST OFFER audio sendrecv, from page softphone-5001 to gateway$")
        self.assertTrue(any(re.match(r"SIP INVITE 1 .*from gateway to proxy ws://", step) for step in steps), steps)
        self.assertTrue(any(step.startswith("Note: established") for step in steps), steps)
        await self.read(
            ops, "SIP INVITE 2", "INVITE sip:1003@", "Authorization: Digest ***", "m=audio", "a=ice-pwd:***"
        )
        await self.read(ops, "HTTP POST OFFER", '"messageType": "OFFER"', "m=audio")
        everything = str(await ops.evaluate("() => JSON.stringify(ops.view.ladder)"))
        self.assertNotRegex(everything, r"ice-pwd:(?!\*\*\*)|response=|[Tt]oken\W+[\w-]{20}")
        self.assertNotIn(DEMO_PASSWORD, everything)

    async def read(self, ops: Tab, step: str, *texts: str) -> None:
        """Open a message and find texts in it."""
        start = re.compile("^" + re.escape(step))
        await self.do(ops, lambda page: page.locator(".ladder").get_by_role("button", name=start).first.click())
        for text in texts:
            await self.sees(ops, text, ".pane pre")

    async def test_keyboard(self) -> None:
        """Up and Down go through the ladder, Enter opens the text, Down turns over, Escape closes and goes back."""
        agent = await self.agent(5001)
        call = await self.talk(agent)
        ops = await self.ops(f"calls/{call}")
        await self.ladder_has(ops, *CALL)
        await self.do(ops, lambda page: page.locator(".step").first.focus())
        current = "() => Number(document.activeElement.closest('tr')?.dataset.n)"
        for key, number in (("ArrowDown", 2), ("ArrowDown", 3), ("ArrowUp", 2), ("Home", 1), ("ArrowDown", 2)):
            await self.do(ops, lambda page, key=key: page.keyboard.press(key))  # type: ignore[misc]
            self.assertEqual(await ops.evaluate(current), number)
        await self.do(ops, lambda page: page.keyboard.press("Enter"))
        await self.sees(ops, "INVITE 1", ".pane h3")
        await self.do(ops, lambda page: page.keyboard.press("ArrowDown"))
        await self.sees(ops, "200 OK (OFFER)", ".pane h3")
        await self.do(ops, lambda page: page.keyboard.press("Escape"))
        await self.until(ops, "() => !document.querySelector('.pane.open')")
        self.assertEqual(await ops.evaluate(current), 3)
        self.assertEqual(await ops.evaluate("() => document.querySelectorAll('.step[tabindex=\"0\"]').length"), 1)

    async def test_follow_and_filter(self) -> None:
        """The ladder of a call that goes on grows; it can be narrowed to one protocol."""
        agent = await self.agent(5001)
        call = await self.talk(agent)
        ops = await self.ops(f"calls/{call}")
        await self.ladder_has(ops, *CALL)
        await self.press(agent, "Hold")
        await self.ladder_has(ops, *CALL, "POST hold", "INVITE 3 audio sendonly", "200 OK (INVITE)")
        await self.sees(ops, "On hold", ".ladder-head")
        await self.until(ops, "() => document.querySelector('.ladder tbody').lastElementChild.checkVisibility()")
        for name, via in (("Only SIP", "sip"), ("Only HTTP", "http")):
            await self.choose(ops, name)
            only = """(via) => { const rows = [...document.querySelectorAll(".ladder tr[data-n]")];
                return rows.length > 3 && rows.every((row) => row.dataset.via === via); }"""
            await self.until(ops, only, via)
        await self.press(agent, "Hang up")
        await self.choose(ops, "All")
        await self.ladder_has(ops, "POST hold", *HANG_UP)
        await self.sees(ops, "Ended", ".ladder-head .badge")

    async def test_export(self) -> None:
        """The ladder leaves as text: as a file, and by the clipboard."""
        agent = await self.agent(5001)
        call = await self.talk(agent)
        ops = await self.ops(f"calls/{call}", permissions=["clipboard-read", "clipboard-write"])
        await self.ladder_has(ops, *CALL)

        def save(page: Any) -> tuple[str, str]:
            with page.expect_download() as waiting:
                button(page, "Download ladder.txt").click()
            return waiting.value.suggested_filename, pathlib.Path(waiting.value.path()).read_text()

        name, text = await ops.chromium.run(lambda: save(ops.page))
        self.assertEqual(name, f"ladder-{call}.txt")
        self.assertRegex(text, r"(?s)page softphone-5001.*gateway.*INVITE 2.*->.*== 1 .*INVITE sip:1003@")

        def save_sip(page: Any) -> tuple[str, bytes]:
            with page.expect_download() as waiting:
                button(page, "Download SIP (pcap)").click()
            return waiting.value.suggested_filename, pathlib.Path(waiting.value.path()).read_bytes()

        name, data = await ops.chromium.run(lambda: save_sip(ops.page))
        self.assertEqual((name, data[:4]), (f"ladder-{call}.pcap", b"\xd4\xc3\xb2\xa1"))
        self.assertIn(b"INVITE sip:1003@", data)
        await self.press(ops, "Copy as text")
        await self.sees(ops, "Copied.", "#notice")
        copied = str(await ops.evaluate("() => navigator.clipboard.readText()"))
        self.assertIn("INVITE sip:1003@", copied)

    async def test_both_legs(self) -> None:
        """A call between two agents is one ladder; routine is folded, a failure is red, and has an address."""
        agent, other = await self.agent(5001), await self.agent(5002)
        await self.connect(agent, other, 5002)
        call = str(await agent.evaluate("() => softphone.desk.selected.id"))
        await self.transfer(agent, 1005, "Transfer now")
        await self.sees(agent, "Transfer failed.", ".notice")
        ops = await self.ops(f"calls/{call}")
        parties = ("POST OFFER", "from page softphone-5001", "OFFER", "to page softphone-5002", "TRANSFER FAILED")
        await self.ladder_has(ops, *parties)
        self.assertGreater(await ops.evaluate("() => document.querySelectorAll('.folded').length"), 3)
        await self.press(ops, "Next error (1)")
        await self.until(ops, "() => /\\/m\\d+$/.test(location.hash)")
        await self.sees(ops, "transfer: 486 Busy Here", ".pane h3")
        await self.until(ops, "() => Boolean(document.querySelector('tr.picked[data-failed]'))")
        await check_accessible(ops)
        await ops.reload()
        await self.sees(ops, "transfer: 486 Busy Here", ".pane h3")
        await self.unfold(ops)
        await self.until(ops, "() => !document.querySelector('.folded')")
        await self.do(ops, lambda page: page.get_by_label("Both legs").uncheck())
        await self.until(ops, "() => !document.querySelector('.ladder').innerText.includes('softphone-5002')")

    async def test_agent(self) -> None:
        """What belongs to no call is in the agent's ladder; of what was not recorded it says so."""
        await self.agent(5001)
        ops = await self.ops("agents")
        await self.do(ops, lambda page: page.get_by_role("link", name="Ladder of agent softphone-5001").click())
        await self.ladder_has(ops, "POST sign_in", "REGISTER 1", "401 Unauthorized (REGISTER)", "200 OK (REGISTER)")
        ops.console.expect("404")
        await ops.evaluate("() => { location.hash = '#/calls/unheard-of'; }")
        await self.sees(ops, "nothing was recorded of it", ".told")


class Filters(OpsCase):
    """Which calls are listed: as the address says."""

    async def test_failures(self) -> None:
        """What has failed lately is counted by cause, and listed by a link that can be kept."""
        agent = await self.agent(5003)
        for number, words in ((1005, "busy"), (7777, "no number")):
            await self.dial(agent, number)
            await self.sees(agent, words, ".ended")
        ops = await self.ops()
        await self.do(ops, lambda page: page.get_by_role("link", name="busy", exact=True).click())
        await self.until(ops, "() => /failed=true/.test(location.hash) && /cause=busy/.test(location.hash)")
        await self.sees(ops, "5003 → 1005", "main")
        self.assertEqual(await ops.evaluate("() => document.querySelectorAll('.calls [data-failed]').length > 0"), True)
        await self.do(ops, lambda page: page.get_by_label("Cause").select_option(label="unknown number"))
        await self.sees(ops, "5003 → 7777", "main")
        await self.until(ops, "() => !document.querySelector('main table').innerText.includes('1005')")
        await check_accessible(ops)
        await ops.reload()
        await self.sees(ops, "5003 → 7777", "main")
        self.assertEqual(await ops.evaluate("() => document.querySelector('[name=cause]').value"), "=not-found")

        def save(page: Any) -> tuple[str, str]:
            with page.expect_download() as waiting:
                button(page, "Export CSV").click()
            return waiting.value.suggested_filename, pathlib.Path(waiting.value.path()).read_text()

        name, text = await ops.chromium.run(lambda: save(ops.page))
        self.assertEqual((name, text.partition(",")[0]), ("calls.csv", "callId"))
        self.assertIn(",5003,outbound,7777,", text)
        self.assertNotIn("1005", text)
        await self.do(ops, lambda page: page.get_by_label("Agent or DN").fill("5009"))
        await self.sees(ops, "No call is like that", "main")
        await self.press(ops, "Reset filters")
        await self.sees(ops, "5003 → 1005", "main")
        self.assertEqual(await ops.evaluate("() => location.hash"), "#/calls")


class Searches(OpsCase):
    """What operators have of a call: one of its many names."""

    async def find(self, ops: Tab, wanted: str, *texts: str) -> None:
        """Search, and see these texts among what is found."""
        await self.do(ops, lambda page: page.get_by_role("searchbox").fill(wanted))
        await self.do(ops, lambda page: page.keyboard.press("Enter"))
        await self.sees(ops, f"“{wanted}”", ".found")
        for text in texts:
            await self.sees(ops, text, "main")

    async def test_each_key(self) -> None:
        """By DN, agent, far side, call id, Call-ID, and the beginning of one; what is unknown is said to be."""
        agent = await self.agent(5001)
        call = await self.talk(agent)
        (known,) = [each for each in (await self.asked("ops/calls?state=active"))["calls"] if each["callId"] == call]
        ops = await self.ops()
        await self.find(ops, "5001", "5001 → 1003", "softphone-5001", "Registered")
        await self.find(ops, "softphone-5001", "5001 → 1003", "Registered")
        for key in ("1003", call, known["sipCallId"], known["sipCallId"][:10]):
            await self.find(ops, key, "5001 → 1003", "Talking")
        await self.find(ops, "nobody-has-this", "Nothing is known of")
        self.assertFalse(await ops.evaluate("() => [...document.querySelectorAll('.part')].some((e) => !e.hidden)"))

    async def test_uuid(self) -> None:
        """By X-Genesys-CallUUID, or its beginning, as a contact centre knows its calls."""
        await self.agent(5001)
        (proxy,) = (await self.asked("ops/summary"))["connections"]
        await uuidcaller.call(self, await self.open("/api/health", bypass_csp=True), proxy["target"], CALL_UUID)
        ops = await self.ops()
        for key in (CALL_UUID, CALL_UUID.lower(), CALL_UUID[:12]):
            await self.find(ops, key, "5003 → 5001", "Incoming")
        await self.do(ops, lambda page: page.get_by_role("link", name="Ladder of 5003 → 5001").click())
        await self.sees(ops, CALL_UUID, ".facts")
