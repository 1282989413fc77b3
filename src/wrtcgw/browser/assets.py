"""
Static files of the package, with the header fields that a page with a microphone should have.

A response is made of the file as it is now, so nothing has to be restarted for a changed page. Browsers ask each time
(``no-cache``) and mostly hear 304: an updated gateway is never used with yesterday's page. Texts go out compressed to
whoever takes that (:rfc:`9110#section-12.5.3`), each compressed once; scripts go without their comments.
"""

import gzip
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from attrs import frozen
from twisted.web.http import CACHED
from twisted.web.resource import Resource
from twisted.web.server import Request

from wrtcgw.browser.comments import uncommented
from wrtcgw.browser.refusals import Missing, ReadOnly, refuse

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".tgz": "application/gzip",
    ".ts": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".zip": "application/zip",
}

COMPRESSED = frozenset({".css", ".html", ".js", ".json", ".mjs", ".md", ".svg", ".ts", ".txt", ".wasm", ".webmanifest"})
"""What gets smaller; pictures, sounds and archives are compressed in themselves."""
SCRIPTS = frozenset({".js", ".mjs"})
"""What goes out without its comments."""
LEAST = 512
"""Bytes of a file that is worth it."""
KEPT = 256
"""Compressed files that are kept."""

Headers = Callable[[], Mapping[str, str]]
"""Gives the header fields that all files of a folder have; asked for each response."""

LONGEST = 100
"""Bytes of a file's name; of a much longer one the system does not even say that there is no such file."""

COMMON = {
    "Cache-Control": "no-cache",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Asset(ReadOnly):
    """One file: what ``load`` gives, sent only to a browser that has not the same already."""

    isLeaf = True

    def __init__(self, name: str, load: Callable[[], bytes], headers: Headers) -> None:
        super().__init__()
        suffix = Path(name).suffix or ".html"
        self._type = TYPES[suffix]
        self._compressed = suffix in COMPRESSED
        self._script = suffix in SCRIPTS
        self._load = load
        self._headers = headers

    def render_GET(self, request: Request) -> bytes:  # noqa: N802 (Twisted asks for it by this name)
        """Answer with the file, or with 304; there is nothing below a file."""
        if request.postpath:
            return refuse(request, 404)
        content = self._load()
        if self._script:
            content = uncommented(content)
        for name, value in {**COMMON, **self._headers(), "Content-Type": self._type}.items():
            request.setHeader(name.lower(), value)
        tag = blake2b(content, digest_size=12).hexdigest()
        if self._compressed and len(content) >= LEAST:
            request.responseHeaders.addRawHeader("vary", "Accept-Encoding")
            if takes_gzip(",".join(request.requestHeaders.getRawHeaders("accept-encoding") or ())):
                content, tag = gzipped(content), f"{tag}-gzip"
                request.setHeader("content-encoding", "gzip")
        if request.setETag(b'"%s"' % tag.encode()) is CACHED:
            request.responseHeaders.removeHeader("content-encoding")
            return b""
        request.setHeader("content-length", str(len(content)))
        return content


@lru_cache(maxsize=KEPT)
def gzipped(content: bytes) -> bytes:
    """Return a file compressed, the same bytes each time."""
    return gzip.compress(content, mtime=0)


_QUALITY = re.compile(r"\s*([\w*-]+)\s*(?:;\s*q\s*=\s*(0(?:\.\d*)?|1(?:\.0*)?)\s*)?", re.ASCII)


def takes_gzip(accepted: str) -> bool:
    """
    Return whether an Accept-Encoding takes gzip, and does not like the plain file better.

    ``*`` stands for what is not named; what cannot be read counts as not said (:rfc:`9110#section-12.5.3`).
    """
    said: dict[str, float] = {}
    for part in accepted.lower().split(","):
        found = _QUALITY.fullmatch(part)
        if found is not None:
            said[found[1]] = float(found[2] or 1)
    wanted = said.get("gzip", said.get("x-gzip", said.get("*", 0.0)))
    return wanted > 0 and wanted >= said.get("identity", 0.0)


class Folder(ReadOnly):
    """
    The files below a folder; ``index.html`` stands for the folder itself, and nothing else is listed.

    ``extra`` are files that are made when they are asked for; ``own`` has files with header fields of their own.
    """

    def __init__(
        self,
        path: Path,
        headers: Headers,
        extra: Mapping[str, Callable[[], bytes]] | None = None,
        own: Mapping[str, Headers] | None = None,
    ) -> None:
        super().__init__()
        self._path = path
        self._headers = headers
        self._extra = extra or {}
        self._own = own or {}

    def getChild(self, name: bytes, request: Request) -> Resource:
        """Return what is at a name below."""
        wanted = name.decode("utf-8", "replace") or "index.html"
        if wanted in self._extra:
            return Asset(wanted, self._extra[wanted], self._headers)
        path = self._path / wanted
        if wanted.startswith(".") or "/" in wanted or "\\" in wanted or len(name) > LONGEST:
            return Missing()
        if path.is_dir():
            return Folder(path, self._headers)
        if path.is_file() and path.suffix in TYPES:
            return Asset(wanted, path.read_bytes, self._own.get(wanted, self._headers))
        return Missing()

    def render_GET(self, request: Request) -> bytes:  # noqa: N802
        """Lead to the folder with a slash: a page's own links are relative to that."""
        request.redirect(request.path + b"/")
        return b""


class Made:
    """
    What is made of files, anew only when one of them has changed: who asks for it again and again keeps nobody waiting.

    :param make: gives it.
    :param files: gives the files that it is made of.
    """

    def __init__(self, make: Callable[[], bytes], files: Callable[[], Iterable[Path]]) -> None:
        self._make = make
        self._files = files
        self._seen: list[tuple[str, int, int]] = []
        self._content: bytes | None = None

    def __call__(self) -> bytes:
        """Return it."""
        seen = [(str(path), (stat := path.stat()).st_mtime_ns, stat.st_size) for path in self._files()]
        if self._content is None or seen != self._seen:
            self._content, self._seen = self._make(), seen
        return self._content


@frozen
class Archive:
    """The files of a folder as a ZIP, always the same for the same files."""

    path: Path

    def __call__(self) -> bytes:
        """Return the archive."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(each for each in self.path.rglob("*") if each.is_file()):
                about = zipfile.ZipInfo(path.relative_to(self.path).as_posix())
                about.external_attr = 0o644 << 16
                archive.writestr(about, path.read_bytes(), zipfile.ZIP_DEFLATED)
        return packed.getvalue()
