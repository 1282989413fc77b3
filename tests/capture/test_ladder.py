"""Ladders: who stands where, what goes where, and how it looks as text."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.capture.support import EPOCH, NO_HEADERS, SDP, recorder, request, response
from wrtcgw.capture.ladder import Ladder, build
from wrtcgw.capture.ladder_text import draw
from wrtcgw.capture.recorder import Recorder

DRAWING = """\
Call   leg
Ended  remote

  no  time (UTC)     seconds page ann                           gateway                 proxy ws://proxy0.example.org/
                               |                                   |                                   |
   1  000000000000     0.000   |---- POST OFFER: audio sendrecv -->|                                   |
   2  000000000000     0.000   |                                   |----- INVITE 7: audio sendrecv --->|
   3  000000000010     0.010   |<--------- 200 OK (OFFER) ---------|                                   |
   4  000000000020     0.020   |                                   |<------ 180 Ringing (INVITE) ------|
   5  000000000020     0.020   |                                  [ringing]                            |
   6  000000000020     0.020   |<............ RINGING .............|                                   |
                 2.0 s later   :                                   :                                   :
   7  000000002020     2.020   |                                   |<------------- BYE 7 --------------|
   8  000000002020     2.020   |                                  [ended: remote]                      |
"""


def flow_name(flow: int) -> str:
    """Return the name of a proxy."""
    return f"ws://proxy{flow}.example.org/"


def stamp(milliseconds: int) -> str:
    """Return a time as short as may be, of the right width."""
    return f"{milliseconds - EPOCH * 1000:012.0f}"


class LadderCase(SynchronousTestCase):
    """A short call that was recorded."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.recorder: Recorder = recorder(self.clock)

    def step(self) -> None:
        """Let 10 ms pass."""
        self.clock.advance(0.01)

    def play(self) -> None:
        """Place a call that is answered, and hung up by the far side."""
        one = self.recorder
        asked = one.asked("5001", "ann", b"POST", b"/api/webrtc/message?to=1003", NO_HEADERS, SDP.encode())
        one.opened("leg", "5001", "c")
        one.sip(0, request("INVITE", "c", more="Content-Type: application/sdp\r\n", body=SDP), sent=True)
        asked.call_id = "leg"
        self.step()
        one.answered(asked, 200, NO_HEADERS, b"OK")
        self.step()
        one.sip(0, response(180, "Ringing", "c"), sent=False)
        one.note("leg", "ringing")
        one.told("5001", "ann", "leg", "poll", "RINGING", 200, b"{}")
        self.clock.advance(2)
        one.sip(0, request("BYE", "c", tag="b"), sent=False)
        one.closed("leg", "ended: remote")

    def ladder(self, key: str = "leg") -> Ladder:
        """Return a ladder."""
        track = self.recorder.of_call(key)
        assert track is not None
        return build([track], flow_name)


class BuildTests(LadderCase):
    """Parties and steps."""

    def test_call(self) -> None:
        """Everything stands in order, with times since the first and the two ends of each arrow."""
        self.play()
        ladder = self.ladder()
        self.assertEqual(ladder.parties, ("page ann", "gateway", "proxy ws://proxy0.example.org/"))
        self.assertEqual((ladder.key, ladder.sip_ids, ladder.dropped), ("leg", ("c",), 0))
        self.assertEqual(
            [(step.number, step.delta, step.origin, step.target, step.via, step.kind) for step in ladder.steps],
            [
                (1, 0, 0, 1, "http", "request"),
                (2, 0, 1, 2, "sip", "request"),
                (3, 10, 1, 0, "http", "response"),
                (4, 20, 2, 1, "sip", "response"),
                (5, 20, 1, 1, "gateway", "note"),
                (6, 20, 1, 0, "http", "event"),
                (7, 2020, 2, 1, "sip", "request"),
                (8, 2020, 1, 1, "gateway", "note"),
            ],
        )
        self.assertEqual([step.time for step in ladder.steps][:4], [EPOCH * 1000 + at for at in (0, 0, 10, 20)])
        self.assertEqual([step.flow for step in ladder.steps], [None, 0, None, 0, None, None, 0, None])

    def test_several_pages_and_proxies(self) -> None:
        """A page that takes the call over, and another connection, stand at the right."""
        self.play()
        self.recorder.sip(1, request("INFO", "c", tag="b"), sent=True)
        self.recorder.told("5001", "bob", "leg", "poll", "OFFER", 200, b"{}")
        self.recorder.sip(0, request("INFO", "c", tag="b"), sent=True)
        ladder = self.ladder()
        self.assertEqual(ladder.parties[2:], ("proxy " + flow_name(0), "proxy " + flow_name(1), "page bob"))
        self.assertEqual([step.target for step in ladder.steps[-3:]], [3, 4, 2])

    def test_same_proxy_twice(self) -> None:
        """Two connections to one proxy are one party."""
        self.play()
        self.recorder.sip(1, request("INFO", "c", tag="b"), sent=True)
        track = self.recorder.of_call("leg")
        assert track is not None
        self.assertEqual(len(build([track], lambda flow: "ws://one/").parties), 3)

    def test_note_of_what_was_before(self) -> None:
        """A note of something that began earlier stands where it began."""
        self.play()
        self.recorder.note("leg", "page away", ago=1.0)
        labels = [step.label for step in self.ladder().steps]
        self.assertEqual(labels.index("page away"), 6)

    def test_without_page(self) -> None:
        """Of a call that came to nobody only the SIP side is there."""
        self.recorder.sip(0, request("INVITE", "c"), sent=False)
        ladder = self.ladder("c")
        self.assertEqual((ladder.key, ladder.parties[0]), ("c", "page"))

    def test_empty(self) -> None:
        """A call of which nothing is kept has a ladder without steps."""
        self.recorder.opened("leg", "5001", "c")
        ladder = self.ladder()
        self.assertEqual((ladder.steps, ladder.parties), ((), ("page 5001", "gateway")))
        self.assertIn("page 5001", draw(ladder, [("Call", "leg")], stamp))

    def test_names_of_peers_cannot_command(self) -> None:
        """What clients call themselves is legible."""
        self.recorder.opened("leg", "5001", "c")
        self.recorder.told("5001", "\x1b[2Jann", "leg", "poll", "OK", 200, b"{}")
        self.assertEqual(self.ladder().parties[0], "page \\x1b[2Jann")


class DrawTests(LadderCase):
    """As text."""

    def test_drawing(self) -> None:
        """Arrows point the right way, notes stand at the gateway, pauses show, and the messages follow."""
        self.play()
        lines = draw(self.ladder(), [("Call", "leg"), ("Ended", "remote"), ("CallUUID", "")], stamp).split("\n")
        self.assertEqual(
            lines[:16],
            [*DRAWING.split("\n"), "== 1  000000000000  +0.000 s  page ann -> gateway  POST OFFER ".ljust(120, "=")],
        )
        self.assertIn("POST /api/webrtc/message?to=1003 HTTP/1.1", lines)
        self.assertIn("BYE sip:5001@example.org SIP/2.0", lines)

    def test_drawing_is_ascii(self) -> None:
        """Whatever peers write, the drawing keeps its columns."""
        self.play()
        self.recorder.sip(0, response(486, "Beschäftigt 繁忙", "c"), sent=False)
        drawing = draw(self.ladder(), [], stamp).partition("== 1")[0]
        self.assertTrue(drawing.isascii())
        self.assertIn("486 Besch?ftigt ?? (INVITE)", drawing)

    def test_long_labels(self) -> None:
        """Long labels make the drawing wider, up to a limit; beyond it they are cut."""
        self.play()
        self.recorder.sip(0, response(488, "Not Acceptable Here At All", "c"), sent=False)
        self.assertIn("|<-- 488 Not Acceptable Here At All (INVITE) ---|", draw(self.ladder(), [], stamp))
        self.recorder.sip(0, response(488, "x" * 200, "c"), sent=False)
        drawing = draw(self.ladder(), [], stamp).partition("== 1")[0]
        self.assertIn("xxx... --|", drawing)
        self.assertLess(max(map(len, drawing.split("\n"))), 151)

    def test_dropped(self) -> None:
        """What had to go is said."""
        self.recorder = recorder(self.clock, size=200_000)
        self.recorder.opened("leg", "5001", "c")
        for _ in range(200):
            self.recorder.sip(0, request("INFO", "c", tag="b", body="x" * 500), sent=True)
        ladder = self.ladder()
        self.assertGreater(ladder.dropped, 0)
        self.assertIn(f"{ladder.dropped} more were dropped", draw(ladder, [], stamp))
