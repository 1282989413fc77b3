"""Two user agent cores joined in memory: what one sends, the other receives, over a link that a test can cut."""

from collections import deque

from tests.support.tokens import CountingTokens
from wrtcgw.sip.core import Account, UACore, UASettings
from wrtcgw.sip.outputs import CallReceived, Output, Send
from wrtcgw.sip.timers import Timers
from wrtcgw.sip.uri import URI

OFFER = (
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n"
)
ANSWER = OFFER.replace("192.0.2.1", "192.0.2.2")


class Side:
    """One core of a pair: its events, and the messages it has sent."""

    def __init__(self, name: str, **settings: object) -> None:
        self.name = name
        self.tokens = CountingTokens(name)
        self.core = UACore(
            UASettings(domain="example.org", instance=name, **settings),  # type: ignore[arg-type]
            Timers(),
            self.tokens,
        )
        self.account = Account(name, name, "secret")
        self.core.add_account(self.account)
        self.events: list[Output] = []
        self.sent: list[str] = []

    @property
    def uri(self) -> URI:
        """Where the other side calls this one."""
        return URI.parse(f"sip:{self.name}@{self.name}.invalid")

    def of(self, kind: type) -> list[Output]:
        """Return the events of that class, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def last(self, kind: type) -> Output:
        """Return the newest event of that class."""
        return self.of(kind)[-1]


class CorePair:
    """
    Two sides and the link between them, in virtual time.

    Messages arrive at once and in order, unless the link is ``held`` (they wait) or down (they are lost, and both
    cores were told).
    """

    def __init__(self, **settings: object) -> None:
        self.now = 0.0
        self.a = Side("alice", **settings)
        self.b = Side("bob", **settings)
        self.held = False
        self._queue: deque[tuple[Side, str]] = deque()
        self.connect()

    def other(self, side: Side) -> Side:
        """Return the peer of ``side``."""
        return self.b if side is self.a else self.a

    def connect(self) -> None:
        """Bring the link up; nothing arrives before both ends know of it."""
        held, self.held = self.held, True
        for side in (self.a, self.b):
            self.take(side, side.core.connected(0, self.now))
        self.held = held
        self.flush()

    def disconnect(self) -> None:
        """Cut the link: what is under way is lost."""
        self._queue.clear()
        for side in (self.a, self.b):
            self.take(side, side.core.disconnected(0, self.now))

    def take(self, side: Side, outputs: list[Output]) -> None:
        """Carry out what ``side`` put out, and all that follows from it."""
        for output in outputs:
            if isinstance(output, Send):
                side.sent.append(output.text)
                self._queue.append((self.other(side), output.text))
            else:
                side.events.append(output)
                if isinstance(output, CallReceived):
                    self.take(side, side.core.ring(output.leg, self.now))
        self.flush()

    def flush(self) -> None:
        """Deliver what waits, unless the link is held."""
        while self._queue and not self.held:
            side, text = self._queue.popleft()
            self.take(side, side.core.receive(0, text, self.now))

    def release(self) -> None:
        """Let a held link deliver again."""
        self.held = False
        self.flush()

    def drop(self) -> list[str]:
        """Lose what waits on a held link; return it."""
        lost = [text for _, text in self._queue]
        self._queue.clear()
        return lost

    def advance(self, seconds: float) -> None:
        """Let time pass, each deadline at its time."""
        until = self.now + seconds
        while True:
            deadlines = [when for side in (self.a, self.b) if (when := side.core.next_deadline()) is not None]
            if not deadlines or min(deadlines) > until:
                break
            self.now = max(self.now, min(deadlines))
            for side in (self.a, self.b):
                self.take(side, side.core.tick(self.now))
        self.now = until

    def call(self) -> str:
        """Let alice call bob; return alice's leg. Bob's is in his CallReceived."""
        leg, outputs = self.a.core.invite("alice", self.b.uri, OFFER, self.now)
        self.take(self.a, outputs)
        return leg
