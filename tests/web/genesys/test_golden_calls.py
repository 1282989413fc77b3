"""Golden files of calls: W 6 and 11 of docs/genesys-dialect.md."""

from tests.support.gatewaycase import DOMAIN
from tests.web.genesys.golden import SHORT, SHORT_FAR, GoldenCase
from wrtcgw.gateway import GatewaySettings

CHANGED = SHORT_FAR.replace("CC:DD", "EE:FF")
"""Another key: the page has to answer it."""
HELD = SHORT_FAR.replace("sendrecv", "inactive")


class Calls(GoldenCase):
    """Calls out and in (W 6.2, 6.3)."""

    def test_golden_early_media(self) -> None:
        """W 6.2: a 183 is not told, as a page would call itself connected; the ANSWER is that of the 200."""
        page = self.golden_page()
        page.offer()
        page.wait()
        self.far.calls[-1].ring(183, SHORT_FAR)
        self.run_for()
        self.far.calls[-1].answer(CHANGED)
        self.assertGolden()

    def test_golden_bye_by_state(self) -> None:
        """W 4.1: BYE cancels what rings there, refuses what rings here with 486, and hangs up."""
        page = self.golden_page()
        page.offer()
        self.far.calls[-1].ring()
        self.run_for()
        page.post("BYE")
        page.called()
        page.post("BYE", "5002")
        page.call_up()
        page.post("BYE")
        page.wait()
        self.assertGolden()

    def test_golden_reject_code(self) -> None:
        """W 4.1: what a caller hears of the page's BYE is a setting, as nobody knows what it used to be."""
        self.gateway.reconfigure(GatewaySettings(domain=DOMAIN, connections=self.flows, reject_code=603))
        page = self.golden_page()
        page.called()
        page.post("BYE", "5002")
        self.assertGolden()

    def test_golden_offerless_invite(self) -> None:
        """W 6.3, 11.12: INVITE and Pragma ask for an OFFER, which goes out in the 200; the ACK brings the ANSWER."""
        page = self.golden_page()
        with self.unseen():
            page.called()
            page.post("BYE", "5002")
        far = self.far.call("5001", None)
        far.ack_sdp = SHORT_FAR
        self.run_for()
        page.wait()
        page.offer("5002")
        page.wait()
        page.wait()
        self.assertGolden()

    def test_golden_offerless_reinvite(self) -> None:
        """W 11.12: inside a call the gateway itself answers, with what the page said before."""
        page = self.golden_page()
        far = page.call_up()
        page.wait()
        far.reinvite(None, answer=SHORT_FAR)
        self.assertGolden()

    def test_golden_reinvite(self) -> None:
        """W 6.1: a change that the page has to answer is an OFFER."""
        page = self.golden_page()
        far = page.call_up()
        far.reinvite(CHANGED)
        self.run_for()
        page.wait()
        page.answer("1003", 2)
        self.assertGolden()

    def test_golden_reload(self) -> None:
        """W 11.11: a page that signs in within the grace is asked by INVITE for an offer: the call goes on."""
        with self.unseen():
            self.golden_page().call_up()
        self.run_for(30)
        page = self.golden_page()
        page.wait()
        page.offer()
        self.far.calls[-1].answer(SHORT_FAR)
        self.run_for()
        page.wait()
        self.assertGolden()

    def test_golden_reload_late_bye(self) -> None:
        """W 2.6, 11.11: the old page's BYE and sign_out come late: its call goes on at the new page, which has it."""
        with self.unseen():
            old = self.golden_page()
            old.call_up()
            page = self.golden_page()
            page.wait()
        page.offer()
        old.post("BYE")
        self.http("GET", f"/sign_out?id={old.ssid}")
        self.far.calls[-1].answer(SHORT_FAR)
        self.run_for()
        page.wait()
        self.assertGolden()

    def test_golden_reload_given_up(self) -> None:
        """W 2.6: BYE or sign_out of the old SSID comes after the new sign_in: each alone ends the old call."""
        for by_bye in (True, False):
            with self.unseen():
                old = self.golden_page()
                old.call_up()
                page = self.golden_page()
                if by_bye:
                    page.wait()
            if by_bye:
                self.note("the new page has been told INVITE, and has made no OFFER yet")
                old.post("BYE")
            else:
                self.http("GET", f"/sign_out?id={old.ssid}")
            self.run_for()
            page.wait()
            self.collect()
            for number in tuple(self.wires):
                self.breaks(number)
        self.assertGolden()

    def test_golden_reload_ringing(self) -> None:
        """W 2.6, 11.11: likewise a call that rang at the old page, was offered to the new one, and answered there."""
        old = self.golden_page()
        old.called()
        with self.unseen():
            page = self.golden_page()
        page.wait()
        page.answer()
        old.post("BYE")
        page.wait()
        self.assertGolden()

    def test_golden_ok_overtaken(self) -> None:
        """W 6.1: a page that has made an OFFER before the ACK came is not told OK: version 1 would poll no more."""
        page = self.golden_page()
        far = page.called()
        far.acks = False
        page.answer()
        page.offer("5002")
        far.acknowledge(far.last("INVITE"))
        self.run_for()
        page.wait()
        self.assertGolden()

    def test_golden_page_lost(self) -> None:
        """W 11.11: a page without a wait for the grace loses its call and its registration."""
        page = self.golden_page()
        page.call_up()
        self.whole = True
        self.breaks(page.wait())
        self.run_for(58)
        self.note("58 s later")
        self.run_for(10)
        self.note("68 s later")
        page.wait()
        page.wait()
        self.assertGolden()


class OneCall(GoldenCase):
    """One call per page, and nothing of one that is over (W 6.3, 11.8)."""

    def test_golden_busy(self) -> None:
        """W 11.8: while a call rings or is up, further callers hear 486 and the page nothing."""
        page = self.golden_page()
        page.called()
        self.far.call("5001", SHORT_FAR, caller="5003")
        self.run_for()
        page.answer()
        page.wait()
        self.far.call("5001", SHORT_FAR, caller="5003")
        self.run_for()
        page.wait()
        self.assertGolden()

    def test_golden_purge_unknown(self) -> None:
        """W 6.3, 11.8: of a call that came and went between two waits there is nothing to tell."""
        page = self.golden_page()
        far = self.far.call("5001", SHORT_FAR)
        self.run_for()
        far.notify("talk")
        self.run_for()
        far.cancel()
        self.run_for()
        page.wait()
        self.assertGolden()

    def test_golden_purge_known(self) -> None:
        """W 6.3, 11.8: BYE comes next when the caller has gone; the EVENT-TALK before it is told no more."""
        page = self.golden_page()
        far = page.called()
        far.notify("talk")
        self.run_for()
        far.cancel()
        self.run_for()
        page.wait()
        page.wait()
        self.assertGolden()

    def test_golden_purge_own_bye(self) -> None:
        """W 11.8: after its own BYE a page hears nothing more of that call."""
        page = self.golden_page()
        far = page.call_up()
        far.info("application/octet-stream", "a=1")
        self.run_for()
        page.post("BYE")
        page.wait()
        self.assertGolden()

    def test_golden_lost_bye(self) -> None:
        """W 3.2: BYE is never sent again; an OFFER of another session for another peer tells that it was lost."""
        page = self.golden_page()
        page.call_up()
        page.offer("1004", offererSessionId=103)
        self.assertGolden()

    def test_golden_same_call(self) -> None:
        """W 2.5, 6.4: in a call an OFFER of the same session, or to nobody, is for that call, whatever to says."""
        page = self.golden_page()
        far = page.call_up()
        page.offer("1004")
        with self.unseen():
            far.answer(SHORT_FAR)
            self.run_for()
            page.wait()
        page.offer("null", offererSessionId=103)
        self.assertGolden()


class Control(GoldenCase):
    """EVENT-TALK and EVENT-HOLD (W 6.4), hold and resume (6.5)."""

    def test_golden_talk(self) -> None:
        """W 6.4: EVENT-TALK comes behind the OFFER of the call, however late the page fetches both."""
        page = self.golden_page()
        far = self.far.call("5001", SHORT_FAR)
        self.run_for()
        far.notify("talk")
        self.run_for()
        page.wait()
        page.wait()
        page.answer()
        self.assertGolden()

    def test_golden_talk_offerless(self) -> None:
        """W 6.4: and behind the INVITE of one without an offer."""
        page = self.golden_page()
        far = self.far.call("5001", None)
        far.ack_sdp = SHORT_FAR
        self.run_for()
        far.notify("talk")
        self.run_for()
        page.wait()
        page.wait()
        page.offer("5002")
        self.assertGolden()

    def test_golden_hold_ordered(self) -> None:
        """W 6.4: EVENT-HOLD and EVENT-TALK of a call that is up: the page itself holds and resumes by OFFER."""
        page = self.golden_page()
        far = page.call_up()
        far.notify("hold")
        self.run_for()
        page.wait()
        page.offer(sdp=SHORT.replace("sendrecv", "inactive"))
        far.answer(HELD)
        self.run_for()
        page.wait()
        far.notify("talk")
        self.run_for()
        page.wait()
        page.offer()
        far.answer(SHORT_FAR)
        self.run_for()
        page.wait()
        self.assertGolden()

    def test_golden_hold_retrieved(self) -> None:
        """W 6.5: a hold by EVENT-HOLD ends by a re-INVITE with active SDP, which the page answers."""
        page = self.golden_page()
        far = page.call_up()
        far.notify("hold")
        self.run_for()
        page.wait()
        page.offer(sdp=SHORT.replace("sendrecv", "inactive"))
        far.answer(HELD)
        self.run_for()
        page.wait()
        far.reinvite(SHORT_FAR)
        self.run_for()
        page.wait()
        page.answer()
        self.assertGolden()

    def test_golden_hold_remote(self) -> None:
        """W 6.5: a hold of the far side is answered at once; the page has nothing to do."""
        page = self.golden_page()
        far = page.call_up()
        page.wait()
        far.reinvite(SHORT_FAR.replace("sendrecv", "sendonly"))
        self.run_for()
        far.reinvite(SHORT_FAR)
        self.assertGolden()


class Glare(GoldenCase):
    """Both sides at once (W 6.7)."""

    def test_golden_glare_undelivered(self) -> None:
        """W 6.7.1, 11.9: the far side's OFFER was not fetched when the page's came: dropped, and 491."""
        page = self.golden_page()
        far = page.call_up()
        far.reinvite(CHANGED)
        self.run_for()
        page.offer()
        far.answer(SHORT_FAR)
        self.run_for()
        page.wait()
        page.wait()
        self.assertGolden()

    def test_golden_glare_delivered(self) -> None:
        """W 6.7.2, 11.9: the page has lost the OFFER by making its own: 491, and the far side comes again."""
        page = self.golden_page()
        far = page.call_up()
        far.reinvite(CHANGED)
        self.run_for()
        page.wait()
        page.offer()
        far.answer(SHORT_FAR)
        self.run_for()
        page.wait()
        far.reinvite(CHANGED)
        self.run_for()
        page.wait()
        self.assertGolden()

    def test_golden_glare_far_side(self) -> None:
        """W 6.7.3, 11.9: a re-INVITE while the page waits for its ANSWER gets 491."""
        page = self.golden_page()
        far = page.call_up()
        page.offer()
        waiting, far.invite = far.invite, None
        far.reinvite(CHANGED)
        self.run_for()
        far.invite = waiting
        far.answer(SHORT_FAR)
        self.run_for()
        page.wait()
        page.wait()
        self.assertGolden()

    def test_golden_glare_own(self) -> None:
        """W 6.1: an OFFER while the gateway itself has a re-INVITE out (here a hold by REST) goes when that is over."""
        page = self.golden_page()
        far = page.call_up()
        self.note("the REST dialect holds")
        self.begin(self.gateway.hold("5001"))
        self.run_for()
        page.offer()
        far.answer(HELD)
        self.run_for()
        far.answer(SHORT_FAR)
        self.run_for()
        page.wait()
        self.assertGolden()

    def test_golden_glare_calls(self) -> None:
        """W 6.7: a page that calls before it has heard of a caller has its way, and the caller hears 486."""
        page = self.golden_page()
        self.far.call("5001", SHORT_FAR)
        self.run_for()
        page.offer()
        self.far.calls[-1].answer(SHORT_FAR)
        self.run_for()
        page.wait()
        page.wait()
        self.assertGolden()
