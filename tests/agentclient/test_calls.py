"""Calls of a bot at a gateway that the test plays, in virtual time."""

import asyncio
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.agentclient.fakes import Bench, FakeSound, incoming, settle, up, virtual
from wrtcgw.agentclient import (
    CallOverError,
    Limits,
    NoMediaError,
    RefusedError,
    SignedOutError,
    State,
    TransferError,
    UnreachableError,
    WrongStateError,
)


class Incoming(SynchronousTestCase):
    """Calls that ring."""

    @virtual
    async def test_answered(self) -> None:
        """It is acknowledged, so that the caller hears it ring; answering sends the answer to its offer."""
        bench = Bench()
        async with bench.agent:
            call = await incoming(bench)
            await settle()
            self.assertEqual(bench.wire.of("ringing"), [{"id": "bot-5001", "call": "c1"}])
            self.assertEqual((call.peer, call.display_name, call.data), ("5002", "Ann", {"k": "v"}))
            await call.answer()
            (sent,) = bench.wire.of("message")
            self.assertEqual((sent["messageType"], sent["sdp"]), ("ANSWER", "answer to their offer"))
            with self.assertRaisesRegex(WrongStateError, "one cannot answer a call that is up"):
                await call.answer()

    @virtual
    async def test_without_an_offer(self) -> None:
        """A caller who wants our offer gets one, and the call is up with its answer."""
        bench = Bench()
        async with bench.agent as agent:
            bench.wire.say("OFFER")
            call = await agent.incoming(1.0)
            asyncio.get_running_loop().call_later(2.0, lambda: bench.wire.say("ANSWER", sdp="theirs"))
            await call.answer()
            self.assertEqual((call.state, bench.wire.of("message")[0]["messageType"]), (State.UP, "OFFER"))
            self.assertIn("applied theirs", bench.sounds[0].told)

    @virtual
    async def test_nobody_waits_for_what_is_over(self) -> None:
        """A call whose caller has given up is not handed out; answering it in that moment says so."""
        bench = Bench()
        async with bench.agent as agent:
            bench.wire.say("OFFER", "a", sdp="x")
            bench.wire.say("SHUTDOWN", "a", cause="cancelled")
            bench.wire.say("OFFER", "b", sdp="x")
            call = await agent.incoming(1.0)
            self.assertEqual(call.id, "b")
            bench.wire.say("SHUTDOWN", "b", cause="cancelled", hint="The caller has given up.")
            await settle()
            with self.assertRaisesRegex(CallOverError, "the call is over: The caller has given up."):
                await call.answer()
            with self.assertRaisesRegex(TimeoutError, "waited 3 s in vain for a call"):
                await agent.incoming(3.0)

    @virtual
    async def test_nothing_to_take(self) -> None:
        """An offer that cannot be taken is refused with 488."""
        bench = Bench()
        async with bench.agent:
            call = await incoming(bench)
            bench.agent._make_sound = lambda servers, heard: _refusing()
            with self.assertRaises(NoMediaError):
                await call.answer()
            self.assertEqual(bench.wire.of("reject")[0]["code"], 488)

    @virtual
    async def test_answer_refused(self) -> None:
        """When the gateway cannot be reached the call goes on ringing, and may be answered again."""
        bench = Bench()
        async with bench.agent:
            call = await incoming(bench)
            bench.wire.answers["message"] = [UnreachableError("away"), {}]
            with self.assertRaises(UnreachableError):
                await call.answer()
            await call.answer()
            self.assertIs(call.state, State.UP)

    @virtual
    async def test_no_servers(self) -> None:
        """The same when it does not tell which STUN and TURN servers there are."""
        bench = Bench()
        async with bench.agent:
            call = await incoming(bench)
            bench.wire.answers["ice"] = [UnreachableError("away"), {}]
            with self.assertRaises(UnreachableError):
                await call.answer()
            await call.answer()
            self.assertIs(call.state, State.UP)

    @virtual
    async def test_too_many(self) -> None:
        """Who rings beyond the limit hears busy; room comes back with those who are gone."""
        bench = Bench(limits=Limits(waiting=2))
        async with bench.agent as agent:
            for call in ("a", "b", "c"):
                bench.wire.say("OFFER", call, sdp="x")
            await settle()
            self.assertEqual([(fields["call"], fields["code"]) for fields in bench.wire.of("reject")], [("c", 486)])
            bench.wire.say("SHUTDOWN", "a")
            bench.wire.say("OFFER", "d", sdp="x")
            await settle()
            self.assertEqual([(await agent.incoming(1.0)).id for _ in range(2)], ["b", "d"])


def _refusing() -> Any:
    sound = FakeSound()
    sound.refuses = True
    return sound


class Outgoing(SynchronousTestCase):
    """Calls of ours."""

    @virtual
    async def test_its_messages_may_be_first(self) -> None:
        """Messages that overtake the answer with the call's id are not lost."""
        bench = Bench()
        async with bench.agent as agent:
            await settle()
            bench.wire.answers["message"] = {"callId": "c9"}
            bench.wire.say("RINGING", "c9")
            bench.wire.say("ANSWER", "c9", sdp="theirs", data=[{"key": "k", "value": "v"}])
            call = await agent.call("1003", {"case": "7"})
            await call.answered(1.0)
            self.assertEqual((call.id, call.data), ("c9", {"k": "v"}))
            self.assertEqual(bench.wire.of("message")[0]["data"], [{"key": "case", "value": "7"}])

    @virtual
    async def test_given_up(self) -> None:
        """A call that was given up before it had an id is ended as soon as it is heard of."""
        bench = Bench()
        async with bench.agent as agent:
            await settle()
            bench.wire.answers["message"] = asyncio.CancelledError()
            placing = asyncio.ensure_future(agent.call("1003"))
            await asyncio.gather(placing, return_exceptions=True)
            bench.wire.say("RINGING", "c9")
            await settle()
            self.assertEqual([fields["call"] for fields in bench.wire.of("hangup")], ["c9"])

    @virtual
    async def test_busy(self) -> None:
        """A refusal is raised by who waits for the answer, with its code."""
        bench = Bench()
        async with bench.agent as agent:
            bench.wire.answers["message"] = {"callId": "c9"}
            call = await agent.call("1005")
            bench.wire.say("ERROR", "c9", state="ENDED", sipCode=486, cause="busy", hint="the far side is busy")
            with self.assertRaises(CallOverError) as raised:
                await call.answered()
            self.assertEqual((raised.exception.cause, raised.exception.sip_code), ("busy", 486))

    @virtual
    async def test_early(self) -> None:
        """An announcement before the answer is not the answer; nobody answers in time."""
        bench = Bench()
        async with bench.agent as agent:
            bench.wire.answers["message"] = {"callId": "c9"}
            call = await agent.call("1010")
            bench.wire.say("ANSWER", "c9", sdp="early", moreComing=True)
            with self.assertRaisesRegex(TimeoutError, "1010 to answer"):
                await call.answered(5.0)
            self.assertIs(call.state, State.EARLY)
            await call.hangup()
            self.assertEqual(bench.wire.of("hangup")[0]["call"], "c9")

    @virtual
    async def test_refused(self) -> None:
        """A number that must not be called is the gateway's refusal, and leaves nothing behind."""
        bench = Bench()
        async with bench.agent as agent:
            bench.wire.answers["message"] = RefusedError(403, "destination_forbidden", "no")
            with self.assertRaises(RefusedError):
                await agent.call("0900")
            await settle()
            self.assertEqual((agent.calls, bench.sounds[0].told), ((), ["closed"]))

    @virtual
    async def test_refused_while_one_rings(self) -> None:
        """A call that comes while one of ours is placed rings, also when ours comes to nothing."""
        bench = Bench()
        async with bench.agent as agent:
            await settle()
            for number, problem in enumerate((RefusedError(403, "destination_forbidden", "no"), None)):
                released = asyncio.Event()
                bench.wire.answers["message"] = problem or {"callId": "ours"}
                bench.wire.held["message"] = released
                placing = asyncio.ensure_future(agent.call("0900"))
                await settle()
                bench.wire.say("OFFER", f"c{number}", sdp="x")
                await settle()
                released.set()
                await asyncio.gather(placing, return_exceptions=True)
                self.assertEqual((await agent.incoming(1.0)).id, f"c{number}")

    @virtual
    async def test_signed_out_while_placing(self) -> None:
        """A call that the gateway takes when the session is over already does not stay."""
        bench = Bench()
        async with bench.agent as agent:
            await settle()
            bench.wire.answers["message"] = {"callId": "c9"}
            bench.wire.held["message"] = released = asyncio.Event()
            placing = asyncio.ensure_future(agent.call("1003"))
            await settle()
            bench.wire.say("SIGNED_OUT", "", cause="operator", reason="told")
            await settle()
            released.set()
            with self.assertRaisesRegex(SignedOutError, "told"):
                await placing
            await settle()
            self.assertEqual((agent.calls, bench.sounds[0].told), ((), ["closed"]))

    @virtual
    async def test_answer_of_no_use(self) -> None:
        """When the answer cannot be taken the call is ended."""
        bench = Bench()
        async with bench.agent as agent:
            bench.wire.answers["message"] = {"callId": "c9"}
            call = await agent.call("1003")
            bench.sounds[0].refuses = True
            bench.wire.say("ANSWER", "c9", sdp="fax")
            self.assertEqual((await call.ended(1.0)).cause, "local")

    @virtual
    async def test_waits_for_the_gateway(self) -> None:
        """A call that is wanted while the gateway is away is placed when it is back, or is an error in time."""
        for back in (True, False):
            bench = Bench(limits=Limits(away=20.0))
            async with bench.agent as agent:
                await settle()
                bench.wire.answers["events"] = [UnreachableError("away")] * (4 if back else 20)
                bench.wire.answers["message"] = {"callId": "c9"}
                bench.wire.say("SIGNED_OUT", "", cause="stopping")
                bench.wire.break_off()
                await settle()
                if back:
                    self.assertEqual((await agent.call("1003")).id, "c9")
                else:
                    with self.assertRaisesRegex(UnreachableError, "waited 20 s in vain for the gateway"):
                        await agent.call("1003")


class InCall(SynchronousTestCase):
    """What is done in a call."""

    @virtual
    async def test_digits(self) -> None:
        """Digits by signalling and in the media are one row; a count, an end or the time ends it."""
        bench = Bench()
        async with bench.agent:
            call = await up(bench)
            bench.wire.say("DTMF", digits="12")
            await settle()
            bench.heard("3")
            self.assertEqual(await call.digits(3, 1.0), "123")
            bench.wire.say("DTMF", digits="45#67")
            self.assertEqual([await call.digits(4, 1.0), await call.digits(4, 1.0)], ["45", "67"])
            self.assertEqual(await call.digits(1, 5.0), "")
            bench.wire.say("SHUTDOWN")
            with self.assertRaises(CallOverError):
                await call.digits(1)

    @virtual
    async def test_many_digits(self) -> None:
        """No far side fills the memory with digits."""
        bench = Bench()
        async with bench.agent:
            call = await up(bench)
            for _ in range(1000):
                bench.heard("5")
            self.assertEqual(len(await call.digits(1000, 0.1)), 128)

    @virtual
    async def test_played_until_the_end(self) -> None:
        """What is played ends with the file, or with the call, and is an error then."""
        bench = Bench()
        async with bench.agent:
            call = await up(bench)
            sound = bench.sounds[0]
            asyncio.get_running_loop().call_later(3.0, sound.playing.set)
            await call.play("a.wav")
            sound.playing.clear()
            asyncio.get_running_loop().call_later(3.0, lambda: bench.wire.say("SHUTDOWN", cause="remote"))
            with self.assertRaises(CallOverError):
                await call.play("b.wav")
            self.assertEqual(sound.told[:2], ["plays a.wav", "plays b.wav"])

    @virtual
    async def test_played_until_a_digit(self) -> None:
        """Who dials need not hear it out; the digit is there to be read. Without the wish it is heard out."""
        bench = Bench()
        async with bench.agent:
            call = await up(bench)
            loop = asyncio.get_running_loop()
            loop.call_later(3.0, lambda: bench.heard("1"))
            await call.play("a.wav", until_digit=True)
            self.assertAlmostEqual(loop.time(), 3.0, places=2)
            loop.call_later(3.0, bench.sounds[0].playing.set)
            await call.play("b.wav")
            self.assertAlmostEqual(loop.time(), 6.0, places=2)
            self.assertEqual(await call.digits(1), "1")

    @virtual
    async def test_recorded(self) -> None:
        """A recording has a limit, and ends when it is told to."""
        bench = Bench()
        async with bench.agent:
            call = await up(bench)
            call.record("a.wav")
            call.stop_recording()
            self.assertEqual(bench.sounds[0].told, ["records a.wav, 3600 s at most", "recorded"])

    @virtual
    async def test_transfer(self) -> None:
        """It is done when the far side says so; a failure leaves the call, and says why."""
        bench = Bench()
        async with bench.agent:
            call = await up(bench)
            loop = asyncio.get_running_loop()
            loop.call_later(1.0, lambda: bench.wire.say("TRANSFER", state="PROCEEDING"))
            loop.call_later(2.0, lambda: bench.wire.say("TRANSFER", state="FAILED", sipCode=486, hint="busy"))
            with self.assertRaisesRegex(TransferError, "transfer failed: 486 busy"):
                await call.transfer("1005")
            loop.call_later(1.0, lambda: bench.wire.say("TRANSFER", state="DONE"))
            loop.call_later(2.0, lambda: bench.wire.say("SHUTDOWN", cause="transferred"))
            await call.transfer("1003")
            assert call.ending is not None
            self.assertEqual(call.ending.cause, "transferred")

    @virtual
    async def test_attended(self) -> None:
        """The far sides of two calls are connected by the second one's id."""
        bench = Bench()
        async with bench.agent:
            first, second = await up(bench), await up(bench, "c2")
            asyncio.get_running_loop().call_later(1.0, lambda: bench.wire.say("SHUTDOWN"))
            with self.assertRaises(CallOverError):
                await first.transfer_to(second)
            self.assertEqual(bench.wire.of("transfer")[0]["to_call"], "c2")

    @virtual
    async def test_hold(self) -> None:
        """Hold and resume are orders; the far side's are told apart from ours."""
        bench = Bench()
        async with bench.agent:
            call = await up(bench)
            await call.hold()
            bench.wire.say("HOLD", cause="peer")
            await settle()
            self.assertEqual((call.held, call.held_by_peer), (True, True))
            with self.assertRaisesRegex(WrongStateError, "on hold"):
                await call.play("a.wav")
            await call.resume()
            self.assertEqual((call.held, call.held_by_peer), (False, True))
            await call.send_digits("12")
            self.assertEqual(bench.wire.of("dtmf")[0]["digits"], "12")

    @virtual
    async def test_gone_at_the_gateway(self) -> None:
        """An order about a call that the gateway has not any more ends it here, too."""
        bench = Bench()
        async with bench.agent:
            call = await up(bench)
            bench.wire.answers["hold"] = RefusedError(404, "unknown_call", "there is no such call")
            with self.assertRaises(CallOverError):
                await call.hold()
            self.assertTrue(call.is_over)

    @virtual
    async def test_offers_inside(self) -> None:
        """An offer inside the call is answered; without a description the gateway wants ours; a new name is noted."""
        bench = Bench()
        async with bench.agent:
            call = await up(bench)
            bench.wire.say("OFFER", sdp="again")
            bench.wire.say("OFFER")
            bench.wire.say("IDENTITY", displayName="Bob", **{"from": "5003"})
            await settle()
            sent = [(fields["messageType"], fields["sdp"]) for fields in bench.wire.of("message")[1:]]
            self.assertEqual(sent, [("ANSWER", "answer to again"), ("OFFER", "offer")])
            self.assertEqual((call.peer, call.display_name), ("5003", "Bob"))
