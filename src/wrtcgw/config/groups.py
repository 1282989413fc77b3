"""Tables in the configuration: the agents' groups, each with keys of its own, which are read like all other keys."""

import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from attrs import field, fields, frozen

from wrtcgw.config import kinds
from wrtcgw.config.kinds import BadItem, Kind


@frozen
class BadTables(ValueError):
    """What is wrong in a list of tables: for each fault where it is, what was expected and what was found."""

    faults: tuple[tuple[str, str, object], ...]

    def __str__(self) -> str:
        return f"{len(self.faults)} faults"


def _key(kind: Kind, *, needed: bool = False) -> Any:
    return field(metadata={Kind: kind}) if needed else field(default=None, metadata={Kind: kind})


@frozen(kw_only=True)
class AgentGroup:
    """
    What agents may do whose DN one of ``dns`` takes in; what is None is as for everybody else.

    The names are those of the keys that hold for everybody else.
    """

    dns: tuple[str, ...] = _key(kinds.many(kinds.pattern), needed=True)
    destinations: tuple[str, ...] | None = _key(kinds.many(kinds.pattern))
    forbidden_destinations: tuple[str, ...] | None = _key(kinds.many(kinds.pattern))
    calls_per_minute: int | None = _key(kinds.integer(1, 10_000))
    calls_per_day: int | None = _key(kinds.integer(0, 1_000_000))
    max_calls: int | None = _key(kinds.integer(1, 1000))


_KINDS: Mapping[str, Kind] = {attribute.name: attribute.metadata[Kind] for attribute in fields(AgentGroup)}
_EXPECTED = f"a list of tables with the keys {', '.join(_KINDS)}"


def _read(value: object) -> object:
    """Read what TOML gives for ``[[agent_groups]]``."""
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise ValueError
    faults: list[tuple[str, str, object]] = []
    groups = [_group(table, f"[{number}]", faults) for number, table in enumerate(value, 1)]
    if faults:
        raise BadTables(tuple(faults))
    return tuple(group for group in groups if group is not None)


def _group(table: Mapping[str, object], place: str, faults: list[tuple[str, str, object]]) -> AgentGroup | None:
    """Read one table, and note what is wrong in it."""
    before, values = len(faults), {}
    for name, value in table.items():
        kind = _KINDS.get(name)
        if kind is None:
            close = get_close_matches(name.lower(), _KINDS, n=1)
            faults.append((f"{place}.{name}", f"a known key{f': did you mean {close[0]}?' if close else ''}", None))
            continue
        try:
            values[name] = kind.read(value)
        except ValueError as error:
            faults.append((f"{place}.{name}", kind.expected, error.item if isinstance(error, BadItem) else value))
    if not table.get("dns"):
        faults.append((f"{place}.dns", "at least one DN, or the beginning of some with a * behind", table.get("dns")))
    return AgentGroup(**values) if len(faults) == before else None  # type: ignore[arg-type]


def _read_text(text: str) -> object:
    """Read a variable, which has what would stand behind the = in the file."""
    try:
        return _read(tomllib.loads(f"value = {text}")["value"] if text.strip() else [])
    except tomllib.TOMLDecodeError:
        raise ValueError from None


def shown(group: AgentGroup, show: Callable[[object], str]) -> str:
    """Return a group as TOML would write it in a list."""
    pairs = ((name, getattr(group, name)) for name in _KINDS)
    return "{ " + ", ".join(f"{name} = {show(value)}" for name, value in pairs if value is not None) + " }"


agent_groups = Kind(_EXPECTED, _read, _read_text)
