"""
Requests from outside: what they are checked for and whom they reach (:rfc:`3261#section-8.2`).

The order is that of the RFC: transaction, method, header (Request-URI, Require), content, then the usage.
"""

from collections.abc import Callable, Mapping

from wrtcgw.sip.errors import RemoteViolation
from wrtcgw.sip.headers import Event, Replaces
from wrtcgw.sip.headers.liberal import tokens
from wrtcgw.sip.message import Request
from wrtcgw.sip.outputs import InviteRefused
from wrtcgw.sip.settings import ALLOW, ALLOW_EVENTS, Account
from wrtcgw.sip.transaction_layer import ServerRequest, refuse
from wrtcgw.sip.usages.incoming import IncomingLeg
from wrtcgw.sip.usages.leg import Leg, LegState
from wrtcgw.sip.usages.message_method import receive_text
from wrtcgw.sip.user_agent import UserAgent

EXTENSIONS = frozenset(("100rel", "timer", "replaces", "outbound", "path", "gruu", "norefersub"))
"""Option tags that a Require field may name (:rfc:`3261#section-8.2.2.3`)."""
METHODS = frozenset(ALLOW.replace(",", "").split())
OFFERING = frozenset(("INVITE", "UPDATE"))
"""Methods whose body is a description."""


OVER = frozenset((LegState.CANCELLING, LegState.CLOSING, LegState.ENDING))
"""States of a leg that is still there but not wanted any more."""


class Inbound:
    """Takes each request of a peer to its transaction, its leg or its account."""

    def __init__(self, ua: UserAgent, legs: Mapping[str, Leg], on_new_leg: Callable[[IncomingLeg], None]) -> None:
        self._ua = ua
        self._legs = legs
        self._on_new_leg = on_new_leg
        self._mark = ""
        """What the tags of refusals begin with of which nothing is kept; nobody else can know it before."""

    def receive(self, flow: int, request: Request) -> None:
        """
        Take one request.

        :raises RemoteViolation: for what cannot be answered; what can be, is answered here.
        """
        if request.method == "INVITE" and self._refused_at_once(flow, request):
            return
        server = self._ua.layer.receive_request(flow, request)
        if server is None:
            return
        try:
            self._route(server)
        except RemoteViolation as violation:
            refuse(server, violation)
            raise

    def _refused_at_once(self, flow: int, request: Request) -> bool:
        """
        Refuse a new call that the user of the core does not want to hear of, without a transaction.

        Nothing is kept of it (:rfc:`3261#section-8.2.7`): no INVITE comes twice over a WebSocket, and its ACK is for
        nobody. What cannot be read goes the usual way, which tells the peer what is wrong.
        """
        ua = self._ua
        if "Replaces" in request.headers or ua.layer.find_invite(request) is not None:
            return False
        try:
            user, in_dialog = request.request_uri.user, request.to_tag
        except RemoteViolation:
            return False
        account = ua.accounts.get(user or "")
        status = 0 if in_dialog else ua.screen("" if account is None else account.key, request)
        if status:
            ua.emit(InviteRefused("" if account is None else account.key, request.call_id, status))
            self._mark = self._mark or ua.tokens.token(64)
            ua.layer.send(flow, request.response(status, None, f"{self._mark}{ua.tokens.token(64)}"), "")
        return bool(status)

    def is_for_nobody(self, text: str) -> bool:
        """Return whether a message is the ACK of a refusal of which nothing was kept: it need not be read."""
        return text.startswith("ACK ") and bool(self._mark) and f";tag={self._mark}" in text

    def _route(self, server: ServerRequest) -> None:
        request = server.request
        if "Replaces" in request.headers and request.method != "INVITE":
            raise RemoteViolation(400, f"Replaces in {request.method}")  # RFC 3891 section 3
        if request.method == "CANCEL":
            self._cancel(server)
        elif request.to_tag:
            self._in_dialog(server)
        elif request.method != "ACK":
            self._out_of_dialog(server)

    def _cancel(self, server: ServerRequest) -> None:
        """Take a CANCEL (:rfc:`3261#section-9.2`): answered by itself; the INVITE, if still open, gets 487."""
        invite = self._ua.layer.find_invite(server.request)
        if invite is None:
            server.respond(481)
            return
        server.to_tag = invite.to_tag
        server.respond(200)
        found = self._ua.find_dialog(invite.request.call_id, invite.to_tag, invite.request.from_tag)
        leg = self._legs.get(found[0].id) if found is not None else None
        if leg is not None:
            self._ua.layer.touched.add(leg.account_key)
            leg.receive_cancel(invite, server.request)

    def _in_dialog(self, server: ServerRequest) -> None:
        """Take a request inside a dialog (:rfc:`3261#section-12.2.2`)."""
        request = server.request
        found = self._ua.find_dialog(request.call_id, request.to_tag, request.from_tag)
        if request.method == "ACK":
            if found is not None:
                self._ua.layer.touched.add(found[0].account.key)
                found[0].receive_ack(request, found[1])
            return
        server.to_tag = request.to_tag
        if found is not None:
            self._ua.layer.claim(server, found[0].account.key)
        if found is None:
            self._unknown_dialog(server)
        elif not self._extensions_known(server):
            return
        elif not found[1].in_order(request):
            server.respond(500, "CSeq Out Of Order")
        elif request.method not in OFFERING or self._content_known(server):
            if self._ua.settings.dialogs_follow:
                found[0].flow = found[1].flow = server.flow
            found[0].receive_request(server, found[1])

    def _unknown_dialog(self, server: ServerRequest) -> None:
        """
        Answer a request of a dialog that is not here.

        Of one that another process goes on with, the peer is asked to wait until it has heard of it; 481 would end it.
        """
        request = server.request
        if request.method != "BYE" and self._ua.is_abandoned(request.call_id, request.to_tag, request.from_tag):
            server.respond(500, None, ("Retry-After", "2"))
        else:
            server.respond(481)

    def _out_of_dialog(self, server: ServerRequest) -> None:
        request = server.request
        if request.method not in METHODS:
            server.respond(405, None, ("Allow", ALLOW))
            return
        uri = request.request_uri
        if uri.scheme not in ("sip", "sips"):
            server.respond(416)
            return
        account = self._ua.accounts.get(uri.user or "")
        if account is None:
            server.respond(404)
        elif self._extensions_known(server):
            self._to_account(server, account)

    def _extensions_known(self, server: ServerRequest) -> bool:
        """Answer 420 to an extension that we do not have (:rfc:`3261#section-8.2.2.3`)."""
        if "Require" not in server.request.headers:
            return True
        unknown = [tag for tag in tokens(server.request.headers.get_all("Require")) if tag.lower() not in EXTENSIONS]
        if unknown:
            server.respond(420, None, ("Unsupported", ", ".join(unknown)))
        return not unknown

    def _to_account(self, server: ServerRequest, account: Account) -> None:
        self._ua.layer.claim(server, account.key)
        match server.request.method:
            case "INVITE":
                self._invite(server, account)
            case "OPTIONS":
                self._options(server, account)
            case "MESSAGE":
                receive_text(self._ua, account, server)
            case "NOTIFY":
                self._notify(server)
            case "REFER":
                server.respond(403)  # a call is transferred by its peer, inside its dialog
            case _:
                server.respond(481)  # BYE, INFO, UPDATE, PRACK have a meaning in a dialog only

    def _options(self, server: ServerRequest, account: Account) -> None:
        """Tell what we can do (:rfc:`3261#section-11.2`)."""
        response = server.response(200)
        response.headers.add("Contact", self._ua.contact(account))
        response.headers.add("Accept", "application/sdp")
        self._ua.capabilities(response.headers)
        server.send(response)

    def _notify(self, server: ServerRequest) -> None:
        """
        Take a NOTIFY that no one subscribed to.

        Message waiting and the like are common and harmless: 200 spares the peer its repetition.
        """
        if "Event" not in server.request.headers:
            server.respond(489, None, ("Allow-Events", ALLOW_EVENTS))
            return
        event = server.request.read("Event", Event)
        if event is None:
            raise RemoteViolation(400, "an Event that cannot be read")
        server.respond(481 if event.package in ("talk", "hold", "refer") else 200)

    def _invite(self, server: ServerRequest, account: Account) -> None:
        if not self._content_known(server):
            return
        replaced: Leg | None = None
        if "Replaces" in server.request.headers:
            replaced = self._replaced(server, account)
            if replaced is None:
                return
        leg = IncomingLeg(self._ua, account, self._ua.tokens.token(96), server)
        if leg.start(replaced):
            self._on_new_leg(leg)

    def _content_known(self, server: ServerRequest) -> bool:
        """Answer 415 to a body that we cannot read and that is not optional (:rfc:`3261#section-8.2.3`)."""
        request = server.request
        disposition = "".join((request.headers.get("Content-Disposition") or "").lower().split()).replace('"', "")
        if not request.body or "handling=optional" in disposition:
            return True
        encodings = tokens(request.headers.get_all("Content-Encoding"))
        if any(encoding.lower() != "identity" for encoding in encodings):
            server.respond(415, None, ("Accept-Encoding", "identity"))
            return False
        if request.sdp() is None:
            server.respond(415, None, ("Accept", "application/sdp"))
            return False
        return True

    def _replaced(self, server: ServerRequest, account: Account) -> Leg | None:
        """Find the leg that the INVITE replaces; None when it was refused (:rfc:`3891#section-3`)."""
        values = server.request.headers.get_all("Replaces")
        if len(values) != 1:
            raise RemoteViolation(400, f"expected one Replaces, found {len(values)}")
        replaces = server.request.read("Replaces", Replaces)
        if replaces is None:
            raise RemoteViolation(400, "a Replaces that cannot be read")
        found = self._ua.find_dialog(replaces.call_id, replaces.to_tag, replaces.from_tag)
        leg = self._legs.get(found[0].id) if found is not None else None
        if leg is not None and leg.account.key != account.key and not self._ua.settings.replaces_across_accounts:
            leg = None
        if leg is None or leg.state is LegState.RINGING:
            server.respond(481)
        elif leg.state in OVER:
            server.respond(603)
        elif replaces.early_only and leg.has_confirmed_dialog:
            server.respond(486)
        else:
            return leg
        return None
