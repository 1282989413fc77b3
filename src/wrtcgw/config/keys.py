"""How a key of the configuration is declared: the one place of its default, kind, unit and text."""

from inspect import cleandoc
from typing import Any

from attrs import field, frozen

from wrtcgw.config import kinds
from wrtcgw.config.kinds import Kind

HOUR = 3600.0


@frozen
class Key:
    """What is known of one key apart from its value."""

    kind: Kind
    reload: bool = False
    """Whether a reload (SIGHUP) takes a new value over."""
    secret: bool = False
    text: str = ""
    """What it is for, in paragraphs; lines that are indented are examples. Empty: the text before holds for it too."""
    unit: str = ""
    sample: str = ""
    """What ``conf/wrtcgw.toml`` sets it to, in TOML; empty: it shows the default in a comment."""


def key(
    default: object,
    kind: Kind,
    *,
    reload: bool = False,
    secret: bool = False,
    text: str = "",
    unit: str = "",
    sample: str = "",
) -> Any:
    """Declare a key; the parameters are those of :class:`Key`."""
    known = Key(kind, reload, secret, cleandoc(text), unit, sample)
    return field(default=default, repr=not secret, metadata={Key: known})


def seconds(default: float, low: float = 0.1, *, reload: bool = False, text: str = "") -> Any:
    """Declare a time of at least ``low`` seconds, and at most an hour."""
    return key(default, kinds.number(low, HOUR), reload=reload, text=text, unit="seconds")
