"""``twistd wrtcgw --drain``: lets the running gateway finish its calls and stop, and shows how it gets on."""

import json
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from wrtcgw.config import Settings

TIME_LIMIT = 5.0
"""Seconds for one answer."""
LOOK = 1.0
SPARE = 30.0
"""Seconds beyond the limit until it counts as hanging."""


def drain(
    settings: Settings,
    token: str,
    limit: int,
    say: Callable[[str], object] = print,
    sleep: Callable[[float], object] = time.sleep,
) -> int:
    """
    Drain the gateway that runs with these settings, and wait for its end.

    :param token: of an operator whose role is admin; '' where ``operator_loopback`` is set.
    :param limit: seconds that calls may take.
    :returns: the exit code: 0 when it has stopped, 1 when it could not be told to, or goes on.
    """
    url = f"http://127.0.0.1:{settings.http_port}/api"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = json.dumps({"on": True, "stop": True, "limit": limit}).encode()
    try:
        _ask(Request(f"{url}/ops/drain", body, {**headers, "Content-Type": "application/json"}))
    except HTTPError as error:
        say(f"the gateway at {url} refuses: {error.code} {error.read(500).decode(errors='replace').strip()}")
        return 1
    except (OSError, HTTPException, ValueError) as error:
        say(f"no gateway answers at {url}: {error}")
        return 1
    last, until = None, time.monotonic() + limit + SPARE
    while time.monotonic() < until:
        try:
            calls = _ask(Request(f"{url}/health", headers=headers))["active_calls"]
        except (OSError, HTTPException, ValueError, KeyError):
            say("stopped")
            return 0
        if calls != last:
            say(f"draining: {calls} {'call is' if calls == 1 else 'calls are'} up")
            last = calls
        sleep(LOOK)
    say(f"the gateway has not stopped {SPARE:.0f} s after the limit")
    return 1


def _ask(request: Request) -> Mapping[str, Any]:
    with urlopen(request, timeout=TIME_LIMIT) as response:
        answer: Mapping[str, Any] = json.load(response)
        return answer
