"""Any messages at any time: the core never raises for them, tells each end once, and ends with nothing left."""

import contextlib  # not "suppress" by name: trial takes that for warnings to be suppressed
from collections.abc import Callable

from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from twisted.trial.unittest import SynchronousTestCase

from tests.support.corecase import LONGEST_WAIT
from tests.support.corepair import ANSWER, OFFER
from tests.support.tokens import CountingTokens
from wrtcgw.sip.core import Account, UACore, UASettings
from wrtcgw.sip.errors import LocalViolation
from wrtcgw.sip.message import Headers, Request, Response
from wrtcgw.sip.outputs import CallEnded, CallReceived, Output, Send
from wrtcgw.sip.parser import parse
from wrtcgw.sip.timers import Timers
from wrtcgw.sip.uri import URI

STATUSES = (100, 180, 183, 199, 200, 200, 202, 302, 401, 404, 407, 408, 422, 481, 486, 487, 491, 500, 503, 603)
METHODS = ("BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK", "REFER", "UPDATE", "FOO", "ACK")
FIELDS = (
    ("Event", "talk"),
    ("Event", "refer"),
    ("Subscription-State", "terminated"),
    ("Session-Expires", "120;refresher=uas"),
    ("Session-Expires", "90;refresher=uac"),
    ("Session-Expires", "junk"),
    ("Min-SE", "400"),
    ("Require", "100rel"),
    ("Require", "foo"),
    ("RSeq", "1"),
    ("RSeq", "9" * 6000),
    ("RAck", "536870912 1 INVITE"),
    ("Record-Route", "<sip:strict.example>"),
    ("Record-Route", "<sip:p1;lr>, <sip:p2;r2=on;lr>"),
    ("Record-Route", "<<"),
    ("Contact", "<sip:moved@example.org>"),
    ("Contact", "<sip:a@192.0.2.7>, <<"),
    ("Contact", "*"),
    ("Refer-To", "<sip:x@example.org?Replaces=c%3Bto-tag%3Da%3Bfrom-tag%3Db>"),
    ("Replaces", "c;to-tag=a;from-tag=b"),
    ("Reason", "SIP;cause=200"),
    ("Reason", ";;"),
    ("Expires", "3"),
    ("Retry-After", "2"),
    ("Allow", "UPDATE"),
    ("Supported", "timer"),
    ("P-Asserted-Identity", "<<"),
    ("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"'),
    ("Proxy-Authenticate", 'Digest realm="p", nonce="n2", algorithm=SHA-256, stale=true'),
    ("Content-Disposition", "x;handling=optional"),
)
BODIES = (("", ""), (OFFER, "application/sdp"), ("SIP/2.0 200 OK", "message/sipfrag"), ("x", ""))
JUNK = ("", "junk", "<", "1", "\0", "-1", "9" * 30, "<sip:a@b>;tag=", 'Digest realm="', "é;\udcff=,")

Fields = list[tuple[str, str]]
fields_of: strategies.SearchStrategy[Fields] = strategies.one_of(
    strategies.just([]), strategies.lists(strategies.sampled_from(FIELDS), min_size=1, max_size=3)
)
seldom = strategies.integers(0, 4).map(lambda number: number == 4)
numbers = strategies.integers(0, 2**16)


class PeerAndUser(RuleBasedStateMachine):
    """One core, a user that does anything, and a peer that sends anything."""

    registers = "bob"
    """Who signs in and out."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        given = UASettings(domain="example.org", instance="gw", ring_timeout=100)
        self.core = UACore(given, Timers(), CountingTokens())
        for name in ("alice", "bob"):
            self.core.add_account(Account(name, name, "secret"))
        self.requests: list[Request] = []
        self.texts: list[str] = ["INVITE sip:alice@gw.invalid SIP/2.0\r\n\r\n"]
        self.legs: list[str] = []
        self.dialogs: list[tuple[str, str, str]] = []
        self.events: list[Output] = []
        self.serial = 0
        self.take(self.core.connected(0, self.now))

    # -- running the core

    def take(self, outputs: list[Output]) -> None:
        """Keep what the core has put out; our own messages have to be well-formed."""
        for output in outputs:
            if not isinstance(output, Send):
                self.events.append(output)
                if isinstance(output, CallReceived):
                    self.legs.append(output.leg)
                    self.take(self.core.ring(output.leg, self.now))
                continue
            self.texts.append(output.text)
            if output.text.startswith("SIP/2.0"):
                continue  # a response may repeat what was wrong with its request
            message = parse(output.text)
            assert isinstance(message, Request)
            self.requests.append(message)

    def receive(self, message: Request | Response) -> None:
        """Let a message arrive."""
        text = message.to_text()
        self.texts.append(text)
        self.take(self.core.receive(0, text, self.now))

    def pick(self, known: list[str], number: int) -> str:
        """Pick one of a list."""
        return known[number % len(known)]

    def user(self, entry: Callable[..., list[Output]], *arguments: object) -> None:
        """Let the user do something; what makes no sense now may be refused, but in no other way."""
        with contextlib.suppress(LocalViolation):
            self.take(entry(*arguments, now=self.now))

    # -- the user

    def who(self, account: str) -> str:
        """Return who it is that a name drawn stands for."""
        return account

    @rule(account=strategies.sampled_from(("alice", "bob")))
    def place(self, account: str) -> None:
        """Place a call."""
        account = self.who(account)
        if self.core.account(account) is None:
            return
        leg, outputs = self.core.invite(account, URI.parse("sip:far@example.org"), OFFER, self.now)
        self.legs.append(leg)
        self.take(outputs)

    @precondition(lambda self: self.legs)
    @rule(number=numbers, what=strategies.integers(0, 12))
    def act(self, number: int, what: int) -> None:
        """Do something with a leg, whatever its state."""
        leg = self.pick(self.legs, number)
        core = self.core
        target = URI.parse("sip:x@example.org")
        actions: list[Callable[[], None]] = [
            lambda: self.user(core.answer, leg, ANSWER),
            lambda: self.user(core.answer, leg, ANSWER),
            lambda: self.user(core.reject, leg, 486, ""),
            lambda: self.user(core.ring, leg),
            lambda: self.user(core.hangup, leg),
            lambda: self.user(core.reoffer, leg, OFFER),
            lambda: self.user(core.answer_offer, leg, ANSWER),
            lambda: self.user(core.reject_offer, leg, 488),
            lambda: self.user(lambda now: core.info(leg, "a/b", "x", now)[1]),
            lambda: self.user(lambda now: core.refer(leg, target, now)[1]),
            lambda: self.user(core.accept_refer, leg),
            lambda: self.user(core.notify_refer, leg, 200, "OK"),
            lambda: self.user(core.reject_refer, leg, 603),
        ]
        actions[what]()

    @rule(really=seldom, leave=strategies.booleans())
    def register(self, really: bool, leave: bool) -> None:
        """Sign an agent in or out."""
        name = self.registers
        if really and leave:
            self.user(self.core.unregister, name)
        elif really:
            self.user(self.core.register, Account(name, name, "secret"))

    # -- the peer

    def chosen(self, fields: Fields) -> Fields:
        """Return those of the fields drawn that the peer sends."""
        return fields

    def request(self, method: str, dialog: tuple[str, str, str], cseq: int, branch: str, fields: Headers) -> Request:
        """Build a request of the peer."""
        call_id, local, remote = dialog
        headers = Headers(
            (
                ("Via", f"SIP/2.0/WS far.invalid;branch=z9hG4bK{branch}"),
                ("From", f"<sip:far@example.org>;tag={local}"),
                ("To", "<sip:alice@example.org>" + (f";tag={remote}" if remote else "")),
                ("Call-ID", call_id),
                ("CSeq", f"{cseq} {method}"),
                *fields.items(),
            )
        )
        return Request(method, "sip:alice@gw.invalid", headers)

    def fill(self, message: Request | Response, body: tuple[str, str]) -> None:
        """Put a body into a message."""
        message.body = body[0]
        if body[1]:
            message.headers.add("Content-Type", body[1])

    @rule(fields=fields_of, body=strategies.sampled_from(BODIES[:2]), account=strategies.sampled_from(("alice", "bob")))
    def call_in(self, fields: Fields, body: tuple[str, str], account: str) -> None:
        """Send an INVITE."""
        account = self.who(account)
        self.serial += 1
        request = self.request("INVITE", (f"c{self.serial}", "far", ""), 1, f"i{self.serial}", Headers(fields))
        request.uri = f"sip:{account}@gw.invalid"
        self.fill(request, body)
        self.receive(request)
        answer = self.texts[-1].partition("To: ")[2].partition("\r\n")[0]
        self.dialogs.append((f"c{self.serial}", "far", answer.partition("tag=")[2]))

    @precondition(lambda self: self.requests)
    @rule(
        number=numbers,
        status=strategies.sampled_from(STATUSES),
        tag=strategies.sampled_from(("A", "B", "")),
        fields=fields_of,
        body=strategies.sampled_from(BODIES),
    )
    def respond(self, number: int, status: int, tag: str, fields: Fields, body: tuple[str, str]) -> None:
        """Answer any request that the core ever sent, the newest ones more often."""
        request = self.requests[-1 - number % min(len(self.requests), 3 if number % 4 else 50)]
        response = request.response(status, None, tag)
        if tag and request.method == "INVITE":
            self.dialogs.append((request.call_id, tag, request.from_tag))
        for name, value in self.chosen(fields):
            response.headers.add(name, value)
        self.fill(response, body)
        self.receive(response)

    @rule(account=strategies.sampled_from(("alice", "bob")))
    def establish_out(self, account: str) -> None:
        """Place a call and answer it."""
        self.place(account)
        if self.requests:
            self.respond(0, 200, "A", [("Allow", "UPDATE")], BODIES[1])

    @rule(offered=strategies.booleans(), acknowledged=strategies.booleans())
    def establish_in(self, offered: bool, acknowledged: bool) -> None:
        """Call the core, and let it answer."""
        self.call_in([], BODIES[offered], "alice")
        if self.legs:
            self.user(self.core.answer, self.legs[-1], ANSWER)
        if acknowledged:
            self.receive(self.request("ACK", self.dialogs[-1], 1, "a", Headers()))

    @precondition(lambda self: self.dialogs)
    @rule(
        number=numbers,
        method=strategies.sampled_from(METHODS),
        cseq=strategies.sampled_from((0, 0, 0, 0, 0, 1, 2)),
        fields=fields_of,
        body=strategies.sampled_from(BODIES),
    )
    def inside(self, number: int, method: str, cseq: int, fields: Fields, body: tuple[str, str]) -> None:
        """Send a request inside any dialog there ever was, most often the newest."""
        dialog = self.dialogs[-1 - number % min(len(self.dialogs), 2 if number % 4 else 50)]
        self.serial += 1
        if method in ("ACK", "CANCEL"):
            cseq = cseq or 1
        branch = f"i{self.serial}"
        if method == "CANCEL":
            branch = f"i{dialog[0].removeprefix('c')}"
        request = self.request(method, dialog, cseq or self.serial + 10, branch, Headers(fields))
        self.fill(request, body)
        self.receive(request)

    @rule(number=numbers, line=numbers, junk=strategies.sampled_from(JUNK), how=strategies.integers(0, 3))
    def mutate(self, number: int, line: int, junk: str, how: int) -> None:
        """Send any message there ever was once more, spoilt."""
        lines = self.pick(self.texts, number).split("\r\n")
        place = line % len(lines)
        match how:
            case 0:
                del lines[place]
            case 1:
                lines.insert(place, lines[place])
            case 2:
                lines[place] = lines[place].partition(":")[0] + ": " + junk
            case _:
                lines[place] = junk
        self.take(self.core.receive(0, "\r\n".join(lines), self.now))

    @rule(number=numbers)
    def repeat(self, number: int) -> None:
        """Send any message there ever was once more."""
        self.take(self.core.receive(0, self.pick(self.texts, number), self.now))

    # -- the world

    @rule(seconds=strategies.sampled_from((0.1, 0.5, 4.0, 33.0, 61.0)))
    def advance(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while (deadline := self.core.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.take(self.core.tick(self.now))
        self.now = until

    @rule(really=seldom)
    def lose(self, really: bool) -> None:
        """Lose the connection."""
        if really:
            self.take(self.core.disconnected(0, self.now))

    @rule()
    def connect(self) -> None:
        """Get a new connection."""
        if not self.core.is_connected(0):
            self.take(self.core.connected(0, self.now))

    @invariant()
    def ends_once(self) -> None:
        """No event comes for a leg after its end."""
        ended: set[str] = set()
        for event in self.events:
            leg = getattr(event, "leg", None)
            if leg is not None:
                assert leg not in ended, f"after the end: {event}"
            if isinstance(event, CallEnded):
                ended.add(event.leg)

    def teardown(self) -> None:
        """End everything: then nothing may be left."""
        for leg in self.legs:
            self.user(self.core.hangup, leg)
        for _ in range(2):
            self.user(self.core.unregister, self.registers)
            self.advance(LONGEST_WAIT)
        ended = {event.leg for event in self.events if isinstance(event, CallEnded)}
        assert ended == set(self.legs), "a leg whose end was not told"
        left = (self.core.legs, self.core.transactions, self.core.next_deadline(), len(self.core._ua.dialogs))
        assert left == (0, 0, None, 0), f"left: {left}"


class MachineTests(SynchronousTestCase):
    """Runs of the machine."""

    def test_runs(self) -> None:
        """No run raises, and each ends clean."""
        case = PeerAndUser.TestCase
        case.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
        case("runTest").runTest()
