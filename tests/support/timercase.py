"""Tests of session timers: calls that agree on one."""

from tests.support.corecase import CoreCase, FarCall
from tests.support.corepair import ANSWER
from wrtcgw.sip.message import Request

UPDATES = ("Allow", "INVITE, ACK, BYE, UPDATE")
NO_UPDATES = ("Allow", "INVITE, ACK, BYE")
TIMER = ("Supported", "timer")


def expires(seconds: int, refresher: str = "") -> tuple[str, str]:
    """Make a Session-Expires field."""
    return "Session-Expires", f"{seconds};refresher={refresher}" if refresher else str(seconds)


class TimerCase(CoreCase):
    """Calls with a session timer."""

    def timed_out(self) -> FarCall:
        """Establish a call that we placed and refresh every 900 s."""
        return self.call_out((UPDATES, expires(1800, "uac")))

    def refreshes(self, since: int = 0) -> list[Request]:
        """Return the UPDATEs and re-INVITEs of ours, those of the call's beginning left out."""
        return [
            request
            for request in self.requests[since:]
            if request.method == "UPDATE" or (request.method == "INVITE" and request.to_tag)
        ]

    def accept(self, request: Request, *fields: tuple[str, str]) -> None:
        """Answer a refresh with 200."""
        self.respond(request, 200, ANSWER if request.method == "INVITE" else "", fields)
