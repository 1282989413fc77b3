"""The README's tables of what is tested name only tests that there are."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

TOP = Path(__file__).parent.parent
DIALECT, GOLDEN = "tests/web/genesys", "tests/data/genesys"
CHAPTER = re.compile(r"(?ms)^## Pages built for the vendor's gateway$(.*?)^## ")
LETTER = re.compile(r"\b([A-Z])\s=\s`([^`]+)`")
TOKEN = re.compile(r"(?<![\w`])([A-Z])(?=[ ;,]|$)|`([^`]+)`")
CLASS = re.compile(r"([A-Z]\w*)(?:\.(test_\w+))?")

Found = dict[str, tuple[set[str], set[str]]]
"""Of each class its bases and its tests."""


@cache
def classes(path: str) -> Found:
    """Return the classes of a module of tests, and those of the modules of tests that it imports."""
    tree = ast.parse((TOP / path).read_text(encoding="utf-8"))
    found: Found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests."):
            name = (node.module or "").replace(".", "/")
            for module in (name, *(f"{name}/{alias.name}" for alias in node.names)):
                if (TOP / f"{module}.py").exists():
                    found.update(classes(f"{module}.py"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
            functions = [one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
            found[node.name] = bases, {one.name for one in functions if one.name.startswith("test")}
    return found


def tests(found: Found, name: str) -> set[str]:
    """Return the tests of a class, those of its bases included."""
    bases, own = found.get(name, (set(), set()))
    return own.union(*(tests(found, base) for base in bases))


def is_there(path: str, name: str) -> bool:
    """Return whether a module has a class of that name, that test in it, or a test of that name in any class."""
    found = classes(path)
    if name.startswith("test_"):
        return any(name in own for _, own in found.values())
    match = CLASS.fullmatch(name)
    if match is None:
        return False
    own = tests(found, match[1])
    return match[2] in own if match[2] else bool(own)


def unknown(text: str) -> Iterator[str]:
    """Return what the chapter names although it is not there."""
    letters: dict[str, str] = dict(LETTER.findall(text))
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| the dialect"):
            yield from _unknown(line.rpartition(" | ")[2].rstrip(" |"), letters)
    yield from (path for path in letters.values() if not (TOP / path).exists())


def _unknown(cell: str, letters: dict[str, str]) -> Iterator[str]:
    path = f"{DIALECT}/test_checklist.py"
    for letter, name in TOKEN.findall(cell):
        if letter and letter not in letters:
            yield letter
        elif letter:
            path = letters[letter]
        elif name.endswith(".py"):
            path = name if "/" in name else f"{DIALECT}/{name}"
            if not (TOP / path).exists():
                yield name
        elif name.startswith(("test_", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ")):
            if not is_there(path, name):
                yield f"{path} {name}"
        elif not list((TOP / GOLDEN).glob(f"{name}.txt")):
            yield name


class ReadmeTests(SynchronousTestCase):
    """What the tables say."""

    def setUp(self) -> None:
        found = CHAPTER.search((TOP / "README.md").read_text(encoding="utf-8"))
        assert found is not None
        self.chapter = found[1]

    def test_named_tests(self) -> None:
        """Each file, class and test is there, and each golden file."""
        self.assertGreater(self.chapter.count("\n| "), 30)
        self.assertEqual(list(unknown(self.chapter)), [])

    def test_golden_files(self) -> None:
        """No golden file is left out."""
        names = re.findall(r"`([a-z_*]+)`", self.chapter)
        named = {path for name in names for path in (TOP / GOLDEN).glob(f"{name}.txt")}
        self.assertEqual([path.stem for path in sorted(set((TOP / GOLDEN).iterdir()) - named)], [])

    def test_what_is_not_there(self) -> None:
        """A name that is wrong in any way is found."""
        table = "E = `tests/test_dialect_end_to_end.py`, I = `tests/nothing.py`\n| 1 | {} |\n"
        for name, wrong in (
            ("`Point1`; E `LossTests`, `test_register`; `hold_*`", []),
            ("`Point77`", [f"{DIALECT}/test_checklist.py Point77"]),
            ("`Point1.test_nothing`", [f"{DIALECT}/test_checklist.py Point1.test_nothing"]),
            ("E `Point1`", ["tests/test_dialect_end_to_end.py Point1"]),
            ("E `test_nothing`", ["tests/test_dialect_end_to_end.py test_nothing"]),
            ("X `Point1`; `tests/no.py`; `no_such_*`", ["X", "tests/no.py", "no_such_*"]),
        ):
            self.assertEqual(list(unknown(table.format(name))), [*wrong, "tests/nothing.py"])
