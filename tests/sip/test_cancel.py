"""Hanging up before the answer, in every order of events."""

from tests.support.corepair import ANSWER
from tests.support.script import LIMIT, ScriptCase
from wrtcgw.sip.outputs import (
    CallAnswered,
    CallEnded,
    EndCause,
)

CHALLENGE = 'Digest realm="example.org", nonce="n{}", algorithm=SHA-256, qop="auth"'


class CancelTests(ScriptCase):
    """Hanging up before the answer (RFC 3261 section 9.1)."""

    def test_before_a_provisional(self) -> None:
        """The CANCEL waits for the first provisional response and carries the reason."""
        placed = self.place()
        self.do(self.core.hangup, placed.leg, reasons=['SIP;cause=200;text="Call completed elsewhere"'])
        self.assertMethods("INVITE")
        placed.respond(100, tag="")
        placed.respond(180)
        self.assertMethods("INVITE", "CANCEL")
        cancel = self.last("CANCEL")
        self.assertEqual(cancel.headers.get("Reason"), 'SIP;cause=200;text="Call completed elsewhere"')
        self.assertEqual(self.events, [])
        self.respond(cancel, 200)
        placed.respond(487)
        self.assertEnded(EndCause.LOCAL, 487)

    def test_after_a_provisional(self) -> None:
        """The CANCEL has the INVITE's Request-URI, branch, Routes, From, To without tag, Call-ID and number."""
        self.account.service_route = ("<sip:edge;lr>",)
        placed = self.place()
        placed.respond(180)
        self.do(self.core.hangup, placed.leg)
        invite, cancel = placed.invite, self.last("CANCEL")
        for name in ("Via", "From", "To", "Call-ID", "Route"):
            self.assertEqual(cancel.headers.get_all(name), invite.headers.get_all(name))
        self.assertEqual((cancel.uri, str(cancel.cseq)), (invite.uri, "1 CANCEL"))
        self.assertNotIn("Content-Type", cancel.headers)
        placed.respond(487)
        self.respond(cancel, 200)
        self.assertEnded(EndCause.LOCAL, 487)

    def test_hang_up_twice(self) -> None:
        """A second hang-up changes nothing."""
        placed = self.place()
        placed.respond(180)
        for _ in range(2):
            self.do(self.core.hangup, placed.leg)
        self.assertEqual(len(self.sent("CANCEL")), 1)

    def test_no_response_at_all(self) -> None:
        """Without any response Timer B ends it, 64·T1 after the INVITE, and no CANCEL is ever sent."""
        placed = self.place()
        self.advance(10)
        self.do(self.core.hangup, placed.leg)
        self.advance(LIMIT - 10)
        self.assertMethods("INVITE")
        self.assertEnded(EndCause.LOCAL, 408)
        self.assertEqual((self.core.transactions, self.core.next_deadline()), (0, None))

    def test_no_final_response(self) -> None:
        """A CANCEL that is ignored, or answered without a 487, ends all the same after 64·T1 and leaves nothing."""
        for answer in (False, True):
            placed = self.place()
            placed.respond(180)
            self.do(self.core.hangup, placed.leg)
            if answer:
                self.respond(self.last("CANCEL"), 200)
            self.advance(LIMIT)
            self.assertEqual(self.of(CallEnded)[-1].cause, EndCause.LOCAL)
            self.assertEqual((self.core.legs, self.core.transactions, self.core.next_deadline()), (0, 0, None))

    def test_2xx_wins(self) -> None:
        """A 200 that crosses the CANCEL is acknowledged and ended by BYE; the call was never answered."""
        placed = self.place()
        placed.respond(180)
        self.do(self.core.hangup, placed.leg)
        placed.respond(200, sdp=ANSWER)
        placed.respond(200, sdp=ANSWER)
        self.assertMethods("INVITE", "CANCEL", "ACK", "BYE", "ACK")
        self.respond(self.last("CANCEL"), 481)
        self.respond(self.last("BYE"), 200)
        self.assertEqual(self.of(CallAnswered), [])
        self.assertEnded(EndCause.LOCAL, 200)

    def test_2xx_of_two_branches(self) -> None:
        """Both branches that answer a cancelled call are ended, each on its dialog."""
        placed = self.place()
        placed.respond(180, "A")
        self.do(self.core.hangup, placed.leg)
        placed.respond(200, "A", ANSWER)
        placed.respond(200, "B", ANSWER)
        self.assertEqual([bye.to_tag for bye in self.sent("BYE")], ["A", "B"])
        self.answer_byes()
        self.assertEnded(EndCause.LOCAL, 200)

    def test_2xx_before_any_provisional(self) -> None:
        """A hang-up that waits for a provisional response gets the 200 instead: ACK, BYE, no CANCEL."""
        placed = self.place()
        self.do(self.core.hangup, placed.leg)
        placed.respond(200, sdp=ANSWER)
        self.assertMethods("INVITE", "ACK", "BYE")

    def test_refusal_wins(self) -> None:
        """A refusal that crosses the CANCEL ends the call as hung up by us."""
        placed = self.place()
        placed.respond(180)
        self.do(self.core.hangup, placed.leg)
        placed.respond(486)
        self.assertEnded(EndCause.LOCAL, 486)

    def test_challenge_while_cancelling(self) -> None:
        """A call that is not wanted any more does not answer a challenge."""
        placed = self.place()
        self.do(self.core.hangup, placed.leg)
        placed.respond(407, fields=[("Proxy-Authenticate", CHALLENGE.format(1))])
        self.assertMethods("INVITE", "ACK")
        self.assertEnded(EndCause.LOCAL, 407)

    def test_waits_anew_after_a_challenge(self) -> None:
        """The retried INVITE is cancelled after a provisional response of its own only."""
        placed = self.place()
        placed.respond(100, tag="")
        placed.respond(407, fields=[("Proxy-Authenticate", CHALLENGE.format(1))])
        self.do(self.core.hangup, placed.leg)
        self.assertEqual(self.sent("CANCEL"), [])
        placed.respond(100, tag="")
        self.assertEqual(self.last("CANCEL").cseq.number, 2)
        self.assertEqual(self.last("CANCEL").via.branch, placed.invite.via.branch)
