"""What strangers send and was always read right: odd, but legal or usual, and to stay so."""

from tests.support.corecase import FarCall
from tests.support.corepair import ANSWER, OFFER
from tests.support.registercase import CONTACT, RegisterCase
from tests.support.script import EARLY, IncomingCase, ScriptCase
from wrtcgw.sip.headers import Reason
from wrtcgw.sip.outputs import CallAnswered, CallEnded, CallProgress, EndCause, Registered


class RegistrarTests(RegisterCase):
    """Answers to a REGISTER."""

    def test_bindings(self) -> None:
        """Ours is found among bindings of others, in compact lists, beside odd users and quoted brackets."""
        own = f"{CONTACT};expires=77"
        for fields in (
            [("Contact", f"<sip:other@192.0.2.4>;expires=9, {own}")],
            [("m", f"<sip:a#b@192.0.2.4>;expires=9,{own}")],
            [("Contact", 'sip:x@192.0.2.4;note="<a>,<b>";expires=9'), ("Contact", own)],
            [("Contact", CONTACT), ("Expires", "77")],
            [("Expires", "77")],
        ):
            with self.subTest(fields=fields):
                self.start()
                self.respond(self.sign_in(), 200, "", fields, contact=False)
                self.assertEqual(self.of(Registered)[0].expires, 77)

    def test_challenges(self) -> None:
        """Two realms in one 401, no qop, a quoted algorithm, an empty realm and a nonce with a colon are answered."""
        for challenges in (
            ['Digest realm="a", nonce="1"', 'Digest realm="b", nonce="2", qop="auth"'],
            ['Digest realm="", nonce="a:b", algorithm="MD5"'],
        ):
            with self.subTest(challenges=challenges):
                self.start()
                self.respond(self.sign_in(), 401, "", [("WWW-Authenticate", value) for value in challenges])
                self.assertEqual(len(self.last("REGISTER").headers.get_all("Authorization")), len(challenges))
                self.grant()


class CallerTests(IncomingCase):
    """INVITEs of the far side."""

    def test_callers(self) -> None:
        """Hosts and users as they occur, empty names and escaped quotes."""
        for from_, name, user in (
            ("<sip:100@10>;tag=f", "", "100"),
            ("<sip:100@my-pbx_1.local>;tag=f", "", "100"),
            ("<sip:*97#;x=y@far.example.com>;tag=f", "", "*97#;x=y"),
            ('"" <sip:100@far.example.com>;tag=f', "", "100"),
            (r'"A \"B\" \\" <sip:100@far.example.com>;tag=f', 'A "B" \\', "100"),
        ):
            with self.subTest(from_=from_):
                self.start()
                FarCall(self, "known", from_, "<sip:alice@example.org>").reinvite(OFFER)
                received = self.received()
                self.assertEqual((received.caller.display_name, received.caller.uri.user), (name, user))
                self.assertEqual((self.faults(), self.responses[-1].headers.get("From")), ([], from_))
                self.do(self.core.hangup, received.leg)

    def test_bodies(self) -> None:
        """The description is found in what PBXs put around it."""
        parts = "--{0}\r\nContent-Type: application/isup\r\n\r\nx\r\n--{0}\r\nContent-Type: application/sdp\r\n\r\n"
        for kind, body in (
            ("application/sdp;charset=utf-8", OFFER),
            ("Application/SDP", OFFER),
            ('multipart/mixed;boundary="b 1"', parts.format("b 1") + OFFER + "\r\n--b 1--\r\n"),
            ("multipart/mixed; boundary=b-1", parts.format("b-1") + OFFER + "\r\n--b-1--"),
            ("multipart/alternative;x=y;boundary=b", parts.format("b") + OFFER + "\r\n--b--\r\n"),
        ):
            with self.subTest(kind=kind):
                self.start()
                self.outside("INVITE", body=body, fields=[("Content-Type", kind)])
                received = self.received()
                self.assertEqual(received.offer, OFFER)
                self.do(self.core.hangup, received.leg)

    def test_nested_bodies(self) -> None:
        """A multipart within a multipart, one of related parts, and a boundary that begins as another does."""
        inner = f"--{{0}}\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n--{{0}}--"
        head = "--o \t\r\nContent-Type: text/plain\r\n\r\n--oo\r\n--o\r\nContent-Type: "
        for kind, body in (
            (
                "multipart/mixed;boundary=o",
                f"{head}multipart/alternative;boundary=oo\r\n\r\n{inner.format('oo')}\r\n--o--",
            ),
            ('multipart/related;boundary="o";type="x/y"', f"{head}application/sdp;\r\n\r\n{OFFER}\r\n--o--\r\n"),
            ("multipart/mixed; boundary = o ;", f"preamble\r\n{head}Application/SDP\r\n\r\n{OFFER}\r\n--o--"),
            ("multipart/mixed", f"{head}application/sdp\r\n\r\n{OFFER}\r\n--o--"),
            ('multipart/mixed;boundary="o', f"{head}application/sdp\r\n\r\n{OFFER}\r\n--o--"),
        ):
            with self.subTest(kind=kind):
                self.start()
                self.outside("INVITE", body=body, fields=[("Content-Type", kind)])
                received = self.received()
                self.assertEqual(received.offer, OFFER)
                self.do(self.core.hangup, received.leg)

    def test_replaces(self) -> None:
        """The dialog that a call takes the place of is found whatever the order, case and quotes of its tags."""
        for form in (
            "{0};to-tag={1};from-tag=far",
            "{0}; from-tag=far ;\tto-tag={1}",
            "{0} ;TO-TAG={1};From-Tag=far",
            '{0};to-tag="{1}";from-tag="far"',
            "{0};;to-tag={1};from-tag=far;",
            "{0};x=<y>;to-tag={1};from-tag=far;early-flag=no",
        ):
            with self.subTest(form=form):
                self.start()
                old = self.call_in()
                replaces = form.format(old.call_id, old.remote.rpartition("tag=")[2])
                new = FarCall(self, "new", "<sip:far@example.org>;tag=new", "<sip:alice@example.org>")
                new.target = "sip:alice@gw.invalid"
                new.reinvite(OFFER, [("Replaces", replaces)])
                self.assertEqual(self.received().replaces, old.leg)
                self.do(self.core.hangup, self.received().leg)

    def test_reason(self) -> None:
        """The text of a Reason may hold what separates elsewhere."""
        call = self.call_in()
        call.bye([("Reason", 'Q.850 ;cause=16 ;text="a;b=c, d", SIP;cause=200')])
        reasons = self.of(CallEnded)[0].reasons
        self.assertEqual(reasons, (Reason("Q.850", 16, "a;b=c, d"), Reason("SIP", 200, "")))


class AnswerTests(ScriptCase):
    """Answers to an INVITE of ours."""

    def test_where_the_description_is(self) -> None:
        """A description in a 183 or 180 counts when the 200 has none; else the one of the 200 does."""
        for status, last, told in ((183, "", EARLY), (180, "", EARLY), (183, ANSWER, ANSWER)):
            with self.subTest(status=status, last=last):
                self.start()
                placed = self.place()
                placed.respond(status, sdp=EARLY)
                placed.respond(200, sdp=last)
                self.assertEqual([event.sdp for event in self.of(CallAnswered)], [told])
                self.end_all()

    def test_bodies(self) -> None:
        """A description among the parts of an answer is found, early and in the end."""
        for kind, boundary in (('multipart/mixed;boundary="b 1"', "b 1"), ("multipart/mixed; boundary=b", "b")):
            for status in (183, 200):
                with self.subTest(kind=kind, status=status):
                    self.start()
                    placed = self.place()
                    part = f"--{boundary}\r\nContent-Type: application/sdp\r\n\r\n{ANSWER}\r\n--{boundary}--\r\n"
                    placed.respond_with(status, kind, part)
                    told = [each.sdp for each in self.of(CallProgress)] + [each.sdp for each in self.of(CallAnswered)]
                    self.assertEqual(told, [ANSWER])
                    self.end_all()

    def test_other_targets(self) -> None:
        """300 and 302 are followed, by q, one without q before all, and on failure the next, but for 6xx (8.1.3.4)."""
        for status in (300, 301, 302):
            with self.subTest(status=status):
                self.start()
                placed = self.place()
                contacts = "<sip:b@example.org>;q=0.2, <sip:c@example.org>;q=0.25,<sip:a@example.org>"
                more = "<sip:d@example.org>;q=0.1"
                placed.respond(status, fields=[("Contact", contacts), ("Contact", more)])
                placed.respond(486)
                placed.respond(503)
                placed.respond(603)
                users = [invite.uri for invite in self.sent("INVITE")[1:]]
                self.assertEqual(users, ["sip:a@example.org", "sip:c@example.org", "sip:b@example.org"])
                self.assertEnded(EndCause.REFUSED, 603)

    def test_too_many_targets(self) -> None:
        """However many targets there are, no more than ``max_redirects`` are called; the last refusal is told."""
        self.start(max_redirects=2)
        placed = self.place()
        placed.respond(302, fields=[("Contact", ",".join(f"<sip:{number}@example.org>" for number in range(9)))])
        placed.respond(486)
        placed.respond(480)
        self.assertEqual(len(self.sent("INVITE")), 3)
        self.assertEnded(EndCause.REFUSED, 480)

    def test_unavailable(self) -> None:
        """503 with Retry-After, in whatever form, ends the call with its code; nothing is sent again by itself."""
        for value in ("5", "18000;duration=3600", "120 (I'm in a meeting)", "soon"):
            with self.subTest(value=value):
                self.start()
                self.place().respond(503, fields=[("Retry-After", value)])
                self.advance(60)
                self.assertMethods("INVITE", "ACK")
                self.assertEnded(EndCause.REFUSED, 503)

    def test_cancel_after_a_challenge(self) -> None:
        """The CANCEL of an INVITE that was sent again with credentials is that one's, by branch and number."""
        placed = self.place()
        placed.respond(407, fields=[("Proxy-Authenticate", 'Digest realm="example.org", nonce="1"')])
        second = placed.invite
        placed.respond(180)
        self.do(self.core.hangup, placed.leg)
        cancel = self.last("CANCEL")
        self.assertEqual((cancel.via.branch, cancel.cseq.number, cancel.uri), (second.via.branch, 2, second.uri))
        self.assertEqual(second.cseq.number, 2)

    def test_updates_of_an_early_dialog(self) -> None:
        """An UPDATE without an offer is answered before the call is, on either side, and moves the target."""
        placed = self.place()
        placed.respond(183, sdp=EARLY)
        update = placed.branch().send("UPDATE", fields=[("Contact", "<sip:far@192.0.2.99>")])
        self.assertEqual(self.answers(update), [200])
        placed.respond(200, fields=[])
        self.assertEqual(len(self.of(CallAnswered)), 1)

    def test_first_200_again(self) -> None:
        """The first 200 may come again while a re-INVITE runs: its ACK goes out again, the re-INVITE waits on."""
        placed = self.place()
        placed.respond(200, sdp=ANSWER)
        first = placed.invite
        self.do(self.core.reoffer, placed.leg, EARLY)
        self.respond(first, 200, ANSWER)
        self.assertEqual([ack.cseq.number for ack in self.sent("ACK")], [first.cseq.number] * 2)
        self.respond(self.last("INVITE"), 200, ANSWER)
        self.assertEqual(self.last("ACK").cseq.number, self.last("INVITE").cseq.number)

    def test_200_after_the_end(self) -> None:
        """A 200 to a re-INVITE that comes after a BYE, of either side, is acknowledged and changes nothing."""
        for ours in (True, False):
            with self.subTest(ours=ours):
                self.start()
                call = self.call_out()
                invite = self.reoffer(call)
                if ours:
                    self.do(self.core.hangup, call.leg)
                    self.respond(self.last("BYE"), 200)
                else:
                    call.bye()
                before = len(self.requests)
                self.respond(invite, 200, ANSWER)
                self.assertEqual([request.method for request in self.requests[before:]], ["ACK"])
                self.assertEqual(len(self.of(CallEnded)), 1)
