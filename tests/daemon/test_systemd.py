"""Notification of the service manager."""

import os
import pathlib
import socket
import tempfile
from typing import Any, cast

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.daemon.systemd import Notifier, Watchdog


class NotifierTests(SynchronousTestCase):
    """A service manager's socket of our own."""

    def setUp(self) -> None:
        folder = pathlib.Path(tempfile.mkdtemp(dir="/tmp"))  # the name of a socket must be short
        self.address = str(folder / "notify")
        self.addCleanup(folder.rmdir)
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(self.address)
        self.manager.setblocking(False)
        self.addCleanup(pathlib.Path(self.address).unlink)
        self.addCleanup(self.manager.close)

    def told(self) -> list[str]:
        """Return the lines of the next message."""
        return self.manager.recv(4096).decode().split("\n")

    def notifier(self, **environ: str) -> Notifier:
        """Return a notifier for an environment with our socket."""
        return Notifier.from_environment({"NOTIFY_SOCKET": self.address, **environ})

    def test_states(self) -> None:
        """Each state is one message in the manager's words."""
        notifier = self.notifier()
        notifier.ready("serving port 1")
        self.assertEqual(self.told(), ["READY=1", "STATUS=serving port 1"])
        notifier.reloading()
        first, second = self.told()
        self.assertEqual(first, "RELOADING=1")
        self.assertRegex(second, r"^MONOTONIC_USEC=\d+$")
        notifier.stopping()
        self.assertEqual(self.told()[0], "STOPPING=1")

    def test_abstract_socket(self) -> None:
        """A name that starts with @ is an abstract one."""
        name = f"wrtcgw-test-{os.getpid()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(f"\0{name}")
            Notifier(f"@{name}").alive()
            self.assertEqual(manager.recv(100), b"WATCHDOG=1")

    def test_no_manager(self) -> None:
        """Without a manager, or with an address of another kind, nothing is sent."""
        self.assertEqual(Notifier.from_environment({}), Notifier())
        self.assertEqual(Notifier.from_environment({"NOTIFY_SOCKET": "vsock:2:1"}), Notifier())
        Notifier().ready("x")

    def test_manager_gone(self) -> None:
        """A manager that does not listen is logged, and no reason to fail."""
        with capturedLogs() as events:
            Notifier("/nonexistent/notify").ready("x")
        self.assertIn("cannot notify", str(events[0]["log_format"]))

    def test_watchdog(self) -> None:
        """The manager hears of us twice in each interval, until the end."""
        clock = Clock()
        watchdog = Watchdog(self.notifier(WATCHDOG_USEC="30000000"), cast(IReactorTime, clock))
        watchdog.start()
        self.assertEqual(self.told(), ["WATCHDOG=1"])
        clock.advance(15)
        self.assertEqual(self.told(), ["WATCHDOG=1"])
        watchdog.stop()
        self.assertEqual(clock.getDelayedCalls(), [])
        watchdog.stop()

    def test_no_watchdog(self) -> None:
        """Nothing is reported when it is not wanted, or wanted of another process."""
        for environ in ({}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}):
            clock: Any = Clock()
            watchdog = Watchdog(self.notifier(**environ), clock)
            watchdog.start()
            self.assertEqual(clock.getDelayedCalls(), [])
            watchdog.stop()
