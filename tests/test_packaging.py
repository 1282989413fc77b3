"""What is shipped: package data, plugin, unit file, continuous integration."""

import configparser
import pathlib
import re
import shutil
import subprocess
import sys

from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
from twisted.trial.unittest import SkipTest, SynchronousTestCase

import wrtcgw

TOP = pathlib.Path(__file__).parent.parent
UNIT = TOP / "conf" / "wrtcgw.service"

HARDENING = {
    "CapabilityBoundingSet": "",
    "DynamicUser": "yes",
    "NoNewPrivileges": "yes",
    "PrivateDevices": "yes",
    "PrivateTmp": "yes",
    "PrivateUsers": "yes",
    "LimitCORE": "0",
    "MemoryMax": "1G",
    "TasksMax": "64",
    "ProtectHome": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectSystem": "strict",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces": "yes",
    "UMask": "0077",
}

TRIAL_OUTPUT = """
-------------------------------------------------------------------------------
Ran {ran} tests in 0.5s

{verdict}
"""


class PackageTests(SynchronousTestCase):
    """What setup.py and the plugin say."""

    def test_plugin(self) -> None:
        """Twistd finds the plugin, and it names a module with Options and makeService."""
        plugin = next(each for each in getPlugins(IServiceMaker) if each.tapname == "wrtcgw")
        self.assertTrue(plugin.description)
        self.assertEqual(plugin.options.__name__, "Options")
        self.assertTrue(callable(plugin.makeService))

    def test_data_files(self) -> None:
        """What is no Python travels with the package."""
        package = pathlib.Path(wrtcgw.__file__).parent
        self.assertTrue((package / "py.typed").exists())
        self.assertTrue((package / "browser" / "softphone" / "index.html").exists())
        self.assertTrue((package / "browser" / "grtc" / "phone.js").exists())
        self.assertTrue((package / "browser" / "grtc.d.ts").exists())
        extension = package / "browser" / "extension" / "files"
        self.assertTrue((extension / "_locales" / "en" / "messages.json").exists())  # the deepest of all

    def test_version(self) -> None:
        """The version is the one of setup.py, a plain one."""
        self.assertRegex(wrtcgw.__version__, r"^\d+\.\d+\.\d+$")

    def test_readme_names_what_exists(self) -> None:
        """Every file below conf/ that the README names is there."""
        for name in re.findall(r"`(conf/[\w./-]+)`", (TOP / "README.md").read_text()):
            self.assertTrue((TOP / name).exists(), name)


class UnitTests(SynchronousTestCase):
    """conf/wrtcgw.service."""

    def setUp(self) -> None:
        """Read the unit; keys may come several times."""
        self.text = UNIT.read_text()
        parser = configparser.RawConfigParser(strict=False)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_string(self.text)
        self.service = dict(parser["Service"])

    def test_keys(self) -> None:
        """It is hardened, comes back by itself, reloads, and ends with more time than draining takes."""
        for key, value in HARDENING.items():
            self.assertEqual(self.service.get(key), value, key)
        self.assertEqual(self.service["Type"], "notify")
        self.assertIn(self.service["Restart"], ("always", "on-failure"))
        self.assertIn("-HUP $MAINPID", self.service["ExecReload"])
        self.assertGreater(int(self.service["TimeoutStopSec"]), 10)
        self.assertNotIn("MemoryDenyWriteExecute", self.service)

    def test_systemd_takes_it(self) -> None:
        """Systemd itself finds no fault in it."""
        analyze = shutil.which("systemd-analyze")
        if analyze is None:
            raise SkipTest("systemd-analyze is not installed")
        unit = pathlib.Path(self.mktemp()).absolute().with_suffix(".service")
        unit.write_text(self.text.replace("/opt/wrtcgw/bin/twistd", sys.executable))
        done = subprocess.run([analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr.strip()), (0, ""), done.stderr)

    def test_exposure(self) -> None:
        """By systemd's own measure it is exposed by at most 2.0 of 10."""
        analyze = shutil.which("systemd-analyze")
        if analyze is None:
            raise SkipTest("systemd-analyze is not installed")
        command = [analyze, "security", "--offline=yes", "--no-pager", "--threshold=20", str(UNIT)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-300:] + done.stderr)
        self.assertIn("Overall exposure level", done.stdout)

    def test_template(self) -> None:
        """conf/wrtcgw@.service is the same for several gateways: only names have the instance in them."""
        template = (UNIT.parent / "wrtcgw@.service").read_text()
        for more, less in (
            ("gateway %i (", "gateway ("),
            (" redis-server.service", ""),
            ("Environment=WRTCGW_NODE_NAME=%i\n", ""),
            ("/%i.toml", "/wrtcgw.toml"),
            ("=wrtcgw/%i", "=wrtcgw"),
            ("/wrtcgw/%i", "/wrtcgw"),
        ):
            self.assertIn(more, template)
            template = template.replace(more, less)
        self.assertEqual(template[template.index("[Unit]") :], self.text[self.text.index("[Unit]") :])


class ContinuousIntegrationTests(SynchronousTestCase):
    """.ci/run, with a stand-in for everything that it starts."""

    def run_script(
        self, tests: str, interop: str, *, tests_status: int = 0, step_status: int = 0
    ) -> tuple[int, list[str]]:
        """
        Run the script in a copy of the project that has nothing but what the script reads.

        :param tests: what the README's test command prints; ``interop`` the same for the second suite.
        :returns: exit status and output lines.
        """
        top = pathlib.Path(self.mktemp()).absolute()
        (top / ".ci").mkdir(parents=True)
        shutil.copy(TOP / ".ci" / "run", top / ".ci" / "run")
        shutil.copy(TOP / "README.md", top / "README.md")
        (top / "tests.out").write_text(tests)
        (top / "interop.out").write_text(interop)
        binaries = top / "bin"
        binaries.mkdir()
        tox = f"""#!/bin/sh
case "$*" in
    *--notest*) exit 0 ;;
    *interop*) cat {top}/interop.out ;;
    *fuzz* | *package*) exit {step_status} ;;
    *) cat {top}/tests.out; exit {tests_status} ;;
esac
"""
        python = f"""#!/bin/sh
[ "$2" = venv ] || exit 0
[ -e "$3/bin/tox" ] && exit 0  # what runs beside may be about to start it
mkdir -p "$3/bin" && printf '#!/bin/sh\\n' > "$3/bin/pip" && cp {binaries}/tox "$3/bin/tox" && chmod +x "$3"/bin/*
"""
        for name, text in (("python3", python), ("tox", tox)):
            (binaries / name).write_text(text)
            (binaries / name).chmod(0o755)
        environ = {"PATH": f"{binaries}:/usr/bin:/bin", "TMPDIR": str(top)}
        done = subprocess.run(
            ["bash", str(top / ".ci" / "run")], env=environ, capture_output=True, text=True, check=False, timeout=60
        )
        return done.returncode, done.stdout.splitlines()

    def test_sums(self) -> None:
        """Both suites are added up in the last line, and success is success."""
        tests = TRIAL_OUTPUT.format(ran=7, verdict="PASSED (skips=1, expectedFailures=1, successes=5)")
        interop = TRIAL_OUTPUT.format(ran=3, verdict="PASSED (successes=3)")
        status, lines = self.run_script(tests, interop)
        self.assertEqual((status, lines[-1]), (0, "9 passed, 0 failed, 1 skipped"))

    def test_failures(self) -> None:
        """A failed test fails the run."""
        tests = TRIAL_OUTPUT.format(ran=7, verdict="PASSED (successes=7)")
        interop = TRIAL_OUTPUT.format(
            ran=3, verdict="FAILED (failures=1, errors=1, unexpectedSuccesses=1, successes=0)"
        )
        status, lines = self.run_script(tests, interop)
        self.assertEqual((status, lines[-1]), (1, "7 passed, 3 failed"))

    def test_nothing_ran(self) -> None:
        """A suite that ran no test is a failure, whatever it says of itself."""
        tests = TRIAL_OUTPUT.format(ran=7, verdict="PASSED (successes=7)")
        for interop in (TRIAL_OUTPUT.format(ran=0, verdict="PASSED"), ""):
            status, lines = self.run_script(tests, interop)
            self.assertEqual((status, lines[-1]), (1, "7 passed, 1 failed"))

    def test_other_checks(self) -> None:
        """Lint, types and coverage fail the run too, although they are no tests."""
        tests = TRIAL_OUTPUT.format(ran=7, verdict="PASSED (successes=7)")
        status, lines = self.run_script(tests, tests, tests_status=1)
        self.assertEqual((status, lines[-1]), (1, "14 passed, 1 failed"))

    def test_beside(self) -> None:
        """So do the fuzz, what builds and starts the packages, and the check of the package."""
        tests = TRIAL_OUTPUT.format(ran=7, verdict="PASSED (successes=7)")
        status, lines = self.run_script(tests, tests, step_status=1)
        self.assertEqual((status, lines[-1]), (1, "14 passed, 3 failed"))


class InteropSuite(SynchronousTestCase):
    """The cases that need real servers."""

    def test_every_case_is_run(self) -> None:
        """Each module of cases is imported and loaded by the suite: one that is not would never be red."""
        folder = TOP / "tests" / "interop"
        text = (folder / "suite.py").read_text()
        for path in folder.glob("case_*.py"):
            self.assertEqual(len(re.findall(rf"\b{path.stem}\b", text)), 2, path.stem)
