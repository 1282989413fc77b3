"""
The way of every request, whatever its dialect: an ordered list of steps, each asking the dialect's policy.

A step may respond, which ends the way, or refuse by raising. What each one is for, and why they stand in this order, is
in ``docs/architecture.md``; how to add a dialect, in ``docs/development.md``.
"""

from collections.abc import Callable
from typing import Protocol

from attrs import field, frozen
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET, Request

from wrtcgw.errors import GatewayError
from wrtcgw.web.audit import Audit
from wrtcgw.web.errors import write_error, write_unexpected
from wrtcgw.web.headers import put
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.routes import Routes, Tell

HeaderField = tuple[bytes, bytes]
"""The name is written as Twisted writes it: ``Content-Type``."""
SERVER: HeaderField = (b"Server", b"wrtcgw")


class OriginPolicy(Protocol):
    """Pages of which origins may call, and read what is responded."""

    def share(self, request: IncomingRequest) -> None:
        """Let an allowed page read the response, whatever it will be (CORS)."""

    def preflight(self, request: IncomingRequest) -> int:
        """Respond to OPTIONS."""

    def check(self, request: IncomingRequest) -> None:
        """
        Refuse the request of a foreign page.

        :raises ForeignOrigin: then.
        """


class ErrorForm(Protocol):
    """How a dialect words errors; each sets the response up, and returns its body."""

    def refusal(self, response: Request, error: GatewayError) -> bytes:
        """Tell why a request is refused."""

    def incident(self, response: Request, failure: Failure) -> bytes:
        """Log what nobody foresaw, and tell no more than an incident id."""


class JSONErrors:
    """Errors as ``{"error", "code"}``."""

    def refusal(self, response: Request, error: GatewayError) -> bytes:
        """Tell why a request is refused."""
        return write_error(response, error)

    def incident(self, response: Request, failure: Failure) -> bytes:
        """Log what nobody foresaw, and tell no more than an incident id."""
        return write_unexpected(response, failure)


Arrival = Callable[[IncomingRequest], "Deferred[None] | None"]
"""Returns what fires when the agent of a request is here, who may be another gateway's; None when nobody comes."""


def nobody_comes(request: IncomingRequest) -> None:
    """Stand for :data:`Arrival` where requests are not those of an agent's page."""


def no_trust(request: IncomingRequest) -> None:
    """Ask for nothing: what is served is for everybody, or judged by what only its handler knows."""


@frozen(kw_only=True)
class Policy:
    """
    How one dialect wants its requests treated.

    :ivar name: for lists and tests.
    :ivar body_limit: bytes.
    :ivar trust: refuses who may not ask, as far as the request itself tells; whose session it shows is asked by the
        handler, which knows where the agent is named.
    :ivar headers: header fields of each response.
    """

    name: str
    body_limit: int
    origins: OriginPolicy
    trust: Callable[[IncomingRequest], object] = no_trust
    errors: ErrorForm = field(factory=JSONErrors)
    headers: tuple[HeaderField, ...] = ((b"Cache-Control", b"no-store"),)


@frozen(kw_only=True)
class Dialect:
    """
    One way to talk to the gateway over HTTP.

    :ivar serves: which paths are its own; the first dialect that says so gets the request.
    :ivar serve: the last step; :meth:`Routes.serve` but for files.
    :ivar allowed: which methods a path has, where its routes do not tell.
    :ivar arrival: lets the agent come here first whose page asks.
    """

    policy: Policy
    serves: Callable[[bytes], bool]
    serve: Callable[[IncomingRequest, Tell], bytes | int]
    routes: Routes = field(factory=Routes)
    allowed: Callable[[bytes], tuple[str, ...]] | None = None
    arrival: Arrival = nobody_comes

    def methods(self, path: bytes) -> bytes:
        """Return what ``Allow`` says of a path (:rfc:`9110#section-10.2.1`)."""
        found = self.routes.allowed(path) if self.allowed is None else self.allowed(path)
        return ", ".join((*found, "OPTIONS")).encode("ascii")


def share(request: IncomingRequest, policy: Policy) -> None:
    """Give the response its header fields: all that follows, refusals too, can be read by who may read it."""
    headers = request.response.responseHeaders
    put(headers, (SERVER, *policy.headers))
    policy.origins.share(request)


def limit(request: IncomingRequest, policy: Policy) -> None:
    """Read the body, and refuse one that is too long, or compressed."""
    request.take_body(policy.body_limit)


def judge_origin(request: IncomingRequest, policy: Policy) -> int | None:
    """Answer a browser that asks first; refuse what a foreign page sends."""
    if request.method == b"OPTIONS":
        return policy.origins.preflight(request)
    policy.origins.check(request)
    return None


def trust(request: IncomingRequest, policy: Policy) -> None:
    """Refuse who may not ask."""
    policy.trust(request)


STEPS: tuple[Callable[[IncomingRequest, Policy], int | None], ...] = (share, limit, judge_origin, trust)
"""What comes before a dialect's own handler."""


@frozen
class Chain:
    """The steps for one dialect; what any of them raises, or its handler, at once or later, ends in :meth:`tell`."""

    dialect: Dialect
    _audit: Audit

    def serve(self, request: IncomingRequest) -> bytes | int:
        """Take a request through all steps."""
        dialect = self.dialect
        if request.method == b"OPTIONS":
            request.allow = dialect.methods(request.path)
        try:
            for step in STEPS:
                answer = step(request, dialect.policy)
                if answer is not None:
                    return answer
            coming = dialect.arrival(request)
        except GatewayError as error:
            return self._refuse(request, error)
        except Exception:  # the last line of defence: logged, and told with an incident id
            return dialect.policy.errors.incident(request.response, Failure())
        return self._serve(request) if coming is None else self._serve_later(request, coming)

    def _serve_later(self, request: IncomingRequest, coming: "Deferred[None]") -> int:
        """Serve a request when its agent has come; one whose page has gone meanwhile is not served."""
        response = request.response
        gone: list[Failure] = []

        def arrived(result: Failure | None) -> None:
            if gone:
                return
            answer = self._serve(request) if result is None else self.tell(request, result)
            if isinstance(answer, bytes):
                response.write(answer)
                response.finish()

        response.notifyFinish().addErrback(gone.append)
        coming.addBoth(arrived)
        return NOT_DONE_YET

    def _serve(self, request: IncomingRequest) -> bytes | int:
        dialect = self.dialect
        try:
            return dialect.serve(request, self.tell)
        except GatewayError as error:
            return self._refuse(request, error)
        except Exception:  # the last line of defence: logged, and told with an incident id
            return dialect.policy.errors.incident(request.response, Failure())

    def tell(self, request: IncomingRequest, failure: Failure) -> bytes:
        """Set the response up to tell a failure in the dialect's form, and return its body."""
        error = failure.value
        if isinstance(error, GatewayError):
            # the frames of its traceback know the failure, which knows the traceback
            error.__traceback__ = None
            failure.cleanFailure()
            return self._refuse(request, error)
        return self.dialect.policy.errors.incident(request.response, failure)

    def _refuse(self, request: IncomingRequest, error: GatewayError) -> bytes:
        self._audit.refused(error, request.client, path=request.path.decode("ascii", "replace"))
        return self.dialect.policy.errors.refusal(request.response, error)
