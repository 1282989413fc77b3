"""The parts that look on, for operators: recorder, history and meters, with the event_recorder that feeds them."""

import time
from collections.abc import Callable

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from wrtcgw.calls.registry import Registry
from wrtcgw.capture.history import History
from wrtcgw.capture.recorder import Recorder
from wrtcgw.config import Settings
from wrtcgw.daemon.alarm_log import AlarmLog
from wrtcgw.daemon.event_recorder import EventRecorder
from wrtcgw.daemon.journal import Journal
from wrtcgw.daemon.operator_control import Console
from wrtcgw.daemon.sampler import Sampler
from wrtcgw.events.stream import EventStream
from wrtcgw.meters.meters import Meters
from wrtcgw.sip.core import UACore
from wrtcgw.sip_service import UserAgentService
from wrtcgw.web.ops import OpsParts
from wrtcgw.web.ops.dependencies import Deliveries


@frozen
class Monitoring:
    """What looks on, and what the service has to do with it: the console takes its log, the sampler is to run."""

    ops: OpsParts
    console: Console
    sampler: Sampler

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
    event_recorder = EventRecorder(core, recorder, history, meters, clock.seconds, wall)
    Journal().subscribe_to(events)
    event_recorder.subscribe_to(events)
    AlarmLog(recorder, meters, clock.seconds, wall).subscribe_to(events)
    console = Console(agent, registry, event_recorder, settings.log_level)
    ops = OpsParts(recorder=recorder, history=history, meters=meters, console=console, deliveries=deliveries)
    return Monitoring(ops, console, Sampler(clock, meters, registry, wall))
