"""Sound, where a stream or a disk comes to nothing."""

import asyncio
import pathlib
from importlib.util import find_spec
from types import SimpleNamespace
from typing import cast

from twisted.trial.unittest import SynchronousTestCase

from tests.agentclient.test_gateway import tone_file
from wrtcgw.agentclient import NoMediaError


class PlayingTests(SynchronousTestCase):
    """Playing, with a connection that is what the test says."""

    if find_spec("aiortc") is None:
        skip = "needs the packages of the extra bot"

    def test_breaks_off(self) -> None:
        """When the stream goes nobody takes the rest of a file, and who plays it hears so."""
        from aiortc import RTCPeerConnection  # noqa: PLC0415 (of the extra bot)

        from wrtcgw.agentclient.media import Stream  # noqa: PLC0415

        path = tone_file(pathlib.Path(self.mktemp()), 440, 0.5)

        async def scenario() -> None:
            for state in ("failed", "closed"):
                stream = Stream([], False, lambda digit: None)
                connection = SimpleNamespace(connectionState="connected")
                stream._connection = cast(RTCPeerConnection, connection)
                playing = asyncio.ensure_future(stream.play(path))
                while stream._voice.player is None:
                    await asyncio.sleep(0)
                connection.connectionState = state
                with self.assertRaisesRegex(NoMediaError, state):
                    await asyncio.wait_for(playing, 10.0)
                self.assertIsNone(stream._voice.player)

        asyncio.run(scenario())


class RecordingTests(SynchronousTestCase):
    """What is heard, written to a disk that is full."""

    if find_spec("av") is None:
        skip = "needs the packages of the extra bot"

    def test_full_disk(self) -> None:
        """The recording ends with a word about it; who reads the stream goes on, since nobody else would."""
        from av import AudioFrame  # noqa: PLC0415 (of the extra bot)

        from wrtcgw.agentclient.playing import RATE, Recorder  # noqa: PLC0415

        frame = AudioFrame(format="s16", layout="mono", samples=RATE)
        frame.planes[0].update(bytes(2 * RATE))
        frame.sample_rate = RATE
        recorder = Recorder(pathlib.Path("/dev/full"), 60.0)
        with self.assertLogs("wrtcgw.agentclient", "WARNING") as logged:
            for _ in range(5):
                recorder.take(frame)
            recorder.close()
        self.assertIn("/dev/full: the recording ends: ", logged.output[0])
