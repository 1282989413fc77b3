"""The demo PBX's signalling, in memory and in virtual time."""

from typing import cast

from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import ILogObserver, LogEvent, capturedLogs, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from tests.demo.phones import OFFER, Office, Phone
from tests.support import sdptext as sdp
from wrtcgw.demo.media import Media, MediaUnavailableError
from wrtcgw.demo.pbx import DemoPBX
from wrtcgw.sip.outputs import (
    CallAnswered,
    CallEnded,
    CallProgress,
    CallReceived,
    EndCause,
    InfoReceived,
    OfferAnswered,
    OfferReceived,
    Output,
    Registered,
    RegistrationFailed,
    RequestAnswered,
    TransferProgress,
    Unregistered,
)
from wrtcgw.sip.uri import URI

BOB = URI.parse("sip:5002@demo.invalid")


class PBXTests(SynchronousTestCase):
    """A PBX with three phones; each test leaves no leg behind."""

    def setUp(self) -> None:
        self.office = Office()
        self.ann, self.bob, self.cid = (self.office.phone(number) for number in ("5001", "5002", "5003"))

    def tearDown(self) -> None:
        for phone in list(self.office.phones):
            for leg in [event.leg for event in phone.events if isinstance(event, CallAnswered | CallReceived)]:
                if leg in phone.core._legs:
                    phone.hang_up(leg)
        self.assertEqual(self.office.pbx.switchboard.legs, {})
        self.assertEqual(self.flushLoggedErrors(), [])
        for phone in list(self.office.phones):
            phone.disconnect()
        self.successResultOf(self.office.pbx.stopService())
        self.assertEqual(self.office.reactor.getDelayedCalls(), [])

    def assertEnded(self, phone: Phone, leg: str, cause: EndCause, code: int = 0) -> None:
        """Assert how a leg ended."""
        ended = phone.last(CallEnded)
        self.assertEqual((ended.leg, ended.cause, ended.code), (leg, cause, code))

    def transfers(self, phone: Phone) -> list[tuple[int, bool]]:
        """Return the states of a transfer that a phone was told of."""
        return [(event.code, event.final) for event in phone.events if isinstance(event, TransferProgress)]

    def refer(self, phone: Phone, leg: str, target: str, replaces: str | None = None) -> None:
        """Send a REFER."""
        _, outputs = phone.core.refer(leg, URI.parse(f"sip:{target}@demo.invalid"), phone.now, replaces_leg=replaces)
        phone.do(outputs)


class RegistrationTests(PBXTests):
    """The registrar."""

    def test_registered(self) -> None:
        """The right password registers, with the expiry that was asked for."""
        self.assertEqual(self.ann.last(Registered), Registered("5001", 600.0))

    def test_wrong_password(self) -> None:
        """A wrong password, or a number that is no user's, is refused."""
        for number, password in (("5004", "wrong"), ("1003", "x")):
            phone = self.office.phone(number, password)
            self.assertEqual(phone.last(RegistrationFailed).code, 401)

    def test_unregistered(self) -> None:
        """Who has signed out cannot be called."""
        self.bob.do(self.bob.core.unregister("5002", self.bob.now))
        self.assertEqual(self.bob.last(Unregistered).code, 200)
        leg = self.ann.dial("5002")
        self.assertEnded(self.ann, leg, EndCause.REFUSED, 480)

    def test_lost_connection(self) -> None:
        """Who has lost the connection cannot be called."""
        self.bob.disconnect()
        self.assertEnded(self.ann, self.ann.dial("5002"), EndCause.REFUSED, 480)

    def test_expired(self) -> None:
        """A binding ends with its time."""
        self.bob.disconnect()
        registrar = self.office.pbx.registrar
        self.assertIsNotNone(registrar.binding("5003", self.office.reactor.seconds() + 599))
        self.assertIsNone(registrar.binding("5003", self.office.reactor.seconds() + 601))


class ExtensionTests(PBXTests):
    """The numbers that the PBX answers itself."""

    def test_echo(self) -> None:
        """1003 answers at once, in kind."""
        leg = self.ann.dial("1003")
        answered = self.ann.last(CallAnswered)
        self.assertEqual(answered.leg, leg)
        self.assertIn("SAVPF 0 8", answered.sdp)
        self.ann.hang_up(leg)
        self.assertEnded(self.ann, leg, EndCause.LOCAL, 200)

    def test_rings_first(self) -> None:
        """1004 rings for 5 s, then answers."""
        self.ann.dial("1004")
        self.assertEqual(self.ann.last(CallProgress).code, 180)
        self.office.advance(4.9)
        self.assertEqual(self.ann.of(CallAnswered), [])
        self.office.advance(0.2)
        self.ann.last(CallAnswered)

    def test_refusals(self) -> None:
        """Busy, congested and unknown numbers are refused with the code that says so."""
        for number, code in (("1005", 486), ("1009", 503), ("1999", 404), ("5010", 480)):
            self.assertEnded(self.ann, self.ann.dial(number), EndCause.REFUSED, code)

    def test_rings_for_ever(self) -> None:
        """1006 rings until the caller cancels; 1004 too when it is cancelled in time."""
        for number in ("1006", "1004"):
            leg = self.ann.dial(number)
            self.office.advance(3.0)
            self.ann.hang_up(leg)
            self.assertEnded(self.ann, leg, EndCause.LOCAL, 487)

    def test_digits(self) -> None:
        """1007 takes digits in both forms."""
        leg = self.ann.dial("1007")
        for content_type, body in (
            ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"),
            ("application/dtmf", "#"),
        ):
            _, outputs = self.ann.core.info(leg, content_type, body, self.ann.now)
            self.ann.do(outputs)
            self.assertEqual(self.ann.last(RequestAnswered).code, 200)
        self.assertEqual(self.office.pbx.switchboard.digits, ["5", "#"])

    def test_data_are_no_digits(self) -> None:
        """What a page sends as data is taken, and no key was pressed."""
        leg = self.ann.dial("1007")
        _, outputs = self.ann.core.info(leg, "application/x-www-form-urlencoded", "k=v", self.ann.now)
        self.ann.do(outputs)
        self.assertEqual(self.ann.last(RequestAnswered).code, 200)
        self.assertEqual(self.office.pbx.switchboard.digits, [])

    def test_hold(self) -> None:
        """Hold and resume of a call with an extension are answered in kind."""
        leg = self.ann.dial("1003")
        for direction, expected in (("sendonly", "recvonly"), ("inactive", "inactive"), ("sendrecv", "sendrecv")):
            offer = sdp.with_direction(OFFER, direction)  # type: ignore[arg-type]
            self.ann.do(self.ann.core.reoffer(leg, offer, self.ann.now))
            self.assertEqual(sdp.direction(self.ann.last(OfferAnswered).sdp), expected)

    def test_unusable_offers(self) -> None:
        """An offer in which nothing can be taken is refused with 488, and in a call changes nothing."""
        video = OFFER.replace("m=audio", "m=video")
        leg, outputs = self.ann.core.invite("5001", URI.parse("sip:1003@demo.invalid"), video, self.ann.now)
        self.ann.do(outputs)
        self.assertEnded(self.ann, leg, EndCause.REFUSED, 488)
        leg = self.ann.dial("1003")
        self.ann.do(self.ann.core.reoffer(leg, video, self.ann.now))
        self.assertEqual(self.ann.of(OfferAnswered), [])
        self.ann.do(self.ann.core.reoffer(leg, OFFER, self.ann.now))
        self.ann.last(OfferAnswered)

    def test_without_offer(self) -> None:
        """A call without an offer is refused with 488; a re-INVITE without one is answered with an offer of ours."""
        target = URI.parse("sip:1003@demo.invalid")
        leg, outputs = self.ann.core.invite("5001", target, "", self.ann.now)
        self.ann.do(outputs)
        self.assertEnded(self.ann, leg, EndCause.REFUSED, 488)
        leg = self.ann.dial("1003")
        self.ann.do(self.ann.core.reoffer(leg, "", self.ann.now))
        self.assertEqual(sdp.direction(self.ann.last(OfferAnswered).sdp), "sendrecv")

    def test_not_transferable(self) -> None:
        """There is nobody at an extension who could be transferred: 400, and the call goes on."""
        leg = self.ann.dial("1003")
        self.refer(self.ann, leg, "1004")
        self.assertEqual(self.transfers(self.ann), [(100, False), (400, True)])


class AgentCallTests(PBXTests):
    """Calls between two agents."""

    def test_call_and_hang_up(self) -> None:
        """The called agent sees who calls; either side's BYE ends both legs."""
        for hangs_up, other in ((0, 1), (1, 0)):
            phones, legs = (self.ann, self.bob), self.ann.call(self.bob)
            received = self.bob.last(CallReceived)
            self.assertEqual(received.caller.uri.user, "5001")
            phones[hangs_up].hang_up(legs[hangs_up])
            self.assertEnded(phones[other], legs[other], EndCause.REMOTE)

    def test_new_connection(self) -> None:
        """Who comes back over a new connection, during a call, is told there that the other side hangs up or holds."""
        for index in (0, 1):
            phones, legs = (self.ann, self.bob), self.ann.call(self.bob)
            phones[index].lose()
            phones[index].come_back()
            offer = sdp.with_direction(OFFER, "sendonly")
            other = phones[1 - index]
            other.do(other.core.reoffer(legs[1 - index], offer, other.now))
            self.assertEqual(sdp.direction(phones[index].last(OfferReceived).sdp or ""), "sendonly")
            other.hang_up(legs[1 - index])
            self.assertEnded(phones[index], legs[index], EndCause.REMOTE)

    def test_hung_up_without_connection(self) -> None:
        """Whose call was ended while the connection was away learns it by the answer to the re-INVITE."""
        ours, theirs = self.ann.call(self.bob)
        self.bob.lose()
        self.ann.hang_up(ours)
        self.assertEqual(self.bob.of(CallEnded), [])
        self.bob.come_back()
        self.assertEnded(self.bob, theirs, EndCause.FAILED, 481)

    def test_cancel(self) -> None:
        """A caller who gives up stops the ringing."""
        leg = self.ann.dial("5002")
        self.ann.hang_up(leg)
        self.assertEnded(self.ann, leg, EndCause.LOCAL, 487)
        self.assertEqual(self.bob.last(CallEnded).cause, EndCause.REMOTE)

    def test_reject(self) -> None:
        """The caller hears the code with which the called agent has refused."""
        leg = self.ann.dial("5002")
        self.bob.do(self.bob.core.reject(self.bob.last(CallReceived).leg, 603, "Decline", self.bob.now))
        self.assertEnded(self.ann, leg, EndCause.REFUSED, 603)

    def test_hold(self) -> None:
        """Hold and resume are handed on to the other side."""
        ours, theirs = self.ann.call(self.bob)
        for direction in ("sendonly", "sendrecv"):
            offer = sdp.with_direction(OFFER, direction)
            self.ann.do(self.ann.core.reoffer(ours, offer, self.ann.now))
            handed_on = self.bob.last(OfferReceived)
            self.assertEqual((handed_on.leg, sdp.direction(handed_on.sdp or "")), (theirs, direction))

    def test_replaces(self) -> None:
        """A call with Replaces takes the place of another leg in its call with an agent (and with an extension)."""
        for dialled in ("5002", "1003"):
            replaced = self.ann.dial(dialled)
            if dialled == "5002":
                self.bob.answer()
            dialog = self.ann.core._legs[replaced].dialog
            value = f"{dialog.call_id};to-tag={dialog.remote_tag};from-tag={dialog.local_tag}"
            target = URI.parse(f"sip:{dialled}@demo.invalid")
            leg, outputs = self.cid.core.invite(
                "5003", target, OFFER, self.cid.now, headers=[("Replaces", value), ("Require", "replaces")]
            )
            self.cid.do(outputs)
            self.assertEqual(self.cid.last(CallAnswered).leg, leg)
            self.assertEnded(self.ann, replaced, EndCause.REMOTE)
            self.assertEqual(len([leg for leg in self.office.pbx.switchboard.legs.values() if leg.number == "5003"]), 1)
            self.cid.hang_up(leg)
        self.assertEqual(self.bob.last(CallEnded).cause, EndCause.REMOTE)

    def test_digits(self) -> None:
        """Digits are handed on to the other side."""
        ours, theirs = self.ann.call(self.bob)
        _, outputs = self.ann.core.info(ours, "application/dtmf-relay", "Signal=7\r\nDuration=100\r\n", self.ann.now)
        self.ann.do(outputs)
        info = self.bob.last(InfoReceived)
        self.assertEqual((info.leg, info.body), (theirs, "Signal=7\r\nDuration=100\r\n"))


class TransferTests(PBXTests):
    """Ann is in a call with Bob and transfers him."""

    def setUp(self) -> None:
        super().setUp()
        self.ours, self.bobs = self.ann.call(self.bob)

    def test_blind_to_extension(self) -> None:
        """Bob hears the extension after it has rung; Ann's leg is left to her."""
        self.refer(self.ann, self.ours, "1004")
        self.assertEqual(self.transfers(self.ann), [(100, False), (180, False)])
        self.office.advance(5.0)
        self.assertEqual(self.transfers(self.ann)[-1], (200, True))
        self.ann.hang_up(self.ours)
        self.assertEqual(self.bob.of(CallEnded), [])
        (leg,) = self.office.pbx.switchboard.legs.values()
        self.assertEqual((leg.number, leg.extension), ("5002", "1004"))

    def test_blind_to_agent(self) -> None:
        """Cid is rung in Bob's name and talks to him in the end, who is taken from hold."""
        self.ann.do(self.ann.core.reoffer(self.ours, sdp.with_direction(OFFER, "sendonly"), self.ann.now))
        self.refer(self.ann, self.ours, "5003")
        self.assertEqual(self.cid.last(CallReceived).caller.uri.user, "5002")
        self.assertEqual(self.transfers(self.ann), [(100, False), (180, False)])
        cids = self.cid.answer()
        self.assertEqual(self.transfers(self.ann)[-1], (200, True))
        self.assertEqual(sdp.direction(self.bob.last(OfferReceived).sdp or ""), "sendrecv")
        self.ann.hang_up(self.ours)
        self.bob.hang_up(self.bobs)
        self.assertEnded(self.cid, cids, EndCause.REMOTE)

    def test_blind_failures(self) -> None:
        """When the target cannot be had, Ann is told the code and talks to Bob as before."""
        for target, code in (("1005", 486), ("1999", 404), ("5009", 480)):
            self.refer(self.ann, self.ours, target)
            self.assertEqual(self.transfers(self.ann)[-1], (code, True))
        self.refer(self.ann, self.ours, "5003")
        self.cid.do(self.cid.core.reject(self.cid.last(CallReceived).leg, 486, "", self.cid.now))
        self.assertEqual(self.transfers(self.ann)[-1], (486, True))
        self.ann.hang_up(self.ours)
        self.assertEnded(self.bob, self.bobs, EndCause.REMOTE)

    def test_transferor_leaves_early(self) -> None:
        """A transferor who hangs up before the outcome does not end the transfer."""
        self.refer(self.ann, self.ours, "5003")
        self.ann.hang_up(self.ours)
        self.assertEqual(self.bob.of(CallEnded), [])
        cids = self.cid.answer()
        self.bob.hang_up(self.bobs)
        self.assertEnded(self.cid, cids, EndCause.REMOTE)

    def test_transferor_left_and_target_refuses(self) -> None:
        """Bob is let go when nobody is left for him."""
        self.refer(self.ann, self.ours, "5003")
        self.ann.hang_up(self.ours)
        self.cid.do(self.cid.core.reject(self.cid.last(CallReceived).leg, 486, "", self.cid.now))
        self.assertEnded(self.bob, self.bobs, EndCause.REMOTE)

    def test_transferee_leaves_early(self) -> None:
        """When Bob hangs up before the outcome, Cid's phone stops ringing and Ann's call ends."""
        self.refer(self.ann, self.ours, "5003")
        self.bob.hang_up(self.bobs)
        self.assertEqual(self.cid.last(CallEnded).cause, EndCause.REMOTE)
        self.assertEnded(self.ann, self.ours, EndCause.REMOTE)

    def test_forgetful_transferor(self) -> None:
        """A transferor who does not hang up is hung up by the PBX in the end."""
        self.refer(self.ann, self.ours, "1003")
        self.office.advance(15.0)
        self.assertEnded(self.ann, self.ours, EndCause.REMOTE)

    def test_attended(self) -> None:
        """Bob and Cid are connected; Ann's second leg is ended, her first is left to her."""
        second, cids = self.ann.call(self.cid)
        self.refer(self.ann, self.ours, "5003", replaces=second)
        self.assertEqual(self.transfers(self.ann), [(100, False), (200, True)])
        self.assertEnded(self.ann, second, EndCause.REMOTE)
        self.ann.hang_up(self.ours)
        self.bob.hang_up(self.bobs)
        self.assertEnded(self.cid, cids, EndCause.REMOTE)

    def test_attended_to_extension(self) -> None:
        """Bob takes Ann's place in her call with an extension."""
        second = self.ann.dial("1003")
        self.refer(self.ann, self.ours, "1003", replaces=second)
        self.assertEqual(self.transfers(self.ann)[-1], (200, True))
        self.assertEnded(self.ann, second, EndCause.REMOTE)

    def test_attended_too_early(self) -> None:
        """A consultation call that is not answered cannot be transferred to: 400."""
        second = self.ann.dial("1006")
        self.refer(self.ann, self.ours, "1006", replaces=second)
        self.assertEqual(self.transfers(self.ann)[-1], (400, True))
        self.ann.hang_up(second)


class FaultTests(PBXTests):
    """What must not disturb the PBX."""

    def test_garbage(self) -> None:
        """What is no SIP is dropped, and what is malformed is answered; both are logged, and calls go on."""
        for text in ("garbage", "INVITE sip:1003@demo.invalid SIP/2.0\r\n\r\n", "\r\n\r\n"):
            self.ann.connection.textMessageReceived(text)
        self.ann.dial("1003")
        self.ann.last(CallAnswered)

    def test_late_orders(self) -> None:
        """An order for a leg that has ended meanwhile is nothing."""
        self.ann.call(self.bob)
        board = self.office.pbx.switchboard
        legs = list(board.legs.values())
        self.ann.hang_up(self.ann.last(CallAnswered).leg)
        for leg in legs:
            board.hang_up(leg)
            board.tell(leg, "sendonly")
        self.assertEqual(board.legs, {})

    def test_bug(self) -> None:
        """A bug in one event is logged, and the next is acted on all the same."""
        self.office.pbx.run([cast(Output, None), cast(Output, None)])
        with_bug = self.office.pbx.switchboard

        async def broken() -> None:
            raise ZeroDivisionError

        with_bug.work(broken())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_stop_in_a_call(self) -> None:
        """Stopping with connections and calls up waits until the connections are closed."""
        self.ann.call(self.bob)
        self.ann.dial("1004")
        phones = list(self.office.phones)
        stopped = self.office.pbx.stopService()
        self.assertNoResult(stopped)
        for phone in phones:
            phone.disconnect()
        self.successResultOf(stopped)


class LogTests(PBXTests):
    """What is to be seen at ``debug``."""

    def test_data(self) -> None:
        """Data that users attach to calls show their size only, both ways, unless the operator wants to see them."""
        for shown in (False, True):
            self.office.pbx.trace_data = shown
            with capturedLogs() as logs:
                ours, outputs = self.ann.core.invite("5001", BOB, OFFER, 0.0, headers=(("X-Data-account", "4711"),))
                self.ann.do(outputs)
                self.bob.answer()
                self.ann.do(self.ann.core.info(ours, "text/plain", "secret words", 0.0)[1])
            told = "".join(event["text"] for event in logs if "text" in event)
            self.assertIn("X-Data-account: ", told)
            self.assertEqual(("4711" in told, "secret words" in told), (shown, shown))


class NoMediaTests(SynchronousTestCase):
    """Where the ``demo`` extra is missing."""

    def test_says_so(self) -> None:
        """The PBX starts all the same, and warns that its calls have no sound and how to get it."""

        def opening(reactor: IReactorFromThreads) -> Media:
            raise MediaUnavailableError("no media: install it")

        told: list[str] = []

        @implementer(ILogObserver)
        def observer(event: LogEvent) -> None:
            told.append(f"{event['log_level'].name} {formatEvent(event)}")

        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        pbx = DemoPBX(MemoryReactorClock(), opening=opening)
        pbx.startService()
        self.assertTrue(any(line.startswith("warn") and "NO SOUND" in line and "install it" in line for line in told))
        self.assertTrue(pbx.url.startswith("ws://127.0.0.1:"))
        self.successResultOf(pbx.stopService())
