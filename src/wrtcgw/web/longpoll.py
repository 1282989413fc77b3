"""
Polls: one message per response, at once or within a time.

A message is gone when its response was written to a live connection. Until then it stays in the mailbox, or goes back
there (:mod:`wrtcgw.web.delivery`): a poll that broke off has taken nothing. One poll at a time hangs for a page; a
newer one sends the older home.
"""

from socket import MSG_DONTWAIT, MSG_PEEK
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET, Request

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.mailbox import Mailbox
from wrtcgw.calls.messages import AgentMessage
from wrtcgw.calls.page import Page
from wrtcgw.web.delivery import Delivery
from wrtcgw.web.messages import Form
from wrtcgw.web.tracing import told


class Attendance(Protocol):
    """Who keeps track of the pages that listen: the gateway."""

    def attend(self, agent_id: str, page: str) -> None:
        """Note that a poll or stream of a page of the agent hangs."""

    def leave(self, agent_id: str, page: str) -> None:
        """Note that one does not any more."""

    def delivered(self, agent: Agent) -> None:
        """Note that a message of the agent was delivered, or did not arrive and is in the mailbox again."""


class Polls:
    """The polls that hang."""

    def __init__(self, clock: IReactorTime, attendance: Attendance) -> None:
        self._clock = clock
        self.attendance = attendance
        self._hanging: dict[str, dict[str, Poll]] = {}
        """By the agent's id and the page's name."""
        self._sending: dict[Mailbox, Delivery] = {}

    def __len__(self) -> int:
        """Return how many polls hang."""
        return sum(map(len, self._hanging.values()))

    def begin(self, request: Request, agent: Agent, form: Form, *, after: int | None, wait: float, page: Page) -> int:
        """
        Answer a poll with the next message, now or within ``wait`` seconds, or with 204.

        :param after: the number of the last message that the page has; None takes the first that was not delivered.
        """
        self.end(agent.id, page.name)
        poll = Poll(self, request, agent, form, acknowledge(page.mailbox, after), page)
        if self._is_undecided(page.mailbox, after) or not poll.deliver():
            if wait > 0:
                poll.hang(self._clock, wait)
                self._hanging.setdefault(agent.id, {})[page.name] = poll
                self.attendance.attend(agent.id, page.name)
            else:
                poll.send(204, b"")
        return NOT_DONE_YET

    def end(self, agent_id: str, page: str | None = None) -> None:
        """Send the hanging polls of an agent home, or that of one page, if there are any."""
        for name, poll in tuple(self._hanging.get(agent_id, {}).items()):
            if page is None or name == page:
                poll.give_up()

    def end_all(self) -> None:
        """Send all home: the gateway stops."""
        for agent_id in tuple(self._hanging):
            self.end(agent_id)
        for delivery in tuple(self._sending.values()):
            delivery.close()
        self._sending.clear()

    def _is_undecided(self, mailbox: Mailbox, after: int | None) -> bool:
        """Return whether the fate of the message before is not known, while the page does not say what it has."""
        delivery = self._sending.get(mailbox)
        if after is not None or delivery is None or delivery.look():
            return False
        delivery.hurry()
        return True

    def is_sending(self, mailbox: Mailbox) -> bool:
        """Return whether a message of a mailbox is on its way."""
        return mailbox in self._sending

    def watch(self, request: Request, agent: Agent, mailbox: Mailbox, message: AgentMessage) -> None:
        """See to a message that was written: if it does not arrive it goes back to the mailbox."""

        def over(lost: bool) -> None:
            self._sending.pop(mailbox, None)
            if lost:
                mailbox.put_back(message)
                self.attendance.delivered(agent)
            for hanging in tuple(self._hanging.get(agent.id, {}).values()):
                if hanging.mailbox is mailbox:
                    hanging.look()

        delivery = self._sending[mailbox] = Delivery(request, self._clock, over)
        delivery.begin()

    def forget(self, poll: "Poll") -> None:
        """Take a poll that does not hang any more off the list."""
        polls = self._hanging[poll.agent.id]
        del polls[poll.page]
        if not polls:
            del self._hanging[poll.agent.id]
        self.attendance.leave(poll.agent.id, poll.page)


class Poll:
    """One request for a message."""

    __slots__ = ("_after", "_form", "_polls", "_request", "_timer", "agent", "mailbox", "page")

    def __init__(self, polls: Polls, request: Request, agent: Agent, form: Form, after: int | None, page: Page) -> None:
        self._polls = polls
        self._request = request
        self._form = form
        self._after = after
        self._timer: IDelayedCall | None = None
        """Runs while the poll hangs."""
        self.agent = agent
        self.mailbox = page.mailbox
        self.page = page.name

    def deliver(self) -> bool:
        """Answer with the next message; tell whether there was one."""
        mailbox = self.mailbox
        message = next_message(mailbox, self._form, self._after)
        if message is None or has_hung_up(self._request):
            return False
        self._stop()
        body = self._form.write(self._request, self.agent, message)
        self._request.write(body)
        mailbox.delivered(message.seq)
        self._polls.attendance.delivered(self.agent)
        told(self._request, self.agent, message.call_id, "poll", body, message.type.value)
        self._polls.watch(self._request, self.agent, mailbox, message)
        return True

    def hang(self, clock: IReactorTime, wait: float) -> None:
        """Wait for a message."""
        self._timer = clock.callLater(wait, self.give_up)
        self.mailbox.subscribe(self.look)
        self._request.notifyFinish().addErrback(self._broke_off)

    def send(self, code: int, body: bytes) -> None:
        """Answer without a message."""
        self._request.setResponseCode(code)
        self._request.write(body)
        self._request.finish()

    def give_up(self) -> None:
        """Stop hanging, and answer that there is nothing."""
        self._stop()
        self.send(204, b"")

    def look(self) -> None:
        """Deliver the next message, unless the one before is still on its way."""
        if self._timer is not None and (self._after is not None or not self._polls.is_sending(self.mailbox)):
            self.deliver()

    def _broke_off(self, reason: Failure) -> None:
        self._stop()

    def _stop(self) -> None:
        timer, self._timer = self._timer, None
        if timer is None:
            return
        self.mailbox.unsubscribe(self.look)
        if timer.active():
            timer.cancel()
        self._polls.forget(self)


def has_hung_up(request: Request) -> bool:
    """
    Return whether the client has closed its connection, and only the reactor has not come to it yet.

    A message written now would be lost. Only a socket can tell; a TLS connection has none of its own.
    """
    connection = getattr(request.transport, "socket", None)
    if connection is None:
        return False
    try:
        return not connection.recv(1, MSG_PEEK | MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def acknowledge(mailbox: Mailbox, after: int | None) -> int | None:
    """
    Take the page's word that it has all up to ``after``; return the number to go on from.

    A number that this mailbox never gave is one of an earlier life of the agent: the page has nothing of this one.
    """
    if after is None:
        return None
    if after > mailbox.last_seq:
        return 0
    mailbox.delivered(after)
    return after


def next_message(mailbox: Mailbox, form: Form, after: int | None) -> AgentMessage | None:
    """Return the next message that ``form`` can tell: after a number, or the first undelivered one."""
    if after is None:
        return mailbox.head(form.accepts)
    return next((message for message in mailbox.after(after) if form.accepts(message)), None)
