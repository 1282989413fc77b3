"""
Which proxy a flow tries next, and after how long: pure arithmetic, told what happened and when.

*Full jitter*: each wait is drawn from zero to a limit that doubles, from the very first retry on. When a proxy
restarts, its clients then come back spread out instead of together. *Sticky*: a flow stays with the proxy that works
and comes back to it first after a loss; a better-placed proxy that recovers is not switched to, so nothing flaps.
"""

from collections.abc import Callable

from attrs import define, frozen

MAX_FAULTS = 5
"""This many connections in a row that we end for malformed frames are followed by a quick attempt."""


@frozen(kw_only=True)
class ReconnectSettings:
    """Times in seconds."""

    base_delay: float = 1.0
    """Limit of the first wait."""
    max_delay: float = 3.0
    """Limit of every wait: what a recovered proxy may have to wait for us."""
    stable_after: float = 10.0
    """A connection that was lost sooner counts as a failed attempt: the proxy takes us in and throws us out."""


@define
class Reconnection:
    """The memory of one flow's attempts."""

    settings: ReconnectSettings
    targets: int
    """How many proxies there are to choose from."""
    uniform: Callable[[float, float], float]
    """A random number between two."""
    current: int = 0
    """The index of the proxy to try, or that is in use."""
    failures: int = 0
    """Attempts that failed since a connection was last stable."""
    faults: int = 0
    """Connections ended by us since one was last stable."""
    connected_at: float | None = None

    def connected(self, now: float) -> None:
        """Take notice that the connection is open."""
        self.connected_at = now

    def lost(self, now: float, *, by_us: bool = False) -> None:
        """
        Take notice that an open connection ended.

        :param by_us: we have ended it for a malformed frame: the proxy lives, and its agents wait, so that the next
            attempt comes soon; unless the same goes on and on.
        """
        since, self.connected_at = self.connected_at, None
        if since is not None and now - since >= self.settings.stable_after:
            self.failures = self.faults = 0
        elif since is not None and by_us and self.faults < MAX_FAULTS:
            self.failures = 0
            self.faults += 1
        else:
            self.failed()

    def failed(self) -> None:
        """Take notice that an attempt failed: the next proxy's turn."""
        self.failures += 1
        self.current = (self.current + 1) % self.targets

    def delay(self) -> float:
        """Draw the wait before the next attempt; the limit doubles once all proxies have had their turn."""
        rounds = min(self.failures // self.targets, 16)
        return self.uniform(0.0, min(self.settings.max_delay, self.settings.base_delay * 2.0**rounds))
