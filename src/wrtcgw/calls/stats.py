"""What is known of a call's media, as the page reports it; 0 stands for what nobody has told."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from attrs import asdict, define, evolve, field, frozen


@frozen(kw_only=True)
class Flow:
    """One direction of a medium."""

    packets: int = 0
    bytes: int = 0
    lost: int = 0
    jitter: float = 0.0
    """In milliseconds."""


@frozen(kw_only=True)
class Media:
    """One medium; times are milliseconds, ``rx`` is what the page receives."""

    codec: str = ""
    mos: float = 0.0
    """Mean opinion score, 1 to 5, as the page estimates it."""
    rtt: float = 0.0
    rtt_max: float = 0.0
    rtt_average: float = 0.0
    rx: Flow = field(factory=Flow)
    tx: Flow = field(factory=Flow)


PAGE_VERDICTS = (
    "good",
    "unknown",
    "mic_silent",
    "device_gone",
    "no_incoming_packets",
    "incoming_silence",
    "relay_lost",
    "high_packet_loss",
    "high_rtt",
    "high_jitter",
    "low_mos",
)
"""What the page of a call may say of its media; ``unknown`` of too short a call."""


@frozen(kw_only=True)
class PageVerdict:
    """What the page says of the media until now: ``code`` is true of ``share`` percent of ``seconds`` of talk."""

    code: str
    """One of :data:`PAGE_VERDICTS`."""
    share: float = 0.0
    seconds: float = 0.0


@frozen(kw_only=True)
class Stats:
    """A report: when it was made (milliseconds since the epoch), and for how many milliseconds the call has gone on."""

    timestamp: float = 0.0
    duration: float = 0.0
    verdict: PageVerdict | None = None
    audio: Media = field(factory=Media)
    video: Media | None = None

    @property
    def media(self) -> Iterator[tuple[str, Media]]:
        """Iterate over the media and their names."""
        yield "audio", self.audio
        if self.video is not None:
            yield "video", self.video


@frozen(kw_only=True)
class Worst:
    """The worst that reports said of one medium; ``loss`` is percent of what was sent between two reports."""

    rtt: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    mos: float = 0.0

    def after(self, before: Media, media: Media) -> "Worst":
        """Return the worst of this and of a report that followed on ``before``."""
        pairs = (before.rx, media.rx), (before.tx, media.tx)
        heard = [mos for mos in (self.mos, media.mos) if mos]
        return Worst(
            rtt=max(self.rtt, media.rtt, media.rtt_max),
            jitter=max(self.jitter, media.rx.jitter, media.tx.jitter),
            loss=max(self.loss, _loss(*pairs[0], sent=False), _loss(*pairs[1], sent=True)),
            mos=min(heard, default=0.0),
        )


def _loss(before: Flow, after: Flow, *, sent: bool) -> float:
    """Return how many percent were lost between two reports; those that were sent count the lost ones among them."""
    lost, packets = after.lost - before.lost, after.packets - before.packets
    total = packets if sent else packets + lost
    return min(100.0, 100 * lost / total) if lost > 0 and total > 0 else 0.0


class Verdict(Enum):
    """How the audio of a call was, as far as its page has told."""

    UNREPORTED = "unreported"
    SILENT = "silent"
    """No packet came or went."""
    PAGE_DEAF = "page_deaf"
    """None came."""
    FAR_SIDE_DEAF = "far_side_deaf"
    """None went."""
    POOR = "poor"
    FAIR = "fair"
    GOOD = "good"
    UNRATED = "unrated"
    """Packets went both ways; how they sounded was not told."""


SHORT = 5.0
"""Seconds below which a call may be over before any packets were reported."""
GRADES = ((3.1, Verdict.POOR), (4.0, Verdict.FAIR))
"""Mean opinion scores, and what audio below them is called."""


def graded(mos: float) -> Verdict:
    """Return how audio of a mean opinion score is heard; 0 is a score that the page does not tell."""
    return next((grade for bound, grade in GRADES if mos < bound), Verdict.GOOD) if mos else Verdict.UNRATED


@define
class Reports:
    """The last report of a call's page, with the greatest and the mean round-trip time, and the worst of all."""

    last: Stats = field(factory=Stats)
    count: int = 0
    worst: dict[str, Worst] = field(factory=dict)
    """By the medium."""
    _rtt_sums: dict[str, float] = field(factory=dict)

    def add(self, stats: Stats) -> None:
        """Take a report; what it says itself of greatest and mean counts for more than what is known here."""
        self.count += 1
        before = dict(self.last.media)
        media = {name: self._add(name, before.get(name, Media()), told) for name, told in stats.media}
        verdict = stats.verdict or self.last.verdict
        self.last = evolve(stats, audio=media["audio"], video=media.get("video"), verdict=verdict)

    def _add(self, name: str, before: Media, told: Media) -> Media:
        self.worst[name] = self.worst.get(name, Worst()).after(before, told)
        self._rtt_sums[name] = self._rtt_sums.get(name, 0.0) + told.rtt
        longest = max(told.rtt_max, told.rtt, before.rtt_max)
        return evolve(told, rtt_max=longest, rtt_average=told.rtt_average or self._rtt_sums[name] / self.count)

    def verdict(self, seconds: float) -> Verdict:
        """Return how the audio of the call was, which has gone on for so many seconds."""
        if not self.count:
            return Verdict.UNREPORTED
        audio = self.last.audio
        received, sent = audio.rx.packets, audio.tx.packets
        if seconds >= SHORT and not (received and sent):
            return Verdict.PAGE_DEAF if sent else Verdict.FAR_SIDE_DEAF if received else Verdict.SILENT
        return graded(audio.mos)

    # -- across a restart

    def snapshot(self) -> dict[str, object]:
        """Return plain data, from which :meth:`restore` makes an equal value."""
        return asdict(self)

    @classmethod
    def restore(cls, data: Mapping[str, Any]) -> "Reports":
        """Return what :meth:`snapshot` was taken of."""
        last = data["last"]
        media: dict[str, Any] = {
            name: None if last[name] is None else _media(last[name]) for name in ("audio", "video")
        }
        verdict = last.get("verdict")
        media["verdict"] = None if verdict is None else PageVerdict(**verdict)
        worst = {name: Worst(**told) for name, told in data["worst"].items()}
        return cls(Stats(**{**last, **media}), data["count"], worst, dict(data["_rtt_sums"]))


def _media(data: Mapping[str, Any]) -> Media:
    return Media(**{**data, "rx": Flow(**data["rx"]), "tx": Flow(**data["tx"])})
