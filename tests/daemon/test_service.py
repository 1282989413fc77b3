"""The whole gateway as one service, in memory."""

import errno
import os
import signal
from collections.abc import Callable
from typing import Any, cast

from attrs import define, evolve, field
from twisted.application.service import IService
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTCP
from twisted.internet.testing import StringTransport
from twisted.logger import LogPublisher, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.support.wsproxy import Network
from wrtcgw.config import ConfigError, Fault, Settings, load
from wrtcgw.daemon import composition
from wrtcgw.daemon.listener import CannotServe, HTTPListener
from wrtcgw.daemon.service import GatewayService
from wrtcgw.daemon.systemd import Notifier
from wrtcgw.demo.pbx import DemoPBX
from wrtcgw.store import StoreUnavailable
from wrtcgw.store.memory import MemoryStore

FREE_PORT = 5999
"""What listening on port 0 gives."""
ENVIRON = {"SIP_WS_SERVER": "ws://proxy.example.org", "SIP_DOMAIN": "example.org", "HTTP_PORT": "8082"}


@define
class Told(Notifier):
    """A notifier that writes down what it is to say."""

    states: list[str] = field(factory=list)

    def _send(self, *lines: str) -> None:
        self.states.append(lines[0])


class Reactor(Network):
    """A network that also takes calls from signal handlers, and may refuse to listen, with an error number."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0
        self.from_threads: list[Callable[[], None]] = []

    def callFromThread(self, function: Callable[[], None]) -> None:  # noqa: N802
        """Keep the call (IReactorFromThreads)."""
        self.from_threads.append(function)

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:  # noqa: N802
        """Listen, or refuse to."""
        if self.taken:
            raise CannotListenError(interface, port, OSError(self.taken, "taken"))
        return super().listenTCP(port or FREE_PORT, factory, backlog, interface)


class ServiceTests(SynchronousTestCase):
    """A gateway service with one proxy."""

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.proxy = self.reactor.proxy(80)
        self.notifier = Told()
        self.settings = load(None, ENVIRON)[0]
        self.wanted: Settings | ConfigError = self.settings
        self.service: GatewayService | None = None

    def start(self, *, demo: DemoPBX | None = None, **changes: Any) -> GatewayService:
        """Start the service and let it connect."""
        self.wanted = self.settings = evolve(self.settings, **changes)
        self.service = GatewayService(
            cast(IReactorTCP, self.reactor),
            self.settings,
            reread=self.reread,
            demo=demo,
            notifier=self.notifier,
            publisher=LogPublisher(),
        )
        self.service.startService()
        self.reactor.settle()
        return self.service

    def reread(self) -> Settings:
        """Stand in for reading the configuration again."""
        if isinstance(self.wanted, ConfigError):
            raise self.wanted
        return self.wanted

    def stop(self) -> "Deferred[object]":
        """Stop the service."""
        assert self.service is not None
        stopped, self.service = self.service.stopService(), None
        self.reactor.run_for(1)
        return stopped

    def tearDown(self) -> None:
        if self.service is not None:
            self.successResultOf(self.stop())
        self.assertEqual(self.flushLoggedErrors(), [])

    def get(self, path: str, *fields: str, site: Any = None) -> bytes:
        """Send a request and return the response."""
        assert self.service is not None
        protocol: Any = (site or self.service.parts.site).buildProtocol(IPv4Address("TCP", "127.0.0.1", 5))
        transport = StringTransport(peerAddress=IPv4Address("TCP", "127.0.0.1", 5))
        protocol.makeConnection(transport)
        protocol.dataReceived("\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *fields, "", ""]).encode())
        response: bytes = transport.value()
        protocol.connectionLost(None)
        return response

    def reload(self, **changes: Any) -> str:
        """Reload with changed settings and return what was logged."""
        assert self.service is not None
        self.wanted = evolve(self.settings, **changes)
        with capturedLogs() as events:
            self.service.reload()
        return "\n".join(str(formatEvent(event)) for event in events)

    def test_start(self) -> None:
        """It connects, listens on loopback, and says so when both are under way."""
        service = self.start()
        self.assertEqual(len(self.proxy.connections), 1)
        port, _, _, interface = self.reactor.tcpServers[0]
        self.assertEqual((port, interface), (8082, "127.0.0.1"))
        self.assertEqual(service.parts.listener.url, "http://127.0.0.1:8082")
        self.assertEqual(self.notifier.states, ["READY=1"])
        self.assertIn(b'"status": "ok"', self.get("/api/health"))

    def test_second_port(self) -> None:
        """The Genesys dialect may have a port of its own, which serves nothing else."""
        service = self.start(genesys_port=8086)
        (_, first, _, _), (port, site, _, interface) = self.reactor.tcpServers
        self.assertEqual((port, interface), (8086, "127.0.0.1"))
        self.assertEqual([listener.port for listener in service.parts.listeners], [8082, 8086])
        for path, code in (("/wait?id=x", b" 204 "), ("/api/health", b" 404 ")):
            self.assertIn(code, self.get(path, site=site))
        self.assertIn(b" 204 ", self.get("/wait?id=x", site=first))

    def test_port_taken(self) -> None:
        """A port that is taken ends the start with an error, which is in the log too."""
        self.reactor.taken = errno.EADDRINUSE
        with capturedLogs() as events:
            error = self.assertRaises(CannotServe, self.start)
        self.assertIn("http_port: 8082 is taken on 127.0.0.1", str(error))
        self.assertIn(str(error), "\n".join(str(formatEvent(event)) for event in events))
        self.assertEqual(self.notifier.states, [])
        self.reactor.settle()
        self.service, service = None, cast(GatewayService, self.service)
        stopped = service.stopService()
        self.reactor.run_for(1)
        self.successResultOf(stopped)

    def test_stop(self) -> None:
        """It says that it stops, closes everything and leaves no timer."""
        self.start()
        self.successResultOf(self.stop())
        self.assertEqual(self.notifier.states, ["READY=1", "STOPPING=1"])
        self.assertEqual(self.proxy.open_connections, 0)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_stop_while_starting(self) -> None:
        """It stops at once while the store is still opened, and closes it; what it has taken up by then is let go."""
        opening: Deferred[None] = Deferred()
        for late in (False, True):
            store, opening = MemoryStore("test"), Deferred()
            closed: list[bool] = []
            self.patch(store, "open", lambda opening=opening: opening)
            self.patch(store, "close", lambda closed=closed: closed.append(True) or succeed(None))
            self.patch(composition, "state_store", lambda *_, store=store: store)
            self.start()
            self.assertEqual(self.reactor.tcpServers, [])
            if late:
                self.successResultOf(self.stop())
                opening.callback(None)
            else:
                stopped = self.stop()
                opening.errback(StoreUnavailable("it was closed"))
                self.successResultOf(stopped)
            self.assertEqual((closed, self.reactor.tcpServers, self.notifier.states), ([True], [], ["STOPPING=1"]))
            self.notifier.states.clear()
            self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_watchdog(self) -> None:
        """A watchdog runs while the service does, and ends with it."""
        self.notifier = Told(watchdog_seconds=2.0)
        self.start()
        self.reactor.run_for(1)
        self.successResultOf(self.stop())
        self.assertIn("WATCHDOG=1", self.notifier.states)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_reload(self) -> None:
        """What can change changes: trust, operator token, log level with SIP trace, access log."""
        service = self.start(operator_loopback=True)
        origin = "Origin: https://desk.example.org"
        self.assertNotIn(b"Access-Control-Allow-Origin", self.get("/api/health", origin))
        self.assertIn(b"200 OK", self.get("/api/agents"))
        text = self.reload(
            allowed_origins=("https://desk.example.org",),
            operator_token="t",
            operator_loopback=False,
            log_level="debug",
            access_log=True,
            trace_data=True,
        )
        self.assertIn(
            "changed: access_log, allowed_origins, log_level, operator_loopback, operator_token, trace_data", text
        )
        self.assertIn(b"https://desk.example.org", self.get("/api/health", origin))
        self.assertIn(b" 401 ", self.get("/api/agents"))
        self.assertIn(b"200 OK", self.get("/api/agents", "Authorization: Bearer t"))
        self.assertTrue(service.parts.agent.trace and service.parts.agent.trace_data)
        self.assertEqual(self.notifier.states[-2:], ["RELOADING=1", "READY=1"])

    def test_reload_of_pages(self) -> None:
        """What the softphone may offer changes with the settings, and its policy with that."""
        self.start()
        self.assertNotIn(b"wasm-unsafe-eval", self.get("/softphone/"))
        text = self.reload(auto_answer="headers", noise_suppression=True)
        self.assertIn("changed: auto_answer, noise_suppression", text)
        self.assertIn(b"script-src 'self' 'wasm-unsafe-eval';", self.get("/softphone/"))
        answer = self.get("/softphone/settings.json")
        self.assertIn(b'"autoAnswer": true', answer)
        self.assertIn(b'"noiseSuppression": true', answer)

    def test_reload_of_the_rest(self) -> None:
        """What cannot change stays, and is named."""
        service = self.start()
        text = self.reload(http_port=1, sip_connections=2, max_calls=2)
        self.assertIn("changed: max_calls", text)
        self.assertIn("a restart is needed for: http_port, sip_connections", text)
        self.assertEqual(service.settings, evolve(self.settings, max_calls=2))
        self.assertIn(b'"connections_total": 1', self.get("/api/health"))

    def test_reload_with_faults(self) -> None:
        """A configuration with faults changes nothing, and is explained."""
        service = self.start()
        self.wanted = ConfigError((Fault("http_port", "a number", "'x'", "file"),))
        with capturedLogs() as events:
            service.reload()
        self.assertIn("http_port: expected a number; found 'x' (file)", "\n".join(map(str, map(formatEvent, events))))
        self.assertEqual(self.notifier.states[-1], "READY=1")

    def test_signal(self) -> None:
        """SIGHUP asks the reactor for a reload."""
        service = self.start()
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
        service.catch_hangup_signal()
        os.kill(os.getpid(), signal.SIGHUP)
        self.assertEqual(self.reactor.from_threads, [service.reload])

    def test_access_log(self) -> None:
        """Requests are logged when that is wanted, without the password."""
        self.start(access_log=True)
        with capturedLogs() as events:
            self.get("/api/webrtc/sign_in?id=a&password=hunter2")
        text = "\n".join(str(formatEvent(event)) for event in events)
        self.assertIn("127.0.0.1 GET /api/webrtc/sign_in?id=a&password=***", text)
        self.assertNotIn("hunter2", repr(events))

    def test_demo(self) -> None:
        """With the demo its PBX is the only proxy, and the root leads to the softphone."""
        self.reactor.proxy(FREE_PORT)
        service = self.start(demo=DemoPBX(self.reactor, with_media=False))
        self.assertEqual(service.settings.domain, "demo.invalid")
        self.assertEqual([str(url) for url in service.settings.proxies], [f"ws://127.0.0.1:{FREE_PORT}/"])
        self.assertIn(b"/softphone/", self.get("/"))
        self.assertIn(b'"dn": "5001"', self.get("/softphone/settings.json"))
        self.assertIn("a restart is needed for: http_port", self.reload(http_port=1))


class ListenerTests(SynchronousTestCase):
    """The HTTP listener."""

    def test_urls(self) -> None:
        """The URL is one that works on this machine, whatever is listened on."""
        for interface, url in (
            ("", "http://127.0.0.1:1"),
            ("0.0.0.0", "http://127.0.0.1:1"),
            ("::", "http://[::1]:1"),
            ("2001:db8::1", "http://[2001:db8::1]:1"),
            ("192.0.2.1", "http://192.0.2.1:1"),
        ):
            listener = HTTPListener(cast(IReactorTCP, Network()), interface, 1, cast(Any, None))
            self.assertEqual(listener.url, url)

    def test_cannot_listen(self) -> None:
        """Why it cannot listen is told by the key to change."""
        for number, interface, text in (
            (errno.EACCES, "127.0.0.1", "http_port: this user may not listen on 80"),
            (errno.EADDRNOTAVAIL, "192.0.2.1", "http_interface: 192.0.2.1 is no address of this machine"),
            (errno.EAFNOSUPPORT, "::1", "http_interface: this machine has no addresses"),
            (errno.EMFILE, "", "http_interface, http_port: cannot listen on all addresses, port 80 (Too many"),
        ):
            reactor = Reactor()
            reactor.taken = number
            listener = HTTPListener(cast(IReactorTCP, reactor), interface, 80, cast(Any, None))
            self.assertIn(text, str(self.assertRaises(CannotServe, listener.startService)))

    def test_never_started(self) -> None:
        """Stopping what never listened is fine."""
        listener = HTTPListener(cast(IReactorTCP, Network()), "", 1, cast(Any, None))
        self.successResultOf(listener.stopService())
        self.assertTrue(IService.providedBy(listener))
