"""Which part of the gateway understands which event of the core."""

from typing import assert_never

from attrs import frozen

from wrtcgw.gateway.call_control import CallControl
from wrtcgw.gateway.call_setup import CallSetup
from wrtcgw.gateway.challenges import ignored_challenge
from wrtcgw.gateway.context import GatewayContext
from wrtcgw.gateway.offer_answer import OfferAnswer
from wrtcgw.gateway.registrations import Registrations
from wrtcgw.gateway.settings import Outcome
from wrtcgw.gateway.sip_causes import reason_text
from wrtcgw.gateway.transfers import Transfers
from wrtcgw.sip import outputs as sip
from wrtcgw.sip.outputs import Output

SetupEvent = (
    sip.CallReceived | sip.CallProgress | sip.CallAnswered | sip.CallConfirmed | sip.PartyIdentified | sip.CallEnded
)
OfferEvent = (
    sip.OfferReceived
    | sip.OfferWithdrawn
    | sip.OfferAnswered
    | sip.OfferRefused
    | sip.OfferAcceptedLate
    | sip.AnswerReceived
    | sip.SessionRefreshed
)
OrderEvent = sip.InfoReceived | sip.ControlReceived | sip.TextReceived | sip.TextRefused
OtherEvent = (
    sip.Send
    | sip.InviteRefused
    | sip.PeerFault
    | sip.ChallengeIgnored
    | sip.RequestAnswered
    | sip.TransferProgress
    | sip.TransferRequested
    | sip.Registered
    | sip.RegistrationFailed
    | sip.Unregistered
)


@frozen(kw_only=True)
class EventRouting:
    """The parts, by what they understand."""

    context: GatewayContext
    registrations: Registrations
    setup: CallSetup
    offers: OfferAnswer
    call_control: CallControl
    transfers: Transfers

    def dispatch(self, event: Output) -> None:
        """Let the part that understands an event act on it."""
        if isinstance(event, SetupEvent):
            self._setup(event)
        elif isinstance(event, OfferEvent):
            self._offer(event)
        elif isinstance(event, OrderEvent):
            self._order(event)
        else:
            self._other(event)

    def _setup(self, event: SetupEvent) -> None:
        match event:
            case sip.CallReceived():
                self.setup.received(event)
            case sip.CallProgress():
                self.setup.progressed(event)
            case sip.CallAnswered():
                self.setup.answered(event)
            case sip.CallConfirmed():
                self.setup.confirmed(event)
            case sip.PartyIdentified():
                self.setup.identified(event)
            case sip.CallEnded():
                self.setup.ended(event)
            case _:
                assert_never(event)

    def _offer(self, event: OfferEvent) -> None:
        match event:
            case sip.OfferReceived():
                self.offers.offered(event)
            case sip.OfferWithdrawn():
                self.offers.withdrawn(event)
            case sip.AnswerReceived():
                self.offers.answer_received(event)
            case sip.SessionRefreshed():
                self.offers.answer_received(event)
            case sip.OfferAnswered():
                self.offers.answered(event)
            case sip.OfferRefused():
                self.offers.refused(event)
            case sip.OfferAcceptedLate():
                self.offers.accepted_late(event)
            case _:
                assert_never(event)

    def _order(self, event: OrderEvent) -> None:
        match event:
            case sip.InfoReceived():
                self.call_control.info_received(event)
            case sip.ControlReceived():
                self.call_control.control_received(event)
            case sip.TextReceived():
                self.call_control.text_received(event)
            case sip.TextRefused():
                self.call_control.text_refused(event)
            case _:
                assert_never(event)

    def _other(self, event: OtherEvent) -> None:
        match event:
            case sip.RequestAnswered():
                told = reason_text(event.reasons)
                self.context.answered(event.leg, event.ticket, Outcome(event.code, event.reason, event.warning, told))
            case sip.TransferProgress():
                self.transfers.progressed(event)
            case sip.TransferRequested():
                self.transfers.requested(event)
            case sip.Registered():
                self.registrations.registered(event)
            case sip.RegistrationFailed():
                self.registrations.failed(event)
            case sip.Unregistered():
                self.registrations.unregistered(event)
            case sip.ChallengeIgnored():
                self.context.events.publish(ignored_challenge(event))
            case sip.PeerFault() | sip.Send() | sip.InviteRefused():
                pass  # for the observer, and for the connection
            case _:
                assert_never(event)
