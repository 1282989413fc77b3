"""
Pages written for the vendor's library, and one in the shape of the project's first document, with our ``/grtc.js``.

They are in ``data/``: a visitor who clicks to call, the desktop of an agent, and the first document's lines. Each lies
at an origin of its own, as such pages do, and loads the library from the gateway.
"""

import json
import os
import signal

from tests.interop.chromium import Tab
from tests.interop.processes import free_ports
from tests.interop.servers import PASSWORD
from tests.interop.vendor_page import CONNECTION, VendorCase

FORM = "application/x-www-form-urlencoded"


class VisitorPage(VendorCase):
    """Click-to-call from an anonymous visitor."""

    async def talking(self) -> Tab:
        """Load the page, and let it call the echo."""
        tab = await self.load("vendor_visitor.html")
        await self.click(tab, "call")
        await self.shows(tab, "talking")
        await self.hears(tab, CONNECTION)
        return tab

    async def test_call(self) -> None:
        """A visitor hears the echo; what the page's filter dropped was not sent; hanging up ends the call."""
        tab = await self.load("vendor_visitor.html")
        sent = await self.posts(tab)
        await self.click(tab, "call")
        await self.shows(tab, "talking")
        await self.hears(tab, CONNECTION)
        await self.until(tab, "() => document.getElementById('remoteAudio').currentTime > 0")
        offer = sent[0]
        asked = await tab.evaluate("() => offered")
        self.assertIn(" udp ", "".join(asked))
        self.assertEqual([each for each in asked if " tcp " in each and each in offer], [])
        self.assertTrue(all(each in offer for each in asked if " tcp " not in each and " 192.168." not in each))
        await self.click(tab, "hangUp")
        await self.gone("calls/active")
        self.assertEqual(await tab.evaluate("() => [grtcClient.callState, grtcSession.state]"), [0, "new"])

    async def test_data(self) -> None:
        """What the page attaches arrives at the agent as it is: commas, quotes, UTF-8, a long token; and back."""
        agent, visitor = await self.agent(5002), await self.load("vendor_visitor.html")
        await visitor.evaluate("() => { document.getElementById('number').value = '5002' }")
        await self.click(visitor, "call")
        await self.shows(visitor, "talking")
        for tab in (visitor, agent):
            await self.hears(tab, CONNECTION)
        data = await agent.evaluate("() => grtcSession.getData()")
        self.assertEqual([each["key"] for each in data], ["customer", "token"])
        self.assertEqual(json.loads(data[0]["value"])["name"], 'Grüße, "Ann" O\'Neil')
        self.assertEqual(json.loads(data[0]["value"])["顧客"], "🐦 100 %")
        self.assertGreater(len(data[1]["value"]), 2000)
        reply = [{"key": "agent", "value": 'Jürgen, team "B"'}]
        self.assertEqual(await visitor.evaluate("() => grtcSession.getData()"), reply)
        await self.click(agent, "end")
        await self.shows(visitor, "idle")

    async def test_too_much_data(self) -> None:
        """Data that are too much cost no call: the largest are left out, and the console says so."""
        agent, visitor = await self.agent(5002), await self.agent(5001)
        for complaint in ("400", "huge is not sent"):
            visitor.console.expect(complaint)
        code = """() => {
            grtcSession.setData([{ key: "huge", value: "x".repeat(20000) }, { key: "small", value: "a, b" }]);
            grtcSession.makeOffer("5002");
        }"""
        await visitor.evaluate(code)
        await self.shows(visitor, "talking")
        data = await agent.evaluate("() => grtcSession.getData()")
        self.assertEqual(data, [{"key": "small", "value": "a, b"}])

    async def test_nobody_answers(self) -> None:
        """After noanswer_timeout the page is told, and ends the call."""
        tab = await self.load("vendor_visitor.html")
        await tab.evaluate("() => { document.getElementById('number').value = '1006' }")
        await self.click(tab, "call")
        await self.until(tab, "() => grtcSession.state === 'offer-sent'")
        await self.shows(tab, "nobody answers")
        await self.gone("calls/active")
        self.assertEqual(await self.times(tab, "idle"), 0)

    async def test_busy(self) -> None:
        """A refused call is told as an error and as the peer's end."""
        tab = await self.load("vendor_visitor.html")
        await tab.evaluate("() => { document.getElementById('number').value = '1005' }")
        await self.click(tab, "call")
        await self.shows(tab, "idle")
        self.assertEqual(await self.times(tab, "error: REFUSED"), 1)

    async def test_ice_disconnected(self) -> None:
        """While gateway and PBX are frozen the media fail: the page is told, makes an offer, and the call goes on."""
        tab = await self.talking()
        pid = self.gateway.server.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            await self.until(tab, f"() => {CONNECTION}.connectionState === 'disconnected'")
            for _ in range(2):  # Chromium takes its time
                await self.pause(10)
            await self.shows(tab, "reconnecting")
        finally:
            os.kill(pid, signal.SIGCONT)
        await self.sounds_again(tab)
        self.assertTrue(await tab.evaluate("() => grtcSession.isEstablished()"))
        self.assertFalse(await tab.evaluate("() => shown.some((each) => each.startsWith('browser error'))"))

    async def test_page_goes(self) -> None:
        """A page that is left signs out and ends its call."""
        tab = await self.talking()
        await tab.chromium.run(lambda: tab.page.goto("about:blank"))
        await self.gone("calls/active")
        await self.gone("agents")

    async def test_begins_on_hold(self) -> None:
        """A call may begin on hold: nothing is heard until it is resumed."""
        tab = await self.load("vendor_visitor.html")
        held = "(make) => (to) => make.call(grtcSession, to, true, false, true)"
        await tab.evaluate(f"() => {{ grtcSession.makeOffer = ({held})(grtcSession.makeOffer) }}")
        await self.click(tab, "call")
        await self.until(tab, "() => grtcSession.isEstablished()")
        self.assertTrue(await tab.evaluate("() => grtcClient.onHold"))
        await self.pause(1.0)
        before = await tab.audio(CONNECTION)
        await self.pause(1.0)
        self.assertEqual((await tab.audio(CONNECTION)).heard, before.heard)
        await tab.evaluate("() => { grtcSession.resumeCall() }")
        await self.hears(tab, CONNECTION)
        self.assertFalse(await tab.evaluate("() => grtcClient.onHold"))


class AgentPage(VendorCase):
    """The desktop of an agent, and a colleague's."""

    async def connected(self) -> tuple[Tab, Tab]:
        """Load two desktops; the second accepts the first one's call."""
        caller, called = await self.agent(5001), await self.agent(5002)
        await caller.evaluate("() => { grtcSession.makeOffer('5002', true, false) }")
        for tab in (caller, called):
            await self.shows(tab, "talking")
            await self.hears(tab, CONNECTION)
        self.assertEqual(await self.shows(called, "call from"), "5001")
        return caller, called

    async def test_refused(self) -> None:
        """A wrong password is told."""
        tab = await self.load("vendor_agent.html")
        tab.console.expect("401")
        await tab.evaluate("() => start('5001', 'wrong')")
        await self.shows(tab, "refused")

    async def test_reject(self) -> None:
        """A rejected call ends for the caller, with the reason."""
        caller, called = await self.agent(5001), await self.agent(5002)
        await called.evaluate("() => { accepts = false }")
        await caller.evaluate("() => { grtcSession.makeOffer('5002') }")
        await self.shows(caller, "closed")
        self.assertEqual(await self.shows(caller, "error"), "REFUSED")
        self.assertEqual(await self.times(called, "closed"), 0)

    async def test_hold(self) -> None:
        """Hold silences both and tells the peer; resume brings the sound back, told as the remote stream."""
        caller, called = await self.connected()
        await self.click(caller, "hold")
        self.assertIs(await self.shows(called, "held by the peer"), True)
        await self.until(caller, "() => grtcClient.onHold")
        talking = await self.times(called, "talking")
        await self.click(caller, "resume")
        await self.shows(called, "talking", talking + 1)
        for tab in (caller, called):
            await self.hears(tab, CONNECTION)
        await self.click(called, "end")
        await self.shows(caller, "closed")
        self.assertEqual(await self.times(called, "held by the peer"), 1)

    async def test_info(self) -> None:
        """Data go to the other page both ways, whole: signs of forms, UTF-8, nested values."""
        caller, called = await self.connected()
        data = {"note": "a=b&c, Grüße", "cart": {"id": 7, "of": ["x", "y"]}}
        await caller.evaluate("(data) => grtcSession.sendInfo(data, false)", data)
        told = await self.shows(called, "info")
        self.assertEqual(told, {"note": "a=b&c, Grüße", "cart[id]": "7", "cart[of][]": "y"})
        note = "({ contentType }) => kinds.push(contentType)"
        await called.evaluate(f"() => {{ window.kinds = []; grtcSession.call.on('info', {note}) }}")
        for mapped in (True, False):
            await caller.evaluate("(mapped) => grtcSession.sendInfo({ a: 1 }, mapped)", mapped)
        await self.shows(called, "info", 3)
        self.assertEqual(await called.evaluate("() => kinds"), [FORM, "application/octet-stream"])
        await called.evaluate("() => grtcSession.sendInfo({ answer: '100 % + more' }, false)")
        self.assertEqual(await self.shows(caller, "info"), {"answer": "100 % + more"})
        self.assertEqual(await self.times(caller, "error"), 0)

    async def test_mute(self) -> None:
        """A page mutes without signalling, also through a hold; the other page hears silence, then sound."""
        caller, called = await self.connected()
        await self.click(caller, "mute")
        self.assertFalse(await caller.evaluate("() => grtcSession.hasAudioEnabled()"))
        await self.click(caller, "hold")
        await self.until(caller, "() => grtcClient.onHold")
        await self.click(caller, "resume")
        await self.until(caller, "() => !grtcClient.onHold")
        await self.pause(1.0)
        before = await called.audio(CONNECTION)
        await self.pause(1.0)
        now = await called.audio(CONNECTION)
        self.assertGreater(now.received, before.received)
        self.assertLess(now.heard - before.heard, 1e-6)
        await self.click(caller, "unmute")
        await self.hears(called, CONNECTION)
        self.assertTrue(await caller.evaluate("() => grtcSession.hasAudioEnabled()"))

    async def test_streams(self) -> None:
        """What is sent can be taken away and put back inside a call, without signalling."""
        caller, called = await self.connected()
        events = await self.times(caller, "event")
        await caller.evaluate("() => grtcSession.removeLocalStreams()")
        self.assertFalse(await caller.evaluate("() => grtcSession.hasAudioEnabled()"))
        await self.pause(1.0)
        before = await caller.audio(CONNECTION)
        await self.pause(1.0)
        self.assertEqual((await caller.audio(CONNECTION)).sent, before.sent)
        await caller.evaluate("() => grtcSession.updateLocalStream()")
        await self.hears(called, CONNECTION)
        self.assertTrue(await caller.evaluate("() => grtcSession.hasAudioEnabled()"))
        self.assertEqual(await self.times(caller, "event"), events)

    async def test_digits_and_statistics(self) -> None:
        """Digits are sent, whichever way the far side takes them; the gateway's numbers of the call come back."""
        tab = await self.agent(5001)
        await tab.evaluate("() => { grtcSession.makeOffer('1003') }")
        await self.shows(tab, "talking")
        await self.hears(tab, CONNECTION)
        await tab.evaluate("() => grtcSession.sendDTMF('12#', { duration: 10, tonegap: 10 })")
        await tab.evaluate("() => { grtcSession.getServerStats() }")
        stats = await self.shows(tab, "stats")
        self.assertEqual(set(stats), {"timestamp", "duration", "audio"})
        self.assertEqual(set(stats["audio"]), {"rtt", "rtt_max", "rtt_average", "rx", "tx"})
        self.assertGreater(stats["audio"]["rx"]["packets"], 0)
        self.assertGreater(stats["duration"], 0)
        self.assertEqual(await self.times(tab, "error"), 0)

    async def test_desktop_answers(self) -> None:
        """EVENT-TALK answers the call that rings with the constraints that were set before, and is told."""
        caller, called = await self.agent(5001), await self.agent(5002)
        await called.evaluate("() => { asks = false }")
        await caller.evaluate("() => { grtcSession.makeOffer('5002') }")
        await self.shows(called, "call from")
        state = await called.evaluate("() => [grtcClient.callState, grtcSession.state]")
        self.assertEqual(state, [0, "offer-received"])
        await called.evaluate("() => { grtcSession.call.take({ messageType: 'TALK', callId: grtcSession.call.id }) }")
        for tab in (caller, called):
            await self.shows(tab, "talking")
            await self.hears(tab, CONNECTION)
        self.assertEqual(await self.shows(called, "desktop says"), "talk")
        hold = "{ messageType: 'HOLD', cause: 'server', callId: grtcSession.call.id }"
        await called.evaluate(f"() => {{ grtcSession.call.take({hold}) }}")
        self.assertEqual(await self.shows(called, "desktop says", 2), "hold")
        self.assertTrue(await called.evaluate("() => grtcClient.onHold"))

    async def test_second_call(self) -> None:
        """A page knows one call: another caller hears busy, and the call goes on."""
        caller, called = await self.connected()
        for tab, told in ((caller, ["offer sent", "answer received"]), (called, ["offer received", "answer sent"])):
            self.assertEqual([await self.shows(tab, "event", count) for count in (1, 2)], told)
        other = await self.agent(5003)
        await other.evaluate("() => { grtcSession.makeOffer('5002') }")
        self.assertEqual(await self.shows(other, "error"), "REFUSED")
        for tab in (caller, called):
            await self.hears(tab, CONNECTION)

    async def test_reload(self) -> None:
        """The call of a page that was lost without a word is offered to the next one, and goes on when accepted."""
        caller, called = await self.connected()
        await called.evaluate("() => { window.onbeforeunload = null }")
        await called.chromium.run(called.page.close)
        called = await self.agent(5002)
        await self.shows(called, "talking")
        self.assertEqual(await self.shows(called, "call from"), "5001")
        for tab in (caller, called):
            await self.hears(tab, CONNECTION)

    async def test_renewed_connection(self) -> None:
        """With setRenewSessionOnNeed an offer inside the call is one of a new connection."""
        tab = await self.agent(5001)
        await tab.evaluate("() => { grtcClient.setRenewSessionOnNeed(true); grtcSession.makeOffer('1003') }")
        await self.shows(tab, "talking")
        await tab.evaluate(f"() => {{ window.before = {CONNECTION}; grtcSession.makeOffer() }}")
        await self.until(tab, f"() => {CONNECTION} !== before && {CONNECTION}.connectionState === 'connected'")
        await self.hears(tab, CONNECTION)

    async def test_goes_at_once(self) -> None:
        """A page that ends its call and signs out in one breath leaves nothing behind, and nothing is refused."""
        tab = await self.agent(5001)
        await tab.evaluate("() => { grtcSession.makeOffer('1003') }")
        await self.shows(tab, "talking")
        await tab.evaluate("() => { grtcSession.closeSession(true); return grtcClient.disconnect() }")
        await self.gone("calls/active")
        await self.pause(1.0)

    async def test_video(self) -> None:
        """Video is offered with its bandwidth, also without a camera; a far side that refuses it is still heard."""
        tab = await self.agent(5001)
        sent = await self.posts(tab)
        await tab.evaluate("() => { grtcClient.setVideoBandwidth(300); grtcSession.makeOffer('1003', true, true) }")
        await self.shows(tab, "talking")
        await self.hears(tab, CONNECTION)
        self.assertRegex(sent[0], r"m=video [1-9](?s:.*)b=AS:300(?s:.*)a=recvonly")
        await tab.evaluate("() => { grtcSession.closeSession(true) }")
        await tab.evaluate("() => grtcClient.enableMediaSource(true, Grtc.VideoConstraints.qvga)")
        await self.shows(tab, "registered", 2)
        await tab.evaluate("() => { grtcSession.makeOffer('1003', true, true) }")
        await self.shows(tab, "talking", 2)
        await self.hears(tab, CONNECTION)
        self.assertRegex(sent[-1], r"m=video [1-9](?s:.*)b=AS:300(?s:.*)a=sendrecv")
        self.assertTrue(await tab.evaluate("() => grtcSession.hasVideoEnabled()"))

    async def test_without_password(self) -> None:
        """Who registers without a password is a guest, unless the gateway is told otherwise."""
        tab = await self.load("vendor_agent.html")
        code = """(gateway) => {
            grtcClient = new Grtc.Client({ webrtc_gateway: gateway });
            grtcClient.onRegister.add(({ id }) => show("here", id));
            grtcClient.register("sip:5001@example.com");
        }"""
        await tab.evaluate(code, self.gateway.url)
        self.assertRegex(await self.shows(tab, "here"), r"^guest-[0-9a-f]{16}$")

    async def test_impatient(self) -> None:
        """Who registers again before the first answer is there is registered once, and stays so."""
        tab = await self.agent(5001)
        code = """async () => {
            for (const pause of [0, 5, 20]) {
                grtcClient.register();
                await new Promise((resolve) => setTimeout(resolve, pause));
            }
            return grtcClient.register();
        }"""
        before = await self.times(tab, "registered")
        self.assertTrue(await tab.evaluate(code))
        self.assertEqual(await self.times(tab, "registered"), before + 1)
        await tab.evaluate("() => { grtcSession.makeOffer('1003') }")
        await self.shows(tab, "talking")
        await self.hears(tab, CONNECTION)

    async def test_fail_over(self) -> None:
        """Of several gateways the next one is taken when the first cannot be reached."""
        tab = await self.load("vendor_agent.html")
        tab.console.expect("ERR_CONNECTION_REFUSED")
        code = """(gateways, password) => {
            grtcClient = new Grtc.Client({ webrtc_gateway: gateways, sip_password: password });
            grtcClient.onRegister.add(() => show("here", grtcClient.phone.wire.api));
            grtcClient.register("5004");
        }"""
        gateways = f"http://127.0.0.1:{free_ports(1)[0]}, {self.gateway.url}"
        await tab.evaluate(code, gateways, PASSWORD)
        self.assertEqual(await self.shows(tab, "here"), f"{self.gateway.url}/api/webrtc/")


class FirstDocumentPage(VendorCase):
    """The lines of the project's first document."""

    async def test_call(self) -> None:
        """The client becomes ready; a session that connects before waits, tells offer and answer, and has sound."""
        tab = await self.load("seed_page.html")
        await tab.evaluate("() => { call('1003') }")
        await self.until(tab, "() => session.call?.state === 'established'")
        await self.hears(tab, "session.call.connection")
        self.assertEqual(await tab.evaluate("() => shown"), ["ready", "offer v=0", "answer v=0"])
        await tab.evaluate("() => session.hangup()")
        await self.shows(tab, "ended local")

    async def test_incoming(self) -> None:
        """A call that comes in is a session, too."""
        tab, agent = await self.load("seed_page.html"), await self.agent(5002)
        await self.shows(tab, "ready")
        await agent.evaluate("() => { grtcSession.makeOffer('5001') }")
        await self.shows(tab, "incoming 5002")
        await self.shows(agent, "talking")
        await self.hears(agent, CONNECTION)
