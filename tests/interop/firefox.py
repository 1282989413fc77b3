"""
Firefox with a fake microphone, driven by WebDriver BiDi from one thread of its own.

There is no geckodriver in Debian: Firefox's remote agent (``--remote-debugging-port``) is spoken to directly, and gets
along with a handful of the commands of https://www.w3.org/TR/webdriver-bidi/.
"""

import base64
import contextlib
import itertools
import json
import pathlib
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from websockets.sync.client import ClientConnection, connect

from tests.interop.chromium import STATISTICS, Audio
from tests.interop.console import Console
from tests.interop.processes import until

EXECUTABLE = "firefox-esr"
PREFERENCES: Mapping[str, object] = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    # a sound card that is none: without any, Web Audio stands still
    "media.cubeb.force_mock_context": True,
    # a robot on a machine without a network: no updates, no reports, no look whether there is a portal
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "extensions.update.enabled": False,
    "services.settings.server": "data:,",
    "media.gmp-manager.updateEnabled": False,
    "browser.search.update": False,
    "remote.active-protocols": 1,
}
LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
LIMIT = 60.0
"""Seconds for one command; waiting for a promise of the page is one."""

T = TypeVar("T")


class FirefoxError(Exception):
    """A command that Firefox refused, or a script that threw."""


@define
class Bidi:
    """The connection to the remote agent: commands, and the events that come between."""

    _socket: ClientConnection
    _listen: Callable[[str, Mapping[str, Any]], None]
    _numbers: "itertools.count[int]" = field(factory=lambda: itertools.count(1))

    def do(self, method: str, **parameters: object) -> Any:
        """Send one command and return its result."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(LIMIT))
            if message["type"] == "event":
                self._listen(message["method"], message["params"])
            elif message.get("id") == number:
                return self._result(method, message)

    def _result(self, method: str, message: Mapping[str, Any]) -> Any:
        if message["type"] == "error":
            raise FirefoxError(f"{method}: {message['error']}: {message['message']}")
        return message["result"]

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


@define
class FirefoxTab:
    """One page; each method runs in Firefox's thread. It can what the cases want of Chromium's tab."""

    firefox: "Firefox"
    context: str
    console: Console = field(factory=Console)

    def evaluate(self, expression: str, *arguments: object) -> "Deferred[Any]":
        """Evaluate a JavaScript function with these arguments, as by a user's click; a promise is waited for."""
        code = f"async (text) => JSON.stringify((await ({expression})(...JSON.parse(text))) ?? null)"
        return self.firefox.run(lambda: json.loads(self._call(code, json.dumps(arguments))))

    def _call(self, code: str, text: str) -> str:
        result = self.firefox.bidi.do(
            "script.callFunction",
            functionDeclaration=code,
            arguments=[{"type": "string", "value": text}],
            target={"context": self.context},
            awaitPromise=True,
            userActivation=True,
        )
        if result["type"] == "exception":
            raise FirefoxError(result["exceptionDetails"]["text"])
        value: str = result["result"]["value"]
        return value

    async def audio(self, connection: str) -> Audio:
        """Return what went over a connection, named as the page's scripts would."""
        return Audio(**await self.evaluate(f"() => ({STATISTICS})({connection})"))

    def click(self, role: str, name: str) -> "Deferred[None]":
        """Click on what assistive technology knows by this role and this name, which must be one and visible."""
        return self.firefox.run(lambda: self._click({"type": "accessibility", "value": {"role": role, "name": name}}))

    def type(self, text: str) -> "Deferred[None]":
        """Type into what has the focus."""
        keys = [{"type": kind, "value": each} for each in text for kind in ("keyDown", "keyUp")]
        actions = [{"type": "key", "id": "keyboard", "actions": keys}]
        return self.firefox.run(
            lambda: self.firefox.bidi.do("input.performActions", context=self.context, actions=actions)
        )

    def _click(self, locator: Mapping[str, object]) -> None:
        do = self.firefox.bidi.do
        nodes = do("browsingContext.locateNodes", context=self.context, locator=locator)["nodes"]
        if len(nodes) != 1:
            raise FirefoxError(f"{len(nodes)} nodes are {locator['value']}")
        node = {"sharedId": nodes[0]["sharedId"]}
        arguments: dict[str, object] = {"arguments": [node], "target": {"context": self.context}, "awaitPromise": False}
        do("script.callFunction", functionDeclaration="(node) => node.scrollIntoView({ block: 'center' })", **arguments)
        move = {"type": "pointerMove", "x": 0, "y": 0, "origin": {"type": "element", "element": node}}
        steps = [move, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        do("input.performActions", context=self.context, actions=[{"type": "pointer", "id": "mouse", "actions": steps}])

    async def reload(self) -> None:
        """Load the page again."""
        await self.firefox.run(
            lambda: self.firefox.bidi.do("browsingContext.reload", context=self.context, wait="complete")
        )

    async def screenshot(self, path: pathlib.Path) -> None:
        """Save a picture of the page."""
        shot = await self.firefox.run(
            lambda: self.firefox.bidi.do("browsingContext.captureScreenshot", context=self.context)
        )
        path.write_bytes(base64.b64decode(shot["data"]))


@define
class Firefox:
    """The browser process."""

    folder: pathlib.Path
    """For its profile and its log; the profile ends with it."""
    preferences: Mapping[str, object] = field(factory=dict)
    """Other ones than :data:`PREFERENCES` has."""
    _pool: ThreadPool = field(factory=lambda: ThreadPool(1, 1, "firefox"))
    _tabs: dict[str, FirefoxTab] = field(factory=dict)
    _process: "subprocess.Popen[bytes] | None" = None
    _bidi: Bidi | None = None

    @property
    def _profile(self) -> pathlib.Path:
        return self.folder / "profile"

    @property
    def _log(self) -> pathlib.Path:
        return self.folder / "firefox.log"

    @property
    def bidi(self) -> Bidi:
        """The connection to it."""
        if self._bidi is None:
            raise FirefoxError("Firefox was not started")
        return self._bidi

    def run(self, action: Callable[[], T]) -> "Deferred[T]":
        """Do something in Firefox's thread."""
        result: Deferred[T] = deferToThreadPool(IReactorFromThreads(reactor), self._pool, action)
        return result

    async def start(self) -> None:
        """Start the browser."""
        self._pool.start()
        await self.run(self._launch)

    def _launch(self) -> None:
        wanted = {**PREFERENCES, **self.preferences}
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in wanted.items())
        self._profile.mkdir()
        (self._profile / "user.js").write_text("".join(lines))
        arguments = ("--headless", "--no-remote", "--profile", str(self._profile), "--remote-debugging-port", "0")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ("setpriv", "--pdeathsig", "TERM", EXECUTABLE, *arguments),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until("Firefox to listen", lambda: self._address() is not None, 60.0)
        self._bidi = Bidi(connect(f"{self._address()}/session", max_size=None), self._happened)
        self.bidi.do("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
        self.bidi.do("session.subscribe", events=["log.entryAdded"])

    def _address(self) -> str | None:
        found = LISTENING.search(self._log.read_text(errors="replace"))
        return found[1] if found else None

    def _happened(self, event: str, about: Mapping[str, Any]) -> None:
        tab = self._tabs.get(about.get("source", {}).get("context", ""))
        if event == "log.entryAdded" and tab is not None and about["level"] in ("error", "warn"):
            tab.console.complaints.append(f"{about['level']}: {about['text']}")

    async def open(self, url: str) -> FirefoxTab:
        """Open a page in a container of its own."""
        return await self.run(lambda: self._open(url))

    def _open(self, url: str) -> FirefoxTab:
        container = self.bidi.do("browser.createUserContext")["userContext"]
        context = self.bidi.do("browsingContext.create", type="tab", userContext=container)["context"]
        tab = self._tabs[context] = FirefoxTab(self, context)
        self.bidi.do("browsingContext.navigate", context=context, url=url, wait="complete")
        return tab

    async def stop(self) -> None:
        """Close the browser."""
        await self.run(self._close)
        self._pool.stop()

    def _close(self) -> None:
        with contextlib.suppress(FirefoxError, OSError):
            if self._bidi is not None:
                self._bidi.do("browser.close")
                self._bidi.close()
        if self._process is not None:
            try:
                self._process.wait(15.0)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGKILL)
                self._process.wait()
        shutil.rmtree(self._profile, ignore_errors=True)
