"""REFER inside a call and its NOTIFYs (:rfc:`3515`), as the transferor and as the one who is asked to transfer."""

from typing import TYPE_CHECKING

from wrtcgw.sip.errors import RemoteViolation
from wrtcgw.sip.headers import NameAddr, Replaces
from wrtcgw.sip.message import REASONS, Response
from wrtcgw.sip.outputs import RequestAnswered, TransferProgress, TransferRequested
from wrtcgw.sip.transaction_layer import ServerRequest
from wrtcgw.sip.uri import URI

if TYPE_CHECKING:
    from wrtcgw.sip.usages.leg import Leg


class Transfer:
    """A REFER of ours: from its response through the last NOTIFY of the subscription it made."""

    def __init__(self, leg: "Leg", ticket: int) -> None:
        self._leg = leg
        self._ticket = ticket
        self.active = True

    def start(self, target: URI, replaces: str) -> None:
        """Send the REFER; ``replaces`` is the escaped header value for Refer-To, or empty (:rfc:`3891#section-6.1`)."""
        leg = self._leg
        uri = str(target) + (f"?Replaces={replaces}" if replaces else "")
        fields = [("Refer-To", f"<{uri}>"), ("Referred-By", leg.ua.address_of_record(leg.account))]
        leg.send("REFER", self._on_response, fields)

    def _on_response(self, response: Response) -> None:
        if response.status < 200:
            return
        leg = self._leg
        if leg.told:
            return
        leg.ua.emit(RequestAnswered(leg.id, self._ticket, response.status, response.reason))
        if response.status >= 300:
            self.active = False
            leg.check_gone(response)
        elif self.active:
            leg.ua.layer.arm(self, "silent", leg.ua.settings.transfer_limit)

    def receive_notify(self, server: ServerRequest) -> None:
        """
        Take a NOTIFY of the subscription (:rfc:`3515#section-2.4.4`).

        It may overtake the 202. A state that is terminated without a body tells nothing of the transfer: code 0.
        """
        server.respond(200)
        if not self.active:
            return
        code, reason = _sipfrag(server.request.body)
        state = (server.request.headers.get("Subscription-State") or "").split(";")[0].strip().lower()
        final = code >= 200 or state == "terminated"
        self._progress(code, reason, final=final)

    def on_timer(self, name: str) -> None:
        """Give up on a far side that says no more."""
        self._progress(408, "no NOTIFY came", final=True)

    def stop(self) -> None:
        """Forget the subscription: the dialog is over."""
        self.active = False
        self._leg.ua.layer.disarm(self, "silent")

    def _progress(self, code: int, reason: str, *, final: bool) -> None:
        leg = self._leg
        if final:
            self.stop()
        else:
            leg.ua.layer.arm(self, "silent", leg.ua.settings.transfer_limit)
        leg.ua.emit(TransferProgress(leg.id, code, reason, final))


class TransferRequest:
    """A REFER that came to us: the answer, and the NOTIFYs that we owe for it (:rfc:`3515#section-2.4.4`)."""

    def __init__(self, leg: "Leg", server: ServerRequest) -> None:
        self._leg = leg
        self._server = server

    def announce(self) -> None:
        """
        Ask the user of the core what to do.

        :raises RemoteViolation: 400 unless there is exactly one Refer-To (:rfc:`3515#section-2.4.2`).
        """
        leg = self._leg
        values = self._server.request.headers.get_all("Refer-To")
        if len(values) != 1:
            raise RemoteViolation(400, f"expected one Refer-To, found {len(values)}")
        target = NameAddr.parse(values[0]).uri
        replaces = next((value for name, value in target.headers if name.lower() == "replaces"), None)
        leg.ua.emit(
            TransferRequested(
                leg=leg.id,
                target=target.without_headers(),
                replaces=self._find(replaces) if replaces else None,
                referred_by=self._server.request.headers.get("Referred-By") or "",
            )
        )

    def _find(self, value: str) -> str | None:
        replaces = Replaces.parse(value)
        found = self._leg.ua.find_dialog(replaces.call_id, replaces.to_tag, replaces.from_tag)
        return found[0].id if found else None

    def accept(self) -> None:
        """Answer 202 and send the first NOTIFY at once."""
        self._server.respond(202, None, ("Contact", self._leg.ua.contact(self._leg.account)))
        self.notify(100, "Trying")

    def reject(self, code: int) -> None:
        """Answer with a final refusal."""
        self._server.respond(code)

    def stop(self) -> None:
        """Answer a REFER that is still open: its dialog has ended (:rfc:`3261#section-15.1.2`)."""
        if self.open:
            self._server.respond(487)

    @property
    def open(self) -> bool:
        """Tell whether the REFER has no answer yet."""
        return not self._server.answered

    def notify(self, code: int, reason: str = "") -> None:
        """Tell the transferor how the transfer is getting on."""
        state = "active;expires=60" if code < 200 else "terminated;reason=noresource"
        fields = [("Event", "refer"), ("Subscription-State", state)]
        body = f"SIP/2.0 {code} {reason or REASONS.get(code, '')}\r\n"
        self._leg.send("NOTIFY", lambda response: None, fields, body, "message/sipfrag;version=2.0")


def _sipfrag(body: str) -> tuple[int, str]:
    """Return code and reason of a sipfrag's status line (:rfc:`3420`); 0 when there is none."""
    line = body.lstrip().split("\n", 1)[0].strip()
    version, _, rest = line.partition(" ")
    code, _, reason = rest.partition(" ")
    if version.upper() != "SIP/2.0" or not (code.isascii() and code.isdigit() and len(code) == 3):
        return 0, ""
    return int(code), reason
