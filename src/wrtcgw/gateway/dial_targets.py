"""Whom ``to`` means: a number or user of our domain, or a SIP URI of a domain that is allowed."""

import re
from collections.abc import Callable, Container

from attrs import evolve

from wrtcgw.errors import BadInput
from wrtcgw.sip.errors import MalformedMessage
from wrtcgw.sip.subscriber import (
    INVISIBLE,
    dialled,
    is_escapable,
    is_user,
    plain_target,
    read_user,
    subscriber,
    written,
)
from wrtcgw.sip.uri import URI

_EXPECTED = "a number, a user name, or a SIP URI of an allowed domain"
_PLAIN = re.compile(r"[A-Za-z0-9-]*")
_EDGES = re.compile(f"^[\\s{INVISIBLE}]+|(?<![\\s{INVISIBLE}])[\\s{INVISIBLE}]+$")
_TEL = re.compile(r"(?:tel|callto):(?://)?", re.IGNORECASE)
_SIP = ("sip:", "sips:")
_MAX_ACCOUNT = 64


def is_account(text: str) -> bool:
    """Return whether ``text`` can be a DN: the user of an address of record and of a Contact, escaped where needed."""
    is_uri = text.lower().startswith(_SIP)
    return len(text) <= _MAX_ACCOUNT and " " not in text and is_escapable(text) and not is_uri


def is_plain(text: str) -> bool:
    """Return whether a number or user can be given as ``to`` as it stands, and means itself."""
    return dialled(text) == text or (is_user(text) and not dialled(text))


def _unknown(user: str) -> bool:
    return False


def parse_target(to: str, domain: str, allowed: Container[str], is_known: Callable[[str], bool] = _unknown) -> URI:
    """
    Return the URI to call for what the page gave as ``to``: a number, a user, a ``tel:`` or a SIP URI.

    Of a number only what can be dialled counts (:rfc:`3966#section-5.1.1`): blanks, hyphens, ``(0)`` behind a country
    code and parameters are for people. A user with ``@`` and the like may be given escaped: ``alice%40example.org``.

    A SIP URI may carry no parameter but ``user``, no header, port or password: with them a page could choose the way
    that the call takes, or add header fields to it.

    :param is_known: returns whether a text is a DN as it stands, so that no rule for numbers applies to it.
    :raises BadInput: for anything else than a user or a plain URI of an allowed domain.
    """
    to = _EDGES.sub("", to)
    if is_known(to):
        return URI(user=to, host=domain)
    if to.lower().startswith(_SIP):
        return _parse_uri(to, domain, allowed)
    tel = _TEL.match(to)
    number, _ = subscriber(to[tel.end() :].replace("%2B", "+").replace("%2b", "+") if tel else to)
    user = number or ("" if tel else read_user(to))
    if user and not any(char.isalnum() or char in "*#" for char in user):
        raise BadInput("to", _EXPECTED, to[:80])
    if user:
        return URI(user=user, host=domain)
    if tel:
        raise BadInput("to", f"{_EXPECTED}; a tel: URI has a number", to[:80])
    return _parse_uri(f"sip:{to}", domain, allowed)


def _parse_uri(text: str, domain: str, allowed: Container[str]) -> URI:
    to = text.removeprefix("sip:")
    try:
        uri = URI.parse(text)
    except MalformedMessage:
        raise BadInput("to", _EXPECTED, to[:80]) from None
    host = uri.host.lower()
    if host != domain.lower() and host not in allowed:
        raise BadInput("to", f"{_EXPECTED} ({host} is not allowed)", to[:80])
    if not _is_plain(uri):
        raise BadInput("to", f"{_EXPECTED}, with a user and nothing behind the domain", to[:80])
    number, _ = subscriber(uri.user or "") if uri.param("user") == "phone" else ("", ())
    return evolve(uri, user=number) if number and number != uri.user else uri


def far_target(uri: URI, domain: str, allowed: Container[str]) -> URI:
    """
    Return the URI to call for one that a far side has named: user and domain only, by the rules for ``to``.

    :raises BadInput: when it names no user, or a domain that is not allowed.
    """
    target = plain_target(uri, domain)
    if target is None or not is_plain_user(target):
        raise BadInput("to", _EXPECTED, str(uri)[:80])
    host = target.host.lower()
    if host != domain.lower() and host not in allowed:
        raise BadInput("to", f"{_EXPECTED} ({host} is not allowed)", str(uri)[:80])
    return target


def is_plain_user(target: URI) -> bool:
    """Return whether the user is one that ``to`` may name: what a far side escapes could become more than that."""
    return target.user is not None and is_user(target.user)


def _is_plain(uri: URI) -> bool:
    extras = uri.headers or uri.port is not None or uri.password is not None
    params = all(name.lower() == "user" and _PLAIN.fullmatch(value or "") for name, value in uri.params)
    user = uri.user or ""
    return (is_user(user) or ("%" in str(uri) and is_escapable(user))) and params and not extras


def shown(uri: URI) -> str:
    """Return what an agent calls the party at ``uri``: its number, its user, or the whole URI when it has none."""
    return written(uri)
