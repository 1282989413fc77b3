"""The trial suite as several runs: nothing is left out, and what fails in one fails."""

import os
import pathlib
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from tests.side_by_side import TESTS, dealt, modules, trial


class Dealing(SynchronousTestCase):
    """How the modules are dealt out."""

    def test_each_once(self) -> None:
        """Every module of tests that trial would find is in one run, those beside the interop cases too."""
        hands = dealt(modules(), 8)
        names = sorted(name for hand in hands for name in hand)
        found = [path.relative_to(TESTS.parent).with_suffix("") for path in TESTS.rglob("test_*.py")]
        self.assertEqual(names, sorted(".".join(path.parts) for path in found))
        self.assertIn("tests.interop.test_apt", names)
        self.assertEqual(len(hands), 8)

    def test_few(self) -> None:
        """There are no runs of nothing."""
        self.assertEqual(len(dealt(modules()[:3], 8)), 3)


class Running(SynchronousTestCase):
    """One run."""

    def test_status(self) -> None:
        """The exit code is trial's, and all is there that it has printed."""
        folder = pathlib.Path(self.mktemp()).absolute()
        with mock.patch.dict(os.environ, COVERAGE_FILE=f"{folder}.coverage"):
            code, text = trial(["tests.no_such_module"], folder)
        self.assertNotEqual(code, 0)
        self.assertIn("FAILED (errors=1)", text)
