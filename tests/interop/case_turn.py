"""
Calls of pages that reach nothing but a TURN server: a real coturn, set up as in ``conf/coturn``.

The pages use the library, with credentials of the gateway; ``iceTransportPolicy: "relay"`` forbids every other way.
"""

import functools
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread

from tests.interop.authority import Certificates, make_certificates
from tests.interop.chromium import Tab
from tests.interop.coturn import SECRET, Coturn, coturn
from tests.interop.demo import DemoCase, demo_folder
from tests.interop.ears import AnyTab
from tests.interop.firefox import Firefox
from tests.interop.servers import PASSWORD, own_address
from wrtcgw.web.ice import turn_credential

SIGN_IN = """async (options, who) => {
    const { Phone } = await import("/grtc/phone.js");
    globalThis.phone = new Phone({ iceTransportPolicy: "relay", ...options });
    await phone.signIn(who);
}"""
CALL = "async (to) => { globalThis.call = await phone.call(to) }"
ESTABLISHED = "() => call.state === 'established' && call.connection?.connectionState === 'connected'"
SELECTED = """async () => {
    const reports = [...(await call.connection.getStats()).values()];
    const found = (id) => reports.find((report) => report.id === id);
    const pair = found(reports.find((report) => report.type === "transport").selectedCandidatePairId);
    const { candidateType, relayProtocol } = found(pair.localCandidateId);
    return [candidateType, relayProtocol];
}"""
ICE = """async () => {
    const headers = { Authorization: `Bearer ${phone.wire.token}` };
    return (await fetch(`/api/webrtc/ice?id=${encodeURIComponent(phone.id)}`, { headers })).json();
}"""
ASKED = "() => performance.getEntriesByType('resource').filter(({ name }) => name.includes('/api/webrtc/ice')).length"
GATHER = """async (server) => {
    const pc = new RTCPeerConnection({ iceServers: [server], iceTransportPolicy: "relay" });
    const found = { candidates: [], errors: [] };
    pc.onicecandidate = ({ candidate }) => candidate?.candidate && found.candidates.push(candidate.type);
    pc.onicecandidateerror = ({ errorCode }) => found.errors.push(errorCode);
    pc.createDataChannel("x");
    const over = new Promise((resolve) => {
        pc.onicegatheringstatechange = () => pc.iceGatheringState === "complete" && resolve();
    });
    await pc.setLocalDescription();
    await over;
    pc.close();
    return found;
}"""


@functools.cache
def certificates() -> Certificates:
    """Return those of the running coturn."""
    return make_certificates(demo_folder())


@functools.cache
def turn_server() -> Coturn:
    """Return the running coturn of this run."""
    made = coturn(demo_folder(), certificates(), own_address())
    made.server.start()
    return made


class RelayCase(DemoCase):
    """Pages that only have a relay."""

    def relay(self) -> Coturn:
        """Return the relay that they have."""
        return turn_server()

    def wanted(self) -> Mapping[str, object]:
        """Return the keys of a site with a TURN server."""
        self.turn = self.relay()
        return {
            "stun_servers": [self.turn.stun],
            "turn_servers": [self.turn.udp, self.turn.tcp],
            "turn_secret": SECRET,
            "turn_ttl": 600,
            "guest_mode": "unregistered",
            "guest_dn": "5010",
            "guest_password": PASSWORD,
            "guest_destinations": ["1003"],
        }

    async def page(self, options: Mapping[str, Any] | None = None, **who: object) -> Tab:
        """Open a page of the gateway's origin and sign in on it."""
        tab = await self.blank()
        await tab.evaluate(SIGN_IN, options or {}, who or {"dn": "5001", "password": PASSWORD})
        return tab

    async def blank(self) -> Tab:
        """Open a page of the gateway's origin."""
        tab = await self.open("/api/health", bypass_csp=True)  # its policy forbids scripts
        tab.console.expect("favicon.ico")
        return tab

    async def relayed_call(self, tab: AnyTab) -> list[str]:
        """Call the echo, hear it, and return the selected candidate's type and its transport to the TURN server."""
        await tab.evaluate(CALL, "1003")
        await self.until(tab, ESTABLISHED)
        await self.hears(tab, "call.connection")
        selected: list[str] = await tab.evaluate(SELECTED)
        return selected


class Relayed(RelayCase):
    """What goes through it."""

    async def test_call(self) -> None:
        """A call has sound both ways through the relay, which knows the agent by DN; the library says so."""
        before = len(self.turn.users())
        tab = await self.page()
        self.assertEqual(await self.relayed_call(tab), ["relay", "udp"])
        self.assertTrue((await tab.evaluate("() => call.quality()"))["relayed"])
        users = self.turn.users()[before:]
        self.assertTrue(users, self.turn.log()[-4000:])
        self.assertEqual({user.split(":")[1] for user in users}, {"5001"})
        for user in users:
            self.assertLess(abs(int(user.split(":")[0]) - time.time() - 600), 120)
        await tab.evaluate("() => call.hangup()")

    async def test_firefox(self) -> None:
        """The same in Firefox."""
        firefox = Firefox(Path(tempfile.mkdtemp(prefix="firefox-", dir=demo_folder())))
        self.addCleanup(firefox.stop)
        await firefox.start()
        tab = await firefox.open(f"{self.gateway.url}/extension/")
        await tab.evaluate(SIGN_IN, {}, {"dn": "5006", "password": PASSWORD})
        self.assertEqual(await self.relayed_call(tab), ["relay", "udp"])
        self.assertIn("5006", {user.split(":")[1] for user in self.turn.users()})
        await tab.evaluate("() => call.hangup()")
        tab.console.check()

    async def test_tcp(self) -> None:
        """Where UDP does not get out, TCP to the TURN server carries the call."""
        tab = await self.page()
        ice = await tab.evaluate(ICE)
        await tab.evaluate("() => phone.signOut()")
        (server,) = [each for each in ice["iceServers"] if "credential" in each]
        only_tcp = {**server, "urls": [url for url in server["urls"] if "tcp" in url]}
        tab = await self.page({"iceServers": [only_tcp]})
        self.assertEqual(await self.relayed_call(tab), ["relay", "tcp"])
        await tab.evaluate("() => call.hangup()")

    async def test_renewed(self) -> None:
        """The library asks for credentials before each call, and before it looks for another way in one."""
        tab = await self.page()
        for count in (1, 2):
            await self.relayed_call(tab)
            self.assertEqual(await tab.evaluate(ASKED), count)
            if count == 1:
                await tab.evaluate("() => call.hangup()")
        await tab.evaluate("() => call.restartIce()")
        self.assertGreater(await tab.evaluate(ASKED), 2)
        await self.hears(tab, "call.connection")
        await self.until(tab, ESTABLISHED)
        self.assertEqual(await tab.evaluate(SELECTED), ["relay", "udp"])
        await tab.evaluate("() => call.hangup()")

    async def test_guest(self) -> None:
        """A visitor without a DN is relayed too."""
        tab = await self.page(guest=True)
        self.assertEqual(await self.relayed_call(tab), ["relay", "udp"])
        self.assertRegex(self.turn.users()[-1], r"^\d+:guest-\d+$")
        await tab.evaluate("() => call.hangup()")

    async def test_expired(self) -> None:
        """Credentials from the past are refused, and such as were made with another secret; others are taken."""
        tab = await self.blank()
        now = int(time.time())
        outcomes = []
        for expires, secret in ((now + 60, SECRET), (now - 1, SECRET), (now + 60, "the moon")):
            username = f"{expires}:5001"
            server = {"urls": [self.turn.udp], "username": username, "credential": turn_credential(secret, username)}
            outcomes.append(await tab.evaluate(GATHER, server))
        good, expired, forged = outcomes
        self.assertIn("relay", good["candidates"])
        for bad in (expired, forged):
            self.assertEqual(bad["candidates"], [])
            self.assertIn(401, bad["errors"])

    async def test_tls(self) -> None:
        """Firewalls that let only TLS out find a certificate that can be trusted."""
        version = await deferToThread(self.turn.tls_version, certificates().authority)
        self.assertIn(version, ("TLSv1.2", "TLSv1.3"))

    async def test_peers(self) -> None:
        """Who has credentials gets at the media server with them, not at the operator's network or the Internet."""
        private = ("10.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1", "127.0.0.2", "100.64.0.1")
        public = ("198.18.0.1", "192.0.0.8", "8.8.8.8", "203.0.113.9", "240.0.0.1")
        long = ("::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "64:ff9b::808:808", "fe80::1", "fd00::1", "2001:db8::1")
        for peer in (*private, *public, *long):
            self.assertFalse(await deferToThread(self.relays_to, peer), peer)
        self.assertTrue(await deferToThread(self.relays_to, own_address()))

    def relays_to(self, peer: str) -> bool:
        """Return whether coturn would send to an address, for a user of its own: each may have so many sessions."""
        username = f"{int(time.time()) + 60}:{peer.replace(':', '-')}"
        return self.turn.relays_to(peer, username, turn_credential(SECRET, username))


class Moved(RelayCase):
    """A page whose media are lost when the network is there again: its relay knows it no more."""

    def relay(self) -> Coturn:
        """Return a relay of the case's own."""
        made = coturn(demo_folder(), certificates(), own_address())
        made.server.start()
        self.addCleanup(made.server.stop)
        return made

    async def test_another_way(self) -> None:
        """The media get another way, and the call goes on."""
        tab = await self.page()
        await self.relayed_call(tab)
        credentials = "() => /a=ice-ufrag:(.*)/.exec(call.connection.localDescription.sdp)[1]"
        before = await tab.evaluate(credentials)
        self.turn.server.stop()
        self.turn.server.start()
        await tab.evaluate("() => { window.dispatchEvent(new Event('online')) }")
        await self.until(tab, f"(before) => ({credentials})() !== before", before)
        await self.hears(tab, "call.connection")
        await self.until(tab, ESTABLISHED)
        await tab.evaluate("() => call.hangup()")

    async def test_lost(self) -> None:
        """A relay that dies in a call is warned of, and is what is said of the call's sound when it is over."""
        tab = await self.page()
        await self.relayed_call(tab)
        await tab.evaluate("() => { globalThis.warned = []; call.on('warning', ({ code }) => warned.push(code)); }")
        self.turn.server.stop()
        await self.until(tab, "() => warned.includes('relay_lost')")
        await self.pause(4)  # of a call of three seconds nothing is said, nor of a tenth of one
        await tab.evaluate("() => call.hangup()")
        verdict = await tab.evaluate("() => call.verdict")
        self.assertEqual(verdict["code"], "relay_lost")
