"""
One call of one agent: its states, and the moves between them.

Pure: nothing is sent from here. The table holds every legal (state, move) pair; any other pair raises, so that no layer
above can bring a call into a state that it cannot be in.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from attrs import Attribute, define, field

from wrtcgw.calls.negotiation.machine import Negotiation
from wrtcgw.calls.stats import Reports, Stats
from wrtcgw.errors import WrongState
from wrtcgw.sdp.description import Description


class Direction(Enum):
    """Who started the call."""

    OUTBOUND = "outbound"
    INBOUND = "inbound"


class CallState(Enum):
    """Where a call stands, as its agent sees it."""

    DIALLING = "DIALLING"
    """Ours; the far side has not told anything yet."""
    RINGING = "RINGING"
    """Ours; the far side is being alerted."""
    OFFERED = "OFFERED"
    """Incoming, and not answered."""
    ESTABLISHED = "ESTABLISHED"
    """Answered."""
    ENDING = "ENDING"
    """The agent has hung up, cancelled or rejected; the far side has still to confirm."""
    ENDED = "ENDED"
    """Over."""


class Move(Enum):
    """What can happen to a call."""

    RING = "ring"
    ANSWER = "answer"
    HANG_UP = "hang up"
    END = "end"


MOVES: Mapping[tuple[CallState, Move], CallState] = {
    (CallState.DIALLING, Move.RING): CallState.RINGING,
    (CallState.DIALLING, Move.ANSWER): CallState.ESTABLISHED,
    (CallState.DIALLING, Move.HANG_UP): CallState.ENDING,
    (CallState.DIALLING, Move.END): CallState.ENDED,
    (CallState.RINGING, Move.RING): CallState.RINGING,
    (CallState.RINGING, Move.ANSWER): CallState.ESTABLISHED,
    (CallState.RINGING, Move.HANG_UP): CallState.ENDING,
    (CallState.RINGING, Move.END): CallState.ENDED,
    (CallState.OFFERED, Move.ANSWER): CallState.ESTABLISHED,
    (CallState.OFFERED, Move.HANG_UP): CallState.ENDING,
    (CallState.OFFERED, Move.END): CallState.ENDED,
    (CallState.ESTABLISHED, Move.HANG_UP): CallState.ENDING,
    (CallState.ESTABLISHED, Move.END): CallState.ENDED,
    (CallState.ENDING, Move.END): CallState.ENDED,
}


Watch = Callable[["Call", str, object], None]


def _watched(call: "Call", attribute: "Attribute[Any]", value: object) -> object:
    """Tell who watches the call that an attribute is about to change."""
    if call.watch is not None and getattr(call, attribute.name) != value:
        call.watch(call, attribute.name, value)
    return value


@define(kw_only=True, eq=False)
class Call:
    """
    One call of one agent.

    ``id`` is the name of its leg in the core. Times are the clock's seconds, None while it has not come to that.
    """

    id: str
    agent_id: str = field(on_setattr=_watched)
    direction: Direction
    peer: str
    created: float
    state: CallState = field(on_setattr=_watched)
    display_name: str = ""
    verstat: str = ""
    """What the network says of having verified the caller's number."""
    called: str = ""
    """The number that was dialled."""
    diversion: tuple[tuple[str, str], ...] = ()
    """Whom the call was for before, the first one first, and why each diverted it."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """The header fields that the site wants pages to know."""
    uuid: str = ""
    replaces: str = ""
    referred_by: str = ""
    auto_answer: float | None = None
    data: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """What the far side has attached to the call, as it came last."""
    reports: Reports = field(factory=Reports, repr=False)
    """What the page has told of its media."""
    negotiation: Negotiation = field(repr=False)
    watch: Watch | None = field(default=None, repr=False)
    """
    Told of each change of agent, state and hold before it is made, and of each report on the media: the call, the
    attribute's name, its value.
    """
    answered: float | None = None
    ended: float | None = None
    code: int = 0
    """The code that ended the call, 0 for none."""
    reason: str = ""
    cause: str = ""
    """Why it ended, in one word."""

    @classmethod
    def outbound(cls, call_id: str, agent_id: str, peer: str, local_sdp: Description, now: float) -> "Call":
        """Return a call that the agent has just placed."""
        state = CallState.DIALLING
        return cls(
            id=call_id,
            agent_id=agent_id,
            direction=Direction.OUTBOUND,
            peer=peer,
            called=peer,
            created=now,
            state=state,
            negotiation=Negotiation.outbound(call_id, local_sdp),
        )

    @classmethod
    def inbound(cls, call_id: str, agent_id: str, peer: str, remote_sdp: Description | None, now: float) -> "Call":
        """Return a call that has just come for the agent; ``remote_sdp`` is None when the caller wants our offer."""
        state = CallState.OFFERED
        return cls(
            id=call_id,
            agent_id=agent_id,
            direction=Direction.INBOUND,
            peer=peer,
            created=now,
            state=state,
            negotiation=Negotiation.inbound(call_id, remote_sdp),
        )

    @property
    def local_sdp(self) -> Description | None:
        """Our description as the far side knows it."""
        return self.negotiation.descriptions.local

    @property
    def remote_sdp(self) -> Description | None:
        """The far side's description, as it came last."""
        return self.negotiation.descriptions.remote

    @property
    def held(self) -> bool:
        """Whether the agent, or the server for it, has put the call on hold."""
        return self.negotiation.on_hold

    @property
    def held_by_peer(self) -> bool:
        """Whether the far side has put the call on hold."""
        return self.negotiation.held_by_peer

    @property
    def is_up(self) -> bool:
        """Return whether the call is neither over nor about to be."""
        return self.state not in (CallState.ENDING, CallState.ENDED)

    @property
    def status(self) -> str:
        """Return the state in words for an error text."""
        if self.state is not CallState.ESTABLISHED:
            return self.state.name.lower()
        return self.negotiation.status

    def ring(self) -> None:
        """Note that the far side is alerted."""
        self._move(Move.RING)

    def answer(self, now: float) -> None:
        """
        Note that one side answered the other.

        :raises WrongState: when the call is answered already, or over.
        """
        self._move(Move.ANSWER)
        self.answered = now

    def hang_up(self) -> None:
        """
        Note that the agent wants the call to end.

        :raises WrongState: when it is ending or over already.
        """
        self._move(Move.HANG_UP)

    def end(self, now: float, cause: str, code: int = 0, reason: str = "") -> None:
        """
        Note that the call is over.

        :raises WrongState: when it is over already.
        """
        self._move(Move.END)
        self.ended, self.cause, self.code, self.reason = now, cause, code, reason

    def require(self, action: str, *states: CallState) -> None:
        """
        Refuse ``action`` outside ``states``.

        :raises WrongState: naming the state that the call is in.
        """
        if self.state not in states:
            raise WrongState(self.id, action, self.status)

    def note_hold(self, on_hold: bool, *, by_peer: bool) -> None:
        """Tell who watches the call that it was put on hold, or taken from it."""
        if self.watch is not None:
            self.watch(self, "held_by_peer" if by_peer else "held", on_hold)

    def report(self, stats: Stats) -> None:
        """Take the page's report on the media."""
        self.reports.add(stats)
        if self.watch is not None:
            self.watch(self, "reports", self.reports)

    def _move(self, move: Move) -> None:
        after = MOVES.get((self.state, move))
        if after is None:
            raise WrongState(self.id, move.value, self.status)
        self.state = after
