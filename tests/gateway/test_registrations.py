"""Signing in and out, and who gives way to whom."""

from tests.support.farside import SDP
from tests.support.gatewaycase import OTHER_SDP, GatewayCase
from wrtcgw.calls.agent import RegistrationState
from wrtcgw.calls.call import CallState
from wrtcgw.calls.messages import MessageType
from wrtcgw.errors import (
    AgentInUse,
    BadInput,
    NoSIPConnection,
    NotSignedIn,
    RegistrationRefused,
    RegistrationTimeout,
    WrongState,
)
from wrtcgw.gateway.persistence import Persistence


class SignIn(GatewayCase):
    """A first sign-in."""

    def test_good(self) -> None:
        """A DN is registered with digest; the agent is known from then on."""
        agent = self.sign_in(display_name="Alice A.")
        self.assertEqual((agent.id, agent.dn, agent.display_name), ("alice", "5001", "Alice A."))
        self.assertIs(agent.registration, RegistrationState.REGISTERED)
        self.assertEqual(self.far.contacts, {"5001": "sip:5001@gw.invalid;transport=ws"})
        self.assertEqual(len(self.far.registers), 2)
        self.assertEqual(round(agent.expires), 600)
        self.assertIs(self.gateway.agent("alice"), agent)
        self.assertEqual(list(self.gateway.agents()), [agent])
        self.assertEqual(self.types(agent), [])

    def test_wrong_password(self) -> None:
        """A wrong password is a refusal for the credentials, and leaves nothing behind."""
        error = self.fails(RegistrationRefused, self.gateway.sign_in(agent_id="a", dn="5001", password="no"))
        self.assertEqual((error.dn, error.code, error.credentials), ("5001", 401, True))
        with self.assertRaises(NotSignedIn):
            self.gateway.agent("a")
        self.run_for(120)
        self.assertEqual(len(self.far.registers), 2)
        self.sign_in()

    def test_refusals(self) -> None:
        """A refusal tells whether DN and password were the reason."""
        for code, credentials in ((403, True), (404, True), (500, False), (503, False)):
            self.far.script("REGISTER", code)
            error = self.fails(RegistrationRefused, self.gateway.sign_in(agent_id="a", dn="5001", password="x"))
            self.assertEqual((error.code, error.credentials), (code, credentials))

    def test_true_cause(self) -> None:
        """A 401 that nobody could answer says nothing of the password, and is told as what it is."""
        self.far.script("REGISTER", 401)
        error = self.fails(RegistrationRefused, self.gateway.sign_in(agent_id="a", dn="5001", password="secret"))
        self.assertFalse(error.credentials)
        self.assertIn("carries no challenge", str(error))
        self.assertNotIn("password", str(error))

    def test_nothing_granted(self) -> None:
        """A registrar that grants 0 s has registered nobody: the sign-in says so, and nothing is asked for any more."""
        self.far.expires = 0
        error = self.fails(RegistrationRefused, self.gateway.sign_in(agent_id="a", dn="5001", password="secret"))
        self.assertEqual((error.code, error.credentials), (200, False))
        self.assertIn("granted 0 seconds", str(error))
        with self.assertRaises(NotSignedIn):
            self.gateway.agent("a")
        asked = len(self.far.registers)
        self.run_for(300)
        self.assertEqual(len(self.far.registers), asked)

    def test_nothing_granted_any_more(self) -> None:
        """The same at a refresh: the page hears that it is not registered, and when it is again."""
        agent = self.sign_in()
        self.far.expires = 0
        self.run_for(600)
        self.assertIs(agent.registration, RegistrationState.RECOVERING)
        told = self.last(agent, MessageType.REGISTRATION)
        self.assertEqual((told.state, told.code), ("RECOVERING", 200))
        self.assertIn("granted 0 seconds", told.hint)
        asked = len(self.far.registers)
        self.run_for(120)
        self.assertLess(len(self.far.registers) - asked, 6)
        self.far.expires = 600
        self.run_for(61)
        self.assertIs(agent.registration, RegistrationState.REGISTERED)

    def test_silent_registrar(self) -> None:
        """A registrar that is silent fails the sign-in in time, and what it says later changes nothing."""
        self.far.silent.add("REGISTER")
        waiting = self.begin(self.gateway.sign_in(agent_id="a", dn="5001", password="secret"))
        self.run_for(7.9)
        self.assertNoResult(waiting)
        self.run_for(0.2)
        self.assertEqual(self.failureResultOf(waiting, RegistrationTimeout).value.seconds, 8.0)
        self.run_for(40)
        self.far.silent.clear()
        self.sign_in()

    def test_silent_registrar_behind_a_proxy(self) -> None:
        """A proxy that waited in vain for the registrar tells the same as the registrar's own silence."""
        for code in (408, 504):
            self.far.script("REGISTER", code)
            self.fails(RegistrationTimeout, self.gateway.sign_in(agent_id="a", dn="5001", password="x"))

    def test_late_registrar(self) -> None:
        """A consent that comes after the sign-in has failed is taken back."""
        self.far.silent.add("REGISTER")
        waiting = self.begin(self.gateway.sign_in(agent_id="a", dn="5001", password="secret"))
        self.run_for(9)
        self.failureResultOf(waiting, RegistrationTimeout)
        self.far.silent.clear()
        self.far.take(0, self.far.registers[0].to_text())
        self.run_for(1)
        self.assertEqual(self.far.contacts, {})
        self.assertEqual(list(self.gateway.agents()), [])

    def test_no_connection(self) -> None:
        """A sign-in whose connection is lost fails at once, one without a connection when none came in four seconds."""
        self.far.silent.add("REGISTER")
        waiting = self.begin(self.gateway.sign_in(agent_id="a", dn="5001", password="secret"))
        self.run_for(1)
        self.gateway.disconnected(0)
        self.failureResultOf(waiting, NoSIPConnection)
        waiting = self.begin(self.gateway.sign_in(agent_id="a", dn="5001", password="secret"))
        self.run_for(3.8)
        self.assertNoResult(waiting)
        self.run_for(0.4)
        self.failureResultOf(waiting, NoSIPConnection)
        self.far.silent.clear()
        self.gateway.connected(0)
        self.sign_in()

    def test_connection_comes(self) -> None:
        """Sign-ins that wait for a connection go on as soon as there is one."""
        self.gateway.disconnected(0)
        works = [
            self.begin(self.gateway.sign_in(agent_id=dn, dn=dn, password=self.passwords[dn])) for dn in ("5001", "5002")
        ]
        self.run_for(3)
        self.gateway.connected(0)
        self.run_for(0.5)
        self.assertEqual([self.successResultOf(work).dn for work in works], ["5001", "5002"])

    def test_fields(self) -> None:
        """What cannot be an id, a DN, a password or a name is refused; a password is never shown."""
        good = {"agent_id": "alice", "dn": "5001", "password": "secret", "display_name": ""}
        for key, value, name in (
            ("agent_id", "", "id"),
            ("agent_id", "x" * 129, "id"),
            ("agent_id", "a\nb", "id"),
            ("dn", "", "dn"),
            ("dn", "5001@example.org", "dn"),
            ("dn", "5001>;x", "dn"),
            ("dn", "5" * 65, "dn"),
            ("password", "", "password"),
            ("display_name", "x\r\nEvil: 1", "display_name"),
            ("display_name", "x" * 129, "display_name"),
        ):
            fields = {**good, key: value}
            error = self.fails(BadInput, self.gateway.sign_in(**fields))  # type: ignore[arg-type]
            self.assertEqual(error.field, name)
        self.assertEqual(self.far.registers, [])

    def test_health(self) -> None:
        """Health counts agents, calls and connections."""
        agent = self.sign_in()
        self.outbound(agent)
        health = self.gateway.health()
        self.assertEqual((health.status, health.registered_agents, health.active_calls), ("ok", 1, 1))
        self.assertEqual((health.connections_up, health.connections_total), (1, 1))
        self.assertGreater(health.uptime, 0)
        self.gateway.disconnected(0)
        self.assertEqual(self.gateway.health().status, "down")

    def test_abandoned(self) -> None:
        """A sign-in whose request broke off goes on by itself."""
        waiting = self.begin(self.gateway.sign_in(agent_id="alice", dn="5001", password="secret"))
        waiting.cancel()
        waiting.addErrback(lambda failure: None)
        self.run_for()
        self.assertEqual(self.gateway.agent("alice").dn, "5001")


class Again(GatewayCase):
    """A sign-in of an id or a DN that is signed in already."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()

    def test_same(self) -> None:
        """The same id and DN is verified by a fresh REGISTER, and stays the same agent."""
        before = len(self.far.registers)
        self.assertIs(self.sign_in(), self.agent)
        self.assertGreater(len(self.far.registers), before)
        self.assertEqual(self.types(self.agent), [])

    def test_same_with_wrong_password(self) -> None:
        """A wrong password disturbs neither the registration nor the calls of the agent who is signed in."""
        _, far = self.outbound(self.agent)
        self.fails(RegistrationRefused, self.gateway.sign_in(agent_id="alice", dn="5001", password="no"))
        self.assertIs(self.gateway.agent("alice"), self.agent)
        self.assertIs(self.agent.registration, RegistrationState.REGISTERED)
        self.assertEqual(self.far.contacts.keys(), {"5001"})
        self.assertEqual(self.types(self.agent), [])
        before = len(self.far.registers)
        self.run_for(700)
        self.assertGreater(len(self.far.registers), before)
        self.assertIs(self.agent.registration, RegistrationState.REGISTERED)
        self.assertEqual(self.done(self.gateway.hangup("alice")).code, 200)
        self.assertEqual(far.methods()[-1], "BYE")

    def test_refresh_does_not_prove_a_password(self) -> None:
        """The registrar's consent to a refresh that is under way is not taken for one to the sign-in."""
        self.far.silent.add("REGISTER")
        self.run_for(600)
        waiting = self.begin(self.gateway.sign_in(agent_id="alice", dn="5001", password="no"))
        self.run_for(1)
        self.far.silent.clear()
        self.far.take(0, self.far.registers[-1].to_text())
        self.run_for(1)
        self.failureResultOf(waiting, RegistrationRefused)
        self.assertIs(self.agent.registration, RegistrationState.REGISTERED)

    def test_id_taken(self) -> None:
        """An id that is signed in with another DN is in use, unless its own session asks."""
        self.fails(AgentInUse, self.gateway.sign_in(agent_id="alice", dn="5002", password="geheim"))
        _, far = self.outbound(self.agent)
        new = self.sign_in("alice", "5002", current=True)
        self.run_for(1)
        self.assertIs(self.gateway.agent("alice"), new)
        self.assertEqual(self.far.contacts.keys(), {"5002"})
        self.assertEqual(far.methods()[-1], "BYE")
        gone = self.last(self.agent, MessageType.SIGNED_OUT)
        self.assertIn("another DN", gone.reason)
        self.assertEqual(self.types(new), [])
        self.assertEqual(list(self.gateway.calls()), [])

    def test_id_kept_after_wrong_password(self) -> None:
        """An id does not change its DN on a wrong password."""
        self.fails(
            RegistrationRefused,
            self.gateway.sign_in(agent_id="alice", dn="5002", password="no", current=True),
        )
        self.assertIs(self.gateway.agent("alice"), self.agent)
        self.assertEqual(self.types(self.agent), [])

    def test_takeover(self) -> None:
        """The same DN under another id takes over after a good password, with the calls."""
        call, _ = self.outbound(self.agent)
        self.fails(RegistrationRefused, self.gateway.sign_in(agent_id="bob", dn="5001", password="no"))
        self.assertEqual(self.types(self.agent), [])
        new = self.sign_in("bob")
        (gone,) = self.messages(self.agent)
        self.assertEqual((gone.type, gone.to), (MessageType.SIGNED_OUT, "alice"))
        self.assertIn("another page", gone.reason)
        self.assertIs(self.agent.registration, RegistrationState.SIGNED_OUT)
        with self.assertRaises(NotSignedIn):
            self.gateway.agent("alice")
        self.assertEqual((call.agent_id, list(new.calls)), ("bob", [call.id]))
        self.assertEqual(self.far.contacts.keys(), {"5001"})
        self.assertEqual(self.done(self.gateway.hangup("bob")).code, 200)
        self.assertEqual(self.types(new), ["OFFER", "SHUTDOWN"])
        self.assertEqual(self.types(self.agent), [])

    def test_takeover_of_both(self) -> None:
        """An id with another DN can take over a DN of another id: both give way."""
        bob = self.sign_in("bob", "5002")
        new = self.sign_in("alice", "5002", current=True)
        self.run_for(1)
        self.assertEqual(list(self.gateway.agents()), [new])
        self.assertEqual((self.types(self.agent), self.types(bob)), (["SIGNED_OUT"], ["SIGNED_OUT"]))
        self.assertEqual(self.far.contacts.keys(), {"5002"})

    def test_crossing(self) -> None:
        """Sign-ins of one DN or id that cross are done one after the other; the last one wins."""
        works = [
            self.begin(self.gateway.sign_in(agent_id=agent_id, dn="5003", password="third"))
            for agent_id in ("x", "y", "x")
        ]
        wrong = self.begin(self.gateway.sign_in(agent_id="x", dn="5002", password="geheim"))
        self.run_for(2)
        agents = [self.successResultOf(work) for work in works]
        self.failureResultOf(wrong, AgentInUse)
        self.assertEqual({agent.id for agent in self.gateway.agents()}, {"alice", "x"})
        self.assertIs(self.gateway.agent("x"), agents[2])
        registrations = self.gateway._registrations
        self.assertEqual((len(registrations._ids), len(registrations._dns)), (0, 0))


class Resync(GatewayCase):
    """What a new page of the same agent is told."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()

    def test_ringing(self) -> None:
        """A call that rings is offered again, unless its offer was not read yet."""
        self.inbound(self.agent)
        self.sign_in()
        self.assertEqual(self.types(self.agent), ["OFFER"])
        self.sign_in()
        (offer,) = self.messages(self.agent)
        self.assertEqual((offer.type, offer.sdp), (MessageType.OFFER, SDP))

    def test_established(self) -> None:
        """In an established call the page is asked for an offer, which goes out as a re-INVITE."""
        _, far = self.outbound(self.agent)
        self.sign_in()
        (asked,) = self.messages(self.agent)
        self.assertEqual((asked.type, asked.sdp, asked.state), (MessageType.OFFER, None, "ESTABLISHED"))
        self.assertEqual(asked.cause, "resync")
        self.assertFalse(self.gateway.wants(asked) and asked.is_description)
        self.describe(self.agent, OTHER_SDP.replace("o=page 1 1", "o=page 99 1"), kind=MessageType.OFFER)
        self.assertIn("o=page 1 2 IN IP4", far.offer)
        self.assertIn("m=audio 30002", far.offer)
        far.answer()
        self.run_for()
        self.assertEqual(self.types(self.agent), ["ANSWER"])

    def test_not_told_to_the_old_page(self) -> None:
        """The new page is told of the calls: the old one's poll must not get that before the sign-in has ended it."""
        self.outbound(self.agent)
        self.messages(self.agent)
        told: list[str] = []
        work = self.gateway.sign_in(agent_id="alice", dn="5001", password="secret")
        self.begin(work).addCallback(lambda agent: told.extend(self.types(agent)))
        self.run_for()
        self.assertEqual((told, self.types(self.agent)), ([], ["OFFER"]))

    def test_dialling(self) -> None:
        """Of a call that is not answered yet the page hears that it rings."""
        self.place(self.agent)
        self.sign_in()
        (ringing,) = self.messages(self.agent)
        self.assertEqual((ringing.type, ringing.cause, ringing.state), (MessageType.RINGING, "resync", "DIALLING"))

    def test_offer_inside(self) -> None:
        """An offer of the far side that waits for the page is given to the new one."""
        _, far = self.outbound(self.agent)
        changed = SDP.replace("40000", "40006")
        far.reinvite(changed)
        self.run_for()
        self.messages(self.agent)
        self.sign_in()
        (offer,) = self.messages(self.agent)
        self.assertEqual((offer.type, offer.sdp), (MessageType.OFFER, changed))
        self.describe(self.agent)
        self.assertEqual(far.last("INVITE").status, 200)

    def test_ending(self) -> None:
        """A call that is ending is not told."""
        _, far = self.outbound(self.agent)
        self.far.silent.add("BYE")
        waiting = self.begin(self.gateway.hangup("alice"))
        self.sign_in()
        self.assertEqual(self.types(self.agent), [])
        self.run_for(40)
        self.assertEqual(self.successResultOf(waiting).code, 0)
        self.assertEqual(far.methods()[-1], "BYE")


class SignOut(GatewayCase):
    """Leaving."""

    def test_idle(self) -> None:
        """An agent who leaves is un-REGISTERed and told; leaving twice is fine."""
        agent = self.sign_in()
        self.done(self.gateway.sign_out("alice"))
        self.assertEqual(self.far.contacts, {})
        self.assertEqual(self.types(agent), ["SIGNED_OUT"])
        self.done(self.gateway.sign_out("alice"))
        self.assertEqual(self.gateway.health().registered_agents, 0)
        self.sign_in()

    def test_with_calls(self) -> None:
        """Calls in every state end with the agent."""
        agent = self.sign_in()
        first, up = self.outbound(agent)
        self.inbound(agent)
        ringing = self.far.calls[-1]
        _, dialled = self.place(agent)
        self.done(self.gateway.sign_out("alice"), 1)
        self.assertEqual(up.methods()[-1], "BYE")
        self.assertEqual(ringing.last("INVITE").status, 486)
        self.assertIn("CANCEL", dialled.methods())
        self.assertEqual((first.state, list(self.gateway.calls())), (CallState.ENDED, []))
        self.assertEqual(self.messages(agent)[-1].type, MessageType.SIGNED_OUT)

    def test_end_of_calls_is_told_first(self) -> None:
        """Each call's end is told once and at once, before SIGNED_OUT, also when the far side confirms nothing."""
        agent = self.sign_in()
        self.outbound(agent)
        self.inbound(agent)
        ids = list(agent.calls)
        self.messages(agent)
        self.far.silent |= {"BYE", "REGISTER"}
        leaving = self.begin(self.gateway.sign_out("alice"))
        *ends, last = self.messages(agent)
        self.assertEqual([end.call_id for end in ends], ids)
        for end in ends:
            self.assertEqual((end.type, end.cause, end.state), (MessageType.SHUTDOWN, "local", "ENDED"))
        self.assertEqual(last.type, MessageType.SIGNED_OUT)
        self.run_for(40)
        self.successResultOf(leaving)
        self.assertEqual(self.messages(agent), [])

    def test_last_messages(self) -> None:
        """What an agent has not fetched when it leaves can be fetched for a while, until the id signs in again."""
        agent = self.sign_in()
        self.assertIsNone(self.gateway.leaver("alice"))
        self.done(self.gateway.sign_out("alice"))
        self.assertIs(self.gateway.leaver("alice"), agent)
        self.messages(agent)
        self.assertIsNone(self.gateway.leaver("alice"))
        self.sign_in()
        self.done(self.gateway.sign_out("alice"))
        self.run_for(5.1)
        self.assertIsNone(self.gateway.leaver("alice"))
        self.sign_in("bob", "5002")
        self.done(self.gateway.sign_out("bob"))
        self.sign_in("bob", "5002")
        self.assertIsNone(self.gateway.leaver("bob"))

    def test_silent_far_side(self) -> None:
        """A far side that does not confirm holds the sign-out up for a while only; the id is free at once."""
        agent = self.sign_in()
        self.outbound(agent)
        self.far.silent |= {"BYE", "REGISTER"}
        waiting = self.begin(self.gateway.sign_out("alice"))
        with self.assertRaises(NotSignedIn):
            self.gateway.agent("alice")
        self.run_for(4.9)
        self.assertNoResult(waiting)
        self.run_for(0.2)
        self.successResultOf(waiting)
        self.run_for(40)

    def test_during_sign_in(self) -> None:
        """A sign-out that crosses a sign-in of the same DN leaves the new registration alone."""
        self.sign_in()
        coming = self.begin(self.gateway.sign_in(agent_id="bob", dn="5001", password="secret"))
        leaving = self.begin(self.gateway.sign_out("alice"))
        self.run_for(1)
        self.successResultOf(leaving)
        self.assertEqual(self.successResultOf(coming).id, "bob")
        self.assertEqual(self.far.contacts.keys(), {"5001"})

    def test_during_refresh(self) -> None:
        """A refresh that is under way does not keep a DN registered that is being signed out."""
        self.sign_in()
        self.far.silent.add("REGISTER")
        self.run_for(600)
        leaving = self.begin(self.gateway.sign_out("alice"))
        self.far.silent.clear()
        self.far.take(0, self.far.registers[-1].to_text())
        self.run_for(1)
        self.successResultOf(leaving)
        self.assertEqual(self.far.contacts, {})

    def test_drain(self) -> None:
        """Without a store, stopping signs everybody out and ends all calls, and tells why."""
        self.patch(Persistence, "survives", False)
        agent = self.sign_in()
        self.outbound(agent)
        self.sign_in("bob", "5002")
        draining = self.gateway.drain()
        end, last = self.messages(agent)
        self.assertEqual((end.type, end.cause), (MessageType.SHUTDOWN, "signed-out"))
        self.assertEqual((last.type, last.cause), (MessageType.SIGNED_OUT, "stopping"))
        self.assertEqual(last.reason, "the gateway is stopping")
        self.run_for(1)
        self.successResultOf(draining)
        self.assertEqual((self.far.contacts, self.gateway.health().active_calls), ({}, 0))
        self.run_for(100)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_end_raises(self) -> None:
        """A call that cannot be ended does not keep the agent from leaving; the fault is reported."""
        agent = self.sign_in()
        call, _ = self.outbound(agent)
        del self.gateway._context.legs[call.id]
        self.done(self.gateway.sign_out("alice"))
        (problem,) = self.problems
        self.assertIsInstance(problem, KeyError)
        self.problems.clear()


class Lasting(GatewayCase):
    """Registrations over time."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()

    def test_refresh(self) -> None:
        """A refresh moves the expiry on and is no news for the page."""
        before = self.agent.expires
        self.run_for(500)
        self.assertGreater(self.agent.expires, before)
        self.assertEqual(self.types(self.agent), [])

    def test_refused_for_good(self) -> None:
        """When the PBX changes the password the page is told that the registration is lost."""
        self.passwords["5001"] = "changed"
        self.run_for(600)
        (told,) = self.messages(self.agent)
        self.assertEqual((told.type, told.state, told.code), (MessageType.REGISTRATION, "FAILED", 401))
        self.assertEqual((told.cause, self.agent.last_code), ("credentials", 401))
        self.sign_in(password="changed")
        (told,) = self.messages(self.agent)
        self.assertEqual((told.state, told.code), ("REGISTERED", 0))

    def test_refused_for_a_while(self) -> None:
        """A temporary refusal is told once, and the recovery too."""
        self.far.script("REGISTER", 503, 503, 503)
        self.run_for(700)
        first, second = self.messages(self.agent)
        self.assertEqual((first.state, first.code), ("RECOVERING", 503))
        self.assertEqual((second.state, second.code), ("REGISTERED", 0))

    def test_connection(self) -> None:
        """The loss of the connection and the recovery are told, and the agent stays signed in."""
        self.gateway.disconnected(0)
        self.gateway.disconnected(0)
        self.run_for(5)
        (told,) = self.messages(self.agent)
        self.assertEqual((told.state, told.code), ("RECOVERING", 0))
        self.assertIn("connection", told.reason)
        self.gateway.connected(0)
        self.run_for(1)
        (told,) = self.messages(self.agent)
        self.assertEqual(told.state, "REGISTERED")

    def test_lost_dn(self) -> None:
        """News of a DN that nobody has is ignored."""
        self.registry.remove_agent(self.agent)
        self.passwords["5001"] = "changed"
        self.run_for(600)
        self.assertEqual(self.messages(self.agent), [])


class Pool(GatewayCase):
    """Several connections."""

    flows = 2

    def test_spread(self) -> None:
        """Agents are spread over the connections; each keeps its own while it is up."""
        first, second = self.sign_in(), self.sign_in("bob", "5002")
        self.assertEqual(self.gateway.health().connections_up, 2)
        self.gateway.disconnected(0)
        self.assertEqual(self.gateway.health().status, "degraded")
        told = {agent.id for agent in (first, second) if self.types(agent)}
        self.assertEqual(len(told), 1)
        self.sign_in("bob", "5002")
        self.sign_in("alice", "5001")
        self.assertEqual(first.registration, second.registration, RegistrationState.REGISTERED)

    def test_wait_on_other_connection(self) -> None:
        """The loss of one connection does not fail a sign-in over the other."""
        self.far.silent.add("REGISTER")
        works = [
            self.begin(self.gateway.sign_in(agent_id=dn, dn=dn, password=self.passwords[dn])) for dn in ("5001", "5002")
        ]
        self.gateway.disconnected(0)
        self.assertEqual(sum(1 for work in works if work.called), 1)
        self.run_for(9)
        kinds = [self.failureResultOf(work, NoSIPConnection, RegistrationTimeout).type for work in works]
        self.assertEqual(set(kinds), {NoSIPConnection, RegistrationTimeout})
        self.run_for(60)


class Verbs(GatewayCase):
    """Verbs whose request broke off."""

    def test_abandoned_hold(self) -> None:
        """A hold whose request broke off takes effect all the same."""
        agent = self.sign_in()
        call, far = self.outbound(agent)
        waiting = self.begin(self.gateway.hold("alice"))
        waiting.cancel()
        waiting.addErrback(lambda failure: None)
        self.run_for()
        far.answer(SDP.replace("sendrecv", "recvonly"))
        self.run_for()
        self.assertTrue(call.held)
        self.fails(WrongState, self.gateway.hold("alice"))
