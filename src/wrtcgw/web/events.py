"""
The same messages as Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

Each stream has its own place in the mailbox of its page, so several may listen. A stream whose connection
cannot take more waits, and its messages stay undelivered.
"""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.web.server import Request

from wrtcgw.calls.agent import Agent
from wrtcgw.calls.mailbox import Mailbox
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.calls.page import Page
from wrtcgw.web.longpoll import Attendance, acknowledge
from wrtcgw.web.messages import to_line
from wrtcgw.web.sse import ServerSentEvents
from wrtcgw.web.tracing import told


class Streams:
    """The open streams, and the heartbeat that they share."""

    def __init__(self, clock: IReactorTime, attendance: Attendance, heartbeat: float, per_agent: int) -> None:
        self._clock = clock
        self.attendance = attendance
        self._heartbeat = heartbeat
        self._per_agent = per_agent
        self._open: dict[str, list[Stream]] = {}
        self._beat: IDelayedCall | None = None

    def __len__(self) -> int:
        """Return how many streams are open."""
        return sum(map(len, self._open.values()))

    def begin(self, request: Request, agent: Agent, after: int | None, page: Page) -> Deferred[None]:
        """
        Tell a page of the agent its messages from now on.

        :param after: the number of the last message that the page has; None begins with the first undelivered one.
        :returns: fires when the stream has ended; to be cancelled when its connection is lost.
        """
        streams = self._open.setdefault(agent.id, [])
        stream = Stream(self, request, agent, place_of(page.mailbox, after), page)
        streams.append(stream)
        self.attendance.attend(agent.id, page.name)
        if self._beat is None:
            self._beat = self._clock.callLater(self._heartbeat, self._on_beat)
        own = [each for each in streams if each.page.name == page.name]
        if len(own) > self._per_agent:
            own[0].close()
        stream.open()
        return stream.ended

    def end(self, agent_id: str, page: str | None = None) -> None:
        """Close all streams of an agent, or of one page of it."""
        for stream in tuple(self._open.get(agent_id, ())):
            if page is None or stream.page.name == page:
                stream.close()

    def end_all(self) -> None:
        """Close all streams: the gateway stops."""
        for agent_id in tuple(self._open):
            self.end(agent_id)

    def forget(self, stream: "Stream") -> None:
        """Take a stream off the list, and stop the heartbeat with the last one."""
        streams = self._open[stream.agent.id]
        streams.remove(stream)
        self.attendance.leave(stream.agent.id, stream.page.name)
        if not streams:
            del self._open[stream.agent.id]
        if not self._open and self._beat is not None:
            self._beat.cancel()
            self._beat = None

    def _on_beat(self) -> None:
        self._beat = self._clock.callLater(self._heartbeat, self._on_beat)
        for streams in tuple(self._open.values()):
            for stream in tuple(streams):
                stream.beat()


class Stream(ServerSentEvents):
    """One event stream."""

    def __init__(self, streams: Streams, request: Request, agent: Agent, after: int, page: Page) -> None:
        super().__init__(request)
        self._streams = streams
        self._after = after
        self._mailbox = page.mailbox
        self.agent = agent
        self.page = page

    def open(self) -> None:
        """Listen, send the head, and what is there."""
        self._mailbox.subscribe(self.flush)
        super().open()

    def flush(self) -> None:
        """Write the messages that are new."""
        while self.is_writable:
            message = self._next()
            if message is None:
                return
            line = to_line(message)
            self._request.write(b"id: %d\ndata: %b\n\n" % (message.seq, line))
            self._after = message.seq
            self._mailbox.delivered(message.seq)
            self._streams.attendance.delivered(self.agent)
            told(self._request, self.agent, message.call_id, "stream", line, message.type.value)
            if message.type is MessageType.SIGNED_OUT:
                self.close()

    def left(self) -> None:
        """Listen no more."""
        self._mailbox.unsubscribe(self.flush)
        self._streams.forget(self)

    def _next(self) -> AgentMessage | None:
        return next(iter(self._mailbox.after(self._after)), None)


def place_of(mailbox: Mailbox, after: int | None) -> int:
    """Return the number after which a stream begins: the page's own, or that before the first undelivered message."""
    place = acknowledge(mailbox, after)
    if place is not None:
        return place
    head = mailbox.head()
    return mailbox.last_seq if head is None else head.seq - 1
