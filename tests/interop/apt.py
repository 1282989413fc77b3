"""Where this machine gets Debian packages from, by its own apt configuration: no host name lives in this repository."""

import pathlib
import re
from collections.abc import Callable, Iterator

from attrs import frozen

APT_FOLDER = pathlib.Path("/etc/apt")
URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s\"'<>]+")


class NoMirrorError(Exception):
    """The apt configuration names no Debian archive that debootstrap could use."""


@frozen
class Source:
    """One archive of the apt configuration: where it is and what it holds."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]


def one_line_sources(text: str) -> Iterator[Source]:
    """Read the one-line form of ``sources.list(5)``: ``deb [options] uri suite component...``."""
    for line in text.splitlines():
        match = re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+(.+?)\s*(?:#.*)?$", line.strip())
        if match:
            yield Source(match[1], (match[2],), tuple(match[3].split()))


def deb822_sources(text: str) -> Iterator[Source]:
    """Read the stanzas of ``sources.list(5)``'s deb822 form: ``Types: deb``, ``URIs: ...``, ``Suites: ...``."""
    for stanza in re.split(r"\n[ \t]*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        fields = dict(re.findall(r"(?m)^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t]+.*)*)", stanza))
        if "deb" not in fields.get("Types", "").split() or fields.get("Enabled", "yes").strip().lower() == "no":
            continue
        suites, components = (tuple(fields.get(name, "").split()) for name in ("Suites", "Components"))
        yield from (Source(uri, suites, components) for uri in fields.get("URIs", "").split())


def sources(folder: pathlib.Path = APT_FOLDER) -> list[Source]:
    """Return every binary archive that apt knows, in the order of its files."""
    found = [*_read(folder / "sources.list", one_line_sources)]
    for path in sorted((folder / "sources.list.d").glob("*")):
        reader = {".sources": deb822_sources, ".list": one_line_sources}.get(path.suffix)
        found += _read(path, reader) if reader else []
    return found


def _read(path: pathlib.Path, reader: Callable[[str], Iterator[Source]]) -> list[Source]:
    return list(reader(path.read_text(encoding="utf-8"))) if path.is_file() else []


def mirror(codename: str, folder: pathlib.Path = APT_FOLDER) -> str:
    """
    Return the address of the Debian archive this machine uses for its own release.

    :param codename: the machine's release, as ``VERSION_CODENAME`` of ``/etc/os-release``; the archive that carries
        its ``main`` (and not only its security updates) carries the newer suites too.
    :raises NoMirrorError: if there is none; the message says what was looked for.
    """
    for source in sources(folder):
        if codename in source.suites and "main" in source.components:
            return source.uri
    raise NoMirrorError(f"no 'deb' source with suite {codename} and component main in {folder}")


def without_hosts(text: str, folder: pathlib.Path = APT_FOLDER) -> str:
    """Return a tool's output without addresses and host names of archives, fit for logs that others read."""
    text = URL.sub("<mirror>", text)
    for host in {re.sub(r"^[a-z+]+://([^/:]*).*$", r"\1", source.uri) for source in sources(folder)} - {""}:
        text = text.replace(host, "<mirror>")
    return text
