"""SIP for other programs: packets as Homer's own library reads them, and files as Wireshark's tshark does."""

import base64
import json
import os
import socket
import subprocess
from collections.abc import Mapping
from struct import unpack
from typing import Any, cast
from urllib.request import urlopen

from treq.client import HTTPClient
from twisted.internet import reactor as twisted_reactor
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent

from tests.interop.demo import demo, demo_folder
from tests.interop.install import FOLDER, node_package
from tests.interop.processes import free_ports
from tests.interop.servers import PROJECT
from tests.support.endtoend import Page, until
from tests.support.scraped import Scraped
from wrtcgw.clientlib.api import GatewayAPI
from wrtcgw.demo.extensions import DEMO_PASSWORD

reactor: Any = twisted_reactor
"""The type checker knows too little of it."""
DECODER = PROJECT / "tests/interop/hep_decode.mjs"
SECRETS = (DEMO_PASSWORD, "a=ice-pwd:0")


class Datagrams(DatagramProtocol):
    """A server that takes packets by UDP."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []

    def datagramReceived(self, datagram: bytes, addr: object) -> None:  # noqa: N802 (Twisted's name)
        """Keep a packet."""
        self.packets.append(datagram)


class Stream(Protocol):
    """A connection."""

    factory: "Streams"

    def dataReceived(self, data: bytes) -> None:
        """Keep bytes."""
        self.factory.data += data

    def connectionLost(self, reason: object = None) -> None:
        """Note the end."""
        self.factory.connections.remove(self)

    def connectionMade(self) -> None:
        """Note the beginning."""
        self.factory.connections.append(self)


class Streams(Factory):
    """A server that takes them by TCP."""

    protocol = Stream  # type: ignore[assignment]

    def __init__(self) -> None:
        self.data = b""
        self.connections: list[Stream] = []

    @property
    def packets(self) -> list[bytes]:
        """Return the packets in them."""
        found, rest = [], self.data
        while len(rest) >= 6 and len(rest) >= unpack(">H", rest[4:6])[0]:
            length = unpack(">H", rest[4:6])[0]
            found.append(rest[:length])
            rest = rest[length:]
        return found


class SIPCase(TestCase):
    """A demo gateway, and a page that calls."""

    timeout = 120

    async def call(self, settings: Mapping[str, object]) -> tuple[str, str]:
        """Let an agent call the echo and hang up; return the gateway's address and the call's id."""
        url = demo(settings).url
        api = GatewayAPI(url, "homer5008", HTTPClient(Agent(reactor)), reactor)
        page = await Page("5008", api).sign_in()
        try:
            call = await page.connect("1003")
            await page.api.control("dtmf", call, digits="12")
            await page.api.control("hangup", call)
            await page.event("SHUTDOWN", call)
        finally:
            await page.close()
        return url, call


class Homer(SIPCase):
    """Packets on their way."""

    def decoded(self, packets: list[bytes]) -> list[dict[str, Any]]:
        """Return what the library of Homer's makers reads in packets."""
        done = subprocess.run(
            ("node", str(DECODER)),
            input="\n".join(base64.b64encode(packet).decode() for packet in packets),
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "WRTCGW_HEP_JS": str(node_package(FOLDER, "hep-js"))},
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    def check(self, packets: list[bytes]) -> None:
        """Check that the packets tell a whole call, whose ends they are, and no secret."""
        self.assertGreater(len(packets), 8)
        for packet in packets:
            for secret in SECRETS:
                self.assertNotIn(secret.encode(), packet)
        read = self.decoded(packets)
        firsts = [each["payload"].split("\r\n")[0] for each in read]
        for begin in ("REGISTER sip:", "SIP/2.0 401", "INVITE sip:1003@", "ACK sip:", "INFO sip:", "BYE sip:"):
            self.assertTrue(any(first.startswith(begin) for first in firsts), (begin, firsts))
        (invite, *_) = (each for each in read if each["payload"].startswith("INVITE"))
        info = invite["rcinfo"]
        self.assertEqual((info["protocolFamily"], info["protocol"], info["payloadType"]), (2, 6, 1))
        self.assertEqual((info["srcIp"], info["dstIp"]), ("127.0.0.1", "127.0.0.1"))
        self.assertEqual((info["captureId"], info["capturePass"]), (7, "homer-pass"))
        call_id = invite["payload"].partition("Call-ID: ")[2].partition("\r\n")[0]
        self.assertEqual(info["correlation_id"], call_id)
        self.assertIn("a=ice-pwd:***", invite["payload"])
        (ringing, *_) = (each for each in read if each["payload"].startswith("SIP/2.0 200 OK"))
        self.assertEqual(ringing["rcinfo"]["srcPort"], info["dstPort"])

    async def test_udp(self) -> None:
        """By UDP."""
        server = Datagrams()
        port = reactor.listenUDP(0, server, "127.0.0.1")
        self.addCleanup(port.stopListening)
        target = f"udp:127.0.0.1:{port.getHost().port}"
        await self.call({"hep_target": target, "hep_id": 7, "hep_password": "homer-pass"})
        await until(lambda: any(b"\r\nCSeq: 5 BYE" in each or b" BYE" in each for each in server.packets), "BYE")
        self.check(server.packets)

    async def test_tcp(self) -> None:
        """By TCP."""
        server = Streams()
        port = reactor.listenTCP(0, server, interface="127.0.0.1")
        target = f"tcp:127.0.0.1:{port.getHost().port}"
        await self.call({"hep_target": target, "hep_id": 7, "hep_password": "homer-pass"})
        await until(lambda: b" BYE\r\n" in server.data, "BYE")
        packets = server.packets
        await port.stopListening()
        for connection in server.connections:
            cast(ITransport, connection.transport).loseConnection()
        await until(lambda: not server.connections, "the end of the connection")
        self.check(packets)

    async def test_nobody(self) -> None:
        """A server that is not there, or takes connections and never reads, hurts no call."""
        deaf = socket.socket()
        self.addCleanup(deaf.close)
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(1)
        nobody = free_ports(1)[0]
        for target in (f"udp:127.0.0.1:{nobody}", f"tcp:127.0.0.1:{nobody}", f"tcp:127.0.0.1:{deaf.getsockname()[1]}"):
            url, _ = await self.call({"hep_target": target})
            await deferLater(reactor, 0, lambda: None)
            with urlopen(f"{url}/metrics", timeout=10) as response:
                scraped = Scraped.of(response.read().decode())
            self.assertGreater(scraped.sum("wrtcgw_hep_packets_total"), 8, target)
            self.assertEqual(scraped.sum("wrtcgw_log_events_total", level="critical"), 0)


class Wireshark(SIPCase):
    """A call's SIP as a file."""

    def tshark(self, path: str, *arguments: str) -> list[str]:
        """Return the lines that tshark writes of a file."""
        done = subprocess.run(
            ("tshark", "-r", path, *arguments),
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "HOME": "/tmp"},
        )
        return done.stdout.splitlines()

    async def test_file(self) -> None:
        """It reads every message, finds nothing malformed, and no checksum or length wrong."""
        url, call = await self.call({})
        with urlopen(f"{url}/api/ops/ladder.pcap?call={call}", timeout=10) as response:
            self.assertEqual(response.headers["content-type"], "application/vnd.tcpdump.pcap")
            data = response.read()
        path = demo_folder() / "call.pcap"
        path.write_bytes(data)
        fields = ("ip.src", "sip.Method", "sip.Status-Code", "sip.Call-ID", "sdp.media")
        lines = self.tshark(str(path), "-T", "fields", *(word for each in fields for word in ("-e", each)))
        rows = [line.split("\t") for line in lines]
        self.assertEqual({row[3] for row in rows if row[3]}, {rows[0][3]})
        methods = [row[1] for row in rows if row[1]]
        self.assertEqual([methods[0], methods[-1]], ["INVITE", "BYE"])
        self.assertIn("INFO", methods)
        self.assertIn("200", [row[2] for row in rows])
        self.assertTrue(rows[0][4].startswith("audio "), rows[0])
        self.assertEqual({row[0] for row in rows}, {"192.0.2.1", "192.0.2.10"})
        wrong = "_ws.malformed || ip.checksum.status == Bad || _ws.expert.severity >= 0x00600000"
        checked = ("-o", "ip.check_checksum:TRUE", "-Y", wrong)
        self.assertEqual(self.tshark(str(path), *checked), [])
        self.assertNotIn(b"a=ice-pwd:0", data)
