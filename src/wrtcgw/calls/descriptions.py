"""
The descriptions of one call, and what they mean together: what goes to the far side next, what is news for the page.

The page's description stays as the page made it; what is sent is made of it, with a hold applied and with the origin
and version that the far side knows (:rfc:`3264#section-8`).

Page and far side may disagree about the media descriptions of the session, which should only ever become more: a far
side that joins two calls, or a page that was loaded again, may begin with fewer, or in another order. Each is told in
the order that it knows, with those that have gone rejected. ``page`` and ``known`` have the page's order, ``local`` and
``remote`` the far side's.
"""

from attrs import define, field

from wrtcgw.calls.media_direction import Directions, needs_page, wish_of_answer
from wrtcgw.sdp.comparison import is_narrower, leading_formats, only_direction_differs, placed_as, same_session
from wrtcgw.sdp.description import EMPTY, Description, parse
from wrtcgw.sdp.directions import answered, directions, held, with_directions
from wrtcgw.sdp.dtls_role import reopened, with_negotiated_role, with_role_towards
from wrtcgw.sdp.formats import restricted, with_all_formats
from wrtcgw.sdp.matching import continued, fitted


@define
class Descriptions:
    """What each side has said, and what the other knows of it."""

    local: Description | None = field(default=None, repr=False)
    """Ours, as the far side knows it."""
    remote: Description | None = field(default=None, repr=False)
    """The far side's, as it came last."""
    page: Description = field(default=EMPTY, repr=False)
    """The page's last one, complete, with the directions that the page wants."""
    page_offer: Description = field(default=EMPTY, repr=False)
    """The page's last one that was an offer: all that it can do."""
    known: Description = field(default=EMPTY, repr=False)
    """The far side's, as the page has applied it."""
    wish: Directions = ()
    """The directions that the page would like, whatever the far side has left it; none: both ways."""

    # -- what the page says

    def take_offer(self, offer: Description) -> None:
        """Keep an offer of the page that counts."""
        self.page = self.page_offer = offer
        self.wish = directions(offer)

    def take_answer(self, answer: Description, offered: Description) -> None:
        """
        Keep an answer of the page; it says what the page wishes only where ``offered`` left it the choice.

        :param offered: the far side's description that the page was told of, as it came.
        """
        offered = self.for_page(offered)
        self.page, self.known = fitted(answer, offered), offered
        self.wish = wish_of_answer(self.wish, self.page, offered)

    # -- what is sent

    def successor(self, description: Description) -> Description:
        """Return an offer of ours as what follows the description that the far side knows of us."""
        local = self.local or description
        return continued(description, local).following(local)

    def _answer(self, answer: Description, offer: Description) -> Description:
        """Return an answer of ours as what follows it, with the media descriptions of ``offer``."""
        return fitted(answer, offer).following(self.local or answer)

    def answer_of_page(self, offer: Description, *, on_hold: bool) -> Description:
        """Return the page's answer to an offer as it goes to the far side."""
        return self._answer(held(self.page) if on_hold else self.page, offer)

    def offer_of_page(self, offer: Description, *, on_hold: bool) -> Description:
        """Return an offer of the page as it goes to the far side."""
        return self.successor(held(offer) if on_hold else offer)

    def renewed(self, *, on_hold: bool) -> Description:
        """
        Return an offer made of the description that the far side has of us, on hold or not.

        The directions are what the page wishes: its last description may be its answer to a far side that was on hold.
        """
        offer = with_directions(self.page, self.wish)
        return self.successor(reopened(held(offer) if on_hold else offer))

    def repeated(self, *, on_hold: bool) -> Description:
        """Return the same beyond the version that a far side has taken which answered when we had given up."""
        return self.renewed(on_hold=on_hold).with_version((self.local or self.page).version + 2)

    def full_offer(self, *, on_hold: bool) -> Description:
        """
        Return the offer for a far side that asks for one, made without the page.

        It is the page's present description: same ports, candidates and credentials, the DTLS role open again, a higher
        version even if unchanged. It has all formats of the page's last offer, if that was of the same transport and
        means the same by its payload types. Of a page that has only ever answered nothing more is known than its
        answer: what it has in common with the far side's offer is then offered again. The directions are what the page
        wishes; where the far side's answer goes beyond what the page has applied, the page is told of it afterwards.
        """
        full = with_directions(with_all_formats(self.page, self.page_offer), self.wish)
        offer = self.successor(reopened(held(full) if on_hold else full))
        return offer.with_version((self.local or offer).version + 1)

    def answer_without_page(self, offer: Description, *, on_hold: bool) -> Description:
        """
        Return our answer to an offer that is no news for the page, made of our description as wanted now.

        The DTLS role is the one that we have since the far side's earlier description (:rfc:`8842#section-5.3`).
        """
        ours = with_negotiated_role(held(self.page) if on_hold else self.page, self.local, self.remote)
        placed = self.for_page(offer)
        if [stream.formats for stream in self.known.streams] != [stream.formats for stream in placed.streams]:
            ours = restricted(ours, placed)
        return self._answer(with_role_towards(answered(ours, placed), self.remote or offer), offer)

    # -- what the page hears

    def for_page(self, theirs: Description) -> Description:
        """Return a description of the far side's as the page, which has applied the one before, can apply it."""
        return continued(theirs, self.known)

    # -- what is news

    def is_known(self, new: Description) -> bool:
        """
        Return whether the far side's new description differs by nothing that matters from what the page has applied.

        Formats that are left out change nothing for a page that does not send them: third-party call control joins two
        legs so, whose far sides have not the same codecs. A way that opens matters if the page has applied a
        description that closed it.
        """
        known = self.known
        new = placed_as(self.for_page(new), known)
        if known == EMPTY or needs_page(self.wish, self.page, known, new):
            return False
        same = same_session(known, new) or only_direction_differs(known, new)
        return same or (
            leading_formats(self.page, known) == leading_formats(self.page, new) and is_narrower(new, known)
        )

    # -- across a restart

    def snapshot(self) -> dict[str, object]:
        """Return plain data, from which :meth:`restore` makes an equal value."""
        texts = {name: getattr(self, name) for name in ("local", "remote", "page", "page_offer", "known")}
        return {
            "wish": list(self.wish),
            **{name: None if text is None else str(text) for name, text in texts.items()},
        }

    @classmethod
    def restore(cls, data: dict[str, object]) -> "Descriptions":
        """Return what :meth:`snapshot` was taken of."""
        texts = {name: parse(text) for name, text in data.items() if isinstance(text, str)}
        return cls(wish=tuple(data["wish"]), **texts)  # type: ignore[arg-type]
