"""What pages say of themselves by HTTP: heartbeats, last words, and that they have got a call."""

from typing import Any

from tests.web.genesys.dialectcase import DialectCase
from tests.web.harness import LOCAL

JSON = {"Accept": "application/json", "Content-Type": "application/json"}


class Heartbeats(DialectCase):
    """A page of the library, as its requests are."""

    def setUp(self) -> None:
        super().setUp()
        line = "/api/webrtc/sign_in?id=5001&dn=5001&password=secret&acknowledges_calls=1&always_listens=1"
        self.get(line, headers={"Accept": "application/json"})

    def beat(self, body: bytes) -> Any:
        """Post a heartbeat."""
        return self.ask("POST", "/api/webrtc/heartbeat?id=5001", data=body, headers=JSON)

    def shown(self) -> tuple[bool, str]:
        """Return what operators are told of the page."""
        (agent,) = self.ask("GET", "/api/agents", base=LOCAL, headers=JSON).json["agents"]
        return agent["pageResponds"], agent["visibility"]

    def test_words(self) -> None:
        """Operators see what a page has said last; any request wakes it up."""
        self.assertEqual(self.shown(), (True, ""))
        for word, responds in (("visible", True), ("hidden", True), ("frozen", False), ("gone", False)):
            answer = self.beat(b'{"visibility": "%b"}' % word.encode())
            self.assertEqual((answer.code, answer.json), (200, {"status": "ok"}))
            self.assertEqual(self.shown(), (responds, word))
        self.ask("GET", "/api/webrtc/calls?id=5001", headers=JSON)
        self.assertEqual(self.shown(), (True, "gone"))

    def test_form(self) -> None:
        """A page may send it as a form, too."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self.ask("POST", "/api/webrtc/heartbeat?id=5001", data=b"visibility=hidden", headers=headers)
        self.assertEqual((answer.code, self.shown()), (200, (True, "hidden")))

    def test_refused(self) -> None:
        """Other words are refused with those that there are, and so is who may not speak for the agent."""
        for body in (b"{}", b'{"visibility": ""}', b'{"visibility": "asleep"}', b'{"visibility": 5}'):
            answer = self.beat(body)
            self.assertEqual((answer.code, answer.json["code"]), (400, "bad_input"), body)
        self.assertIn("one of visible, hidden, frozen, gone", answer.json["error"])
        wrong = {**JSON, "Authorization": "Bearer nobody"}
        answer = self.ask("POST", "/api/webrtc/heartbeat?id=5001", data=b"{}", headers=wrong)
        self.assertEqual((answer.code, self.shown()), (403, (True, "")))

    def test_ringing(self) -> None:
        """A page that says that it has got a call hears whether that is still there."""
        for seconds, state, heard in ((0, "OFFERED", 180), (5, "ENDED", 480)):
            far = self.far.call("5001")
            self.run_for(0.2)
            call = list(self.registry.agent("5001").calls)[-1]
            self.run_for(seconds)
            answer = self.ask("POST", f"/api/webrtc/ringing?id=5001&call={call}", data=b"{}", headers=JSON)
            self.assertEqual((answer.code, answer.json), (200, {"status": "ok", "state": state}))
            self.assertEqual(far.last("INVITE").status, heard)
