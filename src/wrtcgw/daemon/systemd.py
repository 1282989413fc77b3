"""
Telling systemd how the service is (sd_notify(3)), without its library: datagrams to a socket named in the environment.

Outside systemd nothing is sent. A message that cannot be delivered is logged and forgotten: the gateway's work does not
depend on who watches it.
"""

import os
import socket
import time
from collections.abc import Mapping

from attrs import define, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

log = Logger()


@frozen
class Notifier:
    """Sends states to the service manager; ``address`` is empty when there is none."""

    address: str = ""
    watchdog_seconds: float = 0.0
    """How often it wants to hear of us; 0 for not at all."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Notifier":
        """Read NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID."""
        address = environ.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return cls()
        interval = environ.get("WATCHDOG_USEC", "")
        ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        return cls(address, int(interval) / 1e6 if ours and interval.isdecimal() else 0.0)

    def ready(self, status: str) -> None:
        """Say that the gateway serves requests; also at the end of a reload."""
        self._send("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Say that the configuration is being read again."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """Say that the gateway ends its calls and will be gone soon."""
        self._send("STOPPING=1", "STATUS=stopping")

    def alive(self) -> None:
        """Say that the reactor turns."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self.address:
            return
        # '@' stands for the zero byte of an abstract name
        address = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as datagram:
                datagram.setblocking(False)
                datagram.sendto("\n".join(lines).encode("utf-8"), address)
        except OSError as error:
            log.warn("cannot notify the service manager: {error}", error=str(error))


@define
class Watchdog:
    """Reports to the service manager as long as the reactor turns."""

    notifier: Notifier
    clock: IReactorTime
    _loop: LoopingCall | None = None

    def start(self) -> None:
        """Begin, when reports are wanted: twice in each interval."""
        if self.notifier.watchdog_seconds > 0:
            self._loop = LoopingCall(self.notifier.alive)
            self._loop.clock = self.clock
            self._loop.start(self.notifier.watchdog_seconds / 2)

    def stop(self) -> None:
        """End."""
        if self._loop is not None and self._loop.running:
            self._loop.stop()
