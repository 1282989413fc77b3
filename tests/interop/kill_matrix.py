"""
The kill matrix: a gateway dies by SIGKILL with an agent in each state of a call, and is started again.

All agents of one run are on one gateway, so one kill is tried in all states. What cannot be met by waiting for it is
made by stopping Kamailio (SIGSTOP) before the last step: what was sent then is in its sockets, and no answer has come.

``python -m tests.interop.kill_matrix 100`` plays it a hundred times, and prints the table for ``docs/operations.md``.
"""

import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

from attrs import define, field, frozen
from twisted.internet.defer import ensureDeferred, gatherResults

from tests.interop.base import InteropCase
from tests.interop.descriptions import chromium_answer
from tests.interop.desk import Desk, Message
from tests.interop.install import say

RUNS = int(os.environ.get("WRTCGW_TEST_KILL_RUNS", "3"))
RESULTS = os.environ.get("WRTCGW_TEST_KILL_RESULTS", "")
"""Where the outcomes go, as JSON lines; nowhere when empty."""
FIRST = 5031
"""The first agent of a gateway that is killed; their far sides that are agents of another gateway are 50 higher."""
CONTROL = 20.0
"""Seconds within which an agent must have its call in hand again; the table says how long it really takes."""


UNDER_WAY = {
    "BYE": (r" sent\n\tBYE ", 1),
    "INVITE and re-INVITE": (r" sent\n\tINVITE ", 2),
    "200 to their INVITE and re-INVITE": (r" sent\n\tSIP/2\.0 200 .*\n(?:\t.*\n)*?\tCSeq: \d+ INVITE", 2),
}
"""What the gateway has sent when it is killed, and of which it gets no answer: patterns of its log, and how many."""


@frozen
class Outcome:
    """What became of one call."""

    state: str
    survived: bool
    seconds: float
    """From the kill until the agent had it in hand, or knew of its end."""
    fault: str = ""


@define
class Seat:
    """An agent whose gateway is killed, and the call that it is in."""

    desk: Desk
    call: str = ""
    far: "Desk | None" = None
    """The agent on the other side, where it is one."""
    far_call: str = ""
    answer: Callable[[], Awaitable[object]] | None = None
    offer: Message = field(factory=dict)


class KillMatrix(InteropCase):
    """One run: see the module."""

    timeout = 240
    way = "ws"

    async def play(self) -> list[Outcome]:
        """Put an agent into each state, kill the gateway, start it again, and see what became of the calls."""
        self.steady = self.gateway()
        self.mortal = await self.own_gateway(
            "mortal",
            *self.environment.ways[self.way].urls,
            state_store=f"sqlite://{self.environment.folder}/mortal.db",
            state_key="A" * 43 + "=",
        )
        self.outcomes: list[Outcome] = []
        self.seats: dict[str, Seat] = {}
        names = [name for name, *_ in self.states()]
        for number, name in enumerate(names):
            self.seats[name] = Seat(await self.agent(FIRST + number, self.mortal))
        for name, reach, _, _ in self.states():
            await reach(self.seats[name])
        self.mortal.server.signal(signal.SIGSTOP)
        self.begin(self.they_hold(self.seats["their re-INVITE open"]))
        await self.pause(0.5)
        kamailio = self.environment.kamailio
        kamailio.signal(signal.SIGSTOP)
        self.mortal.server.signal(signal.SIGCONT)
        logged = self.mortal.server.log.stat().st_size
        try:
            for name, _, last, _ in self.states():
                if last not in (None, self.they_hold):
                    self.begin(last(self.seats[name]))
            await self.under_way(logged)
            self.mortal.server.signal(signal.SIGKILL)
            killed = time.monotonic()
            await self.blocking(self.mortal.server.stop)
        finally:
            kamailio.signal(signal.SIGCONT)
        await self.blocking(self.mortal.server.start)
        checks = [self.judge(name, check, killed) for name, _, _, check in self.states()]
        await gatherResults([ensureDeferred(each) for each in checks])
        for seat in self.seats.values():
            await seat.desk.sign_out()
            if seat.far is not None:
                await seat.far.sign_out()
        await self.quiet()
        return self.outcomes

    async def under_way(self, logged: int) -> None:
        """Wait until the gateway has sent what the last steps bring about; ``logged``: the size of its log before."""
        missing = list(UNDER_WAY)
        for _ in range(200):
            with self.mortal.server.log.open("rb") as log:
                log.seek(logged)
                text = log.read().decode(errors="replace")
            missing = [name for name, (pattern, times) in UNDER_WAY.items() if len(re.findall(pattern, text)) < times]
            if not missing:
                return
            await self.pause(0.05)
        self.fail(f"not sent in ten seconds: {', '.join(missing)}")

    async def judge(self, name: str, check: Callable[[Seat], Awaitable[bool]], killed: float) -> None:
        """See what became of one call, and how long that took."""
        try:
            fault = "" if await check(self.seats[name]) else "the two ends do not agree"
        except AssertionError as error:
            fault = str(error)
        outcome = Outcome(name, not fault, time.monotonic() - killed, fault)
        say(f"killed while {name}: {fault or 'fine'}, {outcome.seconds:.1f} s")
        self.outcomes.append(outcome)

    def begin(self, work: Awaitable[object]) -> None:
        """Begin what the kill interrupts."""
        ensureDeferred(work).addErrback(lambda failure: None)  # type: ignore[arg-type]

    def states(
        self,
    ) -> Sequence[
        tuple[
            str, Callable[..., Awaitable[None]], Callable[..., Awaitable[object]] | None, Callable[..., Awaitable[bool]]
        ]
    ]:
        """Return name, way to it, last step while nobody answers, and check of each state."""
        return (
            ("established", self.established, None, self.in_hand),
            ("held by us", self.held, None, self.in_hand_held),
            ("held by them", self.held_by_them, None, self.in_hand),
            ("their re-INVITE open", self.with_agent, self.they_hold, self.in_hand),
            ("REFER accepted", self.referred, None, self.gone_or_in_hand),
            ("our re-INVITE open", self.established, self.hold, self.in_hand),
            ("BYE sent", self.established, self.hang_up, self.gone),
            ("18x received", self.rings_there, None, self.gone),
            ("INVITE sent", self.idle, self.calls, self.gone),
            ("ringing here", self.rings_here, None, self.answers),
            ("200 sent, no ACK", self.rings_here, self.answer, self.in_hand),
        )

    # -- into the state

    async def idle(self, seat: Seat) -> None:
        """Do nothing."""

    async def established(self, seat: Seat) -> None:
        """Call the echo."""
        seat.call = await seat.desk.established("1003")

    async def held(self, seat: Seat) -> None:
        """Put it on hold."""
        await self.established(seat)
        await seat.desk.do("hold", seat.call)

    async def with_agent(self, seat: Seat) -> None:
        """Be called by an agent of another gateway."""
        seat.far = await self.agent(int(seat.desk.dn) + 50, self.steady)
        seat.far_call = await seat.far.call(seat.desk.dn)
        seat.call = (await seat.desk.take())["callId"]
        await seat.far.expect("ANSWER", seat.far_call, moreComing=False)

    async def held_by_them(self, seat: Seat) -> None:
        """Be put on hold by the far side."""
        await self.with_agent(seat)
        assert seat.far is not None
        await seat.far.do("hold", seat.far_call)
        await seat.desk.expect("HOLD", seat.call, cause="peer")

    async def referred(self, seat: Seat) -> None:
        """Transfer a call, which was accepted."""
        seat.call = await seat.desk.established("1008")
        await seat.desk.do("transfer", seat.call, to="1005")

    async def rings_there(self, seat: Seat) -> None:
        """Call a number that rings on and on."""
        seat.call = await seat.desk.call("1006")
        await seat.desk.expect("RINGING", seat.call)

    async def rings_here(self, seat: Seat) -> None:
        """Be called by Asterisk."""
        self.originate(int(seat.desk.dn))
        seat.offer = await seat.desk.expect("OFFER")
        seat.call = seat.offer["callId"]

    # -- the last step

    async def they_hold(self, seat: Seat) -> None:
        """Let the far side hold; its re-INVITE is answered, and gets no further."""
        assert seat.far is not None
        await seat.far.do("hold", seat.far_call)

    async def hold(self, seat: Seat) -> None:
        """Order a hold that gets no answer."""
        await seat.desk.verb("hold", seat.call)

    async def hang_up(self, seat: Seat) -> None:
        """Hang up."""
        await seat.desk.verb("hangup", seat.call)

    async def calls(self, seat: Seat) -> None:
        """Call."""
        seat.call = await seat.desk.call("1003")

    async def answer(self, seat: Seat) -> None:
        """Answer a call that rings."""
        await seat.desk.browser.describe(chromium_answer(seat.offer["sdp"]), seat.desk.id, call=seat.call)

    # -- what became of it

    async def in_hand(self, seat: Seat) -> bool:
        """Return whether the call is up, and can be held, resumed and ended by its agent."""
        if not await self.is_up(seat):
            return False
        await self.controls(seat, "hold")
        await self.controls(seat, "resume")
        await seat.desk.do("hangup", seat.call)
        return True

    async def in_hand_held(self, seat: Seat) -> bool:
        """Return the same of a call that is on hold."""
        if not await self.is_up(seat):
            return False
        await self.controls(seat, "resume")
        await seat.desk.do("hangup", seat.call)
        return True

    async def controls(self, seat: Seat, verb: str) -> None:
        """Use a verb until it succeeds; as long as the recovery is under way it need not."""
        deadline = time.monotonic() + CONTROL
        while True:
            reply = await seat.desk.verb(verb, seat.call)
            if reply.code == 200:
                return
            if "already" in reply.text or time.monotonic() > deadline:
                self.fail(f"{verb} of {seat.desk.id}: {reply}")
            await self.pause(0.05)

    async def is_up(self, seat: Seat) -> bool:
        """Return whether the call is still up for gateway and page."""
        return any(call["callId"] == seat.call for call in await self.calls_of(seat.desk))

    async def calls_of(self, desk: Desk) -> list[Message]:
        """Return an agent's calls, when it is registered again."""
        deadline = time.monotonic() + CONTROL
        while True:
            reply = await desk.browser.get("/api/webrtc/calls", id=desk.id)
            if reply.code == 200 and reply.json["registration"]["state"] == "REGISTERED":
                listed: list[Message] = reply.json["calls"]
                return listed
            if time.monotonic() > deadline:
                self.fail(f"{desk.id} is not back: {reply}")
            await self.pause(0.02)

    async def gone(self, seat: Seat) -> bool:
        """Return whether the call is gone at both ends."""
        for _ in range(100):
            if not await self.calls_of(seat.desk) and not self.channels(seat):
                return True
            await self.pause(0.1)
        return False

    async def gone_or_in_hand(self, seat: Seat) -> bool:
        """Return whether the two ends agree."""
        for _ in range(100):
            if bool(await self.calls_of(seat.desk)) == bool(self.channels(seat)):
                return True
            await self.pause(0.1)
        return False

    async def answers(self, seat: Seat) -> bool:
        """Return whether a call that rang can be answered and ended."""
        if not await self.is_up(seat):
            return not self.channels(seat)
        await self.answer(seat)
        await seat.desk.expect("OK", seat.call)
        await seat.desk.do("hangup", seat.call)
        return True

    def channels(self, seat: Seat) -> list[str]:
        """Return the channels that Asterisk has of an agent."""
        return [name for name in self.environment.asterisk.channels() if f"/{seat.desk.dn}-" in name]


def keep(outcomes: Sequence[Outcome]) -> None:
    """Append outcomes to the file of a long run."""
    if RESULTS:
        with pathlib.Path(RESULTS).open("a", encoding="utf-8") as file:
            for outcome in outcomes:
                file.write(json.dumps([outcome.state, outcome.survived, outcome.seconds]) + "\n")


def table(lines: Sequence[str]) -> str:
    """Return the table of a long run."""
    by_state: dict[str, list[tuple[bool, float]]] = {}
    for line in lines:
        state, survived, seconds = json.loads(line)
        by_state.setdefault(state, []).append((survived, seconds))
    rows = [
        f"| {state} | {len(found)} | {sum(not survived for survived, _ in found)} "
        f"| {statistics.median(seconds for _, seconds in found):.1f} | {max(seconds for _, seconds in found):.1f} |"
        for state, found in by_state.items()
    ]
    head = "| killed while | runs | lost, or left at one end | median s | longest s |\n|---|---|---|---|---|"
    return "\n".join([head, *rows])


def main(runs: str = "100") -> int:
    """Play the matrix so often, and print its table."""
    results = pathlib.Path(f"kill-matrix-{os.getpid()}.json").absolute()
    environ = {**os.environ, "WRTCGW_TEST_KILL_RUNS": runs, "WRTCGW_TEST_KILL_RESULTS": str(results)}
    command = (sys.executable, "-m", "twisted.trial", "tests.interop.case_kill.Matrix")
    code = subprocess.run(command, env=environ, check=False).returncode
    if results.exists():
        print(table(results.read_text(encoding="utf-8").splitlines()))
        results.unlink()
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
