"""What is shown of one message: its label, what stands beside it, and its text without secrets."""

from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from tests.capture.support import NO_HEADERS, SDP, request, response
from wrtcgw.capture.entries import Answered, Asked, SIPMessage, Told
from wrtcgw.capture.message_summary import Reading, legible, media_of, read_answered, read_asked, read_sip, read_told

SECRET = "Xyzzy-42"
"""Stands for every secret; nothing that is read may have it."""
FORM = Headers({b"content-type": [b"application/x-www-form-urlencoded"]})
JSON = Headers({b"content-type": [b"application/json"], b"authorization": [f"Bearer {SECRET}".encode()]})


def sip(text: str, *, carried: bool = True) -> Reading:
    """Read a SIP message."""
    return read_sip(SIPMessage(1, 0.0, True, 0, text, carried))


def asked(uri: str, body: str = "", headers: Headers = NO_HEADERS, method: bytes = b"POST") -> Asked:
    """Return a request."""
    return Asked(1, 0.0, "5001", "ann", method, uri.encode(), headers, body.encode())


def answered(uri: str, body: str, code: int = 200, headers: Headers = NO_HEADERS) -> Reading:
    """Read a response."""
    return read_answered(Answered(2, 0.0, asked(uri), code, headers, body.encode()))


def told(body: str, kind: str = "", how: str = "wait") -> Reading:
    """Read a message to a page."""
    return read_told(Told(1, 0.0, "ann", how, kind, 200, body.encode()))


class SIPTests(SynchronousTestCase):
    """SIP messages."""

    def test_labels(self) -> None:
        """A request has its method and number, a response its status and method."""
        self.assertEqual(sip(request("INVITE", "c")).label, "INVITE 7")
        self.assertEqual(sip(response(486, "Busy Here", "c")).label, "486 Busy Here (INVITE)")
        for to in ("<sip:1003@example.org>;tag=x", "sip:1003@example.org ; TAG = x", '"a>b" <sip:1003@x>;y=z;tag=x'):
            self.assertEqual(
                sip(f"INVITE sip:1003@x SIP/2.0\r\nTo: {to}\r\nCSeq: 8 INVITE\r\n\r\n").label, "re-INVITE 8"
            )
        for to in ("<sip:1003@example.org;tag=x>", '";tag=x" <sip:1003@example.org>', "<sip:1003@x>;stage=x"):
            self.assertEqual(sip(f"INVITE sip:1003@x SIP/2.0\r\nt: {to}\r\nCSeq: 8 INVITE\r\n\r\n").label, "INVITE 8")
        self.assertEqual(sip("garbage").label, "garbage ")
        self.assertEqual(sip("").label, " ")

    def test_details(self) -> None:
        """Beside it stands what one would look for first."""
        sdp = "Content-Type: application/sdp\r\n"
        hold = SDP.replace("sendrecv", "sendonly") + "m=video 0 RTP/AVP 96\r\n"
        for text, detail in (
            (request("INVITE", "c", more=sdp, body=hold), "audio sendonly, video off"),
            (request("INVITE", "c", more="c: application/sdp\r\n", body=SDP), "audio sendrecv"),
            (request("BYE", "c", more='Reason: SIP;cause=480;text="page lost"\r\n'), 'SIP;cause=480;text="page lost"'),
            (request("REFER", "c", more="r: <sip:1004@example.org>\r\n"), "<sip:1004@example.org>"),
            (request("NOTIFY", "c", more="Event: talk\r\n"), "talk"),
            (request("INFO", "c", more="Content-Type: application/dtmf-relay\r\n", body="Signal=5"), _RELAY),
            (request("ACK", "c"), ""),
        ):
            self.assertEqual(sip(text).detail, detail)
        self.assertEqual(sip(request("BYE", "c"), carried=False).detail, "not sent: no connection")

    def test_text(self) -> None:
        """The text has plain line ends, and nothing that commands a terminal."""
        text = sip(request("BYE", "c", more="Subject: \x1b[2J\x9b\udc80\r\n")).text
        self.assertIn("Subject: \\x1b[2J\\x9b\\udc80\n", text)
        self.assertNotIn("\r", text)

    def test_secrets(self) -> None:
        """Digest responses, keys of ICE and SRTP, and passwords in URIs are masked."""
        more = (
            f'Authorization: Digest username="5001", realm="x", response="{SECRET}"\r\n'
            f'Proxy-Authorization: Digest response="{SECRET}"\r\nAuthentication-Info: rspauth="{SECRET}"\r\n'
            f"Contact: <sip:5001:{SECRET}@192.0.2.1>\r\nContent-Type: application/sdp\r\n"
        )
        body = f"{SDP}a=ice-pwd:{SECRET}\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{SECRET}\r\n"
        reading = sip(request("INVITE", "c", more=more, body=body))
        self.assertNotIn(SECRET, f"{reading.text}{reading.label}{reading.detail}")
        self.assertIn("Authorization: Digest ***\n", reading.text)
        self.assertIn("a=ice-pwd:***\n", reading.text)

    def test_data_of_users(self) -> None:
        """Attached data, digits and messages are shown by their size, unless that is wanted."""
        text = request("INFO", "c", more="X-Data-Account: 4711\r\nContent-Type: x/y\r\n", body="Signal=9999\r\n")
        hidden = sip(text).text
        self.assertNotIn("9999", hidden)
        self.assertNotIn("4711", hidden)
        self.assertIn("(13 bytes)", hidden)
        shown = read_sip(SIPMessage(1, 0.0, True, 0, text), show_data=True).text
        self.assertIn("9999", shown)
        self.assertIn("4711", shown)


_RELAY = "application/dtmf-relay"


class RequestTests(SynchronousTestCase):
    """Requests of pages."""

    def test_labels(self) -> None:
        """They say what the page wants, in both dialects."""
        for uri, body, label in (
            ("/api/webrtc/message?from=a&to=1003", SDP, "POST OFFER"),
            ("/api/webrtc/message?from=a&call=x", SDP, "POST SDP"),
            ("/api/webrtc/message?from=a", '{"sdp": "v=0", "messageType": "ANSWER"}', "POST ANSWER"),
            ("/api/webrtc/hangup?id=a", "", "POST hangup"),
            ("/api/webrtc/sign_in?id=a", "", "POST sign_in"),
            ("/gw/message?from=SSID&to=5002", 'SDP {"messageType":"OFFER"}', "POST OFFER"),
            ("/message?from=SSID", "BYE", "POST BYE"),
            ("/message?from=SSID", "INFO-MAP a=b", "POST INFO-MAP"),
            ("/message?from=SSID", "", "POST message"),
            ("/message?from=SSID", "\x00{}", "POST message"),
        ):
            self.assertEqual(read_asked(asked(uri, body)).label, label, uri)

    def test_details(self) -> None:
        """A description's media stand beside it, also when it is inside JSON."""
        self.assertEqual(read_asked(asked("/api/webrtc/message?to=1", SDP)).detail, "audio sendrecv")
        escaped = SDP.replace("\r\n", "\\r\\n")
        self.assertEqual(read_asked(asked("/message", f'{{"sdp": "{escaped}"}}')).detail, "audio sendrecv")
        self.assertEqual(read_asked(asked("/message", '{"sdp": "\\q"}')).detail, "")
        self.assertEqual(read_asked(asked("/message", '{"sdp": null}')).detail, "")

    def test_text(self) -> None:
        """The text is the request as it came, with the few header fields that tell something."""
        headers = Headers({b"content-type": [b"application/sdp"], b"user-agent": [b"Firefox"], b"cookie": [b"x=y"]})
        self.assertEqual(
            read_asked(asked("/api/webrtc/message?from=ann&to=1003", "v=0\r\n", headers)).text,
            "POST /api/webrtc/message?from=ann&to=1003 HTTP/1.1\nContent-Type: application/sdp\n"
            "User-Agent: Firefox\n\nv=0\n",
        )

    def test_secrets_of_sign_in(self) -> None:
        """Of a sign_in only what is known to be no secret is shown, in whichever form it comes."""
        for uri, body, headers in (
            (f"/api/webrtc/sign_in?id=ann&dn=5001&password={SECRET}", "", NO_HEADERS),
            (f"/api/webrtc/sign_in?id=ann&dn=5001&pass%77ord={SECRET}", "", NO_HEADERS),
            ("/api/webrtc/sign_in", f"id=ann&dn=5001&password={SECRET}&pass%77ord={SECRET}", FORM),
            ("/api/webrtc/sign_in", f'{{"id": "ann", "dn": "5001", "pass\\u0077ord": "{SECRET}"}}', JSON),
            ("/api/webrtc/sign_in?id=ann&dn=5001", f'{{"password": "{SECRET}"', JSON),
            ("/api/webrtc/sign_in?id=ann&dn=5001", f'["{SECRET}"]', JSON),
            ("/api/webrtc/sign_in?id=ann&dn=5001", SECRET, NO_HEADERS),
            ("/gw/sign_in?5001", f"5001:{SECRET}", NO_HEADERS),
            ("/sign_in", f"sip:5001@example.org:{SECRET}", NO_HEADERS),
            ("/sign_in", f"sip:5001:{SECRET}", NO_HEADERS),
        ):
            text = read_asked(asked(uri, body, headers)).text
            self.assertNotIn(SECRET, text, uri + body)
            self.assertIn("5001", text, uri + body)

    def test_other_secrets(self) -> None:
        """Tokens in queries, header fields and forms are masked; in the Genesys dialect the id is one."""
        for uri, body, headers in (
            (f"/message?from={SECRET}&to=5002", "BYE", NO_HEADERS),
            (f"/gw/sign_out?id={SECRET}", "", NO_HEADERS),
            (f"/api/webrtc/hangup?id=ann&session={SECRET}", "", JSON),
            ("/api/webrtc/hangup", f"id=ann&se%73sion={SECRET}", FORM),
            ("/message", f'{{"messageType": "OFFER", "offererSessionId": 1, "sessionToken": "{SECRET}"}}', NO_HEADERS),
            ("/api/webrtc/message?from=ann", f"v=0\r\na=ice-pwd:{SECRET}\r\n", NO_HEADERS),
            ("/message", f'SDP {{"sdp": "v=0\\r\\na=ice-pwd:{SECRET}\\r\\nb"}}', NO_HEADERS),
        ):
            self.assertNotIn(SECRET, read_asked(asked(uri, body, headers)).text, uri + body)

    def test_data_of_users(self) -> None:
        """Digits and data are shown by their size, unless that is wanted."""
        plain = Headers({b"content-type": [b"text/plain"]})
        for uri, body, headers in (
            ("/api/webrtc/dtmf?id=ann&digits=4711", "", NO_HEADERS),
            ("/api/webrtc/dtmf?id=ann", "digits=4711&gap=70", FORM),
            ("/api/webrtc/dtmf?id=ann", '{"digits": "4711"}', JSON),
            ("/api/webrtc/info?id=ann", "4711", plain),
            ("/api/webrtc/info?id=ann", '{"body": "4711"}', JSON),
            ("/message?from=x", "INFO-MAP account=4711", NO_HEADERS),
            ("/message?from=x", 'SDP {"attacheddata": [{"key": "a", "value": "4711"}]}', NO_HEADERS),
        ):
            entry = asked(uri, body, headers)
            self.assertNotIn("4711", read_asked(entry).text, uri + body)
            self.assertIn("bytes)", read_asked(entry).text)
            self.assertIn("4711", read_asked(entry, show_data=True).text)


class ResponseTests(SynchronousTestCase):
    """Responses, and messages to pages."""

    def test_labels(self) -> None:
        """A response says what it answers, an error its word and its text."""
        self.assertEqual(answered("/api/webrtc/hold", '{"status": "ok"}').label, "200 OK (hold)")
        error = '{"error": "cannot hold call x: it is ringing", "code": "wrong_state"}'
        reading = answered("/api/webrtc/hold", error, 409)
        self.assertEqual(
            (reading.label, reading.detail), ("409 wrong_state (hold)", "cannot hold call x: it is ringing")
        )
        self.assertEqual(answered("/message", "OK", 200).label, "200 OK (message)")
        self.assertEqual(answered("/x/hold", "", 799).label, "799  (hold)")

    def test_secrets(self) -> None:
        """The session that sign_in gives is masked in both dialects, and so are header fields."""
        headers = Headers({b"set-cookie": [SECRET.encode()], b"x-wrtc-session": [SECRET.encode()]})
        for uri, body in (
            ("/api/webrtc/sign_in", f'{{"status": "ok", "id": "ann", "session": "{SECRET}"}}'),
            ("/sign_in", f"id={SECRET}"),
            ("/prefix/sign_in", f"id={SECRET}"),
        ):
            self.assertNotIn(SECRET, answered(uri, body, headers=headers).text)
        shown = Headers({b"x-wrtc-call": [b"c1"], b"x-wrtc-message": [b"OFFER"]})
        self.assertIn("X-WRTC-Call: c1\n", answered("/message", SDP, headers=shown).text)

    def test_told(self) -> None:
        """A message to a page has its type, known or read from its text."""
        self.assertEqual(told(SDP, "ANSWER", "poll").label, "→ ANSWER")
        self.assertEqual(told(SDP, "ANSWER", "poll").detail, "audio sendrecv")
        self.assertEqual(told('SDP {"messageType": "OFFER"}').label, "→ OFFER")
        self.assertEqual(told("BYE").label, "→ BYE")
        self.assertEqual(told("EVENT-TALK").label, "→ EVENT-TALK")
        self.assertEqual(told('SDP {"messageType": "\\u004fFFER"}').label, "→ SDP")
        self.assertNotIn(SECRET, told(f'SDP {{"sdp": "v=0\\r\\na=ice-pwd:{SECRET}"}}').text)
        self.assertNotIn("4711", told('{"digits": "4711"}', "DTMF").text)
        self.assertNotIn("4711", told("INFO-PEER a=4711").text)


class TextTests(SynchronousTestCase):
    """Helpers."""

    def test_media(self) -> None:
        """A direction of the session holds for media without one; without any it is sendrecv (RFC 8866 6.7)."""
        self.assertEqual(media_of("v=0\r\na=inactive\r\nm=audio 9 x\r\nm=video 9 x\r\na=recvonly\r\n"), _BOTH)
        self.assertEqual(media_of("v=0\r\nm=audio 9 x\r\n"), "audio sendrecv")
        self.assertEqual(media_of("nothing"), "")
        self.assertEqual(media_of("m=\r\n"), "")

    def test_legible(self) -> None:
        """Characters beyond ASCII stay."""
        self.assertEqual(legible("Grüße\t\r\n\x07"), "Grüße\t\n\\x07")


_BOTH = "audio inactive, video recvonly"
