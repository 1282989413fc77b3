"""An incoming call as the domain has it: who calls, whom, and what else the INVITE tells that is for the page."""

from collections.abc import Iterable

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState, Direction, FarSide
from wrtcgw.calls.negotiation.machine import Negotiation
from wrtcgw.gateway.attached_data import from_headers
from wrtcgw.gateway.dial_targets import is_plain
from wrtcgw.gateway.settings import GatewaySettings
from wrtcgw.sdp.description import Description
from wrtcgw.sip.identity import Party
from wrtcgw.sip.outputs import CallReceived
from wrtcgw.sip.source import Source
from wrtcgw.sip.subscriber import is_escapable, legible_number

NAMING = frozenset(
    (
        "from",
        "contact",
        "reply-to",
        "referred-by",
        "p-asserted-identity",
        "p-preferred-identity",
        "remote-party-id",
        "identity",
        "call-info",
        "organization",
        "subject",
    )
)
"""Header fields that could name a caller who wants to be unknown (:rfc:`3323#section-4.1`)."""


def new_call(
    event: CallReceived, agent: Agent, offer: Description | None, settings: GatewaySettings, now: float
) -> Call:
    """Return the call that has come for an agent."""
    private = settings.show_private_identity
    caller = event.identity.shown(private=private)
    hidden = event.identity.private and not private
    hear(agent, caller)
    return Call(
        id=event.leg,
        agent_id=agent.id,
        direction=Direction.INBOUND,
        peer=caller.number,
        created=now,
        state=CallState.OFFERED,
        far_side=far_side(event.source, event.identity.party.number if event.identity.private else ""),
        display_name=caller.display_name,
        verstat=caller.verstat,
        called=event.number,
        diversion=tuple(diversion.shown(private=private) for diversion in event.diversions),
        headers=tuple(picked(event.fields, settings.page_headers, NAMING if hidden else frozenset())),
        uuid=event.uuid,
        replaces=event.replaces or "",
        referred_by="" if hidden else legible_number(event.referred_by),
        data=from_headers(event.headers),
        negotiation=Negotiation.inbound(event.leg, offer),
    )


def far_side(source: Source, withheld: str = "") -> FarSide:
    """Return who stands behind a call, as the domain keeps it."""
    return FarSide(source.key, source.names, withheld)


def hear(agent: Agent, party: Party) -> None:
    """Let an agent call a party by the name that it is told, also where nobody else could."""
    name = party.number
    if party.is_callable and not is_plain(name) and is_escapable(name) and name not in agent.heard:
        agent.hear(name)


def picked(
    fields: Iterable[tuple[str, str]], wanted: Iterable[str], hidden: frozenset[str]
) -> Iterable[tuple[str, str]]:
    """Give the wanted fields that are there, by the names that the site has for them; several of a name are joined."""
    values: dict[str, list[str]] = {}
    for name, value in fields:
        values.setdefault(name.lower(), []).append(value)
    for name in wanted:
        if name.lower() in values and name.lower() not in hidden:
            yield name, ", ".join(values[name.lower()])
