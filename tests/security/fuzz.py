"""
Mutation fuzz of all that comes in: SIP, SDP, ROAP, the API, the vendor's dialect and WebSocket frames.

``python -m tests.security.fuzz --seconds 300 [--seed 7]`` runs until the time is over, or until something breaks; then
it prints the seed and the input, with which the same happens again. Virtual time; nothing is opened.

What has to hold after each input: nothing is logged as a bug, no answer is a 500, a call of an agent who has nothing to
do with it goes on, and no connection is closed for what a message says.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from wsproto.events import BytesMessage, TextMessage

from tests.support.client import ClientCase
from tests.support.farside import SDP as FAR_SDP
from tests.support.farside import FarCall
from tests.support.gatewaycase import PAGE_SDP
from tests.web.genesys.dialectcase import BROWSER_SDP, FORM, ORIGIN, PBX_SDP, DialectCase, message
from tests.web.harness import Pending
from wrtcgw.calls.call import CallState

STEPS = 200
"""Inputs in one round, which has a gateway of its own."""
TARGET, WITNESS, DIALECT = "5001", "5002", "5003"
ODD = (
    *(b"\r\n", b"\n", b"\r", b"\0", b"\xff", b"\xe2\x80\xa8", b"%00", b"%", b'"', b"<", b">", b";", b",", b":", b"@"),
    *(b"\\", b" " * 300, b"9" * 40, b"-1", b"4294967296", b"NaN", b"null", b"{}", b"[", b"z" * 5000, b"\xc3\xbc"),
    *(b"a=", b"m=audio", b"Content-Length: 99999\r\n", b"Via: x\r\n", b"CSeq: 1 \r\n", b"tag=", b"\xed\xa0\x80"),
    *(b"\x1b[31m", b"${x}", b"*"),
)
RESPONSES = (100, 180, 183, 200, 302, 401, 404, 407, 422, 481, 486, 491, 500, 503, 699)
METHODS = (
    *("INVITE", "BYE", "CANCEL", "ACK", "INFO", "NOTIFY", "REFER", "UPDATE", "PRACK", "MESSAGE", "OPTIONS"),
    "REGISTER",
)
VERBS = ("hangup", "answer", "reject", "hold", "resume", "dtmf", "transfer", "info", "stats", "ice", "sign_in", "calls")
HEADERS = (
    'From: "\xe4" <sip:a@example.org>;tag=1',
    "Record-Route: <sip:p1;lr>, <sip:p2;lr>",
    "Contact: <sip:far@198.51.100.7:5080>",
    "Session-Expires: 90;refresher=uas",
    "Event: talk",
    "Subscription-State: active",
    "Refer-To: <sip:1@example.org?Replaces=a%3Bto-tag%3Db>",
    "P-Asserted-Identity: <tel:+1>",
    "Diversion: <sip:9@example.org>;reason=unconditional",
    "Call-Info: <sip:x>;answer-after=0",
    'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"',
    "Reason: SIP;cause=200",
    "Require: 100rel",
    "RSeq: 1",
    "Retry-After: 5",
    "Expires: 60",
    "X-Genesys-CallUUID: 1",
)


class Broken(Exception):
    """Something that has to hold does not."""


class Flow(DialectCase):
    """A gateway with both its HTTP dialects and its far side, outside a test."""

    def runTest(self) -> None:  # noqa: N802 (unittest asks for a method)
        """Do nothing."""

    def _send(self, flow: int, text: str) -> None:
        """Take what the gateway sends; a response may repeat what was wrong with its request."""
        try:
            self.far.take(flow, text)
        except Exception:
            if not text.startswith("SIP/2.0 "):
                raise


class Sockets(ClientCase):
    """One WebSocket to a proxy in memory, outside a test."""

    def runTest(self) -> None:  # noqa: N802 (unittest asks for a method)
        """Do nothing."""


def mutate(rng: random.Random, text: bytes) -> bytes:
    """Return a text with a few changes in it; seldom with none."""
    data = bytearray(text)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 8))):
        at, length = rng.randrange(len(data) + 1), rng.choice((1, 1, 2, 8, 40))
        kind = rng.randrange(7)
        if kind == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif kind == 1:
            data[at:at] = rng.choice(ODD)
        elif kind == 2:
            del data[at : at + length]
        elif kind == 3:
            data[at:at] = data[at : at + length] * rng.choice((1, 2, 30))
        elif kind == 4:
            data[at : at + length] = rng.choice(ODD)
        elif kind == 5:
            lines = bytes(data).split(b"\r\n")
            lines[rng.randrange(len(lines))] = lines[rng.randrange(len(lines))]
            data = bytearray(b"\r\n".join(lines))
        else:
            lines = bytes(data).split(b"\r\n")
            rng.shuffle(lines)
            data = bytearray(b"\r\n".join([bytes(data).split(b"\r\n")[0], *lines]))
    return bytes(data)


class Round:
    """One gateway, and inputs made from one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.last: tuple[str, bytes] = ("", b"")
        self.failures: list[str] = []
        self.pending: list[Pending] = []
        self.flow, self.sockets = Flow("runTest"), Sockets("runTest")
        self.surfaces: Sequence[Callable[[], None]] = (
            self.sip_request, self.sip_request, self.sip_in_dialog, self.sip_response, self.session_description,
            self.roap, self.api, self.dialect, self.frame,
        )  # fmt: skip

    def run(self, steps: int = STEPS) -> None:
        """
        Send so many inputs.

        :raises Broken: when something does not hold after one of them.
        """
        observer = cast(ILogObserver, self._observe)
        globalLogPublisher.addObserver(observer)
        try:
            self.prepare()
            for _ in range(steps):
                self.rng.choice(self.surfaces)()
                self.flow.run_for(0.02)
                self.check()
            self.finish()
        except Broken:
            raise
        except Exception as error:
            raise Broken(f"seed {self.seed}: {error!r}\nafter {self.last!r}") from error
        finally:
            globalLogPublisher.removeObserver(observer)

    def _observe(self, event: LogEvent) -> None:
        if "log_failure" in event:
            self.failures.append(event["log_failure"].getTraceback())

    def prepare(self) -> None:
        """Sign three agents in, one of them in the dialect; one has a call that must go on."""
        self.flow.setUp()
        self.sockets.setUp()
        self.tokens = {dn: self.sign_in(dn) for dn in (TARGET, WITNESS)}
        self.page = self.flow.page(DIALECT)
        self.flow.gateway.place_call(WITNESS, "1003", PAGE_SDP, page_address="192.0.2.9")
        self.flow.far.calls[-1].answer()
        self.flow.run_for(0.2)
        (self.witness,) = self.flow.gateway.agent(WITNESS).calls.values()
        self.app, self.connection = self.sockets.opened()

    def sign_in(self, dn: str) -> str:
        """Sign an agent in; return its token."""
        fields = {"id": dn, "dn": dn, "password": self.flow.passwords[dn]}
        answer = self.flow.ask("POST", "/api/webrtc/sign_in", json=fields, headers={"Accept": "application/json"})
        return str(answer.json["session"])

    # -- surfaces

    def deliver(self, data: bytes) -> None:
        """Let a SIP message arrive."""
        self.last = ("SIP", data)
        self.flow.gateway.received(0, data.decode("utf-8", "surrogateescape"))

    def request(
        self, method: str, to: str, call_id: str, tags: tuple[str, str] = ("f", ""), body: str = FAR_SDP
    ) -> bytes:
        """Return a request of the far side's."""
        rng = self.rng
        tag = f";tag={tags[1]}" if tags[1] else ""
        lines = [
            f"{method} {to} SIP/2.0",
            f"Via: SIP/2.0/WS 198.51.100.7:5080;branch=z9hG4bK{rng.getrandbits(40):x}",
            "Max-Forwards: 70",
            f"From: <sip:caller@example.org>;tag={tags[0]}",
            f"To: <sip:{TARGET}@example.org>{tag}",
            f"Call-ID: {call_id}",
            f"CSeq: {rng.randrange(1, 999)} {method}",
            "Contact: <sip:far@198.51.100.7:5080>",
            *rng.sample(HEADERS, rng.choice((0, 0, 1, 3))),
        ]
        if body:
            lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", body]).encode("utf-8", "surrogateescape")

    def sip_request(self) -> None:
        """Send a request that begins something."""
        target = self.flow.far.contacts.get(self.rng.choice((TARGET, DIALECT)), "sip:nobody@gw.invalid")
        method = self.rng.choice(("INVITE", "INVITE", *METHODS))
        self.deliver(mutate(self.rng, self.request(method, target, f"fuzz{self.rng.getrandbits(32):x}")))

    def sip_in_dialog(self) -> None:
        """Send a request in a call of the agent under fire."""
        call = self.some_call()
        if call is None:
            return self.sip_request()
        local, remote = (value.rpartition("tag=")[2] for value in (call.local, call.remote))
        body = self.rng.choice(("", FAR_SDP, "Signal=1\r\nDuration=160\r\n", "SIP/2.0 200 OK\r\n"))
        made = self.request(self.rng.choice(METHODS), call.target, call.call_id, (local, remote), body)
        return self.deliver(mutate(self.rng, made))

    def sip_response(self) -> None:
        """Send a response to a request of the gateway's."""
        call = self.some_call()
        if call is None or not call.requests:
            return self.place()
        response = call.requests[-1].response(self.rng.choice(RESPONSES), None, "t")
        response.headers.add("Contact", "<sip:far@198.51.100.7:5080>")
        response.headers.add("Content-Type", "application/sdp")
        for each in self.rng.sample(HEADERS, self.rng.choice((0, 1, 2))):
            response.headers.add(*each.split(": ", 1))
        response.body = self.rng.choice((FAR_SDP, PBX_SDP, ""))
        return self.deliver(mutate(self.rng, response.to_text().encode("utf-8", "surrogateescape")))

    def some_call(self) -> FarCall | None:
        """Return a call of the far side's that is not the one that must go on."""
        known = self.flow.far.calls[1:]
        return self.rng.choice(known[-6:]) if known else None

    def place(self) -> None:
        """Have the agent under fire place a call."""
        self.post(f"/api/webrtc/message?from={TARGET}&to=1003", PAGE_SDP.encode(), "text/plain")

    def session_description(self) -> None:
        """Send a description, of the far side's or of a page's."""
        sdp = mutate(self.rng, self.rng.choice((FAR_SDP, PBX_SDP, BROWSER_SDP, PAGE_SDP)).encode())
        if self.rng.random() < 0.5:
            target = self.flow.far.contacts.get(TARGET, "sip:nobody@gw.invalid")
            head = self.request("INVITE", target, f"fuzz{self.rng.getrandbits(32):x}", body="").rpartition(b"\r\n")[0]
            self.deliver(head + b"Content-Type: application/sdp\r\n\r\n" + sdp)
        else:
            self.post(f"/api/webrtc/message?from={TARGET}&to=1003", sdp, "text/plain")

    def roap(self) -> None:
        """Post a message in ROAP's form."""
        calls = [call.id for call in self.flow.gateway.calls() if call.agent_id == TARGET]
        kind = self.rng.choice(("OFFER", "ANSWER", "OK", "SHUTDOWN"))
        fields = {"messageType": kind, "to": "1003", "sdp": PAGE_SDP, "callId": self.rng.choice([*calls, "x", ""])}
        text = mutate(self.rng, json.dumps(fields).encode())
        self.post(f"/api/webrtc/message?from={TARGET}", text, "application/json")

    def api(self) -> None:
        """Post a verb with a form, a JSON object or a media type that is not right."""
        rng = self.rng
        values = {"to": "1003", "digits": "12#", "code": "486", "content_type": "text/plain", "body": "x", "id": TARGET}
        if rng.random() < 0.5:
            body, kind = json.dumps(values).encode(), "application/json"
        else:
            body, kind = "&".join(f"{name}={value}" for name, value in values.items()).encode(), FORM
        kind = rng.choice((kind, kind, kind, "text/plain", "x", "application/sdp"))
        self.post(f"/api/webrtc/{rng.choice(VERBS)}?id={TARGET}", mutate(rng, body), kind)

    def dialect(self) -> None:
        """Send a request of the vendor's library."""
        rng = self.rng
        body = message(
            rng.choice(("OFFER", "ANSWER", "OK", "SHUTDOWN", "ERROR")),
            sdp=BROWSER_SDP,
            offererSessionId=7,
            answererSessionId=rng.choice((None, 8)),
            seq=rng.randrange(4),
            tiebreaker=1,
        )
        path, text = rng.choice(
            (
                (f"/message?from={self.page.ssid}&to=1003", body),
                (f"/message?from={self.page.ssid}", body),
                ("/sign_in", "5009:wrong"),
                (f"/wait?id={self.page.ssid}x", ""),
            )
        )
        self.last = (path, mutate(rng, text.encode()))
        headers = {"Origin": ORIGIN, "Content-Type": FORM}
        method = "POST" if text else "GET"
        self.pending.append(self.flow.request(method, path, data=self.last[1], headers=headers))

    def frame(self) -> None:
        """Send a WebSocket message of any content, text or binary, in one frame or in pieces."""
        rng = self.rng
        content = mutate(rng, self.request("OPTIONS", "sip:x@gw.invalid", "frame", body=""))
        self.last = ("frame", content)
        if rng.random() < 0.5:
            made: Any = BytesMessage(content)
        else:
            made = TextMessage(content.decode("utf-8", "replace"))
        cut = rng.randrange(len(content) + 1)
        if rng.random() < 0.3:
            first, rest = made.data[:cut], made.data[cut:]
            self.connection.send(type(made)(first, message_finished=False), type(made)(rest))
        else:
            self.connection.send(made)
        self.sockets.network.settle()

    def post(self, path: str, body: bytes, kind: str) -> None:
        """Post something as the agent under fire."""
        self.last = (path, body)
        headers = {"Authorization": f"Bearer {self.tokens[TARGET]}", "Content-Type": kind, "Accept": "application/json"}
        self.pending.append(self.flow.request("POST", path, data=body, headers=headers))

    # -- what has to hold

    def check(self) -> None:
        """
        Look at what has become of it.

        :raises Broken: when something does not hold.
        """
        hanging = []
        for each in self.pending:
            if each.hangs:
                hanging.append(each)
            elif (answer := each.answer()).code == 500:
                self.broken(f"answered with 500: {answer.text}")
        self.pending = hanging
        if self.failures or self.flow.problems:
            self.broken("\n".join([*self.failures, *map(repr, self.flow.problems)]))
        if self.witness.state is not CallState.ESTABLISHED:
            self.broken(f"the call of another agent is {self.witness.state.value}")
        if self.app.lost is not None:
            self.broken(f"the connection was closed: {self.app.lost}")
        if len(self.flow.gateway.agent(TARGET).calls) > 6 if self.is_in(TARGET) else True:
            self.renew()

    def is_in(self, dn: str) -> bool:
        """Return whether an agent is signed in."""
        return any(agent.id == dn for agent in self.flow.gateway.agents())

    def renew(self) -> None:
        """Have the agent under fire begin anew, with no calls."""
        if self.is_in(TARGET):
            self.flow.begin(self.flow.gateway.sign_out(TARGET))
        self.flow.run_for(6)
        self.tokens[TARGET] = self.sign_in(TARGET)

    def finish(self) -> None:
        """Let everybody leave; then nothing is left."""
        self.flow.run_for(2)
        self.check()
        self.leave()
        if list(self.flow.gateway.calls()):
            self.broken("calls are left when everybody has gone")

    def leave(self) -> None:
        """Sign everybody out and close everything."""
        for agent in list(self.flow.gateway.agents()):
            self.flow.begin(self.flow.gateway.sign_out(agent.id))
        self.flow.run_for(1000)
        self.flow.surface.close()
        self.connection.cut()
        self.sockets.network.settle()

    def broken(self, what: str) -> None:
        """Say what does not hold, and after which input."""
        raise Broken(f"seed {self.seed}: {what}\nafter {self.last!r}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz for a time; return 1 when something broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.fuzz", description=__doc__.splitlines()[1])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    end, seed = time.monotonic() + options.seconds, options.seed
    while time.monotonic() < end:
        try:
            Round(seed).run()
        except Broken as broken:
            print(broken, file=sys.stderr)
            return 1
        seed += 1
    print(f"{(seed - options.seed) * STEPS} inputs, seeds {options.seed} to {seed - 1}: nothing broke")
    return 0


if __name__ == "__main__":
    sys.exit(main())
