"""From settings to what judges tokens and gets SIP secrets; nothing is asked for before the first sign_in."""

import os
import time
from pathlib import Path
from typing import cast

from treq.client import HTTPClient
from twisted.internet.interfaces import IReactorProcess, IReactorTCP, IReactorTime
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS

from wrtcgw.config import Settings
from wrtcgw.identity.fetching import Fetcher
from wrtcgw.identity.keyring import KeyRing, Provider
from wrtcgw.identity.secrets import SecretSource
from wrtcgw.identity.settings import OIDCSettings
from wrtcgw.identity.sources import CommandSecrets, FileSecrets, HTTPSSecrets
from wrtcgw.identity.tokens import TokenVerifier
from wrtcgw.transport.tls import load_trust_root
from wrtcgw.web.tokens import IdentityParts

CONNECT_SECONDS = 4.0
KEYS = frozenset({"sip_secrets", "sip_secrets_token_file", "provider_ca_file"})
"""What :func:`identity_parts` looks at, beside all that begins with ``oidc_``."""
FALLBACK_PATH = "/usr/local/bin:/usr/bin:/bin"


def concerns(name: str) -> bool:
    """Return whether a key of the configuration is one that these parts are made of."""
    return name.startswith("oidc_") or name in KEYS


def identity_parts(reactor: IReactorTCP, settings: Settings) -> IdentityParts | None:
    """
    Return what judges tokens, None when there is no provider.

    :raises ValueError: if the CA file is of no use.
    """
    wanted = oidc_settings(settings)
    if wanted is None:
        return None
    clock = cast(IReactorTime, reactor)
    fetcher = Fetcher(http_client(reactor, settings), clock)
    keys = KeyRing(Provider(fetcher, wanted.issuer, wanted.jwks_url), clock.seconds)
    return IdentityParts(TokenVerifier(wanted, keys, time.time), secret_source(reactor, settings, fetcher))


def oidc_settings(settings: Settings) -> OIDCSettings | None:
    """Return which tokens sign in, None when none does."""
    if not settings.oidc_issuer:
        return None
    return OIDCSettings(
        issuer=settings.oidc_issuer,
        audiences=settings.audiences,
        jwks_url=settings.oidc_jwks_url,
        dn_claim=settings.oidc_dn_claim,
        leeway=settings.oidc_leeway,
        algorithms=settings.oidc_algorithms,
    )


def shown_provider(settings: Settings) -> dict[str, str] | None:
    """Return what the softphone is told about the provider, None when it cannot sign in there."""
    if not settings.oidc_issuer or not settings.oidc_client_id:
        return None
    return {
        "issuer": settings.oidc_issuer,
        "clientId": settings.oidc_client_id,
        "scope": settings.oidc_scope,
        "name": settings.oidc_name,
        "token": settings.oidc_token,
    }


def http_client(reactor: IReactorTCP, settings: Settings) -> HTTPClient:
    """Return a client that verifies certificates, by the system's authorities or by those of ``provider_ca_file``."""
    path = settings.provider_ca_file
    policy = BrowserLikePolicyForHTTPS(trustRoot=None if path is None else load_trust_root(path))
    return HTTPClient(Agent(reactor, contextFactory=policy, connectTimeout=CONNECT_SECONDS))


def secret_source(reactor: IReactorTCP, settings: Settings, fetcher: Fetcher) -> SecretSource | None:
    """Return where SIP secrets come from, None when the registrar asks for none."""
    named, clock = settings.sip_secrets, cast(IReactorTime, reactor)
    if named is None:
        return None
    if named.kind == "file":
        return FileSecrets(Path(named.words[0]))
    if named.kind == "command":
        path = os.environ.get("PATH", FALLBACK_PATH)
        return CommandSecrets(cast(IReactorProcess, reactor), clock, named.words, path)
    return HTTPSSecrets(fetcher, clock, named.words[0], settings.sip_secrets_token_file)
