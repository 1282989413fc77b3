"""
What all usages of one user agent share: its accounts, the dialog table, and the header fields that name it.

The tables are plain dictionaries: finding the leg of a message costs the same with one call and with ten thousand.
"""

from collections.abc import Callable, Container, Iterable
from typing import TYPE_CHECKING, Protocol

from wrtcgw.sip.dialog import Dialog
from wrtcgw.sip.message import Headers, Request
from wrtcgw.sip.outputs import Output
from wrtcgw.sip.settings import ALLOW, ALLOW_EVENTS, Account, UASettings
from wrtcgw.sip.timers import Timers
from wrtcgw.sip.tokens import TokenSource
from wrtcgw.sip.transaction_layer import ClientRequest, RequestUser, ServerRequest, TransactionLayer, Use
from wrtcgw.sip.uri import escape_user

if TYPE_CHECKING:  # legs stand above this module
    from wrtcgw.sip.usages.leg import Leg

HeaderFields = Iterable[tuple[str, str]]

ABANDONED_SECONDS = 64.0
"""How long a peer may take to learn that its dialog goes on elsewhere: twice as long as a request may."""


def _takes_all(account: str, request: Request) -> int:
    return 0


class DialogUser(Protocol):
    """The usage that a dialog belongs to: a leg of a call."""

    id: str
    flow: int
    account: Account

    def receive_request(self, server: ServerRequest, dialog: Dialog) -> None:
        """Take a request inside the dialog whose CSeq was checked."""

    def receive_ack(self, request: Request, dialog: Dialog) -> None:
        """Take an ACK to a 2xx."""


class UserAgent:
    """The ground that registrations and legs stand on."""

    def __init__(self, settings: UASettings, timers: Timers, tokens: TokenSource) -> None:
        self.settings = settings
        self.timers = timers
        self.tokens = tokens
        self.layer = TransactionLayer(settings, timers, tokens)
        self.accounts: dict[str, Account] = {}
        self.legs: dict[str, Leg] = {}
        self.dialogs: dict[tuple[str, str, str], tuple[DialogUser, Dialog]] = {}
        self.abandoned: dict[tuple[str, str, str], float] = {}
        """Dialogs that another process goes on with, and until when their peers may still ask here."""
        self.screen: Callable[[str, Request], int] = _takes_all
        self.last_ticket = 0
        self._next_register = 0.0

    def emit(self, output: Output) -> None:
        """Hand an event up."""
        self.layer.outputs.append(output)

    def next_ticket(self) -> int:
        """Return the number of the next request whose outcome the user of the core is told."""
        self.last_ticket += 1
        return self.last_ticket

    def register_turn(self) -> float:
        """Return in how many seconds a REGISTER that gets no binding kept may be tried again: all take their turn."""
        turn = max(self._next_register, self.layer.now)
        self._next_register = turn + 1 / self.settings.register_rate
        return turn - self.layer.now

    # -- identity

    def contact(self, account: Account, *, registering: bool = False) -> str:
        """
        Return our Contact for ``account``: its key as user, so that requests find their agent (:rfc:`7118#section-5`).

        The host cannot be resolved; in a dialog the ``ob`` parameter says that the flow is the way
        (:rfc:`5626#section-4.3`).
        """
        tail = "" if registering else ";ob"
        return f"<sip:{escape_user(account.key)}@{self.settings.instance}.invalid;transport=ws{tail}>"

    def address_of_record(self, account: Account) -> str:
        """Return the From value of the account, without a tag."""
        aor = f"<sip:{escape_user(account.dn)}@{self.settings.domain}>"
        if not account.display_name:
            return aor
        name = account.display_name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{name}" {aor}'

    def capabilities(self, headers: Headers) -> None:
        """Add what a message that makes or changes a session tells of us."""
        supported = "timer, replaces, outbound"
        headers.add("Supported", f"{supported}, 100rel" if self.settings.offer_100rel else supported)
        self.identify(headers)

    def identify(self, headers: Headers) -> None:
        """Add our methods, the events we take without a subscription, and our name."""
        headers.add("Allow", ALLOW)
        headers.add("Allow-Events", ALLOW_EVENTS)
        headers.add("User-Agent", self.settings.user_agent)

    # -- dialogs

    def add_dialog(self, user: DialogUser, dialog: Dialog) -> None:
        """Let requests inside ``dialog`` reach ``user``."""
        self.dialogs[dialog.key] = (user, dialog)

    def drop_dialog(self, dialog: Dialog) -> None:
        """Forget a dialog that has ended."""
        self.dialogs.pop(dialog.key, None)

    def find_dialog(self, call_id: str, local_tag: str, remote_tag: str) -> tuple[DialogUser, Dialog] | None:
        """Return the usage of the dialog with that ID, or None."""
        return self.dialogs.get((call_id, local_tag, remote_tag))

    def abandon(self, legs: Container[str]) -> None:
        """Forget the dialogs of legs that go on in another process; for a while their peers are told to ask again."""
        now = self.layer.now
        self.abandoned = {key: until for key, until in self.abandoned.items() if until > now}
        for key in [key for key, (user, _) in self.dialogs.items() if user.id in legs]:
            del self.dialogs[key]
            self.abandoned[key] = now + ABANDONED_SECONDS

    def is_abandoned(self, call_id: str, local_tag: str, remote_tag: str) -> bool:
        """Return whether a dialog went to another process not long ago."""
        return self.abandoned.get((call_id, local_tag, remote_tag), 0.0) > self.layer.now

    # -- requests inside a dialog

    def send_in_dialog(
        self,
        user: RequestUser,
        dialog: Dialog,
        method: str,
        use: Use,
        fields: HeaderFields = (),
        body: str = "",
        content_type: str = "",
        *,
        ticket: int = 0,
    ) -> ClientRequest:
        """
        Send a request inside ``dialog``, with our Contact, and credentials when they are asked for.

        The far side gets none unasked: from each answer to a nonce it could try words on the password.

        :returns: the pending request; its responses go to ``user``.
        """
        account = user.account
        request = dialog.request(method)
        headers = request.headers
        if method != "BYE":
            headers.add("Contact", self.contact(account))
        for name, value in fields:
            headers.add(name, value)
        for name, value in account.unasked(method, request.uri, body):
            headers.add(name, value)
        headers.add("User-Agent", self.settings.user_agent)
        if body:
            headers.add("Content-Type", content_type)
            request.body = body
        authenticator = account.for_calls(self.tokens)
        return self.layer.request(
            request, dialog.flow, user, use, authenticator=authenticator, ticket=ticket, dialog=dialog
        )

    def acknowledge(self, dialog: Dialog, invite: Request, account: str) -> Request:
        """
        Send the ACK of a 2xx: a request of its own outside any transaction (:rfc:`3261#section-13.2.2.4`).

        :returns: the ACK, to be sent again for each retransmission of the 2xx.
        """
        ack = dialog.request("ACK", cseq=invite.cseq.number)
        for name in ("Authorization", "Proxy-Authorization"):
            for value in invite.headers.get_all(name):
                ack.headers.add(name, value)
        self.layer.add_via(ack, dialog.flow)
        self.layer.send(dialog.flow, ack, account)
        return ack
