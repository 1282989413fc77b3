"""
How a ``wss:`` or ``ws:`` URL becomes an endpoint: name look-up, TCP, and TLS with the certificate verified.

Verification is by service-identity through Twisted: chain and host name (or IP address). A private CA replaces the
platform's list, it does not add to it. Switching verification off is possible, because people will do it anyway, but
has to be asked for by name and is shouted about each time the service starts.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen
from OpenSSL import SSL, crypto
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IStreamClientEndpoint
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from twisted.logger import Logger
from zope.interface import implementer

from wrtcgw.transport.certificates import PEM_CERTIFICATE, read_identity
from wrtcgw.transport.interfaces import WebSocketSettings
from wrtcgw.transport.websocket import WebSocketEndpoint, WebSocketURL

log = Logger()


@frozen(kw_only=True)
class TLSSettings:
    """How the server's certificate is judged."""

    ca_file: Path | None = None
    """PEM file of the CAs to trust instead of the platform's."""
    verify: bool = True
    certificate: Path | None = None
    """PEM file of our own certificate, for a proxy that wants to see one; ``key`` has its private key."""
    key: Path | None = None


@implementer(IOpenSSLClientConnectionCreator)
class UnverifiedTLS:
    """TLS without looking at the certificate: anybody in the path can read and change everything."""

    def __init__(self, host: str, identity: PrivateCertificate | None = None) -> None:
        self._host = host
        shown = CertificateOptions(verify=False) if identity is None else identity.options()
        self._context = shown.getContext()

    def clientConnectionForTLS(self, tlsProtocol: object) -> SSL.Connection:  # noqa: N803
        """Make a connection that still says which host it wants (:class:`IOpenSSLClientConnectionCreator`)."""
        connection = SSL.Connection(self._context, None)
        if not re.fullmatch(r"[\d.]+|.*:.*", self._host):
            connection.set_tlsext_host_name(self._host.encode("idna"))
        return connection


def load_trust_root(ca_file: Path) -> Any:
    """
    Read the CAs of a PEM file.

    :raises ValueError: if it cannot be read or holds no certificate, with a text that names the file.
    """
    try:
        blocks = PEM_CERTIFICATE.findall(ca_file.read_bytes())
        certificates = [Certificate.loadPEM(block) for block in blocks]
    except OSError as error:
        raise ValueError(f"cannot read {ca_file}: {error.strerror}") from error
    except (crypto.Error, ValueError) as error:
        raise ValueError(f"{ca_file} holds a certificate that cannot be read") from error
    if not certificates:
        raise ValueError(f"{ca_file} holds no PEM certificate")
    return trustRootFromCertificates(certificates)


def connection_creator(host: str, settings: TLSSettings) -> IOpenSSLClientConnectionCreator:
    """
    Make what decides over the certificate of ``host``, and shows ours when it is asked for.

    :raises ValueError: if the CA file, or our own certificate, is of no use.
    """
    identity = None
    if settings.certificate is not None and settings.key is not None:
        identity = read_identity(settings.certificate, settings.key)
    if not settings.verify:
        log.critical(
            "TLS CERTIFICATE VERIFICATION IS OFF for {host}: anyone on the way can listen and pretend to be the proxy",
            host=host,
        )
        return UnverifiedTLS(host, identity)
    trust_root = None if settings.ca_file is None else load_trust_root(settings.ca_file)
    return optionsForClientTLS(host, trustRoot=trust_root, clientCertificate=identity)


def websocket_endpoint(
    reactor: Any,
    url: WebSocketURL,
    settings: WebSocketSettings,
    tls: TLSSettings,
    headers: Sequence[tuple[str, str]] = (),
) -> WebSocketEndpoint:
    """
    Make the endpoint for a proxy's URL.

    :param reactor: for time, names and TCP.
    :raises ValueError: if the CA file is of no use.
    """
    tcp: IStreamClientEndpoint
    tcp = HostnameEndpoint(reactor, url.host.encode("idna"), url.port, timeout=settings.handshake_timeout)
    if url.secure:
        tcp = wrapClientTLS(connection_creator(url.host, tls), tcp)
    return WebSocketEndpoint(reactor, tcp, url, settings, tuple(headers))
