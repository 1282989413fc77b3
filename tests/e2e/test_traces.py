"""Traces: one from the click of the page to the 200 of the far side, over real sockets, as a collector gets it."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from attrs import evolve
from twisted.web.http_headers import Headers

from tests.support.endtoend import EndToEndCase
from wrtcgw.config import Settings

if TYPE_CHECKING:
    from tests.support.otlp import Received

CLICK = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02"
TRACE, PAGE_SPAN = CLICK.split("-")[1:3]


class Tracing:
    """A client whose page says in which trace a call stands that it places."""

    def __init__(self, http: Any, traceparent: str) -> None:
        self._http = http
        self._traceparent = traceparent

    def request(self, method: str, url: str, headers: Headers, data: bytes) -> Any:
        """Ask, with the field where a call is placed."""
        if "to=" in url:
            headers = headers.copy()
            headers.setRawHeaders("traceparent", [self._traceparent])
        return self._http.request(method, url, headers=headers, data=data)


class TraceCase(EndToEndCase):
    """A gateway that sends spans to a collector of the test."""

    if find_spec("opentelemetry") is None:
        skip = "needs the packages of the extra otel"
    ratio = 1.0

    async def prepare(self) -> None:
        """Start a collector too."""
        from tests.support.otlp import Collector  # noqa: PLC0415 (of the extra otel)

        self.collector = Collector()
        await super().prepare()
        self.parts.monitoring.running.startService()
        self.addCleanup(self._stop_collector)

    async def _stop_collector(self) -> None:
        await self.flushed()
        await self.collector.stop()

    async def flushed(self) -> None:
        """Wait until the collector has all spans."""
        if self.parts.monitoring.running.running:
            await self.parts.monitoring.running.stopService()

    def adapted(self, settings: Settings) -> Settings:
        """Send traces to the collector."""
        return evolve(
            settings,
            traces_endpoint=self.collector.url,
            traces_ratio=self.ratio,
            traces_headers=(("X-Token", "t0ken"),),
            node_name="gw1",
        )

    def named(self, name: str) -> "list[Received]":
        """Return the spans of a name, in the order in which they ended."""
        return [span for span in self.collector.spans if span.name == name]


class TraceTests(TraceCase):
    """What a collector gets."""

    async def test_one_trace(self) -> None:
        """A call that the page traces is one trace, from the page's click to the far side's 200, and on to its BYE."""
        (page,) = await self.signed_in("5001")
        page.api.http = Tracing(page.api.http, CLICK)  # type: ignore[assignment]
        call = await page.connect("1003")
        await page.api.control("hangup", call)
        await page.event("SHUTDOWN", call)
        await self.flushed()
        spans = [span for span in self.collector.spans if span.trace == TRACE]
        (posted,) = [span for span in spans if span.name == "POST /api/webrtc/message"]
        self.assertEqual((posted.parent, posted.kind), (PAGE_SPAN, "SERVER"))
        self.assertEqual(posted.attributes["http.response.status_code"], 200)
        self.assertEqual(posted.attributes["wrtcgw.call_id"], call)
        *challenged, answered = [span for span in spans if span.name == "INVITE local"]
        self.assertEqual({span.parent for span in (*challenged, answered)}, {posted.id})
        self.assertIn(answered.attributes["sip.response.status_code"], (200,))
        self.assertEqual(answered.kind, "CLIENT")
        for name, value in {
            "network.protocol.name": "sip",
            "network.transport": "ws",
            "network.peer.address": "127.0.0.1",
            "sip.request.method": "INVITE",
            "sip.message.type": "request",
        }.items():
            self.assertEqual(answered.attributes[name], value, name)
        self.assertRegex(str(answered.attributes["sip.cseq"]), r"^\d+ INVITE$")
        self.assertTrue(answered.attributes["sip.call_id"])
        (answer,) = [span for span in spans if span.name == "deliver ANSWER"]
        self.assertEqual(
            (answer.kind, answer.parent, answer.attributes["wrtcgw.delivery"]), ("PRODUCER", posted.id, "poll")
        )
        (hangup,) = [span for span in spans if span.name == "POST /api/webrtc/hangup"]
        (bye,) = [span for span in spans if span.name == "BYE local"]
        self.assertEqual(bye.parent, hangup.id)
        self.assertEqual(bye.attributes["sip.response.status_code"], 200)
        self.assertEqual(answered.service["service.name"], "wrtcgw")
        self.assertEqual(answered.service["service.instance.id"], "gw1")
        self.assertEqual(self.collector.fields[0][b"X-Token"], [b"t0ken"])

    async def test_sign_in_and_incoming(self) -> None:
        """A sign_in has its REGISTERs, and a call that comes has its own trace, with the page's answer in it."""
        caller, callee = await self.signed_in("5001", "5002")
        placed = await caller.call("5002")
        call = await callee.answer()
        await caller.event("ANSWER", placed)
        await caller.api.control("hangup", placed)
        await callee.event("SHUTDOWN", call)
        await self.flushed()
        sign_ins = [span for span in self.collector.spans if span.name.endswith("/sign_in")]
        registers = self.named("REGISTER local")
        self.assertEqual(len(sign_ins), 2)
        self.assertEqual({span.parent for span in registers}, {span.id for span in sign_ins})
        self.assertEqual([span.attributes["sip.response.status_code"] for span in registers].count(200), 2)
        (invite,) = self.named("INVITE request")
        self.assertEqual((invite.kind, invite.parent), ("SERVER", ""))
        self.assertEqual(invite.attributes["sip.response.status_code"], 200)
        self.assertIn("SIP 180", invite.events)
        inside = {span.name for span in self.collector.spans if span.trace == invite.trace and span.parent == invite.id}
        self.assertLessEqual({"deliver OFFER", "POST /api/webrtc/message", "BYE request"}, inside)

    async def test_nobody(self) -> None:
        """No span says who called whom, with which secret, from which page."""
        caller, callee = await self.signed_in("5001", "5002")
        placed = await caller.call("5002")
        await callee.answer()
        await caller.event("ANSWER", placed)
        await caller.api.control("hangup", placed)
        await self.flushed()
        self.assertGreater(len(self.collector.spans), 10)
        texts = [f"{span.name} {span.attributes} {span.events}" for span in self.collector.spans]
        for secret in ("5001", "5002", "agent5", "Genesys2024", "a=", "Digest", "sip:"):
            self.assertEqual([text for text in texts if secret in text], [], secret)


class RefusalTests(TraceCase):
    """A collector that takes nothing."""

    async def test_refused(self) -> None:
        """Calls do not notice, and what was not taken is counted."""
        self.collector.status = 400
        (page,) = await self.signed_in("5001")
        call = await page.connect("1003")
        await page.api.control("hangup", call)
        await self.flushed()
        self.assertGreater(len(self.collector.fields), 0)
        text = self.parts.monitoring.exposition.write("")[1].decode()
        self.assertRegex(text, r'wrtcgw_trace_spans_total{result="failed"} [1-9]')
        self.assertIn('wrtcgw_trace_spans_total{result="sent"} 0.0', text)


class RatioTests(TraceCase):
    """Where none is kept."""

    ratio = 0.0

    async def test_none(self) -> None:
        """Nothing is sent of a call, whatever the page says of its trace."""
        (page,) = await self.signed_in("5001")
        page.api.http = Tracing(page.api.http, CLICK.replace("-02", "-01"))  # type: ignore[assignment]
        call = await page.connect("1003")
        await page.api.control("hangup", call)
        await self.flushed()
        self.assertEqual(self.collector.spans, [])
