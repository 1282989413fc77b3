"""
The smallest event loop that will do: sockets, and timers.

The load has to be far cheaper than what it measures, and must not stop: no reactor, no collector, no objects per byte.
"""

import heapq
import select
import socket
import time
from collections.abc import Callable
from itertools import count

now = time.monotonic


class Loop:
    """
    Sockets by epoll, timers by a heap.

    :ivar late: the most seconds by which a timer went off too late: how far its own figures can be trusted.
    """

    def __init__(self) -> None:
        self.poll = select.epoll()
        self.ready: dict[int, Callable[[int], None]] = {}
        self.late = 0.0
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def at(self, when: float, act: Callable[[], None]) -> None:
        """Call ``act`` at a time of :data:`now`."""
        heapq.heappush(self._timers, (when, next(self._numbers), act))

    def run_until(self, over: Callable[[], bool], limit: float) -> None:
        """
        Run until ``over()`` is true.

        :raises TimeoutError: when that takes more than ``limit`` seconds.
        """
        end = now() + limit
        while not over():
            if now() > end:
                raise TimeoutError(f"not over within {limit} s")
            self._turn()

    def run_for(self, seconds: float) -> None:
        """Run for a time."""
        end = now() + seconds
        self.at(end, lambda: None)
        self.run_until(lambda: now() >= end, seconds + 60)

    def _turn(self) -> None:
        timers = self._timers
        wait = min(0.1, max(0.0, timers[0][0] - now())) if timers else 0.1
        for descriptor, events in self.poll.poll(wait):
            handler = self.ready.get(descriptor)
            if handler is not None:
                handler(events)
        while timers and timers[0][0] <= now():
            due, _, act = heapq.heappop(timers)
            self.late = max(self.late, now() - due)
            act()


class Connection:
    """One TCP connection that does not block."""

    def __init__(self, loop: Loop, connection: socket.socket) -> None:
        self.loop = loop
        self.socket = connection
        self.open = True
        self._unsent = b""
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._descriptor = connection.fileno()
        loop.ready[self._descriptor] = self._on_ready
        loop.poll.register(self._descriptor, select.EPOLLIN)

    def received(self, data: bytes) -> None:
        """Take what has come."""

    def lost(self) -> None:
        """Note that the other end has closed."""

    def send(self, data: bytes) -> None:
        """Send, now as far as the system takes it, and the rest later."""
        if self._unsent:
            self._unsent += data
            return
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        if sent < len(data):
            self._unsent = data[sent:]
            self.loop.poll.modify(self._descriptor, select.EPOLLIN | select.EPOLLOUT)

    def close(self) -> None:
        """Close it."""
        if self.open:
            self.open = False
            del self.loop.ready[self._descriptor]
            self.loop.poll.unregister(self._descriptor)
            self.socket.close()
            self.lost()

    def _on_ready(self, events: int) -> None:
        if events & select.EPOLLOUT:
            unsent, self._unsent = self._unsent, b""
            self.loop.poll.modify(self._descriptor, select.EPOLLIN)
            self.send(unsent)
        if events & ~select.EPOLLOUT and self.open:
            try:
                data = self.socket.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if data:
                self.received(data)
            else:
                self.close()


def listen(loop: Loop, port: int, accept: Callable[[socket.socket], object]) -> socket.socket:
    """Listen on a port of loopback."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(4096)
    listening.setblocking(False)

    def on_ready(events: int) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except BlockingIOError:
                return
            accept(connection)

    loop.ready[listening.fileno()] = on_ready
    loop.poll.register(listening.fileno(), select.EPOLLIN)
    return listening
