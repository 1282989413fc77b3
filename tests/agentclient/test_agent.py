"""A bot at a gateway that the test plays, in virtual time: what comes, what is lost, what comes back."""

import asyncio

from twisted.trial.unittest import SynchronousTestCase

from tests.agentclient.fakes import Bench, settle, up, virtual
from wrtcgw.agentclient import (
    RefusedError,
    SignedOutError,
    State,
    UnreachableError,
)


class ComingAndGoing(SynchronousTestCase):
    """Sign-in and sign-out."""

    @virtual
    async def test_signs_in_and_out(self) -> None:
        """Secrets go into the body; the stream begins with what was not delivered; in the end all is closed."""
        bench = Bench()
        async with bench.agent as agent:
            await settle()
            self.assertTrue(agent.ready)
            call = await up(bench)
        (fields,) = bench.wire.of("sign_in")
        self.assertEqual(
            {name: fields[name] for name in ("id", "dn", "password")},
            {"id": "bot-5001", "dn": "5001", "password": "secret"},
        )
        self.assertEqual((fields["always_listens"], fields["acknowledges_calls"]), ("1", "1"))
        self.assertEqual(bench.wire.streams, [None])
        self.assertEqual(bench.wire.asked[-1][0], "sign_out")
        self.assertTrue(bench.wire.closed)
        assert call.ending is not None
        self.assertEqual((call.ending.cause, bench.sounds[0].told[-1]), ("signed-out", "closed"))

    @virtual
    async def test_wrong_password(self) -> None:
        """The registrar's no is raised, and nothing stays open."""
        bench = Bench()
        bench.wire.answers["sign_in"] = RefusedError(401, "registration_refused", "wrong password", 403)
        with self.assertRaisesRegex(RefusedError, r"wrong password \(registration_refused, HTTP 401\)"):
            async with bench.agent:
                self.fail("signed in")
        self.assertTrue(bench.wire.closed)

    @virtual
    async def test_token(self) -> None:
        """A token may come from a function, waited for or not; no id is made up where no DN is given."""

        async def later() -> str:
            return "t"

        for token in ("t", lambda: "t", later):
            bench = Bench(dn="", password="", token=token)
            bench.wire.answers["sign_in"] = {"session": "s", "dn": "5007", "id": "phone-5007"}
            async with bench.agent as agent:
                self.assertEqual(agent.dn, "5007")
            (fields,) = bench.wire.of("sign_in")
            self.assertEqual((fields["token"], "password" in fields, "id" in fields), ("t", False, False))

    @virtual
    async def test_left_calls(self) -> None:
        """Calls that an earlier process has left are ended, but one that rings is not."""
        bench = Bench()
        bench.wire.answers["calls"] = {
            "calls": [{"callId": "x", "state": "ESTABLISHED"}, {"callId": "y", "state": "OFFERED"}]
        }
        async with bench.agent:
            self.assertEqual([fields["call"] for fields in bench.wire.of("hangup")], ["x"])

    @virtual
    async def test_begins_in_vain(self) -> None:
        """When the gateway goes between sign-in and the rest, the session does not stay."""
        bench = Bench()
        bench.wire.answers["calls"] = UnreachableError("away")
        with self.assertRaises(UnreachableError):
            async with bench.agent:
                self.fail("signed in")
        self.assertEqual((bench.wire.asked[-1][0], bench.wire.closed), ("sign_out", True))

    @virtual
    async def test_not_signed_out(self) -> None:
        """A gateway that is away does not keep a bot from ending."""
        bench = Bench()
        bench.wire.answers["sign_out"] = UnreachableError("away")
        async with bench.agent:
            pass
        self.assertTrue(bench.wire.closed)


class Streams(SynchronousTestCase):
    """The event stream breaks off, and comes back."""

    @virtual
    async def test_goes_on_behind_the_last(self) -> None:
        """A new stream begins behind the last message; one that comes twice counts once."""
        bench = Bench()
        async with bench.agent as agent:
            await up(bench)
            bench.wire.break_off()
            await asyncio.sleep(1)
            self.assertEqual(bench.wire.streams, [None, 1])
            bench.wire.seq = 0
            bench.wire.say("SHUTDOWN")  # number 1 again
            await settle()
            self.assertEqual(len(agent.calls), 1)

    @virtual
    async def test_tries_more_and_more_slowly(self) -> None:
        """While the gateway is away it is asked at most every 8 s in the end; the agent is not ready meanwhile."""
        bench = Bench()
        loop = asyncio.get_running_loop()
        async with bench.agent as agent:
            await settle()
            bench.wire.answers["events"] = [UnreachableError("away")] * 12
            bench.wire.break_off()
            began = loop.time()
            while len(bench.wire.streams) < 7:
                await asyncio.sleep(0.1)
            self.assertFalse(agent.ready)
            early = loop.time() - began
            while len(bench.wire.streams) < 13:
                await asyncio.sleep(0.1)
            await agent._changes.until(lambda: agent.ready, 20.0, "the gateway")
            self.assertGreater(early, 7.5)
            self.assertLessEqual(loop.time() - began, 15.5 + 8 * 8.0)

    @virtual
    async def test_restart(self) -> None:
        """A gateway that has forgotten the session is signed in at again; calls that it has not any more are lost."""
        bench = Bench()
        async with bench.agent as agent:
            lost, kept = await up(bench), await up(bench, "c2")
            forgotten = RefusedError(404, "not_signed_in", "nobody is signed in as bot-5001")
            bench.wire.answers |= {
                "events": [UnreachableError("away"), forgotten],
                "sign_in": [
                    UnreachableError("away"),
                    RefusedError(503, "no_sip_connection", "wait"),
                    {"session": "new"},
                ],
                "calls": {"calls": [{"callId": "c2"}]},
            }
            bench.wire.break_off()
            self.assertEqual((await lost.ended(60.0)).cause, "lost")
            await settle()
            self.assertEqual((kept.state, agent.calls, agent.ready), (State.UP, (kept,), True))
            self.assertEqual(bench.wire.streams[-1], None)
            bench.wire.say("SHUTDOWN", "c2", cause="remote")
            self.assertEqual((await kept.ended(1.0)).cause, "remote")

    @virtual
    async def test_forgotten_again_and_again(self) -> None:
        """A session that is there at sign_in alone, as with two gateways behind one name, is asked for slowly."""
        bench = Bench()
        async with bench.agent as agent:
            await settle()
            bench.wire.answers["events"] = [RefusedError(404, "not_signed_in", "unknown")] * 200
            bench.wire.break_off()
            await asyncio.sleep(60)
            self.assertTrue(10 <= len(bench.wire.of("sign_in")) <= 25, len(bench.wire.of("sign_in")))
            self.assertFalse(agent.ready)

    @virtual
    async def test_refused_for_good(self) -> None:
        """When another page has the DN, or the password is another one by now, it is over, and all who wait hear so."""
        for answers in (
            {"events": [RefusedError(403, "foreign_session", "another page has signed in")]},
            {
                "events": [RefusedError(404, "not_signed_in", "unknown")],
                "sign_in": [RefusedError(401, "registration_refused", "another page has signed in")],
            },
        ):
            bench = Bench()
            async with bench.agent as agent:
                call = await up(bench)
                waiting = asyncio.ensure_future(agent.incoming())
                bench.wire.answers |= answers
                bench.wire.break_off()
                with self.assertRaisesRegex(SignedOutError, "another page"):
                    await waiting
                with self.assertRaises(SignedOutError):
                    await agent.call("1003")
                self.assertTrue(call.is_over)
                self.assertEqual([each async for each in agent.ringing()], [])
            self.assertEqual(bench.wire.of("sign_out"), [])

    @virtual
    async def test_told_to_go(self) -> None:
        """SIGNED_OUT ends it, unless the gateway stops: then it comes back."""
        for cause, gone in (("operator", True), ("stopping", False)):
            bench = Bench()
            async with bench.agent as agent:
                await settle()
                bench.wire.say("SIGNED_OUT", "", cause=cause, reason="told")
                bench.wire.break_off()
                await asyncio.sleep(5)
                self.assertIs(agent.ready, not gone)

    @virtual
    async def test_a_fault_of_ours(self) -> None:
        """What nobody has foreseen ends the bot with a word about it; nobody waits for calls that cannot come."""
        bench = Bench()
        async with bench.agent as agent:
            await settle()
            bench.wire.answers["events"] = [KeyError("bug")]
            bench.wire.break_off()
            with self.assertLogs("wrtcgw.agentclient", "ERROR"), self.assertRaisesRegex(SignedOutError, "KeyError"):
                await agent.incoming(60.0)
            await settle()
            self.assertEqual(len(bench.wire.of("sign_out")), 1)  # so that its callers do not hear silence

    @virtual
    async def test_a_proxys_404(self) -> None:
        """What is not said by a gateway is no reason to give up."""
        bench = Bench()
        async with bench.agent as agent:
            await settle()
            bench.wire.answers["events"] = [RefusedError(404, "unexpected_answer", "nginx")] * 3
            bench.wire.break_off()
            await asyncio.sleep(20)
            self.assertTrue(agent.ready)

    @virtual
    async def test_hung_up_while_away(self) -> None:
        """A call that is hung up while the gateway is away is ended there when it is back."""
        bench = Bench()
        async with bench.agent:
            call = await up(bench)
            bench.wire.answers |= {"hangup": [UnreachableError("away"), {}], "events": [UnreachableError("away")] * 2}
            bench.wire.break_off()
            await call.hangup()
            self.assertTrue(call.is_over)
            await asyncio.sleep(10)
            self.assertEqual([fields["call"] for fields in bench.wire.of("hangup")], ["c1", "c1"])
