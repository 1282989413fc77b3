"""A signed-in agent: who it is, how its DN is registered, its calls and its messages."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import define, field

from wrtcgw.calls.abilities import DEFAULT, PageAbilities
from wrtcgw.calls.call import Call
from wrtcgw.calls.mailbox import Mailbox
from wrtcgw.calls.page_life import PageLife
from wrtcgw.errors import AmbiguousCall, UnknownCall

HEARD = 100
ENDED = 20
SNAPSHOT_VERSION = 1
"""Of what :meth:`Agent.snapshot` returns."""
_PLAIN = (
    *("id", "dn", "since", "display_name", "expires", "last_code", "last_error", "last_seen", "place"),
    "do_not_disturb",
)
"""The fields that are text, numbers, true or false, or None."""


class RegistrationState(Enum):
    """What is known of the registration of an agent's DN."""

    REGISTERED = "REGISTERED"
    """The registrar holds it."""
    RECOVERING = "RECOVERING"
    """The connection or a refresh failed; the gateway keeps trying."""
    FAILED = "FAILED"
    """The registrar refused it for good: the agent has to sign in again."""
    SIGNED_OUT = "SIGNED_OUT"
    """The agent has left, or was replaced."""


@define(kw_only=True, eq=False)
class Agent:
    """
    One signed-in agent.

    ``account`` names the registration in the core. ``last_seen`` is when its page was last heard of, ``since`` when it
    signed in; both are the clock's seconds.
    """

    id: str
    dn: str
    since: float
    display_name: str = ""
    registration: RegistrationState = RegistrationState.REGISTERED
    expires: float = 0.0
    """The clock's seconds at which the registrar forgets the DN unless it is refreshed."""
    last_code: int = 0
    """The code of the registrar's last refusal, 0 when it accepted."""
    last_error: str = ""
    last_words: tuple[str, str] = ("", "")
    """The texts of Warning and Reason of that refusal."""
    last_seen: float | None = None
    abilities: PageAbilities = DEFAULT
    """What its page can do."""
    page: PageLife = field(factory=PageLife)
    """Whether its page runs."""
    do_not_disturb: bool = False
    """Its callers are told that it is busy."""
    place: str = ""
    """The network from which its page placed its last call."""
    waiting: int = 0
    """How many polls and streams of its page hang now."""
    heard: tuple[str, ...] = field(default=(), repr=False)
    """Users that have called and whose names could not be called as they stand, but for that."""
    mailbox: Mailbox = field(factory=Mailbox, repr=False)
    calls: dict[str, Call] = field(factory=dict, repr=False)
    """By id, oldest first; calls that are over are not in it."""
    ended: tuple[str, ...] = field(default=(), repr=False)
    """Ids of its last calls that are over, of which its page may not have heard yet."""

    def hear(self, name: str) -> None:
        """Note a user that has called; of too many the oldest is forgotten."""
        self.heard = (*self.heard, name)[-HEARD:]

    def note_end(self, call_id: str) -> None:
        """Note a call that is over; of too many the oldest is forgotten."""
        self.ended = (*self.ended, call_id)[-ENDED:]

    @property
    def account(self) -> str:
        """Return the name of this agent's registration in the core."""
        return self.dn

    @property
    def guest(self) -> bool:
        """Whether it has no DN of its own."""
        return self.abilities.is_guest

    @property
    def page_alive(self) -> bool:
        """Return whether a page listens now."""
        return self.waiting > 0

    @property
    def has_call(self) -> bool:
        """Return whether a call is up: neither over nor about to be."""
        return any(call.is_up for call in self.calls.values())

    def call(self, call_id: str | None) -> Call:
        """
        Return the call of that id, or without an id the only one that is up.

        :raises UnknownCall: when there is none.
        :raises AmbiguousCall: when no id is given and several calls are up.
        """
        if call_id:
            return self._named(call_id)
        return only([call for call in self.calls.values() if call.is_up])

    # -- across a restart

    def snapshot(self) -> dict[str, object]:
        """
        Return plain data, from which :meth:`restore` makes an agent that goes on: JSON can hold it.

        Its calls are in it. Its mailbox is not: that has a snapshot of its own. Nor is what hangs of its page, since
        connections end with the process. No password is known here.
        """
        return {
            "version": SNAPSHOT_VERSION,
            **{name: getattr(self, name) for name in _PLAIN},
            "registration": self.registration.value,
            "abilities": self.abilities.snapshot(),
            "page": self.page.snapshot(),
            "last_words": list(self.last_words),
            "heard": list(self.heard),
            "ended": list(self.ended),
            "calls": [call.snapshot() for call in self.calls.values()],
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any], mailbox: Mailbox, shift: float = 0.0) -> "Agent":
        """
        Return the agent that :meth:`snapshot` was taken of.

        :param shift: seconds to add to all times, where the clock has begun anew.
        :raises ValueError: for the data of another version.
        """
        if data["version"] != SNAPSHOT_VERSION:
            raise ValueError(f"agent: expected version {SNAPSHOT_VERSION}, found {data['version']!r}")
        times = {name: None if data[name] is None else data[name] + shift for name in ("since", "expires", "last_seen")}
        calls = (Call.restore(call, shift) for call in data["calls"])
        return cls(
            **{**{name: data[name] for name in _PLAIN}, **times},
            registration=RegistrationState(data["registration"]),
            abilities=PageAbilities.restore(data["abilities"]),
            page=PageLife.restore(data["page"], shift) if "page" in data else PageLife(),  # older records have none
            last_words=tuple(data["last_words"]),
            heard=tuple(data["heard"][-HEARD:]),
            ended=tuple(data["ended"][-ENDED:]),
            mailbox=mailbox,
            calls={call.id: call for call in calls},
        )

    def _named(self, call_id: str) -> Call:
        call = self.calls.get(call_id)
        if call is None:
            raise UnknownCall(call_id)
        return call


def only(calls: list[Call]) -> Call:
    """
    Return the one call in the list.

    :raises UnknownCall: when it is empty.
    :raises AmbiguousCall: when it has several.
    """
    if not calls:
        raise UnknownCall("")
    if len(calls) > 1:
        raise AmbiguousCall(tuple(call.id for call in calls))
    return calls[0]
