"""An HTTP/2 client that says whatever it is told to, well-formed or not."""

import contextlib
import socket
import ssl
from collections.abc import Sequence

from hpack import Decoder, Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    RstStreamFrame,
    SettingsFrame,
)

Fields = Sequence[tuple[bytes, bytes]]

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SILENCE = 1.0
"""Seconds without a byte after which nothing more is waited for."""


def ask(
    port: int,
    tls: ssl.SSLContext,
    fields: Fields,
    *pieces: bytes,
    trailers: Fields = (),
    source: str = "127.0.0.1",
) -> list[str]:
    """
    Send one request over a connection of its own, and return what comes of it.

    :param fields: with those that begin with a colon; nothing is checked.
    :param pieces: of the body, a DATA frame each.
    :param source: the address of loopback that it comes from.
    :returns: the status, ``reset`` or ``goaway``, in the order in which they come; nothing when there is only silence.
    """
    encoder = Encoder()
    frames: list[Frame] = [SettingsFrame(0), _headers(encoder, fields)]
    for piece in pieces:
        data = DataFrame(1)
        data.data = piece
        frames.append(data)
    if trailers:
        frames.append(_headers(encoder, trailers))
    frames[-1].flags.add("END_STREAM")
    wire = PREFACE + b"".join(frame.serialize() for frame in frames)
    with (
        socket.create_connection(("127.0.0.1", port), 10, (source, 0)) as plain,
        tls.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        if connection.selected_alpn_protocol() != "h2":
            raise AssertionError("the server speaks no HTTP/2")
        return _heard(connection, wire)


def _headers(encoder: Encoder, fields: Fields) -> HeadersFrame:
    frame = HeadersFrame(1)
    frame.data = encoder.encode(list(fields))
    frame.flags.add("END_HEADERS")
    return frame


def _heard(connection: ssl.SSLSocket, wire: bytes) -> list[str]:
    heard, decoder, told = b"", Decoder(), list[str]()
    connection.settimeout(SILENCE)
    with contextlib.suppress(TimeoutError, ConnectionError, ssl.SSLError):
        connection.sendall(wire)
        while block := connection.recv(65_536):
            heard += block
            while len(heard) >= 9:
                frame, length = Frame.parse_frame_header(memoryview(heard[:9]))
                if len(heard) < 9 + length:
                    break
                frame.parse_body(memoryview(heard[9 : 9 + length]))
                heard = heard[9 + length :]
                match frame:
                    case HeadersFrame() | ContinuationFrame():
                        told += [_text(value) for name, value in decoder.decode(frame.data) if _text(name) == ":status"]
                    case RstStreamFrame():
                        told.append("reset")
                    case GoAwayFrame():
                        told.append("goaway")
                if told and (told[-1] in ("reset", "goaway") or "END_STREAM" in frame.flags):
                    return told
    return told


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
