"""Lists of tables in the configuration, each table with keys of its own, which are read like all other keys."""

import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import field, fields, frozen

from wrtcgw.config import kinds
from wrtcgw.config.kinds import BadItem, Kind
from wrtcgw.redact import MASK

HIDDEN = object()
"""Stands for what was found in place of something secret."""


@frozen
class BadTables(ValueError):
    """What is wrong in a list of tables: for each fault where it is, what was expected and what was found."""

    faults: tuple[tuple[str, str, object], ...]

    def __str__(self) -> str:
        return f"{len(self.faults)} faults"


EVENTS = (
    *("agent", "agent.signed_in", "agent.signed_out", "agent.registration", "agent.page_lost", "agent.page_back"),
    *("agent.page_silent", "agent.page_awake", "agent.do_not_disturb"),
    *("call", "call.began", "call.dialled", "call.ringing", "call.answered", "call.held"),
    *("call.resumed", "call.transfer", "call.handed_over", "call.ending", "call.ended", "alarm", "alarm.raised"),
    *("connection", "connection.up", "connection.down"),
)
"""What a webhook may be told of: kinds of notices, or the words before their points."""
SOME_DNS = "at least one DN, or the beginning of some with a * behind"


def _key(kind: Kind, *, needed: str = "", default: object = None) -> Any:
    """
    Declare a key of a table.

    :param needed: what has to be there; empty where nothing has to.
    """
    about = {Kind: kind, "needed": needed}
    return field(metadata=about) if needed else field(default=default, metadata=about)


@frozen(kw_only=True)
class AgentGroup:
    """
    What agents may do whose DN one of ``dns`` takes in; what is None is as for everybody else.

    The names are those of the keys that hold for everybody else.
    """

    dns: tuple[str, ...] = _key(kinds.many(kinds.pattern), needed=SOME_DNS)
    destinations: tuple[str, ...] | None = _key(kinds.many(kinds.pattern))
    forbidden_destinations: tuple[str, ...] | None = _key(kinds.many(kinds.pattern))
    calls_per_minute: int | None = _key(kinds.integer(1, 10_000))
    calls_per_day: int | None = _key(kinds.integer(0, 1_000_000))
    max_calls: int | None = _key(kinds.integer(1, 1000))


@frozen(kw_only=True)
class ApplicationToken:
    """An application that may see, and perhaps control, the agents whose DN one of ``dns`` takes in."""

    name: str = _key(kinds.name, needed="a name")
    sha256: str = _key(kinds.sha256, needed="the SHA-256 of its token (wrtcgw-client --hash-token)")
    dns: tuple[str, ...] = _key(kinds.many(kinds.pattern), needed=SOME_DNS)
    rights: str = _key(kinds.choice("observe", "control"), default="observe")


@frozen(kw_only=True)
class Webhook:
    """A URL that is told what happens; ``secret_file`` has what requests are signed with."""

    name: str = _key(kinds.name, needed="a name")
    url: str = _key(kinds.webhook_url, needed="a URL like https://crm.example.org/calls")
    secret_file: Path = _key(  # noqa: RUF009
        kinds.path, needed="a file with the secret that requests are signed with"
    )
    events: tuple[str, ...] = _key(kinds.many(kinds.choice(*EVENTS)), default=())


Table = AgentGroup | ApplicationToken | Webhook


def _kinds(table: type[Any]) -> Mapping[str, Kind]:
    return {attribute.name: attribute.metadata[Kind] for attribute in fields(table)}


def tables(table: type[Any]) -> Kind:
    """Make the kind of lists of a table; its value is a tuple of them."""
    known = _kinds(table)
    needed = {attribute.name: attribute.metadata["needed"] for attribute in fields(table)}

    def read(value: object) -> object:
        """Read what TOML gives for ``[[name]]``."""
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise ValueError
        faults: list[tuple[str, str, object]] = []
        read = [_one(table, known, needed, each, f"[{number}]", faults) for number, each in enumerate(value, 1)]
        if faults:
            raise BadTables(tuple(faults))
        return tuple(read)

    def read_text(text: str) -> object:
        """Read a variable, which has what would stand behind the = in the file."""
        try:
            whole = text if text.lstrip().startswith("[") else f"[{text}]"
            return read(tomllib.loads(f"value = {whole}")["value"] if text.strip() else [])
        except tomllib.TOMLDecodeError:
            raise ValueError from None

    return Kind(f"a list of tables with the keys {', '.join(known)}", read, read_text)


def _one(
    table: type[Any],
    known: Mapping[str, Kind],
    needed: Mapping[str, str],
    given: Mapping[str, object],
    place: str,
    faults: list[tuple[str, str, object]],
) -> object:
    """Read one table, and note what is wrong in it."""
    before, values = len(faults), {}
    for name, value in given.items():
        kind = known.get(name)
        if kind is None:
            close = get_close_matches(name.lower(), known, n=1)
            faults.append((f"{place}.{name}", f"a known key{f': did you mean {close[0]}?' if close else ''}", None))
            continue
        try:
            values[name] = kind.read(value)
        except ValueError as error:
            wrong = error.item if isinstance(error, BadItem) else value
            # in place of its hash, somebody has perhaps given the token
            faults.append((f"{place}.{name}", kind.expected, HIDDEN if kind is kinds.sha256 else wrong))
    for name, expected in needed.items():
        if expected and not given.get(name):
            faults.append((f"{place}.{name}", expected, given.get(name)))
    return table(**values) if len(faults) == before else None


def _visible(kind: Kind, value: object) -> object:
    """Return a value as it may be seen: the path of a webhook's URL may be a secret."""
    if kind is not kinds.webhook_url or not isinstance(value, str):
        return value
    parts = urlsplit(value)
    return f"{parts.scheme}://{parts.netloc}/{MASK}"


def shown(table: Any, show: Callable[[object], str]) -> str:
    """Return a table as TOML would write it in a list; of a webhook's URL only where it leads to."""
    pairs = ((name, _visible(kind, getattr(table, name))) for name, kind in _kinds(type(table)).items())
    return "{ " + ", ".join(f"{name} = {show(value)}" for name, value in pairs if value is not None) + " }"


agent_groups = tables(AgentGroup)
app_tokens = tables(ApplicationToken)
webhooks = tables(Webhook)
