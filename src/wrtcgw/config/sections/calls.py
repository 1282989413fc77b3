"""Calls, and callers without a DN."""

from pathlib import Path
from typing import ClassVar

from attrs import frozen

from wrtcgw.config import kinds
from wrtcgw.config.keys import key, seconds
from wrtcgw.config.tables import AgentGroup, agent_groups


@frozen(kw_only=True, slots=False)
class Calls:
    """Calls."""

    TITLE: ClassVar[str] = "calls"

    session_expires: int = key(
        1800,
        kinds.integer(90, 86400),
        unit="seconds",
        text="""
        Session timers (RFC 4028): the interval we ask for, and the shortest we take.
        """,
    )
    min_se: int = key(90, kinds.integer(90, 86400), unit="seconds")
    offer_100rel: bool = key(
        False,
        kinds.switch,
        text="""
        Offer reliable provisional responses (RFC 3262). They are used in any case when the far side requires them.
        """,
    )
    follow_redirects: bool = key(
        True,
        kinds.switch,
        reload=True,
        text="""
        Whether a call goes on to the number to which a far side redirects it (3xx), if that number may be called at
        all; of what the far side names only number and domain count.
        """,
    )
    max_redirects: int = key(
        5,
        kinds.integer(0, 20),
        text="""
        How many 3xx in a row a call follows.
        """,
    )
    ring_timeout: float = seconds(
        300.0,
        1.0,
        text="""
        The longest ringing at the far side.
        """,
    )
    offer_timeout: float = seconds(
        10.0,
        1.0,
        reload=True,
        text="""
        How long a page may take to answer an offer inside a call, before the far side is told 488.
        """,
    )
    order_timeout: float = seconds(
        30.0,
        1.0,
        reload=True,
        text="""
        How long a page, or its agent, may take to go along with a call that an application has ordered.
        """,
    )
    page_ack_timeout: float = seconds(
        4.0,
        0.5,
        reload=True,
        text="""
        How long a page of the gateway's library may take to say that it has got an incoming call. Only then the caller
        hears it ring. A page that is frozen, or whose computer sleeps, says nothing, though its connection stands.
        """,
    )
    page_silence_timeout: float = seconds(
        100.0,
        0.0,
        reload=True,
        text="""
        A page of the library is heard of each 30 s, or each 60 s where a browser slows the timers of a hidden one down.
        After so long without a word it is taken for asleep: its agent is shown as not responding, and callers hear
        that at once. Half of it ends a call that rings there. 0 switches it off.
        """,
    )
    not_responding_answer: str = key(
        "480",
        kinds.refusal,
        reload=True,
        text="""
        What callers hear of an agent whose page does not respond: a SIP code, or a SIP URI to which they are
        redirected (302), as "sip:8000@example.org" for a queue; a proxy or PBX has to follow that.
        """,
    )
    request_timeout: float = seconds(
        40.0,
        1.0,
        reload=True,
        text="""
        The longest wait of a call-control request for the far side, and of a hang-up for its confirmation.
        """,
    )
    hangup_timeout: float = seconds(5.0, reload=True)
    max_calls: int = key(
        8,
        kinds.integer(1, 1000),
        reload=True,
        text="""
        Calls that one agent may have at a time; a further incoming one is told 486.
        """,
    )
    calls_per_minute: int = key(
        60,
        kinds.integer(1, 10000),
        reload=True,
        text="""
        Calls that one agent may place, transfers included: how many in a minute (as many at once) and in a day (0:
        any number). More get 429.
        """,
    )
    calls_per_day: int = key(0, kinds.integer(0, 1000000), reload=True)
    ring_limit_per_caller: int = key(
        3,
        kinds.integer(1, 1000),
        reload=True,
        text="""
        Calls of one caller that may ring at one agent at a time; a further one is told 486. Callers who do not show
        who they are count as one.
        """,
    )
    destinations: tuple[str, ...] = key(
        ("*",),
        kinds.many(kinds.pattern),
        reload=True,
        text="""
        Whom agents may call, by whatever means: calls, transfers, wishes of far sides (REFER) and redirections
        (3xx). Numbers, or the beginnings of numbers with a * behind. What is forbidden is so for guests as well.
        Numbers are compared in every way of writing them (+49 and 0049, with separators, behind a code like *31#),
        but a number without its country is another one: forbid both "+49900*" and "0900*".
        """,
    )
    forbidden_destinations: tuple[str, ...] = key((), kinds.many(kinds.pattern), reload=True)
    international_prefix: str = key(
        "00",
        kinds.prefix,
        reload=True,
        text="""
        What is dialled in place of + where the PBX is: "00" in most countries, "011" in North America.
        """,
    )
    agent_groups: tuple[AgentGroup, ...] = key(
        (),
        agent_groups,
        reload=True,
        text="""
        Other rights for some agents, by their DNs: any of destinations, forbidden_destinations, calls_per_minute,
        calls_per_day, max_calls; what a group leaves out is as for everybody else, and the first group that has a
        DN counts.
          agent_groups = [
            { dns = ["50*"], destinations = ["50*", "+49*"], calls_per_minute = 10 },
            { dns = ["7001", "7002"], forbidden_destinations = [] },
          ]
        They can also be written as tables [[agent_groups]], which have to stand at the end of this file.
        """,
    )
    offer_when_busy: bool = key(
        True,
        kinds.switch,
        reload=True,
        text="""
        Offer incoming calls also to an agent who has one.
        """,
    )
    offer_without_page: bool = key(
        True,
        kinds.switch,
        reload=True,
        text="""
        Offer incoming calls also to an agent whose page was not heard of for page_timeout; if false, callers are
        told 480.
        """,
    )
    page_timeout: float = seconds(90.0, 1.0, reload=True)
    page_grace: float = seconds(
        60.0,
        0.0,
        reload=True,
        text="""
        An agent whose page has no poll or stream for so long is signed out, and its calls end. It is meant for
        pages that always listen (those of the Genesys dialect, and of our library, which sign in with
        always_listens); with expire_pages it goes for all. 0 switches it off.
        """,
    )
    expire_pages: bool = key(False, kinds.switch, reload=True)
    second_page: str = key(
        "take_over",
        kinds.choice("take_over", "refuse", "ring_all"),
        reload=True,
        text="""
        What happens when an agent signs in on a second page (a tab, a window, another machine) while the first one is
        there: it takes everything over, calls included, and the first page is signed out ("take_over"); it is refused,
        unless it asks to take over ("refuse"); or both ring and control the same calls, each of which has its sound
        on one of them ("ring_all"; pages of the gateway's library, which sign in with shares_calls, others take
        over). Pages of the Genesys dialect always take over.
        """,
    )
    pages_per_agent: int = key(
        4,
        kinds.integer(2, 16),
        reload=True,
        text="""
        How many pages an agent may have with second_page = "ring_all".
        """,
    )
    reject_code: int = key(
        486,
        kinds.integer(400, 699),
        reload=True,
        text="""
        What a caller is told whose call an agent hangs up while it rings, without naming a code.
        """,
    )
    show_private_identity: bool = key(
        False,
        kinds.switch,
        reload=True,
        text="""
        Whether pages are told of callers who want to be unknown (Privacy: id, user or header, RFC 3323); without it
        such a caller is "anonymous" for them.
        """,
    )
    page_headers: tuple[str, ...] = key(
        (),
        kinds.many(kinds.header_name),
        reload=True,
        text="""
        Which header fields of an incoming INVITE pages are told of, as "headers" of the OFFER and of the calls
        list, for example ["Alert-Info", "User-to-User", "X-DNIS"]. Pages of the Genesys kind get them as attached
        data.
        """,
    )
    auto_answer: str = key(
        "off",
        kinds.choice("off", "talk", "headers"),
        reload=True,
        text="""
        What may have a call answered, or taken from the agent's own hold, without a click: "off" for nothing,
        "talk" for the SIP server's NOTIFY with Event: talk, "headers" for that and for Call-Info, Alert-Info and
        Answer-Mode of the INVITE. Whoever may do that opens the agent's microphone. A hold that a NOTIFY made is
        ended by a NOTIFY in any case.
        """,
    )
    auto_answer_from: tuple[str, ...] = key(
        ("*",),
        kinds.many(kinds.party),
        reload=True,
        text="""
        Whose wishes count then: domains (of P-Asserted-Identity, else of From), asserted identities
        ("5000@example.org", "tel:+4930123"), "x-genesys-calluuid" (the INVITE carries it), or "*". Without a
        back-to-back user agent between, any caller can send such a NOTIFY in its own call: then name the SIP
        server's domain or identity here.
        """,
    )
    messages_from: tuple[str, ...] = key(
        ("local",),
        kinds.many(kinds.party),
        text="""
        Whose texts (SIP MESSAGE) reach pages: as auto_answer_from, and "local" for addresses of sip_domain; [] for
        nobody's. Others are told 403.
        """,
    )
    attached_data: str = key(
        "headers",
        kinds.choice("headers", "info", "off"),
        reload=True,
        text="""
        How data that a page attaches to a call travels: "headers" (X-Data-<name>, percent-encoded, in INVITE and
        200), "info" (an INFO with a form right after the answer) or "off"; and its greatest size, encoded. Of what
        is more, a page of the vendor's kind has taken along what fits, others get 400.
        """,
    )
    attached_data_limit: int = key(8192, kinds.integer(0, 32768), reload=True, unit="bytes")
    incoming_refer: str = key(
        "reject",
        kinds.choice("reject", "accept"),
        reload=True,
        text="""
        When the far side asks us to call someone else (REFER): "reject", or "accept" to let the page decide within
        refer_timeout.
        """,
    )
    refer_timeout: float = seconds(10.0, 1.0, reload=True)
    refer_delay: float = seconds(
        0.5,
        0.0,
        reload=True,
        text="""
        No transfer is sent earlier than this after the answer: Asterisk refuses it before its bridge is up.
        """,
    )
    transfer_timeout: float = seconds(
        60.0,
        1.0,
        text="""
        The longest silence of the far side about the progress of a transfer.
        """,
    )
    mailbox_limit: int = key(
        1000,
        kinds.integer(10, 1000000),
        text="""
        Messages kept for an agent's page: those it has not fetched, and those it has, for a resumed event stream;
        and the bytes of all of them. Texts (SIP MESSAGE) may take half of it and never displace what is told of
        calls; the beginning or the end of a call is dropped last, and the log tells.
        """,
    )
    mailbox_recent: int = key(32, kinds.integer(0, 1000000))
    mailbox_bytes: int = key(262144, kinds.integer(65536, 2**30), unit="bytes")


@frozen(kw_only=True, slots=False)
class Guests:
    """Callers without a DN."""

    TITLE: ClassVar[str] = "callers without a DN"

    guest_mode: str = key(
        "off",
        kinds.choice("off", "unregistered", "registered"),
        text="""
        Pages that sign in without a DN, by guest=1 or connect() of the vendor's library: "off" refuses them;
        "unregistered" lets them call without any REGISTER; "registered" registers guest_dn once for all of them.
        Their From is guest_dn, challenges are answered with guest_password, where they are not registered only in
        the realms in which the registrar has challenged agents, and in sip_domain: name any other one in
        auth_realms.
        """,
    )
    guest_dn: str = key("anonymous", kinds.user)
    guest_password: str = key("", kinds.secret, secret=True)
    guest_password_file: Path | None = key(  # noqa: RUF009
        None,
        kinds.path,
        text="""
        A file with it instead.
        """,
    )
    guest_limit: int = key(
        100,
        kinds.integer(1, 100000),
        reload=True,
        text="""
        How many there may be at a time.
        """,
    )
    guest_limit_per_address: int = key(
        5,
        kinds.integer(1, 100000),
        reload=True,
        text="""
        And how many of them from one address.
        """,
    )
    guest_destinations: tuple[str, ...] = key(
        (),
        kinds.many(kinds.pattern),
        reload=True,
        text="""
        Whom they may call: numbers, or the beginnings of numbers with a * behind: ["8000", "85*"].
        """,
    )
