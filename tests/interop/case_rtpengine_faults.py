"""Kamailio without its rtpengine: callers are told at once, nothing hangs, and all is well again when it is back."""

import signal
import time

from twisted.internet.defer import Deferred

from tests.interop import case_dialect
from tests.interop.gateway import Gateway
from tests.interop.processes import Server

SOON = 5.0
"""Seconds: two tries of half a second that Kamailio gives rtpengine, and some."""
LOOKED_FOR_AGAIN = 6.0
"""Seconds after which Kamailio asks a failed rtpengine again (rtpengine_disable_tout), and one more."""


class RtpengineFaults(case_dialect.DialectCase):
    """Agents of Asterisk's plain endpoints, in both dialects."""

    def setUp(self) -> None:
        """Know the rtpengine; it runs again when a case ends."""
        super().setUp()
        self.rtpengine: Server = self.environment.bridge().servers[1]

    def gateway(self) -> Gateway:
        """Return a gateway in front of Kamailio with rtpengine."""
        return self.environment.gateway("dialect-rtpengine", self.environment.bridge().way)

    async def killed(self) -> None:
        """Let rtpengine be dead, until the case ends at the latest."""
        self.rtpengine.signal(signal.SIGKILL)
        await self.blocking(self.rtpengine.stop)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.back()))

    async def back(self) -> None:
        """Start rtpengine again, and wait until Kamailio has noticed."""
        if not self.rtpengine.alive():
            await self.blocking(self.rtpengine.start)
            await self.pause(LOOKED_FOR_AGAIN)

    async def test_dead(self) -> None:
        """Calls from and to agents end with 503 within seconds, in both dialects; later all is well again."""
        desk, page = await self.agent(5021), await self.registered(5022)
        await self.killed()
        started = time.monotonic()
        call = await desk.call("1003")
        error = await desk.expect("ERROR", call)
        self.assertEqual((error["sipCode"], error["state"]), (503, "ENDED"))
        page.make_offer("1003")
        self.assertEqual(await page.event("onGatewayError"), "FAILED")
        await page.event("onPeerClosing")
        await self.originate(5021)
        self.assertLess(time.monotonic() - started, 3 * SOON)
        await self.quiet()
        self.assertNotIn("OFFER", [message["messageType"] for message in desk.told])
        await self.back()
        await desk.established("1003")
        await self.speaking(page, "1003")

    async def test_frozen(self) -> None:
        """One that is there and does not answer is no better: 503 as well."""
        desk = await self.agent(5021)
        self.rtpengine.signal(signal.SIGSTOP)
        try:
            started = time.monotonic()
            error = await desk.expect("ERROR", await desk.call("1003"))
            self.assertEqual(error["sipCode"], 503)
            self.assertLess(time.monotonic() - started, SOON)
        finally:
            self.rtpengine.signal(signal.SIGCONT)
        await self.pause(LOOKED_FOR_AGAIN)
        await desk.established("1003")

    async def test_dies_in_a_call(self) -> None:
        """A change inside a call is refused with 503, the call goes on, and it can be ended."""
        desk = await self.agent(5021)
        call = await desk.established("1003")
        await self.killed()
        reply = await desk.verb("hold", call)
        self.assertEqual((reply.code, reply.json["sipCode"]), (502, 503))
        self.assertEqual([each["state"] for each in await desk.calls()], ["ESTABLISHED"])
        await desk.do("hangup", call)
        await self.quiet()
