"""Calls from beginning to end: outbound and inbound, with every way to end."""

from tests.support.farside import LATENCY, SDP
from tests.support.gatewaycase import OTHER_SDP, PAGE, PAGE_SDP, GatewayCase
from wrtcgw.calls.call import CallState
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.errors import AmbiguousCall, BadInput, NoSIPConnection, NotSignedIn, UnknownCall, WrongState
from wrtcgw.gateway import Outcome
from wrtcgw.sip.outputs import CallAnswered, CallConfirmed, CallEnded, CallProgress, EndCause


class Outbound(GatewayCase):
    """Calls that the agent places."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()

    def test_answer(self) -> None:
        """A call rings, is answered, and its answer reaches the page with the SIP words of each step."""
        call, far = self.place(self.agent)
        self.assertIs(call.state, CallState.DIALLING)
        far.ring()
        self.run_for()
        self.assertIs(call.state, CallState.RINGING)
        far.answer(fields=[("X-Genesys-CallUUID", "0123")])
        self.run_for()
        ringing, answer = self.messages(self.agent)
        self.assertEqual((ringing.type, ringing.code, ringing.reason), (MessageType.RINGING, 180, "Ringing"))
        self.assertEqual((answer.type, answer.sdp, answer.state), (MessageType.ANSWER, SDP, "ESTABLISHED"))
        self.assertEqual((answer.from_, answer.to, answer.call_id), ("5002", "alice", call.id))
        self.assertEqual(answer.uuid, "0123")
        self.assertEqual(far.methods(), ["INVITE", "ACK"])
        self.assertEqual(far.offer, PAGE_SDP)

    def test_challenged(self) -> None:
        """An INVITE that is challenged is sent again with credentials, unseen by the page."""
        self.far.challenge_invite = True
        _, far = self.place(self.agent)
        far.answer()
        self.run_for()
        self.assertEqual(far.methods(), ["INVITE", "ACK", "INVITE", "ACK"])
        self.assertEqual(self.types(self.agent), ["ANSWER"])

    def test_early_media(self) -> None:
        """The answer of early media is told at once, and once more as the final one when it is the same."""
        _, far = self.place(self.agent)
        far.ring(183, SDP)
        far.ring(183, SDP)
        self.run_for()
        far.answer(SDP)
        self.run_for()
        answers = [message for message in self.messages(self.agent) if message.type is MessageType.ANSWER]
        self.assertEqual([(answer.sdp, answer.more_coming) for answer in answers], [(SDP, True), (SDP, False)])
        self.assertEqual([answer.repeated for answer in answers], [False, True])

    def test_other_branch_answers(self) -> None:
        """When another branch answers than that of early media, the page is asked for a new offer."""
        _, far = self.place(self.agent)
        far.ring(183, SDP)
        self.run_for()
        self.messages(self.agent)
        other = SDP.replace("40000", "40002")
        far.answer(other)
        self.run_for()
        final, renew = self.messages(self.agent)
        self.assertEqual((final.sdp, final.more_coming, final.repeated), (other, False, False))
        self.assertEqual((renew.type, renew.sdp, renew.cause), (MessageType.OFFER, None, "renew"))
        self.describe(self.agent, OTHER_SDP)
        self.assertEqual(far.methods(), ["INVITE", "ACK", "INVITE"])

    def test_second_branch_answers(self) -> None:
        """The same when both had early media: the page may have taken the first one's."""
        _, far = self.place(self.agent)
        other = SDP.replace("40000", "40002")
        far.ring(183, SDP)
        far.ring(183, other)
        far.answer(other)
        self.run_for()
        told = [message.type.value for message in self.messages(self.agent) if message.type is not MessageType.RINGING]
        self.assertEqual(told, ["ANSWER", "ANSWER", "ANSWER", "OFFER"])

    def test_early_media_one_way(self) -> None:
        """A final answer that only opens the way back is no new session."""
        _, far = self.place(self.agent)
        far.ring(183, SDP.replace("sendrecv", "sendonly"))
        self.run_for()
        far.answer(SDP)
        self.run_for()
        self.assertEqual(self.types(self.agent), ["RINGING", "ANSWER", "ANSWER"])

    def test_refused(self) -> None:
        """Each refusal comes as an ERROR that ends the call, with code, reason, cause and a text that helps."""
        for status, cause, word in (
            (486, "busy", "busy"),
            (404, "not-found", "number"),
            (488, "not-acceptable", "ICE and DTLS"),
            (480, "unavailable", "registered"),
            (603, "declined", "declined"),
            (499, "refused", "refused"),
            (599, "server-failure", "log"),
            (699, "declined", "declined"),
            (302, "redirected", "allowed domains"),
        ):
            call, far = self.place(self.agent)
            far.refuse(status, "No way")
            self.run_for()
            (error,) = self.messages(self.agent)
            self.assertEqual((error.type, error.code, error.reason), (MessageType.ERROR, status, "No way"))
            self.assertEqual((error.cause, error.state, error.ends_call), (cause, "ENDED", True))
            self.assertIn(word, error.hint)
            self.assertEqual((call.cause, call.code, call.reason), (cause, status, "No way"))
            self.assertEqual(list(self.gateway.calls()), [])
            self.assertEqual(dict(self.agent.calls), {})

    def test_no_answer_at_all(self) -> None:
        """A proxy that never answers ends the call with a time-out."""
        self.far.silent.add("INVITE")
        self.place(self.agent)
        self.run_for(33)
        (error,) = self.messages(self.agent)
        self.assertEqual((error.type, error.code, error.cause), (MessageType.ERROR, 408, "timeout"))

    def test_cancel(self) -> None:
        """Hanging up before the answer cancels; the page is told that it was its own doing."""
        call, far = self.place(self.agent)
        far.ring()
        self.run_for()
        outcome = self.done(self.gateway.hangup("alice"))
        self.assertEqual(outcome, Outcome(487, "Request Terminated"))
        self.assertEqual(far.methods(), ["INVITE", "CANCEL", "ACK"])
        end = self.last(self.agent, MessageType.SHUTDOWN)
        self.assertEqual((end.code, end.cause, end.state), (487, "local", "ENDED"))
        self.assertEqual(call.cause, "local")

    def test_cancel_crosses_answer(self) -> None:
        """A 200 that crosses the CANCEL makes no call: it is acknowledged and ended, and told only as an end."""
        _, far = self.place(self.agent)
        far.ring()
        self.run_for()
        self.messages(self.agent)
        self.far.silent.add("CANCEL")
        waiting = self.begin(self.gateway.hangup("alice"))
        far.answer()
        self.run_for()
        self.successResultOf(waiting)
        self.assertEqual(far.methods(), ["INVITE", "CANCEL", "ACK", "BYE"])
        self.assertEqual(self.types(self.agent), ["SHUTDOWN"])

    def test_hang_up_twice(self) -> None:
        """While a call is ending nothing more can be asked of it; ringing that comes late is not told."""
        _, far = self.place(self.agent)
        far.ring()
        self.run_for()
        self.far.silent.add("CANCEL")
        waiting = self.begin(self.gateway.hangup("alice"))
        far.ring()
        self.run_for()
        self.assertEqual(self.fails(UnknownCall, self.gateway.hangup("alice")).call_id, "")
        call_id = next(iter(self.agent.calls))
        error = self.fails(WrongState, self.gateway.hangup("alice", call_id))
        self.assertIn("ending", str(error))
        self.run_for(6)
        self.assertEqual(self.successResultOf(waiting).code, 0)
        self.assertEqual(self.types(self.agent), ["RINGING"])
        far.refuse(487)
        self.run_for()
        self.assertEqual(self.types(self.agent), ["SHUTDOWN"])

    def test_hang_up(self) -> None:
        """Hanging up an answered call sends BYE and answers with its outcome."""
        _, far = self.outbound(self.agent)
        self.assertEqual(self.done(self.gateway.hangup("alice")), Outcome(200, "OK"))
        self.assertEqual(far.methods()[-1], "BYE")
        self.assertEqual(self.types(self.agent), ["SHUTDOWN"])

    def test_far_end_hangs_up(self) -> None:
        """The far side's BYE is a SHUTDOWN, with the words of its Reason header, and what failed behind it as cause."""
        for reason, code, text, cause in (
            ("", 0, "", "remote"),
            ('SIP;cause=200;text="Normal"', 200, "Normal", "remote"),
            ('SIP;cause=403;text="Forbidden"', 403, "Forbidden", "forbidden"),
            ("Q.850;cause=16", 0, "Q.850 16", "remote"),
            ('Q.850;cause=16;text="Clear", SIP;cause=480', 480, "", "unavailable"),
        ):
            _, far = self.outbound(self.agent)
            far.bye(reason)
            self.run_for()
            (end,) = self.messages(self.agent)
            self.assertEqual((end.type, end.cause), (MessageType.SHUTDOWN, cause))
            self.assertEqual((end.code, end.reason), (code, text))

    def test_targets(self) -> None:
        """A number or user is called in our domain, a URI only in an allowed one."""
        self.start(allowed_domains=frozenset({"partner.example"}))
        self.agent = self.sign_in()
        for to, uri in (
            ("1003", "sip:1003@example.org"),
            (" 1003 ", "sip:1003@example.org"),
            ("+4930123", "sip:+4930123@example.org"),
            ("*21#", "sip:*21%23@example.org"),
            ("jürgen", "sip:j%C3%BCrgen@example.org"),
            ("bob@Example.org", "sip:bob@Example.org"),
            ("sip:bob@partner.example", "sip:bob@partner.example"),
            ("SIP:bob@partner.example;user=phone", "SIP:bob@partner.example;user=phone"),
        ):
            _, far = self.place(self.agent, to)
            self.assertEqual(far.requests[0].uri, uri)
            self.done(self.gateway.hangup("alice"), 6)

    def test_bad_targets(self) -> None:
        """What could choose the way of a call or add to its headers is refused."""
        for to in (
            "",
            "bob@elsewhere.example",
            "sip:example.org",
            "sip:bob@example.org:5099",
            "sip:bob:pw@example.org",
            "sip:bob@example.org;maddr=192.0.2.9",
            "sip:bob@example.org?Replaces=1",
            "bob\r\nX-Evil: 1",
            "tel:alice",
            "<sip:bob@example.org>",
            "sip:a;b@example.org",
            "\uff11\uff10\uff10\uff13",
            "\u0661\u0660\u0660\u0663",
            "10\u202e03",
            "10\u200b03",
            "sip:10%E2%80%AE03@example.org",
            "sip:%EF%BC%91@example.org",
            "sip:bob@example.org;user=%E2%80%AEphone",
            "x" * 200,
        ):
            with self.assertRaises(BadInput) as caught:
                self.gateway.place_call("alice", to, PAGE_SDP, page_address=PAGE)
            self.assertEqual(caught.exception.field, "to")

    def test_refused_by_gateway(self) -> None:
        """Without agent, description, connection or room there is no call."""
        with self.assertRaises(NotSignedIn):
            self.gateway.place_call("nobody", "1003", PAGE_SDP, page_address=PAGE)
        with self.assertRaises(BadInput):
            self.gateway.place_call("alice", "1003", "hello", page_address=PAGE)
        self.gateway.disconnected(0)
        with self.assertRaises(NoSIPConnection):
            self.gateway.place_call("alice", "1003", PAGE_SDP, page_address=PAGE)

    def test_limit(self) -> None:
        """An agent has at most ``max_calls`` calls; a further incoming one hears busy."""
        self.start(max_calls=2)
        self.agent = self.sign_in()
        self.outbound(self.agent)
        self.outbound(self.agent)
        with self.assertRaises(WrongState) as caught:
            self.gateway.place_call("alice", "1003", PAGE_SDP, page_address=PAGE)
        self.assertIn("cannot place another call: the agent has 2 already", str(caught.exception))
        far = self.far.call("5001")
        self.run_for()
        self.assertEqual(far.last("INVITE").status, 486)

    def test_several_calls(self) -> None:
        """With several calls a verb has to name one; with none there is nothing to act on."""
        first, _ = self.outbound(self.agent)
        second, _ = self.outbound(self.agent)
        error = self.fails(AmbiguousCall, self.gateway.hangup("alice"))
        self.assertEqual(error.call_ids, (first.id, second.id))
        self.done(self.gateway.hangup("alice", first.id))
        self.done(self.gateway.hangup("alice"))
        self.fails(UnknownCall, self.gateway.hangup("alice"))
        self.fails(UnknownCall, self.gateway.hangup("alice", "nonsense"))
        self.fails(NotSignedIn, self.gateway.hangup("bob"))

    def test_completed_description(self) -> None:
        """A browser's offer without candidates goes out with the page's address in it (design 5.1)."""
        bare = (
            "v=0\no=- 1 2 IN IP4 127.0.0.1\ns=-\nt=0 0\nm=audio 9 UDP/TLS/RTP/SAVPF 111\nc=IN IP4 0.0.0.0\n"
            "a=ice-ufrag:abcd\na=ice-pwd:0123456789012345678901\na=setup:actpass\na=sendrecv\n"
        )
        _, far = self.place(self.agent, sdp=bare)
        self.assertIn(f"c=IN IP4 {PAGE}\r\n", far.offer)
        self.assertIn(f" {PAGE} 9 typ host\r\n", far.offer)

    def test_connection_lost_while_dialling(self) -> None:
        """An unanswered call ends with its connection; an answered one goes on and can be ended later."""
        self.outbound(self.agent)
        self.place(self.agent)
        self.far.down.add(0)
        self.gateway.disconnected(0)
        self.run_for()
        told = self.messages(self.agent)
        self.assertEqual([message.type for message in told], [MessageType.REGISTRATION, MessageType.ERROR])
        self.assertEqual((told[1].code, told[1].cause), (503, "unavailable"))
        self.assertEqual(self.gateway.health().active_calls, 1)
        self.far.down.clear()
        self.gateway.connected(0)
        self.run_for(1)
        self.assertEqual(self.types(self.agent), ["REGISTRATION"])
        recovery = self.far.calls[0].requests[-1]
        self.assertEqual((recovery.method, recovery.body), ("INVITE", PAGE_SDP))
        self.far.calls[0].answer()
        self.run_for()
        self.assertEqual(self.done(self.gateway.hangup("alice")).code, 200)


class Inbound(GatewayCase):
    """Calls that come for the agent."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()

    def test_answer(self) -> None:
        """The agent is offered the call with all that is known of it; its answer goes out in the 200."""
        self.start(auto_answer="headers")
        self.agent = self.sign_in()
        fields = [
            ("X-Genesys-CallUUID", "77"),
            ("Referred-By", "<sip:5009@example.org>"),
            ("Call-Info", "<sip:example.org>;answer-after=2"),
        ]
        call, far = self.inbound(self.agent, name="Bob Smith", fields=fields)
        self.assertEqual(far.last("INVITE").status, 180)
        (offer,) = self.messages(self.agent)
        self.assertEqual((offer.type, offer.sdp, offer.state), (MessageType.OFFER, SDP, "OFFERED"))
        self.assertEqual((offer.from_, offer.display_name, offer.to), ("5002", "Bob Smith", "alice"))
        self.assertEqual((offer.uuid, offer.referred_by, offer.auto_answer), ("77", "<sip:5009@example.org>", 2.0))
        self.describe(self.agent)
        self.assertEqual((far.last("INVITE").status, far.last("INVITE").body), (200, PAGE_SDP))
        self.assertEqual(self.types(self.agent), ["OK"])
        self.assertIs(call.state, CallState.ESTABLISHED)

    def test_reject(self) -> None:
        """A rejected caller hears the code that the agent chose, busy by default."""
        for code, heard in ((None, 486), (603, 603), (480, 480)):
            _, far = self.inbound(self.agent)
            work = self.gateway.reject("alice") if code is None else self.gateway.reject("alice", code=code)
            self.done(work)
            self.assertEqual(far.last("INVITE").status, heard)
            self.assertEqual(self.types(self.agent), ["OFFER", "SHUTDOWN"])
        self.inbound(self.agent)
        for code in (200, 399, 700):
            self.assertEqual(self.fails(BadInput, self.gateway.reject("alice", code=code)).field, "code")

    def test_hang_up_while_ringing(self) -> None:
        """Hanging up a call that rings here rejects it, with a code if one is given."""
        for code, heard in ((None, 486), (603, 603)):
            _, far = self.inbound(self.agent)
            self.done(self.gateway.hangup("alice", code=code))
            self.assertEqual(far.last("INVITE").status, heard)

    def test_code_for_answered_call(self) -> None:
        """A code means nothing for a call that is answered: it ends by BYE."""
        _, far = self.outbound(self.agent)
        self.done(self.gateway.hangup("alice", code=603))
        self.assertEqual(far.methods()[-1], "BYE")

    def test_caller_cancels(self) -> None:
        """A caller who gives up is told as such, and one whom a colleague has answered too."""
        for reason, cause in (
            ("", "cancelled"),
            ('SIP;cause=200;text="Call completed elsewhere"', "answered-elsewhere"),
            ("Q.850;cause=26", "answered-elsewhere"),
            ("Q.850;cause=16", "cancelled"),
        ):
            call, far = self.inbound(self.agent)
            far.cancel(reason)
            self.run_for()
            end = self.last(self.agent, MessageType.SHUTDOWN)
            self.assertEqual((end.cause, call.cause), (cause, cause))
            self.assertEqual(far.last("INVITE").status, 487)

    def test_offer_is_no_description(self) -> None:
        """What is no description is refused as the first response, and the page hears nothing of it."""
        headless = "m=audio 40000 RTP/AVP 0\r\n", SDP[SDP.index("m=audio") :] + SDP
        for rubbish in ("hello", "v=0\r\ns=-\r\nt=0 0\r\n", "x=1\r\n" + SDP, *headless):
            far = self.far.call("5001", rubbish)
            self.run_for()
            self.assertEqual([response.status for response in far.responses], [488], rubbish)
        self.assertEqual(self.messages(self.agent), [])

    def test_offer_of_old_equipment(self) -> None:
        """One that lacks lines which matter to nobody is offered."""
        self.inbound(self.agent, SDP.replace("s=-\r\n", ""))
        self.assertEqual(self.types(self.agent), ["OFFER"])

    def test_offerless(self) -> None:
        """A caller without a description gets the page's offer, and the page gets the caller's answer."""
        call, far = self.inbound(self.agent, None)
        far.ack_sdp = SDP
        (asked,) = self.messages(self.agent)
        self.assertEqual((asked.type, asked.sdp), (MessageType.OFFER, None))
        with self.assertRaises(WrongState):
            self.describe(self.agent, kind=MessageType.ANSWER)
        self.describe(self.agent, kind=MessageType.OFFER)
        self.assertEqual(far.last("INVITE").body, PAGE_SDP)
        done, answer = self.messages(self.agent)
        self.assertEqual((done.type, answer.type, answer.sdp), (MessageType.OK, MessageType.ANSWER, SDP))
        self.assertEqual(str(call.remote_sdp), SDP)

    def test_offerless_held(self) -> None:
        """An answer in the ACK with c=0.0.0.0 is passed on and means hold; a BYE may follow at once."""
        call, far = self.inbound(self.agent, None)
        far.ack_sdp = SDP.replace("c=IN IP4 198.51.100.7", "c=IN IP4 0.0.0.0")
        self.describe(self.agent)
        self.assertEqual(self.types(self.agent), ["OFFER", "OK", "ANSWER", "HOLD"])
        self.assertTrue(call.held_by_peer)
        far.bye('SIP;cause=403;text="Forbidden"')
        self.run_for()
        self.assertEqual(self.last(self.agent, MessageType.SHUTDOWN).code, 403)

    def test_offerless_without_answer(self) -> None:
        """An ACK without the answer ends the call."""
        _, far = self.inbound(self.agent, None)
        self.describe(self.agent)
        self.run_for()
        self.assertEqual(far.methods(), ["BYE"])
        end = self.last(self.agent, MessageType.SHUTDOWN)
        self.assertEqual((end.code, end.cause), (488, "not-acceptable"))

    def test_offerless_declined_repeatedly(self) -> None:
        """Declined offer-less calls leave the line free."""
        for _ in range(3):
            _, far = self.inbound(self.agent, None)
            self.done(self.gateway.reject("alice"))
            self.assertEqual(far.last("INVITE").status, 486)
        self.assertEqual(self.gateway.health().active_calls, 0)

    def test_offered_on_hold(self) -> None:
        """A call that comes with sendonly counts as held by the far side from its answer on."""
        call, _ = self.inbound(self.agent, SDP.replace("sendrecv", "sendonly"))
        self.describe(self.agent)
        self.assertTrue(call.held_by_peer)
        self.assertEqual(self.types(self.agent), ["OFFER", "HOLD", "OK"])

    def test_kind(self) -> None:
        """A call with an offer takes no offer from the page."""
        self.inbound(self.agent)
        with self.assertRaises(WrongState) as caught:
            self.describe(self.agent, kind=MessageType.OFFER)
        self.assertIn("waiting for an answer", str(caught.exception))

    def test_description_for_nothing(self) -> None:
        """A description needs a call: a ringing one first, else the only one; and it has to be a description."""
        with self.assertRaises(UnknownCall):
            self.describe(self.agent)
        with self.assertRaises(NotSignedIn):
            self.gateway.send_description("nobody", None, PAGE_SDP, page_address=PAGE)
        self.outbound(self.agent)
        call, _ = self.inbound(self.agent)
        with self.assertRaises(BadInput):
            self.describe(self.agent, "hello")
        self.assertEqual(self.describe(self.agent).id, call.id)
        with self.assertRaises(AmbiguousCall):
            self.describe(self.agent)
        with self.assertRaises(UnknownCall):
            self.describe(self.agent, call_id="nonsense")

    def test_two_ringing(self) -> None:
        """Of two ringing calls the page has to name the one that it answers."""
        first, _ = self.inbound(self.agent)
        self.inbound(self.agent, caller="5003")
        with self.assertRaises(AmbiguousCall):
            self.describe(self.agent)
        self.assertEqual(self.describe(self.agent, call_id=first.id), first)

    def test_busy_policy(self) -> None:
        """A second call hears busy where the settings say so."""
        self.start(offer_when_busy=False)
        self.agent = self.sign_in()
        self.inbound(self.agent)
        far = self.far.call("5001", caller="5003")
        self.run_for()
        self.assertEqual(far.last("INVITE").status, 486)

    def test_silent_page(self) -> None:
        """An agent whose page is silent is not offered calls where the settings say so."""
        self.start(offer_without_page=False, page_timeout=60)
        self.agent = self.sign_in()
        far = self.far.call("5001")
        self.run_for()
        self.assertEqual(far.last("INVITE").status, 480)
        self.gateway.seen("alice")
        self.gateway.seen("nobody")
        self.inbound(self.agent)
        self.assertEqual(self.types(self.agent), ["OFFER"])
        self.run_for(61)
        far = self.far.call("5001")
        self.run_for()
        self.assertEqual(far.last("INVITE").status, 480)

    def test_replaces(self) -> None:
        """A call that replaces another says which; its answer ends the other one, told as replaced (RFC 3891)."""
        old, far = self.outbound(self.agent)
        invite, ok = far.requests[0], far.local
        tag = ok.rpartition("tag=")[2]
        value = f"{invite.call_id};to-tag={invite.from_tag};from-tag={tag}"
        new, _ = self.inbound(self.agent, caller="5003", fields=[("Replaces", value)])
        offer = self.last(self.agent, MessageType.OFFER)
        self.assertEqual(offer.replaces, old.id)
        self.describe(self.agent, call_id=new.id)
        self.assertEqual((old.cause, old.state), ("replaced", CallState.ENDED))
        self.assertEqual(list(self.agent.calls), [new.id])

    def test_invitation_expires(self) -> None:
        """An invitation that expires ends like one that was given up."""
        self.inbound(self.agent, fields=[("Expires", "5")])
        self.run_for(6)
        self.assertEqual(self.types(self.agent), ["OFFER", "SHUTDOWN"])

    def test_lost_ack(self) -> None:
        """A call whose ACK never comes ends after a while."""
        _, far = self.inbound(self.agent)
        far.acks = False
        self.describe(self.agent)
        self.run_for(40)
        end = self.last(self.agent, MessageType.SHUTDOWN)
        self.assertEqual((end.code, end.cause), (408, "timeout"))


class Wanted(GatewayCase):
    """Whether a description in the mailbox is still of use."""

    def test_offer(self) -> None:
        """An OFFER is of use while its call rings."""
        agent = self.sign_in()
        call, far = self.inbound(agent)
        (offer,) = self.messages(agent)
        self.assertTrue(self.gateway.wants(offer))
        self.describe(agent)
        self.assertFalse(self.gateway.wants(offer))
        far.reinvite(SDP.replace("40000", "40004"))
        self.run_for()
        again = self.last(agent, MessageType.OFFER)
        self.assertTrue(self.gateway.wants(again))
        self.describe(agent, OTHER_SDP)
        self.assertFalse(self.gateway.wants(again))
        self.assertFalse(call.held_by_peer)

    def test_answer(self) -> None:
        """An ANSWER is of use while its call is up."""
        agent = self.sign_in()
        _, far = self.place(agent)
        far.answer()
        self.run_for()
        (answer,) = self.messages(agent)
        self.assertTrue(self.gateway.wants(answer))
        far.bye()
        self.run_for()
        self.assertFalse(self.gateway.wants(answer))
        self.assertFalse(self.gateway.wants(AgentMessage(type=MessageType.ANSWER, call_id="nonsense")))


class Robust(GatewayCase):
    """What the gateway does with what it did not expect."""

    def test_call_for_nobody(self) -> None:
        """A call that comes for an agent who has just left is refused."""
        agent = self.sign_in()
        contact = self.far.contacts["5001"]
        self.registry.remove_agent(agent)
        self.far.contacts["5001"] = contact
        far = self.far.call("5001")
        self.run_for()
        self.assertEqual(far.last("INVITE").status, 480)

    def test_bug_is_reported(self) -> None:
        """A fault while one event is acted on is reported, and the next message is served."""
        agent = self.sign_in()
        self.registry.find_dn = None  # type: ignore[assignment,method-assign]
        far = self.far.call("5001")
        self.run_for()
        for problem in self.problems:  # of the call, and of the record that could not be made either
            self.assertIsInstance(problem, TypeError)
        self.assertTrue(self.problems)
        self.problems.clear()
        del self.registry.find_dn
        far.cancel()
        self.run_for()
        far = self.far.call("5001")
        self.run_for()
        far.cancel()
        self.run_for()
        self.assertEqual(self.types(agent), ["OFFER", "SHUTDOWN"])

    def test_fault_of_a_listener(self) -> None:
        """A fault of one who listens to a mailbox is logged, and hurts nobody else."""
        agent = self.sign_in()

        def explode() -> None:
            raise ZeroDivisionError

        agent.mailbox.subscribe(explode)
        far = self.far.call("5001")
        self.run_for()
        agent.mailbox.unsubscribe(explode)
        far.cancel()
        self.run_for()
        self.assertEqual(self.types(agent), ["OFFER", "SHUTDOWN"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_late_events(self) -> None:
        """Events of a call that is over here change nothing; an answer for a call that is ending is not told."""
        agent = self.sign_in()
        call, far = self.place(agent)
        self.far.silent.add("CANCEL")
        far.ring()
        self.run_for()
        waiting = self.begin(self.gateway.hangup("alice"))
        self.messages(agent)
        for call_id in (call.id, "gone"):
            self.gateway._context.dispatch(CallProgress(call_id, 180, "Ringing"))
            self.gateway._context.dispatch(CallAnswered(call_id, SDP))
        self.gateway._context.dispatch(CallConfirmed("gone"))
        self.gateway._context.dispatch(CallEnded("gone", EndCause.REMOTE))
        self.assertEqual(self.messages(agent), [])
        self.run_for(40)
        self.successResultOf(waiting)

    def test_rubbish(self) -> None:
        """Text that is no SIP is told to the observer and does no harm."""
        self.sign_in()
        self.far.push("hello\r\n\r\n")
        self.run_for(LATENCY * 2)
        self.assertEqual(type(self.events[-1]).__name__, "PeerFault")
