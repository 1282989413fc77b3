"""What a browser sees where there is no page: short, in both languages, and as closed as a page can be."""

from base64 import b64encode
from hashlib import sha256

from twisted.web.resource import Resource
from twisted.web.server import Request

STYLE = "body{font:1.1rem/1.6 system-ui,sans-serif;margin:15vh auto;max-width:32rem;padding:0 1rem;color:#1d2733}"
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
<h1>{code}</h1><p>{english}</p><p lang="de">{german}</p></html>
"""
READING = (b"GET", b"HEAD")
"""The methods that pages know."""


def refuse(request: Request, code: int) -> bytes:
    """Set the response up to refuse a request, and return its body."""
    english, german = TEXTS[code]
    body = PAGE.format(code=code, style=STYLE, english=english, german=german).encode()
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
