"""What a broken or hostile page sends, and what comes of it: nothing for anyone else, and never a traceback."""

from tests.support import sdptext as sdp
from tests.web.genesys.dialectcase import BROWSER_SDP, PBX_SDP, DialectCase


class HostileMessages(DialectCase):
    """Messages that no library writes."""

    def refused(self, description: str) -> None:
        """Post an OFFER that must come to nothing but ERROR and BYE; the SIP side must not hear of it."""
        page = self.page()
        page.offer(sdp=description)
        self.assertEqual(page.roap()["messageType"], "ERROR")
        self.assertEqual(page.told().text, "BYE")
        self.assertEqual(self.far.calls, [])

    def test_half_a_character(self) -> None:
        """An escape for half a character, which UTF-8 cannot carry, is no description."""
        self.refused(BROWSER_SDP.replace("s=-", "s=\ud83d"))

    def test_too_long(self) -> None:
        """A description that no proxy would take is refused here: the proxy would close everyone's connection."""
        self.refused(BROWSER_SDP + "a=x:" + "y" * sdp.LONGEST + "\r\n")

    def test_too_long_in_a_call(self) -> None:
        """A re-offer that is too long leaves the call up, and the next one is taken."""
        page = self.page()
        far = page.call_up()
        page.offer(sdp=BROWSER_SDP + "a=x:" + "y" * sdp.LONGEST + "\r\n")
        self.assertEqual(page.roap()["messageType"], "ERROR")
        self.assertEqual(far.methods().count("INVITE"), 1)
        page.offer(sdp=BROWSER_SDP.replace("sendrecv", "inactive"))
        self.assertEqual(far.methods().count("INVITE"), 2)

    def test_greatest_numbers(self) -> None:
        """Numbers that no page's language has count as absent: one more than the last seq could not be written."""
        page = self.page()
        page.seq = int("9" * 4300) - 1
        page.offer()
        far = self.far.calls[-1]
        far.answer(PBX_SDP)
        self.run_for()
        page.ok(page.roap())
        far.reinvite(PBX_SDP.replace("40000", "40002").replace("abcdefgh", "ABCDEFGH"))
        self.run_for()
        self.assertEqual(page.roap()["seq"], 1)


class OddIds(DialectCase):
    """Ids that are written as addresses."""

    def test_secure_address(self) -> None:
        """The colon of a leading ``sips:`` parts nothing either: the DN is the user of the address, in any case."""
        for scheme in ("sips:", "SIPS:"):
            self.page(body=f"{scheme}5001@example.org:{self.passwords['5001']}")
            self.assertEqual(self.agent_of().dn, "5001")
