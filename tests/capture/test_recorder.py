"""Which message is kept where."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.capture.support import NO_HEADERS, kept, recorder, request, response
from wrtcgw.capture.recorder import AGENT_DIALOGS, call_id_of
from wrtcgw.capture.unmatched_invites import NOT_OFFERED, stray_record


class CallIDTests(SynchronousTestCase):
    """The Call-ID of a message."""

    def test_forms(self) -> None:
        """It is found in all forms that a header field has (RFC 3261 section 7.3)."""
        for line in ("Call-ID: x@y", "Call-Id:x@y", "CALL-ID :  x@y ", "i: x@y", "I:x@y", "call-id\t: x@y"):
            self.assertEqual(call_id_of(f"BYE sip:a SIP/2.0\r\nTo: b\r\n{line}\r\nCSeq: 1 BYE\r\n\r\n"), "x@y", line)

    def test_body_does_not_count(self) -> None:
        """What stands in a body is none."""
        self.assertEqual(call_id_of("INFO sip:a SIP/2.0\r\ni: mine\r\n\r\n\r\nCall-ID: another\r\n"), "mine")
        self.assertEqual(call_id_of("INFO sip:a SIP/2.0\r\nTo: b\r\n\r\n\r\nCall-ID: another\r\ni: third\r\n"), "")

    def test_none(self) -> None:
        """There may be none, in garbage and in keep-alives."""
        for text in ("", "\r\n\r\n", "garbage", "Call-ID: x", "\r\nCall-IDx: y\r\n\r\n"):
            self.assertEqual(call_id_of(text), "", repr(text))


class CallTests(SynchronousTestCase):
    """Messages of calls."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.recorder = recorder(self.clock)

    def test_inbound(self) -> None:
        """An INVITE that came before its call was known is kept with the call, as is what follows."""
        self.recorder.sip(0, request("INVITE", "c"), sent=False)
        self.recorder.opened("leg", "5001", "c")
        self.recorder.sip(0, response(180, "Ringing", "c"), sent=True)
        self.recorder.sip(1, request("BYE", "c", tag="b"), sent=False)
        track = self.recorder.of_call("leg")
        self.assertEqual(
            kept(track), ["INVITE sip:5001@example.org", "SIP/2.0 180 Ringing", "BYE sip:5001@example.org"]
        )
        self.assertIs(self.recorder.of_call("c"), track)
        assert track is not None
        self.assertEqual((track.dn, track.flow, track.sip_ids), ("5001", 1, ["c"]))

    def test_outbound(self) -> None:
        """A call that is known before its INVITE has it too."""
        self.recorder.opened("leg", "5001", "c")
        self.recorder.sip(0, request("INVITE", "c"), sent=True)
        self.assertEqual(kept(self.recorder.of_call("leg")), ["INVITE sip:5001@example.org"])

    def test_two_calls(self) -> None:
        """Messages of two calls do not mix."""
        for name in ("one", "two"):
            self.recorder.opened(name, "5001", f"{name}-id")
        self.recorder.sip(0, response(180, "Ringing", "two-id"), sent=False)
        self.assertEqual(kept(self.recorder.of_call("one")), [])
        self.assertEqual(kept(self.recorder.of_call("two")), ["SIP/2.0 180 Ringing"])

    def test_after_the_end(self) -> None:
        """What comes after the end of a call is kept with it: the answer to a BYE."""
        self.recorder.opened("leg", "5001", "c")
        self.recorder.closed("leg", "ended: remote")
        self.recorder.sip(0, response(200, "OK", "c", "BYE"), sent=True)
        self.assertEqual(kept(self.recorder.of_call("leg")), ["ended: remote", "SIP/2.0 200 OK"])

    def test_what_belongs_to_nothing(self) -> None:
        """Messages inside dialogs that are not known are not kept, nor those without a Call-ID, nor OPTIONS."""
        for text in (
            request("INVITE", "x", tag="b"),
            request("BYE", "x", tag="b"),
            response(200, "OK", "x"),
            request("OPTIONS", "x"),
            request("INVITE", ""),
            request("REGISTER", ""),
            "garbage",
            "",
        ):
            self.recorder.sip(0, text, sent=False)
        self.assertEqual((self.recorder.calls, self.recorder.size), (0, 0))
        self.assertIsNone(self.recorder.of_call("x"))
        self.assertIsNone(self.recorder.of_call(""))

    def test_strays(self) -> None:
        """An INVITE that came to no call is kept by its Call-ID, with what became of it."""
        self.recorder.sip(0, request("INVITE", "c", more="X-Genesys-CallUUID: U1\r\n"), sent=False)
        self.recorder.sip(0, response(100, "Trying", "c"), sent=True)
        self.clock.advance(2)
        self.recorder.sip(0, response(486, "Busy Here", "c"), sent=True)
        (track,) = self.recorder.stray()
        record = stray_record(track)
        self.assertEqual((record.call_id, record.dn, record.peer), ("c", "5001", "sip:1003@example.org"))
        self.assertEqual((record.cause, record.code, record.reason, record.uuid), (NOT_OFFERED, 486, "Busy Here", "U1"))
        self.assertEqual(record.ended - record.started, 2000)
        self.recorder.opened("leg", "5001", "c")
        self.assertEqual(list(self.recorder.stray()), [])

    def test_stray_without_anything(self) -> None:
        """An INVITE out of which nothing can be read is a record all the same."""
        self.recorder.sip(0, "INVITE sip:x SIP/2.0\r\ni: c\r\n\r\n", sent=False)
        (track,) = self.recorder.stray()
        record = stray_record(track)
        self.assertEqual((record.dn, record.peer, record.code, record.uuid), ("", "", 0, ""))

    def test_notes(self) -> None:
        """Notes are kept with their call; those of a connection in the calls that use it and have not ended."""
        for name, flow in (("one", 0), ("two", 1), ("over", 0)):
            self.recorder.opened(name, "5001", f"{name}-id")
            self.recorder.sip(flow, request("INVITE", f"{name}-id"), sent=True)
        self.recorder.closed("over", "ended")
        self.recorder.note("one", "held")
        self.recorder.note("unknown", "held")
        self.recorder.note_flow(0, "lost")
        self.assertEqual(kept(self.recorder.of_call("one"))[1:], ["held", "lost"])
        self.assertEqual(kept(self.recorder.of_call("two"))[1:], [])
        self.assertEqual(kept(self.recorder.of_call("over"))[1:], ["ended"])

    def test_two_names_for_one_dialog(self) -> None:
        """A call whose Call-ID is another's already gets a track of its own: nothing is taken from the first."""
        self.recorder.opened("one", "5001", "c")
        self.recorder.opened("two", "5002", "c")
        self.assertIsNot(self.recorder.of_call("one"), self.recorder.of_call("two"))


class AgentTests(SynchronousTestCase):
    """Messages outside of calls."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.recorder = recorder(self.clock)

    def test_register(self) -> None:
        """REGISTER and its responses are kept by DN, a MESSAGE too."""
        self.recorder.sip(0, request("REGISTER", "r"), sent=True)
        self.recorder.sip(0, response(401, "Unauthorized", "r", "REGISTER"), sent=False)
        self.recorder.sip(0, request("MESSAGE", "m"), sent=False)
        self.recorder.note_agent("5001", "registration failed")
        self.assertEqual(
            kept(self.recorder.of_dn("5001")),
            [
                "REGISTER sip:5001@example.org",
                "SIP/2.0 401 Unauthorized",
                "MESSAGE sip:5001@example.org",
                "registration failed",
            ],
        )
        self.assertIsNone(self.recorder.of_dn("5002"))
        self.assertIsNone(self.recorder.of_call("r"), "it is none of a call")

    def test_few_dialogs_are_remembered(self) -> None:
        """A DN that signs in again and again keeps only its newest Call-IDs."""
        for number in range(AGENT_DIALOGS + 5):
            self.recorder.sip(0, request("REGISTER", f"r{number}"), sent=True)
        track = self.recorder.of_dn("5001")
        assert track is not None
        self.assertEqual(len(track.sip_ids), AGENT_DIALOGS)
        before = len(track.entries)
        self.recorder.sip(0, response(200, "OK", "r0", "REGISTER"), sent=False)
        self.assertEqual(len(track.entries), before)

    def test_requests(self) -> None:
        """A request is kept with its call once that is known, else with the DN; it stands where it came in."""
        self.recorder.opened("leg", "5001", "c")
        asked = self.recorder.asked("5001", "ann", b"POST", b"/message", NO_HEADERS, b"")
        self.recorder.sip(0, request("INVITE", "c"), sent=True)
        asked.call_id = "leg"
        self.recorder.answered(asked, 200, NO_HEADERS, b"OK")
        other = self.recorder.asked("5001", "ann", b"POST", b"/sign_out", NO_HEADERS, b"")
        self.recorder.answered(other, 200, NO_HEADERS, b"OK")
        track = self.recorder.of_call("leg")
        assert track is not None
        self.assertEqual(kept(track), ["INVITE sip:5001@example.org", "Asked", "Answered"])
        self.assertEqual([entry.seq for entry in track.entries], [2, 1, 3])
        self.assertEqual(kept(self.recorder.of_dn("5001")), ["Asked", "Answered"])

    def test_unknown_call(self) -> None:
        """What names a call that is not there goes to the DN: nobody writes into another one's ladder."""
        asked = self.recorder.asked("5001", "ann", b"POST", b"/hold", NO_HEADERS, b"")
        asked.call_id = "nobody's"
        self.recorder.answered(asked, 404, NO_HEADERS, b"")
        self.recorder.told("5001", "ann", "nobody's", "poll", "OK", 200, b"{}")
        self.assertEqual(kept(self.recorder.of_dn("5001")), ["Asked", "Answered", "Told"])

    def test_broken_request(self) -> None:
        """A page that went before the response is shown as such."""
        asked = self.recorder.asked("5001", "ann", b"POST", b"/hold", NO_HEADERS, b"")
        self.recorder.broke_off(asked)
        self.assertEqual(kept(self.recorder.of_dn("5001")), ["Asked", "the page went before the response"])


class SwitchTests(SynchronousTestCase):
    """On and off."""

    def test_off(self) -> None:
        """While it is off nothing is kept; what was kept before stays."""
        clock = Clock()
        one = recorder(clock)
        one.opened("leg", "5001", "c")
        one.sip(0, request("INVITE", "c"), sent=True)
        one.on = False
        one.sip(0, response(200, "OK", "c"), sent=False)
        one.note("leg", "established")
        one.note_agent("5001", "x")
        one.opened("second", "5001", "d")
        self.assertEqual(kept(one.of_call("leg")), ["INVITE sip:5001@example.org"])
        self.assertIsNone(one.of_call("second"))
        self.assertIsNone(one.of_dn("5001"))

    def test_end_while_off(self) -> None:
        """A call that ended while it was off is one of the first to go all the same."""
        one = recorder(Clock(), calls=2)
        for name in ("old", "ended"):
            one.opened(name, "5001", name)
        one.on = False
        one.closed("ended", "ended")
        one.on = True
        one.opened("new", "5001", "new")
        self.assertIsNone(one.of_call("ended"))
        self.assertIsNotNone(one.of_call("old"))


class BoundTests(SynchronousTestCase):
    """Nothing grows without end."""

    def test_calls(self) -> None:
        """Beyond the number of calls those that ended first go, then the oldest."""
        one = recorder(Clock(), calls=3)
        for name in ("a", "b", "c"):
            one.opened(name, "5001", name)
        for name in ("b", "a"):
            one.closed(name, "ended")
        gone = []
        for name in ("d", "e", "f"):
            one.opened(name, "5001", name)
            gone.append([each for each in ("a", "b", "c", "d", "e", "f") if one.of_call(each) is None])
        self.assertEqual(gone, [["b", "e", "f"], ["a", "b", "f"], ["a", "b", "c"]])
        self.assertEqual(one.calls, 3)
        one.sip(0, response(200, "OK", "b"), sent=False)
        self.assertIsNone(one.of_call("b"))

    def test_bytes(self) -> None:
        """Beyond the number of bytes the same holds, and the sum stays true."""
        one = recorder(Clock(), calls=1000, size=80_000)
        for number in range(300):
            name = f"call{number}"
            one.opened(name, "5001", name)
            one.sip(0, request("INVITE", name, body="x" * 900), sent=True)
            one.closed(name, "ended")
            self.assertLessEqual(one.size, 80_000)
        self.assertGreater(one.calls, 20)
        self.assertIsNone(one.of_call("call0"))
        self.assertIsNotNone(one.of_call("call299"))
        tracks = [one.of_call(f"call{number}") for number in range(300)]
        self.assertEqual(sum(entry.size for track in tracks if track for entry in track.entries), one.size)

    def test_one_endless_call(self) -> None:
        """One call with messages without end takes its share only; how it began stays, and so does the newest."""
        one = recorder(Clock(), size=800_000)
        one.opened("other", "5001", "other")
        one.sip(0, request("INVITE", "other"), sent=True)
        one.opened("leg", "5001", "c")
        for number in range(1000):
            one.sip(0, request("INFO", "c", tag="b", more=f"X-Number: {number}\r\n", body="x" * 500), sent=True)
        track = one.of_call("leg")
        assert track is not None
        self.assertLess(one.size, 200_000)
        self.assertEqual(len(track.entries) + track.dropped, 1000)
        texts = [entry.text for entry in track.entries if hasattr(entry, "text")]
        self.assertIn("X-Number: 0\r", texts[0])
        self.assertIn("X-Number: 999\r", texts[-1])
        self.assertEqual(len(kept(one.of_call("other"))), 1)

    def test_one_huge_message(self) -> None:
        """A message that is more than all may be does no harm."""
        one = recorder(Clock(), size=10_000)
        one.opened("leg", "5001", "c")
        one.sip(0, request("INFO", "c", body="x" * 50_000), sent=True)
        one.sip(0, request("BYE", "c"), sent=True)
        self.assertEqual(kept(one.of_call("leg")), ["BYE sip:5001@example.org"])
        self.assertLess(one.size, 10_000)

    def test_agents(self) -> None:
        """What belongs to no call does not push calls out: DNs go that were not heard of for longest."""
        one = recorder(Clock(), calls=10, size=100_000)
        one.opened("leg", "5001", "c")
        one.sip(0, request("INVITE", "c"), sent=True)
        for number in range(500):
            one.sip(0, request("REGISTER", f"r{number}", to=f"6{number:03}"), sent=True)
            one.note_agent("6000", "still here")
        self.assertEqual(len(kept(one.of_call("leg"))), 1)
        self.assertIsNotNone(one.of_dn("6000"))
        self.assertIsNotNone(one.of_dn("6499"))
        self.assertIsNone(one.of_dn("6001"))
        self.assertLess(one.size, 100_000)

    def test_entries_of_an_agent(self) -> None:
        """Of one DN only the newest messages outside of calls stay."""
        for size, first in ((10_000_000, "note 150"), (1_000_000, "note 213")):
            one = recorder(Clock(), size=size)
            for number in range(250):
                one.note_agent("5001", f"note {number}")
            shown = kept(one.of_dn("5001"))
            self.assertEqual((shown[0], shown[-1]), (first, "note 249"))
