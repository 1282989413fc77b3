"""A desktop on the web for the tests: static pages over HTTPS, under an origin of its own, with a policy of its own."""

import functools
import http.server
import pathlib
import ssl
import tempfile
import threading
from typing import Any

from attrs import frozen

from tests.interop.authority import make_certificates

PAGES = pathlib.Path(__file__).with_name("data") / "wwe"
POLICY = "default-src 'self'; connect-src 'self' https://127.0.0.1:8000"
"""What a careful desktop allows itself: its softphone, and neither requests nor frames of anybody else."""


@frozen
class Desktop:
    """Where the desktop is, and where the same server has other pages of the same origin."""

    origin: str

    @property
    def url(self) -> str:
        """Where agents open it."""
        return f"{self.origin}/ui/ad/v1/index.html"

    @property
    def other_page(self) -> str:
        """A page of the same origin that is not the desktop."""
        return f"{self.origin}/help/index.html"


@functools.cache
def desktop() -> Desktop:
    """Return the desktop; it runs as long as the tests."""
    server = _Server(("127.0.0.1", 0), _Pages)
    files = make_certificates(pathlib.Path(tempfile.mkdtemp(prefix="wwe-")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.chain, files.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, name="wwe", daemon=True).start()
    return Desktop(f"https://127.0.0.1:{server.server_address[1]}")


class _Server(http.server.ThreadingHTTPServer):
    """Says nothing of connections that a browser gives up, as it does when it has a certificate judged."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing."""


class _Pages(http.server.SimpleHTTPRequestHandler):
    """The files, whatever the folder."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, directory=str(PAGES))

    def do_GET(self) -> None:
        """Answer with the file of that name."""
        self.path = "/" + self.path.rpartition("/")[2].partition("?")[0]
        if self.path == "/favicon.ico":
            self.send_response(204)
            self.end_headers()
            return
        super().do_GET()

    def end_headers(self) -> None:
        """Add the policy."""
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
