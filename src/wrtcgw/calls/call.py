"""
One call of one agent: its states, and the moves between them.

Pure: nothing is sent from here. The table holds every legal (state, move) pair; any other pair raises, so that no layer
above can bring a call into a state that it cannot be in.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import asdict, define, evolve, field, frozen

from wrtcgw.calls.negotiation import snapshots
from wrtcgw.calls.negotiation.machine import Negotiation
from wrtcgw.calls.stats import Reports, Stats
from wrtcgw.calls.transfer import Transfer, TransferInput
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
    """Incoming, and not answered; or ordered by an application, and the page has still to make an offer."""
    ESTABLISHED = "ESTABLISHED"
    """Answered."""
    ENDING = "ENDING"
    """The agent has hung up, cancelled or rejected; the far side has still to confirm."""
    ENDED = "ENDED"
    """Over."""


class Move(Enum):
    """What can happen to a call."""

    DIAL = "dial"
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
    (CallState.OFFERED, Move.DIAL): CallState.DIALLING,
    (CallState.OFFERED, Move.ANSWER): CallState.ESTABLISHED,
    (CallState.OFFERED, Move.HANG_UP): CallState.ENDING,
    (CallState.OFFERED, Move.END): CallState.ENDED,
    (CallState.ESTABLISHED, Move.HANG_UP): CallState.ENDING,
    (CallState.ESTABLISHED, Move.END): CallState.ENDED,
    (CallState.ENDING, Move.END): CallState.ENDED,
}


class Deadline(Enum):
    """What a call can be waiting for, so long and no longer."""

    PAGE = "page"
    """The page's answer to an offer of the far side."""
    ACKNOWLEDGED = "acknowledged"
    """The page is to say that it has got the call; until then the caller does not hear it ring."""
    AWAKE = "awake"
    """The page at which the call rings is to be heard of again: it may have gone to sleep since."""
    TAKE_OVER = "take-over"
    """The page that the call has now, a new one, is to offer in it."""
    TALK = "talk"
    """The caller wants to be answered then."""
    ORDER = "order"
    """The page is to make an offer for a call that an application has ordered."""
    WISH = "wish"
    """The page may act on the far side's wish to be transferred."""


@frozen
class EndReason:
    """Why a call is ended from here when it is not its page that ends it: a cause in one word, and a hint."""

    cause: str
    hint: str


@frozen
class FarSide:
    """
    Who stands behind the call at the far side, as its first request tells.

    ``key`` is one word, to tell parties apart; by ``names``, domains and asserted identities, lists of trusted parties
    may know it.
    """

    key: str = ""
    names: tuple[str, ...] = ()
    withheld: str = field(default="", repr=False)
    """The number that it wants to be kept from the page."""


SNAPSHOT_VERSION = 1
"""Of what :meth:`Call.snapshot` returns."""

_PLAIN = (
    "id",
    "agent_id",
    "peer",
    "created",
    "display_name",
    "verstat",
    "called",
    "uuid",
    "replaces",
    "referred_by",
    "auto_answer",
    "told_to_answer",
    "form",
    "order",
    "replaced_by",
    "answered",
    "ended",
    "code",
    "reason",
    "cause",
)
"""The fields that are text, numbers or None."""
_OF_PAGES = ("sound", "moving", "muted", "hidden")
"""And those that older snapshots do not have."""
_PAIRS = ("diversion", "headers", "data")
"""Those that are pairs of texts."""


@define(kw_only=True, eq=False)
class Call:
    """
    One call of one agent.

    ``id`` is the name of its leg in the core. Times are the clock's seconds, None while it has not come to that.
    """

    id: str
    agent_id: str
    direction: Direction
    peer: str
    created: float
    state: CallState
    far_side: FarSide = FarSide()
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
    told_to_answer: bool = False
    """The page was told to answer; the next page has to be told as well, if this one goes."""
    data: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """What the far side has attached to the call, as it came last."""
    form: str = field(default="", repr=False)
    """Data that the page has attached, to be sent once the call is answered."""
    order: str = ""
    """The URI that an application wants the agent to call, as long as the page has made no offer for it."""
    reports: Reports = field(factory=Reports, repr=False)
    """What the page has told of its media."""
    sound: str = ""
    """The name of the agent's page that has the sound of the call."""
    moving: str | None = None
    """The name of the page that has offered to take the sound, as long as the far side has not agreed."""
    muted: bool = False
    """The agent has switched the microphone off, as one of several pages has told the others."""
    hidden: bool = False
    """Its page shows it to nobody, as the call of a check: the agent's other pages are not to know of it."""
    negotiation: Negotiation = field(repr=False)
    transfer: Transfer = field(factory=Transfer)
    replaced_by: str = ""
    """The call that has taken the place of this one, which ends by that."""
    deadlines: dict[Deadline, float] = field(factory=dict)
    """What is waited for, and until when."""
    end_reason: EndReason | None = None
    """It is not the page that ends the call."""
    answered: float | None = None
    ended: float | None = None
    code: int = 0
    """The code that ended the call, 0 for none."""
    reason: str = ""
    cause: str = ""
    """Why it ended, in one word."""

    @classmethod
    def outbound(
        cls,
        call_id: str,
        agent_id: str,
        peer: str,
        local_sdp: Description,
        now: float,
        *,
        far_side: FarSide = FarSide(),
        form: str = "",
        referrer: str = "",
        hidden: bool = False,
    ) -> "Call":
        """
        Return a call that the agent has just placed.

        :param form: data that the page has attached, to be sent once the call is answered.
        :param referrer: the call whose far side has asked for this one.
        :param hidden: its page shows it to nobody.
        """
        state = CallState.DIALLING
        return cls(
            id=call_id,
            agent_id=agent_id,
            direction=Direction.OUTBOUND,
            peer=peer,
            called=peer,
            created=now,
            state=state,
            far_side=far_side,
            form=form,
            negotiation=Negotiation.outbound(call_id, local_sdp),
            transfer=Transfer(referrer=referrer),
            hidden=hidden,
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

    @classmethod
    def ordered(
        cls, call_id: str, agent_id: str, peer: str, target: str, now: float, *, far_side: FarSide = FarSide()
    ) -> "Call":
        """Return a call that an application wants the agent to make; its page is asked for an offer, as by a caller."""
        return cls(
            id=call_id,
            agent_id=agent_id,
            direction=Direction.OUTBOUND,
            peer=peer,
            called=peer,
            created=now,
            state=CallState.OFFERED,
            far_side=far_side,
            order=target,
            negotiation=Negotiation.inbound(call_id, None),
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

    @property
    def ends_for(self) -> str:
        """Return what the call ends for when it ends without a fault, as a cause; '' when for nothing special."""
        if self.transfer.is_under_way:
            return "transferred"
        return "replaced" if self.replaced_by else ""

    def dial(self, local_sdp: Description) -> None:
        """
        Note that the page has made its offer for a call that was ordered: from now on it is as any that it places.

        :raises WrongState: when it was not ordered, or is ending.
        """
        if not self.order:
            raise WrongState(self.id, Move.DIAL.value, self.status)
        self._move(Move.DIAL)
        self.order = ""
        self.negotiation = Negotiation.outbound(self.id, local_sdp)

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

    def want_answer(self, seconds: float) -> None:
        """Note that the call is to be answered without a click so long after it has come."""
        self.auto_answer = seconds

    def tell_to_answer(self) -> None:
        """Note that the page is told to answer, or to go on with, the call."""
        self.told_to_answer = True

    def replace_by(self, call_id: str) -> None:
        """Note that another call has taken the place of this one."""
        self.replaced_by = call_id

    def attach(self, form: str) -> None:
        """Keep data of the page until the far side can take it; '' for none."""
        self.form = form

    def wait(self, deadline: Deadline, until: float) -> None:
        """Note what is waited for, until then."""
        self.deadlines[deadline] = until

    def wait_no_more(self, deadline: Deadline) -> None:
        """Note that something is not waited for, or not any more."""
        self.deadlines.pop(deadline, None)

    def withhold(self, number: str) -> None:
        """Note that the far side wants its number kept from the page."""
        self.far_side = evolve(self.far_side, withheld=number)

    def learn(self, uuid: str, data: tuple[tuple[str, str], ...]) -> None:
        """Take what came with the far side's answer."""
        self.uuid = uuid or self.uuid
        self.data = data

    def identify(self, peer: str, display_name: str, verstat: str) -> bool:
        """Take who the far side is now; return whether the page has to hear of it."""
        is_news = (peer, display_name) != (self.peer, self.display_name)
        if is_news:
            self.peer, self.display_name, self.verstat = peer, display_name, verstat
        return is_news

    def give_sound(self, page: str) -> None:
        """Note which page has the sound from now on."""
        self.sound, self.moving = page, None

    def is_known_to(self, page: str) -> bool:
        """Return whether a page of the agent may know of it."""
        return not self.hidden or page == self.sound

    def begin_move(self, page: str) -> None:
        """Note that a page has offered to take the sound."""
        self.moving = page

    def give_move_up(self) -> None:
        """Note that the sound stays where it is."""
        self.moving = None

    def mute(self, *, on: bool) -> None:
        """Note whether the agent has switched the microphone off."""
        self.muted = on

    def hand_over(self, agent_id: str) -> None:
        """Give the call to another agent."""
        self.agent_id = agent_id

    def require_no_transfer(self) -> None:
        """
        Refuse a transfer while another one is under way.

        :raises WrongState: when that is so.
        """
        if self.transfer.is_under_way:
            raise WrongState(self.id, "transfer", "being transferred")

    def begin_transfer(self, other: "Call | None" = None) -> None:
        """
        Note that the agent wants the far side transferred: elsewhere, or to the far side of another call.

        :raises WrongState: when one of the calls takes part in a transfer already; nothing has changed then.
        """
        for call in (self, *((other,) if other is not None else ())):
            call.require_no_transfer()
        self.transfer.take(TransferInput.REFER, "" if other is None else other.id)
        if other is not None:
            other.transfer.take(TransferInput.CONSULT, self.id)

    def hang_up(self, why: EndReason | None = None) -> None:
        """
        Note that the call is to end from here: its page wants that, unless ``why`` says something else.

        :raises WrongState: when it is ending or over already.
        """
        self._move(Move.HANG_UP)
        self.end_reason = why

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

    def report(self, stats: Stats) -> None:
        """Take the page's report on the media."""
        self.reports.add(stats)

    # -- across a restart

    def snapshot(self) -> dict[str, object]:
        """Return plain data, from which :meth:`restore` makes a call that goes on: JSON can hold it."""
        return {
            "version": SNAPSHOT_VERSION,
            **{name: getattr(self, name) for name in (*_PLAIN, *_OF_PAGES)},
            **{name: [list(pair) for pair in getattr(self, name)] for name in _PAIRS},
            "direction": self.direction.value,
            "state": self.state.value,
            "far_side": asdict(self.far_side, recurse=False),
            "reports": self.reports.snapshot() if self.reports.count else None,
            "negotiation": snapshots.snapshot(self.negotiation),
            "transfer": self.transfer.snapshot(),
            "deadlines": {deadline.value: due for deadline, due in self.deadlines.items()},
            "end_reason": None if self.end_reason is None else asdict(self.end_reason, recurse=False),
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], shift: float = 0.0) -> "Call":
        """
        Return the call that :meth:`snapshot` was taken of.

        :param shift: seconds to add to all times, where the clock has begun anew.
        :raises ValueError: for the data of another version.
        """
        if data["version"] != SNAPSHOT_VERSION:
            raise ValueError(f"call: expected version {SNAPSHOT_VERSION}, found {data['version']!r}")
        times = {name: None if data[name] is None else data[name] + shift for name in ("created", "answered", "ended")}
        pairs = {name: tuple((each, value) for each, value in data[name]) for name in _PAIRS}
        plain: dict[str, Any] = {name: data[name] for name in _PLAIN}
        plain |= {name: data[name] for name in _OF_PAGES if name in data}
        far_side, end_reason = data["far_side"], data["end_reason"]
        return cls(
            **{**plain, **times, **pairs},
            direction=Direction(data["direction"]),
            state=CallState(data["state"]),
            far_side=FarSide(far_side["key"], tuple(far_side["names"]), far_side["withheld"]),
            reports=Reports() if data["reports"] is None else Reports.restore(data["reports"]),
            negotiation=snapshots.restore(data["negotiation"]),
            transfer=Transfer.restore(data["transfer"]),
            deadlines={Deadline(name): due + shift for name, due in data["deadlines"].items()},
            end_reason=None if end_reason is None else EndReason(**end_reason),
        )

    def _move(self, move: Move) -> None:
        after = MOVES.get((self.state, move))
        if after is None:
            raise WrongState(self.id, move.value, self.status)
        self.state = after
