"""A TCP relay between the gateway and its proxy that can turn into a black hole."""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.internet.interfaces import IAddress, IListeningPort, IReactorTCP, ITCPTransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure


class Relay:
    """
    Carries TCP connections on to a port of loopback, until told to swallow what they carry.

    As a black hole it keeps connections open and takes new ones, but nothing comes out, not even the end of one. All
    of it comes out when the hole closes, as TCP's own repetition would bring it.
    """

    def __init__(self, reactor: IReactorTCP, target: int) -> None:
        self._reactor = reactor
        self._target = HostnameEndpoint(reactor, "127.0.0.1", target)
        self._listening: IListeningPort | None = None
        self._ends: set[_End] = set()
        self._hole = False
        self._kept: list[Callable[[], None]] = []

    async def start(self) -> int:
        """Listen on loopback and return the port."""
        endpoint = TCP4ServerEndpoint(self._reactor, 0, interface="127.0.0.1")
        self._listening = await endpoint.listen(_Listener(self))
        port: int = self._listening.getHost().port  # type: ignore[union-attr]
        return port

    def swallow(self) -> None:
        """Become a black hole."""
        self._hole = True

    def forward(self) -> None:
        """Carry on, beginning with what was swallowed."""
        self._hole = False
        kept, self._kept = self._kept, []
        for action in kept:
            action()

    def cut(self) -> None:
        """Drop every connection; new ones are carried."""
        for end in tuple(self._ends):
            end.abort()

    def carry(self, action: Callable[[], None]) -> None:
        """Do it now, or when the hole closes."""
        if self._hole:
            self._kept.append(action)
        else:
            action()

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        self._kept.clear()
        self.cut()
        if self._listening is not None:
            await (self._listening.stopListening() or Deferred.fromCoroutine(_nothing()))

    def opened(self, end: "_End") -> None:
        """Note one end of a connection."""
        self._ends.add(end)

    def lost(self, end: "_End") -> None:
        """Forget it."""
        self._ends.discard(end)

    def connect(self, near: "_End") -> None:
        """Connect a client's end on to the target."""
        far = _End(self, near)
        near.peer = far
        connectProtocol(self._target, far).addErrback(lambda _: near.close())


async def _nothing() -> None:
    """Be awaited."""


class _End(Protocol):
    """One end of a carried connection; what it gets goes to its peer."""

    def __init__(self, relay: Relay, peer: "_End | None") -> None:
        self.relay = relay
        self.peer = peer
        self._link: ITCPTransport | None = None
        self._early = b""

    def connectionMade(self) -> None:
        self._link = ITCPTransport(self.transport)
        self.relay.opened(self)
        if self.peer is None:
            self.relay.connect(self)
        self.write(b"")

    def dataReceived(self, data: bytes) -> None:
        peer = self.peer
        if peer is not None:
            self.relay.carry(lambda: peer.write(data))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._link = None
        self.relay.lost(self)
        if self.peer is not None:
            self.relay.carry(self.peer.close)

    def write(self, data: bytes) -> None:
        """Send, or keep until connected."""
        self._early += data
        if self._link is not None:
            self._link.write(self._early)
            self._early = b""

    def close(self) -> None:
        """Close when all is sent."""
        if self._link is not None:
            self._link.loseConnection()

    def abort(self) -> None:
        """Close now."""
        if self._link is not None:
            self._link.abortConnection()


class _Listener(Factory[_End]):
    """Makes the ends towards the gateway."""

    noisy = False

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def buildProtocol(self, addr: IAddress | None) -> _End:
        return _End(self._relay, None)
