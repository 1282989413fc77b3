"""The library's types, as the gateway serves them, read by TypeScript at its strictest beside a page's code."""

import os
import pathlib
import shutil
import subprocess
from urllib.error import HTTPError
from urllib.request import urlopen

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from tests.interop.demo import DemoCase
from tests.interop.install import FOLDER, node_package
from tests.interop.servers import PROJECT
from wrtcgw.browser.pages import HOME

PAGE = PROJECT / "tests/interop/data/types"
MODULES = sorted(path.name for path in (HOME / "grtc").glob("*.d.ts"))


class Types(DemoCase):
    """``tsc --strict`` and more."""

    def test_compiles(self) -> "Deferred[None]":
        """A page that uses the types compiles; what they forbid does not."""
        return deferToThread(self._compile)

    def _compile(self) -> None:
        folder = pathlib.Path(self.mktemp())
        shutil.copytree(PAGE, folder)
        (folder / "served" / "grtc").mkdir(parents=True)
        self.assertIn("index.d.ts", MODULES)
        for path in ("grtc.d.ts", *(f"grtc/{name}" for name in MODULES)):
            with urlopen(f"{self.gateway.url}/{path}", timeout=5) as answer:
                self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "*")
                (folder / "served" / path).write_bytes(answer.read())
        done = self._tsc(folder)
        self.assertEqual((done.stdout, done.returncode), ("", 0))
        page = folder / "page.ts"
        page.write_text(page.read_text().replace("// @ts-expect-error", "//"))
        told = self._tsc(folder).stdout
        self.assertEqual(told.count("error TS"), page.read_text().count("//: "), told)

    @staticmethod
    def _tsc(folder: pathlib.Path) -> "subprocess.CompletedProcess[str]":
        compiler = node_package(FOLDER, "typescript").parent / ".bin" / "tsc"
        command = (str(compiler), "--project", str(folder), "--pretty", "false")
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def test_reference(self) -> "Deferred[None]":
        """The reference in the documents is what the types and sources say."""
        return deferToThread(self._compare)

    def _compare(self) -> None:
        modules = {**os.environ, "WRTCGW_NODE_MODULES": str(node_package(FOLDER, "typescript").parents[1])}
        command = ("node", str(PROJECT / "docs" / "write_library_reference.mjs"), "--check")
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=modules)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_nothing_is_promised_that_is_not_served(self) -> "Deferred[None]":
        """Each module with types is there, and a module that does not exist is not."""
        return deferToThread(self._served)

    def _served(self) -> None:
        for name in MODULES:
            with urlopen(f"{self.gateway.url}/grtc/{name.replace('.d.ts', '.js')}", timeout=5) as answer:
                self.assertEqual(answer.headers["Content-Type"], "text/javascript; charset=utf-8")
        self.assertRaises(HTTPError, urlopen, f"{self.gateway.url}/grtc/nothing.d.ts", timeout=5)
