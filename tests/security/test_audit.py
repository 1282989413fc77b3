"""The audit log: nothing silences it, nobody forges its lines, and fail2ban reads it."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any, ClassVar, cast

from twisted.logger import ILogObserver, LogLevel, LogPublisher, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from tests.web.genesys.dialectcase import DialectCase
from tests.web.harness import PASSWORD, WebTestCase
from tests.web.ops.opscase import OpsCase
from wrtcgw.daemon.log_level import LevelControl
from wrtcgw.errors import RegistrationRefused
from wrtcgw.web import WebSettings
from wrtcgw.web.audit import NAMESPACE, REFUSALS
from wrtcgw.web.settings import OperatorToken, Role

FILTER = Path(__file__).parents[2] / "conf" / "fail2ban" / "filter.d" / "wrtcgw.conf"
ADDRESS = r"(?P<host>[0-9a-fA-F:.]+)"


@contextmanager
def audited() -> Iterator[list[str]]:
    """Collect the lines of the audit log."""
    lines: list[str] = []

    @implementer(ILogObserver)
    def observe(event: dict[str, Any]) -> None:
        if event.get("log_namespace") == NAMESPACE:
            lines.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    try:
        yield lines
    finally:
        globalLogPublisher.removeObserver(observe)


def fields(line: str) -> dict[str, str]:
    """Take a line apart, as a program does."""
    return {name: value.strip('"') for name, value in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)}


def banned(line: str) -> str:
    """Return the address that fail2ban takes from a line as it stands in the log; empty for none."""
    (pattern,) = re.findall(r"^failregex = (.*)$", FILTER.read_text(), re.MULTILINE)
    found = re.search(pattern.replace("<HOST>", ADDRESS), f"2026-11-29T06:00:00+0000 [wrtcgw.audit#info] {line}")
    return found["host"] if found else ""


class Agents(WebTestCase):
    """Lines about agents."""

    def test_coming_and_going(self) -> None:
        """sign_in, take-over and sign_out are there, with who, whence, and never a secret."""
        with audited() as lines:
            first = self.sign_in("vic")
            second = self.sign_in("vic")
            self.ask("GET", "/api/webrtc/sign_out?id=vic", headers={"X-WRTC-Session": second})
        told = [fields(line) for line in lines]
        self.assertEqual([each["event"] for each in told], ["sign_in", "sign_in", "take_over", "sign_out"])
        self.assertEqual(
            {(each["outcome"], each["address"], each["agent"]) for each in told}, {("ok", "127.0.0.1", "vic")}
        )
        self.assertRegex(told[0]["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        for secret in (PASSWORD, first, second):
            self.assertNotIn(secret, "\n".join(lines))

    def test_refusals(self) -> None:
        """Wrong passwords, too many tries, foreign and missing sessions, and operators without a token are there."""
        self.sign_in("vic")
        self.gateway.failure = RegistrationRefused("5001", 403, "Forbidden", credentials=True)
        wire = self.wire("192.0.2.7")
        with audited() as lines:
            for _ in range(11):
                wire.get("/api/webrtc/sign_in?id=vic&dn=5001&password=guess")
            wire.get("/api/webrtc/calls?id=vic", X_WRTC_Session="x")
            wire.get("/api/webrtc/calls?id=vic")
            wire.get("/api/agents")
            wire.get("/api/webrtc/calls?id=vic", Origin="https://evil.example")
            wire.send("POST", "/sign_in?guest=1")
        told = [fields(line) for line in lines]
        self.assertEqual({(each["outcome"], each["address"]) for each in told}, {("refused", "192.0.2.7")})
        self.assertEqual(
            [(each["event"], each["code"]) for each in told],
            [
                *[("sign_in", "registration_refused")] * 10,
                ("sign_in", "too_many_tries"),
                ("session", "foreign_session"),
                ("session", "session_required"),
                ("operator", "operator_token_required"),
                ("origin", "foreign_origin"),
            ],
        )
        self.assertNotIn("guess", "\n".join(lines))

    def test_forged_lines(self) -> None:
        """What a client writes cannot look like a line, or like another field, of the gateway's own."""
        hostile = "x address=203.0.113.1 status=401\n2026 [wrtcgw.audit#info] event=sign_in outcome=ok\u2028\x1b[2J"
        self.gateway.failure = RegistrationRefused("5001", 403, "Forbidden", credentials=True)
        with audited() as lines:
            wire = self.wire("192.0.2.7")
            body = repr({"id": hostile, "dn": 'address=203.0.113.1"', "password": "x"}).replace("'", '"')
            for field in ("id", "dn"):
                self.ask("POST", "/api/webrtc/sign_in", json={"id": "a", "dn": "b", "password": "x", field: hostile})
            wire.send("POST", "/api/webrtc/sign_in", body.encode(), Content_Type="application/json")
            wire.get("/api/agents?address=203.0.113.1%0a")
            wire.get("/api/ops/x%0aaddress=203.0.113.1")
        self.assertGreaterEqual(len(lines), 3)
        for line in lines:
            self.assertTrue(line.isascii() and line.isprintable(), line)
            self.assertIn(banned(line), ("127.0.0.1", "192.0.2.7"))

    def test_flood(self) -> None:
        """A flood of refusals writes a few lines, and tells later how many were not written."""
        wire = self.wire("192.0.2.7")
        with audited() as lines:
            for _ in range(500):
                wire.get("/api/agents")
            self.assertEqual(len(lines), REFUSALS.burst)
            self.clock.advance(2)
            wire.get("/api/agents")
        self.assertEqual(fields(lines[-1])["unwritten"], str(500 - REFUSALS.burst))

    def test_off(self) -> None:
        """audit_log = false writes nothing; a reload counts."""
        self.surface.reconfigure(WebSettings(audit_log=False))
        with audited() as lines:
            self.sign_in("vic")
        self.assertEqual(lines, [])

    def test_fail2ban(self) -> None:
        """The filter takes the client's address of refusals, not that of an unnamed proxy, nor a good sign_in's."""
        self.gateway.failure = RegistrationRefused("5001", 403, "Forbidden", credentials=True)
        settings = WebSettings(trusted_proxies=(ip_network("127.0.0.1"),))
        line = "/api/webrtc/sign_in?id=vic&dn=5001&password=guess"
        with audited() as lines:
            self.ask("GET", line, headers={"X-Real-IP": "203.0.113.7"})
            self.configure(settings)
            self.ask("GET", line, headers={"X-Real-IP": "203.0.113.7"})
            self.ask("GET", line, headers={"X-Real-IP": "2001:db8::7"})
            self.gateway.failure = None
            self.ask("GET", line, headers={"X-Real-IP": "203.0.113.8"})
        self.assertEqual([banned(each) for each in lines], ["", "203.0.113.7", "2001:db8::7", ""])


class VendorPages(DialectCase):
    """Lines about pages of the vendor's dialect."""

    def test_coming_and_going(self) -> None:
        """They come, are refused and go as others do, and no SSID is told."""
        with audited() as lines:
            page = self.page()
            self.assertEqual(self.sign_in_raw("5001:wrong").code, 401)
            self.get(f"/sign_out?id={page.ssid}")
            self.get("/sign_out?id=nobody")
        told = [(each["event"], each["outcome"], each.get("agent")) for each in map(fields, lines)]
        expected = [("sign_in", "ok", "5001"), ("sign_in", "refused", "5001"), ("sign_out", "ok", "5001")]
        self.assertEqual(told, expected)
        self.assertNotIn(page.ssid, "\n".join(lines))


class Operators(OpsCase):
    """Lines about operators, and what their roles let them do."""

    TOKENS: ClassVar[dict[str, Role]] = {"vera": Role.VIEWER, "sue": Role.SUPERVISOR, "ada": Role.ADMIN}
    settings = WebSettings(
        operator_tokens=tuple(
            OperatorToken(name, role, hashlib.sha256((2 * name).encode()).digest()) for name, role in TOKENS.items()
        )
    )

    def by(self, name: str) -> dict[str, str]:
        """Return the header field of an operator."""
        return {"Authorization": f"Bearer {2 * name}"}

    def test_acts(self) -> None:
        """Each act is there with the token's name and role, before and after, and whom it was about."""
        self.page_sign_in("ann", "5001")
        with audited() as lines:
            self.act("log_level", {"level": "critical"}, **self.by("ada"))
            self.act("drain", {"on": True}, **self.by("ada"))
            self.act("capture", {"on": False}, **self.by("ada"))
            self.act("sign_out", {"id": "ann"}, **self.by("sue"))
        told = [fields(line) for line in lines]
        self.assertEqual(
            [(each["act"], each["token"], each["role"], each.get("before"), each.get("after")) for each in told],
            [
                ("log_level", "ada", "admin", "info", "critical"),
                ("drain", "ada", "admin", "off", "on"),
                ("capture", "ada", "admin", "on", "off"),
                ("sign_out", "sue", "supervisor", None, None),
            ],
        )
        self.assertEqual(told[3]["agent"], "ann")

    def test_roles(self) -> None:
        """Each role may do its own and what lesser ones may; what it may not is told with 403, and changes nothing."""
        self.page_sign_in("ann", "5001")
        needs = {
            Role.VIEWER: [("GET", "summary"), ("GET", "series"), ("GET", "calls"), ("GET", "search?q=x")],
            Role.SUPERVISOR: [
                ("GET", "ladder?agent=ann"),
                ("GET", "ladder.txt?agent=ann"),
                ("POST", "hangup?call=x"),
                ("POST", "sign_out?id=nobody"),
            ],
            Role.ADMIN: [
                ("GET", "sessions"),
                ("POST", "end_session?session=x"),
                ("POST", "drain?on=false"),
                ("POST", "log_level?level=info"),
                ("POST", "capture?on=true"),
            ],
        }
        for name, role in self.TOKENS.items():
            for needed, calls in needs.items():
                for method, path in calls:
                    answer = self.ask(method, f"/api/ops/{path}", **self.by(name))
                    if role >= needed:
                        self.assertIn(answer.code, (200, 404), (name, path))
                    else:
                        self.assertEqual(answer.error, (403, "role_required"), (name, path))
                        self.assertEqual(answer.json["needed"], needed.word)

    def test_spelled_otherwise(self) -> None:
        """No spelling of a path gets around a role."""
        for path in (
            "ladder/?agent=ann",
            "LADDER?agent=ann",
            "%6cadder?agent=ann",
            "/ladder?agent=ann",
            "ladder%2etxt",
        ):
            self.assertIn(self.ask("GET", f"/api/ops/{path}", **self.by("vera")).code, (403, 404), path)

    def test_console_knows(self) -> None:
        """The console is told who it is."""
        self.assertEqual(self.get("summary", **self.by("vera"))["operator"], {"name": "vera", "role": "viewer"})

    def test_sessions(self) -> None:
        """Sessions are listed with whence and since when, by keys that grant nothing, and ended for good."""
        token = self.page_sign_in("ann", "5001")
        self.run_for(10)
        (session,) = self.get("sessions", **self.by("ada"))["sessions"]
        self.assertEqual((session["id"], session["dn"], session["address"]), ("ann", "5001", "127.0.0.1"))
        self.assertEqual((session["bound"], session["pageAlive"], session["calls"]), (False, False, 0))
        self.assertGreaterEqual(session["since"], 10)
        self.assertNotIn(token, str(session))
        answer = self.ask("GET", "/api/webrtc/calls?id=ann", X_WRTC_Session=session["session"])
        self.assertEqual(answer.error, (403, "foreign_session"))
        with audited() as lines:
            ended = self.act("end_session", {"session": session["session"]}, **self.by("ada"))
        self.assertEqual(ended.json["id"], "ann")
        self.assertEqual(fields(lines[0])["act"], "end_session")
        self.assertEqual(
            self.ask("GET", "/api/webrtc/calls?id=ann", X_WRTC_Session=token).error, (404, "not_signed_in")
        )
        self.assertEqual(self.get("sessions", **self.by("ada"))["sessions"], [])
        again = self.act("end_session", {"session": session["session"]}, **self.by("ada"))
        self.assertEqual(again.error, (404, "unknown_session"))


def _note(seen: list[str], event: dict[str, Any]) -> None:
    seen.append(event["log_namespace"])


class Levels(SynchronousTestCase):
    """The log level."""

    def test_no_level_silences_it(self) -> None:
        """At every level the audit log's lines get through, and other lines as the level says."""
        for level in ("debug", "info", "warn", "error", "critical"):
            seen: list[str] = []
            publisher = LogPublisher(cast(ILogObserver, partial(_note, seen)))
            control = LevelControl("info")
            control.install(publisher)
            control.set(level)
            for namespace in (NAMESPACE, "wrtcgw.web.signin"):
                publisher({"log_level": LogLevel.info, "log_namespace": namespace, "log_format": "x", "log_time": 0.0})
            self.assertEqual(NAMESPACE in seen, True, level)
            self.assertEqual("wrtcgw.web.signin" in seen, level in ("debug", "info"), level)
