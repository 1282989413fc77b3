"""
A request that is sent again, as its answer was lost, is carried out once (draft-ietf-httpapi-idempotency-key-header).

What was answered is kept for a while by the key that the client has chosen, and told again. Only answers are kept of
which something may have come: a request that was refused before anything was done can be sent again with its key.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable

from attrs import define, frozen

from wrtcgw.errors import BadInput
from wrtcgw.web.errors import KeyInUse, KeyOfAnother
from wrtcgw.web.incoming import IncomingRequest

HEADER = b"idempotency-key"
KEPT = 10_000
"""So many answers are kept for all applications together."""
KEPT_SECONDS = 86_400.0
_KEY = re.compile(rb"[\x21-\x7e]{1,255}")
_NOTHING_DONE = frozenset({400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 503})


@frozen
class Answer:
    """What was answered: a status, and a body of JSON."""

    status: int
    body: bytes


@define(eq=False)
class Entry:
    """What is known of a key; ``told`` is None as long as the request is being carried out."""

    print: bytes
    since: float
    told: Answer | None = None


class Idempotency:
    """The keys that were used, newest last."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._entries: OrderedDict[tuple[str, bytes], Entry] = OrderedDict()

    def __len__(self) -> int:
        """Return how many keys are known."""
        return len(self._entries)

    def find(self, owner: str, request: IncomingRequest) -> Answer | None:
        """
        Return what was answered to the same request before; None where it is new, which it is not from now on.

        :param owner: whose keys they are.
        :raises BadInput: for a key that cannot be one.
        :raises KeyInUse: when the same request is being carried out.
        :raises KeyOfAnother: when the key was used for something else.
        """
        key = key_of(request)
        if key is None:
            return None
        print = _print(request)
        self._forget_old()
        entry = self._entries.get((owner, key))
        if entry is None:
            self._entries[owner, key] = Entry(print, self._seconds())
            return None
        if entry.print != print:
            raise KeyOfAnother(key.decode("ascii")[:40])
        if entry.told is None:
            raise KeyInUse(key.decode("ascii")[:40])
        return entry.told

    def keep(self, owner: str, request: IncomingRequest, answer: Answer | None) -> None:
        """Keep what has come of a request; None, or that nothing was done, lets it be sent again."""
        key = key_of(request)
        entry = None if key is None else self._entries.get((owner, key))
        if key is None or entry is None:
            return
        if answer is None or answer.status in _NOTHING_DONE:
            del self._entries[owner, key]
        else:
            entry.told = answer

    def _forget_old(self) -> None:
        end = self._seconds() - KEPT_SECONDS
        while self._entries:
            oldest = next(iter(self._entries.values()))
            if oldest.since >= end and len(self._entries) < KEPT:
                return
            self._entries.popitem(last=False)


def key_of(request: IncomingRequest) -> bytes | None:
    """
    Return the key of a request, None for none.

    :raises BadInput: when it cannot be one.
    """
    key = request.header(HEADER)
    if key is not None and _KEY.fullmatch(key) is None:
        raise BadInput("Idempotency-Key", "1 to 255 visible ASCII characters")
    return key


def _print(request: IncomingRequest) -> bytes:
    what = b"\0".join((request.method, request.path, request.raw_query, request.body))
    return hashlib.sha256(what).digest()
