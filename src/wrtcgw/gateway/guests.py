"""
Callers without a DN.

Each is an agent with an account of its own in the core, which is not registered: calls inside a dialog find it by its
Contact. When the site wants it, one REGISTER of the guest DN stands for all of them as long as there is one.
"""

from collections.abc import Collection
from contextlib import suppress
from itertools import count
from typing import Protocol

from wrtcgw.calls.abilities import PageAbilities
from wrtcgw.calls.agent import Agent
from wrtcgw.errors import AgentInUse, GatewayError, GuestsNotAllowed, TooManyGuests
from wrtcgw.gateway.context import GatewayContext
from wrtcgw.sip.core import Account
from wrtcgw.sip.outputs import Registered


class GuestRegistrar(Protocol):
    """What registrations do for guests."""

    async def connection(self) -> None:
        """Wait for a connection."""

    def flow_of(self, dn: str) -> int:
        """Return the connection for a DN."""

    async def register(self, account: Account) -> Registered:
        """REGISTER an account."""

    async def unregister(self, dn: str) -> None:
        """Take a registration back."""

    def add(self, agent_id: str, dn: str) -> Agent:
        """Make an agent."""

    def use(self, dn: str, flow: int) -> None:
        """Note which connection a DN uses."""


class Guests:
    """The guests that are signed in."""

    def __init__(self, context: GatewayContext, registrar: GuestRegistrar) -> None:
        self._context = context
        self._registrar = registrar
        self._numbers = count(1)
        self._present: set[str] = set()
        self._common: Account | None = None
        """The account of the guest DN, whose credentials all guests use: in the realms of its registration."""

    async def sign_in(self, agent_id: str, abilities: PageAbilities) -> Agent:
        """
        Let a guest in; see :meth:`wrtcgw.gateway.facade.Gateway.sign_in_guest`.

        The caller holds the turns of the id and of the guest DN.
        """
        settings = self._context.settings
        if settings.guest_mode == "off":
            raise GuestsNotAllowed()
        if self._context.registry.find_agent(agent_id) is not None:
            raise AgentInUse(agent_id)
        if len(self._present) >= settings.guest_limit:
            raise TooManyGuests(settings.guest_limit)
        await self._registrar.connection()
        dn = settings.guest_dn
        flow = self._registrar.flow_of(dn)
        is_first = self._common is None or not self._present
        if is_first:
            self._common = None
        common = self.common(flow)
        if is_first and settings.guest_mode == "registered":
            await self._registrar.register(common)
        key = self._name()
        self._context.core.add_account(Account(key, dn, "", flow, keyring=common.keyring))
        self._present.add(key)
        agent = self._registrar.add(agent_id, key)
        self._registrar.use(key, flow)
        agent.abilities = abilities.as_guest()
        return agent

    def common(self, flow: int) -> Account:
        """Return the account of the guest DN, whose credentials all guests use."""
        if self._common is None:
            settings, dn, key = self._context.settings, self._context.settings.guest_dn, self._common_key
            realms, algorithms = self._realms(), settings.digest_algorithms
            self._common = Account(key, dn, settings.guest_password, flow, realms=realms, algorithms=algorithms)
        return self._common

    @property
    def _common_key(self) -> str:
        """Return the key of that account: each gateway has a binding of its own for its guests."""
        dn, mark = self._context.settings.guest_dn, self._context.mark
        return f"{dn}~{mark}" if mark else dn

    async def register_again(self) -> None:
        """Register the guest DN for guests that were taken up, if that was not done; the caller holds its turn."""
        settings, core = self._context.settings, self._context.core
        if settings.guest_mode != "registered" or not self._present or core.account(self._common_key) is not None:
            return
        await self._registrar.connection()
        with suppress(GatewayError):  # calls go on; the next guest who signs in tries again
            await self._registrar.register(self.common(self._registrar.flow_of(settings.guest_dn)))

    def use(self, dn: str) -> bool:
        """Return whether a registration is that of the guest DN, and guests are there."""
        return self._common is not None and self._common.key == dn and bool(self._present)

    def is_common(self, key: str) -> bool:
        """Return whether an account is the one that stands for all guests of this gateway."""
        return self._common is not None and self._common.key == key

    def let_go(self, key: str) -> None:
        """Forget a guest who goes on at another gateway."""
        self._present.discard(key)

    def restore(self, key: str, flow: int) -> Account:
        """Return the account of a guest who is taken up from a store."""
        self._present.add(key)
        return Account(key, self._context.settings.guest_dn, "", flow, keyring=self.common(flow).keyring)

    def _realms(self) -> Collection[str]:
        """
        Return the realms that get the guests' credentials; none for those of their own registration.

        Guests who are not registered learn none: those that the registrar has asked agents for count, and our domain.
        """
        settings = self._context.settings
        if settings.auth_realms or settings.guest_mode == "registered":
            return settings.auth_realms
        return {settings.domain, *self._context.core.registrar_realms()}

    def _name(self) -> str:
        """Return a Contact user that nobody has."""
        mark = self._context.mark
        names = (f"guest-{mark}-{number}" if mark else f"guest-{number}" for number in self._numbers)
        return next(name for name in names if self._context.registry.find_dn(name) is None)

    async def left(self, agent: Agent) -> None:
        """Forget a guest whose calls are ending; the last one takes the registration along."""
        self._context.core.remove_account(agent.dn)
        self._present.discard(agent.dn)
        if not self._present:
            self._common = None
        settings = self._context.settings
        unused = not self._present and self._context.registry.find_dn(settings.guest_dn) is None
        if settings.guest_mode == "registered" and unused:
            await self._registrar.unregister(self._common_key)
