"""Serves the document: ``/api/openapi.json``, for everybody and for pages of any origin."""

import json
from collections.abc import Callable, Sequence

from werkzeug.exceptions import HTTPException

from wrtcgw.texts import utf8
from wrtcgw.web.chain import Dialect, Policy
from wrtcgw.web.errors import write_body
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.openapi.document import describe, described
from wrtcgw.web.openapi.operations import Operation
from wrtcgw.web.origins import Sharing
from wrtcgw.web.routes import Routes

PATH = "/api/openapi.json"


class DescriptionAPI:
    """
    Serves the description of all dialects.

    :param dialects: returns them; asked when the document is first wanted.
    :param genesys_path: what stands before the paths of the Genesys dialect; None: it is not served.
    """

    def __init__(self, dialects: Callable[[], Sequence[Dialect]], genesys_path: str | None, *, body_limit: int) -> None:
        self._dialects = dialects
        self._genesys_path = genesys_path
        self._body = b""
        routes = Routes()
        routes.add(PATH, ("GET",), self._serve, head=True)
        policy = Policy(
            name="description",
            body_limit=body_limit,
            origins=Sharing(is_allowed=lambda origin: True),
            headers=((b"cache-control", b"no-cache"),),
        )
        self.dialect = Dialect(policy=policy, serves=PATH.encode().__eq__, serve=routes.serve, routes=routes)

    def operations(self) -> list[Operation]:
        """Return what is described: each operation that a route serves."""
        dialects = self._dialects()
        return [each for each in described(self._genesys_path) if _is_served(each, dialects)]

    def _serve(self, request: IncomingRequest) -> bytes:
        if not self._body:
            self._body = utf8(json.dumps(describe(self.operations()), ensure_ascii=False)) + b"\n"
        return write_body(request.response, b"application/json", self._body)


def _is_served(operation: Operation, dialects: Sequence[Dialect]) -> bool:
    dialect = next((each for each in dialects if each.serves(operation.path.encode())), None)
    if dialect is None:
        return False
    try:
        dialect.routes.app.url_map.bind("localhost").match(operation.path, method=operation.method)
    except HTTPException:
        return False
    return True
