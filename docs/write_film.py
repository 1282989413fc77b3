"""
Write ``one-call.svg`` from ``tests/data/flows/call.txt``: ``python docs/write_film.py``.

It is a call as a film, which ``one-call.md`` shows.

The picture holds all that it needs. Its messages appear one after the other, once; for who has asked for less motion
they are all there from the beginning. Light and dark follow the reader's settings.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from attrs import frozen

HERE = Path(__file__).parent
FLOW = HERE.parent / "tests/data/flows/call.txt"
FILM = HERE / "one-call.svg"

LINE = re.compile(r"(?m)^ *(\d+\.\d{3})  gateway (-->|<--) far side  (.+)$")
SAID = (
    "the page's offer goes out as it came",
    "the proxy wants to know who that is",
    "every final response other than 2xx is acknowledged",
    "the same offer, with the answer to the challenge",
    "the proxy has it",
    "a first answer: the page can hear what the far side plays",
    "it rings; the page hears RINGING",
    "answered; the page gets ANSWER, and there is sound",
    "to the far side itself, by the way that the answer came",
    "a minute later the far side hangs up",
    "the page hears SHUTDOWN",
)
"""What is to be said of each message."""

WIDTH, TOP, STEP, LEFT, RIGHT = 860, 92, 58, 120, 520
PACE = 1.6
"""Seconds from one message to the next."""

STYLE = """
  #one-call { display: block; min-width: 640px; }
  #one-call text { font: 15px system-ui, sans-serif; fill: #1d2733; }
  #one-call .head { font-weight: 600; text-anchor: middle; }
  #one-call .said, #one-call .time { font-size: 13px; fill: #526070; }
  #one-call .time { text-anchor: end; }
  #one-call .paper { fill: #fff; }
  #one-call .life { stroke: #9aa7b4; stroke-dasharray: 3 5; }
  #one-call .box { fill: #e8eef5; stroke: #9aa7b4; }
  #one-call .way { stroke-width: 2; }
  #one-call .out { stroke: #0b62b8; fill: #0b62b8; }
  #one-call .in { stroke: #1a7a3c; fill: #1a7a3c; }
  #one-call .step { animation: one-call-come .5s ease-out both; }
  @keyframes one-call-come { from { opacity: 0; transform: translateY(-8px); } }
  @media (prefers-color-scheme: dark) {
    #one-call text { fill: #e6edf3; }
    #one-call .said, #one-call .time { fill: #a9b6c3; }
    #one-call .paper { fill: #131a22; }
    #one-call .box { fill: #202b37; }
    #one-call .out { stroke: #6cb2ff; fill: #6cb2ff; }
    #one-call .in { stroke: #67d08c; fill: #67d08c; }
  }
  @media (prefers-reduced-motion: reduce) { #one-call .step { animation: none; } }
"""
"""Its rules hold for the picture alone, which stands in the midst of a page."""


@frozen
class Message:
    """One message: its second, whether the gateway sends it, its first line in short."""

    second: float
    is_ours: bool
    text: str


def messages(flow: str) -> Iterator[Message]:
    """Iterate over the messages of a flow."""
    for second, way, line in LINE.findall(flow):
        text = line.removeprefix("SIP/2.0 ") if line.startswith("SIP/2.0 ") else line.split()[0]
        yield Message(float(second), way == "-->", text)


def step(number: int, message: Message, said: str) -> str:
    """Return one message as it appears."""
    y = TOP + number * STEP
    start, end = (LEFT, RIGHT) if message.is_ours else (RIGHT, LEFT)
    point = end - 10 if message.is_ours else end + 10
    kind = "out" if message.is_ours else "in"
    return (
        f'<g class="step" style="animation-delay:{number * PACE:.1f}s">'
        f'<text class="time" x="{LEFT - 16}" y="{y + 5}">{message.second:g} s</text>'
        f'<text x="{(LEFT + RIGHT) // 2}" y="{y - 8}" text-anchor="middle">{escape(message.text)}</text>'
        f'<line class="way {kind}" x1="{start}" y1="{y}" x2="{point}" y2="{y}"/>'
        f'<path class="{kind}" d="M{end} {y}L{point} {y - 5}V{y + 5}Z"/>'
        f'<text class="said" x="{RIGHT + 16}" y="{y + 5}">{escape(said)}</text></g>'
    )


def film(flow: str) -> str:
    """Return the picture."""
    shown = list(messages(flow))
    height = TOP + len(shown) * STEP
    lives = "".join(
        f'<rect class="box" x="{x - 60}" y="20" width="120" height="34" rx="6"/>'
        f'<text class="head" x="{x}" y="42">{name}</text>'
        f'<line class="life" x1="{x}" y1="54" x2="{x}" y2="{height - 20}"/>'
        for x, name in ((LEFT, "gateway"), (RIGHT, "far side"))
    )
    steps = "\n".join(step(number, *pair) for number, pair in enumerate(zip(shown, SAID, strict=True)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="one-call" viewBox="0 0 {WIDTH + 80} {height}" role="img" '
        f'aria-label="The SIP messages of one call"><title>The SIP messages of one call, one after the other</title>'
        f'<style>{STYLE}</style><rect class="paper" width="100%" height="100%" rx="8"/>{lives}\n{steps}\n</svg>\n'
    )


if __name__ == "__main__":
    FILM.write_text(film(FLOW.read_text("utf-8")), "utf-8")
    print(f"{FILM.name}: written", file=sys.stderr)
