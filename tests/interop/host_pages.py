"""Pages of other origins than the gateway's: the files of ``data``, and what a case makes."""

import functools
import http.server
import pathlib
import threading
from typing import Any, ClassVar

from attrs import frozen

FILES = pathlib.Path(__file__).with_name("data")


@frozen
class HostPages:
    """Where the pages are: one server, and by its two names two origins."""

    port: int

    @property
    def origin(self) -> str:
        """The origin that is to be allowed."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def foreign(self) -> str:
        """Another origin with the same pages, which nobody has allowed anything."""
        return f"http://localhost:{self.port}"

    def make(self, name: str, text: str) -> str:
        """Serve a page that is no file, and return its address."""
        _Pages.made[f"/{name}"] = text.encode()
        return f"{self.origin}/{name}"


@functools.cache
def host_pages() -> HostPages:
    """Return the pages; their server runs as long as the tests."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    threading.Thread(target=server.serve_forever, name="host pages", daemon=True).start()
    return HostPages(server.server_address[1])


class _Pages(http.server.SimpleHTTPRequestHandler):
    """The files, and what was made."""

    protocol_version = "HTTP/1.1"
    made: ClassVar[dict[str, bytes]] = {}

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, directory=str(FILES))

    def do_GET(self) -> None:
        """Answer with a page."""
        body = self.made.get(self.path)
        if body is None:
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
