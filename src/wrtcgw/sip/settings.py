"""What the user agent is told once: who it is, whom it serves, and the values that a site may choose."""

from collections.abc import Collection
from uuid import UUID, uuid5

from attrs import define, field, frozen

from wrtcgw.sip.digest import Authenticator
from wrtcgw.sip.hashes import HA1, HASHES, encoded
from wrtcgw.sip.keyring import Keyring
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
    instance_space: UUID | None = None
    """
    Makes an instance-id for each account, the same after a restart of this program (:rfc:`5626#section-4.1`): so the
    registrar replaces a binding that a crash has left, and ours is known in its answer. ``instance_urn`` is for all.
    """
    user_agent: str = "wrtcgw"
    register_expires: int = 600
    register_rate: float = 125.0
    """Registrations a second after a reconnect, so that a restarted proxy is not flooded; a challenge is one more."""
    register_timeout: float = 8.0
    """
    How long to wait for the answer to a REGISTER that refreshes or renews a binding, before it is sent anew. Nobody
    repeats a request on a reliable transport, and Asterisk drops what reaches it while it starts: with 64·T1 an agent
    would be away for half a minute after each of its restarts.
    """
    register_retry_delay: float = 2.0
    register_max_retry_delay: float = 60.0
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
    texts_from: Collection[str] | None = None
    """Whose MESSAGEs are taken: see :func:`wrtcgw.sip.source.is_listed`; None for anybody's."""
    ring_timeout: float = 300.0
    """Longest wait for a final response after a provisional one, theirs to our INVITE and ours to theirs."""
    transfer_timeout: float = 60.0
    """Longest wait for the next NOTIFY of a REFER."""

    def instance_of(self, key: str) -> str:
        """Return the instance-id of an account, '' when none is sent."""
        return f"urn:uuid:{uuid5(self.instance_space, key)}" if self.instance_space is not None else self.instance_urn


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
    """In place of the password; both are in the keyring, and here no longer than that needs the password."""
    authenticator: Authenticator | None = field(default=None, repr=False)
    """For REGISTER."""
    realms: Collection[str] | None = None
    """Those that may have credentials; empty for those of the registrar, None for any (all peers are trusted)."""
    algorithms: Collection[str] = tuple(HASHES)
    """Those that may be used."""
    keyring: Keyring = field(default=None, repr=False)
    """May be that of another account."""
    _caller: Authenticator | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Put the secrets into a keyring: they are in one place, and can be forgotten there."""
        if self.keyring is None:
            username = self.auth_user or self.dn
            encoded(username + self.password)
            self.keyring = Keyring(username, self.password, self.ha1, self.realms, self.algorithms)
        self._drop_password()

    def settle(self) -> None:
        """Note that the registrar has agreed: from now on hashes take the place of the password."""
        self.keyring.settle()
        self._drop_password()

    def _drop_password(self) -> None:
        if not self.keyring.has_password:
            self.password, self.ha1 = "", None

    def credentials(self, tokens: TokenSource) -> Authenticator:
        """Return the authenticator of this account; it remembers challenges from one request to the next."""
        if self.authenticator is None:
            self.authenticator = self.new_credentials(tokens)
        return self.authenticator

    def new_credentials(self, tokens: TokenSource) -> Authenticator:
        """Return an authenticator for REGISTER that knows no challenge."""
        return Authenticator(self.keyring.username, "", tokens, keyring=self.keyring, registering=True)

    def for_calls(self, tokens: TokenSource) -> Authenticator:
        """
        Return the authenticator for all requests but REGISTER.

        It is another one: the challenges of a far side have nothing to do with those of the registrar.
        """
        if self._caller is None:
            self._caller = Authenticator(self.keyring.username, "", tokens, keyring=self.keyring)
        return self._caller

    def unasked(self, method: str, uri: str, body: str) -> list[tuple[str, str]]:
        """Return the credentials that go along with a request in a dialog: none but for the own proxy."""
        return self.authenticator.for_proxies(method, uri, body) if self.authenticator is not None else []
