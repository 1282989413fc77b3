"""
Registrations (:rfc:`3261#section-10.2`): one binding for each account, kept alive while the agent is signed in.

A failed refresh does not end it: it is tried again for ever with growing waits, unless the registrar says no for good.
A sign-in with another password is tried beside the binding that exists, and takes its place only when
the registrar accepts it.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from attrs import define, field

from wrtcgw.sip.delta import CEILING, FLOOR, floored, seconds_of
from wrtcgw.sip.dialog import SKIPPED
from wrtcgw.sip.digest import Authenticator
from wrtcgw.sip.headers import NameAddr
from wrtcgw.sip.message import Headers, Request, Response
from wrtcgw.sip.outputs import Registered, RegistrationFailed, Unregistered
from wrtcgw.sip.settings import Account
from wrtcgw.sip.tokens import TokenSource
from wrtcgw.sip.transaction_layer import ClientRequest, LocalResponse, Use
from wrtcgw.sip.unanswerable import no_use_in
from wrtcgw.sip.uri import URI, equivalent
from wrtcgw.sip.usages.headers_of_interest import told_by
from wrtcgw.sip.user_agent import UserAgent

PERMANENT = frozenset((401, 403, 404, 407))
"""Refusals that trying again does not change."""
MAX_REFUSED = 3
"""
How often in a row such a refusal is heard before only a sign-in brings another try.

Each new connection brings one, since the registrar may have lost its users for a while; but where the password was
changed, it may lock an account that keeps trying.
"""
LATE = 0.1
"""
Seconds by which a turn may be late and still be used.

A process that has stood still for longer would use all that were missed meanwhile at once, and flood a proxy that has
just come back: they wait for another turn.
"""
MAX_RAISED = 5
"""How often a 423 may ask for a longer interval: each proxy on the way may have its own minimum."""


class RegistrationState(Enum):
    """Whether the registrar holds our binding."""

    UNREGISTERED = "unregistered"
    REGISTERED = "registered"
    REFUSED = "refused"
    """The registrar said no for good to a binding that existed before."""
    LEAVING = "leaving"
    """Its un-REGISTER was under way when the process before ended: it is said again over the next connection."""


@define(eq=False)
class Attempt:
    """One REGISTER that is out or waits: with whose credentials, and for how long."""

    account: Account
    authenticator: Authenticator = field(repr=False)
    expires: int
    is_refresh: bool
    """Whether the credentials were accepted before; else its failure leaves what exists untouched."""
    raised: int = 0
    """How often a 423 has lengthened it."""
    began: float | None = None
    """When it was sent first; None when that is not known."""

    def snapshot(self) -> dict[str, object]:
        """Return plain data for :meth:`restore`, without what it proves itself with."""
        return {"expires": self.expires, "is_refresh": self.is_refresh, "raised": self.raised}

    @classmethod
    def restore(cls, data: Mapping[str, Any], account: Account, tokens: TokenSource) -> "Attempt":
        """Return the attempt that :meth:`snapshot` was taken of, with the credentials of ``account``."""
        is_refresh = data["is_refresh"]
        authenticator = account.credentials(tokens) if is_refresh else account.new_credentials(tokens)
        return cls(account, authenticator, data["expires"], is_refresh, data["raised"])


class Registration:
    """The binding of one account at the registrar."""

    def __init__(
        self,
        ua: UserAgent,
        account: Account,
        on_gone: Callable[["Registration"], None],
        *,
        call_id: str = "",
        tag: str = "",
    ) -> None:
        """
        Make a registration that has sent nothing yet.

        :param on_gone: called when there is no binding any more and none is asked for.
        :param call_id: with ``tag``, of one that goes on; new ones are drawn for any other.
        """
        self.ua = ua
        self.account = account
        self.state = RegistrationState.UNREGISTERED
        self._on_gone = on_gone
        self._on_registered: Callable[[Registration], None] = lambda registration: None
        self._refresh_missed = False
        self._call_id = call_id or ua.tokens.token()
        self._tag = tag or ua.tokens.token(64)
        self._cseq = 0
        self._expires = ua.settings.register_expires
        self._failures = 0
        self._refusals = 0
        self._turn = 0.0
        """When its turn is, while it waits for that."""
        self._waiting: list[Attempt] = []
        self._current: Attempt | None = None

    def snapshot(self) -> dict[str, object]:
        """Return plain data for :meth:`restore`: no password, no hash of one, and no challenge."""
        return {
            "state": self.state.value,
            "call_id": self._call_id,
            "tag": self._tag,
            "cseq": self._cseq,
            "expires": self._expires,
            "failures": self._failures,
            "refusals": self._refusals,
            "refresh_missed": self._refresh_missed,
            "waiting": [attempt.snapshot() for attempt in self._waiting],
            "current": None if self._current is None else self._current.snapshot(),
        }

    @classmethod
    def restore(
        cls, ua: UserAgent, account: Account, on_gone: Callable[["Registration"], None], data: Mapping[str, Any]
    ) -> "Registration":
        """
        Return the registration that :meth:`snapshot` was taken of, with the credentials of ``account``.

        The REGISTER that is out, if there is one, and the deadlines are restored by whoever restores this.
        """
        registration = cls(ua, account, on_gone, call_id=data["call_id"], tag=data["tag"])
        registration.state = RegistrationState(data["state"])
        registration._cseq, registration._expires = data["cseq"], data["expires"]
        registration._failures, registration._refresh_missed = data["failures"], data["refresh_missed"]
        registration._refusals = data.get("refusals", 0)  # a record of before this was kept
        registration._waiting.extend(Attempt.restore(attempt, account, ua.tokens) for attempt in data["waiting"])
        if data["current"] is not None:
            registration._current = Attempt.restore(data["current"], account, ua.tokens)
        return registration

    @property
    def account_key(self) -> str:
        """Return the key of the account."""
        return self.account.key

    @property
    def authenticator(self) -> Authenticator:
        """Return what answers the challenges to the REGISTER that is out."""
        return self.account.credentials(self.ua.tokens) if self._current is None else self._current.authenticator

    def when_registered(self, callback: "Callable[[Registration], None]") -> None:
        """
        Have ``callback`` called after each 2xx to a REGISTER that asks for a binding, and when one is refused for good.

        Whatever waits for the registration over a new connection need not wait any longer then.
        """
        self._on_registered = callback

    def sign_in(self, account: Account) -> None:
        """
        Register with the credentials of ``account``: the registrar decides, whatever it said before.

        No challenge of an earlier sign-in is used, so that a wrong password cannot pass on the strength of a right one.
        """
        if self.state is RegistrationState.REGISTERED and self.account is not account:
            account.keyring.inherit(self.account.keyring)
        authenticator = account.new_credentials(self.ua.tokens)
        self._try(Attempt(account, authenticator, self._expires, is_refresh=False))

    def refresh(self) -> None:
        """Register again with the credentials that were accepted before; after what is under way, if that fails."""
        if self._current is not None:
            self._refresh_missed = True
        elif self.state is RegistrationState.LEAVING:
            self.sign_out()
        elif self._may_register:
            credentials = self.account.credentials(self.ua.tokens)
            self._try(Attempt(self.account, credentials, self._expires, is_refresh=True))
        elif self.state is RegistrationState.REFUSED:
            self._on_registered(self)  # its calls go on over the new connection all the same

    @property
    def _may_register(self) -> bool:
        """Whether the credentials that were accepted before may be tried again."""
        is_over = self.state is RegistrationState.UNREGISTERED or self._refusals >= MAX_REFUSED
        return not is_over and not self.account.keyring.is_empty

    def sign_out(self) -> None:
        """
        Remove the binding (:rfc:`3261#section-10.2.2`).

        Sign-ins that wait are dropped and told 487; one that is out already is undone after its answer.
        """
        for attempt in self._waiting:
            if attempt.expires:
                self.ua.emit(RegistrationFailed(attempt.account.key, 487, "signed out"))
        self._waiting.clear()
        self._disarm()
        if self._current is not None and not self._current.expires:
            return
        self._try(Attempt(self.account, self.account.credentials(self.ua.tokens), 0, is_refresh=True))

    def unlock(self, account: Account) -> None:
        """Go on with the credentials of ``account``: a restored registration had none until now."""
        account.keyring.recall(self.account.keyring.snapshot())
        account.service_route = self.account.service_route
        self.account = account

    def skip_numbers(self) -> None:
        """Leave out the numbers that the process before may have used since this was kept."""
        self._cseq += SKIPPED

    def process_lost(self) -> None:
        """
        Take it that the process before this one has ended: what it was about to remove is still to be removed.

        Without credentials that is in vain; then it is forgotten with the request that was out.
        """
        last = self._waiting[-1] if self._waiting else self._current
        if last is not None and not last.expires and not self.account.keyring.is_empty:
            self.state = RegistrationState.LEAVING
            self._waiting.clear()
            self._current = None  # nobody waits for what becomes of its request

    def connection_lost(self) -> None:
        """Wait for the core to say when to register over the new connection."""
        self._disarm()

    def refresh_in(self, seconds: float) -> None:
        """Register again in ``seconds``."""
        self._disarm()
        self.ua.layer.arm(self, "refresh", seconds)

    def take_turn_in(self, seconds: float) -> None:
        """Register again in ``seconds``, but with those of all accounts not more often than at ``register_rate``."""
        self._disarm()
        self.ua.layer.arm(self, "again", seconds)

    def take_turn(self) -> None:
        """Register again as soon as it is its turn: at once, if no other one waits."""
        self._disarm()
        wait = self.ua.register_turn()
        if wait > 0:
            self._turn = self.ua.layer.now + wait
            self.ua.layer.arm(self, "turn", wait)
        else:
            self.refresh()

    def _disarm(self) -> None:
        for name in ("refresh", "again", "turn"):
            self.ua.layer.disarm(self, name)

    def on_timer(self, name: str) -> None:
        """Refresh the binding, or try again what failed."""
        if name == "again" or (name == "turn" and self.ua.layer.now - self._turn > LATE):
            self.take_turn()
        else:
            self.refresh()

    # -- one REGISTER after the other: RFC 3261 section 10.2 forbids a new one while another is pending

    def _try(self, attempt: Attempt) -> None:
        self._waiting.append(attempt)
        if self._current is None:
            self._send_next()

    def _send_next(self) -> None:
        self._current = attempt = self._waiting.pop(0)
        ua = self.ua
        attempt.began = ua.layer.now if attempt.began is None else attempt.began
        aor = ua.address_of_record(attempt.account)
        uri = f"sip:{ua.settings.domain}"
        contact = ua.contact(attempt.account, registering=True)
        headers = Headers(
            (
                ("Max-Forwards", "70"),
                ("From", f"{aor};tag={self._tag}"),
                ("To", aor),
                ("Call-ID", self._call_id),
                ("CSeq", f"{self.next_cseq()} REGISTER"),
                ("Contact", f"{contact};expires={attempt.expires}{self._instance()}"),
                ("Expires", str(attempt.expires)),
            )
        )
        headers.add("Supported", "path, outbound")
        ua.identify(headers)
        for name, value in attempt.authenticator.cached("REGISTER", uri, ""):
            headers.add(name, value)
        request = Request("REGISTER", uri, headers)
        # a sign-in waits for 64·T1: its late 200 has to be heard, or a binding would be left that nobody removes
        limit = ua.settings.register_timeout if attempt.is_refresh and attempt.expires else 0.0
        flow, credentials = attempt.account.flow, attempt.authenticator
        ua.layer.request(request, flow, self, Use.REGISTER, authenticator=credentials, limit=limit)

    def _instance(self) -> str:
        """Return the parameters that let the registrar replace our binding by a newer one (:rfc:`5626#section-4.1`)."""
        urn = self.ua.settings.instance_of(self.account.key)
        return f';+sip.instance="<{urn}>";reg-id=1' if urn else ""

    def next_cseq(self) -> int:
        """Return the number of the next REGISTER."""
        self._cseq += 1
        return self._cseq

    def request_over(self) -> None:
        """Keep nothing, and so let nothing go."""

    def take_response(self, client: ClientRequest, response: Response) -> None:
        """Take a response to the REGISTER that is out."""
        attempt = self._current
        if response.status < 200 or attempt is None:
            return
        if response.status == 423 and self._lengthen(attempt, response):
            self._waiting.insert(0, attempt)
            self._send_next()
            return
        self._current = None
        if not attempt.expires:
            self._removed(response)
        elif response.status < 300:
            self._accepted(attempt, response)
        else:
            self._failed(attempt, response)
        missed, self._refresh_missed = self._refresh_missed, False
        if self._waiting:
            self._refresh_missed = missed
            self._send_next()
        elif missed and response.status >= 300:
            self.refresh()

    def _lengthen(self, attempt: Attempt, response: Response) -> bool:
        """Take the Min-Expires of a 423 (:rfc:`3261#section-10.2.8`); False when it is of no use."""
        minimum = seconds_of(response.headers.get("Min-Expires"))
        if minimum is None or minimum <= attempt.expires or not attempt.expires or attempt.raised == MAX_RAISED:
            return False
        attempt.raised += 1
        self._expires = attempt.expires = minimum
        return True

    # -- outcomes

    def _accepted(self, attempt: Attempt, response: Response) -> None:
        """Take the binding: how long it lives, and the way for requests of ours (:rfc:`3608#section-5`)."""
        attempt.account.authenticator = attempt.authenticator
        attempt.account.settle()
        attempt.account.service_route = tuple(response.read_routes("Service-Route"))
        self.account = attempt.account
        self.ua.accounts[self.account.key] = self.account
        self.state = RegistrationState.REGISTERED
        granted = self._granted(response)
        if not granted:
            self._nothing_granted(response)
            return
        self._failures = self._refusals = 0
        wait = min(granted, CEILING) * self.ua.tokens.uniform(0.5, 0.9)
        if wait < FLOOR:
            self.take_turn_in(FLOOR)
        else:
            self.refresh_in(wait)
        took = None if attempt.began is None else self.ua.layer.now - attempt.began
        self.ua.emit(Registered(self.account.key, granted, took))
        self._on_registered(self)

    def _nothing_granted(self, response: Response) -> None:
        """Wait, each time longer: the registrar keeps no binding of ours, whatever its status code says."""
        self._failures += 1
        ceiling = max(FLOOR, min(self.ua.settings.register_max_retry_delay, FLOOR * 2 ** min(self._failures, 10)))
        retry_in = floored(self.ua.tokens.uniform(ceiling / 2, ceiling))
        self.take_turn_in(retry_in)
        detail = "the registrar answered, but granted 0 seconds: it keeps no binding"
        self.ua.emit(RegistrationFailed(self.account.key, response.status, response.reason, retry_in, detail=detail))
        self._on_registered(self)

    def _granted(self, response: Response) -> float:
        """
        Return the seconds granted to our binding; 0 when it was not kept.

        They stand in our Contact, else in Expires, else they are what we asked for. When none of several Contacts is
        ours the smallest value counts: a refresh too early costs little.
        """
        general = seconds_of(response.headers.get("Expires"))
        default = self._expires if general is None else general
        contacts = response.read_list("Contact", NameAddr)
        own = self._own(contacts)
        values = [seconds_of(contact.param("expires")) for contact in own or contacts]
        seconds = [default if value is None else value for value in values] or [default]
        return min(seconds) if own or not contacts else floored(min(seconds))

    def _own(self, contacts: list[NameAddr]) -> list[NameAddr]:
        """
        Return those of a registrar's Contacts that are ours.

        A binding is known by instance-id and reg-id (:rfc:`5626#section-6`), else by its URI
        (:rfc:`3261#section-19.1.4`), also one whose parameters were left out; a proxy that rewrites host and port makes
        of the only one ours.
        """
        uri = NameAddr.parse(self.ua.contact(self.account, registering=True)).uri
        urn = self.ua.settings.instance_of(self.account.key).lower()
        for found in (
            [each for each in contacts if urn and _instance_of(each) == (urn, "1")],
            [each for each in contacts if equivalent(each.uri, uri)],
            [each for each in contacts if _place(each.uri) == _place(uri)],
        ):
            if found:
                return found
        return contacts if len(contacts) == 1 else []

    def _removed(self, response: Response) -> None:
        self.state = RegistrationState.UNREGISTERED
        self._refresh_missed = False
        self._disarm()
        self.ua.emit(Unregistered(self.account.key, response.status))
        if not self._waiting:
            self._on_gone(self)

    def _failed(self, attempt: Attempt, response: Response) -> None:
        timeout = isinstance(response, LocalResponse) and response.status == 408
        permanent = response.status in PERMANENT
        retry_in = None
        if attempt.is_refresh and not permanent:
            retry_in = self._retry_delay(response)
            self.take_turn_in(retry_in)
        elif attempt.is_refresh:
            self.state = RegistrationState.REFUSED
            self._refusals += 1
            retry_in = 0.0 if self._waiting else None  # with other credentials: that one has an outcome of its own
            self._on_registered(self)
        told = no_use_in(response), *told_by(response)
        failure = RegistrationFailed(self.account.key, response.status, response.reason, retry_in, timeout, *told)
        self.ua.emit(failure)
        if not attempt.is_refresh and self.state is RegistrationState.UNREGISTERED and not self._waiting:
            self._on_gone(self)

    def _retry_delay(self, response: Response) -> float:
        """Return the wait before the next try: Retry-After, or growing with each failure, with full jitter."""
        self._failures += 1
        settings = self.ua.settings
        asked = seconds_of(response.headers.get("Retry-After"))
        if asked is not None:
            return floored(asked)
        ceiling = min(settings.register_max_retry_delay, settings.register_retry_delay * 2 ** min(self._failures, 10))
        return self.ua.tokens.uniform(settings.register_retry_delay / 2, ceiling)


def _instance_of(contact: NameAddr) -> tuple[str, str]:
    """Return instance-id and reg-id of a binding; a registrar that does not know reg-id may leave it out."""
    urn = (contact.param("+sip.instance") or "").strip("<> ").lower()
    return urn, contact.param("reg-id") or "1"


def _place(uri: URI) -> tuple[str | None, str]:
    return uri.user, uri.host.lower()
