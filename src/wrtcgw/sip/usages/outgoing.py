"""
The caller's side of a call: an INVITE of ours until it is answered, refused or cancelled (:rfc:`3261#section-13.2`).

One INVITE may be answered by several user agents: each makes a dialog of its own. The first 2xx wins; the others are
acknowledged and ended at once (:rfc:`3261#section-13.2.2.4`).
"""

from collections.abc import Iterable

from wrtcgw.sip.dialog import Dialog, DialogState
from wrtcgw.sip.grammar import check_value
from wrtcgw.sip.headers import NameAddr, RAck, parse_contacts
from wrtcgw.sip.message import Headers, Request, Response
from wrtcgw.sip.outputs import CallAnswered, CallProgress, EndCause
from wrtcgw.sip.settings import Account
from wrtcgw.sip.transaction_layer import ClientRequest, LocalResponse
from wrtcgw.sip.uri import URI
from wrtcgw.sip.usages.leg import BYE_PATIENCE, Leg, LegState, reasons_of
from wrtcgw.sip.user_agent import UserAgent

UNANSWERED = frozenset((LegState.CALLING, LegState.PROCEEDING))


class OutgoingLeg(Leg):
    """A call that we place."""

    owns_call_id = True

    def __init__(self, ua: UserAgent, account: Account, leg_id: str, flow: int) -> None:
        super().__init__(ua, account, leg_id, flow, LegState.CALLING)
        self._call_id = ua.tokens.token()
        self._tag = ua.tokens.token(64)
        self._cseq = 0
        self._fields: list[tuple[str, str]] = []
        self._client: ClientRequest | None = None
        self._early: dict[str, Dialog] = {}
        self._early_sdp: dict[str, str] = {}
        self._reliable: dict[str, int] = {}
        self._acks: dict[str, Request] = {}
        self._targets: list[URI] = []
        self._redirects = 0
        self._cancel_sent = False
        self._tried: set[str] = set()

    def start(self, target: URI, offer: str, fields: Iterable[tuple[str, str]]) -> None:
        """Send the INVITE; its fate is told by events."""
        self.local_sdp = offer
        self._fields = [(name, check_value(value)) for name, value in fields]
        self._invite(target)

    def _invite(self, target: URI) -> None:
        ua = self.ua
        uri = str(target)
        self._tried.add(uri)
        headers = Headers()
        for route in self.account.service_route:
            headers.add("Route", route)
        headers.add("Max-Forwards", "70")
        headers.add("From", f"{ua.address_of_record(self.account)};tag={self._tag}")
        headers.add("To", f"<{uri}>")
        headers.add("Call-ID", self._call_id)
        headers.add("CSeq", f"{self._next_cseq()} INVITE")
        headers.add("Contact", ua.contact(self.account))
        ua.capabilities(headers)
        for name, value in (*self.timer.request_fields(), *self._fields):
            headers.add(name, value)
        headers.add("Content-Type", "application/sdp")
        request = Request("INVITE", uri, headers, self.local_sdp)
        authenticator = self.account.credentials(ua.tokens)
        self._client = ua.layer.request(request, self.flow, self._on_response, self._next_cseq, authenticator)

    def _next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq

    # -- responses

    def _on_response(self, response: Response) -> None:
        if response.status < 200:
            self._provisional(response)
        elif response.status < 300:
            self._success(response)
        elif self.state in UNANSWERED:
            self._failure(response)
        elif self.state is LegState.CANCELLING:
            self._cancelled(response)

    def _provisional(self, response: Response) -> None:
        if self.state is LegState.CALLING:
            self.state = LegState.PROCEEDING
            self.ua.layer.arm(self, "ring", self.ua.settings.ring_limit)
        elif self.state is LegState.CANCELLING:
            self._cancel_once()
            return
        if response.status == 100 or self.state is not LegState.PROCEEDING:
            return
        tag = response.to_tag
        sdp = response.sdp()
        if tag:
            dialog = self._early_dialog(tag, response)
            if not self._acknowledge_reliable(dialog, response):
                return
            if sdp is not None:
                self._early_sdp[tag] = sdp
        self.ua.emit(CallProgress(self.id, response.status, response.reason, sdp))

    def _early_dialog(self, tag: str, response: Response) -> Dialog:
        """Return the early dialog of this branch of the fork, made when it is new (:rfc:`3261#section-12.1.2`)."""
        dialog = self._early.get(tag)
        if dialog is None:
            dialog = Dialog.as_uac(self._request, response, self.flow)
            self._early[tag] = dialog
            self._dialog = dialog
            self.ua.add_dialog(self, dialog)
        else:
            dialog.learn(response)
        return dialog

    @property
    def _request(self) -> Request:
        if self._client is None:
            raise LookupError(f"leg {self.id} has sent no INVITE")
        return self._client.request

    def _acknowledge_reliable(self, dialog: Dialog, response: Response) -> bool:
        """
        Send the PRACK of a reliable provisional response (:rfc:`3262#section-4`).

        :returns: False when the response is to be ignored: a repeated one, or one out of order.
        """
        if not response.headers.has_option("Require", "100rel"):
            return True
        rseq = (response.headers.get("RSeq") or "").strip()
        if not (rseq.isascii() and rseq.isdigit()):
            return False
        number, last = int(rseq), self._reliable.get(dialog.remote_tag)
        if last is not None and number != last + 1:
            return False
        self._reliable[dialog.remote_tag] = number
        rack = str(RAck(number, self._request.cseq.number, "INVITE"))
        self.ua.send_in_dialog(self.account, dialog, "PRACK", lambda response: None, [("RAck", rack)])
        return True

    def _success(self, response: Response) -> None:
        """Take a 2xx: the first one makes the call, repeated ones are acknowledged again, others ended."""
        tag = response.to_tag
        ack = self._acks.get(tag)
        if ack is not None:
            self.ua.layer.send(self.flow, ack)
            return
        dialog = self._early.pop(tag, None) or Dialog.as_uac(self._request, response, self.flow)
        dialog.confirm(response)
        self._acks[tag] = self.ua.acknowledge(dialog, self._request)
        if self.state not in UNANSWERED:
            self._end_other(dialog)
            return
        self._confirm(dialog)
        sdp = response.sdp() or self._early_sdp.get(tag)
        self._early_sdp.clear()
        if sdp is None:
            self.terminate(EndCause.FAILED, 488, "2xx without a session description")
            return
        self.timer.accepted(response)
        self.ua.emit(CallAnswered(self.id, sdp, response.headers.get("X-Genesys-CallUUID") or ""))
        self.modification.proceed()

    def _confirm(self, dialog: Dialog) -> None:
        self.ua.layer.disarm(self, "ring")
        self._drop_early()
        self._dialog = dialog
        self.ua.add_dialog(self, dialog)
        self.state = LegState.ESTABLISHED

    def _end_other(self, dialog: Dialog) -> None:
        """End the dialog of a 2xx that is not wanted: after a CANCEL that came late, or of a second branch."""
        if self.state is LegState.CANCELLING:
            self._drop_early()
            self._dialog = dialog
            self.ua.add_dialog(self, dialog)
            self.say_bye(*self._ending)
        else:
            self.ua.send_in_dialog(self.account, dialog, "BYE", lambda response: None)
            dialog.state = DialogState.TERMINATED

    def _drop_early(self) -> None:
        for dialog in self._early.values():
            self.ua.drop_dialog(dialog)
        self._early.clear()
        self._reliable.clear()

    # -- refusals

    def _failure(self, response: Response) -> None:
        if isinstance(response, LocalResponse) and not self.ua.layer.is_connected(self.flow):
            self._lost(response)
        elif response.status == 422 and self.timer.too_small(response):
            self._invite(self._request.request_uri)
        elif 300 <= response.status < 400 and self._redirect(response):
            return
        else:
            cause = EndCause.FAILED if isinstance(response, LocalResponse) else EndCause.REFUSED
            self._over(cause, response)

    def _lost(self, response: Response) -> None:
        """
        End an unanswered call with its connection: the responses would come over the one that is gone.

        Its CANCEL is sent as soon as there is a new one, so that the far side does not ring on.
        """
        self.state = LegState.CANCELLING
        self._tell(EndCause.FAILED, response.status, "the connection to the SIP proxy was lost")
        self.ua.layer.arm(self, "patience", BYE_PATIENCE)

    def _redirect(self, response: Response) -> bool:
        """Try the next target of a 3xx that a site allows (:rfc:`3261#section-8.1.3.4`); False when there is none."""
        settings = self.ua.settings
        allowed = settings.redirect_domains | {settings.domain}
        contacts = sorted(parse_contacts(response.headers.get_all("Contact")), key=_preference)
        fresh = [contact.uri.without_headers() for contact in contacts if contact.uri.host in allowed]
        self._targets = [uri for uri in fresh if str(uri) not in self._tried] + self._targets
        if not self._targets or self._redirects >= settings.max_redirects:
            return False
        self._redirects += 1
        self._drop_early()
        self._dialog = None
        self.state = LegState.CALLING
        self._invite(self._targets.pop(0))
        return True

    def _cancelled(self, response: Response) -> None:
        if isinstance(response, LocalResponse) and not self.ua.layer.is_connected(self.flow):
            self._tell(*self._ending)  # the CANCEL follows when the connection is back
            return
        self._over(self._ending[0], response)

    def _over(self, cause: EndCause, response: Response) -> None:
        self._drop_early()
        self.finish(cause, response.status, response.reason, reasons_of(response))

    # -- the end

    def hang_up(self, reasons: Iterable[str] = ()) -> None:
        """Cancel the call, or end it when it is answered."""
        if self.state not in UNANSWERED:
            super().hang_up(reasons)
            return
        self._give_up(EndCause.LOCAL, 0, "")

    def _give_up(self, cause: EndCause, code: int, reason: str) -> None:
        """Cancel; before the first provisional response a CANCEL has to wait (:rfc:`3261#section-9.1`)."""
        waits = self.state is LegState.CALLING
        self.state = LegState.CANCELLING
        self._ending = (cause, code, reason)
        self.ua.layer.disarm(self, "ring")
        self.ua.layer.arm(self, "patience", 64 * self.ua.timers.t1)
        if self._client is not None:
            self._client.stop_retrying()
        if not waits:
            self._cancel_once()

    def _cancel_once(self) -> None:
        if self._client is not None and not self._cancel_sent:
            self._cancel_sent = True
            self.ua.layer.cancel(self._client)

    def on_timer(self, name: str) -> None:
        """Give up ringing, or waiting for the outcome of a CANCEL."""
        if name == "ring":
            self._give_up(EndCause.FAILED, 408, "no answer")
            return
        self._drop_early()
        super().on_timer(name)

    # -- the connection

    def reconnected(self) -> None:
        """Cancel over the new connection what the old one left behind."""
        if self.state is LegState.CANCELLING and self._client is not None:
            self.ua.layer.cancel(self._client)
            self._drop_early()
            self.finish(*self._ending)
        else:
            super().reconnected()


def _preference(contact: NameAddr) -> float:
    """Sort key of a redirect target: the highest q first (:rfc:`3261#section-20.10`)."""
    try:
        return -float(contact.param("q") or "1")
    except ValueError:
        return 0.0
