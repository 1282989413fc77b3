"""The browser extension in Chromium: loaded unpacked as it is shipped, set up by its own options page."""

import json
import pathlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field
from playwright.sync_api import BrowserContext, Page, Worker, sync_playwright

from tests.interop.chromium import ARGUMENTS, EXECUTABLE, Chromium, Tab
from tests.interop.console import Console
from wrtcgw.browser.pages import HOME

FILES = HOME / "extension" / "files"
CONNECTIONS = """
window.connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) { super(...given); connections.push(this); }
};
"""
"""Lets a test find the connections of any page."""
TRIES = 100
PAUSE = 100
"""Milliseconds."""
WITH_EXTENSIONS = "--disable-features=DisableLoadExtensionCommandLineSwitch"


def unpacked(folder: pathlib.Path, allowed: Sequence[str]) -> pathlib.Path:
    """
    Return a copy of the extension as it is after its user has allowed it these sites.

    The browser asks for that in a window of its own, which no test can click; a site that the manifest names is allowed
    from the beginning.
    """
    copy = folder / "extension"
    shutil.copytree(FILES, copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["host_permissions"] = [f"{origin}/*" for origin in allowed]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return copy


@define
class ExtendedChromium(Chromium):
    """
    Chromium with the extension, in a profile of its own that is thrown away.

    :param allowed: origins that the user has allowed it.
    :param more: further arguments of Chromium's.
    """

    _allowed: Sequence[str] = ()
    _more: Sequence[str] = ()
    _folder: pathlib.Path = field(factory=lambda: pathlib.Path(tempfile.mkdtemp(prefix="extension-")))
    _context: BrowserContext | None = None

    @property
    def context(self) -> BrowserContext:
        """The profile."""
        if self._context is None:
            raise RuntimeError("Chromium was not started")
        return self._context

    def _launch(self) -> None:
        files = unpacked(self._folder, self._allowed)
        self._playwright = sync_playwright().start()
        self._context = self._playwright.chromium.launch_persistent_context(
            self._folder / "profile",
            executable_path=EXECUTABLE,
            args=[
                *ARGUMENTS,
                *self._more,
                f"--load-extension={files}",
                f"--disable-extensions-except={files}",
                WITH_EXTENSIONS,
            ],
            headless=True,
            chromium_sandbox=False,
            ignore_https_errors=True,
        )

        self._context.add_init_script(CONNECTIONS)
        self._await_options()

    def _await_options(self) -> None:
        """Wait until the extension has opened its options by itself, as it does once: later it would be in the way."""
        for _ in range(TRIES):
            if any(page.url.endswith("/options.html") for page in self.context.pages):
                return
            self.context.pages[0].wait_for_timeout(PAUSE)
        raise AssertionError("the extension did not open its options")

    def worker(self) -> Worker:
        """Return the extension's service worker; to be called in Chromium's thread."""
        workers = self.context.service_workers
        return workers[0] if workers else self.context.wait_for_event("serviceworker")

    def _open(self, url: str, options: Mapping[str, Any]) -> Tab:
        return self.follow(self.context.new_page(), url)

    def follow(self, page: Page, url: str = "") -> Tab:
        """Return a tab that is listened to; to be called in Chromium's thread."""
        tab = Tab(self, page, Console())
        tab.console.attach(page)
        if url:
            page.goto(url)
        return tab

    def _close(self) -> None:
        if self._context is not None:
            self._context.close()
        if self._playwright is not None:
            self._playwright.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
