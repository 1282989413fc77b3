"""The tests of the scripts under node, which are skipped elsewhere without one: here there has to be one."""

import os
import subprocess

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from tests.browser.test_node import NODE, NodeTests
from tests.interop.install import FOLDER, node_package
from tests.support.node import LIMIT, OLDEST, PROJECT


class InstalledNodeTests(NodeTests):
    """What node is there for, with the node that is installed for it."""

    def test_node(self) -> None:
        """There is a node that can run the tests."""
        self.assertIsNotNone(NODE, f"there is no node {OLDEST} or later: run python -m tests.interop.install")

    def test_types(self) -> "Deferred[None]":
        """The sources have the types that their comments say (``tsc --checkJs --strict``)."""
        return deferToThread(self._check_types)

    def _check_types(self) -> None:
        done = subprocess.run(
            [str(NODE), "tests/browser/check_types.mjs"],
            cwd=PROJECT,
            env={**os.environ, "NODE_PATH": str(node_package(FOLDER, "typescript").parent)},
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        self.assertEqual((done.stdout, done.returncode), ("", 0), done.stderr)


del NodeTests
