"""
What the cases of pages for the vendor's library share: the web server where such pages lie, and how to look at them.

The pages are in ``data/``, with the gateway's address left open.
"""

import functools
import json
import pathlib
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.request import urlopen

from playwright.sync_api import Request
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from tests.interop.chromium import Tab
from tests.interop.demo import DemoCase
from tests.interop.ears import until
from tests.interop.servers import PASSWORD, PROJECT

CONNECTION = "grtcSession.call.connection"
TIMES = "(name) => shown.filter((each) => (Array.isArray(each) ? each[0] : each) === name).length"


class CustomerSite(ThreadingHTTPServer):
    """The web server of who has such pages."""

    daemon_threads = True
    gateway = ""

    @property
    def origin(self) -> str:
        """Return its address; by another name than the gateway's."""
        return f"http://localhost:{self.server_address[1]}"


class CustomerPages(BaseHTTPRequestHandler):
    """Serves the pages of ``data/``, with the gateway's address in them."""

    def do_GET(self) -> None:
        """Answer with a page."""
        path = PROJECT / "tests" / "interop" / "data" / pathlib.PurePosixPath(self.path).name
        found = path.suffix == ".html" and path.is_file()
        gateway = cast(CustomerSite, self.server).gateway
        body = path.read_text("utf-8").replace("@GATEWAY@", gateway).encode() if found else b""
        self.send_response(200 if found else 204)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@functools.cache
def customer_site() -> CustomerSite:
    """Return the web server, started; it ends with the run."""
    site = CustomerSite(("127.0.0.1", 0), CustomerPages)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    return site


class ShownCase:
    """What a case knows of a page that notes what happens in ``shown``."""

    async def click(self, tab: Tab, button: str) -> None:
        """Click a button."""
        await tab.chromium.run(lambda: tab.page.click(f"#{button}"))

    async def shows(self, tab: Tab, name: str, count: int = 1) -> Any:
        """Wait until the page has shown something so many times, and return what with."""
        await until(tab, f"(name, count) => ({TIMES})(name) >= count", name, count)
        return await tab.evaluate(
            "(name, count) => shown.filter((each) => each[0] === name)[count - 1]?.[1] ?? null", name, count
        )

    async def times(self, tab: Tab, name: str) -> int:
        """Return how often a page has shown something."""
        return int(await tab.evaluate(TIMES, name))


class VendorCase(ShownCase, DemoCase):
    """What the cases share: a gateway that lets guests in, and the pages at an origin of their own."""

    def setUp(self) -> None:
        """Let every page sign out when the case ends, so that no call is left for the next."""
        super().setUp()
        self.addCleanup(lambda: Deferred.fromCoroutine(self._sign_out()))

    async def _sign_out(self) -> None:
        clients = "[globalThis.grtcClient ?? null, globalThis.client ?? null]"
        for tab in self.tabs:
            if not tab.page.is_closed():
                await tab.evaluate(f"() => Promise.all({clients}.map((each) => each?.disconnect()))")

    def wanted(self) -> Mapping[str, object]:
        """Return the keys of ``wrtcgw.toml``."""
        return {
            "allowed_origins": [customer_site().origin],
            "guest_mode": "unregistered",
            "guest_dn": "5008",
            "guest_password": PASSWORD,
            "guest_destinations": ["1*", "50*"],
        }

    async def load(self, name: str) -> Tab:
        """Load one of the pages."""
        site = customer_site()
        site.gateway = self.gateway.url
        tab = await self.open(f"{site.origin}/{name}")
        tab.console.expect(r"404 .*/api/webrtc/stats\?")  # of a call that the other page is just ending
        return tab

    async def agent(self, dn: int, password: str = PASSWORD) -> Tab:
        """Load an agent's desktop, and sign it in."""
        tab = await self.load("vendor_agent.html")
        await tab.evaluate("(dn, password) => start(dn, password)", str(dn), password)
        await self.shows(tab, "registered" if password == PASSWORD else "refused")
        return tab

    async def sounds_again(self, tab: Tab) -> None:
        """Wait until there is sound both ways over the connection that the call has by now: it may get another one."""
        for _ in range(20):
            await tab.evaluate(f"() => {{ window.watched = {CONNECTION} }}")
            before = await tab.audio("watched")
            await self.pause(1.0)
            if (await tab.audio("watched")).grown(before):
                return
        self.fail("no sound both ways")

    async def posts(self, tab: Tab) -> list[str]:
        """Return a list into which each description that the page sends will come."""
        sent: list[str] = []

        def note(request: Request) -> None:
            if "/message?" in request.url:
                sent.append(json.loads(request.post_data or "{}").get("sdp", ""))

        await tab.chromium.run(lambda: tab.page.on("request", note))
        return sent

    async def gone(self, what: str) -> None:
        """Wait until the gateway has none of these any more: ``agents`` or ``calls/active``."""

        def ask() -> list[object]:
            with urlopen(f"{self.gateway.url}/api/{what}", timeout=5) as response:
                found: list[object] = json.load(response)[what.partition("/")[0]]
                return found

        for _ in range(60):
            left = await deferToThread(ask)
            if not left:
                return
            await self.pause(0.25)
        self.fail(f"still there: {left}")
