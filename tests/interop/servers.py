"""Kamailio, Asterisk and nginx as ``conf/`` configures them; only what a site edits is edited, in a copy."""

import pathlib
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence

from attrs import frozen

from tests.interop.authority import Certificates
from tests.interop.install import Installation
from tests.interop.processes import Server, accepts, until

PROJECT = pathlib.Path(__file__).parents[2]
CONF = PROJECT / "conf"
DOMAIN = "wrtcgw.invalid"
PASSWORD = "Genesys2024!WebRTC"
AGENTS = range(5001, 5011)
PLAIN_AGENTS = range(5021, 5024)
"""Those who get plain RTP from Asterisk, and WebRTC from rtpengine."""
HELD_AGENTS = (*range(5031, 5045), *range(5081, 5095))
"""Those whom Asterisk tells by a re-INVITE that their far side holds, and their far sides."""
VIDEO_AGENTS = (5051, 5052)
"""Those whose pictures Asterisk passes on."""
SHA256_AGENT = 5010
"""The one agent whose digest is SHA-256 instead of MD5."""
SHORT_AGENT = 5011
"""Gets ten seconds from the registrar, whatever it asks for."""
ASTERISK_ETC = "etc/wrtcgw"
BASE_CONF = "etc/asterisk"
"""What Debian's package brings: the files that ``conf/asterisk`` does not replace."""


def edited(text: str, edits: Mapping[str, str]) -> str:
    """
    Return a sample file with the values of a site.

    :param edits: what stands in the sample, exactly once, and what to put there.
    """
    for old, new in edits.items():
        if text.count(old) != 1:
            raise ValueError(f"{old!r} should stand in the sample once, found {text.count(old)} times")
        text = text.replace(old, new)
    return text


@frozen
class Ports:
    """The ports of one run, all on 127.0.0.1."""

    kamailio_sip: int
    kamailio_ws: int
    kamailio_wss: int
    asterisk_sip: int
    asterisk_http: int
    nginx: int
    gateway: int


def kamailio(folder: pathlib.Path, ports: Ports, certificates: Certificates, relay: int | None = None) -> Server:
    """
    Write Kamailio's files into a folder of their own and return the server, not started.

    :param relay: the control port of the rtpengine through which the media goes, if it does.
    """
    folder.mkdir(parents=True)
    for sample in ("kamailio.cfg", "kamailio-rtpengine.cfg"):
        shutil.copy(CONF / "kamailio" / sample, folder)
    values = {
        "SIP_DOMAIN": DOMAIN,
        "AST_PORT": ports.asterisk_sip,
        "SIP_PORT": ports.kamailio_sip,
        "WS_PORT": ports.kamailio_ws,
        "WSS_PORT": ports.kamailio_wss,
        "TLS_CERTIFICATE": certificates.chain,
        "TLS_KEY": certificates.key,
    }
    lines = "".join(f'#!substdef "!{name}!{value}!g"\n' for name, value in values.items())
    if relay is not None:
        lines += f'#!define WITH_RTPENGINE\n#!substdef "!RTPENGINE_SOCK!udp:127.0.0.1:{relay}!g"\n'
    (folder / "kamailio-local.cfg").write_text(lines)
    # -DD: the main process stays in the foreground; -E: log to stderr
    command = ("kamailio", "-DD", "-E", "-m", "64", "-M", "8", "-Y", str(folder), "-P", str(folder / "kamailio.pid"))
    return Server(
        folder.name.capitalize(),
        (*command, "-f", str(folder / "kamailio.cfg")),
        folder.with_suffix(".log"),
        lambda: accepts(ports.kamailio_ws) and accepts(ports.kamailio_wss),
    )


@frozen
class Asterisk:
    """The server in its chroot, and its command line."""

    chroot: pathlib.Path
    log: pathlib.Path
    server: Server

    def cli(self, command: str) -> str:
        """Run one CLI command, return what it printed; ``channel originate`` waits for the answer."""
        arguments = ("chroot", str(self.chroot), "/usr/sbin/asterisk", "-C", f"/{ASTERISK_ETC}/asterisk.conf", "-rx")
        done = subprocess.run((*arguments, command), capture_output=True, timeout=120, check=False, text=True)
        return done.stdout

    def booted(self) -> bool:
        """Return whether all its modules are loaded."""
        return "fully booted" in self.cli("core waitfullybooted")

    def channels(self) -> list[str]:
        """Return the names of the channels that are up."""
        return [line.split("!")[0] for line in self.cli("core show channels concise").splitlines() if "!" in line]

    def contacts(self, dn: str) -> list[str]:
        """Return the contact URIs registered for a DN."""
        return re.findall(rf"Contact:\s+{dn}/(sip:\S+)", self.cli(f"pjsip show aor {dn}"))

    def digits_read(self) -> list[str]:
        """Return what the test number 1007 has read so far, oldest first."""
        return re.findall(r"app_verbose.c: WRTCGW-DTMF status=OK digits=(\S+)", self.log.read_text(errors="replace"))


def asterisk(installation: Installation, folder: pathlib.Path, ports: Ports) -> Asterisk:
    """Write Asterisk's files into its chroot and return the server, not started; its log is linked into ``folder``."""
    root = installation.chroot
    etc = root / ASTERISK_ETC
    shutil.rmtree(etc, ignore_errors=True)
    shutil.copytree(root / BASE_CONF, etc, symlinks=True)
    for sample in sorted((CONF / "asterisk").glob("*.conf")):
        text = edited(sample.read_text(), _asterisk_edits(ports).get(sample.name, {}))
        (etc / sample.name).write_text(text)
    agents = [
        *(asterisk_agent(dn, "agent") for dn in (*AGENTS, SHORT_AGENT)),
        *(asterisk_agent(dn, "plain-agent") for dn in PLAIN_AGENTS),
        *(asterisk_agent(dn, "video-agent") for dn in VIDEO_AGENTS),
        *(asterisk_agent(dn, "agent", "moh_passthrough = yes\n") for dn in HELD_AGENTS),
    ]
    (etc / "pjsip_agents.conf").write_text("".join(agents))
    (etc / "asterisk.conf").write_text(_asterisk_folders(root))
    for path in (etc, *etc.rglob("*")):
        shutil.chown(path, *_owner(root))
    # without its own name in /etc/hosts Asterisk asks the DNS for it on every call
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost {socket.gethostname()}\n")
    log = root / "var/log/wrtcgw/full"
    log.unlink(missing_ok=True)
    (folder / "asterisk.log").symlink_to(log)
    command = ("chroot", str(root), "/usr/sbin/asterisk", "-f", "-U", "asterisk", "-G", "asterisk")
    server = Server(
        "Asterisk",
        (*command, "-C", f"/{ASTERISK_ETC}/asterisk.conf"),
        folder / "asterisk.out",
        lambda: accepts(ports.asterisk_http) and pbx.booted(),
    )
    pbx = Asterisk(root, log, server)
    return pbx


def _asterisk_edits(ports: Ports) -> dict[str, dict[str, str]]:
    return {
        "pjsip.conf": {
            "bind = 127.0.0.1:5080": f"bind = 127.0.0.1:{ports.asterisk_sip}",
            "from_domain = localhost": f"from_domain = {DOMAIN}",
        },
        "http.conf": {"bindport = 8088": f"bindport = {ports.asterisk_http}"},
    }


def asterisk_agent(dn: int, template: str, more: str = "") -> str:
    """Return the sections of ``pjsip_agents.conf`` for an agent, with further lines of the endpoint."""
    digest = "supported_algorithms_uas = SHA-256\n" if dn == SHA256_AGENT else ""
    short = "maximum_expiration = 10\n" if dn == SHORT_AGENT else ""
    return (
        f'[{dn}]({template})\naors = {dn}\nauth = {dn}\ncallerid = "Agent {dn}" <{dn}>\n{more}'
        f"[{dn}](agent-aor)\n{short}[{dn}](agent-auth)\nusername = {dn}\npassword = {PASSWORD}\n{digest}"
    )


def _asterisk_folders(root: pathlib.Path) -> str:
    """Make folders of our own, so that the package's stay as they were installed, and return ``asterisk.conf``."""
    own = {"astrundir": "/run/wrtcgw", "astlogdir": "/var/log/wrtcgw", "astdbdir": "/var/lib/wrtcgw"}
    for folder in (*own.values(), "/var/lib/asterisk/keys"):
        (root / folder[1:]).mkdir(parents=True, exist_ok=True)
        shutil.chown(root / folder[1:], *_owner(root))
    modules = next(root.glob("usr/lib/*/asterisk/modules")).relative_to(root)
    folders = {
        **own,
        "astetcdir": f"/{ASTERISK_ETC}",
        "astmoddir": f"/{modules}",
        "astvarlibdir": "/var/lib/asterisk",
        "astkeydir": "/var/lib/asterisk",
        "astdatadir": "/usr/share/asterisk",
        "astspooldir": "/var/spool/asterisk",
    }
    lines = "".join(f"{key} => {value}\n" for key, value in folders.items())
    return f"[directories]\n{lines}[options]\nverbose = 4\nnocolor = yes\nsystemname = wrtcgw\n"


def _owner(root: pathlib.Path) -> tuple[int, int]:
    """Return user and group id of ``asterisk`` inside the chroot: they mean nothing outside."""
    passwd = (root / "etc/passwd").read_text()
    line = next(line for line in passwd.splitlines() if line.startswith("asterisk:"))
    return int(line.split(":")[2]), int(line.split(":")[3])


def nginx(folder: pathlib.Path, ports: Ports, certificates: Certificates) -> Server:
    """Write nginx's files and return the server, not started."""
    folder.mkdir(parents=True)
    site = edited(
        (CONF / "nginx/wrtcgw.conf").read_text(),
        {
            "server 127.0.0.1:8082;": f"server 127.0.0.1:{ports.gateway};",
            "listen 443 ssl http2": f"listen 127.0.0.1:{ports.nginx} ssl http2",
            "server_name webrtc.example.org;": "server_name localhost;",
            "/etc/ssl/certs/webrtc.example.org.pem": str(certificates.chain),
            "/etc/ssl/private/webrtc.example.org.key": str(certificates.key),
            "/var/log/nginx/wrtcgw.access.log": str(folder.parent / "nginx.access.log"),
        },
    )
    return nginx_with(folder, site, ports.nginx)


def nginx_cluster(folder: pathlib.Path, gateways: Sequence[int], port: int, certificates: Certificates) -> Server:
    """Write nginx's files for two gateways at ports of their own, and return the server, not started."""
    folder.mkdir(parents=True)
    sample = (CONF / "nginx/wrtcgw.conf").read_text()
    start = sample.index("upstream wrtcgw {")
    site = sample[:start] + sample[sample.index("\n}\n", start) + 3 :]
    several = edited(
        (CONF / "nginx/wrtcgw-cluster.conf").read_text(),
        {f"192.0.2.{11 + number}:8082": f"127.0.0.1:{port}" for number, port in enumerate(gateways)},
    )
    edits = {
        "listen 443 ssl http2": f"listen 127.0.0.1:{port} ssl http2",
        "server_name webrtc.example.org;": "server_name localhost;",
        "/etc/ssl/certs/webrtc.example.org.pem": str(certificates.chain),
        "/etc/ssl/private/webrtc.example.org.key": str(certificates.key),
        "/var/log/nginx/wrtcgw.access.log": str(folder.parent / f"{folder.name}.access.log"),
    }
    return nginx_with(folder, several + edited(site, edits), port)


def nginx_with(folder: pathlib.Path, site: str, port: int) -> Server:
    """Return nginx, not started, in a folder that is there, with a text as its one site."""
    (folder / "site.conf").write_text(site)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nuser root;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log stderr info;\n"
        f"events {{ worker_connections 512; }}\nhttp {{\n{temporary}include {folder}/site.conf;\n}}\n",
    )
    command = ("nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf"))
    return Server("nginx", command, folder.parent / "nginx.log", lambda: accepts(port))


def rtpengine(folder: pathlib.Path, control: int) -> Server:
    """Write rtpengine's file and return the server, not started: media for pages on the machine's own address."""
    folder.mkdir(parents=True)
    edits = {
        "web/192.0.2.10;": f"web/{own_address()};",
        "127.0.0.1:2223": f"127.0.0.1:{control}",
        "log-level = 5": "log-level = 6",
    }
    sample = edited((CONF / "rtpengine/rtpengine.conf").read_text(), edits)
    (folder / "rtpengine.conf").write_text(sample)
    command = ("rtpengine", f"--config-file={folder}/rtpengine.conf", "--foreground", "--log-stderr")
    return Server("rtpengine", command, folder.with_suffix(".log"), lambda: _pongs(control))


def own_address() -> str:
    """
    Return the address of the machine that it would call others from.

    No packet is sent: connecting a datagram socket only asks the routing table.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        address: str = probe.getsockname()[0]
        return address


def _pongs(control: int) -> bool:
    """Return whether rtpengine answers a ping of its control protocol: a cookie and a bencoded dictionary."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.5)
        try:
            probe.sendto(b"1 d7:command4:pinge", ("127.0.0.1", control))
            return b"pong" in probe.recv(1024)
        except OSError:
            return False


def wait_for_no_channels(pbx: Asterisk, seconds: float = 10.0) -> None:
    """Wait until Asterisk has ended every call."""
    until("Asterisk's channels to end", lambda: not pbx.channels(), seconds)
