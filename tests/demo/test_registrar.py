"""The demo PBX's registrar."""

from twisted.trial.unittest import SynchronousTestCase

from tests.support.tokens import CountingTokens
from wrtcgw.demo.registrar import Registrar
from wrtcgw.sip.digest import Authenticator
from wrtcgw.sip.message import Headers, Request, Response

CONTACT = "<sip:5001@phone.invalid;transport=ws>"


class RegistrarTests(SynchronousTestCase):
    """REGISTER requests and their answers."""

    def setUp(self) -> None:
        self.registrar = Registrar("example.org", {"5001": "secret", "5002": "other"}, CountingTokens("r"))
        self.phone = Authenticator("5001", "secret", CountingTokens("p"))

    def request(self, *fields: tuple[str, str], user: str = "5001") -> Request:
        """Return a REGISTER without credentials."""
        headers = Headers(
            [
                ("Via", "SIP/2.0/WS phone.invalid;branch=z9hG4bKx"),
                ("From", f"<sip:{user}@example.org>;tag=1"),
                ("To", f"<sip:{user}@example.org>"),
                ("Call-ID", "c"),
                ("CSeq", "1 REGISTER"),
                *fields,
            ]
        )
        return Request("REGISTER", "sip:example.org", headers)

    def register(self, *fields: tuple[str, str], user: str = "5001", now: float = 0.0, flow: int = 7) -> Response:
        """Register with credentials; return the final response."""
        challenged = self.registrar.register(flow, self.request(*fields, user=user), now)
        self.assertEqual(challenged.status, 401)
        answer = self.phone.answer(challenged, "REGISTER", "sip:example.org", "", False)
        assert answer is not None
        return self.registrar.register(flow, self.request(*fields, *answer, user=user), now)

    def test_binding(self) -> None:
        """A Contact is bound for as long as it asks, and answered with what is left."""
        response = self.register(("Contact", CONTACT), ("Expires", "60"))
        self.assertEqual(response.status, 200)
        self.assertEqual(response.headers.get("Contact"), f"{CONTACT};expires=60")
        binding = self.registrar.binding("5001", 59.0)
        assert binding is not None
        self.assertEqual((str(binding.contact), binding.flow), (CONTACT[1:-1], 7))
        self.assertIsNone(self.registrar.binding("5001", 60.0))

    def test_limits(self) -> None:
        """A Contact's own expiry counts before Expires; it is at most an hour, and ten minutes when not given."""
        for fields, seconds in (
            ((("Contact", f"{CONTACT};expires=30"), ("Expires", "60")), 30),
            ((("Contact", CONTACT), ("Expires", "999999")), 3600),
            ((("Contact", CONTACT),), 600),
            ((("Contact", CONTACT), ("Expires", "soon")), 600),
        ):
            response = self.register(*fields)
            self.assertEqual(response.headers.get("Contact"), f"{CONTACT};expires={seconds}")

    def test_question(self) -> None:
        """A REGISTER without Contact asks for the binding and leaves it as it is."""
        self.register(("Contact", CONTACT))
        response = self.register(now=100.0)
        self.assertEqual(response.headers.get("Contact"), f"{CONTACT};expires=500")

    def test_removal(self) -> None:
        """A binding is removed by its Contact or by the asterisk, not by another Contact."""
        for contact, left in (("<sip:x@other.invalid>", True), (CONTACT, False), ("*", False)):
            self.register(("Contact", CONTACT))
            self.assertEqual(self.register(("Contact", contact), ("Expires", "0")).status, 200)
            self.assertEqual(self.registrar.binding("5001", 0.0) is not None, left)

    def test_malformed(self) -> None:
        """An asterisk without Expires 0, or a Contact that is none, is 400."""
        self.assertEqual(self.register(("Contact", "*"), ("Expires", "5")).status, 400)
        self.assertEqual(self.register(("Contact", "<sip:x"), ("Expires", "5")).status, 400)

    def test_other_user(self) -> None:
        """Credentials are good for their own user only: 403."""
        self.assertEqual(self.register(("Contact", CONTACT), user="5002").status, 403)

    def test_stale_nonce(self) -> None:
        """Credentials on an old nonce are challenged again as stale."""
        challenged = self.registrar.register(7, self.request(), 0.0)
        answer = self.phone.answer(challenged, "REGISTER", "sip:example.org", "", False)
        assert answer is not None
        response = self.registrar.register(7, self.request(*answer), 1000.0)
        self.assertEqual(response.status, 401)
        self.assertIn("stale=true", response.headers.get("WWW-Authenticate") or "")

    def test_lost_flow(self) -> None:
        """The bindings of a lost connection are gone, those of others are not."""
        self.register(("Contact", CONTACT), flow=3)
        self.registrar.flow_lost(4)
        self.assertIsNotNone(self.registrar.binding("5001", 0.0))
        self.registrar.flow_lost(3)
        self.assertIsNone(self.registrar.binding("5001", 0.0))
