"""Why a call or request failed: one table from SIP codes to a fixed word for programs and a sentence for people."""

from collections.abc import Iterable, Mapping

from attrs import frozen

from wrtcgw.calls.call import CallState
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.gateway.settings import Outcome
from wrtcgw.sip.headers import Reason
from wrtcgw.sip.outputs import NO_ANSWER, NO_ANSWER_IN_ACK, NO_MEDIA, CallEnded, EndCause, NotFollowed, OfferRefused

_CHALLENGED = (
    "the far side or a proxy asked for credentials and got none that it takes: the gateway gives them to the "
    "registrar's realm alone, or to those of auth_realms, and its log names the realm that asked"
)
CAUSES: Mapping[int, tuple[str, str]] = {
    400: ("bad-request", "the far side could not read the request: see the gateway's log at level debug"),
    401: ("credentials", _CHALLENGED),
    403: ("forbidden", "the PBX does not allow this call: check the agent's rights and the number"),
    404: ("not-found", "the PBX knows no such number"),
    407: ("credentials", _CHALLENGED),
    408: ("timeout", "nothing answered in time: is the PBX reachable from the proxy, and the far side registered?"),
    410: ("not-found", "the number is not in use any more"),
    415: ("not-acceptable", "the far side does not take this kind of body"),
    416: ("bad-address", "the PBX does not take this kind of address"),
    420: ("not-supported", "the far side requires an extension that is not supported"),
    421: ("not-supported", "the far side requires an extension that is not supported"),
    480: ("unavailable", "the far side is not registered, or does not take calls now"),
    481: ("lost", "the far side does not know this call any more"),
    482: ("loop", "the call came back to the PBX: check its forwarding rules"),
    483: ("loop", "the call passed too many proxies: check the forwarding rules"),
    484: ("incomplete", "the number is incomplete"),
    485: ("ambiguous", "the PBX finds several matches for this number"),
    486: ("busy", "the far side is busy"),
    487: ("cancelled", "the call was cancelled before it was answered"),
    488: (
        "not-acceptable",
        "the far side accepts none of the offered codecs or transports (does it want WebRTC: ICE and DTLS?)",
    ),
    491: ("glare", "the far side was changing the call at the same moment: try again"),
    500: ("server-failure", "the PBX failed: see its log"),
    501: ("not-supported", "the PBX does not support this request"),
    502: ("server-failure", "the PBX got a bad answer from the next server"),
    503: ("unavailable", "the PBX cannot take the call now, or the connection to it is down: try again"),
    504: ("timeout", "the PBX got no answer from the next server"),
    600: ("busy", "the far side is busy everywhere"),
    603: ("declined", "the far side declined"),
    604: ("not-found", "the number exists nowhere"),
    606: (
        "not-acceptable",
        "the far side accepts none of the offered codecs or transports (does it want WebRTC: ICE and DTLS?)",
    ),
    607: ("declined", "the far side does not want calls from this number"),
    608: ("declined", "the far side's network rejected the call"),
}
_NOT_FOLLOWED: Mapping[NotFollowed | None, str] = {
    NotFollowed.NO_TARGET: "the far side moved, and named no number that could be called",
    NotFollowed.TRIED: "the far side sent the call back to the number that was just called",
    NotFollowed.FOREIGN: "the far side moved to an address that is not in the allowed domains",
    NotFollowed.REFUSED: "the far side moved to a number that may not be called from here",
    NotFollowed.TOO_MANY: "the far sides sent the call on and on: it was given up (max_redirects)",
    None: "the far side moved",
}
"""What is said of a call that a 3xx ended."""
_CLASSES: Mapping[int, tuple[str, str]] = {
    3: ("redirected", _NOT_FOLLOWED[None]),
    4: ("refused", "the far side refused"),
    5: ("server-failure", "the PBX failed: see its log"),
    6: ("declined", "the far side declined"),
}
_BAD_ANSWER: Mapping[str, tuple[str, str]] = {
    NO_ANSWER: ("bad-answer", "the far side took the offer, but its answer has no session description"),
    NO_MEDIA: ("bad-answer", "the far side took the offer, but its answer has no media (no m= line)"),
    NO_ANSWER_IN_ACK: ("not-acceptable", "the far side asked for an offer, but answered it with no media"),
}
"""What is said of an answer that is of no use, by the reason that the core gives for it."""
_UNKNOWN = ("failed", "the far side gave no reason")

_NOT_TRANSFERRED: Mapping[int, str] = {
    400: "the PBX cannot transfer this call: Asterisk transfers only calls between two parties, none of an application",
}

_ENDS_FOR: Mapping[str, str] = {
    "transferred": "the far sides of the transfer go on without the agent",
    "replaced": "another call has taken the place of this one",
}

_ELSEWHERE = "answered-elsewhere"
_Q850_ELSEWHERE = 26
"""Q.850's "non-selected user clearing", which PBXs send to the phones that did not win."""


@frozen
class Ending:
    """
    How the end of a call, or a refusal in it, is told: ``cause`` for programs, ``hint`` for people.

    The rest is as received: ``warning`` is the text of Warning, ``sip_reason`` that of Reason.
    """

    cause: str
    hint: str
    code: int = 0
    reason: str = ""
    warning: str = ""
    sip_reason: str = ""

    def message(self, kind: MessageType) -> AgentMessage:
        """Return what the page is told."""
        return AgentMessage(
            type=kind,
            code=self.code,
            reason=self.reason,
            cause=self.cause,
            hint=self.hint,
            warning=self.warning,
            sip_reason=self.sip_reason,
        )

    @property
    def outcome(self) -> Outcome:
        """Return what a verb is told that has waited for it."""
        return Outcome(self.code, self.reason, self.warning, self.sip_reason)


def explain(code: int) -> tuple[str, str]:
    """Return cause and hint for a SIP code."""
    return CAUSES.get(code) or _CLASSES.get(code // 100, _UNKNOWN)


def explain_transfer(code: int) -> tuple[str, str]:
    """Return cause and hint for the SIP code with which a transfer failed."""
    cause, hint = explain(code)
    return cause, _NOT_TRANSFERRED.get(code, hint)


def ending(event: CallEnded, state: CallState, ends_for: str = "") -> Ending:
    """
    Return how to tell the end of a call.

    :param state: the call's state before it ended.
    :param ends_for: ``transferred`` or ``replaced``, when that is why the call ends unless something went wrong.
    """
    code, reason = _words(event)
    told = code, reason, event.warning, reason_text(event.reasons)
    if ends_for and event.cause in (EndCause.LOCAL, EndCause.REMOTE):
        cause, hint = ends_for, _ENDS_FOR[ends_for]
    elif event.cause is EndCause.LOCAL:
        cause, hint = "local", "the agent ended the call"
    elif event.cause is EndCause.REMOTE:
        cause, hint = _remote_end(event.reasons, state)
    elif event.not_followed is not None and 300 <= code < 400:
        cause, hint = "redirected", _NOT_FOLLOWED[event.not_followed]
    else:
        cause, hint = _BAD_ANSWER.get(event.reason) or explain(code)
    return Ending(cause, hint, *told)


def refusal(event: OfferRefused) -> Ending:
    """Return how to tell that the far side refused something in a call, which goes on."""
    cause, hint = _BAD_ANSWER.get(event.reason) or explain(event.code)
    return Ending(cause, hint, event.code, event.reason, event.warning, reason_text(event.reasons))


def reason_text(reasons: Iterable[Reason]) -> str:
    """Return the texts of Reason (:rfc:`3326#section-2`); where one has none, its protocol and cause."""
    return "; ".join(reason.text or f"{reason.protocol} {reason.cause or ''}".strip() for reason in reasons)


def _remote_end(reasons: Iterable[Reason], state: CallState) -> tuple[str, str]:
    if state is not CallState.OFFERED:
        failure = next((reason.cause for reason in reasons if _is_failure(reason)), None)
        return explain(failure) if failure else ("remote", "the far side hung up")
    if any(_is_elsewhere(reason) for reason in reasons):
        return _ELSEWHERE, "the call was answered elsewhere"
    return "cancelled", "the caller gave up before the call was answered"


def _is_failure(reason: Reason) -> bool:
    """Return whether a Reason says that the leg beyond the far side failed (:rfc:`3326#section-2`)."""
    return reason.protocol.upper() == "SIP" and reason.cause is not None and 400 <= reason.cause < 700


def _is_elsewhere(reason: Reason) -> bool:
    """Return whether a Reason says that another one took the call (:rfc:`3326#section-2`: the 200 of the winner)."""
    protocol = reason.protocol.upper()
    return (protocol == "SIP" and reason.cause == 200) or (protocol == "Q.850" and reason.cause == _Q850_ELSEWHERE)


def _words(event: CallEnded) -> tuple[int, str]:
    """Return the code and reason that tell most: the response's, else the first Reason header's."""
    if event.code:
        return event.code, event.reason
    for reason in event.reasons:
        if reason.protocol.upper() == "SIP":
            return reason.cause or 0, reason.text or ""
    for reason in event.reasons:
        return 0, f"{reason.protocol} {reason.cause} {reason.text or ''}".strip()
    return 0, event.reason
