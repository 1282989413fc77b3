"""A tiny scripted gateway in memory, for tests of the dialect page itself: what it answers is told line by line."""

from typing import Any

from attrs import define, field
from treq.testing import RequestTraversalAgent
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from tests.support.grtcpage import GrtcPage
from tests.support.grtcversions import V34, Version
from tests.support.grtcwire import BrowserWire

GATEWAY = "http://gateway.example.org"
PAGE = "https://page.example.org"


@define(eq=False)
class Asked:
    """One request as it came."""

    method: str
    target: str
    body: str
    request: Request
    aborted: bool = False

    def reply(self, text: str = "", status: int = 200, **headers: str) -> None:
        """Answer it, with what every answer of a gateway carries."""
        usual = {
            "Content-Type": "text/plain",
            "Access-Control-Allow-Origin": self.request.getHeader("Origin") or "",
            "Access-Control-Allow-Credentials": "true",
        }
        self.request.setResponseCode(status)
        for name, value in {**usual, **{key.replace("_", "-"): value for key, value in headers.items()}}.items():
            self.request.setHeader(name, value)
        self.request.write(text.encode())
        self.request.finish()

    def lost(self, _reason: Failure) -> None:
        """Note that the page has cut the connection."""
        self.aborted = True


@define(eq=False)
class ScriptedGateway(Resource):
    """Keeps requests until the test answers them."""

    isLeaf = True
    asked: list[Asked] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        Resource.__init__(self)

    def render(self, request: Request) -> Any:
        """Keep one."""
        assert request.content is not None
        body = request.content.read().decode()
        one = Asked(request.method.decode(), request.uri.decode(), body, request)
        request.notifyFinish().addErrback(one.lost)
        self.asked.append(one)
        return NOT_DONE_YET


class PageCase(SynchronousTestCase):
    """A page and a scripted gateway, in virtual time."""

    version: Version = V34

    def setUp(self) -> None:
        self.clock = Clock()
        self.server = ScriptedGateway()
        self.agent = RequestTraversalAgent(self.server)
        self.wire = BrowserWire(self.agent, PAGE)
        self.page = self.load()

    def tearDown(self) -> None:
        self.page.vanish()
        self.agent.flush()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.flushLoggedErrors(ConnectionDone), [])

    def load(self, version: Version | None = None, **options: Any) -> GrtcPage:
        """Load the page, another version of it where one is given."""
        self.page = GrtcPage(self.wire, self.clock, GATEWAY, version or self.version, **options)
        return self.page

    def take(self, method: str, start: str) -> Asked:
        """Return the next request whose target begins so, and forget it."""
        self.agent.flush()
        for one in self.server.asked:
            if one.method == method and one.target.startswith(start):
                self.server.asked.remove(one)
                return one
        found = [(one.method, one.target) for one in self.server.asked]
        raise AssertionError(f"no {method} {start}: {found}")

    def nothing(self, method: str, start: str) -> None:
        """Assert that no such request has come."""
        self.agent.flush()
        self.assertEqual(
            [one.target for one in self.server.asked if (one.method, one.target[:5]) == (method, start[:5])], []
        )

    def answer(self, one: Asked, text: str = "", status: int = 200, **headers: str) -> None:
        """Answer a request and let the page work on it."""
        one.reply(text, status, **headers)
        self.settle()

    def settle(self, seconds: float = 0.0) -> None:
        """Let time pass, and all that it leads to happen."""
        self.agent.flush()
        self.clock.advance(seconds)
        self.agent.flush()

    def sign_in(self, ssid: str = "s1") -> None:
        """Sign the page in."""
        self.page.register("5001", "secret")
        self.answer(self.take("POST", "/sign_in"), f"id={ssid}\n")

    def tell(self, text: str, peer: str = "1003") -> None:
        """Give the hanging poll a message."""
        self.answer(self.take("GET", "/wait"), text, Pragma=peer)

    def post(self) -> Asked:
        """Return the next message of the page, answered."""
        one = self.take("POST", "/message")
        self.answer(one)
        return one
