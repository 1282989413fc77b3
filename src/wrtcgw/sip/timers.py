"""
The timer values of :rfc:`3261#section-17` and :rfc:`6026#section-8.11`, for a reliable transport.

SIP over WebSocket has the procedures and timer values of a reliable transport (:rfc:`7118#section-5`): timers A, E
and G, which retransmit, do not exist here, and the waits for stray retransmissions (D, I, J, K) are zero. A transaction
whose wait is zero skips the state in which it would have waited.
"""

from attrs import field, frozen, validators


@frozen
class Timers:
    """
    The base values T1, T2 and T4 (:rfc:`3261#section-17.1.1.1`, Table 4), and what follows from them; all in seconds.

    ``Timers()`` has the values of the RFC. Tests and interoperability runs may shorten them.
    """

    t1: float = field(default=0.5, validator=validators.gt(0))
    """Estimate of the round-trip time; each time limit below is 64 times this one."""
    t2: float = field(default=4.0, validator=validators.gt(0))
    """Longest interval between two retransmissions; only 2xx to INVITE use it here (:rfc:`3261#section-13.3.1.4`)."""
    t4: float = field(default=5.0, validator=validators.gt(0))
    """How long the network may keep a message; nothing on a reliable transport waits for it."""

    @property
    def timer_b(self) -> float:
        """Return how long an INVITE client waits for the first response (:rfc:`3261#section-17.1.1.2`)."""
        return 64 * self.t1

    @property
    def timer_d(self) -> float:
        """Return how long an INVITE client absorbs repeated 300-699 (:rfc:`3261#section-17.1.1.2`): not at all."""
        return 0.0

    @property
    def timer_f(self) -> float:
        """Return how long a non-INVITE client waits for a final response (:rfc:`3261#section-17.1.2.2`)."""
        return 64 * self.t1

    @property
    def timer_h(self) -> float:
        """Return how long an INVITE server waits for the ACK to 300-699 (:rfc:`3261#section-17.2.1`)."""
        return 64 * self.t1

    @property
    def timer_i(self) -> float:
        """Return how long an INVITE server absorbs repeated ACKs (:rfc:`3261#section-17.2.1`): not at all."""
        return 0.0

    @property
    def timer_j(self) -> float:
        """Return how long a non-INVITE server absorbs repeated requests (:rfc:`3261#section-17.2.2`): not at all."""
        return 0.0

    @property
    def timer_k(self) -> float:
        """Return how long a non-INVITE client absorbs repeated finals (:rfc:`3261#section-17.1.2.2`): not at all."""
        return 0.0

    @property
    def timer_l(self) -> float:
        """Return how long an INVITE server absorbs repeated INVITEs after a 2xx (:rfc:`6026#section-8.7`)."""
        return 64 * self.t1

    @property
    def timer_m(self) -> float:
        """Return how long an INVITE client passes further 2xx up (:rfc:`6026#section-8.4`)."""
        return 64 * self.t1

    def wait(self, letter: str) -> float:
        """
        Return the value of one timer.

        :param letter: ``"B"`` for :attr:`timer_b`, and so on.
        :raises AttributeError: for a letter that has no value here, such as A.
        """
        value: float = getattr(self, f"timer_{letter.lower()}")
        return value
