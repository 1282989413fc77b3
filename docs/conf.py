"""Sphinx configuration of the documents: Markdown by MyST, built without warnings in ``tox -e docs``."""

import pathlib
import re

VERSION = re.search(
    r'^__version__ = "(.+)"$', (pathlib.Path(__file__).parent.parent / "src/wrtcgw/__init__.py").read_text(), re.M
)
assert VERSION is not None

project = "wrtcgw"
author = "the wrtcgw authors"
release = version = VERSION[1]
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
nitpicky = True
html_theme = "furo"
html_title = f"wrtcgw {release}"
html_show_sourcelink = False
