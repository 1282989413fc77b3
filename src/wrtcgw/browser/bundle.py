"""
The library as one classic script.

The ES modules of ``grtc/`` are what pages import; ``<script src="/grtc.js">`` gets the very same text, each module in a
function of its own so that their private names stay apart, in the order of their imports. No build step: it is done
when the script is asked for. Only the plain forms of ``import`` and ``export`` that the modules keep to are known;
anything else is an error, so that nothing is joined wrongly in silence.
"""

import posixpath
import re
from collections.abc import Mapping

_IMPORT = re.compile(r'(?m)^import\s*\{([^}]*)\}\s*from\s*"(\./[^"]+)";[ \t]*$')
_EXPORT = re.compile(r"(?m)^export (?=(?:async )?(?:const|let|class|function)\b)")
_EXPORTED = re.compile(r"(?m)^export (?:async )?(?:const|let|class|function)\*?\s+(\w+)")
_LATER = re.compile(r'\bimport\("(\./[^"]+)"\)')
"""A module that a page fetches when it is needed; here it is there already."""
_COMMENT = re.compile(r"\s*(?:\*|/[/*])")
_LEFT = re.compile(r"(?m)^(?:import|export)\b.*|^(?!\s*(?:\*|/[/*])).*\bimport\(.*")

_HEAD = """// The library of wrtcgw, all modules in one file: globalThis.Grtc. See grtc.d.ts for what it offers.
(function () {
"use strict";
const scriptURL = globalThis.document?.currentScript?.src || globalThis.location?.href || "http://localhost/grtc.js";
const moduleURL = (name) => new URL(`grtc/${name}`, scriptURL).href;
const modules = {};
"""
_TAIL = """globalThis.Grtc = modules["%s"].Grtc;
}());
"""


class CannotJoin(Exception):
    """A module uses a form of import or export that is not known here, or imports what is not there."""


def join(sources: Mapping[str, str], entry: str) -> str:
    """
    Return one script that runs ``entry`` and what it needs, and leaves its ``Grtc`` as a global.

    :param sources: the modules' texts by their names (``call.js``).
    :raises CannotJoin: naming the module and what is wrong with it.
    """
    parts = [_wrapped(name, sources[name]) for name in _ordered(sources, entry)]
    return "".join((_HEAD, *parts, _TAIL % entry))


def _ordered(sources: Mapping[str, str], entry: str) -> list[str]:
    """Return the modules that ``entry`` needs, each after all that it imports."""
    done: list[str] = []
    open_: list[str] = []

    def visit(name: str, user: str) -> None:
        if name in done:
            return
        if name not in sources:
            raise CannotJoin(f"{user} imports {name}, which does not exist")
        if name in open_:
            raise CannotJoin(f"{' imports '.join((*open_, name))}: a circle")
        open_.append(name)
        for _, path in _IMPORT.findall(sources[name]):
            visit(_resolved(name, path), name)
        for path in _later(sources[name]):
            visit(_resolved(name, path), name)
        open_.pop()
        done.append(name)

    visit(entry, "the script")
    return done


def _later(text: str) -> list[str]:
    """Return the paths of the modules that are imported by a call, comments left out."""
    return [path for line in text.splitlines() if not _COMMENT.match(line) for path in _LATER.findall(line)]


def _resolved(user: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(user), path))


def _wrapped(name: str, text: str) -> str:
    """Return a module as a function that is called at once and gives its exports."""

    def imported(found: re.Match[str]) -> str:
        names = ", ".join(" ".join(each.split()).replace(" as ", ": ") for each in found[1].split(",") if each.strip())
        return f'const {{ {names} }} = modules["{_resolved(name, found[2])}"];'

    def fetched(found: re.Match[str]) -> str:
        return f'Promise.resolve(modules["{_resolved(name, found[1])}"])'

    exports = ", ".join(_EXPORTED.findall(text))
    lines = [line if _COMMENT.match(line) else _LATER.sub(fetched, line) for line in text.splitlines()]
    body = _EXPORT.sub("", _IMPORT.sub(imported, "\n".join(lines))).replace("import.meta.url", f'moduleURL("{name}")')
    left = _LEFT.search(body)
    if left:
        raise CannotJoin(f"{name}: {left[0].strip()}")
    return f'\n// ---- {name}\nmodules["{name}"] = (() => {{\n{body.rstrip()}\nreturn {{ {exports} }};\n}})();\n'
