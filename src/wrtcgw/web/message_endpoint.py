"""The ``message`` call: a page's descriptions in, its messages out. This is the hot path."""

from collections.abc import Awaitable
from typing import Literal

from twisted.internet.defer import Deferred

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call
from wrtcgw.calls.messages import MessageType
from wrtcgw.calls.page import Page
from wrtcgw.errors import BadInput, NotSignedIn
from wrtcgw.gateway import Gateway
from wrtcgw.web.attachments import Pairs
from wrtcgw.web.auth import Access
from wrtcgw.web.codec import RoapMessage, require_roap
from wrtcgw.web.events import Streams
from wrtcgw.web.fields import Fields, parse_object
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.longpoll import Polls
from wrtcgw.web.messages import ROAP, PlainForm
from wrtcgw.web.replies import Reply, write_reply
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
        streams: Streams,
        *,
        wait_limit: float,
        body_limit: int,
        self_destination: str = SELF,
    ) -> None:
        self._gateway = gateway
        self._access = access
        self._polls = polls
        self._streams = streams
        self._plain = PlainForm(gateway.wants)
        self._wait_limit = wait_limit
        self._body_limit = body_limit
        self._self_destination = self_destination

    def poll(self, request: IncomingRequest) -> int:
        """Answer with the agent's next message, at once or within ``wait``."""
        fields = Fields(request.query)
        agent_id = fields.text("id", "the agent's id")
        wait = fields.seconds("wait", self._wait_limit)
        agent = self._gateway.leaver(agent_id)
        if agent is None:
            agent = self.admit(request, agent_id)
        else:
            self._access.require(request, agent)
            wait = 0.0
        form = ROAP if request.accepts_json else self._plain
        page = self._page(request, agent)
        return self._polls.begin(request.response, agent, form, after=read_after(fields), wait=wait, page=page)

    def events(self, request: IncomingRequest) -> Deferred[None]:
        """Stream the agent's messages."""
        fields = request.fields()
        agent = self.admit(request, fields.text("id", "the agent's id"))
        last = request.header(b"last-event-id")
        if last:
            fields = Fields({"after": last.decode("utf-8", "replace")})
        return self._streams.begin(request.response, agent, read_after(fields), self._page(request, agent))

    def post(self, request: IncomingRequest) -> bytes | Awaitable[bytes]:
        """Take a description as it is, or a ROAP message as JSON; an OK needs no action."""
        if not request.is_json:
            return write_reply(request, self._take_description(request))
        fields = request.fields()
        require_roap(fields)
        agent = self._sender(request, fields)
        message = RoapMessage.read(fields, self._body_limit)
        if message.type is MessageType.SHUTDOWN:
            return self._hang_up(request, agent, message.call_id)
        return write_reply(request, self._take_roap(request, agent, message))

    def _take_description(self, request: IncomingRequest) -> Reply:
        """Take a session description: a new call when ``to`` is given, else for a call that is there."""
        fields = Fields(request.query)
        if request.body.lstrip()[:1] == b"{":
            require_roap(Fields(parse_object(request.body)))
        agent = self._sender(request, fields)
        return self._describe(agent, request, request.description(), fields.destination("to"), fields.call_id)

    def _take_roap(self, request: IncomingRequest, agent: Agent, message: RoapMessage) -> Reply:
        match message.type:
            case MessageType.OFFER:
                to = None if message.call_id else message.to
            case MessageType.ANSWER:
                to = None
            case _:
                return Reply()
        return self._describe(
            agent, request, message.sdp, to, message.call_id, message.type, message.data, hidden=message.hidden
        )

    async def _hang_up(self, request: IncomingRequest, agent: Agent, call_id: str | None) -> bytes:
        outcome = await self._gateway.hangup(agent.id, call_id)
        return write_reply(request, Reply({"sipCode": outcome.code, "reason": outcome.reason}))

    def number(self, to: str) -> str:
        """Return the number that stands behind what a page calls."""
        return self._self_destination if to == SELF else to

    def admit(self, request: IncomingRequest, agent_id: str) -> Agent:
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
        agent = self._access.admit(request, agent_id, present)
        self._gateway.seen(agent_id, self._access.page_of(request, agent))
        return agent

    def _page(self, request: IncomingRequest, agent: Agent) -> Page:
        """Return the page of an agent that a request comes from."""
        return agent.page_named(self._access.page_of(request, agent)) or agent.pages[0]

    def _sender(self, request: IncomingRequest, fields: Fields) -> Agent:
        agent_id = fields.optional("from") or fields.optional("id")
        if agent_id is None:
            raise BadInput("from", "the agent's id", "nothing")
        agent = self.admit(request, agent_id)
        trace(request.response, agent, fields.call_id or ("" if fields.optional("to") else None))
        return agent

    def _describe(
        self,
        agent: Agent,
        request: IncomingRequest,
        sdp: str,
        to: str | None,
        call_id: str | None,
        kind: Kind = None,
        data: Pairs = (),
        *,
        hidden: bool = False,
    ) -> Reply:
        address, page = request.client.address, self._access.page_of(request, agent)
        if to is None:
            call = self._gateway.send_description(
                agent.id, call_id, sdp, page_address=address, kind=kind, data=data, page=page
            )
        elif call_id is not None:
            raise BadInput("to", "either to=, for a new call, or call=")
        else:
            number = self.number(to)
            call = self._gateway.place_call(
                agent.id, number, sdp, page_address=address, data=data, page=page, hidden=hidden
            )
        return call_reply(call)


def call_reply(call: Call) -> Reply:
    """Return the answer to a description that was taken for ``call``."""
    return Reply({"callId": call.id}, {"X-WRTC-Call": call.id})


def read_after(fields: Fields) -> int | None:
    """Return the number of the last message that the page has, None when it does not say."""
    if fields.optional("after") is None:
        return None
    return fields.number("after", 0, "the seq of the last message received")
