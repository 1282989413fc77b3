"""A 2xx to an INVITE that waits for its ACK (:rfc:`3261#section-13.3.1.4`)."""

from collections.abc import Callable, Mapping
from typing import Any

from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.saving import Restoring, Saving
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
        interval: float = 0.0,
    ) -> None:
        """
        Send the 2xx for the first time.

        :param interval: of one that is being repeated already: the seconds until the next time. Nothing is sent then.
        """
        self._layer = layer
        self._server = server
        self._response = response
        self._on_ack = on_ack
        self._on_lost = on_lost
        self._interval = interval or layer.timers.t1
        self.cseq = server.request.cseq.number
        if interval:
            return
        server.send(response)
        layer.arm(self, "resend", self._interval)
        layer.arm(self, "lost", 64 * layer.timers.t1 + grace)

    @property
    def account_key(self) -> str:
        """Return the key of the account."""
        return self._server.account_key

    def snapshot(self, saving: Saving) -> dict[str, object]:
        """Return plain data for :meth:`restore`."""
        server = saving.servers.of(self._server)
        return {"server": server, "response": self._response.snapshot(), "interval": self._interval}

    @classmethod
    def restore(
        cls,
        layer: TransactionLayer,
        data: Mapping[str, Any],
        restoring: Restoring,
        on_ack: Callable[[Request], None],
        on_lost: Callable[[], None],
    ) -> "UnackedAnswer":
        """Return the answer that :meth:`snapshot` was taken of; its deadlines are still to come."""
        server = restoring.servers[data["server"]]
        response = Response.restore(data["response"])
        return cls(layer, server, response, on_ack, on_lost, interval=data["interval"])

    def resend(self) -> None:
        """Send the 2xx once more, now."""
        self._server.send(self._response)

    def hurry(self) -> None:
        """
        Wait for the ACK no longer than its way takes.

        The first 2xx may have arrived before the connection was lost: then each further ACK goes the way that does not
        exist any more, and only a re-INVITE can tell the peer another one.
        """
        self._layer.arm(self, "lost", self._layer.timers.t1)

    def receive(self, ack: Request) -> bool:
        """Take an ACK; False when it belongs to another INVITE."""
        if ack.cseq.number != self.cseq:
            return False
        self.stop()
        self._on_ack(ack)
        self._server.forget_bodies()
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
