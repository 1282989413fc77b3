"""The HTTP surface as a whole: its dialects, and what the process wants of them together."""

import re
from collections.abc import Callable, Mapping

from attrs import define, field
from twisted.web.resource import IResource

from wrtcgw.events.stream import EventStream
from wrtcgw.web.addresses import Addresses
from wrtcgw.web.api import RestAPI
from wrtcgw.web.app.applications import Applications
from wrtcgw.web.audit import Audit
from wrtcgw.web.chain import Chain
from wrtcgw.web.connection_limits import ConnectionLimits
from wrtcgw.web.feed import Feed
from wrtcgw.web.genesys import GenesysDialect
from wrtcgw.web.metrics import Scrapers
from wrtcgw.web.operators import Operators
from wrtcgw.web.origins import Origins
from wrtcgw.web.root_resource import RootResource
from wrtcgw.web.settings import WebSettings
from wrtcgw.web.signin import SignInService
from wrtcgw.web.tokens import IdentityParts, TokenSignIn

_VARIABLE = re.compile("<[^>]+>")


@define(kw_only=True, eq=False)
class HTTPSurface:
    """
    All that is served over HTTP; ``wrtcgw.daemon.composition`` puts it together.

    :ivar chains: one for each dialect, in the order in which they are asked for a path.
    :ivar genesys: the Genesys dialect; None: there is none.
    :ivar timeouts: seconds for the head of a request, and for its body.
    :ivar closing: what ends the requests that hang.
    """

    addresses: Addresses
    origins: Origins
    operators: Operators
    scrapers: Scrapers
    audit: Audit
    connections: ConnectionLimits
    events: EventStream
    sign_in_service: SignInService
    tokens: TokenSignIn
    applications: Applications
    feed: Feed
    rest: RestAPI
    chains: tuple[Chain, ...]
    genesys: GenesysDialect | None
    count_hanging: Callable[[], tuple[int, int]]
    closing: tuple[Callable[[], None], ...]
    timeouts: tuple[float, float] = (0.0, 0.0)
    _routes: dict[bytes, str] = field(init=False)
    """Those without variable parts."""
    _patterns: list[tuple[re.Pattern[bytes], str]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Look at the routes."""
        routes = [route.path for chain in self.chains for route in chain.dialect.routes.all]
        self._routes = {path.encode("ascii"): path for path in routes if "<" not in path}
        self._patterns = [
            (re.compile(_VARIABLE.sub("[^/]+", path).encode("ascii")), path) for path in routes if "<" in path
        ]

    def route_of(self, path: bytes) -> str:
        """Return the route of a path, as it was declared, or else the name of the dialect that serves it."""
        known = self._routes.get(path)
        return self._named(path) if known is None else known

    def _named(self, path: bytes) -> str:
        for pattern, route in self._patterns:
            if pattern.fullmatch(path):
                return route
        return next(chain.dialect.policy.name for chain in self.chains if chain.dialect.serves(path))

    def resource(self) -> IResource:
        """Return the root resource."""
        return RootResource(self.addresses, self.chains)

    @property
    def largest_body(self) -> int:
        """Return the bytes of the longest body that any dialect takes."""
        return max(chain.dialect.policy.body_limit for chain in self.chains)

    @property
    def hanging(self) -> tuple[int, int]:
        """Return how many polls hang, in all dialects, and how many streams are open."""
        return self.count_hanging()

    def objects(self) -> Mapping[str, int]:
        """Return how many objects of each kind there are."""
        return {"sessions": self.sign_in_service.session_count, "http_connections": len(self.connections)}

    def reconfigure(self, settings: WebSettings) -> None:
        """Take over the settings that can change while agents are signed in: whom the surface trusts, ICE servers."""
        self.addresses.trust(settings.trusted_proxies)
        self.origins.allow(settings.allowed_origins)
        self.operators.configure(settings.operator_token, settings.operator_tokens, loopback=settings.operator_loopback)
        self.applications.configure(settings.app_tokens, settings.app_requests)
        self.sign_in_service.configure(settings)
        self.audit.on = settings.audit_log
        self.scrapers.networks = settings.metrics_allow
        self.rest.ice_settings = settings.ice
        self.rest.wishes = settings.wishes
        self.connections.per_address = settings.connections_per_address
        self.timeouts = settings.header_timeout, settings.body_timeout

    def identify(self, identity: IdentityParts | None) -> None:
        """Let tokens be judged otherwise from now on."""
        self.tokens.parts = identity

    def close(self) -> None:
        """End what hangs: the gateway stops."""
        for close in self.closing:
            close()
