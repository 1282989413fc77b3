"""
Pages of the Genesys dialect through Kamailio and Asterisk.

Asterisk keeps to itself what it is told by INFO, so that ``sendInfo`` from page to page is played against the demo PBX
(``tests/e2e/test_dialect.py``); here it is to do no harm.
"""

import json
import time
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.web.client import Agent

from tests.interop.base import InteropCase
from tests.interop.servers import PASSWORD
from tests.support.grtcpage import CallState, GrtcPage
from tests.support.grtcversions import V34, V102, VERSIONS, Version
from tests.support.grtcwire import BrowserWire

ORIGIN = "https://crm.example.org"
ATTACHED = [
    {"key": "customer", "value": 'Grüße, "Ann" <ann@example.org>; 100 % a+b=c&d ${EPOCH} $[1+1] (coma)\r\n顧客: 🐦'},
    {"key": "token", "value": 'eyJhbGciOiJub25l.,"=' * 100},
    {"key": "page-2", "value": "0123456789" * 300},
    {"key": "empty", "value": ""},
]
"""Commas, quotes, signs of forms, of header fields and of Asterisk's dialplan, line ends, UTF-8, and some kB."""


class DialectCase(InteropCase):
    """Loads pages; no page may have had anything to complain about when a case ends."""

    def setUp(self) -> None:
        """Prepare for pages."""
        super().setUp()
        self._loaded: list[GrtcPage] = []
        self.addCleanup(self._close)

    def load(self, version: Version = V34) -> GrtcPage:
        """Load a page."""
        page = GrtcPage(BrowserWire(Agent(reactor), ORIGIN), reactor, self.gateway().url, version)
        self._loaded.append(page)
        return page

    async def registered(self, dn: int, version: Version = V34) -> GrtcPage:
        """Load a page and register it."""
        await self.connected(self.gateway())
        page = self.load(version)
        page.register(str(dn), PASSWORD)
        await page.event("onRegister")
        return page

    async def speaking(self, page: GrtcPage, number: str) -> None:
        """Place a call that is answered."""
        page.make_offer(number)
        await page.event("onRemoteStream")

    async def unbound(self, dn: int) -> None:
        """Wait until a DN is not registered any more."""
        await self.eventually("the un-REGISTER", lambda: not self.environment.asterisk.contacts(str(dn)))

    def last(self, page: GrtcPage, kind: str) -> dict[str, Any]:
        """Return the last ROAP message of a type that a page was told."""
        texts = [text for text, _ in page.heard if f'"messageType": "{kind}"' in text]
        message: dict[str, Any] = json.loads(texts[-1][4:])
        return message

    def _close(self) -> "Deferred[None]":
        return Deferred.fromCoroutine(self._close_all())

    async def _close_all(self) -> None:
        for page in self._loaded:
            page.disconnect()
        await self.pause(0.3)
        for page in self._loaded:
            page.vanish()
        await self.pause(0.1)
        self.assertEqual([page.complaints for page in self._loaded if page.complaints], [])


class SessionCases(DialectCase):
    """Coming and going."""

    async def test_register(self) -> None:
        """Registering binds the DN, disconnecting unbinds it."""
        page = await self.registered(5001)
        self.assertEqual(len(self.environment.asterisk.contacts("5001")), 1)
        page.disconnect()
        await self.unbound(5001)

    async def test_wrong_password(self) -> None:
        """A wrong password fails the sign_in within two seconds."""
        started = time.monotonic()
        page = self.load()
        page.register("5002", "wrong")
        await page.event("onFailed")
        self.assertLess(time.monotonic() - started, 2.0)

    async def test_register_again(self) -> None:
        """disconnect() and register() at once, in whatever order they arrive, leave one registration that works."""
        page = await self.registered(5001)
        for _ in range(3):
            page.register("5001", PASSWORD)
            await page.event("onRegister")
        await self.pause(0.5)
        self.assertEqual(len(self.environment.asterisk.contacts("5001")), 1)
        await self.speaking(page, "1003")

    async def test_rest_then_dialect(self) -> None:
        """One agent comes by the REST dialect, then by this one."""
        desk = await self.agent(5001)
        await desk.do("hangup", await desk.established("1003"))
        await desk.sign_out()
        page = await self.registered(5001)
        await self.speaking(page, "1003")


class OutboundCases(DialectCase):
    """Calls of the page."""

    async def test_every_version(self) -> None:
        """Each version of the library calls 1003 and hangs up."""
        for version in VERSIONS:
            page = await self.registered(5001, version)
            await self.speaking(page, "1003")
            page.close_session()
            await self.quiet()
            page.disconnect()
            await self.unbound(5001)

    async def test_answer(self) -> None:
        """The answer has what a browser needs, in the profile of the offer, with Asterisk's candidates beside it."""
        page = await self.registered(5001)
        await self.speaking(page, "1003")
        answer = self.last(page, "ANSWER")
        for line in ("a=ice-ufrag:", "a=fingerprint:", "a=setup:active", "a=rtcp-mux", "a=msid:", "a=sendrecv"):
            self.assertIn(line, answer["sdp"])
        self.assertRegex(answer["sdp"], r"m=audio [1-9]\d* RTP/SAVPF ")
        self.assertTrue(answer["Candidates"])

    async def test_failures(self) -> None:
        """Busy and unknown numbers are an ERROR and a BYE."""
        page = await self.registered(5001)
        for number, cause in (("1005", "REFUSED"), ("1999", "NOMATCH")):
            page.make_offer(number)
            self.assertEqual(await page.event("onGatewayError"), cause)
            await page.event("onPeerClosing")

    async def test_cancel(self) -> None:
        """A call that rings is cancelled."""
        page = await self.registered(5001)
        page.make_offer("1006")
        await self.eventually("the ringing", self.environment.asterisk.channels)
        page.close_session()
        await self.quiet()

    async def test_hold_and_resume(self) -> None:
        """Hold is answered as inactive, resume with the stream."""
        for version in (V34, V102):
            page = await self.registered(5001, version)
            await self.speaking(page, "1003")
            page.hold_call()
            while len(page.heard) < 2:
                await self.pause(0.05)
            self.assertIn("a=inactive", self.last(page, "ANSWER")["sdp"])
            page.resume_call()
            await page.event("onRemoteStream")
            self.assertIn("a=sendrecv", self.last(page, "ANSWER")["sdp"])
            page.disconnect()
            await self.quiet()
            await self.unbound(5001)

    async def test_far_end_hangs_up(self) -> None:
        """The far side's BYE is told."""
        page = await self.registered(5001)
        await self.speaking(page, "1003")
        await self.asterisk("channel request hangup all")
        await page.event("onPeerClosing")

    async def test_info_and_statistics(self) -> None:
        """Data that Asterisk does not understand does no harm; statistics are told."""
        page = await self.registered(5001)
        await self.speaking(page, "1003")
        page.send_info({"customer": "Grüße & Co"})
        page.send_info({"customer": "1"}, mapped=False)
        page.get_server_stats()
        self.assertIn("audio", await page.event("onStatsFromServer"))
        self.assertIs(page.call_state, CallState.CONNECTED)


class InboundCases(DialectCase):
    """Calls to the page."""

    async def test_every_version(self) -> None:
        """Each version takes a call, holds it and hangs up."""
        for version in VERSIONS:
            page = await self.registered(5001, version)
            originated = self.originate(5001)
            await page.event("onIncomingCall")
            page.accept_call()
            await page.event("onRemoteStream")
            await originated
            await self.eventually("OK", lambda: "OK" in page.log)  # noqa: B023
            page.hold_call()
            while not page.session or page.session.state.value != "established":
                await self.pause(0.05)
            page.close_session()
            await self.quiet()
            page.disconnect()
            await self.unbound(5001)

    async def test_rejected(self) -> None:
        """A rejected call ends at the caller's side too."""
        page = await self.registered(5001)
        originated = self.originate(5001)
        await page.event("onIncomingCall")
        page.reject_call()
        await originated
        await self.quiet()

    async def test_cancelled_by_the_caller(self) -> None:
        """A call that the caller gives up ends, and the next one comes."""
        page = await self.registered(5001)
        originated = self.originate(5001)
        await page.event("onIncomingCall")
        await self.asterisk("channel request hangup all")
        await page.event("onPeerClosing")
        await originated
        await self.speaking(page, "1003")

    async def test_page_to_page(self) -> None:
        """One page calls another, which sees who calls; a third caller is told that it is busy."""
        caller, callee, third = [await self.registered(dn) for dn in (5001, 5002, 5003)]
        caller.make_offer("5002")
        self.assertEqual((await callee.event("onIncomingCall"))["peer"], "5001")
        callee.accept_call()
        await caller.event("onRemoteStream")
        third.make_offer("5002")
        self.assertEqual(await third.event("onGatewayError"), "REFUSED")
        callee.close_session()
        await caller.event("onPeerClosing")

    async def test_attached_data(self) -> None:
        """What the caller's page attaches comes with the call, in both dialects, whole, though Asterisk is between."""
        caller, callee, desk = await self.registered(5001), await self.registered(5002), await self.agent(5003)
        caller.data = ATTACHED
        caller.make_offer("5002")
        await callee.event("onIncomingCall")
        callee.accept_call()
        await caller.event("onRemoteStream")
        self.assertEqual(callee.peer_data, ATTACHED)
        callee.close_session()
        await caller.event("onPeerClosing")
        caller.make_offer("5003")
        self.assertEqual((await desk.take())["data"], ATTACHED)
        await desk.do("hangup")
        await caller.event("onPeerClosing")
        caller.data = []
        caller.make_offer("5003")
        self.assertNotIn("data", await desk.take())

    async def test_reload_in_a_call(self) -> None:
        """A page that is loaded again finds the call, takes it over by an offer of its own, and goes on."""
        page = await self.registered(5001)
        await self.speaking(page, "1003")
        page.vanish()
        again = await self.registered(5001)
        self.assertEqual((await again.event("onIncomingCall"))["event"], "invite")
        self.assertEqual(len(self.environment.asterisk.channels()), 1)
        again.accept_call()
        await again.event("onRemoteStream")
        again.close_session()
        await self.quiet()
