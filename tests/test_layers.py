"""The architecture, checked in the source: who may import whom, what stays pure, and how long things may get."""

import ast
import pathlib
from collections.abc import Iterator

from attrs import frozen
from twisted.trial.unittest import SynchronousTestCase

SOURCE = pathlib.Path(__file__).parent.parent / "src"
TESTS = pathlib.Path(__file__).parent

LAYERS: dict[str, set[str]] = {
    "errors": set(),
    "networks": set(),
    "redact": set(),
    "texts": set(),
    "tokens": set(),
    "sdp": {"errors", "networks"},
    "sip": set(),
    "calls": {"errors", "sdp"},
    "events": {"calls"},
    "capture": {"calls", "redact", "sdp", "texts"},
    "meters": set(),
    "store": {"transport"},
    "transport": set(),
    "gateway": {"sip", "sdp", "calls", "errors", "events", "networks", "store"},
    "sip_service": {"transport", "gateway", "redact", "events"},
    "identity": {"errors"},
    "web": {
        "identity",
        "gateway",
        "calls",
        "capture",
        "errors",
        "events",
        "meters",
        "networks",
        "redact",
        "sdp",
        "texts",
    },
    "browser": set(),
    "config": {"identity", "transport", "redact", "store"},
    "demo": {"sip", "sdp", "transport", "tokens", "errors", "redact"},
    "clientlib": {"demo", "sdp", "errors"},
    "client": {"clientlib", "demo", "sdp", "errors"},
    "agentclient": {"demo", "sdp"},
    "daemon": {
        "sip_service",
        "browser",
        "calls",
        "capture",
        "config",
        "demo",
        "events",
        "gateway",
        "identity",
        "meters",
        "redact",
        "sip",
        "store",
        "texts",
        "tokens",
        "transport",
        "web",
    },
    "drain_command": {"config"},
    "tap": {"config", "daemon", "demo", "drain_command"},
}
"""For each part of the package the parts that it may import beside itself. ``__version__`` is open to all."""

SIP_ORDER = ("errors", "grammar", "uri", "headers", "message", "parser")
"""Within ``sip`` each of these may import only those before it."""

FLOORS: dict[str, dict[str, tuple[str, ...]]] = {
    "gateway": {
        "values and rules": (
            *("attached_data", "audience", "budgets", "call_legs", "challenges", "dial_targets", "disconnect_reasons"),
            *("incoming_calls", "keyed_lock", "leases", "outbox", "permits", "rights", "settings", "sign_in_fields"),
            *("sip_causes", "vault"),
        ),
        "what all parts work on": ("context", "watch"),
        "one part for each thing to do": (
            *("call_control", "call_setup", "call_takeovers", "consent", "guests", "many_pages", "offer_answer"),
            *("operator_actions", "orders", "page_presence", "registrations", "screening", "transfers"),
        ),
        "what is kept of all of them": ("cluster", "persistence"),
        "who is asked": ("event_routing", "facade", ""),
    },
    "web": {
        "requests and responses": (
            *("addresses", "attachments", "connection_limits", "delivery", "errors", "fields", "headers"),
            *("http_channel", "incoming", "plain_request", "replies", "request_target", "settings", "sse", "tracing"),
        ),
        "the way of every request": ("audit", "chain", "limits", "origins", "root_resource", "routes"),
        "what dialects share": (
            *(
                "auth",
                "codec",
                "events",
                "expiry",
                "ice",
                "longpoll",
                "messages",
                "operators",
                "quality",
                "sessions",
                "signin",
            ),
            *("arrivals", "feed", "tokens", "views"),
        ),
        "dialects": (
            *("api", "app", "files", "genesys", "message_endpoint", "metrics", "openapi", "ops", "softphoneapi"),
        ),
        "all together": ("surface", "site", ""),
    },
}
"""Within these parts a module, or a package, imports only those of its own floor and of the floors listed before it."""
DIALECTS = ("app", "genesys", "ops", "softphoneapi")
"""Packages of one dialect each, which know nothing of one another."""

KNOTS = (
    "client_request",
    "saving",
    "server_request",
    "transaction_layer",
    "usages.ack_wait",
    "usages.leg",
    "usages.message_method",
    "usages.modification",
    "usages.peer",
    "usages.session_timer",
    "usages.transfer",
    "user_agent",
)
"""A leg and its parts, and the transaction layer and its requests, name each other for the type checker."""

IMPURE = {
    "asyncio",
    "datetime",
    "klein",
    "logging",
    "os",
    "random",
    "secrets",
    "select",
    "socket",
    "subprocess",
    "threading",
    "time",
    "treq",
    "twisted",
    "wsproto",
    "zope",
}
PURE_PARTS = ("sip", "calls", "capture", "meters", "sdp", "errors", "networks", "redact")

MODULE_LINES = 600
FUNCTION_LINES = 60
TEST_FUNCTION_LINES = 80
"""Tests may hold tables."""
REFUSED_NAMES = ("Manager", "Handler", "Processor", "Engine")


@frozen
class Import:
    """One import statement: what it names, and whether it runs when the module is loaded."""

    name: str
    at_load: bool


@frozen
class Module:
    """One source file."""

    name: str
    path: pathlib.Path
    tree: ast.Module

    @property
    def part(self) -> str:
        """The part of the package that it belongs to; empty for the package itself."""
        return self.name.split(".")[1] if "." in self.name else ""

    @property
    def part_of_tests(self) -> bool:
        """Whether it is a test, or supports one."""
        return self.name.startswith("tests")

    def imports(self) -> Iterator[Import]:
        """Iterate over all imports, also those inside functions and those for type checkers only."""
        yield from _imports(self.tree, at_load=True)


def _imports(node: ast.AST, *, at_load: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, at_load) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (Import(f"{child.module}.{alias.name}", at_load) for alias in child.names)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            inside = inside or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
            yield from _imports(child, at_load=at_load and not inside)


def modules(root: pathlib.Path, package: str) -> list[Module]:
    """Parse every module below a folder."""
    found = []
    for path in sorted((root / package).rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        found.append(Module(name, path, ast.parse(path.read_text("utf-8"))))
    return found


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    """Count the lines of a function without its docstring, comments and empty lines."""
    body = function.body
    start = body[1].lineno if ast.get_docstring(function) and len(body) > 1 else body[0].lineno
    counted = lines[start - 1 : function.end_lineno]
    return 1 + sum(bool(line.strip()) and not line.strip().startswith("#") for line in counted)


class LayerTests(SynchronousTestCase):
    """Imports go downwards only."""

    modules = modules(SOURCE, "wrtcgw")

    def test_every_part_has_its_place(self) -> None:
        """A new part of the package has to be put into the table."""
        self.assertEqual({module.part for module in self.modules} - {""} - LAYERS.keys(), set())

    def test_parts_import_downwards(self) -> None:
        """No module imports a part of the package that it must not know."""
        offenders = [
            f"{module.name} imports {each.name}"
            for module in self.modules
            for each in module.imports()
            if each.name.startswith("wrtcgw.") and each.name != "wrtcgw.__version__"
            if each.name.split(".")[1] not in LAYERS[module.part] | {module.part}
        ]
        self.assertEqual(offenders, [])

    def test_messages_are_built_from_below(self) -> None:
        """The layers of SIP's message side know only what is below them."""
        offenders = []
        for module in self.modules:
            name = module.name.removeprefix("wrtcgw.sip.")
            if module.part == "sip" and name in SIP_ORDER:
                below = SIP_ORDER[: SIP_ORDER.index(name)]
                ours = [each.name for each in module.imports() if each.name.startswith("wrtcgw.")]
                offenders += [f"{name} imports {each}" for each in ours if each.split(".")[2] not in (*below, "delta")]
        self.assertEqual(offenders, [])

    def test_floors(self) -> None:
        """Within gateway and web imports go downwards too, dialects do not know one another, and each has its place."""
        offenders = []
        for part, floors in FLOORS.items():
            level = {name: at for at, names in enumerate(floors.values()) for name in names}
            ours = {module.name for module in self.modules if module.part == part}
            self.assertEqual({_within(part, name) for name in ours}, level.keys())
            for module in (module for module in self.modules if module.part == part):
                own = _within(part, module.name)
                for needed in sorted({_module_of(each.name, ours) for each in module.imports()} - {"", module.name}):
                    other = _within(part, needed)
                    if level[other] > level[own] or (own != other and {own, other} <= {*DIALECTS}):
                        offenders.append(f"{module.name} imports {needed}")
        self.assertEqual(offenders, [])

    def test_pure_parts_are_pure(self) -> None:
        """Neither clock, randomness, network, threads nor Twisted come into the core and the domain."""
        offenders = [
            f"{module.name} imports {each.name}"
            for module in self.modules
            for each in module.imports()
            if module.part in PURE_PARTS and each.name.split(".")[0] in IMPURE
        ]
        self.assertEqual(offenders, [])

    def test_gateway_knows_little_of_twisted(self) -> None:
        """The application waits and keeps time with Twisted, and does nothing else with it."""
        allowed = ("twisted.internet.defer.", "twisted.internet.interfaces.", "twisted.python.failure.")
        offenders = [
            f"{module.name} imports {each.name}"
            for module in self.modules
            for each in module.imports()
            if module.part == "gateway" and each.name.startswith("twisted.") and not each.name.startswith(allowed)
        ]
        self.assertEqual(offenders, [])

    def test_reactor_is_passed(self) -> None:
        """Only the composition root takes the global reactor, and not when its module is loaded."""
        found = [
            (module.name, each.at_load)
            for module in self.modules
            for each in module.imports()
            if each.name == "twisted.internet.reactor"
        ]
        allowed = {("wrtcgw.tap", False), ("wrtcgw.client", False)}
        self.assertEqual(set(found) - allowed, set())

    def test_no_cycles(self) -> None:
        """No module needs itself in order to be loaded."""
        names = {module.name for module in self.modules}
        needs = {
            module.name: {_module_of(each.name, names) for each in module.imports() if each.at_load} - {"", module.name}
            for module in self.modules
        }
        self.assertEqual(_circles(needs), set())

    def test_no_cycles_of_types(self) -> None:
        """Nor does a module need itself for the type checker, but for the two knots that are listed."""
        names = {module.name for module in self.modules}
        needs = {
            module.name: {_module_of(each.name, names) for each in module.imports()} - {"", module.name}
            for module in self.modules
        }
        self.assertEqual(_circles(needs), {f"wrtcgw.sip.{name}" for name in KNOTS})


def _within(part: str, name: str) -> str:
    """Return a module's name, or its package's, within a part; empty for the part's own package."""
    return name.removeprefix(f"wrtcgw.{part}").lstrip(".").partition(".")[0]


def _circles(needs: dict[str, set[str]]) -> set[str]:
    """Return the modules that need themselves, by way of others."""
    while leaves := {name for name, needed in needs.items() if not needed & needs.keys()}:
        needs = {name: needed for name, needed in needs.items() if name not in leaves}
    while roots := needs.keys() - {each for needed in needs.values() for each in needed}:
        needs = {name: needed for name, needed in needs.items() if name not in roots}
    return set(needs)


def _module_of(imported: str, names: set[str]) -> str:
    """Return our module that an import loads: ``a.b.C`` may be the module ``a.b`` or a name in it."""
    if imported in names:
        return imported
    parent = imported.rpartition(".")[0]
    return parent if parent in names and parent != "wrtcgw" else ""


READS_OF_REQUESTS = {"requestHeaders", "content", "args", "received_cookies", "getHeader", "getAllHeaders", "getCookie"}
"""Attributes of Twisted's request that what it brought is read from."""
MAY_READ = {
    "wrtcgw.web.incoming": "the one that reads",
    "wrtcgw.web.site": "the one Host field that a request must have, before it is looked at",
    "wrtcgw.web.tracing": "hands bytes to the recorder, as they came",
}


class RequestTests(SynchronousTestCase):
    """A request is read in one place."""

    def test_read_once(self) -> None:
        """Besides :mod:`wrtcgw.web.incoming` nobody takes Twisted's request apart."""
        found = {
            f"{module.name}:{node.lineno} {node.attr}"
            for module in modules(SOURCE, "wrtcgw")
            for node in ast.walk(module.tree)
            if module.part == "web" and module.name not in MAY_READ
            if isinstance(node, ast.Attribute) and node.attr in READS_OF_REQUESTS
        }
        self.assertEqual(found, set())

    def test_it_notices(self) -> None:
        """The exceptions do read, so none is there for nothing."""
        for module in modules(SOURCE, "wrtcgw"):
            if module.name in MAY_READ:
                read = {node.attr for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}
                self.assertTrue(read & READS_OF_REQUESTS, module.name)


class SizeTests(SynchronousTestCase):
    """Things stay small enough to be read at once."""

    everything: list[Module] = [*modules(SOURCE, "wrtcgw"), *modules(TESTS.parent, "tests")]  # noqa: RUF012

    def test_modules(self) -> None:
        """No source module is longer than is allowed."""
        long = [
            f"{module.name}: {lines}"
            for module in modules(SOURCE, "wrtcgw")
            if (lines := len(module.path.read_text("utf-8").splitlines())) > MODULE_LINES
        ]
        self.assertEqual(long, [])

    def test_functions(self) -> None:
        """No function is longer than is allowed; those of tests may be a little."""
        long = []
        for module in self.everything:
            lines = module.path.read_text("utf-8").splitlines()
            for node in ast.walk(module.tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    length = code_lines(node, lines)
                    if length > (TEST_FUNCTION_LINES if module.part_of_tests else FUNCTION_LINES):
                        long.append(f"{module.name}.{node.name}: {length}")
        self.assertEqual(long, [])

    def test_names(self) -> None:
        """No class is called by a word that says nothing."""
        refused = [
            f"{module.name}.{node.name}"
            for module in self.everything
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ClassDef) and node.name.endswith(REFUSED_NAMES)
        ]
        self.assertEqual(refused, [])
