"""The gateway under test: a real ``twistd wrtcgw`` of this interpreter, on a port of loopback."""

import json
import os
import pathlib
import sys
from collections.abc import Mapping
from urllib.request import urlopen

from attrs import frozen

from tests.interop.processes import Server
from tests.interop.servers import DOMAIN, PROJECT


@frozen
class Gateway:
    """The process, and the address of its HTTP surface."""

    server: Server
    url: str


def gateway(folder: pathlib.Path, name: str, port: int, settings: Mapping[str, object]) -> Gateway:
    """
    Write a configuration file and return the gateway, not started.

    :param settings: keys of ``wrtcgw.toml`` beside the port and the domain.
    """
    home = folder / f"gateway-{name}"
    home.mkdir(exist_ok=True)
    usual = {"log_level": "debug", "operator_loopback": True, "auto_answer": "headers"}
    values = {"http_port": port, "sip_domain": DOMAIN, **usual, **settings}
    # JSON's strings, numbers, booleans and lists of them are TOML's
    (home / "wrtcgw.toml").write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()))
    twistd = pathlib.Path(sys.executable).with_name("twistd")
    command = (str(twistd), "--nodaemon", "--pidfile=", "wrtcgw", "--config", str(home / "wrtcgw.toml"))
    server = Server(
        f"gateway {name}",
        command,
        folder / f"gateway-{name}.log",
        lambda: _answers(port),
        {"PYTHONPATH": _python_path(), "PYTHONUNBUFFERED": "1"},
        home,
    )
    return Gateway(server, f"http://127.0.0.1:{port}")


def _python_path() -> str:
    """Return this process's own, usable from another folder: empty under tox, where the wheel is tested."""
    return os.pathsep.join(str(PROJECT / each) for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each)


def _answers(port: int) -> bool:
    """Return whether the HTTP surface answers."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/api/health", timeout=2):
            return True
    except OSError:
        return False
