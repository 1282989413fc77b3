"""
Golden files: what is seen is compared with a file, line by line.

``WRTCGW_UPDATE_GOLDEN=1`` writes the files anew, and lets each test that does so fail: a run that renews is no run that
checks, so it cannot pass by mistake where it is run by a machine. What has changed is for ``git diff`` to show.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

UPDATE = "WRTCGW_UPDATE_GOLDEN"


def compare(case: SynchronousTestCase, path: Path, text: str, environ: Mapping[str, str] = os.environ) -> None:
    """Compare a text with a file."""
    if environ.get(UPDATE) == "1":
        path.write_text(text, encoding="utf-8")
        case.fail(f"{path.name} was written anew; look at the difference and run without {UPDATE}")
    case.assertTrue(path.exists(), f"there is no {path.name}; {UPDATE}=1 writes it")
    case.assertEqual(text.splitlines(), path.read_text(encoding="utf-8").splitlines())
