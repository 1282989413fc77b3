"""What Redis can do to its store, with a server that a script plays, in virtual time."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import hiredis
from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionRefusedError
from twisted.internet.interfaces import IProtocolFactory, IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from wrtcgw.store import StoreSettings, StoreUnavailable, StoreUnusable
from wrtcgw.store.address import StoreAddress
from wrtcgw.store.redis import RedisStore
from wrtcgw.store.redis_wire import LONGEST_DELAY, LONGEST_QUEUE, Refusal, Wire

INFO = b"# Server\r\nrun_id:%s\r\nmaxmemory_policy:noeviction\r\n"


def bulk(data: bytes) -> bytes:
    """Return a text as Redis sends it."""
    return b"$%d\r\n%s\r\n" % (len(data), data)


@define
class Server:
    """
    Answers what a store asks at the beginning of a connection, and keeps the rest.

    :ivar answers: by the first word of a command; None: it does not answer.
    :ivar by_name: answers by the key that a command is about.
    :ivar asked: the commands that came, as lists of words.
    """

    clock: Clock
    run: bytes = b"first"
    answers: dict[bytes, bytes | None] = field(factory=dict)
    by_name: dict[bytes, bytes] = field(factory=dict)
    asked: list[list[bytes]] = field(factory=list)
    wires: list["Transport"] = field(factory=list)

    def command(self, words: list[bytes], transport: "Transport") -> None:
        """Take a command."""
        self.asked.append(words)
        usual = {
            b"INFO": bulk(INFO % self.run),
            b"GET": bulk(b"1"),
            b"AUTH": b"+OK\r\n",
            b"SELECT": b"+OK\r\n",
            b"SET": b"+OK\r\n",
            b"QUIT": b"+OK\r\n",
            b"ZSCORE": b"$-1\r\n",
        }
        answer = self.by_name.get(words[1] if len(words) > 1 else b"") or (usual | self.answers).get(words[0])
        if answer is not None:
            transport.later(answer)


class Transport(StringTransport):
    """The way from a store to the server."""

    protocol: Any

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server
        self._reader = hiredis.Reader()
        self.ended = False

    def write(self, data: bytes) -> None:
        """Take what the store sends."""
        self._reader.feed(data)
        while (words := self._reader.gets()) is not False:
            self._server.command(words, self)

    def later(self, answer: bytes) -> None:
        """Answer in the next turn of the reactor."""
        self._server.clock.callLater(0.0, self.say, answer)

    def say(self, data: bytes) -> None:
        """Send something to the store."""
        if not self.ended:
            self.protocol.dataReceived(data)

    def end(self, error: Exception) -> None:
        """Close the connection."""
        if not self.ended:
            self.ended = True
            self.protocol.connectionLost(Failure(error))

    def abortConnection(self) -> None:
        """Close it in the next turn, as the reactor does."""
        self._server.clock.callLater(0.0, self.end, ConnectionAborted())


@implementer(IStreamClientEndpoint)
class Endpoint:
    """Where the server is; ``outcome`` decides what becomes of an attempt."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.attempts: list[float] = []
        self.outcome: Callable[[], Deferred[Any]] | None = None

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:  # noqa: N803
        """Connect."""
        self.attempts.append(self._server.clock.seconds())
        if self.outcome is not None:
            return self.outcome()
        transport = Transport(self._server)
        transport.protocol = protocolFactory.buildProtocol(None)  # type: ignore[arg-type] # nobody looks at it
        transport.protocol.makeConnection(transport)
        self._server.wires.append(transport)
        return succeed(transport.protocol)


class RedisCase(SynchronousTestCase):
    """A store and its server."""

    url = "redis://store.example.org/0"

    def setUp(self) -> None:
        """Have both; nothing is connected."""
        self.clock = Clock()
        self.server = Server(self.clock)
        self.endpoint = Endpoint(self.server)
        settings = StoreSettings(node="one", store_timeout=1.0)
        self.store = RedisStore(StoreAddress.parse(self.url), settings, self.endpoint, self.clock)
        self.losses: list[int] = []
        self.store.on_loss = lambda: self.losses.append(1)

    def turn(self, times: int = 10) -> None:
        """Let the reactor turn, without time passing."""
        for _ in range(times):
            self.clock.advance(0.0)

    def open(self) -> None:
        """Open the store."""
        opening = self.store.open()
        self.turn()
        self.successResultOf(opening)

    def refused(self, asked: Deferred[Any], kind: type[Exception] = StoreUnavailable) -> str:
        """Return why something was not done."""
        return str(self.failureResultOf(asked, kind).value)


def array(*replies: bytes) -> bytes:
    """Return a list as Redis sends it."""
    return b"*%d\r\n%s" % (len(replies), b"".join(replies))


NONE = b"$-1\r\n"
WRONG_TYPE = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"


class StrangeTests(RedisCase):
    """What somebody else has put where records are."""

    def load(self) -> dict[str, tuple[bytes, str, int]]:
        """Return what is loaded."""
        loading = self.store.load()
        self.turn()
        return {each.key: (each.data, each.node, each.fence) for each in self.successResultOf(loading)}

    def test_left_out(self) -> None:
        """It is told once, and hides none of the records beside it; nor does who wrote a record, and when."""
        keys = [b"good", b"text", b"\xff\xfe", b"number", b"minus", b"long", b"nobody", b"empty"]
        self.server.by_name = {
            b"wrtcgw:agent:good": array(bulk(b"1"), bulk(b"a"), bulk(b"7")),
            b"wrtcgw:agent:text": WRONG_TYPE,
            b"wrtcgw:agent:\xff\xfe": array(bulk(b"1"), bulk(b"a"), bulk(b"7")),
            b"wrtcgw:agent:number": array(bulk(b"2"), bulk(b"a"), bulk(b"x7")),
            b"wrtcgw:agent:minus": array(bulk(b"3"), bulk(b"a\xff"), bulk(b"-7")),
            b"wrtcgw:agent:long": array(bulk(b"4"), bulk(b"a"), bulk(b"9" * 5000)),
            b"wrtcgw:agent:nobody": array(bulk(b"5"), NONE, NONE),
            b"wrtcgw:agent:empty": array(NONE, NONE, NONE),
        }
        self.open()
        self.server.by_name[b"wrtcgw:leases"] = array(*map(bulk, keys))
        expected = {
            "good": (b"1", "a", 7),
            "number": (b"2", "a", 0),
            "minus": (b"3", "a\ufffd", 0),
            "long": (b"4", "a", 0),
            "nobody": (b"5", "", 0),
        }
        with capturedLogs() as told:
            self.assertEqual(self.load(), expected)
            self.assertEqual(self.load(), expected)
        self.assertEqual(
            [(each["name"], each["why"]) for each in told],
            [("wrtcgw:agent:text", "it is no hash"), ("wrtcgw:agent:\\xff\\xfe", "its name is not UTF-8")],
        )
        self.server.by_name[b"wrtcgw:leases"] = array(bulk(b"good"))
        self.load()
        self.server.by_name[b"wrtcgw:leases"] = array(bulk(b"text"))
        with capturedLogs() as told:
            self.load()
        self.assertEqual(len(told), 1, "it was mended, and is broken again")

    def test_read(self) -> None:
        """Alone it is as if there were nothing."""
        self.server.by_name = {b"wrtcgw:agent:text": WRONG_TYPE}
        self.open()
        reading = self.store.read("text")
        self.turn()
        self.assertIsNone(self.successResultOf(reading))

    def test_refused(self) -> None:
        """What else the server refuses is told as its fault, not as that of one record."""
        self.open()
        self.server.by_name = {b"wrtcgw:leases": array(bulk(b"a")), b"wrtcgw:agent:a": b"-NOPERM no\r\n"}
        loading = self.store.load()
        self.turn()
        self.assertIn("may not do", self.refused(loading))

    def test_what_all_need(self) -> None:
        """Where what all gateways need is something else, the store is of no use, and the text says so."""
        for word, name in ((b"GET", b"wrtcgw:version"), (b"GET", b"wrtcgw:fence"), (b"ZSCORE", b"wrtcgw:leases")):
            self.server.by_name = {name: WRONG_TYPE}
            opening = self.store.open()
            self.turn()
            text = self.refused(opening, StoreUnusable)
            self.assertIn(name.decode(), text, word)
            self.assertIn("another program", text)
            self.assertIn("a database of its own", text)


class GreetingTests(RedisCase):
    """The beginning of a connection."""

    url = "redis://user:p%40ss@store.example.org:6380/5"

    def test_logs_in(self) -> None:
        """User and password, the database, then who the server is, and of which version the data are."""
        self.open()
        self.assertEqual(
            self.server.asked[:4],
            [[b"AUTH", b"user", b"p@ss"], [b"SELECT", b"5"], [b"INFO", b"server"], [b"GET", b"wrtcgw:version"]],
        )

    def test_refusals(self) -> None:
        """What waiting does not help against is told as that, and is not tried again; the rest can be."""
        for word, answer, kind, told in (
            (b"AUTH", b"-WRONGPASS invalid username-password pair\r\n", StoreUnusable, "the password is wrong"),
            (b"AUTH", b"-ERR AUTH <password> called without any password configured\r\n", StoreUnusable, "without any"),
            (b"INFO", b"-NOAUTH Authentication required.\r\n", StoreUnusable, "state_store_password"),
            (b"INFO", b"-NOPERM this user has no permissions\r\n", StoreUnusable, "may not do"),
            (b"GET", bulk(b"7"), StoreUnusable, "data of version 7"),
            (b"GET", b"-LOADING Redis is loading the dataset in memory\r\n", StoreUnavailable, "still loading"),
            (b"AUTH", b"-ERR max number of clients reached\r\n", StoreUnavailable, "max number of clients"),
            (b"AUTH", b"HTTP/1.1 400 Bad Request\r\n", StoreUnavailable, "is not Redis"),
        ):
            self.server.answers = {word: answer}
            opening = self.store.open()
            self.turn()
            text = self.refused(opening, kind)
            self.assertIn(told, text)
            self.assertIn("redis://user:***@store.example.org:6380/5", text)
            self.assertTrue(self.server.wires[-1].ended, text)
        self.clock.advance(60.0)
        self.assertEqual(len(self.endpoint.attempts), 8)
        self.server.answers = {}
        self.open()

    def test_silent(self) -> None:
        """A server that takes the connection and says nothing is given up in time."""
        self.server.answers = {b"GET": None}
        opening = self.store.open()
        self.turn()
        self.clock.advance(0.9)
        self.assertNoResult(opening)
        self.clock.advance(0.1)
        self.assertIn("no answer within 1 s", self.refused(opening))

    def test_nobody_there(self) -> None:
        """So is an attempt to connect."""
        self.endpoint.outcome = Deferred
        opening = self.store.open()
        self.clock.advance(1.0)
        self.assertIn("no answer within 1 s", self.refused(opening))
        self.endpoint.outcome = lambda: fail(ConnectionRefusedError())
        self.assertIn("refused", self.refused(self.store.open()))

    def test_marks(self) -> None:
        """An empty database gets the mark of its version; that is no loss."""
        self.server.answers = {b"GET": b"$-1\r\n"}
        self.open()
        self.assertIn([b"SET", b"wrtcgw:version", b"1", b"NX"], self.server.asked)
        self.assertEqual(self.losses, [])


class ReconnectTests(RedisCase):
    """The connection is lost."""

    def setUp(self) -> None:
        """Have an open store."""
        super().setUp()
        self.open()

    def lose(self) -> None:
        """Let the server close the connection."""
        self.server.wires[-1].end(ConnectionDone())

    def test_told(self) -> None:
        """Whoever waits hears it at once, and so does who asks before it is back."""
        waiting: list[Deferred[Any]] = [self.store.read("a"), self.store.expired()]
        self.lose()
        for each in (*waiting, self.store.read("a")):
            self.assertEqual(self.refused(each), "redis://store.example.org:6379/0: it has closed the connection")

    def test_same_server(self) -> None:
        """A server that has only closed the connection has lost nothing."""
        self.lose()
        self.clock.advance(0.1)
        self.turn()
        self.assertEqual((len(self.server.wires), self.losses), (2, []))
        self.assertNoResult(self.store.read("a"))

    def test_another_server(self) -> None:
        """One that was restarted, or emptied, may have lost all: everything has to be written again."""
        for run, version in ((b"second", bulk(b"1")), (b"second", b"$-1\r\n")):
            self.server.run, self.server.answers = run, {b"GET": version}
            self.lose()
            self.clock.advance(0.1)
            self.turn()
        self.assertEqual(self.losses, [1, 1])

    def test_waits_longer(self) -> None:
        """Attempts come at growing distances, up to a limit; after a success they begin anew."""
        self.endpoint.outcome = lambda: fail(ConnectionRefusedError())
        with capturedLogs() as logs:
            self.lose()
            for _ in range(30 * 64):
                self.clock.advance(1 / 64)
        attempts = self.endpoint.attempts[1:]
        pauses = [round(later - earlier, 1) for earlier, later in pairwise(attempts)]
        self.assertEqual(pauses[:5], [0.2, 0.4, 0.8, 1.6, LONGEST_DELAY])
        self.assertEqual(set(pauses[4:]), {LONGEST_DELAY})
        self.assertEqual(len(logs), 2, "the loss, and why it does not come back, once")
        self.assertIn("refused", self.refused(self.store.read("a")))
        self.endpoint.outcome = None
        self.clock.advance(LONGEST_DELAY)
        self.turn()
        waiting = self.store.read("a")
        self.assertNoResult(waiting)
        self.lose()
        self.refused(waiting)
        self.clock.advance(0.1)
        self.turn()
        self.assertEqual(len(self.server.wires), 3)

    def test_closed_meanwhile(self) -> None:
        """A store that is closed while it waits, or tries, leaves nothing behind."""
        self.lose()
        self.successResultOf(self.store.close())
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.open()
        self.lose()
        self.server.answers = {b"GET": None}
        self.clock.advance(0.1)
        self.turn()
        self.successResultOf(self.store.close())
        self.turn()
        self.assertEqual((self.clock.getDelayedCalls(), self.server.wires[-1].ended), ([], True))
        self.assertIn("not open", self.refused(self.store.read("a")))

    def test_closed_with_an_attempt(self) -> None:
        """So does one that is closed while an attempt to connect hangs."""
        self.endpoint.outcome = Deferred
        self.lose()
        self.clock.advance(0.1)
        self.successResultOf(self.store.close())
        self.clock.advance(60.0)
        self.assertEqual((self.clock.getDelayedCalls(), len(self.endpoint.attempts)), ([], 2))


class AnswerTests(RedisCase):
    """What comes over a connection that is up."""

    def setUp(self) -> None:
        """Have an open store."""
        super().setUp()
        self.open()
        self.wire = self.server.wires[-1]

    def test_in_pieces(self) -> None:
        """Replies are read however they are cut, each for who has asked."""
        first, second = self.store.read("a"), self.store.read("b")
        replies = b"*3\r\n" + bulk(b"data") + bulk(b"two") + bulk(b"7") + b"*3\r\n$-1\r\n$-1\r\n$-1\r\n"
        for position in range(len(replies)):
            self.wire.say(replies[position : position + 1])
        record = self.successResultOf(first)
        assert record is not None
        self.assertEqual((record.data, record.node, record.fence), (b"data", "two", 7))
        self.assertIsNone(self.successResultOf(second))

    def test_hangs(self) -> None:
        """When one answer is late, the connection is given up, and all that waits; late answers are nobody's."""
        first = self.store.read("a")
        self.clock.advance(0.5)
        second = self.store.read("b")
        self.clock.advance(0.5)
        for each in (first, second):
            self.assertIn("no answer within 1 s", self.refused(each))
        self.wire.protocol.dataReceived(b"*3\r\n$-1\r\n$-1\r\n$-1\r\n")
        self.clock.advance(0.1)
        self.turn()
        self.assertEqual(len(self.server.wires), 2)

    def test_in_the_last_moment(self) -> None:
        """What is late because this process has slept is there when it looks, and counts."""
        asked = self.store.read("a")
        self.clock.callLater(1.0, self.wire.say, b"*3\r\n$-1\r\n$-1\r\n$-1\r\n")
        self.clock.advance(1.0)
        self.assertIsNone(self.successResultOf(asked))
        late = self.store.read("b")
        self.clock.advance(0.9)
        self.assertNoResult(late)
        self.clock.advance(0.1)
        self.assertIn("no answer", self.refused(late))

    def test_too_much(self) -> None:
        """Only so many questions wait."""
        waiting = [self.store.read("a") for _ in range(LONGEST_QUEUE)]
        self.assertIn(f"{LONGEST_QUEUE} others wait", self.refused(self.store.read("a")))
        self.clock.advance(1.0)
        self.turn()
        for each in waiting:
            self.refused(each)

    def test_nonsense(self) -> None:
        """What is no Redis, or answers unasked, is left."""
        for nonsense, told in ((b"HTTP/1.1 200 OK\r\n", "is not Redis"), (b"+OK\r\n+OK\r\n", "nobody has asked")):
            asked = self.store.expired()
            self.server.wires[-1].say(nonsense)
            self.turn()
            if told == "is not Redis":
                self.assertIn(told, self.refused(asked))
            else:
                self.failureResultOf(asked)
            self.assertTrue(self.server.wires[-1].ended)
            self.clock.advance(0.1)
            self.turn()

    def test_refusals(self) -> None:
        """Refusals are worded; a replica is left, whichever version of Redis words it."""
        for said, told, left in (
            (b"OOM command not allowed when used memory > 'maxmemory'.", "no memory left", False),
            (b"MISCONF Redis is configured to save RDB snapshots", "cannot save its data", False),
            (b"BUSY Redis is busy running a script.", "busy with a script", False),
            (b"ERR something new", "ERR something new", False),
            (b"READONLY You can't write against a read only replica.", "it is a replica", True),
            (b"ERR Error running script (call to f_1): @user_script:9: -READONLY You can't", "it is a replica", True),
        ):
            asked = self.store.expired()
            wire = self.server.wires[-1]
            wire.say(b"-" + said + b"\r\n")
            self.assertIn(told, self.refused(asked))
            self.turn()
            self.assertEqual(wire.ended, left, told)
            self.clock.advance(0.1)
            self.turn()

    def test_lost_release(self) -> None:
        """A lease that was to be given back while the server is away is not written under any more."""
        taking = self.store.take("a")
        self.wire.say(b"*2\r\n:0\r\n:4\r\n")
        lease = self.successResultOf(taking)
        assert lease is not None
        self.assertEqual(lease.fence, 4)
        releasing = self.store.release(["a"])
        self.wire.end(ConnectionDone())
        self.refused(releasing)
        self.assertEqual(self.successResultOf(self.store.write({"a": b"1"})), frozenset({"a"}))

    def test_password_is_not_shown(self) -> None:
        """Neither store, connection nor error have the password in their texts."""
        address = StoreAddress.parse("redis://:hush@store.example.org")
        store = RedisStore(address, StoreSettings(node="one"), self.endpoint, self.clock)
        for text in (str(address), repr(address), repr(store), repr(vars(store)), str(vars(store))):
            self.assertNotIn("hush", text)


class RefusalTests(SynchronousTestCase):
    """What an error of Redis is about."""

    def test_kind(self) -> None:
        """The first word, or that of the error which has ended a script."""
        for text, kind in (
            ("NOSCRIPT No matching script.", "NOSCRIPT"),
            ("ERR unknown command", "ERR"),
            ("ERR Error running script (call to f_3): @user_script:2: -OOM command not allowed", "OOM"),
        ):
            self.assertEqual(Refusal(text).kind, kind)

    def test_wire_alone(self) -> None:
        """A connection that ends tells its owner why."""
        told: list[str] = []
        wire = Wire(Clock(), 1.0, lambda _, reason: told.append(reason))
        wire.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(told, ["it has closed the connection"])
