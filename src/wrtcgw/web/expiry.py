"""Sessions that end by themselves: those that are old, and those that nobody uses."""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from wrtcgw.calls.agent import Agent, RegistrationState
from wrtcgw.web.sessions import Session, Sessions

ROUND = 30.0
"""Seconds between two looks at all sessions."""
OLD, IDLE = "lifetime", "idle"


class Expiry:
    """
    Looks after the sessions now and then.

    :param end: ends a session, for :data:`OLD` or :data:`IDLE`.
    """

    def __init__(self, sessions: Sessions, clock: IReactorTime, end: Callable[[Agent, Session, str], None]) -> None:
        self._sessions = sessions
        self._clock = clock
        self._end = end
        self._timer: IDelayedCall | None = None
        self.lifetime = self.idle = 0.0

    def watch(self) -> None:
        """Look again in a while: there is a session."""
        if self._timer is None:
            self._timer = self._clock.callLater(ROUND, self._look)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        present = [each for each in self._sessions if each[0].registration is not RegistrationState.SIGNED_OUT]
        for agent, session in present:
            why = self.reason(agent, session)
            if why:
                self._end(agent, session, why)
        if present:
            self.watch()

    def reason(self, agent: Agent, session: Session) -> str:
        """
        Return why a session is over, '' while it is not; one with a call never is.

        Of several pages each has to be used: another that goes on keeps no session of one that was forgotten.
        """
        now = self._clock.seconds()
        if agent.calls:
            return ""
        if self.lifetime and now - session.since >= self.lifetime:
            return OLD
        page = agent.page_named(session.page)
        listens, last_seen = agent.page_alive, agent.last_seen
        if page is not None and len(agent.pages) > 1:
            listens, last_seen = page.is_listening, page.last_seen
        used = max(session.since, last_seen or 0.0)
        return IDLE if self.idle and not listens and now - used >= self.idle else ""
