"""Bots at a real gateway with the demo PBX behind it: signalling, media, a restart, and the documents' example."""

import asyncio
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import wave
from array import array
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SkipTest, TestCase

from tests.support.daemon import twistd
from tests.support.endtoend import LIMIT, EndToEndCase, until
from wrtcgw.agentclient import Agent, Call, CallOverError, NoMediaError, RefusedError, State, TransferError
from wrtcgw.clientlib.sound import NoSound
from wrtcgw.demo.extensions import DEMO_PASSWORD
from wrtcgw.demo.media import MediaUnavailableError, open_media
from wrtcgw.demo.tone import sine, tone_share

DOCUMENT = pathlib.Path(__file__).parent.parent.parent / "docs" / "bots.md"
_T = TypeVar("_T")


class Mute(NoSound):
    """Descriptions with nothing behind them, for tests of signalling."""

    async def play(self, path: pathlib.Path) -> None:
        """Play nothing."""

    def record(self, path: pathlib.Path, most: float) -> None:
        """Record nothing."""

    def stop_recording(self) -> None:
        """Record nothing."""


class BotCase(EndToEndCase):
    """Runs bots in a thread with an event loop of its own, as a program of theirs would; the gateway runs here."""

    def bot(self, dn: str, *, media: bool = False, password: str = DEMO_PASSWORD) -> Agent:
        """Return a bot that has not signed in yet."""
        return Agent(self.url, dn, password, new_media=None if media else lambda servers, heard: Mute())

    async def in_thread(self, scenario: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """Run it, and return what it returns."""
        result: Deferred[_T] = deferToThread(lambda: asyncio.run(asyncio.wait_for(scenario(), 9 * LIMIT)))
        return await result


async def answering(agent: Agent, then: Callable[[Call], Awaitable[None]]) -> None:
    """Answer the next call, and do something in it."""
    call = await agent.incoming(LIMIT)
    await call.answer(LIMIT)
    await then(call)


class Signalling(BotCase):
    """Without media."""

    async def test_a_call(self) -> None:
        """One bot calls another: both are up, digits go both ways, hold is told, and hanging up ends both."""

        async def scenario() -> None:
            async with self.bot("5001") as ann, self.bot("5002") as bob:
                call = await ann.call("5002", {"case": "7"})
                other = await bob.incoming(LIMIT)
                self.assertEqual((other.peer, other.data), ("5001", {"case": "7"}))
                await other.answer(LIMIT)
                await call.answered(LIMIT)
                await call.send_digits("12#")
                self.assertEqual(await other.digits(5, LIMIT), "12")
                await other.send_digits("7")
                self.assertEqual(await call.digits(1, LIMIT), "7")
                await call.hold()
                await other._changes.until(lambda: other.held_by_peer, LIMIT, "hold")
                await call.resume()
                await other._changes.until(lambda: not other.held_by_peer, LIMIT, "resume")
                await call.hangup()
                self.assertEqual((await other.ended(LIMIT)).cause, "remote")

        await self.in_thread(scenario)
        self.assertEqual(self.pbx.switchboard.legs, {})
        self.assertEqual((await self.page("5001").api.health())["registered_agents"], 0)

    async def test_refusals(self) -> None:
        """A busy number, a rejection, one that nobody has, and a wrong password are errors that say so."""

        async def scenario() -> list[tuple[str, int]]:
            found = []
            async with self.bot("5001") as ann, self.bot("5002") as bob:
                for number in ("1005", "1999", "5002"):
                    call = await ann.call(number)
                    if number == "5002":
                        await (await bob.incoming(LIMIT)).reject(603)
                    try:
                        await call.answered(LIMIT)
                    except CallOverError as error:
                        found.append((error.cause, error.sip_code))
            try:
                async with self.bot("5001", password="wrong"):
                    pass
            except RefusedError as error:
                found.append((error.code, error.status))
            return found

        told = await self.in_thread(scenario)
        self.assertEqual(told, [("busy", 486), ("not-found", 404), ("declined", 603), ("registration_refused", 401)])

    async def test_transfers(self) -> None:
        """A bot transfers: to a busy number in vain, then blind, then with a question asked first."""

        async def scenario() -> None:
            async with self.bot("5001") as ann, self.bot("5002") as bob, self.bot("5003") as cid:
                call = await ann.call("5002")
                other = await bob.incoming(LIMIT)
                await other.answer(LIMIT)
                with self.assertRaises(TransferError) as refused:
                    await other.transfer("1005", LIMIT)
                self.assertEqual(refused.exception.sip_code, 486)
                asked = await bob.call("5003")
                await answering(cid, lambda third: asked.answered(LIMIT))
                await other.transfer_to(asked, LIMIT)
                self.assertEqual((call.state, other.is_over, bob.calls), (State.UP, True, ()))
                (third,) = cid.calls
                await third.transfer("1003", LIMIT)
                await call.hangup()

        await self.in_thread(scenario)

    async def test_no_media_in_it(self) -> None:
        """An offer that aiortc cannot take is refused with 488."""

        async def scenario() -> tuple[str, int]:
            async with self.bot("5001") as ann, self.bot("5002", media=True) as bob:
                call = await ann.call("5002")
                other = await bob.incoming(LIMIT)
                other._offer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
                with self.assertRaises(NoMediaError):
                    await other.answer(LIMIT)
                ending = await call.ended(LIMIT)
                return ending.cause, ending.sip_code

        self.assertEqual((await self.in_thread(scenario))[1], 488)


class Restart(TestCase):
    """The gateway is killed, and comes back."""

    timeout = 90

    async def test_signs_in_again(self) -> None:
        """A bot at a gateway without a memory ends its call as lost, signs in again, and takes the next one."""
        folder = pathlib.Path(self.mktemp())
        folder.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]

        async def scenario() -> tuple[str, str]:
            loop = asyncio.get_running_loop()
            with twistd(str(folder), "--demo", "--http-port", str(port)) as first:
                await loop.run_in_executor(None, first.wait_for, "flow 0: connected")
                bob = Agent(f"http://127.0.0.1:{port}", "5002", DEMO_PASSWORD, new_media=lambda servers, heard: Mute())
                await bob.__aenter__()
                call = await bob.call("1007")
                await call.answered(LIMIT)
            try:
                with twistd(str(folder), "--demo", "--http-port", str(port)):
                    cause = (await call.ended(2 * LIMIT)).cause
                    again = await bob.call("1007")
                    await again.answered(LIMIT)
                    return cause, again.state.value
            finally:
                await bob.__aexit__(None, None, None)

        self.assertEqual(await deferToThread(lambda: asyncio.run(scenario())), ("lost", "up"))


def tone_file(path: pathlib.Path, hertz: float, seconds: float) -> pathlib.Path:
    """Write a tone."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(sine(hertz, 16000, 0, int(16000 * seconds)).tobytes())
    return path


def share_of(path: pathlib.Path, hertz: float) -> float:
    """Return how many seconds of a recording are that tone."""
    with wave.open(str(path), "rb") as file:
        rate = file.getframerate()
        samples = array("h", file.readframes(file.getnframes()))
    block = rate // 50
    blocks = [samples[at : at + block] for at in range(0, len(samples) - block, block)]
    return sum(tone_share(each, rate, hertz) > 0.6 for each in blocks) / 50


class WithMedia(BotCase):
    """With sound by aiortc."""

    with_media = True
    timeout = 150

    async def prepare(self) -> None:
        try:
            await open_media(reactor).stop()  # type: ignore[arg-type]
        except MediaUnavailableError as error:
            raise SkipTest(str(error)) from error
        await super().prepare()
        self.folder = pathlib.Path(self.mktemp())
        self.folder.mkdir()

    async def heard(self, call: Call, hertz: float, plays: pathlib.Path | None = None) -> None:
        """Record piece after piece, and play what is to come back, until there is enough of a tone in one."""
        record = self.folder / "heard.part"
        for _ in range(20):
            call.record(record)
            await (asyncio.sleep(0.6) if plays is None else call.play(plays))
            await asyncio.sleep(0.2)
            call.stop_recording()
            if share_of(record, hertz) > 0.2:
                return
        self.fail(f"{hertz:g} Hz was not heard")

    async def test_plays_and_records(self) -> None:
        """A bot hears from the echo what it plays, and has it in its recording; also after hold and resume."""
        tone = tone_file(self.folder / "tone.part", 440, 0.5)

        async def scenario() -> None:
            async with self.bot("5001", media=True) as ann:
                call = await ann.call("1003")
                await call.answered(LIMIT)
                await self.heard(call, 440, tone)
                await call.hold()
                await call.resume()
                await self.heard(call, 440, tone)
                with self.assertRaisesRegex(NoMediaError, r"no\.wav"):
                    await call.play(self.folder / "no.wav")
                await call.hangup()

        await self.in_thread(scenario)

    async def test_the_example(self) -> None:
        """The program of the documents, as it is printed there: it greets, records, and transfers on a digit."""
        (program,) = re.findall(r"(?s)```python\n(import asyncio.*?)```", DOCUMENT.read_text("utf-8"))
        self.assertIn("http://127.0.0.1:8082", program)
        tone_file(self.folder / "welcome.wav", 1000, 20)
        tone = tone_file(self.folder / "tone.part", 440, 0.5)
        running = subprocess.Popen(
            [sys.executable, "-c", program.replace("http://127.0.0.1:8082", self.url)],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "WRTCGW_PASSWORD": DEMO_PASSWORD,
                "PYTHONFAULTHANDLER": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.addCleanup(self._ended, running)
        await until(lambda: self.pbx.registrar.binding("5002", reactor.seconds()), "the bot signed in")

        async def scenario() -> None:
            async with self.bot("5001", media=True) as ann:
                call = await ann.call("5002")
                await call.answered(LIMIT)
                await self.heard(call, 1000)
                await call.play(tone)
                await call.send_digits("1")
                await self.heard(call, 440, tone)  # the echo, to which the bot has transferred us
                await call.hangup()
                call = await ann.call("5002")
                await call.answered(LIMIT)
                await call.send_digits("2")
                self.assertEqual((await call.ended(LIMIT)).cause, "remote")

        await self.in_thread(scenario)
        running.send_signal(signal.SIGINT)
        output = await deferToThread(self._output, running)
        self.assertNotIn("5001:", output)
        recordings = {path: share_of(path, 440) for path in self.folder.glob("*.wav") if path.name != "welcome.wav"}
        self.assertEqual(len(recordings), 2, output)
        self.assertGreater(max(recordings.values()), 0.1, output)

    @staticmethod
    def _output(running: "subprocess.Popen[str]") -> str:
        """Return what a program that is about to end has printed; one that does not shows where it stands."""
        try:
            return running.communicate(timeout=4 * LIMIT)[0]
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGABRT)
            raise AssertionError(f"it does not end: {running.communicate(timeout=LIMIT)[0]}") from None

    @staticmethod
    def _ended(running: "subprocess.Popen[str]") -> None:
        running.kill()
        running.wait()
        if running.stdout is not None:
            running.stdout.close()
