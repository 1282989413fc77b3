"""The records of calls that are over: a line for each, whatever becomes of the call, and whatever the disk does."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.web.ops.opscase import OpsCase
from wrtcgw.calls.abilities import ONE_CALL
from wrtcgw.calls.stats import Flow, Media, PageVerdict, Stats
from wrtcgw.daemon.call_records import WAITING
from wrtcgw.web.ops.views import ended_view

FULL = Path("/dev/full")
"""A disk on which there is no place."""


NARROW = """
import resource, sys
from pathlib import Path
from wrtcgw.daemon.call_records import RecordFile
file, hard = RecordFile(Path(sys.argv[1]), lambda: 0.0), resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (25, hard))
for _ in range(3):
    file.add(b"123456789\\n")
print(file.path.stat().st_size, len(file))
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
file.reopen()
print(file.path.stat().st_size, len(file))
"""
"""Two lines fit, and half of the third; then there is place."""


class RecordsCase(OpsCase):
    """A gateway that writes records into a file of its own."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.records_path = self.folder / "calls.jsonl"
        super().setUp()

    def tearDown(self) -> None:
        self.records.file.close()
        super().tearDown()

    def written(self, path: Path | None = None) -> list[dict[str, Any]]:
        """Return the records in a file, each of which is a whole line."""
        text = (path or self.folder / "calls.jsonl").read_text("utf-8")
        self.assertTrue(text.endswith("\n"))
        return [json.loads(line) for line in text.splitlines()]

    def refused(self, code: int = 486) -> str:
        """Let a call be refused; return its id."""
        call, far = self.place(next(self.gateway.agents()))
        far.refuse(code)
        self.run_for()
        return call.id


class OutcomeTests(RecordsCase):
    """What a line says."""

    def test_answered(self) -> None:
        """A call that was answered, with its times, its quality and the words of its end."""
        agent = self.sign_in()
        call, far = self.place(agent, "1003")
        self.run_for(2)
        far.answer()
        self.run_for(10)
        audio = Media(codec="opus", mos=4.3, rx=Flow(packets=500), tx=Flow(packets=500))
        self.gateway.report_stats(agent.id, call.id, Stats(audio=audio))
        far.bye('Q.850;cause=16;text="Normal \u00fc"')
        self.run_for()
        (line,) = self.written()
        named = {key: line[key] for key in ("callId", "sipCallId", "node", "agent", "dn", "direction", "called")}
        self.assertEqual(
            named,
            {
                "callId": call.id,
                "sipCallId": far.call_id,
                "node": "gw1",
                "agent": "alice",
                "dn": "5001",
                "direction": "outbound",
                "called": call.called,
            },
        )
        self.assertEqual((line["from"], line["to"]), ("5001", call.peer))
        self.assertEqual((line["outcome"], line["cause"], line["media"]), ("success", "remote", "good"))
        self.assertEqual(line["sipReasons"], ['Q.850;cause=16;text="Normal \u00fc"'])
        self.assertEqual((round(line["setupSeconds"], 1), round(line["durationSeconds"])), (2.2, 10))
        self.assertRegex(line["startedAt"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertLess(line["startedAt"], line["answeredAt"])
        self.assertLess(line["answeredAt"], line["endedAt"])
        self.assertEqual(line["quality"]["audio"]["codec"], "opus")

    def test_each_outcome(self) -> None:
        """Refused, cancelled, given up, lost: each call has one line, as the list of ended calls has it."""
        agent = self.sign_in(abilities=ONE_CALL)
        self.refused(486)
        self.refused(503)
        call, _ = self.place(agent)
        self.done(self.gateway.hangup(agent.id, call.id), 1)
        _, far = self.inbound(agent)
        far.cancel()
        self.run_for()
        call, _ = self.inbound(agent)
        self.done(self.gateway.reject(agent.id, call.id))
        _, far = self.outbound(agent)
        self.gateway.disconnected(0)
        self.run_for(2)
        self.gateway.connected(0)
        self.run_for(2)
        far.refuse(481)
        self.run_for(100)
        lines = self.written()
        self.assertEqual(
            [(line["direction"], line["outcome"], line["cause"]) for line in lines],
            [
                ("outbound", "client_error", "busy"),
                ("outbound", "server_error", "unavailable"),
                ("outbound", "client_error", "local"),
                ("inbound", "client_error", "cancelled"),
                ("inbound", "client_error", "local"),
                ("outbound", "server_error", "lost"),
            ],
        )
        shown = [ended_view(record, "here", 0.0) for record in reversed(list(self.history))]
        self.assertEqual([line["callId"] for line in lines], [view["callId"] for view in shown])
        self.assertEqual([line["sipCode"] for line in lines], [view["sipCode"] for view in shown])

    def test_transfer_and_holds(self) -> None:
        """What became of transfers, and how often the call was on hold."""
        agent = self.sign_in()
        call, far = self.outbound(agent)
        for verb in (self.gateway.hold, self.gateway.resume):
            holding = self.begin(verb(agent.id, call.id))
            self.run_for()
            far.answer()
            self.run_for()
            self.successResultOf(holding)
        for sipfrag in ("SIP/2.0 603 Decline", "SIP/2.0 200 OK"):
            self.done(self.gateway.transfer(agent.id, to="1004"))
            far.notify("refer", "terminated", sipfrag)
            self.run_for(1)
        (line,) = self.written()
        told = [(each["kind"], each["to"], each["result"], each["sipCode"]) for each in line["transfers"]]
        to = "sip:1004@example.org"
        self.assertEqual(told, [("blind", to, "failed", 603), ("blind", to, "done", 200)])
        self.assertEqual((line["transferred"], line["holds"], line["cause"]), (True, 1, "transferred"))

    def test_one_way(self) -> None:
        """The verdict on the media says who heard nothing."""
        agent = self.sign_in()
        for received, sent in ((0, 9), (9, 0), (0, 0), (9, 9)):
            call, far = self.outbound(agent)
            self.run_for(8)
            audio = Media(rx=Flow(packets=received), tx=Flow(packets=sent))
            self.gateway.report_stats(agent.id, call.id, Stats(audio=audio))
            far.bye()
            self.run_for()
        verdicts = [line["media"] for line in self.written()]
        self.assertEqual(verdicts, ["page_deaf", "far_side_deaf", "silent", "unrated"])

    def test_verdict_of_the_page(self) -> None:
        """What the page said last of the media is in the record, and counted by its code."""
        agent = self.sign_in()
        for verdict in (PageVerdict(code="mic_silent", share=92.0, seconds=50.0), None):
            call, far = self.outbound(agent)
            self.gateway.report_stats(agent.id, call.id, Stats(verdict=verdict))
            far.bye()
            self.run_for()
        told = [line["quality"]["verdict"] for line in self.written()]
        self.assertEqual(told, [{"code": "mic_silent", "share": 92.0, "seconds": 50.0}, None])


class DiskTests(RecordsCase):
    """What the file does."""

    def test_mode_and_rotation(self) -> None:
        """Only service and group may read it; after a reload a new file takes the lines, and none is in neither."""
        mask = os.umask(0)
        self.addCleanup(os.umask, mask)
        self.sign_in()
        first, path, old = self.refused(), self.folder / "calls.jsonl", self.folder / "calls.jsonl.1"
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o640)
        path.rename(old)
        second = self.refused()
        self.records.file.reopen()
        third = self.refused()
        self.assertEqual([line["callId"] for line in self.written(old)], [first, second])
        self.assertEqual([line["callId"] for line in self.written()], [third])

    def test_full(self) -> None:
        """Calls go on when the disk is full; the lines wait, and are written in order when there is place again."""
        self.sign_in()
        self.records.file.path = FULL
        calls = [self.refused() for _ in range(5)]
        self.assertEqual(self.scrape().get("wrtcgw_call_records_waiting"), 5)
        self.assertEqual(self.scrape().get("wrtcgw_call_records_total", result="written"), 0)
        self.records.file.path = self.folder / "calls.jsonl"
        self.records.file.reopen()
        self.assertEqual([line["callId"] for line in self.written()], calls)
        self.assertEqual(self.scrape().get("wrtcgw_call_records_total", result="written"), 5)

    def test_whole_lines(self) -> None:
        """A disk that takes a part of a line gets none of it, and all of it later."""
        done = subprocess.run(
            (sys.executable, "-c", NARROW, str(self.folder / "narrow")), check=True, capture_output=True
        )
        self.assertEqual(done.stdout.split(), [b"20", b"1", b"30", b"0"], done.stderr)

    def test_bounded(self) -> None:
        """A disk that never comes back costs so much memory and no more; what is lost is counted."""
        file = self.records.file
        file.path = self.folder / "nowhere" / "calls.jsonl"
        for _ in range(WAITING + 7):
            file.add(b"{}\n")
        self.assertEqual((len(file), file.numbers.number("dropped")), (WAITING, 7))

    def test_odd_files(self) -> None:
        """A name that is no file's blocks nothing."""
        self.sign_in()
        os.mkfifo(self.folder / "fifo")
        for path in (self.folder / "fifo", self.folder):
            self.records.file.path = path
            self.records.file.reopen()
            self.refused()
        self.assertEqual(len(self.records.file), 2)
        self.assertEqual(self.records.file.numbers.number("written"), 0)

    def test_off(self) -> None:
        """Without a file nothing is kept for it."""
        self.sign_in()
        self.records.file.path = None
        self.refused()
        self.assertEqual((len(self.records.file), self.records._stories), (0, {}))

    def test_names(self) -> None:
        """What a far side calls itself can be anything, and the line is JSON in UTF-8 all the same."""
        agent = self.sign_in()
        _, far = self.inbound(agent, name="J\udcfcrgen \u2028 x")
        far.cancel()
        self.run_for()
        (line,) = self.written()
        self.assertEqual(line["displayName"], "Jürgen   x")
