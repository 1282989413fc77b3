"""Two gateways behind nginx, on one Redis, against Kamailio and Asterisk: agents and calls outlive each of them."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from tests.interop.base import InteropCase
from tests.interop.desk import Browser, Desk, Reply
from tests.interop.gateway import Gateway
from tests.interop.install import say
from tests.interop.processes import free_ports
from tests.interop.redisserver import Redis
from tests.interop.servers import PASSWORD, nginx_cluster

LEASE = 4.0
"""Seconds that a lease lasts here."""
PATIENCE = LEASE + 3.0
"""Seconds within which an agent has its call in hand again, however its gateway went."""
NODES = ("one", "two")
STATE_KEY = "A" * 43 + "="


def memory_of(pid: int) -> Iterator[bytes]:
    """Iterate over what a process has in its writable memory, which is what its core would have."""
    with open(f"/proc/{pid}/mem", "rb") as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            start, end = (int(each, 16) for each in span.split("-"))
            if rights.startswith("rw"):
                memory.seek(start)
                yield memory.read(end - start)


class Cluster(InteropCase):
    """A desk that only knows nginx."""

    timeout = 240
    way = "ws"

    async def begin(self, *options: str) -> Desk:
        """Start everything, Redis with some options, and sign an agent in through nginx."""
        environment = self.environment
        self.redis_folder = Path(self.mktemp()).absolute()
        self.redis = Redis(self.redis_folder, *options)
        await self.blocking(self.redis.server.start)
        self.addCleanup(self.blocking, self.redis.server.stop)
        self.nodes = {name: await self.start_node(name) for name in NODES}
        (port,) = free_ports(1)
        folder = environment.folder / f"nginx-{self.id().rpartition('.')[2]}"
        gateways = [int(gateway.url.rpartition(":")[2]) for gateway in self.nodes.values()]
        front = nginx_cluster(folder, gateways, port, environment.certificates)
        await self.blocking(front.start)
        self.addCleanup(self.blocking, front.stop)
        for gateway in self.nodes.values():
            await self.connected(gateway)
        self.front = f"https://localhost:{port}"
        desk = self.desk_at_nginx(5001)
        reply = await desk.sign_in()
        self.assertEqual(reply.code, 200, reply)
        self.addCleanup(self.sign_out_all)
        return desk

    def sign_out_all(self) -> "Deferred[None]":
        """Sign everybody out while nginx is still there."""
        return Deferred.fromCoroutine(self._sign_out_all())

    async def _sign_out_all(self) -> None:
        desks, self._desks = self._desks, []
        for desk in desks:
            self.assertEqual((await desk.sign_out()).code, 200)
        await self.quiet()

    def desk_at_nginx(self, dn: int) -> Desk:
        """Return the desk of an agent who is not signed in yet, and only knows nginx."""
        desk = Desk(Browser.over(self.https_agent(), self.front), reactor, f"agent-{dn}", str(dn))
        self._desks.append(desk)
        return desk

    async def start_node(self, name: str) -> Gateway:
        """Start one of the gateways."""
        return await self.own_gateway(
            f"cluster-{name}",
            *self.environment.ways[self.way].urls,
            state_store=f"redis://127.0.0.1:{self.redis.port}/0",
            state_key=STATE_KEY,
            node_name=name,
            lease_ttl=LEASE,
            trusted_proxies=["127.0.0.1"],
        )

    async def listed(self, name: str, what: str = "agents") -> dict[str, str]:
        """Return which node has which agent, or call, as one of the gateways shows it to operators."""
        path = "/api/agents" if what == "agents" else "/api/calls/active"
        reply = await self.browser(self.nodes[name]).get(path)
        self.assertEqual(reply.code, 200, reply)
        key = "id" if what == "agents" else "callId"
        return {each[key]: each["node"] for each in reply.json[what]}

    async def owner(self) -> tuple[str, str]:
        """Return the name of the gateway that has the agent, as both say, and the other one's."""
        for _ in range(100):
            named = {(await self.listed(name)).get("agent-5001") for name in NODES}
            if named in ({"one"}, {"two"}):
                name = named.pop() or ""
                return name, NODES[name == NODES[0]]
            await self.pause(0.1)
        self.fail("the gateways do not agree who has the agent")

    async def tried(self, desk: Desk, verb: str, call: str, seconds: float = PATIENCE) -> float:
        """Use a verb until it succeeds; returns after how many seconds that was."""
        began = time.monotonic()
        while True:
            try:
                reply: Reply | Exception = await desk.verb(verb, call)
            except Exception as error:  # a connection that broke off with the gateway behind
                reply = error
            if isinstance(reply, Reply) and reply.code == 200:
                return time.monotonic() - began
            if time.monotonic() - began > seconds:
                self.fail(f"{verb} within {seconds:g} s: {reply}")
            await self.pause(0.1)

    async def in_hand(self, desk: Desk, call: str) -> None:
        """Check that the call is up, and that the page holds, resumes and ends it; say how long the first took."""
        self.assertTrue(self.channels(), "Asterisk has no call any more")
        seconds = await self.tried(desk, "hold", call)
        say(f"{self.id().rpartition('.')[2]}: in hand after {seconds:.1f} s")
        await self.tried(desk, "resume", call)
        await desk.do("hangup", call)
        await self.eventually("the end of the call", lambda: not self.channels())

    def channels(self) -> list[str]:
        """Return Asterisk's channels of the agent."""
        return [name for name in self.environment.asterisk.channels() if "/5001-" in name]

    async def taken_over(self, name: str) -> float:
        """Wait until a gateway has the agent, registered; returns after how many seconds."""
        began = time.monotonic()
        while time.monotonic() - began < 2 * PATIENCE:
            reply = await self.browser(self.nodes[name]).get("/api/agents")
            if any(
                each["node"] == name and each["registration"] == "REGISTERED"
                for each in reply.json["agents"]
                if each["id"] == "agent-5001"
            ):
                return time.monotonic() - began
            await self.pause(0.1)
        self.fail(f"{name} has not taken the agent over")

    async def test_killed(self) -> None:
        """The agent's gateway dies in a call: the next request of the page finds it at the other one."""
        desk = await self.begin()
        call = await desk.established("1003")
        owner, other = await self.owner()
        self.nodes[owner].server.signal(signal.SIGKILL)
        await self.blocking(self.nodes[owner].server.stop)
        await self.in_hand(desk, call)
        self.assertEqual(await self.listed(other), {"agent-5001": other})

    async def test_silent_page(self) -> None:
        """The page says nothing meanwhile: the other gateway takes the agent by itself, and calls reach it there."""
        desk = await self.begin()
        call = await desk.established("1003")
        owner, other = await self.owner()
        self.nodes[owner].server.signal(signal.SIGKILL)
        await self.blocking(self.nodes[owner].server.stop)
        seconds = await self.taken_over(other)
        say(f"taken over by itself after {seconds:.1f} s")
        self.assertLess(seconds, PATIENCE)
        await self.in_hand(desk, call)
        self.assertEqual(len(self.environment.asterisk.contacts("5001")), 1)
        ringing = self.originate(5001)
        offer = await desk.take()
        await desk.do("hangup", offer["callId"])
        await ringing

    async def test_stopped(self) -> None:
        """A gateway that was stopped for long lets go when it goes on, and the call is not touched."""
        desk = await self.begin()
        call = await desk.established("1003")
        owner, other = await self.owner()
        self.nodes[owner].server.signal(signal.SIGSTOP)
        await self.taken_over(other)
        await self.pause(1)
        self.nodes[owner].server.signal(signal.SIGCONT)
        for _ in range(50):
            if set((await self.listed(owner)).values()) == {other}:
                break
            await self.pause(0.1)
        self.assertEqual(await self.listed(owner), {"agent-5001": other})
        await self.pause(LEASE)
        self.assertEqual(len(self.channels()), 1)
        await self.in_hand(desk, call)

    async def test_rolling_restart(self) -> None:
        """Each gateway is stopped properly and started again, one after the other: the page keeps its call."""
        desk = await self.begin()
        call = await desk.established("1003")
        for name in (*NODES, *NODES):
            server = self.nodes[name].server
            await self.blocking(server.stop)
            await self.tried(desk, "hold", call)
            await self.blocking(server.start)
            await self.connected(self.nodes[name])
            await self.tried(desk, "resume", call)
            self.assertEqual(len(self.channels()), 1)
        await self.in_hand(desk, call)

    async def test_redis_restarts(self) -> None:
        """Redis is away for 20 s and comes back empty: the call goes on, new ones are refused, and then all is well."""
        desk = await self.begin()
        call = await desk.established("1003")
        owner, other = await self.owner()
        await self.blocking(self.redis.server.stop)
        ends = time.monotonic() + 20
        await self.tried(desk, "hold", call)
        await self.tried(desk, "resume", call)
        await self.pause(3)
        refused = await desk.browser.describe("v=0\r\n", desk.id, to="1003")
        self.assertIn(refused.code, (400, 503), refused)
        while time.monotonic() < ends:
            await self.tried(desk, "hold", call)
            await self.tried(desk, "resume", call)
            await self.pause(2)
        await self.blocking(self.redis.server.start)
        for _ in range(150):
            if (await self.browser(self.nodes[owner]).get("/api/ready")).code == 200:
                break
            await self.pause(0.1)
        self.assertEqual((await self.browser(self.nodes[owner]).get("/api/ready")).code, 200)
        await self.pause(LEASE)
        self.assertEqual(await self.listed(other), {"agent-5001": owner})
        second = await desk.established("1003")
        await desk.do("hangup", second)
        await self.in_hand(desk, call)

    async def test_secrets(self) -> None:
        """Neither password nor token is in a dump, file or log of Redis, or in the memory that its core would have."""
        desk = await self.begin("--appendonly", "yes", "--loglevel", "debug")
        call = await desk.established("1003")
        await self.kill_owner()
        planted = (PASSWORD, desk.browser.headers["X-WRTC-Session"], STATE_KEY)
        self.assertEqual(self.redis.say("SAVE"), b"+OK\r\n")
        held = {
            **{path.name: path.read_bytes() for path in self.redis_folder.rglob("*") if path.is_file()},
            "memory": b"".join(memory_of(self.redis.server.pid)),
        }
        self.assertIn("dump.rdb", held)
        self.assertTrue(any(name.endswith(".aof") for name in held), list(held))
        for name in ("memory", next(name for name in held if name.endswith("incr.aof"))):
            self.assertIn(b"wrtcgw:agent:5001", held[name], "it is where records are")
        for name, data in held.items():
            self.assertEqual([secret for secret in planted if secret.encode() in data], [], name)
        await self.in_hand(desk, call)

    async def kill_owner(self) -> None:
        """Kill the gateway that has the agent, so that the other one takes it from what is stored."""
        name, other = await self.owner()
        self.nodes[name].server.signal(signal.SIGKILL)
        await self.blocking(self.nodes[name].server.stop)
        await self.taken_over(other)

    async def test_shown(self) -> None:
        """Each gateway shows the agents and calls of both."""
        desk = await self.begin()
        call = await desk.established("1003")
        owner, _ = await self.owner()
        there: dict[str, str] = {}
        for dn in range(5002, 5006):
            self.assertEqual((await self.desk_at_nginx(dn).sign_in()).code, 200)
        await self.pause(3)
        for name in NODES:
            listed = await self.listed(name)
            self.assertEqual(sorted(listed), [f"agent-{dn}" for dn in range(5001, 5006)])
            there = there or listed
            self.assertEqual(listed, there)
            self.assertEqual(await self.listed(name, "calls"), {call: owner})
