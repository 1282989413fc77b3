"""
Third-party call control as a SIP Server plays it: the document's sections 2.2, 2.3, 2.4 and 5, message by message.

Ladders are seen from the SIP Server: seconds since its INVITE, ``>`` from it, ``<`` from the gateway. The network takes
no time unless a test says otherwise, so what a ladder shows is what the gateway makes of it.
"""

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
    HELD,
    LATER,
    OFFER,
    SERVER_TIMEOUT,
    ServerCall,
    answering,
    session,
)
from wrtcgw import sdp
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
    """Section 2.1: what the SIP Server sees of a DN."""

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
    """Section 2.2: an incoming call is answered at the desktop."""

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
        self.assertEqual(sdp.origin_version(ours.remote_sdp or ""), 2)

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
    """The re-INVITE of section 2.2 at bad moments."""

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
    """Section 2.3: the agent clicks a number at the desktop."""

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
        """A late ACK with the re-INVITE of section 2.2 behind it: the same rules hold."""
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


class InCall(DesktopCase):
    """Tests in a call that was answered and joined as in section 2.2."""

    def setUp(self) -> None:
        super().setUp()
        self.call = self.play(answer_from_desktop(self.server, "5001", 0.1))
        (self.ours,) = self.agent.calls.values()
        self.page.types()

    def reinvite(self, text: str | None, answer: str = "") -> str:
        """Have the SIP Server re-INVITE; return the description in the 200, which must not wait for the page."""
        number = self.call.reinvite(text).cseq.number
        self.run_for(WITHOUT_PAGE)
        response = self.call.found(f"200 INVITE {number} sdp")
        self.assertLess(
            self.call.at(f"200 INVITE {number} sdp") - self.call.at(f"INVITE {number}" + (" sdp" if text else "")), 0.01
        )
        self.call.ack(answer)
        self.run_for(0.1)
        return response.body

    def hold(self) -> None:
        """Have the desktop put the call on hold."""
        self.call.on_invite = answering(ANSWER.replace("a=fmtp", "a=recvonly\r\na=fmtp"))
        self.call.notify("hold")
        self.run_for(0.1)


class HoldTests(InCall):
    """Section 5, points 4 and 10: hold and retrieve, ordered or done by the SIP Server."""

    def test_notations(self) -> None:
        """Hold by c=0.0.0.0, inactive and sendonly, retrieve by an offer: each is told once and needs no page."""
        for text, answered in (
            (HELD, "recvonly"),
            (session("0 101", version=3) + "a=sendonly\r\n", "recvonly"),
            (session("0 101", version=3) + "a=inactive\r\n", "inactive"),
            (HELD + "a=inactive\r\n", "inactive"),
        ):
            self.assertEqual(sdp.direction(self.reinvite(text)), answered, text)
            self.assertEqual(self.page.types(), ["HOLD"])
            self.assertEqual(sdp.direction(self.reinvite(session("0 101", version=4))), "sendrecv")
            self.assertEqual(self.page.types(), ["RESUME"])

    def test_retrieve_without_offer(self) -> None:
        """Retrieve by an offer-less re-INVITE: a full offer that talks, and the answer ends the hold."""
        for text in (HELD, session("0 101", version=3) + "a=inactive\r\n"):
            self.reinvite(text)
            self.assertEqual(self.page.types(), ["HOLD"])
            offer = self.reinvite(None, session("0 101", version=4))
            self.assertEqual(sdp.direction(offer), "sendrecv")
            self.assertIn("m=audio 30000 RTP/AVP 0 8 9 120 101\r\n", offer)
            self.assertEqual(self.page.types(), ["RESUME"])

    def test_hold_without_offer(self) -> None:
        """Hold by an offer-less re-INVITE whose ACK says 0.0.0.0."""
        self.reinvite(None, HELD)
        self.assertEqual(self.page.types(), ["HOLD"])
        self.assertTrue(self.ours.held_by_peer)

    def test_music(self) -> None:
        """Music from another place is for the page to hear: it is asked, and its answer goes back."""
        music = session("0", address="198.51.100.9", port=41000, version=3) + "a=sendonly\r\n"
        number = self.call.reinvite(music).cseq.number
        self.run_for(1)
        response = self.call.found(f"200 INVITE {number} sdp")
        self.assertEqual(sdp.direction(response.body), "recvonly")
        self.assertEqual(self.page.types(), ["OFFER", "HOLD"])

    def test_ordered(self) -> None:
        """NOTIFY hold holds by a re-INVITE, NOTIFY talk resumes; both have their 200 at once."""
        self.hold()
        self.assertEqual(sdp.direction(self.call.found("INVITE 1 sdp").body), "sendonly")
        self.assertTrue(self.ours.held)
        self.call.on_invite = answering()
        self.call.notify("talk")
        self.run_for(0.1)
        self.assertEqual(sdp.direction(self.call.found("INVITE 2 sdp").body), "sendrecv")
        self.assertFalse(self.ours.held)
        for number, event in ((4, "hold"), (5, "talk")):
            asked, answered = self.call.at(f"NOTIFY {number} {event}"), self.call.at(f"200 NOTIFY {number}")
            self.assertLess(answered - asked, AT_ONCE)
        self.assertEqual(self.page.types(), ["HOLD", "TALK", "RESUME"])

    def test_offer_while_the_agent_holds(self) -> None:
        """Who asks for our offer while the agent holds gets one that holds; resume makes it whole again."""
        self.hold()
        self.page.types()
        self.assertEqual(sdp.direction(self.reinvite(None, session("0 101", version=4) + "a=recvonly\r\n")), "sendonly")
        self.assertEqual(self.page.types(), [])
        self.call.on_invite = answering()
        self.done(self.gateway.resume("alice"))
        self.assertEqual(sdp.direction(self.call.found("INVITE 2 sdp").body), "sendrecv")

    def test_both_hold(self) -> None:
        """Each side's hold ends by itself, in either order."""
        self.hold()
        self.assertEqual(sdp.direction(self.reinvite(HELD)), "inactive")
        self.call.on_invite = answering(HELD)
        self.call.notify("talk")
        self.run_for(0.1)
        self.assertEqual((self.ours.held, self.ours.held_by_peer), (False, True))
        self.reinvite(None, session("0 101", version=5))
        self.assertEqual((self.ours.held, self.ours.held_by_peer), (False, False))


class TransferTests(InCall):
    """Section 2.4: refer-enabled=false, so the SIP Server transfers by re-INVITE."""

    def test_to_another_party(self) -> None:
        """Hold, then the new party's description: the page answers it, and the call talks to the new party."""
        self.reinvite(HELD)
        new = session("0 8 101", address="198.51.100.20", port=42000, version=4)
        number = self.call.reinvite(new).cseq.number
        self.run_for(1)
        self.call.ack()
        self.run_for(0.1)
        self.assertEqual(self.page.message("OFFER").sdp, new)
        self.assertEqual(sdp.direction(self.call.found(f"200 INVITE {number} sdp").body), "sendrecv")
        self.assertEqual(self.page.types(), ["HOLD", "OFFER", "RESUME"])
        self.assertEqual(self.ours.remote_sdp, new)

    def test_without_offer(self) -> None:
        """By an offer-less re-INVITE: our offer goes at once, and the page applies the new party's answer."""
        new = session("0 101", address="198.51.100.20", port=42000, version=4)
        offer = self.reinvite(None, new)
        self.assertIn("m=audio 30000 RTP/AVP 0 8 9 120 101\r\n", offer)
        self.run_for(0.2)
        self.assertEqual(self.page.message("OFFER").sdp, new)
        self.assertEqual(self.call.lines(theirs=True)[-1], f"200 INVITE {self.call.cseq} sdp")

    def test_deaf_page(self) -> None:
        """A page that does not answer the new party's offer: 488 after 10 s, and the call goes on as it was."""
        self.page.obeys = False
        number = self.call.reinvite(session("0", address="198.51.100.20", version=4)).cseq.number
        self.run_for(12)
        self.assertIn(f"488 INVITE {number}", self.call.lines())
        self.assertIn(f"100 INVITE {number}", self.call.lines())
        self.assertEqual(self.page.types(), ["OFFER", "ERROR"])
        self.assertEqual(self.ours.state.value, "ESTABLISHED")

    def test_completed(self) -> None:
        """The transferor's leg ends by BYE when the others are joined."""
        self.reinvite(HELD)
        self.call.bye('SIP;cause=200;text="transferred"')
        self.run_for(0.1)
        self.assertEqual(self.page.types(), ["HOLD", "SHUTDOWN"])
        self.assertEqual(self.agent.calls, {})

    def test_consultation(self) -> None:
        """A consultation call is made at the desktop while the first one is held; both are there."""
        self.hold()
        second = self.play(make_call(self.server, "5001", 2.0))
        self.run_for(0.1)
        self.assertEqual(len(self.agent.calls), 2)
        second.bye()
        self.run_for(0.1)
        self.call.on_invite = answering()
        self.call.notify("talk")
        self.run_for(0.1)
        self.assertFalse(self.ours.held)


class EndTests(DesktopCase):
    """Section 2.4 and section 5, point 14: how calls end."""

    def ringing(self) -> ServerCall:
        """Return a call that rings."""
        call = self.server.invite("5001")
        self.run_for(1)
        return call

    def test_cancel(self) -> None:
        """CANCEL: 200 and 487; the page is told who took the call when the Reason says so."""
        for reasons, cause in (
            ((), "cancelled"),
            (('SIP;cause=200;text="Call completed elsewhere"',), "answered-elsewhere"),
            (("Q.850;cause=26",), "answered-elsewhere"),
            (("Q.850;cause=16", 'SIP;cause=200;text="taken, by \\"Ann\\""'), "answered-elsewhere"),
            (("Q.850;cause=16",), "cancelled"),
        ):
            call = self.ringing()
            call.cancel(*reasons)
            self.run_for(0.1)
            self.assertEqual(call.lines()[-4:], ["CANCEL 1", "200 CANCEL 1", "487 INVITE 1", "ACK 1"])
            self.assertEqual(self.page.message("SHUTDOWN").cause, cause, reasons)
            self.assertEqual(self.page.types(), ["OFFER", "SHUTDOWN"])

    def test_cancel_crosses_the_answer(self) -> None:
        """A CANCEL that comes behind our 200 has no effect; the SIP Server's ACK and BYE end the call."""
        self.server.latency = 0.02
        call = self.ringing()
        call.notify("talk")
        self.run_for(0.02 + PAGE_DELAY - 0.01)
        call.cancel()
        self.run_for(0.1)
        self.assertEqual(call.lines()[-1], "200 CANCEL 1")
        call.ack()
        call.bye()
        self.run_for(0.1)
        self.assertEqual(call.lines()[-1], "200 BYE 3")
        self.assertEqual(self.agent.calls, {})

    def test_early_bye(self) -> None:
        """A BYE to a ringing call ends it: 200, and 487 to the INVITE."""
        call = self.ringing()
        call.bye()
        self.run_for(0.1)
        self.assertEqual(sorted(call.lines(theirs=True)), ["180 INVITE 1", "200 BYE 2", "487 INVITE 1"])
        self.assertEqual(self.page.types(), ["OFFER", "SHUTDOWN"])

    def test_reasons(self) -> None:
        """The far leg's failure in the BYE's Reason becomes code, words and cause; a normal end stays one."""
        for reason, code, cause in (
            ('SIP;cause=486;text="Busy Here"', 486, "busy"),
            ('SIP;cause=603;text="Decline"', 603, "declined"),
            ('SIP;cause=200;text="Normal"', 200, "remote"),
            ("Q.850;cause=16", 0, "remote"),
            ("", 0, "remote"),
        ):
            call = self.play(answer_from_desktop(self.server, "5001", 0.01))
            call.bye(*([reason] if reason else []))
            self.run_for(0.1)
            end = self.page.message("SHUTDOWN")
            self.assertEqual((end.code, end.cause), (code, cause), reason)
            self.page.types()

    def test_trying_timer(self) -> None:
        """The SIP Server's 32 s timer for an INVITE that got only 100 never runs: the 180 is the first response."""
        call = self.ringing()
        self.run_for(100)
        self.assertEqual(call.lines(theirs=True)[0], "180 INVITE 1")
        self.assertFalse(call.timed_out)

    def test_call_of_the_page(self) -> None:
        """A call that the page places carries announcements too, and its CallUUID comes with the answer."""
        self.gateway.place_call("alice", "1003", BROWSER, page_address=PAGE)
        self.run_for(0.1)
        (call,) = self.server.calls
        invite = call.found("INVITE 1 sdp")
        assert isinstance(invite, Request)
        self.assertIn("talk, hold", invite.headers.get("Allow-Events") or "")
        call.respond(invite, 200, ANSWER)
        self.run_for(0.1)
        (ours,) = self.agent.calls.values()
        self.assertEqual(ours.uuid, call.uuid)
        call.cseq = 1
        call.on_invite = answering(ANSWER.replace("a=fmtp", "a=recvonly\r\na=fmtp"))
        call.notify("hold")
        self.run_for(0.1)
        self.assertTrue(ours.held)


class BusyTests(DesktopCase):
    """Section 5, point 15: who is told busy, and who unavailable."""

    def second(self) -> list[str]:
        """Return how a second INVITE during a call is answered."""
        self.play(answer_from_desktop(self.server, "5001", 0.1))
        call = self.server.invite("5001", caller="1004")
        self.run_for(0.1)
        return call.lines(theirs=True)

    def test_in_a_call(self) -> None:
        """A DN with a call is busy (annex option reject-call-incall) when the site wants that."""
        self.start(offer_when_busy=False)
        self.assertEqual(self.second()[-1], "486 INVITE 1")
        self.assertEqual(len(self.agent.calls), 1)

    def test_several(self) -> None:
        """Otherwise it rings beside the first call."""
        self.assertEqual(self.second(), ["180 INVITE 1"])
        self.assertEqual(len(self.agent.calls), 2)

    def test_no_page(self) -> None:
        """A DN whose page is silent is unavailable when the site wants that."""
        self.start(offer_without_page=False)
        call = self.server.invite("5001")
        self.run_for(0.1)
        self.assertEqual(call.lines(theirs=True)[-1], "480 INVITE 1")

    def test_rejected(self) -> None:
        """The page's rejection has the code it gives: 486 unless it says another."""
        for code in (486, 603):
            call = self.server.invite("5001")
            self.run_for(0.1)
            self.done(self.gateway.reject("alice", code=code))
            self.assertEqual(call.lines()[-2:], [f"{code} INVITE 1", "ACK 1"])

    def test_signed_out(self) -> None:
        """A DN that is signed out is unknown."""
        contact = self.server.contacts["5001"]
        self.done(self.gateway.sign_out("alice"))
        self.server.contacts["5001"] = contact
        call = self.server.invite("5001")
        self.run_for(0.1)
        self.assertEqual(call.lines(theirs=True), ["404 INVITE 1"])


class SessionTests(InCall):
    """Section 5, point 12: the SIP Server refreshes each half of 1800 s."""

    def test_refreshed(self) -> None:
        """Refreshes without an offer, with the same one, and by UPDATE keep a call; the page hears nothing."""
        for round_ in range(4):
            self.run_for(900)
            self.reinvite(None if round_ % 2 else session("0 101", version=2), ANSWER if round_ % 2 else "")
        self.run_for(900)
        number = self.call.request("UPDATE", "", LATER).cseq.number
        self.run_for(900)
        self.assertEqual(self.call.found(f"200 UPDATE {number}").headers.get("Session-Expires"), "1800;refresher=uac")
        self.assertEqual(self.page.types(), [])
        self.assertEqual(self.call.lines(theirs=True).count("BYE 1"), 0)
        self.assertFalse([line for line in self.call.lines(theirs=True) if line.startswith("INVITE")])

    def test_vanished(self) -> None:
        """A SIP Server that refreshes no more: the call ends shortly before 1800 s are over, not earlier."""
        self.run_for(1760)
        self.assertEqual(len(self.agent.calls), 1)
        self.run_for(60)
        self.assertIn("BYE 1", self.call.lines(theirs=True))
        self.assertEqual(self.page.types(), ["SHUTDOWN"])

    def test_too_short(self) -> None:
        """A session shorter than our minimum is told 422 with it, and the call goes on."""
        number = self.call.reinvite(None, (("Session-Expires", "30;refresher=uac"), ("Supported", "timer"))).cseq.number
        self.run_for(0.1)
        self.assertEqual(self.call.found(f"422 INVITE {number}").headers.get("Min-SE"), "90")
        self.assertEqual(self.ours.state.value, "ESTABLISHED")


class OtherRequestTests(InCall):
    """Section 5, points 5, 13 and 17: what else comes, and is never left without an answer."""

    def test_other_events(self) -> None:
        """Beep, dtmf, check-sync and the like get a final answer at once, and the call goes on."""
        for event in ("beep", "dtmf", "check-sync", "message-summary", "x-unheard-of"):
            number = self.call.notify(event).cseq.number
            self.run_for(0.01)
            self.assertEqual(self.call.lines()[-1], f"489 NOTIFY {number}")
            self.assertIn("talk, hold", self.call.found(f"489 NOTIFY {number}").headers.get("Allow-Events") or "")
        self.assertEqual(self.page.types(), [])

    def test_outside(self) -> None:
        """Outside any call check-sync and message waiting are taken, talk is not, and OPTIONS is answered."""
        for method, event, status in (
            ("NOTIFY", "check-sync", 200),
            ("NOTIFY", "message-summary", 200),
            ("NOTIFY", "talk", 481),
            ("OPTIONS", "", 200),
        ):
            self.server.send_outside(method, "5001", [("Event", event)] if event else [])
            self.run_for(0.01)
            self.assertEqual(self.server.outside[-1].status, status, event)

    def test_methods(self) -> None:
        """OPTIONS, UPDATE and INFO inside the call are answered 200, whatever an INFO carries."""
        for method, body, kind in (
            ("OPTIONS", "", ""),
            ("UPDATE", "", ""),
            ("INFO", "a=1&b=2", "application/x-www-form-urlencoded"),
            ("INFO", "abc", "application/octet-stream"),
            ("INFO", "<x/>", "application/x-unheard-of"),
            ("INFO", "", ""),
        ):
            number = self.call.request(method, body, [("Content-Type", kind)] if kind else []).cseq.number
            self.run_for(0.01)
            self.assertEqual(self.call.lines()[-1], f"200 {method} {number}", kind)

    def test_digits(self) -> None:
        """A digit of the page goes out as INFO."""
        self.done(self.gateway.dtmf("alice", None, "5"))
        self.assertIn("Signal=5", self.call.found("INFO 1").body)

    def test_reliable_responses(self) -> None:
        """The SIP Server's 100rel is an offer that needs no taking: the 180 is an ordinary one."""
        call = self.server.invite("5001")
        self.run_for(0.1)
        self.assertNotIn("RSeq", call.found("180 INVITE 1").headers)


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
