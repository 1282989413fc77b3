"""Offers and answers inside a call: hold and resume from both sides, new offers, refreshes."""

from tests.support import sdptext as descriptions
from tests.support.farside import SDP, FarCall
from tests.support.gatewaycase import OTHER_SDP, PAGE, PAGE_SDP, GatewayCase
from wrtcgw.calls.messages import MessageType
from wrtcgw.calls.negotiation.machine import MAX_ORDERS
from wrtcgw.calls.negotiation.table import NegotiationState
from wrtcgw.errors import RequestRefused, WrongState
from wrtcgw.gateway import Outcome
from wrtcgw.sip.outputs import (
    AnswerReceived,
    OfferAcceptedLate,
    OfferAnswered,
    OfferReceived,
    OfferRefused,
    SessionRefreshed,
)

HOLDING = SDP.replace("sendrecv", "sendonly")
LISTENING = SDP.replace("sendrecv", "recvonly")
INACTIVE = SDP.replace("sendrecv", "inactive")
NOWHERE = SDP.replace("c=IN IP4 198.51.100.7", "c=IN IP4 0.0.0.0")
CHANGED = SDP.replace("40000", "40008")
NO_STREAM = SDP.partition("m=")[0]


class InCall(GatewayCase):
    """An agent in a call that it has placed."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()
        self.call, self.peer = self.outbound(self.agent)

    def hold(self, answer: str = LISTENING) -> None:
        """Put the call on hold."""
        waiting = self.begin(self.gateway.hold("alice"))
        self.run_for()
        self.peer.answer(answer)
        self.run_for()
        self.successResultOf(waiting)
        self.messages(self.agent)

    def answered(self, peer: FarCall) -> str:
        """Return the description with which the gateway has answered the newest re-INVITE."""
        response = peer.last("INVITE")
        self.assertEqual(response.status, 200)
        return response.body


class Hold(InCall):
    """Hold and resume by the page."""

    def test_both(self) -> None:
        """Hold and resume change the last description's direction, and its version; the state follows the answer."""
        waiting = self.begin(self.gateway.hold("alice"))
        self.run_for()
        self.assertEqual(self.peer.offer, PAGE_SDP.replace("page 1 1", "page 1 2").replace("sendrecv", "sendonly"))
        self.assertFalse(self.call.held)
        self.assertNoResult(waiting)
        self.peer.answer(LISTENING)
        self.run_for()
        self.assertEqual(self.successResultOf(waiting), Outcome(200, "OK"))
        self.assertTrue(self.call.held)
        (told,) = self.messages(self.agent)
        self.assertEqual((told.type, told.cause, told.state), (MessageType.HOLD, "local", "ESTABLISHED"))
        waiting = self.begin(self.gateway.resume("alice", self.call.id))
        self.run_for()
        self.assertEqual(self.peer.offer, PAGE_SDP.replace("page 1 1", "page 1 3"))
        self.peer.answer()
        self.run_for()
        self.assertEqual(self.successResultOf(waiting).code, 200)
        self.assertFalse(self.call.held)
        self.assertEqual(self.types(self.agent), ["RESUME"])

    def test_page_that_was_told(self) -> None:
        """A page that had to answer the far side's hold takes both ways up again: the hold was not its wish."""
        self.hold(CHANGED.replace("sendrecv", "recvonly"))
        self.describe(self.agent, PAGE_SDP.replace("sendrecv", "sendonly"), kind=MessageType.ANSWER)
        waiting = self.begin(self.gateway.resume("alice"))
        self.run_for()
        self.assertEqual(descriptions.direction(self.peer.offer), "sendrecv")
        self.peer.answer(CHANGED)
        self.run_for()
        self.assertEqual(self.successResultOf(waiting), Outcome(200, "OK"))
        resumed, offer = self.messages(self.agent)
        self.assertEqual((resumed.type, offer.type, offer.sdp), (MessageType.RESUME, MessageType.OFFER, CHANGED))
        self.describe(self.agent, kind=MessageType.ANSWER)

    def test_answer_without_streams(self) -> None:
        """A far side that answers without media has not put the call on hold: the verb fails, and the call goes on."""
        for answer in (NO_STREAM, "v=0\r\ns=-\r\n", "\r\n"):
            waiting = self.begin(self.gateway.hold("alice"))
            self.run_for()
            self.peer.answer(answer)
            self.run_for()
            refused = self.failureResultOf(waiting, RequestRefused).value
            self.assertEqual((refused.code, "no media" in refused.reason), (488, True))
            self.assertEqual((self.call.held, self.call.held_by_peer, self.types(self.agent)), (False, False, []))
        self.assertEqual(self.begin(self.gateway.hold("alice")).called, False)

    def test_refused(self) -> None:
        """A refused hold or resume is an error with the far side's words, and changes nothing."""
        for code, reason in ((488, "Not Acceptable Here"), (500, "Server Internal Error"), (603, "Decline")):
            waiting = self.begin(self.gateway.hold("alice"))
            self.run_for()
            self.peer.refuse(code)
            self.run_for()
            error = self.failureResultOf(waiting, RequestRefused).value
            self.assertEqual((error.action, error.code, error.reason), ("hold", code, reason))
            self.assertFalse(self.call.held)
        self.hold()
        waiting = self.begin(self.gateway.resume("alice"))
        self.run_for()
        self.peer.refuse(488)
        self.run_for()
        self.assertEqual(self.failureResultOf(waiting, RequestRefused).value.action, "resume")
        self.assertTrue(self.call.held)
        self.assertEqual(self.types(self.agent), [])

    def test_glare(self) -> None:
        """A 491 is met by another try after a while, without the page."""
        waiting = self.begin(self.gateway.hold("alice"))
        self.run_for()
        self.peer.refuse(491)
        self.run_for(1)
        self.assertNoResult(waiting)
        self.run_for(4)
        self.peer.answer(LISTENING)
        self.run_for()
        self.successResultOf(waiting)
        self.assertTrue(self.call.held)

    def test_glare_with_their_offer(self) -> None:
        """While we wait after a 491, the far side's own offer is served, or refused when it needs the page."""
        for offer, status in ((SDP, 200), (CHANGED, 491)):
            waiting = self.begin(self.gateway.hold("alice") if offer is SDP else self.gateway.resume("alice"))
            self.run_for()
            self.peer.refuse(491)
            self.run_for(0.1)
            self.peer.reinvite(offer)
            self.run_for(0.1)
            self.assertEqual(self.peer.last("INVITE").status, status)
            self.run_for(5)
            self.peer.answer(LISTENING if offer is SDP else SDP)
            self.run_for()
            self.successResultOf(waiting)
        self.assertEqual(self.types(self.agent), ["HOLD", "RESUME"])

    def test_silence(self) -> None:
        """A far side that only says 100 fails the hold after a while; the call goes on."""
        waiting = self.begin(self.gateway.hold("alice"))
        self.run_for(41)
        self.assertIn(self.failureResultOf(waiting, RequestRefused).value.code, (408, 487))
        self.assertEqual((self.call.is_up, self.call.held), (True, False))

    def test_timeout_of_core(self) -> None:
        """A re-INVITE without any response fails after 32 s, and the next one can be tried."""
        self.far.silent.add("INVITE")
        waiting = self.begin(self.gateway.hold("alice"))
        self.run_for(33)
        self.assertEqual(self.failureResultOf(waiting, RequestRefused).value.code, 408)
        self.far.silent.clear()
        self.assertFalse(self.call.held)
        self.hold()

    def test_accepted_late(self) -> None:
        """A hold that is accepted when it has failed here is taken back, so that both sides mean the same again."""
        self.far.silent.add("INVITE")
        waiting = self.begin(self.gateway.hold("alice"))
        self.run_for(33)
        self.failureResultOf(waiting, RequestRefused)
        self.assertIn("page 1 2", self.peer.offer)
        self.far.silent.clear()
        self.peer.invite = self.peer.request("INVITE")
        self.peer.answer(LISTENING)
        self.run_for()
        self.assertEqual(self.peer.offer, PAGE_SDP.replace("page 1 1", "page 1 3"))
        self.peer.answer(SDP)
        self.run_for()
        self.assertEqual((self.call.held, self.types(self.agent)), (False, []))
        self.peer.reinvite(SDP)
        self.run_for()
        self.assertEqual(self.answered(self.peer), PAGE_SDP.replace("page 1 1", "page 1 3"))

    def test_wrong_states(self) -> None:
        """Hold needs a call that talks, and resume one that is held."""
        self.fails(WrongState, self.gateway.resume("alice"))
        self.hold()
        self.assertIn("on hold", str(self.fails(WrongState, self.gateway.hold("alice"))))
        second, _ = self.place(self.agent)
        self.fails(WrongState, self.gateway.hold("alice", second.id))
        self.fails(WrongState, self.gateway.resume("alice", second.id))

    def test_orders_in_a_row(self) -> None:
        """An order right behind another one waits for that, and is then judged by what has become of the call."""
        orders = [self.begin(self.gateway.hold("alice"))]
        orders += [self.begin(verb("alice")) for verb in (self.gateway.hold, self.gateway.resume)]
        self.run_for()
        self.peer.answer(LISTENING)
        self.run_for()
        self.successResultOf(orders[0])
        self.assertIn("on hold", str(self.failureResultOf(orders[1], WrongState).value))
        self.assertNoResult(orders[2])
        self.assertEqual(descriptions.direction(self.peer.offer), "sendrecv")
        self.peer.answer(SDP)
        self.run_for()
        self.successResultOf(orders[2])
        self.assertEqual((self.call.held, self.types(self.agent)), (False, ["HOLD", "RESUME"]))

    def test_too_many_orders(self) -> None:
        """Only a few orders wait; and none waits longer than the far side may take for one."""
        orders = [self.begin(self.gateway.hold("alice")) for _ in range(MAX_ORDERS + 1)]
        self.assertIn("answer to an offer", str(self.fails(WrongState, self.gateway.resume("alice"))))
        self.run_for(41)
        for order in orders:
            self.failureResultOf(order, RequestRefused)
        self.assertFalse(self.call.negotiation.orders)

    def test_order_while_the_page_is_asked(self) -> None:
        """While the page has the far side's offer to answer, an order waits; when it has only news, it does not."""
        newer = CHANGED.replace("40008", "40010")
        for news, offer in ((CHANGED, CHANGED), (newer, None)):
            self.peer.reinvite(offer, answer=news)
            self.run_for()
            self.assertEqual(self.types(self.agent)[-1], "OFFER")
            waiting = self.begin((self.gateway.hold if offer else self.gateway.resume)("alice"))
            self.run_for()
            if offer:
                self.describe(self.agent, OTHER_SDP, kind=MessageType.ANSWER)
                self.run_for()
            self.peer.answer(news.replace("sendrecv", "recvonly") if offer else news)
            self.run_for()
            self.successResultOf(waiting)
            self.assertIs(self.call.held, bool(offer))
            self.messages(self.agent)

    def test_hang_up_meanwhile(self) -> None:
        """A hold that waits when the call ends fails."""
        waiting = self.begin(self.gateway.hold("alice"))
        self.run_for()
        self.peer.bye()
        self.run_for()
        self.assertIn("ended", str(self.failureResultOf(waiting, WrongState).value))

    def test_page_offer_while_held(self) -> None:
        """A new description of the page keeps the call on hold."""
        self.hold()
        self.describe(self.agent, OTHER_SDP, kind=MessageType.OFFER)
        self.assertEqual(descriptions.direction(self.peer.offer), "sendonly")
        self.peer.answer(LISTENING)
        self.run_for()
        waiting = self.begin(self.gateway.resume("alice"))
        self.run_for()
        self.assertIn("30002", self.peer.offer)
        self.assertEqual(descriptions.direction(self.peer.offer), "sendrecv")
        self.peer.answer()
        self.run_for()
        self.successResultOf(waiting)

    def test_inactive_answer(self) -> None:
        """An answer of inactive to our hold does not mean that the far side holds."""
        self.hold(INACTIVE)
        self.assertFalse(self.call.held_by_peer)


class RemoteHold(InCall):
    """Hold and resume by the far side."""

    def test_directions(self) -> None:
        """Every way to hold is answered by the gateway as it should be, and told to the page."""
        for offer, answer in (
            (HOLDING, "recvonly"),
            (INACTIVE, "inactive"),
            (NOWHERE, "recvonly"),
            (HOLDING.replace("a=sendonly", "a=sendonly \t"), "recvonly"),
            (INACTIVE.replace("a=inactive", "a=inactive "), "inactive"),
        ):
            self.peer.reinvite(offer)
            self.run_for()
            self.assertEqual(descriptions.direction(self.answered(self.peer)), answer)
            self.assertTrue(self.call.held_by_peer)
            (told,) = self.messages(self.agent)
            self.assertEqual((told.type, told.cause), (MessageType.HOLD, "peer"))
            self.peer.reinvite(SDP)
            self.run_for()
            self.assertEqual(descriptions.direction(self.answered(self.peer)), "sendrecv")
            self.assertFalse(self.call.held_by_peer)
            (told,) = self.messages(self.agent)
            self.assertEqual((told.type, told.cause), (MessageType.RESUME, "peer"))

    def test_without_address(self) -> None:
        """A description without c= is served as any other."""
        bare = SDP.replace("c=IN IP4 198.51.100.7\r\n", "")
        self.done(self.gateway.hangup("alice"))
        self.call, self.peer = self.outbound(self.agent, bare)
        self.peer.reinvite(bare.replace("sendrecv", "sendonly"))
        self.run_for()
        self.assertEqual(descriptions.direction(self.answered(self.peer)), "recvonly")

    def test_nowhere_with_blanks(self) -> None:
        """The old hold is known by its address, whatever blanks stand around it."""
        for line in ("c=IN IP4 0.0.0.0 ", "c=IN IP4  0.0.0.0\t", "c=IN\tIP4 0.0.0.0"):
            self.peer.reinvite(SDP.replace("c=IN IP4 198.51.100.7", line))
            self.run_for()
            self.assertEqual(self.types(self.agent), ["HOLD"], line)
            self.peer.reinvite(SDP)
            self.run_for()
            self.assertEqual(self.types(self.agent), ["RESUME"], line)

    def test_by_update(self) -> None:
        """An UPDATE does the same as a re-INVITE."""
        self.peer.send("UPDATE", HOLDING, "application/sdp")
        self.run_for()
        self.assertEqual(descriptions.direction(self.peer.last("UPDATE").body), "recvonly")
        self.assertEqual(self.types(self.agent), ["HOLD"])

    def test_held_twice(self) -> None:
        """A second hold of the far side is answered and is no news."""
        for _ in range(2):
            self.peer.reinvite(HOLDING)
            self.run_for()
        self.assertEqual(self.types(self.agent), ["HOLD"])

    def test_both_hold(self) -> None:
        """Both sides may hold, and resume in either order."""
        self.hold()
        self.peer.reinvite(HOLDING)
        self.run_for()
        self.assertEqual(descriptions.direction(self.answered(self.peer)), "inactive")
        self.assertTrue(self.call.held and self.call.held_by_peer)
        waiting = self.begin(self.gateway.resume("alice"))
        self.run_for()
        self.assertEqual(descriptions.direction(self.peer.offer), "sendrecv")
        self.peer.answer(HOLDING)
        self.run_for()
        self.successResultOf(waiting)
        self.assertEqual((self.call.held, self.call.held_by_peer), (False, True))
        self.peer.reinvite(SDP)
        self.run_for()
        self.assertEqual(descriptions.direction(self.answered(self.peer)), "sendrecv")
        self.assertEqual(self.types(self.agent), ["HOLD", "RESUME", "RESUME"])

    def test_peer_resumes_first(self) -> None:
        """When the far side resumes first, the call stays on hold here."""
        self.hold()
        self.peer.reinvite(HOLDING)
        self.run_for()
        self.peer.reinvite(SDP)
        self.run_for()
        self.assertEqual(descriptions.direction(self.answered(self.peer)), "sendonly")
        self.assertEqual((self.call.held, self.call.held_by_peer), (True, False))

    def test_answer_on_hold(self) -> None:
        """A far side that answers our offer with sendonly holds."""
        self.describe(self.agent, OTHER_SDP)
        self.peer.answer(HOLDING)
        self.run_for()
        self.assertEqual(self.types(self.agent), ["ANSWER", "HOLD"])


class Refresh(InCall):
    """Offers that change nothing."""

    def test_identical(self) -> None:
        """A hundred refreshes are answered with the same bytes, and the page hears of none."""
        for version in range(1, 101):
            self.peer.reinvite(SDP.replace("far 7 1 ", f"far 7 {version} "))
            self.run_for(0.1)
            self.assertEqual(self.answered(self.peer), PAGE_SDP)
        self.assertEqual(self.types(self.agent), [])

    def test_after_resume(self) -> None:
        """After hold and resume the last description is repeated, with its version."""
        self.hold()
        waiting = self.begin(self.gateway.resume("alice"))
        self.run_for()
        self.peer.answer()
        self.run_for()
        self.successResultOf(waiting)
        self.peer.reinvite(SDP)
        self.run_for()
        self.assertEqual(self.answered(self.peer), PAGE_SDP.replace("page 1 1", "page 1 3"))

    def test_without_offer(self) -> None:
        """A re-INVITE without SDP gets our full description at once, with a higher version."""
        for version in (2, 3):
            self.peer.reinvite(answer=SDP)
            self.run_for()
            self.assertEqual(self.answered(self.peer), PAGE_SDP.replace("page 1 1", f"page 1 {version}"))
        self.assertEqual(self.types(self.agent), [])

    def test_without_offer_while_held(self) -> None:
        """It is an offer on hold while the agent holds; else it is full, even if the far side held."""
        self.peer.reinvite(HOLDING)
        self.run_for()
        self.peer.reinvite(answer=SDP)
        self.run_for()
        self.assertEqual(descriptions.direction(self.answered(self.peer)), "sendrecv")
        self.assertEqual(self.types(self.agent), ["HOLD", "RESUME"])
        self.hold()
        self.peer.reinvite(answer=LISTENING)
        self.run_for()
        self.assertEqual(descriptions.direction(self.answered(self.peer)), "sendonly")

    def test_right_after_answer(self) -> None:
        """It may come 12 ms after the ACK of a call that was answered here."""
        self.done(self.gateway.hangup("alice"))
        call, far = self.inbound(self.agent)
        self.gateway.send_description("alice", None, PAGE_SDP, page_address="192.0.2.1")
        far.reinvite(answer=SDP)
        self.run_for()
        self.assertEqual(self.answered(far), PAGE_SDP.replace("page 1 1", "page 1 2"))
        self.assertTrue(call.is_up)

    def test_session_timer(self) -> None:
        """A refresh of our own that is answered with something new reaches the page."""
        self.gateway.disconnected(0)
        self.gateway.connected(0)
        self.run_for(1)
        self.peer.answer(CHANGED)
        self.run_for()
        told = self.last(self.agent, MessageType.OFFER)
        self.assertEqual(told.sdp, CHANGED)
        before = len(self.peer.responses) + len(self.peer.requests)
        self.describe(self.agent, OTHER_SDP, kind=MessageType.ANSWER)
        self.assertEqual(len(self.peer.responses) + len(self.peer.requests), before)
        self.assertIs(self.call.negotiation.state, NegotiationState.STABLE)

    def test_session_timer_unchanged(self) -> None:
        """A refresh of our own that changes nothing is no news."""
        self.gateway.disconnected(0)
        self.gateway.connected(0)
        self.run_for(1)
        self.peer.answer()
        self.run_for()
        self.assertEqual(self.types(self.agent), ["REGISTRATION", "REGISTRATION"])


class TheirOffer(InCall):
    """Offers of the far side that the page has to answer."""

    def test_answer(self) -> None:
        """The page is offered what is new, and its answer goes out with our origin and the next version."""
        self.peer.reinvite(CHANGED)
        self.run_for()
        (offer,) = self.messages(self.agent)
        self.assertEqual((offer.type, offer.sdp, offer.state), (MessageType.OFFER, CHANGED, "ESTABLISHED"))
        self.describe(self.agent, OTHER_SDP.replace("o=page 1 1", "o=page 5 1"), kind=MessageType.ANSWER)
        self.assertEqual(self.answered(self.peer), OTHER_SDP.replace("page 1 1", "page 1 2"))
        self.assertEqual((str(self.call.remote_sdp), self.types(self.agent)), (CHANGED, []))
        self.run_for(20)
        self.assertEqual(self.types(self.agent), [])

    def test_unusable(self) -> None:
        """An offer that is no description, or has no stream, is refused as in a first INVITE; the call goes on."""
        for offer in (SDP.partition("m=")[0], "hello", " ", SDP.replace("v=0", "v=1")):
            self.peer.reinvite(offer)
            self.run_for()
            self.assertEqual(self.peer.last("INVITE").status, 488, offer)
            self.peer.send("UPDATE", offer, "application/sdp")
            self.run_for()
            self.assertEqual(self.peer.last("UPDATE").status, 488, offer)
        self.assertEqual((self.types(self.agent), self.call.held_by_peer), ([], False))
        self.peer.reinvite(HOLDING)
        self.run_for()
        self.assertEqual(self.types(self.agent), ["HOLD"])

    def test_odd(self) -> None:
        """Bare line feeds, an empty line, no last line end, a second v=: what browsers take is no fault here."""
        for offer in (HOLDING.replace("\r\n", "\n"), HOLDING[:-2], HOLDING.replace("t=0 0", "t=0 0 ")):
            self.peer.reinvite(offer)
            self.run_for()
            self.assertEqual(self.peer.last("INVITE").status, 200, offer)
        self.assertEqual(self.types(self.agent), ["HOLD"])
        for offer in (f"v=0\r\n{SDP}", SDP + SDP, SDP.replace("t=0 0", "t=0 0\r\n")):
            call, _ = self.inbound(self.agent, offer)
            self.assertEqual(self.last(self.agent, MessageType.OFFER).call_id, call.id)

    def test_withdrawn(self) -> None:
        """An offer that the far side cancels is told as withdrawn; a late answer of the page is refused."""
        self.peer.reinvite(CHANGED)
        self.run_for()
        self.peer.cancel()
        self.run_for()
        self.assertEqual(self.peer.last("INVITE").status, 487)
        told = self.last(self.agent, MessageType.ERROR)
        self.assertEqual((told.cause, told.state, told.ends_call), ("withdrawn", "ESTABLISHED", False))
        with self.assertRaises(WrongState):
            self.describe(self.agent, OTHER_SDP, kind=MessageType.ANSWER)
        self.run_for(20)
        self.assertEqual(self.types(self.agent), [])

    def test_silent_page(self) -> None:
        """Without an answer the far side is told 488 after ten seconds, and the page why; the call goes on."""
        self.peer.reinvite(CHANGED)
        self.run_for(10.2)
        self.assertEqual(self.peer.last("INVITE").status, 488)
        told = self.last(self.agent, MessageType.ERROR)
        self.assertEqual((told.cause, told.state, told.ends_call), ("page-timeout", "ESTABLISHED", False))
        with self.assertRaises(WrongState):
            self.describe(self.agent, kind=MessageType.ANSWER)
        self.peer.reinvite(SDP)
        self.run_for()
        self.assertEqual(self.answered(self.peer), PAGE_SDP)

    def test_end_meanwhile(self) -> None:
        """A call may end while the page is asked."""
        self.peer.reinvite(CHANGED)
        self.run_for()
        self.done(self.gateway.hangup("alice"))
        self.run_for(20)
        self.assertEqual(self.types(self.agent), ["OFFER", "SHUTDOWN"])

    def test_answer_in_ack_brings_news(self) -> None:
        """An answer in the ACK of an offer-less re-INVITE that is new reaches the page, for its information."""
        self.peer.reinvite(answer=CHANGED)
        self.run_for()
        (offer,) = self.messages(self.agent)
        self.assertEqual((offer.type, offer.sdp), (MessageType.OFFER, CHANGED))
        self.run_for(11)
        self.assertEqual(self.types(self.agent), [])
        self.assertIs(self.call.negotiation.state, NegotiationState.STABLE)

    def test_news_while_page_is_busy(self) -> None:
        """While the page is asked already, further news only changes what is known."""
        self.peer.reinvite(answer=CHANGED)
        self.run_for()
        newer = SDP.replace("40000", "40010")
        self.peer.reinvite(answer=newer)
        self.run_for()
        self.assertEqual(self.types(self.agent), ["OFFER"])
        self.assertEqual(str(self.call.remote_sdp), newer)
        self.run_for(11)

    def test_early_update(self) -> None:
        """An offer inside a call that is not answered yet is refused."""
        call, far = self.place(self.agent)
        far.ring(183, SDP)
        self.run_for()
        far.send("UPDATE", CHANGED, "application/sdp")
        self.run_for()
        self.assertEqual(far.last("UPDATE").status, 491)
        self.gateway._context.dispatch(OfferReceived(call.id, CHANGED))
        self.assertIs(call.negotiation.state, NegotiationState.EARLY)


class OurOffer(InCall):
    """New offers of the page inside a call."""

    def test_answer(self) -> None:
        """The page's new offer is a re-INVITE with our origin and the next version; its answer is an ANSWER."""
        self.describe(self.agent, OTHER_SDP.replace("o=page 1 1", "o=page 5 9"))
        self.assertEqual(self.peer.offer, OTHER_SDP.replace("page 1 1", "page 1 2"))
        self.peer.answer(CHANGED)
        self.run_for()
        (told,) = self.messages(self.agent)
        self.assertEqual((told.type, told.sdp), (MessageType.ANSWER, CHANGED))

    def test_refused(self) -> None:
        """A refusal is an ERROR that does not end the call, with a text that helps."""
        self.describe(self.agent, OTHER_SDP)
        self.peer.refuse(488)
        self.run_for()
        (told,) = self.messages(self.agent)
        self.assertEqual((told.type, told.code, told.cause), (MessageType.ERROR, 488, "not-acceptable"))
        self.assertEqual((told.state, told.ends_call), ("ESTABLISHED", False))
        self.assertIn("ICE and DTLS", told.hint)
        self.peer.reinvite(SDP)
        self.run_for()
        self.assertEqual(self.answered(self.peer), PAGE_SDP)

    def test_while_open(self) -> None:
        """A second offer has to wait for the first one's answer, and an answer needs an offer."""
        with self.assertRaises(WrongState):
            self.describe(self.agent, OTHER_SDP, kind=MessageType.ANSWER)
        self.describe(self.agent, OTHER_SDP)
        with self.assertRaises(WrongState):
            self.describe(self.agent, PAGE_SDP)

    def test_answer_sent_twice(self) -> None:
        """A page that sends its answer again, because the response was lost, starts no re-INVITE by that."""
        for their_offer, page_sdp in ((SDP, PAGE_SDP), (None, OTHER_SDP)):
            call, far = self.inbound(self.agent, their_offer)
            far.ack_sdp = None if their_offer else SDP
            self.gateway.answer("alice", call.id, page_sdp, page_address=PAGE)
            self.run_for()
            self.assertEqual(far.last("INVITE").status, 200)
            sent = far.methods()
            with self.assertRaises(WrongState):
                self.gateway.answer("alice", call.id, page_sdp, page_address=PAGE)
            self.run_for()
            self.assertEqual(far.methods(), sent)

    def test_answer_of_an_offer_inside(self) -> None:
        """The same verb answers an offer of the far side, once; a call that rings at the far side takes no answer."""
        self.peer.reinvite(CHANGED)
        self.run_for()
        self.gateway.answer("alice", None, OTHER_SDP, page_address=PAGE)
        self.run_for()
        self.assertIn("30002", self.answered(self.peer))
        with self.assertRaises(WrongState):
            self.gateway.answer("alice", None, OTHER_SDP, page_address=PAGE)
        call, _ = self.place(self.agent)
        with self.assertRaises(WrongState):
            self.gateway.answer("alice", call.id, OTHER_SDP, page_address=PAGE)

    def test_not_answered_yet(self) -> None:
        """A call that is not answered takes no new offer."""
        call, _ = self.place(self.agent)
        with self.assertRaises(WrongState):
            self.describe(self.agent, OTHER_SDP, call_id=call.id)

    def test_lost_dialog(self) -> None:
        """When the far side does not know the call any more it ends."""
        self.describe(self.agent, OTHER_SDP)
        self.peer.refuse(481)
        self.run_for()
        error, end = self.messages(self.agent)
        self.assertEqual((error.type, end.type), (MessageType.ERROR, MessageType.SHUTDOWN))
        self.assertEqual((end.code, end.cause), (481, "lost"))


class NoStream(GatewayCase):
    """Answers without a media description: they answer no offer (:rfc:`3264#section-6`), and put nobody on hold."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()

    def test_first(self) -> None:
        """In the 2xx they end the call, with the true reason for page and far side; in a 18x they are none."""
        _, far = self.place(self.agent)
        far.ring(183, NO_STREAM)
        self.run_for()
        self.assertEqual(self.types(self.agent), ["RINGING"])
        far.answer(NO_STREAM)
        self.run_for()
        (told,) = self.messages(self.agent)
        self.assertEqual((told.type, told.cause, told.state), (MessageType.ERROR, "bad-answer", "ENDED"))
        self.assertIn("no m= line", told.hint)
        self.assertEqual(far.methods()[-2:], ["ACK", "BYE"])
        self.assertIn("no media", far.request("BYE").headers.get("Reason") or "")

    def test_after_early_media(self) -> None:
        """The answer that early media had already counts on."""
        call, far = self.place(self.agent)
        far.ring(183, SDP)
        far.answer(NO_STREAM)
        self.run_for()
        self.assertEqual((call.state.value, call.held_by_peer, str(call.remote_sdp)), ("ESTABLISHED", False, SDP))
        self.assertEqual(self.types(self.agent), ["RINGING", "ANSWER", "ANSWER"])

    def test_in_a_call(self) -> None:
        """To an offer of the page they are a refusal; the call goes on as it was."""
        call, far = self.outbound(self.agent)
        self.describe(self.agent, OTHER_SDP)
        far.answer(NO_STREAM)
        self.run_for()
        (told,) = self.messages(self.agent)
        self.assertEqual((told.type, told.cause, told.ends_call), (MessageType.ERROR, "bad-answer", False))
        self.assertEqual((call.held_by_peer, str(call.remote_sdp)), (False, SDP))

    def test_in_an_ack(self) -> None:
        """To an offer in our 2xx they change nothing inside a call, and end one that begins."""
        call, far = self.outbound(self.agent)
        far.reinvite(answer=NO_STREAM)
        self.run_for()
        self.assertEqual((call.held_by_peer, self.types(self.agent)), (False, []))
        far.bye()
        _, caller = self.inbound(self.agent, None)
        caller.ack_sdp = NO_STREAM
        self.messages(self.agent)
        self.describe(self.agent)
        (told,) = self.messages(self.agent)
        self.assertEqual((told.cause, told.state), ("not-acceptable", "ENDED"))
        self.assertIn("answered it with no media", told.hint)

    def test_refresh(self) -> None:
        """To a refresh they are no news."""
        call, far = self.outbound(self.agent)
        self.gateway.disconnected(0)
        self.gateway.connected(0)
        self.run_for(1)
        far.answer(NO_STREAM)
        self.run_for()
        self.assertEqual((call.held_by_peer, self.types(self.agent)), (False, ["REGISTRATION", "REGISTRATION"]))


class LateEvents(InCall):
    """Events of a call that is over here, or that nobody waits for."""

    def test_ignored(self) -> None:
        """They change nothing and tell nothing."""
        self.gateway._context.dispatch(OfferAcceptedLate("gone"))
        for call_id in (self.call.id, "gone"):
            self.gateway._context.dispatch(OfferAnswered(call_id, CHANGED))
            self.gateway._context.dispatch(OfferRefused(call_id, 488, "No"))
        for event in (AnswerReceived("gone", CHANGED), SessionRefreshed("gone", CHANGED)):
            self.gateway._context.dispatch(event)
        self.assertEqual((self.messages(self.agent), str(self.call.remote_sdp)), ([], SDP))


AUDIO_VIDEO = SDP + "m=video 40004 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"
PAGE_AUDIO_VIDEO = PAGE_SDP + "m=video 30004 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"
VIDEO = AUDIO_VIDEO.removeprefix(SDP)
MORE = "m=audio 40012 RTP/AVP 0\r\na=sendrecv\r\n"
REJECTED = "m=video 0 RTP/AVP 96\r\na=inactive\r\n"


class Streams(GatewayCase):
    """Answers with other media descriptions than their offer has (RFC 3264 section 6)."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()

    def test_far_side_leaves_one_out(self) -> None:
        """The page hears of a rejection instead, early and in the end, and need not apply the same twice."""
        _, far = self.place(self.agent, sdp=PAGE_AUDIO_VIDEO)
        far.ring(183, SDP)
        self.run_for()
        far.answer(SDP)
        self.run_for()
        early, final = [message for message in self.messages(self.agent) if message.type is MessageType.ANSWER]
        self.assertEqual((early.sdp, final.sdp, final.repeated), (SDP + REJECTED, SDP + REJECTED, True))

    def test_far_side_answers_too_much(self) -> None:
        """What the page has not offered it does not hear of."""
        _, far = self.place(self.agent)
        far.answer(AUDIO_VIDEO)
        self.run_for()
        self.assertEqual(self.last(self.agent, MessageType.ANSWER).sdp, SDP)

    def test_inside(self) -> None:
        """So it is with an offer inside the call, and with our offer in the answer to a re-INVITE without one."""
        call, far = self.outbound(self.agent)
        self.describe(self.agent, PAGE_AUDIO_VIDEO)
        far.answer(SDP)
        self.run_for()
        self.assertEqual(self.last(self.agent, MessageType.ANSWER).sdp, SDP + REJECTED)
        self.messages(self.agent)
        far.reinvite(answer=SDP)
        self.run_for()
        self.assertEqual(self.types(self.agent), [])
        self.assertTrue(call.is_up)

    def test_call_without_an_offer(self) -> None:
        """An answer in the ACK is fitted as well."""
        _, far = self.inbound(self.agent, None)
        far.ack_sdp = SDP
        self.describe(self.agent, PAGE_AUDIO_VIDEO)
        self.assertEqual(self.last(self.agent, MessageType.ANSWER).sdp, SDP + REJECTED)

    def test_page_leaves_one_out(self) -> None:
        """The far side gets an answer that it can read, to its INVITE and to a later offer."""
        _, far = self.inbound(self.agent, AUDIO_VIDEO)
        self.describe(self.agent)
        self.assertEqual(far.last("INVITE").body, PAGE_SDP + REJECTED)
        far.reinvite(AUDIO_VIDEO.replace("40000", "40008"))
        self.run_for()
        self.describe(self.agent, kind=MessageType.ANSWER)
        self.assertEqual(descriptions.streams(far.last("INVITE").body), ["audio 30000", "video 0"])

    def test_page_answers_too_much(self) -> None:
        """What was not offered does not go out, nor in a refresh that is answered without the page."""
        _, far = self.inbound(self.agent)
        self.describe(self.agent, PAGE_AUDIO_VIDEO)
        self.assertEqual(far.last("INVITE").body, PAGE_SDP)
        far.reinvite(SDP)
        self.run_for()
        self.assertEqual(descriptions.streams(far.last("INVITE").body), ["audio 30000"])


class Fewer(GatewayCase):
    """Offers inside a call that do not go on with the session's media descriptions (RFC 3264 section 8)."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()
        self.call, self.peer = self.inbound(self.agent, AUDIO_VIDEO)
        self.describe(self.agent, PAGE_AUDIO_VIDEO)
        self.messages(self.agent)

    def told(self) -> str:
        """Return the offer that the page was told of."""
        return str(self.last(self.agent, MessageType.OFFER).sdp)

    def answer(self) -> str:
        """Return what the far side gets as the answer to its newest re-INVITE."""
        response = self.peer.last("INVITE")
        self.assertEqual(response.status, 200)
        return response.body

    def test_far_side_offers_fewer(self) -> None:
        """The page hears of a rejection at the place of what is gone; the far side gets as many as it has offered."""
        head, audio = SDP.partition("m=")[0], SDP.replace("40000", "40008")
        for offer, told, answer, sent in (
            (audio, ["audio 40008", "video 0"], PAGE_SDP + REJECTED, ["audio 30000"]),
            (head + VIDEO, ["audio 0", "video 40004"], PAGE_AUDIO_VIDEO.replace("30000", "0"), ["video 30004"]),
            (AUDIO_VIDEO, ["audio 40000", "video 40004"], PAGE_AUDIO_VIDEO, ["audio 30000", "video 30004"]),
        ):
            self.peer.reinvite(offer)
            self.run_for()
            self.assertEqual(descriptions.streams(self.told()), told)
            self.describe(self.agent, answer, kind=MessageType.ANSWER)
            self.assertEqual(descriptions.streams(self.answer()), sent)

    def test_refresh(self) -> None:
        """The same once more is no news, and is answered as it was offered; nor is it by our own refresh of before."""
        self.peer.reinvite(SDP)
        self.run_for()
        self.describe(self.agent, PAGE_SDP + REJECTED, kind=MessageType.ANSWER)
        first = self.answer()
        self.messages(self.agent)
        self.peer.reinvite(SDP)
        self.run_for()
        self.assertEqual((self.answer(), self.types(self.agent)), (first, []))

    def test_what_was_rejected_before(self) -> None:
        """A far side that leaves out what it had rejected brings no news."""
        call, far = self.place(self.agent, to="5003", sdp=PAGE_AUDIO_VIDEO)
        far.answer(AUDIO_VIDEO.replace("40004", "0"))
        self.run_for()
        self.messages(self.agent)
        far.reinvite(SDP)
        self.run_for()
        self.assertEqual(self.types(self.agent), [])
        self.assertEqual(descriptions.streams(far.last("INVITE").body), ["audio 30000"])
        self.assertTrue(call.is_up)

    def test_other_order(self) -> None:
        """Another order is the page's own for the page, and the far side's for the far side."""
        head, video = SDP.partition("m=audio")[0], VIDEO
        self.peer.reinvite(head + video + SDP.partition(head)[2].replace("40000", "40008"))
        self.run_for()
        self.assertEqual(descriptions.streams(self.told()), ["audio 40008", "video 40004"])
        self.describe(self.agent, PAGE_AUDIO_VIDEO.replace("30000", "30006"), kind=MessageType.ANSWER)
        self.assertEqual(descriptions.streams(self.answer()), ["video 30004", "audio 30006"])

    def test_more(self) -> None:
        """More than before goes to the page as it is, whether the first are in use or not."""
        for offer in (AUDIO_VIDEO + MORE, AUDIO_VIDEO.replace("40000", "0") + MORE):
            self.peer.reinvite(offer)
            self.run_for()
            self.assertEqual(self.told(), offer)
            self.describe(self.agent, PAGE_AUDIO_VIDEO, kind=MessageType.ANSWER)
            self.assertEqual(descriptions.streams(self.answer())[2:], ["audio 0"])

    def test_fax(self) -> None:
        """A far side that wants to send a fax hears that we have none, and the call goes on (T.38, 488)."""
        fax = SDP.partition("m=")[0] + "m=image 40020 udptl t38\r\n"
        for offer in (fax, fax.replace("m=image", "m=audio 0 RTP/AVP 0\r\nm=image")):
            self.peer.reinvite(offer)
            self.run_for()
            self.assertEqual((self.peer.last("INVITE").status, self.types(self.agent)), (488, []))
        self.assertTrue(self.call.is_up)
        with_audio = AUDIO_VIDEO + "m=image 40020 udptl t38\r\n"
        self.peer.reinvite(with_audio)
        self.run_for()
        self.assertEqual(self.told(), with_audio)

    def test_page_offers_fewer(self) -> None:
        """A page that was loaded again and has no camera: for the far side its video is rejected, not gone."""
        for page, sent in (
            (PAGE_SDP, ["audio 30000", "video 0"]),
            (PAGE_SDP.replace("m=audio", "m=audio 30000 RTP/AVP 0\r\nm=audio"), None),
        ):
            self.describe(self.agent, page, kind=MessageType.OFFER)
            got = descriptions.streams(self.peer.offer)
            self.assertEqual(got[:2], ["audio 30000", "video 0"])
            self.assertEqual(got, sent or ["audio 30000", "video 0", "audio 30000"])
            self.peer.answer(AUDIO_VIDEO.replace("40004", "0") + ("" if sent else MORE))
            self.run_for()
            answer = self.last(self.agent, MessageType.ANSWER).sdp or ""
            self.assertEqual(len(descriptions.streams(answer)), len(descriptions.streams(page)))
            self.assertEqual(self.types(self.agent), [])

    def test_hold_after_fewer(self) -> None:
        """An order, and a refresh of the far side, go on from there; the page need not hear of it."""
        self.describe(self.agent, PAGE_SDP, kind=MessageType.OFFER)
        self.peer.answer(AUDIO_VIDEO.replace("40004", "0"))
        self.run_for()
        self.messages(self.agent)
        waiting = self.begin(self.gateway.hold("alice"))
        self.run_for()
        self.assertEqual(descriptions.streams(self.peer.offer), ["audio 30000", "video 0"])
        self.peer.answer(AUDIO_VIDEO.replace("40004", "0").replace("sendrecv", "recvonly"))
        self.run_for()
        self.assertEqual(self.successResultOf(waiting).code, 200)
        self.assertEqual(self.types(self.agent), ["HOLD"])
        self.peer.reinvite(AUDIO_VIDEO.replace("40004", "0"))
        self.run_for()
        self.assertEqual(self.types(self.agent), [])
        self.assertEqual(descriptions.streams(self.answer()), ["audio 30000", "video 0"])

    def test_is_still_open(self) -> None:
        """An offer that the page was told in another form than it came counts as open until it is answered."""
        self.peer.reinvite(SDP.replace("40000", "40008"))
        self.run_for()
        negotiation = self.call.negotiation
        told = self.told()
        self.assertTrue(negotiation.is_open(told))
        self.assertFalse(negotiation.is_open(SDP))
        self.describe(self.agent, PAGE_SDP + REJECTED, kind=MessageType.ANSWER)
        self.assertFalse(negotiation.is_open(told))


class FirstOffer(GatewayCase):
    """What the first offer of a caller may look like, and the first answer of a page."""

    def test_as_it_came(self) -> None:
        """However lines end and directions stand in it, it rings as it came, and the call can be answered."""
        agent = self.sign_in()
        for offer, held in (
            (SDP.replace("\r\n", "\n"), False),
            (SDP.replace("t=0 0", "t=0 0\r\n"), False),
            (SDP[:-2], False),
            (SDP.replace("a=sendrecv\r\n", "").replace("t=0 0", "t=0 0\r\na=sendonly"), True),
            (SDP + "a=sendonly\r\n", False),
            (SDP.replace("a=sendrecv", "a=sendonly\r\na=sendrecv"), True),
            (NOWHERE, True),
            (f"v=0\r\n{SDP}", False),
        ):
            with self.subTest(offer=offer):
                call, far = self.inbound(agent, offer)
                told = self.last(agent, MessageType.OFFER)
                self.assertEqual((told.call_id, (told.sdp or "").split()), (call.id, offer.split()))
                self.describe(agent)
                self.assertEqual(far.last("INVITE").status, 200)
                self.assertEqual((call.is_up, call.held_by_peer), (True, held))
                self.done(self.gateway.hangup("alice"))
