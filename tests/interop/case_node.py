"""The tests of the scripts under node, which are skipped elsewhere without one: here there has to be one."""

from tests.browser.test_node import NODE, NodeTests
from tests.support.node import OLDEST


class InstalledNodeTests(NodeTests):
    """What node is there for, with the node that is installed for it."""

    def test_node(self) -> None:
        """There is a node that can run the tests."""
        self.assertIsNotNone(NODE, f"there is no node {OLDEST} or later: run python -m tests.interop.install")


del NodeTests
