"""sign_in and sign_out: the first and the sixth line of the table in design 3.1."""

from typing import cast

from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher

from tests.web.harness import PASSWORD, WebTestCase
from wrtcgw.calls.messages import MessageType
from wrtcgw.errors import NoSIPConnection

FIELDS = {"id": "agent123", "dn": "5001", "password": PASSWORD}
ASKED = ("sign_in", "agent123", "5001", PASSWORD, "", False)


class SigningIn(WebTestCase):
    """GET or POST /api/webrtc/sign_in."""

    def test_query(self) -> None:
        """The fields may come in the query of GET or POST."""
        for method in ("GET", "POST"):
            answer = self.ask(method, "/api/webrtc/sign_in", params=FIELDS)
            self.assertEqual((answer.code, answer.body), (200, b"OK"))
        self.assertEqual(self.gateway.asked, [ASKED, ASKED])

    def test_form(self) -> None:
        """The fields may come as a form."""
        self.assertEqual(self.ask("POST", "/api/webrtc/sign_in", data=FIELDS).code, 200)
        self.assertEqual(self.gateway.asked, [ASKED])

    def test_json(self) -> None:
        """The fields may come as JSON, numbers and a name to show among them."""
        fields = {**FIELDS, "dn": 5001, "display_name": "Ann"}
        self.assertEqual(self.ask("POST", "/api/webrtc/sign_in", json=fields).code, 200)
        self.assertEqual(self.gateway.asked, [("sign_in", "agent123", "5001", PASSWORD, "Ann", False)])

    def test_missing_field(self) -> None:
        """A missing field is 400 and named."""
        for name in FIELDS:
            fields = {key: value for key, value in FIELDS.items() if key != name}
            answer = self.ask("POST", "/api/webrtc/sign_in", json=fields)
            self.assertEqual((answer.error, answer.json["field"]), ((400, "bad_input"), name))
        self.assertEqual(self.gateway.asked, [])

    def test_bad_json(self) -> None:
        """What is no JSON is 400, another type of body 415."""
        headers = {"Content-Type": "application/json"}
        self.assertEqual(self.ask("POST", "/api/webrtc/sign_in", data=b"{", headers=headers).error, (400, "bad_input"))
        headers = {"Content-Type": "text/xml"}
        answer = self.ask("POST", "/api/webrtc/sign_in", data=b"<a/>", headers=headers)
        self.assertEqual(answer.error, (415, "wrong_content_type"))

    def test_answers_after_the_registrar(self) -> None:
        """The answer waits for the registrar's."""
        self.gateway.waiting = Deferred()
        pending = self.begin("GET", "/api/webrtc/sign_in", params=FIELDS)
        self.assertTrue(pending.hangs)
        self.gateway.waiting.callback(None)
        self.assertEqual(pending.answer().text, "OK")

    def test_json_answer(self) -> None:
        """Who accepts JSON gets the session in it as well."""
        answer = self.ask("GET", "/api/webrtc/sign_in", params=FIELDS, headers={"Accept": "application/json"})
        self.assertEqual(
            answer.json,
            {"status": "ok", "id": "agent123", "dn": "5001", "session": answer.headers["x-wrtc-session"], "page": "1"},
        )

    def test_ends_what_the_earlier_page_has_hanging(self) -> None:
        """A later sign_in of the same agent answers the old page's poll once, and ends its stream."""
        self.sign_in()
        poll = self.begin("GET", "/api/webrtc/message?id=agent123&wait=60")
        stream = self.begin("GET", "/api/webrtc/events?id=agent123")
        self.assertTrue(poll.hangs)
        self.sign_in()
        self.assertEqual(poll.answer().code, 204)
        self.assertEqual(stream.answer().code, 200)

    def test_no_secret_in_the_log(self) -> None:
        """Neither password nor token gets into the log, whatever comes of it."""
        events: list[LogEvent] = []
        observer = cast(ILogObserver, events.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        token = self.sign_in()
        self.gateway.failure = ZeroDivisionError()
        self.ask("GET", "/api/webrtc/sign_in", params=FIELDS)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        logged = repr(events)
        self.assertIn("agent123", logged)
        self.assertNotIn(PASSWORD, logged)
        self.assertNotIn(token, logged)

    def test_no_control_character_in_the_log(self) -> None:
        """What a client sends as id cannot forge a line of the log, nor drive the terminal that shows it."""
        lines: list[str] = []

        observer = cast(ILogObserver, lambda event: lines.append(formatEvent(event)))
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        self.gateway.failure = NoSIPConnection()
        self.ask("GET", "/api/webrtc/sign_in", params={**FIELDS, "id": "a\n\x1b[31mforged"})
        self.assertTrue(any("forged" in line for line in lines))
        self.assertTrue(all(line.isprintable() for line in lines), lines)


class Leaving(WebTestCase):
    """Pages that go before the registrar has answered."""

    def setUp(self) -> None:
        super().setUp()
        self.gateway.waiting = Deferred()
        self.page = self.wire()
        self.page.get(f"/api/webrtc/sign_in?id=agent123&dn=5001&password={PASSWORD}")
        self.page.lose()

    def asked(self) -> list[object]:
        """Let the registrar answer; return the verbs that the gateway was asked for."""
        waiting, self.gateway.waiting = self.gateway.waiting, None
        assert waiting is not None
        waiting.callback(None)
        return [asked[0] for asked in self.gateway.asked]

    def test_signed_out_again(self) -> None:
        """Its agent is signed out again."""
        self.assertEqual(self.asked(), ["sign_in", "sign_out"])
        self.assertEqual(list(self.gateway.agents()), [])

    def test_refused(self) -> None:
        """A refusal then interests nobody."""
        self.gateway.failure = NoSIPConnection()
        self.assertEqual(self.asked(), ["sign_in"])

    def test_not_the_only_page(self) -> None:
        """An agent who has a session stays."""
        waiting, self.gateway.waiting = self.gateway.waiting, None
        self.sign_in()
        self.gateway.waiting = waiting
        self.assertEqual(self.asked(), ["sign_in", "sign_in"])
        self.assertEqual(self.ask("GET", "/api/webrtc/message?id=agent123").code, 204)

    def test_bug_is_logged(self) -> None:
        """When even the sign-out goes wrong, the log has it."""
        self.patch(self.gateway, "sign_out", fail)
        self.asked()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


async def fail(agent_id: str) -> None:
    """Fail."""
    raise ZeroDivisionError


class SigningOut(WebTestCase):
    """GET or POST /api/webrtc/sign_out."""

    def test_ok(self) -> None:
        """Sign-out is OK by GET and POST, and clears the cookie."""
        for method in ("GET", "POST"):
            self.sign_in()
            answer = self.ask(method, "/api/webrtc/sign_out?id=agent123")
            self.assertEqual((answer.code, answer.text), (200, "OK"))
            self.assertIn("Max-Age=0", answer.headers["set-cookie"])
            self.assertEqual(self.gateway.asked[-1], ("sign_out", "agent123"))
            self.assertEqual(self.ask("GET", "/api/webrtc/message?id=agent123").error, (404, "not_signed_in"))

    def test_not_signed_in(self) -> None:
        """A second sign-out is OK; of an id that never signed in strangers learn no more than of another's."""
        self.assertEqual(self.ask("GET", "/api/webrtc/sign_out?id=nobody").error, (401, "session_required"))
        self.sign_in()
        for _ in range(2):
            self.assertEqual(self.ask("GET", "/api/webrtc/sign_out?id=agent123").text, "OK")

    def test_beacon(self) -> None:
        """A page that closes may send a beacon, whatever its body."""
        self.sign_in()
        answer = self.ask(
            "POST", "/api/webrtc/sign_out?id=agent123", data=b"bye", headers={"Content-Type": "text/plain"}
        )
        self.assertEqual(answer.code, 200)

    def test_needs_an_id(self) -> None:
        """Sign-out of nobody is 400."""
        self.assertEqual(self.ask("GET", "/api/webrtc/sign_out").error, (400, "bad_input"))

    def test_stranger(self) -> None:
        """Nobody signs another agent out."""
        self.sign_in()
        wire = self.wire("192.0.2.7")
        wire.get("/api/webrtc/sign_out?id=agent123")
        self.assertEqual(wire.answer().error, (401, "session_required"))
        self.assertEqual(self.gateway.agent("agent123").dn, "5001")

    def test_polls_hear_of_it(self) -> None:
        """A hanging plain poll is told 404, one in ROAP form SIGNED_OUT."""
        for accept, code in (("*/*", 404), ("application/json", 200)):
            self.sign_in()
            poll = self.begin("GET", "/api/webrtc/message?id=agent123&wait=60", headers={"Accept": accept})
            self.assertTrue(poll.hangs)
            self.ask("GET", "/api/webrtc/sign_out?id=agent123")
            answer = poll.answer()
            self.assertEqual(answer.code, code)
            told = answer.json["code"] if code == 404 else answer.json["messageType"]
            self.assertEqual(told, "not_signed_in" if code == 404 else "SIGNED_OUT")

    def test_last_messages(self) -> None:
        """A page that polls one message after the other hears all of them, and only then that it is signed out."""
        token = {"X-WRTC-Session": self.sign_in()}
        poll = "/api/webrtc/message?id=agent123&wait=25"
        roap = {"Accept": "application/json", **token}
        hanging = self.begin("GET", poll, headers=roap)
        self.assertTrue(hanging.hangs)
        agent = self.gateway.leaving = self.gateway.agent("agent123")
        for _ in range(2):
            self.gateway.put("agent123", type=MessageType.SHUTDOWN, call_id="c1")
        self.assertEqual(self.ask("GET", "/api/webrtc/sign_out?id=agent123", headers=token).text, "OK")
        self.assertEqual(hanging.answer().json["messageType"], "SHUTDOWN")
        stranger = self.wire("192.0.2.7")
        stranger.get(poll)
        self.assertEqual(stranger.answer().error, (401, "session_required"))
        self.assertEqual(self.ask("GET", poll, headers=roap).json["messageType"], "SHUTDOWN")
        self.assertEqual(self.ask("GET", poll, headers=roap).json["messageType"], "SIGNED_OUT")
        self.assertEqual(self.ask("GET", poll + f"&after={agent.mailbox.last_seq}", headers=roap).code, 204)
        self.gateway.leaving = None
        self.assertEqual(self.ask("GET", poll, headers=roap).error, (404, "not_signed_in"))

    def test_came_back_meanwhile(self) -> None:
        """Who signs in again while the sign-out is under way keeps the new session."""
        self.sign_in()
        self.gateway.waiting = Deferred()
        leaving = self.begin("GET", "/api/webrtc/sign_out?id=agent123")
        self.assertTrue(leaving.hangs)
        waiting, self.gateway.waiting = self.gateway.waiting, None
        self.gateway.registry.remove_agent(self.gateway.agent("agent123"))
        token = self.sign_in()
        waiting.callback(None)
        self.assertEqual(leaving.answer().code, 200)
        headers = {"X-WRTC-Session": token}
        self.assertEqual(self.ask("GET", "/api/webrtc/calls?id=agent123", headers=headers).code, 200)

    def test_json(self) -> None:
        """Who accepts JSON gets JSON."""
        self.sign_in()
        answer = self.ask("GET", "/api/webrtc/sign_out?id=agent123", headers={"Accept": "application/json"})
        self.assertEqual(answer.json, {"status": "ok"})
