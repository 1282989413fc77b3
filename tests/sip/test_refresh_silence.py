"""A REGISTER over a new connection that nobody answers."""

from tests.support.corecase import CoreCase
from wrtcgw.sip.outputs import Registered, RegistrationFailed


class RefreshSilenceTests(CoreCase):
    """The registrar drops what reaches it while it starts."""

    def setUp(self) -> None:
        super().setUp()
        self.do(self.core.register, self.account)
        self.respond(self.last("REGISTER"), 200, fields=[("Expires", "600")])
        self.assertEqual(len(self.of(Registered)), 1)
        self.disconnect()
        self.connect()
        self.advance(1)

    def tearDown(self) -> None:
        self.do(self.core.unregister, "alice")
        self.respond(self.last("REGISTER"), 200)
        super().tearDown()

    def test_sent_anew(self) -> None:
        """After some seconds it is given up and sent anew, with a new transaction and the next CSeq number."""
        lost = self.last("REGISTER")
        self.advance(13)
        again = self.last("REGISTER")
        self.assertEqual([event.timeout for event in self.of(RegistrationFailed)], [True])
        self.assertEqual((again.call_id, again.cseq.number), (lost.call_id, lost.cseq.number + 1))
        self.assertNotEqual(again.via.branch, lost.via.branch)
        self.respond(again, 200, fields=[("Expires", "600")])
        self.assertEqual(len(self.of(Registered)), 2)

    def test_late_answer(self) -> None:
        """An answer to the one that was given up changes nothing."""
        lost = self.last("REGISTER")
        self.advance(13)
        again = self.last("REGISTER")
        self.respond(lost, 200, fields=[("Expires", "600")])
        self.assertEqual(len(self.of(Registered)), 1)
        self.respond(again, 200, fields=[("Expires", "600")])
        self.assertEqual(len(self.of(Registered)), 2)

    def test_challenged(self) -> None:
        """The time limit begins anew with the credentials."""
        self.advance(7)
        asked = self.last("REGISTER")
        self.respond(asked, 401, fields=[("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')])
        self.advance(7)
        self.assertEqual(self.of(RegistrationFailed), [])
        self.respond(self.last("REGISTER"), 200, fields=[("Expires", "600")])
        self.assertEqual(len(self.of(Registered)), 2)
