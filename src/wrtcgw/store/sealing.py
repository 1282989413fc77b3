"""Secrets at rest: bytes that only who has the key can read, and only as the secrets of the agent that they are of."""

import os
from base64 import b64decode
from binascii import Error

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 12
TAG_BYTES = 16
FORMAT = b"\x01"
"""First byte of what is sealed: what follows are nonce, ciphertext and tag of ChaCha20-Poly1305 (RFC 8439)."""
PURPOSE = b"wrtcgw secrets at rest"
MAKE = "make one by: openssl rand -base64 32"


class UnsealError(Exception):
    """What was sealed cannot be opened: with another key, for another agent, or it was changed."""


def key_of_text(text: str) -> bytes:
    """
    Read a key: 32 bytes as base64.

    :raises ValueError: when it is something else; the text repeats nothing of it.
    """
    try:
        key = b64decode("".join(text.split()), validate=True)
    except (Error, ValueError):
        raise ValueError(f"expected {KEY_BYTES} random bytes in base64, and these are not base64; {MAKE}") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"expected {KEY_BYTES} random bytes in base64, and these are {len(key)}; {MAKE}")
    return key


def new_salt() -> bytes:
    """Return a salt for :func:`key_of_token`, to be kept beside what is sealed."""
    return os.urandom(SALT_BYTES)


def key_of_token(token: str, salt: bytes) -> bytes:
    """Derive the key that only the holder of a session token has (HKDF with SHA-256, RFC 5869)."""
    return HKDF(SHA256(), KEY_BYTES, salt, PURPOSE).derive(token.encode("utf-8", "surrogatepass"))


def seal(key: bytes, agent: str, secret: bytes) -> bytes:
    """
    Seal a secret.

    :param key: 32 bytes.
    :param agent: the agent's id; what is sealed opens for this one only.
    """
    nonce = os.urandom(NONCE_BYTES)
    return FORMAT + nonce + ChaCha20Poly1305(key).encrypt(nonce, secret, _bound_to(agent))


def unseal(key: bytes, agent: str, sealed: bytes) -> bytes:
    """
    Open what was sealed.

    :raises UnsealError: when the key or the agent is another one, or the bytes are not what :func:`seal` gave.
    """
    if sealed[:1] != FORMAT or len(sealed) < len(FORMAT) + NONCE_BYTES + TAG_BYTES:
        raise UnsealError("what is there was not sealed by this version")
    nonce, text = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, text, _bound_to(agent))
    except InvalidTag:
        raise UnsealError("the key is another one, or what is there was changed") from None


def _bound_to(agent: str) -> bytes:
    return PURPOSE + b"\0" + agent.encode("utf-8", "surrogatepass")
