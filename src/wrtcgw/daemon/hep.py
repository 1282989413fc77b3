"""
Sends what passes on the SIP connections to a Homer server, by HEP 3, without its secrets.

It never waits for the server and keeps little for it: a datagram goes or does not; over TCP so many bytes wait for a
connection or a slow server, and what comes beyond that is dropped, and counted.
"""

import re
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from ipaddress import ip_address
from typing import Protocol as Interface
from typing import cast

from prometheus_client.metrics_core import Metric
from twisted.application.internet import ClientService
from twisted.application.service import MultiService, Service
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import MessageLengthError
from twisted.internet.interfaces import (
    IAddress,
    IConsumer,
    IListeningPort,
    IPushProducer,
    IReactorCore,
    IReactorTCP,
    IReactorTime,
    IReactorUDP,
    IStreamClientEndpoint,
    ITransport,
    IUDPTransport,
)
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from wrtcgw.capture.exports import exported
from wrtcgw.capture.hep import Agent, End, packet
from wrtcgw.capture.recorder import call_id_of
from wrtcgw.config import Settings
from wrtcgw.config.kinds import HEPTarget
from wrtcgw.daemon.exposition import Exposition, counter
from wrtcgw.events.catalogue import SIPMessageReceived, SIPMessageSent
from wrtcgw.events.stream import EventStream
from wrtcgw.meters.tally import Tally
from wrtcgw.sip_service import UserAgentService
from wrtcgw.transport.flow import Flow

log = Logger()

WAITING = 1_048_576
"""Bytes that wait for a TCP connection, or for a server that reads slowly."""
REMEMBERED = 10_000
"""So many Call-IDs are known with their X-Genesys-CallUUID."""
LARGEST_RECEIVED = 512
"""Bytes of what the server may answer, which nobody reads."""
RESOLVE_SECONDS = 60.0
"""So often the name of a server that takes datagrams is looked up, in case it has moved."""
NOWHERE = End(ip_address("0.0.0.0"), 0)
"""Stands for an address that is not known."""

_UUID = re.compile(r"\r\nX-Genesys-CallUUID[ \t]*:[ \t]*([^\r\n]{1,128})", re.IGNORECASE)


class Parts(Interface):
    """What runs with the gateway, and what is asked at each scrape."""

    @property
    def running(self) -> MultiService:
        """Return what runs."""

    @property
    def exposition(self) -> Exposition:
        """Return what writes the metrics."""


class Line(Interface):
    """What takes packets."""

    def send(self, data: bytes) -> bool:
        """Send a packet, or keep it to be sent; return False when it had to be dropped."""


class DatagramLine(Service):
    """Sends datagrams; a name is looked up for its IPv4 address, now and then."""

    def __init__(self, reactor: IReactorUDP, target: HEPTarget) -> None:
        self._reactor = reactor
        self._target = target
        self._address = ""
        self._port: IListeningPort | None = None
        self._resolving = LoopingCall(self._resolve)
        self._resolving.clock = cast(IReactorTime, reactor)

    def startService(self) -> None:
        """Find the server."""
        super().startService()
        interface = "::" if ":" in self._target.host else ""
        self._port = self._reactor.listenUDP(0, DatagramProtocol(), interface, LARGEST_RECEIVED)
        self._resolving.start(RESOLVE_SECONDS)

    def stopService(self) -> "Deferred[object]":
        """Stop sending."""
        super().stopService()
        self._resolving.stop()
        port, self._port = self._port, None
        return maybeDeferred(port.stopListening) if port is not None else succeed(None)

    def send(self, data: bytes) -> bool:
        """Send a datagram: the kernel takes it or does not."""
        if self._port is None or not self._address:
            return False
        try:
            cast(IUDPTransport, self._port).write(data, (self._address, self._target.port))
        except (OSError, MessageLengthError):  # no buffer, no way, or too long
            return False
        return True

    def _resolve(self) -> None:
        if isIPAddress(self._target.host) or isIPv6Address(self._target.host):
            self._address = self._target.host
            return
        found = maybeDeferred(cast(IReactorCore, self._reactor).resolve, self._target.host)
        found.addCallbacks(self._found, self._not_found)

    def _found(self, address: str) -> None:
        self._address = address

    def _not_found(self, failure: Failure) -> None:
        log.warn("hep_target: {host} cannot be found: {why}", host=self._target.host, why=failure.getErrorMessage())


class Waiting:
    """Packets in their order, within a bound."""

    def __init__(self) -> None:
        self._packets: deque[bytes] = deque()
        self._size = 0

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._packets)

    def add(self, data: bytes) -> bool:
        """Keep a packet; return False when there is no place."""
        if self._size + len(data) > WAITING:
            return False
        self._packets.append(data)
        self._size += len(data)
        return True

    def take(self) -> bytes:
        """Return the next one."""
        data = self._packets.popleft()
        self._size -= len(data)
        return data


@implementer(IPushProducer)
class StreamLine(Protocol):
    """Sends over TCP; made anew for each connection by :class:`StreamService`."""

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._goes = True

    @property
    def takes(self) -> bool:
        """Return whether it is open, and the server reads."""
        return bool(self.connected) and self._goes

    def connectionMade(self) -> None:
        """Send what has waited."""
        cast(IConsumer, self.transport).registerProducer(self, True)
        self.resumeProducing()

    def pauseProducing(self) -> None:
        """Send no more: the server reads slowly."""
        self._goes = False

    def resumeProducing(self) -> None:
        """Go on."""
        self._goes = True
        transport = cast(ITransport, self.transport)
        while self._goes and self._waiting:
            transport.write(self._waiting.take())

    def stopProducing(self) -> None:
        """Stop: the connection is lost."""
        self._goes = False


class StreamService(ClientService):
    """Keeps a connection, and what waits for it."""

    def __init__(self, endpoint: IStreamClientEndpoint, clock: IReactorTime | None = None) -> None:
        self._waiting = Waiting()
        self._line: StreamLine | None = None
        super().__init__(endpoint, Factory.forProtocol(self._new), clock=cast("None", clock))

    def send(self, data: bytes) -> bool:
        """Send a packet, or keep it while there is place."""
        kept = self._waiting.add(data)
        if self._line is not None and self._line.takes:
            self._line.resumeProducing()
        return kept

    def _new(self) -> StreamLine:
        self._line = StreamLine(self._waiting)
        return self._line


class HEPSender:
    """
    Makes packets of what passes.

    :param line: takes them.
    :param ends: returns our end and the proxy's of a connection.
    :param show_data: tells whether the data that users attach may be shown.
    :param wall: seconds since the epoch.
    """

    def __init__(
        self,
        line: Line,
        agent: Agent,
        ends: Callable[[int], tuple[End, End]],
        show_data: Callable[[], bool],
        wall: Callable[[], float],
    ) -> None:
        self.numbers = Tally.of(("sent",), ("dropped",))
        self._line = line
        self._agent = agent
        self._ends = ends
        self._show_data = show_data
        self._wall = wall
        self._uuids: OrderedDict[str, str] = OrderedDict()

    def subscribe_to(self, stream: EventStream) -> None:
        """Listen from now on."""
        stream.subscribe(SIPMessageSent, self._sent)
        stream.subscribe(SIPMessageReceived, lambda event: self._send(event.flow, event.text, received=True))

    def series(self) -> Iterator[Metric]:
        """Return what Prometheus is told."""
        yield counter("hep_packets", "Packets for Homer.", ("result",), self.numbers)

    def _sent(self, event: SIPMessageSent) -> None:
        if event.carried:
            self._send(event.flow, event.text, received=False)

    def _send(self, flow: int, text: str, *, received: bool) -> None:
        here, there = self._ends(flow)
        data = packet(
            self._agent,
            there if received else here,
            here if received else there,
            microseconds=round(self._wall() * 1_000_000),
            correlation=self._correlation(text),
            payload=exported(text, show_data=self._show_data()),
        )
        self.numbers.add("sent" if self._line.send(data) else "dropped")

    def _correlation(self, text: str) -> str:
        """Return X-Genesys-CallUUID, which a call's legs share, once a message of the dialog had it; else Call-ID."""
        call_id = call_id_of(text)
        found = _UUID.search(text)
        if found is not None:
            self._uuids[call_id] = found[1].strip()
            while len(self._uuids) > REMEMBERED:
                self._uuids.popitem(last=False)
        return self._uuids.get(call_id, call_id)


def end_of(address: IAddress | None) -> End:
    """Return an address as the protocol has it."""
    host, port = getattr(address, "host", ""), getattr(address, "port", 0)
    if not isinstance(host, str) or not (isIPAddress(host) or isIPv6Address(host)):
        return NOWHERE
    return End(ip_address(host.partition("%")[0]), port)


def ends_of(flows: Sequence[Flow], flow: int) -> tuple[End, End]:
    """Return our end and the proxy's of a connection."""
    transport = flows[flow].transport
    return (NOWHERE, NOWHERE) if transport is None else (end_of(transport.getHost()), end_of(transport.getPeer()))


def line_to(reactor: IReactorTCP, target: HEPTarget) -> DatagramLine | StreamService:
    """Return what sends to a server; it is a service."""
    if target.protocol == "udp":
        return DatagramLine(cast(IReactorUDP, reactor), target)
    return StreamService(HostnameEndpoint(reactor, target.host, target.port), cast(IReactorTime, reactor))


def homer(reactor: IReactorTCP, settings: Settings, agent: UserAgentService, events: EventStream, parts: Parts) -> None:
    """Send to the server of the settings, if there is one, as long as the parts run."""
    if settings.hep_target is None:
        return
    line = line_to(reactor, settings.hep_target)
    sender = HEPSender(
        line,
        Agent(number=settings.hep_id, name=settings.node, password=settings.hep_password),
        partial(ends_of, agent.flows),
        lambda: agent.trace_data,
        time.time,
    )
    sender.subscribe_to(events)
    line.setServiceParent(parts.running)
    parts.exposition.add(sender.series)
