"""What the far side is offered for a page, and which way media may flow, when nobody asked the page."""

from tests.support import sdptext as descriptions
from tests.support.farside import SDP, FarCall
from tests.support.gatewaycase import PAGE_SDP, GatewayCase
from tests.web.genesys.dialectcase import BROWSER_SDP, PBX_SDP, DialectCase, Page, read
from wrtcgw.calls.messages import MessageType

FULL = PAGE_SDP.replace("RTP/AVP 0 101", "RTP/AVP 0 8 101").replace(
    "a=rtpmap:101", "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101"
)
"""What a page can do."""
CHANGED = SDP.replace("40000", "40008")
ICE = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\n"
FULL_ICE = FULL.replace("a=sendrecv\r\n", ICE + "a=sendrecv\r\n")
PBX_HELD = PBX_SDP + "a=sendonly\r\n"
PBX_INACTIVE = PBX_SDP + "a=inactive\r\n"


def way(text: str, direction: str) -> str:
    """Return a description with another direction."""
    return text.replace("sendrecv", direction)


class OfferlessReinvite(GatewayCase):
    """T2.2 and T5.9: a re-INVITE without SDP is answered from what is known, without the page."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()

    def narrowed(self, offer: str, answer: str) -> str:
        """Let a page offer, then answer a change of the far side; return what a re-INVITE without SDP gets then."""
        call, far = self.place(self.agent, sdp=offer)
        far.answer(SDP)
        self.run_for(1)
        far.reinvite(CHANGED)
        self.run_for()
        self.describe(self.agent, answer, call_id=call.id)
        self.messages(self.agent)
        far.reinvite(answer=CHANGED)
        self.run_for()
        self.assertEqual(self.types(self.agent), [])
        self.done(self.gateway.hangup("alice"))
        self.messages(self.agent)
        return far.last("INVITE").body

    def test_full_list(self) -> None:
        """After an answer with fewer formats it is the page's whole list again, with the next version, same port."""
        self.assertEqual(self.narrowed(FULL, PAGE_SDP), FULL.replace("page 1 1", "page 1 3"))

    def test_full_list_with_ice(self) -> None:
        """So it is with the same credentials; transport, candidates and attributes are those of the answer."""
        answer = FULL_ICE.replace("0 8 101", "0 101").replace("a=rtpmap:8 PCMA/8000\r\n", "")
        answer = answer.replace("actpass", "active").replace("30000", "30004") + "a=mid:0\r\n"
        offer = self.narrowed(FULL_ICE, answer)
        self.assertIn("m=audio 30004 RTP/AVP 0 8 101\r\n", offer)
        self.assertIn("a=rtpmap:8 PCMA/8000\r\n", offer)
        self.assertIn("a=ice-ufrag:abcd\r\n", offer)
        self.assertIn("a=setup:actpass\r\n", offer)
        self.assertIn("a=mid:0\r\n", offer)

    def test_other_transport(self) -> None:
        """What the page can do elsewhere it was not asked for here: another port, other credentials."""
        for offer, answer in (
            (FULL, PAGE_SDP.replace("30000", "30008")),
            (FULL_ICE, FULL_ICE.replace("abcd", "efgh").replace("0 8 101", "0 101")),
            (FULL_ICE, FULL_ICE.replace("AA:BB", "CC:DD").replace("0 8 101", "0 101")),
        ):
            self.assertIn("RTP/AVP 0 101\r\n", self.narrowed(offer, answer))

    def test_other_numbers(self) -> None:
        """A number that means another format now is not given back its old meaning (RFC 3264 section 8.3.2)."""
        answer = PAGE_SDP.replace("telephone-event/8000", "CN/8000")
        self.assertIn("RTP/AVP 0 101\r\n", self.narrowed(FULL, answer))

    def test_page_that_only_answered(self) -> None:
        """Of a page that never offered only its answer is known: that is offered."""
        _, far = self.inbound(self.agent)
        self.describe(self.agent)
        far.reinvite(answer=SDP)
        self.run_for()
        self.assertEqual(far.last("INVITE").body, PAGE_SDP.replace("page 1 1", "page 1 2"))

    def test_wish(self) -> None:
        """It wants both ways, even if the page's last answer could not; the page is told of what comes of it."""
        _, far = self.outbound(self.agent)
        far.reinvite(way(CHANGED, "sendonly"))
        self.run_for()
        self.describe(self.agent, way(PAGE_SDP, "recvonly"))
        self.messages(self.agent)
        far.reinvite(answer=CHANGED)
        self.run_for()
        self.assertEqual(descriptions.direction(far.last("INVITE").body), "sendrecv")
        self.assertEqual(self.last(self.agent, MessageType.OFFER).sdp, CHANGED)


class PageThatHeardOfTheHold(DialectCase):
    """A page that has applied a hold of the far side has to hear of its end, or there is no audio."""

    def held(self, answer: str) -> Page:
        """Return a page whose far side holds, and that has made an offer since."""
        self.page_ = page = self.page()
        self.far_ = far = page.call_up()
        far.reinvite(PBX_HELD)
        self.run_for()
        self.assertTrue(page.silent())
        page.offer()
        far.answer(answer)
        self.run_for()
        page.ok(page.roap())
        self.assertTrue(page.silent())
        return page

    def test_resumed(self) -> None:
        """The re-INVITE that resumes is for the page; what it answers is both ways."""
        for answer in (PBX_HELD, PBX_INACTIVE, PBX_SDP + "a=recvonly\r\n"):
            self.start()
            page = self.held(answer)
            self.far_.reinvite(PBX_SDP)
            self.run_for()
            offer = read(page.told())
            self.assertEqual((offer["messageType"], descriptions.direction(offer["sdp"])), ("OFFER", "sendrecv"))
            page.answer(offer)
            self.assertEqual(self.far_.last("INVITE").status, 200)
            self.assertEqual(descriptions.direction(self.far_.last("INVITE").body), "sendrecv")
            self.far_.reinvite(PBX_SDP)
            self.run_for()
            self.assertTrue(page.silent())

    def test_resumed_without_an_offer(self) -> None:
        """So it is when the far side resumes by asking for our offer: the page applies the answer."""
        page = self.held(PBX_INACTIVE)
        self.far_.reinvite(answer=PBX_SDP)
        self.run_for()
        self.assertEqual(descriptions.direction(self.far_.last("INVITE").body), "sendrecv")
        offer = read(page.told())
        self.assertEqual(descriptions.direction(offer["sdp"]), "sendrecv")
        page.answer(offer)
        self.assertTrue(page.silent())

    def test_held_again(self) -> None:
        """Further holds, and refreshes of a hold, are answered for the page."""
        page = self.held(PBX_HELD)
        for offer, answer in ((PBX_HELD, "recvonly"), (PBX_INACTIVE, "inactive"), (PBX_HELD, "recvonly")):
            self.far_.reinvite(offer)
            self.run_for()
            self.assertEqual(descriptions.direction(self.far_.last("INVITE").body), answer)
        self.assertTrue(page.silent())

    def test_page_that_did_not_hear(self) -> None:
        """A page that never heard of the hold need not hear of its end."""
        page = self.page()
        far = page.call_up()
        for offer in (PBX_HELD, PBX_SDP):
            far.reinvite(offer)
            self.run_for()
        self.assertEqual(descriptions.direction(far.last("INVITE").body), "sendrecv")
        self.assertTrue(page.silent())

    def test_page_that_holds_itself(self) -> None:
        """A page that holds is left alone by a far side that would like to talk."""
        page = self.page()
        far = page.call_up()
        page.offer(sdp=way(BROWSER_SDP, "inactive"))
        far.answer(PBX_INACTIVE)
        self.run_for()
        page.ok(page.roap())
        far.reinvite(PBX_SDP)
        self.run_for()
        self.assertEqual(descriptions.direction(far.last("INVITE").body), "inactive")
        self.assertTrue(page.silent())

    def test_new_media_on_hold(self) -> None:
        """A page that answered new media of a far side that holds is asked again when that one resumes."""
        page = self.page()
        far = page.call_up()
        other = PBX_SDP.replace("a=ice-ufrag:abcd", "a=ice-ufrag:efgh")
        far.reinvite(other + "a=sendonly\r\n")
        self.run_for()
        page.answer(page.roap(), sdp=way(BROWSER_SDP, "recvonly"))
        far.reinvite(other)
        self.run_for()
        page.answer(page.roap())
        self.assertEqual(descriptions.direction(far.last("INVITE").body), "sendrecv")


class HeldByTheAgent(GatewayCase):
    """The same for a hold of the agent's that the gateway keeps."""

    def test_resume_after_an_offer_on_hold(self) -> None:
        """A page that has offered while the call was on hold is told of the answer to the resume."""
        agent = self.sign_in()
        _, far = self.outbound(agent)
        holding = self.begin(self.gateway.hold("alice"))
        self.run_for()
        far.answer(way(SDP, "recvonly"))
        self.run_for()
        self.successResultOf(holding)
        self.describe(agent, kind=MessageType.OFFER)
        far.answer(way(SDP, "recvonly"))
        self.run_for()
        self.messages(agent)
        resuming = self.begin(self.gateway.resume("alice"))
        self.run_for()
        far.answer(SDP)
        self.run_for()
        self.successResultOf(resuming)
        resumed, offer = self.messages(agent)
        self.assertEqual((resumed.type, offer.type, offer.sdp), (MessageType.RESUME, MessageType.OFFER, SDP))
        self.describe(agent, kind=MessageType.ANSWER)
        self.assertEqual(self.types(agent), [])


class ServerHold(DialectCase):
    """W 6.5: a hold that the server ordered ends by the far side's re-INVITE, too; the agent's own one does not."""

    def ordered(self) -> tuple[Page, FarCall]:
        """Return a page that holds by the server's order."""
        page = self.page()
        far = page.call_up()
        far.notify("hold")
        self.run_for()
        self.assertEqual(page.told().text, "EVENT-HOLD")
        self.offer(page, far, "inactive")
        return page, far

    def offer(self, page: Page, far: FarCall, direction: str) -> None:
        """Have a page offer, and the far side answer in kind."""
        page.offer(sdp=way(BROWSER_SDP, direction))
        far.answer(PBX_SDP + f"a={direction}\r\n")
        self.run_for()
        page.ok(page.roap())

    def ignored(self, page: Page, far: FarCall) -> None:
        """Check that an active re-INVITE leaves the page on hold."""
        far.reinvite(PBX_SDP)
        self.run_for()
        self.assertEqual(descriptions.direction(far.last("INVITE").body), "inactive")
        self.assertTrue(page.silent())

    def test_resumed(self) -> None:
        """The page gets the OFFER, and its active answer goes back; from then on it holds no more."""
        page, far = self.ordered()
        far.reinvite(PBX_SDP)
        self.run_for()
        offer = page.roap()
        self.assertEqual((offer["messageType"], descriptions.direction(offer["sdp"])), ("OFFER", "sendrecv"))
        page.answer(offer)
        self.assertEqual(descriptions.direction(far.last("INVITE").body), "sendrecv")
        self.goes_on(page, far)
        self.offer(page, far, "inactive")
        self.ignored(page, far)

    def goes_on(self, page: Page, far: FarCall) -> None:
        """Check that a page that does not hold is not asked when the far side says in other words what it said."""
        far.reinvite(PBX_SDP + "a=sendrecv\r\n")
        self.run_for()
        self.assertEqual(descriptions.direction(far.last("INVITE").body), "sendrecv")
        self.assertTrue(page.silent())

    def test_not_obeyed(self) -> None:
        """A page that offers to talk when it was to hold does not hold."""
        page = self.page()
        far = page.call_up()
        far.notify("hold")
        self.run_for()
        page.told()
        self.offer(page, far, "sendrecv")
        far.reinvite(PBX_SDP)
        self.run_for()
        self.goes_on(page, far)

    def test_not_active(self) -> None:
        """A re-INVITE that does not want to talk resumes nothing."""
        page, far = self.ordered()
        for offer in (PBX_HELD, PBX_INACTIVE, PBX_SDP + "a=recvonly\r\n"):
            far.reinvite(offer)
            self.run_for()
            self.assertNotEqual(descriptions.direction(far.last("INVITE").body), "sendrecv")
            self.assertTrue(page.silent())

    def test_refresh(self) -> None:
        """Nor does one that repeats what the far side has answered to the hold, whatever it has said there."""
        page = self.page()
        far = page.call_up()
        far.notify("hold")
        self.run_for()
        page.told()
        page.offer(sdp=way(BROWSER_SDP, "inactive"))
        far.answer(PBX_SDP)
        self.run_for()
        page.ok(page.roap())
        self.ignored(page, far)

    def test_own_hold(self) -> None:
        """A page that held before the order came, or after it had resumed, holds for its agent."""
        page = self.page()
        far = page.call_up()
        self.offer(page, far, "inactive")
        far.notify("hold")
        self.run_for()
        self.assertEqual(page.told().text, "EVENT-HOLD")
        self.ignored(page, far)
        self.offer(page, far, "inactive")
        self.ignored(page, far)
        page, far = self.again()
        self.offer(page, far, "sendrecv")
        self.offer(page, far, "inactive")
        self.ignored(page, far)

    def again(self) -> tuple[Page, FarCall]:
        """Begin anew, on hold by order."""
        self.start()
        return self.ordered()

    def test_refused_hold(self) -> None:
        """A hold that the far side refused is none, so the next one is the agent's."""
        page = self.page()
        far = page.call_up()
        far.notify("hold")
        self.run_for()
        page.told()
        page.offer(sdp=way(BROWSER_SDP, "inactive"))
        far.refuse(488)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "ERROR")
        self.offer(page, far, "inactive")
        self.ignored(page, far)


class ServerHoldByTheGateway(GatewayCase):
    """The same where the gateway holds for the server."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()
        self.call, self.peer = self.outbound(self.agent)

    def ordered(self) -> None:
        """Let the server order a hold."""
        self.peer.notify("hold")
        self.run_for()
        self.peer.answer(way(SDP, "recvonly"))
        self.run_for()
        self.assertEqual(self.types(self.agent), ["HOLD"])

    def reinvite(self, text: str) -> str:
        """Return the direction of the answer that a re-INVITE gets."""
        self.peer.reinvite(text)
        self.run_for()
        return descriptions.direction(self.peer.last("INVITE").body)

    def test_resumed(self) -> None:
        """An active re-INVITE resumes; the page is told that it was the server."""
        self.ordered()
        self.assertEqual(self.reinvite(way(SDP, "recvonly")), "sendonly")
        self.assertTrue(self.call.held)
        self.assertEqual(self.reinvite(SDP), "sendrecv")
        self.assertFalse(self.call.held)
        (resumed,) = self.messages(self.agent)
        self.assertEqual((resumed.type, resumed.cause), (MessageType.RESUME, "server"))

    def test_resumed_with_new_media(self) -> None:
        """So it is when the page has to answer: the hold ends with its answer, and stays when there is none."""
        self.ordered()
        self.peer.reinvite(CHANGED)
        self.run_for(12)
        self.assertEqual((self.types(self.agent), self.call.held), (["OFFER", "ERROR"], True))
        self.peer.reinvite(CHANGED)
        self.run_for()
        self.assertTrue(self.call.held)
        self.describe(self.agent)
        self.assertEqual(descriptions.direction(self.peer.last("INVITE").body), "sendrecv")
        self.assertEqual((self.types(self.agent), self.call.held), (["OFFER", "RESUME"], False))

    def test_hold_of_the_agent(self) -> None:
        """What the agent has put on hold stays so."""
        holding = self.begin(self.gateway.hold("alice"))
        self.run_for()
        self.peer.answer(way(SDP, "recvonly"))
        self.run_for()
        self.successResultOf(holding)
        self.assertEqual(self.reinvite(SDP), "sendonly")
        self.assertTrue(self.call.held)


class HoldTakenOver(DialectCase):
    """A hold by the other API, of a call that a page of the dialect takes over."""

    def held(self, by: str) -> FarCall:
        """Return a call on hold."""
        agent = self.sign_in("5001", "5001")
        _, far = self.outbound(agent, PBX_SDP)
        if by == "server":
            far.notify("hold")
        else:
            self.begin(self.gateway.hold("5001"))
        self.run_for()
        far.answer(PBX_SDP + "a=recvonly\r\n")
        self.run_for()
        self.assertEqual(self.types(agent), ["HOLD"])
        return far

    def test_ends_by_the_offer(self) -> None:
        """The new page, which knows of no hold, offers to talk: that is what the far side is offered."""
        far = self.held("local")
        page = self.page()
        self.assertEqual(page.told().text, "INVITE")
        page.offer("5002")
        self.assertEqual(descriptions.direction(far.offer), "sendrecv")
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "ANSWER")
        (call,) = self.agent_of().calls.values()
        self.assertFalse(call.held)

    def test_held_again(self) -> None:
        """A later hold of the gateway's is not ended by an offer of the page, which knows nothing of it."""
        far = self.held("local")
        page = self.page()
        page.told()
        page.offer("5002")
        far.answer(PBX_SDP)
        self.run_for()
        page.ok(page.roap())
        self.begin(self.gateway.hold("5001"))
        self.run_for()
        far.answer(PBX_SDP + "a=recvonly\r\n")
        self.run_for()
        page.offer("5002")
        self.assertEqual(descriptions.direction(far.offer), "sendonly")

    def test_page_of_the_other_api(self) -> None:
        """A page that can be told of the hold finds it as it was."""
        far = self.held("local")
        self.sign_in("5001", "5001")
        self.describe(self.agent_of(), kind=MessageType.OFFER)
        self.assertEqual(descriptions.direction(far.offer), "sendonly")

    def test_stays_when_refused(self) -> None:
        """When the far side refuses, the call is on hold as before, and the next offer of the page ends that."""
        far = self.held("local")
        page = self.page()
        page.told()
        page.offer("5002")
        far.refuse(488)
        self.run_for()
        (call,) = self.agent_of().calls.values()
        self.assertTrue(call.held)
        page.offer("5002")
        self.assertEqual(descriptions.direction(far.offer), "sendrecv")

    def test_order_of_the_server(self) -> None:
        """What the server has put on hold is for the server to resume: by talk, or by its own re-INVITE."""
        for event in ("talk", "re-INVITE"):
            self.start()
            far = self.held("server")
            page = self.page()
            page.told()
            page.offer("5002")
            self.assertEqual(descriptions.direction(far.offer), "sendonly")
            far.answer(PBX_SDP + "a=recvonly\r\n")
            self.run_for()
            page.ok(page.roap())
            if event == "talk":
                far.notify("talk")
                self.run_for()
                self.assertEqual(descriptions.direction(far.offer), "sendrecv")
                far.answer(PBX_SDP)
            else:
                far.reinvite(PBX_SDP)
                self.run_for()
                page.answer(page.roap())  # it has applied that the far side does not send
            self.run_for()
            (call,) = self.agent_of().calls.values()
            self.assertFalse(call.held)
