"""
What the gateway stands on, and under which licences: ``python tests/licenses.py LICENSES.md`` writes the list.

It is made of what the installed packages say of themselves.
"""

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from attrs import frozen

TOP = Path(__file__).parent.parent
NAMES = {
    "3-clause BSD License": "BSD-3-Clause",
    "Apache License, Version 2.0": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Python Software Foundation License": "PSF-2.0",
    "Apache Software License": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "ZPL-2.1": "ZPL-2.1",
    "Zope Public License": "ZPL-2.1",
}
"""What packages call their licences that have no SPDX expression."""
PERMISSIVE = (
    "0BSD",
    "Apache-2.0",
    "BSD",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MIT-0",
    "PSF-2.0",
    "Unlicense",
    "ZPL-2.1",
)
"""Under which the gateway may be used and passed on, in any product."""
HEAD = """# Licences

wrtcgw is under the MIT licence (`LICENSE`). It runs on the packages below, each under a permissive licence; a test
checks that. `tox -e licenses` writes this list. `src/wrtcgw/browser/vendor/README.md` names what is inside: uPlot
(MIT) and RNNoise (BSD-3-Clause). Servers in `conf/` (Kamailio, Asterisk, coturn, nginx and others) are programs of
their own and not part of it.

| package | licence | by |
|---|---|---|
"""


@frozen
class Package:
    """An installed package."""

    name: str
    licence: str
    home: str


def packages() -> list[Package]:
    """Return all packages that the gateway needs, and what those need, by name."""
    found: dict[str, Package] = {}
    waiting = [name_of(line) for line in required()]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue  # for another platform or Python
        found[name] = Package(name, licence_of(package), home_of(package))
        waiting += [name_of(line) for line in package.requires or () if "extra ==" not in line]
    return sorted(found.values(), key=lambda package: package.name)


def required() -> list[str]:
    """Return what setup.py asks for, with the extra ``redis``; ``twisted[tls]`` is three packages more."""
    text = (TOP / "setup.py").read_text()
    block = text[text.index("install_requires=[") : text.index("]", text.index("wsproto"))]
    extra = text[text.index('"redis": [') :].partition("[")[2].partition("]")[0]
    return [*re.findall(r'"([^"]+)"', block), *re.findall(r'"([^"]+)"', extra), "idna"]


def name_of(requirement: str) -> str:
    """Return the normal form of the name in a requirement."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def licence_of(package: Distribution) -> str:
    """Return the licence of a package as SPDX names it, as far as the package says."""
    about: Any = package.metadata
    given = about.get("License-Expression") or ""
    classified = [line.rsplit(" :: ", 1)[1] for line in about.get_all("Classifier") or () if line.startswith("License")]
    if not given:
        stated = (about.get("License") or "").splitlines()
        words = (*stated, *classified) if len(stated) == 1 else classified
        given = next((word for word in words if word and word != "OSI Approved"), "unknown")
    return NAMES.get(given, given)


def home_of(package: Distribution) -> str:
    """Return who made a package."""
    about: Any = package.metadata
    by = about.get("Author") or about.get("Author-email") or about.get("Maintainer") or "its contributors"
    return re.sub(r"\s*<[^>]*>", "", by).split(",")[0].strip('" ') or "its contributors"


def document() -> str:
    """Return the list as a document."""
    lines = [f"| {package.name} | {package.licence} | {package.home} |" for package in packages()]
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(), encoding="utf-8")
