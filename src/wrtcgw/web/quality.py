"""
The quality of calls: what a page reports of its media comes in here, and is shown again.

The numbers are those of the browser's ``getStats()``
(https://www.w3.org/TR/webrtc-stats/), its seconds as milliseconds.
"""

import re
from collections.abc import Mapping

from attrs import asdict

from wrtcgw.calls.stats import PAGE_VERDICTS, Flow, Media, PageVerdict, Reports, Stats
from wrtcgw.errors import BadInput

REPORT_LIMIT = 8192
"""Bytes of one report."""
MOST_TIME = 3_600_000.0
"""Milliseconds: no round trip takes an hour."""
MOST_TALK = 604_800.0
"""Seconds: no call lasts for more than a week."""
MOST_COUNTED = 2.0**53
"""Beyond it numbers of JSON are not whole (:rfc:`8259#section-6`)."""

_CODEC = re.compile(r"[A-Za-z0-9!#$&^_.+/-]{1,64}")
"""A media type or the second part of one (:rfc:`6838#section-4.2`)."""

Given = Mapping[str, object]


def read_report(given: Given, now: float) -> Stats:
    """
    Read a report; fields that are not known do not count, and null is as good as absent.

    :param now: the wall clock's seconds, for a report that does not say when it was made.
    :raises BadInput: naming the field, what was expected and what was found.
    """
    audio, video = _part(given, "audio", ""), _part(given, "video", "")
    if audio is None and video is None:
        raise BadInput("audio", "an object, here or as video", "nothing")
    return Stats(
        timestamp=_number(given, "timestamp", "", MOST_COUNTED) or now * 1000,
        audio=_media(audio or {}, "audio."),
        video=None if video is None else _media(video, "video."),
        verdict=_verdict(given),
    )


def _verdict(given: Given) -> PageVerdict | None:
    told = _part(given, "verdict", "")
    if told is None:
        return None
    code = told.get("code")
    if not isinstance(code, str) or code not in PAGE_VERDICTS:
        raise BadInput("verdict.code", f"one of {', '.join(PAGE_VERDICTS)}", _shown(code))
    return PageVerdict(
        code=code,
        share=_number(told, "share", "verdict.", 100.0),
        seconds=_number(told, "seconds", "verdict.", MOST_TALK),
    )


def _media(given: Given, prefix: str) -> Media:
    mos = _number(given, "mos", prefix, 5.0)
    if mos and mos < 1:
        raise BadInput(prefix + "mos", "a number from 1 to 5", f"{mos:g}")
    return Media(
        codec=_codec(given, prefix),
        mos=mos,
        rtt=_number(given, "rtt", prefix, MOST_TIME),
        rx=_flow(_part(given, "rx", prefix) or {}, prefix + "rx."),
        tx=_flow(_part(given, "tx", prefix) or {}, prefix + "tx."),
    )


def _flow(given: Given, prefix: str) -> Flow:
    return Flow(
        packets=_count(given, "packets", prefix),
        bytes=_count(given, "bytes", prefix),
        lost=max(0, _count(given, "lost", prefix, lowest=-MOST_COUNTED)),
        jitter=_number(given, "jitter", prefix, MOST_TIME),
    )


def _part(given: Given, name: str, prefix: str) -> Given | None:
    value = given.get(name)
    if value is None or isinstance(value, dict):
        return value
    raise BadInput(prefix + name, "an object", _shown(value))


def _codec(given: Given, prefix: str) -> str:
    value = given.get("codec")
    if value is None:
        return ""
    if not isinstance(value, str) or _CODEC.fullmatch(value) is None:
        raise BadInput(prefix + "codec", "a codec's name, as opus or audio/opus", _shown(value))
    return value


def _number(given: Given, name: str, prefix: str, most: float, lowest: float = 0.0) -> float:
    value = given.get(name)
    if value is None:
        return 0.0
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not (numeric and lowest <= value <= most):  # type: ignore[operator]  # NaN is not between any two
        raise BadInput(prefix + name, f"a number from {lowest:.16g} to {most:.16g}", _shown(value))
    return float(value)  # type: ignore[arg-type]


def _count(given: Given, name: str, prefix: str, lowest: float = 0.0) -> int:
    """Return a number of packets or bytes; packets lost are fewer than none when some came twice (:rfc:`3550`)."""
    value = _number(given, name, prefix, MOST_COUNTED, lowest)
    if not value.is_integer():
        raise BadInput(prefix + name, "a whole number", f"{value:g}")
    return int(value)


def _shown(value: object) -> str:
    """Return a wrong value for an error: a number or text cut short, of anything else its kind."""
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return str(value)[:40] if plain else type(value).__name__


def quality_view(reports: Reports) -> dict[str, object] | None:
    """Return the last values and the worst ones of a call's media, None when its page has reported none."""
    if not reports.count:
        return None
    verdict = reports.last.verdict
    view: dict[str, object] = {
        "reports": reports.count,
        "timestamp": round(reports.last.timestamp),
        "verdict": None if verdict is None else asdict(verdict),
    }
    for name, media in reports.last.media:
        worst = reports.worst[name]
        view[name] = {
            "codec": media.codec or None,
            "mos": media.mos or None,
            "rtt": media.rtt,
            "rttAverage": round(media.rtt_average, 3),
            "rx": asdict(media.rx),
            "tx": asdict(media.tx),
            "worst": {
                "mos": worst.mos or None,
                "rtt": worst.rtt,
                "jitter": worst.jitter,
                "loss": round(worst.loss, 2),
            },
        }
    return view
