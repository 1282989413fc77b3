"""
Who a message is from and whom it was for, as a page is to be told it.

Every caller and every number that people see is made here, by :func:`party_of`. Nothing is refused: what cannot be read
is left out (:rfc:`3261#section-8.2.2`).
"""

import re
from itertools import pairwise

from attrs import evolve, frozen

from wrtcgw.sip.headers import NameAddr
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.subscriber import legible_name, legible_number, verification, written
from wrtcgw.sip.uri import URI

ANONYMOUS = "anonymous"
WITHHOLDING = frozenset({"id", "user", "header"})
"""Values of Privacy with which a caller's identity is not for the callee (:rfc:`3323#section-4.2`, :rfc:`3325`)."""
HISTORY_WITHHOLDING = frozenset({"history", "header"})
"""Values of Privacy that cover History-Info (:rfc:`7044#section-10.1.2`)."""
_CONCEALING = frozenset({"full", "uri"})
"""Values of the parameter privacy, of Remote-Party-ID and of Diversion, with which a number is not for the callee."""
MAX_DIVERSIONS = 20
"""How many diverters are told of; a call that came over more of them is a loop."""

# RFC 4458 section 2 and RFC 6044 section 7.2: why a call was diverted, as Diversion says it
_REASONS = {
    302: "unconditional",
    404: "unknown",
    408: "no-answer",
    480: "deflection",
    486: "user-busy",
    487: "deflection",
    503: "unavailable",
    600: "user-busy",
}
_CAUSE = re.compile(r"(?:^|,)\s*SIP\s*;(?:[^,]*;)?\s*cause\s*=\s*\"?([0-9]{3})", re.IGNORECASE)
_INDEX = re.compile(r"[0-9]+(?:\.[0-9]+)*")


@frozen
class Party:
    """
    Someone at an end of a call, for people; ``verstat`` is the network's word on the number.

    ``is_callable``: the number is a user that can be called, and no whole URI or stand-in.
    """

    number: str
    display_name: str = ""
    verstat: str = ""
    is_callable: bool = True


WITHHELD = Party(ANONYMOUS, "Anonymous", is_callable=False)
"""Stands for one who wants to be unknown (:rfc:`3323#section-4.1`)."""


@frozen
class Identity:
    """Who the sender of a message is, and whether it wants that to be kept from the other side."""

    party: Party
    private: bool = False

    def shown(self, *, private: bool) -> Party:
        """Return who it is for the other side; ``private`` lets that know also what is to be kept from it."""
        return self.party if private or not self.private else WITHHELD


@frozen
class Diversion:
    """
    Someone whom the call was for before, and why it went on: a word of :rfc:`5806`.

    ``private``: who that was is to be kept from the callee.
    """

    number: str
    reason: str = "unknown"
    private: bool = False

    def shown(self, *, private: bool) -> tuple[str, str]:
        """Return number and reason for the callee; ``private`` lets it know also what is to be kept from it."""
        return self.number if private or not self.private else ANONYMOUS, self.reason


def party_of(address: NameAddr) -> Party:
    """Return the party that a header field names, legibly: what cannot be seen disguises nobody."""
    uri = address.uri
    user = written(uri)
    number, name = legible_number(user), legible_name(address.display_name)
    is_callable = _is_someone(uri) and number == user and user.lower() != ANONYMOUS
    return Party(number, name, verification(uri), is_callable=is_callable)


def caller_of(request: Request) -> NameAddr:
    """
    Return who calls: whom a trusted proxy asserts (:rfc:`3325#section-9.1`), else From.

    An assertion without a user says only which PBX it is.
    """
    return next(iter(_callers(request)), request.from_)


def identity_of(request: Request) -> Identity:
    """Return the identity of who sends a request outside of a dialog."""
    return _identity(request, [*_callers(request), request.from_])


def _callers(request: Request) -> list[NameAddr]:
    """Return whom the network asserts to call: a Remote-Party-ID may be about the callee instead."""
    return [address for address in _asserted(request) if (address.param("party") or "").lower() != "called"]


def asserted_identity(message: Request | Response) -> Identity | None:
    """Return whom the network says that the sender of a message inside a call is now; None when it does not say."""
    told = _asserted(message)
    return _identity(message, told) if told else None


def changed_identity(request: Request, before: Party) -> Identity | None:
    """
    Return the identity in From of a request inside a call, where it is another one than ``before``; else None.

    Only a peer that says so may change it (:rfc:`4916#section-4`); others write From as they like.
    """
    knows = any(request.headers.has_option(name, "from-change") for name in ("Supported", "Require"))
    return _identity(request, [request.from_]) if knows and party_of(request.from_) != before else None


def _asserted(message: Request | Response) -> list[NameAddr]:
    """Return the users that the network asserts, the most trusted word first."""
    told = [*message.read_list("P-Asserted-Identity", NameAddr), *message.read_list("Remote-Party-ID", NameAddr)]
    return [address for address in told if _is_someone(address.uri)]


def _is_someone(uri: URI) -> bool:
    """Return whether a URI names a user or number: not a host alone, nor a sign that stands for nothing."""
    user = written(uri)
    return user != str(uri) and any(char.isalnum() or char in "*#" for char in user)


def _identity(message: Request | Response, told: list[NameAddr]) -> Identity:
    """Return the first one, with what the others know of the same number."""
    first = told[0]
    party = party_of(first)
    for other in map(party_of, told[1:]):
        if other.number == party.number:
            name, verstat = party.display_name or other.display_name, party.verstat or other.verstat
            party = evolve(party, display_name=name, verstat=verstat)
    restrictions = set().union(*map(_restrictions, told))
    if "name" in restrictions:
        party = evolve(party, display_name="")
    return Identity(party, bool(restrictions & _CONCEALING or _privacy(message) & WITHHOLDING))


def _privacy(message: Request | Response) -> set[str]:
    """Return the values of Privacy (:rfc:`3323#section-4.2`)."""
    return _words(";".join(message.headers.get_all("Privacy")))


def _restrictions(address: NameAddr) -> set[str]:
    """
    Return what Remote-Party-ID or Diversion asks to be kept from the callee: ``full``, ``name``, ``uri``.

    ``full-network`` and the like tell beside that who is to see to it (draft-ietf-sip-privacy-04 section 5.1).
    """
    return {word.partition("-")[0] for word in _words(address.param("privacy") or "")}


def _words(values: str) -> set[str]:
    return {value.strip(' \t"').lower() for value in re.split("[;,]", values)} - {""}


def called_of(request: Request) -> str:
    """Return the number that was dialled: P-Called-Party-ID (:rfc:`7315#section-4.2`), else To."""
    told = [address for address in request.read_list("P-Called-Party-ID", NameAddr) if _is_someone(address.uri)]
    return party_of(told[0] if told else request.to).number


# -- who the call was for before


def diversions_of(request: Request) -> tuple[Diversion, ...]:
    """
    Return whom the call was for before, the first one first, from Diversion and History-Info (:rfc:`6044`).

    Where both tell of diversions, who only the shorter one knows is told before the others.
    """
    ways = _from_diversion(request), _from_history(request)
    longer, shorter = sorted(ways, key=len, reverse=True)
    known = {diversion.number for diversion in longer}
    more = [diversion for diversion in shorter if diversion.number not in known]
    return tuple([*more, *longer][:MAX_DIVERSIONS])


def _from_diversion(request: Request) -> list[Diversion]:
    """Read Diversion, whose topmost element is the last diverter (:rfc:`6044#section-6`)."""
    return [
        Diversion(
            party_of(address).number,
            (address.param("reason") or "unknown").lower(),
            bool(_restrictions(address) & _CONCEALING),
        )
        for address in reversed(request.read_list("Diversion", NameAddr))
    ]


def _from_history(request: Request) -> list[Diversion]:
    """
    Read History-Info (:rfc:`7044#section-5`).

    An entry with a cause (:rfc:`4458#section-2`) is where a call went that was diverted, by the entry before or the one
    that it names; of older peers the Reason with the diverter's own entry tells (:rfc:`4244#section-4.1`).
    """
    entries = request.read_list("History-Info", NameAddr)
    private = bool(_privacy(request) & HISTORY_WITHHOLDING)
    by_index = {entry.param("index") or "": entry for entry in entries}
    found: dict[int, Diversion] = {}
    for before, entry in pairwise(entries):
        cause = _number(entry.uri.param("cause"))
        if cause in _REASONS:
            diverter = by_index.get(_diverter_index(entry), before)
            found.setdefault(id(diverter), _diversion(diverter, cause, private))
    if not found:
        for entry in entries[:-1]:
            cause = _reason(entry)
            if cause in _REASONS:
                found.setdefault(id(entry), _diversion(entry, cause, private))
    return list(found.values())


def _diverter_index(entry: NameAddr) -> str:
    """Return the entry that an entry says it comes from (:rfc:`7044#section-5`: rc, mp)."""
    return next((entry.param(name) or "" for name in ("mp", "rc") if entry.param(name)), "?")


def _diversion(entry: NameAddr, cause: int, private: bool) -> Diversion:
    own = (entry.uri.header("Privacy") or "").lower()
    return Diversion(party_of(entry).number, _REASONS[cause], private or "history" in own)


def _reason(entry: NameAddr) -> int:
    match = _CAUSE.search(entry.uri.header("Reason") or "")
    return int(match[1]) if match else 0


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 4 else 0
