"""Settings of the state: where it is kept, and its secrets."""

from base64 import b64encode
from socket import gethostname

from tests.config import test_secret_files
from tests.config.test_secret_files import PROXY
from wrtcgw.config import load, report
from wrtcgw.config.warnings import warnings
from wrtcgw.daemon.state import state_key, store_settings
from wrtcgw.store.address import StoreAddress

KEY = bytes(range(32))
TEXT = b64encode(KEY).decode()


class StateTests(test_secret_files.FileCase):
    """The section."""

    def test_defaults(self) -> None:
        """Nothing survives unless it is asked for; the name is the machine's."""
        settings, _ = self.load()
        self.assertEqual((settings.state_store, settings.node), (StoreAddress(), gethostname()))
        self.assertIsNone(state_key(settings))

    def test_named(self) -> None:
        """From the file and from variables."""
        settings, _ = self.load('node_name = "gw-1"\nlease_ttl = 20', WRTCGW_STATE_STORE="redis://store/3")
        self.assertEqual(settings.state_store, StoreAddress("redis", host="store", database=3))
        made = store_settings(settings)
        self.assertEqual((made.node, made.lease_ttl, made.store_timeout), ("gw-1", 20.0, 1.0))

    def test_unknown(self) -> None:
        """What is no place tells which there are, without a password that stood in it."""
        text = self.faults('state_store = "mysql://gw:hush@host/state"')
        self.assertIn("state_store: expected memory, sqlite:///path/of/a/file, redis://host:6379/0 or rediss", text)
        self.assertNotIn("hush", text)
        self.assertIn("absolute path", self.faults('state_store = "sqlite:state.db"'))
        self.assertIn("state_store", self.faults("state_store = 5"))

    def test_file(self) -> None:
        """A folder that is missing, and a file that is none, are told before the start."""
        text = self.faults(f'state_store = "sqlite://{self.folder}/no/state.db"')
        self.assertIn(f"state_store: expected a place that can be used; found the folder {self.folder}/no is", text)
        self.assertIn("is not a file", self.faults(f'state_store = "sqlite://{self.folder}"'))
        self.load(f'state_store = "sqlite://{self.folder}/state.db"')

    def test_password(self) -> None:
        """The password may stand in a file, or be a credential of the service; it is shown nowhere."""
        path = self.file("state_store_password", "hush\n")
        for settings, sources in (
            self.load(f'state_store = "redis://gw@store"\nstate_store_password_file = "{path}"'),
            self.load('state_store = "redis://gw@store"', CREDENTIALS_DIRECTORY=self.folder),
            self.load('state_store = "redis://gw:hush@store"'),
        ):
            address = settings.store_address
            self.assertEqual((address.user, address.password), ("gw", "hush"))
            self.assertNotIn("hush", report(settings, sources) + repr(settings) + str(address) + repr(address))
        text = self.faults(f'state_store = "redis://gw:other@store"\nstate_store_password_file = "{path}"')
        self.assertIn("state_store_password: expected one password", text)
        self.assertNotIn("hush", text)
        self.assertNotIn("other", text)

    def test_password_readable(self) -> None:
        """A configuration that others can read is warned of when a password stands in it, and so is a key's file."""
        path = self.file("open.toml", 'state_store = "redis://:hush@store"', 0o644)
        (warning,) = (line for line in warnings(*load(path, PROXY)) if "state_store" in line)
        self.assertIn("everyone on this machine can read", warning)
        key = self.file("key", TEXT, 0o644)
        told = "\n".join(warnings(*self.load(f'state_key_file = "{key}"')))
        self.assertIn(f"state_key_file: everyone on this machine can read {key}", told)
        key.chmod(0o640)
        self.assertNotIn("state_key", "\n".join(warnings(*self.load(f'state_key_file = "{key}"'))))

    def test_key(self) -> None:
        """The key comes from its file, or from the service's credentials."""
        path = self.file("state_key", f"{TEXT}\n")
        for settings, _ in (
            self.load(f'state_key_file = "{path}"'),
            self.load(CREDENTIALS_DIRECTORY=self.folder),
            self.load(WRTCGW_STATE_KEY_FILE=path),
        ):
            self.assertEqual(state_key(settings), KEY)

    def test_bad_keys(self) -> None:
        """What is wrong with a key's file is told, and nothing of what it holds."""
        self.assertIn("cannot read", self.faults(f'state_key_file = "{self.folder}/gone"'))
        for content, told in (
            ("", "is empty"),
            ("hush hush hush!", "not base64"),
            (b64encode(KEY[:16]).decode(), "these are 16"),
            (KEY, "not base64"),
            (b"\xff" * 32, "no text"),
        ):
            text = self.faults(f'state_key_file = "{self.file("bad", content)}"')
            self.assertIn(told, text)
            self.assertIn("state_key", text)
            self.assertNotIn("hush", text)

    def test_times(self) -> None:
        """A store that may take as long as a lease lasts could not renew it."""
        self.assertIn("store_timeout: expected at most half of lease_ttl", self.faults("store_timeout = 6"))
        self.load("store_timeout = 6\nlease_ttl = 12")
