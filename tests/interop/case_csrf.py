"""Pages of another site in a real Chromium, over plain HTTP: however they ask, nothing is done for an agent."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from twisted.internet.threads import deferToThread

from tests.interop.chromium import Tab
from tests.interop.demo import DemoCase
from tests.interop.host_pages import host_pages
from wrtcgw.demo.extensions import DEMO_PASSWORD
from wrtcgw.web.auth import cookie_name

REFUSED = re.compile(r"wrtcgw\.access.*[?&]way=\S* 40[13] ")
ADDRESS, EVIL = "198.51.100.1", "evil.example"
ELEMENTS: Mapping[str, str] = {
    "img": "<img src='{url}'>",
    "img without referrer": "<img referrerpolicy=no-referrer src='{url}'>",
    "script": "<script src='{url}'></script>",
    "module": "<script type=module src='{url}'></script>",
    "css": "<link rel=stylesheet href='{url}'>",
    "css background": "<div style='background: url({url}); width: 9px; height: 9px'></div>",
    "iframe": "<iframe src='{url}'></iframe>",
    "sandboxed iframe": "<iframe sandbox src='{url}'></iframe>",
    "img in a sandbox": "<iframe sandbox srcdoc=\"<img src='{url}'>\"></iframe>",
    "refresh in a frame": "<iframe srcdoc=\"<meta http-equiv=refresh content='0;url={url}'>\"></iframe>",
    "object": "<object data='{url}'></object>",
    "embed": "<embed src='{url}'>",
    "video": "<video src='{url}' preload=auto></video>",
    "prefetch": "<link rel=prefetch href='{url}'>",
    "preload": "<link rel=preload as=image href='{url}'>",
    "track": "<video crossorigin><track default src='{url}'></video>",
}
SCRIPTS: Mapping[str, str] = {
    "fetch": "(url) => fetch(url).catch(() => 0)",
    "fetch no-cors": "(url) => fetch(url, { mode: 'no-cors', referrerPolicy: 'no-referrer' }).catch(() => 0)",
    "fetch with cookies": "(url) => fetch(url, { mode: 'no-cors', credentials: 'include' }).catch(() => 0)",
    "post": "(url) => fetch(url, { mode: 'no-cors', method: 'POST', credentials: 'include' }).catch(() => 0)",
    "beacon": "(url) => navigator.sendBeacon(url, 'x')",
    "event source": "(url) => { new EventSource(url, { withCredentials: true }).onerror = (e) => e.target.close() }",
    "xhr": "(url) => { const x = new XMLHttpRequest(); x.open('GET', url); x.withCredentials = true; x.send() }",
    "form get": """(url) => { const f = document.createElement('form'); f.action = url.split('?')[0]; f.target = 'to';
        for (const [n, v] of new URL(url).searchParams) { const i = document.createElement('input'); i.name = n;
        i.value = v; f.append(i) } const w = document.createElement('iframe'); w.name = 'to';
        document.body.append(w, f); f.submit() }""",
    "form post": """(url) => { const f = document.createElement('form'); f.method = 'post'; f.action = url;
        const w = document.createElement('iframe'); w.name = 'at'; f.target = 'at'; document.body.append(w, f);
        f.submit() }""",
    "window.open": "(url) => { window.open(url) }",
    "window.open without referrer": "(url) => { window.open(url, '', 'noreferrer') }",
}


class ForeignPages(DemoCase):
    """The agent's browser shows a hostile page; it knows the gateway by an address, so nothing tells whose it is."""

    settings: ClassVar[Mapping[str, object]] = {"access_log": True}
    more: ClassVar[Sequence[str]] = (f"--host-resolver-rules=MAP {ADDRESS} 127.0.0.1, MAP {EVIL} 127.0.0.1",)

    @property
    def base(self) -> str:
        """How pages reach the gateway: neither HTTPS nor localhost."""
        return f"http://{ADDRESS}:{urlsplit(self.gateway.url).port}"

    async def program(self, name: str, token: str = "", **query: str) -> tuple[int, str, Mapping[str, str]]:
        """Ask the gateway as curl does, from the agent's address."""
        request = Request(f"{self.gateway.url}/api/webrtc/{name}?{urlencode(query)}")
        request.add_header("User-Agent", "curl/8")
        if token:
            request.add_header("X-WRTC-Session", token)

        def ask() -> tuple[int, str, Mapping[str, str]]:
            with urlopen(request, timeout=10) as response:
                return (
                    response.status,
                    response.read().decode(),
                    {name.lower(): value for name, value in response.headers.items()},
                )

        return await deferToThread(ask)

    async def come(self) -> str:
        """Sign the agent in, by a program that shows no token later."""
        _, text, headers = await self.program("sign_in", id="vic", dn="5001", password=DEMO_PASSWORD)
        self.assertEqual(text, "OK")
        return headers["x-wrtc-session"]

    async def evil(self) -> Tab:
        """Open the hostile page."""
        host_pages().make("evil.html", "<!doctype html><title>evil</title><body>")
        tab = await self.open(f"http://{EVIL}:{host_pages().port}/evil.html")
        tab.console.expect(".*")  # refusals, and scripts that are none
        return tab

    async def attack(self, tab: Tab, url: str) -> None:
        """Send requests for an address in all ways at once."""
        for way, script in SCRIPTS.items():
            await tab.evaluate(script, f"{url}&way={way}")
        for way, element in ELEMENTS.items():
            html = element.format(url=f"{url}&way={way.replace(' ', '-')}")
            insert = "(html) => document.body.append(document.createRange().createContextualFragment(html))"
            await tab.evaluate(insert, html)
        await self.pause(3)

    def refused(self) -> int:
        """
        Return how many requests of pages were refused since the case began.

        The access log has all of them; the audit log counts those of a busy address, and writes few.
        """
        text = self.gateway.server.log.read_bytes()[self._mark :].decode(errors="replace")
        return sum(bool(REFUSED.search(line)) for line in text.splitlines())

    async def test_sign_out(self) -> None:
        """No way signs the agent out; each of them reached the gateway."""
        await self.come()
        tab = await self.evil()
        await self.attack(tab, f"{self.base}/api/webrtc/sign_out?id=vic")
        self.assertEqual((await self.program("calls", id="vic"))[0], 200)
        self.assertGreater(self.refused(), 15)

    async def test_take_a_message(self) -> None:
        """No way takes the agent's next message away, by poll or stream."""
        await self.come()
        tab = await self.evil()
        for path in ("message?id=vic", "events?id=vic"):
            await self.attack(tab, f"{self.base}/api/webrtc/{path}")
        self.assertEqual((await self.program("calls", id="vic"))[0], 200)
        self.assertGreater(self.refused(), 15)

    async def test_with_the_cookie(self) -> None:
        """Nor does the agent's cookie, which the browser has, open a way."""
        token = await self.come()
        tab = await self.evil()
        cookie: Any = {"name": cookie_name("vic"), "value": token, "url": f"{self.base}/api/", "sameSite": "Lax"}
        await tab.chromium.run(lambda: tab.page.context.add_cookies([cookie]))
        await self.attack(tab, f"{self.base}/api/webrtc/sign_out?id=vic")
        self.assertEqual((await self.program("calls", token, id="vic"))[0], 200)

    async def test_own_page(self) -> None:
        """A page of the gateway's own, which knows of no token, signs in, polls and signs out by fetch()."""
        tab = await self.open(f"{self.base}/workspace/")
        tab.console.expect(".*")
        script = """async (password) => { const told = [];
            for (const path of [`sign_in?id=vic&dn=5001&password=${password}`, "message?id=vic", "sign_out?id=vic"]) {
                const response = await fetch(`/api/webrtc/${path}`, { credentials: "omit" });
                told.push([response.status, (await response.text()).trim()]); }
            return told; }"""
        told = await tab.evaluate(script.replace("${password}", json.dumps(DEMO_PASSWORD)[1:-1]), "")
        self.assertEqual(told, [[200, "OK"], [204, ""], [200, "OK"]])
