"""Attack 8 by one message: header fields with as many elements as fit cost no more than those that anybody needs."""

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.sip.headers import NameAddr
from wrtcgw.sip.headers.liberal import MAX_ELEMENTS
from wrtcgw.sip.message import MAX_FLAWS, Request
from wrtcgw.sip.parser import parse

LISTS = ("P-Asserted-Identity", "Remote-Party-ID", "Contact", "Diversion", "History-Info")


def invite(name: str, *values: str) -> Request:
    """Return an INVITE with these values of a field."""
    fields = "".join(f"{name}: {value}\r\n" for value in values)
    message = parse(
        "INVITE sip:x@y SIP/2.0\r\nVia: SIP/2.0/WS x;branch=z9hG4bK1\r\nFrom: <sip:9@x>;tag=a\r\nTo: <sip:5@x>\r\n"
        f"Call-ID: c\r\nCSeq: 1 INVITE\r\n{fields}Content-Length: 0\r\n\r\n"
    )
    assert isinstance(message, Request)
    return message


class LongLists(SynchronousTestCase):
    """Lists of thousands."""

    def test_readable(self) -> None:
        """The first ones count, in one field or in several."""
        for name in LISTS:
            for share in (1, 5):
                values = [",".join(f"<sip:{number}@x>" for number in range(350))] * share
                found = invite(name, *values).read_list(name, NameAddr)
                self.assertEqual(len(found), MAX_ELEMENTS, name)
                self.assertEqual(found[0].uri.user, "0")

    def test_unreadable(self) -> None:
        """Of what cannot be read as much is looked at, and a few are named."""
        for name in LISTS:
            values = [",".join(f"a{number}" for number in range(start, start + 900)) for start in range(0, 6300, 900)]
            request = invite(name, *values)
            self.assertEqual(request.read_list(name, NameAddr), [])
            self.assertLessEqual(len(request.flaws), MAX_FLAWS)
            self.assertIn("a0", request.flaws[0])

    def test_routes(self) -> None:
        """Routes as well; no request could pass that many proxies (Max-Forwards)."""
        for element in ("<sip:p{}.example.org;lr>", "sip:p{}.example.org;lr", "x{}"):
            values = ",".join(element.format(number) for number in range(290))
            self.assertLessEqual(len(invite("Record-Route", values, values).read_routes("Record-Route")), MAX_ELEMENTS)

    def test_usual(self) -> None:
        """A registrar that lists a hundred bindings is read to the end."""
        contacts = [f"<sip:{number}@x>" for number in range(100)]
        self.assertEqual(len(invite("Contact", *contacts).read_list("Contact", NameAddr)), 100)
