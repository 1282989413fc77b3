"""
One signed-in page: the call that it knows, and what it is to be told next.

The agent's mailbox stays the queue. A message is turned into texts only when a ``wait`` can take them, so that what is
out of date by then is never told: the offer of a call that is over, an EVENT-TALK for it, an offer that was withdrawn.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from attrs import define, field, frozen

from wrtcgw.calls.agent import Agent, RegistrationState
from wrtcgw.calls.call import Call
from wrtcgw.calls.messages import AgentMessage
from wrtcgw.web.delivery import Delivery
from wrtcgw.web.sessions import digest_of

_PLAIN = (
    *("call_id", "told", "engaged", "peer", "own_id", "page_id", "page_offer_id", "seq", "forced", "waited", "left"),
)
"""The fields of a page that are text, numbers or None."""
LETTERS = 100
"""Texts that wait for a page, at most: one that makes calls which fail, and never waits, is told of the last ones."""
RECENT_BODIES = 8
"""More messages than a page may have sent between one whose response was lost and its repetition 3 s later."""


@frozen
class OutboundText:
    """One text for the page, and the call that it is about (empty: none)."""

    text: str = field(repr=False)
    call_id: str = ""
    is_last: bool = False
    """It tells the end of the call, so it counts when the call is over."""
    is_answer: bool = False
    is_wanted: Callable[[], bool] = field(default=lambda: True, repr=False)
    """Tells whether it is still of use, if it was not delivered at once: an offer may be withdrawn meanwhile."""

    def snapshot(self) -> dict[str, object]:
        """Return plain data; whether it is still wanted is judged anew after a restart, by its call alone."""
        return {
            "text": self.text,
            "call_id": self.call_id,
            "is_last": self.is_last,
            "is_answer": self.is_answer,
        }


class Hanging(Protocol):
    """A ``wait`` that hangs."""

    def arrived(self) -> None:
        """Deliver what there is."""


Translate = Callable[["PageSession", AgentMessage], list[OutboundText]]


@define(eq=False, kw_only=True)
class PageSession:
    """
    A page, from its sign_in on.

    ``offerer``, ``answerer`` and ``seq`` are the page's ROAP numbers, ``own_id`` is ours in this call.
    """

    digest: bytes = field(repr=False)
    """Of its SSID."""
    agent: Agent
    translate: Translate = field(repr=False)
    retire: "Callable[[PageSession], None]" = field(repr=False)
    """Told when the agent is signed in no more."""
    call_id: str = ""
    """The call that the page knows."""
    told: bool = False
    """The page was told of it, or made it."""
    engaged: bool = False
    """The page has sent something for it."""
    peer: str = ""
    own_id: int = 0
    page_id: int | None = None
    page_offer_id: int | None = None
    seq: int = 0
    page_profiles: tuple[str, ...] = ()
    """How the page has named the profiles in its last offer."""
    far_profiles: tuple[str, ...] = ()
    """Those in the last offer of the far side that the page was told; none: it was told of none in this call."""
    recent: deque[bytes] = field(factory=lambda: deque(maxlen=RECENT_BODIES), repr=False)
    """Digests of what the page has sent last: an OFFER may come again after the OK that followed it."""
    last_answer: OutboundText | None = field(default=None, repr=False)
    forced: bool = False
    """The page was told to sign out."""
    waited: bool = False
    """A wait of the page has come."""
    left: bool = False
    """The page has signed out by itself."""
    waiting: Hanging | None = field(default=None, repr=False)
    lingering: object = field(default=None, repr=False)
    """The ``wait`` that hangs although the SSID is not its page's any more."""
    sending: Delivery | None = field(default=None, repr=False)
    """The text before, as long as it is not known whether the page has it."""
    _letters: deque[OutboundText] = field(factory=deque, repr=False)

    def has_ssid(self, text: str) -> bool:
        """Return whether a text is the SSID of this page."""
        return digest_of(text.encode("utf-8", "surrogatepass")) == self.digest

    # -- across a restart

    def snapshot(self) -> dict[str, object]:
        """Return plain data for :meth:`take_back`; what hangs of the page is not in it."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "digest": self.digest.hex(),
            "page_profiles": list(self.page_profiles),
            "far_profiles": list(self.far_profiles),
            "recent": [digest.hex() for digest in self.recent],
            "last_answer": None if self.last_answer is None else self.last_answer.snapshot(),
            "letters": [letter.snapshot() for letter in self._letters],
        }

    def take_back(self, data: Mapping[str, Any]) -> None:
        """Be again the page of which a :meth:`snapshot` was taken."""
        for name in _PLAIN:
            setattr(self, name, data[name])
        self.page_profiles, self.far_profiles = tuple(data["page_profiles"]), tuple(data["far_profiles"])
        self.recent.extend(bytes.fromhex(digest) for digest in data["recent"])
        if data["last_answer"] is not None:
            self.last_answer = OutboundText(**data["last_answer"])
        self._letters.extend(OutboundText(**letter) for letter in data["letters"])

    @property
    def is_over(self) -> bool:
        """Return whether the agent is not signed in any more."""
        return self.agent.registration is RegistrationState.SIGNED_OUT

    @property
    def call(self) -> Call | None:
        """Return the call that the page knows, None when it is over or about to be."""
        return self.find(self.call_id)

    def find(self, call_id: str) -> Call | None:
        """Return a call of the agent that is up."""
        call = self.agent.calls.get(call_id)
        return call if call is not None and call.is_up else None

    def enter(self, call_id: str, peer: str, own_id: int) -> None:
        """Begin a call: the page knows no other."""
        self.call_id, self.peer, self.own_id = call_id, peer, own_id
        self.told = self.engaged = False
        self.page_profiles = self.far_profiles = ()
        self.last_answer = None

    def forget_call(self) -> None:
        """End the call for the page; what was still to be told of it is not told."""
        self._letters = deque(letter for letter in self._letters if letter.call_id != self.call_id)
        self.call_id, self.last_answer = "", None

    def lighten(self) -> None:
        """Give up what takes room and is of no use once the page has left."""
        if self.left:
            self.agent.mailbox.clear()

    def begin(self) -> None:
        """Listen to the agent's mailbox."""
        self.agent.mailbox.subscribe(self.arrived)

    def end(self) -> None:
        """Listen no more: another page has the agent, or none."""
        self.agent.mailbox.unsubscribe(self.arrived)

    def arrived(self) -> None:
        """Let the ``wait`` that hangs look."""
        if self.is_over:
            self.retire(self)
        if self.waiting is not None and self.sending is None:
            self.waiting.arrived()

    def put(self, *letters: OutboundText) -> None:
        """Tell the page something that is in no mailbox."""
        self._letters.extend(letters)
        while len(self._letters) > LETTERS:
            self._letters.popleft()
        self.arrived()

    def next(self) -> OutboundText | None:
        """Return what the page is to be told next; it stays the next until :meth:`delivered`."""
        while True:
            while self._letters and self._is_stale(self._letters[0]):
                self._letters.popleft()
            if self._letters:
                return self._letters[0]
            message = self.agent.mailbox.head()
            if message is None:
                return None
            self.agent.mailbox.delivered(message.seq)
            self._letters.extend(self.translate(self, message))

    def delivered(self, letter: OutboundText) -> None:
        """Note that the text was written to a live connection."""
        self._letters.popleft()
        if letter.call_id and letter.call_id == self.call_id:
            self.told = True
            if letter.is_answer:
                self.last_answer = letter
            if letter.is_last:
                self.forget_call()

    def put_back(self, letter: OutboundText, *, told: bool) -> None:
        """
        Make a text that did not arrive the next one again, unless things have moved on.

        :param told: whether the page was told of the call before it.
        """
        if letter.call_id and letter.call_id == self.call_id:
            self.told = told
        elif self.call_id and (letter.call_id or letter.text == "BYE"):
            return  # the page is in another call by now
        elif letter.call_id and not letter.is_last:
            return  # it has left the call
        if self.last_answer is letter:
            self.last_answer = None
        self._letters.appendleft(letter)

    def _is_stale(self, letter: OutboundText) -> bool:
        over = bool(letter.call_id) and not letter.is_last and self.find(letter.call_id) is None
        return over or not letter.is_wanted()
