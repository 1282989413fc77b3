"""The operators' calls of a gateway that runs: real sockets, real time, the demo PBX."""

import io
import json
from typing import Any

import treq
from twisted.internet import reactor
from twisted.web.http_headers import Headers

from tests.support.dialectcase import DialectCase
from tests.support.endtoend import LIMIT, EndToEndCase, Page, until
from wrtcgw.clientlib.api import RefusedError
from wrtcgw.clientlib.explain import explain
from wrtcgw.clientlib.output import Exit
from wrtcgw.demo.extensions import DEMO_PASSWORD


class OpsCase(EndToEndCase):
    """An operator on the gateway's own machine."""

    async def view(self, path: str) -> Any:
        """Return what a GET gives."""
        response = await self.http().get(f"{self.url}/api/ops/{path}")
        self.assertEqual(response.code, 200)
        return await treq.json_content(response)

    async def text(self, path: str) -> str:
        """Return what a GET gives, as text."""
        response = await self.http().get(f"{self.url}/api/ops/{path}")
        text: str = await treq.text_content(response)
        return text

    async def act(self, name: str, **fields: Any) -> Any:
        """Do something."""
        headers = Headers({"Content-Type": ["application/json"]})
        body = json.dumps(fields).encode()
        response = await self.http().request("POST", f"{self.url}/api/ops/{name}", headers=headers, data=body)
        self.assertEqual(response.code, 200)
        return await treq.json_content(response)

    async def labels(self, call: str) -> list[str]:
        """Return the labels of a call's ladder."""
        return [message["label"] for message in (await self.view(f"ladder?call={call}"))["messages"]]


class CallTests(OpsCase):
    """Two pages in a call, and an operator who looks on."""

    async def test_two_ladders(self) -> None:
        """Both legs of a call between two agents have their ladder, from the page to the proxy."""
        one, two = await self.signed_in("5001", "5002")
        call = await one.call("5002")
        other = await two.answer()
        await one.event("ANSWER", call)
        self.assertEqual(await one.api.control("hold", call), "200 OK")
        await two.event("HOLD", other)
        (shown,) = (await self.view("search?q=agent5001"))["calls"]
        self.assertEqual((shown["callId"], shown["state"], shown["held"]), (call, "ESTABLISHED", True))
        self.assertEqual(await one.api.control("hangup", call), "200 OK")
        await two.event("SHUTDOWN", other)
        ours, theirs = await self.labels(call), await self.labels(other)
        for label in ("POST OFFER", "401 Unauthorized (INVITE)", "→ ANSWER", "established", "on hold", "→ SHUTDOWN"):
            self.assertIn(label, ours)
        for label in ("INVITE 1", "→ OFFER", "put on hold by the far side", "→ HOLD", "ended: remote"):
            self.assertIn(label, theirs)
        drawing = await self.text(f"ladder.txt?call={call}")
        self.assertIn("page agent5001", drawing)
        self.assertIn(f"proxy {self.pbx.url}", drawing)
        for secret in (DEMO_PASSWORD, one.api._token):
            self.assertNotIn(secret, drawing)

    async def test_lost_connection(self) -> None:
        """The loss of the connection, and that it is back, stand in the ladder of a call and in the summary."""
        (page,) = await self.signed_in("5001")
        call = await page.connect("1003")
        (connection,) = self.pbx.connections
        connection.transport.abortConnection()
        await until(lambda: not self.parts.agent.flows_up, "loss noticed")
        (shown,) = (await self.view("summary"))["connections"]
        self.assertFalse(shown["up"])
        await until(lambda: self.parts.agent.flows_up, "connected again")
        await until(lambda: self.pbx.registrar.binding("5001", reactor.seconds()), "registered again")
        (shown,) = (await self.view("summary"))["connections"]
        self.assertEqual((shown["up"], shown["reconnects"], shown["error"]), (True, 1, ""))
        labels = await self.labels(call)
        self.assertLess(
            labels.index("connection to the proxy lost"), labels.index("connection to the proxy is back"), labels
        )

    async def test_actions(self) -> None:
        """An operator ends a call, drains, and signs an agent out; pages are told, or refused with a reason."""
        one: Page
        (one,) = await self.signed_in("5001")
        call = await one.connect("1003")
        self.assertEqual((await self.act("hangup", call=call))["sipCode"], 200)
        ended = await one.event("SHUTDOWN", call)
        self.assertIn("operator", ended.hint)
        await self.act("drain", on=True)
        refused = await self.assertFails(one.call("1003"), RefusedError)
        self.assertEqual(getattr(refused, "status", 0), 503)
        self.assertIn("draining", str(refused))
        await self.act("drain", on=False)
        await one.connect("1003")
        await self.act("sign_out", id="agent5001")
        await one.event("SIGNED_OUT")
        await until(lambda: self.pbx.registrar.binding("5001", reactor.seconds()) is None, "un-REGISTER")
        self.assertEqual([call["cause"] for call in (await self.view("calls?state=ended"))["calls"]], ["operator"] * 2)


class DialectTests(DialectCase, OpsCase):
    """A page of the vendor's dialect."""

    async def test_ladder(self) -> None:
        """Its POSTs and what its waits bring stand beside SIP; its SSID does not."""
        page = await self.registered("5001")
        await self.connected(page, "1003")
        (call,) = self.parts.gateway.calls()
        while "POST OK" not in await self.labels(call.id):
            await self.pause(0.01)
        page.close_session()
        await self.idle()
        await until(lambda: not list(self.parts.gateway.calls()), "end of the call")
        labels = await self.labels(call.id)
        self.assertEqual(labels[0], "POST OFFER")
        for label in ("→ ANSWER", "POST OK", "POST BYE", "BYE 3"):
            self.assertIn(label, labels)
        texts = await self.text(f"ladder.txt?call={call.id}") + await self.text("ladder.txt?agent=5001")
        self.assertIn("POST sign_in", texts)
        self.assertIn("/message?from=***", texts)
        for secret in (DEMO_PASSWORD, str(page.line.ssid)):
            self.assertNotIn(secret, texts)


class ExplainTests(OpsCase):
    """``wrtcgw-client --explain``."""

    async def explain(self, call: str, token: str = "", url: str = "") -> tuple[Exit, str]:
        """Return the exit code, and what is printed."""
        stream = io.StringIO()
        told = await explain(self.http(), reactor, url or self.url, token, call, patience=LIMIT, stream=stream)
        return told, stream.getvalue()

    async def test_story(self) -> None:
        """A call's story is told by its id, its Call-ID, or the DN, without the messages in full."""
        (page,) = await self.signed_in("5001")
        call = await page.call("1005")
        await page.event("ERROR", call)
        (view,) = (await self.view("calls?state=ended"))["calls"]
        for wanted in (call, view["sipCallId"], "5001"):
            code, text = await self.explain(wanted)
            self.assertEqual(code, Exit.OK)
            self.assertIn(f"Call      {call}", text)
            self.assertIn("busy 486 Busy Here", text)
            self.assertIn("POST OFFER", text)
            self.assertNotIn("a=ice-ufrag", text)

    async def test_failures(self) -> None:
        """A call that nobody knows, a wrong token, and a gateway that is not there are told as what they are."""
        code, text = await self.explain("nothing")
        self.assertEqual((code, "nothing" in text), (Exit.CALL_FAILED, True))
        code, text = await self.explain("nothing", token="wrong-token-wrong-token")
        self.assertEqual((code, "operator" in text), (Exit.CALL_FAILED, True))
        code, text = await self.explain("nothing", url="http://127.0.0.1:1")
        self.assertEqual(code, Exit.UNREACHABLE)
