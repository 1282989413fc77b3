"""The Genesys dialect from the page to the far side and back, with the habits of the library's four versions."""

from collections.abc import Mapping
from itertools import permutations
from typing import ClassVar

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from tests.support.dialectcase import ORIGIN, DialectCase
from tests.support.endtoend import until
from tests.support.grtcpage import CallState, GrtcPage
from tests.support.grtcversions import V25, V100, VERSIONS
from tests.support.grtcwire import BrowserWire, Reply, RequestFailedError, Wire
from wrtcgw.demo.extensions import DEMO_PASSWORD


class LossyWire:
    """
    Does all requests, but loses responses.

    :ivar lose: how many responses to POSTs of messages are lost on their way back.
    """

    def __init__(self, wire: Wire) -> None:
        """Wrap a wire."""
        self.wire = wire
        self.lose = 0

    def fetch(self, method: str, url: str, body: str | None = None) -> "Deferred[Reply]":
        """Fetch, and lose what comes back."""
        response = self.wire.fetch(method, url, body)
        if self.lose and "/message" in url:
            self.lose -= 1
            return response.addCallback(self._lost)
        return response

    @staticmethod
    def _lost(_reply: Reply) -> Reply:
        raise RequestFailedError("the response was lost")


class SlowWire:
    """Holds requests back: each for the seconds that ``delays`` has for a part of its address."""

    def __init__(self, wire: Wire, delays: Mapping[str, float]) -> None:
        """Wrap a wire."""
        self.wire = wire
        self.delays = delays

    def fetch(self, method: str, url: str, body: str | None = None) -> "Deferred[Reply]":
        """Fetch, later."""
        seconds = next((delay for part, delay in self.delays.items() if part in url), 0.0)
        if not seconds:
            return self.wire.fetch(method, url, body)
        return deferLater(reactor, seconds, lambda: None).addCallback(lambda _: self.wire.fetch(method, url, body))


class SessionTests(DialectCase):
    """Coming and going."""

    async def test_register(self) -> None:
        """Registering binds the DN at the PBX, polling begins, and disconnecting unbinds it."""
        page = await self.registered("5001")
        self.assertTrue(page.line.polling)
        self.assertIsNotNone(self.binding("5001"))
        page.disconnect()
        await until(lambda: self.binding("5001") is None, "un-REGISTER")

    async def test_wrong_password(self) -> None:
        """A wrong password is a failed sign_in, told after the registrar's word, and nobody is registered."""
        page = self.load()
        page.register("5001", "wrong")
        await page.event("onFailed")
        self.assertIsNone(page.line.ssid)
        self.assertIsNone(self.binding("5001"))

    async def test_responses(self) -> None:
        """Each response is text with LF, allowed for the page's origin, and not to be stored."""
        page = await self.registered("5001")
        await self.connected(page, "1003")
        page.close_session()
        await self.idle()
        wire = page.line.wire
        assert isinstance(wire, BrowserWire)
        for url, response in wire.responses:
            headers = response.headers
            self.assertEqual(response.code, 200, url)
            self.assertTrue(headers.getRawHeaders("Content-Type", [""])[0].startswith("text/plain"), url)
            self.assertIn("Origin", headers.getRawHeaders("Vary", [""])[0], url)
            self.assertEqual(headers.getRawHeaders("Access-Control-Allow-Origin"), [ORIGIN], url)
            if "/wait" in url:
                self.assertIn("no-store", headers.getRawHeaders("Cache-Control", [""])[0], url)
                self.assertTrue(headers.getRawHeaders("Pragma", [""])[0], url)

    async def test_register_again(self) -> None:
        """disconnect() and register() at once, whose requests overtake each other, leave the page registered."""
        for version in VERSIONS:
            page = await self.registered("5001", version)
            for _ in range(3):
                page.register("5001", DEMO_PASSWORD)
                await page.event("onRegister")
            await until(lambda: self.binding("5001"), f"the binding, {version.name}")
            self.assertIsNotNone(page.line.ssid, version.name)
            await self.connected(page, "1003")
            self.assertIsNotNone(self.binding("5001"), version.name)
            page.disconnect()
            await self.idle()
            page.vanish()

    async def test_any_order(self) -> None:
        """BYE, sign_out and sign_in of a page that begins anew end the old call, in whatever order they come."""
        for order in permutations(("/message", "/sign_out", "/sign_in")):
            page = await self.registered("5001")
            await self.connected(page, "1003")
            fast = page.line.wire
            page.line.wire = SlowWire(fast, {part: 0.08 * place for place, part in enumerate(order)})
            page.register("5001", DEMO_PASSWORD)
            await page.event("onRegister")
            await self.pause(0.2)
            page.line.wire = fast
            await self.idle()
            self.assertIsNotNone(self.binding("5001"), order)
            await self.connected(page, "1003")
            page.disconnect()
            await until(lambda: self.binding("5001") is None, "un-REGISTER")
            await self.idle()

    async def test_late_sign_out(self) -> None:
        """A sign_out that comes after the next sign_in ends its own session only."""
        page = await self.registered("5001")
        old = page.line.ssid
        page.register("5001", DEMO_PASSWORD)
        await page.event("onRegister")
        await page.line.wire.fetch("GET", f"{self.url}/sign_out?id={old}")
        await self.connected(page, "1003")
        page.close_session()
        await self.idle()
        self.assertIsNotNone(self.binding("5001"))

    async def test_rest_then_dialect(self) -> None:
        """One agent comes by the REST dialect, leaves, and comes by this one; and the other way round."""
        (rest,) = await self.signed_in("5001")
        await rest.connect("1003")
        await rest.close()
        await rest.api.sign_out()
        page = await self.registered("5001")
        await self.connected(page, "1003")
        page.disconnect()
        await until(lambda: self.binding("5001") is None, "un-REGISTER")
        (rest,) = await self.signed_in("5001")
        await rest.connect("1003")

    async def test_side_by_side(self) -> None:
        """A page of the REST dialect and one of this talk to each other."""
        (rest,) = await self.signed_in("5002")
        page = await self.registered("5001")
        page.make_offer("5002")
        call = await rest.answer()
        await page.event("onRemoteStream")
        await rest.api.control("hangup", call)
        await page.event("onPeerClosing")

    async def test_unknown_session(self) -> None:
        """A poll with an SSID that is not known makes the page sign out instead of trying for ever."""
        page = await self.registered("5001")
        page.line.ssid = "unknown"
        await self.connected_poll(page)
        self.assertIsNone(page.line.ssid)

    async def connected_poll(self, page: GrtcPage) -> None:
        """Let the page poll with the SSID that it has, as after a failed poll."""
        page.line._poll()
        await page.event("onPeerClosing")


class CallTests(DialectCase):
    """Calls that the page places."""

    async def test_every_version(self) -> None:
        """Each version calls, is answered, and hangs up."""
        for version in VERSIONS:
            page = await self.registered("5001", version)
            await self.connected(page, "1003")
            page.close_session()
            await self.idle()
            self.assertEqual(page.complaints, [], version.name)
            page.disconnect()

    async def test_far_side_hangs_up(self) -> None:
        """The far side's BYE is told."""
        page = await self.registered("5001")
        await self.connected(page, "1003")
        (leg,) = self.pbx.switchboard.legs.values()
        self.pbx.switchboard.hang_up(leg)
        await page.event("onPeerClosing")
        await self.connected(page, "1003")

    async def test_failures(self) -> None:
        """A call that fails ends with an ERROR that says why, and then BYE."""
        page = await self.registered("5001")
        for number, cause in (("1005", "REFUSED"), ("1999", "NOMATCH"), ("5009", "TIMEOUT"), ("1009", "FAILED")):
            page.make_offer(number)
            self.assertEqual(await page.event("onGatewayError"), cause)
            await page.event("onPeerClosing")
            self.assertIs(page.call_state, CallState.IDLE)

    async def test_cancel(self) -> None:
        """Hanging up before the answer cancels the call; no early event confuses the page."""
        page = await self.registered("5001")
        page.make_offer("1006")
        await until(lambda: self.pbx.switchboard.legs, "the INVITE")
        page.close_session()
        await self.idle()
        self.assertEqual(page.heard, [])

    async def test_hold_and_resume(self) -> None:
        """Hold arrives at the PBX as inactive, resume as sendrecv, each answered to the page."""
        for version in VERSIONS:
            page = await self.registered("5001", version)
            await self.connected(page, "1003")
            (leg,) = self.pbx.switchboard.legs.values()
            page.hold_call()
            await until(lambda: leg.direction == "inactive", "hold")  # noqa: B023
            await until(lambda: len(page.heard) >= 2, "answer")  # noqa: B023
            page.resume_call()
            await page.event("onRemoteStream")
            self.assertEqual(leg.direction, "sendrecv")
            page.disconnect()
            await self.idle()

    async def test_renewed(self) -> None:
        """A new peer connection within the call, counted from 1 again, is a new offer and no repetition."""
        page = await self.registered("5001")
        await self.connected(page, "1003")
        page.renew()
        page.make_offer(None)
        await page.event("onRemoteStream")
        self.assertEqual(len(self.pbx.switchboard.legs), 1)

    async def test_repeated_posts(self) -> None:
        """What the youngest version posts again because the response was lost is done once."""
        page = await self.registered("5001")
        lossy = LossyWire(page.line.wire)
        page.line.wire = lossy
        lossy.lose = 2
        await self.connected(page, "1003")
        self.assertEqual(len(self.pbx.switchboard.legs), 1)
        await self.pause(6.5)
        self.assertEqual(len(self.pbx.switchboard.legs), 1)
        self.assertIs(page.call_state, CallState.CONNECTED)
        self.assertEqual(len(page.heard), 1, "a second ANSWER: the repeated OFFER was taken for a new one")

    async def test_statistics(self) -> None:
        """GET-STATS is answered with the documented record."""
        page = await self.registered("5001")
        await self.connected(page, "1003")
        page.get_server_stats()
        stats = await page.event("onStatsFromServer")
        self.assertLessEqual({"timestamp", "duration", "audio"}, stats.keys())
        self.assertLessEqual({"rtt", "rtt_max", "rtt_average", "rx", "tx"}, stats["audio"].keys())
        self.assertEqual(set(stats["audio"]["rx"]), {"packets", "bytes", "lost", "jitter"})

    async def test_null(self) -> None:
        """An OFFER to null, which the library makes of an EVENT-TALK without a call, fails without harm."""
        page = await self.registered("5001")
        page.make_offer(None)
        await page.event("onPeerClosing")
        await self.connected(page, "1003")


class OldestVersionTests(DialectCase):
    """Version 1.0.0 throws at an ERROR, and never polls again."""

    settings: ClassVar[dict[str, object]] = {"genesys_errors": False}

    async def test_failure(self) -> None:
        """Where ERROR is switched off, a failed call is a BYE and the next one works."""
        page = await self.registered("5001", V100)
        page.make_offer("1005")
        await page.event("onPeerClosing")
        await self.connected(page, "1003")


class SettingsTests(DialectCase):
    """What a site may choose."""

    settings: ClassVar[dict[str, object]] = {
        "genesys_path": "/gateway",
        "genesys_self_destination": "1003",
        "genesys_origins": (ORIGIN,),
    }

    @property
    def url(self) -> str:
        """Where pages find the dialect."""
        return f"{super().url}/gateway"

    async def test_self(self) -> None:
        """Below a path of its own, a call to self goes to the number for it."""
        page = await self.registered("5001")
        await self.connected(page, "self")
        (leg,) = self.pbx.switchboard.legs.values()
        self.assertEqual(leg.extension, "1003")

    async def test_foreign_origin(self) -> None:
        """A page of another origin than the listed ones gets nothing."""
        page = self.load(origin="https://evil.example.org")
        page.register("5001", DEMO_PASSWORD)
        await page.event("onFailed")
        self.assertIsNone(self.binding("5001"))


class AgentTests(DialectCase):
    """Calls between pages."""

    async def prepare(self) -> None:
        await super().prepare()
        self.ann = await self.registered("5001")

    async def test_every_version_is_called(self) -> None:
        """Each version is called, knows the caller, answers, and hangs up."""
        for version in VERSIONS:
            bob = await self.registered("5002", version)
            await self.joined(self.ann, bob, "5002")
            self.assertEqual(bob.caller, "5001")
            await until(lambda: "OK" in bob.log, "OK")  # noqa: B023
            bob.close_session()
            await self.ann.event("onPeerClosing")
            bob.disconnect()
            await until(lambda: self.binding("5002") is None, "un-REGISTER")

    async def test_reject(self) -> None:
        """A rejected call is REFUSED for the caller."""
        bob = await self.registered("5002")
        self.ann.make_offer("5002")
        await bob.event("onIncomingCall")
        bob.reject_call()
        self.assertEqual(await self.ann.event("onGatewayError"), "REFUSED")
        await self.ann.event("onPeerClosing")

    async def test_cancelled_by_the_caller(self) -> None:
        """A caller who gives up ends the ringing; a page that accepts at that moment does no harm."""
        bob = await self.registered("5002")
        self.ann.make_offer("5002")
        await bob.event("onIncomingCall")
        self.ann.close_session()
        await bob.event("onPeerClosing")
        await self.idle()
        await self.joined(self.ann, bob, "5002")

    async def test_one_call_only(self) -> None:
        """A page in a call does not hear of a second caller, who is told that it is busy."""
        bob = await self.registered("5002")
        cid = await self.registered("5003")
        await self.joined(self.ann, bob, "5002")
        heard = len(bob.heard)
        cid.make_offer("5002")
        self.assertEqual(await cid.event("onGatewayError"), "REFUSED")
        await cid.event("onPeerClosing")
        offers = [text for text, _ in bob.heard[heard:] if '"OFFER"' in text]
        self.assertEqual(offers, [])

    async def test_info(self) -> None:
        """Data goes both ways; signs that the library could not take apart stay encoded."""
        bob = await self.registered("5002")
        await self.joined(self.ann, bob, "5002")
        self.ann.send_info({"text": "Grüße, Bob", "sum": "a=b&c"}, mapped=False)
        self.assertEqual(await bob.event("onInfoFromPeer"), {"text": "Grüße, Bob", "sum": "a%3Db%26c"})
        bob.send_info({"x": "1"}, mapped=False)
        self.assertEqual(await self.ann.event("onInfoFromPeer"), {"x": "1"})

    async def test_hold_is_answered(self) -> None:
        """One page holds and resumes; the other stays in its call, and can hang up."""
        bob = await self.registered("5002")
        await self.joined(self.ann, bob, "5002")
        self.ann.hold_call()
        await until(lambda: not self.ann.on_hold or len(self.ann.heard) >= 2, "answer")
        self.ann.resume_call()
        await self.ann.event("onRemoteStream")
        bob.close_session()
        await self.ann.event("onPeerClosing")

    async def test_hold_by_both_at_once(self) -> None:
        """Two pages that hold at once, which is glare for the PBX, are both answered or told, and neither hangs."""
        bob = await self.registered("5002")
        await self.joined(self.ann, bob, "5002")
        self.ann.hold_call()
        bob.hold_call()
        for page in (self.ann, bob):
            await until(lambda: self.settled(page), "answer")  # noqa: B023
        self.ann.close_session()
        await bob.event("onPeerClosing")

    @staticmethod
    def settled(page: GrtcPage) -> bool:
        """Return whether no OFFER of the page is open."""
        return page.session is not None and page.session.state.value == "established"

    async def test_attached_words(self) -> None:
        """Data that holds the word OFFER does not make an offer of an answer."""
        self.ann.data = [{"key": "note", "value": "SPECIAL OFFER, ERROR errorType"}]
        await self.connected(self.ann, "1003")
        self.assertEqual(self.ann.complaints, [])


class ReloadTests(DialectCase):
    """A page that comes back before it is given up, for which a slow machine may need seconds."""

    async def test_reload_in_a_call(self) -> None:
        """A page that is loaded again within the grace takes its call over by an offer of its own."""
        page = await self.registered("5001")
        await self.connected(page, "1003")
        page.vanish()
        again = await self.registered("5001")
        self.assertEqual((await again.event("onIncomingCall"))["event"], "invite")
        again.accept_call()
        await again.event("onRemoteStream")
        self.assertEqual(len(self.pbx.switchboard.legs), 1)
        again.close_session()
        await self.idle()
        self.assertIsNotNone(self.binding("5001"))


class LossTests(DialectCase):
    """Pages and connections that go away."""

    settings: ClassVar[dict[str, object]] = {"page_grace": 1.0}

    async def test_page_lost(self) -> None:
        """A page that does not come back within the grace is signed out and its call ended."""
        page = await self.registered("5001")
        await self.connected(page, "1003")
        page.vanish()
        await self.idle()
        await until(lambda: self.binding("5001") is None, "un-REGISTER")

    async def test_slow_polls(self) -> None:
        """A page whose poll hangs is not lost, however long nothing happens."""
        page = await self.registered("5001", V25)
        await self.pause(2.5)
        self.assertIsNotNone(self.binding("5001"))
        await self.connected(page, "1003")

    async def test_old_poll_of_a_page_without_guard(self) -> None:
        """Version .25 goes on with an old poll under its new SSID: the two loops become one again, and do not race."""
        page = await self.registered("5001", evolve(V25, poll_timeout=0.3))
        page.register("5001", DEMO_PASSWORD)
        await page.event("onRegister")
        await self.pause(1.5)
        self.assertTrue(page.line.polling)
        wire = page.line.wire
        assert isinstance(wire, BrowserWire)
        self.assertLess(len(wire.responses), 10)
        page.line.version = V25
        await self.pause(0.5)  # the last poll that is aborted so soon: one that an answer crosses would lose it
        await self.connected(page, "1003")

    async def test_broken_poll(self) -> None:
        """What comes while no poll hangs is told by the next one, once."""
        bob = await self.registered("5002")
        ann = await self.registered("5001")
        for poll in list(bob.line._polls):
            poll.timed_out = True
            assert poll.request is not None
            ann.make_offer("5002")
            poll.request.cancel()  # and polls again at once
        await bob.event("onIncomingCall")
        bob.accept_call()
        await bob.event("onRemoteStream")
        await self.pause(0.2)
        self.assertEqual(sum('"OFFER"' in text for text, _ in bob.heard), 1)


class GuestTests(DialectCase):
    """Anonymous callers."""

    settings: ClassVar[dict[str, object]] = {
        "guest_mode": "registered",
        "guest_dn": "5008",
        "guest_password": DEMO_PASSWORD,
        "guest_destinations": ("1003", "500*"),
    }

    async def guest(self) -> GrtcPage:
        """Load a page that connects as nobody."""
        page = self.load()
        page.connect()
        await page.event("onConnect")
        return page

    async def test_guest(self) -> None:
        """A guest calls what it may."""
        page = await self.guest()
        await self.connected(page, "1003")
        page.close_session()
        await self.idle()

    async def test_forbidden_destination(self) -> None:
        """A guest cannot call anything else."""
        page = await self.guest()
        page.make_offer("1007")
        await page.event("onPeerClosing")
        self.assertEqual(self.pbx.switchboard.legs, {})

    async def test_two_guests(self) -> None:
        """Two guests call at once, and neither hears the other's messages."""
        one, two = await self.guest(), await self.guest()
        await self.connected(one, "1003")
        await self.connected(two, "1003")
        one.disconnect()
        await until(lambda: len(self.pbx.switchboard.legs) == 1, "end of one call")
        self.assertIs(two.call_state, CallState.CONNECTED)
