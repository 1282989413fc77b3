"""Attack 28: secrets are planted everywhere, and then looked for in all that the gateway writes, shows and keeps."""

import contextlib
import gc
import hashlib
import io
import json
import pathlib
import signal
import stat
from collections.abc import Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any, ClassVar
from urllib.error import HTTPError
from urllib.parse import quote, quote_plus
from urllib.request import Request, urlopen

import treq
from twisted.internet import reactor
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers
from zope.interface import provider

from tests.identity.provider import NOW, SETTINGS, StandInSource, claims, key, token
from tests.support.daemon import Twistd, twistd
from tests.support.dialectcase import DialectCase
from tests.support.endtoend import Page, until
from wrtcgw.identity.keyring import KeyRing
from wrtcgw.identity.secrets import Secret
from wrtcgw.identity.tokens import TokenVerifier
from wrtcgw.tap import Options
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
    return hashlib.md5(f"{dn}:{realm}:{PASSWORD}".encode()).hexdigest()


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
        self.parts.surface.tokens.parts = IdentityParts(
            TokenVerifier(SETTINGS, keys, lambda: NOW), Vault(self.pbx.domain)
        )
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
        for each in list(within(self.parts.monitoring.recorder, self.parts.gateway, self.parts.surface)):
            if isinstance(each, (str, bytes, bytearray)):
                text = each if isinstance(each, str) else each.decode("latin-1")
                self.assert_clean("memory", text, passing)


NAMED_TOKEN = "Pl4nted-named-operator"
URL_PASSWORD = "Pl4nted-proxy-password"
GUEST = "Pl4nted-guest-password"
LATER = "Pl4nted-later-secret"
DEMO_PASSWORD = "Genesys2024!WebRTC"
SECRETS = (NAMED_TOKEN, OPERATOR, URL_PASSWORD, GUEST, RELAY, LATER, DEMO_PASSWORD, WRONG_OPERATOR, GUESS)


class RealDaemon(SynchronousTestCase):
    """What a real process prints, and shows to other users of its machine."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(self.mktemp())
        self.folder.mkdir()
        self.digest = hashlib.sha256(NAMED_TOKEN.encode()).hexdigest()
        (self.folder / "relay").write_text(RELAY + "\n")
        (self.folder / "relay").chmod(0o600)

    def configure(self, **values: object) -> None:
        """Write the configuration, with secrets by value and by file."""
        usual: dict[str, object] = {
            "http_port": 0,
            "log_level": "debug",
            "access_log": True,
            "operator_tokens": [f"ann:admin:{self.digest}"],
            "guest_password": GUEST,
            "turn_servers": ["turn:relay.example.org"],
            "turn_secret_file": str(self.folder.absolute() / "relay"),
        }
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in {**usual, **values}.items())
        (self.folder / "wrtcgw.toml").write_text(text)

    def assert_clean(self, where: str, text: str, *more: str) -> None:
        """Check that a text has none of the secrets, nor their hashes, in no spelling."""
        for secret in (*SECRETS, self.digest, *more):
            for spelling in (secret, quote_plus(secret), quote(secret), json.dumps(secret)[1:-1]):
                self.assertNotIn(spelling, text, where)

    def run_to_end(self, *arguments: str, **environ: str) -> str:
        """Run the daemon until it ends by itself; return all that it printed."""
        with twistd(str(self.folder), "--config", "wrtcgw.toml", *arguments, **environ) as running:
            return running.process.communicate()[0]

    def refused(self, *arguments: str) -> str:
        """Return what is told of a configuration that cannot be used, and of no other."""
        options, printed = Options(), io.StringIO()
        options.environ = {}
        with contextlib.redirect_stdout(printed):
            error = self.assertRaises(
                (SystemExit, UsageError),
                options.parseOptions,
                ["--config", str(self.folder / "wrtcgw.toml"), "--sip-domain", "example.org", *arguments],
            )
        return f"{error} {printed.getvalue()}"

    def shown(self, running: Twistd, *more: str) -> None:
        """Check what any user of the machine sees of the process."""
        process = pathlib.Path("/proc", str(running.process.pid))
        command = (process / "cmdline").read_text().replace("\0", " ")
        self.assertIn("wrtcgw", command)
        for name in ("cmdline", "comm", "status"):
            self.assert_clean(name, (process / name).read_text(), *more)
        self.assertEqual(stat.S_IMODE((process / "environ").stat().st_mode) & 0o077, 0)

    def test_check_config(self) -> None:
        """--check-config masks secrets from the file, from files of their own and from variables, and in URLs."""
        self.configure(sip_ws_servers=[f"wss://user:{URL_PASSWORD}@proxy.example.org/"])
        text = self.run_to_end("--check-config", WRTCGW_OPERATOR_TOKEN=OPERATOR)
        self.assertEqual(text.splitlines()[0], "OK", text)
        for name in ("operator_token", "operator_tokens", "guest_password", "turn_secret"):
            self.assertRegex(text, rf"(?m)^{name} = \*+ ")
        self.assertIn("variable WRTCGW_OPERATOR_TOKEN", text)
        self.assertIn("wss://proxy.example.org", text)
        self.assert_clean("--check-config", text)

    def test_faults(self) -> None:
        """Neither --check-config nor a start that fails shows a secret that is in the wrong place or form."""
        wrong: tuple[dict[str, object], ...] = (
            {"operator_tokens": [f"ann:admin:{NAMED_TOKEN}"]},
            {"operator_token": [OPERATOR]},
            {"turn_secret": RELAY, "guest_password": {"value": GUEST}},
            {"operator_tokn": OPERATOR, "turn_secrets": RELAY},
            {"sip_ws_servers": [f"http://user:{URL_PASSWORD}@proxy.example.org/"]},
            {"sip_ws_servers": [f"wss://user:{URL_PASSWORD}@proxy.example.org:port/"]},
            {"sip_ws_servers": [f"wss://user:{URL_PASSWORD}@proxy.example.org/#x"]},
            {"sip_server": f"user:{URL_PASSWORD}@proxy.example.org"},
            {"oidc_issuer": f"https://user:{URL_PASSWORD}@id.example.org/"},
            {"sip_secrets": f"https://user:{URL_PASSWORD}@vault.example.org/"},
            {"turn_servers": [f"turn:user:{RELAY}@relay.example.org"]},
        )
        for values in wrong:
            self.configure(**values)
            for check in (True, False):
                text = self.refused(*(["--check-config"] if check else []))
                self.assertIn("expected", text, values)
                self.assert_clean(f"{values} {check}", text)
        self.assert_clean("a start", self.run_to_end())

    def test_running(self) -> None:
        """A daemon at debug shows none in what it logs, reload and stop included, nor in arguments and environment."""
        self.configure()
        tokens: list[str] = []
        with twistd(str(self.folder), "--demo", "--config", "wrtcgw.toml", WRTCGW_OPERATOR_TOKEN=OPERATOR) as running:
            url = running.wait_for("serving http://").partition("serving ")[2].split()[0]
            running.wait_for("flow 0: connected")
            query = f"id=one&dn=5001&password={quote_plus(DEMO_PASSWORD)}"
            tokens.append(self.sent("GET", f"{url}/api/webrtc/sign_in?{query}", 200))
            body = json.dumps({"id": "two", "dn": "5002", "password": DEMO_PASSWORD})
            tokens.append(self.sent("POST", f"{url}/api/webrtc/sign_in", 200, body))
            self.sent(
                "POST", f"{url}/api/webrtc/sign_in", 401, body.replace(DEMO_PASSWORD, GUESS).replace("5002", "5003")
            )
            for token, status in ((NAMED_TOKEN, 200), (OPERATOR, 200), (WRONG_OPERATOR, 401)):
                self.sent("GET", f"{url}/api/ops/summary", status, token=token)
            self.shown(running, *tokens)
            self.configure(turn_secret_file="", turn_secret=LATER, guest_password=LATER)
            running.process.send_signal(signal.SIGHUP)
            running.wait_for("a restart is needed")
            self.assertEqual(running.finish(), -signal.SIGTERM, running.output)
        self.assertIn("REGISTER sip:", running.output)
        self.assertNotIn("Traceback", running.output)
        self.assertTrue(all(len(token) > 20 for token in tokens), tokens)
        self.assert_clean("log", running.output, *tokens)
        self.assertEqual({path.name for path in self.folder.iterdir()}, {"wrtcgw.toml", "relay"}, "what else it keeps")

    def test_unreachable_proxy(self) -> None:
        """A proxy whose URL holds a password, and that does not answer, is named without it."""
        self.configure(sip_ws_servers=[f"ws://user:{URL_PASSWORD}@127.0.0.1:1/x?key={LATER}"], sip_domain="example.org")
        with twistd(str(self.folder), "--config", "wrtcgw.toml") as running:
            running.wait_for("127.0.0.1:1")
            running.wait_for("refused")
            self.shown(running)
            running.finish()
        self.assert_clean("log", running.output)

    def sent(self, method: str, url: str, status: int, body: str = "", token: str = "") -> str:
        """Send a request and check its status; return the session's token that came with the response."""
        headers = {"Content-Type": "application/json"} if body else {}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        request = Request(url, data=body.encode() or None, headers=headers, method=method)
        try:
            with urlopen(request, timeout=30) as response:
                found, fields = response.status, response.headers
        except HTTPError as error:
            found, fields = error.code, error.headers
            error.close()
        self.assertEqual(found, status, url)
        return fields.get("X-WRTC-Session") or ""
