"""Whom ``to`` means: a number or user of our domain, or a SIP URI of a domain that is allowed."""

import re
from collections.abc import Container
from unicodedata import category

from wrtcgw.errors import BadInput
from wrtcgw.sip.errors import MalformedMessage
from wrtcgw.sip.uri import URI, plain_target

_EXPECTED = "a number, a user name, or a SIP URI of an allowed domain"
# No delimiter of a URI or of a header field: what is meant as one user can never become more than that.
_USER = re.compile(r"[^\s\x00-\x1f\x7f<>\"@:;?,%\\\[\]{}|^`\ud800-\udfff]{1,128}")
# Beyond ASCII letters only: neither other scripts' digits, which look like a number that they are not for SIP, nor the
# control characters that turn a text's direction around or cannot be seen.
_LETTERS = ("L", "M")
_PLAIN = re.compile(r"[A-Za-z0-9-]*")
_ACCOUNT = re.compile(r"[A-Za-z0-9\-_.!~*'()&=+$]{1,64}")


def is_account(text: str) -> bool:
    """Tell whether ``text`` can be a DN: user of an address of record and of a Contact, without any escaping."""
    return _ACCOUNT.fullmatch(text) is not None


def parse_target(to: str, domain: str, allowed: Container[str]) -> URI:
    """
    Return the URI to call for what the page gave as ``to``.

    A URI may carry no parameter but ``user``, no header, port or password: with them a page could choose the way that
    the call takes, or add header fields to it.

    :raises BadInput: for anything else than a user or a plain URI of an allowed domain.
    """
    to = to.strip()
    if _is_user(to):
        return URI(user=to, host=domain)
    try:
        uri = URI.parse(to if to.lower().startswith(("sip:", "sips:")) else f"sip:{to}")
    except MalformedMessage:
        raise BadInput("to", _EXPECTED, to[:80]) from None
    host = uri.host.lower()
    if host != domain.lower() and host not in allowed:
        raise BadInput("to", f"{_EXPECTED} ({host} is not allowed)", to[:80])
    if not _is_plain(uri):
        raise BadInput("to", f"{_EXPECTED}, with a user and nothing behind the domain", to[:80])
    return uri


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
    return target.user is not None and _is_user(target.user)


def _is_plain(uri: URI) -> bool:
    extras = uri.headers or uri.port is not None or uri.password is not None
    params = all(name.lower() == "user" and _PLAIN.fullmatch(value or "") for name, value in uri.params)
    return uri.user is not None and _is_user(uri.user) and params and not extras


def _is_user(text: str) -> bool:
    if _USER.fullmatch(text) is None:
        return False
    return all(char.isascii() or category(char).startswith(_LETTERS) for char in text)


def shown(uri: URI) -> str:
    """Return what an agent calls the party at ``uri``: its user, or the whole URI when it has none."""
    return uri.user or str(uri)
