"""The tone and the ear for it."""

import random
from array import array

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.demo.tone import CALLER_HZ, PBX_HZ, ToneEar, sine, tone_share

RATE = 48000
BLOCK = 960


class ToneShareTests(SynchronousTestCase):
    """How much of a block is the tone."""

    def test_pure_tone(self) -> None:
        """Nearly all the energy of a sine lies at its own frequency, at each usual sample rate."""
        for rate in (8000, 16000, 48000):
            block = sine(CALLER_HZ, rate, 0, rate // 50)
            self.assertGreater(tone_share(block, rate, CALLER_HZ), 0.9)

    def test_other_tone(self) -> None:
        """A tone of another frequency is not taken for it, however loud."""
        self.assertLess(tone_share(sine(PBX_HZ, RATE, 0, BLOCK, 0.9), RATE, CALLER_HZ), 0.05)

    def test_noise(self) -> None:
        """White noise is not taken for the tone."""
        source = random.Random(1)
        noise = array("h", (source.randrange(-20000, 20000) for _ in range(BLOCK)))
        self.assertLess(tone_share(noise, RATE, CALLER_HZ), 0.1)

    def test_silence(self) -> None:
        """Silence, near silence and an empty block have no tone in them."""
        for block in (array("h"), array("h", bytes(2 * BLOCK)), sine(CALLER_HZ, RATE, 0, BLOCK, 0.001)):
            self.assertEqual(tone_share(block, RATE, CALLER_HZ), 0.0)

    def test_blocks_join(self) -> None:
        """Two successive blocks are the same as one long one."""
        whole = sine(CALLER_HZ, RATE, 0, 2 * BLOCK)
        self.assertEqual(sine(CALLER_HZ, RATE, 0, BLOCK) + sine(CALLER_HZ, RATE, BLOCK, BLOCK), whole)


class ToneEarTests(SynchronousTestCase):
    """When the ear says that it hears the tone."""

    def feed(self, ear: ToneEar, frequency: float, blocks: int, start: float = 0.0) -> float:
        """Let the ear hear so many blocks of a sine, and return the time at which they end."""
        for number in range(blocks):
            ear.listen(sine(frequency, RATE, number * BLOCK, BLOCK), RATE, start + number * 0.02)
        return start + blocks * 0.02

    def test_needs_some_time(self) -> None:
        """A click is not enough, 0.3 s is."""
        ear = ToneEar(CALLER_HZ)
        now = self.feed(ear, CALLER_HZ, 14)
        self.assertFalse(ear.hears(now))
        now = self.feed(ear, CALLER_HZ, 1, now)
        self.assertTrue(ear.hears(now))

    def test_old_sound_fades(self) -> None:
        """A tone is no longer heard a second after it ended, whether another follows or silence."""
        ear = ToneEar(CALLER_HZ)
        end = self.feed(ear, CALLER_HZ, 50)
        self.assertFalse(ear.hears(end + 1))
        now = self.feed(ear, PBX_HZ, 50, end)
        self.assertFalse(ear.hears(now))

    def test_forget(self) -> None:
        """After forgetting, only what comes counts."""
        ear = ToneEar(CALLER_HZ)
        now = self.feed(ear, CALLER_HZ, 50)
        ear.forget()
        self.assertFalse(ear.hears(now))
