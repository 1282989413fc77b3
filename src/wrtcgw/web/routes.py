"""
The routes of a dialect: Klein finds them, all of them.

Klein takes about twice the time of all the rest of an HTTP request, and some kB for each one that hangs (figures in
``docs/architecture.md``), and leaves work for the collector. So routes that are declared ``hot`` are found by their
exact path before, with the same function behind: all calls of agents' pages.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar, cast

from attrs import field, frozen
from klein import Klein
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource
from twisted.web.server import NOT_DONE_YET, Request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from zope.interface import Interface, implementer

from wrtcgw.errors import GatewayError
from wrtcgw.web.errors import NoSuchResource, WrongMethod
from wrtcgw.web.incoming import IncomingRequest

log = Logger()

T = TypeVar("T")

Answer = bytes | int | Awaitable[bytes | None]
"""The body, or ``NOT_DONE_YET`` of who writes and finishes the response, or something to wait for."""
Endpoint = Callable[..., Answer]
"""Takes the request, and by name what stands in the variable parts of its path."""
Tell = Callable[[IncomingRequest, Failure], bytes]
"""Sets a response up that tells a failure, and returns its body."""


class IPassed(Interface):
    """A request on its way through Klein."""


@implementer(IPassed)
@frozen
class Passed:
    """What Klein does not hand over: the request as it was read, and who tells failures."""

    request: IncomingRequest
    tell: Tell


@frozen
class Route:
    """One route, for lists of them."""

    path: str
    methods: tuple[str, ...]
    hot: bool


@frozen
class Methods:
    """Methods that may be used for a path, and those that a refusal names."""

    may: tuple[bytes, ...] = ()
    told: tuple[str, ...] = ()


Durable = Callable[[], "Deferred[None] | None"]
"""Returns what fires when all that has settled until now is written down; None when it is."""


def nothing_is_kept() -> None:
    """Stand for :data:`Durable` where nothing that is told promises anything."""


@frozen
class Routes:
    """The routes of one dialect; none of them responds before what it has changed is written down."""

    durable: Durable = nothing_is_kept
    app: Klein = field(factory=Klein)
    all: list[Route] = field(factory=list)
    _hot: dict[tuple[bytes, bytes], Endpoint] = field(factory=dict)
    _exact: dict[bytes, Methods] = field(factory=dict)
    """Paths whose other methods are refused before Klein."""

    def __attrs_post_init__(self) -> None:
        self.app.handle_errors(Exception)(cast(Any, _tell))

    def add(
        self,
        path: str,
        methods: Iterable[str],
        endpoint: Endpoint,
        *,
        hot: bool = False,
        head: bool = False,
        told: Iterable[str] = (),
    ) -> None:
        """
        Add a route.

        :param path: as Klein takes it: ``/a/<b>``.
        :param told: the methods that a refusal of another one names, in this order; those of Klein are in alphabetical
            order, and those of a hot path in the order in which they were added.
        :param head: whether HEAD may be used where GET may.
        :param hot: requests do not pass through Klein; only for a path without variable parts.
        """
        route = Route(path, tuple(methods), hot)

        def pass_on(response: Request, **parts: str) -> object:
            passed = response.getComponent(IPassed)
            if response.method == b"HEAD" and not head:  # which Klein lets through where GET may be used
                raise WrongMethod("HEAD", (*route.methods, "OPTIONS"))
            answer = self._held(endpoint(passed.request, **parts))
            return _finished(response) if answer is NOT_DONE_YET else answer

        self.app.route(path, methods=list(route.methods), endpoint=f"{' '.join(route.methods)} {path}")(
            cast(Any, pass_on)
        )
        self.all.append(route)
        if hot or told:
            before = self._exact.get(path.encode(), Methods())
            served = (*route.methods, "HEAD") if head else route.methods
            may = (*before.may, *(method.encode() for method in served))
            self._exact[path.encode()] = Methods(may, (*before.told, *(told or route.methods)))
        if hot:
            self._hot.update({(method.encode(), path.encode()): endpoint for method in served})

    def allowed(self, path: bytes) -> tuple[str, ...]:
        """Return the methods that may be used for a path; none where nothing is."""
        if not is_utf8(path):
            return ()
        methods = self.app.url_map.bind("localhost").allowed_methods(path.decode("utf-8"))
        return tuple(sorted(set(methods) - {"HEAD", "OPTIONS"}))

    def serve(self, request: IncomingRequest, tell: Tell) -> bytes | int:
        """
        Serve a request.

        :param tell: tells what goes wrong later, or inside Klein.
        :raises Exception: what goes wrong at once.
        """
        endpoint = self._hot.get((request.method, request.path))
        if endpoint is not None:
            answer = self._held(endpoint(request))
            return answer if isinstance(answer, bytes | int) else _later(request, answer, tell)
        self._require_method(request)
        self._require_readable(request)
        request.response.setComponent(IPassed, Passed(request, tell))
        return cast(int, cast(IResource, self.app.resource()).render(request.response))

    def _held(self, answer: Answer) -> Answer:
        """Return an answer that comes when what it promises is written down; one that is begun already goes on."""
        if isinstance(answer, int):
            return answer
        if isinstance(answer, Deferred):
            return answer.addCallback(self._hold)
        if not isinstance(answer, bytes):
            return Deferred.fromCoroutine(_awaited(answer)).addCallback(self._hold)
        waiting = self.durable()
        return answer if waiting is None else waiting.addCallback(lambda _: answer)

    def _hold(self, body: Any) -> Any:
        waiting = self.durable()
        return body if waiting is None else waiting.addCallback(lambda _: body)

    def _require_method(self, request: IncomingRequest) -> None:
        """Refuse another method for a path whose methods are known here."""
        methods = self._exact.get(request.path)
        if methods is not None and request.method not in methods.may:
            raise WrongMethod(request.method.decode("ascii", "replace"), (*methods.told, "OPTIONS"))

    def _require_readable(self, request: IncomingRequest) -> None:
        """Refuse what Klein would decode, which no path of ours needs and nobody has judged, or could not read."""
        if b"%" in request.path or not (is_utf8(request.path) and is_utf8(request.response.getRequestHostname())):
            raise NoSuchResource(request.path.decode("ascii", "replace"))


def _tell(response: IRequest, failure: Failure) -> bytes:
    """Tell what has gone wrong on the way through Klein, or behind it."""
    asked = cast("Request", response)
    passed = asked.getComponent(IPassed)
    error = failure.value
    if isinstance(error, MethodNotAllowed):
        allowed = sorted({*(error.valid_methods or ()), "OPTIONS"} - {"HEAD"})
        failure = Failure(WrongMethod(asked.method.decode("ascii", "replace"), tuple(allowed)))
    elif isinstance(error, HTTPException):
        failure = Failure(NoSuchResource(asked.path.decode("utf-8", "replace")))
    return cast(bytes, passed.tell(passed.request, failure))


def _finished(response: Request) -> "Deferred[None]":
    """Return what Klein waits for, of a response that somebody else finishes."""
    done: Deferred[None] = Deferred(lambda _: None)

    def over(_: Any) -> None:
        if not done.called:
            done.callback(None)

    response.notifyFinish().addBoth(over)
    return done


def _later(request: IncomingRequest, answer: Awaitable[bytes | None], tell: Tell) -> int:
    """Respond when there is an answer; when the connection is lost before, who makes it is cancelled."""
    response = request.response
    gone: list[Failure] = []
    work: Deferred[bytes | None] = answer if isinstance(answer, Deferred) else Deferred.fromCoroutine(_awaited(answer))

    def lost(reason: Failure) -> None:
        gone.append(reason)
        work.cancel()

    def respond(body: bytes | None) -> None:
        if not gone:
            response.write(body or b"")
            response.finish()

    response.notifyFinish().addErrback(lost)
    work.addErrback(lambda failure: None if gone else tell(request, failure)).addCallback(respond)
    return NOT_DONE_YET


async def _awaited(answer: Awaitable[bytes | None]) -> bytes | None:
    return await answer


def detached(work: Coroutine[Any, Any, T]) -> "Deferred[T]":
    """Return the outcome of work that goes on when who asked for it does not wait; a failure is then logged."""
    outcome: Deferred[T] = Deferred(lambda _: None)

    def done(result: T) -> None:
        if not outcome.called:
            outcome.callback(result)

    def failed(failure: Failure) -> None:
        if not outcome.called:
            outcome.errback(failure)
        elif not failure.check(GatewayError):
            log.failure("what was asked for over HTTP could not be done", failure)

    Deferred.fromCoroutine(work).addCallbacks(done, failed)
    return outcome


def is_utf8(text: bytes) -> bool:
    """Return whether Klein can read the text: otherwise it would log a traceback."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
