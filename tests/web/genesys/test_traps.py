"""What else is easy to get wrong: third-party control, data, statistics, the echo call, both dialects at once."""

from socket import socketpair

from twisted.logger import LogLevel, capturedLogs, formatEvent

from tests.web.genesys.dialectcase import BROWSER_SDP, PBX_SDP, DialectCase, Page, read
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.web.genesys import GenesysSettings


class ThirdParty(DialectCase):
    """EVENT-TALK and EVENT-HOLD (W 6.4 and 4.2)."""

    def test_no_talk_without_a_call(self) -> None:
        """Nothing is told of a call that the page does not know: it would call nobody."""
        page = self.page()
        self.agent_of().mailbox.put(AgentMessage(type=MessageType.TALK, call_id="gone"))
        self.assertTrue(page.silent())


class LateWaits(DialectCase):
    """A wait that its page's next sign_in has overtaken: a 204 to it would sign out the new session."""

    def test_after_sign_out(self) -> None:
        """That of a page that has signed out, and in again or not, hangs and stays silent, one at a time."""
        page = self.page()
        self.assertTrue(page.silent())
        self.get(f"/sign_out?id={page.ssid}")
        self.run_for()
        first = page.wait()
        self.run_for(30)
        self.assertTrue(first.hangs)
        self.page()
        second = page.wait()
        self.run_for(30)
        self.assertEqual([wait.hangs for wait in (first, second)], [False, True])

    def test_first_after_sign_in(self) -> None:
        """So does the first of a page that has never waited; one that waits on without its agent is sent home."""
        first = self.page()
        second = self.page()
        self.assertTrue(first.wait().hangs)
        self.assertEqual(first.wait().answer().code, 204)
        self.assertTrue(second.silent())
        self.page()
        self.assertEqual(second.wait().answer().code, 204)


class DataOfPages(DialectCase):
    """INFO-MAP, INFO-PEER, attached data, statistics."""

    def test_refused_info(self) -> None:
        """A far side that refuses INFO does not disturb the page."""
        page = self.page()
        page.call_up()
        self.far.script("INFO", 415)
        page.post("INFO-PEER k=v")
        self.assertTrue(page.silent())

    def test_long_data_reach_nobody_who_cannot_take_them(self) -> None:
        """An INFO that is too long is not sent, and the POST does not fail."""
        page = self.page()
        far = page.call_up()
        page.post("INFO-MAP k=" + "v" * 100_000)
        self.assertNotIn("INFO", far.methods())

    def test_too_much_attached(self) -> None:
        """Data beyond attached_data_limit cost a call nothing: what fits goes along in order, the rest is logged."""
        for settings, carried in (("headers", ["X-Data-a", "X-Data-c"]), ("info", [])):
            self.start(attached_data=settings, attached_data_limit=60)
            data = [{"key": "a", "value": "1"}, {"key": "b", "value": "\u00fc" * 20}, {"key": "c", "value": "2"}]
            page = self.page()
            with capturedLogs() as logs:
                page.offer(attacheddata=data)
            (warning,) = [formatEvent(event) for event in logs if event["log_level"] is LogLevel.warn]
            self.assertIn("5001", warning)
            self.assertTrue(warning.endswith(": b"), warning)
            far = self.far.calls[-1]
            names = [name for name, _ in far.request("INVITE").headers.items() if name.startswith("X-Data-")]
            self.assertEqual(names, carried)
            far.answer(PBX_SDP)
            self.run_for()
            self.assertEqual(page.roap()["messageType"], "ANSWER")
            self.assertEqual(
                [info.body for info in far.requests if info.method == "INFO"], [] if carried else ["a=1&c=2"]
            )
            with capturedLogs() as logs:
                page.offer(attacheddata=data)
            self.assertEqual([event for event in logs if event["log_level"] is LogLevel.warn], [])
            page.post("BYE")
            self.run_for()
            called = self.far.call("5001", PBX_SDP)
            self.run_for()
            page.answer(page.roap(), attacheddata=data)
            self.assertEqual(called.last("INVITE").status, 200)
            self.assertEqual(page.roap()["messageType"], "OK")

    def test_stale_ok(self) -> None:
        """An OK that a broken poll did not take is not told when the page has made an offer since."""
        page = self.page()
        far = self.far.call("5001", PBX_SDP)
        self.run_for()
        offer = page.roap()
        wire = self.wire()
        ours, theirs = socketpair()
        wire.transport.socket = ours  # type: ignore[attr-defined]
        wire.get(f"/wait?id={page.ssid}")
        ours.close()
        theirs.close()
        page.answer(offer)
        page.offer("5002")
        self.assertTrue(page.silent())
        far.answer(PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "ANSWER")


class Abuse(DialectCase):
    """What no page sends, but others may."""

    def test_deep_message(self) -> None:
        """A message of nothing but brackets is refused in text like any other nonsense."""
        self.page().post('RSMP {"a":' + "[" * 100_000, code=400)


class Guests(DialectCase):
    """sign_in without a password (W 2.1 and 2.2)."""

    def test_allowed(self) -> None:
        """A guest calls where guests may call, and nowhere else; its id gives it nobody's agent."""
        self.start(guest_mode="unregistered", guest_dn="web", guest_destinations=("1003",))
        agent = self.page("5001")
        guest = Page(self, self.get("/sign_in?5001").text.partition("=")[2])
        guest.offer("1004")
        self.assertEqual([guest.roap()["errorType"], guest.told().text], ["REFUSED", "BYE"])
        guest.offer("1003")
        self.assertIn("sip:web@", self.far.calls[-1].request("INVITE").headers.get("From") or "")
        self.far.calls[-1].answer(PBX_SDP)
        self.run_for()
        self.assertEqual(guest.roap()["messageType"], "ANSWER")
        self.assertTrue(agent.silent())


class SideBySide(DialectCase):
    """Both dialects, also for one agent."""

    def test_rest_after_dialect(self) -> None:
        """A page of the other dialect takes the agent over; the old one is sent home, and its SSID is worth nothing."""
        page = self.page()
        wait = page.wait()
        self.assertTrue(wait.hangs)
        self.get("/api/webrtc/sign_in?id=5001&dn=5001&password=secret", headers={})
        self.assertEqual(wait.answer().code, 204)
        self.far.call("5001", PBX_SDP)
        self.run_for()
        poll = self.get("/api/webrtc/message?id=5001", headers={"Accept": "application/json"})
        self.assertEqual(poll.json["messageType"], "OFFER")
        self.assertTrue(self.agent_of().abilities.several_calls)

    def test_several_calls_of_rest(self) -> None:
        """A page has one call: of several that the other dialect had it is told one, be it ringing or up."""
        signed_in = self.get("/api/webrtc/sign_in?id=5001&dn=5001&password=secret", headers={})
        headers = {"Authorization": f"Bearer {signed_in.headers['x-wrtc-session']}", "Content-Type": "text/plain"}
        self.ask("POST", "/api/webrtc/message?from=5001&to=1003", data=BROWSER_SDP.encode(), headers=headers)
        calls = [self.far.call("5001", PBX_SDP, caller=caller) for caller in ("5002", "5003")]
        self.run_for()
        self.assertEqual([call.last("INVITE").status for call in calls], [180, 180])
        page = self.page()
        told = page.told()
        self.assertEqual((read(told)["messageType"], told.headers["pragma"]), ("OFFER", "5002"))
        calls[1].notify("talk")
        self.far.calls[0].answer(PBX_SDP)
        self.run_for()
        self.assertTrue(page.silent())

    def test_dialect_after_rest(self) -> None:
        """And back: the old session's token does not help any more."""
        token = self.get("/api/webrtc/sign_in?id=5001&dn=5001&password=secret", headers={}).headers["x-wrtc-session"]
        page = self.page()
        poll = self.get("/api/webrtc/message?id=5001", headers={"Authorization": f"Bearer {token}"})
        self.assertEqual(poll.code, 403)
        self.far.call("5001", PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "OFFER")
        self.assertFalse(self.agent_of().abilities.several_calls)

    def test_agent_to_agent(self) -> None:
        """Two pages at once do not mix."""
        one, other = self.page("5001"), self.page("5002")
        self.far.call("5002", PBX_SDP, caller="5001")
        self.run_for()
        self.assertEqual(other.told().headers["pragma"], "5001")
        self.assertTrue(one.silent())

    def test_not_mounted(self) -> None:
        """Without the dialect its paths are not there; with a path of its own only those."""
        self.configure(GenesysSettings(path="/gw"))
        self.assertEqual(self.get("/wait?id=x", headers={}).code, 404)
        self.assertEqual(self.get("/gw/wait?id=x").code, 204)
