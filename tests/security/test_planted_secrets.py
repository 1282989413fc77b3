"""Attack 28: secrets are planted everywhere, and then looked for in all that the gateway writes, shows and keeps."""

import gc
import json
from collections.abc import Iterable, Iterator
from hashlib import md5
from types import FunctionType, ModuleType
from typing import Any, ClassVar
from urllib.parse import quote_plus

import treq
from twisted.internet import reactor
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.web.http_headers import Headers
from zope.interface import provider

from tests.identity.provider import NOW, SETTINGS, StandInSource, claims, key, token
from tests.support.dialectcase import DialectCase
from tests.support.endtoend import Page, until
from wrtcgw.identity.keyring import KeyRing
from wrtcgw.identity.secrets import Secret
from wrtcgw.identity.tokens import TokenVerifier
from wrtcgw.web.tokens import IdentityParts

PASSWORD = "Pl4nted/password+&=%"
GUESS = "Pl4nted-wrong-guess"
OPERATOR = "Pl4nted-operator"
WRONG_OPERATOR = "Pl4nted-no-operator"
RELAY = "Pl4nted-relay-secret"
CALL_VIEWS = ("ladder?call={}", "ladder.txt?call={}")
AGENT_VIEWS = ("ladder?agent={}", "ladder.txt?agent={}")
VIEWS = ("summary", "sessions", "series", "calls?state=all", "search?q=500")
SKIPPED = (ModuleType, type, FunctionType)


def ha1(dn: str, realm: str) -> str:
    """Return the hash that a provider of secrets has in place of the password."""
    return md5(f"{dn}:{realm}:{PASSWORD}".encode()).hexdigest()


class Vault:
    """Has the hash of each DN's password."""

    def __init__(self, realm: str) -> None:
        self.realm = realm

    async def secret_of(self, dn: str) -> Secret:
        """Return the hash."""
        return Secret(realm=self.realm, ha1=ha1(dn, self.realm), algorithm="MD5")


def within(*roots: object) -> Iterator[object]:
    """Iterate over all that can be reached from objects, but for code and the reactor."""
    seen: dict[int, object] = {}
    waiting: list[object] = list(roots)
    while waiting:
        found = waiting.pop()
        if id(found) in seen or isinstance(found, SKIPPED) or found is reactor:
            continue
        seen[id(found)] = found
        yield found
        waiting += gc.get_referents(found)


class Planted(DialectCase):
    """Whole calls in both dialects, at debug, with every kind of secret."""

    settings: ClassVar[dict[str, Any]] = {
        "operator_token": OPERATOR,
        "log_level": "debug",
        "access_log": True,
        "turn_servers": ("turn:relay.example.org",),
        "turn_secret": RELAY,
    }

    async def prepare(self) -> None:
        self.logged: list[LogEvent] = []

        @provider(ILogObserver)
        def keep(event: LogEvent) -> None:
            self.logged.append(event)

        globalLogPublisher.addObserver(keep)
        self.addCleanup(globalLogPublisher.removeObserver, keep)
        await super().prepare()
        self.pbx.registrar._passwords = {str(number): PASSWORD for number in range(5001, 5011)}
        keys = KeyRing(StandInSource(key("RSA", "k1")), reactor.seconds)
        self.parts.api._tokens.parts = IdentityParts(TokenVerifier(SETTINGS, keys, lambda: NOW), Vault(self.pbx.domain))
        self.secrets = [PASSWORD, GUESS, OPERATOR, WRONG_OPERATOR, RELAY]

    async def send(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str, Headers]:
        """Send a request; return its status, text and header fields."""
        fields = Headers({name.replace("_", "-"): [value] for name, value in headers.items()})
        response = await self.http().request(method, self.url + path, headers=fields, data=body.encode())
        text: str = await treq.text_content(response)
        return response.code, text, response.headers

    async def view(self, path: str) -> str:
        """Return what an operator sees."""
        status, text, _ = await self.send("GET", path, Authorization=f"Bearer {OPERATOR}")
        self.assertEqual(status, 200, path)
        return text

    async def sign_ins(self) -> None:
        """Sign in in every way, well and badly; the sessions and tokens are secrets as well."""
        query = f"id=one&dn=5001&password={quote_plus(PASSWORD)}"
        escaped = json.dumps({"id": "one", "dn": "5001"})[:-1] + f', "pass\\u0077ord": {json.dumps(PASSWORD)}}}'
        bearer = token(claims(dn="5003"))
        ways: tuple[tuple[str, str, str, dict[str, str]], ...] = (
            ("GET", f"/api/webrtc/sign_in?{query}", "", {}),
            ("GET", f"/api/webrtc/%73ign_in?{query.replace('password', 'pass%77ord')}", "", {}),
            ("POST", "/api/webrtc/sign_in", query, {"Content_Type": "application/x-www-form-urlencoded"}),
            ("POST", "/api/webrtc/sign_in", escaped, {"Content_Type": "application/json"}),
            ("POST", "/api/webrtc/sign_in", "", {"Authorization": f"Bearer {bearer}"}),
            ("POST", "/api/webrtc/sign_in", json.dumps({"token": bearer}), {"Content_Type": "application/json"}),
            ("POST", "/sign_in?5004", f"5004:{PASSWORD}", {}),
        )
        for method, path, body, headers in ways:
            status, text, fields = await self.send(method, path, body, **headers)
            self.assertEqual(status, 200, text)
            session = (fields.getRawHeaders("x-wrtc-session") or [text.partition("id=")[2]])[0]
            self.assertGreater(len(session), 10)
            self.secrets.append(session)
        self.secrets += bearer.split(".")[1:]
        guess = {"id": "two", "dn": "5002", "password": GUESS}
        for status, path, body in (
            (401, "/api/webrtc/sign_in", json.dumps(guess)),
            (400, "/api/webrtc/sign_in", json.dumps(guess)[:-1]),
            (401, "/sign_in", f"5002:{GUESS}"),
        ):
            found, text, _ = await self.send("POST", path, body, Content_Type="application/json")
            self.assertEqual(found, status, text)
        await self.send("GET", "/api/ops/summary", Authorization=f"Bearer {WRONG_OPERATOR}")
        await self.send("GET", f"/api/agents?operator_token={OPERATOR}&token={OPERATOR}")

    async def calls(self) -> None:
        """Make calls in both dialects, with credentials for the relay."""
        page: Page = await self.page("5005").sign_in(PASSWORD)
        await page.connect("1003")
        ice = json.loads((await self.send("GET", "/api/webrtc/ice?id=agent5005", X_WRTC_Session=page.api._token))[1])
        self.secrets += [
            page.api._token,
            *(server["credential"] for server in ice["iceServers"] if "credential" in server),
        ]
        await page.api.sign_out()
        other = self.load()
        other.register("5006", PASSWORD)
        await other.event("onRegister")
        await self.connected(other, "1003")
        self.secrets.append(str(other.line.ssid))
        other.close_session()
        await until(lambda: not list(self.parts.gateway.calls()), "end of the calls")
        self.secrets += [ha1(f"{dn}", self.pbx.domain) for dn in range(5001, 5011)]

    async def shown(self) -> dict[str, str]:
        """Return all that an operator can see, by its path."""
        calls = [call["callId"] for call in json.loads(await self.view("/api/ops/calls?state=all"))["calls"]]
        self.assertEqual(len(calls), 2)
        agents = ("one", "5001", "5002", "5003", "5004", "5005", "5006")
        paths = [*VIEWS]
        paths += [view.format(call) for view in CALL_VIEWS for call in calls]
        paths += [view.format(agent) for view in AGENT_VIEWS for agent in agents]
        found = {path: await self.view(f"/api/ops/{path}") for path in paths}
        found |= {path: await self.view(path) for path in ("/api/agents", "/api/calls/active", "/api/health")}
        self.assertIn("sign_in", found["ladder.txt?agent=one"])
        self.assertIn("REGISTER", found["ladder.txt?agent=5006"])
        return found

    def assert_clean(self, where: str, text: str, secrets: Iterable[str]) -> None:
        """Check that a text has none of the secrets, in no spelling."""
        for secret in secrets:
            for spelling in (secret, quote_plus(secret), json.dumps(secret)[1:-1]):
                if spelling in text:
                    at = text.index(spelling)
                    self.fail(f"{where}: ...{text[max(0, at - 200) : at + 60]}...")

    async def test_nowhere(self) -> None:
        """Nothing is in the log, the access and audit logs, ladders, the operators' views, and texts of objects."""
        await self.sign_ins()
        await self.calls()
        for where, text in (await self.shown()).items():
            self.assert_clean(where, text, self.secrets)
        lines = [formatEvent(event) for event in self.logged]
        self.assertTrue(any("REGISTER sip:" in line for line in lines), "no trace of SIP at debug")
        self.assertTrue(any("sign_in?" in line for line in lines), "no access log")
        self.assertTrue(any("event=sign_in outcome=ok" in line for line in lines), "no audit log")
        for line, event in zip(lines, self.logged, strict=True):
            self.assert_clean("log", line, self.secrets)
            self.assert_clean(
                "event", repr({name: event[name] for name in event if name != "log_logger"}), self.secrets
            )
        for each in list(within(self.parts)):
            if type(each).__module__.startswith("wrtcgw."):
                self.assert_clean(f"repr of {type(each)}", repr(each), self.secrets)

    async def test_memory(self) -> None:
        """Once the registrar has agreed, no password and no token of a provider is in memory, ladders included."""
        await self.sign_ins()
        await self.calls()
        await self.shown()
        kept = self.secrets.index(RELAY)
        passing = [PASSWORD, GUESS, quote_plus(PASSWORD), *token(claims(dn="5003")).split(".")[1:]]
        self.assertGreater(kept, 0)
        for each in list(within(self.parts.monitoring.recorder, self.parts.gateway, self.parts.api)):
            if isinstance(each, (str, bytes, bytearray)):
                text = each if isinstance(each, str) else each.decode("latin-1")
                self.assert_clean("memory", text, passing)
