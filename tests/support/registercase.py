"""Tests of registrations: a registrar that says what a test tells it to."""

from tests.support.corecase import CoreCase
from wrtcgw.sip.core import Account
from wrtcgw.sip.message import Request
from wrtcgw.sip.outputs import RegistrationFailed

CONTACT = "<sip:bob@gw.invalid;transport=ws>"
CHALLENGE = ("WWW-Authenticate", 'Digest realm="r", nonce="n1", qop="auth", algorithm=MD5')
AGAIN = ("WWW-Authenticate", 'Digest realm="r", nonce="n2", qop="auth", algorithm=MD5')


class RegisterCase(CoreCase):
    """An account that registers."""

    def sign_in(self, password: str = "secret", key: str = "bob") -> Request:
        """Sign in; return the newest REGISTER."""
        self.do(self.core.register, Account(key, key, password))
        return self.last("REGISTER")

    def sign_out(self, key: str = "bob") -> Request:
        """Sign out; return the newest REGISTER."""
        self.do(self.core.unregister, key)
        return self.last("REGISTER")

    def grant(self, request: Request | None = None, seconds: int = 600, *fields: tuple[str, str]) -> None:
        """Let the registrar agree."""
        request = request or self.last("REGISTER")
        contact = ("Contact", f"{CONTACT.replace('bob', request.to.uri.user or '')};expires={seconds}")
        self.respond(request, 200, "", fields or [contact], contact=False)

    def registered(self, seconds: int = 600) -> None:
        """Have an account registered."""
        self.sign_in()
        self.grant(None, seconds)

    def wait_for_refresh(self) -> float:
        """Let time pass until the next REGISTER; return how long that took."""
        started, sent = self.now, len(self.sent("REGISTER"))
        while len(self.sent("REGISTER")) == sent:
            deadline = self.core.next_deadline()
            assert deadline is not None, "no refresh is to come"
            self.advance(deadline - self.now)
        return self.now - started

    def failure(self) -> RegistrationFailed:
        """Return the newest failure that was told."""
        return self.of(RegistrationFailed)[-1]

    def end_all(self) -> None:
        """Sign out too."""
        super().end_all()
        for key in {request.to.uri.user or "" for request in self.sent("REGISTER")}:
            self.do(self.core.unregister, key)
            if self.last("REGISTER").headers.get("Expires") == "0":
                self.respond(self.last("REGISTER"), 200)
