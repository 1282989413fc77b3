"""Polls that hang: delivery, loss, supersession, resumption."""

from socket import socketpair

from tests.web.harness import SDP, WebTestCase
from wrtcgw.calls.messages import MessageType

POLL = "/api/webrtc/message?id=agent123"


class Hanging(WebTestCase):
    """Long polls of one agent."""

    def setUp(self) -> None:
        super().setUp()
        self.sign_in()

    def answer_comes(self, sdp: str = SDP) -> None:
        """Let the far side answer."""
        self.gateway.put("agent123", type=MessageType.ANSWER, call_id="c1", sdp=sdp)

    def test_message_within_wait(self) -> None:
        """The poll is answered as soon as a message comes."""
        poll = self.begin("GET", POLL + "&wait=25")
        self.clock.advance(24)
        self.assertTrue(poll.hangs)
        self.answer_comes()
        self.assertEqual(poll.answer().text, SDP)

    def test_nothing_within_wait(self) -> None:
        """After its time it is 204; fractions of seconds count."""
        poll = self.begin("GET", POLL + "&wait=2.5")
        self.clock.advance(2.4)
        self.assertTrue(poll.hangs)
        self.clock.advance(0.2)
        self.assertEqual(poll.answer().code, 204)

    def test_at_most_60_seconds(self) -> None:
        """A longer wait is cut to a minute."""
        poll = self.begin("GET", POLL + "&wait=3600")
        self.clock.advance(59.9)
        self.assertTrue(poll.hangs)
        self.clock.advance(0.2)
        self.assertEqual(poll.answer().code, 204)

    def test_bad_wait(self) -> None:
        """A wait that is no number is 400."""
        self.assertEqual(self.ask("GET", POLL + "&wait=long").error, (400, "bad_input"))

    def test_waits_for_what_it_can_tell(self) -> None:
        """In the plain form other events do not end the wait; in ROAP's each does."""
        plain = self.begin("GET", POLL + "&wait=25")
        self.assertTrue(plain.hangs)
        self.gateway.put("agent123", type=MessageType.RINGING, call_id="c1")
        self.assertTrue(plain.hangs)
        self.answer_comes()
        self.assertEqual(plain.answer().code, 200)
        roap = self.begin("GET", POLL + "&wait=25", headers={"Accept": "application/json"})
        self.assertTrue(roap.hangs)
        self.gateway.put("agent123", type=MessageType.RINGING, call_id="c1")
        self.assertEqual(roap.answer().json["messageType"], "RINGING")

    def test_newer_poll_supersedes(self) -> None:
        """A newer poll sends the older home with 204, and gets the next message."""
        older = self.begin("GET", POLL + "&wait=25")
        newer = self.begin("GET", POLL + "&wait=25")
        self.assertEqual(older.answer().code, 204)
        self.assertTrue(newer.hangs)
        self.answer_comes()
        self.assertEqual(newer.answer().text, SDP)

    def test_page_is_there(self) -> None:
        """The agent has a page while a poll hangs, however it ends."""
        agent = self.gateway.agent("agent123")
        self.begin("GET", POLL + "&wait=25")
        newer = self.begin("GET", POLL + "&wait=25")
        self.assertEqual(agent.pages[0].waiting, 1)
        self.answer_comes()
        newer.answer()
        self.assertFalse(agent.page_alive)
        wire = self.wire()
        wire.get(POLL + "&wait=25")
        self.assertTrue(agent.page_alive)
        wire.lose()
        self.assertFalse(agent.page_alive)

    def test_polls_of_other_agents(self) -> None:
        """Agents do not get in each other's way."""
        self.sign_in("other", "5002")
        mine = self.begin("GET", POLL + "&wait=25")
        other = self.begin("GET", "/api/webrtc/message?id=other&wait=25")
        self.answer_comes()
        self.assertEqual(mine.answer().text, SDP)
        self.assertTrue(other.hangs)

    def test_broken_poll_loses_nothing(self) -> None:
        """What comes after a poll broke off is there for the next."""
        wire = self.wire()
        wire.get(POLL + "&wait=25")
        wire.lose()
        self.answer_comes()
        self.assertEqual(wire.received, b"")
        self.assertEqual(self.ask("GET", POLL).text, SDP)

    def test_poll_that_is_about_to_break(self) -> None:
        """A message is not written to a connection whose client has closed it, though nobody has noticed yet."""
        for broken in (False, True):
            ours, theirs = socketpair()
            self.addCleanup(ours.close)
            self.addCleanup(theirs.close)
            wire = self.wire()
            wire.transport.socket = ours  # type: ignore[attr-defined]
            wire.get(POLL + "&wait=25")
            if broken:
                theirs.close()
            self.answer_comes()
            self.assertEqual(b"200 OK" in wire.received, not broken)
        wire.lose()
        self.assertEqual(self.ask("GET", POLL).text, SDP)

    def test_poll_on_a_socket_that_is_gone(self) -> None:
        """Neither is it written to a socket that is closed on our side."""
        ours, theirs = socketpair()
        wire = self.wire()
        wire.transport.socket = ours  # type: ignore[attr-defined]
        wire.get(POLL + "&wait=25")
        ours.close()
        theirs.close()
        self.answer_comes()
        self.assertEqual(wire.received, b"")

    def test_poll_that_broke_after_a_newer_came(self) -> None:
        """An old poll's end does not disturb the newer one."""
        wire = self.wire()
        wire.get(POLL + "&wait=25")
        newer = self.begin("GET", POLL + "&wait=25")
        self.assertTrue(newer.hangs)
        wire.lose()
        self.answer_comes()
        self.assertEqual(newer.answer().text, SDP)

    def test_pipelined(self) -> None:
        """Two polls at once on one connection get one message each."""
        wire = self.wire()
        wire.get(POLL + "&wait=25")
        wire.get(POLL + "&wait=25")
        self.answer_comes("v=0 one")
        self.answer_comes("v=0 two")
        self.assertEqual([answer.text for answer in wire.answers()], ["v=0 one", "v=0 two"])

    def test_page_is_seen(self) -> None:
        """Each poll tells the gateway that the page lives."""
        self.clock.advance(5)
        self.ask("GET", POLL)
        self.assertEqual(self.gateway.agent("agent123").last_seen, self.clock.seconds())

    def test_gateway_stops(self) -> None:
        """Polls are sent home when the gateway stops."""
        poll = self.begin("GET", POLL + "&wait=25")
        self.assertTrue(poll.hangs)
        self.assertEqual(self.surface.hanging, (1, 0))
        self.surface.close()
        self.assertEqual(poll.answer().code, 204)
        self.assertEqual(self.surface.hanging, (0, 0))


class Resuming(WebTestCase):
    """``after``: a page says what it has."""

    def setUp(self) -> None:
        super().setUp()
        self.sign_in()
        for number in (1, 2, 3):
            self.gateway.put("agent123", type=MessageType.INFO, call_id="c1", body=str(number))

    def poll(self, query: str) -> tuple[int, str]:
        """Poll in ROAP's form; return the code, and the text of the INFO."""
        answer = self.ask("GET", POLL + query, headers={"Accept": "application/json"})
        return answer.code, answer.json["body"] if answer.code == 200 else ""

    def test_again_until_acknowledged(self) -> None:
        """What was written and got lost comes again, until the page says that it has it."""
        self.assertEqual(self.poll("&after=0"), (200, "1"))
        self.assertEqual(self.poll("&after=0"), (200, "1"))
        self.assertEqual(self.poll("&after=1"), (200, "2"))
        self.assertEqual(self.poll("&after=3"), (204, ""))

    def test_acknowledged_is_gone(self) -> None:
        """What a page has acknowledged does not come to a poll that says nothing."""
        self.poll("&after=2")
        self.assertEqual(self.poll(""), (204, ""))
        self.assertEqual(self.poll("&after=1"), (200, "2"))

    def test_number_of_an_earlier_life(self) -> None:
        """A number that was never given belongs to an earlier sign-in: everything is new to the page."""
        self.assertEqual(self.poll("&after=999"), (200, "1"))

    def test_hangs(self) -> None:
        """A poll that has all waits for what comes next."""
        poll = self.begin("GET", POLL + "&wait=25&after=3", headers={"Accept": "application/json"})
        self.assertTrue(poll.hangs)
        self.gateway.put("agent123", type=MessageType.INFO, call_id="c1", body="4")
        self.assertEqual(poll.answer().json["body"], "4")

    def test_bad_number(self) -> None:
        """What is no number is 400."""
        self.assertEqual(self.ask("GET", POLL + "&after=x").error, (400, "bad_input"))
