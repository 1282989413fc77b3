"""
What goes wrong in a network, and what an agent may expect then, written once for several ways.

This module is no ``case_*``: :mod:`tests.interop.case_faults` has the classes that trial runs.
"""

import pathlib
import re
import signal
import time
from collections.abc import Awaitable, Callable

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol

from tests.interop.base import InteropCase
from tests.interop.desk import Desk
from tests.interop.processes import Server
from tests.interop.relay import Relay

RECOVERY = 30.0
"""Seconds within which an agent has to be reachable again once the fault is over."""
OUTAGE = 20.0


class RecoveryCases(InteropCase):
    """An outage during a call: the gateway goes on, registers again, and the call is under control."""

    timeout = 180

    async def survives(self, desk: Desk, outage: Callable[[], Awaitable[None]]) -> None:
        """
        Have an agent in a call, let something go wrong and right again, and see to it that nothing is lost.

        The proof that it is registered again is a call that reaches it; the proof that the old call is under control
        is a re-INVITE that is answered, and an end that arrives in Asterisk.
        """
        call = await desk.established("1003")
        await outage()
        restored = time.monotonic()
        await self.eventually_reachable(desk)
        self.assertLess(time.monotonic() - restored, RECOVERY)
        await desk.do("hold", call)
        await desk.do("resume", call)
        self.assertEqual(len(self.environment.asterisk.channels()), 1)
        await desk.do("hangup", call)
        await self.quiet()
        await desk.do("hangup", await desk.established("1003"))

    async def eventually_reachable(self, desk: Desk) -> None:
        """Let Asterisk call the agent until one of the calls arrives, and reject it."""
        deadline = reactor.seconds() + RECOVERY
        while True:
            originated = self.originate(int(desk.dn))
            try:
                offer = await desk.expect("OFFER", seconds=2.0)
            except AssertionError:
                await self.asterisk("channel request hangup PJSIP/all")
                await originated
                if reactor.seconds() > deadline:
                    raise
                continue
            await desk.do("reject", offer["callId"])
            await originated
            return

    async def stopped(self, server: Server) -> None:
        """Stop all processes of a server for a while: connections stay open, nobody answers."""
        server.signal(signal.SIGSTOP)
        try:
            await self.pause(OUTAGE)
        finally:
            server.signal(signal.SIGCONT)


class KamailioRecoveryCases(RecoveryCases):
    """Outages of Kamailio, which knows nothing of calls."""

    async def test_restart(self) -> None:
        """Kamailio is restarted during a call."""
        desk = await self.agent(5001)
        await self.survives(desk, lambda: self.blocking(self.environment.kamailio.restart))

    async def test_far_end_hangs_up_after_restart(self) -> None:
        """The far side's BYE finds the agent's new connection, without anybody having touched the call."""
        desk = await self.agent(5001)
        call = await desk.established("1003")
        await self.blocking(self.environment.kamailio.restart)
        await self.eventually_reachable(desk)
        await self.asterisk("channel request hangup all")
        await desk.expect("SHUTDOWN", call, cause="remote")

    async def test_frozen(self) -> None:
        """Kamailio is stopped by SIGSTOP and goes on later."""
        desk = await self.agent(5001)
        await self.survives(desk, lambda: self.stopped(self.environment.kamailio))


class BlackHoleCases(RecoveryCases):
    """The network between gateway and proxy swallows everything for 20 s, without closing a connection."""

    async def test_black_hole(self) -> None:
        """Nothing passes for 20 s."""
        relay = Relay(reactor, self.relayed_port())
        port = await relay.start()
        self.addCleanup(relay.stop)
        gateway = await self.own_gateway(f"relayed-{self.way}", self.relayed_url(port))
        desk = await self.agent(5001, gateway)

        async def outage() -> None:
            relay.swallow()
            await self.pause(OUTAGE)
            relay.forward()

        await self.survives(desk, outage)

    def relayed_port(self) -> int:
        """Return the port that the relay carries to."""
        ports = self.environment.ports
        return ports.asterisk_http if self.way == "asterisk" else ports.kamailio_ws

    def relayed_url(self, port: int) -> str:
        """Return the WebSocket address through the relay."""
        return f"ws://127.0.0.1:{port}" + ("/ws" if self.way == "asterisk" else "")


class GatewayStopCases(InteropCase):
    """The gateway itself is stopped."""

    async def test_stop_ends_calls(self) -> None:
        """A gateway that is told to stop ends its calls and registrations first."""
        gateway = await self.own_gateway("stopped", *self.environment.ways[self.way].urls)
        desk = await self.agent(5001, gateway)
        await desk.established("1003")
        self._desks.remove(desk)
        await self.blocking(gateway.server.stop)
        await self.quiet()
        self.assertEqual(self.environment.asterisk.contacts("5001"), [])


class SessionTimerCases(InteropCase):
    """Calls that last longer than their session interval."""

    timeout = 180

    async def test_refreshed(self) -> None:
        """A call with the shortest interval, 90 s, is refreshed after half of it, and goes on."""
        gateway = await self.own_gateway("timers", *self.environment.ways[self.way].urls, session_expires=90)
        desk = await self.agent(5001, gateway)
        call = await desk.established("1003")
        log = self.environment.folder / "gateway-timers.log"
        await self.pause(40)
        self.assertEqual(_refreshes(log), 0)
        await self.eventually("a refresh", lambda: _refreshes(log), 15)
        self.assertEqual(len(self.environment.asterisk.channels()), 1)
        await desk.do("hangup", call)


def _refreshes(log: pathlib.Path) -> int:
    """Count the requests that refreshed a session: UPDATE, or a second INVITE inside the dialog."""
    text = log.read_text(errors="replace")
    return len(re.findall(r"\n\s+UPDATE sip:", text)) + max(0, len(re.findall(r"\n\s+INVITE sip:", text)) - 2)


class AsteriskRestartCases(InteropCase):
    """Asterisk goes and comes back: its calls are gone, and the agent has to learn that."""

    timeout = 180

    async def test_restart_during_a_call(self) -> None:
        """Asterisk is restarted, which ends its calls: the agent is told, and the next call works."""
        desk = await self.agent(5001)
        call = await desk.established("1003")
        await self.blocking(self.environment.asterisk.server.restart)
        await desk.expect("SHUTDOWN", call, cause="remote")
        await self.works_again(desk)

    async def test_crash_during_a_call(self) -> None:
        """Asterisk is killed and tells nobody: the lost call ends when it is used, and the next call works."""
        desk = await self.agent(5001)
        # Asterisk writes registrations to disk once a second; what it forgot would come back with the next refresh only
        await self.pause(2.0)
        call = await desk.established("1003")
        await self.blocking(self.environment.asterisk.server.crash)
        # with its own connection lost, the gateway may have found out by itself
        self.assertIn((await desk.verb("hangup", call)).code, (200, 404))
        await desk.expect("SHUTDOWN", call)
        await self.works_again(desk)

    async def works_again(self, desk: Desk) -> None:
        """See to it that the agent is registered again without a new sign_in, and can call."""
        contacts = self.environment.asterisk.contacts
        await self.eventually("a new registration", lambda: contacts(desk.dn), RECOVERY)
        await desk.do("hangup", await desk.established("1003"))


class _Silent(Protocol):
    """Takes connections and says nothing."""


class RefusalCases(InteropCase):
    """What sign_in answers when there is nobody to register with."""

    async def test_dead_proxy(self) -> None:
        """Nobody listens: 503, soon, with a text that says so."""
        desk = self.desk(5001, await self.own_gateway("dead-proxy", "ws://127.0.0.1:1"))
        started = time.monotonic()
        reply = await desk.sign_in()
        self.assertEqual((reply.code, reply.json["code"]), (503, "no_sip_connection"))
        self.assertIn("proxy", reply.json["error"])
        self.assertLess(time.monotonic() - started, 5.0)
        self.assertEqual((await desk.browser.get("/api/ready")).code, 503)

    async def test_second_proxy(self) -> None:
        """With the first proxy dead, the second serves."""
        way = self.environment.ways["ws"]
        gateway = await self.own_gateway("second-proxy", "ws://127.0.0.1:1", *way.urls)
        desk = self.desk(5001, gateway)
        await self.connected(gateway)
        self.assertEqual((await desk.sign_in()).code, 200)
        await desk.do("hangup", await desk.established("1003"))

    async def test_proxy_that_never_speaks(self) -> None:
        """Somebody listens but never answers the WebSocket handshake: 503 as well."""
        listening = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(Factory.forProtocol(_Silent))
        self.addCleanup(listening.stopListening)
        url = f"ws://127.0.0.1:{listening.getHost().port}"
        gateway = await self.own_gateway("mute-proxy", url)
        self.assertEqual((await self.desk(5001, gateway).sign_in()).code, 503)

    async def test_untrusted_certificate(self) -> None:
        """A certificate of an unknown authority is no connection: 503."""
        gateway = await self.own_gateway("untrusting", *self.environment.ways["wss"].urls)
        self.assertEqual((await self.desk(5001, gateway).sign_in()).code, 503)

    async def test_silent_registrar(self) -> None:
        """Asterisk is frozen: 504, and 200 once it goes on."""
        # no pings: with the registrar at the other end of the WebSocket, its silence would also be that of a lost one
        gateway = await self.own_gateway("patient", *self.environment.ways[self.way].urls, ping_interval=0)
        desk = await self.agent(5002, gateway)
        await desk.sign_out()
        server = self.environment.asterisk.server
        server.signal(signal.SIGSTOP)
        try:
            reply = await desk.sign_in()
        finally:
            server.signal(signal.SIGCONT)
        self.assertEqual((reply.code, reply.json["code"]), (504, "registration_timeout"))
        self.assertEqual((await desk.sign_in()).code, 200)


class PrivacyCases(InteropCase):
    """Who may read whose messages."""

    async def test_foreign_agent(self) -> None:
        """An agent who uses another's id reads nothing of it, with its own session or without any."""
        victim = await self.agent(5001)
        thief = self.desk(5002, address="127.0.0.2")
        self.assertEqual((await thief.sign_in()).code, 200)
        call = await victim.established("1003")
        stolen = await thief.browser.get("/api/webrtc/message", id=victim.id)
        self.assertEqual(stolen.code, 403, stolen)
        anonymous = self.browser(address="127.0.0.2")
        for path in ("/api/webrtc/message", "/api/webrtc/calls", "/api/webrtc/sign_out"):
            self.assertEqual((await anonymous.get(path, id=victim.id)).code, 401, path)
        self.assertEqual((await anonymous.post("/api/webrtc/hangup", id=victim.id, call=call)).code, 401)
        await victim.do("hangup", call)

    async def test_log_has_no_secret(self) -> None:
        """The gateway's log, at its most talkative, has no password and no digest response."""
        desk = await self.agent(5001)
        await desk.do("hangup", await desk.established("1003"))
        log = (self.environment.folder / f"gateway-{self.way}.log").read_text()
        self.assertIn("INVITE", log)
        self.assertNotIn("Genesys2024", log)
        self.assertNotRegex(log, r'response="[0-9a-f]{32}')
        self.assertNotRegex(log, r"a=ice-pwd:[A-Za-z0-9+/]{22}")
