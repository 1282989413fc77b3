"""
The audit log: who came, went, was refused, and what operators did; one line each, which no log level silences.

A line is ``key=value`` pairs. What peers wrote stands in quotation marks as JSON, after what the gateway says itself,
so that nobody can make a line look like another one. Refusals of one address beyond a rate are counted, not written: a
guesser must not fill the disk.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from twisted.logger import Logger

from wrtcgw.errors import GatewayError
from wrtcgw.networks import place_of
from wrtcgw.web.addresses import Client
from wrtcgw.web.errors import (
    ApplicationTokenRequired,
    ControlRequired,
    ForeignOrigin,
    ForeignSession,
    OperatorTokenRequired,
    RoleRequired,
    SessionRequired,
    row_of,
)
from wrtcgw.web.limits import Buckets
from wrtcgw.web.settings import Allowance

NAMESPACE = "wrtcgw.audit"
REFUSALS = Allowance(burst=30, per_second=1.0)
"""Lines about refusals of one address; others are only counted."""
COUNTED = 10_000
"""Addresses whose unwritten refusals are counted."""
EVENTS: dict[type[GatewayError], str] = {
    SessionRequired: "session",
    ForeignSession: "session",
    ForeignOrigin: "origin",
    OperatorTokenRequired: "operator",
    ApplicationTokenRequired: "application",
    ControlRequired: "application",
    RoleRequired: "operator",
}
"""What an error refuses, by its type; sign_in tells its own."""

_PLAIN = re.compile(r"[A-Za-z0-9_.:-]+")

log = Logger(namespace=NAMESPACE)


class Audit:
    """
    Writes the audit log.

    :param seconds: the clock that refusals are counted by.
    :param wall: seconds since the epoch.
    :ivar on: whether anything is written.
    """

    def __init__(self, seconds: Callable[[], float], wall: Callable[[], float]) -> None:
        self.on = True
        self._wall = wall
        self._rate = Buckets(REFUSALS, seconds)
        self._unwritten: Counter[str] = Counter()

    def note(self, event: str, outcome: str, client: Client | None = None, **facts: object) -> None:
        """
        Write that something was done.

        :param facts: whom and what it is about; empty ones are left out.
        """
        if not self.on:
            return
        time = datetime.fromtimestamp(self._wall(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        head = f"time={time} event={event} outcome={outcome}"
        if client is not None:
            head += f" address={client.address or 'unknown'}"
            if not client.reliable:
                head += " proxy=unnamed"
        told = " ".join(f"{name}={_shown(value)}" for name, value in facts.items() if value not in ("", None))
        facts = {name: value for name, value in facts.items() if value not in ("", None)}
        audit = {"event": event, "outcome": outcome, **facts}
        address = "" if client is None else client.address
        log.info("{line}", line=f"{head} {told}".rstrip(), audit=audit, address=address)

    def refused(self, error: GatewayError, client: Client, **facts: object) -> None:
        """Write that somebody was refused, or count it when there was too much of that from the same place."""
        event = EVENTS.get(type(error))
        if event is not None:
            self.refuse(event, error, client, **facts)

    def refuse(self, event: str, error: GatewayError, client: Client, **facts: object) -> None:
        """Write that ``event`` was refused for a reason."""
        place = place_of(client.address)
        if self._rate.wait(place):
            if place in self._unwritten or len(self._unwritten) < COUNTED:
                self._unwritten[place] += 1
            return
        self._rate.take(place)
        row = row_of(error)
        more = self._unwritten.pop(place, None)
        self.note(event, "refused", client, status=row.status, code=row.code, unwritten=more, **facts)


def _shown(value: object) -> str:
    """Return a value as it stands in a line: numbers and words as they are, all else as JSON in ASCII."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
