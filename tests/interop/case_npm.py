"""The library as an npm package: as the gateway serves it, packed by npm, compiled, bundled, and used in Chromium."""

import json
import pathlib
import subprocess
from functools import partial
from urllib.request import urlopen

from twisted.internet.threads import deferToThread

from tests.interop.demo import DemoCase
from tests.interop.host_pages import host_pages
from tests.interop.install import FOLDER, node_package
from tests.interop.servers import PASSWORD, PROJECT
from wrtcgw import __version__
from wrtcgw.browser import npmpackage
from wrtcgw.browser.comments import uncommented
from wrtcgw.browser.pages import HOME

PAGE = PROJECT / "tests/interop/data/npm"
LIMIT = 120


def run(*command: str, folder: pathlib.Path) -> str:
    """Run a command, and return what it printed; its failure is the test's."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT, check=False)
    if done.returncode:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Npm(DemoCase):
    """What an author does with it."""

    def wanted(self) -> dict[str, object]:
        host_pages().make("favicon.ico", "")
        return {
            "allowed_origins": [host_pages().origin],
            "guest_mode": "registered",
            "guest_dn": "5010",
            "guest_password": PASSWORD,
            "guest_destinations": ["1003"],
        }

    async def test_from_the_gateway_into_a_bundle(self) -> None:
        """It is installed by the gateway's address, compiles at TypeScript's strictest, and its bundle calls."""
        folder = pathlib.Path(self.mktemp()).absolute()
        folder.mkdir()
        await deferToThread(self._build, folder)
        sizes = {name: (folder / name).stat().st_size for name in ("page.js", "small.js")}
        self.assertLess(sizes["small.js"], 0.9 * sizes["page.js"])
        script = (folder / "page.js").read_text("utf-8")
        self.assertNotIn("</script", script)
        scripts = f"<script>var GATEWAY = {json.dumps(self.gateway.url)};</script><script>{script}</script>"
        page = f"<!doctype html><meta charset=utf-8><title>npm</title>{scripts}"
        tab = await self.open(host_pages().make("npm.html", page))
        await self.until(tab, "() => window.phone?.calls.size === 1")
        await self.until(tab, "() => [...phone.calls.values()][0].isUp")
        await self.hears(tab, "[...phone.calls.values()][0].connection")
        self.assertTrue(await tab.evaluate("() => Boolean(customElements.get('wrtc-phone'))"))
        await tab.evaluate("() => phone.signOut()")

    def _build(self, folder: pathlib.Path) -> None:
        for name in ("page.ts", "small.ts", "tsconfig.json"):
            (folder / name).write_text((PAGE / name).read_text("utf-8"))
        (folder / "package.json").write_text('{"name": "page", "private": true, "type": "module"}')
        with urlopen(f"{self.gateway.url}/grtc/wrtcgw.tgz", timeout=10) as answer:
            self.assertEqual(answer.headers["Content-Type"], "application/gzip")
            (folder / "wrtcgw.tgz").write_bytes(answer.read())
        run("npm", "install", "--no-audit", "--no-fund", "--offline", "./wrtcgw.tgz", folder=folder)
        told = json.loads((folder / "node_modules/wrtcgw/package.json").read_text())
        self.assertEqual(told["version"], __version__)
        compiler = node_package(FOLDER, "typescript").parent / ".bin" / "tsc"
        run(str(compiler), "--project", ".", "--pretty", "false", folder=folder)
        esbuild = str(node_package(FOLDER, "esbuild").parent / ".bin" / "esbuild")
        for name in ("page", "small"):
            options = ("--bundle", "--minify", "--charset=utf8", "--log-override:empty-import-meta=silent")
            run(esbuild, f"{name}.ts", *options, f"--outfile={name}.js", folder=folder)

    async def test_scripts_without_comments(self) -> None:
        """What browsers get of every script means what its source means, as esbuild reads the two."""
        folder = pathlib.Path(self.mktemp()).absolute()
        scripts = [path.relative_to(HOME) for path in HOME.rglob("*.js")]
        for name in scripts:
            for kind, change in (("source", bytes), ("served", uncommented)):
                path = folder / kind / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(change((HOME / name).read_bytes()))
        esbuild = str(node_package(FOLDER, "esbuild").parent / ".bin" / "esbuild")
        for kind in ("source", "served"):
            options = ("--minify", "--charset=utf8", f"--outbase={kind}", f"--outdir={kind}-min")
            names = [f"{kind}/{name}" for name in scripts]
            await deferToThread(partial(run, esbuild, *names, *options, folder=folder))
        self.assertGreater(len(scripts), 100)
        for name in scripts:
            source, served = ((folder / f"{kind}-min" / name).read_bytes() for kind in ("source", "served"))
            self.assertEqual(source, served, name)
        sizes = [sum((folder / kind / name).stat().st_size for name in scripts) for kind in ("source", "served")]
        self.assertLess(sizes[1], 0.8 * sizes[0])

    async def test_packed_by_npm(self) -> None:
        """``npm pack`` of what the command writes has the same files, and nothing is amiss with it."""
        folder = pathlib.Path(self.mktemp()).absolute()
        npmpackage.write(folder)
        text = await deferToThread(lambda: run("npm", "pack", "--json", "--dry-run", "--offline", folder=folder))
        packed = json.loads(text)
        (about,) = packed if isinstance(packed, list) else packed.values()
        self.assertEqual({each["path"] for each in about["files"]}, set(npmpackage.contents()))
