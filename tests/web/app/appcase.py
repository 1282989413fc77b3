"""An application, agents with pages, and a scripted far side, in virtual time."""

import json
from typing import Any

from tests.support.gatewaycase import PAGE_SDP
from tests.support.openapi import answer_faults, faults
from tests.web.harness import Answer, Wire
from tests.web.ops.opscase import OpsCase
from wrtcgw.web import WebSettings
from wrtcgw.web.operators import digest_of
from wrtcgw.web.settings import AppToken

CRM, BOARD = "crm-token-of-some-length", "board-token-of-some-length"
SEES = AppToken("board", digest_of(BOARD.encode()), ("500*",))
ACTS = AppToken("crm", digest_of(CRM.encode()), ("5001", "5002"), may_control=True)
OPERATOR = "an-operators-token"


class AppCase(OpsCase):
    """Tests of the application API; each answer has to be as it is described."""

    settings = WebSettings(app_tokens=(SEES, ACTS), operator_token=OPERATOR)

    def app(self, method: str, path: str, body: Any = None, /, *, token: str = CRM, **headers: str) -> Answer:
        """Send a request of an application."""
        data = b"" if body is None else json.dumps(body).encode()
        more = {"Content_Type": "application/json"} if data else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        answer = self.ask(method, f"/api/app/v1/{path}", data, **{**more, **headers})
        self.require_described(method, path, answer)
        return answer

    def require_described(self, method: str, path: str, answer: Answer) -> None:
        """Check an answer against the document."""
        parts = path.partition("?")[0].split("/")
        if len(parts) > 1:
            parts[1] = {"agents": "{dn}", "calls": "{call}"}[parts[0]]
        kind = answer.headers.get("content-type", "")
        described = "/api/app/v1/" + "/".join(parts)
        self.assertEqual(answer_faults(method, described, answer.code, kind, answer.json), [], answer.text)

    def come(self, agent_id: str = "ann", dn: str = "5001") -> str:
        """Sign a page in; return its token."""
        return self.page_sign_in(agent_id, dn)

    def ordered(self, to: str = "1003", dn: str = "5001", **more: Any) -> str:
        """Order a call; return its id."""
        answer = self.app("POST", "calls", {"dn": dn, "to": to, **more})
        self.assertEqual(answer.code, 201, answer.text)
        return str(answer.json["call"]["callId"])

    def offer(self, call: str, token: str, agent_id: str = "ann") -> None:
        """Let the page make its offer."""
        message = {"messageType": "OFFER", "from": agent_id, "callId": call, "sdp": PAGE_SDP}
        answer = self.ask(
            "POST",
            "/api/webrtc/message",
            json.dumps(message).encode(),
            Content_Type="application/json",
            Authorization=f"Bearer {token}",
        )
        self.assertEqual(answer.text, "OK")
        self.run_for(0.2)

    def up(self) -> tuple[str, str]:
        """Order a call that comes to be; return its id and the page's token."""
        token = self.come()
        call = self.ordered()
        self.offer(call, token)
        self.far.calls[-1].answer()
        self.run_for(1)
        return call, token

    def stream(self, path: str = "/api/app/v1/events", token: str = BOARD, **headers: str) -> Wire:
        """Open a stream of events."""
        wire = self.wire()
        wire.get(path, Authorization=f"Bearer {token}", Host="localhost:8082", **headers)
        return wire

    def notices(self, wire: Wire) -> list[dict[str, Any]]:
        """Return what a stream has told; each notice has to be as it is described."""
        text = wire.received.decode()
        told = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
        for notice in told:
            name = "".join(part.capitalize() for part in notice["event"].replace(".", "_").split("_"))
            self.assertEqual(faults(notice, f"{name}Notice"), [], notice)
        return told

    def kinds(self, wire: Wire) -> list[str]:
        """Return the kinds of what a stream has told."""
        return [notice["event"] for notice in self.notices(wire)]
