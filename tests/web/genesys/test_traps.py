"""What else the wire document warns of: third-party control, data, statistics, the echo call, both dialects at once."""

import json
from urllib.parse import quote, unquote

from tests.web.genesys.dialectcase import BROWSER_SDP, PBX_SDP, DialectCase, Page, read
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.web.genesys import GenesysSettings


class ThirdParty(DialectCase):
    """EVENT-TALK and EVENT-HOLD (sections 6.4 and 4.2)."""

    def test_talk_after_the_offer(self) -> None:
        """NOTIFY talk for a call that rings is EVENT-TALK, after the OFFER however late the page fetches both."""
        page = self.page()
        far = self.far.call("5001", PBX_SDP)
        self.run_for()
        far.notify("talk")
        self.run_for()
        self.assertEqual(far.last("NOTIFY").status, 200)
        offer = page.roap()
        self.assertEqual(page.told().text, "EVENT-TALK")
        page.answer(offer)
        self.assertEqual(far.last("INVITE").status, 200)

    def test_no_talk_without_a_call(self) -> None:
        """Nothing is told of a call that the page does not know: it would call nobody."""
        page = self.page()
        self.agent_of().mailbox.put(AgentMessage(type=MessageType.TALK, call_id="gone"))
        self.assertTrue(page.silent())

    def test_hold_and_talk(self) -> None:
        """NOTIFY hold makes the page hold by its own offer, and talk resume."""
        page = self.page()
        far = page.call_up()
        far.notify("hold")
        self.run_for()
        self.assertEqual(page.told().text, "EVENT-HOLD")
        self.assertEqual(far.methods().count("INVITE"), 1)
        page.offer(sdp=BROWSER_SDP.replace("sendrecv", "inactive"))
        self.assertIn("a=inactive", far.offer)
        far.answer(PBX_SDP + "a=inactive\r\n")
        self.run_for()
        page.roap()
        far.notify("talk")
        self.run_for()
        self.assertEqual(page.told().text, "EVENT-TALK")
        page.offer()
        self.assertIn("a=sendrecv", far.offer)


class RemoteHold(DialectCase):
    """Holds of the far side (section 6.5)."""

    def test_answered_without_the_page(self) -> None:
        """A change of direction alone is answered at once; the page has nothing to do."""
        page = self.page()
        far = page.call_up()
        far.reinvite(PBX_SDP + "a=sendonly\r\n")
        self.run_for()
        self.assertIn("a=recvonly", far.last("INVITE").body)
        far.reinvite(PBX_SDP)
        self.run_for()
        self.assertIn("a=sendrecv", far.last("INVITE").body)
        self.assertTrue(page.silent())


class DataOfPages(DialectCase):
    """INFO-MAP, INFO-PEER, attached data, statistics."""

    def test_info_map(self) -> None:
        """INFO-MAP is an INFO with a form, as it is."""
        page = self.page()
        far = page.call_up()
        page.post("INFO-MAP k=%C3%BC+x&a[b]=c")
        info = far.request("INFO")
        self.assertEqual((info.content_type, info.body), ("application/x-www-form-urlencoded", "k=%C3%BC+x&a[b]=c"))

    def test_info_peer(self) -> None:
        """INFO-PEER is an INFO with octets; one of the far side is decoded for the page."""
        page = self.page()
        far = page.call_up()
        page.post("INFO-PEER k=v&k2=v2")
        info = far.request("INFO")
        self.assertEqual((info.content_type, info.body), ("application/octet-stream", "k=v&k2=v2"))
        far.info("application/octet-stream", "k=%C3%BC+x&k2=v2")
        self.run_for()
        self.assertEqual(page.told().text, "INFO-PEER k=ü x&k2=v2")

    def test_info_without_a_call(self) -> None:
        """Without a call data and GET-STATS are taken, and nothing comes of them."""
        page = self.page()
        page.post("INFO-PEER k=v")
        page.post("GET-STATS")
        self.assertTrue(page.silent())

    def test_refused_info(self) -> None:
        """A far side that refuses INFO does not disturb the page."""
        page = self.page()
        page.call_up()
        self.far.script("INFO", 415)
        page.post("INFO-PEER k=v")
        self.assertTrue(page.silent())

    def test_stats(self) -> None:
        """GET-STATS is answered by PUT-STATS: the JSON begins at the tenth character."""
        page = self.page()
        page.call_up()
        self.run_for(2)
        page.post("GET-STATS")
        text = page.told().text
        self.assertEqual(text[:9], "PUT-STATS")
        stats = json.loads(text[9:])
        self.assertGreater(stats["duration"], 2000)
        self.assertEqual(stats["audio"]["rx"], {"packets": 0, "bytes": 0, "lost": 0, "jitter": 0.0})

    def test_long_data_reach_nobody_who_cannot_take_them(self) -> None:
        """An INFO that is too long is not sent, and the POST does not fail."""
        page = self.page()
        far = page.call_up()
        page.post("INFO-MAP k=" + "v" * 100_000)
        self.assertNotIn("INFO", far.methods())


class AttachedData(DialectCase):
    """setData and getData (section 4.3)."""

    VALUE = 'commas, "quotes", = & + % OFFER ERROR ü'

    def test_out(self) -> None:
        """What the page attaches goes with the INVITE, whole."""
        page = self.page()
        page.offer(attacheddata=[{"key": "note", "value": self.VALUE}, {"key": "o", "value": {"a": 1}}])
        headers = self.far.calls[-1].request("INVITE").headers
        self.assertEqual(unquote(headers.get("X-Data-note") or ""), self.VALUE)
        self.assertEqual(unquote(headers.get("X-Data-o") or ""), '{"a": 1}')

    def test_in(self) -> None:
        """What the far side attaches is in the OFFER, and in the ANSWER, which does not look like an offer by it."""
        page = self.page()
        fields = [("X-Data-note", quote(self.VALUE, safe=""))]
        far = self.far.call("5001", PBX_SDP, fields=fields)
        self.run_for()
        self.assertEqual(page.roap()["attacheddata"], [{"key": "note", "value": self.VALUE}])
        far.cancel()
        self.run_for()
        page.told()
        page.offer()
        self.far.calls[-1].answer(PBX_SDP, fields)
        self.run_for()
        told = page.told()
        self.assertNotIn("OFFER", told.text)
        self.assertEqual(read(told)["attacheddata"], [{"key": "note", "value": self.VALUE}])


class SelfCall(DialectCase):
    """``to=self``, which the library writes as the page's own SSID (section 2.5)."""

    def test_echo_number(self) -> None:
        """It goes to the configured number."""
        self.configure(GenesysSettings(self_destination="1003"))
        page = self.page()
        page.offer(page.ssid)
        self.assertIn("sip:1003@", self.far.calls[-1].request("INVITE").uri)

    def test_no_echo_number(self) -> None:
        """Without one it fails, and the SSID goes nowhere."""
        page = self.page()
        page.offer(page.ssid)
        self.assertEqual([page.roap()["errorType"], page.told().text], ["NOMATCH", "BYE"])
        self.assertEqual(self.far.calls, [])


class Guests(DialectCase):
    """sign_in without a password (sections 2.1 and 2.2)."""

    def test_not_allowed(self) -> None:
        """Unless guests are configured they are refused, in all three forms."""
        self.assertEqual(self.get("/sign_in?anon0123").code, 403)
        self.assertEqual(self.sign_in_raw("5001:undefined").code, 403)
        self.assertEqual(self.sign_in_raw("5001").code, 403)

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
        self.assertFalse(self.agent_of().single_call)

    def test_dialect_after_rest(self) -> None:
        """And back: the old session's token does not help any more."""
        token = self.get("/api/webrtc/sign_in?id=5001&dn=5001&password=secret", headers={}).headers["x-wrtc-session"]
        page = self.page()
        poll = self.get("/api/webrtc/message?id=5001", headers={"Authorization": f"Bearer {token}"})
        self.assertEqual(poll.code, 403)
        self.far.call("5001", PBX_SDP)
        self.run_for()
        self.assertEqual(page.roap()["messageType"], "OFFER")
        self.assertTrue(self.agent_of().single_call)

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


class Golden(DialectCase):
    """What a page is told in one call each way, as text."""

    def test_conversation(self) -> None:
        """The messages of a call in and out, numbers that are random left out."""
        page = self.page()
        lines = []
        page.offer()
        self.far.calls[-1].answer(PBX_SDP)
        self.run_for()
        lines.append(self.shown(page.told().text))
        page.post("BYE")
        far = self.far.call("5001", PBX_SDP)
        self.run_for()
        told = page.told()
        lines.append(self.shown(told.text))
        page.answer(read(told))
        self.run_for()
        lines.append(self.shown(page.told().text))
        far.info("application/octet-stream", "greeting=hello+world")
        self.run_for()
        lines.append(page.told().text)
        far.bye()
        self.run_for()
        lines.append(page.told().text)
        page.offer()
        self.far.calls[-1].refuse(486)
        self.run_for()
        lines += [page.told().text, page.told().text]
        self.assertGolden("conversation.txt", "\n".join(lines))

    def shown(self, text: str) -> str:
        """Return a ROAP text with its random numbers replaced."""
        roap = json.loads(text[4:])
        own = "answererSessionId" if roap["messageType"] == "ANSWER" else "offererSessionId"
        roap[own] = "<ours>"
        if "tiebreaker" in roap:
            roap["tiebreaker"] = "<random>"
        return text[:4] + json.dumps(roap)
