"""The samples for Prometheus and Grafana: as Prometheus' own tools read them, and against a gateway that works."""

import json
import math
import pathlib
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote
from urllib.request import urlopen

from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.client import Agent

from tests.interop.demo import demo, demo_folder
from tests.interop.processes import Server, accepts, free_ports
from tests.interop.servers import CONF, PROJECT
from tests.support.endtoend import Page
from tests.support.samples import alerts, queries
from wrtcgw.clientlib.api import GatewayAPI, RefusedError

SAMPLES = CONF / "prometheus"
LIMIT = 20.0
"""Seconds after which something that does not come is missing."""


class Tools(SynchronousTestCase):
    """What promtool says."""

    def promtool(self, *arguments: str) -> str:
        """Run it, and return what it says; it has to be content."""
        done = subprocess.run(("promtool", *arguments), capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_configuration(self) -> None:
        """The scrape configuration is good, and so are the rules that it names."""
        self.assertIn("1 rule files found", self.promtool("check", "config", str(SAMPLES / "prometheus.yml")))

    def test_rules(self) -> None:
        """Each alert fires when it should, and not before."""
        said = self.promtool("check", "rules", str(SAMPLES / "wrtcgw.rules.yml"))
        self.assertIn(f"{len(alerts())} rules found", said)
        self.promtool("test", "rules", str(PROJECT / "tests/data/prometheus/alerts.test.yml"))


class Scraping(TestCase):
    """Debian's Prometheus scrapes a demo gateway by the sample's configuration while agents work."""

    timeout = 120
    settings: ClassVar[Mapping[str, object]] = {
        "metrics_allow": ["127.0.0.1"],
        "operator_loopback": False,
        "hep_target": "udp:127.0.0.1:9",
        "traces_endpoint": "http://127.0.0.1:9/v1/traces",
        "log_format": "json",
    }

    def setUp(self) -> None:
        """Start both."""
        self.records = demo_folder() / "calls.jsonl"
        store = f"sqlite://{demo_folder()}/prometheus.db"
        self.gateway = demo({**self.settings, "call_records": str(self.records), "state_store": store})
        self.port = free_ports(1)[0]
        folder = demo_folder() / f"prometheus-{self.port}"
        folder.mkdir()
        address = self.gateway.url.removeprefix("http://")
        config = (SAMPLES / "prometheus.yml").read_text()
        for said, wanted in (("127.0.0.1:8082", address), ("interval: 15s", "interval: 1s")):
            self.assertIn(said, config)
            config = config.replace(said, wanted)
        (folder / "prometheus.yml").write_text(config)
        shutil.copy(SAMPLES / "wrtcgw.rules.yml", folder)
        self.server = Server("prometheus", self.command(folder), folder / "log", lambda: accepts(self.port))
        self.server.start()
        self.addCleanup(self.server.stop)

    def command(self, folder: pathlib.Path) -> tuple[str, ...]:
        """Return the command that runs Prometheus in a folder."""
        return (
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        )

    def ask(self, path: str) -> Any:
        """Ask Prometheus' API."""
        with urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=10) as response:
            return json.load(response)["data"]

    def values(self, query: str) -> list[float]:
        """Return what a query gives now, without what is not a number."""
        result = self.ask(f"query?query={quote(query)}")["result"]
        return [value for value in (float(each["value"][1]) for each in result) if not math.isnan(value)]

    async def until(self, query: str) -> None:
        """Wait until a query gives something."""
        end = reactor.seconds() + LIMIT
        while not self.values(query):
            self.assertLess(reactor.seconds(), end, query)
            await deferLater(reactor, 0.2, lambda: None)

    def page(self, dn: str, agent_id: str = "") -> Page:
        """Return a page of an agent."""
        api = GatewayAPI(self.gateway.url, agent_id or f"metered{dn}", HTTPClient(Agent(reactor)), reactor)
        return Page(dn, api)

    async def work(self) -> None:
        """Let agents call, be refused, transfer, report, and hang up."""
        page = await self.page("5009").sign_in()
        try:
            call = await page.connect("1003")
            audio = {"mos": 4.2, "rtt": 20, "rx": {"packets": 50}, "tx": {"packets": 50}}
            query, body = {"id": page.api.agent_id, "call": call}, json.dumps({"audio": audio}).encode()
            await page.api._ask("POST", "/api/webrtc/stats", query, body, "application/json")
            await page.api.control("transfer", call, to="1005")
            await page.event("TRANSFER", call)
            await page.api.control("hangup", call)
            await page.call("1005")
            await page.event("ERROR")
        finally:
            await page.close()
        try:
            await self.page("5009", "stranger").sign_in("wrong")
        except RefusedError as error:
            self.assertEqual(error.status, 401)

    async def test_everything(self) -> None:
        """The gateway is scraped, the rules are loaded and quiet, and each panel of the dashboard shows something."""
        await self.work()
        await self.until("wrtcgw_sign_in_refused_total and on () increase(wrtcgw_calls_begun_total[10s]) >= 0")
        await self.work()
        await deferLater(reactor, 3, lambda: None)
        (target,) = self.ask("targets?state=active")["activeTargets"]
        self.assertEqual((target["health"], target["lastError"]), ("up", ""))
        for panel, query in queries():
            asked = query.replace("$__rate_interval", "30s").replace("$instance", ".*")
            self.assertNotEqual(self.values(asked), [], f"{panel}: {query}")
        (group,) = self.ask("rules?type=alert")["groups"]
        self.assertEqual([rule["name"] for rule in group["rules"]], list(alerts()))
        self.assertEqual({rule["health"] for rule in group["rules"]}, {"ok"})
        self.assertEqual([rule["name"] for rule in group["rules"] if rule["state"] == "firing"], [])
        self.check_records()

    def check_records(self) -> None:
        """Check that each call has its line, and that each line of the log is JSON, those of calls with their names."""
        lines = [json.loads(line) for line in self.records.read_text().splitlines()]
        self.assertEqual([line["outcome"] for line in lines], ["success", "client_error"] * 2)
        self.assertEqual([each["result"] for each in lines[0]["transfers"]], ["failed"])
        self.assertEqual((lines[0]["media"], lines[1]["sipCode"]), ("good", 486))
        text = self.gateway.server.log.read_text()
        logged = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        ended = [line for line in logged if line.get("callId") == lines[0]["callId"]]
        self.assertEqual({line["sipCallId"] for line in ended}, {lines[0]["sipCallId"]})
        self.assertEqual({(line["dn"], line["agent"]) for line in ended}, {("5009", "metered5009")})
