"""Every series of the gateway proper, and from which number or table it is read; ``docs/monitoring.md`` lists them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from attrs import frozen
from prometheus_client.metrics_core import Metric

from wrtcgw.calls.agent import RegistrationState
from wrtcgw.calls.call import CallState, Direction
from wrtcgw.calls.registry import Registry
from wrtcgw.capture.history import History
from wrtcgw.capture.recorder import Recorder
from wrtcgw.daemon.exposition import counter, gauge, histogram
from wrtcgw.events.catalogue import AlarmKind
from wrtcgw.meters.meters import Meters
from wrtcgw.meters.tally import Tally
from wrtcgw.web.ops import Flow

STATES = {state: state.value.lower() for state in RegistrationState}
SHOWN = ("guest", *(word for state, word in STATES.items() if state is not RegistrationState.SIGNED_OUT))
LIVING = tuple(state for state in CallState if state is not CallState.ENDED)


class Connections(Protocol):
    """Who knows the connections to the proxies."""

    def flows(self) -> Sequence[Flow]:
        """Return them."""


class Surface(Protocol):
    """What is asked of the HTTP side."""

    @property
    def hanging(self) -> tuple[int, int]:
        """Return how many polls hang, and how many streams are open."""

    def objects(self) -> Mapping[str, int]:
        """Return how many objects of each kind there are."""


class Core(Protocol):
    """What is asked of the SIP core, and of the gateway."""

    def objects(self) -> Mapping[str, int]:
        """Return how many objects of each kind there are."""


class Operation(Protocol):
    """Who knows whether new calls are taken."""

    @property
    def draining(self) -> bool:
        """Return whether they are not."""


@frozen
class Counted:
    """The series of what is counted and measured."""

    meters: Meters

    def __call__(self) -> Iterator[Metric]:
        """Return them as they are now."""
        yield from self._calls()
        yield from self._sip()
        yield from self._pages()
        yield from self._store()
        yield from self._process()

    def _calls(self) -> Iterator[Metric]:
        calls = self.meters.calls
        yield counter("calls_begun", "Calls that came to be.", ("direction",), calls.begun)
        yield counter(
            "calls_ended",
            "Calls that are over: success, client_error (nobody there, or nobody wanted to), server_error (a fault).",
            ("direction", "result", "cause"),
            calls.ended,
        )
        yield histogram(
            "call_pdd_seconds",
            "From the INVITE of an outbound call to the first thing that the far side says (post-dial delay).",
            (),
            [((), calls.setup.buckets)],
        )
        setups = [(("outbound",), calls.answer.buckets), (("inbound",), calls.answered_here)]
        yield histogram(
            "call_setup_seconds", "From the INVITE to the answer, ringing included.", ("direction",), setups
        )
        yield histogram(
            "call_duration_seconds", "Of calls that were answered, until their end.", (), [((), calls.durations)]
        )
        yield histogram(
            "answer_delivery_seconds",
            "From the far side's answer to its delivery to the page.",
            (),
            [((), calls.delivery)],
        )
        yield counter("transfers", "Transfers that agents have ordered.", ("kind", "result"), calls.transfers)
        yield counter("calls_recovered", "Calls that went on after a failure.", ("after",), calls.recovered)
        yield counter("calls_lost", "Established calls that did not survive one.", ("after",), calls.lost)
        yield histogram("call_mos", "Mean opinion score that the page reported last.", (), [((), calls.mos)])
        yield counter("one_way_calls", "Calls with media in one direction only.", ("deaf",), calls.one_way)
        yield counter(
            "media_verdicts", "What pages say of the media of calls that are over.", ("verdict",), calls.verdicts
        )
        yield counter("silent_calls", "Calls without any media, as their page reported.", (), calls.silent)

    def _sip(self) -> Iterator[Metric]:
        sip = self.meters.sip
        yield counter("sip_messages", "SIP messages.", ("direction",), sip.messages)
        yield counter("sip_faults", "SIP messages that were malformed or out of place.", (), sip.faults)
        yield counter("sip_connection_lost", "Connections to a proxy that were lost.", ("reason",), sip.losses)
        yield counter(
            "register",
            "Outcomes of REGISTER, refreshes included; timeout: no answer, unbound: a 2xx that grants nothing.",
            ("code",),
            sip.registers,
        )
        yield histogram("register_seconds", "From REGISTER to its 2xx, challenge included.", (), [((), sip.register)])

    def _pages(self) -> Iterator[Metric]:
        pages = self.meters.pages
        yield counter("http_requests", "HTTP requests.", ("route", "method", "code"), pages.requests)
        failed = Tally.of(())
        failed.extend([((), pages.faults)])
        yield counter("internal_errors", "Requests that the gateway failed at, with 500.", (), failed)
        by_route = [((route,), buckets) for route, buckets in tuple(pages.by_route.items())]
        yield histogram("http_seconds", "HTTP requests that do not hang.", ("route",), by_route)
        yield counter("page_lost", "Pages that were not heard of any more.", (), pages.lost)
        yield counter("page_silent", "Pages that did not respond any more, by why.", ("reason",), pages.silent)
        yield counter("messages_dropped", "Messages that their page did not fetch in time.", (), pages.dropped)
        yield counter("sign_in_refused", "Sign-ins that were refused.", ("reason",), pages.refused)
        alarms, counts = Tally(), self.meters.alarms.counts
        alarms.extend(((kind.value,), counts.get(kind.value, 0)) for kind in AlarmKind)
        yield counter("alarms", "Alarms, by their word in the log.", ("alarm",), alarms)

    def _store(self) -> Iterator[Metric]:
        store = self.meters.store
        yield gauge("store_up", "1 while the store takes what is to be kept.", (), [((), float(store.up))])
        yield histogram("store_write_seconds", "How long the store took for a batch.", (), [((), store.writes)])
        yield counter("store_lost", "How often the store did not take a batch.", (), store.losses)
        yield counter("restored", "What was taken up from the store.", ("what",), store.restored)

    def _process(self) -> Iterator[Metric]:
        yield histogram("reactor_lag_seconds", "How late the event loop was, each second.", (), [((), self.meters.lag)])
        collections = [((str(number),), buckets) for number, buckets in enumerate(self.meters.collections)]
        yield histogram("gc_pause_seconds", "Pauses of the garbage collector.", ("generation",), collections)


@frozen(kw_only=True)
class Tables:
    """The series that are read from tables."""

    registry: Registry
    core: Core
    gateway: Core
    operation: Operation
    connections: Connections
    surface: Surface
    recorder: Recorder
    history: History

    def __call__(self) -> Iterator[Metric]:
        """Return them as they are now."""
        states: Counter[str] = Counter()
        listening = silent = undelivered = 0
        for agent in self.registry.agents():  # once, as there may be ten thousand
            states["guest" if agent.abilities.is_guest else STATES[agent.registration]] += 1
            listening += agent.page_alive
            silent += not agent.life.responds
            undelivered += len(agent.mailbox)
        yield gauge("agents", "Agents that are signed in.", ("state",), [((state,), states[state]) for state in SHOWN])
        yield gauge("pages_listening", "Agents of whom a poll or stream hangs.", (), [((), listening)])
        yield gauge("pages_not_responding", "Agents whose page is known to sleep.", (), [((), silent)])
        calls = Counter((call.direction, call.state) for call in self.registry.calls())
        yield gauge(
            "calls",
            "Calls that are not over; one between two agents is two.",
            ("direction", "state"),
            [
                ((direction.value, state.value.lower()), calls[direction, state])
                for direction in Direction
                for state in LIVING
            ],
        )
        up = Counter("up" if flow.up else "down" for flow in self.connections.flows())
        yield gauge(
            "sip_connections",
            "Connections to the proxies.",
            ("state",),
            [((state,), up[state]) for state in ("up", "down")],
        )
        polls, streams = self.surface.hanging
        yield gauge("http_waiting", "Requests that hang.", ("kind",), [(("poll",), polls), (("stream",), streams)])
        draining = float(self.operation.draining)
        yield gauge("draining", "1: no new calls and sign-ins are taken.", (), [((), draining)])
        yield gauge("messages_waiting", "Messages that pages have not fetched.", (), [((), undelivered)])
        yield gauge(
            "objects",
            "Objects in memory, by kind: without agents and calls all but captures go back to 0.",
            ("kind",),
            [((kind,), number) for kind, number in self._objects(agents=self.registry.agent_count)],
        )
        yield gauge("capture_bytes", "What ladders take.", (), [((), self.recorder.size)])

    def _objects(self, *, agents: int) -> Iterator[tuple[str, int]]:
        yield "agents", agents
        yield from self.gateway.objects().items()
        yield from ((f"sip_{kind}", number) for kind, number in self.core.objects().items())
        yield from self.surface.objects().items()
        yield "captured_calls", self.recorder.calls
        yield "history", len(self.history)
