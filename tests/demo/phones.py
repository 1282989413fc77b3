"""Phones for the demo PBX: user agent cores that are joined with it in memory, in virtual time."""

from typing import TypeVar

from twisted.internet.address import IPv4Address
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from tests.demo.test_sessiontext import SEED_OFFER
from tests.support import sdptext as sdp
from tests.support.tokens import CountingTokens
from wrtcgw.demo.extensions import DEMO_PASSWORD
from wrtcgw.demo.pbx import Connection, DemoPBX
from wrtcgw.sip.core import Account, UACore, UASettings
from wrtcgw.sip.outputs import (
    CallAnswered,
    CallReceived,
    OfferReceived,
    Output,
    Send,
)
from wrtcgw.sip.timers import Timers
from wrtcgw.sip.uri import URI

_T = TypeVar("_T")

OFFER = sdp.normalise(SEED_OFFER)


class Link:
    """The WebSocket between a phone and the PBX: what the PBX sends waits here until it is fetched."""

    def __init__(self) -> None:
        self.waiting: list[str] = []

    def sendTextMessage(self, text: str) -> None:
        """Take what the PBX sends."""
        self.waiting.append(text)

    def loseConnection(self) -> None:
        """Do nothing."""

    def abortConnection(self) -> None:
        """Do nothing."""

    def getPeer(self) -> IPv4Address:
        """Return an address."""
        return IPv4Address("TCP", "127.0.0.1", 5060)

    def getHost(self) -> IPv4Address:
        """Return an address."""
        return IPv4Address("TCP", "127.0.0.1", 5060)


class Phone:
    """One agent's user agent, which keeps its own connection and writes down what happens."""

    def __init__(self, office: "Office", number: str, password: str = DEMO_PASSWORD) -> None:
        self.office = office
        self.number = number
        self.core = UACore(
            UASettings(domain="demo.invalid", instance=f"phone{number}"), Timers(), CountingTokens(number)
        )
        self.events: list[Output] = []
        self.link = Link()
        self.connection = Connection(office.pbx)
        self.connection.makeConnection(self.link)
        self.core.connected(0, 0.0)
        self.do(self.core.register(Account(number, number, password), 0.0))

    @property
    def now(self) -> float:
        """The time."""
        return self.office.reactor.seconds()

    def do(self, outputs: list[Output]) -> None:
        """Carry out what our core has put out, and let everybody's messages arrive."""
        for output in outputs:
            if isinstance(output, Send):
                self.connection.textMessageReceived(output.text)
            else:
                self.events.append(output)
        self.office.settle()

    def take(self, outputs: list[Output]) -> None:
        """Carry out what our core has put out; an offer inside a call is answered at once, in kind."""
        for output in outputs:
            if isinstance(output, Send):
                self.connection.textMessageReceived(output.text)
                continue
            self.events.append(output)
            if isinstance(output, CallReceived):
                self.take(self.core.ring(output.leg, self.now))
            if isinstance(output, OfferReceived):
                wanted = sdp.mirrored(sdp.direction(output.sdp or OFFER))
                answer = sdp.with_direction(OFFER, wanted)
                self.take(self.core.answer_offer(output.leg, answer, self.now))

    def dial(self, number: str) -> str:
        """Place a call and return the name of our leg."""
        leg, outputs = self.core.invite(self.number, URI.parse(f"sip:{number}@demo.invalid"), OFFER, self.now)
        self.do(outputs)
        return leg

    def answer(self) -> str:
        """Answer the call that rings, and return the name of our leg."""
        leg = self.last(CallReceived).leg
        self.do(self.core.answer(leg, OFFER, self.now))
        return leg

    def call(self, other: "Phone") -> tuple[str, str]:
        """Call another phone, which answers; return both legs."""
        ours = self.dial(other.number)
        theirs = other.answer()
        assert self.last(CallAnswered).leg == ours
        return ours, theirs

    def hang_up(self, leg: str) -> None:
        """End a leg."""
        self.do(self.core.hangup(leg, self.now))

    def of(self, kind: type[_T]) -> list[_T]:
        """Return the events of that class, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def last(self, kind: type[_T]) -> _T:
        """Return the newest event of that class."""
        found = self.of(kind)
        assert found, f"no {kind.__name__} in {self.events}"
        return found[-1]

    def disconnect(self) -> None:
        """Lose the connection."""
        self.office.phones.remove(self)
        self.connection.connectionLost(Failure(ConnectionError()))

    def lose(self) -> None:
        """Lose the connection for a while."""
        self.connection.connectionLost(Failure(ConnectionError()))
        self.do(self.core.disconnected(0, self.now))

    def come_back(self) -> None:
        """Connect anew: first a REGISTER goes out, then a re-INVITE in each call."""
        self.link = Link()
        self.connection = Connection(self.office.pbx)
        self.connection.makeConnection(self.link)
        self.do(self.core.connected(0, self.now))
        self.office.advance(1.0)


class Office:
    """A demo PBX without sound, and its phones."""

    def __init__(self) -> None:
        self.reactor = MemoryReactorClock()
        self.pbx = DemoPBX(self.reactor, with_media=False)
        self.pbx.startService()
        self.phones: list[Phone] = []

    def phone(self, number: str, password: str = DEMO_PASSWORD) -> Phone:
        """Bring a phone in; it registers."""
        phone = Phone(self, number, password)
        self.phones.append(phone)
        self.settle()
        return phone

    def settle(self) -> None:
        """Let messages arrive until none is under way."""
        moved = True
        while moved:
            moved = False
            for phone in list(self.phones):
                while phone.link.waiting:
                    moved = True
                    text = phone.link.waiting.pop(0)
                    phone.take(phone.core.receive(0, text, phone.now))

    def advance(self, seconds: float) -> None:
        """Let time pass for all."""
        self.reactor.advance(seconds)
        self.settle()
        for phone in self.phones:
            phone.do(phone.core.tick(phone.now))
