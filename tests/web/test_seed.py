"""The seed document's curl lines, sent as they are printed there."""

from tests.web.harness import WebTestCase
from wrtcgw.calls.messages import MessageType

OFFER = b"""v=0
o=- 1234567890 1234567890 IN IP4 127.0.0.1
s=-
t=0 0
m=audio 9 UDP/TLS/RTP/SAVPF 0 8
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=sendrecv
"""
CURL = {"User-Agent": "curl/7.88.1", "Accept": "*/*"}


class CurlLines(WebTestCase):
    """Each line in its turn, with the header fields that curl adds."""

    def test_as_printed(self) -> None:
        """Health, sign_in, a call with a test SDP and the poll for its answer give what the document expects."""
        health = self.ask("GET", "/api/health", headers=CURL).json
        self.assertEqual(
            {key: health[key] for key in ("status", "service", "registered_agents", "active_calls")},
            {"status": "ok", "service": "webrtc-gateway", "registered_agents": 0, "active_calls": 0},
        )
        line = "/api/webrtc/sign_in?id=agent123&dn=5001&password=Genesys2024!WebRTC"
        self.assertEqual(self.ask("GET", line, headers=CURL).text, "OK")
        call = self.ask(
            "POST",
            "/api/webrtc/message?from=agent123&to=1003",
            headers={**CURL, "Content-Type": "text/plain"},
            data=OFFER,
        )
        self.assertEqual(call.text, "OK")
        poll = "/api/webrtc/message?id=agent123"
        self.assertEqual(self.ask("GET", poll, headers=CURL).code, 204)
        self.gateway.put("agent123", type=MessageType.ANSWER, call_id="call1", sdp="v=0\r\n")
        answer = self.ask("GET", poll, headers=CURL)
        self.assertEqual((answer.code, answer.text), (200, "v=0\r\n"))
        self.assertTrue(answer.headers["content-type"].startswith("text/plain"))
        self.assertEqual(
            self.gateway.asked,
            [
                ("sign_in", "agent123", "5001", "Genesys2024!WebRTC", "", False),
                ("place_call", "agent123", "1003", OFFER.decode(), "127.0.0.1"),
            ],
        )
