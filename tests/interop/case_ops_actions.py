"""What operators do with the console, who may open it, what it says in an outage, and how it looks."""

from hashlib import sha256
from typing import ClassVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from twisted.internet.threads import deferToThread

from tests.interop.a11y import check_accessible
from tests.interop.chromium import Tab
from tests.interop.ops_page import ANSWERED, OpsCase
from tests.interop.screenshots import screenshots
from tests.interop.softphone_page import CONNECTION, button

TOKEN = "a-token-for-operators"
TOKENS = {role: f"a-token-for-a-{role}" for role in ("viewer", "supervisor", "admin")}
NAMED = [f"{role}:{role}:{sha256(token.encode()).hexdigest()}" for role, token in TOKENS.items()]
NARROWEST = 320


class Actions(OpsCase):
    """Each action asks first, and does what it says."""

    async def ask(self, ops: Tab, name: str, title: str) -> None:
        """Press the button of an action, and see its question."""
        await self.press(ops, name)
        await self.sees(ops, title, "dialog")

    async def test_drain(self) -> None:
        """Cancelled nothing happens; draining refuses new calls and lets those go on that are there."""
        agent = await self.agent(5001)
        await self.talk(agent)
        ops = await self.ops()
        await self.ask(ops, "Start draining…", "Start draining?")
        self.assertEqual(await self.focused(ops), "Cancel")
        await self.do(ops, lambda page: page.keyboard.press("Escape"))
        await self.until(ops, "() => !document.querySelector('dialog')")
        self.assertFalse((await self.asked("ops/summary"))["draining"])
        self.assertEqual(await self.focused(ops), "Start draining…")
        await self.ask(ops, "Start draining…", "Start draining?")
        try:
            await self.confirm(ops, "Start draining")
            await self.sees(ops, "The gateway is draining.", "#notice")
            await self.sees(ops, "Draining: no new calls", ".state")
            self.assertTrue((await self.asked("ops/summary"))["draining"])
            await self.hears(agent, CONNECTION)
        finally:
            await self.asked("ops/drain", {"on": False})
        await self.until(ops, "() => document.querySelector('.state').dataset.level === 'ok'")

    async def test_end_call(self) -> None:
        """A call is ended for its agent as well, and the list says by whom."""
        agent = await self.agent(5001)
        call = await self.talk(agent)
        ops = await self.ops("calls")
        await self.ask(ops, "End the call of 5001 → 1003…", "End this call?")
        await self.confirm(ops, "End call")
        await self.sees(ops, "The call of 5001 → 1003 is ended.", "#notice")
        await self.row(ops, call, "Ended", "ended by an operator")
        await self.calls(agent, 0)

    async def test_too_late(self) -> None:
        """What cannot be done any more is said in the dialog, which stays."""
        agent = await self.agent(5001)
        call = await self.talk(agent)
        ops = await self.ops(f"calls/{call}")
        ops.console.expect("404|409")
        await self.ask(ops, "End call…", "End this call?")
        await self.press(agent, "Hang up")
        await self.calls(agent, 0)
        await self.do(ops, lambda page: button(page, "End call", "dialog").click())
        await self.until(ops, "() => document.querySelector('dialog .problem')?.innerText.length > 5")
        await self.press(ops, "Cancel", "dialog")
        await self.sees(ops, "Ended", ".ladder-head .badge")

    async def test_sign_out(self) -> None:
        """An agent is signed out: gone from the list, and its page says so."""
        agent = await self.agent(5001)
        ops = await self.ops("agents")
        await self.row(ops, "softphone-5001", "Registered")
        await self.ask(ops, "Sign out softphone-5001…", "Sign softphone-5001 out?")
        await self.confirm(ops, "Sign out")
        await self.sees(ops, "softphone-5001 is signed out.", "#notice")
        await self.sees(ops, "No agent is signed in.", "main")
        await self.until(agent, "() => Boolean(document.querySelector('.sign-in'))")

    async def test_log_level(self) -> None:
        """The log level changes; debug comes with a word on what it costs."""
        ops = await self.ops()
        before = (await self.asked("ops/summary"))["logLevel"]
        level = "warn" if before == "debug" else "debug"
        try:
            await self.do(ops, lambda page: page.get_by_label("Log level").select_option(level))
            await self.ask(ops, "Change…", f"Log level {level}?")
            await self.confirm(ops, "Change log level")
            await self.sees(ops, f"The log level is {level}.", "#notice")
            self.assertEqual((await self.asked("ops/summary"))["logLevel"], level)
        finally:
            await self.asked("ops/log_level", {"level": before})

    async def test_capture(self) -> None:
        """Capture goes off and on again."""
        ops = await self.ops()
        try:
            await self.ask(ops, "Turn capture off…", "Turn capture off?")
            await self.confirm(ops, "Turn capture off")
            await self.sees(ops, "new calls get no ladder", ".control.capture")
            self.assertFalse((await self.asked("ops/summary"))["capture"]["on"])
            await self.ask(ops, "Turn capture on…", "Turn capture on?")
            await self.confirm(ops, "Turn capture on")
            self.assertTrue((await self.asked("ops/summary"))["capture"]["on"])
        finally:
            await self.asked("ops/capture", {"on": True})


class Locked(OpsCase):
    """A gateway that has an operator token."""

    token = TOKEN
    settings: ClassVar[dict[str, object]] = {"operator_token": TOKEN, "operator_loopback": False}

    async def show(self, tab: Tab, token: str) -> None:
        """Show a token."""
        await self.do(tab, lambda page: page.get_by_label("Token", exact=True).fill(token))
        await self.press(tab, "Open the console")

    async def test_token(self) -> None:
        """Asked for when wanted, refused when wrong, kept for this tab alone, and forgotten when told to."""
        tab = await self.open("/ops/#/agents")
        tab.console.expect("401")
        await self.sees(tab, "The gateway asks for its operator token", ".lock")
        await check_accessible(tab)
        await screenshots(tab, "ops-locked")
        await self.show(tab, "not this one")
        await self.sees(tab, "The gateway does not take this token.", ".lock")
        await self.show(tab, TOKEN)
        await self.sees(tab, "No agent is signed in.", "main")
        kept = "() => [Object.values(sessionStorage), Object.values(localStorage), document.cookie, location.href]"
        (session, *others) = await tab.evaluate(kept)
        self.assertEqual(session, [TOKEN])
        self.assertNotIn(TOKEN, str(others))
        await tab.reload()
        await self.sees(tab, "No agent is signed in.", "main")
        await self.open_menu(tab)
        await self.press(tab, "Forget token")
        await self.sees(tab, "The gateway asks for its operator token", ".lock")
        self.assertEqual((await tab.evaluate(kept))[0], [])


class NamedCase(OpsCase):
    """A gateway whose operators have names and roles."""

    timeout = 180
    token = TOKENS["admin"]
    settings: ClassVar[dict[str, object]] = {
        "operator_loopback": False,
        "operator_tokens": NAMED,
    }

    async def console(self, role: str) -> Tab:
        """Open the console with a role's token."""
        tab = await self.open("/ops/")
        tab.console.expect("401")
        await self.sees(tab, "The gateway asks for its operator token", ".lock")
        await self.do(tab, lambda page: page.get_by_label("Token", exact=True).fill(TOKENS[role]))
        await self.press(tab, "Open the console")
        await self.until(tab, ANSWERED)
        return tab


class Sessions(NamedCase):
    """Who is signed in, from where, and how that ends."""

    async def test_end(self) -> None:
        """An admin sees whose session it is and from where, ends it, and the agent's page says so."""
        agent = await self.agent(5001)
        ops = await self.console("admin")
        await self.turn(ops, "Sessions")
        await self.sees(ops, "softphone-5001", "main")
        await self.sees(ops, "127.0.0.1", "main")
        await self.press(ops, "End the session of softphone-5001…")
        await self.sees(ops, "End this session?", "dialog")
        await self.press(ops, "Cancel", "dialog")
        await self.sees(ops, "softphone-5001", "main")
        await self.press(ops, "End the session of softphone-5001…")
        await self.confirm(ops, "End session")
        await self.sees(ops, "The session of softphone-5001 is ended.", "#notice")
        await self.sees(ops, "Nobody is signed in.", "main")
        await self.until(agent, "() => Boolean(document.querySelector('.sign-in'))")


PAST_THE_CHECK = """async (to) => {
    const connection = new RTCPeerConnection();
    connection.addTransceiver("audio");
    const { sdp } = await connection.createOffer();
    connection.close();
    await softphone.phone.wire.describe({ messageType: "OFFER", to, sdp }).catch(() => {});
}"""
"""Calls a number as a page would that does not ask before whether it may."""
READ = ("ops/summary", "ops/series", "ops/calls", "ops/search?q=5001", "agents", "calls/active")
"""What every operator may ask."""
MORE = {
    "supervisor": ("ops/ladder?call={call}", "ops/ladder.txt?call={call}", "POST ops/hangup", "POST ops/sign_out"),
    "admin": ("ops/sessions", "POST ops/drain", "POST ops/capture", "POST ops/log_level", "POST ops/end_session"),
}
"""What a role may ask beyond the one below it."""
BUTTONS = """() => [...document.querySelectorAll("main button")]
    .filter((each) => each.checkVisibility({ visibilityProperty: true }))
    .map((each) => each.getAttribute("aria-label") ?? each.innerText)"""
TITLES = """() => [...document.querySelectorAll("main h3")].filter((each) => each.checkVisibility())
    .map((each) => each.innerText)"""
LINKS = """() => [...document.querySelectorAll("nav a")].filter((each) => each.checkVisibility())
    .map((each) => each.innerText)"""


class Roles(NamedCase):
    """What each role may do, in the console and past it."""

    async def status(self, role: str, asked: str, **words: str) -> int:
        """Return how the gateway answers a role; a POST has an empty object, which no action takes for an order."""
        method, _, path = asked.rpartition(" ")
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {TOKENS[role]}"}
        data = b"{}" if method else None
        request = Request(f"{self.gateway.url}/api/{path.format(**words)}", data, headers)

        def ask() -> int:
            try:
                with urlopen(request, timeout=10) as response:
                    return int(response.status)
            except HTTPError as error:
                text = error.read().decode()
                self.assertEqual("role_required" in text, error.code == 403, text)
                return error.code

        return await deferToThread(ask)

    async def test_api(self) -> None:
        """403 ``role_required`` for all that is beyond a role; what is within it is carried out, or found wrong."""
        call = await self.talk(await self.agent(5001))
        allowed = [*READ]
        for role in TOKENS:
            allowed += MORE.get(role, ())
            for asked in (*READ, *MORE["supervisor"], *MORE["admin"]):
                status = await self.status(role, asked, call=call)
                wanted = 403 if asked not in allowed else 400 if asked.startswith("POST") else 200
                self.assertEqual(status, wanted, f"{role}: {asked}")

    async def test_console(self) -> None:
        """Each role sees whose role it is, and nothing that it may not do."""
        agent = await self.agent(5001)
        call = await self.talk(agent)
        few, some = ["Overview", "Agents", "Calls"], {"Sign out softphone-5001…"}
        for role, links, of_agents in (
            ("viewer", few, set()),
            ("supervisor", few, some),
            ("admin", [*few, "Sessions"], some),
        ):
            ops = await self.console(role)
            await self.sees(ops, f"{role}: {role}", ".who")
            self.assertEqual(await ops.evaluate(LINKS), links)
            drains = "Start draining…" in await ops.evaluate(BUTTONS)
            self.assertEqual(drains, role == "admin")
            titles = await ops.evaluate(TITLES)
            self.assertEqual(("Controls" in titles, "What was refused last" in titles), (drains, True))
            await self.turn(ops, "Agents")
            await self.row(ops, "softphone-5001", "Registered")
            self.assertEqual({each for each in await ops.evaluate(BUTTONS) if each.endswith("…")}, of_agents)
            await self.turn(ops, "Calls")
            await self.row(ops, call, "Talking")
            ends = {each for each in await ops.evaluate(BUTTONS) if each.endswith("…")}
            self.assertEqual(ends, {"End the call of 5001 → 1003…"} if of_agents else set())
            await check_accessible(ops)

    async def test_ladder(self) -> None:
        """A viewer is told which role a ladder needs, and the sessions, and all else goes on; a supervisor sees it."""
        call = await self.talk(await self.agent(5001))
        ops = await self.console("supervisor")
        await ops.evaluate("(call) => { location.hash = `#/calls/${call}`; }", call)
        await self.ladder_has(ops, "POST OFFER", "INVITE 2")
        await self.sees(ops, "End call…", "main")
        viewer = await self.console("viewer")
        viewer.console.expect("401|403")
        await viewer.evaluate("(call) => { location.hash = `#/calls/${call}`; }", call)
        await self.sees(viewer, "Your role does not allow that: this needs the role supervisor", "main")
        await viewer.evaluate("() => { location.hash = '#/sessions'; }")
        await self.sees(viewer, "Your role does not allow that: this needs the role admin", "main")
        await self.sees(viewer, "Gateway healthy", ".state")
        await self.turn(viewer, "Calls")
        await self.row(viewer, call, "Talking")


class AlarmsCard(NamedCase):
    """What was refused last."""

    settings: ClassVar[dict[str, object]] = {**NamedCase.settings, "forbidden_destinations": ["09*"]}

    async def test_refused_calls(self) -> None:
        """What may not be called is told with its agent and the setting, the newest first, in both languages."""
        agent = await self.agent(5001)
        agent.console.expect("403")
        ops = await self.console("viewer")
        await self.sees(ops, "What was refused last", "main")
        await self.sees(ops, "Nothing was refused since the start.", "main")
        rows = """() => [...document.querySelectorAll("main tr[data-key]")].map((row) => row.innerText)
            .filter((each) => each.includes("forbidden_destinations"))"""
        for number in ("0900", "0901"):
            await agent.evaluate(PAST_THE_CHECK, number)
            await self.until(ops, f"(number) => (({rows})())[0]?.includes(number)", number)
        both = await ops.evaluate(rows)
        self.assertEqual(["5001" in row for row in both], [True, True])
        await check_accessible(ops)
        await screenshots(ops, "ops-alarms")
        await self.open_menu(ops)
        await self.do(ops, lambda page: page.locator("#language").select_option("de"))
        await self.sees(ops, "Zuletzt abgewiesen", "main")
        await self.until(ops, f"() => (({rows})()).length === 2")
        counts = (await self.asked("ops/summary"))["alarms"]["counts"]
        self.assertEqual(counts, {"destination_forbidden": 2})


class Outage(OpsCase):
    """A gateway that is away for a while."""

    settings: ClassVar[dict[str, object]] = {"capture_calls": 50}

    async def test_gone_and_back(self) -> None:
        """It is said with what is shown and since when, and the page goes on by itself when the gateway is back."""
        ops = await self.ops()
        ops.console.expect("ERR_CONNECTION|ERR_EMPTY")
        self.gateway.server.stop()
        await self.sees(ops, "The gateway cannot be reached.", "#notice")
        await self.sees(ops, "Not reachable", ".state")
        await self.sees(ops, "What is shown is from", ".banner")
        await check_accessible(ops)
        await screenshots(ops, "ops-offline")
        self.gateway.server.start()
        await ops.evaluate("() => document.querySelector('.banner button').click()")  # it may be back by itself
        await self.sees(ops, "The gateway answers again.", "#notice")
        await self.sees(ops, "Gateway healthy", ".state")
        self.assertFalse(await ops.evaluate("() => document.querySelector('.banner').checkVisibility()"))


class DoneWhen(OpsCase):
    """The line of the issue."""

    async def test_two_browsers_and_an_operator(self) -> None:
        """Two browsers call each other, hold, and transfer to 1003; the operator sees it all with its ladders."""
        first, second = await self.agent(5001), await self.agent(5002)
        ops = await self.ops("agents")
        for dn in (5001, 5002):
            await self.row(ops, f"softphone-{dn}", str(dn), "Registered")
        await self.connect(first, second, 5002)
        await self.press(first, "Hold")
        await self.sees(second, "Held by the other side", ".call")
        await self.press(first, "Resume")
        await self.press(second, "Hold")
        await self.sees(first, "Held by the other side", ".call")
        await self.press(second, "Resume")
        await self.hears(first, CONNECTION)
        out = str(await first.evaluate("() => softphone.desk.selected.id"))
        into = str(await second.evaluate("() => softphone.desk.selected.id"))
        await self.turn(ops, "Calls")
        for call in (out, into):
            await self.row(ops, call, "Talking", "5001 → 5002")
        await self.transfer(second, 1003, "Transfer now")
        await self.sees(second, "5001 was transferred to 1003.", ".ended")
        await self.hears(first, CONNECTION)
        await self.row(ops, into, "Ended", "transferred")
        await self.row(ops, out, "Talking")
        await ops.evaluate("(call) => { location.hash = `#/calls/${call}`; }", into)
        await self.unfold(ops)
        held = ("put on hold by the far side", "resumed by the far side", "POST hold", "POST resume")
        await self.ladder_has(ops, "INVITE 1", "OFFER", "POST ANSWER", *held, "REFER", "202", "BYE")
        await ops.evaluate("(call) => { location.hash = `#/calls/${call}`; }", out)
        await self.unfold(ops)
        await self.ladder_has(ops, "POST OFFER", "INVITE 2", "ANSWER", "POST hold", "POST resume")


class Looks(OpsCase):
    """Each view in light and dark, wide and narrow: no barriers, nothing cut off, and pictures to look at."""

    timeout = 300

    async def look(self, tab: Tab, name: str) -> None:
        """Look for barriers and for what does not fit, and save pictures."""
        await check_accessible(tab)
        await screenshots(tab, f"ops-{name}")
        size = tab.page.viewport_size or {"width": 1280, "height": 720}
        await tab.resize(NARROWEST, 640)
        wider = """() => [...document.querySelectorAll("body *")].filter((e) => e.checkVisibility()
            && e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".unseen, svg, .live thead"))
            .map((e) => e.outerHTML.slice(0, 120))"""
        self.assertEqual(await tab.evaluate(wider), [], f"{name}: wider than {NARROWEST} pixels")
        await tab.resize(size["width"], size["height"])

    async def test_views(self) -> None:
        """All views, with agents and calls in several states."""
        first, second = await self.agent(5001), await self.agent(5002)
        await self.dial(first, 1005)
        await self.sees(first, "1005 is busy.", ".ended")
        await self.connect(first, second, 5002)
        await self.press(first, "Hold")
        await self.state(first, "held")
        call = str(await first.evaluate("() => softphone.desk.selected.id"))
        ops = await self.ops()
        await self.until(ops, "() => document.querySelectorAll('.chart canvas').length === 4")
        await self.look(ops, "overview")
        await self.do(ops, lambda page: button(page, "Start draining…").click())
        await self.look(ops, "question")
        await self.press(ops, "Cancel")
        for view, there in (("agents", "softphone-5002"), ("calls", "busy"), ("search/5002", "Registered")):
            await ops.evaluate("(view) => { location.hash = `#/${view}`; }", view)
            await self.sees(ops, there, "main")
            await self.look(ops, view.partition("/")[0])
        await ops.evaluate("(call) => { location.hash = `#/calls/${call}`; }", call)
        await self.ladder_has(ops, "POST OFFER", "INVITE 2", "POST hold")
        await self.look(ops, "ladder")
        await self.do(ops, lambda page: page.locator(".step").nth(1).click())
        await self.look(ops, "message")
