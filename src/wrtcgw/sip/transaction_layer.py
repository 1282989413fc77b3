"""
The transaction layer (:rfc:`3261#section-17`): matches messages to transactions and runs their timers.

Above it, transaction users see requests and responses only: a time-out or a lost connection reaches them as a
:class:`LocalResponse` (:rfc:`3261#section-8.1.3.1`), and a challenge is answered before they hear of it
(:rfc:`3261#section-22.2`).
"""

from collections.abc import Callable
from typing import cast

from attrs import define

from wrtcgw.sip.deadlines import Deadlines, TimerOwner
from wrtcgw.sip.digest import Authenticator
from wrtcgw.sip.errors import RemoteViolation
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.outputs import Output, PeerFault, Send
from wrtcgw.sip.settings import UASettings
from wrtcgw.sip.timers import Timers
from wrtcgw.sip.tokens import TokenSource
from wrtcgw.sip.transaction import (
    ClientTransaction,
    Effect,
    InviteClient,
    InviteServer,
    NonInviteClient,
    NonInviteServer,
    Outcome,
    ServerTransaction,
)

MAGIC_COOKIE = "z9hG4bK"
"""Start of each branch made by :rfc:`3261#section-8.1.1.7`."""
CHALLENGES = frozenset((401, 407))
MAX_CHALLENGES = 3
"""One for the user agent server, one for a proxy, one for a nonce that went stale on the way."""


class LocalResponse(Response):
    """A final response that no one sent: 408 for a time-out, 503 for a lost connection."""


@define
class Flow:
    """One WebSocket connection slot; it keeps its number when the connection is made anew."""

    number: int
    connected: bool = False
    via_transport: str = "WS"


class TransactionLayer:
    """All transactions of a user agent, its flows, its deadlines and what it has to put out."""

    def __init__(self, settings: UASettings, timers: Timers, tokens: TokenSource) -> None:
        self.settings = settings
        self.timers = timers
        self.tokens = tokens
        self.now = 0.0
        self.outputs: list[Output] = []
        self.deadlines = Deadlines()
        self._flows: dict[int, Flow] = {}
        self._clients: dict[tuple[str, str], ClientRequest] = {}
        self._servers: dict[tuple[str, ...], ServerRequest] = {}
        self._merged: dict[tuple[str, ...], ServerRequest] = {}
        self._sent_by = f"{settings.instance}.invalid"

    def __len__(self) -> int:
        return len(self._clients) + len(self._servers)

    # -- flows

    def flow(self, number: int) -> Flow:
        """Return the flow of that number, made when it is new."""
        flow = self._flows.get(number)
        if flow is None:
            flow = self._flows[number] = Flow(number)
        return flow

    def is_connected(self, number: int) -> bool:
        """Tell whether the connection of that flow is up."""
        flow = self._flows.get(number)
        return flow is not None and flow.connected

    def disconnected(self, number: int) -> None:
        """Tell each client transaction of the flow that its request is lost (:rfc:`3261#section-17.1.4`)."""
        self.flow(number).connected = False
        for client in [client for client in self._clients.values() if client.flow == number]:
            client.transport_error()

    def send(self, flow: int, message: Request | Response) -> bool:
        """Put ``message`` out on ``flow``; False when its connection is down."""
        if not self.is_connected(flow):
            return False
        self.outputs.append(Send(flow, message.to_text()))
        return True

    def fault(self, flow: int, detail: str) -> None:
        """Report something that a peer did wrong."""
        self.outputs.append(PeerFault(flow, detail))

    # -- time

    def arm(self, owner: TimerOwner, name: str, delay: float) -> None:
        """Let ``owner.on_timer(name)`` be called in ``delay`` seconds."""
        self.deadlines.set(owner, name, self.now + delay)

    def disarm(self, owner: TimerOwner, name: str) -> None:
        """Forget that deadline."""
        self.deadlines.clear(owner, name)

    # -- client side

    def add_via(self, request: Request, flow: int, branch: str = "") -> str:
        """Put our Via on top of ``request`` (:rfc:`7118#section-5.2.1`); return its branch."""
        branch = branch or MAGIC_COOKIE + self.tokens.token()
        transport = self.flow(flow).via_transport
        request.headers.remove("Via")
        request.headers.prepend("Via", f"SIP/2.0/{transport} {self._sent_by};branch={branch}")
        return branch

    def request(
        self,
        request: Request,
        flow: int,
        on_response: Callable[[Response], None],
        next_cseq: Callable[[], int],
        authenticator: Authenticator | None = None,
    ) -> "ClientRequest":
        """
        Send ``request`` in a transaction of its own; its Via is added here.

        :param on_response: gets each provisional and final response, each further 2xx to an INVITE, and a
            :class:`LocalResponse` when none comes.
        :param next_cseq: gives the CSeq number of a retry that answers a challenge.
        """
        client = ClientRequest(self, request, flow, on_response, next_cseq, authenticator)
        client.send()
        return client

    def cancel(self, invite: "ClientRequest") -> None:
        """Send the CANCEL of a pending INVITE (:rfc:`3261#section-9.1`): same branch, Route, From, To, CSeq number."""
        original = invite.request
        headers = type(original.headers)((("Via", original.headers.get("Via") or ""),))
        for route in original.headers.get_all("Route"):
            headers.add("Route", route)
        headers.add("Max-Forwards", "70")
        for name in ("From", "To", "Call-ID"):
            headers.add(name, original.headers.get(name) or "")
        headers.add("CSeq", f"{original.cseq.number} CANCEL")
        cancel = Request("CANCEL", original.uri, headers)
        client = ClientRequest(self, cancel, invite.flow, lambda response: None, lambda: 0, None)
        client.send(branch=original.via.branch)

    def add_client(self, branch: str, method: str, client: "ClientRequest") -> None:
        """Let responses with that branch and CSeq method reach ``client``."""
        self._clients[branch, method] = client

    def drop_client(self, branch: str, method: str) -> None:
        """Forget an ended client transaction."""
        self._clients.pop((branch, method), None)

    def receive_response(self, flow: int, response: Response) -> None:
        """Match a response to its client transaction (:rfc:`3261#section-17.1.3`), or drop it."""
        client = self._clients.get((response.via.branch, response.cseq.method))
        if client is None:
            self.fault(flow, f"response {response.status} to no request of ours")
            return
        client.receive(response)

    # -- server side

    def receive_request(self, flow: int, request: Request) -> "ServerRequest | None":
        """
        Match a request to its server transaction (:rfc:`3261#section-17.2.3`).

        :returns: a new one for the transaction user; None when an existing transaction has taken the request.
        """
        key = _server_key(request)
        known = self._servers.get(key)
        if known is not None and not known.receive(request):
            return None
        server = ServerRequest(self, request, flow, key)
        if request.method == "ACK":
            return server
        self._servers[key] = server
        if request.method != "CANCEL" and not request.to_tag:
            merged = (request.call_id, request.from_tag, request.headers.get("CSeq") or "", request.uri)
            if merged in self._merged:
                server.respond(482)  # a second way to us: RFC 3261 section 8.2.2.2
                return None
            self._merged[merged] = server
            server.merged_key = merged
        return server

    def find_invite(self, cancel: Request) -> "ServerRequest | None":
        """Return the INVITE that a CANCEL is for (:rfc:`3261#section-9.2`)."""
        return self._servers.get(_server_key(cancel, "INVITE"))

    def drop_server(self, server: "ServerRequest") -> None:
        """Forget an ended server transaction."""
        self._servers.pop(server.key, None)
        if server.merged_key is not None:
            self._merged.pop(server.merged_key, None)


def _server_key(request: Request, method: str = "") -> tuple[str, ...]:
    via = request.via
    branch = via.branch
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    if branch.startswith(MAGIC_COOKIE):
        return branch, via.sent_by, method
    # an element of RFC 2543: section 17.2.3 names the fields that stand in for the branch
    return str(via), request.call_id, request.from_tag, str(request.cseq.number), request.uri, method


class ClientRequest:
    """One request of a transaction user, with its retries for authentication."""

    __slots__ = (
        "_authenticator",
        "_challenges",
        "_layer",
        "_next_cseq",
        "_on_response",
        "_tried",
        "armed",
        "flow",
        "provisional",
        "request",
        "transaction",
    )

    def __init__(
        self,
        layer: TransactionLayer,
        request: Request,
        flow: int,
        on_response: Callable[[Response], None],
        next_cseq: Callable[[], int],
        authenticator: Authenticator | None,
    ) -> None:
        self._layer = layer
        self.request = request
        self.flow = flow
        self._on_response = on_response
        self._next_cseq = next_cseq
        self._authenticator = authenticator
        self._challenges = 0
        self._tried = False
        self.armed = ""
        self.provisional = False
        self.transaction: ClientTransaction | None = None

    @property
    def pending(self) -> bool:
        """Tell whether no final response has come yet."""
        return self.transaction is not None

    def send(self, branch: str = "") -> None:
        """Start the transaction; a connection that is down ends it at once."""
        layer = self._layer
        request = self.request
        self.provisional = False
        branch = layer.add_via(request, self.flow, branch)
        kind = InviteClient if request.method == "INVITE" else NonInviteClient
        self.transaction = kind(request, layer.timers)
        layer.add_client(branch, request.method, self)
        self._run(self.transaction, self.transaction.start(layer.now))
        if not layer.is_connected(self.flow):
            self.transport_error()

    def stop_retrying(self) -> None:
        """Answer no more challenges: the request is not wanted any longer."""
        self._authenticator = None

    def receive(self, response: Response) -> None:
        """Feed a response that matches this request."""
        transaction = self.transaction
        if transaction is not None:
            self._run(transaction, transaction.receive(response, self._layer.now))

    def transport_error(self) -> None:
        """Tell the transaction that the connection is gone."""
        transaction = self.transaction
        if transaction is not None:
            self._run(transaction, transaction.transport_error(self._layer.now))

    def on_timer(self, name: str) -> None:
        """Feed a timer of the transaction, by its letter."""
        self.armed = ""
        transaction = self.transaction
        if transaction is not None:
            self._run(transaction, transaction.timer(name, self._layer.now))

    def _run(self, transaction: ClientTransaction, outcomes: list[Outcome]) -> None:
        _sync_timers(self._layer, self, transaction)
        if transaction.terminated:
            self._layer.drop_client(transaction.branch, self.request.method)
            self.transaction = None
        for effect, message in outcomes:
            match effect:
                case Effect.SEND:
                    self._layer.send(self.flow, message)
                case Effect.PASS_UP:
                    self._pass_up(cast(Response, message))
                case Effect.TIMEOUT:
                    self._on_response(_local(self.request, 408))
                case Effect.TRANSPORT_ERROR:
                    self._on_response(_local(self.request, 503))

    def _pass_up(self, response: Response) -> None:
        if response.status < 200:
            self.provisional = True
        elif response.status in CHALLENGES and self._answer_challenge(response):
            return
        self._on_response(response)

    def _answer_challenge(self, response: Response) -> bool:
        """Send the request again with credentials (:rfc:`3261#section-22.2`); False when there is no use in it."""
        request = self.request
        self._challenges += 1
        if self._authenticator is None or self._challenges > MAX_CHALLENGES:
            return False
        fields = self._authenticator.answer(response, request.method, request.uri, request.body, self._tried)
        if fields is None:
            return False
        retry = Request(request.method, request.uri, request.headers.copy(), request.body)
        for name, _ in fields:
            retry.headers.remove(name)
        for name, value in fields:
            retry.headers.add(name, value)
        retry.headers.set("CSeq", f"{self._next_cseq()} {request.method}")
        self.request = retry
        self._tried = True
        self.send()
        return True


class ServerRequest:
    """A request that came to us, and its server transaction."""

    __slots__ = ("_layer", "armed", "flow", "key", "merged_key", "request", "to_tag", "transaction")

    def __init__(self, layer: TransactionLayer, request: Request, flow: int, key: tuple[str, ...]) -> None:
        self._layer = layer
        self.request = request
        self.flow = flow
        self.key = key
        self.merged_key: tuple[str, ...] | None = None
        self.to_tag = ""
        self.armed = ""
        self.transaction: ServerTransaction | None = None
        if request.method != "ACK":
            kind = InviteServer if request.method == "INVITE" else NonInviteServer
            self.transaction = kind(request, layer.timers)
            self._run(self.transaction, self.transaction.start(layer.now))

    @property
    def answered(self) -> bool:
        """Tell whether a final response was given."""
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
        _sync_timers(self._layer, self, transaction)
        if transaction.terminated:
            self._layer.drop_server(self)
            self.transaction = None
        for effect, message in outcomes:
            if effect is Effect.SEND:
                self._layer.send(self.flow, message)


def _sync_timers(
    layer: TransactionLayer, owner: "ClientRequest | ServerRequest", transaction: ClientTransaction | ServerTransaction
) -> None:
    """Arm what the transaction waits for now; on a reliable transport that is one timer at most."""
    letter = next(iter(transaction.deadlines), "")
    if letter == owner.armed:
        return
    if owner.armed:
        layer.disarm(owner, owner.armed)
    if letter:
        layer.deadlines.set(owner, letter, transaction.deadlines[letter])
    owner.armed = letter


def _local(request: Request, status: int) -> LocalResponse:
    made = request.response(status, None, "")
    return LocalResponse(made.status, made.reason, made.headers, "")


def refuse(server: ServerRequest, violation: RemoteViolation) -> None:
    """Answer a request that broke the rules with the status its violation names; an ACK is never answered."""
    if server.request.method != "ACK" and not server.answered:
        server.respond(violation.status_hint or 400)
