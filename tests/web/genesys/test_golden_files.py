"""That the golden files and the tests which read them belong together, and that a renewal cannot pass for a check."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.golden import UPDATE, compare
from tests.web.genesys import test_golden_calls, test_golden_failures, test_golden_http, test_golden_messages
from tests.web.genesys.golden import FOLDER, PREFIX, GoldenCase


class Files(SynchronousTestCase):
    """The folder ``tests/data/genesys``, and the comparison."""

    def test_each_has_its_test(self) -> None:
        """A file that no test reads would say what nobody checks."""
        names = [
            name.removeprefix(PREFIX)
            for module in (test_golden_calls, test_golden_failures, test_golden_http, test_golden_messages)
            for case in vars(module).values()
            if isinstance(case, type) and issubclass(case, GoldenCase)
            for name in vars(case)
            if name.startswith(PREFIX)
        ]
        self.assertEqual(sorted(names), sorted(path.stem for path in FOLDER.iterdir()))

    def test_comparison(self) -> None:
        """Another text, a missing file and a renewal fail; only the renewal writes."""
        path = Path(self.mktemp())
        self.assertRaises(self.failureException, compare, self, path, "new\n")
        self.assertFalse(path.exists())
        self.assertRaises(self.failureException, compare, self, path, "new\n", {UPDATE: "1"})
        self.assertEqual(path.read_text("utf-8"), "new\n")
        self.assertRaises(self.failureException, compare, self, path, "new\n", {UPDATE: "1"})
        compare(self, path, "new\n", {})
        self.assertRaises(self.failureException, compare, self, path, "other\n", {})
        self.assertEqual(path.read_text("utf-8"), "new\n")
