"""The identity provider's keys, kept: it is asked seldom, never twice at a time, and may be away for a day."""

from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from wrtcgw.identity.errors import IdentityProviderUnavailable, TokenAlgorithm, TokenKeyUnknown, shown
from wrtcgw.identity.fetching import Fetcher, FetchFailed, is_safe
from wrtcgw.identity.jwks import Key, names, parse_keys
from wrtcgw.identity.strictjson import parse_strictly

log = Logger()

FRESH = 600.0
"""Seconds after which keys are fetched again, while the old ones go on to be used: a key withdrawn stays no longer."""
USABLE = 86_400.0
"""Seconds for which keys are used while the provider cannot be asked."""
UNKNOWN_PAUSE = 30.0
"""Seconds between two questions because of a ``kid`` that is not known: anybody can make one up."""
FAILURE_PAUSE = 5.0
"""Seconds after a failure before the provider is asked again; until then it counts as away."""
DISCOVERY_BYTES = 131_072
KEYS_BYTES = 262_144
DISCOVERY = "/.well-known/openid-configuration"


class Source(Protocol):
    """Where the keys come from."""

    async def fetch(self) -> tuple[Key, ...]:
        """
        Return the keys.

        :raises FetchFailed: when they cannot be had.
        """


class Provider:
    """
    A provider by its discovery document (OpenID Connect Discovery 1.0, section 4), or by the address of its keys.

    :param jwks_url: empty for discovery.
    """

    def __init__(self, fetcher: Fetcher, issuer: str, jwks_url: str = "") -> None:
        self._fetcher = fetcher
        self._issuer = issuer
        self._jwks_url = jwks_url

    async def fetch(self) -> tuple[Key, ...]:
        """
        Return the keys.

        :raises FetchFailed: when they cannot be had.
        """
        url = self._jwks_url or await self._discover()
        document = await self._fetcher.get(url, KEYS_BYTES)
        try:
            return parse_keys(document)
        except ValueError as error:
            raise FetchFailed(f"it answered with {error}") from None

    async def _discover(self) -> str:
        document = await self._fetcher.get(self._issuer.rstrip("/") + DISCOVERY, DISCOVERY_BYTES)
        try:
            found = parse_strictly(document)
        except ValueError as error:
            raise FetchFailed(f"its discovery document is {error}") from None
        told = found.get("issuer") if isinstance(found, dict) else None
        if told != self._issuer:  # section 4.3: identical
            raise FetchFailed(f"its discovery document is that of {shown(told)}, not of {self._issuer}")
        url = found.get("jwks_uri")
        if not isinstance(url, str) or not is_safe(url):
            raise FetchFailed(f"its discovery document has no https jwks_uri: {shown(url)}")
        return url


class KeyRing:
    """
    The keys by their ids.

    :param seconds: a clock that nobody sets.
    """

    def __init__(self, source: Source, seconds: Callable[[], float]) -> None:
        self._source = source
        self._seconds = seconds
        self._keys: tuple[Key, ...] = ()
        self._fetched = self._asked = self._failed = float("-inf")
        self._trouble = ""
        self._waiting: list[Deferred[None]] | None = None

    async def find(self, algorithm: str, kid: str) -> tuple[Key, ...]:
        """
        Return the keys that a signature may have been made with.

        :param kid: empty when the token names none.
        :raises IdentityProviderUnavailable: when there are none to look at.
        :raises TokenKeyUnknown: when none has that id.
        :raises TokenAlgorithm: when the one that has it is for something else.
        """
        if not self._usable:
            if self._since(self._failed) >= FAILURE_PAUSE:
                await self._ask()
            if not self._usable:
                raise IdentityProviderUnavailable(self._trouble)
        elif self._since(self._fetched) >= FRESH and self._since(self._failed) >= FAILURE_PAUSE:
            Deferred.fromCoroutine(self._ask())  # nobody waits for it, and it does not fail
        if not self._named(kid) and self._since(self._asked) >= UNKNOWN_PAUSE:
            await self._ask()
        named = self._named(kid)
        if not named:
            if self._trouble:
                raise IdentityProviderUnavailable(self._trouble)
            raise TokenKeyUnknown(f"the kid of a key of the provider ({names(self._keys)})", shown(kid))
        fitting = tuple(key for key in named if key.suits(algorithm))
        if not fitting:
            raise TokenAlgorithm(f"an algorithm for {_kinds(named)}", shown(algorithm))
        return fitting

    @property
    def _usable(self) -> bool:
        return bool(self._keys) and self._since(self._fetched) < USABLE

    def _since(self, moment: float) -> float:
        return self._seconds() - moment

    def _named(self, kid: str) -> tuple[Key, ...]:
        return tuple(key for key in self._keys if key.kid == kid) if kid else self._keys

    async def _ask(self) -> None:
        """Fetch the keys; who comes while they are being fetched waits for the same ones. Does not fail."""
        if self._waiting is None:
            self._waiting = []
            Deferred.fromCoroutine(self._fetch())
        if self._waiting is not None:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    async def _fetch(self) -> None:
        self._asked = self._seconds()
        try:
            keys = await self._source.fetch()
        except FetchFailed as error:
            self._failed, self._trouble = self._seconds(), str(error)
            log.warn("the identity provider's keys cannot be fetched: {cause}", cause=str(error))
        except Exception:
            self._failed, self._trouble = self._seconds(), "an internal error"
            log.failure("the identity provider's keys cannot be fetched")
        else:
            if {key.kid for key in keys} != {key.kid for key in self._keys}:
                log.info("keys of the identity provider: {names}", names=names(keys))
            self._keys, self._trouble, self._fetched = keys, "", self._seconds()
        waiting, self._waiting = self._waiting or [], None
        for each in waiting:
            if not each.called:
                each.callback(None)


def _kinds(keys: tuple[Key, ...]) -> str:
    return " or ".join(sorted({" ".join(filter(None, (key.kind, key.curve, key.algorithm))) for key in keys}))
