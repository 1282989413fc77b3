"""
A PBX that speaks plain RTP: real Chromium, Kamailio with rtpengine, and an Asterisk endpoint without WebRTC.

The page speaks ICE, DTLS-SRTP and rtcp-mux with rtpengine; Asterisk's side of it is RTP/AVP with G.711, and that it is
nothing else is looked up in what Asterisk was sent.
"""

import re

from tests.interop.chromium import Tab
from tests.interop.gateway import Gateway
from tests.interop.page_cases import PageCase
from tests.interop.servers import PASSWORD
from wrtcgw.sip.message import Response

WEBRTC = ("a=ice-ufrag", "a=candidate", "a=fingerprint", "a=rtcp-mux", "a=crypto")
"""Lines that a plain endpoint should not see."""


class PlainCase(PageCase):
    """What a page does in a call through rtpengine."""

    async def signed_in(self, dn: str) -> Tab:
        """Open the desk page and sign in."""
        await self.connected(self.gateway())
        tab = await self.open("desk.html")
        self.assertEqual(await tab.evaluate("desk.signIn", f"desk-{dn}", dn, PASSWORD), 200)
        return tab

    async def calling(self, tab: Tab, number: str) -> None:
        """Call a number that answers."""
        await tab.evaluate("desk.offer", number)
        await self.told(tab, "ANSWER")
        self.assertIsNone(await tab.evaluate("() => desk.failure"))

    async def redirected(self, tab: Tab, direction: str) -> None:
        """Let the page make an offer with another direction."""
        await tab.evaluate("(direction) => { desk.pc.getTransceivers()[0].direction = direction; }", direction)
        await self.offered(tab)

    async def offered(self, tab: Tab, **options: object) -> None:
        """Let the page make an offer inside its call, and wait until it has the answer."""
        await tab.evaluate("desk.offer", None, options)
        for _ in range(40):
            if await tab.evaluate("() => desk.pc.signalingState === 'stable'"):
                break
            await self.pause(0.25)
        else:
            self.fail("the page's offer was not answered")
        self.assertIsNone(await tab.evaluate("() => desk.failure"))

    async def hung_up(self, tab: Tab) -> None:
        """Let the page hang up and sign out, with nothing left behind."""
        self.assertEqual(await tab.evaluate("desk.verb", "hangup"), 200)
        await self.quiet()
        self.assertEqual(await tab.evaluate("desk.verb", "sign_out"), 200)


class PlainCalls(PlainCase):
    """Calls of a page to and from Asterisk's plain agents."""

    def gateway(self) -> Gateway:
        """Return a gateway in front of Kamailio with rtpengine; pages of our origin may call it."""
        settings = {"allowed_origins": [self.environment.origin]}
        return self.environment.gateway("rtpengine", self.environment.bridge().way, settings)

    async def test_echo(self) -> None:
        """A call to Echo() has audio both ways, before and after a hold by the gateway, and Asterisk sees plain RTP."""
        await self.asterisk("pjsip set logger on")
        self.addCleanup(self.asterisk, "pjsip set logger off")
        tab = await self.signed_in("5021")
        await self.calling(tab, "1003")
        await self.hears(tab, "desk.pc")
        self.assertEqual(await tab.evaluate("desk.verb", "hold"), 200)
        # Echo() goes on echoing to a plain endpoint that holds it: silence is what test_page_holds looks for
        self.assertEqual(await tab.evaluate("desk.verb", "resume"), 200)
        await self.hears(tab, "desk.pc")
        await self.hung_up(tab)
        seen = self.environment.asterisk.log.read_text(errors="replace")
        self.assertEqual(set(re.findall(r"m=audio \d+ (\S+)", seen)), {"RTP/AVP"})
        for webrtc in WEBRTC:
            self.assertNotIn(webrtc, seen)

    async def test_page_holds(self) -> None:
        """A page that holds with a=inactive has silence both ways, and audio again after its next offer."""
        tab = await self.signed_in("5021")
        await self.calling(tab, "1003")
        await self.hears(tab, "desk.pc")
        await self.redirected(tab, "inactive")
        await self.falls_silent(tab, "desk.pc")
        await self.redirected(tab, "sendrecv")
        await self.hears(tab, "desk.pc")
        await self.hung_up(tab)

    async def test_ice_restart(self) -> None:
        """After an ICE restart by the page there is audio again, over the new credentials."""
        tab = await self.signed_in("5021")
        await self.calling(tab, "1003")
        await self.hears(tab, "desk.pc")
        users = (
            "() => [desk.pc.localDescription, desk.pc.remoteDescription].map((each) => /ufrag:(.*)/.exec(each.sdp)[1])"
        )
        before = await tab.evaluate(users)
        await self.offered(tab, iceRestart=True)
        after = await tab.evaluate(users)
        self.assertFalse(set(before) & set(after), (before, after))
        await self.hears(tab, "desk.pc")
        await self.hung_up(tab)

    async def test_inbound(self) -> None:
        """The page answers what Asterisk offers as plain RTP: audio both ways, also after a hold."""
        tab = await self.signed_in("5022")
        originated = self.originate(5022)
        await self.told(tab, "OK")
        self.assertIsNone(await tab.evaluate("() => desk.failure"))
        await originated
        await self.hears(tab, "desk.pc")
        self.assertEqual(await tab.evaluate("desk.verb", "hold"), 200)
        self.assertEqual(await tab.evaluate("desk.verb", "resume"), 200)
        await self.hears(tab, "desk.pc")
        await self.asterisk("channel request hangup all")
        await self.told(tab, "SHUTDOWN")
        self.assertEqual(await tab.evaluate("desk.verb", "sign_out"), 200)


class OfferlessCalls(PlainCase):
    """What SIP Server does: the page offers in the 200, the PBX answers in the ACK."""

    def setUp(self) -> None:
        """Start the PBX and what stands in front of it."""
        super().setUp()
        self.pbx, self.way_there = self.plain_pbx()

    def gateway(self) -> Gateway:
        """Return a gateway in front of that PBX."""
        settings = {"allowed_origins": [self.environment.origin]}
        return self.environment.gateway("offerless", self.way_there, settings)

    async def test_offerless(self) -> None:
        """An INVITE and a re-INVITE without a description give the PBX plain RTP, and the page audio after each ACK."""
        self.addCleanup(self.environment.dismiss, "offerless")
        tab = await self.signed_in("5031")
        version, port = self.is_plain(await self.pbx.invite())
        # SIP Server calls the other party first: the 200 comes again meanwhile (RFC 3261 13.3.1.4)
        await self.pause(2.0)
        self.assertGreater(self.pbx.repeats, 1)
        self.pbx.acknowledge()
        await self.hears(tab, "desk.pc")
        next_version, same_port = self.is_plain(await self.pbx.invite())
        self.assertGreater(next_version, version)
        self.assertEqual(same_port, port)
        self.pbx.acknowledge()
        await self.hears(tab, "desk.pc")
        self.assertIsNone(await tab.evaluate("() => desk.failure"))
        self.assertEqual(await tab.evaluate("desk.verb", "hangup"), 200)
        self.assertTrue(self.pbx.ended)
        self.assertEqual(await tab.evaluate("desk.verb", "sign_out"), 200)

    def is_plain(self, response: Response) -> tuple[int, int]:
        """See to it that an offer is G.711 and DTMF by RTP/AVP, nothing of WebRTC; return its version and its port."""
        offer = response.body
        self.assertEqual(response.status, 200)
        self.assertRegex(offer, r"m=audio \d+ RTP/AVP .*\b0\b")
        self.assertIn("telephone-event/8000", offer)
        for webrtc in WEBRTC:
            self.assertNotIn(webrtc, offer)
        numbers = re.search(r"o=\S+ \d+ (\d+) .*m=audio (\d+) ", offer, re.DOTALL)
        return (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
