"""Counters, latencies, samples."""

from math import inf

from twisted.trial.unittest import SynchronousTestCase

from wrtcgw.meters.histogram import KEPT, Buckets, Latency, percentile
from wrtcgw.meters.meters import Meters
from wrtcgw.meters.tally import MOST, Tally
from wrtcgw.meters.timeseries import COARSE_KEPT, COARSE_STEP, FINE_KEPT, Sample, Series


class LatencyTests(SynchronousTestCase):
    """Durations."""

    def test_summary(self) -> None:
        """The middle, the 95th of 100 and the longest are values that occurred."""
        latency = Latency()
        self.assertIsNone(latency.summary())
        for value in range(100, 0, -1):
            latency.add(value)
        summary = latency.summary()
        assert summary is not None
        self.assertEqual((summary.p50, summary.p95, summary.longest, summary.count), (50, 95, 100, 100))

    def test_few(self) -> None:
        """One value is all of them; of two the 95th is the larger."""
        self.assertEqual(percentile([7.0], 0.5), 7)
        self.assertEqual(percentile([7.0], 0.95), 7)
        self.assertEqual(percentile([9.0, 7.0], 0.95), 9)
        self.assertEqual(percentile([9.0, 7.0], 0.5), 7)
        self.assertIsNone(percentile([], 0.5))

    def test_bounded(self) -> None:
        """Old values do not count any more, but in the number of all."""
        latency = Latency()
        latency.add(1e6)
        for _ in range(KEPT):
            latency.add(5)
        summary = latency.summary()
        assert summary is not None
        self.assertEqual((summary.longest, summary.count), (5, KEPT + 1))
        self.assertEqual(len(latency.taken()), KEPT)
        self.assertEqual(latency.taken(), [])


def sample(time: int, **fields: object) -> Sample:
    """Return a sample with zeros where a test does not say otherwise."""
    zeros = dict.fromkeys(("calls", "agents", "begun", "http", "sip_in", "sip_out", "failures"), 0)
    return Sample(**{"time": time, **zeros, **fields})  # type: ignore[arg-type]


class SeriesTests(SynchronousTestCase):
    """Samples."""

    def test_bounded(self) -> None:
        """Both rings are bounded, and ask for nothing twice."""
        series = Series()
        for second in range(1, 20_001):
            series.add(sample(second * 1000))
        fine, coarse = list(series.since(0)), list(series.since(0, COARSE_STEP))
        self.assertEqual((len(fine), len(coarse)), (FINE_KEPT, COARSE_KEPT))
        self.assertEqual((fine[-1].time, coarse[-1].time), (20_000_000, 20_000_000))
        self.assertEqual([each.time for each in series.since(19_998_000)], [19_999_000, 20_000_000])
        self.assertEqual(list(series.since(20_000_000)), [])

    def test_coarse(self) -> None:
        """A coarse sample has the sums of what came, the newest gauges and the worst delay."""
        series = Series()
        for second in range(10):
            series.add(
                sample(second, calls=second, begun=1, failures=2, answers=(float(second),), lag=float(second % 7))
            )
        (coarse,) = series.since(-1, COARSE_STEP)
        self.assertEqual((coarse.calls, coarse.begun, coarse.failures, coarse.lag), (9, 10, 20, 6))
        self.assertEqual(coarse.answer_p95, 9)
        self.assertIsNone(sample(1).answer_p95)


class TallyTests(SynchronousTestCase):
    """Numbers by labels."""

    def test_numbers(self) -> None:
        """Each combination has its number, and all of them together one; what is known is there from the beginning."""
        tally = Tally.of(("in",), ("out",))
        for direction in ("in", "in", "up"):
            tally.add(direction)
        self.assertEqual(dict(tally), {("in",): 2, ("out",): 0, ("up",): 1})
        self.assertEqual((tally.total, tally.number("in"), tally.number("nothing")), (3, 2, 0))

    def test_bounded(self) -> None:
        """Whoever can invent labels makes no more series than so many; nothing is lost from the sum."""
        tally = Tally()
        for number in range(3 * MOST):
            tally.add(str(number), "x")
        self.assertEqual(len(dict(tally)), MOST + 1)
        self.assertEqual((tally.number("other", "other"), tally.total), (2 * MOST, 3 * MOST))


class BucketsTests(SynchronousTestCase):
    """Values by bounds."""

    def test_cumulative(self) -> None:
        """A bucket has all values up to its bound, the bound included, and the last one all there are."""
        buckets = Buckets((1.0, 2.0))
        for value in (0.5, 1.0, 1.5, 7.0):
            buckets.add(value)
        self.assertEqual(list(buckets), [(1.0, 2), (2.0, 3), (inf, 4)])
        self.assertEqual((buckets.sum, buckets.count), (10.0, 4))


class MetersTests(SynchronousTestCase):
    """All together."""

    def test_samples(self) -> None:
        """A sample has what came since the one before, and each answer once."""
        meters = Meters()
        meters.sip.messages.extend([(("in",), 5)])
        meters.calls.answer.add(30)
        meters.sample(1000, calls=2, agents=3, lag=0.5)
        meters.sip.messages.extend([(("in",), 2)])
        meters.calls.begun.add("inbound")
        meters.sample(2000, calls=1, agents=3, lag=0)
        one, two = meters.series.since(0)
        self.assertEqual((one.sip_in, one.calls, one.agents, one.answers, one.lag), (5, 2, 3, (30,), 0.5))
        self.assertEqual((two.sip_in, two.begun, two.answers), (2, 1, ()))

    def test_rates(self) -> None:
        """Rates are those of the last ten seconds."""
        meters = Meters()
        self.assertEqual(meters.rates()["sipIn"], 0)
        for second in range(20):
            meters.sip.messages.extend([(("in",), 100 if second < 10 else 3)])
            meters.sample(second, calls=0, agents=0, lag=0)
        self.assertEqual(meters.rates()["sipIn"], 3)

    def test_links(self) -> None:
        """A connection that comes up again is counted, one that never was up is not."""
        meters = Meters()
        meters.disconnected(1, 1.0)
        self.assertEqual((meters.links[1].reconnects, meters.links[1].since), (0, 1.0))
        meters.connected(0, 1.0)
        self.assertEqual(meters.links[0].reconnects, 0)
        meters.disconnected(0, 2.0)
        meters.connected(0, 3.0)
        self.assertEqual((meters.links[0].reconnects, meters.links[0].since), (1, 3.0))
