"""Nothing that a part can be told is forgotten, and every key has an effect."""

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast

from attrs import NOTHING, Factory, evolve, fields
from twisted.internet.interfaces import IReactorTCP
from twisted.trial.unittest import SynchronousTestCase

from tests.support.wsproxy import Network
from wrtcgw.config import Settings
from wrtcgw.config.kinds import HEPTarget, NamedToken
from wrtcgw.config.settings import keys
from wrtcgw.config.tables import AgentGroup, ApplicationToken, Webhook
from wrtcgw.daemon import composition
from wrtcgw.daemon.identity import oidc_settings
from wrtcgw.daemon.state import store_settings
from wrtcgw.gateway import GatewaySettings
from wrtcgw.identity.sources import SourceName
from wrtcgw.sip.core import UASettings
from wrtcgw.sip_service import AgentSettings
from wrtcgw.store import StoreSettings
from wrtcgw.store.address import StoreAddress
from wrtcgw.transport.interfaces import WebSocketSettings
from wrtcgw.transport.tls import TLSSettings
from wrtcgw.transport.websocket import WebSocketURL
from wrtcgw.web import WebSettings
from wrtcgw.web.genesys import GenesysSettings
from wrtcgw.web.settings import IceSettings

OTHERS: dict[str, Any] = {
    "http_interface": "192.0.2.1",
    "second_page": "ring_all",
    "session_binding": "strict",
    "trusted_proxies": (ip_network("192.0.2.0/24"),),
    "allowed_origins": ("https://desk.example.org",),
    "log_levels": (("web", "debug"),),
    "log_format": "json",
    "hep_target": HEPTarget("udp", "127.0.0.1", 9060),
    "hep_password": "h",
    "hep_password_file": Path("hep"),
    "call_records": Path("calls.jsonl"),
    "traces_endpoint": "http://127.0.0.1:4318/v1/traces",
    "traces_headers": (("X-Token", "t"),),
    "traces_headers_file": Path("headers"),
    "traces_ca_file": Path("ca.pem"),
    "metrics_allow": (ip_network("192.0.2.0/24"),),
    "operator_token": "t",
    "sip_ws_servers": (WebSocketURL.parse("wss://proxy.example.org"),),
    "sip_server": "sip.example.org",
    "sip_domain": "example.org",
    "allowed_domains": ("example.net",),
    "user_agent": "other",
    "tls_ca_file": Path("ca.pem"),
    "https_interface": "192.0.2.1",
    "tls_certificate": Path("certificate.pem"),
    "tls_key": Path("key.pem"),
    "tls_client_certificate": Path("client.pem"),
    "tls_client_key": Path("client.key"),
    "operator_token_file": Path("operator"),
    "operator_tokens_file": Path("operators"),
    "guest_password_file": Path("guest"),
    "turn_secret_file": Path("turn"),
    "incoming_refer": "accept",
    "destinations": ("50*",),
    "forbidden_destinations": ("00*",),
    "international_prefix": "011",
    "agent_groups": (AgentGroup(dns=("50*",), destinations=("8*",), max_calls=1),),
    "app_tokens": (ApplicationToken(name="crm", sha256="ab" * 32, dns=("50*",), rights="control"),),
    "app_tokens_file": Path("applications"),
    "webhooks": (Webhook(name="crm", url="https://crm.example.org/", secret_file=Path("crm")),),
    "page_headers": ("X-DNIS",),
    "auth_realms": ("example.org",),
    "digest_algorithms": ("SHA-256",),
    "not_responding_answer": "sip:8000@example.org",
    "auto_answer": "talk",
    "messages_from": ("*",),
    "auto_answer_from": ("example.org",),
    "attached_data": "info",
    "guest_mode": "registered",
    "guest_dn": "guest",
    "guest_password": "g",
    "guest_destinations": ("8000",),
    "stun_servers": ("stun:turn.example.org",),
    "turn_servers": ("turn:turn.example.org",),
    "turn_secret": "s",
    "echo_number": "1003",
    "genesys_no_password": "register",
    "genesys_path": "/gateway",
    "genesys_origins": ("https://desk.example.org",),
    "genesys_self_destination": "echo",
    "genesys_node": "n1",
    "state_store": StoreAddress.parse("redis://store.example.org"),
    "state_store_password": "p",
    "state_store_password_file": Path("password"),
    "state_store_ca_file": Path("ca.pem"),
    "state_key": "k",
    "state_key_file": Path("key"),
    "node_name": "n1",
    "oidc_issuer": "https://login.example.org",
    "oidc_audience": ("gateway",),
    "oidc_jwks_url": "https://login.example.org/keys",
    "oidc_dn_claim": "telephony.dn",
    "oidc_algorithms": ("ES256",),
    "oidc_client_id": "softphone",
    "oidc_scope": "openid dn",
    "oidc_name": "Login",
    "oidc_token": "access",
    "sip_secrets": SourceName.parse("file:/etc/secrets.toml"),
    "sip_secrets_token_file": Path("token"),
    "provider_ca_file": Path("ca.pem"),
    "operator_tokens": (NamedToken("eve", "viewer", "0" * 64),),
    "log_level": "debug",
}
"""For keys that are neither numbers nor switches a value that is not the default."""

NOT_SETTINGS = {"instance", "instance_urn", "replaces_across_accounts", "dialogs_follow", "stable_after", "factory"}
"""What the parts are told otherwise, or never by a site."""


def changed(name: str, default: object) -> Any:
    """Return another value than the default."""
    if isinstance(default, bool):
        return not default
    return default + 1 if isinstance(default, int | float) else OTHERS[name]


class CompositionTests(SynchronousTestCase):
    """Settings in which no key has its default."""

    settings = evolve(Settings(), **{name: changed(name, default) for name, _, default in keys()})

    def test_every_setting_of_the_parts(self) -> None:
        """Each field of a part's settings depends on a key."""
        makers: tuple[Callable[[Settings], Any], ...] = (
            lambda settings: composition.agent_settings(settings, survives=True),
            lambda settings: composition.agent_settings(settings).reconnect,
            composition.ua_settings,
            composition.gateway_settings,
            composition.web_settings,
            composition.ice_settings,
            lambda settings: composition.web_settings(settings).wishes,
            composition.websocket_settings,
            composition.tls_settings,
            oidc_settings,
            store_settings,
            lambda settings: composition.genesys_settings(evolve(settings, genesys_dialect=True)),
        )
        for make in makers:
            made = make(self.settings)
            for attribute in fields(type(made)):
                default: Any = attribute.default
                if attribute.name in NOT_SETTINGS or default is NOTHING:
                    continue
                default = default.factory() if isinstance(default, cast(Any, Factory)) else default
                self.assertNotEqual(getattr(made, attribute.name), default, f"{type(made).__name__}.{attribute.name}")

    def test_no_second_default(self) -> None:
        """What a part does without being told is what the configuration says: no default differs from the key's."""
        settings = evolve(Settings(), sip_domain="example.org", messages_from=("*",))
        parts = (
            (composition.agent_settings(settings), AgentSettings()),
            (composition.ua_settings(settings), UASettings(domain="example.org", instance="")),
            (composition.gateway_settings(settings), GatewaySettings(domain="example.org")),
            (composition.web_settings(settings), WebSettings()),
            (composition.ice_settings(settings), IceSettings()),
            (composition.websocket_settings(settings), WebSocketSettings()),
            (composition.tls_settings(settings), TLSSettings()),
            (composition.genesys_settings(settings), GenesysSettings()),
            (store_settings(settings), StoreSettings(node=settings.node)),
        )
        told = {"instance", "instance_space", "node", "texts_from", "descriptors"}
        for made, bare in parts:
            for attribute in fields(cast(Any, type(made))):
                if attribute.name not in told:
                    found, own = getattr(made, attribute.name), getattr(bare, attribute.name)
                    self.assertEqual(found, own, f"{type(made).__name__}.{attribute.name}")

    def test_targets(self) -> None:
        """Each proxy becomes an endpoint, in order, and wss is known as secure."""
        urls = tuple(map(WebSocketURL.parse, ("ws://a.example.org", "wss://b.example.org")))
        targets = composition.targets(cast(IReactorTCP, Network()), evolve(Settings(), sip_ws_servers=urls))
        self.assertEqual(
            [(target.name, target.secure) for target in targets],
            [("ws://a.example.org/", False), ("wss://b.example.org/", True)],
        )

    def test_every_start_is_another_instance(self) -> None:
        """Our Contact's host is new with each start, and a host name."""
        first, second = (composition.ua_settings(self.settings).instance for _ in range(2))
        self.assertNotEqual(first, second)
        self.assertRegex(first, "^[0-9a-f]{16}$")
