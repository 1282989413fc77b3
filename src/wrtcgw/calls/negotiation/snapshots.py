"""
Negotiations as plain data, so that they survive the process.

An order is carried out though nobody waits for it any more, as when a page's request breaks off.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any

from wrtcgw.calls.descriptions import Descriptions
from wrtcgw.calls.negotiation.hold import Hold
from wrtcgw.calls.negotiation.machine import Negotiation
from wrtcgw.calls.negotiation.outputs import Next, OpenOffer, Order, Purpose
from wrtcgw.calls.negotiation.table import NegotiationState
from wrtcgw.sdp.description import Description, parse


def snapshot(negotiation: Negotiation) -> dict[str, object]:
    """Return plain data, from which :func:`restore` makes a negotiation that goes on."""
    offer, then = negotiation.offer, negotiation.next
    return {
        "call_id": negotiation.call_id,
        "state": negotiation.state.value,
        "descriptions": negotiation.descriptions.snapshot(),
        "hold": negotiation.hold.value,
        "held_by_peer": negotiation.held_by_peer,
        "offer": None if offer is None else offer.snapshot(),
        "asked": None if negotiation.asked is None else str(negotiation.asked),
        "put_off": None if negotiation.put_off is None else str(negotiation.put_off),
        "next": {"offer": str(then)} if isinstance(then, Description) else then.value,
        "orders": [[order.purpose.value, order.by] for order in negotiation.orders],
    }


def restore(data: Mapping[str, Any]) -> Negotiation:
    """Return the negotiation that :func:`snapshot` was taken of."""
    then = data["next"]
    return Negotiation(
        call_id=data["call_id"],
        state=NegotiationState(data["state"]),
        descriptions=Descriptions.restore(data["descriptions"]),
        hold=Hold(data["hold"]),
        held_by_peer=data["held_by_peer"],
        offer=None if data["offer"] is None else OpenOffer.restore(data["offer"]),
        asked=_parsed(data["asked"]),
        put_off=_parsed(data["put_off"]),
        next=parse(then["offer"]) if isinstance(then, dict) else Next(then),
        orders=deque(Order(Purpose(purpose), by) for purpose, by in data["orders"]),
    )


def _parsed(text: str | None) -> Description | None:
    return None if text is None else parse(text)
