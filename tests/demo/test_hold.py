"""Holds from both sides at the demo PBX: each is told what the other does, in answers as well."""

from twisted.trial.unittest import SynchronousTestCase

from tests.demo.phones import OFFER, Office, Phone
from tests.support import sdptext as sdp
from wrtcgw.sip.outputs import OfferAnswered, OfferReceived


class BothHoldTests(SynchronousTestCase):
    """Ann and Bob in a call."""

    def setUp(self) -> None:
        self.office = Office()
        self.ann, self.bob = self.office.phone("5001"), self.office.phone("5002")
        self.ours, self.theirs = self.ann.call(self.bob)

    def tearDown(self) -> None:
        self.ann.hang_up(self.ours)
        for phone in list(self.office.phones):
            phone.disconnect()
        self.successResultOf(self.office.pbx.stopService())
        self.assertEqual(self.flushLoggedErrors(), [])

    def offer(self, phone: Phone, leg: str, direction: sdp.Direction) -> sdp.Direction:
        """Let a phone offer a direction, and return the one that it was answered."""
        phone.do(phone.core.reoffer(leg, sdp.with_direction(OFFER, direction), phone.now))
        return sdp.direction(phone.last(OfferAnswered).sdp)

    def test_both(self) -> None:
        """Who holds a call that is on hold, or takes it up again first, is not told that the other side is back."""
        self.assertEqual(self.offer(self.ann, self.ours, "sendonly"), "recvonly")
        self.assertEqual(self.offer(self.bob, self.theirs, "sendonly"), "inactive")
        self.assertEqual(self.offer(self.bob, self.theirs, "sendrecv"), "sendonly")
        self.assertEqual(self.offer(self.ann, self.ours, "sendrecv"), "sendrecv")
        self.assertEqual(sdp.direction(self.bob.last(OfferReceived).sdp or ""), "sendrecv")
        self.assertEqual(self.offer(self.bob, self.theirs, "sendonly"), "recvonly")
