"""Servers as child processes: started with a log file each, watched, and ended by process id."""

import contextlib
import os
import pathlib
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from attrs import define, field

PORT_RANGE = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
STOP_LIMIT = 15.0
"""Seconds a server gets after SIGTERM before it is killed."""


class ServerFailedError(Exception):
    """A server did not start, or ended by itself; the text carries the end of its log."""


def until(what: str, condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait, blocking, for a condition of a foreign process that nothing tells us about."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise ServerFailedError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """
    Return ports of 127.0.0.1 that nobody listens on, all different, for TCP and UDP alike.

    They lie outside the range that the kernel gives to outgoing connections: one of those could take the port of a
    server that is being restarted, or even connect to itself there. Asterisk's media ports end at 20000.
    """
    outgoing = int(PORT_RANGE.read_text().split()[0])
    candidates = range(20_001, outgoing) if outgoing > 22_000 else range(61_000, 65_000)
    found: list[int] = []
    for port in random.sample(candidates, len(candidates)):
        if len(found) == count:
            return found
        if all(_bindable(port, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)):
            found.append(port)
    raise ServerFailedError(f"fewer than {count} of the ports {candidates} of 127.0.0.1 are free")


def _bindable(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def accepts(port: int) -> bool:
    """Return whether something takes TCP connections on that port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def tail(path: pathlib.Path, lines: int = 40) -> str:
    """Return the last lines of a log file."""
    if not path.exists():
        return f"({path} does not exist)"
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def end_named(pid_file: pathlib.Path, argument: str) -> None:
    """Terminate the process that a file names, if it still is one that was started with that text in its arguments."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(pid_file.read_text())
        if argument.encode() in pathlib.Path("/proc", str(pid), "cmdline").read_bytes():
            os.kill(pid, signal.SIGTERM)


def end_marked(mark: str) -> None:
    """
    Kill every process that was started with an environment variable, given as ``NAME=value``.

    Processes inherit it, so it finds what an earlier run left behind when it was killed itself.
    """
    for environ in pathlib.Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark.encode() in environ.read_bytes().split(b"\0"):
                os.kill(int(environ.parent.name), signal.SIGKILL)


@define
class Server:
    """
    One child process in a session of its own, so that a signal reaches all its workers.

    :ivar ready: tells when it serves; asked until true.
    """

    name: str
    command: Sequence[str]
    log: pathlib.Path
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(factory=dict)
    folder: pathlib.Path = pathlib.Path("/")
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self._process is None:
            raise ServerFailedError(f"{self.name} was not started")
        return self._process.pid

    def alive(self) -> bool:
        """Return whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it serves."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                cwd=self.folder,
                start_new_session=True,
            )
        try:
            until(f"{self.name} to serve", lambda: not self.alive() or self.ready(), 30.0)
        except ServerFailedError as problem:
            self.stop()
            raise ServerFailedError(f"{problem}; its log ends with\n{tail(self.log)}") from None
        if not self.alive():
            raise ServerFailedError(f"{self.name} ended at once; its log ends with\n{tail(self.log)}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all its processes."""
        os.killpg(self.pid, number)

    def stop(self) -> None:
        """End it: politely, then not; fine when it is not running."""
        if self._process is None:
            return
        if self.alive():
            self.signal(signal.SIGCONT)
            self._process.terminate()
        try:
            self._process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self._process.wait()
        self._process = None

    def crash(self) -> None:
        """Kill it without a warning, and start it again."""
        self.signal(signal.SIGKILL)
        self.stop()
        self.start()

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()
