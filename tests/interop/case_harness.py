"""The helpers of the cases with pages: that they find what they are there to find."""

from tests.interop.a11y import check_accessible
from tests.interop.chromium import Tab
from tests.interop.demo import DemoCase
from tests.interop.screenshots import WIDE, screenshots

FINE = """<!doctype html><html lang=en><title>Fine</title><style>
body { background: #fff; color: #000 }
@media (prefers-color-scheme: dark) { body { background: #000; color: #fff } }
</style>
<main><h1>Fine</h1><label>Number <input></label></main>"""
GREY_AT_NIGHT = "<style>@media (prefers-color-scheme: dark) { label { color: #333 } }</style>"


class Harness(DemoCase):
    """Each on a page that is as it should be, and on one that is not."""

    async def page(self, html: str) -> Tab:
        """Open a page of our own making."""
        tab = await self.open("about:blank")
        await tab.chromium.run(lambda: tab.page.set_content(html))
        return tab

    async def failure(self, tab: Tab) -> str:
        """Return what the look for barriers fails with."""
        try:
            await check_accessible(tab)
        except AssertionError as problem:
            return str(problem)
        return ""

    async def test_barriers(self) -> None:
        """A page without barriers passes; a nameless button is found in both schemes, a contrast only where it is."""
        self.assertEqual(await self.failure(await self.page(FINE)), "")
        nameless = await self.failure(await self.page(FINE.replace("</main>", "<button></button></main>")))
        self.assertIn("[light] button-name (critical)", nameless)
        self.assertIn("    button: ", nameless)
        grey = await self.failure(await self.page(FINE + GREY_AT_NIGHT))
        self.assertIn("[dark] color-contrast", grey)
        self.assertNotIn("[light]", grey)

    async def test_console(self) -> None:
        """What a page complains about is kept; what was expected is not told."""
        tab = await self.page(FINE)
        script = "() => { console.error('lost', 7); console.log('fine'); setTimeout(() => { throw Error('oops') }) }"
        await tab.evaluate(script)
        await self.until(tab, "() => true")
        await self.pause(0.1)
        await self.until(tab, "() => true")
        self.assertEqual(len(tab.console.unexpected), 2, tab.console.unexpected)
        self.assertRaises(AssertionError, tab.console.check)
        tab.console.expect("lost 7")
        tab.console.expect("oops")
        tab.console.check()

    async def test_screenshots(self) -> None:
        """Pictures are saved in each look."""
        tab = await self.page(FINE)
        light, dark = await screenshots(tab, "harness", WIDE)
        self.assertEqual(light.name, "harness-1280-light.png")
        self.assertNotEqual(light.read_bytes(), dark.read_bytes())
