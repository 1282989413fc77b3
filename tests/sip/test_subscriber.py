"""Numbers as people write them, and what people call an address."""

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.sip.subscriber import dialled, is_escapable, is_user, read_user, subscriber, verification, written
from wrtcgw.sip.uri import URI


class Dialled(SynchronousTestCase):
    """The number that a text is."""

    def test_numbers(self) -> None:
        """What only helps the eye is left out."""
        for text, number in (
            ("0800 1234", "08001234"),
            ("+1-201-555-0123", "+12015550123"),
            ("+1 (201) 555.0123", "+12015550123"),
            ("030/123 45-67", "0301234567"),
            ("+49\u00a030\u2013123", "+4930123"),
            ("\t030123 ", "030123"),
            ("*97", "*97"),
            ("#21#", "#21#"),
            ("*21*0800 1234#", "*21*08001234#"),
        ):
            self.assertEqual(dialled(text), number, text)

    def test_trunk_prefix(self) -> None:
        """The national prefix is not dialled behind a country code, but where it is a digit of the number (Italy)."""
        for text, number in (
            ("+49 (0)30 123", "+4930123"),
            ("0049 (0) 30 123", "004930123"),
            ("+44(0)20 7946 0000", "+442079460000"),
            ("+39 (0)6 698", "+3906698"),
            ("(0)30 123", "030123"),
            ("5001 (0)", "50010"),
        ):
            self.assertEqual(dialled(text), number, text)

    def test_names(self) -> None:
        """What has letters, or no digit, is no number."""
        for text in ("", "john.doe", "agent-5", "*", "()", "0800-FLOWERS", "+", "1+2", "10\u202e03", "\uff11"):
            self.assertEqual(dialled(text), "", text)

    def test_parameters(self) -> None:
        """Parameters of a telephone-subscriber are apart from its number."""
        number, params = subscriber("+1-201-555-0123;ext=5;Verstat=No-TN-Validation;npdi")
        self.assertEqual(number, "+12015550123")
        self.assertEqual(params, (("ext", "5"), ("verstat", "No-TN-Validation"), ("npdi", None)))


class Written(SynchronousTestCase):
    """What people call an address."""

    def test_addresses(self) -> None:
        """A number without scheme and parameters, else the user, else all of it."""
        for uri, text in (
            ("tel:+1-201-555-0123", "+12015550123"),
            ("tel:863-1234;phone-context=+1-914-555", "8631234"),
            ("tel:%2B49-30", "+4930"),
            ("sip:+14155551212;verstat=TN-Validation-Passed@far.example.com;user=phone", "+14155551212"),
            ("sip:+1-201-555-0123@far.example.com;user=phone", "+12015550123"),
            ("sip:1001;phone-context=example.com@far.example.com", "1001"),
            ("sip:alice@far.example.com", "alice"),
            ("sip:alice;day=tuesday@far.example.com", "alice;day=tuesday"),
            ("sip:alice%40corp@far.example.com", "alice@corp"),
            ("sip:%2321%23@far.example.com", "#21#"),
            ("sip:far.example.com", "sip:far.example.com"),
            ("urn:service:sos", "urn:service:sos"),
        ):
            self.assertEqual(written(URI.parse(uri)), text, uri)

    def test_verification(self) -> None:
        """The network's word on the number is found where networks put it."""
        for uri in (
            "tel:+1415;verstat=TN-Validation-Passed",
            "sip:+1415;verstat=TN-Validation-Passed@a.example;user=phone",
            "sip:+1415@a.example;user=phone;verstat=TN-Validation-Passed",
        ):
            self.assertEqual(verification(URI.parse(uri)), "TN-Validation-Passed")
        self.assertEqual(verification(URI.parse("sip:+1415@a.example")), "")


class Users(SynchronousTestCase):
    """Users as they stand, and escaped."""

    def test_as_they_stand(self) -> None:
        """No delimiter, no blank, no look-alike of a digit."""
        for user in ("alice", "j\u00fcrgen", "*97", "a&b=c", "5001"):
            self.assertTrue(is_user(user), user)
        for user in ("", "a b", "a@b", "a;b", "\uff11", "a\u202eb", "x" * 129, "a\udcfc"):
            self.assertFalse(is_user(user), user)

    def test_escaped(self) -> None:
        """Escapes stand for what could not stand there by itself, but for what controls anything."""
        for text, user in (("alice%40corp", "alice@corp"), ("J%FCrgen", "J\udcfcrgen"), ("a%20b", "a b"), ("5", "5")):
            self.assertEqual(read_user(text), user)
        for text in ("a%0d%0ab", "a%00", "%E2%80%AE", "a%4", "a@b%40", "a%3Cb", "", "%EF%BC%91"):
            self.assertEqual(read_user(text), "", text)
        self.assertFalse(is_escapable("x" * 129))
