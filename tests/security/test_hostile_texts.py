"""Texts that are made to keep a search busy: whoever sends one must not hold up the calls of all others (attack 8)."""

import contextlib
import signal
from collections.abc import Callable
from functools import partial
from types import FrameType

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.capture.support import recorder, request
from wrtcgw.errors import BadInput
from wrtcgw.gateway.call_control import _SIGNAL
from wrtcgw.gateway.dial_targets import parse_target
from wrtcgw.redact import MASK, hide_data, redact, redact_uri
from wrtcgw.sdp.description import MOST_STREAMS
from wrtcgw.sip.errors import MalformedMessage
from wrtcgw.sip.identity import called_of, identity_of
from wrtcgw.sip.message import Headers, Request
from wrtcgw.sip.usages.headers_of_interest import told_by
from wrtcgw.web.fields import parse_fields
from wrtcgw.web.genesys.description import Candidate, from_page

SIZE = 300_000
MESSAGE = 60_000
"""As much as one message, or one request, can hold."""
PATIENCE = 20.0
"""Seconds of processor time for what takes some tenths of one; where each letter is a new start it takes an hour."""
UNITS = (
    *("a.", "a-", "a+", "a:", "ab", "0", " ", "\t", "\n ", "\r\n", "\r\n ", ",", ";", "; ", "=", "\\", '"', '\\"', "'"),
    *("sip:", "sip:x:", "sips:a", "a://", "a://b:", "//", "@", "x:@", "sip:@", "<sip:", "To:", "t:sip:", "Cookie:"),
    *("password=", '"password":', '"password": "', 'token="', "token='", "Authorization: ", "a=crypto:", "X-Data-a:"),
    *(
        "\r\nX-Data-a:",
        "User-to-User:\n ",
        "Signal=",
        "Signal ",
        "\nSignal",
        "+",
        "+0",
        "1",
        "1 ",
        "(",
        "(0)",
        "*",
        "<",
        ">",
    ),
)


def called_by(text: str) -> None:
    """Read a text as whoever calls, as its user and its name, and as whom it was for."""
    text = text.translate({ord(sign): " " for sign in "\r\n\x01"})
    for value in (f"<sip:{text}@example.org>", text):
        fields = [(name, value) for name in ("P-Asserted-Identity", "Warning")]
        invite = Request("INVITE", "sip:1@example.org", Headers([("From", value), ("To", value), *fields]))
        identity_of(invite)
        with contextlib.suppress(MalformedMessage):  # To is needed
            called_of(invite)
        told_by(invite)


class HostileTexts(SynchronousTestCase):
    """Each search takes time in proportion to its text."""

    def setUp(self) -> None:
        def too_long(number: int, frame: FrameType | None) -> None:
            raise AssertionError(f"more than {PATIENCE:g} s of processor time")

        self.addCleanup(signal.signal, signal.SIGVTALRM, signal.signal(signal.SIGVTALRM, too_long))
        self.addCleanup(signal.setitimer, signal.ITIMER_VIRTUAL, 0)

    def check(self, search: Callable[[str], object], before: str = "", size: int = SIZE) -> None:
        """Let a function have all texts that could take long."""
        for unit in UNITS:
            text = before + unit * (size // len(unit)) + "\x01"
            self.bounded(partial(search, text), f"{before!r} and {unit!r} again and again")

    def bounded(self, work: Callable[[], object], what: str) -> None:
        """Let something take no more than its time."""
        signal.setitimer(signal.ITIMER_VIRTUAL, PATIENCE)
        try:
            work()
        except AssertionError as error:
            self.fail(f"{what}: {error}")
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    def test_redaction(self) -> None:
        """Secrets are looked for in all that is logged at debug, and in each ladder that is shown."""
        self.check(redact)

    def test_data(self) -> None:
        """So are the data of users."""
        self.check(hide_data, "INFO sip:x SIP/2.0\r\n")

    def test_addresses_of_requests(self) -> None:
        """And secrets in the query of each request, in the access log."""
        self.check(redact_uri, "/api/webrtc/message?from=")

    def test_recording(self) -> None:
        """Of each message that begins something, that is recorded, the recorder looks for whom it is."""
        kept = recorder(Clock())
        for method in ("MESSAGE", "REGISTER", "INVITE"):
            whole = request(method, "x")
            first, _, rest = whole.partition("To:")
            self.check(lambda text: kept.sip(0, text, sent=False), first + "To: ")
            self.assertIn("Call-ID", rest)

    def test_digits(self) -> None:
        """In the body of INFO the far side's digit is looked for."""
        self.check(_SIGNAL.search)
        for body in ("Signal=5\r\nDuration=160\r\n", "Duration=160\n  signal = 5  \n", "Signal=5"):
            found = _SIGNAL.search(body)
            assert found is not None
            self.assertEqual(found[1], "5")

    def test_targets(self) -> None:
        """Blanks around whom to call are taken away, however many there are in it."""

        def call(text: str) -> None:
            for target in (f"x{text}x", text):
                with contextlib.suppress(BadInput):
                    parse_target(target, "example.org", ())

        self.check(call)
        self.check(call, "+1", MESSAGE)
        self.check(call, "(+49", MESSAGE)

    def test_queries(self) -> None:
        """And pluses in front of a number are kept, in a query or form of anybody."""
        for before in ("to=", "to=sip:", 'to="', "id="):
            self.check(lambda text: parse_fields(text.encode()), before, MESSAGE)

    def test_callers(self) -> None:
        """A caller's number is made legible, in whatever field it stands, and in names without quotes commas."""
        for before in ("", "+1"):
            self.check(called_by, before, MESSAGE)

    def test_candidates(self) -> None:
        """Each candidate of a page of the vendor's dialect is put to its stream, however many there are of both."""
        many = tuple(Candidate(None, f"z{number}", f"candidate:{number}") for number in range(6000))
        same = tuple(Candidate(0, "", f"candidate:{number}") for number in range(12_000))
        for streams, candidates in ((MOST_STREAMS, many), (60_000, many), (1, same)):
            text = "v=0\n" + "m=a\n" * streams
            self.bounded(partial(from_page, text, candidates), f"{streams} streams")


class Passwords(SynchronousTestCase):
    """What is masked before an ``@``, and what is not."""

    def test_masked(self) -> None:
        """The password of a user of any URI, wherever the URI stands."""
        for text, shown in (
            ("sip:ann:pa:ss@example.org", f"sip:ann:{MASK}@example.org"),
            ("To: <SIPS:ann:pass@[::1]:5061>", f"To: <SIPS:ann:{MASK}@[::1]:5061>"),
            ("to=sip:ann:pass@x&y", f"to=sip:ann:{MASK}@x&y"),
            ("wss://ann:pass@example.org/ws", f"wss://ann:{MASK}@example.org/ws"),
            ("see https://:pass@x and turn:a@b", f"see https://:{MASK}@x and turn:a@b"),
            ('"sip:a:b@c","sip:d:e@f"', f'"sip:a:{MASK}@c","sip:d:{MASK}@f"'),
        ):
            self.assertEqual(redact(text), shown)

    def test_not_masked(self) -> None:
        """What is no password stays."""
        for text in ("<sip:ann@example.org>", "sip:@x", "sip:ann:@x", "12:30@home", "wss://ann@x:8080", "a//b:c@d"):
            self.assertEqual(redact(text), text)
