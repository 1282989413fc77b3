"""Errors as they are told: the table is complete, and nothing inside shows."""

import importlib
import pkgutil
from typing import cast

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

import wrtcgw
from tests.web.harness import SDP, WebTestCase
from wrtcgw.errors import (
    AgentInUse,
    AmbiguousCall,
    BadInput,
    GatewayError,
    NoSIPConnection,
    RegistrationRefused,
    RegistrationTimeout,
    RequestRefused,
    UnknownCall,
    WrongState,
)
from wrtcgw.web.errors import REGISTRAR_FAILED, ROWS, row_of

SIGN_IN = "/api/webrtc/sign_in?id=agent123&dn=5001&password=secret"


def subclasses(base: type[GatewayError]) -> set[type[GatewayError]]:
    """Return all types below ``base``."""
    found = set(base.__subclasses__())
    return found.union(*map(subclasses, found))


class Table(SynchronousTestCase):
    """The one table from errors to HTTP."""

    def test_every_gateway_error_has_a_row(self) -> None:
        """Each subclass of GatewayError in the package, wherever it is defined, has a row."""
        for module in pkgutil.walk_packages(wrtcgw.__path__, "wrtcgw."):
            if ".demo" not in module.name:
                importlib.import_module(module.name)
        ours = {kind for kind in subclasses(GatewayError) if kind.__module__.startswith("wrtcgw.")}
        self.assertEqual(ours - set(ROWS), set())

    def test_code_words_are_unique(self) -> None:
        """A program can tell the errors apart by their code words."""
        words = [row.code for row in (*ROWS.values(), REGISTRAR_FAILED)]
        self.assertEqual(len(words), len(set(words)))

    def test_registrar_that_fails_is_not_a_wrong_password(self) -> None:
        """A refusal without regard to the credentials is the registrar's failure, not the agent's."""
        self.assertEqual(row_of(RegistrationRefused("5001", 403, "Forbidden", credentials=True)).status, 401)
        self.assertIs(row_of(RegistrationRefused("5001", 500, "Oops", credentials=False)), REGISTRAR_FAILED)


class Told(WebTestCase):
    """What the caller gets."""

    def fail(self, error: Exception) -> tuple[int, dict[str, object], dict[str, str]]:  # type: ignore[override]
        """Let sign_in fail with ``error``; return status, body and header fields."""
        self.gateway.failure = error
        answer = self.ask("GET", SIGN_IN)
        return answer.code, answer.json, answer.headers

    def test_wrong_password(self) -> None:
        """A refused registration is 401, with the registrar's words and what to check."""
        words = {"warning": "Not here", "sip_reason": "Call rejected"}
        code, body, _ = self.fail(RegistrationRefused("5001", 403, "Forbidden", credentials=True, **words))
        self.assertEqual((code, body["code"]), (401, "registration_refused"))
        self.assertEqual((body["warning"], body["sipReason"]), ("Not here", "Call rejected"))
        self.assertEqual((body["sipCode"], body["reason"]), (403, "Forbidden"))
        self.assertIn("check dn and password", cast(str, body["error"]))

    def test_registrar_fails(self) -> None:
        """A registrar that is ill is 502, and says when to come back."""
        code, body, headers = self.fail(RegistrationRefused("5001", 500, "Oops", credentials=False))
        self.assertEqual((code, body["code"], headers["retry-after"]), (502, "registrar_failed", "5"))
        self.assertEqual({"warning", "sipReason"} & set(body), set())

    def test_no_sip_connection(self) -> None:
        """A dead proxy is 503 with a text and Retry-After."""
        code, body, headers = self.fail(NoSIPConnection())
        self.assertEqual((code, body["code"], headers["retry-after"]), (503, "no_sip_connection", "5"))
        self.assertIn("try again", cast(str, body["error"]))

    def test_registrar_silent(self) -> None:
        """A registrar that never answers is 504."""
        code, body, _ = self.fail(RegistrationTimeout("5001", 8.0))
        self.assertEqual((code, body["code"]), (504, "registration_timeout"))

    def test_bad_field(self) -> None:
        """A bad field is 400 and named."""
        code, body, _ = self.fail(BadInput("dn", "a number", "@"))
        self.assertEqual((code, body["code"], body["field"]), (400, "bad_input", "dn"))

    def test_id_in_use(self) -> None:
        """An id that another DN has is 409."""
        code, body, _ = self.fail(AgentInUse("agent123"))
        self.assertEqual((code, body["code"]), (409, "agent_in_use"))

    def test_unexpected(self) -> None:
        """A bug is 500 with an incident id that the log has too, and no word of what it was."""
        code, body, _ = self.fail(ZeroDivisionError("very secret"))
        (logged,) = self.flushLoggedErrors(ZeroDivisionError)
        self.assertEqual((code, body["code"]), (500, "internal_error"))
        self.assertRegex(cast(str, body["incident"]), "^[0-9a-f]{12}$")
        self.assertIn(cast(str, body["incident"]), cast(str, body["error"]))
        self.assertNotIn("secret", str(body))
        self.assertEqual(logged.getErrorMessage(), "very secret")

    def test_unexpected_on_the_hot_path(self) -> None:
        """A bug on the way around Klein is told in the same manner."""
        self.sign_in()
        self.gateway.failure = ZeroDivisionError()
        answer = self.ask("POST", "/api/webrtc/message?from=agent123&to=1", data=SDP.encode())
        self.assertEqual(answer.error, (500, "internal_error"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_unexpected_after_the_client_left(self) -> None:
        """A verb whose client has gone is cancelled without a sound."""
        self.sign_in()
        self.gateway.waiting = Deferred()
        wire = self.wire()
        wire.send("POST", "/api/webrtc/hold?id=agent123")
        wire.lose()
        self.assertEqual(wire.received, b"")

    def test_calls(self) -> None:
        """Errors of calls: unknown 404, ambiguous 409 with the list, wrong state 409, refused by the far side 502."""
        self.sign_in()
        cases: list[tuple[Exception, int, dict[str, object]]] = [
            (UnknownCall("x"), 404, {"code": "unknown_call"}),
            (AmbiguousCall(("a", "b")), 409, {"code": "ambiguous_call", "calls": ["a", "b"]}),
            (WrongState("a", "hold", "ringing"), 409, {"code": "wrong_state", "callId": "a", "state": "ringing"}),
            (RequestRefused("hold", 488, "No"), 502, {"code": "request_refused", "sipCode": 488, "reason": "No"}),
        ]
        for error, code, told in cases:
            self.gateway.failure = error
            answer = self.ask("POST", "/api/webrtc/hold?id=agent123")
            self.assertEqual((answer.code, answer.json), (code, {**told, "error": str(error)}))


class Routing(WebTestCase):
    """Paths and methods that are none."""

    def test_unknown_route(self) -> None:
        """Each unknown path is a 404 in JSON."""
        for path in ("/", "/api", "/api/", "/api/webrtc/", "/api/webrtc/nothing", "/api/webrtc/sign_in/", "/x%20y/%FF"):
            answer = self.ask("GET", path)
            self.assertEqual(answer.error if answer.code == 404 else answer.code, (404, "not_found"), path)

    def test_wrong_method(self) -> None:
        """A wrong method is a 405 in JSON, with Allow."""
        cases = {
            ("PUT", "/api/webrtc/message"): "GET, POST, OPTIONS",
            ("HEAD", "/api/webrtc/message"): "GET, POST, OPTIONS",
            ("DELETE", "/api/webrtc/sign_in"): "GET, POST, OPTIONS",
            ("GET", "/api/webrtc/hold"): "POST, OPTIONS",
            ("POST", "/api/health"): "GET, OPTIONS",
        }
        for (method, path), allow in cases.items():
            answer = self.ask(method, path)
            self.assertEqual((answer.code, answer.headers["allow"]), (405, allow))
            if method != "HEAD":
                self.assertEqual(answer.json["code"], "wrong_method")

    def test_head_does_nothing(self) -> None:
        """HEAD, which browsers take for harmless, signs nobody out."""
        self.sign_in()
        self.assertEqual(self.ask("HEAD", "/api/webrtc/sign_out?id=agent123").code, 405)
        self.assertEqual(self.gateway.agent("agent123").id, "agent123")
        self.assertEqual(self.ask("HEAD", "/api/health").code, 200)
