"""Where the state is kept, as the setting ``state_store`` names it."""

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from attrs import field, frozen

from wrtcgw.store.sqlite_file import fault_of

EXPECTED = "memory, sqlite:///path/of/a/file, redis://host:6379/0 or rediss://host:6379/0"
PORT = 6379
LARGEST_PORT = 65_535
REDIS = ("redis", "rediss")


@frozen
class StoreAddress:
    """
    One place for the state.

    :ivar kind: ``memory``, ``sqlite``, ``redis`` or ``rediss`` (by TLS).
    """

    kind: str = "memory"
    path: Path = Path()
    host: str = ""
    port: int = PORT
    database: int = 0
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> "StoreAddress":
        """
        Read the setting.

        :raises ValueError: when it is none of these; the text tells what is, and repeats nothing.
        """
        if text == "memory":
            return cls()
        url = urlsplit(text)
        if url.query or url.fragment:
            raise ValueError
        if url.scheme == "sqlite":
            if url.netloc or not url.path.startswith("/") or url.path.endswith("/"):
                raise ValueError(
                    "expected sqlite:// and the absolute path of a file: sqlite:///var/lib/wrtcgw/state.db"
                )
            return cls("sqlite", Path(unquote(url.path)))
        if url.scheme not in REDIS or not url.hostname:
            raise ValueError
        database = url.path.strip("/") or "0"
        port = PORT if url.port is None else url.port
        if not (database.isascii() and database.isdecimal()) or not 0 < port <= LARGEST_PORT:
            raise ValueError
        user, password = unquote(url.username or ""), unquote(url.password or "")
        return cls(url.scheme, Path(), url.hostname, port, int(database), user, password)

    def __str__(self) -> str:
        if self.kind not in REDIS:
            return f"sqlite://{self.path}" if self.kind == "sqlite" else self.kind
        host = f"[{self.host}]" if ":" in self.host else self.host
        login = f"{self.user}:***@" if self.password else f"{self.user}@" if self.user else ""
        return f"{self.kind}://{login}{host}:{self.port}/{self.database}"

    def fault(self) -> str:
        """Return why the state cannot be kept there, as far as that can be seen without trying; empty for nothing."""
        if self.kind == "sqlite":
            return fault_of(self.path)
        if self.kind in REDIS and find_spec("hiredis") is None:
            return NO_CLIENT
        return ""


NO_CLIENT = "the package hiredis is missing: pip install 'wrtcgw[redis]'"
