"""
The door: what holds for each request, whatever it asks for, and the short way for the hottest calls.

Klein takes about twice the time of all the rest of an HTTP request (measured with Klein 24.8: 43 µs), and 6 kB for
each one that hangs. So polls and plain descriptions, which make up nearly all requests of a busy gateway, do not pass
through it.
"""

from collections.abc import Mapping
from typing import cast
from urllib.parse import unquote_to_bytes

from twisted.python.failure import Failure
from twisted.web.resource import IResource, Resource, getChildForRequest
from twisted.web.server import NOT_DONE_YET, Request

from wrtcgw.errors import GatewayError
from wrtcgw.web.addresses import Addresses, Client
from wrtcgw.web.audit import Audit
from wrtcgw.web.codec import Input
from wrtcgw.web.errors import ForeignOrigin, NoSuchResource, WrongMethod, write_error, write_unexpected
from wrtcgw.web.genesys import GenesysDialect
from wrtcgw.web.message_endpoint import MessageEndpoint
from wrtcgw.web.operators import Operators
from wrtcgw.web.ops import OpsAPI
from wrtcgw.web.origins import Origins
from wrtcgw.web.replies import write_reply
from wrtcgw.web.softphoneapi import SoftphoneAPI

API = b"/api/"
AGENT_API = b"/api/webrtc/"
OPERATOR_API = (b"/api/agents", b"/api/calls", b"/api/ops")
CONSOLE = b"ops"
READS = (b"/api/webrtc/calls", b"/api/webrtc/ice")
"""What changes nothing; a page of another site cannot read it."""
OPS_API = b"/api/ops/"
MESSAGE = b"/api/webrtc/message"


class RootResource(Resource):
    """The root of the HTTP surface: trust first, then the page, the hot path or the routes."""

    isLeaf = True

    def __init__(
        self,
        addresses: Addresses,
        origins: Origins,
        conversation: MessageEndpoint,
        *,
        routes: IResource,
        pages: Mapping[bytes, IResource],
        body_limit: int,
        genesys: GenesysDialect | None = None,
        ops: OpsAPI | None = None,
        softphone: SoftphoneAPI | None = None,
        operators: Operators,
        audit: Audit,
    ) -> None:
        super().__init__()
        self._addresses = addresses
        self._origins = origins
        self._conversation = conversation
        self._routes = routes
        self._pages = pages
        self._body_limit = body_limit
        self._genesys = genesys
        self._ops = ops
        self._softphone = softphone
        self._operators = operators
        self._audit = audit

    def render(self, request: Request) -> bytes | int:
        """Serve a request; whatever goes wrong is told as JSON, outside the Genesys dialect."""
        if self._genesys is not None and self._genesys.serves(request.path):
            return self._genesys.render(request)
        if self._softphone is not None and self._softphone.serves(request.path):
            return self._softphone.render(request)
        try:
            return self._serve(request)
        except GatewayError as error:
            path = request.path.decode("ascii", "replace")
            self._audit.refused(error, self._addresses.client(request), path=path)
            return write_error(request, error)
        except Exception:  # the last line of defence: logged, and told with an incident id
            return write_unexpected(request, Failure())

    def _serve(self, request: Request) -> bytes | int:
        headers = request.responseHeaders
        headers.setRawHeaders(b"server", [b"wrtcgw"])
        self._origins.share(request)
        if request.method == b"OPTIONS":
            return self._origins.preflight(request)
        path = request.path
        if path.startswith(API):
            headers.setRawHeaders(b"cache-control", [b"no-store"])
            if path.startswith(AGENT_API):
                return self._serve_agent(request, path)
            if path.startswith(OPERATOR_API):
                self._operators.require(request, self._addresses.client(request))
            if self._ops is not None and path.startswith(OPS_API):
                return self._ops.render(request)
        else:
            name = path[1:].partition(b"/")[0]
            if name == CONSOLE:
                self._operators.require_way_in(request, self._addresses.client(request))
            page = self._pages.get(name)
            if page is not None:
                return self._show(request, page)
        return self._route(request)

    def _serve_agent(self, request: Request, path: bytes) -> bytes | int:
        """Serve a call of an agent's page; each of them may change something, reading a message included."""
        client = self._addresses.client(request)
        try:
            self._origins.check(request, client)
        except ForeignOrigin:
            self._origins.explain(request)
            raise
        method = request.method
        if not (method == b"GET" and path in READS):
            self._origins.check_page(request, client)
        if path == MESSAGE:
            if method == b"GET":
                return self._conversation.poll(request, client)
            if method == b"POST":
                return self._post(request, client)
            raise WrongMethod(method.decode("ascii", "replace"), ("GET", "POST", "OPTIONS"))
        if method == b"HEAD":
            raise WrongMethod("HEAD", ("GET", "POST", "OPTIONS"))
        return self._route(request)

    def _post(self, request: Request, client: Client) -> bytes | int:
        given = Input.read(request, self._body_limit)
        if given.is_json:
            return self._route(request)
        return write_reply(request, self._conversation.post(request, client, given))

    def _route(self, request: Request) -> int:
        """Go on to the routes; they decode what is encoded, which none of their paths is, and nobody has judged."""
        if b"%" in request.path or not (_is_utf8(request.path) and _is_utf8(request.getRequestHostname())):
            raise NoSuchResource(request.path.decode("ascii", "replace"))
        return cast("int", self._routes.render(request))

    def _show(self, request: Request, page: IResource) -> int:
        path = unquote_to_bytes(request.path)
        if b"\0" in path or not _is_utf8(path):  # no name of a file: File would raise, or log a traceback
            raise NoSuchResource(request.path.decode("ascii", "replace"))
        assert request.prepath is not None and request.postpath
        request.prepath.append(request.postpath.pop(0))
        request.render(getChildForRequest(page, request))
        return NOT_DONE_YET


def _is_utf8(text: bytes) -> bool:
    """Return whether Klein can read the text: otherwise it would log a traceback."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
