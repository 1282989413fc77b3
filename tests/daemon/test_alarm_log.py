"""Alarms: the line that filters read, the numbers, and the note in the ladder."""

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.capture.recorder import Recorder
from wrtcgw.daemon.alarm_log import REMEMBERED, AlarmLog
from wrtcgw.events.catalogue import AlarmKind, AlarmRaised
from wrtcgw.meters.meters import Meters


class BellTests(SynchronousTestCase):
    """One bell."""

    def setUp(self) -> None:
        self.clock, self.meters = Clock(), Meters()
        self.recorder = Recorder(self.clock.seconds, lambda: 1e9, on=True, calls=10, size=1_000_000)
        self.bell = AlarmLog(self.recorder, self.meters, self.clock.seconds, lambda: 1e9)

    def lines(self, *alarms: AlarmRaised) -> list[str]:
        """Return what is logged for alarms."""
        with capturedLogs() as logged:
            for alarm in alarms:
                self.bell.ring(alarm)
        return [formatEvent(event) for event in logged]

    def alarm(self, text: str = "too many", **more: str) -> AlarmRaised:
        """Make an alarm."""
        return AlarmRaised(kind=AlarmKind.TOO_MANY_CALLS, text=text, setting="calls_per_minute", **more)

    def test_line(self) -> None:
        """The line begins with a stable word, and has the page's address where a filter finds it."""
        (line,) = self.lines(self.alarm(dn="5001", address="192.0.2.7"))
        self.assertEqual(
            line, "alarm=too_many_calls dn=5001 address=192.0.2.7 call=- setting=calls_per_minute times=1: too many"
        )

    def test_equal_lines(self) -> None:
        """Of equal ones the first is written, and one a minute; all are counted."""
        self.assertEqual(len(self.lines(*[self.alarm(dn="5001")] * 500)), 1)
        self.assertEqual(len(self.lines(self.alarm(dn="5002"))), 1)
        self.clock.advance(60)
        (line,) = self.lines(self.alarm(dn="5001"))
        self.assertIn("times=500: ", line)
        self.assertEqual(self.meters.alarms.counts, {"too_many_calls": 502})
        self.assertEqual(len(list(self.meters.alarms.newest())), 100)

    def test_many_different(self) -> None:
        """What is remembered of them has a bound."""
        for number in range(REMEMBERED + 10):
            self.lines(self.alarm(dn=str(number)))
        self.assertEqual(len(self.lines(self.alarm(dn="0"))), 1)

    def test_no_second_line(self) -> None:
        """What a far side wrote ends no line and turns none around."""
        (line,) = self.lines(self.alarm("a\nalarm=x\u202e\x1b[31m", dn="5\r1"))
        self.assertNotIn("\n", line)
        self.assertIn("a\\u000aalarm=x\\u202e\\u001b[31m", line)
        self.assertIn("dn=5\\u000d1", line)

    def test_ladder(self) -> None:
        """The ladder of the call has it too."""
        self.recorder.opened("c1", "5001", "sip-1")
        self.lines(self.alarm(call_id="c1"))
        track = self.recorder.of_call("c1")
        assert track is not None
        self.assertIn("too many", str(track.entries))
