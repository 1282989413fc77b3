"""A source of tokens without randomness: messages made with it are the same in each run."""


class CountingTokens:
    """The :class:`~wrtcgw.sip.tokens.TokenSource` of tests: ``t1``, ``t2``, … and the middle of each range."""

    def __init__(self, prefix: str = "t") -> None:
        self._prefix = prefix
        self.drawn = 0
        """How many words were handed out so far."""

    def token(self, bits: int = 128) -> str:
        """Return the next word; ``bits`` is not looked at."""
        self.drawn += 1
        return f"{self._prefix}{self.drawn}"

    def uniform(self, low: float, high: float) -> float:
        """Return the middle between ``low`` and ``high``."""
        return (low + high) / 2
