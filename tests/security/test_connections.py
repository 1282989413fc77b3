"""More connections than one address should have, and than the system has: in virtual time, and over real sockets."""

import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from ipaddress import ip_network
from pathlib import Path
from typing import ClassVar

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from tests.web.harness import WebTestCase, Wire
from wrtcgw.networks import place_of
from wrtcgw.web.connection_limits import ConnectionLimits, next_descriptor
from wrtcgw.web.settings import WebSettings

SOURCE = Path(__file__).parent.parent.parent
REQUEST = b"GET /api/health HTTP/1.1\r\nHost: gateway.example\r\n\r\n"


class Neighbourhoods(SynchronousTestCase):
    """What counts as one address."""

    SAME: ClassVar[dict[str, str]] = {
        "192.0.2.1": "192.0.2.1",
        "::ffff:192.0.2.1": "192.0.2.1",
        "2001:db8:0:1::1": "2001:db8:0:1::/64",
        "2001:db8:0:1:ffff:ffff:ffff:ffff": "2001:db8:0:1::/64",
        "2001:db8:0:2::1": "2001:db8:0:2::/64",
        "::1": "::/64",
        "": "",
        "/run/socket": "",
    }

    def test_neighbourhoods(self) -> None:
        """An IPv4 address stands for itself, mapped or not; an IPv6 address for its /64."""
        self.assertEqual({text: place_of(text) for text in self.SAME}, self.SAME)


class PerAddress(WebTestCase):
    """``connections_per_address``."""

    settings = WebSettings(connections_per_address=3)

    def is_served(self, wire: Wire) -> bool:
        """Send a request; return whether it was served, and not refused with the reason."""
        if not wire.transport.disconnecting:
            wire.raw(REQUEST)
            return wire.answer().code == 200
        answer = wire.answer()
        self.assertEqual((answer.code, answer.json["code"]), (503, "too_many_connections"))
        return False

    def test_limit(self) -> None:
        """So many get in from one address; other addresses are not touched, and a place that is free is had again."""
        first = [self.wire("198.51.100.7") for _ in range(4)]
        self.assertEqual([self.is_served(wire) for wire in first], [True, True, True, False])
        self.assertTrue(self.is_served(self.wire("198.51.100.8")))
        first[0].lose()
        self.wires.remove(first[0])
        self.assertTrue(self.is_served(self.wire("198.51.100.7")))
        self.assertEqual((len(self.surface.connections), self.surface.connections.refused), (4, 1))

    def test_reason(self) -> None:
        """The one that is refused hears which setting is to blame."""
        wire = [self.wire() for _ in range(4)][-1]
        self.assertIn("connections_per_address", wire.answer().json["error"])

    def test_network(self) -> None:
        """Whoever has an IPv6 network has all its addresses: they count as one."""
        wires = [self.wire(f"2001:db8::{number:x}") for number in range(1, 5)]
        self.assertEqual([self.is_served(wire) for wire in wires], [True, True, True, False])
        self.assertTrue(self.is_served(self.wire("2001:db8:0:1::1")))

    def test_agents(self) -> None:
        """Each agent who is signed in from an address brings four connections more."""
        wires = [self.wire("198.51.100.7") for _ in range(3)]
        wires[0].get("/api/webrtc/sign_in?id=a&dn=5001&password=x")
        self.assertEqual(wires[0].answer().code, 200)
        self.clock.advance(1)
        more = [self.wire("198.51.100.7") for _ in range(5)]
        self.assertEqual([self.is_served(wire) for wire in more], [True] * 4 + [False])

    def test_shift_begins(self) -> None:
        """Thirty agents behind one address come one after the other, each with a poll that hangs: all get in."""
        for number in range(30):
            wire = self.wire("198.51.100.7")
            wire.get(f"/api/webrtc/sign_in?id=a{number}&dn={5000 + number}&password=x")
            answer = wire.answer()
            self.assertEqual(answer.code, 200, number)
            token = answer.headers["x-wrtc-session"]
            wire.get(f"/api/webrtc/message?id=a{number}&wait=50", Authorization=f"Bearer {token}")
            self.clock.advance(0.06)
        self.assertEqual((len(self.surface.connections), self.surface.connections.refused), (30, 0))

    def test_proxy(self) -> None:
        """A trusted proxy speaks for many clients, and is not counted."""
        self.surface.close()
        self.configure(evolve(self.settings, trusted_proxies=(ip_network("192.0.2.0/28"),)))
        self.assertTrue(all(self.is_served(self.wire("192.0.2.3")) for _ in range(20)))
        wires = [self.wire("192.0.2.77") for _ in range(4)]
        self.assertFalse(self.is_served(wires[-1]))

    def test_off(self) -> None:
        """0 takes any number; a reload changes it."""
        self.surface.reconfigure(evolve(self.settings, connections_per_address=0))
        self.assertTrue(all(self.is_served(self.wire()) for _ in range(20)))


class Reserve(SynchronousTestCase):
    """The descriptors that are kept for those who are signed in."""

    def test_reserve(self) -> None:
        """When an eighth of the descriptors is left, only addresses with agents and proxies get in."""
        now = [0.0]
        agents = ["198.51.100.7", "", "2001:db8::7"]
        used = next_descriptor()
        for descriptors, is_open in ((0, True), (used * 2, True), (used, False)):
            limits = ConnectionLimits(
                200, descriptors, lambda address: address == "192.0.2.1", lambda: agents, lambda: now[0]
            )
            self.assertIs(limits.is_open_to("203.0.113.1"), is_open)
        for address in ("198.51.100.7", "2001:db8::9", "192.0.2.1"):
            self.assertTrue(limits.is_open_to(address))
        agents.clear()
        self.assertTrue(limits.is_open_to("198.51.100.7"))
        now[0] = 1.0
        self.assertFalse(limits.is_open_to("198.51.100.7"))
        self.assertEqual(limits.refused, 2)

    def test_leave(self) -> None:
        """A place is left once, and one that was refused never: counts stay right, and nothing is remembered."""
        limits = ConnectionLimits(1, 0, lambda _: False, lambda: (), lambda: 0.0)
        first, second = object(), object()
        self.assertEqual(limits.enter(first, "192.0.2.1"), "")
        self.assertNotEqual(limits.enter(second, "192.0.2.1"), "")
        limits.leave(second)
        self.assertEqual(len(limits), 1)
        limits.leave(first)
        limits.leave(first)
        self.assertEqual((len(limits), limits._counts, limits._places), (0, {}, {}))


class Exhaustion(SynchronousTestCase):
    """A gateway with few descriptors, in a process of its own, under real connections."""

    DESCRIPTORS = 160

    def setUp(self) -> None:
        port = free_port()
        program = str(Path(sys.executable).with_name("twistd"))
        command = [program, "--nodaemon", "--pidfile=", "wrtcgw", "--demo", f"--http-port={port}"]
        limit = self.DESCRIPTORS

        def few() -> None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

        log = self.mktemp()
        environ = {**os.environ, "PYTHONPATH": f"{SOURCE / 'src'}:{SOURCE}", "WRTCGW_CONNECTIONS_PER_ADDRESS": "500"}
        with Path(log).open("w") as out:
            process = subprocess.Popen(command, env=environ, stdout=out, stderr=out, preexec_fn=few)  # noqa: PLW1509
        self.addCleanup(process.wait, 20)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        self.process, self.port, self.log = process, port, Path(log)
        until(lambda: self.health("127.0.0.1") == 200)

    def health(self, source: str) -> int:
        """Return the status of a request from an address of this machine, 0 without an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10, source_address=(source, 0))
        with closing(connection):
            try:
                connection.request("GET", "/api/health")
                return connection.getresponse().status
            except OSError:
                return 0

    def sign_in(self, source: str) -> tuple[int, object]:
        """Sign an agent in from an address."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20, source_address=(source, 0))
        with closing(connection):
            body = json.dumps({"id": "a", "dn": "5001", "password": "Genesys2024!WebRTC"})
            connection.request("POST", "/api/webrtc/sign_in", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def test_exhaustion(self) -> None:
        """One address takes all the descriptors there are: who is signed in elsewhere is served all the same."""
        self.assertEqual(self.sign_in("127.0.0.71")[0], 200)
        attack = []
        for _ in range(3 * self.DESCRIPTORS):
            connection = socket.socket()
            self.addCleanup(connection.close)
            connection.bind(("127.0.0.70", 0))
            connection.settimeout(10)
            connection.connect(("127.0.0.1", self.port))
            attack.append(connection)
        self.assertEqual([self.health("127.0.0.71") for _ in range(5)], [200] * 5)
        self.assertIn(self.health("127.0.0.72"), (0, 503))
        for connection in attack:
            connection.close()
        until(lambda: self.health("127.0.0.72") == 200)
        self.assertIsNone(self.process.poll())
        self.assertNotIn("Traceback", self.log.read_text())


def free_port() -> int:
    """Return a port of this machine that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(done: Callable[[], bool], seconds: float = 30) -> None:
    """Ask until the answer is yes."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise AssertionError("it did not come about in time")
        time.sleep(0.1)
