r"""
Transcripts of what a page, the gateway and the far side exchange, each compared with a file in ``tests/data/genesys``.

``test_golden_x`` has the file ``x.txt``. The first lines of a file are the test's docstring. Then come, in order::

    (2) page --> gateway        an HTTP request; the number joins it to its response
    (2) gateway --> page
    (2) gateway closes          the connection was closed without a response
    (2) hangs                   there was no response until the end
    gateway --> far side        a SIP message: its first line, the header fields that matter here, its body
    # …                         what happens besides

Nothing is left out of bodies. Their bytes CR and LF are shown as ``␍`` and ``␊``; a line that is indented further goes
on with the one before it (a break is put behind each ``\r\n`` of a description in JSON). Header fields of HTTP are all
shown where :attr:`GoldenCase.whole` says so, and else only ``Pragma``. What is random has a name in ``<>``.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.farside import FarCall
from tests.support.golden import compare
from tests.web.genesys.dialectcase import FORM, ORIGIN, DialectCase, message
from tests.web.harness import Wire
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.parser import parse

FOLDER = Path(__file__).parent.parent.parent / "data" / "genesys"
PREFIX = "test_golden_"
SHOWN = re.compile(r"(?:Event|Content-Type|Reason|X-Data-.*|Retry-After|Allow-Events):", re.IGNORECASE)
"""Header fields of SIP that are shown."""
_OURS = {"OFFER": "offererSessionId", "OK": "offererSessionId", "ANSWER": "answererSessionId"}

SHORT = (
    "v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 50000 RTP/SAVPF 111\r\nc=IN IP4 192.0.2.33\r\n"
    "a=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\n"
)
"""What a page says of its media, as short as can be."""
SHORT_FAR = (
    "v=0\r\no=- 7 1 IN IP4 198.51.100.7\r\ns=pbx\r\nt=0 0\r\nm=audio 40000 UDP/TLS/RTP/SAVPF 111\r\n"
    "c=IN IP4 198.51.100.7\r\na=fingerprint:sha-256 CC:DD\r\na=setup:active\r\na=mid:0\r\na=rtcp-mux\r\n"
    "a=msid:pbx a0\r\na=sendrecv\r\n"
)
"""What the far side says of its media: a page can play it as it is."""


class GoldenCase(DialectCase):
    """A page, a gateway and a far side, and a transcript of them."""

    whole = False
    """Show all bytes of HTTP, and REGISTER."""

    def setUp(self) -> None:
        self.lines: list[str] = []
        self.quiet = False
        self.names: dict[str, str] = {}
        """Of what is random, by what it is."""
        self.wires: dict[int, Wire] = {}
        """Requests without a response, by their numbers."""
        self.requests = 0
        super().setUp()

    def start(self, **changes: object) -> None:
        """Make the gateway."""
        super().start(**{"auto_answer": "talk", **changes})
        self.far.deliver = self._arrives

    def _send(self, flow: int, text: str) -> None:
        self._note_sip("gateway --> far side", text)
        super()._send(flow, text)

    def _arrives(self, flow: int, text: str) -> None:
        self._note_sip("gateway <-- far side", text)
        self.gateway.received(flow, text)

    # -- what happens

    def note(self, text: str) -> None:
        """Note what happens besides."""
        self._add(f"# {text}")

    def http(self, method: str, path: str, body: bytes = b"", **fields: str) -> int:
        """Send a request as a page of another origin does; return its number."""
        self.requests += 1
        fields = {"Origin": ORIGIN} | ({"Content_Type": FORM} if body else {}) | fields
        fields = {name: value for name, value in fields.items() if value}
        wire = Wire(self.site, "192.0.2.33")
        sent = f"{method} {path} HTTP/1.1\r\nHost: gateway.example:8082\r\n"
        sent += "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        sent += f"Content-Length: {len(body)}\r\n" if body else ""
        data = f"{sent}\r\n".encode() + body
        shown = data if self.whole else f"{method} {path}\r\n\r\n".encode() + body
        self._add(f"({self.requests}) page --> gateway", *self._shown(shown))
        self.wires[self.requests] = wire
        wire.raw(data)
        self.run_for()
        self.collect()
        return self.requests

    def breaks(self, number: int) -> None:
        """Let a page close the connection of a request that hangs."""
        self._add(f"({number}) page closes")
        self.wires.pop(number).lose()

    def collect(self) -> None:
        """Note the responses that have come."""
        for number, wire in tuple(self.wires.items()):
            if wire.received:
                del self.wires[number]
                self._add_now(f"({number}) gateway --> page", *self._response(wire.received))
            elif wire.transport.disconnecting:
                del self.wires[number]
                self._add_now(f"({number}) gateway closes")

    def table(self, heading: str, *rows: tuple[object, ...]) -> None:
        """Note what a function makes of what."""
        self._add_now(heading, *("    " + "  ->  ".join(map(_printed, row)) for row in rows))

    def assertGolden(self) -> None:
        """Compare the transcript with the file of the test."""
        self.run_for()
        self.collect()
        for number in self.wires:
            self._add_now(f"({number}) hangs")
        name = self._testMethodName
        head = [f"# {line.strip()}".rstrip() for line in (getattr(self, name).__doc__ or "").strip().splitlines()]
        compare(self, FOLDER / f"{name.removeprefix(PREFIX)}.txt", "\n".join([*head, *self.lines]) + "\n")

    # -- how it is shown

    def _add(self, *lines: str) -> None:
        self.collect()
        self._add_now(*lines)

    def _add_now(self, *lines: str) -> None:
        if not self.quiet:
            self.lines += ["", *lines]

    def _note_sip(self, arrow: str, text: str) -> None:
        sip = parse(text)
        if not isinstance(sip, Request | Response):
            return
        method = sip.method if isinstance(sip, Request) else sip.cseq.method
        dull = isinstance(sip, Response) and sip.status == 100
        if dull or (method == "REGISTER" and not self.whole) or (method == "ACK" and not sip.body):
            return
        head, _, body = text.partition("\r\n\r\n")
        first, *fields = head.split("\r\n")
        asked = "" if isinstance(sip, Request) else f" ({method})"
        shown = [f"    {field}" for field in fields if SHOWN.match(field)]
        self._add(f"{arrow}  {first}{asked}", *shown, *([""] if body else []), *_lines_of(body))

    def _response(self, data: bytes) -> list[str]:
        head, _, body = data.partition(b"\r\n\r\n")
        text = head.decode("ascii")
        if self.whole:
            head = re.sub(r"\r\nDate: [^\r]*", "\r\nDate: <date>", text).encode()
        else:
            head = re.sub(r"\r\n(?!Pragma:|Retry-After:)[^\r]*", "", text).encode()
        lines = self._shown(head + b"\r\n\r\n" + body)
        if any("<gateway>" in line for line in lines):  # numbers of any length
            length = f"    Content-Length: {len(body)}"
            lines = [line.replace(length, "    Content-Length: <its length>") for line in lines]
        return lines

    def _shown(self, data: bytes) -> list[str]:
        head, _, body = data.partition(b"\r\n\r\n")
        lines = [*map(_line, head.decode("utf-8").split("\r\n"))]
        if body:
            text = _visible(body.decode("utf-8", "backslashreplace")).replace("\\r\\n", "\\r\\n\n      ")
            lines += ["", *map(_line, text.split("\n"))]
        return [self._named(line).rstrip() for line in lines]

    def _named(self, line: str) -> str:
        """Put names in the place of what is random."""
        found = re.fullmatch(r" *id=([A-Za-z0-9_-]{22,})", line)
        if found:
            self.names[found[1]] = f"<SSID {len(self.names) + 1}>"
        for random, name in self.names.items():
            line = line.replace(random, name)
        kind = re.search(r'^ *SDP \{"messageType": "(\w+)"', line)
        self.kind = kind[1] if kind else self.kind if line.startswith("      ") else ""
        if self.kind in _OURS:
            line = re.sub(rf'"{_OURS[self.kind]}": \d+\b', f'"{_OURS[self.kind]}": <gateway>', line)
            line = re.sub(r'"tiebreaker": \d+\b', '"tiebreaker": <random>', line)
        line = re.sub(r'"timestamp": \d+\b', '"timestamp": <now>', line)
        return re.sub(r"incident [0-9a-f]{12}", "incident <random>", line)

    kind = ""
    """The type of the ROAP message whose lines are shown."""

    # -- pages

    @contextmanager
    def unseen(self) -> Iterator[None]:
        """Leave out of the transcript what happens meanwhile."""
        self.collect()
        quiet, requests, self.quiet = self.quiet, self.requests, True
        yield
        self.collect()
        self.quiet, self.requests = quiet, requests

    def golden_page(self, dn: str = "5001") -> "GoldenPage":
        """Sign a page in, which is not shown."""
        with self.unseen():
            self.http("POST", "/sign_in", f"{dn}:{self.passwords[dn]}".encode())
        return GoldenPage(self, list(self.names)[-1])


class GoldenPage:
    """The requests of one page."""

    def __init__(self, case: GoldenCase, ssid: str) -> None:
        self.case = case
        self.ssid = ssid
        self.seq = 0

    def wait(self) -> int:
        """Wait for a message."""
        return self.case.http("GET", f"/wait?id={self.ssid}")

    def post(self, body: str, to: str = "1003") -> None:
        """Post a message."""
        self.case.http("POST", f"/message?from={self.ssid}&to={to}", body.encode())

    def offer(self, to: str = "1003", sdp: str = SHORT, **more: Any) -> str:
        """Post an OFFER; return it."""
        self.seq += 1
        numbers = {"offererSessionId": 102, "answererSessionId": None, "seq": self.seq}
        more = {"sdp": sdp, "Candidates": [], **numbers, **more}
        body = message("OFFER", **more, tiebreaker=self.case.next_serial())
        self.post(body, to)
        return body

    def ok(self) -> None:
        """Post the OK that follows an ANSWER."""
        self.post(message("OK", offererSessionId=102, answererSessionId=7, seq=self.seq))

    def call_up(self) -> FarCall:
        """Place a call that is answered; it is not shown."""
        with self.case.unseen():
            self.offer()
            far = self.case.far.calls[-1]
            far.answer(SHORT_FAR)
            self.case.run_for()
            self.wait()
            self.ok()
        return far

    def called(self, sdp: str | None = SHORT_FAR, **more: Any) -> FarCall:
        """Have the far side call; the page has heard of it, which is not shown."""
        with self.case.unseen():
            far = self.case.far.call("5001", sdp, **more)
            self.case.run_for()
            self.wait()
        return far

    def answer(self, to: str = "5002", seq: int = 1, sdp: str = SHORT, **more: Any) -> str:
        """Post the ANSWER to the far side's offer; return it."""
        more = {"offererSessionId": 7, "answererSessionId": 102, "seq": seq, "Candidates": [], **more}
        body = message("ANSWER", sdp=sdp.replace("actpass", "active"), **more)
        self.post(body, to)
        return body


def _line(text: str) -> str:
    return f"    {text}" if text else ""


def _lines_of(body: str) -> list[str]:
    lines = body.removesuffix("\r\n").split("\r\n") if body else []
    return [_line(_visible(line)) for line in lines]


def _visible(text: str) -> str:
    return text.replace("\r", "␍").replace("\n", "␊").replace("\ufeff", "<BOM>")


def _printed(value: object) -> str:
    return _visible(value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value))
