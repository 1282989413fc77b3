"""Why agents leave, and how that is told: to the page, as the end of its calls, and to the far sides."""

from attrs import frozen

from wrtcgw.calls.call import EndReason


@frozen
class DisconnectReason:
    """
    Why an agent leaves: for its page, and as the cause and hint of the end of its calls.

    ``word`` is for its page's program, where that has to know more than the cause of its calls' end. ``sip_reason`` is
    the Reason of the BYE (:rfc:`3326`), ``refusal`` what is told to who is still waiting for an
    answer; both are left to the core when there is nothing special to say.
    """

    reason: str
    cause: str
    hint: str
    sip_reason: str = ""
    refusal: int | None = None
    word: str = ""

    @property
    def of_calls(self) -> EndReason:
        """Return why the agent's calls end."""
        return EndReason(self.cause, self.hint)


SIGNED_OUT = DisconnectReason("signed out", "local", "the agent signed out")
STOPPING = DisconnectReason("the gateway is stopping", "signed-out", "the gateway is stopping", word="stopping")
OTHER_DN = DisconnectReason(
    "the id has signed in with another DN", "signed-out", "the agent signed in with another DN", word="other-dn"
)
SESSION_OVER = DisconnectReason(
    "the session is over, sign in again", "signed-out", "the agent's session was over", word="session-over"
)
BY_OPERATOR = DisconnectReason("signed out by an operator", "operator", "an operator ended the call")
NOT_RESPONDING = DisconnectReason(
    "", "not-responding", "the agent's page does not respond", 'Q.850;cause=20;text="page not responding"', 480
)
"""
Why a call ends that a page has not got, or does not ring at any more; the agent stays.

Cause 20 of Q.850 is "subscriber absent": not addressable for a while. A response may carry it (:rfc:`6432`), and
gateways to ISUP make 480 of it (:rfc:`3398#section-7.2.4.1`); of 18, "no user responding", they would make 408.
"""
NOT_OFFERED = DisconnectReason("", "order-expired", "the agent's page did not go along with a call that was ordered")
"""Why a call ends that an application has ordered."""
PAGE_LOST = DisconnectReason(
    "page lost", "page-lost", "the agent's page was not heard of any more", 'SIP;cause=480;text="page lost"', 480
)
