"""Session descriptions of pages that have no media: what Chromium writes, with credentials that nobody uses."""

import re
import secrets

SEED_OFFER = """v=0
o=- 1234567890 1234567890 IN IP4 127.0.0.1
s=-
t=0 0
m=audio 9 UDP/TLS/RTP/SAVPF 0 8
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=sendrecv
"""
"""The test offer of the seed document: neither ICE nor DTLS."""

_AUDIO = """m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:{ufrag}
a=ice-pwd:{password}
a=ice-options:trickle
a=fingerprint:sha-256 {fingerprint}
a=setup:{setup}
a=mid:{mid}
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=msid:- {track}
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:{ssrc} cname:{track}
"""
_SESSION = """v=0
o=- {session} 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE {mid}
a=extmap-allow-mixed
a=msid-semantic: WMS
"""


def chromium_offer() -> str:
    """Return the text of ``createOffer()``: ICE credentials, no candidates, ``c=IN IP4 0.0.0.0``, port 9."""
    return _description(mid="0", setup="actpass")


def chromium_answer(offer: str) -> str:
    """Return the text of ``createAnswer()`` to an audio offer: its mid, the active side of DTLS."""
    mid = re.search(r"(?m)^a=mid:(\S+)", offer)
    return _description(mid=mid[1] if mid else "0", setup="active")


def _description(*, mid: str, setup: str) -> str:
    text = (_SESSION + _AUDIO).format(
        session=secrets.randbelow(2**62),
        mid=mid,
        ufrag=secrets.token_hex(2),
        password=secrets.token_hex(12),
        fingerprint=":".join(f"{byte:02X}" for byte in secrets.token_bytes(32)),
        setup=setup,
        track=secrets.token_hex(8),
        ssrc=secrets.randbelow(2**32),
    )
    return text.replace("\n", "\r\n")
