"""Calls to a page that runs, or cannot, in whatever way: see :mod:`tests.interop.sleep_matrix`."""

from tests.interop.base import InteropCase
from tests.interop.descriptions import chromium_answer
from tests.interop.desk import Desk
from tests.interop.gateway import Gateway
from tests.interop.servers import DOMAIN
from tests.interop.sleep_matrix import CALLS, DELAYS, STATES, SleepMatrix, keep

ELSEWHERE = f"sip:5003@{DOMAIN}"


class Matrix(SleepMatrix):
    """Each state once, or very many calls in random order."""

    timeout = 60 + 20 * CALLS

    async def test_calls(self) -> None:
        """Each caller is answered, or refused within 5 s, and nobody hears it ring for a page that sleeps."""
        await self.begin()
        states = list(STATES) * (CALLS // len(STATES)) + self.random.sample(STATES, CALLS % len(STATES))
        self.random.shuffle(states)
        faults = []
        for number, state in enumerate(states):
            outcome = await self.play(state, self.random.choice(DELAYS))
            keep(outcome)
            if outcome.fault:
                faults.append(f"call {number}: {outcome.fault}: {outcome}")
        self.assertEqual([], faults, "\n".join(faults))


class Servers(InteropCase):
    """Against Kamailio and Asterisk, a page that acknowledges calls, or does not: it is played by HTTP requests."""

    async def page(self, dn: int, gateway: Gateway | None = None) -> Desk:
        """Sign a page in that says of itself what the library's says."""
        await self.connected(gateway or self.gateway())
        desk = self.desk(dn, gateway)
        self.assertEqual((await desk.sign_in(acknowledges_calls=1, always_listens=1)).code, 200)
        return desk

    async def test_asleep(self) -> None:
        """The caller hears that the agent cannot be reached, and nothing else; the page what it has missed."""
        called, caller = await self.page(5001), await self.agent(5002)
        call = await caller.call("5001")
        end = await caller.expect("ERROR", call)
        self.assertEqual((end["sipCode"], [each["messageType"] for each in caller.told]), (480, ["ERROR"]))
        await called.expect("OFFER")
        self.assertEqual((await called.expect("SHUTDOWN"))["cause"], "not-responding")

    async def test_awake(self) -> None:
        """It rings with the page's word, and the call goes on as any other."""
        called, caller = await self.page(5001), await self.agent(5002)
        call = await caller.call("5001")
        offer = await called.expect("OFFER")
        await self.pause(0.5)
        self.assertEqual(await caller.next(0.2), {})
        self.assertEqual((await called.do("ringing", offer["callId"])).json["state"], "OFFERED")
        self.assertEqual((await caller.expect("RINGING", call))["sipCode"], 180)
        await called.browser.describe(chromium_answer(offer["sdp"]), called.id, call=offer["callId"])
        await caller.expect("ANSWER", call, moreComing=False)
        await caller.do("hangup", call)

    async def test_elsewhere(self) -> None:
        """A site may send callers elsewhere: Asterisk follows to another agent."""
        name = "elsewhere"
        gateway = await self.own_gateway(name, *self.environment.ways[self.way].urls, not_responding_answer=ELSEWHERE)
        await self.page(5001, gateway)
        other, caller = await self.agent(5003), await self.agent(5002)
        call = await caller.call("5001")
        await other.take()
        await caller.expect("ANSWER", call, moreComing=False)
        await caller.do("hangup", call)
