"""One trace from the click on a page in a browser to the answer of Asterisk, by Kamailio, as a collector gets it."""

from tests.interop.case_library_asterisk import LibraryPageCase
from tests.interop.chromium import Tab
from tests.interop.gateway import Gateway
from tests.support.otlp import Collector, Received

ECHO = 1003
SENT = """() => {
    window.traces = [];
    const before = window.fetch;
    window.fetch = (url, options) => {
        if (options?.headers?.traceparent) traces.push(options.headers.traceparent);
        return before(url, options);
    };
}"""


class Traces(LibraryPageCase):
    """What becomes of a click."""

    _ours: Gateway

    def gateway(self) -> Gateway:
        """Return the gateway of this case, which sends all traces."""
        return self._ours

    async def begin(self) -> Tab:
        """Start collector and gateway, and open a page of another origin that has signed in."""
        self.collector = Collector()
        self.addCleanup(self.collector.stop)
        self._ours = await self.own_gateway(
            "traces",
            *self.environment.ways["ws"].urls,
            allowed_origins=[self.environment.origin],
            traces_endpoint=self.collector.url,
            traces_ratio=1.0,
        )
        await self.connected(self._ours)
        tab = await self.open("library.html")
        await self.sign_in(tab, 5001)
        return tab

    async def spans(self, *names: str) -> list[Received]:
        """Wait until the collector has all of these, and return what it has."""
        for _ in range(120):
            if {span.name for span in self.collector.spans} >= set(names):
                return self.collector.spans
            await self.pause(0.25)
        self.fail(f"missing: {set(names) - {span.name for span in self.collector.spans}}")

    async def test_click(self) -> None:
        """The page's traceparent is the beginning of what the gateway and Kamailio do; the BYE is in it, too."""
        tab = await self.begin()
        await tab.evaluate(SENT)
        await self.call(tab, ECHO)
        await self.is_(tab, "established")
        await self.do(tab, "hangup")
        (traceparent,) = await tab.evaluate("() => traces")
        _, trace, click, _ = traceparent.split("-")
        await self.spans("BYE local", "deliver ANSWER")
        mine = [span for span in self.collector.spans if span.trace == trace]
        by_id = {span.id: span for span in mine}
        invites = [span for span in mine if span.name == "INVITE local"]
        (answered,) = [span for span in invites if span.attributes["sip.response.status_code"] == 200]
        posted = by_id[answered.parent]
        self.assertEqual((posted.name, posted.parent), ("POST /api/webrtc/message", click))
        (bye,) = [span for span in mine if span.name == "BYE local"]
        self.assertEqual(by_id[bye.parent].name, "POST /api/webrtc/hangup")
        self.assertEqual(len([span for span in mine if span.name == "deliver ANSWER"]), 1)
        texts = " ".join(f"{span.name} {span.attributes}" for span in self.collector.spans)
        for secret in ("5001", "1003", "agent", "password"):
            self.assertNotIn(secret, texts.replace("user_agent", ""))
