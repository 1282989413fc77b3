"""
What the SIP Server does when an agent clicks at a desktop: the flows of docs/third-party-call-control.md.

Each is a coroutine over a :class:`~tests.support.sipserver.SIPServer`, and waits only by its clock.
"""

from tests.support.sipserver import ANSWER, DUMMY, FIRST, SERVER_TIMEOUT, ServerCall, SIPServer

MAKE_CALL = (*FIRST[:-1], ("Supported", "timer"))
"""Header fields of the INVITE by which the SIP Server makes a call."""

THINKING = 2.892
"""Seconds from the 180 until the agent clicks, as in the trace."""
TO_ACK = 0.088
TO_REINVITE = 0.012
"""What is so short in that trace: the re-INVITE comes 12 ms behind the ACK."""
TO_LAST_ACK = 0.142


async def answer_from_desktop(server: SIPServer, dn: str, thinking: float = THINKING) -> ServerCall:
    """Let a call ring: the agent clicks Answer at the desktop, the two legs are joined."""
    call = server.invite(dn)
    await call.response("INVITE", 180)
    await server.pause(thinking)
    call.notify("talk")
    await call.response("NOTIFY", 200)
    await call.response("INVITE", 200)
    await server.pause(TO_ACK)
    call.ack()
    await server.pause(TO_REINVITE)
    call.reinvite()
    await call.response("INVITE", 200)
    await server.pause(TO_LAST_ACK)
    call.ack(ANSWER)
    return call


async def begin_make_call(server: SIPServer, dn: str, callee: str = "1003") -> ServerCall:
    """Begin a call from the desktop: the agent clicks a number; its own phone gives its offer."""
    call = server.invite(dn, None, callee, MAKE_CALL)
    await call.response("INVITE", 180)
    call.notify("talk")
    await call.response("NOTIFY", 200)
    await call.response("INVITE", 200)
    return call


async def make_call(server: SIPServer, dn: str, other_side: float) -> ServerCall:
    """Make a call from the desktop: the ACK comes only when the other side answers, after that many seconds."""
    call = await begin_make_call(server, dn)
    await server.pause(other_side)
    call.ack(ANSWER)
    return call


async def make_call_refused(server: SIPServer, dn: str, other_side: float, code: int, text: str) -> ServerCall:
    """Make a call from the desktop that the other side refuses: the ACK has an answer all the same, BYE follows."""
    call = await begin_make_call(server, dn)
    await server.pause(other_side)
    call.ack(ANSWER)
    call.bye(f'SIP;cause={code};text="{text}"')
    await call.response("BYE", 200)
    return call


async def make_call_unanswered(server: SIPServer, dn: str, after: float = SERVER_TIMEOUT) -> ServerCall:
    """Make a call from the desktop that nobody answers: an ACK with a dummy description, and BYE at once."""
    call = await begin_make_call(server, dn)
    await server.pause(after)
    call.ack(DUMMY)
    call.bye()
    await call.response("BYE", 200)
    return call
