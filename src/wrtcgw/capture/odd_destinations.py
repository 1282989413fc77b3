"""
Where a session description wants media to go that no media should go to.

The gateway passes such addresses on, because it cannot know a site's network; whoever looks at the ladder sees them.
What may be reached is for the media server and the TURN server to say (``conf/coturn``).
"""

import re
from ipaddress import ip_address

_DESTINATION = re.compile(
    r"^(?:c=IN IP[46] ([0-9A-Fa-f.:]+)|a=candidate:\S+ \d+ \S+ \d+ ([0-9A-Fa-f.:]+) \d+ )", re.MULTILINE
)
LONGEST = 3
"""So many are named."""
METADATA = ("169.254.169.254", "fd00:ec2::254")
"""Where clouds tell a machine its secrets."""


def odd_destinations(sdp: str) -> list[str]:
    """Return what is odd about the addresses in a description: loopback, link-local, multicast, a cloud's metadata."""
    found = dict.fromkeys(first or second for first, second in _DESTINATION.findall(sdp))
    words = [word for address in found if (word := _oddity(address))]
    return words[:LONGEST]


def _oddity(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    plain = getattr(address, "ipv4_mapped", None) or address
    if str(plain) in METADATA:
        return f"metadata address {text}"
    for kind in ("loopback", "link_local", "multicast"):
        if getattr(plain, f"is_{kind}"):
            return f"{kind.replace('_', '-')} address {text}"
    return ""
