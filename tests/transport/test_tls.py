"""Certificates of wss proxies: over real TLS on loopback, with a CA of the test's own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.endpoints import HostnameEndpoint, SSL4ServerEndpoint
from twisted.internet.ssl import PrivateCertificate
from twisted.logger import LogLevel, capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.support.wsproxy import Application, Network, factory_of
from tests.transport.test_websocket_server import Caller, Echo
from wrtcgw.transport.flow import explain
from wrtcgw.transport.interfaces import WebSocketSettings
from wrtcgw.transport.tls import TLSSettings, connection_creator, load_trust_root, websocket_endpoint
from wrtcgw.transport.websocket import WebSocketEndpoint, WebSocketURL
from wrtcgw.transport.websocket_server import WebSocketServerFactory

SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """A certificate authority."""

    def __init__(self, name: str = "CA of a test") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self.sign(self.name, self.key, x509.BasicConstraints(ca=True, path_length=None), SIGNS)

    def sign(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType
    ) -> x509.Certificate:
        """Make a certificate that is good for today."""
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        # what Python 3.13 and later ask for by default (RFC 5280 section 4.2)
        ours, theirs = self.key.public_key(), key.public_key()
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ours), critical=False)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(theirs), critical=False)
        for extension in extensions:
            of_authority = isinstance(extension, x509.BasicConstraints | x509.KeyUsage)
            builder = builder.add_extension(extension, critical=of_authority)
        return builder.sign(self.key, SHA256())

    def pem(self) -> bytes:
        """Return what a CA file holds."""
        return self.certificate.public_bytes(Encoding.PEM)

    def issue(self, host: str) -> PrivateCertificate:
        """Make a server's certificate and key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server of a test")])
        certificate = self.sign(name, key, x509.SubjectAlternativeName([x509.DNSName(host)]))
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        loaded: PrivateCertificate = PrivateCertificate.loadPEM(certificate.public_bytes(Encoding.PEM) + private)
        return loaded


class TLSTests(TestCase):
    """Which certificates are taken."""

    timeout = 20

    def setUp(self) -> None:
        self.authority = Authority()
        self.ca_file = Path(self.mktemp())
        self.ca_file.write_bytes(b"a comment\n" + Authority("another CA").pem() + self.authority.pem())

    async def listen(self, host: str = "localhost") -> WebSocketURL:
        """Start a server with a certificate for ``host`` and return its URL on localhost."""
        options = self.authority.issue(host).options()
        listening: Any = SSL4ServerEndpoint(reactor, 0, options, interface="127.0.0.1")
        settings = WebSocketSettings()
        port = await listening.listen(WebSocketServerFactory(reactor, settings, Echo))
        self.addCleanup(port.stopListening)
        return WebSocketURL.parse(f"wss://localhost:{port.getHost().port}/")

    def connect(self, url: WebSocketURL, tls: TLSSettings) -> Any:
        """Connect to the server; localhost is looked up, but the server is where the test says."""
        return websocket_endpoint(reactor, url, WebSocketSettings(), tls).connect(factory_of(Caller))

    async def check_speaks(self, url: WebSocketURL, tls: TLSSettings) -> None:
        """Check that a message goes there and back."""
        caller = await self.connect(url, tls)
        caller.transport.sendTextMessage("hello")
        self.assertEqual(await caller.answer, "hello")
        caller.transport.loseConnection()
        await caller.done

    async def check_refused(self, url: WebSocketURL, tls: TLSSettings, text: str) -> None:
        """Check that connecting fails with a text that an operator understands."""
        try:
            await self.connect(url, tls)
        except Exception:
            self.assertIn(text, explain(Failure()))
        else:
            self.fail("connected")

    async def test_private_ca(self) -> None:
        """A server whose certificate the private CA signed for its name is taken, and an abort ends it."""
        url = await self.listen()
        await self.check_speaks(url, TLSSettings(ca_file=self.ca_file))
        caller = await self.connect(url, TLSSettings(ca_file=self.ca_file))
        caller.transport.abortConnection()
        await caller.done

    async def test_unknown_ca(self) -> None:
        """Without the setting the private CA is not trusted."""
        url = await self.listen()
        await self.check_refused(url, TLSSettings(), "certificate verify failed")

    async def test_other_ca(self) -> None:
        """A CA file replaces the trusted ones: what another CA signed is refused."""
        self.ca_file.write_bytes(Authority().pem())
        url = await self.listen()
        await self.check_refused(url, TLSSettings(ca_file=self.ca_file), "certificate verify failed")

    async def test_wrong_name(self) -> None:
        """A good certificate for another host is refused."""
        url = await self.listen("other.example.org")
        await self.check_refused(url, TLSSettings(ca_file=self.ca_file), "not for this host name")

    async def test_verification_off(self) -> None:
        """With verification switched off anything is taken, and the log shouts."""
        url = await self.listen("other.example.org")
        with capturedLogs() as logs:
            await self.check_speaks(url, TLSSettings(verify=False))
        (event,) = [event for event in logs if event["log_level"] is LogLevel.critical]
        self.assertIn("VERIFICATION IS OFF", event["log_format"])

    async def test_no_tls_there(self) -> None:
        """A server that does not speak TLS is a TLS error, not a time-out."""
        url = await self.listen()
        plain: Any = HostnameEndpoint(reactor, b"localhost", url.port)
        endpoint = WebSocketEndpoint(reactor, plain, url, WebSocketSettings())
        try:
            await endpoint.connect(factory_of(Application))
        except Exception as error:
            self.assertNotIn("within", str(error))
        else:
            self.fail("connected")


class TrustTests(SynchronousTestCase):
    """Reading CA files and choosing endpoints."""

    def file(self, content: bytes) -> Path:
        """Write a file."""
        path = Path(self.mktemp())
        path.write_bytes(content)
        return path

    def test_bad_files(self) -> None:
        """A CA file that cannot be used is an error that names it."""
        broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        for path in (self.file(b""), self.file(b"nothing"), self.file(broken), Path("/nonexistent/ca.pem")):
            self.assertIn(str(path), str(self.assertRaises(ValueError, load_trust_root, path)))

    def test_unverified_by_address(self) -> None:
        """TLS to an address sends no server name, to a name it does (:rfc:`6066#section-3`)."""
        for host, expected in (("192.0.2.1", None), ("2001:db8::1", None), ("a.example", b"a.example")):
            creator = connection_creator(host, TLSSettings(verify=False))
            connection = creator.clientConnectionForTLS(None)  # type: ignore[arg-type]
            connection.set_connect_state()
            self.assertEqual(connection.get_servername(), expected)

    def test_plain(self) -> None:
        """A ``ws:`` URL needs no TLS."""
        network: Any = Network()
        proxy = network.proxy(80)
        url = WebSocketURL.parse("ws://proxy.example.org/")
        endpoint = websocket_endpoint(network, url, WebSocketSettings(), TLSSettings(), [("X", "y")])
        attempt: Any = endpoint.connect(factory_of(Application))
        network.settle()
        self.assertIn(b"\r\nX: y\r\n", proxy.last.raw)
        self.successResultOf(attempt).transport.abortConnection()

    def test_explain_bare_close(self) -> None:
        """A TLS error without details has a text too."""
        self.assertEqual(explain(Failure(SSL.ZeroReturnError())), "TLS: closed by the server")
        self.assertEqual(explain(Failure(SSL.SysCallError(-1, "Unexpected EOF"))), "TLS: Unexpected EOF")
