"""Who is there: sign_in and sign_out of pages, and their SSIDs."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from wrtcgw.calls.abilities import ONE_CALL
from wrtcgw.calls.agent import Agent
from wrtcgw.errors import GatewayError
from wrtcgw.events.catalogue import AgentLetGo
from wrtcgw.gateway import Gateway
from wrtcgw.web.addresses import Client
from wrtcgw.web.codec import SignIn
from wrtcgw.web.genesys import wire
from wrtcgw.web.genesys.hanging_wait import Wait
from wrtcgw.web.genesys.session import PageSession, Translate
from wrtcgw.web.sessions import digest_of
from wrtcgw.web.signin import SignInService, new_guest_id

log = Logger()

ANONYMOUS = "anon"
"""What the ids begin with that pages make for themselves."""
REMEMBERED = 1000
"""How many sessions that are over are remembered, for what their pages may still send."""


class PageRegistry:
    """
    The pages of this dialect.

    :param hang_up: ends the call of a page.
    :param guests_only: who signs in without a password is a guest, whatever the id.
    """

    def __init__(
        self,
        gateway: Gateway,
        sign_in_service: SignInService,
        translate: Translate,
        hang_up: Callable[[PageSession], None],
        *,
        guests_only: bool,
    ) -> None:
        self._gateway = gateway
        self._sign_in_service = sign_in_service
        self._translate = translate
        self._hang_up = hang_up
        self._guests_only = guests_only
        self._pages: dict[bytes, PageSession] = {}
        """By the digests of their SSIDs."""
        self._of_agent: dict[str, PageSession] = {}
        self._former: OrderedDict[bytes, PageSession] = OrderedDict()
        sign_in_service.join(self)
        gateway.persistence.join("page", self)
        gateway.events.subscribe(AgentLetGo, self._let_go)

    def page(self, ssid: str) -> PageSession | None:
        """Return the page of an SSID, None when there is none any more."""
        page = self._pages.get(_digest(ssid))
        if page is not None:
            self._sign_in_service.show(page.agent, ssid)
        return page

    def former(self, ssid: str) -> PageSession | None:
        """Return a page that was of an SSID until not long ago."""
        return self._former.get(_digest(ssid))

    def __iter__(self) -> Iterator[PageSession]:
        """Iterate over the pages."""
        return iter(tuple(self._pages.values()))

    # -- coming

    async def sign_in(self, client: Client, public_id: str, password: str) -> tuple[PageSession, str]:
        """
        Sign a page in, when the registrar has said so; without a password as a guest, or as the settings say.

        The page that was its agent's before loses it to this one, with its call.

        :returns: the page, and its SSID.
        """
        if not password and (self._guests_only or public_id.startswith(ANONYMOUS)):
            return self._open(await self._sign_in_service.enrol_guest(client, new_guest_id(), ONE_CALL), client)
        dn = wire.account(public_id)
        wanted = SignIn(id=dn, dn=dn, password=password, take_over=True)
        agent = await self._sign_in_service.enrol(client, wanted, abilities=ONE_CALL, no_password=True)
        return self._open(agent, client)

    def _open(self, agent: Agent, client: Client) -> tuple[PageSession, str]:
        before = self._of_agent.pop(agent.id, None)
        if before is not None:
            self._retire(before)
            if isinstance(before.waiting, Wait):
                before.waiting.detach()
        ssid = self._sign_in_service.open(agent, client).decode("ascii")
        return self._add(agent, _digest(ssid)), ssid

    def _add(self, agent: Agent, digest: bytes) -> PageSession:
        page = PageSession(digest=digest, agent=agent, translate=self._translate, retire=self._retire)
        self._pages[digest] = self._of_agent[agent.id] = page
        page.begin()
        return page

    # -- across a restart

    def snapshot(self, agent: Agent) -> object:
        """Return the page of an agent as plain data, without its SSID; None when it has none in this dialect."""
        page = self._of_agent.get(agent.id)
        return None if page is None or page.agent is not agent else page.snapshot()

    def restore(self, agent: Agent, data: Any, shift: float) -> None:
        """Take the page of an agent back: it goes on with the SSID that it has."""
        self._add(agent, bytes.fromhex(data["digest"])).take_back(data)

    # -- going

    def sign_out(self, ssid: str) -> None:
        """Sign a page out; a former one only ends the call that its successor has not taken up."""
        digest = _digest(ssid)
        page = self._pages.get(digest) or self._former.get(digest)
        if page is None:
            return
        page.left = True
        if digest in self._former:
            self.give_up(ssid)
            return
        self._retire(page)
        page.forget_call()
        if isinstance(page.waiting, Wait):
            page.waiting.detach()
        work = Deferred.fromCoroutine(self._gateway.sign_out(page.agent.id))
        work.addErrback(_failed)

    def give_up(self, ssid: str) -> None:
        """
        Take the BYE or sign_out of a page that has signed in again since: the three travel at once, in any order.

        Its call is ended, unless that has gone on at the new page, or this one was sent away from here.
        """
        former = self.former(ssid)
        page = self._of_agent.get(former.agent.id) if former is not None else None
        if former is None or page is None or former.forced or former.call is None:
            return
        if not (page.engaged and page.call_id == former.call_id):
            self._hang_up(former)

    def _retire(self, page: PageSession) -> None:
        """Take an SSID from its page; a ``wait`` that hangs stays."""
        page.end()
        self._pages.pop(page.digest, None)
        if self._of_agent.get(page.agent.id) is page:
            del self._of_agent[page.agent.id]
        page.lighten()
        self._former[page.digest] = page
        while len(self._former) > REMEMBERED:
            self._former.popitem(last=False)

    def end(self, agent_id: str) -> None:
        """Send the page of an agent home: another one has it, by another dialect."""
        page = self._of_agent.get(agent_id)
        if page is not None:
            self._retire(page)
            if isinstance(page.waiting, Wait):
                page.waiting.send_home()

    def _let_go(self, event: AgentLetGo) -> None:
        """Forget the page of an agent who is another gateway's; it asks again when its connection is closed."""
        page = self._of_agent.get(event.agent.id)
        if page is not None and page.agent is event.agent:
            page.end()
            self._pages.pop(page.digest, None)
            del self._of_agent[event.agent.id]
            if isinstance(page.waiting, Wait):
                page.waiting.drop()

    def end_all(self) -> None:
        """Send all pages home: the gateway stops. Those that the next process knows just lose their connection."""
        for page in (*self._pages.values(), *self._former.values()):
            if page.sending is not None:
                page.sending.close()
        if self._gateway.persistence.survives:
            for page in tuple(self._pages.values()):
                if isinstance(page.waiting, Wait):
                    page.waiting.drop()
            return
        for agent_id in tuple(self._of_agent):
            self.end(agent_id)


def _digest(ssid: str) -> bytes:
    return digest_of(ssid.encode("utf-8", "surrogatepass"))


def _failed(failure: Failure) -> None:
    failure.trap(GatewayError)
    log.warn("sign_out: {error}", error=str(failure.value))
