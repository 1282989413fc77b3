"""Session descriptions of the demo PBX."""

from twisted.trial.unittest import SynchronousTestCase

from tests.support import sdptext as sdp
from wrtcgw.demo import sessiontext

SEED_OFFER = """v=0
o=- 1234567890 1234567890 IN IP4 127.0.0.1
s=-
t=0 0
m=audio 9 UDP/TLS/RTP/SAVPF 0 8
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=sendrecv
"""

BROWSER_OFFER = sessiontext.join(
    [
        "v=0",
        "o=- 7 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1 2",
        "a=fingerprint:sha-256 AA:BB",
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=rtpmap:96 VP8/90000",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 13 126",
        "c=IN IP4 0.0.0.0",
        "a=mid:1",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:0123456789012345678901",
        "a=candidate:1 1 udp 2113937151 0e0a1c2d.local 50000 typ host",
        "a=candidate:2 1 udp 2113937151 192.0.2.7 50001 typ host",
        "a=end-of-candidates",
        "a=rtpmap:111 opus/48000/2",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:13 CN/8000",
        "a=rtpmap:126 telephone-event/8000",
        "a=rtcp-mux",
        "a=sendonly",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=mid:2",
    ]
)


class PlainTests(SynchronousTestCase):
    """Answers and offers without media."""

    def test_seed_offer(self) -> None:
        """The seed document's test offer is answered in kind: same profile and formats, no ICE, no DTLS."""
        answer = sessiontext.plain_answer(SEED_OFFER)
        sdp.check(answer)
        self.assertFalse(sessiontext.speaks_webrtc(SEED_OFFER))
        self.assertIn("m=audio 9 UDP/TLS/RTP/SAVPF 0 8\r\n", answer)
        self.assertIn("a=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n", answer)
        self.assertNotIn("ice-ufrag", answer)

    def test_every_stream_is_answered(self) -> None:
        """Streams other than the first audio one are refused with port 0, in the offer's order."""
        answer = sessiontext.plain_answer(BROWSER_OFFER)
        sdp.check(answer)
        media = [line for line in answer.splitlines() if line.startswith("m=")]
        self.assertEqual(
            media,
            [
                "m=video 0 UDP/TLS/RTP/SAVPF 96",
                "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 126",
                "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
            ],
        )
        self.assertEqual(sdp.direction(answer), "recvonly")
        self.assertIn("a=mid:1\r\n", answer)

    def test_static_formats_need_no_rtpmap(self) -> None:
        """Payload types 0, 8 and 9 are known without an rtpmap line; other bare numbers are not."""
        offer = SEED_OFFER.replace("a=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\n", "").replace(" 0 8", " 0 97")
        self.assertIn("SAVPF 0\r\n", sessiontext.plain_answer(offer))

    def test_nothing_to_answer(self) -> None:
        """Without an audio stream, or without a codec that we know, there is no answer."""
        for offer in (
            SEED_OFFER.replace("m=audio", "m=video"),
            SEED_OFFER.replace("audio 9", "audio 0"),
            SEED_OFFER.replace("PCM", "XYZ"),
            SEED_OFFER.replace(" 0 8\n", " 101\n").replace("a=rtpmap:8 PCMA", "a=rtpmap:101 telephone-event"),
        ):
            self.assertRaises(ValueError, sessiontext.plain_answer, offer)

    def test_offer_of_the_same_kind(self) -> None:
        """A plain offer has the profile and formats of the description it is made after, in both directions."""
        offer = sessiontext.plain_offer(SEED_OFFER.replace("sendrecv", "inactive"))
        sdp.check(offer)
        self.assertIn("SAVPF 0 8\r\n", offer)
        self.assertEqual(sdp.direction(offer), "sendrecv")
        self.assertRaises(ValueError, sessiontext.plain_offer, SEED_OFFER.replace("m=audio", "m=video"))


class BrowserTests(SynchronousTestCase):
    """What the media library sees of a browser's offer."""

    def test_speaks_webrtc(self) -> None:
        """ICE credentials and a fingerprint, of the stream or of the session, make a WebRTC description."""
        self.assertTrue(sessiontext.speaks_webrtc(BROWSER_OFFER))
        self.assertFalse(sessiontext.speaks_webrtc(BROWSER_OFFER.replace("a=fingerprint", "a=x")))

    def test_audio_only(self) -> None:
        """Only audio is left, alone in its bundle, sending and receiving, without mDNS names and end of candidates."""
        text = sessiontext.audio_only(BROWSER_OFFER)
        self.assertEqual(text.count("m="), 1)
        self.assertIn("a=group:BUNDLE 1\r\n", text)
        self.assertIn("192.0.2.7", text)
        self.assertNotIn(".local", text)
        self.assertNotIn("end-of-candidates", text)
        self.assertEqual(sdp.direction(text), "sendrecv")
        self.assertRaises(ValueError, sessiontext.audio_only, SEED_OFFER.replace("m=audio", "m=video"))
