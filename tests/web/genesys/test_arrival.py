"""What a page of this dialect learns of the way that a call came, and of one that it takes up too late."""

from typing import Any

from tests.web.genesys.dialectcase import PBX_SDP, DialectCase
from wrtcgw.web.genesys import wire


class Arrival(DialectCase):
    """The attached data of an OFFER."""

    def offer(self, *fields: tuple[str, str], **more: Any) -> dict[str, Any]:
        """Return the OFFER of a call with these header fields."""
        self.start(page_headers=("Alert-Info", "X-DNIS"), attached_data="headers")
        page = self.page()
        self.far.call("5001", PBX_SDP, fields=fields, **more)
        self.run_for()
        return page.roap()

    def test_nothing(self) -> None:
        """A plain call to the page's own DN has none."""
        self.assertNotIn("attacheddata", self.offer())

    def test_facts(self) -> None:
        """Number dialled, diverters, verification and the site's header fields are among it."""
        told = self.offer(
            ("P-Called-Party-ID", "<sip:+49800555@example.org>"),
            ("Diversion", "<sip:2@a>;reason=no-answer, <sip:1@a>;reason=unconditional"),
            ("Alert-Info", "<http://x>;info=J\udcfcrgen"),
            ("X-Data-account", "7"),
            caller="+1415;verstat=TN-Validation-Passed",
        )
        self.assertEqual(
            told["attacheddata"],
            [
                {"key": "account", "value": "7"},
                {"key": "called", "value": "+49800555"},
                {"key": "diversion", "value": "1;reason=unconditional, 2;reason=no-answer"},
                {"key": "verstat", "value": "TN-Validation-Passed"},
                {"key": "Alert-Info", "value": "<http://x>;info=J\u00fcrgen"},
            ],
        )

    def test_privacy(self) -> None:
        """Who wants to be unknown is unknown here too."""
        self.start()
        page = self.page()
        jane = ("P-Asserted-Identity", '"Jane Doe" <sip:+4930123456@example.org>')
        self.far.call("5001", PBX_SDP, fields=[jane, ("Privacy", "id")])
        self.run_for()
        self.assertEqual(page.told().headers["pragma"], "anonymous")

    def test_foreign_bytes(self) -> None:
        """A byte that is no UTF-8 is a letter in Pragma, as everywhere."""
        page = self.page()
        self.far.call("5001", PBX_SDP, caller="J%FCrgen")
        self.run_for()
        self.assertEqual(page.told().headers["pragma"], "J%C3%BCrgen")

    def test_foreign_bytes_in_data(self) -> None:
        """Data of the other side with such a byte breaks nothing."""
        self.assertEqual(wire.info_peer("a=J\udcfcr%26"), "INFO-PEER a=J%C3%BCr%26")

    def test_accounts(self) -> None:
        """An id written as a SIP address may have an escaped DN; the domain is its last part."""
        for public_id, dn in (
            ("5001", "5001"),
            ("5001@example.org", "5001"),
            ("sip:5001@example.org", "5001"),
            ("sip:anna%40corp@example.org", "anna@corp"),
            ("anna@corp@example.org", "anna@corp"),
            ("a%41", "a%41"),
        ):
            self.assertEqual(wire.account(public_id), dn)


class Late(DialectCase):
    """A page that was loaded again, and is asked for an offer."""

    def setUp(self) -> None:
        super().setUp()
        self.start(page_grace=20.0, offer_timeout=5.0)
        self.call = self.page().call_up()
        self.again = self.page()
        self.assertEqual(self.again.told().text, "INVITE")

    def test_given_up(self) -> None:
        """One that polls and answers nothing loses the call; the far side hears why."""
        self.assertTrue(self.again.silent())
        self.run_for(24)
        self.assertNotIn("BYE", self.call.methods())
        self.run_for(2)
        self.assertEqual(self.again.told().text, "BYE")
        self.assertIn("cause=480", self.call.request("BYE").headers.get("Reason") or "")
        self.assertEqual(self.gateway.health().registered_agents, 1)

    def test_late(self) -> None:
        """An offer that crosses the BYE is no new call."""
        self.call.bye()
        self.run_for()
        self.again.offer("1003")
        self.run_for()
        self.assertEqual(len(self.far.calls), 1)
        self.assertEqual(self.again.told().text, "BYE")
        self.again.offer("1003")
        self.run_for()
        self.assertEqual(len(self.far.calls), 2)
