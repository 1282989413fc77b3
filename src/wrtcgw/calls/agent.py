"""A signed-in agent: who it is, how its DN is registered, its calls, and its pages with their messages."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from attrs import define, field

from wrtcgw.calls.abilities import DEFAULT, PageAbilities
from wrtcgw.calls.call import Call
from wrtcgw.calls.mailbox import Mailbox
from wrtcgw.calls.page import FIRST, Page, Sound
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
    life: PageLife = field(factory=PageLife)
    """Whether its page runs; of several, whether one does."""
    do_not_disturb: bool = False
    """Its callers are told that it is busy."""
    place: str = ""
    """The network from which its page placed its last call."""
    heard: tuple[str, ...] = field(default=(), repr=False)
    """Users that have called and whose names could not be called as they stand, but for that."""
    pages: list[Page] = field(factory=lambda: [Page()], repr=False)
    """Oldest first, one at least."""
    arrived: str = FIRST
    """The name of the page that has signed in last."""
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
        return any(page.is_listening for page in self.pages)

    @property
    def mailbox(self) -> Mailbox:
        """Return the messages for its page; of several that of the oldest."""
        return self.pages[0].mailbox

    def page_named(self, name: str) -> Page | None:
        """Return the page of that name; None when it is gone."""
        return next((page for page in self.pages if page.name == name), None)

    def page_with_sound(self, call: Call) -> Page | None:
        """Return the page that has the sound of a call; None when that is gone. Who has one page has it there."""
        return self.pages[0] if len(self.pages) == 1 else self.page_named(call.sound)

    def sound_of(self, call: Call, name: str, now: float) -> Sound:
        """Return where the sound of a call is, as the page of that name sees it."""
        if call.sound == name:
            return Sound.HERE
        page = self.page_named(call.sound)
        return Sound.NOWHERE if page is None or page.is_away(now) else Sound.ELSEWHERE

    def add_page(self, mailbox: Mailbox, now: float) -> Page:
        """Take one more page in, under a name that none of the others has or had while they were there."""
        numbers = [int(page.name or 1) for page in self.pages]
        page = Page(name=str(max(numbers) + 1), since=now, mailbox=mailbox)
        self.pages.append(page)
        self.arrived = page.name
        return page

    def remove_page(self, page: Page) -> None:
        """Let go of a page; not of the only one."""
        if page in self.pages and len(self.pages) > 1:
            self.pages.remove(page)

    def give_to_one_page(self, now: float) -> None:
        """Let a page that has just signed in have everything: messages and calls go on with it, the others are gone."""
        kept = self.pages[0]
        waiting = kept.waiting if kept.name == FIRST else 0
        self.pages = [Page(name=FIRST, since=now, last_seen=now, waiting=waiting, mailbox=kept.mailbox)]
        self.arrived = FIRST
        for call in self.calls.values():
            call.give_sound(FIRST)

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

        Its calls are in it. Its mailboxes are not: each has a snapshot of its own. Nor is what hangs of its pages, as
        connections end with the process. No password is known here.
        """
        return {
            "version": SNAPSHOT_VERSION,
            **{name: getattr(self, name) for name in _PLAIN},
            "registration": self.registration.value,
            "abilities": self.abilities.snapshot(),
            "life": self.life.snapshot(),
            "last_words": list(self.last_words),
            "heard": list(self.heard),
            "ended": list(self.ended),
            "calls": [call.snapshot() for call in self.calls.values()],
            "pages": [{"name": page.name, "since": page.since} for page in self.pages],
        }

    @classmethod
    def restore(
        cls, data: Mapping[str, Any], mailbox: Mailbox, shift: float = 0.0, further: Sequence[Mailbox] = ()
    ) -> "Agent":
        """
        Return the agent that :meth:`snapshot` was taken of.

        :param further: the mailboxes of its other pages, in their order.
        :param shift: seconds to add to all times, where the clock has begun anew.
        :raises ValueError: for the data of another version.
        """
        if data["version"] != SNAPSHOT_VERSION:
            raise ValueError(f"agent: expected version {SNAPSHOT_VERSION}, found {data['version']!r}")
        times = {name: None if data[name] is None else data[name] + shift for name in ("since", "expires", "last_seen")}
        calls = (Call.restore(call, shift) for call in data["calls"])
        told = data.get("pages") or [{"name": FIRST, "since": data["since"]}]  # older records have none
        pages = [
            Page(name=each["name"], since=each["since"] + shift, last_seen=times["last_seen"], mailbox=its)
            for each, its in zip(told, (mailbox, *further), strict=True)
        ]
        return cls(
            **{**{name: data[name] for name in _PLAIN}, **times},
            registration=RegistrationState(data["registration"]),
            abilities=PageAbilities.restore(data["abilities"]),
            life=PageLife.restore(data["life"], shift) if "life" in data else PageLife(),  # older records have none
            last_words=tuple(data["last_words"]),
            heard=tuple(data["heard"][-HEARD:]),
            ended=tuple(data["ended"][-ENDED:]),
            pages=pages,
            arrived=pages[-1].name,
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
