"""
Where the core's tags, branches, Call-IDs and random waits come from.

The core draws nothing itself: it is handed a :class:`TokenSource`, so that a test with a counting one sees the same
messages in each run. The real source is :class:`wrtcgw.tokens.SystemTokens`.
"""

from typing import Protocol


class TokenSource(Protocol):
    """A source of unguessable words and of random waits."""

    def token(self, bits: int = 128) -> str:
        """
        Return a fresh word of at least ``bits`` bits of randomness.

        :rfc:`3261#section-19.3` asks for at least 32 bits in a tag, :rfc:`3261#section-8.1.1.7` for a branch that is
        unique across space and time; 128 serves both, and nonces and cnonces (:rfc:`7616#section-5.12`) too.

        :returns: only letters, digits, ``-`` and ``_``: each is good in a SIP token (:rfc:`3261#section-25.1`), in a
            quoted string and in a URL.
        """

    def uniform(self, low: float, high: float) -> float:
        """Return a number of at least ``low`` and at most ``high``, each value being equally likely."""
