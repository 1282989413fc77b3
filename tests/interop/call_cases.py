"""
Calls through the gateway's API, written once for all ways to Asterisk.

This module is no ``case_*``: :mod:`tests.interop.case_calls` has the classes that trial runs.
"""

import time

from tests.interop.base import InteropCase
from tests.interop.descriptions import SEED_OFFER, chromium_offer
from tests.interop.servers import SHA256_AGENT


class RegistrationCases(InteropCase):
    """Signing in and out."""

    async def test_register(self) -> None:
        """sign_in registers the DN, sign_out removes the binding, and health counts the agent."""
        desk = await self.agent(5001)
        self.assertEqual(len(self.environment.asterisk.contacts("5001")), 1)
        health = (await desk.browser.get("/api/health")).json
        self.assertEqual((health["status"], health["registered_agents"]), ("ok", 1))
        self.assertEqual((await desk.sign_out()).code, 200)
        self.assertEqual(self.environment.asterisk.contacts("5001"), [])

    async def test_register_sha256(self) -> None:
        """A registrar that asks for SHA-256 (RFC 8760) gets it."""
        await self.agent(SHA256_AGENT)
        self.assertEqual(len(self.environment.asterisk.contacts(str(SHA256_AGENT))), 1)

    async def test_wrong_password(self) -> None:
        """A wrong password is told as 401 within two seconds."""
        started = time.monotonic()
        reply = await self.desk(5002).sign_in("wrong")
        self.assertEqual((reply.code, reply.json["code"]), (401, "registration_refused"))
        self.assertLess(time.monotonic() - started, 2.0)


class OutboundCases(InteropCase):
    """Calls that agents place."""

    async def test_echo(self) -> None:
        """1003 answers an offer that has no candidates with ICE and DTLS, and hangs up when told."""
        desk = await self.agent(5001)
        call = await desk.call("1003")
        answer = await desk.expect("ANSWER", call, moreComing=False)
        for line in ("a=ice-ufrag:", "a=fingerprint:", "a=setup:active", "a=candidate:", "a=sendrecv"):
            self.assertIn(line, answer["sdp"])
        await desk.do("hangup", call)
        shutdown = await desk.expect("SHUTDOWN", call)
        self.assertEqual(shutdown["cause"], "local")

    async def test_plain_form(self) -> None:
        """The seed's own calls: sign_in by GET, offer, poll for the answer's text, far end's hang-up as 410."""
        desk = self.desk(5001)
        browser = desk.browser
        query = {"id": desk.id, "dn": desk.dn, "password": "Genesys2024!WebRTC"}
        self.assertEqual((await browser.get("/api/webrtc/sign_in", **query)).text.strip(), "OK")
        reply = await browser.describe(chromium_offer(), desk.id, to="1003")
        self.assertEqual((reply.code, reply.text.strip()), (200, "OK"))
        reply = await browser.get("/api/webrtc/message", id=desk.id, wait=10)
        self.assertEqual((reply.code, reply.headers["x-wrtc-message"]), (200, "ANSWER"))
        self.assertTrue(reply.text.startswith("v=0\r\n"), reply.text)
        await self.asterisk("channel request hangup all")
        reply = await browser.get("/api/webrtc/message", id=desk.id, wait=10)
        self.assertEqual((reply.code, reply.json["cause"]), (410, "remote"))

    async def test_busy(self) -> None:
        """A busy number is told as ERROR with 486."""
        desk = await self.agent(5001)
        call = await desk.call("1005")
        self.assertEqual((await desk.expect("ERROR", call))["sipCode"], 486)

    async def test_unknown_number(self) -> None:
        """A number that does not exist is told as ERROR with 404."""
        desk = await self.agent(5001)
        call = await desk.call("1999")
        self.assertEqual((await desk.expect("ERROR", call))["sipCode"], 404)

    async def test_no_answer_cancelled(self) -> None:
        """A number that only rings is told as RINGING; hangup cancels the call."""
        desk = await self.agent(5001)
        call = await desk.call("1006")
        await desk.expect("RINGING", call)
        await desk.do("hangup", call)
        await desk.expect("SHUTDOWN", call, cause="local")
        await self.quiet()

    async def test_far_end_hangs_up(self) -> None:
        """The far side's BYE reaches the agent as SHUTDOWN."""
        desk = await self.agent(5001)
        call = await desk.established("1003")
        await self.asterisk("channel request hangup all")
        await desk.expect("SHUTDOWN", call, cause="remote")

    async def test_seed_offer(self) -> None:
        """The seed's test offer has neither ICE nor DTLS, nor the c= it must have: with that, Asterisk answers it."""
        desk = await self.agent(5001)
        call = await desk.call("1003", SEED_OFFER)
        answer = await desk.expect("ANSWER", call)
        self.assertIn("m=audio ", answer["sdp"])
        await desk.do("hangup", call)

    async def test_offer_that_asterisk_refuses(self) -> None:
        """An offer without a common codec is refused with 488; the agent is told the code and a text that helps."""
        desk = await self.agent(5001)
        call = await desk.call("1003", SEED_OFFER.replace("SAVPF 0 8", "SAVPF 18"))
        error = await desk.expect("ERROR", call)
        self.assertEqual(error["sipCode"], 488)
        self.assertTrue(error["hint"])

    async def test_not_a_description(self) -> None:
        """A body that is no session description is refused with 400 and does not become a call."""
        desk = await self.agent(5001)
        reply = await desk.browser.describe("hello", desk.id, to="1003")
        self.assertEqual((reply.code, reply.json["code"]), (400, "bad_input"))
        self.assertEqual(await desk.calls(), [])

    async def test_two_calls(self) -> None:
        """Two calls of one agent are told apart by their ids."""
        desk = await self.agent(5001)
        first, second = await desk.established("1003"), await desk.established("1007")
        self.assertEqual((await desk.verb("hangup")).code, 409)
        await desk.do("hangup", first)
        await desk.expect("SHUTDOWN", first)
        self.assertEqual([each["callId"] for each in await desk.calls()], [second])
        await desk.do("hangup", second)


class MidCallCases(InteropCase):
    """What happens inside a call."""

    async def test_hold_and_resume(self) -> None:
        """Hold and resume are answered when Asterisk has answered the re-INVITE, without the page's help."""
        desk = await self.agent(5001)
        call = await desk.established("1003")
        await desk.do("hold", call)
        await desk.expect("HOLD", call)
        self.assertTrue((await desk.calls())[0]["held"])
        await desk.do("resume", call)
        await desk.expect("RESUME", call)
        self.assertFalse((await desk.calls())[0]["held"])
        await desk.do("hangup", call)

    async def test_new_offer_of_the_page(self) -> None:
        """An offer of the page inside a call becomes a re-INVITE, and its answer comes as ANSWER."""
        desk = await self.agent(5001)
        call = await desk.established("1003")
        reply = await desk.browser.describe(chromium_offer(), desk.id, call=call)
        self.assertEqual(reply.code, 200, reply)
        answer = await desk.expect("ANSWER", call)
        self.assertIn("a=ice-ufrag:", answer["sdp"])
        await desk.do("hangup", call)

    async def test_dtmf(self) -> None:
        """Digits sent by INFO are read by Asterisk."""
        desk = await self.agent(5001)
        pbx = self.environment.asterisk
        before = len(pbx.digits_read())
        call = await desk.established("1007")
        await desk.do("dtmf", call, digits="1234", duration=100, gap=80)
        await self.eventually("the digits in Asterisk", lambda: pbx.digits_read()[before:] == ["1234"])
        await desk.do("hangup", call)


class TransferCases(InteropCase):
    """Transfers by REFER."""

    async def test_blind_transfer(self) -> None:
        """The colleague is transferred to 1004, the transferer's call ends, its progress is told."""
        caller, colleague = await self.agent(5001), await self.agent(5002)
        call = await caller.call("5002")
        taken = await colleague.take()
        await caller.expect("ANSWER", call, moreComing=False)
        await caller.do("transfer", call, to="1004")
        await caller.expect("TRANSFER", call, state="DONE")
        await caller.expect("SHUTDOWN", call)
        pbx = self.environment.asterisk
        await self.eventually("the colleague at 1004", lambda: "!1004!" in pbx.cli("core show channels concise"))
        self.assertEqual([each["callId"] for each in await colleague.calls()], [taken["callId"]])
        await colleague.do("hangup", taken["callId"])

    async def test_blind_transfer_that_fails(self) -> None:
        """Asterisk cannot transfer a call to Echo(): the failure is told and the call goes on."""
        desk = await self.agent(5001)
        call = await desk.established("1003")
        await desk.do("transfer", call, to="1004")
        failed = await desk.expect("TRANSFER", call, state="FAILED")
        self.assertGreaterEqual(failed["sipCode"], 400)
        await desk.do("hold", call)
        await desk.do("hangup", call)

    async def test_attended_transfer(self) -> None:
        """Two colleagues are joined by Replaces, the transferer is out of both calls."""
        caller, second, third = await self.agent(5001), await self.agent(5002), await self.agent(5003)
        first_call = await caller.call("5002")
        taken_by_second = await second.take()
        await caller.expect("ANSWER", first_call, moreComing=False)
        await caller.do("hold", first_call)
        second_call = await caller.call("5003")
        taken_by_third = await third.take()
        await caller.expect("ANSWER", second_call, moreComing=False)
        await caller.do("transfer", first_call, to_call=second_call)
        await caller.expect("TRANSFER", first_call, state="DONE")
        pbx = self.environment.asterisk
        await self.eventually(
            "only the two colleagues in the call",
            lambda: sorted(name.split("-")[0] for name in pbx.channels()) == ["PJSIP/5002", "PJSIP/5003"],
        )
        self.assertEqual(await caller.calls(), [])
        await second.do("hangup", taken_by_second["callId"])
        await third.expect("SHUTDOWN", taken_by_third["callId"], cause="remote")


class InboundCases(InteropCase):
    """Calls that come to agents."""

    async def test_answered(self) -> None:
        """An incoming call is offered, answered, held and hung up by the agent."""
        desk = await self.agent(5001)
        originated = self.originate(5001)
        offer = await desk.take()
        await originated
        self.assertEqual(len(self.environment.asterisk.channels()), 1)
        await desk.do("hold", offer["callId"])
        await desk.do("hangup", offer["callId"])

    async def test_answered_and_ended_by_the_caller(self) -> None:
        """The caller's BYE finds the agent."""
        desk = await self.agent(5001)
        originated = self.originate(5001)
        offer = await desk.take()
        await originated
        await self.asterisk("channel request hangup all")
        await desk.expect("SHUTDOWN", offer["callId"], cause="remote")

    async def test_rejected(self) -> None:
        """A rejected call ends at the caller's side too."""
        desk = await self.agent(5001)
        originated = self.originate(5001)
        offer = await desk.expect("OFFER")
        await desk.do("reject", offer["callId"])
        await originated
        await self.quiet()

    async def test_cancelled_by_the_caller(self) -> None:
        """A call that the caller gives up before it is answered is told as ended."""
        desk = await self.agent(5001)
        originated = self.originate(5001)
        offer = await desk.expect("OFFER")
        await self.asterisk("channel request hangup all")
        await desk.expect("SHUTDOWN", offer["callId"])
        await originated
        reply = await desk.verb("answer", offer["callId"], sdp=chromium_offer())
        self.assertEqual(reply.code, 404)

    async def test_agent_to_agent(self) -> None:
        """One agent calls another, who answers and hangs up; the caller sees a ringing and a busy colleague."""
        caller, callee = await self.agent(5001), await self.agent(5002)
        call = await caller.call("5002")
        await caller.expect("RINGING", call)
        taken = await callee.take()
        self.assertIn("5001", taken["from"])
        await caller.expect("ANSWER", call, moreComing=False)
        await callee.do("hangup", taken["callId"])
        await caller.expect("SHUTDOWN", call, cause="remote")
        call = await caller.call("5002")
        await callee.do("reject", (await callee.expect("OFFER"))["callId"])
        self.assertEqual((await caller.expect("ERROR", call))["sipCode"], 486)


class CallCases(RegistrationCases, OutboundCases, MidCallCases, TransferCases, InboundCases):
    """All of them."""
