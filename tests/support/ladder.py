"""
Golden call flows: each message of a scenario with an arrow, the time, and its full text, and each event between them.

A flow is compared with its file in ``tests/data/flows``; :mod:`tests.support.golden` tells how these are renewed.
"""

from pathlib import Path

from tests.support.golden import compare
from tests.support.script import ScriptCase
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.outputs import Output, Send
from wrtcgw.sip.parser import parse

FOLDER = Path(__file__).parent.parent / "data" / "flows"
BEGIN = 1000.0
"""The time at which the scenarios begin."""


class LadderCase(ScriptCase):
    """Tests that compare what is exchanged with a file."""

    def setUp(self) -> None:
        self.ladder: list[str] = []
        super().setUp()

    def take(self, outputs: list[Output]) -> None:
        """Note what the core puts out."""
        for output in outputs:
            if isinstance(output, Send):
                self._message("gateway --> far side", output.text)
            else:
                self._step(f"gateway: {output!r}")
        super().take(outputs)

    def receive(self, message: Request | Response) -> None:
        """Note what the far side sends."""
        self._message("gateway <-- far side", message.to_text())
        super().receive(message)

    def note(self, text: str) -> None:
        """Note what happens besides."""
        self._step(f"# {text}")

    def _step(self, text: str) -> None:
        self.ladder.append(f"{self.now - BEGIN:9.3f}  {text}")

    def _message(self, arrow: str, text: str) -> None:
        message = parse(text)
        assert isinstance(message, Request | Response)
        self._step(f"{arrow}  {message.start_line}")
        self.ladder += ["", *(f"    {line}".rstrip() for line in text.rstrip().splitlines()), ""]

    def assertFlow(self, name: str) -> None:
        """Compare what was exchanged so far with the file of that name."""
        compare(self, FOLDER / f"{name}.txt", "\n".join(self.ladder).rstrip() + "\n")
