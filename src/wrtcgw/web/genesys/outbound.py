"""Gateway to page: what an agent's message becomes, if anything. The page's one call decides what it can be told."""

from collections.abc import Callable
from functools import partial

from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.gateway import Gateway
from wrtcgw.texts import clean
from wrtcgw.web.genesys import wire
from wrtcgw.web.genesys.description import candidates_of, for_page, profiles_of, secured, with_profiles
from wrtcgw.web.genesys.session import OutboundText, PageSession

QUIET = ("withdrawn", "page-timeout")
"""Causes of an ERROR that leaves the call as it is and that the page could do nothing about."""
ORDINARY = (
    "local",
    "operator",
    "remote",
    "cancelled",
    "answered-elsewhere",
    "transferred",
    "replaced",
    "signed-out",
    "page-lost",
    "not-responding",
    "not-taken-up",
    "order-expired",
)
"""Causes of an end that is no failure."""
ID_LIMIT = 2**31 - 1


class Outbound:
    """
    Turns messages into texts.

    :param number: gives a fresh number below its argument each time.
    :param errors: whether the pages know ERROR.
    """

    def __init__(self, gateway: Gateway, number: Callable[[int], int], *, errors: bool) -> None:
        self._gateway = gateway
        self._number = number
        self._errors = errors
        self._of_any_call = {MessageType.OFFER: self._offer, MessageType.ANSWER: self._answer}
        self._of_its_call = {
            MessageType.OK: self._ok,
            MessageType.ERROR: self._error,
            MessageType.TALK: self._talk,
            MessageType.HOLD: self._hold,
            MessageType.INFO: self._info,
        }

    def tell(self, session: PageSession, message: AgentMessage) -> list[OutboundText]:
        """Return the texts for a message; most have none."""
        if message.ends_call:
            return self._end(session, message)
        if session.find(message.call_id) is None:
            return []
        tell = self._of_any_call.get(message.type)
        if tell is None and message.call_id == session.call_id:
            tell = self._of_its_call.get(message.type)
        return [] if tell is None else tell(session, message)

    def new_id(self) -> int:
        """Return a ROAP session id of ours."""
        return self._number(ID_LIMIT) + 1

    def _offer(self, session: PageSession, message: AgentMessage) -> list[OutboundText]:
        """Tell of a call or of a change inside it; ``INVITE`` asks for an offer, unless the page has made one."""
        if message.cause == "renew" or not self._gateway.wants(message):
            return []  # a page that is told of no early answer needs no new offer after it
        if message.call_id != session.call_id:
            if session.call is not None:
                return []
            session.enter(message.call_id, message.from_, self.new_id())
            session.seq = 0
        if message.sdp is None:
            return [] if session.engaged else [OutboundText("INVITE", message.call_id)]
        session.far_profiles = profiles_of(message.sdp)
        session.seq += 1
        text = self._offer_text(session, message.sdp, (*message.data, *_facts(session, message)))
        return [OutboundText(text, message.call_id, is_wanted=partial(self._gateway.wants, message))]

    def _offer_text(self, session: PageSession, sdp: str, data: wire.Pairs) -> str:
        text = for_page(secured(sdp))
        fields: dict[str, object] = {
            "messageType": "OFFER",
            "sdp": text,
            "Candidates": candidates_of(text),
            "offererSessionId": session.own_id,
            "seq": session.seq,
            "tiebreaker": self._number(wire.TIEBREAKER_LIMIT) + 1,
        }
        return wire.roap_text(_with_data(fields, data))

    def _answer(self, session: PageSession, message: AgentMessage) -> list[OutboundText]:
        """
        Tell the far side's answer; not that of early media, which the page would take for the beginning of the call.

        A page that has taken the call over made no offer: it is asked for one.
        """
        if message.more_coming or message.sdp is None:
            return []
        if message.call_id != session.call_id:
            if session.call is not None:
                return []
            session.enter(message.call_id, message.from_, self.new_id())
            return [OutboundText("INVITE", message.call_id)]
        text = for_page(with_profiles(message.sdp, session.page_profiles))
        fields: dict[str, object] = {
            "messageType": "ANSWER",
            "sdp": text,
            "Candidates": candidates_of(text),
            "offererSessionId": session.page_offer_id,
            "answererSessionId": session.own_id,
            "seq": session.seq,
        }
        return [OutboundText(wire.roap_text(_with_data(fields, message.data)), message.call_id, is_answer=True)]

    def _ok(self, session: PageSession, message: AgentMessage) -> list[OutboundText]:
        """
        Tell that the far side has the page's answer: pages of version 1 begin to play only then.

        One that has made an offer, since or in the place of an answer, would throw at it, and poll no more.
        """
        if not session.far_profiles or not _awaits_ok(session):
            return []
        fields: dict[str, object] = {
            "messageType": "OK",
            "offererSessionId": session.own_id,
            "answererSessionId": session.page_id,
            "seq": session.seq,
        }
        return [OutboundText(wire.roap_text(fields), message.call_id, is_wanted=partial(_awaits_ok, session))]

    def _error(self, session: PageSession, message: AgentMessage) -> list[OutboundText]:
        if message.cause in QUIET:
            return []
        return self.error(message.code, message.call_id)

    def error(self, code: int, call_id: str) -> list[OutboundText]:
        """Return the ERROR for a SIP code."""
        if not self._errors:
            return []
        fields = {"messageType": "ERROR", "errorType": wire.error_type(code)}
        return [OutboundText(wire.roap_text(fields), call_id)]

    def failure(self, code: int) -> list[OutboundText]:
        """Return what tells a page that the call it wanted cannot be."""
        return [*self.error(code, ""), OutboundText("BYE")]

    def _end(self, session: PageSession, message: AgentMessage) -> list[OutboundText]:
        """
        Tell the end of the call, with its cause first; nothing of one that the page was not told of.

        What a call of the page is refused with is a failure of that even when it is a 487, which nobody here asked for.
        """
        if message.call_id != session.call_id:
            return []
        if not session.told:
            session.forget_call()
            return []
        refused = message.type is MessageType.ERROR and message.code > 0
        errors = [] if message.cause in ORDINARY and not refused else self.error(message.code, "")
        return [*errors, OutboundText("BYE", message.call_id, is_last=True)]

    def _talk(self, session: PageSession, message: AgentMessage) -> list[OutboundText]:
        """Tell the server's wish that the page answer or resume; a page that knows no call would make one to nobody."""
        return [OutboundText("EVENT-TALK", message.call_id)]

    def _hold(self, session: PageSession, message: AgentMessage) -> list[OutboundText]:
        """Tell the server's wish that the page hold; of a hold that others made there is nothing to tell."""
        return [OutboundText("EVENT-HOLD", message.call_id)] if message.cause == "ordered" else []

    def _info(self, session: PageSession, message: AgentMessage) -> list[OutboundText]:
        return [OutboundText(wire.info_peer(message.body), message.call_id)]


def _awaits_ok(session: PageSession) -> bool:
    """Return whether the page has no offer of its own open."""
    return session.call is None or not session.call.negotiation.has_open_offer


def _facts(session: PageSession, message: AgentMessage) -> wire.Pairs:
    """
    Return what an OFFER tells of the way that a call came, as attached data: the dialect has no other words for it.

    The page's own DN as number dialled is left out; data of the same name that came with the call goes before.
    """
    called = message.called if message.called != session.agent.dn else ""
    diversion = ", ".join(f"{number};reason={reason}" for number, reason in message.diversion)
    facts = ("called", called), ("diversion", diversion), ("verstat", message.verstat), *message.headers
    known = {name for name, _ in message.data}
    return tuple((name, clean(value)) for name, value in facts if value and name not in known)


def _with_data(fields: dict[str, object], data: wire.Pairs) -> dict[str, object]:
    if data:
        fields["attacheddata"] = [{"key": name, "value": value} for name, value in data]
    return fields
