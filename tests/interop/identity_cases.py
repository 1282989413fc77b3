"""Who is at the far end, and how a call came, with the identities that Asterisk sends itself."""

from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests.interop.base import InteropCase
from tests.interop.servers import SHORT_AGENT


class IdentityCases(InteropCase):
    """Written once for both ways."""

    async def test_connected_party(self) -> None:
        """After an attended transfer each colleague's page learns who the other is; the calls list follows."""
        caller, second, third = await self.agent(5001), await self.agent(5002), await self.agent(5003)
        first_call = await caller.call("50 02")
        taken_by_second = await second.take()
        self.assertEqual((taken_by_second["from"], taken_by_second["displayName"]), ("5001", "Agent 5001"))
        await caller.expect("ANSWER", first_call, moreComing=False)
        await caller.do("hold", first_call)
        second_call = await caller.call("5003")
        taken_by_third = await third.take()
        await caller.expect("ANSWER", second_call, moreComing=False)
        await caller.do("transfer", first_call, to_call=second_call)
        await caller.expect("TRANSFER", first_call, state="DONE")
        told = await second.expect("IDENTITY", taken_by_second["callId"])
        self.assertEqual((told["from"], told["displayName"]), ("5003", "Agent 5003"))
        told = await third.expect("IDENTITY", taken_by_third["callId"])
        self.assertEqual((told["from"], told["displayName"]), ("5002", "Agent 5002"))
        self.assertEqual([call["peer"] for call in await second.calls()], ["5003"])
        await second.do("hangup", taken_by_second["callId"])
        await third.expect("SHUTDOWN", taken_by_third["callId"], cause="remote")

    async def test_name_of_the_callee(self) -> None:
        """Who takes the agent's call is known by name from its answer on."""
        caller, second = await self.agent(5001), await self.agent(5002)
        call = await caller.call("5002")
        await second.take()
        told = await caller.expect("IDENTITY", call)
        self.assertEqual((told["from"], told["displayName"]), ("5002", "Agent 5002"))
        await caller.do("hangup", call)

    async def test_diverted(self) -> None:
        """Asterisk's Diversion tells whom the caller had dialled."""
        caller, second = await self.agent(5001), await self.agent(5002)
        call = await caller.call("5102")
        offer = await second.take()
        self.assertEqual(offer["diversion"], [{"number": "5102", "reason": "unconditional"}])
        self.assertEqual(offer["called"], "5002")
        (shown,) = await second.calls()
        self.assertEqual(shown["diversion"], offer["diversion"])
        await caller.do("hangup", call)

    async def test_withheld(self) -> None:
        """A caller who withholds its number is anonymous."""
        caller, second = await self.agent(5001), await self.agent(5002)
        call = await caller.call("5202")
        offer = await second.take()
        self.assertEqual(offer["from"], "anonymous")
        self.assertNotIn("5001", str(await second.calls()))
        await caller.do("hangup", call)

    async def test_name_in_latin_1(self) -> None:
        """A caller's name that is no UTF-8 reaches the page, and nobody's connection ends for it."""
        caller, second = await self.agent(5001), await self.agent(5002)
        call = await caller.call("5302")
        offer = await second.take()
        self.assertEqual((offer["from"], offer["displayName"]), ("5001", "J\u00fcrgen"))
        await caller.do("hangup", call)

    async def test_careless_diversion(self) -> None:
        """A tel: URI with separators, and a semicolon with nothing behind it."""
        caller, second = await self.agent(5001), await self.agent(5002)
        call = await caller.call("5402")
        offer = await second.take()
        self.assertEqual(offer["diversion"], [{"number": "+49800555", "reason": "unconditional"}])
        await caller.do("hangup", call)

    async def test_short_registration(self) -> None:
        """A registrar that grants ten seconds of ten minutes is asked again in time: calls go on ringing."""
        caller, second = await self.agent(5001), await self.agent(SHORT_AGENT)
        await deferLater(reactor, 14, lambda: None)
        call = await caller.call(str(SHORT_AGENT))
        await second.take()
        await caller.do("hangup", call)
