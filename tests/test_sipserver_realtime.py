"""The scripts of third-party call control in real time: HTTP pages, the whole gateway, a WebSocket, the SIP Server."""

from typing import cast

from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IReactorTCP
from twisted.internet.protocol import ServerFactory
from twisted.python.failure import Failure

from tests.support.desktop import answer_from_desktop, begin_make_call
from tests.support.desktopcase import BROWSER
from tests.support.endtoend import EndToEndCase, Page, until
from tests.support.sipserver import ANSWER, ServerCall, SIPServer
from wrtcgw.transport.interfaces import MessageTransport, WebSocketSettings
from wrtcgw.transport.websocket import WebSocketURL
from wrtcgw.transport.websocket_server import WebSocketServerFactory

THINKING = 0.2
"""Seconds that the agent takes for a click here."""
SLOW = 1.0
"""What 50 and 100 ms are in virtual time; a machine with other work must not fail the test."""


class Listener:
    """Takes the gateway's connection, with a SIP Server behind it."""

    domain = "example.org"

    def __init__(self) -> None:
        self.server = SIPServer(reactor, self._send, self.domain)
        self._transport: MessageTransport | None = None
        self._closed: Deferred[None] = Deferred()
        self._port: IListeningPort | None = None
        self.url = ""

    def startService(self) -> None:
        """Listen."""
        factory = cast(ServerFactory, WebSocketServerFactory(reactor, WebSocketSettings(), lambda: self))
        self._port = cast(IReactorTCP, reactor).listenTCP(0, factory, interface="127.0.0.1")
        self.url = f"ws://127.0.0.1:{cast(IPv4Address, self._port.getHost()).port}"

    def stopService(self) -> "Deferred[object]":
        """Listen no more, and wait until the connection is gone."""
        self.server.stop()
        assert self._port is not None
        ends: list[Deferred[object]] = [maybeDeferred(self._port.stopListening)]
        if self._transport is not None:
            self._transport.abortConnection()
            ends.append(cast("Deferred[object]", self._closed))
        return cast("Deferred[object]", DeferredList(ends))

    def _send(self, text: str) -> None:
        if self._transport is not None:
            self._transport.sendTextMessage(text)

    def makeConnection(self, transport: MessageTransport) -> None:
        """Take the gateway's connection."""
        self._transport = transport

    def textMessageReceived(self, text: str) -> None:
        """Hand a message on."""
        self.server.take(text)

    def connectionLost(self, reason: Failure) -> None:
        """Forget the connection."""
        self._transport = None
        self._closed.callback(None)


class DesktopTests(EndToEndCase):
    """An agent with a page and a desktop."""

    async def prepare(self) -> None:
        """Start the SIP Server in place of the demo PBX."""
        self.pages: list[Page] = []
        listener = Listener()
        self.pbx = listener  # type: ignore[assignment]  # what is stopped in the end
        listener.startService()
        self.server = listener.server
        self.parts = self._compose(WebSocketURL.parse(listener.url))
        self.parts.agent.startService()
        self.parts.listener.startService()
        self.addCleanup(self._stop)
        await until(lambda: self.parts.agent.flows_up, "connection to the SIP Server")
        (self.agent,) = await self.signed_in("5001")

    async def obey(self) -> str:
        """Answer the call that rings when the desktop says so, as the page; return its id."""
        offer = await self.agent.event("OFFER")
        await self.agent.event("TALK", offer.call_id)
        await self.agent.api.describe(offer.call_id, BROWSER)
        return offer.call_id

    def assertSwift(self, call: ServerCall, asked: str, answered: str) -> None:
        """Check that an answer did not wait for anything."""
        self.assertLess(call.at(answered) - call.at(asked), SLOW, call.ladder())

    async def test_answered_at_the_desktop(self) -> None:
        """Section 2.2, with its 12 ms between ACK and re-INVITE; then the SIP Server hangs up."""
        answering = Deferred.fromCoroutine(self.obey())
        call = await answer_from_desktop(self.server, "5001", THINKING)
        ours = await answering
        await self.agent.event("OK", ours)
        self.assertEqual(
            [line for line in call.lines(theirs=True) if not line.startswith("100")],
            ["180 INVITE 1", "200 NOTIFY 2", "200 INVITE 1 sdp", "200 INVITE 3 sdp"],
        )
        self.assertSwift(call, "NOTIFY 2 talk", "200 NOTIFY 2")
        self.assertSwift(call, "INVITE 3", "200 INVITE 3 sdp")
        call.bye('SIP;cause=200;text="Normal"')
        await call.response("BYE", 200)
        await self.agent.event("SHUTDOWN", ours)

    async def test_made_at_the_desktop(self) -> None:
        """Section 2.3: the ACK comes when the offer was repeated twice."""
        answering = Deferred.fromCoroutine(self.obey())
        call = await begin_make_call(self.server, "5001")
        ours = await answering
        await self.server.pause(1.7)
        self.assertEqual(call.lines(theirs=True).count("200 INVITE 1 sdp"), 3)
        call.ack(ANSWER)
        self.assertEqual((await self.agent.event("ANSWER", ours)).sdp, ANSWER)
        await self.agent.api.control("hangup", ours)
        self.assertIn("BYE 1", call.lines(theirs=True))
