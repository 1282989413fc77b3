"""Requests in: queries, forms, JSON, and what is wrong with them."""

from io import BytesIO
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.test.requesthelper import DummyRequest

from wrtcgw.calls.messages import MessageType
from wrtcgw.errors import BadInput
from wrtcgw.web.addresses import Addresses
from wrtcgw.web.attachments import read_data
from wrtcgw.web.codec import Data, Digits, RoapMessage, SignIn
from wrtcgw.web.errors import WrongContentType
from wrtcgw.web.fields import Fields, parse_fields, parse_object
from wrtcgw.web.incoming import BoundedBody, IncomingRequest


class Query(SynchronousTestCase):
    """Queries and forms."""

    def test_seed_password(self) -> None:
        """A password that is put in as it is, is read as it is."""
        self.assertEqual(
            parse_fields(b"id=agent123&dn=5001&password=Genesys2024!WebRTC"),
            {"id": "agent123", "dn": "5001", "password": "Genesys2024!WebRTC"},
        )

    def test_semicolon_is_no_separator(self) -> None:
        """A SIP URI with parameters stays whole."""
        self.assertEqual(parse_fields(b"to=sip:1@b.example;user=phone&a=1")["to"], "sip:1@b.example;user=phone")

    def test_odd_parts(self) -> None:
        """Empty parts are nothing, a name without value is empty, the last of several counts."""
        self.assertEqual(parse_fields(b"&a&=x&b=1&b=2&c=="), {"a": "", "b": "2", "c": "="})
        self.assertEqual(parse_fields(b""), {})

    def test_not_utf8(self) -> None:
        """What is not UTF-8 is refused, encoded or not."""
        for text in (b"a=%FF", b"a=\xff"):
            with self.assertRaises(BadInput):
                parse_fields(text)

    @settings(derandomize=True, deadline=None)
    @given(st.dictionaries(st.text(min_size=1, max_size=9), st.text(max_size=20), max_size=5))
    def test_reads_what_browsers_write(self, fields: dict[str, str]) -> None:
        """Whatever a form or encodeURIComponent writes is read back."""
        fields = {
            name.encode("utf-8", "ignore").decode() or "x": value.encode("utf-8", "ignore").decode()
            for name, value in fields.items()
        }
        self.assertEqual(parse_fields(urlencode(fields).encode()), fields)
        raw = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in fields.items())
        self.assertEqual(parse_fields(raw.encode()), fields)


class SingleFields(SynchronousTestCase):
    """Getting one field."""

    def test_text(self) -> None:
        """Texts and numbers are texts; nothing, empty and null are absent; other things are refused."""
        fields = Fields({"a": "x", "n": 5, "e": "", "z": None, "b": True, "l": [1]})
        self.assertEqual((fields.text("a", "it"), fields.text("n", "it")), ("x", "5"))
        self.assertEqual([fields.optional(name) for name in ("e", "z", "nothing")], [None, None, None])
        for name in ("b", "l", "e", "nothing"):
            with self.assertRaises(BadInput):
                fields.text(name, "it")

    def test_too_long(self) -> None:
        """A field beyond its limit is refused."""
        with self.assertRaises(BadInput):
            Fields({"a": "x" * 1025}).optional("a")
        self.assertEqual(len(Fields({"a": "x" * 1025}).text("a", "it", limit=2000)), 1025)

    def test_lone_surrogate(self) -> None:
        """JSON can escape half a character, which no SIP message could carry."""
        error = self.assertRaises(BadInput, Fields({"body": "a\ud83d"}).optional, "body")
        self.assertEqual(error.field, "body")
        for key, value in (("a\udcfc", "b"), ("a", "b\ud83d"), ("a", {"c": "\udcfc"})):
            self.assertEqual(self.assertRaises(BadInput, read_data, [{"key": key, "value": value}]).field, "data")

    def test_plus_of_a_number(self) -> None:
        """A number's plus that was not encoded arrives as a space, and is restored."""
        self.assertEqual(Fields(parse_fields(b"to=+4930123")).destination("to"), "+4930123")
        self.assertEqual(Fields(parse_fields(b"to=%2B4930123")).destination("to"), "+4930123")
        self.assertEqual(Fields(parse_fields(b"to=1003")).destination("to"), "1003")
        self.assertIsNone(Fields({}).destination("to"))
        for text, number in (
            ("(+49)30123", "(+49)30123"),
            ("%28+49%29+30", "(+49) 30"),
            ("+(49)(0)30+12", "+(49)(0)30 12"),
            ("%20+49+30", " +49 30"),
            ("%C2%A0+4930", "\xa0+4930"),
            ("%E2%80%AA+4930%E2%80%AC", "\u202a+4930\u202c"),
            ("tel://+4930", "tel://+4930"),
            ("+%34930", "+4930"),
            ("0800+1234", "0800 1234"),
            ("+030123", " 030123"),
            ("+*97", " *97"),
            ("*21*+4930", "*21* 4930"),
        ):
            self.assertEqual(Fields(parse_fields(f"to={text}".encode())).destination("to"), number, text)

    def test_number(self) -> None:
        """Numbers are whole and short."""
        self.assertEqual(Fields({"a": "486"}).number("a", 0, "it"), 486)
        self.assertEqual(Fields({}).number("a", 7, "it"), 7)
        for wrong in ("x", "-1", "1.5", "²", "\uff11", "1_0", "9" * 10):
            with self.assertRaises(BadInput):
                Fields({"a": wrong}).number("a", 0, "it")

    def test_seconds(self) -> None:
        """Times are cut to their limit; what is no number is refused."""
        told = {"25": 25.0, "0.5": 0.5, "90": 60.0, "9" * 999: 60.0, "-1": 0.0, "1e1": 10.0, "5E-1": 0.5, "1e999": 60.0}
        for text, seconds in told.items():
            self.assertEqual(Fields({"wait": text}).seconds("wait", 60.0), seconds)
        self.assertEqual(Fields({}).seconds("wait", 60.0), 0.0)
        for wrong in ("x", "nan", "inf", "1 s", "1_0", "\uff11\uff10", "1e", "1e+", "1e99999", ".", "-"):
            with self.assertRaises(BadInput):
                Fields({"wait": wrong}).seconds("wait", 60.0)

    def test_call(self) -> None:
        """A call is named by ``call``, or by ROAP's ``callId``."""
        self.assertEqual(Fields({"call": "a"}).call_id, "a")
        self.assertEqual(Fields({"callId": "b"}).call_id, "b")
        self.assertIsNone(Fields({}).call_id)


def given_body(media_type: str, body: bytes, **query: str) -> IncomingRequest:
    """Return a request."""
    response: Any = DummyRequest([b""])
    response.path, response.content = b"/", BytesIO(body)
    response.uri = b"/?" + urlencode(query).encode()
    if media_type:
        response.requestHeaders.addRawHeader(b"content-type", media_type.encode())
    request = IncomingRequest(response, Addresses(()))
    request.take_body(len(body))
    return request


class Bodies(SynchronousTestCase):
    """Bodies of each kind."""

    def test_merged(self) -> None:
        """Fields of form and JSON join those of the query, and win."""
        for given_ in (
            given_body("application/json", b'{"b": "2", "n": 3}', a="1", b="1"),
            given_body("application/vnd.x+json", b'{"b": "2", "n": 3}', a="1", b="1"),
            given_body("application/x-www-form-urlencoded", b"b=2&n=3", a="1", b="1"),
        ):
            fields = given_.fields()
            self.assertEqual([fields.text(name, "it") for name in "abn"], ["1", "2", "3"])

    def test_no_body(self) -> None:
        """Without a body its declared type does not matter."""
        self.assertEqual(given_body("image/png", b"", a="1").fields().text("a", "it"), "1")

    def test_wrong_type(self) -> None:
        """A body of another type is refused, unless the call does not look at it."""
        for media_type in ("text/xml", ""):
            with self.assertRaises(WrongContentType):
                given_body(media_type, b"x").fields()
        self.assertIsNone(given_body("text/xml", b"x").fields(ignore_other_bodies=True).optional("a"))

    def test_not_json(self) -> None:
        """What is no JSON object is refused, however deep."""
        for body in (b"", b"{", b"[]", b"1", b"\xff", b"[" * 60000):
            with self.assertRaises(BadInput):
                parse_object(body)

    def test_description(self) -> None:
        """A description is text or SDP, or undeclared."""
        for media_type in ("text/plain", "application/sdp", ""):
            self.assertEqual(given_body(media_type, b"v=0").description(), "v=0")
        with self.assertRaises(WrongContentType) as caught:
            given_body("application/x-www-form-urlencoded", b"v=0").description()
        self.assertIn("text/plain", str(caught.exception))
        with self.assertRaises(BadInput):
            given_body("text/plain", b"\xff").description()

    def test_bounded(self) -> None:
        """A bounded body takes what fits, then nothing more."""
        body = BoundedBody(10)
        for piece in (b"12345", b"67890", b"x", b""):
            self.assertEqual(body.write(piece), len(piece))
        self.assertTrue(body.overflowed)
        self.assertEqual(body.getvalue(), b"1234567890")


class Requests(SynchronousTestCase):
    """Typed requests."""

    def test_sign_in(self) -> None:
        """The first missing field is named, and the password is in no repr."""
        whole = {"id": "a", "dn": "1", "password": "secret", "display_name": "Ann"}
        wanted = SignIn.read(Fields(whole))
        self.assertEqual((wanted.id, wanted.dn, wanted.password, wanted.display_name), ("a", "1", "secret", "Ann"))
        self.assertNotIn("secret", repr(wanted))
        for name in ("id", "dn", "password"):
            with self.assertRaises(BadInput) as caught:
                SignIn.read(Fields({**whole, name: ""}))
            self.assertEqual(caught.exception.field, name)

    def test_roap(self) -> None:
        """Pages send OFFER, ANSWER, OK and SHUTDOWN; the first two with a description."""
        message = RoapMessage.read(Fields({"messageType": "OFFER", "sdp": "v=0", "to": "1003", "callId": ""}), 100)
        self.assertEqual(
            (message.type, message.sdp, message.to, message.call_id), (MessageType.OFFER, "v=0", "1003", None)
        )
        self.assertIs(RoapMessage.read(Fields({"messageType": "SHUTDOWN"}), 100).type, MessageType.SHUTDOWN)
        wrong: list[dict[str, object]] = [
            {},
            {"messageType": "RINGING"},
            {"messageType": "offer"},
            {"messageType": "ANSWER"},
            {"messageType": "ANSWER", "sdp": "x" * 101},
        ]
        for values in wrong:
            with self.assertRaises(BadInput):
                RoapMessage.read(Fields(values), 100)

    def test_digits(self) -> None:
        """Digits have default times and type."""
        digits = Digits.read(Fields({"digits": "12#"}))
        self.assertEqual((digits.duration_ms, digits.gap_ms, digits.content_type), (160, 70, "application/dtmf-relay"))
        with self.assertRaises(BadInput):
            Digits.read(Fields({"digits": "1", "duration": "long"}))

    def test_data(self) -> None:
        """Data come as fields, or as the body itself."""
        data = Data.read(given_body("application/json", b'{"content_type": "a/b", "body": "x"}'), 100)
        self.assertEqual((data.content_type, data.body), ("a/b", "x"))
        data = Data.read(given_body("application/x-a", b"Signal=5"), 100)
        self.assertEqual((data.content_type, data.body), ("application/x-a", "Signal=5"))
        for wrong in (given_body("", b"x"), given_body("", b""), given_body("application/json", b'{"body": "x"}')):
            with self.assertRaises(BadInput):
                Data.read(wrong, 100)
