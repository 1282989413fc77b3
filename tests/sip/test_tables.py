"""
Walk of every (state, input) pair of the four transaction tables.

The expectations are written by hand from RFC 6026 figures 5 and 7 and RFC 3261 figures 6 and 8, with the rows that the
module adds or absorbs below each figure. A pair that is not listed has to raise LocalViolation and change nothing.
"""

from collections.abc import Callable
from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from tests.sip.test_transaction import LastingTimers, make_request, make_response
from wrtcgw.sip.errors import LocalViolation
from wrtcgw.sip.transaction import (
    ClientTransaction,
    Effect,
    Input,
    InviteClient,
    InviteServer,
    NonInviteClient,
    NonInviteServer,
    Outcome,
    ServerTransaction,
    State,
)

Machine = type[ClientTransaction] | type[ServerTransaction]

INVITE_CLIENT = """
    NEW         START            -> CALLING     SEND
    CALLING     RECEIVE_1XX      -> PROCEEDING  PASS_UP
    CALLING     RECEIVE_2XX      -> ACCEPTED    PASS_UP
    CALLING     RECEIVE_300_699  -> COMPLETED   SEND PASS_UP
    CALLING     TIMER_B          -> TERMINATED  TIMEOUT
    CALLING     TRANSPORT_ERROR  -> TERMINATED  TRANSPORT_ERROR
    PROCEEDING  RECEIVE_1XX      -> PROCEEDING  PASS_UP
    PROCEEDING  RECEIVE_2XX      -> ACCEPTED    PASS_UP
    PROCEEDING  RECEIVE_300_699  -> COMPLETED   SEND PASS_UP
    COMPLETED   RECEIVE_300_699  -> COMPLETED   SEND
    COMPLETED   TRANSPORT_ERROR  -> TERMINATED  TRANSPORT_ERROR
    COMPLETED   TIMER_D          -> TERMINATED
    ACCEPTED    RECEIVE_2XX      -> ACCEPTED    PASS_UP
    ACCEPTED    TIMER_M          -> TERMINATED

    PROCEEDING  TRANSPORT_ERROR  -> TERMINATED  TRANSPORT_ERROR
    COMPLETED   RECEIVE_1XX      -> COMPLETED
    COMPLETED   RECEIVE_2XX      -> COMPLETED
    ACCEPTED    RECEIVE_1XX      -> ACCEPTED
    ACCEPTED    RECEIVE_300_699  -> ACCEPTED
    ACCEPTED    TRANSPORT_ERROR  -> ACCEPTED
"""

NON_INVITE_CLIENT = """
    NEW         START            -> TRYING      SEND
    TRYING      RECEIVE_1XX      -> PROCEEDING  PASS_UP
    TRYING      RECEIVE_2XX      -> COMPLETED   PASS_UP
    TRYING      RECEIVE_300_699  -> COMPLETED   PASS_UP
    TRYING      TIMER_F          -> TERMINATED  TIMEOUT
    TRYING      TRANSPORT_ERROR  -> TERMINATED  TRANSPORT_ERROR
    PROCEEDING  RECEIVE_1XX      -> PROCEEDING  PASS_UP
    PROCEEDING  RECEIVE_2XX      -> COMPLETED   PASS_UP
    PROCEEDING  RECEIVE_300_699  -> COMPLETED   PASS_UP
    PROCEEDING  TIMER_F          -> TERMINATED  TIMEOUT
    PROCEEDING  TRANSPORT_ERROR  -> TERMINATED  TRANSPORT_ERROR
    COMPLETED   TIMER_K          -> TERMINATED

    COMPLETED   RECEIVE_1XX      -> COMPLETED
    COMPLETED   RECEIVE_2XX      -> COMPLETED
    COMPLETED   RECEIVE_300_699  -> COMPLETED
    COMPLETED   TRANSPORT_ERROR  -> COMPLETED
"""

INVITE_SERVER = """
    NEW         START            -> PROCEEDING  PASS_UP
    PROCEEDING  RECEIVE_REQUEST  -> PROCEEDING  SEND
    PROCEEDING  SEND_1XX         -> PROCEEDING  SEND
    PROCEEDING  SEND_2XX         -> ACCEPTED    SEND
    PROCEEDING  SEND_300_699     -> COMPLETED   SEND
    PROCEEDING  TRANSPORT_ERROR  -> PROCEEDING  TRANSPORT_ERROR
    COMPLETED   RECEIVE_REQUEST  -> COMPLETED   SEND
    COMPLETED   RECEIVE_ACK      -> CONFIRMED
    COMPLETED   TRANSPORT_ERROR  -> COMPLETED   TRANSPORT_ERROR
    COMPLETED   TIMER_H          -> TERMINATED  TIMEOUT
    CONFIRMED   TIMER_I          -> TERMINATED
    ACCEPTED    RECEIVE_REQUEST  -> ACCEPTED
    ACCEPTED    RECEIVE_ACK      -> ACCEPTED    PASS_UP
    ACCEPTED    SEND_2XX         -> ACCEPTED    SEND
    ACCEPTED    TRANSPORT_ERROR  -> ACCEPTED    TRANSPORT_ERROR
    ACCEPTED    TIMER_L          -> TERMINATED

    PROCEEDING  RECEIVE_ACK      -> PROCEEDING
    CONFIRMED   RECEIVE_ACK      -> CONFIRMED
    CONFIRMED   RECEIVE_REQUEST  -> CONFIRMED
    CONFIRMED   TRANSPORT_ERROR  -> CONFIRMED
"""

NON_INVITE_SERVER = """
    NEW         START            -> TRYING      PASS_UP
    TRYING      SEND_1XX         -> PROCEEDING  SEND
    TRYING      SEND_2XX         -> COMPLETED   SEND
    TRYING      SEND_300_699     -> COMPLETED   SEND
    PROCEEDING  SEND_1XX         -> PROCEEDING  SEND
    PROCEEDING  SEND_2XX         -> COMPLETED   SEND
    PROCEEDING  SEND_300_699     -> COMPLETED   SEND
    PROCEEDING  RECEIVE_REQUEST  -> PROCEEDING  SEND
    PROCEEDING  TRANSPORT_ERROR  -> TERMINATED  TRANSPORT_ERROR
    COMPLETED   RECEIVE_REQUEST  -> COMPLETED   SEND
    COMPLETED   TRANSPORT_ERROR  -> TERMINATED  TRANSPORT_ERROR
    COMPLETED   TIMER_J          -> TERMINATED

    TRYING      TRANSPORT_ERROR  -> TERMINATED  TRANSPORT_ERROR
    TRYING      RECEIVE_REQUEST  -> TRYING
    COMPLETED   SEND_2XX         -> COMPLETED
    COMPLETED   SEND_300_699     -> COMPLETED
"""

CLIENT_INPUTS = "START RECEIVE_1XX RECEIVE_2XX RECEIVE_300_699 TRANSPORT_ERROR"
SERVER_INPUTS = "START RECEIVE_REQUEST RECEIVE_ACK SEND_1XX SEND_2XX SEND_300_699 TRANSPORT_ERROR"

STATUS = {"1XX": (100, 180, 199), "2XX": (200, 299), "300_699": (300, 486, 699)}


def read(text: str) -> dict[tuple[State, Input], tuple[State, list[Effect]]]:
    """Read one of the tables above."""
    rows = {}
    for line in filter(None, map(str.split, text.splitlines())):
        state, given, arrow, following, *effects = line
        assert arrow == "->" and (State[state], Input[given]) not in rows, line
        rows[State[state], Input[given]] = (State[following], [Effect[effect] for effect in effects])
    return rows


def place(kind: Machine, state: State, given: Input) -> ClientTransaction | ServerTransaction:
    """Make a transaction that is in ``state``; ``given`` being a timer, it runs."""
    request = make_request("INVITE" if kind in {InviteClient, InviteServer} else "INFO")
    transaction = kind(request, LastingTimers())
    transaction.state = state
    if given.name.startswith("TIMER_"):
        transaction.deadlines = {given.value: 9.0}
    if isinstance(transaction, ServerTransaction):
        transaction.last_response = make_response(request, 183)
    return transaction


def entries(transaction: ClientTransaction | ServerTransaction, given: Input) -> list[Callable[[], list[Outcome]]]:
    """Give the calls that are this input: for a class of responses several, at its ends."""
    if given is Input.START:
        return [lambda: transaction.start(10.0)]
    if given is Input.TRANSPORT_ERROR:
        return [lambda: transaction.transport_error(10.0)]
    if given.name.startswith("TIMER_"):
        return [lambda: transaction.timer(given.value, 10.0)]
    if isinstance(transaction, ServerTransaction) and given.name.startswith("RECEIVE_"):
        method = "ACK" if given is Input.RECEIVE_ACK else transaction.request.method
        return [lambda: transaction.receive(make_request(method), 10.0)]
    codes = STATUS[given.name.partition("_")[2]]
    enter = transaction.respond if isinstance(transaction, ServerTransaction) else transaction.receive
    return [lambda code=code: enter(make_response(transaction.request, code), 10.0) for code in codes]  # type: ignore[misc]


class TableTests(SynchronousTestCase):
    """Each table against its figure, by behaviour: entries are called, effects and the next state are looked at."""

    def walk(self, kind: Machine, text: str, states: str, inputs: str) -> None:
        """Compare all pairs of a machine with a table of this module."""
        expected = read(text)
        pairs = set(product((State[name] for name in states.split()), (Input[name] for name in inputs.split())))
        self.assertEqual(set(kind.TABLE), pairs, "the table is not total, or has too much")
        self.assertLessEqual(set(expected), pairs)
        for state, given in sorted(pairs, key=str):
            for number in range(len(entries(place(kind, state, given), given))):
                transaction = place(kind, state, given)
                self.check(transaction, entries(transaction, given)[number], expected.get((state, given)), given)

    def check(
        self,
        transaction: ClientTransaction | ServerTransaction,
        entry: Callable[[], list[Outcome]],
        expected: tuple[State, list[Effect]] | None,
        given: Input,
    ) -> None:
        """Call one entry and compare what it did with its row; no row means that it has to refuse."""
        before = transaction.state
        name = f"{type(transaction).__name__}: {before.name} {given.name}"
        if expected is None:
            self.assertRaises(LocalViolation, entry)
            self.assertIs(transaction.state, before, name)
            return
        outcomes = entry()
        self.assertEqual((transaction.state, [effect for effect, _ in outcomes]), expected, name)

    def test_invite_client(self) -> None:
        """The INVITE client transaction is figure 5 of RFC 6026."""
        states = "NEW CALLING PROCEEDING COMPLETED ACCEPTED TERMINATED"
        self.walk(InviteClient, INVITE_CLIENT, states, f"{CLIENT_INPUTS} TIMER_B TIMER_D TIMER_M")

    def test_non_invite_client(self) -> None:
        """The non-INVITE client transaction is figure 6 of RFC 3261."""
        states = "NEW TRYING PROCEEDING COMPLETED TERMINATED"
        self.walk(NonInviteClient, NON_INVITE_CLIENT, states, f"{CLIENT_INPUTS} TIMER_F TIMER_K")

    def test_invite_server(self) -> None:
        """The INVITE server transaction is figure 7 of RFC 6026."""
        states = "NEW PROCEEDING COMPLETED CONFIRMED ACCEPTED TERMINATED"
        self.walk(InviteServer, INVITE_SERVER, states, f"{SERVER_INPUTS} TIMER_H TIMER_I TIMER_L")

    def test_non_invite_server(self) -> None:
        """The non-INVITE server transaction is figure 8 of RFC 3261."""
        states = "NEW TRYING PROCEEDING COMPLETED TERMINATED"
        self.walk(NonInviteServer, NON_INVITE_SERVER, states, f"{SERVER_INPUTS} TIMER_J")

    def test_timers(self) -> None:
        """A timer that runs in a state has a row there that moves on, and in no other state of its machine."""
        for kind in (InviteClient, NonInviteClient, InviteServer, NonInviteServer):
            moves = {
                (state, given.value)
                for (state, given), (_, following) in kind.TABLE.items()
                if given.name.startswith("TIMER_") and following is not state
            }
            self.assertEqual(moves, set(kind.WAITS.items()))
