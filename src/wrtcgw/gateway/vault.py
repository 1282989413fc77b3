"""
The secrets of accounts, as they may be written down: sealed, and never the password.

What is sealed are the hashes that take the place of the password (:rfc:`7616`, HA1 of the realms seen). They are sealed
under a key of the site, or, where it has none, under one that is made of the session token, which only the page has: a
stolen store registers nobody, and the page's next request opens it. Where an agent has several pages, they are sealed
once for each, so that any of them opens them.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

from attrs import define, field

from wrtcgw.sip.core import Account
from wrtcgw.store.sealing import UnsealError, key_of_token, new_salt, seal, unseal

NO_SECRET = {"by": "none"}
"""Of an account whose registrar has never asked for credentials."""

Sealed = dict[str, Any]
Hashes = list[list[str]]
NAME_LENGTH = 16
"""Characters of the name of a token, by which its box is known; it grants nothing."""


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
    :param fault: told of an account whose secrets cannot be opened, and why.
    """

    def __init__(
        self, key: bytes | None, unlock: Callable[[str, Hashes], object], fault: Callable[[str, str], object]
    ) -> None:
        self._key = key
        self._unlock = unlock
        self._fault = fault
        self._entries: dict[str, _Entry] = {}

    def sealed(self, key: str, account: Account | None) -> Sealed:
        """Return the secrets of an account for its record."""
        if account is None:
            return NO_SECRET
        hashes = account.keyring.hashes()
        entry = self._entries.get(key)
        if hashes and self._key is not None and (entry is None or entry.hashes != hashes):
            entry = self._entries[key] = _Entry(hashes, {"by": "site", "box": _sealed(self._key, key, hashes)})
        return NO_SECRET if entry is None else entry.sealed

    def take_back(self, key: str, sealed: Sealed) -> "Hashes | None":
        """Return the hashes of an account that is taken up again; None while they are sealed, [] when it has none."""
        if sealed["by"] == "none":
            return []
        entry = self._entries[key] = _Entry(None, sealed)
        if sealed["by"] == "site":
            stored = "under another state_key" if self._key else "under a state_key, and none is set"
            try:
                if self._key is None:
                    raise UnsealError(stored)
                entry.hashes = _opened(self._key, key, sealed)
            except UnsealError:
                self._fault(key, f"its credentials were stored {stored}: it has to sign in again")
        return entry.hashes

    def shown(self, key: str, token: bytes, account: Account | None, before: str = "") -> bool:
        """
        Take a page's session token, which opens the secrets of its account, or seals what is new of them.

        :param before: the name of a token that opens nothing any more, as soon as this one does.
        :returns: whether what :meth:`sealed` returns is new by that.
        """
        entry, name = self._entries.get(key), name_of(hashlib.sha256(token).digest())
        if account is not None and entry is not None and entry.hashes is None and entry.sealed["by"] == "session":
            self._open(entry, key, token, name)
            return False
        if self._key is not None or account is None:
            return False
        hashes = account.keyring.hashes()
        is_new = entry is None or entry.hashes != hashes
        if not hashes or (entry is not None and not is_new and name in entry.sealed["boxes"]):
            return False
        salt = new_salt()
        box = _sealed(key_of_token(token.decode(), salt), key, hashes)
        others = {} if entry is None or is_new else entry.sealed["boxes"]
        others = {other: its for other, its in others.items() if other != before}
        boxes = {**others, name: {"salt": base64.b64encode(salt).decode("ascii"), "box": box}}
        self._entries[key] = _Entry(hashes, {"by": "session", "boxes": boxes})
        return True

    def forget_token(self, key: str, name: str) -> None:
        """Forget what was sealed for one of several pages of an account, by the name of its token."""
        entry = self._entries.get(key)
        if entry is not None and name in entry.sealed.get("boxes", {}):
            boxes = {other: box for other, box in entry.sealed["boxes"].items() if other != name}
            self._entries[key] = _Entry(entry.hashes, {"by": "session", "boxes": boxes})

    def _open(self, entry: _Entry, key: str, token: bytes, name: str) -> None:
        boxes = entry.sealed.get("boxes")
        if boxes is not None and name not in boxes:
            return  # it came after the last write; another page of the agent may open it
        sealed = entry.sealed if boxes is None else boxes[name]
        try:
            entry.hashes = _opened(key_of_token(token.decode(), base64.b64decode(sealed["salt"])), key, sealed)
        except (UnsealError, LookupError, TypeError, ValueError):  # another token's, or none of ours
            self._fault(key, "its credentials cannot be opened: it has to sign in again")
            entry.hashes = []
            return
        hashes = entry.hashes
        if self._key is not None:
            self.forget(key)  # from now on it is sealed under the key that the site has got since
        self._unlock(key, hashes)

    def forget(self, key: str) -> None:
        """Forget how an account is sealed: it is gone, or its page has another token."""
        self._entries.pop(key, None)


def name_of(digest: bytes) -> str:
    """Return the name of a page's token, of which this is the SHA-256 digest."""
    return digest.hex()[:NAME_LENGTH]


def _sealed(secret: bytes, key: str, hashes: Hashes) -> str:
    return base64.b64encode(seal(secret, key, json.dumps(hashes).encode())).decode("ascii")


def _opened(secret: bytes, key: str, sealed: Sealed) -> Hashes:
    hashes: Hashes = json.loads(unseal(secret, key, base64.b64decode(sealed["box"])))
    return hashes
