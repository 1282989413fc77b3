"""Golden files of what goes wrong between page and gateway: it costs a call at most, and never a page's poll."""

from tests.web.genesys.golden import SHORT, SHORT_FAR, GoldenCase
from tests.web.genesys.test_checklist import GoneSocket

CHANGED = SHORT_FAR.replace("CC:DD", "EE:FF")
"""Another key: the page has to answer it."""


class Answers(GoldenCase):
    """An ANSWER that is of no use."""

    def test_golden_answer_too_late(self) -> None:
        """W 6.3: the caller went while the page answered: the ANSWER is taken, and the BYE is told as ever."""
        page = self.golden_page()
        far = page.called()
        far.cancel()
        self.run_for()
        page.answer()
        page.wait()
        page.wait()
        self.assertGolden()

    def test_golden_answer_to_nothing(self) -> None:
        """W 6.1: an ANSWER without a call, and a second one that differs from the first: nothing comes of either."""
        page = self.golden_page()
        page.answer(seq=9)
        page.called()
        page.answer()
        page.answer(sdp=SHORT.replace("50000", "50002"))
        page.wait()
        page.wait()
        self.assertGolden()

    def test_golden_answer_unusable(self) -> None:
        """W 6.2, 11.10: an ANSWER that is no description ends the call: the caller hears 488, the page ERROR, BYE."""
        page = self.golden_page()
        page.called()
        page.answer(sdp="nonsense")
        page.wait()
        page.wait()
        self.assertGolden()

    def test_golden_answer_to_invite(self) -> None:
        """W 6.3: an ANSWER where an OFFER is asked for: the call goes on ringing, and an OFFER is still taken."""
        page = self.golden_page()
        far = page.called(None)
        far.ack_sdp = SHORT_FAR
        page.answer()
        page.offer("5002")
        self.assertGolden()


class Offers(GoldenCase):
    """An OFFER that is of no use."""

    def test_golden_offer_unusable_inside(self) -> None:
        """W 4.2: inside a call it is ERROR alone; the call stays, and the next OFFER goes out."""
        page = self.golden_page()
        page.call_up()
        page.offer(sdp="nonsense")
        page.wait()
        page.offer()
        self.assertGolden()

    def test_golden_offer_unusable_for_invite(self) -> None:
        """W 6.2, 11.10: for a call without an offer it ends the call: the caller hears 488, the page ERROR, BYE."""
        page = self.golden_page()
        page.called(None)
        page.offer("5002", sdp="nonsense")
        page.wait()
        page.wait()
        self.assertGolden()

    def test_golden_offer_while_ringing(self) -> None:
        """W 6.7.2: a second OFFER while the first call rings gives that up: CANCEL, and a call of its own."""
        page = self.golden_page()
        with self.unseen():
            page.offer()
            self.far.calls[-1].ring()
            self.run_for()
        page.offer("1004", offererSessionId=103)
        self.assertGolden()

    def test_golden_offer_withdrawn(self) -> None:
        """W 6.7: of a change that the far side takes back, or that the page never answers, there is nothing to tell."""
        page = self.golden_page()
        far = page.call_up()
        far.reinvite(CHANGED)
        self.run_for()
        page.wait()
        self.run_for(15)
        self.note("15 s later")
        page.wait()
        self.assertGolden()


class SignIns(GoldenCase):
    """A sign_in for a DN that a page has."""

    def test_golden_sign_in_fails_meanwhile(self) -> None:
        """W 2.3: what comes while another page signs in is for that one; when it fails, the page gets it as ever."""
        page = self.golden_page()
        page.wait()
        self.far.silent.add("REGISTER")
        self.http("POST", "/sign_in", b"5001:wrong")
        self.far.call("5001", None)
        self.run_for()
        self.note("the registrar is silent")
        self.run_for(9)
        self.assertGolden()


class Ends(GoldenCase):
    """Ends of calls that the page should not hear of, or not as a failure."""

    def test_golden_end_untold(self) -> None:
        """W 6.3: nothing is told of a call whose OFFER could be written to no connection before it was over."""
        page = self.golden_page()
        with self.unseen():
            page.call_up()
            page.post("BYE")
        number = page.wait()
        self.note("its connection is closed, which nobody has noticed yet")
        self.wires[number].transport.socket = GoneSocket()  # type: ignore[attr-defined]
        far = self.far.call("5001", SHORT_FAR)
        self.run_for()
        far.cancel()
        self.run_for()
        self.breaks(number)
        page.wait()
        self.assertGolden()

    def test_golden_end_data_untold(self) -> None:
        """W 6.3, 11.8: nor are data of a call that was ended meanwhile, by the page or by the far side."""
        page = self.golden_page()
        for by_page in (True, False):
            far = page.call_up()
            number = page.wait()
            self.note("its connection is closed, which nobody has noticed yet")
            self.wires[number].transport.socket = GoneSocket()  # type: ignore[attr-defined]
            far.info("application/octet-stream", "a=1")
            self.run_for()
            if by_page:
                page.post("BYE")
            else:
                far.bye()
                self.run_for()
            self.breaks(number)
            number = page.wait()
            if by_page:
                self.breaks(number)
        self.assertGolden()

    def test_golden_end_elsewhere(self) -> None:
        """W 6.2: BYE without ERROR when someone else has answered, as nothing has failed."""
        page = self.golden_page()
        far = page.called()
        far.cancel('SIP;cause=200;text="Call completed elsewhere"')
        self.run_for()
        page.wait()
        page.wait()
        self.assertGolden()

    def test_golden_sign_out_hanging(self) -> None:
        """W 2.6: sign_out while a wait hangs: it stays silent, and a registrar that fails disturbs nobody."""
        page = self.golden_page()
        page.wait()
        self.far.script("REGISTER", 500)
        self.http("GET", f"/sign_out?id={page.ssid}")
        self.run_for(1)
        self.http("GET", "/wait")
        self.assertGolden()
