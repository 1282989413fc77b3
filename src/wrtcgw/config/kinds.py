"""
The kinds of values: each knows how to read itself from TOML and from the text of a variable, and what to call itself.

A reader raises ``ValueError`` for what it does not take; its text, if any, says more than the kind's ``expected``.
"""

import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import field, frozen

from wrtcgw.identity.fetching import is_safe
from wrtcgw.identity.sources import SourceName
from wrtcgw.store.address import EXPECTED as STORES
from wrtcgw.store.address import StoreAddress
from wrtcgw.store.sealing import key_of_text
from wrtcgw.transport.websocket import WebSocketURL

COMPONENTS = ("daemon", "demo", "gateway", "identity", "sip_service", "transport", "web")
"""The parts of the package that write lines of the log."""
LEVELS = ("debug", "info", "warn", "error", "critical")

Network = IPv4Network | IPv6Network

# a DNS name (underscores too: container names have them) or an IPv4 address
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?")
# not what int() and float() take as well: 1_000, the digits of other scripts, nan
_WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*")
_DECIMAL = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
# what is a DN without any escaping; a star is for patterns
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]{1,64}")
_SECRET_HEADERS = ("authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate")
_USER = re.compile(r"[A-Za-z0-9\-_.!~'()&=+$]{1,64}")
_PARTY = re.compile(r"\*|tel:\+?[0-9*#]{1,32}|([^\s<>\"@:;?,]{1,128}@)?([a-z0-9._-]+|\[[0-9a-f:.]+\])")
_PREFIX = re.compile(r"[0-9]{0,6}")
_URL_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")
# RFC 7064 and RFC 7065: an authority without // and a host that browsers take
_ICE_URL = re.compile(r"(stuns?|turns?):(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?(\?transport=(?:udp|tcp))?")
_SIP_CODE = re.compile(r"[4-6][0-9][0-9]")
# a plain address of record: what goes into a Contact must not break out of it
_SIP_URI = re.compile(r"sips?:([A-Za-z0-9\-_.!~'()&=+$,%]{1,64}@)?[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
_NODE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
OPERATOR_ROLES = ("viewer", "supervisor", "admin")
_SWITCH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@frozen
class Kind:
    """One kind of values."""

    expected: str
    """How an error names it."""
    read: Callable[[object], object]
    """Take a value as TOML gives it."""
    read_text: Callable[[str], object]
    """Take a value as a variable or an option gives it."""


@frozen
class HEPTarget:
    """A Homer server: ``udp`` or ``tcp``, its host and its port."""

    protocol: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.protocol}:{host}:{self.port}"


@frozen
class NamedToken:
    """An operator's token: its name, the operator's role, and its SHA-256 in hexadecimal digits."""

    name: str
    role: str
    sha256: str = field(repr=False)


@frozen
class BadItem(ValueError):
    """One item of a list is to blame."""

    item: object
    detail: str

    def __str__(self) -> str:
        return self.detail


def _refuse() -> object:
    raise ValueError


def _of_text(expected: str, convert: Callable[[str], object]) -> Kind:
    """Make a kind that is a string in TOML too."""

    def read(value: object) -> object:
        return convert(value.strip()) if isinstance(value, str) else _refuse()

    return Kind(expected, read, read)


def integer(low: int, high: int) -> Kind:
    """Make the kind of whole numbers within bounds."""

    def read(value: object) -> object:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return value if whole and low <= value <= high else _refuse()  # type: ignore[operator]

    return Kind(f"a whole number from {low} to {high}", read, lambda text: read(int(_matching(_WHOLE, text))))


def either(*values: int) -> Kind:
    """Make the kind of a few whole numbers."""
    whole = integer(min(values), max(values))

    def check(value: object) -> object:
        return value if value in values else _refuse()

    return Kind(
        " or ".join(map(str, values)),
        lambda value: check(whole.read(value)),
        lambda text: check(whole.read_text(text)),
    )


def number(low: float, high: float, unit: str = "seconds") -> Kind:
    """Make the kind of numbers within bounds; the value is a float."""

    def read(value: object) -> object:
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if numeric and low <= value <= high else _refuse()  # type: ignore[arg-type,operator]

    return Kind(f"{unit} from {low:g} to {high:g}", read, lambda text: read(float(_matching(_DECIMAL, text))))


def _matching(pattern: re.Pattern[str], text: str) -> str:
    if pattern.fullmatch(text) is None:
        raise ValueError
    return text


def choice(*words: str, aliases: dict[str, str] | None = None) -> Kind:
    """Make the kind of words out of a list, in any case; the value is the word in the list."""
    spelled = {word: word for word in words} | (aliases or {})

    def convert(text: str) -> object:
        return spelled.get(text.lower()) or _refuse()

    return _of_text("one of " + ", ".join(words), convert)


def many(item: Kind) -> Kind:
    """Make the kind of lists of a kind of strings; the value is a tuple. Text has commas between the items."""

    def read(value: object) -> object:
        return tuple(one(item.read, each) for each in value) if isinstance(value, list) else _refuse()

    def read_text(text: str) -> object:
        return tuple(one(item.read_text, each.strip()) for each in text.split(",") if each.strip())

    def one(read_one: Callable[[Any], object], each: object) -> object:
        try:
            return read_one(each)
        except ValueError as error:
            raise BadItem(each, str(error)) from None

    return Kind(f"a list, each {item.expected}", read, read_text)


def _host(text: str) -> object:
    if not text or _NAME.fullmatch(text):
        return text.lower()
    return str(IPv6Address(text.removeprefix("[").removesuffix("]")))


def _address(text: str) -> object:
    return str(ip_address(text)) if text else text


def _origin(text: str) -> object:
    url = urlsplit(text)
    if text == "*":
        raise ValueError("a list of origins: with * any page could act in an agent's name")
    bare = text.rstrip("/") == f"{url.scheme}://{url.netloc}"
    if url.scheme not in ("http", "https") or not url.hostname or "@" in url.netloc or not bare:
        raise ValueError
    return text.rstrip("/").lower()


def _any_origin(text: str) -> object:
    return text if text == "*" else _origin(text)


def _url_path(text: str) -> object:
    bare = text.rstrip("/")
    return bare if not bare or _URL_PATH.fullmatch(bare) else _refuse()


def _ice_url(text: str, schemes: tuple[str, ...]) -> str:
    found = _ICE_URL.fullmatch(text.lower())
    if found is None or found[1] not in schemes or not 0 < int(found[3] or 1) < 65_536:
        raise ValueError
    if found[2].startswith("["):
        IPv6Address(found[2][1:-1])
    return found[0]


def _stun_url(text: str) -> object:
    url = _ice_url(text, ("stun", "stuns"))
    return url if "?" not in url else _refuse()


def _turn_url(text: str) -> object:
    return _ice_url(text, ("turn", "turns"))


def _node(text: str) -> object:
    return text if not text or _NODE.fullmatch(text) else _refuse()


def _printable(text: str) -> object:
    return text if text.isprintable() else _refuse()


def _header_text(text: str) -> object:
    return text if text and text.isascii() and text.isprintable() else _refuse()


def _header_name(text: str) -> object:
    return text if _TOKEN.fullmatch(text) and text.lower() not in _SECRET_HEADERS else _refuse()


def _user(text: str) -> object:
    return text if _USER.fullmatch(text) else _refuse()


def _pattern(text: str) -> object:
    return text if _USER.fullmatch(text.removesuffix("*")) or text == "*" else _refuse()


def _safe_url(text: str) -> object:
    return text if not text or (is_safe(text) and "#" not in text) else _refuse()


def _secret_source(text: str) -> object:
    return SourceName.parse(text) if text else None


def _state_key(text: str) -> object:
    if text:
        key_of_text(text)
    return text


def _some_text(text: str) -> object:
    return text if text and text.isprintable() else _refuse()


def _party(text: str) -> object:
    party = text.lower()
    party = party.removeprefix("sips:") if party.startswith("sips:") else party.removeprefix("sip:")
    return party if _PARTY.fullmatch(party) else _refuse()


def _prefix(text: str) -> object:
    return text if _PREFIX.fullmatch(text) else _refuse()


def _hep_target(text: str) -> object:
    if not text:
        return None
    protocol, _, rest = text.partition(":")
    name, _, port = rest.rpartition(":")
    name = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    good = protocol in ("udp", "tcp") and _host(name) and port.isascii() and port.isdigit() and 0 < int(port) < 65536
    return HEPTarget(protocol, name, int(port)) if good else _refuse()


def _otlp_url(text: str) -> object:
    url = urlsplit(text)
    plain = (
        url.scheme in ("http", "https") and url.hostname and "@" not in url.netloc and not (url.query or url.fragment)
    )
    return text if not text or (plain and (url.port is None or url.port)) else _refuse()


def _header_line(text: str) -> object:
    name, colon, value = text.partition(":")
    good = colon and _TOKEN.fullmatch(name.strip()) and value.strip() and value.isascii() and value.isprintable()
    return (name.strip(), value.strip()) if good else _refuse()


def _component_level(text: str) -> object:
    component, equals, level = (part.strip() for part in text.partition("="))
    level = {"warning": "warn"}.get(level.lower(), level.lower())
    return (component, level) if equals and component in COMPONENTS and level in LEVELS else _refuse()


def _network(text: str) -> object:
    return ip_network(text, strict=False)


def _named_token(value: object) -> object:
    if isinstance(value, str):
        value = dict(zip(("name", "role", "sha256"), value.split(":"), strict=True))
    if not (isinstance(value, dict) and set(value) == {"name", "role", "sha256"}):
        raise ValueError
    if not all(isinstance(each, str) for each in value.values()):
        raise ValueError
    name, role, digest = value["name"].strip(), value["role"].strip().lower(), value["sha256"].strip().lower()
    if not (_NODE.fullmatch(name) and role in OPERATOR_ROLES and _SHA256.fullmatch(digest)):
        raise ValueError
    return NamedToken(name, role, digest)


def _refusal(text: str) -> object:
    return text if _SIP_CODE.fullmatch(text) else _matching(_SIP_URI, text)


switch = Kind(
    "true or false",
    lambda value: value if isinstance(value, bool) else _refuse(),
    lambda text: _SWITCH[text.strip().lower()] if text.strip().lower() in _SWITCH else _refuse(),
)
host = _of_text("a host name or an IP address, without a port", _host)
address = _of_text("an IP address to listen on (0.0.0.0 or :: for all)", _address)
network = _of_text("an IP address or a network like 192.0.2.0/24", _network)
origin = _of_text("an origin like https://desktop.example.org", _origin)
any_origin = _of_text("an origin like https://desktop.example.org, or *", _any_origin)
party = _of_text("a domain, an asserted identity (user@domain, tel:+49...), x-genesys-calluuid, or *", _party)
realm = _of_text("the realm of a digest challenge, as it stands there", _some_text)
_DIGESTS = ("SHA-512-256", "SHA-256", "MD5")
digest = choice(*_DIGESTS, aliases={name.lower(): name for name in _DIGESTS})
prefix = _of_text("the digits that are dialled in place of +, or empty", _prefix)
url_path = _of_text("empty or a path like /gateway", _url_path)
node = _of_text("empty or a name of letters, digits and ._-", _node)
stun_url = _of_text("stun:host[:port] or stuns:host[:port], without //", _stun_url)
turn_url = _of_text("turn:host[:port] or turns:host[:port], without //, perhaps with ?transport=udp or tcp", _turn_url)
ws_url = _of_text("a URL like wss://proxy.example.org:8443/path", WebSocketURL.parse)
safe_url = _of_text("empty or a URL like https://login.example.org/realms/acme (http to this machine only)", _safe_url)
secret_source = _of_text("empty, file:/path, command:/path/of/a/program %dn, or https://host/path/%dn", _secret_source)
store_address = _of_text(STORES, StoreAddress.parse)
state_key = _of_text("32 random bytes in base64", _state_key)
text = _of_text("a printable text", _some_text)
secret = _of_text("a printable text", _printable)
header_text = _of_text("a printable ASCII text", _header_text)
header_name = _of_text("the name of a header field that holds no credentials", _header_name)
user = _of_text("a DN: letters, digits or -_.!~'()&=+$", _user)
pattern = _of_text("a number, or the beginning of one with a * behind", _pattern)
hep_target = _of_text("empty, udp:host:port or tcp:host:port", _hep_target)
otlp_url = _of_text("empty or a URL like http://127.0.0.1:4318/v1/traces, without user and password", _otlp_url)
header_line = _of_text('a header field like "Authorization: Bearer token"', _header_line)
component_level = _of_text(
    f"component=level; components: {', '.join(COMPONENTS)}; levels: {', '.join(LEVELS)}", _component_level
)
refusal = _of_text("a SIP code from 400 to 699, or a URI like sip:8000@example.org", _refusal)
name = _of_text("a name of letters, digits and ._-", lambda text: _matching(_NODE, text))
webhook_url = _of_text("https://host/path, or http:// to this machine, without user and password", _safe_url)
sha256 = _of_text("64 hexadecimal digits", lambda text: _matching(_SHA256, text.lower()))
named_token = Kind(
    f"name:role:sha256 (roles: {', '.join(OPERATOR_ROLES)}; wrtcgw-client --hash-token makes the last part)",
    _named_token,
    _named_token,
)
path = _of_text("the path of a file", lambda text: Path(text) if text else None)
