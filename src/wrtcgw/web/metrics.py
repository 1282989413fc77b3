"""``/metrics``: who may read it, and how it is served."""

from collections.abc import Callable
from ipaddress import ip_address

from attrs import define

from wrtcgw.web.chain import Dialect, Policy
from wrtcgw.web.errors import OperatorTokenRequired, write_body
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.operators import Operators
from wrtcgw.web.origins import Origins, shared_with
from wrtcgw.web.routes import Routes
from wrtcgw.web.settings import Network

PATH = "/metrics"

Write = Callable[[str], tuple[bytes, bytes]]
"""Takes the Accept field, and returns the media type and the body."""


@define(eq=False)
class Scrapers:
    """
    Who may read ``/metrics``: operators, and who asks directly from one of the networks.

    :ivar networks: the setting ``metrics_allow``.
    """

    _operators: Operators
    networks: tuple[Network, ...]

    def require(self, request: IncomingRequest) -> None:
        """
        Refuse all others.

        :raises OperatorTokenRequired: then.
        """
        client = request.client
        if client.reliable and not client.proxied and not request.bearer:
            address = ip_address(client.address)
            if any(address in network for network in self.networks):
                return
        try:
            self._operators.require(request)
        except OperatorTokenRequired as error:
            raise OperatorTokenRequired(f"{error.why}; or name this address in metrics_allow") from error


def metrics_dialect(write: Write, scrapers: Scrapers, origins: Origins, *, body_limit: int) -> Dialect:
    """Return what serves ``/metrics``."""

    def serve(request: IncomingRequest) -> bytes:
        media_type, body = write((request.header(b"accept") or b"").decode("latin-1"))
        return write_body(request.response, media_type, body)

    routes = Routes()
    routes.add(PATH, ("GET",), serve, told=("GET",))
    policy = Policy(name="metrics", body_limit=body_limit, origins=shared_with(origins), trust=scrapers.require)
    path = PATH.encode("ascii")
    return Dialect(policy=policy, serves=lambda asked: asked == path, serve=routes.serve, routes=routes)
