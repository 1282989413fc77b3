"""
The outage: Kamailio is killed with thousands of agents behind it, and comes back after a while.

``python -m tests.interop.outage 5000 30`` has so many agents signed in at one gateway with default settings, some of
them in calls, kills Kamailio for so many seconds, and prints a table: how soon the registrar has all of them again,
what each call got, what the gateway said meanwhile, and what it cost. It fails when a promise is broken.
"""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from attrs import asdict, define, frozen
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.web.client import Agent

from tests.interop.base import InteropCase
from tests.interop.crowd import Crowd
from tests.interop.desk import Desk
from tests.interop.gateway import Gateway
from tests.interop.processes import Server
from tests.interop.registrars import Passed, Registrar, with_asterisk, with_usrloc
from tests.interop.servers import AGENTS, HELD_AGENTS, SHA256_AGENT
from tests.interop.sounding import Sounding
from tests.interop.watching import SURFACES, Watch, busiest, lag
from wrtcgw.config import Settings

FIRST = 20_000
"""The first number of the crowd."""
TALKERS = tuple(dn for dn in (*AGENTS, *HELD_AGENTS) if dn != SHA256_AGENT)
"""Those who are in calls: Asterisk knows them."""
BACK_WITHIN = 60.0
"""Seconds from Kamailio's return in which all agents have to be registered again."""
SPAN = 5.0
"""Seconds over which the rate is looked at: on a busy machine Kamailio reads by fits and starts."""
LIMIT = 240.0
"""Seconds after which those who are not back are given up."""
RESULTS = os.environ.get("WRTCGW_TEST_OUTAGE_RESULTS", "")
"""Where the rows go, as JSON; nowhere when empty."""


@frozen
class Plan:
    """
    What is played.

    :ivar registrar: ``kamailio``, which comes back with no binding, or ``asterisk`` behind it, which keeps them.
    :ivar store: ``memory`` or ``sqlite``.
    :ivar rate: ``register_rate``; 0 for the default.
    :ivar rest: seconds before the outage, in which it is seen what looking on costs, and after the last registration,
        in which nothing more may be said in a call.
    """

    agents: int = 5000
    seconds: float = 30.0
    registrar: str = "kamailio"
    store: str = "memory"
    calls: int = 20
    rate: float = 0.0
    rest: float = 5.0

    @classmethod
    def ordered(cls) -> "Plan":
        """Return what the command has ordered."""
        return cls(**json.loads(os.environ.get("WRTCGW_TEST_OUTAGE_PLAN", "{}")))


@frozen
class Row:
    """A row of the table."""

    what: str
    promised: str
    seen: str
    kept: bool = True


@define
class Times:
    """Seconds since the epoch."""

    killed: float = 0.0
    returned: float = 0.0
    """Kamailio takes connections again."""
    back: float = 0.0
    """The registrar has all agents; 0 if it never had."""
    settled: float = 0.0


@define
class Seat:
    """An agent in a call."""

    desk: Desk
    call: str
    fault: str = ""


class Outage(InteropCase):
    """One outage; see the module."""

    timeout = 1200

    def setUp(self) -> None:
        """See to it that Kamailio goes last."""
        self.registrar: Registrar | None = None
        self.addCleanup(lambda: Deferred.fromCoroutine(self._end_registrar()))
        super().setUp()

    async def _end_registrar(self) -> None:
        if self.registrar is not None:
            await self.blocking(self.registrar.server.stop)
            await self.blocking(self.registrar.close)

    async def play(self, plan: Plan) -> list[Row]:
        """Play it, and return the rows of its table."""
        crowd = range(FIRST, FIRST + plan.agents - plan.calls)
        self.registrar = registrar = await deferToThread(self._registrar, plan, crowd)
        rows = [Row("load average of the machine (2 cores) before", "", f"{os.getloadavg()[0]:.1f}")]
        await self.blocking(registrar.server.start)
        gateway = await self._gateway(plan, registrar)
        await self.connected(gateway)
        pages = Crowd(Agent(reactor, pool=self.pool()), gateway.url)
        began, used = time.time(), seconds_of(gateway.server)
        await pages.sign_in(map(str, crowd))
        signed_in, used = time.time() - began, seconds_of(gateway.server) - used
        told = f"{signed_in:.0f} s, {1000 * used / len(crowd):.1f} ms CPU of the gateway each"
        rows.append(Row(f"sign-in of {len(crowd):,} agents", "", told))
        bot, *talkers = TALKERS[: plan.calls]
        sounding = Sounding(gateway.url, str(bot), self._folder())
        self.addCleanup(sounding.give_up)
        desks = [await self.agent(dn, gateway) for dn in talkers]
        seats = [Seat(desk, await desk.established("1003")) for desk in desks]
        await sounding.up
        prefixes = sorted({page.id[:-3] for page in pages.pages} | {seat.desk.id[:-3] for seat in seats})
        watch = Watch(self.browser(gateway), registrar, plan.agents, [*prefixes, f"bot-{bot}"])
        watching = watch.begin()
        servers = {
            "gateway": gateway.server,
            "Kamailio": registrar.server,
            "Asterisk": self.environment.asterisk.server,
        }
        before = usage(servers)
        await self.pause(plan.rest)
        idle = {name: (used - before[name]) / plan.rest for name, used in usage(servers).items()}
        times, costs = await self._break(plan, watch, servers, idle)
        rows += costs
        watch.over = True
        await watching
        listed = await deferToThread(registrar.listed)
        rows += self._of_registrar(plan, times, registrar.read(), pages)
        wanted = {*map(str, crowd), *map(str, TALKERS[: plan.calls])}
        rows.append(Row("in the registrar's own list at the end", str(plan.agents), str(len(listed)), listed == wanted))
        rows += self._of_truth(times, watch)
        rows += await self._of_calls(plan, times, registrar, seats, sounding)
        await pages.leave()
        return rows

    def _registrar(self, plan: Plan, crowd: Sequence[int]) -> Registrar:
        if plan.registrar == "asterisk":
            return with_asterisk(self.environment, crowd)
        return with_usrloc(self.environment)

    async def _gateway(self, plan: Plan, registrar: Registrar) -> Gateway:
        """Start a gateway with default settings but for what the plan says, and operators on loopback."""
        own: dict[str, object] = {"register_rate": plan.rate} if plan.rate else {}
        if plan.store == "sqlite":
            own |= {"state_store": f"sqlite://{self.environment.folder}/outage.db", "state_key": "A" * 43 + "="}
        return await self.own_gateway("outage", registrar.url, log_level="info", **own)

    def _folder(self) -> pathlib.Path:
        """Return a folder of this case."""
        folder = pathlib.Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        return folder

    async def _break(
        self, plan: Plan, watch: Watch, servers: Mapping[str, Server], idle: Mapping[str, float]
    ) -> tuple[Times, list[Row]]:
        """
        Kill Kamailio, start it again after a while, and wait until all are back.

        :param idle: the part of a core that each server took before.
        """
        times, kamailio = Times(killed=time.time()), servers["Kamailio"]
        kamailio.signal(signal.SIGKILL)
        await self.blocking(kamailio.stop)
        watch.proxy(times.killed, up=False)
        await self.pause(plan.seconds)
        await self.blocking(kamailio.start)
        times.returned = time.time()
        before = usage(servers)
        watch.proxy(times.returned, up=True)
        while not times.back and not watch.done and time.time() < times.returned + LIMIT:
            await self.pause(0.1)
            times.back = watch.all_held
        took = (times.back or time.time()) - times.returned
        used = {name: after - before[name] for name, after in usage(servers).items()}
        busy = ", ".join(f"{name} {100 * spent / took:.0f} %" for name, spent in used.items())
        beyond = {name: max(0.0, spent - idle[name] * took) for name, spent in used.items()}
        each = ", ".join(f"{name} {1000 * spent / plan.agents:.2f} ms" for name, spent in beyond.items())
        await self.pause(plan.rest)
        times.settled = time.time()
        idly = ", ".join(f"{name} {100 * share:.0f} %" for name, share in idle.items())
        return times, [
            Row("busy before, with this looking on (of a core)", "", idly),
            Row("busy until all were back (of a core)", "", busy),
            Row("CPU of a registration: what was added, by each", "", each),
        ]

    def _of_registrar(self, plan: Plan, times: Times, passed: Sequence[Passed], pages: Crowd) -> list[Row]:
        """Return what the registrar and Kamailio's log say."""
        rate = plan.rate or Settings().register_rate
        requests = [each for each in passed if each.what == "REGISTER" and times.returned - 1 < each.at < times.settled]
        taken = Counter(each.user for each in passed if each.what == "200/REGISTER" and times.returned - 1 < each.at)
        first: dict[str, float] = {}
        for each in requests:
            first.setdefault(each.user, each.at)
        begun = busiest(first.values(), SPAN)
        most, sent = busiest(first.values(), 1), busiest((each.at for each in requests), 1)
        took = times.back - times.returned
        states = pages.states()
        return [
            Row(
                "all registered again, from Kamailio's return",
                f"{BACK_WITHIN:.0f} s",
                f"{took:.1f} s" if times.back else f"{len(taken)} of {plan.agents} in {LIMIT:.0f} s",
                bool(times.back) and took <= BACK_WITHIN,
            ),
            Row(
                f"registrations begun in the busiest {SPAN:g} s",
                f"{SPAN * rate:g} (`register_rate`) and a tenth",
                f"{begun}; {most} in the busiest second",
                begun <= 1.1 * SPAN * rate + 1,
            ),
            Row("REGISTERs in the busiest second, challenged ones included", "", str(sent)),
            Row(
                "agents that were registered more than once",
                "0",
                str(sum(count > 1 for count in taken.values())),
                max(taken.values(), default=0) <= 1,
            ),
            Row(
                "pages that were told so last",
                f"{len(pages.pages)}",
                f"{states['REGISTERED']}",
                states["REGISTERED"] == len(pages.pages),
            ),
        ]

    def _of_truth(self, times: Times, watch: Watch) -> list[Row]:
        """Return how far the gateway's words were behind the registrar, and how late its loop was."""
        rows = []
        for name, shown in SURFACES.items():
            behind = lag(watch.seen[name], watch.truth_of(name))
            moments = (times.killed, times.returned, times.settled)
            said = ", ".join(str(watch.said(name, moment)) for moment in moments)
            row = Row(
                f"{shown} before, during and after",
                f"the registrar's number, within a keep-alive ({watch.keep_alive:.0f} s)",
                f"{said}; at most {behind:.1f} s behind",
                behind <= watch.keep_alive,
            )
            rows.append(row)
        took, when = watch.longest_wait(times.killed)
        return [
            *rows,
            Row("event loop late, in the worst second", "", watch.worst_lag(times.killed)),
            Row("longest wait for `/api/health`", "", f"{took:.2f} s, {max(0.0, when):.0f} s after the kill"),
        ]

    async def _of_calls(
        self, plan: Plan, times: Times, registrar: Registrar, seats: Sequence[Seat], sounding: Sounding
    ) -> list[Row]:
        """Return what became of the calls, which end with this."""
        passed = registrar.read()
        calls = {each.call for each in passed if each.what == "INVITE" and each.at < times.killed}
        invited = Counter(each.call for each in passed if each.what == "INVITE" and each.at > times.killed)
        challenged = Counter(
            each.call for each in passed if each.what in ("401/INVITE", "407/INVITE") and each.at > times.killed
        )
        counts = Counter(invited[call] - challenged[call] for call in calls | invited.keys())
        for seat in seats:
            await self._use(registrar, seat)
        faults = [f"{seat.desk.dn}: {seat.fault}" for seat in seats if seat.fault]
        try:
            await sounding.finish()
        except AssertionError as error:
            faults.append(f"sound: {error}")
        told = ", ".join(f"{count} calls got {number}" for number, count in sorted(counts.items()))
        return [
            Row("re-INVITEs of each call", "1", told, counts == {1: plan.calls}),
            Row(
                "calls that went on, with hold and resume, and a call to that agent; one of them with sound",
                str(plan.calls),
                "; ".join([str(plan.calls - len(faults)), *faults]),
                not faults,
            ),
        ]

    async def _use(self, registrar: Registrar, seat: Seat) -> None:
        """Hold, resume and end a call, and see that another one reaches the agent."""
        try:
            for verb in ("hold", "resume", "hangup"):
                await seat.desk.do(verb, seat.call)
            originated = self.asterisk(f"channel originate {registrar.way_to(seat.desk.dn)} application Echo")
            await seat.desk.do("reject", (await seat.desk.expect("OFFER"))["callId"])
            await originated
        except AssertionError as error:
            seat.fault = str(error)


def usage(servers: Mapping[str, Server]) -> dict[str, float]:
    """Return the CPU seconds of each server."""
    return {name: seconds_of(server) for name, server in servers.items()}


def seconds_of(server: Server) -> float:
    """Return the CPU seconds of all processes of a server."""
    total = 0
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            values = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if int(values[3]) == server.pid:  # its session
            total += int(values[11]) + int(values[12])
    return total / os.sysconf("SC_CLK_TCK")


def table(rows: Sequence[Row]) -> str:
    """Return the table of an outage."""
    lines = ["| What | Promised | Seen |", "|---|---|---|"]
    for row in rows:
        lines.append(f"| {row.what} | {row.promised} | {row.seen}{'' if row.kept else ' **broken**'} |")
    return "\n".join(lines)


def keep(rows: Sequence[Row]) -> None:
    """Write the rows for the command."""
    if RESULTS:
        pathlib.Path(RESULTS).write_text(json.dumps([asdict(row) for row in rows]))


def main() -> int:
    """Play what the command line says, and print its table."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.outage", description=(__doc__ or "").split("\n")[1])
    parser.add_argument("agents", type=int, nargs="?", default=5000)
    parser.add_argument("seconds", type=float, nargs="?", default=30.0)
    parser.add_argument("--registrar", choices=("kamailio", "asterisk"), default="kamailio")
    parser.add_argument("--store", choices=("memory", "sqlite"), default="memory")
    parser.add_argument("--calls", type=int, default=20, help="agents who are in a call, at least 2")
    parser.add_argument("--rate", type=float, default=0.0, help="register_rate; 0 for the default")
    plan = Plan(**vars(parser.parse_args()))
    results = pathlib.Path(f"outage-{os.getpid()}.json").absolute()
    environ = {
        **os.environ,
        "WRTCGW_TEST_OUTAGE_PLAN": json.dumps(asdict(plan)),
        "WRTCGW_TEST_OUTAGE_RESULTS": str(results),
    }
    command = (sys.executable, "-m", "twisted.trial", "tests.interop.case_outage")
    code = subprocess.run(command, env=environ, check=False).returncode
    if results.exists():
        print(table([Row(**row) for row in json.loads(results.read_text())]))
        results.unlink()
    return code


if __name__ == "__main__":
    sys.exit(main())
