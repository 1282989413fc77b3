"""A call with sound, which a bot has with Asterisk's echo while something else happens."""

import asyncio
import pathlib
import threading

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from tests.agentclient.test_gateway import share_of, tone_file
from tests.interop.servers import PASSWORD
from wrtcgw.agentclient import Agent, Call

LIMIT = 20.0
HEARD = 0.2
"""Seconds of the tone that have to come back."""
TRIES = 20


class Sounding:
    """
    The bot, in a thread with an event loop of its own.

    :ivar up: fires when it has heard itself for the first time.
    :ivar over: fires when it has done all; fails with what went wrong.
    """

    def __init__(self, url: str, dn: str, folder: pathlib.Path) -> None:
        """Sign it in, and let it call."""
        self._folder = folder
        self._go_on = threading.Event()
        self._given_up = False
        self.up: Deferred[None] = Deferred()
        self.over: Deferred[None] = deferToThread(lambda: asyncio.run(self._play(url, dn)))

    def finish(self) -> "Deferred[None]":
        """Let it listen once more, hold, resume, listen, and hang up; fires when that is done."""
        self._go_on.set()
        return self.over

    def give_up(self) -> None:
        """Let it leave, whatever it was to do: its thread would be waited for."""
        self.over.addErrback(lambda failure: None)
        self._given_up = True
        self._go_on.set()

    async def _play(self, url: str, dn: str) -> None:
        async with Agent(url, dn, PASSWORD) as agent:
            call = await agent.call("1003")
            await call.answered(LIMIT)
            await self._hears(call, "before")
            reactor.callFromThread(self.up.callback, None)  # type: ignore[attr-defined]
            await asyncio.to_thread(self._go_on.wait)
            if self._given_up:
                return
            await self._hears(call, "after")
            await call.hold()
            await call.resume()
            await self._hears(call, "resumed")
            await call.hangup()

    async def _hears(self, call: Call, when: str) -> None:
        """
        Play a tone until it comes back.

        :raises AssertionError: when it does not.
        """
        tone, heard = tone_file(self._folder / "tone.wav", 440, 0.5), self._folder / f"{when}.wav"
        for _ in range(TRIES):
            call.record(heard)
            await call.play(tone)
            await asyncio.sleep(0.3)
            call.stop_recording()
            if share_of(heard, 440) > HEARD:
                return
        raise AssertionError(f"the bot does not hear itself: {when}")
