"""
One call of a bot.

A message is taken in two steps: first the state changes, then those who wait are told (``Changes``). What has to be
done about it with media runs in a task of the call, one after the other.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Protocol

from attrs import define, field, frozen

from wrtcgw.agentclient.changes import Changes
from wrtcgw.agentclient.errors import (
    AgentClientError,
    CallOverError,
    NoMediaError,
    RefusedError,
    TransferError,
    UnreachableError,
    WrongStateError,
)
from wrtcgw.agentclient.messages import Message
from wrtcgw.agentclient.sound import Sound
from wrtcgw.agentclient.wire import Wire

log = logging.getLogger("wrtcgw.agentclient")

DIGITS = 128
"""So many digits wait to be read; older ones go first."""
RECORDING = 3600.0
"""Seconds that a recording may last unless another limit is given."""
NOT_ACCEPTABLE = 488


class State(Enum):
    """Where a call is."""

    CALLING = "calling"
    RINGING = "ringing"
    EARLY = "early"
    INCOMING = "incoming"
    ANSWERING = "answering"
    UP = "up"
    ENDED = "ended"


BEGUN = (State.RINGING, State.EARLY, State.UP)


@frozen
class Ending:
    """How a call ended: the gateway's ``cause`` (``docs/api.md``), what SIP said, and a sentence for people."""

    cause: str
    sip_code: int = 0
    reason: str = ""
    hint: str = ""


class Switchboard(Protocol):
    """What a call needs of its agent."""

    wire: Wire

    async def new_sound(self, heard: Callable[[str], None]) -> Sound:
        """Return the media of a call, which tell of digits in them."""

    def over(self, call: "Call") -> None:
        """Take note that a call is over."""

    async def farewell(self, verb: str, call_id: str, **fields: object) -> None:
        """End a call at the gateway, now or when it can be reached again."""


@define(eq=False, kw_only=True)
class Call:
    """
    One call; made by :class:`wrtcgw.agentclient.Agent`.

    :ivar id: the gateway's, as operators find it.
    :ivar peer: the far side's number; :ivar display_name: and name; :ivar called: the number that was dialled.
    :ivar data: what the far side attached.
    :ivar held: by us; :ivar held_by_peer: by the far side.
    :ivar ending: how it ended; None before that.
    """

    id: str
    peer: str
    state: State
    display_name: str = ""
    called: str = ""
    data: Mapping[str, str] = field(factory=dict)
    held: bool = field(default=False, init=False)
    held_by_peer: bool = field(default=False, init=False)
    ending: Ending | None = field(default=None, init=False)
    _agent: Switchboard = field(repr=False)
    _sound: Sound | None = field(default=None, init=False, repr=False)
    _offer: str = field(default="", repr=False)
    _digits: deque[str] = field(factory=lambda: deque(maxlen=DIGITS), init=False, repr=False)
    _transfer: Message | None = field(default=None, init=False, repr=False)
    _changes: Changes = field(factory=Changes, init=False, repr=False)
    _order: asyncio.Lock = field(factory=asyncio.Lock, init=False, repr=False)
    _tasks: set[asyncio.Task[None]] = field(factory=set, init=False, repr=False)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state is State.ENDED

    # -- its beginning and end

    async def answer(self, within: float = 20.0) -> None:
        """
        Answer a call that rings here; what cannot be taken is refused with 488.

        :raises CallOverError: when the caller has given up.
        :raises NoMediaError: when there is nothing in its description that we can take.
        """
        self._require("answer", State.INCOMING)
        self._change(State.ANSWERING)
        async with self._order:
            try:
                sound = await self._media()
                kind, sdp = (
                    ("ANSWER", await sound.answer(self._offer)) if self._offer else ("OFFER", await sound.offer())
                )
                self._still_there()
                await self._agent.wire.describe({"messageType": kind, "callId": self.id, "sdp": sdp})
            except NoMediaError:
                await self._leave("reject", code=NOT_ACCEPTABLE)
                raise
            except AgentClientError:
                if not self.is_over:
                    self._change(State.INCOMING)
                raise
        if kind == "ANSWER" and not self.is_over:
            self._change(State.UP)
        await self.answered(within)

    async def answered(self, within: float | None = 60.0) -> None:
        """
        Return when the call is up.

        :raises CallOverError: when it ended instead: busy, refused, not answered.
        :raises TimeoutError: when neither happens in time; the call rings on.
        """
        await self._changes.until(lambda: self.state in (State.UP, State.ENDED), within, f"{self.peer} to answer")
        self._still_there()

    async def ended(self, within: float | None = None) -> Ending:
        """Return how the call ended, when it has."""
        await self._changes.until(lambda: self.is_over, within, "the call to end")
        assert self.ending is not None
        return self.ending

    async def reject(self, code: int = 486) -> None:
        """Reject a call that rings here."""
        self._require("reject", State.INCOMING, State.ANSWERING)
        await self._leave("reject", code=code)

    async def hangup(self) -> None:
        """End the call, whatever its state is; fine when it is over. If the gateway is away, it is told later."""
        if not self.is_over:
            await self._leave("hangup")

    async def _leave(self, verb: str, **fields: object) -> None:
        self.end(Ending("local"))
        if self.id:
            await self._agent.farewell(verb, self.id, **fields)

    # -- during it

    async def play(self, path: str | Path, *, until_digit: bool = False) -> None:
        """
        Say a sound file (WAV, MP3, Ogg: what FFmpeg reads), and return when that is done.

        :param until_digit: be quiet as soon as the far side dials; :meth:`digits` reads what it was.
        :raises CallOverError: when the call ends meanwhile.
        :raises NoMediaError: when the file cannot be read, or media do not come up, or break off.
        :raises WrongStateError: when we hold the call: nobody would hear it.
        """
        self._require("play in", State.UP)
        if self.held:
            raise WrongStateError("one cannot play in a call that is on hold")
        assert self._sound is not None

        def interrupted() -> bool:
            return self.is_over or (until_digit and bool(self._digits))

        playing = asyncio.ensure_future(self._sound.play(Path(path)))
        interruption = asyncio.ensure_future(self._changes.until(interrupted, None, ""))
        try:
            await asyncio.wait((playing, interruption), return_when=asyncio.FIRST_COMPLETED)
            if not interrupted():
                await playing
        finally:
            for task in (playing, interruption):
                task.cancel()
            await asyncio.gather(playing, interruption, return_exceptions=True)
        self._still_there()

    def record(self, path: str | Path, most: float = RECORDING) -> None:
        """Begin to write what the far side says into a WAV file (16 kHz), until the end or for ``most`` seconds."""
        self._require("record", State.UP)
        assert self._sound is not None
        self._sound.record(Path(path), most)

    def stop_recording(self) -> None:
        """End the recording before the call does."""
        if self._sound is not None:
            self._sound.stop_recording()

    async def digits(self, count: int, within: float = 10.0, end: str = "#") -> str:
        """
        Return the next digits that the far side dials: ``count`` of them, fewer when ``end`` or no more comes.

        :param within: seconds to wait, all in all; what has come by then is returned, maybe nothing.
        :raises CallOverError: when the call ends first.
        """

        def complete() -> bool:
            return len(self._digits) >= count or bool(end and end in self._digits) or self.is_over

        with suppress(TimeoutError):
            await self._changes.until(complete, within, "digits")
        if not self._digits:
            self._still_there()
        read = ""
        while self._digits and len(read) < count:
            digit = self._digits.popleft()
            if digit == end:
                break
            read += digit
        return read

    async def send_digits(self, digits: str) -> None:
        """Send digits by SIP INFO; return when the far side has taken the last one."""
        await self._ordered("dtmf", digits=digits)

    async def hold(self) -> None:
        """Put the call on hold."""
        await self._ordered("hold")
        self._set_hold(held=True)

    async def resume(self) -> None:
        """Take the call from hold."""
        await self._ordered("resume")
        self._set_hold(held=False)

    async def transfer(self, to: str, within: float = 60.0) -> None:
        """
        Connect the far side with a number; return when that has succeeded, and this call is over.

        :raises TransferError: when it has not; the call goes on.
        """
        await self._refer({"to": to}, within)

    async def transfer_to(self, other: "Call", within: float = 60.0) -> None:
        """Connect the far sides of this call and another one; otherwise as :meth:`transfer`."""
        await self._refer({"to_call": other.id}, within)

    async def _refer(self, target: Mapping[str, str], within: float) -> None:
        self._transfer = None
        await self._ordered("transfer", **target)
        await self._changes.until(lambda: self._transfer is not None or self.is_over, within, "the transfer")
        outcome = self._transfer
        if outcome is None:
            self._still_there()
        elif outcome.text("state") != "DONE":
            words = outcome.text("hint") or outcome.text("reason")
            raise TransferError(outcome.text("state"), outcome.number("sipCode"), words)
        else:
            await self.ended(within)

    async def _ordered(self, verb: str, **fields: object) -> None:
        self._require(verb, *BEGUN)
        try:
            await self._agent.wire.order(verb, self.id, **fields)
        except RefusedError as error:
            if error.code in ("call_ended", "unknown_call"):
                self.end(Ending("lost", error.sip_code, hint=error.text))
                self._still_there()
            raise

    # -- what its agent does with it

    async def place(self, to: str, data: Mapping[str, str]) -> None:
        """Place the call."""
        try:
            sdp = await (await self._media()).offer()
            attached = [{"key": key, "value": value} for key, value in data.items()]
            wanted = {"messageType": "OFFER", "to": to, "sdp": sdp, **({"data": attached} if attached else {})}
            self.id = await self._agent.wire.describe(wanted)
        except (AgentClientError, asyncio.CancelledError) as error:
            self.end(Ending("failed", hint=str(error)))
            raise

    def take(self, message: Message) -> None:
        """Take a message of the gateway."""
        if self.is_over:
            return
        if message.ends_call:
            cause, reason = message.text("cause"), message.text("reason")
            self.end(Ending(cause, message.number("sipCode"), reason, message.text("hint")))
            return
        take = {
            "RINGING": self._rings,
            "ANSWER": self._take_answer,
            "OFFER": self._take_offer,
            "HOLD": self._take_hold,
            "RESUME": self._take_hold,
            "DTMF": self._take_digits,
            "TRANSFER": self._take_transfer,
            "IDENTITY": self._take_identity,
        }.get(message.type)
        if take is not None:
            take(message)

    def end(self, ending: Ending) -> None:
        """Note that it is over."""
        if self.is_over:
            return
        self.ending = ending
        self._change(State.ENDED)
        self._begin(self._close_media())
        self._agent.over(self)

    def heard(self, digit: str) -> None:
        """Take a digit that came in the media."""
        self._digits.append(digit)
        self._changes.tell()

    async def settled(self) -> None:
        """Return when nothing of it is under way any more."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- messages

    def _rings(self, message: Message) -> None:
        if self.state is State.CALLING:
            self._change(State.RINGING)

    def _take_answer(self, message: Message) -> None:
        self._begin(self._apply(message))

    async def _apply(self, message: Message) -> None:
        early = message.fields.get("moreComing") is True
        async with self._order:
            if self._sound is None or self.is_over:
                return
            try:
                await self._sound.apply_answer(message.text("sdp"))
            except NoMediaError as error:
                if not early and self.state is not State.UP:  # an early one may be another far side's than the last
                    log.warning("call %s: the answer cannot be used: %s", self.id, error)
                    await self._leave("hangup")
                return
        if message.data:
            self.data = message.data
        if self.state is not State.UP and not self.is_over:
            self._change(State.EARLY if early else State.UP)

    def _take_offer(self, message: Message) -> None:
        if self.state is State.INCOMING:  # told again
            self._offer = message.text("sdp")
        elif self.state is not State.ANSWERING:
            self._begin(self._answer_again(message.text("sdp")))

    async def _answer_again(self, offer: str) -> None:
        """Answer an offer inside the call; without one the gateway asks for ours."""
        async with self._order:
            if self._sound is None or self.is_over:
                return
            kind, sdp = ("ANSWER", await self._sound.answer(offer)) if offer else ("OFFER", await self._sound.offer())
            await self._agent.wire.describe({"messageType": kind, "callId": self.id, "sdp": sdp})

    def _take_hold(self, message: Message) -> None:
        on = message.type == "HOLD"
        if message.text("cause") == "peer":
            self._set_hold(held_by_peer=on)
        else:
            self._set_hold(held=on)

    def _set_hold(self, *, held: bool | None = None, held_by_peer: bool | None = None) -> None:
        self.held = self.held if held is None else held
        self.held_by_peer = self.held_by_peer if held_by_peer is None else held_by_peer
        self._changes.tell()

    def _take_digits(self, message: Message) -> None:
        for digit in message.text("digits"):
            self.heard(digit)

    def _take_transfer(self, message: Message) -> None:
        if message.text("state") in ("DONE", "FAILED", "UNKNOWN"):
            self._transfer = message
            self._changes.tell()

    def _take_identity(self, message: Message) -> None:
        self.peer = message.text("from") or self.peer
        self.display_name = message.text("displayName")
        self._changes.tell()

    # -- inside

    async def _media(self) -> Sound:
        """Return the media, made when they are needed first."""
        if self._sound is None:
            self._sound = await self._agent.new_sound(self.heard)
            if self.is_over:
                await self._close_media()
                self._still_there()
        return self._sound

    async def _close_media(self) -> None:
        sound, self._sound = self._sound, None
        if sound is not None:
            await sound.close()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        """Do something meanwhile; what goes wrong is logged, since nobody waits for it."""

        async def done() -> None:
            try:
                await work
            except (NoMediaError, RefusedError, UnreachableError) as error:
                log.warning("call %s: %s", self.id, error)
            except Exception:
                log.exception("call %s", self.id)

        task = asyncio.ensure_future(done())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _change(self, state: State) -> None:
        self.state = state
        self._changes.tell()

    def _require(self, what: str, *states: State) -> None:
        self._still_there()
        if self.state not in states:
            raise WrongStateError(f"one cannot {what} a call that is {self.state.value}")

    def _still_there(self) -> None:
        if self.ending is not None:
            ending = self.ending
            raise CallOverError(ending.cause, ending.sip_code, ending.hint or ending.reason)
