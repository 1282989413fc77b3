"""Requests from outside: the order of the checks, whom they reach, and what strangers and fools are told."""

from functools import partial

from tests.support.corecase import HELD, FarCall
from tests.support.corepair import ANSWER, OFFER
from tests.support.script import ScriptCase
from wrtcgw.sip.core import Account
from wrtcgw.sip.inbound import EXTENSIONS
from wrtcgw.sip.outputs import CallEnded, CallReceived, OfferReceived, PeerFault, Send, TextReceived
from wrtcgw.sip.settings import ALLOW


class OutsideTests(ScriptCase):
    """Requests outside any dialog (RFC 3261 section 8.2)."""

    def test_method(self) -> None:
        """An unknown method is refused first of all, with what we do know."""
        for method in ("SUBSCRIBE", "REGISTER", "PUBLISH", "FOO"):
            request = self.outside(method, "tel:+1")
            self.assertEqual(self.answers(request), [405])
            self.assertEqual(self.answer_to(request).headers.get("Allow"), ALLOW)
            self.assertNotEqual(self.answer_to(request).to_tag, "")

    def test_request_uri(self) -> None:
        """Another scheme than sip gives 416, a user that we do not serve 404."""
        cases = (("tel:+1", 416), ("im:a@b", 416), ("sip:bob@gw.invalid", 404), ("sip:gw.invalid", 404))
        for serial, (uri, status) in enumerate(cases):
            self.assertEqual(self.answers(self.outside("OPTIONS", uri, serial=str(serial))), [status])
        self.assertEqual(self.answers(self.outside("OPTIONS", "sips:alice@anything.example")), [200])

    def test_extensions(self) -> None:
        """An extension that we do not have is named in a 420; those that we have pass."""
        request = self.outside("OPTIONS", fields=[("Require", "timer, Foo"), ("Require", "bar,")])
        self.assertEqual(self.answers(request), [420])
        self.assertEqual(self.answer_to(request).headers.get("Unsupported"), "Foo, bar")
        known = self.outside("OPTIONS", fields=[("Require", ", ".join(EXTENSIONS).upper())], serial="known")
        self.assertEqual(self.answers(known), [200])

    def test_extensions_inside(self) -> None:
        """The same inside a dialog, where 420 ends nothing; CANCEL and ACK are never asked."""
        call = self.ring_in()
        self.assertEqual(self.answers(call.send("INFO", "", [("Require", "foo")])), [420])
        self.do(self.core.answer, call.leg, ANSWER)
        assert call.invite is not None
        call.send("ACK", "", [("Require", "foo")], cseq=call.invite.cseq.number)
        self.assertEqual(self.answers(call.send("INFO")), [200])

    def test_options(self) -> None:
        """OPTIONS tells what we can do (RFC 3261 section 11.2), in a dialog too."""
        for request in (self.outside("OPTIONS"), self.call_in().send("OPTIONS")):
            headers = self.answer_to(request).headers
            self.assertEqual(self.answers(request), [200])
            self.assertEqual((headers.get("Allow"), headers.get("Accept")), (ALLOW, "application/sdp"))
            self.assertEqual(headers.get("Supported"), "timer, replaces, outbound")
            self.assertEqual(headers.get("Contact"), "<sip:alice@gw.invalid;transport=ws;ob>")
            self.assertEqual(headers.get("Allow-Events"), "talk, hold, refer")

    def test_message(self) -> None:
        """A MESSAGE is passed up and answered, in a dialog too; its type is text unless it says so."""
        request = self.outside("MESSAGE", body="hello", fields=[("Content-Type", "text/html")])
        self.assertEqual(self.answers(request), [200])
        call = self.call_in()
        self.assertEqual(self.answers(call.send("MESSAGE")), [200])
        events = self.of(TextReceived)
        told = [(event.account, event.content_type, event.body) for event in events]
        self.assertEqual(told, [("alice", "text/html", "hello"), ("alice", "text/plain", "")])
        self.assertEqual(str(events[0].sender.uri), "sip:far@example.org")

    def test_notify(self) -> None:
        """Harmless unsolicited NOTIFYs get 200, those that mean a call 481, one without Event 489 (report B8)."""
        cases = (
            ("message-summary", 200),
            ("check-sync;reboot=false", 200),
            ("talk", 481),
            ("Refer;id=1", 481),
            (";;", 400),
        )
        for serial, (event, status) in enumerate(cases):
            request = self.outside("NOTIFY", fields=[("Event", event)], serial=str(serial))
            self.assertEqual(self.answers(request), [status], event)
        request = self.outside("NOTIFY")
        self.assertEqual(self.answers(request), [489])
        self.assertEqual(self.answer_to(request).headers.get("Allow-Events"), "talk, hold, refer")

    def test_dialog_methods(self) -> None:
        """What has a meaning in a dialog only gets 481, REFER 403."""
        for method in ("BYE", "INFO", "UPDATE", "PRACK"):
            self.assertEqual(self.answers(self.outside(method)), [481])
        self.assertEqual(self.answers(self.outside("REFER")), [403])

    def test_unknown_dialog(self) -> None:
        """A request inside a dialog that we do not know gets 481 with the tag that it came with."""
        far = FarCall(self, "gone", "<sip:far@example.org>;tag=far", "<sip:alice@example.org>;tag=old")
        for method in ("BYE", "INVITE", "FOO"):
            request = far.send(method)
            self.assertEqual((self.answers(request), self.answer_to(request).to_tag), ([481], "old"))

    def test_content(self) -> None:
        """An INVITE whose body cannot be read gets 415 and what we take, unless the body is optional."""
        for serial, (fields, name) in enumerate(
            (
                ([("Content-Type", "application/foo")], "Accept"),
                ([("Content-Type", "application/sdp"), ("Content-Encoding", "gzip")], "Accept-Encoding"),
            )
        ):
            request = self.outside("INVITE", fields=fields, body="x", serial=str(serial))
            self.assertEqual(self.answers(request), [415])
            self.assertIn(name, self.answer_to(request).headers)
        parts = "--b\r\nContent-Type: application/isup\r\n\r\nx\r\n--b--\r\n"
        fields = [("Content-Type", "multipart/mixed;boundary=b")]
        request = self.outside("INVITE", fields=fields, body=parts, serial="9")
        self.assertEqual(self.answers(request), [415])
        self.assertEqual(self.answer_to(request).headers.get("Accept"), "application/sdp")
        fields = [("Content-Type", "application/isup"), ("Content-Disposition", "signal; handling = optional")]
        call = self.ring_in("x", fields)
        self.assertIsNone(self.received().offer)
        self.assertNotEqual(call.leg, "")

    def test_content_without_type(self) -> None:
        """A body without Content-Type is one that cannot be read."""
        self.text(
            "INVITE sip:alice@gw.invalid SIP/2.0",
            "Via: SIP/2.0/WS far.invalid;branch=z9hG4bK7",
            "From: <sip:far@example.org>;tag=f",
            "To: <sip:alice@example.org>",
            "Call-ID: c",
            "CSeq: 1 INVITE",
            "",
            OFFER,
        )
        self.assertEqual(self.responses[-1].status, 415)

    def test_info_package(self) -> None:
        """An INFO of a package, of which we have none, gets 469 (RFC 6086 section 4.2.2)."""
        request = self.call_in().send("INFO", "x", [("Info-Package", "foo"), ("Content-Type", "a/b")])
        self.assertEqual(self.answers(request), [469])
        self.assertEqual(self.answer_to(request).headers.get("Recv-Info"), "")

    def test_content_inside(self) -> None:
        """The same holds for re-INVITE and UPDATE; an INFO may bring anything."""
        call = self.call_in()
        fields = [("Content-Type", "application/foo")]
        self.assertEqual(self.answers(call.send("UPDATE", "x", fields)), [415])
        self.assertEqual(self.answers(call.send("INFO", "x", fields)), [200])
        request = call.send("INVITE", "x", fields)
        self.assertEqual(self.answers(request), [415])
        self.assertEqual(self.of(OfferReceived), [])


class OrderTests(ScriptCase):
    """CSeq inside a dialog (RFC 3261 section 12.2.2)."""

    def test_lower(self) -> None:
        """A number that is not higher than all before gives 500; what follows is not disturbed."""
        call = self.call_in()
        self.assertEqual(self.answers(call.send("INFO", cseq=200)), [200])
        for cseq in (150, 199):
            self.assertEqual(self.answers(call.send("INFO", cseq=cseq)), [500])
        self.assertEqual(self.answers(call.send("MESSAGE", cseq=200)), [500])
        self.assertEqual(self.answers(call.send("INFO", cseq=201)), [200])

    def test_caller_starts_anywhere(self) -> None:
        """The first number of a callee may be any."""
        call = self.call_out()
        self.assertEqual(self.answers(call.send("INFO", cseq=0)), [200])
        self.assertEqual(self.answers(call.send("OPTIONS", cseq=0)), [500])

    def test_bye_out_of_order(self) -> None:
        """Even a BYE that is out of order ends nothing."""
        call = self.call_in()
        self.assertEqual(self.answers(call.send("BYE", cseq=1)), [500])
        self.assertEqual(self.of(CallEnded), [])


class MergedTests(ScriptCase):
    """The same request by two ways (RFC 3261 section 8.2.2.2)."""

    def invite(self, branch: str, user: str = "alice") -> FarCall:
        """Send the INVITE by one way."""
        far = FarCall(self, "merged", "<sip:far@example.org>;tag=far", "<sip:alice@example.org>")
        far.target = f"sip:{user}@gw.invalid"
        far.invite = far.send("INVITE", OFFER, [("Via", f"SIP/2.0/WS p.invalid;branch=z9hG4bK{branch}")], cseq=1)
        return far

    def test_second_way(self) -> None:
        """The second copy gets 482, and the call rings once; after the end of the first a new one is fresh."""
        first = self.invite("a")
        second = self.invite("b")
        self.assertEqual([response.status for response in self.responses], [180, 482])
        second.ack_refusal()
        self.assertEqual(len(self.of(CallReceived)), 1)
        first.cancel()
        first.ack_refusal()
        self.invite("c").cancel()
        self.assertEqual(len(self.of(CallReceived)), 2)

    def test_inside_a_dialog(self) -> None:
        """A request with a To tag is no merged one: its second copy is out of order in its dialog (section 12.2.2)."""
        far = self.call_in()
        for branch in ("a", "b"):
            far.send("INVITE", HELD, [("Via", f"SIP/2.0/WS p.invalid;branch=z9hG4bK{branch}")], cseq=5000)
        self.assertEqual([response.status for response in self.responses if response.cseq.number == 5000], [500])

    def test_two_agents(self) -> None:
        """A call that is forked to two of our agents reaches both: they are two user agents."""
        self.core.add_account(Account("bob", "bob", "secret"))
        self.invite("a")
        self.invite("b", "bob")
        self.assertEqual([event.account for event in self.of(CallReceived)], ["alice", "bob"])
        for event in self.of(CallReceived):
            self.do(self.core.hangup, event.leg)


class HostileTests(ScriptCase):
    """Messages that nobody should send."""

    def head(self, method: str = "OPTIONS", *, start: str = "", leave: str = "", **fields: str) -> list[str]:
        """Return the lines of a request, with one left out or others replaced."""
        lines = {
            "Via": "SIP/2.0/WS far.invalid;branch=z9hG4bKh",
            "From": "<sip:far@example.org>;tag=f",
            "To": "<sip:alice@example.org>",
            "Call-ID": "h",
            "CSeq": f"1 {method}",
        }
        lines.update({name.replace("_", "-"): value for name, value in fields.items()})
        lines.pop(leave, None)
        start = start or f"{method} sip:alice@gw.invalid SIP/2.0"
        return [start, *(f"{name}: {value}" for name, value in lines.items()), "", ""]

    def test_answered(self) -> None:
        """A malformed request that can be answered is: 400, 505, 513."""
        for status, lines in (
            (400, self.head(CSeq="x OPTIONS")),
            (400, self.head(CSeq="1 INVITE")),
            (400, self.head(To="<<")),
            (400, self.head(start="OPTIONS sip:al ice@gw.invalid SIP/2.0")),
            (400, self.head(start="OPTIONS sip:alice@gw.invalid?a=b SIP/2.0")),
            (400, self.head(Content_Length="9999")),
            (505, self.head(start="OPTIONS sip:alice@gw.invalid SIP/7.0")),
            (513, self.head(X_Long="x" * 9000)),
        ):
            fault, answer = self.core.receive(0, "\r\n".join(lines), self.now)
            self.assertIsInstance(fault, PeerFault)
            assert isinstance(answer, Send)
            self.assertEqual(answer.text.split()[1], str(status), lines)

    def test_dropped(self) -> None:
        """What is no SIP, what cannot be answered, and a malformed ACK or response are dropped and counted."""
        for lines in (
            ["GET / HTTP/1.1", "", ""],
            ["\0" * 50],
            ["SIP/2.0 200 OK", "", ""],
            ["SIP/2.0 999 Odd", "", ""],
            self.head(leave="Via"),
            self.head(leave="Call-ID"),
            self.head("ACK", CSeq="x ACK"),
            ["x" * 70000],
        ):
            self.silent(partial(self.text, *lines))
        self.assertEqual(len(self.faults()), 8)

    def test_keep_alive(self) -> None:
        """Line ends between messages are neither answered nor counted."""
        for text in ("", "\r\n", "\r\n\r\n"):
            self.silent(partial(self.text, text))
        self.assertEqual(self.events, [])

    def test_malformed_fields_inside(self) -> None:
        """A field without which a request means nothing refuses it when it makes no sense, and the call goes on."""
        call = self.call_in()
        for method, name, status in (("NOTIFY", "Event", 489), ("REFER", "X", 400), ("REFER", "Refer-To", 400)):
            self.assertEqual(self.answers(call.send(method, "", [(name, "<<")])), [status], method)
        self.assertEqual(self.answers(call.send("UPDATE", "", [("Session-Expires", "<<")])), [200])
        self.assertEqual(self.of(OfferReceived), [])
        call.send("UPDATE", OFFER)
        self.assertEqual(len(self.of(OfferReceived)), 1)
        self.assertEqual(self.answers(call.send("INFO")), [200])

    def test_another_agents_call(self) -> None:
        """Two agents on one connection: whatever one peer sends, the other's call does not notice."""
        self.core.add_account(Account("bob", "bob", "secret"))
        call = self.call_in()
        stranger = FarCall(self, call.call_id, "<sip:bob@example.org>;tag=evil", call.remote)
        stranger.target = "sip:bob@gw.invalid"
        for method in ("BYE", "INFO", "UPDATE", "REFER", "INVITE", "NOTIFY"):
            request = stranger.send(method, "", [("Event", "talk")])
            self.assertEqual(self.answers(request), [481], method)
        stranger.send("ACK")
        assert call.invite is not None
        cancel = stranger.request("CANCEL", cseq=call.invite.cseq.number)
        self.receive(cancel)
        self.assertEqual(self.responses[-1].status, 481)
        self.assertEqual(self.of(CallEnded), [])
        self.assertEqual(self.answers(call.send("INFO", cseq=300)), [200])
