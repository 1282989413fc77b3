"""
The library as an npm package: the modules of ``grtc/`` and their types as they are, with a ``package.json``.

The gateway serves it as ``/grtc/wrtcgw.tgz``, so that ``npm install`` of that address brings what fits the gateway;
``python -m wrtcgw.browser.npmpackage FOLDER`` writes its files, for ``npm publish``. The same files make the same
package, byte by byte.
"""

import io
import json
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from wrtcgw import __version__
from wrtcgw.browser.assets import gzipped

HERE = Path(__file__).parent
ENTRIES = {".": "index", "./phone": "phone", "./element": "element"}
"""What can be imported, and the module that it is."""
EPOCH = 499162500
"""Time of all files: npm's own, 26 October 1985."""


def manifest() -> Mapping[str, object]:
    """Return ``package.json``; types stand before the module, since a resolver takes the first that fits."""
    exports: dict[str, object] = {
        name: {"types": f"./grtc/{module}.d.ts", "default": f"./grtc/{module}.js"} for name, module in ENTRIES.items()
    }
    return {
        "name": "wrtcgw",
        "version": __version__,
        "description": "Calls from the browser by way of a wrtcgw gateway",
        "license": "MIT",
        "keywords": ["webrtc", "sip", "softphone", "web-component"],
        "type": "module",
        "sideEffects": ["./grtc/element.js"],
        "types": "./grtc/index.d.ts",
        "exports": {**exports, "./package.json": "./package.json"},
    }


def sources() -> Mapping[str, Path]:
    """Return the files that stand in the package as they are, by their paths there."""
    files = {path: HERE / path for path in ("grtc.d.ts",)}
    files |= {f"grtc/{path.name}": path for path in (HERE / "grtc").glob("*.[jd]*s")}
    return files | {"README.md": HERE / "npm" / "README.md", "LICENSE": HERE / "npm" / "LICENSE.txt"}


def contents() -> Mapping[str, bytes]:
    """Return the files of the package by their paths."""
    read = {name: path.read_bytes() for name, path in sources().items()}
    read["package.json"] = (json.dumps(manifest(), indent=2) + "\n").encode()
    return dict(sorted(read.items()))


def packed() -> bytes:
    """Return the package as ``npm`` takes it."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in contents().items():
            about = tarfile.TarInfo(f"package/{name}")
            about.size, about.mtime, about.mode = len(content), EPOCH, 0o644
            archive.addfile(about, io.BytesIO(content))
    return gzipped(made.getvalue())


def write(folder: Path) -> None:
    """Write the files into a folder."""
    for name, content in contents().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def main(arguments: Sequence[str]) -> None:
    """Write the package into the folder that is named."""
    if len(arguments) != 1:
        raise SystemExit("usage: python -m wrtcgw.browser.npmpackage FOLDER")
    write(Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
