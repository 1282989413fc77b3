"""Secrets that stand in files, credentials of systemd, and what ``--check-config`` warns of."""

from base64 import b64encode
from pathlib import Path

from attrs import fields
from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.config import ConfigError, Settings, load, report
from wrtcgw.config.secret_files import LISTS, SECRETS
from wrtcgw.config.settings import Key
from wrtcgw.config.warnings import warnings

PROXY = {"SIP_WS_SERVER": "ws://127.0.0.1:8080"}


class FileCase(SynchronousTestCase):
    """A folder with files."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    def file(self, name: str, content: str | bytes, mode: int = 0o600) -> Path:
        """Write a file."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path

    def load(self, text: str = "", /, **environ: object) -> tuple[Settings, dict[str, str]]:
        """Load a configuration from a file and the environment."""
        path = self.file("wrtcgw.toml", text, 0o640)
        return load(path, {**PROXY, **{name: str(value) for name, value in environ.items()}})

    def faults(self, text: str = "", **environ: object) -> str:
        """Return what is wrong with it."""
        with self.assertRaises(ConfigError) as caught:
            self.load(text, **environ)
        return str(caught.exception)


GOOD = {"state_key": b64encode(b"hush" * 8).decode()}
"""Secrets that are not just any text."""


class Files(FileCase):
    """``<key>_file``."""

    def test_every_secret_has_a_twin(self) -> None:
        """Each secret key can stand in a file, and is reloaded as its file is."""
        known = {attribute.name: attribute.metadata[Key] for attribute in fields(Settings)}
        self.assertIn("operator_token", SECRETS)
        for name in SECRETS:
            self.assertIn(f"{name}_file", known)
            self.assertEqual(known[f"{name}_file"].reload, known[name].reload, name)

    def test_read(self) -> None:
        """The file is the secret, whatever its line ends with, from TOML and from a variable, and nowhere shown."""
        for end in ("", "\n", "\r\n"):
            for name in set(SECRETS) - LISTS:
                secret = GOOD.get(name, "hush hush")
                path = self.file(name, f"{secret}{end}")
                for settings, sources in (
                    self.load(f'{name}_file = "{path}"'),
                    self.load("", **{f"WRTCGW_{name.upper()}_FILE": str(path)}),
                ):
                    self.assertEqual((getattr(settings, name), sources[name]), (secret, str(path)))
                    self.assertNotIn(secret, report(settings, sources) + repr(settings))

    def test_lists(self) -> None:
        """Of what there may be several, each has a line."""
        lines = [f"{name}:viewer:{number * 64}" for name, number in (("ann", "1"), ("bob", "2"))]
        settings, _ = self.load(f'operator_tokens_file = "{self.file("tokens", chr(10).join([*lines, ""]))}"')
        self.assertEqual([token.name for token in settings.operator_tokens], ["ann", "bob"])
        tables = [f'{{ name = "{name}", sha256 = "{digit * 64}", dns = ["5*", "6"] }}'
                  for name, digit in (("crm", "1"), ("board", "2"))]  # fmt: skip
        settings, _ = self.load(f'app_tokens_file = "{self.file("apps", chr(10).join(tables))}"')
        self.assertEqual([(token.name, token.dns) for token in settings.app_tokens],
                         [("crm", ("5*", "6")), ("board", ("5*", "6"))])  # fmt: skip

    def test_faults(self) -> None:
        """A file that is not there, empty, huge, no text, or beside the value itself, is told with its key."""
        gone, empty = self.folder / "gone", self.file("empty", "\n")
        self.assertIn("operator_token_file: expected a file with the operator_token; found cannot", self.faults(
            f'operator_token_file = "{gone}"'))  # fmt: skip
        self.assertIn("is empty", self.faults(f'operator_token_file = "{empty}"'))
        self.assertIn("longer than", self.faults(f'turn_secret_file = "{self.file("huge", "x" * 70_000)}"'))
        self.assertIn("no text", self.faults(f'turn_secret_file = "{self.file("bytes", bytes((0xFF, 0xFE)))}"'))
        good = self.file("good", "hush")
        text = self.faults(f'operator_token_file = "{good}"\noperator_token = "other"')
        self.assertIn("either operator_token or operator_token_file", text)
        self.assertNotIn("hush", text)
        self.assertNotIn("hush", self.faults(f'turn_secret_file = "{self.file("bad", "hush" + chr(7))}"'))

    def test_credentials(self) -> None:
        """What systemd gives the service counts by its name, unless the key is given; other files do not."""
        self.file("operator_token", "hush\n")
        self.file("http_port", "9")
        settings, sources = self.load(CREDENTIALS_DIRECTORY=self.folder)
        self.assertEqual((settings.operator_token, settings.http_port), ("hush", 8082))
        self.assertEqual(sources["operator_token"], str(self.folder / "operator_token"))
        settings, _ = self.load('operator_token = "mine"', CREDENTIALS_DIRECTORY=self.folder)
        self.assertEqual(settings.operator_token, "mine")
        other = self.file("other", "theirs")
        settings, _ = self.load(f'operator_token_file = "{other}"', CREDENTIALS_DIRECTORY=self.folder)
        self.assertEqual(settings.operator_token, "theirs")


class Warnings(FileCase):
    """What works, and should not stay so."""

    def warned(self, text: str = "", **environ: object) -> str:
        """Return the warnings of a configuration."""
        return "\n".join(warnings(*self.load(text, **environ)))

    def test_tokens_without_secrets(self) -> None:
        """Where agents sign in by token, and DNs register without a password, that is said."""
        tokens = 'oidc_issuer = "https://login.example.org"\noidc_audience = ["gw"]\n'
        self.assertIn("oidc_issuer without sip_secrets", self.warned(tokens))
        self.assertNotIn("oidc_issuer", self.warned(tokens + 'sip_secrets = "file:/etc/wrtcgw/secrets.toml"'))

    def test_readable(self) -> None:
        """A file with a secret that everyone can read is named: the configuration itself, a twin, a credential."""
        secret = self.file("token", "hush", 0o644)
        for text in (self.warned(f'operator_token_file = "{secret}"'), self.warned(CREDENTIALS_DIRECTORY=self.folder)):
            self.assertEqual("everyone on this machine can read" in text, "operator_token" in text)
        self.assertIn(f"operator_token_file: everyone on this machine can read {secret}", self.warned(
            f'operator_token_file = "{secret}"'))  # fmt: skip
        secret.chmod(0o640)
        self.assertNotIn("everyone", self.warned(f'operator_token_file = "{secret}"'))
        secrets = self.file("sip-secrets.toml", '5001 = "hush"', 0o644)
        self.assertIn(f"sip_secrets: everyone on this machine can read {secrets}", self.warned(
            f'sip_secrets = "file:{secrets}"'))  # fmt: skip
        path = self.file("wrtcgw.toml", 'turn_secret = "hush"', 0o644)
        settings, sources = load(path, PROXY)
        self.assertIn(f"turn_secret: everyone on this machine can read {path}", "\n".join(warnings(settings, sources)))
        path.write_text("")
        self.assertNotIn("everyone", "\n".join(warnings(*load(path, PROXY))))

    def test_call_records(self) -> None:
        """A place that call records cannot be written to is named, since the first call would tell it only."""
        for path in ("/nonexistent/calls.jsonl", str(self.folder)):
            self.assertIn(f"call_records: no line can be written to {path}", self.warned(f'call_records = "{path}"'))
        self.assertNotIn("call_records", self.warned(f'call_records = "{self.folder}/calls.jsonl"'))

    def test_proxy_password(self) -> None:
        """So is a configuration with the password of a proxy in its URL, and none with a URL alone."""
        for url, warned in (("wss://user:hush@proxy.example.org/", True), ("wss://proxy.example.org/", False)):
            path = self.file("wrtcgw.toml", f'sip_ws_servers = ["{url}"]', 0o644)
            text = "\n".join(warnings(*load(path, {})))
            self.assertEqual(f"sip_ws_servers: everyone on this machine can read {path}" in text, warned)
            self.assertNotIn("hush", text)

    def test_doors(self) -> None:
        """So are settings that open something."""
        for text, word in (
            ("tls_verify = false", "tls_verify"),
            ('session_binding = "address"', "session_binding"),
            ('http_interface = "0.0.0.0"', "plain HTTP"),
            ('genesys_no_password = "register"', "any agent"),
            ('guest_mode = "unregistered"\nguest_destinations = ["*"]', "at your cost"),
            ('sip_ws_servers = ["ws://sip.example.org"]', "unencrypted"),
        ):
            self.assertIn(word, self.warned(text, **({"SIP_WS_SERVER": ""} if "sip_ws" in text else {})))
        quiet = 'session_binding = "strict"\nhttp_interface = "0.0.0.0"\ntrusted_proxies = ["192.0.2.1"]'
        self.assertEqual(self.warned(quiet), "")
