"""A CRM controls an agent's page over real sockets, and is told what happens by a webhook."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from attrs import evolve
from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from tests.support.endtoend import EndToEndCase, until
from wrtcgw.config import Settings
from wrtcgw.config.tables import ApplicationToken, Webhook

TOKEN, SECRET = "crm-token-of-some-length", "hush"


class CRM(Resource):
    """What takes the notices; it takes no first try."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.told: list[dict[str, Any]] = []
        self.seen: set[str] = set()
        self.forged = 0

    def render_POST(self, request: Request) -> bytes:  # noqa: N802 (Twisted asks for it by this name)
        """Take a notice whose signature is right."""
        assert request.content is not None
        body = request.content.read()
        signature = request.getHeader("x-wrtc-signature") or ""
        time, _, made = signature.removeprefix("t=").partition(",v1=")
        if made != hmac.new(SECRET.encode(), f"{time}.".encode() + body, hashlib.sha256).hexdigest():
            self.forged += 1
        delivery = request.getHeader("x-wrtc-delivery") or ""
        if delivery not in self.seen:
            self.seen.add(delivery)
            request.setResponseCode(503)
        else:
            self.told.append(json.loads(body))
        return b""


class ApplicationTests(EndToEndCase):
    """An agent, a CRM and the demo PBX."""

    def adapted(self, settings: Settings) -> Settings:
        """Let the CRM in, and tell it what happens."""
        self.crm = CRM()
        port: Any = cast(Any, reactor).listenTCP(0, Site(self.crm), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        secret = Path(self.mktemp())
        secret.write_text(SECRET)
        url = f"http://127.0.0.1:{port.getHost().port}/notices"
        token = hashlib.sha256(TOKEN.encode()).hexdigest()
        return evolve(
            settings,
            app_tokens=(ApplicationToken(name="crm", sha256=token, dns=("50*",), rights="control"),),
            webhooks=(Webhook(name="crm", url=url, secret_file=secret, events=("call",)),),
        )

    async def app(self, method: str, path: str, **fields: str) -> tuple[int, Any]:
        """Send a request of the CRM."""
        client = HTTPClient(Agent(reactor, pool=HTTPConnectionPool(reactor, persistent=False)))
        told = {"Authorization": [f"Bearer {TOKEN}"], **({"Content-Type": ["application/json"]} if fields else {})}
        data = json.dumps(fields).encode() if fields else b""
        response = await client.request(method, f"{self.url}/api/app/v1/{path}", data=data, headers=Headers(told))
        return response.code, await response.json()

    async def test_call(self) -> None:
        """The CRM places a call, holds, resumes and ends it; each step is told in order, though no first try counts."""
        (page,) = await self.signed_in("5001")
        status, told = await self.app("POST", "calls", dn="5001", to="1003")
        self.assertEqual(status, 201)
        call = told["call"]["callId"]
        offer = await page.event("OFFER", call)
        self.assertIsNone(offer.sdp)
        await page.api.describe(call, await page.sound.offer())
        await page.event("ANSWER", call)
        for verb in ("hold", "resume", "hangup"):
            status, told = await self.app("POST", f"calls/{call}/{verb}")
            self.assertEqual(status, 200, told)
        await page.event("SHUTDOWN", call)
        await until(lambda: any(notice["event"] == "call.ended" for notice in self.crm.told), "the end is told")
        kinds = [notice["event"] for notice in self.crm.told if notice["event"] != "call.ringing"]
        steps = [
            "call.began",
            "call.dialled",
            "call.answered",
            "call.held",
            "call.resumed",
            "call.ending",
            "call.ended",
        ]
        self.assertEqual((kinds, self.crm.forged), (steps, 0))
        self.assertEqual({notice["call"]["callId"] for notice in self.crm.told}, {call})

        def view() -> Mapping[str, Any]:
            return self.parts.webhooks.view()["webhooks"][0]  # type: ignore[index,no-any-return]

        await until(lambda: view()["queued"] == 0, "the last response is there")
        self.assertEqual(view()["deadLetters"], 0)
