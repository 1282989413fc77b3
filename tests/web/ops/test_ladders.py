"""Ladders of whole calls, in both dialects: everything that went over the wire, in order, and no secret."""

import json
from typing import Any

from tests.support.farside import SDP
from tests.support.gatewaycase import PAGE_SDP
from tests.web.genesys.dialectcase import BROWSER_SDP
from tests.web.harness import Answer
from tests.web.ops.opscase import PASSWORDS, PROXY, OpsCase
from wrtcgw.events.catalogue import ConnectionDown, ConnectionUp, SIPMessageSent

ICE_PWD = "Xyzzy-ice-pwd-of-22-chars"
PAGE_OFFER = PAGE_SDP + f"a=ice-ufrag:abcd\r\na=ice-pwd:{ICE_PWD}\r\n"
FAR_SDP = SDP + f"a=ice-ufrag:efgh\r\na=ice-pwd:{ICE_PWD}\r\n"


class RESTCase(OpsCase):
    """A page of the REST dialect that has signed in."""

    def setUp(self) -> None:
        super().setUp()
        self.token = self.page_sign_in()

    def post(self, verb: str, body: bytes = b"", content_type: str = "application/sdp", **fields: str) -> Answer:
        """Post something of the page's."""
        query = "&".join(f"{name}={value}" for name, value in {"id": "ann", **fields}.items())
        more = {"Content_Type": content_type} if body else {}
        return self.ask("POST", f"/api/webrtc/{verb}?{query}", body, X_WRTC_Session=self.token, **more)

    def poll(self, **headers: str) -> Answer:
        """Fetch the page's next message."""
        headers.setdefault("Accept", "application/json")
        answer = self.ask("GET", "/api/webrtc/message?id=ann&wait=1", X_WRTC_Session=self.token, **headers)
        return answer

    def place_call(self, to: str = "5002") -> str:
        """Place a call."""
        answer = self.post("message", PAGE_OFFER.encode(), to=to)
        self.run_for()
        return answer.headers["x-wrtc-call"]

    def delivered(self) -> None:
        """Fetch all messages that there are."""
        while self.poll().code == 200:
            pass


class CallTests(RESTCase):
    """Calls of the REST dialect."""

    def test_outbound(self) -> None:
        """A call from the page's offer to the far side's BYE: each message, each delivery, each change."""
        call = self.place_call()
        far = self.far.calls[-1]
        far.ring()
        self.run_for()
        far.answer(FAR_SDP)
        self.run_for()
        self.delivered()
        far.bye()
        self.run_for()
        self.delivered()
        self.assertEqual(
            self.labels(call),
            [
                "POST OFFER",
                "INVITE 1",
                "200 OK (OFFER)",
                "100 Trying (INVITE)",
                "180 Ringing (INVITE)",
                "ringing",
                "200 OK (INVITE)",
                "ACK 1",
                "established",
                "→ RINGING",
                "→ ANSWER",
                "BYE 101",
                "200 OK (BYE)",
                "ended: remote",
                "→ SHUTDOWN",
            ],
        )
        ladder = self.get(f"ladder?call={call}")
        self.assertEqual(ladder["parties"], ["page ann", "gateway", f"proxy {PROXY}"])
        self.assertEqual((ladder["callId"], ladder["sipCallIds"]), (call, [far.call_id]))
        self.assertEqual(self.get(f"ladder?call={far.call_id}"), ladder)
        self.assertIn(PAGE_SDP.splitlines()[4], ladder["messages"][0]["text"])

    def test_verbs(self) -> None:
        """Verbs stand before what they bring about, their responses after it; refused ones are there too."""
        call = self.place_call()
        far = self.far.calls[-1]
        far.answer(FAR_SDP)
        self.run_for()
        before = len(self.labels(call))
        wire = self.wire()
        wire.send("POST", "/api/webrtc/hold?id=ann", X_WRTC_Session=self.token)
        self.run_for()
        far.answer(FAR_SDP)
        self.run_for()
        self.assertEqual(wire.answer().code, 200)
        self.assertEqual(self.post("hold").code, 409)
        self.assertEqual(self.post("dtmf", digits="5").code, 200)
        self.assertEqual(self.post("hangup", call=call).code, 200)
        self.assertEqual(
            self.labels(call)[before:],
            [
                "POST hold",
                "re-INVITE 2",
                "100 Trying (INVITE)",
                "200 OK (INVITE)",
                "ACK 2",
                "on hold",
                "200 OK (hold)",
                "POST hold",
                "409 wrong_state (hold)",
                "POST dtmf",
                "INFO 3",
                "200 OK (INFO)",
                "200 OK (dtmf)",
                "POST hangup",
                "ending",
                "BYE 4",
                "200 OK (BYE)",
                "ended: local 200 OK",
                "200 OK (hangup)",
            ],
        )

    def test_inbound(self) -> None:
        """An incoming call begins with the INVITE."""
        agent = self.gateway.agent("ann")
        call, far = self.inbound(agent, FAR_SDP)
        self.delivered()
        self.assertEqual(self.post("answer", PAGE_OFFER.encode(), call=call.id).code, 200)
        self.run_for()
        far.reinvite(FAR_SDP.replace("a=sendrecv", "a=sendonly"))
        self.run_for()
        labels = self.labels(call.id)
        self.assertEqual(labels[0], "INVITE 101")
        for earlier, later in (
            ("180 Ringing (INVITE)", "POST answer"),
            ("→ OFFER", "POST answer"),
            ("POST answer", "200 OK (INVITE)"),
            ("POST answer", "established"),
            ("re-INVITE 102", "put on hold by the far side"),
        ):
            self.assertLess(labels.index(earlier), labels.index(later), labels)

    def test_stream(self) -> None:
        """What a stream delivers is there as well, one step for each message."""
        wire = self.wire()
        wire.get("/api/webrtc/events?id=ann", X_WRTC_Session=self.token)
        call = self.place_call()
        self.far.calls[-1].ring()
        self.run_for()
        (step,) = [step for step in self.get(f"ladder?call={call}")["messages"] if step["kind"] == "event"]
        self.assertEqual((step["label"], step["from"], step["to"]), ("→ RINGING", 1, 0))
        self.assertIn("(stream)", step["text"])

    def test_plain_poll(self) -> None:
        """A page of plain descriptions gets the end of its call as 410, and the ladder shows that."""
        call = self.place_call()
        self.far.calls[-1].refuse(486)
        self.run_for()
        self.assertEqual(self.poll(Accept="*/*").code, 410)
        steps = self.get(f"ladder?call={call}")["messages"]
        self.assertIn("(poll) 410", steps[-1]["text"])

    def test_roap(self) -> None:
        """A ROAP message shows its type; SHUTDOWN goes to the call that it names."""
        body = json.dumps({"messageType": "OFFER", "sdp": PAGE_OFFER, "to": "5002"}).encode()
        answer = self.ask(
            "POST",
            "/api/webrtc/message?from=ann",
            body,
            X_WRTC_Session=self.token,
            Content_Type="application/json",
            Accept="application/json",
        )
        call = answer.json["callId"]
        self.run_for()
        self.far.calls[-1].answer(FAR_SDP)
        self.run_for()
        body = json.dumps({"messageType": "SHUTDOWN", "callId": call}).encode()
        self.post("message", body, "application/json")
        labels = self.labels(call)
        self.assertEqual(labels[0], "POST OFFER")
        self.assertIn("POST SHUTDOWN", labels)

    def test_two_calls(self) -> None:
        """What names no call while there are two goes to neither, but to the agent."""
        one, two = self.place_call(), self.place_call("5003")
        for far in self.far.calls:
            far.answer(FAR_SDP)
        self.run_for()
        self.assertEqual(self.post("hold").error, (409, "ambiguous_call"))
        for call in (one, two):
            self.assertNotIn("POST hold", self.labels(call))
        self.assertIn("POST hold", self.labels("ann", "agent"))
        self.assertIn("409 ambiguous_call (hold)", self.labels("5001", "agent"))

    def test_both_legs(self) -> None:
        """A call between two agents is two; each ladder names the other leg, and has its messages if asked to."""
        bob = self.sign_in("bob", "5002")
        self.place_call("5003")
        out = self.place_call("5002")
        into, far = self.inbound(bob, FAR_SDP, caller="5001")
        alone = self.get(f"ladder?call={out}")
        self.assertEqual((alone["other"]["callId"], alone["legs"]), (into.id, 1))
        self.assertEqual({each["leg"] for each in alone["messages"]}, {0})
        both = self.get(f"ladder?call={out}&both=true")
        self.assertEqual((both["callId"], both["legs"], len(both["sipCallIds"])), (out, 2, 2))
        self.assertEqual([each["n"] for each in both["messages"]], list(range(1, len(both["messages"]) + 1)))
        labels = [(each["leg"], each["label"]) for each in both["messages"]]
        self.assertLess(labels.index((0, "INVITE 1")), labels.index((1, "INVITE 101")))
        self.assertEqual(self.get(f"ladder?call={into.id}")["other"]["callId"], out)
        pcap = self.ask("GET", f"/api/ops/ladder.pcap?call={out}&both=true").body
        self.assertIn(far.call_id.encode(), pcap)
        self.assertIn(f"INVITE sip:{bob.dn}@".encode(), pcap)
        self.assertIn("INVITE 101", self.text(f"ladder.txt?call={out}&both=on"))
        later, _ = self.inbound(bob, FAR_SDP, caller="5003")
        self.assertIsNone(self.get(f"ladder?call={later.id}")["other"])

    def test_foreign_call(self) -> None:
        """A page that names another agent's call does not get into its ladder."""
        self.page_sign_in("bob", "5002")
        call, _ = self.inbound(self.gateway.agent("bob"))
        self.assertEqual(self.post("hangup", call=call.id).code, 404)
        self.assertNotIn("POST hangup", self.labels(call.id))
        self.assertIn("POST hangup", self.labels("ann", "agent"))

    def test_broken_request(self) -> None:
        """A page that goes before the response is shown, and the call goes on."""
        call = self.place_call()
        self.far.calls[-1].answer(FAR_SDP)
        self.run_for()
        wire = self.wire()
        wire.send("POST", "/api/webrtc/hold?id=ann", X_WRTC_Session=self.token)
        wire.lose()
        self.wires.remove(wire)
        self.assertIn("the page went before the response", self.labels(call))

    def test_recorder_that_fails(self) -> None:
        """Pages are served whatever goes wrong in recording what they say."""
        self.recorder._place = None  # type: ignore[assignment,method-assign]
        call = self.place_call()
        self.far.calls[-1].ring()
        self.run_for()
        self.assertEqual(self.poll().json["messageType"], "RINGING")
        self.assertEqual(self.post("hangup", call=call).code, 200)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 3)

    def test_lost_connection(self) -> None:
        """The loss of the connection stands in the calls that use it, and what was not sent says so."""
        call = self.place_call()
        self.far.calls[-1].answer(FAR_SDP)
        self.run_for()
        self.far.down.add(0)
        self.gateway.events.publish(ConnectionDown(0))
        self.gateway.disconnected(0)
        self.far.down.clear()
        self.gateway.events.publish(ConnectionUp(0))
        self.gateway.connected(0)
        self.run_for(5)
        labels = self.labels(call)
        lost, back = labels.index("connection to the proxy lost"), labels.index("connection to the proxy is back")
        self.assertLess(lost, back)
        bye = f"BYE sip:x SIP/2.0\r\nCall-ID: {self.far.calls[-1].call_id}\r\n\r\n"
        self.gateway.events.publish(SIPMessageSent(0, bye, carried=False))
        self.assertEqual(self.get(f"ladder?call={call}")["messages"][-1]["detail"], "not sent: no connection")

    def test_page_away(self) -> None:
        """A page that was away for a while is shown where it left and where it came back."""
        call = self.place_call()
        self.far.calls[-1].answer(FAR_SDP)
        self.run_for()
        self.delivered()
        self.run_for(20)
        self.poll()
        ladder = self.get(f"ladder?call={call}")["messages"]
        away, back = (
            next(step for step in ladder if step["label"].startswith(text)) for text in ("page away", "page is")
        )
        self.assertLess(away["n"], back["n"])
        self.assertGreater(back["time"] - away["time"], 15_000)
        self.assertEqual((away["kind"], away["via"], away["from"], away["to"]), ("note", "gateway", 1, 1))

    def test_media(self) -> None:
        """How the page hears is noted when it is told first, and when it changes clearly; the call has the numbers."""
        call = self.place_call()
        self.far.calls[-1].answer(FAR_SDP)
        self.run_for()
        for mos in (4.4, 4.2, 2.5, 2.6, 3.5, 0):
            report = {"audio": {"codec": "opus", "mos": mos, "rtt": 30, "rx": {"jitter": 3}}}
            self.assertEqual(self.post("stats", json.dumps(report).encode(), "application/json").code, 200)
        ladder = self.get(f"ladder?call={call}")
        notes = [step["label"] for step in ladder["messages"] if step["label"].startswith("audio is")]
        self.assertEqual(
            [note.partition(",")[0] for note in notes],
            ["audio is good", "audio is poor", "audio is fair", "audio is of unknown quality"],
        )
        self.assertEqual(notes[0], "audio is good, opus, rtt 30 ms, jitter 3 ms, worst loss 0.0 %, MOS 4.4")
        self.assertEqual(ladder["call"]["quality"]["audio"]["worst"]["mos"], 2.5)
        self.assertNotIn("POST stats", [step["label"] for step in ladder["messages"]])
        self.assertIn("Audio     opus, rtt 30 ms (worst 30), jitter 3 ms", self.text(f"ladder.txt?call={call}"))

    def test_what_no_message_shows(self) -> None:
        """A refused or withdrawn offer, and how a transfer goes, stand as notes."""
        call = self.place_call()
        far = self.far.calls[-1]
        far.answer(FAR_SDP)
        self.run_for(1)
        hold = self.wire()
        hold.send("POST", "/api/webrtc/hold?id=ann", X_WRTC_Session=self.token)
        self.run_for()
        far.refuse(488)
        self.run_for()
        self.assertEqual(hold.answer().error, (502, "request_refused"))
        far.reinvite(FAR_SDP.replace("efgh", "ijkl"))
        self.run_for()
        far.cancel()
        self.run_for()
        self.assertEqual(self.post("transfer", to="1004").code, 200)
        far.notify("refer", "terminated;reason=noresource", "SIP/2.0 486 Busy Here")
        self.run_for()
        notes = [step["label"] for step in self.get(f"ladder?call={call}")["messages"] if step["kind"] == "note"]
        self.assertEqual(
            notes,
            [
                "established",
                "offer refused: 488 Not Acceptable Here",
                "the far side has withdrawn its offer",
                "transfer: 486 Busy Here",
            ],
        )

    def test_taken_over(self) -> None:
        """A call that another page takes over has two pages in its ladder."""
        call = self.place_call()
        self.far.calls[-1].answer(FAR_SDP)
        self.run_for()
        token = self.page_sign_in("other")
        self.ask("GET", "/api/webrtc/message?id=other", Accept="application/json", X_WRTC_Session=token)
        ladder = self.get(f"ladder?call={call}")
        self.assertEqual(ladder["parties"][0], "page ann")
        self.assertEqual(ladder["parties"][-1], "page other")
        self.assertIn("goes over to agent other", [step["label"] for step in ladder["messages"]])


class AgentTests(RESTCase):
    """Ladders outside of calls."""

    def test_sign_in(self) -> None:
        """An agent's ladder has its sign_in and every REGISTER, found by id and by DN."""
        self.assertEqual(
            self.labels("ann", "agent"),
            [
                "POST sign_in",
                "REGISTER 1",
                "401 Unauthorized (REGISTER)",
                "REGISTER 2",
                "200 OK (REGISTER)",
                "200 OK (sign_in)",
            ],
        )
        self.assertEqual(self.labels("5001", "agent"), self.labels("ann", "agent"))
        self.assertIsNone(self.get("ladder?agent=ann")["call"])

    def test_refused_sign_in(self) -> None:
        """That of an agent who could not sign in says why; there is no agent, but a DN."""
        body = json.dumps({"id": "bob", "dn": "5002", "password": "wrong"}).encode()
        self.assertEqual(self.ask("POST", "/api/webrtc/sign_in", body, Content_Type="application/json").code, 401)
        labels = self.labels("5002", "agent")
        self.assertEqual(labels[0], "POST sign_in")
        self.assertIn("401 registration_refused (sign_in)", labels)
        self.assertTrue(any(label.startswith("registration failed: 401") for label in labels), labels)

    def test_guessing(self) -> None:
        """Who tries too often leaves no traces beyond the tries that counted."""
        body = json.dumps({"id": "bob", "dn": "5002", "password": "wrong"}).encode()
        codes = [self.ask("POST", "/api/webrtc/sign_in", body, Content_Type="application/json").code for _ in range(20)]
        self.assertEqual(codes, [401] * 10 + [429] * 10)
        self.assertEqual(self.labels("5002", "agent").count("POST sign_in"), 10)

    def test_sign_out(self) -> None:
        """Its sign_out and un-REGISTER are there after it has gone."""
        self.assertEqual(self.post("sign_out").code, 200)
        labels = self.labels("5001", "agent")
        self.assertLess(labels.index("POST sign_out"), labels.index("REGISTER 3"))


class TextTests(RESTCase):
    """As text."""

    def test_text(self) -> None:
        """The text has a heading, the drawing and the messages; browsers show it, and save it under a name."""
        call = self.place_call()
        self.far.calls[-1].refuse(486)
        self.run_for()
        answer = self.ask("GET", f"/api/ops/ladder.txt?call={call}")
        self.assertEqual(answer.headers["content-type"], "text/plain; charset=utf-8")
        self.assertEqual(answer.headers["content-disposition"], f'inline; filename="ladder-{call}.txt"')
        self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
        head = [" ".join(line.split()) for line in answer.text.split("\n")[:9]]
        self.assertEqual(head[0], f"Call {call}")
        self.assertEqual(head[2:4], ["Agent ann (5001)", "Far side 5002 (outbound)"])
        self.assertTrue(head[5].startswith("Begun 2023-11-14 22:"), head)
        self.assertTrue(head[6].endswith("busy 486 Busy Here"), head)
        self.assertIn("POST OFFER", answer.text)
        self.assertIn("\nINVITE sip:5002@example.org SIP/2.0\n", answer.text)

    def test_pcap(self) -> None:
        """The SIP of a call leaves as a file for Wireshark, whose name says of which call it is."""
        call = self.place_call()
        answer = self.ask("GET", f"/api/ops/ladder.pcap?call={call}")
        self.assertEqual(answer.headers["content-type"], "application/vnd.tcpdump.pcap")
        self.assertEqual(answer.headers["content-disposition"], f'attachment; filename="ladder-{call}.pcap"')
        self.assertEqual(answer.headers["content-length"], str(len(answer.body)))
        self.assertEqual(answer.body.count(b"INVITE sip:5002@example.org SIP/2.0\r\n"), 1)
        self.assertNotIn(b"POST", answer.body)

    def test_agent(self) -> None:
        """That of an agent says so."""
        self.assertTrue(self.text("ladder.txt?agent=ann").startswith("Agent    5001\nCall-ID  "))

    def test_running_call(self) -> None:
        """That of a call that is up has no end."""
        text = self.text(f"ladder.txt?call={self.place_call()}")
        self.assertIn("State     DIALLING\n", text)
        self.assertNotIn("Ended", text)

    def test_call_that_is_forgotten(self) -> None:
        """A call whose record went before its messages still has a text."""
        call = self.place_call()
        self.far.calls[-1].refuse(486)
        self.run_for()
        self.history.__init__(0)  # type: ignore[misc]
        text = self.text(f"ladder.txt?call={call}")
        self.assertTrue(text.startswith(f"Call     {call}\n"))
        self.assertIn("486 Busy Here (INVITE)", text)

    def test_nothing_recorded(self) -> None:
        """What is not recorded is told, with the reason."""
        for path in ("ladder?call=nobody", "ladder.txt?call=nobody", "ladder.pcap?call=x", "ladder?agent=nobody"):
            answer = self.ask("GET", f"/api/ops/{path}")
            self.assertEqual(answer.error, (404, "not_recorded"))
            self.assertIn("too long ago", answer.json["error"])
        self.recorder.on = False
        self.assertIn("capture is off", self.ask("GET", "/api/ops/ladder?call=nobody").json["error"])
        self.assertEqual(self.ask("GET", "/api/ops/ladder").error, (400, "bad_input"))


class GenesysCase(OpsCase):
    """A page of the Genesys dialect."""

    def setUp(self) -> None:
        super().setUp()
        answer = self.ask("POST", "/sign_in", f"5001:{PASSWORDS['5001']}".encode())
        self.assertEqual(answer.code, 200)
        self.ssid = answer.text.partition("=")[2]
        self.serial = 0

    def message(self, body: str, to: str = "") -> Answer:
        """Post a message of the page's."""
        return self.ask("POST", f"/message?from={self.ssid}" + (f"&to={to}" if to else ""), body.encode())

    def roap(self, kind: str, to: str = "", **fields: Any) -> Answer:
        """Post a ROAP message of the page's."""
        self.serial += 1
        message = {"messageType": kind, "offererSessionId": 7, "seq": self.serial, **fields}
        return self.message(f"SDP {json.dumps(message)}", to)

    def wait(self) -> str:
        """Fetch the page's next text."""
        return self.ask("GET", f"/wait?id={self.ssid}").text


class GenesysTests(GenesysCase):
    """Calls of the Genesys dialect."""

    def test_outbound(self) -> None:
        """What the page posts and what each wait brings stands in the ladder of its call."""
        self.roap("OFFER", "5002", sdp=BROWSER_SDP, tiebreaker=1)
        self.run_for()
        (call,) = self.gateway.calls()
        self.far.calls[-1].answer(FAR_SDP)
        self.run_for()
        self.assertIn("ANSWER", self.wait())
        self.roap("OK", sdp="", answererSessionId=8)
        self.message("INFO-MAP account=4711")
        self.run_for()
        self.message("BYE")
        self.run_for()
        labels = self.labels(call.id)
        http = [label for label in labels if label.startswith(("POST", "→"))]
        self.assertEqual(http, ["POST OFFER", "→ ANSWER", "POST OK", "POST INFO-MAP", "POST BYE"])
        self.assertEqual(labels[:2], ["POST OFFER", "INVITE 1"])
        for earlier, later in (("POST BYE", "BYE 3"), ("POST INFO-MAP", "INFO 2"), ("ACK 1", "→ ANSWER")):
            self.assertLess(labels.index(earlier), labels.index(later), labels)
        self.assertNotIn("4711", json.dumps(self.get(f"ladder?call={call.id}")))

    def test_inbound(self) -> None:
        """An incoming call is offered by a wait, and its end is told by one."""
        call, far = self.inbound(self.gateway.agent("5001"), FAR_SDP)
        self.assertIn("OFFER", self.wait())
        far.cancel()
        self.run_for()
        self.assertEqual(self.wait(), "BYE")
        labels = self.labels(call.id)
        self.assertEqual([label for label in labels if label.startswith("→")], ["→ OFFER", "→ BYE"])

    def test_sign_in(self) -> None:
        """The agent's ladder begins with its sign_in."""
        labels = self.labels("5001", "agent")
        self.assertEqual((labels[0], labels[-1]), ("POST sign_in", "200 OK (sign_in)"))

    def test_operator_ends_the_call(self) -> None:
        """A call that an operator ends is a BYE for the page, and no ERROR before it."""
        self.roap("OFFER", "5002", sdp=BROWSER_SDP, tiebreaker=1)
        self.run_for()
        (call,) = self.gateway.calls()
        self.far.calls[-1].answer(FAR_SDP)
        self.run_for()
        self.wait()
        self.assertEqual(self.act("hangup", {"call": call.id}).code, 200)
        self.assertEqual(self.wait(), "BYE")


class GuestTests(OpsCase):
    """Guests of the Genesys dialect."""

    def test_sign_in(self) -> None:
        """A guest's sign_in is kept under the name that it gets."""
        self.start(guest_mode="unregistered")
        self.assertEqual(self.ask("POST", "/sign_in", b"anon123").code, 200)
        (agent,) = self.gateway.agents()
        self.assertEqual(self.labels(agent.id, "agent"), ["POST sign_in", "200 OK (sign_in)"])


class SecretTests(OpsCase):
    """Nothing that operators can see has a secret in it."""

    def test_no_secrets(self) -> None:
        """Passwords, digest responses, tokens and keys that went through do not come out, in whichever view."""
        self.far.challenge_invite = True
        token = self.page_sign_in()
        query = f"id=bob&dn=5003&password={PASSWORDS['5003']}"
        other = self.ask("GET", f"/api/webrtc/sign_in?{query}").headers["x-wrtc-session"]
        answer = self.ask("POST", "/sign_in", f"5002:{PASSWORDS['5002']}".encode())
        ssid = answer.text.partition("=")[2]
        offer = PAGE_OFFER.encode()
        headers = {"Content_Type": "application/sdp", "Cookie": f"wrtcgw_x={other}"}
        first = self.ask(
            "POST", "/api/webrtc/message?from=ann&to=5003", offer, Authorization=f"Bearer {token}", **headers
        )
        self.ask("POST", f"/message?from={ssid}&to=5003", f"SDP {json.dumps(_OFFER)}".encode())
        self.run_for()
        for far in self.far.calls:
            far.answer(FAR_SDP)
        self.run_for()
        self.ask("GET", f"/wait?id={ssid}")
        self.ask("GET", "/api/webrtc/message?id=ann", X_WRTC_Session=token, Accept="application/json")
        self.wire().send("POST", f"/api/webrtc/hold?id=ann&session={token}", X_WRTC_Session=token)
        self.ask("POST", f"/message?from={ssid}", b"BYE")
        self.ask("POST", f"/sign_out?id={ssid}")
        self.run_for()
        responses = [
            request.headers.get("Authorization") or "" for far in self.far.calls for request in far.requests
        ] + [request.headers.get("Authorization") or "" for request in self.far.registers]
        digests = {value.partition('response="')[2].partition('"')[0] for value in responses} - {""}
        self.assertGreater(len(digests), 4)
        secrets = {*PASSWORDS.values(), token, other, ssid, ICE_PWD, *digests}
        calls = [call["callId"] for call in self.get("calls?state=all")["calls"]]
        self.assertIn(first.headers["x-wrtc-call"], calls)
        paths = [f"{name}?call={call}" for call in calls for name in ("ladder", "ladder.txt", "ladder.pcap")]
        paths += [f"{name}?agent={dn}" for dn in PASSWORDS for name in ("ladder", "ladder.txt", "ladder.pcap")]
        paths += ["summary", "series", "calls?state=all", "search?q=500", f"search?q={token}"]
        seen = {path: self.ask("GET", f"/api/ops/{path}").body.decode("latin-1") for path in paths}
        self.assertGreater(sum(map(len, seen.values())), 20_000, "there has to be something to search")
        for path, text in seen.items():
            for secret in secrets:
                self.assertNotIn(secret, text.replace(f"q={token}", ""), path)


_OFFER = {"messageType": "OFFER", "offererSessionId": 7, "seq": 1, "tiebreaker": 1, "sessionToken": ICE_PWD} | {
    "sdp": BROWSER_SDP.replace("abcdefghijklmnopqrstuv", ICE_PWD)
}
