"""
The messages of RFC 4475, each with what it must yield.

The parser refuses what no layer above could use. What is well formed but makes no sense is accepted here; ``later``
says which layer decides about it and how.
"""

from collections.abc import Callable

from attrs import frozen
from twisted.trial.unittest import SynchronousTestCase

from tests.support.torture import look, names, read_message
from wrtcgw.sip.errors import MalformedMessage, RemoteViolation
from wrtcgw.sip.headers import Credentials, NameAddr, parse_list
from wrtcgw.sip.message import MalformedRequest, Request, Response
from wrtcgw.sip.parser import parse


@frozen
class Accepted:
    """A message that parses; ``fields`` maps dotted paths (see ``look``) to what stands there."""

    section: str
    fields: dict[str, object]
    later: str = ""


@frozen
class Refused:
    """A message that the parser refuses: with this status hint, a request to answer or none, for this reason."""

    section: str
    status: int
    answerable: bool
    detail: str


SDP_START = "v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2."

ACCEPTED: dict[str, Accepted] = {
    "wsinv": Accepted(
        "3.1.1.1",
        {
            "method": "INVITE",
            "request_uri.params": (("unknownparam", None),),
            "to.uri.user": "vivekg",
            "to_tag": "1918181833n",
            "from_.display_name": 'J Rosenberg \\"',
            "from_tag": "98asjd8",
            "header:Max-Forwards": ["0068"],
            "cseq.number": 9,
            "cseq.method": "INVITE",
            "header:Subject": [""],
            "header:NewFangledHeader": ["newfangled value continued newfangled value"],
            "header:UnknownHeaderWithUnusualValue": [";;,,;;,;"],
            "via.host": "192.0.2.2",
            "via.branch": "390skdjuw",
            "vias.1.transport": "TCP",
            "vias.1.branch": "z9hG4bK9ikj8",
            "vias.2.host": "192.168.255.111",
            "vias.2.branch": "z9hG4bK30239",
            "contact.display_name": 'Quoted string ""',
            "contact.param:newparam": "newvalue",
            "contact.param:secondparam": "",
            "contact.param:q": "0.33",
            "header:Route": ["<sip:services.example.com;lr;unknownwith=value;unknown-no-value>"],
        },
    ),
    "intmeth": Accepted(
        "3.1.1.2",
        {
            "method": "!interesting-Method0123456789_*+`.%indeed'~",
            "request_uri.user": "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*",
            "request_uri.password": "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)",
            "request_uri.host": "example.com",
            "via.branch": "z9hG4bK-.!%66*_+`'~",
            "to.display_name": "BEL:\x07 NUL:\x00 DEL:\x7f",
            "from_.display_name": "token1~` token2'+_ token3*%!.-",
            "from_.params.0": ("fromparam''~+*_!.-%", '"работающий"'),
            "from_tag": "_token~1'+`*%!-.",
            "call_id": "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
            "cseq.number": 139122385,
            "header:extensionHeader-!.%*+_`'~": ["\ufeff大停電"],
        },
        later="core: 501 with Allow",
    ),
    "esc01": Accepted(
        "3.1.1.3",
        {
            "request_uri.user": "sips:user@example.com",
            "request_uri.host": "example.net",
            "to.uri.user": "user",
            "from_.uri.user": "I have spaces",
            "contact.uri.user": "caller",
            "contact.uri.params": (("lr", None), ("name", "value%41")),
        },
    ),
    "escnull": Accepted(
        "3.1.1.4",
        {"to.uri.user": "null-\x00-null", "contact.uri.user": "\x00"},
        later="registrar: two bindings",
    ),
    "esc02": Accepted(
        "3.1.1.5",
        {
            "method": "RE%47IST%45R",
            "to.display_name": "%Z%45",
            "header:Contact": ["<sip:alias1@host1.example.com>", "<sip:alias3@host3.example.com>"],
            "header:C%6Fntact": ["<sip:alias2@host2.example.com>"],
        },
        later="core: 501 with Allow",
    ),
    "lwsdisp": Accepted("3.1.1.6", {"from_.display_name": "caller", "from_.uri.user": "caller", "from_tag": "323"}),
    "longreq": Accepted(
        "3.1.1.7",
        {
            "to.display_name": f"I have a user name of {'extreme' * 10} proportion",
            "to.uri.port": 6000,
            f"to.uri.param:longparam{'name' * 25}": "shortvalue",
            "from_tag": f"12{'982' * 50}424",
            "call_id": f"longreq.one{'really' * 20}longcallid",
            "via.host": "sip33.example.com",
            "vias.33.received": "192.0.2.5",
            "vias.33.branch": f"very{'long' * 50}branchvalue",
            "contact.uri.user": "amazinglylongcallername" * 5,
        },
    ),
    "dblreq": Accepted(
        "3.1.1.8",
        {"method": "REGISTER", "body": "", "contact.uri.host": "host.example.com"},
    ),
    "semiuri": Accepted("3.1.1.9", {"request_uri.user": "user;par=u@example.net", "request_uri.params": ()}),
    "transports": Accepted("3.1.1.10", {"vias.3.transport": "UNKNOWN", "vias.4.transport": "TCP"}),
    "mpart01": Accepted(
        "3.1.1.11",
        {"method": "MESSAGE", "content_type": "multipart/mixed", "sdp": None},
        later="core: 415, no text/plain part on its own",
    ),
    "unreason": Accepted("3.1.1.12", {"status": 200, "reason": "= 2**3 * 5**2 но сто девяносто девять - простое"}),
    "noreason": Accepted("3.1.1.13", {"status": 100, "reason": ""}),
    # The four that follow the RFC would refuse, and lets pass (section 3.1.2): a name or a separator decides no call.
    "badinv01": Accepted(
        "3.1.2.1",
        {"via.host": "192.0.2.15", "via.params": (), "contact.uri.user": "joe", "contact.display_name": "Joe"},
    ),
    "quotbal": Accepted("3.1.2.6", {"to.display_name": "Mr. J. User", "to.uri.user": "j.user"}),
    "badaspec": Accepted("3.1.2.14", {"to.display_name": "Watson, Thomas", "to.uri.user": "t.watson"}),
    "baddn": Accepted(
        "3.1.2.15",
        {
            "from_.display_name": "Bell, Alexander",
            "from_.uri.user": "a.g.bell",
            "from_tag": "43",
            "to.display_name": "Watson, Thomas",
        },
    ),
    "baddate": Accepted(
        "3.1.2.12",
        {"header:Date": ["Fri, 01 Jan 2010 16:00:00 EST"]},
        later="nobody reads Date, so nobody minds",
    ),
    "regbadct": Accepted(
        "3.1.2.13",
        {"header:Contact": ["sip:user@example.com?Route=%3Csip:sip.example.com%3E"]},
        later="registrar: 400 when it reads Contact (see test_contact_without_brackets); the gateway: 405",
    ),
    "badbranch": Accepted("3.2.1", {"via.branch": "z9hG4bK"}, later="transaction layer: matched like RFC 2543"),
    "unkscm": Accepted(
        "3.3.2",
        {"request_uri.scheme": "nobodyknowsthisscheme", "request_uri.host": "totallyopaquecontent"},
        later="core: 416",
    ),
    "novelsc": Accepted(
        "3.3.3", {"request_uri.scheme": "soap.beep", "request_uri.host": "//192.0.2.103:3002"}, later="core: 416"
    ),
    "unksm2": Accepted(
        "3.3.4",
        {"to.uri.scheme": "isbn", "from_.uri.scheme": "http", "contact.uri.scheme": "name"},
        later="registrar: 400, no SIP address of record; the gateway: 405",
    ),
    "bext01": Accepted(
        "3.3.5",
        {"header:Require": ["nothingSupportsThis, nothingSupportsThisEither"]},
        later="core: 420 with Unsupported",
    ),
    "invut": Accepted("3.3.6", {"content_type": "application/unknownformat", "sdp": None}, later="core: 415"),
    "regaut01": Accepted(
        "3.3.7",
        {"header:Authorization": ["NoOneKnowsThisScheme opaque-data=here"]},
        later="registrar: 401; the gateway: 405",
    ),
    "bcast": Accepted(
        "3.3.10",
        {"status": 200, "vias.1.host": "255.255.255.255"},
        later="transaction layer: matches none of ours, dropped",
    ),
    "zeromf": Accepted("3.3.11", {"header:Max-Forwards": ["0"]}, later="none: a user agent does not forward"),
    "cparam01": Accepted("3.3.12", {"contact.params": (("unknownparam", None),), "contact.uri.params": ()}),
    "cparam02": Accepted("3.3.13", {"contact.params": (), "contact.uri.params": (("unknownparam", None),)}),
    "regescrt": Accepted("3.3.14", {"contact.uri.headers": (("Route", "<sip:sip.example.com>"),)}),
    "sdp01": Accepted(
        "3.3.15", {"header:Accept": ["text/nobodyKnowsThis"]}, later="core: 406, or answers all the same"
    ),
    "inv2543": Accepted(
        "3.4.1", {"via.branch": "", "from_tag": "", "to.uri.param:user": None, "to.param:user": "phone"}
    ),
}

REFUSED: dict[str, Refused] = {
    "clerr": Refused("3.1.2.2", 400, True, "Content-Length 9999"),
    "ncl": Refused("3.1.2.3", 400, True, "Content-Length '-999'"),
    "scalar02": Refused("3.1.2.4", 400, True, "not a number up to 2147483647"),
    "scalarlg": Refused("3.1.2.5", 400, False, "not a number up to 2147483647"),
    "ltgtruri": Refused("3.1.2.7", 400, True, "malformed request line"),
    "lwsruri": Refused("3.1.2.8", 400, True, "malformed request line"),
    "lwsstart": Refused("3.1.2.9", 400, True, "malformed request line"),
    "trws": Refused("3.1.2.10", 400, True, "malformed request line"),
    "escruri": Refused("3.1.2.11", 400, True, "headers in the Request-URI"),
    "badvers": Refused("3.1.2.16", 505, True, "version SIP/7.0"),
    "mismatch01": Refused("3.1.2.17", 400, True, "INVITE in the CSeq of OPTIONS"),
    "mismatch02": Refused("3.1.2.18", 400, True, "INVITE in the CSeq of NEWMETHOD"),
    "bigcode": Refused("3.1.2.19", 400, False, "neither request nor response"),
    # Without From, To and Call-ID there is nothing to put into a response: dropped, where the RFC would like a 400.
    "insuf": Refused("3.3.1", 400, False, "missing"),
    "multi01": Refused("3.3.8", 400, True, "more than one from"),
    "mcl01": Refused("3.3.9", 400, True, "more than one content-length"),
    # In the archive, but not in the text: an INVITE without version.
    "test": Refused("A", 400, False, "neither request nor response"),
}


class TortureTests(SynchronousTestCase):
    """All messages of RFC 4475; the methods for the single ones are put in below."""

    def test_complete(self) -> None:
        """Every file is in exactly one of the tables, and the 49 messages of the RFC are all there."""
        self.assertEqual(set(ACCEPTED) | set(REFUSED), names("torture"))
        self.assertEqual(len(ACCEPTED) + len(REFUSED), 49 + 1)

    def test_bodies(self) -> None:
        """Bodies are framed by Content-Length, binary parts byte by byte, and by the end of the message without it."""
        part = parse(read_message("torture", "mpart01"))
        assert isinstance(part, Request)
        raw = part.body.encode("utf-8", "surrogateescape")
        self.assertEqual(len(raw), 553)
        self.assertIn(bytes.fromhex("3082015206092a864886f70d010702a08201433082013f02"), raw)
        for name in ("wsinv", "esc01", "inv2543", "unreason"):
            message = parse(read_message("torture", name))
            assert isinstance(message, Request | Response)
            self.assertTrue((message.sdp() or "").startswith(SDP_START), name)

    def test_contact_without_brackets(self) -> None:
        """A bare Contact URI with headers is refused by whoever reads it (RFC 4475 section 3.1.2.13)."""
        message = parse(read_message("torture", "regbadct"))
        assert isinstance(message, Request)
        with self.assertRaises(RemoteViolation) as caught:
            _ = message.contact
        self.assertEqual(caught.exception.status_hint, 400)

    def test_contact_lists(self) -> None:
        """The two escaped contacts of escnull stay two (RFC 4475 section 3.1.1.4)."""
        message = parse(read_message("torture", "escnull"))
        assert isinstance(message, Request)
        contacts = parse_list(NameAddr, message.headers.get_all("Contact"))
        self.assertEqual([contact.uri.user for contact in contacts], ["\x00", "\x00\x00"])

    def test_unknown_credentials(self) -> None:
        """Credentials of an unknown scheme can be read (RFC 4475 section 3.3.7)."""
        message = parse(read_message("torture", "regaut01"))
        assert isinstance(message, Request)
        credentials = Credentials.parse(message.headers.get("Authorization") or "")
        self.assertEqual((credentials.scheme, credentials.params), ("NoOneKnowsThisScheme", {"opaque-data": "here"}))


def _accepted_test(name: str, case: Accepted) -> Callable[[TortureTests], None]:
    """Make the test of one accepted message."""

    def test(self: TortureTests) -> None:
        message = parse(read_message("torture", name))
        assert isinstance(message, Request | Response)
        self.assertEqual({path: look(message, path) for path in case.fields}, case.fields)
        printed = message.to_text()
        again = parse(printed)
        assert isinstance(again, Request | Response)
        self.assertEqual(again.to_text(), printed)
        self.assertEqual({path: look(again, path) for path in case.fields}, case.fields)

    test.__doc__ = f"{name} is accepted (RFC 4475 section {case.section})."
    return test


def _refused_test(name: str, case: Refused) -> Callable[[TortureTests], None]:
    """Make the test of one refused message."""

    def test(self: TortureTests) -> None:
        with self.assertRaises(MalformedMessage) as caught:
            parse(read_message("torture", name))
        error = caught.exception
        self.assertEqual((error.status_hint, isinstance(error, MalformedRequest)), (case.status, case.answerable))
        self.assertIn(case.detail, error.detail)
        if isinstance(error, MalformedRequest):
            answer = error.request.response(error.status_hint, to_tag="t1").to_text()
            self.assertTrue(answer.startswith(f"SIP/2.0 {case.status} "))
            self.assertEqual([answer.count(f"\r\n{copied}: ") for copied in ("From", "To", "Call-ID", "CSeq")], [1] * 4)

    test.__doc__ = f"{name} is refused (RFC 4475 section {case.section})."
    return test


for _name, _accepted in ACCEPTED.items():
    setattr(TortureTests, f"test_{_name}", _accepted_test(_name, _accepted))
for _name, _refused in REFUSED.items():
    setattr(TortureTests, f"test_{_name}", _refused_test(_name, _refused))
