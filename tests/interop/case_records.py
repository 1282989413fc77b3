"""Call records on disks as they are: rotated by logrotate with the sample, and full."""

import json
import pathlib
import shutil
import signal
import subprocess
from typing import Any

from tests.interop.case_homer import SIPCase
from tests.interop.demo import demo, demo_folder
from tests.interop.servers import CONF
from tests.support.endtoend import until


class Records(SIPCase):
    """A gateway that writes records."""

    def setUp(self) -> None:
        """Make a folder for each case."""
        self.folder = demo_folder() / self.id().rpartition(".")[2]
        self.folder.mkdir()
        self.path = self.folder / "calls.jsonl"
        self.settings = {"call_records": str(self.path)}

    def ids(self, path: pathlib.Path) -> list[str]:
        """Return the calls in a file, each line of which is whole."""
        lines: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines()]
        return [line["callId"] for line in lines]

    async def test_logrotate(self) -> None:
        """The sample moves the file away, the gateway opens a new one, and each call is in one of the two."""
        _, first = await self.call(self.settings)
        server = demo(self.settings).server
        sample = (CONF / "logrotate/wrtcgw").read_text()
        for said, wanted in (
            ("/var/log/wrtcgw/calls.jsonl", str(self.path)),
            ("systemctl reload wrtcgw.service", f"kill -{signal.SIGHUP.value} {server.pid}"),
        ):
            self.assertIn(said, sample)
            sample = sample.replace(said, wanted)
        config = self.folder / "logrotate.conf"
        config.write_text(sample)
        config.chmod(0o644)
        command = ("logrotate", "--force", "--state", str(self.folder / "state"), str(config))
        subprocess.run(command, check=True, capture_output=True)
        await until(lambda: "configuration reloaded" in server.log.read_text(), "the reload")
        _, second = await self.call(self.settings)
        self.assertEqual(self.ids(self.path), [second])
        self.assertEqual(self.ids(self.folder / "calls.jsonl.1"), [first])

    async def test_full_disk(self) -> None:
        """Calls work while the disk is full; their lines are written, whole and in order, when there is place again."""
        subprocess.run(("mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(self.folder)), check=True)
        self.addCleanup(subprocess.run, ("umount", "--lazy", str(self.folder)), check=True)
        _, first = await self.call(self.settings)
        filler = self.folder / "filler"
        with self.assertRaises(OSError):
            filler.write_bytes(b"x" * 100_000)
        self.assertEqual(shutil.disk_usage(self.folder).free, 0)
        calls = [(await self.call(self.settings))[1] for _ in range(8)]  # some fit into its page
        server = demo(self.settings).server
        self.assertTrue("takes no lines" in server.log.read_text(), "nothing was said of a full disk")
        self.assertNotEqual(self.ids(self.path), [first, *calls])
        filler.unlink()
        server.signal(signal.SIGHUP)
        await until(lambda: self.ids(self.path) == [first, *calls], "all lines")
