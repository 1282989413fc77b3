"""Page to gateway: what a page's message asks for, and what is done about the habits of the library."""

import hashlib
import json
from collections.abc import Callable, Coroutine
from typing import Any, Literal

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from wrtcgw.calls.call import Call, CallState
from wrtcgw.calls.messages import MessageType
from wrtcgw.errors import BadInput, GatewayError, GuestsNotAllowed, NoSIPConnection, UnknownCall, WrongState
from wrtcgw.gateway import Gateway
from wrtcgw.web.genesys import wire
from wrtcgw.web.genesys.description import from_page, profiles_of, secured, with_profiles
from wrtcgw.web.genesys.outbound import Outbound
from wrtcgw.web.genesys.session import OutboundText, PageSession
from wrtcgw.web.genesys.settings import GenesysSettings
from wrtcgw.web.genesys.stats import put_stats
from wrtcgw.web.genesys.wire import Pairs, Roap

log = Logger()

Kind = Literal[MessageType.OFFER, MessageType.ANSWER]
WAITING = (CallState.DIALLING, CallState.RINGING)


class Inbound:
    """Carries out what pages send; none of it fails for the page, which would only send it again."""

    def __init__(
        self, gateway: Gateway, outbound: Outbound, settings: GenesysSettings, wall: Callable[[], float]
    ) -> None:
        self._gateway = gateway
        self._wall = wall
        self._outbound = outbound
        self._settings = settings

    def take(self, session: PageSession, body: bytes, peer: str, address: str) -> None:
        """
        Take one message.

        :param peer: whom the page names as the other side.
        :param address: the page's.
        :raises BadInput: when it is no message of this dialect.
        """
        text = body.decode("utf-8", "replace").lstrip("\ufeff \r\n\t")
        if text.startswith("BYE"):
            self.hang_up(session)
        elif text.startswith(wire.INFO_MAP):
            self._info(session, wire.FORM, text[len(wire.INFO_MAP) :].lstrip(" "))
        elif text.startswith(wire.INFO_PEER):
            self._info(session, wire.OCTETS, text[len(wire.INFO_PEER) :].lstrip(" "))
        elif text.startswith("GET-STATS"):
            self._stats(session)
        else:
            self._take_roap(session, body, Roap.read(text), peer, address)

    # -- descriptions

    def _take_roap(self, session: PageSession, body: bytes, message: Roap, peer: str, address: str) -> None:
        digest = hashlib.sha256(body).digest()
        if digest in session.recent:
            self._repeat(session, message)
            return
        session.recent.append(digest)
        if message.type is MessageType.OFFER:
            self._offer(session, message, peer, address)
        elif message.type is MessageType.ANSWER:
            self._answer(session, message, address)
        else:
            session.last_answer = None  # the page has it: it would take a second one for illegal

    def _repeat(self, session: PageSession, message: Roap) -> None:
        """Take a message whose response was lost: an offer that has its answer gets it once more."""
        if message.type is MessageType.OFFER and session.last_answer is not None:
            session.put(session.last_answer)

    def _offer(self, session: PageSession, message: Roap, peer: str, address: str) -> None:
        if _is_for_ended(session, peer):
            log.info("offer of {agent} came when its call had ended", agent=session.agent.id)
            return
        call = self._call_of_offer(session, message, peer)
        self._refuse_unknown(session)
        session.last_answer = None
        session.page_offer_id = session.page_id = message.offerer
        session.seq = message.seq
        sdp = from_page(message.sdp, message.candidates)
        try:
            if call is None:
                self._place(session, secured(sdp), sdp, peer, address, message)
            else:
                self._describe(session, call, MessageType.OFFER, secured(sdp), address, message.data)
                session.page_profiles = profiles_of(sdp)
                session.engaged = True
        except GatewayError as error:
            self._refuse(session, call, error)

    def _call_of_offer(self, session: PageSession, message: Roap, peer: str) -> Call | None:
        """
        Return the call that the page's offer is for; None for a new one.

        The page knows one call. If it offers where it ought to answer, or anew while the far side has not answered, it
        has given that call up; so it has, although its BYE was lost, with another session id for another peer.
        """
        call = session.call
        if call is None:
            return self._call_taken_over(session, peer)
        other = peer not in wire.NO_PEER and peer != session.peer and message.offerer != session.page_id
        missed = call.state is CallState.OFFERED and call.remote_sdp is not None
        if call.state in WAITING or missed or (other and call.state is CallState.ESTABLISHED):
            self.hang_up(session)
            return None
        return call

    def _call_taken_over(self, session: PageSession, peer: str) -> Call | None:
        """Return a call that the page has taken over, and offers in before it was told to."""
        for call in session.agent.calls.values():
            if call.state is CallState.ESTABLISHED and peer in (call.peer, call.called, *wire.NO_PEER):
                session.enter(call.id, call.peer, self._outbound.new_id())
                session.told = True
                return call
        return None

    def _refuse_unknown(self, session: PageSession) -> None:
        """Yield: a call that rings, but that the page has not heard of when it makes one of its own, is refused."""
        for call in tuple(session.agent.calls.values()):
            if call.state is CallState.OFFERED and call.id != session.call_id:
                self._spawn(self._gateway.hangup(session.agent.id, call.id))

    def _place(self, session: PageSession, sdp: str, as_sent: str, peer: str, address: str, message: Roap) -> None:
        to = self._destination(session, peer)
        agent_id = session.agent.id
        session.enter("", peer, self._outbound.new_id())
        session.page_profiles = profiles_of(as_sent)
        with self._gateway.events:  # what comes of it at once is told when the call is known
            data = self._fitting(session, message.data)
            call = self._gateway.place_call(agent_id, to, sdp, page_address=address, data=data)
            session.call_id = call.id
            session.told = session.engaged = True

    def _destination(self, session: PageSession, peer: str) -> str:
        """
        Return whom to call; ``self`` came as the page's own SSID.

        :raises BadInput: for nobody.
        """
        to = self._settings.self_destination if peer == "self" or session.has_ssid(peer) else peer
        if to in wire.NO_PEER:
            raise BadInput("to", "someone to call", to)
        return to

    def _refuse(self, session: PageSession, call: Call | None, error: GatewayError) -> None:
        """Tell the page that its offer came to nothing; a call that is up stays up."""
        log.warn("offer of {agent} not taken: {error}", agent=session.agent.id, error=str(error))
        session.recent.clear()
        code = code_of(error)
        if call is not None and call.state is CallState.ESTABLISHED:
            session.put(*self._outbound.error(code, call.id))
            return
        if call is not None:
            self.hang_up(session, code)
        session.put(*self._outbound.failure(code))

    def _answer(self, session: PageSession, message: Roap, address: str) -> None:
        """Send the page's answer on; one that nothing waits for is one that came too late."""
        call = session.call
        if call is None or (call.state is CallState.OFFERED and call.remote_sdp is None):
            return
        session.page_id = message.answerer
        session.engaged = True
        sdp = with_profiles(from_page(message.sdp, message.candidates), session.far_profiles)
        try:
            self._describe(session, call, MessageType.ANSWER, sdp, address, message.data)
        except WrongState as error:
            log.info("answer of {agent} not used: {error}", agent=session.agent.id, error=str(error))
        except GatewayError as error:
            log.warn("answer of {agent} not taken: {error}", agent=session.agent.id, error=str(error))
            code = code_of(error)
            self.hang_up(session, code)
            session.put(*self._outbound.failure(code))

    def _describe(self, session: PageSession, call: Call, kind: Kind, sdp: str, address: str, data: Pairs) -> None:
        """Send a description of the page for a call, with the data that a call which rings can take along."""
        data = self._fitting(session, data) if call.state is CallState.OFFERED else ()
        self._gateway.send_description(session.agent.id, call.id, sdp, page_address=address, kind=kind, data=data)

    def _fitting(self, session: PageSession, data: Pairs) -> Pairs:
        """Return the data that fit: a page would lose its call by the others, of which it could not know."""
        kept = tuple(self._gateway.fitting_data(data))
        names = {name for name, _ in kept}
        left = [ascii(name)[1:-1] for name, _ in data if name not in names]
        if left:
            log.warn(
                "attached data of {agent} left out, for their name or attached_data_limit: {names}",
                agent=session.agent.id,
                names=", ".join(left)[:200],
            )
        return kept

    # -- the rest

    def hang_up(self, session: PageSession, code: int = 0) -> None:
        """
        End the page's call in whatever state: hang up, cancel or reject.

        :param code: with which a caller is refused, if not with ``reject_code``.
        """
        call = session.call
        session.forget_call()
        if call is not None:
            self._spawn(self._gateway.hangup(session.agent.id, call.id, code=code or None))

    def _info(self, session: PageSession, content_type: str, body: str) -> None:
        if session.call is not None:
            self._spawn(self._gateway.info(session.agent.id, session.call_id, content_type, body))

    def _stats(self, session: PageSession) -> None:
        try:
            stats = self._gateway.stats(session.agent.id, session.call_id)
        except UnknownCall:
            return
        session.put(OutboundText("PUT-STATS" + json.dumps(put_stats(stats, self._wall())), session.call_id))

    def _spawn(self, work: Coroutine[Deferred[Any], Any, object]) -> None:
        """Let work go on; the page does not hear how it ends."""

        def failed(failure: Any) -> None:
            if failure.check(GatewayError):
                log.warn("{error}", error=str(failure.value))
            else:
                log.failure("a page's message could not be carried out", failure)

        Deferred.fromCoroutine(work).addErrback(failed)


def _is_for_ended(session: PageSession, peer: str) -> bool:
    """
    Return whether an offer is for a call that has ended, of which the page was not told yet: the BYE is on its way.

    It answers an ``INVITE``, with which a page was asked to take a call up; as a new call it would ring at the peer.
    """
    waits = bool(session.call_id) and session.call is None and session.told and not session.engaged
    return waits and peer in (session.peer, *wire.NO_PEER)


def code_of(error: GatewayError) -> int:
    """Return the SIP code that says best what went wrong before SIP."""
    if isinstance(error, BadInput):
        return 404 if error.field == "to" else 488
    if isinstance(error, GuestsNotAllowed):
        return 403
    return 480 if isinstance(error, NoSIPConnection) else 0
