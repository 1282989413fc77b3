"""What the golden files do not show of the texts of the dialect."""

from twisted.trial.unittest import SynchronousTestCase

from tests.web.genesys.dialectcase import BROWSER_SDP, PBX_SDP, DialectCase
from wrtcgw.calls.stats import Flow, Media, Stats
from wrtcgw.web.genesys.description import (
    profiles_of,
    secured,
    with_profiles,
)
from wrtcgw.web.genesys.stats import put_stats

OFFER_WORD = "OFFER"


class Writing(SynchronousTestCase):
    """What pages get."""

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

    def test_profiles(self) -> None:
        """The cut profile is whole towards the far side, and cut again in the answer to it."""
        self.assertIn("m=audio 9 UDP/TLS/RTP/SAVPF 111", secured(BROWSER_SDP))
        plain = BROWSER_SDP.replace("a=fingerprint:sha-256 AA:BB\r\n", "")
        self.assertEqual(secured(plain), plain)
        self.assertIn("m=audio 40000 RTP/SAVPF 111", with_profiles(PBX_SDP, profiles_of(BROWSER_SDP)))
        self.assertEqual(with_profiles(PBX_SDP, profiles_of(secured(BROWSER_SDP))), PBX_SDP)
        self.assertEqual(with_profiles(PBX_SDP, profiles_of(plain.replace("SAVPF", "AVP"))), PBX_SDP)
        self.assertEqual(with_profiles(PBX_SDP, profiles_of("")), PBX_SDP)
