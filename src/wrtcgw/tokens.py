"""The operating system's randomness, in the shape that the core asks for: see :mod:`wrtcgw.sip.tokens`."""

import random
import secrets


class SystemTokens:
    """
    The :class:`~wrtcgw.sip.tokens.TokenSource` of a running gateway.

    Words come from :mod:`secrets`, because who guesses a tag, nonce or branch can forge messages. Waits are no secret;
    they come from :class:`random.SystemRandom` only so that there is no seed and no state to share.
    """

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def token(self, bits: int = 128) -> str:
        """Return a URL-safe word of at least ``bits`` bits from :func:`secrets.token_urlsafe`."""
        return secrets.token_urlsafe((bits + 7) // 8)

    def uniform(self, low: float, high: float) -> float:
        """Return a random number of at least ``low`` and at most ``high``."""
        return self._random.uniform(low, high)
