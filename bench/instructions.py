"""
``python -m bench.instructions``: what counting and tracing add to a call, in instructions: a busy machine is no matter.

One call in one process, without sockets: the page's POST of an offer, INVITE, 401, ACK, INVITE, 180, 200, ACK, the
answer at the page's poll, and the hang-up. The far side and the page of this are counted too, and are the same in all
rows. valgrind counts; each figure is the difference of two runs, of which one has more calls. Spans are encoded as for
a collector.
"""

import argparse
import gc
import re
import subprocess
import sys
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from tests.support.farside import FarSide
from tests.support.gatewaycase import DOMAIN, PAGE_SDP
from tests.support.tokens import CountingTokens
from tests.web.harness import Answer, Wire
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from wrtcgw.calls.registry import Registry
from wrtcgw.capture.history import History
from wrtcgw.capture.recorder import Recorder
from wrtcgw.daemon.composition import http_surface
from wrtcgw.daemon.counting import Counting
from wrtcgw.daemon.event_recorder import EventRecorder
from wrtcgw.daemon.journal import Journal
from wrtcgw.daemon.otlp import readable
from wrtcgw.daemon.span_export import SpanExport
from wrtcgw.daemon.spans import Sampler, Span
from wrtcgw.daemon.traces import Traces
from wrtcgw.events.catalogue import SIPMessageReceived, SIPMessageSent
from wrtcgw.events.stream import EventStream
from wrtcgw.gateway import Gateway, GatewaySettings
from wrtcgw.meters.meters import Meters
from wrtcgw.sip.core import UACore, UASettings
from wrtcgw.sip.timers import Timers
from wrtcgw.web import GatewaySite, WebSettings

VARIANTS = ("neither", "metrics", "none kept", "all kept")
"""Neither metrics nor traces; metrics; and traces too, of which none or all are kept."""
WARM, FEW, MORE = 20, 20, 80
"""Calls before it counts, and in the two runs of which the difference counts."""
KEPT = 0.01
RESOURCE = Resource.create({"service.name": "wrtcgw"})
COUNTED = re.compile(r"I\s+refs:\s+([\d,]+)")


def encode(batch: Sequence[Span]) -> "Deferred[str]":
    """Do with a batch what the thread does, but for the sending."""
    encode_spans([readable(span, RESOURCE) for span in batch]).SerializeToString()
    return succeed("")


class OneProcess:
    """A gateway, its far side and a page, all in virtual time."""

    def __init__(self, variant: str) -> None:
        self.clock, self.events = Clock(), EventStream()
        seconds = self.clock.seconds
        self.export = SpanExport(encode, self.clock)
        if variant in ("none kept", "all kept"):
            numbers = iter(range(1, 1 << 40))
            sampler = Sampler(float(variant == "all kept"), lambda bits: next(numbers), b"key")
            Traces(sampler, self.export.add, lambda flow: {"network.transport": "wss"}, "memory", seconds).subscribe_to(
                self.events
            )
        core, registry = UACore(UASettings(domain=DOMAIN, instance="gw"), Timers(), CountingTokens("g")), Registry()
        settings = GatewaySettings(domain=DOMAIN, calls_per_minute=1_000_000)
        self.gateway = Gateway(core, registry, self.clock, settings, self.send, self.events)
        Journal(core.sip_call_id, lambda dn: dn).subscribe_to(self.events)
        recorder = Recorder(seconds, seconds, on=True, calls=20, size=1_000_000)
        EventRecorder(core, recorder, History(20), seconds, seconds).subscribe_to(self.events)
        if variant != "neither":
            Counting(Meters(), seconds, seconds).subscribe_to(self.events)
        surface = http_surface(self.gateway, WebSettings(), self.clock)
        self.site = GatewaySite(surface, reactor=self.clock)
        self.far = FarSide(self.clock, self.receive, {"5001": "secret"})
        self.gateway.connected(0)
        self.page = Wire(self.site)
        self.token = ""
        self.token = self.ask("GET", "sign_in?id=a&dn=5001&password=secret").headers["x-wrtc-session"]

    def send(self, flow: int, text: str) -> None:
        """Carry a SIP message there."""
        self.events.publish(SIPMessageSent(flow, text))
        self.far.take(flow, text)

    def receive(self, flow: int, text: str) -> None:
        """Carry a SIP message here."""
        self.events.publish(SIPMessageReceived(flow, text))
        self.gateway.received(flow, text)

    def pass_time(self) -> None:
        """Let what is under way arrive, and what is due be done."""
        for _ in range(10):
            self.clock.advance(0.02)
        self.gateway.tick()

    def ask(self, method: str, path: str, body: str = "", **fields: str) -> Answer:
        """Ask by the page's connection, and return the answer."""
        if self.token:
            fields["X_WRTC_Session"] = self.token
        self.page.send(method, f"/api/webrtc/{path}", body.encode(), **fields)
        self.pass_time()
        return self.page.answer()

    def call(self) -> None:
        """Place a call, have it answered, and hang up."""
        assert self.ask("POST", "message?from=a&to=1003", PAGE_SDP, Content_Type="text/plain").code == 200
        far = self.far.calls[-1]
        far.ring()
        self.pass_time()
        assert self.ask("GET", "message?id=a", Accept="application/json").code == 200
        far.answer()
        self.pass_time()
        assert self.ask("GET", "message?id=a", Accept="application/json").code == 200
        assert self.ask("POST", "hangup?id=a").code == 200
        while self.ask("GET", "message?id=a", Accept="application/json").code == 200:
            pass


def child(variant: str, calls: int) -> None:
    """Do so many calls."""
    process = OneProcess(variant)
    gc.disable()
    for _ in range(WARM + calls):
        process.call()
    process.export._send()


def instructions(variant: str, calls: int) -> int:
    """Return how many instructions a process with so many calls has."""
    command = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
    inner = (sys.executable, "-m", "bench.instructions", "--child", variant, "--calls", str(calls))
    done = subprocess.run((*command, *inner), capture_output=True, text=True, check=True)
    found = COUNTED.search(done.stderr)
    assert found is not None, done.stderr[-2000:]
    return int(found[1].replace(",", ""))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--child", choices=VARIANTS)
    parser.add_argument("--calls", type=int, default=0)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.calls)
        return
    cost = {name: (instructions(name, MORE) - instructions(name, FEW)) / (MORE - FEW) for name in VARIANTS}
    kept = cost["none kept"] + KEPT * (cost["all kept"] - cost["none kept"])
    neither, metrics = cost["neither"], cost["metrics"]
    print(f"| neither metrics nor traces | {neither / 1e6:.3f} M | |")
    print(f"| metrics | {metrics / 1e6:.3f} M | {metrics / neither:.4f} of neither |")
    for name, figure in (("none kept", cost["none kept"]), ("1 % kept", kept), ("all kept", cost["all kept"])):
        print(f"| metrics and traces, {name} | {figure / 1e6:.3f} M | {figure / metrics:.4f} of metrics |")


if __name__ == "__main__":
    main()
