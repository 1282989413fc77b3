"""What a page can do: one value, decided at sign_in, and asked by the name of the ability."""

from collections.abc import Mapping

from attrs import asdict, evolve, frozen


@frozen(kw_only=True)
class PageAbilities:
    """
    The abilities of an agent's page.

    The default is a page that may know several calls, and of which nothing is known besides.
    """

    several_calls: bool = True
    """It knows more than one call; for one that does not, a further incoming call is busy."""
    always_listens: bool = False
    """It keeps a poll or stream open all the time: when it is lost, its agent is signed out."""
    acknowledges_calls: bool = False
    """It says that it has got an incoming call; one of which it does not say so is not left ringing for nobody."""
    holds_by_itself: bool = False
    """Told to hold, it makes an offer that holds: the gateway does not do it for it."""
    answers_when_told: bool = False
    """It answers at a TALK, and knows nothing of a time that comes with the OFFER."""
    repeats_offers: bool = False
    """It may offer again while its own offer is open, and goes on from the answer to the newest one."""
    shares_calls: bool = False
    """It knows that other pages of its agent may have calls, and the sound of them."""
    is_guest: bool = False
    """It has no DN of its own: it may call certain destinations only, transfer nothing, and cannot be called."""

    def as_guest(self) -> "PageAbilities":
        """Return the same for the page of a guest: it may have one call, and is there only while it listens."""
        return evolve(self, is_guest=True, always_listens=True, several_calls=False)

    def snapshot(self) -> dict[str, bool]:
        """Return plain data, from which :meth:`restore` makes an equal value."""
        return asdict(self, recurse=False)

    @classmethod
    def restore(cls, data: Mapping[str, bool]) -> "PageAbilities":
        """Return what :meth:`snapshot` was taken of."""
        return cls(**data)


DEFAULT = PageAbilities()
"""A page of which nothing is known."""

ONE_CALL = PageAbilities(
    several_calls=False, always_listens=True, holds_by_itself=True, answers_when_told=True, repeats_offers=True
)
"""A page of the vendor's library."""
