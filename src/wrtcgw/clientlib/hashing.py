"""Operators' tokens: the gateway knows only their hashes, which are made here."""

import argparse
import hashlib
import secrets
import sys
from collections.abc import Sequence
from typing import TextIO

SHORTEST = 16
"""Characters of a token: its hash has to withstand guessing."""


class TokenTooShortError(ValueError):
    """The token that was given is too short."""


def hash_token(given: TextIO) -> str:
    """
    Return the hash of the token in the first line of a file, and the setting for it; of a new one when there is none.

    :param given: standard input; nothing is read from a terminal.
    :raises TokenTooShortError: when the token could be guessed from its hash.
    """
    told = "" if given.isatty() else given.readline().strip()
    token = told or secrets.token_urlsafe(32)
    if len(token) < SHORTEST:
        raise TokenTooShortError(f"expected at least {SHORTEST} characters, or an empty line for a new token")
    digest = hashlib.sha256(token.encode("utf-8")).hexdigest()
    lines = [] if told else [f"token:  {token}"]
    return "\n".join([*lines, f"sha256: {digest}", f'operator_tokens = ["NAME:viewer:{digest}"]'])


class HashToken(argparse.Action):
    """The option that shows a token's hash, and ends the program."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,
    ) -> None:
        """Do it."""
        try:
            print(hash_token(sys.stdin))
        except TokenTooShortError as error:
            parser.error(f"{option_string}: {error}")
        parser.exit()
