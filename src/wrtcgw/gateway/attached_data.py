"""
Data that pages attach to calls, in SIP.

A name and a value become the header field ``X-Data-<name>`` with the value percent-encoded (:rfc:`3986#section-2.1`,
UTF-8), so that commas, quotes and line ends survive every proxy; or all of them together a form in one INFO.
"""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote, unquote, urlencode

from wrtcgw.errors import BadInput

Data = Sequence[tuple[str, str]]

PREFIX = "X-Data-"
FORM = "application/x-www-form-urlencoded"

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def usable(data: Data) -> tuple[tuple[str, str], ...]:
    """Return the items whose names can be carried."""
    return tuple((name, value) for name, value in data if _NAME.fullmatch(name))


def fitting(data: Data, limit: int, *, form: bool) -> Data:
    """Return those items, one after the other, that fit into so many bytes as header fields, or as a form."""
    kept: list[tuple[str, str]] = []
    left = limit
    for item in usable(data):
        size = len(urlencode([item], errors="replace")) + bool(kept) if form else len(_line(*_field(*item)))
        if size <= left:
            kept.append(item)
            left -= size
    return kept


def to_headers(data: Data, limit: int) -> tuple[tuple[str, str], ...]:
    """
    Return the header fields of the data.

    :param limit: the most bytes of all fields together.
    :raises BadInput: when they are more.
    """
    fields = tuple(_field(name, value) for name, value in usable(data))
    _check(sum(len(_line(name, value)) for name, value in fields), limit)
    return fields


def to_form(data: Data, limit: int) -> str:
    """
    Return the data as a form.

    :param limit: the most bytes of it.
    :raises BadInput: when it is longer.
    """
    form = urlencode(usable(data), errors="replace")
    _check(len(form), limit)
    return form


def from_headers(fields: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the data in header fields, in their order; other fields are left out."""
    return tuple(
        (name[len(PREFIX) :], unquote(value, errors="surrogateescape"))
        for name, value in fields
        if name.lower().startswith(PREFIX.lower()) and _NAME.fullmatch(name[len(PREFIX) :])
    )


def _field(name: str, value: str) -> tuple[str, str]:
    return PREFIX + name, quote(value, safe="", errors="replace")


def _line(name: str, value: str) -> str:
    return f"{name}: {value}\r\n"


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise BadInput("data", f"at most {limit} bytes when encoded (attached_data_limit)", str(size))
