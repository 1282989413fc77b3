"""A source of tokens without randomness: messages made with it are the same in each run."""


class CountingTokens:
    """The :class:`~wrtcgw.sip.tokens.TokenSource` of tests: ``t1``, ``t2``, … and a chosen place in each range."""

    def __init__(self, prefix: str = "t") -> None:
        self._prefix = prefix
        self.drawn = 0
        """How many words were handed out so far."""
        self.share = 0.5
        """Where :meth:`uniform` picks its numbers: 0 is the low end, 0.5 the middle, 1 the high end."""

    def token(self, bits: int = 128) -> str:
        """Return the next word; ``bits`` is not looked at."""
        self.drawn += 1
        return f"{self._prefix}{self.drawn}"

    def uniform(self, low: float, high: float) -> float:
        """Return the chosen place between ``low`` and ``high``."""
        return low * (1 - self.share) + high * self.share
