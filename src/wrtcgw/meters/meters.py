"""All that is counted and measured: once, for the console and for Prometheus."""

from attrs import define, field, frozen

from wrtcgw.meters.alarms import Alarms
from wrtcgw.meters.histogram import PAUSES, QUICK, RINGING, SCORES, TALKING, Buckets, Latency
from wrtcgw.meters.tally import Tally
from wrtcgw.meters.timeseries import Sample, Series

RATE_SECONDS = 10
"""Rates are those of so many seconds."""

DIRECTIONS = ("outbound",), ("inbound",)
SERVER_ERROR = "server_error"
FAULTS = frozenset({"lost", "timeout", "failed", "page-lost", "not-taken-up", "server-failure"})
"""Causes of ends of calls that are faults, whatever the code."""
"""The result of a call that came to nothing, or ended, by a fault."""
INTERNAL_ERROR = "500"


@frozen
class Counters:
    """Numbers that only grow, as they are now."""

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
class CallMeters:
    """
    Of calls.

    :ivar begun: by direction.
    :ivar ended: by direction, result and cause.
    :ivar setup: from the INVITE of an outbound call to the first thing that the far side says.
    :ivar answer: from the INVITE of an outbound call to its answer, the ringing included.
    :ivar answered_here: the same for inbound calls, which an agent answers.
    :ivar delivery: from the far side's answer to its delivery to the page, in seconds.
    :ivar durations: of calls that were answered, in seconds.
    :ivar mos: the mean opinion score that the page reported last.
    :ivar one_way: calls in which media went in one direction only, by who heard nothing.
    :ivar silent: calls whose page reported on media, and no packet came or went.
    :ivar verdicts: of the pages on the media of calls that were answered, by code.
    :ivar transfers: by kind and result.
    :ivar recovered: by what had failed.
    :ivar lost: the same for calls that did not survive it.
    """

    begun: Tally = field(factory=lambda: Tally.of(*DIRECTIONS))
    ended: Tally = field(factory=Tally)
    setup: Latency = field(factory=lambda: Latency(RINGING))
    answer: Latency = field(factory=lambda: Latency(RINGING))
    answered_here: Buckets = field(factory=lambda: Buckets(RINGING))
    delivery: Buckets = field(factory=lambda: Buckets(QUICK))
    durations: Buckets = field(factory=lambda: Buckets(TALKING))
    mos: Buckets = field(factory=lambda: Buckets(SCORES))
    one_way: Tally = field(factory=lambda: Tally.of(("page",), ("far_side",)))
    silent: Tally = field(factory=lambda: Tally.of(()))
    verdicts: Tally = field(factory=Tally)
    transfers: Tally = field(factory=Tally)
    recovered: Tally = field(factory=Tally)
    lost: Tally = field(factory=Tally)

    @property
    def faults(self) -> int:
        """Return how many calls came to nothing, or ended, by a fault."""
        return sum(number for (_, result, _), number in self.ended if result == SERVER_ERROR)


@define(eq=False)
class SIPMeters:
    """
    Of SIP and its connections.

    :ivar messages: by direction, ``in`` or ``out``.
    :ivar faults: messages of peers that were malformed or out of place.
    :ivar losses: connections that were lost, by why.
    :ivar registers: outcomes of REGISTER, by code; ``timeout`` for none, ``unbound`` for a 2xx without a binding.
    :ivar register: from the first REGISTER to its 2xx, the challenge included, in seconds.
    """

    messages: Tally = field(factory=lambda: Tally.of(("in",), ("out",)))
    faults: Tally = field(factory=lambda: Tally.of(()))
    losses: Tally = field(factory=Tally)
    registers: Tally = field(factory=lambda: Tally.of(("200",)))
    register: Buckets = field(factory=Buckets)


@define(eq=False)
class StoreMeters:
    """
    Of the store for state that survives the process.

    :ivar up: False while it does not take what is to be kept.
    :ivar writes: how long a batch took, in seconds.
    :ivar losses: how often it did not take one.
    :ivar restored: agents and calls that were taken up from it.
    """

    up: bool = True
    writes: Buckets = field(factory=lambda: Buckets(QUICK))
    losses: Tally = field(factory=lambda: Tally.of(()))
    restored: Tally = field(factory=lambda: Tally.of(("agent",), ("call",)))


@define(eq=False)
class PageMeters:
    """
    Of pages and their requests.

    :ivar requests: by route, method and code.
    :ivar lost: pages that were not heard of any more.
    :ivar silent: pages that did not respond any more, by why.
    :ivar dropped: messages that had to go before their page fetched them.
    :ivar refused: sign_ins that were refused, by the code word of the error.
    :ivar by_route: how long requests took that do not hang, in seconds.
    """

    requests: Tally = field(factory=Tally)
    lost: Tally = field(factory=lambda: Tally.of(()))
    silent: Tally = field(factory=Tally)
    dropped: Tally = field(factory=lambda: Tally.of(()))
    refused: Tally = field(factory=Tally)
    by_route: dict[str, Buckets] = field(factory=dict)

    @property
    def faults(self) -> int:
        """Return how many requests the gateway failed at."""
        return sum(number for (_, _, code), number in self.requests if code == INTERNAL_ERROR)


@define(eq=False)
class Meters:
    """
    Counters, latencies, connections and samples.

    :ivar register: from sign_in to the registrar's consent.
    :ivar http: of requests that do not hang.
    :ivar lag: by how many seconds the event loop was late, looked at each second.
    :ivar collections: how long the garbage collector stopped everything, in seconds, by its generation.
    """

    calls: CallMeters = field(factory=CallMeters)
    sip: SIPMeters = field(factory=SIPMeters)
    pages: PageMeters = field(factory=PageMeters)
    store: StoreMeters = field(factory=StoreMeters)
    alarms: Alarms = field(factory=Alarms)
    register: Latency = field(factory=Latency)
    http: Latency = field(factory=Latency)
    lag: Buckets = field(factory=lambda: Buckets(PAUSES))
    collections: tuple[Buckets, ...] = field(factory=lambda: tuple(Buckets(PAUSES) for _ in range(3)))
    links: dict[int, Link] = field(factory=dict)
    series: Series = field(factory=Series)
    _before: Counters = field(factory=Counters)

    @property
    def counters(self) -> Counters:
        """Return the numbers that only grow."""
        refused = self.sip.registers.total - self.sip.registers.number("200")
        return Counters(
            calls=self.calls.begun.total,
            failures=self.calls.faults + refused + self.pages.faults,
            http=self.pages.requests.total,
            sip_in=self.sip.messages.number("in"),
            sip_out=self.sip.messages.number("out"),
        )

    @property
    def latencies(self) -> dict[str, Latency]:
        """Return the latencies by name."""
        calls = self.calls
        return {"register": self.register, "setup": calls.setup, "answer": calls.answer, "http": self.http}

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
        self.lag.add(lag / 1000)
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
                setups=tuple(self.calls.setup.taken()),
                answers=tuple(self.calls.answer.taken()),
                lag=lag,
            )
        )
        self._before = now

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
