"""The log level."""

from typing import cast

from twisted.logger import ILogObserver, Logger, LogLevel, LogPublisher, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.daemon.log_level import LevelControl


class LevelTests(SynchronousTestCase):
    """A publisher with one observer, as twistd makes it."""

    def setUp(self) -> None:
        self.publisher = LogPublisher()
        self.seen: list[str] = []
        self.observer = cast(ILogObserver, self.observe)
        self.publisher.addObserver(self.observer)
        self.log = Logger("test", observer=self.publisher)

    def observe(self, event: dict[str, object]) -> None:
        self.seen.append(str(event["log_format"]))

    def emit(self) -> list[str]:
        """Log an event of each level and return those that came through."""
        self.seen.clear()
        for level in LogLevel.iterconstants():
            self.log.emit(level, level.name)
        return self.seen

    def test_level(self) -> None:
        """What is below the level does not come through, and the level can change."""
        control = LevelControl("warn")
        control.install(self.publisher)
        self.assertEqual(self.emit(), ["warn", "error", "critical"])
        control.set("debug")
        self.assertEqual(self.emit(), ["debug", "info", "warn", "error", "critical"])

    def test_components(self) -> None:
        """A part of the package can have another level, as long as the next change does not say otherwise."""
        control = LevelControl("warn")
        control.install(self.publisher)
        part = Logger("wrtcgw.transport.flow", observer=self.publisher)
        control.set("warn", {"transport": "debug"})
        part.debug("part")
        self.assertEqual(self.seen, ["part"])
        self.assertEqual(self.emit(), ["warn", "error", "critical"])
        control.set("error", {"web": "debug"})
        self.seen.clear()
        part.warn("part")
        self.assertEqual(self.seen, [])

    def test_audit(self) -> None:
        """No level of any part silences the audit log."""
        control = LevelControl("critical")
        control.install(self.publisher)
        control.set("critical", {"web": "critical"})
        Logger("wrtcgw.audit", observer=self.publisher).info("audit")
        self.assertEqual(self.seen, ["audit"])

    def test_counts(self) -> None:
        """What is worth a line is counted, whether the level lets it through or not."""
        control = LevelControl("critical")
        control.install(self.publisher)
        self.emit()
        self.assertEqual(dict(control.lines), {("warn",): 1, ("error",): 1, ("critical",): 1})
        control.remove(self.publisher)
        self.emit()
        self.assertEqual(control.lines.total, 3)

    def test_removal(self) -> None:
        """Afterwards the observers are what they were: twistd takes its own away."""
        control = LevelControl("critical")
        control.install(self.publisher)
        control.remove(self.publisher)
        self.assertEqual(len(self.emit()), 5)
        self.publisher.removeObserver(self.observer)
        self.assertEqual(self.emit(), [])

    def test_foreign_characters(self) -> None:
        """What a peer wrote cannot keep a line out of the log by bytes that no file takes, nor command a terminal."""
        lines: list[str] = []
        self.publisher.addObserver(cast(ILogObserver, lambda event: lines.append(formatEvent(event))))
        LevelControl("info").install(self.publisher)
        self.log.info("603 {reason} {code}", reason="N\udcff\ud800 {x}\x1b[31m\x9b\r\n\tÄ", code=603)
        self.assertEqual(lines, ["603 N\\xff\\ud800 {x}\\x1b[31m\\x9b\\x0d\n\tÄ 603"])
