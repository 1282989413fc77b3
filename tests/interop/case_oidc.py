"""The softphone signs in at a real OpenID Connect provider, and calls: no SIP password ever reaches the page."""

import atexit
import functools
import json
import pathlib
import shutil
import subprocess
from collections.abc import Mapping
from functools import partial
from typing import Any
from unittest import SkipTest

from playwright.sync_api import Page

from tests.interop.chromium import Tab
from tests.interop.demo import demo_folder
from tests.interop.install import FOLDER, install, node_package
from tests.interop.processes import Server, accepts, free_ports
from tests.interop.servers import PROJECT
from tests.interop.softphone_page import CONNECTION, SoftphoneCase
from wrtcgw.demo.extensions import DEMO_PASSWORD, USERS

OLDEST = 20
"""The provider's own demand on node."""
ACCOUNTS = {"ann": "5001", "bob": ["5002", "5003"], "eve": None}
"""Who may sign in at the provider, and the claim ``dn`` of each."""
ALGORITHM = "EdDSA"


def node() -> str:
    """Return a node that is new enough."""
    found = shutil.which("node")
    told = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout if found else "v0"
    if found is None or int(told.removeprefix("v").partition(".")[0]) < OLDEST:
        raise SkipTest(f"oidc-provider needs node {OLDEST} or later, found {told.strip()}")
    return found


@functools.cache
def provider_and_ports() -> tuple[str, int]:
    """Start the provider; return its issuer and the port that the gateway has to have."""
    runtime = node()
    install()
    port, gateway_port = free_ports(2)
    issuer = f"http://127.0.0.1:{port}"
    redirect = f"http://127.0.0.1:{gateway_port}/softphone/"
    told = json.dumps({"issuer": issuer, "redirect": redirect, "alg": ALGORITHM, "accounts": ACCOUNTS})
    script = PROJECT / "tests" / "interop" / "data" / "oidc_provider.mjs"
    command = ("setpriv", "--pdeathsig", "TERM", runtime, str(script), str(node_package(FOLDER, "oidc-provider")), told)
    server = Server("oidc-provider", command, demo_folder() / "oidc-provider.log", lambda: accepts(port))
    server.start()
    atexit.register(server.stop)
    return issuer, gateway_port


@functools.cache
def secrets_file() -> pathlib.Path:
    """Return a file with the SIP secrets of the demo."""
    path = demo_folder() / "sip-secrets.toml"
    path.write_text("".join(f"{dn} = {json.dumps(secret)}\n" for dn, secret in USERS.items()))
    path.chmod(0o600)
    return path


class OIDCTests(SoftphoneCase):
    """Authorization code with PKCE, from the button to the call."""

    def wanted(self) -> Mapping[str, object]:
        """Return settings that name the provider, and where the SIP secrets are."""
        issuer, port = provider_and_ports()
        return {
            "http_port": port,
            "oidc_issuer": issuer,
            "oidc_client_id": "softphone",
            "oidc_name": "Acme Login",
            "sip_secrets": f"file:{secrets_file()}",
        }

    async def open(self, path: str = "/softphone/", **options: Any) -> Tab:
        """Open a page; the provider's own pages miss their font and icon."""
        tab = await super().open(path, **options)
        tab.console.expect("fonts.googleapis.com|favicon.ico")
        return tab

    async def visit(self, name: str, locale: str = "en-US") -> Tab:
        """Open the page, follow the button to the provider, and sign in there."""
        tab = await self.open(locale=locale)
        await self.until(tab, "() => Boolean(document.querySelector('.sign-in-ways button'))")
        await self.do(tab, lambda page: page.locator(".sign-in-ways button").first.click())
        await self.do(tab, partial(sign_in_at_provider, name=name))
        return tab

    async def ready(self, tab: Tab, dn: str) -> None:
        """Wait until a number is registered."""
        await self.until(tab, "(dn) => window.softphone?.phone.dn === dn", dn)
        await self.until(tab, "() => document.querySelector('.status')?.dataset.level === 'ok'")

    async def test_call(self) -> None:
        """The agent signs in at the provider and calls with sound both ways; the browser keeps no secret of it."""
        tab = await self.visit("ann")
        await self.ready(tab, "5001")
        self.assertEqual(await tab.evaluate("() => location.search"), "")
        await self.dial(tab, 1003)
        await self.state(tab, "established")
        await self.hears(tab, CONNECTION)
        kept = await tab.evaluate("() => JSON.stringify([{...sessionStorage}, {...localStorage}])")
        for secret in (DEMO_PASSWORD, "verifier", "eyJ"):
            self.assertNotIn(secret, kept)

    async def test_reload(self) -> None:
        """A reload goes on with the session, and asks the provider nothing."""
        tab = await self.visit("ann")
        await self.ready(tab, "5001")
        await tab.reload()
        await self.ready(tab, "5001")
        self.assertTrue(await tab.evaluate("() => location.pathname === '/softphone/' && !location.search"))

    async def test_renewal_in_a_call(self) -> None:
        """A fresh token of the same agent renews the session; the call goes on."""
        tab = await self.visit("ann")
        await self.ready(tab, "5001")
        await self.dial(tab, 1003)
        await self.state(tab, "established")
        await self.hears(tab, CONNECTION)
        before = await tab.evaluate("() => softphone.phone.wire.token")
        shown = await self.token_of("ann")
        await tab.evaluate("(token) => softphone.phone.signIn({ token })", shown)
        after = await tab.evaluate("() => [softphone.phone.wire.token, softphone.phone.calls.size]")
        self.assertNotEqual(after[0], before)
        self.assertEqual(after[1], 1)
        await self.hears(tab, CONNECTION)
        await self.state(tab, "established")

    async def token_of(self, name: str) -> str:
        """Return a token that a second page has got, which does not sign in with it."""
        tab = await self.open()
        await self.until(tab, "() => Boolean(document.querySelector('.sign-in-ways button'))")
        took: list[str] = []

        def take(page: Page) -> None:
            def note(route: Any) -> None:
                took.append(route.request.post_data or "")
                route.abort()

            page.route("**/api/webrtc/sign_in", note)
            page.locator(".sign-in-ways button").first.click()
            sign_in_at_provider(page, name)
            page.wait_for_function("() => document.querySelector('.notice.error')")

        await self.do(tab, take)
        tab.console.expect("Failed to load resource")
        return str(dict(part.split("=", 1) for part in took[0].split("&"))["token"])

    async def test_several_numbers(self) -> None:
        """Who has several numbers chooses one."""
        tab = await self.visit("bob")
        tab.console.expect(r"400 .*/sign_in")
        await self.sees(tab, "You have several numbers.", ".sign-in")
        await self.press(tab, "Use 5003")
        await self.ready(tab, "5003")

    async def test_no_number(self) -> None:
        """Who has none is told so in words, in German as well."""
        tab = await self.visit("eve", locale="de-DE")
        tab.console.expect(r"401 .*/sign_in")
        await self.sees(tab, "Das hat nicht geklappt.", ".sign-in")
        await self.sees(tab, "token_claim", ".sign-in")
        await self.sees(tab, "Mit Acme Login anmelden", ".sign-in")

    async def test_cancelled(self) -> None:
        """Who cancels at the provider comes back, is told so, and may use a password."""
        tab = await self.open()
        await self.until(tab, "() => Boolean(document.querySelector('.sign-in-ways button'))")
        await self.do(tab, lambda page: page.locator(".sign-in-ways button").first.click())
        await self.do(tab, lambda page: page.get_by_text("[ Cancel ]").click())
        await self.sees(tab, "The sign-in was cancelled.", ".sign-in")
        await self.sign_in(tab, 5004)
        await self.ready(tab, "5004")

    async def test_foreign_code(self) -> None:
        """A link with somebody else's code signs nobody in."""
        tab = await self.open("/softphone/?code=abc&state=def")
        await self.sees(tab, "did not begin in this window", ".sign-in")
        self.assertEqual(await tab.evaluate("() => location.search"), "")


def sign_in_at_provider(page: Page, name: str) -> None:
    """Fill in the provider's own pages, and consent, until it leads back."""
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("any")
    page.locator("button[type=submit]").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/softphone/**")
