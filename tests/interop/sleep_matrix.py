"""
The sleep matrix: calls to a softphone whose page runs, is hidden, frozen, stopped, discarded, asleep, offline or gone.

Each caller has to be answered, or refused truthfully within 5 s; none may hear it ring for a page that cannot answer.
The page has to tell afterwards what was missed. Headless Chromium neither hides nor freezes a tab by itself, so the
words of the browser (``visibilitychange``, ``freeze``) are said for it, timers are slowed down for it, and what cannot
run is stopped by SIGSTOP: its renderer, or all of its processes for a laptop that is shut.

``python -m tests.interop.sleep_matrix 200`` plays 200 calls in random order, and prints a table.
"""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, cast

from attrs import asdict, define, frozen
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTCP, IReactorTime
from twisted.web.client import Agent, HTTPConnectionPool

from tests.interop.chromium import Tab
from tests.interop.demo import demo
from tests.interop.desk import Browser, Desk
from tests.interop.relay import Relay
from tests.interop.softphone_page import SoftphoneCase

CALLS = int(os.environ.get("WRTCGW_TEST_SLEEP_CALLS", "8"))
SEED = os.environ.get("WRTCGW_TEST_SLEEP_SEED", "") or str(random.randrange(10**6))
RESULTS = os.environ.get("WRTCGW_TEST_SLEEP_RESULTS", "")
"""Where the outcomes go, as JSON lines; nowhere when empty."""
LIMIT = 5.0
"""Seconds within which a caller has to hear that nobody can answer."""
PATIENCE = 8.0
"""Seconds that a caller waits for anything."""
DELAYS = (0.0, 0.2, 1.0, 5.5)
"""Seconds from falling asleep to the call."""
RINGING = 180

SLOW_TIMERS = """(() => {
    let since = 0; // when the page was hidden; 0 while it is seen
    const isDue = () => !since || (Date.now() - since) % 60_000 < 1_000;
    for (const [name, again] of [["setTimeout", true], ["setInterval", false]]) {
        const real = globalThis[name];
        globalThis[name] = (work, time, ...rest) => {
            const run = () => isDue() ? work(...rest) : again && real(run, 500);
            return real(run, time);
        };
    }
    const Real = globalThis.RTCPeerConnection; // pages in a call are not slowed down
    globalThis.RTCPeerConnection = class extends Real { constructor(...all) { super(...all); since = 0; } };
    globalThis.hide = (on) => {
        since = on ? Date.now() : 0;
        Object.defineProperty(document, "visibilityState", { value: on ? "hidden" : "visible", configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    };
})()"""
"""Lets a page be hidden, with timers that go once a minute, as browsers do it after a while."""


@frozen
class Outcome:
    """What became of one call; ``told`` says whether the page has shown it as it was."""

    state: str
    delay: float
    result: str
    seconds: float
    rang: bool
    told: bool

    @property
    def fault(self) -> str:
        """Return what is wrong with it, '' for nothing."""
        if self.state in AWAKE:
            return "" if self.result == "answered" and self.told else "it was not answered"
        if self.rang:
            return "it rang into the void"
        if self.result != "480" or self.seconds > LIMIT:
            return "it was not refused truthfully within 5 s"
        return "" if self.told else "the agent was not told"


@define
class Heard:
    """What a caller has heard so far."""

    result: str = "nothing"
    seconds: float = PATIENCE
    rang: bool = False


AWAKE = ("running", "hidden")
"""The states in which a page can answer."""
STATES = (*AWAKE, "frozen", "stopped", "discarded", "asleep", "offline", "gone")


class SleepMatrix(SoftphoneCase):
    """One page that falls asleep in all ways, and a caller who has nothing but HTTP."""

    settings: ClassVar[Mapping[str, object]] = {"page_grace": 120}

    async def begin(self) -> None:
        """Open the page, by way of a network that can be taken away, and sign both in."""
        self.random = random.Random(SEED)
        self.relay = Relay(cast(IReactorTCP, reactor), int(demo(self.settings).url.rpartition(":")[2]))
        self.url = f"http://127.0.0.1:{await self.relay.start()}/softphone/"
        self.addCleanup(lambda: Deferred.fromCoroutine(self.relay.stop()))
        self.stopped: set[int] = set()
        self.tab = await self.open("about:blank")
        await self.load(self.tab)
        pool = HTTPConnectionPool(reactor)
        self.addCleanup(pool.closeCachedConnections)
        browser = Browser.over(Agent(reactor, pool=pool), self.gateway.url)
        self.caller = Desk(browser, cast(IReactorTime, reactor), "caller", "5002")
        self.assertEqual((await self.caller.sign_in()).code, 200)
        self.operator = Browser.over(Agent(reactor, pool=pool), self.gateway.url)

    async def load(self, tab: Tab) -> None:
        """Open the softphone, which answers whatever rings; it goes on with its session, or signs in."""
        tab.console.expect("ERR_|Failed to (fetch|load)|status of 4|WebRTC|media_failed|no_webrtc")
        await self.do(tab, lambda page: page.add_init_script(SLOW_TIMERS))
        await self.do(tab, lambda page: page.goto(self.url))
        await self.until(tab, "() => document.querySelector('.sign-in') || globalThis.softphone?.phone.isSignedIn")
        if await tab.evaluate("() => Boolean(document.querySelector('.sign-in'))"):
            await self.sign_in(tab, 5001)
        await self.until(tab, "() => Boolean(globalThis.softphone?.phone.isSignedIn)")
        await tab.evaluate("() => { softphone.phone.on('incoming', (call) => call.answer().catch(() => {})); }")

    # -- falling asleep, and waking up

    async def play(self, state: str, delay: float) -> Outcome:
        """Let the page fall asleep, call it, wake it up, and see what it tells."""
        await self.tab.evaluate("() => localStorage.removeItem('softphone-history 5001')")
        ways: Mapping[str, tuple[Callable[[], Awaitable[object]], Callable[[], Awaitable[object]]]] = {
            "running": (self.nothing, self.nothing),
            "hidden": (partial(self.hide, on=True), partial(self.hide, on=False)),
            "frozen": (self.freeze, self.go_on),
            "stopped": (self.stop_renderer, self.go_on),
            "discarded": (self.kill_renderer, self.open_again),
            "asleep": (self.stop_all, self.go_on),
            "offline": (self.unplug, self.plug),
            "gone": (self.close, self.open_again),
        }
        fall, wake = ways[state]
        await fall()
        await self.pause(delay)
        heard = await self.call()
        await wake()
        told = await self.tells("answered" if state in AWAKE else "missed")
        return Outcome(state, delay, heard.result, round(heard.seconds, 2), heard.rang, told)

    async def nothing(self) -> None:
        """Let it run."""

    async def hide(self, *, on: bool) -> None:
        """Hide the page, or show it."""
        await self.tab.evaluate("(on) => globalThis.hide(on)", on)

    async def freeze(self) -> None:
        """Freeze it as a browser does: it hears of that, and then does nothing."""
        await self.tab.evaluate("() => { document.dispatchEvent(new Event('freeze')); }")
        await self.stop_renderer()

    async def stop_renderer(self) -> None:
        """Stop its scripts without a word."""
        self.send(signal.SIGSTOP, await self.processes("renderer"))

    async def stop_all(self) -> None:
        """Shut the laptop."""
        self.send(signal.SIGSTOP, await self.processes())

    async def go_on(self) -> None:
        """Let it run again."""
        pids, self.stopped = self.stopped, set()
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    async def kill_renderer(self) -> None:
        """Discard the tab: its process is gone, without a word."""
        self.send(signal.SIGKILL, await self.processes("renderer"))

    async def close(self) -> None:
        """Close the page."""
        await self.do(self.tab, lambda page: page.close())

    async def open_again(self) -> None:
        """Open it in a new tab of the same profile."""
        context = self.tab.page.context
        page = await self.tab.chromium.run(context.new_page)
        if not self.tab.page.is_closed():
            await self.do(self.tab, lambda page: page.close())
        self.tabs.remove(self.tab)
        self.tab = Tab(self.tab.chromium, page)
        self.tab.console.attach(page)
        self.tabs.append(self.tab)
        await self.load(self.tab)

    async def unplug(self) -> None:
        """Take the network away: what is sent gets nowhere, and nobody says so."""
        self.relay.swallow()

    async def plug(self) -> None:
        """Give it back."""
        self.relay.forward()

    async def processes(self, kind: str = "") -> set[int]:
        """Return the browser's processes, of one kind or all."""

        def ask() -> set[int]:
            browser = self.tab.page.context.browser
            assert browser is not None
            told = cast(Any, browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo"))
            return {each["id"] for each in told["processInfo"] if kind in ("", each["type"])}

        return await self.tab.chromium.run(ask)

    def send(self, what: signal.Signals, pids: set[int]) -> None:
        """Send a signal to processes; those that are stopped go on at the latest when the case ends."""
        if what is signal.SIGSTOP:
            self.stopped = pids
            self.addCleanup(self.go_on_at_last, frozenset(pids))
        for pid in pids:
            os.kill(pid, what)

    def go_on_at_last(self, pids: frozenset[int]) -> None:
        """Let what is left of them run."""
        for pid in pids & self.stopped:
            os.kill(pid, signal.SIGCONT)

    # -- the caller, and the agent

    async def call(self) -> Heard:
        """Call the page, and hang up when it has answered, or has rung in vain."""
        heard, began = Heard(), time.monotonic()
        call = await self.caller.call("5001")
        while heard.result == "nothing" and time.monotonic() - began < PATIENCE:
            message = await self.caller.next(1.0)
            if message.get("callId") != call:
                continue
            if message["messageType"] == "RINGING":
                heard.rang = heard.rang or message.get("sipCode") == RINGING
            elif message["messageType"] == "ANSWER" and not message.get("moreComing"):
                heard.result = "answered"
            elif message.get("state") == "ENDED":
                heard.result = str(message.get("sipCode"))
        heard.seconds = time.monotonic() - began
        if heard.result in ("answered", "nothing"):
            await self.caller.verb("hangup", call)
        return heard

    async def tells(self, outcome: str) -> bool:
        """Return whether the page comes to list just this call, as what it was, and the gateway knows that it runs."""
        listed = "() => JSON.parse(localStorage.getItem('softphone-history 5001') ?? '[]').map((each) => each.outcome)"
        for _ in range(60):
            found = await self.tab.evaluate(listed)
            (agent,) = [
                each for each in (await self.operator.get("/api/agents")).json["agents"] if each["dn"] == "5001"
            ]
            if found and agent["pageResponds"]:
                return bool(found == [outcome])
            await self.pause(0.25)
        return False


def keep(outcome: Outcome) -> None:
    """Append an outcome to the file of a long run."""
    if RESULTS:
        with pathlib.Path(RESULTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(outcome)) + "\n")


def table(outcomes: Sequence[Outcome]) -> str:
    """Return the table of a long run."""
    rows = ["| page | calls | answered | refused | longest s | rang in vain | not told | faults |", "|---" * 8 + "|"]
    for state in STATES:
        found = [outcome for outcome in outcomes if outcome.state == state]
        if found:
            vain = sum(outcome.rang for outcome in found if state not in AWAKE)
            refused = sum(outcome.result.isdigit() for outcome in found)
            cells = (
                *(state, len(found), sum(outcome.result == "answered" for outcome in found), refused),
                *(max((outcome.seconds for outcome in found), default=0.0), vain),
                *(sum(not outcome.told for outcome in found), sum(bool(outcome.fault) for outcome in found)),
            )
            rows.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(rows)


def main(calls: str = "200", seed: str = SEED) -> int:
    """Play so many calls in random order, and print their table; the seed repeats an order."""
    results = pathlib.Path(f"sleep-matrix-{os.getpid()}.json").absolute()
    more = {"WRTCGW_TEST_SLEEP_CALLS": calls, "WRTCGW_TEST_SLEEP_SEED": seed, "WRTCGW_TEST_SLEEP_RESULTS": str(results)}
    command = (sys.executable, "-m", "twisted.trial", "tests.interop.case_sleep.Matrix")
    code = subprocess.run(command, env={**os.environ, **more}, check=False).returncode
    print(f"seed {seed}")
    if results.exists():
        print(table([Outcome(**json.loads(line)) for line in results.read_text(encoding="utf-8").splitlines()]))
        results.unlink()
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
