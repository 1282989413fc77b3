"""Putting WebSocket messages together from parts: one message may come in many frames, and one frame in many reads."""

from typing import cast

from attrs import define, field
from twisted.logger import Logger

from wrtcgw.transport.interfaces import ProtocolFault

DISCARD_FACTOR = 8
"""A message over the limit is read away and dropped; over this many times the limit it never ends."""

log = Logger()


class EndlessMessage(ProtocolFault):
    """A message is so long that waiting for its end is no use."""


@define
class Assembly:
    """
    The message that is under way on a connection.

    One that is too long is dropped, not a reason to close: many agents share the connection, and anybody's overlong
    request, passed on by the proxy, would cut them all off.
    """

    limit: int
    """In bytes, or in characters for text frames."""
    _parts: list[str | bytes | bytearray] = field(factory=list, init=False)
    _size: int = field(default=0, init=False)

    def take(self, data: str | bytes | bytearray, *, last: bool) -> str | None:
        """
        Add one part.

        :returns: the text when this was the last part, bytes that are no UTF-8 as surrogate escapes; None before, and
            for a message that is too long.
        :raises EndlessMessage: when it is far too long; the connection has to be closed.
        """
        self._size += len(data)
        if self._size > self.limit:
            self._parts.clear()
            if self._size > self.limit * DISCARD_FACTOR:
                raise EndlessMessage(f"message over {self._size} bytes")
        elif data:
            self._parts.append(data)
        return self._finished() if last else None

    def _finished(self) -> str | None:
        parts, size = self._parts, self._size
        self._parts, self._size = [], 0
        if size > self.limit:
            log.warn("message of {size} bytes dropped: over the limit", size=size)
            return None
        if parts and isinstance(parts[0], str):
            return "".join(cast(list[str], parts))
        return b"".join(cast(list[bytes], parts)).decode("utf-8", "surrogateescape")
