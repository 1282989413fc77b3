"""sign_in by a signed token: the token says who it is, and the gateway gets the SIP secret by itself."""

from attrs import frozen
from twisted.logger import Logger

from wrtcgw.errors import BadInput, GatewayError, RegistrationRefused
from wrtcgw.gateway import HA1
from wrtcgw.identity.errors import (
    DNNotAllowed,
    DNRequired,
    SecretRefused,
    SecretUnavailable,
    TokenRefused,
    TokensNotAccepted,
)
from wrtcgw.identity.secrets import NoSecret, Secret, SecretSource
from wrtcgw.identity.tokens import TOKEN_LIMIT, Identity, TokenVerifier
from wrtcgw.web.codec import SignIn
from wrtcgw.web.errors import WrongMethod
from wrtcgw.web.fields import Fields
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.replies import Reply
from wrtcgw.web.signin import SignInService

log = Logger()


@frozen
class IdentityParts:
    """
    Who judges tokens, and where SIP secrets come from.

    :ivar secrets: None: the registrar asks for none.
    """

    verifier: TokenVerifier
    secrets: SecretSource | None = None


class TokenSignIn:
    """Signs agents in by tokens."""

    def __init__(self, sign_in_service: SignInService, parts: IdentityParts | None) -> None:
        self._sign_in_service = sign_in_service
        self.parts = parts

    async def sign_in(self, request: IncomingRequest, fields: Fields) -> Reply | None:
        """
        Sign the bearer of a token in.

        A token that is no good is charged to its address, like a wrong password.

        :returns: None when the request shows no token.
        :raises TokenRefused: or another of the errors of :mod:`wrtcgw.identity.errors`, when it signs nobody in.
        """
        token = _token(request, fields)
        if not token:
            return None
        if self.parts is None:
            raise TokensNotAccepted()
        this_try = self._sign_in_service.charge(request.client)
        try:
            identity = await self.parts.verifier.verify(token)
            dn = _wanted_dn(fields, identity)
        except GatewayError as error:
            if not isinstance(error, TokenRefused):
                this_try.forgive()
            log.warn("sign_in by token from {address}: {error}", address=request.client.address, error=str(error))
            self._sign_in_service.refused("token", error, request.client, dn=fields.optional("dn"))
            raise
        this_try.forgive()
        self._sign_in_service.audit.note("token", "ok", request.client, dn=dn, sub=identity.subject)
        return await self._enter(request, fields, dn)

    async def _enter(self, request: IncomingRequest, fields: Fields, dn: str) -> Reply:
        secret = await self._secret(dn)
        wanted = SignIn(
            id=fields.optional("id") or dn,
            dn=dn,
            password=secret.password,
            auth_user=secret.user,
            ha1=HA1(secret.realm, secret.ha1, secret.algorithm) if secret.ha1 else None,
            display_name=fields.optional("display_name") or "",
            always_listens=fields.switch("always_listens") or False,
            acknowledges_calls=fields.switch("acknowledges_calls") or False,
            shares_calls=fields.switch("shares_calls") or False,
            take_over=fields.switch("take_over"),
        )
        try:
            return await self._sign_in_service.sign_in(request, wanted, no_password=True)
        except RegistrationRefused as error:
            if error.credentials:
                realm = f", which is an ha1 for realm {secret.realm}" if secret.ha1 else ""
                log.error(
                    "the registrar refused the SIP secret of {dn}{realm}: {error}", dn=dn, realm=realm, error=str(error)
                )
                raise SecretRefused(dn, error.code) from None
            raise

    async def _secret(self, dn: str) -> Secret:
        assert self.parts is not None
        if self.parts.secrets is None:
            return Secret()
        try:
            return await self.parts.secrets.secret_of(dn)
        except NoSecret as error:
            log.error("the SIP secret of {dn} cannot be had: {cause}", dn=dn, cause=str(error))
            raise SecretUnavailable(dn) from None


def _token(request: IncomingRequest, fields: Fields) -> str:
    """
    Return the token of a sign_in: its field ``token``, or the Bearer that has the form of one; empty for none.

    :raises BadInput: when it stands in an address, or beside a password.
    :raises WrongMethod: when it comes by GET.
    """
    told = fields.optional("token", limit=10 * TOKEN_LIMIT)  # a token that is too long gets a better answer below
    if "token" in request.query:
        raise BadInput("token", "it in the body or as Authorization: Bearer, not in the address, which logs keep")
    password = fields.optional("password")
    if told is not None and password is not None:
        raise BadInput("password", "nothing beside a token", "a password")
    token = told or ("" if password is not None else _bearer(request))
    if token and request.method != b"POST":
        raise WrongMethod(request.method.decode("ascii", "replace"), ("POST", "OPTIONS"))
    return token.strip()


def _bearer(request: IncomingRequest) -> str:
    """Return a Bearer with dots in it; the tokens of our own sessions have none."""
    return request.bearer.decode("utf-8", "replace") if b"." in request.bearer else ""


def _wanted_dn(fields: Fields, identity: Identity) -> str:
    """
    Return the DN to sign in.

    :raises DNNotAllowed: when the token does not have the one that is asked for.
    :raises DNRequired: when it has several, and none is asked for.
    """
    asked = fields.optional("dn")
    if asked is not None:
        if asked not in identity.dns:
            raise DNNotAllowed(asked, identity.dns[:10])
        return asked
    if len(identity.dns) > 1:
        raise DNRequired(identity.dns)
    return identity.dns[0]
