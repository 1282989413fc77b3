"""What a SIP Server's third-party call control needs of the gateway, point by point."""

from functools import partial

from tests.support.farside import LATENCY, SDP, FarCall
from tests.support.gatewaycase import OTHER_SDP, PAGE, PAGE_SDP, GatewayCase
from wrtcgw.calls.abilities import DEFAULT, ONE_CALL, PageAbilities
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.calls.stats import Flow, Media, Stats
from wrtcgw.errors import (
    AgentInUse,
    BadInput,
    GuestsNotAllowed,
    NoSIPConnection,
    NotSignedIn,
    RegistrationRefused,
    WrongState,
)

TRICKY = (
    ("name", 'Ann "A", B; c=%41+<x>'),
    ("text", "Zürich, Åse 你好"),
    ("lines", "a\r\nEvil: 1"),
    ("Token_1-x", "Q=" * 1500),
)
"""Data that no header field could carry as they are."""


class ThirdPartyCase(GatewayCase):
    """An agent whose page knows of one call."""

    def start(self, **changes: object) -> None:
        """Make the gateway, with an agent signed in."""
        super().start(**{"auto_answer": "talk", **changes})
        self.agent = self.sign_in(abilities=ONE_CALL)

    def arrives(self, far: FarCall, event: str) -> None:
        """Send a NOTIFY, and let no more than 50 ms pass after its arrival."""
        far.notify(event)
        self.run_for(0.06)


class TalkTests(ThirdPartyCase):
    """Points 2 to 5: NOTIFY talk and hold, and other events."""

    def test_talk_in_early_dialog(self) -> None:
        """Point 2: 200 at once, the page is told, and only its answer makes the 200 of the INVITE."""
        _, far = self.inbound(self.agent)
        self.arrives(far, "talk")
        self.assertEqual((far.last("NOTIFY").status, far.last("INVITE").status), (200, 180))
        self.assertEqual(self.types(self.agent), ["OFFER", "TALK"])
        self.describe(self.agent)
        self.assertEqual(far.last("INVITE").status, 200)

    def test_talk_behind_the_offer(self) -> None:
        """Point 3: a NOTIFY right behind the 180 is told after the OFFER, in that order."""
        far = self.far.call("5001")
        self.run_for(0.0105)
        self.arrives(far, "talk")
        self.assertEqual(self.types(self.agent), ["OFFER", "TALK"])

    def test_talk_twice(self) -> None:
        """Ask A1: a repeated NOTIFY talk is answered each time and does no harm after the answer."""
        _, far = self.inbound(self.agent)
        self.arrives(far, "talk")
        self.arrives(far, "talk")
        self.describe(self.agent)
        self.arrives(far, "talk")
        notified = [response.status for response in far.responses if response.cseq.method == "NOTIFY"]
        self.assertEqual(notified, [200, 200, 200])

    def test_unknown_events(self) -> None:
        """Point 5: other events get a final answer at once and tell the page nothing."""
        _, far = self.inbound(self.agent)
        self.messages(self.agent)
        for event in ("beep", "dtmf", "check-sync", "x"):
            self.arrives(far, event)
            self.assertIn(far.last("NOTIFY").status, (200, 489))
        self.assertEqual(self.types(self.agent), [])

    def test_allow_events(self) -> None:
        """Point 6: talk and hold are announced in REGISTER, 180, 200 and INVITE."""
        _, far = self.inbound(self.agent)
        self.describe(self.agent)
        ours = [response for response in far.responses if response.status in (180, 200)]
        self.done(self.gateway.hangup("alice"))
        _, placed = self.place(self.agent)
        for message in (self.far.registers[-1], *ours, placed.request("INVITE")):
            self.assertIn("talk, hold", message.headers.get("Allow-Events") or "", message.to_text())

    def test_contact_has_the_dn(self) -> None:
        """Point 1 and 2.4: the DN is the user of the Contact, in REGISTER and 180."""
        _, far = self.inbound(self.agent)
        for message in (self.far.registers[-1], far.last("INVITE")):
            assert message.contact is not None
            self.assertEqual(message.contact.uri.user, "5001")


class AutoAnswerTests(GatewayCase):
    """The policy for answers without a click."""

    def told(
        self, policy: str, value: str, *, abilities: PageAbilities = ONE_CALL
    ) -> list[tuple[float, str, float | None]]:
        """Return when a page is told what of a call that asks to be answered."""
        self.start(auto_answer=policy)
        agent = self.sign_in(abilities=abilities)
        start = self.clock.seconds()
        told: list[tuple[float, str, float | None]] = []

        def note() -> None:
            for message in self.messages(agent):
                told.append((round(self.clock.seconds() - start), message.type.value, message.auto_answer))

        agent.mailbox.subscribe(note)
        self.far.call("5001", fields=[("Call-Info", f"<sip:x>;{value}")])
        self.run_for(5)
        return told

    def test_headers(self) -> None:
        """The page gets the wish as a field; one that knows only TALK gets that after the OFFER, in time."""
        self.assertEqual(self.told("headers", "answer-after=0"), [(0, "OFFER", 0.0), (0, "TALK", None)])
        self.assertEqual(self.told("headers", "answer-after=3"), [(0, "OFFER", 3.0), (3, "TALK", None)])
        self.assertEqual(self.told("headers", "answer-after=3", abilities=DEFAULT), [(0, "OFFER", 3.0)])

    def test_talk_only_and_off(self) -> None:
        """With the other policies the INVITE's wish is ignored."""
        for policy in ("talk", "off"):
            self.assertEqual(self.told(policy, "answer-after=0"), [(0, "OFFER", None)])

    def test_talk_when_off(self) -> None:
        """With off a NOTIFY talk is answered, and the page hears nothing of it while it rings."""
        self.start(auto_answer="off")
        agent = self.sign_in()
        _, far = self.inbound(agent)
        far.notify("talk")
        self.run_for()
        self.assertEqual((far.last("NOTIFY").status, self.types(agent)), (200, ["OFFER"]))

    def test_cancelled_meanwhile(self) -> None:
        """A caller that gives up inside the delay leaves no TALK behind."""
        agent = self.sign_in(abilities=ONE_CALL)
        _, far = self.inbound(agent, fields=[("Call-Info", "<sip:x>;answer-after=3")])
        far.cancel()
        self.run_for(5)
        self.assertEqual(self.types(agent), ["OFFER", "SHUTDOWN"])


class BusyTests(ThirdPartyCase):
    """Point 15."""

    def responses(self, far: FarCall) -> list[int]:
        """Return the responses to the INVITE of a call."""
        return [response.status for response in far.responses if response.cseq.method == "INVITE"]

    def test_second_invite(self) -> None:
        """A page that knows of one call is not told of another one: 486, without any 180 before it."""
        self.inbound(self.agent)
        second = self.far.call("5001", caller="5003")
        self.run_for()
        self.assertEqual(self.responses(second), [486])
        self.assertEqual(self.types(self.agent), ["OFFER"])

    def test_without_page(self) -> None:
        """A DN without a live page is unavailable where the site wants that: 480, without any 180 before it."""
        self.start(offer_without_page=False)
        far = self.far.call("5001")
        self.run_for()
        self.assertEqual(self.responses(far), [480])
        self.assertEqual(self.types(self.agent), [])

    def test_rings_at_once(self) -> None:
        """Else the 180 goes out in the very moment in which the INVITE has come, and is the only response."""
        for reliable in ((), (("Require", "100rel"),)):
            far = self.far.call("5001", fields=reliable)
            self.clock.advance(LATENCY)
            self.assertEqual(self.responses(far), [180])
            self.done(self.gateway.reject("alice"))

    def test_invite_during_a_placed_call(self) -> None:
        """Also while its own call rings at the far side; it cannot place another one either."""
        self.place(self.agent)
        second = self.far.call("5001", caller="5003")
        self.run_for()
        self.assertEqual(self.responses(second), [486])
        self.assertRaises(WrongState, self.gateway.place_call, "alice", "5003", PAGE_SDP, page_address=PAGE)

    def test_free_again(self) -> None:
        """Once it has hung up it can be called, even before the far side has confirmed the end."""
        self.outbound(self.agent)
        self.far.silent.add("BYE")
        self.begin(self.gateway.hangup("alice"))
        second = self.far.call("5001", caller="5003")
        self.run_for()
        self.assertEqual(second.last("INVITE").status, 180)

    def test_reject_code(self) -> None:
        """A page that hangs up what rings refuses it with the configured code."""
        for settings, code in (({}, 486), ({"reject_code": 603}, 603)):
            self.start(**settings)
            _, far = self.inbound(self.agent)
            self.done(self.gateway.hangup("alice"))
            self.assertEqual(far.last("INVITE").status, code)


class PageLossTests(ThirdPartyCase):
    """Point 22, ask A2: a page that stops polling."""

    def lose(self, seconds: float = 61.0) -> None:
        """Let a poll hang, end it, and let time pass."""
        self.gateway.attend("alice")
        self.run_for()
        self.assertTrue(self.agent.page_alive)
        self.gateway.leave("alice")
        self.run_for(seconds)

    def test_established(self) -> None:
        """After the grace its call ends with a Reason, and the DN is taken back."""
        _, far = self.outbound(self.agent)
        self.lose(59)
        self.assertNotIn("BYE", far.methods())
        self.run_for(2)
        self.assertEqual(far.request("BYE").headers.get("Reason"), 'SIP;cause=480;text="page lost"')
        self.assertNotIn("5001", self.far.contacts)
        self.assertRaises(NotSignedIn, self.gateway.agent, "alice")
        told = self.messages(self.agent)
        last = told[-1]
        self.assertEqual((last.type.value, last.cause, last.reason), ("SIGNED_OUT", "page-lost", "page lost"))
        self.assertEqual(told[0].cause, "page-lost")

    def test_ringing(self) -> None:
        """Who is still waiting for an answer is told 480; what the page has dialled is cancelled."""
        _, far = self.inbound(self.agent)
        self.lose()
        self.assertEqual(far.last("INVITE").status, 480)
        self.agent = self.sign_in(abilities=ONE_CALL)
        _, placed = self.place(self.agent)
        placed.ring()
        self.lose()
        self.assertIn("CANCEL", placed.methods())

    def test_never_came(self) -> None:
        """A page that never polls after its sign-in is lost as well."""
        self.run_for(61)
        self.assertRaises(NotSignedIn, self.gateway.agent, "alice")

    def test_hanging(self) -> None:
        """A poll that hangs for ever keeps its agent, and so does one that is repeated."""
        self.gateway.attend("alice")
        self.run_for(300)
        for _ in range(5):
            self.gateway.leave("alice")
            self.run_for(50)
            self.gateway.attend("alice")
        self.gateway.attend("alice")
        self.gateway.leave("alice")
        self.run_for(300)
        self.assertTrue(self.gateway.agent("alice").page_alive)

    def test_reload(self) -> None:
        """A new page of the DN takes the call over within the grace, under the same id and under another one."""
        _, far = self.outbound(self.agent)
        self.lose(5)
        again = self.sign_in(abilities=ONE_CALL)
        self.assertIs(again, self.agent)
        self.gateway.attend("alice")
        self.run_for(60)
        self.assertEqual(self.last(again, MessageType.OFFER).cause, "resync")
        self.gateway.leave("alice")
        self.run_for(5)
        other = self.sign_in("bob", abilities=ONE_CALL)
        self.gateway.attend("bob")
        self.run_for(60)
        self.assertEqual(self.last(other, MessageType.OFFER).cause, "resync")
        self.describe(other, OTHER_SDP)
        self.assertIn("30002", far.offer)
        self.assertNotIn("BYE", far.methods())

    def test_other_pages(self) -> None:
        """A page that polls only in calls is kept, unless the site wants otherwise; 0 switches expiry off."""
        for settings, abilities, kept in (
            ({}, DEFAULT, True),
            ({"expire_pages": True}, DEFAULT, False),
            ({"page_grace": 0.0}, ONE_CALL, True),
        ):
            GatewayCase.start(self, **settings)
            agent = self.sign_in(abilities=abilities)
            self.run_for(200)
            self.assertEqual(self.registry.find_agent("alice") is agent, kept, settings)


class DataTests(ThirdPartyCase):
    """Points 11 and 18: attached data, and the call's UUID."""

    def headers(self, agent: Agent, *, data: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """Place a call with data, and return what its INVITE says of them."""
        self.gateway.place_call(agent.id, "5002", PAGE_SDP, page_address=PAGE, data=data)
        self.run_for()
        fields = self.far.calls[-1].request("INVITE").headers.items()
        return tuple((name, value) for name, value in fields if name.startswith("X-Data-"))

    def offered(self, fields: tuple[tuple[str, str], ...]) -> AgentMessage:
        """Return the OFFER of an INVITE with such fields."""
        self.done(self.gateway.hangup("alice"))
        self.inbound(self.agent, fields=fields)
        return self.last(self.agent, MessageType.OFFER)

    def test_both_ways(self) -> None:
        """Commas, quotes, line ends, UTF-8 and several kB pass from page to page; a bad name is left out."""
        fields = self.headers(self.agent, data=(*TRICKY, ("bad name", "x"), ("n" * 65, "x"), ("", "x")))
        self.assertEqual(dict(fields)["X-Data-name"], "Ann%20%22A%22%2C%20B%3B%20c%3D%2541%2B%3Cx%3E")
        self.assertEqual(self.offered(fields).data, TRICKY)

    def test_in_answers(self) -> None:
        """The page that answers attaches data to the 200, and those of the far side come with the ANSWER."""
        _, far = self.inbound(self.agent)
        self.describe(self.agent, data=TRICKY[:1])
        self.assertTrue((far.last("INVITE").headers.get("X-Data-name") or "").startswith("Ann%20"))
        self.done(self.gateway.hangup("alice"))
        _, placed = self.place(self.agent)
        placed.answer(fields=[("x-data-city", "Z%C3%BCrich"), ("X-Genesys-CallUUID", "U1"), ("X-Other", "1")])
        self.run_for()
        told = self.last(self.agent, MessageType.ANSWER)
        self.assertEqual((told.data, told.uuid), ((("city", "Zürich"),), "U1"))

    def test_largest(self) -> None:
        """One item that fills the limit still arrives at a page of this gateway."""
        data = (("x", "y" * (8192 - len("X-Data-x: \r\n"))),)
        self.assertEqual(self.offered(self.headers(self.agent, data=data)).data, data)

    def test_limit(self) -> None:
        """More than the limit is refused before anything is sent."""
        data = (("x", "y" * (8193 - len("X-Data-x: \r\n"))),)
        with self.assertRaises(BadInput):
            self.gateway.place_call("alice", "5002", PAGE_SDP, page_address=PAGE, data=data)
        self.assertEqual(self.far.calls, [])
        _, far = self.inbound(self.agent)
        with self.assertRaises(BadInput):
            self.describe(self.agent, data=data)
        self.assertEqual(far.last("INVITE").status, 180)

    def test_what_fits(self) -> None:
        """What fits of too much is known to the byte: that much is taken, and more refused."""
        items = (("a", "1"), ("b", "\u00fc"), ("c", "3"))
        for kind, first, second in (
            ("headers", "X-Data-a: 1\r\n", "X-Data-b: %C3%BC\r\n"),
            ("info", "a=1", "&b=%C3%BC"),
        ):
            both = len(first + second)
            for limit, kept in ((both, "ab"), (both - 1, "ac"), (len(first), "a"), (len(first) - 1, "")):
                self.start(attached_data=kind, attached_data_limit=limit)
                fitting = tuple(self.gateway.fitting_data(items))
                self.assertEqual("".join(name for name, _ in fitting), kept, (kind, limit))
                more = (*fitting, *(item for item in items if item not in fitting))
                self.assertRaises(BadInput, self.headers, self.agent, data=more)
                self.headers(self.agent, data=fitting)

    def test_by_info(self) -> None:
        """As a form in an INFO right after the answer, in calls of either direction; or not at all."""
        self.start(attached_data="info")
        self.assertEqual(self.headers(self.agent, data=TRICKY[1:2]), ())
        placed = self.far.calls[-1]
        placed.answer()
        self.run_for()
        form = placed.request("INFO")
        self.assertEqual(form.content_type, "application/x-www-form-urlencoded")
        self.assertEqual(form.body, "text=Z%C3%BCrich%2C+%C3%85se+%E4%BD%A0%E5%A5%BD")
        self.done(self.gateway.hangup("alice"))
        _, far = self.inbound(self.agent)
        self.describe(self.agent, data=TRICKY[:1])
        self.assertEqual(far.methods(), ["INFO"])
        self.start(attached_data="off")
        self.assertEqual(self.headers(self.agent, data=TRICKY), ())

    def test_uuid(self) -> None:
        """X-Genesys-CallUUID is kept with the call and told with the OFFER."""
        call, _ = self.inbound(self.agent, fields=[("X-Genesys-CallUUID", "0123456789ABCDEF")])
        self.assertEqual(call.uuid, "0123456789ABCDEF")
        self.assertEqual(self.last(self.agent, MessageType.OFFER).uuid, call.uuid)


class GuestTests(GatewayCase):
    """Callers without a DN."""

    def guest(self, agent_id: str = "anon", **settings: object) -> Agent:
        """Start a gateway that takes guests, and sign one in."""
        self.start(**{"guest_mode": "unregistered", "guest_destinations": ("8000", "85*"), **settings})
        return self.done(self.gateway.sign_in_guest(agent_id))

    def test_off(self) -> None:
        """Without any setting there are no guests."""
        self.assertIn("guest_mode", str(self.fails(GuestsNotAllowed, self.gateway.sign_in_guest("anon"))))

    def test_unregistered(self) -> None:
        """A guest calls without any REGISTER, and its calls work like others."""
        agent = self.guest()
        call, far = self.place(agent, "8000")
        self.assertEqual(str(far.request("INVITE").from_.uri), "sip:anonymous@example.org")
        far.answer(SDP)
        self.run_for()
        far.bye()
        self.run_for()
        self.assertEqual(self.types(agent), ["ANSWER", "SHUTDOWN"])
        self.done(self.gateway.sign_out("anon"))
        self.assertEqual((self.far.registers, call.is_up), ([], False))
        self.assertRaises(NotSignedIn, self.gateway.agent, "anon")

    def test_destinations(self) -> None:
        """Only what is configured can be called, and nothing be transferred."""
        agent = self.guest(allowed_domains=frozenset({"b.example"}))
        for to in ("8001", "5002", "sip:8000@b.example", "80001"):
            self.assertRaises(GuestsNotAllowed, self.gateway.place_call, "anon", to, PAGE_SDP, page_address=PAGE)
        _, far = self.place(agent, "8512")
        far.answer(SDP)
        self.run_for()
        self.fails(GuestsNotAllowed, self.gateway.transfer("anon", to="5002"))

    def test_registered(self) -> None:
        """One REGISTER serves all guests until the last one leaves, and answers challenges with its password."""
        self.guest(guest_mode="registered", guest_dn="5003", guest_password="third")
        self.done(self.gateway.sign_in_guest("second"))
        self.assertEqual(len(self.far.registers), 2)
        self.far.challenge_invite = True
        _, far = self.place(self.gateway.agent("second"), "8000")
        self.assertEqual(far.methods(), ["INVITE", "ACK", "INVITE"])
        self.done(self.gateway.sign_out("anon"))
        self.assertIn("5003", self.far.contacts)
        self.done(self.gateway.sign_out("second"), 6)
        self.assertNotIn("5003", self.far.contacts)

    def test_connection_lost(self) -> None:
        """A guest can call again as soon as the connection is back."""
        agent = self.guest()
        self.gateway.disconnected(0)
        self.assertRaises(NoSIPConnection, self.gateway.place_call, "anon", "8000", PAGE_SDP, page_address=PAGE)
        self.gateway.connected(0)
        self.assertEqual([one.state for one in self.messages(agent)], ["RECOVERING", "REGISTERED"])
        self.place(agent, "8000")

    def test_id_in_use(self) -> None:
        """A guest cannot take the id of anyone."""
        self.guest()
        self.sign_in()
        for agent_id in ("anon", "alice"):
            self.fails(AgentInUse, self.gateway.sign_in_guest(agent_id))

    def test_not_called(self) -> None:
        """Nobody can call a guest, nor the DN of all of them."""
        agent = self.guest(guest_mode="registered", guest_dn="5003", guest_password="third")
        contact = self.far.contacts["5003"]
        for user in ("5003", agent.dn):
            self.far.contacts["5003"] = contact.replace("5003", user)
            far = self.far.call("5003")
            self.run_for()
            self.assertEqual(far.last("INVITE").status, 480)

    def test_page_lost(self) -> None:
        """A guest that is gone is forgotten like any page of its kind."""
        self.guest()
        self.run_for(61)
        self.assertRaises(NotSignedIn, self.gateway.agent, "anon")


class PasswordTests(GatewayCase):
    """Installations whose registrar asks for no password."""

    def test_none(self) -> None:
        """An empty password is none where the caller says so; a registrar that asks for one then refuses."""
        sign_in = partial(self.gateway.sign_in, agent_id="alice", dn="5001", password="", no_password=True)
        error = self.fails(RegistrationRefused, sign_in())
        self.assertTrue(error.credentials)
        self.far.script("REGISTER", 200)
        self.assertEqual(self.done(sign_in()).dn, "5001")


class StatsTests(ThirdPartyCase):
    """What is known of a call's media."""

    def test_reports(self) -> None:
        """Zeros before any report; then the last one, with the greatest and the mean round-trip time."""
        self.outbound(self.agent)
        self.run_for(2)
        first = self.gateway.stats("alice")
        self.assertEqual((first.audio, first.video), (Media(), None))
        self.assertGreater(first.duration, 2000)
        for rtt in (10.0, 40.0, 25.0):
            audio = Media(rtt=rtt, rx=Flow(packets=5))
            self.gateway.report_stats("alice", None, Stats(timestamp=1.0, audio=audio))
        told = self.gateway.stats("alice").audio
        self.assertEqual((told.rtt, told.rtt_max, told.rtt_average, told.rx.packets), (25.0, 40.0, 25.0, 5))
