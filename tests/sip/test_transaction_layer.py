"""The transaction layer: which message belongs to which transaction, and what its users are told."""

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from tests.sip.test_dialog import request_text, response_to
from tests.support.tokens import CountingTokens
from wrtcgw.sip.errors import RemoteViolation
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.outputs import Send
from wrtcgw.sip.parser import parse
from wrtcgw.sip.settings import Account, UASettings
from wrtcgw.sip.timers import Timers
from wrtcgw.sip.transaction_layer import ClientRequest, LocalResponse, ServerRequest, TransactionLayer, Use, refuse


def fresh(method: str = "INFO") -> Request:
    """Return a request of which nothing was read yet."""
    request = request_text(method=method)
    return Request(method, request.uri, request.headers)


class User:
    """The user of requests: it gives each response to a function."""

    def __init__(self, on_response: Callable[[Response], None]) -> None:
        self.account = Account("alice", "alice", "")
        self._on_response = on_response

    def request_over(self) -> None:
        """Keep nothing."""

    def take_response(self, client: ClientRequest, response: Response) -> None:
        """Take a response."""
        self._on_response(response)

    def next_cseq(self) -> int:
        """Return the number of each retry."""
        return 8


class LayerCase(SynchronousTestCase):
    """Tests of a layer with one connection."""

    def setUp(self) -> None:
        self.layer = TransactionLayer(UASettings(domain="example.org", instance="gw"), Timers(), CountingTokens())
        self.layer.flow(0).connected = True
        self.got: list[Response] = []

    def sent(self) -> list[str]:
        """Return the start lines of what was sent since the last time."""
        outputs, self.layer.outputs = self.layer.outputs, []
        return [output.text.split("\r\n")[0] for output in outputs if isinstance(output, Send)]

    def request(self, method: str = "INFO", on_response: Callable[[Response], None] | None = None) -> ClientRequest:
        """Send a request."""
        return self.layer.request(fresh(method), 0, User(on_response or self.got.append), Use.INFO)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        until = self.layer.now + seconds
        while (deadline := self.layer.deadlines.next()) is not None and deadline <= until:
            self.layer.now = deadline
            for owner, name in self.layer.deadlines.due(deadline):
                owner.on_timer(name)
        self.layer.now = until

    def assertIdle(self) -> None:
        """Check that nothing is left."""
        self.assertEqual(len(self.layer), 0)
        self.assertEqual((self.layer._clients, self.layer._servers, self.layer._merged), ({}, {}, {}))
        self.assertEqual((self.layer._clients_of, self.layer._servers_of), ({}, {}))
        self.assertIsNone(self.layer.deadlines.next())


class FlowTests(LayerCase):
    """Connections, as the layer knows them."""

    def test_down(self) -> None:
        """Nothing is sent on a connection that is down or never was."""
        self.layer.disconnected(0)
        for number in (0, 7):
            self.assertFalse(self.layer.is_connected(number))
            self.assertFalse(self.layer.send(number, request_text(), ""))
        self.assertEqual(self.layer.outputs, [])

    def test_via(self) -> None:
        """Via has a fresh branch, a host that cannot be resolved, and the transport (RFC 7118 section 5.2.1)."""
        request = request_text()
        for transport in ("WS", "WSS"):
            self.layer.flow(0).via_transport = transport
            branch = self.layer.add_via(request, 0)
            self.assertTrue(branch.startswith("z9hG4bK"))
            self.assertEqual(request.headers.get_all("Via"), [f"SIP/2.0/{transport} gw.invalid;branch={branch}"])

    def test_lost(self) -> None:
        """Requests on a lost connection fail with 503, those on another one do not."""
        self.layer.flow(1).connected = True
        first = self.request()
        other = self.layer.request(fresh(), 1, User(self.got.append), Use.INFO)
        self.layer.disconnected(0)
        self.assertEqual([response.status for response in self.got], [503])
        self.assertIsInstance(self.got[0], LocalResponse)
        self.assertIsNone(first.transaction)
        self.assertIsNotNone(other.transaction)
        self.layer.disconnected(1)
        self.assertIdle()


class ClientTests(LayerCase):
    """Requests of ours."""

    def answer(self, client: ClientRequest, status: int, *fields: str) -> None:
        """Let a response arrive."""
        self.layer.receive_response(0, response_to(client.request, *fields, status=status))

    def test_matched(self) -> None:
        """A response is matched by branch and method (RFC 3261 section 17.1.3); others are not taken."""
        client = self.request()
        stray = response_to(request_text(method="INFO"))
        self.assertFalse(self.layer.receive_response(0, stray))
        self.answer(client, 100)
        self.answer(client, 200)
        self.assertEqual([response.status for response in self.got], [100, 200])
        self.assertIdle()

    def test_time_out(self) -> None:
        """Without a final response a request ends with 408 after 64·T1, provisional or not."""
        client = self.request()
        self.answer(client, 100)
        self.advance(32)
        self.assertEqual([response.status for response in self.got], [100, 408])
        self.assertIdle()

    def test_after_the_end(self) -> None:
        """An ended request takes no more inputs."""
        client = self.request()
        self.answer(client, 200)
        client.receive(response_to(client.request))
        client.transport_error()
        client.on_timer("F")
        client.cancel()
        client.expire()
        self.assertEqual(len(self.got), 1)
        self.assertIdle()

    def test_never_answered_invite(self) -> None:
        """An INVITE that only rings is cancelled after the limit, and given up 64·T1 later."""
        client = self.request("INVITE")
        self.answer(client, 180)
        self.advance(300)
        self.assertEqual([line.split()[0] for line in self.sent()], ["INVITE", "CANCEL"])
        self.advance(32)
        self.assertEqual([response.status for response in self.got], [180, 408])
        self.assertIdle()

    def test_expired_invite(self) -> None:
        """An INVITE whose dialog has ended waits 64·T1 for its final response."""
        client = self.request("INVITE")
        self.answer(client, 180)
        client.expire()
        self.advance(32)
        self.assertEqual([response.status for response in self.got], [180, 408])
        self.assertEqual(len(self.sent()), 1)
        self.assertIdle()

    def test_malformed_answer(self) -> None:
        """A final response that its user cannot read is given again without what cannot be read."""
        seen: list[Response] = []

        def on_response(response: Response) -> None:
            seen.append(response)
            if "X-Bad" in response.headers:
                raise RemoteViolation(400, "bad")

        client = self.request(on_response=on_response)
        self.assertRaises(RemoteViolation, self.answer, client, 183, "X-Bad: 1")
        self.assertRaises(RemoteViolation, self.answer, client, 486, "X-Bad: 1")
        self.assertEqual([response.status for response in seen], [183, 486, 486])
        self.assertEqual([len(response.headers) for response in seen], [6, 6, 5])
        self.assertIdle()


class ServerTests(LayerCase):
    """Requests that come to us."""

    def receive(self, request: Request) -> ServerRequest:
        """Let a new request arrive."""
        server = self.layer.receive_request(0, request)
        assert server is not None
        return server

    def test_repeated(self) -> None:
        """A request that comes again before its answer is absorbed."""
        server = self.receive(request_text(method="INFO"))
        self.assertIsNone(self.layer.receive_request(0, request_text(method="INFO")))
        server.respond(200)
        self.assertEqual(self.sent(), ["SIP/2.0 200 OK"])
        self.assertTrue(server.answered)
        self.assertIdle()

    def test_answered_twice(self) -> None:
        """A second answer to a request goes nowhere."""
        server = self.receive(request_text(method="INFO"))
        server.respond(200)
        server.respond(500)
        server.on_timer("J")
        self.assertFalse(server.receive(request_text(method="INFO")))
        self.assertEqual(self.sent(), ["SIP/2.0 200 OK"])

    def test_sent_by(self) -> None:
        """The same branch from another host is another request (RFC 3261 section 17.2.3)."""
        other = request_text(method="INFO")
        other.headers.set("Via", "SIP/2.0/WS b.invalid;branch=z9hG4bK1")
        other.headers.set("Call-ID", "c2")
        self.receive(request_text(method="INFO"))
        self.receive(Request("INFO", other.uri, other.headers)).respond(200)
        self.assertEqual(len(self.layer), 1)

    def test_without_cookie(self) -> None:
        """A peer of RFC 2543 is matched by the fields that stand in for the branch, its CANCEL too."""
        texts = {
            method: request_text(method=method).to_text().replace("z9hG4bK1", "1") for method in ("INVITE", "CANCEL")
        }
        invite, again, cancel = (parse(texts[method]) for method in ("INVITE", "INVITE", "CANCEL"))
        assert isinstance(invite, Request) and isinstance(again, Request) and isinstance(cancel, Request)
        server = self.receive(invite)
        self.assertIsNone(self.layer.receive_request(0, again))
        self.assertIs(self.layer.find_invite(cancel), server)
        server.respond(486)
        self.advance(32)
        self.assertIdle()

    def test_tag(self) -> None:
        """All responses but 100 have one and the same To tag (RFC 3261 section 8.2.6.2)."""
        server = self.receive(request_text())
        self.assertEqual(server.response(100).to_tag, "")
        self.assertEqual(server.response(180).to_tag, server.response(486).to_tag)
        self.assertNotEqual(server.to_tag, "")
        server.respond(486)
        self.advance(32)
        self.assertIdle()

    def test_refuse(self) -> None:
        """What cannot be read is refused once, with 400 where nothing better is known; an ACK never is."""
        server = self.receive(request_text(method="INFO"))
        refuse(server, RemoteViolation(0, "?"))
        refuse(server, RemoteViolation(415, "?"))
        refuse(self.receive(request_text(method="ACK")), RemoteViolation(400, "?"))
        self.assertEqual(self.sent(), ["SIP/2.0 400 Bad Request"])
        self.assertIdle()
