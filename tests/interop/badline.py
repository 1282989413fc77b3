"""
A line that loses, delays and shuffles: a UDP relay between a page's media and the telephone system's.

The kernel's own means (``tc netem``, in a namespace of the network) need a module that not every machine has. This
needs nothing: the page's descriptions are changed so that each side knows only the relay (:data:`THROUGH_LINE`), and
ICE, DTLS and RTP go through it. What happens to packets may be changed while a call is up.
"""

import heapq
import random
import selectors
import socket
import threading
import time
from contextlib import suppress

from attrs import define, evolve, field, frozen

THROUGH_LINE = """({ host, front, back }) => {
    const line = (port) => `a=candidate:1 1 udp 2130706431 ${host} ${port} typ host\\r\\n`;
    const through = (sdp, port) => sdp.replace(/^a=(candidate|end-of-candidates).*\\r?\\n/gm, "") + line(port);
    const real = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
        const isAudio = /^m=audio/m.test(sdp ?? "");
        return real.call(this, isAudio ? { type, sdp: through(sdp, front) } : { type, sdp });
    };
    window.throughLine = (sdp) => through(sdp, back); // for Phone's option `shape`
}"""
"""Script of a page, before its phone is made: all calls of the phone go through the line."""
LARGEST = 65536
RTP = range(128, 192)
"""The first octet of RTP and RTCP (:rfc:`7983#section-7`)."""


@frozen(kw_only=True)
class Impairment:
    """
    What happens to packets of one direction; delays in seconds.

    :ivar loss: how many of them are lost, from 0 to 1; only of RTP, so that a call comes about.
    :ivar jitter: up to so much is added to the delay, at random for each packet.
    :ivar deaf: no RTP comes through, but ICE and DTLS do.
    :ivar blocked: nothing comes through.
    """

    loss: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    deaf: bool = False
    blocked: bool = False

    def fate(self, packet: bytes, chance: random.Random) -> float | None:
        """Return by how much a packet is late; None for one that is lost."""
        is_rtp = bool(packet) and packet[0] in RTP
        if self.blocked or (is_rtp and (self.deaf or chance.random() < self.loss)):
            return None
        return self.delay + (chance.random() * self.jitter if is_rtp else 0.0)


GOOD = Impairment()


@define(eq=False)
class BadLine:
    """
    The relay, in a thread of its own.

    :ivar up: what happens to what the page sends.
    :ivar down: what happens to what it is sent.
    """

    host: str
    seed: int = 1
    up: Impairment = GOOD
    down: Impairment = GOOD
    _front: socket.socket = field(init=False)
    _back: socket.socket = field(init=False)
    _page: tuple[str, int] | None = None
    _pbx: tuple[str, int] | None = None
    _due: list[tuple[float, int, socket.socket, tuple[str, int], bytes]] = field(factory=list)
    _count: int = 0
    _open: bool = True
    _chance: random.Random = field(init=False)
    _thread: threading.Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Open both ends and begin."""
        self._front, self._back = (self._socket() for _ in range(2))
        self._chance = random.Random(self.seed)
        self._thread = threading.Thread(target=self._run, name="bad line", daemon=True)
        self._thread.start()

    def _socket(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((self.host, 0))
        made.setblocking(False)
        return made

    @property
    def ends(self) -> dict[str, object]:
        """What :data:`THROUGH_LINE` takes."""
        return {"host": self.host, "front": self._front.getsockname()[1], "back": self._back.getsockname()[1]}

    def both(self, **changes: object) -> None:
        """Let the same happen in both directions; without anything the line is good again."""
        self.up = self.down = evolve(GOOD, **changes)  # type: ignore[arg-type]

    def close(self) -> None:
        """End it."""
        self._open = False
        self._thread.join(2.0)

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector, self._front, self._back:
            for each in (self._front, self._back):
                selector.register(each, selectors.EVENT_READ)
            while self._open:
                wait = max(0.0, min(0.05, self._due[0][0] - time.monotonic())) if self._due else 0.05
                for key, _ in selector.select(wait):
                    self._read(key.fileobj)  # type: ignore[arg-type]
                while self._due and self._due[0][0] <= time.monotonic():
                    _, _, out, address, packet = heapq.heappop(self._due)
                    self._send(out, address, packet)

    def _read(self, end: socket.socket) -> None:
        try:
            packet, source = end.recvfrom(LARGEST)
        except OSError:  # nothing there, or an ICMP error of what was sent before
            return
        if end is self._front:
            self._page, out, target, impairment = source, self._back, self._pbx, self.up
        else:
            self._pbx, out, target, impairment = source, self._front, self._page, self.down
        late = impairment.fate(packet, self._chance)
        if target is None or late is None:
            return
        if late:
            self._count += 1
            heapq.heappush(self._due, (time.monotonic() + late, self._count, out, target, packet))
        else:
            self._send(out, target, packet)

    def _send(self, out: socket.socket, address: tuple[str, int], packet: bytes) -> None:
        with suppress(OSError):  # the far end is gone
            out.sendto(packet, address)
