"""
INVITE floods through one WebSocket at a real gateway, while other agents work: ``python -m tests.security.flood``.

Tells how long the other agents wait (a request of a page, an incoming call until its 180, an outgoing call until its
answer is at the page), and how much CPU time an INVITE of the flood costs. On Linux with two processors or more the
gateway has the first one to itself, and this program the second one. Nothing but loopback is used.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha1
from urllib.parse import quote

import treq
from attrs import define, field
from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.internet.task import LoopingCall, deferLater, react
from twisted.python.failure import Failure
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers

PROJECT = pathlib.Path(__file__).parent.parent.parent
OFFER, ANSWER = (
    ("\r\n".join((PROJECT / "tests" / "data" / "sdp" / name).read_text().splitlines()) + "\r\n").encode()
    for name in ("chromium-gathered.sdp", "asterisk-answer.sdp")
)
DOMAIN = b"flood.invalid"
INVITE = b"\r\n".join(
    (
        b"INVITE sip:%(dn)b@flood.invalid;transport=ws SIP/2.0",
        b"Via: SIP/2.0/WS far.invalid;branch=z9hG4bK%(name)b",
        b"Max-Forwards: 69",
        b"Record-Route: <sip:127.0.0.1;transport=ws;lr;ftag=%(tag)b>",
        b'From: "Caller %(caller)b" <sip:%(caller)b@flood.invalid>;tag=%(tag)b',
        b"To: <sip:%(dn)b@flood.invalid>",
        b"Call-ID: %(name)b@far.invalid",
        b"CSeq: 1 INVITE",
        b"Contact: <sip:%(caller)b@192.0.2.1:5060>",
        b"Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, OPTIONS, INFO, UPDATE",
        b"Supported: 100rel, timer, replaces, norefersub",
        b"Session-Expires: 1800",
        b"Min-SE: 90",
        b"P-Asserted-Identity: <sip:%(caller)b@flood.invalid>",
        b"User-Agent: flood",
        b"Content-Type: application/sdp",
        b"Content-Length: %d" % len(OFFER),
        b"",
        OFFER,
    )
)
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PING, PONG = 9, 10
RINGING, REFUSED = 180, 300
PASSWORD = "flood"
STEP = 0.005
"""Seconds between two bursts of the flood."""
LIMIT = 20.0
"""Seconds in which the gateway has to be there."""
PAUSE = 0.1
"""Seconds between two turns of an agent who works."""
SHAPES = ("caller", "callers", "agents", "unknown")


@define(eq=False)
class Figures:
    """What was measured: seconds, by what."""

    took: dict[str, list[float]] = field(factory=dict)
    responses: dict[int, int] = field(factory=dict)

    def note(self, what: str, seconds: float) -> None:
        """Keep one."""
        self.took.setdefault(what, []).append(seconds)

    def lines(self) -> Iterator[str]:
        """Iterate over the lines of a report."""
        for what, each in sorted(self.took.items()):
            cuts = statistics.quantiles(each, n=100) if len(each) > 1 else each * 99
            p50, p99, worst = (1000 * number for number in (cuts[49], cuts[98], max(each)))
            yield f"{what:28} {len(each):6} times   p50 {p50:7.1f}   p99 {p99:7.1f}   max {worst:7.1f} ms"


def field_of(message: bytes, name: bytes) -> bytes:
    """Return the value of a header field that the gateway, or we, have written: in full and in one line."""
    start = message.find(b"\r\n" + name + b": ") + len(name) + 4
    return message[start : message.find(b"\r\n", start)]


class Frames(Protocol):
    """A WebSocket server's end that does as little as it can: the gateway, not this program, is to be measured."""

    def __init__(self, proxy: "Proxy") -> None:
        self.proxy = proxy
        self.buffer = b""
        self.open = False

    def dataReceived(self, data: bytes) -> None:
        """Take bytes of the gateway."""
        self.buffer += data
        if not self.open:
            self._shake()
        while self.open and self._frame():
            pass

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Say so: a flood that ends the connection is a fault."""
        if self.open:
            self.proxy.lost += 1

    def send(self, message: bytes) -> None:
        """Send one message as a text frame."""
        size = len(message)
        head = bytes((0x81, size)) if size < 126 else bytes((0x81, 126)) + size.to_bytes(2, "big")
        self._write(head + message)

    def _write(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)

    def _shake(self) -> None:
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return
        found = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
        accept = b64encode(sha1((found[1] if found else b"") + GUID).digest())
        self._write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.buffer, self.open = rest, True
        self.proxy.connected(self)

    def _frame(self) -> bool:
        """Take one whole frame; the gateway neither fragments nor sends more than 64 kB."""
        buffer = self.buffer
        if len(buffer) < 6:
            return False
        size, start = buffer[1] & 127, 2
        if size == 126:
            size, start = int.from_bytes(buffer[2:4], "big"), 4
        end = start + 4 + size
        if len(buffer) < end:
            return False
        mask = buffer[start : start + 4] * (size // 4 + 1)
        plain = int.from_bytes(buffer[start + 4 : end], "big") ^ int.from_bytes(mask[:size], "big")
        message, self.buffer = plain.to_bytes(size, "big"), buffer[end:]
        opcode = buffer[0] & 15
        if opcode == PING:
            self._write(bytes((0x80 | PONG, size)) + message)
        elif opcode < PING - 1 and message.strip():
            self.proxy.take(message)
        return True


class Proxy:
    """The far side: takes registrations, answers calls, and floods."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures
        self.frames: Frames | None = None
        self.ready: Deferred[None] = Deferred()
        self.asked: dict[bytes, float] = {}
        self.count = self.lost = 0

    def connected(self, frames: Frames) -> None:
        """Have the gateway's connection."""
        self.frames = frames
        if not self.ready.called:
            self.ready.callback(None)

    def give_up(self) -> None:
        """Say that no gateway has come."""
        if not self.ready.called:
            self.ready.errback(RuntimeError("the gateway does not connect; FLOOD_LOG=1 shows its log"))

    def send(self, message: bytes) -> None:
        """Send one message."""
        if self.frames is not None:
            self.frames.send(message)

    def take(self, message: bytes) -> None:
        """Take one message of the gateway."""
        if message.startswith(b"SIP/2.0 "):
            self._response(int(message[8:11]), message)
            return
        method = message[: message.find(b" ")]
        if method == b"REGISTER":
            self._answer(message, b"Contact: " + field_of(message, b"Contact") + b";expires=600")
        elif method == b"INVITE":
            self._answer(message, b"Contact: <sip:far@" + DOMAIN + b";transport=ws>", ANSWER)
        elif method != b"ACK":
            self._answer(message)

    def _answer(self, request: bytes, field: bytes = b"User-Agent: flood", body: bytes = b"") -> None:
        kept = [name + b": " + field_of(request, name) for name in (b"Via", b"From", b"Call-ID", b"CSeq")]
        to = field_of(request, b"To")
        tag = b"" if b";tag=" in to else b";tag=far"
        content = [b"Content-Type: application/sdp"] if body else []
        length = b"Content-Length: %d" % len(body)
        self.send(b"\r\n".join((b"SIP/2.0 200 OK", *kept, b"To: " + to + tag, field, *content, length, b"", body)))

    def invite(self, dn: str, caller: str, *, kept: bool = False) -> None:
        """Send an INVITE; one that is ``kept`` is measured, and taken back when it rings."""
        self.count += 1
        name = b"%s-%d" % (b"kept" if kept else b"flood", self.count)
        if kept:
            self.asked[name] = time.monotonic()
        self.send(INVITE % {b"name": name, b"dn": dn.encode(), b"caller": caller.encode(), b"tag": b"%d" % self.count})

    def _response(self, status: int, message: bytes) -> None:
        name = field_of(message, b"Call-ID").partition(b"@")[0]
        if not field_of(message, b"CSeq").endswith(b"INVITE"):
            return
        if name.startswith(b"flood"):
            self.figures.responses[status] = self.figures.responses.get(status, 0) + 1
        elif status == RINGING and name in self.asked:
            self.figures.note("incoming call until its 180", time.monotonic() - self.asked.pop(name))
            self._follow(b"CANCEL", message, field_of(message, b"To").partition(b";tag")[0])
        if status >= REFUSED:
            # a proxy's own, RFC 3261 section 17.1.1.3
            self._follow(b"ACK", message, field_of(message, b"To"))

    def _follow(self, method: bytes, message: bytes, to: bytes) -> None:
        kept = [name + b": " + field_of(message, name) for name in (b"Via", b"From", b"Call-ID")]
        uri = to[to.find(b"<") + 1 : to.find(b">")]
        first = method + b" " + uri + b";transport=ws SIP/2.0"
        tail = (b"To: " + to, b"CSeq: 1 " + method, b"Max-Forwards: 69", b"Content-Length: 0", b"", b"")
        self.send(b"\r\n".join((first, *kept, *tail)))


class Worker:
    """An agent who works: asks, and calls out."""

    def __init__(self, url: str, dn: str, client: HTTPClient, figures: Figures) -> None:
        self.url, self.dn, self.client, self.figures = url, dn, client, figures
        self.token = ""
        self.going = True

    async def request(self, method: str, path: str, body: bytes = b"", what: str = "") -> tuple[int, str]:
        """Send a request; note how long it took under a name."""
        begun = time.monotonic()
        headers = Headers({"Content-Type": ["application/sdp"]} if body else {})
        if self.token:
            headers.setRawHeaders("X-WRTC-Session", [self.token])
        answer = await self.client.request(method, self.url + path, headers=headers, data=body or None)
        text: str = await treq.text_content(answer)
        self.token = (answer.headers.getRawHeaders("x-wrtc-session") or [self.token])[0]
        if what:
            self.figures.note(what, time.monotonic() - begun)
        return answer.code, text

    async def sign_in(self) -> None:
        """Sign in."""
        fields = json.dumps({"id": self.dn, "dn": self.dn, "password": PASSWORD})
        answer = await self.client.post(
            f"{self.url}/api/webrtc/sign_in",
            data=fields.encode(),
            headers=Headers({"Content-Type": ["application/json"]}),
        )
        text = await treq.text_content(answer)
        if answer.code != 200:
            raise SystemExit(f"sign_in of {self.dn}: {answer.code} {text}")
        self.token = answer.headers.getRawHeaders("x-wrtc-session")[0]

    async def work(self) -> None:
        """Ask, call out, be answered, hang up; again and again."""
        me = quote(self.dn)
        while self.going:
            await self.request("GET", f"/api/webrtc/calls?id={me}", what="request of a page")
            begun = time.monotonic()
            code, _ = await self.request("POST", f"/api/webrtc/message?from={me}&to=9000", OFFER, "OFFER of a page")
            while code == 200 and self.going:
                _, text = await self.request("GET", f"/api/webrtc/message?id={me}&wait=5")
                if "m=audio" in text:
                    self.figures.note("outgoing call until its ANSWER", time.monotonic() - begun)
                    break
                if not text:
                    break
            await self.request("POST", f"/api/webrtc/hangup?id={me}")
            while self.going and (await self.request("GET", f"/api/webrtc/message?id={me}&wait=0"))[0] == 200:
                pass
            await deferLater(reactor, PAUSE, lambda: None)


class Flood:
    """One run: the agents, then the flood beside them."""

    def __init__(self, options: argparse.Namespace, proxy: Proxy, url: str, pid: int) -> None:
        self.options, self.proxy, self.url, self.pid = options, proxy, url, pid
        self.figures = proxy.figures
        client = HTTPClient(Agent(reactor, pool=HTTPConnectionPool(reactor)))
        self.workers = [Worker(url, str(7000 + number), client, self.figures) for number in range(options.workers)]
        self.flooded = [Worker(url, str(5000 + number), client, self.figures) for number in range(options.agents)]
        self.called = Worker(url, "6000", client, self.figures)

    async def run(self) -> None:
        """Measure without the flood, and with it."""
        for agent in (*self.flooded, self.called, *self.workers):
            await agent.sign_in()
        polls = [self._listen(agent) for agent in (*self.flooded, self.called)]
        for rate in (0, self.options.rate):
            await self._measure(rate)
        for agent in (*self.flooded, self.called, *self.workers):
            agent.going = False
        for poll in polls:
            poll.cancel()
        await gatherResults(polls, consumeErrors=True).addErrback(lambda _: None)

    def _listen(self, agent: Worker) -> "Deferred[None]":
        async def poll() -> None:
            while agent.going:
                code, text = await agent.request("GET", f"/api/webrtc/message?id={agent.dn}&wait=20")
                if code not in (200, 204):
                    raise SystemExit(f"the poll of {agent.dn}: {code} {text}")

        return Deferred.fromCoroutine(poll())

    async def _measure(self, rate: int) -> None:
        self.figures.took.clear()
        self.figures.responses.clear()
        for worker in self.workers:
            worker.going = True
        work = [Deferred.fromCoroutine(worker.work()) for worker in self.workers]
        calls = LoopingCall(lambda: self.proxy.invite("6000", f"9{self.proxy.count}", kept=True))
        done = calls.start(PAUSE)
        cpu, begun = cpu_seconds(self.pid), time.monotonic()
        sent = await self._send(rate)
        took, used = time.monotonic() - begun, cpu_seconds(self.pid) - cpu
        calls.stop()
        for worker in self.workers:
            worker.going = False
        await done
        for each in work:
            await each
        self._report(rate, sent, took, used)

    async def _send(self, rate: int) -> int:
        """Send the flood; return how many it were."""
        begun, sent = time.monotonic(), 0
        while (now := time.monotonic() - begun) < self.options.seconds:
            while sent < rate * now:
                self._invite(sent)
                sent += 1
            await deferLater(reactor, STEP, lambda: None)
        return sent

    def _invite(self, number: int) -> None:
        many = {"caller": "900", "callers": f"9{number:06}", "agents": f"9{number:06}", "unknown": "900"}
        dn = {"agents": str(5000 + number % len(self.flooded)), "unknown": f"4{number % 1000:03}"}
        self.proxy.invite(dn.get(self.options.shape, "5000"), many[self.options.shape])

    def _report(self, rate: int, sent: int, took: float, used: float) -> None:
        print(f"-- {rate} INVITE/s ({self.options.shape}): {sent} in {took:.1f} s, responses {self.figures.responses}")
        print(f"   CPU of the gateway {used:.2f} s = {100 * used / took:.0f} %; connections lost: {self.proxy.lost}")
        if not sent:
            self.idle = used / took
        elif answered := sum(self.figures.responses.values()):
            print(f"   CPU of an INVITE of the flood {1000 * (used - self.idle * took) / answered:.3f} ms")
        for line in self.figures.lines():
            print(f"   {line}")


def processors() -> list[int]:
    """Return the processors for the gateway and for this program, where there are enough of them."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return allowed[:2] if len(allowed) > 1 else []


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def gateway(port: int, proxy: str, *options: str) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Run a gateway; return the process and its address."""
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder, "wrtcgw.toml")
        lines = (
            f"http_port = {port}",
            f'sip_ws_servers = ["{proxy}"]',
            f'sip_domain = "{DOMAIN.decode()}"',
            "operator_loopback = true",
            "calls_per_minute = 10000",
            *options,
        )
        config.write_text("\n".join(lines))
        log = pathlib.Path(folder, "log")
        twistd = str(pathlib.Path(sys.executable).with_name("twistd"))
        bound = ["taskset", "-c", str(processors()[0])] if processors() else []
        with log.open("w") as output:
            process = subprocess.Popen(
                [*bound, twistd, "-n", "--pidfile=", "wrtcgw", "-c", str(config)],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT / "src"), str(PROJECT)])},
            )
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)
            text = log.read_text()
            print(f"log of the gateway: {len(text)} bytes; {text.count('Traceback')} tracebacks")
            if os.environ.get("FLOOD_LOG"):
                print(text)


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.flood", description=__doc__)
    parser.add_argument("--rate", type=int, default=1000, help="INVITEs a second (default 1000)")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long, without the flood and with it each")
    parser.add_argument("--shape", choices=SHAPES, default="caller", help="one caller or many, one agent, all, unknown")
    parser.add_argument("--agents", type=int, default=20, help="agents that the shape 'agents' floods (default 20)")
    parser.add_argument("--workers", type=int, default=10, help="agents that work meanwhile (default 10)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a line of wrtcgw.toml")
    parser.add_argument("--port", type=int, default=28_082, help="of the gateway; the next one is the proxy's")
    return parser.parse_args(words)


async def main(_: object, options: argparse.Namespace) -> None:
    """Run all of it."""
    proxy = Proxy(Figures())
    factory = ServerFactory()
    factory.protocol = lambda: Frames(proxy)
    listener = reactor.listenTCP(options.port + 1, factory, interface="127.0.0.1")
    with gateway(options.port, f"ws://127.0.0.1:{options.port + 1}", *options.set) as (process, url):
        if len(processors()) > 1:
            os.sched_setaffinity(0, {processors()[1]})
        reactor.callLater(LIMIT, proxy.give_up)
        await proxy.ready
        await deferLater(reactor, 1.0, lambda: None)
        await Flood(options, proxy, url, process.pid).run()
        if process.poll() is not None:
            raise SystemExit("the gateway has ended by itself")
    await maybeDeferred(listener.stopListening)


if __name__ == "__main__":
    read = arguments()
    react(lambda reactor: Deferred.fromCoroutine(main(reactor, read)))
