"""The parts that look on, for operators: recorder, history and meters, with what feeds them and what shows them."""

import time
from collections.abc import Callable

from attrs import frozen
from twisted.application.service import MultiService
from twisted.internet.interfaces import IReactorTime

from wrtcgw.calls.registry import Registry
from wrtcgw.capture.history import History
from wrtcgw.capture.recorder import Recorder
from wrtcgw.config import Settings
from wrtcgw.daemon.alarm_log import AlarmLog
from wrtcgw.daemon.call_records import CallRecords, RecordFile
from wrtcgw.daemon.counting import Counting
from wrtcgw.daemon.event_recorder import EventRecorder
from wrtcgw.daemon.exposition import Exposition
from wrtcgw.daemon.journal import Journal
from wrtcgw.daemon.operator_control import Console
from wrtcgw.daemon.pauses import CollectorWatch
from wrtcgw.daemon.sampler import Sampler
from wrtcgw.daemon.series import Counted, Tables
from wrtcgw.events.stream import EventStream
from wrtcgw.gateway import Gateway
from wrtcgw.meters.meters import Meters
from wrtcgw.sip.core import UACore
from wrtcgw.sip_service import UserAgentService
from wrtcgw.web import HTTPSurface
from wrtcgw.web.ops import OpsParts
from wrtcgw.web.ops.dependencies import Deliveries


@frozen
class Monitoring:
    """What looks on, and what the service has to do with it: the console takes its log, ``running`` is to run."""

    ops: OpsParts
    console: Console
    exposition: Exposition
    running: MultiService
    registry: Registry
    records: RecordFile

    def reconfigure(self, settings: Settings) -> None:
        """Take over what can change; files are opened anew."""
        self.records.path = settings.call_records
        self.records.reopen()

    def close(self) -> None:
        """Let go of files: the gateway stops."""
        self.records.close()

    def expose(self, gateway: Gateway, surface: HTTPSurface) -> None:
        """Let what tables say be scraped."""
        ops, core = self.ops, self.console.event_recorder.core
        self.exposition.add(
            Tables(
                registry=self.registry,
                core=core,
                gateway=gateway,
                operation=gateway.operation,
                connections=self.console,
                surface=surface,
                recorder=ops.recorder,
                history=ops.history,
            )
        )

    @property
    def recorder(self) -> Recorder:
        """Return the recorder."""
        return self.ops.recorder

    @property
    def meters(self) -> Meters:
        """Return the meters."""
        return self.ops.meters


def watch(
    clock: IReactorTime,
    settings: Settings,
    agent: UserAgentService,
    core: UACore,
    registry: Registry,
    events: EventStream,
    deliveries: Deliveries,
    *,
    wall: Callable[[], float] = time.time,
) -> Monitoring:
    """Make the parts that look on, and subscribe them to the events of the others."""
    recorder = Recorder(
        clock.seconds, wall, on=settings.capture, calls=settings.capture_calls, size=settings.capture_bytes
    )
    history, meters = History(settings.history_calls), Meters()
    event_recorder = EventRecorder(core, recorder, history, clock.seconds, wall)

    def agent_of(dn: str) -> str:
        agent = registry.find_dn(dn)
        return "" if agent is None else agent.id

    Journal(core.sip_call_id, agent_of).subscribe_to(events)
    event_recorder.subscribe_to(events)
    Counting(meters, clock.seconds, wall).subscribe_to(events)
    AlarmLog(recorder, meters, clock.seconds, wall).subscribe_to(events)
    console = Console(agent, registry, event_recorder, settings.log_level)
    ops = OpsParts(recorder=recorder, history=history, meters=meters, console=console, deliveries=deliveries)
    exposition = Exposition()
    exposition.add(Counted(meters))
    records = CallRecords(RecordFile(settings.call_records, clock.seconds), history, settings.node, wall)
    records.subscribe_to(events)
    exposition.add(records.series)
    running = MultiService()
    Sampler(clock, meters, registry, wall).setServiceParent(running)
    CollectorWatch(meters).setServiceParent(running)
    return Monitoring(ops, console, exposition, running, registry, records.file)
