"""What the tests of calls have beyond :mod:`tests.support.corecase`: forks, raw text, and both sides of a dialog."""

from collections.abc import Callable

from tests.support.corecase import CoreCase, FarCall, Fields
from tests.support.corepair import ANSWER, OFFER
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.outputs import CallEnded, CallReceived, EndCause, PeerFault
from wrtcgw.sip.uri import URI

LIMIT = 32.0
"""64·T1: how long a transaction waits."""
EARLY = OFFER.replace("192.0.2.1", "192.0.2.33")
"""An answer of early media."""
TARGET = "sip:far@example.org"


class Placed:
    """A call of the core that is being placed, as those see it who get its INVITE."""

    def __init__(self, case: "ScriptCase", leg: str) -> None:
        self.case = case
        self.leg = leg

    @property
    def invite(self) -> Request:
        """Return the newest INVITE."""
        return self.case.last("INVITE")

    def respond(self, status: int, tag: str = "far", sdp: str = "", fields: Fields = ()) -> Response:
        """Answer the newest INVITE, as the branch of the fork that is named by ``tag``."""
        contact = [("Contact", f"<sip:{tag or 'far'}@192.0.2.7>")] if status < 300 else []
        return self.case.respond(self.invite, status, sdp, [*fields, *contact], tag=tag, contact=False)

    def respond_with(self, status: int, content_type: str, body: str) -> None:
        """Answer the newest INVITE with a body of another type."""
        response = self.invite.response(status, None, "far")
        response.headers.add("Contact", "<sip:far@192.0.2.7>")
        response.headers.add("Content-Type", content_type)
        response.body = body
        self.case.receive(response)

    def reliable(self, rseq: object, tag: str = "far", sdp: str = "", status: int = 183) -> Response:
        """Answer with a provisional response that wants a PRACK."""
        return self.respond(status, tag, sdp, [("Require", "100rel"), ("RSeq", str(rseq))])

    def branch(self, tag: str = "far") -> FarCall:
        """Return one branch of the fork, for requests of it inside its dialog."""
        invite = self.invite
        from_ = invite.headers.get("From") or ""
        return FarCall(self.case, invite.call_id, f"<{TARGET}>;tag={tag}", from_, self.leg)

    def refuse_with_ack(self, status: int, fields: Fields = ()) -> Request:
        """Refuse the newest INVITE; return the ACK to that."""
        self.respond(status, fields=fields)
        return self.case.last("ACK")


class ScriptCase(CoreCase):
    """Tests of one core against a far side that follows a script."""

    def place(self, target: str = TARGET, fields: Fields = (), flow: int | None = None) -> Placed:
        """Let the core place a call."""
        leg, outputs = self.core.invite("alice", URI.parse(target), OFFER, self.now, headers=fields, flow=flow)
        self.take(outputs)
        self.calls.append(FarCall(self, "", "", "", leg))
        return Placed(self, leg)

    def text(self, *lines: str, flow: int = 0) -> None:
        """Let raw text arrive: lines, the last one the body."""
        self.take(self.core.receive(flow, "\r\n".join(lines), self.now))

    def outside(
        self, method: str, uri: str = "sip:alice@gw.invalid", fields: Fields = (), body: str = "", serial: str = ""
    ) -> Request:
        """Send a request outside any dialog; return it."""
        call = FarCall(self, f"out-{method}{serial}", "<sip:far@example.org>;tag=far", "<sip:alice@example.org>")
        call.target = uri
        return call.send(method, body, fields)

    def silent(self, act: Callable[[], object]) -> None:
        """Check that the core puts no message out while ``act`` runs."""
        before = len(self.requests), len(self.responses)
        act()
        self.assertEqual((len(self.requests), len(self.responses)), before, "a message was sent")

    def ended(self) -> CallEnded:
        """Return the only CallEnded."""
        (event,) = self.of(CallEnded)
        return event

    def assertEnded(self, cause: EndCause, code: int = 0) -> None:
        """Check that one leg has ended, once and for that cause."""
        event = self.ended()
        self.assertEqual((event.cause, event.code), (cause, code), event)

    def assertMethods(self, *methods: str) -> None:
        """Check which requests the core has sent so far, in order."""
        self.assertEqual([request.method for request in self.requests], list(methods))

    def faults(self) -> list[str]:
        """Return what peers were found to have done wrong."""
        return [event.detail for event in self.of(PeerFault)]

    def received(self) -> CallReceived:
        """Return the newest CallReceived."""
        return self.of(CallReceived)[-1]


class IncomingCase(ScriptCase):
    """Tests of calls to the core."""

    def answer(self, call: FarCall) -> None:
        """Let our side accept the call."""
        self.do(self.core.answer, call.leg, ANSWER)

    def final(self, call: FarCall) -> list[int]:
        """Return the status codes with which the call's INVITE was answered."""
        assert call.invite is not None
        return self.answers(call.invite)
