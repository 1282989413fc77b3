"""The event stream: the same messages as Server-Sent Events."""

import json

from tests.web.harness import SDP, WebTestCase, Wire
from wrtcgw.calls.messages import MessageType

EVENTS = "/api/webrtc/events?id=agent123"


class Streaming(WebTestCase):
    """GET /api/webrtc/events."""

    def setUp(self) -> None:
        super().setUp()
        self.sign_in()

    def listen(self, query: str = "", **headers: str) -> Wire:
        """Open a stream."""
        wire = self.wire()
        wire.get(EVENTS + query, **headers)
        return wire

    def tell(self, *numbers: int) -> None:
        """Put an INFO of each number."""
        for number in numbers:
            self.gateway.put("agent123", type=MessageType.INFO, body=str(number))

    def events(self, wire: Wire) -> list[tuple[int, object]]:
        """Return ids and data of the events that came."""
        told = []
        for block in wire.received.decode().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.split("\n") if line.startswith(("id: ", "data: ")))
            if lines:
                told.append((int(lines["id"]), json.loads(lines["data"])))
        return told

    def bodies(self, wire: Wire) -> str:
        """Return the bodies of the INFOs that came."""
        return "".join(str(data["body"]) for _, data in self.events(wire))  # type: ignore[index]

    def test_head(self) -> None:
        """The head says that it is an event stream which no proxy is to keep back."""
        head = self.listen().received.decode().lower()
        self.assertIn("content-type: text/event-stream", head)
        self.assertIn("x-accel-buffering: no", head)
        self.assertIn("cache-control: no-store", head)
        self.assertIn("retry: 2000\n\n", head)

    def test_page_is_there(self) -> None:
        """The agent has a page for as long as a stream is open."""
        agent = self.gateway.agent("agent123")
        first, second = self.listen(), self.listen()
        self.assertEqual(agent.pages[0].waiting, 2)
        first.lose()
        self.assertTrue(agent.page_alive)
        second.lose()
        self.assertFalse(agent.page_alive)

    def test_each_message(self) -> None:
        """What waits and what comes is told in order, in ROAP's form, with its number as id."""
        self.gateway.put("agent123", type=MessageType.OFFER, call_id="c1", from_="1003", to="agent123", sdp=SDP)
        wire = self.listen()
        self.gateway.put("agent123", type=MessageType.SHUTDOWN, call_id="c1", cause="cancelled", state="ENDED")
        expected = {"callId": "c1", "from": "1003", "to": "agent123"}
        self.assertEqual(
            self.events(wire),
            [
                (1, {"messageType": "OFFER", "seq": 1, **expected, "sdp": SDP}),
                (
                    2,
                    {
                        "messageType": "SHUTDOWN",
                        "seq": 2,
                        **expected,
                        "from": "",
                        "to": "",
                        "cause": "cancelled",
                        "state": "ENDED",
                    },
                ),
            ],
        )
        self.assertEqual(self.ask("GET", "/api/webrtc/message?id=agent123").code, 204)

    def test_last_event_id(self) -> None:
        """A browser that comes back goes on where it was; its header field outdoes the query."""
        self.tell(1, 2, 3)
        first = self.listen()
        self.assertEqual(self.bodies(first), "123")
        first.lose()
        self.tell(4)
        self.assertEqual(self.bodies(self.listen(Last_Event_ID="2")), "34")
        self.assertEqual(self.bodies(self.listen("&after=1", Last_Event_ID="2")), "34")
        self.assertEqual(self.bodies(self.listen("&after=1")), "234")
        self.assertEqual(self.bodies(self.listen()), "")

    def test_id_of_an_earlier_life(self) -> None:
        """An id that this sign-in never gave is no reason to keep anything back, nor to tell it twice."""
        self.tell(1, 2)
        wire = self.listen(Last_Event_ID="77")
        self.tell(3)
        self.assertEqual(self.bodies(wire), "123")

    def test_bad_id(self) -> None:
        """An id that is no number is 400."""
        self.assertEqual(self.listen(Last_Event_ID="x").answer().error, (400, "bad_input"))

    def test_heartbeat(self) -> None:
        """Comments keep the stream alive."""
        wire = self.listen()
        self.clock.advance(15)
        self.clock.advance(15)
        self.assertEqual(wire.received.count(b": alive\n\n"), 2)

    def test_lost_connection_loses_nothing(self) -> None:
        """What comes after the stream broke is there for the next reader."""
        wire = self.listen()
        wire.lose()
        self.tell(1)
        self.assertEqual(self.bodies(self.listen()), "1")

    def test_slow_reader(self) -> None:
        """What the connection does not take stays undelivered until it takes more."""
        wire = self.listen()
        producer = wire.transport.producer
        assert producer is not None
        producer.pauseProducing()
        self.tell(1, 2)
        self.clock.advance(15)
        self.assertEqual((self.bodies(wire), wire.received.count(b"alive")), ("", 0))
        self.assertEqual(len(self.gateway.agent("agent123").mailbox), 2)
        producer.resumeProducing()
        self.assertEqual(self.bodies(wire), "12")

    def test_several_streams(self) -> None:
        """Several pages of an agent hear the same; one too many ends the oldest."""
        wires = [self.listen() for _ in range(5)]
        self.tell(1)
        self.assertEqual([self.bodies(wire) for wire in wires], ["", "1", "1", "1", "1"])
        self.assertTrue(wires[0].received.endswith(b"0\r\n\r\n"))

    def test_sign_out_ends_it(self) -> None:
        """SIGNED_OUT is the last event."""
        wire = self.listen()
        self.ask("GET", "/api/webrtc/sign_out?id=agent123")
        ((_, data),) = self.events(wire)
        self.assertEqual(data["messageType"], "SIGNED_OUT")  # type: ignore[index]
        self.assertTrue(wire.received.endswith(b"0\r\n\r\n"))

    def test_signed_out_waits_for_nobody(self) -> None:
        """A stream of an agent who has left in the meantime ends with what it missed."""
        agent = self.gateway.agent("agent123")
        self.gateway.put("agent123", type=MessageType.SIGNED_OUT)
        wire = self.listen()
        self.assertTrue(wire.received.endswith(b"0\r\n\r\n"))
        self.assertEqual(len(agent.mailbox), 0)

    def test_not_signed_in(self) -> None:
        """Nobody's stream is 401, as another one's is: browsers do not come back then."""
        self.assertEqual(self.ask("GET", "/api/webrtc/events?id=nobody").error, (401, "session_required"))

    def test_gateway_stops(self) -> None:
        """Streams end when the gateway stops."""
        wire = self.listen()
        self.assertEqual(self.surface.hanging, (0, 1))
        self.surface.close()
        self.assertEqual(self.surface.hanging, (0, 0))
        self.assertTrue(wire.received.endswith(b"0\r\n\r\n"))
