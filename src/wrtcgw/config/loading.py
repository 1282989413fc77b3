"""
Where settings come from: options before environment before file before default.

All faults are collected, so that an operator sees them at once and not one after each restart.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from wrtcgw.config.kinds import BadItem
from wrtcgw.config.secret_files import LISTS, files_of, read_secret
from wrtcgw.config.settings import Key, Settings, keys
from wrtcgw.config.tables import HIDDEN, BadTables, Table
from wrtcgw.config.tables import shown as table_shown
from wrtcgw.redact import MASK, redact
from wrtcgw.transport.certificates import read_pair
from wrtcgw.transport.tls import load_trust_root

PREFIX = "WRTCGW_"
SEED_NAMES = {
    "HTTP_PORT": "http_port",
    "SIP_SERVER": "sip_server",
    "SIP_PORT": "sip_port",
    "SIP_WS_SERVER": "sip_ws_servers",
    "SIP_DOMAIN": "sip_domain",
    "LOG_LEVEL": "log_level",
}
"""Variables without our prefix that count as well; one with the prefix counts before them."""
NOT_KEYS = (
    "WRTCGW_CONFIG",
    "WRTCGW_PASSWORD",
    "WRTCGW_URL",
    "WRTCGW_UPDATE_GOLDEN",
    "WRTCGW_INTEROP",
    "WRTCGW_TEST",
    "WRTCGW_LAB",
    "WRTCGW_SERVICE_",
    "WRTCGW_PORT_",
)
"""
Starts of the names of variables that are no keys: the file's own path, those of the client and of tests, and those that
Kubernetes sets for a service of the name ``wrtcgw`` (with ``WRTCGW_PORT``, a ``tcp://`` URL).
"""


@frozen
class Fault:
    """One thing that is wrong in the configuration."""

    key: str
    expected: str
    found: str
    source: str

    def __str__(self) -> str:
        return f"{self.key}: expected {self.expected}; found {self.found} ({self.source})"


@frozen
class ConfigError(Exception):
    """The configuration cannot be used."""

    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


@define
class _Reading:
    """The values found so far, each with its source, and the faults."""

    values: dict[str, object] = field(factory=dict)
    sources: dict[str, str] = field(factory=dict)
    faults: list[Fault] = field(factory=list)

    def take(self, name: str, value: Any, read: Callable[[Any], object], source: str) -> None:
        key = _KEYS[name]
        try:
            self.values[name] = read(value)
        except BadTables as error:
            for place, expected, found in error.faults:
                told = "an unknown one" if expected.startswith("a known key") else _redacted(_found(found))
                self.faults.append(Fault(f"{name}{place}", expected, told, source))
        except ValueError as error:
            wrong = error.item if isinstance(error, BadItem) else value
            found = NOT_SHOWN if key.secret else _redacted(repr(wrong))
            detail = str(error) if str(error).startswith(("expected ", "a list of origins")) else key.kind.expected
            self.faults.append(Fault(name, detail.removeprefix("expected "), found, source))
        self.sources[name] = source

    def unknown(self, name: str, candidates: Iterable[str], source: str) -> None:
        # without the prefix of variables, which makes all of them alike
        by_lower = {candidate.removeprefix(PREFIX).lower(): candidate for candidate in candidates}
        close = get_close_matches(name.removeprefix(PREFIX).lower(), by_lower, n=1)
        hint = f"a known key: did you mean {by_lower[close[0]]}?" if close else "a known key"
        self.faults.append(Fault(name, hint, "an unknown one", source))


NOT_SHOWN = "a value that is not shown"
_USER_AND_PASSWORD = re.compile(
    r"(?<![^\s'\"\[({,])((?:[a-z]+:(?=//)|(?:sip|stun|turn)s?:)?+(?://)?+)[^\s:@'\"\[({,]*:[^\s@]*@", re.IGNORECASE
)


def _redacted(text: str) -> str:
    """Return what was found without secrets: what stands as ``user:password@`` before a host is one in any key."""
    return redact(_USER_AND_PASSWORD.sub(rf"\g<1>{MASK}@", text))


def _found(value: object) -> str:
    if value is HIDDEN:
        return NOT_SHOWN
    return "nothing" if value is None else repr(value)


_KEYS: dict[str, Key] = {name: key for name, key, _ in keys()}


def load(
    path: Path | None,
    environ: Mapping[str, str],
    options: Mapping[str, str] | None = None,
    *,
    need_proxy: bool = True,
) -> tuple[Settings, dict[str, str]]:
    """
    Find the effective settings.

    :param path: the configuration file, or None for none.
    :param environ: the environment; empty values count as unset.
    :param options: keys given on the command line, as text.
    :param need_proxy: whether it is a fault when no proxy is named.
    :returns: the settings, and for each key that has not its default where its value came from.
    :raises ConfigError: with every fault that was found.
    """
    reading = _Reading()
    if path is not None:
        _read_file(reading, path)
    _read_environment(reading, environ)
    for name, text in (options or {}).items():
        reading.take(name, text, _KEYS[name].kind.read_text, "option")
    _read_secrets(reading, environ)
    settings = Settings(**reading.values)  # type: ignore[arg-type]
    _check_together(reading, settings, need_proxy=need_proxy)
    if reading.faults:
        raise ConfigError(tuple(reading.faults))
    return settings, reading.sources


def _read_file(reading: _Reading, path: Path) -> None:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        reading.faults.append(Fault("--config", "a file that can be read", error.strerror or "none", str(path)))
        return
    except ValueError as error:  # bad TOML or bad UTF-8
        reading.faults.append(Fault("--config", "a TOML file in UTF-8", str(error), str(path)))
        return
    for name, value in document.items():
        if name in _KEYS:
            reading.take(name, value, _KEYS[name].kind.read, str(path))
        else:
            reading.unknown(name, _KEYS, str(path))


def _read_environment(reading: _Reading, environ: Mapping[str, str]) -> None:
    variables = {PREFIX + name.upper(): name for name in _KEYS}
    for variable, name in [*SEED_NAMES.items(), *variables.items()]:
        text = environ.get(variable, "")
        if text.strip():
            reading.take(name, text, _KEYS[name].kind.read_text, f"variable {variable}")
    for variable, text in environ.items():
        other = variable.startswith(NOT_KEYS) or text.startswith("tcp://")
        if variable.startswith(PREFIX) and variable not in variables and not other:
            reading.unknown(variable, variables, "environment")


def _read_secrets(reading: _Reading, environ: Mapping[str, str]) -> None:
    """Take the secrets that stand in files; one that is given as a value as well would leave open which counts."""
    for name, path, by in files_of(reading.values, environ):
        if reading.values.get(name):
            reading.faults.append(Fault(by, f"either {name} or {by}", "both", reading.sources.get(by, by)))
            continue
        try:
            secret = read_secret(path)
            if name in LISTS:
                secret = secret.replace("\n", ",").replace("\r", "")
            reading.take(name, secret, _KEYS[name].kind.read_text, str(path))
        except ValueError as error:
            reading.faults.append(Fault(by, f"a file with the {name}", str(error), reading.sources.get(by, by)))


def _twice(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Iterate over the lists in which something stands twice by which one is told from another."""
    for key, part, words in (
        ("operator_tokens", "name", "names"),
        ("operator_tokens", "sha256", "tokens"),
        ("app_tokens", "name", "names"),
        ("app_tokens", "sha256", "tokens"),
        ("webhooks", "name", "names"),
    ):
        found = [getattr(each, part) for each in getattr(settings, key)]
        if len(set(found)) < len(found):
            yield key, f"{words} of their own", f"a {words[:-1]} that occurs twice"


def _bad_webhooks(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Iterate over the webhooks whose secret cannot be read: key, expected, found."""
    for number, webhook in enumerate(settings.webhooks, 1):
        try:
            read_secret(webhook.secret_file)
        except ValueError as error:
            yield f"webhooks[{number}].secret_file", "a file with a secret", str(error)


def _bad_traces(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Say what traces need that is not there: key, expected, found."""
    if settings.traces_endpoint:
        try:
            missing = find_spec("opentelemetry.exporter.otlp.proto.http") is None
        except ModuleNotFoundError:
            missing = True
        if missing:
            yield "traces_endpoint", "OpenTelemetry (pip install 'wrtcgw[otel]')", "none of its packages"


def _check_together(reading: _Reading, settings: Settings, *, need_proxy: bool) -> None:
    """Look at what no single value shows."""

    def fault(key: str, expected: str, found: str) -> None:
        reading.faults.append(Fault(key, expected, found, reading.sources.get(key.partition("[")[0], "default")))

    known_bad = {fault.key for fault in reading.faults}
    if need_proxy and not settings.proxies and not known_bad & {"--config", "sip_ws_servers", "sip_server"}:
        fault("sip_ws_servers", "at least one URL, also by SIP_WS_SERVER or SIP_SERVER; or --demo", "none")
    if settings.reconnect_max_delay < settings.reconnect_delay:
        fault("reconnect_max_delay", "at least reconnect_delay", f"{settings.reconnect_max_delay:g}")
    if settings.register_max_retry_delay < settings.register_retry_delay:
        fault("register_max_retry_delay", "at least register_retry_delay", f"{settings.register_max_retry_delay:g}")
    if settings.session_expires < settings.min_se:
        fault("session_expires", f"at least min_se ({settings.min_se})", str(settings.session_expires))
    if settings.turn_servers and not settings.turn_secret and "turn_secret" not in known_bad:
        fault("turn_secret", "the secret of turn_servers (coturn's static-auth-secret)", "none")
    for key, expected, found in (
        *_bad_ca_files(settings),
        *_bad_certificates(settings),
        *_missing_for_tokens(settings),
        *_bad_store(settings),
        *_twice(settings),
        *_bad_webhooks(settings),
        *_bad_traces(settings),
    ):
        if not known_bad & {key, "oidc_client_id"}:
            fault(key, expected, found)


def _bad_ca_files(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Iterate over the keys that name a file of CA certificates which is of no use: key, expected, found."""
    for name in ("tls_ca_file", "provider_ca_file", "state_store_ca_file", "traces_ca_file"):
        path = getattr(settings, name)
        try:
            if path is not None:
                load_trust_root(path)
        except ValueError as error:
            yield name, "a PEM file with the CA certificates", str(error)


def _bad_certificates(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Iterate over the keys that name certificates and keys of ours which are of no use: key, expected, found."""
    for prefix in ("tls_", "tls_client_"):
        certificate, key = getattr(settings, f"{prefix}certificate"), getattr(settings, f"{prefix}key")
        if certificate is None and key is None:
            if prefix == "tls_" and settings.https_port:
                yield "tls_certificate", "a PEM file with the certificate for https_port, and tls_key", "none"
        elif certificate is None or key is None:
            missing = f"{prefix}certificate" if certificate is None else f"{prefix}key"
            yield missing, "the other file that belongs to it: certificate and key come together", "none"
        else:
            try:
                read_pair(certificate, key)
            except ValueError as error:
                yield f"{prefix}certificate", f"a PEM file, with its key in {prefix}key", str(error)


def _missing_for_tokens(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Iterate over the keys that sign-in by token needs as well: key, expected, found."""
    if settings.oidc_issuer and not settings.audiences:
        yield "oidc_audience", "whom the tokens of oidc_issuer are for (their aud), or oidc_client_id", "none"
    if settings.oidc_issuer and not settings.oidc_algorithms:
        yield "oidc_algorithms", "at least one", "none"
    if settings.oidc_client_id and not settings.oidc_issuer:
        yield "oidc_issuer", "the provider that knows oidc_client_id", "none"


def _bad_store(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Iterate over the keys that are wrong about where the state is kept: key, expected, found."""
    address = settings.state_store
    if unusable := address.fault():
        yield "state_store", "a place that can be used", unusable
    if settings.state_store_password and address.password:
        yield "state_store_password", "one password: here or in state_store", "both"
    if settings.store_timeout > settings.lease_ttl / 2:
        yield (
            "store_timeout",
            "at most half of lease_ttl, which has to be renewed meanwhile",
            f"{settings.store_timeout:g}",
        )


def report(settings: Settings, sources: Mapping[str, str]) -> str:
    """Return the effective settings as text for an operator: one line each, secrets masked, with their sources."""
    lines = []
    for name, _, default in keys():
        value = getattr(settings, name)
        lines.append(
            f"{name} = {shown(name, settings)}"
            + (f"  # {sources[name]}" if name in sources and value != default else "")
        )
    proxies = ", ".join(str(url) for url in settings.proxies) or "none"
    return "\n".join([*lines, f"# proxies: {proxies}", f"# domain: {settings.domain or 'none'}"])


def shown(name: str, settings: Settings) -> str:
    """Return the value of a key as TOML would write it, a secret masked."""
    value = getattr(settings, name)
    return MASK if _KEYS[name].secret and value else _shown(value)


def _shown(value: object) -> str:
    """Return a value as TOML would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, Table):
        return table_shown(value, _shown)
    if isinstance(value, tuple):
        return "[" + ", ".join(_shown(each) for each in value) + "]"
    text = "" if value is None else str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
