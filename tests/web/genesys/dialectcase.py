"""A page of the vendor's kind, written out as bare requests, over the real gateway with a scripted far side."""

import json
from typing import Any, cast

from tests.support.farside import SDP as FAR_SDP
from tests.support.farside import FarCall
from tests.support.gatewaycase import PAGE_SDP, GatewayCase
from tests.web.harness import Answer, Pending, WebTestCase, Wire
from wrtcgw.calls.agent import Agent
from wrtcgw.daemon.composition import http_surface
from wrtcgw.web import GatewaySite, WebSettings
from wrtcgw.web.genesys import GenesysSettings

FORM = "application/x-www-form-urlencoded; charset=UTF-8"
ORIGIN = "https://desktop.example.org"
ICE = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\n"
BROWSER_SDP = (
    "v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=audio 9 RTP/SAVPF 111 0 126\r\nc=IN IP4 0.0.0.0\r\n" + ICE + "a=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n"
    "a=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:126 telephone-event/8000\r\n"
)
"""What the library sends for a browser's offer: the profile is cut, and candidates are elsewhere."""
CANDIDATE = "candidate:1 1 udp 2113937151 192.0.2.33 50000 typ host generation 0"
PBX_SDP = (
    "v=0\r\no=- 7 1 IN IP4 198.51.100.7\r\ns=pbx\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=audio 40000 UDP/TLS/RTP/SAVPF 111 126\r\n" + ICE.replace("actpass", "active") + "a=mid:0\r\n"
    "a=candidate:H 1 UDP 2130706431 198.51.100.7 40000 typ host\r\na=rtpmap:111 opus/48000/2\r\n"
    "a=rtpmap:126 telephone-event/8000\r\n"
)


class DialectCase(GatewayCase):
    """A page, a gateway and a far side."""

    settings = GenesysSettings(node="n1")

    def start(self, **changes: object) -> None:
        """Make the gateway and its HTTP surface."""
        super().start(**{"auto_answer": "talk", **changes})
        self.serial = 0
        self.configure(self.settings)

    def configure(self, settings: GenesysSettings) -> None:
        """Put the HTTP surface up."""
        self.surface = http_surface(self.gateway, WebSettings(operator_loopback=True), self.clock, genesys=settings)
        self.resource = self.surface.resource()
        self.site = GatewaySite(self.surface, reactor=self.clock)

    # -- requests

    def request(self, method: str, path: str, **more: Any) -> Pending:
        """Send a request as a page of another origin does."""
        more.setdefault("headers", {"Origin": ORIGIN})
        return WebTestCase.begin(cast(WebTestCase, self), method, path, **more)

    def ask(self, method: str, path: str, seconds: float = 0.2, **more: Any) -> Answer:
        """Send a request, and return its response, which must come within ``seconds``."""
        pending = self.request(method, path, **more)
        self.run_for(seconds)
        return pending.answer()

    def get(self, path: str, seconds: float = 0.2, **more: Any) -> Answer:
        """Send a GET."""
        return self.ask("GET", path, seconds, **more)

    def sign_in_raw(self, body: str, **more: Any) -> Answer:
        """Post a sign_in body."""
        headers = {"Origin": ORIGIN, "Content-Type": FORM}
        return self.ask("POST", "/sign_in", data=body.encode(), headers=headers, **more)

    def page(self, dn: str = "5001", body: str = "") -> "Page":
        """Sign a page in."""
        answer = self.sign_in_raw(body or f"{dn}:{self.passwords[dn]}")
        self.assertEqual(answer.code, 200, answer.text)
        return Page(self, answer.text.partition("=")[2])

    def wire(self, address: str = "127.0.0.1") -> Wire:
        """Open a bare connection."""
        return Wire(self.site, address)

    def agent_of(self, dn: str = "5001") -> Agent:
        """Return the agent of a DN."""
        return self.gateway.agent(dn)

    def next_serial(self) -> int:
        """Return a fresh number."""
        self.serial += 1
        return self.serial


class Page:
    """The requests of one page."""

    def __init__(self, case: DialectCase, ssid: str) -> None:
        self.case = case
        self.ssid = ssid
        self.session_id = 102
        self.seq = 0
        self.hanging: Pending | None = None

    def wait(self) -> Pending:
        """Begin a wait."""
        return self.case.request("GET", f"/wait?id={self.ssid}")

    def told(self) -> Answer:
        """Return the response to the wait that hangs, or to a new one; it must be there."""
        hanging, self.hanging = self.hanging, None
        return self.case.get(f"/wait?id={self.ssid}") if hanging is None else hanging.answer()

    def roap(self) -> dict[str, Any]:
        """Wait for a ROAP message that is there."""
        return read(self.told())

    def silent(self) -> bool:
        """Return whether a wait hangs; it is left hanging."""
        self.hanging = self.hanging or self.wait()
        return self.hanging.hangs

    def post(self, body: str, to: str = "1003", code: int = 200) -> Answer:
        """Post a message."""
        headers = {"Origin": ORIGIN, "Content-Type": FORM}
        path = f"/message?from={self.ssid}&to={to}"
        answer = self.case.ask("POST", path, data=body.encode(), headers=headers)
        self.case.assertEqual(answer.code, code, answer.text)
        return answer

    def offer(self, to: str = "1003", sdp: str = BROWSER_SDP, **more: Any) -> str:
        """Post an OFFER; return its body."""
        self.seq += 1
        body = message(
            "OFFER",
            sdp=sdp,
            offererSessionId=self.session_id,
            answererSessionId=None,
            seq=self.seq,
            tiebreaker=self.case.next_serial(),
            **more,
        )
        self.post(body, to)
        return body

    def answer(self, offer: dict[str, Any], sdp: str = BROWSER_SDP, to: str = "5002", **more: Any) -> str:
        """Post the ANSWER to an offer."""
        body = message(
            "ANSWER",
            sdp=sdp.replace("actpass", "active"),
            offererSessionId=offer.get("offererSessionId"),
            answererSessionId=self.session_id,
            seq=offer["seq"],
            **more,
        )
        self.post(body, to)
        return body

    def call_up(self, sdp: str = PBX_SDP) -> FarCall:
        """Place a call that is answered."""
        self.offer()
        far = self.case.far.calls[-1]
        far.answer(sdp)
        self.case.run_for()
        answer = self.roap()
        assert answer["messageType"] == "ANSWER"
        self.ok(answer)
        return far

    def called(self, sdp: str | None = PBX_SDP, **more: Any) -> FarCall:
        """Have the far side call; the page has answered."""
        far = self.case.far.call("5001", sdp, **more)
        self.case.run_for()
        self.answer(self.roap())
        self.case.run_for()
        assert self.roap()["messageType"] == "OK"
        return far

    def ok(self, answer: dict[str, Any]) -> None:
        """Post the OK that always follows an ANSWER."""
        fields = {name: answer[name] for name in ("offererSessionId", "answererSessionId", "seq")}
        self.post(message("OK", **fields))


def message(kind: str, **fields: Any) -> str:
    """Return a ROAP message as the library writes it."""
    if kind != "OK":
        fields.setdefault("Candidates", [{"sdpMLineIndex": 0, "sdpMid": "audio", "candidate": CANDIDATE}])
    return "RSMP " + json.dumps({"messageType": kind, **fields}, separators=(",", ":"))


def read(answer: Answer) -> dict[str, Any]:
    """Return the ROAP message of a wait's response."""
    assert answer.code == 200, answer
    assert answer.text.startswith("SDP {"), answer.text
    return cast(dict[str, Any], json.loads(answer.text[4:]))


__all__ = ["BROWSER_SDP", "CANDIDATE", "FAR_SDP", "FORM", "ORIGIN", "PAGE_SDP", "PBX_SDP", "DialectCase", "Page"]
