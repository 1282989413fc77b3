"""A caller that tries to open an agent's microphone: by NOTIFY talk in its own call, or by fields of its INVITE."""

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.support.farside import FarCall
from tests.support.gatewaycase import DOMAIN, GatewayCase
from wrtcgw.calls.abilities import DEFAULT, ONE_CALL
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.messages import MessageType
from wrtcgw.config import Settings
from wrtcgw.events.catalogue import AlarmRaised
from wrtcgw.gateway.settings import GatewaySettings
from wrtcgw.sip.source import Source
from wrtcgw.sip.uri import URI

WISHES = (
    ("Call-Info", "<sip:x>;answer-after=0"),
    ("Alert-Info", "<http://x>;info=alert-autoanswer;delay=0"),
    ("Alert-Info", "Auto Answer"),
    ("Answer-Mode", "Auto"),
    ("Priv-Answer-Mode", "Auto"),
)
ASSERTED = ("P-Asserted-Identity", "<sip:5000@pbx.example>")
UUID = ("X-Genesys-CallUUID", "0123456789ABCDEF")


class AutoAnswerCase(GatewayCase):
    """Calls of strangers to an agent."""

    def start(self, **changes: object) -> None:
        """Make the gateway, and note its alarms."""
        super().start(**changes)
        self.alarms: list[AlarmRaised] = []
        self.gateway.events.subscribe(AlarmRaised, self.alarms.append)

    def ring(self, *fields: tuple[str, str], single_call: bool = False, domain: str = "evil.example") -> Agent:
        """Let a stranger's call ring at an agent; the newest far call is its."""
        agent = self.sign_in(abilities=ONE_CALL if single_call else DEFAULT)
        self.far.domain = domain
        self.inbound(agent, fields=fields)
        return agent

    @property
    def caller(self) -> FarCall:
        """Return the newest call of the far side."""
        return self.far.calls[-1]

    def ignored(self) -> list[str]:
        """Return the settings that the alarms so far name."""
        return [alarm.setting for alarm in self.alarms if alarm.kind.value == "auto_answer_ignored"]


class DefaultTests(AutoAnswerCase):
    """Nobody opens a microphone unless the site says so."""

    def test_settings(self) -> None:
        """Off is the default, of the configuration and of the gateway."""
        self.assertEqual((Settings().auto_answer, Settings().auto_answer_from), ("off", ("*",)))
        self.assertEqual(GatewaySettings(domain=DOMAIN).auto_answer, "off")

    def test_talk(self) -> None:
        """A NOTIFY talk in the caller's own early dialog gets 200, and no page hears of it."""
        for single_call in (False, True):
            self.start()
            agent = self.ring(single_call=single_call)
            for event in ("talk", "Talk", "talk;id=1"):
                self.caller.notify(event)
                self.run_for(5)
                self.assertEqual(self.caller.last("NOTIFY").status, 200)
            self.assertEqual((self.types(agent), self.caller.last("INVITE").status), (["OFFER"], 180))
            self.assertEqual(self.ignored(), ["auto_answer"] * 3)
            self.assertEqual(self.alarms[0].call_id, next(iter(agent.calls)))
            self.assertIn('auto_answer = "off"', self.alarms[0].text)

    def test_fields(self) -> None:
        """No field of the INVITE reaches the page as a wish, in any of its dialects."""
        for wish in WISHES:
            for single_call in (False, True):
                self.start()
                agent = self.ring(wish, single_call=single_call)
                self.run_for(5)
                (offer,) = self.messages(agent)
                self.assertEqual((offer.type, offer.auto_answer), (MessageType.OFFER, None))
                self.assertEqual(self.ignored(), ["auto_answer"])

    def test_no_wish(self) -> None:
        """An ordinary call raises no alarm."""
        self.ring()
        self.assertEqual(self.alarms, [])


class HoldTests(AutoAnswerCase):
    """What a talk does to a hold."""

    def held(self, by: str, **settings: object) -> Agent:
        """Have an established call that is on hold, by the agent or by NOTIFY."""
        self.start(**settings)
        agent = self.sign_in()
        self.outbound(agent)
        if by == "agent":
            work = self.begin(self.gateway.hold("alice"))
        else:
            self.caller.notify("hold")
        self.run_for()
        self.caller.answer(self.caller.sdp.replace("sendrecv", "recvonly"))
        self.run_for()
        if by == "agent":
            self.successResultOf(work)
        self.messages(agent)
        return agent

    def resumes(self) -> bool:
        """Send a talk; return whether the gateway offers to speak again."""
        before = self.caller.methods().count("INVITE")
        self.caller.notify("talk")
        self.run_for()
        return self.caller.methods().count("INVITE") > before

    def test_of_a_notify(self) -> None:
        """A hold that a NOTIFY made ends by a NOTIFY, whatever the setting."""
        for policy in ("off", "talk"):
            self.held("server", auto_answer=policy)
            self.assertTrue(self.resumes(), policy)
            self.caller.answer()
            self.run_for()
            self.assertEqual(self.ignored(), [])

    def test_of_the_agent(self) -> None:
        """One that the agent made ends so only under the policy for answers."""
        for settings, allowed in (
            ({}, False),
            ({"auto_answer": "talk"}, True),
            ({"auto_answer": "talk", "auto_answer_from": ("elsewhere.example",)}, False),
            ({"auto_answer": "talk", "auto_answer_from": (DOMAIN,)}, True),
        ):
            agent = self.held("agent", **settings)
            self.assertEqual(self.resumes(), allowed, settings)
            if allowed:
                self.caller.answer()
                self.run_for()
            else:
                self.assertEqual((self.types(agent), len(self.ignored())), ([], 1))


class NarrowedTests(AutoAnswerCase):
    """Whom ``auto_answer_from`` names."""

    def obeyed(self, parties: tuple[str, ...], *fields: tuple[str, str], domain: str = "evil.example") -> bool:
        """Return whether a talk, and a field of the INVITE, of such a caller count; both do or neither does."""
        self.start(auto_answer="headers", auto_answer_from=parties)
        agent = self.ring(WISHES[0], *fields, domain=domain)
        self.caller.notify("talk")
        self.run_for()
        told = self.messages(agent)
        talk, wish = any(message.type is MessageType.TALK for message in told), told[0].auto_answer is not None
        self.assertEqual(talk, wish)
        self.assertEqual(self.ignored(), [] if talk else ["auto_answer_from"] * 2)
        return talk

    def test_anybody(self) -> None:
        """A star is for everybody."""
        self.assertTrue(self.obeyed(("*",)))

    def test_nobody(self) -> None:
        """An empty list is for nobody."""
        self.assertFalse(self.obeyed((), ASSERTED, UUID, domain=DOMAIN))

    def test_domain(self) -> None:
        """A domain is that of the asserted identity, and of From only where none was asserted."""
        self.assertTrue(self.obeyed((DOMAIN,), domain=DOMAIN.upper()))
        self.assertFalse(self.obeyed((DOMAIN,)))
        self.assertTrue(self.obeyed(("pbx.example",), ASSERTED))
        self.assertFalse(self.obeyed((DOMAIN,), ASSERTED, domain=DOMAIN))
        self.assertFalse(self.obeyed((DOMAIN,), domain=f"{DOMAIN}.evil.example"))
        self.assertTrue(self.obeyed((DOMAIN,), ("P-Asserted-Identity", "<<"), domain=DOMAIN))

    def test_identity(self) -> None:
        """An identity has to be asserted: that somebody writes it into From is not enough."""
        self.assertTrue(self.obeyed(("5000@pbx.example",), ASSERTED))
        self.assertTrue(self.obeyed(("tel:+4930123",), ("P-Asserted-Identity", "<sip:x@y>, <tel:+49-30-123;x=1>")))
        self.assertFalse(self.obeyed(("5001@pbx.example",), ASSERTED))
        self.assertFalse(self.obeyed((f"5002@{DOMAIN}",), domain=DOMAIN))

    def test_uuid(self) -> None:
        """A SIP Server's calls are known by their CallUUID; an empty one is none."""
        self.assertTrue(self.obeyed(("x-genesys-calluuid",), UUID))
        self.assertFalse(self.obeyed(("x-genesys-calluuid",)))
        self.assertFalse(self.obeyed(("x-genesys-calluuid",), ("X-Genesys-CallUUID", " ")))

    def test_talk_is_not_enough_for_fields(self) -> None:
        """With talk alone the INVITE's fields do not count."""
        self.start(auto_answer="talk")
        agent = self.ring(WISHES[0])
        self.assertEqual([message.auto_answer for message in self.messages(agent)], [None])
        self.caller.notify("talk")
        self.run_for()
        self.assertEqual((self.types(agent), self.ignored()), (["TALK"], ["auto_answer"]))

    def test_reload(self) -> None:
        """The policy counts as it is when the NOTIFY comes."""
        self.start(auto_answer="talk")
        agent = self.ring()
        self.gateway.reconfigure(evolve(GatewaySettings(domain=DOMAIN)))
        self.caller.notify("talk")
        self.run_for()
        self.assertEqual(self.types(agent), ["OFFER"])


class SourceTests(SynchronousTestCase):
    """How parties are told apart."""

    def test_key(self) -> None:
        """By identity, else From, without what differs from call to call; all who hide are one."""
        asserted = (URI.parse("tel:+49-30-1;x=y"),)
        for source, key in (
            (Source(URI.parse("sip:Ann@A.example:5060;x=1")), "ann@a.example"),
            (Source(URI.parse("sip:+49;isub=1@a.example")), "+49@a.example"),
            (Source(URI.parse("sip:x@y"), asserted), "tel:+49301"),
            (Source(URI.parse("sip:anonymous@anonymous.invalid")), "anonymous"),
            (Source(URI.parse("sip:17@anonymous.invalid")), "anonymous"),
            (Source(URI.parse("sip:a.example")), "anonymous"),
        ):
            self.assertEqual(source.key, key)
