"""Where entries are kept: bounded by number and bytes, and by what one track may take of them."""

from collections import OrderedDict
from collections.abc import Callable

from attrs import define, field

from wrtcgw.capture.entries import Entry

BEGINNING = 40
"""So many entries of a track are the last to go: how it began tells most."""
SHARE = 32
"""One track takes at most this part of all bytes: with the default settings some 300 messages, read within 0.1 s."""


@define(eq=False)
class Track:
    """
    All entries of one call, or of one DN outside of calls.

    ``offset`` is what has to be added to the clock's seconds of its entries for seconds since the epoch.
    """

    key: str
    """The call's id, '' while none is known; for an agent the DN."""
    dn: str
    offset: float
    sip_ids: list[str] = field(factory=list)
    """The Call-IDs of its SIP messages."""
    entries: list[Entry] = field(factory=list, repr=False)
    size: int = 0
    dropped: int = 0
    """How many entries had to go."""
    flow: int = -1
    """The connection of its last SIP message."""
    ended: bool = False
    store: "TrackStore | None" = field(default=None, repr=False)
    """Where it is kept; None when it had to go."""


class TrackStore:
    """
    Tracks, within limits.

    Those that have ended go first, in the order of their ends, then those that were added longest ago; on a store with
    ``most``, those that were used longest ago.

    :param dropped: told of each track that had to go.
    """

    def __init__(self, tracks: int, size: int, dropped: Callable[[Track], None], most: int = 0) -> None:
        """
        Set up.

        :param tracks: at most so many tracks.
        :param size: at most so many bytes, about.
        :param most: at most so many entries of one track; 0 for no such limit.
        """
        self._tracks = tracks
        self._limit = size
        self._most = most
        self._dropped = dropped
        self._all: OrderedDict[int, Track] = OrderedDict()
        self._ended: OrderedDict[int, Track] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        """Return how many tracks there are."""
        return len(self._all)

    def put(self, track: Track) -> None:
        """Add a track that has no entries yet."""
        track.store = self
        self._all[id(track)] = track
        if len(self._all) > self._tracks:
            self._drop_one(track)

    def end(self, track: Track) -> None:
        """Note that little more comes for a track: it is one of the first to go."""
        track.ended = True
        if track.store is self:
            self._ended[id(track)] = track

    def revive(self, track: Track) -> None:
        """Take that back."""
        track.ended = False
        self._ended.pop(id(track), None)

    def keep(self, track: Track, entry: Entry, size: int) -> None:
        """Add an entry of a size to a track of this store; what is too much goes."""
        track.entries.append(entry)
        track.size += size
        self.size += size
        if self._most:
            self._all.move_to_end(id(track))
            if len(track.entries) > self._most:
                self._trim(track, 0)
        if track.size > self._limit // SHARE:
            self._trim_to_share(track)
        while self.size > self._limit and self._drop_one(track):
            pass

    def drop(self, track: Track) -> None:
        """Drop a track of this store."""
        if track.store is self:
            self._drop(track)

    def _trim(self, track: Track, index: int) -> None:
        size = track.entries.pop(index).size
        track.size -= size
        self.size -= size
        track.dropped += 1

    def _trim_to_share(self, track: Track) -> None:
        """Drop entries of one track from its middle: the first and the newest stay; with ``most``, the oldest go."""
        while track.size > self._limit // SHARE and len(track.entries) > 1:
            self._trim(track, 0 if self._most else min(BEGINNING, len(track.entries) - 2))

    def _drop_one(self, spared: Track) -> bool:
        """Drop the track whose turn it is, but not ``spared``; tell whether there was one."""
        for tracks in (self._ended, self._all):
            for track in tracks.values():
                if track is not spared:
                    self._drop(track)
                    return True
        return False

    def _drop(self, track: Track) -> None:
        track.store = None
        del self._all[id(track)]
        self._ended.pop(id(track), None)
        self.size -= track.size
        self._dropped(track)
