"""
STUN and TURN servers for pages, with credentials that end by themselves.

The credentials are those of coturn's ``use-auth-secret``
(https://datatracker.ietf.org/doc/html/draft-uberti-behave-turn-rest-00): the username says when they end, the password
is its HMAC under a secret that only the gateway and the TURN servers know.
"""

import base64
import hmac

from wrtcgw.web.settings import IceSettings


def ice_view(settings: IceSettings, dn: str, now: float, *, relays: bool = True) -> dict[str, object]:
    """
    Return the servers as ``RTCPeerConnection`` takes them, and for how long and until when they are good.

    :param dn: whom a TURN server will name in its log.
    :param now: the wall clock's seconds, as the TURN servers count them too.
    :param relays: whether to tell the TURN servers, with credentials.
    """
    expires = int(now) + settings.ttl
    servers: list[dict[str, object]] = []
    if settings.stun:
        servers.append({"urls": list(settings.stun)})
    if settings.turn and relays:
        username = f"{expires}:{dn}"
        credential = turn_credential(settings.secret, username)
        servers.append({"urls": list(settings.turn), "username": username, "credential": credential})
    return {"iceServers": servers, "ttl": settings.ttl, "expires": expires}


def turn_credential(secret: str, username: str) -> str:
    """Return the password that a TURN server with the same secret expects from this username."""
    digest = hmac.digest(secret.encode("utf-8"), username.encode("utf-8"), "sha1")
    return base64.b64encode(digest).decode("ascii")
