"""
Who is an operator, and what each role may do.

Operators show a token. That this machine itself may go without one has to be asked for (``operator_loopback``), because
a proxy that adds no header field makes every client look like this machine.
"""

import hashlib
import hmac

from attrs import frozen

from wrtcgw.web.errors import OperatorTokenRequired, RoleRequired
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.origins import Origins, is_meant_for_loopback
from wrtcgw.web.settings import OperatorToken, Role

WRONG_TOKEN = ": the token shown is none of an operator"
NO_TOKEN = (
    ": send an operator token as Authorization: Bearer (settings operator_token and operator_tokens), or let this "
    "machine go without one (operator_loopback)"
)
FROM_A_PROXY = (
    ": operator_loopback is only for direct HTTP/1.1 requests of this machine to localhost, not for what a proxy "
    "passes on and not for pages of other origins: send an operator token as Authorization: Bearer"
)
"""Why a request is no operator's."""


@frozen
class Operator:
    """Who asks: the name of the token that was shown, and its role."""

    name: str
    role: Role


HERE = Operator("loopback", Role.ADMIN)
"""Who calls from this machine and need not show a token."""
TOKEN_NAME = "operator_token"


class Operators:
    """Knows the operators."""

    def __init__(self, origins: Origins) -> None:
        self._origins = origins
        self._tokens: tuple[OperatorToken, ...] = ()
        self._loopback = False

    def configure(self, token: str, tokens: tuple[OperatorToken, ...], *, loopback: bool) -> None:
        """
        Decide by these from now on.

        :param token: that of an admin, in clear; empty for none.
        :param loopback: direct requests of this machine need none.
        """
        own = (OperatorToken(TOKEN_NAME, Role.ADMIN, digest_of(token.encode("utf-8"))),) if token else ()
        self._tokens = (*own, *tokens)
        self._loopback = loopback

    def require(self, request: IncomingRequest, role: Role = Role.VIEWER) -> Operator:
        """
        Return the operator who asks.

        :raises OperatorTokenRequired: when it is none.
        :raises RoleRequired: when its role is too small.
        """
        operator = self._find(request)
        if operator.role < role:
            raise RoleRequired(operator.name, operator.role.word, role.word)
        return operator

    def judge(self, request: IncomingRequest, role: Role = Role.VIEWER) -> Operator:
        """
        Return the operator who asks; reading takes a token, which no foreign page has, acting is for our own pages.

        :raises ForeignOrigin: when a page of another origin acts; and what :meth:`require` raises.
        """
        operator = self.require(request, role)
        if request.method not in (b"GET", b"HEAD"):
            self._origins.check(request)
        return operator

    def require_way_in(self, request: IncomingRequest) -> None:
        """
        Let the console's page itself be loaded where there is a token that could be typed into it.

        :raises OperatorTokenRequired: when there is no token at all, and the request is not of this machine.
        """
        if not self._tokens:
            self._find(request)

    def is_known(self, request: IncomingRequest) -> bool:
        """Return whether an operator asks, or a program on this machine: for what is merely not for strangers."""
        shown = request.bearer
        return self._named(shown) is not None if shown else self._is_here(request)

    def _find(self, request: IncomingRequest) -> Operator:
        shown = request.bearer
        if shown:
            named = self._named(shown)
            if named is None:
                raise OperatorTokenRequired(WRONG_TOKEN)
            return Operator(named.name, named.role)
        if not self._loopback:
            raise OperatorTokenRequired(NO_TOKEN)
        if not self._is_here(request):
            raise OperatorTokenRequired(FROM_A_PROXY)
        return HERE

    def _named(self, shown: bytes) -> OperatorToken | None:
        digest = digest_of(shown)
        matching = [token for token in self._tokens if hmac.compare_digest(token.digest, digest)]
        return matching[0] if matching else None

    def _is_here(self, request: IncomingRequest) -> bool:
        """Return whether the request comes from a program, or from a page of ours, on this machine, with no proxy."""
        direct = request.client.is_loopback and request.is_http_1_1
        return direct and is_meant_for_loopback(request) and self._origins.is_own_page(request)


def digest_of(token: bytes) -> bytes:
    """Return the SHA-256 of a token; tokens are random, so they need no salt."""
    return hashlib.sha256(token).digest()
