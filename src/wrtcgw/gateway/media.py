"""
What the two descriptions of a leg mean together: who holds, and what goes to the far side next.

The page's description stays as the page made it; what is sent is made of it, with the agent's hold applied and with the
origin and version that the far side knows (:rfc:`3264#section-8`).
"""

import re

from wrtcgw import sdp as descriptions
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.gateway.associations import with_role
from wrtcgw.gateway.legs import Leg
from wrtcgw.gateway.switch import Switch
from wrtcgw.gateway.ways import RECEIVING, Ways, need_page, ways, wish_of_answer

_CONNECTION = re.compile(r"(?m)^c=[^\r\n]*")
_NOWHERE = re.compile(r"(?m)^c=IN (?:IP4 0\.0\.0\.0|IP6 ::)(?=\r?$)")
_MEDIA = re.compile(r"(?m)^(m=\S+ \S+ \S+ )([^\r\n]*)")
_OWNER = re.compile(r"a=(?:rtpmap|fmtp|rtcp-fb):([^\s*]+)")
"""A line that belongs to one format."""

_TRANSPORT = re.compile(r"(?m)^a=(?:ice-ufrag|ice-pwd|fingerprint):[^\r\n]*")
_STREAM = re.compile(r"(?m)^(?=m=)")


def take_offer(leg: Leg, text: str) -> None:
    """Keep an offer of the page that counts."""
    leg.page_sdp = leg.page_offer = text
    leg.wish = ways(text)


def take_answer(leg: Leg, text: str, offered: str) -> None:
    """Keep an answer of the page; it says what the page wishes only where ``offered`` left it the choice."""
    leg.page_sdp = text
    leg.wish = wish_of_answer(leg.wish, text, offered)


def wanted(leg: Leg) -> str:
    """Return the page's description with the directions wanted now."""
    return descriptions.held(leg.page_sdp) if leg.call.held else leg.page_sdp


def renewed(leg: Leg, *, held: bool) -> str:
    """
    Return an offer made of the description that the far side has of us, with the agent's hold set or not.

    The directions are what the page wishes: its last description may be its answer to a far side that was on hold.
    """
    text = _with_ways(leg.page_sdp, leg.wish)
    return successor(leg, descriptions.reoffer(descriptions.held(text) if held else text))


def successor(leg: Leg, text: str) -> str:
    """Return ``text`` as what follows the description that the far side knows of us."""
    return descriptions.continued(text, leg.call.local_sdp or text)


def asked_for(leg: Leg) -> str:
    """
    Return the offer for a far side that asks for one, made without the page (T2.2, T5.9).

    It is the page's present description: same ports, candidates and credentials, the DTLS role open again, a higher
    version even if unchanged. It has all formats of the page's last offer, if that was of the same transport and means
    the same by its payload types. Of a page that has only ever answered nothing more is known than its answer: what
    it has in common with the far side's offer is then offered again. The directions are what the page wishes; where
    the far side's answer goes beyond what the page has applied, the page is told of it afterwards.
    """
    text = _with_ways(_with_all_formats(leg.page_sdp, leg.page_offer), leg.wish)
    offer = successor(leg, descriptions.reoffer(descriptions.held(text) if leg.call.held else text))
    return descriptions.with_version(offer, descriptions.origin_version(leg.call.local_sdp or offer) + 1)


def _with_ways(text: str, wish: Ways) -> str:
    session, *streams = _STREAM.split(descriptions.normalise(text))
    turned = [
        descriptions.with_direction(session + stream, way)[len(session) :]
        for stream, way in zip(streams, wish, strict=False)
    ]
    return "".join([session, *turned, *streams[len(turned) :]])


def _with_all_formats(text: str, offer: str) -> str:
    """Return ``text`` with the formats of the page's ``offer``, or as it is where they do not go with its transport."""
    session, *streams = _STREAM.split(descriptions.normalise(text))
    offered = _STREAM.split(descriptions.normalise(offer))[1:]
    same = _TRANSPORT.findall(text) == _TRANSPORT.findall(offer) and len(streams) == len(offered)
    if text == offer or not same or not all(map(_has_all_of, offered, streams)):
        return text
    return session + "".join(map(_with_formats_from, streams, offered))


def _has_all_of(offered: str, stream: str) -> bool:
    """Tell whether an offered stream has what ``stream`` has, by the same numbers (:rfc:`3264#section-8.3.2`)."""
    (before, formats), (media, fewer) = (_MEDIA.findall(one)[0] for one in (offered, stream))
    place = descriptions.has_ice("\n" + stream) or before == media
    maps = {line for line in stream.splitlines() if line.startswith("a=rtpmap:")}
    return place and set(fewer.split()) <= set(formats.split()) and maps <= set(offered.splitlines())


def _with_formats_from(stream: str, offered: str) -> str:
    """Return a stream with the formats, and what belongs to them, of another description of it."""
    lines = _MEDIA.sub(rf"\g<1>{_MEDIA.findall(offered)[0][1]}", stream).splitlines()
    place = next((index for index, line in enumerate(lines) if _OWNER.match(line)), len(lines))
    owned = [line for line in offered.splitlines() if _OWNER.match(line)]
    rest = [line for line in lines[place:] if not _OWNER.match(line)]
    return "\r\n".join([*lines[:place], *owned, *rest, ""])


def same_media(leg: Leg, text: str) -> bool:
    """
    Tell whether the far side's new description differs by nothing that matters from the one that the page knows.

    An address of 0.0.0.0 is an old way to hold (:rfc:`3264#section-8.4`), not a new place to send to. Formats that are
    left out change nothing for a page that does not send them: third-party call control joins two legs so, whose far
    sides have not the same codecs. A way that opens matters if the page has applied a description that closed it.
    """
    known = leg.known_sdp
    text = _in_place(known, text)
    if not known or need_page(leg.wish, leg.page_sdp, known, text):
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
    known, ours = leg.known_sdp, with_role(leg, wanted(leg))
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


def is_description(text: str) -> bool:
    """
    Tell whether an offer of the far side is one that could be answered (:rfc:`8866#section-5`).

    Lines that are missing besides are left to the page: its browser knows what it can do without.
    """
    lines = text.splitlines()
    return bool(lines) and lines[0].rstrip() == "v=0" and any(line.startswith("m=") for line in lines)


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
