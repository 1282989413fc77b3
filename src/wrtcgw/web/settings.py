"""What the HTTP surface can be told: limits, and whom it trusts."""

from enum import Enum, IntEnum
from ipaddress import IPv4Network, IPv6Network

from attrs import field, frozen

Network = IPv4Network | IPv6Network


class Binding(Enum):
    """What ties an agent's requests to its sign_in."""

    ADDRESS = "address"
    """The session token, or, in requests without any token, the address that signed in."""
    STRICT = "strict"
    """Only the session token."""


class Role(IntEnum):
    """What an operator may do; a greater one may do all that the lesser ones may."""

    VIEWER = 1
    """Look at agents, calls and numbers, but not at what was said in messages."""
    SUPERVISOR = 2
    """Also read ladders, end calls and sign agents out."""
    ADMIN = 3
    """Also drain, change the log level and what is recorded, and see and end sessions."""

    @property
    def word(self) -> str:
        """Return its name in settings and JSON."""
        return self.name.lower()


@frozen
class OperatorToken:
    """A named operator; of the token only the SHA-256 is known."""

    name: str
    role: Role
    digest: bytes = field(repr=False)


@frozen
class AppToken:
    """
    A named application; of the token only the SHA-256 is known.

    ``dns`` are the DNs of the agents that it sees, or beginnings of DNs with a ``*`` behind.
    """

    name: str
    digest: bytes = field(repr=False)
    dns: tuple[str, ...]
    may_control: bool = False


@frozen
class Allowance:
    """How many tries are free at once, and how many come back per second."""

    burst: int
    per_second: float


@frozen(kw_only=True)
class IceSettings:
    """What pages are told about getting through firewalls; the URLs are those of :rfc:`7064` and :rfc:`7065`."""

    stun: tuple[str, ...] = ()
    turn: tuple[str, ...] = ()
    secret: str = field(default="", repr=False)
    """What the TURN servers share with us."""
    ttl: int = 3600
    """Seconds for which credentials are good."""


@frozen(kw_only=True)
class PageWishes:
    """What the gateway's settings say to the library in pages; from where on it warns, 0 for never."""

    warn_rtt: float = 400.0
    """Milliseconds."""
    warn_jitter: float = 30.0
    """Milliseconds."""
    warn_loss: float = 1.0
    """Percent."""
    warn_mos: float = 3.0
    warn_mic_silence: float = 6.0
    """Seconds."""
    warn_incoming_silence: float = 10.0
    """Seconds."""
    warn_no_packets: float = 3.0
    """Seconds."""
    echo_number: str = ""
    """The number of an echo, for a page's check of the phone."""


@frozen(kw_only=True)
class WebSettings:
    """Settings of the HTTP surface; the defaults suit a gateway that pages reach directly."""

    session_binding: Binding = Binding.ADDRESS
    trusted_proxies: tuple[Network, ...] = ()
    """Peers whose X-Real-IP and X-Forwarded-* are believed."""
    allowed_origins: frozenset[str] = frozenset()
    """Origins other than our own whose pages may call, as browsers write them: ``https://desktop.example.org``."""
    operator_token: str = field(default="", repr=False)
    """That of an admin; empty for none."""
    operator_tokens: tuple[OperatorToken, ...] = ()
    """Further ones, each with a name and a role."""
    app_tokens: tuple[AppToken, ...] = ()
    """The applications that may use the application API."""
    app_requests: Allowance = Allowance(burst=50, per_second=10.0)
    """Requests of one application that change something."""
    operator_loopback: bool = False
    """Direct requests of this machine are an admin's without a token."""
    metrics_allow: tuple[Network, ...] = ()
    """From where ``/metrics`` may be read without an operator's token."""
    audit_log: bool = True
    """Whether the audit log is written."""
    sign_in_get: bool = True
    """Whether sign_in takes a password in the query, as of a GET."""
    body_limit: int = 65536
    """Bytes; a Chromium offer of audio and video with all candidates has about 10,000."""
    wait_limit: float = 60.0
    """Seconds; a longer ``wait`` of a poll is cut to it."""
    heartbeat: float = 15.0
    """Seconds between the comments that keep an event stream alive through proxies."""
    session_lifetime: float = 43_200.0
    """Seconds after which a session ends, as soon as its agent has no call; 0 for never."""
    session_idle: float = 1800.0
    """Seconds without a call and without a page after which it ends; 0 for never."""
    guest_limit_per_address: int = 5
    """Guests at a time from one client address; an IPv6 network of 64 bits counts as one."""
    streams_per_agent: int = 4
    """One more ends the oldest."""
    sign_in_per_address: Allowance = Allowance(burst=100, per_second=1.0)
    """Refused tries, and tries in progress, of one client address."""
    sign_in_per_id: Allowance = Allowance(burst=10, per_second=0.1)
    """The same for one agent id, and for one DN, from one address; all addresses together have 5 times the burst."""
    header_timeout: float = 10.0
    """Seconds for the whole head of a request."""
    body_timeout: float = 30.0
    """Seconds for the whole body of a request."""
    connections_per_address: int = 200
    """For an IPv4 address or an IPv6 network of 64 bits, and 4 more for each agent signed in from there."""
    descriptors: int = 0
    """How many files the process may have open; a part of them is kept for who is signed in. 0: unknown."""
    ice: IceSettings = IceSettings()
    """The STUN and TURN servers that pages are told of."""
    wishes: PageWishes = PageWishes()
