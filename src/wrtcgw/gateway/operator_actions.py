"""What operators may do: drain, end a call, sign an agent out."""

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred

from wrtcgw.calls.call import Call
from wrtcgw.gateway.context import GatewayContext
from wrtcgw.gateway.disconnect_reasons import BY_OPERATOR, DisconnectReason
from wrtcgw.gateway.settings import Outcome


class OperatorActions:
    """
    The verbs of operators, part of a :class:`~wrtcgw.gateway.facade.Gateway`.

    :param end_call: ends a call in whatever state.
    :param sign_out: signs an agent out.
    """

    def __init__(
        self,
        context: GatewayContext,
        end_call: Callable[[Call, DisconnectReason], Coroutine[Deferred[Any], Any, Outcome]],
        sign_out: Callable[[str, DisconnectReason], Coroutine[Deferred[Any], Any, None]],
    ) -> None:
        self._context = context
        self._end_call = end_call
        self._sign_out = sign_out

    @property
    def draining(self) -> bool:
        """Return whether new sign_ins and new calls are refused, while those that are there go on."""
        return self._context.draining

    def drain(self, on: bool) -> None:
        """Refuse new sign_ins and calls from now on, or take them again."""
        self._context.draining = on

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
        return await self._context.shielded(self._end_call(self._context.registry.call(call_id), BY_OPERATOR))

    async def sign_out(self, agent_id: str) -> None:
        """
        End an agent's calls and un-REGISTER its DN; its page is told.

        :raises NotSignedIn: when there is none of that id.
        """
        self._context.registry.agent(agent_id)
        await self._context.shielded(self._sign_out(agent_id, BY_OPERATOR))
