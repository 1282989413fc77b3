"""REFER inside a call and its NOTIFYs (:rfc:`3515`), as the transferor and as the one who is asked to transfer."""

import re
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from wrtcgw.sip.errors import RemoteViolation
from wrtcgw.sip.grammar import check_value
from wrtcgw.sip.headers import Event, Replaces
from wrtcgw.sip.headers.liberal import read, tokens
from wrtcgw.sip.message import REASONS, Request, Response
from wrtcgw.sip.outputs import TransferProgress, TransferRequested
from wrtcgw.sip.parser import parse_fields
from wrtcgw.sip.saving import Restoring, Saving
from wrtcgw.sip.transaction_layer import ClientRequest, ServerRequest, Use
from wrtcgw.sip.uri import URI
from wrtcgw.sip.usages.headers_of_interest import NOTHING, Told, told_by
from wrtcgw.sip.usages.part import PartOf

if TYPE_CHECKING:
    from wrtcgw.sip.usages.leg import Leg

OUTCOME_PATIENCE = 1.5
"""Seconds for which the outcome is waited for when the subscription was terminated without it."""

# RFC 3420 section 2: the status line, whatever stands between its words and before it
_STATUS_LINE = re.compile(r"[\s\ufeff]*SIP/2\.0[ \t]+([1-6][0-9]{2})(?![^\s])([^\r\n]*)", re.IGNORECASE)


class Progress(NamedTuple):
    """What became of the call that the far side made for us, by its last word; code 0: nothing is known."""

    code: int = 0
    reason: str = ""
    told: Told = NOTHING


class Transfer(PartOf["Leg"]):
    """
    A REFER of ours: from its response through the last NOTIFY of the subscription it made.

    :param earlier: the transfer of the same call before this one, whose NOTIFYs may still come.
    """

    def __init__(self, leg: "Leg", ticket: int, earlier: "Transfer | None" = None) -> None:
        super().__init__(leg)
        self.ticket = ticket
        self._client: ClientRequest | None = None
        self._forgotten = earlier.ids if earlier is not None else frozenset()
        self._last = Progress()
        self.active = True

    def let_go(self) -> None:
        """Forget the REFER, when nothing more comes for it; the call is over."""
        if self._client is not None and self._client.transaction is None:
            self._client = None

    def snapshot(self, saving: Saving) -> dict[str, object]:
        """Return plain data for :meth:`restore`."""
        return {
            "ticket": self.ticket,
            "client": saving.clients.of(self._client),
            "forgotten": sorted(self._forgotten),
            "last": list(self._last[:2]),
            "active": self.active,
        }

    @classmethod
    def restore(cls, leg: "Leg", data: Mapping[str, Any], restoring: Restoring) -> "Transfer":
        """Return the transfer that :meth:`snapshot` was taken of; its deadlines are still to come."""
        transfer = cls(leg, data["ticket"])
        transfer._client = restoring.client(data["client"])
        transfer._forgotten = frozenset(data["forgotten"])
        transfer._last, transfer.active = Progress(*data["last"]), data["active"]
        return transfer

    @property
    def account_key(self) -> str:
        """Return the key of the account."""
        return self._leg.account.key

    @property
    def ids(self) -> frozenset[str]:
        """Return what may stand as id in the Event fields of this transfer's NOTIFYs and of those before it."""
        own = {str(self._client.request.cseq.number)} if self._client is not None else set()
        return self._forgotten | own

    def start(self, target: URI, replaces: str) -> None:
        """Send the REFER; ``replaces`` is the escaped header value for Refer-To, or empty (:rfc:`3891#section-6.1`)."""
        leg = self._leg
        uri = str(target)
        if replaces:
            uri += ("&" if target.headers else "?") + f"Replaces={replaces}"
        fields = [("Refer-To", f"<{uri}>"), ("Referred-By", leg.ua.address_of_record(leg.account))]
        self._client = leg.send("REFER", Use.REFER, fields, ticket=self.ticket)

    def answered(self, response: Response) -> None:
        """Take the final response to the REFER."""
        if response.status >= 300:
            self.stop()
        elif self.active:
            self._leg.ua.layer.arm(self, "silent", self._leg.ua.settings.transfer_timeout)

    def receive_notify(self, server: ServerRequest) -> None:
        """
        Take a NOTIFY of the subscription (:rfc:`3515#section-2.4.4`).

        It may overtake the 202. A state that is terminated without a body tells nothing of the transfer: code 0; a
        body that tells nothing while the state is active is not passed up. One that is terminated without the outcome
        may be followed by another NOTIFY, or by the BYE: they are waited for.

        An id (:rfc:`3515#section-2.4.6`) that belongs to an earlier REFER of ours means that one; any other is let
        pass, since back-to-back user agents forward ids whose CSeq numbers they have changed.
        """
        server.respond(200)
        headers = server.request.headers
        event = server.request.read("Event", Event)
        ident = event.param("id") if event is not None else None
        leg = self._leg
        if not self.active or ident in self._forgotten:
            return
        heard = _progress(server.request)
        state = next(iter(tokens([(headers.get("Subscription-State") or "").lower()])), "")
        if state == "terminated" and heard.code < 200:
            self._last = heard if heard.code else self._last
            leg.ua.layer.disarm(self, "silent")
            leg.ua.layer.arm(self, "outcome", OUTCOME_PATIENCE)
        else:
            self._last = heard
            self._progress(heard, final=heard.code >= 200)

    def on_timer(self, name: str) -> None:
        """Give up on a far side that says no more: ``outcome`` after a NOTIFY that was to be the last."""
        if name == "outcome":
            self._progress(self._last, final=True)
        else:
            self._progress(Progress(408, "no NOTIFY came"), final=True)

    def stop(self) -> None:
        """Forget the subscription: the dialog is over."""
        self.active = False
        for name in ("silent", "outcome"):
            self._leg.ua.layer.disarm(self, name)

    def _progress(self, heard: Progress, *, final: bool) -> None:
        leg = self._leg
        if final:
            self.stop()
        else:
            leg.ua.layer.disarm(self, "outcome")
            leg.ua.layer.arm(self, "silent", leg.ua.settings.transfer_timeout)
        if heard.code or final:
            leg.ua.emit(TransferProgress(leg.id, heard.code, heard.reason, final, *heard.told))


class SubscriptionState(Enum):
    """How far a REFER that came to us has got."""

    OPEN = "open"
    """It has no answer yet."""
    ACTIVE = "active"
    """It was accepted; the transferor is told how the transfer is getting on."""
    OVER = "over"


class TransferRequest(PartOf["Leg"]):
    """
    A REFER that came to us: the answer, and the NOTIFYs that we owe for it (:rfc:`3515#section-2.4.4`).

    :param first: whether it is the first one of its dialog; the NOTIFYs of others carry an id.
    """

    def __init__(self, leg: "Leg", server: ServerRequest, *, first: bool = True) -> None:
        super().__init__(leg)
        self._server = server
        self._event = "refer" if first else f"refer;id={server.request.cseq.number}"
        self._state = SubscriptionState.OPEN

    def snapshot(self, saving: Saving) -> dict[str, object]:
        """Return plain data for :meth:`restore`."""
        return {"server": saving.servers.of(self._server), "event": self._event, "state": self._state.value}

    @classmethod
    def restore(cls, leg: "Leg", data: Mapping[str, Any], restoring: Restoring) -> "TransferRequest":
        """Return the request that :meth:`snapshot` was taken of."""
        request = cls(leg, restoring.servers[data["server"]])
        request._event, request._state = data["event"], SubscriptionState(data["state"])
        return request

    def announce(self) -> None:
        """
        Ask the user of the core what to do.

        :raises RemoteViolation: 400 unless there is exactly one Refer-To (:rfc:`3515#section-2.4.2`), and readable.
        """
        leg = self._leg
        values = self._server.request.headers.get_all("Refer-To")
        if len(values) != 1:
            raise RemoteViolation(400, f"expected one Refer-To, found {len(values)}")
        refer_to = self._server.request.read_uri_field("Refer-To")
        target = refer_to.uri
        replaces = target.header("replaces")
        leg.ua.emit(
            TransferRequested(
                leg=leg.id,
                target=target.without_headers(),
                replaces=self._find(replaces) if replaces else None,
                replaces_value=replaces or "",
                referred_by=self._server.request.headers.get("Referred-By") or "",
            )
        )

    def _find(self, value: str) -> str | None:
        replaces = read(Replaces, value, [])
        if replaces is None:
            raise RemoteViolation(400, f"malformed Replaces in Refer-To: {value[:80]!r}")
        found = self._leg.ua.find_dialog(replaces.call_id, replaces.to_tag, replaces.from_tag)
        return found[0].id if found else None

    @property
    def open(self) -> bool:
        """Return whether the REFER has no answer yet."""
        return self._state is SubscriptionState.OPEN

    def accept(self) -> None:
        """Answer 202 and send the first NOTIFY at once; nothing happens when the REFER has its answer."""
        if self._answer(202, ("Contact", self._leg.ua.contact(self._leg.account))):
            self._state = SubscriptionState.ACTIVE
            self.notify(100, "Trying")

    def reject(self, code: int) -> None:
        """Answer with a final refusal; nothing happens when the REFER has its answer."""
        self._answer(code)

    def _answer(self, code: int, *fields: tuple[str, str]) -> bool:
        if self._state is not SubscriptionState.OPEN:
            return False
        self._state = SubscriptionState.OVER
        self._server.respond(code, None, *fields)
        return True

    def stop(self) -> None:
        """Answer a REFER that is still open: its dialog has ended (:rfc:`3261#section-15.1.2`)."""
        self._answer(487)
        self._state = SubscriptionState.OVER

    def notify(self, code: int, reason: str = "") -> None:
        """
        Tell the transferor how the transfer is getting on; after a final code nothing more is told.

        What becomes of the NOTIFY makes no difference to the call (:rfc:`5057#section-5.1`).
        """
        if self._state is not SubscriptionState.ACTIVE:
            return
        state = "active;expires=60"
        if code >= 200:
            state = "terminated;reason=noresource"
            self._state = SubscriptionState.OVER
        fields = [("Event", self._event), ("Subscription-State", state)]
        body = f"SIP/2.0 {code} {check_value(reason or REASONS.get(code, ''))}\r\n"
        self._leg.send("NOTIFY", Use.NOTICE, fields, body, "message/sipfrag;version=2.0")


def _progress(notify: Request) -> Progress:
    """Return what a NOTIFY tells: the status line of its sipfrag (:rfc:`3420#section-2`), and the fields behind it."""
    match = _STATUS_LINE.match(notify.body)
    if match is None:
        return Progress()
    code, reason = int(match[1]), (match[2] or "").strip()
    told = told_by(Response(code, "", parse_fields(notify.body[match.end() :])))
    return Progress(code, reason, told if any(told) else told_by(notify))
