"""
``python -m bench.simulation``: play a fleet of gateways, second by second, and say what breaks first.

Nothing is measured here. Each part of the fleet can do so much work a second; what is more waits for the next second,
and what waits for longer than it may has broken the part. The costs are those of ``docs/benchmark.md`` and of the
fields of :class:`Assumptions`, each of which is an option of the command.
"""

import argparse
from collections import deque
from collections.abc import Callable

from attrs import define, field, fields, frozen


@frozen(kw_only=True)
class Assumptions:
    """What the fleet is, and what things cost: times in seconds, costs in seconds of one core."""

    agents: int = field(default=100_000, metadata={"text": "agents who are signed in"})
    gateways: int = field(default=25, metadata={"text": "gateways, each one process on a core of its own"})
    proxies: int = field(default=4, metadata={"text": "cores of SIP proxy and registrar"})
    calls_per_hour: float = field(default=12.0, metadata={"text": "calls of an agent in an hour"})
    minutes: float = field(default=3.0, metadata={"text": "length of a call"})
    poll: float = field(default=25.0, metadata={"text": "seconds between the polls of a page"})
    expires: float = field(default=540.0, metadata={"text": "seconds between the refreshes of a registration"})
    register_rate: float = field(default=125.0, metadata={"text": "registrations of a gateway in a second"})
    lease: float = field(default=10.0, metadata={"text": "lease_ttl"})
    call_cost: float = field(default=0.0050, metadata={"text": "of a gateway for a call, with its records"})
    poll_cost: float = field(default=0.00010, metadata={"text": "of a gateway for a poll"})
    register_cost: float = field(default=0.0015, metadata={"text": "of a gateway for a registration or its refresh"})
    take_over_cost: float = field(default=0.0020, metadata={"text": "of a gateway for an agent that it takes over"})
    message_cost: float = field(default=0.00004, metadata={"text": "of a proxy for a SIP message"})
    call_messages: int = field(default=14, metadata={"text": "SIP messages of a call through the proxy"})
    register_messages: int = field(default=4, metadata={"text": "SIP messages of a registration, challenge included"})
    call_writes: float = field(default=8.0, metadata={"text": "writes to Redis of a call"})
    redis_cost: float = field(default=0.00002, metadata={"text": "of Redis for a write of 8 kB"})
    lease_cost: float = field(default=0.000002, metadata={"text": "of Redis for the renewal of one lease"})


@define
class Part:
    """
    One core of the fleet, or several that are alike and share their work evenly.

    :ivar patience: seconds that work may wait.
    """

    name: str
    cores: float
    patience: float
    peak: float = 0.0
    longest: float = 0.0
    _queue: deque[list[float]] = field(factory=deque)

    def second(self, now: int, work: float) -> None:
        """Take work of so many core seconds, and do what can be done in a second."""
        self._queue.append([now, work])
        waiting, left = sum(each for _, each in self._queue), self.cores
        self.peak = max(self.peak, waiting / self.cores)
        while self._queue and left > 0:
            came, rest = self._queue[0]
            done = min(rest, left)
            left -= done
            self._queue[0][1] = rest - done
            if rest <= done:
                self._queue.popleft()
                self.longest = max(self.longest, now - came)
        if self._queue:
            self.longest = max(self.longest, now - self._queue[0][0])

    @property
    def is_broken(self) -> bool:
        """Return whether something has waited for longer than it may."""
        return self.longest > self.patience


@define
class Fleet:
    """Gateways, proxies and Redis in one hour of the day."""

    given: Assumptions
    parts: list[Part] = field(init=False)
    unregistered: float = 0.0
    """Agents whose registration waits for its turn."""
    registered_after: int = 0
    """The last second at which some did."""
    gateways: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.gateways = self.given.gateways
        self.parts = [
            Part("gateways", self.gateways, patience=1.0),
            Part("proxies", self.given.proxies, patience=4.0),  # timers B and F would wait for 32 s, people do not
            Part("Redis", 1.0, patience=1.0),  # store_timeout
        ]

    def second(self, now: int, *, away: bool = False, taken_over: float = 0.0, signed_in: float = 0.0) -> None:
        """Let a second pass; ``away``: the proxies are not there."""
        given = self.given
        calls = 0.0 if away else given.agents * given.calls_per_hour / 3600
        self.unregistered += taken_over + signed_in + given.agents / given.expires
        registers = 0.0 if away else min(self.unregistered, self.gateways * given.register_rate)
        self.unregistered -= registers
        if self.unregistered > given.agents / given.expires:
            self.registered_after = now
        recovered = taken_over * given.calls_per_hour * given.minutes / 60  # one re-INVITE for each call that is up
        gateways, proxies, redis = self.parts
        gateways.cores = self.gateways
        gateways.second(
            now,
            (calls + recovered) * given.call_cost
            + given.agents / given.poll * given.poll_cost
            + registers * given.register_cost
            + taken_over * given.take_over_cost,
        )
        if not away:
            messages = (calls + recovered) * given.call_messages + registers * given.register_messages
            proxies.second(now, messages * given.message_cost)
        writes = calls * given.call_writes + 2 * registers + 3 * taken_over
        redis.second(now, writes * given.redis_cost + given.agents / (given.lease / 3) * given.lease_cost)


def steady(fleet: Fleet, now: int) -> None:
    """Let an hour be like any other."""
    fleet.second(now)


def proxies_restart(fleet: Fleet, now: int) -> None:
    """Take all proxies away for 30 s."""
    if now == 90:
        fleet.unregistered += fleet.given.agents
    fleet.second(now, away=60 <= now < 90)


def gateway_dies(fleet: Fleet, now: int) -> None:
    """Let one gateway die: its agents are taken over within a poll and one and a half leases."""
    given, span = fleet.given, 15
    if now == 60:
        fleet.gateways -= 1
    taken = given.agents / given.gateways / span if 60 <= now < 60 + span else 0.0
    fleet.second(now, taken_over=taken)


def rack_dies(fleet: Fleet, now: int) -> None:
    """Let a third of all gateways die."""
    given, span, lost = fleet.given, 15, fleet.given.gateways // 3
    if now == 60:
        fleet.gateways -= lost
    taken = given.agents * lost / given.gateways / span if 60 <= now < 60 + span else 0.0
    fleet.second(now, taken_over=taken)


def shift_begins(fleet: Fleet, now: int) -> None:
    """Sign half of all agents in within five minutes."""
    fleet.second(now, signed_in=fleet.given.agents / 2 / 300 if 60 <= now < 360 else 0.0)


Scenario = Callable[[Fleet, int], None]
SCENARIOS: dict[str, Scenario] = {
    "an ordinary hour": steady,
    "half of all agents sign in within five minutes": shift_begins,
    "one gateway dies": gateway_dies,
    "a third of all gateways dies": rack_dies,
    "all proxies are away for 30 s": proxies_restart,
}
SECONDS = 900


def play(given: Assumptions, scenario: Scenario) -> Fleet:
    """Return what a fleet has become."""
    fleet = Fleet(given)
    for now in range(SECONDS):
        scenario(fleet, now)
    return fleet


def table(given: Assumptions) -> str:
    """Return a line for each scenario."""
    lines = ["| | gateways | proxies | Redis | all registered again | broken |", "|---|---|---|---|---|---|"]
    for title, scenario in SCENARIOS.items():
        fleet = play(given, scenario)
        cells = [f"{100 * part.peak:.0f} %, {part.longest:.0f} s" for part in fleet.parts]
        again = f"{max(0, fleet.registered_after - 60)} s" if fleet.registered_after else "-"
        broken = ", ".join(part.name for part in fleet.parts if part.is_broken) or "nothing"
        lines.append(f"| {title} | {' | '.join(cells)} | {again} | {broken} |")
    return "\n".join(lines)


def first_to_break(given: Assumptions) -> str:
    """Return at how many agents, with the same gateways, proxies and Redis, each part breaks in an ordinary hour."""
    found = []
    for index, part in enumerate(Fleet(given).parts):
        low, high = 1, 100 * given.agents
        while high - low > 1000:
            middle = (low + high) // 2
            values = {each.name: getattr(given, each.name) for each in fields(Assumptions)}
            fleet = play(Assumptions(**{**values, "agents": middle}), steady)
            low, high = (low, middle) if fleet.parts[index].is_broken else (middle, high)
        found.append((low, part.name))
    return "\n".join(f"{name}: {agents:,} agents" for agents, name in sorted(found))


def main() -> None:
    """Play what the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.simulation", description=(__doc__ or "").strip().split("\n")[0]
    )
    for each in fields(Assumptions):
        kind = type(each.default)
        parser.add_argument(f"--{each.name}", type=kind, default=each.default, help=each.metadata["text"])
    given = Assumptions(**vars(parser.parse_args()))
    print("each part: greatest load of a second, and the longest that anything waited\n")
    print(table(given))
    print("\nwhat an ordinary hour breaks, with what there is:\n")
    print(first_to_break(given))


if __name__ == "__main__":
    main()
