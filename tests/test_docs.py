"""The documents: what they name is there, what has to be named is named, and links lead somewhere."""

import ast
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from types import FrameType

from attrs import has
from twisted.trial.unittest import SynchronousTestCase

from tests.support.gatewaycase import PAGE_SDP
from tests.web.test_flows import POLL, POST, TEXT, FlowCase
from wrtcgw.config.settings import keys
from wrtcgw.events import catalogue
from wrtcgw.events.catalogue import AlarmKind
from wrtcgw.web.errors import ROWS

TOP = Path(__file__).parent.parent
DOCS = TOP / "docs"
DIALECT, GOLDEN = "tests/web/genesys", "tests/data/genesys"
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
    """Return what a page names although it is not there."""
    letters: dict[str, str] = dict(LETTER.findall(text))
    is_list = False
    for line in text.splitlines():
        is_list = line.endswith("| test |") or (is_list and line.startswith("|"))
        if is_list and line.startswith("| ") and not line.endswith("| test |"):
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


def page(name: str) -> str:
    """Return the text of a document, by its path from the top."""
    return (TOP / name).read_text(encoding="utf-8")


class CheckLists(SynchronousTestCase):
    """The tables of what is tested."""

    PAGES = ("docs/genesys-dialect.md", "docs/third-party-call-control.md", "docs/sip.md")

    def test_named_tests(self) -> None:
        """Each file, class and test is there, and each golden file."""
        for name in self.PAGES:
            self.assertGreater(page(name).count("\n| "), 18)
            self.assertEqual(list(unknown(page(name))), [])

    def test_recipes(self) -> None:
        """Each recipe names a test, which is there, and every file that it takes is."""
        text = page("docs/recipes.md")
        rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")][1:]
        self.assertGreater(len(rows), 10)
        self.assertEqual([row[0] for row in rows if not TOKEN.search(row[-1])], [])
        self.assertEqual(list(unknown(text)), [])
        for kind in ("nginx", "rtpengine", "SIP Server", "Asterisk", "two gateways", "Kubernetes"):
            self.assertTrue([row for row in rows if kind in row[0]], kind)

    def test_film(self) -> None:
        """The film is what the script makes of the flow, which another test holds."""
        spec = importlib.util.spec_from_file_location("write_film", DOCS / "write_film.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        picture = module.film(page("tests/data/flows/call.txt"))
        self.assertEqual(picture, page("docs/one-call.svg"))
        self.assertEqual(len(module.SAID), picture.count('class="step"'))
        self.assertIn("prefers-reduced-motion", picture)
        self.assertEqual(re.findall(r"(?:href|src|url)\b", picture), [])

    def test_golden_files(self) -> None:
        """No golden file is left out."""
        names = re.findall(r"`([a-z_*]+)`", page(self.PAGES[0]))
        named = {path for name in names for path in (TOP / GOLDEN).glob(f"{name}.txt")}
        self.assertEqual([path.stem for path in sorted(set((TOP / GOLDEN).iterdir()) - named)], [])

    def test_paragraphs(self) -> None:
        """Each paragraph of the dialect that a test or a golden file refers to is there."""
        explained = re.findall(r"(?m)^\| (\d+(?:\.\d+)?) \| ", page(self.PAGES[0]))
        heads = [path.read_text(encoding="utf-8") for path in (TOP / GOLDEN).iterdir()]
        texts = [path.read_text(encoding="utf-8") for path in (TOP / DIALECT).glob("*.py")]
        named = re.findall(r"\bW ((?:\d+(?:\.\d+)*(?:, |(?=[:)])))+)", "\n".join([*heads, *texts]))
        numbers = {number for numbers in named for number in numbers.split(", ") if number}
        self.assertGreater(len(numbers), 25)
        short = {".".join(number.split(".")[:2]) for number in numbers if not number.startswith("11.")}
        chapters = {number.split(".")[0] for number in explained}
        self.assertEqual(short - {*explained, *chapters}, set())

    def test_what_is_not_there(self) -> None:
        """A name that is wrong in any way is found."""
        table = "E = `tests/e2e/test_dialect.py`, I = `tests/nothing.py`\n\n| a | test |\n|---|---|\n| 1 | {} |\n"
        for name, wrong in (
            ("`Point1`; E `LossTests`, `test_register`; `hold_*`", []),
            ("`Point77`", [f"{DIALECT}/test_checklist.py Point77"]),
            ("`Point1.test_nothing`", [f"{DIALECT}/test_checklist.py Point1.test_nothing"]),
            ("E `Point1`", ["tests/e2e/test_dialect.py Point1"]),
            ("E `test_nothing`", ["tests/e2e/test_dialect.py test_nothing"]),
            ("X `Point1`; `tests/no.py`; `no_such_*`", ["X", "tests/no.py", "no_such_*"]),
        ):
            self.assertEqual(list(unknown(table.format(name))), [*wrong, "tests/nothing.py"])


PATH = re.compile(r"`((?:conf|docs|src|tests)/[\w./-]+|[A-Z]+\.md|requirements\.lock|\.ci/run)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[\w-]+)?\)")


class Names(SynchronousTestCase):
    """What the documents name is there."""

    def setUp(self) -> None:
        texts = [TOP / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
        self.documents = [*texts, *DOCS.glob("*.md"), *DOCS.glob("decisions/*.md")]

    def test_paths(self) -> None:
        """Each file and folder of the repository that a document names is there."""
        for document in self.documents:
            for name in PATH.findall(document.read_text(encoding="utf-8")):
                self.assertTrue((TOP / name).exists(), f"{document.name}: {name}")

    def test_links(self) -> None:
        """Each link to another document leads to one, as a forge shows it as well."""
        for document in self.documents:
            for link in LINK.findall(document.read_text(encoding="utf-8")):
                if "://" not in link:
                    self.assertTrue((document.parent / link).exists(), f"{document.name}: {link}")

    def test_every_page_is_linked(self) -> None:
        """The README leads to every page, and so does the table of contents."""
        contents = page("docs/index.md").split()
        for path in DOCS.glob("*.md"):
            if path.stem != "index":
                self.assertIn(path.stem, contents)
            if path.stem not in ("index", "changelog"):
                self.assertIn(f"(docs/{path.name})", page("README.md"))

    def test_readme(self) -> None:
        """The README is short, and names the test command that CI runs."""
        lines = page("README.md").splitlines()
        self.assertLessEqual(len(lines), 150)
        self.assertIn("python3 -m venv .venv && .venv/bin/pip install tox && .venv/bin/tox", lines)


class Completeness(FlowCase):
    """What has to be named is named."""

    def test_routes(self) -> None:
        """The page of the API names each route."""
        text = page("docs/api.md")
        self.welcome()
        routes = self.surface.rest.routes.all
        self.assertGreater(len(routes), 18)
        for route in routes:
            name = route.path.removeprefix("/api/webrtc/")
            self.assertTrue(route.path in text or f"`{name}`" in text, route.path)

    def test_error_codes(self) -> None:
        """And each code of an error."""
        text = page("docs/api.md")
        self.assertEqual([row.code for row in ROWS.values() if f"`{row.code}`" not in text], [])

    def test_alarms(self) -> None:
        """The page for operators names each alarm."""
        text = page("docs/operations.md")
        self.assertEqual([kind.value for kind in AlarmKind if f"| `{kind.value}` |" not in text], [])

    def test_events(self) -> None:
        """The page on the architecture names each event, who publishes it, and who subscribes to it."""
        kinds = {name for name, kind in vars(catalogue).items() if has(kind) and kind.__module__ == catalogue.__name__}
        publishers, subscribers = {kind: set[str]() for kind in kinds}, {kind: set[str]() for kind in kinds}
        for path in sorted((TOP / "src/wrtcgw").rglob("*.py")):
            module = ".".join(path.relative_to(TOP / "src/wrtcgw").with_suffix("").parts)
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and not module.startswith("events."):
                    publishers.get(ast.unparse(node.func).rpartition(".")[2], set()).add(module)
                    if node.args and ast.unparse(node.func).rpartition(".")[2] == "subscribe":
                        subscribers.get(ast.unparse(node.args[0]).rpartition(".")[2], set()).add(module)
        listed = {
            name: tuple(set(re.findall(r"`([\w.]+)`", cell)) for cell in cells)
            for name, *cells in re.findall(
                r"(?m)^\| `(\w+)` \| [^|]+ \| ([^|]*) \| ([^|]*) \|$", page("docs/architecture.md")
            )
        }
        self.assertEqual(listed, {kind: (publishers[kind], subscribers[kind]) for kind in kinds})
        self.assertEqual({kind for kind in kinds if not publishers[kind]}, set())

    def test_settings(self) -> None:
        """The page of the configuration names each key once, says which ones a reload takes over, and is up to date."""
        text = page("docs/configuration.md")
        for name, key, _ in keys():
            entries = re.findall(rf"(?m)^.*`{name} = .*$", text)
            self.assertEqual(len(entries), 1, name)
            self.assertEqual(entries[0].endswith(" *reload*"), key.reload, name)
        script = DOCS / "write_configuration.py"
        spec = importlib.util.spec_from_file_location("write_configuration", script)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        end = text.partition(module.BEGIN)[2].strip()
        self.assertEqual(
            end, module.written(page("conf/wrtcgw.toml")).strip(), "run python docs/write_configuration.py"
        )


def modules(frame: FrameType | None) -> list[str]:
    """Return the modules of the gateway that are on the stack, outermost first."""
    names = []
    while frame is not None:
        names.append(str(frame.f_globals.get("__name__", "")))
        frame = frame.f_back
    return [name for name, _ in groupby(reversed(names)) if name.startswith("wrtcgw.")]


class Hops(FlowCase):
    """The way of an offer and of its answer, as the page on the architecture lists it."""

    def trace(self, act: Callable[[], object], *ends: str) -> list[str]:
        """Return the modules on the way to the first call of each of these functions, one way behind the other."""
        ways: dict[str, list[str]] = {}

        def see(frame: FrameType, event: str, arg: object) -> None:
            name = frame.f_code.co_qualname
            if event == "call" and name in ends and name not in ways:
                ways[name] = modules(frame)

        before = sys.getprofile()
        sys.setprofile(see)
        try:
            act()
        finally:
            sys.setprofile(before)
        way: list[str] = []
        for known, after in pairwise([[], *(ways[end] for end in ends)]):
            both = enumerate(zip(known, after, strict=False))
            way += after[next((index for index, (one, other) in both if one != other), len(known)) :]
        return [name.removeprefix("wrtcgw.") for name in way]

    def listed(self, title: str) -> list[str]:
        """Return the modules of a list on the page."""
        found = re.search(rf"(?m)^```text\n{title}\n((?:  .+\n)+)```$", page("docs/architecture.md"))
        assert found is not None
        return [line.split()[0] for line in found[1].splitlines()]

    def test_both_ways(self) -> None:
        """A call is placed and answered: the modules on the way are those of the page, and no more than 18."""
        self.welcome()
        place = self.trace(
            lambda: self.post(f"{POST}&to=1003", data=PAGE_SDP.encode(), headers=TEXT),
            "TransactionLayer.send",
            "GatewayContext._carry_out",
            "FarSide.take",
        )
        poll = self.request("GET", POLL + "&wait=25")
        self.run_for()
        self.far.calls[-1].answer()
        answer = self.trace(self.run_for, "UserAgent.emit", "Mailbox.add", "Delivery.begin")
        self.assertEqual((place, answer), (self.listed("offer"), self.listed("answer")))
        self.assertLessEqual(max(len(place), len(answer)), 18)
        self.assertEqual(poll.answer().code, 200)
