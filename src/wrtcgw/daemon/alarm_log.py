"""
The bell: what an operator should hear of becomes a line in the log, a number, and a note in the ladder of its call.

The line begins with ``alarm=`` and a stable word, so that filters such as fail2ban's find the page's address behind it.
Of equal alarms of one DN or address one is written at once, and then one a minute, which says how many there were.
"""

from collections.abc import Callable

from attrs import define, field
from twisted.logger import Logger

from wrtcgw.capture.recorder import Recorder
from wrtcgw.events.catalogue import AlarmRaised
from wrtcgw.events.stream import EventStream
from wrtcgw.meters.alarms import Raised
from wrtcgw.meters.meters import Meters

log = Logger()

QUIET = 60.0
"""Seconds between two equal lines."""
REMEMBERED = 1000
"""So many different alarms are remembered; beyond it the oldest are written anew."""


@define(eq=False)
class AlarmLog:
    """
    Takes the gateway's alarms.

    :param seconds: the clock of all times.
    :param wall: seconds since the epoch.
    """

    recorder: Recorder
    meters: Meters
    seconds: Callable[[], float]
    wall: Callable[[], float]
    _written: dict[tuple[str, str], tuple[float, int]] = field(factory=dict, init=False)

    def subscribe_to(self, stream: EventStream) -> None:
        """Listen from now on."""
        stream.subscribe(AlarmRaised, self.ring)

    def ring(self, alarm: AlarmRaised) -> None:
        """Take an alarm."""
        word, text = alarm.kind.value, printable(alarm.text)
        dn, call_id, address = printable(alarm.dn), printable(alarm.call_id), printable(alarm.address)
        self.meters.alarms.add(
            Raised(
                time=self.wall(),
                alarm=word,
                text=text,
                setting=alarm.setting,
                dn=dn,
                call_id=call_id,
                address=address,
            )
        )
        if call_id:
            self.recorder.note(call_id, text)
        times = self._times(word, f"{dn} {address}")
        if times:
            log.warn(
                "alarm={alarm} dn={dn} address={address} call={call} setting={setting} times={times}: {text}",
                alarm=word,
                dn=dn or "-",
                address=address or "-",
                call=call_id or "-",
                setting=(alarm.setting or "-").replace(" ", "_"),
                times=times,
                text=text,
            )

    def _times(self, word: str, whose: str) -> int:
        """Return how many equal alarms a line stands for that is to be written now; 0 for none."""
        key, now = (word, whose), self.seconds()
        since, kept_back = self._written.get(key, (-QUIET, 0))
        if now - since < QUIET:
            self._written[key] = since, kept_back + 1
            return 0
        self._written.pop(key, None)
        self._written[key] = now, 0
        if len(self._written) > REMEMBERED:
            del self._written[next(iter(self._written))]
        return kept_back + 1


def printable(text: str) -> str:
    """Return a text without anything that could end a line, or show as something else than it is."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
