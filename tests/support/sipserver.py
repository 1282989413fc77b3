"""
A simulator of the SIP Server that third-party call control needs: it plays what a desktop's clicks make it send.

Times, header fields and order are those of traces from the field (docs/third-party-call-control.md).
The simulator knows the message classes only, not ``UACore``, and takes any clock: the same script runs in virtual time
with a gateway in memory, and in real time behind a WebSocket::

    server = SIPServer(clock, deliver)      # deliver(text) is the way to the gateway; server.take(text) the way back
    call = server.invite("5001")            # to the Contact that 5001 has registered
    await call.response("INVITE", 180)
    await server.pause(2.892)
    call.notify("talk")
    answer = await call.response("INVITE", 200)
    call.ack()

Whatever it waits for must come within ``SERVER_TIMEOUT``. Requests without an answer are repeated as over UDP, which a
trace then shows (:rfc:`3261#section-17.1.2.2`). By itself the simulator answers REGISTER, without a challenge, and what
comes inside a call; an INVITE of the gateway as ``call.on_invite`` says.
"""

from collections.abc import Callable, Iterable
from functools import partial

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from wrtcgw.sip.message import Headers, Request, Response
from wrtcgw.sip.parser import parse

SERVER_TIMEOUT = 32.0
"""Seconds that the SIP Server gives the other leg of a call that it makes, and an INVITE that got 100 only."""
ADDRESS = "192.0.2.81:5060"
UUID = "00NK1JB9LSDFP5M0G5VF7H1AES000001"
ALLOW = "ACK, BYE, CANCEL, INFO, INVITE, MESSAGE, NOTIFY, OPTIONS, PRACK, REFER, UPDATE"
ALLOW_LATER = "INVITE, ACK, PRACK, CANCEL, BYE, REFER, INFO, MESSAGE, NOTIFY, OPTIONS"
"""In its re-INVITEs the list is another one."""
SESSION = (("Session-Expires", "1800;refresher=uac"), ("Min-SE", "90"))
FIRST: tuple[tuple[str, str], ...] = (("Allow", ALLOW), *SESSION, ("Supported", "uui,100rel,timer"))
LATER: tuple[tuple[str, str], ...] = (("Allow", ALLOW_LATER), *SESSION[:1], ("Supported", "timer"))


def session(
    formats: str, *, name: str = "-", address: str = "198.51.100.7", port: int = 40000, version: int = 1
) -> str:
    """Return a description of the far side's, with these payload types."""
    lines = [f"v=0\r\no=- 20518 {version} IN IP4 {address}\r\ns={name}\r\nc=IN IP4 {address}\r\nt=0 0"]
    lines.append(f"m=audio {port} RTP/AVP {formats}")
    lines += [f"a=rtpmap:{number} {CODECS[number]}" for number in formats.split()]
    lines += ["a=fmtp:101 0-15"] if "101" in formats.split() else []
    return "\r\n".join([*lines, ""])


CODECS = {
    "0": "PCMU/8000",
    "8": "PCMA/8000",
    "9": "G722/8000",
    "18": "G729/8000",
    "101": "telephone-event/8000",
    "102": "iLBC/8000",
    "103": "ISAC/16000",
    "104": "ISAC/32000",
    "120": "opus/48000/2",
}
OFFER = session("0 8 9 102 103 104 18 120 101")
ANSWER = session("0 101", version=2)
HELD = session("0 101", version=3).replace("198.51.100.7", "0.0.0.0")
"""Hold as of old: the address says it, the direction does not."""
DUMMY = session("0 101", name="3pcc Make Call", address="0.0.0.0")
"""The answer of a call that was not made."""

Fields = Iterable[tuple[str, str]]


@frozen
class Line:
    """One message as a trace shows it."""

    at: float
    """Seconds since the call began."""
    theirs: bool
    """Whether the gateway sent it."""
    message: Request | Response

    @property
    def text(self) -> str:
        """Say what it is in few words: ``INVITE 3``, ``200 INVITE 3 sdp``."""
        message = self.message
        status = f"{message.status} " if isinstance(message, Response) else ""
        words = [f"{status}{message.cseq.method} {message.cseq.number}"]
        event = message.headers.get("Event") if isinstance(message, Request) else None
        words += [event] if event else []
        words += ["sdp"] if message.sdp() is not None else []
        return " ".join(words)

    def __str__(self) -> str:
        """Show time, sender and message."""
        return f"{self.at:7.3f} {'<' if self.theirs else '>'} {self.text}"


@define(eq=False)
class ServerCall:
    """One dialog with the gateway, seen from the SIP Server."""

    server: "SIPServer"
    call_id: str
    local: str
    """Its From or To value, with its tag."""
    remote: str
    target: str
    """The gateway's Contact, taken literally."""
    uuid: str = UUID
    cseq: int = 0
    began: float = 0.0
    trace: list[Line] = field(factory=list)
    invites: dict[int, Request] = field(factory=dict)
    """Its INVITEs by CSeq number."""
    on_invite: "Callable[[ServerCall, Request], None]" = field(default=lambda call, request: None)
    """What it does with an INVITE of the gateway; by default a test answers it."""
    timed_out: bool = False
    """Whether the gateway left an INVITE with nothing but 100."""
    _waiting: "list[tuple[Callable[[Line], bool], Deferred[Line]]]" = field(factory=list)
    _repeats: dict[tuple[str, int], IDelayedCall] = field(factory=dict)

    # -- its requests

    def request(self, method: str, body: str = "", fields: Fields = (), *, cseq: int | None = None) -> Request:
        """Send a request inside the call; it is repeated until its final answer comes."""
        if cseq is None:
            self.cseq += 1
        request = self._build(method, body, fields, self.cseq if cseq is None else cseq)
        if method == "INVITE":
            self.invites[request.cseq.number] = request
        self._note(request, theirs=False)
        self.server.push(request.to_text())
        if method not in ("ACK", "INVITE"):
            self._repeat(request, 0.5)
        return request

    def _build(self, method: str, body: str, fields: Fields, number: int) -> Request:
        invite = self.invites.get(number)
        same = invite is not None and method in ("CANCEL", "ACK") and not self._accepted(number)
        via = invite.headers.get("Via") if invite is not None and same else None
        headers = Headers(
            [("Via", via or f"SIP/2.0/WS 192.0.2.81:5060;branch=z9hG4bK-{self.call_id}-{number}{method}")]
        )
        for name, value in (
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{number} {method}"),
            ("Contact", f"<sip:1003@{ADDRESS}>"),
            ("Max-Forwards", "70"),
            ("X-Genesys-CallUUID", self.uuid),
            *fields,
        ):
            headers.add(name, value)
        if body and "Content-Type" not in headers:
            headers.add("Content-Type", "application/sdp")
        target = invite.uri if invite is not None and same else self.target
        return Request(method, target, headers, body)

    def _accepted(self, number: int) -> bool:
        return any(
            line.theirs and isinstance(line.message, Response) and line.message.status // 100 == 2
            for line in self.trace
            if line.message.cseq.number == number and line.message.cseq.method == "INVITE"
        )

    def _repeat(self, request: Request, interval: float) -> None:
        key = request.method, request.cseq.number
        self._repeats[key] = self.server.clock.callLater(interval, self._again, request, min(2 * interval, 4.0))

    def _again(self, request: Request, interval: float) -> None:
        self._note(request, theirs=False)
        self.server.push(request.to_text())
        self._repeat(request, interval)

    def invite(self, sdp: str | None = OFFER, fields: Fields = FIRST) -> Request:
        """Send the first INVITE; with None without a description."""
        return self.request("INVITE", sdp or "", fields)

    def reinvite(self, sdp: str | None = None, fields: Fields = LATER) -> Request:
        """Send a re-INVITE; with None without a description, which asks for an offer."""
        return self.request("INVITE", sdp or "", fields)

    def ack(self, sdp: str = "", *, cseq: int | None = None) -> None:
        """Acknowledge the newest INVITE, or another one."""
        self.request("ACK", sdp, cseq=max(self.invites) if cseq is None else cseq)

    def notify(self, event: str, fields: Fields = (("Subscription-State", "active"),)) -> Request:
        """Send a NOTIFY, without any subscription."""
        return self.request("NOTIFY", "", [*([("Event", event)] if event else []), *fields])

    def cancel(self, *reasons: str) -> None:
        """Cancel the newest INVITE."""
        self.request("CANCEL", "", [("Reason", reason) for reason in reasons], cseq=max(self.invites))

    def bye(self, *reasons: str) -> None:
        """Hang up."""
        self.request("BYE", "", [("Reason", reason) for reason in reasons])

    def respond(self, request: Request, status: int, sdp: str = "", fields: Fields = ()) -> None:
        """Answer a request of the gateway."""
        response = request.response(status)
        if status > 100 and not request.to_tag:
            response.headers.set("To", self.local)
        for name, value in (("Contact", f"<sip:1003@{ADDRESS}>"), ("X-Genesys-CallUUID", self.uuid), *fields):
            response.headers.add(name, value)
        if sdp:
            response.headers.add("Content-Type", "application/sdp")
            response.body = sdp
        self._note(response, theirs=False)
        self.server.push(response.to_text())

    # -- what the gateway says

    def take(self, message: Request | Response) -> None:
        """Take a message of the gateway."""
        if message.contact is not None:
            self.target = str(message.contact.uri)
        if isinstance(message, Response):
            self._take_response(message)
        self._note(message, theirs=True)
        if isinstance(message, Request) and message.method == "INVITE":
            self.on_invite(self, message)
        elif isinstance(message, Request) and message.method not in ("ACK", "CANCEL"):
            self.respond(message, 200)

    def _take_response(self, response: Response) -> None:
        cseq = response.cseq
        if response.to_tag:
            self.remote = response.headers.get("To") or self.remote
        if cseq.method == "INVITE" and response.status == 100:
            self._repeats["100", cseq.number] = self.server.clock.callLater(SERVER_TIMEOUT, self._only_trying)
            return
        waiting = self._repeats.pop(("100" if cseq.method == "INVITE" else cseq.method, cseq.number), None)
        if waiting is not None and waiting.active():
            waiting.cancel()
        if cseq.method == "INVITE" and response.status >= 300:
            self.server.clock.callLater(0, self.ack, cseq=cseq.number)

    def _only_trying(self) -> None:
        self.timed_out = True

    def _note(self, message: Request | Response, *, theirs: bool) -> None:
        line = Line(self.server.clock.seconds() - self.began, theirs, message)
        self.trace.append(line)
        for wish, deferred in list(self._waiting):
            if wish(line):
                self._waiting.remove((wish, deferred))
                deferred.callback(line)

    # -- looking

    async def response(self, method: str, status: int, within: float = SERVER_TIMEOUT) -> Response:
        """Wait for that answer to the newest request of the method; it may be there already."""
        number = next(
            line.message.cseq.number
            for line in reversed(self.trace)
            if not line.theirs and isinstance(line.message, Request) and line.message.method == method
        )
        wanted = f"{status} {method} {number}"
        line = await self.line(lambda line: line.theirs and f"{line.text} ".startswith(f"{wanted} "), wanted, within)
        assert isinstance(line.message, Response)
        return line.message

    async def asked(self, method: str, within: float = SERVER_TIMEOUT) -> Request:
        """Wait for a request of the gateway's that has no answer yet."""
        answered = {line.text.split(" ", 1)[1].split(" sdp")[0] for line in self.trace if _is_final(line)}
        line = await self.line(lambda line: _is_request(line, method, answered), method, within)
        assert isinstance(line.message, Request)
        return line.message

    async def line(self, wish: Callable[[Line], bool], what: str, within: float = SERVER_TIMEOUT) -> Line:
        """Wait for a line of the trace; the first that is there already will do."""
        found = next((line for line in self.trace if wish(line)), None)
        if found is not None:
            return found
        waiting: Deferred[Line] = Deferred()
        self._waiting.append((wish, waiting))
        waiting.addTimeout(within, self.server.clock)
        try:
            return await waiting
        except Exception as error:
            raise AssertionError(f"{what} did not come within {within:g} s:\n{self.ladder()}") from error

    def ladder(self) -> str:
        """Return the trace as text, one line for each message."""
        return "\n".join(str(line) for line in self.trace)

    def lines(self, *, theirs: bool | None = None) -> list[str]:
        """Return what was said, without times."""
        return [line.text for line in self.trace if theirs in (None, line.theirs)]

    def at(self, text: str) -> float:
        """Return when the first message of these words went over the wire, seconds since the call began."""
        return next(line.at for line in self.trace if line.text == text)

    def found(self, text: str) -> Request | Response:
        """Return the newest message of these words."""
        return next(line.message for line in reversed(self.trace) if line.text == text)

    def stop(self) -> None:
        """Repeat nothing any more."""
        for waiting in self._repeats.values():
            if waiting.active():
                waiting.cancel()


def _is_final(line: Line) -> bool:
    return not line.theirs and isinstance(line.message, Response) and line.message.status >= 200


def _is_request(line: Line, method: str, answered: set[str]) -> bool:
    message = line.message
    open_ = f"{message.cseq.method} {message.cseq.number}" not in answered
    return line.theirs and isinstance(message, Request) and message.method == method and open_


class SIPServer:
    """
    Registrar and all calls.

    :param deliver: carries the text of one message to the gateway.
    :param latency: seconds that a message needs to the gateway.
    """

    def __init__(
        self, clock: IReactorTime, deliver: Callable[[str], None], domain: str = "example.org", latency: float = 0.0
    ) -> None:
        self.clock = clock
        self.deliver = deliver
        self.domain = domain
        self.latency = latency
        self.calls: list[ServerCall] = []
        self.contacts: dict[str, str] = {}
        """What is registered, by DN (annex option ``contact=*``)."""
        self.registers: list[Request] = []
        self.outside: list[Response] = []
        """Answers to requests outside any call."""
        self.strays: list[str] = []
        """Messages that belong to nothing."""

    def pause(self, seconds: float) -> "Deferred[None]":
        """Return a Deferred that fires after a while."""
        waiting: Deferred[None] = Deferred()
        self.clock.callLater(seconds, waiting.callback, None)
        return waiting

    def push(self, text: str) -> None:
        """Send a message."""
        self.clock.callLater(self.latency, self.deliver, text)

    def invite(self, dn: str, sdp: str | None = OFFER, caller: str = "1003", fields: Fields = FIRST) -> ServerCall:
        """Call a DN at its Contact."""
        serial = len(self.calls) + 1
        caller_address, address = f"<sip:{caller}@{self.domain}>;tag=server{serial}", f"<sip:{dn}@{self.domain}>"
        call = ServerCall(self, f"server-{serial}", caller_address, address, self.contacts[dn])
        call.uuid = UUID[:-1] + str(serial)
        call.began = self.clock.seconds()
        self.calls.append(call)
        call.invite(sdp, fields)
        return call

    def send_outside(self, method: str, dn: str, fields: Fields = (), body: str = "") -> None:
        """Send a request outside any call; its answers come into ``outside``."""
        serial = len(self.outside) + 1
        call = ServerCall(self, f"outside-{serial}", f"<sip:{self.domain}>;tag=o", f"<sip:{dn}>", self.contacts[dn])
        self.push(call._build(method, body, fields, 1).to_text())

    # -- what the gateway sends

    def take(self, text: str) -> None:
        """Take one message of the gateway."""
        message = parse(text)
        if not isinstance(message, Request | Response):
            return
        call = next((call for call in self.calls if call.call_id == message.call_id), None)
        if isinstance(message, Request) and message.method == "REGISTER":
            self._register(message)
        elif isinstance(message, Request) and call is None and message.method == "INVITE":
            self._called(message)
        elif call is not None:
            call.take(message)
        elif isinstance(message, Response) and message.call_id.startswith("outside-"):
            self.outside.append(message)
        else:
            self.strays.append(text)

    def _register(self, request: Request) -> None:
        """Take a registration; this installation asks for no password."""
        self.registers.append(request)
        contact, dn = request.contact, request.to.uri.user or ""
        assert contact is not None
        response = request.response(200, None, "reg")
        expires = contact.param("expires") or request.headers.get("Expires") or "3600"
        if expires == "0":
            self.contacts.pop(dn, None)
        else:
            self.contacts[dn] = str(contact.uri)
            response.headers.add("Contact", f"<{contact.uri}>;expires={expires}")
        self.push(response.to_text())

    def _called(self, request: Request) -> None:
        local = str(request.to.with_param("tag", f"server{len(self.calls) + 1}"))
        call = ServerCall(self, request.call_id, local, request.headers.get("From") or "", "")
        call.began = self.clock.seconds()
        self.calls.append(call)
        call.take(request)
        call.respond(request, 100)

    def stop(self) -> None:
        """Repeat nothing any more."""
        for call in self.calls:
            call.stop()


def answering(sdp: str = ANSWER, delay: float = 0.0) -> Callable[[ServerCall, Request], None]:
    """Return what accepts the gateway's INVITEs, for :attr:`ServerCall.on_invite`."""

    def answer(call: ServerCall, request: Request) -> None:
        call.server.clock.callLater(delay, partial(call.respond, request, 200, sdp))

    return answer
