"""
Certificates of our own: the one that the HTTPS listener shows, and the one that we show to a proxy.

A file is read when it is needed and checked as a whole, so that an operator hears which file is wrong, and why, before
anything has changed. A renewed certificate counts from the next connection on; those that are open stay so.
"""

import re
from pathlib import Path
from typing import Any

from cryptography.x509 import DNSName, ExtensionNotFound, IPAddress, SubjectAlternativeName
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.ssl import Certificate, CertificateOptions, KeyPair, PrivateCertificate, TLSVersion
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from zope.interface import implementer

PEM_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@implementer(IOpenSSLServerConnectionCreator)
class ServerTLS:
    """
    What a TLS server is, with a certificate that can be replaced.

    :ivar subject: the names that the certificate is for, and until when it is good, for the log.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        """
        Read the certificate and its key.

        :raises ValueError: as :meth:`load` does.
        """
        self.load(certificate, key)

    def load(self, certificate: Path, key: Path) -> None:
        """
        Take a certificate, its chain and its key for all connections from now on.

        :param certificate: a PEM file: the certificate first, then those that lead to its CA.
        :raises ValueError: if one of the files is of no use; then nothing changes.
        """
        leaf, chain, private = read_pair(certificate, key)
        options = CertificateOptions(
            privateKey=private, certificate=leaf, extraCertChain=chain, raiseMinimumTo=TLSVersion.TLSv1_2
        )
        context = options.getContext()
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        self._context, self.subject = context, describe(leaf)

    def serverConnectionForTLS(self, tlsProtocol: object) -> SSL.Connection:  # noqa: N802, N803
        """Make a connection (:class:`IOpenSSLServerConnectionCreator`)."""
        return SSL.Connection(self._context, None)


class ServerTLSFactory(TLSMemoryBIOFactory):
    """
    Speaks TLS before another factory, which may refuse a connection.

    What is written goes to the system at once, as without TLS: so it can be told whether a response has arrived.
    """

    protocol = TLSMemoryBIOProtocol

    def buildProtocol(self, addr: Any) -> Any:
        """Return the protocol of a connection, None to close it."""
        inner = self.wrappedFactory.buildProtocol(addr)
        return None if inner is None else self.protocol(self, inner)


def read_pair(certificate: Path, key: Path) -> tuple[crypto.X509, list[crypto.X509], crypto.PKey]:
    """
    Read a certificate with its chain, and the key that belongs to it.

    :raises ValueError: if a file cannot be read or holds something else, or if the key is another certificate's.
    """
    blocks = PEM_CERTIFICATE.findall(_read(certificate))
    if not blocks:
        raise ValueError(f"{certificate} holds no PEM certificate")
    try:
        chain = [Certificate.loadPEM(block).original for block in blocks]
    except (crypto.Error, ValueError) as error:
        raise ValueError(f"{certificate} holds a certificate that cannot be read") from error
    secret = _read(key)
    try:
        private = KeyPair.load(secret, crypto.FILETYPE_PEM).original
    except (crypto.Error, ValueError, TypeError) as error:
        raise ValueError(f"{key} holds no private key in PEM that can be read without a passphrase") from error
    context = SSL.Context(SSL.TLS_METHOD)
    try:
        context.use_privatekey(private)
        context.use_certificate(chain[0])
        context.check_privatekey()
    except SSL.Error as error:
        raise ValueError(f"the key in {key} does not belong to the certificate in {certificate}") from error
    return chain[0], chain[1:], private


def read_identity(certificate: Path, key: Path) -> PrivateCertificate:
    """
    Read the certificate and key by which we show a proxy who we are.

    :raises ValueError: as :func:`read_pair` does.
    """
    leaf, _, private = read_pair(certificate, key)
    identity: PrivateCertificate = PrivateCertificate.fromCertificateAndKeyPair(Certificate(leaf), KeyPair(private))
    return identity


def describe(certificate: crypto.X509) -> str:
    """Return the names that a certificate is for, and until when it is good."""
    known = certificate.to_cryptography()
    try:
        names = known.extensions.get_extension_for_class(SubjectAlternativeName).value
        shown = [str(name) for kind in (DNSName, IPAddress) for name in names.get_values_for_type(kind)]
    except (ExtensionNotFound, ValueError):
        shown = []
    return f"{', '.join(shown) or known.subject.rfc4514_string()}, good until {known.not_valid_after_utc:%Y-%m-%d}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error
