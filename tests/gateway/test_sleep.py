"""Pages that sleep: nobody hears it ring for them, they are known to sleep, and they hear what they have missed."""

from typing import Any

from tests.support.farside import FarCall
from tests.support.gatewaycase import DOMAIN, GatewayCase
from tests.support.restartcase import RestartCase
from wrtcgw.calls.abilities import ONE_CALL, PageAbilities
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState, Deadline
from wrtcgw.calls.messages import MessageType
from wrtcgw.calls.page_life import Silence, Visibility
from wrtcgw.errors import UnknownCall
from wrtcgw.events.catalogue import PageRespondsChanged

ACKNOWLEDGES = PageAbilities(acknowledges_calls=True, always_listens=True)


class SleepCase(GatewayCase):
    """A page of the library, at a gateway with the usual settings."""

    def start(self, **changes: object) -> None:
        """Note as well what is told of pages."""
        super().start(**changes)
        self.told: list[PageRespondsChanged] = []
        self.gateway.events.subscribe(PageRespondsChanged, self.told.append)

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.page()

    def page(self, agent_id: str = "alice", dn: str = "5001") -> Agent:
        """Sign a page of the library in, which listens."""
        agent = self.sign_in(agent_id, dn, abilities=ACKNOWLEDGES)
        self.gateway.attend(agent_id)
        return agent

    def heard(self, far: FarCall) -> list[int]:
        """Return the statuses that a caller has heard."""
        return [response.status for response in far.responses if response.cseq.method == "INVITE"]

    def changes(self) -> list[tuple[bool, str]]:
        """Return what was told of pages, and forget it."""
        told = [(event.responds, event.why.value) for event in self.told]
        self.told.clear()
        return told

    def beat(self, visibility: Visibility = Visibility.VISIBLE, agent_id: str = "alice") -> None:
        """Have the page send a heartbeat."""
        self.gateway.heartbeat(agent_id, visibility)

    def ringing(self, **more: Any) -> tuple[Call, FarCall]:
        """Have a call ring at the page, which has got it."""
        call, far = self.inbound(self.agent, **more)
        self.gateway.acknowledge("alice", call.id)
        self.run_for()
        return call, far


class Acknowledged(SleepCase):
    """A caller hears ringing when the page has said that it has got the call, and not before."""

    def test_rings_then(self) -> None:
        """100 at once, for the proxy's timers; 180 with the page's word, once; it rings on."""
        call, far = self.inbound(self.agent)
        self.assertEqual((self.heard(far), call.state), ([100], CallState.OFFERED))
        self.assertIsNone(far.responses[0].headers.get("Contact"))
        self.assertEqual(self.gateway.acknowledge("alice", call.id), CallState.OFFERED)
        self.gateway.acknowledge("alice", call.id)
        self.run_for(59)
        self.assertEqual(self.heard(far), [100, 180])
        self.assertEqual((self.agent.life.responds, self.changes()), (True, []))

    def test_not_acknowledged(self) -> None:
        """Without that word the caller is refused within 5 s, with a reason, and the agent is not responding."""
        call, far = self.inbound(self.agent)
        self.run_for(3.5)
        self.assertEqual(self.heard(far), [100])
        self.run_for(1)
        self.assertEqual(self.heard(far), [100, 480])
        self.assertEqual(far.last("INVITE").headers.get("Reason"), 'Q.850;cause=20;text="page not responding"')
        self.assertEqual((call.cause, call.code, call.state), ("not-responding", 480, CallState.ENDED))
        self.assertEqual(self.changes(), [(False, "unacknowledged")])
        offer, end = self.messages(self.agent)
        self.assertEqual((offer.type, end.type, end.cause), (MessageType.OFFER, MessageType.SHUTDOWN, "not-responding"))

    def test_late_word(self) -> None:
        """A page that says so too late hears that the call is over, and responds again."""
        call, far = self.inbound(self.agent)
        self.run_for(5)
        self.assertEqual(self.gateway.acknowledge("alice", call.id), CallState.ENDED)
        self.assertEqual(self.changes(), [(False, "unacknowledged"), (True, "unacknowledged")])
        with self.assertRaises(UnknownCall):
            self.gateway.acknowledge("alice", "nonsense")
        self.assertEqual(self.heard(far), [100, 480])

    def test_answered_at_once(self) -> None:
        """A page that answers has got the call."""
        call, far = self.inbound(self.agent)
        self.describe(self.agent, call_id=call.id)
        self.run_for(60)
        self.assertEqual((self.heard(far), call.is_up, call.deadlines), ([100, 200], True, {}))

    def test_rejected(self) -> None:
        """So has one that rejects."""
        call, far = self.inbound(self.agent)
        self.done(self.gateway.reject("alice", call.id))
        self.run_for(10)
        self.assertEqual((self.heard(far), self.changes()), ([100, 486], []))

    def test_cancelled_before(self) -> None:
        """A caller may give up before it rings; the page's word that crosses that does no harm."""
        call, far = self.inbound(self.agent)
        far.cancel()
        self.run_for()
        self.assertEqual(self.gateway.acknowledge("alice", call.id), CallState.ENDED)
        self.run_for(10)
        self.assertEqual(self.heard(far), [100, 487])
        self.assertEqual((far.last("CANCEL").status, call.cause, self.changes()), (200, "cancelled", []))

    def test_reliable(self) -> None:
        """Ringing that is to be acknowledged (RFC 3262) begins with the page's word as well, and is repeated."""
        call, far = self.inbound(self.agent, fields=[("Require", "100rel")])
        self.assertEqual(self.heard(far), [100])
        self.gateway.acknowledge("alice", call.id)
        self.run_for(0.6)
        self.assertEqual(self.heard(far)[:2], [100, 180])
        self.assertEqual(far.last("INVITE").headers.get("Require"), "100rel")
        rseq, invite = far.last("INVITE").headers.get("RSeq"), far.own_invite
        assert invite is not None
        far.send("PRACK", fields=[("RAck", f"{rseq} {invite.cseq.number} INVITE")])
        self.run_for(20)
        self.assertEqual((far.last("PRACK").status, call.state), (200, CallState.OFFERED))

    def test_talk(self) -> None:
        """A server that clicks Answer does so once it rings: before, it knows no dialog."""
        self.start(auto_answer="talk")
        self.agent = self.page()
        call, far = self.inbound(self.agent)
        self.assertEqual(self.types(self.agent), ["OFFER"])
        self.gateway.acknowledge("alice", call.id)
        self.run_for()
        far.notify("talk")
        self.run_for()
        self.assertEqual(self.types(self.agent), ["TALK"])
        self.describe(self.agent, call_id=call.id)
        self.assertEqual(self.heard(far), [100, 180, 200])

    def test_auto_answer(self) -> None:
        """A call that is to be answered by itself is not answered by a page that sleeps."""
        self.start(auto_answer="headers")
        self.agent = self.page()
        _, far = self.inbound(self.agent, fields=[("Call-Info", "<sip:x>;answer-after=0")])
        self.assertEqual(self.last(self.agent, MessageType.OFFER).auto_answer, 0.0)
        self.run_for(5)
        self.assertEqual(self.heard(far), [100, 480])

    def test_forks(self) -> None:
        """Of agents that are called at once each speaks for itself: one that sleeps keeps nobody from ringing."""
        bob = self.page("bob", "5002")
        call, far = self.inbound(self.agent)
        other, far_too = self.inbound(bob)
        self.gateway.acknowledge("bob", other.id)
        self.run_for(5)
        self.assertEqual((self.heard(far), self.heard(far_too)), ([100, 480], [100, 180]))
        self.assertEqual([self.agent.life.responds, bob.life.responds], [False, True])
        self.assertIsNotNone(call.ended)

    def test_other_pages(self) -> None:
        """A page that never says so rings at once, as nothing is known of it: the vendor's, or a program's."""
        for agent_id, dn, abilities in (("bob", "5002", PageAbilities()), ("carol", "5003", ONE_CALL)):
            agent = self.sign_in(agent_id, dn, abilities=abilities)
            _, far = self.inbound(agent)
            self.assertEqual(self.heard(far), [180])
            self.run_for(30)
            self.assertEqual(self.heard(far), [180])

    def test_taken_over_by_another_kind(self) -> None:
        """Where a page that never says so takes the agent over, a call that waits for the word rings from then on."""
        call, far = self.inbound(self.agent)
        self.sign_in(abilities=ONE_CALL)
        self.run_for(10)
        self.assertEqual((self.heard(far), call.state), ([100, 180], CallState.OFFERED))

    def test_another_answer(self) -> None:
        """A site may have another code, or send callers elsewhere, a queue for one."""
        for answer, status in (("603", 603), (f"sip:8000@{DOMAIN}", 302)):
            self.start(not_responding_answer=answer)
            self.agent = self.page()
            _, far = self.inbound(self.agent)
            self.run_for(5)
            response = far.last("INVITE")
            contact = f"<{answer}>" if status == 302 else None
            self.assertEqual((response.status, response.headers.get("Contact")), (status, contact))


class Known(SleepCase):
    """What is known of a page before a call comes."""

    def test_heartbeats_stay_away(self) -> None:
        """A page that has sent heartbeats and sends none any more sleeps; its next request wakes it."""
        self.beat()
        self.run_for(99)
        self.assertTrue(self.agent.life.responds)
        self.run_for(2)
        self.assertEqual(self.changes(), [(False, "no-heartbeat")])
        self.assertTrue(self.agent.page_alive, "its connection stands")
        self.gateway.seen("alice")
        self.assertEqual(self.changes(), [(True, "no-heartbeat")])
        self.beat()
        self.run_for(99)
        self.assertEqual(self.changes(), [])

    def test_slow_timers(self) -> None:
        """A hidden page whose timers go once a minute is alive, and so is one whose polls are its heartbeats."""
        self.beat(Visibility.HIDDEN)
        for _ in range(10):
            self.run_for(61)
            self.beat(Visibility.HIDDEN)
        for _ in range(10):
            self.run_for(61)
            self.gateway.seen("alice")
        self.assertEqual((self.changes(), self.agent.life.visibility), ([], Visibility.HIDDEN))

    def test_no_heartbeats(self) -> None:
        """Of a page that never sent one nothing is concluded, nor where the site does not want it."""
        self.run_for(1000)
        self.assertEqual(self.changes(), [])
        self.start(page_silence_timeout=0.0)
        self.agent = self.page()
        self.beat()
        self.run_for(1000)
        self.assertEqual(self.changes(), [])

    def test_last_words(self) -> None:
        """A page that says that it stops is not responding at once, until it says otherwise."""
        for word, why in ((Visibility.FROZEN, "frozen"), (Visibility.GONE, "gone")):
            self.beat(word)
            self.assertEqual(self.changes(), [(False, why)])
            self.run_for(300)
            self.beat(Visibility.HIDDEN)
            self.assertEqual((self.changes(), self.agent.life.visibility), ([(True, why)], Visibility.HIDDEN))

    def test_connection_is_no_sign(self) -> None:
        """That a stream breaks off is the network's doing, and no sign of life."""
        self.beat(Visibility.FROZEN)
        self.gateway.leave("alice")
        self.assertFalse(self.agent.life.responds)
        self.gateway.attend("alice")
        self.assertTrue(self.agent.life.responds)

    def test_refused_at_once(self) -> None:
        """A call to a page that sleeps is refused at once, and is among what the page has missed."""
        self.beat(Visibility.FROZEN)
        self.run_for(5)
        self.messages(self.agent)
        far = self.far.call("5001", caller="5009", name="Jo")
        self.run_for(0.1)
        self.assertEqual(self.heard(far)[-1], 480)
        self.assertNotIn(180, self.heard(far))
        offer, end = self.messages(self.agent)
        self.assertEqual((offer.from_, end.type.value, end.cause), ("5009", "SHUTDOWN", "not-responding"))
        self.assertEqual((end.from_, end.display_name), ("5009", "Jo"), "a new page may hear of its end only")
        self.assertEqual((offer.sdp, self.agent.calls), (None, {}))

    def test_loaded_again(self) -> None:
        """A page that goes may be back in a moment: a call that comes meanwhile waits for it as long as for others."""
        self.beat(Visibility.GONE)
        call, far = self.inbound(self.agent)
        self.gateway.attend("alice")
        self.gateway.acknowledge("alice", call.id)
        self.run_for()
        self.assertEqual(self.heard(far), [100, 180])

    def test_never_known_to_beat(self) -> None:
        """A page without heartbeats could not tell that it is awake again: each call is tried."""
        for _ in range(2):
            _, far = self.inbound(self.agent)
            self.run_for(2)
            self.assertEqual(self.heard(far), [100])
            self.run_for(10)
            self.assertEqual(self.heard(far), [100, 480])
        call, far = self.inbound(self.agent)
        self.gateway.acknowledge("alice", call.id)
        self.run_for()
        self.assertEqual(self.heard(far), [100, 180])

    def test_new_page(self) -> None:
        """A page that signs in anew is awake, and nothing is known of it yet."""
        self.beat(Visibility.GONE)
        self.sign_in(abilities=ACKNOWLEDGES)
        self.assertEqual(self.changes(), [(False, "gone"), (True, "gone")])
        self.run_for(1000)
        self.assertEqual((self.changes(), self.agent.life.beats), ([], False))

    def test_floods(self) -> None:
        """Very many calls for a page that sleeps are refused without a trace of each."""
        self.beat(Visibility.FROZEN)
        self.run_for(5)
        fars = [self.far.call("5001") for _ in range(60)]
        self.run_for(0.5)
        self.assertEqual({far.last("INVITE").status for far in fars}, {480})
        self.assertLess(sum(message.begins_call for message in self.messages(self.agent)), 30)

    def test_signed_out(self) -> None:
        """Nothing is waited for when the agent has left."""
        self.beat()
        self.done(self.gateway.sign_out("alice"))
        self.run_for(300)
        self.assertEqual(self.changes(), [])


class WhileItRings(SleepCase):
    """A page that falls asleep while a call rings there."""

    def test_last_words(self) -> None:
        """The caller does not wait for one that has said that it stops."""
        call, far = self.ringing()
        self.beat(Visibility.FROZEN)
        self.run_for(4.5)
        self.assertEqual((self.heard(far)[-1], call.cause), (480, "not-responding"))

    def test_back_in_time(self) -> None:
        """A page that was loaded again goes on ringing."""
        self.beat()
        call, far = self.ringing()
        self.beat(Visibility.GONE)
        self.run_for(2)
        self.gateway.acknowledge("alice", call.id)
        self.run_for(20)
        self.assertEqual((self.heard(far)[-1], call.state), (180, CallState.OFFERED))

    def test_silent(self) -> None:
        """One that was not heard of for half the usual time is not there any more; one that is heard of rings on."""
        self.beat()
        call, far = self.ringing()
        for _ in range(8):
            self.run_for(40)
            if call.is_up and self.clock.seconds() < 200:
                self.beat(Visibility.HIDDEN)
        self.assertEqual((self.heard(far)[-1], call.cause), (480, "not-responding"))
        self.assertEqual(self.changes()[0], (False, "no-heartbeat"))
        self.assertLess(call.ended or 0.0, 260)

    def test_another_call_unheard(self) -> None:
        """One that does not get a second call is not there for the first one either."""
        self.beat()
        _, far = self.ringing()
        _, second = self.inbound(self.agent)
        self.run_for(4.5)
        self.assertEqual((self.heard(second)[-1], self.heard(far)[-1]), (480, 180))
        self.run_for(4)
        self.assertEqual(self.heard(far)[-1], 480)

    def test_answered(self) -> None:
        """Once it is answered, the call is not ended for that."""
        self.beat()
        call, _ = self.ringing()
        self.describe(self.agent, call_id=call.id)
        self.run_for(130)
        self.assertEqual((self.changes(), call.is_up), ([(False, "no-heartbeat")], True))

    def test_without_heartbeats(self) -> None:
        """Of a page without heartbeats nothing more is expected."""
        call, far = self.ringing()
        self.run_for(200)
        self.assertEqual((self.heard(far)[-1], call.deadlines), (180, {}))


class Kept(SleepCase):
    """What is written down of a page."""

    def test_snapshot(self) -> None:
        """That a page sleeps, and since when, is kept; so is that a call waits for its word."""
        self.beat(Visibility.FROZEN)
        call, _ = self.inbound(self.agent)
        data = self.agent.snapshot()
        again = Agent.restore(data, self.agent.mailbox, 100.0)
        self.assertEqual((again.life.visibility, again.life.why), (Visibility.FROZEN, Silence.FROZEN))
        self.assertEqual(again.life.silent_since, (self.agent.life.silent_since or 0.0) + 100.0)
        due = call.deadlines[Deadline.ACKNOWLEDGED]
        self.assertEqual(again.calls[call.id].deadlines[Deadline.ACKNOWLEDGED], due + 100.0)
        del data["life"]
        self.assertTrue(Agent.restore(data, self.agent.mailbox).life.responds, "a record of an older version")


class Restarted(RestartCase):
    """A gateway that is killed while a call waits for the page's word."""

    def waiting(self) -> tuple[Call, FarCall]:
        """Kill the gateway a second after a call has come, and start it again."""
        agent = self.sign_in(abilities=ACKNOWLEDGES)
        call, far = self.inbound(agent)
        self.run_for(1)
        self.restart()
        return call, far

    def test_acknowledged_after(self) -> None:
        """The page says its word to the new process, and the caller hears it ring."""
        call, far = self.waiting()
        self.gateway.attend("alice")
        self.gateway.acknowledge("alice", call.id)
        self.run_for(10)
        self.assertEqual([response.status for response in far.responses], [100, 180])

    def test_not_acknowledged(self) -> None:
        """Else it is refused when its time is over, as if nothing had been."""
        _, far = self.waiting()
        self.run_for(2)
        self.assertEqual([response.status for response in far.responses], [100])
        self.run_for(2)
        self.assertEqual([response.status for response in far.responses], [100, 480])
        self.assertFalse(self.agent().life.responds)

    def test_asleep(self) -> None:
        """A page that slept before does so after, and one that has sent heartbeats is to send more."""
        self.sign_in(abilities=ACKNOWLEDGES)
        self.sign_in("bob", "5002", abilities=ACKNOWLEDGES)
        self.gateway.heartbeat("alice", Visibility.FROZEN)
        self.gateway.heartbeat("bob", Visibility.VISIBLE)
        self.restart(page_grace=0.0)
        self.assertEqual([agent.life.responds for agent in self.gateway.agents()], [False, True])
        self.run_for(101)
        self.assertEqual(self.agent("bob").life.why, Silence.NO_HEARTBEAT)
