"""Calls that we place: forks, provisional responses, refusals, CANCEL, challenges, and lost connections."""

from functools import partial

from tests.support.corepair import ANSWER, OFFER
from tests.support.script import EARLY, LIMIT, TARGET, Placed, ScriptCase
from wrtcgw.sip.errors import LocalViolation
from wrtcgw.sip.headers import Reason
from wrtcgw.sip.outputs import (
    CallAnswered,
    CallEnded,
    CallProgress,
    ControlReceived,
    EndCause,
    OfferReceived,
    RequestAnswered,
)
from wrtcgw.sip.uri import URI

CHALLENGE = 'Digest realm="example.org", nonce="n{}", algorithm=SHA-256, qop="auth"'


class InviteTests(ScriptCase):
    """The INVITE itself and its plain course."""

    def test_fields(self) -> None:
        """The INVITE says who calls, what we can do, and how long a session may live."""
        self.account.display_name = 'A "B" \\ C'
        self.account.service_route = ("<sip:edge;lr>", "<sip:core;lr>")
        invite = self.place(fields=[("X-Call", "1")]).invite
        headers = invite.headers
        self.assertEqual(invite.uri, TARGET)
        self.assertEqual(headers.get_all("Route"), ["<sip:edge;lr>", "<sip:core;lr>"])
        self.assertEqual(invite.from_.display_name, 'A "B" \\ C')
        self.assertEqual(headers.get("To"), f"<{TARGET}>")
        self.assertEqual(headers.get("Contact"), "<sip:alice@gw.invalid;transport=ws;ob>")
        self.assertEqual(headers.get("Supported"), "timer, replaces, outbound")
        self.assertEqual((headers.get("Session-Expires"), headers.get("Min-SE")), ("1800", "90"))
        self.assertEqual((headers.get("X-Call"), invite.body), ("1", OFFER))

    def test_100rel_when_wanted(self) -> None:
        """100rel is offered by a setting only."""
        self.start(offer_100rel=True)
        self.assertTrue(self.place().invite.headers.has_option("Supported", "100rel"))

    def test_course(self) -> None:
        """100, 180, 200: one progress event, the ACK, the answer; BYE ends it."""
        placed = self.place()
        placed.respond(100, tag="")
        placed.respond(180)
        placed.respond(200, sdp=ANSWER, fields=[("X-Genesys-CallUUID", "u1")])
        self.assertEqual(
            self.events, [CallProgress(placed.leg, 180, "Ringing"), CallAnswered(placed.leg, ANSWER, "u1")]
        )
        self.assertMethods("INVITE", "ACK")
        self.do(self.core.hangup, placed.leg, reasons=["SIP;cause=200"])
        self.assertEqual(self.last("BYE").headers.get("Reason"), "SIP;cause=200")
        self.respond(self.last("BYE"), 200)
        self.assertEnded(EndCause.LOCAL, 200)

    def test_bad_arguments(self) -> None:
        """An unknown account and a header with a line end are refused before anything is sent."""
        uri = URI.parse(TARGET)
        self.assertRaises(LocalViolation, self.core.invite, "bob", uri, OFFER, self.now)
        self.assertRaises(LocalViolation, self.place, fields=[("X-Call", "1\r\nX-Evil: 1")])
        self.assertEqual(self.requests, [])
        self.assertEqual(self.core.legs, 0)

    def test_far_end_busy(self) -> None:
        """A refusal is acknowledged with its To tag, and told with its Reasons."""
        ack = self.place().refuse_with_ack(
            486, [("Reason", 'Q.850;cause=17;text="User, busy"'), ("Reason", "SIP;cause=486"), ("Reason", ";;")]
        )
        self.assertEqual((ack.to_tag, ack.via.branch), ("far", self.last("INVITE").via.branch))
        self.assertEnded(EndCause.REFUSED, 486)
        self.assertEqual(self.ended().reasons, (Reason("Q.850", 17, "User, busy"), Reason("SIP", 486)))

    def test_no_response(self) -> None:
        """Timer B ends a call that nobody answers at all."""
        self.place()
        self.advance(LIMIT - 0.1)
        self.assertEqual(self.events, [])
        self.advance(0.2)
        self.assertEnded(EndCause.FAILED, 408)
        self.assertMethods("INVITE")
        self.assertEqual((self.core.legs, self.core.transactions, self.core.next_deadline()), (0, 0, None))

    def test_rings_too_long(self) -> None:
        """A call that rings beyond the limit is cancelled, and ends as not answered."""
        placed = self.place()
        placed.respond(180)
        self.advance(300)
        self.assertMethods("INVITE", "CANCEL")
        self.respond(self.last("CANCEL"), 200)
        placed.respond(487)
        self.assertEnded(EndCause.FAILED, 408)
        self.assertEqual(self.ended().reason, "no answer")

    def test_target_without_tag(self) -> None:
        """A provisional response without a To tag makes no dialog."""
        placed = self.place()
        placed.respond(180, tag="")
        self.assertEqual(len(self.of(CallProgress)), 1)
        self.assertRaises(LocalViolation, self.core.info, placed.leg, "a/b", "", self.now)
        self.assertRaises(LocalViolation, self.core.remote_target, placed.leg)

    def test_stray_responses(self) -> None:
        """Responses that match no request of ours are counted and dropped."""
        placed = self.place()
        for name, value in (("Via", "SIP/2.0/WS gw.invalid;branch=z9hG4bK-none"), ("CSeq", "1 BYE")):
            stray = placed.invite.response(200, None, "far")
            stray.headers.set(name, value)
            self.silent(partial(self.receive, stray))
        self.assertEqual(len(self.faults()), 2)
        self.assertEqual(self.of(CallAnswered), [])


class ForkTests(ScriptCase):
    """One INVITE, several user agents (RFC 3261 section 13.2.2.4)."""

    def test_winner_has_rung(self) -> None:
        """183 of A, 183 of B, 200 of B: the session is B's, and A's dialog is unknown."""
        placed = self.place()
        placed.respond(183, "A", EARLY)
        placed.respond(183, "B")
        placed.respond(200, "B", ANSWER)
        self.assertEqual([event.sdp for event in self.of(CallProgress)], [EARLY, None])
        self.assertEqual(self.of(CallAnswered), [CallAnswered(placed.leg, ANSWER)])
        ack = self.last("ACK")
        self.assertEqual((ack.to_tag, ack.uri), ("B", "sip:B@192.0.2.7"))
        loser = placed.branch("A").send("INFO")
        self.assertEqual(self.answers(loser), [481])
        self.assertEqual(self.answers(placed.branch("B").send("INFO", cseq=200)), [200])

    def test_second_2xx(self) -> None:
        """200 of A and of B: A has the call, B is acknowledged and ended on its own dialog."""
        placed = self.place()
        placed.respond(180, "A")
        placed.respond(200, "A", ANSWER)
        placed.respond(200, "B", ANSWER, [("Record-Route", "<sip:p2;lr>, <sip:p1;lr>")])
        ack, bye = self.requests[-2:]
        self.assertEqual((ack.method, ack.to_tag, ack.uri), ("ACK", "B", "sip:B@192.0.2.7"))
        self.assertEqual((bye.method, bye.to_tag, bye.uri), ("BYE", "B", "sip:B@192.0.2.7"))
        self.assertEqual(bye.headers.get_all("Route"), ["<sip:p1;lr>", "<sip:p2;lr>"])
        self.assertEqual((ack.cseq.number, bye.cseq.number), (1, 2))
        self.respond(bye, 200)
        self.assertEqual(len(self.of(CallAnswered)), 1)
        self.assertEqual(self.of(CallEnded), [])

    def test_second_2xx_after_prack(self) -> None:
        """The BYE to a second branch counts on from the PRACK that it has got."""
        placed = self.place()
        placed.reliable(1, "A")
        placed.reliable(1, "B")
        placed.respond(200, "A", ANSWER)
        placed.respond(200, "B", ANSWER)
        self.assertEqual((self.last("BYE").to_tag, self.last("BYE").cseq.number), ("B", 3))

    def test_second_2xx_after_the_end(self) -> None:
        """A second 2xx is ended also when the call of the first is over already."""
        placed = self.place()
        placed.respond(200, "A", ANSWER)
        placed.branch("A").bye()
        self.assertEqual(self.core.legs, 0)
        placed.respond(200, "B", ANSWER)
        self.assertEqual(
            [(request.method, request.to_tag) for request in self.requests[-2:]], [("ACK", "B"), ("BYE", "B")]
        )
        self.assertEqual(len(self.of(CallEnded)), 1)

    def test_repeated_2xx(self) -> None:
        """Each copy of a 2xx is answered with the very same ACK, for 64·T1, also after the end of the call."""
        placed = self.place()
        placed.respond(200, "A", ANSWER)
        placed.respond(200, "A", ANSWER)
        self.do(self.core.hangup, placed.leg)
        self.respond(self.last("BYE"), 200)
        placed.respond(200, "A", ANSWER)
        self.assertEqual({ack.to_text() for ack in self.sent("ACK")}, {self.last("ACK").to_text()})
        self.assertEqual(len(self.sent("ACK")), 3)
        self.assertEqual(len(self.of(CallAnswered)), 1)
        self.advance(LIMIT)
        self.silent(lambda: placed.respond(200, "A", ANSWER))

    def test_too_many_branches(self) -> None:
        """A fork with more branches than anyone has does not fill our tables."""
        placed = self.place()
        for number in range(40):
            placed.respond(180, f"b{number}")
        self.assertEqual(len(self.core._ua.dialogs), 32)
        self.assertEqual(len(self.faults()), 8)
        placed.respond(200, "b39", ANSWER)
        self.assertEqual(len(self.core._ua.dialogs), 1)

    def test_bye_in_early_dialog(self) -> None:
        """A callee's BYE ends its branch of the fork, and with the last branch the call."""
        placed = self.place()
        placed.respond(180, "A")
        placed.respond(180, "B")
        self.assertEqual(self.answers(placed.branch("A").bye()), [200])
        self.assertEqual(self.sent("CANCEL"), [])
        self.assertEqual(self.answers(placed.branch("A").send("INFO")), [481])
        placed.branch("B").bye()
        self.assertEqual(len(self.sent("CANCEL")), 1)
        placed.respond(487, "")
        self.assertEnded(EndCause.REMOTE, 487)

    def test_bye_while_cancelling(self) -> None:
        """A callee's BYE that crosses our CANCEL is answered, and the INVITE still ends by its final response."""
        placed = self.place()
        placed.respond(180)
        self.do(self.core.hangup, placed.leg)
        self.assertEqual(self.answers(placed.branch().bye()), [200])
        self.assertEqual(self.answers(placed.branch().send("BYE", cseq=102)), [481])
        placed.respond(487)
        self.assertEnded(EndCause.LOCAL, 487)

    def test_requests_in_early_dialogs(self) -> None:
        """NOTIFY talk reaches a call that rings; offers inside it have to wait for the INVITE."""
        placed = self.place()
        placed.respond(180)
        branch = placed.branch()
        self.assertEqual(self.answers(branch.send("NOTIFY", "", [("Event", "talk")])), [200])
        self.assertEqual(self.of(ControlReceived), [ControlReceived(placed.leg, "talk")])
        for method in ("UPDATE", "INVITE"):
            self.assertEqual(self.answers(branch.send(method, OFFER)), [491])
        branch.ack_refusal(branch.request("INVITE", cseq=103))
        self.assertEqual(self.answers(branch.send("UPDATE")), [200])
        self.assertEqual(self.of(OfferReceived), [])
        placed.respond(200, sdp=ANSWER)
        self.assertEqual(self.answers(branch.send("UPDATE", OFFER)), [])
        self.do(self.core.answer_offer, placed.leg, ANSWER)
        self.assertEqual(len(self.of(OfferReceived)), 1)


class MediaTests(ScriptCase):
    """Where the answer comes from."""

    def test_early_answer_stands(self) -> None:
        """A 200 without a description has that of the same branch's provisional response."""
        placed = self.place()
        placed.respond(183, "A", EARLY)
        placed.respond(200, "A")
        self.assertEqual(self.of(CallAnswered), [CallAnswered(placed.leg, EARLY)])

    def test_early_answer_of_another_branch(self) -> None:
        """The early answer of one branch is none for another."""
        placed = self.place()
        placed.respond(183, "A", EARLY)
        placed.respond(200, "B")
        self.assertEqual(self.of(CallAnswered), [])
        self.assertEqual((self.last("BYE").to_tag, self.last("ACK").to_tag), ("B", "B"))

    def test_no_answer_at_all(self) -> None:
        """A 200 without any description is acknowledged and ended; the call was never answered."""
        placed = self.place()
        placed.respond(200)
        self.assertMethods("INVITE", "ACK", "BYE")
        self.respond(self.last("BYE"), 200)
        self.assertEqual(self.of(CallAnswered), [])
        self.assertEnded(EndCause.FAILED, 488)

    def test_answer_differs(self) -> None:
        """The description of the 200 counts, whatever was in the 183."""
        placed = self.place()
        placed.respond(183, "A", EARLY)
        placed.respond(200, "A", ANSWER)
        self.assertEqual(self.of(CallAnswered), [CallAnswered(placed.leg, ANSWER)])


class ReliableTests(ScriptCase):
    """100rel as the caller (RFC 3262 section 4)."""

    def racks(self) -> list[tuple[str, str]]:
        """Return To tag and RAck of each PRACK."""
        return [(prack.to_tag, prack.headers.get("RAck") or "") for prack in self.sent("PRACK")]

    def test_two_forks(self) -> None:
        """Each dialog has its own RSeq space and its own CSeq."""
        placed = self.place()
        placed.reliable(10, "A", EARLY)
        placed.reliable(99, "B")
        placed.reliable(11, "A")
        self.assertEqual(self.racks(), [("A", "10 1 INVITE"), ("B", "99 1 INVITE"), ("A", "11 1 INVITE")])
        self.assertEqual([prack.cseq.number for prack in self.sent("PRACK")], [2, 2, 3])
        self.assertEqual([event.sdp for event in self.of(CallProgress)], [EARLY, None, None])

    def test_repeated_and_out_of_order(self) -> None:
        """A copy, an older one and one beyond a gap are neither acknowledged nor told."""
        placed = self.place()
        placed.reliable(10)
        for number in (10, 9, 12):
            self.silent(partial(placed.reliable, number))
        self.assertEqual(len(self.of(CallProgress)), 1)
        placed.reliable(11)
        self.assertEqual(len(self.racks()), 2)

    def test_malformed(self) -> None:
        """A missing or senseless RSeq gets no PRACK and is counted; a huge one too."""
        placed = self.place()
        for number in ("x", "-1", "1" * 5000, str(2**32)):
            placed.reliable(number)
        placed.respond(183, fields=[("Require", "100rel")])
        self.assertEqual((self.racks(), len(self.faults())), ([], 5))

    def test_100_is_never_reliable(self) -> None:
        """A 100 that asks for a PRACK is taken as any 100."""
        self.place().reliable(1, status=100)
        self.assertEqual(self.racks(), [])

    def test_refused_prack(self) -> None:
        """What becomes of a PRACK does not matter: the INVITE goes its way."""
        placed = self.place()
        placed.reliable(1)
        self.respond(self.last("PRACK"), 481)
        placed.respond(200, sdp=ANSWER)
        self.assertEqual(len(self.of(CallAnswered)), 1)
        self.do(self.core.hangup, placed.leg)
        self.assertEqual(self.last("BYE").cseq.number, 3)


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

    def test_remembered(self) -> None:
        """Later requests carry credentials at once, with the nonce counted up."""
        placed = self.place()
        self.challenge(placed, 401)
        placed.respond(200, sdp=ANSWER)
        self.do(self.core.hangup, placed.leg)
        self.assertIn("nc=00000002", self.last("BYE").headers.get("Authorization") or "")


class ConnectionTests(ScriptCase):
    """A connection lost, in each state of the call."""

    def test_down_from_the_start(self) -> None:
        """Without a connection the call fails at once, and nothing of it is sent later."""
        self.disconnect()
        self.place()
        self.assertEnded(EndCause.FAILED, 503)
        self.assertEqual(self.core.legs, 0)
        self.silent(self.connect)

    def test_unknown_flow(self) -> None:
        """A flow that never was is one that is down."""
        self.place(flow=9)
        self.assertEnded(EndCause.FAILED, 503)

    def test_calling_or_ringing(self) -> None:
        """The call ends with the connection; over the next one it is cancelled, so that nobody rings on."""
        for ringing in (False, True):
            placed = self.place()
            if ringing:
                placed.respond(180)
            self.disconnect()
            ended = self.of(CallEnded)[-1]
            self.assertEqual((ended.cause, ended.code), (EndCause.FAILED, 503))
            self.advance(5)
            self.connect()
            self.assertEqual(self.last("CANCEL").via.branch, placed.invite.via.branch)
            self.assertEqual(self.core.legs, 0)

    def test_events_after_the_end(self) -> None:
        """Nothing is told of a call after its end; what still comes in is refused."""
        placed = self.place()
        placed.respond(180)
        self.disconnect()
        branch = placed.branch()
        self.assertEqual(self.core.legs, 1)
        before = list(self.events)
        branch.send("INFO")
        self.assertEqual(self.events, before)
        self.do(self.core.hangup, placed.leg)
        self.assertEqual(self.events, before)

    def test_never_back(self) -> None:
        """Without a new connection the rest of the call is forgotten in the end."""
        self.place()
        self.disconnect()
        self.advance(120)
        self.assertEqual((self.core.legs, self.core.transactions, self.core.next_deadline()), (0, 0, None))

    def test_cancelling(self) -> None:
        """A CANCEL whose answer was lost is sent once more over the new connection."""
        placed = self.place()
        placed.respond(180)
        self.do(self.core.hangup, placed.leg)
        self.disconnect()
        self.assertEnded(EndCause.LOCAL)
        self.connect()
        self.assertEqual(len(self.sent("CANCEL")), 2)
        self.assertEqual(self.core.legs, 0)

    def test_established(self) -> None:
        """The call goes on, and a re-INVITE with the description as it is tells the new way."""
        call = self.call_out()
        self.disconnect()
        self.advance(3)
        self.assertEqual(self.of(CallEnded), [])
        self.connect()
        reinvite = self.last("INVITE")
        self.assertEqual((reinvite.to_tag, reinvite.body), ("far", OFFER))
        self.respond(reinvite, 200, ANSWER)
        self.assertEqual(self.core.legs, 1)
        self.assertEqual(self.answers(call.send("INFO")), [200])

    def test_acknowledged_again(self) -> None:
        """An ACK that may have been lost with the connection is repeated over the new one, for 64·T1 only."""
        self.call_out()
        self.disconnect()
        self.advance(20)
        self.connect()
        first, second = self.sent("ACK")
        self.assertEqual(first.to_text(), second.to_text())
        self.assertLess(self.requests.index(second), self.requests.index(self.last("INVITE")))
        self.respond(self.last("INVITE"), 200, ANSWER)
        self.advance(40)
        sent = len(self.sent("ACK"))
        self.disconnect()
        self.connect()
        self.assertEqual(len(self.sent("ACK")), sent)
        self.respond(self.last("INVITE"), 200, ANSWER)

    def test_hang_up_meanwhile(self) -> None:
        """A hang-up without a connection is told at once, and its BYE is sent with its reason when it is back."""
        call = self.call_out()
        self.disconnect()
        self.do(self.core.hangup, call.leg, reasons=["SIP;cause=200"])
        self.assertEnded(EndCause.LOCAL)
        self.connect()
        self.assertEqual(self.last("BYE").headers.get("Reason"), "SIP;cause=200")
        self.respond(self.last("BYE"), 200)
        self.assertEqual((self.core.legs, len(self.of(CallEnded))), (0, 1))

    def test_bye_never_sent(self) -> None:
        """A BYE that finds no connection in time is given up."""
        call = self.call_out()
        self.disconnect()
        self.do(self.core.hangup, call.leg)
        self.advance(120)
        self.assertEqual(self.core.legs, 0)

    def test_bye_under_way(self) -> None:
        """A BYE that was lost with the connection is told as the end, and sent again."""
        call = self.call_out()
        self.do(self.core.hangup, call.leg)
        self.disconnect()
        self.assertEnded(EndCause.LOCAL)
        self.connect()
        byes = self.sent("BYE")
        self.assertEqual([bye.cseq.number for bye in byes], [2, 3])
        self.respond(byes[-1], 481)
        self.assertEqual((self.core.legs, len(self.of(CallEnded))), (0, 1))

    def test_peer_says_bye_meanwhile(self) -> None:
        """A BYE of the peer ends what waits for the connection, silently."""
        call = self.call_out()
        self.disconnect()
        self.do(self.core.hangup, call.leg)
        call.send("INFO")
        call.bye()
        self.assertEqual(self.core.legs, 0)
        self.assertEqual(len(self.of(CallEnded)), 1)

    def test_info_lost(self) -> None:
        """An INFO that was lost with the connection failed; the call goes on."""
        call = self.call_out()
        ticket, outputs = self.core.info(call.leg, "application/dtmf-relay", "Signal=1", self.now)
        self.take(outputs)
        self.disconnect()
        self.assertEqual(self.of(RequestAnswered), [RequestAnswered(call.leg, ticket, 503, "Service Unavailable")])
        self.assertEqual(self.of(CallEnded), [])

    def test_flapping(self) -> None:
        """A connection that comes and goes leaves one recovery to do, and no list that grows."""
        self.call_out()
        for _ in range(5):
            self.disconnect()
        self.assertEqual([len(legs) for legs in self.core._interrupted.values()], [1])
        self.connect()
        self.assertEqual(len(self.sent("INVITE")), 2)


class EndTests(ScriptCase):
    """The end of an answered call."""

    def test_bye_unanswered(self) -> None:
        """A BYE that nobody answers ends after 64·T1."""
        call = self.call_out()
        self.do(self.core.hangup, call.leg)
        self.advance(LIMIT)
        self.assertEnded(EndCause.LOCAL, 408)

    def test_byes_cross(self) -> None:
        """The peer's BYE that crosses ours ends the call; the answer to ours is not missed."""
        call = self.call_out()
        self.do(self.core.hangup, call.leg)
        self.assertEqual(self.answers(call.bye([("Reason", "Q.850;cause=16")])), [200])
        self.assertEnded(EndCause.REMOTE)
        self.assertEqual(self.ended().reasons, (Reason("Q.850", 16),))
        self.respond(self.last("BYE"), 481)
        self.assertEqual(len(self.of(CallEnded)), 1)

    def test_peers_bye_to_a_failure(self) -> None:
        """A call that we end for a fault keeps that cause when the peer's BYE crosses ours."""
        placed = self.place()
        placed.respond(200)
        placed.branch().bye()
        self.assertEnded(EndCause.FAILED, 488)

    def test_gone(self) -> None:
        """A 481 inside the call ends it, with a BYE for a peer that did not mean it."""
        call = self.call_out()
        _, outputs = self.core.info(call.leg, "a/b", "x", self.now)
        self.take(outputs)
        self.respond(self.last("INFO"), 481)
        self.assertEnded(EndCause.FAILED, 481)
        self.assertEqual((self.core.legs, self.last("BYE").to_tag), (0, "far"))

    def test_answers_after_the_end(self) -> None:
        """The answer to an INFO that comes behind the end is not told."""
        call = self.call_out()
        for _ in range(2):
            self.take(self.core.info(call.leg, "a/b", "x", self.now)[1])
        first, second = self.sent("INFO")
        self.respond(first, 100)
        self.respond(first, 415)
        call.bye()
        self.respond(second, 200)
        self.assertEqual([event.code for event in self.of(RequestAnswered)], [415])

    def test_requests_while_ending(self) -> None:
        """While our BYE is out, an offer is refused, other requests are answered, and ours cannot begin."""
        call = self.call_out()
        self.do(self.core.hangup, call.leg)
        for method, body, status in (
            ("INVITE", OFFER, 481),
            ("UPDATE", OFFER, 481),
            ("INFO", "", 200),
            ("FOO", "", 405),
        ):
            self.assertEqual(self.answers(call.send(method, body)), [status])
            if method == "INVITE":
                call.ack_refusal(call.request("INVITE", cseq=call.cseq))
        self.do(self.core.hangup, call.leg)
        self.assertEqual(len(self.sent("BYE")), 1)

    def test_malformed_2xx(self) -> None:
        """A 2xx with a Record-Route that cannot be read is acknowledged as well as can be, and ended."""
        placed = self.place()
        placed.respond(200, sdp=ANSWER, fields=[("Record-Route", "<<")])
        self.assertMethods("INVITE", "ACK", "BYE")
        self.respond(self.last("BYE"), 200)
        self.assertEnded(EndCause.FAILED, 488)
        self.assertEqual(len(self.faults()), 1)

    def test_malformed_interval(self) -> None:
        """A 2xx whose Session-Expires makes no sense has no session timer."""
        self.place().respond(200, sdp=ANSWER, fields=[("Session-Expires", "soon")])
        self.assertEqual(len(self.of(CallAnswered)), 1)

    def test_2xx_without_contact(self) -> None:
        """A 2xx without Contact is answered at the address that was called."""
        placed = self.place()
        self.respond(placed.invite, 200, ANSWER, contact=False)
        self.assertEqual(self.last("ACK").uri, TARGET)
