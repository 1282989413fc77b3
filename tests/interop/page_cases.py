"""What the cases with a real browser share: pages served from an origin of their own, and an ear on their sound."""

from urllib.parse import quote

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IReactorUDP
from twisted.web.server import Site
from twisted.web.static import File

from tests.interop import base
from tests.interop.chromium import Audio, Chromium, Tab
from tests.interop.environment import Way
from tests.interop.plainpbx import PlainPBX
from tests.interop.processes import free_ports
from tests.interop.servers import PROJECT

PAGES = PROJECT / "tests/interop/data"


class PageCase(base.InteropCase):
    """A case with pages in Chromium."""

    timeout = 180

    @property
    def api(self) -> str:
        """The address at which the pages reach the gateway of this case."""
        return self.gateway().url

    def plain_pbx(self) -> tuple[PlainPBX, Way]:
        """Start a stand-in for SIP Server with Kamailio and rtpengine in front of it; it ends with the case."""
        port = free_ports(1)[0]
        bridge = self.environment.bridge(port)
        pbx = PlainPBX(IReactorUDP(reactor), port, bridge.sip)
        self.addCleanup(lambda: ensureDeferred(pbx.stop()))
        return pbx, bridge.way

    async def open(self, page: str) -> Tab:
        """Serve the pages, start the browser and open one."""
        self.gateway()
        site = Site(File(str(PAGES)))
        site.displayTracebacks = False
        endpoint = TCP4ServerEndpoint(reactor, self.environment.page_port, interface="127.0.0.1")
        listening = await endpoint.listen(site)
        self.addCleanup(listening.stopListening)
        chromium = Chromium()
        self.addCleanup(self.asterisk, "channel request hangup all")
        self.addCleanup(chromium.stop)
        await chromium.start()
        return await chromium.open(f"{self.environment.origin}/{page}?api={quote(self.api, safe='')}")

    async def told(self, tab: Tab, kind: str) -> None:
        """Wait until the desk page was told a message of this type."""
        for _ in range(60):
            if await tab.evaluate("(kind) => desk.told.some((each) => each.messageType === kind)", kind):
                return
            await self.pause(0.25)
        self.fail(f"the page was not told {kind}: {await tab.evaluate('() => [desk.failure, desk.told]')}")

    async def hears(self, tab: Tab, connection: str) -> Audio:
        """Wait until there is sound both ways, and return how much there was by then."""
        before = await tab.audio(connection)
        for _ in range(60):
            await self.pause(0.25)
            now = await tab.audio(connection)
            if now.grown(before):
                return now
        state = await tab.evaluate(f"() => [{connection}.iceConnectionState, {connection}.connectionState]")
        self.fail(f"no sound both ways: {now}, before {before}, {state}")

    async def falls_silent(self, tab: Tab, connection: str) -> None:
        """Wait until a second passes in which nothing comes in, while our side goes on."""
        before = await tab.audio(connection)
        for _ in range(10):
            await self.pause(1.0)
            now = await tab.audio(connection)
            if now.received - before.received <= 2:
                return
            before = now
        self.fail(f"sound still comes in: {now}")

    async def hears_nothing(self, tab: Tab, connection: str) -> None:
        """Wait until a second passes in which there is nothing to be heard, whatever packets come in."""
        before = await tab.audio(connection)
        for _ in range(10):
            await self.pause(1.0)
            now = await tab.audio(connection)
            if now.heard == before.heard:
                return
            before = now
        self.fail(f"something is still to be heard: {now}")
