"""A page of the Genesys dialect in Chromium: Asterisk as WebRTC agent, and as plain one behind rtpengine."""

from tests.interop import dialect_page_cases
from tests.interop.chromium import Tab
from tests.interop.gateway import Gateway


class DialectPage(dialect_page_cases.DialectPageCases):
    """Through Kamailio, media straight to Asterisk."""

    dn = 5004
    colleague = 5005

    def gateway(self) -> Gateway:
        """Return a gateway that any page may call, as its default is for this dialect."""
        return self.environment.gateway("dialect", self.environment.ways["ws"])


class PlainDialectPage(dialect_page_cases.DialectPageCases):
    """Through Kamailio and rtpengine."""

    dn = 5023
    colleague = 5022

    def gateway(self) -> Gateway:
        """Return a gateway in front of Kamailio with rtpengine."""
        return self.environment.gateway("dialect-rtpengine", self.environment.bridge().way)


class ServerControl(dialect_page_cases.DialectPageCase):
    """What the document on third-party call control saw SIP Server do (2.2 and 2.3), with a page that hears it."""

    dn = 5031

    def setUp(self) -> None:
        """Start the PBX and what stands in front of it."""
        super().setUp()
        self.pbx, self.way_there = self.plain_pbx()
        self.addCleanup(self.environment.dismiss, "controlled")

    def gateway(self) -> Gateway:
        """Return a gateway in front of that PBX."""
        return self.environment.gateway("controlled", self.way_there)

    async def controlled(self, event: str) -> None:
        """Let SIP Server send an event, which is to be taken at once."""
        self.assertEqual((await self.pbx.notify(event)).status, 200)

    async def hung_up(self, tab: Tab) -> None:
        """Let the page hang up and leave."""
        await tab.evaluate("page.hangUp")
        await self.eventually("BYE", lambda: self.pbx.ended)
        self.assertEqual(await tab.evaluate("page.disconnect"), 200)

    async def test_answered_by_the_desktop(self) -> None:
        """NOTIFY talk answers the ringing call; a re-INVITE 12 ms after the ACK does no harm; hold, retrieve, BYE."""
        tab = await self.registered()
        ringing = self.pbx.ringing()
        answered = self.pbx.invite(offer=True)
        await ringing
        await self.controlled("talk")
        self.assertEqual((await answered).status, 200)
        self.pbx.acknowledge(answer=False)
        await self.pause(0.012)
        self.assertIn("RTP/AVP", (await self.pbx.invite()).body)
        self.pbx.acknowledge()
        await self.event(tab, "talk")
        await self.hears(tab, "page.pc")
        await self.controlled("hold")
        await self.event(tab, "hold")
        await self.falls_silent(tab, "page.pc")
        await self.controlled("talk")
        await self.hears(tab, "page.pc")
        await self.hung_up(tab)

    async def test_info(self) -> None:
        """INFO-MAP and INFO-PEER arrive with their content types; the other side's data come to the page."""
        tab = await self.registered()
        ringing = self.pbx.ringing()
        answered = self.pbx.invite(offer=True)
        await ringing
        await self.controlled("talk")
        self.assertEqual((await answered).status, 200)
        self.pbx.acknowledge(answer=False)
        await self.event(tab, "established")
        for mapped in (False, True):
            await tab.evaluate("page.sendInfo", {"note": "Grüße, a=b"}, mapped)
        await self.eventually("INFO", lambda: len(self.pbx.infos) == 2)
        form = "note=Gr%C3%BC%C3%9Fe%2C+a%3Db"
        kinds = ("application/octet-stream", "application/x-www-form-urlencoded")
        self.assertEqual([(info.content_type, info.body) for info in self.pbx.infos], [(kind, form) for kind in kinds])
        self.assertEqual((await self.pbx.info("reply=%22ja%22%2C+bitte")).status, 200)
        self.assertEqual(await self.event(tab, "info"), 'reply="ja", bitte')
        await self.hung_up(tab)

    async def test_called_by_the_desktop(self) -> None:
        """An INVITE without SDP is answered by NOTIFY talk with an offer; the answer in a late ACK brings audio."""
        tab = await self.registered()
        ringing = self.pbx.ringing()
        answered = self.pbx.invite()
        await ringing
        await self.controlled("talk")
        self.assertIn("RTP/AVP", (await answered).body)
        await self.pause(2.0)
        self.assertGreater(self.pbx.repeats, 1)
        self.pbx.acknowledge()
        await self.event(tab, "established")
        await self.hears(tab, "page.pc")
        await self.hung_up(tab)
