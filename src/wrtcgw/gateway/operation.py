"""What operators may do: drain, end a call, sign an agent out."""

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred

from wrtcgw.calls.call import Call
from wrtcgw.gateway.farewells import BY_OPERATOR, Farewell
from wrtcgw.gateway.settings import Outcome
from wrtcgw.gateway.switch import Switch, shielded


class Operation:
    """
    The verbs of operators, part of a :class:`~wrtcgw.gateway.facade.Gateway`.

    :param end_call: ends a call in whatever state.
    :param sign_out: signs an agent out.
    """

    def __init__(
        self,
        switch: Switch,
        end_call: Callable[[Call, Farewell], Coroutine[Deferred[Any], Any, Outcome]],
        sign_out: Callable[[str, Farewell], Coroutine[Deferred[Any], Any, None]],
    ) -> None:
        self._switch = switch
        self._end_call = end_call
        self._sign_out = sign_out

    @property
    def draining(self) -> bool:
        """Tell whether new sign_ins and new calls are refused, while those that are there go on."""
        return self._switch.draining

    def drain(self, on: bool) -> None:
        """Refuse new sign_ins and calls from now on, or take them again."""
        self._switch.draining = on

    def status(self, up: int, total: int) -> str:
        """Return the gateway's health in one word, while so many of its connections are up."""
        if not up or self.draining:
            return "draining" if up else "down"
        return "ok" if up >= total else "degraded"

    async def end_call(self, call_id: str) -> Outcome:
        """
        End a call, whoever has it; its page is told.

        :raises UnknownCall: when there is no such call.
        :raises WrongState: when it is ending already.
        """
        return await shielded(self._end_call(self._switch.registry.call(call_id), BY_OPERATOR))

    async def sign_out(self, agent_id: str) -> None:
        """
        End an agent's calls and un-REGISTER its DN; its page is told.

        :raises NotSignedIn: when there is none of that id.
        """
        self._switch.registry.agent(agent_id)
        await shielded(self._sign_out(agent_id, BY_OPERATOR))
