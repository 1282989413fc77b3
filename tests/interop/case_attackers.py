"""
Attackers with the tools that they use: sipvicious looks for something to call, SIPp sends what no phone would.

Everything is on loopback, bounded in number and time.
"""

import pathlib
import re
import subprocess
import tempfile
from urllib.parse import urlsplit

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorThreads, IReactorUDP
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.threads import deferToThread
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.interop.base import InteropCase
from tests.interop.desk import Desk
from tests.interop.gateway import Gateway
from tests.interop.plainpbx import PlainPBX
from tests.interop.processes import free_ports
from tests.interop.servers import kamailio

SCRIPTS = pathlib.Path(__file__).parent / "data" / "sipp"
TELLING = re.compile("kamailio|asterisk|wrtcgw|twisted|python", re.IGNORECASE)
LIMIT = 60


def run(*command: str) -> str:
    """Run a tool to its end, and return all that it printed."""
    done = subprocess.run(command, capture_output=True, timeout=LIMIT, check=False, text=True, errors="replace")
    return done.stdout + done.stderr


class Relay(DatagramProtocol):
    """Lets a tool that knows UDP only talk over a WebSocket; one message at a time, since the tool waits as well."""

    def __init__(self, url: str) -> None:
        self._socket = connect(url, subprotocols=[Subprotocol("sip")], compression=None)
        self._tool = ("127.0.0.1", 0)
        self._threads = IReactorThreads(reactor)
        self._threads.callInThread(self._listen)

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:  # noqa: N802 (Twisted's name)
        """Pass a request on."""
        self._tool = addr
        self._socket.send(datagram.decode("latin-1"))

    def _listen(self) -> None:
        for message in self._socket:
            self._threads.callFromThread(self._answer, message)

    def _answer(self, message: str | bytes) -> None:
        if self.transport is not None:
            self.transport.write(message.encode() if isinstance(message, str) else message, self._tool)

    def close(self) -> None:
        """End the connection, and with it the thread."""
        self._socket.close()


class Scanners(InteropCase):
    """What sipvicious learns of the installation that ``conf/`` describes."""

    async def scan(self, tool: str, port: int, *options: str) -> str:
        """Run one of its tools against a port of loopback."""
        return await deferToThread(run, tool, *options, "-b", "127.0.0.1", "-x", "127.0.0.1", f"-p{port}", "127.0.0.1")

    async def test_map(self) -> None:
        """What svmap learns is that something speaks SIP at the proxy's port, not what; the gateway has none."""
        found = await self.scan("svmap", self.environment.ports.kamailio_sip)
        self.assertIn(f"127.0.0.1:{self.environment.ports.kamailio_sip}", found)
        self.assertIsNone(TELLING.search(found), found)
        port = urlsplit(self.gateway().url).port or 0
        self.assertNotIn(f"127.0.0.1:{port}", await self.scan("svmap", port))

    async def test_extensions(self) -> None:
        """By no method svwar finds an agent: a stranger hears the same of one that is signed in as of any number."""
        desk = await self.agent(5001)
        for method in ("REGISTER", "OPTIONS", "INVITE"):
            for force in ((), ("--force",)):
                found = await self.scan(
                    "svwar", self.environment.ports.kamailio_sip, "-m", method, "-e5001-5003,9001-9003", *force
                )
                self.assertIn("found nothing", found)
        self.assertEqual(await desk.calls(), [])

    async def test_extensions_over_websocket(self) -> None:
        """Nor does it over a WebSocket, where the PBX asks everybody for a password."""
        desk = await self.agent(5001)
        (port,) = free_ports(1)
        relay = Relay(f"ws://127.0.0.1:{self.environment.ports.kamailio_ws}")
        listening = IReactorUDP(reactor).listenUDP(port, relay, "127.0.0.1", 65_536)
        try:
            for method in ("REGISTER", "OPTIONS", "INVITE"):
                found = await self.scan("svwar", port, "-m", method, "-e5001-5003,9001-9003", "--force")
                self.assertIn("found nothing", found)
        finally:
            relay.close()
            await maybeDeferred(listening.stopListening)
        self.assertEqual(await desk.calls(), [])


class Trunk(InteropCase):
    """Whoever speaks from the PBX's address reaches agents through the proxy: a PBX that was taken over, or a trunk."""

    timeout = 240

    async def attacked(self) -> tuple[Gateway, Desk]:
        """Return a gateway with an agent whose registrar has gone, and whose place SIPp takes."""
        self.pbx, sip, ws, wss = free_ports(4)
        self.sip = sip
        ports = evolve(
            self.environment.ports, asterisk_sip=self.pbx, kamailio_sip=sip, kamailio_ws=ws, kamailio_wss=wss
        )
        folder = pathlib.Path(tempfile.mkdtemp(prefix="attacked-", dir=self.environment.folder))
        server = kamailio(folder / "kamailio", ports, self.environment.certificates)
        await deferToThread(self.environment.run, server)
        self.addCleanup(deferToThread, server.stop)
        registrar = PlainPBX(IReactorUDP(reactor), self.pbx, sip)
        try:
            gateway = await self.own_gateway(f"attacked-{self.pbx}", f"ws://127.0.0.1:{ws}")
            desk = await self.agent(5001, gateway)
            self.agent_uri, self.path = registrar.binding
        finally:
            await registrar.stop()
        return gateway, desk

    async def sipp(self, script: str, calls: int, rate: int, *more: str) -> str:
        """Run a scenario; return what it says at the end."""
        options = {
            "-sf": str(SCRIPTS / script),
            "-i": "127.0.0.1",
            "-p": str(self.pbx),
            "-m": str(calls),
            "-r": str(rate),
            "-timeout": "40",
            "-recv_timeout": "5000",
            "-timeout_error": "",
        }
        keys = ("-key", "agent", self.agent_uri, "-key", "path", self.path[0])
        flat = [part for pair in options.items() for part in pair if part]
        return await deferToThread(
            run,
            "sipp",
            f"127.0.0.1:{self.sip}",
            *flat,
            *keys,
            "-nostdin",
            "-trace_err",
            "-error_file",
            "/dev/stderr",
            *more,
        )

    async def unharmed(self, gateway: Gateway, desk: Desk) -> None:
        """Check that nothing is left of an attack: no call, no fault of ours, and the next caller rings."""
        self.assertEqual((await desk.browser.get("/api/health")).code, 200)
        while await desk.calls():
            await self.pause(0.2)
        log = gateway.server.log.read_text(errors="replace")
        self.assertNotIn("Traceback", log)
        self.assertNotIn("incident", log)
        one = self.sipp("flood.xml", 1, 1)
        told = Deferred.fromCoroutine(one)
        await desk.expect("OFFER")
        self.assertIn("Successful call", await told)

    async def test_flood(self) -> None:
        """A thousand calls of one caller, two hundred a second: all are refused or given up, others are served."""
        gateway, desk = await self.attacked()
        flood = Deferred.fromCoroutine(self.sipp("flood.xml", 1000, 200))
        while not flood.called:
            self.assertEqual((await desk.browser.get("/api/health")).code, 200)
            await self.pause(0.2)
        said = await flood
        self.assertEqual(counted(said), (1000, 0), said)
        await self.unharmed(gateway, desk)

    async def test_disorder(self) -> None:
        """Requests without a dialog, and those of a dialog in an order that is none, are refused by their codes."""
        gateway, desk = await self.attacked()
        said = await self.sipp("disorder.xml", 3, 1)
        self.assertEqual(counted(said), (3, 0), said)
        await self.unharmed(gateway, desk)

    async def test_malformed(self) -> None:
        """INVITEs with a line that is none, wrong or too much ring or are refused, and hurt nobody."""
        gateway, desk = await self.attacked()
        lines = (SCRIPTS / "malformed.csv").read_text("latin-1").splitlines()[1:]
        said = await self.sipp("malformed.xml", len(lines), 10, "-inf", str(SCRIPTS / "malformed.csv"))
        self.assertEqual(sum(counted(said)), len(lines), said)
        await self.unharmed(gateway, desk)


def counted(said: str) -> tuple[int, int]:
    """Return how many calls went as the scenario says, and how many did not."""
    numbers = [re.findall(rf"{what} call\s*\|\s*[0-9]+\s*\|\s*([0-9]+)", said) for what in ("Successful", "Failed")]
    return int(numbers[0][-1]), int(numbers[1][-1])
