"""
How lines of the log are written: as twistd does, as JSON, or for the systemd journal.

``json``: one object a line. ``journal``: without a time, as the journal has its own, and with the priority that
sd-daemon(3) describes before each line, so that ``journalctl -p warning`` works.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from twisted.logger import FileLogObserver, LogLevel, LogPublisher, formatEvent

from wrtcgw.texts import clean, json_line

Event = dict[str, Any]
Format = Callable[[Event], str | None]

FIELDS: Mapping[str, str] = {
    "call_id": "callId",
    "sip_call_id": "sipCallId",
    "uuid": "uuid",
    "dn": "dn",
    "account": "dn",
    "agent": "agent",
    "address": "address",
    "flow": "flow",
    "proxy": "proxy",
    "alarm": "alarm",
    "setting": "setting",
    "times": "times",
    "incident": "incident",
    "audit": "audit",
}
"""What lines of JSON have beside their text, and how it is called there. Nothing else of an event gets into them."""
PRIORITIES = {LogLevel.debug: 7, LogLevel.info: 6, LogLevel.warn: 4, LogLevel.error: 3, LogLevel.critical: 2}
"""Those of syslog(3)."""
OWN = "wrtcgw."
NOTHING = ("", "-", None)


def json_format(node: str) -> Format:
    """Return what writes an event as a line of JSON, with the name of this gateway."""

    def write(event: Event) -> str | None:
        text, traceback = _text(event), _traceback(event)
        if not text and not traceback:
            return None
        level = event.get("log_level", LogLevel.info)
        line: dict[str, object] = {
            "time": _time(event),
            "level": level.name,
            "component": _component(event),
            "message": text,
            "node": node,
        }
        line.update(_fields(event))
        if traceback:
            line["traceback"] = traceback
        return json_line(line).decode("utf-8")

    return write


def journal_format(event: Event) -> str | None:
    """Return an event as lines for the journal, each with its priority."""
    lines = [*_text(event).splitlines(), *_traceback(event).splitlines()]
    priority = PRIORITIES.get(event.get("log_level", LogLevel.info), 6)
    lines[:1] = [f"[{_component(event)}] {line}" for line in lines[:1]]
    return "".join(f"<{priority}>{clean(line)}\n" for line in lines) or None


def _fields(event: Event) -> Iterator[tuple[str, object]]:
    for key, name in FIELDS.items():
        value = event.get(key)
        if value not in NOTHING and isinstance(value, str | int | float | dict):
            yield name, value


def _text(event: Event) -> str:
    return formatEvent(event)


def _traceback(event: Event) -> str:
    failure = event.get("log_failure")
    return "" if failure is None else str(failure.getTraceback())


def _time(event: Event) -> str:
    time = datetime.fromtimestamp(event.get("log_time") or 0.0, UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _component(event: Event) -> str:
    return str(event.get("log_namespace") or "").removeprefix(OWN)


class LogForm:
    """
    Lets twistd's own observers of files write in another form; ``--syslog`` and ``--logger`` stay as they are.

    :param form: ``text`` changes nothing.
    """

    def __init__(self, form: str, node: str) -> None:
        self._format: Format | None = {"json": json_format(node), "journal": journal_format}.get(form)
        self._before: list[tuple[FileLogObserver, Format]] = []

    def install(self, publisher: LogPublisher) -> None:
        """Take over the observers that the publisher has now; it has no public list of them."""
        form = self._format
        for observer in publisher._observers if form is not None else ():
            if form is not None and isinstance(observer, FileLogObserver):
                self._before.append((observer, observer.formatEvent))
                observer.formatEvent = form

    def remove(self) -> None:
        """Put things back."""
        for observer, before in self._before:
            observer.formatEvent = before
        self._before.clear()
