"""``twistd wrtcgw --drain`` against gateways that are played."""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from unittest import TestCase

from wrtcgw.config import Settings
from wrtcgw.drain_command import drain


class Played:
    """A gateway on a port of loopback that answers as the test says, until it is closed."""

    def __init__(self, refuse: int = 0) -> None:
        played = self
        self.orders: list[tuple[str, object, str | None]] = []
        self.calls = 2

        class Requests(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                played.orders.append((self.path, body, self.headers["Authorization"]))
                self.answer({"error": "who are you?"} if refuse else {"draining": True}, refuse or 200)

            def do_GET(self) -> None:
                self.answer({"active_calls": played.calls}, 200)

            def answer(self, view: object, code: int) -> None:
                body = json.dumps(view).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Requests)
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    @property
    def settings(self) -> Settings:
        """Return the settings with which it runs."""
        return Settings(http_port=self.server.server_port, sip_domain="example.org")

    def close(self) -> None:
        """End."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Drain(TestCase):
    """What the command says and returns."""

    def run_against(self, played: Played, sleep: Callable[[float], object], token: str = "") -> tuple[int, list[str]]:
        """Run the command."""
        said: list[str] = []
        return drain(played.settings, token, 60, said.append, sleep), said

    def test_until_it_stops(self) -> None:
        """It tells how many calls are up, each number once, and ends with the gateway."""
        played = Played()
        left = [2, 1, 1]

        def sleep(seconds: float) -> None:
            if left:
                played.calls = left.pop()
            else:
                played.close()

        code, said = self.run_against(played, sleep, "s3cret")
        self.assertEqual(code, 0)
        self.assertEqual(
            said, ["draining: 2 calls are up", "draining: 1 call is up", "draining: 2 calls are up", "stopped"]
        )
        order = {"on": True, "stop": True, "limit": 60}
        self.assertEqual(played.orders, [("/api/ops/drain", order, "Bearer s3cret")])

    def test_refused(self) -> None:
        """A gateway that wants another token goes on, and the command says why."""
        played = Played(401)
        self.addCleanup(played.close)
        code, said = self.run_against(played, lambda seconds: None)
        self.assertEqual((code, len(said)), (1, 1))
        self.assertIn("401", said[0])
        self.assertIn("who are you?", said[0])

    def test_nobody(self) -> None:
        """Without a gateway it says so."""
        played = Played()
        played.close()
        code, said = self.run_against(played, lambda seconds: None)
        self.assertEqual((code, len(said)), (1, 1))
        self.assertIn("no gateway answers", said[0])
