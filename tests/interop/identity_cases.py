"""Who is at the far end, and how a call came, with the identities that Asterisk sends itself."""

from tests.interop.base import InteropCase


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
