"""The lines that operators read."""

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.daemon.journal import Known, record
from wrtcgw.sip.headers import NameAddr
from wrtcgw.sip.outputs import (
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallProgress,
    CallReceived,
    EndCause,
    OfferRefused,
    Output,
    PeerFault,
    Registered,
    RegistrationFailed,
    TransferProgress,
    TransferRequested,
    Unregistered,
)
from wrtcgw.sip.uri import URI

CALLER = NameAddr.parse('"Ann {x}" <sip:1003@example.org>')


class JournalTests(SynchronousTestCase):
    """One line for each event."""

    def lines(self, *events: Output) -> list[tuple[str, str]]:
        """Return level and text of what is logged."""
        with capturedLogs() as logged:
            for event in events:
                record(event)
        return [(event["log_level"].name, formatEvent(event)) for event in logged]

    def test_registrations(self) -> None:
        """Refreshes are quiet, failures are not."""
        self.assertEqual(
            self.lines(Registered("5001", 600.0), RegistrationFailed("5001", 403, "No {y}"), Unregistered("5001", 200)),
            [
                ("debug", "5001 is registered for 600 s"),
                ("warn", "registration of 5001 failed: 403 No {y}"),
                ("info", "5001 is not registered any more (200)"),
            ],
        )

    def test_calls(self) -> None:
        """Every line of a call carries its id; the offer never appears."""
        events = (
            CallReceived(account="5001", leg="c1", caller=CALLER, called=CALLER, offer="v=0 secret", uuid="U1"),
            CallProgress("c1", 180, "Ringing"),
            CallAnswered("c1", "v=0 secret", "U1"),
            OfferRefused("c1", 488, "No"),
            TransferProgress("c1", 200, "OK", True),
            TransferRequested(leg="c1", target=URI(user="1004", host="example.org")),
            CallEnded("c1", EndCause.REFUSED, 486, "Busy Here"),
            CallEnded("c1", EndCause.REMOTE),
        )
        lines = self.lines(*events)
        self.assertEqual(len(lines), len(events))
        self.assertEqual({level for level, _ in lines}, {"info", "debug"})
        for _, text in lines:
            self.assertTrue(text.startswith("call c1"), text)
            self.assertNotIn("secret", text)
        self.assertEqual(lines[0][1], "call c1 [U1]: sip:1003@example.org calls 5001")
        self.assertEqual(lines[-2][1], "call c1: ended (refused) 486 Busy Here")
        self.assertEqual(lines[-1][1], "call c1: ended (remote)")

    def test_uuid(self) -> None:
        """Every line of a call has its X-Genesys-CallUUID, once it is known."""
        with capturedLogs() as logged:
            for event in (CallProgress("c1", 180, "Ringing"), CallEnded("c1", EndCause.REMOTE)):
                record(event, Known("U1"))
        self.assertEqual(
            [formatEvent(event) for event in logged], ["call c1 [U1]: 180 Ringing", "call c1 [U1]: ended (remote)"]
        )
        self.assertEqual({event["call_id"] for event in logged}, {"c1"})

    def test_no_trailing_blank(self) -> None:
        """What an event does not say leaves no blank behind."""
        events = (
            CallReceived(account="5001", leg="c1", caller=CALLER, called=CALLER, offer=None),
            CallProgress("c1", 180, ""),
            CallAnswered("c1", "v=0"),
            OfferRefused("c1", 488, ""),
            TransferProgress("c1", 200, "", True),
            RegistrationFailed("5001", 403, ""),
        )
        for _, text in self.lines(*events):
            self.assertEqual(text, text.rstrip())

    def test_faults(self) -> None:
        """A peer's fault is a warning."""
        self.assertEqual(self.lines(PeerFault(3, "no {Via}")), [("warn", "flow 3: no {Via}")])

    def test_quiet(self) -> None:
        """Events without news for an operator are not logged."""
        self.assertEqual(self.lines(CallConfirmed("c1")), [])
