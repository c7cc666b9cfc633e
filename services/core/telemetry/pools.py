"""How full the pools of connections are, asked when somebody scrapes."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class Connections(NamedTuple):
    """How many of a pool's connections are in use, and how many may be."""

    in_use: int
    limit: int


class Pools(Collector):
    """Each pool of a service, by a name of the service's own."""

    def __init__(self, pools: Mapping[str, Callable[[], Connections]]) -> None:
        self._pools = dict(pools)

    def collect(self) -> Iterator[Metric]:
        """Give both figures of each pool."""
        in_use = GaugeMetricFamily(
            "meshsplit_pool_connections", "Connections in use", labels=["pool"]
        )
        limit = GaugeMetricFamily(
            "meshsplit_pool_connections_limit", "Most connections at once", labels=["pool"]
        )
        for name, ask in self._pools.items():
            connections = ask()
            in_use.add_metric([name], connections.in_use)
            limit.add_metric([name], connections.limit)
        yield in_use
        yield limit
