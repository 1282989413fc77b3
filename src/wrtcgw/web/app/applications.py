"""Which application asks, which agents it sees, and whether it may act."""

import hmac
from collections.abc import Callable

from attrs import frozen

from wrtcgw.web.errors import ApplicationTokenRequired, ControlRequired, TooManyRequests
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.limits import Buckets
from wrtcgw.web.operators import digest_of
from wrtcgw.web.settings import Allowance, AppToken


@frozen
class Application:
    """An application that has shown its token."""

    token: AppToken

    @property
    def name(self) -> str:
        """Return its name."""
        return self.token.name

    def sees(self, dn: str) -> bool:
        """Return whether the agent of a DN is in its scope; a guest, who has none, never is."""
        return any(_takes(pattern, dn) for pattern in self.token.dns)


def _takes(pattern: str, dn: str) -> bool:
    return bool(dn) and (dn.startswith(pattern[:-1]) if pattern.endswith("*") else dn == pattern)


class Applications:
    """Knows the applications, and how often each has asked for something."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._tokens: tuple[AppToken, ...] = ()
        self._allowance = Allowance(burst=50, per_second=10.0)
        self._rate = Buckets(self._allowance, seconds)

    def configure(self, tokens: tuple[AppToken, ...], allowance: Allowance) -> None:
        """Decide by these from now on."""
        self._tokens = tokens
        if allowance != self._allowance:
            self._allowance, self._rate = allowance, Buckets(allowance, self._seconds)

    def require(self, request: IncomingRequest) -> Application:
        """
        Return the application that asks.

        :raises ApplicationTokenRequired: when it is none; ControlRequired when it wants to act and may not.
        """
        digest = digest_of(request.bearer)
        matching = [token for token in self._tokens if hmac.compare_digest(token.digest, digest)]
        if not request.bearer or not matching:
            raise ApplicationTokenRequired("; the one shown is none" if request.bearer else "")
        application = Application(matching[0])
        if request.method not in (b"GET", b"HEAD") and not application.token.may_control:
            raise ControlRequired(application.name)
        return application

    def charge(self, application: Application) -> None:
        """
        Charge a request that changes something.

        :raises TooManyRequests: when there are too many of them.
        """
        wait = self._rate.wait(application.name)
        if wait:
            raise TooManyRequests(max(1, round(wait)))
        self._rate.take(application.name)
