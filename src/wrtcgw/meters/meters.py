"""All that is counted and measured."""

from attrs import define, field

from wrtcgw.meters.alarms import Alarms
from wrtcgw.meters.histogram import Latency
from wrtcgw.meters.timeseries import Sample, Series

RATE_SECONDS = 10
"""Rates are those of so many seconds."""


@define(eq=False)
class Counters:
    """Numbers that only grow."""

    calls: int = 0
    """Calls that came to be, in both directions."""
    failures: int = 0
    """What went wrong: calls and registrations that came to nothing by a fault, requests that the gateway failed at."""
    http: int = 0
    """HTTP requests that were answered."""
    sip_in: int = 0
    sip_out: int = 0


@define(eq=False)
class Link:
    """One connection to a proxy: since when (seconds since the epoch) it is up or down, how often it came up again."""

    since: float
    ups: int = 0

    @property
    def reconnects(self) -> int:
        """Return how often it came up again."""
        return max(0, self.ups - 1)


@define(eq=False)
class Meters:
    """
    Counters, latencies, connections and samples.

    :ivar register: from sign_in to the registrar's consent.
    :ivar setup: from the INVITE of a call to the first thing that the far side says.
    :ivar answer: from the INVITE of a call to its answer, the ringing included.
    :ivar http: of requests that do not hang.
    """

    counters: Counters = field(factory=Counters)
    alarms: Alarms = field(factory=Alarms)
    register: Latency = field(factory=Latency)
    setup: Latency = field(factory=Latency)
    answer: Latency = field(factory=Latency)
    http: Latency = field(factory=Latency)
    links: dict[int, Link] = field(factory=dict)
    series: Series = field(factory=Series)
    _before: Counters = field(factory=Counters)

    @property
    def latencies(self) -> dict[str, Latency]:
        """Return the latencies by name."""
        return {"register": self.register, "setup": self.setup, "answer": self.answer, "http": self.http}

    def connected(self, flow: int, wall: float) -> None:
        """Note that a connection came up."""
        before = self.links.get(flow)
        self.links[flow] = Link(wall, before.ups + 1 if before else 1)

    def disconnected(self, flow: int, wall: float) -> None:
        """Note that a connection was lost."""
        before = self.links.get(flow)
        self.links[flow] = Link(wall, before.ups if before else 0)

    def sample(self, time: int, calls: int, agents: int, lag: float) -> None:
        """
        Take the sample of a second.

        :param time: milliseconds since the epoch.
        :param lag: milliseconds.
        """
        now, before = self.counters, self._before
        self.series.add(
            Sample(
                time=time,
                calls=calls,
                agents=agents,
                begun=now.calls - before.calls,
                http=now.http - before.http,
                sip_in=now.sip_in - before.sip_in,
                sip_out=now.sip_out - before.sip_out,
                failures=now.failures - before.failures,
                setups=tuple(self.setup.taken()),
                answers=tuple(self.answer.taken()),
                lag=lag,
            )
        )
        self._before = Counters(now.calls, now.failures, now.http, now.sip_in, now.sip_out)

    def rates(self) -> dict[str, float]:
        """Return what came per second lately."""
        samples = self.series.newest(RATE_SECONDS)
        seconds = max(1, len(samples))
        sums = {
            "callsPerSecond": sum(sample.begun for sample in samples),
            "httpPerSecond": sum(sample.http for sample in samples),
            "sipIn": sum(sample.sip_in for sample in samples),
            "sipOut": sum(sample.sip_out for sample in samples),
            "failures": sum(sample.failures for sample in samples),
        }
        return {name: round(value / seconds, 2) for name, value in sums.items()}
