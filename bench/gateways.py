"""The gateways that are compared: how each is had, and how it is started on its own core."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

HERE = Path(__file__).parent
ROOT = HERE.parent
SETTINGS = """
sip_ws_servers = ["ws://127.0.0.1:{far}"]
sip_domain = "127.0.0.1"
http_port = {port}
"""
UNBOUND = """
connections_per_address = 0
calls_per_minute = 10000
sign_in_burst_per_address = 1000000
sign_in_rate_per_address = 1000
"""
"""For a load that comes from one address; all else is as shipped. An earlier tree gets the keys that it knows."""


TWISTD = "import sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"


@frozen(kw_only=True)
class Gateway:
    """
    One of them.

    :ivar command: with ``{settings}`` where the file of settings goes.
    :ivar settings: lines of TOML beside :data:`SETTINGS`.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(factory=dict)
    settings: str = ""

    def start(self, folder: Path, core: int, far: int, port: int) -> subprocess.Popen[bytes]:
        """Start it, pinned to a core."""
        file = folder / f"{self.name}.toml"
        file.write_text(SETTINGS.format(far=far, port=port) + self.settings)
        command = [part.format(settings=file, folder=folder) for part in self.command]
        environment = {**os.environ, **self.environment, "HTTP_PORT": str(port), "SIP_URL": f"ws://127.0.0.1:{far}"}
        with (folder / f"{self.name}.log").open("wb") as log:
            pinned = ["taskset", "-c", str(core), *command]
            return subprocess.Popen(pinned, cwd=folder, env=environment, stdout=log, stderr=log)


def ours(name: str = "ours", python: str = sys.executable, tree: Path = ROOT, settings: str = "") -> Gateway:
    """Return the gateway of a source tree, run by a Python that has its requirements."""
    plugins = f"{tree / 'src'}{os.pathsep}{tree}"
    known = (tree / "conf/wrtcgw.toml").read_text()
    unbound = [line for line in UNBOUND.splitlines() if line.partition(" ")[0] in known]
    twistd = (python, "-c", TWISTD, "-n", "--pidfile=", "wrtcgw", "--config", "{settings}")
    return Gateway(
        name=name, command=twistd, environment={"PYTHONPATH": plugins}, settings="\n".join([*unbound, settings])
    )


def of_commit(folder: Path, commit: str) -> Gateway:
    """Return the gateway of an earlier commit: a worktree of it, and a virtual environment of its own."""
    tree, venv = folder / commit, folder / f"venv-{commit}"
    if not tree.exists():
        subprocess.run(["git", "-C", ROOT, "worktree", "add", "--detach", tree, commit], check=True)
    if not venv.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin/pip", "install", "-q", tree], check=True)
    return ours(commit, str(venv / "bin/python"), tree)


def node(folder: Path) -> Gateway:
    """Return the peer: Node with JsSIP, from npm."""
    place = folder / "node"
    place.mkdir(exist_ok=True)
    for file in ("package.json", "gateway.js"):
        (place / file).write_bytes((HERE / "node" / file).read_bytes())
    if not (place / "node_modules").exists():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=place, check=True)
    return Gateway(name="node", command=("node", "{folder}/node/gateway.js"))
