"""A bot at a gateway that the test plays, in virtual time: what comes, what is lost, what comes back."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.agentclient.fakes import Bench, settle
from tests.support.asyncloop import run
from wrtcgw.agentclient import (
    Call,
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


def virtual(test: Callable[[Any], Coroutine[Any, Any, None]]) -> Callable[[Any], None]:
    """Run a test in virtual time."""

    @wraps(test)
    def wrapped(self: Any) -> None:
        run(test(self))

    return wrapped


async def incoming(bench: Bench, call: str = "c1") -> Call:
    """Let a call come, and return it."""
    bench.wire.say(
        "OFFER", call, sdp="their offer", displayName="Ann", data=[{"key": "k", "value": "v"}], **{"from": "5002"}
    )
    return await bench.agent.incoming(1.0)


async def up(bench: Bench, call: str = "c1") -> Call:
    """Return a call that is answered."""
    found = await incoming(bench, call)
    await found.answer()
    return found


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
    from tests.agentclient.fakes import FakeSound  # noqa: PLC0415

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
