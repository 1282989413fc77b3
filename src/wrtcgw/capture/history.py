"""The calls that are over: a bounded record of each."""

from collections import OrderedDict
from collections.abc import Iterator

from attrs import field, frozen

from wrtcgw.calls.stats import Reports


@frozen(kw_only=True)
class CallRecord:
    """
    What stays of a call.

    Times are milliseconds since the epoch; ``answered`` is None when it never was.
    """

    call_id: str
    sip_call_id: str
    agent_id: str
    dn: str
    direction: str
    peer: str
    display_name: str
    uuid: str
    started: int
    answered: int | None
    ended: int
    cause: str
    code: int
    reason: str
    reports: Reports = field(repr=False)


class History:
    """The records of the calls that ended last."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._records: OrderedDict[str, CallRecord] = OrderedDict()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._records)

    def __iter__(self) -> Iterator[CallRecord]:
        """Iterate over the records, the newest first."""
        return reversed(tuple(self._records.values()))

    def add(self, record: CallRecord) -> None:
        """Add a record; the oldest go when there are too many."""
        self._records[record.call_id] = record
        while len(self._records) > self._limit:
            self._records.popitem(last=False)

    def find(self, call_id: str) -> CallRecord | None:
        """Return the record of a call, by its id or its Call-ID."""
        found = self._records.get(call_id)
        if found is None:
            found = next((record for record in self if record.sip_call_id == call_id), None)
        return found
