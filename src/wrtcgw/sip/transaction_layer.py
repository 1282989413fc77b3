"""
The transaction layer (:rfc:`3261#section-17`): matches messages to transactions and runs their timers.

Above it, transaction users see requests and responses only: a time-out or a lost connection reaches them as a
:class:`LocalResponse` (:rfc:`3261#section-8.1.3.1`), and a challenge is answered before they hear of it
(:rfc:`3261#section-22.2`).
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from attrs import define

from wrtcgw.sip.client_request import LIMIT, ClientRequest, LocalResponse, RequestUser, Use
from wrtcgw.sip.deadlines import Deadlines, TimerOwner
from wrtcgw.sip.dialog import Dialog
from wrtcgw.sip.digest import Authenticator
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.outputs import Output, PeerFault, Send
from wrtcgw.sip.server_request import ServerRequest, refuse
from wrtcgw.sip.settings import UASettings
from wrtcgw.sip.timers import Timers
from wrtcgw.sip.tokens import TokenSource
from wrtcgw.sip.transaction import ClientTransaction, ServerTransaction

__all__ = ["ClientRequest", "LocalResponse", "RequestUser", "ServerRequest", "TransactionLayer", "Use", "refuse"]

Kind = TypeVar("Kind")

MAGIC_COOKIE = "z9hG4bK"
"""Start of each branch made by :rfc:`3261#section-8.1.1.7`."""


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
        self.touched: set[str] = set()
        """Keys of the accounts whose state may have changed since this was emptied last."""
        self.deadlines = Deadlines()
        self._flows: dict[int, Flow] = {}
        self._clients: dict[tuple[str, str], ClientRequest] = {}
        self._servers: dict[tuple[str, ...], ServerRequest] = {}
        self._merged: dict[tuple[str, ...], ServerRequest] = {}
        self._clients_of: dict[str, dict[ClientRequest, None]] = {}
        self._servers_of: dict[str, dict[ServerRequest, None]] = {}
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
        """Return whether the connection of that flow is up."""
        flow = self._flows.get(number)
        return flow is not None and flow.connected

    def disconnected(self, number: int) -> None:
        """Tell each client transaction of the flow that its request is lost (:rfc:`3261#section-17.1.4`)."""
        self.flow(number).connected = False
        for client in [client for client in self._clients.values() if client.flow == number]:
            self.touched.add(client.account_key)
            client.transport_error()

    def repeat_finals(self, number: int) -> None:
        """Send each refusal of an INVITE that has no ACK yet again over a new connection: it may have been lost."""
        for server in [server for server in self._servers.values() if server.flow == number]:
            server.repeat_final()

    def send(self, flow: int, message: Request | Response, account: str) -> bool:
        """
        Put ``message`` out on ``flow``; False when its connection is down.

        :param account: the key of whose it is, '' where it is nobody's.
        """
        if not self.is_connected(flow):
            return False
        self.outputs.append(Send(flow, message.to_text(), account))
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

    def sync_timers(
        self, owner: ClientRequest | ServerRequest, transaction: ClientTransaction | ServerTransaction
    ) -> None:
        """Arm what the transaction waits for now; on a reliable transport that is one timer at most."""
        letter = next(iter(transaction.deadlines), "")
        if letter == owner.armed:
            return
        if owner.armed:
            self.disarm(owner, owner.armed)
        if letter:
            self.deadlines.set(owner, letter, transaction.deadlines[letter])
        owner.armed = letter

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
        user: RequestUser,
        use: Use,
        *,
        authenticator: Authenticator | None = None,
        limit: float = 0.0,
        ticket: int = 0,
        dialog: Dialog | None = None,
    ) -> ClientRequest:
        """
        Send ``request`` in a transaction of its own; its Via is added here.

        :param user: gets the responses, unless ``use`` says that they make no difference.
        :param authenticator: answers challenges.
        :param limit: seconds after which a request other than INVITE is given up, if not 64·T1.
        :param ticket: the number by which the user of the core knows the request.
        :param dialog: gives the CSeq number of a retry that answers a challenge; without one the user does.
        """
        client = ClientRequest(
            self, request, flow, user, use, authenticator=authenticator, limit=limit, ticket=ticket, dialog=dialog
        )
        client.send()
        return client

    def add_client(self, branch: str, method: str, client: ClientRequest) -> None:
        """Let responses with that branch and CSeq method reach ``client``."""
        self._clients[branch, method] = client
        self._clients_of.setdefault(client.user.account.key, {})[client] = None

    def drop_client(self, branch: str, method: str) -> None:
        """Forget an ended client transaction."""
        client = self._clients.pop((branch, method), None)
        if client is not None:
            _drop(self._clients_of, client.user.account.key, client)

    def clients_of(self, key: str) -> list[ClientRequest]:
        """Return the requests of an account that have a transaction, oldest first."""
        return list(self._clients_of.get(key, ()))

    def receive_response(self, flow: int, response: Response) -> bool:
        """Match a response to its client transaction (:rfc:`3261#section-17.1.3`); False when there is none."""
        client = self._clients.get((response.via.branch, response.cseq.method))
        if client is not None:
            self.touched.add(client.account_key)
            client.receive(response)
        return client is not None

    # -- server side

    def receive_request(self, flow: int, request: Request) -> ServerRequest | None:
        """
        Match a request to its server transaction (:rfc:`3261#section-17.2.3`).

        :returns: a new one for the transaction user; None when an existing transaction has taken the request.
        """
        key = _server_key(request)
        known = self._servers.get(key)
        if known is not None:
            self.touched.add(known.account)
        if known is not None and not known.receive(request):
            return None
        server = ServerRequest(self, request, flow, key)
        server.start()
        if request.method == "ACK":
            return server
        self._servers[key] = server
        if request.method != "CANCEL" and not request.to_tag:
            merged = _merged_key(request)
            if merged in self._merged:
                server.respond(482)  # a second way to us: RFC 3261 section 8.2.2.2
                return None
            self._merged[merged] = server
            server.merged_key = merged
        return server

    def find_invite(self, cancel: Request) -> ServerRequest | None:
        """Return the INVITE that a CANCEL is for (:rfc:`3261#section-9.2`)."""
        return self._servers.get(_server_key(cancel, "INVITE"))

    def claim(self, server: ServerRequest, account: str) -> None:
        """Note whose request it is that has come."""
        self.touched.add(account)
        if server.transaction is not None:
            server.account = account
            self._servers_of.setdefault(account, {})[server] = None

    def servers_of(self, key: str) -> list[ServerRequest]:
        """Return the requests to an account that have a transaction, oldest first."""
        return list(self._servers_of.get(key, ()))

    def restored_server(self, data: Mapping[str, Any], flow: int) -> ServerRequest:
        """Return a request to us that was stored; :meth:`put_back` lets messages reach it."""
        request = Request.restore(data["request"])
        server = ServerRequest.restore(self, data, flow, _server_key(request))
        if data["merges"]:
            server.merged_key = _merged_key(request)
        return server

    def put_back(self, clients: Iterable[ClientRequest], servers: Iterable[ServerRequest]) -> None:
        """Let messages reach restored requests; those whose transaction has ended are left out."""
        for client in clients:
            if client.transaction is not None:
                self.add_client(client.transaction.branch, client.request.method, client)
        for server in servers:
            if server.transaction is not None:
                self._servers[server.key] = server
                if server.account:
                    self.claim(server, server.account)
                if server.merged_key is not None:
                    self._merged[server.merged_key] = server

    def restore_timer(self, owner: TimerOwner, name: str, when: float) -> None:
        """Arm a stored deadline; that of a transaction is known to the transaction too."""
        if isinstance(owner, ClientRequest | ServerRequest) and owner.transaction is not None and name != LIMIT:
            owner.armed = name
            owner.transaction.deadlines = {name: when}
        self.deadlines.set(owner, name, when)

    def abandon(self, key: str) -> None:
        """Forget all transactions and deadlines of an account; nothing is sent, and nobody is told."""
        for client in self.clients_of(key):
            if client.transaction is not None:
                self.drop_client(client.transaction.branch, client.request.method)
                client.transaction = None
        for server in self.servers_of(key):
            self.drop_server(server)
            server.transaction = None
        self.deadlines.clear_account(key)
        self.touched.discard(key)

    def drop_server(self, server: ServerRequest) -> None:
        """Forget an ended server transaction."""
        self._servers.pop(server.key, None)
        _drop(self._servers_of, server.account, server)
        if server.merged_key is not None:
            self._merged.pop(server.merged_key, None)


def _merged_key(request: Request) -> tuple[str, ...]:
    """Return what two requests have in common that are one on two ways (:rfc:`3261#section-8.2.2.2`)."""
    return request.call_id, request.from_tag, request.headers.get("CSeq") or "", request.uri


def _drop(of_accounts: dict[str, dict[Kind, None]], key: str, request: Kind) -> None:
    """Take a request out of those of its account."""
    known = of_accounts.get(key)
    if known is not None:
        known.pop(request, None)
        if not known:
            del of_accounts[key]


def _server_key(request: Request, method: str = "") -> tuple[str, ...]:
    via = request.via
    branch = via.branch
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    if branch.startswith(MAGIC_COOKIE):
        return branch, via.sent_by, method
    # an element of RFC 2543: section 17.2.3 names the fields that stand in for the branch
    return str(via), request.call_id, request.from_tag, str(request.cseq.number), request.uri, method
