"""The logic of the scripts under node: each file of tests here is one test, skipped where there is no node."""

import pathlib
import re

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SkipTest, TestCase

from tests.support.node import FILES, LIMIT, OLDEST, find_node, run_tests

NODE = find_node()


class NodeTests(TestCase):
    """One test method for each file; a failure shows the tests that failed."""

    timeout = LIMIT + 10

    def check(self, path: pathlib.Path) -> "Deferred[None]":
        """Run a file; it has to hold tests, and all of them to pass."""
        if NODE is None:
            raise SkipTest(f"there is no node {OLDEST} or later on the PATH: install Debian's package nodejs, say")
        return deferToThread(self._run_file, NODE, path)

    def _run_file(self, node: str, path: pathlib.Path) -> None:
        ran = run_tests(node, path)
        self.assertEqual((ran.failed, ran.status), ([], 0), ran.output)
        self.assertGreater(ran.passed, 0, ran.output)


def _method(path: pathlib.Path) -> None:
    def test(self: NodeTests) -> "Deferred[None]":
        return self.check(path)

    name = "test_" + re.sub(r"\W", "_", path.name.removesuffix(".test.mjs"))
    test.__name__ = name
    test.__doc__ = path.read_text("utf-8").splitlines()[0].removeprefix("// ")
    setattr(NodeTests, name, test)


for each in FILES:
    _method(each)
