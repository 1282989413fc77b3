"""A bot of ``wrtcgw.agentclient`` with real media, by way of Kamailio and Asterisk."""

import asyncio
import pathlib
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.threads import deferToThread

from tests.agentclient.test_gateway import share_of, tone_file
from tests.interop.base import InteropCase
from tests.interop.servers import PASSWORD
from wrtcgw.agentclient import Agent

LIMIT = 20.0


class Bots(InteropCase):
    """What a bot does with Asterisk at the other end."""

    async def run_bot(self, dn: int, scenario: Callable[[Agent], Coroutine[Any, Any, None]]) -> None:
        """Sign a bot in, in a thread with an event loop of its own, and let it do something."""
        await self.connected(self.gateway())

        async def work() -> None:
            async with Agent(self.gateway().url, str(dn), PASSWORD) as agent:
                await scenario(agent)

        await deferToThread(lambda: asyncio.run(asyncio.wait_for(work(), 3 * LIMIT)))

    async def test_echo(self) -> None:
        """What a bot plays comes back by Echo() into its recording."""
        folder = pathlib.Path(self.mktemp())
        folder.mkdir()
        tone, heard = tone_file(folder / "tone.wav", 440, 0.5), folder / "heard.wav"

        async def scenario(agent: Agent) -> None:
            call = await agent.call("1003")
            await call.answered(LIMIT)
            for _ in range(20):
                call.record(heard)
                await call.play(tone)
                await asyncio.sleep(0.3)
                call.stop_recording()
                if share_of(heard, 440) > 0.2:
                    break
            await call.hangup()

        await self.run_bot(5001, scenario)
        self.assertGreater(share_of(heard, 440), 0.2)

    async def test_sends_digits(self) -> None:
        """Asterisk reads the digits that a bot sends."""
        read = self.environment.asterisk.digits_read
        before = len(read())

        async def scenario(agent: Agent) -> None:
            call = await agent.call("1007")
            await call.answered(LIMIT)
            await call.send_digits("2468")
            await call.hangup()

        await self.run_bot(5001, scenario)
        await self.eventually("Asterisk to read the digits", lambda: read()[before:] == ["2468"])

    async def test_hears_digits(self) -> None:
        """A bot that is called reads the digits that Asterisk sends in the media."""
        read: list[str] = []

        async def scenario(agent: Agent) -> None:
            cli = self.environment.asterisk.cli
            calling = asyncio.to_thread(cli, "channel originate PJSIP/5002 application SendDTMF wwww246#")
            originated = asyncio.ensure_future(calling)
            call = await agent.incoming(LIMIT)
            await call.answer(LIMIT)
            read.append(await call.digits(8, LIMIT))
            await call.hangup()
            await originated

        await self.run_bot(5002, scenario)
        self.assertEqual(read, ["246"])
