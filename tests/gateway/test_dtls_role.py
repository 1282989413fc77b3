"""The DTLS association of a call, as Asterisk and others are asked to keep it, or to begin a new one."""

from tests.support.farside import SDP, FarCall
from tests.support.gatewaycase import PAGE_SDP, GatewayCase
from wrtcgw.calls.messages import MessageType

ACTPASS, ACTIVE, PASSIVE = "a=setup:actpass\r\n", "a=setup:active\r\n", "a=setup:passive\r\n"
LET_GO = "a=setup:holdconn\r\n"
FIRST, SECOND, THIRD = (f"a=fingerprint:sha-256 {name}\r\n" for name in ("AA:01", "AA:02", "AA:03"))
ASTERISK = SDP + "a=connection:new\r\na=fingerprint:SHA-256 BB:01\r\n"
"""Before its role."""
BROWSER = SDP + "a=fingerprint:sha-256 BB:01\r\n"


def video(sdp: str) -> str:
    """Return a description with a second stream, of the same transport."""
    session, audio = sdp.split("m=", 1)
    return f"{session}m={audio}m={audio.replace('audio', 'video', 1)}"


class Associations(GatewayCase):
    """Calls whose page is loaded again."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()

    def placed(self, answer: str, page: str = PAGE_SDP + FIRST + ACTPASS) -> FarCall:
        """Place a call, and let the page sign in again once it is answered."""
        _, far = self.place(self.agent, sdp=page)
        far.answer(answer)
        self.run_for(1)
        return far

    def offered(self, far: FarCall, page: str) -> str:
        """Let the page offer what it is, and return what the far side gets, without its origin."""
        self.sign_in()
        self.describe(self.agent, page, kind=MessageType.OFFER)
        return far.offer.replace(far.offer.splitlines()[1], PAGE_SDP.splitlines()[1])

    def test_placed(self) -> None:
        """Asterisk, which was active, lets go of its role and takes it again; so it does after another reload."""
        far = self.placed(ASTERISK + ACTIVE)
        for fingerprint in (SECOND, THIRD):
            offer = self.offered(far, video(PAGE_SDP + fingerprint + ACTPASS))
            expected = video(PAGE_SDP + fingerprint + PASSIVE).replace("m=", LET_GO + "m=", 1)
            self.assertEqual(offer, expected)
            far.answer(video(ASTERISK + ACTIVE))
            self.run_for()

    def test_called(self) -> None:
        """In a call that came from Asterisk, which left the role to the page, the page stays active."""
        _, far = self.inbound(self.agent, ASTERISK + ACTPASS)
        self.describe(self.agent, PAGE_SDP + FIRST + ACTIVE, kind=MessageType.ANSWER)
        offer = self.offered(far, PAGE_SDP + SECOND + ACTPASS)
        self.assertEqual(offer, (PAGE_SDP + SECOND + ACTIVE).replace("m=", LET_GO + "m=", 1))

    def test_same_page(self) -> None:
        """A page that offers again, with the certificate that it had, offers as it does; so is its hold."""
        far = self.placed(ASTERISK + ACTIVE)
        self.offered(far, PAGE_SDP + SECOND + ACTPASS)
        far.answer(ASTERISK + ACTIVE)
        self.run_for()
        again = PAGE_SDP.replace("30000", "30004") + SECOND + ACTPASS
        self.assertEqual(self.offered(far, again), again)
        far.answer(ASTERISK + ACTIVE)
        self.run_for()
        waiting = self.begin(self.gateway.hold("alice"))
        self.run_for()
        self.assertEqual((far.offer.count(ACTPASS), far.offer.count("a=setup:")), (1, 1))
        far.answer(ASTERISK.replace("sendrecv", "recvonly") + ACTIVE)
        self.run_for()
        self.successResultOf(waiting)

    def test_others(self) -> None:
        """Who goes by the fingerprint, or knows no DTLS, gets the page's offer as it is."""
        for answer in (BROWSER + ACTIVE, ASTERISK, SDP):
            far = self.placed(answer)
            for fingerprint in (SECOND, THIRD):
                page = PAGE_SDP + fingerprint + ACTPASS
                self.assertEqual(self.offered(far, page), page)
                far.answer(answer)
                self.run_for()
            far.bye()
            self.run_for()

    def test_own_choice(self) -> None:
        """A page that names its role, or has no DTLS, is believed."""
        far = self.placed(ASTERISK + ACTIVE)
        for page in (PAGE_SDP + SECOND + ACTIVE, PAGE_SDP):
            self.assertEqual(self.offered(far, page), page)
            far.answer(ASTERISK + PASSIVE)
            self.run_for()

    def test_refreshes(self) -> None:
        """Asterisk leaves the role open in each of its offers; each answer names the one that is ours."""
        for role, ours in ((ACTIVE, PASSIVE), (PASSIVE, ACTIVE)):
            far = self.placed(ASTERISK + role)
            for _ in range(3):
                far.reinvite(ASTERISK + ACTPASS)
                self.run_for()
                answer = far.last("INVITE")
                self.assertEqual((answer.status, answer.body.count(ours), answer.body.count("a=setup:")), (200, 1, 1))
            far.bye()
            self.run_for()
