"""A gateway that is killed, or stopped, and started again, against Kamailio and Asterisk."""

import os
import pathlib
import random
import re
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

from tests.interop.base import InteropCase
from tests.interop.case_library_asterisk import LibraryPageCase
from tests.interop.chromium import Tab
from tests.interop.descriptions import chromium_offer
from tests.interop.desk import Desk, UnexpectedError
from tests.interop.gateway import Gateway
from tests.interop.kill_matrix import FIRST, RUNS, KillMatrix, keep
from tests.interop.servers import PASSWORD

SOAK = float(os.environ.get("WRTCGW_TEST_SOAK_SECONDS", "45"))
"""Seconds of calls and kills; ten minutes by hand."""
CALLERS = 5
STATE_KEY = "A" * 43 + "="


class Matrix(KillMatrix):
    """The states of a call, some times; see :mod:`tests.interop.kill_matrix`."""

    timeout = 120 * RUNS

    async def test_killed(self) -> None:
        """No established call is lost, and none that was being set up is left at one end only."""
        lost = []
        for run in range(RUNS):
            outcomes = await self.play()
            keep(outcomes)
            lost += [f"run {run}: {outcome}" for outcome in outcomes if not outcome.survived]
        self.assertEqual(lost, [])


class MortalCase(InteropCase):
    """A case with a gateway of its own that keeps its state in SQLite."""

    way = "ws"

    async def mortal_gateway(self, **settings: object) -> Gateway:
        """Start the gateway."""
        store = f"sqlite://{self.environment.folder}/{self.id().rpartition('.')[2]}.db"
        return await self.own_gateway(
            "mortal", *self.environment.ways[self.way].urls, state_store=store, **{"state_key": STATE_KEY, **settings}
        )

    async def kill(self, gateway: Gateway) -> None:
        """Kill the gateway; it is not started again."""
        gateway.server.signal(signal.SIGKILL)
        await self.blocking(gateway.server.stop)

    async def registered(self, desk: Desk) -> None:
        """Wait until an agent is registered again."""
        for _ in range(200):
            reply = await desk.browser.get("/api/webrtc/calls", id=desk.id)
            if reply.code == 200 and reply.json["registration"]["state"] == "REGISTERED":
                return
            await self.pause(0.05)
        self.fail(f"{desk.id} is not registered again")


class Stops(MortalCase):
    """Ends that were ordered, and what else may become of the process and of its store."""

    async def test_stop_and_start(self) -> None:
        """What ``systemctl restart`` does is no event for a call: neither BYE nor un-REGISTER."""
        gateway = await self.mortal_gateway()
        desk = await self.agent(5001, gateway)
        call = await desk.established("1003")
        channels, contacts = self.environment.asterisk.channels(), self.environment.asterisk.contacts("5001")
        await self.blocking(gateway.server.stop)
        self.assertEqual(self.environment.asterisk.channels(), channels)
        self.assertEqual(self.environment.asterisk.contacts("5001"), contacts)
        await self.blocking(gateway.server.start)
        await self.registered(desk)
        await desk.do("hold", call)
        await desk.do("resume", call)
        await desk.do("hangup", call)

    async def test_far_side_has_gone(self) -> None:
        """
        A call that the far side ended while the gateway was down is over, and its page hears so.

        Not at once: as long as its BYE finds nobody, for 32 s, Asterisk answers nothing else in that dialog.
        """
        gateway = await self.mortal_gateway()
        desk = await self.agent(5001, gateway)
        call = await desk.established("1003")
        await self.kill(gateway)
        await self.asterisk("channel request hangup all")
        await self.quiet()
        await self.blocking(gateway.server.start)
        await desk.expect("SHUTDOWN", call, seconds=50)
        self.assertEqual(await desk.calls(), [])

    async def test_killed_in_recovery(self) -> None:
        """Kills that follow each other at once lose nothing."""
        gateway = await self.mortal_gateway()
        desk = await self.agent(5001, gateway)
        call = await desk.established("1003")
        for pause in (0.0, 0.05, 0.2, 0.5):
            await self.kill(gateway)
            await self.blocking(gateway.server.start)
            await self.pause(pause)
        await self.registered(desk)
        await desk.do("hold", call)
        await desk.do("hangup", call)

    async def test_sealed_by_the_page(self) -> None:
        """Without a key of the site the agent is registered when its page comes back."""
        gateway = await self.mortal_gateway(state_key="")
        desk = await self.agent(5001, gateway)
        call = await desk.established("1003")
        await self.kill(gateway)
        await self.blocking(gateway.server.start)
        await self.registered(desk)
        await desk.do("hold", call)
        await desk.do("hangup", call)

    async def test_refresh_was_due(self) -> None:
        """A refresh that fell due while the gateway was down is made up for, by one re-INVITE."""
        gateway = await self.mortal_gateway(session_expires=90)
        desk = await self.agent(5001, gateway)
        call = await desk.established("1003")
        await self.pause(43)
        await self.kill(gateway)
        await self.pause(5)
        await self.blocking(gateway.server.start)
        await self.registered(desk)
        await self.pause(1)
        text = gateway.server.log.read_text(errors="replace").rpartition("taken up from")[2]
        sent = re.findall(r"flow 0 sent\n\tINVITE sip:", text)
        self.assertEqual(len(sent), 1)
        await desk.do("hangup", call)

    async def test_secrets(self) -> None:
        """Neither password nor token is in any file or row of the store, before and after a kill, or in the log."""
        gateway = await self.mortal_gateway()
        desk = await self.agent(5001, gateway)
        await desk.established("1003")
        planted = (PASSWORD, desk.browser.headers["X-WRTC-Session"], STATE_KEY)
        for _ in range(2):
            files = sorted(self.environment.folder.glob("test_secrets.db*"))
            self.assertTrue(files)
            for path in files:
                self.assertEqual(path.stat().st_mode & 0o077, 0, path)
            copies = {path.name: path.read_bytes() for path in (*files, gateway.server.log)}
            copies |= self.rows(files[0])  # what is longer than a page is in pieces in the file
            for name, data in copies.items():
                self.assertEqual([secret for secret in planted if secret.encode() in data], [], name)
            await self.kill(gateway)
            await self.blocking(gateway.server.start)
            await self.registered(desk)

    def rows(self, path: pathlib.Path) -> dict[str, bytes]:
        """Return what stands in a store, by account, as a dump would show it."""
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            rows = {key.decode(): data for key, data in database.execute("SELECT key, data FROM records")}
        self.assertIn("5001", rows)
        return rows

    async def test_drain(self) -> None:
        """``twistd wrtcgw --drain`` refuses what is new, waits for the call, and ends when the process has."""
        gateway = await self.mortal_gateway()
        desk = await self.agent(5001, gateway)
        call = await desk.established("1003")
        home = gateway.server.folder
        command = (*gateway.server.command, "--drain", "--drain-limit", "60")
        environ = {**os.environ, **gateway.server.environment}
        draining = subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, cwd=home, text=True)
        while (await desk.browser.get("/api/ready")).code == 200:
            await self.pause(0.1)
        self.assertIsNone(draining.poll())
        reply = await desk.browser.describe(chromium_offer(), desk.id, to="1003")
        self.assertEqual((reply.code, reply.json["code"]), (503, "draining"))
        await desk.do("hangup", call)
        self._desks.remove(desk)
        told: list[str] = []
        await self.blocking(lambda: told.append(draining.communicate(timeout=30)[0]))
        self.assertEqual((draining.returncode, told[0].splitlines()[-1]), (0, "stopped"), told)


class Sound(MortalCase, LibraryPageCase):
    """A page of the library in Chromium."""

    timeout = 180
    mortal: Gateway

    def gateway(self) -> Gateway:
        """Return the gateway that is killed."""
        return self.mortal

    async def leave(self, tab: Tab) -> None:
        """Sign out; that requests failed meanwhile stands in the console."""
        await tab.evaluate("async () => { await phone.signOut() }")

    async def test_goes_on(self) -> None:
        """Sound goes on through kill and start, and hold, resume, digits and hang-up work after it."""
        self.mortal = await self.mortal_gateway(allowed_origins=[self.environment.origin])
        tab = await self.phone(5001)
        await self.call(tab, 1003)
        await self.is_(tab, "established")
        before = await self.hears(tab, "call.connection")
        await self.kill(self.mortal)
        await self.pause(2)
        dead = await tab.audio("call.connection")
        self.assertTrue(dead.grown(before), (before, dead))
        await self.blocking(self.mortal.server.start)
        again = await self.hears(tab, "call.connection")
        self.assertTrue(again.grown(dead), (dead, again))
        await tab.evaluate("""async () => {
            while (phone.registration.state !== "REGISTERED")
                await new Promise((done) => setTimeout(done, 50));
        }""")
        await self.do(tab, "hold")
        await self.falls_silent(tab, "call.connection")
        await self.do(tab, "resume")
        await self.hears(tab, "call.connection")
        await self.do(tab, "dtmf", "12", {"by": "info"})
        await self.do(tab, "hangup")
        await self.quiet()


class Soak(MortalCase):
    """Calls of all kinds, and kills in between at random."""

    timeout = int(120 + 2 * SOAK)

    async def test_kills(self) -> None:
        """In the end all counters are back at zero, Asterisk has no call, and no message came twice."""
        chance = random.Random(time.time_ns())
        gateway = await self.mortal_gateway()
        desks = [await self.agent(FIRST + number, gateway) for number in range(CALLERS)]
        until, kills = time.monotonic() + SOAK, 0
        while time.monotonic() < until:
            next_kill = time.monotonic() + chance.uniform(5, 20) / (10 if SOAK < 100 else 1)
            while time.monotonic() < next_kill:
                await self.act(chance, chance.choice(desks))
            await self.kill(gateway)
            kills += 1
            await self.blocking(gateway.server.start)
            for desk in desks:
                await self.registered(desk)
        self.assertGreater(kills, 2)
        for desk in desks:
            for call in await desk.calls():
                await desk.verb("hangup", call["callId"])
            await self.told_all(desk)
            seqs = [message["seq"] for message in desk.told]
            self.assertEqual(len(seqs), len(set(seqs)), (desk.id, [seq for seq in seqs if seqs.count(seq) > 1]))
        await self.eventually("no call", lambda: not self.environment.asterisk.channels(), 40)
        for desk in desks:
            await desk.sign_out()
        health = (await desks[0].browser.get("/api/health")).json
        self.assertEqual((health["registered_agents"], health["active_calls"]), (0, 0))

    async def act(self, chance: random.Random, desk: Desk) -> None:
        """Let an agent do something; what is refused is as good."""
        calls = await desk.calls()
        if not calls:
            number = chance.choice(("1003", "1004", "1005", "1006", "1008"))
            try:
                await desk.call(number)
            except UnexpectedError:
                await self.pause(0.1)
        else:
            verb = chance.choice(("hold", "resume", "hangup", "dtmf"))
            await desk.verb(verb, calls[0]["callId"], **({"digits": "5"} if verb == "dtmf" else {}))
        await self.pause(chance.uniform(0, 0.3))

    async def told_all(self, desk: Desk) -> None:
        """Read what there is for an agent."""
        while True:
            reply = await desk.browser.get("/api/webrtc/message", id=desk.id, wait="1")
            if reply.code != 200:
                return
            desk.told.append(reply.json)
