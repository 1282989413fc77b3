"""Who calls, whom, and over whom: what header fields make of it."""

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.sip.identity import (
    WITHHELD,
    Diversion,
    Party,
    asserted_identity,
    called_of,
    caller_of,
    changed_identity,
    diversions_of,
    identity_of,
)
from wrtcgw.sip.message import Headers, Request

BOB = '"Bob" <sip:1001@far.example.com>;tag=b'


def request(*fields: tuple[str, str], from_: str = BOB, to: str = "<sip:5001@example.org>") -> Request:
    """Return an INVITE."""
    return Request("INVITE", "sip:5001@gw.invalid", Headers([("From", from_), ("To", to), *fields]))


class Callers(SynchronousTestCase):
    """Who a request says that it is from."""

    def party(self, *fields: tuple[str, str], from_: str = BOB) -> Party:
        """Return who it is for a page."""
        return identity_of(request(*fields, from_=from_)).shown(private=False)

    def test_from(self) -> None:
        """Without an assertion it is From, in whatever form."""
        self.assertEqual(self.party(), Party("1001", "Bob"))
        self.assertEqual(self.party(from_="<tel:+1-201-555-0123>;tag=x"), Party("+12015550123"))
        verified = "<sip:+14155551212;verstat=TN-Validation-Passed@far.example.com;user=phone>;tag=x"
        self.assertEqual(self.party(from_=verified), Party("+14155551212", "", "TN-Validation-Passed"))

    def test_disguised(self) -> None:
        """What cannot be seen, and what turns the writing around, is in no name; in a number it stands escaped."""
        for name, shown in (
            ("\u202e5002 knaB\u202c", "5002 knaB"),
            ("\u2066A\u2069\u2067da\u2068\u200f\u200e\u061c", "Ada"),
            ("B\u200bo\u200cb\u200d\u2060\ufeff\u00ad", "Bob"),
            ("A\x07B\x1b[31m\x7f\x85C\u2028D", "A B [31m  C D"),
            ("\u3164\u115f\u034f \U000e0041", ""),
            (
                "J\udcfcrgen \u00e9\u65e5\u672c \u05e9\u05dc\u05d5\u05dd \U0001f600",
                "J\udcfcrgen \u00e9\u65e5\u672c \u05e9\u05dc\u05d5\u05dd \U0001f600",
            ),
        ):
            for form in (f'"{name}" <sip:1001@a>;tag=b', f"{name} <sip:1001@a>;tag=b"):
                self.assertEqual(self.party(from_=form), Party("1001", shown), form)
                asserted = form.replace("1001@a>;tag=b", "2002@a>")
                self.assertEqual(self.party(("P-Asserted-Identity", asserted)).display_name, shown)
        for user, number in (
            ("%E2%80%AE2005", "%E2%80%AE2005"),
            ("5002%00", "5002%00"),
            ("50%C2%8502", "50%C2%8502"),
            ("5002%0A", "5002%0A"),
            ("5002%1F;verstat=x", "5002%1F;verstat=x"),
            ("j%C3%BCrgen", "j\u00fcrgen"),
        ):
            party = self.party(from_=f"<sip:{user}@a>;tag=b")
            self.assertEqual((party.number, party.is_callable), (number, "%" not in number))
        self.assertEqual(called_of(request(to="<sip:%E2%80%8B5001@a>")), "%E2%80%8B5001")
        diverted = request(("Diversion", "<sip:%E2%81%A65001@a>"))
        self.assertEqual([each.number for each in diversions_of(diverted)], ["%E2%81%A65001"])

    def test_nobody(self) -> None:
        """An address without a user, or a number without a digit, is nobody to call, whatever header field it is in."""
        for nobody, told in (
            ("sip:@host", "sip:host"),
            ("sip:@host:5060;user=phone", "sip:host:5060;user=phone"),
            ("sip::secret@host", "sip:host"),
            ("sip: @host", "sip:host"),
            ("sip:%20@host", "sip:%20@host"),
            ("sip:@", "anonymous"),
            ("sips:", "anonymous"),
            ("@host", "anonymous"),
            (":@host", "anonymous"),
            ("", "anonymous"),
            ("tel:", "anonymous"),
            ("tel: ", "anonymous"),
            ("tel:+", "tel:+"),
            ("tel:--", "tel:--"),
            ("tel:;phone-context=example.org", "tel:;phone-context=example.org"),
            ("sip:-@host", "-"),
            ("sip:+@host", "+"),
            ("sip:anonymous@anonymous.invalid", "anonymous"),
        ):
            with self.subTest(nobody=nobody):
                party = self.party(from_=f'"Ann" <{nobody}>;tag=x')
                self.assertEqual((party.number, party.display_name, party.is_callable), (told, "Ann", False))
                if not nobody.endswith(".invalid"):
                    for name in ("P-Asserted-Identity", "Remote-Party-ID"):
                        self.assertEqual(self.party((name, f"<{nobody}>")), Party("1001", "Bob"))
                    called = request(("P-Called-Party-ID", f"<{nobody}>"), to="<sip:2001@a>")
                    self.assertEqual(called_of(called), "2001")
        for somebody in ("*", "#", "a", "\u00fc"):
            self.assertTrue(self.party(from_=f"<sip:{somebody}@host>;tag=x").is_callable, somebody)

    def test_assertion(self) -> None:
        """The network's word goes before From, if it is about someone and can be read."""
        for fields, party in (
            ([("P-Asserted-Identity", '"Ann" <sip:2001@far.example.com>')], Party("2001", "Ann")),
            ([("P-Asserted-Identity", "<sip:pbx.example.com>")], Party("1001", "Bob")),
            ([("P-Asserted-Identity", "<sip:pbx.example.com>, <tel:+49-30-1>")], Party("+49301")),
            ([("P-Asserted-Identity", "<<>"), ("P-Asserted-Identity", "<sip:2001@a>")], Party("2001")),
            ([("P-Asserted-Identity", '"no end')], Party("1001", "Bob")),
            ([("P-Asserted-Identity", "<sip:1001@trusted.example.com>")], Party("1001", "Bob")),
            ([("Remote-Party-ID", '"Ann" <sip:2001@a>;party=calling;screen=no')], Party("2001", "Ann")),
            ([("P-Asserted-Identity", "Lee, Ann, Dr. <sip:2001@a>, <tel:+1>")], Party("2001", "Lee, Ann, Dr.")),
            ([("P-Asserted-Identity", "nonsense, <sip:2001@a>")], Party("2001")),
            ([("Remote-Party-ID", "Lee, Ann <sip:2001@a;>;privacy=off;")], Party("2001", "Lee, Ann")),
            ([("Remote-Party-ID", "<sip:3001@a>"), ("P-Asserted-Identity", "<sip:2001@a>")], Party("2001")),
        ):
            self.assertEqual(self.party(*fields), party, fields)

    def test_verification_of_the_same_number(self) -> None:
        """What From says of the number that is asserted counts, not what it says of another one."""
        checked = "<sip:+1415;verstat=TN-Validation-Passed@a>;tag=x"
        self.assertEqual(
            self.party(("P-Asserted-Identity", "<tel:+1415>"), from_=checked).verstat, "TN-Validation-Passed"
        )
        self.assertEqual(self.party(("P-Asserted-Identity", "<tel:+1416>"), from_=checked).verstat, "")

    def test_privacy(self) -> None:
        """Who wants to be unknown is unknown, wherever it is named."""
        jane = ("P-Asserted-Identity", '"Jane Doe" <sip:+4930123456@example.org>')
        for value in ("id", "user", "header", "header;critical", "critical; ID", "id,user", "none;id"):
            self.assertEqual(self.party(jane, ("Privacy", value)), WITHHELD, value)
            self.assertEqual(self.party(("Privacy", value)), WITHHELD, value)
        for value in ("none", "critical", "session", "history", ""):
            self.assertEqual(self.party(jane, ("Privacy", value)), Party("+4930123456", "Jane Doe"), value)
        hidden = identity_of(request(jane, ("Privacy", "id")))
        self.assertEqual(hidden.shown(private=True), Party("+4930123456", "Jane Doe"))

    def test_privacy_of_remote_party_id(self) -> None:
        """Remote-Party-ID has its own word for it."""
        value = '"Ann" <sip:2001@a>;privacy='
        for privacy, party in (
            ("full", WITHHELD),
            ("uri", WITHHELD),
            ("name", Party("2001")),
            ("off", Party("2001", "Ann")),
            ("FULL;screen=yes", WITHHELD),
            ("full-network", WITHHELD),
            ('"name,uri"', WITHHELD),
            ("name-network", Party("2001")),
        ):
            self.assertEqual(self.party(("Remote-Party-ID", value + privacy)), party)
            asserted = "P-Asserted-Identity", '"Ann" <sip:2001@b>'
            self.assertEqual(self.party(asserted, ("Remote-Party-ID", value + privacy)), party)

    def test_remote_party_id_of_the_callee(self) -> None:
        """Outside of a call a Remote-Party-ID may be about the callee; inside it is always about the sender."""
        callee = "Remote-Party-ID", '"Me" <sip:5001@a>;party=Called;privacy=full'
        self.assertEqual(self.party(callee), Party("1001", "Bob"))
        self.assertEqual(caller_of(request(callee)).uri.user, "1001")
        self.assertEqual(self.party(callee, ("Remote-Party-ID", "<sip:7@a>;party=calling")), Party("7"))
        told = asserted_identity(request(callee))
        assert told is not None
        self.assertEqual(told.shown(private=False), WITHHELD)


class Connected(SynchronousTestCase):
    """Who a message inside a call says that the call is connected to."""

    def test_nothing(self) -> None:
        """Most say nothing, and From is what it was."""
        self.assertIsNone(asserted_identity(request()))
        self.assertIsNone(asserted_identity(request(("P-Asserted-Identity", "<sip:pbx.example.com>"))))

    def test_from_change(self) -> None:
        """From may change where the peer says that it means it."""
        knows = ("Supported", "timer, from-change")
        before = Party("1002", "Al")
        self.assertIsNone(changed_identity(request(), before))
        self.assertIsNone(changed_identity(request(knows), Party("1001", "Bob")))
        changed = changed_identity(request(knows), before)
        assert changed is not None
        self.assertEqual(changed.party, Party("1001", "Bob"))


class Called(SynchronousTestCase):
    """Whom the caller has dialled."""

    def test_called(self) -> None:
        """To says so, but P-Called-Party-ID says it better."""
        self.assertEqual(called_of(request(to="<sip:+49800555@example.org>")), "+49800555")
        self.assertEqual(called_of(request(to="<tel:+49-800-555>")), "+49800555")
        self.assertEqual(called_of(request(("P-Called-Party-ID", "<sip:0800@example.org>"))), "0800")
        self.assertEqual(called_of(request(("P-Called-Party-ID", "<<"))), "5001")


class Diversions(SynchronousTestCase):
    """Over whom the call came."""

    def shown(self, *fields: tuple[str, str], private: bool = False) -> list[tuple[str, str]]:
        """Return the diverters and their reasons."""
        return [diversion.shown(private=private) for diversion in diversions_of(request(*fields))]

    def test_diversion(self) -> None:
        """The topmost element is the last diverter; a reason that is missing is unknown."""
        fields = (
            ("Diversion", '<sip:3@a>;reason="no-answer", <tel:+49-2>;reason=User-Busy;counter=1'),
            ("Diversion", '"One" <sip:+491;x=y@a;user=phone>;privacy=off'),
        )
        self.assertEqual(self.shown(*fields), [("+491", "unknown"), ("+492", "user-busy"), ("3", "no-answer")])

    def test_unreadable(self) -> None:
        """One that cannot be read hides no other."""
        self.assertEqual(self.shown(("Diversion", "<sip:1@a>;reason=away, <<, ")), [("1", "away")])
        self.assertEqual(self.shown(("Diversion", '"x')), [])

    def test_history(self) -> None:
        """In History-Info the diverter stands before the entry with the cause, or is named by it."""
        value = "<sip:1@a>;index=1, <sip:2@a;cause=302>;index=1.1, <sip:3@a;cause=486>;index=1.1.1"
        self.assertEqual(self.shown(("History-Info", value)), [("1", "unconditional"), ("2", "user-busy")])
        named = "<sip:1@a>;index=1, <sip:2@a>;index=1.1;np=1, <sip:3@a;cause=408>;index=1.2;mp=1"
        self.assertEqual(self.shown(("History-Info", named)), [("1", "no-answer")])
        routed = "<sip:1@a>;index=1, <sip:1@b>;index=1.1"
        self.assertEqual(self.shown(("History-Info", routed)), [])

    def test_old_history(self) -> None:
        """Older peers give the Reason with the diverter's own entry."""
        value = "<sip:1@a?Reason=SIP%3Bcause%3D302%3Btext%3D%22Moved%22>;index=1, <sip:2@a>;index=1.1"
        self.assertEqual(self.shown(("History-Info", value)), [("1", "unconditional")])

    def test_both(self) -> None:
        """A diverter that both tell of is told once, with the order of the longer list."""
        history = "<sip:1@a>;index=1, <sip:2@a;cause=302>;index=1.1, <sip:3@a;cause=486>;index=1.1.1"
        fields = ("History-Info", history), ("Diversion", "<sip:2@a>;reason=user-busy")
        self.assertEqual(self.shown(*fields), [("1", "unconditional"), ("2", "user-busy")])

    def test_privacy(self) -> None:
        """A diverter who wants to be unknown is."""
        diversion = ("Diversion", "<sip:1@a>;reason=away;privacy=full")
        self.assertEqual(self.shown(diversion), [("anonymous", "away")])
        self.assertEqual(self.shown(diversion, private=True), [("1", "away")])
        history = "<sip:1@a{}>;index=1, <sip:2@a;cause=302>;index=1.1"
        own = ("History-Info", history.format("?Privacy=history"))
        self.assertEqual(self.shown(own), [("anonymous", "unconditional")])
        whole = ("History-Info", history.format("")), ("Privacy", "history")
        self.assertEqual(self.shown(*whole), [("anonymous", "unconditional")])

    def test_bound(self) -> None:
        """A loop's worth of diverters is cut."""
        value = ", ".join(f"<sip:{number}@a>" for number in range(200))
        self.assertEqual(len(diversions_of(request(("Diversion", value)))), 20)
        self.assertEqual(Diversion("1").reason, "unknown")
