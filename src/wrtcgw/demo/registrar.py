"""
The demo PBX's registrar: who may register and call, and where they are (:rfc:`3261#section-10.3`).

Pure: no I/O and no clock; ``now`` is in reactor seconds.
"""

from collections.abc import Mapping

from attrs import define, field, frozen

from wrtcgw.sip.digest import Verifier
from wrtcgw.sip.errors import RemoteViolation
from wrtcgw.sip.headers import NameAddr
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.tokens import TokenSource
from wrtcgw.sip.uri import URI

DEFAULT_EXPIRES = 600
MAX_EXPIRES = 3600


@frozen
class Binding:
    """Where a user is: its Contact, and the connection over which it registered (:rfc:`5626#section-5.1`)."""

    contact: URI
    flow: int
    expires: float


@define
class Registrar:
    """
    Knows the users and their bindings; a user has one binding, the newest.

    The digest algorithm is MD5, because that is all that JsSIP and other browser phones speak, and a demo should
    let them in.
    """

    _realm: str
    _passwords: Mapping[str, str] = field(repr=False)
    _tokens: TokenSource = field(repr=False)
    _verifier: Verifier = field(init=False, repr=False)
    _bindings: dict[str, Binding] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        """Make the verifier of the realm."""
        self._verifier = Verifier(self._realm, self._tokens, algorithm="MD5")

    def knows(self, user: str) -> bool:
        """Return whether there is such a user, registered or not."""
        return user in self._passwords

    def binding(self, user: str, now: float) -> Binding | None:
        """Return where a user is, or None."""
        found = self._bindings.get(user)
        return found if found is not None and found.expires > now else None

    def flow_lost(self, flow: int) -> None:
        """Forget who registered over a connection that is gone."""
        for user in [user for user, binding in self._bindings.items() if binding.flow == flow]:
            del self._bindings[user]

    def refusal(self, request: Request, user: str, now: float) -> Response | None:
        """
        Return the response to a request that does not show ``user``'s credentials, or None when it does.

        A wrong password is challenged again, as Asterisk does it: 401 until the client gives up.
        """
        for value in request.headers.get_all("Authorization"):
            verdict = self._verifier.check(value, request.method, self._passwords.get, now, request.body)
            if verdict.username is not None:
                return None if verdict.username == user else self._response(request, 403)
            if verdict.stale:
                return self._challenge(request, now, stale=True)
        return self._challenge(request, now)

    def _challenge(self, request: Request, now: float, *, stale: bool = False) -> Response:
        response = self._response(request, 401)
        response.headers.add("WWW-Authenticate", self._verifier.challenge(now, stale=stale))
        return response

    def _response(self, request: Request, status: int) -> Response:
        return request.response(status, None, self._tokens.token(64))

    def register(self, flow: int, request: Request, now: float) -> Response:
        """Answer a REGISTER."""
        try:
            user = request.to.uri.user or ""
            refusal = self.refusal(request, user, now)
            if refusal is not None:
                return refusal
            self._change(user, flow, request, now)
        except RemoteViolation as violation:
            return self._response(request, violation.status_hint)
        response = self._response(request, 200)
        binding = self.binding(user, now)
        if binding is not None:
            contact = NameAddr(binding.contact).with_param("expires", str(round(binding.expires - now)))
            response.headers.add("Contact", str(contact))
        return response

    def _change(self, user: str, flow: int, request: Request, now: float) -> None:
        """Add or remove the binding (:rfc:`3261#section-10.3`, steps 6 and 7); without Contact it is a question."""
        default = _seconds(request.headers.get("Expires"), DEFAULT_EXPIRES)
        if (request.headers.get("Contact") or "").strip() == "*":
            if default != 0:
                raise RemoteViolation(400, "Contact: * with Expires other than 0")
            self._bindings.pop(user, None)
            return
        contact = request.contact
        if contact is None:
            return
        expires = min(_seconds(contact.param("expires"), default), MAX_EXPIRES)
        if expires:
            self._bindings[user] = Binding(contact.uri, flow, now + expires)
        elif str(contact.uri) == str(getattr(self._bindings.get(user), "contact", "")):
            del self._bindings[user]


def _seconds(value: str | None, default: int) -> int:
    """Read delta-seconds; what is malformed counts as the default (:rfc:`3261#section-10.3`, step 7)."""
    text = (value or "").strip()
    return int(text) if text.isascii() and text.isdigit() else default
