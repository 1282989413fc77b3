"""
All that a core holds for one account, as plain data, so that calls and registrations survive the process.

What refers to another thing does so by its place or its name, each thing stands there once, and every deadline is in
one list, in the order in which those of one time fall due. Credentials, challenges and nonces are never in it: whoever
restores an account gives its credentials anew.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import define, frozen

from wrtcgw.sip.client_request import ClientRequest
from wrtcgw.sip.deadlines import TimerOwner
from wrtcgw.sip.dialog import Dialog
from wrtcgw.sip.errors import LocalViolation, RemoteViolation, SnapshotError
from wrtcgw.sip.saving import Restoring, Saving
from wrtcgw.sip.server_request import ServerRequest
from wrtcgw.sip.settings import Account
from wrtcgw.sip.usages.incoming import IncomingLeg
from wrtcgw.sip.usages.leg import Leg, LegState
from wrtcgw.sip.usages.outgoing import OutgoingLeg
from wrtcgw.sip.usages.register import Registration
from wrtcgw.sip.user_agent import UserAgent

VERSION = 1
"""Of the form of the data; a higher one is not read."""

UNREADABLE = (KeyError, IndexError, TypeError, ValueError, AttributeError, LocalViolation, RemoteViolation)


@frozen
class Deadline:
    """What is due, and when."""

    owner: TimerOwner
    name: str
    when: float


@define
class AccountState:
    """What a core holds for one account."""

    registration: Registration | None
    legs: list[Leg]
    """Those that have ended too, as long as an answer to a request of theirs may come."""
    clients: list[ClientRequest]
    servers: list[ServerRequest]

    def owners(self) -> dict[str, TimerOwner]:
        """Return everything that has deadlines, by a name that is the same after a restart."""
        named: dict[str, TimerOwner] = {}
        if self.registration is not None:
            named["registration"] = self.registration
        for leg in self.legs:
            for part, owner in leg.timed.items():
                if owner is not None:
                    named[f"leg {leg.id} {part}".rstrip()] = owner
        named |= {f"client {place}": client for place, client in enumerate(self.clients)}
        return named | {f"server {place}": server for place, server in enumerate(self.servers)}


@frozen
class Restored:
    """An account's state, read but not yet part of a core."""

    state: AccountState
    dialogs: list[tuple[Leg, Dialog]]
    """Those in which requests of the peer find their leg."""
    deadlines: list[Deadline]
    last_ticket: int
    served: bool
    """Whether requests may reach the account; the calls of one that is not served any more go on."""


# -- taking


def snapshot(
    ua: UserAgent, key: str, now: float, registration: Registration | None, legs: Iterable[Leg]
) -> dict[str, object]:
    """
    Return the state of an account as plain data.

    :param legs: those of the account that have not ended.
    """
    saving = Saving(now)
    for client in ua.layer.clients_of(key):
        saving.clients.of(client)
    for server in ua.layer.servers_of(key):
        saving.servers.of(server)
    users = [client.user for client in saving.clients.items]
    known = list(dict.fromkeys([*legs, *(user for user in users if isinstance(user, Leg))]))
    stored_legs = [leg.snapshot(saving) for leg in known]
    clients = saving.clients.items
    stored_clients = [
        {"user": _name(client), **client.snapshot(saving.dialogs.of(client.dialog))} for client in clients
    ]
    state = AccountState(registration, known, clients, saving.servers.items)
    account = ua.accounts.get(key)
    return {
        "version": VERSION,
        "account": key,
        "service_route": [] if account is None else list(account.service_route),
        "realms": None if account is None else account.keyring.snapshot(),
        "last_ticket": ua.last_ticket,
        "registration": None if registration is None else registration.snapshot(),
        "dialogs": [{"leg": _leg_of(ua, dialog), **dialog.snapshot()} for dialog in saving.dialogs.items],
        "servers": [server.snapshot() for server in saving.servers.items],
        "clients": stored_clients,
        "legs": stored_legs,
        "deadlines": _deadlines(ua, state, now),
    }


def _name(client: ClientRequest) -> str:
    """Return the name of the leg that a request belongs to, '' for the registration."""
    return client.user.id if isinstance(client.user, Leg) else ""


def _leg_of(ua: UserAgent, dialog: Dialog) -> str:
    """Return the name of the leg that requests inside ``dialog`` reach, '' when there is none."""
    found = ua.find_dialog(*dialog.key)
    return found[0].id if found is not None and found[1] is dialog else ""


def _deadlines(ua: UserAgent, state: AccountState, now: float) -> list[list[object]]:
    found = [
        (when, rank, owner_name, name)
        for owner_name, owner in state.owners().items()
        for when, rank, name in ua.layer.deadlines.of(owner)
    ]
    return [[owner_name, name, when - now] for when, _, owner_name, name in sorted(found)]


# -- reading


def restore(
    ua: UserAgent,
    data: Mapping[str, Any],
    account: Account,
    taken: float,
    on_gone: Callable[[Registration], None],
) -> Restored:
    """
    Return the state that :func:`snapshot` was taken of; nothing of the core has changed then.

    :param account: the same account, with its credentials; its connection takes the place of the old one.
    :param taken: when the snapshot was taken, in the seconds of this process.
    :param on_gone: for the registration.
    :raises SnapshotError: for data of another version or account, and for what cannot be read.
    """
    try:
        _check(data, account)
        return _restore(ua, data, account, taken, on_gone)
    except UNREADABLE as error:
        detail = f"SIP state of {account.key}: cannot be read: {type(error).__name__}: {error}"
        raise SnapshotError(detail) from error


def _check(data: Mapping[str, Any], account: Account) -> None:
    for name, expected in (("version", VERSION), ("account", account.key)):
        if data[name] != expected:
            found = data[name]
            raise SnapshotError(f"SIP state of {account.key}: expected {name} {expected!r}, found {found!r}")


def _restore(
    ua: UserAgent,
    data: Mapping[str, Any],
    account: Account,
    taken: float,
    on_gone: Callable[[Registration], None],
) -> Restored:
    account.service_route = tuple(data["service_route"])
    if data["realms"] is not None:
        account.keyring.recall(data["realms"])
    registration = None
    if data["registration"] is not None:
        registration = Registration.restore(ua, account, on_gone, data["registration"])
    dialogs = [Dialog.restore(dialog, account.flow) for dialog in data["dialogs"]]
    servers = [ua.layer.restored_server(server, account.flow) for server in data["servers"]]
    restoring = Restoring(taken, dialogs, servers)
    legs = {leg["id"]: _bare_leg(ua, leg, account, restoring) for leg in data["legs"]}
    for client in data["clients"]:
        restoring.clients.append(_client(ua, client, account, restoring, registration, legs))
    for leg in data["legs"]:
        legs[leg["id"]].take_up(leg, restoring)
    state = AccountState(registration, list(legs.values()), restoring.clients, servers)
    owners = state.owners()
    return Restored(
        state,
        [(legs[entry["leg"]], dialog) for entry, dialog in zip(data["dialogs"], dialogs, strict=True) if entry["leg"]],
        [Deadline(owners[owner], name, taken + seconds) for owner, name, seconds in data["deadlines"]],
        data["last_ticket"],
        served=data["realms"] is not None,
    )


def _bare_leg(ua: UserAgent, data: Mapping[str, Any], account: Account, restoring: Restoring) -> Leg:
    """Return a leg that has its name, for what refers to it."""
    if data["kind"] == "incoming":
        return IncomingLeg(ua, account, data["id"], restoring.servers[data["server"]])
    return OutgoingLeg(ua, account, data["id"], account.flow, call_id=data["call_id"], tag=data["tag"])


def _client(
    ua: UserAgent,
    data: Mapping[str, Any],
    account: Account,
    restoring: Restoring,
    registration: Registration | None,
    legs: Mapping[str, Leg],
) -> ClientRequest:
    user = legs[data["user"]] if data["user"] else registration
    if user is None:
        raise ValueError("a REGISTER without a registration")
    authenticator = user.authenticator if isinstance(user, Registration) else account.for_calls(ua.tokens)
    dialog = restoring.dialog(data["dialog"])
    return ClientRequest.restore(ua.layer, data, account.flow, user, dialog=dialog, authenticator=authenticator)


def has_ended(leg: Leg) -> bool:
    """Return whether a leg is there only for late answers."""
    return leg.state is LegState.ENDED
