"""Session timers (:rfc:`4028`): a call whose far side has vanished ends; one that lives is never cut."""

from typing import TYPE_CHECKING

from wrtcgw.sip.delta import seconds_of
from wrtcgw.sip.errors import RemoteViolation
from wrtcgw.sip.headers import SessionExpires
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.outputs import EndCause
from wrtcgw.sip.transaction_layer import LocalResponse, ServerRequest

if TYPE_CHECKING:
    from wrtcgw.sip.usages.leg import Leg

RETRY_DELAY = 10.0
"""Seconds until a refresh that failed for the moment is tried again."""


class SessionTimer:
    """The session timer of one leg, in either role."""

    def __init__(self, leg: "Leg") -> None:
        self._leg = leg
        settings = leg.ua.settings
        self._wanted = settings.session_expires
        self._min_se = settings.min_se
        self._interval = 0
        self._we_refresh = False
        self._update_works = True

    @property
    def interval(self) -> int:
        """Return the agreed interval in seconds, 0 when the session has none."""
        return self._interval

    # -- as UAC

    def request_fields(self) -> list[tuple[str, str]]:
        """Return the fields of an INVITE or UPDATE of ours (:rfc:`4028#section-7.1`)."""
        if not self._wanted:
            return []
        value = str(self._interval or self._wanted)
        if self._interval:
            value += ";refresher=" + ("uac" if self._we_refresh else "uas")
        return [("Session-Expires", value), ("Min-SE", str(self._min_se))]

    def too_small(self, response: Response) -> bool:
        """Take the Min-SE of a 422; True when trying again makes sense (:rfc:`4028#section-7.3`)."""
        minimum = seconds_of(response.headers.get("Min-SE")) or 0
        if minimum <= max(self._min_se, self._interval or self._wanted):
            return False
        self._min_se = minimum
        self._wanted = minimum
        self._interval = 0
        return True

    def accepted(self, response: Response) -> None:
        """Take the interval and our role from a 2xx to a request of ours (:rfc:`4028#section-7.2`)."""
        try:
            expires = SessionExpires.parse(response.headers.get("Session-Expires") or "")
        except RemoteViolation:  # none, or one that cannot be read
            self._interval = 0
            self.stop()
            return
        self._start(expires.seconds, we_refresh=expires.refresher != "uas")

    # -- as UAS

    def refuses(self, server: ServerRequest) -> bool:
        """Answer 422 when the interval asked for is below our minimum (:rfc:`4028#section-9`)."""
        field = server.request.headers.get("Session-Expires")
        if field is None or SessionExpires.parse(field).seconds >= self._leg.ua.settings.min_se:
            return False
        server.respond(422, None, ("Min-SE", str(self._leg.ua.settings.min_se)))
        return True

    def response_fields(self, request: Request) -> list[tuple[str, str]]:
        """
        Return the fields of our 2xx to ``request`` and start the timer it asks for.

        The refreshing is left to the peer unless it says otherwise or cannot (:rfc:`4028#section-9`).
        """
        field = request.headers.get("Session-Expires")
        if field is None:
            self._interval = 0
            self.stop()
            return []
        expires = SessionExpires.parse(field)
        refresher = expires.refresher or ("uac" if request.headers.has_option("Supported", "timer") else "uas")
        self._start(expires.seconds, we_refresh=refresher == "uas")
        fields = [("Session-Expires", f"{expires.seconds};refresher={refresher}")]
        if refresher == "uac":
            fields.append(("Require", "timer"))
        return fields

    # -- time

    def stop(self) -> None:
        """Forget the deadlines."""
        self._leg.ua.layer.disarm(self, "refresh")
        self._leg.ua.layer.disarm(self, "expire")

    def on_timer(self, name: str) -> None:
        """Refresh, or end a session that was not refreshed in time (:rfc:`4028#section-10`)."""
        if name == "expire":
            self._leg.terminate(
                EndCause.FAILED, 408, "session expired: no refresh", 'SIP;cause=200;text="session expired"'
            )
        else:
            self._refresh()

    def refreshed(self, response: Response) -> bool:
        """
        Take the outcome of a refresh by re-INVITE; True when it worked.

        A failure is not the end: the session lives until it expires, so the refresh is tried again before.
        """
        if 200 <= response.status < 300:
            self.accepted(response)
            return True
        self._leg.ua.layer.arm(self, "refresh", RETRY_DELAY)
        return False

    def _start(self, seconds: int, *, we_refresh: bool) -> None:
        layer = self._leg.ua.layer
        self._interval = seconds
        self._we_refresh = we_refresh
        layer.arm(self, "expire", seconds - min(32, seconds / 3))
        if we_refresh:
            layer.arm(self, "refresh", seconds / 2)
        else:
            layer.disarm(self, "refresh")

    def _refresh(self) -> None:
        leg = self._leg
        if not leg.established or leg.modification.busy:
            leg.ua.layer.arm(self, "refresh", RETRY_DELAY)
        elif self._update_works and "UPDATE" in leg.dialog.peer_allows:
            leg.send("UPDATE", self._updated, self.request_fields())
        else:
            leg.modification.refresh()

    def _updated(self, response: Response) -> None:
        if response.status < 200 or not self._leg.established:
            return
        layer = self._leg.ua.layer
        if response.status < 300:
            self._leg.dialog.learn(response)
            self.accepted(response)
        elif response.status == 481:
            self._leg.dialog_gone(response)
        elif response.status == 422 and self.too_small(response):
            layer.arm(self, "refresh", 0)
        elif isinstance(response, LocalResponse) or response.status in (408, 491, 500, 503):
            layer.arm(self, "refresh", RETRY_DELAY)
        else:
            self._update_works = False
            layer.arm(self, "refresh", 0)
