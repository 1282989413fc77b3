"""Tests of URIs: what is read, what is refused, and that printing gives back what came."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.sip.errors import MalformedMessage
from wrtcgw.sip.uri import URI

TEXT = st.binary(min_size=1).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
"""Any text that a percent-escaped part can carry."""

HOSTS = st.sampled_from(["example.org", "192.0.2.1", "[2001:db8::1]", "x_y.invalid"])

SIP_URIS = st.builds(
    URI,
    scheme=st.sampled_from(["sip", "sips"]),
    user=TEXT,
    password=st.none() | TEXT,
    host=HOSTS,
    port=st.none() | st.integers(0, 65535),
    params=st.lists(st.tuples(TEXT.map(str.lower), st.none() | TEXT)).map(tuple),
    headers=st.lists(st.tuples(TEXT, st.text())).map(tuple),
)


class ParseTests(SynchronousTestCase):
    """Reading URIs."""

    def test_whole(self) -> None:
        """All parts of a SIP URI are told apart (RFC 3261 section 19.1.1)."""
        uri = URI.parse("SIPS:al%69ce:s%3Aecret@[2001:db8::10]:5061;transport=WS;LR;a=%5Bb%3B?Subject=x%20y&Route=")
        self.assertEqual(
            uri,
            URI(
                scheme="sips",
                user="alice",
                password="s:ecret",
                host="[2001:db8::10]",
                port=5061,
                params=(("transport", "WS"), ("lr", None), ("a", "[b;")),
                headers=(("Subject", "x y"), ("Route", "")),
            ),
        )

    def test_short(self) -> None:
        """A host alone is enough; an absent user is not an empty one."""
        self.assertEqual(URI.parse("sip:example.org"), URI(host="example.org"))
        self.assertEqual(URI.parse("sip:5001:@192.0.2.1"), URI(user="5001", password="", host="192.0.2.1"))

    def test_other_schemes(self) -> None:
        """URIs of other schemes are kept whole (RFC 3966 for tel)."""
        for text in ("tel:+1-201-555-0123;phone-context=example.org", "urn:service:sos", "x+y.z-1:?a@b"):
            uri = URI.parse(text)
            self.assertEqual((uri.user, uri.scheme + ":" + uri.host), (None, text))
            self.assertEqual(str(uri), text)
            self.assertEqual(str(URI(scheme=uri.scheme, host=uri.host)), text)

    def test_user_characters(self) -> None:
        """Semicolons, slashes and question marks before the at sign belong to the user (RFC 4475 section 3.1.1.9)."""
        self.assertEqual(URI.parse("sip:a;b=c?/d@example.org").user, "a;b=c?/d")

    def test_refused(self) -> None:
        """What is no URI gets a 400."""
        for text in (
            "",
            "5001",
            "sip:",
            "sip:a@",
            "sip:@b",
            "sip:a@b@c",
            "sip:a@b:",
            "sip:a@b:65536",
            "sip:a@b:5x",
            "sip:a@b;",
            "sip:a@b;;lr",
            "sip:a@b;=c",
            "sip:a@b?",
            "sip:a@b?x",
            "sip:a@b?=y",
            "sip:a@b?x=1&",
            "sip:a%4@b",
            "sip:a@b;c=%",
            "sip:a b@c",
            "sip:a@b\r\nVia: c",
            "sip:a@b>",
            'sip:"a"@b',
            "sip:2001:db8::10",
            "sip:[2001:db8::10",
            "sip:[2001:db8]",
            "sip:[1:2:3:4:5:6:7:8:9]",
            "1sip:a@b",
        ):
            with self.assertRaises(MalformedMessage, msg=text) as caught:
                URI.parse(text)
            self.assertEqual(caught.exception.status_hint, 400)

    def test_long(self) -> None:
        """A URI that is too long to be remembered is read all the same."""
        self.assertEqual(URI.parse(f"sip:{'a' * 5000}@b").user, "a" * 5000)

    @given(st.text())
    def test_anything(self, text: str) -> None:
        """Whatever comes is read and printed back, or refused."""
        try:
            uri = URI.parse(text)
        except MalformedMessage:
            return
        self.assertEqual(str(uri), text)

    def test_remembered(self) -> None:
        """The same text gives the same value without new work."""
        self.assertIs(URI.parse("sip:5001@example.org"), URI.parse("sip:5001@example.org"))


class PrintTests(SynchronousTestCase):
    """Printing, and values made from others."""

    def test_as_it_came(self) -> None:
        """A parsed URI prints as it came, with needless escapes and odd case."""
        for text in ("SIP:%61@Example.ORG;Lr", "sip:a@b;received=sip:192.0.2.1:4711%3btransport%3dws"):
            self.assertEqual(str(URI.parse(text)), text)

    def test_escapes(self) -> None:
        """What was put together here is escaped where it has to be: no input ends the URI early."""
        uri = URI(user='5001@evil.example>;x="\r\n', host="example.org")
        self.assertEqual(str(uri), "sip:5001%40evil.example%3E;x=%22%0D%0A@example.org")

    @given(SIP_URIS)
    def test_round_trip(self, uri: URI) -> None:
        """Parsing what was printed gives the same value, and prints the same."""
        again = URI.parse(str(uri))
        self.assertEqual(again, uri)
        self.assertEqual(str(again), str(uri))

    def test_no_user(self) -> None:
        """A URI without user has no at sign."""
        self.assertEqual(str(URI(host="example.org", port=5060)), "sip:example.org:5060")

    def test_changes(self) -> None:
        """A value made from a parsed one prints the change, not the old text."""
        uri = URI.parse("sip:%61@b;transport=ws?X=1")
        self.assertEqual(str(uri.with_param("Transport", "tcp")), "sip:a@b;Transport=tcp?X=1")
        self.assertEqual(str(uri.with_param("lr", None)), "sip:a@b;transport=ws;lr?X=1")
        self.assertEqual(str(uri.without_headers()), "sip:a@b;transport=ws")
        plain = uri.without_headers()
        self.assertIs(plain.without_headers(), plain)
        refer = plain.with_header("Replaces", "c@d;to-tag=1;from-tag=2")
        self.assertEqual(str(refer), "sip:a@b;transport=ws?Replaces=c%40d%3Bto-tag%3D1%3Bfrom-tag%3D2")

    def test_look_up(self) -> None:
        """Parameters and headers are found in any case; a flag is '' and an absent one None."""
        uri = URI.parse("sip:a@b;LR;Transport=ws?Replaces=c%3Bd&X=1")
        self.assertEqual([uri.param(name) for name in ("lr", "TRANSPORT", "ob")], ["", "ws", None])
        self.assertEqual([uri.header(name) for name in ("replaces", "y")], ["c;d", None])

    def test_hidden_password(self) -> None:
        """The password of a URI does not show where a value is logged."""
        self.assertNotIn("secret", repr(URI.parse("sip:a:secret@b")))
