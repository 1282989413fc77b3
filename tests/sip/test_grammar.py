"""Tests of the shared grammar: quoting, lists, parameters, numbers, and the guard against header injection."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.sip import grammar
from wrtcgw.sip.errors import LocalViolation, MalformedMessage, RemoteViolation

ESCAPED_BYTES = st.integers(0xDC80, 0xDCFF).map(chr)
LINE = st.text(st.characters(codec="utf-8", exclude_characters="\r\n") | ESCAPED_BYTES)
"""Any text that can stand in one header field once quoted."""


class CharacterTests(SynchronousTestCase):
    """Tokens, the guard, quoting and escaping."""

    def test_tokens(self) -> None:
        """A token is not empty and has no separators (RFC 3261 section 25.1)."""
        for good in ("INVITE", "a-.!%*_+`'~9"):
            self.assertTrue(grammar.is_token(good), good)
        for bad in ("", "a b", "a:b", "é", "a\n", "<a>"):
            self.assertFalse(grammar.is_token(bad), bad)

    def test_guard(self) -> None:
        """What could end a line, or could not be sent, does not get into a header."""
        for good in ("", "a b\t;c", "é\udc80", 'a "\\\0"'):
            self.assertEqual(grammar.check_value(good), good)
        for bad in ("a\r\nVia: b", "a\n", "a\r", "a\0", "\ud800"):
            with self.assertRaises(LocalViolation) as caught:
                grammar.check_value(bad)
            self.assertIn(repr(bad), str(caught.exception))

    @given(LINE)
    def test_quote(self, text: str) -> None:
        """Quoting and unquoting give the text back, and what is quoted passes the guard."""
        self.assertEqual(grammar.unquote(grammar.check_value(grammar.quote(text))), text)

    def test_unquote_plain(self) -> None:
        """Text without quotes, or with one only, stays as it is."""
        for text in ("", '"', "a", '"a', 'a"'):
            self.assertEqual(grammar.unquote(text), text)

    @given(st.binary())
    def test_escape(self, raw: bytes) -> None:
        """Escaping and unescaping give all bytes back, also those that are not UTF-8."""
        text = raw.decode("utf-8", "surrogateescape")
        self.assertEqual(grammar.unescape(grammar.escape(text, "")), text)

    def test_bad_escapes(self) -> None:
        """A percent sign needs two hexadecimal digits."""
        for text in ("%", "%4", "%4g", "a%zz"):
            self.assertRaises(MalformedMessage, grammar.unescape, text)

    def test_numbers(self) -> None:
        """Numbers are ASCII digits within bounds; no length of them makes work."""
        self.assertEqual(grammar.parse_number("0" * 5000 + "70"), 70)
        self.assertEqual(grammar.parse_number("4294967295"), 2**32 - 1)
        for text in ("", "-1", "+1", "1.0", " 1", "٣", "4294967296", "9" * 5000):
            self.assertRaises(MalformedMessage, grammar.parse_number, text)
        self.assertRaises(MalformedMessage, grammar.parse_number, "65536", grammar.MAX_PORT)

    def test_errors(self) -> None:
        """An error of the peer tells the status that fits and why."""
        self.assertEqual(str(RemoteViolation(481, "no such dialog")), "481: no such dialog")


class ListTests(SynchronousTestCase):
    """Comma lists, semicolon lists and parameters."""

    def test_commas(self) -> None:
        """Commas in quotes and angle brackets do not separate; empty elements are kept."""
        for value, elements in {
            "a": ["a"],
            " a , b ": ["a", "b"],
            "a,,b": ["a", "", "b"],
            '"a, b" <sip:c>, <sip:d,e>;x="\\",", f': ['"a, b" <sip:c>', '<sip:d,e>;x="\\","', "f"],
            "<a, b": ["<a, b"],
            "": [""],
        }.items():
            self.assertEqual(grammar.split_commas(value), elements)

    def test_open_quote(self) -> None:
        """A quoted-string without end is refused, wherever it starts."""
        self.assertRaises(MalformedMessage, grammar.split_commas, 'a, "b, c')
        self.assertRaises(MalformedMessage, grammar.split_semicolons, 'a; "b; c\\"')

    @given(st.lists(LINE, min_size=1))
    def test_split_quoted(self, texts: list[str]) -> None:
        """A list of quoted-strings splits into just these, whatever is in them."""
        quoted = [grammar.quote(text) for text in texts]
        self.assertEqual(grammar.split_commas(", ".join(quoted)), quoted)
        self.assertEqual(grammar.split_semicolons(" ;".join(quoted)), quoted)

    def test_params(self) -> None:
        """Names are folded to lower case; values stay as they are; flags have none."""
        params = grammar.parse_params('a; B = c ;d="e;\\"f" ; g=[2001:db8::1];h=YQ==')
        self.assertEqual(params, (("a", None), ("b", "c"), ("d", '"e;\\"f"'), ("g", "[2001:db8::1]"), ("h", "YQ==")))
        self.assertEqual(grammar.print_params(params), ';a;b=c;d="e;\\"f";g=[2001:db8::1];h=YQ==')
        self.assertEqual([grammar.param(params, name) for name in ("A", "b", "d", "x")], ["", "c", 'e;"f', None])

    def test_bad_params(self) -> None:
        """Empty parameters, odd names and odd values are refused."""
        for text in ("", ";", "a;;b", "=b", "a=", "a b=c", "a=b c", 'a="b', 'a="b"c', "a=<b>"):
            self.assertRaises(MalformedMessage, grammar.parse_params, text)

    def test_with_param(self) -> None:
        """A parameter is replaced where it stands, or added at the end."""
        params: grammar.Params = (("a", "1"), ("Tag", "2"), ("b", None))
        self.assertEqual(grammar.with_param(params, "tag", "3"), (("a", "1"), ("tag", "3"), ("b", None)))
        self.assertEqual(grammar.with_param(params, "c", None), (*params, ("c", None)))

    @given(st.lists(st.tuples(st.from_regex(grammar.TOKEN, fullmatch=True), st.none() | LINE), min_size=1))
    def test_round_trip(self, pairs: list[tuple[str, str | None]]) -> None:
        """Whatever the values, printed parameters parse into the same names and values."""
        printed = grammar.print_params(tuple(pairs))
        parsed = grammar.parse_params(printed[1:])
        self.assertEqual([name for name, _ in parsed], [name.lower() for name, _ in pairs])
        self.assertEqual(
            [None if value is None else grammar.unquote(value) for _, value in parsed],
            [None if value is None else grammar.unquote(value) for _, value in pairs],
        )
