"""Every key of the configuration, as one value; the keys are declared in their sections."""

from collections.abc import Iterator
from typing import Any

from attrs import Attribute, fields, frozen

from wrtcgw.config.keys import Key
from wrtcgw.config.sections.calls import Calls, Guests
from wrtcgw.config.sections.pages import Firewalls, GenesysPages, SoundOfCalls
from wrtcgw.config.sections.proxies import Connections, Proxies, Registrations
from wrtcgw.config.sections.running import Operators, Running, Traces
from wrtcgw.config.sections.serving import Listening, SignInByToken, Trust
from wrtcgw.config.sections.state import State

__all__ = ["SECTIONS", "Key", "Settings", "keys", "reloadable_keys"]


@frozen(kw_only=True)
class Settings(
    Running,
    Traces,
    Operators,
    State,
    GenesysPages,
    SoundOfCalls,
    Firewalls,
    Guests,
    Calls,
    Registrations,
    Connections,
    SignInByToken,
    Trust,
    Listening,
    Proxies,
):
    """
    The effective settings of one gateway, as :func:`~wrtcgw.config.loading.load` found them.

    Times are seconds, sizes bytes. The names are those of the keys in the configuration file; the declaration of each
    tells what it is for.
    """


SECTIONS = (
    Proxies,
    Listening,
    Trust,
    SignInByToken,
    Connections,
    Registrations,
    Calls,
    Guests,
    Firewalls,
    SoundOfCalls,
    GenesysPages,
    State,
    Operators,
    Traces,
    Running,
)
"""In the order of ``conf/wrtcgw.toml``."""


def keys() -> Iterator[tuple[str, Key, object]]:
    """Iterate over all keys: name, what is known of it, default."""
    attribute: Attribute[Any]
    for section in SECTIONS:
        for attribute in fields(section):
            yield attribute.name, attribute.metadata[Key], attribute.default


def reloadable_keys() -> frozenset[str]:
    """Return the keys that a reload takes over; a change of any other needs a restart."""
    return frozenset(name for name, key, _ in keys() if key.reload)
