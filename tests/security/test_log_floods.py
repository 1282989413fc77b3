"""What outsiders can do to the log: fill the disk with it, or make it say what is not so."""

from typing import Any, cast

from twisted.internet.task import Clock
from twisted.logger import ILogObserver, Logger, LogLevel, LogPublisher, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.capture.ladder import Ladder, Step
from wrtcgw.capture.ladder_text import draw
from wrtcgw.daemon.log_level import LevelControl
from wrtcgw.daemon.log_limit import REMEMBERED
from wrtcgw.redact import escaped

CONTROLS = (
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
    *(0x200E, 0x200F, 0x61C),
    *range(0x200B, 0x200E),
    *(0x2028, 0x2029, 0x2060, 0xFEFF, 0xAD, 0x180E),
    *(0x1B, 0x9B, 0x85, 0x08, 0x0D, 0x00, 0x7F),
    *(0xE0001, 0xE0041),
)
"""Overrides, embeddings and isolates of direction, marks of it, zero widths, ends of lines, terminal controls, tags."""


class LogCase(SynchronousTestCase):
    """A log as twistd makes it, at level info."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.publisher = LogPublisher()
        self.lines: list[tuple[str, str]] = []
        self.publisher.addObserver(cast(ILogObserver, self.take))
        self.control = LevelControl("info", self.clock.seconds)
        self.control.install(self.publisher)
        self.log = Logger("wrtcgw.test", observer=self.publisher)

    def take(self, event: dict[str, Any]) -> None:
        """Take an event as a log file does."""
        self.lines.append((event["log_level"].name, formatEvent(event)))


class Floods(LogCase):
    """Many lines of one kind."""

    def test_flood(self) -> None:
        """A thousand bad messages a second for ten seconds leave some fifty lines, five a second, and their count."""
        for number in range(10_000):
            self.log.warn("flow {flow}: {detail}", flow=0, detail=f"no SIP message: {number}")
            self.clock.advance(0.001)
        self.control.summarize()
        self.assertLess(len(self.lines), 110)
        counts = [line for level, line in self.lines if "left out" in line and level == "warn"]
        self.assertIn("more lines of flow 0 like 'flow {flow}: {detail}' were left out within", counts[-1])
        self.assertEqual(sum(int(line.split()[0]) for line in counts) + len(self.lines) - len(counts), 10_000)

    def test_other_source(self) -> None:
        """A flood about one DN or address leaves the lines about others as they are."""
        for _ in range(500):
            self.log.info("call for {dn}", dn="5001")
        self.log.info("call for {dn}", dn="5002")
        self.assertEqual(self.lines[-1], ("info", "call for 5002"))
        self.assertEqual(len(self.lines), 51)

    def test_many_sources(self) -> None:
        """A flood from everywhere is limited too, and what is remembered of it as well."""
        for number in range(20_000):
            self.log.warn("a connection of {address} was refused", address=f"2001:db8::{number:x}")
        self.assertLess(len(self.lines), 1_100 + 20_000 // REMEMBERED)
        (limit,) = self.control._limits
        self.assertLessEqual(len(limit._buckets), REMEMBERED)

    def test_recovery(self) -> None:
        """After a while lines of that kind are written again, and the count comes first."""
        for _ in range(100):
            self.log.warn("bad {peer}", peer="a")
        self.clock.advance(11)
        self.log.warn("bad {peer}", peer="a")
        self.assertEqual(self.lines[-1], ("warn", "bad a"))
        self.assertTrue(self.lines[-2][1].startswith("50 more lines of peer a like 'bad {peer}'"), self.lines[-2])

    def test_unlimited(self) -> None:
        """What was switched on by name, and what operators did, is written whatever it is."""
        self.control.set("debug")
        for _ in range(200):
            self.log.debug("a message")
            Logger("wrtcgw.access", observer=self.publisher).info("{line}", line="GET /")
            Logger("wrtcgw.audit", observer=self.publisher).warn("drain")
        self.assertEqual(len(self.lines), 600)

    def test_failures(self) -> None:
        """Tracebacks are the longest lines of all: the same one comes no oftener than any line."""
        for _ in range(300):
            try:
                raise ValueError
            except ValueError:
                self.log.failure("something failed")
        self.assertEqual(len(self.lines), 50)
        self.assertEqual(self.lines[0][0], LogLevel.critical.name)


class Deception(LogCase):
    """Characters that are not seen, and change what is."""

    def test_log(self) -> None:
        """Each is escaped in a line of the log."""
        for code in CONTROLS:
            self.log.info("call from {name}", name=f"abc{chr(code)}cba")
            self.assertNotIn(chr(code), self.lines[-1][1])
            self.assertIn(f"{code:x}".lower(), self.lines[-1][1])

    def test_ladder(self) -> None:
        """So it is in a ladder's text, wherever the caller's words stand there: on top, at an arrow, in a message."""
        for code in CONTROLS:
            if chr(code) == "\r":
                continue  # the line ends of the messages
            words = f"abc{chr(code)}cba"
            step = Step(
                number=1,
                time=0,
                delta=0,
                origin=0,
                target=1,
                via=words,
                kind="sip",
                label=words,
                detail=words,
                text=words,
            )
            ladder = Ladder(key="c", sip_ids=(), parties=("page", words), steps=(step,))
            drawn = draw(ladder, (("caller", words),), lambda _: "00:00:00.000")
            self.assertNotIn(chr(code), drawn, hex(code))

    def test_letters_stay(self) -> None:
        """Names are written as people write them."""
        for name in ("Müller", "שלום", "مرحبا", "李", "Łódź", "🙂", "a\tb\nc"):
            self.assertEqual(escaped(name), name)
