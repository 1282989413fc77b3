"""
Who waits for what in a call.

The state of a call is :class:`~wrtcgw.calls.call.Call` alone; here is only what no value can be: Deferreds, timers and
locks. ``call.id`` names the call's leg in the SIP core.
"""

from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall

from wrtcgw.calls.call import Call, Deadline
from wrtcgw.calls.negotiation.outputs import Order
from wrtcgw.errors import WrongState
from wrtcgw.gateway.settings import Outcome


@define(eq=False)
class CallLeg:
    """One call with the waits on its far side and its page."""

    call: Call
    timers: dict[Deadline, IDelayedCall] = field(factory=dict, repr=False)
    """For each of the call's deadlines; see :meth:`~wrtcgw.gateway.context.GatewayContext.set_deadline`."""
    digits: DeferredLock = field(factory=DeferredLock, repr=False)
    """Keeps the digits of one order together."""
    orders: "dict[Order, Deferred[Outcome]]" = field(factory=dict, repr=False)
    """Who waits for a hold or resume."""
    tickets: "dict[int, Deferred[Outcome]]" = field(factory=dict, repr=False)
    """Who waits for the response to a request inside the call, by what the core gave with it."""
    ends: "list[Deferred[Outcome]]" = field(factory=list, repr=False)
    """Who waits for the end."""

    def let_go(self, outcome: Outcome, give: "Callable[[Deferred[Outcome], Outcome], None]") -> None:
        """
        Let go of who waits: the call goes on at another gateway.

        :param give: lets who waits go on, with ``outcome``.
        """
        waiting = [*self.ends, *self.tickets.values(), *self.orders.values()]
        self.ends, self.tickets, self.orders = [], {}, {}
        for deferred in waiting:
            give(deferred, outcome)

    def finish(self, outcome: Outcome, give: "Callable[[Deferred[Outcome], Outcome | Exception], None]") -> None:
        """
        Let go of who waits: the call is over.

        :param give: lets who waits go on; those who wait for the end get ``outcome``, others an error.
        """
        ends, self.ends = self.ends, []
        for deferred in ends:
            give(deferred, outcome)
        waiting = [(deferred, "go on with") for deferred in self.tickets.values()]
        self.tickets.clear()
        for deferred, action in waiting:
            give(deferred, WrongState(self.call.id, action, "ended"))
