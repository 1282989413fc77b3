"""
A process that is killed in the middle of a call: what a new one makes of the stored state, over a new connection.

Each test of :class:`KillMatrix` is one moment at which the process may die.
"""

import json
from typing import Any

from tests.sip.test_recovery import RecoveryCase
from tests.support.corecase import HELD, THEIRS, FarCall
from tests.support.corepair import ANSWER, OFFER
from tests.support.tokens import CountingTokens
from wrtcgw.sip.core import Account, UACore
from wrtcgw.sip.dialog import SKIPPED
from wrtcgw.sip.digest import Verifier
from wrtcgw.sip.errors import LocalViolation, SnapshotError
from wrtcgw.sip.keyring import Keyring
from wrtcgw.sip.message import Request
from wrtcgw.sip.outputs import (
    AnswerReceived,
    CallAnswered,
    CallConfirmed,
    CallEnded,
    EndCause,
    OfferRefused,
    Registered,
    SessionRefreshed,
    TransferProgress,
)
from wrtcgw.sip.uri import URI
from wrtcgw.sip.usages.modification import OfferState


class RestartCase(RecoveryCase):
    """A registered account, whose core can be killed."""

    restarts = 0

    def snapshot(self) -> dict[str, Any]:
        """Return the stored state of alice."""
        data: dict[str, Any] = json.loads(json.dumps(self.core.snapshot("alice", self.now)))
        return data

    def kill(self, seconds: float = 5, account: Account | None = None, data: "dict[str, Any] | None" = None) -> None:
        """
        Let a new process, whose clock shows something else, take up what was stored ``seconds`` before.

        :param data: what was stored, when that is not the newest.
        """
        data = data or self.snapshot()
        self.restarts += 1
        tokens = CountingTokens(f"r{self.restarts}-")
        self.core, self.now = self.make_core(tokens), 10.0 * self.restarts
        self.core.restore(data, account or Account("alice", "alice", "secret"), self.now - seconds)
        self.do(self.core.resume, "alice")

    def restart(self, seconds: float = 5) -> None:
        """Kill, connect and register."""
        self.kill(seconds)
        self.connect()
        self.register_again()

    def recovered(self, call: FarCall, sdp: str = OFFER) -> Request:
        """Check that the call got one re-INVITE with that description, and let it be answered."""
        (invite,) = [request for request in self.recoveries(call) if request.via.branch.startswith("z9hG4bKr")]
        self.assertEqual(invite.body, sdp)
        self.respond(invite, 200, THEIRS)
        self.assertEqual(self.of(SessionRefreshed)[-1].leg, call.leg)
        self.assertEqual(self.of(CallEnded), [])
        return invite

    def refer(self, call: FarCall) -> None:
        """Ask the far side to call somebody else."""
        _, outputs = self.core.refer(call.leg, URI.parse("sip:1004@example.org"), self.now)
        self.take(outputs)


class WhatIsOver(RestartCase):
    """A call that is over is kept for what may still come, without what is of no use to that."""

    def descriptions(self) -> int:
        """Return in how many places of the stored state there is a description."""
        return json.dumps(self.snapshot()).count("m=audio")

    def test_our_call(self) -> None:
        """Neither the call nor its INVITE has one; a copy of its 2xx is acknowledged all the same."""
        call = self.call_out()
        self.assertEqual(self.descriptions(), 1)
        self.do(self.core.hangup, call.leg)
        self.respond(self.last("BYE"), 200)
        self.assertEqual(self.descriptions(), 0)
        acks = len(self.sent("ACK"))
        self.respond(self.sent("INVITE")[-1], 200, ANSWER)
        self.assertEqual(len(self.sent("ACK")), acks + 1)

    def test_their_call(self) -> None:
        """The same for one of theirs, from its ACK on, and for a re-INVITE of theirs."""
        call = self.call_in()
        self.assertEqual(self.descriptions(), 1)
        call.reinvite(HELD)
        self.do(self.core.answer_offer, call.leg, ANSWER)
        call.ack()
        self.assertEqual(self.descriptions(), 1)
        call.bye()
        self.assertEqual(self.descriptions(), 0)


class KillMatrix(RestartCase):
    """A kill in each state of a call."""

    def invite(self) -> Request:
        """Place a call."""
        self.leg, outputs = self.core.invite("alice", URI.parse("sip:far@example.org"), OFFER, self.now)
        self.take(outputs)
        return self.last("INVITE")

    def check_cancelled(self, invite: Request) -> None:
        """Check that the new process has taken back what the old one had asked for, and said so."""
        (end,) = self.of(CallEnded)
        self.assertEqual((end.leg, end.cause), (self.leg, EndCause.FAILED))
        cancel = self.last("CANCEL")
        self.assertEqual(cancel.via.branch, invite.via.branch)
        self.assertEqual((cancel.call_id, cancel.cseq.number), (invite.call_id, invite.cseq.number))
        self.respond(cancel, 200)

    def test_invite_sent(self) -> None:
        """An INVITE that has no answer is cancelled, by its branch, and its end is told."""
        invite = self.invite()
        self.restart()
        self.check_cancelled(invite)

    def test_18x_received(self) -> None:
        """So is one that rings."""
        invite = self.invite()
        self.respond(invite, 180)
        self.restart()
        self.check_cancelled(invite)
        self.assertEqual(self.core.legs, 0)

    def test_ringing_here(self) -> None:
        """An incoming call rings on; it can be answered, refused, cancelled, and it ends by itself when nobody does."""
        for outcome in ("answer", "reject", "cancel", "silence"):
            with self.subTest(outcome=outcome):
                call = self.ring_in()
                assert call.invite is not None
                self.restart()
                self.assertEqual(self.recoveries(call), [])
                if outcome == "answer":
                    self.do(self.core.answer, call.leg, ANSWER)
                    self.assertEqual(
                        self.answer_to(call.invite).headers.get_all("Via"), call.invite.headers.get_all("Via")
                    )
                    call.ack()
                    self.assertEqual(self.of(CallConfirmed)[-1].leg, call.leg)
                    self.assertEqual(self.answers(call.bye()), [200])
                    continue
                match outcome:
                    case "reject":
                        self.do(self.core.reject, call.leg, 486, "")
                    case "cancel":
                        call.cancel()
                    case "silence":
                        self.advance(294)
                        self.assertEqual([event for event in self.of(CallEnded) if event.leg == call.leg], [])
                        self.advance(2)
                expected = {"reject": 486, "cancel": 487, "silence": 480}[outcome]
                self.assertEqual(self.answer_to(call.invite).status, expected)
                call.ack_refusal()
                self.assertEqual(self.of(CallEnded)[-1].leg, call.leg)

    def test_refused_and_killed(self) -> None:
        """A refusal that has no ACK yet goes out again over the new connection, once."""
        call = self.ring_in()
        assert call.invite is not None
        self.do(self.core.reject, call.leg, 486, "")
        self.restart()
        self.assertEqual(self.answers(call.invite), [180, 486, 486])
        call.ack_refusal()
        self.restart()
        self.assertEqual(self.answers(call.invite), [180, 486, 486])

    def test_ack_missing(self) -> None:
        """Our 200 is repeated over the new connection until its ACK comes; then the call is recovered."""
        call = self.ring_in()
        assert call.invite is not None
        self.do(self.core.answer, call.leg, ANSWER)
        sent = len(self.answers(call.invite))
        self.kill(0.1)
        self.connect()
        self.assertEqual(self.answers(call.invite)[sent:], [200])
        self.advance(1)
        self.grant()
        self.assertGreater(len(self.answers(call.invite)), sent + 1)
        call.ack()
        self.assertEqual(self.of(CallConfirmed), [CallConfirmed(call.leg)])
        sent = len(self.answers(call.invite))
        self.advance(31)
        self.assertEqual(len(self.answers(call.invite)), sent)
        self.assertEqual(self.of(CallEnded), [])

    def test_ack_never_comes(self) -> None:
        """
        When no ACK comes a re-INVITE asks whether the peer holds the call all the same.

        Not at once: the ACK has T1 to come over the new connection. The first one may have gone the old way, and then
        each further one does.
        """
        call = self.ring_in()
        self.do(self.core.answer, call.leg, ANSWER)
        self.restart()
        self.advance(0.4)
        self.assertEqual(self.recoveries(call), [])
        self.advance(0.1)
        self.assertEqual(self.of(CallConfirmed), [CallConfirmed(call.leg)])
        self.recovered(call, ANSWER)

    def test_established(self) -> None:
        """An established call gets one re-INVITE, with a higher CSeq, and goes on both ways."""
        call = self.call_out()
        before = self.last("INVITE")
        self.restart()
        invite = self.recovered(call)
        self.assertEqual(invite.cseq.number, before.cseq.number + SKIPPED + 1)
        self.assertEqual(invite.headers.get("To"), call.local)
        self.assertEqual(self.answers(call.send("INFO")), [200])
        self.respond(self.reoffer(call, HELD), 200, THEIRS)
        self.assertEqual(self.local_sdp(call), HELD)
        self.advance(200)
        self.assertEqual(len(self.recoveries(call)), 2)

    def test_established_by_them(self) -> None:
        """So does one that the far side has placed; a late request with an old CSeq is refused as before."""
        call = self.call_in()
        self.restart()
        self.recovered(call, ANSWER)
        self.assertEqual(self.answers(call.send("INFO", cseq=50)), [500])
        self.assertEqual(self.answers(call.bye()), [200])

    def test_held_by_us(self) -> None:
        """A call on hold is recovered on hold."""
        call = self.call_out()
        self.respond(self.reoffer(call, HELD), 200, THEIRS)
        self.restart()
        self.recovered(call, HELD)

    def test_held_by_them(self) -> None:
        """A call that the far side holds is recovered with our last answer."""
        call = self.call_in()
        call.reinvite(THEIRS)
        self.answer_offer(call, HELD)
        call.ack()
        self.restart()
        self.recovered(call, HELD)

    def test_our_reinvite_open(self) -> None:
        """An offer of ours fails, and the far side, who may have taken it, is told what we stand by."""
        call = self.call_out()
        self.reoffer(call, HELD)
        self.restart()
        self.assertEqual([event.code for event in self.of(OfferRefused)], [503])
        self.recovered(call)

    def test_our_reinvite_accepted_unheard(self) -> None:
        """The 2xx that went the old way is acknowledged before the recovery, which the peer would refuse otherwise."""
        call = self.call_out()
        offer = self.reoffer(call, HELD)
        self.restart()
        invite = self.recoveries(call)[-1]
        before = self.requests[self.requests.index(invite) - 1]
        self.assertEqual((before.method, before.cseq.number), ("ACK", offer.cseq.number))
        self.assertEqual(before.headers.get("To"), call.local)
        self.respond(invite, 200, THEIRS)

    def test_their_reinvite_never_acknowledged(self) -> None:
        """A 2xx to an offer of theirs has T1 for its ACK, then the recovery goes out."""
        call = self.call_out()
        call.reinvite(THEIRS)
        self.answer_offer(call, HELD)
        self.restart(0.1)
        self.assertEqual(self.recoveries(call), [])
        self.advance(0.5)
        self.recovered(call, HELD)

    def test_their_reinvite_open(self) -> None:
        """Theirs is answered over the new connection; the recovery waits for that."""
        call = self.call_out()
        invite = call.reinvite(THEIRS)
        self.restart()
        self.assertEqual(self.offer_state(call), OfferState.REMOTE_OFFER)
        self.answer_offer(call, HELD)
        self.assertEqual(self.answers(invite)[-1], 200)
        call.ack()
        self.recovered(call, HELD)

    def test_their_reinvite_unacknowledged(self) -> None:
        """One that is answered is repeated until the ACK with their answer comes."""
        call = self.call_out()
        invite = call.reinvite()
        self.answer_offer(call, HELD)
        self.restart(0.1)
        self.assertGreater(self.answers(invite).count(200), 1)
        call.ack(THEIRS)
        self.assertEqual(self.of(AnswerReceived), [AnswerReceived(call.leg, THEIRS)])
        self.recovered(call, HELD)

    def test_refer_accepted(self) -> None:
        """The NOTIFYs of a transfer go on arriving, and tell its outcome."""
        call = self.call_out()
        self.refer(call)
        self.respond(self.last("REFER"), 202)
        self.restart()
        self.recovered(call)
        fields = (("Event", "refer"), ("Subscription-State", "terminated"), ("Content-Type", "message/sipfrag"))
        self.assertEqual(self.answers(call.send("NOTIFY", "SIP/2.0 200 OK", fields)), [200])
        self.assertEqual(self.of(TransferProgress), [TransferProgress(call.leg, 200, "OK", final=True)])

    def test_refer_accepted_and_silent(self) -> None:
        """A transfer of which nothing more is heard ends when it would have ended."""
        call = self.call_out()
        self.refer(call)
        self.respond(self.last("REFER"), 202)
        self.advance(30)
        self.restart()
        self.recovered(call)
        self.advance(24)
        self.assertEqual(self.of(TransferProgress), [])
        self.advance(2)
        self.assertEqual([event.code for event in self.of(TransferProgress)], [408])

    def test_their_refer_open(self) -> None:
        """A REFER of the far side that waits for an answer gets it, and its NOTIFYs."""
        call = self.call_out()
        refer = call.send("REFER", "", [("Refer-To", "<sip:1004@example.org>")])
        self.restart()
        self.do(self.core.accept_refer, call.leg)
        self.assertEqual(self.answers(refer), [202])
        self.do(self.core.notify_refer, call.leg, 200, "OK")
        self.assertEqual([request.headers.get("Event") for request in self.sent("NOTIFY")], ["refer", "refer"])
        self.recovered(call)

    def test_refresh_due(self) -> None:
        """A refresh that has fallen due meanwhile is done by the recovery, and the next one is in its time."""
        timed = (("Session-Expires", "600;refresher=uac"),)
        call = self.call_out(timed)
        self.advance(299)
        self.restart(10)
        (invite,) = self.recoveries(call)
        self.assertEqual(invite.headers.get("Session-Expires"), "600;refresher=uac")
        self.respond(invite, 200, ANSWER, timed)
        self.advance(280)
        self.grant()
        self.assertEqual(len(self.recoveries(call)), 1)
        self.advance(30)
        self.respond(self.recoveries(call)[1], 200, ANSWER, timed)
        self.assertEqual(self.of(CallEnded), [])

    def test_expired(self) -> None:
        """Whether a session has expired while nobody was there says the far side, and not a clock that may be wrong."""
        timed = (("Session-Expires", "600;refresher=uas"),)
        call = self.call_out(timed)
        self.restart(86_400)
        self.assertEqual(self.sent("BYE"), [])
        (invite,) = self.recoveries(call)
        self.respond(invite, 200, ANSWER, timed)
        self.assertEqual(self.of(CallEnded), [])
        self.restart(86_400)
        self.respond(self.last("INVITE"), 481)
        self.assertEqual([event.leg for event in self.of(CallEnded)], [call.leg])

    def test_expired_in_silence(self) -> None:
        """One that says nothing ends the call at the latest when one more session has expired."""
        self.call_out((("Session-Expires", "90;refresher=uas"),))
        self.restart(86_400)
        self.advance(59)
        self.assertEqual(self.sent("BYE"), [])
        self.advance(2)
        self.respond(self.last("BYE"), 200)
        self.assertEqual([event.code for event in self.of(CallEnded)], [408])

    def test_kept_too_early(self) -> None:
        """Numbers of requests that were sent after the last write of the store are not used once more."""
        call = self.call_out()
        data = self.snapshot()
        for _ in range(5):
            self.respond(self.reoffer(call, HELD), 200, THEIRS)
            self.respond(self.reoffer(call), 200, THEIRS)
        highest = self.last("INVITE").cseq.number
        self.kill(data=data)
        self.connect()
        self.register_again()
        self.assertGreater(self.recovered(call).cseq.number, highest)
        self.do(self.core.hangup, call.leg)
        self.assertGreater(self.last("BYE").cseq.number, highest)
        self.respond(self.last("BYE"), 200)

    def test_bye_sent(self) -> None:
        """A BYE without an answer is sent again, and the end is told once."""
        call = self.call_out()
        self.do(self.core.hangup, call.leg, reasons=["SIP;cause=200"])
        self.restart()
        first, second = self.sent("BYE")
        self.assertEqual((second.call_id, second.cseq.number), (first.call_id, first.cseq.number + SKIPPED + 1))
        self.assertEqual(second.headers.get("Reason"), "SIP;cause=200")
        self.respond(second, 200)
        self.assertEqual([event.leg for event in self.of(CallEnded)], [call.leg])
        self.assertEqual((self.recoveries(call), self.core.legs), ([], 0))

    def test_twice(self) -> None:
        """A second kill during the recovery loses nothing: the call gets another re-INVITE."""
        call = self.call_out()
        self.restart()
        self.assertEqual(len(self.recoveries(call)), 1)
        self.restart()
        self.assertEqual(len(self.recoveries(call)), 2)
        self.respond(self.last("INVITE"), 200, ANSWER)
        self.assertEqual(len(self.of(SessionRefreshed)), 1)
        self.kill()
        self.kill()
        self.connect()
        self.register_again()
        self.assertEqual(len(self.recoveries(call)), 3)
        self.respond(self.last("INVITE"), 200, ANSWER)
        self.assertEqual(self.of(CallEnded), [])

    def test_connected_already(self) -> None:
        """Where the connection is up already (a gateway that takes over an agent) the same happens at once."""
        call, invite = self.call_out(), self.invite()
        data = self.snapshot()
        self.core, self.now = self.make_core(CountingTokens("z")), 7.0
        self.take(self.core.connected(0, self.now))
        self.core.restore(data, Account("alice", "alice", "secret"), self.now)
        self.do(self.core.resume, "alice")
        self.check_cancelled(invite)
        self.register_again()
        self.respond(self.recoveries(call)[0], 200, ANSWER)
        self.assertEqual(len(self.of(SessionRefreshed)), 1)


class RegistrationTests(RestartCase):
    """The registration of an account whose process was killed, and its credentials."""

    def setUp(self) -> None:
        super().setUp()
        self.verifier = Verifier("example.org", CountingTokens("n"), algorithm="SHA-256")

    def challenge(self, request: Request) -> str:
        """Challenge a request, as registrars do; return the nonce."""
        value = self.verifier.challenge(self.now)
        self.respond(request, 401, "", [("WWW-Authenticate", value)], contact=False)
        return value.partition('nonce="')[2].partition('"')[0]

    def refresh(self) -> None:
        """Let the registrar ask for credentials at a refresh."""
        registers = len(self.sent("REGISTER"))
        while len(self.sent("REGISTER")) == registers:
            self.advance(10)
        self.nonce = self.challenge(self.last("REGISTER"))
        self.grant()

    def test_same_binding(self) -> None:
        """The new process renews the same binding: same Call-ID, a higher CSeq, and the old deadline."""
        before = self.last("REGISTER")
        self.kill()
        self.connect()
        self.advance(0.1)
        after = self.last("REGISTER")
        self.assertEqual((after.call_id, after.cseq.number), (before.call_id, before.cseq.number + SKIPPED + 1))
        self.assertEqual(after.from_tag, before.from_tag)
        self.grant()
        self.assertEqual(len(self.of(Registered)), 2)

    def test_kept_too_early(self) -> None:
        """A refresh that was sent after the last write of the store does not take the number of the next one."""
        data = self.snapshot()
        self.refresh()
        highest = self.last("REGISTER").cseq.number
        self.kill(data=data)
        self.connect()
        self.advance(0.1)
        self.assertGreater(self.last("REGISTER").cseq.number, highest)
        self.grant()

    def test_credentials(self) -> None:
        """A challenge after the restart is answered with the credentials that were given back."""
        self.refresh()
        self.kill()
        self.connect()
        self.advance(0.1)
        self.assertNotIn("Authorization", self.last("REGISTER").headers)
        self.challenge(self.last("REGISTER"))
        answer = self.last("REGISTER").headers.get("Authorization") or ""
        self.assertEqual(self.verifier.verify(answer, "REGISTER", {"alice": "secret"}.get, self.now), "alice")
        self.grant()
        self.assertEqual(len(self.of(Registered)), 3)

    def test_no_secrets(self) -> None:
        """No password, no hash of it, no answer to a challenge and no nonce is in a snapshot, whatever is under way."""
        self.refresh()
        call = self.call_out()
        self.reoffer(call)
        value = self.verifier.challenge(self.now).replace("WWW", "Proxy")
        self.respond(self.last("INVITE"), 407, "", [("Proxy-Authenticate", value)])
        retried = self.last("INVITE").headers.get("Proxy-Authorization") or ""
        self.assertIn("response=", retried)
        text = json.dumps(self.core.snapshot("alice", self.now))
        hashes = [value for value in self.account.keyring._hashes.values()]
        response = retried.partition('response="')[2].partition('"')[0]
        for secret in ("secret", self.nonce, response, "uthorization", *hashes):
            self.assertNotIn(secret, text)
        self.assertIn(HELD[:20], text.replace("\\r\\n", "\r\n"))
        self.respond(self.last("INVITE"), 200, ANSWER)

    def test_weaker_algorithm(self) -> None:
        """A realm that has used a strong algorithm gets none that is weaker after the restart either."""
        self.refresh()
        self.kill()
        self.connect()
        self.advance(0.1)
        weak = 'Digest realm="example.org", nonce="w", algorithm=MD5'
        registers = len(self.sent("REGISTER"))
        self.respond(self.last("REGISTER"), 401, "", [("WWW-Authenticate", weak)], contact=False)
        self.assertEqual(len(self.sent("REGISTER")), registers)

    def test_unlocked_later(self) -> None:
        """Without credentials the calls live and nothing is registered; with them the rest follows."""
        call = self.call_out()
        self.kill(account=Account("alice", "alice", "", keyring=Keyring("alice", None)))
        registers = len(self.sent("REGISTER"))
        self.connect()
        self.advance(30)
        self.assertEqual(len(self.sent("REGISTER")), registers)
        self.assertEqual(self.recoveries(call), [])
        self.assertEqual(self.answers(call.send("INFO")), [200])
        self.do(self.core.unlock, Account("alice", "alice", "secret"))
        self.register_again()
        self.recovered(call)
        self.do(self.core.hangup, call.leg)
        value = self.verifier.challenge(self.now)
        self.respond(self.last("BYE"), 401, "", [("WWW-Authenticate", value)])
        self.assertIn("Authorization", self.last("BYE").headers)
        self.respond(self.last("BYE"), 200)

    def test_unlocked_by_sign_in(self) -> None:
        """A sign-in brings the credentials too."""
        call = self.call_out()
        self.kill(account=Account("alice", "alice", "", keyring=Keyring("alice", None)))
        self.connect()
        self.sign_in()
        self.grant()
        self.recovered(call)


class StoredTests(RestartCase):
    """What is read back, and what is not."""

    def test_unreadable(self) -> None:
        """Data of another version or account, or spoilt, are refused with a reason, and change nothing."""
        call = self.call_out()
        good = self.snapshot()
        spoilt: list[tuple[dict[str, Any], str]] = [
            ({**good, "version": 2}, "expected version 1, found 2"),
            ({**good, "account": "bob"}, "expected account 'alice', found 'bob'"),
            ({**good, "dialogs": []}, "cannot be read"),
            ({**good, "legs": [{}]}, "cannot be read"),
            ({**good, "deadlines": [["leg x", "ring", 1.0]]}, "cannot be read"),
            ({name: part for name, part in good.items() if name != "servers"}, "KeyError: 'servers'"),
        ]
        for data, reason in spoilt:
            with self.subTest(reason=reason):
                core = self.make_core(CountingTokens())
                error = self.assertRaises(SnapshotError, core.restore, data, Account("alice", "alice", "secret"), 0.0)
                self.assertIn(reason, str(error))
                self.assertEqual((core.legs, core.transactions, core.next_deadline()), (0, 0, None))
                self.assertIsNone(core.account("alice"))
        self.assertEqual(self.snapshot()["legs"][0]["id"], call.leg)

    def test_there_already(self) -> None:
        """An account that is there is not restored a second time."""
        data, account = self.snapshot(), Account("alice", "alice", "secret")
        self.assertRaises(LocalViolation, self.core.restore, data, account, self.now)

    def test_other_accounts(self) -> None:
        """A snapshot has nothing of other accounts; each is restored by itself, also one that never registers."""
        self.core.add_account(Account("bob", "bob", ""))
        call = self.call_out()
        leg, outputs = self.core.invite("bob", URI.parse("sip:far@example.org"), OFFER, self.now)
        self.take(outputs)
        self.respond(self.last("INVITE"), 200, ANSWER)
        data = json.loads(json.dumps(self.core.snapshot("bob", self.now)))
        self.assertEqual([stored["id"] for stored in data["legs"]], [leg])
        self.assertIsNone(data["registration"])
        self.kill()
        self.core.restore(data, Account("bob", "bob", ""), self.now)
        self.do(self.core.resume, "bob")
        self.connect()
        self.respond(self.last("INVITE"), 200, ANSWER)
        self.assertEqual([event.leg for event in self.of(SessionRefreshed)], [leg])
        self.register_again()
        self.respond(self.recoveries(call)[0], 200, ANSWER)
        self.do(self.core.hangup, leg)
        self.answer_byes()

    def test_touched(self) -> None:
        """The core names the accounts that a store has to write, after each entry, and no other."""
        self.core.add_account(Account("bob", "bob", ""))
        self.assertEqual(self.core.touched(), {"alice", "bob"})
        self.assertEqual(self.core.touched(), set())
        call = self.call_out()
        self.assertEqual(self.core.touched(), {"alice"})
        call.send("INFO")
        self.assertEqual(self.core.touched(), {"alice"})
        self.core.next_deadline()
        self.core.snapshot("alice", self.now)
        self.assertEqual(self.core.touched(), set())
        self.advance(600)
        self.grant()
        self.assertEqual(self.core.touched(), {"alice"})
        self.disconnect()
        self.assertEqual(self.core.touched(), {"alice"})

    def test_tickets(self) -> None:
        """The numbers of INFO and REFER go on, so that no outcome is taken for that of another request."""
        call = self.call_out()
        ticket, outputs = self.core.info(call.leg, "text/plain", "x", self.now)
        self.take(outputs)
        self.kill()
        again, outputs = self.core.info(call.leg, "text/plain", "x", self.now)
        self.take(outputs)
        self.assertGreater(again, ticket)
        self.connect()
        self.register_again()
        self.recovered(call)

    def test_nothing_to_resume(self) -> None:
        """An account of which nothing is stored is no reason to fail."""
        self.assertEqual(UACore(self.core._ua.settings, self.core._ua.timers, self.tokens).resume("x", 0.0), [])

    def test_answered_while_killed(self) -> None:
        """A call that was established just before the kill repeats its ACK, which may have been lost."""
        self.call_out()
        self.assertEqual(len(self.of(CallAnswered)), 1)
        acks = len(self.sent("ACK"))
        self.kill(1)
        self.connect()
        self.assertEqual(len(self.sent("ACK")), acks + 1)
        self.register_again()
        self.respond(self.last("INVITE"), 200, ANSWER)
