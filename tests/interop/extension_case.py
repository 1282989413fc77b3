"""What the cases of the extension share: a desktop that knows nothing of it, a gateway, a PBX that can be lost."""

import pathlib
import tempfile
from collections.abc import Iterator
from functools import partial
from typing import Any, cast

from playwright.sync_api import Frame, Page
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.threads import deferToThread

from tests.interop.chromium import Tab
from tests.interop.demo import DemoCase, demo_folder
from tests.interop.ears import PAUSE, TRIES
from tests.interop.extension import ExtendedChromium
from tests.interop.gateway import gateway
from tests.interop.processes import free_ports
from tests.interop.servers import PASSWORD
from tests.interop.wwe import Desktop, desktop
from wrtcgw.demo.pbx import DemoPBX

SAVE = "button[type=submit]"


class ExtensionCase(DemoCase):
    """
    A case with the extension in Chromium.

    The PBX runs in the test's own process, so that it can go away while the gateway stays.
    """

    welcome = True
    """Whether the gateway allows the desktop's pages."""
    public = False
    """Whether Chromium takes the desktop for one in a public network; the gateway is in a more private one."""

    def setUp(self) -> "Deferred[None]":  # type: ignore[override]
        """Start PBX and gateway."""
        self.desktop: Desktop = desktop()
        self.pbx: DemoPBX | None = None
        self.tabs: list[Tab] = []
        self._pbx_port, http_port = free_ports(2)
        self.gateway = gateway(
            pathlib.Path(tempfile.mkdtemp(prefix="extension-", dir=demo_folder())),
            "extension",
            http_port,
            {
                "sip_ws_servers": [f"ws://127.0.0.1:{self._pbx_port}"],
                "sip_domain": "demo.invalid",
                "allowed_origins": [self.desktop.origin] if self.welcome else [],
                "reconnect_delay": 0.5,
                "reconnect_max_delay": 1,
                "page_timeout": 20,
            },
        )
        space = f"--ip-address-space-overrides={self.desktop.origin.removeprefix('https://')}=public"
        self.browser = self._chromium = ExtendedChromium(
            allowed=(self.gateway.url, self.desktop.origin), more=(space,) if self.public else ()
        )
        self._mark = 0
        self.addCleanup(self.stop_pbx)
        self.addCleanup(lambda: deferToThread(self.gateway.server.stop))
        self.addCleanup(lambda: Deferred.fromCoroutine(self._clean_up()))
        return Deferred.fromCoroutine(self._start())

    async def _start(self) -> None:
        self.start_pbx()
        await deferToThread(self.gateway.server.start)
        await self.browser.start()

    def start_pbx(self) -> None:
        """Start a PBX that nobody is registered at."""
        self.pbx = DemoPBX(reactor, self._pbx_port)
        self.pbx.startService()

    def stop_gateway(self) -> "Deferred[None]":
        """Take the gateway away."""
        return deferToThread(self.gateway.server.stop)

    def start_gateway(self) -> "Deferred[None]":
        """Start the gateway anew: it has no agents then."""
        return deferToThread(self.gateway.server.start)

    async def restart_gateway(self) -> None:
        """Do both."""
        await self.stop_gateway()
        await self.start_gateway()

    def stop_pbx(self) -> "Deferred[object]":
        """Take the PBX away."""
        pbx, self.pbx = self.pbx, None
        return maybeDeferred(lambda: None) if pbx is None else pbx.stopService()

    # -- the extension

    async def extension_page(self, name: str) -> Tab:
        """Open one of the extension's own pages."""
        browser = self.browser

        def open_page() -> Tab:
            home = browser.worker().url.rpartition("/")[0]
            return browser.follow(browser.context.new_page(), f"{home}/{name}")

        tab = await browser.run(open_page)
        self.tabs.append(tab)
        return tab

    async def set_up(self, *, workspace: str = "", language: str = "en") -> Tab:
        """Fill the options page in, as a user does; the page stays open."""
        tab = await self.extension_page("options.html")

        def fill() -> None:
            tab.page.fill("#gateway", self.gateway.url)
            tab.page.fill("#workspace", workspace or self.desktop.url)
            tab.page.select_option("#language", language)
            tab.page.click(SAVE)
            tab.page.locator("#told:not(:empty)").wait_for()

        await tab.chromium.run(fill)
        registered = "async () => (await chrome.scripting.getRegisteredContentScripts()).length === 4"
        await self.until(tab, registered)
        return tab

    # -- the desktop

    async def log_in(self, dn: int = 5001) -> Tab:
        """Open the desktop and log in there; it asks for its softphone from then on."""
        tab = await self.open(self.desktop.url)
        await self.place(tab, dn)
        return tab

    async def place(self, tab: Tab, dn: int) -> None:
        """Log in at a place."""

        def fill() -> None:
            tab.page.fill("#place", str(dn))
            tab.page.click("#login button")

        await tab.chromium.run(fill)

    async def is_active(self, tab: Tab) -> bool:
        """Ask for the state with the desktop's own means, beside what it asks by itself."""
        return cast(
            bool,
            await tab.evaluate(
                """() => new Promise((done) => request("GET", "GetIsEndpointActive", null,
                    (answer) => done(Boolean(answer && answer.get_IsEndpointActiveResult))))""",
            ),
        )

    async def becomes(self, tab: Tab, *, active: bool) -> None:
        """Wait until the desktop hears that."""
        for _ in range(TRIES):
            if await self.is_active(tab) is active:
                return
            await self.pause(PAUSE)
        raise AssertionError(f"the desktop never heard that its phone is {'' if active else 'not '}active")

    async def stays_inactive(self, tab: Tab, seconds: float = 2.0) -> None:
        """See that the desktop hears nothing else for a while."""
        for _ in range(round(seconds / PAUSE)):
            self.assertFalse(await self.is_active(tab))
            await self.pause(PAUSE)

    # -- the dock, of which a page sees nothing

    async def dock_says(self, tab: Tab) -> list[str]:
        """Return the texts and names in the dock, as a screen reader finds them."""
        nodes = await tab.chromium.run(lambda: self._dock(tab.page))
        return [name for name, _ in nodes]

    def _dock(self, page: Page) -> list[tuple[str, int]]:
        devtools = page.context.new_cdp_session(page)
        root = devtools.send("DOM.getDocument", {"depth": -1, "pierce": True})["root"]
        inside = {
            each["backendNodeId"] for host in _find(root, "wrtcgw-phone") for each in _below(host["shadowRoots"][0])
        }
        nodes = devtools.send("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["name"]["value"], node["backendDOMNodeId"])
            for node in nodes
            if not node["ignored"] and node.get("backendDOMNodeId") in inside and node.get("name", {}).get("value")
        ]

    async def press_in_dock(self, tab: Tab, name: str) -> None:
        """Click a button of the dock."""

        def click() -> None:
            node = next(node for found, node in self._dock(tab.page) if found == name)
            devtools = tab.page.context.new_cdp_session(tab.page)
            x1, y1, x2, _, _, y2, *_ = devtools.send("DOM.getBoxModel", {"backendNodeId": node})["model"]["border"]
            tab.page.mouse.click((x1 + x2) / 2, (y1 + y2) / 2)

        await tab.chromium.run(click)

    async def dock_comes_to_say(self, tab: Tab, text: str) -> None:
        """Wait until the dock says something."""
        for _ in range(TRIES):
            said = await self.dock_says(tab)
            if any(text in each for each in said):
                return
            await self.pause(PAUSE)
        raise AssertionError(f"the dock never said {text!r}, but {said}")

    # -- the panel in it

    async def panel(self, tab: Tab) -> Tab:
        """Return the panel's frame, as a tab, when it is there."""
        for _ in range(TRIES):
            await tab.evaluate("() => 0")  # Playwright hears of frames and windows only while it is asked for something
            frame = await tab.chromium.run(lambda: self._frame(tab.page))
            if frame is not None:
                # a frame evaluates and finds as a page does
                return Tab(tab.chromium, cast(Page, frame), tab.console)
            await self.pause(PAUSE)
        raise AssertionError(f"no panel came; the dock says {await self.dock_says(tab)}")

    def _frame(self, page: Page) -> Frame | None:
        return next((each for each in page.frames if each.url.startswith(self.gateway.url)), None)

    async def sign_in(self, panel: Tab, password: str = PASSWORD, dn: int | None = None) -> None:
        """Sign in at the panel, with the DN that stands there already unless another is named."""

        def fill() -> None:
            if dn is not None:
                panel.page.locator("input[name=dn]").fill(str(dn))
            panel.page.locator("input[name=password]").fill(password)
            panel.page.locator(".sign-in button[type=submit]").click()

        await panel.chromium.run(fill)

    async def sign_out(self, panel: Tab, *, in_call: bool = False) -> None:
        """Sign out at the panel, which asks first in a call."""
        await panel.chromium.run(lambda: panel.page.locator("#sign-out").click())
        if in_call:
            await panel.chromium.run(
                lambda: panel.page.get_by_role("button", name="Hang up and sign out", exact=True).click()
            )

    async def dial(self, panel: Tab, number: int) -> None:
        """Call a number at the panel."""

        def call() -> None:
            panel.page.locator(".dial input").fill(str(number))
            panel.page.locator(".dial button[type=submit]").click()

        await panel.chromium.run(call)

    async def panel_for(self, tab: Tab, dn: int) -> Tab:
        """Return the panel when it was told of a DN."""
        for _ in range(TRIES):
            panel = await self.panel(tab)
            if f"dn={dn}" in await panel.evaluate("() => location.search"):
                return panel
            await self.pause(PAUSE)
        raise AssertionError(f"the panel was not told of {dn}")

    async def window(self) -> Tab:
        """Return the phone's own window when it is there."""
        for _ in range(TRIES):
            await self.tabs[0].evaluate("() => 0")
            pages = await self.browser.run(lambda: [p for p in self.browser.context.pages if self._is_panel(p)])
            if pages:
                tab = await self.browser.run(partial(self.browser.follow, pages[0]))
                self.tabs.append(tab)
                return tab
            await self.pause(PAUSE)
        raise AssertionError("no window came")

    def _is_panel(self, page: Page) -> bool:
        return page.url.startswith(f"{self.gateway.url}/gadget/")

    async def ready(self, dn: int = 5001) -> tuple[Tab, Tab]:
        """Set all up, log in at the desktop, sign in at the panel; return both when the desktop is active."""
        await self.set_up()
        tab = await self.log_in(dn)
        panel = await self.panel(tab)
        await self.sign_in(panel)
        await self.until(tab, "() => workspace.state === 'active'")
        return tab, panel

    def asked(self, tab: Tab) -> "Deferred[Any]":
        """Return what the desktop has asked of its softphone, with the answers."""
        return tab.evaluate("() => workspace.log")


def _below(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in (*node.get("children", ()), *node.get("shadowRoots", ())):
        yield from _below(child)


def _find(root: dict[str, Any], wanted: str) -> list[dict[str, Any]]:
    """Return the elements of that id."""
    found = []
    for node in _below(root):
        attributes = node.get("attributes", [])
        if ("id", wanted) in zip(attributes[::2], attributes[1::2], strict=True):
            found.append(node)
    return found
