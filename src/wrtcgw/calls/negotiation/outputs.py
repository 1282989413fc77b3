"""What a negotiation has open, and what it wants to be done."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import field, frozen

from wrtcgw.calls.messages import AgentMessage
from wrtcgw.errors import WrongState
from wrtcgw.sdp.description import Description, parse


class Purpose(Enum):
    """What an offer of ours inside a call is for."""

    HOLD = "hold"
    RESUME = "resume"
    PAGE = "offer in"
    """The page made it, and hears of its outcome."""
    REPEAT = "offer again in"
    """It only says again what counts, for a far side that knows something else; nobody hears of its outcome."""


@frozen(eq=False)
class Order:
    """A hold or resume that somebody waits for; ``by`` is ``local`` or ``server``."""

    purpose: Purpose
    by: str


@frozen(eq=False)
class OpenOffer:
    """An offer of ours that the far side has not answered."""

    purpose: Purpose
    sdp: Description = field(repr=False)
    """The description as it went out."""
    page: Description = field(repr=False)
    """What is to be the page's description when the offer is accepted."""
    by: str
    on_hold: bool
    """Whether the gateway holds when it is accepted."""
    order: Order | None = None

    def snapshot(self) -> dict[str, object]:
        """Return plain data, from which :meth:`restore` makes an equal value; an order's purpose is the offer's."""
        return {
            "purpose": self.purpose.value,
            "sdp": str(self.sdp),
            "page": str(self.page),
            "by": self.by,
            "on_hold": self.on_hold,
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any]) -> "OpenOffer":
        """Return what :meth:`snapshot` was taken of."""
        purpose, by, texts = Purpose(data["purpose"]), data["by"], (parse(data["sdp"]), parse(data["page"]))
        order = Order(purpose, by) if purpose in (Purpose.HOLD, Purpose.RESUME) else None
        return cls(purpose, *texts, by, data["on_hold"], order)


class Next(Enum):
    """What follows when our open offer is settled, if not an offer of the page."""

    NOTHING = "nothing"
    ASK_NEW_PAGE = "ask the new page"
    """The page that has come meanwhile is asked for an offer of its own, and hears nothing of the old one's."""


@frozen
class SendOffer:
    """Offer this to the far side."""

    sdp: Description = field(repr=False)


@frozen
class SendAnswer:
    """Answer the far side's offer inside the call."""

    sdp: Description = field(repr=False)


@frozen
class AnswerCall:
    """Answer the call that rings here, with an answer or an offer of ours."""

    sdp: Description = field(repr=False)


@frozen
class RefuseOffer:
    """Refuse the far side's offer with this code."""

    code: int


@frozen
class Tell:
    """Tell the page."""

    message: AgentMessage


@frozen
class TellRefusal:
    """Tell the page that its offer was refused, in the far side's words."""


@frozen
class HoldChanged:
    """The call was put on hold, or taken from it, by ``peer``, ``local`` or ``server``."""

    on_hold: bool
    by: str


@frozen
class WaitForPage:
    """Tell the negotiation when the page has not answered in time."""


@frozen
class PageDone:
    """Wait for the page no more."""


@frozen
class OrderDone:
    """An order has its outcome: accepted, or refused in the far side's words."""

    order: Order
    accepted: bool


@frozen
class OrderFailed:
    """An order whose turn came in a state that does not allow it."""

    order: Order
    error: WrongState


@frozen
class Proceed:
    """Call :meth:`Negotiation.proceed` when everything that has come in is acted on."""


Output = (
    SendOffer
    | SendAnswer
    | AnswerCall
    | RefuseOffer
    | Tell
    | TellRefusal
    | HoldChanged
    | WaitForPage
    | PageDone
    | OrderDone
    | OrderFailed
    | Proceed
)
