"""The dialect page against docs/genesys-dialect.md: its state machine, its timers, and the habits of four versions."""

import json
from typing import Any

from tests.interop.descriptions import chromium_answer, chromium_offer
from tests.support.grtcpage import CallState, Fired, State, deparam, param
from tests.support.grtcserver import GATEWAY, PAGE, PageCase
from tests.support.grtcversions import V25, V34, V100, V102, VERSIONS
from tests.support.grtcwire import BrowserWire, browser_url

OFFER = chromium_offer().replace("msid:- ", "msid:stream ")
ANSWER = chromium_answer(OFFER).replace("msid:- ", "msid:stream ")


def roap(kind: str, seq: int = 1, prefix: str = "SDP ", **fields: Any) -> str:
    """Return a ROAP message of a gateway."""
    texts = {"OFFER": {"sdp": OFFER, "Candidates": []}, "ANSWER": {"sdp": ANSWER, "Candidates": []}}.get(kind, {})
    return prefix + json.dumps({"messageType": kind, "seq": seq, "offererSessionId": 7, **texts, **fields})


class AddressTests(PageCase):
    """What goes over the wire, byte for byte (W 2 and 3.1)."""

    def test_browser_url(self) -> None:
        """Only what a browser has to escape is escaped, and a fragment is cut."""
        self.assertEqual(browser_url("/m?to=+54@a;b:c%41=&d"), "/m?to=+54@a;b:c%41=&d")
        self.assertEqual(browser_url('/m?to=a b"é#c'), "/m?to=a%20b%22%C3%A9")

    def test_sign_in_with_password(self) -> None:
        """The password goes raw, as what is no form."""
        self.page.register("5001", "a+b%41:ü")
        asked = self.take("POST", "/sign_in")
        self.assertEqual(asked.body, "5001:a+b%41:ü")
        self.assertEqual(asked.request.getHeader("Content-Type"), "application/x-www-form-urlencoded; charset=UTF-8")
        self.assertEqual(asked.request.getHeader("Origin"), PAGE)

    def test_sign_in_without_password(self) -> None:
        """The name is the whole query; a guest has a random one without dashes."""
        self.page.register("+54@x")
        self.assertEqual(self.take("GET", "/sign_in").target, "/sign_in?+54@x")
        self.page.connect()
        self.assertRegex(self.take("GET", "/sign_in").target, r"^/sign_in\?anon[0-9a-f]{32}$")

    def test_first_equals_sign(self) -> None:
        """The SSID stands between the first two equals signs of the first line."""
        for text, ssid in (("id=ab\nx=y", "ab"), ("id=a=b", "a"), ("id", "undefined"), ("id=a\r\n", "a%0D")):
            self.load().register("5001", "secret")
            self.answer(self.take("POST", "/sign_in"), text)
            self.assertEqual(self.take("GET", "/wait").target, f"/wait?id={ssid}")
            self.page.vanish()

    def test_failed_sign_in(self) -> None:
        """A refusal, JSON, and an answer that is not allowed across origins are all the same failure."""
        cases: list[tuple[int, dict[str, str]]] = [
            (401, {}),
            (200, {"Content_Type": "application/json"}),
            (200, {"Access_Control_Allow_Origin": "*"}),
            (200, {"Access_Control_Allow_Credentials": "false"}),
        ]
        for status, headers in cases:
            self.load().register("5001", "secret")
            self.answer(self.take("POST", "/sign_in"), "id=a", status, **headers)
            self.assertEqual(self.page.events(), ["onFailed"])

    def test_cookies(self) -> None:
        """Cookies of the gateway come back with the next request."""
        self.page.register("5001", "secret")
        self.answer(self.take("POST", "/sign_in"), "id=a", Set_Cookie="node=1; Secure; SameSite=None")
        self.assertEqual(self.take("GET", "/wait").request.getHeader("Cookie"), "node=1")

    def test_same_origin(self) -> None:
        """A page of the gateway's own origin sends jQuery's mark instead of an Origin, and needs no permission."""
        self.wire = BrowserWire(self.agent)
        self.load().register("5001", "secret")
        asked = self.take("POST", "/sign_in")
        self.assertEqual(asked.request.getHeader("X-Requested-With"), "XMLHttpRequest")
        self.answer(asked, "id=a")
        self.assertEqual(self.page.events(), ["onRegister"])

    def test_peers(self) -> None:
        """A peer is pasted raw; self is the page's own SSID, and no peer is null."""
        self.sign_in()
        for peer, to in (("+5411@a", "+5411@a"), ("self", "s1"), (None, "null"), ("NaN", "NaN")):
            self.page.make_offer(peer)
            self.assertEqual(self.post().target, f"/message?from=s1&to={to}")
            self.page.close_session()
            self.assertEqual(self.post().body, "BYE")

    def test_param(self) -> None:
        """Data is encoded as jQuery does, and not decoded by the library."""
        self.assertEqual(param({"a b": "ü&=", "c": "(x)"}), "a+b=%C3%BC%26%3D&c=(x)")
        self.assertEqual(deparam("a=%41+b&c&d=e=f\n"), {"a": "%41+b", "d": "e"})


class PollTests(PageCase):
    """The hanging GET (W 2.4 and 3.2)."""

    def test_one_after_the_other(self) -> None:
        """There is one poll at a time; the next follows each response."""
        self.sign_in()
        for _ in range(3):
            asked = self.take("GET", "/wait")
            self.nothing("GET", "/wait")
            self.answer(asked, "nonsense", Pragma="x")
        self.assertEqual(len(self.page.log), 3)

    def test_time_out(self) -> None:
        """After 30 s the younger versions abort the poll and repeat it; the older wait for ever."""
        for version, repeats in ((V34, True), (V25, True), (V102, False), (V100, False)):
            self.load(version)
            self.sign_in()
            asked = self.take("GET", "/wait")
            self.settle(29.9)
            self.assertFalse(asked.aborted)
            self.settle(0.1)
            self.assertEqual(asked.aborted, repeats, version.name)
            if repeats:
                self.take("GET", "/wait")
            self.page.vanish()

    def test_failure(self) -> None:
        """A failed poll stops polling for good, but for the youngest version, which repeats it every 3 s."""
        for version in VERSIONS:
            self.load(version)
            self.sign_in()
            self.answer(self.take("GET", "/wait"), status=502)
            self.settle(3.0)
            told = ["onRegister", "onConnectionError"] if version in (V25, V34) else ["onRegister"]
            self.assertEqual(self.page.events(), told, version.name)
            if version is V34:
                self.take("GET", "/wait")
            self.nothing("GET", "/wait")
            self.page.vanish()

    def test_no_content(self) -> None:
        """A 204 makes every version sign out; the oldest does not say so."""
        for version in VERSIONS:
            self.load(version)
            self.sign_in()
            self.answer(self.take("GET", "/wait"), status=204)
            self.assertEqual(self.take("GET", "/sign_out").target, "/sign_out?id=s1")
            self.nothing("GET", "/wait")
            self.assertEqual("onPeerClosing" in self.page.events(), version is not V100)

    def test_empty_message(self) -> None:
        """An empty message is only logged, but the oldest version takes it for a call."""
        for version in VERSIONS:
            self.load(version, with_session=False)
            self.sign_in()
            self.tell("", "")
            self.assertEqual("onIncomingCall" in self.page.events(), version is V100)
            self.take("GET", "/wait")
            self.page.vanish()

    def test_stale_poll(self) -> None:
        """A 204 to the poll of an earlier session signs the new one out, but for the youngest version."""
        for version in (V25, V34):
            self.server.asked.clear()
            self.load(version)
            self.sign_in("s1")
            old = self.take("GET", "/wait")
            self.page.register("5001", "secret")
            self.assertEqual(self.take("GET", "/sign_out").target, "/sign_out?id=s1")
            self.answer(self.take("POST", "/sign_in"), "id=s2")
            self.assertEqual(self.take("GET", "/wait").target, "/wait?id=s2")
            self.answer(old, status=204)
            self.assertEqual(self.page.line.ssid, "s2" if version is V34 else None)
            self.page.vanish()

    def test_vanish(self) -> None:
        """A page that is loaded again cuts its poll and says nothing."""
        self.sign_in()
        asked = self.take("GET", "/wait")
        self.page.vanish()
        self.settle(60)
        self.assertTrue(asked.aborted)
        self.assertEqual(self.server.asked, [])


class OutgoingTests(PageCase):
    """Calls of the page (W 6.2)."""

    def setUp(self) -> None:
        super().setUp()
        self.sign_in()

    def body(self) -> dict[str, Any]:
        """Return the next ROAP message of the page."""
        prefix, _, text = self.post().body.partition(" ")
        self.assertEqual(prefix, "RSMP")
        message: dict[str, Any] = json.loads(text)
        return message

    def connected(self) -> None:
        """Place a call that is answered."""
        self.page.make_offer("1003")
        seq = self.body()["seq"]
        self.tell(roap("ANSWER", seq))
        self.assertEqual(self.body()["messageType"], "OK")

    def test_offer(self) -> None:
        """The first OFFER has all its fields, and the profile that the old gateway took."""
        self.page.data = [{"key": "a", "value": "b"}]
        self.page.make_offer("1003")
        offer = self.body()
        expected = {"messageType": "OFFER", "offererSessionId": 102, "answererSessionId": None, "seq": 1}
        self.assertEqual({name: offer[name] for name in expected}, expected)
        self.assertEqual(offer["attacheddata"], [{"key": "a", "value": "b"}])
        self.assertTrue(offer["Candidates"][0]["candidate"].startswith("candidate:"))
        self.assertIn("m=audio 9 RTP/SAVPF ", offer["sdp"])

    def test_profile_of_old_versions(self) -> None:
        """The older versions leave the profile as the browser wrote it."""
        self.page.vanish()
        self.load(V102)
        self.sign_in()
        self.page.make_offer("1003")
        self.assertIn("UDP/TLS/RTP/SAVPF", self.body()["sdp"])

    def test_answered(self) -> None:
        """An ANSWER is followed by OK, echoing its numbers."""
        self.page.make_offer("1003")
        self.body()
        self.tell(roap("ANSWER"))
        ok = self.body()
        self.assertEqual(ok, {"messageType": "OK", "seq": 1, "offererSessionId": 7, "answererSessionId": 102})
        self.assertIs(self.page.call_state, CallState.CONNECTED)
        self.assertIn("onRemoteStream", self.page.events())

    def test_no_stream(self) -> None:
        """Without msid, or without a sending side, there is nothing to play."""
        for text in (ANSWER.replace("msid:stream ", "msid:- "), ANSWER.replace("sendrecv", "inactive")):
            self.page.make_offer("1003")
            self.body()
            self.tell(roap("ANSWER", sdp=text))
            self.body()
            self.assertNotIn("onRemoteStream", self.page.events())
            self.page.close_session()
            self.post()

    def test_description_that_a_browser_refuses(self) -> None:
        """A bare line feed or a missing rtcp-mux ends the call from the page's side."""
        for text in (ANSWER.replace("\r\n", "\n"), ANSWER.replace("a=rtcp-mux\r\n", ""), "v=0\r\n"):
            self.page.make_offer("1003")
            self.body()
            self.tell(roap("ANSWER", sdp=text))
            self.assertEqual(self.post().body, "BYE")
            self.assertEqual(self.page.fired[-1].name, "onPeerClosing")
        self.assertEqual(len(self.page.complaints), 3)

    def test_failed(self) -> None:
        """ERROR tells the cause and changes nothing, BYE ends the call; the next has the next number."""
        self.page.make_offer("1005")
        self.body()
        self.tell(roap("ERROR", errorType="REFUSED"))
        self.assertEqual(self.page.fired[-1], Fired("onGatewayError", "REFUSED"))
        self.assertIs(self.page.call_state, CallState.STARTED)
        self.tell("BYE")
        self.assertEqual(self.page.fired[-1].name, "onPeerClosing")
        self.page.make_offer("1003")
        self.assertEqual(self.body()["offererSessionId"], 103)

    def test_no_answer(self) -> None:
        """After a minute the call is given up without a word to the gateway; a late ANSWER is illegal."""
        self.page.make_offer("1006")
        self.body()
        self.settle(60.0)
        self.assertIn("onPeerNoanswer", self.page.events())
        self.nothing("POST", "/message")
        self.assertTrue(self.take("GET", "/wait").aborted)
        self.tell(roap("ANSWER"))
        self.assertEqual(self.page.complaints, ["ANSWER in new"])

    def test_answer_called_an_offer(self) -> None:
        """The word OFFER anywhere in an ANSWER makes an offer of it for the rules, and without Pragma it is lost."""
        self.page.make_offer("1003")
        self.body()
        self.tell(roap("ANSWER", attacheddata=[{"key": "a", "value": "OFFER"}]), "")
        self.assertIs(self.page.session and self.page.session.state, State.OFFER_SENT)
        self.tell(roap("ANSWER", attacheddata=[{"key": "a", "value": "x"}]).replace('"x"', '"\\u004fFFER"'), "")
        self.assertEqual(self.page.peer_data, [{"key": "a", "value": "OFFER"}])
        self.assertIs(self.page.call_state, CallState.CONNECTED)

    def test_hold_and_resume(self) -> None:
        """Hold is an OFFER that is inactive, resume one that is not; both belong to the same session."""
        self.connected()
        self.page.hold_call()
        hold = self.body()
        self.assertIn("a=inactive\r\n", hold["sdp"])
        self.assertEqual((hold["seq"], hold["offererSessionId"]), (2, 102))
        self.page.resume_call()
        self.assertIn("can't make an offer in offer-sent", self.page.log)
        self.page.on_hold = True
        self.tell(roap("ANSWER", 2))
        self.body()
        self.page.resume_call()
        self.assertIn("a=sendrecv\r\n", self.body()["sdp"])

    def test_renewed(self) -> None:
        """A new peer connection counts from 1 again under the same number."""
        self.connected()
        self.page.renew()
        self.page.make_offer(None)
        offer = self.body()
        self.assertEqual((offer["seq"], offer["offererSessionId"]), (1, 102))

    def test_info(self) -> None:
        """Data and questions for statistics are posted in a call only."""
        self.page.send_info({"a": "b"})
        self.connected()
        self.page.send_info({"a": "b c"})
        self.page.send_info({"a": "b"}, mapped=False)
        self.page.get_server_stats()
        bodies = [self.post().body for _ in range(3)]
        self.assertEqual(bodies, ["INFO-MAP a=b+c", "INFO-PEER a=b", "GET-STATS"])
        self.tell("INFO-PEER x=1&y=2")
        self.tell('PUT-STATS{"timestamp": 1}')
        self.assertEqual([each.data for each in self.page.fired[-2:]], [{"x": "1", "y": "2"}, {"timestamp": 1}])

    def test_repeated_post(self) -> None:
        """The youngest version posts what failed again every 3 s, as it was, until the call is over; BYE never."""
        self.page.make_offer("1003")
        first = self.take("POST", "/message")
        self.answer(first, status=502)
        self.settle(3.0)
        second = self.take("POST", "/message")
        self.assertEqual(second.body, first.body)
        self.answer(second, status=502)
        self.page.close_session()
        self.answer(self.take("POST", "/message"), status=502)
        self.settle(10.0)
        self.nothing("POST", "/message")

    def test_gathering(self) -> None:
        """While candidates are gathered an OFFER of the gateway is refused and lost, and nobody is told."""
        self.page.vanish()
        self.load(gathering=1.0)
        self.sign_in()
        self.page.make_offer("1003")
        self.take("GET", "/wait")
        self.tell(roap("OFFER"))
        self.assertEqual(self.page.complaints, ["can't process an offer in preparing-offer"])
        self.nothing("POST", "/message")
        self.settle(1.0)
        self.assertEqual(self.body()["messageType"], "OFFER")


class IncomingTests(PageCase):
    """Calls to the page, and what others do with them (W 6.3 and 6.4)."""

    def setUp(self) -> None:
        super().setUp()
        self.sign_in()

    def test_offer(self) -> None:
        """An OFFER rings; accepting it posts the ANSWER to the peer that Pragma named."""
        self.tell(roap("OFFER"), "5002")
        self.assertEqual(self.page.fired[-1], Fired("onIncomingCall", {"peer": "5002", "event": "offer"}))
        self.page.accept_call()
        asked = self.post()
        self.assertEqual(asked.target, "/message?from=s1&to=5002")
        answer = json.loads(asked.body[5:])
        self.assertEqual((answer["messageType"], answer["seq"], answer["offererSessionId"]), ("ANSWER", 1, 7))
        self.assertIn("UDP/TLS/RTP/SAVPF", answer["sdp"])
        self.tell(roap("OK"))
        self.assertEqual(self.page.log, ["OK"])

    def test_offer_without_peer(self) -> None:
        """An OFFER without Pragma is not seen."""
        self.tell(roap("OFFER"), "")
        self.assertEqual(self.page.events(), ["onRegister"])

    def test_invite(self) -> None:
        """An INVITE rings; accepting it posts an OFFER."""
        self.tell("INVITE", "5002")
        self.assertEqual(self.page.fired[-1].data, {"peer": "5002", "event": "invite"})
        self.page.accept_call()
        self.assertIn('"messageType": "OFFER"', self.post().body)
        self.tell(roap("ANSWER"))
        self.assertIn('"messageType": "OK"', self.post().body)

    def test_rejected(self) -> None:
        """A rejected call is a BYE to the caller."""
        self.tell(roap("OFFER"), "5002")
        self.page.reject_call()
        asked = self.post()
        self.assertEqual((asked.body, asked.target), ("BYE", "/message?from=s1&to=5002"))

    def test_cancelled(self) -> None:
        """A BYE ends the ringing."""
        self.tell(roap("OFFER"), "5002")
        self.tell("BYE", "5002")
        self.assertEqual(self.page.fired[-1].name, "onPeerClosing")
        self.assertIsNone(self.page.incoming)

    def test_offer_in_a_call(self) -> None:
        """An OFFER in a call is answered at once; 1.0.2 asks the application."""
        for version in VERSIONS:
            self.page.vanish()
            self.server.asked.clear()
            self.load(version)
            self.sign_in()
            self.tell(roap("OFFER"), "5002")
            self.page.accept_call()
            self.post()
            self.tell(roap("OFFER", 2, sdp=OFFER.replace("sendrecv", "sendonly")), "5002")
            if version is V102:
                self.nothing("POST", "/message")
                self.page.accept_call()
            self.assertIn("a=recvonly", self.post().body)

    def test_sequence(self) -> None:
        """An OFFER whose number is not larger is complained about."""
        self.tell(roap("OFFER"), "5002")
        self.page.accept_call()
        self.post()
        self.tell(roap("OFFER"), "5002")
        self.assertEqual(self.page.complaints, ["seq 1 after 1"])

    def test_glare(self) -> None:
        """An OFFER that meets the page's own is refused and lost."""
        self.page.make_offer("1003")
        self.post()
        self.tell(roap("OFFER"), "5002")
        self.assertEqual(self.page.complaints, ["can't process an offer in offer-sent"])
        self.nothing("POST", "/message")

    def test_talk(self) -> None:
        """EVENT-TALK answers the call that rings, and resumes one that is held; EVENT-HOLD holds."""
        self.tell(roap("OFFER"), "5002")
        self.tell("EVENT-TALK")
        self.assertIn('"messageType": "ANSWER"', self.post().body)
        self.tell("EVENT-HOLD")
        self.assertIn("a=inactive", self.post().body)
        self.tell(roap("ANSWER", 2))
        self.post()
        self.tell("EVENT-TALK")
        self.assertIn("a=sendrecv", self.post().body)
        self.assertEqual(
            [each.data for each in self.page.fired if each.name == "onNotifyEvent"], ["talk", "hold", "talk"]
        )

    def test_talk_without_a_call(self) -> None:
        """EVENT-TALK with nobody calling makes an OFFER to null."""
        self.tell("EVENT-TALK")
        self.assertEqual(self.post().target, "/message?from=s1&to=null")

    def test_events_of_old_versions(self) -> None:
        """The oldest versions do not know third-party call control."""
        self.page.vanish()
        self.load(V102)
        self.server.asked.clear()
        self.sign_in()
        self.tell("EVENT-TALK")
        self.tell("EVENT-HOLD")
        self.nothing("POST", "/message")

    def test_second_answer(self) -> None:
        """A second ANSWER is logged by the younger versions, and ends the polling of the older ones."""
        for version in VERSIONS:
            self.page.vanish()
            self.server.asked.clear()
            self.load(version)
            self.sign_in()
            self.page.make_offer("1003")
            self.post()
            self.tell(roap("ANSWER"))
            self.post()
            self.tell(roap("ANSWER"))
            self.assertEqual(self.page.complaints, ["ANSWER in established"])
            self.assertEqual(self.page.line.polling, version in (V25, V34), version.name)

    def test_missing_candidates(self) -> None:
        """An ANSWER without Candidates breaks the older versions."""
        self.page.vanish()
        self.server.asked.clear()
        self.load(V100)
        self.sign_in()
        self.page.make_offer("1003")
        self.post()
        self.tell('SDP {"messageType": "ANSWER", "seq": 1}')
        self.assertFalse(self.page.line.polling)

    def test_leaving_in_a_call(self) -> None:
        """Leaving hangs up and signs out at once, without waiting for either."""
        self.tell(roap("OFFER"), "5002")
        self.page.accept_call()
        self.page.register("5001", "secret")
        self.agent.flush()
        kinds = sorted((one.method, one.target, one.body[:4]) for one in self.server.asked if "wait" not in one.target)
        self.assertEqual(
            kinds,
            [
                ("GET", "/sign_out?id=s1", ""),
                ("POST", "/message?from=s1&to=5002", "BYE"),
                ("POST", "/message?from=s1&to=5002", "RSMP"),
                ("POST", "/sign_in", "5001"),
            ],
        )
        self.assertEqual(self.page.line.gateway, GATEWAY)
