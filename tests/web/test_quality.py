"""The quality of calls: what pages report, and where it is shown."""

import json
from typing import Any

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.support.gatewaycase import PAGE_SDP
from tests.web.genesys.dialectcase import DialectCase
from tests.web.harness import LOCAL, Answer
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.calls.stats import PAGE_VERDICTS, Flow, Media, PageVerdict, Reports, Stats
from wrtcgw.daemon.composition import http_surface
from wrtcgw.daemon.journal import Journal, record
from wrtcgw.errors import BadInput
from wrtcgw.sip.outputs import CallEnded, EndCause
from wrtcgw.web import GatewaySite, WebSettings
from wrtcgw.web.quality import REPORT_LIMIT, quality_view, read_report

WALL = 1_700_000_000.0
REPORT: dict[str, Any] = {
    "audio": {
        "codec": "audio/opus",
        "mos": 4.2,
        "rtt": 42.5,
        "rx": {"packets": 980, "bytes": 98_000, "lost": 20, "jitter": 3.5},
        "tx": {"packets": 1000, "bytes": 100_000, "lost": 10, "jitter": 2},
    },
}


class Reading(SynchronousTestCase):
    """The shape of a report."""

    def test_all(self) -> None:
        """Every field has its place."""
        stats = read_report({**REPORT, "video": {"rtt": 7}, "timestamp": 5}, WALL)
        audio = Media(
            codec="audio/opus",
            mos=4.2,
            rtt=42.5,
            rx=Flow(packets=980, bytes=98_000, lost=20, jitter=3.5),
            tx=Flow(packets=1000, bytes=100_000, lost=10, jitter=2),
        )
        self.assertEqual(stats, Stats(timestamp=5, audio=audio, video=Media(rtt=7)))

    def test_what_may_be_absent(self) -> None:
        """All but one medium: null counts as absent, unknown fields do not count, time is the gateway's own."""
        given = {"audio": {"rtt": None, "jitterBufferDelay": "x", "rx": None}, "video": None, "id": "RTC", "dx": [1]}
        self.assertEqual(read_report(given, WALL), Stats(timestamp=WALL * 1000))

    def test_fewer_than_none_lost(self) -> None:
        """What getStats gives when packets came twice is taken for none."""
        self.assertEqual(read_report({"audio": {"rx": {"lost": -3}}}, WALL).audio.rx.lost, 0)

    def test_wrong(self) -> None:
        """A wrong field is named, with what was expected and what was found."""
        cases: tuple[tuple[Any, str], ...] = (
            ({}, "audio: expected an object, here or as video, found 'nothing'"),
            ({"audio": 5}, "audio: expected an object, found '5'"),
            ({"audio": {"rtt": "42"}}, "audio.rtt: expected a number from 0 to 3600000, found '42'"),
            ({"audio": {"rtt": -1}}, "audio.rtt: expected a number from 0 to 3600000, found '-1'"),
            ({"audio": {"rtt": True}}, "audio.rtt: expected a number from 0 to 3600000, found 'bool'"),
            ({"video": {"rx": {"jitter": float("nan")}}}, "video.rx.jitter: expected a number"),
            ({"video": {"tx": {"bytes": float("inf")}}}, "video.tx.bytes: expected a number"),
            ({"audio": {"rx": {"packets": 1.5}}}, "audio.rx.packets: expected a whole number, found '1.5'"),
            ({"audio": {"rx": {"packets": 10**400}}}, "audio.rx.packets: expected a number"),
            ({"audio": {"rx": [1]}}, "audio.rx: expected an object, found 'list'"),
            ({"audio": {"mos": 0.5}}, "audio.mos: expected a number from 1 to 5, found '0.5'"),
            ({"audio": {"mos": 6}}, "audio.mos: expected a number from 0 to 5, found '6'"),
            ({"audio": {"codec": "op\nus"}}, "audio.codec: expected a codec's name"),
            ({"audio": {"codec": "x" * 65}}, "audio.codec: expected a codec's name"),
            ({"audio": {}, "timestamp": "now"}, "timestamp: expected a number"),
            ({"audio": {}, "verdict": "good"}, "verdict: expected an object, found 'good'"),
            ({"audio": {}, "verdict": {}}, "verdict.code: expected one of good, unknown, mic_silent, "),
            ({"audio": {}, "verdict": {"code": "<b>"}}, "verdict.code: expected one of good, unknown, "),
            ({"audio": {}, "verdict": {"code": ["good"]}}, "verdict.code: expected one of good, unknown, "),
            (
                {"audio": {}, "verdict": {"code": "good", "share": 101}},
                "verdict.share: expected a number from 0 to 100, found '101'",
            ),
            (
                {"audio": {}, "verdict": {"code": "good", "seconds": -1}},
                "verdict.seconds: expected a number from 0 to 604800, found '-1'",
            ),
        )
        for given, told in cases:
            error = self.assertRaises(BadInput, read_report, given, WALL)
            self.assertTrue(str(error).startswith(told), str(error))


class Verdicts(SynchronousTestCase):
    """What a page says of the media of its call."""

    def test_each(self) -> None:
        """Every code is taken; share and seconds may be absent, null is no verdict."""
        for code in PAGE_VERDICTS:
            stats = read_report({"audio": {}, "verdict": {"code": code, "share": 92, "seconds": 50.5}}, WALL)
            self.assertEqual(stats.verdict, PageVerdict(code=code, share=92.0, seconds=50.5))
        self.assertEqual(
            read_report({"audio": {}, "verdict": {"code": "good"}}, WALL).verdict, PageVerdict(code="good")
        )
        self.assertIsNone(read_report({"audio": {}, "verdict": None}, WALL).verdict)

    def test_last_counts(self) -> None:
        """A later one takes the place of the one before, a report without one does not; it survives a restart."""
        reports = Reports()
        for verdict in (PageVerdict(code="good"), PageVerdict(code="mic_silent", share=92.0, seconds=50.0), None):
            reports.add(Stats(verdict=verdict))
        told = {"code": "mic_silent", "share": 92.0, "seconds": 50.0}
        for each in (reports, Reports.restore(json.loads(json.dumps(reports.snapshot())))):
            view = quality_view(each)
            assert view is not None
            self.assertEqual(view["verdict"], told)

    def test_of_an_earlier_version(self) -> None:
        """What an earlier gateway has kept has no verdict, and is read all the same."""
        kept: Any = Reports(Stats(), 1, {}, {}).snapshot()
        del kept["last"]["verdict"]
        self.assertIsNone(Reports.restore(kept).last.verdict)


class Worst(SynchronousTestCase):
    """The worst values of a call."""

    def test_all_reports(self) -> None:
        """Each is the worst of all reports; loss is that between two of them, not of the whole call."""
        reports = Reports()
        for rtt, jitter, mos, packets, lost in ((10, 1, 4.4, 100, 0), (90, 9, 2.5, 150, 50), (20, 2, 0, 1150, 50)):
            flow = Flow(packets=packets, lost=lost, jitter=jitter)
            reports.add(Stats(audio=Media(rtt=rtt, mos=mos, rx=flow)))
        worst = reports.worst["audio"]
        self.assertEqual((worst.rtt, worst.jitter, worst.loss, worst.mos), (90, 9, 50.0, 2.5))

    def test_sent(self) -> None:
        """Packets that the far side missed are among those sent; counters that began anew count nothing."""
        reports = Reports()
        for packets, lost in ((200, 10), (400, 50), (5, 0)):
            reports.add(Stats(audio=Media(tx=Flow(packets=packets, lost=lost))))
        self.assertEqual(reports.worst["audio"].loss, 20.0)


class Reporting(DialectCase):
    """From the page to all who may see it."""

    def configure(self, settings: Any) -> None:
        """Put the HTTP surface up with a wall clock."""
        operators = WebSettings(operator_loopback=True)
        self.surface = http_surface(self.gateway, operators, self.clock, genesys=settings, wall=lambda: WALL)
        self.resource = self.surface.resource()
        self.site = GatewaySite(self.surface, reactor=self.clock)

    def report(self, query: str = "id=5001", code: int = 200, **more: Any) -> Answer:
        """Post a report."""
        headers = {"Content-Type": "application/json", **more.pop("headers", {})}
        data = more.pop("data", json.dumps(REPORT)).encode()
        answer = self.ask("POST", f"/api/webrtc/stats?{query}", data=data, headers=headers, **more)
        self.assertEqual(answer.code, code, answer.text)
        return answer

    def in_call(self) -> None:
        """Sign a page in and let it make a call."""
        self.get("/api/webrtc/sign_in?id=5001&dn=5001&password=secret", headers={})
        self.call_id = self.gateway.place_call("5001", "5002", PAGE_SDP, page_address="192.0.2.1").id
        self.run_for()
        self.far.calls[-1].answer(PAGE_SDP)
        self.run_for()

    def test_shown(self) -> None:
        """The agent's calls and the operators' have the last and the worst values."""
        self.in_call()
        self.assertIsNone(self.get("/api/webrtc/calls?id=5001", headers={}).json["calls"][0]["quality"])
        self.report(f"id=5001&call={self.call_id}")
        self.report(data=json.dumps({"audio": {"rtt": 10, "codec": "audio/opus"}}))
        for path in ("/api/webrtc/calls?id=5001", "/api/calls/active"):
            quality = self.get(path, base=LOCAL, headers={}).json["calls"][0]["quality"]
            self.assertEqual((quality["reports"], quality["timestamp"]), (2, WALL * 1000))
            audio = quality["audio"]
            self.assertEqual((audio["codec"], audio["mos"], audio["rtt"]), ("audio/opus", None, 10))
            self.assertEqual(audio["worst"], {"mos": 4.2, "rtt": 42.5, "jitter": 3.5, "loss": 2.0})

    def test_refused(self) -> None:
        """Faults of the body, of the call and of the session are told as everywhere."""
        self.in_call()
        answer = self.report(data='{"audio": {"rtt": "x"}}', code=400)
        self.assertEqual(answer.json["code"], "bad_input")
        self.assertIn("audio.rtt: expected a number from 0 to 3600000, found 'x'", answer.json["error"])
        self.assertEqual(self.report(data="[1]", code=400).json["code"], "bad_input")
        self.assertEqual(self.report(headers={"Content-Type": "text/plain"}, code=415).error[1], "wrong_content_type")
        big = json.dumps({**REPORT, "more": "x" * REPORT_LIMIT})
        self.assertEqual(self.report(data=big, code=413).json["code"], "body_too_large")
        self.assertEqual(self.report("id=5001&call=none", code=404).json["code"], "unknown_call")
        self.assertEqual(self.report("id=5009", code=401).json["code"], "session_required")
        wrong = {"Authorization": "Bearer nobody"}
        self.assertEqual(self.report(headers=wrong, code=403).json["code"], "foreign_session")

    def test_got(self) -> None:
        """A page that said at sign_in that it confirms calls does so by a request; else no caller is left to wait."""
        headers = {"Accept": "application/json"}
        self.get("/api/webrtc/sign_in?id=5001&dn=5001&password=secret&acknowledges_calls=1", headers=headers)
        for confirms, status in ((True, 180), (False, 480)):
            far = self.far.call("5001")
            self.run_for()
            call = list(self.registry.agent("5001").calls)[-1]
            if confirms:
                got = self.ask("POST", f"/api/webrtc/ringing?id=5001&call={call}", data=b"{}", headers=headers)
                self.assertEqual(got.code, 200, got.text)
            self.run_for(20)
            self.assertEqual(far.last("INVITE").status, status)

    def test_just_over(self) -> None:
        """A report that the page made before it heard of the call's end is no fault of it; another one's call is."""
        self.in_call()
        self.far.calls[-1].bye()
        self.run_for()
        self.report(f"id=5001&call={self.call_id}")
        json_form = {"Accept": "application/json"}
        other = self.get("/api/webrtc/sign_in?id=5002&dn=5002&password=geheim", headers=json_form)
        bearer = {"Authorization": f"Bearer {other.json['session']}"}
        refused = self.report(f"id=5002&call={self.call_id}", code=404, headers=bearer)
        self.assertEqual(refused.json["code"], "unknown_call")

    def test_dialect(self) -> None:
        """A page of the other dialect reports with its SSID as token, and sees that by GET-STATS."""
        page = self.page()
        page.call_up()
        page.post("GET-STATS")
        nothing = json.loads(page.told().text.removeprefix("PUT-STATS"))
        self.assertEqual((nothing["timestamp"], nothing["audio"]["rtt"]), (WALL * 1000, 0))
        self.report(headers={"Authorization": f"Bearer {page.ssid}"})
        page.post("GET-STATS")
        told = json.loads(page.told().text.removeprefix("PUT-STATS"))
        self.assertEqual(told["timestamp"], WALL * 1000)
        self.assertEqual(set(told["audio"]), {"rtt", "rtt_max", "rtt_average", "rx", "tx"})
        self.assertEqual((told["audio"]["rtt"], told["audio"]["rx"]), (42.5, REPORT["audio"]["rx"]))

    def test_journal(self) -> None:
        """The line of the call's end has it, once; a call without a report has none."""
        Journal().subscribe_to(self.gateway.events)
        self.in_call()
        self.report()
        with capturedLogs() as logged:
            self.far.calls[-1].bye()
            self.run_for()
            record(CallEnded(self.call_id, cause=EndCause.REMOTE, code=0, reason=""))
        ended, other = (formatEvent(event) for event in logged if "ended" in formatEvent(event))
        self.assertIn("; audio: audio/opus, rtt 42 ms (worst 42), jitter 4 ms (worst 4), received 980, lost 20", ended)
        self.assertIn("worst loss 2.0 %, MOS 4.2 (worst 4.2)", ended)
        self.assertNotIn("audio", other)


class Counters(DialectCase):
    """What hangs and what was dropped."""

    def test_waits_count(self) -> None:
        """Hanging waits of the dialect count among the polls."""
        page = self.page()
        self.assertTrue(page.silent())
        self.assertEqual(self.surface.hanging, (1, 0))
        pages = self.get("/api/health", base=LOCAL, headers={}).json["pages"]
        self.assertEqual(pages, {"polls": 1, "streams": 0, "dropped_messages": 0})

    def test_dropped(self) -> None:
        """Messages that no page fetched and that had to go are told for the agent, and summed up in health."""
        self.start(mailbox_limit=2)
        self.get("/api/webrtc/sign_in?id=a&dn=5001&password=secret", headers={})
        for number in range(5):
            self.gateway.agent("a").mailbox.put(AgentMessage(type=MessageType.INFO, body=str(number)))
        self.assertEqual(self.get("/api/agents", base=LOCAL, headers={}).json["agents"][0]["dropped"], 3)
        self.assertEqual(self.get("/api/health", base=LOCAL, headers={}).json["pages"]["dropped_messages"], 3)
