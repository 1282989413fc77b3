"""
One core, and a far side that says exactly what a test tells it to, in virtual time and without a network.

What the core puts out is parsed and kept: ``case.requests``, ``case.responses`` and ``case.events``. Nothing is
answered by itself but the INVITE that opens a call and the BYE that closes it, so that a test can leave out, repeat and
cross whatever it wants.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from twisted.trial.unittest import SynchronousTestCase

from tests.support.corepair import ANSWER, OFFER
from tests.support.tokens import CountingTokens
from wrtcgw.sip.core import Account, UACore, UASettings
from wrtcgw.sip.message import Headers, Request, Response
from wrtcgw.sip.outputs import CallEnded, CallReceived, Output, Send
from wrtcgw.sip.parser import parse
from wrtcgw.sip.timers import Timers
from wrtcgw.sip.tokens import TokenSource
from wrtcgw.sip.uri import URI
from wrtcgw.sip.usages.modification import OfferState

Fields = Iterable[tuple[str, str]]
Kind = TypeVar("Kind")

HELD = OFFER.replace("sendrecv", "sendonly")
"""Another description of ours."""
THEIRS = ANSWER.replace("sendrecv", "inactive")
"""Another description of the far side's."""
LONGEST_WAIT = 5000.0
"""More than any deadline of a core whose legs have all ended."""


class FarCall:
    """A call of the core as its far side sees it."""

    def __init__(self, case: "CoreCase", call_id: str, local: str, remote: str, leg: str = "") -> None:
        self.case = case
        self.call_id = call_id
        self.local = local
        self.remote = remote
        self.leg = leg
        self.target = "sip:alice@gw.invalid"
        self.cseq = 100
        self.invite: Request | None = None

    def request(self, method: str, body: str = "", fields: Fields = (), *, cseq: int | None = None) -> Request:
        """Build a request inside the call."""
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        given = list(fields)
        headers = Headers()
        if not any(name == "Via" for name, _ in given):
            headers.add("Via", f"SIP/2.0/WS far.invalid;branch=z9hG4bK-{self.call_id}-{cseq}-{method}")
        for name, value in (
            *given,
            ("Max-Forwards", "70"),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
        ):
            headers.add(name, value)
        if method not in ("ACK", "BYE", "CANCEL"):
            headers.add("Contact", "<sip:far@192.0.2.7>")
        if body and not any(name == "Content-Type" for name, _ in given):
            headers.add("Content-Type", "application/sdp")
        return Request(method, self.target, headers, body)

    def send(self, method: str, body: str = "", fields: Fields = (), *, cseq: int | None = None) -> Request:
        """Send a request inside the call."""
        request = self.request(method, body, fields, cseq=cseq)
        self.case.receive(request)
        return request

    def reinvite(self, sdp: str = "", fields: Fields = ()) -> Request:
        """Send a re-INVITE."""
        self.invite = self.send("INVITE", sdp, fields)
        return self.invite

    def ack(self, sdp: str = "", *, invite: Request | None = None) -> None:
        """Acknowledge the 2xx to the last INVITE of the far side."""
        invite = invite or self.invite
        assert invite is not None
        self.send("ACK", sdp, cseq=invite.cseq.number)

    def ack_refusal(self, invite: Request | None = None) -> None:
        """Acknowledge the refusal of the last INVITE of the far side."""
        invite = invite or self.invite
        assert invite is not None
        self.send("ACK", "", [("Via", invite.headers.get("Via") or "")], cseq=invite.cseq.number)

    def cancel(self) -> None:
        """Cancel the last INVITE of the far side."""
        assert self.invite is not None
        via = ("Via", self.invite.headers.get("Via") or "")
        self.send("CANCEL", "", [via], cseq=self.invite.cseq.number)

    def bye(self, fields: Fields = ()) -> Request:
        """Hang up."""
        return self.send("BYE", "", fields)


class CoreCase(SynchronousTestCase):
    """Tests of one core; at the end nothing may be left in it."""

    rings = True
    """Whether what comes is let ring at once."""

    def setUp(self) -> None:
        self.start()

    def start(self, **settings: object) -> None:
        """Make the core, with settings other than the usual ones, and connect it."""
        self.now = 1000.0
        self.tokens = CountingTokens()
        self.core = self.make_core(self.tokens, **settings)
        self.account = Account("alice", "alice", "secret")
        self.core.add_account(self.account)
        self.events: list[Output] = []
        self.requests: list[Request] = []
        self.responses: list[Response] = []
        self.calls: list[FarCall] = []
        self.take(self.core.connected(0, self.now))

    def make_core(self, tokens: TokenSource, **settings: object) -> UACore:
        """Make a core."""
        given = UASettings(domain="example.org", instance="gw", **settings)  # type: ignore[arg-type]
        return UACore(given, Timers(), tokens)

    def tearDown(self) -> None:
        self.end_all()
        self.check_nothing_left()

    def end_all(self) -> None:
        """End what is left."""
        if not self.core.is_connected(0):
            self.connect()
        ended = {event.leg for event in self.of(CallEnded)}
        for call in self.calls:
            if call.leg and call.leg not in ended:
                self.do(self.core.hangup, call.leg)
        self.answer_byes()

    def check_nothing_left(self) -> None:
        """Check that after the longest wait there is no leg, no transaction and no deadline."""
        self.advance(LONGEST_WAIT)
        self.assertEqual(self.core.legs, 0, "legs")
        self.assertEqual(self.core.transactions, 0, "transactions")
        self.assertIsNone(self.core.next_deadline(), "a deadline")

    # -- running the core

    def take(self, outputs: list[Output]) -> None:
        """Keep what the core has put out."""
        for output in outputs:
            if not isinstance(output, Send):
                self.events.append(output)
                if self.rings and isinstance(output, CallReceived):
                    self.do(self.core.ring, output.leg)
                continue
            message = parse(output.text)
            if isinstance(message, Request):
                self.requests.append(message)
            elif isinstance(message, Response):
                self.responses.append(message)

    def do(self, entry: Callable[..., list[Output]], *arguments: object, **options: object) -> None:
        """Call an entry of the core, now."""
        self.take(entry(*arguments, now=self.now, **options))

    def receive(self, message: Request | Response) -> None:
        """Let a message arrive."""
        self.take(self.core.receive(0, message.to_text(), self.now))

    def advance(self, seconds: float) -> None:
        """Let time pass, each deadline at its time."""
        until = self.now + seconds
        while (deadline := self.core.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.take(self.core.tick(self.now))
        self.now = until

    def disconnect(self) -> None:
        """Cut the connection."""
        self.do(self.core.disconnected, 0)

    def connect(self) -> None:
        """Bring the connection up."""
        self.do(self.core.connected, 0)

    # -- looking

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Return the events of that class, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def sent(self, method: str) -> list[Request]:
        """Return the requests of that method, in order."""
        return [request for request in self.requests if request.method == method]

    def last(self, method: str) -> Request:
        """Return the newest request of that method."""
        return self.sent(method)[-1]

    def answers(self, request: Request) -> list[int]:
        """Return the status codes of the responses to that request of the far side, in order."""
        return [response.status for response in self._responses(request)]

    def answer_to(self, request: Request) -> Response:
        """Return the newest response to that request of the far side."""
        return self._responses(request)[-1]

    def _responses(self, request: Request) -> list[Response]:
        return [
            response
            for response in self.responses
            if response.cseq == request.cseq and response.call_id == request.call_id
        ]

    # -- the far side

    def respond(
        self,
        request: Request,
        status: int,
        sdp: str = "",
        fields: Fields = (),
        *,
        tag: str = "far",
        contact: bool = True,
    ) -> Response:
        """Answer a request of the core."""
        response = request.response(status, None, tag)
        if contact and status < 300:
            response.headers.add("Contact", "<sip:far@192.0.2.7>")
        for name, value in fields:
            response.headers.add(name, value)
        if sdp:
            response.headers.add("Content-Type", "application/sdp")
            response.body = sdp
        self.receive(response)
        return response

    def call_out(self, fields: Fields = (("Allow", "INVITE, ACK, BYE, UPDATE"),)) -> FarCall:
        """Establish a call of the core to the far side; ``fields`` are those of the 200."""
        leg, outputs = self.core.invite("alice", URI.parse("sip:far@example.org"), OFFER, self.now)
        self.take(outputs)
        invite = self.last("INVITE")
        response = self.respond(invite, 200, ANSWER, fields)
        call = FarCall(self, invite.call_id, response.headers.get("To") or "", invite.headers.get("From") or "", leg)
        self.calls.append(call)
        return call

    def ring_in(self, sdp: str = OFFER, fields: Fields = (("Allow", "INVITE, ACK, BYE, UPDATE"),)) -> FarCall:
        """Let a call of the far side ring at the core."""
        call = FarCall(self, f"far-{len(self.calls)}", "<sip:far@example.org>;tag=far", "<sip:alice@example.org>")
        self.calls.append(call)
        invite = call.reinvite(sdp, fields)
        call.remote = self.answer_to(invite).headers.get("To") or ""
        call.leg = self.of(CallReceived)[-1].leg
        return call

    def call_in(
        self, sdp: str = OFFER, fields: Fields = (("Allow", "INVITE, ACK, BYE, UPDATE"),), *, answer: str = ""
    ) -> FarCall:
        """Establish a call of the far side to the core; ``answer`` is for the ACK of an INVITE without an offer."""
        call = self.ring_in(sdp, fields)
        self.do(self.core.answer, call.leg, ANSWER)
        call.ack(answer)
        return call

    def answer_byes(self) -> None:
        """Answer each BYE that has got no answer; repeat is harmless."""
        for request in self.sent("BYE"):
            self.respond(request, 200)

    # -- offers

    def offer_state(self, call: FarCall) -> OfferState:
        """Return the state of the call's offer/answer exchange."""
        return self.core._legs[call.leg].modification.state

    def local_sdp(self, call: FarCall) -> str:
        """Return the description of ours that counts."""
        return self.core._legs[call.leg].local_sdp

    def reoffer(self, call: FarCall, sdp: str = HELD) -> Request:
        """Offer a description of ours; return the newest INVITE."""
        self.do(self.core.reoffer, call.leg, sdp)
        return self.last("INVITE")

    def answer_offer(self, call: FarCall, sdp: str = ANSWER) -> None:
        """Answer the far side's offer."""
        self.do(self.core.answer_offer, call.leg, sdp)
