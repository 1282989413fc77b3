"""coturn as ``conf/coturn`` sets it up, on loopback."""

import pathlib
import re
import socket
import ssl
import subprocess
import tempfile

from attrs import frozen

from tests.interop.authority import Certificates
from tests.interop.processes import Server, accepts, free_ports
from tests.interop.servers import CONF, edited

SECRET = "north wind and the sun"
HOST = "127.0.0.1"
ALLOCATED = re.compile(
    r"session (\d+): realm <example.org> user <([^>]*)>: incoming packet ALLOCATE processed, success"
)


@frozen
class Coturn:
    """The server and where it listens; as URLs of pages."""

    server: Server
    port: int
    tls_port: int

    @property
    def udp(self) -> str:
        """It by UDP."""
        return f"turn:{HOST}:{self.port}?transport=udp"

    @property
    def tcp(self) -> str:
        """It by TCP."""
        return f"turn:{HOST}:{self.port}?transport=tcp"

    @property
    def stun(self) -> str:
        """It for who only wants to know the own address."""
        return f"stun:{HOST}:{self.port}"

    def tls_version(self, authority: pathlib.Path) -> str | None:
        """Return the version of TLS that a client speaks with it, who trusts only this authority."""
        context = ssl.create_default_context(cafile=str(authority))
        plain = socket.create_connection((HOST, self.tls_port), 10)
        with context.wrap_socket(plain, server_hostname="localhost") as secure:
            return secure.version()

    def relays_to(self, peer: str, username: str, credential: str) -> bool:
        """Return whether it would send to an address, IPv4 or IPv6, for who shows these credentials."""
        who = ("-u", username, "-w", credential, *(("-x",) if ":" in peer else ()))
        command = (
            "turnutils_uclient",
            "-p",
            str(self.port),
            *who,
            "-e",
            peer,
            "-r",
            "9",
            "-n",
            "1",
            "-m",
            "1",
            "-c",
            "::1" if ":" in peer else HOST,
        )
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=3, check=False)
        except subprocess.TimeoutExpired:
            return True  # it waits for what the peer sends back
        if "error 403 (Forbidden IP)" not in done.stdout:
            raise AssertionError(f"turnutils_uclient: {done.stdout}{done.stderr}")
        return False

    def log(self) -> str:
        """Return what it logged so far."""
        return self.server.log.read_text(errors="replace")

    def users(self) -> list[str]:
        """Return the users who got a relayed address so far, each as ``<expiry>:<dn>``, oldest first."""
        return [match[2] for match in ALLOCATED.finditer(self.log())]


def coturn(parent: pathlib.Path, certificates: Certificates, peer: str) -> Coturn:
    """
    Write coturn's file into a folder of its own and return the server, not started.

    :param peer: the address of the media server, which it may relay to; besides, here, to loopback.
    """
    folder = pathlib.Path(tempfile.mkdtemp(prefix="coturn-", dir=parent))
    port, tls_port, first = free_ports(3)
    edits = {
        "listening-ip=192.0.2.10": f"listening-ip={HOST}\nlistening-ip=::1",
        "relay-ip=192.0.2.10": f"relay-ip={HOST}\nrelay-ip=::1",
        "listening-port=3478": f"listening-port={port}",
        "tls-listening-port=5349": f"tls-listening-port={tls_port}",
        "change-me-openssl-rand-hex-32": SECRET,
        "min-port=49152": f"min-port={first}",
        "max-port=65535": f"max-port={first + 200}",
        "allowed-peer-ip=192.0.2.20": f"allowed-peer-ip={peer}\nallowed-peer-ip={HOST}\nallow-loopback-peers",
        "/etc/ssl/certs/turn.example.org.pem": str(certificates.chain),
        "/etc/ssl/private/turn.example.org.key": str(certificates.key),
        "\nsyslog\n": f"\nlog-file=stdout\nsimple-log\nverbose\npidfile={folder}/coturn.pid\nuserdb={folder}/turndb\n",
    }
    (folder / "turnserver.conf").write_text(edited((CONF / "coturn/turnserver.conf").read_text(), edits))
    command = ("setpriv", "--pdeathsig", "TERM", "turnserver", "-c", str(folder / "turnserver.conf"))
    server = Server("coturn", command, folder / "coturn.log", lambda: accepts(port) and accepts(tls_port))
    return Coturn(server, port, tls_port)
