"""Looking at what a gateway says of its agents everywhere, and at what the registrar has, at the same time."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import count, pairwise

from attrs import define, field, frozen
from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from tests.interop.desk import Browser
from tests.interop.registrars import Registrar
from wrtcgw.config import Settings

STEP = 0.5
"""Seconds between two looks."""
DEAR = 4
"""Of so many looks one asks for all agents one by one: with thousands that is work."""
SURFACES = {
    "health": "`/api/health`",
    "ready": "`/api/ready`",
    "metrics": "`/metrics`",
    "agents": "`/api/agents`",
    "console": "the console (`/api/ops/search`)",
}
LAG = re.compile(r'^wrtcgw_reactor_lag_seconds_bucket\{le="([^"]+)"\} (\d+)', re.MULTILINE)
REGISTERED = re.compile(r'^wrtcgw_agents\{state="registered"\} (\d+)', re.MULTILINE)


@frozen
class Look:
    """A number at a time, in seconds since the epoch."""

    at: float
    number: int


@define
class Watch:
    """
    Looks each half second at the registrar, and at all that the gateway says.

    :ivar prefixes: of the agents' ids, each of at most 1000: so many at once the console lists.
    :ivar held: what the registrar had; nobody can be reached while Kamailio is away.
    :ivar seen: what each surface said.
    :ivar all_held: when the registrar had all agents for the first time after an outage; 0 before.
    """

    browser: Browser
    registrar: Registrar
    agents: int
    prefixes: Sequence[str]
    held: list[Look] = field(factory=list)
    seen: dict[str, list[Look]] = field(factory=lambda: {name: [] for name in SURFACES})
    all_held: float = 0.0
    over: bool = False
    _watching: "Deferred[None] | None" = None
    _up: list[Look] = field(factory=list)
    _waits: list[tuple[float, float]] = field(factory=list)
    _lags: list[tuple[float, dict[str, int]]] = field(factory=list)

    @property
    def keep_alive(self) -> float:
        """Seconds of one keep-alive by default."""
        settings = Settings()
        return settings.ping_interval + settings.pong_timeout

    def proxy(self, at: float, *, up: bool) -> None:
        """Note that Kamailio has gone, or come."""
        self._up += [Look(at, int(not up)), Look(at, int(up))]
        if not up:
            self.held.append(Look(at, 0))

    @property
    def done(self) -> bool:
        """Whether it looks no more: it is over, or has failed."""
        return self._watching is None or self._watching.called

    def begin(self) -> "Deferred[None]":
        """Begin to look; fires when it is over, and fails when a look does."""
        self._watching = ensureDeferred(self._watch())
        return self._watching

    async def _watch(self) -> None:
        self._up.append(Look(time.time(), 1))
        for turn in count():
            if self.over:
                return
            began = time.time()
            number = await deferToThread(self.registrar.held)
            self.held.append(Look(time.time(), number))
            if number == self.agents and not self.all_held and self._up[-1].number and len(self._up) > 3:
                self.all_held = time.time()
            await self._look()
            if turn % DEAR == 0:
                await self._look_at_all()
            await deferLater(reactor, max(0.05, began + STEP - time.time()), lambda: None)

    async def _look(self) -> None:
        """Look at all surfaces."""
        asked = time.time()
        self._saw("health", (await self.browser.get("/api/health")).json["registered_agents"])
        self._waits.append((asked, time.time() - asked))
        self._saw("ready", int((await self.browser.get("/api/ready")).code == 200))
        metrics = (await self.browser.get("/metrics")).text
        (counted,) = REGISTERED.findall(metrics)
        self._saw("metrics", int(counted))
        self._lags.append((time.time(), {bound: int(count) for bound, count in LAG.findall(metrics)}))

    async def _look_at_all(self) -> None:
        """Look at the lists of agents."""
        listed = (await self.browser.get("/api/agents")).json["agents"]
        self._saw("agents", _registered(listed))
        number = 0
        for prefix in self.prefixes:
            found = (await self.browser.get("/api/ops/search", q=prefix, limit=1000)).json
            assert found["totals"]["agents"] <= 1000, found["totals"]
            number += _registered(found["agents"])
        self._saw("console", number)

    def _saw(self, name: str, number: int) -> None:
        self.seen[name].append(Look(time.time(), number))

    def truth_of(self, name: str) -> Sequence[Look]:
        """Return what a surface should have said: how many agents the registrar has, or whether Kamailio is there."""
        return self._up if name == "ready" else sorted(self.held, key=lambda look: look.at)

    def said(self, name: str, at: float) -> int:
        """Return what a surface said last before a time."""
        return next((look.number for look in reversed(self.seen[name]) if look.at <= at), -1)

    def longest_wait(self, since: float) -> tuple[float, float]:
        """Return how long ``/api/health`` took at most, and how many seconds after that time this was."""
        took, asked = max((took, asked) for asked, took in self._waits if asked + took >= since)
        return took, asked - since

    def worst_lag(self, since: float) -> str:
        """Return between which bounds the greatest lag of the event loop lay."""
        before = next(counts for at, counts in reversed(self._lags) if at < since)
        last = self._lags[-1][1]
        total = last["+Inf"] - before["+Inf"]
        low = "0"
        for bound, so_many in last.items():
            if so_many - before[bound] == total:
                return f"more than {low} s" if bound == "+Inf" else f"{low} to {bound} s"
            low = bound
        raise AssertionError("the last bound holds all")


def _registered(agents: Sequence[Mapping[str, object]]) -> int:
    return sum(agent["registration"] == "REGISTERED" for agent in agents)


def lag(seen: Sequence[Look], truth: Sequence[Look]) -> float:
    """
    Return by how many seconds what was seen was behind the truth, at most; infinite for what was never true.

    What changes between two looks may have had any number in between; what is seen between them may be the later one.
    """
    worst = 0.0
    for look in seen:
        ages = [
            max(0.0, look.at - later.at)
            for earlier, later in pairwise(truth)
            if earlier.at <= look.at and _between(look.number, earlier.number, later.number)
        ]
        if look.at >= truth[-1].at and look.number == truth[-1].number:
            ages.append(0.0)
        worst = max(worst, min(ages, default=float("inf")))
    return worst


def _between(number: int, one: int, other: int) -> bool:
    return min(one, other) <= number <= max(one, other)


def busiest(times: Iterable[float], seconds: float) -> int:
    """Return how many of some times lie in the busiest span of so many seconds."""
    ordered = sorted(times)
    most = first = 0
    for last, when in enumerate(ordered):
        while when - ordered[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most
