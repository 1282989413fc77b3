"""Samples for charts: one each second for some minutes, and one each ten seconds for some hours."""

from collections import deque
from collections.abc import Iterable, Iterator

from attrs import define, field, frozen

from wrtcgw.meters.histogram import percentile

FINE_STEP, FINE_KEPT = 1, 600
COARSE_STEP, COARSE_KEPT = 10, 1080
"""Seconds of a step, and how many are kept: ten minutes, and three hours."""


@frozen(kw_only=True)
class Sample:
    """
    One step: at its end the gauges, and what came within it.

    ``time`` is in milliseconds since the epoch, ``lag`` how many milliseconds the event loop was late at most.
    """

    time: int
    calls: int
    agents: int
    begun: int
    http: int
    sip_in: int
    sip_out: int
    failures: int
    setups: tuple[float, ...] = field(default=(), repr=False)
    answers: tuple[float, ...] = field(default=(), repr=False)
    lag: float = 0.0

    @property
    def setup_p95(self) -> float | None:
        """Return within how many milliseconds 95 of 100 far sides said something; None when none did."""
        return percentile(self.setups, 0.95)

    @property
    def answer_p95(self) -> float | None:
        """Return within how many milliseconds 95 of 100 calls were answered; None when none was."""
        return percentile(self.answers, 0.95)


def merged(samples: Iterable[Sample]) -> Sample:
    """Return one sample for several that follow each other."""
    parts = tuple(samples)
    last = parts[-1]
    return Sample(
        time=last.time,
        calls=last.calls,
        agents=last.agents,
        begun=sum(each.begun for each in parts),
        http=sum(each.http for each in parts),
        sip_in=sum(each.sip_in for each in parts),
        sip_out=sum(each.sip_out for each in parts),
        failures=sum(each.failures for each in parts),
        setups=tuple(duration for each in parts for duration in each.setups),
        answers=tuple(duration for each in parts for duration in each.answers),
        lag=max(each.lag for each in parts),
    )


@define(eq=False)
class Series:
    """The samples in both steps, oldest first."""

    _fine: deque[Sample] = field(factory=lambda: deque(maxlen=FINE_KEPT))
    _coarse: deque[Sample] = field(factory=lambda: deque(maxlen=COARSE_KEPT))
    _open: list[Sample] = field(factory=list)

    def add(self, sample: Sample) -> None:
        """Take the sample of a second."""
        self._fine.append(sample)
        self._open.append(sample)
        if len(self._open) == COARSE_STEP // FINE_STEP:
            self._coarse.append(merged(self._open))
            self._open.clear()

    def since(self, time: int, step: int = FINE_STEP) -> Iterator[Sample]:
        """Iterate over the samples of a step after a time."""
        samples = self._coarse if step == COARSE_STEP else self._fine
        return (sample for sample in tuple(samples) if sample.time > time)

    def newest(self, seconds: int) -> list[Sample]:
        """Return the samples of so many seconds, newest last."""
        return list(self._fine)[-seconds:]
