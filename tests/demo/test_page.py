"""The softphone page's files."""

import re
from importlib.resources import files

from twisted.trial.unittest import SynchronousTestCase

PAGE = files("wrtcgw.demo").joinpath("page")


class PageTests(SynchronousTestCase):
    """What can be told of the page without a browser; the interop environment runs a real one."""

    def setUp(self) -> None:
        self.texts = {entry.name: entry.read_text("utf-8") for entry in PAGE.iterdir() if entry.is_file()}

    def test_stands_alone(self) -> None:
        """Nothing is loaded from elsewhere: no CDN, no font, no script in the page itself."""
        for name, text in self.texts.items():
            self.assertNotRegex(text, r"https?://|src=\"//|@import", name)
        self.assertNotRegex(self.texts["index.html"], r"<script(?![^>]*src=)|\son[a-z]+=|style=\"")

    def test_files_are_there(self) -> None:
        """Every file that the page or a script of it names is in the package."""
        named = re.findall(r'(?:href|src)="([^"#:]+)"', self.texts["index.html"])
        for name, text in self.texts.items():
            if name.endswith(".js"):
                named += re.findall(r'from "\./([^"]+)"', text)
        self.assertGreaterEqual(set(self.texts), set(named))
        self.assertIn("softphone.js", named)

    def test_elements_are_there(self) -> None:
        """Every element that the scripts look up by its id is in the page, once."""
        ids = re.findall(r'\bid="([^"]+)"', self.texts["index.html"])
        self.assertEqual(len(ids), len(set(ids)))
        used = set(re.findall(r'\$\("([^"]+)"\)|\bon\("([^"]+)"', self.texts["softphone.js"]))
        self.assertGreaterEqual(set(ids), {first or second for first, second in used})

    def test_every_field_has_a_label(self) -> None:
        """A screen reader can name every input and meter."""
        page = self.texts["index.html"]
        labelled = set(re.findall(r'<label for="([^"]+)"', page))
        fields = set(re.findall(r'<(?:input|meter) id="([^"]+)"', page))
        self.assertEqual(fields, labelled)

    def test_no_ice_server(self) -> None:
        """The page asks no STUN or TURN server."""
        self.assertIn("iceServers: []", self.texts["sound.js"])
