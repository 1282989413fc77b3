"""What a scrape of ``/metrics`` gives, read by Prometheus' own parsers."""

from collections.abc import Iterable

from attrs import field, frozen
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families


@frozen
class Scraped:
    """The samples by name and labels."""

    families: dict[str, Metric]
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = field(repr=False)

    @classmethod
    def of(cls, text: str, *, openmetrics: bool = False) -> "Scraped":
        """Read a response; each sample may be there only once."""
        parse = openmetrics_families if openmetrics else text_families
        families: Iterable[Metric] = list(parse(text))
        samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        for family in families:
            for sample in family.samples:
                key = sample.name, frozenset(sample.labels.items())
                assert key not in samples, key
                samples[key] = sample.value
        return cls({family.name: family for family in families}, samples)

    def get(self, name: str, **labels: str) -> float:
        """Return one sample."""
        return self.samples[name, frozenset(labels.items())]

    def sum(self, name: str, **labels: str) -> float:
        """Return the sum of all samples of a name that have these labels."""
        wanted = set(labels.items())
        return sum(value for (found, having), value in self.samples.items() if found == name and wanted <= having)
