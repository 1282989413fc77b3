"""``/metrics``: who may read it, in which form, and that each series says what has happened."""

import json
import re
from ipaddress import ip_network
from pathlib import Path

from tests.support.gatewaycase import OTHER_SDP
from tests.support.scraped import Scraped
from tests.web.harness import Answer
from tests.web.ops.opscase import OpsCase
from wrtcgw.calls.abilities import ONE_CALL
from wrtcgw.calls.messages import MessageType
from wrtcgw.calls.stats import PAGE_VERDICTS, Flow, Media, PageVerdict, Stats
from wrtcgw.events.catalogue import ConnectionDown, Loss, RequestServed, SignInRefused
from wrtcgw.web import WebSettings

PROMETHEUS = "192.0.2.9"
STRANGER = "203.0.113.9"
ROW = re.compile(r"(?m)^\| `(wrtcgw_\w+)` \|([^|]*)\|")
"""Of the table of series: its name and its labels."""


class TrustTests(OpsCase):
    """Who may read."""

    settings = WebSettings(
        operator_token="a-long-token",
        metrics_allow=(ip_network("192.0.2.0/28"),),
        trusted_proxies=(ip_network("192.0.2.3/32"),),
    )

    def scraping(self, address: str, **headers: str) -> Answer:
        """Scrape from an address."""
        return self.ask("GET", "/metrics", address=address, Host="gateway.example:8082", **headers)

    def test_networks(self) -> None:
        """Prometheus itself needs no token; nobody else may read without an operator's."""
        self.assertEqual(self.scraping(PROMETHEUS).code, 200)
        self.assertEqual(self.scraping(STRANGER).error, (401, "operator_token_required"))
        self.assertIn("metrics_allow", self.scraping(STRANGER).json["error"])
        self.assertEqual(self.scraping("127.0.0.1").code, 401)
        self.assertEqual(self.scraping(STRANGER, Authorization="Bearer a-long-token").code, 200)
        self.assertEqual(self.scraping(PROMETHEUS, Authorization="Bearer wrong").code, 401)

    def test_proxies(self) -> None:
        """What a proxy passes on is not from there, whoever the proxy is and whatever it says."""
        for proxy in ("192.0.2.3", "192.0.2.4", PROMETHEUS):
            for client in (STRANGER, PROMETHEUS, "127.0.0.1"):
                self.assertEqual(self.scraping(proxy, X_Forwarded_For=client).code, 401, (proxy, client))

    def test_reload(self) -> None:
        """A reload decides anew."""
        self.surface.reconfigure(WebSettings(operator_token="a-long-token"))
        self.assertEqual(self.scraping(PROMETHEUS).code, 401)

    def test_nothing_else(self) -> None:
        """No other path and no other method is opened by it."""
        self.assertEqual(self.ask("POST", "/metrics", address=PROMETHEUS).code, 405)
        self.assertEqual(self.ask("GET", "/metrics/", address=PROMETHEUS).code, 404)
        self.assertEqual(self.ask("GET", "/api/ops/summary", address=PROMETHEUS).code, 401)


class FormTests(OpsCase):
    """What is written."""

    def test_formats(self) -> None:
        """Prometheus' text by default, OpenMetrics for who asks for it; both can be read, and say the same."""
        self.outbound(self.sign_in())
        answer = self.ask("GET", "/metrics")
        self.assertEqual(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        plain = Scraped.of(answer.text)
        accept = 'application/openmetrics-text;version="1.0.0",application/openmetrics-text;version=x\x7f;q=0.7'
        answer = self.ask("GET", "/metrics", Accept=accept)
        self.assertEqual(answer.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8")
        strict = Scraped.of(answer.text, openmetrics=True)
        for name, labels in plain.samples:
            if name.startswith("wrtcgw_") and "http" not in name:
                self.assertEqual(strict.samples[name, labels], plain.samples[name, labels], name)

    def test_conventions(self) -> None:
        """Names have the prefix and base units, each has a help text, and no label says who somebody is."""
        agent = self.sign_in()
        call, far = self.outbound(agent)
        self.page_sign_in("ben", "5002")
        text = self.ask("GET", "/metrics").text
        scraped = Scraped.of(text)
        ours = {name: family for name, family in scraped.families.items() if name.startswith("wrtcgw_")}
        self.assertGreaterEqual(len(ours), 30)
        for name, family in ours.items():
            self.assertTrue(family.documentation.endswith("."), name)
            self.assertNotRegex(name, "(_ms|_msec|_millis|_minutes)")
            self.assertIn(family.type, ("counter", "gauge", "histogram"), name)
            self.assertEqual(family.type == "counter", f"{name}_total" in text, name)
        for secret in (agent.id, agent.dn, "5002", call.id, far.call_id, "127.0.0.1"):
            self.assertNotIn(f'"{secret}"', text)

    def test_documented(self) -> None:
        """The page on monitoring has each series with its labels, and no other one."""
        agent = self.sign_in()
        _, far = self.outbound(agent)
        self.done(self.gateway.transfer(agent.id, to="1004"))
        far.bye()
        self.gateway.events.publish(SignInRefused("draining"))
        self.gateway.events.publish(RequestServed(method=b"GET", path=b"/api/x", route="x", code=200, seconds=0.1))
        self.run_for(1)
        page = (Path(__file__).parents[3] / "docs/monitoring.md").read_text("utf-8")
        listed = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in ROW.findall(page)}
        found: dict[str, set[str]] = {}
        for family in self.scrape().families.values():
            for sample in family.samples:
                name = f"{family.name}_total" if family.type == "counter" else family.name
                found.setdefault(name, set()).update(sample.labels.keys() - {"le"})
        self.assertEqual(listed, {name: labels for name, labels in found.items() if name.startswith("wrtcgw_")})

    def test_failing_source(self) -> None:
        """A source that fails is left out and logged; the others are there."""
        self.exposition.add(lambda: 1 / 0)  # type: ignore[arg-type,return-value]
        self.assertIn("wrtcgw_build_info", self.ask("GET", "/metrics").text)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.exposition = type(self.exposition)()  # tearDown looks at the gauges

    def check_gauges(self) -> None:
        """Leave out what needs all sources."""


class CallSeries(OpsCase):
    """What happens in calls."""

    def test_outcomes(self) -> None:
        """Calls are counted by how they end."""
        agent = self.sign_in()
        for code in (486, 404, 503):
            _, far = self.place(agent)
            far.refuse(code)
            self.run_for()
        _, far = self.outbound(agent)
        far.bye()
        self.run_for()
        _, far = self.inbound(agent)
        far.cancel()
        self.run_for()
        scraped = self.scrape()
        ended = "wrtcgw_calls_ended_total"
        self.assertEqual(scraped.sum(ended, direction="outbound", result="client_error"), 2)
        self.assertEqual(scraped.get(ended, direction="outbound", result="client_error", cause="busy"), 1)
        self.assertEqual(scraped.sum(ended, direction="outbound", result="server_error"), 1)
        self.assertEqual(scraped.get(ended, direction="outbound", result="success", cause="remote"), 1)
        self.assertEqual(scraped.get(ended, direction="inbound", result="client_error", cause="cancelled"), 1)
        self.assertEqual(scraped.get("wrtcgw_calls_begun_total", direction="outbound"), 4)

    def test_times(self) -> None:
        """Post-dial delay, set-up and duration are measured in their buckets."""
        agent = self.sign_in()
        _, far = self.place(agent)
        self.run_for(2.2)
        far.ring()
        self.run_for(4)
        far.answer()
        self.run_for(40)
        far.bye()
        self.run_for()
        inbound, far = self.inbound(agent)
        self.run_for(9)
        self.describe(agent, call_id=inbound.id)
        scraped = self.scrape()
        self.assertEqual(scraped.get("wrtcgw_call_pdd_seconds_bucket", le="2"), 0)
        self.assertEqual(scraped.get("wrtcgw_call_pdd_seconds_bucket", le="3"), 1)
        for direction, below, above in (("outbound", "5", "8"), ("inbound", "8", "13")):
            self.assertEqual(scraped.get("wrtcgw_call_setup_seconds_bucket", direction=direction, le=below), 0)
            self.assertEqual(scraped.get("wrtcgw_call_setup_seconds_bucket", direction=direction, le=above), 1)
        self.assertEqual(scraped.get("wrtcgw_call_duration_seconds_bucket", le="30"), 0)
        self.assertEqual(scraped.get("wrtcgw_call_duration_seconds_bucket", le="60"), 1)
        self.assertEqual(scraped.get("wrtcgw_calls", direction="inbound", state="established"), 1)

    def test_media(self) -> None:
        """What the pages reported of their media is counted once for each call."""
        agent = self.sign_in()
        for received, sent, mos in ((500, 500, 4.3), (0, 500, 0.0), (500, 0, 2.2), (0, 0, 0.0)):
            call, far = self.outbound(agent)
            self.run_for(10)
            audio = Media(mos=mos, rx=Flow(packets=received), tx=Flow(packets=sent))
            for _ in range(2):
                self.gateway.report_stats(agent.id, call.id, Stats(audio=audio))
            far.bye()
            self.run_for()
        scraped = self.scrape()
        self.assertEqual(scraped.get("wrtcgw_one_way_calls_total", deaf="page"), 1)
        self.assertEqual(scraped.get("wrtcgw_one_way_calls_total", deaf="far_side"), 1)
        self.assertEqual(scraped.get("wrtcgw_silent_calls_total"), 1)
        self.assertEqual(scraped.get("wrtcgw_call_mos_count"), 2)
        self.assertEqual(scraped.get("wrtcgw_call_mos_bucket", le="2.5"), 1)

    def test_verdicts(self) -> None:
        """What pages say of the media is counted by the last word on each answered call; all words are there."""
        agent = self.sign_in()
        for codes in (("good", "mic_silent"), ("high_rtt",), ()):
            call, far = self.outbound(agent)
            for code in codes:
                self.gateway.report_stats(agent.id, call.id, Stats(verdict=PageVerdict(code=code)))
            far.bye()
        scraped = self.scrape()
        counts = {code: scraped.get("wrtcgw_media_verdicts_total", verdict=code) for code in PAGE_VERDICTS}
        self.assertEqual(counts, {**dict.fromkeys(PAGE_VERDICTS, 0), "mic_silent": 1, "high_rtt": 1})

    def test_answer_delivery(self) -> None:
        """It is measured how long an answer waits until the page has it, in both dialects' ways."""
        token = self.page_sign_in()
        agent = self.gateway.agent("ann")
        call, far = self.place(agent)
        far.answer()
        self.run_for(3)
        for _ in range(3):
            self.ask("GET", "/api/webrtc/message?id=ann", Authorization=f"Bearer {token}", Accept="application/json")
        self.assertEqual(self.scrape().get("wrtcgw_answer_delivery_seconds_count"), 1)
        self.assertEqual(self.scrape().get("wrtcgw_answer_delivery_seconds_bucket", le="2.5"), 0)
        self.assertEqual(self.scrape().get("wrtcgw_answer_delivery_seconds_bucket", le="5"), 1)
        self.assertEqual(call.id in agent.calls, True)

    def test_answer_at_once(self) -> None:
        """So is one for which a poll hangs: it is delivered while others are still told that it is there."""
        token = self.page_sign_in()
        _, far = self.place(self.gateway.agent("ann"))
        far.ring()
        self.run_for()
        poll = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self.ask("GET", "/api/webrtc/message?id=ann", **poll)
        wire = self.wire()
        wire.get("/api/webrtc/message?id=ann&wait=30", **poll)
        far.answer()
        self.run_for()
        self.assertEqual(wire.answer().json["messageType"], "ANSWER")
        self.assertEqual(self.scrape().get("wrtcgw_answer_delivery_seconds_bucket", le="0.25"), 1)

    def test_transfers(self) -> None:
        """Each transfer has one outcome: it worked, it did not, it was refused, or nobody said."""
        agent = self.sign_in()
        _, far = self.outbound(agent)
        self.done(self.gateway.transfer(agent.id, to="1004"))
        far.notify("refer", "terminated", "SIP/2.0 603 Decline")
        self.run_for()
        self.done(self.gateway.transfer(agent.id, to="1004"))
        far.notify("refer", "active", "SIP/2.0 200 OK")
        far.notify("refer", "terminated", "SIP/2.0 200 OK")
        self.run_for()
        _, far = self.outbound(agent)
        self.done(self.gateway.transfer(agent.id, to="1004"))
        far.bye()
        self.run_for(1)
        one, _ = self.outbound(agent)
        two, far = self.outbound(agent)
        self.done(self.gateway.transfer(agent.id, call_id=one.id, to_call=two.id))
        self.far.calls[-2].notify("refer", "terminated", "SIP/2.0 200 OK")
        self.run_for(1)
        transfers = "wrtcgw_transfers_total"
        scraped = self.scrape()
        self.assertEqual(scraped.get(transfers, kind="blind", result="failed"), 1)
        self.assertEqual(scraped.get(transfers, kind="blind", result="done"), 1)
        self.assertEqual(scraped.get(transfers, kind="blind", result="unknown"), 1)
        self.assertEqual(scraped.get(transfers, kind="attended", result="done"), 1)
        self.assertEqual(scraped.sum(transfers), 4)

    def test_transfer_without_answer(self) -> None:
        """A transfer whose far side hangs up before it answered the REFER is over once, not again with its verb."""
        agent = self.sign_in()
        _, far = self.outbound(agent)
        self.far.silent.add("REFER")
        waiting = self.begin(self.gateway.transfer(agent.id, to="1004"))
        self.run_for()
        far.bye()
        self.run_for()
        self.failureResultOf(waiting)
        self.assertEqual(self.scrape().get("wrtcgw_transfers_total", kind="blind", result="unknown"), 1)
        self.assertEqual(self.scrape().sum("wrtcgw_transfers_total"), 1)


class FailureSeries(OpsCase):
    """What fails under calls, and what becomes of them."""

    def test_connection(self) -> None:
        """A call that the far side still knows after a new connection is recovered; one that it does not is lost."""
        agent = self.sign_in()
        _, kept = self.outbound(agent)
        _, gone = self.outbound(agent)
        self.gateway.events.publish(ConnectionDown(0, Loss.SILENT))
        self.gateway.disconnected(0)
        self.run_for(2)
        self.gateway.connected(0)
        self.run_for(2)
        self.assertEqual(kept.methods()[-1], "INVITE")
        kept.answer()
        gone.refuse(481)
        self.run_for()
        scraped = self.scrape()
        self.assertEqual(scraped.get("wrtcgw_calls_recovered_total", after="connection"), 1)
        self.assertEqual(scraped.get("wrtcgw_calls_lost_total", after="connection"), 1)
        self.assertEqual(scraped.get("wrtcgw_sip_connection_lost_total", reason="silent"), 1)
        holding = self.begin(self.gateway.hold(agent.id))
        self.run_for()
        kept.refuse(481)
        self.run_for(1)
        self.failureResultOf(holding)
        self.assertEqual(self.scrape().sum("wrtcgw_calls_lost_total"), 1, "it was recovered, and is lost for no loss")

    def test_481_without_loss(self) -> None:
        """A far side that forgets a call while the connection was up is no loss of that kind."""
        agent = self.sign_in()
        _, far = self.outbound(agent)
        holding = self.begin(self.gateway.hold(agent.id))
        self.run_for()
        far.refuse(481)
        self.run_for(1)
        self.failureResultOf(holding)
        scraped = self.scrape()
        self.assertEqual(scraped.sum("wrtcgw_calls_lost_total"), 0)
        self.assertEqual(scraped.sum("wrtcgw_calls_ended_total", result="server_error"), 1)

    def test_pages(self) -> None:
        """A new page that takes the call up recovers it; calls whose page stays away are lost."""
        agent = self.sign_in(abilities=ONE_CALL)
        self.gateway.attend(agent.id)
        _, far = self.outbound(agent)
        self.gateway.leave(agent.id)
        self.sign_in(abilities=ONE_CALL)
        self.gateway.attend(agent.id)
        self.run_for(1)
        self.describe(agent, OTHER_SDP, kind=MessageType.OFFER)
        far.answer()
        self.run_for(1)
        self.assertEqual(self.scrape().get("wrtcgw_calls_recovered_total", after="page"), 1)
        self.gateway.leave(agent.id)
        self.run_for(100)
        scraped = self.scrape()
        self.assertEqual(scraped.get("wrtcgw_calls_lost_total", after="page"), 1)
        self.assertEqual(scraped.get("wrtcgw_page_lost_total"), 1)


class OtherSeries(OpsCase):
    """Agents, registrations, requests, objects."""

    def test_agents(self) -> None:
        """Agents are counted by the state of their registration, and pages that listen."""
        agent = self.sign_in()
        self.gateway.attend(agent.id)
        self.assertEqual(self.scrape().get("wrtcgw_agents", state="registered"), 1)
        self.assertEqual(self.scrape().get("wrtcgw_pages_listening"), 1)
        self.gateway.disconnected(0)
        self.console.up = False
        self.gateway.leave(agent.id)
        scraped = self.scrape()
        self.assertEqual(scraped.get("wrtcgw_agents", state="recovering"), 1)
        self.assertEqual(scraped.get("wrtcgw_pages_listening"), 0)
        self.assertEqual(scraped.get("wrtcgw_sip_connections", state="down"), 1)

    def test_registers(self) -> None:
        """REGISTERs are counted by their outcome, and timed with their challenge."""
        self.page_sign_in()
        body = json.dumps({"id": "ben", "dn": "5002", "password": "wrong"}).encode()
        refused = self.ask("POST", "/api/webrtc/sign_in", body, Content_Type="application/json")
        self.assertEqual(refused.code, 401)
        scraped = self.scrape()
        self.assertEqual(scraped.get("wrtcgw_register_total", code="200"), 1)
        self.assertEqual(scraped.sum("wrtcgw_register_total"), 2)
        self.assertEqual(scraped.get("wrtcgw_register_seconds_count"), 1)
        self.assertGreater(scraped.get("wrtcgw_register_seconds_sum"), 0)
        self.assertEqual(scraped.get("wrtcgw_sign_in_refused_total", reason=refused.json["code"]), 1)

    def test_requests(self) -> None:
        """Requests are counted by route, method and code; what hangs is not timed, and no path makes a series."""
        token = self.page_sign_in()
        for path in ("/x", "/y", "/api/webrtc/nothing", "/api/webrtc/<name>", "/api/ops/z", "/%00"):
            self.ask("GET", path)
        self.ask("GET", "/api/health")
        self.ask("GET", "/api/webrtc/message?id=ann", Authorization=f"Bearer {token}")
        scraped = self.scrape()
        requests = "wrtcgw_http_requests_total"
        self.assertEqual(scraped.get(requests, route="/api/health", method="GET", code="200"), 1)
        self.assertEqual(scraped.get(requests, route="/api/webrtc/message", method="GET", code="204"), 1)
        self.assertEqual(scraped.get(requests, route="files", method="GET", code="404"), 3)
        self.assertEqual(scraped.get("wrtcgw_http_seconds_count", route="/api/health"), 1)
        names = {dict(labels)["route"] for name, labels in scraped.samples if name == requests}
        known = {route.path for chain in self.surface.chains for route in chain.dialect.routes.all}
        dialects = {chain.dialect.policy.name for chain in self.surface.chains}
        self.assertEqual(names - known - dialects, set())
        timed = {dict(labels)["route"] for name, labels in scraped.samples if name == "wrtcgw_http_seconds_count"}
        self.assertNotIn("/api/webrtc/message", timed)

    def test_odd_methods(self) -> None:
        """A client cannot make series by methods of its own."""
        for method in ("BREW", "X", "PROPFIND"):
            self.ask(method, "/api/health")
        self.assertEqual(self.scrape().sum("wrtcgw_http_requests_total", method="other"), 3)
        self.assertEqual(re.findall("BREW|PROPFIND", self.exposition.write("")[1].decode()), [])

    def test_objects(self) -> None:
        """When everybody has gone and the last timer is over, nothing is left but what operators look back at."""
        agent = self.sign_in()
        _, far = self.outbound(agent)
        busy = self.scrape()
        for kind in ("agents", "calls", "call_legs", "sip_legs", "sip_dialogs", "sip_registrations"):
            self.assertEqual(busy.get("wrtcgw_objects", kind=kind), 1, kind)
        far.bye()
        self.done(self.gateway.sign_out(agent.id))
        self.run_for(100)
        idle = self.scrape()
        for (name, labels), value in idle.samples.items():
            kind = dict(labels).get("kind", "")
            if name == "wrtcgw_objects" and kind not in ("captured_calls", "history", "http_connections"):
                self.assertEqual(value, 0, kind)

    def test_draining(self) -> None:
        """Whether the gateway drains is a gauge."""
        self.assertEqual(self.scrape().get("wrtcgw_draining"), 0)
        self.act("drain", {"on": True})
        self.assertEqual(self.scrape().get("wrtcgw_draining"), 1)

    def test_one_way_of_counting(self) -> None:
        """The console's rates and the series are the same numbers."""
        self.page_sign_in()
        self.outbound(self.gateway.agent("ann"))
        scraped, counters = self.scrape(), self.meters.counters
        self.assertEqual(scraped.sum("wrtcgw_http_requests_total"), counters.http)
        self.assertEqual(scraped.get("wrtcgw_sip_messages_total", direction="in"), counters.sip_in)
        self.assertEqual(scraped.get("wrtcgw_sip_messages_total", direction="out"), counters.sip_out)
        self.assertEqual(scraped.sum("wrtcgw_calls_begun_total"), counters.calls)
        summary = self.get("summary")["latencies"]["answer"]
        self.assertEqual(scraped.get("wrtcgw_call_setup_seconds_count", direction="outbound"), summary["count"])
