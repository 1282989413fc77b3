"""What the gateway is made of: the lock file, the licences, and a wheel that comes out the same each time."""

import os
import pathlib
import re
import runpy
import sys
from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests import audit
from tests.licenses import PERMISSIVE, document, name_of, packages, required
from wrtcgw.config.settings import keys

TOP = pathlib.Path(__file__).parent.parent
PIN = re.compile(r"(?m)^([a-z0-9.-]+)==(\S+?)(?: ; ([^\\\n]+?))? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)")


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version."""
    return tuple(map(int, re.findall(r"\d+", version)))


class LockTests(SynchronousTestCase):
    """requirements.lock."""

    def setUp(self) -> None:
        self.text = (TOP / "requirements.lock").read_text()
        self.pins = {found[1]: found for found in PIN.finditer(self.text)}

    def test_hashes(self) -> None:
        """Every package has one version and hashes, and nothing comes from elsewhere than the index."""
        lines = [line for line in self.text.splitlines() if line and not line.startswith((" ", "#"))]
        self.assertEqual(len(lines), len(self.pins), [line for line in lines if line.split("==")[0] not in self.pins])
        self.assertNotRegex(self.text, r"(?i)https?:|git\+|--index|--extra|--trusted|file:|^-e")

    def test_complete(self) -> None:
        """All that setup.py asks for is there, no older than it wants, with all that is needed for it."""
        for requirement in required():
            name, _, least = requirement.partition(">=")
            self.assertIn(name_of(name), self.pins)
            self.assertGreaterEqual(numbers(self.pins[name_of(name)][2]), numbers(least) or (0,), requirement)
        self.assertEqual([package.name for package in packages() if package.name not in self.pins], [])


class LicenceTests(SynchronousTestCase):
    """LICENSES.md."""

    def test_permissive(self) -> None:
        """Nothing that the gateway needs restricts what it may be used for."""
        found = packages()
        self.assertGreater(len(found), 15)
        for package in found:
            choices = re.split(r" OR | AND ", package.licence)
            self.assertTrue(set(choices) <= set(PERMISSIVE), f"{package.name}: {package.licence}")

    def test_listed(self) -> None:
        """The list names all of them."""
        listed = set(re.findall(r"(?m)^\| ([a-z0-9.-]+) \|", (TOP / "LICENSES.md").read_text())) - {"package"}
        self.assertEqual({package.name for package in packages()} - listed, set())
        self.assertIn("# Licences", document())


class AuditTests(SynchronousTestCase):
    """What ``tox -e audit`` says where pip-audit cannot."""

    lock = "one==1.0 \\\n    --hash=sha256:0\nTwo-x==2.0 ; python_version < '3.12' \\\n"

    def ask(self, *found: str) -> audit.Ask:
        """Return an index that has these pages; each has one weakness, and one that was withdrawn."""
        weak = [{"id": "PYSEC-1", "withdrawn": None}, {"id": "PYSEC-2", "withdrawn": "2026-01-01"}]
        pages: dict[str, Mapping[str, Any]] = {
            "one/1.0": {"vulnerabilities": []},
            "Two-x/2.0": {"vulnerabilities": []},
            "weak": {"vulnerabilities": weak},
            "Two-x": {"info": {"version": "2.0"}, "vulnerabilities": weak},
            "one": {"info": {"version": "1.1"}, "vulnerabilities": []},
        }
        return lambda path: pages[path] if path in found else None

    def test_fine(self) -> None:
        """Nothing is known of any."""
        self.assertEqual(
            audit.judge(self.lock, self.ask("one/1.0", "Two-x/2.0")),
            (audit.FINE, ["none of 2 packages has a known weakness"]),
        )

    def test_weak(self) -> None:
        """A weakness is told by its id, also from the page of the newest release, if that is the one."""
        code, lines = audit.judge(self.lock, self.ask("one/1.0", "Two-x"))
        self.assertEqual((code, lines), (audit.WEAK, ["Two-x 2.0 has a known weakness: PYSEC-1"]))

    def test_unknown(self) -> None:
        """What the index does not tell of is named, and is no success, with a weakness beside it or not."""
        code, lines = audit.judge(self.lock, self.ask("one", "Two-x/2.0"))
        self.assertEqual(code, audit.UNKNOWN)
        self.assertIn("one 1.0", lines[-1])
        self.assertIn("https://pypi.org", lines[-1])
        self.assertEqual(audit.judge(self.lock, self.ask("one", "Two-x"))[0], audit.WEAK)

    def test_all_are_read(self) -> None:
        """Each package of the lock is asked about."""
        asked: list[str] = []
        audit.judge((TOP / "requirements.lock").read_text(), asked.append)
        self.assertGreater(len([path for path in asked if "/" in path]), 20)


class WheelTests(SynchronousTestCase):
    """That the same source makes the same wheel; ``tox -e package`` builds it twice and compares."""

    def test_time(self) -> None:
        """A build without a time of its own has a fixed one, not that of the day; a given one counts."""
        for given, expected in (("", "1795824000"), ("1700000000", "1700000000")):
            self.patch(os, "environ", {**os.environ, "SOURCE_DATE_EPOCH": given} if given else dict(os.environ))
            if not given:
                os.environ.pop("SOURCE_DATE_EPOCH", None)
            self.patch(sys, "argv", ["setup.py", "--version"])
            source = (TOP / "setup.py").read_text().split("setup(\n")[0]
            path = pathlib.Path(self.mktemp()).with_suffix(".py")
            path.write_text(source.replace("__file__", repr(str(TOP / "setup.py"))))
            runpy.run_path(str(path))
            self.assertEqual(os.environ["SOURCE_DATE_EPOCH"], expected)

    def test_built_twice(self) -> None:
        """The check of the package builds it twice."""
        tox = (TOP / "tox.ini").read_text()
        self.assertEqual(tox.count("python -m build"), 2)
        self.assertIn("sums[0] != sums[1]", tox)


class PolicyTests(SynchronousTestCase):
    """SECURITY.md."""

    def test_shown_by(self) -> None:
        """Each threat names how it is stopped and a test that shows it, and every file that is named is there."""
        text = (TOP / "SECURITY.md").read_text()
        threats = text[text.index("| who |") : text.index("Not stopped by")].splitlines()[2:]
        rows = [row for row in threats if row.startswith("|")]
        self.assertGreater(len(rows), 15)
        self.assertEqual([row for row in rows if "`tests/" not in row], [])
        named = re.findall(r"`((?:tests|conf)/[\w./-]+)`", text)
        self.assertEqual([name for name in named if not (TOP / name).exists()], [])

    def test_attacks(self) -> None:
        """Each of the thirty attacks names tests that are there."""
        text = (TOP / "SECURITY.md").read_text()
        rows = dict(re.findall(r"(?m)^\| (\d+) \|[^|]+\|([^|]+)\|$", text))
        self.assertEqual(list(rows), [str(number) for number in range(1, 31)])
        for number, tests in rows.items():
            files = re.findall(r"`(tests/[\w./]+)`(?:: ((?:`\w+`(?:, )?)+))?", tests)
            self.assertTrue(files, number)
            for name, functions in files:
                source = (TOP / name).read_text()
                for function in re.findall(r"`(\w+)`", functions):
                    self.assertRegex(source, rf"def {function}\(", (number, name))

    def test_requirements(self) -> None:
        """All twelve requirements of ASVS 5.0's chapter on WebRTC are answered."""
        text = (TOP / "SECURITY.md").read_text()
        for number in ("17.1.1", "17.1.2", *(f"17.2.{part}" for part in range(1, 9)), "17.3.1", "17.3.2"):
            self.assertRegex(text, rf"(?m)^\| {re.escape(number)} .*\| .{{10,}}\|$")

    def test_settings(self) -> None:
        """Every setting that it counts on exists."""
        known = {name for name, _, _ in keys()}
        table = (TOP / "SECURITY.md").read_text().split("## OWASP")[0]
        named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)\b[^`]*`", table))
        self.assertEqual(named - known, set())
