"""
A request that is plain: as browsers and libraries send them, without anything that two readers could take in two ways.

Bytes in, a value out. What is not plain is not refused, but read by who reads everything, Twisted: chunks,
``Expect``, other versions, tabs, folded lines, octets beyond ASCII, heads in pieces. So no rule of the protocol
is decided here, and what is plain means the same to both (``tests/web/test_plain_request.py``).
"""

import re

from attrs import frozen
from twisted.web.http_headers import Headers

LONGEST = 8192
"""Bytes of the head, at most."""
MOST = 60
"""Header fields, at most."""
_HEAD = re.compile(
    rb"(GET|POST) ([!-~]+) HTTP/1\.1\r\n"
    rb"((?:[A-Za-z][A-Za-z0-9-]*:[ -~]*\r\n)+)\r\n"
)
_LENGTH = re.compile(rb"[0-9]{1,8}")
_NOT_PLAIN = frozenset((b"transfer-encoding", b"expect", b"upgrade"))
_KNOWN: dict[bytes, bytes] = {}
"""Names of header fields as they are written, by how they came; no more than so many."""
_MOST_KNOWN = 500

Fields = dict[bytes, list[bytes]]


@frozen
class PlainRequest:
    """
    The head of a request.

    :ivar fields: values by name; names are written as Twisted writes them.
    :ivar start: where the body begins.
    :ivar end: where the request ends.
    """

    method: bytes
    target: bytes
    fields: Fields
    start: int
    end: int


def read_plain(data: bytes) -> PlainRequest | None:
    """Read the head of the request with which ``data`` begins; None when it is not plain, or not whole."""
    found = _HEAD.match(data)
    if found is None or found.end() > LONGEST:
        return None
    fields: Fields = {}
    lines = found[3].split(b"\r\n")
    if len(lines) > MOST:
        return None
    for line in lines[:-1]:
        name, _, value = line.partition(b":")
        written = _KNOWN.get(name) or _written(name)
        if not written:
            return None
        if written in fields:
            fields[written].append(value.strip(b" "))
        else:
            fields[written] = [value.strip(b" ")]
    length = 0
    lengths = fields.get(b"Content-Length")
    if lengths is not None:
        if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
            return None
        length = int(lengths[0])
    return PlainRequest(found[1], found[2], fields, found.end(), found.end() + length)


def _written(name: bytes) -> bytes:
    """Return how a name is written; empty when a request with such a field is not plain."""
    if name.lower() in _NOT_PLAIN:
        return b""
    headers = Headers()
    headers.addRawHeader(name, b"")
    ((written, _),) = headers.getAllRawHeaders()
    if len(_KNOWN) < _MOST_KNOWN:
        _KNOWN[name] = written
    return written
