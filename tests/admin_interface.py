"""A gateway's admin interface for tests of those who ask it."""

import json
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.answering import Answers, Server


class Admin(Server):
    """A gateway's admin interface that has the weights and the counters a test gives it."""

    def __init__(self) -> None:
        super().__init__(_Answers)
        self.weights = {"ingest": 50, "bridge": 50}
        self.counters = {"ingest": 1000, "bridge": 1000}
        self.reloads = 2
        self._started = time.monotonic() - random.uniform(60, 1e6)  # one of its own, for Redis

    def routes(self) -> dict[str, Any]:
        clusters = [
            {"name": f"outbound|8000||{host}", "weight": weight}
            for host, weight in self.weights.items()
        ]
        origin = "/apis/networking.istio.io/v1/namespaces/default/virtual-service/records"
        route = {
            "name": "split",
            "metadata": {"filter_metadata": {"istio": {"config": origin}}},
            "route": {"weighted_clusters": {"clusters": clusters}},
        }
        return {"configs": [{"route_config": {"virtual_hosts": [{"routes": [route]}]}}]}

    def stats(self) -> str:
        return "".join(
            f"cluster.outbound|8000||{host}.upstream_rq_total: {count}\n"
            for host, count in self.counters.items()
        ) + (
            f"http.gateway.rds.http.80.config_reload: {self.reloads}\n"
            f"server.uptime: {int(time.monotonic() - self._started)}\n"
        )


class _Answers(Answers):
    server: Admin

    def do_GET(self) -> None:  # noqa: N802 - the library's name
        config = self.path.startswith("/config_dump")
        said = json.dumps(self.server.routes()) if config else self.server.stats()
        self.answer(said.encode())


@pytest.fixture
def admin() -> Iterator[Admin]:
    with Admin().serving() as server:
        yield server
