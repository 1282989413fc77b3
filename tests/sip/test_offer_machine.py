"""Two cores, a link that delays and breaks, and users who offer, answer and refuse: in the end both agree."""

from hypothesis import given, settings, strategies
from twisted.trial.unittest import SynchronousTestCase

from tests.support.corecase import LONGEST_WAIT
from tests.support.corepair import OFFER, CorePair, Side
from wrtcgw.sip.outputs import (
    AnswerReceived,
    CallAnswered,
    CallEnded,
    CallReceived,
    OfferAnswered,
    OfferReceived,
    SessionRefreshed,
)
from wrtcgw.sip.usages.modification import OfferState

STEPS = ("offer", "answer", "refuse", "a moment", "a while", "cut", "mend", "hold", "release")
shares = strategies.floats(0, 1)
steps = strategies.lists(strategies.tuples(strategies.sampled_from(STEPS), strategies.booleans()), max_size=40)


class User:
    """Whoever is on one side of the call: knows what its own side and the other side have described last."""

    def __init__(self, pair: CorePair, side: Side) -> None:
        self.pair = pair
        self.side = side
        self.leg = ""
        self.remote: str | None = None
        self.open: str | None = None
        self._made = 0
        self._seen = 0

    def describe(self) -> str:
        """Make a description that is like no other."""
        self._made += 1
        return OFFER.replace("o=- 1 1", f"o={self.side.name} 1 {self._made}")

    @property
    def state(self) -> OfferState:
        """Return the state of the offer/answer exchange."""
        return self.side.core._legs[self.leg].modification.state

    @property
    def local(self) -> str:
        """Return the description of this side that counts."""
        return self.side.core._legs[self.leg].local_sdp

    @property
    def alive(self) -> bool:
        """Return whether this side has the call."""
        return self.leg in self.side.core._legs

    def listen(self) -> None:
        """Take note of what the core has told."""
        for event in self.side.events[self._seen :]:
            if isinstance(event, CallReceived):
                self.leg, self.remote = event.leg, event.offer
            elif isinstance(event, CallAnswered | OfferAnswered | SessionRefreshed | AnswerReceived):
                self.remote = event.sdp
            elif isinstance(event, OfferReceived):
                self.open = event.sdp
        self._seen = len(self.side.events)

    def offer(self) -> None:
        """Offer something new."""
        if self.alive:
            self.pair.take(self.side, self.side.core.reoffer(self.leg, self.describe(), self.pair.now))

    def answer(self, *, refuse: bool = False) -> None:
        """Answer or refuse the offer that is open, if it still is."""
        offered, self.open = self.open, None
        if offered is None or not self.alive or self.state is not OfferState.REMOTE_OFFER:
            return
        core, now = self.side.core, self.pair.now
        if refuse:
            self.pair.take(self.side, core.reject_offer(self.leg, 488, now))
        else:
            self.remote = offered
            self.pair.take(self.side, core.answer_offer(self.leg, self.describe(), now))


class AgreementTests(SynchronousTestCase):
    """What RFC 3264 is for: both sides hold the same two descriptions."""

    def established(self, share_a: float, share_b: float) -> tuple[CorePair, User, User]:
        """Establish a call."""
        pair = CorePair()
        pair.a.tokens.share, pair.b.tokens.share = share_a, share_b
        alice, bob = User(pair, pair.a), User(pair, pair.b)
        alice.leg = pair.call()
        bob.listen()
        pair.take(pair.b, pair.b.core.answer(bob.leg, bob.describe(), pair.now))
        alice.listen()
        return pair, alice, bob

    def act(self, pair: CorePair, user: User, step: str) -> None:
        """Do one step."""
        up = pair.a.core.is_connected(0)
        match step:
            case "offer":
                user.offer()
            case "answer" | "refuse":
                user.answer(refuse=step == "refuse")
            case "a moment" | "a while":
                pair.advance(0.3 if step == "a moment" else 2.5)
            case "cut" if up:
                pair.disconnect()
            case "mend" if not up:
                pair.connect()
            case "hold":
                pair.held = True
            case "release":
                pair.release()

    @settings(max_examples=200)
    @given(shares, shares, steps)
    def test_agreement(self, share_a: float, share_b: float, script: list[tuple[str, bool]]) -> None:
        """Whatever crosses or gets lost, the calls live, and in the end both sides know the same (less than 32 s)."""
        pair, alice, bob = self.established(share_a, share_b)
        held_for = 0.0
        for step, first in script:
            held_for += 2.5 if pair.held else 0.0
            if held_for > 20:
                pair.release()
                held_for = 0.0
            self.act(pair, alice if first else bob, step)
            alice.listen()
            bob.listen()
        if not pair.a.core.is_connected(0):
            pair.connect()
        pair.release()
        self.settle(pair, alice, bob)
        self.assertEqual(pair.a.of(CallEnded) + pair.b.of(CallEnded), [])
        self.assertEqual((alice.state, bob.state), (OfferState.IDLE, OfferState.IDLE))
        self.assertEqual((alice.remote, bob.remote), (bob.local, alice.local))
        pair.take(pair.a, pair.a.core.hangup(alice.leg, pair.now))
        pair.advance(LONGEST_WAIT)
        for side in (pair.a, pair.b):
            self.assertEqual((side.core.legs, side.core.transactions), (0, 0))
            self.assertIsNone(side.core.next_deadline())

    def settle(self, pair: CorePair, alice: User, bob: User) -> None:
        """Let both sides answer until nothing more comes."""
        for _ in range(45):
            for user in (alice, bob):
                user.listen()
                user.answer()
            pair.advance(1)
        alice.listen()
        bob.listen()
