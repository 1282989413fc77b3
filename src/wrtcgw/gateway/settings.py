"""The values that a site may choose for the gateway, and the records that its verbs return."""

from attrs import field, frozen

TAKE_OVER, REFUSE, RING_ALL = "take_over", "refuse", "ring_all"
"""What becomes of a second page of an agent; see ``GatewaySettings.second_page``."""


@frozen(kw_only=True)
class AgentGroup:
    """
    The rights of those agents whose DN one of ``dns`` takes in: DNs, or beginnings of DNs with a ``*`` behind.

    What is None is as for everybody else.
    """

    dns: tuple[str, ...]
    destinations: tuple[str, ...] | None = None
    forbidden_destinations: tuple[str, ...] | None = None
    calls_per_minute: int | None = None
    calls_per_day: int | None = None
    max_calls: int | None = None


@frozen(kw_only=True)
class GatewaySettings:
    """
    The settings of a :class:`~wrtcgw.gateway.facade.Gateway`.

    Times are seconds unless the name says otherwise.
    """

    domain: str
    """The domain of our own addresses of record."""
    allowed_domains: frozenset[str] = frozenset()
    """Further domains that ``to`` may name in a SIP URI."""
    node: str = ""
    """What this gateway is called among those that share a store."""
    connections: int = 1
    """How many connections (flows) to the proxy there are; they are numbered from 0."""
    sign_in_timeout: float = 8.0
    """How long sign_in waits for the registrar."""
    connection_wait: float = 4.0
    """How long sign_in waits for a connection that is being made, before it says that there is none."""
    sign_out_timeout: float = 5.0
    """How long sign_out waits for calls to end and for the registrar."""
    request_timeout: float = 40.0
    """How long a verb waits for the far side; the core gives up earlier by itself, so this is a last resort."""
    hangup_timeout: float = 5.0
    """How long hangup and reject wait for the far side's confirmation; the call ends in any case."""
    offer_timeout: float = 10.0
    """How long the page may take to answer an offer inside a call; then the far side is told 488."""
    order_timeout: float = 30.0
    """How long a page may take to make an offer for a call that an application has ordered."""
    page_ack_timeout: float = 4.0
    """How long a page that acknowledges incoming calls may take for that: it rings then, or the caller is refused."""
    page_silence_timeout: float = 100.0
    """How long a page that sends heartbeats may be silent before it is taken for asleep; 0 for ever."""
    not_responding_answer: str = "480"
    """What callers hear of an agent whose page does not respond: a SIP code, or a SIP URI to be called instead."""
    refer_delay: float = 0.5
    """No REFER goes out earlier than this after the answer: Asterisk refuses it before its bridge is up."""
    accept_refer: bool = False
    """Tell the page of the far side's wish to transfer it, instead of declining."""
    refer_timeout: float = 10.0
    """How long the page may take to act on such a wish."""
    max_calls: int = 8
    """Calls that one agent may have at a time; a further incoming one is told 486."""
    destinations: tuple[str, ...] = ("*",)
    """Whom agents may call, by any means: numbers, or the beginnings of numbers with a ``*`` behind."""
    forbidden_destinations: tuple[str, ...] = ()
    """Whom nobody may call, whatever ``destinations`` and ``guest_destinations`` say."""
    international_prefix: str = "00"
    """What is dialled here in place of ``+``."""
    calls_per_minute: int = 60
    """Calls that one agent may place or order by transfers."""
    calls_per_day: int = 0
    """The same for a day; 0 for any number."""
    follow_redirects: bool = True
    """Call the number to which a far side redirects a call (3xx), if it may be called."""
    agent_groups: tuple[AgentGroup, ...] = ()
    """Agents with other rights; the first group that has a DN counts."""
    ring_limit_per_caller: int = 3
    """Calls of one caller that may ring at one agent at a time; a further one is told 486."""
    offer_when_busy: bool = True
    """Offer an incoming call also to an agent who has one."""
    offer_without_page: bool = True
    """Offer an incoming call also when the agent's page was silent for ``page_timeout``; else tell the caller 480."""
    page_timeout: float = 90.0
    page_grace: float = 60.0
    """How long an agent may be without a poll or stream before it is signed out; 0 for ever."""
    expire_pages: bool = False
    """Sign out any agent whose page is lost, not only those whose page is known to listen all the time."""
    second_page: str = TAKE_OVER
    """
    What happens when an agent whose page is there signs in with another one: that takes everything over, is refused, or
    both have the calls and ring.
    """
    pages_per_agent: int = 4
    """How many pages an agent may have then."""
    reject_code: int = 486
    """What the caller is told when a page hangs up a call that rings, without a code of its own."""
    show_private_identity: bool = False
    """Tell pages also who wants to be unknown to them (:rfc:`3323`)."""
    page_headers: tuple[str, ...] = ()
    """Header fields of an INVITE that pages are told of."""
    auth_realms: tuple[str, ...] = ()
    """The only realms that get credentials; without any those in which the registrar challenges REGISTER."""
    digest_algorithms: tuple[str, ...] = ("SHA-512-256", "SHA-256", "MD5")
    """The digest algorithms that may be used."""
    auto_answer: str = "off"
    """
    What may answer for the agent: ``off`` for nothing, ``talk`` for the server's NOTIFY, ``headers`` also for what the
    INVITE asks for. It is the page that answers, in any case.
    """
    auto_answer_from: tuple[str, ...] = ("*",)
    """Whose wishes count then: see :func:`wrtcgw.sip.source.is_listed`."""
    attached_data: str = "headers"
    """How attached data travels: ``headers`` of INVITE and 200, ``info`` after the answer, ``off`` for not at all."""
    attached_data_limit: int = 8192
    """The most bytes of attached data, encoded."""
    guest_mode: str = "off"
    """Callers without a DN: ``off``, ``unregistered``, or ``registered`` by one REGISTER of the guest DN for all."""
    guest_dn: str = "anonymous"
    guest_password: str = field(default="", repr=False)
    guest_limit: int = 100
    """How many guests may be there at a time."""
    guest_destinations: tuple[str, ...] = ()
    """Whom guests may call: numbers, or the beginnings of numbers with a ``*`` behind."""
    mailbox_limit: int = 1000
    mailbox_recent: int = 32
    mailbox_bytes: int = 262_144
    """Of all messages that are kept for one agent, delivered or not."""


@frozen
class Outcome:
    """
    What the far side answered to a verb; code 0 when it answered nothing in time, or nothing had to be asked.

    ``warning`` and ``sip_reason`` are the texts of its Warning and Reason.
    """

    code: int
    reason: str = ""
    warning: str = ""
    sip_reason: str = ""


@frozen(kw_only=True)
class Health:
    """
    How the gateway is.

    ``status`` is ``ok`` (all connections to the proxy up), ``degraded`` (some), ``down`` (none), or ``draining`` while
    nothing new is taken. ``uptime`` is seconds. ``obstacles`` are the words for what keeps new agents and calls out, as
    ``GET /api/ready`` tells them: ``draining``, ``no_sip_connection``, ``store_unavailable``; none when it is ready.
    """

    status: str
    uptime: float
    registered_agents: int
    active_calls: int
    connections_up: int
    connections_total: int
    obstacles: tuple[str, ...] = ()
