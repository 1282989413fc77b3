"""A 2xx to an INVITE that waits for its ACK (:rfc:`3261#section-13.3.1.4`)."""

from collections.abc import Callable

from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.transaction_layer import ServerRequest, TransactionLayer


class UnackedAnswer:
    """
    Repeats a 2xx at T1, 2·T1, … at most T2, until the ACK comes or 64·T1 have passed.

    The transaction user does this itself, on a reliable transport too: it is what carries a call over a connection
    that was lost between the 2xx and the ACK. Third-party call control sends the ACK up to 32 s later, counted from the
    2xx as it arrived there (:rfc:`3725#section-4.1`): ``grace`` is for its way back.
    """

    def __init__(
        self,
        layer: TransactionLayer,
        server: ServerRequest,
        response: Response,
        on_ack: Callable[[Request], None],
        on_lost: Callable[[], None],
        *,
        grace: float = 0.0,
    ) -> None:
        self._layer = layer
        self._server = server
        self._response = response
        self._on_ack = on_ack
        self._on_lost = on_lost
        self._interval = layer.timers.t1
        self.cseq = server.request.cseq.number
        server.send(response)
        layer.arm(self, "resend", self._interval)
        layer.arm(self, "lost", 64 * layer.timers.t1 + grace)

    def resend(self) -> None:
        """Send the 2xx once more, now."""
        self._server.send(self._response)

    def receive(self, ack: Request) -> bool:
        """Take an ACK; False when it belongs to another INVITE."""
        if ack.cseq.number != self.cseq:
            return False
        self.stop()
        self._on_ack(ack)
        return True

    def stop(self) -> None:
        """End the repetition."""
        self._layer.disarm(self, "resend")
        self._layer.disarm(self, "lost")

    def on_timer(self, name: str) -> None:
        """Repeat the 2xx, or give up."""
        if name == "lost":
            self.stop()
            self._on_lost()
            return
        self.resend()
        self._interval = min(2 * self._interval, self._layer.timers.t2)
        self._layer.arm(self, "resend", self._interval)
