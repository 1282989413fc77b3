"""
How long it takes to bring the sound of a call from one page to another, and how long the far side hears nothing by it.

``python -m tests.interop.moves 20`` moves the sound of one call so often to and fro, with the demo PBX; with
``asterisk`` behind it, through Kamailio and Asterisk (as root). With ``take_over`` the pages sign in by turns, each of
which takes the call over. A third argument lets the pages hear of the far side's answers so many milliseconds later, as
over a long way. It prints the least, the median and the most, and what the time went by for: it is no test,
as a busy machine says nothing.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import ClassVar

from attrs import asdict, field, frozen

from tests.interop.case_library_asterisk import LibraryPageCase
from tests.interop.chromium import Tab
from tests.interop.ears import AnyTab, hears, pause, until
from tests.interop.gateway import Gateway
from tests.interop.library_page import LibraryCase
from tests.interop.servers import PASSWORD

COUNT = int(os.environ.get("WRTCGW_TEST_MOVES", "4"))
LAG = int(os.environ.get("WRTCGW_TEST_MOVES_LAG", "0"))
RESULTS = os.environ.get("WRTCGW_TEST_MOVES_RESULTS", "")
"""Where the figures go, as JSON lines; nowhere when empty."""
WINDOW = 2.0
"""Seconds that the far side is listened to: until the page that had the sound has let go of it."""
RING_ALL = {"second_page": "ring_all", "page_grace": 20}

TONE = """async () => {
    const context = new AudioContext();
    const out = context.createMediaStreamDestination();
    const oscillator = new OscillatorNode(context, { frequency: 440 });
    oscillator.connect(new GainNode(context, { gain: 0.5 })).connect(out);
    oscillator.start();
    navigator.mediaDevices.getUserMedia = async () => {
        await context.resume();
        return out.stream.clone();
    };
}"""
"""A microphone that gives a tone without a break."""

LISTEN = """async () => {
    const context = new AudioContext();
    const code = `registerProcessor("silence", class extends AudioWorkletProcessor {
        silent = 0;
        process([[samples]]) {
            const loud = samples?.some((value) => Math.abs(value) > 0.02);
            if (loud && this.silent > 960) this.port.postMessage(this.silent / sampleRate);
            this.silent = loud ? 0 : this.silent + 128;
            return true;
        }
    })`;
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    const ear = new AudioWorkletNode(context, "silence");
    context.createMediaStreamSource(call.remoteStream).connect(ear).connect(context.destination);
    window.silences = [];
    ear.port.onmessage = ({ data: seconds }) => silences.push({ seconds, until: Date.now() });
}"""
"""Has the far side's page note each time of 20 ms and more in which it hears nothing, by the clock of the sound."""

USE_HERE = """async () => {
    const began = Date.now();
    await call.useHere();
    return [began, Date.now()];
}"""
TAKE_OVER = """async (password) => {
    const began = Date.now();
    await phone.signIn({ dn: "5001", password, takeOver: true });
    while (!call.isUp || call.connection?.connectionState !== "connected") {
        await new Promise((done) => setTimeout(done, 5));
    }
    return [began, Date.now()];
}"""
LEFT = "() => (call.isOver || call.sound === 'elsewhere') && !call.connection && !call.localStream"

CONCEALED = """async () => {
    const stats = [...(await call.connection.getStats()).values()];
    return stats.find(({ type }) => type === "inbound-rtp").concealedSamples / 48_000;
}"""
"""Tells how many seconds of sound the far side's browser has made up, as no packets came."""

TRACE = """(lag) => {
    window.steps = [];
    const note = (name) => steps.push([name, Date.now()]);
    const Real = RTCPeerConnection;
    window.RTCPeerConnection = class extends Real {
        constructor(...given) {
            super(...given);
            note("connection made");
            this.addEventListener("iceconnectionstatechange", () => note(`ICE ${this.iceConnectionState}`));
            this.addEventListener("connectionstatechange", () => note(`connection ${this.connectionState}`));
            this.addEventListener("icegatheringstatechange", () => note(`gathering ${this.iceGatheringState}`));
        }
        async setRemoteDescription(given) {
            await new Promise((done) => setTimeout(done, lag));
            note("far side's description");
            await super.setRemoteDescription(given);
            note("far side's description taken");
        }
        close() {
            note("closed");
            super.close();
        }
    };
    const ask = window.fetch;
    window.fetch = async (url, ...rest) => {
        const name = String(url).split("?")[0].split("/").pop();
        note(`asks ${name}`);
        const answer = await ask(url, ...rest);
        note(`answered ${name}`);
        return answer;
    };
}"""
"""Has a page note what it does, with times; and hear of the far side's answers so many milliseconds later."""


@frozen
class Move:
    """One move; times in seconds."""

    seconds: float
    """From the press until the page knows that it has the sound."""
    silence: float
    """The longest time within it in which the far side heard nothing."""
    concealed: float
    """The time in which no packets came to the far side, whose browser makes the sound up then."""
    steps: list[tuple[str, float]] = field(factory=list)
    """What happened when, in order."""


async def move(caller: AnyTab, to: AnyTab, from_: AnyTab, way: str = USE_HERE) -> Move:
    """Bring the sound to a page, and wait until it is there and nowhere else; see :data:`LISTEN` and :data:`TRACE`."""
    await caller.evaluate("() => { silences.length = 0; }")
    for tab in (to, from_):
        await tab.evaluate("() => { window.steps?.splice(0); }")
    before = await caller.evaluate(CONCEALED)
    began, done = await to.evaluate(way, *((PASSWORD,) if way == TAKE_OVER else ()))
    await until(from_, LEFT)
    await hears(to, "call.connection")
    await hears(caller, "call.connection")
    if await from_.evaluate("() => Boolean(window.steps)"):
        await pause(WINDOW)
    if await to.evaluate("() => [call.sound, call.state]") != ["here", "established"]:
        raise AssertionError("the sound is not here")
    found = await caller.evaluate("() => silences")
    noted = [(f"to: {name}", at) for name, at in await to.evaluate("() => window.steps ?? []")]
    noted += [(f"from: {name}", at) for name, at in await from_.evaluate("() => window.steps ?? []")]
    noted += [(f"silence of {each['seconds']:.3f} ends", each["until"]) for each in found]
    noted.append(("done", done))
    steps = [(name, (at - began) / 1000) for name, at in sorted(noted, key=lambda step: step[1])]
    concealed = await caller.evaluate(CONCEALED) - before
    return Move((done - began) / 1000, max((each["seconds"] for each in found), default=0.0), concealed, steps)


async def moves(caller: Tab, here: Tab, there: Tab, count: int, way: str = USE_HERE) -> list[Move]:
    """Move the sound of a call that is up to and fro."""
    await caller.evaluate(LISTEN)
    before = await caller.evaluate(CONCEALED)
    await pause(WINDOW)
    print(f"\nconcealed in {WINDOW} s without a move: {await caller.evaluate(CONCEALED) - before:.3f} s")
    made = []
    for _ in range(count):
        made.append(await move(caller, there, here, way))
        here, there = there, here
    return made


def told(made: Sequence[Move]) -> str:
    """Return figures of moves in words."""
    rows = []
    for name, values in (
        ("moved within", [each.seconds for each in made]),
        ("silence of", [each.silence for each in made]),
        ("concealed", [each.concealed for each in made]),
    ):
        figures = f"{min(values):.3f} / {statistics.median(values):.3f} / {max(values):.3f}"
        rows.append(f"{name} {figures} s (least, median, most; the first {values[0]:.3f})")
    return "\n".join(rows)


def keep(made: Sequence[Move]) -> None:
    """Append the figures to the file of a long run."""
    if RESULTS:
        with pathlib.Path(RESULTS).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(each)) + "\n" for each in made)


class Demo(LibraryCase):
    """Moves with the demo PBX."""

    timeout = 60 + 10 * COUNT
    settings: ClassVar[Mapping[str, object]] = RING_ALL

    async def test_moves(self) -> None:
        """Move the sound of one call to and fro."""
        caller, first, second = [await self.toned() for _ in range(3)]
        await self.sign_in(second, 5001)
        await self.talk(caller, first)
        await self.is_(second, "established")
        keep(await moves(caller, first, second, COUNT))

    async def toned(self) -> Tab:
        """Open a page with a tone for a microphone."""
        tab = await self.page()
        await tab.evaluate(TONE)
        await tab.evaluate(TRACE, LAG)
        return tab

    async def talk(self, caller: Tab, called: Tab) -> None:
        """Sign two pages in, and let one call the other."""
        await self.sign_in(caller, 5002)
        await self.sign_in(called, 5001)
        await self.connect(caller, called, 5001)


class TakeOver(Demo):
    """Pages that take over from each other, with the demo PBX."""

    settings: ClassVar[Mapping[str, object]] = {}

    async def test_moves(self) -> None:
        """Sign in by turns."""
        caller, first, second = [await self.toned() for _ in range(3)]
        for tab in (first, second):
            tab.console.expect("403")
        await self.talk(caller, first)
        keep(await moves(caller, first, second, COUNT, TAKE_OVER))


class Asterisk(LibraryPageCase):
    """Moves through Kamailio and Asterisk."""

    timeout = 60 + 10 * COUNT

    def gateway(self) -> Gateway:
        """Return a gateway that lets several pages in."""
        settings = {**RING_ALL, "allowed_origins": [self.environment.origin]}
        return self.environment.gateway("many", self.environment.ways["ws"], settings)

    async def toned(self, dn: int, beside: Tab | None = None) -> Tab:
        """Open a page with a tone for a microphone, and sign a number in."""
        await self.connected(self.gateway())
        if beside is None:
            tab = await self.open("library.html")
        else:
            tab = await beside.chromium.open(await beside.evaluate("() => location.href"))
        await tab.evaluate(TONE)
        await tab.evaluate(TRACE, LAG)
        await self.sign_in(tab, dn)
        return tab

    async def test_moves(self) -> None:
        """Move the sound of one call to and fro."""
        caller = await self.toned(5002)
        pages = [await self.toned(5001, caller) for _ in range(2)]
        await self.call(caller, 5001)
        await self.is_(pages[0], "incoming")
        await self.do(pages[0], "answer")
        for tab in (caller, *pages):
            await self.is_(tab, "established")
        for tab in (caller, pages[0]):
            await self.hears(tab, "call.connection")
        keep(await moves(caller, pages[0], pages[1], COUNT))
        await self.do(caller, "hangup")
        await self.quiet()


def main(count: str = "20", far_side: str = "demo", lag: str = "0") -> int:
    """Move so often, and print the figures; and the steps of the move that took longest, and of a usual one."""
    results = pathlib.Path(f"moves-{os.getpid()}.json").absolute()
    more = {
        "WRTCGW_TEST_MOVES": count,
        "WRTCGW_TEST_MOVES_LAG": lag,
        "WRTCGW_TEST_MOVES_RESULTS": str(results),
    }
    case = {"demo": "Demo", "asterisk": "Asterisk", "take_over": "TakeOver"}[far_side]
    command = (sys.executable, "-m", "twisted.trial", f"tests.interop.moves.{case}")
    code = subprocess.run(command, env={**os.environ, **more}, check=False).returncode
    if results.exists():
        made = [Move(**json.loads(line)) for line in results.read_text(encoding="utf-8").splitlines()]
        results.unlink()
        ranked = sorted(made, key=lambda each: each.silence + each.concealed)
        for title, each in (("usual", ranked[len(ranked) // 2]), ("longest", ranked[-1])):
            print(f"\n{title}: {each.seconds:.3f} s, silence {each.silence:.3f} s, concealed {each.concealed:.3f} s")
            print("\n".join(f"  {at:7.3f}  {name}" for name, at in each.steps))
        print("\n".join(f"{each.seconds:.3f} {each.silence:.3f} {each.concealed:.3f}" for each in made))
        print(told(made))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
