"""
The user agent core: the only way in and out of ``wrtcgw.sip``.

Three things drive it: its user, messages from the network, and time. Each entry takes what happened and the time in
reactor seconds, and returns what to do about it, in order: text to send and events (:mod:`wrtcgw.sip.outputs`). It
never raises for what a peer sent. After each entry the shell arms one timer for :meth:`UACore.next_deadline`.

One core serves many agents over a few connections ("flows"): a request from outside finds its agent by the user part
of our Contact, a request inside a dialog finds its leg by the dialog ID.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from wrtcgw.sip.errors import LocalViolation, MalformedMessage, RemoteViolation
from wrtcgw.sip.grammar import check_value
from wrtcgw.sip.inbound import Inbound
from wrtcgw.sip.message import MalformedRequest, Request, Response
from wrtcgw.sip.outputs import Output
from wrtcgw.sip.parser import KeepAlive, parse
from wrtcgw.sip.settings import Account, UASettings
from wrtcgw.sip.snapshots import has_ended, restore, snapshot
from wrtcgw.sip.timers import Timers
from wrtcgw.sip.tokens import TokenSource
from wrtcgw.sip.uri import URI
from wrtcgw.sip.usages.incoming import IncomingLeg
from wrtcgw.sip.usages.leg import Leg
from wrtcgw.sip.usages.outgoing import OutgoingLeg
from wrtcgw.sip.usages.register import Registration
from wrtcgw.sip.usages.transfer import TransferRequest
from wrtcgw.sip.user_agent import UserAgent

__all__ = ["Account", "UACore", "UASettings"]

MAX_FLAWS = 5
"""How many flaws of one message are named in the log."""


class UACore:
    """
    A SIP user agent for many accounts over WebSocket flows.

    ``flow`` is the number of a connection slot: it stays the same when its connection is made anew. ``leg`` is the
    name of one call leg, unguessable, given by :meth:`invite` or by :class:`~wrtcgw.sip.outputs.CallReceived`.
    """

    def __init__(self, settings: UASettings, timers: Timers, tokens: TokenSource) -> None:
        self._ua = UserAgent(settings, timers, tokens)
        self._layer = self._ua.layer
        self._registrations: dict[str, Registration] = {}
        self._legs = self._ua.legs
        self._legs_of: dict[str, dict[str, Leg]] = {}
        self._interrupted: dict[str, dict[str, Leg]] = {}
        self._inbound = Inbound(self._ua, self._legs, self._add)

    def screen_calls(self, screen: Callable[[str, Request], int]) -> None:
        """
        Ask for each INVITE of a new call, before anything of it is kept, whether it is to be refused at once.

        :param screen: gets the account's key, '' where nobody has the number; returns the code of the refusal, or 0.
        """
        self._ua.screen = screen

    # -- what the shell needs

    def next_deadline(self) -> float | None:
        """Return when :meth:`tick` has to be called next, or None."""
        return self._layer.deadlines.next()

    def objects(self) -> Mapping[str, int]:
        """Return how many objects of each kind there are; with no account and after the last timer there are none."""
        return {
            "registrations": len(self._registrations),
            "legs": len(self._legs),
            "dialogs": len(self._ua.dialogs),
            "transactions": len(self._layer),
            "deadlines": len(self._layer.deadlines),
        }

    def tick(self, now: float) -> list[Output]:
        """Act on every deadline at or before ``now``."""
        self._layer.now = now
        for owner, name in self._layer.deadlines.due(now):
            self._layer.touched.add(owner.account_key)
            owner.on_timer(name)
        return self._taken()

    def receive(self, flow: int, text: str, now: float) -> list[Output]:
        """Take one WebSocket message (:rfc:`7118#section-5`); whatever is in it, this does not raise."""
        self._layer.now = now
        if self._inbound.is_for_nobody(text):
            return self._taken()
        try:
            message = parse(text)
        except MalformedMessage as violation:
            self._malformed(flow, violation)
            return self._taken()
        if not isinstance(message, KeepAlive):
            self._dispatch(flow, message)
        return self._taken()

    def connected(self, flow: int, now: float, *, secure: bool = False) -> list[Output]:
        """
        Note that a connection is up: bindings and calls of the flow are taken up again.

        All register at :attr:`UASettings.register_rate` a second, those in a call first, each a little off its turn.
        The rate is that of all flows together, so that a proxy which was restarted is not flooded by several of them.

        :param secure: whether it is wss; it shows in Via (:rfc:`7118#section-5.2.1`).
        """
        self._layer.now = now
        slot = self._layer.flow(flow)
        slot.connected = True
        slot.via_transport = "WSS" if secure else "WS"
        self._layer.repeat_finals(flow)
        legs = [leg for leg in self._legs.values() if leg.flow == flow]
        self._take_up(legs, [known for known in self._registrations.values() if known.account.flow == flow])
        return self._taken()

    def _take_up(self, legs: Iterable[Leg], affected: list[Registration]) -> None:
        """Let legs and registrations go on over a new connection."""
        busy = set()
        for leg in legs:
            busy.add(leg.account.key)
            leg.reconnected()
        for key in busy - self._registrations.keys():
            self._recover_calls(key)
        affected.sort(key=lambda registration: registration.account.key not in busy)
        pause = 1 / self._ua.settings.register_rate
        self._layer.touched |= busy | {registration.account.key for registration in affected}
        for turn, registration in enumerate(affected):
            registration.take_turn_in((turn + self._ua.tokens.uniform(0, 1)) * pause)

    def disconnected(self, flow: int, now: float) -> list[Output]:
        """Note that a connection is lost: requests under way fail, calls go on."""
        self._layer.now = now
        for leg in self._legs.values():
            if leg.flow == flow:
                self._interrupt(leg)
        self._layer.disconnected(flow)
        for registration in self._registrations.values():
            if registration.account.flow == flow:
                self._layer.touched.add(registration.account_key)
                registration.connection_lost()
        return self._taken()

    def _interrupt(self, leg: Leg) -> None:
        self._layer.touched.add(leg.account_key)
        leg.disconnected()
        self._interrupted.setdefault(leg.account.key, {})[leg.id] = leg

    def is_connected(self, flow: int) -> bool:
        """Return whether the connection of that flow is up."""
        return self._layer.is_connected(flow)

    @property
    def transactions(self) -> int:
        """Return how many transactions are alive."""
        return len(self._layer)

    @property
    def legs(self) -> int:
        """Return how many legs are alive, those included whose end is told but not yet confirmed by the peer."""
        return len(self._legs)

    def sip_call_id(self, leg: str) -> str:
        """Return the Call-ID of a leg, '' when there is no such leg."""
        found = self._legs.get(leg)
        return "" if found is None else found.sip_call_id

    # -- registrations

    def register(self, account: Account, now: float) -> list[Output]:
        """
        Register the account, or try new credentials for one that is registered.

        A failure leaves an existing registration as it was; without one, the account is forgotten again.
        """
        self._layer.now = now
        self._layer.touched.add(account.key)
        registration = self._registrations.get(account.key)
        if registration is None:
            registration = Registration(self._ua, account, self._forget_registration)
            self._add_registration(registration)
        elif registration.account.keyring.is_empty:
            self._unlock(account)
        registration.sign_in(account)
        return self._taken()

    def _add_registration(self, registration: Registration) -> None:
        account = registration.account
        registration.when_registered(lambda known: self._recover_calls(known.account.key))
        self._registrations[account.key] = registration
        self._ua.accounts[account.key] = account

    def unregister(self, key: str, now: float) -> list[Output]:
        """Remove the binding of an account; nothing happens when there is none."""
        self._layer.now = now
        self._layer.touched.add(key)
        registration = self._registrations.get(key)
        if registration is not None:
            registration.sign_out()
        return self._taken()

    def account(self, key: str) -> Account | None:
        """Return the account of that key: the one whose credentials were accepted last."""
        return self._ua.accounts.get(key)

    def registrar_realms(self) -> frozenset[str]:
        """Return the realms in which registrars have challenged the accounts that are registered."""
        return frozenset().union(*(each.account.keyring.learnt_realms for each in self._registrations.values()))

    def add_account(self, account: Account) -> None:
        """Serve an account that is not registered: calls can be placed for it, and reach it by its key."""
        self._layer.touched.add(account.key)
        self._ua.accounts[account.key] = account

    def remove_account(self, key: str) -> None:
        """Stop serving an account that is not registered; its calls go on."""
        if key not in self._registrations:
            self._layer.touched.add(key)
            self._ua.accounts.pop(key, None)

    def _forget_registration(self, registration: Registration) -> None:
        self._registrations.pop(registration.account.key, None)
        self._ua.accounts.pop(registration.account.key, None)

    def _recover_calls(self, key: str) -> None:
        for leg in list(self._interrupted.get(key, {}).values()):
            leg.recover()

    # -- calls

    def new_name(self) -> str:
        """Return a name for a leg that is to come, which no other leg has; see :meth:`invite`."""
        return self._ua.tokens.token(96)

    def invite(
        self,
        account_key: str,
        target: URI,
        offer: str,
        now: float,
        *,
        headers: Iterable[tuple[str, str]] = (),
        flow: int | None = None,
        follow: Callable[[URI], bool] | None = None,
        name: str = "",
    ) -> tuple[str, list[Output]]:
        """
        Place a call.

        :param offer: the session description of the INVITE.
        :param headers: further header fields; a line end in them raises.
        :param flow: the flow to use in place of the account's.
        :param follow: asked whether the address to which a 3xx redirects the call, reduced to user and domain, may be
            called; None follows it in every allowed domain, but for numbers of tel URIs.
        :param name: of the leg, from :meth:`new_name`; empty for a new one.
        :returns: the name of the leg, and the outputs.
        :raises LocalViolation: for an unknown account, or a header that could break the message.
        """
        self._layer.now = now
        account = self._ua.accounts.get(account_key)
        if account is None:
            raise LocalViolation(f"no account {account_key!r}")
        self._layer.touched.add(account_key)
        leg = OutgoingLeg(self._ua, account, name or self.new_name(), account.flow if flow is None else flow)
        self._add(leg)
        try:
            leg.start(target, offer, headers, follow)
        except LocalViolation:  # nothing was sent
            self._forget_leg(leg)
            raise
        return leg.id, self._taken()

    def proceed(self, leg: str, now: float) -> list[Output]:
        """
        Say of a call of CallReceived, with 100, that it was taken, where it will be a while until more is said.

        :raises LocalViolation: if there is no such leg.
        """
        found = self._leg(leg, now)
        if isinstance(found, IncomingLeg):
            found.proceed()
        return self._taken()

    def ring(self, leg: str, now: float) -> list[Output]:
        """
        Let a call of CallReceived ring: 180 goes out, and each minute again, until it is answered or refused.

        :raises LocalViolation: if there is no such leg.
        """
        found = self._leg(leg, now)
        if isinstance(found, IncomingLeg):
            found.ring()
        return self._taken()

    def answer(self, leg: str, sdp: str, now: float, *, headers: Iterable[tuple[str, str]] = ()) -> list[Output]:
        """
        Accept a call of CallReceived, with the answer to its offer, or with an offer when it had none.

        :param headers: further header fields.
        :raises LocalViolation: if there is no such leg, or a value could break the message.
        """
        checked = tuple((name, check_value(value)) for name, value in headers)
        found = self._leg(leg, now)
        if isinstance(found, IncomingLeg):
            found.answer(sdp, checked)
        return self._taken()

    def reject(
        self, leg: str, code: int, reason: str, now: float, *, headers: Iterable[tuple[str, str]] = ()
    ) -> list[Output]:
        """
        Refuse a call of CallReceived, whether it was let ring or not; a 3xx says in its Contact where to call instead.

        :param headers: further header fields.
        :raises LocalViolation: if there is no such leg, or a value could break the message.
        """
        checked = tuple((name, check_value(value)) for name, value in headers)
        found = self._leg(leg, now)
        if isinstance(found, IncomingLeg):
            found.reject(code, reason, checked)
        return self._taken()

    def hangup(self, leg: str, now: float, reasons: Iterable[str] = ()) -> list[Output]:
        """
        End a leg in any state: a final response, or CANCEL or BYE with the given Reason values (:rfc:`3326`).

        :raises LocalViolation: if there is no such leg, or a value could break the message.
        """
        checked = tuple(check_value(reason) for reason in reasons)
        self._leg(leg, now).hang_up(checked)
        return self._taken()

    def reoffer(self, leg: str, sdp: str, now: float) -> list[Output]:
        """Offer a new session description; the outcome comes as OfferAnswered or OfferRefused."""
        self._leg(leg, now).modification.reoffer(sdp)
        return self._taken()

    def answer_offer(self, leg: str, sdp: str, now: float) -> list[Output]:
        """Answer an OfferReceived, or make an offer when it had none; nothing happens if it was withdrawn."""
        self._leg(leg, now).modification.answer(sdp)
        return self._taken()

    def reject_offer(self, leg: str, code: int, now: float) -> list[Output]:
        """Refuse an OfferReceived; the call goes on as it was."""
        self._leg(leg, now).modification.reject(code)
        return self._taken()

    def info(self, leg: str, content_type: str, body: str, now: float) -> tuple[int, list[Output]]:
        """Send an INFO; its outcome comes as RequestAnswered with the ticket returned here."""
        found = self._leg(leg, now)
        ticket = self._ua.next_ticket()
        found.info(ticket, content_type, body)
        return ticket, self._taken()

    def refer(self, leg: str, target: URI, now: float, *, replaces_leg: str | None = None) -> tuple[int, list[Output]]:
        """
        Ask the peer of ``leg`` to call ``target``, or to take the place of our side of ``replaces_leg``.

        :returns: a ticket for the RequestAnswered; then TransferProgress events follow.
        :raises LocalViolation: if one of the legs has no dialog.
        """
        found = self._leg(leg, now)
        replaces = ""
        if replaces_leg is not None:
            replaces = self._leg(replaces_leg, now).replaces()
        ticket = self._ua.next_ticket()
        found.transfer(ticket).start(target, replaces)
        return ticket, self._taken()

    def accept_refer(self, leg: str, now: float) -> list[Output]:
        """Accept the REFER of a TransferRequested: 202, and a NOTIFY that says 100."""
        self._transfer_request(leg, now).accept()
        return self._taken()

    def notify_refer(self, leg: str, code: int, reason: str, now: float) -> list[Output]:
        """Tell the transferor the state of the transfer; a final code ends the subscription."""
        self._transfer_request(leg, now).notify(code, reason)
        return self._taken()

    def reject_refer(self, leg: str, code: int, now: float) -> list[Output]:
        """Refuse the REFER of a TransferRequested."""
        self._transfer_request(leg, now).reject(code)
        return self._taken()

    def remote_target(self, leg: str) -> URI:
        """
        Return the Contact of the peer of an established leg: where a REFER with Replaces sends to.

        :raises LocalViolation: if there is no such leg, or it has no dialog.
        """
        return URI.parse(self._leg(leg, self._layer.now).dialog.remote_target)

    # -- state that survives the process

    def snapshot(self, key: str, now: float) -> dict[str, object]:
        """
        Return all that is held for an account as plain data that JSON can hold; see :mod:`~wrtcgw.sip.snapshots`.

        Credentials and challenges are never in it, nor anything that was made of them.
        """
        registration, legs = self._registrations.get(key), self._legs_of.get(key, {}).values()
        return snapshot(self._ua, key, now, registration, legs)

    def touched(self) -> set[str]:
        """
        Return the keys of the accounts whose :meth:`snapshot` may be another one since this was asked last.

        After each entry, a store writes what is in it. An account that was not entered has the same snapshot as before
        but for ``last_ticket``, and for the times in it, which count from when it was taken.
        """
        touched, self._layer.touched = self._layer.touched, set()
        return touched - {""}

    def restore(self, data: Mapping[str, Any], account: Account, taken: float) -> None:
        """
        Hold what a :meth:`snapshot` of this or another process holds; nothing is sent, and nobody is told.

        When everything is restored that is to go on, call :meth:`resume`, before any other entry.

        :param account: the same account with its credentials, and with the connection that it has now. One whose
            keyring is empty waits for :meth:`unlock`: its calls live, but it does not register.
        :param taken: when the snapshot was taken, in the seconds of this process; by the wall clock it is known how
            long ago that was. What has fallen due meanwhile is done at the next :meth:`tick`.
        :raises SnapshotError: for data that cannot be read; nothing has changed then.
        :raises LocalViolation: when there is something of the account already.
        """
        key = account.key
        if key in self._ua.accounts or key in self._legs_of:
            raise LocalViolation(f"account {key!r} is here already")
        restored = restore(self._ua, data, account, taken, self._forget_registration)
        state, layer = restored.state, self._layer
        self._ua.last_ticket = max(self._ua.last_ticket, restored.last_ticket)
        if restored.served:
            self._ua.accounts[key] = account
        if state.registration is not None:
            self._add_registration(state.registration)
        for leg in [leg for leg in state.legs if not has_ended(leg)]:
            self._add(leg)
            if leg.needs_recovery or leg.modification.recovers:
                self._interrupted.setdefault(key, {})[leg.id] = leg
        layer.put_back(state.clients, state.servers)
        for leg, dialog in restored.dialogs:
            self._ua.add_dialog(leg, dialog)
        for deadline in restored.deadlines:
            layer.restore_timer(deadline.owner, deadline.name, deadline.when)

    def resume(self, key: str, now: float) -> list[Output]:
        """
        Let a restored account go on: its process, and with that its connection, was lost.

        This is what :meth:`disconnected` does, for one account: requests under way fail, calls go on. The connection
        that is up, or the next one, does the rest: what could not be said is said, the account registers, and each
        established call is told the new way to us by one re-INVITE with its description as it is. Where many go on over
        a connection that is up, those without a call register at :attr:`UASettings.register_rate` a second.
        """
        self._layer.now = now
        self._layer.touched.add(key)
        registration, legs = self._registrations.get(key), list(self._legs_of.get(key, {}).values())
        clients = self._layer.clients_of(key)
        accounts = [self._ua.accounts.get(key), *(user.account for user in (*legs, *(it.user for it in clients)))]
        account = next((account for account in accounts if account is not None), None)
        if account is None:
            return []  # it is not served, and nothing of it goes on
        slot = self._layer.flow(account.flow)
        connected, slot.connected = slot.connected, False
        for leg in legs:
            leg.skip_numbers()
            leg.timer.begin_anew()
            self._interrupt(leg)
        if registration is not None:
            registration.skip_numbers()
            registration.process_lost()
        for client in clients:
            client.transport_error()
        if registration is not None:
            registration.connection_lost()
        slot.connected = connected
        if connected:
            for server in self._layer.servers_of(key):
                server.repeat_final()
            legs = list(self._legs_of.get(key, {}).values())
            self._take_up(legs, [])
            if registration is not None and legs:
                registration.refresh_in(0.0)
            elif registration is not None:
                registration.take_turn()
        return self._taken()

    def abandon(self, key: str, now: float) -> list[str]:
        """
        Forget all that is held for an account: another process goes on with it.

        Nothing is sent and nobody is told, so its calls and its binding are as they are. For a while requests inside
        its dialogs are answered with 500 and Retry-After, until their peers have heard of the other process.

        :returns: the names of its legs.
        """
        self._layer.now = now
        legs = self._legs_of.pop(key, {})
        for leg in legs:
            del self._legs[leg]
        self._interrupted.pop(key, None)
        self._ua.abandon(legs)
        self._layer.abandon(key)
        self._registrations.pop(key, None)
        self._ua.accounts.pop(key, None)
        return list(legs)

    def unlock(self, account: Account, now: float) -> list[Output]:
        """Give a restored account the credentials that it had not got yet, and register it if the connection is up."""
        self._layer.now = now
        self._unlock(account)
        registration = self._registrations.get(account.key)
        if registration is not None and self._layer.is_connected(account.flow):
            registration.refresh_in(0.0)
        return self._taken()

    def _unlock(self, account: Account) -> None:
        self._layer.touched.add(account.key)
        self._ua.accounts[account.key] = account
        for leg in self._legs_of.get(account.key, {}).values():
            leg.account = account
        registration = self._registrations.get(account.key)
        if registration is not None:
            registration.unlock(account)

    # -- within

    def _taken(self) -> list[Output]:
        outputs, self._layer.outputs = self._layer.outputs, []
        return outputs

    def _leg(self, leg: str, now: float) -> Leg:
        self._layer.now = now
        found = self._legs.get(leg)
        if found is None:
            raise LocalViolation(f"no leg {leg!r}: it has ended")
        self._layer.touched.add(found.account_key)
        return found

    def _transfer_request(self, leg: str, now: float) -> TransferRequest:
        request = self._leg(leg, now).transfer_request
        if request is None:
            raise LocalViolation(f"leg {leg!r} has got no REFER")
        return request

    def _add(self, leg: Leg) -> None:
        self._legs[leg.id] = leg
        self._legs_of.setdefault(leg.account.key, {})[leg.id] = leg
        leg.when_released(self._forget_leg)

    def _forget_leg(self, leg: Leg) -> None:
        self._legs.pop(leg.id, None)
        for of_accounts in (self._legs_of, self._interrupted):
            known = of_accounts.get(leg.account.key)
            if known is not None:
                known.pop(leg.id, None)
                if not known:
                    del of_accounts[leg.account.key]

    def _dispatch(self, flow: int, message: Request | Response) -> None:
        try:
            if isinstance(message, Response):
                if not self._layer.receive_response(flow, message):
                    self._receive_late(flow, message)
            else:
                self._inbound.receive(flow, message)
        except RemoteViolation as violation:
            self._tell(flow, message, [violation.detail, *message.flaws])
        else:
            self._tell(flow, message, message.flaws)

    def _tell(self, flow: int, message: Request | Response, flaws: list[str]) -> None:
        """Report what is wrong with a message, in one line that names it."""
        if not flaws:
            return
        number = "" if isinstance(message, Request) else f"{message.status} to "
        more = f" and {len(flaws) - MAX_FLAWS} more" if len(flaws) > MAX_FLAWS else ""
        told = "; ".join(flaws[:MAX_FLAWS]) + more
        self._layer.fault(flow, f"{number}{message.cseq.method}, Call-ID {message.call_id[:128]}: {told}")

    def _receive_late(self, flow: int, response: Response) -> None:
        """Let a leg take a response for which no transaction waits any more."""
        found = self._ua.find_dialog(response.call_id, response.from_tag, response.to_tag)
        leg = self._legs.get(found[0].id) if found is not None else None
        if leg is not None:
            self._layer.touched.add(leg.account_key)
        if leg is None or not leg.modification.accepted_late(response):
            self._layer.fault(flow, f"response {response.status} to no request of ours")

    def _malformed(self, flow: int, violation: MalformedMessage) -> None:
        """Answer a malformed request as its fault asks for (:rfc:`3261#section-8.2`); drop anything else."""
        named = f"Call-ID {violation.call_id[:128]}: " if violation.call_id else ""
        self._layer.fault(flow, f"{named}{violation.detail}")
        if isinstance(violation, MalformedRequest):
            answer = violation.request.response(violation.status_hint, None, self._ua.tokens.token(64))
            self._layer.send(flow, answer, "")
