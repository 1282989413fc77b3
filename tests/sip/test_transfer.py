"""Transfers that we ask for by REFER (RFC 3515, 3891, 5589), with all that can become of them."""

from tests.support.corecase import HELD, CoreCase, FarCall
from tests.support.corepair import ANSWER, CorePair
from wrtcgw.sip.errors import LocalViolation
from wrtcgw.sip.headers import Replaces
from wrtcgw.sip.message import Request
from wrtcgw.sip.outputs import CallAnswered, CallEnded, CallReceived, EndCause, RequestAnswered, TransferProgress
from wrtcgw.sip.uri import URI

TARGET = URI.parse("sip:1004@example.org")


class OurTransferCase(CoreCase):
    """Transfers that we ask for."""

    def refer(self, call: FarCall, target: URI = TARGET, other: FarCall | None = None) -> Request:
        """Ask the far side of ``call`` to call ``target``; return the REFER."""
        replaces = other.leg if other is not None else None
        self.ticket, outputs = self.core.refer(call.leg, target, self.now, replaces_leg=replaces)
        self.take(outputs)
        return self.last("REFER")

    def referred(self) -> FarCall:
        """Establish a call whose REFER is accepted."""
        call = self.call_out()
        self.respond(self.refer(call), 202)
        return call

    def notify(self, call: FarCall, state: str, body: str = "", event: str = "refer") -> int:
        """Let the far side tell how the transfer is getting on; return our answer."""
        fields = [("Event", event)]
        if state:
            fields.append(("Subscription-State", state))
        if body:
            fields.append(("Content-Type", "message/sipfrag;version=2.0"))
        return self.answer_to(call.send("NOTIFY", body, fields)).status

    def told(self) -> list[tuple[int, str, bool]]:
        """Return what was told of transfers so far."""
        return [(event.code, event.reason, event.final) for event in self.of(TransferProgress)]


class BlindTests(OurTransferCase):
    """A REFER of ours and its NOTIFYs."""

    def test_request(self) -> None:
        """The REFER names its target and us, once each, inside the dialog."""
        call = self.call_out()
        refer = self.refer(call)
        self.assertEqual(refer.headers.get_all("Refer-To"), ["<sip:1004@example.org>"])
        self.assertEqual(refer.headers.get_all("Referred-By"), ["<sip:alice@example.org>"])
        self.assertEqual(refer.headers.get("Contact"), "<sip:alice@gw.invalid;transport=ws;ob>")
        self.assertEqual(refer.uri, "sip:far@192.0.2.7")
        self.assertEqual((refer.call_id, refer.to_tag), (call.call_id, "far"))
        self.respond(refer, 202)
        self.assertEqual(self.of(RequestAnswered), [RequestAnswered(call.leg, self.ticket, 202, "Accepted")])

    def test_success(self) -> None:
        """100, 180 and 200 are told as they come, the last one as final; the call goes on until someone ends it."""
        call = self.referred()
        for body in ("SIP/2.0 100 Trying\r\n", "SIP/2.0 180 Ringing"):
            self.assertEqual(self.notify(call, "active;expires=60", body), 200)
        self.notify(call, "terminated;reason=noresource", "SIP/2.0 200 OK\r\n")
        self.assertEqual(self.told(), [(100, "Trying", False), (180, "Ringing", False), (200, "OK", True)])
        self.assertEqual(self.of(CallEnded), [])
        call.bye()
        self.assertEqual(self.of(CallEnded)[0].cause, EndCause.REMOTE)

    def test_failures(self) -> None:
        """A final refusal is told whatever the subscription's state says, and only once; the call goes on."""
        for code, reason, state in (
            (486, "Busy Here", "terminated;reason=noresource"),
            (603, "Decline", "active;expires=10"),
            (400, "", "Terminated"),
            (503, "", ""),
        ):
            with self.subTest(code=code):
                call = self.referred()
                before = len(self.told())
                self.notify(call, state, f"SIP/2.0 {code} {reason}".rstrip())
                self.assertEqual(self.told()[before:], [(code, reason, True)])
                self.assertEqual(self.notify(call, "terminated", "SIP/2.0 200 OK"), 200)
                self.assertEqual(len(self.told()), before + 1)
                self.assertEqual(self.of(CallEnded), [])
                self.advance(100)
                self.assertEqual(len(self.told()), before + 1)

    def test_notify_before_the_answer(self) -> None:
        """A NOTIFY that overtakes the 202 counts (RFC 3515 section 2.4.4); after a final one nothing is waited for."""
        call = self.call_out()
        refer = self.refer(call)
        self.notify(call, "active", "SIP/2.0 100 Trying")
        self.notify(call, "terminated", "SIP/2.0 200 OK")
        self.respond(refer, 202)
        self.assertEqual([code for code, _, _ in self.told()], [100, 200])
        self.assertEqual(len(self.of(RequestAnswered)), 1)
        self.advance(100)
        self.assertEqual(len(self.told()), 2)

    def test_without_body(self) -> None:
        """A NOTIFY without a body tells nothing while the state is active, and the end without an outcome after it."""
        call = self.referred()
        self.notify(call, "active;expires=60")
        self.notify(call, "pending")
        self.assertEqual(self.told(), [])
        self.notify(call, "terminated;reason=timeout")
        self.advance(2)
        self.assertEqual(self.told(), [(0, "", True)])

    def test_terminated_before_the_outcome(self) -> None:
        """A NOTIFY that ends the subscription with 100 or 180 may be followed by the outcome; else nobody knows it."""
        for code, reason in ((100, "Trying"), (180, "Ringing"), (0, "")):
            for outcome, told in (
                ("SIP/2.0 200 OK", (200, "OK", True)),
                ("SIP/2.0 486 Busy", (486, "Busy", True)),
                ("", None),
            ):
                with self.subTest(code=code, outcome=outcome):
                    call = self.referred()
                    before = len(self.told())
                    self.notify(call, "terminated;reason=noresource", f"SIP/2.0 {code} {reason}" if code else "")
                    self.assertEqual(self.told()[before:], [])
                    self.advance(0.9)
                    if outcome:
                        self.notify(call, "terminated", outcome)
                    self.advance(1.1)
                    self.assertEqual(self.told()[before:], [told or (code, reason, True)])
                    self.advance(100)
                    self.assertEqual(len(self.told()), before + 1)

    def test_terminated_and_gone(self) -> None:
        """The BYE that follows such a NOTIFY ends the call, and nothing is told of the transfer after it."""
        call = self.referred()
        self.notify(call, "terminated", "SIP/2.0 100 Trying")
        call.bye()
        self.advance(100)
        self.assertEqual((self.told(), len(self.of(CallEnded))), ([], 1))

    def test_unknown_body(self) -> None:
        """A body that is no status line tells as little as none."""
        call = self.referred()
        for body in ("hello", "SIP/2.0", "SIP/2.0 20 x", "SIP/2.0 abc", "SIP/2.0 999 x", "SIP/2.0 ²00 x", "\r\n"):
            self.assertEqual(self.notify(call, "active", body), 200)
        self.assertEqual(self.told(), [])
        self.notify(call, "terminated", "INVITE sip:a@b SIP/2.0")
        self.advance(2)
        self.assertEqual(self.told(), [(0, "", True)])

    def test_odd_status_lines(self) -> None:
        """The status line is read whatever stands between its words, before it and behind it."""
        for body, told in (
            ("SIP/2.0  200 OK", (200, "OK", True)),
            ("\tsip/2.0\t200\tOK\n", (200, "OK", True)),
            ("\ufeffSIP/2.0 200 OK", (200, "OK", True)),
            ("SIP/2.0 603", (603, "", True)),
            ('SIP/2.0 486 Busy, "here" \r\nReason: x\r\n\r\n', (486, 'Busy, "here"', True)),
        ):
            call = self.referred()
            self.notify(call, "terminated;reason=noresource", body)
            self.assertEqual(self.told()[-1], told, body)
            call.bye()

    def test_whole_message_in_body(self) -> None:
        """A sipfrag may be a response with header fields, with or without line ends in front (RFC 3420 section 2)."""
        call = self.referred()
        self.notify(call, "active", "\r\nsip/2.0 183 Session Progress\r\nTo: <sip:x@y>\r\n\r\n")
        self.assertEqual(self.told(), [(183, "Session Progress", False)])

    def test_silence(self) -> None:
        """A far side that says no more is given up after a while, counted from what it said last."""
        call = self.referred()
        self.advance(59)
        self.notify(call, "active", "SIP/2.0 100 Trying")
        self.advance(59)
        self.notify(call, "active")
        self.advance(59)
        self.assertEqual(len(self.told()), 1)
        self.advance(1)
        self.assertEqual(self.told()[1:], [(408, "no NOTIFY came", True)])
        self.notify(call, "terminated", "SIP/2.0 200 OK")
        self.assertEqual(len(self.told()), 2)

    def test_refused(self) -> None:
        """A REFER that is refused is told once, no NOTIFY is expected, and 481 alone ends the call."""
        for code in (400, 403, 405, 420, 500, 603):
            with self.subTest(code=code):
                call = self.call_out()
                self.respond(self.refer(call), code)
                self.assertEqual(self.of(RequestAnswered)[-1].code, code)
                self.notify(call, "terminated", "SIP/2.0 200 OK")
                self.advance(100)
                self.assertEqual(self.told(), [])
                self.assertEqual(self.of(CallEnded), [])
        call = self.call_out()
        self.respond(self.refer(call), 481)
        self.assertEqual(self.of(CallEnded)[0].code, 481)

    def test_unanswered(self) -> None:
        """A REFER that gets no response counts as refused with 408; the call goes on."""
        call = self.call_out()
        refer = self.refer(call)
        self.respond(refer, 100)
        self.advance(32)
        self.assertEqual(self.of(RequestAnswered), [RequestAnswered(call.leg, self.ticket, 408, "Request Timeout")])
        self.assertEqual(self.of(CallEnded), [])

    def test_connection_lost(self) -> None:
        """A REFER whose connection is lost counts as refused with 503."""
        call = self.call_out()
        self.refer(call)
        self.disconnect()
        self.assertEqual(self.of(RequestAnswered)[0].code, 503)

    def test_connection_lost_after_the_answer(self) -> None:
        """An accepted transfer outlives its connection: its NOTIFYs come over the next one."""
        call = self.referred()
        self.disconnect()
        self.connect()
        self.notify(call, "terminated", "SIP/2.0 200 OK")
        self.assertEqual(self.told(), [(200, "OK", True)])

    def test_bye_before_the_answer(self) -> None:
        """A BYE in place of the 202 ends the call, and nothing is told after that (report A17)."""
        call = self.call_out()
        refer = self.refer(call)
        call.bye()
        self.respond(refer, 202)
        self.assertIsInstance(self.events[-1], CallEnded)
        self.assertEqual(self.notify(call, "terminated", "SIP/2.0 200 OK"), 481)
        self.assertEqual(self.told(), [])

    def test_bye_after_the_answer(self) -> None:
        """A BYE right after the 202, before the first NOTIFY, ends the call and the wait."""
        call = self.referred()
        call.bye()
        self.assertEqual(self.notify(call, "active", "SIP/2.0 100 Trying"), 481)
        self.advance(100)
        self.assertEqual(self.told(), [])

    def test_our_bye(self) -> None:
        """After our BYE a NOTIFY is answered and told no more once the end is told."""
        call = self.referred()
        self.do(self.core.hangup, call.leg)
        self.respond(self.last("BYE"), 200)
        self.assertEqual(self.notify(call, "terminated", "SIP/2.0 200 OK"), 481)
        self.assertIsInstance(self.events[-1], CallEnded)

    def test_another_after_failure(self) -> None:
        """After a failure another transfer can be asked for; what comes of the first is not taken for the second's."""
        call = self.referred()
        first = self.last("REFER").cseq.number
        self.notify(call, "terminated", "SIP/2.0 486 Busy Here")
        self.respond(self.refer(call), 202)
        second = self.last("REFER").cseq.number
        self.assertEqual(self.notify(call, "terminated", "SIP/2.0 486 Busy Here", f"refer;id={first}"), 200)
        self.assertEqual(len(self.told()), 1)
        self.notify(call, "terminated", "SIP/2.0 200 OK", f"refer;id={second}")
        self.assertEqual(self.told()[1:], [(200, "OK", True)])

    def test_another_in_place_of_the_first(self) -> None:
        """A transfer takes the place of one that is not over; unknown ids and none are the newest one's."""
        call = self.referred()
        first = self.last("REFER").cseq.number
        self.respond(self.refer(call), 202)
        self.respond(self.refer(call), 202)
        self.notify(call, "active", "SIP/2.0 180 Ringing", f"refer;id={first}")
        self.assertEqual(self.told(), [])
        self.notify(call, "active", "SIP/2.0 180 Ringing", "refer;id=4711")
        self.notify(call, "terminated", "SIP/2.0 200 OK", "refer")
        self.assertEqual([code for code, _, _ in self.told()], [180, 200])
        self.advance(100)
        self.assertEqual(len(self.told()), 2)

    def test_notify_of_nothing(self) -> None:
        """A NOTIFY of a transfer that no one asked for gets 481, one of an unknown event 489."""
        call = self.call_out()
        self.assertEqual(self.notify(call, "terminated", "SIP/2.0 200 OK"), 481)
        self.assertEqual(self.notify(call, "active", "", "presence"), 489)

    def test_no_dialog(self) -> None:
        """A call without a dialog, or one that is over, cannot be transferred."""
        leg, outputs = self.core.invite("alice", TARGET, ANSWER, self.now)
        self.take(outputs)
        with self.assertRaises(LocalViolation):
            self.core.refer(leg, TARGET, self.now)
        self.respond(self.last("INVITE"), 486)
        with self.assertRaises(LocalViolation):
            self.core.refer(leg, TARGET, self.now)


class AttendedTests(OurTransferCase):
    """A REFER of ours that names another call (RFC 5589 section 7)."""

    def test_refer_to(self) -> None:
        """The Replaces in Refer-To is escaped, and its tags are as the other far side sees them."""
        first, second = self.call_out(), self.call_in()
        refer = self.refer(first, self.core.remote_target(second.leg), second)
        leg = self.core._legs[second.leg]
        local_tag = leg.dialog.local_tag
        self.assertEqual(
            refer.headers.get("Refer-To"),
            f"<sip:far@192.0.2.7?Replaces={second.call_id}%3Bto-tag%3Dfar%3Bfrom-tag%3D{local_tag}>",
        )

    def test_odd_characters(self) -> None:
        """Each Call-ID that the grammar allows comes out exact (RFC 3261 section 25.1: word, hnv-unreserved)."""
        for call_id, text in (
            ("a84b4c76e66710@pc33.atlanta.example.com", "a84b4c76e66710%40pc33.atlanta.example.com"),
            ("-.!%*_+`'~()<>:\\\"/[]?{}", "-.!%25*_+%60'~()%3C%3E:%5C%22/[]?%7B%7D"),
            ("f81d4fae-7dec@[2001:db8::1]", "f81d4fae-7dec%40[2001:db8::1]"),
            ("100%25", "100%2525"),
        ):
            with self.subTest(call_id=call_id):
                first = self.call_out()
                other = self.named(call_id)
                refer = self.refer(first, self.core.remote_target(other.leg), other)
                value = refer.headers.get("Refer-To") or ""
                tag = self.core._legs[other.leg].dialog.local_tag
                self.assertEqual(value, f"<sip:far@192.0.2.7?Replaces={text}%3Bto-tag%3Dfar%3Bfrom-tag%3D{tag}>")
                header = URI.parse(value.strip("<>")).header("replaces") or ""
                self.assertEqual(Replaces.parse(header), Replaces(call_id, "far", tag))

    def named(self, call_id: str) -> FarCall:
        """Establish a call of the far side with that Call-ID."""
        call = FarCall(self, call_id, "<sip:far@example.org>;tag=far", "<sip:alice@example.org>")
        self.calls.append(call)
        invite = call.send("INVITE", HELD, [("Via", f"SIP/2.0/WS far.invalid;branch=z9hG4bK{len(self.calls)}")])
        call.remote = self.answer_to(invite).headers.get("To") or ""
        call.leg = self.of(CallReceived)[-1].leg
        self.do(self.core.answer, call.leg, ANSWER)
        call.send("ACK", cseq=invite.cseq.number)
        return call

    def test_target_with_headers(self) -> None:
        """A target that has headers already gets Replaces as one more."""
        first, second = self.call_out(), self.call_in()
        refer = self.refer(first, URI.parse("sip:1004@example.org?Subject=hi"), second)
        self.assertIn("?Subject=hi&Replaces=far-1%3B", refer.headers.get("Refer-To") or "")

    def test_other_without_dialog(self) -> None:
        """A call that no one has answered cannot be joined to."""
        first = self.call_out()
        leg, outputs = self.core.invite("alice", TARGET, ANSWER, self.now)
        self.take(outputs)
        with self.assertRaises(LocalViolation):
            self.core.refer(first.leg, TARGET, self.now, replaces_leg=leg)
        self.respond(self.last("INVITE"), 486)

    def test_between_two_cores(self) -> None:
        """The far side finds the call that our Replaces names, and ends it when the new one is answered."""
        pair = CorePair()
        alice = pair.call()
        received = pair.b.last(CallReceived)
        assert isinstance(received, CallReceived)
        pair.take(pair.b, pair.b.core.answer(received.leg, ANSWER, pair.now))
        self.assertEqual(len(pair.a.of(CallAnswered)), 1)
        target = pair.a.core.remote_target(alice)
        replaces = URI.parse(f"sip:x@y?Replaces={pair.a.core._legs[alice].replaces()}").header("Replaces") or ""
        leg, outputs = pair.a.core.invite("alice", target, HELD, pair.now, headers=[("Replaces", replaces)])
        pair.take(pair.a, outputs)
        again = pair.b.last(CallReceived)
        assert isinstance(again, CallReceived)
        self.assertEqual(again.replaces, received.leg)
        pair.take(pair.b, pair.b.core.answer(again.leg, ANSWER, pair.now))
        self.assertEqual([end.leg for end in pair.a.of(CallEnded) if isinstance(end, CallEnded)], [alice])
        pair.take(pair.a, pair.a.core.hangup(leg, pair.now))
        pair.advance(100)
        self.assertEqual((pair.a.core.legs, pair.b.core.legs), (0, 0))
