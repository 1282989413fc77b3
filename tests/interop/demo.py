"""Cases against ``twistd wrtcgw --demo`` alone: pages of the gateway, and its own PBX behind them. No root needed."""

import atexit
import functools
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.interop import ears
from tests.interop.chromium import Audio, Chromium, Tab
from tests.interop.ears import AnyTab
from tests.interop.gateway import Gateway, gateway
from tests.interop.install import FOLDER
from tests.interop.processes import free_ports, tail


def demo(settings: Mapping[str, object] | None = None) -> Gateway:
    """Return a running ``--demo`` with these keys of ``wrtcgw.toml``; one for each set of keys in a run."""
    return _demo(json.dumps(settings or {}, sort_keys=True))


@functools.cache
def _demo(settings: str) -> Gateway:
    folder = pathlib.Path(tempfile.mkdtemp(prefix="gateway-", dir=demo_folder()))
    wanted = json.loads(settings)
    made = gateway(folder, "demo", wanted.get("http_port") or free_ports(1)[0], wanted)
    # it ends with the run, however that ends
    command = ("setpriv", "--pdeathsig", "TERM", *made.server.command, "--demo")
    running = evolve(made, server=evolve(made.server, command=command))
    running.server.start()
    atexit.register(running.server.stop)
    return running


@functools.cache
def demo_folder() -> pathlib.Path:
    """Return the folder of this process; several may run at a time, and those of earlier ones go."""
    for earlier in FOLDER.glob("demo-*"):
        if not pathlib.Path("/proc", earlier.name.removeprefix("demo-")).exists():
            shutil.rmtree(earlier, ignore_errors=True)
    folder = FOLDER / f"demo-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


class DemoCase(TestCase):
    """
    A case with pages of a demo gateway in Chromium.

    It fails when a page complained in its console, and when the gateway logged what it did not expect.

    :cvar settings: keys of ``wrtcgw.toml``; cases with the same keys share one gateway.
    :cvar without: arguments that Chromium is not given.
    :cvar more: arguments that it is given beside the usual ones.
    """

    timeout = 120
    settings: ClassVar[Mapping[str, object]] = {}
    without: ClassVar[Sequence[str]] = ()
    more: ClassVar[Sequence[str]] = ()

    def setUp(self) -> None:
        """Start the gateway, unless an earlier case did."""
        self.gateway = demo(self.wanted())
        self.tabs: list[Tab] = []
        self._chromium: Chromium | None = None
        log = self.gateway.server.log
        self._mark = log.stat().st_size
        self.addCleanup(lambda: Deferred.fromCoroutine(self._clean_up()))

    def wanted(self) -> Mapping[str, object]:
        """Return the keys of ``wrtcgw.toml``; for cases that do not know them beforehand."""
        return self.settings

    async def open(self, path: str = "/softphone/", **options: Any) -> Tab:
        """
        Open a page of the gateway in a profile of its own.

        :param options: of Playwright's ``new_context``: ``locale``, ``color_scheme``, ``viewport``, ``permissions``.
        """
        if self._chromium is None:
            self._chromium = Chromium(without=self.without, more=self.more)
            await self._chromium.start()
        url = f"{self.gateway.url}{path}" if path.startswith("/") else path
        tab = await self._chromium.open(url, **options)
        self.tabs.append(tab)
        return tab

    async def until(self, tab: AnyTab, condition: str, *arguments: object) -> Any:
        """Wait until a JavaScript function of the page returns something true, and return that."""
        return await ears.until(tab, condition, *arguments)

    async def hears(self, tab: AnyTab, connection: str) -> Audio:
        """Wait until there is sound both ways over a connection, and return how much there was by then."""
        return await ears.hears(tab, connection)

    def pause(self, seconds: float) -> "Deferred[None]":
        """Let some time pass."""
        return ears.pause(seconds)

    async def _clean_up(self) -> None:
        if self._chromium is None:
            return
        try:
            for tab in self.tabs:
                if not tab.page.is_closed():
                    await tab.evaluate("() => 0")  # what it said last is heard before its answer
        finally:
            await self._chromium.stop()
        try:
            for tab in self.tabs:
                tab.console.check()
            self._check_log()
        except AssertionError as problem:
            raise AssertionError(f"{problem}\nthe gateway's log ends with\n{tail(self.gateway.server.log)}") from None

    def _check_log(self) -> None:
        with self.gateway.server.log.open("rb") as log:
            log.seek(self._mark)
            text = log.read().decode(errors="replace")
        bad = [line for line in text.splitlines() if "Traceback" in line or "Unhandled" in line]
        if bad:
            raise AssertionError(f"the gateway failed: {bad}{os.linesep}{text[-4000:]}")
