"""Calls of a page, from its sign_in to the far side and back."""

from tests.web.genesys.dialectcase import BROWSER_SDP, PBX_SDP, DialectCase, read


class Outbound(DialectCase):
    """The page calls."""

    def test_call(self) -> None:
        """OFFER becomes an INVITE, the 200 an ANSWER, BYE a BYE."""
        page = self.page()
        page.offer()
        far = self.far.calls[-1]
        self.assertIn("m=audio 50000 UDP/TLS/RTP/SAVPF", far.offer)
        far.answer(PBX_SDP)
        self.run_for()
        answer = page.roap()
        self.assertEqual((answer["messageType"], answer["seq"], answer["offererSessionId"]), ("ANSWER", 1, 102))
        self.assertIn("m=audio 40000 RTP/SAVPF", answer["sdp"])
        page.ok(answer)
        page.post("BYE")
        self.assertEqual(far.methods(), ["INVITE", "ACK", "BYE"])
        self.assertTrue(page.silent())

    def test_cancel(self) -> None:
        """BYE before the answer is a CANCEL."""
        page = self.page()
        page.offer()
        self.far.calls[-1].ring()
        self.run_for()
        page.post("BYE")
        self.assertIn("CANCEL", self.far.calls[-1].methods())

    def test_early_media_does_not_connect(self) -> None:
        """The description of a 183 is not told: the page would stop its no-answer timer and say connected."""
        page = self.page()
        page.offer()
        far = self.far.calls[-1]
        far.ring(183, PBX_SDP)
        self.run_for()
        self.assertTrue(page.silent())
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "ANSWER")

    def test_far_side_hangs_up(self) -> None:
        """A BYE of the far side is BYE, without an ERROR."""
        page = self.page()
        page.call_up().bye()
        self.run_for()
        self.assertEqual(page.told().text, "BYE")
        self.assertTrue(page.silent())


class Inbound(DialectCase):
    """The page is called."""

    def test_accept(self) -> None:
        """INVITE becomes an OFFER, ANSWER the 200, and the ACK an OK."""
        page = self.page()
        far = self.far.call("5001", PBX_SDP)
        self.run_for()
        told = page.told()
        self.assertEqual(told.headers["pragma"], "5002")
        page.answer(read(told))
        self.assertEqual(far.last("INVITE").status, 200)
        self.assertIn("UDP/TLS/RTP/SAVPF", far.last("INVITE").body)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "OK")

    def test_reject(self) -> None:
        """BYE to a call that rings refuses it with 486."""
        page = self.page()
        far = self.far.call("5001", PBX_SDP)
        self.run_for()
        page.roap()
        page.post("BYE", "5002")
        self.assertEqual(far.last("INVITE").status, 486)
        self.assertTrue(page.silent())

    def test_caller_cancels(self) -> None:
        """A CANCEL is BYE."""
        page = self.page()
        far = self.far.call("5001", PBX_SDP)
        self.run_for()
        page.roap()
        far.cancel()
        self.run_for()
        self.assertEqual(page.told().text, "BYE")


class Hold(DialectCase):
    """The page holds."""

    def test_hold_and_resume(self) -> None:
        """All inactive is a re-INVITE with inactive; normal directions resume."""
        page = self.page()
        far = page.call_up()
        page.offer(sdp=BROWSER_SDP.replace("sendrecv", "inactive"))
        self.assertIn("a=inactive", far.offer)
        far.answer(PBX_SDP + "a=inactive\r\n")
        self.run_for()
        self.assertIn("a=inactive", page.roap()["sdp"])
        page.offer()
        self.assertIn("a=sendrecv", far.offer)
        far.answer(PBX_SDP)
        self.run_for()
        self.assertIn("a=sendrecv", page.roap()["sdp"])
