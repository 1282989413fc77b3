"""
The messages of RFC 5118 (IPv6), each with what it must yield.

Their archive has bare LF line ends, so CRs are put in here, and where a Content-Length does not fit (see the README.txt
beside the data) it is made to fit.
"""

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from tests.support.torture import look, names, read_message
from wrtcgw.sip.errors import MalformedMessage
from wrtcgw.sip.message import Request
from wrtcgw.sip.parser import parse

FOLDER = "torture_ipv6"

ACCEPTED: dict[str, dict[str, object]] = {
    # section 4.1
    "ipv6-good": {
        "request_uri.host": "[2001:db8::10]",
        "request_uri.port": None,
        "via.host": "[2001:db8::9:1]",
        "via.sent_by": "[2001:db8::9:1]",
        "contact.uri.host": "[2001:db8::1]",
    },
    # section 4.3: well formed, if not what its sender meant
    "port-ambiguous": {"request_uri.host": "[2001:db8::10:5070]", "request_uri.port": None},
    # section 4.4
    "port-unambiguous": {"request_uri.host": "[2001:db8::10]", "request_uri.port": 5070},
    # section 4.5: both ways of writing received
    "via-received-param-with-delim": {"via.received": "[2001:db8::9:255]", "via.branch": "z9hG4bKas3-111"},
    "via-received-param-no-delim": {"via.received": "2001:db8::9:255", "via.branch": "z9hG4bKas3"},
    # section 4.6
    "ipv6-in-sdp": {"to.uri.host": "[2001:db8::10]", "contact.uri.user": "caller", "content_type": "application/sdp"},
    # section 4.7
    "mult-ip-in-header": {
        "via.port": 6050,
        "vias.1.host": "192.0.2.1",
        "vias.2.host": "[2001:db8::9:255]",
        "vias.2.received": "192.0.2.200",
    },
    # section 4.8
    "mult-ip-in-sdp": {"via.host": "[2001:db8::9:1]", "content_type": "application/sdp"},
    # section 4.9
    "ipv4-mapped-ipv6": {
        "via.host": "[::ffff:192.0.2.10]",
        "via.port": 19823,
        "vias.1.host": "[::ffff:192.0.2.2]",
        "contact.uri.host": "[::ffff:192.0.2.2]",
    },
    # section 4.10: the third colon, a slip of RFC 3261's grammar, is left out of the value but printed as it came
    "ipv6-bug-abnf-3-colons": {
        "uri": "sip:user@[2001:db8:::192.0.2.1]",
        "request_uri.host": "[2001:db8::192.0.2.1]",
        "to.uri.host": "[2001:db8::192.0.2.1]",
    },
    "ipv6-correct-abnf-2-colons": {"request_uri.host": "[2001:db8::192.0.2.1]"},
}

# section 4.2: an IPv6 address without brackets
REFUSED = {"ipv6-bad": "malformed SIP URI"}

LENGTHS = {"ipv6-in-sdp": (268, 251), "mult-ip-in-sdp": (181, 189), "ipv4-mapped-ipv6": (236, 245)}
"""The Content-Length as it stands, and the bytes that the body has with CRLF."""


def crlf(name: str) -> str:
    """Give the message with SIP's line ends."""
    return read_message(FOLDER, name).replace("\n", "\r\n")


def mended(name: str) -> str:
    """Give the message with SIP's line ends and a Content-Length that fits."""
    wrong, right = LENGTHS.get(name, (0, 0))
    return crlf(name).replace(f"Content-Length: {wrong}\r\n", f"Content-Length: {right}\r\n")


class TortureIPv6Tests(SynchronousTestCase):
    """All messages of RFC 5118; the methods for the accepted ones are put in below."""

    def test_complete(self) -> None:
        """Every file is in exactly one of the tables."""
        self.assertEqual(sorted([*ACCEPTED, *REFUSED]), sorted(names(FOLDER)))
        self.assertEqual(len(names(FOLDER)), 12)

    def test_refused(self) -> None:
        """An IPv6 address without brackets gets a 400 (RFC 5118 section 4.2)."""
        for name, detail in REFUSED.items():
            with self.assertRaises(MalformedMessage) as caught:
                parse(crlf(name))
            self.assertEqual(caught.exception.status_hint, 400)
            self.assertIn(detail, caught.exception.detail)
            self.assertIsNotNone(caught.exception.request)

    def test_bare_line_feeds(self) -> None:
        """As archived, without CRs, none of them is a SIP message (RFC 3261 section 7)."""
        for name in names(FOLDER):
            self.assertRaises(MalformedMessage, parse, read_message(FOLDER, name))

    def test_length_too_large(self) -> None:
        """The Content-Length of ipv6-in-sdp promises more than there is: 400, as in RFC 4475 section 3.1.2.2."""
        with self.assertRaises(MalformedMessage) as caught:
            parse(crlf("ipv6-in-sdp"))
        self.assertEqual(caught.exception.detail, "Content-Length 268, but 251 bytes")

    def test_length_too_small(self) -> None:
        """The other two that do not fit cut their bodies short (RFC 3261 section 18.3)."""
        for name in ("mult-ip-in-sdp", "ipv4-mapped-ipv6"):
            message = parse(crlf(name))
            assert isinstance(message, Request)
            self.assertEqual(len(message.body), LENGTHS[name][0])

    def test_bodies(self) -> None:
        """IPv6 addresses stand in session descriptions without brackets, and are not touched."""
        for name, line in {
            "ipv6-in-sdp": "\r\nc=IN IP6 2001:db8::20\r\n",
            "mult-ip-in-sdp": "\r\nc=IN IP6 2001:db8::1\r\n",
            "ipv4-mapped-ipv6": "\r\nc=IN IP6 ::ffff:192.0.2.2\r\n",
        }.items():
            message = parse(mended(name))
            assert isinstance(message, Request)
            self.assertIn(line, message.sdp() or "")


def _accepted_test(name: str, fields: dict[str, object]) -> Callable[[TortureIPv6Tests], None]:
    """Make the test of one accepted message."""

    def test(self: TortureIPv6Tests) -> None:
        message = parse(mended(name))
        assert isinstance(message, Request)
        self.assertEqual({path: look(message, path) for path in fields}, fields)
        again = parse(message.to_text())
        assert isinstance(again, Request)
        self.assertEqual({path: look(again, path) for path in fields}, fields)

    test.__doc__ = f"{name} is accepted."
    return test


for _name, _fields in ACCEPTED.items():
    setattr(TortureIPv6Tests, f"test_{_name.replace('-', '_')}", _accepted_test(_name, _fields))
