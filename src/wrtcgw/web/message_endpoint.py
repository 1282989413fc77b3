"""The ``message`` call: a page's descriptions in, its messages out. This is the hot path."""

from typing import Literal

from twisted.web.server import Request

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call
from wrtcgw.calls.messages import MessageType
from wrtcgw.errors import BadInput, NotSignedIn
from wrtcgw.gateway import Gateway
from wrtcgw.web.addresses import Client
from wrtcgw.web.attachments import Pairs
from wrtcgw.web.auth import Access
from wrtcgw.web.codec import Fields, Input, RoapMessage, parse_object, read_query, require_roap
from wrtcgw.web.longpoll import Polls
from wrtcgw.web.messages import ROAP, PlainForm
from wrtcgw.web.replies import Reply, wants_json
from wrtcgw.web.tracing import trace

Kind = Literal[MessageType.OFFER, MessageType.ANSWER] | None


SELF = "self"
"""Whom pages of the vendor's library call to hear themselves."""


class MessageEndpoint:
    """
    Carries messages between pages and the gateway.

    :param self_destination: the number that stands behind :data:`SELF`.
    """

    def __init__(
        self,
        gateway: Gateway,
        access: Access,
        polls: Polls,
        *,
        wait_limit: float,
        body_limit: int,
        self_destination: str = SELF,
    ) -> None:
        self._gateway = gateway
        self._access = access
        self._polls = polls
        self._plain = PlainForm(gateway.wants)
        self._wait_limit = wait_limit
        self._body_limit = body_limit
        self._self_destination = self_destination

    def poll(self, request: Request, client: Client) -> int:
        """Answer with the agent's next message, at once or within ``wait``."""
        fields = Fields(read_query(request))
        agent_id = fields.text("id", "the agent's id")
        wait = fields.seconds("wait", self._wait_limit)
        agent = self._gateway.leaver(agent_id)
        if agent is None:
            agent = self.admit(request, client, agent_id)
        else:
            self._access.require(request, client, agent)
            wait = 0.0
        form = ROAP if wants_json(request) else self._plain
        return self._polls.begin(request, agent, form, after=read_after(fields), wait=wait)

    def post(self, request: Request, client: Client, given: Input) -> Reply:
        """Take a session description: a new call when ``to`` is given, else for a call that is there."""
        fields = Fields(given.query)
        if given.body.lstrip()[:1] == b"{":
            require_roap(Fields(parse_object(given.body)))
        agent = self._sender(request, client, fields)
        return self._describe(agent, client, given.description(), fields.destination("to"), fields.call_id)

    async def post_roap(self, request: Request, client: Client, given: Input) -> Reply:
        """Take a ROAP message; an OK needs no action."""
        fields = given.fields()
        require_roap(fields)
        agent = self._sender(request, client, fields)
        message = RoapMessage.read(fields, self._body_limit)
        match message.type:
            case MessageType.OFFER:
                to, kind = None if message.call_id else message.to, message.type
                return self._describe(agent, client, message.sdp, to, message.call_id, kind, message.data)
            case MessageType.ANSWER:
                call_id, data = message.call_id, message.data
                return self._describe(agent, client, message.sdp, None, call_id, message.type, data)
            case MessageType.SHUTDOWN:
                outcome = await self._gateway.hangup(agent.id, message.call_id)
                return Reply({"sipCode": outcome.code, "reason": outcome.reason})
            case _:
                return Reply()

    def number(self, to: str) -> str:
        """Return the number that stands behind what a page calls."""
        return self._self_destination if to == SELF else to

    def admit(self, request: Request, client: Client, agent_id: str) -> Agent:
        """
        Return the agent that the request speaks for, and note that its page lives.

        :raises NotSignedIn: when it is gone, which is told to its own page only.
        :raises SessionRequired: when the request may not speak for it, or there is none of that id.
        :raises ForeignSession: likewise.
        """
        try:
            present: Agent | None = self._gateway.agent(agent_id)
        except NotSignedIn:
            present = None
        agent = self._access.admit(request, client, agent_id, present)
        self._gateway.seen(agent_id)
        return agent

    def _sender(self, request: Request, client: Client, fields: Fields) -> Agent:
        agent_id = fields.optional("from") or fields.optional("id")
        if agent_id is None:
            raise BadInput("from", "the agent's id", "nothing")
        agent = self.admit(request, client, agent_id)
        trace(request, agent, fields.call_id or ("" if fields.optional("to") else None))
        return agent

    def _describe(
        self,
        agent: Agent,
        client: Client,
        sdp: str,
        to: str | None,
        call_id: str | None,
        kind: Kind = None,
        data: Pairs = (),
    ) -> Reply:
        address = client.address
        if to is None:
            call = self._gateway.send_description(agent.id, call_id, sdp, page_address=address, kind=kind, data=data)
        elif call_id is not None:
            raise BadInput("to", "either to=, for a new call, or call=")
        else:
            call = self._gateway.place_call(agent.id, self.number(to), sdp, page_address=address, data=data)
        return call_reply(call)


def call_reply(call: Call) -> Reply:
    """Return the answer to a description that was taken for ``call``."""
    return Reply({"callId": call.id}, {"X-WRTC-Call": call.id})


def read_after(fields: Fields) -> int | None:
    """Return the number of the last message that the page has, None when it does not say."""
    if fields.optional("after") is None:
        return None
    return fields.number("after", 0, "the seq of the last message received")
