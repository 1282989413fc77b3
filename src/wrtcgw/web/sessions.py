"""
The sessions of agents.

A session belongs to one :class:`~wrtcgw.calls.agent.Agent` object, not to its id: when the id has gone to another
agent, the old token is worth nothing. Of an agent with several pages each has its own.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from attrs import asdict, define, field

from wrtcgw.calls.agent import Agent, RegistrationState
from wrtcgw.calls.page import FIRST
from wrtcgw.gateway.persistence import Persistence
from wrtcgw.gateway.vault import name_of
from wrtcgw.web.addresses import Client

TOKEN_BYTES = 26
BOOT_BYTES = 6
"""The beginning of each token is common to all of one run of the gateway."""
REMEMBERED = 10_000
"""How many agents' last sessions, and how many tokens that were replaced, are remembered."""


def _length(size: int) -> int:
    """Return how many characters ``token_urlsafe`` gives for so many bytes."""
    return -(-size * 4 // 3)


TOKEN_LENGTH = _length(BOOT_BYTES) + _length(TOKEN_BYTES)
"""Characters of a token, but for what it ends with where several gateways share their agents."""

Key = TypeVar("Key")
Value = TypeVar("Value")


@define(eq=False, kw_only=True)
class Session:
    """
    One sign_in of one agent.

    ``address`` is empty when no address may stand for the token; ``since`` is the clock's seconds. Of the token itself
    only the digest is kept.
    """

    digest: bytes = field(repr=False)
    agent_id: str = ""
    dn: str = ""
    address: str = ""
    client_address: str = ""
    """Where the sign_in came from, as far as that is known."""
    since: float = 0.0
    bound: bool = False
    """The token was shown: from then on nothing else counts."""
    page: str = FIRST
    """The name of the page that has it."""

    @property
    def key(self) -> str:
        """Return a name for it that grants nothing."""
        return name_of(self.digest)

    def shown_by(self, token: bytes) -> bool:
        """Return whether a token is this session's; how long that takes says nothing about the token."""
        return hmac.compare_digest(digest_of(token), self.digest)


class Sessions:
    """
    The sessions of all agents; a new one of a page replaces its old one, and the last goes with the agent.

    :param seconds: the clock.
    :param persistence: told of what is to be written down.
    :param ending: what the token of an agent's account ends with, where other gateways have to find the agent by it.
    """

    def __init__(
        self, seconds: Callable[[], float], persistence: Persistence, ending: Callable[[str], str] | None = None
    ) -> None:
        self._seconds = seconds
        self._ending = ending
        self._persistence = persistence
        self._boot = secrets.token_urlsafe(BOOT_BYTES)
        self._sessions: WeakKeyDictionary[Agent, tuple[Session, ...]] = WeakKeyDictionary()
        """Of each agent the newest one last."""
        self._owners: WeakValueDictionary[bytes, Agent] = WeakValueDictionary()
        """By the digests of tokens: how long a look-up takes says nothing about a token."""
        self._last: OrderedDict[str, Session] = OrderedDict()
        self._dns: OrderedDict[bytes, str] = OrderedDict()
        """The DNs of tokens by their digests, of those that were replaced as well."""
        self._lost: OrderedDict[bytes, None] = OrderedDict()
        """The digests of tokens whose page went while others of its agent stayed."""

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(1 for _ in self)

    def open(self, agent: Agent, client: Client, *, bound: bool = False) -> tuple[Session, bytes]:
        """
        Open a session for an agent that has just signed in.

        :param bound: its client is one that shows its token, so that no address stands for it.
        :returns: the session, and its token.
        """
        ending = "" if self._ending is None else self._ending(agent.account)
        token = (self._boot + secrets.token_urlsafe(TOKEN_BYTES) + ending).encode("ascii")
        session = Session(
            digest=digest_of(token),
            agent_id=agent.id,
            dn=agent.dn,
            address=client.address if client.reliable else "",
            client_address=client.address,
            since=self._seconds(),
            bound=bound or agent.guest,
            page=agent.arrived,
        )
        self._add(agent, session)
        return session, token

    def _add(self, agent: Agent, session: Session) -> None:
        self._sessions[agent] = (*(other for other in self._all_of(agent) if other.page != session.page), session)
        self._owners[session.digest] = agent
        _remember(self._last, agent.id, session)
        _remember(self._dns, session.digest, agent.dn)

    def _all_of(self, agent: Agent) -> tuple[Session, ...]:
        """Return the sessions of an agent; those of pages that a sign_in has taken everything from are over by that."""
        return tuple(each for each in self._sessions.get(agent, ()) if agent.page_named(each.page) is not None)

    def snapshot(self, agent: Agent) -> object:
        """Return the sessions of an agent as plain data, without their tokens; None when it has none."""
        sessions = self._all_of(agent)
        told: list[dict[str, Any]] = [
            {**asdict(session, recurse=False), "digest": session.digest.hex()} for session in sessions
        ]
        if not told:
            return None
        return {**told[0], "further": told[1:]} if len(told) > 1 else told[0]

    def restore(self, agent: Agent, data: Any, shift: float) -> None:
        """Take the sessions of an agent back; ``shift`` is added to their times."""
        for each in sessions_in(data):
            digest, since = bytes.fromhex(each["digest"]), each["since"] + shift
            self._add(agent, Session(**{**each, "digest": digest, "since": since}))

    def drop(self, agent: Agent, page: str) -> None:
        """Forget the session of a page that is gone, while others of its agent are there."""
        sessions = self._sessions.get(agent, ())
        for session in sessions:
            if session.page == page:
                _remember(self._lost, session.digest, None)
                self._owners.pop(session.digest, None)
                self._persistence.page_left(agent, session.key)
        self._sessions[agent] = tuple(session for session in sessions if session.page != page)

    def drop_taken(self, agent: Agent) -> list[str]:
        """Forget the sessions of pages that a sign_in has taken everything from; return the names of the pages."""
        taken = [each for each in self._sessions.get(agent, ()) if agent.page_named(each.page) is None]
        for session in taken:
            self._persistence.page_left(agent, session.key)
        self._sessions[agent] = self._all_of(agent)
        return [session.page for session in taken]

    def owner(self, token: bytes) -> Agent | None:
        """Return the agent whose session a token is; None when it is nobody's, or a later session replaced it."""
        agent = self._owners.get(digest_of(token))
        if agent is None or self.find(agent, token) is None:
            return None
        self.note_shown(agent, token)
        return agent

    def find(self, agent: Agent, token: bytes) -> Session | None:
        """Return the session of an agent that a token is of; None for none."""
        return next((session for session in self._all_of(agent) if session.shown_by(token)), None)

    def has(self, agent: Agent, page: str) -> bool:
        """Return whether a page of an agent has a session."""
        return self.of_page(agent, page) is not None

    def of_page(self, agent: Agent, page: str) -> Session | None:
        """Return the session of a page of an agent; None for none."""
        return next((session for session in self._all_of(agent) if session.page == page), None)

    def is_open(self, token: bytes) -> bool:
        """Return whether a token is that of an agent who is here; nobody has shown it by that."""
        agent = self._owners.get(digest_of(token))
        if agent is None or agent.registration is RegistrationState.SIGNED_OUT:
            return False
        return self.find(agent, token) is not None

    def note_shown(self, agent: Agent, token: bytes) -> None:
        """Note that the page of an agent has shown its token: from now on nothing else counts."""
        session = self.find(agent, token)
        if session is not None and not session.bound:
            session.bound = True
            self._persistence.touch(agent)
        self._persistence.page_showed(agent, token)

    def addresses(self) -> list[str]:
        """Return from where agents have signed in, one address for each session; empty where it is not certain."""
        return [session.address for _, session in self]

    def of(self, agent: Agent) -> Session | None:
        """Return the newest session of an agent; None when it was not opened here."""
        sessions = self._all_of(agent)
        return sessions[-1] if sessions else None

    def only(self, agent: Agent) -> Session | None:
        """Return the session of an agent who has just one; None for several, of which a token has to tell."""
        sessions = self._all_of(agent)
        return sessions[0] if len(sessions) == 1 else None

    def last(self, agent_id: str) -> Session | None:
        """Return the last session of an id, which may be over."""
        return self._last.get(agent_id)

    def was_of(self, token: bytes, dn: str) -> bool:
        """Return whether a token is, or was before a later sign_in, that of an agent with this DN."""
        return bool(token) and self._dns.get(digest_of(token)) == dn

    def was_lost(self, token: bytes) -> bool:
        """Return whether a token is of a page that went while others of its agent stayed: it may come again."""
        return digest_of(token) in self._lost

    def is_of_another_run(self, token: bytes) -> bool:
        """Return whether a token has the form of ours, but not the beginning that those of this run have."""
        fits = len(token) == TOKEN_LENGTH if self._ending is None else len(token) > TOKEN_LENGTH
        return fits and not token.startswith(self._boot.encode("ascii"))

    def __iter__(self) -> Iterator[tuple[Agent, Session]]:
        """Iterate over the sessions with their agents, those included that have just left."""
        return ((agent, session) for agent in list(self._sessions) for session in self._all_of(agent))


def _remember(store: OrderedDict[Key, Value], key: Key, value: Value) -> None:
    store[key] = value
    store.move_to_end(key)
    if len(store) > REMEMBERED:
        store.popitem(last=False)


def sessions_in(data: Any) -> list[dict[str, Any]]:
    """Return each session of what :meth:`Sessions.snapshot` has returned."""
    first = {name: value for name, value in data.items() if name != "further"}
    return [first, *data.get("further", ())]


def digest_of(token: bytes) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token).digest()
