"""The library as an npm package."""

import gzip
import io
import json
import pathlib
import re
import tarfile

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw import __version__
from wrtcgw.browser.npmpackage import ENTRIES, contents, main, manifest, packed
from wrtcgw.browser.pages import HOME

TOP = pathlib.Path(__file__).parents[2]


class NpmTests(SynchronousTestCase):
    """What is in it; that it compiles and can be bundled is tests/interop/case_npm.py's to show."""

    def test_manifest(self) -> None:
        """It has the version of the gateway, no dependency, and each entry is a module with its types."""
        told = json.loads(contents()["package.json"])
        self.assertEqual((told["name"], told["version"], told["type"]), ("wrtcgw", __version__, "module"))
        self.assertFalse({"dependencies", "devDependencies", "scripts"} & told.keys())
        for name in ENTRIES:
            entry = told["exports"][name]
            self.assertEqual(list(entry), ["types", "default"])
            for path in entry.values():
                self.assertIn(path.removeprefix("./"), contents())

    def test_complete(self) -> None:
        """What a module or a declaration of it imports is in it, as are the licence and a README."""
        files = contents()
        self.assertEqual(files["LICENSE"], (TOP / "LICENSE").read_bytes())
        self.assertIn(b"<wrtc-phone", files["README.md"])
        for name, content in files.items():
            if name.endswith(".js"):
                for path in re.findall(r'(?m)^(?:im|ex)port .*?from "(\./[^"]+)"', content.decode()):
                    self.assertIn(f"grtc/{path.removeprefix('./')}", files, name)
        self.assertEqual({name for name in files if name.endswith(".mjs") or "test" in name}, set())

    def test_side_effects(self) -> None:
        """A bundler may drop any module that is not used, but the one that registers the element."""
        registers = {path.name for path in (HOME / "grtc").glob("*.js") if "customElements" in path.read_text("utf-8")}
        self.assertEqual([f"./grtc/{name}" for name in registers], manifest()["sideEffects"])

    def test_packed(self) -> None:
        """The archive is as npm wants it, and the same each time."""
        self.assertEqual(packed(), packed())
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed()))) as archive:
            names = [member.name for member in archive.getmembers()]
            self.assertEqual({member.mode for member in archive.getmembers()}, {0o644})
        self.assertEqual(names, [f"package/{name}" for name in contents()])

    def test_written(self) -> None:
        """The command writes the same files."""
        folder = pathlib.Path(self.mktemp())
        main([str(folder)])
        written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        self.assertEqual(written, set(contents()))
        with self.assertRaises(SystemExit):
            main([])
