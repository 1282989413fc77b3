"""Settings: every key, every source, and errors that say what to do."""

import pathlib
import re
from collections.abc import Mapping
from ipaddress import ip_network

from attrs import fields
from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.config import ConfigError, Settings, load, reloadable_keys, report, sample
from wrtcgw.config.settings import SECTIONS, Key, keys

SAMPLE = pathlib.Path(__file__).parents[2] / "conf" / "wrtcgw.toml"
PROXY = {"SIP_WS_SERVER": "ws://127.0.0.1:8080"}


class SettingsTestCase(SynchronousTestCase):
    """Loads settings from given text and variables."""

    def file(self, text: str) -> pathlib.Path:
        """Write a configuration file."""
        path = pathlib.Path(self.mktemp())
        path.write_text(text)
        return path

    def settings(self, text: str = "", environ: Mapping[str, str] = PROXY, **options: str) -> Settings:
        """Return what is in effect."""
        return load(self.file(text), environ, options)[0]

    def faults(self, text: str = "", environ: Mapping[str, str] = PROXY, **options: str) -> str:
        """Return the error text of a configuration that cannot be used."""
        return str(self.assertRaises(ConfigError, load, self.file(text), environ, options))


class SourceTests(SettingsTestCase):
    """Where a value comes from."""

    def test_seed_variables_are_enough(self) -> None:
        """The three variables of the seed's compose file give settings that work."""
        settings = self.settings(
            environ={"HTTP_PORT": "8084", "SIP_WS_SERVER": "ws://192.0.2.54:8080", "SIP_DOMAIN": "192.0.2.54"}
        )
        self.assertEqual(settings.http_port, 8084)
        self.assertEqual([str(url) for url in settings.proxies], ["ws://192.0.2.54:8080/"])
        self.assertEqual(settings.domain, "192.0.2.54")

    def test_all_seed_variables(self) -> None:
        """SIP_SERVER and SIP_PORT make a URL and a domain when nothing better is named."""
        settings = self.settings(environ={"SIP_SERVER": "pbx.example.org", "SIP_PORT": "5066", "LOG_LEVEL": "WARNING"})
        self.assertEqual([str(url) for url in settings.proxies], ["ws://pbx.example.org:5066/"])
        self.assertEqual(settings.domain, "pbx.example.org")
        self.assertEqual(settings.log_level, "warn")

    def test_precedence(self) -> None:
        """Options, then variables (prefixed ones before the seed's), then the file, then defaults."""
        text = "http_port = 1\nwait_limit = 10\nping_interval = 3\n"
        environ = PROXY | {"HTTP_PORT": "2", "WRTCGW_HTTP_PORT": "3", "WRTCGW_WAIT_LIMIT": "20"}
        self.assertEqual(self.settings(text).http_port, 1)
        self.assertEqual(self.settings(text, PROXY | {"HTTP_PORT": "2"}).http_port, 2)
        self.assertEqual(self.settings(text, environ).http_port, 3)
        settings = self.settings(text, environ, http_port="4")
        self.assertEqual(
            (settings.http_port, settings.wait_limit, settings.ping_interval, settings.pong_timeout),
            (4, 20.0, 3.0, 8.0),
        )

    def test_every_key_as_variable(self) -> None:
        """Each key can be set by its variable, with the text that the report shows for it."""
        texts = {"sip_ws_servers": "ws://a, wss://b:1/c", "tls_ca_file": ""}
        default = Settings()
        for name, key, _ in keys():
            shown = re.search(rf"^{name} = (.*)$", report(default, {}), re.MULTILINE)
            assert shown is not None
            text = texts.get(name, shown[1].strip("[]").replace('"', ""))
            settings = self.settings("", PROXY | {f"WRTCGW_{name.upper()}": text})
            if name not in texts:
                self.assertEqual(getattr(settings, name), getattr(default, name), name)
            self.assertTrue(key.kind.expected)

    def test_empty_variables(self) -> None:
        """An empty variable, as compose files make them, counts as unset."""
        self.assertEqual(
            self.settings("http_port = 1", PROXY | {"HTTP_PORT": "", "WRTCGW_LOG_LEVEL": " "}).http_port, 1
        )

    def test_kinds(self) -> None:
        """Values of each kind are read from TOML and from text."""
        text = """
            tls_verify = false
            trusted_proxies = ["192.0.2.7", "2001:db8::/32", "10.0.0.1/8"]
            allowed_origins = ["https://Desk.example.org/"]
            ping_interval = 0
            incoming_refer = "Accept"
            sip_domain = "[2001:DB8::1]"
        """
        settings = self.settings(text, PROXY | {"WRTCGW_CRLF_KEEPALIVE": "yes", "WRTCGW_ALLOWED_DOMAINS": "a.b,, c_d "})
        self.assertEqual(
            settings.trusted_proxies, tuple(map(ip_network, ("192.0.2.7/32", "2001:db8::/32", "10.0.0.0/8")))
        )
        self.assertEqual(settings.allowed_origins, ("https://desk.example.org",))
        self.assertEqual((settings.tls_verify, settings.crlf_keepalive, settings.ping_interval), (False, True, 0.0))
        self.assertEqual((settings.incoming_refer, settings.domain), ("accept", "[2001:db8::1]"))
        self.assertEqual(settings.allowed_domains, ("a.b", "c_d"))

    def test_guests(self) -> None:
        """Guests may call numbers and beginnings of numbers; a star elsewhere is a mistake."""
        settings = self.settings(
            'guest_mode = "Registered"\nguest_dn = "9000"\nguest_destinations = ["8000", "85*", "*"]'
        )
        self.assertEqual((settings.guest_mode, settings.guest_dn), ("registered", "9000"))
        self.assertEqual(settings.guest_destinations, ("8000", "85*", "*"))
        for text in ('guest_destinations = ["8*5"]', 'guest_destinations = [""]', 'guest_dn = "a b"'):
            error = self.assertRaises(ConfigError, load, self.file(text), PROXY)
            self.assertIn("guest_d", str(error))

    def test_domain_of_the_first_proxy(self) -> None:
        """Without a domain the first proxy's host is it."""
        self.assertEqual(self.settings(environ={"SIP_WS_SERVER": "wss://[2001:db8::5]:1"}).domain, "[2001:db8::5]")
        self.assertEqual(load(None, {}, need_proxy=False)[0].domain, "")


class GroupTests(SettingsTestCase):
    """Tables of agents with other rights."""

    def test_read(self) -> None:
        """They can be written as tables, as a list, and in a variable; the report shows them as a list."""
        table = (
            '[[agent_groups]]\ndns = ["50*"]\ndestinations = ["8*"]\n[[agent_groups]]\ndns = ["7001"]\nmax_calls = 1'
        )
        listed = 'agent_groups = [{ dns = ["50*"], destinations = ["8*"] }, { dns = ["7001"], max_calls = 1 }]'
        variable = PROXY | {"WRTCGW_AGENT_GROUPS": listed.partition("= ")[2]}
        for settings in (self.settings(table), self.settings(listed), self.settings(environ=variable)):
            first, second = settings.agent_groups
            self.assertEqual((first.dns, first.destinations, first.max_calls), (("50*",), ("8*",), None))
            self.assertEqual((second.dns, second.max_calls), (("7001",), 1))
            self.assertIn("\n" + listed, report(settings, {}))

    def test_faults(self) -> None:
        """Each fault is told by table, key, expected and found."""
        text = self.faults(
            '[[agent_groups]]\ndns = ["5*0"]\ncalls_per_minute = 0\n'
            '[[agent_groups]]\ndestination = ["1"]\n[[agent_groups]]\ndns = []\n'
        )
        self.assertIn("agent_groups[1].dns: expected a list, each a number, or the beginning", text)
        self.assertIn("found '5*0'", text)
        self.assertIn("agent_groups[1].calls_per_minute: expected a whole number from 1 to 10000; found 0", text)
        self.assertIn("agent_groups[2].destination: expected a known key: did you mean destinations?; found an", text)
        self.assertIn("agent_groups[2].dns: expected at least one DN", text)
        self.assertIn("agent_groups[3].dns: expected at least one DN", text)

    def test_app_tokens(self) -> None:
        """Applications are tables too: what has to be there is told, and a name may not occur twice."""
        good = f'{{ name = "crm", sha256 = "{"a" * 64}", dns = ["50*"], rights = "control" }}'
        settings = self.settings(f"app_tokens = [{good}]")
        (token,) = settings.app_tokens
        self.assertEqual((token.name, token.dns, token.rights), ("crm", ("50*",), "control"))
        text = self.faults('app_tokens = [{ name = "c r m", sha256 = "12", rights = "all" }]')
        for part in (
            "[1].name: expected a name",
            "[1].sha256: expected 64",
            "[1].rights: expected one of",
            "[1].dns: exp",
        ):
            self.assertIn(f"app_tokens{part}", text)
        self.assertIn("a name that occurs twice", self.faults(f"app_tokens = [{good}, {good}]"))

    def test_token_for_hash(self) -> None:
        """A token that somebody gives in place of its hash is not shown."""
        text = self.faults('app_tokens = [{ name = "crm", sha256 = "yt0u8pSigYT", dns = ["50*"] }]')
        self.assertIn("[1].sha256: expected 64 hexadecimal digits; found a value that is not shown", text)
        self.assertNotIn("yt0u8", text)

    def test_webhook_url(self) -> None:
        """The error tells what a webhook's URL looks like."""
        for url in ("http://crm.example.org/", "https://bob:pw4711@crm.example.org/", ""):
            text = self.faults(f'webhooks = [{{ name = "crm", url = "{url}", secret_file = "/etc/hostname" }}]')
            self.assertIn("webhooks[1].url: expected ", text)
            self.assertNotIn("login.example.org", text)
            self.assertNotIn("pw4711", text)

    def test_webhook_url_is_not_shown(self) -> None:
        """Of a webhook's URL the report has only where it leads to: path and query may be secrets."""
        secret = self.file("signs")
        url = "https://hooks.example.org:8443/services/T1/hushpath?key=hushkey"
        settings = self.settings(f'webhooks = [{{ name = "crm", url = "{url}", secret_file = "{secret.absolute()}" }}]')
        text = report(settings, {})
        self.assertIn('url = "https://hooks.example.org:8443/***"', text)
        self.assertNotIn("hush", text.replace(str(secret), ""))

    def test_one_token_for_two(self) -> None:
        """Two that have the same token could not be told from each other, however its hash is written."""
        table = '{{ name = "{}", sha256 = "{}", dns = ["50*"] }}'
        tables = ", ".join(table.format(name, digit * 64) for name, digit in (("crm", "a"), ("board", "A")))
        self.assertIn("a token that occurs twice", self.faults(f"app_tokens = [{tables}]"))
        tokens = [f"{name}:viewer:{'1' * 64}" for name in ("ann", "bob")]
        self.assertIn("a token that occurs twice", self.faults(f"operator_tokens = {tokens}"))

    def test_webhook_secret(self) -> None:
        """A secret that cannot be read is a fault of the place where the webhook stands."""
        text = self.faults('webhooks = [{ name = "crm", url = "https://a/", secret_file = "/nonexistent/s" }]')
        self.assertIn("webhooks[1].secret_file: expected a file with a secret; found cannot read", text)
        self.assertNotIn("(default)", text)

    def test_wrong_groups(self) -> None:
        """A variable has what stands in the file, and one table alone is no list."""
        for wrong in ("agent_groups = 1", 'agent_groups = ["50*"]', "[agent_groups]"):
            self.assertIn("agent_groups: expected a list of tables with the keys dns, ", self.faults(wrong))
        for variable in ("50*", "[", "[1]"):
            self.assertIn("agent_groups: expected", self.faults(environ=PROXY | {"WRTCGW_AGENT_GROUPS": variable}))


class FaultTests(SettingsTestCase):
    """What is wrong is told by key, expected and found, all at once."""

    def test_all_at_once(self) -> None:
        """Faults of the file, of variables and of options come together."""
        text = self.faults("http_port = 70000\nlog_levl = 1\n", {"SIP_WS_SERVER": "http://x"}, wait_limit="soon")
        self.assertRegex(text, r"http_port: expected a whole number from 0 to 65535; found 70000 \(.+\)")
        self.assertIn("log_levl: expected a known key: did you mean log_level?", text)
        self.assertIn("sip_ws_servers: expected ws://host[:port][/path]", text)
        self.assertIn("found 'http://x' (variable SIP_WS_SERVER)", text)
        self.assertIn("wait_limit: expected seconds from 1 to 3600; found 'soon' (option)", text)
        self.assertEqual(len(text.splitlines()), 4)

    def test_no_proxy(self) -> None:
        """Without any proxy the text says how to name one."""
        self.assertIn("SIP_WS_SERVER", self.faults(environ={}))

    def test_unknown_variable(self) -> None:
        """A misspelt variable with our prefix is an error; other variables are none of our business."""
        text = self.faults(environ=PROXY | {"WRTCGW_TRUSTED_PROXY": "127.0.0.1", "HTTP_PROT": "1"})
        self.assertIn("WRTCGW_TRUSTED_PROXY: expected a known key: did you mean WRTCGW_TRUSTED_PROXIES?", text)
        self.assertNotIn("HTTP_PROT", text)
        self.assertIn("WRTCGW_XYZZY: expected a known key; found", self.faults(environ=PROXY | {"WRTCGW_XYZZY": "1"}))
        self.settings(environ=PROXY | {"WRTCGW_CONFIG": "x", "WRTCGW_UPDATE_GOLDEN": "1"})

    def test_variables_of_kubernetes(self) -> None:
        """What Kubernetes sets for a service called wrtcgw stops no start; the same name with a number is a mistake."""
        names = ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT_8082_TCP", "PORT_8082_TCP_ADDR")
        url = "tcp://192.0.2.1:8082"
        self.settings(environ=PROXY | {f"WRTCGW_{name}": "8082" for name in names} | {"WRTCGW_PORT": url})
        self.assertIn("WRTCGW_PORT: expected a known key", self.faults(environ=PROXY | {"WRTCGW_PORT": "8082"}))

    def test_wrong_types(self) -> None:
        """TOML's types count: no text for numbers, no number for switches, no item outside a list."""
        for line in (
            'http_port = "8082"',
            "http_port = true",
            "http_port = 1.5",
            "wait_limit = true",
            "wait_limit = nan",
            "tls_verify = 1",
            "trusted_proxies = '127.0.0.1'",
            "trusted_proxies = [1]",
            "sip_domain = 5",
            "sip_domain = []",
        ):
            self.assertIn(line.partition(" ")[0] + ": expected", self.faults(line))

    def test_wrong_values(self) -> None:
        """Each kind refuses what it cannot be."""
        for variable, text in (
            ("SIP_DOMAIN", "example.org:5060"),
            ("SIP_DOMAIN", "a b"),
            ("SIP_DOMAIN", "<x>"),
            ("SIP_SERVER", "sip:x"),
            ("WRTCGW_HTTP_INTERFACE", "localhost"),
            ("WRTCGW_TRUSTED_PROXIES", "127.0.0.1,nginx"),
            ("WRTCGW_ALLOWED_ORIGINS", "https://a.b/path"),
            ("WRTCGW_ALLOWED_ORIGINS", "a.b"),
            ("WRTCGW_ALLOWED_ORIGINS", "https://u@a.b"),
            ("WRTCGW_USER_AGENT", "x\r\nEvil: 1"),
            ("LOG_LEVEL", "loud"),
            ("WRTCGW_TLS_VERIFY", "maybe"),
            ("WRTCGW_SESSION_BINDING", "none"),
            ("SIP_WS_SERVER", "ws://h/#f"),
        ):
            self.assertIn("expected", self.faults(environ=PROXY | {variable: text}), variable)

    def test_bad_item(self) -> None:
        """Of a list the item is shown that is wrong, with what it should be."""
        text = self.faults(
            'trusted_proxies = ["127.0.0.1", "nginx", "::1"]', PROXY | {"WRTCGW_ALLOWED_ORIGINS": "http://a,b"}
        )
        self.assertIn(
            "trusted_proxies: expected a list, each an IP address or a network like 192.0.2.0/24; found 'nginx' (", text
        )
        self.assertIn(
            "allowed_origins: expected a list, each an origin like https://desktop.example.org; found 'b' (", text
        )
        self.assertIn("found 1 (", self.faults("trusted_proxies = [1]"))
        text = self.faults(environ={"SIP_WS_SERVER": "ws://a,ws://u:hidden@b:99999"})
        self.assertIn("sip_ws_servers: expected a port from 1 to 65535; found 'ws://", text)
        self.assertNotIn("ws://a", text)
        self.assertNotIn("hidden", text)

    def test_wrong_case(self) -> None:
        """A key in capitals, as the variables have them, is recognised."""
        for name, key in (
            ("SIP_DOMAIN", "sip_domain"),
            ("Http_Port", "http_port"),
            ("SIP_WS_SERVER", "sip_ws_servers"),
        ):
            self.assertIn(f"{name}: expected a known key: did you mean {key}?", self.faults(f"{name} = 1"))

    def test_numbers_are_plain(self) -> None:
        """Numbers in variables are digits as everybody writes them."""
        for variable, text in (
            ("HTTP_PORT", "8_082"),
            ("HTTP_PORT", "\uff18\uff10\uff18\uff12"),
            ("WRTCGW_WAIT_LIMIT", "1_0"),
            ("WRTCGW_WAIT_LIMIT", "\uff11\uff10"),
            ("WRTCGW_WAIT_LIMIT", "nan"),
        ):
            self.assertIn("expected", self.faults(environ=PROXY | {variable: text}), text)
        settings = self.settings(environ=PROXY | {"HTTP_PORT": " 8082 ", "WRTCGW_WAIT_LIMIT": "2.5"})
        self.assertEqual((settings.http_port, settings.wait_limit), (8082, 2.5))

    def test_star_origin(self) -> None:
        """The usual misuse of CORS is told why."""
        self.assertIn("any page could act", self.faults('allowed_origins = ["*"]'))

    def test_values_that_do_not_fit_together(self) -> None:
        """Limits below what they limit are found."""
        text = self.faults("reconnect_delay = 9\nregister_retry_delay = 70\nmin_se = 3600\n")
        for name in ("reconnect_max_delay", "register_max_retry_delay", "session_expires"):
            self.assertIn(f"{name}: expected at least", text)

    def test_ca_file(self) -> None:
        """A CA file that is missing or holds no certificate is found before the first connection."""
        self.assertIn("tls_ca_file: expected a PEM file", self.faults('tls_ca_file = "/nonexistent/ca.pem"'))
        self.assertIn("holds no PEM certificate", self.faults(f'tls_ca_file = "{self.file("x").absolute()}"'))

    def test_unreadable_files(self) -> None:
        """A file that is none, or no TOML, is one fault that names it."""
        for environ in (PROXY, {}):
            error = self.assertRaises(ConfigError, load, pathlib.Path("nowhere.toml"), environ)
            self.assertIn("nowhere.toml", str(error))
            self.assertEqual([fault.key for fault in error.faults], ["--config"])
        self.assertIn("expected a TOML file in UTF-8; found", self.faults("http_port = \n"))

    def test_ice_servers(self) -> None:
        """What browsers would not take is found here, each with how it should look."""
        for url in ("turn.example.org:3478", "stun://a.example", "turn:a.example", "stun:a?transport=udp", "stun:"):
            self.assertIn("each stun:host[:port] or stuns:", self.faults(f'stun_servers = ["{url}"]'), url)
        ports = ("turn:a:0", "turn:a:65536", "turn:a:")
        hosts = ("turn:", "turn:u@a", "turn:[::zz]", "turn:[1]", "turn:a b", "turn:a/b", "turn:a?transport=tls")
        for url in (*ports, *hosts, "stun:a.example", "https://a.example"):
            faults = self.faults(f'turn_secret = "x"\nturn_servers = ["turn:fine.example", "{url}"]')
            self.assertIn(f"without //, perhaps with ?transport=udp or tcp; found {url!r}", faults)
        taken = ("turn:a.example", "turns:192.0.2.1:443?transport=tcp", "TURN:[2001:DB8::1]:3478?transport=UDP")
        settings = self.settings(environ=PROXY | {"WRTCGW_TURN_SERVERS": ",".join(taken), "WRTCGW_TURN_SECRET": "x"})
        self.assertEqual(settings.turn_servers, tuple(url.lower() for url in taken))

    def test_turn_secret(self) -> None:
        """TURN servers without the secret are a fault of their own, and a bad secret is only one."""
        text = 'turn_servers = ["turn:a.example"]\n'
        expected = "turn_secret: expected the secret of turn_servers (coturn's static-auth-secret)"
        self.assertIn(expected, self.faults(text))
        self.assertEqual(self.faults(text + 'turn_secret = "hid\\u0007den"').count("turn_secret: "), 1)

    def test_no_secret_is_shown(self) -> None:
        """Neither a bad secret nor the password in a bad URL is repeated in an error."""
        for environ in (
            PROXY | {"WRTCGW_OPERATOR_TOKEN": "tok\x07hidden"},
            PROXY | {"WRTCGW_TURN_SECRET": "tok\x07hidden"},
            {"SIP_WS_SERVER": "http://user:hidden@example.org"},
        ):
            self.assertNotIn("hidden", self.faults(environ=environ))


class ReportTests(SettingsTestCase):
    """What --check-config shows."""

    def test_report(self) -> None:
        """Each key is shown once as TOML would have it, with its source unless it is the default; secrets never."""
        environ = {"SIP_WS_SERVER": "wss://u:hidden@example.org", "WRTCGW_OPERATOR_TOKEN": "hidden", "HTTP_PORT": "1"}
        settings, sources = load(self.file('user_agent = "a\\"b"'), environ)
        text = report(settings, sources)
        self.assertNotIn("hidden", text + repr(settings))
        self.assertIn("operator_token = ***  # variable WRTCGW_OPERATOR_TOKEN", text)
        self.assertIn("http_port = 1  # variable HTTP_PORT", text)
        self.assertIn('\nuser_agent = "a\\"b"', text)
        self.assertIn("\nwait_limit = 60\n", text)
        self.assertIn("# domain: example.org", text)
        self.assertEqual(len([line for line in text.splitlines() if not line.startswith("#")]), len(list(keys())))

    def test_nothing_configured(self) -> None:
        """The report of bare defaults works too."""
        self.assertIn("# proxies: none\n# domain: none", report(Settings(), {}))


class SampleTests(SettingsTestCase):
    """conf/wrtcgw.toml."""

    def test_sample_loads(self) -> None:
        """The sample as it is can be used."""
        self.assertEqual(load(SAMPLE, {})[0].domain, "example.org")

    def test_written_from_the_declarations(self) -> None:
        """The sample is what ``python docs/write_configuration.py`` writes: text and default stand in one place."""
        self.assertEqual(SAMPLE.read_text(encoding="utf-8"), sample.written(), "run docs/write_configuration.py")

    def test_every_key_is_explained(self) -> None:
        """Each key has a text, or stands behind one that is for both; a time is in seconds."""
        for section in SECTIONS:
            first = next(iter(fields(section)))
            self.assertTrue(first.metadata[Key].text, first.name)
        for name, key, _ in keys():
            if name.endswith(("_timeout", "_wait", "_delay", "_grace", "_limit")) and isinstance(
                getattr(Settings(), name), float
            ):
                self.assertEqual(key.unit, "seconds", name)

    def test_filled(self) -> None:
        """Texts are broken at the width; examples stay as they are, and the mark of a reload comes last."""
        text = "One two three\nfour five.\n  an    example\nSix."
        lines = list(sample.filled(text, 16, "[reload]"))
        self.assertEqual(lines, ["One two three", "four five.", "  an    example", "Six. [reload]"])

    def test_sample_has_every_key(self) -> None:
        """With its comments taken away it has each key once, with the default value and the mark of a reload."""
        text = SAMPLE.read_text()
        self.assertEqual(
            sorted(re.findall(r"^#?([a-z0-9_]+) =", text, re.MULTILINE)), sorted(name for name, _, _ in keys())
        )
        settings, _ = load(self.file(re.sub(r"^#([a-z0-9_]+ =)", r"\1", text, flags=re.MULTILINE)), {})
        for name, _, default in keys():
            if name == "session_binding":
                self.assertEqual(getattr(settings, name), "strict")
            elif name not in ("sip_ws_servers", "sip_domain"):
                self.assertEqual(getattr(settings, name), default, name)

    def test_sample_marks_what_reloads(self) -> None:
        """A key is marked [reload] exactly when a reload takes it over."""
        paragraphs = re.split(r"\n(?!#?[a-z0-9_]+ =)", SAMPLE.read_text())
        marked = {
            name
            for text in paragraphs
            if "[reload]" in text
            for name in re.findall(r"^#?([a-z0-9_]+) =", text, re.MULTILINE)
        }
        self.assertEqual(marked, reloadable_keys())


class TokenTests(SettingsTestCase):
    """Sign-in by tokens, and where SIP secrets come from."""

    ISSUER = 'sip_ws_servers = ["ws://a"]\noidc_issuer = "https://login.example.org/realms/acme"\n'

    def test_what_is_enough(self) -> None:
        """An issuer and whom the tokens are for are enough; the softphone's own id is an audience."""
        settings = self.settings(self.ISSUER + 'oidc_client_id = "softphone"')
        self.assertEqual(settings.audiences, ("softphone",))
        settings = self.settings(self.ISSUER + 'oidc_client_id = "softphone"\noidc_audience = ["gw"]')
        self.assertEqual(settings.audiences, ("gw",))

    def test_what_is_missing(self) -> None:
        """Whom the tokens are for is never left open; a client needs its provider."""
        self.assertRaisesRegex(ConfigError, "^oidc_audience: expected whom", self.settings, self.ISSUER)
        lone = 'sip_ws_servers = ["ws://a"]\noidc_client_id = "x"'
        self.assertRaisesRegex(ConfigError, "^oidc_issuer: expected the provider", self.settings, lone)
        none = self.ISSUER + 'oidc_audience = ["gw"]\noidc_algorithms = []'
        self.assertRaisesRegex(ConfigError, "^oidc_algorithms: expected at least one", self.settings, none)

    def test_algorithms_with_a_shared_secret(self) -> None:
        """Neither none nor HS256 can be allowed; the others are known in any case."""
        for name in ("none", "HS256", "hs512", "None", "", "*"):
            text = f'{self.ISSUER}oidc_audience = ["gw"]\noidc_algorithms = ["RS256", "{name}"]'
            self.assertRaisesRegex(ConfigError, "^oidc_algorithms: expected a list, each one of", self.settings, text)
        text = f'{self.ISSUER}oidc_audience = ["gw"]\noidc_algorithms = ["eddsa", "es256"]'
        self.assertEqual(self.settings(text).oidc_algorithms, ("EdDSA", "ES256"))

    def test_issuer_without_tls(self) -> None:
        """The provider is asked over TLS, unless it is on this machine."""
        others = (
            "http://login.example.org",
            "login.example.org",
            "https://a:b@login.example.org",
            "https://",
            "ftp://x",
        )
        for url in (*others, "http://127.0.0.1.example.org", "https://login.example.org/#x"):
            text = f'sip_ws_servers = ["ws://a"]\noidc_audience = ["gw"]\noidc_issuer = "{url}"'
            self.assertRaisesRegex(ConfigError, "^oidc_issuer: expected empty or a URL", self.settings, text)
        for url in ("http://127.0.0.1:4000", "http://localhost:4000/x", "http://[::1]:4000"):
            text = f'sip_ws_servers = ["ws://a"]\noidc_audience = ["gw"]\noidc_issuer = "{url}"'
            self.assertEqual(self.settings(text).oidc_issuer, url)

    def test_secrets(self) -> None:
        """Secrets come from a file, a program with the DN among its arguments, or a URL with the DN in its path."""
        good = (
            "file:/etc/x.toml",
            "command:/usr/bin/pass-for %dn",
            "command:/usr/bin/x '--of=%dn' -q",
            "https://v.example.org/sip/%dn",
            "https://v.example.org/sip?dn=%dn",
        )
        for text in good:
            self.assertIsNotNone(self.settings(f'sip_ws_servers = ["ws://a"]\nsip_secrets = "{text}"').sip_secrets)
        bad = (
            "file:x.toml",
            "command:pass-for %dn",
            "command:/usr/bin/x",
            "command:/usr/bin/%dn",
            "command:/usr/bin/x '%dn",
            "http://v.example.org/%dn",
            "https://v.example.org/sip",
            "https://%dn.example.org/",
            "vault:x",
            "/etc/x.toml",
        )
        for text in bad:
            whole = f'sip_ws_servers = ["ws://a"]\nsip_secrets = "{text}"'
            self.assertRaisesRegex(ConfigError, "^sip_secrets: expected empty, file:/path", self.settings, whole)
