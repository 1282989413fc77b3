"""
Two cores that are to behave the same: one that goes on, and one restored from a snapshot of it.

Each entry is called on both, and what they put out is compared. The words that they draw are the same, because both
have a counting source that stands at the same number. Times have to be late on the clock (``LATE``): the difference of
two floats is exact when neither is more than twice the other, so that a stored deadline comes back to the last bit.
"""

import json
from collections.abc import Callable
from typing import Any

from tests.support.tokens import CountingTokens
from wrtcgw.sip.core import Account, UACore, UASettings
from wrtcgw.sip.deadlines import OWNER
from wrtcgw.sip.outputs import Output
from wrtcgw.sip.timers import Timers

LATE = 1_000_000.0
"""Seconds at which to begin."""


def stored(core: UACore, key: str, now: float) -> dict[str, Any]:
    """Return a snapshot as a store gives it back."""
    data: dict[str, Any] = json.loads(json.dumps(core.snapshot(key, now)))
    return data


def keys_of(core: UACore) -> list[str]:
    """Return the keys of all accounts of which there is anything, those included that are not served any more."""
    layer = core._layer
    return sorted({*core._ua.accounts, *core._legs_of, *layer._clients_of, *layer._servers_of})


def deadlines_of(core: UACore) -> list[tuple[float, str, str]]:
    """Return all deadlines that there are, whoever has them."""
    deadlines = core._layer.deadlines
    entries = [entry for entry in deadlines._heap if entry[OWNER] is not None]
    return sorted((when, type(owner).__name__, name) for when, _, owner, name in entries)


def absolute(data: dict[str, Any], now: float) -> dict[str, Any]:
    """Return a snapshot with times on the clock, and without the number that all accounts share."""
    deadlines = [[owner, name, seconds + now] for owner, name, seconds in data["deadlines"]]
    legs = [{**leg, "acknowledged": leg.get("acknowledged", 0.0) + now} for leg in data["legs"]]
    for leg in legs:
        if leg["kind"] == "incoming":
            del leg["acknowledged"]
    return {**data, "deadlines": deadlines, "legs": legs, "last_ticket": 0}


class Twins:
    """A core, and after :meth:`fork` its twin; for its user they look like one."""

    def __init__(self, settings: UASettings) -> None:
        self.settings = settings
        self.tokens = CountingTokens()
        self.core = UACore(settings, Timers(), self.tokens)
        self.twin: UACore | None = None
        self.stored: dict[str, dict[str, Any]] = {}

    def fork(self, now: float) -> None:
        """Make a twin out of snapshots, of the twin that there is or else of the core itself."""
        source = self.twin or self.core
        keys = keys_of(source)
        data = {key: stored(source, key, now) for key in keys}
        tokens = CountingTokens()
        tokens.drawn = self.tokens.drawn
        twin = UACore(self.settings, Timers(), tokens)
        for key in keys:
            twin.restore(data[key], Account(key, key, "secret"), now)
        self._share(source, twin, now)
        assert tokens.drawn == self.tokens.drawn, "a restore draws no words"
        self.twin = twin
        self.compare(now)

    def crash(self, now: float) -> list[Output]:
        """
        Let the connection of the core be lost, and the process of its twin.

        :returns: what the core has put out; it is the same that the restored twin puts out when it goes on.
        """
        self.fork(now)
        assert self.twin is not None
        # as a process does that goes on with what was kept
        for leg in self.core._legs.values():
            leg.skip_numbers()
        for registration in self.core._registrations.values():
            registration.skip_numbers()
        outputs = self.core.disconnected(0, now)
        self.twin._layer.flow(0).connected = False
        again = [output for key in keys_of(self.twin) for output in self.twin.resume(key, now)]
        assert again == outputs, f"{outputs}\n{again}"
        self.compare(now)
        return outputs

    def _share(self, source: UACore, twin: UACore, now: float) -> None:
        """Give the twin what belongs to no account: the connection, and refusals of what reached none."""
        twin._layer.flow(0).connected = source.is_connected(0)
        twin._ua._next_register = source._ua._next_register
        for server in [server for server in source._layer._servers.values() if not server.account]:
            copy = twin._layer.restored_server(server.snapshot(), 0)
            twin._layer.put_back([], [copy])
            for when, _, name in source._layer.deadlines.of(server):
                twin._layer.restore_timer(copy, name, when)

    def check_touched(self, now: float) -> None:
        """Check that the core has named each account whose snapshot is another one than at the last time."""
        touched = self.core.touched()
        before, self.stored = (
            self.stored,
            {key: absolute(stored(self.core, key, now), now) for key in keys_of(self.core)},
        )
        changed = {key for key in {*before, *self.stored} if before.get(key) != self.stored.get(key)}
        assert changed <= touched, f"changed: {changed}, named: {touched}"

    def compare(self, now: float) -> None:
        """Check that both hold the same."""
        twin = self.twin
        if twin is None:
            return
        assert set(twin._ua.accounts) == set(self.core._ua.accounts)
        for key in keys_of(self.core):
            ours, theirs = stored(self.core, key, now), stored(twin, key, now)
            for part, value in ours.items():
                assert theirs[part] == value, f"{part} of {key}:\n{value}\n{theirs[part]}"
        assert set(twin._ua.dialogs) == set(self.core._ua.dialogs)
        assert twin.transactions == self.core.transactions
        assert deadlines_of(twin) == deadlines_of(self.core)

    def __getattr__(self, name: str) -> Any:
        """Return an entry that enters both, or what the core has of that name."""
        entry = getattr(self.core, name)
        return self._both(name, entry) if callable(entry) else entry

    def _both(self, name: str, entry: Callable[..., Any]) -> Callable[..., Any]:
        def enter(*arguments: Any, **options: Any) -> Any:
            result = outcome(entry, *arguments, **options)
            if self.twin is not None and name not in ("next_deadline", "account"):
                copies = [Account(it.key, it.dn, "secret") if isinstance(it, Account) else it for it in arguments]
                again = outcome(getattr(self.twin, name), *copies, **options)
                assert repr(again) == repr(result), f"{name}\n{result}\n{again}"
                assert isinstance(result, Exception) or again == result, name
            if isinstance(result, Exception):
                raise result
            return result

        return enter


def outcome(entry: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Return what an entry returns or raises."""
    try:
        return entry(*arguments, **options)
    except Exception as error:
        return error
