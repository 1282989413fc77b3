"""Toll fraud: numbers that may not be called, by every means and in every spelling, and calls without end."""

from attrs import evolve

from tests.support.farside import SDP
from tests.support.gatewaycase import DOMAIN, PAGE, PAGE_SDP, GatewayCase
from wrtcgw.calls.abilities import PageAbilities
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.messages import MessageType
from wrtcgw.errors import DestinationForbidden, GuestsNotAllowed, TooManyCalls, TooManyOrders, WrongState
from wrtcgw.events.catalogue import AlarmRaised
from wrtcgw.gateway.budgets import CallBudget
from wrtcgw.gateway.rights import Rights, spellings
from wrtcgw.gateway.settings import AgentGroup, GatewaySettings
from wrtcgw.sip.uri import URI

PREMIUM = "+19005551234"


class TollCase(GatewayCase):
    """A gateway with rules; its alarms are kept."""

    def start(self, **changes: object) -> None:
        """Make the gateway, and note its alarms."""
        super().start(**changes)
        self.alarms: list[AlarmRaised] = []
        self.gateway.events.subscribe(AlarmRaised, self.alarms.append)

    def kinds(self) -> list[str]:
        """Return the words of the alarms so far."""
        return [alarm.kind.value for alarm in self.alarms]

    def call(self, to: str, agent_id: str = "alice", page: str = PAGE) -> str:
        """Place a call and return its id."""
        return self.gateway.place_call(agent_id, to, PAGE_SDP, page_address=page).id

    def reload(self, **changes: object) -> None:
        """Change settings while the gateway runs."""
        self.gateway.reconfigure(evolve(GatewaySettings(domain=DOMAIN, accept_refer=True), **changes))  # type: ignore[arg-type]

    def dialled(self) -> list[str]:
        """Return whom the gateway has sent INVITEs to."""
        return [request.uri for call in self.far.calls for request in call.requests if request.method == "INVITE"]


class SpellingTests(TollCase):
    """A number that is forbidden is so however it is written."""

    def forbidden(self, pattern: str, *numbers: str) -> None:
        """Check that a pattern forbids all these numbers, and that none goes out."""
        self.start(forbidden_destinations=(pattern,), allowed_domains=frozenset({"b.example"}))
        self.sign_in()
        for number in numbers:
            self.assertRaises(DestinationForbidden, self.call, number)
        self.run_for()
        self.assertEqual(self.dialled(), [])
        self.assertEqual(set(self.kinds()), {"destination_forbidden"})
        self.assertEqual({alarm.setting for alarm in self.alarms}, {"forbidden_destinations"})

    def test_international(self) -> None:
        """Plus and the prefix that stands for it are the same, as a number and in a URI, wherever it is."""
        for pattern in ("+1900*", "001900*", PREMIUM, "0019005551234"):
            uris = (f"sip:{PREMIUM}@{DOMAIN}", f"sip:%2B19005551234@{DOMAIN}", f"sip:{PREMIUM}@b.example")
            self.forbidden(pattern, PREMIUM, "0019005551234", *uris, f"sip:0019005551234@{DOMAIN};user=phone")

    def test_separators(self) -> None:
        """Neither dots nor hyphens nor parentheses make another number of it, in the rule or in the number."""
        for pattern in ("+1900*", "+1-900*", "00-1900*"):
            self.forbidden(pattern, "+1-900-555-1234", "+1.900.555.1234", "00-1-900-5551234")

    def test_capitals(self) -> None:
        """A user name is the same in capitals."""
        self.forbidden("premium*", "premium1", "PREMIUM1", f"sip:Premium@{DOMAIN}")

    def test_service_codes(self) -> None:
        """The number behind the code of a service is called as well."""
        self.forbidden("00*", "*31#0019005551234", "#31#+19005551234", "*21*0049900#")

    def test_other_prefix(self) -> None:
        """Where another prefix is dialled that one counts."""
        self.start(forbidden_destinations=("+44*",), international_prefix="011")
        self.sign_in()
        self.assertRaises(DestinationForbidden, self.call, "01144900123")
        self.call("0044900123")

    def test_phone_context(self) -> None:
        """A local number in the context of another country is a number of that country."""
        rights = Rights(forbidden=("+1900*",))
        for user in ("900123;phone-context=+1", "+1900123;isub=1", "900-123;phone-context=+1-", "0019001"):
            self.assertIsNotNone(rights.fault(URI(user=user, host=DOMAIN)), user)

    def test_what_is_not_forbidden(self) -> None:
        """Numbers and users that only look alike can be called."""
        self.start(forbidden_destinations=("+1900*", "1234", "00*"))
        self.sign_in()
        for number in ("0190", "1900123", "12345", "alice", "*97", "#21#", "123", "0300"):
            self.call(number)
            self.done(self.gateway.hangup("alice"), 6)
        self.assertEqual(self.kinds(), [])

    def test_spellings(self) -> None:
        """A user name is one word; a number is all the ways of writing it."""
        self.assertEqual(spellings("Ann.Lee", "00"), ["ann.lee"])
        self.assertEqual(spellings("+49 (30) 1-2", "00"), ["+493012", "00493012"])
        self.assertEqual(spellings("+49", ""), ["+49", "49"])


class AllowTests(TollCase):
    """Numbers that are not in a list that allows some."""

    def test_only_these(self) -> None:
        """With a list of destinations nothing else can be called; the text names setting and number."""
        self.start(destinations=("50*", "+49*", "110"))
        self.sign_in()
        for number in ("5001", "+49301", "0049301", "110"):
            self.call(number)
            self.done(self.gateway.hangup("alice"), 6)
        for number in ("1101", "+1900", "6001", "x50"):
            error = self.assertRaises(DestinationForbidden, self.call, number)
            self.assertIn("destinations", str(error))
            self.assertIn(number, str(error))

    def test_groups(self) -> None:
        """The first group with a pattern of the DN decides; what it leaves out is as for everybody."""
        groups = (
            AgentGroup(dns=("5002",), destinations=("*",), forbidden_destinations=()),
            AgentGroup(dns=("50*",), destinations=("50*",), calls_per_minute=1),
        )
        self.start(forbidden_destinations=("00*",), agent_groups=groups)
        for name, dn in (("alice", "5001"), ("bob", "5002")):
            self.sign_in(name, dn)
        self.call("0049", "bob")
        error = self.assertRaises(DestinationForbidden, self.call, "6000")
        self.assertIn("agent_groups 50*", str(error))
        self.assertRaises(DestinationForbidden, self.call, "0050")
        self.call("5003")
        self.assertRaises(TooManyCalls, self.call, "5003")
        self.call("5003", "bob")

    def test_question(self) -> None:
        """A page can ask before it opens the microphone: nothing is called, charged or told."""
        self.start(forbidden_destinations=("00*",), calls_per_minute=1, max_calls=1)
        self.sign_in()
        for _ in range(5):
            self.assertEqual(self.gateway.may_call("alice", "5002"), f"sip:5002@{DOMAIN}")
            self.assertRaises(DestinationForbidden, self.gateway.may_call, "alice", "0049")
        self.call("5002")
        self.assertRaises(TooManyCalls, self.gateway.may_call, "alice", "5002")
        self.assertEqual((len(self.far.calls), self.kinds()), (1, []))

    def test_reload(self) -> None:
        """New rules count from the next call on."""
        self.sign_in()
        self.call("0049")
        self.reload(forbidden_destinations=("00*",))
        self.assertRaises(DestinationForbidden, self.call, "0049")


class TransferTests(TollCase):
    """The same rules for whom a far side is sent to."""

    def test_blind(self) -> None:
        """A far side cannot be sent to a forbidden number; the call goes on."""
        self.start(forbidden_destinations=("+1900*",))
        agent = self.sign_in()
        call, far = self.outbound(agent)
        self.fails(DestinationForbidden, self.gateway.transfer("alice", to="001900-555"))
        self.assertNotIn("REFER", far.methods())
        self.assertTrue(call.is_up)
        self.done(self.gateway.transfer("alice", to="5003"), 1)

    def test_attended(self) -> None:
        """Nor to another far side whose Contact names one."""
        self.start(forbidden_destinations=("far",))
        agent = self.sign_in()
        first, far = self.outbound(agent)
        second, _ = self.outbound(agent)
        self.fails(DestinationForbidden, self.gateway.transfer("alice", first.id, to_call=second.id))
        self.assertNotIn("REFER", far.methods())

    def test_charged(self) -> None:
        """A transfer counts as a call."""
        self.start(calls_per_minute=2, refer_delay=0.0)
        agent = self.sign_in()
        self.outbound(agent)
        self.far.script("REFER", 403, 403)
        for _ in range(1):
            self.begin(self.gateway.transfer("alice", to="5003")).addErrback(lambda failure: None)
            self.run_for()
        self.fails(TooManyCalls, self.gateway.transfer("alice", to="5003"))


class WishTests(TollCase):
    """REFER of a far side, where pages may take it up."""

    def referred(self, target: str, **settings: object) -> tuple[Agent, int]:
        """Let a far side ask for a transfer; return the agent, and the answer to the REFER."""
        self.start(accept_refer=True, **settings)
        agent = self.sign_in()
        _, far = self.outbound(agent)
        far.refer(target)
        self.run_for()
        return agent, far.last("REFER").status

    def test_elsewhere(self) -> None:
        """A target of another domain is declined, and the page is not asked."""
        for target in (
            "sip:+1900@evil.example",
            "sip:+1900@evil.example;maddr=10.0.0.1",
            "sip:evil.example",
            "mailto:a@b",
            "sip:%22x%22@example.org",
        ):
            agent, status = self.referred(target)
            self.assertEqual((status, self.types(agent)), (603, []), target)
            self.assertEqual(self.kinds(), ["destination_forbidden"])

    def test_forbidden(self) -> None:
        """So is one that a rule forbids, in any spelling."""
        for target in (f"sip:{PREMIUM}@{DOMAIN}", f"sip:0019005551234;isub=1@{DOMAIN}", f"tel:{PREMIUM}"):
            agent, status = self.referred(target, forbidden_destinations=("+1900*",))
            self.assertEqual((status, self.types(agent)), (603, []), target)

    def test_reduced(self) -> None:
        """Of what the far side names only user and domain are called."""
        for target in (
            f"sip:5003@{DOMAIN};maddr=10.0.0.1;transport=tcp",
            f"sip:5003@{DOMAIN}:5099",
            f"sip:5003@{DOMAIN}?X-Evil=1",
            "tel:5003;phone-context=example.org",
            "tel:50-03",
        ):
            agent, status = self.referred(target)
            self.assertEqual((status, self.last(agent, MessageType.TRANSFER).to), (202, "5003"))
            self.call("5003")
            self.run_for()
            self.assertEqual(self.dialled()[-1], f"sip:5003@{DOMAIN}")

    def test_rules_that_changed(self) -> None:
        """The rules count again when the page takes the wish up."""
        self.referred(f"sip:{PREMIUM}@{DOMAIN}")
        self.reload(forbidden_destinations=("+1900*",))
        self.assertRaises(DestinationForbidden, self.call, PREMIUM)


class RedirectTests(TollCase):
    """3xx of a far side."""

    def redirected(self, *contacts: str, status: int = 302, to: str = "8000") -> str:
        """Place a call that is redirected; return the hint of its end, '' while it goes on."""
        agent_id = next(agent.id for agent in self.gateway.agents())
        self.call(to, agent_id)
        self.run_for()
        self.far.calls[-1].refuse(status, fields=[("Contact", contact) for contact in contacts], contact=False)
        self.run_for()
        agent = self.gateway.agent(agent_id)
        return "".join(message.hint for message in self.messages(agent) if message.type is MessageType.ERROR)

    def test_forbidden(self) -> None:
        """A redirection to a forbidden number is not followed, in any spelling, and an alarm tells of it."""
        for contact in (
            f"<sip:{PREMIUM}@{DOMAIN}>",
            f"<sip:%2B19005551234@{DOMAIN}>",
            f"<sip:001900-5551234@{DOMAIN};user=phone>",
            f"<tel:{PREMIUM}>",
        ):
            self.start(forbidden_destinations=("+1900*",))
            self.sign_in()
            self.assertIn("may not be called", self.redirected(contact))
            self.assertEqual((self.dialled(), self.kinds()), ([f"sip:8000@{DOMAIN}"], ["destination_forbidden"]))

    def test_guest(self) -> None:
        """A guest's call goes nowhere but to what guests may call."""
        self.start(guest_mode="unregistered", guest_destinations=("8000", "85*"))
        self.done(self.gateway.sign_in_guest("anon"))
        self.assertIn("may not be called", self.redirected(f"<sip:{PREMIUM}@{DOMAIN}>"))
        self.assertEqual(self.redirected(f"<sip:8512@{DOMAIN}>"), "")
        self.assertEqual(self.dialled()[-1], f"sip:8512@{DOMAIN}")

    def test_reduced(self) -> None:
        """Port, transport, maddr, parameters and headers of the far side are dropped."""
        for contact in (
            f"<sip:5003@{DOMAIN};maddr=10.0.0.1>",
            f"<sip:5003@{DOMAIN}:5099;transport=tcp>",
            f"<sip:5003;x=1@{DOMAIN};lr?X-Evil=1>",
            "<tel:5003>",
            "<TEL:50-03;phone-context=example.org>",
            "tel:(50).03;ext=1",
            f"<sip:50-03;ext=1@{DOMAIN};user=phone>",
        ):
            self.start()
            self.sign_in()
            self.assertEqual(self.redirected(contact), "", contact)
            self.assertEqual(self.dialled()[-1], f"sip:5003@{DOMAIN}")

    def test_true_hints(self) -> None:
        """Why it was not followed is what the page is told."""
        self.start()
        self.sign_in()
        self.assertIn("no number", self.redirected())
        self.assertIn("no number", self.redirected("<mailto:a@example.org>"))
        self.assertIn("just called", self.redirected(f"<sip:8000@{DOMAIN.upper()};transport=ws>"))
        self.assertIn("allowed domains", self.redirected("<sip:8000@evil.example>"))
        self.assertIn("may not be called", self.redirected(f"<sip:a%0Ab@{DOMAIN}>"))

    def test_off(self) -> None:
        """Where redirections are not followed none is."""
        self.start(follow_redirects=False)
        self.sign_in()
        self.assertIn("follow_redirects", self.redirected(f"<sip:5003@{DOMAIN}>"))
        self.assertEqual(self.dialled(), [f"sip:8000@{DOMAIN}"])


class RateTests(TollCase):
    """Calls without end."""

    def place_many(self, count: int, seconds: float, page: str = PAGE) -> int:
        """Place calls one after the other that are hung up at once; return how many went out."""
        placed = 0
        for _ in range(count):
            try:
                self.call("5002", page=page)
            except TooManyCalls as error:
                self.assertGreater(error.retry_after, 0)
                self.assertIn("calls_per_minute", str(error))
            else:
                placed += 1
                self.begin(self.gateway.hangup("alice"))
            self.run_for(seconds / count)
        return placed

    def test_a_minute(self) -> None:
        """Out of 255 calls in 6 seconds a few more than a minute's go out; afterwards one a second."""
        self.start(calls_per_minute=60)
        self.sign_in()
        self.assertIn(self.place_many(255, 6.0), range(60, 68))
        self.assertEqual(set(self.kinds()), {"too_many_calls"})
        self.assertEqual(self.alarms[0].address, PAGE)
        self.run_for(30)
        self.assertIn(self.place_many(100, 1.0), range(29, 33))

    def test_new_session(self) -> None:
        """Signing out and in again gives nothing back."""
        self.start(calls_per_minute=2)
        for _ in range(3):
            self.sign_in()
            self.place_many(5, 1.0)
            self.done(self.gateway.sign_out("alice"))
        self.assertEqual(len(self.dialled()), 2)

    def test_a_day(self) -> None:
        """A day's calls are counted from the first one on."""
        now = 0.0
        budget, rights = CallBudget(lambda: now), Rights(calls_per_day=3)
        agent = Agent(id="a", dn="1", since=0.0)
        for _ in range(3):
            budget.require(agent, rights)
            budget.charge(agent, rights)
        error = self.assertRaises(TooManyCalls, budget.require, agent, rights)
        self.assertEqual(error.retry_after, 86_400)
        self.assertIn("calls_per_day", str(error))
        now = 86_400.0
        budget.require(agent, rights)

    def test_remembered(self) -> None:
        """What nobody needs any more is forgotten."""
        now = 0.0
        budget = CallBudget(lambda: now)
        for number in range(10_000):
            budget.charge(Agent(id="a", dn=str(number), since=0.0), Rights())
        now = 100_000.0
        budget.charge(Agent(id="a", dn="x", since=0.0), Rights())
        self.assertEqual(len(budget), 1)

    def test_guests(self) -> None:
        """Guests of one address share what one agent may, however often they come."""
        self.start(guest_mode="unregistered", guest_destinations=("8000",), calls_per_minute=3)
        for number in range(5):
            self.done(self.gateway.sign_in_guest(f"g{number}"))
            if number < 3:
                self.call("8000", f"g{number}", "192.0.2.9")
            else:
                self.assertRaises(TooManyCalls, self.call, "8000", f"g{number}", "192.0.2.9")
        self.call("8000", "g4", "192.0.2.10")
        self.assertRaises(GuestsNotAllowed, self.call, "9000", "g3", "192.0.2.11")

    def test_guests_of_one_network(self) -> None:
        """Guests of one IPv6 network of 64 bits are of one place, and IPv4 is the same when it comes mapped."""
        same = (
            ("2001:db8:0:1::9", "2001:db8:0:1:ffff::1", "2001:0DB8:0000:0001::2", "2001:db8:0:2::9"),
            ("192.0.2.9", "::ffff:192.0.2.9", "[::ffff:c000:209]", "::ffff:192.0.2.10"),
        )
        for *places, elsewhere in same:
            self.start(guest_mode="unregistered", guest_destinations=("8000",), calls_per_minute=2)
            for number in range(2):
                self.done(self.gateway.sign_in_guest(f"g{number}"))
                self.call("8000", f"g{number}", places[number])
            self.done(self.gateway.sign_in_guest("late"))
            for place in places:
                self.assertRaises(TooManyCalls, self.call, "8000", "late", place)
            self.call("8000", "late", elsewhere)

    def test_transfers_of_guests(self) -> None:
        """A guest's transfers are charged to where it called from: they take nothing from guests elsewhere."""
        budget, rights = CallBudget(lambda: 0.0), Rights(calls_per_minute=3)
        near = Agent(id="near", dn="guest-1", since=0.0, abilities=PageAbilities().as_guest())
        far = Agent(id="far", dn="guest-2", since=0.0, abilities=PageAbilities().as_guest())
        budget.charge(near, rights, "2001:db8:0:1::9")
        budget.charge(far, rights, "2001:db8:0:2::9")
        for _ in range(2):
            budget.charge(near, rights)
        self.assertRaises(TooManyCalls, budget.require, near, rights)
        self.assertRaises(TooManyCalls, budget.require, near, rights, "2001:db8:0:1:1::9")
        budget.require(far, rights)

    def test_refused_is_not_charged(self) -> None:
        """What was not called is not charged."""
        self.start(calls_per_minute=1, forbidden_destinations=("0*",))
        self.sign_in()
        for _ in range(5):
            self.assertRaises(DestinationForbidden, self.call, "00")
        self.call("5002")

    def test_at_a_time(self) -> None:
        """As many calls at a time as max_calls says."""
        self.start(max_calls=2)
        self.sign_in()
        self.call("5002")
        self.call("5002")
        error = self.assertRaises(TooManyCalls, self.call, "5002")
        self.assertIn("max_calls", str(error))
        self.assertEqual(self.alarms[-1].setting, "max_calls")

    def test_changes_of_a_call(self) -> None:
        """Hold, resume and the page's own offers inside calls have an end as well; what the server orders does not."""
        agent = self.sign_in()
        self.outbound(agent, SDP)
        for change in (self.gateway.hold, self.gateway.resume) * 50:
            self.begin(change("alice")).addErrback(lambda failure: failure.trap(WrongState))
        self.fails(TooManyOrders, self.gateway.hold("alice"), 0)
        self.assertRaises(TooManyOrders, self.describe, agent, kind=MessageType.OFFER)
        self.assertRaises(TooManyOrders, self.describe, agent, kind=MessageType.OFFER, here=True)
        self.assertEqual(set(self.kinds()), {"too_many_orders"})
        self.run_for(2)
        self.describe(agent, kind=MessageType.OFFER)

    def test_answers_are_free(self) -> None:
        """The far side's offers are answered, however many orders the agent has given."""
        agent = self.sign_in()
        _, far = self.outbound(agent, SDP)
        for _ in range(100):
            self.begin(self.gateway.info("alice", None, "text/plain", "x"))
        far.reinvite(SDP.replace("40000", "40002"))
        self.run_for(0.04)
        self.assertEqual([each.type for each in self.messages(agent)], [MessageType.OFFER])
        self.assertRaises(TooManyOrders, self.describe, agent, kind=MessageType.OFFER)
        self.describe(agent, kind=MessageType.ANSWER)

    def test_orders(self) -> None:
        """INFO and digits have an end too; one call's digits do not pile up."""
        agent = self.sign_in()
        self.outbound(agent, SDP)
        for _ in range(100):
            self.begin(self.gateway.info("alice", None, "text/plain", "x"))
        self.fails(TooManyOrders, self.gateway.info("alice", None, "text/plain", "x"), 0)
        self.assertEqual(self.kinds(), ["too_many_orders"])
        self.run_for(6)
        for _ in range(17):
            self.begin(self.gateway.dtmf("alice", None, "1" * 64)).addErrback(lambda failure: None)
        self.fails(TooManyOrders, self.gateway.dtmf("alice", None, "1"), 0)
        self.done(self.gateway.sign_out("alice"), 10)
        self.run_for(200)
