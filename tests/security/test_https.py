"""The HTTPS listener and certificates of our own, over real TLS on loopback."""

import http.client
import socket
import ssl
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from twisted.internet import reactor
from twisted.internet.endpoints import SSL4ServerEndpoint
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.support.wsproxy import factory_of
from tests.transport.test_tls import Authority
from tests.transport.test_websocket_server import Caller, Echo
from tests.web.harness import PASSWORD
from tests.web.standin import StandInGateway
from wrtcgw.config import ConfigError, load
from wrtcgw.daemon.composition import http_surface
from wrtcgw.daemon.listener import HTTPListener
from wrtcgw.gateway import Gateway
from wrtcgw.transport.certificates import ServerTLS, read_pair
from wrtcgw.transport.interfaces import WebSocketSettings
from wrtcgw.transport.tls import TLSSettings, websocket_endpoint
from wrtcgw.transport.websocket import WebSocketURL
from wrtcgw.transport.websocket_server import WebSocketServerFactory
from wrtcgw.web import GatewaySite, WebSettings

T = TypeVar("T")


class Pair:
    """A certificate and its key in two files."""

    def __init__(self, authority: Authority, folder: Path, name: str = "localhost") -> None:
        folder.mkdir(exist_ok=True)
        self.certificate, self.key = folder / "certificate.pem", folder / "key.pem"
        self._authority = authority
        self.renew(name)

    def renew(self, name: str = "localhost", encryption: KeySerializationEncryption | None = None) -> None:
        """Write fresh ones."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._authority.sign(subject, key, x509.SubjectAlternativeName([x509.DNSName(name)]))
        self.certificate.write_bytes(certificate.public_bytes(Encoding.PEM) + self._authority.pem())
        how = encryption or NoEncryption()
        self.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how))


class Listening(TestCase):
    """A gateway's surface by HTTPS, and clients that know its CA."""

    timeout = 60

    def setUp(self) -> None:
        self.authority = Authority()
        self.pair = Pair(self.authority, Path(self.mktemp()))
        self.tls = ServerTLS(self.pair.certificate, self.pair.key)
        self.surface = http_surface(cast(Gateway, StandInGateway(Clock())), WebSettings(), cast(Any, reactor))
        site = GatewaySite(self.surface, reactor=cast(Any, reactor))
        self.listener = HTTPListener(cast(Any, reactor), "127.0.0.1", 0, site, key="https_port", tls=self.tls)
        self.listener.startService()
        self.addCleanup(self.listener.stopService)
        self.addCleanup(self.surface.close)
        self.port = self.listener.port
        self.context = ssl.create_default_context(cadata=self.authority.pem().decode())

    async def aside(self, work: Callable[[], T]) -> T:
        """Do something that blocks, on a thread."""
        result: T = await deferToThread(work)
        return result

    def ask(self, path: str, **fields: str) -> http.client.HTTPResponse:
        """Send a request by a connection of its own; return the response, which has been read."""
        connection = http.client.HTTPSConnection("localhost", self.port, context=self.context, timeout=20)
        with closing(connection):
            connection.request("GET", path, headers=fields)
            answer = connection.getresponse()
            answer.read()
            return answer

    async def test_https(self) -> None:
        """Responses come over TLS, promise it for the future, and cookies are for TLS only."""
        self.assertTrue(self.listener.url.startswith("https://127.0.0.1:"))
        query = f"id=a&dn=5001&password={PASSWORD}"
        answer = await self.aside(lambda: self.ask(f"/api/webrtc/sign_in?{query}", Accept="application/json"))
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Strict-Transport-Security"], "max-age=31536000")
        self.assertIn("Secure", answer.headers["Set-Cookie"])
        self.assertIn("HttpOnly", answer.headers["Set-Cookie"])
        self.assertEqual(
            (await self.aside(lambda: self.ask("/none"))).headers["Strict-Transport-Security"][:8], "max-age="
        )

    async def test_versions(self) -> None:
        """TLS 1.2 and 1.3 are spoken, what is older is not; HTTP/1.1 is all that is offered."""

        def spoken(version: ssl.TLSVersion) -> str:
            context = ssl.create_default_context(cadata=self.authority.pem().decode())
            context.set_alpn_protocols(["h2", "http/1.1"])
            context.minimum_version = context.maximum_version = version
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            with (
                socket.create_connection(("127.0.0.1", self.port), 20) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as secure,
            ):
                return f"{secure.version()} {secure.selected_alpn_protocol()}"

        for version, expected in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            self.assertEqual(await self.aside(lambda version=version: spoken(version)), f"{expected} http/1.1")  # type: ignore[misc]
        try:
            await self.aside(lambda: spoken(ssl.TLSVersion.TLSv1_1))
        except ssl.SSLError:
            pass
        else:
            self.fail("TLS 1.1 was spoken")

    async def test_renewal(self) -> None:
        """A renewed certificate is shown to new connections; one that is open goes on; a wrong one is not taken."""

        def shown() -> bytes | None:
            with (
                socket.create_connection(("127.0.0.1", self.port), 20) as plain,
                self.context.wrap_socket(plain, server_hostname="localhost") as secure,
            ):
                return secure.getpeercert(True)

        def again(connection: http.client.HTTPSConnection) -> int:
            connection.request("GET", "/api/health")
            answer = connection.getresponse()
            answer.read()
            return answer.status

        before = await self.aside(shown)
        kept = http.client.HTTPSConnection("localhost", self.port, context=self.context, timeout=20)
        self.addCleanup(kept.close)
        self.assertEqual(await self.aside(lambda: again(kept)), 200)
        first = kept.sock
        self.pair.renew()
        self.tls.load(self.pair.certificate, self.pair.key)
        after = await self.aside(shown)
        self.assertNotEqual(before, after)
        self.assertEqual(await self.aside(lambda: again(kept)), 200)
        self.assertIs(kept.sock, first)
        self.pair.key.write_bytes(b"rubbish")
        self.assertRaises(ValueError, self.tls.load, self.pair.certificate, self.pair.key)
        self.assertEqual(await self.aside(shown), after)

    async def test_handshake(self) -> None:
        """Who does not even begin to speak TLS is closed within the time for a head."""
        self.surface.timeouts = 0.2, 0.2

        def silence() -> bytes:
            with socket.create_connection(("127.0.0.1", self.port), 20) as plain:
                plain.settimeout(20)
                try:
                    return plain.recv(100)
                except ConnectionResetError:
                    return b""

        self.assertEqual(await self.aside(silence), b"")

    async def test_crowd(self) -> None:
        """Connections by TLS are counted as others are, and closed when there are too many."""
        self.surface.connections.per_address = 1
        with socket.create_connection(("127.0.0.1", self.port), 20):
            try:
                await self.aside(lambda: self.ask("/api/health"))
            except OSError:
                pass
            else:
                self.fail("let in")
        self.assertEqual(self.surface.connections.refused, 1)


class MutualTLS(TestCase):
    """``tls_client_certificate``: a proxy that lets in only whom it knows."""

    timeout = 60

    async def test_mutual(self) -> None:
        """With the certificate we get in, without it we do not."""
        authority, folder = Authority(), Path(self.mktemp())
        folder.mkdir()
        ours = Pair(authority, folder / "ours", "gateway")
        (folder / "ca.pem").write_bytes(authority.pem())
        known = trustRootFromCertificates([Certificate.loadPEM(authority.pem())])
        options = authority.issue("localhost").options(*[Certificate.loadPEM(authority.pem())])
        self.assertIsNotNone(known)
        listening: Any = SSL4ServerEndpoint(reactor, 0, options, interface="127.0.0.1")
        port = await listening.listen(WebSocketServerFactory(cast(Any, reactor), WebSocketSettings(), Echo))
        self.addCleanup(port.stopListening)
        url = WebSocketURL.parse(f"wss://localhost:{port.getHost().port}/")
        for verify in (True, False):
            tls = TLSSettings(ca_file=folder / "ca.pem", verify=verify, certificate=ours.certificate, key=ours.key)
            caller: Any = await websocket_endpoint(reactor, url, WebSocketSettings(), tls).connect(factory_of(Caller))
            caller.transport.sendTextMessage("hello")
            self.assertEqual(await caller.answer, "hello")
            caller.transport.loseConnection()
            await caller.done
        stranger = websocket_endpoint(reactor, url, WebSocketSettings(), TLSSettings(ca_file=folder / "ca.pem"))
        try:
            await stranger.connect(factory_of(Caller))
        except Exception as error:
            self.assertNotIn("within", str(error))
        else:
            self.fail("let in without a certificate")


class Files(SynchronousTestCase):
    """What is wrong with the files is told by name, before anything starts."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.pair = Pair(Authority(), self.folder / "one")

    def faults(self, **keys: object) -> str:
        """Return what is wrong with a configuration."""
        environ = {f"WRTCGW_{name.upper()}": str(value) for name, value in keys.items()}
        try:
            load(None, {"SIP_WS_SERVER": "ws://proxy.example.org", **environ})
        except ConfigError as error:
            return str(error)
        return ""

    def test_good(self) -> None:
        """A pair that fits is fine, and the log can say what it is for."""
        self.assertEqual(self.faults(https_port=8443, tls_certificate=self.pair.certificate, tls_key=self.pair.key), "")
        self.assertRegex(
            ServerTLS(self.pair.certificate, self.pair.key).subject, r"^localhost, good until \d{4}-\d\d-\d\d$"
        )

    def test_wrong_pair(self) -> None:
        """A key of another certificate is found out."""
        other = Pair(Authority(), self.folder / "two")
        text = self.faults(https_port=8443, tls_certificate=self.pair.certificate, tls_key=other.key)
        self.assertIn("does not belong to the certificate", text)
        self.assertIn("tls_certificate: expected a PEM file, with its key in tls_key", text)
        text = self.faults(tls_client_certificate=self.pair.certificate, tls_client_key=other.key)
        self.assertIn("tls_client_certificate", text)

    def test_missing(self) -> None:
        """So is a port without a certificate, and one file without the other."""
        self.assertIn("tls_certificate: expected", self.faults(https_port=8443))
        self.assertIn("tls_key: expected the other file", self.faults(tls_certificate=self.pair.certificate))
        self.assertIn("tls_certificate: expected the other file", self.faults(tls_key=self.pair.key))

    def test_rubbish(self) -> None:
        """And files that are no PEM, empty, not there, or encrypted."""
        rubbish = self.folder / "rubbish.pem"
        rubbish.write_bytes(b"\x30\x82\x00")
        gone = self.folder / "gone.pem"
        one, key = self.pair.certificate, self.pair.key
        for certificate, private, text in (
            (rubbish, key, "holds no PEM certificate"),
            (one, rubbish, "holds no private key"),
            (gone, key, "cannot read"),
            (one, gone, "cannot read"),
            (key, key, "holds no PEM certificate"),
            (one, one, "holds no private key"),
        ):
            with self.assertRaises(ValueError) as caught:
                read_pair(certificate, private)
            self.assertIn(text, str(caught.exception))
        rubbish.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        self.assertRaisesRegex(ValueError, "cannot be read", read_pair, rubbish, key)
        self.pair.renew(encryption=BestAvailableEncryption(b"secret"))
        self.assertRaisesRegex(ValueError, "without a passphrase", read_pair, one, key)
