"""
The far side of a gateway, in memory: registrar, proxy and phones, played by a test.

Written by hand over the message classes alone and not over ``UACore``, so that a fault of the core cannot hide behind
its own mirror image. It does what a test says, also what no phone would do::

    far = FarSide(clock, gateway.received, passwords={"5001": "secret"})   # and far.take is the gateway's ``send``
    ...
    call = far.calls[-1]              # the gateway has sent an INVITE
    call.ring(); call.answer()        # 180, 200
    clock.advance(1)                  # what the far side sends arrives after ``LATENCY``
    call.reinvite(HELD)               # its answer: call.last("INVITE").status
    call.bye()

    call = far.call("5001", caller="5002")    # an INVITE to the Contact that 5001 has registered
    call.cancel("SIP;cause=200")

By itself it answers REGISTER (digest, MD5), and what comes inside a call: BYE, INFO, UPDATE and others with 200, REFER
with 202, CANCEL with 200 and a 487; ``far.script("INFO", 415)`` changes the next answer. An INVITE, the first one or a
later one (``call.offer``), waits for the test. ACKs for the gateway's 2xx go out by themselves.
"""

import hashlib
from collections import defaultdict, deque
from collections.abc import Callable, Iterable

from attrs import define, field
from twisted.internet.interfaces import IReactorTime

from wrtcgw.sip.headers import Credentials
from wrtcgw.sip.message import Headers, Request, Response
from wrtcgw.sip.parser import KeepAlive, parse
from wrtcgw.sip.uri import URI

LATENCY = 0.01
"""Seconds from the far side to the gateway; the other way takes none."""

SDP = (
    "v=0\r\no=far 7 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
)
"""A description of the far side's."""

Fields = Iterable[tuple[str, str]]

_QUIET = {"REFER": 202}


@define(eq=False)
class FarCall:
    """One call as the far side sees it: its dialog, and every message of it."""

    far: "FarSide"
    call_id: str
    local: str
    """The far side's From or To value, with its tag."""
    remote: str
    target: str
    """Request-URI of its requests: the gateway's Contact."""
    flow: int = 0
    sdp: str = SDP
    """What it says of its media when a test does not say otherwise."""
    invite: Request | None = None
    """The gateway's INVITE that waits for an answer."""
    own_invite: Request | None = None
    cseq: int = 100
    requests: list[Request] = field(factory=list)
    """From the gateway, in order."""
    responses: list[Response] = field(factory=list)
    """From the gateway, in order."""
    ack_sdp: str | None = None
    """The description in the ACK, for an INVITE without one."""
    acks: bool = True
    """Whether 2xx of the gateway are acknowledged."""

    # -- what the gateway asked

    def methods(self) -> list[str]:
        """Return the methods of the gateway's requests, in order."""
        return [request.method for request in self.requests]

    def request(self, method: str) -> Request:
        """Return the gateway's newest request of that method."""
        return next(request for request in reversed(self.requests) if request.method == method)

    @property
    def offer(self) -> str:
        """Return the description in the gateway's newest INVITE."""
        return self.request("INVITE").body

    def ring(self, status: int = 180, sdp: str | None = None) -> None:
        """Send a provisional response."""
        self._respond(status, None, sdp)

    def answer(self, sdp: str | None = None, fields: Fields = ()) -> None:
        """Accept the INVITE that waits."""
        self._respond(200, None, self.sdp if sdp is None else sdp, fields)
        self.invite = None

    def refuse(self, status: int, reason: str | None = None, fields: Fields = (), *, contact: bool = True) -> None:
        """Refuse the INVITE that waits; without ``contact`` the only Contacts are those among ``fields``."""
        self._respond(status, reason, None, fields, contact=contact)
        self.invite = None

    def _respond(
        self, status: int, reason: str | None, sdp: str | None, fields: Fields = (), *, contact: bool = True
    ) -> None:
        assert self.invite is not None, "no INVITE of the gateway waits"
        self.far.respond(self, self.invite, status, reason, sdp, fields, contact=contact)

    # -- what the far side asks

    def last(self, method: str) -> Response:
        """Return the gateway's newest response to a request of that method."""
        return next(response for response in reversed(self.responses) if response.cseq.method == method)

    def send(self, method: str, body: str = "", content_type: str = "", fields: Fields = ()) -> Request:
        """Send a request inside the dialog."""
        self.cseq += 1
        return self.far.request(self, method, self.cseq, body, content_type, fields)

    def bye(self, reason: str = "") -> None:
        """Hang up."""
        self.send("BYE", fields=[("Reason", reason)] if reason else [])

    def cancel(self, reason: str = "") -> None:
        """Cancel the INVITE of :meth:`FarSide.call`."""
        invite = self.own_invite
        assert invite is not None, "the far side did not call"
        fields = [("Via", invite.headers.get("Via") or "")] + ([("Reason", reason)] if reason else [])
        self.far.request(self, "CANCEL", invite.cseq.number, fields=fields)

    def reinvite(self, sdp: str | None = None, *, answer: str | None = None) -> None:
        """Offer a description, or with None ask for one and answer it in the ACK."""
        self.ack_sdp = answer
        self.own_invite = self.send("INVITE", sdp or "", "application/sdp" if sdp else "")

    def info(self, content_type: str, body: str) -> None:
        """Send an INFO."""
        self.send("INFO", body, content_type)

    def notify(self, event: str, state: str = "active", sipfrag: str = "") -> None:
        """Send a NOTIFY; ``sipfrag`` is the status line of a transfer's outcome."""
        fields = [("Event", event), ("Subscription-State", state)]
        body, content_type = (f"{sipfrag}\r\n", "message/sipfrag;version=2.0") if sipfrag else ("", "")
        self.send("NOTIFY", body, content_type, fields)

    def refer(self, target: str, fields: Fields = ()) -> None:
        """Ask the gateway to call ``target``."""
        self.send("REFER", fields=[("Refer-To", f"<{target}>"), *fields])

    # -- wire

    def take_response(self, response: Response) -> None:
        """Keep a response of the gateway; acknowledge it if it is final and to an INVITE."""
        self.responses.append(response)
        if response.contact is not None:
            self.target = str(response.contact.uri)
        if response.to_tag and response.cseq.method == "INVITE":
            self.remote = response.headers.get("To") or self.remote
        if response.cseq.method == "INVITE" and response.status >= 200 and (self.acks or response.status >= 300):
            self.acknowledge(response)

    def acknowledge(self, response: Response) -> None:
        """Send the ACK for a final response to the far side's INVITE."""
        fields = []
        if response.status >= 300 and self.own_invite is not None:
            fields = [("Via", self.own_invite.headers.get("Via") or "")]
        body = self.ack_sdp if response.status < 300 and self.ack_sdp else ""
        self.far.request(self, "ACK", response.cseq.number, body, "application/sdp" if body else "", fields)


class FarSide:
    """
    Everything beyond the gateway's connections.

    :param deliver: takes a flow and the text of a message: ``gateway.received``.
    :param passwords: by user; who is not in it is unknown (404).
    """

    def __init__(
        self,
        clock: IReactorTime,
        deliver: Callable[[int, str], None],
        passwords: dict[str, str],
        domain: str = "example.org",
    ) -> None:
        self.clock = clock
        self.deliver = deliver
        self.passwords = passwords
        self.domain = domain
        self.calls: list[FarCall] = []
        """In order of their INVITEs."""
        self.contacts: dict[str, str] = {}
        """What is registered, by user."""
        self.registers: list[Request] = []
        self.users: dict[str, str] = {}
        """By whom a user is authenticated, where it is not the user itself."""
        self.silent: set[str] = set()
        """Methods that get no answer."""
        self.challenge_invite = False
        self.challenges: dict[str, tuple[str, str]] = {}
        """By method the challenge (header field, value) for requests without any credentials."""
        self.more_challenges: Fields = ()
        """Further ones in the same response."""
        self.expires = 600
        self.down: set[int] = set()
        """Flows over which nothing arrives any more, either way."""
        self.strays: list[str] = []
        """Messages of the gateway that belong to nothing."""
        self.register_fields: Fields = ()
        """Further header fields of the registrar's scripted answers."""
        self._scripts: dict[str, deque[int]] = defaultdict(deque)
        self._serial = 0

    def script(self, method: str, *statuses: int) -> None:
        """Give the next requests of that method these answers."""
        self._scripts[method].extend(statuses)

    def call(
        self, dn: str, sdp: str | None = SDP, caller: str = "5002", name: str = "", fields: Fields = ()
    ) -> FarCall:
        """Send an INVITE to the Contact that ``dn`` has registered."""
        serial = self._next()
        target = self.contacts[dn]
        shown = f'"{name}" ' if name else ""
        call = FarCall(
            self,
            call_id=f"far-{serial}",
            local=shown + f"<sip:{caller}@{self.domain}>;tag=far{serial}",
            remote=f"<{URI(user=dn, host=self.domain)}>",
            target=target,
        )
        self.calls.append(call)
        call.own_invite = call.send("INVITE", sdp or "", "application/sdp" if sdp else "", fields)
        return call

    # -- what the gateway sends

    def take(self, flow: int, text: str) -> None:
        """Take one message of the gateway; this is what it is given as ``send``."""
        if flow in self.down:
            return
        message = parse(text)
        if isinstance(message, Request):
            self._take_request(flow, message)
        elif isinstance(message, Response):
            call = self._find(message.call_id)
            if call is None:
                self.strays.append(text)
            else:
                call.take_response(message)
        else:
            assert isinstance(message, KeepAlive)

    def _find(self, call_id: str) -> FarCall | None:
        return next((call for call in self.calls if call.call_id == call_id), None)

    def _take_request(self, flow: int, request: Request) -> None:
        if request.method == "REGISTER":
            self.registers.append(request)
            if "REGISTER" not in self.silent:
                self._register(flow, request)
            return
        call = self._find(request.call_id)
        if call is None and request.method == "INVITE":
            call = self._called(flow, request)
        if call is None:
            self.strays.append(request.to_text())
            return
        call.requests.append(request)
        if request.contact is not None:
            call.target = str(request.contact.uri)
        if request.method not in self.silent:
            self._answer(flow, call, request)

    def _called(self, flow: int, request: Request) -> FarCall:
        local = str(request.to.with_param("tag", f"far{self._next()}"))
        call = FarCall(self, request.call_id, local, request.headers.get("From") or "", "", flow)
        self.calls.append(call)
        return call

    def _answer(self, flow: int, call: FarCall, request: Request) -> None:
        """Do what a far side does by itself."""
        method, script = request.method, self._scripts[request.method]
        if method == "ACK":
            return
        if script:
            self.respond(call, request, script.popleft())
        elif method in self.challenges and not _has_credentials(request):
            name, _ = self.challenges[method]
            status = 401 if name == "WWW-Authenticate" else 407
            self.respond(call, request, status, fields=[self.challenges[method], *self.more_challenges])
        elif method == "INVITE":
            if self.challenge_invite and "Authorization" not in request.headers:
                self.respond(call, request, 401, fields=[("WWW-Authenticate", self._challenge())])
            else:
                call.invite = request
                self.respond(call, request, 100)
        elif method == "CANCEL":
            self.respond(call, request, 200)
            if call.invite is not None:
                call.refuse(487)
        else:
            self.respond(call, request, _QUIET.get(method, 200))

    # -- the registrar

    def _register(self, flow: int, request: Request) -> None:
        user = request.to.uri.user or ""
        user = self.users.get(user, user)
        if self._scripts["REGISTER"]:
            response = request.response(self._scripts["REGISTER"].popleft(), None, "reg")
            for field in self.register_fields:
                response.headers.add(*field)
            self._reply(flow, response)
        elif user not in self.passwords:
            self._reply(flow, request.response(404, None, "reg"))
        elif "REGISTER" in self.challenges and _has_credentials(request):
            self._bind(flow, request, user)
        elif not self._is_right(request, user):
            response = request.response(401, None, "reg")
            response.headers.add(*self.challenges.get("REGISTER", ("WWW-Authenticate", self._challenge())))
            self._reply(flow, response)
        else:
            self._bind(flow, request, user)

    def _bind(self, flow: int, request: Request, user: str) -> None:
        contact = request.contact
        assert contact is not None, "a REGISTER of the gateway has a Contact"
        response = request.response(200, None, "reg")
        if contact.param("expires") == "0":
            self.contacts.pop(user, None)
        else:
            self.contacts[user] = str(contact.uri)
            response.headers.add("Contact", f"<{contact.uri}>;expires={self.expires}")
        self._reply(flow, response)

    def _challenge(self) -> str:
        return f'Digest realm="far", nonce="n{self._next()}", qop="auth", algorithm=MD5'

    def _is_right(self, request: Request, user: str) -> bool:
        """Check the digest response by hand (:rfc:`7616#section-3.4.1`)."""
        value = request.headers.get("Authorization")
        if value is None:
            return False
        given = Credentials.parse(value).params
        first = _md5(f"{user}:far:{self.passwords[user]}")
        second = _md5(f"{request.method}:{given['uri']}")
        middle = f"{given['nonce']}:{given['nc']}:{given['cnonce']}:auth"
        return given["username"] == user and given["response"] == _md5(f"{first}:{middle}:{second}")

    # -- what the gateway gets

    def respond(
        self,
        call: FarCall,
        request: Request,
        status: int,
        reason: str | None = None,
        sdp: str | None = None,
        fields: Fields = (),
        *,
        contact: bool = True,
    ) -> None:
        """Answer a request of the gateway's."""
        response = request.response(status, reason)
        if status > 100:
            response.headers.set("To", call.local if request.to_tag == "" else request.headers.get("To") or "")
        own = (("Contact", "<sip:far@198.51.100.7:5080>"),) if contact else ()
        for name, value in (*own, ("Allow", "INVITE, UPDATE"), *fields):
            response.headers.add(name, value)
        if sdp:
            response.headers.add("Content-Type", "application/sdp")
            response.body = sdp
        self._reply(call.flow, response)

    def request(
        self,
        call: FarCall,
        method: str,
        cseq: int,
        body: str = "",
        content_type: str = "",
        fields: Fields = (),
    ) -> Request:
        """Send a request; a Via among ``fields`` takes the place of a fresh one."""
        given = list(fields)
        headers = Headers()
        if not any(name == "Via" for name, _ in given):
            headers.add("Via", f"SIP/2.0/WS 198.51.100.7:5080;branch=z9hG4bK-far{self._next()}")
        for name, value in given:
            headers.add(name, value)
        for name, value in (
            ("Max-Forwards", "70"),
            ("From", call.local),
            ("To", call.remote),
            ("Call-ID", call.call_id),
        ):
            headers.add(name, value)
        headers.add("CSeq", f"{cseq} {method}")
        headers.add("Contact", "<sip:far@198.51.100.7:5080>")
        if content_type:
            headers.add("Content-Type", content_type)
        request = Request(method, call.target, headers, body)
        self.push(request.to_text(), call.flow)
        return request

    def push(self, text: str, flow: int = 0) -> None:
        """Let any text arrive at the gateway."""
        self.clock.callLater(LATENCY, self._arrive, flow, text)

    def _reply(self, flow: int, response: Response) -> None:
        self.push(response.to_text(), flow)

    def _arrive(self, flow: int, text: str) -> None:
        if flow not in self.down:
            self.deliver(flow, text)

    def _next(self) -> int:
        self._serial += 1
        return self._serial


def _has_credentials(request: Request) -> bool:
    return "Authorization" in request.headers or "Proxy-Authorization" in request.headers


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
