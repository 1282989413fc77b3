"""What the gateway says of its agents everywhere is what the registrar says: real Kamailio, and Asterisk behind it."""

import re
import signal
from typing import Any

from twisted.internet import reactor

from tests.interop.base import InteropCase
from tests.interop.desk import Desk
from tests.interop.gateway import Gateway

loop: Any = reactor
KEEP_ALIVE = {"ping_interval": 3, "pong_timeout": 2}
WITHIN = 3 + 2 + 1.0
"""Seconds of one keep-alive, and one for the looking."""
RETRY = 10.0
"""Seconds until a refresh that the registrar did not answer is made again, and more."""


class Truth(InteropCase):
    """Health, ready, the list of agents, the console and the metrics agree with each other and with the registrar."""

    timeout = 180

    async def agents(self, *dns: int) -> "tuple[Gateway, list[Desk]]":
        """Return a gateway with short keep-alives, and agents who are signed in there."""
        urls = self.environment.ways[self.way].urls
        gateway = await self.own_gateway("truth", *urls, register_timeout=2, **KEEP_ALIVE)
        return gateway, [await self.agent(dn, gateway) for dn in dns]

    async def told(self, gateway: Gateway) -> dict[str, object]:
        """Return what the gateway says: how many are registered by each of its surfaces, and whether it is ready."""
        operator = self.browser(gateway)
        health = (await operator.get("/api/health")).json
        listed = (await operator.get("/api/agents")).json["agents"]
        found = [await operator.get("/api/ops/search", q=desk.dn) for desk in self._desks]
        metrics = (await operator.get("/metrics")).text
        (counted,) = re.findall(r'^wrtcgw_agents\{state="registered"\} (\d+)', metrics, re.MULTILINE)
        return {
            "health": health["registered_agents"],
            "agents": _registered(listed),
            "console": _registered([agent for reply in found for agent in reply.json["agents"]]),
            "metrics": int(counted),
            "ready": (await operator.get("/api/ready")).code == 200,
        }

    async def bound(self, *desks: Desk) -> set[str]:
        """Return the DNs of desks that the registrar has a binding of."""
        return {desk.dn for desk in desks if await self.contacts(desk)}

    async def contacts(self, desk: Desk) -> list[str]:
        """Return the bindings of a desk."""
        return re.findall(rf"Contact:\s+{desk.dn}/(sip:\S+)", await self.asterisk(f"pjsip show aor {desk.dn}"))

    async def eventually_told(self, gateway: Gateway, dns: set[str], *, ready: bool = True, within: float) -> None:
        """Wait until all of it is true."""
        wanted = {"health": len(dns), "agents": dns, "console": dns, "metrics": len(dns), "ready": ready}
        deadline = self.now() + within
        while (told := await self.told(gateway)) != wanted:
            self.assertLess(self.now(), deadline, f"{told} instead of {wanted}")
            await self.pause(0.2)

    async def test_comes_and_goes(self) -> None:
        """Sign-in, sign-out, and a binding that Kamailio's end has made unreachable."""
        gateway, (one, two) = await self.agents(5001, 5002)
        both = {one.dn, two.dn}
        self.assertEqual(await self.bound(one, two), both)
        await self.eventually_told(gateway, both, within=0)
        await two.sign_out()
        self.assertEqual(await self.bound(one, two), {one.dn})
        await self.eventually_told(gateway, {one.dn}, within=0)
        await self.blocking(lambda: self.environment.kamailio.signal(signal.SIGKILL))
        await self.eventually_told(gateway, set(), ready=False, within=WITHIN)
        await self.blocking(self.environment.kamailio.restart)
        await self.eventually_told(gateway, {one.dn}, within=RETRY)
        self.assertEqual(len(await self.contacts(one)), 1)

    async def test_half_open(self) -> None:
        """A proxy that holds the connection and says nothing is noticed within one keep-alive."""
        gateway, (desk,) = await self.agents(5001)
        self.environment.kamailio.signal(signal.SIGSTOP)
        try:
            await self.eventually_told(gateway, set(), ready=False, within=WITHIN)
        finally:
            self.environment.kamailio.signal(signal.SIGCONT)
        await self.eventually_told(gateway, {desk.dn}, within=RETRY)
        self.assertEqual(len(await self.contacts(desk)), 1)

    async def test_dropped(self) -> None:
        """A binding that the registrar drops without a word is back with the next refresh, and calls arrive."""
        gateway, (desk,) = await self.agents(5011)  # gets ten seconds
        (binding,) = await self.contacts(desk)
        removed = await self.asterisk(f"database del registrar/contact {await self._row(desk)}")
        self.assertIn("removed", removed)
        await self.eventually("the binding", lambda: self.environment.asterisk.contacts(desk.dn), 15)
        self.assertEqual(await self.contacts(desk), [binding])
        await self.eventually_told(gateway, {desk.dn}, within=0)

    async def _row(self, desk: Desk) -> str:
        """Return the name of the row in which Asterisk keeps the one binding of a desk."""
        rows = await self.asterisk("database show registrar/contact")
        row: str
        (row,) = re.findall(rf"^/registrar/contact/({desk.dn};@\S+)", rows, re.MULTILINE)
        return row

    async def test_restarted_gateway(self) -> None:
        """A gateway without a store that is restarted has nobody, and after a sign-in one binding."""
        gateway, (desk,) = await self.agents(5001)
        await self.blocking(gateway.server.restart)
        await self.connected(gateway)
        await self.eventually_told(gateway, set(), within=WITHIN)
        self.assertEqual(await self.contacts(desk), [])
        self.assertEqual((await desk.sign_in()).code, 200)
        await self.eventually_told(gateway, {desk.dn}, within=0)
        self.assertEqual(len(await self.contacts(desk)), 1)

    def now(self) -> float:
        """Return the reactor's seconds."""
        seconds: float = loop.seconds()
        return seconds


def _registered(agents: list[dict[str, object]]) -> set[str]:
    return {str(agent["dn"]) for agent in agents if agent["registration"] == "REGISTERED"}
