"""
A page that speaks the Genesys dialect, written from docs/genesys-dialect.md alone: the state machine of W 6.

It keeps the habits of the library's four versions (:mod:`tests.support.grtcversions`), its weaknesses included: one
call only, no notion of glare, an EVENT-TALK without a call that becomes an OFFER to ``null``. What the library tells
the application is in ``fired``, by the library's names. What a page could only stumble over is in ``complaints``.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any
from urllib.parse import quote

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as WaitTimeoutError
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from tests.support.grtcline import LibraryError, Line
from tests.support.grtcmedia import DescriptionError, PageMedia
from tests.support.grtcversions import V34, Version
from tests.support.grtcwire import Wire

FIRST_SESSION = 102
_JAVASCRIPT_KEPT = "!'()*~"


class State(Enum):
    """States of a media session."""

    NEW = "new"
    MAKE_OFFER = "make-offer"
    PREPARING_OFFER = "preparing-offer"
    OFFER_SENT = "offer-sent"
    ESTABLISHED = "established"
    OFFER_RECEIVED = "offer-received"
    PREPARING_ANSWER = "offer-received-preparing-answer"


class CallState(Enum):
    """States of the client."""

    IDLE = 0
    ACCEPTED = 1
    STARTED = 2
    CONNECTED = 3


@frozen
class Fired:
    """One event that the application was told."""

    name: str
    data: Any = None


@define(eq=False)
class Session:
    """The media session: numbered from 102 on, renewed with each call."""

    id: int = FIRST_SESSION
    seq: int = 0
    state: State = State.NEW
    peer: str | None = None
    """``pcDest``: who is called, or has called."""
    media: PageMedia = field(factory=PageMedia)


def param(data: Mapping[str, str]) -> str:
    """Return what ``jQuery.param`` makes of an object."""

    def encoded(text: str) -> str:
        return quote(text, safe=_JAVASCRIPT_KEPT).replace("%20", "+")

    return "&".join(f"{encoded(name)}={encoded(value)}" for name, value in data.items())


def deparam(text: str) -> dict[str, str]:
    """Return what ``Grtc.deparam`` makes of text: it decodes nothing."""
    parts = [part.split("=") for part in text.replace("\n", "").split("&")]
    return {part[0]: part[1] for part in parts if len(part) > 1}


class GrtcPage:
    """
    The library's client and media session in one, with the application's decisions as methods.

    :ivar heard: every message as it came, with its peer.
    :ivar log: what the library only logs.
    :ivar data: to be attached to every ROAP message, where it is set; ``peer_data`` is what came that way.
    """

    def __init__(
        self,
        wire: Wire,
        clock: IReactorTime,
        gateway: str,
        version: Version = V34,
        *,
        gathering: float = 0.0,
        with_session: bool = True,
    ) -> None:
        """
        Load the page.

        :param gathering: seconds that ICE takes before an OFFER or ANSWER is sent.
        :param with_session: the application makes its media session at once, not when a call comes in.
        """
        self.version = version
        self.session: Session | None = Session() if with_session else None
        self.call_state = CallState.IDLE
        self.on_hold = False
        self.caller: str | None = None
        self.incoming: dict[str, Any] | None = None
        self.data: list[dict[str, str]] = []
        self.peer_data: list[dict[str, str]] = []
        self.fired: list[Fired] = []
        self.heard: list[tuple[str, str]] = []
        self.log: list[str] = []
        self.complaints: list[str] = []
        self.line = Line(
            wire=wire,
            clock=clock,
            gateway=gateway,
            version=version,
            received=self._received,
            forced_out=self._forced_out,
            fired=self.fire,
        )
        self._clock = clock
        self._gathering = gathering
        self._timer: IDelayedCall | None = None
        self._looked = 0
        self._waiting: Deferred[None] | None = None

    # -- the application

    def connect(self) -> None:
        """Sign in as nobody in particular."""
        self.disconnect()
        self.line.sign_in(f"anon{secrets.token_hex(16)}", None, "onConnect")

    def register(self, name: str, password: str | None = None) -> None:
        """Sign in as an agent, leaving first where the page was signed in."""
        self.disconnect()
        self.line.sign_in(name, password, "onRegister")

    def disconnect(self) -> None:
        """End the call, and leave; does not wait for anything."""
        if self.call_state is not CallState.IDLE:
            self.close_session()
        if self.line.ssid is not None:
            self.line.sign_out()

    def vanish(self) -> None:
        """Close the page, or load it again: nothing is said, all connections are cut."""
        self._stop_timer()
        self.line.vanish()

    def make_offer(self, peer: str | None) -> None:
        """Call somebody, or offer again inside the call."""
        session = self._session()
        if session.state not in (State.NEW, State.ESTABLISHED):
            self.log.append(f"can't make an offer in {session.state.value}")
            return
        if self.call_state is CallState.IDLE:
            self.call_state = CallState.STARTED
            session.peer = peer
        session.state = State.MAKE_OFFER
        self._prepare(State.PREPARING_OFFER, self._send_offer)

    def accept_call(self) -> None:
        """Take the call that was told last."""
        session = self._session()
        session.peer = self.caller
        if self.call_state is CallState.IDLE:
            self.call_state = CallState.ACCEPTED
        offer, self.incoming = self.incoming, None
        if offer is not None:
            self._take_offer(offer)
        else:
            self.make_offer(session.peer)

    def reject_call(self) -> None:
        """Refuse the call that was told last."""
        self.line.post("BYE", self.caller)
        self._reset()

    def close_session(self) -> None:
        """Hang up."""
        self.line.post("BYE", self._session().peer or self.caller)
        self._reset()

    def hold_call(self) -> None:
        """Hold the call by an OFFER that is inactive throughout."""
        self._change_hold(True)

    def resume_call(self) -> None:
        """Resume it."""
        self._change_hold(False)

    def renew(self) -> None:
        """Begin again with a new peer connection in the same call, whose messages are counted from 1."""
        session = self._session()
        session.media, session.seq = PageMedia(), 0

    def send_info(self, data: Mapping[str, str], *, mapped: bool = True) -> None:
        """Send data for the SIP Server (``mapped``), or for the other side."""
        self._post_connected(f"{'INFO-MAP' if mapped else 'INFO-PEER'} {param(data)}")

    def get_server_stats(self) -> None:
        """Ask for the gateway's statistics."""
        self._post_connected("GET-STATS")

    def _post_connected(self, text: str) -> None:
        if self.call_state is CallState.CONNECTED:
            self.line.post(text, self._session().peer)
        else:
            self.log.append(f"not connected: {text}")

    def _change_hold(self, hold: bool) -> None:
        if self.call_state is not CallState.CONNECTED or self.on_hold == hold:
            self.log.append("nothing to hold" if hold else "nothing to resume")
            return
        self.on_hold = hold
        self.make_offer(self._session().peer)

    # -- events

    def fire(self, name: str, data: Any = None) -> None:
        """Tell the application."""
        self.fired.append(Fired(name, data))
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    async def event(self, name: str, seconds: float = 15.0) -> Any:
        """Wait for the next event of a name, passing over others, and return what it carries."""
        deadline = self._clock.seconds() + seconds
        while True:
            while self._looked < len(self.fired):
                self._looked += 1
                if self.fired[self._looked - 1].name == name:
                    return self.fired[self._looked - 1].data
            self._waiting = Deferred()
            try:
                await self._waiting.addTimeout(max(0.0, deadline - self._clock.seconds()), self._clock)
            except WaitTimeoutError:
                told = [each.name for each in self.fired]
                raise AssertionError(f"no {name} in {seconds:g} s; {told}; heard {self.heard}; {self.log}") from None

    def events(self) -> list[str]:
        """Return the names of all events so far."""
        return [each.name for each in self.fired]

    # -- what comes in, in the order of W 4.2

    def _received(self, text: str, peer: str) -> None:
        self.heard.append((text, peer))
        for applies, act in self._rules():
            if applies(text, peer):
                act(text, peer)
                return
        if self.version.anything_is_a_call and self.session is None:
            self._ring(peer, None)
        else:
            self.log.append(f"unexpected message: {text[:40]!r}")

    def _rules(self) -> list[tuple[Callable[[str, str], bool], Callable[[str, str], None]]]:
        session, version = self.session is not None, self.version
        return [
            (lambda text, _: text.startswith("BYE"), self._on_bye),
            (lambda text, _: text.startswith("INVITE"), self._on_invite),
            (lambda text, _: version.third_party and session and text.startswith("EVENT-TALK"), self._on_talk),
            (lambda text, _: version.third_party and text.startswith("EVENT-HOLD"), self._on_hold),
            (lambda text, _: version.errors and text.startswith("INFO-PEER "), self._on_info),
            (lambda text, _: version.third_party and text.startswith("PUT-STATS"), self._on_stats),
            (lambda text, _: version.errors and _is_error(text), self._on_error),
            (lambda text, _: session and "OFFER" not in text and "{" in text, self._on_roap),
            (lambda text, peer: text.startswith("SDP") and text.find("OFFER") > 0 and bool(peer), self._on_roap),
        ]

    def _on_bye(self, _text: str, _peer: str) -> None:
        self._reset()
        self.fire("onPeerClosing")

    def _on_invite(self, text: str, peer: str) -> None:
        state = self._session().state
        if peer and (self.call_state is CallState.IDLE or self.version.invite_asks_again):
            self._ring(peer, None)
        elif state in (State.NEW, State.ESTABLISHED):
            self.make_offer(self._session().peer)
        else:
            self.log.append(f"ignored in {state.value}: {text}")

    def _ring(self, peer: str, offer: dict[str, Any] | None) -> None:
        self.caller, self.incoming = peer, offer
        self.fire("onIncomingCall", {"peer": peer, "event": "invite" if offer is None else "offer"})

    def _on_talk(self, _text: str, _peer: str) -> None:
        if self.call_state is CallState.IDLE:
            self.accept_call()  # also where nobody calls: then an OFFER goes to null
        else:
            self.resume_call()
        self.fire("onNotifyEvent", "talk")

    def _on_hold(self, _text: str, _peer: str) -> None:
        self.hold_call()
        self.fire("onNotifyEvent", "hold")

    def _on_info(self, text: str, _peer: str) -> None:
        self.fire("onInfoFromPeer", deparam(text.removeprefix("INFO-PEER ")))

    def _on_stats(self, text: str, _peer: str) -> None:
        self.fire("onStatsFromServer", json.loads(text[9:]))

    def _on_error(self, text: str, _peer: str) -> None:
        self.fire("onGatewayError", json.loads(text[text.index("{") :])["errorType"])

    def _on_roap(self, text: str, peer: str) -> None:
        message: dict[str, Any] = json.loads(text[text.index("{") :])
        kind = message["messageType"]
        if kind in ("OFFER", "ANSWER") and "Candidates" not in message:
            self._illegal(f"{kind} without Candidates")
        self.peer_data = message.get("attacheddata", self.peer_data)
        if kind == "OFFER":
            self._on_offer(message, peer)
        elif kind == "ANSWER" and self._session().state is State.OFFER_SENT:
            self._take_answer(message)
        elif kind == "OK" and self._session().state is State.ESTABLISHED:
            self.log.append("OK")
            if not self.version.third_party:
                self.fire("onRemoteStream")
        else:
            self._illegal(f"{kind} in {self._session().state.value}")

    def _illegal(self, what: str) -> None:
        self.log.append(f"Illegal message: {what}")
        self.complaints.append(what)
        if self.version.breaks_on_illegal:
            raise LibraryError(what)

    def _on_offer(self, message: dict[str, Any], peer: str) -> None:
        session = self._session()
        idle = session.state is State.NEW and self.call_state is CallState.IDLE
        if idle or (session.state is State.ESTABLISHED and self.version.asks_again):
            self._ring(peer, message)
        elif session.state in (State.NEW, State.ESTABLISHED):
            self._take_offer(message)
        else:
            self.incoming = message  # it is lost, and yet may be taken for the offer of a later call
            self._illegal(f"can't process an offer in {session.state.value}")

    # -- offer and answer

    def _take_offer(self, offer: dict[str, Any]) -> None:
        session = self._session()
        if not offer["seq"] > session.seq:
            self.complaints.append(f"seq {offer['seq']} after {session.seq}")
        session.seq = offer["seq"]
        session.state = State.OFFER_RECEIVED
        try:
            heard = session.media.apply(offer["sdp"])
        except DescriptionError as error:
            self._give_up(error)
            return
        self._prepare(State.PREPARING_ANSWER, lambda: self._send_answer(offer, heard))

    def _send_answer(self, offer: dict[str, Any], heard: bool) -> None:
        session = self._session()
        text, candidates = session.media.answer()
        self._post_roap("ANSWER", seq=offer["seq"], offer=offer, sdp=text, Candidates=candidates)
        self._established(heard)
        if not heard:
            self.fire("onSessionHold", True)

    def _take_answer(self, answer: dict[str, Any]) -> None:
        self._stop_timer()
        try:
            heard = self._session().media.apply(answer["sdp"])
        except DescriptionError as error:
            self._give_up(error)
            return
        self._post_roap("OK", seq=answer["seq"], offer=answer)
        self._established(heard)

    def _established(self, heard: bool) -> None:
        self._session().state = State.ESTABLISHED
        self.call_state = CallState.CONNECTED
        if heard:
            self.fire("onRemoteStream")

    def _give_up(self, error: DescriptionError) -> None:
        self.complaints.append(str(error))
        self.close_session()
        self.fire("onPeerClosing")

    def _send_offer(self) -> None:
        session = self._session()
        text, candidates = session.media.offer()
        if self.version.cuts_profile:
            text = text.replace("UDP/TLS/RTP/SAVPF", "RTP/SAVPF")
        if self.on_hold:
            text = text.replace("a=sendrecv", "a=inactive")
        session.seq += 1
        tiebreaker = 1 + secrets.randbelow(429496723)
        self._post_roap("OFFER", seq=session.seq, sdp=text, Candidates=candidates, tiebreaker=tiebreaker)
        session.state = State.OFFER_SENT
        if self.version.no_answer is not None:
            self._timer = self._clock.callLater(self.version.no_answer, self._no_answer)

    def _post_roap(self, kind: str, *, offer: dict[str, Any] | None = None, **fields: Any) -> None:
        session = self._session()
        if offer is None:
            ids: dict[str, Any] = {"offererSessionId": session.id, "answererSessionId": None}
        else:
            echoed = {name: offer[name] for name in ("offererSessionId",) if name in offer}
            ids = {**echoed, "answererSessionId": session.id}
        message = {"messageType": kind, **fields, **ids}
        if self.data:
            message["attacheddata"] = self.data
        self.line.post(f"RSMP {json.dumps(message)}", session.peer, lambda: self._wants_repeat(session, kind))

    def _wants_repeat(self, session: Session, kind: str) -> bool:
        if session is not self.session or session.peer is None:
            return False
        if kind == "OFFER" and self._timer is not None and self._timer.active():
            self._timer.reset(self.version.no_answer or 0.0)
        return True

    def _no_answer(self) -> None:
        self._session().state = State.ESTABLISHED if self.call_state is CallState.CONNECTED else State.NEW
        self.fire("onPeerNoanswer")

    # -- common

    def _session(self) -> Session:
        if self.session is None:
            self.session = Session()
        return self.session

    def _prepare(self, state: State, action: Callable[[], None]) -> None:
        """Let ICE gather for a while, where it takes any time."""
        self._session().state = state
        if self._gathering:
            self._timer = self._clock.callLater(self._gathering, action)
        else:
            action()

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _reset(self) -> None:
        """Be idle again, with a new media session."""
        self._stop_timer()
        if self.session is not None:
            self.session = Session(self.session.id + 1)
        self.call_state, self.on_hold, self.caller, self.incoming = CallState.IDLE, False, None, None

    def _forced_out(self) -> None:
        self.disconnect()
        if self.version.tells_sign_out:
            self.fire("onPeerClosing")


def _is_error(text: str) -> bool:
    return min(text.find("ERROR"), text.find("errorType"), text.find("{")) > 0
