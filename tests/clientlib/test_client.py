"""``wrtcgw-client`` as far as it can be tested without a gateway; the rest is in ``test_end_to_end``."""

import io
import json
import os
import sys
from collections.abc import Callable, Coroutine
from typing import TypeVar, cast
from urllib.parse import parse_qsl

from treq.client import HTTPClient
from treq.testing import StubTreq
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import IReactorCore, IReactorFromThreads, IReactorTime
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactor
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseNeverReceived
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from tests.demo.test_sessiontext import BROWSER_OFFER, SEED_OFFER
from tests.support import sdptext as sdp
from wrtcgw import client
from wrtcgw.clientlib.api import Event, GatewayAPI, RefusedError, UnreachableError
from wrtcgw.clientlib.inbox import Inbox, SilenceError
from wrtcgw.clientlib.output import EXIT_CODES, Exit, Report
from wrtcgw.clientlib.scenario import Plan, Walk
from wrtcgw.clientlib.sound import NoSound
from wrtcgw.demo import sessiontext
from wrtcgw.demo.media import Media, open_media

_T = TypeVar("_T")
Answer = tuple[int, object]


class Server(Resource):
    """A gateway that gives prepared answers, and writes down what it was asked."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, str, dict[str, str], str]] = []
        self.headers: list[str] = []
        self.hanging: list[Request] = []
        self.once_called: list[Answer] = []

    def render(self, request: Request) -> bytes | int:
        """Answer; a poll without an answer hangs."""
        path = request.path.decode()
        query = dict(parse_qsl(request.uri.partition(b"?")[2].decode()))
        body = request.content.read().decode() if request.content is not None else ""
        self.asked.append((request.method.decode(), path, query, body))
        self.headers.append(request.getHeader("authorization") or "")
        if "to" in query and self.once_called:
            self._called()
        prepared = self.answers.get(f"{request.method.decode()} {path.rpartition('/')[2]}", [])
        if not prepared and request.method == b"GET" and path.endswith("message"):
            self.hanging.append(request)
            return NOT_DONE_YET
        status, value = prepared.pop(0) if prepared else (200, {"status": "ok"} if path.endswith("health") else {})
        request.setResponseCode(status)
        request.setHeader("X-WRTC-Session", "token1")
        request.setHeader("X-WRTC-Call", "call1")
        return value.encode() if isinstance(value, str) else json.dumps(value).encode()

    def _called(self) -> None:
        """Let polls have the messages of a call that is placed now."""
        self.answers["GET message"], self.once_called = self.once_called, []
        for request in self.hanging:
            request.setResponseCode(204)
            request.finish()


class ServerCase(SynchronousTestCase):
    """An API over a prepared gateway in memory."""

    def setUp(self) -> None:
        self.server = Server()
        self.stub = StubTreq(self.server)
        self.clock = Clock()
        self.api = GatewayAPI("http://gw.example.org/", "ann", cast(HTTPClient, self.stub), self.clock)

    def result(self, work: Coroutine[Deferred[object], object, _T]) -> _T:
        """Return the outcome of a coroutine that need not wait."""
        deferred = Deferred.fromCoroutine(work)
        self.stub.flush()
        return self.successResultOf(deferred)

    def error(self, work: Coroutine[Deferred[object], object, object], kind: type[Exception]) -> Exception:
        """Return the failure of a coroutine that need not wait."""
        deferred = Deferred.fromCoroutine(work)
        self.stub.flush()
        return cast(Exception, self.failureResultOf(deferred, kind).value)


class APITests(ServerCase):
    """What goes to the gateway, and what is read in its answers."""

    def test_password_is_in_the_body(self) -> None:
        """sign_in posts the password, so that it is in no URL; its token goes with each later request."""
        self.result(self.api.sign_in("5001", "a&b"))
        method, path, query, body = self.server.asked[0]
        self.assertEqual((method, path, query), ("POST", "/api/webrtc/sign_in", {}))
        self.assertEqual(body, "id=ann&dn=5001&password=a%26b")
        self.result(self.api.sign_out())
        self.assertEqual(self.server.headers, ["", "Bearer token1"])
        self.assertNotIn("token1", repr(self.api))

    def test_descriptions(self) -> None:
        """A call is placed with from and to, and gets its id; a description inside it names the call."""
        self.assertEqual(self.result(self.api.place_call("1003", "v=0")), "call1")
        self.result(self.api.describe("call1", "v=0"))
        self.assertEqual(
            [query for _, _, query, _ in self.server.asked],
            [{"from": "ann", "to": "1003"}, {"from": "ann", "call": "call1"}],
        )

    def test_messages(self) -> None:
        """A message is read field by field; nothing is None."""
        value = {"messageType": "ERROR", "callId": "c", "sipCode": 486, "reason": "Busy", "state": "ENDED", "seq": 3}
        self.server.answers["GET message"] = [(200, value), (204, "")]
        event = self.result(self.api.next_event(5.0))
        assert event is not None
        self.assertEqual((event.type, event.call_id, event.code, event.ends_call), ("ERROR", "c", 486, True))
        self.assertEqual(str(event), "ERROR 486 Busy")
        self.assertIsNone(self.result(self.api.next_event(0.0)))

    def test_control(self) -> None:
        """A verb is posted with its fields and returns SIP's words."""
        self.server.answers["POST dtmf"] = [(200, {"sipCode": 200, "reason": "OK"})]
        self.assertEqual(self.result(self.api.control("dtmf", "c", digits="1")), "200 OK")
        self.assertEqual(self.server.asked[0][2], {"id": "ann", "call": "c", "digits": "1"})

    def test_refused(self) -> None:
        """An error has the gateway's status and words; an answer that is none of a gateway's says so."""
        self.server.answers["POST hold"] = [(409, {"error": "not now", "code": "wrong_state"}), (502, "<html>")]
        refused = self.error(self.api.control("hold", "c"), RefusedError)
        self.assertEqual(str(refused), "409 not now")
        self.assertIn("none of a gateway's", str(self.error(self.api.control("hold", "c"), RefusedError)))

    def test_health(self) -> None:
        """Health is an answer even when it is bad; what is no gateway, or silent, counts as unreachable."""
        self.server.answers["GET health"] = [(503, {"status": "down"}), (404, "nothing here")]
        self.assertEqual(self.result(self.api.health()), {"status": "down"})
        self.assertIn("404", str(self.error(self.api.health(), UnreachableError)))
        api = GatewayAPI("https://gw.example.org", "ann", cast(HTTPClient, Silent()), self.clock)
        asking = Deferred.fromCoroutine(api.health())
        self.clock.advance(11)
        self.assertIn("no answer within 10 s", str(self.failureResultOf(asking, UnreachableError).value))

    def test_unreachable(self) -> None:
        """No connection, or one that breaks off, is one kind of error, which names the URL."""
        for reason, words in (
            (ConnectionRefusedError(), "refused"),
            (ResponseNeverReceived([Failure(ConnectionRefusedError())]), "refused"),
            (ResponseNeverReceived([Failure(CancelledError())]), "no answer within 60 s"),
        ):
            api = GatewayAPI("http://gw.example.org", "ann", cast(HTTPClient, Failing(reason)), self.clock)
            text = str(self.error(api.sign_out(), UnreachableError))
            self.assertTrue(text.startswith("http://gw.example.org: ") and words in text, text)

    def test_silent_gateway(self) -> None:
        """A gateway that never answers counts as unreachable after a minute."""
        polling = Deferred.fromCoroutine(self.api.next_event(5.0))
        self.stub.flush()
        self.clock.advance(61)
        self.failureResultOf(polling, UnreachableError)


class Silent:
    """An HTTP client whose requests are never answered."""

    def request(self, *arguments: object, **options: object) -> Deferred[object]:
        """Return what does not come."""
        return Deferred()


class Failing:
    """An HTTP client whose requests fail."""

    def __init__(self, reason: Exception) -> None:
        self._reason = reason

    def request(self, *arguments: object, **options: object) -> "Deferred[object]":
        """Fail."""
        return fail(self._reason)


class InboxTests(ServerCase):
    """Messages that are waited for."""

    def setUp(self) -> None:
        super().setUp()
        self.told: list[str] = []
        self.inbox = Inbox(self.api, self.clock, lambda event: self.told.append(event.type))

    def wait(self, accept: Callable[[Event], bool], within: float = 5.0) -> "Deferred[Event]":
        """Wait for a message."""
        waiting = Deferred.fromCoroutine(self.inbox.next(accept, within))
        self.stub.flush()
        self.clock.advance(0)
        return waiting

    def test_kept_until_taken(self) -> None:
        """A step gets the message that it waits for; others are kept for later steps."""
        self.server.answers["GET message"] = [(200, {"messageType": kind}) for kind in ("RINGING", "ANSWER")]
        self.inbox.open()
        self.assertEqual(self.successResultOf(self.wait(lambda event: event.type == "ANSWER")).type, "ANSWER")
        self.assertEqual(self.successResultOf(self.wait(lambda event: True)).type, "RINGING")
        self.assertEqual(self.told, ["RINGING", "ANSWER"])

    def test_silence(self) -> None:
        """What does not come in time is an error that names the time."""
        self.inbox.open()
        waiting = self.wait(lambda event: True, 3.0)
        self.assertNoResult(waiting)
        self.clock.advance(3)
        self.assertIn("3 s", str(self.failureResultOf(waiting, SilenceError).value))

    def test_gateway_refuses(self) -> None:
        """When the gateway does not serve the agent any more, whoever waits is told."""
        self.server.answers["GET message"] = [(404, {"error": "agent 'ann' is not signed in"})]
        self.inbox.open()
        self.failureResultOf(self.wait(lambda event: True), RefusedError)

    def test_close(self) -> None:
        """Closing ends a poll that hangs; nothing is left behind."""
        self.inbox.open()
        self.stub.flush()
        self.assertEqual(len(self.server.hanging), 1)
        self.successResultOf(Deferred.fromCoroutine(self.inbox.close()))
        self.assertEqual(self.clock.getDelayedCalls(), [])


class WalkTests(ServerCase):
    """The walk, where it ends early."""

    def walk(self, **plan: object) -> tuple[Exit, str]:
        """Take a walk that need not wait; return its exit code and what it printed."""
        stream = io.StringIO()
        walk = Walk(
            plan=Plan(dn="5001", password="secret", **plan),  # type: ignore[arg-type]
            api=self.api,
            clock=cast(IReactorTime, self.clock),
            report=Report(stream),
            new_sound=NoSound,
        )
        done = Deferred.fromCoroutine(walk.run())
        for _ in range(20):
            self.stub.flush()
            self.clock.advance(0)
        return self.successResultOf(done), stream.getvalue()

    def test_sign_in_only(self) -> None:
        """Without a call the walk signs in and out."""
        code, text = self.walk()
        self.assertEqual(code, Exit.OK, text)
        self.assertEqual([path.rpartition("/")[2] for _, path, _, _ in self.server.asked][-1], "sign_out")

    def test_refused_sign_in(self) -> None:
        """A refused sign-in ends the walk with its code, and the password is not printed."""
        self.server.answers["POST sign_in"] = [(401, {"error": "check dn and password"})]
        code, text = self.walk(call="1003")
        self.assertEqual(code, Exit.SIGN_IN_FAILED)
        self.assertIn("✗ sign in as 5001", text)
        self.assertNotIn("secret", text)

    def test_refused_call(self) -> None:
        """A call that the gateway refuses ends the walk with its code; the agent is signed out all the same."""
        self.server.answers["POST message"] = [(400, {"error": "to: expected a number"})]
        code, text = self.walk(call="bad number")
        self.assertEqual(code, Exit.CALL_FAILED, text)
        self.assertTrue(self.server.asked[-1][1].endswith("sign_out"))

    def test_stopped(self) -> None:
        """A walk that is stopped in a call (Ctrl-C) signs out before the process ends, with a code of its own."""
        self.server.once_called = [(200, {"messageType": "ANSWER", "callId": "call1", "sdp": SEED_OFFER})]
        plan = Plan(dn="5001", password="secret", call="1003", talk=100)
        clock = cast(IReactorTime, self.clock)
        walk = Walk(plan=plan, api=self.api, clock=clock, report=Report(io.StringIO()), new_sound=NoSound)
        reactor = MemoryReactor()
        working = client.until_stopped(cast(IReactorCore, reactor), walk.run())
        for _ in range(20):
            self.stub.flush()
            self.clock.advance(0)
        self.assertNoResult(working)
        stopping = reactor.triggers["before"]["shutdown"][0][0]()
        self.stub.flush()
        self.successResultOf(stopping)
        self.assertEqual(self.failureResultOf(working, SystemExit).value.code, Exit.INTERRUPTED)
        self.assertTrue(self.server.asked[-1][1].endswith("sign_out"))

    def test_offer_inside_a_call(self) -> None:
        """An offer that comes inside a call is answered, also one without a description."""
        self.server.once_called = [
            (200, {"messageType": "ANSWER", "callId": "call1", "sdp": SEED_OFFER}),
            (200, {"messageType": "OFFER", "callId": "call1", "sdp": SEED_OFFER}),
            (200, {"messageType": "OFFER", "callId": "call1", "sdp": None}),
            (200, {"messageType": "TRANSFER", "callId": "call1", "state": "DONE", "sipCode": 200, "reason": "OK"}),
        ]
        code, text = self.walk(call="5002", transfer="5003")
        self.assertEqual(code, Exit.OK, text)
        bodies = [body for _, path, query, body in self.server.asked if query.get("call") == "call1" and body]
        self.assertEqual([sessiontext.speaks_webrtc(body) for body in bodies], [False, True])


class NoSoundTests(SynchronousTestCase):
    """Descriptions with nothing behind them."""

    def test_offer(self) -> None:
        """The offer is a good description of a browser's kind, with credentials of the right lengths."""
        offer = self.successResultOf(Deferred.fromCoroutine(NoSound().offer()))
        sdp.check(offer)
        self.assertTrue(sessiontext.speaks_webrtc(offer))
        self.assertRegex(offer, r"a=ice-ufrag:\w{4}\r\na=ice-pwd:\w{24}\r\na=fingerprint:sha-256 (\w\w:){31}\w\w\r\n")

    def test_answer(self) -> None:
        """An answer is of the offer's kind."""
        plain = self.successResultOf(Deferred.fromCoroutine(NoSound().answer(SEED_OFFER)))
        self.assertFalse(sessiontext.speaks_webrtc(plain))
        answer = self.successResultOf(Deferred.fromCoroutine(NoSound().answer(BROWSER_OFFER)))
        sdp.check(answer)
        self.assertTrue(sessiontext.speaks_webrtc(answer))
        self.assertIn("a=setup:active\r\n", answer)
        self.assertIn("m=video 0 ", answer)


class ReportTests(SynchronousTestCase):
    """What is printed."""

    def test_marks(self) -> None:
        """A step is one line with its mark, name, detail and time; words stand in where the marks cannot be printed."""
        for encoding, done, failed in (("utf-8", "✓ hold", "✗ hold"), ("ascii", "ok hold", "FAILED hold")):
            raw = io.BytesIO()
            report = Report(io.TextIOWrapper(raw, encoding=encoding))
            report.done("hold", "200 OK", 0.5)
            report.failed("hold", "no", 0.5)
            first, second = raw.getvalue().decode(encoding).splitlines()
            self.assertRegex(first, f"^{done} +200 OK +0.50 s$")
            self.assertRegex(second, f"^{failed} +no +0.50 s$")


class CommandTests(SynchronousTestCase):
    """The command line."""

    def password(self, *arguments: str, stdin: str = "") -> str:
        """Return the password that a command line leads to."""
        options = client.parser().parse_args(["--dn", "5001", *arguments])
        return client.read_password(options, io.StringIO(stdin))

    def test_password_sources(self) -> None:
        """The password comes from the option, a file's first line, stdin or the environment; else it is asked for."""
        path = self.mktemp()
        with open(path, "w", encoding="utf-8") as file:
            file.write("from file\nsecond line\n")
        self.patch(os, "environ", {})
        self.assertEqual(self.password("--password", "given"), "given")
        self.assertEqual(self.password("--password-file", path), "from file")
        self.assertEqual(self.password("--password-file", "-", stdin="piped\n"), "piped")
        self.assertRaises(ValueError, self.password, "--password-file", path + ".missing")
        self.assertRaises(ValueError, self.password)
        self.patch(os, "environ", {client.PASSWORD_VARIABLE: "from environment"})
        self.assertEqual(self.password(), "from environment")

    def test_plan_hides_the_password(self) -> None:
        """The password is in no repr."""
        options = client.parser().parse_args(["--dn", "5001", "--call", "1003", "--media"])
        plan = client.plan_of(options, "hidden")
        self.assertNotIn("hidden", repr(plan))
        self.assertEqual(plan.tone, 440.0)

    def test_help(self) -> None:
        """The help has examples and every exit code."""
        text = client.parser().format_help()
        self.assertIn("wrtcgw-client --dn 5001 --call 1003 --media", text)
        self.assertIn(EXIT_CODES, text)
        for code in Exit:
            self.assertIn(f"\n  {code.value}  ", EXIT_CODES)

    def test_wrong_use(self) -> None:
        """Options that contradict each other, or need a call, end with code 2."""
        for arguments in (
            ["--dn", "5001", "--call", "1", "--wait"],
            ["--dn", "5001", "--password", "x", "--media"],
            ["--dn", "5001", "--call", "1003", "--password-file", "/nonexistent"],
            ["--dn", "5001", "--password", "x", "--call", ""],
            ["--dn", "5001", "--password", "x", "--call", "1003", "--transfer", " "],
            ["--dn", "5001", "--password", "x", "--call", "1003", "--expect", "200"],
            ["--dn", "5001", "--password", "x", "--call", "1003", "--patience", "nan"],
            ["--dn", "5001", "--password", "x", "--call", "1003", "--talk", "-1"],
            ["--dn", "5001", "--password", "x", "--call", "1003", "--media", "--listen-for", "0"],
            ["--dn", "5001", "--password", "x", "--call", "1003", "--url", "ftp://gw.example.org"],
            [],
        ):
            stderr = io.StringIO()
            self.patch(sys, "stderr", stderr)
            stopped = self.assertRaises(SystemExit, client.main, arguments)
            self.assertEqual(stopped.code, Exit.USAGE)
            self.assertIn("usage: wrtcgw-client", stderr.getvalue())

    def test_media_missing(self) -> None:
        """Where the demo extra is not installed, --media says how to install it and ends with its own code."""

        def load(name: str) -> object:
            raise ImportError("No module named 'aiortc'")

        def opening(reactor: IReactorFromThreads) -> Media:
            return open_media(reactor, load)

        options = client.parser().parse_args(["--dn", "5001", "--call", "1003", "--media"])
        stream = io.StringIO()
        walking = client.walk(Clock(), options, client.plan_of(options, "x"), stream, opening)
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(walking)), Exit.NO_MEDIA)
        self.assertIn("pip install '.[demo]' in the clone of wrtcgw", stream.getvalue())
