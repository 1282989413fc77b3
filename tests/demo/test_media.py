"""Real media on loopback: a caller and the demo PBX's peers, by aiortc."""

from collections.abc import Awaitable, Callable

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import SkipTest, TestCase

from wrtcgw import sdp
from wrtcgw.demo import sessiontext
from wrtcgw.demo.media import Caller, Media, MediaUnavailableError, Sound, open_media
from wrtcgw.demo.tone import PBX_HZ


class MediaTests(TestCase):
    """Calls with sound, all on this machine."""

    timeout = 30

    def setUp(self) -> None:
        try:
            self.media: Media = open_media(_reactor)  # type: ignore[arg-type]
        except MediaUnavailableError as error:
            raise SkipTest(str(error)) from error
        self.addCleanup(self.media.stop)

    async def until(self, condition: Callable[[], Awaitable[bool]], within: float = 15.0) -> None:
        """Wait for a condition, looking every 50 ms."""
        deadline = _reactor.seconds() + within
        while not await condition():
            if _reactor.seconds() > deadline:
                self.fail(f"{condition} not true within {within} s")
            await deferLater(_reactor, 0.05, lambda: None)

    async def silent(self, caller: Caller) -> bool:
        """Tell whether the caller has not heard its tone during the last second."""
        return not await caller.hears()

    def test_echo(self) -> "Deferred[None]":
        """The caller hears its own tone, held by neither side; not while the echo is on hold; and again after."""

        async def scenario() -> None:
            caller, offer = await self.media.calling()
            session, answer = await self.media.answering(offer, Sound.ECHO)
            self.assertIn("a=ice-ufrag:", answer)
            self.assertIn("a=fingerprint:sha-256", answer)
            self.assertIn(" 127.0.0.1 ", answer)
            await caller.apply_answer(answer)
            await self.until(caller.hears)
            held = await session.answer(sdp.with_direction(offer, "sendonly"))
            self.assertEqual(sdp.direction(held), "recvonly")
            self.assertEqual(sdp.origin_version(held), sdp.origin_version(answer) + 1)
            await self.until(lambda: self.silent(caller))
            resumed = await session.answer(offer)
            self.assertEqual(sdp.direction(resumed), "sendrecv")
            await self.until(caller.hears)
            self.assertEqual(await caller.state(), "connected")
            await session.close()
            await caller.close()

        return Deferred.fromCoroutine(scenario())

    def test_tone(self) -> "Deferred[None]":
        """The tone of the PBX is heard as such by an ear tuned to it."""

        async def scenario() -> None:
            caller, offer = await self.media.calling(PBX_HZ)
            _, answer = await self.media.answering(offer, Sound.TONE)
            await caller.apply_answer(answer)
            await self.until(caller.hears)

        return Deferred.fromCoroutine(scenario())

    def test_offering(self) -> "Deferred[None]":
        """The PBX can offer too, and a second time inside the same call with new credentials."""

        async def scenario() -> None:
            session, offer = await self.media.offering(Sound.TONE)
            far, answer = await self.media.answering(offer, Sound.ECHO)
            await session.apply_answer(answer)
            second = await session.offer()
            self.assertNotEqual(sessiontext.attribute(offer, "ice-ufrag"), sessiontext.attribute(second, "ice-ufrag"))
            self.assertEqual(sdp.origin_version(second), sdp.origin_version(offer) + 1)
            again = await far.answer(second)
            self.assertNotEqual(sessiontext.attribute(answer, "ice-ufrag"), sessiontext.attribute(again, "ice-ufrag"))

        return Deferred.fromCoroutine(scenario())

    def test_refused(self) -> "Deferred[None]":
        """An offer without any codec that we speak is an error, and leaves no peer behind."""

        async def scenario() -> None:
            _, offer = await self.media.calling()
            strange = "\r\n".join(line for line in offer.split("\r\n") if not line.startswith("a=rtpmap"))
            strange = strange.replace("SAVPF 96 9 0 8", "SAVPF 100")
            try:
                await self.media.answering(strange, Sound.ECHO)
            except Exception:
                self.assertEqual(len(self.media._peers), 1)
            else:
                self.fail("answered")

        return Deferred.fromCoroutine(scenario())
