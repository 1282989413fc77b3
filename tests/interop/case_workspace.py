"""The adapter for agent desktops: in real Chromium with the SDK's documented surface, and with the client from npm."""

import os
import subprocess
from collections.abc import Mapping
from urllib.parse import quote

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.interop.a11y import check_accessible
from tests.interop.chromium import Tab
from tests.interop.demo import DemoCase
from tests.interop.host_pages import host_pages
from tests.interop.install import FOLDER, node_package
from tests.interop.screenshots import screenshots
from tests.interop.servers import PASSWORD, PROJECT
from tests.support.node import find_node

CLIENT = PROJECT / "tests" / "interop" / "workspace_client.mjs"
LIMIT = 60.0


class SdkTests(DemoCase):
    """A desktop of another origin, whose calls the phone carries out."""

    def setUp(self) -> None:
        """Have every phone sign out when the case ends."""
        self.hosts = host_pages()
        super().setUp()
        self.addCleanup(lambda: Deferred.fromCoroutine(self._sign_out()))

    def wanted(self) -> Mapping[str, object]:
        """Allow the desktop to use the gateway."""
        return {"allowed_origins": [self.hosts.origin]}

    async def _sign_out(self) -> None:
        for tab in self.tabs:
            await tab.evaluate("async () => { await globalThis.phone?.signOut?.(); }")

    async def desktop(self, dn: int) -> Tab:
        """Open a desktop whose phone is signed in."""
        address = quote(self.gateway.url, safe="")
        tab = await self.open(f"{self.hosts.origin}/workspace_page.html?gateway={address}")
        await tab.evaluate("(dn, password) => begin(dn, password)", str(dn), PASSWORD)
        return tab

    async def test_outbound(self) -> None:
        """A call that the desktop makes is placed with sound, held and taken up again, and ended by it."""
        tab = await self.desktop(5001)
        await tab.evaluate("() => workspace.voice.makeCall({ destination: '1003' })")
        await self.until(tab, "() => call()?.state === 'established'")
        await self.hears(tab, "call().connection")
        self.assertEqual(await tab.evaluate("() => adapter.desktopCallOf(call()).id"), "1")
        await tab.evaluate("() => say('CallHeld', { id: '1' })")
        await self.until(tab, "() => call().held")
        await tab.evaluate("() => say('CallRetrieved', { id: '1' })")
        await self.until(tab, "() => !call().held")
        await self.hears(tab, "call().connection")
        await tab.evaluate("() => say('CallReleased', { id: '1' })")
        await self.until(tab, "() => !phone.calls.size")
        self.assertEqual(await tab.evaluate("() => [orders, errors]"), [[], []])

    async def test_inbound(self) -> None:
        """A call that comes in is answered by the desktop's click; its end at the phone is told the desktop."""
        tab, other = await self.desktop(5001), await self.desktop(5002)
        await other.evaluate("() => { phone.call('5001'); }")
        await self.until(tab, "() => call()?.state === 'incoming'")
        await tab.evaluate("() => say('CallRinging', { id: '7', ani: '5002' })")
        await tab.evaluate("() => say('CallAnswered', { id: '7', ani: '5002' })")
        await self.hears(tab, "call()?.connection")
        await self.hears(other, "call()?.connection")
        await other.evaluate("() => call().hangup()")
        await self.until(tab, "() => orders.length")
        self.assertEqual(await tab.evaluate("() => [orders, errors]"), [["release 7"], []])

    async def test_page(self) -> None:
        """Its page and the gadget's can be read by everyone."""
        for path in ("/workspace/", "/gadget/howto.html"):
            tab = await self.open(path)
            await check_accessible(tab)
            await screenshots(tab, f"howto-{path.split('/')[1]}")


class ClientTests(TestCase):
    """The client of Workspace's API as npm has it, against a fake of the server that it talks to."""

    timeout = LIMIT + 10

    def test_client(self) -> Deferred[None]:
        """Events that it tells from its server reach the adapter, and the adapter's orders reach the server."""
        return deferToThread(self._node)

    def _node(self) -> None:
        node = find_node()
        self.assertIsNotNone(node)
        package = node_package(FOLDER, "genesys-workspace-client-js")
        done = subprocess.run(
            [str(node), "--test", "--test-reporter=tap", str(CLIENT)],
            cwd=PROJECT,
            env={**os.environ, "WRTCGW_WORKSPACE_CLIENT": str(package)},
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-2000:])
        self.assertIn("\nok 1", done.stdout)
