"""
Who stands behind a dialog, as far as its first request tells: what a site's lists of trusted parties are held against.

Anybody can write a From; an asserted identity (:rfc:`3325#section-9.1`) is as good as the proxy that lets it pass.
"""

import re
from collections.abc import Collection, Iterable

from attrs import field, frozen

from wrtcgw.sip.uri import URI

ANYBODY = "*"
CALL_UUID = "x-genesys-calluuid"
"""Stands for whoever sends an X-Genesys-CallUUID: a SIP Server does, for the calls that it controls."""

_SEPARATORS = re.compile(r"[-.()]")


@frozen
class Source:
    """
    One party.

    ``sender`` is its From (for a call of ours whom we call), ``asserted`` are the P-Asserted-Identity values.
    """

    sender: URI = field(factory=URI)
    asserted: tuple[URI, ...] = ()
    has_uuid: bool = False

    @property
    def identities(self) -> tuple[str, ...]:
        """Return what was asserted, each as ``user@host`` or ``tel:number``, in lower case."""
        return tuple(_identity(uri) for uri in self.asserted)

    @property
    def domains(self) -> tuple[str, ...]:
        """Return the domains of what was asserted; that of From where no SIP identity was."""
        asserted = [uri.host for uri in self.asserted if uri.scheme in ("sip", "sips")]
        return tuple(host.lower() for host in asserted or (self.sender.host,))

    @property
    def key(self) -> str:
        """
        Return the party by one word, to tell parties apart: the identity, else From.

        Whoever hides is one party with all others who do (:rfc:`3323#section-4.1.1.3`).
        """
        if self.asserted:
            return self.identities[0]
        anonymous = self.sender.host.lower() == "anonymous.invalid" or (self.sender.user or "anonymous") == "anonymous"
        return "anonymous" if anonymous else _identity(self.sender)

    @property
    def names(self) -> tuple[str, ...]:
        """Return by what lists may name this party: its domains and what was asserted."""
        return (*self.domains, *self.identities)

    def is_one_of(self, parties: Collection[str]) -> bool:
        """Return whether a list names this party; see :func:`is_listed`."""
        return is_listed(self.names, parties, has_uuid=self.has_uuid)


def is_listed(names: Iterable[str], parties: Collection[str], *, has_uuid: bool) -> bool:
    """
    Return whether a list names a party.

    :param names: the party's; see :attr:`Source.names`.
    :param parties: in lower case: domains, asserted identities (``user@host``, ``tel:number``), :data:`CALL_UUID`,
        :data:`ANYBODY`.
    :param has_uuid: whether it has sent an X-Genesys-CallUUID.
    """
    if ANYBODY in parties or (has_uuid and CALL_UUID in parties):
        return True
    return any(name in parties for name in names)


def _identity(uri: URI) -> str:
    """Return a party without what differs from one call to the next: parameters, port, case."""
    if uri.scheme == "tel":
        return "tel:" + _SEPARATORS.sub("", uri.host.split(";", 1)[0]).lower()
    user = (uri.user or "").split(";", 1)[0]
    return f"{user}@{uri.host}".lower()
