"""
Agents who come here from another gateway, because their page asks here.

The session token that a page shows ends with the name of its agent's account, where several gateways share a store. So
any of them finds what is stored of the agent, sees by its digest whether the token is that of the agent's session, and
takes the agent over only then. Tokens that are nobody's cost the store one look, and their sender soon none at all.
"""

import base64
import re
from binascii import Error
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, DeferredSemaphore

from wrtcgw.gateway import Gateway
from wrtcgw.networks import place_of
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.limits import Buckets
from wrtcgw.web.sessions import TOKEN_LENGTH, Sessions, digest_of, sessions_in
from wrtcgw.web.settings import Allowance

FAILURES = Allowance(50, 1.0)
"""So many tokens that are nobody's may come from one network, and so many again per second; no more are looked up."""
AT_A_TIME = 100
"""So many look-ups go on at a time; further ones wait."""
REMEMBERED, FORGOTTEN_AFTER = 1000, 2.0
"""So many tokens that were nobody's are remembered, for so many seconds."""
LONGEST_KEY = 256
"""Bytes of an account's name in a token."""
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


def ending(key: str) -> str:
    """Return what stands for an account at the end of a token: its name, or, where that could not be, in base64."""
    if _PLAIN.fullmatch(key):
        return key
    return "-" + base64.urlsafe_b64encode(key.encode("utf-8", "surrogatepass")).decode("ascii").rstrip("=")


def key_in(token: bytes) -> str:
    """Return the account that a token names, '' for none."""
    tail = token[TOKEN_LENGTH : TOKEN_LENGTH + LONGEST_KEY + 1].decode("ascii", "replace")
    if len(tail) > LONGEST_KEY:
        return ""
    if not tail.startswith("-"):
        return tail if _PLAIN.fullmatch(tail) else ""
    try:
        return base64.urlsafe_b64decode(tail[1:] + "=" * (-len(tail[1:]) % 4)).decode("utf-8", "surrogatepass")
    except (ValueError, Error):
        return ""


class Arrivals:
    """Lets agents come here."""

    def __init__(self, gateway: Gateway, sessions: Sessions, seconds: Callable[[], float]) -> None:
        self._gateway = gateway
        self._sessions = sessions
        self._seconds = seconds
        self._failures = Buckets(FAILURES, seconds)
        self._nobodys: OrderedDict[bytes, float] = OrderedDict()
        """When tokens were looked up in vain, by their digests."""
        self._places = DeferredSemaphore(AT_A_TIME)

    def come(self, request: IncomingRequest, token: bytes) -> "Deferred[None] | None":
        """
        Let the agent come whose session token is shown, if it is another gateway's.

        :returns: None when there is nothing to wait for; else what fires when the request can be served, and fails with
            an error of :meth:`wrtcgw.gateway.cluster.Cluster.fetch`.
        """
        cluster = self._gateway.cluster
        if not cluster.is_shared:
            return None
        waiting = cluster.certain()
        if waiting is not None:
            return waiting.addCallback(lambda _: self.come(request, token))
        key = key_in(token)
        if not key or self._sessions.is_open(token):
            return None
        digest, place = digest_of(token), place_of(request.client.address)
        if self._is_nobodys(digest) or self._failures.wait(place):
            return None
        return self._places.run(lambda: Deferred.fromCoroutine(self._look_up(key, digest, place)))

    async def _look_up(self, key: str, digest: bytes, place: str) -> None:
        def judge(kept: Mapping[str, Any]) -> bool:
            return any(each["digest"] == digest.hex() for each in sessions_in(kept["session"]))

        if not await self._gateway.cluster.fetch(key, judge):
            self._failures.take(place)
            self._nobodys[digest] = self._seconds()
            self._nobodys.move_to_end(digest)
            if len(self._nobodys) > REMEMBERED:
                self._nobodys.popitem(last=False)

    def _is_nobodys(self, digest: bytes) -> bool:
        return self._seconds() - self._nobodys.get(digest, -FORGOTTEN_AFTER) < FORGOTTEN_AFTER
