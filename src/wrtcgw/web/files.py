"""The pages that come with the gateway, and what is nobody's: all that is below no API."""

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from twisted.web.resource import IResource, getChildForRequest
from twisted.web.server import NOT_DONE_YET

from wrtcgw.web.chain import Dialect, Policy
from wrtcgw.web.errors import NoSuchResource
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.operators import Operators
from wrtcgw.web.origins import Origins, shared_with
from wrtcgw.web.routes import Tell, is_utf8

CONSOLE = b"ops"
"""The first segment of the operators' console."""
DOCUMENTATION = b"api/docs"
"""The page that shows the API: the only one that is below another one's first segment."""


def files(pages: Mapping[bytes, IResource], operators: Operators, origins: Origins, *, body_limit: int) -> Dialect:
    """
    Return what serves files.

    :param pages: trees of resources by the first segment of their paths; ``b""`` is the root.
    """

    def trust(request: IncomingRequest) -> None:
        if _tree(request) == CONSOLE:
            operators.require_way_in(request)

    def serve(request: IncomingRequest, tell: Tell) -> int:
        page = pages.get(_tree(request))
        path = unquote_to_bytes(request.path)
        if (
            page is None or b"\0" in path or not is_utf8(path)
        ):  # no name of a file: File would raise, or log a traceback
            raise NoSuchResource(request.path.decode("utf-8" if page is None else "ascii", "replace"))
        response = request.response
        assert response.prepath is not None and response.postpath
        for _ in _tree(request).split(b"/"):
            response.prepath.append(response.postpath.pop(0))
        response.render(getChildForRequest(page, response))
        return NOT_DONE_YET

    policy = Policy(name="files", body_limit=body_limit, origins=shared_with(origins), trust=trust, headers=())
    return Dialect(policy=policy, serves=lambda path: True, serve=serve, allowed=lambda path: ("GET", "HEAD"))


def is_documentation(path: bytes) -> bool:
    """Return whether a path is that of the page that shows the API, or below it."""
    return (path + b"/").startswith(b"/" + DOCUMENTATION + b"/")


def _tree(request: IncomingRequest) -> bytes:
    """Return by which name the tree is known that a path is in."""
    return DOCUMENTATION if is_documentation(request.path) else request.path[1:].partition(b"/")[0]
