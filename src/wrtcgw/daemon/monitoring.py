"""The parts that look on, for operators: recorder, history and meters, with the event_recorder that feeds them."""

import time
from collections.abc import Callable
from functools import partial

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from wrtcgw.calls.registry import Registry
from wrtcgw.capture.history import History
from wrtcgw.capture.recorder import Recorder
from wrtcgw.config import Settings
from wrtcgw.daemon.alarm_log import AlarmLog
from wrtcgw.daemon.event_recorder import EventRecorder
from wrtcgw.daemon.journal import record, record_loss
from wrtcgw.daemon.operator_control import Console
from wrtcgw.daemon.sampler import Sampler
from wrtcgw.gateway import Gateway
from wrtcgw.meters.meters import Meters
from wrtcgw.sip.core import UACore
from wrtcgw.sip.outputs import Output
from wrtcgw.sip_service import UserAgentService
from wrtcgw.web.ops import OpsParts


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
    gateway: Gateway,
    *,
    wall: Callable[[], float] = time.time,
) -> Monitoring:
    """Make the parts that look on, and let them see what the others do."""
    recorder = Recorder(
        clock.seconds, wall, on=settings.capture, calls=settings.capture_calls, size=settings.capture_bytes
    )
    history, meters = History(settings.history_calls), Meters()
    event_recorder = EventRecorder(core, recorder, history, meters, clock.seconds, wall)
    journal = partial(record, uuid_of=registry.uuid_of, reports_of=registry.reports_of)

    def observe(event: Output) -> None:
        journal(event)
        event_recorder.observe(event)

    gateway.observe = observe
    gateway.alarm = AlarmLog(recorder, meters, clock.seconds, wall).ring
    gateway.page_back = event_recorder.page_back
    registry.watcher = agent.witness = event_recorder
    registry.lost = record_loss
    console = Console(agent, registry, event_recorder, settings.log_level)
    ops = OpsParts(recorder=recorder, history=history, meters=meters, console=console)
    return Monitoring(ops, console, Sampler(clock, meters, registry, wall))
