"""The sources of SIP secrets: each bounded in time, in size and in how much it does at once."""

import shlex
import signal
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from attrs import frozen
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.error import ProcessDone
from twisted.internet.interfaces import IProcessTransport, IReactorProcess, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from wrtcgw.identity.fetching import Fetcher, FetchFailed, is_safe
from wrtcgw.identity.secrets import NoSecret, Secret, read_fields, read_text
from wrtcgw.identity.strictjson import parse_strictly

DN = "%dn"
"""Stands for the DN, in the arguments of a program and in an address."""
FILE_LIMIT = 16_777_216
OUTPUT_LIMIT = 4096
SECONDS = 5.0
"""For a program to end."""
AT_ONCE = 4
"""Programs, or requests, that run at a time; the others wait for their turn."""
QUEUE = 200
"""How many may wait; a whole site that signs in at eight o'clock fits in."""
TRIES = 2
PAUSE = 0.5
"""Seconds before a server that failed is asked once more."""
SERVER_ERROR = 500


@frozen
class SourceName:
    """
    Where secrets come from, as the setting ``sip_secrets`` names it.

    :ivar kind: ``file``, ``command`` or ``https``.
    :ivar words: the path, the program with its arguments, or the URL.
    """

    kind: str
    words: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "SourceName":
        """
        Read the setting.

        :raises ValueError: when it is none of the three.
        """
        kind, _, rest = text.partition(":")
        if kind == "file" and rest.startswith("/"):
            return cls("file", (rest,))
        if kind == "command":
            words = tuple(shlex.split(rest))
            if words and words[0].startswith("/") and any(DN in word for word in words[1:]):
                return cls("command", words)
        if kind in ("https", "http") and DN in text.partition("://")[2].partition("/")[2] and is_safe(text):
            return cls("https", (text,))
        raise ValueError

    def __str__(self) -> str:
        return self.words[0] if self.kind == "https" else f"{self.kind}:{shlex.join(self.words)}"


class FileSecrets:
    """
    A TOML file: ``5001 = "password"``, ``5002 = "realm:ha1"`` or ``5003 = { realm = "...", ha1 = "..." }``.

    It is read again when it has changed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._found: Mapping[str, Any] = {}

    async def secret_of(self, dn: str) -> Secret:
        """
        Return the secret of a DN.

        :raises NoSecret: when it cannot be had.
        """
        self._read()
        found = self._found.get(dn)
        if found is None:
            raise NoSecret(f"{self._path} has no {dn}")
        return read_fields(found) if isinstance(found, dict) else read_text(found if isinstance(found, str) else "")

    def _read(self) -> None:
        try:
            status = self._path.stat()
            now = (status.st_mtime_ns, status.st_size, status.st_ino)
            if now == self._seen:
                return
            if status.st_size > FILE_LIMIT:
                raise NoSecret(f"{self._path} has more than {FILE_LIMIT} bytes")
            self._found = tomllib.loads(self._path.read_text("utf-8"))
        except OSError as error:
            raise NoSecret(f"{self._path} cannot be read: {error.strerror}") from None
        except ValueError:  # its text may quote a secret
            raise NoSecret(f"{self._path} is not TOML in UTF-8") from None
        self._seen = now


class Turns:
    """Lets a few work at a time, and a bounded number wait."""

    def __init__(self) -> None:
        self._semaphore = DeferredSemaphore(AT_ONCE)

    async def __aenter__(self) -> None:
        if len(self._semaphore.waiting) >= QUEUE:
            raise NoSecret(f"{QUEUE} others wait already")
        await self._semaphore.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._semaphore.release()


class CommandSecrets:
    """
    A program that prints the secret; it is started without a shell, and gets nothing of our environment but the path.

    :param words: the program with its arguments; ``%dn`` in them stands for the DN.
    """

    def __init__(self, reactor: IReactorProcess, clock: IReactorTime, words: tuple[str, ...], path: str) -> None:
        self._reactor = reactor
        self._clock = clock
        self._words = words
        self._environment = {"PATH": path, "LC_ALL": "C.UTF-8"}
        self._turns = Turns()

    async def secret_of(self, dn: str) -> Secret:
        """
        Return the secret of a DN.

        :raises NoSecret: when it cannot be had.
        """
        if dn.startswith("-"):
            raise NoSecret("a DN that begins with a hyphen could be taken for an option of the program")
        words = [self._words[0], *(word.replace(DN, dn) for word in self._words[1:])]
        async with self._turns:
            return read_text(await self._run(words))

    async def _run(self, words: list[str]) -> str:
        run = _Run()
        try:
            process = self._reactor.spawnProcess(run, words[0], words, env=self._environment, path="/")
        except OSError as error:
            raise NoSecret(f"{words[0]} cannot be started: {error.strerror}") from None
        timer = self._clock.callLater(SECONDS, run.end, process, f"it did not end within {SECONDS:g} s")
        try:
            await run.ended
        finally:
            if timer.active():
                timer.cancel()
            if run.running:  # whoever asked has gone
                run.end(process, "nobody waits for it")
        if run.fault:
            raise NoSecret(f"{words[0]}: {run.fault}")
        try:
            return run.output.decode("utf-8")
        except UnicodeDecodeError:
            raise NoSecret(f"{words[0]}: its output is not UTF-8") from None


class _Run(ProcessProtocol):
    """One run of a program; what it writes to standard error is dropped, because it may hold what nobody should see."""

    transport: IProcessTransport

    def __init__(self) -> None:
        self.output = bytearray()
        self.fault = ""
        self.running = True
        self.ended: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        if len(self.output) + len(data) > OUTPUT_LIMIT:
            self.end(self.transport, f"it printed more than {OUTPUT_LIMIT} bytes")
        else:
            self.output.extend(data)

    def end(self, process: IProcessTransport, fault: str) -> None:
        """Kill the program, and wait no longer."""
        if not self.running:
            return
        self.fault = self.fault or fault
        process.signalProcess(signal.SIGKILL.name.removeprefix("SIG"))
        process.loseConnection()  # a child of its own may hold the pipes open
        self._done()

    def processEnded(self, reason: Failure) -> None:
        if not reason.check(ProcessDone):
            status = getattr(reason.value, "exitCode", None)
            ended = "a signal ended it" if status is None else f"it ended with status {status}"
            self.fault = self.fault or ended
        self._done()

    def _done(self) -> None:
        self.running = False
        if not self.ended.called:
            self.ended.callback(None)


class HTTPSSecrets:
    """
    A server: its answer is text, or JSON with ``password``, or with ``realm`` and ``ha1``; nested in ``data`` as well.

    :param token_file: the file with what is sent as ``Authorization: Bearer``; None for nothing.
    """

    def __init__(self, fetcher: Fetcher, clock: IReactorTime, url: str, token_file: Path | None) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._url = url
        self._token_file = token_file
        self._turns = Turns()

    async def secret_of(self, dn: str) -> Secret:
        """
        Return the secret of a DN.

        :raises NoSecret: when it cannot be had.
        """
        if not dn.strip("."):
            raise NoSecret("a DN of dots only could lead elsewhere")
        async with self._turns:
            body = await self._ask(self._url.replace(DN, quote(dn, safe="")))
        text = body.decode("utf-8", "replace")
        if not text.lstrip().startswith("{"):
            return read_text(text)
        try:
            found = parse_strictly(body)
        except ValueError:
            raise NoSecret("the server's answer is not JSON") from None
        while isinstance(found.get("data"), dict):
            found = found["data"]
        return read_fields(found)

    async def _ask(self, url: str) -> bytes:
        headers = {"Accept": "application/json, text/plain", **self._authorization()}
        for last in (False, True):
            try:
                return await self._fetcher.get(url, OUTPUT_LIMIT, headers)
            except FetchFailed as error:
                if last or 0 < error.status < SERVER_ERROR:
                    raise NoSecret(f"the server of sip_secrets: {error}") from None
            await deferLater(self._clock, PAUSE)
        raise AssertionError("the last try returns or raises")

    def _authorization(self) -> dict[str, str]:
        if self._token_file is None:
            return {}
        try:
            token = self._token_file.read_text("utf-8").strip()
        except (OSError, ValueError):
            raise NoSecret(f"{self._token_file} cannot be read") from None
        if not token.isascii() or not token.isprintable():
            raise NoSecret(f"{self._token_file} holds no token")
        return {"Authorization": f"Bearer {token}"}
