"""Records of calls that are over."""

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.calls.stats import Reports
from wrtcgw.capture.history import CallRecord, History


def record(call_id: str, sip_call_id: str = "") -> CallRecord:
    """Return a record."""
    return CallRecord(
        call_id=call_id,
        sip_call_id=sip_call_id,
        agent_id="ann",
        dn="5001",
        direction="outbound",
        peer="1003",
        display_name="",
        uuid="",
        started=1000,
        answered=None,
        ended=2000,
        cause="busy",
        code=486,
        reason="Busy Here",
        reports=Reports(),
    )


class HistoryTests(SynchronousTestCase):
    """The history."""

    def test_newest_first(self) -> None:
        """The newest comes first, and the oldest go beyond the limit."""
        history = History(3)
        for name in "abcde":
            history.add(record(name))
        self.assertEqual([each.call_id for each in history], ["e", "d", "c"])
        self.assertEqual(len(history), 3)

    def test_find(self) -> None:
        """A call is found by its id and by its Call-ID."""
        history = History(3)
        history.add(record("a", "sip-a"))
        for key in ("a", "sip-a"):
            found = history.find(key)
            assert found is not None
            self.assertEqual(found.call_id, "a")
        self.assertIsNone(history.find("b"))
