"""The command line, and a real ``twistd wrtcgw`` on loopback."""

import contextlib
import io
import json
import os
import pathlib
import signal
import socket
import sys
import time
from urllib.parse import quote
from urllib.request import Request, urlopen

from twisted.application.service import IService
from twisted.internet.task import Clock
from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from tests.support.daemon import PATIENCE, PROJECT, twistd
from wrtcgw.daemon.listener import CannotServe
from wrtcgw.daemon.service import GatewayService
from wrtcgw.tap import Options, check_pidfile, makeService, steady, tell_plainly

PROXY = {"SIP_WS_SERVER": "ws://127.0.0.1:8080"}
PASSWORD = "Genesys2024!WebRTC"
OFFER = (PROJECT / "tests" / "data" / "sdp" / "seed-offer.sdp").read_bytes()


class OptionsTests(SynchronousTestCase):
    """What the command line does."""

    def parse(self, *arguments: str, **environ: str) -> Options:
        """Parse a command line in an environment with a proxy and these variables."""
        options = Options()
        options.environ = PROXY | environ
        options.parseOptions(arguments)
        return options

    def test_demo_is_open_to_its_own_machine(self) -> None:
        """The console of a demo opens without a token, unless there is one, or it was told otherwise; no other does."""
        for arguments, more, expected in (
            (("--demo",), {}, True),
            (("--demo",), {"WRTCGW_OPERATOR_TOKEN": "t"}, False),
            (("--demo",), {"WRTCGW_OPERATOR_LOOPBACK": "false"}, False),
            ((), {}, False),
        ):
            self.assertEqual(self.parse(*arguments, **more).settings.operator_loopback, expected, (arguments, more))

    def exit(self, *arguments: str, **environ: str) -> tuple[int, str]:
        """Parse a command line that ends the process; return its status and what it printed."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            stop = self.assertRaises(SystemExit, self.parse, *arguments, **environ)
        return int(stop.code or 0), printed.getvalue()

    def file(self, text: str) -> str:
        """Write a configuration file and return its path."""
        path = pathlib.Path(self.mktemp())
        path.write_text(text)
        return str(path)

    def test_options_are_keys(self) -> None:
        """Options beat variables and the file; the file is named by option or variable."""
        path = self.file("http_port = 1\nmax_calls = 3\n")
        settings = self.parse("--config", path, "--http-port", "2", "--log-level", "debug", HTTP_PORT="4").settings
        self.assertEqual((settings.http_port, settings.max_calls, settings.log_level), (2, 3, "debug"))
        self.assertEqual(self.parse(WRTCGW_CONFIG=path).settings.max_calls, 3)

    def test_reread(self) -> None:
        """The settings can be found again, from the same places."""
        path = self.file("max_calls = 3\n")
        options = self.parse("--config", path, "-p", "2")
        pathlib.Path(path).write_text("max_calls = 4\n")
        self.assertEqual((options.reread().max_calls, options.reread().http_port), (4, 2))

    def test_faults(self) -> None:
        """A bad configuration is a usage error that names every key."""
        error = self.assertRaises(usage.UsageError, self.parse, "--http-port", "x", "--sip-domain", "a b")
        self.assertIn("http_port: expected", str(error))
        self.assertIn("sip_domain: expected", str(error))

    def test_check_config(self) -> None:
        """--check-config says OK with what is in effect, or every error and a status."""
        status, text = self.exit("--check-config", WRTCGW_OPERATOR_TOKEN="hidden")
        self.assertEqual((status, text.splitlines()[0]), (0, "OK"))
        self.assertIn('sip_ws_servers = ["ws://127.0.0.1:8080/"]  # variable SIP_WS_SERVER', text)
        self.assertNotIn("hidden", text)
        status, text = self.exit("--check-config", "--http-port", "x", LOG_LEVEL="loud")
        self.assertEqual((status, len(text.splitlines())), (1, 2))

    def test_demo_needs_no_proxy(self) -> None:
        """With --demo nothing has to be configured."""
        options = Options()
        options.environ = {}
        options.parseOptions(["--demo"])
        self.assertEqual(options.settings.proxies, ())
        self.assertRaises(usage.UsageError, self.parse, SIP_WS_SERVER="")

    def test_version(self) -> None:
        """--version is ours, not Twisted's."""
        self.assertTrue(self.exit("--version")[1].startswith("wrtcgw "))

    def test_no_secret_among_the_options(self) -> None:
        """No option takes a secret: every user of the machine can read command lines."""
        self.assertEqual([name for name in Options().docs if "password" in name or "token" in name], [])

    def test_pidfile(self) -> None:
        """A pidfile that twistd cannot write is found before it fails at it."""
        folder = pathlib.Path(self.mktemp())
        folder.mkdir()
        for good in ("", "new.pid", str(folder.absolute() / "there.pid")):
            (folder / "there.pid").write_text("1")
            check_pidfile(good, str(folder))
        for bad in ("nowhere/x.pid", ".", "there.pid/x.pid"):
            error = self.assertRaises(usage.UsageError, check_pidfile, bad, str(folder))
            self.assertRegex(str(error), "--pidfile: /.* cannot be written")

    def test_last_words(self) -> None:
        """That the gateway cannot listen is told without a traceback; anything else as always."""
        others: list[object] = []
        self.addCleanup(setattr, sys, "excepthook", sys.excepthook)
        told = io.StringIO()
        tell_plainly(lambda *error: others.append(error[1]), told)
        bug = ZeroDivisionError()
        for error in (CannotServe("http_port: 80 is taken"), bug):
            sys.excepthook(type(error), error, None)
        self.assertEqual(told.getvalue(), "twistd wrtcgw: the gateway cannot start: http_port: 80 is taken\n")
        self.assertEqual(others, [bug])

    def test_service(self) -> None:
        """The service is made without opening anything, and SIGHUP is its."""
        before = signal.getsignal(signal.SIGHUP)
        self.addCleanup(signal.signal, signal.SIGHUP, before)
        self.addCleanup(setattr, sys, "excepthook", sys.excepthook)
        from twisted.internet import reactor  # noqa: PLC0415

        self.addCleanup(vars(reactor).pop, "seconds", None)
        service = makeService(self.parse())
        self.assertIsInstance(service, GatewayService)
        self.assertTrue(IService.providedBy(service))
        self.assertNotEqual(signal.getsignal(signal.SIGHUP), before)


class SteadyTests(SynchronousTestCase):
    """Time for the reactor."""

    def test_wall_clock(self) -> None:
        """Setting the wall clock back does not keep registrations from being refreshed."""
        clock = Clock()
        steady(clock)
        self.assertIs(clock.seconds, time.monotonic)

    def test_too_late(self) -> None:
        """Calls that are scheduled already would never come by another clock."""
        clock = Clock()
        clock.callLater(1.0, self.fail)
        steady(clock)
        self.assertEqual(clock.seconds(), 0.0)


class SmokeTests(SynchronousTestCase):
    """What only a real process shows."""

    def setUp(self) -> None:
        self.folder = self.mktemp()
        os.makedirs(self.folder)

    def fetch(self, url: str, body: bytes | None = None) -> str:
        """Return the text of a response."""
        request = Request(url, data=body, headers={"Content-Type": "text/plain"} if body else {})
        with urlopen(request, timeout=PATIENCE) as response:
            text: str = response.read().decode()
        return text

    def test_demo(self) -> None:
        """The seed's requests work against the demo, a reload does not disturb, and the log holds no password."""
        config = pathlib.Path(self.folder) / "wrtcgw.toml"
        config.write_text("access_log = true\nhttp_port = 0\n")
        with twistd(self.folder, "--demo", "--config", "wrtcgw.toml") as running:
            url = running.wait_for("serving http://").partition("serving ")[2].split()[0]
            self.assertEqual(running.wait_for("  Open  "), f"  Open  {url}/softphone/\n")
            self.assertEqual(running.wait_for("  User  "), "  User  5001 (5001 to 5010); the password is filled in\n")
            self.assertEqual(running.wait_for("  Try  "), "  Try   call 1003 and hear yourself\n")
            running.wait_for("flow 0: connected")
            query = f"id=agent123&dn=5001&password={quote(PASSWORD)}"
            self.assertEqual(self.fetch(f"{url}/api/webrtc/sign_in?{query}"), "OK")
            self.assertEqual(self.fetch(f"{url}/api/webrtc/message?from=agent123&to=1003", OFFER), "OK")
            self.assertIn("m=audio", self.fetch(f"{url}/api/webrtc/message?id=agent123&wait=20"))
            config.write_text('access_log = false\nhttp_port = 0\nlog_level = "warn"\nping_interval = 1\n')
            running.process.send_signal(signal.SIGHUP)
            self.assertIn("ping_interval", running.wait_for("a restart is needed"))
            self.assertEqual(json.loads(self.fetch(f"{url}/api/health"))["active_calls"], 1)
            self.assertIn("<html", self.fetch(f"{url}/softphone/"))
            # twistd ends by the signal it was asked with, after it has stopped everything
            self.assertEqual(running.finish(), -signal.SIGTERM, running.output)
        self.assertIn("Main loop terminated", running.output)
        self.assertNotIn("WebRTC", running.output)
        self.assertIn("password=***", running.output)
        self.assertNotIn("Traceback", running.output)

    def test_bad_configuration(self) -> None:
        """A start with faults ends at once, with the faults as the last words."""
        with twistd(self.folder, "--sip-ws-server", "http://x") as running:
            running.output = running.process.communicate()[0]
        self.assertEqual(running.process.returncode, 1)
        self.assertIn("sip_ws_servers: expected ws://", running.output.splitlines()[-1])

    def test_cannot_listen(self) -> None:
        """A port that is taken ends the start with a line that names the key; no pidfile stays behind."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            with twistd(self.folder, "--demo", "--http-port", port, pidfile="x.pid") as running:
                running.output = running.process.communicate()[0]
        self.assertEqual(running.process.returncode, 1)
        self.assertIn(f"http_port: {port} is taken on 127.0.0.1", running.output.splitlines()[-1])
        self.assertNotIn("Traceback", running.output)
        self.assertEqual([name for name in os.listdir(self.folder) if name.endswith(".pid")], [])

    def test_bad_pidfile(self) -> None:
        """So does a pidfile that cannot be written."""
        with twistd(self.folder, "--demo", pidfile="nowhere/x.pid") as running:
            running.output = running.process.communicate()[0]
        self.assertEqual(running.process.returncode, 1)
        self.assertIn("--pidfile: ", running.output.splitlines()[-1])
        self.assertNotIn("Traceback", running.output)
