"""Callers who take all lines of an agent, or send it texts without end."""

from tests.support.corepair import ANSWER
from tests.support.gatewaycase import GatewayCase
from tests.support.script import ScriptCase
from wrtcgw.config import Settings
from wrtcgw.daemon.composition import ua_settings
from wrtcgw.gateway.alarms import Alarm
from wrtcgw.sip.outputs import TextReceived, TextRefused

PAI = "P-Asserted-Identity"


class RingingTests(GatewayCase):
    """How many calls of one caller ring at one agent."""

    def start(self, **changes: object) -> None:
        """Make the gateway, and note its alarms."""
        super().start(**changes)
        self.alarms: list[Alarm] = []
        self.gateway.alarm = self.alarms.append

    def ring(self, count: int, caller: str = "5002", *fields: tuple[str, str], dn: str = "5001") -> list[int]:
        """Let a caller call so often; return the first responses above 100."""
        calls = [self.far.call(dn, caller=caller, fields=fields) for _ in range(count)]
        self.run_for()
        return [call.responses[-1].status for call in calls]

    def test_one_caller(self) -> None:
        """Three ring, the next ones hear busy; other callers and other agents are not touched."""
        self.sign_in()
        self.sign_in("bob", "5003")
        self.assertEqual(self.ring(5), [180, 180, 180, 486, 486])
        self.assertEqual(self.ring(1, "5009"), [180])
        self.assertEqual(self.ring(1, dn="5003"), [180])
        self.assertEqual({alarm.setting for alarm in self.alarms}, {"ring_limit_per_caller"})

    def test_asserted(self) -> None:
        """What the proxy asserts counts, whatever the caller writes into From."""
        self.sign_in()
        told = [self.ring(1, f"x{number}", (PAI, "<sip:+491@example.org;x=1>"))[0] for number in range(5)]
        self.assertEqual(told, [180, 180, 180, 486, 486])

    def test_anonymous(self) -> None:
        """Callers who hide are one caller."""
        self.sign_in()
        self.assertEqual(self.ring(4, "anonymous"), [180, 180, 180, 486])
        self.assertEqual(self.ring(1, "5009"), [180])

    def test_over(self) -> None:
        """A call that rings no more counts no more."""
        agent = self.sign_in()
        self.assertEqual(self.ring(4), [180, 180, 180, 486])
        self.far.calls[0].cancel()
        self.run_for()
        self.assertEqual(self.ring(1), [180])
        self.describe(agent, call_id=next(iter(agent.calls)))
        self.assertEqual(self.ring(1), [180])

    def test_setting(self) -> None:
        """The limit is a setting."""
        self.start(ring_limit_per_caller=1)
        self.sign_in()
        self.assertEqual(self.ring(2), [180, 486])


class TextTests(ScriptCase):
    """Whose MESSAGEs are taken."""

    def test_default(self) -> None:
        """By default those of the own domain."""
        settings = ua_settings(Settings(sip_domain="example.org"))
        self.assertEqual(settings.texts_from, frozenset({"example.org"}))
        self.assertEqual(ua_settings(Settings(sip_domain="a", messages_from=())).texts_from, frozenset())

    def test_refused(self) -> None:
        """Others are told 403, in a call as well, and no page hears of them."""
        self.start(texts_from=frozenset({"pbx.example"}))
        self.assertEqual(self.answers(self.outside("MESSAGE", body="x")), [403])
        call = self.call_in(answer=ANSWER)
        self.assertEqual(self.answers(call.send("MESSAGE", "x", [("Content-Type", "text/plain")])), [403])
        self.assertEqual((len(self.of(TextReceived)), len(self.of(TextRefused))), (0, 2))

    def test_taken(self) -> None:
        """Those that are named are taken."""
        self.start(texts_from=frozenset({"pbx.example"}))
        asserted = [(PAI, "<sip:5000@pbx.example>"), ("Content-Type", "text/plain")]
        self.assertEqual(self.answers(self.outside("MESSAGE", body="x", fields=asserted)), [200])
