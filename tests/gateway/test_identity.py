"""What a page learns of who is at the far end, of the way that a call came, and of why it ended."""

from typing import Any

from tests.support.farside import SDP, FarCall
from tests.support.gatewaycase import PAGE, PAGE_SDP, GatewayCase
from wrtcgw.calls.call import Call
from wrtcgw.calls.messages import AgentMessage, MessageType
from wrtcgw.errors import BadInput, RegistrationRefused, RequestRefused

ASSERTED = "P-Asserted-Identity"
JANE = (ASSERTED, '"Jane Doe" <sip:+4930123456@example.org>')
OFFER = "application/sdp"


class Arrival(GatewayCase):
    """What the OFFER of an incoming call tells."""

    def offer(self, *fields: tuple[str, str], settings: dict[str, Any] | None = None, **more: Any) -> AgentMessage:
        """Return the OFFER of a call with these header fields."""
        self.start(**settings or {})
        self.alice = self.sign_in()
        self.call, self.from_far = self.inbound(self.alice, fields=fields, **more)
        (message,) = self.messages(self.alice)
        return message

    def test_number_dialled(self) -> None:
        """The page learns what was dialled, and who diverted the call, first diverter first."""
        offer = self.offer(
            ("P-Called-Party-ID", "<sip:+49800555@example.org>"),
            ("Diversion", "<sip:2@a>;reason=no-answer, <sip:1@a>;reason=unconditional"),
        )
        self.assertEqual(offer.called, "+49800555")
        self.assertEqual(offer.diversion, (("1", "unconditional"), ("2", "no-answer")))
        self.assertEqual(self.offer().called, "5001")

    def test_headers(self) -> None:
        """Header fields are told as the site names them, several of a name in one; no other is."""
        fields = ("alert-info", "<http://x>;info=external"), ("X-DNIS", "1"), ("X-DNIS", "2"), ("User-to-User", "00")
        offer = self.offer(*fields, settings={"page_headers": ("Alert-Info", "x-dnis", "X-Missing")})
        self.assertEqual(offer.headers, (("Alert-Info", "<http://x>;info=external"), ("x-dnis", "1, 2")))
        self.assertEqual(self.offer(*fields).headers, ())

    def test_privacy(self) -> None:
        """A withheld number reaches neither the OFFER nor the calls list, by no header field either."""
        named = {"page_headers": (ASSERTED, "From", "X-DNIS")}
        fields = JANE, ("Privacy", "id"), ("Referred-By", "<sip:+4930123456@a>"), ("X-DNIS", "1")
        offer = self.offer(*fields, settings=named, caller="+4930123456", name="Jane Doe")
        self.assertEqual((offer.from_, offer.display_name), ("anonymous", "Anonymous"))
        self.assertEqual((offer.headers, offer.referred_by), ((("X-DNIS", "1"),), ""))
        self.assertEqual(self.call.peer, "anonymous")
        shown = self.offer(*fields, settings={**named, "show_private_identity": True})
        self.assertEqual((shown.from_, shown.display_name), ("+4930123456", "Jane Doe"))
        self.assertEqual(shown.referred_by, "<sip:+4930123456@a>")

    def test_again_for_a_new_page(self) -> None:
        """A page that comes while the call rings is told the same, and one that comes later as well."""
        fields = JANE, ("Diversion", "<sip:1@a>;reason=away"), ("X-DNIS", "1")
        first = self.offer(*fields, settings={"page_headers": ("X-DNIS",)})
        self.sign_in()
        again = self.last(self.alice, MessageType.OFFER)
        self.describe(self.alice)
        self.sign_in()
        later = self.last(self.alice, MessageType.OFFER)
        self.assertIsNone(later.sdp)
        for message in (again, later):
            for name in ("from_", "display_name", "called", "diversion", "headers"):
                self.assertEqual(getattr(message, name), getattr(first, name), name)

    def test_texts(self) -> None:
        """Who sends a text is told by the same rules."""
        self.offer()
        call = self.from_far
        self.from_far.send("MESSAGE", "hello", "text/plain", [JANE])
        self.run_for()
        self.assertEqual(self.last(self.alice, MessageType.INFO).from_, "+4930123456")
        call.send("MESSAGE", "hello", "text/plain", [JANE, ("Privacy", "id")])
        self.run_for()
        self.assertEqual(self.last(self.alice, MessageType.INFO).from_, "anonymous")


class GivenBack(GatewayCase):
    """What ``from`` says can be given as ``to``."""

    def test_given_back(self) -> None:
        """Also a user that could not be written so by somebody else."""
        agent = self.sign_in()
        for caller, shown, called in (
            ("+14155551212;verstat=TN-Validation-Passed", "+14155551212", "sip:+14155551212@example.org"),
            ("alice%40corp", "alice@corp", "sip:alice%40corp@example.org"),
            ("alice;day=tuesday", "alice;day=tuesday", "sip:alice;day=tuesday@example.org"),
            ("a%20b", "a b", "sip:a%20b@example.org"),
            ("555-1234", "5551234", "sip:5551234@example.org"),
            ("%2321%23", "#21#", "sip:%2321%23@example.org"),
        ):
            _, far = self.inbound(agent, caller=caller)
            told = self.last(agent, MessageType.OFFER).from_
            self.assertEqual(told, shown)
            far.cancel()
            self.run_for()
            _, placed = self.place(agent, told)
            self.assertEqual(placed.requests[0].uri, called)
            self.done(self.gateway.hangup("alice"), 6)

    def test_no_user(self) -> None:
        """Who is told as a whole URI, or withheld, is nobody to call by that; who is named later is."""
        agent = self.sign_in()
        _, far = self.inbound(agent, fields=[("Privacy", "id")])
        far.send("UPDATE", fields=[(ASSERTED, "<sip:bob%40corp@example.org>")])
        self.run_for()
        self.assertEqual(self.last(agent, MessageType.IDENTITY).from_, "bob@corp")
        self.assertEqual(list(agent.heard), ["bob@corp"])
        far.local = "<sip:pbx.example.com>" + far.local[far.local.index(";tag") :]
        far.send("UPDATE", fields=[("Supported", "from-change")])
        self.run_for()
        self.assertEqual(self.last(agent, MessageType.IDENTITY).from_, "sip:pbx.example.com")
        self.assertEqual(list(agent.heard), ["bob@corp"])

    def test_not_by_others(self) -> None:
        """What another agent has heard is no address for this one."""
        self.inbound(self.sign_in(), caller="alice%40corp")
        self.sign_in("bob", "5002")
        with self.assertRaises(BadInput):
            self.gateway.place_call("bob", "alice@corp", PAGE_SDP, page_address=PAGE)


class Connected(GatewayCase):
    """IDENTITY: the far side is another one now."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()

    def established(self, *fields: tuple[str, str], **more: Any) -> tuple[Call, FarCall]:
        """Return an incoming call that was answered; its messages are delivered."""
        call, far = self.inbound(self.agent, fields=fields, **more)
        self.describe(self.agent)
        self.messages(self.agent)
        return call, far

    def identities(self) -> list[tuple[str, str]]:
        """Return what new IDENTITY messages tell."""
        self.run_for()
        told = [message for message in self.messages(self.agent) if message.type is MessageType.IDENTITY]
        return [(message.from_, message.display_name) for message in told]

    def test_update(self) -> None:
        """After a transfer by the PBX the page hears with whom it talks now, once, and the calls list follows."""
        call, far = self.established()
        for _ in range(2):
            far.send("UPDATE", fields=[(ASSERTED, '"Phone22" <sip:122@192.0.2.4>')])
        self.assertEqual(self.identities(), [("122", "Phone22")])
        self.assertEqual((call.peer, call.display_name), ("122", "Phone22"))
        self.assertEqual(far.last("UPDATE").status, 200)

    def test_reinvite(self) -> None:
        """A re-INVITE tells it as well, with a description or without, by Remote-Party-ID too."""
        _, far = self.established()
        far.send("INVITE", SDP, OFFER, [("Remote-Party-ID", '"Nr 7" <sip:7@a>;party=called;privacy=off')])
        self.assertEqual(self.identities(), [("7", "Nr 7")])
        far.ack_sdp = SDP
        far.send("INVITE", fields=[(ASSERTED, "<tel:+49-8>")])
        self.assertEqual(self.identities(), [("+498", "")])
        far.send("UPDATE", SDP, OFFER, fields=[(ASSERTED, "<sip:9@a>")])
        self.assertEqual(self.identities(), [("9", "")])

    def test_while_it_rings(self) -> None:
        """In an early dialog too: the page that comes then is offered the call of the one who calls now."""
        _, far = self.inbound(self.agent)
        far.send("UPDATE", fields=[(ASSERTED, '"Nr 7" <sip:7@a>')])
        self.assertEqual(self.identities(), [("7", "Nr 7")])
        self.sign_in()
        self.assertEqual(self.last(self.agent, MessageType.OFFER).from_, "7")

    def test_answers(self) -> None:
        """The 2xx to the page's call and to a later offer of it tell who has taken it."""
        call, far = self.place(self.agent)
        far.answer(fields=[(ASSERTED, '"Sales" <sip:600@a>')])
        self.assertEqual(self.identities(), [("600", "Sales")])
        self.assertEqual((call.peer, call.called), ("600", "5002"))
        self.begin(self.gateway.hold("alice"))
        self.run_for()
        far.answer(fields=[(ASSERTED, "<sip:601@a>")])
        self.assertEqual(self.identities(), [("601", "")])

    def test_name(self) -> None:
        """A name that becomes known is told; that none is given again changes nothing."""
        call, far = self.established()
        far.send("UPDATE", fields=[(ASSERTED, '"Ann" <sip:5002@a>')])
        self.assertEqual(self.identities(), [("5002", "Ann")])
        far.send("UPDATE", fields=[(ASSERTED, "<sip:5002@a>")])
        far.send("UPDATE")
        far.send("UPDATE", fields=[(ASSERTED, "<sip:pbx.example.com>")])
        self.assertEqual(self.identities(), [])
        self.assertEqual(call.display_name, "Ann")

    def test_changed_from(self) -> None:
        """A peer that may change From tells it so, back and forth; of any other From means nothing."""
        _, far = self.established()
        before = far.local
        knows = [("Supported", "from-change")]
        far.local = '"Bo" <sip:5009@example.org>' + before[before.index(";tag") :]
        far.send("UPDATE")
        self.assertEqual(self.identities(), [])
        far.local = '"Al" <sip:5008@example.org>' + before[before.index(";tag") :]
        far.send("UPDATE", fields=knows)
        self.assertEqual(self.identities(), [("5008", "Al")])
        far.local = before
        far.send("UPDATE", fields=knows)
        self.assertEqual(self.identities(), [("5002", "")])

    def test_privacy(self) -> None:
        """Who wants to be unknown is, also where a later message forgets to say so."""
        _, far = self.established(JANE, ("Privacy", "id"))
        far.send("UPDATE", fields=[JANE])
        self.assertEqual(self.identities(), [])
        far.send("UPDATE", fields=[(ASSERTED, "<sip:7@a>")])
        self.assertEqual(self.identities(), [("7", "")])
        far.send("UPDATE", fields=[(ASSERTED, "<sip:8@a>"), ("Privacy", "id")])
        self.assertEqual(self.identities(), [("anonymous", "Anonymous")])

    def test_refused_offer(self) -> None:
        """A re-INVITE that is refused is no change: its sender repeats it."""
        _, far = self.established()
        self.begin(self.gateway.hold("alice"))
        far.send("INVITE", SDP, OFFER, [(ASSERTED, "<sip:7@a>")])
        self.assertEqual(self.identities(), [])
        self.assertEqual(far.last("INVITE").status, 491)


class Words(GatewayCase):
    """Warning and Reason of what ends a call or refuses something in it."""

    WARNING = ("Warning", '305 gw.example.com "Incompatible media format"')
    REASON = ("Reason", 'Q.850;cause=21;text="Call rejected"')

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()

    def test_refusals(self) -> None:
        """The ERROR of a call that failed has the texts of both."""
        several = """305 gw one, and more, 399 gw 'two', 301 gw "no end, really"""
        for fields, words in (
            ([self.WARNING], ("Incompatible media format", "")),
            ([self.REASON], ("", "Call rejected")),
            ([("Warning", '399 - "a \\"b\\"", 301 x "c"'), ("Reason", "SIP;cause=603")], ('a "b"; c', "SIP 603")),
            ([("Warning", "nonsense"), ("Reason", ";;")], ("", "")),
            ([("Warning", "305 gw, 399"), ("Warning", ",")], ("", "")),
            ([("Warning", "305 gw.example.com Incompatible media format")], ("Incompatible media format", "")),
            ([("Warning", '305 [2001:db8::1]:5060 "No end, really')], ("No end, really", "")),
            ([("Warning", "399 gw 'single'"), ("Warning", '399 gw "b"')], ("single; b", "")),
            ([("Warning", '399 gw "quoted", 305 gw not quoted')], ("quoted; not quoted", "")),
            ([("Warning", '305 gw not quoted, 399 gw "quoted, 301 x"')], ("not quoted; quoted, 301 x", "")),
            ([("Warning", several)], ("one, and more; two; no end, really", "")),
            ([("Warning", '399 "no agent",, nonsense, 301 - last ,')], ("no agent; last", "")),
            ([], ("", "")),
        ):
            _, far = self.place(self.agent)
            far.refuse(488, fields=fields)
            self.run_for()
            error = self.last(self.agent, MessageType.ERROR)
            self.assertEqual((error.code, error.warning, error.sip_reason), (488, *words))

    def test_ends(self) -> None:
        """The SHUTDOWN of a call that the far side ends has them too."""
        _, far = self.outbound(self.agent)
        far.bye('Q.850;cause=16;text="Normal call clearing"')
        self.run_for()
        self.assertEqual(self.last(self.agent, MessageType.SHUTDOWN).sip_reason, "Normal call clearing")
        _, far = self.inbound(self.agent)
        far.cancel('SIP;cause=200;text="Call completed elsewhere"')
        self.run_for()
        self.assertEqual(self.last(self.agent, MessageType.SHUTDOWN).sip_reason, "Call completed elsewhere")

    def test_in_a_call(self) -> None:
        """A refused offer of the page and a refused verb have them."""
        _, far = self.outbound(self.agent)
        self.describe(self.agent, kind=MessageType.OFFER)
        far.refuse(488, fields=[self.WARNING, self.REASON])
        self.run_for()
        error = self.last(self.agent, MessageType.ERROR)
        self.assertEqual((error.cause, error.warning), ("not-acceptable", "Incompatible media format"))
        self.assertEqual(error.sip_reason, "Call rejected")
        holding = self.begin(self.gateway.hold("alice"))
        self.run_for()
        far.refuse(403, fields=[self.REASON])
        self.run_for()
        refused = self.failureResultOf(holding, RequestRefused).value
        self.assertEqual((refused.warning, refused.sip_reason), ("", "Call rejected"))

    def test_registrations(self) -> None:
        """A refused sign-in has them, and the page is told those of a refused refresh until one is granted."""
        self.far.register_fields = [self.WARNING, self.REASON]
        self.far.script("REGISTER", 403)
        signing_in = self.gateway.sign_in(agent_id="bob", dn="5002", password="geheim")
        refused = self.fails(RegistrationRefused, signing_in)
        self.assertEqual((refused.warning, refused.sip_reason), ("Incompatible media format", "Call rejected"))
        self.far.script("REGISTER", 500)
        self.run_for(560)
        told = [message for message in self.messages(self.agent) if message.type is MessageType.REGISTRATION]
        self.assertEqual([message.state for message in told], ["RECOVERING", "REGISTERED"])
        self.assertEqual((told[0].warning, told[0].sip_reason), ("Incompatible media format", "Call rejected"))
        self.assertEqual((told[1].warning, told[1].sip_reason), ("", ""))

    def test_transfers(self) -> None:
        """A failed transfer has those of the sipfrag; where it has none, those of the NOTIFY."""
        _, far = self.outbound(self.agent)
        for sipfrag, fields, words in (
            ('Warning: 399 gw "Not from here"\r\nReason: Q.850;cause=21;text="Call rejected"', [], None),
            ('reason:SIP ;cause=603\r\n ;text=No\r\nrubbish\r\n\r\nWarning: 399 gw "body"', [], ("", "No")),
            ("Warning: nonsense", [self.WARNING, self.REASON], ("Incompatible media format", "Call rejected")),
            ("", [self.REASON], ("", "Call rejected")),
            ('Warning: 399 gw "a\rb"', [], ("a b", "")),
            ("Reason: ;;", [], ("", "")),
        ):
            self.done(self.gateway.transfer("alice", to="1004"))
            told = [("Event", "refer"), ("Subscription-State", "terminated"), *fields]
            body = f"SIP/2.0 603 Decline\r\n{sipfrag}".rstrip() + "\r\n"
            far.send("NOTIFY", body, "message/sipfrag;version=2.0", told)
            self.run_for()
            failed = self.last(self.agent, MessageType.TRANSFER)
            self.assertEqual((failed.state, failed.code), ("FAILED", 603))
            self.assertEqual((failed.warning, failed.sip_reason), words or ("Not from here", "Call rejected"))


class Destinations(GatewayCase):
    """The one reading of ``to``."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = self.sign_in()

    def test_numbers(self) -> None:
        """The number that is meant is called."""
        for to, user in (
            ("0800 1234", "08001234"),
            (" 030123", "030123"),
            ("tel:+1-201-555-0123", "+12015550123"),
            ("TEL:+1-201-555-0123;ext=7", "+12015550123"),
            ("tel:%2B49-30-1", "+49301"),
            ("callto:+49 30 1", "+49301"),
            ("+49301;ext=7;isub=1", "+49301"),
            ("+49 (0)30 123", "+4930123"),
            ("(+49) (0) 30 123", "+4930123"),
            ("+(49)(0)30123", "+4930123"),
            ("( 0049 ) (0) 30", "004930"),
            ("(+39) (0)6 12", "+390612"),
            ("(030) 123", "030123"),
            ("\u202a+49 30 1\u202c", "+49301"),
            ("+14155551212;verstat=TN-Validation-Passed", "+14155551212"),
            ("#21#", "%2321%23"),
            ("*97", "*97"),
            ("john.doe", "john.doe"),
            ("agent-5", "agent-5"),
            ("alice%40corp", "alice%40corp"),
            ("sip:+1-201-555-0123@example.org;user=phone", "+12015550123"),
            ("sip:555-1234@example.org", "555-1234"),
        ):
            _, far = self.place(self.agent, to)
            self.assertEqual(far.requests[0].uri.removeprefix("sip:").partition("@")[0], user, to)
            self.done(self.gateway.hangup("alice"), 6)

    def test_none(self) -> None:
        """What is no number is not called as a part of one: 400 names ``to``."""
        for to in ("12;34", "12,34", "12 34 ext 5", "+", "()", "-", "...", "tel:", "callto:x"):
            with self.assertRaises(BadInput) as caught:
                self.gateway.place_call("alice", to, PAGE_SDP, page_address=PAGE)
            self.assertEqual(caught.exception.field, "to", to)

    def test_transfers(self) -> None:
        """A transfer reads it the same way."""
        _, far = self.outbound(self.agent)
        self.begin(self.gateway.transfer("alice", to="+49 (0)30 / 123"))
        self.run_for(1)
        self.assertEqual(far.request("REFER").headers.get("Refer-To"), "<sip:+4930123@example.org>")

    def test_dns_first(self) -> None:
        """A DN of ours is called as it stands, whatever a rule for numbers would make of it."""
        self.passwords |= {"50-01": "x", "anna@corp": "x"}
        self.sign_in("b", "50-01", "x")
        self.sign_in("c", "anna@corp", "x")
        for to, uri in (("50-01", "sip:50-01@example.org"), ("anna@corp", "sip:anna%40corp@example.org")):
            _, far = self.place(self.agent, to)
            self.assertEqual(far.requests[0].uri, uri)
            self.done(self.gateway.hangup("alice"), 6)

    def test_refused(self) -> None:
        """What is no number and no user is refused by name."""
        for to in (" ", "tel:", "tel:alice", "tel:+49@example.org", "a b", "0800 FLOWERS", "a%0d%0ab", "+1;x y@z"):
            with self.assertRaises(BadInput, msg=to) as caught:
                self.gateway.place_call("alice", to, PAGE_SDP, page_address=PAGE)
            self.assertEqual(caught.exception.field, "to", to)


class Accounts(GatewayCase):
    """DNs of any characters, and a user for authentication beside them."""

    def test_escaped(self) -> None:
        """They are escaped in every URI, and calls to them arrive."""
        for dn, escaped in (
            ("anna@corp", "anna%40corp"),
            ("7#1", "7%231"),
            ("a:b", "a%3Ab"),
            ("j\u00f6rg", "j%C3%B6rg"),
        ):
            self.passwords[dn] = "x"
            agent = self.sign_in(f"id-{escaped}", dn, "x")
            register = self.far.registers[-1]
            self.assertEqual(register.headers.get("To"), f"<sip:{escaped}@example.org>")
            self.assertIn(f"<sip:{escaped}@gw.invalid;", register.headers.get("Contact") or "")
            call, far = self.inbound(agent, caller="5002")
            self.assertEqual(call.peer, "5002")
            self.describe(agent)
            self.assertEqual(far.last("INVITE").status, 200)
            self.done(self.gateway.hangup(agent.id), 6)
            _, far = self.place(agent, "5002")
            self.assertIn(f"<sip:{escaped}@example.org>", far.requests[0].headers.get("From") or "")
            self.done(self.gateway.hangup(agent.id), 6)

    def test_auth_user(self) -> None:
        """The digest names the user that was given, for REGISTER and INVITE; From and Contact name the DN."""
        self.passwords["auth7"] = "x"
        self.far.users["5007"] = "auth7"
        self.far.challenge_invite = True
        agent = self.sign_in("a", "5007", "x", auth_user="auth7")
        register = self.far.registers[-1]
        self.assertIn('username="auth7"', register.headers.get("Authorization") or "")
        self.assertEqual(register.headers.get("To"), "<sip:5007@example.org>")
        _, far = self.place(agent)
        self.assertIn('username="auth7"', far.requests[-1].headers.get("Authorization") or "")
        error = self.fails(BadInput, self.gateway.sign_in(agent_id="b", dn="5", password="x", auth_user="a\nb"))
        self.assertEqual(error.field, "auth_user")


class Kept(GatewayCase):
    """What was right when faults of its kind were mended."""

    def test_own_name(self) -> None:
        """A display name of any characters arrives as it was given."""
        for name in ('Jo "the *" O\\Neil', "\u260e \U0001f600 J\u00fcrgen", "a, b; c <d>"):
            agent = self.sign_in(display_name=name)
            _, far = self.place(agent)
            self.assertEqual(far.requests[0].from_.display_name, name)
            self.done(self.gateway.hangup("alice"), 6)

    def test_text_in_utf8(self) -> None:
        """A MESSAGE with letters beyond ASCII is told as it is."""
        agent = self.sign_in()
        _, far = self.inbound(agent)
        far.send("MESSAGE", "Gr\u00fc\u00dfe \u20ac", "text/plain;charset=UTF-8")
        self.run_for()
        self.assertEqual(self.last(agent, MessageType.INFO).body, "Gr\u00fc\u00dfe \u20ac")

    def test_byte_order_mark(self) -> None:
        """A mark before ``v=0`` is refused in words that show it."""
        self.sign_in()
        with self.assertRaises(BadInput) as caught:
            self.gateway.place_call("alice", "1003", "\ufeff" + PAGE_SDP, page_address=PAGE)
        self.assertIn("starts with v=0", str(caught.exception))
        self.assertIn("ufeff", str(caught.exception))
