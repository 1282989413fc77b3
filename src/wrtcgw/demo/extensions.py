"""The numbers of the demo PBX, and what it knows of each leg."""

import math
from collections.abc import Iterable, Mapping

from attrs import define, field, frozen
from twisted.internet.interfaces import IDelayedCall

from wrtcgw.demo.lines import Line, Sound
from wrtcgw.sdp.description import Direction

DEMO_PASSWORD = "Genesys2024!WebRTC"
"""The password of the seed document's test users; the PBX that takes it listens on loopback only."""
USERS = {str(number): DEMO_PASSWORD for number in range(5001, 5011)}


@frozen
class Extension:
    """A number that the PBX answers itself: refused with ``code``, or picked up after ringing."""

    sound: Sound = Sound.SILENCE
    rings: float = 0.0
    code: int = 0


EXTENSIONS = {
    "1003": Extension(Sound.ECHO),
    "1004": Extension(Sound.TONE, rings=5.0),
    "1005": Extension(code=486),
    "1006": Extension(rings=math.inf),
    "1007": Extension(Sound.SILENCE),
    "1008": Extension(Sound.ECHO),
    "1009": Extension(code=503),
}
SHOWN: Mapping[str, object] = {
    "dn": "5001",
    "password": DEMO_PASSWORD,
    "first": min(USERS),
    "last": max(USERS),
    "number": "1003",
    "numbers": ("1003", "1004", "1005", "1006", "1007", "5002"),
}
"""What the softphone offers to those who try the demo."""


def welcome(url: str) -> str:
    """Return the three lines with which a demo begins: where to go, as whom, and what to do there."""
    return (
        f"\n  Open  {url}/softphone/"
        f"\n  User  {SHOWN['dn']} ({SHOWN['first']} to {SHOWN['last']}); the password is filled in"
        f"\n  Try   call {SHOWN['number']} and hear yourself\n\n"
    )


CARRIED = ("x-data-", "x-genesys-")
"""Beginnings of the names of header fields that are handed on from leg to leg, as SIP Server does with its own."""


def carried(fields: Iterable[tuple[str, str]], uuid: str = "") -> tuple[tuple[str, str], ...]:
    """
    Return the header fields of one leg that its partner is to get.

    :param uuid: the value of ``X-Genesys-CallUUID``, which the core gives apart from the others; empty for none.
    """
    kept = tuple((name, value) for name, value in fields if name.lower().startswith(CARRIED))
    return (("X-Genesys-CallUUID", uuid), *kept) if uuid else kept


@define(eq=False, kw_only=True)
class PBXLeg:
    """
    One leg of the PBX, with an agent at its far end.

    ``partner`` is the leg with which it is, or is to be, connected; without one, the PBX itself plays ``sound``.
    """

    id: str
    number: str
    """The agent's."""
    line: Line
    offer: str | None = None
    """What the agent offered in its INVITE, while that is not answered."""
    answered: bool = False
    partner: "PBXLeg | None" = None
    sound: Sound = Sound.SILENCE
    extension: str = ""
    """The extension it has dialled, or was transferred to."""
    direction: Direction = "sendrecv"
    """As the agent wants it: sendonly while it holds the call."""
    told: Direction = "sendrecv"
    """The partner's ``direction`` as far as this agent was told."""
    timer: IDelayedCall | None = None
    transferring: bool = False
    """The agent has sent a REFER whose outcome is open."""
    heir: "PBXLeg | None" = None
    """The leg that this one, called for a transfer, is to be connected with once it is answered."""
    transferor: "PBXLeg | None" = None
    """The leg whose agent asked for that transfer."""
    headers: tuple[tuple[str, str], ...] = ()
    """What the agent's INVITE or 200 said for the other agent to know; see :func:`carried`."""
    digits: list[str] = field(factory=list)
    """What an extension was sent by INFO."""

    def stop_timer(self) -> None:
        """Cancel what was to happen after ringing."""
        timer, self.timer = self.timer, None
        if timer is not None and timer.active():
            timer.cancel()
