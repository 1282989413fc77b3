"""Scripts of the browser side under node's own test runner."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from attrs import frozen

from wrtcgw.browser.pages import joined

PROJECT = pathlib.Path(__file__).parents[2]
FILES = sorted((PROJECT / "tests" / "browser").glob("*.test.mjs"))
LIMIT = 120.0
"""Seconds for one file."""
OLDEST = 18
"""Debian 12's; older ones have no test runner."""


@frozen
class NodeRun:
    """What came of one file of tests."""

    passed: int
    failed: list[str]
    """Names of the tests that failed."""
    status: int
    """What node ended with."""
    output: str
    """The end of what it printed."""


def find_node() -> str | None:
    """Return a node that can run the tests, the system's own before others; None without one."""
    for name in ("/usr/bin/node", "node"):
        found = shutil.which(name)
        if found is not None:
            told = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
            if int(told.removeprefix("v").partition(".")[0]) >= OLDEST:
                return found
    return None


def run_tests(node: str, path: pathlib.Path) -> NodeRun:
    """Run a file of tests, which finds the library as one script by ``WRTCGW_JOINED``; blocks."""
    with tempfile.NamedTemporaryFile(suffix=".js") as script:
        script.write(joined())
        script.flush()
        done = subprocess.run(
            [node, "--test", "--test-reporter=tap", str(path)],
            cwd=PROJECT,
            env={**os.environ, "WRTCGW_JOINED": script.name},
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    failed = [name for name in re.findall(r"(?m)^ *not ok \d+ - (.*)$", done.stdout) if not name.endswith(".mjs")]
    passed = len(re.findall(r"(?m)^ *ok \d+ - ", done.stdout))
    return NodeRun(passed, failed, done.returncode, f"{done.stdout[-8000:]}{done.stderr[-2000:]}")
