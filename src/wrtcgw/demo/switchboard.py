"""
The demo PBX's call handling: a back-to-back user agent over :class:`~wrtcgw.sip.core.UACore`.

Each leg ends here and has its own session (:mod:`wrtcgw.demo.lines`); what an agent does on one leg (hang up, hold,
digits, transfer) is done again on its partner's. This class knows SIP only through the core's entries and events.
"""

import math
from collections.abc import Callable, Coroutine

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from wrtcgw.demo.extensions import EXTENSIONS, Extension, PBXLeg, carried
from wrtcgw.demo.lines import Exchange
from wrtcgw.demo.registrar import Registrar
from wrtcgw.sdp.description import Direction, parse
from wrtcgw.sdp.directions import answer_direction, direction
from wrtcgw.sip.core import Account, UACore
from wrtcgw.sip.errors import LocalViolation
from wrtcgw.sip.outputs import (
    AnswerReceived,
    CallAnswered,
    CallEnded,
    CallProgress,
    CallReceived,
    InfoReceived,
    OfferAnswered,
    OfferReceived,
    Output,
    TransferRequested,
)

log = Logger()

TRYING = 100
PATIENCE = 15.0
"""Seconds after which a transferor that does not hang up by itself is hung up."""


def _report(failure: Failure) -> None:
    if not failure.check(CancelledError):  # the PBX is being stopped
        log.failure("demo PBX", failure)


class Switchboard:
    """All legs of the PBX."""

    def __init__(
        self,
        core: UACore,
        registrar: Registrar,
        exchange: Exchange,
        clock: IReactorTime,
        run: Callable[[list[Output]], None],
    ) -> None:
        """
        Connect the parts.

        :param run: carries out what an entry of the core has returned.
        """
        self.core = core
        self.registrar = registrar
        self.exchange = exchange
        self.clock = clock
        self.legs: dict[str, PBXLeg] = {}
        self.digits: list[str] = []
        self._run = run
        self._transfers = Transfers(self)
        self._working: set[Deferred[None]] = set()

    # -- the core

    def do(self, entry: Callable[[], list[Output] | tuple[object, list[Output]]]) -> None:
        """Use the core; a leg that has ended meanwhile needs nothing any more."""
        try:
            result = entry()
        except LocalViolation as violation:
            log.debug("{detail}", detail=violation)
            return
        self._run(result[1] if isinstance(result, tuple) else result)

    def work(self, coroutine: Coroutine[Deferred[object], object, None]) -> None:
        """Do what takes time: media may have to be set up first."""
        working: Deferred[None] = Deferred.fromCoroutine(coroutine)
        self._working.add(working)

        def done(result: object) -> None:
            self._working.discard(working)

        working.addErrback(_report).addBoth(done)

    def take(self, event: Output) -> None:
        """Act on one event of the core."""
        match event:
            case CallReceived():
                self.work(self._received(event))
            case CallProgress(leg, code, reason):
                self._with(leg, lambda found: self._progressed(found, code, reason))
            case CallAnswered() as answered:
                self._with(answered.leg, lambda found: self.work(self._answered(found, answered)))
            case CallEnded(leg, _, code, reason):
                self._with(leg, lambda found: self._ended(found, code, reason))
            case OfferReceived(leg, offer):
                self._with(leg, lambda found: self.work(self._reoffered(found, offer)))
            case OfferAnswered(leg, text) | AnswerReceived(leg, text):
                self._with(leg, lambda found: self.work(found.line.apply_answer(text)))
            case InfoReceived(leg, content_type, body):
                self._with(leg, lambda found: self._info(found, content_type, body))
            case TransferRequested() as request:
                self._with(request.leg, lambda found: self._transfers.requested(found, request))
            case _:
                log.debug("{event}", event=event)

    def _with(self, leg: str, act: Callable[[PBXLeg], None]) -> None:
        found = self.legs.get(leg)
        if found is not None:
            act(found)

    # -- a call begins

    async def _received(self, event: CallReceived) -> None:
        """Take a call: ``event.account`` is the number that was dialled."""
        caller = event.caller.uri.user or ""
        log.info("{caller} calls {number}", caller=caller, number=event.account)
        if event.offer is None:
            self.do(lambda: self.core.reject(event.leg, 488, "", self.clock.seconds()))
            return
        known = EXTENSIONS.get(event.account)
        if known is None:  # an agent: whether it rings there is for its phone to say
            self.do(lambda: self.core.proceed(event.leg, self.clock.seconds()))
        elif not known.code:
            self.do(lambda: self.core.ring(event.leg, self.clock.seconds()))
        line = self.exchange.line_for(event.offer)
        headers = carried(event.headers, event.uuid)
        leg = PBXLeg(id=event.leg, number=caller, line=line, offer=event.offer, headers=headers)
        self.legs[leg.id] = leg
        replaced = self.legs.get(event.replaces or "")
        if replaced is not None:
            await self._pick_up(leg)
            self.take_place(leg, replaced)
        elif event.account in EXTENSIONS:
            self._extension(leg, event.account, EXTENSIONS[event.account])
        else:
            await self._agent(leg, event.account)

    def _extension(self, leg: PBXLeg, number: str, extension: Extension) -> None:
        if extension.code:
            self._reject(leg, extension.code)
            return

        def pick_up() -> None:
            self.play(leg, number, extension)
            self.work(self._pick_up(leg))

        self.after(leg, extension.rings, pick_up)

    def after(self, leg: PBXLeg, rings: float, act: Callable[[], None]) -> None:
        """Act after so many seconds, unless the leg ends before."""
        leg.stop_timer()
        if rings == 0:
            act()
        elif rings < math.inf:
            leg.timer = self.clock.callLater(rings, act)

    def play(self, leg: PBXLeg, number: str, extension: Extension) -> None:
        """Connect a leg with an extension."""
        leg.partner, leg.extension, leg.sound = None, number, extension.sound
        leg.line.play(extension.sound)
        self.tell(leg, "sendrecv")

    async def _pick_up(self, leg: PBXLeg, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Answer a call of an agent, with what the answering side has for it to know."""
        try:
            answer = await leg.line.answer(leg.offer or "")
        except ValueError as error:
            log.info("{number}: {detail}", number=leg.number, detail=error)
            self._reject(leg, 488)
            return
        leg.answered = True
        leg.direction = direction(parse(leg.offer or ""))
        self.do(lambda: self.core.answer(leg.id, answer, self.clock.seconds(), headers=headers))

    async def _agent(self, leg: PBXLeg, number: str) -> None:
        """Ring another agent for the caller on ``leg``."""
        if not self.registrar.knows(number):
            self._reject(leg, 404)
            return
        called = await self.call(number, leg)
        if called is None:
            self._reject(leg, 480)
        elif leg.id in self.legs:
            leg.partner, called.partner = called, leg
        else:
            self.hang_up(called)

    async def call(self, number: str, caller: PBXLeg) -> PBXLeg | None:
        """Ring an agent, in the name of the agent on ``caller``; None when it is not registered."""
        if self.registrar.binding(number, self.clock.seconds()) is None:
            return None
        line = self.exchange.line_for(caller.offer or caller.line.local)
        offer = await line.offer()
        now = self.clock.seconds()
        binding = self.registrar.binding(number, now)
        if binding is None:
            return None
        self.core.add_account(Account(caller.number, caller.number, ""))
        leg_id, outputs = self.core.invite(
            caller.number, binding.contact, offer, now, headers=caller.headers, flow=binding.flow
        )
        leg = PBXLeg(id=leg_id, number=number, line=line)
        self.legs[leg_id] = leg
        self._run(outputs)
        return leg

    def _progressed(self, leg: PBXLeg, code: int, reason: str) -> None:
        """Let whom an agent was rung for hear that it rings there."""
        self._transfers.progress(leg, code, reason)
        partner = leg.partner
        if partner is not None and not partner.answered and code > TRYING:
            self.do(lambda: self.core.ring(partner.id, self.clock.seconds()))

    async def _answered(self, leg: PBXLeg, event: CallAnswered) -> None:
        """Connect an agent that we rang, and that has answered, with whom it was rung for."""
        leg.answered, leg.headers = True, carried(event.headers, event.uuid)
        await leg.line.apply_answer(event.sdp)
        partner = leg.partner
        if leg.heir is not None:
            self._transfers.answered(leg)
        elif partner is None or partner.id not in self.legs:
            self.hang_up(leg)
        else:
            await self._pick_up(partner, leg.headers)
            self.connect(leg, partner)

    # -- during a call

    def connect(self, one: PBXLeg, two: PBXLeg) -> None:
        """Let two agents hear each other; whoever was on hold for another partner is told that it is over."""
        one.partner, two.partner = two, one
        one.line.connect(two.line)
        self.tell(one, two.direction)
        self.tell(two, one.direction)

    def take_place(self, leg: PBXLeg, replaced: PBXLeg) -> None:
        """Connect a leg with whom ``replaced`` was connected with."""
        partner, replaced.partner = replaced.partner, None
        if partner is not None:
            self.connect(leg, partner)
        else:
            self.play(leg, replaced.extension, EXTENSIONS.get(replaced.extension, Extension()))

    def tell(self, leg: PBXLeg, direction: Direction) -> None:
        """Let an agent know that its partner holds the call, or does not any more."""
        if leg.answered and leg.told != direction:
            leg.told = direction
            self.do(lambda: self.core.reoffer(leg.id, leg.line.redirected(direction), self.clock.seconds()))

    async def _reoffered(self, leg: PBXLeg, offer: str | None) -> None:
        """Answer a re-INVITE, and hand a change of direction on to the partner."""
        if offer is None:
            text = await leg.line.offer()
            self.do(lambda: self.core.answer_offer(leg.id, text, self.clock.seconds()))
            return
        try:
            answer = await leg.line.answer(offer)
        except ValueError as error:
            log.info("{number}: {detail}", number=leg.number, detail=error)
            self.do(lambda: self.core.reject_offer(leg.id, 488, self.clock.seconds()))
            return
        leg.direction = direction(parse(offer))
        if leg.told != "sendrecv":  # the partner holds still: nothing is received here for it
            answer = leg.line.redirected(answer_direction(leg.direction, leg.told))
        self.do(lambda: self.core.answer_offer(leg.id, answer, self.clock.seconds()))
        if leg.partner is not None:
            self.tell(leg.partner, leg.direction)

    def _info(self, leg: PBXLeg, content_type: str, body: str) -> None:
        partner = leg.partner
        if partner is not None:
            self.do(lambda: self.core.info(partner.id, content_type, body, self.clock.seconds()))
            return
        kind = content_type.partition(";")[0].strip().lower()
        if kind not in ("application/dtmf-relay", "application/dtmf"):
            return  # data of the page: taken, but no key was pressed
        digit = body.strip()
        if kind == "application/dtmf-relay":
            signal = next((line for line in body.splitlines() if line.lower().startswith("signal")), "")
            digit = signal.partition("=")[2].strip()
        leg.digits.append(digit)
        self.digits.append(digit)
        log.info(
            "extension {number} got the digit {digit} from {caller}, {all} so far",
            number=leg.extension,
            digit=digit,
            caller=leg.number,
            all="".join(leg.digits),
        )

    # -- a call ends

    def hang_up(self, leg: PBXLeg) -> None:
        """End a leg in any state."""
        self.do(lambda: self.core.hangup(leg.id, self.clock.seconds()))

    def _reject(self, leg: PBXLeg, code: int, reason: str = "") -> None:
        self.do(lambda: self.core.reject(leg.id, code, reason, self.clock.seconds()))

    def _ended(self, leg: PBXLeg, code: int, reason: str) -> None:
        """Let go of a leg, and end its partner with it."""
        del self.legs[leg.id]
        leg.stop_timer()
        leg.line.close()
        partner, leg.partner = leg.partner, None
        if self._transfers.ended(leg, partner, code, reason) or partner is None:
            return
        partner.partner = None
        if partner.offer is not None and not partner.answered:
            self._reject(partner, code if code >= 300 else 480, reason)
        else:
            self.hang_up(partner)

    def stop(self) -> None:
        """Drop everything: the connections are gone."""
        for working in list(self._working):
            working.cancel()
        for leg in self.legs.values():
            leg.stop_timer()
            leg.line.close()
        self.legs.clear()


class Transfers:
    """
    The REFERs of agents (:rfc:`3515`, :rfc:`3891`), carried out on the legs of one switchboard with Asterisk's manners.

    The transferor's leg is left for the transferor to hang up after the final NOTIFY. An extension that only plays a
    sound cannot be transferred (NOTIFY 400): there is nobody to be transferred.
    """

    def __init__(self, board: "Switchboard") -> None:
        self._board = board

    def requested(self, transferor: PBXLeg, event: TransferRequested) -> None:
        """Accept a REFER and carry it out; its progress is told by NOTIFYs."""
        board = self._board
        board.do(lambda: board.core.accept_refer(transferor.id, board.clock.seconds()))
        transferee = transferor.partner
        other = board.legs.get(event.replaces or "")
        number = event.target.user or ""
        if transferee is None or not transferee.answered or transferor.transferring:
            self._notify(transferor, 400)
        elif other is not None:
            self._attended(transferor, transferee, other)
        elif event.replaces_value:
            self._notify(transferor, 481)
        elif number in EXTENSIONS:
            self._to_extension(transferor, transferee, number, EXTENSIONS[number])
        elif board.registrar.knows(number):
            transferor.transferring = True
            board.work(self._to_agent(transferor, transferee, number))
        else:
            self._notify(transferor, 404)

    def _notify(self, transferor: PBXLeg, code: int, reason: str = "") -> None:
        board = self._board
        if code >= 200:
            transferor.transferring = False
        board.do(lambda: board.core.notify_refer(transferor.id, code, reason, board.clock.seconds()))

    def _done(self, transferor: PBXLeg) -> None:
        transferor.partner = None
        self._notify(transferor, 200)
        self._board.after(transferor, PATIENCE, lambda: self._board.hang_up(transferor))

    def _attended(self, transferor: PBXLeg, transferee: PBXLeg, other: PBXLeg) -> None:
        """Connect the transferee with whom the transferor consulted over ``other``."""
        if not other.answered or other is transferee:
            self._notify(transferor, 400)
            return
        self._board.take_place(transferee, other)
        self._done(transferor)
        self._board.hang_up(other)

    def _to_extension(self, transferor: PBXLeg, transferee: PBXLeg, number: str, extension: Extension) -> None:
        if extension.code:
            self._notify(transferor, extension.code)
            return

        def connect() -> None:
            self._board.play(transferee, number, extension)
            self._done(transferor)

        if extension.rings:
            self._notify(transferor, 180)
        self._board.after(transferee, extension.rings, connect)

    async def _to_agent(self, transferor: PBXLeg, transferee: PBXLeg, number: str) -> None:
        called = await self._board.call(number, transferee)
        if called is None:
            self._notify(transferor, 480)
        elif transferee.id in self._board.legs:
            called.heir, called.transferor = transferee, transferor
        else:
            self._board.hang_up(called)

    def progress(self, called: PBXLeg, code: int, reason: str) -> None:
        """Tell the transferor how the call to the target gets on."""
        if called.transferor is not None:
            self._notify(called.transferor, code, reason)

    def answered(self, called: PBXLeg) -> None:
        """Connect the target, which has answered, with the transferee."""
        transferee, transferor = called.heir, called.transferor
        called.heir = called.transferor = None
        if transferee is None or transferee.id not in self._board.legs:
            self._board.hang_up(called)
            return
        self._board.connect(called, transferee)
        if transferor is not None:
            self._done(transferor)

    def ended(self, leg: PBXLeg, partner: PBXLeg | None, code: int, reason: str) -> bool:
        """
        Take notice of the end of a leg.

        :returns: True when that is all: its partner is not to be hung up.
        """
        if leg.heir is not None:
            self._failed(leg, leg.heir, code if code >= 300 else 487, reason)
            return True
        called = next((other for other in self._board.legs.values() if leg in (other.heir, other.transferor)), None)
        if called is None:
            return False
        if called.heir is leg:  # the transferee has hung up
            self._board.hang_up(called)
            return False
        called.transferor = None  # the transferor has left before the outcome: the transfer goes on
        if partner is not None:
            partner.partner = None
        return True

    def _failed(self, called: PBXLeg, transferee: PBXLeg, code: int, reason: str) -> None:
        if called.transferor is not None:
            self._notify(called.transferor, code, reason)
        elif transferee.partner is None:
            self._board.hang_up(transferee)
