"""Transfers that a peer asks for (RFC 3515): REFERs to us, and the NOTIFYs that we owe for them."""

from itertools import pairwise

from tests.support.corecase import CoreCase, FarCall
from wrtcgw.sip.errors import LocalViolation
from wrtcgw.sip.message import Request
from wrtcgw.sip.outputs import CallEnded, TransferRequested
from wrtcgw.sip.uri import URI

TARGET = URI.parse("sip:1004@example.org")


class TheirTransferTests(CoreCase):
    """A REFER of the peer."""

    def refer(self, call: FarCall, *targets: str, fields: tuple[tuple[str, str], ...] = ()) -> Request:
        """Let the far side ask us to call ``targets``."""
        return call.send("REFER", "", [*(("Refer-To", target) for target in targets), *fields])

    def notifies(self) -> list[tuple[str, str, str]]:
        """Return event, subscription state and body of our NOTIFYs; answer them."""
        told = []
        for notify in self.sent("NOTIFY"):
            headers = notify.headers
            told.append((headers.get("Event") or "", headers.get("Subscription-State") or "", notify.body))
            self.assertEqual(headers.get("Content-Type"), "message/sipfrag;version=2.0")
            self.respond(notify, 200)
        return told

    def test_accepted(self) -> None:
        """An accepted REFER gets 202 and a NOTIFY with 100 at once, then one for each state; the final one ends it."""
        call = self.call_out()
        refer = self.refer(call, "<sip:1004@example.org>", fields=(("Referred-By", "<sip:boss@example.org>"),))
        request = TransferRequested(leg=call.leg, target=TARGET, referred_by="<sip:boss@example.org>")
        self.assertEqual(self.of(TransferRequested), [request])
        self.assertEqual(self.answers(refer), [])
        self.do(self.core.accept_refer, call.leg)
        self.assertEqual(self.answers(refer), [202])
        self.assertIn("Contact", self.answer_to(refer).headers)
        self.do(self.core.notify_refer, call.leg, 180, "")
        self.do(self.core.notify_refer, call.leg, 486, "Busy, sorry")
        self.do(self.core.notify_refer, call.leg, 200, "too late")
        active, ended = "active;expires=60", "terminated;reason=noresource"
        self.assertEqual(
            self.notifies(),
            [
                ("refer", active, "SIP/2.0 100 Trying\r\n"),
                ("refer", active, "SIP/2.0 180 Ringing\r\n"),
                ("refer", ended, "SIP/2.0 486 Busy, sorry\r\n"),
            ],
        )
        numbers = [notify.cseq.number for notify in self.sent("NOTIFY")]
        self.assertTrue(all(later == earlier + 1 for earlier, later in pairwise(numbers)))

    def test_rejected(self) -> None:
        """A rejected REFER gets the code, and no NOTIFY."""
        call = self.call_out()
        refer = self.refer(call, "<sip:1004@example.org>")
        self.do(self.core.reject_refer, call.leg, 603)
        self.do(self.core.accept_refer, call.leg)
        self.do(self.core.notify_refer, call.leg, 200, "OK")
        self.assertEqual(self.answers(refer), [603])
        self.assertEqual(self.sent("NOTIFY"), [])

    def test_twice(self) -> None:
        """Accepting or rejecting again does nothing."""
        call = self.call_out()
        refer = self.refer(call, "<sip:1004@example.org>")
        for _ in range(2):
            self.do(self.core.accept_refer, call.leg)
        self.do(self.core.reject_refer, call.leg, 603)
        self.assertEqual(self.answers(refer), [202])
        self.assertEqual(len(self.sent("NOTIFY")), 1)

    def test_not_accepted(self) -> None:
        """No NOTIFY goes out before the REFER is accepted."""
        call = self.call_out()
        self.refer(call, "<sip:1004@example.org>")
        self.do(self.core.notify_refer, call.leg, 180, "")
        self.assertEqual(self.sent("NOTIFY"), [])

    def test_nothing_to_accept(self) -> None:
        """Without a REFER there is nothing to accept."""
        call = self.call_out()
        for entry in (self.core.accept_refer, self.core.reject_refer):
            with self.assertRaises(LocalViolation):
                self.do(entry, call.leg, *((603,) if entry == self.core.reject_refer else ()))

    def test_line_end(self) -> None:
        """A reason with a line end in it is refused, as everywhere."""
        call = self.call_out()
        self.refer(call, "<sip:1004@example.org>")
        self.do(self.core.accept_refer, call.leg)
        with self.assertRaises(LocalViolation):
            self.do(self.core.notify_refer, call.leg, 180, "x\r\nEvil: 1")

    def test_bad_refer_to(self) -> None:
        """None, two or an unreadable Refer-To get 400 (RFC 3515 section 2.4.2), and the next REFER is heard again."""
        call = self.call_out()
        for targets in ((), ("<sip:a@b>", "<sip:c@d>"), ("<sip:a@b>, <sip:c@d>",), ("<<<",), ("<sip:a@b?Replaces=x>",)):
            with self.subTest(targets=targets):
                self.assertEqual(self.answers(self.refer(call, *targets)), [400])
        self.assertEqual(self.of(TransferRequested), [])
        refer = self.refer(call, "<sip:1004@example.org>")
        self.assertEqual(len(self.of(TransferRequested)), 1)
        self.do(self.core.reject_refer, call.leg, 603)
        self.assertEqual(self.answers(refer), [603])

    def test_bad_one_beside_a_good_one(self) -> None:
        """A bad REFER does not take the place of one that was accepted."""
        call = self.call_out()
        self.refer(call, "<sip:1004@example.org>")
        self.do(self.core.accept_refer, call.leg)
        self.refer(call)
        self.do(self.core.notify_refer, call.leg, 200, "OK")
        self.assertEqual(len(self.sent("NOTIFY")), 2)

    def test_second_while_open(self) -> None:
        """A REFER while another waits for its answer gets 491."""
        call = self.call_out()
        first = self.refer(call, "<sip:1004@example.org>")
        self.assertEqual(self.answers(self.refer(call, "<sip:1005@example.org>")), [491])
        self.do(self.core.reject_refer, call.leg, 603)
        self.assertEqual(self.answers(first), [603])

    def test_second_after_the_first(self) -> None:
        """The NOTIFYs of a second REFER carry its CSeq number as id (RFC 3515 section 2.4.6)."""
        call = self.call_out()
        self.refer(call, "<sip:1004@example.org>")
        self.do(self.core.accept_refer, call.leg)
        self.do(self.core.notify_refer, call.leg, 486, "")
        second = self.refer(call, "<sip:1005@example.org>")
        self.do(self.core.accept_refer, call.leg)
        self.assertEqual(
            [event for event, _, _ in self.notifies()], ["refer", "refer", f"refer;id={second.cseq.number}"]
        )

    def test_replaces(self) -> None:
        """Refer-To with Replaces names one of our legs if that is ours, whatever the case of its name."""
        call, other = self.call_out(), self.call_in()
        tag = self.core._legs[other.leg].dialog.local_tag
        for name in ("Replaces", "replaces", "REPLACES"):
            header = f"{other.call_id}%3Bfrom-tag%3Dfar%3Bto-tag%3D{tag}%3Bearly-only"
            self.refer(call, f"<sip:far@192.0.2.7?Subject=x&{name}={header}>")
            event = self.of(TransferRequested)[-1]
            self.assertEqual(event.replaces, other.leg)
            self.assertEqual(event.target, URI.parse("sip:far@192.0.2.7"))
            self.do(self.core.reject_refer, call.leg, 603)
        self.refer(call, f"<sip:far@192.0.2.7?Replaces={other.call_id}%3Bfrom-tag%3D{tag}%3Bto-tag%3Dfar>")
        self.assertIsNone(self.of(TransferRequested)[-1].replaces)

    def test_end_of_the_call(self) -> None:
        """With the call an open REFER ends: 487; a state that is told later goes nowhere."""
        for ours in (True, False):
            with self.subTest(ours=ours):
                call = self.call_out()
                refer = self.refer(call, "<sip:1004@example.org>")
                if ours:
                    self.do(self.core.hangup, call.leg)
                    self.respond(self.last("BYE"), 200)
                else:
                    call.bye()
                self.assertEqual(self.answers(refer), [487])

    def test_refused_notify(self) -> None:
        """What becomes of a NOTIFY makes no difference to the call."""
        for code in (200, 481, 500):
            with self.subTest(code=code):
                call = self.call_out()
                self.refer(call, "<sip:1004@example.org>")
                self.do(self.core.accept_refer, call.leg)
                self.respond(self.last("NOTIFY"), code)
                self.assertEqual(self.of(CallEnded), [])
        call = self.call_out()
        self.refer(call, "<sip:1004@example.org>")
        self.do(self.core.accept_refer, call.leg)
        self.advance(60)
        self.assertEqual(self.of(CallEnded), [])

    def test_not_established(self) -> None:
        """A REFER in a call that is not answered gets 403."""
        call = self.ring_in()
        self.assertEqual(self.answers(self.refer(call, "<sip:1004@example.org>")), [403])
