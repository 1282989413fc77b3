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

from wrtcgw.sdp.description import Description

_OPEN = "a=setup:actpass"
_LET_GO = "a=setup:holdconn"
_MIRRORED = {"a=setup:active": "a=setup:passive", "a=setup:passive": "a=setup:active"}


def reopened(description: Description) -> Description:
    """
    Return a description of ours as an offer inside a session: the DTLS role is open again (:rfc:`8842#section-5.5`).

    The peer's answer must not change the role that was negotiated, so the association stays.
    """
    return description.with_lines(lambda line: _OPEN if line.rstrip() in _MIRRORED else line)


def with_role_towards(description: Description, remote: Description) -> Description:
    """
    Return an answer of ours with a role where it leaves it open: the one that we have by ``remote``, else active.

    An answer must name a role, and a change would mean a new association (:rfc:`8842#section-5.3`).

    :param remote: the peer's description before the offer that is answered.
    """
    return _with_role(description, _mirrored_role(remote) or "a=setup:active")


def with_negotiated_role(answer: Description, local: Description | None, remote: Description | None) -> Description:
    """Return an answer of ours with the role that the last offer and answer gave us; as it is when they gave none."""
    role = _role(local, remote)
    return _with_role(answer, role) if role else answer


def restarted(offer: Description, local: Description | None, remote: Description | None) -> Description:
    """
    Return an offer inside a call so that the far side begins a new association, if it has other certificates.

    :param local: our description as the far side knows it.
    :param remote: the far side's description, as it came last.
    """
    role = _role(local, remote)
    wants_it = remote is not None and any(section.has("connection") for section in (remote.session, *remote.streams))
    is_open = any(_OPEN in line for line in offer.lines)
    if not role or not wants_it or not is_open or _certificates(offer) == _certificates(local):
        return offer
    offer = _with_role(offer, role)
    return Description.of([*offer.session.lines, _LET_GO], offer.streams)


def _with_role(description: Description, role: str) -> Description:
    return description.with_lines(lambda line: line.replace(_OPEN, role))


def _role(local: Description | None, remote: Description | None) -> str:
    """Return our role by the last offer and answer, of which the answer names one; '' when neither does."""
    mirrored = _mirrored_role(remote) if remote else ""
    return mirrored or next((line for line in map(str.rstrip, local.lines if local else ()) if line in _MIRRORED), "")


def _mirrored_role(remote: Description) -> str:
    return next((_MIRRORED[line] for line in map(str.rstrip, remote.lines) if line in _MIRRORED), "")


def _certificates(description: Description | None) -> set[str]:
    lines = description.lines if description else ()
    return {line.rstrip() for line in lines if line.startswith("a=fingerprint:")}
