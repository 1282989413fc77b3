"""The application API: who may, what, and once."""

from attrs import evolve

from tests.capture.support import EPOCH
from tests.security.test_audit import audited, fields
from tests.web.app.appcase import BOARD, CRM, SEES, AppCase
from wrtcgw.web.app import idempotency
from wrtcgw.web.settings import Allowance


class Trust(AppCase):
    """Who may ask."""

    def test_tokens(self) -> None:
        """Without a token, or with a wrong one, or an operator's, nothing is told; one that observes cannot act."""
        self.come()
        for token in ("", "wrong", "an-operators-token"):
            self.assertEqual(self.app("GET", "agents", token=token).error, (401, "application_token_required"))
        self.assertEqual(self.app("GET", "agents", token=BOARD).code, 200)
        answer = self.app("POST", "calls", {"dn": "5001", "to": "1003"}, token=BOARD)
        self.assertEqual(answer.error, (403, "control_required"))

    def test_scope(self) -> None:
        """Agents of other DNs are not there, nor are their calls."""
        self.come()
        self.come("eve", "5003")
        dns = {
            token: [agent["dn"] for agent in self.app("GET", "agents", token=token).json["agents"]]
            for token in (BOARD, CRM)
        }
        self.assertEqual(dns, {BOARD: ["5001", "5003"], CRM: ["5001"]})
        call = self.gateway.order_call("eve", "1003", answer=False)
        self.assertEqual(self.app("GET", "calls").json["calls"], [])
        for method, path, body, error in (
            ("GET", "agents/5003", None, "not_signed_in"),
            ("GET", f"calls/{call.id}", None, "unknown_call"),
            ("POST", f"calls/{call.id}/hangup", None, "unknown_call"),
            ("POST", "agents/5003/do_not_disturb", {"on": True}, "not_signed_in"),
            ("POST", "calls", {"dn": "5003", "to": "1003"}, "not_signed_in"),
        ):
            self.assertEqual(self.app(method, path, body).error, (404, error), path)
        self.assertEqual(self.app("GET", f"calls/{call.id}", token=BOARD).code, 200)

    def test_reload(self) -> None:
        """A token that is taken away does not count any more."""
        self.surface.reconfigure(evolve(self.settings, app_tokens=(SEES,)))
        self.assertEqual(self.app("GET", "agents").error, (401, "application_token_required"))

    def test_foreign_page(self) -> None:
        """Pages of other sites have no token; one that shows it may read from an allowed origin only."""
        answer = self.app("GET", "agents", Origin="https://foreign.example.net")
        self.assertNotIn("access-control-allow-origin", answer.headers)

    def test_rate(self) -> None:
        """What changes something has a limit for each application; reading has none."""
        self.surface.reconfigure(evolve(self.settings, app_requests=Allowance(burst=2, per_second=0.5)))
        codes = [self.app("POST", "calls", {"dn": "5001", "to": "1003"}).code for _ in range(3)]
        self.assertEqual(codes, [404, 404, 429])
        answer = self.app("POST", "calls", {"dn": "5001", "to": "1003"})
        self.assertEqual((answer.error, answer.headers["retry-after"]), ((429, "too_many_requests"), "2"))
        self.assertEqual(self.app("GET", "agents").code, 200)
        self.run_for(2)
        self.assertEqual(self.app("POST", "calls", {"dn": "5001", "to": "1003"}).code, 404)


class Calls(AppCase):
    """Calls that an application controls."""

    def test_place(self) -> None:
        """The page is asked for an offer, and the call is what it was from the first moment on."""
        token = self.come()
        answer = self.app("POST", "calls", {"dn": "5001", "to": "1003"})
        call = answer.json["call"]
        self.assertEqual(answer.headers["location"], f"/api/app/v1/calls/{call['callId']}")
        self.assertEqual((call["state"], call["ordered"], call["peer"], call["dn"]), ("OFFERED", True, "1003", "5001"))
        self.assertEqual(call["startedAt"], round((EPOCH + self.clock.seconds()) * 1000))
        (message,) = self.messages(self.gateway.agent("ann"))
        self.assertEqual((message.cause, message.auto_answer, message.sdp), ("ordered", 0.0, None))
        self.offer(call["callId"], token)
        call = self.app("GET", f"calls/{call['callId']}").json["call"]
        self.assertEqual((call["state"], call["ordered"]), ("DIALLING", False))
        self.far.calls[-1].answer()
        self.run_for(1)
        self.assertEqual(self.app("GET", "agents/5001").json["calls"][0]["state"], "ESTABLISHED")

    def test_place_with_a_click(self) -> None:
        """The page may be left to its agent."""
        self.come()
        self.ordered(answer=False)
        (message,) = self.messages(self.gateway.agent("ann"))
        self.assertIsNone(message.auto_answer)

    def test_verbs(self) -> None:
        """Hold, resume, digits, transfer and the end, each with what the far side has said."""
        call, _ = self.up()
        far = self.far.calls[-1]
        for verb, body in (
            ("hold", None),
            ("answer", None),
            ("hold", None),
            ("resume", None),
            ("dtmf", {"digits": "1"}),
        ):
            if verb != "dtmf":
                self.clock.callLater(0.1, far.answer)
            answer = self.app("POST", f"calls/{call}/{verb}", body)
            self.assertEqual((answer.code, answer.json.get("sipCode")), (200, 200), (verb, answer.text))
        self.assertEqual(self.app("POST", f"calls/{call}/transfer", {"to": "1004"}).json["sipCode"], 202)
        ended = self.app("POST", f"calls/{call}/hangup").json
        self.assertEqual((ended["call"]["state"], ended["call"]["callId"]), ("ENDED", call))
        self.assertEqual(self.app("GET", f"calls/{call}").error, (404, "unknown_call"))

    def test_conflicts(self) -> None:
        """What cannot be in a state is refused, and said why."""
        self.come()
        call = self.ordered()
        answer = self.app("POST", f"calls/{call}/hold")
        self.assertEqual((answer.error, answer.json["state"]), ((409, "wrong_state"), "offered"))
        for body, error in (
            ({"to": "1004", "toCall": "x"}, (400, "bad_input")),
            ({}, (400, "bad_input")),
        ):
            self.assertEqual(self.app("POST", f"calls/{call}/transfer", body).error, error)
        self.assertEqual(self.app("POST", "calls", {"dn": "5001"}).error, (400, "bad_input"))
        self.assertEqual(self.app("POST", "agents/5001/do_not_disturb", {}).error, (400, "bad_input"))

    def test_answer(self) -> None:
        """The page of a call that rings is told to answer."""
        self.come()
        self.far.call("5001")
        self.run_for(1)
        (call,) = self.app("GET", "calls").json["calls"]
        self.assertEqual(self.app("POST", f"calls/{call['callId']}/answer").json["call"]["state"], "OFFERED")
        self.assertEqual(self.types(self.gateway.agent("ann")), ["OFFER", "TALK"])

    def test_do_not_disturb(self) -> None:
        """Callers hear that the agent is busy."""
        self.come()
        answer = self.app("POST", "agents/5001/do_not_disturb", {"on": True})
        self.assertTrue(answer.json["agent"]["doNotDisturb"])
        far = self.far.call("5001")
        self.run_for(1)
        self.assertEqual(far.last("INVITE").status, 486)


class Once(AppCase):
    """Idempotency-Key."""

    def test_replayed(self) -> None:
        """A request that is sent again is carried out once, and answered as before."""
        self.come()
        first, again = (self.app("POST", "calls", {"dn": "5001", "to": "1003"}, Idempotency_Key="k1") for _ in range(2))
        self.assertEqual((first.code, first.body), (again.code, again.body))
        self.assertNotIn("idempotency-replayed", first.headers)
        self.assertEqual(again.headers["idempotency-replayed"], "true")
        self.assertEqual(len(self.gateway.agent("ann").calls), 1)
        other = self.app("POST", "calls", {"dn": "5001", "to": "1003"}, Idempotency_Key="k2")
        self.assertNotEqual(other.json["call"]["callId"], first.json["call"]["callId"])

    def test_another_request(self) -> None:
        """A key that was used for something else is refused."""
        self.come()
        self.app("POST", "calls", {"dn": "5001", "to": "1003"}, Idempotency_Key="k1")
        answer = self.app("POST", "calls", {"dn": "5001", "to": "1004"}, Idempotency_Key="k1")
        self.assertEqual(answer.error, (422, "key_of_another"))

    def test_in_progress(self) -> None:
        """The same request is refused as long as the first one is not answered; it goes on without its client."""
        call, _ = self.up()
        self.far.silent.add("INVITE")
        wire = self.wire()
        path, token = f"/api/app/v1/calls/{call}/hold", f"Bearer {CRM}"
        wire.send("POST", path, Authorization=token, Host="localhost:8082", Idempotency_Key="k1")
        self.assertEqual(wire.received, b"")
        again = self.app("POST", f"calls/{call}/hold", Idempotency_Key="k1")
        self.assertEqual((again.error, again.headers["retry-after"]), ((409, "key_in_use"), "1"))
        wire.lose()
        self.wires.remove(wire)
        self.run_for(60)
        again = self.app("POST", f"calls/{call}/hold", Idempotency_Key="k1")
        self.assertEqual((again.error, again.headers["idempotency-replayed"]), ((502, "request_refused"), "true"))

    def test_nothing_done(self) -> None:
        """What was refused before anything was done can be sent again with its key."""
        answer = self.app("POST", "calls", {"dn": "5001", "to": "1003"}, Idempotency_Key="k1")
        self.assertEqual(answer.error, (404, "not_signed_in"))
        self.come()
        answer = self.app("POST", "calls", {"dn": "5001", "to": "1003"}, Idempotency_Key="k1")
        self.assertEqual(answer.code, 201)

    def test_bounds(self) -> None:
        """Keys are forgotten after a day, and one that cannot be one is refused."""
        self.come()
        body = {"on": True}
        for key in ("bad key", "x" * 256):
            answer = self.app("POST", "agents/5001/do_not_disturb", body, Idempotency_Key=key)
            self.assertEqual(answer.error, (400, "bad_input"))
        for expected in (None, "true"):
            answer = self.app("POST", "agents/5001/do_not_disturb", body, Idempotency_Key="k1")
            self.assertEqual(answer.headers.get("idempotency-replayed"), expected)
        self.patch(idempotency, "KEPT_SECONDS", 10.0)
        self.run_for(11)
        answer = self.app("POST", "agents/5001/do_not_disturb", body, Idempotency_Key="k1")
        self.assertNotIn("idempotency-replayed", answer.headers)
        self.patch(idempotency, "KEPT", 2)
        for key, expected in (("k2", None), ("k3", None), ("k3", "true"), ("k1", None)):
            answer = self.app("POST", "agents/5001/do_not_disturb", body, Idempotency_Key=key)
            self.assertEqual(answer.headers.get("idempotency-replayed"), expected, key)

    def test_audit(self) -> None:
        """Each action is a line in the audit log, and each refusal; what was answered before is none."""
        self.come()
        with audited() as lines:
            for _ in range(2):
                self.app("POST", "calls", {"dn": "5001", "to": "1003"}, Idempotency_Key="k1")
            self.app("GET", "agents", token="wrong")
            self.app("POST", "calls", {"dn": "5001", "to": "1003"}, token=BOARD)
        told = [fields(line) for line in lines]
        self.assertEqual(
            [(line["event"], line["outcome"], line.get("act", line.get("code"))) for line in told],
            [
                ("application", "ok", "place"),
                ("application", "refused", "application_token_required"),
                ("application", "refused", "control_required"),
            ],
        )
        self.assertEqual(
            (told[0]["token"], told[0]["dn"], told[0]["agent"], told[0]["to"]), ("crm", "5001", "ann", "1003")
        )
