"""
A PBX as Genesys SIP Server is one, small enough for a test: plain RTP, and offer-less INVITEs.

Asterisk sends no INVITE without a description, which is how SIP Server begins and renews the calls that its clients
control. This stand-in says 200 to every REGISTER and to all but INVITE, keeps the binding, calls it, and echoes RTP.
"""

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorUDP
from twisted.internet.protocol import DatagramProtocol

from wrtcgw.sip.message import Headers, Request, Response
from wrtcgw.sip.parser import KeepAlive, parse

CALL_ID = "0198C2F5-7A31-4C77-9E1B-5A7C2D9E4F10@plain-pbx"
CALL_UUID = "00TEST5N7A31C77E1B5A7C2D9E4F1024"
PACKET_LIMIT = 65_536


class Echo(DatagramProtocol):
    """Sends every packet back to where it came from, under a synchronisation source of its own (:rfc:`3550`)."""

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:  # noqa: N802 (Twisted's name)
        """Echo one packet."""
        source = bytes(each ^ 0xFF for each in datagram[8:12])
        if self.transport is not None:
            self.transport.write(datagram[:8] + source + datagram[12:], addr)


class PlainPBX(DatagramProtocol):
    """
    The stand-in on one UDP port, good for one call.

    :ivar repeats: how often the 200 of the present INVITE has come.
    :ivar infos: every INFO of the far side.
    :ivar ended: whether the far side has said BYE.
    """

    def __init__(self, reactor: IReactorUDP, port: int, proxy: int) -> None:
        self._proxy = ("127.0.0.1", proxy)
        self._uri = f"sip:127.0.0.1:{port}"
        self._sip = reactor.listenUDP(port, self, "127.0.0.1", PACKET_LIMIT)
        self._media = reactor.listenUDP(0, Echo(), "127.0.0.1", PACKET_LIMIT)
        self._contact = ""
        self._route: list[str] = []
        self._far = ""
        self._confirmed = False
        self._cseq = 0
        self._waiting: Deferred[Response] | None = None
        self._ringing: Deferred[Response] | None = None
        self._notified: list[Deferred[Response]] = []
        self._last_notify = 0
        self._version = 0
        self.repeats = 0
        self.infos: list[Request] = []
        self.ended = False

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:  # noqa: N802 (Twisted's name)
        """Take one message."""
        match parse(datagram.decode()):
            case KeepAlive():
                pass
            case Request() as request:
                self._take_request(request, addr)
            case Response() as response if response.cseq.method in ("NOTIFY", "INFO"):
                self._notified.pop(0).callback(response)
            case Response() as response if response.status >= 200:
                self._take_final(response)
            case Response() as response if response.status > 100:
                self._follow(response)
                ringing, self._ringing = self._ringing, None
                if ringing is not None:
                    ringing.callback(response)

    def _take_request(self, request: Request, addr: tuple[str, int]) -> None:
        if request.method == "ACK":
            return
        response = request.response(200, to_tag="pbx")
        if request.method == "REGISTER" and request.contact is not None:
            self._contact, self._route = str(request.contact.uri), request.headers.get_all("Path")
            response.headers.add("Contact", f"<{self._contact}>;expires=600")
        if request.method == "INVITE":
            response.headers.add("Contact", f"<{self._uri}>")
            response.headers.add("Content-Type", "application/sdp")
            response.body = self._description("inactive" if "a=inactive" in request.body else "sendrecv")
        if request.method == "INFO":
            self.infos.append(request)
        self.ended = self.ended or request.method == "BYE"
        self._send(response.to_text(), addr)

    def _take_final(self, response: Response) -> None:
        self.repeats += response.cseq.number == self._cseq
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        self._follow(response)
        waiting.callback(response)

    def _follow(self, response: Response) -> None:
        """Take the state of the dialog from a response that makes or confirms it (:rfc:`3261#section-12.1.2`)."""
        if response.status < 300 and response.contact is not None:
            self._contact = str(response.contact.uri)
            # the route set stays as it is from then on
            self._route = self._route if self._confirmed else response.headers.get_all("Record-Route")[::-1]
            self._confirmed = self._confirmed or response.status >= 200
        self._far = str(response.to)

    def ringing(self) -> "Deferred[Response]":
        """Fire with the 180 of the INVITE that is sent next."""
        self._ringing = Deferred()
        return self._ringing

    def notify(self, event: str) -> "Deferred[Response]":
        """Send what SIP Server sends when an agent uses the desktop: NOTIFY without a subscription."""
        return self._inside("NOTIFY", Event=event, **{"Subscription-State": "active"})

    def info(self, body: str) -> "Deferred[Response]":
        """Send what the other side's agent sent for this one."""
        return self._inside("INFO", body, **{"Content-Type": "application/octet-stream"})

    def _inside(self, method: str, body: str = "", **more: str) -> "Deferred[Response]":
        """Send a request inside the dialog that is no INVITE; fires with its final response."""
        self._last_notify = max(self._cseq, self._last_notify) + 1
        answered: Deferred[Response] = Deferred()
        self._notified.append(answered)
        self._request(method, body, cseq=self._last_notify, **more)
        return answered

    def invite(self, offer: bool = False, **more: str) -> "Deferred[Response]":
        """
        Send an INVITE, first or inside the call, mostly without a description; fires with its final response.

        :param more: further header fields.
        """
        self._cseq, self.repeats = max(self._cseq, self._last_notify) + 1, 0
        self._waiting = Deferred()
        body = self._description() if offer else ""
        allow = "INVITE, ACK, PRACK, CANCEL, BYE, REFER, INFO, NOTIFY"
        self._request("INVITE", body, cseq=None, Allow=allow, Supported="timer", **more)
        return self._waiting

    def acknowledge(self, answer: bool = True) -> None:
        """Send the ACK, with the answer if that is still owed."""
        self._request("ACK", self._description() if answer else "")

    def _description(self, direction: str = "sendrecv") -> str:
        """Return ours: G.711 to and from our echo."""
        self._version += 1
        host = self._media.getHost()
        port = host.port if isinstance(host, IPv4Address) else 0
        return (
            f"v=0\r\no=- 7 {self._version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na={direction}\r\n"
        )

    def _request(self, method: str, body: str = "", cseq: int | None = None, **more: str) -> None:
        number = cseq or self._cseq
        far = self._far or "<sip:agent@plain-pbx.invalid>"
        fields = [
            ("Via", f"SIP/2.0/UDP {self._uri[4:]};branch=z9hG4bK{method}{number};rport"),
            *(("Route", each) for each in self._route),
            ("Max-Forwards", "70"),
            ("From", "<sip:7777@plain-pbx.invalid>;tag=pbx"),
            ("To", far),
            ("Call-ID", CALL_ID),
            ("CSeq", f"{number} {method}"),
            ("Contact", f"<{self._uri}>"),
            ("X-Genesys-CallUUID", CALL_UUID),
            *more.items(),
            *([("Content-Type", "application/sdp")] if body and "Content-Type" not in more else []),
        ]
        self._send(Request(method, self._contact, Headers(fields), body).to_text(), self._proxy)

    def _send(self, text: str, addr: tuple[str, int]) -> None:
        if self.transport is not None:
            self.transport.write(text.encode(), addr)

    @property
    def binding(self) -> tuple[str, list[str]]:
        """The Contact that has registered, and the way to it."""
        return self._contact, self._route

    async def stop(self) -> None:
        """Close its ports."""
        for port in (self._sip, self._media):
            await maybeDeferred(port.stopListening)
