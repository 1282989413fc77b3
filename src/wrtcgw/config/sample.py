"""The sample of the configuration, ``conf/wrtcgw.toml``, from the declarations of the keys."""

import json
from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from attrs import fields

from wrtcgw.config.keys import Key
from wrtcgw.config.settings import SECTIONS

WIDTH = 121
HEAD = """\
# Configuration of wrtcgw: twistd wrtcgw --config /etc/wrtcgw/wrtcgw.toml
#
# A line "#key = value" shows a key with its default. Every key can also be given as an environment variable, in capitals
# after WRTCGW_ (WRTCGW_HTTP_PORT=8082; lists with commas; an empty variable counts as unset). HTTP_PORT, SIP_SERVER,
# SIP_PORT, SIP_WS_SERVER, SIP_DOMAIN and LOG_LEVEL count too. Command-line options come before variables, variables
# before this file. An unknown key is an error.
#
#   twistd wrtcgw --config FILE --check-config     explains every error, or shows what is in effect
#   systemctl reload wrtcgw (SIGHUP)               takes over the keys marked [reload] from this file; any other key, and
#                                                  any environment variable, needs a restart
#
# Times are in seconds, sizes in bytes.
#
# Written by docs/write_configuration.py from src/wrtcgw/config/sections/.
"""  # noqa: E501
RELOAD = "[reload]"


def written() -> str:
    """Return the sample."""
    return HEAD + "\n" + "\n".join("\n".join(_section(section)) + "\n" for section in SECTIONS)


def _section(section: Any) -> Iterator[str]:
    yield f"# ---- {section.TITLE} ".ljust(WIDTH, "-")
    reloads = False
    for attribute in fields(section):
        key: Key = attribute.metadata[Key]
        if key.text:
            yield ""
        if key.text or key.reload != reloads:
            yield from (f"# {line}".rstrip() for line in filled(key.text, WIDTH - 2, RELOAD if key.reload else ""))
        reloads = key.reload
        value = key.sample or shown(attribute.default)
        yield f"{'' if key.sample else '#'}{attribute.name} = {value}"


def filled(text: str, width: int, end: str = "") -> Iterator[str]:
    """Break a text into lines; what is indented in it stays, and ``end`` comes behind."""
    paragraph: list[str] = []
    for line in [*text.splitlines(), end]:
        if line and not line.startswith(" "):
            paragraph.append(line)
            continue
        yield from wrap(" ".join(paragraph), width, break_long_words=False, break_on_hyphens=False)
        paragraph = []
        if line:
            yield line
    yield from wrap(" ".join(paragraph), width, break_long_words=False, break_on_hyphens=False)


def shown(value: object) -> str:
    """Return a default as TOML; None stands for an empty text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(shown, value))}]"
    return json.dumps("" if value is None else str(value))
