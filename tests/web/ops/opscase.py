"""A whole gateway with what looks on, in virtual time, with pages, operators and a scripted far side."""

import json
from pathlib import Path
from typing import Any, cast

from attrs import define, field

from tests.capture.support import EPOCH
from tests.support.gatewaycase import GatewayCase
from tests.support.openapi import answer_faults
from tests.support.scraped import Scraped
from tests.web.harness import Answer, Wire
from wrtcgw.capture.hep import Agent
from wrtcgw.capture.history import History
from wrtcgw.capture.recorder import Recorder
from wrtcgw.daemon.call_records import CallRecords, RecordFile
from wrtcgw.daemon.composition import http_surface
from wrtcgw.daemon.counting import Counting
from wrtcgw.daemon.event_recorder import EventRecorder
from wrtcgw.daemon.exposition import Exposition
from wrtcgw.daemon.hep import HEPSender
from wrtcgw.daemon.log_level import LevelControl
from wrtcgw.daemon.series import Counted, Tables
from wrtcgw.daemon.span_export import SpanExport
from wrtcgw.events.catalogue import ConnectionUp, SIPMessageReceived, SIPMessageSent
from wrtcgw.meters.meters import Meters
from wrtcgw.web import GatewaySite, WebSettings
from wrtcgw.web.genesys import GenesysSettings
from wrtcgw.web.ops import Flow, OpsParts

PASSWORDS = {"5001": "Xyzzy-password-1", "5002": "Xyzzy-password-2", "5003": "Xyzzy-password-3"}
PROXY = "ws://proxy.example.org/"


@define(eq=False)
class StandInConsole:
    """What the daemon does for operators, as far as the HTTP side can tell."""

    event_recorder: EventRecorder
    log_level: str = "info"
    log_levels: dict[str, str] = field(factory=dict)
    components: tuple[str, ...] = ("web", "transport")
    show_data: bool = False
    up: bool = True
    told: list[str] = field(factory=list)
    drains: list[float | None] = field(factory=list)

    def set_log_level(self, level: str, component: str = "") -> None:
        """Note the level."""
        if component:
            self.log_levels[component] = level
        else:
            self.log_level = level

    def set_capture(self, on: bool) -> None:
        """Switch the recorder."""
        self.event_recorder.switch(on)

    def stop_when_drained(self, limit: float | None) -> None:
        """Note it."""
        self.drains.append(limit)

    def flows(self) -> list[Flow]:
        """Return one connection."""
        return [Flow(0, PROXY, self.up, "" if self.up else "refused")]

    def sip_call_id(self, call_id: str) -> str:
        """Ask the core."""
        return self.event_recorder.core.sip_call_id(call_id)


class OpsCase(GatewayCase):
    """Tests of the operators' calls; nothing may hang in the end."""

    settings = WebSettings(operator_loopback=True)
    show_data = False
    records_path: Path | None = None
    calls_kept = 50
    history_kept = 50

    def setUp(self) -> None:
        self.event_recorder: EventRecorder | None = None
        self.wires: list[Wire] = []
        super().setUp()
        self.passwords.update(PASSWORDS)

    def start(self, **changes: object) -> None:
        """Make the gateway and what looks on."""
        super().start(**changes)
        self.recorder = Recorder(self.clock.seconds, self.wall, on=True, calls=self.calls_kept, size=10_000_000)
        self.history, self.meters = History(self.history_kept), Meters()
        self.event_recorder = event_recorder = EventRecorder(
            self.core, self.recorder, self.history, self.clock.seconds, self.wall
        )
        Counting(self.meters, self.clock.seconds, self.wall).subscribe_to(self.gateway.events)
        event_recorder.subscribe_to(self.gateway.events)
        file = RecordFile(self.records_path, self.clock.seconds)
        self.records = CallRecords(file, self.history, "gw1", self.wall)
        self.records.subscribe_to(self.gateway.events)
        self.far.deliver = self._deliver
        self.gateway.events.publish(ConnectionUp(0))
        self.console = StandInConsole(event_recorder, show_data=self.show_data)
        self.serve(self.settings)

    def wall(self) -> float:
        """Return seconds since the epoch."""
        return EPOCH + self.clock.seconds()

    def serve(self, settings: WebSettings) -> None:
        """Put the HTTP surface up, anew when it is up."""
        self.parts = OpsParts(recorder=self.recorder, history=self.history, meters=self.meters, console=self.console)
        self.exposition = exposition = Exposition()
        self.surface = http_surface(
            self.gateway,
            settings,
            self.clock,
            genesys=GenesysSettings(),
            ops=self.parts,
            metrics=exposition.write,
            wall=self.wall,
        )
        exposition.add(Counted(self.meters))
        tables = Tables(
            registry=self.registry,
            core=self.core,
            gateway=self.gateway,
            operation=self.gateway.operation,
            connections=self.console,
            surface=self.surface,
            recorder=self.recorder,
            history=self.history,
        )
        exposition.add(tables)
        exposition.add(self.records.series)
        exposition.add(LevelControl("info").series)
        ends = cast(Any, None)
        exposition.add(HEPSender(ends, Agent(number=1), ends, lambda: False, self.wall).series)
        exposition.add(SpanExport(ends, self.clock).series)
        self.site = GatewaySite(self.surface, reactor=self.clock)

    def _send(self, flow: int, text: str) -> None:
        if self.event_recorder is not None:
            self.gateway.events.publish(SIPMessageSent(flow, text, flow not in self.far.down))
        super()._send(flow, text)

    def _deliver(self, flow: int, text: str) -> None:
        self.gateway.events.publish(SIPMessageReceived(flow, text))
        self.gateway.received(flow, text)

    def tearDown(self) -> None:
        self.check_gauges()
        self.surface.close()
        for wire in self.wires:
            wire.lose()
        super().tearDown()
        self.assertEqual(self.flushLoggedErrors(), [])

    def scrape(self) -> Scraped:
        """Return what a scrape gives, past HTTP."""
        return Scraped.of(self.exposition.write("")[1].decode())

    def check_gauges(self) -> None:
        """Check that what is counted agrees with the tables."""
        scraped, calls = self.scrape(), len(list(self.registry.calls()))
        self.assertEqual(scraped.sum("wrtcgw_agents"), self.registry.agent_count)
        self.assertEqual(scraped.sum("wrtcgw_calls"), calls)
        self.assertEqual(scraped.sum("wrtcgw_calls_begun_total") - scraped.sum("wrtcgw_calls_ended_total"), calls)

    # -- HTTP

    def wire(self, address: str = "127.0.0.1") -> Wire:
        """Open a connection."""
        wire = Wire(self.site, address)
        self.wires.append(wire)
        return wire

    def ask(
        self, method: str, path: str, body: bytes = b"", /, *, address: str = "127.0.0.1", **headers: str
    ) -> Answer:
        """Send a request, and return its answer, which has to come within a second."""
        wire = self.wire(address)
        wire.send(method, path, body, **{"Host": "localhost:8082", **headers})
        if not wire.received:
            self.run_for(1)
        answer = wire.answer()
        self.wires.remove(wire)
        wire.lose()
        return answer

    def get(self, path: str, **headers: str) -> Any:
        """Return what an operator's GET gives."""
        answer = self.ask("GET", f"/api/ops/{path}", **headers)
        self.assertEqual(answer.code, 200, answer.body)
        described = "/api/ops/" + path.partition("?")[0]
        self.assertEqual(answer_faults("GET", described, 200, "application/json", answer.json), [], path)
        return answer.json

    def text(self, path: str) -> str:
        """Return what an operator's GET gives, as text."""
        return self.ask("GET", f"/api/ops/{path}").text

    def act(self, name: str, fields: dict[str, Any] | None = None, **headers: str) -> Answer:
        """Have an operator do something."""
        body = json.dumps(fields or {}).encode()
        return self.ask("POST", f"/api/ops/{name}", body, Content_Type="application/json", **headers)

    def page_sign_in(self, agent_id: str = "ann", dn: str = "5001") -> str:
        """Sign a page in, and return its session token."""
        body = json.dumps({"id": agent_id, "dn": dn, "password": self.passwords[dn]}).encode()
        answer = self.ask(
            "POST", "/api/webrtc/sign_in", body, Content_Type="application/json", Accept="application/json"
        )
        return str(answer.json["session"])

    def labels(self, key: str, by: str = "call") -> list[str]:
        """Return the labels of a ladder."""
        return [message["label"] for message in self.get(f"ladder?{by}={key}")["messages"]]
