"""Which spans are made of what happens, which are kept, and how they wait for a collector."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from tests.capture.support import SDP, request, response
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.config import ConfigError, load
from wrtcgw.daemon.span_export import BATCH, FAREWELL, MOST, PAUSE, SpanExport
from wrtcgw.daemon.spans import Context, Kind, Sampler, Span, context_of, read_context
from wrtcgw.daemon.traces import AFTER_END, LONGEST, LONGEST_INVITE, PROVISIONAL, Traces
from wrtcgw.events import catalogue as events
from wrtcgw.events.stream import EventStream
from wrtcgw.sdp.description import parse

TRACE, PARENT = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331
GIVEN = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def headers_of(*traceparents: bytes) -> Headers:
    """Return the fields of a request with these."""
    return Headers({b"traceparent": list(traceparents)})


class SpanTests(SynchronousTestCase):
    """The field that carries a trace, and what decides whether it is kept."""

    def test_traceparent(self) -> None:
        """The field is read as the W3C wants it, also of a later version, and what is none counts for nothing."""
        self.assertEqual(read_context(GIVEN), Context(TRACE, PARENT))
        self.assertEqual(read_context(b" " + GIVEN.replace(b"00-", b"cc-", 1) + b"-more "), Context(TRACE, PARENT))
        self.assertEqual(read_context(str(Context(TRACE, PARENT)).encode()), Context(TRACE, PARENT))
        zero_trace, zero_span = GIVEN.replace(b"0af7651916cd43dd8448eb211c80319c", b"0" * 32), GIVEN[:36] + b"0" * 16
        for bad in (b"", b"00", GIVEN.upper(), GIVEN[:-1], b"ff" + GIVEN[2:], zero_trace, zero_span + b"-01", b"\xff"):
            self.assertIsNone(read_context(bad), bad)

    def test_one_field(self) -> None:
        """Two fields say nothing."""
        self.assertEqual(context_of(headers_of(GIVEN)), Context(TRACE, PARENT))
        self.assertIsNone(context_of(headers_of(GIVEN, GIVEN)))
        self.assertIsNone(context_of(headers_of()))
        self.assertIsNone(context_of(None))

    def test_ratio(self) -> None:
        """So many traces are kept as the ratio says; all and none too, whatever numbers a page chooses."""
        for chosen in (0, 56, 64, 118):
            numbers = [each << chosen for each in range(1024)]
            for ratio, least, most in ((0.0, 0, 0), (0.25, 210, 300), (1.0, 1024, 1024)):
                kept = sum(map(Sampler(ratio, lambda bits: 1, b"key").keeps, numbers))
                self.assertTrue(least <= kept <= most, (chosen, ratio, kept))

    def test_key(self) -> None:
        """A number is decided alike each time, and otherwise where the key is another one."""

        def kept(key: bytes) -> set[int]:
            return set(filter(Sampler(0.5, lambda bits: 1, key).keeps, range(1024)))

        one, other = kept(b"one"), kept(b"other")
        self.assertEqual(one, kept(b"one"))
        self.assertTrue(150 < len(one & other) < 350, len(one & other))


class TracesCase(SynchronousTestCase):
    """Traces of a stream, all or none of them kept; ``kept`` are the spans that have ended."""

    def setUp(self) -> None:
        self.clock, self.stream = Clock(), EventStream()
        self.kept: list[Span] = []
        self.traces = self.make(1.0)

    def make(self, ratio: float) -> Traces:
        """Return what follows the stream."""
        numbers = iter(range(1, 10_000))
        traces = Traces(
            Sampler(ratio, lambda bits: next(numbers), b"key"),
            self.kept.append,
            lambda flow: {"network.transport": "wss"},
            "redis",
            self.clock.seconds,
        )
        traces.subscribe_to(self.stream)
        return traces

    def sends(self, text: str, *, carried: bool = True) -> None:
        """Let the gateway send a SIP message."""
        self.stream.publish(events.SIPMessageSent(0, text, carried))

    def hears(self, text: str) -> None:
        """Let a SIP message come."""
        self.stream.publish(events.SIPMessageReceived(0, text))

    def asks(self, key: str, *, call_id: str = "", given: bytes = b"", dn: str = "5001") -> None:
        """Let the page of an agent ask."""
        headers = headers_of(*([given] if given else []))
        self.stream.publish(
            events.PageAsked(
                request=key,
                dn=dn,
                agent_id=f"a{dn}",
                call_id=call_id,
                method=b"POST",
                uri=b"/x",
                headers=headers,
                body=b"",
            )
        )

    def serves(self, key: str, *, route: str = "/message", code: int = 200, given: bytes = b"") -> None:
        """Let a request get its response."""
        headers = headers_of(*([given] if given else []))
        self.stream.publish(
            events.RequestServed(
                request=key, headers=headers, method=b"POST", path=b"/x", route=route, code=code, seconds=0.25
            )
        )

    def begins(self, sip_call_id: str = "sip-1") -> tuple[Agent, Call]:
        """Let an agent place a call."""
        agent = Agent(id="a5001", dn="5001", since=0.0)
        call = Call.outbound("c1", agent.id, "1003", parse(SDP), 0.0)
        agent.calls[call.id] = call
        self.stream.publish(events.CallBegan(agent, call, sip_call_id))
        return agent, call

    def rings(self) -> tuple[Agent, Call]:
        """Let a call come for an agent."""
        self.hears(request("INVITE", "sip-2"))
        agent = Agent(id="a5001", dn="5001", since=0.0)
        call = Call.inbound("c2", agent.id, "1003", parse(SDP), 0.0)
        agent.calls[call.id] = call
        self.stream.publish(events.CallBegan(agent, call, "sip-2"))
        return agent, call

    def shown(self) -> list[tuple[str, str]]:
        """Return the names of the spans that have ended, each with that of the one it belongs to."""
        names = {span.context.span: span.name for span in self.kept}
        return [(span.name, names.get(span.parent, "")) for span in self.kept]


class CallTests(TracesCase):
    """Calls, in and out."""

    def test_outbound(self) -> None:
        """The request that places a call has its INVITEs; what comes later belongs to the request that orders it."""
        self.asks("one")
        _agent, call = self.begins()
        self.sends(request("INVITE", "sip-1"))
        self.hears(response(401, "Unauthorized", "sip-1"))
        self.sends(request("ACK", "sip-1"))
        self.serves("one")
        again = request("INVITE", "sip-1").replace("K1", "K2")
        self.sends(again)
        self.hears(response(180, "Ringing", "sip-1").replace("K1", "K2"))
        self.hears(response(200, "OK", "sip-1").replace("K1", "K2"))
        self.asks("two", call_id=call.id)
        self.sends(request("BYE", "sip-1", tag="b"))
        self.hears(response(200, "OK", "sip-1", "BYE"))
        self.serves("two", route="/hangup")
        post = "POST /message"
        self.assertEqual(
            self.shown(),
            [
                *(("INVITE local", post), (post, ""), ("INVITE local", post)),
                *(("BYE local", "POST /hangup"), ("POST /hangup", post)),
            ],
        )
        self.assertEqual({span.context.trace for span in self.kept}, {1})
        self.assertEqual([name for _, name, _ in self.kept[2].events], ["SIP 180"])
        self.assertEqual(self.kept[2].attributes["sip.response.status_code"], 200)

    def test_inbound(self) -> None:
        """The INVITE that brings a call has all that becomes of it, up to the BYE of the far side."""
        _agent, call = self.rings()
        self.sends(response(180, "Ringing", "sip-2"))
        self.asks("one", call_id=call.id, given=GIVEN)
        self.sends(response(200, "OK", "sip-2"))
        self.serves("one")
        self.hears(request("BYE", "sip-2", tag="b"))
        self.sends(response(200, "OK", "sip-2", "BYE"))
        invite, post, bye = self.kept
        self.assertEqual(
            self.shown(),
            [("INVITE request", ""), ("POST /message", "INVITE request"), ("BYE request", "INVITE request")],
        )
        self.assertEqual(invite.kind, Kind.SERVER)
        self.assertEqual(post.links, (Context(TRACE, PARENT),))
        self.assertEqual({span.attributes.get("wrtcgw.call_id") for span in (invite, bye)}, {"c2"})

    def test_given(self) -> None:
        """A page's traceparent is taken up."""
        self.asks("one", given=GIVEN)
        self.begins()
        self.sends(request("INVITE", "sip-1"))
        self.hears(response(486, "Busy Here", "sip-1"))
        self.serves("one")
        invite, post = self.kept
        self.assertEqual((post.context.trace, post.parent), (TRACE, PARENT))
        self.assertEqual((invite.context.trace, invite.error), (TRACE, ""))

    def test_ordered_by_application(self) -> None:
        """A call that an application has ordered begins when its page makes an offer."""
        _agent, call = self.begins("")
        self.asks("one", call_id=call.id, given=GIVEN)
        self.stream.publish(events.CallDialled(call, "sip-1"))
        self.sends(request("INVITE", "sip-1"))
        self.hears(response(200, "OK", "sip-1"))
        self.assertEqual((self.kept[0].name, self.kept[0].context.trace), ("INVITE local", TRACE))

    def test_faults(self) -> None:
        """Faults of servers are errors, as is what never comes; busy and challenged are none."""
        self.rings()
        self.sends(response(503, "Service Unavailable", "sip-2"))
        self.serves("unknown", given=GIVEN, code=500)
        self.hears(request("OPTIONS", "sip-3").replace("K1", "K3"))
        self.sends(request("INFO", "sip-2", tag="b").replace("K1", "K4"), carried=False)
        self.clock.advance(LONGEST + 1)
        self.traces.sweep()
        self.assertEqual(
            [(span.name, span.error) for span in self.kept],
            [
                *(("INVITE request", "503"), ("POST /message", "500")),
                *(("INFO local", "not_sent"), ("OPTIONS request", "timeout")),
            ],
        )

    def test_page_gone(self) -> None:
        """A request whose page has gone is told as such."""
        self.asks("one")
        self.stream.publish(events.PageHungUp(request="one", dn="5001", agent_id="a", call_id=""))
        self.assertEqual([(span.name, span.error) for span in self.kept], [("HTTP", "cancelled")])

    def test_other_requests(self) -> None:
        """A request of nobody whom we know has a span only if it asks for one."""
        self.serves("one", route="/api/health")
        self.assertEqual(self.kept, [])
        self.serves("two", route="/api/health", given=GIVEN)
        self.assertEqual((self.kept[0].context.trace, self.kept[0].parent), (TRACE, PARENT))

    def test_delivery(self) -> None:
        """A message for the page takes from when it is queued until a poll or stream has it."""
        agent, call = self.rings()
        for kind in (MessageType.OFFER, MessageType.SHUTDOWN):
            self.stream.publish(events.MessageQueued(agent, agent.pages[0], AgentMessage(type=kind, call_id=call.id)))
        self.clock.advance(3)
        for word, how in (("SHUTDOWN", "stream"), ("", "wait"), ("OK", "poll")):
            self.stream.publish(
                events.MessageDelivered(agent=agent, call_id=call.id, how=how, kind=word, code=200, body=b"")
            )
        self.assertEqual(
            [(span.name, span.attributes["wrtcgw.delivery"], span.end - span.start) for span in self.kept],
            [("deliver SHUTDOWN", "stream", 3.0), ("deliver OFFER", "wait", 3.0)],
        )

    def test_registration(self) -> None:
        """REGISTERs belong to the sign_in that waits for them, each time; a refresh is a trace of its own."""
        register = request("REGISTER", "r").replace("<sip:1003@", "<sip:5001@")
        self.asks("in")
        for answer in (401, 200):
            self.sends(register)
            self.hears(response(answer, "x", "r", "REGISTER"))
        self.serves("in", route="/sign_in")
        self.sends(register)
        self.hears(response(200, "OK", "r", "REGISTER"))
        sign_in = "POST /sign_in"
        self.assertEqual(
            self.shown(),
            [("REGISTER local", sign_in), ("REGISTER local", sign_in), (sign_in, ""), ("REGISTER local", "")],
        )
        self.assertNotEqual(self.kept[3].context.trace, self.kept[0].context.trace)

    def test_store(self) -> None:
        """Each trace that waits for the store says how long, once, and no other one does."""
        self.asks("one")
        self.asks("other", dn="5002")
        self.begins()
        self.sends(request("INVITE", "sip-1"))
        self.clock.advance(1)
        self.stream.publish(events.StoreWrote(2, 0.5, frozenset({"5001", "9"})))
        (span,) = self.kept
        self.assertEqual((span.name, span.kind, span.start, span.end), ("write state", Kind.CLIENT, 0.5, 1.0))
        self.assertEqual((span.attributes["db.system.name"], span.attributes["db.operation.batch.size"]), ("redis", 2))

    def test_stop(self) -> None:
        """What is open when the gateway stops is told as far as it has come."""
        self.rings()
        self.traces.close()
        self.assertEqual([(span.name, span.error) for span in self.kept], [("INVITE request", "stopped")])


class KeptTests(TracesCase):
    """What is kept, for how long, and over a restart."""

    def test_none(self) -> None:
        """Of what is not kept nothing is, in no part of a call."""
        self.traces = self.make(0.0)
        self.stream = EventStream()
        self.traces.subscribe_to(self.stream)
        self.asks("one", given=GIVEN)
        _agent, call = self.begins()
        self.sends(request("INVITE", "sip-1"))
        self.hears(response(200, "OK", "sip-1"))
        self.serves("one")
        self.asks("two", call_id=call.id)
        self.sends(request("INFO", "sip-1", tag="b"))
        self.serves("two")
        self.hears(request("INVITE", "sip-9"))
        self.assertEqual(self.kept, [])

    def test_unkept_call(self) -> None:
        """No request, and no message of a call that is not kept begins a trace in its midst."""
        self.asks("two", call_id="c9")
        for method in ("INFO", "BYE", "INVITE", "ACK", "CANCEL"):
            self.hears(request(method, "sip-9", tag="b"))
            self.sends(request(method, "sip-9", tag="b"))
        self.serves("two")
        self.traces.close()
        self.assertEqual(self.kept, [])

    def test_restart(self) -> None:
        """A call goes on in its trace after a restart, or at another gateway."""
        self.asks("one", given=GIVEN)
        agent, call = self.begins()
        self.serves("one")
        data = self.traces.snapshot(agent)
        self.stream = EventStream()
        following = self.make(0.0)
        following.restore(agent, data, 0.0)
        self.stream.publish(events.CallRestored(agent, call, "sip-1", "gw1"))
        self.hears(request("BYE", "sip-1", tag="b"))
        self.sends(response(200, "OK", "sip-1", "BYE"))
        post, bye = self.kept
        self.assertEqual((bye.context.trace, bye.parent), (TRACE, post.context.span))
        self.assertIsNone(following.snapshot(Agent(id="x", dn="1", since=0.0)))
        following.restore(agent, {"c7": "nonsense"}, 0.0)

    def test_nothing_stays(self) -> None:
        """Nothing stays of what is over, was given up, or went to another gateway."""
        self.asks("one")
        _agent, call = self.begins()
        self.sends(request("INVITE", "sip-1"))
        self.serves("one")
        self.hears(request("MESSAGE", "sip-5").replace("K1", "K5"))
        self.sends(response(200, "OK", "sip-5", "MESSAGE").replace("K1", "K5"))
        other, second = self.rings()
        self.stream.publish(events.CallChanged(call, CallState.DIALLING, CallState.ENDED))
        self.stream.publish(events.AgentLetGo(other, (second,)))
        self.traces.restore(other, {"c8": GIVEN.decode("ascii")}, 0.0)  # of a call that is then not taken up
        self.clock.advance(max(LONGEST_INVITE, AFTER_END) + 1)
        self.traces.sweep()
        tables = ("_asked", "_newest", "_followed", "_calls", "_transactions", "_open", "_restored")
        self.assertEqual({name: len(getattr(self.traces, name)) for name in tables}, dict.fromkeys(tables, 0))

    def test_many_provisional(self) -> None:
        """A far side that says again and again that it rings fills no memory."""
        self.rings()
        for _ in range(PROVISIONAL + 5):
            self.sends(response(180, "Ringing", "sip-2"))
        self.sends(response(200, "OK", "sip-2"))
        self.assertEqual(len(self.kept[0].events), PROVISIONAL)

    def test_no_nonsense(self) -> None:
        """What cannot be read as SIP leaves everything as it is."""
        self.rings()
        for text in (
            "INVITE\r\n\r\n",
            "OPTIONS sip:x SIP/2.0\r\nCall-ID: n\r\n\r\n",
            "SIP/2.0 200 OK\r\nCall-ID: sip-2\r\n\r\n",
        ):
            self.hears(text)
        self.assertEqual(self.kept, [])


class ExportTests(SynchronousTestCase):
    """What waits for the collector."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.batches: list[int] = []
        self.pending: list[Deferred[str]] = []
        self.export = SpanExport(self.deliver, self.clock)
        self.export.startService()
        self.addCleanup(self.export.stopService)

    def deliver(self, batch: Sequence[Span]) -> "Deferred[str]":
        """Take a batch, and keep it until the test answers."""
        self.batches.append(len(batch))
        self.pending.append(Deferred())
        return self.pending[-1]

    def add(self, count: int) -> None:
        """Let so many spans end."""
        for _ in range(count):
            self.export.add(Span("x", Kind.CLIENT, Context(1, 2), 0, 0.0))

    def test_batches(self) -> None:
        """A batch leaves when it is full, or after a while; one at a time."""
        self.add(3)
        self.assertEqual(self.batches, [])
        self.clock.advance(PAUSE)
        self.assertEqual(self.batches, [3])
        self.add(BATCH + 1)
        self.assertEqual(self.batches, [3])
        self.pending[0].callback("")
        self.assertEqual(self.batches, [3, BATCH])
        self.pending[1].callback("it is away")
        self.assertEqual(self.batches, [3, BATCH])
        self.assertEqual(dict(self.export.numbers), {("sent",): 3, ("dropped",): 0, ("failed",): BATCH})

    def test_looked_after(self) -> None:
        """Who makes the spans is called each time, also while a batch is under way and with nothing to be sent."""
        calls: list[float] = []
        self.export.each_time = lambda: calls.append(self.clock.seconds())
        self.clock.advance(PAUSE)
        self.add(1)
        self.clock.pump([PAUSE, PAUSE])
        self.assertEqual(calls, [PAUSE, 2 * PAUSE, 3 * PAUSE])

    def test_bound(self) -> None:
        """What finds no place is dropped, and counted."""
        self.add(BATCH + MOST + 7)
        self.assertEqual(self.batches, [BATCH])
        self.assertEqual(dict(self.export.numbers)[("dropped",)], 7)

    def test_stop(self) -> None:
        """What there is leaves before the end, what the end brings too."""
        self.add(2)
        self.export.at_end = lambda: self.add(1)
        stopped = self.export.stopService()
        self.assertNoResult(stopped)
        self.pending[0].callback("")
        self.successResultOf(stopped)
        self.assertEqual(self.batches, [3])

    def test_stop_in_time(self) -> None:
        """A collector that does not answer holds nobody up for longer than that."""
        self.add(2)
        stopped = self.export.stopService()
        self.clock.advance(FAREWELL)
        self.successResultOf(stopped)


class SettingsTests(SynchronousTestCase):
    """What the settings say."""

    def test_values(self) -> None:
        """An endpoint is a whole URL without user and password, a ratio at most 1, a header field has a value."""
        good = {"WRTCGW_SIP_WS_SERVERS": "ws://x", "WRTCGW_TRACES_HEADERS": "X-Token: a, B: c d"}
        settings, _ = load(None, good)
        self.assertEqual((settings.traces_endpoint, settings.traces_ratio), ("", 0.01))
        self.assertEqual(settings.traces_headers, (("X-Token", "a"), ("B", "c d")))
        for name, value in (
            *(("ENDPOINT", "http://a:b@c/v1/traces"), ("ENDPOINT", "ftp://c/"), ("ENDPOINT", "collector:4318")),
            *(("ENDPOINT", "http://c/?x=1"), ("ENDPOINT", "http://c:0/")),
            *(
                ("RATIO", "1.1"),
                ("RATIO", "-0.1"),
                ("HEADERS", "X-Token"),
                ("HEADERS", "X Token: a"),
                ("HEADERS", "A:"),
            ),
        ):
            faults = self.assertRaises(ConfigError, load, None, {**good, f"WRTCGW_TRACES_{name}": value})
            self.assertIn(f"traces_{name.lower()}", str(faults))
