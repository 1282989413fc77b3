"""From the HTTP client to the far side and back: the API, the gateway, a real WebSocket, and the demo PBX."""

import io
import os
import sys

import treq
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.utils import getProcessOutputAndValue
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SkipTest
from twisted.web.http_headers import Headers

from tests.demo.test_sessiontext import SEED_OFFER
from tests.support import sdptext as sdp
from tests.support.endtoend import LIMIT, EndToEndCase, Page, until
from wrtcgw import client
from wrtcgw.calls.stats import Media, Stats
from wrtcgw.clientlib.api import RefusedError
from wrtcgw.clientlib.output import Exit
from wrtcgw.demo.extensions import DEMO_PASSWORD
from wrtcgw.demo.media import MediaUnavailableError, open_media


class SessionTests(EndToEndCase):
    """Coming and going."""

    async def test_sign_in_and_out(self) -> None:
        """Health counts an agent from sign_in to sign_out, and the PBX knows where it is only then."""
        (page,) = await self.signed_in("5001")
        self.assertEqual((await page.api.health())["registered_agents"], 1)
        self.assertIsNotNone(self.pbx.registrar.binding("5001", reactor.seconds()))
        await page.close()
        await page.api.sign_out()
        self.assertEqual((await page.api.health())["registered_agents"], 0)
        self.assertIsNone(self.pbx.registrar.binding("5001", reactor.seconds()))

    async def test_wrong_password(self) -> None:
        """A wrong password gives 401 within two seconds, and nobody is signed in."""
        began = reactor.seconds()
        refused = await self.assertFails(self.page("5001").api.sign_in("5001", "wrong"), RefusedError)
        self.assertEqual(getattr(refused, "status", 0), 401)
        self.assertLess(reactor.seconds() - began, 2.0)

    async def test_foreign_session(self) -> None:
        """Who has another agent's session cannot read this agent's messages."""
        one, two = await self.signed_in("5001", "5002")
        two.api.agent_id = one.api.agent_id
        refused = await self.assertFails(two.api.next_event(0), RefusedError)
        self.assertIn(getattr(refused, "status", 0), (401, 403))
        two.api.agent_id = "agent5002"

    async def test_seed_lines(self) -> None:
        """The seed document's curl lines give OK, OK and a plain answer in kind, and sign_out gives OK."""
        http = self.http()
        base = f"{self.url}/api/webrtc"

        async def text(method: str, path: str, body: bytes = b"") -> tuple[int, str]:
            headers = Headers({"Content-Type": ["text/plain"]} if body else {})
            response = await http.request(method, f"{base}/{path}", headers=headers, data=body)
            return response.code, await treq.text_content(response)

        self.assertEqual(await text("GET", f"sign_in?id=agent123&dn=5001&password={DEMO_PASSWORD}"), (200, "OK"))
        self.assertEqual(await text("POST", "message?from=agent123&to=1003", SEED_OFFER.encode()), (200, "OK"))
        status, answer = await text("GET", "message?id=agent123&wait=10")
        self.assertEqual(status, 200)
        sdp.check(answer)
        self.assertIn("m=audio 9 UDP/TLS/RTP/SAVPF 0 8\r\n", answer)
        self.assertEqual(await text("GET", "sign_out?id=agent123"), (200, "OK"))


class CallTests(EndToEndCase):
    """Calls to the numbers that the PBX answers itself."""

    async def prepare(self) -> None:
        await super().prepare()
        (self.ann_,) = await self.signed_in("5001")

    async def test_echo(self) -> None:
        """A call to 1003 is answered; hanging up ends it at the PBX."""
        page = self.ann_
        call = await page.connect("1003")
        self.assertEqual((await page.api.health())["active_calls"], 1)
        self.assertEqual(len(self.pbx.switchboard.legs), 1)
        self.assertEqual(await page.api.control("hangup", call), "200 OK")
        await page.event("SHUTDOWN", call)
        self.assertEqual(self.pbx.switchboard.legs, {})

    async def test_quality_in_the_log(self) -> None:
        """What the page reports of the call stands in the log's line of its end."""
        call = await self.ann_.connect("1003")
        self.parts.gateway.report_stats("agent5001", call, Stats(audio=Media(codec="opus", rtt=42)))
        with capturedLogs() as logged:
            await self.ann_.api.control("hangup", call)
            await self.ann_.event("SHUTDOWN", call)
        ends = [text for event in logged if "ended (local)" in (text := formatEvent(event))]
        self.assertEqual([("audio: opus, rtt 42 ms" in text, call in text) for text in ends], [(True, True)])

    async def test_failures(self) -> None:
        """Busy, unknown and absent numbers are told with their SIP codes."""
        for number, code in (("1005", 486), ("1999", 404), ("5009", 480)):
            event = await self.ann_.event("ERROR", await self.ann_.call(number))
            self.assertEqual((event.code, event.state), (code, "ENDED"))

    async def test_cancel(self) -> None:
        """A call that rings is cancelled."""
        call = await self.ann_.call("1006")
        await self.ann_.event("RINGING", call)
        await self.ann_.api.control("hangup", call)
        await self.ann_.event("SHUTDOWN", call)
        self.assertEqual(self.pbx.switchboard.legs, {})

    async def test_hold_and_resume(self) -> None:
        """Hold and resume reach the PBX as re-INVITEs, without work for the page."""
        call = await self.ann_.connect("1003")
        (leg,) = self.pbx.switchboard.legs.values()
        self.assertEqual(await self.ann_.api.control("hold", call), "200 OK")
        self.assertEqual(leg.direction, "sendonly")
        self.assertEqual(await self.ann_.api.control("resume", call), "200 OK")
        self.assertEqual(leg.direction, "sendrecv")

    async def test_digits(self) -> None:
        """Digits reach 1007 one by one and in order."""
        call = await self.ann_.connect("1007")
        await self.ann_.api.control("dtmf", call, digits="12#", duration="40", gap="30")
        self.assertEqual(self.pbx.switchboard.digits, ["1", "2", "#"])

    async def test_refused_transfer(self) -> None:
        """A transfer that the PBX does not carry out is told, and the call goes on."""
        call = await self.ann_.connect("1003")
        await self.ann_.api.control("transfer", call, to="1004")
        event = await self.ann_.event("TRANSFER", call, "FAILED")
        self.assertEqual(event.code, 400)
        self.assertIn("cannot transfer this call", event.hint)
        self.assertEqual(await self.ann_.api.control("hold", call), "200 OK")

    async def test_lost_connection(self) -> None:
        """A call outlives the loss of the connection to the PBX, and can be ended over the next one."""
        call = await self.ann_.connect("1003")
        (connection,) = self.pbx.connections
        connection.transport.abortConnection()
        await until(lambda: not self.parts.agent.flows_up, "loss noticed")
        await until(lambda: self.parts.agent.flows_up, "connected again")
        await until(lambda: self.pbx.registrar.binding("5001", reactor.seconds()), "registered again")
        self.assertEqual(await self.ann_.api.control("hangup", call), "200 OK")
        self.assertEqual(self.pbx.switchboard.legs, {})


class AgentToAgentTests(EndToEndCase):
    """Calls between agents of one gateway."""

    async def prepare(self) -> None:
        await super().prepare()
        self.ann, self.bob, self.cid = await self.signed_in("5001", "5002", "5003")

    async def connected(self, caller: Page, called: Page) -> tuple[str, str]:
        """Let one agent call the other; return the call's ids at both."""
        ours = await caller.call(called.dn)
        theirs = await called.answer()
        await caller.event("ANSWER", ours)
        return ours, theirs

    async def test_call(self) -> None:
        """The called agent sees who calls and answers; its hanging up is told to the caller."""
        ours = await self.ann.call("5002")
        offer = await self.bob.event("OFFER")
        self.assertIn("5001", offer.sender)
        await self.ann.event("RINGING", ours)
        await self.bob.api.describe(offer.call_id, await self.bob.sound.answer(offer.sdp or ""))
        await self.ann.event("ANSWER", ours)
        await self.bob.api.control("hangup", offer.call_id)
        await self.ann.event("SHUTDOWN", ours)

    async def test_reject(self) -> None:
        """The caller hears the code of a rejection."""
        ours = await self.ann.call("5002")
        offer = await self.bob.event("OFFER")
        await self.bob.api.control("reject", offer.call_id, code="603")
        self.assertEqual((await self.ann.event("ERROR", ours)).code, 603)

    async def test_cancelled_by_the_caller(self) -> None:
        """A caller who gives up ends the ringing at the called agent."""
        ours = await self.ann.call("5002")
        offer = await self.bob.event("OFFER")
        await self.ann.api.control("hangup", ours)
        self.assertEqual((await self.bob.event("SHUTDOWN", offer.call_id)).reason, "cancelled")

    async def test_hold_is_told(self) -> None:
        """Hold and resume are told to the other agent."""
        ours, theirs = await self.connected(self.ann, self.bob)
        for verb, kind in (("hold", "HOLD"), ("resume", "RESUME")):
            await self.ann.api.control(verb, ours)
            self.assertEqual((await self.bob.event(kind, theirs)).reason, "peer")

    async def test_digits_are_told(self) -> None:
        """Digits of one agent are told to the other."""
        ours, theirs = await self.connected(self.ann, self.bob)
        await self.ann.api.control("dtmf", ours, digits="7", duration="40")
        await self.bob.event("DTMF", theirs)

    async def test_blind_transfer(self) -> None:
        """Ann transfers Bob to Cid and is out; Bob and Cid are connected."""
        ours, theirs = await self.connected(self.ann, self.bob)
        await self.ann.api.control("transfer", ours, to="5003")
        cids = await self.cid.answer()
        await self.ann.event("TRANSFER", ours, "DONE")
        await self.ann.event("SHUTDOWN", ours)
        await self.bob.api.control("hangup", theirs)
        await self.cid.event("SHUTDOWN", cids)

    async def test_blind_transfer_to_a_busy_number(self) -> None:
        """Ann is told that the target is busy and talks to Bob as before."""
        ours, theirs = await self.connected(self.ann, self.bob)
        await self.ann.api.control("transfer", ours, to="1005")
        self.assertEqual((await self.ann.event("TRANSFER", ours, "FAILED")).code, 486)
        await self.ann.api.control("hangup", ours)
        await self.bob.event("SHUTDOWN", theirs)

    async def test_attended_transfer(self) -> None:
        """Ann consults Cid, connects Bob with him, and is out of both calls."""
        ours, theirs = await self.connected(self.ann, self.bob)
        await self.ann.api.control("hold", ours)
        second, cids = await self.connected(self.ann, self.cid)
        await self.ann.api.control("transfer", ours, to_call=second)
        await self.ann.event("TRANSFER", ours, "DONE")
        for call in (ours, second):
            await self.ann.event("SHUTDOWN", call)
        await self.bob.event("RESUME", theirs)
        await self.cid.api.control("hangup", cids)
        await self.bob.event("SHUTDOWN", theirs)

    async def test_sign_out_ends_calls(self) -> None:
        """Signing out ends the agent's calls; the other side is told."""
        _, theirs = await self.connected(self.ann, self.bob)
        await self.ann.close()
        await self.ann.api.sign_out()
        await self.bob.event("SHUTDOWN", theirs)


class ClientCase(EndToEndCase):
    """Runs ``wrtcgw-client``."""

    async def run_client(self, *arguments: str) -> tuple[Exit, str]:
        """Run the command in this process; return its exit code and what it printed."""
        options = client.parser().parse_args(["--url", self.url, "--patience", f"{LIMIT:g}", *arguments])
        stream = io.StringIO()
        code = await client.walk(reactor, options, client.plan_of(options, options.password), stream)
        return code, stream.getvalue()


class ClientTests(ClientCase):
    """``wrtcgw-client`` against the gateway."""

    async def test_signalling(self) -> None:
        """Without media it walks through digits, hold and resume, and says what it did."""
        code, text = await self.run_client(
            "--dn", "5001", "--password", DEMO_PASSWORD, "--call", "1007", "--dtmf", "12", "--hold", "--talk", "0.2"
        )
        self.assertEqual(code, Exit.OK, text)
        self.assertEqual(self.pbx.switchboard.digits, ["1", "2"])
        for step in ("sign in as 5001", "call 1007", "send 12", "hold", "resume", "talk 0.2 s", "hang up", "sign out"):
            self.assertIn(step, text)

    async def test_exit_codes(self) -> None:
        """Each kind of failure has its code; an expected one is none."""
        for arguments, expected in (
            (["--password", "wrong"], Exit.SIGN_IN_FAILED),
            (["--password", DEMO_PASSWORD, "--call", "1005"], Exit.CALL_FAILED),
            (["--password", DEMO_PASSWORD, "--call", "1005", "--expect", "486"], Exit.OK),
            (["--password", DEMO_PASSWORD, "--call", "1003", "--expect", "486"], Exit.CALL_FAILED),
            (["--password", DEMO_PASSWORD, "--call", "1003", "--transfer", "1004"], Exit.CALL_FAILED),
            (["--password", DEMO_PASSWORD], Exit.OK),
        ):
            code, text = await self.run_client("--dn", "5001", *arguments)
            self.assertEqual(code, expected, text)
            self.assertEqual((await self.page("5001").api.health())["registered_agents"], 0)

    async def test_waits_and_transfers(self) -> None:
        """It answers a call; the caller's transfer of it is followed."""
        (ann,) = await self.signed_in("5001")
        waiting = Deferred.fromCoroutine(
            self.run_client("--dn", "5002", "--password", DEMO_PASSWORD, "--wait", "--talk", "60")
        )
        await until(lambda: self.pbx.registrar.binding("5002", reactor.seconds()), "client signed in")
        call = await ann.connect("5002")
        await ann.api.control("hangup", call)
        code, text = await waiting
        self.assertEqual(code, Exit.CALL_FAILED, text)
        self.assertIn("from 5001, answered", text)
        self.assertIn("the far side has hung up", text)

    async def test_attended_transfer(self) -> None:
        """It consults a second number and connects the two."""
        (bob,) = await self.signed_in("5002")
        walking = Deferred.fromCoroutine(
            self.run_client("--dn", "5001", "--password", DEMO_PASSWORD, "--call", "5002", "--consult", "1003")
        )
        theirs = await bob.answer()
        code, text = await walking
        self.assertEqual(code, Exit.OK, text)
        await bob.event("RESUME", theirs)
        (leg,) = self.pbx.switchboard.legs.values()
        self.assertEqual((leg.number, leg.extension), ("5002", "1003"))

    async def test_as_a_process(self) -> None:
        """The command itself takes the password from the environment, and its exit code is the process's."""
        environment = {**os.environ, "WRTCGW_PASSWORD": DEMO_PASSWORD, "PYTHONPATH": os.pathsep.join(sys.path)}
        for number, expected in (("1003", Exit.OK), ("1005", Exit.CALL_FAILED)):
            arguments = ["-m", "wrtcgw.client", "--url", self.url, "--dn", "5001", "--call", number]
            output, errors, code = await getProcessOutputAndValue(sys.executable, arguments, environment)
            self.assertEqual(code, expected, (output, errors))
            self.assertIn("sign in as 5001", output.decode())


class MediaTests(ClientCase):
    """With real media by aiortc."""

    with_media = True

    async def prepare(self) -> None:
        try:
            await open_media(reactor).stop()  # type: ignore[arg-type]
        except MediaUnavailableError as error:
            raise SkipTest(str(error)) from error
        await super().prepare()

    async def test_own_tone(self) -> None:
        """A call to 1003 hears its own tone; not while on hold; and again after resume."""
        code, text = await self.run_client(
            "--dn", "5001", "--password", DEMO_PASSWORD, "--call", "1003", "--media", "--hold"
        )
        self.assertEqual(code, Exit.OK, text)
        self.assertIn("hear 440 Hz again", text)

    async def test_agents_hear_each_other(self) -> None:
        """Two callers in one call hear each other's tone, also after one was transferred to the echo."""
        common = ("--password", DEMO_PASSWORD, "--media")
        waiting = Deferred.fromCoroutine(self.run_client("--dn", "5002", "--wait", "--hold", *common))
        await until(lambda: self.pbx.registrar.binding("5002", reactor.seconds()), "client signed in")
        code, text = await self.run_client("--dn", "5001", "--call", "5002", "--transfer", "1003", *common)
        self.assertEqual(code, Exit.OK, text)
        code, text = await waiting
        self.assertEqual(code, Exit.OK, text)

    async def test_no_tone(self) -> None:
        """A call that is silent ends with the code for no media."""
        code, text = await self.run_client(
            "--dn", "5001", "--password", DEMO_PASSWORD, "--call", "1007", "--media", "--patience", "1"
        )
        self.assertEqual(code, Exit.NO_MEDIA, text)
