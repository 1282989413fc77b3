"""The API through nginx as ``conf/nginx`` sets it up: what passes, what does not, and whose address counts."""

import contextlib
import socket
import ssl
from typing import Any

from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.web.client import Agent, readBody
from twisted.web.http_headers import Headers

from tests.interop import base
from tests.interop.descriptions import chromium_offer
from tests.interop.desk import Browser, Desk
from tests.interop.gateway import Gateway
from tests.interop.http2 import Fields, ask
from tests.interop.processes import free_ports
from tests.interop.servers import CONF, nginx_with
from tests.security.test_smuggling import BAD, CHUNKED, EMPTY, SMUGGLED, length

BEHIND_A_PROXY: dict[str, tuple[bytes, bytes]] = {
    "two codings, one hidden": (CHUNKED + b"Transfer-Encoding: identity\r\n", EMPTY),
    "coding in quotes": (b'Transfer-Encoding: "chunked"\r\n', EMPTY),
    "coding after an underscore": (b"Transfer_Encoding: chunked\r\n" + length(b"999999999"), EMPTY),
    "bare CR in a field": (b"X-A: a\rTransfer-Encoding: chunked\r\n" + length(b"999999999"), EMPTY),
    "length too large": (length(b"99999999999999999999999"), b""),
    "chunk too large": (CHUNKED, b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n"),
    "chunk without digits": (CHUNKED, b";a=b\r\nhello\r\n0\r\n\r\n"),
    "folded coding": (b"Transfer-Encoding:\r\n chunked\r\n" + length(b"5"), EMPTY),
    "no name": (b": chunked\r\n" + length(b"999999999"), EMPTY),
}
"""Further shapes that are known to part a proxy from what is behind it."""
COUNTED = {
    "192.0.2.9": "192.0.2.9",
    "::ffff:192.0.2.9": "192.0.2.9",
    "2001:db8:0:1::9": "2001:db8:0:1",
    "2001:db8:0:1:ffff:ffff:ffff:ffff": "2001:db8:0:1",
    "2001:db8:0:2::9": "2001:db8:0:2",
    "2001:db8::1": "2001:db8::",
    "2001:db8::ffff:1:2:3": "2001:db8::",
    "::1": "::",
}
"""Some addresses, and whom the sample takes each for."""


class ThroughNginx(base.InteropCase):
    """A page that reaches the gateway by https."""

    def gateway(self) -> Gateway:
        """Return the gateway behind nginx."""
        return self.behind_nginx()

    def over_https(self, address: str = "127.0.0.1") -> Browser:
        """Return an HTTP client of nginx, which verifies its certificate."""
        self.gateway()
        return Browser.over(self.https_agent(address), self.https_url)

    async def test_call(self) -> None:
        """Signing in, calling, waiting for the answer and hanging up pass nginx; its log has no query."""
        desk = Desk(self.over_https(), reactor, "proxied", "5001")
        self.assertEqual((await desk.sign_in()).code, 200)
        await desk.do("hangup", await desk.established("1003"))
        self.assertEqual((await desk.sign_out()).code, 200)
        log = (self.environment.folder / "nginx.access.log").read_text()
        self.assertIn("POST /api/webrtc/sign_in", log)
        self.assertNotIn("Genesys2024", log)

    async def test_health_only(self) -> None:
        """The health check passes nginx, the operators' surfaces do not."""
        browser = self.over_https()
        self.assertEqual((await browser.get("/api/health")).code, 200)
        for path in ("/api/agents", "/api/calls/active", "/metrics", "/ops/", "/"):
            self.assertEqual((await browser.get(path)).code, 404, path)

    async def test_address_cannot_be_forged(self) -> None:
        """A session is bound to the address that nginx saw, whatever a client writes into forwarding headers."""
        desk = Desk(self.over_https(), reactor, "victim", "5001")
        self.assertEqual((await desk.sign_in()).code, 200)
        without_token = self.over_https()
        self.assertEqual((await without_token.get("/api/webrtc/calls", id="victim")).code, 200)
        thief = self.over_https("127.0.0.2")
        self.assertEqual((await thief.get("/api/webrtc/calls", id="victim")).code, 401)
        for name in ("X-Real-IP", "X-Forwarded-For", "Forwarded"):
            thief.headers = {name: "for=127.0.0.1" if name == "Forwarded" else "127.0.0.1"}
            self.assertEqual((await thief.get("/api/webrtc/calls", id="victim")).code, 401, name)
        self.assertEqual((await desk.sign_out()).code, 200)

    async def test_large_offer(self) -> None:
        """What is too large for the gateway passes nginx, so that the page gets the gateway's own answer."""
        desk = Desk(self.over_https(), reactor, "large", "5001")
        self.assertEqual((await desk.sign_in()).code, 200)
        padding = "a=x-padding:" + "x" * 1000 + "\r\n"
        reply = await desk.browser.describe(chromium_offer() + padding * 100, "large", to="1003")
        self.assertEqual(reply.code, 413)
        self.assertEqual(reply.json["code"], "body_too_large")
        self.assertEqual((await desk.sign_out()).code, 200)


class Smuggling(base.InteropCase):
    """Attack 13 with nginx in front: requests whose end nginx and the gateway could see in different places."""

    timeout = 240

    def setUp(self) -> None:
        """Have the gateway, and how to trust nginx."""
        super().setUp()
        self.behind_nginx()
        self.tls = ssl.create_default_context(cafile=str(self.environment.certificates.authority))

    def say(self, text: bytes) -> bytes:
        """Send bytes over one connection, and return all that comes until it is closed or says nothing for a while."""
        port = self.environment.ports.nginx
        heard = b""
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            self.tls.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            connection.sendall(text)
            connection.settimeout(0.5)
            with contextlib.suppress(TimeoutError, ConnectionError, ssl.SSLError):
                while block := connection.recv(65536):
                    heard += block
        return heard

    async def untouched(self, desk: Desk, name: str) -> None:
        """Check that other clients' requests are answered as ever: over nginx' own connections to the gateway."""
        for _ in range(3):
            health = await desk.browser.get("/api/health")
            self.assertEqual((health.code, health.json.get("status")), (200, "ok"), name)
            calls = await desk.browser.get("/api/webrtc/calls", id=desk.id)
            self.assertEqual((calls.code, calls.json["calls"]), (200, []), name)

    async def victim(self) -> Desk:
        """Return an agent whose session an unguarded request from nginx' own address would end."""
        desk = Desk(Browser.over(self.https_agent(), self.https_url), reactor, "vic", "5001")
        self._desks.append(desk)
        self.assertEqual((await desk.sign_in()).code, 200)
        return desk

    async def test_framing(self) -> None:
        """Whatever nobody can delimit gets one response at most; nobody is signed out, no other request changes."""
        desk = await self.victim()
        for name, (fields, body) in {**BAD, **BEHIND_A_PROXY}.items():
            head = b"POST /api/webrtc/check HTTP/1.1\r\nHost: localhost\r\n" + fields + b"\r\n"
            heard = await deferToThread(self.say, head + body + SMUGGLED)
            self.assertLessEqual(heard.count(b"HTTP/1.1 "), 1, (name, heard[:300]))
            self.assertRegex(heard[:12].decode(), r"^HTTP/1\.1 [45]\d\d$", name)
            await self.untouched(desk, name)

    async def test_targets(self) -> None:
        """Targets and hosts in other forms lead to no surface that nginx keeps from pages, and to nobody's session."""
        desk = await self.victim()
        host = b"Host: localhost\r\n"
        lines = {
            b"GET http://localhost/api/agents HTTP/1.1\r\n" + host: b"404",
            b"GET http://127.0.0.1/ops/ HTTP/1.1\r\n" + host: b"404",
            b"GET /api/webrtc/../agents HTTP/1.1\r\n" + host: b"404",
            b"GET /api/webrtc/..%2fagents HTTP/1.1\r\n" + host: b"404",
            b"GET /api/webrtc/%2e%2e/agents HTTP/1.1\r\n" + host: b"404",
            b"GET /api/webrtc//../../agents HTTP/1.1\r\n" + host: b"404",
            b"GET /api/health HTTP/1.1\r\nHost: localhost/?#\r\n": b"400",
            b"GET /api/health HTTP/1.1\r\n" + host + host: b"400",
            b"GET /api/health HTTP/1.1\r\n": b"400",
            b"GET /api/health\tHTTP/1.1\r\n" + host: b"400",
        }
        for text, code in lines.items():
            heard = await deferToThread(self.say, text + b"Connection: close\r\n\r\n")
            self.assertEqual(heard[9:12], code, (text, heard[:200]))
            await self.untouched(desk, repr(text))

    async def test_well_formed(self) -> None:
        """Two proper requests in one packet get two responses, in their order."""
        await self.victim()
        health = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
        chunked = b"POST /api/webrtc/nothing HTTP/1.1\r\nHost: localhost\r\n" + CHUNKED + b"\r\n2;a=b\r\n{}\r\n" + EMPTY
        heard = await deferToThread(self.say, health + chunked + health)
        codes = [part[:3] for part in heard.split(b"HTTP/1.1 ")[1:]]
        self.assertEqual(codes, [b"200", b"404", b"200"])


CHECK = (
    (b":method", b"POST"),
    (b":scheme", b"https"),
    (b":authority", b"localhost"),
    (b":path", b"/api/webrtc/check"),
    (b"content-type", b"application/json"),
)
"""A request that is refused for its empty body, if for nothing else."""
NEXT = b"\r\n\r\n" + SMUGGLED + b"POST /x HTTP/1.1\r\nX-A: "


def with_pseudo(**changed: bytes) -> list[tuple[bytes, bytes]]:
    """Return the request with other pseudo-headers."""
    return [(name, changed.get(name[1:].decode(), value)) for name, value in CHECK]


OVER_HTTP2: dict[str, tuple[list[tuple[bytes, bytes]], tuple[bytes, ...]]] = {
    "chunked": ([*CHECK, (b"transfer-encoding", b"chunked")], (EMPTY + SMUGGLED,)),
    "chunked after an underscore": ([*CHECK, (b"transfer_encoding", b"chunked")], (EMPTY + SMUGGLED,)),
    "length of nothing": ([*CHECK, (b"content-length", b"0")], (SMUGGLED,)),
    "length too small": ([*CHECK, (b"content-length", b"2")], (b"{}", SMUGGLED)),
    "length too large": ([*CHECK, (b"content-length", b"999")], (b"{}",)),
    "two lengths": ([*CHECK, (b"content-length", b"2"), (b"content-length", b"0")], (b"{}",)),
    "length with a sign": ([*CHECK, (b"content-length", b"+2")], (b"{}",)),
    "length after an underscore": ([*CHECK, (b"content_length", b"0")], (SMUGGLED,)),
    "line end in a value": ([*CHECK, (b"x-a", b"b\r\ntransfer-encoding: chunked")], (EMPTY + SMUGGLED,)),
    "bare LF in a value": ([*CHECK, (b"x-a", b"b\ntransfer-encoding: chunked")], (EMPTY + SMUGGLED,)),
    "request in a value": ([*CHECK, (b"x-a", b"b" + NEXT)], ()),
    "NUL in a value": ([*CHECK, (b"x-a", b"b\0c")], ()),
    "line end in a name": ([*CHECK, (b"x-a: b\r\ntransfer-encoding", b"chunked")], (EMPTY + SMUGGLED,)),
    "colon in a name": ([*CHECK, (b"transfer-encoding: chunked\r\nx-a", b"b")], (EMPTY + SMUGGLED,)),
    "blank in a name": ([*CHECK, (b"transfer-encoding ", b"chunked")], (EMPTY + SMUGGLED,)),
    "upper case in a name": ([*CHECK, (b"Transfer-Encoding", b"chunked")], (EMPTY + SMUGGLED,)),
    "empty name": ([*CHECK, (b"", b"chunked")], ()),
    "connection": ([*CHECK, (b"connection", b"keep-alive, content-length")], ()),
    "upgrade": ([*CHECK, (b"connection", b"upgrade"), (b"upgrade", b"h2c")], (SMUGGLED,)),
    "second path": ([*CHECK, (b":path", b"/api/agents")], ()),
    "pseudo-header behind": ([*CHECK[:3], CHECK[4], CHECK[3]], ()),
    "unknown pseudo-header": ([(b":version", b"HTTP/1.0"), *CHECK], ()),
    "no path": ([*CHECK[:3], CHECK[4]], ()),
    "request in the path": (with_pseudo(path=b"/api/health HTTP/1.1\r\nhost: localhost" + NEXT), ()),
    "blank in the path": (with_pseudo(path=b"/api/health HTTP/1.1 /api/webrtc/check"), ()),
    "path without a slash": (with_pseudo(path=b"api/agents"), ()),
    "path of a whole URL": (with_pseudo(path=b"http://127.0.0.1/api/agents"), ()),
    "path out of the location": (with_pseudo(path=b"/api/webrtc/../agents"), ()),
    "path out, escaped": (with_pseudo(path=b"/api/webrtc/%2e%2e%2fagents"), ()),
    "request in the method": (with_pseudo(method=b"GET /api/agents HTTP/1.1" + NEXT), ()),
    "blank in the method": (with_pseudo(method=b"GET /api/agents"), ()),
    "method in small letters": (with_pseudo(method=b"post"), ()),
    "CONNECT": (with_pseudo(method=b"CONNECT"), ()),
    "request in the authority": (with_pseudo(authority=b"localhost" + NEXT), ()),
    "path in the authority": (with_pseudo(authority=b"localhost/api/agents?"), ()),
    "user in the authority": (with_pseudo(authority=b"localhost@127.0.0.1"), ()),
    "request in the scheme": (with_pseudo(scheme=b"https://localhost/api/agents" + NEXT), ()),
}


class HTTP2(Smuggling):
    """The same over HTTP/2, which nginx translates: nothing in a frame becomes a request of its own behind it."""

    def setUp(self) -> None:
        """Offer HTTP/2."""
        super().setUp()
        self.tls.set_alpn_protocols(["h2"])

    async def http2(self, fields: Fields, *pieces: bytes, **more: Any) -> list[str]:
        """Send a request; return its status, or how it ended."""
        return await deferToThread(ask, self.environment.ports.nginx, self.tls, fields, *pieces, **more)

    async def test_framing(self) -> None:
        """One response at most, no success, nobody signed out, and nothing for the next request of nginx."""
        desk = await self.victim()
        for name, (fields, pieces) in OVER_HTTP2.items():
            told = await self.http2(fields, *pieces)
            self.assertLessEqual(len(told), 2, (name, told))
            self.assertNotIn("200", told, name)
            await self.untouched(desk, name)

    async def test_targets(self) -> None:
        """Who names two hosts is refused; an address that a client writes is not believed, for good or ill."""
        desk = await self.victim()
        ours = with_pseudo(method=b"GET", path=b"/api/webrtc/calls?id=vic")
        for more, source, told in (
            ((), "127.0.0.1", "200"),
            ((), "127.0.0.2", "401"),
            (((b"host", b"127.0.0.1"),), "127.0.0.1", "400"),
            *(
                (((name, value),), source, told)
                for name in (b"x-real-ip", b"x_real_ip", b"x-forwarded-for", b"forwarded")
                for value, source, told in ((b"127.0.0.2", "127.0.0.1", "200"), (b"127.0.0.1", "127.0.0.2", "401"))
            ),
        ):
            self.assertEqual(await self.http2([*ours, *more], source=source), [told], more)
        await self.untouched(desk, "addresses")

    async def test_well_formed(self) -> None:
        """A proper body in frames, with and without its length, is read; trailers change nothing."""
        desk = await self.victim()
        for fields in (CHECK, (*CHECK, (b"content-length", b"2"))):
            for trailers in (
                (),
                ((b"x-a", b"b"),),
                ((b"content-length", b"0"),),
                ((b"transfer-encoding", b"chunked"),),
            ):
                told = await self.http2(fields, b"{", b"}", trailers=trailers)
                self.assertIn(told[:1], (["400"], ["401"], ["reset"], ["goaway"]), (fields, trailers))
                await self.untouched(desk, repr(trailers))
        self.assertEqual(await self.http2(with_pseudo(method=b"GET", path=b"/api/health")), ["200"])


class Counting(base.InteropCase):
    """Whom the limits of the sample count."""

    async def test_networks(self) -> None:
        """IPv4 counts by address, mapped or not, IPv6 by its first 64 bits."""
        sample = (CONF / "nginx/wrtcgw.conf").read_text()
        start = sample.index("map $remote_addr")
        end = sample.index("\n}", start) + 2
        port = free_ports(1)[0]
        site = (
            f"{sample[start:end]}\n"
            f"server {{ listen 127.0.0.1:{port}; set_real_ip_from 127.0.0.0/8; real_ip_header X-Real-IP;\n"
            'location / { return 200 "$wrtcgw_client"; } }\n'
        )
        folder = self.environment.folder / "nginx-counting"
        folder.mkdir(exist_ok=True)
        server = nginx_with(folder, site, port)
        await self.blocking(server.start)
        try:
            found = {address: await self._counted(port, address) for address in COUNTED}
        finally:
            await self.blocking(server.stop)
        self.assertEqual(found, COUNTED)

    async def _counted(self, port: int, address: str) -> str:
        headers = Headers({"X-Real-IP": [address]})
        response = await Agent(reactor).request(b"GET", f"http://127.0.0.1:{port}/".encode(), headers)
        body: bytes = await readBody(response)
        return body.decode()
