"""The logic of the scripts under node's own test runner: each file of ``tests/browser`` is a test of its own here."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.interop.servers import PROJECT
from wrtcgw.browser.pages import joined

FILES = sorted((PROJECT / "tests" / "browser").glob("*.test.mjs"))
LIMIT = 120.0
"""Seconds for one file."""
OLDEST = 18
"""Debian 12's; older ones have no test runner."""


def new_enough() -> str | None:
    """Return a node that can run the tests, the system's own before others; None for none."""
    for name in ("/usr/bin/node", "node"):
        found = shutil.which(name)
        if found is not None:
            told = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
            if int(told.removeprefix("v").partition(".")[0]) >= OLDEST:
                return found
    return None


class NodeTests(TestCase):
    """One test method for each file; a failure shows the tests that failed."""

    timeout = LIMIT + 10

    def check(self, path: pathlib.Path) -> "Deferred[None]":
        """Run a file; it has to hold tests, and all of them to pass."""
        return deferToThread(self._node, path)

    def _node(self, path: pathlib.Path) -> None:
        node = new_enough()
        self.assertIsNotNone(node, f"there is no node {OLDEST} or later: run python -m tests.interop.install")
        with tempfile.NamedTemporaryFile(suffix=".js") as script:
            script.write(joined())
            script.flush()
            done = subprocess.run(
                [str(node), "--test", "--test-reporter=tap", str(path)],
                cwd=PROJECT,
                env={**os.environ, "WRTCGW_JOINED": script.name},
                capture_output=True,
                text=True,
                timeout=LIMIT,
                check=False,
            )
        failed = [name for name in re.findall(r"(?m)^ *not ok \d+ - (.*)$", done.stdout) if not name.endswith(".mjs")]
        output = f"{done.stdout[-8000:]}{done.stderr[-2000:]}"
        self.assertEqual((failed, done.returncode), ([], 0), output)
        self.assertGreater(len(re.findall(r"(?m)^ *ok \d+ - ", done.stdout)), 0, output)


def _method(path: pathlib.Path) -> None:
    def test(self: NodeTests) -> "Deferred[None]":
        return self.check(path)

    name = "test_" + re.sub(r"\W", "_", path.name.removesuffix(".test.mjs"))
    test.__name__ = name
    test.__doc__ = path.read_text("utf-8").splitlines()[0].removeprefix("// ")
    setattr(NodeTests, name, test)


for each in FILES:
    _method(each)
