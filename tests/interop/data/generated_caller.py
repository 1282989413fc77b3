"""
Makes a call with the client that openapi-python-client has generated into ``generated/``, and nothing else.

Run by ``tests/interop/case_openapi.py``; takes the gateway's address and the password of the demo's DNs.
"""

# mypy: disable-error-code="import-not-found"
# what it imports is generated when the case runs

import sys
from typing import Any

from generated import AuthenticatedClient, Client
from generated.api.call_control import hangup, hold, resume
from generated.api.coming_and_going import sign_in, sign_out
from generated.api.messages import next_message, post_message
from generated.api.questions import calls
from generated.models import (
    AnswerMessage,
    Error,
    Outcome,
    PagesMessage,
    PagesMessageMessageType,
    ShutdownMessage,
    SignInJsonBody,
)

SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\n"
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\n"
)
"""As a browser offers; nobody is there to send sound."""
AGENT = "generated"


def main(url: str, password: str) -> None:
    """Sign in, call the echo, wait for the answer, hold and resume, hang up, sign out; anything else raises."""
    json = {"Accept": "application/json"}
    body = SignInJsonBody(id=AGENT, dn="5004", password=password)
    signed_in = sign_in.sync(client=Client(url, headers=json), body=body)
    client = AuthenticatedClient(url, token=signed_in.session, headers=json)
    missing = hold.sync(client=client, id=AGENT)
    assert isinstance(missing, Error), missing
    assert missing.code == "unknown_call", missing
    offer = PagesMessage(message_type=PagesMessageMessageType.OFFER, from_=AGENT, to="1003", sdp=SDP)
    placed = post_message.sync(client=client, from_=AGENT, body=offer)
    answer = _next(client, AnswerMessage)
    assert answer.call_id == placed.call_id, (answer, placed)
    assert "m=audio" in answer.sdp
    (call,) = calls.sync(client=client, id=AGENT).calls
    assert (call.state, call.peer) == ("ESTABLISHED", "1003"), call
    for verb in (hold, resume):
        outcome = verb.sync(client=client, id=AGENT, call=placed.call_id)
        assert isinstance(outcome, Outcome), outcome
        assert outcome.sip_code == 200, outcome
    hangup.sync(client=client, id=AGENT)
    _next(client, ShutdownMessage)
    sign_out.sync(client=client, id=AGENT)


def _next(client: AuthenticatedClient, kind: type) -> Any:
    """Fetch messages until one is of a kind."""
    for _ in range(20):
        message = next_message.sync(client=client, id=AGENT, wait=4)
        if isinstance(message, kind):
            return message
    raise AssertionError(f"no {kind.__name__} has come")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
