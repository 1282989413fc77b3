"""Callers who take all lines of an agent, or send it texts without end."""

from tests.support.corepair import ANSWER
from tests.support.gatewaycase import GatewayCase
from tests.support.script import ScriptCase
from wrtcgw.capture.recorder import Recorder
from wrtcgw.config import Settings
from wrtcgw.daemon.composition import ua_settings
from wrtcgw.events.catalogue import AlarmRaised
from wrtcgw.sip.outputs import CallReceived, InviteRefused, PeerFault, TextReceived, TextRefused

PAI = "P-Asserted-Identity"


class CallerCase(GatewayCase):
    """A gateway that is called; its alarms are kept."""

    def start(self, **changes: object) -> None:
        """Make the gateway, and note its alarms."""
        super().start(**changes)
        self.alarms: list[AlarmRaised] = []
        self.gateway.events.subscribe(AlarmRaised, self.alarms.append)

    def ring(self, count: int, caller: str = "5002", *fields: tuple[str, str], dn: str = "5001") -> list[int]:
        """Let a caller call so often; return the first responses above 100."""
        calls = [self.far.call(dn, caller=caller, fields=fields) for _ in range(count)]
        self.run_for()
        return [call.responses[-1].status for call in calls]


class RingingTests(CallerCase):
    """How many calls of one caller ring at one agent."""

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


class FloodTests(CallerCase):
    """Calls that are refused, without end: the first are told of one by one, all others cost as little as can be."""

    def kinds(self, kind: type) -> int:
        """Return how many events of a kind there were."""
        return sum(isinstance(event, kind) for event in self.events)

    def assert_nothing_kept(self, calls: int) -> None:
        """Check that the core has what belongs to some calls, and nothing else but for what was told one by one."""
        self.assertLessEqual(self.core.transactions, calls + 25)
        self.assertEqual(self.core.legs, calls)

    def test_one_agent(self) -> None:
        """Whoever calls hears the same code, nothing is kept; other agents ring, and so does this one afterwards."""
        self.sign_in()
        self.sign_in("bob", "5003")
        for number in range(1000):
            self.far.call("5001", caller=f"9{number:03}")
        self.run_for()
        statuses = [call.responses[-1].status for call in self.far.calls]
        self.assertEqual(statuses[:8], [180] * 8)
        self.assertEqual(set(statuses[8:]), {486})
        self.assertIn(self.kinds(CallReceived), range(25, 40))
        self.assertEqual(self.kinds(CallReceived) + self.kinds(InviteRefused), 1000)
        self.assert_nothing_kept(8)
        self.assertEqual(self.ring(1, dn="5003"), [180])
        self.far.calls[0].cancel()
        self.run_for(12)
        self.assertEqual(self.ring(1, "5009"), [180])

    def test_alarms(self) -> None:
        """One alarm a second says how many they were."""
        self.sign_in()
        self.ring(1000)
        self.run_for(2)
        self.ring(200)
        floods = [alarm for alarm in self.alarms if alarm.kind.value == "call_flood"]
        self.assertIn(len(floods), range(2, 4))
        self.assertEqual({alarm.dn for alarm in floods}, {"5001"})
        self.assertIn("refused at once, the last one with 486", floods[-1].text)

    def test_numbers_of_nobody(self) -> None:
        """Numbers that nobody has are one number."""
        self.sign_in()
        numbers = [f"6{number:03}" for number in range(500)]
        for number in numbers:
            self.far.contacts[number] = self.far.contacts["5001"].replace("5001", number)
        calls = [self.far.call(number) for number in numbers]
        self.run_for()
        self.assertEqual({call.responses[-1].status for call in calls}, {404})
        self.assertGreater(self.kinds(InviteRefused), 400)
        self.assert_nothing_kept(0)
        self.assertEqual(self.ring(1), [180])

    def test_draining(self) -> None:
        """A gateway that drains says so to each."""
        self.sign_in()
        self.gateway.operation.drain(on=True)
        self.assertEqual(set(self.ring(300)), {503})
        self.assert_nothing_kept(0)

    def test_own_acks(self) -> None:
        """The ACK of such a refusal, its CANCEL and its copy reach nobody, and are no fault."""
        self.sign_in()
        self.ring(100)
        last = self.far.calls[-1]
        faults = self.kinds(PeerFault)
        last.cancel()
        self.run_for()
        self.assertEqual(last.responses[-1].status, 481)
        self.assertEqual(self.kinds(PeerFault), faults)
        self.assert_nothing_kept(3)

    def test_acks_are_not_read(self) -> None:
        """Such an ACK is known by a tag that is ours, and nothing of it is read; no other one is passed over."""
        self.sign_in()
        self.ring(100)
        kept, refused = (self.far.calls[at].responses[-1] for at in (0, -1))
        for method, tag, faults in (
            ("ACK", refused.to_tag, 0),
            ("ACK", kept.to_tag, 1),
            ("ACK", "other", 1),
            ("BYE", refused.to_tag, 1),
        ):
            before = self.kinds(PeerFault)
            self.gateway.received(0, f"{method} sip:5001@gw.invalid SIP/2.0\r\nTo: <sip:5001@y>;tag={tag}\r\n\r\n")
            self.assertEqual(self.kinds(PeerFault) - before, faults, (method, tag))

    def test_unreadable(self) -> None:
        """What cannot be read is refused as ever, flood or not."""
        self.sign_in()
        self.ring(100)
        call = self.far.call("5001", fields=[("Replaces", "a;to-tag=b;from-tag=c")])
        self.run_for()
        self.assertEqual(call.responses[-1].status, 481)

    def test_ladders(self) -> None:
        """Calls of a flood take no ladder's place; those of a call are never dropped so."""
        recorder = Recorder(lambda: 0.0, lambda: 0.0, on=True, calls=50, size=1_000_000)
        for call_id in ("call", "flood"):
            recorder.sip(0, f"INVITE sip:x SIP/2.0\r\nTo: <sip:x@y>\r\nCall-ID: {call_id}\r\n\r\n", sent=False)
        recorder.opened("1", "5001", "call")
        for call_id in ("call", "flood", "nothing"):
            recorder.drop(call_id)
        self.assertEqual((recorder.calls, list(recorder.stray())), (1, []))
        self.assertIsNotNone(recorder.of_call("1"))


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
