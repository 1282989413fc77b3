"""What a browser sees where there is no page: short, in both languages, and as closed as a page can be."""

from base64 import b64encode
from hashlib import sha256

from twisted.web.resource import Resource
from twisted.web.server import Request

STYLE = (
    ":root{color-scheme:light dark}"
    "*{box-sizing:border-box}"
    "body{margin:0;font:16px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;"
    "color:light-dark(#15202e,#e8eef6);background:light-dark(#eef1f6,#0f141b)}"
    "header{display:flex;align-items:center;gap:.75rem;min-height:3.5rem;padding:.4rem 1.25rem;font-size:1.1rem;"
    "font-weight:700;background:light-dark(#fff,#18202a);border-bottom:1px solid light-dark(#d9e0ea,#2f3b4b)}"
    "svg{width:2.1rem;padding:.42rem;border-radius:10px;background:light-dark(#1d5bbf,#7db0ff);"
    "fill:light-dark(#fff,#081a33)}"
    "main{max-width:26.5rem;margin:8vh auto;padding:1.75rem;border-radius:14px;background:light-dark(#fff,#18202a);"
    "border:1px solid light-dark(#d9e0ea,#2f3b4b)}"
    "h1{margin:0;font-size:1.45rem}p{margin:.4rem 0}ul{margin:1.25rem 0 0;padding:0;list-style:none}"
    "a{color:light-dark(#1d5bbf,#7db0ff);font-weight:600;line-height:1.9}"
    "@media(forced-colors:active){svg{border:1px solid CanvasText;fill:CanvasText}}"
)
LOGO = (
    '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6.6 3.4 9 3.9l1.5 4.3-2.1 2a12.6 12.6 0 0 0 5.4 5.4l2-2.1 '
    '4.3 1.5.5 2.4c.3 1.4-.7 2.6-2.1 2.6C10.3 20 4 13.7 4 5.5c0-1.4 1.2-2.4 2.6-2.1z"/></svg>'
)
POLICY = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
    f"style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'"
)
TEXTS = {
    404: ("There is no such page here.", "Diese Seite gibt es hier nicht."),
    405: ("This page can only be read.", "Diese Seite kann nur gelesen werden."),
}
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{code}</title><style>{style}</style>
<header>{logo}wrtcgw</header>
<main><h1>{code}</h1><p>{english}</p><p lang="de">{german}</p><ul>{ways}</ul></main></html>
"""
WAYS = (
    ("softphone/", "Softphone"),
    ("gadget/howto.html", "Gadget"),
    ("ops/", 'Operator console · <span lang="de">Betreiberkonsole</span>'),
    ("api/docs/", "HTTP API"),
)
"""What is offered instead, below the gateway's root."""
READING = (b"GET", b"HEAD")
"""The methods that pages know."""


def refuse(request: Request, code: int) -> bytes:
    """Set the response up to refuse a request, and return its body."""
    english, german = TEXTS[code]
    body = PAGE.format(code=code, style=STYLE, logo=LOGO, english=english, german=german, ways=_ways(request)).encode()
    request.setResponseCode(code)
    fields = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": POLICY,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-length": str(len(body)),
    }
    if code == 405:
        fields["allow"] = "GET, HEAD"
    for name, value in fields.items():
        request.setHeader(name, value)
    return b"" if request.method == b"HEAD" else body


def _ways(request: Request) -> str:
    """Return links to other pages; relative ones, because a proxy may serve the gateway below a path of its own."""
    depth = len(request.prepath or ()) + len(request.postpath or ()) - 1
    root = "../" * depth or "./"
    return "".join(f'<li><a href="{root}{path}">{name}</a>' for path, name in WAYS)


class ReadOnly(Resource):
    """A resource that can be read, and nothing else."""

    def render(self, request: Request) -> bytes | int:
        """Refuse any method but GET and HEAD."""
        if request.method not in READING:
            return refuse(request, 405)
        return super().render(request)  # type: ignore[no-any-return]


class Missing(Resource):
    """What is not there, by whatever method."""

    def getChild(self, name: bytes, request: Request) -> Resource:
        """Return itself: there is nothing below it either."""
        return self

    def render(self, request: Request) -> bytes | int:
        """Say so."""
        return refuse(request, 404)


class Elsewhere(ReadOnly):
    """Leads to another path."""

    def __init__(self, path: bytes) -> None:
        super().__init__()
        self._path = path

    def getChild(self, name: bytes, request: Request) -> Resource:
        """Return that there is nothing below it."""
        return Missing()

    def render_GET(self, request: Request) -> bytes:  # noqa: N802 (Twisted asks for it by this name)
        """Answer with the other path."""
        request.redirect(self._path)
        return b""
