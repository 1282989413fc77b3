"""
Calls of a SIP Server beyond their beginning: hold, transfer, ends, busy, session timer.

Points are those of the table in docs/third-party-call-control.md.

The beginning, and how ladders are to be read, is in :mod:`tests.scenarios.test_sipserver_scenarios`.
"""

from tests.scenarios.test_sipserver_scenarios import AT_ONCE, WITHOUT_PAGE
from tests.support import sdptext as sdp
from tests.support.desktop import answer_from_desktop, make_call
from tests.support.desktopcase import BROWSER, PAGE_DELAY, DesktopCase, ROAPPage
from tests.support.gatewaycase import PAGE
from tests.support.sipserver import ANSWER, HELD, LATER, OFFER, ServerCall, answering, session
from wrtcgw.calls.abilities import ONE_CALL
from wrtcgw.sip.message import Request


class InCall(DesktopCase):
    """Tests in a call that was answered and joined at the desktop."""

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
    """Points 4 and 10: hold and retrieve, ordered or done by the SIP Server."""

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

    def test_answer_within_the_offer(self) -> None:
        """An answer that the page is not asked for has the offered codecs only, and nothing of the others."""
        answer = self.reinvite(HELD)
        self.assertIn("m=audio 30000 RTP/AVP 0 101\r\n", answer)
        self.assertNotIn("120", answer)
        self.assertIn("a=fmtp:101 0-15\r\n", answer)
        self.assertEqual(sdp.direction(answer), "recvonly")

    def test_stream_that_was_declined(self) -> None:
        """A stream that the page has declined stays so, whatever its codecs are called in a later offer."""
        self.page.obeys = False
        video = "m=video 5000 RTP/AVP 96 97\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 H264/90000\r\n"
        call = self.server.invite("5001", OFFER + video)
        self.run_for(0.1)
        self.describe(self.agent, BROWSER + "m=video 0 RTP/AVP 31\r\n", call_id=list(self.agent.calls)[-1])
        call.ack()
        self.page.types()
        number = call.reinvite(HELD + video.replace(" 97", "").replace("a=rtpmap:97 H264/90000\r\n", "")).cseq.number
        self.run_for(WITHOUT_PAGE)
        self.assertIn("m=video 0 RTP/AVP 31\r\n", call.found(f"200 INVITE {number} sdp").body)
        self.assertIn("HOLD", self.page.types())

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

    def test_ordered_and_retrieved_by_offer(self) -> None:
        """Other flows of third-party control hold by NOTIFY, and retrieve by a re-INVITE that talks."""
        self.hold()
        self.assertEqual(sdp.direction(self.reinvite(session("0 101", version=4) + "a=inactive\r\n")), "inactive")
        self.assertTrue(self.ours.held)
        self.assertEqual(sdp.direction(self.reinvite(session("0 101", version=5))), "sendrecv")
        self.assertEqual((self.ours.held, self.ours.held_by_peer), (False, False))
        told = [(message.type.value, message.cause) for _, message in self.page.told]
        self.assertEqual(told[0], ("HOLD", "server"))
        self.assertIn(("RESUME", "server"), told)

    def test_held_by_the_agent(self) -> None:
        """What the agent has put on hold the SIP Server does not take back by a refresh of its session."""
        self.call.on_invite = answering(ANSWER.replace("a=fmtp", "a=recvonly\r\na=fmtp"))
        self.done(self.gateway.hold("alice"))
        for version in (4, 5):
            self.assertEqual(sdp.direction(self.reinvite(session("0 101", version=version))), "sendonly")
        self.assertTrue(self.ours.held)

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
    """With refer-enabled=false the SIP Server transfers by re-INVITE."""

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
        self.assertEqual(str(self.ours.remote_sdp), new)

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
    """Point 14: how calls end."""

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
    """Point 15: who is told busy, and who unavailable."""

    def second(self) -> list[str]:
        """Return how a second INVITE during a call is answered."""
        self.play(answer_from_desktop(self.server, "5001", 0.1))
        call = self.server.invite("5001", caller="1004")
        self.run_for(0.1)
        return call.lines(theirs=True)

    def test_in_a_call(self) -> None:
        """A DN with a call is busy (annex option reject-call-incall) when the site wants that."""
        self.start(offer_when_busy=False)
        self.assertEqual(self.second(), ["486 INVITE 1"])
        self.assertEqual(len(self.agent.calls), 1)

    def test_page_of_one_call(self) -> None:
        """A DN whose page knows of one call only is busy in any case."""
        self.done(self.gateway.sign_out("alice"))
        self.agent = self.sign_in(abilities=ONE_CALL)
        self.page = ROAPPage(self.gateway, self.agent, self.clock)
        self.assertEqual(self.second(), ["486 INVITE 1"])
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
        self.assertEqual(call.lines(theirs=True), ["480 INVITE 1"])

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
    """Point 12: the SIP Server refreshes each half of 1800 s."""

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
    """Points 5, 13 and 17: what else comes, and is never left without an answer."""

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
