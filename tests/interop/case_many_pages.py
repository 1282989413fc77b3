"""
Several pages of one number in real Chromium: both ring, one has the sound, and *Use here* brings it to the other.

How long a move takes, and how long the far side hears nothing by it, is measured and printed.
"""

from collections.abc import Mapping
from typing import ClassVar

from tests.interop.chromium import Tab
from tests.interop.library_page import LibraryCase
from tests.interop.moves import RING_ALL, TONE, moves, told
from tests.interop.softphone_page import CONNECTION, SoftphoneCase

MOST_SECONDS, MOST_SILENCE = 1.5, 0.4
"""What a move may take, and how long the far side may hear nothing, in seconds; of several the best counts."""


class Pages(LibraryCase):
    """Pages with a phone each."""

    settings: ClassVar[Mapping[str, object]] = RING_ALL

    async def test_moves(self) -> None:
        """A call rings on two pages, is answered on one, and its sound moves to and fro while the far side listens."""
        caller, *pages = [await self.toned(dn) for dn in (5002, 5001, 5001)]
        await self.call(caller, 5001)
        for page in pages:
            await self.is_(page, "incoming")
        here, there = pages
        await here.evaluate("async () => { await call.answer() }")
        for tab in (caller, *pages):
            await self.is_(tab, "established")
        await self.until(there, "() => call.sound === 'elsewhere' && !call.connection")
        await self.hears(here, "call.connection")
        await self.hears(caller, "call.connection")
        made = await moves(caller, here, there, 4)
        print(f"\n{told(made)}")
        self.assertLessEqual(min(each.seconds for each in made), MOST_SECONDS)
        self.assertLessEqual(min(each.silence for each in made), MOST_SILENCE)

    async def toned(self, dn: int) -> Tab:
        """Open a page with a tone for a microphone, and sign a number in."""
        tab = await self.page()
        await tab.evaluate(TONE)
        await self.sign_in(tab, dn)
        return tab

    async def test_controls(self) -> None:
        """A page without the sound places no second call of it, holds it, mutes it, and hangs it up."""
        first, second = await self.phone(5001), await self.phone(5001)
        await self.call(first, 1003)
        await self.is_(first, "established")
        await self.is_(second, "established")
        await self.hears(first, "call.connection")
        self.assertEqual(await second.evaluate("() => [call.sound, call.peer]"), ["elsewhere", "1003"])
        self.assertIsNone(await self.do(second, "hold"))
        await self.until(first, "() => call.held && !call.localStream.getAudioTracks()[0].enabled")
        self.assertIsNone(await self.do(second, "resume"))
        await self.hears(first, "call.connection")
        await second.evaluate("() => call.mute()")
        await self.until(first, "() => call.muted && !call.localStream.getAudioTracks()[0].enabled")
        await first.evaluate("() => call.mute(false)")
        await self.until(second, "() => !call.muted")
        self.assertIsNone(await self.do(second, "dtmf", "12"))
        self.assertIsNone(await self.do(second, "hangup"))
        for tab in (first, second):
            await self.is_(tab, "ended")

    async def test_page_closes(self) -> None:
        """A page that is closed in a call leaves it to the other, which is told and takes it; a reload keeps it."""
        first, second = await self.phone(5001), await self.phone(5001)
        await self.call(first, 1003)
        await self.is_(second, "established")
        await self.hears(first, "call.connection")
        await self.reload(first)
        await self.is_back(first)
        self.assertEqual(await second.evaluate("() => call.sound"), "elsewhere")
        await first.chromium.run(first.page.close)
        await self.until(second, "() => call.sound === 'nowhere'")
        self.assertIsNone(await self.do(second, "useHere"))
        await self.hears(second, "call.connection")


class Softphones(SoftphoneCase):
    """The softphone on two pages, with the gadget beside it."""

    settings: ClassVar[Mapping[str, object]] = RING_ALL

    async def test_use_here(self) -> None:
        """The call is shown on both, and one press brings its sound from one to the other."""
        caller, first, second = [await self.agent(dn) for dn in (5002, 5001, 5001)]
        await self.dial(caller, 5001)
        await self.calls(second, 1)
        await self.press(first, "Answer")
        for tab in (first, second):
            await self.state(tab, "established")
        await self.sees(second, "The sound of this call is on another page.", ".elsewhere")
        await self.press(second, "Use here")
        await self.hears(second, CONNECTION)
        await self.sees(first, "The sound of this call is on another page.", ".elsewhere")
        await self.press(first, "Hold", ".controls:visible")
        await self.state(second, "held")
        await self.press(first, "Resume", ".controls:visible")
        await self.state(second, "established")
        await self.press(first, "Hang up", ".controls:visible")
        for tab in (caller, first, second):
            await self.calls(tab, 0)
