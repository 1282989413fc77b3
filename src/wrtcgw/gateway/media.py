"""
What the two descriptions of a leg mean together: who holds, and what goes to the far side next.

The page's description stays as the page made it; what is sent is made of it, with the agent's hold applied and with the
origin and version that the far side knows (:rfc:`3264#section-8`).
"""

from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.gateway.legs import Leg
from wrtcgw.gateway.media_direction import needs_page, wish_of_answer
from wrtcgw.gateway.switch import Switch
from wrtcgw.sdp.comparison import is_narrower, leading_formats, only_direction_differs, placed_as, same_session
from wrtcgw.sdp.description import EMPTY, Description
from wrtcgw.sdp.directions import RECEIVING, answered, direction, directions, held, with_directions
from wrtcgw.sdp.dtls_role import reopened, with_negotiated_role, with_role_towards
from wrtcgw.sdp.formats import restricted, with_all_formats


def take_offer(leg: Leg, offer: Description) -> None:
    """Keep an offer of the page that counts."""
    leg.page_sdp = leg.page_offer = offer
    leg.wish = directions(offer)


def take_answer(leg: Leg, answer: Description, offered: Description) -> None:
    """Keep an answer of the page; it says what the page wishes only where ``offered`` left it the choice."""
    leg.page_sdp = answer
    leg.wish = wish_of_answer(leg.wish, answer, offered)


def wanted(leg: Leg) -> Description:
    """Return the page's description with the directions wanted now."""
    return held(leg.page_sdp) if leg.call.held else leg.page_sdp


def renewed(leg: Leg, *, on_hold: bool) -> Description:
    """
    Return an offer made of the description that the far side has of us, with the agent's hold set or not.

    The directions are what the page wishes: its last description may be its answer to a far side that was on hold.
    """
    offer = with_directions(leg.page_sdp, leg.wish)
    return successor(leg, reopened(held(offer) if on_hold else offer))


def successor(leg: Leg, description: Description) -> Description:
    """Return ``description`` as what follows the one that the far side knows of us."""
    return description.following(leg.call.local_sdp or description)


def asked_for(leg: Leg) -> Description:
    """
    Return the offer for a far side that asks for one, made without the page.

    It is the page's present description: same ports, candidates and credentials, the DTLS role open again, a higher
    version even if unchanged. It has all formats of the page's last offer, if that was of the same transport and means
    the same by its payload types. Of a page that has only ever answered nothing more is known than its answer: what
    it has in common with the far side's offer is then offered again. The directions are what the page wishes; where
    the far side's answer goes beyond what the page has applied, the page is told of it afterwards.
    """
    full = with_directions(with_all_formats(leg.page_sdp, leg.page_offer), leg.wish)
    offer = successor(leg, reopened(held(full) if leg.call.held else full))
    return offer.with_version((leg.call.local_sdp or offer).version + 1)


def same_media(leg: Leg, new: Description) -> bool:
    """
    Return whether the far side's new description differs by nothing that matters from the one that the page knows.

    Formats that are left out change nothing for a page that does not send them: third-party call control joins two legs
    so, whose far sides have not the same codecs. A way that opens matters if the page has applied a description that
    closed it.
    """
    known = leg.known_sdp
    new = placed_as(new, known)
    if known == EMPTY or needs_page(leg.wish, leg.page_sdp, known, new):
        return False
    same = same_session(known, new) or only_direction_differs(known, new)
    return same or (
        leading_formats(leg.page_sdp, known) == leading_formats(leg.page_sdp, new) and is_narrower(new, known)
    )


def answer_without_page(leg: Leg, offer: Description) -> Description:
    """
    Return our answer to an offer of which :func:`same_media` is true, made of our description as wanted now.

    The DTLS role is the one that we have since the far side's earlier description (:rfc:`8842#section-5.3`).
    """
    call, known = leg.call, leg.known_sdp
    ours = with_negotiated_role(wanted(leg), call.local_sdp, call.remote_sdp)
    if [stream.formats for stream in known.streams] != [stream.formats for stream in offer.streams]:
        ours = restricted(ours, offer)
    return successor(leg, with_role_towards(answered(ours, offer), call.remote_sdp or offer))


def learn_offer(switch: Switch, leg: Leg, offer: Description) -> None:
    """Take a description that the far side offered: it holds when it does not want to receive."""
    leg.call.remote_sdp = offer
    _note_hold(switch, leg, direction(offer) not in RECEIVING)


def learn_answer(switch: Switch, leg: Leg, answer: Description) -> None:
    """
    Take the far side's answer to a description of ours.

    It tells of a hold only when we were to be heard: to an offer that holds, inactive is as good an answer as recvonly.
    """
    leg.call.remote_sdp = answer
    if direction(answer) in RECEIVING:
        _note_hold(switch, leg, False)
    elif direction(leg.call.local_sdp or answer) == "sendrecv":
        _note_hold(switch, leg, True)


def _note_hold(switch: Switch, leg: Leg, held_by_peer: bool) -> None:
    if leg.call.held_by_peer is not held_by_peer:
        leg.call.held_by_peer = held_by_peer
        tell_hold(switch, leg, held_by_peer, "peer")


def tell_hold(switch: Switch, leg: Leg, on_hold: bool, by: str) -> None:
    """Tell the page that the call was put on hold, or taken from it, by ``peer``, ``local`` or ``server``."""
    kind = MessageType.HOLD if on_hold else MessageType.RESUME
    switch.tell(leg.call, AgentMessage(type=kind, cause=by))


def incoming_offer(leg: Leg) -> AgentMessage:
    """Return the OFFER of a call that rings here."""
    call = leg.call
    return AgentMessage(
        type=MessageType.OFFER,
        sdp=None if call.remote_sdp is None else str(call.remote_sdp),
        display_name=call.display_name,
        replaces=call.replaces,
        auto_answer=call.auto_answer,
        referred_by=call.referred_by,
        data=call.data,
    )


def request_for_offer(cause: str) -> AgentMessage:
    """Return an OFFER without a description: the page is to make one."""
    return AgentMessage(type=MessageType.OFFER, cause=cause)
