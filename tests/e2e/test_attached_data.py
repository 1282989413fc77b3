"""Data that pages attach to calls: from page to page through the demo PBX, whole, in both dialects and both ways."""

from typing import Any, ClassVar
from urllib.parse import parse_qsl

from twisted.internet import reactor
from twisted.web.client import Agent

from tests.interop.desk import Browser, Desk
from tests.support.dialectcase import DialectCase
from wrtcgw.demo.extensions import DEMO_PASSWORD

DATA = [
    {"key": "customer", "value": 'Grüße, "Ann" <ann@example.org>; 100 % a+b=c&d (coma)\r\n顧客: 🐦'},
    {"key": "token", "value": 'eyJhbGciOiJub25lIn0.,"=' * 200},
    {"key": "empty", "value": ""},
]
"""Commas, quotes, signs of forms and header fields, line ends, UTF-8, and some kB."""
REPLY = [{"key": "agent", "value": 'Jürgen, team "B"'}]


class AttachedDataCase(DialectCase):
    """Pages of both dialects."""

    async def desk(self, dn: str) -> Desk:
        """Return the desk of an agent of the REST dialect who is signed in."""
        desk = Desk(Browser.over(Agent(reactor), self.url), reactor, f"agent-{dn}", dn)
        self.assertEqual((await desk.sign_in(DEMO_PASSWORD)).code, 200)
        return desk

    async def rings(self, dn: str) -> Any:
        """Let a dialect page with the data call a number; return the page."""
        page = await self.registered("5001")
        page.data = DATA
        page.make_offer(dn)
        return page


class HeaderTests(AttachedDataCase):
    """In header fields, as is the default."""

    async def test_page_to_page(self) -> None:
        """The called page gets the data with the OFFER, the caller those of the ANSWER; each its other side's only."""
        callee = await self.registered("5002")
        callee.data = REPLY
        caller = await self.rings("5002")
        await callee.event("onIncomingCall")
        callee.accept_call()
        await caller.event("onRemoteStream")
        self.assertEqual((callee.peer_data, caller.peer_data), (DATA, REPLY))

    async def test_page_to_desk(self) -> None:
        """An agent of the REST dialect finds the data in the OFFER."""
        desk = await self.desk("5002")
        caller = await self.rings("5002")
        offer = await desk.take()
        await caller.event("onRemoteStream")
        self.assertEqual(offer["data"], DATA)

    async def test_desk_to_page(self) -> None:
        """One who calls a dialect page finds what the page has attached in the ANSWER."""
        desk, callee = await self.desk("5001"), await self.registered("5002")
        callee.data = DATA
        call = await desk.call("5002")
        await callee.event("onIncomingCall")
        callee.accept_call()
        answer = await desk.expect("ANSWER", call)
        self.assertEqual(answer["data"], DATA)

    async def test_next_call(self) -> None:
        """Data belongs to one call: the next one without any has none."""
        desk = await self.desk("5002")
        caller = await self.rings("5002")
        await desk.take()
        await desk.do("hangup")
        await caller.event("onPeerClosing")
        caller.data = []
        caller.make_offer("5002")
        self.assertNotIn("data", await desk.take())


class InfoTests(AttachedDataCase):
    """By INFO after the answer."""

    settings: ClassVar[dict[str, object]] = {"attached_data": "info"}

    async def test_page_to_desk(self) -> None:
        """An agent of the REST dialect gets a form after the call was taken, and nothing in the OFFER."""
        desk = await self.desk("5002")
        await self.rings("5002")
        offer = await desk.take()
        self.assertNotIn("data", offer)
        info = await desk.expect("INFO", offer["callId"], contentType="application/x-www-form-urlencoded")
        self.assertEqual(self.items(info["body"]), DATA)

    async def test_page_to_page(self) -> None:
        """A dialect page gets the form as INFO-PEER, which its library hands on as it is."""
        callee = await self.registered("5002")
        await self.rings("5002")
        await callee.event("onIncomingCall")
        callee.accept_call()
        await callee.event("onInfoFromPeer")
        (text,) = [text for text, _ in callee.heard if text.startswith("INFO-PEER ")]
        self.assertEqual(self.items(text.removeprefix("INFO-PEER ")), DATA)

    @staticmethod
    def items(form: str) -> list[dict[str, str]]:
        """Return the data in a form."""
        return [{"key": key, "value": value} for key, value in parse_qsl(form, keep_blank_values=True)]


class OffTests(AttachedDataCase):
    """Where a site wants none of it."""

    settings: ClassVar[dict[str, object]] = {"attached_data": "off"}

    async def test_page_to_desk(self) -> None:
        """The call comes without data."""
        desk = await self.desk("5002")
        await self.rings("5002")
        self.assertNotIn("data", await desk.take())
