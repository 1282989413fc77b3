"""Serving pages: where, whom to trust, sign-in by token."""

from pathlib import Path
from typing import ClassVar

from attrs import frozen

from wrtcgw.config import kinds
from wrtcgw.config.keys import key, seconds
from wrtcgw.config.kinds import NamedToken, Network
from wrtcgw.config.tables import ApplicationToken, Webhook, app_tokens, webhooks
from wrtcgw.identity.settings import FAMILIES
from wrtcgw.identity.sources import SourceName

DAY = 86_400.0
ALGORITHMS = kinds.choice(*FAMILIES, aliases={name.lower(): name for name in FAMILIES})


@frozen(kw_only=True, slots=False)
class Listening:
    """Listening for pages."""

    TITLE: ClassVar[str] = "listening for pages"

    http_interface: str = key(
        "127.0.0.1",
        kinds.address,
        text="""
        The address to listen on: loopback, because a web server with TLS belongs in front; 0.0.0.0 or :: in a
        container.
        """,
    )
    http_port: int = key(
        8082,
        kinds.integer(0, 65535),
        text="""
        0 takes any free port; the log tells which.
        """,
    )
    https_port: int = key(
        0,
        kinds.integer(0, 65535),
        text="""
        HTTPS without a web server in front: its port (0: none), its address (empty: http_interface), and PEM files
        of the certificate, with the chain behind it, and of its key, which only root and the service may read: see
        wrtcgw.service. A renewed certificate is taken over by a reload and cuts no connection off. TLS 1.2 or
        later; with HSTS, for a year.
        """,
    )
    https_interface: str = key("", kinds.address)
    tls_certificate: Path | None = key(None, kinds.path, reload=True)  # noqa: RUF009
    tls_key: Path | None = key(None, kinds.path, reload=True)  # noqa: RUF009
    access_log: bool = key(
        False,
        kinds.switch,
        reload=True,
        text="""
        One line per request in the log, without secrets. Busy gateways leave that to the proxy in front.
        """,
    )
    body_limit: int = key(
        65536,
        kinds.integer(1024, 16777216),
        unit="bytes",
        text="""
        The longest request body; a large offer has about 10000 bytes.
        """,
    )
    header_timeout: float = seconds(
        10.0,
        0.5,
        reload=True,
        text="""
        How long the head of a request may take to arrive, and its body, each as a whole: 408 and close after that.
        """,
    )
    body_timeout: float = seconds(30.0, 0.5, reload=True)
    connections_per_address: int = key(
        200,
        kinds.integer(0, 1000000),
        reload=True,
        text="""
        Connections of one address (of IPv6: of one /64), and 4 more for each agent who is signed in from there; not
        for trusted_proxies. 0: any number. When an eighth of the descriptors (LimitNOFILE) is left, only addresses
        with agents get in.
        """,
    )
    wait_limit: float = seconds(
        60.0,
        1.0,
        text="""
        The longest wait of a long poll; a proxy in front must allow more.
        """,
    )
    heartbeat: float = seconds(
        15.0,
        1.0,
        text="""
        Between two comments that keep an event stream alive through proxies.
        """,
    )
    streams_per_agent: int = key(
        4,
        kinds.integer(1, 1000),
        text="""
        Event streams of one agent; one more ends the oldest.
        """,
    )
    browser_pages: bool = key(
        True,
        kinds.switch,
        text="""
        Serve the library (/grtc.js, /grtc/) and the pages that come with the gateway (/softphone/ and others).
        """,
    )


@frozen(kw_only=True, slots=False)
class Trust:
    """Trust."""

    TITLE: ClassVar[str] = "trust"

    session_binding: str = key(
        "address",
        kinds.choice("address", "strict"),
        reload=True,
        sample='"strict"',
        text="""
        What ties requests to a sign_in. "strict", as here: only the session token that sign_in returned. "address",
        which holds without this line: for a session whose token was never shown, also the address that signed in,
        which is what curl lines and the simplest gadgets live by; behind one NAT, on a terminal server (Citrix) or
        behind a proxy without trusted_proxies, that is everybody there. A token that was shown once binds its
        session for good; sessions of guests and of the Genesys dialect are always bound.
        """,
    )
    session_lifetime: float = key(
        43200.0,
        kinds.number(0, 30 * DAY),
        reload=True,
        unit="seconds",
        text="""
        A session ends so long after its sign_in, as soon as its agent has no call; and after so long without a call
        and without a page (no poll or stream that hangs, no request). 0: never.
        """,
    )
    session_idle: float = key(1800.0, kinds.number(0, DAY), reload=True, unit="seconds")
    sign_in_get: bool = key(
        True,
        kinds.switch,
        reload=True,
        text="""
        false refuses a sign_in with the password in the address, which histories and the logs of proxies keep.
        """,
    )
    trusted_proxies: tuple[Network, ...] = key(
        (),
        kinds.many(kinds.network),
        reload=True,
        text="""
        Addresses or networks of the proxies in front whose X-Real-IP and X-Forwarded-* are believed, such as
        "127.0.0.1". A request with such a header from anyone else counts as strict.
        """,
    )
    allowed_origins: tuple[str, ...] = key(
        (),
        kinds.many(kinds.origin),
        reload=True,
        text="""
        Origins of pages that may call, besides our own: ["https://desktop.example.org"].
        """,
    )
    operator_token: str = key(
        "",
        kinds.secret,
        reload=True,
        secret=True,
        text="""
        Who may see and do what operators do (/ops/, /api/ops/, /api/agents, /api/calls/): who shows one of these
        tokens as Authorization: Bearer. Without any, and without operator_loopback, nobody may. operator_token is
        that of an admin, in clear; better kept in the environment file of the service (WRTCGW_OPERATOR_TOKEN) than
        here; a new one there needs a restart.
        """,
    )
    operator_token_file: Path | None = key(  # noqa: RUF009
        None,
        kinds.path,
        reload=True,
        text="""
        A file with it instead, as for every secret here; the service's own way is LoadCredential=operator_token:...
        in its unit, which needs no key at all.
        """,
    )
    operator_tokens: tuple[NamedToken, ...] = key(
        (),
        kinds.many(kinds.named_token),
        reload=True,
        secret=True,
        text="""
        Named operators: "name:role:sha256" or {name = "...", role = "...", sha256 = "..."}; wrtcgw-client
        --hash-token makes a token and its hash. A viewer sees agents, calls and numbers; a supervisor also ladders,
        and ends calls and signs agents out; an admin also drains, changes log level and capture, and sees and ends
        sessions.
        """,
    )
    operator_tokens_file: Path | None = key(  # noqa: RUF009
        None,
        kinds.path,
        reload=True,
        text="""
        A file with them instead, one a line.
        """,
    )
    operator_loopback: bool = key(
        False,
        kinds.switch,
        reload=True,
        text="""
        true: programs, and our own pages in browsers, on the gateway's own machine are admins without a token. Not
        where a proxy on this machine passes requests on. --demo sets it.
        """,
    )
    metrics_allow: tuple[Network, ...] = key(
        (),
        kinds.many(kinds.network),
        reload=True,
        text="""
        Addresses or networks whose direct requests may read /metrics without a token: the Prometheus server's. Others
        need the token of an operator, any role will do. What a proxy passes on is never a direct request; where one
        on such an address adds no X-Forwarded-For, do not name that address.
        """,
    )
    app_tokens: tuple[ApplicationToken, ...] = key(
        (),
        app_tokens,
        reload=True,
        secret=True,
        text="""
        Applications (a CRM, a dialler, a wallboard) that may use /api/app/v1/, each with a token of its own, for the
        agents whose DN it takes in. With rights = "control" it places calls in their name, answers, holds, transfers
        and ends them; without, it only sees them. wrtcgw-client --hash-token makes a token and its hash.
          app_tokens = [
            { name = "crm", sha256 = "...", dns = ["50*"], rights = "control" },
          ]
        """,
    )
    app_tokens_file: Path | None = key(  # noqa: RUF009
        None,
        kinds.path,
        reload=True,
        text="""
        A file with them instead, one { ... } a line.
        """,
    )
    webhooks: tuple[Webhook, ...] = key(
        (),
        webhooks,
        reload=True,
        text="""
        URLs (https, or http on this machine) to which what happens is posted as JSON, signed with the secret in a file.
        With events only these kinds: "call", "agent", "alarm", "connection", or one like "call.ended".
          webhooks = [
            { name = "crm", url = "https://crm.example.org/calls", secret_file = "/etc/wrtcgw/crm", events = ["call"] },
          ]
        """,
    )
    app_burst: int = key(
        50,
        kinds.integer(1, 10000),
        reload=True,
        text="""
        Requests of one application that change something: how many at once, and how many a second in the long run.
        """,
    )
    app_rate: float = key(10.0, kinds.number(0.1, 1000.0, "requests a second"), reload=True)
    audit_log: bool = key(
        True,
        kinds.switch,
        reload=True,
        text="""
        Write who signed in and out, was refused, and what operators did, as lines of wrtcgw.audit that no log_level
        silences; conf/fail2ban/ reads them.
        """,
    )
    sign_in_burst_per_address: int = key(
        100,
        kinds.integer(1, 1000000),
        text="""
        Refused tries of sign_in, and tries in progress: how many at once, and how many come back each second; for
        one client address, and for one agent id or DN from one client address. From all addresses together, one id
        or DN has 5 times the burst at the same rate: guessing from many addresses is slow too. Nobody is locked out
        by others who guess: an address from which the DN has signed in before, a page with an old token, and
        addresses that have not failed have shares of their own. An IPv6 network of 64 bits counts as one address.
        """,
    )
    sign_in_rate_per_address: float = key(1.0, kinds.number(0.001, 1000000.0, "tries a second"))
    sign_in_burst_per_id: int = key(10, kinds.integer(1, 1000000))
    sign_in_rate_per_id: float = key(0.1, kinds.number(0.001, 1000000.0, "tries a second"))


@frozen(kw_only=True, slots=False)
class SignInByToken:
    """Sign-in without SIP passwords."""

    TITLE: ClassVar[str] = "sign-in without SIP passwords"

    oidc_issuer: str = key(
        "",
        kinds.safe_url,
        reload=True,
        text="""
        An OpenID Connect provider whose signed tokens sign agents in, as its tokens name it (iss), for example
        "https://login.example.org/realms/acme". Its keys come by way of <issuer>/.well-known/openid-configuration,
        or from oidc_jwks_url. https only, or http to this machine.
        """,
    )
    oidc_jwks_url: str = key("", kinds.safe_url, reload=True)
    oidc_audience: tuple[str, ...] = key(
        (),
        kinds.many(kinds.text),
        reload=True,
        text="""
        Whom the tokens have to be for: one of these must be in their aud. Empty: oidc_client_id.
        """,
    )
    oidc_dn_claim: str = key(
        "dn",
        kinds.text,
        reload=True,
        text="""
        The claim with the DN that the bearer may sign in, or with a list of them; dots lead into objects.
        """,
    )
    oidc_leeway: float = key(
        60.0,
        kinds.number(0.0, 600.0),
        reload=True,
        unit="seconds",
        text="""
        Seconds that the clocks of provider and gateway may differ, and the algorithms of signatures.
        """,
    )
    oidc_algorithms: tuple[str, ...] = key(("EdDSA", "ES256", "RS256"), kinds.many(ALGORITHMS), reload=True)
    oidc_client_id: str = key(
        "",
        kinds.secret,
        reload=True,
        text="""
        The softphone at the provider: a public client (code flow with PKCE) with <gateway>/softphone/ as its
        redirect URI and the gateway's address as web origin. Empty: the softphone asks for a password only. What it
        asks the provider for, what it calls the provider, and which token it signs in with: id or access (which has
        to be a JWT).
        """,
    )
    oidc_scope: str = key("openid", kinds.header_text, reload=True)
    oidc_name: str = key("", kinds.secret, reload=True)
    oidc_token: str = key("id", kinds.choice("id", "access"), reload=True)
    sip_secrets: SourceName | None = key(  # noqa: RUF009
        None,
        kinds.secret_source,
        reload=True,
        text="""
        Where the gateway gets the SIP secret of a DN that signs in by token: a password, or HA1 as realm:hash. One
        of
          file:/etc/wrtcgw/sip-secrets.toml             lines like 5001 = "secret" or 5002 = "example.org:5f4dcc3b5aa765d6..."
          command:/usr/local/bin/sip-secret %dn         a program that prints it; no shell; at most 5 s
          https://vault.example.org/v1/sip/%dn          text, or JSON with password, or realm and ha1; perhaps inside data
        Empty: none is needed, because the registrar trusts the gateway. Keep the file from others: mode 0640.
        """,  # noqa: E501
    )
    sip_secrets_token_file: Path | None = key(  # noqa: RUF009
        None,
        kinds.path,
        reload=True,
        text="""
        The file with the bearer token for an https:// source.
        """,
    )
    provider_ca_file: Path | None = key(  # noqa: RUF009
        None,
        kinds.path,
        reload=True,
        text="""
        CA certificates (PEM) for the provider and for an https:// source; empty: the system's.
        """,
    )

    @property
    def audiences(self) -> tuple[str, ...]:
        """Whom tokens have to be for: ``oidc_audience``, or else the softphone at the provider."""
        return self.oidc_audience or ((self.oidc_client_id,) if self.oidc_client_id else ())
