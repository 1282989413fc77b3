"""From settings to parts: the one place that knows them all."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from random import random
from socket import gethostname
from typing import Any, TypeVar, cast
from uuid import NAMESPACE_DNS, uuid4, uuid5

from attrs import asdict, fields, frozen
from twisted.internet.interfaces import IReactorTCP, IReactorTime
from twisted.logger import Logger
from twisted.web.resource import IResource

from wrtcgw.calls.registry import Registry
from wrtcgw.config import Settings
from wrtcgw.config.kinds import NamedToken
from wrtcgw.config.secret_files import read_secret
from wrtcgw.config.tables import ApplicationToken
from wrtcgw.daemon.descriptors import descriptor_limit
from wrtcgw.daemon.hep import homer
from wrtcgw.daemon.identity import http_client, identity_parts
from wrtcgw.daemon.listener import HTTPListener
from wrtcgw.daemon.monitoring import Monitoring, watch
from wrtcgw.daemon.state import state_key, state_store
from wrtcgw.daemon.traces import traces
from wrtcgw.daemon.webhooks import Webhooks, WebhookSettings
from wrtcgw.events.stream import EventStream
from wrtcgw.gateway import Gateway, GatewaySettings
from wrtcgw.gateway.persistence import Durability
from wrtcgw.gateway.settings import AgentGroup
from wrtcgw.sip.core import UACore, UASettings
from wrtcgw.sip.timers import Timers
from wrtcgw.sip_service import AgentSettings, UserAgentService
from wrtcgw.store import Store
from wrtcgw.tokens import SystemTokens
from wrtcgw.transport.certificates import ServerTLS
from wrtcgw.transport.flow import Target
from wrtcgw.transport.interfaces import WebSocketSettings
from wrtcgw.transport.reconnect import ReconnectSettings
from wrtcgw.transport.tls import TLSSettings, websocket_endpoint
from wrtcgw.web import Allowance, Binding, GatewaySite, HTTPSurface, WebSettings
from wrtcgw.web.addresses import Addresses
from wrtcgw.web.api import RestAPI
from wrtcgw.web.app import ApplicationAPI
from wrtcgw.web.app.applications import Applications
from wrtcgw.web.audit import Audit
from wrtcgw.web.chain import Chain
from wrtcgw.web.connection_limits import ConnectionLimits
from wrtcgw.web.feed import Feed, FeedStreams
from wrtcgw.web.files import files
from wrtcgw.web.genesys import GenesysDialect, GenesysSettings, nothing_else
from wrtcgw.web.message_endpoint import SELF
from wrtcgw.web.metrics import Scrapers, Write, metrics_dialect
from wrtcgw.web.openapi.api import DescriptionAPI
from wrtcgw.web.operators import Operators
from wrtcgw.web.ops import OpsAPI, OpsParts
from wrtcgw.web.origins import Origins
from wrtcgw.web.root_resource import RootResource
from wrtcgw.web.settings import AppToken, IceSettings, OperatorToken, PageWishes, Role
from wrtcgw.web.signin import SignInService
from wrtcgw.web.softphoneapi import SoftphoneAPI
from wrtcgw.web.tokens import IdentityParts, TokenSignIn

Part = TypeVar("Part")

access = Logger(namespace="wrtcgw.access")


@frozen
class Parts:
    """The parts of a gateway that its service has to do with."""

    agent: UserAgentService
    gateway: Gateway
    surface: HTTPSurface
    site: GatewaySite
    listener: HTTPListener
    monitoring: Monitoring
    store: Store
    webhooks: Webhooks
    second: HTTPListener | None = None
    """For pages of the Genesys dialect alone."""
    secure: HTTPListener | None = None
    """The same as the first one, by HTTPS."""

    @property
    def listeners(self) -> tuple[HTTPListener, ...]:
        """All that listen."""
        return tuple(part for part in (self.listener, self.second, self.secure) if part is not None)


def compose(reactor: IReactorTCP, settings: Settings, pages: Mapping[bytes, IResource]) -> Parts:
    """
    Make the parts; nothing is opened or listens yet.

    :param reactor: for TCP and time.
    :param pages: what is served beside the API, by the first segment of its path.
    """
    clock = cast(IReactorTime, reactor)
    tokens = SystemTokens()
    events = EventStream()
    store = state_store(reactor, settings)
    agent = UserAgentService(
        clock,
        agent_settings(settings, survives=store.survives),
        targets(reactor, settings),
        tokens.uniform,
        events,
    )
    spans = traces(reactor, settings, agent, events)  # which hear of each event before the gateway acts on it
    core = UACore(ua_settings(settings, survives=store.survives, shared=store.shared), Timers(), tokens)
    registry = Registry()
    durability = Durability(store, state_key(settings), lease_ttl=settings.lease_ttl)
    gateway = Gateway(core, registry, clock, gateway_settings(settings), agent.send, events, durability)
    hooks = Webhooks(partial(http_client, reactor, settings), clock, time.time, random)
    hooks.configure(webhook_settings(settings))
    monitoring = watch(clock, settings, agent, core, registry, events, hooks)
    homer(reactor, settings, agent, events, monitoring)
    if spans is not None:
        spans.run_with(gateway, monitoring)
    agent.attach(gateway)
    surface = http_surface(
        gateway,
        web_settings(settings),
        clock,
        pages=pages,
        genesys=genesys_settings(settings),
        ops=monitoring.ops,
        metrics=monitoring.exposition.write,
        identity=identity_parts(reactor, settings),
    )
    monitoring.expose(gateway, surface)
    hooks.attach(surface.feed)
    make_site = partial(GatewaySite, surface, access_log=access_log(settings), reactor=clock)
    site = make_site()
    listener = HTTPListener(reactor, settings.http_interface, settings.http_port, site)
    second = second_listener(reactor, settings, surface, make_site)
    secure = secure_listener(reactor, settings, site)
    return Parts(agent, gateway, surface, site, listener, monitoring, store, hooks, second, secure)


def http_surface(
    gateway: Gateway,
    settings: WebSettings,
    clock: IReactorTime,
    *,
    pages: Mapping[bytes, IResource] | None = None,
    genesys: GenesysSettings | None = None,
    ops: OpsParts | None = None,
    metrics: Write | None = None,
    identity: IdentityParts | None = None,
    wall: Callable[[], float] = time.time,
) -> HTTPSurface:
    """
    Put the dialects together; in which order they are asked for a path is the order of their chains.

    :param genesys: settings of the Genesys dialect; None leaves it out.
    :param pages: further resources by the first segment of their paths: ``{b"softphone": ...}``; ``b""`` is the root.
    :param ops: what the operators' calls stand on; None leaves those out that need it.
    :param metrics: writes them; None: there are none.
    :param identity: who judges tokens; None: nobody signs in by one.
    :param wall: the wall clock's seconds; ``clock`` may count from anywhere.
    """
    addresses, origins = Addresses(settings.trusted_proxies), Origins(settings.allowed_origins)
    operators, audit = Operators(origins), Audit(clock.seconds, wall)
    limit, seconds = settings.body_limit, clock.seconds
    service = SignInService(gateway, origins, settings, clock, audit)
    vendor = None if genesys is None else GenesysDialect(gateway, service, genesys, clock, wall)

    def hanging() -> tuple[int, int]:
        return len(service.polls) + (vendor.hanging if vendor else 0), len(service.streams) + len(feeds)

    tokens = TokenSignIn(service, identity)
    rest = RestAPI(
        gateway,
        service,
        tokens,
        operators,
        origins,
        settings,
        clock,
        no_password=genesys is not None and genesys.no_password == "register",
        self_destination=genesys.self_destination if genesys else SELF,
        hanging=hanging,
        wall=wall,
    )
    applications, feed = Applications(clock.seconds), Feed(gateway.events, clock.seconds, wall)
    feeds = FeedStreams(clock, feed, settings.heartbeat)
    agents, *others = rest.dialects()
    dialects = [agents] if vendor is None else [vendor.dialect, agents]
    dialects.append(SoftphoneAPI(gateway, service, clock).dialect())
    app = ApplicationAPI(gateway, applications, feed, feeds, origins, audit, clock, body_limit=limit, wall=wall)
    dialects.append(app.dialect)
    if ops is not None:
        api = OpsAPI(
            gateway, ops, service, operators, origins, audit, feeds, body_limit=limit, seconds=seconds, wall=wall
        )
        dialects.append(api.dialect)
    scrapers = Scrapers(operators, settings.metrics_allow)
    if metrics is not None:
        dialects.append(metrics_dialect(metrics, scrapers, origins, body_limit=limit))
    served = DescriptionAPI(lambda: dialects, genesys.path if genesys else None, body_limit=limit)
    dialects += [served.dialect, *others, files(pages or {}, operators, origins, body_limit=limit)]
    chains = tuple(Chain(dialect, audit) for dialect in dialects)
    surface = HTTPSurface(
        addresses=addresses,
        origins=origins,
        operators=operators,
        scrapers=scrapers,
        audit=audit,
        connections=connection_limits(settings, addresses, service, clock),
        events=gateway.events,
        sign_in_service=service,
        tokens=tokens,
        rest=rest,
        chains=chains,
        genesys=vendor,
        count_hanging=hanging,
        applications=applications,
        feed=feed,
        closing=(*(() if vendor is None else (vendor.close,)), service.close, feeds.close),
    )
    surface.reconfigure(settings)
    return surface


def connection_limits(
    settings: WebSettings, addresses: Addresses, service: SignInService, clock: IReactorTime
) -> ConnectionLimits:
    """Return what counts the connections."""
    per_address, descriptors = settings.connections_per_address, settings.descriptors
    return ConnectionLimits(per_address, descriptors, addresses.is_trusted, service.addresses, clock.seconds)


def only_genesys(surface: HTTPSurface) -> IResource:
    """Return the root of a port that has the Genesys dialect and nothing else."""
    assert surface.genesys is not None
    dialects = surface.genesys.dialect, nothing_else(surface.largest_body)
    return RootResource(surface.addresses, [Chain(dialect, surface.audit) for dialect in dialects])


def second_listener(
    reactor: IReactorTCP, settings: Settings, surface: HTTPSurface, make_site: Callable[..., GatewaySite]
) -> HTTPListener | None:
    """Return what listens on the port of the Genesys dialect's own, None when it has none."""
    if surface.genesys is None or not settings.genesys_port:
        return None
    site = make_site(resource=only_genesys(surface))
    return HTTPListener(reactor, settings.http_interface, settings.genesys_port, site, key="genesys_port")


def secure_listener(reactor: IReactorTCP, settings: Settings, site: GatewaySite) -> HTTPListener | None:
    """
    Return what listens for HTTPS, None when it is not wanted.

    :raises ValueError: if the certificate or its key is of no use.
    """
    if not settings.https_port or settings.tls_certificate is None or settings.tls_key is None:
        return None
    tls = ServerTLS(settings.tls_certificate, settings.tls_key)
    interface = settings.https_interface or settings.http_interface
    return HTTPListener(reactor, interface, settings.https_port, site, key="https_port", tls=tls)


def write_access_line(line: str) -> None:
    """Log one request; the line is a value, not a format, because a client wrote parts of it."""
    access.info("{line}", line=line)


def access_log(settings: Settings) -> Callable[[str], None] | None:
    """Return what takes the lines of the access log, None for nothing."""
    return write_access_line if settings.access_log else None


def targets(reactor: IReactorTCP, settings: Settings) -> list[Target]:
    """
    Return the proxies with their endpoints, in order of preference.

    :raises ValueError: if the CA file is of no use.
    """
    websocket, tls = websocket_settings(settings), tls_settings(settings)
    return [Target(str(url), websocket_endpoint(reactor, url, websocket, tls), url.secure) for url in settings.proxies]


def of_same_names(part: type[Part], settings: Settings, prefix: str = "", **others: object) -> Part:
    """
    Return the settings of a part: what has the name of a key is that key's value.

    :param prefix: what the names of keys have before the part's.
    :param others: values for what has no key of its name, or is of another type than the key.
    """
    names = [attribute.name for attribute in fields(cast(Any, part)) if attribute.name not in others]
    same = {name: getattr(settings, prefix + name) for name in names if hasattr(settings, prefix + name)}
    return part(**same, **others)


def websocket_settings(settings: Settings) -> WebSocketSettings:
    """Return the settings of each connection."""
    return of_same_names(WebSocketSettings, settings)


def tls_settings(settings: Settings) -> TLSSettings:
    """Return how a proxy's certificate is judged."""
    return TLSSettings(
        ca_file=settings.tls_ca_file,
        verify=settings.tls_verify,
        certificate=settings.tls_client_certificate,
        key=settings.tls_client_key,
    )


def agent_settings(settings: Settings, *, survives: bool = False) -> AgentSettings:
    """
    Return the settings of the pool of connections.

    :param survives: calls go on after a restart.
    """
    return of_same_names(
        AgentSettings,
        settings,
        flows=settings.sip_connections,
        survives=survives,
        reconnect=ReconnectSettings(base_delay=settings.reconnect_delay, max_delay=settings.reconnect_max_delay),
        trace=dict(settings.log_levels).get("sip_service", settings.log_level) == "debug",
    )


def ua_settings(settings: Settings, *, survives: bool = False, shared: bool = False) -> UASettings:
    """
    Return the settings of the SIP core.

    Its host name is new with each start (:rfc:`7118#section-5`), the instance-ids of its accounts are not
    (:rfc:`5626#section-4.1`): they are made of host, domain and DN.

    :param survives: calls go on after a restart, in which our Contacts have that host name: it stays.
    :param shared: other gateways may register the same accounts, each in place of the others: then the instance-ids are
        made of domain and DN alone.
    """
    node = uuid5(NAMESPACE_DNS, f"{settings.node}.{settings.domain}")
    return of_same_names(
        UASettings,
        settings,
        instance=(node if survives else uuid4()).hex[:16],
        instance_space=uuid5(NAMESPACE_DNS, settings.domain if shared else f"{settings.domain}.{gethostname()}"),
        redirect_domains=settings.domains,
        texts_from=frozenset(settings.domain.lower() if name == "local" else name for name in settings.messages_from),
    )


def gateway_settings(settings: Settings) -> GatewaySettings:
    """Return the settings of the gateway proper."""
    return of_same_names(
        GatewaySettings,
        settings,
        allowed_domains=settings.domains,
        connections=settings.sip_connections,
        accept_refer=settings.incoming_refer == "accept",
        agent_groups=tuple(AgentGroup(**asdict(group, recurse=False)) for group in settings.agent_groups),
    )


def web_settings(settings: Settings) -> WebSettings:
    """Return the settings of the HTTP surface."""
    return of_same_names(
        WebSettings,
        settings,
        session_binding=Binding(settings.session_binding),
        allowed_origins=frozenset(settings.allowed_origins),
        operator_tokens=tuple(operator_token(token) for token in settings.operator_tokens),
        descriptors=descriptor_limit(),
        sign_in_per_address=Allowance(settings.sign_in_burst_per_address, settings.sign_in_rate_per_address),
        sign_in_per_id=Allowance(settings.sign_in_burst_per_id, settings.sign_in_rate_per_id),
        ice=ice_settings(settings),
        wishes=of_same_names(PageWishes, settings),
        app_tokens=tuple(app_token(token) for token in settings.app_tokens),
        app_requests=Allowance(settings.app_burst, settings.app_rate),
    )


def app_token(token: ApplicationToken) -> AppToken:
    """Return an application's token."""
    return AppToken(token.name, bytes.fromhex(token.sha256), token.dns, may_control=token.rights == "control")


def webhook_settings(settings: Settings) -> dict[str, WebhookSettings]:
    """
    Return the webhooks, by name.

    :raises ValueError: if a secret cannot be read.
    """
    return {
        each.name: WebhookSettings(
            name=each.name, url=each.url, secret=read_secret(each.secret_file).encode("utf-8"), events=each.events
        )
        for each in settings.webhooks
    }


def operator_token(token: NamedToken) -> OperatorToken:
    """Return a named operator's token."""
    return OperatorToken(token.name, Role[token.role.upper()], bytes.fromhex(token.sha256))


def ice_settings(settings: Settings) -> IceSettings:
    """Return what pages are told about STUN and TURN."""
    return IceSettings(
        stun=settings.stun_servers, turn=settings.turn_servers, secret=settings.turn_secret, ttl=settings.turn_ttl
    )


def genesys_settings(settings: Settings) -> GenesysSettings | None:
    """Return the settings of the dialect of the vendor's pages, None when it is not wanted."""
    if not settings.genesys_dialect:
        return None
    return of_same_names(GenesysSettings, settings, "genesys_", origins=frozenset(settings.genesys_origins))
