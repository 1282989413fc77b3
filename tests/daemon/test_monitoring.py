"""What looks on in a whole service: recorder, history, meters, sampler, and what operators may set."""

import gc
import json
from typing import Any, cast

from attrs import evolve
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IReactorTCP
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import ILogObserver, LogLevel, LogPublisher
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from tests.calls.test_registry import a_call, an_agent
from tests.capture.support import EPOCH, kept, recorder, request, response
from tests.daemon.test_service import ENVIRON, Reactor, Told
from tests.support.scraped import Scraped
from tests.support.service import REGISTER, ServiceCase
from wrtcgw.calls.call import CallState
from wrtcgw.calls.registry import Registry
from wrtcgw.capture.history import History
from wrtcgw.config import load
from wrtcgw.daemon.counting import Counting
from wrtcgw.daemon.event_recorder import EventRecorder
from wrtcgw.daemon.operator_control import Console
from wrtcgw.daemon.pauses import CollectorWatch
from wrtcgw.daemon.sampler import Sampler
from wrtcgw.daemon.service import GatewayService
from wrtcgw.events.catalogue import (
    CallBegan,
    CallChanged,
    ConnectionDown,
    ConnectionUp,
    PageAnswered,
    PageAsked,
    PageBack,
    PageHungUp,
    SIPMessageReceived,
    SIPMessageSent,
)
from wrtcgw.events.stream import EventStream
from wrtcgw.meters.meters import Meters
from wrtcgw.sip.core import UACore
from wrtcgw.sip.outputs import OfferWithdrawn
from wrtcgw.web import GatewaySite


class PassingTests(ServiceCase):
    """What passes on the connections is seen, in both directions."""

    def test_messages(self) -> None:
        """Each message is seen with its flow, before anyone acts on it; so is a connection that comes or goes."""
        seen: list[Any] = []

        self.events.subscribe_to_all(seen.append)
        gateway = self.start()
        seen.clear()
        self.first.last.text("SIP/2.0 200 OK")
        self.network.settle()
        self.first.last.cut()
        self.network.settle()
        gateway.send(0, "BYE x")
        self.network.run_for(5)
        self.assertEqual(
            seen,
            [
                SIPMessageReceived(0, "SIP/2.0 200 OK"),
                ConnectionDown(0),
                SIPMessageSent(0, "BYE x", carried=False),
                ConnectionUp(0),
                SIPMessageSent(0, REGISTER),
            ],
        )


class ClerkTests(SynchronousTestCase):
    """The event_recorder by itself; with calls it is tested in tests.web.ops."""

    def setUp(self) -> None:
        clock = Clock()
        self.stream = EventStream()
        self.recorder = recorder(clock)
        self.meters = Meters()
        core = cast(UACore, None)
        self.event_recorder = EventRecorder(core, self.recorder, History(5), clock.seconds, lambda: EPOCH)
        self.event_recorder.subscribe_to(self.stream)
        Counting(self.meters, clock.seconds, lambda: EPOCH).subscribe_to(self.stream)

    def test_counts(self) -> None:
        """Messages are counted also while nothing is recorded."""
        self.recorder.on = False
        self.stream.publish(SIPMessageSent(0, request("INVITE", "c")))
        self.stream.publish(SIPMessageReceived(0, response(200, "OK", "c")))
        self.stream.publish(SIPMessageReceived(0, "garbage"))
        self.assertEqual((self.meters.counters.sip_out, self.meters.counters.sip_in), (1, 2))
        self.assertEqual(self.recorder.size, 0)

    def test_pages(self) -> None:
        """While nothing is recorded nobody wants events of what pages ask; a request under way then leaves nothing."""
        of_pages = (PageAsked, PageAnswered, PageHungUp)  # deliveries are counted all the same

        def wanted() -> set[bool]:
            return {self.stream.wants(kind) for kind in of_pages}

        self.assertEqual(wanted(), {True})
        asked = PageAsked(request=self, dn="1", agent_id="a", method=b"GET", uri=b"/", headers=Headers(), body=b"")
        self.stream.publish(asked)
        self.assertEqual(len(self.event_recorder._asked), 1)
        self.event_recorder.switch(False)
        self.assertEqual((wanted(), self.event_recorder._asked), ({False}, {}))
        self.event_recorder.switch(False)
        self.event_recorder.switch(True)
        self.event_recorder.switch(True)
        self.stream.publish(asked)
        self.assertEqual((wanted(), len(self.event_recorder._asked)), ({True}, 1))

    def test_own_fault(self) -> None:
        """What goes wrong in recording is logged, and the message goes its way."""
        self.recorder._begin = None  # type: ignore[assignment,method-assign]
        self.stream.publish(SIPMessageReceived(0, request("INVITE", "c")))
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_own_faults(self) -> None:
        """So it is with all that it is told: a call does not suffer from a recorder that fails."""
        self.recorder.note = self.recorder.note_flow = self.recorder.opened = None  # type: ignore[assignment,method-assign]
        agent, call = an_agent(), a_call()
        agent.calls[call.id] = call
        heard: list[object] = []
        self.stream.subscribe_to_all(heard.append)
        every = (
            CallBegan(agent, call, "c"),
            CallChanged(call, CallState.OFFERED, CallState.ESTABLISHED),
            PageBack(agent, 9.0),
            ConnectionUp(0),
            ConnectionDown(0),
            OfferWithdrawn("c1"),
        )
        for event in every:
            self.stream.publish(event)
        self.assertEqual(heard, list(every))
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 6)


class SamplerTests(SynchronousTestCase):
    """The timer."""

    def test_samples(self) -> None:
        """A sample is taken each second, and says by how much the event loop was late."""
        clock, meters = Clock(), Meters()
        sampler = Sampler(clock, meters, Registry(), lambda: EPOCH + clock.seconds())
        sampler.startService()
        for step in (1, 1, 1.25, 0.75, 1):
            for _ in range(3):
                meters.pages.requests.add("/", "GET", "200")
            clock.advance(step)
        samples = list(meters.series.since(0))
        self.assertEqual([round(sample.lag) for sample in samples], [0, 0, 0, 250, 0, 0])
        self.assertEqual([sample.http for sample in samples], [0, 3, 3, 3, 3, 3])
        self.assertEqual(samples[-1].time, round((EPOCH + 5) * 1000))
        self.successResultOf(sampler.stopService())
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_blocked(self) -> None:
        """A loop that was blocked for seconds is late once."""
        clock, meters = Clock(), Meters()
        sampler = Sampler(clock, meters, Registry(), lambda: EPOCH)
        sampler.startService()
        for step in (1, 3.5, 0.5, 1):
            clock.advance(step)
        self.assertEqual([round(sample.lag) for sample in meters.series.since(0)], [0, 0, 2500, 0, 0])
        self.successResultOf(sampler.stopService())


class CollectorWatchTests(SynchronousTestCase):
    """The watch on the garbage collector."""

    def test_pauses(self) -> None:
        """A collection is measured, in the histogram of its generation; after the stop nobody looks any more."""
        clock, meters = Clock(), Meters()
        watch = CollectorWatch(meters, clock.seconds)
        watch.startService()
        self.addCleanup(setattr, gc, "callbacks", list(gc.callbacks[:-1]))
        gc.collect()
        self.assertEqual([buckets.count for buckets in meters.collections][2], 1)
        watch.notice("start", {"generation": 1})
        clock.advance(0.03)
        watch.notice("stop", {"generation": 1})
        self.assertAlmostEqual(meters.collections[1].sum, 0.03)
        watch.stopService()
        before = meters.collections[2].count
        gc.collect()
        self.assertEqual(meters.collections[2].count, before)


class ServiceTests(SynchronousTestCase):
    """The operators' calls of a whole service."""

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.reactor.proxy(80)
        self.publisher = LogPublisher()
        self.lines: list[Any] = []
        self.publisher.addObserver(cast(ILogObserver, self.lines.append))
        self.start()

    def start(self, **changes: Any) -> None:
        """Start the service."""
        settings = evolve(load(None, ENVIRON)[0], operator_loopback=True, **changes)
        self.service = GatewayService(
            cast(IReactorTCP, self.reactor),
            settings,
            reread=lambda: settings,
            notifier=Told(),
            publisher=self.publisher,
        )
        self.service.startService()
        self.reactor.settle()

    def stop(self) -> None:
        """Stop the service."""
        stopped = self.service.stopService()
        self.reactor.run_for(1)
        self.successResultOf(stopped)

    def tearDown(self) -> None:
        self.stop()
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(self.flushLoggedErrors(), [])

    def ask(self, method: str, path: str, fields: dict[str, Any] | None = None) -> Any:
        """Send a request and return the JSON of its answer."""
        body = json.dumps(fields).encode() if fields is not None else b""
        head = f"{method} /api/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        protocol: Any = self.service.parts.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 5))
        transport = StringTransport(peerAddress=IPv4Address("TCP", "127.0.0.1", 5))
        protocol.makeConnection(transport)
        protocol.dataReceived(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self.reactor.run_for(1)
        answer = json.loads(transport.value().partition(b"\r\n\r\n")[2])
        protocol.connectionLost(None)
        return answer

    def logged(self, level: LogLevel) -> bool:
        """Return whether a line of that level reaches the log."""
        before = len(self.lines)
        self.publisher({"log_level": level, "log_namespace": "x", "log_format": "x", "log_time": 0.0})
        return len(self.lines) > before

    def test_summary(self) -> None:
        """The connection to the proxy is there, up and with its name; samples are taken."""
        self.reactor.run_for(3)
        summary = self.ask("GET", "ops/summary")
        (connection,) = summary["connections"]
        self.assertEqual((connection["target"], connection["up"]), ("ws://proxy.example.org/", True))
        self.assertEqual((summary["capture"]["on"], summary["capture"]["limit"]), (True, 200))
        samples = self.ask("GET", "ops/series")["samples"]
        self.assertGreaterEqual(len(samples), 3)
        self.assertGreater(self.ask("GET", "ops/summary")["rates"]["httpPerSecond"], 0)

    def test_metrics(self) -> None:
        """The series of a whole service are there, those of its tables and of the process included."""
        self.reactor.run_for(3)
        scraped = Scraped.of(self.service.parts.monitoring.exposition.write("")[1].decode())
        self.assertEqual(scraped.get("wrtcgw_sip_connections", state="up"), 1)
        self.assertGreaterEqual(scraped.get("wrtcgw_reactor_lag_seconds_count"), 3)
        self.assertGreater(scraped.get("process_resident_memory_bytes"), 1e6)

    def test_log_level(self) -> None:
        """An operator's level counts for the log and for the trace of SIP, until the next reload."""
        self.assertEqual([self.logged(level) for level in (LogLevel.debug, LogLevel.info)], [False, True])
        self.ask("POST", "ops/log_level", {"level": "debug"})
        self.assertTrue(self.logged(LogLevel.debug))
        self.assertTrue(self.service.parts.agent.trace)
        self.ask("POST", "ops/log_level", {"level": "error"})
        self.assertEqual([self.logged(level) for level in (LogLevel.warn, LogLevel.error)], [False, True])
        self.assertFalse(self.service.parts.agent.trace)
        self.ask("POST", "ops/log_level", {"level": "debug", "component": "sip_service"})
        self.assertFalse(self.logged(LogLevel.debug))
        self.assertTrue(self.service.parts.agent.trace)
        self.assertEqual(self.ask("GET", "ops/summary")["logLevels"], {"sip_service": "debug"})
        self.service.reload()
        self.assertFalse(self.service.parts.agent.trace)
        self.assertEqual(self.ask("GET", "ops/summary")["logLevels"], {})
        self.assertEqual(self.ask("GET", "ops/summary")["logLevel"], "info")
        self.assertTrue(self.logged(LogLevel.info))

    def test_settings(self) -> None:
        """The keys of the configuration count."""
        self.stop()
        self.start(capture=False, capture_calls=7, history_calls=0 + 1, trace_data=True)
        self.assertEqual(self.ask("GET", "ops/summary")["capture"], {"on": False, "calls": 0, "bytes": 0, "limit": 7})
        self.assertTrue(self.service.parts.monitoring.console.show_data)

    def test_both_ports(self) -> None:
        """The port of the dialect's own is recorded and counted as the other one is."""
        self.stop()
        self.start(genesys_port=8086)
        parts = self.service.parts
        assert parts.second is not None
        for _, factory, _, _ in self.reactor.tcpServers[-2:]:
            site = cast(GatewaySite, factory)
            self.assertIs(site.events, parts.gateway.events)


class ConsoleTests(SynchronousTestCase):
    """Capture in the middle of a call."""

    def test_capture(self) -> None:
        """Calls that began while nothing was recorded are recorded from then on; others stay as they are."""
        clock = Clock()
        one = recorder(clock, on=False)

        class Core:
            """Knows one call."""

            def sip_call_id(self, call_id: str) -> str:
                """Return its Call-ID."""
                return f"{call_id}-id"

        registry = Registry()
        event_recorder = EventRecorder(cast(UACore, Core()), one, History(5), clock.seconds, lambda: EPOCH)
        stream = EventStream()
        event_recorder.subscribe_to(stream)
        console = Console(cast(Any, None), registry, event_recorder, "info")
        agent = an_agent()
        registry.add_agent(agent)
        registry.add_call(agent, a_call("c1"))
        stream.publish(SIPMessageSent(0, request("INVITE", "c1-id")))
        self.assertIsNone(one.of_call("c1"))
        console.set_capture(True)
        stream.publish(SIPMessageReceived(0, request("BYE", "c1-id", tag="b")))
        self.assertEqual(kept(one.of_call("c1")), ["capture is on from here", "BYE sip:5001@example.org"])
        console.set_capture(True)
        self.assertEqual(len(kept(one.of_call("c1"))), 2)
        console.set_capture(False)
        stream.publish(SIPMessageReceived(0, response(200, "OK", "c1-id")))
        self.assertEqual(len(kept(one.of_call("c1"))), 2)
