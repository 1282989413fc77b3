"""SIP secrets from a file, a program and a server, each within its bounds, and none of them ever shown."""

import os
import pathlib
from collections.abc import Mapping
from typing import Any, cast

from attrs import define, field
from treq.testing import StubTreq
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.interfaces import IReactorProcess, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.identity.test_fetching import Site
from wrtcgw.identity.fetching import Client, Fetcher
from wrtcgw.identity.secrets import NoSecret, Secret, SecretSource, read_fields, read_text
from wrtcgw.identity.sources import AT_ONCE, OUTPUT_LIMIT, QUEUE, SECONDS, CommandSecrets, FileSecrets, HTTPSSecrets

HASH = "0123456789abcdef" * 2
LONG_HASH = HASH * 2


class SecretsCase(SynchronousTestCase):
    """Asks sources."""

    def ask(self, source: SecretSource, dn: str = "5001") -> "Deferred[Secret]":
        """Ask for a secret."""
        return Deferred.fromCoroutine(cast(Any, source.secret_of(dn)))

    def cause(self, source: SecretSource, dn: str = "5001") -> str:
        """Return why there is none."""
        return str(self.failureResultOf(self.ask(source, dn), NoSecret).value)


class Forms(SecretsCase):
    """How a secret is written."""

    def test_password(self) -> None:
        """The first line of a text is the password, whatever is in it."""
        for text in ("s3cret", "s3cret\n", "s3cret\r\nmore\n"):
            self.assertEqual(read_text(text), Secret(password="s3cret"))
        for odd in (" with blanks ", "a:b", "ünï", f"x{HASH}", f"r:{HASH}0"):
            self.assertEqual(read_text(odd).password, odd)

    def test_hash(self) -> None:
        """realm:ha1 is a hash, of MD5 or SHA-256 by its length."""
        self.assertEqual(read_text(f"sip.example.org:{HASH.upper()}"), hashed("sip.example.org", HASH, "MD5"))
        self.assertEqual(read_text(f"a: b:{LONG_HASH}"), hashed("a: b", LONG_HASH, "SHA-256"))

    def test_fields(self) -> None:
        """Fields say it with names."""
        self.assertEqual(read_fields({"password": f"r:{HASH}"}), Secret(password=f"r:{HASH}"))
        self.assertEqual(read_fields({"realm": "r", "ha1": HASH}), hashed("r", HASH, "MD5"))
        self.assertEqual(read_fields({"password": "p", "user": "u5001"}), Secret(password="p", user="u5001"))
        named = {"realm": "r", "ha1": LONG_HASH, "algorithm": "sha-512-256"}
        self.assertEqual(read_fields(named), hashed("r", LONG_HASH, "SHA-512-256"))

    def test_none(self) -> None:
        """What is no secret is refused, without a part of it in the text."""
        for text in ("", "\n", "\nlate", "bell\x07bell", "x" * 1025):
            self.assertNotIn("bell", str(self.assertRaises(NoSecret, read_text, text)))
        wrong: tuple[dict[str, Any], ...] = (
            {},
            {"password": ""},
            {"password": 5},
            {"ha1": HASH},
            {"realm": "r", "ha1": "planted"},
            {"realm": "r", "ha1": HASH, "algorithm": "SHA-256"},
            {"realm": 5, "ha1": HASH},
            {"password": "p", "user": 5},
            {"realm": 'a"b', "ha1": HASH},
        )
        for fields in wrong:
            self.assertNotIn("planted", str(self.assertRaises(NoSecret, read_fields, fields)))

    def test_repr(self) -> None:
        """Nothing shows in its repr."""
        shown = repr(Secret(password="planted", realm="r", ha1="planted"))
        self.assertNotIn("planted", shown)


def hashed(realm: str, value: str, algorithm: str) -> Secret:
    """Return the secret that is a hash."""
    return Secret(realm=realm, ha1=value, algorithm=algorithm)


class Files(SecretsCase):
    """Secrets in a file."""

    def setUp(self) -> None:
        self.path = pathlib.Path(self.mktemp())
        self.source = FileSecrets(self.path)

    def write(self, text: str, age: int = 0) -> None:
        """Write the file, so many seconds ago."""
        self.path.write_text(text)
        os.utime(self.path, (1_800_000_000 - age, 1_800_000_000 - age))

    def test_found(self) -> None:
        """Passwords, hashes and tables."""
        self.write(f'5001 = "s3cret"\n"5002" = "r:{HASH}"\n"a@b" = {{ realm = "r", ha1 = "{HASH}" }}\n')
        self.assertEqual(self.successResultOf(self.ask(self.source)), Secret(password="s3cret"))
        self.assertEqual(self.successResultOf(self.ask(self.source, "5002")).realm, "r")
        self.assertEqual(self.successResultOf(self.ask(self.source, "a@b")).ha1, HASH)

    def test_changed(self) -> None:
        """A changed file counts at once."""
        self.write('5001 = "old"', age=5)
        self.successResultOf(self.ask(self.source))
        self.write('5001 = "new"')
        self.assertEqual(self.successResultOf(self.ask(self.source)).password, "new")

    def test_not_there(self) -> None:
        """No file, no TOML and no such DN are told, without a part of the file."""
        self.assertIn("No such file", self.cause(self.source))
        self.write("5001 = planted")
        self.assertNotIn("planted", self.cause(self.source))
        self.write('5001 = "planted"', age=9)
        self.assertEqual(self.cause(self.source, "5009"), f"{self.path} has no 5009")
        self.write("5001 = 5", age=19)
        self.assertIn("no password", self.cause(self.source))


@define
class Run:
    """A program that was started; a test says what it does."""

    protocol: Any
    words: list[str]
    environment: Mapping[str, str]
    killed: bool = False

    def closeStdin(self) -> None:  # noqa: N802
        """Do nothing."""

    def loseConnection(self) -> None:
        """Do nothing."""

    def signalProcess(self, name: str) -> None:  # noqa: N802
        """Note the end."""
        self.killed = name == "KILL"

    def prints(self, output: bytes, status: int = 0) -> None:
        """Print and end."""
        self.protocol.outReceived(output)
        self.protocol.errReceived(b"planted")
        reason = ProcessDone(0) if status == 0 else ProcessTerminated(status)
        self.protocol.processEnded(Failure(reason))


@define
class Shell:
    """Starts programs that do nothing by themselves."""

    runs: list[Run] = field(factory=list)
    missing: bool = False

    def spawnProcess(self, protocol: ProcessProtocol, program: str, words: list[str], **more: Any) -> Run:  # noqa: N802
        """Start one."""
        if self.missing:
            raise FileNotFoundError(2, "No such file or directory")
        run = Run(protocol, words, more["env"])
        self.runs.append(run)
        protocol.makeConnection(cast(Any, run))
        return run


class Commands(SecretsCase):
    """Secrets from a program."""

    def setUp(self) -> None:
        self.clock, self.shell = Clock(), Shell()
        words = ("/usr/bin/pass-for", "--of=%dn", "x %dn")
        self.source = CommandSecrets(cast(IReactorProcess, self.shell), self.clock, words, "/usr/bin")

    def test_output(self) -> None:
        """Its first line is the secret; the DN is an argument, and no shell sees it."""
        asked = self.ask(self.source, "$(id);'5001")
        (run,) = self.shell.runs
        self.assertEqual(run.words, ["/usr/bin/pass-for", "--of=$(id);'5001", "x $(id);'5001"])
        self.assertEqual(set(run.environment), {"PATH", "LC_ALL"})
        run.prints(b"s3cret\n")
        self.assertEqual(self.successResultOf(asked).password, "s3cret")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_it_fails(self) -> None:
        """That it failed is told; what it printed is not."""
        asked = self.ask(self.source)
        self.shell.runs[0].prints(b"planted", status=3)
        failure = self.failureResultOf(asked, NoSecret)
        self.assertEqual(str(failure.value), "/usr/bin/pass-for: it ended with status 3")

    def test_it_prints_nothing_useful(self) -> None:
        """No output, or bytes that are no text, are no secret."""
        for output in (b"", b"\n", b"\xff\xfe"):
            asked = self.ask(self.source)
            self.shell.runs[-1].prints(output)
            self.failureResultOf(asked, NoSecret)

    def test_it_hangs(self) -> None:
        """It is killed when its time is over, though a child of its own holds the pipes open."""
        asked = self.ask(self.source)
        self.clock.advance(SECONDS)
        self.assertIn("did not end", str(self.failureResultOf(asked, NoSecret).value))
        self.assertTrue(self.shell.runs[0].killed)
        self.shell.runs[0].prints(b"late\n")

    def test_it_prints_without_end(self) -> None:
        """It is killed when it prints too much."""
        asked = self.ask(self.source)
        self.shell.runs[0].protocol.outReceived(b"x" * (OUTPUT_LIMIT + 1))
        self.assertIn("more than", str(self.failureResultOf(asked, NoSecret).value))
        self.assertTrue(self.shell.runs[0].killed)
        self.shell.runs[0].protocol.outReceived(b"more")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_it_is_not_there(self) -> None:
        """A program that cannot be started is named."""
        self.shell.missing = True
        self.assertIn("/usr/bin/pass-for cannot be started", self.cause(self.source))

    def test_dn_like_an_option(self) -> None:
        """A DN that would be an option is never given to it."""
        self.assertIn("hyphen", self.cause(self.source, "--help"))
        self.assertEqual(self.shell.runs, [])

    def test_a_few_at_a_time(self) -> None:
        """A few run at a time, a bounded number waits, and the next is refused at once."""
        asked = [self.ask(self.source, str(number)) for number in range(AT_ONCE + QUEUE)]
        self.assertEqual(len(self.shell.runs), AT_ONCE)
        self.assertIn("others wait", self.cause(self.source))
        for number in range(AT_ONCE + QUEUE):
            self.shell.runs[number].prints(b"s3cret")
        self.assertEqual({self.successResultOf(each).password for each in asked}, {"s3cret"})

    def test_page_that_goes(self) -> None:
        """Who goes while it runs keeps nobody from his turn."""
        asked = [self.ask(self.source) for _ in range(AT_ONCE + 2)]
        for each in (asked[0], asked[AT_ONCE]):
            each.cancel()
            self.failureResultOf(each)
        self.assertEqual([run.killed for run in self.shell.runs], [True, False, False, False, True, False])
        for run in self.shell.runs[1:]:
            run.prints(b"s3cret")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.successResultOf(asked[-1]).password, "s3cret")


class RealCommands(TestCase):
    """The same with real programs."""

    def source(self, *words: str) -> CommandSecrets:
        """Return a source that runs a program."""
        return CommandSecrets(cast(IReactorProcess, reactor), cast(IReactorTime, reactor), words, "/usr/bin:/bin")

    async def test_echo(self) -> None:
        """A program's output arrives."""
        secret = await self.source("/bin/echo", "pass-%dn").secret_of("5001")
        self.assertEqual(secret.password, "pass-5001")

    async def test_environment(self) -> None:
        """Nothing of our own environment reaches it."""
        os.environ["WRTCGW_TEST_PLANTED"] = "planted"
        self.addCleanup(os.environ.pop, "WRTCGW_TEST_PLANTED")
        run = self.source("/usr/bin/env", "-u", "%dn", "printenv", "WRTCGW_TEST_PLANTED")
        await self.assertFailure(Deferred.fromCoroutine(run.secret_of("x")), NoSecret)

    async def test_missing(self) -> None:
        """A program that is not there is a failure like any other."""
        await self.assertFailure(Deferred.fromCoroutine(self.source("/nowhere/x", "%dn").secret_of("x")), NoSecret)


class Servers(SecretsCase):
    """Secrets from a server."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.site = Site()
        self.stub: Any = StubTreq(self.site)
        self.token_file = pathlib.Path(self.mktemp())
        self.token_file.write_text("t0ken\n")
        fetcher = Fetcher(cast(Client, self.stub), self.clock)
        self.source = HTTPSSecrets(fetcher, self.clock, "https://vault.example.org/v1/%dn", self.token_file)

    def answer(self, dn: str, code: int, body: bytes) -> "Deferred[Secret]":
        """Ask, while the server answers so."""
        self.site.answers[dn] = (code, body)
        asked = self.ask(self.source, dn)
        self.stub.flush()
        return asked

    def test_forms(self) -> None:
        """Text and JSON are read, also nested as vaults do."""
        self.assertEqual(self.successResultOf(self.answer("1", 200, b"s3cret\n")).password, "s3cret")
        self.assertEqual(self.successResultOf(self.answer("2", 200, b'{"password": "s3cret"}')).password, "s3cret")
        nested = b'{"data": {"data": {"password": "s3cret"}, "metadata": {}}}'
        self.assertEqual(self.successResultOf(self.answer("3", 200, nested)).password, "s3cret")
        self.assertEqual(self.site.asked[0], ("/v1/1", b"Bearer t0ken"))

    def test_escaped(self) -> None:
        """A DN cannot leave its place in the address."""
        for dn, escaped in (("a/../b?c#d", "a%2F..%2Fb%3Fc%23d"), ("a@b", "a%40b")):
            self.site.answers[escaped] = (404, b"")
            asked = self.ask(self.source, dn)
            self.stub.flush()
            self.assertEqual(self.site.asked[-1][0], f"/v1/{escaped}")
            self.failureResultOf(asked, NoSecret)
        self.assertIn("dots", self.cause(self.source, ".."))

    def test_retried_once(self) -> None:
        """A server that fails is asked once more; one that refuses is not."""
        asked = self.answer("1", 503, b"")
        self.assertNoResult(asked)
        self.site.answers["1"] = (200, b"s3cret")
        self.clock.advance(1)
        self.stub.flush()
        self.assertEqual(self.successResultOf(asked).password, "s3cret")
        self.assertIn("403", str(self.failureResultOf(self.answer("2", 403, b"planted"), NoSecret).value))
        self.assertEqual(len(self.site.asked), 3)

    def test_bad_answers(self) -> None:
        """Answers that hold no secret are refused, and not shown."""
        twice = b'{"password": "planted", "password": "b"}'
        for number, body in enumerate((b"", b"{planted", b"{}", b'{"data": 5}', b"x" * 5000, twice)):
            failure = self.failureResultOf(self.answer(str(number), 200, body), NoSecret)
            self.assertNotIn("planted", str(failure.value))

    def test_token_file(self) -> None:
        """Without its token nothing is asked."""
        self.token_file.unlink()
        self.assertIn("cannot be read", self.cause(self.source))
        self.token_file.write_text("a\nb")
        self.assertIn("holds no token", self.cause(self.source))
        self.assertEqual(self.site.asked, [])
