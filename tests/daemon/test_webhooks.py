"""Webhooks: signed, in order for each call, again until taken, and within bounds."""

import hmac
import json
from itertools import pairwise
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.support.openapi import faults
from wrtcgw.config.tables import EVENTS
from wrtcgw.daemon import webhooks
from wrtcgw.daemon.webhooks import LANES, MOST_QUEUED, TRIES, Webhooks, WebhookSettings, signature
from wrtcgw.events.catalogue import AlarmKind, AlarmRaised, ConnectionDown, ConnectionUp
from wrtcgw.events.stream import EventStream
from wrtcgw.web.feed import Feed, Notice
from wrtcgw.web.feed.notices import KINDS

CRM = WebhookSettings(name="crm", url="https://crm.example.org/secret-path", secret=b"hush")
EPOCH = 1_700_000_000.0


@define(eq=False)
class Response:
    """An answer; ``read`` is how much of its body is offered."""

    code: int
    read: int = 0
    transport: StringTransport = field(factory=StringTransport)

    def deliverBody(self, protocol: Protocol) -> None:  # noqa: N802 (as Twisted has it)
        """Give the body to who reads it."""
        protocol.makeConnection(self.transport)
        for _ in range(self.read):
            protocol.dataReceived(b"x" * 1000)


@define(eq=False)
class Posted:
    """A request that was sent."""

    url: str
    body: dict[str, Any]
    data: bytes
    headers: dict[str, str]
    answer: "Deferred[Any]"


class StandInClient:
    """Takes requests, and lets a test answer them."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.cancelled = 0

    def post(
        self, url: str, /, *, data: bytes, headers: Any, allow_redirects: bool, unbuffered: bool
    ) -> "Deferred[Any]":
        """Send a POST."""
        assert not allow_redirects, "a redirect would lead to where no operator has sent it"
        told = {name.decode(): values[0].decode() for name, values in headers.getAllRawHeaders()}
        answer: Deferred[Any] = Deferred(self._cancel)
        self.posted.append(Posted(url, json.loads(data), data, told, answer))
        return answer

    def _cancel(self, _: object) -> None:
        self.cancelled += 1

    def take(self) -> list[Posted]:
        """Return and forget what was sent."""
        posted, self.posted = self.posted, []
        return posted


class WebhookCase(SynchronousTestCase):
    """A feed and a target."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.stream, self.client = EventStream(), StandInClient()
        self.feed = Feed(self.stream, self.clock.seconds, self.wall)
        self.hooks = Webhooks(lambda: self.client, self.clock, self.wall, lambda: 1.0)
        self.hooks.attach(self.feed)
        self.hooks.configure({"crm": CRM})
        self.serial = 0

    def tearDown(self) -> None:
        self.hooks.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def wall(self) -> float:
        """Return seconds since the epoch."""
        return EPOCH + self.clock.seconds()

    def happen(self, subject: str = "c1", kind: str = "call.began") -> str:
        """Let something happen; return its id."""
        self.serial += 1
        notice = Notice(id=f"r-{self.serial}", kind=kind, time=0, dn="5001", subject=subject, view={})
        self.hooks._take(notice)
        return notice.id

    def view(self) -> Any:
        """Return how the target gets on."""
        whole: Any = self.hooks.view()
        self.assertEqual(faults(whole, "Webhooks"), [])
        (only,) = whole["webhooks"]
        return only


class Sending(WebhookCase):
    """What goes out."""

    def test_events(self) -> None:
        """What happens is posted as it is streamed, signed with time and body."""
        self.stream.publish(ConnectionUp(0))
        (posted,) = self.client.take()
        self.assertEqual((posted.url, posted.body["event"], posted.body["flow"]), (CRM.url, "connection.up", 0))
        self.assertEqual(faults(posted.body, "ConnectionUpNotice"), [])
        self.assertEqual(posted.headers["X-Wrtc-Delivery"], posted.body["id"])
        self.assertEqual(posted.headers["X-Wrtc-Event"], "connection.up")
        time, _, made = posted.headers["X-Wrtc-Signature"].partition(",v1=")
        expected = hmac.new(b"hush", time.removeprefix("t=").encode() + b"." + posted.data, "sha256").hexdigest()
        self.assertEqual((time, made), (f"t={EPOCH:.0f}", expected))
        posted.answer.callback(Response(204))
        self.assertEqual((self.view()["delivered"], self.view()["queued"]), (1, 0))

    def test_signature(self) -> None:
        """The documents' example is right."""
        self.assertEqual(
            signature(b"secret", 1795964411, b'{"event": "call.ended"}'),
            "t=1795964411,v1=" + hmac.new(b"secret", b'1795964411.{"event": "call.ended"}', "sha256").hexdigest(),
        )

    def test_wanted(self) -> None:
        """Only the kinds that a target wants go there, and they are those that there are."""
        self.hooks.configure({"crm": WebhookSettings(name="crm", url=CRM.url, secret=b"x", events=("alarm", "call"))})
        self.stream.publish(ConnectionUp(0))
        self.stream.publish(AlarmRaised(kind=AlarmKind.CALL_FLOOD, text="t", setting=""))
        self.assertEqual([posted.body["event"] for posted in self.client.take()], ["alarm.raised"])
        words = {kind.partition(".")[0] for kind in KINDS} | set(KINDS)
        self.assertEqual(set(EVENTS), words - {"feed", "feed.reset"})

    def test_order(self) -> None:
        """What is about one call goes one after the other, and others' need not wait for it."""
        first, second, other = self.happen("c1"), self.happen("c1"), self.happen("c2")
        posted = self.client.take()
        self.assertEqual([each.body["id"] for each in posted], [first, other])
        posted[0].answer.callback(Response(500))
        self.clock.advance(1)
        (again,) = self.client.take()
        self.assertEqual((again.body["id"], again.headers["X-Wrtc-Attempt"]), (first, "2"))
        again.answer.callback(Response(200))
        self.assertEqual([each.body["id"] for each in self.client.take()], [second])

    def test_huge_answer(self) -> None:
        """Of an answer no more than a little is read."""
        self.happen()
        response = Response(200, read=100)
        self.client.take()[0].answer.callback(response)
        self.assertTrue(response.transport.disconnecting)
        self.assertEqual(self.view()["delivered"], 1)


class Failing(WebhookCase):
    """Targets that do not take what is sent."""

    def fail_all(self, advance: float = 0.0) -> list[float]:
        """Answer 503 to everything for a while; return when each try was."""
        tries = []
        for _ in range(int(advance * 10) or 1):
            for posted in self.client.take():
                tries.append(self.clock.seconds())
                posted.answer.callback(Response(503))
            self.clock.advance(0.1)
        return tries

    def test_backoff(self) -> None:
        """Tries come ever more rarely, and after the last one the notice is a dead letter; the next one goes then."""
        self.happen()
        following = self.happen()
        tries = self.fail_all(400)[:TRIES]
        pauses = [round(after - before) for before, after in pairwise(tries)]
        self.assertEqual(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60])
        view = self.view()
        self.assertEqual((view["deadLetters"], view["error"]), (1, "HTTP status 503"))
        self.assertEqual(view["newestDeadLetters"][0]["why"], "HTTP status 503")
        self.assertEqual(view["queued"], 1)
        self.assertIn(
            following, [parcel.notice.id for lane in self.hooks._targets["crm"]._lanes for parcel in lane.waiting]
        )

    def test_jitter(self) -> None:
        """The pause is drawn from the upper half, so that many gateways do not come at once."""
        self.hooks._targets["crm"]._draw = lambda: 0.0
        self.happen()
        tries = self.fail_all(2)
        self.assertEqual(round(tries[1] - tries[0], 1), 0.5)

    def test_final(self) -> None:
        """What no further try will change is given up at once: a redirect, too, which is followed nowhere."""
        for code in (301, 307, 400, 404, 410):
            self.happen()
            self.client.take()[0].answer.callback(Response(code))
        self.assertEqual((self.view()["deadLetters"], self.view()["queued"]), (5, 0))
        self.assertEqual(self.client.posted, [])

    def test_no_answer(self) -> None:
        """A target that is silent, or refuses connections, is tried again."""
        self.happen()
        self.client.take()
        self.clock.advance(5)
        self.assertEqual((self.client.cancelled, self.view()["error"]), (1, "no answer within 5 s"))
        self.clock.advance(1)
        self.client.take()[0].answer.errback(Failure(Refused()))
        self.assertEqual(self.view()["error"], "ConnectionRefusedError")
        self.clock.advance(2)
        self.client.take()[0].answer.callback(Response(200))
        self.assertEqual((self.view()["error"], self.view()["failedTries"], self.view()["delivered"]), ("", 2, 1))

    def test_bounds(self) -> None:
        """No more than a bound waits, and no more requests than lanes are under way; the rest are dead letters."""
        for number in range(MOST_QUEUED + 10):
            self.happen(f"c{number}")
        self.assertEqual(len(self.client.posted), LANES)
        view = self.view()
        self.assertEqual((view["queued"], view["deadLetters"]), (MOST_QUEUED, 10))

    def test_log(self) -> None:
        """The first dead letter has a line, then a sum a minute; the path of a URL, which may be a secret, has none."""
        lines: list[str] = []
        self.patch(webhooks.log, "warn", lambda text, **facts: lines.append(text.format(**facts)))
        for _ in range(3):
            self.happen()
            self.client.take()[0].answer.callback(Response(404))
        self.clock.advance(61)
        self.happen()
        self.client.take()[0].answer.callback(Response(404))
        self.assertEqual(len(lines), 2)
        self.assertIn("and 2 more before", lines[1])
        self.assertEqual(self.view()["target"], "https://crm.example.org")
        self.assertNotIn("secret-path", str(lines) + str(self.hooks.view()))


class Changing(WebhookCase):
    """Reloads and the end."""

    def test_reload(self) -> None:
        """A target that is as it was goes on; one that is another one, or gone, lets go of what waits."""
        self.happen()
        self.hooks.configure({"crm": CRM})
        self.assertEqual(self.view()["queued"], 1)
        self.hooks.configure({"crm": WebhookSettings(name="crm", url="https://other.example.org/", secret=b"hush")})
        self.assertEqual((self.view()["queued"], self.client.cancelled), (0, 1))
        self.client.take()
        self.happen()
        self.assertEqual(self.client.take()[0].url, "https://other.example.org/")
        self.hooks.configure({})
        self.stream.publish(ConnectionDown(0))
        self.assertEqual(self.client.posted, [])

    def test_stop(self) -> None:
        """Nothing goes out any more, and nothing is left to be done."""
        self.happen()
        self.client.take()[0].answer.callback(Response(500))
        self.hooks.stop()
        self.stream.publish(ConnectionDown(0))
        self.assertEqual(self.client.posted, [])

    def test_none(self) -> None:
        """Without a target no client is made, and nothing is collected."""
        stream = EventStream()
        hooks = Webhooks(lambda: self.fail("made"), self.clock, self.wall, lambda: 0.0)
        hooks.configure({})
        hooks.attach(Feed(stream, self.clock.seconds, self.wall))
        self.assertFalse(stream.wants(ConnectionUp))
        self.assertEqual(hooks.view(), {"webhooks": []})
