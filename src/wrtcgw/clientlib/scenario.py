"""The walk through a call, step by step, as ``wrtcgw-client`` does it."""

from collections.abc import Awaitable, Callable

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from wrtcgw.clientlib.api import Event, GatewayAPI, RefusedError, UnreachableError
from wrtcgw.clientlib.inbox import Inbox, SilenceError
from wrtcgw.clientlib.output import Exit, Report, StepError
from wrtcgw.clientlib.sound import Sound

_LOOK_AGAIN = 0.1


@frozen(kw_only=True)
class Plan:
    """What to do."""

    dn: str
    password: str = field(repr=False)
    call: str = ""
    """The number to call."""
    wait: bool = False
    """Wait for a call instead."""
    expect: int = 0
    """The SIP code with which the call is to fail; 0: it is to succeed."""
    digits: str = ""
    hold: bool = False
    transfer: str = ""
    consult: str = ""
    talk: float = 0.0
    tone: float = 0.0
    """The frequency that is to be heard; 0: there is no media."""
    patience: float = 20.0


class CallError(Exception):
    """The call did not go as it should."""


@define(eq=False)
class Phone:
    """One call of ours."""

    sound: Sound
    id: str = ""
    up: bool = True


@define(eq=False, kw_only=True)
class Walk:
    """One run: from the first question to sign-out."""

    plan: Plan
    api: GatewayAPI
    clock: IReactorTime
    report: Report
    new_sound: Callable[[], Sound]
    _inbox: Inbox = field(init=False)
    _calls: list[Phone] = field(factory=list, init=False)
    _signed_in: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        """Make the inbox."""
        self._inbox = Inbox(self.api, self.clock, self._arrived)

    async def run(self) -> Exit:
        """Take all steps of the plan; after a failure only clean up."""
        try:
            await self._all()
        except StepError as error:
            return error.code
        finally:
            await self._clean_up()
        return Exit.OK

    async def _all(self) -> None:
        await self._step("gateway answers", Exit.UNREACHABLE, self._health())
        await self._step(f"sign in as {self.plan.dn}", Exit.SIGN_IN_FAILED, self._sign_in())
        if self.plan.wait:
            await self._talk(await self._take_call())
        elif self.plan.call:
            phone = await self._place_call(self.plan.call, self.plan.expect)
            if phone is not None:
                await self._talk(phone)
        await self._step("sign out", Exit.CALL_FAILED, self._sign_out())

    async def _step(self, name: str, code: Exit, work: Awaitable[str]) -> None:
        """Do one step and tell how it went; ``work`` returns what to tell of a success."""
        began = self.clock.seconds()
        try:
            detail = await work
        except UnreachableError as error:
            self.report.failed(name, str(error), self.clock.seconds() - began)
            raise StepError(Exit.UNREACHABLE) from error
        except (RefusedError, CallError, SilenceError, ValueError) as error:
            self.report.failed(name, str(error), self.clock.seconds() - began)
            raise StepError(code) from error
        self.report.done(name, detail, self.clock.seconds() - began)

    # -- coming and going

    async def _health(self) -> str:
        health = await self.api.health()
        version = health.get("version", "?")
        return f"{health.get('status')}, version {version}, {health.get('active_calls', '?')} calls up"

    async def _sign_in(self) -> str:
        await self.api.sign_in(self.plan.dn, self.plan.password)
        self._signed_in = True
        self._inbox.open()
        return f"agent {self.api.agent_id}"

    async def _sign_out(self) -> str:
        self._signed_in = False
        await self._inbox.close()
        await self.api.sign_out()
        return "OK"

    async def _clean_up(self) -> None:
        for phone in self._calls:
            await phone.sound.close()
        await self._inbox.close()
        if self._signed_in:
            try:
                await self.api.sign_out()
            except (RefusedError, UnreachableError) as error:
                self.report.note(f"not signed out: {error}")

    # -- a call begins

    async def _place_call(self, number: str, expected: int = 0) -> Phone | None:
        """Call a number; None when the call failed as it was expected to."""
        phone = self._new_phone()
        await self._step(f"call {number}", Exit.CALL_FAILED, self._dial(phone, number))
        if expected:
            await self._step(f"refused with {expected}", Exit.CALL_FAILED, self._refused(phone, expected))
            return None
        await self._step("answered", Exit.CALL_FAILED, self._answered(phone))
        return phone

    def _new_phone(self) -> Phone:
        phone = Phone(self.new_sound())
        self._calls.append(phone)
        return phone

    async def _dial(self, phone: Phone, number: str) -> str:
        phone.id = await self.api.place_call(number, await phone.sound.offer())
        return f"call {phone.id}"

    async def _answered(self, phone: Phone) -> str:
        event = await self._event(phone, "ANSWER")
        while event.more_coming:
            event = await self._event(phone, "ANSWER")
        if event.sdp is not None:
            await phone.sound.apply_answer(event.sdp)
        return f"{len((event.sdp or '').splitlines())} lines of SDP"

    async def _refused(self, phone: Phone, expected: int) -> str:
        event = await self._inbox.next(
            lambda event: event.call_id == phone.id and (event.ends_call or event.type == "ANSWER"), self.plan.patience
        )
        if event.code != expected:
            raise CallError(f"it was not: {event}")
        return event.reason

    async def _take_call(self) -> Phone:
        phone = self._new_phone()
        await self._step("incoming call", Exit.CALL_FAILED, self._accept(phone))
        return phone

    async def _accept(self, phone: Phone) -> str:
        event = await self._inbox.next(lambda event: event.type == "OFFER", self.plan.patience)
        phone.id = event.call_id
        text = await (phone.sound.answer(event.sdp) if event.sdp is not None else phone.sound.offer())
        await self.api.describe(phone.id, text)
        return f"from {event.sender}, answered"

    # -- during a call

    async def _talk(self, phone: Phone) -> None:
        plan = self.plan
        if plan.tone:
            await self._step(f"hear {plan.tone:g} Hz", Exit.NO_MEDIA, self._hears(phone, True))
        if plan.digits:
            await self._step(f"send {plan.digits}", Exit.CALL_FAILED, self._control(phone, "dtmf", digits=plan.digits))
        if plan.hold:
            await self._hold(phone)
        if plan.talk:
            await self._step(f"talk {plan.talk:g} s", Exit.CALL_FAILED, self._stay(phone, plan.talk))
        if plan.transfer or plan.consult:
            await self._transfer(phone)
        else:
            await self._step("hang up", Exit.CALL_FAILED, self._hang_up(phone))

    async def _hold(self, phone: Phone) -> None:
        await self._step("hold", Exit.CALL_FAILED, self._control(phone, "hold"))
        if self.plan.tone:
            await self._step("hear nothing", Exit.NO_MEDIA, self._hears(phone, False))
        await self._step("resume", Exit.CALL_FAILED, self._control(phone, "resume"))
        if self.plan.tone:
            await self._step(f"hear {self.plan.tone:g} Hz again", Exit.NO_MEDIA, self._hears(phone, True))

    async def _hears(self, phone: Phone, wanted: bool) -> str:
        deadline = self.clock.seconds() + self.plan.patience
        while await phone.sound.hears() is not wanted:
            self._still_up(phone)
            if self.clock.seconds() > deadline:
                raise CallError(f"the tone is {'not' if wanted else 'still'} heard after {self.plan.patience:g} s")
            await deferLater(self.clock, _LOOK_AGAIN, lambda: None)
        return "heard" if wanted else "silence"

    async def _control(self, phone: Phone, verb: str, **fields: str) -> str:
        return await self.api.control(verb, phone.id, **fields)

    async def _stay(self, phone: Phone, seconds: float) -> str:
        deadline = self.clock.seconds() + seconds
        while self.clock.seconds() < deadline:
            self._still_up(phone)
            await deferLater(self.clock, min(seconds, _LOOK_AGAIN), lambda: None)
        return "the call is still up"

    def _still_up(self, phone: Phone) -> None:
        if not phone.up:
            raise CallError("the far side has hung up")

    async def _transfer(self, phone: Phone) -> None:
        """Transfer the call; the gateway ends ours once that has succeeded."""
        fields = {"to": self.plan.transfer}
        if self.plan.consult:
            await self._step("hold", Exit.CALL_FAILED, self._control(phone, "hold"))
            second = await self._place_call(self.plan.consult)
            fields = {"to_call": second.id if second is not None else ""}
        target = self.plan.transfer or self.plan.consult
        await self._step(f"transfer to {target}", Exit.CALL_FAILED, self._control(phone, "transfer", **fields))
        await self._step("transferred", Exit.CALL_FAILED, self._transferred(phone))

    async def _transferred(self, phone: Phone) -> str:
        def outcome(event: Event) -> bool:
            done = event.type == "TRANSFER" and event.state in ("DONE", "FAILED", "UNKNOWN")
            return event.call_id == phone.id and (done or event.ends_call)

        event = await self._inbox.next(outcome, self.plan.patience)
        if event.state != "DONE":
            raise CallError(str(event))
        return f"{event.code or ''} {event.reason}".strip()

    async def _hang_up(self, phone: Phone) -> str:
        self._still_up(phone)
        phone.up = False
        return await self.api.control("hangup", phone.id)

    # -- messages

    async def _event(self, phone: Phone, kind: str) -> Event:
        """Wait for a message of that type for the call; the call's end is an error."""
        event = await self._inbox.next(
            lambda event: event.call_id == phone.id and (event.type == kind or event.ends_call), self.plan.patience
        )
        if event.type != kind:
            raise CallError(str(event))
        return event

    def _arrived(self, event: Event) -> None:
        """Tell of a message, and answer an offer inside one of our calls."""
        self.report.note(f"< {event}")
        if event.type == "SIGNED_OUT":
            for ended in self._calls:
                ended.up = False
        phone = next((phone for phone in self._calls if phone.id == event.call_id and phone.id), None)
        if phone is None:
            return
        phone.up = phone.up and not event.ends_call
        if event.type == "OFFER":
            Deferred.fromCoroutine(self._answer_offer(phone, event)).addErrback(
                lambda failure: self.report.note(f"offer not answered: {failure.getErrorMessage()}")
            )

    async def _answer_offer(self, phone: Phone, event: Event) -> None:
        text = await (phone.sound.answer(event.sdp) if event.sdp is not None else phone.sound.offer())
        await self.api.describe(phone.id, text)
