"""The ladder of one track: its parties, and what went between them in order, ready to be drawn or written."""

from collections.abc import Callable, Sequence
from typing import assert_never

from attrs import field, frozen

from wrtcgw.capture.entries import Answered, Asked, Entry, Note, SIPMessage, Told
from wrtcgw.capture.message_summary import Reading, legible, read_answered, read_asked, read_sip, read_told
from wrtcgw.capture.track_store import Track
from wrtcgw.redact import redact

GATEWAY = 1
"""The index of the gateway among the parties; a page comes before it, proxies and further pages after it."""


@frozen(kw_only=True)
class Step:
    """
    One line of a ladder.

    ``time`` is in milliseconds since the epoch, ``delta`` in milliseconds since the first step; ``origin`` and
    ``target`` are indices of parties, the same for a note.
    """

    number: int
    time: int
    delta: int
    origin: int
    target: int
    via: str
    label: str
    kind: str
    detail: str = ""
    text: str = field(default="", repr=False)
    flow: int | None = None
    leg: int = 0
    """Of which of the tracks."""


@frozen(kw_only=True)
class Ladder:
    """
    What is kept of a call, or of a DN outside of calls; ``dropped`` says how many steps had to go.

    ``legs`` says of how many tracks it is: two for both legs of a call between two agents.
    """

    key: str
    sip_ids: tuple[str, ...]
    parties: tuple[str, ...]
    steps: tuple[Step, ...]
    dropped: int = 0
    legs: int = 1


def build(
    tracks: Sequence[Track], flow_name: Callable[[int], str], page_name: str = "", *, show_data: bool = False
) -> Ladder:
    """
    Build the ladder of a track, or of several together, which is called as the first.

    :param flow_name: returns the name of the proxy at the end of a connection.
    :param page_name: how the page is called when no request of it is kept.
    :param show_data: show the data that users attached, and not only its size.
    """
    track = tracks[0]
    every = [(entry, leg) for leg, each in enumerate(tracks) for entry in each.entries]
    entries = sorted(every, key=lambda each: (each[0].time, each[0].seq))
    parties = _Parties(page_name or f"page {track.dn}".strip(), flow_name)
    first = entries[0][0].time if entries else 0.0
    steps = [
        _step(
            entry,
            parties,
            leg=leg,
            number=number,
            time=round((entry.time + track.offset) * 1000),
            delta=round((entry.time - first) * 1000),
            show_data=show_data,
        )
        for number, (entry, leg) in enumerate(entries, 1)
    ]
    return Ladder(
        key=track.key or (track.sip_ids[0] if track.sip_ids else ""),
        sip_ids=tuple(dict.fromkeys(each for one in tracks for each in one.sip_ids)),
        parties=parties.names,
        steps=tuple(steps),
        dropped=sum(each.dropped for each in tracks),
        legs=len(tracks),
    )


class _Parties:
    """The parties in the order in which they turn up, after the page and the gateway."""

    def __init__(self, page: str, flow_name: Callable[[int], str]) -> None:
        self._page = page
        self._flow_name = flow_name
        self._pages: dict[str, int] = {}
        self._others: list[str] = []

    @property
    def names(self) -> tuple[str, ...]:
        """Return their names."""
        return (legible(self._page), "gateway", *map(legible, self._others))

    def page(self, agent_id: str) -> int:
        """Return the index of an agent's page: the first that turns up stands on the left."""
        if agent_id not in self._pages:
            name = f"page {agent_id}"
            if self._pages:
                self._others.append(name)
                self._pages[agent_id] = GATEWAY + len(self._others)
            else:
                self._page = name
                self._pages[agent_id] = 0
        return self._pages[agent_id]

    def proxy(self, flow: int) -> int:
        """Return the index of the proxy at the end of a connection."""
        name = f"proxy {self._flow_name(flow)}".strip()
        if name not in self._others:
            self._others.append(name)
        return GATEWAY + 1 + self._others.index(name)


def _step(entry: Entry, parties: _Parties, *, leg: int, number: int, time: int, delta: int, show_data: bool) -> Step:
    """Read one entry."""
    flow = None
    match entry:
        case SIPMessage():
            reading, via = read_sip(entry, show_data=show_data), "sip"
            kind = "response" if entry.text.startswith("SIP/2.0") else "request"
            proxy, flow = parties.proxy(entry.flow), entry.flow
            ends = (GATEWAY, proxy) if entry.sent else (proxy, GATEWAY)
        case Asked():
            reading, kind, via = read_asked(entry, show_data=show_data), "request", "http"
            ends = (parties.page(entry.agent_id), GATEWAY)
        case Answered():
            reading, kind, via = read_answered(entry), "response", "http"
            ends = (GATEWAY, parties.page(entry.asked.agent_id))
        case Told():
            reading, kind, via = read_told(entry, show_data=show_data), "event", "http"
            ends = (GATEWAY, parties.page(entry.agent_id))
        case Note():
            reading, kind, via = Reading(legible(redact(entry.text)), "", ""), "note", "gateway"
            ends = (GATEWAY, GATEWAY)
        case _:
            assert_never(entry)
    return Step(
        number=number,
        time=time,
        delta=delta,
        origin=ends[0],
        target=ends[1],
        via=via,
        label=reading.label,
        kind=kind,
        detail=reading.detail,
        text=reading.text,
        flow=flow,
        leg=leg,
    )
