"""
Putting WebSocket messages together from parts: one message may come in many frames, and one frame in many reads.

Text and binary frames are read alike, as bytes of which those that are no UTF-8 become surrogate escapes.
:rfc:`6455#section-8.1` has a text frame with such bytes fail the connection; but Asterisk and Sofia send everything as
text, callers' names in Latin-1 included, and many agents share the connection.
"""

from attrs import define, field
from twisted.logger import Logger
from wsproto import WSConnection
from wsproto.frame_protocol import Frame, MessageDecoder, Opcode

from wrtcgw.transport.interfaces import ProtocolFault

DISCARD_FACTOR = 8
"""A message over the limit is read away and dropped; over this many times the limit it never ends."""

log = Logger()


class OneKind(MessageDecoder):
    """Takes text frames for binary ones, so that nothing in a message is a fault of the connection."""

    def process_frame(self, frame: Frame) -> Frame:
        """Return the frame with its bytes as they came."""
        return super().process_frame(frame._replace(opcode=Opcode.BINARY) if frame.opcode is Opcode.TEXT else frame)


def read_alike(connection: WSConnection) -> None:
    """
    Let an open connection read text frames as bytes.

    wsproto has no public way to it; its next message is decoded by what stands here.
    """
    assert connection.connection is not None, "the handshake is over"
    connection.connection._proto._message_decoder = OneKind()


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
    """In bytes."""
    _parts: list[bytes | bytearray] = field(factory=list, init=False)
    _size: int = field(default=0, init=False)

    def take(self, data: bytes | bytearray, *, last: bool) -> str | None:
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
        return b"".join(parts).decode("utf-8", "surrogateescape")
