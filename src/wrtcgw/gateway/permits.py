"""
What an agent is permitted: the one place that asks the rules of destination and the limits, and tells what they refuse.

See :mod:`~wrtcgw.gateway.rights` for the rules and :mod:`~wrtcgw.gateway.budgets` for the limits.
"""

from collections.abc import Callable
from functools import partial

from wrtcgw.calls.agent import Agent
from wrtcgw.errors import DestinationForbidden, GatewayError, GuestsNotAllowed, TooManyCalls, TooManyOrders
from wrtcgw.events.catalogue import AlarmKind, AlarmRaised
from wrtcgw.gateway.budgets import CallBudget, OrderBudget
from wrtcgw.gateway.dial_targets import is_plain_user, shown
from wrtcgw.gateway.rights import Rights, RightsBook
from wrtcgw.gateway.settings import GatewaySettings
from wrtcgw.sip.uri import URI


class Permits:
    """
    The permissions of all agents.

    :param settings: returns those in effect.
    :param publish: takes the event of what is refused.
    """

    def __init__(
        self,
        settings: Callable[[], GatewaySettings],
        seconds: Callable[[], float],
        publish: Callable[[AlarmRaised], None],
    ) -> None:
        self._settings = settings
        self._publish = publish
        self._book = RightsBook()
        self._calls = CallBudget(seconds)
        self._orders = OrderBudget(seconds)

    def rights(self, agent: Agent) -> Rights:
        """Return what an agent may do."""
        return self._book.of(agent, self._settings())

    def fault(
        self, agent: Agent, target: URI, address: str = "", action: str = "place another call"
    ) -> Exception | None:
        """
        Return why an agent may not call a number now; None when it may. Nothing is charged or told.

        :param address: of the page, for guests.
        :param action: what the agent is about to do.
        """
        rights = self.rights(agent)
        fault: GatewayError | None = rights.fault(target)
        if fault is not None:
            return fault
        try:
            self._calls.require(agent, rights, address, action)
        except TooManyCalls as error:
            return error
        return None

    def require(self, agent: Agent, target: URI, address: str = "", action: str = "place another call") -> None:
        """
        Refuse what the agent may not do, and tell of it.

        :raises DestinationForbidden: for a number that a rule forbids; GuestsNotAllowed for one not for guests.
        :raises TooManyCalls: when the agent has placed as many calls as it may.
        """
        fault = self.fault(agent, target, address, action)
        if fault is not None:
            self._tell(agent, fault, address)
            raise fault

    def charge(self, agent: Agent, address: str = "") -> None:
        """Charge a call that was placed, or ordered by a transfer."""
        self._calls.charge(agent, self.rights(agent), address)

    def require_place(self, agent: Agent, *, quietly: bool = False) -> None:
        """
        Refuse a call of an agent who has as many as it may.

        :raises TooManyCalls: then.
        """
        limit = self.rights(agent).max_calls
        if len(agent.calls) >= limit:
            state = f"the agent has {len(agent.calls)} already (max_calls)"
            error = TooManyCalls("", "place another call", state)
            if not quietly:
                self._tell(agent, error)
            raise error

    def require_order(self, agent: Agent | None, action: str) -> None:
        """
        Charge digits, data or an offer that an agent sends inside a call.

        :raises TooManyOrders: when there are too many of them.
        """
        if agent is None:
            return
        try:
            self._orders.charge(agent, action)
        except TooManyOrders as error:
            self._tell(agent, error)
            raise

    def following(self, agent: Agent, address: str = "") -> Callable[[URI], bool]:
        """Return what decides whether a call of an agent may be redirected to a number."""
        return partial(self._may_follow, agent, address)

    def _may_follow(self, agent: Agent, address: str, target: URI) -> bool:
        if not self._settings().follow_redirects:
            return False
        fault: GatewayError | None = self.rights(agent).fault(target)
        if fault is None and not is_plain_user(target):
            fault = DestinationForbidden(shown(target), "destinations")
        if fault is not None:
            self._tell(agent, fault, address, "a far side has redirected a call: ")
        return fault is None

    def refuse_wish(self, agent: Agent | None, call_id: str, error: GatewayError) -> None:
        """Tell of a far side that asks for a transfer to a number that may not be called."""
        if agent is not None:
            self._tell(agent, error, before="a far side has asked for a transfer (REFER): ", call_id=call_id)

    def require_contact(self, agent: Agent, target: URI) -> None:
        """
        Refuse an attended transfer to a far side whose Contact names a forbidden number, or one too many of them.

        :raises DestinationForbidden: when it does; TooManyCalls when the agent has placed as many calls as it may.
        """
        rights = self.rights(agent)
        try:
            if target.user and rights.forbids(target.user):
                raise DestinationForbidden(target.user, "forbidden_destinations")
            self._calls.require(agent, rights, action="transfer")
        except (DestinationForbidden, TooManyCalls) as error:
            self._tell(agent, error)
            raise

    def _tell(self, agent: Agent, fault: Exception, address: str = "", before: str = "", call_id: str = "") -> None:
        kind, setting = _named(fault)
        text = f"{before}{fault}"
        self._publish(AlarmRaised(kind=kind, text=text, setting=setting, dn=agent.dn, call_id=call_id, address=address))


def _named(fault: Exception) -> tuple[AlarmKind, str]:
    """Return the kind of alarm for what was refused, and the setting that decided."""
    match fault:
        case TooManyOrders():
            return AlarmKind.TOO_MANY_ORDERS, ""
        case TooManyCalls(state=state):
            names = ("calls_per_day", "calls_per_minute", "max_calls")
            return AlarmKind.TOO_MANY_CALLS, next(name for name in names if name in state)
        case DestinationForbidden(setting=setting):
            return AlarmKind.DESTINATION_FORBIDDEN, setting
        case GuestsNotAllowed():
            return AlarmKind.DESTINATION_FORBIDDEN, "guest_destinations"
        case _:  # a target that cannot be one
            return AlarmKind.DESTINATION_FORBIDDEN, "allowed_domains"
