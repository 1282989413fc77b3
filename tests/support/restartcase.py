"""A gateway over the real core whose process can be killed, and started again with the same store."""

from typing import Any

from attrs import evolve

from tests.support.farside import FarCall
from tests.support.gatewaycase import DOMAIN, GatewayCase
from tests.support.kept import KeptCheck
from tests.support.settled import SettledCheck
from tests.support.tokens import CountingTokens
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.registry import Registry
from wrtcgw.gateway import Gateway, GatewaySettings
from wrtcgw.gateway.persistence import Durability, Restored
from wrtcgw.sip.core import UACore, UASettings
from wrtcgw.sip.timers import Timers
from wrtcgw.store.interface import Record

SITE_KEY = bytes(range(32))


class RestartCase(GatewayCase):
    """
    A gateway that can be killed.

    :cvar ahead: seconds by which somebody has put the wall clock forward.
    """

    key: bytes | None = SITE_KEY
    restarts = 0
    ahead = 0.0

    def durability(self) -> Durability:
        """Return where state is kept."""
        return Durability(self.store, self.key, lambda: self.clock.seconds() + self.ahead)

    def kill(self) -> None:
        """End the process: nothing of it goes on, and nothing more is said."""
        for call in list(self.clock.getDelayedCalls()):  # its own list, which each cancellation shortens
            act = getattr(call, "func", None)
            if not getattr(act, "__qualname__", "").startswith("FarSide"):
                call.cancel()
        self.far.deliver = lambda flow, text: None
        self.before = self.gateway

    def start_again(self, *, connect: bool = True, **changes: Any) -> Restored:
        """Start a new process with the same store, which connects."""
        self.restarts += 1
        settings = evolve(GatewaySettings(domain=DOMAIN, connections=self.flows), **changes)
        self.core = UACore(UASettings(domain=DOMAIN, instance="gw"), Timers(), CountingTokens(f"r{self.restarts}"))
        self.registry = Registry()
        self.gateway = Gateway(self.core, self.registry, self.clock, settings, self._send, durability=self.durability())
        self.gateway.rearm = self._rearm
        self._timer = None
        self.gateway.report = self.problems.append
        self.gateway.events.subscribe_to_all(self._note)
        self.told: list[object] = []
        self.gateway.events.subscribe_to_all(self.told.append)
        self.composed()
        records: list[Record] = self.successResultOf(self.store.load())
        restored = self.done(self.gateway.persistence.take_up(records), 0)
        self.settled = SettledCheck(self.gateway.events, self.registry)
        self.settled.knows(self.gateway.calls())
        self.kept_check = KeptCheck(self.gateway.events, self.store, self.registry, self.gateway.persistence)
        self.far.deliver = self.gateway.received
        if connect:
            for flow in range(self.flows):
                self.gateway.connected(flow)
            self.run_for(0.5)
        return restored

    def composed(self) -> None:
        """Put up what else there is, before anything is taken up."""

    def restart(self, **changes: Any) -> Restored:
        """Kill, and start again."""
        self.kill()
        return self.start_again(**changes)

    def agent(self, agent_id: str = "alice") -> Agent:
        """Return the agent as the new process has it."""
        return self.gateway.agent(agent_id)

    def recovered(self, far: FarCall) -> None:
        """Check that an established call got one re-INVITE, answer it, and check that it can be controlled."""
        invites = [request for request in far.requests if request.method == "INVITE" and "r1" in request.via.branch]
        self.assertEqual(len(invites), 1)
        far.answer()
        self.run_for()
        self.assertEqual(far.request("ACK").cseq.number, invites[0].cseq.number)
