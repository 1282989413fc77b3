"""
Transfers in which a call takes part, as its agent or its far side has asked for them.

What the agent has ordered is a phase of each call that takes part. The far side of one is asked to call elsewhere; in
an attended transfer it is to join the far side of another call, which is the consultation::

    NONE --refer--> REFERRING --accepted--> ACCEPTED
                        |                      |
                        +------failed----------+----> NONE
                        +------succeeded-------+----> COMPLETING
    NONE --consult--> CONSULTED --failed--> NONE
                          +-------succeeded--> COMPLETING

The far side may tell the outcome before its response to the REFER has come. A call that is COMPLETING is being ended,
and nothing else happens to it. What is told of a transfer that is over, or never was, is absorbed.

The far side's own wish to be transferred is a value that is there while the page may act on it. One call can have both.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import asdict, define, field, frozen


class Phase(Enum):
    """How far a transfer is that the agent has ordered; the figure is in the module's docstring."""

    NONE = "none"
    REFERRING = "referring"
    """The far side is to be asked, or has been and has not answered."""
    ACCEPTED = "accepted"
    """The far side has agreed, and tells how it gets on."""
    CONSULTED = "consulted"
    """The far side of another call is to join the far side of this one."""
    COMPLETING = "completing"
    """The transfer has succeeded, and the call ends by that."""


class TransferInput(Enum):
    """What can happen to a transfer."""

    REFER = "refer"
    CONSULT = "consult"
    ACCEPTED = "accepted"
    FAILED = "failed"
    """Also: without known outcome, or the other call is over."""
    SUCCEEDED = "succeeded"


P, I = Phase, TransferInput  # noqa: E741 (columns of the table)

PHASES: Mapping[tuple[Phase, TransferInput], Phase] = {
    (P.NONE, I.REFER): P.REFERRING,
    (P.NONE, I.CONSULT): P.CONSULTED,
    (P.REFERRING, I.ACCEPTED): P.ACCEPTED,
    (P.REFERRING, I.FAILED): P.NONE,
    (P.REFERRING, I.SUCCEEDED): P.COMPLETING,
    (P.ACCEPTED, I.FAILED): P.NONE,
    (P.ACCEPTED, I.SUCCEEDED): P.COMPLETING,
    (P.CONSULTED, I.FAILED): P.NONE,
    (P.CONSULTED, I.SUCCEEDED): P.COMPLETING,
}
"""Pairs that are not here: REFER and CONSULT are refused, any other is absorbed."""


@frozen
class Wish:
    """
    Where the far side wishes to be transferred to.

    ``target`` is the URI to call, ``referred_by`` and ``replaces`` are what the call to there has to carry.
    """

    target: str
    referred_by: str = ""
    replaces: str = ""


@define
class Transfer:
    """The part of a call in transfers."""

    phase: Phase = Phase.NONE
    other: str = ""
    """The other call of an attended transfer, '' in NONE and for a blind one."""
    wish: Wish | None = field(default=None, repr=False)
    """The far side's, while the page may act on it."""
    referrer: str = ""
    """The call whose far side asked for this one by REFER, while that has to be told of its progress."""

    @property
    def is_under_way(self) -> bool:
        """Return whether the agent has ordered one, and it has not failed."""
        return self.phase is not Phase.NONE

    @property
    def is_referring(self) -> bool:
        """Return whether it is the far side of this call that is transferred, which has not succeeded yet."""
        return self.phase in (Phase.REFERRING, Phase.ACCEPTED)

    def take(self, event: TransferInput, other: str = "") -> bool:
        """
        Take an input.

        :param other: the other call, with REFER of an attended transfer and with CONSULT.
        :returns: whether the input means anything in this phase; nothing has changed if not.
        """
        after = PHASES.get((self.phase, event))
        if after is None:
            return False
        if event in (I.REFER, I.CONSULT) or after is Phase.NONE:
            self.other = other
        self.phase = after
        return True

    def open_wish(self, wish: Wish) -> None:
        """Take a wish of the far side, which replaces an earlier one."""
        self.wish = wish

    def close_wish(self) -> None:
        """Note that the far side's wish is not open any more: it is followed, or declined."""
        self.wish = None

    def referrer_knows(self) -> None:
        """Note that the call's referrer has been told the outcome, after which nothing is told."""
        self.referrer = ""

    # -- across a restart

    def snapshot(self) -> dict[str, object]:
        """Return plain data, from which :meth:`restore` makes an equal value."""
        return {
            "phase": self.phase.value,
            "other": self.other,
            "wish": None if self.wish is None else asdict(self.wish, recurse=False),
            "referrer": self.referrer,
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any]) -> "Transfer":
        """Return what :meth:`snapshot` was taken of."""
        wish = data["wish"]
        return cls(Phase(data["phase"]), data["other"], None if wish is None else Wish(**wish), data["referrer"])
