"""The samples for Prometheus and Grafana name what there is; interop has Prometheus itself read them."""

import re

from tests.support.samples import TOP, alerts, groupings, queries, selectors
from tests.support.scraped import Scraped
from tests.web.ops.opscase import OpsCase
from wrtcgw.events.catalogue import RequestServed, SignInRefused

OF_PROMETHEUS = {"instance", "job", "le"}
"""Labels that it adds, or that histograms have."""


class SampleTests(OpsCase):
    """Each series and label that a rule or a panel names."""

    def exposed(self) -> dict[str, set[str]]:
        """Return the labels of each series, of a gateway in which everything has happened."""
        agent = self.sign_in()
        _, far = self.outbound(agent)
        far.bye()
        self.gateway.events.publish(SignInRefused("draining"))
        self.gateway.events.publish(RequestServed(method=b"GET", path=b"/api/x", route="x", code=200, seconds=0.1))
        self.run_for()
        found: dict[str, set[str]] = {}
        for name, labels in Scraped.of(self.exposition.write("")[1].decode()).samples:
            found.setdefault(name, set()).update(label for label, _ in labels)
        return found

    def test_series(self) -> None:
        """They are those that the gateway has."""
        exposed = self.exposed()
        rules = [(name, re.sub(r"\s+", " ", text.partition("labels:")[0])) for name, text in alerts().items()]
        self.assertGreater(len(rules), 20)
        for where, query in (*rules, *queries()):
            known: set[str] = set(OF_PROMETHEUS)
            for name, labels in selectors(query):
                self.assertIn(name, exposed, where)
                self.assertEqual(labels - exposed[name] - OF_PROMETHEUS, set(), where)
                known |= exposed[name]
            self.assertEqual(groupings(query) - known, set(), where)

    def test_coverage(self) -> None:
        """The dashboard shows every series of the gateway's."""
        shown = {name for _, query in queries() for name, _ in selectors(query)}
        families = {re.sub("_(bucket|count|sum)$", "", name) for name in self.exposed() if name.startswith("wrtcgw_")}
        self.assertEqual(families - {re.sub("_bucket$", "", name) for name in shown}, set())

    def test_runbook(self) -> None:
        """Each alert has a paragraph, each paragraph an alert, and each alert a test."""
        page = (TOP / "docs/runbook.md").read_text("utf-8")
        tested = (TOP / "tests/data/prometheus/alerts.test.yml").read_text("utf-8")
        self.assertEqual(re.findall(r"(?m)^### (\w+)$", page), list(alerts()))
        self.assertEqual(re.findall(r"(?m)^  - name: (\w+)$", tested), list(alerts()))
        for name, text in alerts().items():
            self.assertIn(f"runbook: docs/runbook.md#{name.lower()}\n", text)
            self.assertRegex(text, r"severity: (critical|warning|info)")
