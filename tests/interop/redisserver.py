"""Redis on loopback, as a server of a case's own."""

import pathlib
import socket
from collections.abc import Sequence

from tests.interop.authority import Certificates
from tests.interop.processes import Server, accepts, free_ports

HOST = "127.0.0.1"


class Redis:
    """
    A server with its data in a folder of its own.

    :ivar port: where it listens without TLS.
    """

    def __init__(self, folder: pathlib.Path, *options: str, certificates: Certificates | None = None) -> None:
        self._folder = folder
        folder.mkdir()
        self.port, self.tls_port = free_ports(2)
        tls: Sequence[str] = ()
        if certificates is not None:
            tls = ("--tls-port", str(self.tls_port), "--tls-auth-clients", "no")
            tls += ("--tls-cert-file", str(certificates.chain), "--tls-key-file", str(certificates.key))
        command = (
            *("setpriv", "--pdeathsig", "TERM", "redis-server", "--bind", HOST, "--port", str(self.port)),
            *("--dir", str(self._folder), "--save", "", *tls, *options),
        )
        self.server = Server("redis", command, self._folder / "redis.log", lambda: accepts(self.port))

    def say(self, *words: str) -> bytes:
        """Send one command, blocking, and return the reply as it stands on the wire."""
        with socket.create_connection((HOST, self.port), 5) as connection:
            connection.sendall(f"*{len(words)}\r\n".encode() + b"".join(map(_bulk, words)))
            return connection.recv(65_536)

    def say_all(self, *commands: Sequence[str]) -> None:
        """Send several commands over one connection, blocking."""
        with socket.create_connection((HOST, self.port), 5) as connection:
            for words in commands:
                connection.sendall(f"*{len(words)}\r\n".encode() + b"".join(map(_bulk, words)))
                connection.recv(65_536)

    def wipe(self) -> None:
        """Throw all data away."""
        self.say("FLUSHALL")


def _bulk(word: str) -> bytes:
    data = word.encode()
    return b"$%d\r\n%s\r\n" % (len(data), data)
