"""A 2xx that waits for its ACK: when it is repeated, for how long, and which ACK counts."""

from twisted.trial.unittest import SynchronousTestCase

from tests.support.corepair import ANSWER
from tests.support.tokens import CountingTokens
from wrtcgw.sip.message import Headers, Request
from wrtcgw.sip.outputs import Send
from wrtcgw.sip.settings import UASettings
from wrtcgw.sip.timers import Timers
from wrtcgw.sip.transaction_layer import TransactionLayer
from wrtcgw.sip.usages.ack_wait import UnackedAnswer


def request(method: str, number: int) -> Request:
    """Make a request of the far side."""
    headers = Headers(
        (
            ("Via", f"SIP/2.0/WS far.invalid;branch=z9hG4bK{method}{number}"),
            ("From", "<sip:far@example.org>;tag=far"),
            ("To", "<sip:alice@example.org>;tag=ours"),
            ("Call-ID", "one"),
            ("CSeq", f"{number} {method}"),
        )
    )
    return Request(method, "sip:alice@gw.invalid", headers)


class UnackedAnswerTests(SynchronousTestCase):
    """The repetition of one 2xx."""

    def make(self, timers: Timers | None = None) -> None:
        """Send a 2xx to an INVITE with CSeq number 7."""
        self.layer = TransactionLayer(
            UASettings(domain="example.org", instance="gw"), timers or Timers(), CountingTokens()
        )
        self.layer.flow(0).connected = True
        self.acks: list[Request] = []
        self.lost = 0
        server = self.layer.receive_request(0, request("INVITE", 7))
        assert server is not None
        response = server.response(200)
        response.body = ANSWER
        self.unacked = UnackedAnswer(self.layer, server, response, self.acks.append, self.lose)

    def lose(self) -> None:
        """Count a 2xx that was given up."""
        self.lost += 1

    def times_of_sending(self, until: float) -> list[float]:
        """Let time pass; return when something was sent."""
        times = [self.layer.now] * len(self.layer.outputs)
        while (deadline := self.layer.deadlines.next()) is not None and deadline <= until:
            self.layer.now = deadline
            before = len(self.layer.outputs)
            for owner, name in self.layer.deadlines.due(deadline):
                owner.on_timer(name)
            times += [deadline] * (len(self.layer.outputs) - before)
        return times

    def test_intervals(self) -> None:
        """It is repeated after T1, 2·T1, … with T2 as the longest interval, and given up after 64·T1."""
        self.make()
        expected = [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
        self.assertEqual(self.times_of_sending(100), expected)
        self.assertEqual(self.lost, 1)
        self.assertEqual(len({output.text for output in self.layer.outputs if isinstance(output, Send)}), 1)
        self.assertIsNone(self.layer.deadlines.next())

    def test_short_timers(self) -> None:
        """The values are those of the timers it is given."""
        self.make(Timers(t1=0.1, t2=0.2))
        self.assertEqual([round(when, 1) for when in self.times_of_sending(0.75)], [0, 0.1, 0.3, 0.5, 0.7])

    def test_acknowledged(self) -> None:
        """The ACK of its INVITE ends the repetition; that of another one does not."""
        self.make()
        self.assertFalse(self.unacked.receive(request("ACK", 6)))
        self.assertEqual(self.acks, [])
        ack = request("ACK", 7)
        self.assertTrue(self.unacked.receive(ack))
        self.assertEqual(self.acks, [ack])
        self.assertEqual(self.times_of_sending(100), [0])
        self.assertEqual(self.lost, 0)

    def test_late_ack(self) -> None:
        """An ACK after 31 s is in time (third-party call control)."""
        self.make()
        self.times_of_sending(31)
        self.layer.now = 31
        self.assertTrue(self.unacked.receive(request("ACK", 7)))
        self.times_of_sending(100)
        self.assertEqual(self.lost, 0)

    def test_stopped(self) -> None:
        """Stopped, it is silent for good."""
        self.make()
        self.unacked.stop()
        self.assertEqual(self.times_of_sending(100), [0])
        self.assertEqual(self.lost, 0)

    def test_again_now(self) -> None:
        """It can be sent once more at any time, which does not shift the others."""
        self.make()
        self.unacked.resend()
        self.assertEqual(self.times_of_sending(2), [0, 0, 0.5, 1.5])
