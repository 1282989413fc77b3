"""Tests of the parser: what passes, what is refused with which status, limits, and that nothing else ever happens."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.sip.errors import MalformedMessage
from wrtcgw.sip.headers import auto_answer_delay
from wrtcgw.sip.message import MalformedRequest, Request, Response
from wrtcgw.sip.parser import (
    MAX_HEADER_LENGTH,
    MAX_HEADERS,
    MAX_MESSAGE_BYTES,
    KeepAlive,
    parse,
)

LINES = (
    "INVITE sip:b@example.org SIP/2.0",
    "Via: SIP/2.0/WS a.invalid;branch=z9hG4bK1",
    "From: <sip:a@example.org>;tag=f1",
    "To: <sip:b@example.org>",
    "Call-ID: c1@a.invalid",
    "CSeq: 7 INVITE",
)


def text(*more: str, lines: tuple[str, ...] = LINES, body: str = "") -> str:
    """Join the lines of a message with some more header fields."""
    return "\r\n".join([*lines, *more, "", body])


def replaced(old: str, new: str) -> str:
    """Give the message with one thing changed."""
    assert old in text()
    return text().replace(old, new)


class ParserCase(SynchronousTestCase):
    """Assertions that the tests below share."""

    def accept(self, message: str) -> Request:
        """Parse a request."""
        parsed = parse(message)
        assert isinstance(parsed, Request)
        return parsed

    def refuse(self, message: str, status: int = 400, answerable: bool = True) -> MalformedMessage:
        """Assert that the message is refused, and that it can be answered, or cannot."""
        with self.assertRaises(MalformedMessage, msg=message[:200]) as caught:
            parse(message)
        error: MalformedMessage = caught.exception
        self.assertEqual((error.status_hint, isinstance(error, MalformedRequest)), (status, answerable), error.detail)
        if isinstance(error, MalformedRequest):
            answer = error.request.response(status, to_tag="t1").to_text()
            self.assertTrue(answer.startswith(f"SIP/2.0 {status} "))
            self.assertEqual(answer.count("\r\n\r\n"), 1)
        return error


class FramingTests(ParserCase):
    """Keep-alives, line ends, folding."""

    def test_keep_alive(self) -> None:
        """CRLFs alone are keep-alives, two of them a ping (RFC 5626 section 3.5.1)."""
        self.assertEqual([parse(message) for message in ("", "\r\n")], [KeepAlive(ping=False)] * 2)
        self.assertEqual(parse("\r\n\r\n"), KeepAlive(ping=True))

    def test_leading_line_ends(self) -> None:
        """CRLFs before a message are skipped (RFC 3261 section 7.5)."""
        self.assertEqual(self.accept("\r\n\r\n" + text()).method, "INVITE")

    def test_folding(self) -> None:
        """A line that begins with white space continues the one before (RFC 3261 section 7.3.1)."""
        message = self.accept(text("Subject: a", " b", "\t \tc", "X-After: d"))
        self.assertEqual((message.headers.get("Subject"), message.headers.get("X-After")), ("a b c", "d"))

    def test_white_space(self) -> None:
        """White space around name and value does not count; a value can be empty."""
        message = self.accept(text("Subject \t : \t a \t", "Organization:", "X-Y:z:z"))
        self.assertEqual([message.headers.get(n) for n in ("Subject", "Organization", "x-y")], ["a", "", "z:z"])

    def test_line_ends(self) -> None:
        """A CR or LF alone is no line end, and is not taken for one."""
        for stray in ("\r", "\n", "\r\r", "\n\n", "\n\r"):
            error = self.refuse(text(f"X: a{stray}Via: evil"))
            assert isinstance(error, MalformedRequest)
            self.assertEqual(len(error.request.headers.get_all("Via")), 1)
        self.refuse(text().replace("\r\n", "\n"), answerable=False)

    def test_nul(self) -> None:
        """NUL is a fault, but for the one in a quoted-pair (RFC 3261 section 25.1)."""
        self.refuse(text("X: a\0b"))
        self.assertEqual(self.accept(replaced("From: ", 'From: "a\\\0" ')).from_.display_name, "a\0")

    def test_no_empty_line(self) -> None:
        """A message may end right behind its header fields, but not within one."""
        self.assertEqual(self.accept(text()[:-2]).body, "")
        self.assertIn("no empty line", self.refuse(text()[:-4]).detail)

    def test_not_utf8(self) -> None:
        """Bytes that are not UTF-8 come out as they went in."""
        raw = text("Subject: \udcff\udc80", body="\udcfe").encode("utf-8", "surrogateescape")
        message = self.accept(raw.decode("utf-8", "surrogateescape"))
        printed = message.to_text().encode("utf-8", "surrogateescape")
        self.assertIn(b"\r\nSubject: \xff\x80\r\n", printed)
        self.assertTrue(printed.endswith(b"\r\n\r\n\xfe"))

    def test_not_decoded(self) -> None:
        """A text that cannot come from a decoder is refused, not passed on to fail when it is sent."""
        self.refuse(text("Subject: \ud800"), answerable=False)


class StartLineTests(ParserCase):
    """Request lines and status lines."""

    def test_request(self) -> None:
        """Method and Request-URI stay as they are; SIP/2.0 is read in any case."""
        message = self.accept(replaced("SIP/2.0\r\nVia", "sip/2.0\r\nVia"))
        self.assertEqual((message.method, message.uri), ("INVITE", "sip:b@example.org"))

    def test_response(self) -> None:
        """Status lines come with a phrase, an empty one, or none."""
        for line, status, reason in (
            ("SIP/2.0 180 Ringing", 180, "Ringing"),
            ("SIP/2.0 200  a b\t", 200, " a b\t"),
            ("SIP/2.0 699 ", 699, ""),
            ("SIP/2.0 486", 486, ""),
        ):
            response = parse(text(lines=(line, *LINES[1:])))
            assert isinstance(response, Response)
            self.assertEqual((response.status, response.reason, response.cseq.number), (status, reason, 7))

    def test_version(self) -> None:
        """Another version gets a 505, whatever else is wrong (RFC 3261 section 21.5.6)."""
        for version in ("SIP/3.0", "SIP/2.1", "SIP/12.0"):
            self.refuse(replaced("SIP/2.0\r\nVia: SIP/2.0", f"{version}\r\nVia: {version}"), 505)

    def test_malformed_request_line(self) -> None:
        """A request line that is nearly right gets a 400."""
        for uri in (" sip:b@c", "sip:b@c ", "<sip:b@c>", "sip:b@c; lr", 'sip:"b"@c', "sip:b@c\x01", "b", "sip:b@c:x"):
            self.refuse(replaced("sip:b@example.org SIP", f"{uri} SIP"))
        self.refuse(replaced("INVITE sip:b", "INVITE\tsip:b"))

    def test_not_sip(self) -> None:
        """What is neither request nor response is dropped."""
        for line in (
            "GET / HTTP/1.1",
            "INVITE sip:b@example.org",
            "INVITE SIP/2.0",
            "IN(VITE sip:b@example.org SIP/2.0",
            "SIP/2.0 99 Low",
            "SIP/2.0 700 High",
            "SIP/2.0 0200 OK",
            "SIP/2.0 20\u0660 Digits",
            "SIP/3.0 200 OK",
            "SIP/2.0 200\tOK",
            "garbage",
        ):
            self.refuse(text(lines=(line, *LINES[1:])), answerable=False)


class FieldTests(ParserCase):
    """What is asked of the header fields."""

    def test_mandatory(self) -> None:
        """Without one of the fields that responses copy, or with an empty one, there is no answer (RFC 3261 8.1.1)."""
        for line in LINES[1:]:
            name = line.partition(":")[0]
            self.assertIn(name, self.refuse(text(lines=tuple(o for o in LINES if o != line)), answerable=False).detail)
            self.refuse(replaced(line, f"{name}: "), answerable=False)

    def test_unreadable(self) -> None:
        """One that is there but cannot be read gets a 400."""
        for old, new in (
            ("SIP/2.0/WS", "SIP/1.0/WS"),
            ("a.invalid;branch", ",;branch"),
            ("To: <sip:b", "To: <b"),
            ("CSeq: 7 INVITE", "CSeq: 2147483648 INVITE"),
            ("CSeq: 7 INVITE", "CSeq: INVITE"),
            ("CSeq: 7 INVITE", "CSeq: 7 BYE"),
            ("To: <sip:b", 'To: "<b'),
            ("CSeq: 7 INVITE", "CSeq: 7 invite"),
        ):
            self.refuse(replaced(old, new))

    def test_repeated(self) -> None:
        """Fields that must not come twice get a 400; the answer carries the first (RFC 4475 section 3.3.8)."""
        for line in (*LINES[2:], "Content-Length: 0", "Max-Forwards: 70", "Content-Type: a/b"):
            error = self.refuse(text(line, line))
            self.assertIn("more than one", error.detail)
            assert isinstance(error, MalformedRequest)
            names = [name for name, _ in error.request.response(400).headers.items()]
            self.assertEqual(names, ["Via", "From", "To", "Call-ID", "CSeq"])

    def test_malformed_line(self) -> None:
        """A line that is no header field is left out and told: nothing needs it (RFC 3261 section 8.2.2)."""
        fields = list(self.accept(text()).headers.items())
        for line in ("no colon", "two words: x", ": x", "é: x", "B\udcfcd: x"):
            for first in (LINES[0], "SIP/2.0 200 OK"):
                message = parse(text(line, lines=(first, *LINES[1:])))
                assert not isinstance(message, KeepAlive)
                self.assertEqual(message.flaws, [f"header: malformed line {line!r} (ignored)"])
                self.assertEqual(list(message.headers.items()), fields)
        self.refuse(text("X\0: y"))

    def test_ack(self) -> None:
        """An ACK is never answered (RFC 3261 section 17.1.1.3)."""
        self.refuse(text("CSeq: 8 ACK").replace("INVITE", "ACK"), answerable=False)

    def test_responses(self) -> None:
        """A malformed response is never answered."""
        for line in ("Content-Length: 1", "CSeq: 8 INVITE"):
            self.refuse(text(line, lines=("SIP/2.0 200 OK", *LINES[1:])), answerable=False)
        self.refuse(text(lines=("SIP/2.0 200 OK", *LINES[2:])), answerable=False)


class BodyTests(ParserCase):
    """Content-Length and the body."""

    def test_without_length(self) -> None:
        """Without a length all that is left is the body: a WebSocket message has an end (RFC 7118 section 5)."""
        self.assertEqual(self.accept(text(body="a\r\n\r\nb")).body, "a\r\n\r\nb")

    def test_length(self) -> None:
        """What is beyond the length is cut off, in bytes (RFC 3261 section 18.3)."""
        for length, body, kept in (
            (0, "abc", ""),
            (2, "abc", "ab"),
            (3, "abc", "abc"),
            (2, "éa", "é"),
            (3, "éa", "éa"),
            (1, "é", "\udcc3"),
        ):
            self.assertEqual(self.accept(text(f"Content-Length: {length}", body=body)).body, kept)

    def test_bad_length(self) -> None:
        """A length beyond what is there, or that is none, gets a 400."""
        for length in ("4", "-1", "", "3 4", "0x3", "9" * 5000, "٣"):
            self.refuse(text(f"l: {length}", body="abc"))


class LimitTests(ParserCase):
    """The limits, each at its edge."""

    def test_message(self) -> None:
        """A message beyond 64 KiB gets a 513, counted in bytes (RFC 3261 section 21.5.7)."""
        room = MAX_MESSAGE_BYTES - len(text())
        self.assertEqual(len(self.accept(text(body="x" * room)).body), room)
        self.refuse(text(body="x" * (room + 1)), 513)
        self.refuse(text(body="é" * (room // 2 + 1)), 513)
        self.refuse(text(*["X-Y: 0123456789"] * 5000), 513)

    def test_fields(self) -> None:
        """More than 256 header fields get a 513."""
        room = MAX_HEADERS - len(LINES) + 1
        self.accept(text(*["X: y"] * room))
        self.refuse(text(*["X: y"] * (room + 1)), 513)
        self.refuse(text(lines=(LINES[0], *["X: y"] * MAX_HEADERS, *LINES[1:])), 513, answerable=False)

    def test_field(self) -> None:
        """A header field beyond 8 KiB, folded or not, gets a 513."""
        self.accept(text("X: " + "y" * (MAX_HEADER_LENGTH - 3)))
        self.refuse(text("X: " + "y" * (MAX_HEADER_LENGTH - 2)), 513)
        self.refuse(text("X: y", *[" " + "y" * 100] * 82), 513)
        self.refuse(text("Call-ID: " + "y" * MAX_HEADER_LENGTH, lines=LINES[:4] + LINES[5:]), 513, answerable=False)


ODD = st.sampled_from(
    [
        "",
        "\r",
        "\n",
        "\r\n",
        "\r\n\r\n",
        " ",
        ";",
        ",",
        '"',
        "<",
        ">",
        ":",
        "\\",
        "\0",
        "%",
        "é",
        "\udcff",
        "SIP/2.0",
        "=",
    ]
)


class TotalTests(ParserCase):
    """Nothing that comes does anything but parse or raise MalformedMessage."""

    def check(self, message: str) -> None:
        """Parse, and use what comes out as the layers above would."""
        try:
            parsed = parse(message)
        except MalformedMessage as error:
            if isinstance(error, MalformedRequest):
                answer = error.request.response(error.status_hint, to_tag="t1").to_text()
                self.assertEqual(answer.count("\r\n\r\n"), 1)
            return
        if not isinstance(parsed, KeepAlive):
            printed = parsed.to_text()
            again = parse(printed)
            assert isinstance(again, Request | Response)
            self.assertEqual(again.to_text(), printed)
            self.assertEqual(
                list(again.headers.copy().items())[:-1], [f for f in parsed.headers.items() if f[0] != "Content-Length"]
            )
            auto_answer_delay(parsed)
            parsed.sdp()
            with contextlib.suppress(MalformedMessage):
                _ = (parsed.vias, parsed.contact)
        if isinstance(parsed, Request):
            self.assertEqual(parsed.response(200, to_tag="t1").to_text().count("\r\n\r\n"), 1)

    @given(st.text())
    def test_anything(self, message: str) -> None:
        """Any text is read or refused."""
        self.check(message)

    @given(st.data())
    def test_mutations(self, data: st.DataObject) -> None:
        """A message with odd things put in or cut out at any place is read or refused."""
        message = text('Contact: "a" <sip:a@b;x=y>;q=1', "Content-Length: 3", body="abc")
        for _ in range(data.draw(st.integers(1, 4))):
            start = data.draw(st.integers(0, len(message)))
            end = data.draw(st.integers(start, min(len(message), start + 12)))
            message = message[:start] + data.draw(ODD) + message[end:]
        self.check(message)
