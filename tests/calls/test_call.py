"""A call's states: every pair of state and move, and what each state allows."""

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.calls.call import MOVES, Call, CallState, Direction, Move
from wrtcgw.calls.negotiation.hold import Hold
from wrtcgw.calls.negotiation.table import NegotiationState
from wrtcgw.errors import WrongState
from wrtcgw.sdp.description import parse

# What may happen when, written down apart from the table: the line of a life, and who may cut it short.
ALLOWED = {
    CallState.DIALLING: {"ring": "RINGING", "answer": "ESTABLISHED", "hang up": "ENDING", "end": "ENDED"},
    CallState.RINGING: {"ring": "RINGING", "answer": "ESTABLISHED", "hang up": "ENDING", "end": "ENDED"},
    CallState.OFFERED: {"dial": "DIALLING", "answer": "ESTABLISHED", "hang up": "ENDING", "end": "ENDED"},
    CallState.ESTABLISHED: {"hang up": "ENDING", "end": "ENDED"},
    CallState.ENDING: {"end": "ENDED"},
    CallState.ENDED: {},
}


def call_in(state: CallState) -> Call:
    """Return a call in that state."""
    call = Call.outbound("c1", "alice", "5002", parse("sdp"), 1.0)
    call.state = state
    call.order = "sip:5002@example.org"
    return call


def do(call: Call, move: Move) -> None:
    """Make a move."""
    if move is Move.DIAL:
        call.dial(parse("sdp"))
    elif move is Move.RING:
        call.ring()
    elif move is Move.ANSWER:
        call.answer(2.0)
    elif move is Move.HANG_UP:
        call.hang_up()
    else:
        call.end(3.0, "remote", 200, "OK")


class Moves(SynchronousTestCase):
    """The table."""

    def test_all_pairs(self) -> None:
        """Each pair of state and move leads where the hand-written copy says, or raises and changes nothing."""
        for state in CallState:
            for move in Move:
                call = call_in(state)
                after = ALLOWED[state].get(move.value)
                if after is None:
                    with self.assertRaises(WrongState) as caught:
                        do(call, move)
                    self.assertEqual((caught.exception.call_id, caught.exception.action), ("c1", move.value))
                    self.assertIs(call.state, state)
                else:
                    do(call, move)
                    self.assertIs(call.state, CallState[after])
        self.assertEqual(len(MOVES), sum(len(moves) for moves in ALLOWED.values()))

    def test_times(self) -> None:
        """Answer and end are noted with their time, the end with its reason."""
        call = Call.inbound("c1", "alice", "5002", None, 1.0)
        self.assertEqual((call.direction, call.state, call.created), (Direction.INBOUND, CallState.OFFERED, 1.0))
        call.answer(2.0)
        call.end(3.0, "busy", 486, "Busy Here")
        self.assertEqual((call.answered, call.ended), (2.0, 3.0))
        self.assertEqual((call.cause, call.code, call.reason), ("busy", 486, "Busy Here"))

    def test_is_up(self) -> None:
        """A call is up until it is ending."""
        up = {state for state in CallState if call_in(state).is_up}
        self.assertEqual(up, set(CallState) - {CallState.ENDING, CallState.ENDED})


class Requirements(SynchronousTestCase):
    """What a state allows."""

    def test_require(self) -> None:
        """An action outside its states is refused with the state in words."""
        call_in(CallState.OFFERED).require("reject", CallState.OFFERED)
        with self.assertRaises(WrongState) as caught:
            call_in(CallState.DIALLING).require("reject", CallState.OFFERED)
        self.assertEqual(str(caught.exception), "cannot reject call c1: it is dialling")

    def test_status(self) -> None:
        """A state in words."""
        call = call_in(CallState.ESTABLISHED)
        call.negotiation.state = NegotiationState.STABLE
        self.assertEqual(call.status, "established")
        call.negotiation.hold = Hold.AGENT
        self.assertEqual(call.status, "on hold")
        self.assertEqual(call_in(CallState.ENDING).status, "ending")

    def test_repr(self) -> None:
        """Descriptions, which hold ICE passwords, are in no repr."""
        call = Call.inbound("c1", "alice", "5002", parse("a=ice-pwd:hush"), 1.0)
        call.negotiation.descriptions.local = parse("a=ice-pwd:hush")
        self.assertNotIn("hush", repr(call))
