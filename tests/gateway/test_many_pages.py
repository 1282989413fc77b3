"""Several pages of one agent: who may come, what each of them hears, and where the sound of a call is."""

from typing import Any

from tests.support.farside import SDP, FarCall
from tests.support.gatewaycase import OTHER_SDP, PAGE, PAGE_SDP, GatewayCase
from tests.support.restartcase import RestartCase
from wrtcgw.calls.abilities import PageAbilities
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.call import Call, CallState
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.calls.page import FIRST, Sound
from wrtcgw.calls.page_life import Visibility
from wrtcgw.errors import PageElsewhere, RegistrationRefused, SoundElsewhere, UnknownCall, WrongState
from wrtcgw.events.catalogue import SoundMoved

LIBRARY = PageAbilities(always_listens=True, shares_calls=True)
GRACE, OFFER = 20.0, 5.0
RING_ALL = {"second_page": "ring_all", "page_grace": GRACE, "offer_timeout": OFFER}
SECOND = "2"


class Pages(GatewayCase):
    """Agents with several pages, and what they do."""

    def join(self, agent_id: str = "alice", dn: str = "5001", **more: Any) -> Agent:
        """Sign a page in that shares calls, and let it listen."""
        agent = self.sign_in(agent_id, dn, **{"abilities": LIBRARY, **more})
        self.gateway.attend(agent.id, agent.arrived)
        return agent

    def heard(self, agent: Agent, page: str) -> list[AgentMessage]:
        """Return what a page has not been told yet, and mark it as delivered."""
        mailbox = self.page(agent, page)
        messages = []
        while (message := mailbox.head()) is not None:
            messages.append(message)
            mailbox.delivered(message.seq)
        return messages

    def page(self, agent: Agent, name: str) -> Any:
        """Return the mailbox of a page."""
        page = agent.page_named(name)
        assert page is not None
        return page.mailbox

    def words(self, agent: Agent, page: str) -> list[str]:
        """Return what a page has not been told yet, as types, with the cause of those about sound and microphone."""
        of_pages = (MessageType.SOUND, MessageType.MUTE)
        return [
            f"{message.type.value} {message.cause}" if message.type in of_pages else message.type.value
            for message in self.heard(agent, page)
        ]

    def describe_from(self, agent: Agent, page: str, sdp: str = PAGE_SDP, **more: Any) -> Call:
        """Post a description from a page."""
        return self.describe(agent, sdp, page=page, **more)


class Policies(Pages):
    """What becomes of a second page."""

    def test_takes_over(self) -> None:
        """By default it takes everything over, as it always did."""
        agent = self.join()
        call, _ = self.outbound(agent)
        again = self.join()
        self.assertIs(again, agent)
        self.assertEqual([page.name for page in agent.pages], [FIRST])
        self.assertEqual(self.last(agent, MessageType.OFFER).cause, "resync")
        self.assertIs(agent.sound_of(call, FIRST, self.clock.seconds()), Sound.HERE)

    def test_rather_not(self) -> None:
        """One that does not want to take over is refused while the other is there, and learns how many calls it has."""
        agent = self.join()
        self.outbound(agent)
        for agent_id in ("alice", "another"):
            error = self.fails(PageElsewhere, self.entering(agent_id, take_over=False))
            self.assertEqual((error.dn, error.calls), ("5001", 1))
        self.assertIs(self.gateway.find_dn("5001"), agent)
        self.assertEqual(self.types(agent), [])
        self.gateway.leave("alice")
        self.run_for(4)
        self.fails(PageElsewhere, self.entering("alice", take_over=False))
        self.run_for(2)
        self.assertIs(self.done(self.entering("alice", take_over=False)), agent)

    def test_said_that_it_goes(self) -> None:
        """One that has said that it goes is not asked about."""
        agent = self.join()
        self.gateway.heartbeat("alice", Visibility.GONE)
        self.gateway.leave("alice")
        self.assertIs(self.done(self.entering("alice", take_over=False)), agent)

    def test_refused(self) -> None:
        """Where the site wants that, a second page is refused, unless it asks to take over."""
        self.start(second_page="refuse")
        agent = self.join()
        self.fails(PageElsewhere, self.entering("alice"))
        self.assertEqual([page.is_listening for page in agent.pages], [True])
        self.assertIs(self.done(self.entering("alice", take_over=True)), agent)
        other = self.done(self.entering("bob", take_over=True))
        self.assertIs(self.gateway.find_dn("5001"), other)

    def test_wrong_password(self) -> None:
        """Who cannot register the DN does not learn whether somebody is there."""
        self.start(second_page="refuse")
        self.join()
        self.fails(RegistrationRefused, self.gateway.sign_in(agent_id="mallory", dn="5001", password="guess"))

    def test_signs_in_again(self) -> None:
        """A page that shows the session of the first one is that one."""
        self.start(second_page="refuse")
        agent = self.join()
        self.assertIs(self.done(self.entering("alice", page=FIRST)), agent)

    def test_joins(self) -> None:
        """Where all ring, a page that shares calls comes beside the first, whatever id it asks for."""
        self.start(**RING_ALL)
        agent = self.join()
        self.assertIs(self.join("another"), agent)
        self.assertEqual([page.name for page in agent.pages], [FIRST, SECOND])
        self.assertTrue(all(page.is_listening for page in agent.pages))

    def test_other_kinds(self) -> None:
        """One that does not share calls takes over, and so does any where such a one is there."""
        self.start(**RING_ALL)
        agent = self.join()
        self.join()
        self.sign_in()
        self.assertEqual([page.name for page in agent.pages], [FIRST])
        self.gateway.attend("alice")
        self.join()
        self.assertEqual([page.name for page in agent.pages], [FIRST])

    def test_takes_all(self) -> None:
        """One may take everything over from several, too."""
        self.start(**RING_ALL)
        agent = self.join()
        self.join()
        self.join(take_over=True)
        self.assertEqual([page.name for page in agent.pages], [FIRST])

    def test_bound(self) -> None:
        """There are as many as may be; one that is away makes room."""
        self.start(**RING_ALL, pages_per_agent=2)
        agent = self.join()
        self.join()
        self.fails(PageElsewhere, self.entering("alice"))
        self.gateway.leave("alice", SECOND)
        self.run_for(6)
        self.join()
        self.assertEqual([page.name for page in agent.pages], [FIRST, SECOND])

    def entering(self, agent_id: str, **more: Any) -> Any:
        """Begin to sign a page in that shares calls."""
        return self.gateway.sign_in(agent_id=agent_id, dn="5001", password="secret", abilities=LIBRARY, **more)


class Sounds(Pages):
    """Two pages that have the same calls."""

    def setUp(self) -> None:
        super().setUp()
        self.start(**RING_ALL)
        self.agent = self.join()
        self.join()

    def answered(self) -> tuple[Call, FarCall]:
        """Let a call come, and the second page answer it; nothing is undelivered then."""
        call, far = self.inbound(self.agent)
        self.describe_from(self.agent, SECOND, kind=MessageType.ANSWER)
        self.run_for()
        self.clear()
        return call, far

    def clear(self) -> None:
        """Let both pages have heard all."""
        for page in (FIRST, SECOND):
            self.heard(self.agent, page)

    def where(self, call: Call) -> list[str]:
        """Return where the sound is, for both pages."""
        return [self.agent.sound_of(call, page, self.clock.seconds()).value for page in (FIRST, SECOND)]

    def test_rings_everywhere(self) -> None:
        """A call rings at both; the one that answers has the sound, and the other hears of that."""
        call, far = self.inbound(self.agent)
        for page in (FIRST, SECOND):
            (offer,) = self.heard(self.agent, page)
            self.assertEqual((offer.type, offer.sdp), (MessageType.OFFER, SDP))
        self.describe_from(self.agent, SECOND, kind=MessageType.ANSWER)
        self.assertEqual(far.last("INVITE").status, 200)
        self.assertEqual(self.words(self.agent, FIRST)[0], "SOUND elsewhere")
        self.assertNotIn("SOUND elsewhere", self.words(self.agent, SECOND))
        self.assertEqual(self.where(call), ["elsewhere", "here"])

    def test_both_answer(self) -> None:
        """The first answer counts; the other page is told, and the call goes on."""
        call, _ = self.inbound(self.agent)
        self.describe_from(self.agent, FIRST, kind=MessageType.ANSWER)
        with self.assertRaises(SoundElsewhere):
            self.describe_from(self.agent, SECOND, OTHER_SDP, kind=MessageType.ANSWER)
        with self.assertRaises((SoundElsewhere, WrongState)):
            self.gateway.answer("alice", call.id, OTHER_SDP, page_address=PAGE, page=SECOND)
        self.assertEqual((call.state, self.where(call)), (CallState.ESTABLISHED, ["here", "elsewhere"]))

    def test_placed(self) -> None:
        """A call that one page places is known to the other, without descriptions."""
        call = self.gateway.place_call("alice", "5002", PAGE_SDP, page_address=PAGE, page=SECOND)
        self.run_for()
        far = self.far.calls[-1]
        far.ring()
        self.run_for()
        far.answer()
        self.run_for()
        own, other = self.words(self.agent, SECOND), self.heard(self.agent, FIRST)
        self.assertEqual([each for each in own if each != "OK"], ["RINGING", "ANSWER"])
        told = [(message.type.value, message.cause, message.state) for message in other]
        self.assertEqual(told[0], ("SOUND", "elsewhere", "DIALLING"))
        self.assertEqual(told[-1], ("SOUND", "elsewhere", "ESTABLISHED"))
        self.assertEqual({message.sdp for message in other}, {None})
        self.assertEqual(self.where(call), ["elsewhere", "here"])

    def hidden(self) -> tuple[Call, FarCall]:
        """Let the second page place a call that is not shown, and the far side answer it."""
        call = self.gateway.place_call("alice", "5002", PAGE_SDP, page_address=PAGE, page=SECOND, hidden=True)
        self.run_for()
        far = self.far.calls[-1]
        far.ring()
        far.answer()
        self.run_for()
        return call, far

    def test_hidden(self) -> None:
        """A call that its page does not show, as that of a check, is no other page's: whatever happens in it."""
        call, far = self.hidden()
        self.assertEqual([each for each in self.words(self.agent, SECOND) if each != "OK"], ["RINGING", "ANSWER"])
        waiting = self.begin(self.gateway.hold("alice", call.id))
        self.run_for()
        far.answer()
        self.run_for()
        self.successResultOf(waiting)
        self.gateway.mute("alice", call.id, True, by=SECOND)
        self.join()
        self.gateway.leave("alice", SECOND)
        self.run_for(6)
        self.gateway.attend("alice", SECOND)
        self.begin(self.gateway.hangup("alice", call.id))
        self.run_for()
        self.assertEqual([self.words(self.agent, page) for page in (FIRST, "3")], [[], []])
        self.assertEqual(self.words(self.agent, SECOND), ["HOLD", "SHUTDOWN"])

    def test_hidden_and_left(self) -> None:
        """When its page goes it ends, and no other page hears of that."""
        call, far = self.hidden()
        self.gateway.leave("alice", SECOND)
        self.run_for(GRACE + 1)
        self.assertIn("BYE", far.methods())
        self.assertFalse(call.is_up)
        self.assertEqual(self.words(self.agent, FIRST), [])

    def test_controls(self) -> None:
        """A page without the sound holds, resumes and ends the call; both hear of it."""
        call, far = self.answered()
        for verb, word in ((self.gateway.hold, "HOLD"), (self.gateway.resume, "RESUME")):
            waiting = self.begin(verb("alice", call.id))
            self.run_for()
            far.answer()
            self.run_for()
            self.successResultOf(waiting)
            for page in (FIRST, SECOND):
                self.assertEqual(self.words(self.agent, page), [word])
        self.begin(self.gateway.hangup("alice", call.id))
        self.run_for()
        self.assertIn("BYE", far.methods())
        for page in (FIRST, SECOND):
            self.assertEqual(self.words(self.agent, page), ["SHUTDOWN"])

    def test_mute(self) -> None:
        """The microphone of the other page is switched off and on."""
        call, _ = self.answered()
        self.gateway.mute("alice", call.id, True)
        self.assertTrue(call.muted)
        for page in (FIRST, SECOND):
            self.assertEqual(self.words(self.agent, page), ["MUTE ON"])
        self.gateway.mute("alice", call.id, False)
        self.assertEqual((call.muted, self.words(self.agent, SECOND)), (False, ["MUTE OFF"]))

    def test_mute_by_a_page(self) -> None:
        """The page that says so is not told: what comes back could undo what it has said since."""
        call, _ = self.answered()
        self.gateway.mute("alice", call.id, True, by=SECOND)
        self.assertEqual([self.words(self.agent, page) for page in (FIRST, SECOND)], [["MUTE ON"], []])

    def test_mute_of_a_call_that_is_over(self) -> None:
        """A page may say so before it has heard of the end; of a call that never was it is an error."""
        call, _ = self.answered()
        self.done(self.gateway.hangup("alice", call.id))
        for page in (FIRST, SECOND):
            self.words(self.agent, page)
        self.gateway.mute("alice", call.id, True, by=FIRST)
        self.assertEqual(self.words(self.agent, SECOND), [])
        self.assertRaises(UnknownCall, self.gateway.mute, "alice", "nothing", True)

    def test_far_offers(self) -> None:
        """What the far side offers inside the call is for the page that has the sound."""
        _, far = self.answered()
        far.reinvite(OTHER_SDP)
        self.run_for()
        self.assertEqual((self.words(self.agent, FIRST), self.words(self.agent, SECOND)), ([], ["OFFER"]))

    def move(self, call: Call, to: str = FIRST, sdp: str = OTHER_SDP) -> None:
        """Let a page ask for the sound."""
        self.describe_from(self.agent, to, sdp, kind=MessageType.OFFER, here=True, call_id=call.id)

    def test_moves(self) -> None:
        """The sound moves when the far side has agreed to the offer of the other page; the old one hears of it then."""
        moved: list[SoundMoved] = []
        self.gateway.events.subscribe(SoundMoved, moved.append)
        call, far = self.answered()
        self.move(call)
        self.assertEqual(self.where(call), ["elsewhere", "here"])
        self.assertEqual((self.words(self.agent, FIRST), self.words(self.agent, SECOND)), ([], []))
        far.answer()
        self.run_for()
        self.assertEqual(self.words(self.agent, FIRST), ["ANSWER"])
        self.assertEqual(self.words(self.agent, SECOND), ["SOUND elsewhere"])
        self.assertEqual(self.where(call), ["here", "elsewhere"])
        self.assertEqual([(event.before, event.after) for event in moved], [(SECOND, FIRST)])
        with self.assertRaises(SoundElsewhere):
            self.describe_from(self.agent, SECOND, kind=MessageType.OFFER, call_id=call.id)
        self.move(call, SECOND, PAGE_SDP)
        far.answer()
        self.run_for()
        self.assertEqual(self.where(call), ["elsewhere", "here"])

    def test_move_refused(self) -> None:
        """When the far side refuses, the sound stays where it is, and only who has asked hears of it."""
        call, far = self.answered()
        self.move(call)
        far.refuse(488)
        self.run_for()
        self.assertEqual((self.words(self.agent, FIRST), self.words(self.agent, SECOND)), (["ERROR"], []))
        self.assertEqual((self.where(call), call.moving), (["elsewhere", "here"], None))
        self.describe_from(self.agent, SECOND, OTHER_SDP, kind=MessageType.OFFER, call_id=call.id)

    def test_move_while_held(self) -> None:
        """A call on hold moves, and stays on hold until it is resumed with the sound of the new page."""
        call, far = self.answered()
        waiting = self.begin(self.gateway.hold("alice", call.id))
        self.run_for()
        far.answer()
        self.run_for()
        self.successResultOf(waiting)
        self.clear()
        self.move(call)
        far.answer(SDP.replace("sendrecv", "recvonly"))
        self.run_for()
        self.assertEqual((self.where(call), call.held), (["here", "elsewhere"], True))
        self.begin(self.gateway.resume("alice", call.id))
        self.run_for()
        self.assertIn("30002", far.offer)
        far.answer()
        self.run_for()
        self.assertFalse(call.held)

    def test_not_before_it_is_answered(self) -> None:
        """What is not established has no sound that could move."""
        call = self.gateway.place_call("alice", "5002", PAGE_SDP, page_address=PAGE, page=SECOND)
        self.run_for()
        with self.assertRaises(WrongState):
            self.move(call)

    def test_old_page_offers_meanwhile(self) -> None:
        """While the sound moves the old page's own offer has to wait; what it says changes nothing."""
        call, far = self.answered()
        self.move(call)
        with self.assertRaises(WrongState):
            self.describe_from(self.agent, SECOND, kind=MessageType.OFFER, call_id=call.id)
        far.answer()
        self.run_for()
        self.assertEqual(self.where(call), ["here", "elsewhere"])

    def test_one_goes(self) -> None:
        """A page that signs out ends the calls whose sound it has, and leaves the agent and the others to the rest."""
        call, far = self.answered()
        other, _ = self.inbound(self.agent)
        self.describe_from(self.agent, FIRST, kind=MessageType.ANSWER, call_id=other.id)
        self.gateway.leave_page(self.agent, SECOND)
        self.run_for()
        self.assertIn("BYE", far.methods())
        self.assertEqual((call.is_up, other.is_up), (False, True))
        self.assertIs(self.gateway.agent("alice"), self.agent)

    def test_one_is_lost_and_the_other_has_its_call(self) -> None:
        """The other page takes the call in time, and it goes on."""
        call, far = self.answered()
        self.gateway.leave("alice", SECOND)
        self.run_for(GRACE - 2)
        self.move(call)
        far.answer()
        self.run_for(2 * GRACE)
        self.assertTrue(call.is_up)
        self.assertIs(self.agent.sound_of(call, FIRST, self.clock.seconds()), Sound.HERE)

    def test_one_is_lost(self) -> None:
        """One that closes is missed after a while; its call is there for the other until the grace is over."""
        call, far = self.answered()
        self.gateway.leave("alice", SECOND)
        self.run_for(4)
        self.assertEqual(self.words(self.agent, FIRST), [])
        self.run_for(2)
        self.assertEqual(self.words(self.agent, FIRST), ["SOUND nowhere"])
        self.run_for(GRACE - 7)
        self.assertTrue(call.is_up)
        self.run_for(2)
        self.assertFalse(call.is_up)
        self.assertIn("BYE", far.methods())
        self.assertEqual([page.name for page in self.agent.pages], [FIRST])
        self.assertIs(self.gateway.agent("alice"), self.agent)

    def test_one_is_back(self) -> None:
        """One that comes back in time has its call still, and the other hears of it."""
        call, _ = self.answered()
        self.gateway.leave("alice", SECOND)
        self.run_for(6)
        self.gateway.attend("alice", SECOND)
        self.assertEqual(self.words(self.agent, FIRST), ["SOUND nowhere", "SOUND elsewhere"])
        self.run_for(2 * GRACE)
        self.assertTrue(call.is_up)

    def test_last_goes(self) -> None:
        """The last page that is lost takes the agent with it."""
        self.gateway.leave("alice", FIRST)
        self.run_for(1)
        self.gateway.leave("alice", SECOND)
        self.run_for(GRACE + 1)
        self.assertIsNone(self.gateway.find_dn("5001"))

    def test_comes_into_a_call(self) -> None:
        """A page that comes later hears of calls that ring, and of those whose sound is elsewhere."""
        self.answered()
        call, _ = self.inbound(self.agent)
        self.clear()
        self.join()
        self.run_for()
        told = [(message.type.value, message.call_id == call.id) for message in self.heard(self.agent, "3")]
        self.assertEqual(told, [("SOUND", False), ("OFFER", True)])
        self.assertEqual((self.words(self.agent, FIRST), self.words(self.agent, SECOND)), ([], []))

    def test_signs_in_again(self) -> None:
        """One of several that signs in anew is asked for the sound that it had; the others are not."""
        self.answered()
        self.join(page=SECOND)
        self.run_for()
        self.assertEqual([page.name for page in self.agent.pages], [FIRST, SECOND])
        self.assertEqual((self.words(self.agent, FIRST), self.words(self.agent, SECOND)), ([], ["OFFER"]))


class Restarts(Pages, RestartCase):
    """A process that ends while an agent has two pages."""

    def test_goes_on(self) -> None:
        """Both pages, what they have not been told, and where the sound is, are there again."""
        self.start(**RING_ALL)
        agent = self.join()
        self.join()
        call, _ = self.inbound(agent)
        self.describe_from(agent, SECOND, kind=MessageType.ANSWER)
        self.run_for()
        self.heard(agent, SECOND)
        self.gateway.mute("alice", call.id, True)
        hidden = self.gateway.place_call("alice", "5002", PAGE_SDP, page_address=PAGE, page=SECOND, hidden=True)
        self.run_for()
        self.far.calls[-1].answer()
        self.run_for()
        self.heard(agent, SECOND)
        self.gateway.mute("alice", call.id, True)
        unread = [message.seq for message in self.page(agent, FIRST).after(0)]
        self.restart(**RING_ALL)
        again = self.agent()
        self.assertEqual([page.name for page in again.pages], [FIRST, SECOND])
        restored = again.calls[call.id]
        self.assertEqual((restored.sound, restored.muted), (SECOND, True))
        self.assertTrue(again.calls[hidden.id].hidden)
        self.assertEqual([message.seq for message in self.page(again, FIRST).after(0)][: len(unread)], unread)
        self.assertEqual(self.words(again, SECOND)[0], "MUTE ON")
        for page in (FIRST, SECOND):
            self.gateway.attend("alice", page)
        for far in self.far.calls[-2:]:
            far.answer()
        self.run_for()
        self.heard(again, FIRST)
        self.describe_from(again, FIRST, OTHER_SDP, kind=MessageType.OFFER, here=True, call_id=restored.id)
        self.far.calls[-2].answer()
        self.run_for()
        self.assertEqual(restored.sound, FIRST)
        self.assertIn("SOUND elsewhere", self.words(again, SECOND))

    def test_one_does_not_come_back(self) -> None:
        """The page that had the sound is gone with the process: the call is there for the other, within the grace."""
        self.start(**RING_ALL)
        agent = self.join()
        self.join()
        self.inbound(agent)
        self.describe_from(agent, SECOND, kind=MessageType.ANSWER)
        self.run_for()
        self.restart(**RING_ALL)
        self.gateway.attend("alice", FIRST)
        self.far.calls[-1].answer()
        self.run_for(GRACE - 2)
        (call,) = self.agent().calls.values()
        self.assertTrue(call.is_up)
        self.run_for(3)
        self.assertFalse(call.is_up)
        self.assertEqual([page.name for page in self.agent().pages], [FIRST])
