"""
What a desktop's clicks do to a page of the Genesys dialect, in real time; written once for all kinds of gateway.

Nothing here asserts how long something took: ``report`` is told what was measured. The times that have to be kept are
asserted in virtual time (:mod:`tests.scenarios.test_sipserver_scenarios`).
"""

from twisted.trial.unittest import TestCase

from tests.support import sdptext as sdp
from tests.support.desktop import MAKE_CALL, answer_from_desktop, make_call, make_call_refused
from tests.support.endtoend import until
from tests.support.grtcpage import CallState, GrtcPage
from tests.support.grtcversions import V25, V34, Version
from tests.support.sipserver import FIRST, HELD, OFFER, ServerCall, SIPServer, session
from wrtcgw.sip.message import Request

DN = "5001"
THINKING = 0.2
"""Seconds until the agent clicks; the trace has 2.9."""
OTHER_SIDE = 1.2
"""Seconds until the other party of a call answers; long enough for the 200 to come twice."""


def mirroring(call: ServerCall, request: Request) -> None:
    """Accept a re-INVITE of the gateway with the direction that its offer allows, for ``on_invite``."""
    direction = sdp.mirrored(sdp.direction(request.body))
    call.respond(request, 200, sdp.with_direction(session("0 101", version=10 + request.cseq.number), direction))


class DesktopCase(TestCase):
    """A gateway between a SIP Server and a page that is registered as 5001."""

    server: SIPServer

    async def page(self, version: Version = V34) -> GrtcPage:
        """Load a page and register it."""
        raise NotImplementedError

    def report(self, text: str) -> None:
        """Take what was measured."""
        raise NotImplementedError

    # -- looking

    def measured(self, what: str, call: ServerCall, *pairs: tuple[str, str]) -> None:
        """Report how long the gateway took from one message of a call to another."""
        spans = (f"{start} -> {end}: {1000 * (call.at(end) - call.at(start)):.1f} ms" for start, end in pairs)
        self.report(f"{what}: {'; '.join(spans)}")

    def assertSaid(self, call: ServerCall, *lines: str) -> None:
        """Check all messages of a call in their order."""
        self.assertEqual([str(line)[8:] for line in call.trace], list(lines), call.ladder())

    async def reinvited(self, call: ServerCall, text: str | None, answer: str = "") -> str:
        """Let the SIP Server send a re-INVITE and the ACK; return the description in the 200."""
        call.reinvite(text)
        response = await call.response("INVITE", 200)
        call.ack(answer)
        return response.body

    async def ended(self, call: ServerCall, page: GrtcPage) -> None:
        """Let the SIP Server hang up; the page is told and free again."""
        call.bye()
        await call.response("BYE", 200)
        await page.event("onPeerClosing")
        self.assertIs(page.call_state, CallState.IDLE)

    async def answered(self, page: GrtcPage) -> ServerCall:
        """Return a call that was answered at the desktop, after the re-INVITE that joins its legs."""
        call = await answer_from_desktop(self.server, DN, THINKING)
        await page.event("onRemoteStream")
        call.on_invite = mirroring
        return call


class DesktopCalls(DesktopCase):
    """The flows of docs/third-party-call-control.md that take no more than some seconds."""

    async def test_answered_at_the_desktop(self) -> None:
        """2.2, each version with EVENT-TALK: the desktop's click answers; joining the legs is not its concern."""
        for version in (V25, V34):
            page = await self.page(version)
            call = await answer_from_desktop(self.server, DN, THINKING)
            await page.event("onRemoteStream")
            self.assertSaid(
                call,
                "> INVITE 1 sdp",
                "< 180 INVITE 1",
                "> NOTIFY 2 talk",
                "< 200 NOTIFY 2",
                "< 200 INVITE 1 sdp",
                "> ACK 1",
                "> INVITE 3",
                "< 200 INVITE 3 sdp",
                "> ACK 3 sdp",
            )
            first, second = call.found("200 INVITE 1 sdp").body, call.found("200 INVITE 3 sdp").body
            self.assertEqual(sdp.origin_version(second), sdp.origin_version(first) + 1)
            self.assertEqual([text.split(" ")[0].rstrip() for text, _ in page.heard[:2]], ["SDP", "EVENT-TALK"])
            self.measured(
                f"2.2, {version.name}",
                call,
                ("INVITE 1 sdp", "180 INVITE 1"),
                ("NOTIFY 2 talk", "200 NOTIFY 2"),
                ("NOTIFY 2 talk", "200 INVITE 1 sdp"),
                ("INVITE 3", "200 INVITE 3 sdp"),
            )
            await self.ended(call, page)
            page.disconnect()

    async def test_called_from_the_desktop(self) -> None:
        """2.3: INVITE without SDP, talk in the moment of the 180; the ACK that comes late has the answer."""
        page = await self.page()
        call = await make_call(self.server, DN, OTHER_SIDE)
        await page.event("onRemoteStream")
        self.assertEqual(
            call.lines()[:5], ["INVITE 1", "180 INVITE 1", "NOTIFY 2 talk", "200 NOTIFY 2", "200 INVITE 1 sdp"]
        )
        self.assertGreater(call.lines().count("200 INVITE 1 sdp"), 1)
        self.assertEqual([text.split(" ")[0].rstrip() for text, _ in page.heard], ["INVITE", "EVENT-TALK", "SDP"])
        pairs = (("180 INVITE 1", "200 NOTIFY 2"), ("NOTIFY 2 talk", "200 INVITE 1 sdp"))
        self.measured("2.3", call, *pairs)
        await self.ended(call, page)

    async def test_other_side_refuses(self) -> None:
        """2.3 with another side that says 403: ACK and BYE at once, and the page is free for the next call."""
        page = await self.page()
        call = await make_call_refused(self.server, DN, THINKING, 403, "Forbidden")
        await page.event("onPeerClosing")
        self.assertEqual(call.lines()[-1], "200 BYE 3")
        await self.ended(await self.answered(page), page)

    async def test_hold_and_talk(self) -> None:
        """NOTIFY hold holds by a re-INVITE of the page, NOTIFY talk resumes."""
        page = await self.page()
        call = await self.answered(page)
        for event, number, direction in (("hold", 4, "inactive"), ("talk", 5, "sendrecv")):
            call.notify(event)
            await call.response("NOTIFY", 200)
            wanted = f"INVITE {number - 3} sdp"
            line = await call.line(lambda line: line.theirs and line.text == wanted, wanted)  # noqa: B023
            self.assertEqual(sdp.direction(line.message.body), direction)
            await call.line(lambda line: line.theirs and line.text == f"ACK {number - 3}", "ACK")  # noqa: B023
            self.measured(f"NOTIFY {event}", call, (f"NOTIFY {number} {event}", f"200 NOTIFY {number}"))
            await until(lambda: page.session and page.session.state.value == "established", "the page's answer")
        self.assertEqual(
            [event.data for event in page.fired if event.name == "onNotifyEvent"], ["talk", "hold", "talk"]
        )
        self.assertFalse(page.on_hold)
        await self.ended(call, page)

    async def test_hold_and_retrieve(self) -> None:
        """NOTIFY hold holds, a re-INVITE that talks is answered by the page, and so ends the hold."""
        page = await self.page()
        call = await self.answered(page)
        call.notify("hold")
        await call.line(lambda line: line.theirs and line.text == "ACK 1", "ACK")
        await until(lambda: page.session and page.session.state.value == "established", "the page's answer")
        answer = await self.reinvited(call, session("0 101", version=5))
        self.assertEqual(sdp.direction(answer), "sendrecv")
        await self.ended(call, page)

    async def test_held_by_the_server(self) -> None:
        """c=0.0.0.0 holds, a re-INVITE without SDP retrieves; the page stays in its call."""
        page = await self.page()
        call = await self.answered(page)
        for version in (3, 5):
            answer = await self.reinvited(call, HELD.replace("20518 3 ", f"20518 {version} "))
            self.assertEqual(sdp.direction(answer), "recvonly")
            offer = await self.reinvited(call, None, session("0 101", version=version + 1))
            self.assertEqual(sdp.direction(offer), "sendrecv")
        self.measured("retrieve", call, ("INVITE 5", "200 INVITE 5 sdp"))
        self.assertIs(page.call_state, CallState.CONNECTED)
        await self.ended(call, page)

    async def test_info(self) -> None:
        """Data for the SIP Server and for the other agent arrive as they are; what that one sends comes to the page."""
        page = await self.page()
        call = await self.answered(page)
        for mapped, kind in ((False, "application/octet-stream"), (True, "application/x-www-form-urlencoded")):
            page.send_info({"note": "Grüße, a=b"}, mapped=mapped)
            info = await call.line(lambda line: line.theirs and line.message.content_type == kind, kind)  # noqa: B023
            self.assertEqual(info.message.body, "note=Gr%C3%BC%C3%9Fe%2C+a%3Db")
        call.request("INFO", "reply=ja", [("Content-Type", "application/octet-stream")])
        await call.response("INFO", 200)
        self.assertEqual(await page.event("onInfoFromPeer"), {"reply": "ja"})
        await self.ended(call, page)

    async def test_busy(self) -> None:
        """A DN whose page has a call is busy for every other one, with and without SDP, and the call goes on."""
        page = await self.page()
        call = await self.answered(page)
        for text, fields in ((OFFER, FIRST), (None, MAKE_CALL)):
            other = self.server.invite(DN, text, "1004", fields)
            await other.response("INVITE", 486)
            self.assertEqual(other.lines(theirs=True), ["486 INVITE 1"])
        self.assertIs(page.call_state, CallState.CONNECTED)
        await self.ended(call, page)

    async def test_caller_gives_up(self) -> None:
        """CANCEL ends the ringing, also of a call whose talk is on its way to the page; the next one is answered."""
        page = await self.page()
        for talks in (0, 1):
            call = self.server.invite(DN)
            await call.response("INVITE", 180)
            await page.event("onIncomingCall")  # of a call that has gone before its poll the page hears nothing
            for _ in range(talks):
                call.notify("talk")
            call.cancel()
            await call.response("CANCEL", 200)
            await call.response("INVITE", 487)
            await page.event("onPeerClosing")
        self.assertIs(page.call_state, CallState.IDLE)
        await self.ended(await self.answered(page), page)
