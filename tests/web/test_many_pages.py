"""Several pages of one agent over HTTP: sessions, messages and numbers of their own, and a restart of the gateway."""

import json
from typing import Any
from urllib.parse import urlencode

from tests.support.restartcase import RestartCase
from tests.web.genesys.dialectcase import BROWSER_SDP, CANDIDATE, PBX_SDP, DialectCase
from tests.web.harness import Answer
from wrtcgw.calls.agent import RegistrationState
from wrtcgw.calls.page import FIRST
from wrtcgw.gateway.vault import name_of
from wrtcgw.web.sessions import digest_of

FIELDS = {"id": "alice", "dn": "5001", "password": "secret", "shares_calls": "1", "always_listens": "1"}
OFFER = BROWSER_SDP.replace("RTP/SAVPF", "UDP/TLS/RTP/SAVPF") + f"a={CANDIDATE}\r\n"
RING_ALL = {"second_page": "ring_all"}
Page = dict[str, str]
"""The header fields by which a page shows its session."""


class PagesCase(RestartCase, DialectCase):
    """A gateway with its HTTP surface; secrets are sealed by the pages' tokens."""

    key = None

    def setUp(self) -> None:
        super().setUp()
        self.start(**RING_ALL)

    def composed(self) -> None:
        """Put the surface up again."""
        self.configure(self.settings)

    def sign_in_page(self, **more: str) -> tuple[Answer, Page]:
        """Sign a page in; return the response, and what shows its session."""
        answer = self.ask(
            "POST", "/api/webrtc/sign_in", data={**FIELDS, **more}, headers={"Accept": "application/json"}
        )
        if answer.code != 200:
            return answer, {}
        self.run_for()
        return answer, {"X-WRTC-Session": answer.headers["x-wrtc-session"], "Accept": "application/json"}

    def listening(self, page: Page) -> Any:
        """Let a page stream."""
        wire = self.wire()
        wire.get("/api/webrtc/events?id=alice", X_WRTC_Session=page["X-WRTC-Session"])
        self.run_for()
        return wire

    def two(self) -> tuple[Page, Page]:
        """Sign two pages in, which listen."""
        pages = []
        for _ in range(2):
            answer, page = self.sign_in_page()
            self.assertEqual(answer.code, 200)
            self.listening(page)
            pages.append(page)
        return pages[0], pages[1]

    def polled(self, page: Page) -> list[tuple[int, str, str]]:
        """Return what a page has not been told: number, type and cause."""
        told = []
        while (answer := self.get("/api/webrtc/message?id=alice", headers=page)).code == 200:
            message = answer.json
            told.append((message["seq"], message["messageType"], message.get("cause", "")))
        return told

    def post(self, path: str, page: Page, **more: Any) -> Answer:
        """Post something as a page."""
        answer = self.ask("POST", path, **{"headers": {**page, "Content-Type": "text/plain"}, **more})
        self.run_for()
        return answer


class Sessions(PagesCase):
    """Who is who."""

    def test_each_has_its_own(self) -> None:
        """Each page has a token and a number of its own, and the id of the agent, whatever it has asked for."""
        first, one = self.sign_in_page()
        wire = self.listening(one)
        second, two = self.sign_in_page(id="bob")
        self.assertEqual([answer.json["page"] for answer in (first, second)], ["1", "2"])
        self.assertEqual(second.json["id"], "alice")
        self.assertNotEqual(one, two)
        for page in (one, two):
            self.assertEqual(self.get("/api/webrtc/calls?id=alice", headers=page).json["pages"], 2)
        self.assertFalse(wire.transport.disconnecting)

    def test_cookie(self) -> None:
        """Another tab of the same browser shows its cookie, and is another page all the same."""
        self.start()
        answer, one = self.sign_in_page()
        self.listening(one)
        cookie = answer.headers["set-cookie"].partition(";")[0]
        headers = {"Accept": "application/json", "Cookie": cookie}
        data = {**FIELDS, "take_over": "0"}
        refused = self.ask("POST", "/api/webrtc/sign_in", data=data, headers=headers)
        self.assertEqual(refused.error, (409, "page_elsewhere"))

    def test_asks_first(self) -> None:
        """A page that would rather ask gets 409 with how many calls there are, and takes over when it says so."""
        self.start()
        _, one = self.sign_in_page()
        self.listening(one)
        answer, _ = self.sign_in_page(take_over="0")
        self.assertEqual(answer.error, (409, "page_elsewhere"))
        self.assertEqual((answer.json["dn"], answer.json["up"]), ("5001", 0))
        answer, two = self.sign_in_page(take_over="1")
        self.assertEqual(answer.code, 200)
        self.assertEqual(self.get("/api/webrtc/calls?id=alice", headers=one).error, (403, "foreign_session"))
        self.assertEqual(self.get("/api/webrtc/calls?id=alice", headers=two).code, 200)

    def test_takes_over_unheard(self) -> None:
        """Pages that lost everything to one which went before its response came speak for nobody any more."""
        one, two = self.two()
        streams = [self.listening(each) for each in (one, two)]
        page = self.wire()
        form = urlencode({**FIELDS, "take_over": "1"}).encode()
        page.send("POST", "/api/webrtc/sign_in", form, Content_Type="application/x-www-form-urlencoded")
        page.lose()
        self.run_for()
        self.assertEqual([each.name for each in self.agent().pages], [FIRST])
        self.assertEqual([b"\r\n0\r\n\r\n" in wire.received for wire in streams], [False, True])
        self.assertEqual(self.get("/api/webrtc/calls?id=alice", headers=one).json["pages"], 1)
        for path in ("/api/webrtc/calls?id=alice", "/api/webrtc/message?id=alice"):
            self.assertEqual(self.get(path, headers=two).error, (403, "foreign_session"))
        self.assertEqual(self.post("/api/webrtc/sign_out?id=alice", two).error, (403, "foreign_session"))
        self.assertIs(self.agent().registration, RegistrationState.REGISTERED)

    def test_refused(self) -> None:
        """Where the site refuses a second page, it is told so, also one that says nothing of it; a token is known."""
        self.start(second_page="refuse")
        _, one = self.sign_in_page()
        self.listening(one)
        self.assertEqual(self.sign_in_page()[0].error, (409, "page_elsewhere"))
        again = self.ask("POST", "/api/webrtc/sign_in", data=FIELDS, headers=one)
        self.assertEqual(again.code, 200)

    def test_the_vendors_pages(self) -> None:
        """A page of the vendor's kind takes over, whatever the site says."""
        one, _ = self.two()
        self.page()
        self.assertIn(self.get("/api/webrtc/calls?id=alice", headers=one).code, (403, 404))

    def test_one_signs_out(self) -> None:
        """One that signs out ends its session alone."""
        one, two = self.two()
        self.assertEqual(self.post("/api/webrtc/sign_out?id=alice", one).code, 200)
        self.assertIs(self.agent().registration, RegistrationState.REGISTERED)
        self.assertEqual(self.get("/api/webrtc/calls?id=alice", headers=one).code, 404)
        self.assertEqual(self.get("/api/webrtc/calls?id=alice", headers=two).json["pages"], 1)
        self.post("/api/webrtc/sign_out?id=alice", two)
        self.assertIsNone(self.gateway.find_dn("5001"))

    def test_forgotten(self) -> None:
        """The session of a page that nobody uses ends, though another page of the agent goes on."""
        pages = [self.sign_in_page(always_listens="0")[1] for _ in range(2)]
        for _ in range(7):
            self.run_for(5 * 60)
            self.get("/api/webrtc/calls?id=alice", headers=pages[0])
        self.assertEqual(self.get("/api/webrtc/calls?id=alice", headers=pages[0]).json["pages"], 1)
        self.assertEqual(self.get("/api/webrtc/calls?id=alice", headers=pages[1]).error, (404, "not_signed_in"))

    def test_operators(self) -> None:
        """Operators see the pages of an agent, and the calls whose sound each has."""
        one, two = self.two()
        placed = self.post("/api/webrtc/message?from=alice&to=1003", two, data=OFFER.encode())
        agents = self.get("/api/agents", base="http://localhost:8082", headers={}).json["agents"]
        found = [(page["page"], page["alive"], page["sound"]) for page in agents[0]["pages"]]
        self.assertEqual(found, [("1", True, []), ("2", True, [placed.headers["x-wrtc-call"]])])
        del one


class Calls(PagesCase):
    """The same calls on two pages."""

    def test_moves(self) -> None:
        """use_here brings the sound from one page to the other; numbers of both go on without a gap."""
        _, one = self.sign_in_page()
        self.attended(one)
        _, two = self.sign_in_page()
        self.attended(two)
        call = self.post("/api/webrtc/message?from=alice&to=1003", one, data=OFFER.encode()).headers["x-wrtc-call"]
        far = self.far.calls[-1]
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual(self.polled(one)[-1][1:], ("ANSWER", ""))
        self.assertEqual({each[1:] for each in self.polled(two)}, {("SOUND", "elsewhere")})
        refused = self.post(f"/api/webrtc/message?from=alice&call={call}", two, data=OFFER.encode())
        self.assertEqual(refused.error, (409, "sound_elsewhere"))
        self.assertEqual(self.post(f"/api/webrtc/use_here?id=alice&call={call}", two, data=OFFER.encode()).code, 200)
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual([each[1:] for each in self.polled(two)], [("ANSWER", "")])
        self.assertEqual([each[1:] for each in self.polled(one)], [("SOUND", "elsewhere")])
        sounds = [self.get("/api/webrtc/calls?id=alice", headers=page).json["calls"][0]["sound"] for page in (one, two)]
        self.assertEqual(sounds, ["elsewhere", "here"])
        muted = self.post(f"/api/webrtc/mute?id=alice&call={call}&on=1", one)
        self.assertEqual(muted.json["muted"], True)
        self.assertEqual([each[1:] for each in self.polled(two)], [("MUTE", "ON")])

    def test_hidden(self) -> None:
        """A call that a page does not show is listed for that page alone, and marked."""
        one, two = self.two()
        body = json.dumps({"messageType": "OFFER", "to": "5002", "sdp": OFFER, "hidden": True}).encode()
        headers = {**one, "Content-Type": "application/json"}
        placed = self.post("/api/webrtc/message?from=alice", one, data=body, headers=headers)
        self.assertEqual(placed.code, 200)
        listed = [self.get("/api/webrtc/calls?id=alice", headers=page).json["calls"] for page in (one, two)]
        self.assertEqual([[each["hidden"] for each in calls] for calls in listed], [[True], []])
        self.assertEqual(self.polled(two), [])

    def attended(self, page: Page) -> None:
        """Let a page count as there, though it polls only when the test does."""
        self.get("/api/webrtc/calls?id=alice", headers=page)

    def test_restart(self) -> None:
        """After a restart both tokens are good, and either of them opens the secrets of the agent."""
        one, two = self.two()
        self.far.call("5001", PBX_SDP)
        self.run_for()
        for opener, other in ((one, two), (two, one)):
            self.restart(**RING_ALL)
            self.assertIs(self.agent().registration, RegistrationState.RECOVERING)
            self.assertEqual(self.get("/api/webrtc/calls?id=alice", headers=opener).code, 200)
            self.run_for(1)
            self.assertIs(self.agent().registration, RegistrationState.REGISTERED)
            self.assertEqual(self.get("/api/webrtc/calls?id=alice", headers=other).code, 200)

    def test_replaced_token_opens_nothing(self) -> None:
        """A page that signs in again leaves nothing in the store that its token of before would open."""
        one, two = self.two()
        again = two
        for _ in range(5):
            answer = self.ask("POST", "/api/webrtc/sign_in", data=FIELDS, headers=again)
            again = {**two, "X-WRTC-Session": answer.headers["x-wrtc-session"]}
        self.run_for()
        (record,) = self.successResultOf(self.store.load())
        boxes = json.loads(record.data)["sealed"]["boxes"]
        self.assertEqual(set(boxes), {name_of(digest_of(page["X-WRTC-Session"].encode())) for page in (one, again)})
        self.restart(**RING_ALL)
        self.get("/api/webrtc/calls?id=alice", headers=again)
        self.run_for(1)
        self.assertIs(self.agent().registration, RegistrationState.REGISTERED)

    def test_who_has_left_opens_nothing(self) -> None:
        """The token of a page that has signed out opens nothing after a restart."""
        one, two = self.two()
        self.post("/api/webrtc/sign_out?id=alice", one)
        self.restart(**RING_ALL)
        self.assertEqual(self.get("/api/webrtc/calls?id=alice", headers=one).code, 404)
        self.assertIs(self.agent().registration, RegistrationState.RECOVERING)
        self.get("/api/webrtc/calls?id=alice", headers=two)
        self.run_for(1)
        self.assertIs(self.agent().registration, RegistrationState.REGISTERED)
