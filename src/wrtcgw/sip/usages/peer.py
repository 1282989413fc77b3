"""Whom a call is connected to, as messages inside it tell: after a transfer by the PBX it is someone else."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import asdict

from wrtcgw.sip.errors import RemoteViolation
from wrtcgw.sip.headers import NameAddr
from wrtcgw.sip.identity import Party, asserted_identity, changed_identity, party_of
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.outputs import PartyIdentified
from wrtcgw.sip.usages.part import PartOf

if TYPE_CHECKING:
    from wrtcgw.sip.usages.leg import Leg


class Peer(PartOf["Leg"]):
    """The far side of one leg."""

    def __init__(self, leg: "Leg") -> None:
        super().__init__(leg)
        self._from: Party | None = None

    def snapshot(self) -> dict[str, object] | None:
        """Return plain data for :meth:`restore`; None while no request inside the call has come."""
        return None if self._from is None else asdict(self._from)

    def restore(self, data: Mapping[str, Any] | None) -> None:
        """Take what :meth:`snapshot` gave."""
        self._from = None if data is None else Party(**data)

    def heed(self, message: Request | Response) -> None:
        """Tell whom the call is connected to now, if a message inside it says so."""
        leg = self._leg
        identity = asserted_identity(message)
        if isinstance(message, Request):
            identity = identity or changed_identity(message, self._from or self._at_first())
            self._from = party_of(message.from_)
        if identity is not None and not leg.told:
            leg.ua.emit(PartyIdentified(leg.id, identity))

    def _at_first(self) -> Party:
        """Return who the far side was when the dialog began."""
        try:
            return party_of(NameAddr.parse(self._leg.dialog.remote))
        except RemoteViolation:
            return Party("")
