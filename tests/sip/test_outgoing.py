"""Calls that we place: the INVITE, where the answer comes from, and the end."""

from functools import partial

from tests.support.corepair import ANSWER, OFFER
from tests.support.script import EARLY, LIMIT, TARGET, ScriptCase
from wrtcgw.sip.errors import LocalViolation
from wrtcgw.sip.headers import Reason
from wrtcgw.sip.outputs import (
    CallAnswered,
    CallEnded,
    CallProgress,
    EndCause,
    RequestAnswered,
)
from wrtcgw.sip.uri import URI


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

    def test_gone_while_ending(self) -> None:
        """A 481 to a request that was out when we hung up changes nothing more."""
        call = self.call_out()
        self.take(self.core.info(call.leg, "a/b", "x", self.now)[1])
        self.do(self.core.hangup, call.leg)
        self.respond(self.last("INFO"), 481)
        self.assertEqual((self.of(CallEnded), len(self.sent("BYE"))), ([], 1))

    def test_only_once(self) -> None:
        """Whatever ends a leg a second time does nothing."""
        call = self.call_out()
        leg = self.core._legs[call.leg]
        self.do(self.core.hangup, call.leg)
        leg.terminate(EndCause.FAILED, 408, "late")
        call.bye()
        leg.finish(EndCause.FAILED)
        self.silent(lambda: self.advance(0))
        self.assertEnded(EndCause.REMOTE)

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
        """A 2xx with a Record-Route that cannot be read is acknowledged as well as can be, and answers the call."""
        placed = self.place()
        placed.respond(200, sdp=ANSWER, fields=[("Record-Route", "<<")])
        self.assertMethods("INVITE", "ACK")
        self.assertEqual([event.sdp for event in self.of(CallAnswered)], [ANSWER])
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
