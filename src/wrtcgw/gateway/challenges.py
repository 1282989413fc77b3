"""Challenges that get no credentials, as alarms."""

from wrtcgw.events.catalogue import AlarmKind, AlarmRaised
from wrtcgw.sip.keyring import Refusal
from wrtcgw.sip.outputs import ChallengeIgnored


def ignored_challenge(event: ChallengeIgnored) -> AlarmRaised:
    """Return what tells of somebody who asked for credentials that he does not get."""
    realm, algorithm = event.objection.realm[:80], event.objection.algorithm
    foreign = event.objection.why is Refusal.REALM
    why = "auth_realms does not name it, and the registrar did not use it" if foreign else "digest_algorithms, or"
    text = f"a {event.method} was challenged for realm {realm!r} ({algorithm}) and got no credentials: {why}"
    return AlarmRaised(
        kind=AlarmKind.FOREIGN_REALM if foreign else AlarmKind.WEAK_DIGEST,
        text=text if foreign else f"{text} what this realm has used before, do not allow the algorithm",
        setting="auth_realms" if foreign else "digest_algorithms",
        dn=event.user,
    )
