"""Real media on loopback: a caller and the demo PBX's peers, by aiortc."""

import asyncio
from collections.abc import Awaitable, Callable

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import SkipTest, TestCase

from tests.demo.test_sessiontext import BROWSER_OFFER, SEED_OFFER
from tests.support import sdptext as sdp
from wrtcgw.demo import sessiontext
from wrtcgw.demo.lines import Exchange, MediaLine, SilentLine, Sound
from wrtcgw.demo.media import Caller, Media, MediaUnavailableError, open_media
from wrtcgw.demo.tone import PBX_HZ


class MediaTests(TestCase):
    """Calls with sound, all on this machine."""

    timeout = 30

    def setUp(self) -> None:
        try:
            self.media: Media = open_media(reactor)  # type: ignore[arg-type]
        except MediaUnavailableError as error:
            raise SkipTest(str(error)) from error
        self.addCleanup(self.media.stop)

    async def until(self, condition: Callable[[], Awaitable[bool]], within: float = 15.0) -> None:
        """Wait for a condition, looking every 50 ms."""
        deadline = reactor.seconds() + within
        while not await condition():
            if reactor.seconds() > deadline:
                self.fail(f"{condition} not true within {within} s")
            await deferLater(reactor, 0.05, lambda: None)

    async def silent(self, caller: Caller) -> bool:
        """Return whether the caller has not heard its tone during the last second."""
        return not await caller.hears()

    async def line(self, caller_offer: str, sound: Sound) -> tuple[MediaLine, str]:
        """Return a line of the PBX that plays ``sound``, and its answer."""
        line = MediaLine(self.media)
        line.play(sound)
        return line, await line.answer(caller_offer)

    def test_echo(self) -> "Deferred[None]":
        """The caller hears its own tone; not while the call is on hold; and again after."""

        async def scenario() -> None:
            caller, offer = await self.media.calling()
            line, answer = await self.line(offer, Sound.ECHO)
            self.assertIn("a=ice-ufrag:", answer)
            self.assertIn("a=fingerprint:sha-256", answer)
            self.assertIn(" 127.0.0.1 ", answer)
            await caller.apply_answer(answer)
            await self.until(caller.hears)
            held = await line.answer(sdp.with_direction(offer, "sendonly"))
            self.assertEqual(sdp.direction(held), "recvonly")
            self.assertEqual(sdp.origin_version(held), sdp.origin_version(answer) + 1)
            await self.until(lambda: self.silent(caller))
            resumed = await line.answer(offer)
            self.assertEqual(sdp.direction(resumed), "sendrecv")
            await self.until(caller.hears)
            self.assertEqual(await caller.state(), "connected")
            line.close()
            await caller.close()

        return Deferred.fromCoroutine(scenario())

    def test_tone(self) -> "Deferred[None]":
        """The tone of the PBX is heard as such by an ear tuned to it, also when the stream has an old codec."""

        async def scenario() -> None:
            caller, offer = await self.media.calling(PBX_HZ)
            others = ("a=rtpmap:96", "a=rtpmap:9 ", "a=rtpmap:0")
            lines = [line for line in offer.splitlines() if not line.startswith(others)]
            old = sessiontext.join(lines).replace("SAVPF 96 9 0 8", "SAVPF 8")
            _, answer = await self.line(old, Sound.TONE)
            self.assertIn("SAVPF 8\r\n", answer)
            await caller.apply_answer(answer)
            await self.until(caller.hears)

        return Deferred.fromCoroutine(scenario())

    def test_connected_lines(self) -> "Deferred[None]":
        """Two callers on connected lines hear each other, one of them called by the PBX; and not once parted."""

        async def scenario() -> None:
            one, offer = await self.media.calling()
            line, answer = await self.line(offer, Sound.TONE)
            await one.apply_answer(answer)
            far = MediaLine(self.media)
            two, far_answer = await self.media.called(await far.offer())
            await far.apply_answer(far_answer)
            line.connect(far)
            await self.until(one.hears)
            await self.until(two.hears)
            far.play(Sound.ECHO)
            await self.until(two.hears)
            await self.until(lambda: self.silent(one))

        return Deferred.fromCoroutine(scenario())

    def test_new_credentials(self) -> "Deferred[None]":
        """A new offer inside a call gets a new peer on both ends, and one origin with a rising version."""

        async def scenario() -> None:
            line, far = MediaLine(self.media), MediaLine(self.media)
            offer = await line.offer()
            answer = await far.answer(offer)
            await line.apply_answer(answer)
            second = await line.offer()
            again = await far.answer(second)
            for before, after in ((offer, second), (answer, again)):
                self.assertNotEqual(
                    sessiontext.attribute(before, "ice-ufrag"), sessiontext.attribute(after, "ice-ufrag")
                )
                self.assertEqual(sdp.origin_version(after), sdp.origin_version(before) + 1)

        return Deferred.fromCoroutine(scenario())

    def test_old_way_is_heard(self) -> "Deferred[None]":
        """Until the sound of a new way is there that of the old one is heard; then the old one ends."""

        async def scenario() -> None:
            (one, first), (two, second), (three, third) = [await self.media.calling() for _ in range(3)]
            (line, answer), (other, others) = [await self.line(offer, Sound.SILENCE) for offer in (first, second)]
            line.connect(other)
            await one.apply_answer(answer)
            await two.apply_answer(others)
            await self.until(two.hears)
            answer = await line.answer(third)
            await two.forget()
            await self.until(two.hears)
            self.assertEqual([await each.state() for each in (one, three)], ["connected", "new"])
            await three.apply_answer(answer)

            async def ended() -> bool:
                return await one.state() == "closed"

            await self.until(ended)
            await two.forget()
            await self.until(two.hears)
            await self.until(three.hears)
            for end in (line, other):
                end.close()
            for caller in (one, two, three):
                await caller.close()

        return Deferred.fromCoroutine(scenario())

    def test_new_way_never_comes(self) -> "Deferred[None]":
        """The old way is not kept for long when the new one has no sound."""

        async def scenario() -> None:
            self.media.patience = 0.2
            caller, offer = await self.media.calling()
            line, answer = await self.line(offer, Sound.TONE)
            await caller.apply_answer(answer)

            async def is_(state: str) -> bool:
                return await caller.state() == state

            await self.until(lambda: is_("connected"))
            other, another = await self.media.calling()
            await line.answer(another)
            await self.until(lambda: is_("closed"))
            line.close()
            for each in (caller, other):
                await each.close()

        return Deferred.fromCoroutine(scenario())

    def test_called_side_holds(self) -> "Deferred[None]":
        """One whom the PBX has called gets answers that name the DTLS role in use: a browser refuses actpass there."""

        async def scenario() -> None:
            line, far = MediaLine(self.media), MediaLine(self.media)
            answer = await far.answer(await line.offer())
            await line.apply_answer(answer)
            self.assertEqual(sessiontext.attribute(answer, "setup"), "active")
            again = sdp.reoffer(answer)
            for offer in (sdp.with_direction(again, "inactive"), sdp.with_direction(again, "sendrecv")):
                taken = await line.answer(offer)
                self.assertEqual(sessiontext.attribute(taken, "setup"), "passive")
                self.assertEqual(sdp.direction(taken), sdp.direction(offer))

        return Deferred.fromCoroutine(scenario())

    def test_after_the_end(self) -> "Deferred[None]":
        """What is begun when the thread has ended is cancelled, and leaves no error."""

        async def scenario() -> None:
            media = open_media(reactor)  # type: ignore[arg-type]
            line = MediaLine(media)
            await line.offer()
            await media.stop()
            line.play(Sound.ECHO)
            line.close()
            await self.assertFailure(media.call(lambda: None), CancelledError)

        return Deferred.fromCoroutine(scenario())

    def test_cancelled(self) -> "Deferred[None]":
        """Cancelling what waits on the media loop cancels it there."""
        waiting = self.media.run(asyncio.sleep(60))
        waiting.cancel()
        return self.assertFailure(waiting, CancelledError)

    def test_refused(self) -> "Deferred[None]":
        """An offer without any codec that we speak is an error, and leaves no peer behind."""

        async def scenario() -> None:
            _, offer = await self.media.calling()
            strange = "\r\n".join(line for line in offer.split("\r\n") if not line.startswith("a=rtpmap"))
            strange = strange.replace("SAVPF 96 9 0 8", "SAVPF 100")
            line = MediaLine(self.media)
            await self.assertFailure(Deferred.fromCoroutine(line.answer(strange)), ValueError)
            self.assertEqual(len(self.media._peers), 1)

        return Deferred.fromCoroutine(scenario())


class ExchangeTests(TestCase):
    """Which kind of line a far side gets."""

    def test_without_media(self) -> None:
        """Where the media library is missing, every line is silent."""
        self.assertIsInstance(Exchange(None).line_for(BROWSER_OFFER), SilentLine)

    def test_plain_far_side(self) -> None:
        """A far side without ICE and DTLS gets a silent line even where there is media."""
        media = open_media(reactor)  # type: ignore[arg-type]
        self.addCleanup(media.stop)
        self.assertIsInstance(Exchange(media).line_for(SEED_OFFER), SilentLine)
        self.assertIsInstance(Exchange(media).line_for(BROWSER_OFFER), MediaLine)

    def test_silent_line(self) -> None:
        """A silent line answers and offers in kind, with one origin, and takes a change of direction."""
        line = SilentLine(SEED_OFFER)
        answer = self.successResultOf(Deferred.fromCoroutine(line.answer(SEED_OFFER)))
        held = self.successResultOf(Deferred.fromCoroutine(line.answer(SEED_OFFER.replace("a=sendrecv", "a=sendonly"))))
        self.assertEqual(sdp.direction(held), "recvonly")
        self.assertEqual(sdp.origin_version(held), sdp.origin_version(answer) + 1)
        self.assertEqual(sdp.direction(line.redirected("inactive")), "inactive")
        offer = self.successResultOf(Deferred.fromCoroutine(line.offer()))
        self.assertEqual(sdp.direction(offer), "sendrecv")
        self.successResultOf(Deferred.fromCoroutine(line.apply_answer(offer)))
        line.play(Sound.ECHO)
        line.connect(SilentLine(SEED_OFFER))
        line.close()
