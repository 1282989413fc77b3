"""
What the four transaction machines share: states, inputs, effects, and the engine that runs a table.

The machines themselves, with the figures of the RFCs, are in :mod:`wrtcgw.sip.transaction`. A transaction calls nobody,
sends nothing and has no clock: its entries take a message and the time, and return outcomes in the order in which they
have to be carried out. The core does that, and calls :meth:`Transaction.timer` when a deadline is over.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import ClassVar

from attrs import define, field

from wrtcgw.sip.errors import LocalViolation
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.timers import Timers


class State(Enum):
    """The states of the four figures; NEW is where the arrow that enters a figure begins."""

    NEW = "new"
    CALLING = "calling"
    TRYING = "trying"
    PROCEEDING = "proceeding"
    COMPLETED = "completed"
    CONFIRMED = "confirmed"
    ACCEPTED = "accepted"
    TERMINATED = "terminated"


class Input(Enum):
    """What can happen to a transaction; the timers are named by their letter."""

    START = "start"
    RECEIVE_1XX = "1xx received"
    RECEIVE_2XX = "2xx received"
    RECEIVE_300_699 = "300-699 received"
    RECEIVE_REQUEST = "request received again"
    RECEIVE_ACK = "ACK received"
    SEND_1XX = "1xx from TU"
    SEND_2XX = "2xx from TU"
    SEND_300_699 = "300-699 from TU"
    TRANSPORT_ERROR = "transport error"
    TIMER_B = "B"
    TIMER_D = "D"
    TIMER_F = "F"
    TIMER_H = "H"
    TIMER_I = "I"
    TIMER_J = "J"
    TIMER_K = "K"
    TIMER_L = "L"
    TIMER_M = "M"


class Effect(Enum):
    """What the core has to do for a transaction."""

    SEND = "send"
    """Send the message on the flow of the transaction."""
    PASS_UP = "pass up"
    """Give the message to the TU: a response to a UAC; to a UAS the request that began it, or the ACK to its 2xx."""
    TIMEOUT = "timeout"
    """Tell the TU that no final response (to a UAC) or no ACK (to a UAS) came in time; the transaction is over."""
    TRANSPORT_ERROR = "transport error"
    """Tell the TU that the transport failed; only an INVITE server transaction goes on after it."""


Outcome = tuple[Effect, Request | Response]
"""An effect and its message; those that tell of a failure carry the request that began the transaction."""
Action = Callable[["Transaction", Request | Response], list[Outcome]]
Table = Mapping[tuple[State, Input], tuple[Action | None, State]]


def refuse(transaction: "Transaction", message: Request | Response) -> list[Outcome]:
    """Raise: the row can be reached only by a bug of our own."""
    raise LocalViolation(f"{type(transaction).__name__} is {transaction.state.value}: that input is impossible now")


@define(eq=False)
class Transaction:
    """
    What the four machines share: the request that began them, the state, and the engine that runs their table.

    An object belongs to the core, which drops it as soon as :attr:`terminated` is true (:rfc:`6026#section-8.4`, 8.7).
    """

    TABLE: ClassVar[Table] = {}
    WAITS: ClassVar[Mapping[State, str]] = {}
    """The letter of the timer that runs in each state that has one."""

    request: Request = field(repr=False)
    timers: Timers = field(repr=False)
    state: State = field(default=State.NEW, init=False)
    deadlines: dict[str, float] = field(factory=dict, init=False)
    """When each armed timer fires, by its letter; on a reliable transport there is at most one."""

    @property
    def branch(self) -> str:
        """Return the branch of the top Via, by which messages are matched (:rfc:`3261#section-17.1.3`, 17.2.3)."""
        return self.request.via.branch

    @property
    def terminated(self) -> bool:
        """Return whether the transaction is over and has to be dropped."""
        return self.state is State.TERMINATED

    def start(self, now: float) -> list[Outcome]:
        """
        Begin: a client transaction sends its request, a server transaction passes it up.

        :param now: reactor seconds; must not be less than in any earlier call. The same holds for the other entries.
        :raises LocalViolation: when it was started before.
        """
        return self._step(Input.START, self.request, now)

    def timer(self, letter: str, now: float) -> list[Outcome]:
        """
        Tell that the time in ``deadlines[letter]`` is over.

        :raises LocalViolation: when no such timer runs.
        """
        if self.deadlines.pop(letter, None) is None:
            raise LocalViolation(f"{type(self).__name__} is {self.state.value}: no timer {letter} runs")
        return self._step(Input(letter), self.request, now)

    def transport_error(self, now: float) -> list[Outcome]:
        """Tell that a message could not be sent, or that the connection is lost (:rfc:`3261#section-17.1.4`)."""
        return self._step(Input.TRANSPORT_ERROR, self.request, now)

    def _step(self, given: Input, message: Request | Response, now: float) -> list[Outcome]:
        action, state = self.TABLE[self.state, given]
        outcomes = action(self, message) if action else []
        return outcomes if state is self.state else outcomes + self._enter(state, now)

    def _enter(self, state: State, now: float) -> list[Outcome]:
        """Move to ``state`` and arm its timer; one that already runs (F) goes on, one of zero seconds fires at once."""
        self.state = state
        letter = self.WAITS.get(state)
        if letter is None:
            self.deadlines = {}
        elif letter not in self.deadlines:
            wait = self.timers.wait(letter)
            self.deadlines = {letter: now + wait}
            if wait <= 0:
                return self.timer(letter, now)
        return []


@define(eq=False)
class ClientTransaction(Transaction):
    """The side that sends the request; its TU is a UAC (:rfc:`3261#section-17.1`)."""

    def receive(self, response: Response, now: float) -> list[Outcome]:
        """
        Feed one response.

        :param response: its top Via branch and CSeq method are those of the request (:rfc:`3261#section-17.1.3`).
        :returns: what to send (the ACK to 300-699 to INVITE) and to pass up; empty when it is absorbed.
        :raises LocalViolation: if the transaction is not started or is terminated.
        """
        return self._step(_graded(response, _RECEIVED), response, now)


@define(eq=False)
class ServerTransaction(Transaction):
    """The side that receives the request; its TU is a UAS (:rfc:`3261#section-17.2`)."""

    last_response: Response | None = field(default=None, init=False, repr=False)
    """The response that the TU gave most recently: it is sent again when the request comes again."""

    @property
    def final_sent(self) -> bool:
        """Return whether the TU has given a final response."""
        return self.last_response is not None and self.last_response.status >= 200

    def receive(self, request: Request, now: float) -> list[Outcome]:
        """
        Feed the request that came again, or the ACK to a final response.

        :param request: it matches this transaction by :rfc:`3261#section-17.2.3`.
        :returns: the last response to send again, an ACK to pass up, or nothing when it is absorbed.
        :raises LocalViolation: if the transaction is not started or is terminated.
        """
        given = Input.RECEIVE_ACK if request.method == "ACK" else Input.RECEIVE_REQUEST
        return self._step(given, request, now)

    def respond(self, response: Response, now: float) -> list[Outcome]:
        """
        Send a response of the TU.

        The TU sends 100 to an INVITE itself (:rfc:`3261#section-17.2.1`), gives each 2xx to INVITE again until the ACK
        comes (:rfc:`6026#section-8.1`), and each reliable provisional one until the PRACK comes.

        :raises LocalViolation: when the state allows no such response: a second and different final one, say.
        """
        return self._step(_graded(response, _GIVEN), response, now)


_RECEIVED = (Input.RECEIVE_1XX, Input.RECEIVE_2XX, Input.RECEIVE_300_699)
_GIVEN = (Input.SEND_1XX, Input.SEND_2XX, Input.SEND_300_699)


def _graded(response: Response, inputs: tuple[Input, Input, Input]) -> Input:
    """Choose between the inputs for provisional, successful and other final responses."""
    return inputs[0 if response.status < 200 else 1 if response.status < 300 else 2]
