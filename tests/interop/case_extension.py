"""The browser extension in Chromium: a desktop that knows nothing of it gets a phone, and never a false *active*."""

from tests.interop.a11y import check_accessible
from tests.interop.chromium import Chromium
from tests.interop.extension import ExtendedChromium
from tests.interop.extension_case import ExtensionCase
from tests.interop.library_page import SETUP
from tests.interop.screenshots import WIDE, screenshot, screenshots
from tests.interop.servers import PASSWORD
from tests.interop.softphone_page import button
from wrtcgw.demo.extensions import USERS
from wrtcgw.demo.pbx import DOMAIN
from wrtcgw.demo.registrar import Registrar
from wrtcgw.tokens import SystemTokens

INACTIVE = [
    ("GET", "GetDnSIP", {"get_DnSIPResult": ""}),
    ("POST", "SetOptions", {}),
    ("POST", "SetSIPEndpointParameters", {}),
    ("POST", "RegisterDn/", {"RegisterDnResult": True}),
    ("GET", "GetIsEndpointActive", {"get_IsEndpointActiveResult": False}),
]
ACTIVE = [
    ("GET", "GetIsEndpointActive", {"get_IsEndpointActiveResult": True}),
    (
        "GET",
        "GetSIPEndpointParameters",
        {
            "get_SIPEndpointParametersResult": [
                {"Key": "EndpointStatus", "Value": "EndpointStatus_Ready"},
                {"Key": "IsPingMandatory", "Value": "false"},
                {"Key": "Status", "Value": "Initialized"},
            ]
        },
    ),
    ("POST", "SetPingPeriod", {}),
    ("GET", "Ping", {"PingResult": []}),
]
REGISTRATION = "async () => (await (await fetch('/api/agents')).json()).agents[0]?.registration"
AWAY = "Failed to load resource|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_NETWORK"
"""What a browser says by itself of requests that fail."""


class DesktopTests(ExtensionCase):
    """From the first question to the call."""

    async def test_from_first_question_to_active(self) -> None:
        """Asked in the documented order, the phone is active when its DN is registered, and not before."""
        await self.set_up()
        tab = await self.log_in()
        await self.until(tab, "() => workspace.log.filter((each) => each.answer !== null).length >= 7")
        asked = [(each["method"], each["command"], each["answer"]) for each in await self.asked(tab)]
        self.assertEqual(asked[:7], [*INACTIVE, INACTIVE[-1], INACTIVE[-1]])
        panel = await self.panel(tab)
        await screenshots(tab, "extension-dock", WIDE)
        before = len(await self.asked(tab))
        await self.sign_in(panel)
        await self.until(tab, "() => workspace.state === 'active' && workspace.log.at(-1).command === 'Ping'")
        self.assertEqual(await panel.evaluate(REGISTRATION), "REGISTERED")
        await self.until(tab, "() => workspace.log.at(-1).answer")
        asked = [(each["method"], each["command"], each["answer"]) for each in (await self.asked(tab))[before:]]
        self.assertEqual([each for each in asked if each != INACTIVE[-1]][:4], ACTIVE)

    async def test_call(self) -> None:
        """The panel calls 1003 and hears it; the desktop stays active, and its silence ends no call."""
        tab, panel = await self.ready()
        await self.dial(panel, 1003)
        await self.hears(panel, "connections.at(-1)")
        self.assertTrue(await self.is_active(tab))
        await screenshot(tab, "extension-call")
        await tab.evaluate("() => { clearTimeout(workspace.timer); workspace.run += 1; }")
        before = await panel.audio("connections.at(-1)")
        await self.pause(3)
        self.assertTrue((await panel.audio("connections.at(-1)")).grown(before))

    async def test_incoming_while_folded(self) -> None:
        """A call unfolds the phone; an agent beside, at another page of the gateway, is not mistaken for this one."""
        tab, panel = await self.ready()
        await self.press_in_dock(tab, "Fold the phone")
        await self.dock_comes_to_say(tab, "Show the phone")
        caller = await self.open(f"{self.gateway.url}/gadget/howto.html")
        await caller.evaluate(SETUP, {})
        await caller.evaluate(CALL, "5002", PASSWORD, "5001")
        await self.dock_comes_to_say(tab, "Fold the phone")
        await self.until(panel, IN_SIGHT)
        await screenshot(tab, "extension-incoming")
        await panel.chromium.run(lambda: button(panel.page, "Answer").click())
        await self.hears(panel, "connections.at(-1)")
        self.assertTrue(await self.is_active(tab))
        await self.sign_out(panel, in_call=True)
        await self.becomes(tab, active=False)

    async def test_log_out_in_a_call(self) -> None:
        """A desktop that logs out ends no call; the next one has to be told of the DN again."""
        tab, panel = await self.ready()
        await self.dial(panel, 1003)
        await self.hears(panel, "connections.at(-1)")
        await tab.chromium.run(lambda: tab.page.click("#logout"))
        await self.until(tab, "() => workspace.log.at(-1).answer?.UnregisterDnResult === false")
        await self.hears(panel, "connections.at(-1)")
        self.assertFalse(await self.is_active(tab))
        await self.place(tab, 5001)
        await self.until(tab, "() => workspace.state === 'active'")

    async def test_log_out(self) -> None:
        """A desktop that logs out signs the phone out; who comes next needs a password."""
        tab, panel = await self.ready()
        await tab.chromium.run(lambda: tab.page.click("#logout"))
        await self.until(tab, "() => workspace.log.at(-1).answer?.UnregisterDnResult === true")
        self.assertIsNone(await panel.evaluate(REGISTRATION))
        await self.place(tab, 5001)
        await self.until(tab, "() => workspace.state === 'registering'")
        await self.stays_inactive(tab)

    async def test_other_dn(self) -> None:
        """With one DN at the phone and another at the desktop nobody is active, and the agent is told why."""
        tab, panel = await self.ready()
        await self.place(tab, 5002)
        await self.until(tab, "() => workspace.state === 'refused'")
        await self.dock_comes_to_say(tab, "Workspace wants 5002; 5001 is signed in here.")
        await self.stays_inactive(tab)
        await screenshot(tab, "extension-other-dn")
        await self.sign_out(panel)
        await self.place(tab, 5002)
        await self.sign_in(await self.panel_for(tab, 5002))
        await self.until(tab, "() => workspace.state === 'active'")


class FailureTests(ExtensionCase):
    """Never *active* while the phone is not."""

    async def test_wrong_password(self) -> None:
        """Who is not let in is not active."""
        await self.set_up()
        tab = await self.log_in()
        tab.console.expect("401")
        await self.sign_in(await self.panel(tab), "wrong")
        await self.stays_inactive(tab, 4.0)
        self.assertEqual(await tab.evaluate("() => workspace.state"), "registering")

    async def test_sign_out_and_in(self) -> None:
        """Signed out at the panel it is not active; signed in again it is."""
        tab, panel = await self.ready()
        await self.sign_out(panel)
        await self.becomes(tab, active=False)
        await self.stays_inactive(tab)
        await self.sign_in(panel, dn=5001)
        await self.becomes(tab, active=True)

    async def test_panel_gone(self) -> None:
        """Without its page the phone is none, whatever the registrar holds."""
        tab, panel = await self.ready()
        await panel.chromium.run(lambda: panel.page.goto("about:blank"))
        await self.becomes(tab, active=False)
        await self.stays_inactive(tab)

    async def test_pbx_down(self) -> None:
        """Without the PBX it is not active; back again, the gateway registers the DN anew, and it is."""
        tab, _ = await self.ready()
        await self.stop_pbx()
        await self.becomes(tab, active=False)
        await self.stays_inactive(tab)
        self.start_pbx()
        await self.becomes(tab, active=True)

    async def test_registrar_lost_the_dn(self) -> None:
        """A registrar that knows the DN no more makes it inactive for good."""
        tab, panel = await self.ready()
        await self.stop_pbx()
        await self.becomes(tab, active=False)
        self.start_pbx()
        assert self.pbx is not None
        others = {dn: password for dn, password in USERS.items() if dn != "5001"}
        self.pbx.registrar = Registrar(DOMAIN, others, SystemTokens())
        await self.until(panel, f"async () => (await ({REGISTRATION})()) === 'FAILED'")
        await self.stays_inactive(tab)

    async def test_gateway_restarted(self) -> None:
        """A gateway that forgot the session is not active until the panel has signed in again."""
        tab, _ = await self.ready()
        tab.console.expect(AWAY)
        await self.stop_gateway()
        await self.becomes(tab, active=False)
        await self.stays_inactive(tab)
        await self.start_gateway()
        await self.becomes(tab, active=True)

    async def test_gateway_restarted_after_a_reload(self) -> None:
        """A desktop that is reloaded has its phone again; that knows no password any more, and so no other gateway."""
        tab, _ = await self.ready()
        tab.console.expect(f"{AWAY}|40[134]")
        await tab.reload()
        await self.place(tab, 5001)
        await self.until(tab, "() => workspace.state === 'active'")
        await self.restart_gateway()
        await self.becomes(tab, active=False)
        await self.stays_inactive(tab, 4.0)


class PageTests(ExtensionCase):
    """What pages see of it."""

    async def test_requests(self) -> None:
        """Each way to ask the softphone works as the browser's own would; what is asked of others is untouched."""
        await self.set_up()
        tab = await self.open(self.desktop.url)
        self.assertEqual(await tab.evaluate(WAYS), EXPECTED)

    async def test_other_pages(self) -> None:
        """Pages that are not the desktop are left alone, on its own origin and on others."""
        await self.set_up()
        for url in (self.desktop.other_page, f"{self.gateway.url}/grtc.d.ts"):
            tab = await self.open(url)
            tab.console.expect("ERR_CONNECTION_REFUSED|violates")
            self.assertEqual(await tab.evaluate(TOUCHED), [True, True, True, 0, "failed"])

    async def test_not_set_up(self) -> None:
        """An extension that was told nothing does nothing."""
        tab = await self.log_in()
        tab.console.expect("ERR_CONNECTION_REFUSED")
        self.assertEqual(await tab.evaluate(TOUCHED), [True, True, True, 0, "failed"])
        self.assertEqual(await tab.evaluate("() => workspace.state"), "no softphone")

    async def test_not_allowed(self) -> None:
        """An extension without the permission for the sites does nothing, whatever it was told."""
        browser = ExtendedChromium()
        await browser.start()
        try:
            await browser.run(
                lambda: browser.worker().evaluate(STORE, [self.gateway.url + "/", self.desktop.origin + "/"])
            )
            tab = await browser.open(self.desktop.url)
            self.assertEqual(await tab.evaluate(TOUCHED), [True, True, True, 0, "failed"])
        finally:
            await browser.stop()

    async def test_without_extension(self) -> None:
        """The same desktop in a browser without the extension has no softphone."""
        browser = Chromium()
        await browser.start()
        try:
            tab = await browser.open(self.desktop.url)
            await self.place(tab, 5001)
            await self.until(tab, "() => workspace.state === 'no softphone'")
        finally:
            await browser.stop()

    async def test_page_learns_no_token(self) -> None:
        """Neither an answer nor a message nor the page itself has the session's token."""
        await self.set_up()
        tab = await self.open(self.desktop.url)
        await tab.evaluate(LISTEN)
        await self.place(tab, 5001)
        panel = await self.panel(tab)
        await self.sign_in(panel)
        await self.until(tab, "() => workspace.state === 'active'")
        token = await panel.evaluate(TOKEN)
        self.assertGreater(len(token), 30)
        seen = await tab.evaluate("() => JSON.stringify([heard, workspace.log, document.documentElement.outerHTML])")
        self.assertIn("get_IsEndpointActiveResult", seen)
        self.assertNotIn(token, seen)


class WindowTests(ExtensionCase):
    """The phone in a window of its own, where the gateway does not let the desktop show it."""

    welcome = False

    async def test_window(self) -> None:
        """The dock says why the phone is not in it, and opens the window; when that is closed, there is no phone."""
        await self.set_up()
        tab = await self.open(self.desktop.url)
        tab.console.expect("frame-ancestors")
        await self.place(tab, 5001)
        await self.dock_comes_to_say(tab, f"allowed_origins: {self.desktop.origin}")
        await screenshot(tab, "extension-forbidden")
        await self.press_in_dock(tab, "Open in a window of its own")
        phone = await self.window()
        await self.sign_in(phone)
        await self.until(tab, "() => workspace.state === 'active'")
        await self.dock_comes_to_say(tab, "The phone is in a window of its own.")
        await phone.chromium.run(phone.page.close)
        await self.becomes(tab, active=False)


class BorderTests(ExtensionCase):
    """A desktop in a public network, the gateway in a private one: what Chromium lets no page cross unasked."""

    public = True

    async def test_border(self) -> None:
        """The desktop's questions cross it by the extension, and the phone by a window of its own."""
        await self.set_up()
        tab = await self.open(self.desktop.url)
        tab.console.expect("ERR_BLOCKED_BY_LOCAL_NETWORK|local network|Local Network|loopback")
        await self.place(tab, 5001)
        await self.dock_comes_to_say(tab, "The phone does not load.")
        await self.press_in_dock(tab, "Open in a window of its own")
        await self.sign_in(await self.window())
        await self.until(tab, "() => workspace.state === 'active'")


class OwnPageTests(ExtensionCase):
    """The extension's own pages, and the gateway's about it."""

    async def test_how_to(self) -> None:
        """The gateway hands the extension out, and says in two languages what to do with it."""
        for page in ("", "de.html"):
            tab = await self.open(f"{self.gateway.url}/extension/{page}")
            await check_accessible(tab)
            await screenshots(tab, f"extension-how-to-{page.partition('.')[0] or 'en'}")
        found = await tab.evaluate(
            """async () => {
                const response = await fetch(document.querySelector(".download").href);
                return [response.status, response.headers.get("content-type"), (await response.blob()).size > 10000];
            }"""
        )
        self.assertEqual(found, [200, "application/zip", True])

    async def test_options(self) -> None:
        """The options page speaks both languages, takes addresses as people have them, and tells what is none."""
        tab = await self.set_up(language="de")
        kept = await tab.evaluate("() => chrome.storage.local.get()")
        expected = {
            "gateway": f"{self.gateway.url}/",
            "workspace": f"{self.desktop.origin}/ui/ad/v1/",
            "language": "de",
        }
        self.assertEqual(kept, expected)
        await screenshots(tab, "extension-options-de")
        await check_accessible(tab)

        def spoil() -> None:
            tab.page.fill("#gateway", "ftp://x")
            tab.page.click("button[type=submit]")

        await tab.chromium.run(spoil)
        await self.until(tab, "() => document.getElementById('told').textContent.startsWith('Das ist keine Adresse')")
        self.assertEqual(await tab.evaluate("() => document.activeElement.id"), "gateway")
        self.assertEqual(await tab.evaluate("() => chrome.storage.local.get()"), kept)

    async def test_menu(self) -> None:
        """The menu tells what is: no desktop, nobody there, active; and shows the phone where it is wanted."""
        options = await self.set_up()
        tab = await self.open(self.desktop.url)
        number = await options.evaluate(
            "async (url) => (await chrome.tabs.query({})).find((each) => each.url === url).id", self.desktop.url
        )
        own = await options.evaluate("async () => (await chrome.tabs.getCurrent()).id")
        self.assertEqual(await self.menu(own), ["This page is not Workspace."])
        self.assertEqual(await self.menu(number), ["Nobody is signed in at the phone."])
        menu = await self.extension_page(f"popup.html?tab={number}")
        await menu.chromium.run(lambda: menu.page.click("#show"))
        panel = await self.panel(tab)
        await self.sign_in(panel, dn=5001)
        await self.becomes(tab, active=True)
        self.assertEqual(await self.menu(number), ["Workspace can take calls here.", "Signed in as 5001."])
        badge = "async (tabId) => chrome.action.getBadgeText({ tabId })"
        self.assertEqual(await options.evaluate(badge, number), "on")
        await self.place(tab, 5002)
        await self.until(tab, "() => workspace.state === 'refused'")
        expected = ["Workspace cannot take calls here yet.", "Signed in as 5001.", "Workspace wants 5002."]
        self.assertEqual(await self.menu(number), expected)

    async def menu(self, number: int) -> list[str]:
        """Return what the menu of a tab says."""
        tab = await self.extension_page(f"popup.html?tab={number}")
        await self.until(tab, "() => document.querySelector('#state p')")
        await tab.resize(300, 300)
        await check_accessible(tab)
        await screenshots(tab, "extension-menu", WIDE)
        said: list[str] = await tab.evaluate(
            "() => [...document.querySelectorAll('#state p')].map((p) => p.textContent)"
        )
        await tab.chromium.run(tab.page.close)
        return said


IN_SIGHT = """() => {
    const place = document.querySelector(".incoming")?.getBoundingClientRect();
    return place && place.top >= 0 && place.top < innerHeight / 2;
}"""

CALL = """async (dn, password, to) => {
    await phone.signIn({ dn, password });
    await phone.call(to);
}"""

TOUCHED = """async () => [
    String(window.fetch).includes("[native code]"),
    String(window.XMLHttpRequest).includes("[native code]"),
    String(navigator.sendBeacon).includes("[native code]"),
    document.querySelectorAll("#wrtcgw-phone").length,
    await fetch("https://127.0.0.1:8000/GetDnSIP").then(() => "answered", () => "failed"),
]"""
"""Whether a page is as its server made it."""

STORE = "([gateway, workspace]) => chrome.storage.local.set({ gateway, workspace })"

LISTEN = """() => {
    window.heard = [];
    addEventListener("message", (event) => heard.push(event.data));
    document.addEventListener("wrtcgw-softphone-answer", (event) => heard.push(event.detail));
}"""

TOKEN = """() => {
    const key = Object.keys(sessionStorage).find((each) => each.startsWith("grtc-session "));
    return JSON.parse(sessionStorage.getItem(key)).token;
}"""

WAYS = """async () => {
    const home = "https://127.0.0.1:8000/";
    const xhr = (set, method = "GET", url = home + "GetDnSIP", body = null) => new Promise((done) => {
        const request = new XMLHttpRequest();
        const told = [];
        request.open(method, url);
        set(request);
        request.addEventListener("readystatechange", () => told.push(request.readyState));
        for (const type of ["load", "error", "abort", "timeout"]) request["on" + type] = () => told.push(type);
        request.onloadend = () => done([request.status, request.statusText, request.response, told.join(" "), request]);
        request.send(body);
    });
    const strip = (result) => result.slice(0, 4);
    const plain = await xhr(() => {});
    const aborted = await xhr((request) => setTimeout(() => request.abort()));
    const options = { method: "POST", body: '{"value":[]}', headers: { "Content-Type": "application/json" } };
    const request = new Request(home + "SetOptions", options);
    const fetched = await fetch(request);
    const style = await xhr(() => {}, "GET", "style.css");
    const synchronous = new XMLHttpRequest();
    synchronous.open("GET", "style.css", false);
    synchronous.send();
    const controller = new AbortController();
    const broken = fetch(home + "Ping", { signal: controller.signal }).catch((error) => error.name);
    controller.abort();
    return {
        plain: strip(plain),
        headers: [plain[4].getAllResponseHeaders(), plain[4].getResponseHeader("CONTENT-TYPE"), plain[4].responseURL],
        types: [plain[4] instanceof XMLHttpRequest, XMLHttpRequest.DONE, XMLHttpRequest.name],
        json: strip(await xhr((request) => { request.responseType = "json"; })),
        posted: strip(await xhr((request) => request.setRequestHeader("Content-Type", "application/json"),
            "POST", home + "RegisterDn/", '{"users":["5001"]}')),
        localhost: (await xhr(() => {}, "GET", "https://localhost:8000/Ping"))[2],
        aborted: [aborted[0], aborted[3], aborted[4].readyState],
        fetched: [fetched.status, fetched.url, fetched.headers.get("content-type"), await fetched.json()],
        broken: await broken,
        beacon: navigator.sendBeacon(home + "SetPingPeriod", '{"value":2000}'),
        style: [style[0], style[2].startsWith("body"), style[3].endsWith("4 load")],
        synchronous: [synchronous.status, synchronous.responseText.startsWith("body")],
    };
}"""

JSON_TYPE = "application/json; charset=utf-8"
EXPECTED = {
    "plain": [200, "OK", '{"get_DnSIPResult":""}', "2 3 4 load"],
    "headers": [f"content-type: {JSON_TYPE}\r\n", JSON_TYPE, "https://127.0.0.1:8000/GetDnSIP"],
    "types": [True, 4, "XMLHttpRequest"],
    "json": [200, "OK", {"get_DnSIPResult": ""}, "2 3 4 load"],
    "posted": [200, "OK", '{"RegisterDnResult":true}', "2 3 4 load"],
    "localhost": '{"PingResult":[]}',
    "aborted": [0, "4 abort", 0],
    "fetched": [200, "https://127.0.0.1:8000/SetOptions", JSON_TYPE, {}],
    "broken": "AbortError",
    "beacon": True,
    "style": [200, True, True],
    "synchronous": [200, True],
}
