"""Floods of messages for a page that fetches none, or seldom: what is kept is bounded, and calls come first."""

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.support.farside import SDP
from tests.support.gatewaycase import GatewayCase
from tests.web.genesys.dialectcase import PBX_SDP, DialectCase
from tests.web.harness import WebTestCase
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.mailbox import Mailbox
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.daemon.journal import Journal
from wrtcgw.events.catalogue import MessageDropped
from wrtcgw.events.stream import EventStream

LIMIT = 262_144
HUGE = SDP + "a=x-filling:" + "x" * 45_000 + "\r\n"


class Floods(GatewayCase):
    """What a far side can do to the mailbox of an agent."""

    def kinds(self, agent: Agent) -> list[MessageType]:
        """Return the types of what the agent's page has to fetch."""
        return [message.type for message in agent.mailbox.after(0)]

    def text(self, body: str) -> None:
        """Send a text for the agent, outside any call."""
        number, size = self.far._next(), len(body.encode())
        self.far.push(
            f"MESSAGE {self.far.contacts['5001']} SIP/2.0\r\nVia: SIP/2.0/WS far;branch=z9hG4bKm{number}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:spam@example.org>;tag=m\r\nTo: <sip:5001@example.org>\r\n"
            f"Call-ID: text-{number}\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {size}\r\n\r\n{body}"
        )

    def test_calls_without_a_page(self) -> None:
        """Calls with huge descriptions that are given up leave the fact that there was a call, not the description."""
        alice = self.sign_in()
        for number in range(120):
            far = self.far.call("5001", HUGE)
            self.run_for(0.05)
            far.cancel()
            self.run_for(0.05)
            self.assertLessEqual(alice.mailbox.size, LIMIT, number)
        kept = alice.mailbox.after(0)
        self.assertEqual(alice.mailbox.dropped, 0)
        self.assertEqual([message.type for message in kept], [MessageType.OFFER, MessageType.SHUTDOWN] * 120)
        self.assertEqual({message.sdp for message in kept}, {None})

    def test_calls_that_ring(self) -> None:
        """A call that rings keeps its description, whatever comes and goes beside it."""
        alice = self.sign_in()
        self.far.call("5001", HUGE)
        self.run_for()
        for _ in range(20):
            far = self.far.call("5001", HUGE)
            self.run_for(0.05)
            far.cancel()
            self.run_for(0.05)
        first = alice.mailbox.after(0)[0]
        self.assertEqual((first.type, len(first.sdp or "") > 45_000), (MessageType.OFFER, True))

    def test_texts(self) -> None:
        """Any number of texts, short or long, leaves the OFFER of a call that rings where it is, and its end."""
        for body in ("spam " * 100, "x" * 40_000, "\N{PILE OF POO}" * 9_000):
            self.start()
            alice = self.sign_in()
            _, far = self.inbound(alice)
            for _ in range(1_100 if len(body) < 1_000 else 40):
                self.text(body)
            self.run_for()
            self.assertIn(MessageType.OFFER, self.kinds(alice))
            self.assertLessEqual(alice.mailbox.size, LIMIT)
            far.cancel()
            self.run_for()
            self.assertEqual(self.kinds(alice)[-1], MessageType.SHUTDOWN)
            self.assertGreater(alice.mailbox.dropped, 0)
            self.far.strays.clear()  # the responses to the texts

    def test_data_inside_a_call(self) -> None:
        """INFO without end inside one call displaces no OFFER of another."""
        alice = self.sign_in()
        call, far = self.inbound(alice)
        self.describe(alice, call_id=call.id)
        self.messages(alice)
        self.inbound(alice)
        for body in ("x" * 40_000, "Signal=1\r\n"):
            for _ in range(1_100 if len(body) < 100 else 30):
                far.info("application/dtmf-relay" if len(body) < 100 else "text/plain", body)
            self.run_for()
        self.assertIn(MessageType.OFFER, self.kinds(alice))
        self.assertLessEqual(alice.mailbox.size, LIMIT)

    def test_ringing(self) -> None:
        """A far side that rings without end does not displace the OFFER of another call."""
        alice = self.sign_in()
        _, far = self.place(alice)
        self.inbound(alice)
        for _ in range(1_100):
            far.ring()
        self.run_for()
        self.assertIn(MessageType.OFFER, self.kinds(alice))


class Order(SynchronousTestCase):
    """What has to go first."""

    def message(self, kind: MessageType, call_id: str = "", **more: str) -> AgentMessage:
        """Return a message of some size."""
        return AgentMessage(type=kind, call_id=call_id, body="x" * 1_000, **more)  # type: ignore[arg-type]

    def test_order(self) -> None:
        """Talk goes first, then calls that nobody was told of, from beginning to end; a call that is up goes last."""
        box = Mailbox(size=6_500)
        lost: list[tuple[str, str]] = []
        box.lost = lambda message: lost.append((message.type.value, message.call_id))
        box.put(self.message(MessageType.OFFER, "up", state="OFFERED"))
        box.put(self.message(MessageType.SHUTDOWN, "told"))
        box.put(self.message(MessageType.OFFER, "missed", state="OFFERED"))
        box.put(self.message(MessageType.SHUTDOWN, "missed"))
        box.put(self.message(MessageType.HOLD, "other"))
        box.put(self.message(MessageType.DTMF, "other"))
        for _ in range(5):
            box.put(self.message(MessageType.ANSWER, "other"))
        expected = [("DTMF", "other"), ("OFFER", "missed"), ("SHUTDOWN", "missed"), ("HOLD", "other")]
        self.assertEqual(sorted(lost[:4]), sorted(expected))
        self.assertEqual(lost[0], ("DTMF", "other"))
        kept = [(message.type.value, message.call_id) for message in box.after(0)]
        self.assertEqual(kept[:2], [("OFFER", "up"), ("SHUTDOWN", "told")])
        self.assertEqual((len(box), box.size <= 6_500, box.dropped), (len(kept), True, len(lost)))

    def test_delivered_first(self) -> None:
        """What was delivered and is only kept for a page that comes back goes before anything that was not."""
        box = Mailbox(size=3_000)
        for _ in range(2):
            box.put(self.message(MessageType.HOLD, "c"))
        box.delivered(2)
        box.put(self.message(MessageType.HOLD, "c"))
        box.put(self.message(MessageType.HOLD, "c"))
        self.assertEqual(([message.seq for message in box.after(0)], box.dropped), ([2, 3, 4], 0))

    def test_log(self) -> None:
        """What belongs to a call and is lost stands in the log as a warning, with its call."""
        agent = Agent(id="a", dn="5001", since=0.0)
        stream = EventStream()
        Journal().subscribe_to(stream)
        with capturedLogs() as events:
            stream.publish(MessageDropped(agent, self.message(MessageType.OFFER, "c7")))
            stream.publish(MessageDropped(agent, self.message(MessageType.INFO)))
        self.assertEqual([event["log_level"].name for event in events], ["warn", "info"])
        self.assertIn("OFFER of call c7 was dropped", formatEvent(events[0]))
        self.assertIn("mailbox_bytes", formatEvent(events[0]))


class Dialect(DialectCase):
    """The same for the pages of the vendor's kind."""

    def test_failing_calls(self) -> None:
        """A page that makes calls which fail, and never waits, is told of the last of them only."""
        page = self.page()
        for _ in range(120):
            page.offer(to="nobody%20at%20all")
        session = self.surface.genesys._pages.page(page.ssid)  # type: ignore[union-attr]
        assert session is not None
        self.assertEqual(len(session._letters), 100)

    def test_former_waits(self) -> None:
        """Of the waits of an SSID that has signed out one hangs, the newest, and for a minute at most."""
        page = self.page()
        self.get(f"/sign_out?id={page.ssid}")
        self.run_for()
        waits = [page.wait() for _ in range(50)]
        self.assertEqual([wait.hangs for wait in waits], [False] * 49 + [True])
        self.run_for(59)
        self.assertTrue(waits[-1].hangs)
        self.run_for(1.5)
        self.assertFalse(waits[-1].hangs)

    def test_former_pages(self) -> None:
        """What is known of a page holds no descriptions, and one that has signed out leaves no messages behind."""
        page = self.page()
        page.called(PBX_SDP + HUGE[len(SDP) :])
        session = self.surface.genesys._pages.page(page.ssid)  # type: ignore[union-attr]
        assert session is not None
        self.assertGreater(session.agent.mailbox.size, 45_000)
        self.assertEqual((session.far_profiles, session.page_profiles), (("UDP/TLS/RTP/SAVPF",), ()))
        self.assertLess(sum(len(text.text) for text in session._letters), 1_000)
        self.get(f"/sign_out?id={page.ssid}")
        self.run_for()
        self.assertLess(session.agent.mailbox.size, 1_000)


class Streams(WebTestCase):
    """Event streams whose pages do not read."""

    def test_no_reader(self) -> None:
        """What a stream that takes nothing is to be told stays in the mailbox, and within its bounds."""
        token = self.sign_in("a")
        wires = [self.wire() for _ in range(4)]
        for wire in wires:
            wire.get("/api/webrtc/events?id=a", Authorization=f"Bearer {token}")
            producer = wire.transport.producer
            assert producer is not None
            producer.pauseProducing()
        before = [len(wire.received) for wire in wires]
        mailbox = self.gateway.agent("a").mailbox
        for number in range(200):
            self.gateway.put("a", type=MessageType.OFFER, call_id=f"c{number}", sdp="x" * 45_000, state="OFFERED")
        self.clock.advance(60)
        self.assertEqual([len(wire.received) for wire in wires], before)
        self.assertLessEqual(mailbox.size, LIMIT)
        self.assertGreater(mailbox.dropped, 0)
