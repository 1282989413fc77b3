"""
The DTLS association of a call (:rfc:`8842`): which role is ours, and how a new page begins a new one.

A page that was loaded again has another certificate than the one before. Its new fingerprint tells the far side to
begin anew (:rfc:`8842#section-5.1`), but Asterisk (22.10) goes by ``a=setup`` alone: it begins anew when its role
changes, can only take the role again that it had (with the other one it drops the call at the first DTLS packet), and
reads the session's line before the streams'. So it gets an offer that says ``holdconn`` for the session, which means
nothing as every stream says otherwise (:rfc:`4145#section-4`), and for the streams the role that is ours already: it
lets go of its role, takes it again, and begins anew. It is known by ``a=connection``, which :rfc:`8842` has done away
with: neither browsers nor rtpengine send it, and they get the page's own ``actpass``.
"""

from wrtcgw import sdp as descriptions
from wrtcgw.gateway.legs import Leg

_OPEN = "a=setup:actpass"
_LET_GO = "a=setup:holdconn"
_MIRRORED = {"a=setup:active": "a=setup:passive", "a=setup:passive": "a=setup:active"}


def begun_anew(leg: Leg, offer: str) -> str:
    """Return an offer inside the call so that the far side begins a new association, if it has other certificates."""
    ours, theirs = (descriptions.normalise(text or "") for text in (leg.call.local_sdp, leg.call.remote_sdp))
    role = _role(ours, theirs)
    if not role or "\na=connection:" not in theirs or _OPEN not in offer or _certificates(offer) == _certificates(ours):
        return offer
    text = descriptions.normalise(offer).replace(_OPEN, role)
    return text.replace("\nm=", f"\n{_LET_GO}\r\nm=", 1)


def with_role(leg: Leg, answer: str) -> str:
    """Return our description with the role that is ours: an answer must name it, and another means to begin anew."""
    role = _role(*(descriptions.normalise(text or "") for text in (leg.call.local_sdp, leg.call.remote_sdp)))
    return answer.replace(_OPEN, role) if role else answer


def _role(ours: str, theirs: str) -> str:
    """Return our role by the last offer and answer, of which the answer names one; '' when neither does."""
    mirrored = next((_MIRRORED[line] for line in theirs.splitlines() if line in _MIRRORED), "")
    return mirrored or next((line for line in ours.splitlines() if line in _MIRRORED), "")


def _certificates(text: str) -> set[str]:
    return {line for line in text.splitlines() if line.startswith("a=fingerprint:")}
