"""Forks and reliable provisional responses, as the caller."""

from functools import partial

from tests.support.corepair import ANSWER, OFFER
from tests.support.script import EARLY, LIMIT, ScriptCase
from wrtcgw.sip.outputs import (
    CallAnswered,
    CallEnded,
    CallProgress,
    ControlReceived,
    EndCause,
    OfferReceived,
)


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
