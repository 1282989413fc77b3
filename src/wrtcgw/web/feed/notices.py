"""
What is told outside of what happens: one notice each, with the agent and the call as they were then.

Times are milliseconds since the epoch. Session descriptions, data of users and secrets are in none.
"""

import json
from collections.abc import Mapping

from attrs import field, frozen

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState
from wrtcgw.texts import utf8

View = dict[str, object]

KINDS: Mapping[str, str] = {
    "agent.signed_in": "An agent has signed in, or its page has signed in anew (`again`).",
    "agent.signed_out": "An agent has left, or was replaced (`cause`).",
    "agent.registration": "The registration of an agent's DN is in another state.",
    "agent.page_lost": "The page of an agent was away too long.",
    "agent.page_back": "The page of an agent in a call is heard of again, after it was `away` so many seconds.",
    "agent.page_silent": "The page of an agent does not respond, whether it is connected or not (`why`).",
    "agent.page_awake": "It responds again, after it was `silent` so many seconds.",
    "agent.do_not_disturb": "An agent wants no calls any more, or wants them again.",
    "call.began": "A call has come, or was placed or ordered.",
    "call.dialled": "The page has made its offer for a call that was ordered: it is placed.",
    "call.ringing": "The far side is being alerted.",
    "call.answered": "The call is up.",
    "call.held": "Somebody (`by`) has put the call on hold.",
    "call.resumed": "Somebody (`by`) has taken the call from hold.",
    "call.transfer": "A transfer has moved on (`transfer`).",
    "call.handed_over": "The call has gone over to another agent with the same DN.",
    "call.ending": "The call is being ended from here.",
    "call.ended": "The call is over; `cause`, `sipCode` and `reason` of the call say why.",
    "alarm.raised": "A rule of the site was about to be broken; for operators and webhooks.",
    "connection.up": "A connection to a proxy is up; for operators and webhooks.",
    "connection.down": "A connection to a proxy was lost; for operators and webhooks.",
    "feed.reset": "What has happened before is not known any more: fetch the lists anew.",
}
"""Every kind of notice; the words are stable, as filters name them."""
BY_STATE: Mapping[CallState, str] = {
    CallState.DIALLING: "call.dialled",
    CallState.RINGING: "call.ringing",
    CallState.ESTABLISHED: "call.answered",
    CallState.ENDING: "call.ending",
    CallState.ENDED: "call.ended",
}
"""What it is called that a call has come into a state."""


@frozen(kw_only=True)
class Notice:
    """
    One notice.

    :ivar id: larger than that of any notice before, as far as it is of the same run of the gateway.
    :ivar dn: of the agent that it is about; empty for none.
    :ivar subject: what has to be told in order: a call, else an agent.
    """

    id: str
    kind: str
    time: int
    dn: str = ""
    subject: str = ""
    view: Mapping[str, object] = field(repr=False)

    @property
    def is_of_agent(self) -> bool:
        """Return whether it is about an agent or its calls."""
        return self.kind.startswith(("agent.", "call."))

    def body(self) -> bytes:
        """Return its JSON, in one line."""
        told = {"id": self.id, "event": self.kind, "time": self.time, **self.view}
        return utf8(json.dumps(told, ensure_ascii=False))


def is_of_kind(kind: str, wanted: str) -> bool:
    """Return whether a kind is the one that is wanted, or one of them: ``call`` stands for ``call.began`` and so on."""
    return kind == wanted or kind.startswith(f"{wanted}.")


def agent_view(agent: Agent) -> View:
    """Return an agent as notices and applications see it."""
    return {
        "id": agent.id,
        "dn": agent.dn,
        "displayName": agent.display_name,
        "registration": agent.registration.value,
        "pageAlive": agent.page_alive,
        "pageResponds": agent.life.responds,
        "doNotDisturb": agent.do_not_disturb,
        "calls": list(agent.calls),
    }


def call_view(call: Call, dn: str, offset: float) -> View:
    """
    Return a call as notices and applications see it.

    :param dn: of its agent.
    :param offset: seconds from the clock of its times to the epoch.
    """

    def moment(seconds: float | None) -> int | None:
        return None if seconds is None else round((seconds + offset) * 1000)

    return {
        "callId": call.id,
        "agent": call.agent_id,
        "dn": dn,
        "direction": call.direction.value,
        "state": call.state.value,
        "ordered": bool(call.order),
        "peer": call.peer,
        "displayName": call.display_name,
        "called": call.called,
        "held": call.held,
        "heldByPeer": call.held_by_peer,
        "uuid": call.uuid,
        "startedAt": moment(call.created),
        "answeredAt": moment(call.answered),
        "endedAt": moment(call.ended),
        "cause": call.cause,
        "sipCode": call.code,
        "reason": call.reason,
    }
