"""
Write ``conf/wrtcgw.toml`` and the keys in ``configuration.md`` anew, from their declarations.

The declarations are in ``src/wrtcgw/config/sections/``; wrtcgw has to be installed, or in PYTHONPATH.
"""

import pathlib
import re
from collections.abc import Iterator

from wrtcgw.config import sample as sample_file
from wrtcgw.config.settings import keys as declared

TOP = pathlib.Path(__file__).resolve().parent.parent
SAMPLE, PAGE = TOP / "conf/wrtcgw.toml", TOP / "docs/configuration.md"
BEGIN = "<!-- written by docs/write_configuration.py from src/wrtcgw/config/sections/; change it there -->\n"

UNITS = {name: key.unit for name, key, _ in declared()}

_SECTION = re.compile(r"# -{2,} (.+?) -+")
_KEY = re.compile(r"(#?)([a-z][a-z0-9_]*) = (.+)")
_WORD = re.compile(r'\w+ = (?:"[^"\n]*"|true|false)|\[\[\w+\]\]|\{[^}\n]*\}|\[[^\]\n]*"\]|"[^"\n]*"|[^\s\["{]+')
_CODE = re.compile(r'["_\[<>*%={}]|//|^/\w|^--\w|^X-|^[\w.-]+/|^\w+[-.]\w+\.\w+$|^wrtcgw[.-]|^\+\d|^(true|false)$')


def sections(sample: str) -> Iterator[tuple[str, list[str]]]:
    """Iterate over the sections of the sample: title and lines."""
    title, lines = "", list[str]()
    for line in sample.splitlines():
        heading = _SECTION.fullmatch(line)
        if heading is None:
            lines.append(line)
            continue
        if title:
            yield title, lines
        title, lines = heading[1], []
    yield title, lines


def entries(lines: list[str]) -> Iterator[tuple[list[str], list[tuple[str, str, bool]]]]:
    """Iterate over comments with the keys behind them: name, value, and whether the sample sets it."""
    comment, keys = list[str](), list[tuple[str, str, bool]]()
    for line in [*lines, ""]:
        key = _KEY.fullmatch(line)
        if key is not None:
            keys.append((key[2], key[3], not key[1]))
            continue
        if keys:
            yield comment, keys
            comment, keys = [], []
        if line.startswith("#"):
            comment.append(line.removeprefix("#").removeprefix(" "))
        elif comment:
            comment.append("")


def text(comment: list[str]) -> str:
    """Return a comment as Markdown; what is indented in it is an example."""
    parts, example = list[str](), False
    for line in comment:
        indented = line.startswith(" ")
        if indented != example:
            parts.append("```" if example else "\n```text")
            example = indented
        parts.append(line if indented else _WORD.sub(_quoted, line).replace("` `", " "))
    if example:
        parts.append("```")
    return "\n".join(parts).strip()


def _quoted(found: re.Match[str]) -> str:
    """Return a word, as code when it is none of the language."""
    core = found[0].rstrip(",.;:)").lstrip("(")
    if f"{core}:..." in found[0]:  # LoadCredential=state_key:...
        core += ":..."
    if _CODE.search(core) is None:
        return found[0]
    before, after = found[0].split(core, 1)
    core = re.sub(r"^(\w+) = ", r"\1=", core)  # with blanks a key is named only where it is declared
    return f"{before}`{core}`{after}"


def written(sample: str) -> str:
    """Return all keys as Markdown."""
    pages = list[str]()
    for title, lines in sections(sample):
        pages.append(f"## {title[0].upper()}{title[1:]}\n")
        for comment, keys in entries(lines):
            told = " ".join(comment).strip()
            reloads = told.endswith("[reload]")
            while comment and not comment[-1].strip():
                comment.pop()
            if reloads:
                comment[-1] = comment[-1].removesuffix("[reload]").rstrip()
            names = ", ".join(f"`{name} = {value}`" for name, value, _ in keys)
            units = {UNITS[name] for name, _, _ in keys}
            names += f" ({units.pop()})" if len(units) == 1 and "" not in units else ""
            names += " (set in the sample)" if any(is_set for _, _, is_set in keys) else ""
            names += " *reload*" if reloads else ""
            body = "\n".join(f"  {line}".rstrip() for line in text(comment).splitlines()).lstrip() or "As above."
            pages.append(f"{names}\n: {body}\n")
    return "\n".join(pages)


def main() -> None:
    """Write the sample and the page."""
    SAMPLE.write_text(sample_file.written(), encoding="utf-8")
    head = PAGE.read_text(encoding="utf-8").partition(BEGIN)[0]
    PAGE.write_text(head + BEGIN + "\n" + written(SAMPLE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
