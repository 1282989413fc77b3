"""What the softphone shows of who calls: the number dialled, diversions, an attestation, a changed name."""

import json
from functools import partial
from typing import Any

from playwright.sync_api import Page, Route

from tests.interop.a11y import check_accessible
from tests.interop.screenshots import WIDE, screenshots
from tests.interop.softphone_page import SoftphoneCase

OFFER = {
    "messageType": "OFFER",
    "callId": "c1",
    "seq": 1,
    "from": "0891234567",
    "sdp": "",
    "called": "08001234",
    "diversion": [{"number": "5009", "reason": "user-busy"}, {"number": "5008", "reason": "follow-me"}],
    "verstat": "TN-Validation-Failed",
}
IDENTITY = {"messageType": "IDENTITY", "callId": "c1", "seq": 2, "from": "0897654321", "displayName": "Ada Lovelace"}


def _replace_stream(told: list[dict[str, Any]], page: Page) -> None:
    """Let a page's event stream consist of these messages."""

    def fulfil(route: Route) -> None:
        body = "".join(f"id: {each['seq']}\ndata: {json.dumps(each)}\n\n" for each in told)
        route.fulfill(body=f": there\n\n{body}", content_type="text/event-stream")

    page.route("**/api/webrtc/events?*", fulfil)


class Identity(SoftphoneCase):
    """An incoming call, as the gateway tells it to the page."""

    async def test_incoming(self) -> None:
        """Both languages show the number dialled, the diverters with their reasons, a doubt, and a changed name."""
        for locale, words in (
            ("en-US", ("Dialled 08001234", "5009 (busy)", "Diverted from 5008", "The caller's number may be forged.")),
            ("de-DE", ("Gewählt 08001234", "5009 (besetzt)", "Umgeleitet von 5008", "möglicherweise gefälscht")),
        ):
            tab = await self.open(locale=locale)
            tab.console.expect("404")
            told: list[dict[str, Any]] = []

            await self.do(tab, partial(_replace_stream, told))
            await self.sign_in(tab, 5001)
            told.append(OFFER)
            await self.sees(tab, "0891234567", ".incoming h3")
            shown = " ".join(str(await tab.evaluate("() => document.querySelector('.incoming').innerText")).split())
            for each in words:
                self.assertIn(each, shown)
            await check_accessible(tab)
            await screenshots(tab, f"softphone-diverted-{locale[:2]}", WIDE)
            told.append(IDENTITY)
            await self.sees(tab, "Ada Lovelace", ".incoming h3")
            await self.sees(tab, "0897654321", ".incoming .number")
            await tab.evaluate("() => softphone.phone.signOut()")
