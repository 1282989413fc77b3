"""What outsiders can make the gateway remember: ladders and history, measured in memory that is really taken."""

import gc
import tracemalloc
from collections import Counter, deque
from types import FunctionType, ModuleType

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from tests.capture.support import recorder, request
from tests.support.gatewaycase import GatewayCase
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState
from wrtcgw.capture.history import History
from wrtcgw.capture.recorder import Recorder
from wrtcgw.daemon.event_recorder import LONGEST, EventRecorder
from wrtcgw.events.catalogue import CallBegan, CallChanged
from wrtcgw.events.stream import EventStream
from wrtcgw.gateway.budgets import CallBudget
from wrtcgw.sdp.description import parse

LIMIT = 2_000_000
PASSED_BY = (type, ModuleType, FunctionType, CallBudget)


class Ladders(SynchronousTestCase):
    """``capture_bytes`` against many, huge and wide messages."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.recorder: Recorder = recorder(self.clock, calls=50, size=LIMIT)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)

    def check(self) -> None:
        """Check what is counted, and what is taken."""
        taken, _ = tracemalloc.get_traced_memory()
        self.assertLessEqual(self.recorder.size, LIMIT)
        self.assertLess(taken, 2 * LIMIT)

    def test_huge_calls(self) -> None:
        """Calls with bodies of 45 kB, one after the other and all at a time."""
        for number in range(300):
            call = f"huge-{number}"
            self.recorder.sip(0, request("INVITE", call, body=f"{number}" * 15_000), sent=False)
            self.recorder.opened(call, "5001", call)
            if number % 2:
                self.recorder.closed(call, "ended")
        self.check()

    def test_one_call(self) -> None:
        """A thousand messages inside one call."""
        self.recorder.sip(0, request("INVITE", "one"), sent=False)
        self.recorder.opened("one", "5001", "one")
        for number in range(1_000):
            self.recorder.sip(0, request("INFO", "one", tag="b", body=f"{number:05}" * 2_000), sent=False)
        self.check()

    def test_wide_characters(self) -> None:
        """One character outside the usual planes makes a text four times as large, and counts so."""
        for number in range(300):
            body = "\N{PILE OF POO}" + f"{number:05}" * 5_000
            self.recorder.sip(0, request("INVITE", f"wide-{number}", body=body), sent=False)
            self.recorder.opened(f"wide-{number}", "5001", f"wide-{number}")
        self.check()

    def test_strays(self) -> None:
        """INVITEs for nobody, and texts for any number of DNs."""
        for number in range(3_000):
            method = ("INVITE", "MESSAGE")[number % 2]
            self.recorder.sip(0, request(method, f"s{number}", to=f"9{number}", body=f"{number}" * 2_000), sent=False)
        self.check()

    def test_requests(self) -> None:
        """Requests of a page with header fields of 16 kB."""
        for number in range(1_000):
            headers = Headers({b"user-agent": [b"%05d" % number * 3_200]})
            asked = self.recorder.asked("5001", "a", b"POST", b"/api/webrtc/message?from=a", headers, b"x" * 100)
            self.recorder.answered(asked, 200, Headers(), b"OK")
        self.check()


class Past(SynchronousTestCase):
    """The history of calls."""

    def test_long_words(self) -> None:
        """Of what callers say of themselves, and of reasons, so much is kept as a list can show."""
        clock = Clock()
        history = History(10)
        event_recorder = EventRecorder(StandInCore(), recorder(clock), history, clock.seconds, clock.seconds)  # type: ignore[arg-type]
        stream = EventStream()
        event_recorder.subscribe_to(stream)
        agent = Agent(id="a", dn="5001", since=0.0)
        for number in range(30):
            call = Call.outbound(f"c{number}", "a", "x" * 9_000, parse("v=0"), 0.0)
            call.display_name = call.uuid = call.reason = "y" * 9_000
            stream.publish(CallBegan(agent, call, "sip"))
            stream.publish(CallChanged(call, CallState.DIALLING, CallState.ENDED))
        self.assertEqual(len(history), 10)
        for record in history:
            for text in (record.peer, record.display_name, record.uuid, record.reason):
                self.assertEqual(len(text), LONGEST)
        self.assertEqual(event_recorder._begun, {})


class StandInCore:
    """Knows the Call-ID of each call."""

    def sip_call_id(self, leg: str) -> str:
        """Return it."""
        return f"sip-{leg}"


class Comers(GatewayCase):
    """People who come, call and go, each of whom the gateway has never seen before."""

    def come_and_go(self, first: int, count: int) -> None:
        """Let agents sign in, place a call, be called and refuse, and sign out; then guests call."""
        for number in range(first, first + count):
            dn = str(6000 + number)
            self.passwords[dn] = "secret"
            agent = self.sign_in(f"agent-{dn}", dn)
            _, far = self.outbound(agent)
            far.bye()
            call, _ = self.inbound(agent)
            self.done(self.gateway.reject(agent.id, call.id))
            self.done(self.gateway.sign_out(agent.id))
            guest = self.done(self.gateway.sign_in_guest(f"guest-{number}"))
            _, far = self.outbound(guest)
            far.bye()
            self.run_for()
            self.done(self.gateway.sign_out(guest.id))
        self.run_for(7200)

    def test_strangers(self) -> None:
        """Twice as many strangers leave no more behind than so many; the budgets of a day have a bound of their own."""
        self.start(guest_mode="unregistered", guest_destinations=("*",))
        self.come_and_go(0, 10)
        before = kept(self.core, self.gateway, self.registry)
        self.come_and_go(10, 10)
        after = kept(self.core, self.gateway, self.registry)
        self.assertEqual({kind: count - before[kind] for kind, count in after.items() if count > before[kind]}, {})


def kept(*roots: object) -> Counter[str]:
    """Return how much is reachable: items of containers, by the container's type, and objects of ours, by theirs."""
    found: Counter[str] = Counter()
    seen: set[int] = set()
    waiting: list[object] = list(roots)
    while waiting:
        item = waiting.pop()
        module = type(item).__module__
        if id(item) in seen or isinstance(item, PASSED_BY) or module.startswith("tests."):
            continue
        seen.add(id(item))
        if isinstance(item, dict | list | set | deque):
            found[type(item).__name__] += len(item)
        elif module.startswith("wrtcgw."):
            found[type(item).__name__] += 1
        waiting += gc.get_referents(item)
    return found
