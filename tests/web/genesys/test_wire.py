"""The texts of the dialect, each habit with its golden file."""

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.web.genesys.dialectcase import BROWSER_SDP, CANDIDATE, FOLDER, PBX_SDP, DialectCase, message
from wrtcgw.calls.messages import MessageType
from wrtcgw.calls.stats import Flow, Media, Stats
from wrtcgw.errors import BadInput
from wrtcgw.web.genesys import wire
from wrtcgw.web.genesys.description import (
    Candidate,
    candidates_of,
    for_page,
    from_page,
    secured,
    with_profiles_of,
)
from wrtcgw.web.genesys.stats import put_stats

OFFER_WORD = "OFFER"


class Reading(SynchronousTestCase):
    """What pages send."""

    def test_credentials_are_raw(self) -> None:
        """The first colon parts id and password; plus, percent and further colons are literal."""
        for body, id_, password in (
            ("1002:secret", "1002", "secret"),
            ("1002:a:b+c%41 d", "1002", "a:b+c%41 d"),
            ("1002:pässwörd", "1002", "pässwörd"),
            ("sip:1002@example.org:pw", "sip:1002@example.org", "pw"),
            ("1002:undefined", "1002", ""),
            ("1002:", "1002", ""),
            ("1002", "1002", ""),
        ):
            self.assertEqual(wire.credentials(body.encode()), (id_, password))
        self.assertRaises(BadInput, wire.credentials, b":secret")
        self.assertRaises(BadInput, wire.credentials, b"1002:\xff")

    def test_id_is_the_whole_query(self) -> None:
        """Only what a browser encodes by itself is decoded."""
        for query, id_ in ((b"a=b&c+d%2Be", "a=b&c+d%2Be"), (b"J%20%C3%BC%22", 'J ü"'), (b"+5411", "+5411")):
            self.assertEqual(wire.raw_id(query), id_)

    def test_account(self) -> None:
        """An id may be written as an address."""
        for id_, dn in (("1002", "1002"), ("sip:1002@x", "1002"), ("1002@x.y", "1002"), ("+5411", "+5411")):
            self.assertEqual(wire.account(id_), dn)

    def test_peer_is_raw(self) -> None:
        """All behind the first &to= is the peer, percent-decoded only."""
        for query, peer in (
            (b"from=x&to=+5411", "+5411"),
            (b"from=x&to=a@b;c=d&to=e", "a@b;c=d&to=e"),
            (b"from=x&to=J%C3%BC", "Jü"),
            (b"from=x", ""),
        ):
            self.assertEqual(wire.peer_of(query), peer)

    def test_pragma_comes_back(self) -> None:
        """A peer survives Pragma and the page's query."""
        for peer in ("1002", "+5411", "a@b.c", "Jü rg", "sip:x@y;z=1", 'q"&to=#'):
            self.assertEqual(wire.peer_of(b"from=x&to=" + wire.pragma(peer).encode("ascii")), peer)
        self.assertEqual(wire.pragma(""), "anonymous")

    def test_roap(self) -> None:
        """A ROAP message is read with whatever stands before it; attached data keep objects as JSON."""
        data = [{"key": "a", "value": 'x, "y" ü'}, {"key": "b", "value": {"c": [1]}}, {"value": "no key"}, 7]
        text = message("OFFER", sdp="v=0", offererSessionId=102, seq=1, attacheddata=data)
        for prefix in ("", "junk "):
            read = wire.Roap.read(prefix + text)
            self.assertEqual((read.type, read.sdp, read.offerer, read.seq), (MessageType.OFFER, "v=0", 102, 1))
            self.assertEqual(read.data, (("a", 'x, "y" ü'), ("b", '{"c": [1]}')))
            self.assertEqual(read.candidates, (Candidate(0, "audio", CANDIDATE),))
        for wrong in ("RSMP", "RSMP {", 'RSMP {"messageType":"SHUTDOWN"}', 'RSMP {"messageType":["x"]}'):
            self.assertRaises(BadInput, wire.Roap.read, wrong)


class Writing(SynchronousTestCase):
    """What pages get."""

    def test_word_offer_is_escaped_in_an_answer(self) -> None:
        """A page takes for an offer whatever has the word in it, and for an error what has that word."""
        fields = {"messageType": "ANSWER", "sdp": "s=OFFER\r\n", "attacheddata": [{"key": "k", "value": "\\OFFER"}]}
        text = wire.roap_text({**fields, "x": "ERROR errorType"})
        self.assertNotIn("OFFER", text)
        self.assertNotIn("ERROR", text)
        self.assertEqual(json.loads(text[4:]), {**fields, "x": "ERROR errorType"})
        self.assertIn(OFFER_WORD, wire.roap_text({"messageType": "OFFER"}))
        self.assertTrue(wire.roap_text({"messageType": "ERROR", "errorType": "FAILED"}).startswith("SDP {"))

    def test_info_peer_is_decoded(self) -> None:
        """The page decodes nothing; only what it would part at stays encoded."""
        for body, text in (
            ("a=1&b=two+words", "INFO-PEER a=1&b=two words"),
            ("k=%C3%BC%20x", "INFO-PEER k=ü x"),
            ("k=a%26b%3Dc+d", "INFO-PEER k=a%26b%3Dc%20d"),
            ("k=line%0Aend", "INFO-PEER k=line%0Aend"),
            ("plain", "INFO-PEER plain"),
        ):
            self.assertEqual(wire.info_peer(body), text)

    def test_error_types(self) -> None:
        """Each SIP failure has a ROAP errorType."""
        for code, name in ((404, "NOMATCH"), (408, "TIMEOUT"), (486, "REFUSED"), (491, "CONFLICT"), (500, "FAILED")):
            self.assertEqual(wire.error_type(code), name)
        self.assertEqual(wire.error_type(0), "FAILED")

    def test_stats(self) -> None:
        """PUT-STATS has its shape also when nothing is known."""
        flow = {"packets": 0, "bytes": 0, "lost": 0, "jitter": 0.0}
        audio = {"rtt": 0.0, "rtt_max": 0.0, "rtt_average": 0.0, "rx": flow, "tx": flow}
        self.assertEqual(put_stats(Stats(), 5.0), {"timestamp": 5000, "duration": 0, "audio": audio})
        media = Media(rtt=10, rx=Flow(packets=3))
        told = put_stats(Stats(timestamp=7.0, duration=1.6, audio=media, video=Media()), 5.0)
        self.assertEqual((told["timestamp"], told["duration"], set(told)), (7, 2, {*told}))
        self.assertIn("video", told)


class Descriptions(DialectCase):
    """Session descriptions on their way, in golden files."""

    def test_candidates_are_merged(self) -> None:
        """The array's candidates go to their media, once each; the index counts, the mid is a guess."""
        given = [
            Candidate(0, "video", CANDIDATE),
            Candidate(0, "", "a=" + CANDIDATE),
            Candidate(None, "video", "candidate:2 1 udp 1 192.0.2.34 4 typ host"),
            Candidate(7, "none", "candidate:3 1 udp 1 192.0.2.35 4 typ host"),
            Candidate(0, "audio", "no candidate"),
            Candidate(0, "audio", "candidate:4\r\na=evil"),
        ]
        sdp = BROWSER_SDP + "m=video 9 RTP/SAVPF 96\r\na=mid:1\r\n"
        self.assertGolden("candidates_merged.txt", from_page(sdp, given).replace("\r\n", "\n").rstrip())

    def test_candidates_are_extracted(self) -> None:
        """Candidates in a description of the far side are also in the array, and stay where they are."""
        found = candidates_of(PBX_SDP)
        expected = "candidate:H 1 UDP 2130706431 198.51.100.7 40000 typ host"
        self.assertEqual(found, [{"sdpMLineIndex": 0, "sdpMid": "0", "candidate": expected}])
        self.assertEqual(candidates_of("v=0\r\nm=audio 9 RTP/AVP 0\r\n"), [])

    def test_profiles(self) -> None:
        """The cut profile is whole towards the far side, and cut again in the answer to it."""
        self.assertIn("m=audio 9 UDP/TLS/RTP/SAVPF 111", secured(BROWSER_SDP))
        plain = BROWSER_SDP.replace("a=fingerprint:sha-256 AA:BB\r\n", "")
        self.assertEqual(secured(plain), plain)
        self.assertIn("m=audio 40000 RTP/SAVPF 111", with_profiles_of(PBX_SDP, BROWSER_SDP))
        self.assertEqual(with_profiles_of(PBX_SDP, secured(BROWSER_SDP)), PBX_SDP)
        self.assertEqual(with_profiles_of(PBX_SDP, plain.replace("SAVPF", "AVP")), PBX_SDP)
        self.assertEqual(with_profiles_of(PBX_SDP, ""), PBX_SDP)

    def test_what_a_page_needs(self) -> None:
        """Direction, rtcp-mux, a named stream and related addresses are put where they lack; refused media stay."""
        sdp = (
            PBX_SDP.replace("typ host", "typ srflx")
            + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=sendonly\r\na=rtcp-mux\r\na=msid:- v0\r\n"
            + "m=video 0 UDP/TLS/RTP/SAVPF 96\r\nm=application 0 x y\r\n"
        )
        self.assertGolden("for_page.txt", for_page(sdp).replace("\r\n", "\n").rstrip())
        self.assertEqual(for_page(PBX_SDP + "a=crypto:1 AES inline:k\r\n"), for_page(PBX_SDP))
        held = for_page(PBX_SDP + "a=inactive\r\n")
        self.assertNotIn("msid", held)
        self.assertTrue(all(line.endswith("\r\n") for line in for_page("v=0\nm=audio 9 X 0\n").splitlines(True)))

    def test_golden_folder(self) -> None:
        """The folder of golden files is there."""
        self.assertTrue(FOLDER.is_dir())
