"""What operators do, and who may."""

from twisted.logger import LogLevel, capturedLogs, formatEvent

from tests.web.ops.opscase import OpsCase
from wrtcgw.daemon.composition import http_surface
from wrtcgw.web import GatewaySite, WebSettings

TOKEN = "operator-token-for-tests"
VIEWS = ("summary", "series", "calls", "search?q=x", "ladder?call=x", "ladder.txt?call=x", "ladder.pcap?call=x")
ACTIONS = ("drain", "hangup", "sign_out", "log_level", "capture")


class ActionTests(OpsCase):
    """The actions."""

    def test_drain(self) -> None:
        """Draining refuses new sign_ins and calls with 503 in both dialects; health and summary show it."""
        token = self.page_sign_in()
        self.assertEqual(self.act("drain", {"on": True}).json, {"status": "ok", "draining": True})
        body = b'{"id": "bob", "dn": "5002", "password": "x"}'
        answer = self.ask("POST", "/api/webrtc/sign_in", body, Content_Type="application/json")
        self.assertEqual(answer.error, (503, "draining"))
        self.assertIn("calls in progress go on", answer.json["error"])
        self.assertEqual(answer.headers["retry-after"], "5")
        self.assertEqual(self.ask("POST", "/sign_in", b"5002:x").code, 503)
        sdp = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
        path = "/api/webrtc/message?from=ann&to=1003"
        call = self.ask("POST", path, sdp, Content_Type="application/sdp", X_WRTC_Session=token)
        self.assertEqual(call.error, (503, "draining"))
        health = self.ask("GET", "/api/health")
        self.assertEqual((health.code, health.json["status"]), (200, "draining"))
        summary = self.get("summary")
        self.assertEqual((summary["draining"], summary["status"]), (True, "draining"))
        self.assertEqual(self.act("drain", {"on": False}).json["draining"], False)
        self.page_sign_in("bob", "5002")

    def test_drain_and_stop(self) -> None:
        """With ``stop`` the process is to end when no call is up; that can be taken back, and the limit has limits."""
        told = self.act("drain", {"on": True, "stop": True, "limit": 60}).json
        self.assertEqual(told, {"status": "ok", "draining": True, "stopping": True, "limit": 60})
        self.act("drain", {"on": True, "stop": True})
        self.act("drain", {"on": False})
        self.act("drain", {"on": True})
        self.assertEqual(self.console.drains, [60, 300, None, None])
        for limit in ("86401", "soon", "-1"):
            self.assertEqual(self.act("drain", {"on": True, "stop": True, "limit": limit}).code, 400)
        self.assertEqual(len(self.console.drains), 4)

    def test_hangup(self) -> None:
        """A call is ended by its id or its Call-ID, and the page is told; an unknown one is 404."""
        agent = self.sign_in("ann")
        for key in ("callId", "sipCallId"):
            _, far = self.outbound(agent)
            (call,) = self.get("calls")["calls"]
            self.assertEqual(
                self.act("hangup", {"call": call[key]}).json, {"status": "ok", "sipCode": 200, "reason": "OK"}
            )
            self.assertEqual(far.methods()[-1], "BYE")
            self.assertEqual(self.messages(agent)[-1].cause, "operator")
        self.assertEqual(self.get("calls?state=ended")["calls"][0]["cause"], "operator")
        self.assertEqual(self.act("hangup", {"call": "nobody"}).error, (404, "unknown_call"))

    def test_hangup_twice(self) -> None:
        """A call that is ending already is 409."""
        agent = self.sign_in("ann")
        call, _ = self.outbound(agent)
        self.far.silent.add("BYE")
        self.wire().send("POST", f"/api/ops/hangup?call={call.id}", Host="localhost")
        self.assertEqual(self.act("hangup", {"call": call.id}).error, (409, "wrong_state"))
        self.run_for(60)

    def test_sign_out(self) -> None:
        """An agent is signed out, and what hung for its page is answered; a second time is 404."""
        token = self.page_sign_in()
        poll = self.wire()
        headers = {"Accept": "application/json", "X_WRTC_Session": token}
        poll.get("/api/webrtc/message?id=ann&wait=30", **headers)
        self.assertEqual(self.act("sign_out", {"id": "ann"}).json, {"status": "ok", "id": "ann"})
        message = poll.answer()
        self.assertEqual((message.code, message.json["messageType"]), (200, "SIGNED_OUT"))
        self.assertIn("operator", message.json["reason"])
        self.assertEqual(self.far.contacts, {})
        self.assertEqual(self.act("sign_out", {"id": "ann"}).error, (404, "not_signed_in"))

    def test_log_level(self) -> None:
        """The level changes, in any case of letters; one that there is not is refused and changes nothing."""
        self.assertEqual(
            self.act("log_level", {"level": "DEBUG"}).json, {"status": "ok", "logLevel": "debug", "logLevels": {}}
        )
        self.assertEqual(self.get("summary")["logLevel"], "debug")
        for wrong in ({"level": "loud"}, {"level": ""}, {}, {"level": 5}, {"level": ["info"]}):
            self.assertEqual(self.act("log_level", wrong).error, (400, "bad_input"), wrong)
        self.assertEqual(self.console.log_level, "debug")

    def test_capture(self) -> None:
        """Capture goes off and on."""
        answer = self.act("capture", {"on": False}).json
        self.assertEqual((answer["status"], answer["capture"]["on"]), ("ok", False))
        self.assertFalse(self.recorder.on)
        self.assertTrue(self.act("capture", {"on": True}).json["capture"]["on"])

    def test_forms(self) -> None:
        """A form and a query do as well as JSON."""
        form = {"Content_Type": "application/x-www-form-urlencoded"}
        self.assertEqual(self.ask("POST", "/api/ops/drain", b"on=true", **form).code, 200)
        self.assertTrue(self.gateway.operation.draining)
        self.assertEqual(self.ask("POST", "/api/ops/drain?on=0").code, 200)
        self.assertFalse(self.gateway.operation.draining)

    def test_nonsense(self) -> None:
        """What is neither true nor false, or no JSON, is refused and changes nothing."""
        for body in (b"{}", b'{"on": null}', b'{"on": "maybe"}', b'{"on": 2}', b'{"on": [true]}', b"[]", b"{", b"\xff"):
            for name in ("drain", "capture"):
                answer = self.ask("POST", f"/api/ops/{name}", body, Content_Type="application/json")
                self.assertEqual(answer.error, (400, "bad_input"), body)
        for name in ("hangup", "sign_out"):
            self.assertEqual(self.act(name, {}).error, (400, "bad_input"))
        plain = self.ask("POST", "/api/ops/drain", b"on=true", Content_Type="text/plain")
        self.assertEqual(plain.error, (415, "wrong_content_type"))
        large = self.ask("POST", "/api/ops/drain", b"x" * 70_000, Content_Type="application/json")
        self.assertEqual(large.error, (413, "body_too_large"))
        self.assertFalse(self.gateway.operation.draining)
        self.assertTrue(self.recorder.on)

    def test_operator_who_does_not_wait(self) -> None:
        """An action goes on when its operator is gone."""
        agent = self.sign_in("ann")
        call, far = self.outbound(agent)
        wire = self.wire()
        wire.send("POST", f"/api/ops/hangup?call={call.id}", Host="localhost")
        wire.lose()
        self.wires.remove(wire)
        self.run_for(1)
        self.assertEqual((far.methods()[-1], agent.calls), ("BYE", {}))

    def test_bug(self) -> None:
        """What nobody foresaw is told by an incident id, and logged."""

        async def broken(call_id: str) -> None:
            raise ZeroDivisionError

        self.gateway.operation.end_call = broken  # type: ignore[method-assign,assignment]
        answer = self.act("hangup", {"call": "x"})
        self.assertEqual(answer.error, (500, "internal_error"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.meters.counters.failures, 1)

    def test_logged(self) -> None:
        """Each action is a line in the log, with the operator's address, also at level warn."""
        with capturedLogs() as events:
            self.act("drain", {"on": True})
            self.act("sign_out", {"id": "nobody"})
            self.act("log_level", {"level": "warn"})
        lines = [formatEvent(event) for event in events if event["log_level"] is LogLevel.warn]
        self.assertEqual(
            lines,
            [
                "operator at 127.0.0.1: draining is on",
                "operator at 127.0.0.1: signs agent nobody out",
                "operator at 127.0.0.1: log level is warn",
            ],
        )


class RouteTests(OpsCase):
    """Paths and methods."""

    def test_wrong_method(self) -> None:
        """Views are for GET, actions for POST, and 405 says so."""
        for name in VIEWS:
            answer = self.ask("POST", f"/api/ops/{name}")
            self.assertEqual((answer.error, answer.headers["allow"]), ((405, "wrong_method"), "GET, OPTIONS"))
        for name in ACTIONS:
            answer = self.ask("GET", f"/api/ops/{name}?on=true&call=x&id=x&level=info")
            self.assertEqual((answer.error, answer.headers["allow"]), ((405, "wrong_method"), "POST, OPTIONS"))
        self.assertFalse(self.gateway.operation.draining)

    def test_unknown(self) -> None:
        """Other paths are not found."""
        for path in ("", "x", "drain/", "ladder.html", "summary/x", "%2e%2e"):
            self.assertEqual(self.ask("GET", f"/api/ops/{path}").error, (404, "not_found"), path)

    def test_bad_query(self) -> None:
        """A query that is no UTF-8 is refused."""
        self.assertEqual(self.ask("GET", "/api/ops/search?q=%ff").error, (400, "bad_input"))


class AccessTests(OpsCase):
    """Who may: the rule of the other operators' calls, and a check of the origin for what changes something."""

    settings = WebSettings(operator_token=TOKEN, allowed_origins=frozenset({"https://ops.example.org"}))

    def each(self, **headers: str) -> set[tuple[int, str]]:
        """Return the errors of all calls."""
        address = headers.pop("address", "127.0.0.1")
        answers = [self.ask("GET", f"/api/ops/{name}", address=address, **headers) for name in VIEWS]
        answers += [
            self.ask("POST", f"/api/ops/{name}?on=true&call=x&id=x&level=info", address=address, **headers)
            for name in ACTIONS
        ]
        return {answer.error for answer in answers if answer.code not in (200, 404)}

    def test_token(self) -> None:
        """With a token configured, nothing goes without it, not even from this machine."""
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"X_WRTC_Session": TOKEN}):
            self.assertEqual(self.each(**headers), {(401, "operator_token_required")}, headers)
        self.assertFalse(self.gateway.operation.draining)
        self.assertEqual(self.each(Authorization=f"Bearer {TOKEN}", address="192.0.2.7"), set())
        self.assertTrue(self.gateway.operation.draining)

    def test_agents_session(self) -> None:
        """An agent's session is no operator's."""
        token = self.page_sign_in()
        self.assertEqual(self.each(Authorization=f"Bearer {token}"), {(401, "operator_token_required")})

    def test_loopback(self) -> None:
        """With operator_loopback, programs on this machine may, and nobody else."""
        self.serve(WebSettings(operator_loopback=True))
        self.assertEqual(self.each(), set())
        self.assertEqual(self.each(address="192.0.2.7"), {(401, "operator_token_required")})

    def test_closed(self) -> None:
        """Without a token and without operator_loopback nobody may."""
        self.serve(WebSettings())
        self.assertEqual(self.each(), {(401, "operator_token_required")})

    def test_foreign_pages(self) -> None:
        """A page of another site changes nothing, even in the browser of an operator on this machine."""
        self.serve(WebSettings(operator_loopback=True))
        for headers in (
            {"Origin": "https://evil.example", "Host": "127.0.0.1:8082"},
            {"Origin": "null", "Host": "127.0.0.1:8082"},
            {"Sec_Fetch_Site": "cross-site", "Host": "127.0.0.1:8082"},
        ):
            for name in ACTIONS:
                wire = self.wire()
                lines = "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in headers.items())
                wire.raw(f"POST /api/ops/{name}?on=true HTTP/1.1\r\n{lines}Content-Length: 0\r\n\r\n".encode())
                self.assertEqual(wire.answer().error, (401, "operator_token_required"), headers)
        self.assertFalse(self.gateway.operation.draining)

    def test_foreign_page_with_token(self) -> None:
        """Nor with the token; a page of an allowed origin may."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = self.act("drain", {"on": True}, Origin="https://evil.example", **headers)
        self.assertEqual(answer.error, (403, "foreign_origin"))
        answer = self.act("drain", {"on": True}, Origin="https://ops.example.org", **headers)
        self.assertEqual(answer.code, 200)
        self.assertEqual(answer.headers["access-control-allow-origin"], "https://ops.example.org")

    def test_rebound_name(self) -> None:
        """A browser that came here by a name which may be anyone's needs the token, for looking too."""
        self.serve(WebSettings(operator_loopback=True))
        self.assertEqual(
            self.each(Host="evil.example:8082", Accept_Language="en", Sec_Fetch_Site="same-origin"),
            {(401, "operator_token_required")},
        )

    def test_reload(self) -> None:
        """Another token counts as soon as it is configured."""
        self.surface.reconfigure(WebSettings(operator_token="another"))
        self.assertEqual(self.each(Authorization=f"Bearer {TOKEN}"), {(401, "operator_token_required")})
        self.assertEqual(self.each(Authorization="Bearer another"), set())


class WithoutOperators(OpsCase):
    """A surface that was made without the operators' calls."""

    def test_not_there(self) -> None:
        """There is nothing below /api/ops/."""
        self.surface.close()
        self.surface = http_surface(self.gateway, self.settings, self.clock)
        self.site = GatewaySite(self.surface, reactor=self.clock)
        self.assertEqual(self.ask("GET", "/api/ops/summary").error, (404, "not_found"))
