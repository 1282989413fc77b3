"""Which pages may call: those of any origin, unless the settings name some."""

from wrtcgw.web.errors import ForeignOrigin
from wrtcgw.web.genesys.settings import ANY_ORIGIN
from wrtcgw.web.incoming import IncomingRequest
from wrtcgw.web.origins import Sharing


class PageOrigins:
    """Knows the origins whose pages may call."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self._any = ANY_ORIGIN in allowed
        self._allowed = frozenset(origin.rstrip("/").lower().encode("ascii") for origin in allowed)
        sharing = Sharing(is_allowed=self._is_allowed, exposed=b"Pragma")
        self.share, self.preflight = sharing.share, sharing.preflight

    def check(self, request: IncomingRequest) -> None:
        """
        Refuse the request of a foreign page.

        :raises ForeignOrigin: when its origin is neither ours nor allowed.
        """
        origin = request.header(b"origin")
        if origin is not None and not self._is_allowed(origin) and origin.lower() != request.own_origin:
            raise ForeignOrigin(origin.decode("ascii", "replace"), "genesys_origins")

    def _is_allowed(self, origin: bytes) -> bool:
        return self._any or origin.lower() in self._allowed
