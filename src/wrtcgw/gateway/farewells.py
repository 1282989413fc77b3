"""Why agents leave, and how that is told: to the page, as the end of its calls, and to the far sides."""

from attrs import frozen


@frozen
class Farewell:
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


SIGNED_OUT = Farewell("signed out", "local", "the agent signed out")
STOPPING = Farewell("the gateway is stopping", "signed-out", "the gateway is stopping", word="stopping")
OTHER_DN = Farewell(
    "the id has signed in with another DN", "signed-out", "the agent signed in with another DN", word="other-dn"
)
SESSION_OVER = Farewell(
    "the session is over, sign in again", "signed-out", "the agent's session was over", word="session-over"
)
BY_OPERATOR = Farewell("signed out by an operator", "operator", "an operator ended the call")
PAGE_LOST = Farewell(
    "page lost", "page-lost", "the agent's page was not heard of any more", 'SIP;cause=480;text="page lost"', 480
)
