"""Chromium with a fake microphone, driven by Playwright from one thread of its own."""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar, cast

from attrs import define, field, frozen
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from tests.interop.console import Console

EXECUTABLE = pathlib.Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
STATISTICS = """async (pc) => {
    const sums = { sent: 0, received: 0, spoken: 0, heard: 0 };
    for (const report of (await pc.getStats()).values()) {
        if (report.type === "outbound-rtp") sums.sent += report.packetsSent;
        if (report.type === "inbound-rtp") sums.received += report.packetsReceived;
        if (report.kind === "video") continue;
        if (report.type === "inbound-rtp") sums.heard += report.totalAudioEnergy;
        if (report.type === "media-source") sums.spoken += report.totalAudioEnergy ?? NaN;
    }
    return sums;
}"""
"""Packets and audio energy of a connection, both ways."""

T = TypeVar("T")


@frozen
class Audio:
    """What went over a connection so far: packets, and the energy of the sound in them."""

    sent: int
    received: int
    spoken: float | None
    """Firefox does not tell it: there what an echo sends back has to be enough."""
    heard: float

    def grown(self, before: "Audio") -> bool:
        """Return whether there was sound both ways since then."""
        packets = self.sent > before.sent and self.received > before.received
        silent = self.spoken is not None and before.spoken is not None and self.spoken <= before.spoken
        return packets and not silent and self.heard > before.heard


@define
class Tab:
    """One page; each method runs in Chromium's thread."""

    chromium: "Chromium"
    page: Page
    console: Console = field(factory=Console)

    def evaluate(self, expression: str, *arguments: object) -> "Deferred[Any]":
        """Evaluate a JavaScript function with these arguments; a promise is waited for."""
        code = f"(arguments) => ({expression})(...arguments)"
        return self.chromium.run(lambda: self.page.evaluate(code, list(arguments)))

    async def reload(self) -> None:
        """Load the page again."""
        await self.chromium.run(self.page.reload)

    async def audio(self, connection: str) -> Audio:
        """Return what went over a connection, named as the page's scripts would."""
        return Audio(**await self.evaluate(f"() => ({STATISTICS})({connection})"))

    def show(self, scheme: str | None) -> "Deferred[None]":
        """Prefer a scheme of colours, ``light`` or ``dark``; None takes the preference back."""
        wanted = cast(Literal["light", "dark", "null"], scheme or "null")
        return self.chromium.run(lambda: self.page.emulate_media(color_scheme=wanted))

    def resize(self, width: int, height: int) -> "Deferred[None]":
        """Give the window another size."""
        return self.chromium.run(lambda: self.page.set_viewport_size({"width": width, "height": height}))


@define
class Chromium:
    """
    The browser process; Playwright's objects belong to the thread that made them.

    :param without: arguments that it is not given, such as the one that lets every page have the microphone.
    :param more: further ones.
    """

    _without: Sequence[str] = ()
    _more: Sequence[str] = ()
    _pool: ThreadPool = field(factory=lambda: ThreadPool(1, 1, "chromium"))
    _playwright: Playwright | None = None
    _browser: Browser | None = None

    def run(self, action: Callable[[], T]) -> "Deferred[T]":
        """Do something in Chromium's thread."""
        result: Deferred[T] = deferToThreadPool(IReactorFromThreads(reactor), self._pool, action)
        return result

    async def start(self) -> None:
        """Start the browser."""
        self._pool.start()
        await self.run(self._launch)

    def _launch(self) -> None:
        self._playwright = sync_playwright().start()
        arguments = [*(each for each in ARGUMENTS if each not in self._without), *self._more]
        self._browser = self._playwright.chromium.launch(
            executable_path=EXECUTABLE, args=arguments, headless=True, chromium_sandbox=False
        )

    async def open(self, url: str, **options: Any) -> Tab:
        """
        Open a page in a profile of its own; the certificate of the run's own authority is taken as it is.

        :param options: of Playwright's ``new_context``: ``locale``, ``color_scheme``, ``viewport``, ``permissions``.
        """
        return await self.run(lambda: self._open(url, options))

    def _open(self, url: str, options: Mapping[str, Any]) -> Tab:
        if self._browser is None:
            raise RuntimeError("Chromium was not started")
        tab = Tab(self, self._browser.new_context(ignore_https_errors=True, **options).new_page())
        tab.console.attach(tab.page)
        tab.page.goto(url)
        return tab

    async def stop(self) -> None:
        """Close the browser."""
        await self.run(self._close)
        self._pool.stop()

    def _close(self) -> None:
        if self._browser is not None:
            self._browser.close()
        if self._playwright is not None:
            self._playwright.stop()
