"""What ``wrtcgw-client`` prints, and with which code it ends."""

from enum import IntEnum
from typing import TextIO

from attrs import define


class Exit(IntEnum):
    """The exit codes; 2 is argparse's own."""

    OK = 0
    CALL_FAILED = 1
    USAGE = 2
    SIGN_IN_FAILED = 3
    UNREACHABLE = 4
    NO_MEDIA = 5
    INTERRUPTED = 130


EXIT_CODES = """\
exit codes:
  0  every step succeeded
  1  a call, or a step in it, failed
  2  wrong use of the options
  3  sign-in failed: wrong number or password, or no registrar behind the gateway
  4  no gateway answers at the URL
  5  no media: the tone was not heard, or the demo extra is not installed
  130  interrupted (Ctrl-C, SIGTERM); the call was ended and the agent signed out
"""


class StepError(Exception):
    """A step failed, and said so: the walk ends with this code."""

    def __init__(self, code: Exit) -> None:
        super().__init__(code.name)
        self.code = code


@define
class Report:
    """One line for each step: a mark, its name, what came of it, and how long it took."""

    _stream: TextIO

    def done(self, step: str, detail: str, seconds: float) -> None:
        """Tell that a step succeeded."""
        self._line("✓", "ok", step, detail, seconds)

    def failed(self, step: str, why: str, seconds: float) -> None:
        """Tell that a step failed."""
        self._line("✗", "FAILED", step, why, seconds)

    def note(self, text: str) -> None:
        """Tell what happens meanwhile."""
        self._print(f"    {text}")

    def _line(self, mark: str, word: str, step: str, detail: str, seconds: float) -> None:
        try:
            mark.encode(self._stream.encoding or "utf-8")
        except UnicodeEncodeError:
            mark = word
        self._print(f"{mark} {step:<24} {detail:<44} {seconds:6.2f} s")

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)
