"""INVITEs that are sent again: redirected, with a longer interval, with credentials."""

from tests.support.corepair import ANSWER, OFFER
from tests.support.script import EARLY, TARGET, Placed, ScriptCase
from wrtcgw.sip.outputs import (
    CallAnswered,
    CallEnded,
    EndCause,
)

CHALLENGE = 'Digest realm="example.org", nonce="n{}", algorithm=SHA-256, qop="auth"'


class RedirectTests(ScriptCase):
    """3xx responses (RFC 3261 section 8.1.3.4)."""

    def redirect(self, placed: Placed, *contacts: str) -> None:
        """Answer 302 with these contacts."""
        placed.respond(302, "r", fields=[("Contact", contact) for contact in contacts])

    def test_own_domain(self) -> None:
        """Targets in our domain are tried by q, one after the other, with To, From, Call-ID kept and CSeq raised."""
        placed = self.place()
        first = placed.invite
        placed.respond(180, "A")
        self.redirect(placed, "<sip:low@Example.org>;q=0.1, <sip:odd@example.org>;q=x", "<sip:high@example.org?a=b>")
        second = placed.invite
        self.assertEqual((second.uri, second.cseq.number), ("sip:high@example.org", 2))
        for name in ("To", "From", "Call-ID"):
            self.assertEqual(second.headers.get(name), first.headers.get(name))
        self.assertNotEqual(second.via.branch, first.via.branch)
        self.assertEqual(self.answers(placed.branch("A").send("INFO")), [481])
        self.redirect(placed)
        self.assertEqual(placed.invite.uri, "sip:low@Example.org")
        self.redirect(placed, "<sip:high@example.org>")
        self.assertEqual(placed.invite.uri, "sip:odd@example.org")
        placed.respond(200, sdp=ANSWER)
        self.assertEqual(len(self.of(CallAnswered)), 1)

    def test_foreign_domain(self) -> None:
        """A target outside the allowed domains is not called, unless the site names its domain."""
        self.redirect(self.place(), "<sip:premium@evil.example>", "<tel:+1900>")
        self.assertMethods("INVITE", "ACK")
        self.assertEnded(EndCause.REFUSED, 302)
        self.start(redirect_domains=frozenset(("Branch.example",)))
        placed = self.place()
        self.redirect(placed, "<sip:bob@branch.example>")
        self.assertEqual(placed.invite.uri, "sip:bob@branch.example")

    def test_limits(self) -> None:
        """The same target is not tried twice, and not more than a few are tried at all."""
        placed = self.place()
        self.redirect(placed, f"<{TARGET}>")
        self.assertEqual(len(self.sent("INVITE")), 1)
        placed = self.place()
        for number in range(9):
            self.redirect(placed, f"<sip:n{number}@example.org>")
        self.assertEqual(len(self.sent("INVITE")), 1 + 1 + 5)
        self.assertEqual([event.code for event in self.of(CallEnded)], [302, 302])

    def test_malformed_contact(self) -> None:
        """A 302 that cannot be read ends the call and is counted."""
        self.redirect(self.place(), "<<")
        self.assertEnded(EndCause.REFUSED, 302)
        self.assertEqual(len(self.faults()), 1)

    def test_hang_up_between(self) -> None:
        """After a redirection the CANCEL is for the new INVITE."""
        placed = self.place()
        placed.respond(180)
        self.redirect(placed, "<sip:bob@example.org>")
        self.do(self.core.hangup, placed.leg)
        self.assertEqual(self.sent("CANCEL"), [])
        placed.respond(180)
        self.assertEqual(self.last("CANCEL").uri, "sip:bob@example.org")


class IntervalTests(ScriptCase):
    """422 (RFC 4028 section 7.3)."""

    def test_raised(self) -> None:
        """The INVITE is sent again with the interval asked for."""
        placed = self.place()
        placed.respond(422, fields=[("Min-SE", "3600")])
        invite = placed.invite
        self.assertEqual((invite.headers.get("Session-Expires"), invite.headers.get("Min-SE")), ("3600", "3600"))
        self.assertEqual((invite.cseq.number, invite.uri), (2, TARGET))
        placed.respond(200, sdp=ANSWER)
        self.assertEqual(len(self.of(CallAnswered)), 1)

    def test_senseless(self) -> None:
        """A 422 without a longer interval is a refusal."""
        for fields in ([], [("Min-SE", "90")], [("Min-SE", "x")]):
            self.place().respond(422, fields=fields)
            self.assertEqual(self.of(CallEnded)[-1].code, 422)
        self.assertEqual(len(self.sent("INVITE")), 3)

    def test_never_enough(self) -> None:
        """A far side that always wants more is given up."""
        placed = self.place()
        for number in range(9):
            placed.respond(422, fields=[("Min-SE", str(3600 + number))])
        self.assertEqual(len(self.sent("INVITE")), 4)
        self.assertEnded(EndCause.REFUSED, 422)


class ChallengeTests(ScriptCase):
    """401 and 407 (RFC 3261 section 22.2)."""

    def challenge(self, placed: Placed, status: int, nonce: int = 1, extra: str = "") -> None:
        """Challenge the newest INVITE."""
        name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
        placed.respond(status, "c", fields=[(name, CHALLENGE.format(nonce) + extra)])

    def test_invite(self) -> None:
        """The retry has credentials, a new branch, the next CSeq, no To tag; the ACK has the same credentials."""
        placed = self.place()
        first = placed.invite
        self.challenge(placed, 401)
        self.assertEqual(self.last("ACK").via.branch, first.via.branch)
        retry = placed.invite
        self.assertEqual((retry.cseq.number, retry.to_tag, retry.body), (2, "", OFFER))
        self.assertNotEqual(retry.via.branch, first.via.branch)
        credentials = retry.headers.get("Authorization")
        self.assertIsNotNone(credentials)
        placed.respond(200, sdp=ANSWER)
        ack = self.last("ACK")
        self.assertEqual((ack.headers.get("Authorization"), ack.cseq.number), (credentials, 2))
        self.do(self.core.hangup, placed.leg)
        self.assertEqual(self.last("BYE").cseq.number, 3)

    def test_both_in_a_row(self) -> None:
        """A proxy's and a server's challenge are both answered in the third INVITE."""
        placed = self.place()
        self.challenge(placed, 407)
        self.challenge(placed, 401, 2)
        invite = placed.invite
        self.assertEqual(invite.cseq.number, 3)
        self.assertIn("Proxy-Authorization", invite.headers)
        self.assertIn("Authorization", invite.headers)
        placed.respond(200, sdp=ANSWER)
        for name in ("Authorization", "Proxy-Authorization"):
            self.assertEqual(self.last("ACK").headers.get_all(name), invite.headers.get_all(name))

    def test_wrong_password(self) -> None:
        """A second challenge for fresh credentials ends the call."""
        placed = self.place()
        self.challenge(placed, 401)
        self.challenge(placed, 401, 2)
        self.assertEqual(len(self.sent("INVITE")), 2)
        self.assertEnded(EndCause.REFUSED, 401)

    def test_cap(self) -> None:
        """A server that never stops challenging gets a few tries."""
        placed = self.place()
        for number in range(9):
            fields = [("WWW-Authenticate", f'Digest realm="r{number}", nonce="n", qop="auth"')]
            placed.respond(401, "c", fields=fields)
        self.assertEqual(len(self.sent("INVITE")), 4)
        self.assertEnded(EndCause.REFUSED, 401)

    def test_unknown_scheme(self) -> None:
        """A challenge that cannot be answered is a refusal."""
        self.place().respond(401, fields=[("WWW-Authenticate", "Bearer realm=x")])
        self.assertEnded(EndCause.REFUSED, 401)

    def test_early_dialog_does_not_outlive_it(self) -> None:
        """An early dialog ends with the 401; the same tag later counts from the new INVITE."""
        placed = self.place()
        placed.respond(183, "A", EARLY)
        self.challenge(placed, 401)
        self.assertEqual(self.answers(placed.branch("A").send("INFO")), [481])
        placed.respond(200, "A", ANSWER)
        self.do(self.core.hangup, placed.leg)
        self.assertEqual((self.last("ACK").cseq.number, self.last("BYE").cseq.number), (2, 3))

    def test_bye(self) -> None:
        """A challenged BYE is sent again with credentials and the next CSeq; the end is told once."""
        call = self.call_out()
        self.do(self.core.hangup, call.leg)
        bye = self.last("BYE")
        self.respond(bye, 407, fields=[("Proxy-Authenticate", CHALLENGE.format(1))])
        retry = self.last("BYE")
        self.assertEqual(retry.cseq.number, bye.cseq.number + 1)
        self.assertIn("Proxy-Authorization", retry.headers)
        self.respond(retry, 200)
        self.assertEnded(EndCause.LOCAL, 200)

    def test_reinvite(self) -> None:
        """A challenged re-INVITE is sent again, and its ACK carries the credentials."""
        call = self.call_out()
        self.do(self.core.reoffer, call.leg, OFFER)
        self.respond(self.last("INVITE"), 401, fields=[("WWW-Authenticate", CHALLENGE.format(1))])
        retry = self.last("INVITE")
        self.respond(retry, 200, ANSWER)
        ack = self.last("ACK")
        self.assertEqual(ack.headers.get("Authorization"), retry.headers.get("Authorization"))
        self.assertEqual(ack.cseq.number, retry.cseq.number)

    def test_unasked(self) -> None:
        """Later requests in the call carry no credentials until they are asked for; then the nonce is counted up."""
        placed = self.place()
        self.challenge(placed, 401)
        placed.respond(200, sdp=ANSWER)
        self.do(self.core.hangup, placed.leg)
        bye = self.last("BYE")
        self.assertEqual([name for name, _ in bye.headers.items() if "Authorization" in name], [])
        self.respond(bye, 401, fields=[("WWW-Authenticate", CHALLENGE.format(1))])
        self.assertIn("nc=00000002", self.last("BYE").headers.get("Authorization") or "")
