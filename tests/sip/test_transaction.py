"""Tests of what the transactions do: messages they send, timers they arm. The tables themselves: test_tables.py."""

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.sip.errors import LocalViolation
from wrtcgw.sip.message import Headers, Request, Response
from wrtcgw.sip.timers import Timers
from wrtcgw.sip.transaction import (
    Effect,
    InviteClient,
    InviteServer,
    NonInviteClient,
    NonInviteServer,
    Outcome,
    State,
    Transaction,
)


class LastingTimers(Timers):
    """Timers of an unreliable transport, on which a transaction stays where it would wait for retransmissions."""

    @property
    def timer_d(self) -> float:
        return 32.0

    timer_i = timer_j = timer_k = timer_d


def make_request(method: str = "INVITE", *headers: tuple[str, str]) -> Request:
    """Make a request; ``headers`` go behind the mandatory ones."""
    return Request(
        method,
        "sip:bob@example.org",
        Headers(
            [
                ("Via", "SIP/2.0/WS client.invalid;branch=z9hG4bKkjshdyff"),
                ("Max-Forwards", "12"),
                ("From", "Alice <sip:alice@example.org>;tag=88sja8x"),
                ("To", "Bob <sip:bob@example.org>"),
                ("Call-ID", "987asjd97y7atg"),
                ("CSeq", f"986759 {method}"),
                *headers,
            ]
        ),
    )


def make_response(request: Request, status: int, to_tag: str = "99sa0xk") -> Response:
    """Make a response to ``request``."""
    return request.response(status, None, to_tag)


def effects(outcomes: list[Outcome]) -> list[Effect]:
    """Give the effects without their messages."""
    return [effect for effect, _ in outcomes]


class TransactionTests(SynchronousTestCase):
    """What all four have in common."""

    def test_branch(self) -> None:
        """A transaction is known by the branch of its request's top Via."""
        self.assertEqual(NonInviteClient(make_request("INFO"), Timers()).branch, "z9hG4bKkjshdyff")

    def test_not_started(self) -> None:
        """A new transaction is in no state of the figures, runs no timer and is not over."""
        transaction = InviteClient(make_request(), Timers())
        self.assertEqual((transaction.state, transaction.deadlines), (State.NEW, {}))
        self.assertFalse(transaction.terminated)

    def test_identity(self) -> None:
        """Two transactions for the same request are two: they can be told apart and kept in a set."""
        request = make_request("INFO")
        self.assertEqual(len({NonInviteServer(request, Timers()), NonInviteServer(request, Timers())}), 2)

    def test_timer_not_armed(self) -> None:
        """A timer that does not run cannot fire, be it of this machine, of another one, or of none."""
        transaction = InviteClient(make_request(), Timers())
        transaction.start(0.0)
        for letter in ("D", "F", "A", "start", ""):
            with self.assertRaises(LocalViolation):
                transaction.timer(letter, 1.0)
        self.assertEqual((transaction.state, transaction.deadlines), (State.CALLING, {"B": 32.0}))

    def test_refusal_names_state(self) -> None:
        """A refusal tells which transaction was in which state, for the traceback that it is going to be."""
        transaction = InviteServer(make_request(), Timers())
        error = self.assertRaises(LocalViolation, transaction.respond, make_response(transaction.request, 200), 0.0)
        self.assertIn("InviteServer is new", str(error))

    def test_no_secret_in_repr(self) -> None:
        """The repr shows the state but not the request, which may carry credentials."""
        transaction = InviteClient(make_request("INVITE", ("Authorization", 'Digest response="secret"')), Timers())
        self.assertNotIn("secret", repr(transaction))
        self.assertIn("NEW", repr(transaction))


class InviteClientTests(SynchronousTestCase):
    """The INVITE client transaction."""

    def start(self, *headers: tuple[str, str], timers: Timers | None = None) -> InviteClient:
        """Make one that is in Calling since the 10th second."""
        transaction = InviteClient(make_request("INVITE", *headers), timers or Timers())
        self.assertEqual(transaction.start(10.0), [(Effect.SEND, transaction.request)])
        return transaction

    def test_start(self) -> None:
        """It sends the INVITE once, and gives up 64*T1 later."""
        transaction = self.start()
        self.assertEqual(transaction.deadlines, {"B": 42.0})
        self.assertEqual(transaction.timer("B", 42.0), [(Effect.TIMEOUT, transaction.request)])
        self.assertTrue(transaction.terminated)
        self.assertEqual(transaction.deadlines, {})

    def test_ringing_is_unlimited(self) -> None:
        """A provisional response is passed up and ends timer B: from then on the TU decides how long it rings."""
        transaction = self.start()
        response = make_response(transaction.request, 180)
        self.assertEqual(transaction.receive(response, 11.0), [(Effect.PASS_UP, response)])
        self.assertEqual((transaction.state, transaction.deadlines), (State.PROCEEDING, {}))

    def test_accepted(self) -> None:
        """Each 2xx is passed up, whichever fork it comes from, until timer M fires; none is acknowledged here."""
        transaction = self.start()
        for now, tag in ((11.0, "a"), (12.0, "a"), (13.0, "b")):
            response = make_response(transaction.request, 200, tag)
            self.assertEqual(transaction.receive(response, now), [(Effect.PASS_UP, response)])
            self.assertEqual(transaction.deadlines, {"M": 43.0})
        self.assertEqual(transaction.timer("M", 43.0), [])
        self.assertTrue(transaction.terminated)

    def test_refused(self) -> None:
        """A 300-699 is acknowledged and passed up; with a timer D of zero that is the end."""
        transaction = self.start()
        response = make_response(transaction.request, 486)
        (sent, ack), passed = transaction.receive(response, 11.0)
        self.assertEqual((sent, passed), (Effect.SEND, (Effect.PASS_UP, response)))
        self.assertIsInstance(ack, Request)
        self.assertTrue(transaction.terminated)
        self.assertEqual(transaction.deadlines, {})

    def test_refused_again(self) -> None:
        """Where timer D is not zero, a repeated 300-699 gets its ACK again and is not passed up again."""
        transaction = self.start(timers=LastingTimers())
        response = make_response(transaction.request, 486)
        first = transaction.receive(response, 11.0)
        second = transaction.receive(response, 12.0)
        self.assertEqual((effects(first), effects(second)), ([Effect.SEND, Effect.PASS_UP], [Effect.SEND]))
        self.assertEqual(first[0][1].to_text(), second[0][1].to_text())
        self.assertEqual(transaction.deadlines, {"D": 43.0})
        self.assertEqual(transaction.timer("D", 43.0), [])
        self.assertTrue(transaction.terminated)

    def test_ack(self) -> None:
        """The ACK is the one of the example in RFC 3261 17.1.1.3: fields of the INVITE, the To of the response."""
        transaction = self.start()
        ((_, ack), _) = transaction.receive(make_response(transaction.request, 486), 11.0)
        self.assertEqual(
            ack.to_text().split("\r\n"),
            [
                "ACK sip:bob@example.org SIP/2.0",
                "Via: SIP/2.0/WS client.invalid;branch=z9hG4bKkjshdyff",
                "Max-Forwards: 70",
                "From: Alice <sip:alice@example.org>;tag=88sja8x",
                "Call-ID: 987asjd97y7atg",
                "To: Bob <sip:bob@example.org>;tag=99sa0xk",
                "CSeq: 986759 ACK",
                "Content-Length: 0",
                "",
                "",
            ],
        )

    def test_ack_route_and_credentials(self) -> None:
        """The ACK takes the Routes in order, and the credentials, but nothing else of the INVITE."""
        copied = [
            ("Route", "<sip:p1.example.org;lr>, <sip:p2.example.org;lr>"),
            ("Route", "<sip:p3.example.org;lr>"),
            ("Authorization", 'Digest username="alice"'),
            ("Proxy-Authorization", 'Digest username="bob"'),
        ]
        transaction = self.start(*copied, ("Contact", "<sip:alice@client.invalid>"), ("Content-Type", "text/plain"))
        ((_, ack), _) = transaction.receive(make_response(transaction.request, 407), 11.0)
        names = {"Route", "Authorization", "Proxy-Authorization"}
        self.assertEqual([field for field in ack.headers.items() if field[0] in names], copied)
        self.assertNotIn("Contact", ack.headers)
        self.assertNotIn("Content-Type", ack.headers)

    def test_ack_top_via_only(self) -> None:
        """Of several Via elements only the topmost goes into the ACK."""
        transaction = self.start(("Via", "SIP/2.0/WS below.invalid;branch=z9hG4bKbelow"))
        ((_, ack), _) = transaction.receive(make_response(transaction.request, 500), 11.0)
        self.assertEqual(ack.headers.get_all("Via"), ["SIP/2.0/WS client.invalid;branch=z9hG4bKkjshdyff"])

    def test_transport_error(self) -> None:
        """A lost connection ends it, also while it rings: the response could not come back."""
        for status in (None, 180):
            transaction = self.start()
            if status:
                transaction.receive(make_response(transaction.request, status), 11.0)
            self.assertEqual(transaction.transport_error(12.0), [(Effect.TRANSPORT_ERROR, transaction.request)])
            self.assertTrue(transaction.terminated)


class NonInviteClientTests(SynchronousTestCase):
    """The non-INVITE client transaction."""

    def start(self, timers: Timers | None = None) -> NonInviteClient:
        """Make one that is in Trying since the 10th second."""
        transaction = NonInviteClient(make_request("REGISTER"), timers or Timers())
        self.assertEqual(transaction.start(10.0), [(Effect.SEND, transaction.request)])
        return transaction

    def test_answered(self) -> None:
        """A final response of any kind is passed up and, with a timer K of zero, ends it."""
        for status in (200, 302, 401, 503, 603):
            transaction = self.start()
            response = make_response(transaction.request, status)
            self.assertEqual(transaction.receive(response, 11.0), [(Effect.PASS_UP, response)])
            self.assertTrue(transaction.terminated)
            self.assertEqual(transaction.deadlines, {})

    def test_answered_again(self) -> None:
        """Where timer K is not zero, a repeated final response is absorbed until it fires."""
        transaction = self.start(LastingTimers())
        response = make_response(transaction.request, 200)
        transaction.receive(response, 11.0)
        self.assertEqual(transaction.receive(response, 12.0), [])
        self.assertEqual(transaction.deadlines, {"K": 43.0})
        self.assertEqual(transaction.timer("K", 43.0), [])
        self.assertTrue(transaction.terminated)

    def test_provisional_buys_no_time(self) -> None:
        """Timer F runs on through Proceeding."""
        transaction = self.start()
        for now in (11.0, 20.0):
            response = make_response(transaction.request, 100)
            self.assertEqual(transaction.receive(response, now), [(Effect.PASS_UP, response)])
            self.assertEqual((transaction.state, transaction.deadlines), (State.PROCEEDING, {"F": 42.0}))
        self.assertEqual(transaction.timer("F", 42.0), [(Effect.TIMEOUT, transaction.request)])
        self.assertTrue(transaction.terminated)

    def test_transport_error(self) -> None:
        """A lost connection ends it and is told."""
        transaction = self.start()
        self.assertEqual(transaction.transport_error(12.0), [(Effect.TRANSPORT_ERROR, transaction.request)])
        self.assertTrue(transaction.terminated)


class InviteServerTests(SynchronousTestCase):
    """The INVITE server transaction."""

    def start(self, timers: Timers | None = None) -> InviteServer:
        """Make one that is in Proceeding since the 10th second."""
        transaction = InviteServer(make_request(), timers or Timers())
        self.assertEqual(transaction.start(10.0), [(Effect.PASS_UP, transaction.request)])
        return transaction

    def respond(self, transaction: InviteServer, status: int, now: float) -> Response:
        """Give a response of the TU, and check that it is sent."""
        response = make_response(transaction.request, status)
        self.assertEqual(transaction.respond(response, now), [(Effect.SEND, response)])
        return response

    def test_no_timer_while_ringing(self) -> None:
        """No timer runs in Proceeding, and no 100 is made by itself."""
        transaction = self.start()
        self.assertEqual(transaction.deadlines, {})
        self.respond(transaction, 180, 11.0)
        self.assertEqual((transaction.state, transaction.deadlines), (State.PROCEEDING, {}))

    def test_invite_again(self) -> None:
        """An INVITE that comes again gets the latest provisional response again; before there is one, nothing."""
        transaction = self.start()
        self.assertEqual(transaction.receive(make_request(), 10.1), [])
        self.respond(transaction, 100, 10.2)
        ringing = self.respond(transaction, 180, 10.3)
        self.assertEqual(transaction.receive(make_request(), 10.4), [(Effect.SEND, ringing)])

    def test_accepted(self) -> None:
        """After a 2xx the ACK goes up, a repeated INVITE is absorbed, and the TU may give the 2xx again."""
        transaction = self.start()
        self.respond(transaction, 200, 11.0)
        self.assertEqual((transaction.state, transaction.deadlines), (State.ACCEPTED, {"L": 43.0}))
        self.assertEqual(transaction.receive(make_request(), 11.5), [])
        self.respond(transaction, 200, 12.0)
        ack = make_request("ACK")
        self.assertEqual(transaction.receive(ack, 13.0), [(Effect.PASS_UP, ack)])
        self.assertEqual(transaction.deadlines, {"L": 43.0})
        self.assertEqual(transaction.timer("L", 43.0), [])
        self.assertTrue(transaction.terminated)

    def test_refused(self) -> None:
        """A 300-699 waits for its ACK, which is not passed up; with a timer I of zero that is the end."""
        transaction = self.start()
        busy = self.respond(transaction, 486, 11.0)
        self.assertEqual((transaction.state, transaction.deadlines), (State.COMPLETED, {"H": 43.0}))
        self.assertEqual(transaction.receive(make_request(), 11.5), [(Effect.SEND, busy)])
        self.assertEqual(transaction.receive(make_request("ACK"), 12.0), [])
        self.assertTrue(transaction.terminated)
        self.assertEqual(transaction.deadlines, {})

    def test_confirmed(self) -> None:
        """Where timer I is not zero, more ACKs are absorbed until it fires."""
        transaction = self.start(LastingTimers())
        self.respond(transaction, 486, 11.0)
        for now in (12.0, 13.0):
            self.assertEqual(transaction.receive(make_request("ACK"), now), [])
            self.assertEqual((transaction.state, transaction.deadlines), (State.CONFIRMED, {"I": 44.0}))
        self.assertEqual(transaction.timer("I", 44.0), [])
        self.assertTrue(transaction.terminated)

    def test_no_ack(self) -> None:
        """When no ACK comes for a 300-699, timer H ends it and the TU is told."""
        transaction = self.start()
        self.respond(transaction, 603, 11.0)
        self.assertEqual(transaction.timer("H", 43.0), [(Effect.TIMEOUT, transaction.request)])
        self.assertTrue(transaction.terminated)

    def test_transport_error(self) -> None:
        """A lost connection is told but ends nothing, and the timer runs on (RFC 6026 7.1)."""
        transaction = self.start()
        for status, state in ((180, State.PROCEEDING), (486, State.COMPLETED)):
            self.respond(transaction, status, 11.0)
            self.assertEqual(transaction.transport_error(12.0), [(Effect.TRANSPORT_ERROR, transaction.request)])
            self.assertIs(transaction.state, state)
        self.assertEqual(transaction.deadlines, {"H": 43.0})

    def test_final_sent(self) -> None:
        """Only a final response counts as one, and one that is refused does not replace the one that was sent."""
        transaction = self.start()
        self.assertFalse(transaction.final_sent)
        self.respond(transaction, 183, 11.0)
        self.assertFalse(transaction.final_sent)
        busy = self.respond(transaction, 486, 12.0)
        self.assertTrue(transaction.final_sent)
        with self.assertRaises(LocalViolation):
            transaction.respond(make_response(transaction.request, 200), 13.0)
        self.assertIs(transaction.last_response, busy)


class NonInviteServerTests(SynchronousTestCase):
    """The non-INVITE server transaction."""

    def start(self, timers: Timers | None = None) -> NonInviteServer:
        """Make one that is in Trying since the 10th second."""
        transaction = NonInviteServer(make_request("INFO"), timers or Timers())
        self.assertEqual(transaction.start(10.0), [(Effect.PASS_UP, transaction.request)])
        return transaction

    def test_answered(self) -> None:
        """A final response is sent and, with a timer J of zero, ends it."""
        for status in (200, 415, 603):
            transaction = self.start()
            response = make_response(transaction.request, status)
            self.assertEqual(transaction.respond(response, 11.0), [(Effect.SEND, response)])
            self.assertTrue(transaction.terminated)
            self.assertTrue(transaction.final_sent)
            self.assertEqual(transaction.deadlines, {})

    def test_request_again(self) -> None:
        """A request that comes again gets the last response again, once there is one."""
        transaction = self.start(LastingTimers())
        self.assertEqual(transaction.receive(make_request("INFO"), 11.0), [])
        for status in (100, 200):
            response = make_response(transaction.request, status)
            transaction.respond(response, 12.0)
            self.assertEqual(transaction.receive(make_request("INFO"), 13.0), [(Effect.SEND, response)])
        self.assertEqual(transaction.deadlines, {"J": 44.0})
        self.assertEqual(transaction.timer("J", 44.0), [])
        self.assertTrue(transaction.terminated)

    def test_second_final(self) -> None:
        """A second final response of the TU is discarded in Completed, and is not the one that is sent again."""
        transaction = self.start(LastingTimers())
        first = make_response(transaction.request, 200)
        transaction.respond(first, 11.0)
        self.assertEqual(transaction.respond(make_response(transaction.request, 500), 12.0), [])
        self.assertEqual(transaction.receive(make_request("INFO"), 13.0), [(Effect.SEND, first)])

    def test_transport_error(self) -> None:
        """A lost connection ends it and is told, with or without a response on its way."""
        for status in (None, 100):
            transaction = self.start()
            if status:
                transaction.respond(make_response(transaction.request, status), 11.0)
            self.assertEqual(transaction.transport_error(12.0), [(Effect.TRANSPORT_ERROR, transaction.request)])
            self.assertTrue(transaction.terminated)


class RefusalTests(SynchronousTestCase):
    """What a terminated transaction does."""

    def test_terminated(self) -> None:
        """A transaction that is over refuses to be used: the core must have dropped it."""
        transactions: list[Transaction] = [
            InviteClient(make_request(), Timers()),
            InviteServer(make_request(), Timers()),
        ]
        for transaction in transactions:
            transaction.state = State.TERMINATED
            with self.assertRaises(LocalViolation):
                transaction.start(1.0)
            with self.assertRaises(LocalViolation):
                transaction.transport_error(1.0)
            self.assertTrue(transaction.terminated)
