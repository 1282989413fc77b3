"""
What an agent may call, and how often: the rules of destination and the limits of each group of agents.

One set of rules holds for calls, transfers, wishes of the far side (REFER) and redirections. A rule looks at the number
that goes onto the wire, in every way in which that number could be written: so neither separators nor capitals, an
international prefix in place of ``+``, parameters of a telephone-subscriber (:rfc:`3966#section-3`) or the code of a
service before the number get around it.
"""

import re
from collections.abc import Iterable, Sequence

from attrs import evolve, field, frozen

from wrtcgw.calls.agent import Agent
from wrtcgw.errors import DestinationForbidden, GatewayError, GuestsNotAllowed
from wrtcgw.gateway.settings import AgentGroup, GatewaySettings
from wrtcgw.sip.uri import URI

# :rfc:`3966#section-5.1.1`, visual separators, and blanks, which people write
_SEPARATORS = re.compile(r"[-.()\s]")
_NUMBER_BEGINS = tuple("+0123456789*#")
# the code of a service that takes a number behind it, such as *31# and #31# (no caller's number), *21* (forwarding)
_SERVICE = re.compile(r"(?:[*#]{1,2}[0-9]{1,3}[*#])+(?=[+0-9])")


@frozen(kw_only=True)
class Rights:
    """What the agents of a group may do."""

    destinations: tuple[str, ...] = ("*",)
    forbidden: tuple[str, ...] = ()
    calls_per_minute: int = 60
    calls_per_day: int = 0
    max_calls: int = 8
    prefix: str = "00"
    """What is dialled in place of ``+``."""
    domain: str = ""
    guest: bool = False
    group: str = ""
    """The DN patterns of the group, as a setting's name has them; '' for everybody else."""
    _rules: "_Rules" = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Prepare the patterns: they are looked at for each call."""
        forbidden, allowed = _Patterns.read(self.forbidden, self.prefix), _Patterns.read(self.destinations, self.prefix)
        object.__setattr__(self, "_rules", _Rules(allowed, forbidden))

    def fault(self, target: URI) -> GatewayError | None:
        """Return why a number may not be called; None when it may."""
        user = target.user or ""
        if self._rules.forbidden.match(spellings(user, self.prefix, services=True)):
            return DestinationForbidden(user or str(target), self._setting("forbidden_destinations"))
        if self.guest:
            return self._guests_fault(target)
        if not self._rules.allowed.match(spellings(user, self.prefix)):
            return DestinationForbidden(user or str(target), self._setting("destinations"))
        return None

    def _guests_fault(self, target: URI) -> GatewayError | None:
        """Return why a guest may not call a number; one of our domain that ``guest_destinations`` allow it may."""
        own = target.host.lower() == self.domain.lower()
        if own and self._rules.allowed.match(spellings(target.user or "", self.prefix)):
            return None
        return GuestsNotAllowed(f"call {target.user or target}")

    def forbids(self, user: str) -> bool:
        """Return whether a number is one of those that are forbidden, whatever ``destinations`` says."""
        return self._rules.forbidden.match(spellings(user, self.prefix, services=True))

    def _setting(self, name: str) -> str:
        return f"{name} of agent_groups {self.group}" if self.group else name


@frozen
class _Patterns:
    """Numbers, and beginnings of numbers, in every way in which they could be written."""

    whole: frozenset[str]
    starts: tuple[str, ...]

    @classmethod
    def read(cls, patterns: Iterable[str], prefix: str) -> "_Patterns":
        whole: set[str] = set()
        starts: list[str] = []
        for pattern in patterns:
            if pattern.endswith("*"):
                starts += spellings(pattern[:-1], prefix)
            else:
                whole.update(spellings(pattern, prefix))
        return cls(frozenset(whole), tuple(starts))

    def match(self, numbers: Sequence[str]) -> bool:
        return any(number in self.whole or number.startswith(self.starts) for number in numbers)


@frozen
class _Rules:
    allowed: _Patterns
    forbidden: _Patterns


def spellings(user: str, prefix: str, *, services: bool = False) -> list[str]:
    """
    Return a number in every way in which the one who is to connect it could read it.

    :param prefix: what stands in place of ``+``.
    :param services: also what stands behind the code of a service.
    """
    subscriber, *params = user.lower().split(";")
    plain = _SEPARATORS.sub("", subscriber)
    if not plain.startswith(_NUMBER_BEGINS):
        return [subscriber]
    found = _international(plain, prefix)
    for param in params:  # a local number of another place: RFC 3966 section 5.1.5
        name, _, context = param.partition("=")
        if name.strip() == "phone-context" and context.startswith("+"):
            found += _international(_SEPARATORS.sub("", context) + plain.lstrip("+"), prefix)
    service = _SERVICE.match(plain) if services else None
    return found if service is None else [*found, *_international(plain[service.end() :], prefix)]


def _international(number: str, prefix: str) -> list[str]:
    if number.startswith("+"):
        return [number, prefix + number[1:]]
    if prefix and number.startswith(prefix):
        return [number, "+" + number[len(prefix) :]]
    return [number]


class RightsBook:
    """The rights of each agent, made once for each group."""

    def __init__(self) -> None:
        self._settings: GatewaySettings | None = None
        self._groups: tuple[tuple[tuple[str, ...], Rights], ...] = ()
        self._others = self._guests = Rights()

    def of(self, agent: Agent, settings: GatewaySettings) -> Rights:
        """Return what an agent may do: the first group that one of its patterns takes the DN into decides."""
        if settings is not self._settings:
            self._read(settings)
        if agent.guest:
            return self._guests
        for patterns, rights in self._groups:
            if any(_takes(pattern, agent.dn) for pattern in patterns):
                return rights
        return self._others

    def _read(self, settings: GatewaySettings) -> None:
        self._settings = settings
        others = self._others = Rights(
            destinations=settings.destinations,
            forbidden=settings.forbidden_destinations,
            calls_per_minute=settings.calls_per_minute,
            calls_per_day=settings.calls_per_day,
            max_calls=settings.max_calls,
            prefix=settings.international_prefix,
            domain=settings.domain,
        )
        self._guests = evolve(others, guest=True, destinations=settings.guest_destinations)
        self._groups = tuple((group.dns, _of_group(others, group)) for group in settings.agent_groups)


def _of_group(others: Rights, group: AgentGroup) -> Rights:
    given = {
        "destinations": group.destinations,
        "forbidden": group.forbidden_destinations,
        "calls_per_minute": group.calls_per_minute,
        "calls_per_day": group.calls_per_day,
        "max_calls": group.max_calls,
    }
    own = {name: value for name, value in given.items() if value is not None}
    return evolve(others, group=", ".join(group.dns), **own)  # type: ignore[arg-type]


def _takes(pattern: str, dn: str) -> bool:
    return dn.startswith(pattern[:-1]) if pattern.endswith("*") else dn == pattern
