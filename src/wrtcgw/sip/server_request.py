"""A request that came to us, with its server transaction (:rfc:`3261#section-8.2`)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wrtcgw.sip.errors import RemoteViolation
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.transaction import Effect, InviteServer, NonInviteServer, Outcome, ServerTransaction, State

if TYPE_CHECKING:  # the layer stands above this module
    from wrtcgw.sip.transaction_layer import TransactionLayer


class ServerRequest:
    """A request that came to us, and its server transaction."""

    __slots__ = ("_layer", "account", "armed", "flow", "key", "merged_key", "request", "to_tag", "transaction")

    def __init__(self, layer: "TransactionLayer", request: Request, flow: int, key: tuple[str, ...]) -> None:
        self._layer = layer
        self.request = request
        self.flow = flow
        self.key = key
        self.merged_key: tuple[str, ...] | None = None
        self.account = ""
        """The key of the account that it is for, once that is known."""
        self.to_tag = ""
        self.armed = ""
        self.transaction: ServerTransaction | None = None

    def start(self) -> None:
        """Begin the transaction; an ACK to a 2xx has none."""
        if self.request.method != "ACK":
            self.transaction = self._new_transaction()
            self._run(self.transaction, self.transaction.start(self._layer.now))

    def _new_transaction(self) -> ServerTransaction:
        kind = InviteServer if self.request.method == "INVITE" else NonInviteServer
        return kind(self.request, self._layer.timers)

    def snapshot(self) -> dict[str, object]:
        """Return plain data for :meth:`restore`; the connection is not in it."""
        transaction = self.transaction
        last = None if transaction is None else transaction.last_response
        return {
            "request": self.request.snapshot(),
            "to_tag": self.to_tag,
            "account": self.account,
            "merges": self.merged_key is not None,
            "state": None if transaction is None else transaction.state.value,
            "last_response": None if last is None else last.snapshot(),
        }

    @classmethod
    def restore(
        cls, layer: "TransactionLayer", data: Mapping[str, Any], flow: int, key: tuple[str, ...]
    ) -> "ServerRequest":
        """
        Return the request that :meth:`snapshot` was taken of; its timers, and its place in the layer, are to come.

        :param flow: the connection that takes the place of its own: responses go there.
        """
        server = cls(layer, Request.restore(data["request"]), flow, key)
        server.to_tag, server.account = data["to_tag"], data["account"]
        if data["state"] is not None:
            server.transaction = server._new_transaction()
            server.transaction.state = State(data["state"])
            if data["last_response"] is not None:
                server.transaction.last_response = Response.restore(data["last_response"])
        return server

    def repeat_final(self) -> None:
        """Send a refusal of an INVITE again, over a new connection: its ACK has not come."""
        transaction = self.transaction
        if transaction is not None and transaction.state is State.COMPLETED and transaction.last_response is not None:
            self._layer.send(self.flow, transaction.last_response, self.account)

    @property
    def account_key(self) -> str:
        """Return the key of the account that it is for, '' for none."""
        return self.account

    @property
    def answered(self) -> bool:
        """Return whether a final response was given."""
        return self.transaction is None or self.transaction.final_sent

    def response(self, status: int, reason: str | None = None) -> Response:
        """Build a response; its To tag is that of the dialog, or one of its own (:rfc:`3261#section-8.2.6.2`)."""
        if not self.to_tag and status > 100:
            self.to_tag = self._layer.tokens.token(64)
        return self.request.response(status, reason, self.to_tag)

    def respond(self, status: int, reason: str | None = None, *headers: tuple[str, str]) -> None:
        """Send a response without a body."""
        response = self.response(status, reason)
        for name, value in headers:
            response.headers.add(name, value)
        self.send(response)

    def send(self, response: Response) -> None:
        """Hand a response to the transaction."""
        transaction = self.transaction
        if transaction is not None:
            self._run(transaction, transaction.respond(response, self._layer.now))

    def forget_bodies(self) -> None:
        """
        Keep no longer what the request and the last response had to say beside their header fields.

        The transaction of an INVITE that was accepted stays 32 s, in memory and in the store, and repeats nothing.
        """
        last = None if self.transaction is None else self.transaction.last_response
        self.request.body = ""
        if last is not None:
            last.body = ""

    def receive(self, request: Request) -> bool:
        """Feed a retransmission or an ACK; True when it is an ACK for the transaction user."""
        transaction = self.transaction
        if transaction is None:
            return False
        outcomes = transaction.receive(request, self._layer.now)
        self._run(transaction, outcomes)
        return any(effect is Effect.PASS_UP for effect, _ in outcomes)

    def on_timer(self, name: str) -> None:
        """Feed a timer of the transaction, by its letter."""
        self.armed = ""
        transaction = self.transaction
        if transaction is not None:
            self._run(transaction, transaction.timer(name, self._layer.now))

    def _run(self, transaction: ServerTransaction, outcomes: list[Outcome]) -> None:
        self._layer.sync_timers(self, transaction)
        if transaction.terminated:
            self._layer.drop_server(self)
            self.transaction = None
        for effect, message in outcomes:
            if effect is Effect.SEND:
                self._layer.send(self.flow, message, self.account)


def refuse(server: ServerRequest, violation: RemoteViolation) -> None:
    """Answer a request that broke the rules with the status its violation names; an ACK is never answered."""
    if server.request.method != "ACK" and not server.answered:
        server.respond(violation.status_hint or 400)
