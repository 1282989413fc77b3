"""Several gateways on one store: agents and calls go from one to another, and none says what is another one's."""

from typing import Any

from twisted.internet.defer import Deferred

from tests.support.clustercase import TTL, ClusterCase
from tests.support.farside import SDP
from tests.support.gatewaycase import PAGE, PAGE_SDP
from wrtcgw.calls.agent import RegistrationState
from wrtcgw.calls.call import CallState
from wrtcgw.errors import Draining, NotSignedIn, RegistrationRefused, RegistrationTimeout, StoreUnreachable
from wrtcgw.events.catalogue import AgentLetGo, AgentRestored, AgentsTakenOver, StoreFault


class Fetched(ClusterCase):
    """The agent's page asks the other gateway."""

    def test_call_goes_on(self) -> None:
        """With its agent the call comes, and is in hand there; the one that had it says nothing more of it."""
        self.sign_in(self.a)
        call, far = self.call_up(self.a)
        said = len(self.a.sent)
        self.assertTrue(self.fetch(self.b))
        self.in_hand(self.b, far, call)
        self.run_for(2 * TTL)
        self.assertFalse(self.a.has())
        self.assertEqual(len(self.a.sent), said)
        self.assertEqual(self.b.agent().registration, RegistrationState.REGISTERED)
        self.assertIn("gw-b.invalid", self.far.contacts["5001"])

    def test_told(self) -> None:
        """Who looks on hears of it, at both."""
        agent = self.sign_in(self.a)
        call, _ = self.call_up(self.a)
        self.fetch(self.b)
        self.run_for(TTL)
        (restored,) = [event for event in self.b.told if isinstance(event, AgentRestored)]
        self.assertEqual((restored.agent.id, restored.node), ("alice", "a"))
        self.assertEqual(
            [event for event in self.b.told if isinstance(event, AgentsTakenOver)], [AgentsTakenOver(1, ("a",))]
        )
        (gone,) = [event for event in self.a.told if isinstance(event, AgentLetGo)]
        self.assertEqual((gone.agent, [each.id for each in gone.calls]), (agent, [call.id]))
        self.assertEqual((self.a.registry.call_count, list(self.a.gateway.calls())), (0, []))

    def test_wrong_token(self) -> None:
        """Who may not have the agent takes nothing."""
        self.sign_in(self.a)
        before = self.records.leases["5001"]
        self.assertFalse(self.fetch(self.b, right=False))
        self.assertEqual(self.records.leases["5001"], before)
        self.assertFalse(self.b.has())
        self.assertFalse(self.fetch(self.b, "5002"))

    def test_at_once(self) -> None:
        """What the one that had it does next is not said any more: its write is refused."""
        self.sign_in(self.a)
        call, far = self.call_up(self.a)
        self.fetch(self.b)
        far.answer(SDP)
        self.run_for()
        before = len(far.requests)
        waiting = self.begin(self.a.gateway.hangup("alice", call.id))
        self.run_for()
        self.assertEqual(self.successResultOf(waiting).code, 503)
        self.assertEqual(len(far.requests), before)
        self.assertFalse(self.a.has())
        self.in_hand(self.b, far, call)

    def test_back_again(self) -> None:
        """An agent can come back to where it was."""
        self.sign_in(self.a)
        call, far = self.call_up(self.a)
        self.fetch(self.b)
        far.answer(SDP)
        self.run_for(TTL)
        self.assertTrue(self.fetch(self.a))
        self.in_hand(self.a, far, call)

    def test_before_it_is_noticed(self) -> None:
        """It can come back before the gateway there has noticed that it was gone."""
        self.sign_in(self.a)
        call, far = self.call_up(self.a)
        self.fetch(self.b)
        far.answer(SDP)
        self.run_for(0.1)
        self.assertTrue(self.a.has())
        self.assertTrue(self.fetch(self.a))
        self.in_hand(self.a, far, call)

    def test_cannot_go_on(self) -> None:
        """A gateway that drains, or has no store, says so and takes nothing."""
        self.sign_in(self.a)
        self.b.gateway.operation.drain(True)
        self.refused(Draining)
        self.b.gateway.operation.drain(False)
        self.b.store.fault = "gone"
        self.refused(StoreUnreachable)
        self.assertEqual(self.records.owner("5001"), "a")

    def refused(self, kind: type[Exception]) -> None:
        """Check that the agent cannot come for now."""
        waiting = self.begin(self.b.gateway.cluster.fetch("5001", lambda kept: True))
        self.run_for()
        self.failureResultOf(waiting, kind)

    def test_peer_asks_the_old_one(self) -> None:
        """A far side that has not heard of the other gateway yet is asked to wait, and the call stays up."""
        self.sign_in(self.a)
        call, far = self.call_up(self.a)
        self.fetch(self.b)
        self.run_for(TTL)
        far.target = far.target.replace("gw-b", "gw-a")
        far.reinvite(SDP)
        self.run_for()
        self.assertEqual(far.last("INVITE").status, 500)
        self.assertEqual(self.b.agent().call(call.id).state, CallState.ESTABLISHED)


class SignIns(ClusterCase):
    """An agent signs in at another gateway than the one that has it."""

    def test_calls_come_along(self) -> None:
        """The calls go on where the agent signs in."""
        self.sign_in(self.a)
        call, far = self.call_up(self.a)
        self.sign_in(self.b)
        self.in_hand(self.b, far, call)
        self.run_for(TTL)
        self.assertFalse(self.a.has())

    def test_wrong_password(self) -> None:
        """Who does not know the password takes nothing, however long the gateway that has the agent is silent."""
        self.sign_in(self.a)
        call, _ = self.call_up(self.a)
        for _ in range(2):
            waiting = self.begin(self.b.gateway.sign_in(agent_id="alice", dn="5001", password="guess"))
            self.run_for(0.5)
            self.failureResultOf(waiting, RegistrationRefused)
            self.assertIn("5001", self.records.records)
            self.assertFalse(self.b.has())
            self.a.stop()
            self.b.gateway.cluster.stop()
            self.run_for(1.5 * TTL)
        self.b.gateway.cluster.start()
        self.run_for(TTL)
        self.assertEqual(self.b.agent().call(call.id).state, CallState.ESTABLISHED)

    def test_late_registrar(self) -> None:
        """A registrar that answers when the sign_in has given up takes nothing from anybody either."""
        self.sign_in(self.a)
        call, _ = self.call_up(self.a)
        self.a.stop()
        self.b.gateway.cluster.stop()
        self.run_for(1.5 * TTL)
        self.far.silent.add("REGISTER")
        waiting = self.begin(self.b.gateway.sign_in(agent_id="alice", dn="5001", password="secret"))
        self.run_for(9)
        self.failureResultOf(waiting, RegistrationTimeout)
        self.far.silent.clear()
        late = self.far.registers[-1]
        self.far._register(1, late)
        self.run_for(2)
        self.assertIn(call.id, self.records.records["5001"].data.decode())
        self.b.gateway.cluster.start()
        self.run_for(2 * TTL)
        self.assertEqual(self.b.agent().call(call.id).state, CallState.ESTABLISHED)

    def test_other_id(self) -> None:
        """Under another id the agent gets the calls as well."""
        self.sign_in(self.a)
        call, _far = self.call_up(self.a)
        self.sign_in(self.b, "bob")
        self.assertEqual(list(self.b.agent("bob").calls), [call.id])

    def test_both_at_once(self) -> None:
        """Of two sign_ins at the same time one wins, and the other one's gateway lets go."""
        waiting = [
            self.begin(node.gateway.sign_in(agent_id="alice", dn="5001", password="secret")) for node in self.nodes
        ]
        self.run_for(2 * TTL)
        for each in waiting:
            self.successResultOf(each)
        self.assertEqual([node.has() for node in self.nodes].count(True), 1)


class Swept(ClusterCase):
    """The gateway that has the agent is not there any more, and its page says nothing."""

    def test_killed(self) -> None:
        """After the lease has run out the other one takes agent and call."""
        self.sign_in(self.a)
        call, far = self.call_up(self.a)
        self.a.kill()
        self.run_for(TTL * 1.7 + 1)
        self.in_hand(self.b, far, call)

    def test_stopped_properly(self) -> None:
        """One that stops gives its agents back: the next sweep finds them."""
        self.sign_in(self.a)
        call, far = self.call_up(self.a)
        self.successResultOf(self.a.gateway.drain())
        self.a.kill()
        self.run_for(TTL * 0.7)
        self.in_hand(self.b, far, call)
        self.assertEqual(far.methods().count("BYE"), 1)

    def test_quiet_agents_stay(self) -> None:
        """Who is alive keeps agents of whom nothing is heard for hours."""
        self.sign_in(self.a)
        self.run_for(100 * TTL)
        self.assertTrue(self.a.has())
        self.assertFalse(self.b.has())

    def test_unreadable(self) -> None:
        """A record that cannot be read here is left for gateways that can."""
        self.sign_in(self.a)
        self.a.kill()
        record = self.records.records["5001"]
        self.records.records["5001"] = type(record)("5001", b'{"version":99}', "a", record.fence)
        self.run_for(3 * TTL)
        self.assertEqual(self.records.owner("5001"), "")
        self.assertIn("5001", self.records.records)

    def test_readable_later(self) -> None:
        """It is told once, and taken up as soon as there is another one that can be read here."""
        self.sign_in(self.a)
        self.a.kill()
        record = self.records.records["5001"]
        self.records.records["5001"] = type(record)("5001", b'{"version":99}', "a", record.fence)
        self.run_for(5 * TTL)
        self.assertEqual(len([event for event in self.b.told if isinstance(event, StoreFault)]), 1)
        self.records.records["5001"] = record
        self.run_for(TTL)
        self.assertTrue(self.b.has())

    def test_page_is_faster(self) -> None:
        """A page's request, or a sign_in, that crosses the sweep keeps it from nothing else."""
        for agent_id, dn in (("alice", "5001"), ("bob", "5002"), ("carol", "5003")):
            self.sign_in(self.a, agent_id, dn)
        self.a.kill()
        self.run_for(TTL + 0.1)
        self.b.gateway.cluster.stop()
        plain = self.b.gateway.cluster._take
        crossing: list[Deferred[Any]] = []

        async def take(key: str) -> Any:
            record = await plain(key)
            if key == "5001":  # while the records of others are read
                crossing.append(self.begin(self.b.gateway.cluster.fetch("5001", lambda kept: True)))
            if key == "5002":
                self.far.silent.add("REGISTER")
                work = self.b.gateway.sign_in(agent_id="bob", dn="5002", password="geheim")
                crossing.append(self.begin(work).addErrback(lambda failure: None))
            return record

        self.b.gateway.cluster._take = take  # type: ignore[method-assign]
        self.assertEqual(self.done(self.b.gateway.cluster.sweep()), 1)
        self.assertTrue(self.b.has("5001"))
        self.assertTrue(self.b.has("5003"))
        self.assertEqual(self.records.owner("5002"), "")
        self.run_for(60)  # the registrar says nothing to the sign_in
        self.assertTrue(all(waiting.called for waiting in crossing))
        self.assertIn(b'"id":"bob"', self.records.records["5002"].data)
        self.far.silent.clear()
        self.b.gateway.cluster._take = plain  # type: ignore[method-assign]
        self.b.gateway.cluster.start()
        self.run_for(2 * TTL)
        self.assertTrue(self.b.has("5002"))

    def test_newer_record(self) -> None:
        """Who starts takes up what is there when it has the lease, not what it had read before."""
        self.sign_in(self.a)
        call, _ = self.call_up(self.a)
        self.b.kill()
        records = self.successResultOf(self.b.store.load())
        self.sign_in(self.a, "bob", "5002")
        self.begin(self.a.gateway.hangup("alice", call.id))
        self.done(self.a.gateway.sign_out("bob"))
        records += [type(records[0])("5002", records[0].data, "a", 1)]
        self.successResultOf(self.a.gateway.drain())
        self.a.kill()
        third = self.node("b", 1)
        self.nodes[1] = third
        restored = self.done(third.gateway.persistence.take_up(records))
        self.assertEqual((restored.agents, restored.calls, restored.unreadable), (1, 0, 0))
        self.assertEqual(self.records.owner("5002"), "")

    def test_unreadable_at_start(self) -> None:
        """Who starts keeps nothing that it cannot read from gateways that can."""
        self.sign_in(self.a)
        self.a.kill()
        self.b.kill()
        self.run_for(2 * TTL)
        record = self.records.records["5001"]
        self.records.records["5001"] = type(record)("5001", b'{"version":99}', "a", record.fence)
        third = self.node("c", 1)
        self.nodes[1] = third
        records = self.successResultOf(third.store.load())
        self.assertEqual(self.done(third.gateway.persistence.take_up(records)).agents, 0)
        self.assertEqual(self.records.owner("5001"), "")


class Stopped(ClusterCase):
    """A process is stopped for longer than its leases last, and goes on."""

    def test_fenced(self) -> None:
        """It lets go without a word, whatever was due and whatever came meanwhile."""
        self.sign_in(self.a)
        call, far = self.call_up(self.a)
        self.a.stop()
        far.reinvite(SDP.replace("40000", "40002"))
        said = len(self.a.sent)
        self.run_for(2 * TTL)
        self.assertTrue(self.b.has())
        far.answer(SDP)
        self.run_for()
        self.a.go_on()
        self.run_for(TTL)
        self.assertFalse(self.a.has())
        self.assertEqual([text for text in self.a.sent[said:] if not text.startswith("SIP/2.0 500")], [])
        self.in_hand(self.b, far, call)

    def test_without_store(self) -> None:
        """It waits for the store before it says something, though not for ever."""
        self.sign_in(self.a)
        call, _far = self.call_up(self.a)
        self.a.stop()
        self.run_for(2 * TTL)
        self.a.store.fault = "not connected yet"
        before = len(self.a.sent)
        self.a.go_on()
        waiting = self.begin(self.a.gateway.hangup("alice", call.id))
        self.run_for(1)
        self.assertEqual(len(self.a.sent), before)
        self.a.store.fault = ""
        self.run_for(1)
        self.assertEqual(len(self.a.sent), before)
        self.assertFalse(self.a.has())
        self.successResultOf(waiting)

    def test_store_is_gone(self) -> None:
        """When the store stays out of reach, nobody can have taken anything: it goes on from memory."""
        self.sign_in(self.a)
        call, far = self.call_up(self.a)
        self.b.kill()
        self.a.stop()
        self.run_for(2 * TTL)
        self.records.fault = "gone for good"
        self.a.go_on()
        waiting = self.begin(self.a.gateway.hangup("alice", call.id))
        self.run_for(5)
        self.assertEqual(self.successResultOf(waiting).code, 200)
        self.assertEqual(far.methods()[-1], "BYE")

    def test_nobody_came(self) -> None:
        """When nobody has taken them, the agents stay."""
        self.b.kill()
        self.sign_in(self.a)
        call, far = self.call_up(self.a)
        self.a.stop()
        self.run_for(3 * TTL)
        self.a.go_on()
        self.run_for()
        self.in_hand(self.a, far, call)

    def test_short(self) -> None:
        """A stop for less than a lease lasts changes nothing."""
        self.sign_in(self.a)
        call, far = self.call_up(self.a)
        self.a.stop()
        self.run_for(0.5 * TTL)
        self.a.go_on()
        self.run_for(TTL)
        self.assertFalse(self.b.has())
        self.in_hand(self.a, far, call)


class StoreOutOfReach(ClusterCase):
    """The store fails for all."""

    def test_calls_go_on(self) -> None:
        """Calls go on, new ones are refused, and all is as before when it is back."""
        self.sign_in(self.a)
        call, far = self.call_up(self.a)
        self.records.fault = "restarted"
        waiting = self.begin(self.a.gateway.hold("alice", call.id))
        self.run_for()
        far.answer(SDP.replace("sendrecv", "recvonly"))
        self.run_for(2 * TTL)
        self.assertEqual(self.successResultOf(waiting).code, 200)
        with self.assertRaises(StoreUnreachable):
            self.a.gateway.place_call("alice", "1003", PAGE_SDP, page_address=PAGE)
        self.records.fault = ""
        self.run_for(2 * TTL)
        self.assertEqual(self.records.owner("5001"), "a")
        self.assertFalse(self.b.has())
        self.a.gateway.place_call("alice", "1003", PAGE_SDP, page_address=PAGE)


class Shown(ClusterCase):
    """What each gateway can show of the others."""

    def test_elsewhere(self) -> None:
        """Agents of the others with their calls, as they were not long ago."""
        self.sign_in(self.a)
        call, _ = self.call_up(self.a)
        self.run_for(3)
        (found,) = self.done(self.b.gateway.cluster.elsewhere())
        self.assertEqual((found.node, found.agent.id, list(found.agent.calls)), ("a", "alice", [call.id]))
        self.assertAlmostEqual(found.agent.since, self.a.agent().since, 3)
        self.assertEqual(self.done(self.a.gateway.cluster.elsewhere()), [])
        self.fetch(self.b)
        self.assertEqual(self.done(self.b.gateway.cluster.elsewhere()), [])

    def test_asked_often(self) -> None:
        """The store is asked once in a while, however often it is shown."""
        self.sign_in(self.a)
        loads = []
        load = self.b.store.load
        self.b.store.load = lambda: loads.append(1) or load()  # type: ignore[method-assign,func-returns-value]
        waiting = [self.begin(self.b.gateway.cluster.elsewhere()) for _ in range(5)]
        self.run_for()
        self.assertEqual([len(self.successResultOf(each)) for each in waiting], [1] * 5)
        self.assertEqual(len(loads), 1)


class Guests(ClusterCase):
    """Guests of two gateways."""

    def test_do_not_meet(self) -> None:
        """They have other names at each, and come along when their gateway dies."""
        changes = {
            "guest_mode": "registered",
            "guest_dn": "5003",
            "guest_password": "third",
            "guest_destinations": ("*",),
        }
        self.changes = changes
        self.nodes[:] = self.a, self.b = self.node("a", 0), self.node("b", 1)
        for node in self.nodes:
            node.start()
            self.done(node.gateway.sign_in_guest(f"guest-{node.name}"))
        self.run_for(3 * TTL)
        self.a.agent("guest-a")
        self.b.agent("guest-b")
        call, _far = self.call_up(self.a, "guest-a")
        self.a.kill()
        self.run_for(2 * TTL)
        self.assertEqual(self.b.agent("guest-a").call(call.id).state, CallState.ESTABLISHED)
        with self.assertRaises(NotSignedIn):
            self.b.agent("nobody")


class FetchedSlowly(Fetched):
    """The same with a store whose replies take a while, as Redis' do."""

    latency = 0.003


class SignInsSlowly(SignIns):
    """The same with a store whose replies take a while."""

    latency = 0.003


class StoppedSlowly(Stopped):
    """The same with a store whose replies take a while."""

    latency = 0.003
