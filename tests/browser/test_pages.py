"""How the library and the pages are served, and what holds for every file of them."""

import gzip
import hashlib
import io
import itertools
import json
import pathlib
import posixpath
import re
import zipfile
from collections.abc import Mapping
from typing import Any, ClassVar, cast

from attrs import frozen
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import CACHED
from twisted.web.resource import IResource, Resource, getChildForRequest
from twisted.web.server import Site
from twisted.web.test.requesthelper import DummyRequest

from wrtcgw.browser import bundle, pages
from wrtcgw.browser.assets import TYPES, Archive, Folder, Made, gzipped, takes_gzip
from wrtcgw.browser.pages import HOME, PageSettings, browser_pages
from wrtcgw.config import Settings

LINE, LINES = 120, 600
_DRAWING = re.compile(r"[MmLlHhVvCcSsQqTtAaZz0-9.,\- ]{60,}")
"""The path of a picture, which no one reads."""


@frozen
class Answer:
    """What came back."""

    code: int
    body: bytes
    headers: dict[str, str]


class PageRequest(DummyRequest):
    """A request for a path below a page, from a browser that may have the file already."""

    def __init__(self, path: str, etag: str, headers: Mapping[str, str]) -> None:
        first, *rest = path.lstrip("/").encode().split(b"/")
        super().__init__(rest)
        self.path = path.encode()
        self.prepath = [first]
        self._known = etag.encode()
        for name, value in headers.items():
            self.requestHeaders.addRawHeader(name, value)

    def setETag(self, etag: bytes) -> object:  # noqa: N802 (Twisted's name)
        """Do what a real request does with a tag."""
        self.setHeader(b"etag", etag)
        if etag != self._known:
            return None
        self.setResponseCode(304)
        return CACHED

    def redirect(self, url: bytes) -> None:
        """Likewise."""
        self.setResponseCode(302)
        self.setHeader(b"location", url)


def get(pages: Mapping[bytes, IResource], path: str, etag: str = "", **headers: str) -> Answer:
    """Ask for a path as the gateway's front does; underscores in names of header fields stand for hyphens."""
    request = PageRequest(path, etag, {name.replace("_", "-"): value for name, value in headers.items()})
    resource = getChildForRequest(pages[request.prepath[0]], request)
    body = resource.render(request)
    headers = {
        name.decode().lower(): values[-1].decode() for name, values in request.responseHeaders.getAllRawHeaders()
    }
    return Answer(request.responseCode or 200, body if isinstance(body, bytes) else b"".join(request.written), headers)


class _Root(Resource):
    """The root of a site that has these pages."""

    def __init__(self, pages: Mapping[bytes, IResource]) -> None:
        super().__init__()
        for name, page in pages.items():
            self.putChild(name, page)


class ServingTests(SynchronousTestCase):
    """Types, header fields and what is not to be had."""

    def setUp(self) -> None:
        self.settings = PageSettings()
        self.pages = browser_pages(self.settings)

    def test_library(self) -> None:
        """The library is there as modules, as one script and with its types, for pages of any origin."""
        script = get(self.pages, "/grtc.js")
        module = get(self.pages, "/grtc/phone.js")
        self.assertIn(b"globalThis.Grtc", script.body)
        self.assertIn(b"export class Phone", module.body)
        self.assertIn(b"export class Phone", get(self.pages, "/grtc.d.ts").body)
        for answer in (script, module):
            self.assertEqual(answer.headers["content-type"], "text/javascript; charset=utf-8")
            self.assertEqual(answer.headers["access-control-allow-origin"], "*")
            self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
            self.assertEqual(answer.headers["cache-control"], "no-cache")
        self.assertEqual(get(self.pages, "/favicon.ico").headers["content-type"], "image/svg+xml")

    def test_known_already(self) -> None:
        """A browser that has a file already is told so; for another one the tag is another."""
        tag = get(self.pages, "/grtc/phone.js").headers["etag"]
        self.assertNotEqual(tag, get(self.pages, "/grtc/call.js").headers["etag"])
        again = get(self.pages, "/grtc/phone.js", etag=tag)
        self.assertEqual((again.code, again.body), (304, b""))
        self.assertEqual(get(self.pages, "/grtc/call.js", etag=tag).code, 200)

    def test_compressed(self) -> None:
        """Texts are compressed for who takes it, the same each time, under a tag of their own; pictures are not."""
        plain = get(self.pages, "/grtc/phone.js")
        packed = get(self.pages, "/grtc/phone.js", accept_encoding="br;q=0.9, gzip, deflate")
        self.assertNotIn("content-encoding", plain.headers)
        self.assertEqual(packed.headers["content-encoding"], "gzip")
        self.assertEqual(gzip.decompress(packed.body), plain.body)
        self.assertLess(3 * len(packed.body), 2 * len(plain.body))
        self.assertEqual(packed.headers["content-length"], str(len(packed.body)))
        self.assertIs(gzipped(plain.body), gzipped(plain.body[:1] + plain.body[1:]))
        self.assertEqual([plain.headers["vary"], packed.headers["vary"]], ["Accept-Encoding"] * 2)
        self.assertNotEqual(plain.headers["etag"], packed.headers["etag"])
        for etag in (plain.headers["etag"], packed.headers["etag"]):
            again = get(self.pages, "/grtc/phone.js", etag=etag, accept_encoding="gzip")
            self.assertEqual(again.code, 304 if etag == packed.headers["etag"] else 200)
        self.assertNotIn("content-encoding", get(self.pages, "/grtc/phone.js", packed.headers["etag"]).headers)
        for path in ("/extension/wrtcgw-extension.zip", "/grtc/nothing.js", "/softphone/settings.json"):
            self.assertNotIn("content-encoding", get(self.pages, path, accept_encoding="gzip").headers, path)
        script = get(self.pages, "/grtc.js", accept_encoding="gzip")
        self.assertLess(len(script.body), 60_000)

    def test_first_view(self) -> None:
        """The softphone's first view is small: what else there is comes when somebody begins to sign in."""
        found: dict[str, int] = {}

        def fetch(path: str) -> None:
            if path in found:
                return
            answer = get(self.pages, path, accept_encoding="gzip")
            self.assertEqual(answer.code, 200, path)
            found[path] = len(answer.body)
            text = gzip.decompress(answer.body).decode() if "content-encoding" in answer.headers else ""
            for _, name in re.findall(r"""(?m)^(import|export)\b[^;]*?\bfrom "(\.[^"]+)";""", text):
                fetch(posixpath.normpath(posixpath.join(posixpath.dirname(path), name)))

        fetch("/softphone/main.js")
        self.assertNotIn("/grtc/noise.js", found)
        fetch("/softphone/texts/en.json")
        page = get(self.pages, "/softphone/", accept_encoding="gzip")
        found["/softphone/"] = len(page.body)
        for name in re.findall(r'<link rel="stylesheet" href="([^"]+)"', gzip.decompress(page.body).decode()):
            fetch(f"/softphone/{name}")
        self.assertGreater(len(found), 40)
        self.assertLess(sum(found.values()), 90_000, found)

    def test_taking_gzip(self) -> None:
        """What Accept-Encoding says of gzip, by weight, by name and by what stands for all others."""
        taken = {
            "gzip": True, "GZIP": True, "x-gzip": True, "*": True, "deflate, gzip;q=0.5": True, "gzip ; q=1.000": True,
            "gzip;q=0.5, identity;q=0.5": True, "br;q=bad, gzip": True, "*;q=0.1": True,
            "": False, "identity": False, "br": False, "gzip;q=0": False, "gzip;q=0.0, *": False, "*;q=0": False,
            "gzip;q=0.2, identity;q=0.8": False, "gzip;q=two": False, "notgzip": False,
        }  # fmt: skip
        self.assertEqual({each: takes_gzip(each) for each in taken}, taken)

    def test_head(self) -> None:
        """HEAD has the header fields of GET, and no body."""
        site = Site(cast(Any, _Root(self.pages)))
        answers = []
        for method in ("GET", "HEAD"):
            transport = StringTransport()
            channel = site.buildProtocol(transport.getPeer())
            assert channel is not None
            channel.makeConnection(transport)
            asked = f"{method} /grtc/phone.js HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
            channel.dataReceived(asked.encode())
            head, _, body = transport.value().partition(b"\r\n\r\n")
            answers.append((sorted(line for line in head.split(b"\r\n") if not line.startswith(b"Date")), body))
        (got, body), (headed, nothing) = answers
        self.assertEqual((got, nothing), (headed, b""))
        self.assertIn(f"Content-Length: {len(body)}".encode(), [line.title() for line in got])

    def test_nothing_else(self) -> None:
        """No list of a folder, no file outside, none that is hidden or of an unknown type."""
        for path in (
            "/grtc/",
            "/grtc/nothing.js",
            "/grtc/../pages.py",
            "/grtc/..",
            "/grtc/.hidden",
            "/grtc//etc/passwd",
            "/grtc/..\\pages.py",
            "/grtc/phone.js/more",
            "/grtc/" + "a" * 300 + ".js",
        ):
            self.assertEqual(get(self.pages, path).code, 404, path)

    def test_missing(self) -> None:
        """Where there is no page one is told so by one that looks like the others, with the ways on."""
        for path, root in (
            ("/ops/nope", "../"),
            ("/ops/nope/", "../../"),
            ("/gadget/a/b", "../../"),
            ("/softphone/views/x", "../../"),
            ("/favicon.ico/x", "../"),
            ("/grtc.js/x/y", "../../"),
            ("/ops/<script>", "../"),
        ):
            answer = get(self.pages, path)
            text = answer.body.decode()
            self.assertEqual((answer.code, answer.headers["content-type"]), (404, "text/html; charset=utf-8"), path)
            self.assertIn("default-src 'none'", answer.headers["content-security-policy"])
            for target in ("softphone/", "gadget/howto.html", "ops/"):
                self.assertIn(f'"{root}{target}"', text, path)
                name = "/" + target + ("index.html" if target.endswith("/") else "")
                self.assertEqual(get(self.pages, name).code, 200, name)
            self.assertNotIn("<script", text)

    def test_provider(self) -> None:
        """The softphone hears where one may sign in, and may ask that provider, which no other page may."""
        path = "/softphone/settings.json"
        self.assertNotIn("connect-src", get(self.pages, "/softphone/").headers["content-security-policy"])
        self.settings.oidc = {"issuer": "https://login.example.org:8443/realms/acme", "clientId": "softphone"}
        self.assertEqual(json.loads(get(self.pages, path).body)["oidc"]["clientId"], "softphone")
        policy = get(self.pages, "/softphone/").headers["content-security-policy"]
        self.assertIn("connect-src 'self' https://login.example.org:8443;", policy)
        for other in ("/gadget/", "/ops/"):
            self.assertNotIn("login.example.org", get(self.pages, other).headers["content-security-policy"])

    def test_demo(self) -> None:
        """The softphone hears what to fill in for those who try the demo, and nothing where there is none."""
        path = "/softphone/settings.json"
        self.assertEqual(json.loads(get(self.pages, path).body), {"demo": None})
        self.settings.demo = {"dn": "5001"}
        answer = get(self.pages, path)
        self.assertEqual(json.loads(answer.body), {"demo": {"dn": "5001"}})
        self.assertEqual(answer.headers["content-type"], "application/json")

    def test_auto_answer(self) -> None:
        """The softphone hears whether callers may ask to be answered without a click; a change counts at once."""
        path = "/softphone/settings.json"
        self.settings.auto_answer = True
        self.assertEqual(json.loads(get(self.pages, path).body), {"demo": None, "autoAnswer": True})

    def test_noise_suppression(self) -> None:
        """WebAssembly is for the softphone alone, and for it only where noise may be suppressed; a change counts."""
        plain = self.policy(self.pages, "/softphone/")
        self.assertNotIn("script-src", plain)
        self.settings.noise_suppression = True
        opened = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; "
        self.assertEqual(self.policy(self.pages, "/softphone/"), plain.replace("default-src 'self'; ", opened))
        settings = json.loads(get(self.pages, "/softphone/settings.json").body)
        self.assertEqual(settings, {"demo": None, "noiseSuppression": True})
        for other in ("/gadget/", "/ops/", "/workspace/", "/extension/", "/vendor/README.md", "/softphone/sw.js"):
            self.assertNotIn("wasm", get(self.pages, other).headers["content-security-policy"], other)
        self.settings.noise_suppression = False
        self.assertEqual(self.policy(self.pages, "/softphone/"), plain)

    def test_vendored(self) -> None:
        """Pages of any origin may load RNNoise, as they load the library: with a type, compressed, with its licence."""
        path = HOME / "vendor/rnnoise/rnnoise.wasm"
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.assertIn(digest, (HOME / "vendor/README.md").read_text())
        answer = get(self.pages, "/vendor/rnnoise/rnnoise.wasm", accept_encoding="gzip")
        self.assertEqual(gzip.decompress(answer.body), path.read_bytes())
        self.assertEqual(answer.headers["content-type"], "application/wasm")
        self.assertEqual(answer.headers["access-control-allow-origin"], "*")
        self.assertIn("Redistributions in binary form", (path.parent / "LICENSE").read_text())

    def test_worker(self) -> None:
        """The softphone's worker may load nothing; its page stays as it is, and no other page has one."""
        worker = get(self.pages, "/softphone/sw.js")
        self.assertEqual(worker.headers["content-security-policy"], "default-src 'none'")
        self.assertEqual(worker.headers["content-type"], "text/javascript; charset=utf-8")
        self.assertEqual(worker.headers["cache-control"], "no-cache")
        self.assertNotIn("service-worker-allowed", worker.headers)
        self.assertTrue(self.policy(self.pages, "/softphone/").endswith("frame-ancestors 'self'"))
        self.assertEqual(get(self.pages, "/gadget/sw.js").code, 404)
        self.assertEqual(
            get(self.pages, "/softphone/manifest.webmanifest").headers["content-type"], "application/manifest+json"
        )

    def test_gadget(self) -> None:
        """The gadget hears whose messages it may obey: those of who may frame it; a change counts at once."""
        path = "/gadget/settings.json"
        self.assertEqual(json.loads(get(self.pages, path).body), {"origins": [], "demo": None})
        self.settings.allowed_origins = ("https://desk.example.com",)
        self.assertEqual(json.loads(get(self.pages, path).body)["origins"], ["https://desk.example.com"])

    def test_adapter(self) -> None:
        """Desktops of any origin load the adapter as they load the library; other pages are not shared."""
        module = get(self.pages, "/workspace/adapter.js")
        self.assertEqual(module.headers["access-control-allow-origin"], "*")
        self.assertNotIn("access-control-allow-origin", get(self.pages, "/softphone/main.js").headers)

    def test_pages(self) -> None:
        """A page loads only its own, and only who may frames it; a change of that counts at once."""
        home = pathlib.Path(self.mktemp())
        (home / "gadget").mkdir(parents=True)
        (home / "gadget" / "index.html").write_text("<p>gadget</p>")
        (home / "softphone" / "texts").mkdir(parents=True)
        (home / "softphone" / "index.html").write_text("<p>phone</p>")
        (home / "softphone" / "texts" / "de.json").write_text("{}")
        (home / "grtc").mkdir()
        (home / "grtc" / "main.js").write_text("export const Grtc = {};")
        (home / "grtc.d.ts").write_text("")
        self.patch(__import__("wrtcgw.browser.pages", fromlist=["HOME"]), "HOME", home)
        pages = browser_pages(self.settings)
        self.assertEqual(get(pages, "/softphone/").body, b"<p>phone</p>")
        self.assertEqual(get(pages, "/softphone").headers["location"], "/softphone/")
        self.assertEqual(get(pages, "/softphone/texts/de.json").headers["content-type"], "application/json")
        self.assertIn("frame-ancestors 'self'", self.policy(pages, "/softphone/"))
        self.assertTrue(self.policy(pages, "/gadget/").endswith("frame-ancestors 'self'"))
        self.settings.allowed_origins = ("https://desk.example.com",)
        self.assertTrue(self.policy(pages, "/gadget/").endswith("frame-ancestors 'self' https://desk.example.com"))
        self.assertNotIn(b"ops", pages)
        self.assertIn(b"", pages)

    def policy(self, pages: Mapping[bytes, IResource], path: str) -> str:
        """Return a page's content security policy."""
        text = get(pages, path).headers["content-security-policy"]
        self.assertTrue(text.startswith("default-src 'self';"))
        return text

    def test_archive(self) -> None:
        """A folder is packed the same way each time."""
        folder = pathlib.Path(self.mktemp())
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / "b.js").write_text("b")
        (folder / "a.json").write_text("{}")
        packed = Archive(folder)()
        self.assertEqual(packed, Archive(folder)())
        self.assertEqual(zipfile.ZipFile(io.BytesIO(packed)).namelist(), ["a.json", "sub/b.js"])
        pages = {b"x": cast(IResource, Folder(folder, dict, {"all.zip": Archive(folder)}))}
        self.assertEqual(get(pages, "/x/all.zip").headers["content-type"], "application/zip")

    def test_made_once(self) -> None:
        """What is made of many files is made anew only when one of them has changed, come or gone."""
        folder, times = pathlib.Path(self.mktemp()), itertools.count(1)
        folder.mkdir()
        made = Made(lambda: b"%d" % next(times), folder.iterdir)
        self.assertEqual([made(), made()], [b"1", b"1"])
        (folder / "a.js").write_bytes(b"a")
        self.assertEqual([made(), made()], [b"2", b"2"])
        (folder / "a.js").write_bytes(b"ab")
        self.assertEqual([made(), made()], [b"3", b"3"])
        (folder / "a.js").unlink()
        self.assertEqual([made(), made()], [b"4", b"4"])

    def test_expensive_ones_are_made_once(self) -> None:
        """Nobody makes the gateway join, pack and compress again and again, by GET or HEAD."""
        joined: list[int] = []
        original = bundle.join

        def join(*given: Any) -> str:
            joined.append(1)
            return original(*given)

        self.patch(pages, "join", join)
        served = browser_pages(PageSettings())
        bodies = {get(served, path).body for path in ("/grtc.js", "/grtc.js", "/grtc.js")}
        self.assertEqual((len(bodies), joined), (1, [1]))
        for path in ("/grtc/wrtcgw.tgz", "/extension/wrtcgw-extension.zip"):
            self.assertIs(get(served, path).body, get(served, path).body)


class FileTests(SynchronousTestCase):
    """What holds for everything that browsers get."""

    files: ClassVar[list[pathlib.Path]] = [
        path
        for path in sorted(HOME.rglob("*"))
        if path.is_file() and path.suffix not in (".py", ".pyc") and "vendor" not in path.relative_to(HOME).parts
    ]

    def texts(self, *suffixes: str) -> dict[str, str]:
        """Return the files of a kind by their names."""
        return {str(each.relative_to(HOME)): each.read_text() for each in self.files if each.suffix in suffixes}

    def test_types(self) -> None:
        """Each file has a type to be served with."""
        self.assertEqual([str(each) for each in self.files if each.suffix not in TYPES], [])

    def test_short(self) -> None:
        """Scripts and styles can be read: no long lines, no endless modules."""
        texts = self.texts(".js", ".mjs", ".ts", ".css", ".html")
        self.assertIn("grtc/phone.js", texts)
        wide = [
            f"{name}:{number}"
            for name, text in texts.items()
            for number, line in enumerate(text.splitlines(), 1)
            if len(line) > LINE and not _DRAWING.search(line)
        ]
        self.assertEqual(wide, [])
        modules = {name: len(text.splitlines()) for name, text in self.texts(".js", ".mjs").items()}
        self.assertEqual([f"{name}: {lines}" for name, lines in modules.items() if lines > LINES], [])

    def test_patience_with_a_stream(self) -> None:
        """A stream that is swallowed on the way is given up while a call that waits for the page still does."""
        (limit,) = re.findall(r"const FIRST_BYTE = ([0-9_]+);", (HOME / "grtc/stream.js").read_text())
        self.assertLessEqual(int(limit) / 1000, Settings().page_ack_timeout / 2)

    def test_stands_alone(self) -> None:
        """Nothing is loaded from elsewhere, and no script is in a page itself: the policy would forbid it."""
        for name, text in self.texts(".html").items():
            self.assertNotRegex(text, r"<script(?![^>]*\bsrc=)|\son[a-z]+\s*=\s*\"", name)
            self.assertNotRegex(text, r"(?:src|href)=\"(?:https?:)?//", name)
        for name, text in self.texts(".css").items():
            self.assertNotRegex(text, r"@import|url\(['\"]?(?:https?:)?//", name)
        for name, text in self.texts(".js", ".mjs").items():
            self.assertNotRegex(text, r"from\s+\"(?:https?:)?//", name)

    def test_one_design(self) -> None:
        """The extension is no page of ours, and brings the colours and measures of our pages along."""
        texts = self.texts(".css")
        own, ours = (
            dict(re.findall(r"^  (--[a-z-]+): (.+);$", texts[name], re.MULTILINE))
            for name in ("extension/files/style.css", "softphone/tokens.css")
        )
        self.assertGreater(len(own), 10)
        self.assertEqual(own, {name: ours[name] for name in own})
        framed = [name for name, text in self.texts(".html").items() if "softphone/page.css" in text]
        self.assertGreater(len(framed), 8)

    def test_modules_are_there(self) -> None:
        """Every module that a script imports, and every file that a page names, is in the package."""
        for path in self.files:
            if path.suffix in (".js", ".html"):
                text = path.read_text()
                pattern = r'from "(\.[^"]+)"' if path.suffix == ".js" else r'(?:src|href)="([\w./-]+)"'
                for named in re.findall(pattern, text):
                    if "." in named.rpartition("/")[2]:
                        self.assertTrue((path.parent / named).exists() or _served(named), f"{path}: {named}")


def _served(named: str) -> bool:
    """Return whether the gateway serves this by another name than its file's."""
    return named.rpartition("/")[2] in ("grtc.js", "favicon.ico", "openapi.json", "wrtcgw-extension.zip")
