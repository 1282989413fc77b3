"""
The recorder: takes references to messages as they pass, and files them by call or by DN.

A SIP message belongs to the track that has its Call-ID. A new Call-ID begins a track with an INVITE outside a dialog,
or goes to that of the DN with a REGISTER or MESSAGE; which call a track is of is told when that call comes to be. All
that is done for a message is to find its Call-ID and to make one small object.
"""

import re
from collections.abc import Callable, Iterator
from itertools import count

from wrtcgw.capture.entries import (
    REQUEST_FIELDS,
    RESPONSE_FIELDS,
    Answered,
    Asked,
    Entry,
    HeaderFields,
    Note,
    SIPMessage,
    Told,
)
from wrtcgw.capture.sign_ins import KeptFields, is_sign_in, masked_answer, masked_body, masked_uri
from wrtcgw.capture.track_store import Track, TrackStore

AGENTS_SHARE = 4
"""This part of all bytes is for what belongs to no call."""
AGENTS_PER_CALL = 10
"""So many DNs are kept for each call that may be kept."""
AGENT_ENTRIES = 100
"""So many entries of one DN outside of calls."""
AGENT_DIALOGS = 8
"""So many Call-IDs of one DN outside of calls."""

_CALL_ID = re.compile(r"\r\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_USER = re.compile(r"\r\n(?:to|t)[ \t]*:[^\r\n]*?sips?:([^@;>:\r\n]*)(?::[^@;>:\r\n]*)?@", re.IGNORECASE)
_TAG = re.compile(r"\r\n(?:to|t)[ \t]*:[^\r\n]*;[ \t]*tag[ \t]*=", re.IGNORECASE)


def call_id_of(text: str) -> str:
    """Return the Call-ID of a SIP message, '' when it has none."""
    end = text.find("\r\n\r\n")
    start = text.find("\r\nCall-ID:", 0, end)
    if start >= 0:
        return text[start + 10 : text.find("\r\n", start + 10)].strip()
    found = _CALL_ID.search(text, 0, end + 2 if end >= 0 else len(text))
    return found[1].strip() if found else ""


class Recorder:
    """
    Keeps messages of calls, and of agents outside of calls.

    :ivar on: whether anything is recorded now; what was recorded stays when it is switched off.
    """

    def __init__(
        self, seconds: Callable[[], float], wall: Callable[[], float], *, on: bool, calls: int, size: int
    ) -> None:
        """
        Set up.

        :param seconds: the clock of all times.
        :param wall: seconds since the epoch.
        :param calls: at most so many calls are kept.
        :param size: at most so many bytes, about.
        """
        self.on = on
        self.limit = calls
        self._seconds = seconds
        self._wall = wall
        self._numbers = count(1)
        self._by_call: dict[str, Track] = {}
        self._by_dn: dict[str, Track] = {}
        self._by_sip: dict[str, Track] = {}
        self._agents = TrackStore(AGENTS_PER_CALL * calls, size // AGENTS_SHARE, self._forget, most=AGENT_ENTRIES)
        self._calls = TrackStore(calls, size - size // AGENTS_SHARE, self._forget)

    @property
    def calls(self) -> int:
        """Return how many calls are kept."""
        return len(self._calls)

    @property
    def size(self) -> int:
        """Return how many bytes are kept, about."""
        return self._calls.size + self._agents.size

    # -- SIP

    def sip(self, flow: int, text: str, *, sent: bool, carried: bool = True) -> None:
        """Take a SIP message; one that belongs to nothing that is known is not kept."""
        if not self.on:
            return
        call_id = call_id_of(text)
        track = self._by_sip.get(call_id) or self._begin(call_id, text)
        if track is not None and track.store is not None:
            track.flow = flow
            entry = SIPMessage(next(self._numbers), self._seconds(), sent, flow, text, carried)
            track.store.keep(track, entry, entry.size)

    def _begin(self, call_id: str, text: str) -> Track | None:
        """Find the track of a new Call-ID."""
        if text.startswith("INVITE "):
            if not call_id or _TAG.search(text):
                return None
            track = self._track("", "")
            self._calls.put(track)
            self._calls.end(track)  # until it turns out to be of a call
        elif text.startswith(("REGISTER ", "MESSAGE ")):
            user = _USER.search(text)
            if not call_id or user is None:
                return None
            track = self._of_dn(user[1])
            while len(track.sip_ids) >= AGENT_DIALOGS:
                self._by_sip.pop(track.sip_ids.pop(0), None)
        else:
            return None
        self._join(track, call_id)
        return track

    # -- calls

    def opened(self, call_id: str, dn: str, sip_call_id: str) -> None:
        """Note a new call: its messages are those of that Call-ID, also those that came before."""
        if not self.on:
            return
        track = self._by_sip.get(sip_call_id) if sip_call_id else None
        if track is None or track.key:
            track = self._track("", dn)
            self._calls.put(track)
            if sip_call_id:
                self._join(track, sip_call_id)
        self._calls.revive(track)
        track.key, track.dn = call_id, dn
        self._by_call[call_id] = track

    def dialled(self, call_id: str, sip_call_id: str) -> None:
        """Note the Call-ID of a call that had none when it was opened; nothing has been sent yet."""
        track = self._by_call.get(call_id)
        if track is not None:
            self._join(track, sip_call_id)

    def drop(self, sip_call_id: str) -> None:
        """Forget an INVITE that came to no call and that nobody wants to see; one of a flood would displace ladders."""
        track = self._by_sip.get(sip_call_id)
        if track is not None and not track.key:
            self._calls.drop(track)

    def closed(self, call_id: str, text: str) -> None:
        """Note that a call has ended, and how; what still comes for it is kept with it."""
        track = self._by_call.get(call_id)
        if track is not None:
            self.note(call_id, text)
            self._calls.end(track)

    def note(self, call_id: str, text: str, *, ago: float = 0.0) -> None:
        """Note what happened in a call, now or so many seconds ago."""
        track = self._by_call.get(call_id)
        if self.on and track is not None:
            self._file(track, Note(next(self._numbers), self._seconds() - ago, text))

    def note_agent(self, dn: str, text: str) -> None:
        """Note what happened to an agent."""
        if self.on:
            self._file(self._of_dn(dn), Note(next(self._numbers), self._seconds(), text))

    def note_flow(self, flow: int, text: str) -> None:
        """Note what happened to a connection, in all calls that use it."""
        for call_id, track in tuple(self._by_call.items()):
            if track.flow == flow and not track.ended:
                self.note(call_id, text)

    # -- HTTP

    def asked(self, dn: str, agent_id: str, method: bytes, uri: bytes, headers: HeaderFields, body: bytes) -> Asked:
        """
        Take a request of a page; it is kept when :meth:`answered` or :meth:`broke_off` says where it belongs.

        Header fields that nobody will be shown are not kept: they are large, and hold what opens sessions.
        """
        kept = KeptFields(headers, REQUEST_FIELDS)
        if is_sign_in(uri):
            uri, body = masked_uri(uri), masked_body(uri, headers, body)
        return Asked(next(self._numbers), self._seconds(), dn, agent_id, method, uri, kept, body)

    def answered(self, asked: Asked, code: int, headers: HeaderFields, body: bytes) -> None:
        """Keep a request and its response, in its call or else with its DN."""
        track = self._place(asked.call_id, asked.dn)
        if is_sign_in(asked.uri):
            body = masked_answer(asked.uri, body)
        kept = KeptFields(headers, RESPONSE_FIELDS)
        self._file(track, asked)
        self._file(track, Answered(next(self._numbers), self._seconds(), asked, code, kept, body))

    def broke_off(self, asked: Asked) -> None:
        """Keep a request whose page went before the response."""
        track = self._place(asked.call_id, asked.dn)
        self._file(track, asked)
        self._file(track, Note(next(self._numbers), self._seconds(), "the page went before the response"))

    def told(self, dn: str, agent_id: str, call_id: str, how: str, kind: str, code: int, body: bytes) -> None:
        """Keep a message that was delivered to a page."""
        entry = Told(next(self._numbers), self._seconds(), agent_id, how, kind, code, body)
        self._file(self._place(call_id, dn), entry)

    # -- for the reader

    def of_call(self, key: str) -> Track | None:
        """Return what is kept of a call, by its id or its Call-ID."""
        track = self._by_call.get(key) or self._by_sip.get(key)
        return track if track is not None and track.store is self._calls else None

    def of_dn(self, dn: str) -> Track | None:
        """Return what is kept of a DN outside of calls."""
        return self._by_dn.get(dn)

    def stray(self) -> Iterator[Track]:
        """Iterate over what is kept of INVITEs that came to no call of an agent, oldest first."""
        return (track for track in tuple(self._by_sip.values()) if not track.key)

    # -- within

    def _track(self, key: str, dn: str) -> Track:
        return Track(key, dn, self._wall() - self._seconds())

    def _of_dn(self, dn: str) -> Track:
        track = self._by_dn.get(dn)
        if track is None:
            track = self._by_dn[dn] = self._track(dn, dn)
            self._agents.put(track)
        return track

    def _place(self, call_id: str, dn: str) -> Track:
        return self._by_call.get(call_id) or self._of_dn(dn)

    def _join(self, track: Track, sip_call_id: str) -> None:
        track.sip_ids.append(sip_call_id)
        self._by_sip[sip_call_id] = track

    def _file(self, track: Track, entry: Entry) -> None:
        if track.store is not None:
            track.store.keep(track, entry, entry.size)

    def _forget(self, track: Track) -> None:
        for sip_call_id in track.sip_ids:
            self._by_sip.pop(sip_call_id, None)
        if self._by_call.get(track.key) is track:
            del self._by_call[track.key]
        elif self._by_dn.get(track.key) is track:
            del self._by_dn[track.key]
