"""A gateway between a SIP Server and the page of an agent, in virtual time."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from tests.support import sdptext as sdp
from tests.support.gatewaycase import GatewayCase
from tests.support.sipserver import ServerCall, SIPServer, session
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.gateway import Gateway

T = TypeVar("T")

ADDRESS = "192.0.2.33"
BROWSER = session("0 8 9 120 101", address=ADDRESS, port=30000).replace("o=- 20518", "o=- 77")
"""What the page says of itself: all that the far side offered and a browser has."""
PAGE_DELAY = 0.05
"""Seconds that a page needs to answer a message: its poll, its media, its POST."""


@define(eq=False)
class ROAPPage:
    """A page that answers a call when it is told to talk, and offers inside a call as they come."""

    gateway: Gateway
    agent: Agent
    clock: IReactorTime
    delay: float = PAGE_DELAY
    obeys: bool = True
    """Whether it answers on talk."""
    told: list[tuple[float, AgentMessage]] = field(factory=list)
    """Its messages with the times at which they were there for it."""

    def __attrs_post_init__(self) -> None:
        """Begin to poll."""
        self.agent.mailbox.subscribe(self._arrived)

    def _arrived(self) -> None:
        message = self.agent.mailbox.head()
        assert message is not None
        self.agent.mailbox.delivered(message.seq)
        self.told.append((self.clock.seconds(), message))
        answers = message.type is MessageType.TALK or (
            message.type is MessageType.OFFER and message.state == "ESTABLISHED"
        )
        if answers and self.obeys:
            self.clock.callLater(self.delay, self._describe, message)

    def _describe(self, message: AgentMessage) -> None:
        call = self.agent.calls.get(message.call_id)
        waits = call is not None and (call.state.value == "OFFERED" or message.type is MessageType.OFFER)
        if waits:
            direction = sdp.answer_direction(sdp.direction(message.sdp or BROWSER), "sendrecv")
            text = BROWSER if direction == "sendrecv" else sdp.with_direction(BROWSER, direction)
            self.gateway.send_description(self.agent.id, message.call_id, text, page_address=ADDRESS)

    def types(self) -> list[str]:
        """Return the types of its messages and forget them."""
        told, self.told[:] = [message.type.value for _, message in self.told], []
        return told

    def message(self, kind: str) -> AgentMessage:
        """Return its newest message of that type."""
        return next(message for _, message in reversed(self.told) if message.type.value == kind)


class DesktopCase(GatewayCase):
    """Tests with a SIP Server; DN 5001 is registered and its page polls."""

    def start(self, **changes: object) -> None:
        """Make gateway and SIP Server, and sign the agent in."""
        super().start(**{"auto_answer": "talk", **changes})
        self.server = SIPServer(self.clock, lambda text: self.gateway.received(0, text))
        self.agent = self.sign_in()
        self.page = ROAPPage(self.gateway, self.agent, self.clock)

    def tearDown(self) -> None:
        """Check that nothing came to the SIP Server that belongs to nothing, and that nothing is left of calls."""
        super().tearDown()
        self.server.stop()
        self.assertEqual(self.server.strays, [])
        self.assertEqual([call.timed_out for call in self.server.calls if call.timed_out], [])

    def _send(self, flow: int, text: str) -> None:
        self.server.take(text)

    def run_for(self, seconds: float = 0.2) -> None:
        """Let virtual time pass, from one thing that is due to the next."""
        end = self.clock.seconds() + seconds
        while calls := [call.getTime() for call in self.clock.getDelayedCalls() if call.getTime() <= end]:
            self.clock.advance(max(1e-9, min(calls) - self.clock.seconds()))
        self.clock.advance(max(0.0, end - self.clock.seconds()))

    def play(self, script: Coroutine[Deferred[Any], Any, T], seconds: float = 120.0) -> T:
        """Play a script to its end, which must come within so many seconds; stop there."""
        playing = self.begin(script)
        end = self.clock.seconds() + seconds
        while not playing.called and self.clock.seconds() < end:
            self.run_for(0.001)
        return self.successResultOf(playing)

    def assertAt(self, call: ServerCall, text: str, seconds: float) -> None:
        """Check to the millisecond when a message went over the wire."""
        self.assertAlmostEqual(call.at(text), seconds, delta=0.0011, msg=call.ladder())

    def assertLadder(self, call: ServerCall, *lines: str) -> None:
        """Check all messages of a call: time, sender (``<`` is the gateway), words; times may be 2 ms off."""
        found = call.ladder().splitlines()
        self.assertEqual(
            [line[8:] for line in found],
            [line.lstrip()[line.lstrip().index(" ") + 1 :] for line in lines],
            call.ladder(),
        )
        for line, wanted in zip(call.trace, lines, strict=True):
            self.assertAlmostEqual(line.at, float(wanted.split()[0]), delta=0.002, msg=call.ladder())
