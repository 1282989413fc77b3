"""
Posts what happens to the URLs of others: signed, in order for each call, again until it is taken, within bounds.

A subscriber of the feed (:mod:`wrtcgw.web.feed`). Each target has lanes, and what is about one call or agent always
goes by the same lane, one notice after the other. A notice that nobody takes is tried again ever more rarely, and then
given up: a *dead letter*, which the log and operators hear of. A target that is away costs a bounded queue, nothing
else.

Where a request goes is the operator's to say alone: redirects are not followed, and of an answer only the status
counts.
"""

import hmac
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any
from typing import Protocol as Shape
from urllib.parse import urlsplit
from zlib import crc32

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.protocol import Protocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import ResponseFailed, ResponseNeverReceived
from twisted.web.http_headers import Headers

from wrtcgw import __version__
from wrtcgw.web.feed import Feed, Notice
from wrtcgw.web.feed.notices import is_of_kind

log = Logger()

LANES = 8
"""Requests to one target at a time."""
MOST_QUEUED = 2000
"""Notices that wait for one target; a further one is a dead letter at once."""
LIMIT = 5.0
"""Seconds for one request, from the connection to the head of the answer."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before the second try, and the most before any; they double, and each is drawn from its upper half."""
TRIES = 10
"""About five minutes."""
MOST_READ = 65_536
"""Bytes of an answer that are read."""
FINAL = frozenset(range(400, 500)) - {408, 409, 425, 429}
"""Statuses that no further try will change."""
DEAD_KEPT = 20
"""The newest dead letters of each target that operators see."""
QUIET = 60.0
"""Seconds between two lines in the log about dead letters of one target."""


@frozen(kw_only=True)
class WebhookSettings:
    """
    One target.

    :ivar secret: what requests are signed with.
    :ivar events: kinds of notices, or the words before their points; empty for all.
    """

    name: str
    url: str
    secret: bytes = field(repr=False)
    events: tuple[str, ...] = ()


class Client(Shape):
    """What is needed of :class:`treq.client.HTTPClient`."""

    def post(
        self, url: str, /, *, data: bytes, headers: Headers, allow_redirects: bool, unbuffered: bool
    ) -> "Deferred[Any]":
        """Send a POST."""


def signature(secret: bytes, seconds: int, body: bytes) -> str:
    """Return how a body is signed: with the time, so that nobody can post it again much later."""
    made = hmac.digest(secret, b"%d." % seconds + body, "sha256").hex()
    return f"t={seconds},v1={made}"


@frozen
class DeadLetter:
    """A notice that was given up: when, and why. Its body is not kept."""

    time: int
    id: str
    kind: str
    why: str


@define(eq=False)
class Parcel:
    """A notice on its way, with how often it was tried."""

    notice: Notice
    body: bytes
    tries: int = 0


@define(eq=False)
class Lane:
    """What goes one after the other: what waits, and what is under way."""

    waiting: deque[Parcel] = field(factory=deque)
    under_way: "Deferred[Any] | None" = None
    pause: IDelayedCall | None = None

    @property
    def is_idle(self) -> bool:
        """Return whether the next parcel may go."""
        return self.under_way is None and self.pause is None

    def stop(self) -> int:
        """Let go of everything; return how many parcels are lost by that."""
        lost = len(self.waiting)
        self.waiting.clear()
        under_way, self.under_way = self.under_way, None
        if under_way is not None:
            under_way.cancel()
        if self.pause is not None:
            self.pause.cancel()
            self.pause = None
        return lost


class Target:
    """
    One URL.

    :param draw: gives a number from 0 to 1.
    """

    def __init__(
        self,
        settings: WebhookSettings,
        client: Client,
        clock: IReactorTime,
        wall: Callable[[], float],
        draw: Callable[[], float],
    ) -> None:
        self.settings = settings
        self._client = client
        self._clock = clock
        self._wall = wall
        self._draw = draw
        self._lanes = tuple(Lane() for _ in range(LANES))
        self._stopped = False
        self._said = -QUIET
        self._unsaid = 0
        self.delivered = self.failed = self.dead = 0
        self.error = ""
        """Why the last try failed; empty when it did not."""
        self.dead_letters: deque[DeadLetter] = deque(maxlen=DEAD_KEPT)

    @property
    def queued(self) -> int:
        """Return how many notices have not been taken."""
        return sum(len(lane.waiting) for lane in self._lanes)

    def wants(self, notice: Notice) -> bool:
        """Return whether it wants a notice."""
        events = self.settings.events
        return not events or any(is_of_kind(notice.kind, kind) for kind in events)

    def take(self, notice: Notice) -> None:
        """Let a notice go out."""
        parcel = Parcel(notice, notice.body())
        if self.queued >= MOST_QUEUED:
            self._give_up(parcel, f"{MOST_QUEUED} wait already")
            return
        lane = self._lanes[crc32(notice.subject.encode("utf-8")) % LANES]
        lane.waiting.append(parcel)
        self._go_on(lane)

    def stop(self) -> int:
        """Stop; return how many notices were not taken."""
        self._stopped = True
        return sum(lane.stop() for lane in self._lanes)

    def _go_on(self, lane: Lane) -> None:
        if lane.waiting and lane.is_idle and not self._stopped:
            lane.under_way = self._send(lane.waiting[0])
            lane.under_way.addCallbacks(self._answered, self._broke_off, callbackArgs=(lane,), errbackArgs=(lane,))

    def _send(self, parcel: Parcel) -> "Deferred[Any]":
        parcel.tries += 1
        seconds = int(self._wall())
        told = {
            "Content-Type": "application/json",
            "User-Agent": f"wrtcgw/{__version__}",
            "X-WRTC-Event": parcel.notice.kind,
            "X-WRTC-Delivery": parcel.notice.id,
            "X-WRTC-Attempt": str(parcel.tries),
            "X-WRTC-Signature": signature(self.settings.secret, seconds, parcel.body),
        }
        headers = Headers({name: [value] for name, value in told.items()})
        work = self._client.post(
            self.settings.url, data=parcel.body, headers=headers, allow_redirects=False, unbuffered=True
        )
        return work.addTimeout(LIMIT, self._clock)

    def _answered(self, response: Any, lane: Lane) -> None:
        """Take an answer."""
        response.deliverBody(Drain())
        if 200 <= response.code < 300:
            self.delivered += 1
            self.error = ""
            self._done(lane)
        elif response.code in FINAL or 300 <= response.code < 400:
            self._fail(lane, f"HTTP status {response.code}", final=True)
        else:
            self._fail(lane, f"HTTP status {response.code}")

    def _broke_off(self, failure: Failure, lane: Lane) -> None:
        if not self._stopped:
            self._fail(lane, _word(failure.value))

    def _fail(self, lane: Lane, why: str, *, final: bool = False) -> None:
        self.failed += 1
        self.error = why
        parcel = lane.waiting[0]
        if final or parcel.tries >= TRIES:
            self._give_up(parcel, why)
            self._done(lane)
            return
        lane.under_way = None
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (parcel.tries - 1))
        lane.pause = self._clock.callLater(pause * (0.5 + self._draw() / 2), self._again, lane)

    def _again(self, lane: Lane) -> None:
        lane.pause = None
        self._go_on(lane)

    def _done(self, lane: Lane) -> None:
        lane.waiting.popleft()
        lane.under_way = None
        self._go_on(lane)

    def _give_up(self, parcel: Parcel, why: str) -> None:
        """Note a dead letter; of many in a short time the log has the number."""
        notice = parcel.notice
        self.dead += 1
        self.dead_letters.append(DeadLetter(round(self._wall() * 1000), notice.id, notice.kind, why))
        if self._clock.seconds() - self._said < QUIET:
            self._unsaid += 1
            return
        more = f", and {self._unsaid} more before" if self._unsaid else ""
        self._said, self._unsaid = self._clock.seconds(), 0
        log.warn(
            "webhook {name}: {kind} {id} was given up after {tries} tries: {why}{more}",
            name=self.settings.name,
            kind=notice.kind,
            id=notice.id,
            tries=parcel.tries,
            why=why,
            more=more,
        )

    def view(self) -> dict[str, object]:
        """Return how it gets on; of the URL only where it leads to, as its path may be a secret."""
        parts = urlsplit(self.settings.url)
        return {
            "name": self.settings.name,
            "target": f"{parts.scheme}://{parts.netloc}",
            "events": list(self.settings.events),
            "queued": self.queued,
            "delivered": self.delivered,
            "failedTries": self.failed,
            "deadLetters": self.dead,
            "error": self.error,
            "newestDeadLetters": [
                {"time": letter.time, "id": letter.id, "event": letter.kind, "why": letter.why}
                for letter in reversed(self.dead_letters)
            ],
        }


class Webhooks:
    """
    All targets.

    :param client: returns what requests are sent with; asked when there is a first target.
    """

    def __init__(
        self,
        client: Callable[[], Client],
        clock: IReactorTime,
        wall: Callable[[], float],
        draw: Callable[[], float],
    ) -> None:
        self._make_client = client
        self._client: Client | None = None
        self._clock = clock
        self._wall = wall
        self._draw = draw
        self._targets: dict[str, Target] = {}
        self._feed: Feed | None = None
        self._is_listening = False

    def attach(self, feed: Feed) -> None:
        """Take the notices of this feed, as soon as there is a target."""
        self._feed = feed
        self._listen()

    def configure(self, wanted: Mapping[str, WebhookSettings]) -> None:
        """Have these targets from now on; one that is as it was goes on with what waits for it."""
        for name, target in list(self._targets.items()):
            if wanted.get(name) != target.settings:
                self._stop(self._targets.pop(name))
        for name, settings in wanted.items():
            if name not in self._targets:
                self._client = self._client or self._make_client()
                self._targets[name] = Target(settings, self._client, self._clock, self._wall, self._draw)
        self._listen()

    def _listen(self) -> None:
        if self._targets and self._feed is not None and not self._is_listening:
            self._feed.subscribe(self._take)
            self._is_listening = True

    def _take(self, notice: Notice) -> None:
        for target in self._targets.values():
            if target.wants(notice):
                target.take(notice)

    def stop(self) -> None:
        """Stop: the gateway does."""
        if self._feed is not None and self._is_listening:
            self._feed.unsubscribe(self._take)
            self._is_listening = False
        while self._targets:
            self._stop(self._targets.popitem()[1])

    def _stop(self, target: Target) -> None:
        lost = target.stop()
        if lost:
            log.warn("webhook {name}: {lost} notices were not taken", name=target.settings.name, lost=lost)

    def view(self) -> dict[str, object]:
        """Return how the targets get on."""
        return {"webhooks": [target.view() for target in self._targets.values()]}


class Drain(Protocol):
    """Reads the body of an answer, of which nothing is wanted, so that its connection can be used again."""

    def __init__(self) -> None:
        self._read = 0

    def dataReceived(self, data: bytes) -> None:
        """Forget what comes; end a connection by which too much comes."""
        self._read += len(data)
        if self._read > MOST_READ and self.transport is not None:
            self.transport.loseConnection()


def _word(error: BaseException | None) -> str:
    if isinstance(error, ResponseNeverReceived | ResponseFailed) and error.reasons:
        error = error.reasons[0].value
    if isinstance(error, TimeoutError | CancelledError):
        return f"no answer within {LIMIT:g} s"
    return type(error).__name__
