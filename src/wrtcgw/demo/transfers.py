"""
Transfers in the demo PBX (:rfc:`3515`, :rfc:`3891`), with Asterisk's manners.

The transferor's leg is left for the transferor to hang up after the final NOTIFY. An extension that only plays a sound
cannot be transferred (NOTIFY 400): there is nobody to be transferred.
"""

from typing import TYPE_CHECKING

from wrtcgw.demo.extensions import EXTENSIONS, Extension, PBXLeg
from wrtcgw.sip.outputs import TransferRequested

if TYPE_CHECKING:
    from wrtcgw.demo.switchboard import Switchboard

PATIENCE = 15.0
"""Seconds after which a transferor that does not hang up by itself is hung up."""


class Transfers:
    """The REFERs of agents, carried out on the legs of one switchboard."""

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
