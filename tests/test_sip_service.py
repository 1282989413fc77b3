"""The service between the gateway and the proxies: feeding, timing, stopping; in memory and in virtual time."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs

from tests.support.service import REGISTER, ServiceCase
from tests.support.wsproxy import Mood
from wrtcgw.transport.flow import Target


class Feeding(ServiceCase):
    """What goes in and out while all is well."""

    def test_connect(self) -> None:
        """The gateway is told of the flow and can send on it at once."""
        gateway = self.start()
        self.assertEqual(gateway.told, [("connected", 0)])
        self.assertEqual(self.first.last.texts, [REGISTER])

    def test_receive(self) -> None:
        """Each message is handed to the gateway with its flow, keep-alives are not."""
        gateway = self.start(flows=2)
        for connection, text in zip(self.first.connections, ("one", "two"), strict=True):
            connection.text("\r\n\r\n")
            connection.text(text)
        self.network.settle()
        self.assertEqual(gateway.told[2:], [("received", 0, "one"), ("received", 1, "two")])

    def test_pool(self) -> None:
        """The flows are connections of their own: the loss of one leaves the others."""
        gateway = self.start(flows=3)
        assert self.service is not None
        self.assertEqual((self.first.open_connections, self.service.flows_up), (3, 3))
        self.first.connections[1].cut()
        self.network.settle()
        self.assertEqual((gateway.told[3:], self.service.flows_up), ([("disconnected", 1)], 2))
        self.network.run_for(2)
        self.assertEqual(gateway.told[4:], [("connected", 1)])

    def test_send_without_connection(self) -> None:
        """A message for a flow that is not connected is dropped: the core repeats what matters when it is up again."""
        self.first.mood = Mood.DOWN
        self.start().send(0, "OPTIONS lost")
        self.first.restart()
        self.network.run_for(10)
        self.assertEqual(self.first.last.texts, [REGISTER])

    def test_gateway_fault(self) -> None:
        """An exception of the gateway is logged, and the next message is served."""
        gateway = self.start()
        self.first.last.text("boom")
        self.first.last.text("next")
        self.network.settle()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(gateway.told[1:], [("received", 0, "next")])

    def test_secure(self) -> None:
        """The gateway is told whether a flow is encrypted, since that stands in Via."""
        gateway = self.start()
        self.assertFalse(gateway.secure)
        assert self.service is not None
        (flow,) = self.service.flows
        flow.targets = [Target("wss://proxy.example.org/", flow.target.endpoint, secure=True)]
        self.first.last.cut()
        self.network.run_for(3)
        self.assertTrue(gateway.secure)

    def test_reported_fault(self) -> None:
        """A bug that the gateway survived by itself is logged with its traceback."""
        self.start().report(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_trace(self) -> None:
        """With ``trace`` messages are logged in both directions, without their secrets."""
        with capturedLogs() as logs:
            self.start(trace=True)
            self.first.last.text(REGISTER)
            self.network.settle()
        messages = [event["text"] for event in logs if "text" in event]
        self.assertEqual(len(messages), 2)
        for message in messages:
            self.assertIn("REGISTER sip:example.org", message)
            self.assertNotIn("0123456789abcdef", message)

    def test_attached_data(self) -> None:
        """What users attached to a call shows its size only, unless the operator wants to see it."""
        message = "INFO sip:1@example.org SIP/2.0\r\nX-Data-name: J%C3%BCrgen\r\n\r\nname=J\u00fcrgen"
        self.start(trace=True)
        for shown in (False, True):
            assert self.service is not None
            self.service.trace_data = shown
            with capturedLogs() as logs:
                self.first.last.text(message)
                self.network.settle()
            (text,) = (event["text"] for event in logs if "X-Data-name: " in event.get("text", ""))
            self.assertEqual(text == message, shown)
            self.assertEqual("X-Data-name: (11 bytes)\r\n\r\n(12 bytes)" in text, not shown)


class Timing(ServiceCase):
    """The one timer."""

    def timers(self) -> list[float]:
        """Return when the service's timer goes off; the other timer is the connection's ping."""
        calls: Any = self.network.getDelayedCalls()
        return sorted(call.getTime() for call in calls if getattr(call.func, "__name__", "") == "_wake")

    def set(self, deadline: float | None) -> None:
        """Give the gateway a deadline, as one of its entries would."""
        self.gateway.deadline = deadline
        self.gateway.rearm()

    def test_tick(self) -> None:
        """The gateway is woken at its deadline, once."""
        gateway = self.start()
        self.set(3.5)
        self.network.run_for(10)
        self.assertEqual(gateway.ticks, [3.5])

    def test_one_timer(self) -> None:
        """An earlier deadline moves the timer, a later one leaves it for the wake-up to move, none removes it."""
        self.start()
        for deadline, expected in ((5.0, [5.0]), (4.0, [4.0]), (9.0, [4.0]), (None, []), (6.0, [6.0])):
            self.set(deadline)
            self.assertEqual(self.timers(), expected)
        self.set(8.0)
        self.network.run_for(7)
        self.assertEqual(self.timers(), [8.0])

    def test_deadline_in_the_past(self) -> None:
        """A deadline that has passed is served at once, not inside of the entry that set it."""
        gateway = self.start()
        self.network.run_for(1)
        self.set(0.5)
        self.assertEqual(gateway.ticks, [])
        self.network.settle()
        self.assertEqual(gateway.ticks, [1.0])

    def test_deadline_before_start(self) -> None:
        """What was due before the service started is served when it does, and nothing ticks after it stopped."""
        gateway = self.start()
        self.successResultOf(self.stop_now())
        self.set(1.0)
        self.assertEqual(self.timers(), [])
        self.assertEqual(gateway.ticks, [])

    def stop_now(self) -> "Deferred[object]":
        """Stop and let the WebSockets close."""
        stopped = self.stop()
        self.network.settle()
        return stopped

    def test_fault_in_tick(self) -> None:
        """An exception in the gateway's tick does not stop its clock."""
        gateway = self.start()
        faults = [ZeroDivisionError()]

        def tick() -> None:
            gateway.deadline = 4.0 if faults else None
            gateway.ticks.append(self.network.seconds())
            if faults:
                raise faults.pop()

        gateway.tick = tick  # type: ignore[method-assign]
        self.set(2.0)
        self.network.run_for(5)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(gateway.ticks, [2.0, 4.0])


class Stopping(ServiceCase):
    """The clean end."""

    def test_drain_then_close(self) -> None:
        """Calls and registrations end while the WebSocket is open, then it is closed by the book."""
        gateway = self.start()
        gateway.drained = Deferred()
        stopped = self.stop()
        self.network.run_for(1)
        gateway.send(0, "BYE")
        self.network.settle()
        self.assertEqual((self.first.last.texts[-1], self.first.last.close_code), ("BYE", None))
        with capturedLogs() as logs:
            gateway.drained.callback(None)
            self.network.settle()
        self.successResultOf(stopped)
        self.assertEqual(self.first.last.close_code, 1000)
        self.assertEqual(gateway.told[-2:], [("drain",), ("disconnected", 0)])
        self.assertEqual([event["log_level"] for event in logs], [LogLevel.info])

    def test_drain_limit(self) -> None:
        """A far side that confirms nothing is not waited for longer than the limit."""
        gateway = self.start(drain_timeout=3.0)
        gateway.drained = Deferred()
        stopped = self.stop()
        self.network.run_for(2.75)
        self.assertNoResult(stopped)
        self.network.run_for(0.25)
        self.successResultOf(stopped)
        self.assertEqual(self.first.open_connections, 0)

    def test_drain_fails(self) -> None:
        """A fault in draining is logged, and the WebSockets are closed all the same."""
        self.start().drained = ZeroDivisionError()
        self.successResultOf(self.stop())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.first.open_connections, 0)

    def test_without_connection(self) -> None:
        """Without a connection there is nothing to wait for, wherever an attempt is."""
        for mood in (Mood.DOWN, Mood.SILENT, Mood.UNREACHABLE):
            self.first.mood = mood
            with capturedLogs() as logs:
                self.start().drained = Deferred()
                stopped = self.stop()
            self.successResultOf(stopped)
            failed = [event for event in logs if "cannot connect" in event.get("what", "")]
            self.assertEqual(failed, [], "a cancelled attempt is no failure")
        self.assertEqual(self.first.open_connections, 0)

    def test_written_without_connection(self) -> None:
        """Where calls survive, what is to be written is waited for, whether a proxy can be reached or not."""
        self.first.mood = Mood.DOWN
        gateway = self.start(survives=True)
        gateway.drained = Deferred()
        stopped = self.stop()
        self.network.run_for(1)
        self.assertNoResult(stopped)
        gateway.drained.callback(None)
        self.network.settle()
        self.successResultOf(stopped)

    def test_dead_peer(self) -> None:
        """A proxy that hangs cannot hold the stop up."""
        self.start()
        self.first.mood = Mood.SILENT
        stopped = self.stop()
        self.network.run_for(2)
        self.successResultOf(stopped)
