"""A store that outlives the gateway of a test, and a check that all that has changed is in it."""

import json
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred

from tests.support.twins import absolute
from wrtcgw.calls.registry import Registry
from wrtcgw.events.stream import EventStream
from wrtcgw.gateway.persistence import Persistence
from wrtcgw.store.interface import StoreUnavailable
from wrtcgw.store.memory import MemoryStore

UNWRITTEN = ("last_seen", "place")
"""What a page changes of its agent by no more than being there; a restart gives it its time anew."""


class SurvivingStore(MemoryStore):
    """
    Memory that is thought to survive.

    :ivar slow: writes wait for :meth:`finish`.
    :ivar fault: with what writes fail, '' for not.
    """

    survives = True

    def __init__(self) -> None:
        super().__init__("test")
        self.slow = False
        self.fault = ""
        self.writes = 0
        self.pending: list[tuple[Deferred[frozenset[str]], Mapping[str, bytes | None]]] = []

    def write(self, changes: Mapping[str, bytes | None]) -> Deferred[frozenset[str]]:
        """Write now, later, or not."""
        self.writes += 1
        done: Deferred[frozenset[str]] = Deferred()
        if self.fault:
            done.errback(StoreUnavailable(self.fault))
        elif self.slow:
            self.pending.append((done, changes))
        else:
            return super().write(changes)
        return done

    def finish(self) -> None:
        """Finish the oldest write that waits."""
        done, changes = self.pending.pop(0)
        super().write(changes).addCallback(done.callback)

    def data(self, key: str) -> dict[str, Any]:
        """Return what is stored of an account."""
        found: dict[str, Any] = json.loads(self._records[key].data)
        return found

    @property
    def keys(self) -> set[str]:
        """Return of which accounts there is something."""
        return set(self._records)


def comparable(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record without what is another each time, and with times on the clock."""
    sip, agent = absolute(record["sip"], record["clock"]), record["agent"]
    for leg in sip["legs"]:
        if "acknowledged" in leg:
            leg["acknowledged"] = round(leg["acknowledged"], 6)
    sip["deadlines"] = [[owner, name, round(when, 6)] for owner, name, when in sip["deadlines"]]
    if agent is not None:
        agent = {name: value for name, value in agent.items() if name not in UNWRITTEN}
        agent["calls"] = [{**call, "reports": None} for call in agent["calls"]]
    return {
        **record,
        "sip": sip,
        "agent": agent,
        "wall": 0,
        "clock": 0,
        "mailbox": None,
        "mailboxes": None,
        "kept": None,
    }


class KeptCheck:
    """
    Compares, each time when something was told, what is stored of each agent with what is true of it.

    :param persistence: writes at once what it holds to have changed, and tells what is true.
    :ivar faults: where something has changed and was not written.
    """

    def __init__(
        self,
        stream: EventStream,
        store: SurvivingStore,
        registry: Registry,
        persistence: Persistence,
    ) -> None:
        self.faults: list[str] = []
        self._stream, self._store, self._registry, self._persistence = stream, store, registry, persistence
        self._before = stream.settled
        stream.settled = self._settled

    def stop(self) -> None:
        """Compare no more."""
        self._stream.settled = self._before

    def _settled(self) -> None:
        self._before()
        if self._store.slow or self._store.fault:
            return
        self._persistence.durable()
        for agent in self._registry.agents():
            self._compare(agent.dn)

    def _compare(self, key: str) -> None:
        true = self._persistence.records({key}).get(key)
        if true is None:
            return  # a test has broken what the record is made of
        if key not in self._store.keys:
            self.faults.append(f"nothing is stored of {key}")
        else:
            wanted, found = comparable(json.loads(true)), comparable(self._store.data(key))
            if wanted != found:
                names = [
                    f"{part}: {_differences(wanted[part], found[part])}"
                    for part in wanted
                    if wanted[part] != found[part]
                ]
                self.faults.append(f"{key} has changed and was not written: {'; '.join(names)}")


def _differences(wanted: Any, found: Any) -> str:
    if isinstance(wanted, dict) and isinstance(found, dict):
        return ", ".join(
            f"{name}({_differences(wanted.get(name), found.get(name))})"
            for name in sorted(wanted.keys() | found.keys())
            if wanted.get(name) != found.get(name)
        )
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return ", ".join(_differences(one, two) for one, two in zip(wanted, found, strict=True) if one != two)
    return f"{wanted!r}, stored {found!r}"[:200]
