"""What is known of a call's media, as the page reports it; 0 stands for what nobody has told."""

from attrs import define, evolve, field, frozen


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

    rtt: float = 0.0
    rtt_max: float = 0.0
    rtt_average: float = 0.0
    rx: Flow = field(factory=Flow)
    tx: Flow = field(factory=Flow)


@frozen(kw_only=True)
class Stats:
    """A report: when it was made (milliseconds since the epoch), and for how many milliseconds the call has gone on."""

    timestamp: float = 0.0
    duration: float = 0.0
    audio: Media = field(factory=Media)
    video: Media | None = None


@define
class Reports:
    """The last report of a call's page, with the greatest and the mean round-trip time of all."""

    last: Stats = field(factory=Stats)
    _rtt_sum: float = 0.0
    _count: int = 0

    def add(self, stats: Stats) -> None:
        """Take a report; what it says itself of greatest and mean counts for more than what is known here."""
        audio = stats.audio
        self._rtt_sum += audio.rtt
        self._count += 1
        longest = max(audio.rtt_max, audio.rtt, self.last.audio.rtt_max)
        mean = audio.rtt_average or self._rtt_sum / self._count
        self.last = evolve(stats, audio=evolve(audio, rtt_max=longest, rtt_average=mean))
