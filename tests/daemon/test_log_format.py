"""How lines of the log are written."""

import io
import json
from typing import Any, cast

from twisted.logger import FileLogObserver, ILogObserver, Logger, LogPublisher, capturedLogs, textFileLogObserver
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.support.gatewaycase import GatewayCase
from wrtcgw.daemon.journal import Journal
from wrtcgw.daemon.log_format import LogForm
from wrtcgw.daemon.log_level import LevelControl


class FormCase(SynchronousTestCase):
    """A publisher with twistd's observer of a file."""

    form = "json"

    def setUp(self) -> None:
        self.publisher = LogPublisher()
        self.file = io.StringIO()
        self.observer: FileLogObserver = textFileLogObserver(self.file)
        self.publisher.addObserver(cast(ILogObserver, self.observer))
        self.before = self.observer.formatEvent
        self.log_form = LogForm(self.form, "gw1")
        self.log_form.install(self.publisher)
        self.level = LevelControl("debug")
        self.level.install(self.publisher)
        self.log = Logger("wrtcgw.daemon.journal", observer=self.publisher)

    def tearDown(self) -> None:
        self.level.remove(self.publisher)
        self.log_form.remove()
        self.assertEqual(self.observer.formatEvent, self.before)

    def written(self) -> list[str]:
        """Return the lines since the last time."""
        text = self.file.getvalue()
        self.file.seek(0)
        self.file.truncate()
        return text.splitlines()


class JSONTests(FormCase):
    """An object a line."""

    def lines(self) -> list[dict[str, Any]]:
        """Return the objects."""
        return [json.loads(line) for line in self.written()]

    def test_line(self) -> None:
        """What is known of a call stands in fields of its own; nothing else of an event does."""
        self.log.info(
            "call {call}: {words}", call="c1", words="answered", call_id="c1", dn="5001", agent="", x="secret"
        )
        (line,) = self.lines()
        time = line.pop("time")
        self.assertRegex(time, r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(
            line,
            {
                "level": "info",
                "component": "daemon.journal",
                "message": "call c1: answered",
                "node": "gw1",
                "callId": "c1",
                "dn": "5001",
            },
        )

    def test_one_line(self) -> None:
        """Whatever a peer writes, and a traceback too, is in one line."""
        self.log.warn("{text}", text="a\nb\u2028c\x85d\udcffe")
        try:
            raise ZeroDivisionError("oops")
        except ZeroDivisionError:
            self.log.failure("a bug", Failure())
        one, two = self.lines()
        self.assertEqual(one["message"].count("\n"), 1)
        self.assertEqual((two["level"], two["message"]), ("critical", "a bug"))
        self.assertIn("ZeroDivisionError: oops", two["traceback"])
        self.assertIn("\n", two["traceback"])

    def test_audit(self) -> None:
        """The audit log's facts are an object."""
        self.log.info("{line}", line="time=x event=sign_in outcome=ok", audit={"event": "sign_in", "outcome": "ok"})
        (line,) = self.lines()
        self.assertEqual(line["audit"], {"event": "sign_in", "outcome": "ok"})


class JournalTests(FormCase):
    """For systemd."""

    form = "journal"

    def test_priorities(self) -> None:
        """Each line has its priority, also those of a text with several, and no time."""
        self.log.info("fine")
        self.log.warn("first\nsecond")
        self.log.error("bad")
        self.assertEqual(
            self.written(),
            [
                "<6>[daemon.journal] fine",
                "<4>[daemon.journal] first",
                "<4>second",
                "<3>[daemon.journal] bad",
            ],
        )


class TextTests(FormCase):
    """As twistd writes it."""

    form = "text"

    def test_text(self) -> None:
        """Nothing changes."""
        self.log.info("fine")
        (line,) = self.written()
        self.assertTrue(line.endswith("[wrtcgw.daemon.journal#info] fine"), line)


class CallLines(GatewayCase):
    """The lines of a call."""

    def test_fields(self) -> None:
        """Every line of a call says whose it is, by call id, Call-ID, DN, agent and X-Genesys-CallUUID."""

        def agent_of(dn: str) -> str:
            return next((agent.id for agent in self.gateway.agents() if agent.dn == dn), "")

        Journal(self.core.sip_call_id, agent_of).subscribe_to(self.gateway.events)
        agent = self.sign_in()
        with capturedLogs() as logged:
            call, far = self.inbound(agent, fields=[("X-Genesys-CallUUID", "U1")])
            self.describe(agent)
            far.bye()
            self.run_for()
        lines = [event for event in logged if event.get("log_namespace") == "wrtcgw.daemon.journal"]
        self.assertEqual(len(lines), 2)
        wanted = {"call_id": call.id, "sip_call_id": far.call_id, "dn": "5001", "agent": "alice", "uuid": "U1"}
        for event in lines:
            self.assertEqual({key: event[key] for key in wanted}, wanted, event["log_format"])
