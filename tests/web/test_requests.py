"""Requests in forms that are legal but rare, and those that are nearly right."""

from tests.web.harness import SDP, WebTestCase


class Targets(WebTestCase):
    """What the first line asks for."""

    def code(self, target: str, **headers: str) -> int:
        """Return the status of a GET with this request target."""
        wire = self.wire()
        wire.get(target, **headers)
        (answer,) = wire.answers()
        return answer.code

    def test_absolute(self) -> None:
        """The absolute form means the same as the path (RFC 9112 section 3.2.2)."""
        for target in (
            "http://127.0.0.1/api/health",
            "HTTP://gateway.example:8082/api/health?x=1",
            "https://gateway.example/api/health",
        ):
            self.assertEqual(self.code(target), 200, target)
        self.assertEqual(self.code("http://gateway.example/api/nothing"), 404)
        for target in ("http:///api/health", "http://user@gateway.example/api/health"):
            self.assertEqual(self.code(target), 400, target)

    def test_host_of_the_target(self) -> None:
        """Its host counts, not the Host field: else a name could be told to who trusts another."""
        origin = "http://gateway.example:8082"
        token = self.sign_in()
        path = "/api/webrtc/calls?id=agent123"
        self.assertEqual(self.code(origin + path, Origin=origin, X_WRTC_Session=token), 200)
        self.assertEqual(self.code("http://other.example" + path, Origin=origin, X_WRTC_Session=token), 403)

    def test_slashes(self) -> None:
        """Slashes in a row are one; nothing is redirected, which would lose a body."""
        for target in ("//api/health", "/api//health", "///api///health?a=//"):
            self.assertEqual(self.code(target), 200, target)
        self.assertEqual(self.code("//api/nothing"), 404)


class Bodies(WebTestCase):
    """What a body is."""

    def test_compressed(self) -> None:
        """A compressed body is none that is read, on any call."""
        self.sign_in()
        for call in ("message?from=agent123&to=1003", "sign_in", "hangup?id=agent123"):
            path = f"/api/webrtc/{call}"
            headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
            answer = self.ask("POST", path, data=b"\x1f\x8b\x08", headers=headers)
            self.assertEqual(answer.error, (415, "encoded_body"), path)
            self.assertEqual(answer.headers["accept-encoding"], "identity")
        plain = {"Content-Encoding": "identity", "Content-Type": "application/sdp"}
        answer = self.ask("POST", "/api/webrtc/message?from=agent123&to=1003", data=SDP.encode(), headers=plain)
        self.assertEqual(answer.code, 200)

    def test_browsers_own_form(self) -> None:
        """A description in a browser's own form gets a word on messageType, whatever else is missing."""
        self.sign_in()
        for body in (b'{"type": "offer", "sdp": "v=0"}', b'{"type":"answer","sdp":"v=0","from":"agent123"}'):
            for kind in ("application/json", "text/plain"):
                for query in ("", "?from=agent123&to=1003"):
                    path = "/api/webrtc/message" + query
                    answer = self.ask("POST", path, data=body, headers={"Content-Type": kind})
                    self.assertEqual((answer.code, answer.json["field"]), (400, "messageType"))
                    self.assertIn("OFFER", answer.json["error"])


class Numbers(WebTestCase):
    """The plus of a number, in each form of a request."""

    def test_plus(self) -> None:
        """It is restored where a query has it bare, and nowhere else."""
        self.sign_in()
        path, sdp = "/api/webrtc/message?from=agent123&to=", {"Content-Type": "application/sdp"}
        for written, read in (
            ("+4930123", "+4930123"),
            ("%2B4930123", "+4930123"),
            ("tel:+49-30", "tel:+49-30"),
            ("+(49)30", "+(49)30"),
            ("%20030123", " 030123"),
            ("+030123", " 030123"),
            ("0800+1234", "0800 1234"),
        ):
            self.ask("POST", path + written, data=SDP.encode(), headers=sdp)
            self.assertEqual(self.gateway.asked[-1][2], read, written)


class Ways(WebTestCase):
    """Ways in which a body may come."""

    def post(self, head: str, *pieces: bytes) -> bytes:
        """Send a POST of a description piece by piece; return all that was answered."""
        token = self.sign_in()
        wire = self.wire()
        lines = ["POST /api/webrtc/message?from=agent123&to=1003 HTTP/1.1", "Host: gateway.example:8082", head]
        lines += [f"X-WRTC-Session: {token}", "Content-Type: application/sdp", "", ""]
        wire.raw("\r\n".join(lines).encode())
        for piece in pieces:
            wire.raw(piece)
        return wire.received

    def test_chunked(self) -> None:
        """A body in chunks is one body."""
        sdp = SDP.encode()
        chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (sdp[:40], sdp[40:])]
        answer = self.post("Transfer-Encoding: chunked", *chunks, b"0\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
        self.assertEqual(self.gateway.asked[-1][3], SDP)

    def test_expected(self) -> None:
        """Who asks before it sends the body is told to go on."""
        answer = self.post(f"Content-Length: {len(SDP)}\r\nExpect: 100-continue")
        self.assertTrue(answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\n"), answer)

    def test_slow(self) -> None:
        """A body that comes byte by byte is read to its end."""
        sdp = SDP.encode()
        answer = self.post(f"Content-Length: {len(sdp)}", *(sdp[at : at + 1] for at in range(len(sdp))))
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
