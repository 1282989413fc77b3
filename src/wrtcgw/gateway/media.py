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
_MEDIA = re.compile(r"(?m)^(m=\S+ \S+ \S+ )([^\r\n]*)")
_OWNER = re.compile(r"a=(?:rtpmap|fmtp|rtcp-fb):([^\s*]+)")
"""A line that belongs to one format."""

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

    An address of 0.0.0.0 is an old way to hold (:rfc:`3264#section-8.4`), not a new place to send to. Formats that are
    left out change nothing for a page that does not send them: third-party call control joins two legs so, whose far
    sides have not the same codecs.
    """
    known = leg.known_sdp
    text = _in_place(known, text)
    if not known:
        return False
    same = descriptions.same_session(known, text) or descriptions.only_direction_differs(known, text)
    return same or (_leading(leg, known) == _leading(leg, text) and _is_narrower(known, text))


def _in_place(known: str, text: str) -> str:
    addresses = _CONNECTION.findall(known)
    return _NOWHERE.sub(addresses[0], text) if addresses else text


def _is_narrower(known: str, text: str) -> bool:
    """Tell whether a description only leaves out formats of the one that is known, and no stream loses all."""
    return all(_formats(text)) and descriptions.only_direction_differs(_with_formats_of(text, known), text)


def _leading(leg: Leg, text: str) -> list[str]:
    """Return what a page sends by that description: of each stream the first format that the page has as well."""
    ours = _formats(leg.page_sdp)
    return [
        next((one for one in theirs if one in mine), "") for theirs, mine in zip(_formats(text), ours, strict=False)
    ]


def answering(leg: Leg, text: str) -> str:
    """Return our description as wanted now, for the answer to an offer of which :func:`same_media` is true."""
    known, ours = leg.known_sdp, wanted(leg)
    return ours if _formats(known) == _formats(text) else _with_formats_of(text, ours)


def _with_formats_of(text: str, description: str) -> str:
    """Return ``description`` without the formats, and what belongs to them, that ``text`` does not have."""
    wanted = iter(_formats(text))
    formats: list[str] = []
    lines = []
    for line in descriptions.normalise(description).splitlines():
        media, owner = _MEDIA.match(line), _OWNER.match(line)
        if media:
            ours, theirs = media[2].split(), next(wanted, [])
            formats = [one for one in ours if one in theirs] or ours
            lines.append(media[1] + " ".join(formats))
        elif owner is None or owner[1] in formats:
            lines.append(line)
    return "\r\n".join([*lines, ""])


def _formats(text: str) -> list[list[str]]:
    """Return the formats of each stream."""
    return [found[2].split() for found in _MEDIA.finditer(text)]


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
        data=call.data,
    )


def request_for_offer(cause: str) -> AgentMessage:
    """Return an OFFER without a description: the page is to make one."""
    return AgentMessage(type=MessageType.OFFER, cause=cause)
