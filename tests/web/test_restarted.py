"""Pages of a gateway that is killed and started again: they go on with the session that they have."""

from tests.support.restartcase import RestartCase
from tests.web.genesys.dialectcase import BROWSER_SDP, CANDIDATE, PBX_SDP, DialectCase
from wrtcgw.calls.agent import RegistrationState
from wrtcgw.calls.call import CallState

SIGN_IN = {"id": "agent123", "dn": "5001", "password": "secret"}
MESSAGE = "/api/webrtc/message"
OFFER = BROWSER_SDP.replace("RTP/SAVPF", "UDP/TLS/RTP/SAVPF") + f"a={CANDIDATE}\r\n"


class RestartedCase(RestartCase, DialectCase):
    """A gateway with its HTTP surface; secrets are sealed by the pages' tokens."""

    key = None

    def composed(self) -> None:
        """Put the surface up again."""
        self.configure(self.settings)


class Library(RestartedCase):
    """Pages of the REST dialect."""

    def sign_in_page(self) -> dict[str, str]:
        """Sign in; return the header fields that show the session."""
        answer = self.ask("POST", "/api/webrtc/sign_in", data=SIGN_IN, headers={})
        self.assertEqual(answer.code, 200)
        return {"X-WRTC-Session": answer.headers["x-wrtc-session"], "Accept": "application/json"}

    def call_up(self, session: dict[str, str]) -> str:
        """Place a call that is answered; return its id."""
        path = f"{MESSAGE}?from=agent123&to=1003"
        placed = self.ask("POST", path, data=OFFER.encode(), headers={**session, "Content-Type": "text/plain"})
        self.far.calls[-1].answer(PBX_SDP)
        self.run_for()
        return placed.headers["x-wrtc-call"]

    def test_session(self) -> None:
        """The token of before is good, calls have their ids and states, and its first request registers the agent."""
        session = self.sign_in_page()
        call = self.call_up(session)
        self.restart()
        self.assertEqual(self.agent("agent123").registration, RegistrationState.RECOVERING)
        answer = self.get("/api/webrtc/calls?id=agent123", headers=session)
        self.assertEqual([(each["callId"], each["state"]) for each in answer.json["calls"]], [(call, "ESTABLISHED")])
        self.run_for(1)
        self.assertEqual(self.agent("agent123").registration, RegistrationState.REGISTERED)
        self.recovered(self.far.calls[-1])

    def test_foreign_tokens(self) -> None:
        """Another token opens nothing; one that begins as an earlier run's hears that it has to sign in."""
        session = self.sign_in_page()
        self.restart()
        stranger = {"X-WRTC-Session": session["X-WRTC-Session"][:-1] + "_"}
        self.assertEqual(self.get("/api/webrtc/calls?id=agent123", headers=stranger).code, 404)
        self.assertEqual(self.agent("agent123").registration, RegistrationState.RECOVERING)

    def test_next_seq(self) -> None:
        """Polls go on with the next number; what was not delivered comes once."""
        session = self.sign_in_page()
        self.call_up(session)
        path = f"{MESSAGE}?id=agent123"
        first = self.get(path, headers=session).json
        self.restart()
        seqs = [first["seq"]]
        while (answer := self.get(path, headers=session)).code == 200:
            seqs.append(answer.json["seq"])
        self.assertEqual(seqs, list(range(1, len(seqs) + 1)))
        self.assertGreater(len(seqs), 2)

    def test_stream(self) -> None:
        """A stream goes on behind the last event that the page has."""
        session = self.sign_in_page()
        self.call_up(session)
        wire = self.wire()
        wire.get("/api/webrtc/events?id=agent123", X_WRTC_Session=session["X-WRTC-Session"])
        self.run_for()
        last = wire.received.count(b"id: ")
        self.restart()
        wire = self.wire()
        wire.get("/api/webrtc/events?id=agent123", X_WRTC_Session=session["X-WRTC-Session"], Last_Event_ID=str(last))
        self.run_for()
        self.assertIn(b"id: %d\n" % (last + 1), wire.received)
        self.assertNotIn(b"id: %d\n" % last, wire.received)
        wire.lose()

    def test_signed_out(self) -> None:
        """Who had signed out has no session any more."""
        session = self.sign_in_page()
        self.ask("POST", "/api/webrtc/sign_out?id=agent123", headers=session)
        self.restart()
        self.assertEqual(self.get("/api/webrtc/calls?id=agent123", headers=session).code, 404)

    def test_token_is_not_stored(self) -> None:
        """Neither token nor password is in the store."""
        session = self.sign_in_page()
        self.call_up(session)
        (record,) = self.successResultOf(self.store.load())
        self.assertNotIn(session["X-WRTC-Session"].encode(), record.data)
        self.assertNotIn(b'"secret"', record.data)


class Vendor(RestartedCase):
    """Pages of the vendor's kind."""

    def test_goes_on(self) -> None:
        """The SSID of before is good, and the call can be ended by the page."""
        page = self.page()
        far = page.call_up()
        self.restart()
        self.assertTrue(page.silent())
        self.run_for(1)
        self.assertEqual(self.agent_of().registration, RegistrationState.REGISTERED)
        far.answer()
        self.run_for()
        page.post("BYE")
        self.assertEqual(far.methods()[-1], "BYE")

    def test_rings(self) -> None:
        """A page that was not told of a call yet is told, and answers it."""
        page = self.page()
        self.far.call("5001", PBX_SDP)
        self.run_for()
        self.restart()
        offer = page.roap()
        self.assertEqual(offer["messageType"], "OFFER")
        page.answer(offer)
        self.run_for()
        self.assertEqual(self.far.calls[-1].last("INVITE").status, 200)

    def test_answered_offer(self) -> None:
        """A page that has its OFFER answers it after the restart: its numbers are known."""
        page = self.page()
        self.far.call("5001", PBX_SDP)
        self.run_for()
        offer = page.roap()
        self.restart()
        page.answer(offer)
        self.run_for()
        (call,) = self.agent_of().calls.values()
        self.assertEqual(call.state, CallState.ESTABLISHED)

    def test_repeated_offer(self) -> None:
        """An offer whose response was lost with the process is no second call."""
        page = self.page()
        body = page.offer()
        self.restart()
        page.post(body)
        self.run_for()
        invites = [request for far in self.far.calls for request in far.requests if request.method == "INVITE"]
        self.assertEqual(len(invites), 1)

    def test_hears_of_the_end(self) -> None:
        """A call that could not go on is told to the page as it is to one that listens."""
        page = self.page()
        page.offer()
        self.far.calls[-1].ring()
        self.run_for()
        self.restart()
        texts = [page.told().text for _ in range(2)]
        self.assertIn("BYE", " ".join(texts), texts)

    def test_stopped(self) -> None:
        """A gateway that stops only cuts the connection: 204 would sign the page out."""
        page = self.page()
        wire = self.wire()
        wire.get(f"/wait?id={page.ssid}")
        self.run_for()
        self.surface.close()
        self.assertEqual(wire.received, b"")
        self.assertTrue(wire.transport.disconnecting)
        self.assertIs(self.store.data("5001")["kept"]["page"]["left"], False)
