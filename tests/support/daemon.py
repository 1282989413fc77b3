"""A real ``twistd wrtcgw`` on loopback."""

import contextlib
import os
import pathlib
import subprocess
import sys
import threading
from collections.abc import Iterator

from attrs import define

PROJECT = pathlib.Path(__file__).parent.parent.parent
PATIENCE = 60.0
"""Seconds after which a process that hangs is killed."""


@define
class Twistd:
    """A running ``twistd wrtcgw``."""

    process: "subprocess.Popen[str]"
    output: str = ""

    def wait_for(self, text: str) -> str:
        """Read on to the line that has this text."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return line
        raise AssertionError(f"no line with {text!r} in:\n{self.output}")

    def finish(self) -> int:
        """Ask it to stop, and return its status."""
        self.process.terminate()
        self.output += self.process.communicate()[0]
        return self.process.returncode


@contextlib.contextmanager
def twistd(folder: str, *arguments: str, pidfile: str = "", **variables: str) -> Iterator[Twistd]:
    """Run the installed ``twistd wrtcgw`` in a folder of its own, with some variables; killed in the end."""
    program = pathlib.Path(sys.executable).with_name("twistd")
    paths = [str(PROJECT / each) for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    environ = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        **variables,
    }
    command = [str(program), "--nodaemon", f"--pidfile={pidfile}", "wrtcgw", *arguments]
    process = subprocess.Popen(
        command, cwd=folder, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    killer = threading.Timer(PATIENCE, process.kill)
    killer.start()
    try:
        yield Twistd(process)
    finally:
        killer.cancel()
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
