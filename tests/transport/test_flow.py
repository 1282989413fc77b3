"""Flows that get lost and come back: recovery, fail-over, and what the log says of it; in virtual time."""

import random
from typing import Any

from twisted.logger import LogLevel, capturedLogs
from wsproto.events import CloseConnection

from tests.support.service import ServiceCase
from tests.support.wsproxy import Mood


class Recovery(ServiceCase):
    """Losses, and the way back; the longest waits that jitter may draw."""

    def assert_back(self, since: float, within: float) -> None:
        """Check that the gateway could register again in time."""
        self.assertEqual(self.gateway.told[-3:], [("connected", 0), ("disconnected", 0), ("connected", 0)])
        self.assertLessEqual(self.gateway.up[-1] - since, within)

    def test_restart(self) -> None:
        """After a restart of the proxy the flow is back within the first wait."""
        self.start()
        self.network.run_for(20)
        self.first.restart()
        self.network.run_for(2)
        self.assert_back(20, 1.5)

    def test_malformed_frames(self) -> None:
        """After frames that end the connection the flow is back in less than 2 s, each time (control frames)."""
        self.start()
        self.network.run_for(3)
        for frame in (b"\x09\x00", b"\x89\x7e\x00\x7e" + bytes(126), b"\xc9\x00", b"\x8b\x81abcdx"):
            since = self.network.seconds()
            self.first.connections[-1].send_raw(frame)
            self.network.run_for(2)
            self.assert_back(since, 1.9)

    def test_down_for_long(self) -> None:
        """After a long outage the flow is back within the longest wait."""
        self.start()
        self.network.run_for(20)
        self.first.restart()
        self.first.mood = Mood.DOWN
        self.network.run_for(600)
        self.first.mood = Mood.WELL
        self.network.run_for(6)
        self.assert_back(620, 5)

    def test_black_hole(self) -> None:
        """A network that swallows all for 20 s is noticed, and 30 s after its begin we are registered again."""
        for offset in (0, 1, 5, 9.75, 13):
            gateway = self.start()
            self.network.run_for(offset)
            begin = self.network.seconds()
            self.first.mood = Mood.UNREACHABLE
            self.network.run_for(20)
            self.assertEqual(gateway.told[-1], ("disconnected", 0))
            self.first.mood = Mood.WELL
            self.network.run_for(10)
            self.assert_back(begin, 30)
            self.successResultOf(self.stop())

    def test_stopped_proxy(self) -> None:
        """A proxy under SIGSTOP still completes TCP: handshakes time out, and after SIGCONT we are back soon."""
        self.start()
        self.network.run_for(3)
        self.first.mood = Mood.SILENT
        self.network.run_for(60)
        self.assertEqual(self.gateway.told[-1], ("disconnected", 0))
        self.assertTrue(all(connection.wire.aborted for connection in self.first.connections[:-1]))
        self.first.mood = Mood.WELL
        self.network.run_for(11)
        self.assert_back(63, 10)

    def test_spread(self) -> None:
        """When a proxy comes back, many flows come back spread over time, from the first attempt on."""
        gateway = self.start(flows=200, uniform=random.Random(1).uniform)
        self.network.run_for(20)
        gateway.up.clear()
        self.first.restart()
        self.network.run_for(1.1, step=0.01)
        self.assertEqual(len(gateway.up), 200)
        for tenth in range(10):
            arrived = sum(tenth * 0.1 <= at - 20 < tenth * 0.1 + 0.1 for at in gateway.up)
            self.assertTrue(10 <= arrived <= 35, f"{arrived} of 200 in one tenth of a second")

    def test_no_storm_at_a_dead_proxy(self) -> None:
        """A proxy that throws us out at once is tried ever more slowly."""
        self.start()
        self.first.greeting.append(CloseConnection(1013, "overload"))
        self.first.last.cut()
        self.network.run_for(60)
        self.assertLess(self.first.attempts, 30)
        self.first.greeting.clear()


class FailOver(ServiceCase):
    """Two proxies."""

    def test_first_down(self) -> None:
        """When the first proxy is down the second one is used."""
        self.first.mood = Mood.DOWN
        self.start(80, 81)
        self.network.run_for(1.5)
        self.assertEqual((self.second.open_connections, self.first.attempts), (1, 1))

    def test_no_flapping(self) -> None:
        """The flow stays with the second proxy when the first one recovers, also over a short loss."""
        self.first.mood = Mood.DOWN
        self.start(80, 81)
        self.network.run_for(60)
        self.first.mood = Mood.WELL
        self.network.run_for(60)
        self.second.last.cut()
        self.network.run_for(30)
        self.assertEqual((self.first.attempts, self.second.open_connections), (1, 1))

    def test_back_to_the_first(self) -> None:
        """When the second proxy dies, the first one gets its turn again."""
        self.first.mood = Mood.DOWN
        self.start(80, 81)
        self.network.run_for(60)
        self.first.mood, self.second.mood = Mood.WELL, Mood.UNREACHABLE
        self.network.run_for(30)
        self.assertEqual(self.first.open_connections, 1)

    def test_dying_between_challenge_and_answer(self) -> None:
        """A proxy that dies right after the connection opened is left for the other one."""
        self.start(80, 81)
        self.first.mood = Mood.SILENT
        self.first.last.cut()
        self.network.run_for(2)
        self.assertEqual(self.second.open_connections, 1)


class Reports(ServiceCase):
    """What an operator reads."""

    def lines(self, logs: Any, level: LogLevel = LogLevel.warn) -> list[str]:
        """Return our lines of that level, filled in."""
        ours = [event for event in logs if event["log_level"] is level and "wrtcgw" in event["log_namespace"]]
        return [event["log_format"].format(**event) for event in ours]

    def test_refused_handshake(self) -> None:
        """A refused handshake is named with its status, and repeated ever more rarely while it stays the same."""
        self.first.mood = Mood.REFUSING
        with capturedLogs() as logs:
            self.start()
            self.network.run_for(60)
        lines = self.lines(logs)
        text = "flow 0: cannot connect to ws://proxy.example.org/: WebSocket handshake refused: HTTP 403 Forbidden"
        self.assertEqual(lines[0], text + " (attempt 1)")
        self.assertGreater(self.first.attempts, 10)
        self.assertEqual([line.split()[-1] for line in lines], ["1)", "2)", "4)", "8)", "16)"])

    def test_limit_of_connections(self) -> None:
        """When a proxy takes only so many connections, the flows that got one work, and the log tells of the others."""
        gateway = self.start(flows=2)
        self.first.mood = Mood.REFUSING
        self.first.last.cut()
        with capturedLogs() as logs:
            self.network.run_for(3)
        self.assertIn("flow 1: cannot connect", self.lines(logs)[-1])
        self.first.connections[0].text("still here")
        self.network.settle()
        self.assertEqual(gateway.told[-1], ("received", 0, "still here"))

    def test_changing_errors(self) -> None:
        """Another reason, and the return to a working connection, are told at once."""
        self.first.mood = Mood.DOWN
        with capturedLogs() as logs:
            self.start()
            self.network.run_for(20)
            self.first.mood = Mood.SILENT
            self.network.run_for(8)
            self.first.mood = Mood.WELL
            self.network.run_for(11)
        self.assertIn("no open WebSocket within 5 s (attempt 1)", self.lines(logs)[-1])
        self.assertEqual(self.lines(logs, LogLevel.info)[-1], "flow 0: connected to ws://proxy.example.org/")

    def test_loss(self) -> None:
        """A lost connection is told with its reason."""
        with capturedLogs() as logs:
            self.start()
            self.first.last.cut()
            self.network.settle()
        self.assertEqual(
            self.lines(logs), ["flow 0: lost ws://proxy.example.org/: TCP was closed without a word (attempt 1)"]
        )

    def test_state(self) -> None:
        """Each flow knows its proxy, whether it is up, and the last error."""
        self.first.mood = Mood.REFUSING
        self.start(80, 81)
        assert self.service is not None
        (flow,) = self.service.flows
        self.assertIn("HTTP 403", flow.last_error)
        self.assertEqual((flow.transport, flow.target.name), (None, "ws://proxy.example.org:81/"))
        self.assertEqual(repr(flow), "<flow 0 to ws://proxy.example.org:81/>")
        self.network.run_for(1.5)
        self.assertEqual(flow.last_error, "")
