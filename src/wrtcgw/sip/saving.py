"""
What refers to what in a snapshot: each request and each dialog stands in it once, and is named by its place.

A snapshot is plain data that JSON can hold. Times in it are seconds from when it was taken, negative ones before, so
that it means the same on the clock of another process.
"""

from typing import Generic, TypeVar

from attrs import define, field

from wrtcgw.sip.client_request import ClientRequest
from wrtcgw.sip.dialog import Dialog
from wrtcgw.sip.server_request import ServerRequest

Kind = TypeVar("Kind")


class Places(Generic[Kind]):
    """A list of things, each once."""

    def __init__(self) -> None:
        self.items: list[Kind] = []
        self._places: dict[int, int] = {}

    def of(self, item: Kind | None) -> int | None:
        """Return the place of a thing, which gets one if it has none; None for none."""
        if item is None:
            return None
        place = self._places.setdefault(id(item), len(self.items))
        if place == len(self.items):
            self.items.append(item)
        return place


@define
class Saving:
    """One snapshot in the making."""

    now: float
    dialogs: Places[Dialog] = field(factory=Places, init=False)
    clients: Places[ClientRequest] = field(factory=Places, init=False)
    servers: Places[ServerRequest] = field(factory=Places, init=False)


@define
class Restoring:
    """A snapshot that is being read: what was at each place."""

    taken: float
    """When the snapshot was taken, in the seconds of this process."""
    dialogs: list[Dialog]
    servers: list[ServerRequest]
    clients: list[ClientRequest] = field(factory=list)

    def dialog(self, place: int | None) -> Dialog | None:
        """Return the dialog at a place; None for none."""
        return None if place is None else self.dialogs[place]

    def server(self, place: int | None) -> ServerRequest | None:
        """Return the request to us at a place; None for none."""
        return None if place is None else self.servers[place]

    def client(self, place: int | None) -> ClientRequest | None:
        """Return the request of ours at a place; None for none."""
        return None if place is None else self.clients[place]
