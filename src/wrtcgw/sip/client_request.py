"""
A request of a transaction user, from the first try to the response that counts (:rfc:`3261#section-8.1.3`).

Its user hears of one final response, whatever it took: challenges are answered (:rfc:`3261#section-22.2`), a time-out
or a lost connection is told as a :class:`LocalResponse`, and an INVITE that is never answered ends by itself.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, cast

from wrtcgw.sip.dialog import Dialog
from wrtcgw.sip.digest import ANSWERS, Authenticator
from wrtcgw.sip.errors import RemoteViolation
from wrtcgw.sip.headers import Credentials
from wrtcgw.sip.message import Headers, Request, Response
from wrtcgw.sip.outputs import ChallengeIgnored
from wrtcgw.sip.settings import Account
from wrtcgw.sip.transaction import ClientTransaction, Effect, InviteClient, NonInviteClient, Outcome, State
from wrtcgw.sip.unanswerable import no_use_in

if TYPE_CHECKING:  # the layer stands above this module
    from wrtcgw.sip.transaction_layer import TransactionLayer

CHALLENGES = frozenset((401, 407))
MAX_CHALLENGES = 3
"""One for the user agent server, one for a proxy, one for a nonce that went stale on the way."""
LIMIT = "limit"
"""The name of the deadline of an INVITE that has got a provisional response, and of a request whose user waits less
than 64·T1; the others are timer letters."""


class LocalResponse(Response):
    """A final response that no one sent: 408 for a time-out, 503 for a lost connection."""


class Use(Enum):
    """What a request of ours is for: by this its user knows what a response tells of."""

    REGISTER = "register"
    CALL = "call"
    """The INVITE that makes a call."""
    OFFER = "offer"
    """A re-INVITE."""
    REFRESH = "refresh"
    """The UPDATE of a session timer."""
    INFO = "info"
    REFER = "refer"
    BYE = "bye"
    NOTICE = "notice"
    """Its outcome makes no difference: a CANCEL, a PRACK, a NOTIFY, a BYE to a dialog that is forgotten already."""


class RequestUser(Protocol):
    """Whose request it is: a registration, or the leg of a call."""

    account: Account

    def take_response(self, client: "ClientRequest", response: Response) -> None:
        """
        Take a response to a request of its own.

        Each provisional and final one, each further 2xx to an INVITE, and a :class:`LocalResponse` when none comes.
        """

    def next_cseq(self) -> int:
        """Return the CSeq number of a retry that is not inside a dialog."""

    def request_over(self) -> None:
        """Note that nothing more comes for one of its requests."""


class ClientRequest:
    """One request of a transaction user, with its retries for authentication and its CANCEL."""

    __slots__ = (
        "_authenticator",
        "_challenges",
        "_layer",
        "_limit",
        "_provisional",
        "_reasons",
        "_tried",
        "_unwanted",
        "_waiting",
        "ack",
        "armed",
        "dialog",
        "flow",
        "request",
        "ticket",
        "transaction",
        "use",
        "user",
    )

    def __init__(
        self,
        layer: "TransactionLayer",
        request: Request,
        flow: int,
        user: RequestUser,
        use: Use,
        *,
        authenticator: Authenticator | None = None,
        limit: float = 0.0,
        ticket: int = 0,
        dialog: Dialog | None = None,
    ) -> None:
        self._layer = layer
        self._limit = limit
        self.request = request
        self.flow = flow
        self.user = user
        self.use = use
        self.ticket = ticket
        """The number by which the user of the core knows it; 0 for none."""
        self.dialog = dialog
        """The dialog that numbers its retries."""
        self.ack: Request | None = None
        """Of a re-INVITE: the ACK of its 2xx, to be sent again for each further copy of that."""
        self._authenticator = authenticator
        self._challenges = 0
        self._tried = False
        self._provisional = False
        self._waiting = False
        self._unwanted = False
        self._reasons: tuple[str, ...] = ()
        self.armed = ""
        self.transaction: ClientTransaction | None = None

    @property
    def account_key(self) -> str:
        """Return the key of the account whose request it is."""
        return self.user.account.key

    def snapshot(self, dialog: int | None) -> dict[str, object]:
        """
        Return plain data for :meth:`restore`; credentials are not in it, nor the challenges that they answer.

        :param dialog: what stands for its dialog.
        """
        return {
            "request": self.request.snapshot(),
            "use": self.use.value,
            "ticket": self.ticket,
            "dialog": dialog,
            "ack": None if self.ack is None else self.ack.snapshot(),
            "limit": self._limit,
            "challenges": self._challenges,
            "tried": self._tried,
            "provisional": self._provisional,
            "waiting": self._waiting,
            "unwanted": self._unwanted,
            "reasons": list(self._reasons),
            "authenticates": self._authenticator is not None,
            "state": None if self.transaction is None else self.transaction.state.value,
        }

    @classmethod
    def restore(
        cls,
        layer: "TransactionLayer",
        data: Mapping[str, Any],
        flow: int,
        user: RequestUser,
        *,
        dialog: Dialog | None,
        authenticator: Authenticator,
    ) -> "ClientRequest":
        """
        Return the request that :meth:`snapshot` was taken of; its timers and its place in the layer are still to come.

        :param flow: the connection that takes the place of its own.
        :param authenticator: answers challenges, if the request may still be repeated for one.
        """
        client = cls(
            layer,
            Request.restore(data["request"]),
            flow,
            user,
            Use(data["use"]),
            authenticator=authenticator if data["authenticates"] else None,
            limit=data["limit"],
            ticket=data["ticket"],
            dialog=dialog,
        )
        client.ack = None if data["ack"] is None else Request.restore(data["ack"])
        client._challenges, client._tried = data["challenges"], data["tried"]
        client._provisional, client._waiting = data["provisional"], data["waiting"]
        client._unwanted, client._reasons = data["unwanted"], tuple(data["reasons"])
        if data["state"] is not None:
            client.transaction = client._new_transaction()
            client.transaction.state = State(data["state"])
        return client

    def _new_transaction(self) -> ClientTransaction:
        kind = InviteClient if self.request.method == "INVITE" else NonInviteClient
        return kind(self.request, self._layer.timers)

    def send(self, branch: str = "") -> None:
        """Start the transaction; a connection that is down ends it at once."""
        layer = self._layer
        request = self.request
        self._provisional = False
        self._waiting = True
        branch = layer.add_via(request, self.flow, branch)
        self.transaction = self._new_transaction()
        layer.add_client(branch, request.method, self)
        if self._limit:
            layer.arm(self, LIMIT, self._limit)
        self._run(self.transaction, self.transaction.start(layer.now))
        if not layer.is_connected(self.flow):
            self.transport_error()

    # -- giving up

    def cancel(self, reasons: Iterable[str] = ()) -> None:
        """
        Take an INVITE back (:rfc:`3261#section-9.1`); nothing happens when it has its final response.

        The CANCEL waits for the first provisional response. When no final response follows it in 64·T1 the
        transaction is dropped, and its user hears 408. Challenges are not answered any more.

        :param reasons: Reason values (:rfc:`3326`) of the CANCEL.
        """
        if not self._waiting or self._unwanted:
            return
        self._reasons = tuple(reasons)
        self._unwanted = True
        self._authenticator = None
        if self._provisional:
            self._send_cancel()

    def _send_cancel(self) -> None:
        self._layer.arm(self, LIMIT, 64 * self._layer.timers.t1)
        self.send_cancel()

    def send_cancel(self) -> None:
        """Send the CANCEL: same branch, Route, From, To and CSeq number as the INVITE (:rfc:`3261#section-9.1`)."""
        original = self.request
        headers = Headers((("Via", str(original.via)),))
        for route in original.headers.get_all("Route"):
            headers.add("Route", route)
        headers.add("Max-Forwards", "70")
        for name in ("From", "To", "Call-ID"):
            headers.add(name, original.headers.get(name) or "")
        headers.add("CSeq", f"{original.cseq.number} CANCEL")
        for value in self._reasons:
            headers.add("Reason", value)
        cancel = Request("CANCEL", original.uri, headers)
        client = ClientRequest(self._layer, cancel, self.flow, self.user, Use.NOTICE)
        client.send(branch=original.via.branch)

    def expire(self) -> None:
        """Wait no longer than 64·T1 for the final response: the dialog of the request has ended."""
        if self._waiting:
            self._unwanted = True
            self._authenticator = None
            self._layer.arm(self, LIMIT, 64 * self._layer.timers.t1)

    # -- inputs

    def receive(self, response: Response) -> None:
        """
        Feed a response that matches this request.

        :raises RemoteViolation: when something in it is malformed; a final one was acted on for all that.
        """
        transaction = self.transaction
        if transaction is not None:
            self._run(transaction, transaction.receive(response, self._layer.now))

    def transport_error(self) -> None:
        """Tell the transaction that the connection is gone."""
        transaction = self.transaction
        if transaction is not None:
            self._run(transaction, transaction.transport_error(self._layer.now))

    def on_timer(self, name: str) -> None:
        """Feed a timer of the transaction, by its letter, or end a wait that has lasted too long."""
        transaction = self.transaction
        if transaction is None:
            return
        if name != LIMIT:
            self.armed = ""
            self._run(transaction, transaction.timer(name, self._layer.now))
        elif self.request.method == "INVITE" and not self._unwanted:
            self.cancel()
        else:
            self._drop(transaction)
            self._layer.disarm(self, self.armed)
            self.armed = ""
            self._finish(408)
            self.user.request_over()

    # -- outcomes

    def _run(self, transaction: ClientTransaction, outcomes: list[Outcome]) -> None:
        self._layer.sync_timers(self, transaction)
        if transaction.terminated:
            self._drop(transaction)
        for effect, message in outcomes:
            match effect:
                case Effect.SEND:
                    self._layer.send(self.flow, message, self.account_key)
                case Effect.PASS_UP:
                    self._pass_up(cast(Response, message))
                case Effect.TIMEOUT:
                    self._finish(408)
                case _:  # Effect.TRANSPORT_ERROR
                    self._finish(503)
        if self.transaction is None:
            self.user.request_over()

    def _drop(self, transaction: ClientTransaction) -> None:
        self._layer.drop_client(transaction.branch, self.request.method)
        self.transaction = None

    def _finish(self, status: int) -> None:
        self._stop_waiting()
        made = self.request.response(status, None, "")
        self._tell(LocalResponse(made.status, made.reason, made.headers, ""))

    def _tell(self, response: Response) -> None:
        if self.use is not Use.NOTICE:
            self.user.take_response(self, response)

    def _stop_waiting(self) -> None:
        self._waiting = False
        self._layer.disarm(self, LIMIT)

    def _pass_up(self, response: Response) -> None:
        if response.status < 200:
            self._proceed(response)
            return
        self._stop_waiting()
        if response.status in CHALLENGES:
            if self._answer_challenge(response):
                return
            name = "WWW-Authenticate" if response.status == 401 else "Proxy-Authenticate"
            response.note(name, filter(None, [no_use_in(response)]), "not answered")
        self.request.body = ""  # an INVITE stays 32 s for further 2xx, in memory and in the store; ACKs need its fields
        try:
            self._tell(response)
        except RemoteViolation:
            # the response counts, even if what it says besides cannot be read
            self._tell(Response(response.status, response.reason, _skeleton(response)))
            raise

    def _proceed(self, response: Response) -> None:
        """Take a provisional response: from the first one on an INVITE can be cancelled, and has a time limit."""
        if not self._provisional:
            self._provisional = True
            if self.request.method == "INVITE":
                self._layer.arm(self, LIMIT, self._layer.settings.ring_timeout)
                if self._unwanted:
                    self._send_cancel()
        self._tell(response)

    def _answer_challenge(self, response: Response) -> bool:
        """Send the request again with credentials (:rfc:`3261#section-22.2`); False when there is no use in it."""
        request = self.request
        self._challenges += 1
        if self._authenticator is None or self._challenges > MAX_CHALLENGES:
            return False
        authenticator, carried = self._authenticator, _carried(request)
        fields = authenticator.answer(response, request.method, request.uri, request.body, self._tried, carried)
        for objection in authenticator.objections:
            self._layer.outputs.append(ChallengeIgnored(authenticator.username, request.method, objection))
        if fields is None:
            return False
        retry = Request(request.method, request.uri, request.headers.copy(), request.body)
        for name, _ in fields:
            retry.headers.remove(name)
        for name, value in fields:
            retry.headers.add(name, value)
        number = self.user.next_cseq() if self.dialog is None else self.dialog.next_cseq()
        retry.headers.set("CSeq", f"{number} {request.method}")
        self.request = retry
        self._tried = True
        self.send()
        return True


def _carried(request: Request) -> list[tuple[str, str]]:
    """Return header field and realm of the credentials that a request has."""
    values = [(name, value) for name in ANSWERS.values() for value in request.headers.get_all(name)]
    return [(name, Credentials.parse(value).params["realm"]) for name, value in values]


def _skeleton(response: Response) -> Headers:
    """Return the fields that the parser has read already (:rfc:`3261#section-8.2.6.2`)."""
    kept = ("via", "from", "to", "call-id", "cseq")
    return Headers.from_fields([field for field in response.headers.fields() if field[0] in kept])
