"""The usual call flows, message by message: what changes in them has to be meant."""

from tests.support.corecase import HELD, THEIRS, FarCall
from tests.support.corepair import ANSWER, OFFER
from tests.support.ladder import LadderCase
from tests.support.script import EARLY
from wrtcgw.sip.core import Account
from wrtcgw.sip.message import Request
from wrtcgw.sip.outputs import CallEnded, CallReceived
from wrtcgw.sip.uri import URI

DIGEST = 'Digest realm="example.org", nonce="{}", algorithm=SHA-256, qop="auth"{}'


class RegistrationFlows(LadderCase):
    """REGISTER."""

    def granted(self, request: Request, seconds: int = 600) -> None:
        """Answer a REGISTER with 200."""
        contact = request.headers.get("Contact") or ""
        binding = f"{contact.partition(';expires')[0]};expires={seconds}"
        self.respond(request, 200, "", [("Contact", binding), ("Service-Route", "<sip:edge.example.org;lr>")])

    def challenged(self, request: Request, nonce: str, extra: str = "") -> None:
        """Answer a REGISTER with 401."""
        self.respond(request, 401, "", [("WWW-Authenticate", DIGEST.format(nonce, extra))])

    def test_register(self) -> None:
        """401, 200, a refresh whose nonce has gone stale, and the sign-out."""
        self.note("sign-in")
        self.do(self.core.register, Account("bob", "bob", "secret"))
        self.challenged(self.last("REGISTER"), "n1")
        self.granted(self.last("REGISTER"))
        self.advance(420)
        self.challenged(self.last("REGISTER"), "n2", ", stale=true")
        self.granted(self.last("REGISTER"))
        self.note("sign-out")
        self.do(self.core.unregister, "bob")
        self.granted(self.last("REGISTER"), 0)
        self.assertFlow("register")

    def test_reconnect(self) -> None:
        """The connection is lost in a call: REGISTER over the new one, then a re-INVITE, and the call goes on."""
        self.start(register_rate=50.0)
        self.do(self.core.register, Account("bob", "bob", "secret"))
        self.granted(self.last("REGISTER"))
        self.note("bob calls")
        leg, outputs = self.core.invite("bob", URI.parse("sip:far@example.org"), OFFER, self.now)
        self.take(outputs)
        self.respond(self.last("INVITE"), 200, ANSWER)
        self.advance(10)
        self.note("the connection is lost")
        self.disconnect()
        self.advance(2)
        self.note("the connection is back")
        self.connect()
        self.advance(1)
        self.granted(self.last("REGISTER"))
        self.respond(self.last("INVITE"), 200, ANSWER)
        self.note("bob hangs up")
        self.do(self.core.hangup, leg)
        self.respond(self.last("BYE"), 200)
        self.do(self.core.unregister, "bob")
        self.granted(self.last("REGISTER"), 0)
        self.assertFlow("reconnect")


class OutgoingFlows(LadderCase):
    """Calls that we place."""

    def test_early_media(self) -> None:
        """407, 100, 183 with early media, 180, 200, ACK; the far side hangs up."""
        self.account.service_route = ("<sip:edge.example.org;transport=ws;lr>",)
        self.note("alice calls")
        placed = self.place()
        placed.respond(407, fields=[("Proxy-Authenticate", DIGEST.format("n1", ""))])
        placed.respond(100, tag="")
        routes = [("Record-Route", "<sip:edge.example.org;transport=ws;r2=on;lr>, <sip:192.0.2.9;r2=on;lr>")]
        placed.respond(183, sdp=EARLY, fields=routes)
        self.advance(2)
        placed.respond(180, fields=routes)
        self.advance(3)
        placed.respond(200, sdp=ANSWER, fields=[*routes, ("Session-Expires", "1800;refresher=uas")])
        self.advance(60)
        placed.branch().bye([("Reason", 'Q.850;cause=16;text="Normal call clearing"')])
        self.assertFlow("call")

    def test_cancel_race(self) -> None:
        """The hang-up crosses the answer: ACK, and BYE instead of a call."""
        placed = self.place()
        placed.respond(180)
        self.advance(4)
        self.note("alice hangs up, the far side has just answered")
        self.do(self.core.hangup, placed.leg)
        placed.respond(200, sdp=ANSWER)
        self.respond(self.last("CANCEL"), 481)
        self.respond(self.last("BYE"), 200)
        self.assertFlow("cancel_race")

    def test_busy(self) -> None:
        """The far end is busy."""
        placed = self.place()
        placed.respond(100, tag="")
        placed.respond(486, fields=[("Reason", "Q.850;cause=17")])
        self.assertFlow("busy")


class InCallFlows(LadderCase):
    """What happens in a call."""

    def end(self, call: FarCall) -> None:
        """Hang up."""
        self.note("alice hangs up")
        self.do(self.core.hangup, call.leg)
        self.respond(self.last("BYE"), 200)
        self.assertEqual(len(self.of(CallEnded)), 1)

    def test_glare(self) -> None:
        """Two re-INVITEs cross: 491 for both, and the owner of the Call-ID waits longer before it tries again."""
        call = self.call_out()
        self.note("alice puts on hold; so does the far side")
        self.do(self.core.reoffer, call.leg, HELD)
        ours = self.last("INVITE")
        call.reinvite(THEIRS)
        call.ack_refusal()
        self.respond(ours, 491)
        self.advance(1)
        call.reinvite(THEIRS)
        self.do(self.core.answer_offer, call.leg, HELD)
        call.ack()
        self.respond(self.last("INVITE"), 200, ANSWER)
        self.end(call)
        self.assertFlow("glare")

    def test_hold(self) -> None:
        """Hold and resume by us, and by the far side with an UPDATE."""
        call = self.call_out()
        for text, sdp in (("hold", HELD), ("resume", OFFER)):
            self.note(f"alice: {text}")
            self.do(self.core.reoffer, call.leg, sdp)
            self.respond(self.last("INVITE"), 200, ANSWER)
            self.advance(5)
        call.send("UPDATE", THEIRS)
        self.do(self.core.answer_offer, call.leg, HELD)
        self.end(call)
        self.assertFlow("hold")

    def test_transfer(self) -> None:
        """REFER with Replaces, its NOTIFYs, and the end of the call by the far side."""
        call = self.call_out()
        self.note("alice transfers to the one she has consulted")
        consulted = self.call_out()
        ticket, outputs = self.core.refer(
            call.leg, self.core.remote_target(consulted.leg), self.now, replaces_leg=consulted.leg
        )
        self.take(outputs)
        self.respond(self.last("REFER"), 202)
        for state, line in (("active;expires=60", "100 Trying"), ("terminated;reason=noresource", "200 OK")):
            fields = [
                ("Event", "refer"),
                ("Subscription-State", state),
                ("Content-Type", "message/sipfrag;version=2.0"),
            ]
            call.send("NOTIFY", f"SIP/2.0 {line}\r\n", fields)
            self.advance(1)
        consulted.bye()
        call.bye()
        self.assertEqual(ticket, 1)
        self.assertFlow("transfer")

    def test_dtmf(self) -> None:
        """Digits by INFO, from us and to us."""
        call = self.call_out()
        body = "Signal=5\r\nDuration=160\r\n"
        self.take(self.core.info(call.leg, "application/dtmf-relay", body, self.now)[1])
        self.respond(self.last("INFO"), 200)
        call.send("INFO", "Signal=#\r\nDuration=250\r\n", [("Content-Type", "application/dtmf-relay")])
        self.end(call)
        self.assertFlow("dtmf")


class IncomingFlows(LadderCase):
    """Calls that come to us."""

    def test_talk(self) -> None:
        """Third-party call control: NOTIFY talk in the early dialog asks for the answer; the ACK has the lower CSeq."""
        self.note("a call for alice")
        call = self.ring_in(fields=[("Record-Route", "<sip:edge.example.org;transport=ws;lr>"), ("Supported", "timer")])
        self.advance(1)
        call.send("NOTIFY", "", [("Event", "talk"), ("Subscription-State", "active")])
        self.note("alice answers")
        self.do(self.core.answer, call.leg, ANSWER)
        call.ack()
        self.advance(30)
        call.bye()
        self.assertEqual(len(self.of(CallReceived)), 1)
        self.assertFlow("talk")

    def test_answered_elsewhere(self) -> None:
        """The far side cancels because a colleague has answered."""
        call = self.ring_in()
        self.advance(6)
        assert call.invite is not None
        reason = ("Reason", 'SIP;cause=200;text="Call completed elsewhere"')
        via = ("Via", call.invite.headers.get("Via") or "")
        far = FarCall(self, call.call_id, call.local, "<sip:alice@example.org>")
        far.send("CANCEL", "", [via, reason], cseq=call.invite.cseq.number)
        call.ack_refusal()
        self.assertFlow("answered_elsewhere")
