"""Offers that meet: the page's and the far side's at the same time, for pages of both dialects."""

from socket import socketpair

from tests.support import sdptext as descriptions
from tests.support.farside import SDP
from tests.support.gatewaycase import OTHER_SDP, PAGE_SDP, GatewayCase
from tests.web.genesys.dialectcase import BROWSER_SDP, PBX_SDP, DialectCase, Page, read
from wrtcgw.calls.messages import MessageType
from wrtcgw.calls.negotiation.table import NegotiationState
from wrtcgw.errors import WrongState

CHANGED = SDP.replace("40000", "40008")
OTHER_BROWSER_SDP = BROWSER_SDP.replace("a=ice-ufrag:abcd", "a=ice-ufrag:efgh")
OTHER_PBX_SDP = PBX_SDP.replace("40000", "40008").replace("a=ice-ufrag:abcd", "a=ice-ufrag:efgh")


class DialectGlare(DialectCase):
    """The three rules for pages that know one call."""

    def told(self, page: Page) -> list[str]:
        """Return the types of all messages that are there for a page."""
        kinds = []
        while not page.silent():
            kinds.append(page.roap()["messageType"])
        return kinds

    def test_rule_1_undelivered_offer(self) -> None:
        """An offer that the page has not got is dropped, the page's goes out, and the far side's comes later."""
        page = self.page()
        far = page.call_up()
        far.reinvite(OTHER_PBX_SDP)
        self.run_for()
        page.offer()
        self.assertEqual(far.last("INVITE").status, 491)
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual(self.told(page), ["ANSWER"])
        far.reinvite(OTHER_PBX_SDP)
        self.run_for()
        page.answer(page.roap())
        self.assertEqual(far.last("INVITE").status, 200)

    def test_rule_1_offer_whose_poll_broke_off(self) -> None:
        """So it is when the offer was on its way in a poll that broke off: it is not told after the page's own."""
        page = self.page()
        far = page.call_up()
        wire = self.wire()
        ours, theirs = socketpair()
        wire.transport.socket = ours  # type: ignore[attr-defined]
        wire.get(f"/wait?id={page.ssid}")
        ours.close()
        theirs.close()
        far.reinvite(OTHER_PBX_SDP)
        self.run_for()
        page.offer()
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual(self.told(page), ["ANSWER"])

    def test_rule_1_news(self) -> None:
        """What the page was to be informed of (an answer in an ACK) gives way without any 491."""
        page = self.page()
        far = page.call_up()
        far.reinvite(answer=OTHER_PBX_SDP)
        self.run_for()
        page.offer()
        self.assertEqual(far.last("INVITE").status, 200)
        far.answer(OTHER_PBX_SDP)
        self.run_for()
        self.assertEqual(self.told(page), ["ANSWER"])

    def test_rule_1_undelivered_invite(self) -> None:
        """A page that took a call over and offers before it is asked has done what it would be asked for."""
        for peer in ("1003", "null"):
            self.start()
            far = self.page().call_up()
            page = self.page()
            page.offer(peer)
            self.assertEqual(far.methods().count("INVITE"), 2)
            far.answer(PBX_SDP)
            self.run_for()
            self.assertEqual(self.told(page), ["ANSWER"])
            far.bye()
            self.run_for()
            self.assertEqual(page.told().text, "BYE")

    def test_rule_2_delivered_offer(self) -> None:
        """An offer that the page has got, and lost by making its own, gets 491; the page's is answered, no ERROR."""
        page = self.page()
        far = page.call_up()
        far.reinvite(OTHER_PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "OFFER")
        page.offer()
        self.assertEqual(far.last("INVITE").status, 491)
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual(self.told(page), ["ANSWER"])
        self.assertEqual([response.status for response in far.responses if response.status >= 400], [491])

    def test_rule_2_page_offer_refused(self) -> None:
        """If the far side refuses the page's offer for the same reason, it is repeated after a while."""
        page = self.page()
        far = page.call_up()
        far.reinvite(OTHER_PBX_SDP)
        self.run_for()
        page.roap()
        page.offer()
        far.refuse(491)
        self.run_for(5)
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual(self.told(page), ["ANSWER"])

    def test_rule_3_page_is_asked(self) -> None:
        """A further re-INVITE while the page is to answer the first is told 500 with Retry-After (RFC 3261 14.2)."""
        page = self.page()
        far = page.call_up()
        far.reinvite(OTHER_PBX_SDP)
        self.run_for()
        offer = page.roap()
        far.reinvite(PBX_SDP.replace("40000", "40010"))
        self.run_for()
        self.assertEqual(far.last("INVITE").status, 500)
        self.assertIn(int(far.last("INVITE").headers.get("Retry-After") or "-1"), range(11))
        page.answer(offer)
        self.assertEqual(far.last("INVITE").status, 200)
        self.assertEqual(self.told(page), [])

    def test_rule_3_news_is_told(self) -> None:
        """While the page is informed of an answer, a re-INVITE that needs the page waits until it has caught up."""
        page = self.page()
        far = page.call_up()
        far.reinvite(answer=OTHER_PBX_SDP)
        self.run_for()
        offer = page.roap()
        far.reinvite(PBX_SDP.replace("a=ice-ufrag:abcd", "a=ice-ufrag:ijkl"))
        self.run_for()
        self.assertTrue(page.silent())
        page.answer(offer)
        self.run_for()
        second = page.roap()
        self.assertIn("a=ice-ufrag:ijkl", second["sdp"])
        page.answer(second)
        self.run_for()
        self.assertEqual([response.status for response in far.responses if response.status >= 300], [])
        self.assertEqual(self.told(page), [])

    def test_rule_3_page_offered(self) -> None:
        """A re-INVITE while the page's own offer is out is told 491."""
        page = self.page()
        far = page.call_up()
        page.offer()
        waiting, far.invite = far.invite, None
        far.reinvite(OTHER_PBX_SDP)
        self.run_for()
        self.assertEqual(far.last("INVITE").status, 491)
        far.invite = waiting
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual(self.told(page), ["ANSWER"])

    def test_reload_while_an_offer_is_out(self) -> None:
        """A page that takes the call over is asked for its offer only when that of the page before it is settled."""
        for status in (200, 488):
            self.start()
            page = self.page()
            far = page.call_up()
            page.offer()
            page = self.page()
            self.assertTrue(page.silent())
            if status == 200:
                far.answer(PBX_SDP)
            else:
                far.refuse(status)
            self.run_for()
            self.assertEqual(page.told().text, "INVITE")
            page.offer()
            far.answer(PBX_SDP)
            self.run_for()
            self.assertEqual(self.told(page), ["ANSWER"])

    def test_offer_while_the_gateway_offers(self) -> None:
        """An OFFER that comes while the gateway's own is open waits for the end of that; the newest one goes."""
        for answered in (True, False):
            self.start()
            page = self.page()
            far = page.call_up()
            holding = self.begin(self.gateway.hold("5001"))
            self.run_for()
            page.offer(sdp=OTHER_BROWSER_SDP)
            page.offer()
            self.assertEqual((far.methods().count("INVITE"), self.told(page)), (2, []))
            if answered:
                far.answer(PBX_SDP + "a=recvonly\r\n")
            else:
                far.refuse(488)
            self.run_for()
            (self.successResultOf if answered else self.failureResultOf)(holding)
            self.assertEqual(far.methods().count("INVITE"), 3)
            self.assertEqual(descriptions.direction(far.offer), "sendonly" if answered else "sendrecv")
            self.assertIn("a=ice-ufrag:abcd", far.offer)
            far.answer(PBX_SDP)
            self.run_for()
            self.assertEqual(self.told(page), ["ANSWER"])

    def test_offer_after_an_offer(self) -> None:
        """A page that offers again hears only of the offer that it made last: the answer would be taken for that's."""
        page = self.page()
        far = page.call_up()
        page.offer()
        page.offer(sdp=OTHER_BROWSER_SDP)
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual(self.told(page), [])
        self.assertIn("a=ice-ufrag:efgh", far.offer)
        far.answer(OTHER_PBX_SDP)
        self.run_for()
        answer = page.roap()
        self.assertEqual((answer["seq"], "a=ice-ufrag:efgh" in answer["sdp"]), (3, True))
        self.assertEqual(self.told(page), [])

    def test_end_while_an_offer_waits(self) -> None:
        """A call that ends meanwhile, or by the answer to the open offer, takes the offer with it."""
        for ends in (lambda far: far.bye(), lambda far: far.refuse(481)):
            self.start()
            page = self.page()
            far = page.call_up()
            page.offer()
            page.offer(sdp=OTHER_BROWSER_SDP)
            ends(far)
            self.run_for(1)
            self.assertEqual(far.methods().count("INVITE"), 2)
            told = page.told()
            while told.text != "BYE":
                self.assertEqual(read(told)["messageType"], "ERROR")
                told = page.told()
            self.assertTrue(page.silent())

    def test_reload_that_offers_while_an_offer_is_out(self) -> None:
        """A page that takes the call over and offers before it is asked has its offer sent when the old one is over."""
        page = self.page()
        far = page.call_up()
        page.offer()
        page = self.page()
        page.offer(sdp=OTHER_BROWSER_SDP)
        far.answer(PBX_SDP)
        self.run_for()
        self.assertIn("a=ice-ufrag:efgh", far.offer)
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual(self.told(page), ["ANSWER"])


class ROAPGlare(GatewayCase):
    """The same for pages that say what they send: the gateway always yields, as one with the lowest tiebreaker."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()
        self.call, self.peer = self.outbound(self.agent)

    def test_rules_1_and_2(self) -> None:
        """The far side hears 491, the page that the offer is withdrawn, and then the answer to its own."""
        for informing in (False, True):
            self.peer.reinvite(None if informing else CHANGED, answer=CHANGED)
            self.run_for()
            self.assertEqual(self.types(self.agent), ["OFFER"])
            self.describe(self.agent, OTHER_SDP, kind=MessageType.OFFER)
            self.assertEqual(self.peer.last("INVITE").status, 200 if informing else 491)
            self.assertIs(self.call.negotiation.state, NegotiationState.LOCAL_OFFER)
            self.assertIn("m=audio 30002", self.peer.offer)
            self.peer.answer(SDP)
            self.run_for()
            told = self.messages(self.agent)
            self.assertEqual([message.type.value for message in told], ["ERROR", "ANSWER"])
            self.assertEqual((told[0].cause, told[0].ends_call), ("withdrawn", False))

    def test_rule_3(self) -> None:
        """A re-INVITE while the page is asked is told 500, while its offer is out 491."""
        self.peer.reinvite(CHANGED)
        self.run_for()
        self.peer.reinvite(SDP)
        self.run_for()
        self.assertEqual(self.peer.last("INVITE").status, 500)
        self.describe(self.agent, OTHER_SDP, kind=MessageType.ANSWER)
        self.describe(self.agent, PAGE_SDP, kind=MessageType.OFFER)
        self.peer.reinvite(CHANGED)
        self.run_for()
        self.assertEqual(self.peer.last("INVITE").status, 491)

    def test_plain_page(self) -> None:
        """A description of which the page does not say what it is answers the offer that is open."""
        self.peer.reinvite(CHANGED)
        self.run_for()
        self.describe(self.agent, OTHER_SDP)
        self.assertEqual(self.peer.last("INVITE").status, 200)

    def test_taken_over_while_an_offer_is_out(self) -> None:
        """A new page is asked for its offer when the old page's is settled, and hears nothing of that one."""
        self.describe(self.agent, OTHER_SDP)
        self.sign_in()
        self.assertEqual(self.types(self.agent), [])
        self.peer.answer(SDP)
        self.run_for()
        (asked,) = self.messages(self.agent)
        self.assertEqual((asked.type, asked.sdp, asked.cause), (MessageType.OFFER, None, "resync"))

    def test_offer_while_the_gateway_offers(self) -> None:
        """An OFFER during a hold goes out after that; one of which the page does not say so much is refused."""
        holding = self.begin(self.gateway.hold("alice"))
        self.run_for()
        self.assertRaises(WrongState, self.describe, self.agent, OTHER_SDP)
        self.describe(self.agent, OTHER_SDP, kind=MessageType.OFFER)
        self.peer.answer(CHANGED.replace("sendrecv", "recvonly"))
        self.run_for()
        self.successResultOf(holding)
        self.assertIn("m=audio 30002", self.peer.offer)
        self.assertEqual(self.types(self.agent), ["HOLD"])
        self.peer.answer(SDP)
        self.run_for()
        self.assertEqual(self.types(self.agent), ["ANSWER"])

    def test_offer_after_an_offer(self) -> None:
        """A page that offers although its own offer is open is refused: it has to wait for the answer."""
        self.describe(self.agent, OTHER_SDP, kind=MessageType.OFFER)
        self.assertRaises(WrongState, self.describe, self.agent, PAGE_SDP, kind=MessageType.OFFER)

    def test_offer_of_a_page_that_takes_over(self) -> None:
        """A new page that offers before it is asked need not wait for the offer of the page before it."""
        self.describe(self.agent, OTHER_SDP, kind=MessageType.OFFER)
        self.sign_in()
        self.describe(self.agent, PAGE_SDP, kind=MessageType.OFFER)
        self.peer.answer(SDP)
        self.run_for()
        self.assertIn("m=audio 30000", self.peer.offer)
        self.peer.answer(SDP)
        self.run_for()
        self.assertEqual(self.types(self.agent), ["ANSWER"])
