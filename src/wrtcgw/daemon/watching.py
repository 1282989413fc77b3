"""The parts that look on, for operators: recorder, history and meters, with the clerk that feeds them."""

import time
from collections.abc import Callable
from functools import partial

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from wrtcgw.agent import UserAgentService
from wrtcgw.calls.registry import Registry
from wrtcgw.capture.history import History
from wrtcgw.capture.recorder import Recorder
from wrtcgw.config import Settings
from wrtcgw.daemon.bell import Bell
from wrtcgw.daemon.clerk import Clerk
from wrtcgw.daemon.console import Console
from wrtcgw.daemon.journal import record, record_loss
from wrtcgw.daemon.sampler import Sampler
from wrtcgw.gateway import Gateway
from wrtcgw.meters.meters import Meters
from wrtcgw.sip.core import UACore
from wrtcgw.sip.outputs import Output
from wrtcgw.web.ops import OpsParts


@frozen
class Watching:
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
) -> Watching:
    """Make the parts that look on, and let them see what the others do."""
    recorder = Recorder(
        clock.seconds, wall, on=settings.capture, calls=settings.capture_calls, size=settings.capture_bytes
    )
    history, meters = History(settings.history_calls), Meters()
    clerk = Clerk(core, recorder, history, meters, clock.seconds, wall)
    journal = partial(record, uuid_of=registry.uuid_of, reports_of=registry.reports_of)

    def observe(event: Output) -> None:
        journal(event)
        clerk.observe(event)

    gateway.observe = observe
    gateway.alarm = Bell(recorder, meters, clock.seconds, wall).ring
    gateway.page_back = clerk.page_back
    registry.watcher = agent.witness = clerk
    registry.lost = record_loss
    console = Console(agent, registry, clerk, settings.log_level)
    ops = OpsParts(recorder=recorder, history=history, meters=meters, console=console)
    return Watching(ops, console, Sampler(clock, meters, registry, wall))
