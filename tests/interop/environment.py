"""The one environment of a test run: started when the first case asks for it, ended when the process ends."""

import atexit
import contextlib
import fcntl
import functools
import os
import pathlib
import shutil
from collections.abc import Mapping
from typing import TextIO

from attrs import define, evolve, field, frozen

from tests.interop.apt import NoMirrorError
from tests.interop.authority import Certificates, make_certificates
from tests.interop.gateway import Gateway, gateway
from tests.interop.install import Installation, InstallError, install, say
from tests.interop.processes import Server, ServerFailedError, end_marked, end_named, free_ports
from tests.interop.servers import Asterisk, Ports, asterisk, kamailio, nginx, rtpengine

MARK = "WRTCGW_INTEROP_RUN"
"""The variable by which all processes of a run are known."""


@frozen
class Way:
    """One way from the gateway to Asterisk: WebSocket addresses, and what it takes to trust them."""

    name: str
    urls: tuple[str, ...]
    authority: pathlib.Path | None = None


@frozen
class Bridge:
    """
    A Kamailio with an rtpengine, and the way through them.

    :ivar sip: Kamailio's port towards the PBX.
    """

    way: Way
    sip: int
    servers: tuple[Server, ...]


@define
class Environment:
    """The servers of a run, and the gateways that were started against them."""

    folder: pathlib.Path
    ports: Ports
    certificates: Certificates
    asterisk: Asterisk
    kamailio: Server
    nginx: Server
    page_port: int
    gateways: dict[str, Gateway] = field(factory=dict)
    bridges: dict[int, Bridge] = field(factory=dict)

    @property
    def servers(self) -> list[Server]:
        """Everything that runs, in the order in which it is stopped."""
        gateways = [each.server for each in self.gateways.values()]
        bridges = [server for each in self.bridges.values() for server in each.servers]
        return [*gateways, self.nginx, *bridges, self.kamailio, self.asterisk.server]

    @property
    def ways(self) -> dict[str, Way]:
        """The three ways that every call case takes."""
        ports = self.ports
        return {
            "ws": Way("Kamailio ws", (f"ws://127.0.0.1:{ports.kamailio_ws}",)),
            "wss": Way("Kamailio wss", (f"wss://localhost:{ports.kamailio_wss}",), self.certificates.authority),
            "asterisk": Way("Asterisk ws", (f"ws://127.0.0.1:{ports.asterisk_http}/ws",)),
        }

    @property
    def origin(self) -> str:
        """The origin of the pages, another one than the API's."""
        return f"http://127.0.0.1:{self.page_port}"

    def start(self) -> None:
        """Start the servers."""
        for server in (self.asterisk.server, self.kamailio, self.nginx):
            self.run(server)

    def run(self, server: Server) -> None:
        """Start one server."""
        server.start()
        say(f"{server.name} runs, pid {server.pid}")

    def stop(self) -> None:
        """Stop all that runs and keep Asterisk's log, which lies in its chroot, with the others."""
        for server in self.servers:
            with contextlib.suppress(OSError):
                server.stop()
        link = self.folder / "asterisk.log"
        if link.is_symlink() and self.asterisk.log.exists():
            link.unlink()
            shutil.copy(self.asterisk.log, link)
        say(f"servers stopped, logs in {self.folder}")

    def gateway(self, name: str, way: Way, settings: Mapping[str, object] | None = None, *, port: int = 0) -> Gateway:
        """Return the running gateway of that name, started on first use with these settings."""
        if name not in self.gateways:
            trust = {"tls_ca_file": str(way.authority)} if way.authority else {}
            values = {"sip_ws_servers": way.urls, **trust, **(settings or {})}
            starting = gateway(self.folder, name, port or free_ports(1)[0], values)
            self.run(starting.server)
            self.gateways[name] = starting
        return self.gateways[name]

    def bridge(self, pbx: int | None = None) -> Bridge:
        """
        Return a further Kamailio and an rtpengine, in front of a PBX that speaks plain RTP; they start on first use.

        :param pbx: the SIP port of that PBX; Asterisk's, for its plain agents, when not given.
        """
        pbx = pbx or self.ports.asterisk_sip
        if pbx not in self.bridges:
            sip, ws, wss, control = free_ports(4)
            ports = evolve(self.ports, asterisk_sip=pbx, kamailio_sip=sip, kamailio_ws=ws, kamailio_wss=wss)
            name = f"rtpengine-{len(self.bridges) + 1}"
            servers = (
                kamailio(self.folder / f"kamailio-{name}", ports, self.certificates, control),
                rtpengine(self.folder / name, control),
            )
            self.bridges[pbx] = Bridge(Way("Kamailio and rtpengine", (f"ws://127.0.0.1:{ws}",)), sip, servers)
            for server in reversed(servers):
                self.run(server)
        return self.bridges[pbx]

    def dismiss(self, name: str) -> None:
        """Stop a gateway that only one case needed."""
        if name in self.gateways:
            self.gateways.pop(name).server.stop()


def environment() -> Environment:
    """
    Return the running environment; the first call installs what is missing, starts it and sees to its end.

    :raises InstallError: without root, or when something cannot be installed; every case then fails with that text.
    :raises ServerFailedError: when a server does not start; likewise.
    """
    outcome = _outcome()
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def running() -> Environment | None:
    """Return the environment, if there is one."""
    outcome = _outcome() if _outcome.cache_info().currsize else None
    return outcome if isinstance(outcome, Environment) else None


@functools.cache
def _outcome() -> Environment | Exception:
    """Try once: what failed for the first case is told to the others, not tried again."""
    try:
        return _started()
    except (InstallError, NoMirrorError, ServerFailedError) as problem:
        return problem


def _started() -> Environment:
    installation = install()
    lock = (installation.folder / "run.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise InstallError(f"another interop run uses {installation.folder}: set WRTCGW_INTEROP_DIR") from None
    _end_leftovers(installation.folder)
    os.environ[MARK] = str(installation.folder)
    prepared = _prepared(installation)
    atexit.register(_end, prepared, lock)
    prepared.start()
    return prepared


def _end_leftovers(folder: pathlib.Path) -> None:
    """End what a run left behind that was killed itself; whoever calls holds the lock, so no run is alive."""
    # nginx overwrites its environment, but takes its workers with it
    end_named(folder / "run/nginx/nginx.pid", str(folder))
    end_marked(f"{MARK}={folder}")


def _end(ending: Environment, lock: TextIO) -> None:
    ending.stop()
    lock.close()


def _prepared(installation: Installation) -> Environment:
    folder = installation.folder / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    *numbers, page_port = free_ports(8)
    ports = Ports(*numbers)
    certificates = make_certificates(folder)
    return Environment(
        folder=folder,
        ports=ports,
        certificates=certificates,
        asterisk=asterisk(installation, folder, ports),
        kamailio=kamailio(folder / "kamailio", ports, certificates),
        nginx=nginx(folder / "nginx", ports, certificates),
        page_port=page_port,
    )
