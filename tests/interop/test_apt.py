"""What the installation of the interop environment reads from apt; these need no root, and run with all other tests."""

import pathlib

from twisted.trial.unittest import SynchronousTestCase

from tests.interop.apt import NoMirrorError, Source, deb822_sources, mirror, one_line_sources, sources, without_hosts
from tests.interop.servers import edited

DEB822 = """# a comment
Types: deb
# another
URIs: http://archive.example.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb deb-src
URIs: http://security.example.org/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://other.example.org/debian
Suites: bookworm
Components: main
"""
ONE_LINE = """# deb http://off.example.org/debian bookworm main
deb [signed-by=/usr/share/keyrings/x.gpg arch=amd64] http://tools.example.org/apt stable main
deb-src http://archive.example.org/debian bookworm main
deb http://archive.example.org/debian bookworm main contrib # ours
"""


class AptTests(SynchronousTestCase):
    """Both forms of sources.list(5)."""

    def folder(self, name: str, text: str) -> pathlib.Path:
        """Make an apt configuration of one file."""
        folder = pathlib.Path(self.mktemp())
        (folder / "sources.list.d").mkdir(parents=True)
        (folder / name).write_text(text)
        return folder

    def test_deb822(self) -> None:
        """Stanzas, several suites, comments inside; what is switched off is left out."""
        first, second = deb822_sources(DEB822)
        self.assertEqual(
            first, Source("http://archive.example.org/debian", ("bookworm", "bookworm-updates"), ("main",))
        )
        self.assertEqual(second.suites, ("bookworm-security",))

    def test_one_line(self) -> None:
        """Options in brackets, trailing comments; sources of source packages are left out."""
        found = list(one_line_sources(ONE_LINE))
        self.assertEqual(
            [each.uri for each in found], ["http://tools.example.org/apt", "http://archive.example.org/debian"]
        )
        self.assertEqual(found[1].components, ("main", "contrib"))

    def test_mirror(self) -> None:
        """The archive that carries the release's main counts, in whichever file and form it stands."""
        for folder in (
            self.folder("sources.list", ONE_LINE),
            self.folder("sources.list.d/debian.sources", DEB822),
        ):
            self.assertEqual(mirror("bookworm", folder), "http://archive.example.org/debian")
        self.assertRaises(NoMirrorError, mirror, "trixie", folder)

    def test_without_hosts(self) -> None:
        """A log keeps neither addresses nor bare host names of archives."""
        folder = self.folder("sources.list", ONE_LINE)
        self.assertEqual(len(sources(folder)), 2)
        text = "Get:1 http://archive.example.org/debian x\nCould not resolve 'tools.example.org'\n"
        self.assertEqual(without_hosts(text, folder), "Get:1 <mirror> x\nCould not resolve '<mirror>'\n")


class EditTests(SynchronousTestCase):
    """A site's values in a sample."""

    def test_edited(self) -> None:
        """Each value is replaced; one that the sample does not have, or has twice, is an error."""
        self.assertEqual(edited("port = 1\nname = x\n", {"port = 1": "port = 2"}), "port = 2\nname = x\n")
        self.assertRaises(ValueError, edited, "port = 1", {"port = 3": ""})
        self.assertRaises(ValueError, edited, "a a", {"a": "b"})
