"""
Secrets that stand in files of their own: ``<key>_file`` for each secret key, and the credentials of systemd.

systemd gives a service a folder that nobody else can read (``LoadCredential=``, systemd.exec(5)) and names it in
``CREDENTIALS_DIRECTORY``. A file there with the name of a secret key counts when the key is given in no other way.
"""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from wrtcgw.config.settings import Settings, keys

SECRETS = tuple(name for name, key, _ in keys() if key.secret)
"""The keys with a twin."""
LISTS = frozenset(name for name, key, default in keys() if key.secret and isinstance(default, tuple))
"""Those that hold several: one a line."""
LONGEST = 65_536
"""Bytes of such a file."""


def files_of(values: Mapping[str, object], environ: Mapping[str, str]) -> Iterator[tuple[str, Path, str]]:
    """Iterate over the secrets that stand in files: the key, the file, and what has named it."""
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    for name in SECRETS:
        path = values.get(f"{name}_file")
        credential = Path(folder, name) if folder else None
        if isinstance(path, Path):
            yield name, path, f"{name}_file"
        elif credential is not None and name not in values and credential.is_file():
            yield name, credential, "credential of the service"


def read_secret(path: Path) -> str:
    """
    Return the secret in a file: all of it, but for the end of its line.

    :raises ValueError: if it cannot be read, is no text, too long, or empty.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    if len(content) > LONGEST:
        raise ValueError(f"{path} is longer than {LONGEST} bytes")
    try:
        secret = content.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text in UTF-8") from None
    if not secret.strip():
        raise ValueError(f"{path} is empty")
    return secret


def readable_by_others(path: Path) -> bool:
    """Return whether users other than the owner and the group may read a file."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def open_files(settings: Settings, sources: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Iterate over the files with secrets that others can read: what the secret is, and the file."""
    named = [name for name in ("tls_key", "tls_client_key", "sip_secrets_token_file") if hasattr(settings, name)]
    found: dict[Path, str] = {}
    for name in (*named, *(f"{name}_file" for name in SECRETS)):
        path = getattr(settings, name)
        if isinstance(path, Path):
            found.setdefault(path, name)
    in_urls = {
        "sip_ws_servers": any(url.credentials for url in settings.sip_ws_servers),
        "state_store": bool(settings.state_store.password),
    }
    for name in (*SECRETS, *(name for name, has_password in in_urls.items() if has_password)):
        if getattr(settings, name) and sources.get(name, "").startswith("/"):
            found.setdefault(Path(sources[name]), name)
    source = settings.sip_secrets
    if source is not None and source.kind == "file":
        found.setdefault(Path(source.words[0]), "sip_secrets")
    for path, name in found.items():
        if readable_by_others(path):
            yield name, path
