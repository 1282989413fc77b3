"""The root of the HTTP surface: which dialect a request is for."""

from collections.abc import Sequence

from twisted.web.resource import Resource
from twisted.web.server import Request

from wrtcgw.web.addresses import Addresses
from wrtcgw.web.chain import Chain
from wrtcgw.web.incoming import IncomingRequest


class RootResource(Resource):
    """
    Reads each request, once, and sends it through the chain of its dialect.

    :param chains: the first whose dialect serves a path has it; the last one must serve any.
    """

    isLeaf = True

    def __init__(self, addresses: Addresses, chains: Sequence[Chain]) -> None:
        super().__init__()
        self._addresses = addresses
        self.chains = tuple(chains)

    def render(self, request: Request) -> bytes | int:
        """Serve a request."""
        path = request.path
        for chain in self.chains:
            if chain.dialect.serves(path):
                return chain.serve(IncomingRequest(request, self._addresses))
        raise AssertionError("the last dialect serves any path")
