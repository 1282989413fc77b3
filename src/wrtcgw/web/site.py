"""The HTTP listener: bodies bounded while they come in, and no query of a request in any log."""

from collections.abc import Callable
from typing import BinaryIO

from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import IResource
from twisted.web.server import Request, Site

from wrtcgw.redact import redact_uri
from wrtcgw.web.api import GatewayAPI
from wrtcgw.web.codec import BoundedBody

IDLE_SECONDS = 75.0
"""How long a connection without a request stays open: longer than proxies keep theirs, so that they close first."""


class GatewayRequest(Request):
    """A request that can be shown."""

    def __repr__(self) -> str:
        """Return what it is about; the query of sign_in holds a password."""
        return f"<GatewayRequest {self.method!r} {self.path!r}>"


class GatewaySite(Site):
    """
    Serves a :class:`~wrtcgw.web.api.GatewayAPI`.

    :param resource: what to serve in place of all of it.
    :param access_log: told one line per response, secrets masked; None for no access log, as proxies have their own.
    """

    def __init__(
        self,
        api: GatewayAPI,
        *,
        resource: IResource | None = None,
        access_log: Callable[[str], None] | None = None,
        idle: float = IDLE_SECONDS,
        reactor: IReactorTime | None = None,
    ) -> None:
        super().__init__(
            resource or api.resource(),
            requestFactory=GatewayRequest,
            parsePOSTFormSubmission=False,
            timeout=idle,
            reactor=reactor,
        )
        self._body_limit = api.largest_body
        self.access_log = access_log

    def getContentFile(self, length: int | None) -> BinaryIO:  # noqa: N802 (Twisted asks for it by this name)
        """Return the file that takes a request's body."""
        return BoundedBody(self._body_limit)

    def log(self, request: Request) -> None:  # type: ignore[override]
        """Write a line of the access log, if there is one."""
        if self.access_log is not None:
            peer = getattr(request.client, "host", "-")
            uri = redact_uri(request.uri.decode("utf-8", "replace"))
            method = request.method.decode("ascii", "replace")
            self.access_log(f"{peer} {method} {uri} {request.code} {request.sentLength}")
