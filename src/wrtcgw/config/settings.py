"""Every key of the configuration: its kind, its default, and whether it can change while the gateway runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import Attribute, field, fields, frozen

from wrtcgw.config import kinds
from wrtcgw.config.groups import AgentGroup, agent_groups
from wrtcgw.config.kinds import Kind, NamedToken, Network
from wrtcgw.identity.settings import FAMILIES
from wrtcgw.identity.sources import SourceName
from wrtcgw.transport.websocket import WebSocketURL

HOUR, DAY = 3600.0, 86_400.0
ALGORITHMS = kinds.choice(*FAMILIES, aliases={name.lower(): name for name in FAMILIES})


@frozen
class Key:
    """What is known of one key apart from its value."""

    kind: Kind
    reload: bool = False
    """Whether a reload (SIGHUP) takes a new value over."""
    secret: bool = False


def _key(default: object, kind: Kind, *, reload: bool = False, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={Key: Key(kind, reload, secret)})


def _seconds(default: float, low: float = 0.1, *, reload: bool = False) -> Any:
    return _key(default, kinds.number(low, HOUR), reload=reload)


@frozen(kw_only=True)
class Settings:
    """
    The effective settings of one gateway, as :func:`~wrtcgw.config.loading.load` found them.

    Times are seconds, sizes bytes. The names are those of the keys in the configuration file; ``conf/wrtcgw.toml``
    tells what each is for.
    """

    # listening for pages
    http_interface: str = _key("127.0.0.1", kinds.address)
    http_port: int = _key(8082, kinds.integer(0, 65535))
    https_port: int = _key(0, kinds.integer(0, 65535))
    https_interface: str = _key("", kinds.address)
    tls_certificate: Path | None = _key(None, kinds.path, reload=True)  # noqa: RUF009 (no default is made here)
    tls_key: Path | None = _key(None, kinds.path, reload=True)  # noqa: RUF009
    access_log: bool = _key(False, kinds.switch, reload=True)
    body_limit: int = _key(65_536, kinds.integer(1024, 16_777_216))
    header_timeout: float = _seconds(10.0, 0.5, reload=True)
    body_timeout: float = _seconds(30.0, 0.5, reload=True)
    connections_per_address: int = _key(200, kinds.integer(0, 1_000_000), reload=True)
    wait_limit: float = _seconds(60.0, 1.0)
    heartbeat: float = _seconds(15.0, 1.0)
    streams_per_agent: int = _key(4, kinds.integer(1, 1000))
    browser_pages: bool = _key(True, kinds.switch)

    # trust
    session_binding: str = _key("address", kinds.choice("address", "strict"), reload=True)
    trusted_proxies: tuple[Network, ...] = _key((), kinds.many(kinds.network), reload=True)
    allowed_origins: tuple[str, ...] = _key((), kinds.many(kinds.origin), reload=True)
    operator_token: str = _key("", kinds.secret, reload=True, secret=True)
    operator_tokens: tuple[NamedToken, ...] = _key((), kinds.many(kinds.named_token), reload=True, secret=True)
    operator_tokens_file: Path | None = _key(None, kinds.path, reload=True)  # noqa: RUF009
    operator_loopback: bool = _key(False, kinds.switch, reload=True)
    session_lifetime: float = _key(43_200.0, kinds.number(0, 30 * DAY), reload=True)
    session_idle: float = _key(1800.0, kinds.number(0, DAY), reload=True)
    sign_in_get: bool = _key(True, kinds.switch, reload=True)
    audit_log: bool = _key(True, kinds.switch, reload=True)
    operator_token_file: Path | None = _key(None, kinds.path, reload=True)  # noqa: RUF009
    sign_in_burst_per_address: int = _key(100, kinds.integer(1, 1_000_000))
    sign_in_rate_per_address: float = _key(1.0, kinds.number(0.001, 1e6, "tries a second"))
    sign_in_burst_per_id: int = _key(10, kinds.integer(1, 1_000_000))
    sign_in_rate_per_id: float = _key(0.1, kinds.number(0.001, 1e6, "tries a second"))

    # sign-in without SIP passwords
    oidc_issuer: str = _key("", kinds.safe_url, reload=True)
    oidc_audience: tuple[str, ...] = _key((), kinds.many(kinds.text), reload=True)
    oidc_jwks_url: str = _key("", kinds.safe_url, reload=True)
    oidc_dn_claim: str = _key("dn", kinds.text, reload=True)
    oidc_leeway: float = _key(60.0, kinds.number(0.0, 600.0), reload=True)
    oidc_algorithms: tuple[str, ...] = _key(("EdDSA", "ES256", "RS256"), kinds.many(ALGORITHMS), reload=True)
    oidc_client_id: str = _key("", kinds.secret, reload=True)
    oidc_scope: str = _key("openid", kinds.header_text, reload=True)
    oidc_name: str = _key("", kinds.secret, reload=True)
    oidc_token: str = _key("id", kinds.choice("id", "access"), reload=True)
    sip_secrets: SourceName | None = _key(None, kinds.secret_source, reload=True)  # noqa: RUF009
    sip_secrets_token_file: Path | None = _key(None, kinds.path, reload=True)  # noqa: RUF009
    provider_ca_file: Path | None = _key(None, kinds.path, reload=True)  # noqa: RUF009

    # the SIP side: where and as whom
    sip_ws_servers: tuple[WebSocketURL, ...] = _key((), kinds.many(kinds.ws_url))
    sip_server: str = _key("", kinds.host)
    sip_port: int = _key(8080, kinds.integer(1, 65535))
    sip_domain: str = _key("", kinds.host)
    allowed_domains: tuple[str, ...] = _key((), kinds.many(kinds.host))
    user_agent: str = _key("wrtcgw", kinds.header_text)

    # the SIP side: connections
    sip_connections: int = _key(1, kinds.integer(1, 64))
    tls_ca_file: Path | None = _key(None, kinds.path)  # noqa: RUF009 (no default is made here)
    tls_client_certificate: Path | None = _key(None, kinds.path)  # noqa: RUF009
    tls_client_key: Path | None = _key(None, kinds.path)  # noqa: RUF009
    tls_verify: bool = _key(True, kinds.switch)
    handshake_timeout: float = _seconds(5.0)
    ping_interval: float = _seconds(10.0, 0.0)
    pong_timeout: float = _seconds(8.0)
    close_timeout: float = _seconds(2.0)
    crlf_keepalive: bool = _key(False, kinds.switch)
    max_message_size: int = _key(131_072, kinds.integer(4096, 16_777_216))
    reconnect_delay: float = _seconds(1.0)
    reconnect_max_delay: float = _seconds(3.0)

    # registrations
    register_expires: int = _key(600, kinds.integer(10, 86_400))
    register_rate: float = _key(50.0, kinds.number(0.1, 1e5, "requests a second"))
    register_retry_delay: float = _seconds(2.0)
    register_max_retry_delay: float = _seconds(60.0, 1.0)
    register_timeout: float = _seconds(8.0, 1.0)
    sign_in_timeout: float = _seconds(10.0, reload=True)
    connection_wait: float = _seconds(4.0, reload=True)
    sign_out_timeout: float = _seconds(5.0, reload=True)

    auth_realms: tuple[str, ...] = _key((), kinds.many(kinds.realm), reload=True)
    digest_algorithms: tuple[str, ...] = _key(("SHA-512-256", "SHA-256", "MD5"), kinds.many(kinds.digest), reload=True)

    # calls
    session_expires: int = _key(1800, kinds.integer(90, 86_400))
    min_se: int = _key(90, kinds.integer(90, 86_400))
    offer_100rel: bool = _key(False, kinds.switch)
    max_redirects: int = _key(5, kinds.integer(0, 20))
    ring_timeout: float = _seconds(300.0, 1.0)
    offer_timeout: float = _seconds(10.0, 1.0, reload=True)
    request_timeout: float = _seconds(40.0, 1.0, reload=True)
    hangup_timeout: float = _seconds(5.0, reload=True)
    max_calls: int = _key(8, kinds.integer(1, 1000), reload=True)
    calls_per_minute: int = _key(60, kinds.integer(1, 10_000), reload=True)
    calls_per_day: int = _key(0, kinds.integer(0, 1_000_000), reload=True)
    ring_limit_per_caller: int = _key(3, kinds.integer(1, 1000), reload=True)
    destinations: tuple[str, ...] = _key(("*",), kinds.many(kinds.pattern), reload=True)
    forbidden_destinations: tuple[str, ...] = _key((), kinds.many(kinds.pattern), reload=True)
    international_prefix: str = _key("00", kinds.prefix, reload=True)
    follow_redirects: bool = _key(True, kinds.switch, reload=True)
    agent_groups: tuple[AgentGroup, ...] = _key((), agent_groups, reload=True)
    offer_when_busy: bool = _key(True, kinds.switch, reload=True)
    offer_without_page: bool = _key(True, kinds.switch, reload=True)
    page_timeout: float = _seconds(90.0, 1.0, reload=True)
    page_grace: float = _seconds(60.0, 0.0, reload=True)
    expire_pages: bool = _key(False, kinds.switch, reload=True)
    reject_code: int = _key(486, kinds.integer(400, 699), reload=True)
    show_private_identity: bool = _key(False, kinds.switch, reload=True)
    page_headers: tuple[str, ...] = _key((), kinds.many(kinds.header_name), reload=True)
    messages_from: tuple[str, ...] = _key(("local",), kinds.many(kinds.party))
    auto_answer_from: tuple[str, ...] = _key(("*",), kinds.many(kinds.party), reload=True)
    auto_answer: str = _key("off", kinds.choice("off", "talk", "headers"), reload=True)
    attached_data: str = _key("headers", kinds.choice("headers", "info", "off"), reload=True)
    attached_data_limit: int = _key(8192, kinds.integer(0, 32_768), reload=True)
    incoming_refer: str = _key("reject", kinds.choice("reject", "accept"), reload=True)
    refer_timeout: float = _seconds(10.0, 1.0, reload=True)
    refer_delay: float = _seconds(0.5, 0.0, reload=True)
    transfer_timeout: float = _seconds(60.0, 1.0)
    mailbox_limit: int = _key(1000, kinds.integer(10, 1_000_000))
    mailbox_recent: int = _key(100, kinds.integer(0, 1_000_000))
    mailbox_bytes: int = _key(262_144, kinds.integer(65_536, 2**30))

    # callers without a DN
    guest_mode: str = _key("off", kinds.choice("off", "unregistered", "registered"))
    guest_dn: str = _key("anonymous", kinds.user)
    guest_password: str = _key("", kinds.secret, secret=True)
    guest_password_file: Path | None = _key(None, kinds.path)  # noqa: RUF009
    guest_limit: int = _key(100, kinds.integer(1, 100_000), reload=True)
    guest_limit_per_address: int = _key(5, kinds.integer(1, 100_000), reload=True)
    guest_destinations: tuple[str, ...] = _key((), kinds.many(kinds.pattern), reload=True)

    # firewalls between pages and the media
    stun_servers: tuple[str, ...] = _key((), kinds.many(kinds.stun_url), reload=True)
    turn_servers: tuple[str, ...] = _key((), kinds.many(kinds.turn_url), reload=True)
    turn_secret: str = _key("", kinds.secret, reload=True, secret=True)
    turn_secret_file: Path | None = _key(None, kinds.path, reload=True)  # noqa: RUF009
    turn_ttl: int = _key(3600, kinds.integer(60, 604_800), reload=True)

    # pages of the Genesys kind
    genesys_dialect: bool = _key(True, kinds.switch)
    genesys_path: str = _key("", kinds.url_path)
    genesys_port: int = _key(0, kinds.integer(0, 65535))
    genesys_origins: tuple[str, ...] = _key(("*",), kinds.many(kinds.any_origin))
    genesys_unknown_session: int = _key(204, kinds.either(204, 404))
    genesys_no_password: str = _key("guest", kinds.choice("guest", "register"))
    genesys_errors: bool = _key(True, kinds.switch)
    genesys_self_destination: str = _key("", kinds.secret)
    genesys_body_limit: int = _key(262_144, kinds.integer(65_536, 16_777_216))
    genesys_node: str = _key("", kinds.node)

    # what operators see
    capture: bool = _key(True, kinds.switch)
    capture_calls: int = _key(200, kinds.integer(1, 100_000))
    capture_bytes: int = _key(33_554_432, kinds.integer(1_048_576, 2**34))
    history_calls: int = _key(1000, kinds.integer(1, 1_000_000))

    # running
    log_level: str = _key(
        "info", kinds.choice("debug", "info", "warn", "error", "critical", aliases={"warning": "warn"}), reload=True
    )
    trace_data: bool = _key(False, kinds.switch, reload=True)
    drain_timeout: float = _seconds(5.0, 0.0)

    @property
    def proxies(self) -> tuple[WebSocketURL, ...]:
        """The proxies in order of preference: ``sip_ws_servers``, or else the one that sip_server and sip_port name."""
        if self.sip_ws_servers or not self.sip_server:
            return self.sip_ws_servers
        return (WebSocketURL.parse(f"ws://{_in_url(self.sip_server)}:{self.sip_port}"),)

    @property
    def domain(self) -> str:
        """The domain of our addresses of record: ``sip_domain``, or else the host of the first proxy."""
        named = self.sip_domain or self.sip_server or (self.proxies[0].host if self.proxies else "")
        return _in_url(named)

    @property
    def audiences(self) -> tuple[str, ...]:
        """Whom tokens have to be for: ``oidc_audience``, or else the softphone at the provider."""
        return self.oidc_audience or ((self.oidc_client_id,) if self.oidc_client_id else ())

    @property
    def domains(self) -> frozenset[str]:
        """``allowed_domains`` as they stand in SIP URIs."""
        return frozenset(map(_in_url, self.allowed_domains))


def _in_url(host: str) -> str:
    """Return a host as it stands in a URL or SIP URI: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def keys() -> Iterator[tuple[str, Key, object]]:
    """Iterate over all keys: name, what is known of it, default."""
    attribute: Attribute[Any]
    for attribute in fields(Settings):
        yield attribute.name, attribute.metadata[Key], attribute.default


def reloadable_keys() -> frozenset[str]:
    """Return the keys that a reload takes over; a change of any other needs a restart."""
    return frozenset(name for name, key, _ in keys() if key.reload)
