"""
Whether anything that the gateway runs on has a known weakness: ``python tests/audit.py requirements.lock``.

pip-audit asks PyPI about each package in the very version of the lock. An index that stands in for PyPI may not have
that: then pip-audit leaves the package out, or, with ``--strict``, says no more than that it is not there. So what is
left is looked up here on the package's own page, which tells of its newest release alone. What cannot be judged so is
named, and is no success.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

INDEX = "https://pypi.org/pypi"
LOCKED = re.compile(r"(?m)^([A-Za-z0-9._-]+)==([^\s;\\]+)")
FINE, WEAK, UNKNOWN = 0, 1, 2
"""Exit codes."""

Ask = Callable[[str], Mapping[str, Any] | None]
"""Returns what the index says at a path below :data:`INDEX`, None when it has nothing there."""


def ask_pypi(path: str) -> Mapping[str, Any] | None:
    """Ask the index."""
    try:
        with urlopen(f"{INDEX}/{path}/json", timeout=30) as answer:
            found: Mapping[str, Any] = json.load(answer)
            return found
    except HTTPError as error:
        if error.code == 404:
            return None
        raise


def weaknesses(name: str, version: str, ask: Ask) -> list[str] | None:
    """Return the ids of the known weaknesses of a package; None when the index does not tell of this version."""
    page = ask(f"{name}/{version}")
    if page is None:
        page = ask(name)
        if page is None or page["info"]["version"] != version:
            return None
    return [each["id"] for each in page["vulnerabilities"] if not each.get("withdrawn")]


def judge(lock: str, ask: Ask) -> tuple[int, list[str]]:
    """Return the exit code for the packages of a lock, and the lines that say why."""
    lines, unknown = [], []
    packages = LOCKED.findall(lock)
    for name, version in packages:
        found = weaknesses(name, version, ask)
        if found is None:
            unknown.append(f"{name} {version}")
        elif found:
            lines.append(f"{name} {version} has a known weakness: {', '.join(found)}")
    if unknown:
        lines.append(
            f"not known: {', '.join(unknown)}. This index tells of the newest release of a package only: "
            "take the newest into the lock (tox -e lock), or run this where https://pypi.org itself is reached"
        )
    weak = any("known weakness" in line for line in lines)
    if not lines:
        lines.append(f"none of {len(packages)} packages has a known weakness")
    return WEAK if weak else UNKNOWN if unknown else FINE, lines


def main(path: str, *options: str) -> int:
    """Let pip-audit look, and look ourselves where it cannot; return the exit code."""
    command = ("pip-audit", "--strict", "--require-hashes", "--disable-pip", "-r", path, *options)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout, end="")
    if "not found on PyPI" not in done.stderr:
        print(done.stderr, file=sys.stderr, end="")
        return done.returncode
    print("pip-audit: this index does not tell of single versions; asking it about the packages", file=sys.stderr)
    try:
        code, lines = judge(Path(path).read_text("utf-8"), ask_pypi)
    except OSError as error:
        print(f"{INDEX} cannot be reached: {error}. Nothing was judged", file=sys.stderr)
        return UNKNOWN
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
