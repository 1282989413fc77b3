"""
The secrets of accounts, as they may be written down: sealed, and never the password.

What is sealed are the hashes that take the place of the password (:rfc:`7616`, HA1 of the realms seen). They are sealed
under a key of the site, or, where it has none, under one that is made of the session token, which only the page has: a
stolen store registers nobody, and the page's next request opens it.
"""

import base64
import json
from collections.abc import Callable

from attrs import define, field
from twisted.logger import Logger

from wrtcgw.sip.core import Account
from wrtcgw.store.sealing import SealBroken, seal, session_key, unseal

log = Logger()

NO_SECRET = {"by": "none"}
"""Of an account whose registrar has never asked for credentials."""

Sealed = dict[str, str]
Hashes = list[list[str]]


@define
class _Entry:
    """What is sealed of one account."""

    hashes: Hashes | None = field(repr=False)
    """In the clear, for comparison; None while they are locked, empty when they cannot be opened."""
    sealed: Sealed = field(repr=False)


class Vault:
    """
    Seals and opens.

    :param key: of the site, 32 bytes; None for none.
    :param unlock: told of an account whose secrets were opened by its page.
    """

    def __init__(self, key: bytes | None, unlock: Callable[[str, Hashes], object]) -> None:
        self._key = key
        self._unlock = unlock
        self._entries: dict[str, _Entry] = {}

    def sealed(self, key: str, account: Account | None) -> Sealed:
        """Return the secrets of an account for its record."""
        if account is None:
            return NO_SECRET
        hashes = account.keyring.hashes()
        entry = self._entries.get(key)
        if hashes and self._key is not None and (entry is None or entry.hashes != hashes):
            entry = self._entries[key] = _Entry(hashes, self._seal("site", self._key, key, hashes))
        return NO_SECRET if entry is None else entry.sealed

    def take_back(self, key: str, sealed: Sealed) -> "Hashes | None":
        """
        Return the hashes of an account that is taken up again; None when they are still sealed, [] when it has none.
        """
        if sealed["by"] == "none":
            return []
        entry = self._entries[key] = _Entry(None, sealed)
        if sealed["by"] == "site":
            try:
                entry.hashes = _opened(self._key or b"", key, sealed)
            except SealBroken:
                log.error(
                    "the credentials of {key} were stored under another state_key_file: it has to sign in again",
                    key=key,
                )
        return entry.hashes

    def shown(self, key: str, token: bytes, account: Account | None) -> bool:
        """
        Take a page's session token, which opens the secrets of its account, or seals what is new of them.

        :returns: whether what :meth:`sealed` returns is new by that.
        """
        if self._key is not None or account is None:
            return False
        entry = self._entries.get(key)
        if entry is not None and entry.hashes is None and entry.sealed["by"] == "session":
            self._open(entry, key, token)
            return False
        hashes = account.keyring.hashes()
        if not hashes or (entry is not None and entry.hashes == hashes):
            return False
        self._entries[key] = _Entry(hashes, self._seal("session", session_key(token), key, hashes))
        return True

    def _open(self, entry: _Entry, key: str, token: bytes) -> None:
        try:
            entry.hashes = _opened(session_key(token), key, entry.sealed)
        except SealBroken:
            log.error("what is stored of the credentials of {key} cannot be opened: it has to sign in again", key=key)
            entry.hashes = []
        else:
            self._unlock(key, entry.hashes)

    def forget(self, key: str) -> None:
        """Forget how an account is sealed: it is gone, or its page has another token."""
        self._entries.pop(key, None)

    def _seal(self, by: str, secret: bytes, key: str, hashes: Hashes) -> Sealed:
        box = seal(secret, json.dumps(hashes).encode(), key)
        return {"by": by, "box": base64.b64encode(box).decode("ascii")}


def _opened(secret: bytes, key: str, sealed: Sealed) -> Hashes:
    hashes: Hashes = json.loads(unseal(secret, base64.b64decode(sealed["box"]), key))
    return hashes
