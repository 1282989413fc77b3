"""
A signed-in agent without a page.

One task reads the event stream and hands each message to its call. When the stream breaks off it begins again behind
the last message, so none is lost; when the gateway has forgotten the session (a restart), the agent signs in again, and
calls that are gone end as ``lost``. Every wait and every queue has a bound.
"""

import asyncio
import inspect
import logging
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import aclosing
from types import TracebackType
from typing import Self

from attrs import define, field, frozen

from wrtcgw.agentclient.call import Call, Ending, State
from wrtcgw.agentclient.changes import Changes
from wrtcgw.agentclient.errors import (
    AgentClientError,
    NoMediaError,
    RefusedError,
    SignedOutError,
    UnreachableError,
)
from wrtcgw.agentclient.messages import Message
from wrtcgw.agentclient.sound import MakeSound, Sound
from wrtcgw.agentclient.wire import Wire, open_wire

log = logging.getLogger("wrtcgw.agentclient")

Token = str | Callable[[], str | Awaitable[str]]
"""Of the gateway's identity provider; as a function it gives a fresh one for each sign-in."""

_FORGOTTEN = ("not_signed_in", "session_required")
"""The gateway knows the session no more."""
_COMES_BACK = ("stopping", "page-lost")
"""Causes of SIGNED_OUT after which it is worth signing in again."""
_EARLY = 64
"""Messages kept of calls whose id is still on its way."""
_FAREWELLS = 256
"""Calls to be ended as soon as the gateway can be reached again."""
_KEPT_ENDS = 64
_CLOSING = 10.0
"""Seconds that the media of the last calls may take to close."""


@frozen(kw_only=True)
class Limits:
    """
    Bounds, with times in seconds.

    :ivar waiting: calls that may ring until :meth:`Agent.incoming` takes them; further ones hear busy (486).
    :ivar away: how long a call of ours waits for a gateway that is away.
    :ivar pause: before the first new try of the event stream, and of signing in again; doubled each time …
    :ivar longest_pause: … up to this. Each is cut short by up to a half, by chance.
    """

    waiting: int = 16
    away: float = 30.0
    pause: float = 0.5
    longest_pause: float = 8.0


@define(eq=False)
class Agent:
    """
    One DN at one gateway, as ``async with Agent(...) as agent``: signed in within, and out behind it.

    :param gateway: base address: ``https://gateway.example.com``.
    :param token: in place of ``password``; ``dn`` may then be left out where the token allows one only.
    :param agent_id: the agent's id; by default ``bot-`` and the DN.
    :param new_media: what makes the media of calls; by default aiortc. :param open_wire: what asks the gateway.
    """

    gateway: str
    dn: str = ""
    password: str = field(default="", repr=False)
    token: Token = field(default="", repr=False, kw_only=True)
    agent_id: str = field(default="", kw_only=True)
    display_name: str = field(default="", kw_only=True)
    limits: Limits = field(factory=Limits, kw_only=True)
    new_media: MakeSound | None = field(default=None, kw_only=True)
    open_wire: Callable[[str], Wire] = field(default=open_wire, kw_only=True, repr=False)
    ready: bool = field(default=False, init=False)
    """Whether its messages come: false while the gateway is away."""
    wire: Wire = field(init=False, repr=False)
    _calls: dict[str, Call] = field(factory=dict, init=False)
    _ringing: deque[Call] = field(factory=deque, init=False)
    _placing: int = field(default=0, init=False)
    _early: deque[Message] = field(factory=lambda: deque(maxlen=_EARLY), init=False)
    _over: deque[str] = field(factory=lambda: deque(maxlen=_KEPT_ENDS), init=False)
    _farewells: dict[str, tuple[str, Mapping[str, object]]] = field(factory=dict, init=False)
    _gone: SignedOutError | None = field(default=None, init=False)
    _changes: Changes = field(factory=Changes, init=False)
    _last: int | None = field(default=None, init=False)
    _make_sound: MakeSound | None = field(default=None, init=False)
    _listening: asyncio.Task[None] | None = field(default=None, init=False)
    _tasks: set[asyncio.Task[None]] = field(factory=set, init=False)

    # -- coming and going

    async def __aenter__(self) -> Self:
        """
        Sign in.

        :raises RefusedError: for a wrong password, or a registrar that says no.
        :raises UnreachableError: when no gateway answers.
        """
        self._make_sound = self.new_media or _aiortc(self.gateway)
        self.wire = self.open_wire(self.gateway)
        try:
            await self._sign_in()
            for view in await self.wire.calls():  # an earlier process of this DN has left them
                if view.get("state") != "OFFERED":
                    await self.farewell("hangup", str(view.get("callId")))
        except BaseException:
            await self._sign_out()
            await self.wire.close()
            raise
        self.ready = True
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Sign out, which ends its calls."""
        try:
            if self._listening is not None:
                self._listening.cancel()
                await asyncio.gather(self._listening, return_exceptions=True)
            if self._gone is None:
                await self._sign_out()
            self._leave(SignedOutError("signed out"))
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_CLOSING)
        finally:
            await self.wire.close()

    async def _sign_out(self) -> None:
        """End the session, if there is one; a gateway that is away keeps nobody."""
        if self.wire.token:
            try:
                await self.wire.sign_out()
            except AgentClientError as problem:
                log.warning("not signed out: %s", problem)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls that are not over."""
        return tuple(self._calls.values())

    # -- calls

    async def incoming(self, within: float | None = None) -> Call:
        """
        Return the next call that rings.

        :param within: seconds; None waits without end.
        :raises TimeoutError: when none rings in time.
        :raises SignedOutError: when none can come any more.
        """

        def rings() -> bool:
            while self._ringing and self._ringing[0].state is not State.INCOMING:
                self._ringing.popleft()
            return bool(self._ringing) or self._gone is not None

        await self._changes.until(rings, within, "a call")
        if not self._ringing and self._gone is not None:
            raise self._gone
        return self._ringing.popleft()

    async def ringing(self) -> AsyncIterator[Call]:
        """Yield each call that rings, until the agent is signed out."""
        while True:
            try:
                call = await self.incoming()
            except SignedOutError:
                return
            yield call

    async def call(self, to: str, data: Mapping[str, str] | None = None) -> Call:
        """
        Call a number; return when the gateway has taken the call. ``answered`` of it tells what becomes of it.

        While the gateway is away this waits for it, ``Limits.away`` seconds at most.

        :param data: to attach to the call.
        :raises UnreachableError: when no gateway answers.
        :raises RefusedError: when it does not let us call that number.
        :raises SignedOutError: when the session is over.
        """
        try:
            await self._changes.until(lambda: self.ready or self._gone, self.limits.away, "the gateway")
        except TimeoutError as error:
            raise UnreachableError(str(error)) from None
        if self._gone is not None:
            raise self._gone
        call = Call(id="", peer=to, state=State.CALLING, agent=self)
        self._placing += 1
        try:
            await call.place(to, data or {})
            self._calls[call.id] = call
        finally:
            self._placing -= 1
            early, self._early = self._early, deque(maxlen=_EARLY)
            for message in early:  # also those of other calls, whatever became of this one
                self._hand_over(message)
        if self._gone is not None:
            call.end(Ending("signed-out", hint=self._gone.reason))
            raise self._gone
        return call

    # -- for its calls

    async def new_sound(self, heard: Callable[[str], None]) -> Sound:
        """Return the media of a call."""
        assert self._make_sound is not None
        return self._make_sound(await self.wire.ice_servers(), heard)

    def over(self, call: Call) -> None:
        """Take note that a call is over."""
        if self._calls.pop(call.id, None) is not None:
            self._over.append(call.id)
            self._begin(call.settled())
        self._changes.tell()

    async def farewell(self, verb: str, call_id: str, **fields: object) -> None:
        """End a call at the gateway, now or when it can be reached again."""
        try:
            await self.wire.order(verb, call_id, **fields)
        except RefusedError as error:
            log.debug("call %s: %s: %s", call_id, verb, error)  # it was over there already
        except UnreachableError:
            if len(self._farewells) < _FAREWELLS:
                self._farewells[call_id] = (verb, fields)

    # -- the event stream

    async def _listen(self) -> None:
        """Take messages until the session is over; a fault of ours ends it too, so that nobody waits in vain."""
        try:
            await self._follow_streams()
        except Exception as error:
            log.exception("the bot %s ends", self.dn)
            self._leave(SignedOutError(f"{type(error).__name__}: {error}"))
            await self._sign_out()

    async def _follow_streams(self) -> None:
        failures = 0
        while self._gone is None:
            try:
                async with aclosing(self.wire.messages(self._last)) as messages:
                    async for message in messages:
                        failures = 0
                        if message is None:
                            await self._heard_again()
                        else:
                            self._take(message)
                        if self._gone is not None:
                            return
                raise UnreachableError("the event stream ended")
            except RefusedError as error:
                if error.code in _FORGOTTEN:
                    if failures:  # by a gateway that has just let us sign in, say
                        await asyncio.sleep(self._pause(failures))
                    await self._sign_in_again(error.text)
                    failures += 1
                elif _is_final(error):
                    self._leave(SignedOutError(error.text))
                else:
                    failures = await self._wait(failures, error)
            except UnreachableError as error:
                failures = await self._wait(failures, error)

    async def _wait(self, failures: int, error: Exception) -> int:
        if failures:
            self._set_ready(False)
            log.warning("%s; trying again", error)
        await asyncio.sleep(self._pause(failures))
        return failures + 1

    def _pause(self, failures: int) -> float:
        longest: float = min(self.limits.longest_pause, self.limits.pause * 2 ** min(failures, 16))
        return longest * random.uniform(0.5, 1.0)

    async def _heard_again(self) -> None:
        self._set_ready(True)
        farewells, self._farewells = self._farewells, {}
        for call_id, (verb, fields) in farewells.items():
            await self.farewell(verb, call_id, **fields)

    async def _sign_in(self) -> None:
        token = self.token() if callable(self.token) else self.token
        shown = await token if inspect.isawaitable(token) else token
        fields = {
            "dn": self.dn,
            "id": self.agent_id or (f"bot-{self.dn}" if self.dn else ""),
            "password": self.password,
            "token": shown,
            "display_name": self.display_name,
            "always_listens": "1",
            "acknowledges_calls": "1",
        }
        answer = await self.wire.sign_in({name: value for name, value in fields.items() if value})
        self.dn = str(answer.get("dn") or self.dn)
        self._last = None

    async def _sign_in_again(self, reason: str) -> None:
        """Sign in at a gateway that has forgotten us, as often as it takes; calls that it has not any more are lost."""
        log.warning("%s; signing in again", reason)
        self._set_ready(False)
        failures = 0
        while True:
            try:
                await self._sign_in()
                there = {str(view.get("callId")) for view in await self.wire.calls()}
                break
            except RefusedError as error:
                if _is_final(error):
                    self._leave(SignedOutError(error.text))
                    return
                log.info("not signed in yet: %s", error)
                await asyncio.sleep(max(error.retry_after, self._pause(failures)))
            except UnreachableError as error:
                log.info("not signed in yet: %s", error)
                await asyncio.sleep(self._pause(failures))
            failures += 1
        for call in self.calls:
            if call.id not in there:
                call.end(Ending("lost", hint="The gateway was restarted and knows this call no more."))

    def _take(self, message: Message) -> None:
        if self._last is not None and message.seq <= self._last:
            return
        self._last = message.seq
        if message.type == "SIGNED_OUT":
            if message.text("cause") in _COMES_BACK:
                self._set_ready(False)  # the next try of the stream is told that nobody is signed in
            else:
                self._leave(SignedOutError(message.text("reason") or message.text("cause")))
            return
        self._hand_over(message)

    def _hand_over(self, message: Message) -> None:
        call = self._calls.get(message.call_id)
        if call is not None:
            call.take(message)
        elif message.call_id in self._over or not message.call_id:
            return
        elif self._placing:
            self._early.append(message)
        elif message.type == "OFFER" and message.text("cause") != "resync":
            self._rings(message)
        elif message.type in ("RINGING", "ANSWER"):  # of a call that was given up while it was placed
            self._begin(self.farewell("hangup", message.call_id))

    def _rings(self, message: Message) -> None:
        call = Call(
            id=message.call_id,
            peer=message.text("from"),
            state=State.INCOMING,
            display_name=message.text("displayName"),
            called=message.text("called"),
            data=message.data,
            agent=self,
            offer=message.text("sdp"),
        )
        self._calls[call.id] = call
        if sum(each.state is State.INCOMING for each in self._ringing) >= self.limits.waiting:
            log.warning("call %s from %s is refused: %d others wait", call.id, call.peer, self.limits.waiting)
            self._begin(call.reject())
            return
        self._ringing.append(call)
        self._begin(self._acknowledge(call.id))
        self._changes.tell()

    async def _acknowledge(self, call_id: str) -> None:
        """Say that we have got it, so that the caller hears it ring."""
        try:
            await self.wire.order("ringing", call_id)
        except AgentClientError as error:
            log.debug("call %s: not acknowledged: %s", call_id, error)

    # -- inside

    def _set_ready(self, ready: bool) -> None:
        if ready != self.ready:
            self.ready = ready
            self._changes.tell()

    def _leave(self, why: SignedOutError) -> None:
        """End all: nothing more can come."""
        if self._gone is not None:
            return
        self._gone = why
        self.ready = False
        for call in self.calls:
            call.end(Ending("signed-out", hint=why.reason))
        self._changes.tell()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _is_final(error: RefusedError) -> bool:
    """Return whether asking again would be refused again; what no gateway says comes from something before it."""
    return error.status < 500 and error.status != 429 and error.code != "unexpected_answer"


def _aiortc(gateway: str) -> MakeSound:
    """
    Return what makes media by aiortc.

    :raises NoMediaError: when it is not installed.
    """
    try:
        from wrtcgw.agentclient import media  # noqa: PLC0415 - needs the bot extra
    except ImportError as error:
        raise NoMediaError(f"no media: {error} (pip install 'wrtcgw[bot]' brings it)") from error
    return media.maker(gateway)
