"""
The caller's side of a call: an INVITE of ours until it is answered, refused or cancelled (:rfc:`3261#section-13.2`).

One INVITE may be answered by several user agents: each makes a dialog of its own. The first 2xx wins; the others are
acknowledged and ended at once (:rfc:`3261#section-13.2.2.4`).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from wrtcgw.sip.dialog import Dialog, DialogState
from wrtcgw.sip.errors import RemoteViolation
from wrtcgw.sip.grammar import check_value
from wrtcgw.sip.headers import MAX_RSEQ, NameAddr, RAck
from wrtcgw.sip.message import CREDENTIALS, Headers, Request, Response
from wrtcgw.sip.outputs import CallAnswered, CallProgress, EndCause, NotFollowed
from wrtcgw.sip.saving import Restoring, Saving
from wrtcgw.sip.settings import Account
from wrtcgw.sip.subscriber import plain_target
from wrtcgw.sip.transaction_layer import ClientRequest, LocalResponse, ServerRequest, Use
from wrtcgw.sip.uri import URI
from wrtcgw.sip.usages.headers_of_interest import NOTHING, Told, extensions_of, told_by, why_no_answer
from wrtcgw.sip.usages.leg import BYE_PATIENCE, Leg, LegState
from wrtcgw.sip.user_agent import UserAgent

UNANSWERED = frozenset((LegState.CALLING, LegState.PROCEEDING))
MAX_BRANCHES = 32
"""How many branches of a fork may make an early dialog; what a peer sends must not make the table grow."""
MAX_INTERVALS = 3
"""How often a 422 may ask for a longer session interval."""


class OutgoingLeg(Leg):
    """A call that we place."""

    owns_call_id = True

    def __init__(
        self, ua: UserAgent, account: Account, leg_id: str, flow: int, *, call_id: str = "", tag: str = ""
    ) -> None:
        """
        Make a leg that has sent nothing yet.

        :param call_id: with ``tag``, of one that goes on; new ones are drawn for any other.
        """
        super().__init__(ua, account, leg_id, flow, LegState.CALLING)
        self._call_id = call_id or ua.tokens.token()
        self._tag = tag or ua.tokens.token(64)
        self._cseq = 0
        self._fields: list[tuple[str, str]] = []
        self._client: ClientRequest | None = None
        self._early: dict[str, Dialog] = {}
        self._early_sdp: dict[str, str] = {}
        self._reliable: dict[str, int] = {}
        self._acks: dict[str, Request] = {}
        self._acknowledged = 0.0
        self._targets: list[URI] = []
        self._redirects = 0
        self._intervals = 0
        self._to = ""
        self._tried: set[str] = set()
        self._follow: Callable[[URI], bool] | None = None

    def snapshot(self, saving: Saving) -> dict[str, object]:
        """Return plain data, from which :meth:`take_up` makes the same leg."""
        return {
            "kind": "outgoing",
            **super().snapshot(saving),
            "call_id": self._call_id,
            "tag": self._tag,
            "cseq": self._cseq,
            "fields": [[name, value] for name, value in self._fields if name.lower() not in CREDENTIALS],
            "client": saving.clients.of(self._client),
            "early": [[tag, saving.dialogs.of(dialog)] for tag, dialog in self._early.items()],
            "early_sdp": dict(self._early_sdp),
            "reliable": dict(self._reliable),
            "acks": [[tag, ack.snapshot()] for tag, ack in self._acks.items()],
            "acknowledged": self._acknowledged - saving.now,
            "targets": [str(target) for target in self._targets],
            "redirects": self._redirects,
            "intervals": self._intervals,
            "to": self._to,
            "tried": sorted(self._tried),
            "asks_to_follow": self._follow is not None,
        }

    def take_up(self, data: Mapping[str, Any], restoring: Restoring) -> None:
        """
        Take over what :meth:`snapshot` gave.

        Whoever could say which redirection may be followed is gone: then none is.
        """
        super().take_up(data, restoring)
        self._cseq, self._to = data["cseq"], data["to"]
        self._fields = [(name, value) for name, value in data["fields"]]
        self._client = restoring.client(data["client"])
        self._early = {tag: restoring.dialogs[place] for tag, place in data["early"]}
        self._early_sdp, self._reliable = dict(data["early_sdp"]), dict(data["reliable"])
        self._acks = {tag: Request.restore(ack) for tag, ack in data["acks"]}
        self._acknowledged = restoring.taken + data["acknowledged"]
        self._targets = [URI.parse(target) for target in data["targets"]]
        self._redirects, self._intervals = data["redirects"], data["intervals"]
        self._tried = set(data["tried"])
        self._follow = _follow_none if data["asks_to_follow"] else None

    @property
    def sip_call_id(self) -> str:
        """Return the Call-ID, which is there before any dialog."""
        return self._call_id

    def start(
        self,
        target: URI,
        offer: str,
        fields: Iterable[tuple[str, str]],
        follow: Callable[[URI], bool] | None = None,
    ) -> None:
        """Send the INVITE; its fate is told by events. ``follow`` says whether a 3xx may send it to an address."""
        self.local_sdp = offer
        self._follow = follow
        self._fields = [(name, check_value(value)) for name, value in fields]
        self._to = f"<{target}>"
        self._invite(target)

    def _invite(self, target: URI) -> None:
        ua = self.ua
        uri = str(target)
        self._tried.add(_identity(target))
        headers = Headers()
        for route in self.account.service_route:
            headers.add("Route", route)
        headers.add("Max-Forwards", "70")
        headers.add("From", f"{ua.address_of_record(self.account)};tag={self._tag}")
        headers.add("To", self._to)  # also after a 3xx: RFC 3261 section 8.1.3.4
        headers.add("Call-ID", self._call_id)
        headers.add("CSeq", f"{self.next_cseq()} INVITE")
        headers.add("Contact", ua.contact(self.account))
        ua.capabilities(headers)
        for name, value in (*self.timer.request_fields(), *self._fields):
            headers.add(name, value)
        headers.add("Content-Type", "application/sdp")
        request = Request("INVITE", uri, headers, self.local_sdp)
        authenticator = self.account.for_calls(ua.tokens)
        self._client = ua.layer.request(request, self.flow, self, Use.CALL, authenticator=authenticator)

    def next_cseq(self) -> int:
        """Return the number of a new INVITE: the early dialogs of the one before ended with its final response."""
        self._drop_early()
        self._cseq += 1
        return self._cseq

    # -- responses

    def take_response(self, client: ClientRequest, response: Response) -> None:
        """Take a response to a request of ours."""
        if client.use is not Use.CALL:
            super().take_response(client, response)
        elif response.status < 200:
            self._provisional(response)
        elif response.status < 300:
            self._success(response)
        elif self.state in UNANSWERED:
            self._failure(response)
        else:
            self._cancelled(response)

    def _provisional(self, response: Response) -> None:
        if self.state is LegState.CALLING:
            self.state = LegState.PROCEEDING
            self.ua.layer.arm(self, "ring", self.ua.settings.ring_timeout)
        if response.status == 100 or self.state is not LegState.PROCEEDING:
            return
        tag = response.to_tag
        sdp = response.answer()
        if tag:
            if tag not in self._early and len(self._early) >= MAX_BRANCHES:
                raise RemoteViolation(400, "more branches of a fork than are followed")
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

    def _let_go(self) -> None:
        super()._let_go()
        if self._client is not None and self._client.transaction is None:
            self._client = None

    @property
    def _sent(self) -> ClientRequest:
        assert self._client is not None, "only start() comes before it"
        return self._client

    @property
    def _request(self) -> Request:
        return self._sent.request

    def _acknowledge_reliable(self, dialog: Dialog, response: Response) -> bool:
        """
        Send the PRACK of a reliable provisional response (:rfc:`3262#section-4`).

        :returns: False when the response is to be ignored: a repeated one, or one out of order.
        """
        if not response.headers.has_option("Require", "100rel"):
            return True
        number = response.read_number("RSeq", MAX_RSEQ)
        if number is None:
            return True  # nobody can acknowledge it, but it rings
        last = self._reliable.get(dialog.remote_tag)
        if last is not None and number != last + 1:
            return False
        self._reliable[dialog.remote_tag] = number
        rack = str(RAck(number, self._request.cseq.number, "INVITE"))
        self.ua.send_in_dialog(self, dialog, "PRACK", Use.NOTICE, [("RAck", rack)])
        return True

    def _success(self, response: Response) -> None:
        """Take a 2xx: the first one makes the call, repeated ones are acknowledged again, others ended."""
        tag = response.to_tag
        ack = self._acks.get(tag)
        if ack is not None:
            self.ua.layer.send(self.flow, ack, self.account_key)
            return
        dialog = self._early.get(tag) or Dialog.as_uac(self._request, response, self.flow)
        dialog.confirm(response)
        self._acks[tag] = self.ua.acknowledge(dialog, self._request, self.account_key)
        self._acknowledged = self.ua.layer.now
        if self.state not in UNANSWERED:
            self._end_other(dialog)
            return
        self._confirm(dialog)
        sdp = response.answer() or self._early_sdp.get(tag)
        if sdp is None:
            reason = why_no_answer(response)
            self.terminate(EndCause.FAILED, 488, reason, f'SIP;cause=488;text="{reason}"')
            return
        self.timer.accepted(response)
        uuid = response.headers.get("X-Genesys-CallUUID") or ""
        self.ua.emit(CallAnswered(self.id, sdp, uuid, extensions_of(response)))
        self.peer.heed(response)
        self.modification.proceed()

    def _confirm(self, dialog: Dialog) -> None:
        self.ua.layer.disarm(self, "ring")
        self._take_dialog(dialog)
        self.state = LegState.ESTABLISHED

    def _take_dialog(self, dialog: Dialog) -> None:
        """
        Make ``dialog`` the one of the leg.

        Requests inside the other early ones find nothing any more, but what was counted in them is kept for a 2xx of
        theirs.
        """
        for other in self._early.values():
            self.ua.drop_dialog(other)
        self._dialog = dialog
        self.ua.add_dialog(self, dialog)

    def _end_other(self, dialog: Dialog) -> None:
        """End the dialog of a 2xx that is not wanted: after a CANCEL that came late, or of a second branch."""
        if self.state is LegState.CANCELLING:
            self._take_dialog(dialog)
            self.say_bye(*self._ending)
        else:
            self.ua.send_in_dialog(self, dialog, "BYE", Use.NOTICE)
            dialog.state = DialogState.TERMINATED

    def _drop_early(self) -> None:
        for dialog in self._early.values():
            self.ua.drop_dialog(dialog)
        self._early.clear()
        self._early_sdp.clear()
        self._reliable.clear()
        self._dialog = None

    @property
    def awaits_answer(self) -> bool:
        """Our offer is open until the 2xx: an answer before may be of a branch that does not win."""
        return self.state in UNANSWERED

    # -- refusals

    def _failure(self, response: Response) -> None:
        if isinstance(response, LocalResponse) and not self.ua.layer.is_connected(self.flow):
            self._lost(response)
        elif response.status == 422 and self._intervals < MAX_INTERVALS and self.timer.too_small(response):
            self._intervals += 1
            self._invite(self._request.request_uri)
        elif self._goes_on(response):
            return
        else:
            cause = EndCause.FAILED if isinstance(response, LocalResponse) else EndCause.REFUSED
            self._over(cause, response)

    def _lost(self, response: Response) -> None:
        """
        End an unanswered call with its connection: the responses would come over the one that is gone.

        Its CANCEL is sent as soon as there is a new one, so that the far side does not ring on.
        """
        if self._client is None:  # it was down already: nothing was sent
            self._over(EndCause.FAILED, response)
            return
        self.state = LegState.CANCELLING
        self._tell(EndCause.FAILED, response.status, "the connection to the SIP proxy was lost")
        self.ua.layer.arm(self, "patience", BYE_PATIENCE)

    def _goes_on(self, response: Response) -> bool:
        """
        Try the next target of a 3xx that may be called (:rfc:`3261#section-8.1.3.4`); False when there is none.

        When one fails, but for 6xx, the one after it has its turn. Of what the far side names nothing counts but user
        and domain: with a port, a transport or ``maddr`` it could choose the way that the call takes.
        """
        too_many = self._redirects >= self.ua.settings.max_redirects
        if response.status < 400:
            contacts = sorted(response.read_list("Contact", NameAddr), key=_preference)
            self._targets = self._fresh([contact.uri for contact in contacts]) + self._targets
            if self._targets and too_many:
                self._not_followed = NotFollowed.TOO_MANY
        if not self._targets or too_many or response.status >= 600:
            return False
        self._redirects += 1
        self._not_followed = None
        self._invite(self._targets.pop(0))
        return True

    def _fresh(self, named: list[URI]) -> list[URI]:
        """Return what may be called of that to which a 3xx redirects, and note why not if it is nothing."""
        settings = self.ua.settings
        allowed = {domain.lower() for domain in (*settings.redirect_domains, settings.domain)}
        local = settings.domain if self._follow else ""
        known = [target for target in (plain_target(uri, local) for uri in named) if target is not None]
        own = [target for target in known if target.host.lower() in allowed]
        fresh = [target for target in own if _identity(target) not in self._tried]
        taken = [target for target in fresh if self._follow is None or self._follow(target)]
        steps = ((known, NotFollowed.NO_TARGET), (own, NotFollowed.FOREIGN), (fresh, NotFollowed.TRIED))
        self._not_followed = next((why for left, why in steps if not left), NotFollowed.REFUSED)
        return taken

    def _cancelled(self, response: Response) -> None:
        cause, code, reason = self._ending
        if isinstance(response, LocalResponse) and not self.ua.layer.is_connected(self.flow):
            self._tell(cause, code, reason)  # the CANCEL follows when the connection is back
            self.ua.layer.arm(self, "patience", BYE_PATIENCE)
            return
        self.finish(cause, code or response.status, reason or response.reason, told_by(response))

    def _over(self, cause: EndCause, response: Response) -> None:
        self.finish(cause, response.status, response.reason, told_by(response))

    # -- the end

    def hang_up(self, reasons: Iterable[str] = ()) -> None:
        """Cancel the call, or end it when it is answered."""
        if self.state in UNANSWERED:
            self._give_up(EndCause.LOCAL, 0, "", reasons)
        else:
            super().hang_up(reasons)

    def _give_up(self, cause: EndCause, code: int, reason: str, reasons: Iterable[str] = ()) -> None:
        """Cancel; the end is told when the final response is here, or nothing more can come."""
        self.state = LegState.CANCELLING
        self._ending = (cause, code, reason)
        self._reasons = tuple(reasons)
        self.ua.layer.disarm(self, "ring")
        self._sent.cancel(self._reasons)

    def receive_bye(self, server: ServerRequest) -> None:
        """
        Take a BYE; one in an early dialog, which a callee must not send (:rfc:`3261#section-15`), ends that dialog.

        With the last one the call ends too: who says BYE does not mean to answer.
        """
        if self.state not in (LegState.PROCEEDING, LegState.CANCELLING):
            super().receive_bye(server)
            return
        server.respond(200)
        self._early.pop(server.request.from_tag, None)
        self.ua.drop_dialog(self.dialog)
        if not self._early and self.state is LegState.PROCEEDING:
            self._give_up(EndCause.REMOTE, 0, "")

    def finish(self, cause: EndCause, code: int = 0, reason: str = "", told: Told = NOTHING) -> None:
        """Let go of the early dialogs too."""
        self.ua.layer.disarm(self, "ring")
        for dialog in self._early.values():
            self.ua.drop_dialog(dialog)
        self._early_sdp.clear()
        super().finish(cause, code, reason, told)

    def on_timer(self, name: str) -> None:
        """Give up ringing."""
        if name == "ring":
            self._give_up(EndCause.FAILED, 408, "no answer")
        else:
            super().on_timer(name)

    # -- the connection

    def reconnected(self) -> None:
        """Cancel over the new connection what the old one left behind, or acknowledge once more."""
        if self.state is LegState.CANCELLING:
            self._sent.send_cancel()
            self.finish(*self._ending)
            return
        self._acknowledge_again()
        super().reconnected()

    def _acknowledge_again(self) -> None:
        """
        Repeat an ACK that may have been lost with the connection.

        The peer repeats its 2xx for 64·T1, but to where we were; then it hangs up, and until then it refuses every
        re-INVITE with 491 (:rfc:`3261#section-13.3.1.4`).
        """
        layer = self.ua.layer
        if self._acks and layer.now - self._acknowledged <= 64 * layer.timers.t1:
            for ack in self._acks.values():
                layer.send(self.flow, ack, self.account_key)


def _follow_none(target: URI) -> bool:
    """Follow no redirection."""
    return False


def _identity(target: URI) -> str:
    """Return what two targets have in common that are the same number (:rfc:`3261#section-19.1.4`)."""
    return f"{target.user}@{target.host.lower()}"


def _preference(contact: NameAddr) -> float:
    """Sort key of a redirect target: the highest q first (:rfc:`3261#section-20.10`)."""
    try:
        return -float(contact.param("q") or "1")
    except ValueError:
        return 0.0
