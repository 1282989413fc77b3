"""
The trial suite, with as many processes as there are cores: ``python -m tests.side_by_side FOLDER [MODULE ...]``.

The modules are dealt out to runs of trial that are about as long as each other, by the lines of their files; each run
takes place in a folder of its own below FOLDER and is printed when it is over. Coverage is measured in each. With
modules given there is one run, of these. Ends with 1 when any run failed.
"""

import os
import pathlib
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

TESTS = pathlib.Path(__file__).parent
RUNS_EACH = 4
"""Runs for each core: the more there are, the less the last one is waited for; each takes some seconds to begin."""
LIMIT = 1800.0
"""Seconds that a run may take."""


def modules() -> list[pathlib.Path]:
    """Return the files of the suite, as trial finds them; the cases of interop have other names."""
    return sorted(TESTS.rglob("test_*.py"))


def dealt(files: Sequence[pathlib.Path], runs: int) -> list[list[str]]:
    """Return the names of the modules for each run, those with the most lines first."""
    weights = {path: len(path.read_bytes().splitlines()) for path in files}
    hands: list[list[str]] = [[] for _ in range(min(runs, len(files)))]
    loads = [0] * len(hands)
    for path in sorted(files, key=lambda path: -weights[path]):
        least = loads.index(min(loads))
        hands[least].append(".".join(path.relative_to(TESTS.parent).with_suffix("").parts))
        loads[least] += weights[path]
    return hands


def trial(names: Sequence[str], folder: pathlib.Path) -> tuple[int, str]:
    """Run modules; return trial's exit code, and what it printed."""
    measured = (sys.executable, "-m", "coverage", "run", f"--rcfile={TESTS.parent / 'tox.ini'}", "--parallel-mode")
    command = (*measured, "-m", "twisted.trial", f"--temp-directory={folder}", *names)
    with subprocess.Popen(command, cwd=TESTS.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            output, late = process.communicate(timeout=LIMIT)[0], ""
        except subprocess.TimeoutExpired:
            process.kill()
            output, late = process.communicate()[0], f"\nside by side: this run took longer than {LIMIT:g} s\n"
    return process.returncode, output.decode(errors="replace") + late


def main(folder: pathlib.Path, names: Sequence[str]) -> int:
    """Run everything, or ``names``; return the exit code."""
    cores = len(os.sched_getaffinity(0))
    hands = [list(names)] if names else dealt(modules(), RUNS_EACH * cores)
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    with ThreadPoolExecutor(cores) as pool:
        runs = [pool.submit(trial, hand, folder / f"run-{number}") for number, hand in enumerate(hands)]
        for number, run in enumerate(as_completed(runs), 1):
            code, text = run.result()
            failed += code != 0
            print(text, end="", flush=True)
            print(f"side by side: {number} of {len(hands)} runs are over, {failed} of them failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python -m tests.side_by_side FOLDER [MODULE ...]")
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2:]))
