"""A caller of the demo PBX as Genesys SIP Server is one: its INVITE has an ``X-Genesys-CallUUID``."""

import re
from hashlib import md5
from typing import Any

from tests.interop.chromium import Tab
from wrtcgw.demo.extensions import DEMO_PASSWORD

DOMAIN = "demo.invalid"
OPEN = """(url) => new Promise((resolve, reject) => {
    window.heard = [];
    window.socket = new WebSocket(url, "sip");
    socket.onmessage = ({ data }) => heard.push(data);
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error("no WebSocket"));
})"""
HEARD = "() => heard.shift()"


OFFER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"


def request(method: str, dn: int, to: int, cseq: int, *more: str) -> str:
    """Return a request of the call; an INVITE has an offer."""
    body = OFFER if method == "INVITE" else ""
    lines = (
        f"{method} sip:{to}@{DOMAIN} SIP/2.0",
        f"Via: SIP/2.0/WS caller.invalid;branch=z9hG4bK-caller-{cseq}",
        "Max-Forwards: 70",
        f"From: <sip:{dn}@{DOMAIN}>;tag=caller",
        f"To: <sip:{to}@{DOMAIN}>",
        f"Call-ID: caller-{dn}-{to}",
        f"CSeq: {cseq} {method}",
        f"Contact: <sip:{dn}@caller.invalid;transport=ws>",
        *more,
        "Content-Type: application/sdp",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*lines, "", body))


def authorization(challenge: str, dn: int, to: int) -> str:
    """Answer a Digest challenge without qop or with auth (:rfc:`2617#section-3.2.2`)."""
    parts = dict(re.findall(r'(\w+)="?([^",\r\n]+)"?', challenge))
    uri = f"sip:{to}@{DOMAIN}"
    first, second = (_hash(f"{dn}:{parts['realm']}:{DEMO_PASSWORD}"), _hash(f"INVITE:{uri}"))
    fields = [f'username="{dn}", realm="{parts["realm"]}", nonce="{parts["nonce"]}", uri="{uri}", algorithm=MD5']
    nonce = parts["nonce"]
    if "qop" in parts:
        nonce = f"{nonce}:00000001:caller:auth"
        fields.append('qop=auth, nc=00000001, cnonce="caller"')
    return "Authorization: Digest " + ", ".join([*fields, f'response="{_hash(f"{first}:{nonce}:{second}")}"'])


def _hash(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


async def call(case: Any, tab: Tab, url: str, uuid: str, dn: int = 5003, to: int = 5001) -> None:
    """Call a number from a page's WebSocket; it rings as long as the page is open."""
    await tab.evaluate(OPEN, url)
    send = "(text) => socket.send(text)"
    await tab.evaluate(send, request("INVITE", dn, to, 1))
    heard = ""
    while " 401 " not in heard:
        heard = str(await case.until(tab, HEARD))
    await tab.evaluate(send, request("ACK", dn, to, 1))
    header = next(line for line in heard.split("\r\n") if line.lower().startswith("www-authenticate"))
    more = (authorization(header, dn, to), f"X-Genesys-CallUUID: {uuid}")
    await tab.evaluate(send, request("INVITE", dn, to, 2, *more))
    while " 180 " not in heard:
        heard = str(await case.until(tab, HEARD))
