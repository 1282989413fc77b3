"""What pages are told of firewalls, and pages of the Genesys kind."""

from pathlib import Path
from typing import ClassVar

from attrs import frozen

from wrtcgw.config import kinds
from wrtcgw.config.keys import key


@frozen(kw_only=True, slots=False)
class Firewalls:
    """Firewalls between pages and the media."""

    TITLE: ClassVar[str] = "firewalls between pages and the media"

    stun_servers: tuple[str, ...] = key(
        (),
        kinds.many(kinds.stun_url),
        reload=True,
        text="""
        What GET /api/webrtc/ice tells a page that is signed in; the library asks before each call. Few are better:
        each one costs time at the start of a call. STUN servers: ["stun:turn.example.org:3478"]; needed only where
        the media server does not see the page's real address.
        """,
    )
    turn_servers: tuple[str, ...] = key(
        (),
        kinds.many(kinds.turn_url),
        reload=True,
        text="""
        TURN servers, which relay for pages that reach the media server in no other way:
        ["turn:turn.example.org:3478", "turns:turn.example.org:443?transport=tcp"]. conf/coturn/ has a sample.
        """,
    )
    turn_secret: str = key(
        "",
        kinds.secret,
        reload=True,
        secret=True,
        text="""
        The secret that the TURN servers share with the gateway (coturn: static-auth-secret), needed for
        turn_servers. Better kept in the environment file of the service (WRTCGW_TURN_SECRET) than here; a new one
        there needs a restart.
        """,
    )
    turn_secret_file: Path | None = key(  # noqa: RUF009
        None,
        kinds.path,
        reload=True,
        text="""
        A file with it instead.
        """,
    )
    turn_ttl: int = key(
        3600,
        kinds.integer(60, 604800),
        reload=True,
        unit="seconds",
        text="""
        How long the credentials that are made with it are good, for calls that begin within that time; a call may
        be longer.
        """,
    )


@frozen(kw_only=True, slots=False)
class SoundOfCalls:
    """What pages watch of the sound of calls, and what they make of it."""

    TITLE: ClassVar[str] = "the sound of calls in pages"

    warn_rtt: float = key(
        400.0,
        kinds.number(0.0, 60_000.0, "milliseconds"),
        reload=True,
        unit="milliseconds",
        text="""
        From where on the library in a page warns its agent while a call goes on; 0: never. The first four are raised
        when they hold for 3 of the last 5 seconds, and cleared after 5 seconds without; a page may have others. Pages
        get them when they sign in or are loaded. Here: the round trip.
        """,
    )
    warn_jitter: float = key(
        30.0,
        kinds.number(0.0, 60_000.0, "milliseconds"),
        reload=True,
        unit="milliseconds",
        text="""
        The jitter of what comes in.
        """,
    )
    warn_loss: float = key(
        1.0,
        kinds.number(0.0, 100.0, "percent"),
        reload=True,
        unit="percent",
        text="""
        Lost packets, in the worse of the two directions.
        """,
    )
    warn_mos: float = key(
        3.0,
        kinds.number(0.0, 5.0, "a score"),
        reload=True,
        text="""
        The least mean opinion score.
        """,
    )
    warn_mic_silence: float = key(
        6.0,
        kinds.number(0.0, 3600.0),
        reload=True,
        unit="seconds",
        text="""
        How long a microphone that is neither muted nor on hold may give nothing at all.
        """,
    )
    warn_incoming_silence: float = key(
        10.0,
        kinds.number(0.0, 3600.0),
        reload=True,
        unit="seconds",
        text="""
        How long the far side may send nothing but silence.
        """,
    )
    warn_no_packets: float = key(
        3.0,
        kinds.number(0.0, 3600.0),
        reload=True,
        unit="seconds",
        text="""
        How long nothing at all may arrive.
        """,
    )
    echo_number: str = key(
        "",
        kinds.secret,
        reload=True,
        text="""
        A number that sends back what it hears, as Asterisk's Echo() does: a page's check of the phone calls it to see
        whether sound gets through. Empty: the check is made without a call.
        """,
    )
    noise_suppression: bool = key(
        False,
        kinds.switch,
        reload=True,
        text="""
        Let agents of the softphone switch on RNNoise, which takes background noise off their microphone. It is
        WebAssembly: the page's Content-Security-Policy then allows that ('wasm-unsafe-eval'), which other pages of
        the gateway never do.
        """,
    )


@frozen(kw_only=True, slots=False)
class GenesysPages:
    """Pages that were made for the Genesys WebRTC gateway."""

    TITLE: ClassVar[str] = "pages that were made for the Genesys WebRTC gateway"

    genesys_dialect: bool = key(
        True,
        kinds.switch,
        text="""
        Serve their calls (sign_in, wait, message, sign_out) at the root of the same port.
        """,
    )
    genesys_path: str = key(
        "",
        kinds.url_path,
        text="""
        What stands before them, as "/gateway" for webrtc_gateway: "https://host/gateway".
        """,
    )
    genesys_port: int = key(
        0,
        kinds.integer(0, 65535),
        text="""
        A second port, on which they are served alone, as 8086; beside the first one. 0: none.
        """,
    )
    genesys_origins: tuple[str, ...] = key(
        ("*",),
        kinds.many(kinds.any_origin),
        text="""
        Origins whose pages may call; "*" takes any, and echoes it: nothing can be done without the secret id that
        sign_in returned, which no cookie holds.
        """,
    )
    genesys_unknown_session: int = key(
        204,
        kinds.either(204, 404),
        text="""
        What a page gets whose id is not known, as after a restart: 204 makes it sign out, 404 keeps it trying.
        """,
    )
    genesys_no_password: str = key(
        "guest",
        kinds.choice("guest", "register"),
        text="""
        How a page that signs in without a password is treated: as a "guest" (see above); or, with "register", as the
        agent of the DN that it names, for a registrar that never challenges, like a SIP Server without passwords: then
        whoever reaches this port can be any agent. Ids that begin with anon, as connect() makes them, are guests in
        both cases.
        """,
    )
    genesys_errors: bool = key(
        True,
        kinds.switch,
        text="""
        Tell an ERROR before the BYE of a call that failed; false for pages with version 1.0.0 of the library.
        """,
    )
    genesys_self_destination: str = key(
        "",
        kinds.secret,
        text="""
        Where a page's call to "self" goes, as the number of an echo test. Empty: it fails.
        """,
    )
    genesys_body_limit: int = key(
        262144,
        kinds.integer(65536, 16777216),
        unit="bytes",
        text="""
        The longest message of such a page.
        """,
    )
    genesys_node: str = key(
        "",
        kinds.node,
        text="""
        The value of the cookie wrtcgw_node, for a load balancer that keeps pages on one gateway by it. Empty: no
        cookie.
        """,
    )
