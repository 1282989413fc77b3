"""Session timers (:rfc:`4028`): a call whose far side has vanished ends; one that lives is never cut."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wrtcgw.sip.delta import FLOOR, floored, seconds_of
from wrtcgw.sip.headers import SessionExpires
from wrtcgw.sip.message import Request, Response
from wrtcgw.sip.outputs import EndCause
from wrtcgw.sip.transaction_layer import ServerRequest, Use
from wrtcgw.sip.usages.part import PartOf

if TYPE_CHECKING:
    from wrtcgw.sip.usages.leg import Leg

RETRY_DELAY = 10.0
"""Seconds until a refresh that failed for the moment is tried again."""

MAX_RAISED = 5
"""How often in a call a 422 may ask for a longer interval: each proxy on the way may have its own minimum."""


class SessionTimer(PartOf["Leg"]):
    """The session timer of one leg, in either role."""

    def __init__(self, leg: "Leg") -> None:
        super().__init__(leg)
        settings = leg.ua.settings
        self._wanted = settings.session_expires
        self._min_se = settings.min_se
        self._raised = 0
        self._interval = 0
        self._we_refresh = False
        self._update_works = True

    @property
    def account_key(self) -> str:
        """Return the key of the account."""
        return self._leg.account.key

    def snapshot(self) -> dict[str, object]:
        """Return plain data for :meth:`restore`: interval, role, and what was learnt of the peer."""
        return {
            "min_se": self._min_se,
            "raised": self._raised,
            "interval": self._interval,
            "we_refresh": self._we_refresh,
            "update_works": self._update_works,
        }

    def restore(self, data: Mapping[str, Any]) -> None:
        """Take what :meth:`snapshot` gave; the deadlines are still to come."""
        self._min_se, self._raised = data["min_se"], data["raised"]
        self._interval, self._we_refresh = data["interval"], data["we_refresh"]
        self._update_works = data["update_works"]

    # -- as UAC

    def request_fields(self) -> list[tuple[str, str]]:
        """
        Return the fields of an INVITE or UPDATE of ours (:rfc:`4028#section-7.1`, 7.4).

        A site that wants no session timer does not ask for one, but keeps the one that a peer asked for.
        """
        if not self._wanted and not self._interval:
            return []
        value = str(max(self._interval or self._wanted, self._min_se))
        if self._interval:
            value += ";refresher=" + ("uac" if self._we_refresh else "uas")
        return [("Session-Expires", value), ("Min-SE", str(self._min_se))]

    def too_small(self, response: Response) -> bool:
        """Take the Min-SE of a 422; True when trying again makes sense (:rfc:`4028#section-7.3`)."""
        minimum = seconds_of(response.headers.get("Min-SE")) or 0
        if minimum <= max(self._min_se, self._interval or self._wanted) or self._raised == MAX_RAISED:
            return False
        self._raised += 1
        self._min_se = minimum
        return True

    def accepted(self, response: Response) -> None:
        """
        Take the interval and our role from a 2xx to a request of ours (:rfc:`4028#section-7.2`).

        No interval, an unreadable one and 0 mean that the session does not expire.
        """
        expires = response.read("Session-Expires", SessionExpires)
        if expires is not None and expires.seconds:
            self._start(expires.seconds, we_refresh=expires.refresher != "uas")
        else:
            self._drop()

    # -- as UAS

    def refuses(self, server: ServerRequest) -> bool:
        """
        Answer 422 when the interval asked for is below our minimum (:rfc:`4028#section-9`).

        Only a peer that knows session timers can ask again; what a proxy asks on behalf of another is taken. One that
        cannot be read is none.
        """
        request = server.request
        expires = request.read("Session-Expires", SessionExpires)
        if expires is None or expires.seconds >= self._leg.ua.settings.min_se:
            return False
        if not _knows_timers(request):
            return False
        server.respond(422, None, ("Min-SE", str(self._leg.ua.settings.min_se)))
        return True

    def receive_update(self, server: ServerRequest) -> None:
        """Take an UPDATE without a description, a refresh; but not before an earlier UPDATE has its answer."""
        leg = self._leg
        if leg.modification.update_pending:
            # RFC 3311 section 5.2
            server.respond(500, None, ("Retry-After", str(int(leg.ua.tokens.uniform(0, 10)))))
        elif not self.refuses(server):
            leg.dialog.learn(server.request)
            response = server.response(200)
            leg.complete_2xx(response, self.response_fields(server.request), "")
            server.send(response)
            leg.peer.heed(server.request)

    def response_fields(self, request: Request) -> list[tuple[str, str]]:
        """
        Return the fields of our 2xx to ``request`` and start the timer it asks for.

        The refreshing is left to the peer unless it says otherwise or cannot (:rfc:`4028#section-9`, table 2).
        """
        self._min_se = max(self._min_se, seconds_of(request.headers.get("Min-SE")) or 0)
        expires = request.read("Session-Expires", SessionExpires)
        if expires is None or not expires.seconds:
            self._drop()
            return []
        refresher = (expires.refresher or "uac") if _knows_timers(request) else "uas"
        self._start(expires.seconds, we_refresh=refresher == "uas")
        fields = [("Session-Expires", f"{expires.seconds};refresher={refresher}")]
        if _knows_timers(request):
            fields.append(("Require", "timer"))
        return fields

    # -- time

    def begin_anew(self) -> None:
        """
        Let the session last as after a refresh: the process was away, for how long only the wall clock can tell.

        The re-INVITE with which each call goes on after a restart is a refresh, and its outcome says whether the
        session has expired: by a 481, and not by a clock that may have been set in between.
        """
        if self._interval:
            self._start(self._interval, we_refresh=self._we_refresh)

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
        self._retry()
        return False

    def _retry(self) -> None:
        """Refresh later, unless that has become the peer's business meanwhile."""
        if self._we_refresh:
            self._leg.ua.layer.arm(self, "refresh", RETRY_DELAY)

    def _drop(self) -> None:
        self._interval = 0
        self._we_refresh = False
        self.stop()

    def _start(self, seconds: int, *, we_refresh: bool) -> None:
        layer = self._leg.ua.layer
        self._interval = seconds
        self._we_refresh = we_refresh
        layer.arm(self, "expire", max(seconds - min(32, seconds / 3), 3 * FLOOR))
        if we_refresh:
            layer.arm(self, "refresh", floored(seconds / 2))
        else:
            layer.disarm(self, "refresh")

    def _refresh(self) -> None:
        leg = self._leg
        if not leg.established or leg.modification.busy:
            self._retry()
        elif leg.needs_recovery:  # its re-INVITE refreshes too: the peer gets one, not two
            leg.recover()
            self._retry()
        elif self._update_works and "UPDATE" in leg.dialog.peer_allows:
            fields = self.request_fields()
            leg.add_capabilities(fields)
            leg.send("UPDATE", Use.REFRESH, fields)
        else:
            leg.modification.refresh()

    def updated(self, response: Response) -> None:
        """Take the outcome of a refresh by UPDATE; a peer that has no use for it gets re-INVITEs from then on."""
        if response.status < 200 or not self._leg.established:
            return
        layer = self._leg.ua.layer
        if response.status < 300:
            self.accepted(response)
            self._leg.dialog.learn(response)
        elif response.status == 481:
            self._leg.dialog_gone(response)
        elif response.status == 422 and self.too_small(response):
            layer.arm(self, "refresh", 0)
        elif response.status in (491, 500, 503):
            self._retry()
        elif response.status == 408:
            self._update_works = False
            self._retry()
        else:
            self._update_works = False
            layer.arm(self, "refresh", 0)


def _knows_timers(request: Request) -> bool:
    return any(request.headers.has_option(name, "timer") for name in ("Supported", "Require"))
