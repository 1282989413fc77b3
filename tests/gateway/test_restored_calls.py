"""Calls that are put back from their snapshots while the gateway runs: nobody can tell."""

import json
from random import Random

from attrs import evolve

from tests.gateway import test_walks
from tests.gateway.test_walks import CHANGES
from tests.support.farside import SDP, FarCall
from tests.support.gatewaycase import OTHER_SDP, PAGE, PAGE_SDP
from wrtcgw.calls.call import Call, CallState
from wrtcgw.calls.messages import MessageType
from wrtcgw.calls.negotiation.machine import Negotiation
from wrtcgw.gateway.call_legs import CallLeg
from wrtcgw.gateway.offer_answer import Kind

WALKS = 12


def wait_again(restored: Negotiation, before: Negotiation) -> None:
    """Give orders the identity by which somebody waits for them, which ends with a process and does not here."""
    for new, old in zip(restored.orders, before.orders, strict=True):
        assert (new.purpose, new.by) == (old.purpose, old.by)
    restored.orders = before.orders.copy()
    if restored.offer is not None and before.offer is not None:
        assert (restored.offer.order is None) is (before.offer.order is None)
        restored.offer = evolve(restored.offer, order=before.offer.order)


class Walks(test_walks.Walks):
    """The same walk twice, and in the second one the calls are restored again and again."""

    def setUp(self) -> None:
        super().setUp()
        self.restores: Random | None = None
        self.told: list[str] = []

    # -- more of what happens inside calls, and less that ends them

    def established(self) -> Call:
        """Return a call that goes on; a new one, when there is none."""
        calls = [call for call in self.gateway.calls() if call.state is CallState.ESTABLISHED]
        return self.random.choice(calls) if calls else self.outbound(next(self.gateway.agents()))[0]

    def act_hold(self) -> None:
        """Hold, or resume, and let the far side answer."""
        call = self.established()
        self.order(getattr(self.gateway, self.random.choice(("hold", "resume")))(call.agent_id, call.id))
        self.run_for(self.random.choice((0.0, 0.3)))

    act_resume = act_hold

    def act_news(self) -> None:
        """Let the far side bring news into a call, and the page perhaps answer."""
        self.far_of(self.established()).reinvite(self.random.choice(CHANGES), answer=self.random.choice(CHANGES) or SDP)
        self.run_for(0.1)

    act_more_news = act_news

    def act_settle(self) -> None:
        """Let the far side answer what is open."""
        for call in list(self.gateway.calls()):
            if call.negotiation.has_open_offer and self.far_of(call).invite is not None:
                self.far_of(call).answer(self.random.choice(CHANGES) or SDP)
        self.run_for(0.1)

    act_settle_again = act_settle

    def act_page(self) -> None:
        """Let the page describe itself, with what is due or out of turn."""
        call = self.established()
        kinds: tuple[Kind | None, ...] = (None, MessageType.OFFER, MessageType.ANSWER)
        text = self.random.choice((PAGE_SDP, OTHER_SDP, OTHER_SDP.replace("sendrecv", "sendonly")))
        self.gateway.send_description(call.agent_id, call.id, text, page_address=PAGE, kind=self.random.choice(kinds))

    def act_server(self) -> None:
        """Let third-party call control order something."""
        self.far_of(self.established()).notify(self.random.choice(("talk", "hold")))
        self.run_for(0.1)

    def act_sign_in(self) -> None:
        """Sign in rarely."""
        if self.random.random() < 0.2:
            super().act_sign_in()

    act_in_dialog = act_script = act_server

    def far_of(self, call: Call) -> FarCall:
        """Return the far side of a call."""
        sip_id = self.core.sip_call_id(call.id)
        return next(far for far in self.far.calls if far.call_id == sip_id)

    # -- what is checked

    def check(self, seed: int) -> None:
        """Note what pages and far side have heard, and put some call back."""
        for agent in self.gateway.agents():
            for message in self.messages(agent):
                self.told.append(f"{agent.id} {message!r} {message.sdp}")
                self.terminal[message.call_id] += message.ends_call
        super().check(seed)
        for call in self.gateway.calls():
            if self.restores is not None and self.restores.random() < 0.5:
                self.put_back(self.gateway._context.legs[call.id])

    def put_back(self, leg: CallLeg) -> None:
        """Let a call be what its snapshot says."""
        before, context = leg.call, self.gateway._context
        call = leg.call = Call.restore(json.loads(json.dumps(before.snapshot())))
        context.registry._calls[call.id] = call
        agent = context.registry.find_agent(call.agent_id)
        for each in (*self.gateway.agents(), *((agent,) if agent is not None else ())):
            if call.id in each.calls:
                each.calls[call.id] = call
        wait_again(call.negotiation, before.negotiation)

    def test_walks(self) -> None:
        """Pages and far side hear the same, whether calls are restored on the way or not."""
        for seed in range(WALKS):
            heard = []
            for restores in (None, Random(seed)):
                self.restores = restores
                self.walk(seed)
                requests = [(request.method, request.body) for far in self.far.calls for request in far.requests]
                heard.append((self.told, requests))
                self.told = []
            self.assertEqual(heard[1], heard[0], seed)
