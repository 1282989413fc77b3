"""What the user agent is told once: who it is, whom it serves, and the values that a site may choose."""

from attrs import define, field, frozen

from wrtcgw.sip.digest import HA1, Authenticator
from wrtcgw.sip.tokens import TokenSource

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, NOTIFY, UPDATE, PRACK, REFER, MESSAGE"
"""The methods this user agent understands (:rfc:`3261#section-20.5`)."""
ALLOW_EVENTS = "talk, hold, refer"
"""Event packages taken without a subscription, announced for third-party call control (:rfc:`6665#section-8.2.2`)."""


@frozen(kw_only=True)
class UASettings:
    """
    The settings of a :class:`~wrtcgw.sip.core.UACore`.

    Times are seconds. ``instance`` becomes the host of our Contact, ``<instance>.invalid``, which no one can resolve:
    requests come back over the flow (:rfc:`7118#section-5`).
    """

    domain: str
    instance: str
    instance_urn: str = ""
    user_agent: str = "wrtcgw"
    register_expires: int = 600
    register_rate: float = 50.0
    """REGISTER requests a second after a reconnect, so that a restarted proxy is not flooded."""
    refresh_limit: float = 8.0
    """
    How long to wait for the answer to a REGISTER that refreshes or renews a binding, before it is sent anew. Nobody
    repeats a request on a reliable transport, and Asterisk drops what reaches it while it starts: with 64·T1 an agent
    would be away for half a minute after each of its restarts.
    """
    retry_base: float = 2.0
    retry_cap: float = 60.0
    session_expires: int = 1800
    min_se: int = 90
    offer_100rel: bool = False
    redirect_domains: frozenset[str] = frozenset()
    """Hosts to which a 3xx response may send a call, besides ``domain``."""
    max_redirects: int = 5
    replaces_across_accounts: bool = False
    """Whether a call to one account may take the place of another account's: a PBX is one party, agents are not."""
    dialogs_follow: bool = False
    """
    Whether a dialog moves to the connection over which its peer speaks: clients come back to a server over another one,
    and :rfc:`5626#section-4.3` has requests take the one that they use. A client's own way is given by its account.
    """
    ring_limit: float = 300.0
    """Longest wait for a final response after a provisional one, theirs to our INVITE and ours to theirs."""
    transfer_limit: float = 60.0
    """Longest wait for the next NOTIFY of a REFER."""


@define(eq=False)
class Account:
    """One address of record that this user agent serves; ``key`` is the user part of its Contact."""

    key: str
    dn: str
    password: str = field(repr=False)
    flow: int = 0
    display_name: str = ""
    auth_user: str = ""
    """The user for digest authentication, where it is not the DN."""
    service_route: tuple[str, ...] = ()
    ha1: HA1 | None = field(default=None, repr=False)
    """In place of the password."""
    authenticator: Authenticator | None = field(default=None, repr=False)

    def credentials(self, tokens: TokenSource) -> Authenticator:
        """Return the authenticator of this account; it remembers challenges from one request to the next."""
        if self.authenticator is None:
            self.authenticator = self.new_credentials(tokens)
        return self.authenticator

    def new_credentials(self, tokens: TokenSource) -> Authenticator:
        """Return an authenticator that knows no challenge."""
        return Authenticator(self.auth_user or self.dn, self.password, tokens, ha1=self.ha1)
