"""``wrtcgw-client --explain CALL``: what happened in a call, asked of the running gateway as an operator."""

import json
import os
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IReactorTime
from twisted.web.client import ResponseNeverReceived
from twisted.web.http_headers import Headers

from wrtcgw.clientlib.output import Exit

TOKEN_VARIABLE = "WRTCGW_OPERATOR_TOKEN"
NO_TOKEN = f"; an operator's token comes from --operator-token-file or from the variable {TOKEN_VARIABLE}"


def operator_token(path: str | None) -> str:
    """
    Return the token in the first line of a file, or of the variable; '' for none.

    :raises OSError: when the file cannot be read.
    """
    if path is None:
        return os.environ.get(TOKEN_VARIABLE, "")
    return Path(path).read_text("utf-8").partition("\n")[0].strip()


async def explain(
    http: HTTPClient, clock: IReactorTime, url: str, token: str, call: str, *, patience: float, stream: TextIO
) -> Exit:
    """
    Print the story of a call: who with whom, how it ended and why, and each step.

    :param call: its id, Call-ID, or a part of what the search of the console finds.
    """
    headers = Headers({"Authorization": [f"Bearer {token}"]} if token else {})

    async def get(path: str) -> tuple[int, str]:
        response = await http.get(url.rstrip("/") + path, headers=headers)
        return response.code, await response.text()

    async def found() -> tuple[int, str]:
        code, text = await get(f"/api/ops/ladder.txt?call={quote(call, safe='')}")
        if code != 404:
            return code, text
        code, text = await get(f"/api/ops/search?limit=1&q={quote(call, safe='')}")
        calls = json.loads(text).get("calls") if code == 200 else ()
        wanted = str(calls[0]["callId"]) if calls else call
        return await get(f"/api/ops/ladder.txt?call={quote(wanted, safe='')}")

    try:
        code, text = await Deferred.fromCoroutine(found()).addTimeout(patience, clock)
    except (ConnectError, DeferredTimeout, ResponseNeverReceived) as error:
        print(f"{url}: no answer ({error or 'too late'})", file=stream)
        return Exit.UNREACHABLE
    if code != 200:
        print(_refusal(text) + (NO_TOKEN if code in (401, 403) and not token else ""), file=stream)
        return Exit.CALL_FAILED
    print(story(text), file=stream)
    return Exit.OK


def story(ladder: str) -> str:
    """Return of a ladder as text what stands before the messages in full."""
    return "\n\n".join(ladder.split("\n\n")[:2])


def _refusal(text: str) -> str:
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return "the answer is none of a gateway's"
