"""Rate, errors and duration of what a service is asked: HTTP requests and RPCs.

Counting a call must cost next to nothing, so it is plain lists here, which turn into metrics when
somebody asks. All of it happens on the event loop's thread, and a service is one process with one
loop: more of it are more replicas, each a target of its own for Prometheus.

Labels are bounded whatever a client sends: methods are those of HTTP or "other", routes are the
templates that a service has or "other", codes and problems come from the code.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from time import time
from typing import Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

SECONDS_BUCKETS: Final = (
    *(0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0),
)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER: Final = "other"
SERIES_MAX: Final = 100
"""Where names come from another service, more than this many are one: "other"."""


class Calls:
    """Calls of one kind, by code and by how long they took."""

    def __init__(self) -> None:
        self.codes: dict[int | str, int] = {}
        self.buckets = [0] * (len(SECONDS_BUCKETS) + 1)
        self.exemplars: list[Exemplar | None] = [None] * len(self.buckets)
        self.sum = 0.0

    def count(
        self, code: int | str, seconds: float, exemplar: dict[str, str] | None = None
    ) -> None:
        """Count one call: a few list increments; one that was traced stands for its bucket."""
        bucket = bisect_left(SECONDS_BUCKETS, seconds)
        self.codes[code] = self.codes.get(code, 0) + 1
        self.buckets[bucket] += 1
        self.sum += seconds
        if exemplar is not None:
            self.exemplars[bucket] = Exemplar(exemplar, seconds, time())

    def count_untimed(self, code: int | str) -> None:
        """Count one call whose time was its client's: it says nothing of how quick we are."""
        self.codes[code] = self.codes.get(code, 0) + 1

    def cumulative(self) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
        """Give the buckets as Prometheus has them: each holds those below it."""
        total = 0
        buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
        bounds = (*map(str, SECONDS_BUCKETS), "+Inf")
        for bound, count, found in zip(bounds, self.buckets, self.exemplars, strict=True):
            total += count
            buckets.append((bound, total, found) if found else (bound, total))
        return buckets


class _Tally(Collector):
    """Kinds of calls by their labels, as a counter and a histogram."""

    counter: tuple[str, str]
    histogram: tuple[str, str]
    labels: tuple[str, ...]

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, ...], Calls] = {}

    def _calls(self, *kind: str) -> Calls:
        found = self._kinds.get(kind)
        if found is None:
            found = self._kinds[kind] = Calls()
        return found

    def describe(self) -> Iterator[Metric]:
        """Name what is given, before there is any."""
        return self.collect()

    def collect(self) -> Iterator[Metric]:
        """Give the counts as metrics."""
        counter = CounterMetricFamily(*self.counter, labels=[*self.labels, "code"])
        seconds = HistogramMetricFamily(*self.histogram, labels=self.labels)
        for kind, calls in self._kinds.items():
            for code, count in calls.codes.items():
                counter.add_metric([*kind, str(code)], count)
            seconds.add_metric(kind, calls.cumulative(), calls.sum)
        yield counter
        yield seconds


class RequestTally(_Tally):
    """A service's HTTP requests by method, route and status; only records' route has an arm."""

    counter = ("meshsplit_requests", "HTTP requests, by route and status")
    histogram = (
        "meshsplit_request_seconds",
        "Time from a request's headers to its answer, in seconds",
    )
    labels = ("service", "arm", "method", "route")

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def of(self, method: str, route: str, arm: str = "") -> Calls:
        """Give where to count requests of a method for a route: a template, never a path."""
        bounded = method if method in METHODS else OTHER
        return self._calls(self._service, arm, bounded, route)


class RpcTally(_Tally):
    """A service's RPCs by method and gRPC status."""

    counter = ("meshsplit_rpcs", "RPCs, by method and status")
    histogram = ("meshsplit_rpc_seconds", "Time from an RPC's message to its answer, in seconds")
    labels = ("service", "method")

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def of(self, method: str) -> Calls:
        """Give where to count RPCs of a method: one the service has."""
        return self._calls(self._service, method)


class LabelledCount(Collector):
    """Counts by labels, one of which holds names from elsewhere.

    Args:
        name: the metric's, without ``_total``.
        what: its line of help.
        labels: their names.
        foreign: the one of them whose values another service may have chosen.

    """

    def __init__(self, name: str, what: str, labels: Sequence[str], *, foreign: str) -> None:
        self._name = name
        self._what = what
        self._labels = labels
        self._foreign = labels.index(foreign)
        self._counts: dict[tuple[str, ...], int] = {}

    def count(self, *values: str) -> None:
        """Count one. Past ``SERIES_MAX`` series the foreign label of a new one is "other"."""
        if values not in self._counts and len(self._counts) >= SERIES_MAX:
            values = (*values[: self._foreign], OTHER, *values[self._foreign + 1 :])
        self._counts[values] = self._counts.get(values, 0) + 1

    def collect(self) -> Iterator[Metric]:
        """Give the counts as a metric."""
        family = CounterMetricFamily(self._name, self._what, labels=self._labels)
        for values, count in self._counts.items():
            family.add_metric(values, count)
        yield family
