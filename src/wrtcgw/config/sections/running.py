"""What operators see, and how the process runs."""

from pathlib import Path
from typing import ClassVar

from attrs import frozen

from wrtcgw.config import kinds
from wrtcgw.config.keys import key, seconds
from wrtcgw.config.kinds import HEPTarget


@frozen(kw_only=True, slots=False)
class Operators:
    """What operators see (/ops/, /api/ops/)."""

    TITLE: ClassVar[str] = "what operators see (/ops/, /api/ops/)"

    capture: bool = key(
        True,
        kinds.switch,
        text="""
        Keep every message of the calls, HTTP and SIP, in memory, for the ladders of operators. They can switch it
        while the gateway runs.
        """,
    )
    capture_calls: int = key(
        200,
        kinds.integer(1, 100000),
        text="""
        Of at most so many calls, and so many bytes in all: those that ended first go first.
        """,
    )
    capture_bytes: int = key(33554432, kinds.integer(1048576, 2**34), unit="bytes")
    history_calls: int = key(
        1000,
        kinds.integer(1, 1000000),
        text="""
        How many calls that are over are remembered, without their messages.
        """,
    )
    hep_target: HEPTarget | None = key(  # noqa: RUF009
        None,
        kinds.hep_target,
        text="""
        A Homer server that gets each SIP message by HEP 3, secrets masked as in the log (trace_data holds here too):
        "udp:homer.example.org:9060" or "tcp:homer.example.org:9061". It may be away: nothing waits for it.
        """,
    )
    hep_id: int = key(
        2001,
        kinds.integer(0, 2**32 - 1),
        text="""
        The number of this gateway there, and the server's password, if it has one; it goes in clear.
        """,
    )
    hep_password: str = key("", kinds.secret, secret=True)
    hep_password_file: Path | None = key(None, kinds.path)  # noqa: RUF009
    call_records: Path | None = key(  # noqa: RUF009
        None,
        kinds.path,
        reload=True,
        text="""
        A file that gets a line of JSON for each call that is over, readable for the service and its group (0640):
        "/var/log/wrtcgw/calls.jsonl". A reload opens it anew, for logrotate (conf/logrotate/). A disk that is full
        never hurts calls.
        """,
    )


@frozen(kw_only=True, slots=False)
class Traces:
    """Traces for OpenTelemetry."""

    TITLE: ClassVar[str] = "traces for OpenTelemetry (pip install 'wrtcgw[otel]')"

    traces_endpoint: str = key(
        "",
        kinds.otlp_url,
        text="""
        Where spans go by OTLP over HTTP: "http://127.0.0.1:4318/v1/traces", the whole URL. Empty: there are none, and
        they cost nothing. The collector may be away: nothing waits for it.
        """,
    )
    traces_ratio: float = key(
        0.01,
        kinds.number(0.0, 1.0),
        text="""
        How many of all calls get a trace, from 0 to 1. By lot, also where a page has begun the trace.
        """,
    )
    traces_headers: tuple[tuple[str, str], ...] = key(
        (),
        kinds.many(kinds.header_line),
        secret=True,
        text="""
        Header fields for the collector, as ["Authorization: Bearer ..."]; in the file one a line.
        """,
    )
    traces_headers_file: Path | None = key(None, kinds.path)  # noqa: RUF009
    traces_ca_file: Path | None = key(  # noqa: RUF009
        None,
        kinds.path,
        text="""
        CA certificates of a collector by https that is signed by none of the usual ones.
        """,
    )


@frozen(kw_only=True, slots=False)
class Running:
    """Running."""

    TITLE: ClassVar[str] = "running"

    log_level: str = key(
        "info",
        kinds.choice(*kinds.LEVELS, aliases={"warning": "warn"}),
        reload=True,
        text="""
        debug (with all SIP messages, secrets masked), info, warn, error or critical.
        """,
    )
    log_levels: tuple[tuple[str, str], ...] = key(
        (),
        kinds.many(kinds.component_level),
        reload=True,
        text="""
        Other levels for some parts: ["transport=debug", "web=warn"]. sip_service at debug has the SIP messages.
        """,
    )
    log_format: str = key(
        "text",
        kinds.choice("text", "json", "journal"),
        text="""
        text, as twistd writes it; json, an object a line, with callId, sipCallId, dn, agent, uuid where they are known;
        journal, without time and with the priorities that systemd's journal reads. --syslog stays as it is.
        """,
    )
    trace_data: bool = key(
        False,
        kinds.switch,
        reload=True,
        text="""
        Show in these messages the data that is attached to calls (X-Data- and User-to-User headers, bodies of INFO
        and MESSAGE), and not only its size. It may be personal data.
        """,
    )
    drain_timeout: float = seconds(
        5.0,
        0.0,
        text="""
        How long calls and registrations may take to end when the service stops.
        """,
    )
