"""A gateway and media that do what a test says."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any, cast

import aiohttp

from tests.support.asyncloop import run
from wrtcgw.agentclient import Agent, Call, NoMediaError, UnreachableError
from wrtcgw.agentclient.messages import Message
from wrtcgw.agentclient.sound import Servers
from wrtcgw.agentclient.wire import Fields, Wire


class FakeSound:
    """Media without packets."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.refuses = False
        self.playing: asyncio.Event = asyncio.Event()
        """Set when what is played is at its end."""

    async def offer(self) -> str:
        """Offer."""
        return "offer"

    async def answer(self, offer: str) -> str:
        """Answer."""
        if self.refuses:
            raise NoMediaError("no audio")
        return f"answer to {offer}"

    async def apply_answer(self, answer: str) -> None:
        """Take an answer."""
        if self.refuses:
            raise NoMediaError("no audio")
        self.told.append(f"applied {answer}")

    async def play(self, path: Path) -> None:
        """Play until the test says so."""
        self.told.append(f"plays {path}")
        await self.playing.wait()

    def record(self, path: Path, most: float) -> None:
        """Record."""
        self.told.append(f"records {path}, {most:g} s at most")

    def stop_recording(self) -> None:
        """Stop."""
        self.told.append("recorded")

    async def close(self) -> None:
        """Close."""
        self.told.append("closed")


class FakeWire(Wire):
    """
    A gateway in a list.

    Requests are noted in ``asked`` and get what ``answers`` has for their path: a value, an error to raise, or a list
    of them, one for each time; those of a path in ``held`` wait until the test lets them go. ``say`` puts a message
    into the stream; an error there breaks it off.
    """

    def __init__(self, gateway: str = "") -> None:
        super().__init__(gateway, cast(aiohttp.ClientSession, None))
        self.asked: list[tuple[str, dict[str, object]]] = []
        self.answers: dict[str, Any] = {}
        self.held: dict[str, asyncio.Event] = {}
        self.streams: list[int | None] = []
        self.seq = 0
        self.said: asyncio.Queue[Message | Exception] = asyncio.Queue()
        self.closed = False

    async def close(self) -> None:
        """Close."""
        self.closed = True

    async def _ask(self, method: str, path: str, query: Any = None, **body: Any) -> Fields:
        fields = {**(query or {}), **(body.get("json") or body.get("data") or {})}
        self.asked.append((path, fields))
        if path in self.held:
            await self.held[path].wait()
        answer = self.answers.get(path, {"session": "token"} if path == "sign_in" else {})
        if isinstance(answer, list):
            answer = answer.pop(0) if answer else {}
        if isinstance(answer, BaseException):
            raise answer
        return cast(Fields, answer)

    async def messages(self, after: int | None) -> AsyncGenerator[Message | None, None]:
        """Tell what was said."""
        self.streams.append(after)
        opened = self.answers.get("events", {})
        if isinstance(opened, list):
            opened = opened.pop(0) if opened else {}
        if isinstance(opened, Exception):
            raise opened
        yield None
        while True:
            said = await self.said.get()
            if isinstance(said, Exception):
                raise said
            yield said

    def say(self, kind: str, call: str = "c1", **fields: object) -> None:
        """Let a message come."""
        self.seq += 1
        self.said.put_nowait(
            Message.of({"messageType": kind, "seq": self.seq, "callId": call, **fields}),
        )

    def break_off(self) -> None:
        """Let the stream end."""
        self.said.put_nowait(UnreachableError("broken off"))

    def of(self, path: str) -> list[dict[str, object]]:
        """Return what was asked under a path."""
        return [fields for each, fields in self.asked if each == path]


class Bench:
    """An agent at a gateway in a list."""

    def __init__(self, **options: Any) -> None:
        self.wire = FakeWire()
        self.sounds: list[FakeSound] = []
        options = {"dn": "5001", "password": "secret", **options}
        self.agent = Agent("http://gw", **options, open_wire=lambda gateway: self.wire, new_media=self._sound)

    def _sound(self, servers: Servers, heard: Callable[[str], None]) -> FakeSound:
        self.heard = heard
        self.sounds.append(FakeSound())
        return self.sounds[-1]


async def settle() -> None:
    """Let everything happen that needs no time."""
    for _ in range(50):
        await asyncio.sleep(0)


def virtual(test: Callable[[Any], Coroutine[Any, Any, None]]) -> Callable[[Any], None]:
    """Run a test in virtual time."""

    @wraps(test)
    def wrapped(self: Any) -> None:
        run(test(self))

    return wrapped


async def incoming(bench: Bench, call: str = "c1") -> Call:
    """Let a call come, and return it."""
    bench.wire.say(
        "OFFER", call, sdp="their offer", displayName="Ann", data=[{"key": "k", "value": "v"}], **{"from": "5002"}
    )
    return await bench.agent.incoming(1.0)


async def up(bench: Bench, call: str = "c1") -> Call:
    """Return a call that is answered."""
    found = await incoming(bench, call)
    await found.answer()
    return found
