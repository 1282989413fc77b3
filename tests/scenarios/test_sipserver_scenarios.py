"""
Third-party call control as a SIP Server plays it, message by message (docs/third-party-call-control.md).

Ladders are seen from the SIP Server: seconds since its INVITE, ``>`` from it, ``<`` from the gateway. The network takes
no time unless a test says otherwise, so what a ladder shows is what the gateway makes of it.
"""

from tests.support import sdptext as sdp
from tests.support.desktop import (
    MAKE_CALL,
    THINKING,
    answer_from_desktop,
    begin_make_call,
    make_call,
    make_call_refused,
    make_call_unanswered,
)
from tests.support.desktopcase import BROWSER, PAGE_DELAY, DesktopCase
from tests.support.gatewaycase import PAGE, PAGE_SDP
from tests.support.sipserver import (
    ANSWER,
    DUMMY,
    OFFER,
    SERVER_TIMEOUT,
    ServerCall,
    answering,
    session,
)
from wrtcgw.calls.messages import MessageType
from wrtcgw.sip.message import Request, Response

AT_ONCE = 0.05
"""Seconds within which a NOTIFY has its answer, whatever the page does."""
WITHOUT_PAGE = 0.1
"""Seconds within which a re-INVITE has its answer that does not need the page."""
ESTABLISHED = ["OFFER", "TALK", "OK"]


def version(message: Request | Response) -> int:
    """Return the version of the description in a message."""
    return sdp.origin_version(message.body)


def media_line(message: Request | Response) -> str:
    """Return the only m= line of the description in a message."""
    (line,) = (line for line in message.body.split("\r\n") if line.startswith("m="))
    return line


class RegistrationTests(DesktopCase):
    """What the SIP Server sees of a DN."""

    def test_register(self) -> None:
        """The Contact's user is the DN, and talk and hold are announced with the methods they need."""
        (register,) = self.server.registers
        contact = register.contact
        assert contact is not None
        self.assertEqual((contact.uri.user, register.to.uri.user), ("5001", "5001"))
        self.assertIn("talk, hold", register.headers.get("Allow-Events") or "")
        for method in ("NOTIFY", "INFO", "UPDATE"):
            self.assertIn(method, register.headers.get("Allow") or "")

    def test_out_of_service(self) -> None:
        """Signing out ends the registration with Expires 0, so the DN goes out of service."""
        self.done(self.gateway.sign_out("alice"))
        last = self.server.registers[-1].contact
        assert last is not None
        self.assertEqual((last.param("expires"), self.server.contacts), ("0", {}))

    def test_connection_lost(self) -> None:
        """After a loss of the connection the DN registers again, before its registration runs out."""
        self.gateway.disconnected(0)
        self.run_for(1)
        self.gateway.connected(0)
        self.run_for(2)
        self.assertEqual([register.to.uri.user for register in self.server.registers], ["5001", "5001"])


class AnswerTests(DesktopCase):
    """An incoming call is answered at the desktop."""

    def test_ladder(self) -> None:
        """Every message of the trace comes in its order; the NOTIFY's answer waits for nothing."""
        call = self.play(answer_from_desktop(self.server, "5001"))
        self.run_for(5)
        answered = THINKING + PAGE_DELAY
        self.assertLadder(
            call,
            "0.000 > INVITE 1 sdp",
            "0.000 < 180 INVITE 1",
            f"{THINKING} > NOTIFY 2 talk",
            f"{THINKING} < 200 NOTIFY 2",
            f"{answered} < 200 INVITE 1 sdp",
            f"{answered + 0.088} > ACK 1",
            f"{answered + 0.1} > INVITE 3",
            f"{answered + 0.1} < 200 INVITE 3 sdp",
            f"{answered + 0.242} > ACK 3 sdp",
        )

    def test_times(self) -> None:
        """The 200 to the NOTIFY comes within 50 ms, that to the re-INVITE within 100 ms, with a page of 2 s."""
        self.page.delay = 2.0
        call = self.play(answer_from_desktop(self.server, "5001"))
        self.assertLess(call.at("200 NOTIFY 2") - call.at("NOTIFY 2 talk"), AT_ONCE)
        self.assertLess(call.at("200 INVITE 3 sdp") - call.at("INVITE 3"), WITHOUT_PAGE)
        self.assertEqual(call.lines().count("NOTIFY 2 talk"), 1)

    def test_fields(self) -> None:
        """The 180 and the NOTIFY's 200 have the DN as Contact user; nothing asks for reliable responses."""
        call = self.play(answer_from_desktop(self.server, "5001"))
        for words in ("180 INVITE 1", "200 NOTIFY 2", "200 INVITE 1 sdp", "200 INVITE 3 sdp"):
            contact = call.found(words).contact
            assert contact is not None, words
            self.assertEqual(contact.uri.user, "5001", words)
        for words in ("180 INVITE 1", "200 INVITE 1 sdp", "200 INVITE 3 sdp"):
            headers = call.found(words).headers
            self.assertIn("talk, hold", headers.get("Allow-Events") or "", words)
            self.assertIn("NOTIFY", headers.get("Allow") or "", words)
            self.assertFalse(headers.has_option("Require", "100rel"), words)

    def test_session_timer(self) -> None:
        """The refreshing is left to the SIP Server, as it asks for, in the call and in the re-INVITE."""
        call = self.play(answer_from_desktop(self.server, "5001"))
        for words in ("200 INVITE 1 sdp", "200 INVITE 3 sdp"):
            headers = call.found(words).headers
            self.assertEqual(headers.get("Session-Expires"), "1800;refresher=uac", words)
            self.assertTrue(headers.has_option("Require", "timer"), words)

    def test_full_offer(self) -> None:
        """The offer in the re-INVITE's 200 has all codecs of the page, the same port, and the next version."""
        call = self.play(answer_from_desktop(self.server, "5001"))
        first, second = call.found("200 INVITE 1 sdp"), call.found("200 INVITE 3 sdp")
        self.assertEqual(media_line(second), "m=audio 30000 RTP/AVP 0 8 9 120 101")
        self.assertEqual((media_line(second), version(second)), (media_line(first), version(first) + 1))
        self.assertEqual(sdp.direction(second.body), "sendrecv")

    def test_page(self) -> None:
        """The page gets OFFER, TALK and OK in this order, with the CallUUID, and nothing of the re-INVITE."""
        call = self.play(answer_from_desktop(self.server, "5001"))
        self.run_for(20)
        self.assertEqual({message.uuid for _, message in self.page.told}, {call.uuid})
        self.assertEqual(self.page.types(), ESTABLISHED)
        (ours,) = self.agent.calls.values()
        self.assertEqual((ours.uuid, ours.state.value, ours.held_by_peer), (call.uuid, "ESTABLISHED", False))
        self.assertEqual(sdp.origin_version(str(ours.remote_sdp)), 2)

    def test_talk_at_once(self) -> None:
        """NOTIFY in the same millisecond as the 180, 10 and 20 ms behind it: OFFER first, TALK second."""
        for delay in (0.0, 0.01, 0.02):
            call = self.play(answer_from_desktop(self.server, "5001", delay))
            self.assertEqual(self.page.types(), ESTABLISHED)
            self.assertAt(call, "200 NOTIFY 2", delay)
            call.bye()
            self.run_for(1)
            self.page.types()

    def test_narrower_answer_of_another_codec(self) -> None:
        """If the ACK's answer leaves out the codec that the page sends, the page is told."""
        call = self.play(answer_from_desktop(self.server, "5001"))
        call.reinvite()
        self.run_for(0.01)
        self.page.types()
        call.ack(session("8 101", version=3))
        self.run_for(1)
        self.assertEqual(self.page.types(), ["OFFER"])

    def test_moved_answer(self) -> None:
        """If the ACK's answer names another place to send to, the page is told."""
        call = self.play(answer_from_desktop(self.server, "5001"))
        call.reinvite()
        self.run_for(0.01)
        self.page.types()
        call.ack(session("0 101", version=3, port=40100))
        self.run_for(1)
        self.assertEqual(self.page.types(), ["OFFER"])

    def test_talk_twice(self) -> None:
        """A second talk, also one after the page has answered, gets its 200 and answers nothing twice."""
        call = self.server.invite("5001")
        self.run_for(0.01)
        call.notify("talk")
        call.notify("talk", ())
        self.run_for(1)
        call.notify("talk")
        call.ack()
        call.notify("talk")
        self.run_for(1)
        self.assertEqual(
            [line for line in call.lines(theirs=True) if "NOTIFY" in line], [f"200 NOTIFY {n}" for n in (2, 3, 4, 5)]
        )
        self.assertEqual(call.lines().count("200 INVITE 1 sdp"), 2)
        self.assertEqual(self.page.types(), ["OFFER", "TALK", "TALK", "TALK", "OK", "TALK"])

    def test_repeated_talk(self) -> None:
        """A copy of the same NOTIFY, sent on by a stateless proxy, is no second talk and gets an answer."""
        call = self.server.invite("5001")
        self.run_for(0.01)
        request = call.notify("talk")
        self.run_for(0.01)
        self.server.push(request.to_text())
        self.run_for(0.01)
        self.assertEqual(len([line for line in call.lines(theirs=True) if line.endswith("NOTIFY 2")]), 2)
        self.assertEqual(self.page.types(), ["OFFER", "TALK"])

    def test_talk_in_other_words(self) -> None:
        """Subscription-State is not looked at, nor upper case, nor a parameter of Event."""
        for event, state in (("talk", "terminated"), ("Talk", "pending"), ("talk;id=7", "active;expires=60")):
            call = self.server.invite("5001")
            self.run_for(0.01)
            call.notify(event, (("Subscription-State", state),))
            self.run_for(0.2)
            self.assertIn("200 NOTIFY 2", call.lines())
            self.assertEqual(call.lines().count("200 INVITE 1 sdp"), 1)
            call.ack()
            call.bye()
            self.run_for(0.2)

    def test_without_event(self) -> None:
        """A NOTIFY without Event is refused at once and answers nothing."""
        call = self.server.invite("5001")
        self.run_for(0.01)
        call.notify("")
        self.run_for(1)
        self.assertEqual(call.lines(), ["INVITE 1 sdp", "180 INVITE 1", "NOTIFY 2", "489 NOTIFY 2"])
        self.assertEqual(self.page.types(), ["OFFER"])

    def test_page_was_first(self) -> None:
        """An agent who answers in the page while the desktop's talk is on its way has one call, answered once."""
        self.server.latency = 0.03
        call = self.server.invite("5001")
        self.run_for(1)
        call.notify("talk")
        self.gateway.send_description("alice", None, BROWSER, page_address=PAGE)
        self.run_for(0.2)
        call.ack()
        self.run_for(1)
        self.assertIn("200 NOTIFY 2", call.lines())
        self.assertEqual(call.lines().count("200 INVITE 1 sdp"), 1)
        self.assertEqual(self.page.types(), ["OFFER", "TALK", "OK"])

    def test_page_reloads_before_it_answers(self) -> None:
        """A page that was reloaded between TALK and its answer is told both again: nobody clicks a second time."""
        self.page.obeys = False
        call = self.server.invite("5001")
        self.run_for(0.1)
        call.notify("talk")
        self.run_for(0.1)
        self.page.obeys = True
        self.sign_in()
        self.run_for(1)
        self.assertEqual(self.page.types(), ["OFFER", "TALK", "OFFER", "TALK"])
        self.assertIn("200 INVITE 1 sdp", call.lines())

    def test_requests_before_the_ack(self) -> None:
        """The ACK counts by its INVITE, though NOTIFY 2 and INFO 3 came before it."""
        call = self.server.invite("5001")
        self.run_for(0.01)
        call.notify("talk")
        call.request("INFO", "x", [("Content-Type", "text/plain")])
        self.run_for(0.1)
        call.ack()
        self.run_for(40)
        self.assertNotIn("BYE 1", call.lines())
        self.assertEqual(self.page.types()[-1], "OK")


class JoinTests(DesktopCase):
    """The re-INVITE behind the ACK at bad moments."""

    def answered(self) -> ServerCall:
        """Return a call that was answered at the desktop and acknowledged; nothing more."""
        call = self.server.invite("5001")
        self.run_for(0.1)
        call.notify("talk")
        self.run_for(0.2)
        call.ack()
        self.run_for(0.1)
        self.page.types()
        return call

    def test_before_the_ack(self) -> None:
        """A re-INVITE that overtakes the ACK is answered all the same."""
        call = self.server.invite("5001")
        self.run_for(0.01)
        call.notify("talk")
        self.run_for(0.1)
        call.reinvite()
        call.ack(cseq=1)
        self.run_for(0.01)
        self.assertIn("200 INVITE 3 sdp", call.lines())
        call.ack(ANSWER)
        self.run_for(40)
        self.assertEqual(self.page.types(), ESTABLISHED)

    def test_hold_is_pending(self) -> None:
        """While our own re-INVITE has no answer the SIP Server is told 491; then its next one is answered."""
        call = self.answered()
        holding = self.begin(self.gateway.hold("alice"))
        self.run_for(0.01)
        call.reinvite()
        self.run_for(0.01)
        self.assertIn("491 INVITE 3", call.lines())
        request = call.found("INVITE 1 sdp")
        assert isinstance(request, Request)
        call.respond(request, 200, ANSWER.replace("a=fmtp", "a=recvonly\r\na=fmtp"))
        self.run_for(0.1)
        self.assertEqual(self.successResultOf(holding).code, 200)
        call.reinvite()
        self.run_for(0.01)
        self.assertEqual(sdp.direction(call.found("200 INVITE 4 sdp").body), "sendonly")

    def test_crossing(self) -> None:
        """When both re-INVITEs meet 491, ours goes out again within 2 s, since the SIP Server owns the Call-ID."""
        self.server.latency = 0.02
        call = self.answered()
        call.on_invite = lambda call, request: call.respond(request, 491)
        call.reinvite()
        holding = self.begin(self.gateway.hold("alice"))
        self.run_for(0.1)
        self.assertIn("491 INVITE 3", call.lines())
        self.assertIn("491 INVITE 1", call.lines())
        call.on_invite = answering(ANSWER.replace("a=fmtp", "a=recvonly\r\na=fmtp"))
        self.run_for(2)
        self.assertEqual(self.successResultOf(holding).code, 200)
        self.assertIn("INVITE 2 sdp", call.lines(theirs=True))
        call.reinvite()
        self.run_for(0.1)
        self.assertEqual(sdp.direction(call.found("200 INVITE 4 sdp").body), "sendonly")

    def test_hold_order_between_offer_and_ack(self) -> None:
        """A hold order while our offer waits for its ACK is carried out behind that ACK."""
        call = self.answered()
        call.on_invite = answering(ANSWER.replace("a=fmtp", "a=recvonly\r\na=fmtp"))
        call.reinvite()
        call.notify("hold")
        self.run_for(0.1)
        self.assertNotIn("INVITE 1 sdp", call.lines(theirs=True))
        call.ack(ANSWER)
        self.run_for(0.1)
        offer = call.found("INVITE 1 sdp")
        self.assertEqual(sdp.direction(offer.body), "sendonly")
        self.assertEqual(version(offer), version(call.found("200 INVITE 3 sdp")) + 1)
        self.assertEqual(self.page.types(), ["HOLD"])

    def test_no_answer_in_the_ack(self) -> None:
        """A re-INVITE whose ACK brings no answer changes nothing; the next one has a version that is new again."""
        call = self.answered()
        call.reinvite()
        self.run_for(0.01)
        call.ack()
        self.run_for(1)
        call.reinvite()
        self.run_for(0.01)
        self.assertGreater(version(call.found("200 INVITE 4 sdp")), version(call.found("200 INVITE 3 sdp")))
        call.ack(ANSWER)
        self.run_for(40)
        self.assertNotIn("BYE 1", call.lines())

    def test_same_offer_again(self) -> None:
        """Until the ACK comes the 200 is repeated with the identical description; later ACKs change nothing."""
        call = self.answered()
        call.reinvite()
        self.run_for(4)
        copies = {line.message.body for line in call.trace if line.text == "200 INVITE 3 sdp"}
        self.assertEqual((len(copies), call.lines().count("200 INVITE 3 sdp")), (1, 4))
        for answer in (ANSWER, session("8 101", version=3), ""):
            call.ack(answer)
        self.run_for(40)
        self.assertEqual(call.lines().count("200 INVITE 3 sdp"), 4)
        self.assertEqual(self.page.types(), [])


class MakeCallTests(DesktopCase):
    """The agent clicks a number at the desktop."""

    def test_ladder(self) -> None:
        """The NOTIFY comes with the 180; the offer is repeated until the other side has answered after 9 s."""
        call = self.play(make_call(self.server, "5001", 9.0))
        self.run_for(40)
        copies = [f"{PAGE_DELAY + after} < 200 INVITE 1 sdp" for after in (0, 0.5, 1.5, 3.5, 7.5)]
        self.assertLadder(
            call,
            "0.000 > INVITE 1",
            "0.000 < 180 INVITE 1",
            "0.000 > NOTIFY 2 talk",
            "0.000 < 200 NOTIFY 2",
            *copies,
            f"{PAGE_DELAY + 9} > ACK 1 sdp",
        )
        self.assertEqual(len({line.message.body for line in call.trace if line.text == "200 INVITE 1 sdp"}), 1)

    def test_page(self) -> None:
        """The page is asked for an offer, told to talk, and gets the other side's answer when it is there."""
        call = self.play(make_call(self.server, "5001", 9.0))
        self.run_for(1)
        offer, answer = self.page.told[0][1], self.page.message("ANSWER")
        self.assertEqual((offer.type, offer.sdp, offer.from_, offer.uuid), (MessageType.OFFER, None, "1003", call.uuid))
        self.assertEqual(answer.sdp, ANSWER)
        self.assertEqual(self.page.types(), ["OFFER", "TALK", "OK", "ANSWER"])
        self.assertEqual(
            media_line(call.found("200 INVITE 1 sdp")), media_line(Request("X", "", call.invites[1].headers, BROWSER))
        )

    def test_late_answers(self) -> None:
        """An answer after 31 s, and one at the very end of the SIP Server's 32 s, make a call that stays."""
        self.server.latency = 0.02
        for other_side in (31.0, SERVER_TIMEOUT - 0.001, SERVER_TIMEOUT):
            call = self.play(make_call(self.server, "5001", other_side))
            self.run_for(60)
            self.assertNotIn("BYE 1", call.lines(), other_side)
            self.assertEqual(self.page.types(), ["OFFER", "TALK", "OK", "ANSWER"], other_side)
            call.bye()
            self.run_for(1)
            self.page.types()

    def test_joined_later(self) -> None:
        """A late ACK with the re-INVITE behind it: the same rules hold."""
        call = self.play(make_call(self.server, "5001", 20.0))
        self.play(self._pause(0.012))
        call.reinvite()
        self.run_for(0.01)
        self.assertEqual(version(call.found("200 INVITE 3 sdp")), version(call.found("200 INVITE 1 sdp")) + 1)
        call.ack(session("0 101", version=3))
        self.run_for(1)
        self.assertEqual(self.page.types(), ["OFFER", "TALK", "OK", "ANSWER"])

    async def _pause(self, seconds: float) -> None:
        await self.server.pause(seconds)

    def test_other_side_refuses(self) -> None:
        """ACK with an answer, then BYE with the other side's refusal: the page learns code, words and cause."""
        call = self.play(make_call_refused(self.server, "5001", 3.0, 403, "Forbidden"))
        self.run_for(1)
        self.assertEqual(call.lines()[-3:], ["ACK 1 sdp", "BYE 3", "200 BYE 3"])
        end = self.page.message("SHUTDOWN")
        self.assertEqual((end.code, end.reason, end.cause), (403, "Forbidden", "forbidden"))
        self.assertEqual(self.agent.calls, {})

    def test_other_side_is_silent(self) -> None:
        """After 32 s: ACK with a dummy description and BYE at once, both are taken; no BYE of ours crosses them."""
        call = self.play(make_call_unanswered(self.server, "5001"))
        self.run_for(60)
        self.assertEqual(call.lines()[-3:], ["ACK 1 sdp", "BYE 3", "200 BYE 3"])
        self.assertNotIn("BYE 1", call.lines())
        self.assertEqual(self.page.types()[-1], "SHUTDOWN")
        self.assertEqual(self.agent.calls, {})

    def test_dummy_answer_that_stays(self) -> None:
        """A dummy description in the ACK is a hold; an offer-less re-INVITE brings the real one."""
        call = self.play(begin_make_call(self.server, "5001"))
        call.ack(DUMMY)
        self.run_for(1)
        (ours,) = self.agent.calls.values()
        self.assertTrue(ours.held_by_peer)
        call.reinvite()
        self.run_for(0.01)
        self.assertEqual(sdp.direction(call.found("200 INVITE 3 sdp").body), "sendrecv")
        call.ack(ANSWER)
        self.run_for(1)
        self.assertFalse(ours.held_by_peer)
        self.assertIn("RESUME", self.page.types())

    def test_no_ack_at_all(self) -> None:
        """A SIP Server that has died: some seconds after its 32 the call ends with a BYE that says why."""
        call = self.play(begin_make_call(self.server, "5001"))
        self.run_for(50)
        self.assertEqual(call.lines()[-2:], ["BYE 1", "200 BYE 1"])
        self.assertGreater(call.at("BYE 1"), SERVER_TIMEOUT + 1)
        self.assertIn("cause=408", call.found("BYE 1").headers.get("Reason") or "")
        self.assertEqual(call.lines().count("200 INVITE 1 sdp"), 11)

    def test_ack_without_answer(self) -> None:
        """An ACK without any description ends the call, and the BYE says why."""
        call = self.play(begin_make_call(self.server, "5001"))
        call.ack()
        self.run_for(1)
        self.assertIn("cause=488", call.found("BYE 1").headers.get("Reason") or "")
        self.assertEqual(self.page.types()[-1], "SHUTDOWN")

    def test_acks_again(self) -> None:
        """The first ACK counts, further ones with other descriptions change nothing."""
        call = self.play(begin_make_call(self.server, "5001"))
        for answer in (ANSWER, DUMMY, ""):
            call.ack(answer)
        self.run_for(60)
        self.assertEqual(self.page.types(), ["OFFER", "TALK", "OK", "ANSWER"])
        self.assertNotIn("BYE 1", call.lines())

    def test_declined(self) -> None:
        """Declining three times leaves the line free: the fourth call is made."""
        self.page.obeys = False
        for _ in range(3):
            call = self.server.invite("5001", None, "1003", MAKE_CALL)
            self.run_for(0.1)
            call.notify("talk")
            self.run_for(0.1)
            self.done(self.gateway.reject("alice", code=603))
            self.assertEqual(call.lines()[-2:], ["603 INVITE 1", "ACK 1"])
        self.page.obeys = True
        self.play(make_call(self.server, "5001", 1.0))
        self.assertEqual(len(self.agent.calls), 1)

    def test_cancelled(self) -> None:
        """CANCEL before the page made its offer: 200, 487, and the page that is too late does no harm."""
        call = self.server.invite("5001", None, "1003", MAKE_CALL)
        self.run_for(0.01)
        call.notify("talk")
        self.run_for(0.01)
        call.cancel()
        self.run_for(1)
        self.assertEqual(call.lines()[-4:], ["CANCEL 1", "200 CANCEL 1", "487 INVITE 1", "ACK 1"])
        self.assertEqual(self.page.types(), ["OFFER", "TALK", "SHUTDOWN"])

    def test_agent_gives_up(self) -> None:
        """An agent who hangs up before the other side has answered ends the call as soon as the ACK allows it."""
        call = self.play(begin_make_call(self.server, "5001"))
        self.run_for(5)
        ending = self.begin(self.gateway.hangup("alice"))
        self.run_for(1)
        self.assertNotIn("BYE 1", call.lines())
        call.ack(ANSWER)
        self.run_for(0.1)
        self.assertEqual(call.lines()[-2:], ["BYE 1", "200 BYE 1"])
        self.successResultOf(ending)


class PlainPageTests(DesktopCase):
    """A page with as few codecs as the softphone of the trace."""

    def test_softphone(self) -> None:
        """An answer of PCMU only is what the re-INVITE is offered again, with the next version."""
        call = self.server.invite("5001", OFFER)
        self.page.obeys = False
        self.run_for(0.1)
        call.notify("talk")
        self.describe(self.agent, PAGE_SDP)
        call.ack()
        call.reinvite()
        self.run_for(0.1)
        self.assertEqual(media_line(call.found("200 INVITE 3 sdp")), "m=audio 30000 RTP/AVP 0 101")
        call.ack(ANSWER)
        self.run_for(1)
        self.assertEqual(self.page.types(), ESTABLISHED)
