"""
Call records: a line of JSON for each call that is over, in a file, for billing, reports and disputes.

The file is opened for append, and anew on a reload (SIGHUP), so that logrotate can put it aside. A disk that is full or
gone never hurts a call: lines wait for it, so many and no more, and what is lost is counted and told.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from attrs import define, field
from prometheus_client.metrics_core import Metric
from twisted.logger import Logger

from wrtcgw.calls.call import Call, CallState
from wrtcgw.calls.messages import TransferState
from wrtcgw.capture.history import CallRecord, History
from wrtcgw.daemon.counting import result_of
from wrtcgw.daemon.exposition import counter, gauge
from wrtcgw.events.catalogue import (
    AgentLetGo,
    CallBegan,
    CallChanged,
    CallRecovered,
    CallRestored,
    HoldChanged,
    TransferEnded,
)
from wrtcgw.events.stream import EventStream
from wrtcgw.meters.tally import Tally
from wrtcgw.sip.outputs import CallEnded
from wrtcgw.texts import json_line
from wrtcgw.web.quality import quality_view

log = Logger()

WAITING = 1000
"""So many lines wait for a disk that takes none."""
MODE = 0o640
"""The service's group may read: they name who called whom."""
QUIET = 60.0
"""Seconds between two complaints about the file."""
LONGEST = 256
"""Characters of a far side's words."""

Line = dict[str, object]


class RecordFile:
    """
    The file, which takes whole lines or nothing.

    :ivar path: where it is; None: nothing is written.
    :ivar numbers: lines that were ``written``, and those that were ``dropped``.
    :param seconds: a clock.
    """

    def __init__(self, path: Path | None, seconds: Callable[[], float]) -> None:
        self.path = path
        self.numbers = Tally.of(("written",), ("dropped",))
        self._seconds = seconds
        self._waiting: deque[bytes] = deque()
        self._descriptor: int | None = None
        self._next_complaint = 0.0

    def __len__(self) -> int:
        """Return how many lines wait."""
        return len(self._waiting)

    def reopen(self) -> None:
        """Go on in the file that has the name now, after somebody has moved the other one away."""
        self.close()
        self.flush()

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)

    def add(self, line: bytes) -> None:
        """Write a line after those that wait; else it waits too, and the oldest goes when there are too many."""
        if self.path is None:
            return
        self._waiting.append(line)
        self.flush()
        while len(self._waiting) > WAITING:
            self._waiting.popleft()
            self.numbers.add("dropped")

    def flush(self) -> None:
        """Write what waits, as far as the disk takes it."""
        if self.path is None:
            self._waiting.clear()
            return
        try:
            while self._waiting:
                self._write(self._waiting[0])
                self._waiting.popleft()
                self.numbers.add("written")
        except OSError as error:
            self.close()
            self._complain(error)

    def _write(self, line: bytes) -> None:
        """
        Append a line.

        :raises OSError: when it is not in the file, not even a part of it.
        """
        assert self.path is not None
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
            self._descriptor = os.open(self.path, flags, MODE)
        before = os.fstat(self._descriptor).st_size
        if os.write(self._descriptor, line) < len(line):
            os.ftruncate(self._descriptor, before)
            raise OSError("the disk is full")

    def _complain(self, error: OSError) -> None:
        now = self._seconds()
        if now >= self._next_complaint:
            self._next_complaint = now + QUIET
            log.error(
                "call_records: {path} takes no lines ({error}); {waiting} wait, {dropped} were dropped; calls go on",
                path=str(self.path),
                error=error.strerror or str(error),
                waiting=len(self._waiting),
                dropped=self.numbers.number("dropped"),
            )


@define
class Story:
    """What is known of a call beside its end."""

    sip_call_id: str
    transfers: list[Line] = field(factory=list)
    recovered: list[str] = field(factory=list)
    holds: int = 0
    reasons: tuple[str, ...] = ()
    warning: str = ""


@define(eq=False)
class CallRecords:
    """
    Writes the records.

    :param node: this gateway's name.
    :param wall: seconds since the epoch.
    """

    file: RecordFile
    history: History
    node: str
    wall: Callable[[], float]
    _stories: dict[str, Story] = field(factory=dict, init=False)

    def subscribe_to(self, stream: EventStream) -> None:
        """Listen from now on; after whoever fills the history, from which the record is taken."""
        stream.subscribe(CallBegan, self._began)
        stream.subscribe(CallRestored, self._began)
        stream.subscribe(AgentLetGo, self._let_go)
        stream.subscribe(TransferEnded, self._transferred)
        stream.subscribe(CallRecovered, self._recovered)
        stream.subscribe(HoldChanged, self._held)
        stream.subscribe(CallEnded, self._leg_ended)
        stream.subscribe(CallChanged, self._changed)

    def series(self) -> Iterator[Metric]:
        """Return what Prometheus is told."""
        yield counter("call_records", "Lines of call records.", ("result",), self.file.numbers)
        yield gauge("call_records_waiting", "Lines that wait for the disk.", (), [((), len(self.file))])

    def _began(self, event: CallBegan | CallRestored) -> None:
        self._stories[event.call.id] = Story(event.sip_call_id)

    def _let_go(self, event: AgentLetGo) -> None:
        """Write nothing: the gateway that has the calls now does, when they end."""
        for call in event.calls:
            self._stories.pop(call.id, None)

    def _transferred(self, event: TransferEnded) -> None:
        story = self._stories.get(event.call.id)
        if story is not None:
            story.transfers.append(
                {
                    "kind": "attended" if event.other else "blind",
                    "to": event.to,
                    "result": event.result.value.lower(),
                    "sipCode": event.code,
                    **({"otherCall": event.other} if event.other else {}),
                    "at": moment(round(self.wall() * 1000)),
                }
            )

    def _recovered(self, event: CallRecovered) -> None:
        story = self._stories.get(event.call.id)
        if story is not None:
            story.recovered.append(event.after.value)

    def _held(self, event: HoldChanged) -> None:
        story = self._stories.get(event.call.id)
        if story is not None:
            story.holds += event.on_hold

    def _leg_ended(self, event: CallEnded) -> None:
        """Keep what the end of the leg says: it is told before the call's."""
        story = self._stories.get(event.leg)
        if story is not None:
            story.reasons = (*(str(reason)[:LONGEST] for reason in event.reasons), *event.said)
            story.warning = event.warning[:LONGEST]

    def _changed(self, event: CallChanged) -> None:
        if event.after is CallState.ENDED:
            call = event.call
            story, record = self._stories.pop(call.id, Story("")), self.history.find(call.id)
            if record is not None and self.file.path is not None:
                self.file.add(json_line(self.line(call, record, story)))

    def line(self, call: Call, record: CallRecord, story: Story) -> Line:
        """Return a record; times are UTC, durations seconds. What is empty is there all the same."""
        answered = record.answered
        duration = 0.0 if answered is None else (record.ended - answered) / 1000
        inbound = record.direction == "inbound"
        return {
            "callId": record.call_id,
            "sipCallId": record.sip_call_id or story.sip_call_id,
            "uuid": record.uuid,
            "node": self.node,
            "agent": record.agent_id,
            "dn": record.dn,
            "direction": record.direction,
            "from": record.peer if inbound else record.dn,
            "to": record.dn if inbound else record.peer,
            "displayName": record.display_name,
            "called": call.called[:LONGEST],
            "diversion": [{"number": number, "reason": reason} for number, reason in call.diversion],
            "referredBy": call.referred_by[:LONGEST],
            "startedAt": moment(record.started),
            "answeredAt": None if answered is None else moment(answered),
            "endedAt": moment(record.ended),
            "setupSeconds": None if answered is None else (answered - record.started) / 1000,
            "durationSeconds": duration,
            "outcome": result_of(call),
            "cause": record.cause,
            "sipCode": record.code,
            "reason": record.reason,
            "sipReasons": list(story.reasons),
            "warning": story.warning,
            "holds": story.holds,
            "transfers": story.transfers,
            "transferred": any(each["result"] == TransferState.DONE.value.lower() for each in story.transfers),
            "recoveredAfter": story.recovered,
            "media": record.reports.verdict(duration).value,
            "quality": quality_view(record.reports),
        }


def moment(milliseconds: int) -> str:
    """Return a time (milliseconds since the epoch) as RFC 3339 has it, in UTC."""
    time = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
