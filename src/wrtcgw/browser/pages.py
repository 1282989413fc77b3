"""
Which pages there are, and what each may do.

The library is for everyone: pages of any origin may load it (whether they may *call* is the API's to say). The pages
themselves load nothing from elsewhere, and only those that are meant for it can be framed by other pages.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from attrs import define
from twisted.web.resource import IResource

from wrtcgw.browser.assets import Archive, Asset, Folder, Made
from wrtcgw.browser.bundle import join
from wrtcgw.browser.npmpackage import packed, sources
from wrtcgw.browser.refusals import Elsewhere

HOME = Path(str(files("wrtcgw.browser")))
ENTRY = "main.js"
"""The module whose ``Grtc`` the joined script offers."""
OPEN = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
REFUSED = "display-capture=(), geolocation=(), payment=(), usb=()"
"""What no page asks a browser for."""
TALKING = {"softphone", "gadget", "workspace"}
"""Pages with a microphone, and perhaps a camera, and a headset with buttons."""
WORKER = "sw.js"
"""A page's service worker, of which none asks for anything."""
OPENED = {"gadget", "workspace", "extension"}
"""Pages that talk with a window which opened them, or which they opened."""
SHARED = {"workspace", "vendor"}
"""Folders with modules that pages of any origin may load, as they may load the library."""


@define(kw_only=True)
class PageSettings:
    """What pages depend on; a change counts from the next response on."""

    allowed_origins: tuple[str, ...] = ()
    """Origins whose pages may frame the gadget."""
    oidc: Mapping[str, str] | None = None
    """The provider that the softphone may sign in at: ``issuer``, ``clientId``, ``scope``, ``name``, ``token``."""
    auto_answer: bool = False
    """Whether callers may ask to be answered without a click (``auto_answer = "headers"``)."""
    noise_suppression: bool = False
    """Whether the softphone offers to suppress noise, which takes WebAssembly."""
    demo: Mapping[str, object] | None = None
    """What the softphone offers to those who try the demo: a DN, its password, numbers to call."""


def browser_pages(settings: PageSettings) -> dict[bytes, IResource]:
    """Return what is served, by the first segment of its path; what is not in the package is left out."""
    found = {
        b"favicon.ico": Asset("icon.svg", (HOME / "icon.svg").read_bytes, lambda: OPEN),
        b"grtc.js": Asset("grtc.js", Made(joined, modules), lambda: OPEN),
        b"grtc.d.ts": Asset("grtc.d.ts", (HOME / "grtc.d.ts").read_bytes, lambda: OPEN),
        b"grtc": Folder(HOME / "grtc", lambda: OPEN, {"wrtcgw.tgz": Made(packed, lambda: sources().values())}),
    }
    for name, ancestors in _framing(settings).items():
        folder = HOME / name
        if folder.is_dir():
            extra = _extras(settings, folder).get(name, {})
            opened = partial(_opened, settings) if name == "softphone" else tuple
            guarded = partial(_guarded, ancestors, opened, _more(name))
            found[name.encode()] = Folder(folder, guarded, extra, {WORKER: partial(_alone, guarded)})
    found[b"api/docs"] = Folder(HOME / "api" / "docs", partial(_guarded, lambda: "'none'", tuple, _more("api/docs")))
    pages = {name: cast(IResource, page) for name, page in found.items()}
    if b"softphone" in pages:
        pages[b""] = cast(IResource, Elsewhere(b"/softphone/"))
    return pages


def _more(name: str) -> Mapping[str, str]:
    """Return the header fields of one page that others do not have."""
    fields = OPEN if name in SHARED else {}
    whose = "(self)" if name in TALKING else "()"
    fields = {**fields, "Permissions-Policy": f"{REFUSED}, microphone={whose}, camera={whose}, hid={whose}"}
    return fields if name in OPENED else {**fields, "Cross-Origin-Opener-Policy": "same-origin"}


def _extras(settings: PageSettings, folder: Path) -> Mapping[str, Mapping[str, Callable[[], bytes]]]:
    """Return what is made when it is asked for, by page and name."""
    return {
        "extension": {"wrtcgw-extension.zip": Made(Archive(folder / "files"), lambda: (folder / "files").rglob("*"))},
        "gadget": {"settings.json": lambda: _gadget(settings)},
        "softphone": {
            "settings.json": lambda: _softphone(settings),
            "check": (folder / "index.html").read_bytes,
        },
    }


def _softphone(settings: PageSettings) -> bytes:
    """Return what the softphone has to know: where one may sign in, what else it may offer, what a demo has."""
    provider = {} if settings.oidc is None else {"oidc": settings.oidc}
    offered = {"autoAnswer": settings.auto_answer, "noiseSuppression": settings.noise_suppression}
    allowed = {name: True for name, on in offered.items() if on}
    return json.dumps({"demo": settings.demo, **provider, **allowed}).encode()


def _gadget(settings: PageSettings) -> bytes:
    """Return what the gadget has to know: whose messages it may obey, and what to fill in for a demo."""
    return json.dumps({"origins": settings.allowed_origins, "demo": settings.demo}).encode()


def modules() -> Iterable[Path]:
    """Iterate over the modules of the library."""
    return (HOME / "grtc").rglob("*.js")


def joined() -> bytes:
    """Return the library as one script."""
    named = {path.relative_to(HOME / "grtc").as_posix(): path for path in modules()}
    return join({name: path.read_text("utf-8") for name, path in named.items()}, ENTRY).encode()


def _framing(settings: PageSettings) -> Mapping[str, Callable[[], str]]:
    """Return the folders that are pages, each with who may frame it."""

    def hosts() -> str:
        return " ".join(("'self'", *settings.allowed_origins))

    return {
        "softphone": lambda: "'self'",
        "gadget": hosts,
        "workspace": hosts,
        "ops": lambda: "'none'",
        "extension": lambda: "'none'",
        "vendor": lambda: "'none'",
    }


def _alone(guarded: Callable[[], Mapping[str, str]]) -> Mapping[str, str]:
    """Return the header fields of a worker: as its page's, but it may ask nobody for anything."""
    return {**guarded(), "Content-Security-Policy": "default-src 'none'"}


def _opened(settings: PageSettings) -> tuple[str, ...]:
    """Return what the policy of the softphone allows beyond that of other pages: its provider, and WebAssembly."""
    found = []
    if settings.oidc is not None:
        url = urlsplit(settings.oidc["issuer"])
        found.append(f"connect-src 'self' {url.scheme}://{url.netloc}")
    if settings.noise_suppression:
        found.append("script-src 'self' 'wasm-unsafe-eval'")
    return tuple(found)


def _guarded(
    ancestors: Callable[[], str], opened: Callable[[], tuple[str, ...]], more: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the header fields of a page: it asks itself (the gateway) and what is opened to it; who may frame it."""
    policy = (
        "default-src 'self'",
        *opened(),
        "img-src 'self' data:",
        "media-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        f"frame-ancestors {ancestors()}",
    )
    return {"Content-Security-Policy": "; ".join(policy), **more}
