"""
Scripts without the comments that nobody's browser needs: a third of what a first view would fetch.

Only whole lines go, and each leaves an empty one, so that an error in a browser's console names the line of the source.
The sources themselves, ``.d.ts`` files and packages keep every word.
"""

import re
from functools import lru_cache

KEPT = 256
"""Scripts that are kept."""

_LINES = re.compile(rb"(?m)^[ \t]*(?://.*|/\*(?!!)[^*]*(?:\*(?!/)[^*]*)*\*/[ \t]*)$")
"""Lines that are a comment and nothing else; one that begins with ``/*!`` is meant to stay with its script."""


@lru_cache(maxsize=KEPT)
def uncommented(script: bytes) -> bytes:
    """
    Return a script without the comments that have lines of their own; its other lines stay where they are.

    The rule knows no template literals: no line of one may begin as a comment does (``case_npm`` has esbuild read every
    script of the package with and without).
    """
    return _LINES.sub(lambda found: b"\n" * found[0].count(b"\n"), script)
