"""A gateway that is killed and started again: its agents and calls go on."""

import base64
import json
from collections.abc import Callable, Coroutine
from typing import Any

from attrs import evolve
from twisted.internet.defer import succeed

from tests.support.farside import SDP
from tests.support.gatewaycase import OTHER_SDP, PAGE, PAGE_SDP
from tests.support.kept import comparable
from tests.support.restartcase import SITE_KEY, RestartCase
from wrtcgw.calls.agent import Agent, RegistrationState
from wrtcgw.calls.call import CallState
from wrtcgw.calls.messages import MessageType
from wrtcgw.errors import RegistrationRefused, StoreUnreachable, UnknownCall
from wrtcgw.events.catalogue import AgentRestored, CallRestored, StoreFault, StoreLost, StoreReached
from wrtcgw.store.interface import Record
from wrtcgw.store.sealing import KEY_BYTES, seal


class Part:
    """A part of the gateway that keeps a number of each agent, or what a test gives it by the agent's id."""

    def __init__(self) -> None:
        self.kept: dict[str, object] = {}

    def snapshot(self, agent: Agent) -> object:
        """Return it."""
        return self.kept.get(agent.id, 1)

    def restore(self, agent: Agent, data: Any, shift: float) -> None:
        """Take it back."""
        int(data)


class Calls(RestartCase):
    """Calls at the moment of the kill."""

    def test_established(self) -> None:
        """An established call goes on, and can be held, resumed and ended."""
        call, far = self.outbound(self.sign_in())
        restored = self.restart()
        self.assertEqual((restored.agents, restored.calls, restored.unreadable), (1, 1, 0))
        self.recovered(far)
        again = self.agent().call(call.id)
        self.assertEqual((again.state, again.peer, again.created), (CallState.ESTABLISHED, "5002", call.created))
        holding = self.begin(self.gateway.hold("alice"))
        self.run_for()
        self.assertIn("sendonly", far.offer)
        far.answer(SDP.replace("sendrecv", "recvonly"))
        self.run_for()
        self.assertEqual(self.successResultOf(holding).code, 200)
        self.assertEqual(self.done(self.gateway.hangup("alice")).code, 200)
        self.assertEqual(far.methods()[-1], "BYE")
        self.assertEqual(self.registry.call_count, 0)

    def test_told(self) -> None:
        """Who looks on hears of agents and calls that were taken up, which are no new ones."""
        call, _ = self.outbound(self.sign_in())
        self.kill()
        self.start_again(connect=False)
        restored = [event for event in self.told if isinstance(event, AgentRestored | CallRestored)]
        self.assertEqual([type(event) for event in restored], [AgentRestored, CallRestored])
        self.assertEqual(restored[1].call.id, call.id)  # type: ignore[union-attr]
        self.assertEqual(restored[1].sip_call_id, self.far.calls[-1].call_id)  # type: ignore[union-attr]

    def test_registration(self) -> None:
        """The page learns that its registration is renewed, and then that it is there again."""
        agent = self.sign_in()
        before = len(self.far.registers)
        self.restart()
        states = [message.state for message in self.messages(self.agent())]
        self.assertEqual(states, ["RECOVERING", "REGISTERED"])
        self.assertGreater(len(self.far.registers), before)
        self.assertAlmostEqual(self.agent().since, agent.since)

    def test_ringing(self) -> None:
        """A call that rings here rings on, and can be answered."""
        agent = self.sign_in()
        call, far = self.inbound(agent)
        offers = [message.seq for message in agent.mailbox.after(0)]
        self.restart()
        self.assertEqual(self.agent().mailbox.after(0)[0].seq, offers[0])
        self.describe(self.agent())
        self.assertEqual(far.last("INVITE").status, 200)
        self.assertEqual(self.agent().call(call.id).state, CallState.ESTABLISHED)

    def test_dialling(self) -> None:
        """A call of ours that was not answered yet is taken back, and its page is told."""
        call, far = self.place(self.sign_in())
        far.ring()
        self.run_for()
        self.restart()
        self.assertIn("CANCEL", far.methods())
        with self.assertRaises(UnknownCall):
            self.agent().call(call.id)
        ends = [message for message in self.messages(self.agent()) if message.ends_call]
        self.assertEqual([end.call_id for end in ends], [call.id])

    def test_hanging_up(self) -> None:
        """A call whose BYE was sent ends."""
        _, far = self.outbound(self.sign_in())
        self.far.silent.add("BYE")
        self.begin(self.gateway.hangup("alice"))
        self.far.silent.clear()
        self.restart()
        self.run_for(5)
        self.assertEqual(far.methods().count("BYE"), 2)
        self.assertEqual(self.registry.call_count, 0)

    def test_signing_out(self) -> None:
        """An agent who has signed out is not there any more: its call ends, and its un-REGISTER is said again."""
        _, far = self.outbound(self.sign_in())
        self.far.silent.update(("BYE", "REGISTER"))
        self.begin(self.gateway.sign_out("alice"))
        self.run_for(0)
        self.far.silent.clear()
        self.assertEqual(self.restart().agents, 0)
        self.run_for(40)
        self.assertEqual(far.methods().count("BYE"), 2)
        self.assertEqual(self.store.keys, set())
        self.assertNotIn("5001", self.far.contacts)
        self.assertEqual(self.core.objects()["registrations"], 0)

    def sign_out_and_die(self) -> None:
        """Sign out, and be killed before the registrar has answered."""
        self.sign_in()
        self.far.silent.add("REGISTER")
        self.begin(self.gateway.sign_out("alice"))
        self.run_for(0)
        self.far.silent.clear()
        self.kill()

    def test_signing_out_twice_killed(self) -> None:
        """Killed again before the connection is up, the un-REGISTER is not forgotten."""
        self.sign_out_and_die()
        self.start_again(connect=False)
        self.kill()
        self.start_again()
        self.run_for(5)
        self.assertNotIn("5001", self.far.contacts)
        self.assertEqual(self.store.keys, set())

    def test_signing_out_and_in(self) -> None:
        """Who signs in again is registered, whichever of the two comes first; a wrong password changes nothing."""
        for first in (0.0, 1.0):
            self.sign_out_and_die()
            self.start_again()
            self.run_for(first)
            self.assertEqual(self.sign_in().registration, RegistrationState.REGISTERED)
            self.run_for(5)
            self.assertIn("5001", self.far.contacts)
            self.done(self.gateway.sign_out("alice"))
            self.sign_out_and_die()
            self.start_again(connect=False)
            self.gateway.connected(0)
            self.fails(RegistrationRefused, self.gateway.sign_in(agent_id="alice", dn="5001", password="wrong"), 1)
            self.run_for(5)
            self.assertNotIn("5001", self.far.contacts)

    def test_signing_out_refused(self) -> None:
        """It is said once more, and not for ever."""
        self.sign_out_and_die()
        self.far.script("REGISTER", 500, 500, 500)
        seen = len(self.far.registers)
        self.start_again()
        self.run_for(600)
        self.assertEqual(len(self.far.registers) - seen, 1)
        self.assertEqual(self.store.keys, set())

    def test_clock_a_day_ahead(self) -> None:
        """A session is not over because the wall clock was set: the far side is asked, and says so if it is."""
        for answer in (200, 481):
            call, far = self.place(self.sign_in())
            far.answer(fields=(("Session-Expires", "90;refresher=uas"), ("Require", "timer")))
            self.run_for(1)
            self.kill()
            self.ahead += 86_400.0
            self.start_again()
            self.run_for(1)
            self.assertNotIn("BYE", far.methods())
            if answer == 200:
                far.answer()
                self.run_for(1)
                self.assertEqual(self.agent().call(call.id).state, CallState.ESTABLISHED)
                self.done(self.gateway.hangup("alice"))
            else:
                far.refuse(481)
                self.run_for(1)
                self.assertEqual(self.registry.call_count, 0)

    def test_deadlines(self) -> None:
        """What a call waits for falls due after the restart."""
        agent = self.sign_in()
        call, far = self.outbound(agent)
        far.reinvite(SDP.replace("40000", "40002"))
        self.run_for()
        self.kill()
        self.run_for(20)
        self.start_again()
        self.run_for(60)
        self.assertEqual(self.agent().call(call.id).deadlines, {})

    def test_twice(self) -> None:
        """A second kill, before the first recovery is answered, loses nothing."""
        call, far = self.outbound(self.sign_in())
        self.restart()
        self.kill()
        self.start_again()
        far.answer()
        self.run_for(40)
        self.assertEqual(self.agent().call(call.id).state, CallState.ESTABLISHED)

    def test_far_side_is_gone(self) -> None:
        """481 to the re-INVITE ends the call, and the page is told."""
        self.outbound(self.sign_in())
        self.far.script("INVITE", 481)
        self.restart()
        self.assertEqual(self.registry.call_count, 0)
        self.assertEqual(self.last(self.agent(), MessageType.SHUTDOWN).code, 481)

    def test_far_side_is_busy(self) -> None:
        """One that is asked to wait is asked again."""
        for status in (491, 500, 503, 408):
            with self.subTest(status=status):
                self.start()
                self.restarts = 0
                call, far = self.outbound(self.sign_in())
                self.restart()
                far.refuse(status, fields=[("Retry-After", "3")] if status >= 500 else ())
                self.run_for(8)
                self.assertIsNotNone(far.invite)
                far.answer()
                self.run_for()
                self.assertEqual(self.agent().call(call.id).state, CallState.ESTABLISHED)

    def test_guests(self) -> None:
        """A guest and its call go on too."""
        self.start(guest_mode="registered", guest_dn="5003", guest_password="third", guest_destinations=("*",))
        agent = self.done(self.gateway.sign_in_guest("guest-x"))
        call, far = self.outbound(agent)
        restored = self.restart(
            guest_mode="registered", guest_dn="5003", guest_password="third", guest_destinations=("*",)
        )
        self.assertEqual((restored.agents, restored.calls), (1, 1))
        far.answer()
        self.run_for()
        self.assertEqual(self.agent("guest-x").call(call.id).state, CallState.ESTABLISHED)
        self.done(self.gateway.sign_out("guest-x"), 1)
        self.assertEqual(far.methods()[-1], "BYE")
        self.assertNotIn("5003", self.far.contacts)
        self.run_for(40)
        self.assertEqual(self.store.keys, set())

    def test_guests_know_the_realms(self) -> None:
        """Guests who are not registered use the realms of the agents, however what is stored is written."""
        guests: dict[str, Any] = {"guest_mode": "unregistered", "guest_dn": "5003", "guest_password": "third"}
        self.start(**guests, guest_destinations=("*",))
        self.sign_in()
        _, far = self.outbound(self.done(self.gateway.sign_in_guest("guest-x")))
        self.kill()
        stored = [self.store.data(key) for key in ("guest-1", "5001")]
        records = [Record(data["agent"]["dn"], json.dumps(data, indent=1).encode(), "test", 1) for data in stored]
        self.store.load = lambda: succeed(records)  # type: ignore[method-assign]
        self.far.challenge_invite = True
        self.start_again(**guests, guest_destinations=("*",))
        self.run_for()
        self.assertIn("Authorization", far.requests[-1].headers)

    def test_guest_is_refreshed(self) -> None:
        """The registration of guests is renewed as long as there are some."""
        self.start(guest_mode="registered", guest_dn="5003", guest_password="third", guest_destinations=("*",))
        self.done(self.gateway.sign_in_guest("guest-x"))
        self.gateway.attend("guest-x")
        registers = len(self.far.registers)
        self.run_for(700)
        self.assertGreater(len(self.far.registers), registers)
        self.assertIn("5003", self.far.contacts)

    def test_hold_waits(self) -> None:
        """A hold that the far side had not answered is over for its page, and can be ordered again."""
        _, far = self.outbound(self.sign_in())
        self.begin(self.gateway.hold("alice"))
        self.run_for()
        self.restart()
        far.answer()
        self.run_for(1)
        holding = self.begin(self.gateway.hold("alice"))
        self.run_for()
        far.answer(SDP.replace("sendrecv", "recvonly"))
        self.run_for()
        self.successResultOf(holding)

    def test_page_describes_again(self) -> None:
        """The page can offer anew after the restart."""
        agent = self.sign_in()
        self.outbound(agent)
        self.restart()
        far = self.far.calls[-1]
        far.answer()
        self.run_for(1)
        self.gateway.send_description("alice", None, OTHER_SDP, page_address=PAGE, kind=MessageType.OFFER)
        self.run_for()
        self.assertIn("30002", far.offer)


class SealedByPages(RestartCase):
    """Without a key of the site, the secrets of an agent are opened by its page."""

    key = None

    def test_waits_for_page(self) -> None:
        """The agent is registered when its page shows its token; its call is taken up with that."""
        agent = self.sign_in()
        self.gateway.persistence.page_showed(agent, b"token", anew=True)
        call, far = self.outbound(agent)
        registers = len(self.far.registers)
        self.restart()
        self.assertEqual(len(self.far.registers), registers)
        self.assertEqual(self.agent().registration, RegistrationState.RECOVERING)
        self.gateway.persistence.page_showed(self.agent(), b"token")
        self.run_for(1)
        self.assertEqual(self.agent().registration, RegistrationState.REGISTERED)
        self.recovered(far)
        self.assertEqual(self.agent().call(call.id).state, CallState.ESTABLISHED)

    def test_wrong_token(self) -> None:
        """Another token opens nothing."""
        agent = self.sign_in()
        self.gateway.persistence.page_showed(agent, b"token", anew=True)
        registers = len(self.far.registers)
        self.restart()
        self.gateway.persistence.page_showed(self.agent(), b"other")
        self.run_for(1)
        self.assertEqual(len(self.far.registers), registers)

    def test_site_gets_a_key(self) -> None:
        """What pages have sealed is opened by them, also when the site has got a key since, which it is under then."""
        agent = self.sign_in()
        self.gateway.persistence.page_showed(agent, b"token", anew=True)
        self.key = SITE_KEY
        self.restart()
        self.gateway.persistence.page_showed(self.agent(), b"token")
        self.run_for(1)
        self.assertEqual(self.agent().registration, RegistrationState.REGISTERED)
        self.restart()
        self.run_for(1)
        self.assertEqual(self.agent().registration, RegistrationState.REGISTERED)

    def test_no_key_is_no_key(self) -> None:
        """Without a key nothing counts that says that it was sealed under one, be it of zeros."""
        self.sign_in()
        self.kill()
        data = self.store.data("5001")
        box = seal(bytes(KEY_BYTES), "5001", json.dumps([["example.org", "MD5", "0" * 32]]).encode())
        data["sealed"] = {"by": "site", "box": base64.b64encode(box).decode()}
        self.successResultOf(self.store.write({"5001": json.dumps(data).encode()}))
        self.start_again()
        account = self.core.account("5001")
        assert account is not None
        self.assertEqual(account.keyring.hashes(), [])
        (fault,) = [event for event in self.told if isinstance(event, StoreFault)]
        self.assertIn("under a state_key, and none is set", fault.text)

    def test_another_key(self) -> None:
        """What was sealed under another key of the site is told as that."""
        self.key = SITE_KEY
        self.restart()
        self.sign_in()
        self.key = bytes(reversed(SITE_KEY))
        self.restart()
        (fault,) = [event for event in self.told if isinstance(event, StoreFault)]
        self.assertIn("under another state_key", fault.text)

    def test_nonsense_sealed(self) -> None:
        """What a page cannot open because it is none of ours is told like a wrong key; the page is served."""
        agent = self.sign_in()
        self.gateway.persistence.page_showed(agent, b"token", anew=True)
        for sealed in ({"by": "session"}, {"by": "session", "salt": 7, "box": "x"}, {"by": "session", "salt": "x"}):
            self.kill()
            data = self.store.data("5001")
            data["sealed"] = sealed
            self.successResultOf(self.store.write({"5001": json.dumps(data).encode()}))
            self.start_again()
            self.gateway.persistence.page_showed(self.agent(), b"token")
            self.assertEqual(len([event for event in self.told if isinstance(event, StoreFault)]), 1)

    def test_nothing_in_the_clear(self) -> None:
        """Neither password nor hash is in what is stored."""
        agent = self.sign_in()
        self.gateway.persistence.page_showed(agent, b"token-of-alice", anew=True)
        self.outbound(agent)
        (record,) = self.successResultOf(self.store.load())
        hashes = {value for _, _, value in self.core.account("5001").keyring.hashes()}  # type: ignore[union-attr]
        self.assertTrue(hashes)
        for secret in ("secret", "token-of-alice", *hashes):
            self.assertNotIn(secret.encode(), record.data)


class InTheMoment(RestartCase):
    """The process dies in the moment in which changes of which nothing is said wait for one another."""

    checks_store = False

    def is_written(self) -> bool:
        """Return whether what is stored of alice is what is true."""
        true = self.gateway.persistence.records({"5001"})["5001"]
        return true is not None and comparable(json.loads(true)) == comparable(self.store.data("5001"))

    def die_unwritten(self) -> None:
        """Let time pass until something has changed and is not written, kill, and start again."""
        for _ in range(1000):
            self.clock.advance(0.001)
            if not self.is_written():
                break
        self.assertFalse(self.is_written())
        self.kill()
        self.start_again()
        self.kept_check.stop()

    def test_acknowledged(self) -> None:
        """An ACK that is forgotten is as one that was lost: the 200 goes out again, and nothing else is asked again."""
        _, far = self.outbound(self.sign_in())
        far.reinvite()
        self.die_unwritten()
        self.recovered(far)
        self.run_for(40)
        refresh = [each for each in far.responses if each.cseq.method == "INVITE"]
        self.assertEqual({(each.status, each.cseq.number) for each in refresh}, {(200, refresh[0].cseq.number)})
        self.assertGreater(len(refresh), 1)
        self.assertEqual([call.state for call in self.agent().calls.values()], [CallState.ESTABLISHED])

    def test_fetched(self) -> None:
        """A message that was fetched is there again under its number, by which its page knows it."""
        agent = self.sign_in()
        self.inbound(agent)
        self.run_for()
        (offer,) = agent.mailbox.after(0)
        agent.mailbox.delivered(offer.seq)
        self.gateway.persistence.touch(agent)
        self.kill()
        self.start_again()
        self.kept_check.stop()
        again = self.agent().mailbox
        first, *news = again.after(0)
        self.assertEqual((first.seq, first.call_id, len(again)), (offer.seq, offer.call_id, 1 + len(news)))
        self.assertEqual(again.after(offer.seq), news)


class Stores(RestartCase):
    """What the store does."""

    def order(self, work: Coroutine[Any, Any, object]) -> None:
        """Begin what ends by itself."""
        self.begin(work).addErrback(lambda failure: None)

    def test_held_back(self) -> None:
        """Nothing leaves before its state is written, and all that leaves stays in order."""
        agent = self.sign_in()
        self.store.slow = True
        call = self.gateway.place_call("alice", "5002", PAGE_SDP, page_address=PAGE)
        waiting = self.gateway.persistence.durable()
        assert waiting is not None
        self.assertEqual(self.far.calls, [])
        self.assertNoResult(waiting)
        self.store.finish()
        self.successResultOf(waiting)
        (far,) = self.far.calls
        far.ring()
        far.answer()
        self.run_for()
        self.assertEqual(agent.mailbox.after(0), [])
        self.assertEqual(len(self.store.pending), 1)
        while self.store.pending:
            self.store.finish()
        self.assertEqual(
            [message.type for message in agent.mailbox.after(0)][:2], [MessageType.RINGING, MessageType.ANSWER]
        )
        self.assertEqual(far.methods(), ["INVITE", "ACK"])
        self.assertEqual(call.state, CallState.ESTABLISHED)
        self.store.slow = False

    def test_gathered(self) -> None:
        """While one batch is written, all that follows becomes one more."""
        agents = [self.sign_in(), self.sign_in("bob", "5002")]
        self.store.slow, self.store.writes = True, 0
        for agent in agents * 3:
            self.gateway.persistence.touch(agent)
            self.gateway.persistence.durable()
        self.assertEqual(self.store.writes, 1)
        self.store.finish()
        self.assertEqual(self.store.writes, 2)
        self.store.finish()
        self.assertEqual((self.store.writes, self.store.pending), (2, []))
        self.store.slow = False

    def test_out_of_reach(self) -> None:
        """Calls go on from memory, what is new is refused, and all is written when the store is back."""
        agent = self.sign_in()
        _, far = self.outbound(agent)
        told: list[object] = []
        self.gateway.events.subscribe_to_all(told.append)
        self.store.fault = "it is gone"
        holding = self.begin(self.gateway.hold("alice"))
        self.run_for()
        far.answer(SDP.replace("sendrecv", "recvonly"))
        self.run_for()
        self.successResultOf(holding)
        with self.assertRaises(StoreUnreachable):
            self.gateway.place_call("alice", "5003", PAGE_SDP, page_address=PAGE)
        self.fails(StoreUnreachable, self.gateway.sign_in(agent_id="bob", dn="5002", password="geheim"))
        self.assertEqual([event for event in told if isinstance(event, StoreLost)], [StoreLost("it is gone")])
        self.store.fault = ""
        self.run_for(20)
        self.assertEqual(len([event for event in told if isinstance(event, StoreReached)]), 1)
        self.assertTrue(self.store.data("5001")["agent"]["calls"])
        self.gateway.place_call("alice", "5003", PAGE_SDP, page_address=PAGE)

    def test_unwritable(self) -> None:
        """An account whose state cannot be written is told of once until it can; it goes on, and hides no other."""
        part = Part()
        self.gateway.persistence.join("part", part)
        agent, other = self.sign_in(), self.sign_in("bob", "5002")
        before = self.store.data("5001")
        told: list[StoreFault] = []
        self.gateway.events.subscribe(StoreFault, told.append)
        for _ in range(2):
            part.kept = {agent.id: {1, 2}}
            call, far = self.outbound(agent)
            second, _ = self.outbound(other)
            self.assertEqual((call.state, far.methods()), (CallState.ESTABLISHED, ["INVITE", "ACK"]))
            (problem,) = self.problems
            self.assertIsInstance(problem, TypeError)
            (fault,) = told
            self.assertEqual((fault.key, "cannot be written down" in fault.text), ("5001", True))
            self.assertEqual(self.store.data("5001")["agent"]["calls"], before["agent"]["calls"])
            self.assertTrue(self.store.data("5002")["agent"]["calls"])
            self.problems.clear()
            told.clear()
            part.kept = {}
            self.done(self.gateway.hangup("alice", call.id))
            self.assertEqual((self.problems, told), ([], []))
            self.run_for(40)
            self.done(self.gateway.hangup("bob", second.id))

    def test_unreadable_record(self) -> None:
        """A record that cannot be read is left out, and the others are taken up."""
        self.sign_in()
        self.sign_in("bob", "5002")
        self.kill()
        self.successResultOf(self.store.write({"5001": b'{"version":1}'}))
        restored = self.start_again()
        self.assertEqual((restored.agents, restored.unreadable), (1, 1))
        self.assertEqual(self.agent("bob").dn, "5002")

    def test_text(self) -> None:
        """What another program has put back as text, where bytes were, is read as well; a list is no record."""
        for dn, agent_id in (("5001", "alice"), ("5002", "bob")):
            self.sign_in(agent_id, dn)
        self.kill()
        first, second = self.successResultOf(self.store.load())
        text: Any = first.data.decode()
        records = [evolve(first, data=text), evolve(second, data=b"[]")]
        self.store.load = lambda: succeed(records)  # type: ignore[method-assign]
        restored = self.start_again()
        self.assertEqual((restored.agents, restored.unreadable), (1, 1))

    def spoil(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Kill, and let somebody change what is stored of alice; then bob, and what was not changed, must go on."""
        self.sign_in()
        self.outbound(self.sign_in("bob", "5002"))
        self.kill()
        data = self.store.data("5001")
        change(data)
        self.successResultOf(self.store.write({"5001": json.dumps(data).encode()}))
        restored = self.start_again()
        self.assertEqual((restored.agents, restored.calls, restored.unreadable), (1, 1, 1))
        self.assertEqual(self.registry.find_dn("5001"), None)
        self.assertEqual(self.core.account("5001"), None)
        self.assertEqual(self.agent("bob").registration, RegistrationState.REGISTERED)
        self.problems.clear()
        self.sign_in()  # and alice can come again
        self.restart()
        self.assertEqual(self.agent().dn, "5001")

    def test_number_of_another_kind(self) -> None:
        """What turns out to be nonsense only when the agent goes on is undone."""
        self.spoil(lambda data: data["mailbox"].update(last="7"))

    def test_nonsense_of_a_part(self) -> None:
        """So is what a part cannot take back when the SIP core has its own."""
        self.gateway.persistence.join("part", Part())
        self.composed = lambda: self.gateway.persistence.join("part", Part())  # type: ignore[method-assign]
        self.spoil(lambda data: data["kept"].update(part="nonsense"))

    def test_another_dn(self) -> None:
        """A record is of the account whose name it has."""
        self.spoil(lambda data: data["agent"].update(dn="5003"))

    def test_call_of_another_agent(self) -> None:
        """A record that has a call of another one is left out, and the call stays whose it is."""
        call, _ = self.outbound(self.sign_in())
        self.sign_in("bob", "5002")
        self.kill()
        data = self.store.data("5002")
        data["agent"]["calls"] = self.store.data("5001")["agent"]["calls"]
        self.successResultOf(self.store.write({"5002": json.dumps(data).encode()}))
        restored = self.start_again()
        self.assertEqual((restored.agents, restored.calls, restored.unreadable), (1, 1, 1))
        self.assertEqual(self.done(self.gateway.hangup("alice", call.id)).code, 200)

    def test_nested_too_deep(self) -> None:
        """A record that Python cannot read for its depth is left out like any other."""
        self.sign_in()
        self.sign_in("bob", "5002")
        self.kill()
        self.successResultOf(self.store.write({"5001": b"[" * 200_000}))
        restored = self.start_again()
        self.assertEqual((restored.agents, restored.unreadable), (1, 1))

    def test_twice_there(self) -> None:
        """Two records of one account harm nothing else."""
        self.sign_in()
        self.sign_in("bob", "5002")
        self.kill()
        records = self.successResultOf(self.store.load())
        self.successResultOf(self.store.take("5009"))
        self.successResultOf(self.store.write({"5009": records[0].data}))
        self.assertEqual(self.start_again().agents, 2)

    def test_stopped(self) -> None:
        """With a store, stopping ends nothing: all is written, and from then on nothing leaves."""
        call, far = self.outbound(self.sign_in())
        requests = len(far.requests)
        self.successResultOf(self.gateway.drain())
        self.gateway.disconnected(0)
        far.bye()
        self.run_for(40)
        self.assertEqual((len(far.requests), far.responses), (requests, []))
        self.assertEqual(self.store.data("5001")["agent"]["calls"][0]["state"], "ESTABLISHED")
        self.restart()
        self.assertEqual(self.agent().call(call.id).state, CallState.ESTABLISHED)

    def test_lost(self) -> None:
        """A store that has lost what was in it gets all of it again."""
        self.sign_in()
        self.sign_in("bob", "5002")
        self.successResultOf(self.store.write({"5001": None, "5002": None}))
        self.store.on_loss()
        self.assertEqual(self.store.keys, {"5001", "5002"})

    def test_left_out(self) -> None:
        """Nothing stays of an agent who has left."""
        agent = self.sign_in()
        self.assertEqual(self.store.keys, {"5001"})
        self.outbound(agent)
        self.done(self.gateway.sign_out("alice"))
        self.run_for(40)
        self.assertEqual(self.store.keys, set())
