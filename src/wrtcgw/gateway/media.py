"""
What the two descriptions of a leg mean together: who holds, and what goes to the far side next.

The page's description stays as the page made it; what is sent is made of it, with the agent's hold applied and with the
origin and version that the far side knows (:rfc:`3264#section-8`).
"""

import re

from wrtcgw import sdp as descriptions
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.gateway.legs import Leg
from wrtcgw.gateway.switch import Switch

_CONNECTION = re.compile(r"(?m)^c=[^\r\n]*")
_NOWHERE = re.compile(r"(?m)^c=IN (?:IP4 0\.0\.0\.0|IP6 ::)(?=\r?$)")

RECEIVING = ("sendrecv", "recvonly")


def wanted(leg: Leg, *, held: bool | None = None) -> str:
    """Return the page's description with the directions wanted now, or with the agent's hold set or not."""
    held = leg.call.held if held is None else held
    return descriptions.held(leg.page_sdp) if held else leg.page_sdp


def renewed(leg: Leg, *, held: bool) -> str:
    """Return an offer made of the description that the far side has of us, with the agent's hold set or not."""
    return successor(leg, descriptions.reoffer(wanted(leg, held=held)))


def successor(leg: Leg, text: str) -> str:
    """Return ``text`` as what follows the description that the far side knows of us."""
    return descriptions.continued(text, leg.call.local_sdp or text)


def asked_for(leg: Leg) -> str:
    """Return the offer for a far side that asks for one: as full as may be, with a higher version even if unchanged."""
    offer = renewed(leg, held=leg.call.held)
    return descriptions.with_version(offer, descriptions.origin_version(leg.call.local_sdp or offer) + 1)


def same_media(leg: Leg, text: str) -> bool:
    """
    Tell whether the far side's new description differs by nothing that matters from the one that the page knows.

    An address of 0.0.0.0 is an old way to hold (:rfc:`3264#section-8.4`), not a new place to send to.
    """
    known = leg.known_sdp
    addresses = _CONNECTION.findall(known)
    if addresses:
        text = _NOWHERE.sub(addresses[0], text)
    return bool(known) and (descriptions.same_session(known, text) or descriptions.only_direction_differs(known, text))


def learn_offer(switch: Switch, leg: Leg, text: str) -> None:
    """Take a description that the far side offered: it holds when it does not want to receive."""
    leg.call.remote_sdp = text
    _note_hold(switch, leg, descriptions.direction(text) not in RECEIVING)


def learn_answer(switch: Switch, leg: Leg, text: str) -> None:
    """
    Take the far side's answer to a description of ours.

    It tells of a hold only when we were to be heard: to an offer that holds, inactive is as good an answer as recvonly.
    """
    leg.call.remote_sdp = text
    if descriptions.direction(text) in RECEIVING:
        _note_hold(switch, leg, False)
    elif descriptions.direction(leg.call.local_sdp or text) == "sendrecv":
        _note_hold(switch, leg, True)


def _note_hold(switch: Switch, leg: Leg, held: bool) -> None:
    if leg.call.held_by_peer is not held:
        leg.call.held_by_peer = held
        tell_hold(switch, leg, held, "peer")


def tell_hold(switch: Switch, leg: Leg, held: bool, by: str) -> None:
    """Tell the page that the call was put on hold, or taken from it, by ``peer``, ``local`` or ``server``."""
    kind = MessageType.HOLD if held else MessageType.RESUME
    switch.tell(leg.call, AgentMessage(type=kind, cause=by))


def incoming_offer(leg: Leg) -> AgentMessage:
    """Return the OFFER of a call that rings here."""
    call = leg.call
    return AgentMessage(
        type=MessageType.OFFER,
        sdp=call.remote_sdp,
        display_name=call.display_name,
        replaces=call.replaces,
        auto_answer=call.auto_answer,
        referred_by=call.referred_by,
    )


def request_for_offer(cause: str) -> AgentMessage:
    """Return an OFFER without a description: the page is to make one."""
    return AgentMessage(type=MessageType.OFFER, cause=cause)
