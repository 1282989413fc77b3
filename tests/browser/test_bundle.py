"""The modules of the library as one script."""

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.browser.bundle import CannotJoin, join
from wrtcgw.browser.pages import joined


class JoinTests(SynchronousTestCase):
    """What is joined, in which order, and what is refused; ``tests/browser/joined.test.mjs`` runs the result."""

    def refused(self, text: str, **others: str) -> str:
        """Return why a module cannot be joined."""
        sources = {"main.js": text, **{f"{name}.js": source for name, source in others.items()}}
        return str(self.assertRaises(CannotJoin, join, sources, "main.js"))

    def test_order(self) -> None:
        """Each module comes once, after all that it imports; what nobody imports is left out."""
        sources = {
            "main.js": 'import { a } from "./a.js";\nimport { b as c } from "./sub/b.js";\nexport const Grtc = a;\n',
            "a.js": 'import {\n  b,\n} from "./sub/b.js";\nexport function a() {}\n',
            "sub/b.js": 'import { c } from "./c.js";\nexport class b {}\nexport async function d() {}\n',
            "sub/c.js": "const hidden = 1;\nexport let c = hidden;\n",
            "unused.js": "throw 1;\n",
        }
        script = join(sources, "main.js")
        places = [script.index(f'modules["{name}"] = ') for name in ("sub/c.js", "sub/b.js", "a.js", "main.js")]
        self.assertEqual(places, sorted(places))
        self.assertIn('const { b: c } = modules["sub/b.js"];', script)
        self.assertIn("return { b, d };", script)
        self.assertNotIn("throw 1", script)
        self.assertNotRegex(script, r"(?m)^(import|export)\b")

    def test_own_address(self) -> None:
        """A module that asks where it came from is told as if it had come alone."""
        script = join({"main.js": "export const Grtc = import.meta.url;\n"}, "main.js")
        self.assertIn('const Grtc = moduleURL("main.js");', script)

    def test_refused(self) -> None:
        """Forms that are not known, circles and missing modules are errors that name the module."""
        for line in (
            'import x from "./a.js";',
            'import * as a from "./a.js";',
            'export { a } from "./a.js";',
            "export default 1;",
            "const a = await import(name);",
        ):
            self.assertEqual(self.refused(f"{line}\n", a=""), f"main.js: {line}")
        self.assertIn("main.js imports gone.js", self.refused('import { a } from "./gone.js";\n'))
        circle = self.refused('import { a } from "./a.js";\n', a='import { b } from "./main.js";\n')
        self.assertIn("main.js imports a.js imports main.js: a circle", circle)

    def test_later(self) -> None:
        """What a page fetches when it is needed is there already."""
        script = join(
            {"main.js": 'export const Grtc = () => import("./a.js");\n', "a.js": "export const a = 1;\n"}, "main.js"
        )
        self.assertIn('const Grtc = () => Promise.resolve(modules["a.js"]);', script)
        self.assertLess(script.index('modules["a.js"] = '), script.index('modules["main.js"] = '))

    def test_comments(self) -> None:
        """Words in comments are no code."""
        text = '/** @param {import("./a.js").A} a */\n// import("./a.js")\nexport const Grtc = {};\n'
        self.assertIn("const Grtc = {};", join({"main.js": text}, "main.js"))

    def test_library(self) -> None:
        """The library of the package can be joined."""
        self.assertIn(b"globalThis.Grtc = ", joined())
