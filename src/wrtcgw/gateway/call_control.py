"""Inside a call, beside its media: digits and data by INFO, and orders of the server (NOTIFY talk and hold)."""

import re
from collections.abc import Awaitable

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import CallState, Deadline
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.calls.negotiation.hold import BY_ORDER, SERVER, Hold
from wrtcgw.calls.negotiation.machine import Negotiation
from wrtcgw.errors import BadInput, GatewayError, RequestRefused, TooManyOrders
from wrtcgw.events.catalogue import AlarmKind, AlarmRaised
from wrtcgw.gateway.attached_data import FORM
from wrtcgw.gateway.call_legs import CallLeg
from wrtcgw.gateway.consent import TALK, consents
from wrtcgw.gateway.context import GatewayContext
from wrtcgw.gateway.incoming_calls import hear
from wrtcgw.gateway.offer_answer import ORDERED, OfferAnswer
from wrtcgw.gateway.settings import Outcome
from wrtcgw.gateway.sip_causes import Ending, explain
from wrtcgw.sip.outputs import ControlReceived, InfoReceived, TextReceived, TextRefused

DTMF_RELAY, DTMF = "application/dtmf-relay", "application/dtmf"
MAX_DIGITS = 64
MAX_WAITING = 16
"""Orders for digits that may wait for the one before in the same call."""
DURATION_MS, GAP_MS = range(40, 6001), range(0, 6001)
MAX_INFO = 16384

_DIGITS = re.compile(r"[0-9A-D*#]+")
# type "/" subtype *(";" parameter), with the characters of RFC 3261 section 25.1's token and quoted-string
_CONTENT_TYPE = re.compile(
    r"[\w.!%*+`'~-]+/[\w.!%*+`'~-]+(\s*;\s*[\w.!%*+`'~-]+=([\w.!%*+`'~-]+|\"[^\"\\\x00-\x1f\x7f]*\"))*", re.ASCII
)
_SIGNAL = re.compile(r"^[ \t]*Signal[ \t]*=[ \t]*(\S+)[ \t\r]*$", re.IGNORECASE | re.MULTILINE)
_SIGNAL_NUMBERS = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
"""Some PBXs send the event number of :rfc:`4733#section-3.2` in place of the sign."""


class CallControl:
    """INFO both ways, and the server's orders."""

    def __init__(self, context: GatewayContext, offers: OfferAnswer) -> None:
        self._context = context
        self._offers = offers
        context.on_deadline[Deadline.TALK] = self._talk_due

    # -- ours

    async def info(self, leg: CallLeg, content_type: str, body: str, action: str = "INFO") -> Outcome:
        """Send one INFO (:rfc:`6086`) and wait for the answer to it."""
        if _CONTENT_TYPE.fullmatch(content_type) is None:
            raise BadInput("content_type", "a type such as text/plain", content_type[:80])
        if len(body) > MAX_INFO:
            raise BadInput("body", f"at most {MAX_INFO} characters", str(len(body)))
        leg.call.require("send INFO in", CallState.ESTABLISHED)
        context = self._context
        if action == "INFO":
            context.permits.require_order(context.agent_of(leg.call), "send data")
        ticket, outputs = context.core.info(leg.call.id, content_type, body, context.now())
        return await context.request(leg, action, ticket, outputs)

    async def dtmf(self, leg: CallLeg, digits: str, duration_ms: int, gap_ms: int, content_type: str) -> Outcome:
        """
        Send digits one after the other, each when the one before is over and was accepted.

        A second order for the same call waits for the first one to end.
        """
        digits = digits.upper()
        _check_digits(digits, duration_ms, gap_ms, content_type)
        leg.call.require("send digits in", CallState.ESTABLISHED)
        self._context.permits.require_order(self._context.agent_of(leg.call), "send digits")
        if len(leg.digits.waiting) >= MAX_WAITING:
            raise TooManyOrders("send digits")
        outcome, due = Outcome(0), 0.0
        async with leg.digits:
            for digit in digits:
                if due > self._context.now():
                    await self._context.pause(due - self._context.now())
                due = self._context.now() + (duration_ms + gap_ms) / 1000
                body = digit if content_type == DTMF else f"Signal={digit}\r\nDuration={duration_ms}\r\n"
                outcome = await self.info(leg, content_type, body, "DTMF")
        return outcome

    def send_attached(self, leg: CallLeg) -> None:
        """Send the data that the page has attached, if that goes by INFO; nobody waits for the answer."""
        form = leg.call.form
        leg.call.attach("")
        if form and leg.call.state is CallState.ESTABLISHED:
            context = self._context
            context.run(context.core.info(leg.call.id, FORM, form, context.now())[1])

    # -- theirs

    def arm_talk(self, leg: CallLeg, agent: Agent) -> None:
        """Order a page that knows no more than TALK to answer when the INVITE asks for that."""
        delay = leg.call.auto_answer
        if delay is not None and agent.abilities.answers_when_told:
            self._context.set_deadline(leg, Deadline.TALK, delay)

    def _talk_due(self, leg: CallLeg) -> None:
        if leg.call.state is CallState.OFFERED:
            self.tell_to_answer(leg)

    def tell_to_answer(self, leg: CallLeg) -> None:
        """Tell the page to answer, or to go on with, a call."""
        leg.call.tell_to_answer()
        self._context.tell(leg.call, AgentMessage(type=MessageType.TALK))

    def info_received(self, event: InfoReceived) -> None:
        """Tell of data from the far side, and of digits as such."""
        leg = self._context.legs.get(event.leg)
        if leg is None:
            return
        kind = event.content_type.split(";", 1)[0].strip().lower()
        digits = _read_digits(kind, event.body)
        self._context.tell(
            leg.call,
            AgentMessage(
                type=MessageType.DTMF if digits else MessageType.INFO,
                digits=digits,
                content_type=event.content_type,
                body=event.body,
            ),
        )

    def text_received(self, event: TextReceived) -> None:
        """Tell of a text that came for the agent, outside any call."""
        agent = self._context.registry.find_dn(event.account)
        if agent is not None:
            sender = event.identity.shown(private=self._context.settings.show_private_identity)
            hear(agent, sender)
            self._context.put(
                agent,
                AgentMessage(
                    type=MessageType.INFO,
                    from_=sender.number,
                    to=agent.id,
                    display_name=sender.display_name,
                    verstat=sender.verstat,
                    content_type=event.content_type,
                    body=event.body,
                ),
            )

    def text_refused(self, event: TextRefused) -> None:
        """Tell of a text that came from somebody who may not send any."""
        text = f"a MESSAGE of {event.sender[:80]} was refused: messages_from does not name it"
        kind = AlarmKind.TEXT_REFUSED
        self._context.events.publish(AlarmRaised(kind=kind, text=text, setting="messages_from", dn=event.account))

    def control_received(self, event: ControlReceived) -> None:
        """
        Carry out what the server orders, as far as the gateway can do it alone.

        ``talk`` for a call that rings here is for the page, since only the page can answer; for a held call it means
        resume. ``hold`` means hold, for the page to do if it knows a single call. What is so already stays so.
        """
        leg = self._context.legs.get(event.leg)
        if leg is None:
            return
        established = leg.call.state is CallState.ESTABLISHED
        if event.event == "talk":
            self._talk(leg)
        elif event.event == "hold" and self._page_holds(leg):
            leg.call.negotiation.order_page_to_hold()
            self._context.tell(leg.call, AgentMessage(type=MessageType.HOLD, cause=ORDERED))
        elif event.event == "hold" and established and not leg.call.negotiation.will_be_on_hold:
            self._context.spawn(self._obey(leg, self._offers.hold(leg, SERVER)))

    def _talk(self, leg: CallLeg) -> None:
        """
        Obey a NOTIFY talk: always if it ends what a NOTIFY hold began, else if the site lets its sender do that.

        By anything else it would open a microphone that the agent believes closed.
        """
        established = leg.call.state is CallState.ESTABLISHED
        ordered = established and _hold_is_ordered(leg.call.negotiation)
        if not ordered and not consents(self._context, leg.call, TALK, "NOTIFY talk"):
            return
        self.tell_to_answer(leg)
        if established and leg.call.negotiation.will_be_on_hold:
            self._context.spawn(self._obey(leg, self._offers.resume(leg, SERVER)))

    def _page_holds(self, leg: CallLeg) -> bool:
        """Return whether the page is to hold: it knows whether it holds, and offers by itself."""
        agent = self._context.agent_of(leg.call)
        return agent is not None and agent.abilities.holds_by_itself and leg.call.state is CallState.ESTABLISHED

    async def _obey(self, leg: CallLeg, work: Awaitable[Outcome]) -> None:
        """Wait for the work, and tell the page when it fails."""
        try:
            await work
        except GatewayError as error:
            hint = f"the server's order could not be carried out: {error}"
            told = Ending("wrong-state", hint)
            if isinstance(error, RequestRefused):
                cause, _ = explain(error.code)
                told = Ending(cause, hint, error.code, error.reason, error.warning, error.sip_reason)
            self._context.tell(leg.call, told.message(MessageType.ERROR))


def _hold_is_ordered(negotiation: Negotiation) -> bool:
    """Return whether the hold that is there, under way or waiting was ordered by the server, which may end it then."""
    if negotiation.orders:
        return negotiation.orders[-1].by == SERVER
    if negotiation.offer is not None and negotiation.offer.by == SERVER:
        return True
    return negotiation.hold in BY_ORDER or negotiation.hold is Hold.ORDERED


def _check_digits(digits: str, duration_ms: int, gap_ms: int, content_type: str) -> None:
    if _DIGITS.fullmatch(digits) is None or len(digits) > MAX_DIGITS:
        raise BadInput("digits", f"1 to {MAX_DIGITS} of 0-9, A-D, * and #", digits[:80])
    if duration_ms not in DURATION_MS:
        raise BadInput("duration", f"{DURATION_MS[0]} to {DURATION_MS[-1]} ms", str(duration_ms))
    if gap_ms not in GAP_MS:
        raise BadInput("gap", f"{GAP_MS[0]} to {GAP_MS[-1]} ms", str(gap_ms))
    if content_type not in (DTMF_RELAY, DTMF):
        raise BadInput("content_type", f"{DTMF_RELAY} or {DTMF}", content_type[:80])


def _read_digits(kind: str, body: str) -> str:
    """Return the digit that an INFO carries, or '' when it carries something else."""
    if kind == DTMF:
        signal = body.strip()
    elif kind == DTMF_RELAY:
        found = _SIGNAL.search(body)
        signal = found[1] if found else ""
    else:
        return ""
    signal = _SIGNAL_NUMBERS.get(signal, signal.upper())
    return signal if _DIGITS.fullmatch(signal) else ""
