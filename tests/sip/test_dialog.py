"""Dialogs: whom their requests go to and by which way, and which requests are in order."""

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.sip.dialog import Dialog, DialogState, route_values
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.parser import parse

KAMAILIO = (
    "<sip:192.0.2.10;r2=on;lr;ftag=a>",
    "<sip:192.0.2.10:8443;transport=ws;r2=on;lr;ftag=a;alias=192.0.2.99~4711~6>",
)
"""The two Record-Routes of a proxy between two transports."""


def request_text(*fields: str, method: str = "INVITE", cseq: int = 7) -> Request:
    """Return a request with a few fields more than it must have."""
    lines = (
        f"{method} sip:bob@b.invalid SIP/2.0",
        "Via: SIP/2.0/WS a.invalid;branch=z9hG4bK1",
        'From: "A" <sip:alice@example.org>;tag=a',
        "To: <sip:bob@example.org>",
        "Call-ID: c1",
        f"CSeq: {cseq} {method}",
        *fields,
        "",
        "",
    )
    message = parse("\r\n".join(lines))
    assert isinstance(message, Request)
    return message


def response_to(request: Request, *fields: str, status: int = 200, tag: str = "b") -> Response:
    """Return a response with a few fields more than it must have."""
    made = request.response(status, None, tag)
    for field in fields:
        name, _, value = field.partition(": ")
        made.headers.add(name, value)
    return made


def uac(*fields: str) -> Dialog:
    """Return the dialog of a caller whose 200 has these fields."""
    request = request_text()
    return Dialog.as_uac(request, response_to(request, *fields), 3)


def uas(*fields: str) -> Dialog:
    """Return the dialog of a callee whose INVITE has these fields."""
    return Dialog.as_uas(request_text(*fields), "b", 3)


class MadeTests(SynchronousTestCase):
    """What a dialog takes from the messages that make it (RFC 3261 section 12.1)."""

    def test_caller(self) -> None:
        """The caller's tag is local, its CSeq goes on, and the peer's CSeq is unknown."""
        dialog = uac("Contact: <sip:bob@192.0.2.7:5070>", "Allow: INVITE, update")
        self.assertEqual(dialog.key, ("c1", "a", "b"))
        self.assertEqual((dialog.local_cseq, dialog.remote_cseq, dialog.flow), (7, None, 3))
        self.assertEqual(dialog.remote_target, "sip:bob@192.0.2.7:5070")
        self.assertEqual(dialog.peer_allows, "INVITE, UPDATE")
        self.assertIs(dialog.state, DialogState.EARLY)

    def test_callee(self) -> None:
        """The callee's tag is local, the CSeq of the INVITE is the peer's, its own begin anew."""
        dialog = uas("Contact: <sip:alice@192.0.2.7>")
        self.assertEqual(dialog.key, ("c1", "b", "a"))
        self.assertEqual((dialog.local_cseq, dialog.remote_cseq), (0, 7))
        self.assertEqual(dialog.local, "<sip:bob@example.org>;tag=b")
        self.assertEqual(dialog.remote, '"A" <sip:alice@example.org>;tag=a')

    def test_without_contact(self) -> None:
        """A peer that names no Contact is reached where it was called, or where its From says."""
        self.assertEqual(uac().remote_target, "sip:bob@b.invalid")
        self.assertEqual(uas().remote_target, "sip:alice@example.org")

    def test_contacts(self) -> None:
        """Contacts without a port, with IPv6, with parameters and bare are kept as they are; headers are not."""
        for contact, target in (
            ("<sip:bob@192.0.2.7>", "sip:bob@192.0.2.7"),
            ("<sip:bob@[2001:db8::9]:5061;transport=tcp>;expires=5", "sip:bob@[2001:db8::9]:5061;transport=tcp"),
            (
                "<sip:bob@h.invalid;transport=ws;alias=192.0.2.9~1~5>",
                "sip:bob@h.invalid;transport=ws;alias=192.0.2.9~1~5",
            ),
            ("sip:bob@192.0.2.7", "sip:bob@192.0.2.7"),
            ("<sip:bob@192.0.2.7?X-Evil=1>", "sip:bob@192.0.2.7"),
        ):
            self.assertEqual(uac(f"Contact: {contact}").remote_target, target)

    def test_malformed(self) -> None:
        """What of Contact and Record-Route cannot be read is left out; a 2xx does not take what a 180 has told."""
        for field, target, routes in (
            ("Contact: <nonsense>", "sip:bob@b.invalid", []),
            ("Record-Route: nonsense", "sip:bob@b.invalid", []),
            ("Record-Route: <sip:a;lr>, <", "sip:bob@b.invalid", ["<sip:a;lr>"]),
            ("Contact: <sip:b@192.0.2.7>;", "sip:b@192.0.2.7", []),
        ):
            dialog = uac(field)
            self.assertEqual((dialog.remote_target, [*dialog.route_set]), (target, routes), field)
            self.assertEqual([*uas(field).route_set], routes)
            request = request_text()
            early = response_to(request, "Contact: <sip:b@192.0.2.9>", "Record-Route: <sip:p;lr>", status=180)
            dialog = Dialog.as_uac(request, early, 0)
            dialog.confirm(response_to(request, field))
            self.assertEqual(dialog.remote_target, target if "@192" in target else "sip:b@192.0.2.9")
            kept = ["<sip:p;lr>"] if "nonsense" in field and "Route" in field else routes
            self.assertEqual([*dialog.route_set], kept, field)


class RouteTests(SynchronousTestCase):
    """The route set (RFC 3261 sections 12.1 and 12.2.1.1)."""

    def routes(self, dialog: Dialog, method: str = "BYE") -> tuple[str, list[str]]:
        """Return Request-URI and Routes of a request inside the dialog."""
        request = dialog.request(method)
        return request.uri, request.headers.get_all("Route")

    def test_values(self) -> None:
        """Entries over several fields, over commas in one, or both come out one by one."""
        self.assertEqual(route_values(()), [])
        self.assertEqual(route_values(["<sip:a;lr>"]), ["<sip:a;lr>"])
        self.assertEqual(
            route_values(["<sip:a;lr>,<sip:b;x=%2C;lr>", '"x,y" <sip:c;lr>']),
            ["<sip:a;lr>", "<sip:b;x=%2C;lr>", '"x,y" <sip:c;lr>'],
        )

    def test_kamailio(self) -> None:
        """Double Record-Routes keep both entries with all their parameters, for the caller in reverse order."""
        contact = "Contact: <sip:far@192.0.2.7>"
        fields = (f"Record-Route: {', '.join(KAMAILIO)}", contact)
        self.assertEqual(self.routes(uas(*fields)), ("sip:far@192.0.2.7", list(KAMAILIO)))
        self.assertEqual(self.routes(uac(*fields)), ("sip:far@192.0.2.7", list(reversed(KAMAILIO))))

    def test_no_routes(self) -> None:
        """Without Record-Route the request has no Route, and goes to the Contact."""
        self.assertEqual(self.routes(uac("Contact: <sip:far@192.0.2.7>")), ("sip:far@192.0.2.7", []))

    def test_strict(self) -> None:
        """A first route without lr becomes the Request-URI, the remote target the last Route."""
        dialog = uas("Record-Route: <sip:s@192.0.2.8?x=y>", "Record-Route: <sip:p2;lr>", "Contact: <sip:far@192.0.2.7>")
        self.assertEqual(self.routes(dialog), ("sip:s@192.0.2.8", ["<sip:p2;lr>", "<sip:far@192.0.2.7>"]))

    def test_strict_behind_loose(self) -> None:
        """A route without lr further behind is the business of the proxy before it."""
        dialog = uas("Record-Route: <sip:p1;lr>, <sip:p2>", "Contact: <sip:far@192.0.2.7>")
        self.assertEqual(self.routes(dialog), ("sip:far@192.0.2.7", ["<sip:p1;lr>", "<sip:p2>"]))

    def test_recomputed_by_2xx(self) -> None:
        """The 2xx decides on the route set, also when it takes routes away (RFC 3261 section 13.2.2.4)."""
        request = request_text()
        dialog = Dialog.as_uac(request, response_to(request, "Record-Route: <sip:early;lr>", status=180), 0)
        self.assertEqual(self.routes(dialog)[1], ["<sip:early;lr>"])
        dialog.confirm(response_to(request, "Record-Route: <sip:late;lr>"))
        self.assertEqual(self.routes(dialog)[1], ["<sip:late;lr>"])
        self.assertIs(dialog.state, DialogState.CONFIRMED)
        dialog.confirm(response_to(request))
        self.assertEqual(self.routes(dialog)[1], [])

    def test_target_refresh(self) -> None:
        """A later Contact moves the remote target and leaves the route set (RFC 3261 section 12.2)."""
        dialog = uas("Record-Route: <sip:p;lr>", "Contact: <sip:far@192.0.2.7>")
        dialog.learn(request_text("Record-Route: <sip:other;lr>", "Contact: <sip:far@192.0.2.77>"))
        self.assertEqual(self.routes(dialog), ("sip:far@192.0.2.77", ["<sip:p;lr>"]))
        dialog.learn(request_text("Contact: *"))
        self.assertEqual(self.routes(dialog)[0], "sip:far@192.0.2.77")


class SequenceTests(SynchronousTestCase):
    """CSeq, in both directions (RFC 3261 section 12.2)."""

    def test_ours(self) -> None:
        """Each request has the next number; an ACK has that of its INVITE."""
        dialog = uac()
        numbers = [dialog.request("INFO").cseq.number, dialog.request("ACK", cseq=7).cseq.number, dialog.next_cseq()]
        self.assertEqual(numbers, [8, 7, 9])

    def test_fields(self) -> None:
        """A request has our tag in From, the peer's in To, and the Call-ID."""
        request = uas().request("INFO")
        self.assertEqual((request.from_tag, request.to_tag, request.call_id), ("b", "a", "c1"))
        self.assertEqual(request.headers.get("Max-Forwards"), "70")

    def test_theirs(self) -> None:
        """Numbers must rise; gaps are fine; the first one of a callee is taken as it is."""
        dialog = uac()
        self.assertTrue(dialog.in_order(request_text(cseq=5)))
        self.assertFalse(dialog.in_order(request_text(cseq=5)))
        self.assertFalse(dialog.in_order(request_text(cseq=4)))
        self.assertTrue(dialog.in_order(request_text(cseq=50)))
        self.assertFalse(uas().in_order(request_text(cseq=7)))
