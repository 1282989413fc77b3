"""What an operator should know at the start about whom the gateway trusts."""

from collections.abc import Iterator
from ipaddress import ip_address

from wrtcgw.config import Settings

BY_ADDRESS = (
    'session_binding = "address": a request without a token passes from the address that signed in, as long as the '
    "session's token was never shown; behind one NAT, terminal server or proxy that is anybody there. "
    '"strict" always wants the token, and suits all pages but those that never show one (curl lines, simple gadgets)'
)
UNNAMED_PROXY = (
    "the gateway listens on loopback only, so a proxy in front is likely, but trusted_proxies names none: then all "
    "agents have the proxy's address, and share its limits. Name it, and let it set X-Real-IP or X-Forwarded-For"
)
OPEN_LOOPBACK = (
    "operator_loopback: every program on this machine is an operator, also a proxy that passes requests on without a "
    "forwarding header. Use operator_tokens in place of it"
)


def trust_warnings(settings: Settings, *, demo: bool) -> Iterator[str]:
    """Return what is worth a warning in the settings of a gateway that is not just tried out."""
    if demo:
        return
    if settings.session_binding == "address":
        yield BY_ADDRESS
    if not settings.trusted_proxies and is_loopback(settings.http_interface):
        yield UNNAMED_PROXY
    if settings.operator_loopback:
        yield OPEN_LOOPBACK


def is_loopback(interface: str) -> bool:
    """Return whether an address to listen on is one of loopback; empty stands for all."""
    return bool(interface) and ip_address(interface).is_loopback
