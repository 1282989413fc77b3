"""Tests of messages: header fields by name, parsed values, responses, bodies and printing."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.sip.test_grammar import LINE
from tests.sip.test_headers import TOKENS
from wrtcgw.sip.errors import LocalViolation, RemoteViolation
from wrtcgw.sip.headers import CSeq, NameAddr
from wrtcgw.sip.message import REASONS, Headers, Message, Request, Response, byte_length
from wrtcgw.sip.parser import parse
from wrtcgw.sip.uri import URI

BASE = (
    ("Via", "SIP/2.0/WS a.invalid;branch=z9hG4bK1, SIP/2.0/TCP b"),
    ("Via", "SIP/2.0/UDP c"),
    ("From", '"A" <sip:a@example.org>;tag=f1'),
    ("To", "<sip:b@example.org>"),
    ("Call-ID", "c1@a.invalid"),
    ("CSeq", "7 INVITE"),
)

SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n"


def request(*more: tuple[str, str], body: str = "") -> Request:
    """Make an INVITE with some more header fields."""
    return Request("INVITE", "sip:b@example.org", Headers([*BASE, *more]), body)


class HeadersTests(SynchronousTestCase):
    """Header fields by name."""

    def test_names(self) -> None:
        """Case and compact form make no difference (RFC 3261 section 7.3.3); known names print in full."""
        headers = Headers([("v", "1"), ("VIA", "2"), ("x-genesys-calluuid", "3"), ("X-Odd", "4"), ("x-odd", "5")])
        self.assertEqual(headers.get_all("via"), ["1", "2"])
        self.assertEqual(headers.get("Via"), "1")
        self.assertEqual(
            list(headers.items()),
            [("Via", "1"), ("Via", "2"), ("X-Genesys-CallUUID", "3"), ("X-Odd", "4"), ("x-odd", "5")],
        )
        self.assertEqual(headers.get_all("X-ODD"), ["4", "5"])

    def test_compact_forms(self) -> None:
        """All registered compact forms are known."""
        for compact, name in {
            "a": "Accept-Contact",
            "u": "Allow-Events",
            "i": "Call-ID",
            "m": "Contact",
            "e": "Content-Encoding",
            "l": "Content-Length",
            "c": "Content-Type",
            "o": "Event",
            "f": "From",
            "y": "Identity",
            "n": "Identity-Info",
            "r": "Refer-To",
            "b": "Referred-By",
            "j": "Reject-Contact",
            "d": "Request-Disposition",
            "x": "Session-Expires",
            "s": "Subject",
            "k": "Supported",
            "t": "To",
            "v": "Via",
        }.items():
            self.assertEqual(list(Headers([(compact, "")]).items()), [(name, "")])

    def test_changes(self) -> None:
        """Fields are added at either end, replaced in place, and removed."""
        headers = Headers([("Route", "1"), ("Via", "2"), ("Route", "3")])
        headers.add("Route", "4")
        headers.prepend("route", "0")
        self.assertEqual(headers.get_all("Route"), ["0", "1", "3", "4"])
        headers.set("Route", "5")
        self.assertEqual(list(headers.items()), [("Route", "5"), ("Via", "2")])
        headers.set("To", "6")
        self.assertEqual(list(headers.items()), [("Route", "5"), ("Via", "2"), ("To", "6")])
        headers.remove("r")
        headers.remove("Route")
        self.assertEqual(len(headers), 2)
        self.assertNotIn("Route", headers)
        self.assertIn("v", headers)
        self.assertIsNone(headers.get("Route"))

    def test_copy(self) -> None:
        """A copy is equal at first and changes by itself."""
        headers = Headers(BASE)
        copy = headers.copy()
        self.assertEqual(copy, headers)
        copy.add("Route", "1")
        self.assertNotEqual(copy, headers)
        self.assertNotEqual(headers, "something else")
        self.assertNotIn("Route", headers)

    def test_options(self) -> None:
        """Options are found in any field, any case, and not within other words."""
        headers = Headers([("Supported", "timer, 100rel"), ("k", "Replaces")])
        for tag in ("TIMER", "100rel", "replaces"):
            self.assertTrue(headers.has_option("Supported", tag))
        self.assertFalse(headers.has_option("Supported", "time"))
        self.assertFalse(headers.has_option("Require", "timer"))

    def test_injection(self) -> None:
        """Neither names nor values that would make further lines get in, by any of the ways in."""
        headers = Headers()
        for name, value in (("X", "a\r\nVia: b"), ("X", "a\nb"), ("X\r\nVia", "a"), ("", "a"), ("X:", "a")):
            self.assertRaises(LocalViolation, Headers, [(name, value)])
            self.assertRaises(LocalViolation, headers.add, name, value)
            self.assertRaises(LocalViolation, headers.prepend, name, value)
            self.assertRaises(LocalViolation, headers.set, name, value)
        self.assertEqual(len(headers), 0)
        self.assertRaises(LocalViolation, Request, "INVITE", "sip:a@b SIP/2.0\r\nVia: c", headers)
        self.assertRaises(LocalViolation, Request, "INVITE sip:x", "sip:a@b", headers)
        self.assertRaises(LocalViolation, Response, 200, "OK\r\nVia: c", headers)
        self.assertRaises(LocalViolation, request().response, 180, to_tag="a\r\nVia: c")

    def test_repr(self) -> None:
        """What is logged of headers are names only: values can be secret."""
        self.assertEqual(repr(Headers([("Authorization", "secret"), ("i", "x")])), "<Headers Authorization Call-ID>")


class ParsedTests(SynchronousTestCase):
    """The parsed properties."""

    def test_values(self) -> None:
        """Every property reads its field, and remembers what it read."""
        message = request(("Contact", "<sip:a@a.invalid>;ob, <sip:x@y>"), ("Content-Type", "Application/SDP ;x=y"))
        self.assertEqual(message.via.branch, "z9hG4bK1")
        self.assertEqual([via.host for via in message.vias], ["a.invalid", "b", "c"])
        self.assertEqual(message.cseq, CSeq(7, "INVITE"))
        self.assertEqual(message.call_id, "c1@a.invalid")
        self.assertEqual((message.from_.display_name, message.from_tag, message.to_tag), ("A", "f1", ""))
        self.assertEqual(message.to, NameAddr(URI.parse("sip:b@example.org")))
        self.assertEqual(message.contact, NameAddr(URI.parse("sip:a@a.invalid"), "", (("ob", None),)))
        self.assertEqual(message.content_type, "application/sdp")
        self.assertEqual(message.request_uri.user, "b")
        for name in ("via", "cseq", "from_", "to", "contact", "request_uri"):
            self.assertIs(getattr(message, name), getattr(message, name))

    def test_absent(self) -> None:
        """Absent optional fields are None or ''; absent mandatory ones raise a 400."""
        message = Response(200, "OK", Headers())
        self.assertIsNone(message.contact)
        self.assertEqual((message.content_type, message.vias), ("", []))
        for name in ("via", "cseq", "call_id", "from_", "to", "from_tag", "to_tag"):
            with self.assertRaises(RemoteViolation) as caught:
                getattr(message, name)
            self.assertEqual(caught.exception.status_hint, 400)

    def test_star(self) -> None:
        """The star of a REGISTER is no contact."""
        self.assertIsNone(request(("Contact", "*")).contact)

    def test_uri_with_headers(self) -> None:
        """A Request-URI must not carry headers (RFC 3261 section 19.1.1)."""
        message = Request("INVITE", "sip:a@b?Route=c", Headers())
        with self.assertRaises(RemoteViolation):
            _ = message.request_uri

    def test_repr(self) -> None:
        """A message shows its kind, not its contents."""
        self.assertEqual(repr(request()), "<Request INVITE sip:b@example.org>")
        self.assertEqual(repr(request().response(404)), "<Response 404 Not Found>")

    def test_start_line(self) -> None:
        """A message that is neither request nor response cannot be printed."""
        self.assertRaises(NotImplementedError, Message(Headers()).to_text)


class ResponseTests(SynchronousTestCase):
    """Responses made from requests."""

    def test_copied(self) -> None:
        """Just the fields that RFC 3261 section 8.2.6.2 names are copied, in their order."""
        message = request(("Contact", "<sip:a@b>"), ("Record-Route", "<sip:p;lr>"), ("Timestamp", "54"))
        response = message.response(200)
        self.assertEqual((response.status, response.reason, response.body), (200, "OK", ""))
        self.assertEqual(list(response.headers.items()), list(BASE))
        response.headers.add("X", "1")
        self.assertNotIn("X", message.headers)

    def test_trying(self) -> None:
        """A 100 carries the Timestamp back (RFC 3261 section 8.2.6.1)."""
        self.assertEqual(request(("Timestamp", "54")).response(100).headers.get("Timestamp"), "54")

    def test_reason(self) -> None:
        """A reason phrase can be given; an unknown code has none of its own."""
        self.assertEqual(request().response(486, "Later").reason, "Later")
        self.assertEqual(request().response(499).reason, "")
        self.assertEqual(REASONS[481], "Call/Transaction Does Not Exist")

    def test_tag(self) -> None:
        """A tag goes into To if it has none, for both forms of To."""
        self.assertEqual(request().response(180, to_tag="t1").headers.get("To"), "<sip:b@example.org>;tag=t1")
        message = request()
        message.headers.set("To", "sip:b@example.org")
        self.assertEqual(message.response(180, to_tag="t1").to_tag, "t1")
        message = request()
        message.headers.set("To", "<sip:b@example.org>;Tag=old")
        self.assertEqual(message.response(180, to_tag="t1").to_tag, "old")

    def test_malformed(self) -> None:
        """A response can be made to a request whose To cannot be read: it goes back as it came."""
        message = request()
        message.headers.set("To", '"open <b')
        self.assertEqual(message.response(400, to_tag="t1").headers.get("To"), '"open <b')


class BodyTests(SynchronousTestCase):
    """Bodies and the session description in them."""

    PARTS = (
        "preamble\r\n--b 1\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
        "--b 1\r\nX: y\r\nc : application/sdp;x=y\r\n\r\nv=0\r\n\r\n--b 1--\r\nepilogue"
    )

    def sdp(self, content_type: str | None, body: str) -> str | None:
        """Give the description in a message with that body."""
        fields = [] if content_type is None else [("Content-Type", content_type)]
        return request(*fields, body=body).sdp()

    def test_plain(self) -> None:
        """A body of type application/sdp is the description; without body or type there is none."""
        self.assertEqual(self.sdp("application/sdp; charset=utf-8", SDP), SDP)
        self.assertIsNone(self.sdp("application/sdp", ""))
        self.assertIsNone(self.sdp(None, SDP))
        self.assertIsNone(self.sdp("text/plain", SDP))

    def test_multipart(self) -> None:
        """The description is found among the parts of multipart/mixed and multipart/alternative (RFC 5621)."""
        self.assertEqual(self.sdp('multipart/mixed;boundary="b 1"', self.PARTS), "v=0\r\n")
        plain = self.PARTS.replace("b 1", "b1")
        self.assertEqual(self.sdp("Multipart/Alternative; x=y; Boundary = b1", plain), "v=0\r\n")

    def test_multipart_without(self) -> None:
        """No boundary, no such part, or one behind the end: no description."""
        self.assertIsNone(self.sdp("multipart/mixed", self.PARTS))
        self.assertIsNone(self.sdp("multipart/mixed;boundary=other", self.PARTS))
        ended = "--b\r\n\r\nhello\r\n--b--\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"
        self.assertIsNone(self.sdp("multipart/mixed;boundary=b", ended))
        self.assertIsNone(self.sdp("multipart/mixed;boundary=b", "--b\r\n\r\nhello"))
        self.assertIsNone(self.sdp("text/plain;boundary=b1", self.PARTS.replace("b 1", "b1")))


class PrintTests(SynchronousTestCase):
    """Printing."""

    def test_text(self) -> None:
        """Start line, fields in order, a Content-Length that is right whatever was set, an empty line, the body."""
        message = Request("INFO", "sip:a@b", Headers([("v", "1"), ("l", "99"), ("X-y", "2")]), "Signal=1\r\n")
        self.assertEqual(
            message.to_text(), "INFO sip:a@b SIP/2.0\r\nVia: 1\r\nX-y: 2\r\nContent-Length: 10\r\n\r\nSignal=1\r\n"
        )
        self.assertEqual(Response(200, "OK", Headers()).to_text(), "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n")

    def test_length(self) -> None:
        """Content-Length counts bytes, those that are not UTF-8 included."""
        self.assertEqual([byte_length(text) for text in ("", "abc", "é", "€", "\udc80x")], [0, 3, 2, 3, 2])
        self.assertIn("\r\nContent-Length: 3\r\n", request(body="é\udcff").to_text())

    def test_unsendable(self) -> None:
        """A body that UTF-8 cannot carry is our fault, and told before it is sent."""
        self.assertRaises(LocalViolation, request(body="\ud800").to_text)

    @given(
        TOKENS,
        st.lists(st.tuples(TOKENS.map("X-{}".format), LINE.map(lambda text: text.replace("\0", "").strip(" \t")))),
        st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    )
    def test_round_trip(self, method: str, more: list[tuple[str, str]], body: str) -> None:
        """Whatever is in a message, parsing what was printed gives it back."""
        fields = [*BASE[:-1], ("CSeq", f"1 {method}"), *more]
        message = Request(method, "sip:b@example.org", Headers(fields), body)
        again = parse(message.to_text())
        assert isinstance(again, Request)
        again.headers.remove("Content-Length")
        self.assertEqual(
            (again.method, again.uri, again.headers, again.body), (method, message.uri, message.headers, body)
        )
        for status in (100, 200, 699):
            response = parse(message.response(status, to_tag="t1").to_text())
            assert isinstance(response, Response)
            self.assertEqual((response.status, response.to_tag, response.cseq.method), (status, "t1", method))
