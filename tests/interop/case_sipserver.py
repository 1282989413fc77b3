"""
SIP Server's traces in real time: the simulator, a gateway as a process of its own, and a page of the Genesys dialect.

What was measured is printed; it is asserted in virtual time (``tests/scenarios/test_sipserver_scenarios.py``).
"""

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tests.interop import case_dialect
from tests.interop.gateway import Gateway
from tests.interop.install import say
from tests.interop.servers import DOMAIN
from tests.support import desktopcalls
from tests.support.desktop import make_call, make_call_unanswered
from tests.support.desktopcalls import DN
from tests.support.grtcpage import CallState, GrtcPage
from tests.support.grtcversions import V34, Version
from tests.support.serversocket import ServerSocket

NEARLY_TOO_LATE = 31.0


class SIPServerTraces(desktopcalls.DesktopCalls, case_dialect.DialectCase):
    """The flows of docs/third-party-call-control.md, those that are slow included."""

    timeout = 120

    def setUp(self) -> "Deferred[None]":  # type: ignore[override]
        """Start the SIP Server and the gateway in front of it."""
        super().setUp()
        return Deferred.fromCoroutine(self._start())

    async def _start(self) -> None:
        socket = ServerSocket(DOMAIN)
        self.server = socket.server
        # before the gateway ends, which would otherwise wait for answers of nobody
        self.addCleanup(lambda: Deferred.fromCoroutine(socket.stop()))
        self._ours = await self.own_gateway("sipserver", socket.url)
        await socket.connected()

    def gateway(self) -> Gateway:
        """Return the gateway of this case."""
        return self._ours

    async def page(self, version: Version = V34) -> GrtcPage:
        """Load a page and register it."""
        return await self.registered(int(DN), version)

    def report(self, text: str) -> None:
        """Print what was measured."""
        say(text)

    async def test_late_ack(self) -> None:
        """2.3 with another side that answers in the last second: the 200 was repeated all the time, the call stands."""
        page = await self.page()
        call = await make_call(self.server, DN, NEARLY_TOO_LATE)
        await page.event("onRemoteStream")
        self.assertGreater(call.lines().count("200 INVITE 1 sdp"), 9)
        await deferLater(reactor, 2.0, lambda: None)
        self.assertIs(page.call_state, CallState.CONNECTED)
        await self.ended(call, page)

    async def test_nobody_answers(self) -> None:
        """2.3 with another side that does not answer: after 32 s an ACK with a dummy description, and BYE at once."""
        page = await self.page()
        call = await make_call_unanswered(self.server, DN)
        await page.event("onPeerClosing")
        self.assertIs(page.call_state, CallState.IDLE)
        self.report(f"2.3, nobody answers: {', '.join(map(str, call.trace[-4:]))}")
        await self.ended(await self.answered(page), page)
