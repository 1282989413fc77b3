"""
Offer and answer in one call, between its page and its far side (:rfc:`3264`, :rfc:`6337`).

The gateway stands between two exchanges. With the far side at most one offer is under way; the page is asked only for
what it alone can answer, and may have to catch up with a description that the two ends have agreed on already: for that
nobody waits. At the beginning of a call::

    OFFERING --early answer--> EARLY --early answer of another branch--> FORKED
        |                        |                                         |
        +---------+--------------+---answer--------------------------------+----> STABLE
    OFFERED      --page's answer--> STABLE
    OFFER_WANTED --page's offer---> ANSWER_AWAITED --answer in the ACK----------> STABLE

Inside it, the page not having to catch up with anything::

    STABLE --page's offer, order, accepted late--> LOCAL_OFFER --answer, refusal--> STABLE
    STABLE --news in their offer--> REMOTE_OFFER --page's answer, withdrawn, page silent--> STABLE
    REMOTE_OFFER --page's offer (theirs is refused with 491)--> LOCAL_OFFER
    STABLE --news in their answer--> CATCHING_UP --page's answer or silence, new page--> STABLE

and having to, which holds up only the far side's offers that bring further news::

    CATCHING_UP --page's offer--> LOCAL_OFFER
    CATCHING_UP --order--> CATCHING_UP_LOCAL_OFFER --answer, refusal--> CATCHING_UP
    CATCHING_UP --news in their offer--> CATCHING_UP_REMOTE_OFFER --page's answer or silence, new page--> REMOTE_OFFER
    CATCHING_UP_REMOTE_OFFER --withdrawn--> CATCHING_UP
    CATCHING_UP_REMOTE_OFFER --page's offer (theirs is refused with 491)--> LOCAL_OFFER
    CATCHING_UP_LOCAL_OFFER --page's answer, silence or offer (which waits), new page--> LOCAL_OFFER

In any state an offer that brings no news, and the wish for an offer of ours, is met without the page. What the page or
the server orders while it cannot be sent waits, and so does the newest offer of a page that may repeat itself; what may
not wait is a :class:`~wrtcgw.errors.WrongState`. An event that means nothing in a state is absorbed. The end of the
call leads from any state to OVER, which nothing leaves.

Pure: what is to be done is returned, in order, and nothing else knows how a negotiation stands.
"""

from collections.abc import Mapping
from enum import Enum


class NegotiationState(Enum):
    """Whose offer is under way, and what the page has still to answer; the figure is in the module's docstring."""

    OFFERING = "offering"
    EARLY = "early"
    FORKED = "forked"
    OFFERED = "offered"
    OFFER_WANTED = "offer wanted"
    ANSWER_AWAITED = "answer awaited"
    STABLE = "stable"
    LOCAL_OFFER = "local offer"
    REMOTE_OFFER = "remote offer"
    CATCHING_UP = "catching up"
    CATCHING_UP_LOCAL_OFFER = "catching up, local offer"
    CATCHING_UP_REMOTE_OFFER = "catching up, remote offer"
    OVER = "over"


class Input(Enum):
    """What can happen to a negotiation."""

    PAGE_OFFER = "offer"
    PAGE_ANSWER = "answer"
    ORDER = "order"
    """The gateway is to offer by itself: hold or resume."""
    KNOWN_OFFER = "their offer without news"
    NEW_OFFER = "their offer with news"
    OFFER_REQUEST = "their wish for an offer"
    WITHDRAWN = "their offer withdrawn"
    EARLY_ANSWER = "early answer"
    ANSWER = "answer to our offer"
    REFUSAL = "refusal of our offer"
    LATE_ANSWER = "answer that nobody here waits for"
    """To an offer that a 2xx of ours made, or to a refresh."""
    ACCEPTED_LATE = "our offer accepted when it was given up"
    PAGE_SILENT = "page silent"
    NEW_PAGE = "new page"
    END = "end"


S, I = NegotiationState, Input  # noqa: E741 (columns of the table)

# What is done in a state with an input, as the name of a method, and the state after it (None: the method says).
Row = tuple[str, NegotiationState | None]

CATCHING_UP = (S.CATCHING_UP, S.CATCHING_UP_LOCAL_OFFER, S.CATCHING_UP_REMOTE_OFFER)
INSIDE = (S.STABLE, S.LOCAL_OFFER, S.REMOTE_OFFER, *CATCHING_UP)
BEFORE = (S.OFFERING, S.EARLY, S.FORKED, S.OFFERED, S.OFFER_WANTED, S.ANSWER_AWAITED)

TABLE: Mapping[tuple[NegotiationState, Input], Row] = {
    # the beginning of the call
    (S.OFFERING, I.EARLY_ANSWER): ("_early", S.EARLY),
    (S.EARLY, I.EARLY_ANSWER): ("_early_again", None),
    (S.FORKED, I.EARLY_ANSWER): ("_early_again", None),
    (S.OFFERING, I.ANSWER): ("_first_answer", S.STABLE),
    (S.EARLY, I.ANSWER): ("_first_answer", S.STABLE),
    (S.FORKED, I.ANSWER): ("_first_answer_of_fork", S.STABLE),
    (S.OFFERED, I.PAGE_ANSWER): ("_page_answers_call", S.STABLE),
    (S.OFFER_WANTED, I.PAGE_OFFER): ("_page_offers_in_answer", S.ANSWER_AWAITED),
    (S.ANSWER_AWAITED, I.LATE_ANSWER): ("_answer_in_ack", S.STABLE),
    (S.ANSWER_AWAITED, I.PAGE_OFFER): ("_let_page_offer_wait", S.ANSWER_AWAITED),
    (S.ANSWER_AWAITED, I.ORDER): ("_let_order_wait", S.ANSWER_AWAITED),
    **{(state, I.NEW_OFFER): ("_not_now", state) for state in BEFORE},
    **{(state, I.KNOWN_OFFER): ("_not_now", state) for state in BEFORE},
    **{(state, I.OFFER_REQUEST): ("_not_now", state) for state in BEFORE},
    (S.ANSWER_AWAITED, I.NEW_PAGE): ("_ask_new_page", S.ANSWER_AWAITED),
    # offers that need no page, in any state inside the call
    **{(state, I.KNOWN_OFFER): ("_answer_without_page", state) for state in INSIDE},
    **{(state, I.OFFER_REQUEST): ("_offer_without_page", state) for state in INSIDE},
    # nothing under way
    (S.STABLE, I.PAGE_OFFER): ("_offer_for_page", S.LOCAL_OFFER),
    (S.STABLE, I.ORDER): ("_offer_by_order", S.LOCAL_OFFER),
    (S.STABLE, I.ACCEPTED_LATE): ("_offer_again", S.LOCAL_OFFER),
    (S.STABLE, I.NEW_OFFER): ("_ask_page", S.REMOTE_OFFER),
    (S.STABLE, I.LATE_ANSWER): ("_inform_page", None),
    (S.STABLE, I.NEW_PAGE): ("_ask_new_page", S.STABLE),
    # ours
    (S.LOCAL_OFFER, I.ANSWER): ("_accepted", S.STABLE),
    (S.LOCAL_OFFER, I.REFUSAL): ("_refused", S.STABLE),
    (S.LOCAL_OFFER, I.PAGE_OFFER): ("_let_page_offer_wait", S.LOCAL_OFFER),
    (S.LOCAL_OFFER, I.ORDER): ("_let_order_wait", S.LOCAL_OFFER),
    (S.LOCAL_OFFER, I.NEW_OFFER): ("_glare", S.LOCAL_OFFER),
    (S.LOCAL_OFFER, I.LATE_ANSWER): ("_learn_answer", S.LOCAL_OFFER),
    (S.LOCAL_OFFER, I.NEW_PAGE): ("_ask_new_page_later", S.LOCAL_OFFER),
    # theirs, with the page
    (S.REMOTE_OFFER, I.PAGE_ANSWER): ("_answer_of_page", S.STABLE),
    (S.REMOTE_OFFER, I.PAGE_OFFER): ("_yield_to_page", S.LOCAL_OFFER),
    (S.REMOTE_OFFER, I.ORDER): ("_let_order_wait", S.REMOTE_OFFER),
    (S.REMOTE_OFFER, I.NEW_OFFER): ("_glare", S.REMOTE_OFFER),
    (S.REMOTE_OFFER, I.LATE_ANSWER): ("_learn_answer", S.REMOTE_OFFER),
    (S.REMOTE_OFFER, I.WITHDRAWN): ("_withdrawn", S.STABLE),
    (S.REMOTE_OFFER, I.PAGE_SILENT): ("_refuse_for_silence", S.STABLE),
    (S.REMOTE_OFFER, I.NEW_PAGE): ("_ask_page_again", S.REMOTE_OFFER),
    # agreed on with the far side, and with the page to apply it
    (S.CATCHING_UP, I.PAGE_ANSWER): ("_caught_up", None),
    (S.CATCHING_UP, I.PAGE_OFFER): ("_offer_instead", S.LOCAL_OFFER),
    (S.CATCHING_UP, I.ORDER): ("_offer_by_order", S.CATCHING_UP_LOCAL_OFFER),
    (S.CATCHING_UP, I.ACCEPTED_LATE): ("_offer_again", S.CATCHING_UP_LOCAL_OFFER),
    (S.CATCHING_UP, I.NEW_OFFER): ("_put_off", S.CATCHING_UP_REMOTE_OFFER),
    (S.CATCHING_UP, I.LATE_ANSWER): ("_learn_answer", S.CATCHING_UP),
    (S.CATCHING_UP, I.PAGE_SILENT): ("_page_done", S.STABLE),
    (S.CATCHING_UP, I.NEW_PAGE): ("_ask_new_page", S.STABLE),
    (S.CATCHING_UP_LOCAL_OFFER, I.PAGE_ANSWER): ("_page_applied", S.LOCAL_OFFER),
    (S.CATCHING_UP_LOCAL_OFFER, I.PAGE_OFFER): ("_let_page_offer_wait", S.LOCAL_OFFER),
    (S.CATCHING_UP_LOCAL_OFFER, I.ORDER): ("_let_order_wait", S.CATCHING_UP_LOCAL_OFFER),
    (S.CATCHING_UP_LOCAL_OFFER, I.ANSWER): ("_accepted", S.CATCHING_UP),
    (S.CATCHING_UP_LOCAL_OFFER, I.REFUSAL): ("_refused", S.CATCHING_UP),
    (S.CATCHING_UP_LOCAL_OFFER, I.NEW_OFFER): ("_glare", S.CATCHING_UP_LOCAL_OFFER),
    (S.CATCHING_UP_LOCAL_OFFER, I.LATE_ANSWER): ("_learn_answer", S.CATCHING_UP_LOCAL_OFFER),
    (S.CATCHING_UP_LOCAL_OFFER, I.PAGE_SILENT): ("_page_done", S.LOCAL_OFFER),
    (S.CATCHING_UP_LOCAL_OFFER, I.NEW_PAGE): ("_ask_new_page_later", S.LOCAL_OFFER),
    (S.CATCHING_UP_REMOTE_OFFER, I.PAGE_ANSWER): ("_page_applied_and_is_asked", S.REMOTE_OFFER),
    (S.CATCHING_UP_REMOTE_OFFER, I.PAGE_OFFER): ("_yield_to_page", S.LOCAL_OFFER),
    (S.CATCHING_UP_REMOTE_OFFER, I.ORDER): ("_let_order_wait", S.CATCHING_UP_REMOTE_OFFER),
    (S.CATCHING_UP_REMOTE_OFFER, I.NEW_OFFER): ("_glare", S.CATCHING_UP_REMOTE_OFFER),
    (S.CATCHING_UP_REMOTE_OFFER, I.LATE_ANSWER): ("_learn_answer", S.CATCHING_UP_REMOTE_OFFER),
    (S.CATCHING_UP_REMOTE_OFFER, I.WITHDRAWN): ("_put_off", S.CATCHING_UP),
    (S.CATCHING_UP_REMOTE_OFFER, I.PAGE_SILENT): ("_ask_page_put_off", S.REMOTE_OFFER),
    (S.CATCHING_UP_REMOTE_OFFER, I.NEW_PAGE): ("_ask_page_put_off", S.REMOTE_OFFER),
    # the end
    **{(state, I.END): ("_end", S.OVER) for state in S if state is not S.OVER},
}
"""Pairs that are not here: an input of the page or an order raises WrongState, any other is absorbed."""

STATUS = {
    S.OFFERING: "dialling",
    S.EARLY: "ringing",
    S.FORKED: "ringing",
    S.LOCAL_OFFER: "waiting for the answer to an offer (ours)",
    S.CATCHING_UP_LOCAL_OFFER: "waiting for the answer to an offer (ours)",
    S.REMOTE_OFFER: "waiting for the answer to an offer (theirs)",
    S.CATCHING_UP_REMOTE_OFFER: "waiting for the answer to an offer (theirs)",
    S.OFFERED: "waiting for an answer",
    S.OFFER_WANTED: "waiting for an offer",
    S.OVER: "ended",
}
"""The states in words for an error text; the others are those of a call that is established, or on hold."""

OF_USERS = {I.PAGE_OFFER: "offer in", I.PAGE_ANSWER: "answer", I.ORDER: ""}
"""What somebody asks for, and is told when it cannot be: the action in words, '' where the order names it."""
