"""What works, and that an operator should know all the same: files with secrets that others can read, open doors."""

from collections.abc import Iterator, Mapping

from wrtcgw.config.secret_files import open_files
from wrtcgw.config.settings import Settings

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def warnings(settings: Settings, sources: Mapping[str, str]) -> Iterator[str]:
    """Iterate over what ``--check-config`` and the log should warn of, one line each."""
    for name, path in open_files(settings, sources):
        yield f"{name}: everyone on this machine can read {path}: chmod 0640, and the service's group"
    records = settings.call_records
    if records is not None and (records.is_dir() or not records.parent.is_dir()):
        yield f"call_records: no line can be written to {records}: it is a folder, or that which it is in is missing"
    yield from _open_doors(settings)


def _open_doors(settings: Settings) -> Iterator[str]:
    everywhere = settings.http_interface not in LOOPBACK
    if not settings.tls_verify:
        yield "tls_verify is off: anyone on the way can listen, and pretend to be the proxy"
    if settings.session_binding == "address":
        yield (
            "session_binding is address: whoever shares an agent's address (NAT, terminal server) can act for an agent "
            "whose page never shows its token; strict wants the token"
        )
    if everywhere and not settings.trusted_proxies:
        yield (
            f"http_interface {settings.http_interface or 'all'} is reached from elsewhere by plain HTTP: use "
            "https_port, or a proxy with TLS that trusted_proxies names"
        )
    if settings.genesys_no_password == "register" and settings.genesys_dialect:
        yield "genesys_no_password is register: whoever reaches this port can be any agent"
    if settings.oidc_issuer and settings.sip_secrets is None:
        yield "oidc_issuer without sip_secrets: DNs register without a password, which the registrar has to allow"
    if settings.guest_mode != "off" and "*" in settings.guest_destinations:
        yield "guest_destinations has *: anyone may call any number at your cost"
    if any(url.scheme == "ws" and url.host not in LOOPBACK for url in settings.proxies):
        yield "sip_ws_servers has ws:// to another machine: SIP, with what agents say of themselves, goes unencrypted"
