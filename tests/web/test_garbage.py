"""
Nothing of ours is left to the collector of cycles: calls, requests, polls and connections go when they are over.

What only the collector can find makes it run long, and while it runs everybody waits (``docs/benchmark.md``). Left out
are requests that Klein routes, which are those of operators: it makes a function anew for each that knows itself.
"""

import gc
from collections import Counter
from types import FunctionType, MethodType
from typing import Any

from tests.support.farside import FarCall
from tests.support.gatewaycase import PAGE_SDP
from tests.web.genesys.dialectcase import ORIGIN, DialectCase
from tests.web.harness import Answer, Wire
from wrtcgw.capture.history import History
from wrtcgw.capture.recorder import Recorder
from wrtcgw.daemon.counting import Counting
from wrtcgw.daemon.event_recorder import EventRecorder
from wrtcgw.daemon.journal import Journal
from wrtcgw.meters.meters import Meters
from wrtcgw.web import GatewaySite

ROUNDS = 80
"""Of thirteen calls each."""


class Connection(Wire):
    """A connection that, like one of the reactor's, forgets its producer when it is lost."""

    def lose(self) -> None:
        """Lose it."""
        super().lose()
        self.transport.producer = None


class Garbage(DialectCase):
    """Calls of every kind, with the collector off."""

    checks_store = False

    def setUp(self) -> None:
        super().setUp()
        recorder = Recorder(self.clock.seconds, self.clock.seconds, on=True, calls=20, size=1_000_000)
        history = History(20)
        clock = self.clock.seconds
        EventRecorder(self.core, recorder, history, clock, clock).subscribe_to(self.gateway.events)
        Counting(Meters(), clock, clock).subscribe_to(self.gateway.events)
        Journal().subscribe_to(self.gateway.events)
        self.site = GatewaySite(self.surface, reactor=self.clock)
        self.tokens: dict[str, str] = {}
        self.connection = Connection(self.site)

    def rest(self, method: str, path: str, body: str = "", seconds: float = 0.3, **fields: str) -> tuple[int, str]:
        """Send a request by the page's connection, let time pass, and return status and body."""
        agent = path.partition("=")[2].partition("&")[0]
        if agent in self.tokens:
            fields.setdefault("X_WRTC_Session", self.tokens[agent])
        self.connection.send(method, f"/api/webrtc/{path}", body.encode(), **fields)
        self.run_for(seconds)
        answer = self.connection.answer()
        self.tokens[agent] = answer.headers.get("x-wrtc-session", self.tokens.get(agent, ""))
        return answer.code, answer.text

    def ask(self, method: str, path: str, seconds: float = 0.2, **more: Any) -> Answer:
        """Send a request of a page of the Genesys dialect, by a connection of its own and not by treq's."""
        wire = Connection(self.site)
        headers = {"Origin": ORIGIN, **more.get("headers", {})}
        fields = {name.replace("-", "_"): value for name, value in headers.items()}
        wire.send(method, path, more.get("data", b""), **fields)
        self.run_for(seconds)
        wire.lose()
        return wire.answer()

    def enter(self, dn: str) -> None:
        """Sign an agent in whose id is that of its DN."""
        code, _ = self.rest("GET", f"sign_in?id=a{dn}&dn={dn}&password={self.passwords[dn]}")
        self.assertEqual(code, 200)

    def listen(self, path: str) -> Connection:
        """Open a connection that hangs: a poll or a stream."""
        wire = Connection(self.site)
        wire.get(f"/api/webrtc/{path}", X_WRTC_Session=self.tokens[path.partition("=")[2].partition("&")[0]])
        return wire

    def call(self, to: str = "1003") -> FarCall:
        """Place a call."""
        self.assertEqual(self.rest("POST", f"message?from=a5001&to={to}", PAGE_SDP, Content_Type="text/plain")[0], 200)
        return self.far.calls[-1]

    def up(self) -> FarCall:
        """Place a call that is answered, and whose messages are taken by a poll that hangs."""
        poll = self.listen("message?id=a5001&wait=20")
        far = self.call()
        far.answer()
        self.run_for(0.5)
        self.assertEqual(poll.answer().code, 200)
        poll.lose()
        return far

    def over(self, code: int = 200) -> None:
        """Hang up, and take what there is to take."""
        self.assertEqual(self.rest("POST", "hangup?id=a5001", seconds=1)[0], code)
        while self.rest("GET", "message?id=a5001", Accept="application/json")[0] == 200:
            pass

    def outgoing(self) -> None:
        """Place calls that are answered, refused, given up, held, transferred."""
        self.up()
        self.over()
        self.call().refuse(486)
        self.run_for()
        self.over(404)
        self.call().ring()
        self.run_for()
        self.over()
        far = self.up()
        for verb in ("hold", "resume"):
            self.connection.send("POST", f"/api/webrtc/{verb}?id=a5001", X_WRTC_Session=self.tokens["a5001"])
            self.run_for()
            far.answer()
            self.run_for()
            self.assertEqual(self.connection.answer().code, 200)
        far.reinvite(far.sdp.replace("sendrecv", "sendonly"))
        self.run_for()
        self.assertEqual(self.rest("POST", "dtmf?id=a5001&digits=1", seconds=1)[0], 200)
        self.over()
        far = self.up()
        self.assertEqual(self.rest("POST", "transfer?id=a5001&to=1004", seconds=1)[0], 200)
        far.notify("refer", "terminated;reason=noresource", "SIP/2.0 200 OK")
        self.run_for(2)
        self.over(404)

    def incoming(self) -> None:
        """Take calls, reject them, let callers give up."""
        stream = self.listen("events?id=a5001")
        far = self.far.call("5001")
        self.run_for()
        self.assertEqual(self.rest("POST", "message?from=a5001", PAGE_SDP, Content_Type="text/plain")[0], 200)
        far.bye()
        self.run_for()
        self.far.call("5001")
        self.run_for()
        self.assertEqual(self.rest("POST", "reject?id=a5001")[0], 200)
        far = self.far.call("5001")
        self.run_for()
        far.cancel()
        self.run_for(1)
        self.assertIn(b"SHUTDOWN", stream.received)
        stream.lose()

    def abandoned(self) -> None:
        """Break polls and streams off, send what is refused or is no request, lose the proxy."""
        for path in ("message?id=a5001&wait=20", "events?id=a5001"):
            wire = self.listen(path)
            self.run_for()
            wire.lose()
        wire = self.listen("message?id=a5001&wait=1")
        self.run_for(2)
        self.assertEqual(wire.answer().code, 204)
        wire.lose()
        for path in ("health", "webrtc/message?id=nobody", "webrtc/sign_in?id=x&dn=5002&password=wrong"):
            wire = Connection(self.site)
            wire.get(f"/api/{path}")
            self.run_for(0.5)
            self.assertEqual(len(wire.answers()), 1)
            wire.lose()
        for raw in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"nonsense\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n",
        ):
            wire = Connection(self.site)
            wire.raw(raw)
            self.run_for(0.1)
            wire.lose()
        self.up()
        self.gateway.disconnected(0)
        self.run_for()
        self.gateway.connected(0)
        self.run_for(1)
        self.far.calls[-1].answer()
        self.run_for()
        self.over()

    def vendor(self) -> None:
        """Let a page of the Genesys dialect call, and leave."""
        page = self.page("5003")
        far = page.call_up()
        far.bye()
        self.run_for(1)
        wire = Connection(self.site)
        wire.get(f"/wait?id={page.ssid}")
        self.run_for()
        wire.lose()
        self.get(f"/sign_out?id={page.ssid}", 1)

    def test_no_cycles(self) -> None:
        """A thousand calls of every kind leave nothing to the collector."""
        self.enter("5001")
        self.round()
        gc.collect()
        gc.disable()
        self.addCleanup(gc.enable)
        for _ in range(ROUNDS):
            self.round()
        self.assertEqual(garbage(), {})

    def round(self) -> None:
        """Do all of it once."""
        self.outgoing()
        self.incoming()
        self.abandoned()
        self.vendor()
        self.enter("5002")
        self.assertEqual(self.rest("GET", "sign_out?id=a5002", seconds=1)[0], 200)
        self.run_for(40)
        self.connection.lose()
        self.connection = Connection(self.site)
        self.far.calls.clear()
        self.events.clear()


def garbage() -> dict[str, int]:
    """Return what only the collector finds, by type."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        found = list(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    return dict(Counter(map(described, found)))


def described(item: object) -> str:
    """Return what kind of thing it is."""
    if isinstance(item, FunctionType | MethodType):
        return f"{item.__module__}.{item.__qualname__}"
    if isinstance(item, dict):
        return f"dict of {', '.join(sorted(map(str, item))[:4])}"
    return f"{type(item).__module__}.{type(item).__qualname__}"
