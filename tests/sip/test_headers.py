"""Tests of the header values: what is read, what is refused, and that print and parse are inverse."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.sip.test_grammar import LINE
from tests.sip.test_uri import SIP_URIS
from wrtcgw.sip import grammar
from wrtcgw.sip.errors import MalformedMessage
from wrtcgw.sip.headers import (
    MAX_SEQUENCE,
    Challenge,
    Credentials,
    CSeq,
    Event,
    NameAddr,
    ParsedHeader,
    RAck,
    Reason,
    Replaces,
    SessionExpires,
    Via,
    auto_answer_delay,
    parse_contacts,
    parse_list,
)
from wrtcgw.sip.message import Headers, Message
from wrtcgw.sip.uri import URI

TOKENS = st.from_regex(grammar.TOKEN, fullmatch=True)
NAMES = TOKENS.map(str.lower)
VALUES = st.none() | TOKENS
PARAMS = st.lists(st.tuples(NAMES, VALUES), max_size=4).map(tuple)


class Refusals(SynchronousTestCase):
    """An assertion that the tests below share."""

    def assert_refused(self, cls: type[ParsedHeader], *texts: str) -> None:
        """Assert that each text is refused with a 400."""
        for text in texts:
            with self.assertRaises(MalformedMessage, msg=text) as caught:
                cls.parse(text)
            self.assertEqual((caught.exception.status_hint, type(caught.exception)), (400, MalformedMessage))


class NameAddrTests(Refusals):
    """From, To, Contact and their like."""

    def test_forms(self) -> None:
        """All forms of name-addr and addr-spec are read (RFC 3261 section 20.10)."""
        uri = URI.parse("sip:a@b;lr")
        for text, expected in {
            "<sip:a@b;lr>": NameAddr(uri),
            '"A \\"B\\", C" <sip:a@b;lr>;tag=x': NameAddr(uri, 'A "B", C', (("tag", "x"),)),
            '"A"<sip:a@b;lr>': NameAddr(uri, "A"),
            "A B <sip:a@b;lr> ; tag = x;y": NameAddr(uri, "A B", (("tag", "x"), ("y", None))),
            "Zoë Müller <sip:a@b;lr>": NameAddr(uri, "Zoë Müller"),
            "sip:a@b ;tag=x": NameAddr(URI.parse("sip:a@b"), "", (("tag", "x"),)),
            "sip:a@b": NameAddr(URI.parse("sip:a@b")),
        }.items():
            self.assertEqual(NameAddr.parse(text), expected)

    def test_refused(self) -> None:
        """What is neither is refused."""
        self.assert_refused(
            NameAddr,
            "",
            "a",
            "<>",
            "A, B <sip:a@b>",
            '"A <sip:a@b>',
            "<sip:a@b> x",
            "<sip:a@b>;",
            "<sip:a@b>;tag=a b",
            "< sip:a@b>",
            "<sip:a@b",
            "sip:a@b?X=1",
            "sip:a@b,sip:c@d",
            "sip:a@b;",
        )

    def test_params(self) -> None:
        """Parameters are looked up unquoted, and set where they stand."""
        contact = NameAddr.parse('<sip:a@b>;+sip.instance="<urn:uuid:1>";expires=60;ob')
        self.assertEqual([contact.param(n) for n in ("+SIP.instance", "ob", "q")], ["<urn:uuid:1>", "", None])
        self.assertEqual(contact.tag, "")
        changed = contact.with_param("expires", "0").with_param("+sip.instance", "<urn:uuid:2>").with_param("q", None)
        self.assertEqual(str(changed), '<sip:a@b>;+sip.instance="<urn:uuid:2>";expires=0;ob;q')
        self.assertEqual(contact.with_param("tag", "t1").tag, "t1")

    @given(SIP_URIS, LINE.map(str.strip), PARAMS)
    def test_round_trip(self, uri: URI, name: str, params: grammar.Params) -> None:
        """Printing and parsing give the value back, and what is printed passes the guard."""
        value = NameAddr(uri, name, params)
        self.assertEqual(NameAddr.parse(grammar.check_value(str(value))), value)

    def test_star(self) -> None:
        """The star of a REGISTER is no contact (RFC 3261 section 10.2.2); beside others it is malformed."""
        self.assertEqual(parse_contacts(["*"]), [])
        self.assertEqual([c.uri.user for c in parse_contacts(["<sip:a@b>, <sip:c@d>", "sip:e@f"])], ["a", "c", "e"])
        self.assertRaises(MalformedMessage, parse_contacts, ["*", "<sip:a@b>"])

    def test_time_limit(self) -> None:
        """Long runs of white space or quotes take no more than linear work."""
        for text in (" " * 8000, '"' + "\\a" * 4000, '""' * 4000 + "<", " \t" * 4000 + "<sip:a@b"):
            self.assert_refused(NameAddr, text)


class ViaTests(Refusals):
    """Via."""

    def test_whole(self) -> None:
        """All parts are read, with white space wherever the grammar has it."""
        via = Via.parse("sip / 2.0 / wss  [2001:db8::1] : 443 ; branch=z9hG4bK1;received=192.0.2.1;rport")
        self.assertEqual((via.transport, via.host, via.port), ("WSS", "[2001:db8::1]", 443))
        self.assertEqual((via.branch, via.received, via.param("rport")), ("z9hG4bK1", "192.0.2.1", ""))
        self.assertEqual(via.sent_by, "[2001:db8::1]:443")
        self.assertEqual(Via.parse("SIP/2.0/UDP h").sent_by, "h")
        self.assertEqual(Via.parse("SIP/2.0/UDP h").branch, "")

    def test_refused(self) -> None:
        """Other protocols and odd sent-by are refused."""
        self.assert_refused(
            Via,
            "",
            "SIP/2.0/UDP",
            "SIP/3.0/UDP h",
            "SIP/2.0 h",
            "SIP/2.0/UDP h:x",
            "SIP/2.0/UDP h:99999",
            "SIP/2.0/UDP [::g]",
            "SIP/2.0/UDP [1::2::3]",
            "SIP/2.0/UDP h;",
            "SIP/2.0/UDP h i",
        )

    @given(TOKENS.map(str.upper), st.integers(0, 65535) | st.none(), PARAMS)
    def test_round_trip(self, transport: str, port: int | None, params: grammar.Params) -> None:
        """Printing and parsing give the value back."""
        via = Via(transport, "h.invalid", port, params)
        self.assertEqual(Via.parse(str(via)), via)

    def test_list(self) -> None:
        """A list may be spread over fields and commas (RFC 3261 section 7.3.1); an empty element is malformed."""
        vias = parse_list(Via, ["SIP/2.0/WS a;x=1 , SIP/2.0/TCP b", "SIP/2.0/UDP c"])
        self.assertEqual([via.host for via in vias], ["a", "b", "c"])
        self.assertEqual(str(vias[0].with_param("x", "2")), "SIP/2.0/WS a;x=2")
        self.assertRaises(MalformedMessage, parse_list, Via, ["SIP/2.0/WS a,"])


class NumberTests(Refusals):
    """CSeq, RAck, Session-Expires."""

    def test_cseq(self) -> None:
        """CSeq is a number below 2**31 and a method (RFC 3261 section 8.1.1.5)."""
        self.assertEqual(CSeq.parse("0009 \t INVITE"), CSeq(9, "INVITE"))
        self.assertEqual(str(CSeq.parse(f"{MAX_SEQUENCE} X-1")), "2147483647 X-1")
        self.assert_refused(CSeq, "", "1", "INVITE", "-1 INVITE", "2147483648 INVITE", "1 IN VITE", "1INVITE")

    def test_rack(self) -> None:
        """RAck is two numbers and a method (RFC 3262 section 7.2)."""
        self.assertEqual(str(RAck.parse("776656  1 INVITE")), "776656 1 INVITE")
        self.assertEqual(RAck.parse("4294967295 1 INVITE").rseq, 2**32 - 1)
        self.assert_refused(RAck, "1 INVITE", "1 1", "4294967296 1 INVITE", "1 2147483648 INVITE")

    def test_session_expires(self) -> None:
        """Session-Expires is seconds and who refreshes (RFC 4028 section 4)."""
        self.assertEqual(SessionExpires.parse("1800 ; refresher=UAC;x=y"), SessionExpires(1800, "uac"))
        self.assertEqual(str(SessionExpires(90, "uas")), "90;refresher=uas")
        self.assertEqual(str(SessionExpires.parse("90")), "90")
        self.assert_refused(SessionExpires, "", "x", "90;", "90;refresher=me", "90;refresher", "99999999999")


class AuthTests(Refusals):
    """Challenges and credentials."""

    CHALLENGE = 'Digest realm="a \\"b\\"", nonce="n,=1", algorithm=SHA-256, stale=FALSE, qop="auth,auth-int"'

    def test_challenge(self) -> None:
        """A challenge is read with commas in quotes, and printed with quotes where they belong."""
        challenge = Challenge.parse(self.CHALLENGE.replace(", ", " ,\t"))
        self.assertEqual(challenge.scheme, "Digest")
        self.assertEqual(challenge.params["realm"], 'a "b"')
        self.assertEqual(challenge.params["qop"], "auth,auth-int")
        self.assertEqual(str(challenge), self.CHALLENGE)

    def test_credentials(self) -> None:
        """Credentials print qop, nc and userhash without quotes (RFC 7616 section 3.4), and show nothing in a log."""
        text = 'Digest username="5001", uri="sip:b", response="0123abcd", qop=auth, nc=00000001, userhash=true'
        credentials = Credentials.parse(text)
        self.assertEqual(str(credentials), text)
        self.assertNotIn("0123abcd", repr(credentials))

    def test_other_schemes(self) -> None:
        """Schemes with parameters or with none are read."""
        self.assertEqual(Challenge.parse("Negotiate"), Challenge("Negotiate", {}))
        self.assertEqual(str(Challenge.parse("Negotiate ")), "Negotiate")
        self.assertEqual(Challenge.parse('Bearer authz_server="https://x"').params, {"authz_server": "https://x"})

    def test_refused(self) -> None:
        """Odd schemes, flags, repeated and unfinished parameters are refused."""
        self.assert_refused(
            Challenge,
            "",
            'realm="x"',
            "Digest realm",
            "Digest realm=a, realm=b",
            "Digest realm=a;b=c",
            "Digest realm=a,",
            'Digest realm="a',
        )

    @given(st.dictionaries(NAMES.filter(lambda n: n not in {"algorithm", "stale"}), LINE))
    def test_round_trip(self, params: dict[str, str]) -> None:
        """Printing and parsing give the value back."""
        self.assertEqual(Challenge.parse(str(Challenge("Digest", params))), Challenge("Digest", params))


class SmallTests(Refusals):
    """Replaces, Event, Reason."""

    def test_replaces(self) -> None:
        """Replaces has both tags once (RFC 3891 section 6.1)."""
        replaces = Replaces("a@b", "1", "2", True)
        self.assertEqual(Replaces.parse("a@b ;from-tag=2; to-tag=1;early-only"), replaces)
        self.assertEqual(str(replaces), "a@b;to-tag=1;from-tag=2;early-only")
        self.assertEqual(str(Replaces.parse("a;to-tag=1;from-tag=2;x=y")), "a;to-tag=1;from-tag=2")
        self.assert_refused(
            Replaces, "", "a", ";to-tag=1;from-tag=2", "a;to-tag=1", "a;from-tag=1", "a;to-tag=1;to-tag=2;from-tag=3"
        )

    def test_event(self) -> None:
        """Event is a package with parameters (RFC 6665 section 8.2.1)."""
        event = Event.parse("Refer ;id=93809824")
        self.assertEqual((event.package, event.param("ID"), event.param("x")), ("refer", "93809824", None))
        self.assertEqual(str(event), "refer;id=93809824")
        self.assertEqual(str(Event.parse("talk")), "talk")
        self.assert_refused(Event, "", ";id=1", "a b", "talk;")

    def test_reason(self) -> None:
        """Reason is a protocol with cause and text (RFC 3326 section 2)."""
        text = 'Q.850;cause=16;text="Terminated \\"x\\""'
        self.assertEqual(Reason.parse(text), Reason("Q.850", 16, 'Terminated "x"'))
        self.assertEqual(str(Reason.parse(text)), text)
        self.assertEqual(str(Reason.parse("SIP ; x=y")), "SIP")
        both = parse_list(Reason, ['SIP;cause=200;text="a, b", Q.850;cause=16'])
        self.assertEqual([(reason.protocol, reason.cause) for reason in both], [("SIP", 200), ("Q.850", 16)])
        self.assert_refused(Reason, "", ";cause=1", "SIP;cause=x", "SIP;")


class AutoAnswerTests(SynchronousTestCase):
    """The three dialects in which a server asks for an automatic answer."""

    def delay(self, *pairs: tuple[str, str]) -> float | None:
        """Give what a message with these header fields asks for."""
        return auto_answer_delay(Message(Headers(pairs)))

    def test_call_info(self) -> None:
        """Call-Info carries answer-after in seconds."""
        self.assertEqual(self.delay(("Call-Info", "<sip:x>;answer-after=0")), 0.0)
        self.assertEqual(self.delay(("Call-Info", "<http://x/icon>;purpose=icon, <sip:x> ; Answer-After = 3")), 3.0)
        self.assertEqual(self.delay(("Call-Info", "<sip:x>"), ("Call-Info", 'sip:x;answer-after="1.5"')), 1.5)

    def test_alert_info(self) -> None:
        """Alert-Info says alert-autoanswer, perhaps with a delay, or the words."""
        self.assertEqual(self.delay(("Alert-Info", "<http://x>;info=alert-autoanswer")), 0.0)
        self.assertEqual(self.delay(("Alert-Info", '<http://x>;info="alert-autoanswer";delay=2')), 2.0)
        self.assertEqual(self.delay(("Alert-Info", "Auto Answer")), 0.0)

    def test_answer_mode(self) -> None:
        """Answer-Mode and Priv-Answer-Mode say Auto (RFC 5373 section 3)."""
        self.assertEqual(self.delay(("Answer-Mode", "Auto")), 0.0)
        self.assertEqual(self.delay(("Priv-Answer-Mode", "auto ;require")), 0.0)

    def test_none(self) -> None:
        """Anything else asks for nothing."""
        self.assertIsNone(self.delay())
        self.assertIsNone(
            self.delay(
                ("Answer-Mode", "Manual"),
                ("Answer-Mode", "Autonomous"),
                ("Call-Info", "<sip:x>;answer-after=soon"),
                ("Alert-Info", "<http://x>;info=alert-external"),
            )
        )
