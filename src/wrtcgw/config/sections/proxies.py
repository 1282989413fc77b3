"""The SIP side: proxies, connections to them, registrations."""

from pathlib import Path
from typing import ClassVar

from attrs import frozen

from wrtcgw.config import kinds
from wrtcgw.config.keys import key, seconds
from wrtcgw.transport.websocket import WebSocketURL


@frozen(kw_only=True, slots=False)
class Proxies:
    """Where the SIP proxies are, and who we are to them."""

    TITLE: ClassVar[str] = "where the SIP proxies are, and who we are to them"

    sip_ws_servers: tuple[WebSocketURL, ...] = key(
        (),
        kinds.many(kinds.ws_url),
        sample='["ws://127.0.0.1:8080"]',
        text="""
        SIP over WebSocket (RFC 7118), ws:// or wss://, in order of preference: a connection that fails goes on to
        the next. user:password@ before the host is sent as HTTP Basic.
        """,
    )
    sip_server: str = key(
        "",
        kinds.host,
        text="""
        Instead of the list: ws://<sip_server>:<sip_port>. Only looked at when the list is empty.
        """,
    )
    sip_port: int = key(8080, kinds.integer(1, 65535))
    sip_domain: str = key(
        "",
        kinds.host,
        sample='"example.org"',
        text="""
        The domain of the agents' addresses, sip:<dn>@<sip_domain>. Empty: the host of the first server above.
        """,
    )
    allowed_domains: tuple[str, ...] = key(
        (),
        kinds.many(kinds.host),
        text="""
        Further domains that agents may call by SIP URI, and to which a 3xx response may send a call.
        """,
    )
    user_agent: str = key(
        "wrtcgw",
        kinds.header_text,
        text="""
        The User-Agent and Server header.
        """,
    )

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
    def domains(self) -> frozenset[str]:
        """``allowed_domains`` as they stand in SIP URIs."""
        return frozenset(map(_in_url, self.allowed_domains))


def _in_url(host: str) -> str:
    """Return a host as it stands in a URL or SIP URI: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


@frozen(kw_only=True, slots=False)
class Connections:
    """Connections to the SIP proxies."""

    TITLE: ClassVar[str] = "connections to the SIP proxies"

    sip_connections: int = key(
        1,
        kinds.integer(1, 64),
        text="""
        Many agents share one connection; more of them spread the load over a proxy's processes.
        """,
    )
    tls_ca_file: Path | None = key(  # noqa: RUF009
        None,
        kinds.path,
        text="""
        PEM file of the CAs to trust for wss://, instead of the system's.
        """,
    )
    tls_client_certificate: Path | None = key(  # noqa: RUF009
        None,
        kinds.path,
        text="""
        PEM files of our own certificate and its key, for proxies that let in only whom they know (mutual TLS).
        """,
    )
    tls_client_key: Path | None = key(None, kinds.path)  # noqa: RUF009
    tls_verify: bool = key(
        True,
        kinds.switch,
        text="""
        false lets anyone on the way listen and pretend to be the proxy. It is logged loudly at each start.
        """,
    )
    handshake_timeout: float = seconds(
        5.0,
        text="""
        Name look-up, TCP, TLS and the WebSocket upgrade together.
        """,
    )
    ping_interval: float = seconds(
        10.0,
        0.0,
        text="""
        A dead proxy or network is noticed after at most the sum of the two. 0 switches pings off.
        """,
    )
    pong_timeout: float = seconds(8.0)
    close_timeout: float = seconds(
        2.0,
        text="""
        How long a proxy may take to answer our close.
        """,
    )
    crlf_keepalive: bool = key(
        False,
        kinds.switch,
        text="""
        Send CRLFCRLF beside each ping, for middleboxes that count only data as traffic.
        """,
    )
    max_message_size: int = key(
        131072,
        kinds.integer(4096, 16777216),
        unit="bytes",
        text="""
        The longest WebSocket message.
        """,
    )
    reconnect_delay: float = seconds(
        1.0,
        text="""
        The wait before a new attempt is random, between 0 and a limit that doubles from the first of these to the
        second.
        """,
    )
    reconnect_max_delay: float = seconds(3.0)


@frozen(kw_only=True, slots=False)
class Registrations:
    """Registrations."""

    TITLE: ClassVar[str] = "registrations"

    register_expires: int = key(
        600,
        kinds.integer(10, 86400),
        unit="seconds",
        text="""
        What we ask for; the registrar may give less, and its minimum is respected.
        """,
    )
    register_rate: float = key(
        125.0,
        kinds.number(0.1, 100000.0, "registrations a second"),
        text="""
        Registrations a second after a reconnect, of all agents and connections together, so that a restarted proxy
        is not flooded: 5000 agents are back 40 to 50 s after it. A registrar that asks each for its password gets two
        requests of each.
        """,
    )
    register_retry_delay: float = seconds(
        2.0,
        text="""
        The wait after a failed refresh is random, within a limit that doubles from the first of these to the
        second.
        """,
    )
    register_max_retry_delay: float = seconds(60.0, 1.0)
    register_timeout: float = seconds(
        8.0,
        1.0,
        text="""
        The wait for the answer to a refresh before it is sent anew; sign_in has a limit of its own.
        """,
    )
    sign_in_timeout: float = seconds(
        8.0,
        reload=True,
        text="""
        How long sign_in waits for the registrar, once there is a connection.
        """,
    )
    connection_wait: float = seconds(
        4.0,
        reload=True,
        text="""
        How long sign_in waits for a connection to a proxy that is being made, before it answers that there is none.
        """,
    )
    sign_out_timeout: float = seconds(
        5.0,
        reload=True,
        text="""
        How long sign_out waits for the end of the agent's calls, and then for the registrar.
        """,
    )
    auth_realms: tuple[str, ...] = key(
        (),
        kinds.many(kinds.realm),
        reload=True,
        text="""
        Only these realms (as in the registrar's challenge) get credentials. Without any it is those in which the
        registrar challenges REGISTER; where it does not, while a proxy challenges INVITE, name that realm here.
        """,
    )
    digest_algorithms: tuple[str, ...] = key(
        ("SHA-512-256", "SHA-256", "MD5"),
        kinds.many(kinds.digest),
        reload=True,
        text="""
        The digest algorithms that may be used; of what a server offers the strongest is, and never again a weaker
        one than that realm has used before.
        """,
    )
