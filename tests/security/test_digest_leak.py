"""Digest leak: far sides that ask for credentials, to try words on the password; credentials that nobody asked for."""

import gc
import weakref

from tests.support.farside import SDP, FarCall
from tests.support.gatewaycase import PAGE_SDP, GatewayCase
from wrtcgw.calls.agent import Agent
from wrtcgw.calls.messages import MessageType
from wrtcgw.errors import RegistrationRefused
from wrtcgw.events.catalogue import AlarmRaised
from wrtcgw.sip.headers import Credentials
from wrtcgw.sip.message import Request

EVIL = 'Digest realm="evil.example", nonce="x", algorithm=MD5, qop="auth"'
OWN = 'Digest realm="far", nonce="x", algorithm=MD5, qop="auth"'
STRONG = 'Digest realm="far", nonce="s{}", algorithm=SHA-256, qop="auth"'
NAMES = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}


class LeakCase(GatewayCase):
    """A far side that challenges what a test says; the registrar's realm is ``far``."""

    def start(self, **changes: object) -> None:
        """Make the gateway, and note its alarms."""
        super().start(**changes)
        self.alarms: list[AlarmRaised] = []
        self.gateway.events.subscribe(AlarmRaised, self.alarms.append)

    def shown(self, *requests: Request) -> list[str]:
        """Return the realms for which requests carry credentials."""
        fields = [value for request in requests for name, value in request.headers.items() if "uthorization" in name]
        return [Credentials.parse(value).params["realm"] for value in fields]

    def challenged(self, method: str, status: int, challenge: str, *, agent: Agent | None = None) -> list[Request]:
        """Let a request of that method be challenged; return those of that method that were sent."""
        agent = agent or self.sign_in()
        call, far = self.place(agent)
        if method != "INVITE":
            far.answer()
            self.run_for(1)
        self.far.challenges[method] = (NAMES[status], challenge)
        if method == "INVITE":
            far = self.place(agent)[1]
        elif method == "re-INVITE":
            self.far.challenges["INVITE"] = self.far.challenges.pop("re-INVITE")
            self.begin(self.gateway.hold(agent.id, call.id)).addErrback(lambda failure: None)
        else:
            self.act(method, agent, call.id)
        self.run_for(2)
        return [each for each in far.requests if each.method == method.removeprefix("re-")]

    def act(self, method: str, agent: Agent, call_id: str) -> None:
        """Have the gateway send a request of that method inside a call."""
        work = {
            "INFO": lambda: self.gateway.dtmf(agent.id, call_id, "1"),
            "REFER": lambda: self.gateway.transfer(agent.id, call_id, to="5003"),
            "BYE": lambda: self.gateway.hangup(agent.id, call_id),
        }[method]()
        self.begin(work).addErrback(lambda failure: None)

    def far_call(self, agent: Agent) -> FarCall:
        """Return an established call."""
        return self.outbound(agent)[1]


METHODS = ("INVITE", "re-INVITE", "INFO", "REFER", "BYE")


class ForeignRealmTests(LeakCase):
    """Realms that are not the registrar's."""

    def test_each_method(self) -> None:
        """No method's challenge gets credentials, by neither status; nothing is repeated, and an alarm tells of it."""
        for method in METHODS:
            for status in NAMES:
                self.start()
                sent = self.challenged(method, status, EVIL)
                self.assertEqual(self.shown(*sent), [], method)
                expected = 2 if method == "re-INVITE" else 1
                self.assertEqual(len(sent), expected, method)
                self.assertEqual({alarm.kind.value for alarm in self.alarms}, {"foreign_realm"}, method)
                self.assertEqual(self.alarms[0].setting, "auth_realms")
                self.assertIn("evil.example", self.alarms[0].text)

    def test_requests_by_itself(self) -> None:
        """Nor do those get any that the gateway sends by itself: PRACK, UPDATE of the session timer, NOTIFY."""
        for method in ("PRACK", "UPDATE", "NOTIFY"):
            for status, name in NAMES.items():
                for challenge, realms in ((EVIL, []), (OWN, ["far"])):
                    self.start(accept_refer=True)
                    agent = self.sign_in()
                    _, far = self.place(agent)
                    self.far.challenges[method] = (name, challenge)
                    self.provoke(method, far)
                    sent = [each for each in far.requests if each.method == method]
                    self.assertTrue(sent, method)
                    self.assertEqual(set(self.shown(*sent)), set(realms), (method, status, challenge))
                    kinds = {alarm.kind.value for alarm in self.alarms}
                    self.assertEqual(kinds, set() if realms else {"foreign_realm"}, (method, status))

    def provoke(self, method: str, far: FarCall) -> None:
        """Bring the gateway to a request of that method inside a call that was placed."""
        if method == "PRACK":
            assert far.invite is not None
            self.far.respond(far, far.invite, 183, None, SDP, [("Require", "100rel"), ("RSeq", "1")])
            self.run_for(2)
            return
        timer = [("Session-Expires", "90;refresher=uac"), ("Require", "timer"), ("Allow", "INVITE, ACK, BYE, UPDATE")]
        far.answer(fields=timer if method == "UPDATE" else ())
        self.run_for(1)
        if method == "NOTIFY":
            far.refer("sip:5003@example.org")
            self.run_for(2)
        else:
            self.run_for(60)

    def test_the_page(self) -> None:
        """The page is told what decides who gets credentials, not that its own are wrong."""
        for method, status in (("INVITE", 401), ("INVITE", 407)):
            self.start()
            agent = self.sign_in()
            self.challenged(method, status, EVIL, agent=agent)
            told = self.last(agent, MessageType.ERROR)
            self.assertEqual((told.cause, told.code), ("credentials", status))
            self.assertIn("auth_realms", told.hint)
            self.assertNotIn("sign in", told.hint)

    def test_beside_the_own_one(self) -> None:
        """Of several challenges only that of the own realm is answered."""
        sent = self.challenged("INFO", 401, f"{EVIL}, {OWN}")
        self.assertEqual(self.shown(*sent), ["far"])
        self.start()
        self.far.more_challenges = (("WWW-Authenticate", OWN),)
        sent = self.challenged("INFO", 401, EVIL)
        self.assertEqual(self.shown(*sent), ["far"])

    def test_own_realm(self) -> None:
        """The registrar's realm is answered, once for each challenge."""
        for method in METHODS:
            self.start()
            sent = self.challenged(method, 401, OWN)
            self.assertEqual(self.shown(*sent), ["far"], method)
            self.assertEqual(self.alarms, [])

    def test_configured(self) -> None:
        """With auth_realms those count and no others, the registrar's included."""
        self.start(auth_realms=("proxy.example", "far"))
        sent = self.challenged("INVITE", 407, OWN.replace("far", "proxy.example"))
        self.assertEqual(self.shown(*sent), ["proxy.example"])
        self.start(auth_realms=("other",))
        self.fails(RegistrationRefused, self.gateway.sign_in(agent_id="alice", dn="5001", password="secret"))
        self.assertEqual(self.alarms[-1].kind.value, "foreign_realm")

    def test_guests(self) -> None:
        """A guest's credentials are for the realm of the guest DN's registration, a configured one, or the domain."""
        off: dict[str, object] = {"guest_mode": "unregistered", "guest_dn": "5003", "guest_password": "third"}
        cases: tuple[tuple[dict[str, object], str, list[str]], ...] = (
            (off, OWN, []),
            (off, OWN.replace("far", "example.org"), ["example.org"]),
            ({**off, "auth_realms": ("far",)}, OWN, ["far"]),
            ({**off, "auth_realms": ("far",)}, EVIL, []),
            ({**off, "guest_mode": "registered"}, OWN, ["far"]),
            ({**off, "guest_mode": "registered"}, EVIL, []),
        )
        for settings, challenge, realms in cases:
            self.start(guest_destinations=("*",), **settings)
            agent = self.done(self.gateway.sign_in_guest("anon"), 1)
            self.far.challenges["INVITE"] = ("WWW-Authenticate", challenge)
            self.gateway.place_call(agent.id, "8000", PAGE_SDP, page_address="192.0.2.1")
            self.run_for(1)
            self.assertEqual(self.shown(*self.far.calls[-1].requests), realms, settings)

    def test_unregistered_guests(self) -> None:
        """Guests who are not registered show credentials where the registrar has challenged an agent."""
        self.start(guest_mode="unregistered", guest_dn="5003", guest_password="third", guest_destinations=("*",))
        self.sign_in()
        guest = self.done(self.gateway.sign_in_guest("anon"), 1)
        for challenge, realms in ((OWN, ["far"]), (EVIL, [])):
            self.far.challenges["INVITE"] = ("WWW-Authenticate", challenge)
            call = self.gateway.place_call(guest.id, "8000", PAGE_SDP, page_address="192.0.2.1")
            self.run_for(1)
            self.assertEqual(self.shown(*self.far.calls[-1].requests), realms)
            if call.is_up:
                self.done(self.gateway.hangup(guest.id), 6)


class UnaskedTests(LeakCase):
    """Credentials that were not asked for."""

    def test_in_dialog(self) -> None:
        """No request inside a call carries any, not even those of the registrar's realm that another call was asked."""
        agent = self.sign_in()
        self.far.challenge_invite = True
        _, first = self.outbound(agent)
        self.far.challenge_invite = False
        second = self.far_call(agent)
        for method in ("INFO", "REFER", "BYE"):
            for call in list(agent.calls):
                work = self.gateway.info(agent.id, call, "text/plain", "x") if method == "INFO" else None
                if work is not None:
                    self.done(work)
        self.done(self.gateway.sign_out(agent.id), 6)
        carried = [each for each in (*first.requests, *second.requests) if each.method not in ("INVITE", "ACK")]
        self.assertGreater(len(carried), 3)
        self.assertEqual(self.shown(*carried), [])

    def test_a_challenge_brings_no_others(self) -> None:
        """Who asks for one realm gets no credentials of others along."""
        self.start(auth_realms=("far", "proxy.example"))
        agent = self.sign_in()
        self.challenged("INVITE", 401, OWN, agent=agent)
        self.far.challenges.clear()
        sent = self.challenged("INFO", 407, OWN.replace("far", "proxy.example"), agent=agent)
        self.assertEqual(self.shown(*sent), ["proxy.example"])


class DowngradeTests(LeakCase):
    """Weaker algorithms than those that the realm has used."""

    def strong(self, **settings: object) -> Agent:
        """Sign in at a registrar that challenges with SHA-256."""
        self.start(**settings)
        self.far.challenges["REGISTER"] = ("WWW-Authenticate", STRONG.format(1))
        agent = self.sign_in()
        return agent

    def test_later_md5(self) -> None:
        """MD5 for a realm that has used SHA-256 gets nothing, and an alarm; SHA-256 does."""
        agent = self.strong()
        sent = self.challenged("INFO", 407, OWN, agent=agent)
        self.assertEqual(self.shown(*sent), [])
        self.assertEqual({alarm.kind.value for alarm in self.alarms}, {"weak_digest"})
        self.assertEqual(self.alarms[0].setting, "digest_algorithms")
        self.start()
        agent = self.strong()
        self.assertEqual(self.shown(*self.challenged("INFO", 407, STRONG.format(2), agent=agent)), ["far"])

    def test_not_allowed(self) -> None:
        """An algorithm that the site does not allow is never used."""
        self.start(digest_algorithms=("SHA-512-256", "SHA-256"))
        self.fails(RegistrationRefused, self.gateway.sign_in(agent_id="alice", dn="5001", password="secret"))
        self.assertEqual({alarm.kind.value for alarm in self.alarms}, {"weak_digest"})

    def test_a_far_side_teaches_nothing(self) -> None:
        """A stronger algorithm in a call does not lock the registrar's own out."""
        agent = self.sign_in()
        self.challenged("INFO", 401, STRONG.format(1), agent=agent)
        self.assertEqual(self.alarms[-1:], [])
        self.assertEqual(self.shown(*self.challenged("INFO", 401, OWN, agent=agent)), ["far"])
        self.run_for(600)
        self.assertEqual(agent.registration.value, "REGISTERED")


class MemoryTests(LeakCase):
    """What is left of a password."""

    def kept(self, secret: str) -> list[object]:
        """Return the objects of the gateway that hold exactly this text."""
        gc.collect()
        mine = [each for each in gc.get_objects() if str(type(each).__module__).startswith("wrtcgw.")]
        return [each for each in mine if any(value == secret for value in gc.get_referents(each) if type(value) is str)]

    def test_hashes_take_its_place(self) -> None:
        """Once the registrar has agreed the password is nowhere, and refreshes and calls go on with its hashes."""
        self.passwords["5001"] = "pass-" + "word-5001"
        agent = self.sign_in()
        self.assertEqual(self.kept("pass-word-5001"), [])
        self.assertEqual(self.shown(*self.challenged("INVITE", 401, OWN, agent=agent)), ["far"])
        self.run_for(700)
        self.assertEqual(agent.registration.value, "REGISTERED")
        self.assertGreaterEqual(len(self.far.registers), 3)

    def test_nothing_after_sign_out(self) -> None:
        """When the agent has signed out its keyring is gone too."""
        agent = self.sign_in()
        account = self.core.account("5001")
        assert account is not None
        keyring = weakref.ref(account.keyring)
        del account
        self.outbound(agent)
        self.done(self.gateway.sign_out("alice"), 10)
        self.run_for(100)
        gc.collect()
        self.assertIsNone(keyring())
